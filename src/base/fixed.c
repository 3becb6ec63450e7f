#include "base/fixed.h"

#include "base/elementary.h"

#include <float.h>
#include <math.h>

int64_t fixed_words(const struct fixed_layout *layout) { return layout->offset[layout->tensors] + 2 * layout->tensors; }

enum status fixed_check(const struct fixed_layout *layout) {
  REQUIRE(layout->tensors >= 0, STATUS_ARGUMENT, "fixed sums: %lld tensors", (long long)layout->tensors);
  REQUIRE(layout->offset != NULL && layout->offset[0] == 0, STATUS_ARGUMENT, "fixed sums: offsets do not begin at 0");
  REQUIRE(layout->summands >= 1 && layout->summands <= INT64_C(1) << 21, STATUS_ARGUMENT,
          "fixed sums: %lld summands, where 1 to 2^21 are possible", (long long)layout->summands);
  for (int64_t t = 0; t < layout->tensors; t++)
    REQUIRE(layout->offset[t] <= layout->offset[t + 1], STATUS_ARGUMENT,
            "fixed sums: tensor %lld ends before it begins", (long long)t);
  return STATUS_OK;
}

void fixed_exponents_f32(const struct fixed_layout *layout, const float *value, int32_t *exponent) {
  for (int64_t t = 0; t < layout->tensors; t++) {
    int32_t largest = 0; /* bits of |value| order like |value|, infinities and NaN above all */
    for (int64_t i = layout->offset[t]; i < layout->offset[t + 1]; i++) {
      int32_t bits;
      memcpy(&bits, &value[i], sizeof bits);
      bits &= INT32_MAX;
      largest = bits > largest ? bits : largest;
    }
    int found = FIXED_EXPONENT_ZERO;
    if (largest >= 0x7f800000) {
      found = FIXED_EXPONENT_NONFINITE;
    } else if (largest > 0) {
      float size;
      memcpy(&size, &largest, sizeof size);
      (void)frexp((double)size, &found);
    }
    if (found > exponent[t]) exponent[t] = found;
  }
}

void fixed_exponents_f64(const struct fixed_layout *layout, const double *value, int32_t *exponent) {
  for (int64_t t = 0; t < layout->tensors; t++) {
    int64_t largest = 0;
    for (int64_t i = layout->offset[t]; i < layout->offset[t + 1]; i++) {
      int64_t bits = (int64_t)(elementary_bits(value[i]) & INT64_MAX);
      largest = bits > largest ? bits : largest;
    }
    int found = FIXED_EXPONENT_ZERO;
    if (largest >= INT64_C(0x7ff0000000000000))
      found = FIXED_EXPONENT_NONFINITE;
    else if (largest > 0)
      (void)frexp(elementary_from_bits((uint64_t)largest), &found);
    if (found > exponent[t]) exponent[t] = found;
  }
}

/* Exponents that f64 can need: below 2^-1074 there is only zero, and 2^1024 bounds every finite value. */
static int clamp_exponent(int32_t exponent) {
  if (exponent < -1074) return -1074;
  return exponent > 1024 ? 1024 : exponent;
}

/* A unit of the fixed point of a tensor is 2^unit_exponent. */
static int unit_exponent(const struct fixed_layout *layout, int32_t exponent) {
  int headroom = 0;
  while (INT64_C(1) << headroom < layout->summands) headroom++;
  return clamp_exponent(exponent) + headroom - 62;
}

/* The scale 2^-unit in two factors, since it may lie outside the range of f64. Values that pass the bound stay below
 * 2^62 after both; where the first factor makes a value subnormal, the second leaves it far below a half. */
struct scale {
  double bound, first, second;
};

static struct scale make_scale(const struct fixed_layout *layout, int32_t exponent) {
  int power = -unit_exponent(layout, exponent), first = power / 2;
  return (struct scale){ldexp(1.0, clamp_exponent(exponent)), ldexp(1.0, first), ldexp(1.0, power - first)};
}

struct rejected {
  int64_t nonfinite, beyond;
};

/* llrint() rounds ties to even in the default mode, and is one instruction.
 * The branch is never taken in a healthy run. */
static inline void add_value(const struct scale *scale, double value, int64_t *sum, struct rejected *rejected) {
  if (fabs(value) < scale->bound)
    *sum += llrint(value * scale->first * scale->second);
  else if (isfinite(value))
    rejected->beyond++;
  else
    rejected->nonfinite++;
}

static void store_rejected(const struct fixed_layout *layout, int64_t t, struct rejected rejected, int64_t *sum) {
  int64_t *count = sum + layout->offset[layout->tensors] + 2 * t;
  count[0] += rejected.nonfinite;
  count[1] += rejected.beyond;
}

void fixed_add_f32(const struct fixed_layout *layout, const int32_t *exponent, const float *value, int64_t *sum) {
  for (int64_t t = 0; t < layout->tensors; t++) {
    const struct scale scale = make_scale(layout, exponent[t]);
    struct rejected rejected = {0, 0};
    for (int64_t i = layout->offset[t], end = layout->offset[t + 1]; i < end; i++)
      add_value(&scale, (double)value[i], &sum[i], &rejected);
    store_rejected(layout, t, rejected, sum);
  }
}

void fixed_add_f64(const struct fixed_layout *layout, const int32_t *exponent, const double *value, int64_t *sum) {
  for (int64_t t = 0; t < layout->tensors; t++) {
    const struct scale scale = make_scale(layout, exponent[t]);
    struct rejected rejected = {0, 0};
    for (int64_t i = layout->offset[t], end = layout->offset[t + 1]; i < end; i++)
      add_value(&scale, value[i], &sum[i], &rejected);
    store_rejected(layout, t, rejected, sum);
  }
}

static enum status check_counts(const struct fixed_layout *layout, const int32_t *exponent, const int64_t *sum) {
  const int64_t *count = sum + layout->offset[layout->tensors];
  for (int64_t t = 0; t < layout->tensors; t++) {
    REQUIRE(count[2 * t] == 0, STATUS_NUMERIC, "sum of tensor %lld: %lld values are not finite", (long long)t,
            (long long)count[2 * t]);
    REQUIRE(count[2 * t + 1] == 0, STATUS_NUMERIC, "sum of tensor %lld: %lld values are beyond the agreed 2^%d",
            (long long)t, (long long)count[2 * t + 1], (int)exponent[t]);
    REQUIRE(exponent[t] < FIXED_EXPONENT_NONFINITE, STATUS_NUMERIC, "sum of tensor %lld: some value was not finite",
            (long long)t);
  }
  return STATUS_OK;
}

/* sum 2^unit where the result may be subnormal in a format whose smallest number is 2^smallest: the integer is rounded
 * at that place before it is converted, so that nothing is rounded twice. A quotient of `digits` bits or more is a
 * normal number, which one conversion rounds; for that case the function returns `sum` unchanged and *unit too. */
static int64_t round_subnormal(int64_t sum, int smallest, int digits, int *unit) {
  int drop = smallest - *unit;
  uint64_t size = sum < 0 ? 0 - (uint64_t)sum : (uint64_t)sum;
  if (drop <= 0 || (drop < 64 && size >> drop >> digits != 0)) return sum;
  *unit = smallest;
  if (drop >= 64) return 0; /* below half of the smallest: |sum| < 2^63 */
  uint64_t kept = size >> drop, rest = size << (64 - drop), half = UINT64_C(1) << 63;
  if (rest > half || (rest == half && (kept & 1))) kept++;
  return sum < 0 ? -(int64_t)kept : (int64_t)kept;
}

enum status fixed_values_f32(const struct fixed_layout *layout, const int32_t *exponent, const int64_t *sum,
                             float *value) {
  TRY(check_counts(layout, exponent, sum));
  for (int64_t t = 0; t < layout->tensors; t++) {
    const int unit = unit_exponent(layout, exponent[t]);
    if (unit >= -149) {
      /* The conversion is the one rounding: a result below the normal range comes from a sum of less than 24 bits. */
      const double factor = ldexp(1.0, unit);
      for (int64_t i = layout->offset[t]; i < layout->offset[t + 1]; i++)
        value[i] = (float)((double)(float)sum[i] * factor);
    } else {
      for (int64_t i = layout->offset[t]; i < layout->offset[t + 1]; i++) {
        int place = unit;
        int64_t kept = round_subnormal(sum[i], -149, FLT_MANT_DIG, &place);
        value[i] = (float)ldexp((double)(float)kept, place);
      }
    }
  }
  return STATUS_OK;
}

enum status fixed_values_f64(const struct fixed_layout *layout, const int32_t *exponent, const int64_t *sum,
                             double *value) {
  TRY(check_counts(layout, exponent, sum));
  for (int64_t t = 0; t < layout->tensors; t++) {
    const int unit = unit_exponent(layout, exponent[t]);
    if (unit >= -1074) {
      const double factor = ldexp(1.0, unit);
      for (int64_t i = layout->offset[t]; i < layout->offset[t + 1]; i++) value[i] = (double)sum[i] * factor;
    } else {
      for (int64_t i = layout->offset[t]; i < layout->offset[t + 1]; i++) {
        int place = unit;
        int64_t kept = round_subnormal(sum[i], -1074, DBL_MANT_DIG, &place);
        value[i] = ldexp((double)kept, place);
      }
    }
  }
  return STATUS_OK;
}
