/* SyMetric of maps that are known: symplectic, symplectic up to scale, bent and symplectic; and not symplectic, of
 * numbers that say nothing, with numbers that are masked. Lasso: the conditions of its minimum, and scikit-learn's
 * coefficients. */
#include "analysis/lasso.h"
#include "analysis/symetric.h"
#include "base/rng.h"
#include "base/status.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRAJECTORIES = 5, FRAMES = 60, FREEDOM = 2, TRUTH = 2 * FREEDOM, HALF = 4, LATENTS = 2 * HALF };

static double truth[TRAJECTORIES][FRAMES][TRUTH], latent[TRAJECTORIES][FRAMES][LATENTS];
static double variance[TRAJECTORIES][LATENTS];

static void assert_near(double value, double expected, double tolerance) {
  if (!(fabs(value - expected) <= tolerance)) fail_msg("%.12g is not %.12g +- %g", value, expected, tolerance);
}

enum kind { SYMPLECTIC, SCALED, BENT, SHEARED, NOISE };

/* What stands for the true state, before it is laid into the first numbers of each half. */
static void transform(enum kind kind, const double *state, struct rng *rng, double *to) {
  memcpy(to, state, TRUTH * sizeof *to);
  double *q = to, *p = to + FREEDOM;
  if (kind == SYMPLECTIC || kind == SCALED) {
    p[0] += 0.3 * q[0] - 0.2 * q[1];
    p[1] += -0.2 * q[0] + 0.5 * q[1];
    q[0] += 0.4 * p[0] + 0.1 * p[1];
    q[1] += 0.1 * p[0] - 0.3 * p[1];
  }
  for (int i = 0; kind == SCALED && i < TRUTH; i++) to[i] *= 7;
  if (kind == BENT) { /* V = q0^3 / 3 + q0 q1^2: p + grad V, symplectic, and its way back is of order 2 too */
    p[0] += 0.5 * (q[0] * q[0] + q[1] * q[1]);
    p[1] += q[0] * q[1];
  }
  /* Positions are sheared and momenta are not: no scaling of the numbers one by one makes that symplectic. (That A be
   * E, and not any other antisymmetric matrix whose square is -1, is not asked: exchanging q_0 and p_1 passes.) */
  if (kind == SHEARED) q[0] += 1.5 * q[1];
  if (kind == NOISE) rng_normal(rng, to, TRUTH);
}

/* Two oscillators of equal variance in q and p, so that scaling to variance 1 keeps maps symplectic. */
static void make(enum kind kind, double noise) {
  for (int t = 0; t < TRAJECTORIES; t++) {
    struct rng rng = rng_stream(3, RNG_TEST, (uint64_t)t, 0);
    double amplitude[FREEDOM], phase[FREEDOM], extra[LATENTS], to[TRUTH];
    for (int i = 0; i < FREEDOM; i++) {
      amplitude[i] = 0.5 + rng_uniform(&rng);
      phase[i] = 6.3 * rng_uniform(&rng);
    }
    for (int f = 0; f < FRAMES; f++) {
      for (int i = 0; i < FREEDOM; i++) {
        const double angle = (1 + 0.37 * i) * 0.3 * f + phase[i];
        truth[t][f][i] = amplitude[i] * cos(angle);
        truth[t][f][FREEDOM + i] = -amplitude[i] * sin(angle);
      }
      transform(kind, truth[t][f], &rng, to);
      rng_normal(&rng, extra, LATENTS);
      for (int k = 0; k < LATENTS; k++)
        latent[t][f][k] = noise * extra[k] + (k % HALF < FREEDOM ? to[k / HALF * FREEDOM + k % HALF] : 0);
    }
  }
}

static struct symetric_outcome measure(bool masked) {
  const struct symetric_batch batch = {.trajectories = TRAJECTORIES,
                                       .frames = FRAMES,
                                       .latents = LATENTS,
                                       .coordinates = TRUTH,
                                       .latent = &latent[0][0][0],
                                       .truth = &truth[0][0][0],
                                       .variance = masked ? &variance[0][0] : NULL};
  struct symetric_outcome outcome;
  assert_ok(symetric_measure(&batch, 4, 0, &outcome));
  return outcome;
}

/* The numbers that carry nothing have a posterior as wide as the prior; of one pair only p tells, and it stays. */
static void mask(void) {
  for (int t = 0; t < TRAJECTORIES; t++)
    for (int k = 0; k < LATENTS; k++) variance[t][k] = k % HALF < FREEDOM && k != 0 ? 0.01 : 0.9;
}

static void test_identity(void **state) {
  (void)state;
  make(BENT + 100, 0);
  mask();
  const struct symetric_outcome outcome = measure(true);
  assert_int_equal(outcome.kept, TRUTH);
  assert_int_equal(outcome.order, 1);
  assert_true(outcome.r2 > 0.999 && outcome.symplectic);
  assert_near(outcome.symplecticity, 0, 1e-3);
}

static void test_symplectic(void **state) {
  (void)state;
  mask();
  make(SYMPLECTIC, 1e-3);
  const struct symetric_outcome linear = measure(true);
  assert_true(linear.r2 > 0.99 && linear.order == 1);
  make(SCALED, 7e-3);
  const struct symetric_outcome scaled = measure(true);
  assert_near(scaled.symplecticity, linear.symplecticity, 1e-6); /* numbers are scaled to variance 1 */
  make(BENT, 0);
  const struct symetric_outcome bent = measure(true);
  assert_true(bent.r2 > 0.9 && bent.symplecticity < 0.2);
}

static void test_not_symplectic(void **state) {
  (void)state;
  mask();
  make(SHEARED, 1e-3);
  const struct symetric_outcome outcome = measure(true);
  assert_true(outcome.r2 > 0.99);
  assert_true(outcome.symplecticity > 0.08);
  assert_false(outcome.symplectic);
}

static void test_nothing(void **state) {
  (void)state;
  mask();
  make(NOISE, 0);
  const struct symetric_outcome outcome = measure(true);
  assert_true(outcome.r2 < 0.9 && outcome.order == 5 && !outcome.symplectic);
}

/* Without a mask, or where none would stay, all are used; equal numbers twice do no harm. */
static void test_mask(void **state) {
  (void)state;
  make(BENT + 100, 0);
  assert_int_equal(measure(false).kept, LATENTS);
  for (int t = 0; t < TRAJECTORIES; t++)
    for (int k = 0; k < LATENTS; k++) variance[t][k] = 0.9;
  assert_int_equal(measure(true).kept, LATENTS);
  for (int t = 0; t < TRAJECTORIES; t++)
    for (int f = 0; f < FRAMES; f++)
      for (int k = 0; k < LATENTS; k++) latent[t][f][k] = truth[t][f][k / HALF * FREEDOM + k % FREEDOM];
  assert_true(measure(false).r2 > 0.99);
}

/* ---- Lasso ---- */

enum { ROWS = 60, COLUMNS = 90 };

static double x[COLUMNS][ROWS], y[ROWS], square[COLUMNS];

static void center(double *column) {
  double mean = 0;
  for (int r = 0; r < ROWS; r++) mean += column[r] / ROWS;
  for (int r = 0; r < ROWS; r++) column[r] -= mean;
}

static void draw_problem(void) {
  struct rng rng = rng_stream(8, RNG_TEST, 0, 0);
  for (int k = 0; k < COLUMNS; k++) rng_normal(&rng, x[k], ROWS);
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

/* x_j . rest = n alpha sign(w_j) where w_j is not 0, and no larger elsewhere. */
static void test_lasso_minimum(void **state) {
  (void)state;
  double w[COLUMNS] = {0}, rest[ROWS];
  draw_problem();
  const struct lasso lasso = {.rows = ROWS, .columns = COLUMNS, .x = &x[0][0], .square = square, .y = y, .rest = rest};
  const double alphas[] = {1, 0.1, 0.01};
  for (int a = 0; a < 3; a++) {
    int count = 0;
    lasso_fit(&lasso, alphas[a], w);
    for (int k = 0; k < COLUMNS; k++) {
      double slope = 0;
      for (int r = 0; r < ROWS; r++) slope += x[k][r] * rest[r] / ROWS;
      if (w[k] != 0)
        assert_near(slope, copysign(alphas[a], w[k]), 0.02 * alphas[a] + 2e-3);
      else
        assert_true(fabs(slope) <= alphas[a] * 1.02 + 2e-3);
      count += w[k] != 0;
    }
    assert_true(a > 0 || (w[3] > 0.5 && count <= 3));
    assert_true(w[2] == 0);
  }
}

/* argv[1] of the program: tests/peer/lasso_sklearn.py. */
static const char *peer;

static void test_lasso_peer(void **state) {
  (void)state;
  double w[COLUMNS] = {0}, rest[ROWS], theirs;
  char command[512];
  draw_problem();
  const struct lasso lasso = {.rows = ROWS, .columns = COLUMNS, .x = &x[0][0], .square = square, .y = y, .rest = rest};
  lasso_fit(&lasso, 0.05, w);
  FILE *file = fopen("lasso.txt", "w");
  assert_non_null(file);
  for (int r = 0; r < ROWS; r++) {
    fprintf(file, "%.17g", y[r]);
    for (int k = 0; k < COLUMNS; k++) fprintf(file, " %.17g", x[k][r]);
    fprintf(file, "\n");
  }
  fclose(file);
  snprintf(command, sizeof command, "/usr/bin/python3 '%s' lasso.txt 0.05", peer);
  FILE *pipe = popen(command, "r");
  assert_non_null(pipe);
  double objective[2] = {0};
  for (int k = 0; k < COLUMNS; k++) {
    assert_int_equal(fscanf(pipe, "%lf", &theirs), 1);
    if (k > 1) assert_near(w[k], theirs, 0.02); /* the first two are the same column, whose sum is determined */
    objective[0] += fabs(w[k]);
    objective[1] += fabs(theirs);
  }
  assert_int_equal(pclose(pipe), 0);
  assert_near(objective[0], objective[1], 0.05);
}

int main(int argc, char **argv) {
  peer = argc > 1 ? argv[1] : "";
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_identity),       cmocka_unit_test(test_symplectic),
                                     cmocka_unit_test(test_not_symplectic), cmocka_unit_test(test_nothing),
                                     cmocka_unit_test(test_mask),           cmocka_unit_test(test_lasso_minimum),
                                     cmocka_unit_test(test_lasso_peer)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
