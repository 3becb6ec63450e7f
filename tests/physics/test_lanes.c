/* States side by side give the bits that each gives alone: fields, steps, rollouts, and which rollout fails. */
#include "base/status.h"
#include "physics/dop853.h"
#include "physics/rollout.h"
#include "presets.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = SYSTEM_STATE_MAX, L = SYSTEM_LANES };

/* Ordinary states, and in some lanes angles too large for the quick sine, and what is not finite. */
static void draw_lanes(int n, uint64_t trial, double *lanes) {
  struct rng rng = rng_stream(7, RNG_TEST, trial, 0);
  for (int i = 0; i < n * L; i++) rng_normal(&rng, &lanes[i], 1);
  if (trial % 4 == 1) lanes[3] = 2e5;
  if (trial % 4 == 2) lanes[5] = -1e22;
  if (trial % 4 == 3) lanes[0] = NAN, lanes[L + 6] = INFINITY;
}

static void take_lane(int n, const double *lanes, int lane, double *values) {
  for (int c = 0; c < n; c++) values[c] = lanes[c * L + lane];
}

static void assert_same(double one, double other) { assert_true(one == other || (isnan(one) && isnan(other))); }

static void fields_and_steps_are_the_same(void **unused) {
  (void)unused;
  for (int kind = 0; kind < SYSTEM_COUNT; kind++) {
    const struct system *system = system_get((enum system_kind)kind);
    struct system_parameters parameters = odd_parameters((enum system_kind)kind);
    int n = 2 * system->freedom;
    for (uint64_t trial = 0; trial < 200; trial++) {
      double lanes[N * L], rates[N * L], nexts[N * L], errors[L], h[L], state[N], rate[N], next[N];
      draw_lanes(n, trial, lanes);
      for (int lane = 0; lane < L; lane++) h[lane] = 0.01 * (lane - 2);
      system->field_lanes(&parameters, lanes, rates);
      dop853_step_lanes(system, &parameters, h, 1e-9, lanes, rates, nexts, errors);
      for (int lane = 0; lane < L; lane++) {
        take_lane(n, lanes, lane, state);
        system->field(&parameters, state, rate);
        assert_same(errors[lane], dop853_step(system, &parameters, h[lane], 1e-9, state, rate, next));
        for (int c = 0; c < n; c++) {
          assert_same(rates[c * L + lane], rate[c]);
          assert_same(nexts[c * L + lane], next[c]);
        }
      }
    }
  }
}

static void rollouts_are_the_same(void **unused) {
  (void)unused;
  static const int64_t counts[] = {0, 1, 7, 8, 9, 40}, frames[] = {1, 2, 30};
  for (int kind = 0; kind < SYSTEM_COUNT; kind++) {
    struct experiment experiment = preset((enum system_kind)kind);
    for (size_t f = 0; f < sizeof frames / sizeof frames[0]; f++) {
      for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        experiment.data.frames = frames[f];
        size_t row = (size_t)frames[f] * 2 * (size_t)system_get((enum system_kind)kind)->freedom;
        size_t size = (size_t)counts[i] * row + 1;
        double *states = calloc(size, sizeof *states), *energy = calloc(size, sizeof *energy);
        assert_non_null(states);
        assert_non_null(energy);
        assert_ok(rollout_simulate_many(&experiment, ROLLOUT_TEST + 5, counts[i], states, energy));
        for (int64_t r = 0; r < counts[i]; r++) {
          double one[30 * N], parts[30];
          assert_ok(rollout_simulate(&experiment, ROLLOUT_TEST + 5 + (uint64_t)r, one, parts));
          assert_memory_equal(states + (size_t)r * row, one, row * sizeof *one);
          assert_memory_equal(energy + r * frames[f], parts, (size_t)frames[f] * sizeof *parts);
        }
        assert_true(states[size - 1] == 0);
        free(states);
        free(energy);
      }
    }
  }
}

/* The sums of a step overflow for some of these springs and not for others. */
static void the_first_that_fails_is_named(void **unused) {
  (void)unused;
  struct experiment experiment = preset(SYSTEM_MASS_SPRING);
  experiment.system.mass = experiment.system.stiffness = 1;
  experiment.initial.radius[0] = 0, experiment.initial.radius[1] = 5e306;
  double states[40 * 30 * 2], one[30 * 2];
  int failed = -1, whole = 0;
  char expected[512] = "";
  for (int r = 0; r < 40; r++) {
    status_clear();
    if (rollout_simulate(&experiment, (uint64_t)r, one, NULL) == STATUS_OK) {
      whole++;
    } else if (failed < 0) {
      failed = r;
      snprintf(expected, sizeof expected, "%s", status_message());
    }
  }
  assert_true(failed > 0 && whole > 10);
  status_clear();
  assert_status(STATUS_NUMERIC, rollout_simulate_many(&experiment, 0, 40, states, NULL));
  assert_string_equal(status_message(), expected);
  status_clear();
  assert_ok(rollout_simulate_many(&experiment, 0, failed, states, NULL));
  experiment.system.name = SYSTEM_COUNT;
  assert_status(STATUS_ARGUMENT, rollout_simulate_many(&experiment, 0, 1, states, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(fields_and_steps_are_the_same),
                                     cmocka_unit_test(rollouts_are_the_same),
                                     cmocka_unit_test(the_first_that_fails_is_named)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
