/* Gaussian processes with the Matern 5/2 covariance (Rasmussen and Williams, Gaussian Processes for Machine Learning,
 * 2006: chapters 2, 4.2 and 5.4):
 *
 *   k(x, x') = s^2 (1 + sqrt(5) r + 5/3 r^2) exp(-sqrt(5) r),  r^2 = sum over columns of difference^2 / l^2
 *
 * with a length l a parameter, and observations of variance s^2 + noise. A column is a number, or a choice, whose
 * difference is 0 or 1: Hamming's distance, as if it were a column for each alternative, so k is a covariance still.
 * Several columns may share a length.
 *
 * theta[lengths + 2] are the logs of the lengths, of s^2 and of the noise's variance. Priors, for outputs of mean 0 and
 * variance 1 and numbers in (0, 1), are log-normal: ln l of mean sqrt(2) + ln(lengths)/2 and variance 3 (Hvarfner,
 * Hellsten and Nardi, Vanilla Bayesian Optimization Performs Great in High Dimensions, ICML 2024), ln s^2 of mean 0 and
 * variance 1, the noise's of mean -8 and variance 4.
 *
 * Points stand in blocks of GAUSSIAN_BLOCK, column by column: block[columns][GAUSSIAN_BLOCK], places that are left over
 * zero. Sums have one order (matrix.h), so results are the same bits on every machine, appended row by row or at once.
 *
 * All functions: Not collective.
 */
#ifndef HGN_SWEEP_GAUSSIAN_PROCESS_H
#define HGN_SWEEP_GAUSSIAN_PROCESS_H

#include "base/matrix.h"
#include "base/status.h"
#include "sweep/space.h"

enum {
  GAUSSIAN_BLOCK = MATRIX_PANEL,
  GAUSSIAN_COLUMNS_MAX = 2 * SPACE_PARAMETERS_MAX,
  GAUSSIAN_THETA_MAX = SPACE_PARAMETERS_MAX + 2,
  GAUSSIAN_EVALUATIONS = 50 /* of the likelihood, when theta is looked for */
};

struct gaussian_columns {
  int count, lengths;
  int length[GAUSSIAN_COLUMNS_MAX]; /* which */
  bool choice[GAUSSIAN_COLUMNS_MAX];
};

/* A process and what it has observed. Arrays are the caller's. */
struct gaussian {
  const struct gaussian_columns *columns;
  double theta[GAUSSIAN_THETA_MAX];
  int64_t rows;
  double *block;  /* [rows / GAUSSIAN_BLOCK, rounded up][columns][GAUSSIAN_BLOCK] */
  double *factor; /* of the observations' covariance: matrix_triangle(rows) */
  double *half;   /* [rows]: L^-1 y, by gaussian_observe() */
};

/* Where the numbers of a point stand: column c at [c * GAUSSIAN_BLOCK]. */
static inline double *gaussian_place(const struct gaussian_columns *columns, double *block, int64_t point) {
  return block + point / GAUSSIAN_BLOCK * columns->count * GAUSSIAN_BLOCK + point % GAUSSIAN_BLOCK;
}

/* Covariances of one point (as gaussian_place()) with those of a block. */
void gaussian_covariances(const struct gaussian_columns *columns, const double *theta, const double *point,
                          const double *block, double covariance[GAUSSIAN_BLOCK]);

/* Appends the rows of the factor that blocks hold beyond `rows`. */
void gaussian_append(struct gaussian *gaussian, int64_t rows);

/* What was observed at the first `known` rows: y[known]. The others are taken to give the mean given these, so that
 * they change no mean (L^-1 y is 0 there) and make variances smaller. */
void gaussian_observe(struct gaussian *gaussian, int64_t known, const double *y);

/* The mean, given rows before it, at row `row`. */
double gaussian_expected(const struct gaussian *gaussian, int64_t row);

/* Of a block of points: panel[rows][GAUSSIAN_BLOCK] = L^-1 k, rows first..rows-1, those before being there; and from it
 * means and variances of the process, without noise and never below 1e-12 s^2, given what was observed. */
void gaussian_panel(const struct gaussian *gaussian, const double *block, int64_t first, double *panel);
void gaussian_moments(const struct gaussian *gaussian, const double *panel, double mean[GAUSSIAN_BLOCK],
                      double variance[GAUSSIAN_BLOCK]);

/* ln p(y | points, theta) and its gradient by theta; false when the covariance is not positive definite in f64.
 * Of gaussian: columns, theta and blocks; factor and half are overwritten. work[2 rows rows]. */
bool gaussian_likelihood(struct gaussian *gaussian, int64_t rows, const double *y, double *work, double *likelihood,
                         double *gradient);

/* ln of the priors' density, up to a constant; its gradient is added. */
double gaussian_prior(const struct gaussian_columns *columns, const double *theta, double *gradient);

/* theta of the largest likelihood times prior that GAUSSIAN_EVALUATIONS steps of iRprop- find (Blum and Riedmiller,
 * Optimization of Gaussian Process Hyperparameters using Rprop, ESANN 2013) from l = sqrt(lengths)/2, s^2 = 1 and noise
 * 1e-3, within l and s^2 from 1e-2 to 1e2 and noise from 1e-6 to 1. As gaussian_likelihood(). */
void gaussian_fit(struct gaussian *gaussian, int64_t rows, const double *y, double *work);

#endif
