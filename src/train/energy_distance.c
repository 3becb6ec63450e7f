#include "train/energy_distance.h"

#include <math.h>

static double distance(const double *x, const double *y, int64_t dimension) {
  double square = 0;
  for (int64_t k = 0; k < dimension; k++) square += (x[k] - y[k]) * (x[k] - y[k]);
  return sqrt(square);
}

/* Mean distance between two sets, or, when they are one, between its different members. */
static double mean_distance(const double *x, int64_t n, const double *y, int64_t m, int64_t dimension) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < m; j++) sum += distance(x + i * dimension, y + j * dimension, dimension);
  return sum / ((double)n * (double)(x == y ? m - 1 : m));
}

double energy_distance(const double *x, int64_t n, const double *y, int64_t m, int64_t dimension) {
  return 2 * mean_distance(x, n, y, m, dimension) - mean_distance(x, n, x, n, dimension) -
         mean_distance(y, m, y, m, dimension);
}

double energy_distance_plain(const double *x, int64_t n, const double *y, int64_t m, int64_t dimension) {
  const double of_x = mean_distance(x, n, x, n, dimension), of_y = mean_distance(y, m, y, m, dimension);
  return 2 * mean_distance(x, n, y, m, dimension) - of_x * (double)(n - 1) / (double)n -
         of_y * (double)(m - 1) / (double)m;
}
