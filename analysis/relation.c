#include "analysis/relation.h"

#include "base/arena.h"

#include <math.h>
#include <stdlib.h>

struct ranked {
  double value;
  int64_t index;
};

static int compare(const void *a, const void *b) {
  const struct ranked *x = a, *y = b;
  if (x->value < y->value) return -1;
  if (x->value > y->value) return 1;
  return (x->index > y->index) - (x->index < y->index);
}

/* rank[count]: 0 for the smallest. */
static void find_ranks(const double *value, int64_t count, struct ranked *order, double *rank) {
  for (int64_t i = 0; i < count; i++) order[i] = (struct ranked){value[i], i};
  qsort(order, (size_t)count, sizeof *order, compare);
  for (int64_t first = 0, next; first < count; first = next) {
    for (next = first + 1; next < count && order[next].value == order[first].value; next++) {
    }
    for (int64_t i = first; i < next; i++) rank[order[i].index] = (double)(first + next - 1) / 2;
  }
}

static double mean_of(const double *value, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += value[i];
  return sum / (double)count;
}

/* The mean product of deviations from the means. */
static double covariance(const double *a, const double *b, int64_t count) {
  const double mean_a = mean_of(a, count), mean_b = mean_of(b, count);
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += (a[i] - mean_a) * (b[i] - mean_b);
  return sum / (double)count;
}

/* What varies by no more than rounding, of numbers in f32, is the same everywhere. */
static double variance(const double *a, int64_t count) {
  const double mean = mean_of(a, count), value = covariance(a, a, count);
  return value > 1e-13 * mean * mean ? value : 0;
}

static double correlate(const double *a, const double *b, int64_t count) {
  const double squares = variance(a, count) * variance(b, count);
  return squares > 0 ? covariance(a, b, count) / sqrt(squares) : (double)NAN;
}

/* Fills mean[rollouts]. */
static double measure_drift(const double *value, int64_t rollouts, int64_t frames, double *mean) {
  double along = 0;
  for (int64_t r = 0; r < rollouts; r++) {
    mean[r] = mean_of(value + r * frames, frames);
    along += sqrt(covariance(value + r * frames, value + r * frames, frames));
  }
  const double between = sqrt(variance(mean, rollouts));
  return between > 0 ? along / (double)rollouts / between : (double)NAN;
}

enum status relation_measure(const double *learned, const double *truth, int64_t rollouts, int64_t frames,
                             struct relation *relation) {
  struct arena arena = {.last = NULL};
  struct ranked *order = arena_array(&arena, rollouts, sizeof *order);
  double *mean = arena_array(&arena, rollouts, sizeof *mean), *other = arena_array(&arena, rollouts, sizeof *other),
         *rank = arena_array(&arena, rollouts, sizeof *rank),
         *other_rank = arena_array(&arena, rollouts, sizeof *other_rank);
  const enum status status = arena_check(&arena, "the energies of rollouts");
  if (status == STATUS_OK) {
    relation->learned_drift = measure_drift(learned, rollouts, frames, mean);
    relation->true_drift = measure_drift(truth, rollouts, frames, other);
    relation->pearson = correlate(mean, other, rollouts);
    relation->slope =
        variance(other, rollouts) > 0 ? covariance(mean, other, rollouts) / variance(other, rollouts) : (double)NAN;
    find_ranks(mean, rollouts, order, rank);
    find_ranks(other, rollouts, order, other_rank);
    relation->spearman = isnan(relation->pearson) ? (double)NAN : correlate(rank, other_rank, rollouts);
  }
  arena_free(&arena);
  return status;
}
