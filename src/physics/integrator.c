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
  dop853_step(motion->system, motion->parameters, h, 1, state, rate, state);
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
