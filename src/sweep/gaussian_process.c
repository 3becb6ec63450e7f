#include "sweep/gaussian_process.h"

#include "base/elementary.h"
#include "sweep/normal.h"

#include <string.h>

enum { BLOCK = GAUSSIAN_BLOCK };

static const double root5 = 0x1.1e3779b97f4a8p+1; /* sqrt(5) */

/* exp(-2 ln l), by column. */
static void weights_of(const struct gaussian_columns *columns, const double *theta, double *weight) {
  for (int c = 0; c < columns->count; c++) weight[c] = elementary_exp(-2.0 * theta[columns->length[c]]);
}

static void squares_of(bool choice, double x, const double *block, double square[BLOCK]) {
  if (choice)
    for (int k = 0; k < BLOCK; k++) square[k] = x != block[k] ? 1.0 : 0.0;
  else
    for (int k = 0; k < BLOCK; k++) square[k] = (x - block[k]) * (x - block[k]);
}

/* The covariance over s^2 is polynomial times decay. */
static void distances(const struct gaussian_columns *columns, const double *weight, const double *point,
                      const double *block, double r[BLOCK], double decay[BLOCK]) {
  double sum[BLOCK] = {0.0}, square[BLOCK];
  for (int c = 0; c < columns->count; c++) {
    squares_of(columns->choice[c], point[c * BLOCK], block + c * BLOCK, square);
    for (int k = 0; k < BLOCK; k++) sum[k] += weight[c] * square[k];
  }
  for (int k = 0; k < BLOCK; k++) r[k] = root5 * sqrt(sum[k]);
  for (int k = 0; k < BLOCK; k++) decay[k] = elementary_exp(-r[k]);
}

static void covariances(const struct gaussian_columns *columns, const double *weight, double signal,
                        const double *point, const double *block, double covariance[BLOCK]) {
  double r[BLOCK], decay[BLOCK];
  distances(columns, weight, point, block, r, decay);
  for (int k = 0; k < BLOCK; k++) covariance[k] = signal * ((1.0 + r[k] + r[k] * r[k] / 3.0) * decay[k]);
}

void gaussian_covariances(const struct gaussian_columns *columns, const double *theta, const double *point,
                          const double *block, double covariance[BLOCK]) {
  double weight[GAUSSIAN_COLUMNS_MAX];
  weights_of(columns, theta, weight);
  covariances(columns, weight, elementary_exp(theta[columns->lengths]), point, block, covariance);
}

/* Row by row: covariances with the blocks up to its own are put where the row of the factor comes to stand. A block's
 * last ones may lie beyond the row, and so are taken over one by one. */
static bool factorise(struct gaussian *gaussian, int64_t first, int64_t rows) {
  const struct gaussian_columns *columns = gaussian->columns;
  double weight[GAUSSIAN_COLUMNS_MAX], covariance[BLOCK];
  weights_of(columns, gaussian->theta, weight);
  const double signal = elementary_exp(gaussian->theta[columns->lengths]);
  const double noise = elementary_exp(gaussian->theta[columns->lengths + 1]);
  bool positive = true;
  for (int64_t i = first; i < rows && positive; i++) {
    double *row = gaussian->factor + matrix_triangle(i);
    const double *point = gaussian_place(columns, gaussian->block, i);
    for (int64_t at = 0; at <= i; at += BLOCK) {
      covariances(columns, weight, signal, point, gaussian_place(columns, gaussian->block, at), covariance);
      memcpy(row + at, covariance, (size_t)(i + 1 - at < BLOCK ? i + 1 - at : BLOCK) * sizeof *row);
    }
    row[i] = signal + noise;
    positive = matrix_factor_row(gaussian->factor, i, row, noise);
  }
  return positive;
}

void gaussian_append(struct gaussian *gaussian, int64_t rows) {
  /* The square of a pivot is at least the noise, which is above 0: it cannot fail. */
  (void)factorise(gaussian, gaussian->rows, rows);
  gaussian->rows = rows;
}

void gaussian_observe(struct gaussian *gaussian, int64_t known, const double *y) {
  memcpy(gaussian->half, y, (size_t)known * sizeof *y);
  matrix_forward(gaussian->factor, known, gaussian->half);
  for (int64_t i = known; i < gaussian->rows; i++) gaussian->half[i] = 0.0;
}

/* k^T K^-1 y, and k = L times this row of the factor. */
double gaussian_expected(const struct gaussian *gaussian, int64_t row) {
  return matrix_dot(row, gaussian->factor + matrix_triangle(row), gaussian->half);
}

void gaussian_panel(const struct gaussian *gaussian, const double *block, int64_t first, double *panel) {
  const struct gaussian_columns *columns = gaussian->columns;
  double weight[GAUSSIAN_COLUMNS_MAX];
  weights_of(columns, gaussian->theta, weight);
  const double signal = elementary_exp(gaussian->theta[columns->lengths]);
  for (int64_t i = first; i < gaussian->rows; i++)
    covariances(columns, weight, signal, gaussian_place(columns, gaussian->block, i), block, panel + i * BLOCK);
  matrix_panel(gaussian->factor, first, gaussian->rows, panel);
}

void gaussian_moments(const struct gaussian *gaussian, const double *panel, double mean[BLOCK],
                      double variance[BLOCK]) {
  const double signal = elementary_exp(gaussian->theta[gaussian->columns->lengths]);
  for (int k = 0; k < BLOCK; k++) {
    mean[k] = 0.0;
    variance[k] = signal;
  }
  for (int64_t i = 0; i < gaussian->rows; i++)
    for (int k = 0; k < BLOCK; k++) {
      const double entry = panel[i * BLOCK + k];
      mean[k] += gaussian->half[i] * entry;
      variance[k] -= entry * entry;
    }
  for (int k = 0; k < BLOCK; k++) variance[k] = variance[k] > 1e-12 * signal ? variance[k] : 1e-12 * signal;
}

/* ---- Likelihood: its gradient is the sum over pairs of (alpha alpha^T - K^-1)_ab dK_ab/dtheta, halved ---- */

struct slopes {
  double column[GAUSSIAN_COLUMNS_MAX][BLOCK], signal[BLOCK]; /* by place in the block */
};

/* Pairs of row a with rows at..at+BLOCK-1, those before a: each stands for two. d k / d ln l of a column is
 * 5/3 s^2 (1 + sqrt(5) r) exp(-sqrt(5) r) difference^2 / l^2. */
static void add_pairs(const struct gaussian *gaussian, const double *weight, const double *alpha, const double *inverse,
                      int64_t a, int64_t at, struct slopes *slopes) {
  const struct gaussian_columns *columns = gaussian->columns;
  const double *point = gaussian_place(columns, gaussian->block, a);
  const double *block = gaussian_place(columns, gaussian->block, at);
  double r[BLOCK], decay[BLOCK], pull[BLOCK] = {0.0}, square[BLOCK];
  distances(columns, weight, point, block, r, decay);
  for (int64_t k = 0; k < BLOCK && at + k < a; k++) pull[k] = alpha[a] * alpha[at + k] - inverse[at + k];
  for (int k = 0; k < BLOCK; k++) {
    slopes->signal[k] += pull[k] * ((1.0 + r[k] + r[k] * r[k] / 3.0) * decay[k]);
    pull[k] = pull[k] * ((1.0 + r[k]) * decay[k]);
  }
  for (int c = 0; c < columns->count; c++) {
    squares_of(columns->choice[c], point[c * BLOCK], block + c * BLOCK, square);
    for (int k = 0; k < BLOCK; k++) slopes->column[c][k] += pull[k] * square[k];
  }
}

static double total(const double part[BLOCK]) {
  double sum = 0.0;
  for (int k = 0; k < BLOCK; k++) sum += part[k];
  return sum;
}

static void gradient_of(const struct gaussian *gaussian, int64_t rows, const double *alpha, const double *inverse,
                        double *gradient) {
  const struct gaussian_columns *columns = gaussian->columns;
  struct slopes slopes = {0};
  double weight[GAUSSIAN_COLUMNS_MAX], trace = 0.0;
  weights_of(columns, gaussian->theta, weight);
  for (int64_t a = 0; a < rows; a++) {
    for (int64_t at = 0; at < a; at += BLOCK) add_pairs(gaussian, weight, alpha, inverse + a * rows, a, at, &slopes);
    trace += alpha[a] * alpha[a] - inverse[a * rows + a];
  }
  const double signal = elementary_exp(gaussian->theta[columns->lengths]);
  for (int i = 0; i < columns->lengths; i++) gradient[i] = 0.0;
  for (int c = 0; c < columns->count; c++)
    gradient[columns->length[c]] += 5.0 / 3.0 * signal * weight[c] * total(slopes.column[c]);
  gradient[columns->lengths] = signal * (total(slopes.signal) + 0.5 * trace);
  gradient[columns->lengths + 1] = 0.5 * elementary_exp(gaussian->theta[columns->lengths + 1]) * trace;
}

bool gaussian_likelihood(struct gaussian *gaussian, int64_t rows, const double *y, double *work, double *likelihood,
                         double *gradient) {
  gaussian->rows = 0;
  if (!factorise(gaussian, 0, rows)) return false;
  gaussian->rows = rows;
  gaussian_observe(gaussian, rows, y);
  double sum = -0.5 * matrix_dot(rows, gaussian->half, gaussian->half);
  for (int64_t i = 0; i < rows; i++) sum -= elementary_log(gaussian->factor[matrix_triangle(i) + i]) + NORMAL_LOG_ROOT;
  *likelihood = sum;
  matrix_inverse(gaussian->factor, rows, work, work + rows * rows);
  matrix_backward(gaussian->factor, rows, gaussian->half); /* K^-1 y */
  gradient_of(gaussian, rows, gaussian->half, work, gradient);
  return true;
}

static double log_normal(double value, double mean, double variance, double *slope) {
  const double off = value - mean;
  *slope -= off / variance;
  return -0.5 * off * off / variance;
}

double gaussian_prior(const struct gaussian_columns *columns, const double *theta, double *gradient) {
  const int lengths = columns->lengths;
  const double mean = sqrt(2.0) + 0.5 * elementary_log((double)(lengths > 0 ? lengths : 1));
  double sum = 0.0;
  for (int i = 0; i < lengths; i++) sum += log_normal(theta[i], mean, 3.0, &gradient[i]);
  sum += log_normal(theta[lengths], 0.0, 1.0, &gradient[lengths]);
  return sum + log_normal(theta[lengths + 1], -8.0, 4.0, &gradient[lengths + 1]);
}

/* ---- iRprop-: each number goes a step of its own the way its slope points, longer while the way stays ---- */

static double limited(double value, double least, double most) { return fmax(least, fmin(value, most)); }

static void move(int lengths, double *theta, const double *slope, double *before, double *step) {
  for (int i = 0; i < lengths + 2; i++) {
    const double turned = slope[i] * before[i];
    before[i] = slope[i];
    if (turned > 0.0) step[i] = fmin(1.2 * step[i], 1.0);
    if (turned < 0.0) {
      step[i] = fmax(0.5 * step[i], 1e-4);
      before[i] = 0.0; /* and stays where it is this time */
      continue;
    }
    theta[i] += slope[i] > 0.0 ? step[i] : (slope[i] < 0.0 ? -step[i] : 0.0);
    if (i <= lengths)
      theta[i] = limited(theta[i], -4.605, 4.605);
    else
      theta[i] = limited(theta[i], -13.816, 0.0);
  }
}

void gaussian_fit(struct gaussian *gaussian, int64_t rows, const double *y, double *work) {
  const int lengths = gaussian->columns->lengths;
  double best[GAUSSIAN_THETA_MAX], slope[GAUSSIAN_THETA_MAX], before[GAUSSIAN_THETA_MAX] = {0.0};
  double step[GAUSSIAN_THETA_MAX], most = -(double)INFINITY, *theta = gaussian->theta;
  for (int i = 0; i < lengths; i++) theta[i] = 0.5 * elementary_log(0.25 * lengths);
  theta[lengths] = 0.0;
  theta[lengths + 1] = -6.908;
  for (int i = 0; i < lengths + 2; i++) step[i] = 0.3;
  memcpy(best, theta, sizeof best);
  for (int evaluation = 0; evaluation < GAUSSIAN_EVALUATIONS; evaluation++) {
    double likelihood;
    if (!gaussian_likelihood(gaussian, rows, y, work, &likelihood, slope)) break;
    likelihood += gaussian_prior(gaussian->columns, theta, slope);
    if (likelihood > most) {
      most = likelihood;
      memcpy(best, theta, sizeof best);
    }
    move(lengths, theta, slope, before, step);
  }
  memcpy(theta, best, sizeof best);
  gaussian->rows = 0;
}
