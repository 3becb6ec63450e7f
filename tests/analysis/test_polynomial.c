/* Polynomials: every product once, in graded order; values, gradients and the orthogonality of Hermite's. */
#include "analysis/polynomial.h"
#include "base/rng.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void assert_near(double value, double expected, double tolerance) {
  if (!(fabs(value - expected) <= tolerance)) fail_msg("%.12g is not %.12g +- %g", value, expected, tolerance);
}

static void test_counts(void **state) {
  (void)state;
  assert_int_equal(polynomial_count(1, 5), 6);
  assert_int_equal(polynomial_count(4, 3), 35);
  assert_int_equal(polynomial_count(512, 1), 513);
  assert_int_equal(polynomial_count(32, 5), 435897);
  assert_int_equal(polynomial_count(100000, 2), -1);
  assert_int_equal(polynomial_count(INT32_MAX, 8), -1);
  assert_int_equal(polynomial_count(INT64_MAX, 3), -1);
}

/* The terms at three primes are whole numbers with one factorisation each: all products up to the order, once. */
static void test_terms(void **state) {
  (void)state;
  const double prime[] = {2, 3, 5};
  struct polynomial polynomial;
  double term[56], order_before = 0;
  int seen[56] = {0};
  assert_ok(polynomial_open(3, 5, POLYNOMIAL_MONOMIAL, &polynomial));
  assert_int_equal(polynomial.count, 56);
  polynomial_features(&polynomial, prime, term);
  for (int i = 0; i < 56; i++) {
    int left = (int)term[i], order = 0, key = 0;
    for (int k = 0, weight = 1; k < 3; k++, weight *= 6)
      for (; left % (int)prime[k] == 0; left /= (int)prime[k], order++) key += weight;
    assert_int_equal(left, 1);
    assert_true(order <= 5 && order >= order_before);
    order_before = order;
    for (int j = 0; j < i; j++) assert_int_not_equal(seen[j], key + 1);
    seen[i] = key + 1;
  }
  for (int k = 0; k < 3; k++) assert_near(term[1 + k], prime[k], 0);
  polynomial_close(&polynomial);
}

static double value_of(const struct polynomial *polynomial, const double *weight, const double *x) {
  double term[70], sum = 0;
  polynomial_features(polynomial, x, term);
  for (int64_t i = 0; i < polynomial->count; i++) sum += weight[i] * term[i];
  return sum;
}

static void test_gradient(void **state) {
  (void)state;
  struct polynomial polynomial;
  struct rng rng = rng_stream(1, RNG_TEST, 0, 0);
  double weight[70], x[4] = {0.3, -0.7, 0, 1.1}, gradient[4];
  assert_ok(polynomial_open(4, 4, POLYNOMIAL_MONOMIAL, &polynomial));
  rng_normal(&rng, weight, 70);
  polynomial_gradient(&polynomial, weight, x, gradient);
  for (int k = 0; k < 4; k++) {
    const double at = x[k], h = 1e-4;
    x[k] = at + h;
    const double above = value_of(&polynomial, weight, x);
    x[k] = at - h;
    const double below = value_of(&polynomial, weight, x);
    x[k] = at;
    assert_near(gradient[k], (above - below) / (2 * h), 1e-6);
  }
  polynomial_close(&polynomial);
}

/* (x^3 - 3 x) / sqrt(6) and so on; and mean products of terms of normal variables are those of the unit matrix. */
static void test_hermite(void **state) {
  (void)state;
  enum { DRAWS = 200000 };
  struct polynomial polynomial;
  struct rng rng = rng_stream(2, RNG_TEST, 0, 0);
  double x[2] = {1.7, -0.4}, term[15], gram[10][10] = {{0}};
  assert_ok(polynomial_open(1, 5, POLYNOMIAL_HERMITE, &polynomial));
  polynomial_features(&polynomial, x, term);
  assert_near(term[2], (1.7 * 1.7 - 1) / sqrt(2), 1e-12);
  assert_near(term[3], (pow(1.7, 3) - 3 * 1.7) / sqrt(6), 1e-12);
  assert_near(term[5], (pow(1.7, 5) - 10 * pow(1.7, 3) + 15 * 1.7) / sqrt(120), 1e-12);
  polynomial_close(&polynomial);
  assert_ok(polynomial_open(2, 3, POLYNOMIAL_HERMITE, &polynomial));
  for (int n = 0; n < DRAWS; n++) {
    rng_normal(&rng, x, 2);
    polynomial_features(&polynomial, x, term);
    for (int i = 0; i < 10; i++)
      for (int j = 0; j < 10; j++) gram[i][j] += term[i] * term[j] / DRAWS;
  }
  for (int i = 0; i < 10; i++)
    for (int j = 0; j < 10; j++) assert_near(gram[i][j], i == j, 0.06);
  polynomial_close(&polynomial);
}

static void test_refusals(void **state) {
  (void)state;
  struct polynomial polynomial;
  assert_status(STATUS_ARGUMENT, polynomial_open(0, 1, POLYNOMIAL_MONOMIAL, &polynomial));
  assert_status(STATUS_ARGUMENT, polynomial_open(2, 9, POLYNOMIAL_MONOMIAL, &polynomial));
  assert_status(STATUS_ARGUMENT, polynomial_open(100000, 2, POLYNOMIAL_MONOMIAL, &polynomial));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts), cmocka_unit_test(test_terms),
                                     cmocka_unit_test(test_gradient), cmocka_unit_test(test_hermite),
                                     cmocka_unit_test(test_refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
