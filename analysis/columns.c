#include "analysis/columns.h"

#include "base/exact.h"
#include "comm/reduce.h"

#include <math.h>
#include <stdlib.h>

/* Collective. mean[columns]: of each column's values, or of their squares. */
static enum status measure_means(const struct comm *comm, const double *shard, int64_t count, int64_t columns,
                                 int power, double *mean) {
  int64_t rows = count;
  struct exact *sum = malloc((size_t)(columns + 1) * sizeof *sum);
  enum status status = comm_agree(comm, sum ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory for means"));
  for (int64_t c = 0; status == STATUS_OK && c < columns; c++) {
    exact_clear(&sum[c]);
    for (int64_t r = 0; r < count; r++) {
      const double value = shard[c * count + r];
      exact_add(&sum[c], power == 2 ? value * value : value);
    }
  }
  if (status == STATUS_OK) status = reduce_exact(comm, sum, (int)columns);
  if (status == STATUS_OK) status = reduce_sum(comm, &rows, 1);
  for (int64_t c = 0; status == STATUS_OK && c < columns; c++) mean[c] = exact_value(&sum[c]) / (double)rows;
  free(sum);
  return status;
}

enum status columns_center(const struct comm *comm, double *shard, int64_t count, int64_t columns, double *mean) {
  TRY(measure_means(comm, shard, count, columns, 1, mean));
  for (int64_t c = 0; c < columns; c++)
    for (int64_t r = 0; r < count; r++) shard[c * count + r] -= mean[c];
  return STATUS_OK;
}

enum status columns_scale(const struct comm *comm, double *shard, int64_t count, int64_t columns, const double *mean,
                          double *scale) {
  TRY(measure_means(comm, shard, count, columns, 2, scale));
  for (int64_t c = 0; c < columns; c++) {
    scale[c] = scale[c] > 1e-24 * mean[c] * mean[c] ? sqrt(scale[c]) : 0;
    for (int64_t r = 0; r < count; r++) shard[c * count + r] *= scale[c] > 0 ? 1 / scale[c] : 0;
  }
  return STATUS_OK;
}
