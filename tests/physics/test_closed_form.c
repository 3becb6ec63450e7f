/* Reference trajectories of the springs against their closed forms, and the friction's power. */
#include "base/status.h"
#include "physics/reference.h"
#include "physics/rollout.h"
#include "presets.h"
#include "testing.h"

#include <math.h>

enum { FRAMES = 400 };

/* q'' + gamma q' + omega^2 q = 0 from (q0, p0): with v = omega^2 - gamma^2 / 4 > 0 and w = sqrt(v),
 *   q = e^{-gamma t / 2} (q0 cos w t + (p0 / m + gamma q0 / 2) / w sin w t). */
static void exact(const struct system_parameters *parameters, double t, const double start[2], double state[2]) {
  double m = parameters->mass, half = parameters->damping / 2, w = sqrt(parameters->stiffness / m - half * half);
  double b = (start[1] / m + half * start[0]) / w, c = cos(w * t), s = sin(w * t), decay = exp(-half * t);
  double q = decay * (start[0] * c + b * s);
  state[0] = q;
  state[1] = m * (-half * q + decay * w * (b * c - start[0] * s));
}

static void springs_follow_closed_form(void **unused) {
  (void)unused;
  for (int kind = SYSTEM_MASS_SPRING; kind <= SYSTEM_DAMPED_SPRING; kind++) {
    struct experiment experiment = preset((enum system_kind)kind);
    experiment.data.frames = FRAMES;
    double states[FRAMES][2], worst = 0;
    for (uint64_t rollout = 0; rollout < 20; rollout++) {
      assert_ok(rollout_simulate(&experiment, rollout, states[0], NULL));
      for (int f = 0; f < FRAMES; f++) {
        double expected[2];
        exact(&experiment.system, f * experiment.data.dt, states[0], expected);
        worst = fmax(worst, fmax(fabs(states[f][0] - expected[0]), fabs(states[f][1] - expected[1])));
      }
    }
    print_message("%s: worst error over %d frames %.1e\n", system_get((enum system_kind)kind)->name, FRAMES, worst);
    assert_true(worst < 1e-12);
  }
}

/* H(T) - H(0) = -integral of gamma p^2 / m dt, by Boole's rule over finely spaced states. */
static void friction_takes_the_energy(void **unused) {
  (void)unused;
  enum { STEPS = 4096 };
  static double states[STEPS + 1][2], energy[STEPS + 1];
  struct experiment experiment = preset(SYSTEM_DAMPED_SPRING);
  experiment.data.frames = STEPS + 1;
  experiment.data.dt = 3.75 / STEPS;
  assert_ok(rollout_simulate(&experiment, 0, states[0], energy));
  double work = 0;
  for (int i = 0; i <= STEPS; i++) {
    static const double weight[4] = {14, 32, 12, 32};
    double power = experiment.system.damping * states[i][1] * states[i][1] / experiment.system.mass;
    work += (i == 0 || i == STEPS ? 7 : weight[i % 4]) * power * 2 * experiment.data.dt / 45;
  }
  print_message("energy %.6f J lost, friction's work %.6f J, difference %.1e\n", energy[0] - energy[STEPS], work,
                energy[0] - energy[STEPS] - work);
  assert_true(fabs(energy[0] - energy[STEPS] - work) < 1e-11);
  assert_true(work > 0.3 * energy[0]);
  for (int i = 1; i <= STEPS; i++) assert_true(energy[i] <= energy[i - 1]);
}

/* gamma = 0.3 means that the amplitude falls to e^{-0.15 * 3.75} = 0.570 over 30 frames, not to 0.105 (where gamma is
 * read as a ratio to the critical damping). */
static void damping_is_per_second(void **unused) {
  (void)unused;
  struct experiment experiment = preset(SYSTEM_DAMPED_SPRING);
  const struct system *system = system_get(SYSTEM_DAMPED_SPRING);
  double state[2] = {1, 0}, h = 0, w = sqrt(4 - 0.0225);
  assert_ok(reference_advance(system, &experiment.system, 2 * 3.14159265358979 / w, ROLLOUT_TOLERANCE, &h, state));
  assert_true(fabs(state[0] - exp(-0.15 * 2 * 3.14159265358979 / w)) < 1e-12);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(springs_follow_closed_form),
                                     cmocka_unit_test(friction_takes_the_energy),
                                     cmocka_unit_test(damping_is_per_second)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
