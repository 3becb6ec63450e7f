/* The target densities: each integrates to 1, its draws fall where it says, its modes and its box hold them, its
 * gradient is that of its log; and the bits stay. */
#include "base/checksum.h"
#include "base/rng.h"
#include "physics/target.h"
#include "testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct target *open(struct density_settings settings) {
  const struct experiment experiment = {.seed = 4, .density = settings};
  struct target *target;
  assert_ok(target_open(&experiment, &target));
  return target;
}

static const struct density_settings plane[] = {
    {.name = DENSITY_GAUSSIAN, .dimension = 2, .width = 0.7},
    {.name = DENSITY_RING, .modes = 8, .spacing = 3, .width = 0.35},
    {.name = DENSITY_GRID, .side = 3, .spacing = 2, .width = 0.25},
    {.name = DENSITY_ARCS},
    {.name = DENSITY_CROSS},
    {.name = DENSITY_MOONS, .width = 0.1},
    {.name = DENSITY_CHECKERBOARD},
};
enum { PLANE = sizeof plane / sizeof *plane };

/* ---- in the plane ---- */

enum { CELLS = 12, FINE = 16, SIDE = CELLS * FINE, DRAWS = 20000 };

struct grid {
  double lower[2], step[2], mass[CELLS][CELLS];
};

/* The mass of each cell of the density's box, a little enlarged, by the midpoint rule; the sum of all. For densities
 * that are smooth and vanish at the edge the sum is exact to far beyond the step; the edges of the board are those of
 * cells. */
static double integrate(const struct target *target, struct grid *grid) {
  double upper[2], all = 0;
  const bool board = target_modes(target) == 8 && isinf(target_log_density(target, (double[2]){3, 3}));
  target_box(target, grid->lower, upper);
  for (int d = 0; d < 2; d++) {
    const double more = board ? 0 : 0.1 * (upper[d] - grid->lower[d]);
    grid->lower[d] -= more;
    grid->step[d] = (upper[d] + more - grid->lower[d]) / SIDE;
  }
  memset(grid->mass, 0, sizeof grid->mass);
  for (int i = 0; i < SIDE * SIDE; i++) {
    const double x[2] = {grid->lower[0] + (i % SIDE + 0.5) * grid->step[0],
                         grid->lower[1] + (i / SIDE + 0.5) * grid->step[1]};
    const double mass = exp(target_log_density(target, x)) * grid->step[0] * grid->step[1];
    grid->mass[i / SIDE / FINE][i % SIDE / FINE] += mass;
    all += mass;
  }
  return all;
}

static void integrates_to_one(void **state) {
  (void)state;
  for (int i = 0; i < PLANE; i++) {
    struct target *target = open(plane[i]);
    struct grid grid;
    const double all = integrate(target, &grid);
    if (!(fabs(all - 1) < 2e-6)) fail_msg("%s integrates to %.9f", experiment_density_name(plane[i].name), all);
    target_close(&target);
    assert_null(target);
  }
}

/* Pearson's statistic over cells in which enough are expected, the others together. */
static void draws_fall_where_the_density_is(void **state) {
  (void)state;
  for (int i = 0; i < PLANE; i++) {
    struct target *target = open(plane[i]);
    struct grid grid;
    double count[CELLS][CELLS] = {{0}}, statistic = 0, freedom = -1, rest = DRAWS, rare = 0;
    integrate(target, &grid);
    for (int k = 0; k < DRAWS; k++) {
      double x[2];
      target_draw(target, 5, (uint64_t)k, x);
      const double column = floor((x[0] - grid.lower[0]) / grid.step[0] / FINE),
                   row = floor((x[1] - grid.lower[1]) / grid.step[1] / FINE);
      if (column >= 0 && column < CELLS && row >= 0 && row < CELLS) count[(int)row][(int)column] += 1;
    }
    double left = DRAWS;
    for (int c = 0; c < CELLS * CELLS; c++) {
      const double expected = DRAWS * grid.mass[c / CELLS][c % CELLS], found = count[c / CELLS][c % CELLS];
      if (expected < 10) continue;
      statistic += (found - expected) * (found - expected) / expected;
      freedom += 1;
      rest -= expected;
      left -= found;
    }
    rare = rest > 1 ? rest : 1;
    statistic += (left - rest) * (left - rest) / rare;
    if (!(fabs(statistic - freedom) < 4 * sqrt(2 * freedom)))
      fail_msg("%s: chi^2 is %.1f for %.0f cells", experiment_density_name(plane[i].name), statistic, freedom);
    target_close(&target);
  }
}

/* Shares of modes of equal weight; few draws belong to none, and none is outside the box. */
static void modes_and_box_hold_the_draws(void **state) {
  (void)state;
  for (int i = 0; i < PLANE; i++) {
    struct target *target = open(plane[i]);
    const int modes = target_modes(target);
    double lower[2], upper[2], count[TARGET_MODES_MAX] = {0};
    int none = 0, outside = 0;
    target_box(target, lower, upper);
    for (int k = 0; k < DRAWS; k++) {
      double x[2];
      target_draw(target, 6, (uint64_t)k, x);
      const int mode = target_mode(target, x);
      assert_true(mode >= -1 && mode < modes);
      none += mode < 0;
      if (mode >= 0) count[mode] += 1;
      outside += !(x[0] >= lower[0] && x[0] <= upper[0] && x[1] >= lower[1] && x[1] <= upper[1]);
    }
    assert_true(none <= 8 && outside == 0); /* 2 in the mean */
    const double expected = (double)DRAWS / modes;
    for (int m = 0; m < modes; m++)
      if (!(fabs(count[m] - expected) < 4.5 * sqrt(expected)))
        fail_msg("%s: mode %d has %g of %d draws", experiment_density_name(plane[i].name), m, count[m], DRAWS);
    target_close(&target);
  }
}

/* ---- places ---- */

static void expect_mode(const struct target *target, double x, double y, int mode) {
  const double point[2] = {x, y};
  if (target_mode(target, point) != mode)
    fail_msg("(%g, %g) belongs to %d, not %d", x, y, target_mode(target, point), mode);
}

static void modes_are_where_they_are(void **state) {
  (void)state;
  struct target *target = open(plane[1]); /* ring */
  assert_int_equal(target_modes(target), 9);
  expect_mode(target, 3, 0, 0);
  expect_mode(target, 0, 3, 2);
  expect_mode(target, -2.9, 0.1, 4);
  expect_mode(target, 0.2, -0.1, 8);
  expect_mode(target, 1.51, 0, 0);   /* 4.26 standard deviations from the first, as the next from the last */
  expect_mode(target, 1.5, 0.2, -1); /* 4.32 from both */
  expect_mode(target, 1.49, 0, 8);
  target_close(&target);
  target = open(plane[2]); /* grid */
  assert_int_equal(target_modes(target), 9);
  expect_mode(target, -2, -2, 0);
  expect_mode(target, 2, 0, 5);
  expect_mode(target, 0, 2.1, 7);
  target_close(&target);
  target = open(plane[3]); /* arcs */
  assert_int_equal(target_modes(target), 2);
  expect_mode(target, -2, 0.3, 0);
  expect_mode(target, 2, -0.3, 1);
  expect_mode(target, 0, 0, -1);
  target_close(&target);
  target = open(plane[4]); /* cross */
  assert_int_equal(target_modes(target), 4);
  expect_mode(target, 2, 2, 0);
  expect_mode(target, -2, 2, 1);
  expect_mode(target, -2, -2, 2);
  expect_mode(target, 2, -2, 3);
  expect_mode(target, 1.5, 0, -1);
  target_close(&target);
  target = open(plane[5]); /* moons */
  expect_mode(target, 0, 1.05, 0);
  expect_mode(target, 1, -0.55, 1);
  expect_mode(target, -1, -0.4, 0);
  expect_mode(target, -1, -0.44, -1);
  expect_mode(target, 0.5, 0.25, -1);
  target_close(&target);
  target = open(plane[6]); /* checkerboard */
  assert_int_equal(target_modes(target), 8);
  expect_mode(target, -1.5, -1.5, 0);
  expect_mode(target, -0.5, -0.5, 2);
  expect_mode(target, 1.5, 1.5, 7);
  expect_mode(target, -0.5, -1.5, -1);
  expect_mode(target, -2, -2, 0);
  expect_mode(target, 2, 2, -1);
  target_close(&target);
}

/* The radius that a ten thousandth of a Gaussian exceeds, by dimension: scipy.stats.chi2.isf(1e-4, D). */
static void far_is_far_in_any_dimension(void **state) {
  (void)state;
  static const struct {
    int64_t dimension;
    double square;
  } cases[] = {{1, 15.136705226623606},
               {2, 18.420680743952364},
               {3, 21.107513469760242},
               {10, 35.56401394195254},
               {32, 70.57124757534248}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct target *target = open((struct density_settings){.dimension = cases[i].dimension, .width = 2});
    double x[TARGET_DIMENSION_MAX] = {0}, lower[TARGET_DIMENSION_MAX], upper[TARGET_DIMENSION_MAX];
    assert_int_equal(target_dimension(target), cases[i].dimension);
    x[cases[i].dimension - 1] = 2 * (sqrt(cases[i].square) - 1e-4);
    assert_int_equal(target_mode(target, x), 0);
    x[cases[i].dimension - 1] = 2 * (sqrt(cases[i].square) + 1e-4);
    assert_int_equal(target_mode(target, x), -1);
    target_box(target, lower, upper);
    for (int d = 0; d < cases[i].dimension; d++) assert_true(lower[d] == -upper[d] && fabs(upper[d] - 10.4) < 1e-12);
    target_close(&target);
  }
}

/* ---- values ---- */

static void gaussian_in_any_dimension(void **state) {
  (void)state;
  for (int64_t dimension = 1; dimension <= TARGET_DIMENSION_MAX; dimension++) {
    struct target *target = open((struct density_settings){.dimension = dimension, .width = 1.7});
    double x[TARGET_DIMENSION_MAX], expected = 0;
    target_draw(target, 1, 7, x);
    for (int d = 0; d < dimension; d++)
      expected -= 0.5 * x[d] * x[d] / (1.7 * 1.7) + log(1.7) + 0.5 * log(2 * acos(-1.0));
    assert_true(fabs(target_log_density(target, x) - expected) < 1e-13 * fabs(expected) + 1e-14);
    target_close(&target);
  }
}

static void nothing_is_there(void **state) {
  (void)state;
  for (int i = 0; i < PLANE; i++) {
    struct target *target = open(plane[i]);
    const double far[][2] = {{INFINITY, 0}, {-1, -INFINITY}, {1e200, -1e200}}, nan[2] = {0, NAN},
                 distant[2] = {300, -200};
    const bool board = plane[i].name == DENSITY_CHECKERBOARD;
    for (int k = 0; k < 3; k++) {
      assert_true(isinf(target_log_density(target, far[k])) && target_log_density(target, far[k]) < 0);
      assert_int_equal(target_mode(target, far[k]), -1);
    }
    assert_true(board || isnan(target_log_density(target, nan)));
    assert_int_equal(target_mode(target, nan), -1);
    assert_true(board ? isinf(target_log_density(target, distant)) : target_log_density(target, distant) < -1e4);
    assert_true(target_normaliser_error(target) == 0 && target_draws(target));
    target_close(&target);
  }
}

static void compare_gradient(const struct target *target, double *x) {
  double gradient[TARGET_DIMENSION_MAX];
  assert_ok(target_gradient(target, x, gradient));
  for (int d = 0; d < target_dimension(target); d++) {
    const double step = 1e-5, here = x[d];
    x[d] = here + step;
    const double above = target_log_density(target, x);
    x[d] = here - step;
    const double slope = (above - target_log_density(target, x)) / (2 * step);
    x[d] = here;
    assert_true(fabs(slope - gradient[d]) < 1e-6 * (1 + fabs(slope)));
  }
}

static void gradient_is_that_of_the_log(void **state) {
  (void)state;
  for (int i = 0; i < PLANE; i++) {
    struct target *target = open(plane[i]);
    double x[2], gradient[2];
    if (target_gradient(target, (double[2]){0, 0}, gradient) == STATUS_UNAVAILABLE) {
      assert_true(plane[i].name == DENSITY_ARCS || plane[i].name == DENSITY_MOONS ||
                  plane[i].name == DENSITY_CHECKERBOARD);
    } else {
      for (uint64_t k = 0; k < 50; k++) {
        target_draw(target, 8, k, x);
        x[0] *= 1.1; /* between the modes too */
        compare_gradient(target, x);
      }
    }
    target_close(&target);
  }
}

/* ---- logistic regression ---- */

static const struct density_settings small_regression = {
    .name = DENSITY_LOGISTIC, .dimension = 2, .observations = 13, .prior = 1.5};

/* The observations again, by what is said of them, and libm's functions. */
static double by_hand(const struct density_settings *settings, const double *b) {
  const int dimension = (int)settings->dimension;
  double truth[TARGET_DIMENSION_MAX], sum = 0;
  struct rng rng = rng_stream(4, RNG_REGRESSION, 0, 1);
  rng_normal(&rng, truth, dimension);
  for (int64_t i = 0; i < settings->observations; i++) {
    double x[TARGET_DIMENSION_MAX] = {1}, true_margin = 0, margin = 0;
    rng = rng_stream(4, RNG_REGRESSION, (uint64_t)i, 0);
    rng_normal(&rng, x + 1, dimension - 1);
    for (int d = 0; d < dimension; d++) {
      true_margin += settings->prior * truth[d] * x[d];
      margin += b[d] * x[d];
    }
    const bool positive = rng_uniform(&rng) < 1 / (1 + exp(-true_margin));
    sum += positive ? -log1p(exp(-margin)) : -log1p(exp(margin));
  }
  for (int d = 0; d < dimension; d++) sum -= 0.5 * b[d] * b[d] / (settings->prior * settings->prior);
  return sum;
}

static void posterior_is_what_the_observations_say(void **state) {
  (void)state;
  struct density_settings settings = small_regression;
  settings.dimension = 5;
  struct target *target = open(settings);
  double x[5] = {0}, constant = target_log_density(target, x) - by_hand(&settings, x);
  struct rng rng = rng_stream(1, RNG_TEST, 0, 0);
  for (int k = 0; k < 20; k++) {
    rng_normal(&rng, x, 5);
    assert_true(fabs(target_log_density(target, x) - by_hand(&settings, x) - constant) < 1e-12);
    compare_gradient(target, x);
  }
  assert_true(!target_draws(target) && target_modes(target) == 1);
  target_close(&target);
}

static void normaliser_is_as_good_as_it_says(void **state) {
  (void)state;
  for (int64_t observations = 1; observations <= 40; observations += 13) {
    struct density_settings settings = small_regression;
    settings.observations = observations;
    struct target *target = open(settings);
    struct grid grid;
    const double error = target_normaliser_error(target), all = integrate(target, &grid);
    assert_true(error > 1e-5 && error < 2e-3);
    if (!(fabs(log(all)) < 4 * error)) fail_msg("integrates to %.6f, its error is %.6f", all, error);
    target_close(&target);
  }
}

/* One mode, of which a point is far when little of the density is as low as there; the mode has the greatest. */
static void posterior_has_one_mode(void **state) {
  (void)state;
  struct target *target = open(small_regression);
  struct grid grid;
  double beyond = 0;
  integrate(target, &grid);
  for (int i = 0; i < SIDE * SIDE; i++) {
    const double x[2] = {grid.lower[0] + (i % SIDE + 0.5) * grid.step[0],
                         grid.lower[1] + (i / SIDE + 0.5) * grid.step[1]};
    if (target_mode(target, x) < 0) beyond += exp(target_log_density(target, x)) * grid.step[0] * grid.step[1];
  }
  assert_true(beyond > 3e-5 && beyond < 3e-4);
  target_close(&target);
}

/* Posteriors that importance sampling cannot do justice to: the error is told, or that there is no estimate. */
static void hard_regressions(void **state) {
  (void)state;
  struct experiment experiment = {.seed = 1, .density = small_regression};
  struct target *target;
  experiment.density.dimension = 10;
  experiment.density.observations = 20;
  experiment.density.prior = 1e6;
  assert_ok(target_open(&experiment, &target));
  assert_true(target_normaliser_error(target) > 0.05);
  target_close(&target);
  experiment.seed = 4;
  assert_status(STATUS_NUMERIC, target_open(&experiment, &target));
  assert_non_null(strstr(status_message(), "too few observations"));
  assert_null(target);
}

/* ---- bits ---- */

/* On any machine these. */
static void bits_stay(void **state) {
  (void)state;
  static const char *const expected[PLANE] = {"7bb81defa5248b7a6212c264026e4dc7", "dbbe60a932f2176a5e22b4cf41fc25b2",
                                              "5d7d821662154ed0cf9dc9e5fec58595", "410b76b3e32199f3d46a7a15316eba9e",
                                              "ea4abcbedf56588219a34ca7610ed2e4", "a457d4928b8a2fc37dc2f0114e6afd84",
                                              "0bd1e7f76c0731a69e2711e2c930d83d"};
  for (int i = 0; i < PLANE; i++) {
    struct target *target = open(plane[i]);
    struct checksum sum = {{0, 0}};
    char text[CHECKSUM_TEXT];
    for (uint64_t k = 0; k < 500; k++) {
      double x[3];
      target_draw(target, 9, (UINT64_C(1) << 40) + k, x);
      x[2] = target_log_density(target, x);
      checksum_add(&sum, 1, k * sizeof x, x, sizeof x);
    }
    checksum_text(&sum, text);
    assert_string_equal(text, expected[i]);
    target_close(&target);
  }
  struct target *target = open(small_regression);
  const double x[2] = {0.25, -0.5};
  assert_true(target_log_density(target, x) == -0x1.e4bd055c6f8fp+1);
  target_close(&target);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(integrates_to_one),
      cmocka_unit_test(draws_fall_where_the_density_is),
      cmocka_unit_test(modes_and_box_hold_the_draws),
      cmocka_unit_test(modes_are_where_they_are),
      cmocka_unit_test(far_is_far_in_any_dimension),
      cmocka_unit_test(gaussian_in_any_dimension),
      cmocka_unit_test(nothing_is_there),
      cmocka_unit_test(gradient_is_that_of_the_log),
      cmocka_unit_test(posterior_is_what_the_observations_say),
      cmocka_unit_test(normaliser_is_as_good_as_it_says),
      cmocka_unit_test(posterior_has_one_mode),
      cmocka_unit_test(hard_regressions),
      cmocka_unit_test(bits_stay),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
