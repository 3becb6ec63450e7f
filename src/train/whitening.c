#include "train/whitening.h"

#include "base/elementary.h"
#include "base/matrix.h"

#include <math.h>
#include <string.h>

static const double TELLS_LEAST = 0.05;   /* nat, of a leading component */
static const double LEADING_LEAST = 1e-4; /* of the largest variance, where nothing is sampled */
static const double VARIANCE_LEAST = 1e-12;

enum status whitening_create(int64_t size, struct whitening *whitening) {
  *whitening = (struct whitening){.size = size};
  REQUIRE(size <= WHITENING_SIZE_MAX, STATUS_UNAVAILABLE,
          "codes of %lld numbers: a density of codes can be learned of at most %d", (long long)size,
          (int)WHITENING_SIZE_MAX);
  struct arena *arena = &whitening->arena;
  whitening->mean = arena_array(arena, size, sizeof(double));
  whitening->scale = arena_array(arena, size, sizeof(double));
  whitening->variance = arena_array(arena, size, sizeof(double));
  whitening->work = arena_array(arena, size, sizeof(double));
  whitening->axis = arena_array(arena, size * size, sizeof(double));
  return arena_check(arena, "the axes of codes");
}

void whitening_free(struct whitening *whitening) { arena_free(&whitening->arena); }

double whitening_log_volume(const struct whitening *whitening) {
  double sum = 0;
  for (int64_t i = 0; i < whitening->size; i++)
    sum += elementary_log(whitening->scale[i]) + 0.5 * elementary_log(whitening->variance[i]);
  return sum;
}

double whitening_least(const struct whitening *whitening) {
  double least = whitening->variance[0];
  for (int64_t i = 1; i < whitening->leading; i++) least = fmin(least, whitening->variance[i]);
  return least;
}

/* Descending, where matrix_jacobi() has them ascending. */
static void turn_around(struct whitening *whitening) {
  const int64_t size = whitening->size;
  for (int64_t i = 0, j = size - 1; i < j; i++, j--) {
    double *a = whitening->axis + i * size, *b = whitening->axis + j * size;
    const double kept = whitening->variance[i];
    whitening->variance[i] = whitening->variance[j];
    whitening->variance[j] = kept;
    memcpy(whitening->work, a, (size_t)size * sizeof *a);
    memcpy(a, b, (size_t)size * sizeof *a);
    memcpy(b, whitening->work, (size_t)size * sizeof *a);
  }
}

/* At least two: real NVP changes one half of a point by the other. */
static int64_t choose_leading(const struct whitening *whitening, const struct whitening_rule *rule) {
  const int64_t least = whitening->size < 2 ? whitening->size : 2,
                most = whitening->size < WHITENING_LEADING_MAX ? whitening->size : WHITENING_LEADING_MAX;
  const double edge = 1 + sqrt((double)whitening->size / (double)rule->codes), tells = elementary_exp(2 * TELLS_LEAST);
  const double noise = edge * edge > tells ? edge * edge : tells;
  const double above = rule->sampled ? noise : LEADING_LEAST * whitening->variance[0];
  int64_t count = 0;
  if (rule->leading) return rule->leading < most ? rule->leading : most;
  while (count < most && whitening->variance[count] > above) count++;
  return count < least ? least : count;
}

/* What is constant in all codes has no variance, and no density without one. */
static void settle_rest(struct whitening *whitening, bool share) {
  const double floor = whitening->variance[0] > 0 ? VARIANCE_LEAST * whitening->variance[0] : 1;
  double sum = 0;
  for (int64_t i = whitening->leading; i < whitening->size; i++) sum += whitening->variance[i];
  const double mean = sum / (double)(whitening->size - whitening->leading);
  for (int64_t i = 0; i < whitening->size; i++) {
    if (share && i >= whitening->leading) whitening->variance[i] = mean;
    if (!(whitening->variance[i] > floor)) whitening->variance[i] = floor;
  }
}

/* Leading components 0, 2, 4 ... and then 1, 3, 5 ...: each is moved to its place, before those that it passes. */
static void deal(struct whitening *whitening) {
  const int64_t size = whitening->size;
  for (int64_t to = 1, from = 2; from < whitening->leading; to++, from += 2) {
    double *axis = whitening->axis + to * size;
    const double kept = whitening->variance[from];
    memcpy(whitening->work, whitening->axis + from * size, (size_t)size * sizeof *axis);
    memmove(axis + size, axis, (size_t)((from - to) * size) * sizeof *axis);
    memcpy(axis, whitening->work, (size_t)size * sizeof *axis);
    memmove(whitening->variance + to + 1, whitening->variance + to, (size_t)(from - to) * sizeof kept);
    whitening->variance[to] = kept;
  }
}

void whitening_fit(struct whitening *whitening, double *covariance, const struct whitening_rule *rule) {
  matrix_jacobi((int)whitening->size, covariance, whitening->variance, whitening->axis);
  turn_around(whitening);
  whitening->leading = choose_leading(whitening, rule);
  settle_rest(whitening, rule->sampled);
  deal(whitening);
  whitening->log_volume = whitening_log_volume(whitening);
}

void whitening_apply(const struct whitening *whitening, const double *z, int64_t components, double *u) {
  const int64_t size = whitening->size;
  for (int64_t i = 0; i < size; i++) whitening->work[i] = (z[i] - whitening->mean[i]) / whitening->scale[i];
  for (int64_t k = 0; k < components; k++)
    u[k] = matrix_dot(size, whitening->axis + k * size, whitening->work) / sqrt(whitening->variance[k]);
}

void whitening_invert(const struct whitening *whitening, const double *u, double *z) {
  const int64_t size = whitening->size;
  memset(z, 0, (size_t)size * sizeof *z);
  for (int64_t k = 0; k < size; k++) {
    const double length = sqrt(whitening->variance[k]) * u[k], *axis = whitening->axis + k * size;
    for (int64_t i = 0; i < size; i++) z[i] += length * axis[i];
  }
  for (int64_t i = 0; i < size; i++) z[i] = whitening->mean[i] + whitening->scale[i] * z[i];
}
