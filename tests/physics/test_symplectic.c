/* What the geometric integrators promise: steps that can be undone and that keep phase-space volume;
 * and where they refuse. */
#include "base/rng.h"
#include "base/status.h"
#include "physics/initial.h"
#include "physics/integrator.h"
#include "presets.h"
#include "testing.h"

#include <math.h>
#include <string.h>

/* Whether a splitting integrator is symplectic on it. */
static bool is_separable(int kind) {
  const struct system *system = system_get((enum system_kind)kind);
  return system->separable && system->conserved;
}

static void draw(const struct experiment *experiment, uint64_t index, double *state) {
  struct rng rng = rng_stream(11, RNG_TEST, index, 0);
  initial_draw(system_get(experiment->system.name), &experiment->system, &experiment->initial, &rng, state);
}

/* |forward then backward - start|, relative to the state's size. */
static double undo(enum integrator integrator, enum system_kind kind, uint64_t index) {
  struct experiment experiment = preset(kind);
  const struct system *system = system_get(kind);
  double start[SYSTEM_STATE_MAX], state[SYSTEM_STATE_MAX], worst = 0;
  draw(&experiment, index, start);
  memcpy(state, start, sizeof state);
  assert_ok(integrator_steps(integrator, system, &experiment.system, 0.0625, 64, state));
  assert_ok(integrator_steps(integrator, system, &experiment.system, -0.0625, 64, state));
  for (int i = 0; i < 2 * system->freedom; i++) worst = fmax(worst, fabs(state[i] - start[i]));
  return worst;
}

static void symmetric_methods_are_reversible(void **unused) {
  (void)unused;
  static const enum integrator symmetric[] = {INTEGRATOR_LEAPFROG, INTEGRATOR_YOSHIDA4, INTEGRATOR_IMPLICIT_MIDPOINT};
  for (int s = 0; s < 3; s++) {
    double worst = 0;
    for (int kind = 0; kind < SYSTEM_COUNT; kind++)
      for (uint64_t index = 0; index < 20 && is_separable(kind); index++)
        worst = fmax(worst, undo(symmetric[s], (enum system_kind)kind, index));
    print_message("%s: 64 steps forward and back, worst %.1e\n", integrator_name(symmetric[s]), worst);
    assert_true(worst < 1e-12);
  }
  assert_true(undo(INTEGRATOR_IMPLICIT_MIDPOINT, SYSTEM_DOUBLE_PENDULUM, 0) < 1e-12);
  /* The measure sees the difference. */
  assert_true(undo(INTEGRATOR_SYMPLECTIC_EULER, SYSTEM_PENDULUM, 0) > 1e-4);
  assert_true(undo(INTEGRATOR_RK4, SYSTEM_PENDULUM, 0) > 1e-10);
}

/* By elimination with pivoting. */
static double determinant(int n, double matrix[SYSTEM_STATE_MAX][SYSTEM_STATE_MAX]) {
  double value = 1;
  for (int c = 0; c < n; c++) {
    int pivot = c;
    for (int r = c + 1; r < n; r++)
      if (fabs(matrix[r][c]) > fabs(matrix[pivot][c])) pivot = r;
    if (pivot != c) value = -value;
    for (int j = 0; j < n; j++) {
      double swap = matrix[c][j];
      matrix[c][j] = matrix[pivot][j];
      matrix[pivot][j] = swap;
    }
    value *= matrix[c][c];
    for (int r = c + 1; r < n; r++) {
      double factor = matrix[r][c] / matrix[c][c];
      for (int j = c; j < n; j++) matrix[r][j] -= factor * matrix[c][j];
    }
  }
  return value;
}

/* det - 1 of one step's Jacobian. Differences over 13 points:
 * truncation d^12 is far below rounding, eps / d = 1e-14. */
static double volume(enum integrator integrator, enum system_kind kind, uint64_t index) {
  enum { POINTS = 6 };
  const double d = 0.02;
  struct experiment experiment = preset(kind);
  const struct system *system = system_get(kind);
  int n = 2 * system->freedom;
  double start[SYSTEM_STATE_MAX], jacobian[SYSTEM_STATE_MAX][SYSTEM_STATE_MAX] = {{0}};
  draw(&experiment, index, start);
  for (int column = 0; column < n; column++) {
    for (int k = 1; k <= POINTS; k++) {
      for (int side = -1; side <= 1; side += 2) {
        double state[SYSTEM_STATE_MAX];
        memcpy(state, start, sizeof state);
        state[column] += side * k * d;
        double step = state[column] - start[column]; /* what was added after rounding: differs from k d by 1e-16 */
        assert_true(fabs(step) > 0);
        assert_ok(integrator_steps(integrator, system, &experiment.system, 0.125, 1, state));
        for (int row = 0; row < n; row++)
          jacobian[row][column] += side * difference_weight(POINTS, k) * (state[row] - start[row]) / d;
      }
    }
  }
  return determinant(n, jacobian) - 1;
}

static void splitting_keeps_volume(void **unused) {
  (void)unused;
  static const enum integrator splitting[] = {INTEGRATOR_SYMPLECTIC_EULER, INTEGRATOR_LEAPFROG, INTEGRATOR_YOSHIDA4};
  for (int s = 0; s < 3; s++) {
    double worst = 0;
    for (int kind = 0; kind < SYSTEM_COUNT; kind++)
      for (uint64_t index = 0; index < 10 && is_separable(kind); index++)
        worst = fmax(worst, fabs(volume(splitting[s], (enum system_kind)kind, index)));
    print_message("%s: |det - 1| of a step, worst %.1e\n", integrator_name(splitting[s]), worst);
    assert_true(worst < 1e-12);
  }
  assert_true(fabs(volume(INTEGRATOR_IMPLICIT_MIDPOINT, SYSTEM_DOUBLE_PENDULUM, 0)) < 1e-10);
  /* The measure sees the difference. */
  assert_true(fabs(volume(INTEGRATOR_RK4, SYSTEM_MASS_SPRING, 0)) > 1e-7);
  assert_true(fabs(volume(INTEGRATOR_IMPLICIT_MIDPOINT, SYSTEM_DAMPED_SPRING, 0)) > 1e-2);
}

static void splitting_is_refused(void **unused) {
  (void)unused;
  static const enum system_kind refused[] = {SYSTEM_DOUBLE_PENDULUM, SYSTEM_DAMPED_SPRING};
  for (int k = 0; k < 2; k++) {
    struct experiment experiment = preset(refused[k]);
    const struct system *system = system_get(refused[k]);
    for (int integrator = 0; integrator < INTEGRATOR_COUNT; integrator++) {
      bool splits = integrator <= INTEGRATOR_YOSHIDA4;
      double start[SYSTEM_STATE_MAX] = {0}, state[SYSTEM_STATE_MAX];
      draw(&experiment, 0, start);
      memcpy(state, start, sizeof state);
      assert_status(splits ? STATUS_ARGUMENT : STATUS_OK,
                    integrator_steps((enum integrator)integrator, system, &experiment.system, 0.01, 3, state));
      if (splits) {
        assert_memory_equal(state, start, sizeof state);
        assert_non_null(strstr(status_message(), system->name));
      }
    }
  }
}

static void failures_are_reported(void **unused) {
  (void)unused;
  struct experiment experiment = preset(SYSTEM_PENDULUM);
  const struct system *system = system_get(SYSTEM_PENDULUM);
  for (int integrator = 0; integrator < INTEGRATOR_COUNT; integrator++) {
    double state[2] = {NAN, 0};
    assert_status(STATUS_NUMERIC,
                  integrator_steps((enum integrator)integrator, system, &experiment.system, 0.1, 5, state));
  }
  double state[2] = {1, 1};
  assert_status(STATUS_ARGUMENT, integrator_steps(INTEGRATOR_COUNT, system, &experiment.system, 0.1, 1, state));
  assert_status(STATUS_NUMERIC,
                integrator_steps(INTEGRATOR_IMPLICIT_MIDPOINT, system, &experiment.system, 50, 1, state));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(symmetric_methods_are_reversible),
                                     cmocka_unit_test(splitting_keeps_volume), cmocka_unit_test(splitting_is_refused),
                                     cmocka_unit_test(failures_are_reported)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
