/* Energy error of reference trajectories over 1,000 frames, relative to the largest |kinetic| + |potential|.
 * Arguments: rollouts of each system (default 50), and of three_body (default 100). Prints times as well. */
#include "base/status.h"
#include "physics/initial.h"
#include "physics/reference.h"
#include "physics/rollout.h"
#include "presets.h"
#include "testing.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

enum { FRAMES = 1000 };

static int rollouts = 50, rollouts_three = 100;

/* Closest approach of any two bodies at any point where the field is asked for, in m. */
static double closest;
static void (*watched)(const struct system_parameters *, const double *, double *);

static void watch_field(const struct system_parameters *parameters, const double *state, double *rate) {
  for (int i = 0; i < 3; i++)
    for (int j = i + 1; j < 3; j++)
      closest = fmin(closest, hypot(state[2 * i] - state[2 * j], state[2 * i + 1] - state[2 * j + 1]));
  watched(parameters, state, rate);
}

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

struct spread {
  double median, worst, closest_of_worst, closest;
};

static double measure(const struct system *system, const struct experiment *experiment, uint64_t rollout) {
  struct rng rng = rng_stream((uint64_t)experiment->seed, RNG_INITIAL, rollout, 0);
  double state[SYSTEM_STATE_MAX], h = 0, first = 0, most = 0, off = 0;
  initial_draw(system, &experiment->system, &experiment->initial, &rng, state);
  for (int f = 0; f < FRAMES; f++) {
    if (f > 0)
      assert_ok(reference_advance(system, &experiment->system, experiment->data.dt, ROLLOUT_TOLERANCE, &h, state));
    struct energy energy = system->energy(&experiment->system, state);
    double sum = energy.kinetic + energy.potential;
    if (f == 0) first = sum;
    most = fmax(most, fabs(energy.kinetic) + fabs(energy.potential));
    off = fmax(off, fabs(sum - first));
  }
  return off / most;
}

static struct spread measure_all(enum system_kind kind, int count) {
  struct experiment experiment = preset(kind);
  struct system system = *system_get(kind);
  if (kind == SYSTEM_THREE_BODY) {
    watched = system.field;
    system.field = watch_field;
  }
  double *errors = malloc((size_t)count * sizeof *errors);
  assert_non_null(errors);
  struct spread spread = {.closest = INFINITY};
  for (int r = 0; r < count; r++) {
    closest = INFINITY;
    errors[r] = measure(&system, &experiment, (uint64_t)r);
    spread.closest = fmin(spread.closest, closest);
    if (errors[r] >= spread.worst) {
      spread.worst = errors[r];
      spread.closest_of_worst = closest;
    }
  }
  qsort(errors, (size_t)count, sizeof *errors, compare);
  spread.median = errors[count / 2];
  free(errors);
  print_message("%-16s energy error over %d frames, %d rollouts: median %.1e, worst %.1e\n", system.name, FRAMES, count,
                spread.median, spread.worst);
  return spread;
}

static void conserved_systems(void **unused) {
  (void)unused;
  for (int kind = 0; kind < SYSTEM_COUNT; kind++) {
    const struct system *system = system_get((enum system_kind)kind);
    if (!system->conserved || kind == SYSTEM_THREE_BODY) continue; /* three bodies: below */
    const double worst = measure_all((enum system_kind)kind, rollouts).worst;
    if (!(worst < 1e-10)) fail_msg("%s: its energy is off by %.2g along a rollout", system->name, worst);
  }
}

/* Chaotic: bodies can pass as near as they like,
 * where the energy of the pair is a small difference of large numbers. */
static void three_body(void **unused) {
  (void)unused;
  struct spread spread = measure_all(SYSTEM_THREE_BODY, rollouts_three);
  print_message("three_body: worst rollout's closest approach %.1e m; closest of all %.1e m\n", spread.closest_of_worst,
                spread.closest);
  assert_true(spread.median < 1e-10);
  assert_true(spread.worst < 1e-5);
}

static void speed(void **unused) {
  (void)unused;
  enum { COUNT = 1000 };
  for (int kind = 0; kind < SYSTEM_COUNT; kind++) {
    struct experiment experiment = preset((enum system_kind)kind);
    double states[30 * SYSTEM_STATE_MAX], energy[30];
    clock_t start = clock();
    for (uint64_t r = 0; r < COUNT; r++) assert_ok(rollout_simulate(&experiment, r, states, energy));
    print_message("%-16s %.1f us for a rollout of 30 frames\n", system_get((enum system_kind)kind)->name,
                  1e6 * (double)(clock() - start) / CLOCKS_PER_SEC / COUNT);
  }
}

int main(int count, char **arguments) {
  if (count > 1) rollouts = atoi(arguments[1]);
  if (count > 2) rollouts_three = atoi(arguments[2]);
  const struct CMUnitTest tests[] = {cmocka_unit_test(conserved_systems), cmocka_unit_test(three_body),
                                     cmocka_unit_test(speed)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
