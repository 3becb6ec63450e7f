/* Importance of parameters: functions whose shares of variance are known in closed form, partial dependence that is
 * known, and, on the same points, Optuna's. */
#include "analysis/report/importance.h"
#include "base/elementary.h"
#include "functions.h"
#include "sweep/sobol.h"

#include <stdio.h>

enum { PARAMETERS = 4, MOST = 1500 };

static const double pi = 3.14159265358979323846;

struct problem {
  struct space space;
  struct parzen_axes axes;
  int64_t count;
  double u[MOST][PARAMETERS], point[MOST][PARAMETERS], place[MOST][PARAMETERS], value[MOST];
};

static struct problem problem;

/* Points of a scrambled Sobol sequence: at random a thousand are uneven enough to move Ishigami's shares by .03. */
static void draw(const struct space *space, int64_t count, uint64_t seed) {
  problem = (struct problem){.space = *space, .count = count};
  assert_ok(parzen_axes_open(&problem.space, &problem.axes));
  for (int64_t i = 0; i < count; i++) {
    for (int p = 0; p < space->count; p++) problem.u[i][p] = sobol_scrambled(seed, p, (uint32_t)i);
    space_point(&problem.space, problem.u[i], problem.point[i]);
  }
}

/* Places stand without gaps, as importance_measure() reads them. */
static const double *places(void) {
  static double all[MOST * PARAMETERS];
  for (int64_t i = 0; i < problem.count; i++)
    parzen_place(&problem.axes, problem.point[i], all + i * problem.axes.count);
  return all;
}

static struct importance measure(void) {
  struct importance importance;
  assert_ok(importance_measure(&problem.axes, problem.count, places(), problem.value, 1, &importance));
  return importance;
}

static const struct importance_axis *axis_of(const struct importance *importance, int parameter) {
  for (int a = 0; a < importance->count; a++)
    if (importance->axis[a].parameter == parameter) return &importance->axis[a];
  fail_msg("no axis of parameter %d", parameter);
  return NULL;
}

static void assert_near(double found, double expected, double tolerance) {
  if (!(fabs(found - expected) <= tolerance)) fail_msg("%g, not %g to %g", found, expected, tolerance);
}

static void assert_share(const struct importance *importance, int parameter, double share, double tolerance) {
  const struct importance_axis *axis = axis_of(importance, parameter);
  if (fabs(axis->share - share) > tolerance)
    fail_msg("parameter %d: %g, not %g (explained %g, together %g)", parameter, axis->share, share,
             importance->explained, importance->together);
}

static void close_problem(struct importance *importance) {
  importance_free(importance);
  parzen_axes_close(&problem.axes);
}

/* a x1 + b x2 of uniform x: shares a^2 and b^2 of their sum, nothing together. On an axis of the logarithm the same is
 * said of the logarithm. */
static void test_additive(void **state) {
  (void)state;
  struct space space = function_space(3, 0, 1);
  space.parameter[1].distribution =
      (struct distribution){.kind = DISTRIBUTION_LOG_UNIFORM_VALUES, .least = 1e-5, .most = 1e-1};
  draw(&space, 800, 1);
  for (int64_t i = 0; i < problem.count; i++)
    problem.value[i] = 5 + 3 * problem.point[i][0] + 1.5 * (elementary_log(problem.point[i][1]) / elementary_log(1e4));
  struct importance importance = measure();
  assert_share(&importance, 0, 0.8, 0.03);
  assert_share(&importance, 1, 0.2, 0.03);
  assert_share(&importance, 2, 0, 0.01);
  assert_int_equal(importance.axis[0].parameter, 0);
  assert_true(importance.together < 0.05 && importance.explained > 0.95);
  const struct importance_axis *axis = axis_of(&importance, 0);
  for (int64_t i = 4; i + 4 < axis->points; i++) /* 5 + 3 u + the mean of the other, -1.5 * (5 + 1) / 2 / 4 */
    assert_near(axis->mean[i], 5 + 3 * axis->at[i] - 1.5 * 3 / 4, 0.12);
  close_problem(&importance);
}

/* Ishigami and Homma (1990): sin x1 + 7 sin^2 x2 + 0.1 x3^4 sin x1 on [-pi, pi]^3. With a = 7, b = 0.1 the variances
 * are V1 = (1 + b pi^4 / 5)^2 / 2, V2 = a^2 / 8, V13 = b^2 pi^8 (1/18 - 1/50), and no others. */
static void test_ishigami(void **state) {
  (void)state;
  const struct space space = function_space(3, -pi, pi);
  draw(&space, MOST, 2);
  for (int64_t i = 0; i < problem.count; i++) {
    const double *x = problem.point[i], s = elementary_sin(x[1]);
    problem.value[i] = elementary_sin(x[0]) + 7 * s * s + 0.1 * x[2] * x[2] * x[2] * x[2] * elementary_sin(x[0]);
  }
  const double p4 = pi * pi * pi * pi, one = (1 + 0.1 * p4 / 5) * (1 + 0.1 * p4 / 5) / 2, two = 49.0 / 8,
               both = 0.01 * p4 * p4 * (1.0 / 18 - 1.0 / 50), all = one + two + both;
  struct importance importance = measure();
  assert_share(&importance, 0, one / all, 0.05);
  assert_share(&importance, 1, two / all, 0.05);
  assert_share(&importance, 2, 0, 0.03);
  assert_near(importance.together, both / all, 0.06);
  close_problem(&importance);
}

/* Choices of unequal probability, and an integer. */
static void test_choices(void **state) {
  (void)state;
  static const double shares[4] = {0.5, 0, 0.3, 0.2}, height[4] = {0, 100, 1, 4};
  struct space space = function_space(2, 0, 1);
  space.parameter[0].distribution =
      (struct distribution){.kind = DISTRIBUTION_CATEGORICAL_W_PROBABILITIES, .count = 4, .probability = shares};
  space.parameter[1].distribution = (struct distribution){.kind = DISTRIBUTION_INT_UNIFORM, .least = 1, .most = 5};
  draw(&space, 400, 3);
  for (int64_t i = 0; i < problem.count; i++) problem.value[i] = height[(int)problem.point[i][0]] + problem.point[i][1];
  const double mean = 0.3 + 0.8, choice = 0.3 + 16 * 0.2 - mean * mean, number = 2, all = choice + number;
  struct importance importance = measure();
  assert_share(&importance, 0, choice / all, 0.02);
  assert_share(&importance, 1, number / all, 0.02);
  const struct importance_axis *axis = axis_of(&importance, 0);
  assert_int_equal(axis->points, 4);
  assert_near(axis->mean[0], 3, 0.05);
  assert_near(axis->mean[3], 7, 0.1);
  assert_true(axis_of(&importance, 1)->points == 5);
  close_problem(&importance);
}

/* y = [c = 1] (1 + x), x of c = 1 alone, c = 1 half of the time. Over the product of both, with nothing of x
 * elsewhere: V_c = 1.5^2 / 4, V_x = 1/48, V_cx = 1/48. */
static void test_condition(void **state) {
  (void)state;
  static const double wanted[1] = {1};
  struct space space = function_space(3, 0, 1);
  space.parameter[0].distribution = (struct distribution){.kind = DISTRIBUTION_CATEGORICAL, .count = 2};
  space.parameter[1].condition[0] = (struct space_condition){.parameter = 0, .count = 1, .value = wanted};
  space.parameter[1].conditions = 1;
  draw(&space, 500, 4);
  for (int64_t i = 0; i < problem.count; i++) problem.value[i] = problem.point[i][0] == 1 ? 1 + problem.point[i][1] : 0;
  const double choice = 2.25 / 4, number = 1.0 / 48, all = choice + 2 * number;
  struct importance importance = measure();
  assert_share(&importance, 0, choice / all, 0.01);
  assert_share(&importance, 1, number / all, 0.01);
  assert_share(&importance, 2, 0, 0.005);
  close_problem(&importance);
}

/* What cannot be said is refused, and noise is known for it. */
static void test_nothing(void **state) {
  (void)state;
  struct space space = function_space(4, 0, 1);
  struct importance importance;
  draw(&space, 200, 5);
  for (int64_t i = 0; i < problem.count; i++) problem.value[i] = 3;
  assert_status(STATUS_UNAVAILABLE,
                importance_measure(&problem.axes, problem.count, places(), problem.value, 1, &importance));
  for (int64_t i = 0; i < problem.count; i++) {
    struct rng rng = rng_stream(6, RNG_TEST, (uint64_t)i, 9);
    rng_normal(&rng, &problem.value[i], 1);
  }
  assert_status(STATUS_UNAVAILABLE,
                importance_measure(&problem.axes, IMPORTANCE_LEAST - 1, places(), problem.value, 1, &importance));
  importance = measure();
  assert_true(importance.explained < 0.1);
  close_problem(&importance);
  space.count = 1;
  space.parameter[0].distribution = (struct distribution){.kind = DISTRIBUTION_CONSTANT, .count = 1};
  draw(&space, 50, 5);
  assert_status(STATUS_UNAVAILABLE,
                importance_measure(&problem.axes, problem.count, places(), problem.value, 1, &importance));
  parzen_axes_close(&problem.axes);
}

/* argv[1] of the program: tests/peer/importance_optuna.py. */
static const char *peer;

/* Branin's function with a choice of three and a number that does nothing: both forests are of 64 trees, and say the
 * same to what their draws differ by. */
static void test_peer(void **state) {
  (void)state;
  char command[1024];
  struct space space = function_space(4, 0, 1);
  space.parameter[2].distribution = (struct distribution){.kind = DISTRIBUTION_CATEGORICAL, .count = 3};
  draw(&space, 150, 7);
  FILE *file = fopen("importance.txt", "w");
  assert_non_null(file);
  for (int p = 0; p < 4; p++) fprintf(file, "axis %s %d\n", p == 2 ? "choice" : "number", p == 2 ? 3 : 0);
  for (int64_t i = 0; i < problem.count; i++) {
    const double *x = problem.point[i], a = 15 * x[0] - 5, b = 15 * x[1];
    const double bend = b - 5.1 / (4 * pi * pi) * a * a + 5 / pi * a - 6;
    problem.value[i] = bend * bend + 10 * (1 - 1 / (8 * pi)) * elementary_cos(a) + 10 + 40 * (x[2] == 1);
    fprintf(file, "%.17g %.17g %.0f %.17g %.17g\n", x[0], x[1], x[2], x[3], problem.value[i]);
  }
  assert_int_equal(fclose(file), 0);
  struct importance importance = measure();
  snprintf(command, sizeof command, "/usr/bin/python3 '%s' importance.txt", peer);
  FILE *pipe = popen(command, "r");
  assert_non_null(pipe);
  for (int p = 0; p < 4; p++) {
    double share, spread;
    assert_int_equal(fscanf(pipe, "%lf %lf", &share, &spread), 2);
    assert_near(axis_of(&importance, p)->tree_share, share, 0.04);
    assert_near(axis_of(&importance, p)->spread, spread, 0.03);
  }
  assert_int_equal(pclose(pipe), 0);
  close_problem(&importance);
}

int main(int argc, char **argv) {
  peer = argc > 1 ? argv[1] : "";
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_additive), cmocka_unit_test(test_ishigami),
                                     cmocka_unit_test(test_choices),  cmocka_unit_test(test_condition),
                                     cmocka_unit_test(test_nothing),  cmocka_unit_test(test_peer)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
