/* Small dense matrices: hand cases, residuals, orthogonality, and that rows appended have the bits of the whole. */
#include "base/matrix.h"
#include "base/rng.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 61 };

#define MATRIX_BITS 0x1.d637f7a543c81p+18

/* Symmetric, with the eigenvalues of a random matrix times its transpose, plus `more` on the diagonal. */
static void symmetric(uint64_t seed, int size, double more, double *a) {
  static double b[ROWS * ROWS];
  struct rng rng = rng_stream(seed, RNG_TEST, 0, 0);
  rng_normal(&rng, b, size * size);
  for (int i = 0; i < size; i++)
    for (int j = 0; j <= i; j++) {
      double sum = i == j ? more : 0.0;
      for (int k = 0; k < size; k++) sum += b[i * size + k] * b[j * size + k];
      a[i * size + j] = a[j * size + i] = sum;
    }
}

static void factorise(int size, const double *a, double *factor) {
  for (int i = 0; i < size; i++) assert_true(matrix_factor_row(factor, i, a + i * size, 0.0));
}

/* The order of the header, for counts that eight divides and others. */
static void test_dot(void **state) {
  (void)state;
  double a[19], b[19], part[8] = {0};
  struct rng rng = rng_stream(1, RNG_TEST, 0, 0);
  rng_normal(&rng, a, 19);
  rng_normal(&rng, b, 19);
  for (int count = 0; count <= 19; count++) {
    const double want = ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
    assert_true(matrix_dot(count, a, b) == want);
    if (count < 19) part[count % 8] += a[count] * b[count];
  }
}

static void test_hand(void **state) {
  (void)state;
  /* [4 2; 2 10] = L L^T, L = [2 0; 1 3]; L x = (2, 7), L^T x = (5, 6). */
  const double a[4] = {4, 2, 2, 10};
  double factor[3], x[2] = {2, 7}, y[2] = {5, 6}, inverse[4], work[4];
  factorise(2, a, factor);
  assert_true(factor[0] == 2 && factor[1] == 1 && factor[2] == 3);
  matrix_forward(factor, 2, x);
  assert_true(x[0] == 1 && x[1] == 2);
  matrix_backward(factor, 2, y);
  assert_true(y[1] == 2 && y[0] == 1.5);
  matrix_inverse(factor, 2, inverse, work);
  const double want[4] = {10.0 / 36, -2.0 / 36, -2.0 / 36, 4.0 / 36};
  for (int i = 0; i < 4; i++) assert_true(fabs(inverse[i] - want[i]) < 1e-16);
  /* What is not positive is refused, or raised to the least. */
  const double bad[2] = {4, 1};
  assert_false(matrix_factor_row(factor, 1, bad, 0.0));
  assert_true(matrix_factor_row(factor, 1, bad, 0.25) && factor[2] == 0.5);
  const double nan[2] = {4, (double)NAN};
  assert_false(matrix_factor_row(factor, 1, nan, 0.0));
  /* [2 1; 1 2]: 1 and 3, (1, -1) and (1, 1) over sqrt(2). */
  double b[4] = {2, 1, 1, 2}, value[2], vector[4];
  matrix_jacobi(2, b, value, vector);
  assert_true(fabs(value[0] - 1) < 1e-15 && fabs(value[1] - 3) < 1e-15);
  assert_true(fabs(vector[0] - sqrt(.5)) < 1e-15 && fabs(vector[1] + sqrt(.5)) < 1e-15);
  assert_true(fabs(vector[2] - sqrt(.5)) < 1e-15 && fabs(vector[3] - sqrt(.5)) < 1e-15);
}

static void test_residuals(void **state) {
  (void)state;
  static double a[ROWS * ROWS], factor[ROWS * ROWS], inverse[ROWS * ROWS], work[ROWS * ROWS];
  double x[ROWS], worst = 0.0, apart = 0.0, off = 0.0;
  symmetric(2, ROWS, 1.0, a);
  factorise(ROWS, a, factor);
  for (int i = 0; i < ROWS; i++)
    for (int j = 0; j <= i; j++)
      worst = fmax(worst,
                   fabs(a[i * ROWS + j] - matrix_dot(j + 1, factor + matrix_triangle(i), factor + matrix_triangle(j))));
  matrix_inverse(factor, ROWS, inverse, work);
  for (int i = 0; i < ROWS; i++) x[i] = a[7 * ROWS + i];
  matrix_forward(factor, ROWS, x);
  matrix_backward(factor, ROWS, x); /* a unit vector */
  for (int i = 0; i < ROWS; i++) apart = fmax(apart, fabs(x[i] - (i == 7)));
  for (int i = 0; i < ROWS; i++)
    for (int j = 0; j < ROWS; j++) off = fmax(off, fabs(matrix_dot(ROWS, a + i * ROWS, inverse + j * ROWS) - (i == j)));
  printf("  L L^T - A %.1e of %.0f, A^-1 a_7 %.1e, A A^-1 - 1 %.1e\n", worst, a[0], apart, off);
  assert_true(worst < 2e-13 && apart < 1e-12 && off < 1e-11);
}

/* A factor is not changed by rows after it; panels may be gone on with; the eight right sides do not see each other. */
static void test_append(void **state) {
  (void)state;
  static double a[ROWS * ROWS], whole[ROWS * ROWS], part[ROWS * ROWS], all[ROWS * MATRIX_PANEL],
      some[ROWS * MATRIX_PANEL];
  symmetric(3, ROWS, 1.0, a);
  factorise(ROWS, a, whole);
  for (int size = 1; size < ROWS; size += 7) {
    static double leading[ROWS * ROWS];
    for (int i = 0; i < size; i++) memcpy(leading + i * size, a + i * ROWS, (size_t)size * sizeof *a);
    factorise(size, leading, part);
    assert_memory_equal(part, whole, (size_t)matrix_triangle(size) * sizeof *part);
    struct rng rng = rng_stream(4, RNG_TEST, 0, 0);
    rng_normal(&rng, all, ROWS * MATRIX_PANEL);
    memcpy(some, all, sizeof some);
    matrix_panel(whole, 0, ROWS, all);
    matrix_panel(whole, 0, size, some);
    matrix_panel(whole, size, ROWS, some);
    assert_memory_equal(some, all, sizeof some);
  }
  double single[ROWS * MATRIX_PANEL] = {0.0}, x[ROWS];
  struct rng rng = rng_stream(4, RNG_TEST, 0, 0);
  rng_normal(&rng, some, ROWS * MATRIX_PANEL);
  for (int i = 0; i < ROWS; i++) single[i * MATRIX_PANEL + 3] = x[i] = some[i * MATRIX_PANEL + 3];
  matrix_panel(whole, 0, ROWS, single);
  matrix_forward(whole, ROWS, x);
  for (int i = 0; i < ROWS; i++) {
    assert_true(single[i * MATRIX_PANEL + 3] == all[i * MATRIX_PANEL + 3] && single[i * MATRIX_PANEL + 4] == 0.0);
    assert_true(fabs(x[i] - single[i * MATRIX_PANEL + 3]) < 1e-13); /* another order of the same sum */
  }
}

static void check_eigen(int size, const double *a) {
  static double copy[ROWS * ROWS], vector[ROWS * ROWS];
  double value[ROWS], worst = 0.0, apart = 0.0, largest = 1e-300;
  memcpy(copy, a, (size_t)(size * size) * sizeof *copy);
  matrix_jacobi(size, copy, value, vector);
  for (int k = 0; k < size; k++) {
    const double *v = vector + k * size;
    int at = 0;
    largest = fmax(largest, fabs(value[k]));
    assert_true(k == 0 || value[k] >= value[k - 1]);
    for (int i = 0; i < size; i++) worst = fmax(worst, fabs(matrix_dot(size, a + i * size, v) - value[k] * v[i]));
    for (int j = 0; j <= k; j++) apart = fmax(apart, fabs(matrix_dot(size, v, vector + j * size) - (j == k)));
    for (int i = 1; i < size; i++)
      if (fabs(v[i]) > fabs(v[at])) at = i;
    assert_true(v[at] > 0.0);
  }
  printf("  size %d: A v - value v %.1e of %.1e, V V^T - 1 %.1e\n", size, worst, largest, apart);
  assert_true(worst < 1e-13 * largest * size / 4 + 1e-300 && apart < 1e-14 * size + 1e-15);
}

static void test_eigen(void **state) {
  (void)state;
  static double a[ROWS * ROWS];
  for (int size = 1; size <= ROWS; size += 12) {
    symmetric((uint64_t)size, size, 0.0, a);
    check_eigen(size, a);
  }
  /* Equal values, zeros, and 16 orders of magnitude. */
  memset(a, 0, sizeof a);
  check_eigen(7, a);
  for (int i = 0; i < 7; i++) a[i * 8] = i % 2;
  check_eigen(7, a);
  for (int i = 0; i < 7; i++) a[i * 8] = i == 3 ? 1e16 : 1.0;
  a[1] = a[7] = 1e-3;
  check_eigen(7, a);
}

/* Bits that are promised: the same on every machine, compiler and version. */
static void test_bits(void **state) {
  (void)state;
  static double a[ROWS * ROWS], factor[ROWS * ROWS], inverse[ROWS * ROWS], work[ROWS * ROWS];
  double value[ROWS];
  symmetric(5, ROWS, 1.0, a);
  factorise(ROWS, a, factor);
  matrix_inverse(factor, ROWS, inverse, work);
  matrix_jacobi(ROWS, a, value, work);
  const double sum = matrix_dot(ROWS * ROWS, inverse, work) + matrix_dot(ROWS, value, value);
  printf("  %a\n", sum);
  assert_true(sum == MATRIX_BITS);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_dot),       cmocka_unit_test(test_hand),
                                     cmocka_unit_test(test_residuals), cmocka_unit_test(test_append),
                                     cmocka_unit_test(test_eigen),     cmocka_unit_test(test_bits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
