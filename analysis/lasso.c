#include "analysis/lasso.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Eight sums, so that the loop vectorises in an order that is the same everywhere. */
static double dot(const double *a, const double *b, int64_t count) {
  enum { LANES = 8 };
  double sum[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (int l = 0; l < LANES; l++) sum[l] += a[i + l] * b[i + l];
  for (; i < count; i++) sum[0] += a[i] * b[i];
  return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

static void add(const double *restrict x, double factor, int64_t count, double *restrict to) {
  for (int64_t i = 0; i < count; i++) to[i] += factor * x[i];
}

/* One coordinate; returns how far it moved. bound: n alpha. */
static double move(const struct lasso *lasso, int64_t j, double bound, double *w) {
  const double *x = lasso->x + j * lasso->rows, before = w[j];
  const double slope = dot(x, lasso->rest, lasso->rows) + before * lasso->square[j];
  w[j] = copysign(fmax(fabs(slope) - bound, 0), slope) / lasso->square[j];
  if (w[j] == before) return 0;
  add(x, before - w[j], lasso->rows, lasso->rest);
  return fabs(w[j] - before);
}

/* Over the working set. Whether a weight moved far, for the largest. */
static bool sweep(const struct lasso *lasso, int64_t chosen, double bound, double tolerance, double *w) {
  double moved = 0, largest = 0;
  for (int64_t s = 0; s < chosen; s++) {
    moved = fmax(moved, move(lasso, lasso->set[s], bound, w));
    largest = fmax(largest, fabs(w[lasso->set[s]]));
  }
  return moved > tolerance * largest;
}

/* ---- Extrapolation ---- */

static double size_of(const double *w, int64_t count) {
  double sum = 0;
  for (int64_t j = 0; j < count; j++) sum += fabs(w[j]);
  return sum;
}

/* y - X w, and |y - X w|^2 / 2 + n alpha |w|_1. */
static double start(const struct lasso *lasso, double bound, const double *w) {
  memcpy(lasso->rest, lasso->y, (size_t)lasso->rows * sizeof *lasso->rest);
  for (int64_t j = 0; j < lasso->columns; j++)
    if (w[j] != 0) add(lasso->x + j * lasso->rows, -w[j], lasso->rows, lasso->rest);
  return dot(lasso->rest, lasso->rest, lasso->rows) / 2 + bound * size_of(w, lasso->columns);
}

/* c of the least |sum_i c_i d_i| with sum c = 1, d the differences of successive weights: D c = 1 up to scale, D their
 * products. By Gauss elimination, for D is positive definite; false where it is not, to rounding. */
static bool combine(double d[LASSO_PAST][LASSO_PAST + 1], double *c) {
  double sum = 0;
  for (int k = 0; k < LASSO_PAST; k++) {
    const double least = 1e-14 * d[k][k];
    for (int m = 0; m < k; m++) {
      const double factor = d[k][m] / d[m][m];
      for (int i = m; i <= LASSO_PAST; i++) d[k][i] -= factor * d[m][i];
    }
    if (!(d[k][k] > least)) return false;
  }
  for (int k = LASSO_PAST - 1; k >= 0; k--) {
    c[k] = d[k][LASSO_PAST];
    for (int m = k + 1; m < LASSO_PAST; m++) c[k] -= d[k][m] * c[m];
    c[k] /= d[k][k];
    sum += c[k];
  }
  for (int k = 0; k < LASSO_PAST; k++) c[k] /= sum;
  return isfinite(c[0]) && sum > 0;
}

/* From the weights after each of the last LASSO_PAST sweeps, past[0] being those before them. */
static void extrapolate(const struct lasso *lasso, double bound, double *w) {
  const int64_t columns = lasso->columns;
  double product[LASSO_PAST][LASSO_PAST + 1], c[LASSO_PAST];
  double *past = lasso->past, *last = past + LASSO_PAST * columns;
  for (int k = 0; k < LASSO_PAST; k++)
    for (int64_t j = 0; j < columns; j++) past[k * columns + j] = past[(k + 1) * columns + j] - past[k * columns + j];
  for (int k = 0; k < LASSO_PAST; k++) {
    product[k][LASSO_PAST] = 1;
    for (int m = 0; m <= k; m++) product[k][m] = product[m][k] = dot(past + k * columns, past + m * columns, columns);
  }
  if (!combine(product, c)) return;
  const double before = start(lasso, bound, w);
  /* sum_k c_k w_{k+1} = w_last - sum over k of (c_0 + ... + c_{k-1}) d_k. */
  double part = 0;
  for (int k = 1; k < LASSO_PAST; k++) {
    part += c[k - 1];
    add(past + k * columns, -part, columns, w);
  }
  if (start(lasso, bound, w) < before) return;
  memcpy(w, last, (size_t)columns * sizeof *w);
  (void)start(lasso, bound, w);
}

/* Sweeps over the working set until no weight moves far; returns how many. */
static int descend(const struct lasso *lasso, int64_t chosen, double bound, double tolerance, int most, double *w) {
  const int64_t columns = lasso->columns;
  int kept = 0, n = 0;
  memcpy(lasso->past, w, (size_t)columns * sizeof *w);
  while (n < most) {
    n++;
    if (!sweep(lasso, chosen, bound, tolerance, w)) break;
    memcpy(lasso->past + ++kept * columns, w, (size_t)columns * sizeof *w);
    if (kept < LASSO_PAST) continue;
    extrapolate(lasso, bound, w);
    memcpy(lasso->past, w, (size_t)columns * sizeof *w);
    kept = 0;
  }
  return n;
}

/* ---- Optimality ---- */

/* The working set; *far: how far a weight that is left out of it now would move. */
static int64_t choose(const struct lasso *lasso, double bound, const double *w, double *steepest, double *far) {
  int64_t chosen = 0;
  *steepest = *far = 0;
  for (int64_t j = 0; j < lasso->columns; j++) {
    if (!(lasso->square[j] > 0)) continue;
    const double slope = fabs(dot(lasso->x + j * lasso->rows, lasso->rest, lasso->rows));
    *steepest = fmax(*steepest, slope);
    if (w[j] == 0 && !(slope > bound)) continue;
    if (w[j] == 0) *far = fmax(*far, (slope - bound) / lasso->square[j]);
    lasso->set[chosen++] = j;
  }
  return chosen;
}

/* Between |y - X w|^2 / 2 + n alpha |w|_1 and the dual's value at the rest, scaled so that it is feasible. */
static double gap(const struct lasso *lasso, double bound, double steepest, const double *w) {
  const double square = dot(lasso->rest, lasso->rest, lasso->rows), scale = steepest > bound ? bound / steepest : 1;
  return square * (1 + scale * scale) / 2 + bound * size_of(w, lasso->columns) -
         scale * dot(lasso->rest, lasso->y, lasso->rows);
}

/* Whether the rule of stopping holds. */
static bool is_minimum(const struct lasso *lasso, double bound, double steepest, double far, const double *w) {
  double largest = 0;
  for (int64_t j = 0; j < lasso->columns; j++) largest = fmax(largest, fabs(w[j]));
  return far <= LASSO_TOLERANCE * largest &&
         gap(lasso, bound, steepest, w) <= LASSO_TOLERANCE * dot(lasso->y, lasso->y, lasso->rows);
}

int lasso_fit(const struct lasso *lasso, double alpha, double *w) {
  const double bound = alpha * (double)lasso->rows;
  double steepest, far, tolerance = LASSO_TOLERANCE;
  int n = 0;
  (void)start(lasso, bound, w);
  int64_t chosen = choose(lasso, bound, w, &steepest, &far);
  do {
    n += descend(lasso, chosen, bound, tolerance, LASSO_SWEEPS - n, w);
    chosen = choose(lasso, bound, w, &steepest, &far);
    if (!(far > 0)) tolerance /= 10; /* these are all columns that count, and they have not gone far enough */
  } while (n < LASSO_SWEEPS && !is_minimum(lasso, bound, steepest, far, w));
  return n;
}
