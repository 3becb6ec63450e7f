#include "analysis/lasso.h"

#include <math.h>
#include <stdbool.h>

static double dot(const double *a, const double *b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

/* One coordinate; returns how far it moved. bound: n alpha. */
static double move(const struct lasso *lasso, int64_t j, double bound, double *w) {
  const double *x = lasso->x + j * lasso->rows, before = w[j];
  if (!(lasso->square[j] > 0)) return 0;
  const double slope = dot(x, lasso->rest, lasso->rows) + before * lasso->square[j];
  w[j] = copysign(fmax(fabs(slope) - bound, 0), slope) / lasso->square[j];
  if (w[j] == before) return 0;
  for (int64_t i = 0; i < lasso->rows; i++) lasso->rest[i] -= (w[j] - before) * x[i];
  return fabs(w[j] - before);
}

/* A sweep over all coordinates, or only over those that are not zero. Whether it moved far, for the largest. */
static bool sweep(const struct lasso *lasso, double bound, bool all, double *w) {
  double moved = 0, largest = 0;
  for (int64_t j = 0; j < lasso->columns; j++) {
    if (all || w[j] != 0) moved = fmax(moved, move(lasso, j, bound, w));
    largest = fmax(largest, fabs(w[j]));
  }
  return moved > LASSO_TOLERANCE * largest;
}

/* Between |y - X w|^2 / 2 + n alpha |w|_1 and the dual's value at the rest, scaled so that it is feasible. */
static double gap(const struct lasso *lasso, double bound, const double *w) {
  const double square = dot(lasso->rest, lasso->rest, lasso->rows);
  double largest = 0, sum = 0;
  for (int64_t j = 0; j < lasso->columns; j++) {
    largest = fmax(largest, fabs(dot(lasso->x + j * lasso->rows, lasso->rest, lasso->rows)));
    sum += fabs(w[j]);
  }
  const double scale = largest > bound ? bound / largest : 1;
  return square * (1 + scale * scale) / 2 + bound * sum - scale * dot(lasso->rest, lasso->y, lasso->rows);
}

void lasso_fit(const struct lasso *lasso, double alpha, double *w) {
  const double bound = alpha * (double)lasso->rows, enough = LASSO_TOLERANCE * dot(lasso->y, lasso->y, lasso->rows);
  for (int64_t i = 0; i < lasso->rows; i++) lasso->rest[i] = lasso->y[i];
  for (int64_t j = 0; j < lasso->columns; j++)
    for (int64_t i = 0; w[j] != 0 && i < lasso->rows; i++) lasso->rest[i] -= w[j] * lasso->x[j * lasso->rows + i];
  for (int n = 0; n < LASSO_SWEEPS; n++) {
    if (sweep(lasso, bound, true, w)) {
      while (n < LASSO_SWEEPS && sweep(lasso, bound, false, w)) n++;
    } else if (gap(lasso, bound, w) < enough) {
      return;
    }
  }
}
