/* Private to src/graph: special functions without branches, so that loops over them vectorise, and without fused
 * multiply-add, so that every instruction set gives the same bits. NaN in, NaN out.
 *
 * f32, largest errors in ulp, measured over the whole range by tests/graph/test_special.c: exp 1.2, log 1.0, tanh 2.1,
 * sigmoid 2.6, softplus 2.3, swish 3.1, sin and cos 0.51. f64: exp, log, sin, cos see base/elementary.h; tanh 2.1,
 * sigmoid 2.6, softplus 2.6, swish 3.1. Results below the smallest normal number: one step of the subnormals more.
 *
 * Sources: the polynomials of Cephes (S. Moshier): expf.c, logf.c, tanhf.c, tanh.c.
 */
#ifndef HGN_GRAPH_SPECIAL_H
#define HGN_GRAPH_SPECIAL_H

#include "base/elementary.h"

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

/* x = n ln 2 + r, |r| <= ln(2) / 2; 2^n in two factors, so that results may overflow or become subnormal. */
static inline float special_exp_f32(float x) {
  const float shifter = 0x1.8p+23f;
  float y = x > 100.0f ? 100.0f : x;
  y = y < -120.0f ? -120.0f : y;
  float shifted = y * 1.44269504f + shifter, n = shifted - shifter;
  float r = (y - n * 0.693359375f) - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  float result = (p * (r * r) + r) + 1.0f;
  uint32_t k = (special_bits(shifted) + 254) & 0xffff; /* n + 2 * 127 */
  k = (k & 0x1ff);
  result *= special_from_bits((k >> 1) << 23);
  return result * special_from_bits((k - (k >> 1)) << 23);
}

/* x = m 2^e, sqrt(1/2) <= m < sqrt(2), f = m - 1. */
static inline float special_log_f32(float x) {
  float scaled = x < 0x1p-126f ? x * 0x1p+25f : x, shift = x < 0x1p-126f ? 25.0f : 0.0f;
  uint32_t bits = special_bits(scaled) + (0x3f800000u - 0x3f3504f3u);
  float e = (float)(int32_t)((bits >> 23) & 0xff) - 127.0f - shift;
  float f = special_from_bits((bits & 0x7fffffu) + 0x3f3504f3u) - 1.0f, z = f * f;
  float p = 7.0376836292e-2f;
  p = p * f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  float y = f * (z * p) + e * -2.12194440e-4f;
  float result = (f + (y - 0.5f * z)) + e * 0.693359375f;
  result = x < (float)INFINITY ? result : x; /* also NaN */
  result = x == 0.0f ? -(float)INFINITY : result;
  return x < 0.0f ? (float)NAN : result;
}

static inline float special_tanh_f32(float x) {
  float size = fabsf(x), z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  float small = (p * z) * x + x;
  float large = 1.0f - 2.0f / (special_exp_f32(2.0f * size) + 1.0f);
  return size < 0.625f ? small : copysignf(large, x);
}

/* exp(-|x|) / (1 + exp(-|x|)) keeps its digits where the result is small. */
static inline float special_sigmoid_f32(float x) {
  float e = special_exp_f32(-fabsf(x)), s = 1.0f / (1.0f + e);
  return x < 0.0f ? e * s : s;
}

/* log(1 + e) with u = 1 + e rounded: log(u) e / (u - 1) puts back what the rounding took (Kahan). */
static inline float special_softplus_f32(float x) {
  float e = special_exp_f32(-fabsf(x)), u = 1.0f + e, rest = u - 1.0f;
  float corrected = special_log_f32(u) * (e / (rest == 0.0f ? 1.0f : rest));
  return (x > 0.0f ? x : x - x) + (rest == 0.0f ? e : corrected);
}

static inline float special_swish_f32(float x) { return x * special_sigmoid_f32(x); }

static inline double special_tanh_f64(double x) {
  double size = fabs(x), z = x * x;
  double p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3;
  double q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3;
  double small = (z * (p / q)) * x + x;
  double large = 1.0 - 2.0 / (elementary_exp(2.0 * size) + 1.0);
  return size < 0.625 ? small : copysign(large, x);
}

static inline double special_sigmoid_f64(double x) {
  double e = elementary_exp(-fabs(x)), s = 1.0 / (1.0 + e);
  return x < 0.0 ? e * s : s;
}

static inline double special_softplus_f64(double x) {
  double e = elementary_exp(-fabs(x)), u = 1.0 + e, rest = u - 1.0;
  double corrected = elementary_log(u) * (e / (rest == 0.0 ? 1.0 : rest));
  return (x > 0.0 ? x : x - x) + (rest == 0.0 ? e : corrected);
}

static inline double special_swish_f64(double x) { return x * special_sigmoid_f64(x); }

#endif
