#include "physics/reference.h"

#include "physics/dop853.h"

#include <math.h>
#include <string.h>

static bool all_finite(int n, const double *values) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += 0 * values[i]; /* 0 * infinity and 0 * NaN are NaN */
  return sum == 0;
}

static struct reference_clock start_clock(double duration, double h) {
  double length = fabs(duration);
  return (struct reference_clock){
      .left = length, .sign = duration < 0 ? -1 : 1, .least = 0x1p-52 * length, .natural = fabs(h)};
}

/* Equal steps up to the end, none above the natural one: the last is never a splinter, and lands exactly. False when
 * they fall below rounding, or there have been too many. */
static bool choose_step(struct reference_clock *clock) {
  clock->pieces = clock->natural < clock->left ? ceil(clock->left / clock->natural) : 1;
  clock->size = clock->left / clock->pieces;
  return clock->size > clock->least && clock->steps++ < REFERENCE_STEPS_MAX;
}

/* Step size control of Hairer, Norsett, Wanner, II.4: factor 0.9 err^(-1/8) within [1/3, 6]. */
static double factor(double error) { return error > 0 ? fmin(6, fmax(1.0 / 3, 0.9 / sqrt(sqrt(sqrt(error))))) : 6; }

/* Whether a step with this error counts; the next natural step either way. */
static bool judge_step(struct reference_clock *clock, double error) {
  clock->rejected = !(error <= 1);
  if (clock->rejected) {
    clock->natural = clock->size * (isfinite(error) ? factor(error) : 0.1);
    return false;
  }
  /* A step cut to less than half says little about how long one might be: it may raise the natural step only. */
  double proposed = clock->size * factor(error);
  clock->natural = clock->size < 0.5 * clock->natural ? fmax(clock->natural, proposed) : proposed;
  clock->left = clock->pieces > 1 ? clock->left - clock->size : 0;
  return true;
}

/* Moves the origin onto a body of the closest pair. Two bodies at 1e-6 of each other and 1 from the origin know their
 * distance to 1e-10 only, and no step is then small enough for the tolerance; seen from one of them they know it to
 * rounding. Coordinate c is state[c * stride]. */
static void recentre(const struct system *system, int stride, double *state, double origin[2]) {
  double least = HUGE_VAL;
  int centre = 0;
  for (int i = 0; i < system->bodies; i++) {
    for (int j = i + 1; j < system->bodies; j++) {
      double dx = state[2 * i * stride] - state[2 * j * stride];
      double dy = state[(2 * i + 1) * stride] - state[(2 * j + 1) * stride], square = dx * dx + dy * dy;
      if (square < least) {
        least = square;
        centre = i;
      }
    }
  }
  double shift[2] = {state[2 * centre * stride], state[(2 * centre + 1) * stride]};
  for (int c = 0; c < system->freedom; c++) state[c * stride] -= shift[c % 2];
  for (int c = 0; c < 2; c++) origin[c] += shift[c];
}

enum status reference_advance(const struct system *system, const struct system_parameters *parameters, double duration,
                              double tolerance, double *h, double *state) {
  REQUIRE(tolerance > 0 && isfinite(duration) && !isnan(*h), STATUS_ARGUMENT,
          "reference trajectory: tolerance %g, duration %g s, step %g s", tolerance, duration, *h);
  int n = 2 * system->freedom;
  double rate[SYSTEM_STATE_MAX], next[SYSTEM_STATE_MAX];
  struct reference_clock clock = start_clock(duration, *h);
  while (clock.left > 0) {
    if (!clock.rejected) {
      if (system->translates) recentre(system, 1, state, clock.origin);
      system->field(parameters, state, rate);
      if (!all_finite(n, state) || !all_finite(n, rate))
        return status_raise(STATUS_NUMERIC, "reference trajectory of %s: the state is not finite", system->name);
      if (clock.natural == 0) clock.natural = dop853_first(system, parameters, tolerance, state, rate);
    }
    bool chosen = choose_step(&clock);
    REQUIRE(clock.size > clock.least, STATUS_NUMERIC,
            "reference trajectory of %s: the step fell below rounding, to %g s", system->name, clock.size);
    REQUIRE(chosen, STATUS_NUMERIC, "reference trajectory of %s: more than %d steps, the last of %g s", system->name,
            REFERENCE_STEPS_MAX, clock.size);
    double error = dop853_step(system, parameters, clock.sign * clock.size, tolerance, state, rate, next);
    if (judge_step(&clock, error)) memcpy(state, next, (size_t)n * sizeof *state);
  }
  for (int c = 0; system->translates && c < system->freedom; c++) state[c] += clock.origin[c % 2];
  if (!all_finite(n, state))
    return status_raise(STATUS_NUMERIC, "reference trajectory of %s: the state is no longer finite", system->name);
  *h = clock.sign * clock.natural;
  return STATUS_OK;
}

static void read_lane(int n, const double *lanes, int lane, double *values) {
  for (int c = 0; c < n; c++) values[c] = lanes[c * SYSTEM_LANES + lane];
}

void reference_start(const struct system *system, struct reference_lanes *lanes, int lane, double duration, double h,
                     const double *state) {
  lanes->clock[lane] = start_clock(duration, h);
  for (int c = 0; c < 2 * system->freedom; c++) lanes->state[c * SYSTEM_LANES + lane] = state[c];
}

static double first_step(const struct system *system, const struct system_parameters *parameters, double tolerance,
                         const struct reference_lanes *lanes, int lane, const double *rates) {
  double state[SYSTEM_STATE_MAX], rate[SYSTEM_STATE_MAX];
  read_lane(2 * system->freedom, lanes->state, lane, state);
  read_lane(2 * system->freedom, rates, lane, rate);
  return dop853_first(system, parameters, tolerance, state, rate);
}

bool reference_step(const struct system *system, const struct system_parameters *parameters, double tolerance,
                    struct reference_lanes *lanes) {
  int n = 2 * system->freedom;
  double rate[SYSTEM_STATE_MAX * SYSTEM_LANES], next[SYSTEM_STATE_MAX * SYSTEM_LANES];
  double h[SYSTEM_LANES] = {0}, error[SYSTEM_LANES], finite[SYSTEM_LANES] = {0};
  for (int l = 0; system->translates && l < SYSTEM_LANES; l++)
    if (lanes->clock[l].left > 0 && !lanes->clock[l].rejected)
      recentre(system, SYSTEM_LANES, lanes->state + l, lanes->clock[l].origin);
  system->field_lanes(parameters, lanes->state, rate);
  for (int c = 0; c < n; c++)
    for (int l = 0, i = c * SYSTEM_LANES; l < SYSTEM_LANES; l++, i++) finite[l] += 0 * lanes->state[i] + 0 * rate[i];
  for (int l = 0; l < SYSTEM_LANES; l++) {
    struct reference_clock *clock = &lanes->clock[l];
    if (clock->left == 0) continue;
    if (finite[l] != 0) return false;
    if (clock->natural == 0) clock->natural = first_step(system, parameters, tolerance, lanes, l, rate);
    if (!choose_step(clock)) return false;
    h[l] = clock->sign * clock->size;
  }
  dop853_step_lanes(system, parameters, h, tolerance, lanes->state, rate, next, error);
  for (int l = 0; l < SYSTEM_LANES; l++)
    if (lanes->clock[l].left > 0 && judge_step(&lanes->clock[l], error[l]))
      for (int c = 0; c < n; c++) lanes->state[c * SYSTEM_LANES + l] = next[c * SYSTEM_LANES + l];
  return true;
}

bool reference_arrive(const struct system *system, const struct reference_lanes *lanes, int lane, double *h,
                      double *state) {
  const struct reference_clock *clock = &lanes->clock[lane];
  int n = 2 * system->freedom;
  read_lane(n, lanes->state, lane, state);
  for (int c = 0; system->translates && c < system->freedom; c++) state[c] += clock->origin[c % 2];
  *h = clock->sign * clock->natural;
  return all_finite(n, state);
}
