/* The axes of codes: a Gaussian of known covariance against its closed form, what leads, and what is constant. */
#include "base/matrix.h"
#include "base/rng.h"
#include "testing.h"
#include "train/whitening.h"

#include <math.h>
#include <string.h>

enum { SIZE = 7 };

static const double LOG_TWO_PI = 1.8378770664093453;

/* A covariance with eigenvalues that random axes hide; its factor in `factor`, by rows. */
static void make_covariance(const double *eigenvalue, double *covariance) {
  double random[SIZE * SIZE], gram[SIZE * SIZE], value[SIZE], axis[SIZE * SIZE];
  struct rng rng = rng_stream(1, RNG_TEST, 0, 0);
  rng_normal(&rng, random, SIZE * SIZE);
  for (int i = 0; i < SIZE; i++)
    for (int j = 0; j < SIZE; j++) gram[i * SIZE + j] = matrix_dot(SIZE, random + i * SIZE, random + j * SIZE);
  matrix_jacobi(SIZE, gram, value, axis);
  memset(covariance, 0, SIZE * SIZE * sizeof *covariance);
  for (int k = 0; k < SIZE; k++)
    for (int i = 0; i < SIZE; i++)
      for (int j = 0; j < SIZE; j++)
        covariance[i * SIZE + j] += eigenvalue[k] * axis[k * SIZE + i] * axis[k * SIZE + j];
}

static void fit(struct whitening *whitening, const double *covariance, const struct whitening_rule *rule) {
  double copy[SIZE * SIZE];
  memcpy(copy, covariance, sizeof copy);
  assert_ok(whitening_create(SIZE, whitening));
  for (int i = 0; i < SIZE; i++) {
    whitening->mean[i] = 0.3 * i - 1;
    whitening->scale[i] = 0.5 + 0.25 * i;
  }
  whitening_fit(whitening, copy, rule);
}

/* log N(z; mean, S C S) by a Cholesky factor of C, S the scales. */
static double log_gaussian(const struct whitening *whitening, const double *covariance, const double *z) {
  double factor[SIZE * (SIZE + 1) / 2], y[SIZE], sum = 0;
  for (int i = 0; i < SIZE; i++) assert_true(matrix_factor_row(factor, i, covariance + i * SIZE, 0));
  for (int i = 0; i < SIZE; i++) y[i] = (z[i] - whitening->mean[i]) / whitening->scale[i];
  matrix_forward(factor, SIZE, y);
  for (int i = 0; i < SIZE; i++)
    sum -= 0.5 * (y[i] * y[i] + LOG_TWO_PI) + log(whitening->scale[i]) + log(factor[matrix_triangle(i) + i]);
  return sum;
}

static void test_closed_form(void **state) {
  (void)state;
  static const double eigenvalue[SIZE] = {9, 4, 2.5, 1.5, 0.8, 0.3, 0.02};
  const struct whitening_rule rule = {.sampled = false, .codes = 1000};
  struct whitening whitening;
  double covariance[SIZE * SIZE], z[SIZE], u[SIZE], back[SIZE];
  make_covariance(eigenvalue, covariance);
  fit(&whitening, covariance, &rule);
  struct rng rng = rng_stream(2, RNG_TEST, 0, 0);
  for (int trial = 0; trial < 20; trial++) {
    rng_normal(&rng, z, SIZE);
    whitening_apply(&whitening, z, SIZE, u);
    whitening_invert(&whitening, u, back);
    double density = -whitening.log_volume;
    for (int i = 0; i < SIZE; i++) {
      assert_true(fabs(back[i] - z[i]) < 1e-12);
      density -= 0.5 * (u[i] * u[i] + LOG_TWO_PI);
    }
    assert_true(fabs(density - log_gaussian(&whitening, covariance, z)) < 1e-10 * fabs(density));
    double few[3];
    whitening_apply(&whitening, z, 3, few);
    assert_memory_equal(few, u, sizeof few);
  }
  static const int order[SIZE] = {0, 2, 4, 6, 1, 3, 5};
  for (int i = 0; i < SIZE; i++) assert_true(fabs(whitening.variance[i] - eigenvalue[order[i]]) < 1e-12);
  assert_int_equal(SIZE, whitening.leading); /* all are above 1e-4 of the largest */
  whitening_free(&whitening);
}

/* Which of the leading components stands at place k. */
static int place(int k, int64_t leading) {
  const int half = (int)(leading + 1) / 2;
  return k < half ? 2 * k : 2 * (k - half) + 1;
}

/* Of a model that samples: those above noise lead, the others share their mean, and the volume is that of both. */
static void test_noise(void **state) {
  (void)state;
  static const double eigenvalue[SIZE] = {30, 3, 1.3, 1.1, 1, 0.9, 0.8};
  static const struct {
    int64_t codes, leading, expected;
  } cases[] = {{100000, 0, 3}, /* 1.1 tells less than 1/20 nat */
               {70, 0, 2},     /* (1 + sqrt(7 / 70))^2 is 1.73 */
               {7, 0, 2},      /* nothing but the first is above 4: two at least */
               {70, 5, 5}};
  double covariance[SIZE * SIZE];
  make_covariance(eigenvalue, covariance);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct whitening_rule rule = {.sampled = true, .codes = cases[i].codes, .leading = cases[i].leading};
    struct whitening whitening;
    double rest = 0;
    fit(&whitening, covariance, &rule);
    assert_int_equal(cases[i].expected, whitening.leading);
    for (int k = (int)whitening.leading; k < SIZE; k++) rest += eigenvalue[k] / (double)(SIZE - whitening.leading);
    double volume = 0;
    for (int k = 0; k < SIZE; k++) {
      assert_true(fabs(whitening.variance[k] -
                       (k < whitening.leading ? eigenvalue[place(k, whitening.leading)] : rest)) < 1e-12);
      volume += log(whitening.scale[k]) + 0.5 * log(whitening.variance[k]);
    }
    assert_true(fabs(volume - whitening.log_volume) < 1e-12);
    whitening_free(&whitening);
  }
}

/* What never changes has a density all the same, a narrow one. */
static void test_constant(void **state) {
  (void)state;
  static const double eigenvalue[SIZE] = {2, 1, 1e-3, 1e-5, 0, 0, 0};
  const struct whitening_rule rule = {.sampled = false, .codes = 100}, none = {.sampled = true, .codes = 100};
  double covariance[SIZE * SIZE] = {0}, u[SIZE];
  struct whitening whitening;
  make_covariance(eigenvalue, covariance);
  fit(&whitening, covariance, &rule);
  assert_int_equal(3, whitening.leading);
  for (int i = 4; i < SIZE; i++) assert_true(whitening.variance[i] >= 2e-12 * (1 - 1e-9));
  assert_true(whitening.variance[1] < whitening.variance[2]); /* 2, 1e-3 and then 1 */
  assert_true(isfinite(whitening.log_volume));
  whitening_apply(&whitening, whitening.mean, SIZE, u);
  for (int i = 0; i < SIZE; i++) assert_true(u[i] == 0);
  whitening_free(&whitening);
  memset(covariance, 0, sizeof covariance);
  fit(&whitening, covariance, &none);
  assert_true(isfinite(whitening.log_volume));
  whitening_free(&whitening);
  assert_status(STATUS_UNAVAILABLE, whitening_create(WHITENING_SIZE_MAX + 1, &whitening));
  whitening_free(&whitening);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_closed_form), cmocka_unit_test(test_noise),
                                     cmocka_unit_test(test_constant)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
