#include "physics/integrator.h"

#include "physics/dop853.h"

#include <math.h>
#include <string.h>

static const char *const integrator_names[INTEGRATOR_COUNT] = {
#define INTEGRATOR_NAME(id, text, order) [INTEGRATOR_##id] = text,
    INTEGRATOR_LIST(INTEGRATOR_NAME)
#undef INTEGRATOR_NAME
};

static const int integrator_orders[INTEGRATOR_COUNT] = {
#define INTEGRATOR_ORDER(id, text, order) [INTEGRATOR_##id] = order,
    INTEGRATOR_LIST(INTEGRATOR_ORDER)
#undef INTEGRATOR_ORDER
};

const char *integrator_name(enum integrator integrator) {
  return (unsigned)integrator < INTEGRATOR_COUNT ? integrator_names[integrator] : NULL;
}

int integrator_order(enum integrator integrator) {
  return (unsigned)integrator < INTEGRATOR_COUNT ? integrator_orders[integrator] : 0;
}

/* What a step needs; the methods differ in nothing else. */
struct motion {
  const struct system *system;
  const struct system_parameters *parameters;
};

static bool all_finite(int n, const double *state) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += 0 * state[i]; /* 0 * infinity and 0 * NaN are NaN */
  return sum == 0;
}

/* For H = K(p) + V(q) the field's first half, dK/dp, depends on p alone and its second, -dV/dq, on q alone: each
 * partial flow is exact, p += h (-dV/dq) at constant q and q += h dK/dp at constant p. */
static void kick(const struct motion *motion, double h, double *state) {
  int d = motion->system->freedom;
  double rate[SYSTEM_STATE_MAX];
  motion->system->field(motion->parameters, state, rate);
  for (int i = d; i < 2 * d; i++) state[i] += h * rate[i];
}

static void drift(const struct motion *motion, double h, double *state) {
  int d = motion->system->freedom;
  double rate[SYSTEM_STATE_MAX];
  motion->system->field(motion->parameters, state, rate);
  for (int i = 0; i < d; i++) state[i] += h * rate[i];
}

static enum status step_symplectic_euler(const struct motion *motion, double h, double *state) {
  kick(motion, h, state);
  drift(motion, h, state);
  return STATUS_OK;
}

static enum status step_leapfrog(const struct motion *motion, double h, double *state) {
  kick(motion, 0.5 * h, state);
  drift(motion, h, state);
  kick(motion, 0.5 * h, state);
  return STATUS_OK;
}

/* Triple jump: leapfrog over a h, (1 - 2 a) h, a h with a = 1 / (2 - 2^(1/3)) cancels the error of third order. */
static enum status step_yoshida4(const struct motion *motion, double h, double *state) {
  const double outer = 1.3512071919596576340476878089715, inner = -1.7024143839193152680953756179429;
  step_leapfrog(motion, outer * h, state);
  step_leapfrog(motion, inner * h, state);
  return step_leapfrog(motion, outer * h, state);
}

/* Midpoint z = x + h/2 f(z), then x + h f(z). Fixed point iteration, which contracts by about h L / 2 with L the
 * field's Lipschitz constant, until the change is rounding. */
static enum status step_implicit_midpoint(const struct motion *motion, double h, double *state) {
  enum { ITERATIONS_MAX = 500 };
  const double rounding = 0x1p-52;
  int n = 2 * motion->system->freedom;
  double z[SYSTEM_STATE_MAX], rate[SYSTEM_STATE_MAX], last = HUGE_VAL;
  memcpy(z, state, (size_t)n * sizeof *z);
  for (int iteration = 0; iteration < ITERATIONS_MAX; iteration++) {
    double change = 0, size = 0;
    motion->system->field(motion->parameters, z, rate);
    for (int i = 0; i < n; i++) {
      double moved = state[i] + 0.5 * h * rate[i];
      change = fmax(change, fabs(moved - z[i]));
      size = fmax(size, fabs(moved));
      z[i] = moved;
    }
    if (!all_finite(n, z)) break;
    /* At rounding level the change may wander for ever without reaching zero. */
    if (change <= rounding * size || (change >= last && change <= 64 * rounding * size)) {
      motion->system->field(motion->parameters, z, rate);
      for (int i = 0; i < n; i++) state[i] += h * rate[i];
      return STATUS_OK;
    }
    last = change;
  }
  return status_raise(STATUS_NUMERIC, "implicit midpoint: the iteration does not converge at a step of %g s", h);
}

static enum status step_rk4(const struct motion *motion, double h, double *state) {
  static const double node[4] = {0, 0.5, 0.5, 1}, weight[4] = {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6};
  int n = 2 * motion->system->freedom;
  double y[SYSTEM_STATE_MAX], rate[SYSTEM_STATE_MAX] = {0}, rise[SYSTEM_STATE_MAX] = {0};
  for (int s = 0; s < 4; s++) {
    for (int i = 0; i < n; i++) y[i] = state[i] + node[s] * h * rate[i];
    motion->system->field(motion->parameters, y, rate);
    for (int i = 0; i < n; i++) rise[i] += weight[s] * rate[i];
  }
  for (int i = 0; i < n; i++) state[i] += h * rise[i];
  return STATUS_OK;
}

static enum status step_dop853(const struct motion *motion, double h, double *state) {
  double rate[SYSTEM_STATE_MAX];
  motion->system->field(motion->parameters, state, rate);
  dop853_step(motion->system, motion->parameters, h, 0, state, rate, state);
  return STATUS_OK;
}

static bool splits(enum integrator integrator) {
  return integrator == INTEGRATOR_SYMPLECTIC_EULER || integrator == INTEGRATOR_LEAPFROG ||
         integrator == INTEGRATOR_YOSHIDA4;
}

enum status integrator_steps(enum integrator integrator, const struct system *system,
                             const struct system_parameters *parameters, double h, int64_t steps, double *state) {
  static enum status (*const step[INTEGRATOR_COUNT])(const struct motion *, double, double *) = {
      [INTEGRATOR_SYMPLECTIC_EULER] = step_symplectic_euler,
      [INTEGRATOR_LEAPFROG] = step_leapfrog,
      [INTEGRATOR_YOSHIDA4] = step_yoshida4,
      [INTEGRATOR_IMPLICIT_MIDPOINT] = step_implicit_midpoint,
      [INTEGRATOR_RK4] = step_rk4,
      [INTEGRATOR_DOP853] = step_dop853};
  REQUIRE((unsigned)integrator < INTEGRATOR_COUNT, STATUS_ARGUMENT, "no integrator %d", (int)integrator);
  REQUIRE(!splits(integrator) || (system->separable && system->conserved), STATUS_ARGUMENT,
          "%s splits H = K(p) + V(q), which %s is not", integrator_names[integrator], system->name);
  struct motion motion = {system, parameters};
  int n = 2 * system->freedom;
  for (int64_t i = 0; i < steps; i++) {
    TRY(step[integrator](&motion, h, state));
    /* A state that is not finite stays so; looking now and then bounds the time wasted. */
    if (i % 1024 == 1023 && !all_finite(n, state)) break;
  }
  REQUIRE(all_finite(n, state), STATUS_NUMERIC, "%s of %s: the state is no longer finite", integrator_names[integrator],
          system->name);
  return STATUS_OK;
}

/* Step size control of Hairer, Norsett, Wanner, II.4: factor 0.9 err^(-1/8) within [1/3, 6]. */
static double factor(double error) { return error > 0 ? fmin(6, fmax(1.0 / 3, 0.9 / sqrt(sqrt(sqrt(error))))) : 6; }

/* Moves the origin onto a body of the closest pair. Two bodies at 1e-6 of each other and 1 from the origin know their
 * distance to 1e-10 only, and no step is then small enough for the tolerance; seen from one of them they know it to
 * rounding. */
static void recentre(const struct system *system, double *state, double origin[2]) {
  double least = HUGE_VAL;
  int centre = 0;
  for (int i = 0; i < system->bodies; i++) {
    for (int j = i + 1; j < system->bodies; j++) {
      double dx = state[2 * i] - state[2 * j], dy = state[2 * i + 1] - state[2 * j + 1], square = dx * dx + dy * dy;
      if (square < least) {
        least = square;
        centre = i;
      }
    }
  }
  double shift[2] = {state[2 * centre], state[2 * centre + 1]};
  for (int c = 0; c < system->freedom; c++) state[c] -= shift[c % 2];
  for (int c = 0; c < 2; c++) origin[c] += shift[c];
}

enum status integrator_reference(const struct system *system, const struct system_parameters *parameters,
                                 double duration, double tolerance, double *h, double *state) {
  REQUIRE(tolerance > 0 && isfinite(duration) && !isnan(*h), STATUS_ARGUMENT,
          "reference integrator: tolerance %g, duration %g s, step %g s", tolerance, duration, *h);
  int n = 2 * system->freedom;
  double rate[SYSTEM_STATE_MAX], next[SYSTEM_STATE_MAX], sign = duration < 0 ? -1 : 1, left = fabs(duration);
  double natural = fabs(*h), least = 0x1p-52 * left, origin[2] = {0, 0};
  bool rejected = false;
  while (left > 0) {
    if (!rejected) {
      if (system->translates) recentre(system, state, origin);
      system->field(parameters, state, rate);
      if (!all_finite(n, state) || !all_finite(n, rate))
        return status_raise(STATUS_NUMERIC, "reference integrator of %s: the state is not finite", system->name);
      if (natural == 0) natural = dop853_first(system, parameters, tolerance, state, rate);
    }
    /* Equal steps up to the end, none above the natural one: the last is never a splinter, and lands exactly. */
    double pieces = natural < left ? ceil(left / natural) : 1, size = left / pieces;
    REQUIRE(size > least, STATUS_NUMERIC, "reference integrator of %s: the step fell below rounding, to %g s",
            system->name, size);
    double error = dop853_step(system, parameters, sign * size, tolerance, state, rate, next);
    rejected = !(error <= 1);
    if (rejected) {
      natural = size * (isfinite(error) ? factor(error) : 0.1);
      continue;
    }
    /* A step cut to less than half says little about how long one might be: it may raise the natural step only. */
    double proposed = size * factor(error);
    natural = size < 0.5 * natural ? fmax(natural, proposed) : proposed;
    left = pieces > 1 ? left - size : 0;
    memcpy(state, next, (size_t)n * sizeof *state);
  }
  for (int c = 0; system->translates && c < system->freedom; c++) state[c] += origin[c % 2];
  if (!all_finite(n, state))
    return status_raise(STATUS_NUMERIC, "reference integrator of %s: the state is no longer finite", system->name);
  *h = sign * natural;
  return STATUS_OK;
}
