/* Private to kernels that are compiled once for each instruction set: registers of numbers, and the fused multiply-add.
 *
 * lanes_f32 and lanes_f64 are GCC's vector types, so + - * and comparisons are written as such. Only what they have no
 * operator for is a function here: load, store, all (one number in every lane) and fma(a, b, c) = a b + c, rounded
 * once. Every lane computes what one number would: nothing here adds across lanes, so the width of a register is not
 * seen in any result.
 *
 * x86-64 without FMA, the level `base`: the C library's fma() for each lane, which computes the same, slowly.
 */
#ifndef HGN_GRAPH_LANES_H
#define HGN_GRAPH_LANES_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
enum { LANES_BYTES = 64 };
#define LANES_MANY 1
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
enum { LANES_BYTES = 32 };
#define LANES_MANY 0
#elif defined(__aarch64__)
#include <arm_neon.h>
enum { LANES_BYTES = 16 };
#define LANES_MANY 1
#else
enum { LANES_BYTES = 16 };
#define LANES_MANY 0
#endif

enum { LANES_REGISTERS = LANES_MANY ? 32 : 16 };

#define LANES_INLINE static inline __attribute__((always_inline, unused))

#define LANES_TYPE(suffix, real, mask)                                                                                 \
  typedef real lanes##suffix __attribute__((vector_size(LANES_BYTES), may_alias));                                     \
  typedef mask lanes_mask##suffix __attribute__((vector_size(LANES_BYTES), may_alias));                                \
  enum { LANES##suffix = LANES_BYTES / sizeof(real) };                                                                 \
  LANES_INLINE lanes##suffix lanes_load##suffix(const real *from) {                                                    \
    lanes##suffix value;                                                                                               \
    memcpy(&value, from, sizeof value);                                                                                \
    return value;                                                                                                      \
  }                                                                                                                    \
  LANES_INLINE void lanes_store##suffix(real *to, lanes##suffix value) { memcpy(to, &value, sizeof value); }           \
  LANES_INLINE lanes##suffix lanes_all##suffix(real number) { return number - (lanes##suffix){0}; }                    \
  /* where ? yes : no, where being all bits or none. */                                                                \
  LANES_INLINE lanes##suffix lanes_choose##suffix(lanes_mask##suffix where, lanes##suffix yes, lanes##suffix no) {     \
    return (lanes##suffix)((where & (lanes_mask##suffix)yes) | (~where & (lanes_mask##suffix)no));                     \
  }
LANES_TYPE(_f32, float, int32_t)
LANES_TYPE(_f64, double, int64_t)

#if defined(__AVX512F__)
LANES_INLINE lanes_f32 lanes_fma_f32(lanes_f32 a, lanes_f32 b, lanes_f32 c) { return _mm512_fmadd_ps(a, b, c); }
LANES_INLINE lanes_f64 lanes_fma_f64(lanes_f64 a, lanes_f64 b, lanes_f64 c) { return _mm512_fmadd_pd(a, b, c); }
#elif defined(__AVX2__) && defined(__FMA__)
LANES_INLINE lanes_f32 lanes_fma_f32(lanes_f32 a, lanes_f32 b, lanes_f32 c) { return _mm256_fmadd_ps(a, b, c); }
LANES_INLINE lanes_f64 lanes_fma_f64(lanes_f64 a, lanes_f64 b, lanes_f64 c) { return _mm256_fmadd_pd(a, b, c); }
#elif defined(__aarch64__)
LANES_INLINE lanes_f32 lanes_fma_f32(lanes_f32 a, lanes_f32 b, lanes_f32 c) { return vfmaq_f32(c, a, b); }
LANES_INLINE lanes_f64 lanes_fma_f64(lanes_f64 a, lanes_f64 b, lanes_f64 c) { return vfmaq_f64(c, a, b); }
#else
LANES_INLINE lanes_f32 lanes_fma_f32(lanes_f32 a, lanes_f32 b, lanes_f32 c) {
  for (int i = 0; i < LANES_f32; i++) c[i] = fmaf(a[i], b[i], c[i]);
  return c;
}
LANES_INLINE lanes_f64 lanes_fma_f64(lanes_f64 a, lanes_f64 b, lanes_f64 c) {
  for (int i = 0; i < LANES_f64; i++) c[i] = fma(a[i], b[i], c[i]);
  return c;
}
#endif

#endif
