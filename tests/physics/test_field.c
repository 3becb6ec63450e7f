/* Every vector field is the gradient of its energy, and the table says of it what is true. */
#include "base/rng.h"
#include "base/status.h"
#include "physics/initial.h"
#include "physics/system.h"
#include "presets.h"
#include "testing.h"

#include <math.h>

enum { POINTS = 4 };

static double slope(const struct system *system, const struct system_parameters *parameters, const double *state,
                    int along, bool kinetic_only) {
  const double d = 0.01;
  double sum = 0;
  for (int k = 1; k <= POINTS; k++) {
    for (int side = -1; side <= 1; side += 2) {
      double moved[SYSTEM_STATE_MAX];
      for (int i = 0; i < 2 * system->freedom; i++) moved[i] = state[i];
      moved[along] += side * k * d;
      struct energy energy = system->energy(parameters, moved);
      double value = kinetic_only ? energy.kinetic : energy.kinetic + energy.potential;
      sum += side * difference_weight(POINTS, k) * value / d;
    }
  }
  return sum;
}

/* Springs and pendulums anywhere in a box that holds whole turns; bodies near their orbits, away from collisions. */
static void draw(const struct system *system, const struct system_parameters *parameters, uint64_t index,
                 double *state) {
  struct rng rng = rng_stream(7, RNG_TEST, index, 0);
  if (system->translates) {
    struct initial_conditions conditions = preset(system->kind).initial;
    conditions.velocity_noise = 0.5;
    initial_draw(system, parameters, &conditions, &rng, state);
    for (int i = 0; i < system->freedom; i++) state[i] += 0.4 * (rng_uniform(&rng) - 0.5);
  } else {
    for (int i = 0; i < 2 * system->freedom; i++) state[i] = 8 * (rng_uniform(&rng) - 0.5);
  }
}

static void field_is_gradient(void **unused) {
  (void)unused;
  for (int kind = 0; kind < SYSTEM_COUNT; kind++) {
    const struct system *system = system_get((enum system_kind)kind);
    struct system_parameters parameters = odd_parameters((enum system_kind)kind);
    int d = system->freedom;
    double worst = 0;
    for (uint64_t index = 0; index < 200; index++) {
      double state[SYSTEM_STATE_MAX], rate[SYSTEM_STATE_MAX];
      draw(system, &parameters, index, state);
      system->field(&parameters, state, rate);
      for (int i = 0; i < d; i++) {
        double friction = kind == SYSTEM_DAMPED_SPRING ? parameters.damping * state[d + i] : 0;
        double dq = slope(system, &parameters, state, d + i, false);
        double dp = -slope(system, &parameters, state, i, false) - friction;
        worst = fmax(worst, fabs(rate[i] - dq) / (1 + fabs(dq)));
        worst = fmax(worst, fabs(rate[d + i] - dp) / (1 + fabs(dp)));
      }
    }
    if (!(worst < 1e-8)) fail_msg("%s: its field is not the gradient of its energy: %.1e off", system->name, worst);
  }
}

static void check_claim(const struct system *system, const char *what, bool claimed, bool found) {
  if (claimed != found)
    fail_msg("%s: system.c says %s = %s, but its energy and field say %s", system->name, what,
             claimed ? "true" : "false", found ? "true" : "false");
}

static void table_is_true(void **unused) {
  (void)unused;
  for (int kind = 0; kind < SYSTEM_COUNT; kind++) {
    const struct system *system = system_get((enum system_kind)kind);
    struct system_parameters parameters = odd_parameters((enum system_kind)kind);
    int d = system->freedom;
    double state[SYSTEM_STATE_MAX], rate[SYSTEM_STATE_MAX], moved[SYSTEM_STATE_MAX];
    assert_int_equal(system->kind, kind);
    draw(system, &parameters, 3, state);
    system->field(&parameters, state, rate);

    double mixed = 0, power = 0, flow = 0, shifted = 0;
    for (int i = 0; i < d; i++) {
      const double along_q = slope(system, &parameters, state, i, false) * rate[i],
                   along_p = slope(system, &parameters, state, d + i, false) * rate[d + i];
      mixed = fmax(mixed, fabs(slope(system, &parameters, state, i, true))); /* dK/dq */
      power += along_q + along_p;
      flow += fabs(along_q) + fabs(along_p);
    }
    check_claim(system, "separable", system->separable, mixed < 1e-10);
    check_claim(system, "conserved", system->conserved, fabs(power) < 1e-8 * (1 + flow));

    struct energy here = system->energy(&parameters, state);
    for (int i = 0; i < 2 * d; i++) moved[i] = state[i] + (i < d ? 0.3 + 0.5 * (i % 2) : 0);
    struct energy there = system->energy(&parameters, moved);
    shifted = fabs(here.potential - there.potential) + fabs(here.kinetic - there.kinetic);
    check_claim(system, "translates", system->translates, shifted < 1e-12);
  }
  assert_null(system_get(SYSTEM_COUNT));
}

/* Values computed independently, by differences of H in another language. */
static void double_pendulum_value(void **unused) {
  (void)unused;
  struct system_parameters parameters = {.name = SYSTEM_DOUBLE_PENDULUM, .mass = 1, .length = 1, .gravity = 3};
  const double state[4] = {0.7, -0.4, 0.5, 0.9}, expected[4] = {0.0511, 0.8768, -3.905, 1.208};
  double rate[4];
  system_get(SYSTEM_DOUBLE_PENDULUM)->field(&parameters, state, rate);
  for (int i = 0; i < 4; i++) assert_true(fabs(rate[i] - expected[i]) < (i < 2 ? 5e-5 : 5e-4) * 1.01);
}

static void positions_are_drawn_downward(void **unused) {
  (void)unused;
  const double q[6] = {0.3, -0.5, 0.7, 1.1, -1.3, 1.7};
  struct system_parameters parameters = odd_parameters(SYSTEM_PENDULUM);
  double xy[6], l = parameters.length;
  system_get(SYSTEM_MASS_SPRING)->positions(&parameters, q, xy);
  assert_true(xy[0] == 0 && xy[1] == q[0]);
  system_get(SYSTEM_PENDULUM)->positions(&parameters, q, xy);
  assert_true(fabs(xy[0] - l * sin(q[0])) < 1e-15 && fabs(xy[1] - l * cos(q[0])) < 1e-15);
  system_get(SYSTEM_DOUBLE_PENDULUM)->positions(&parameters, q, xy);
  assert_true(fabs(xy[0] - l * sin(q[0])) < 1e-15 && fabs(xy[1] - l * cos(q[0])) < 1e-15);
  assert_true(fabs(xy[2] - l * (sin(q[0]) + sin(q[1]))) < 1e-15);
  assert_true(fabs(xy[3] - l * (cos(q[0]) + cos(q[1]))) < 1e-15);
  for (int kind = SYSTEM_TWO_BODY; kind <= SYSTEM_THREE_BODY; kind++) {
    const struct system *system = system_get((enum system_kind)kind);
    system->positions(&parameters, q, xy);
    for (int i = 0; i < system->freedom; i++) assert_true(xy[i] == q[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(field_is_gradient), cmocka_unit_test(table_is_true),
                                     cmocka_unit_test(double_pendulum_value),
                                     cmocka_unit_test(positions_are_drawn_downward)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
