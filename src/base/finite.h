/* Numbers that are not finite must not pass for good ones. A comparison with NaN is false and fmax(NaN, 0) is 0, which
 * is the best of errors, variances and deviations: so what may be NaN is asked here, or compared such that NaN loses.
 *
 * Not collective.
 */
#ifndef HGN_BASE_FINITE_H
#define HGN_BASE_FINITE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Whether all are finite. By their bits, which order like the sizes: such a loop vectorises. */
static inline bool finite_all_f32(const float *value, int64_t count) {
  int32_t largest = 0;
  for (int64_t i = 0; i < count; i++) {
    int32_t bits;
    memcpy(&bits, &value[i], sizeof bits);
    bits &= INT32_MAX;
    largest = bits > largest ? bits : largest;
  }
  return largest < 0x7f800000;
}

/* A mean of squares less the square of the mean, which rounding may leave below zero. NaN stays NaN. */
static inline double finite_variance(double difference) { return difference <= 0 ? 0 : difference; }

/* The standard error of a mean of n numbers, from it and the mean of their squares; NaN of fewer than two. */
static inline double finite_standard_error(double mean, double mean_square, double n) {
  return n > 1 ? sqrt(finite_variance(mean_square - mean * mean) / (n - 1)) : (double)NAN;
}

#endif
