/* Correlations of made numbers, and the dimension of surfaces that are known. */
#include "analysis/dimension.h"
#include "analysis/relation.h"
#include "base/rng.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void assert_near(double value, double expected, double tolerance) {
  if (!(fabs(value - expected) <= tolerance)) fail_msg("%.12g is not %.12g +- %g", value, expected, tolerance);
}

static void test_relation(void **state) {
  (void)state;
  /* Means 1, 2, 3, 4 and 1, 4, 9, 16; both wander by 1 and by 2 around them. */
  const double truth[4][2] = {{0, 2}, {1, 3}, {2, 4}, {3, 5}}, learned[4][2] = {{-1, 3}, {2, 6}, {7, 11}, {14, 18}};
  struct relation relation;
  assert_ok(relation_measure(&learned[0][0], &truth[0][0], 4, 2, &relation));
  assert_near(relation.spearman, 1, 1e-12);
  assert_near(relation.pearson, 25 / sqrt(5 * 129), 1e-12); /* sums of squares 5 and 129, of products 25 */
  assert_near(relation.slope, 5, 1e-12);
  assert_near(relation.true_drift, 1 / sqrt(1.25), 1e-12);
  assert_near(relation.learned_drift, 2 / sqrt(32.25), 1e-12);
}

static void test_ranks(void **state) {
  (void)state;
  /* Ranks 0, 1.5, 1.5, 3 against 3, 1, 2, 0: covariance -4.5, squares 4.5 and 5. */
  const double truth[4] = {1, 2, 2, 7}, learned[4] = {9, 2, 3, -100}, flat[4] = {5, 5, 5, 5};
  struct relation relation;
  assert_ok(relation_measure(learned, truth, 4, 1, &relation));
  assert_near(relation.spearman, -4.5 / sqrt(4.5 * 5), 1e-12);
  assert_true(relation.pearson < 0 && relation.pearson > -1);
  const double rounded[4] = {(double)0.1f, (double)0.1f + 7e-9, (double)0.1f, (double)0.1f - 7e-9};
  assert_ok(relation_measure(rounded, truth, 4, 1, &relation)); /* last bits of an f32 */
  assert_true(isnan(relation.pearson));
  assert_ok(relation_measure(flat, truth, 4, 1, &relation));
  assert_true(isnan(relation.pearson) && isnan(relation.spearman) && isnan(relation.learned_drift));
}

enum { POINTS = 1500, NUMBERS = 10 };

static double point[POINTS][NUMBERS];

/* d coordinates, uniform in a cube, bent into ten numbers. */
static void draw_surface(int dimension) {
  for (int i = 0; i < POINTS; i++) {
    struct rng rng = rng_stream(9, RNG_TEST, (uint64_t)i, (uint32_t)dimension);
    double u[NUMBERS] = {0};
    for (int k = 0; k < dimension; k++) u[k] = rng_uniform(&rng);
    for (int k = 0; k < NUMBERS; k++) {
      point[i][k] = 0.2 * k + u[k % dimension];
      point[i][k] += 0.3 * sin(2 * u[(k + 1) % dimension] + k) + 0.2 * u[k % dimension] * u[(k + 1) % dimension];
    }
  }
}

static void test_dimension(void **state) {
  (void)state;
  struct dimension_estimate estimate;
  for (int dimension = 1; dimension <= 4; dimension++) {
    draw_surface(dimension);
    assert_ok(dimension_estimate(&point[0][0], POINTS, NUMBERS, &estimate));
    assert_near(estimate.dimension, dimension, 0.06 * dimension + 3 * estimate.error);
    assert_near(estimate.error, dimension / sqrt(0.9 * POINTS), 0.1 * estimate.error);
  }
}

static void test_refusals(void **state) {
  (void)state;
  struct dimension_estimate estimate;
  draw_surface(2);
  assert_status(STATUS_UNAVAILABLE, dimension_estimate(&point[0][0], 10, NUMBERS, &estimate));
  for (int i = 0; i < POINTS; i++) memcpy(point[i], point[i % 5], sizeof point[i]);
  assert_status(STATUS_UNAVAILABLE, dimension_estimate(&point[0][0], POINTS, NUMBERS, &estimate));
  assert_non_null(strstr(status_message(), "0 rollouts have states that differ"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_relation), cmocka_unit_test(test_ranks),
                                     cmocka_unit_test(test_dimension), cmocka_unit_test(test_refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
