/* Special functions of kernels, f32 and f64: +, -, *, / and integer operations on the bits in a written order, no fma,
 * no libm, so the bits are the same at every CPU level. Without branches, so that loops over them vectorise; only
 * special_sin and special_cos have a branch, and their `near` forms, for |x| <= SPECIAL_NEAR, have none.
 *
 * Largest errors in ulp of the result, over all arguments, subnormals (of x and of the result) included:
 *
 *           exp    log    sin, cos   tanh   sigmoid   softplus   swish
 *   f32     1.0    0.9      0.51      3.0     2.5        2.0       3.5
 *   f64     1.0    0.9      0.85      3.0     2.5        2.0       3.5
 *
 * tests/graph/test_special.c measures them against libm's long double. NaN gives NaN. Limits at infinities: exp, log,
 * tanh, sigmoid and softplus have theirs, swish(-infinity) = -0; sin and cos give NaN. log(0) = -infinity, NaN below.
 *
 * Not collective.
 */
#ifndef HGN_GRAPH_SPECIAL_H
#define HGN_GRAPH_SPECIAL_H

#include "base/elementary.h"

#define SPECIAL_NEAR_f32 0x1p+20f
#define SPECIAL_NEAR_f64 ELEMENTARY_NEAR

static inline uint32_t special_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline float special_from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* ---- f32 ---- */

/* x = k ln 2 + r, |r| <= ln(2)/2, for |x| <= 150: returns exp(r) - 1 = r + r^2 P(r), P minimax of degree 5, error below
 * 2^-31; *biased is k + 254, arbitrary for NaN. ln 2 in two parts, k times the first exact. */
static inline float special_exp_reduced_f32(float x, uint32_t *biased) {
  const float shifter = 0x1.8p+23f; /* adding it rounds to an integer and leaves that in the low bits */
  float shifted = x * 0x1.715476p+0f + shifter;
  float k = shifted - shifter;
  float r = (x - k * 0x1.62e4p-1f) - k * 0x1.7f7d1cp-20f;
  float z = r * r; /* by pairs, not by Horner's rule: short chains keep the pipelines busy */
  float p = ((0.5f + r * 0x1.555554p-3f) + z * (0x1.5554aap-5f + r * 0x1.11118ep-7f)) +
            z * z * (0x1.6d78d8p-10f + r * 0x1.a0332ep-13f);
  *biased = special_bits(shifted) - special_bits(shifter) + 254;
  return r + z * p;
}

/* 2^k as two factors, so that results may overflow or become subnormal. */
static inline float special_half_power(uint32_t biased) { return special_from_bits((biased >> 1) << 23); }
static inline float special_other_power(uint32_t biased) { return special_from_bits((biased - (biased >> 1)) << 23); }

static inline float special_exp_f32(float x) {
  float y = x > 89.0f ? 89.0f : x;
  y = y < -104.0f ? -104.0f : y;
  uint32_t n;
  float q = special_exp_reduced_f32(y, &n);
  return (1.0f + q) * special_half_power(n) * special_other_power(n);
}

/* k ln 2 + log(1 + f), -0.2929 <= f <= 0.4143: log(1 + f) = f - f^2/2 + f^3 Q(f), Q minimax of degree 8,
 * error below 2^-30. */
static inline float special_log_reduced_f32(float k, float f) {
  float z = f * f;
  float w = z * z;
  float low = (0x1.555548p-2f + f * -0x1.000006p-2f) + z * (0x1.99a4b6p-3f + f * -0x1.555c4p-3f);
  float high = (0x1.23373ep-3f + f * -0x1.fc23cp-4f) + z * (0x1.e6f4e4p-4f + f * -0x1.de335cp-4f);
  float q = low + w * (high + w * 0x1.144226p-4f);
  return k * 0x1.62e4p-1f + (f - (0.5f * z - (f * z * q + k * 0x1.7f7d1cp-20f)));
}

/* x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2). */
static inline float special_log_f32(float x) {
  const uint32_t root = 0x3f3504f3; /* sqrt(1/2) */
  float scaled = x < 0x1p-126f ? x * 0x1p+25f : x;
  int32_t bias = x < 0x1p-126f ? 127 + 25 : 127;
  uint32_t bits = special_bits(scaled) + (0x3f800000 - root);
  float k = (float)((int32_t)(bits >> 23) - bias);
  float f = special_from_bits((bits & 0x7fffff) + root) - 1.0f;
  float log = special_log_reduced_f32(k, f);
  log = x < (float)INFINITY ? log : x; /* also NaN */
  log = x == 0.0f ? -(float)INFINITY : log;
  return x < 0.0f ? (float)NAN : log;
}

/* In f64, where products of k and the first part of pi/2 (33 bits) are exact and no f32 comes nearer to a multiple of
 * pi/2 than the remainder is good for. Polynomials of FreeBSD's k_sinf.c and k_cosf.c, errors below 2^-37 and 2^-34. */
static inline float special_near_quadrant(float x, uint64_t first) {
  const double shifter = 0x1.8p+52;
  double shifted = (double)x * 0x1.45f306dc9c883p-1 + shifter, k = shifted - shifter;
  double r = ((double)x - k * 0x1.921fb544p+0) - k * 0x1.0b4611a626331p-34, z = r * r;
  double s =
      r * (1.0 + z * (-0x15555554cbac77.0p-55 +
                      z * (0x111110896efbb2.0p-59 + z * (-0x1a00f9e2cae774.0p-65 + z * 0x16cd878c3b46a7.0p-71))));
  double c = 1.0 + z * (-0x1ffffffd0c5e81.0p-54 +
                        z * (0x155553e1053a42.0p-57 + z * (-0x16c087e80f1e27.0p-62 + z * 0x199342e0ee5069.0p-68)));
  uint64_t quarters = elementary_bits(shifted) + first, odd = 0 - (quarters & 1);
  uint64_t sb = elementary_bits(s), cb = elementary_bits(c);
  return (float)elementary_from_bits((sb ^ ((sb ^ cb) & odd)) ^ ((quarters & 2) << 62));
}

static inline float special_near_sin_f32(float x) { return special_near_quadrant(x, 0); }
static inline float special_near_cos_f32(float x) { return special_near_quadrant(x, 1); }

static inline float special_sin_f32(float x) {
  return fabsf(x) <= SPECIAL_NEAR_f32 ? special_near_sin_f32(x) : (float)elementary_sin((double)x);
}

static inline float special_cos_f32(float x) {
  return fabsf(x) <= SPECIAL_NEAR_f32 ? special_near_cos_f32(x) : (float)elementary_cos((double)x);
}

/* m = exp(-2|x|) - 1, in [-1, 0], tanh|x| = -m / (2 + m). 2^k q + (2^k - 1) does not cancel for k <= 0. */
static inline float special_tanh_f32(float x) {
  float y = -2.0f * fabsf(x);
  y = y < -40.0f ? -40.0f : y;
  uint32_t n;
  float q = special_exp_reduced_f32(y, &n);
  float power = special_from_bits((n - 127) << 23);
  float m = power * q + (power - 1.0f);
  return special_from_bits(special_bits(fabsf(m / (2.0f + m))) | (special_bits(x) & UINT32_C(0x80000000)));
}

/* e = exp(-|x|): 1 / (1 + e) or e / (1 + e). */
static inline float special_sigmoid_f32(float x) {
  float e = special_exp_f32(-fabsf(x));
  return (x >= 0.0f ? 1.0f : e) / (1.0f + e);
}

/* max(x, 0) + log(1 + e); where 1 + e > sqrt(2), log(1 + e) = ln 2 + log(1 + (e - 1) / 2). */
static inline float special_softplus_f32(float x) {
  float e = special_exp_f32(-fabsf(x));
  float f = e > 0.4142135f ? 0.5f * (e - 1.0f) : e;
  float k = e > 0.4142135f ? 1.0f : 0.0f;
  return (x > 0.0f ? x : 0.0f) + special_log_reduced_f32(k, f);
}

/* x / (1 + e) or x e / (1 + e); the last factor of a tiny e comes last, that x e be rounded once. */
static inline float special_swish_f32(float x) {
  float t = x < -120.0f ? -120.0f : x, y = -fabsf(t);
  y = y < -120.0f ? -120.0f : y;
  uint32_t n;
  float q = special_exp_reduced_f32(y, &n);
  float part = (1.0f + q) * special_half_power(n), rest = special_other_power(n);
  float result = (x >= 0.0f ? t : t * part) / (1.0f + part * rest);
  return result * (x >= 0.0f ? 1.0f : rest);
}

/* ---- f64: the same, on elementary.h ---- */

static inline double special_exp_f64(double x) { return elementary_exp(x); }
static inline double special_log_f64(double x) { return elementary_log(x); }
static inline double special_sin_f64(double x) { return elementary_sin(x); }
static inline double special_cos_f64(double x) { return elementary_cos(x); }

static inline double special_near_sin_f64(double x) {
  double sine, cosine;
  elementary_near_sincos(x, &sine, &cosine);
  return sine;
}

static inline double special_near_cos_f64(double x) {
  double sine, cosine;
  elementary_near_sincos(x, &sine, &cosine);
  return cosine;
}

static inline double special_tanh_f64(double x) {
  double y = -2.0 * fabs(x);
  y = y < -80.0 ? -80.0 : y;
  uint64_t n;
  double q = elementary_exp_reduced(y, 0.0, &n);
  double power = elementary_from_bits((n - 1023) << 52);
  double m = power * q + (power - 1.0);
  return elementary_from_bits(elementary_bits(fabs(m / (2.0 + m))) | (elementary_bits(x) & (UINT64_C(1) << 63)));
}

static inline double special_sigmoid_f64(double x) {
  double e = elementary_exp(-fabs(x));
  return (x >= 0.0 ? 1.0 : e) / (1.0 + e);
}

static inline double special_softplus_f64(double x) {
  double e = elementary_exp(-fabs(x));
  double f = e > 0.41421356237309503 ? 0.5 * (e - 1.0) : e;
  double k = e > 0.41421356237309503 ? 1.0 : 0.0;
  return (x > 0.0 ? x : 0.0) + elementary_log_reduced(k, f);
}

static inline double special_swish_f64(double x) {
  double t = x < -800.0 ? -800.0 : x, y = -fabs(t);
  y = y < -800.0 ? -800.0 : y;
  uint64_t n;
  double q = elementary_exp_reduced(y, 0.0, &n);
  double part = (1.0 + q) * elementary_from_bits((n >> 1) << 52);
  double rest = elementary_from_bits((n - (n >> 1)) << 52);
  double result = (x >= 0.0 ? t : t * part) / (1.0 + part * rest);
  return result * (x >= 0.0 ? 1.0 : rest);
}

#endif
