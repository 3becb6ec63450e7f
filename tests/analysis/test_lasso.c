/* Lasso: the conditions of its minimum, and the objective that scikit-learn reaches; of more columns than rows, of
 * equal and empty columns, of nearly collinear ones, from zero and from the minimum of another alpha. */
#include "analysis/lasso.h"
#include "base/rng.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 61, COLUMNS = 90 };

static double x[COLUMNS][ROWS], y[ROWS], square[COLUMNS], rest[ROWS], past[LASSO_PAST + 1][COLUMNS];
static int64_t set[COLUMNS];

static void assert_near(double value, double expected, double tolerance) {
  if (!(fabs(value - expected) <= tolerance)) fail_msg("%.12g is not %.12g +- %g", value, expected, tolerance);
}

static struct lasso problem(int64_t columns) {
  return (struct lasso){.rows = ROWS,
                        .columns = columns,
                        .x = &x[0][0],
                        .square = square,
                        .y = y,
                        .rest = rest,
                        .set = set,
                        .past = &past[0][0]};
}

static void center(double *column) {
  double mean = 0;
  for (int r = 0; r < ROWS; r++) mean += column[r] / ROWS;
  for (int r = 0; r < ROWS; r++) column[r] -= mean;
}

/* near: how far columns are from multiples of their neighbours; 0: independent. */
static void draw_problem(int number, double near) {
  struct rng rng = rng_stream(8, RNG_TEST, (uint64_t)number, 0);
  for (int k = 0; k < COLUMNS; k++) {
    rng_normal(&rng, x[k], ROWS);
    for (int r = 0; near > 0 && k % 3 > 0 && r < ROWS; r++) x[k][r] = x[k - 1][r] + near * x[k][r];
  }
  memcpy(x[1], x[0], sizeof x[0]); /* the same twice */
  memset(x[2], 0, sizeof x[2]);
  rng_normal(&rng, y, ROWS);
  for (int r = 0; r < ROWS; r++) y[r] = 0.3 * y[r] + 2 * x[3][r] - x[4][r] + 0.5 * x[0][r];
  center(y);
  for (int k = 0; k < COLUMNS; k++) {
    center(x[k]);
    square[k] = 0;
    for (int r = 0; r < ROWS; r++) square[k] += x[k][r] * x[k][r];
  }
}

/* The rest is y - X w. With theta the rest, made smaller until |x_j . theta| <= n alpha for all j,
 * (|y|^2 - |y - theta|^2) / 2 is below the minimum of |y - X w|^2 / 2 + n alpha |w|_1, and within the promised gap of
 * what is reached. */
static void assert_minimum(int columns, double alpha, const double *w) {
  double steepest = 0, primal = 0, dual = 0, size = 0;
  for (int r = 0; r < ROWS; r++) {
    double left = y[r];
    for (int k = 0; k < columns; k++) left -= w[k] * x[k][r];
    assert_near(rest[r], left, 1e-12);
  }
  for (int k = 0; k < columns; k++) {
    double slope = 0;
    for (int r = 0; r < ROWS; r++) slope += x[k][r] * rest[r];
    steepest = fmax(steepest, fabs(slope));
    primal += ROWS * alpha * fabs(w[k]);
  }
  const double excess = fmax(1, steepest / (ROWS * alpha));
  for (int r = 0; r < ROWS; r++) {
    primal += rest[r] * rest[r] / 2;
    dual += (y[r] * y[r] - (y[r] - rest[r] / excess) * (y[r] - rest[r] / excess)) / 2;
    size += y[r] * y[r];
  }
  assert_true(primal - dual >= -1e-12 * size);
  if (!(primal - dual <= 1.0001e-4 * size)) fail_msg("alpha %g: gap %g of %g", alpha, primal - dual, size);
}

/* Each begins where the last has ended. */
static void test_minimum(void **state) {
  (void)state;
  const double alphas[] = {3, 1, 0.1, 0.01, 1e-3}, nears[] = {0, 0.3, 0.1};
  for (int n = 0; n < 3; n++) {
    double w[COLUMNS] = {0};
    draw_problem(n, nears[n]);
    for (int columns = 30; columns <= COLUMNS; columns += 60)
      for (int a = 0; a < 5; a++) {
        struct lasso lasso = problem(columns);
        assert_in_range(lasso_fit(&lasso, alphas[a], w), 1, LASSO_SWEEPS - 1);
        assert_minimum(columns, alphas[a], w);
        assert_true(w[2] == 0);
      }
  }
}

/* From |x_j . y| = n alpha on for the steepest j all is 0, and y that is 0 is explained at once. */
static void test_nothing(void **state) {
  (void)state;
  double w[COLUMNS] = {0}, steepest = 0;
  draw_problem(0, 0);
  struct lasso lasso = problem(COLUMNS);
  for (int k = 0; k < COLUMNS; k++) {
    double slope = 0;
    for (int r = 0; r < ROWS; r++) slope += x[k][r] * y[r] / ROWS;
    steepest = fmax(steepest, fabs(slope));
  }
  lasso_fit(&lasso, 1.001 * steepest, w);
  for (int k = 0; k < COLUMNS; k++) assert_true(w[k] == 0);
  lasso_fit(&lasso, 0.98 * steepest, w);
  assert_true(w[3] > 0);
  memset(y, 0, sizeof y);
  assert_true(lasso_fit(&lasso, 0.1, w) < 50);
  for (int k = 0; k < COLUMNS; k++) assert_true(w[k] == 0);
}

/* argv[1] of the program: tests/peer/lasso_sklearn.py. */
static const char *peer;

static void write_problem(FILE *file, double alpha, const double *w) {
  fprintf(file, "problem %d %d %.17g\n", ROWS, COLUMNS, alpha);
  for (int k = 0; k < COLUMNS; k++) fprintf(file, "%.17g ", w[k]);
  for (int r = 0; r < ROWS; r++) {
    fprintf(file, "\n%.17g", y[r]);
    for (int k = 0; k < COLUMNS; k++) fprintf(file, " %.17g", x[k][r]);
  }
  fprintf(file, "\n");
}

static void test_peer(void **state) {
  (void)state;
  enum { PROBLEMS = 6 };
  char command[1024];
  FILE *file = fopen("lasso.txt", "w");
  assert_non_null(file);
  for (int n = 0; n < PROBLEMS; n++) {
    double w[COLUMNS] = {0};
    const double alpha = n % 3 == 0 ? 0.3 : n % 3 == 1 ? 0.05 : 0.01;
    draw_problem(n, n < 3 ? 0 : 0.3);
    const struct lasso lasso = problem(COLUMNS);
    lasso_fit(&lasso, alpha, w);
    write_problem(file, alpha, w);
  }
  assert_int_equal(fclose(file), 0);
  snprintf(command, sizeof command, "/usr/bin/python3 '%s' lasso.txt", peer);
  FILE *pipe = popen(command, "r");
  assert_non_null(pipe);
  for (int n = 0; n < PROBLEMS; n++) {
    double ours, theirs, size, apart;
    assert_int_equal(fscanf(pipe, "%lf %lf %lf %lf", &ours, &theirs, &size, &apart), 4);
    assert_true(ours >= theirs - 1e-8 * size);
    assert_true(ours <= theirs + 1e-4 * size);
    /* The objective's curvature in X w is 1 / n, so a gap g leaves |X w - X w'|^2 <= 2 n g. */
    assert_true(apart <= sqrt(2 * ROWS * 1e-4 * size));
  }
  assert_int_equal(pclose(pipe), 0);
}

int main(int argc, char **argv) {
  peer = argc > 1 ? argv[1] : "";
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_minimum), cmocka_unit_test(test_nothing),
                                     cmocka_unit_test(test_peer)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
