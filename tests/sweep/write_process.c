/* Prints a Gaussian process for tests/peer/gp_sklearn.py: lengths, s^2, noise; points with observations; the likelihood
 * and its gradient; queries with mean and variance. */
#include "base/elementary.h"
#include "base/rng.h"
#include "sweep/gaussian_process.h"

#include <stdio.h>
#include <string.h>

enum { ROWS = 50, COLUMNS = 3, BLOCKS = ROWS / GAUSSIAN_BLOCK + 1 };

int main(void) {
  static double block[BLOCKS * COLUMNS * GAUSSIAN_BLOCK], query[COLUMNS * GAUSSIAN_BLOCK];
  static double factor[ROWS * ROWS], half[ROWS], work[2 * ROWS * ROWS], panel[ROWS * GAUSSIAN_BLOCK];
  const struct gaussian_columns columns = {.count = COLUMNS, .lengths = COLUMNS, .length = {0, 1, 2}};
  struct gaussian gaussian = {.columns = &columns, .block = block, .factor = factor, .half = half};
  const double theta[COLUMNS + 2] = {-1.0, 0.2, -0.4, 0.5, -5.0};
  double y[ROWS], likelihood, slope[COLUMNS + 2], mean[GAUSSIAN_BLOCK], variance[GAUSSIAN_BLOCK];
  struct rng rng = rng_stream(1, RNG_TEST, 0, 0);
  memcpy(gaussian.theta, theta, sizeof theta);
  printf("theta");
  for (int i = 0; i < COLUMNS + 2; i++) printf(" %.17g", elementary_exp(theta[i]));
  for (int i = 0; i < ROWS; i++) {
    double *place = gaussian_place(&columns, block, i);
    printf("\npoint");
    for (int c = 0; c < COLUMNS; c++) printf(" %.17g", place[c * GAUSSIAN_BLOCK] = rng_uniform(&rng));
    y[i] = elementary_sin(5.0 * place[0]) + place[GAUSSIAN_BLOCK] + 0.1 * rng_uniform(&rng);
    printf(" %.17g", y[i]);
  }
  if (!gaussian_likelihood(&gaussian, ROWS, y, work, &likelihood, slope)) return 1;
  printf("\nlikelihood %.17g", likelihood);
  for (int i = 0; i < COLUMNS + 2; i++) printf(" %.17g", slope[i]);
  for (int i = 0; i < COLUMNS * GAUSSIAN_BLOCK; i++) query[i] = rng_uniform(&rng);
  gaussian_observe(&gaussian, ROWS, y);
  gaussian_panel(&gaussian, query, 0, panel);
  gaussian_moments(&gaussian, panel, mean, variance);
  for (int k = 0; k < GAUSSIAN_BLOCK; k++) {
    printf("\nquery");
    for (int c = 0; c < COLUMNS; c++) printf(" %.17g", query[c * GAUSSIAN_BLOCK + k]);
    printf(" %.17g %.17g", mean[k], variance[k]);
  }
  printf("\n");
  return 0;
}
