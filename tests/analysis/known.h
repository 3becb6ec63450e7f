/* A matrix whose singular values are known: A = U S V^T of cosines, which are orthonormal as they are,
 *   U_ik = sqrt(2 / rows) cos(pi (i + 1/2) (k + 1) / rows),
 *   V_jk = sqrt((k ? 2 : 1) / columns) cos(pi (j + 1/2) k / columns),
 * with columns < rows. Its rows are dealt out to ranks as each test wants. Included by one source file of a program. */
#ifndef HGN_TESTS_ANALYSIS_KNOWN_H
#define HGN_TESTS_ANALYSIS_KNOWN_H

#include "analysis/matrix.h"
#include "ranks.h"

#include <math.h>
#include <stdlib.h>

static const double PI = 3.14159265358979323846;

static inline double known_u(int64_t rows, int64_t i, int64_t k) {
  return sqrt(2.0 / (double)rows) * cos(PI * ((double)i + 0.5) * (double)(k + 1) / (double)rows);
}
static inline double known_v(int64_t columns, int64_t j, int64_t k) {
  return sqrt((k ? 2.0 : 1.0) / (double)columns) * cos(PI * ((double)j + 0.5) * (double)k / (double)columns);
}
/* Falling, from 3 to 0.3. */
static inline double known_s(int64_t columns, int64_t k) { return 3 - 2.7 * (double)k / (double)columns; }

static inline double known_entry(int64_t rows, int64_t columns, int64_t i, int64_t j) {
  double sum = 0;
  for (int64_t k = 0; k < columns; k++) sum += known_u(rows, i, k) * known_s(columns, k) * known_v(columns, j, k);
  return sum;
}

/* Rank r's share is like r (r + 1): the first of several ranks has none, and no two the same. */
static inline void known_share(int64_t rows, int64_t *first, int64_t *count) {
  const int64_t ranks = world.size, all = ranks > 1 ? (ranks - 1) * ranks * (ranks + 1) / 3 : 1;
  int64_t bound[2];
  for (int k = 0; k < 2; k++) {
    const int64_t r = world.rank + k;
    bound[k] = r == ranks ? rows : rows * ((r - 1) * r * (r + 1) / 3) / all;
  }
  *first = bound[0];
  *count = bound[1] - bound[0];
}

/* shard[columns][count] of this rank; freed by the caller. */
static inline double *known_shard(int64_t rows, int64_t columns, int64_t *count) {
  int64_t first;
  known_share(rows, &first, count);
  double *shard = malloc((size_t)(*count * columns + 1) * sizeof *shard);
  assert_non_null(shard);
  for (int64_t j = 0; j < columns; j++)
    for (int64_t i = 0; i < *count; i++) shard[j * *count + i] = known_entry(rows, columns, first + i, j);
  return shard;
}

/* Collective. */
static inline void known_matrix(struct grid *grid, int64_t rows, int64_t columns, struct matrix *matrix) {
  int64_t count;
  double *shard = known_shard(rows, columns, &count);
  assert_ok(matrix_from_shards(grid, shard, count, columns, matrix));
  free(shard);
}

static inline void assert_near(double expected, double actual, double tolerance) {
  if (!(fabs(expected - actual) <= tolerance)) fail_msg("%.17g is not %.17g +- %g", actual, expected, tolerance);
}

/* Collective. All values of a matrix; freed by the caller. */
static inline double *all_values(const struct matrix *matrix) {
  double *values = malloc((size_t)(matrix->rows * matrix->columns) * sizeof *values);
  assert_non_null(values);
  assert_ok(matrix_values(matrix, values));
  return values;
}

#endif
