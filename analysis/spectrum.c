#include "analysis/spectrum.h"

#include "analysis/columns.h"
#include "comm/reduce.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AGREEMENT 1e-6 /* of variances computed in two ways: far above rounding, far below what anybody reads */

/* Eigenvalues and eigenvectors of the covariance. */
static enum status measure_covariance(struct matrix *x, const struct spectrum *spectrum, double *variance,
                                      struct matrix *vectors) {
  struct matrix gram = {.grid = NULL};
  enum status status = matrix_gram(x, &gram);
  if (status == STATUS_OK) status = matrix_eigen(&gram, variance, vectors);
  for (int64_t i = 0; status == STATUS_OK && i < spectrum->columns; i++) variance[i] /= (double)(spectrum->rows - 1);
  matrix_free(&gram);
  return status;
}

/* Singular values and right singular vectors of the observations, which are lost. */
static enum status measure_singular(struct matrix *x, struct spectrum *spectrum, struct matrix *vectors) {
  struct matrix triangle = {.grid = NULL};
  const int64_t least = x->rows < x->columns ? x->rows : x->columns;
  enum status status = matrix_triangle(x, &triangle);
  if (status == STATUS_OK) status = matrix_singular(&triangle, spectrum->variance, vectors);
  for (int64_t i = 0; i < least; i++) spectrum->variance[i] *= spectrum->variance[i] / (double)(spectrum->rows - 1);
  matrix_free(&triangle);
  return status;
}

/* The largest angle between two subspaces with orthonormal bases A, B: cos is the smallest singular value of A^T B. */
static enum status compare_subspaces(struct grid *grid, const double *a, const double *b, int64_t length, int64_t axes,
                                     double *angle) {
  double *product = calloc((size_t)(axes * axes), sizeof *product), *value = calloc((size_t)axes, sizeof *value);
  struct matrix matrix = {.grid = NULL};
  enum status status =
      comm_agree(grid->comm, product && value ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory"));
  for (int64_t i = 0; status == STATUS_OK && i < axes; i++)
    for (int64_t j = 0; j < axes; j++)
      for (int64_t k = 0; k < length; k++) product[j * axes + i] += a[i * length + k] * b[j * length + k];
  if (status == STATUS_OK) status = matrix_from_values(grid, product, axes, axes, &matrix);
  if (status == STATUS_OK) status = matrix_singular(&matrix, value, NULL);
  if (status == STATUS_OK) *angle = acos(fmin(1, value[axes - 1]));
  matrix_free(&matrix);
  free(product);
  free(value);
  return status;
}

static int64_t axes_holding(const struct spectrum *spectrum, double share) {
  double all = 0, held = 0;
  int64_t axes = 0;
  for (int64_t i = 0; i < spectrum->columns; i++) all += spectrum->variance[i];
  while (axes < spectrum->rank && held < share * all) held += spectrum->variance[axes++];
  return axes;
}

static void count_dimensions(struct spectrum *spectrum) {
  double all = 0, squares = 0;
  for (int64_t i = 0; i < spectrum->columns; i++) {
    all += spectrum->variance[i];
    squares += spectrum->variance[i] * spectrum->variance[i];
    if (spectrum->variance[i] > SPECTRUM_NOISE * spectrum->variance[0]) spectrum->rank = i + 1;
  }
  spectrum->participation = squares > 0 ? all * all / squares : 0;
  spectrum->axes_90 = axes_holding(spectrum, 0.9);
  spectrum->axes_99 = axes_holding(spectrum, 0.99);
  spectrum->axes_999 = axes_holding(spectrum, 0.999);
}

/* Collective. Both ways agree, or neither is to be believed. other: variances and axes of the first way. */
static enum status compare(struct grid *grid, const double *variance, const double *axes, struct spectrum *spectrum) {
  for (int64_t i = 0; i < spectrum->columns; i++)
    spectrum->difference = fmax(spectrum->difference, fabs(variance[i] - spectrum->variance[i]));
  spectrum->difference /= spectrum->variance[0];
  TRY(compare_subspaces(grid, axes, spectrum->axes, spectrum->columns, spectrum->axes_99, &spectrum->angle));
  REQUIRE(spectrum->difference <= AGREEMENT, STATUS_NUMERIC,
          "variances from the covariance (pdsyevd) and from singular values (pdgesvd) differ by %.1e of the largest",
          spectrum->difference);
  return STATUS_OK;
}

/* Collective. Both ways; variance and axes: room for the first. */
static enum status measure(struct grid *grid, const double *shard, int64_t count, double *variance, double *axes,
                           struct spectrum *spectrum) {
  struct matrix x = {.grid = NULL}, vectors = {.grid = NULL}, right = {.grid = NULL};
  enum status status = matrix_from_shards(grid, shard, count, spectrum->columns, &x);
  if (status == STATUS_OK) status = measure_covariance(&x, spectrum, variance, &vectors);
  if (status == STATUS_OK) status = matrix_values(&vectors, axes);
  if (status == STATUS_OK) status = measure_singular(&x, spectrum, &right);
  /* Fewer rows than columns leave the last axes out: they have no variance. */
  if (status == STATUS_OK) status = matrix_values(&right, spectrum->axes);
  if (status == STATUS_OK) count_dimensions(spectrum);
  if (status == STATUS_OK && spectrum->rank > 0) status = compare(grid, variance, axes, spectrum);
  matrix_free(&right);
  matrix_free(&vectors);
  matrix_free(&x);
  return status;
}

enum status spectrum_measure(struct grid *grid, double *shard, int64_t count, int64_t columns,
                             struct spectrum *spectrum) {
  struct arena arena = {.last = NULL}, other = {.last = NULL};
  *spectrum = (struct spectrum){.columns = columns,
                                .mean = arena_array(&arena, columns, sizeof(double)),
                                .variance = arena_array(&arena, columns, sizeof(double)),
                                .axes = arena_array(&arena, columns * columns, sizeof(double))};
  spectrum->arena = arena;
  double *variance = arena_array(&other, columns, sizeof *variance),
         *axes = arena_array(&other, columns * columns, sizeof *axes);
  enum status status = arena_check(&arena, "principal axes");
  if (status == STATUS_OK) status = arena_check(&other, "principal axes");
  status = comm_agree(grid->comm, status);
  spectrum->rows = count;
  if (status == STATUS_OK) status = reduce_sum(grid->comm, &spectrum->rows, 1);
  if (status == STATUS_OK) status = columns_center(grid->comm, shard, count, columns, spectrum->mean);
  if (status == STATUS_OK && spectrum->rows < 2)
    status = status_raise(STATUS_UNAVAILABLE, "one observation has no variance");
  if (status == STATUS_OK) status = measure(grid, shard, count, variance, axes, spectrum);
  arena_free(&other);
  return status;
}

void spectrum_free(struct spectrum *spectrum) { arena_free(&spectrum->arena); }

void spectrum_scores(const struct spectrum *spectrum, const double *shard, int64_t count, int64_t axes,
                     double *scores) {
  memset(scores, 0, (size_t)(axes * count) * sizeof *scores);
  for (int64_t a = 0; a < axes; a++) {
    const double *axis = spectrum->axes + a * spectrum->columns, scale = 1 / sqrt(spectrum->variance[a]);
    double *score = scores + a * count;
    for (int64_t c = 0; c < spectrum->columns; c++) {
      const double weight = axis[c] * scale, *column = shard + c * count;
      for (int64_t r = 0; r < count; r++) score[r] += weight * column[r];
    }
  }
}
