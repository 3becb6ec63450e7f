/* Rollouts are functions of (experiment, number); observations of (experiment, purpose, number, frame). */
#include "base/status.h"
#include "physics/initial.h"
#include "physics/reference.h"
#include "physics/rollout.h"
#include "presets.h"
#include "testing.h"

#include <math.h>
#include <string.h>

enum { FRAMES = 40 };

static void shorter_rollouts_are_prefixes(void **unused) {
  (void)unused;
  for (int kind = 0; kind < SYSTEM_COUNT; kind++) {
    struct experiment experiment = preset((enum system_kind)kind);
    const struct system *system = system_get((enum system_kind)kind);
    size_t row = 2 * (size_t)system->freedom;
    double full[FRAMES * SYSTEM_STATE_MAX], part[FRAMES * SYSTEM_STATE_MAX], energy[FRAMES], other[FRAMES];
    experiment.data.frames = FRAMES;
    assert_ok(rollout_simulate(&experiment, ROLLOUT_TEST + 3, full, energy));
    assert_ok(rollout_simulate(&experiment, ROLLOUT_TEST + 2, part, NULL)); /* leaves no trace */
    assert_memory_not_equal(part, full, row * sizeof *full);
    assert_ok(rollout_simulate(&experiment, ROLLOUT_TEST + 3, part, other));
    assert_memory_equal(part, full, FRAMES * row * sizeof *full);
    assert_memory_equal(other, energy, sizeof energy);
    experiment.data.frames = 7;
    memset(part, 0, sizeof part);
    assert_ok(rollout_simulate(&experiment, ROLLOUT_TEST + 3, part, NULL));
    assert_memory_equal(part, full, 7 * row * sizeof *full);
    assert_true(part[7 * row] == 0);
    for (int f = 0; f < FRAMES; f++) {
      struct energy parts = system->energy(&experiment.system, full + (size_t)f * row);
      assert_true(energy[f] == parts.kinetic + parts.potential);
    }
  }
}

/* The most rollouts that a split may have, of which none is another's; train and test have the numbers that they had
 * when there was no third split. */
static void splits_do_not_meet(void **unused) {
  (void)unused;
  const int64_t most = 1000000000;
  uint64_t end = 0;
  for (int split = 0; split < SPLIT_COUNT; split++) {
    const struct dataset_place first = {(enum split)split, 0}, last = {(enum split)split, most - 1};
    assert_true(split == 0 || rollout_number(first) >= end);
    assert_true(rollout_number(last) == rollout_number(first) + (uint64_t)most - 1);
    end = rollout_number(last) + 1;
  }
  assert_true(rollout_number((struct dataset_place){SPLIT_TRAIN, 7}) == 7);
  assert_true(rollout_number((struct dataset_place){SPLIT_TEST, 7}) == ((uint64_t)1 << 40) + 7);
  struct experiment experiment = preset(SYSTEM_PENDULUM);
  double state[SPLIT_COUNT][2], observed[SPLIT_COUNT][2];
  experiment.data.frames = 1;
  for (int split = 0; split < SPLIT_COUNT; split++) {
    const uint64_t number = rollout_number((struct dataset_place){(enum split)split, 0});
    const double still[2] = {0, 0};
    assert_ok(rollout_simulate(&experiment, number, state[split], NULL));
    rollout_observe(&experiment, RNG_NOISE, number, 0, still, observed[split]);
    for (int other = 0; other < split; other++)
      assert_true(state[split][0] != state[other][0] && observed[split][0] != observed[other][0]);
  }
}

static void seeds_differ(void **unused) {
  (void)unused;
  struct experiment experiment = preset(SYSTEM_PENDULUM);
  double one[60], two[60];
  assert_ok(rollout_simulate(&experiment, 0, one, NULL));
  experiment.seed = 2;
  assert_ok(rollout_simulate(&experiment, 0, two, NULL));
  assert_true(one[0] != two[0]);
}

/* Frames are at f dt: the same trajectory cut twice as finely has every second frame in common. */
static void frames_are_dt_apart(void **unused) {
  (void)unused;
  for (int kind = 0; kind < SYSTEM_COUNT; kind++) {
    struct experiment experiment = preset((enum system_kind)kind), fine;
    size_t row = 2 * (size_t)system_get((enum system_kind)kind)->freedom;
    double coarse_states[20 * SYSTEM_STATE_MAX], fine_states[39 * SYSTEM_STATE_MAX];
    experiment.data.frames = 20;
    fine = experiment;
    fine.data.frames = 39;
    fine.data.dt /= 2;
    assert_ok(rollout_simulate(&experiment, 1, coarse_states, NULL));
    assert_ok(rollout_simulate(&fine, 1, fine_states, NULL));
    for (size_t f = 0; f < 20; f++)
      for (size_t c = 0; c < row; c++)
        assert_true(fabs(coarse_states[f * row + c] - fine_states[2 * f * row + c]) < 1e-10);
  }
}

static void time_runs_both_ways(void **unused) {
  (void)unused;
  for (int kind = 0; kind < SYSTEM_COUNT; kind++) {
    struct experiment experiment = preset((enum system_kind)kind);
    const struct system *system = system_get((enum system_kind)kind);
    struct rng rng = rng_stream(3, RNG_TEST, 0, 0);
    double start[SYSTEM_STATE_MAX], state[SYSTEM_STATE_MAX], h = 0;
    initial_draw(system, &experiment.system, &experiment.initial, &rng, start);
    memcpy(state, start, sizeof state);
    assert_ok(reference_advance(system, &experiment.system, 2.5, ROLLOUT_TOLERANCE, &h, state));
    assert_true(h > 0);
    assert_ok(reference_advance(system, &experiment.system, -2.5, ROLLOUT_TOLERANCE, &h, state));
    assert_true(h < 0);
    for (int c = 0; c < 2 * system->freedom; c++) assert_true(fabs(state[c] - start[c]) < 1e-10);
    assert_ok(reference_advance(system, &experiment.system, 0, ROLLOUT_TOLERANCE, &h, state));
  }
}

/* A close approach away from the origin: the step must not be limited by the rounding of far-off coordinates. */
static void place_does_not_matter(void **unused) {
  (void)unused;
  struct experiment experiment = preset(SYSTEM_TWO_BODY);
  const struct system *system = system_get(SYSTEM_TWO_BODY);
  /* Almost head on: apart by 2 at rest but for 1e-3 of sideways motion, so closest at about 1e-6. */
  double state[8] = {100, 50, 102, 50, 0, 5e-4, 0, -5e-4}, h = 0;
  struct energy energy = system->energy(&experiment.system, state);
  double before = energy.kinetic + energy.potential;
  assert_ok(reference_advance(system, &experiment.system, 3.0, ROLLOUT_TOLERANCE, &h, state));
  energy = system->energy(&experiment.system, state);
  print_message("energy error after passing at 1e-6, 100 from the origin: %.1e\n",
                energy.kinetic + energy.potential - before);
  assert_true(fabs(energy.kinetic + energy.potential - before) < 1e-6);
}

static void failures_are_reported(void **unused) {
  (void)unused;
  struct experiment experiment = preset(SYSTEM_TWO_BODY);
  const struct system *system = system_get(SYSTEM_TWO_BODY);
  double states[30 * SYSTEM_STATE_MAX], h = 0;
  double collision[8] = {-1, 0, 1, 0, 0, 0, 0, 0};
  assert_status(STATUS_NUMERIC, reference_advance(system, &experiment.system, 10, ROLLOUT_TOLERANCE, &h, collision));
  double broken[8] = {-1, 0, 1, NAN, 0, 0, 0, 0};
  assert_status(STATUS_NUMERIC, reference_advance(system, &experiment.system, 1, ROLLOUT_TOLERANCE, &h, broken));
  double state[8] = {-1, 0, 1, 0, 0, 0, 0, 0};
  assert_status(STATUS_ARGUMENT, reference_advance(system, &experiment.system, 1, 0, &h, state));
  assert_status(STATUS_ARGUMENT, reference_advance(system, &experiment.system, INFINITY, 1e-9, &h, state));
  experiment.initial.radius[0] = experiment.initial.radius[1] = 0;
  assert_status(STATUS_NUMERIC, rollout_simulate(&experiment, 12, states, NULL));
  assert_non_null(strstr(status_message(), "rollout 12"));
  experiment = preset(SYSTEM_MASS_SPRING);
  experiment.system.stiffness = 1e308;
  assert_status(STATUS_NUMERIC, rollout_simulate(&experiment, 12, states, NULL));
  assert_non_null(strstr(status_message(), "mass_spring, rollout 12, frame 1"));
  experiment.system.name = SYSTEM_COUNT;
  assert_status(STATUS_ARGUMENT, rollout_simulate(&experiment, 0, states, NULL));
}

static void observations_are_keyed(void **unused) {
  (void)unused;
  struct experiment experiment = preset(SYSTEM_TWO_BODY);
  const double state[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  double a[8], b[8], sum = 0, squares = 0;
  rollout_observe(&experiment, RNG_NOISE, 4, 5, state, a);
  memcpy(b, state, sizeof b);
  rollout_observe(&experiment, RNG_NOISE, 4, 5, b, b);
  assert_memory_equal(a, b, sizeof a);
  rollout_observe(&experiment, RNG_NOISE_FRESH, 4, 5, state, b);
  for (int c = 0; c < 8; c++) assert_true(a[c] != b[c]);
  rollout_observe(&experiment, RNG_NOISE, 4, 6, state, b);
  for (int c = 0; c < 8; c++) assert_true(a[c] != b[c]);
  rollout_observe(&experiment, RNG_NOISE, 5, 5, state, b);
  for (int c = 0; c < 8; c++) assert_true(a[c] != b[c]);
  for (int64_t frame = 0; frame < 10000; frame++) {
    rollout_observe(&experiment, RNG_NOISE, 0, frame, state, b);
    for (int c = 0; c < 8; c++) {
      sum += b[c] - state[c];
      squares += (b[c] - state[c]) * (b[c] - state[c]);
    }
  }
  assert_true(fabs(sum / 80000) < 5 * 0.1 / sqrt(80000));
  assert_true(fabs(squares / 80000 - 0.01) < 5 * 0.01 * sqrt(2.0 / 80000));
  experiment.data.noise = 0;
  rollout_observe(&experiment, RNG_NOISE, 4, 5, state, b);
  assert_memory_equal(b, state, sizeof b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shorter_rollouts_are_prefixes), cmocka_unit_test(seeds_differ),
      cmocka_unit_test(frames_are_dt_apart),           cmocka_unit_test(time_runs_both_ways),
      cmocka_unit_test(place_does_not_matter),         cmocka_unit_test(failures_are_reported),
      cmocka_unit_test(observations_are_keyed),        cmocka_unit_test(splits_do_not_meet)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
