#include "analysis/dimension.h"

#include "base/elementary.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double square_distance(const double *a, const double *b, int64_t numbers) {
  double sum = 0;
  for (int64_t k = 0; k < numbers; k++) sum += (a[k] - b[k]) * (a[k] - b[k]);
  return sum;
}

/* ln mu of point i; infinite where there are no two neighbours, NaN where the nearest is the same point. */
static double find_ratio(const double *point, int64_t points, int64_t numbers, int64_t i) {
  double first = INFINITY, second = INFINITY;
  for (int64_t j = 0; j < points; j++) {
    if (j == i) continue;
    const double square = square_distance(point + i * numbers, point + j * numbers, numbers);
    if (square < first) {
      second = first;
      first = square;
    } else if (square < second) {
      second = square;
    }
  }
  return first > 0 ? elementary_log(second / first) / 2 : (double)NAN;
}

enum status dimension_estimate(const double *point, int64_t points, int64_t numbers,
                               struct dimension_estimate *estimate) {
  double *ratio = malloc((size_t)points * sizeof *ratio), sum = 0;
  int64_t found = 0;
  REQUIRE(ratio, STATUS_MEMORY, "out of memory for the neighbours of points");
  for (int64_t i = 0; i < points; i++) {
    const double value = find_ratio(point, points, numbers, i);
    if (isfinite(value)) ratio[found++] = value;
  }
  qsort(ratio, (size_t)found, sizeof *ratio, compare);
  const int64_t kept = found - found / 10;
  for (int64_t i = 0; i < kept; i++) sum += ratio[i];
  if (kept > 0) sum += (double)(found - kept) * ratio[kept - 1];
  free(ratio);
  REQUIRE(found >= DIMENSION_POINTS && sum > 0, STATUS_UNAVAILABLE,
          "%lld rollouts have states that differ, and it takes %d", (long long)found, (int)DIMENSION_POINTS);
  estimate->dimension = (double)kept / sum;
  estimate->error = estimate->dimension / sqrt((double)kept);
  return STATUS_OK;
}
