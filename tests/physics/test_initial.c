/* Distributions of initial conditions. */
#include "base/rng.h"
#include "base/status.h"
#include "physics/initial.h"
#include "physics/reference.h"
#include "presets.h"
#include "testing.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

enum { DRAWS = 200000, SECTORS = 36 };

static void draw(const struct experiment *experiment, uint64_t index, double *state) {
  struct rng rng = rng_stream(5, RNG_TEST, index, 0);
  initial_draw(system_get(experiment->system.name), &experiment->system, &experiment->initial, &rng, state);
}

/* Share of directions between angles a < b within one octant pair: uniform (b - a) / 2 pi; square, where tan is the
 * place along an edge of length 2 of 8 in all. */
static double expected_share(enum direction_kind kind, double a, double b) {
  if (kind == DIRECTION_UNIFORM) return (b - a) / (2 * PI);
  double share = 0, width = (b - a) / 1000;
  for (int i = 0; i < 1000; i++) {
    double angle = fmod(a + (i + 0.5) * width + 2 * PI + PI / 4, PI / 2) - PI / 4;
    share += width / (8 * cos(angle) * cos(angle));
  }
  return share;
}

static void phases_have_their_distribution(void **unused) {
  (void)unused;
  for (int kind = 0; kind < DIRECTION_COUNT; kind++) {
    struct experiment experiment = preset(SYSTEM_PENDULUM);
    experiment.initial.direction = (enum direction_kind)kind;
    double lower = experiment.initial.radius[0], upper = experiment.initial.radius[1];
    int sectors[SECTORS] = {0};
    double sum = 0, least = INFINITY, most = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
      double state[2];
      draw(&experiment, i, state);
      double r = hypot(state[0], state[1]), turn = (atan2(state[1], state[0]) + PI) / (2 * PI);
      sum += r;
      least = fmin(least, r);
      most = fmax(most, r);
      sectors[(int)(turn * SECTORS) % SECTORS]++;
    }
    assert_true(least >= lower - 1e-15 && least < lower + 1e-3);
    assert_true(most <= upper + 1e-15 && most > upper - 1e-3);
    assert_true(fabs(sum / DRAWS - (lower + upper) / 2) < 5 * (upper - lower) / sqrt(12.0 * DRAWS));
    for (int s = 0; s < SECTORS; s++) {
      double share =
          expected_share((enum direction_kind)kind, -PI + s * 2 * PI / SECTORS, -PI + (s + 1) * 2 * PI / SECTORS);
      assert_true(fabs(sectors[s] - DRAWS * share) < 5 * sqrt(DRAWS * share));
    }
  }
}

/* The reproduction's pendulum: 32.5% of starts lie above the separatrix. */
static void pendulums_rotate(void **unused) {
  (void)unused;
  struct experiment experiment = preset(SYSTEM_PENDULUM);
  const struct system *system = system_get(SYSTEM_PENDULUM);
  double top = 2 * experiment.system.mass * experiment.system.gravity * experiment.system.length;
  int rotating = 0;
  for (uint64_t i = 0; i < DRAWS; i++) {
    double state[2];
    draw(&experiment, i, state);
    struct energy energy = system->energy(&experiment.system, state);
    rotating += energy.kinetic + energy.potential > top;
  }
  print_message("rotating pendulums: %.2f%%\n", 100.0 * rotating / DRAWS);
  assert_true(fabs((double)rotating / DRAWS - 0.325) < 0.005);
}

/* What the information limit builds on: two uniforms in order, a continuous closed curve, linear in the radius. */
static void phase_is_a_map_of_the_unit_square(void **unused) {
  (void)unused;
  struct experiment experiment = preset(SYSTEM_MASS_SPRING);
  for (int kind = 0; kind < DIRECTION_COUNT; kind++) {
    experiment.initial.direction = (enum direction_kind)kind;
    double q, p, q_last, p_last, state[2];
    initial_phase(&experiment.initial, -1e-4, 1, &q_last, &p_last);
    for (int i = 0; i <= 10000; i++) {
      initial_phase(&experiment.initial, i * 1e-4, 1, &q, &p);
      double moved = hypot(q - q_last, p - p_last);
      assert_true(moved > 3e-4 && moved < 9e-4);
      q_last = q;
      p_last = p;
    }
    struct rng rng = rng_stream(5, RNG_TEST, 17, 0), same = rng;
    double u_direction = rng_uniform(&rng), u_radius = rng_uniform(&rng);
    initial_phase(&experiment.initial, u_direction, u_radius, &q, &p);
    initial_draw(system_get(SYSTEM_MASS_SPRING), &experiment.system, &experiment.initial, &same, state);
    assert_true(state[0] == q && state[1] == p);
    assert_true(rng_u64(&rng) == rng_u64(&same));
  }
}

static void double_pendulum_draws_two_vectors(void **unused) {
  (void)unused;
  struct experiment experiment = preset(SYSTEM_DOUBLE_PENDULUM);
  double product = 0;
  for (uint64_t i = 0; i < 10000; i++) {
    double s[4];
    draw(&experiment, i, s);
    double q = hypot(s[0], s[1]), p = hypot(s[2], s[3]);
    assert_true(q > 0.5 - 1e-15 && q < 1.3 + 1e-15 && p > 0.5 - 1e-15 && p < 1.3 + 1e-15);
    product += (q - 0.9) * (p - 0.9) / 10000;
  }
  assert_true(fabs(product) < 5 * 0.64 / 12 / 100);
}

static double spin(const double *q, const double *p) { return q[0] * p[1] - q[1] * p[0]; }

static void bodies_flip_and_are_disturbed(void **unused) {
  (void)unused;
  for (int kind = SYSTEM_TWO_BODY; kind <= SYSTEM_THREE_BODY; kind++) {
    struct experiment experiment = preset((enum system_kind)kind), calm;
    experiment.initial.flip_probability = 0.3;
    calm = experiment;
    calm.initial.velocity_noise = 0;
    int flipped = 0, d = system_get((enum system_kind)kind)->freedom;
    double least = 0, most = 0, pair = 0;
    for (uint64_t i = 0; i < 20000; i++) {
      double state[SYSTEM_STATE_MAX], still[SYSTEM_STATE_MAX], change[SYSTEM_FREEDOM_MAX];
      draw(&experiment, i, state);
      draw(&calm, i, still);
      flipped += spin(state, state + d) < 0;
      assert_memory_equal(state, still, (size_t)d * sizeof *state);
      for (int c = 0; c < d; c++) {
        change[c] = state[d + c] / still[d + c] - 1;
        least = fmin(least, change[c]);
        most = fmax(most, change[c]);
      }
      pair += change[0] * change[1] + change[0] * change[2];
    }
    assert_true(fabs(flipped / 20000.0 - 0.3) < 0.02);
    assert_true(least > -0.1 - 1e-12 && least < -0.0999 && most < 0.1 + 1e-12 && most > 0.0999);
    assert_true(fabs(pair / 20000) < 5 * 0.01 / 3 * sqrt(2.0 / 20000)); /* components are disturbed independently */
  }
}

/* Without velocity noise the orbits are circles, for any mass and G:
 * same distances at all times, back after a period. */
static void orbits_are_circles(void **unused) {
  (void)unused;
  for (int kind = SYSTEM_TWO_BODY; kind <= SYSTEM_THREE_BODY; kind++) {
    const struct system *system = system_get((enum system_kind)kind);
    struct experiment experiment = preset((enum system_kind)kind);
    experiment.system = odd_parameters((enum system_kind)kind);
    experiment.initial.velocity_noise = 0;
    int d = system->freedom;
    for (uint64_t i = 0; i < 10; i++) {
      double start[SYSTEM_STATE_MAX], state[SYSTEM_STATE_MAX], h = 0;
      draw(&experiment, i, start);
      memcpy(state, start, sizeof state);
      double r = hypot(start[0], start[1]), v = hypot(start[d], start[d + 1]) / experiment.system.mass;
      for (int f = 0; f < 16; f++) {
        assert_ok(reference_advance(system, &experiment.system, 2 * PI * r / v / 16, 1e-13, &h, state));
        for (int b = 0; b < system->bodies; b++) assert_true(fabs(hypot(state[2 * b], state[2 * b + 1]) - r) < 1e-11);
      }
      for (int c = 0; c < 2 * d; c++) assert_true(fabs(state[c] - start[c]) < 1e-11);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(phases_have_their_distribution),    cmocka_unit_test(pendulums_rotate),
      cmocka_unit_test(phase_is_a_map_of_the_unit_square), cmocka_unit_test(double_pendulum_draws_two_vectors),
      cmocka_unit_test(bodies_flip_and_are_disturbed),     cmocka_unit_test(orbits_are_circles)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
