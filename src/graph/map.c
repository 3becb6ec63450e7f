/* Elementwise kernels. Compiled once for each level:
 * KERNEL_LEVEL is its name, and the flags say its instruction set. */
#include "graph/levels.h"
#include "graph/special.h"

/* y may be a or b: element i of y depends on elements i only, which compilers have to be told. */
#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define INDEPENDENT _Pragma("GCC ivdep")
#else
#define INDEPENDENT
#endif

/* p, q: the op's numbers; u, v: the operands. */
#define MAP(name, type, suffix, formula)                                                                               \
  static void map_##name##suffix(int64_t n, const double *number, const void *first, const void *second, void *out) {  \
    const type *a = first, *b = second ? second : first, p = (type)number[0], q = (type)number[1];                     \
    type *y = out;                                                                                                     \
    (void)p, (void)q, (void)b;                                                                                         \
    INDEPENDENT                                                                                                        \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      type u = a[i], v = b[i];                                                                                         \
      (void)v;                                                                                                         \
      y[i] = (formula);                                                                                                \
    }                                                                                                                  \
  }

#define MAPS(type, suffix, one, zero)                                                                                  \
  MAP(add, type, suffix, u + v)                                                                                        \
  MAP(subtract, type, suffix, u - v)                                                                                   \
  MAP(multiply, type, suffix, u *v)                                                                                    \
  MAP(divide, type, suffix, u / v)                                                                                     \
  MAP(scale, type, suffix, u *p)                                                                                       \
  MAP(offset, type, suffix, u + p)                                                                                     \
  MAP(square, type, suffix, u *u)                                                                                      \
  MAP(leaky_relu, type, suffix, u > zero ? u : u * p)                                                                  \
  MAP(leaky_mask, type, suffix, u > zero ? one : p)                                                                    \
  MAP(clamp, type, suffix, u<p ? p : u> q ? q : u)                                                                     \
  MAP(clamp_mask, type, suffix, (u > p ? one : zero) * (u < q ? one : zero))                                           \
  MAP(tanh, type, suffix, special_tanh##suffix(u))                                                                     \
  MAP(sigmoid, type, suffix, special_sigmoid##suffix(u))                                                               \
  MAP(softplus, type, suffix, special_softplus##suffix(u))                                                             \
  MAP(swish, type, suffix, special_swish##suffix(u))

MAPS(float, _f32, 1.0f, 0.0f)
MAPS(double, _f64, 1.0, 0.0)
MAP(exp, float, _f32, special_exp_f32(u))
MAP(log, float, _f32, special_log_f32(u))
MAP(sqrt, float, _f32, sqrtf(u))
MAP(exp, double, _f64, elementary_exp(u))
MAP(log, double, _f64, elementary_log(u))
MAP(sqrt, double, _f64, sqrt(u))

/* f64: whatever is too large for the quick way is rare, and done again. Chunks, since y may be a. */
#define TRIGONOMETRIC(name, type, suffix, result)                                                                      \
  static void map_##name##suffix(int64_t n, const double *number, const void *first, const void *second, void *out) {  \
    enum { CHUNK = 64 };                                                                                               \
    const type *a = first;                                                                                             \
    type *y = out;                                                                                                     \
    (void)number, (void)second;                                                                                        \
    for (int64_t begin = 0; begin < n; begin += CHUNK) {                                                               \
      double x[CHUNK], sine[CHUNK], cosine[CHUNK];                                                                     \
      int count = n - begin < CHUNK ? (int)(n - begin) : CHUNK;                                                        \
      for (int i = 0; i < count; i++) x[i] = (double)a[begin + i];                                                     \
      elementary_sincos_all(count, x, sine, cosine);                                                                   \
      for (int i = 0; i < count; i++) y[begin + i] = (type)result[i];                                                  \
    }                                                                                                                  \
  }
TRIGONOMETRIC(sin, double, _f64, sine)
TRIGONOMETRIC(cos, double, _f64, cosine)

/* f32: a chunk whose elements are all near goes without branches; near elements have the same bits either way. */
#define TRIGONOMETRIC_F32(name)                                                                                        \
  static void map_##name##_f32(int64_t n, const double *number, const void *first, const void *second, void *out) {    \
    enum { CHUNK = 64 };                                                                                               \
    (void)number, (void)second;                                                                                        \
    for (int64_t begin = 0; begin < n; begin += CHUNK) {                                                               \
      const float *a = (const float *)first + begin;                                                                   \
      float *y = (float *)out + begin;                                                                                 \
      int count = n - begin < CHUNK ? (int)(n - begin) : CHUNK, far = 0;                                               \
      for (int i = 0; i < count; i++) far |= fabsf(a[i]) <= SPECIAL_NEAR_f32 ? 0 : 1;                                  \
      if (far) {                                                                                                       \
        for (int i = 0; i < count; i++) y[i] = special_##name##_f32(a[i]);                                             \
      } else {                                                                                                         \
        INDEPENDENT                                                                                                    \
        for (int i = 0; i < count; i++) y[i] = special_near_##name##_f32(a[i]);                                        \
      }                                                                                                                \
    }                                                                                                                  \
  }
TRIGONOMETRIC_F32(sin)
TRIGONOMETRIC_F32(cos)

/* All ops of these kinds, or it does not compile. */
#define ROW_UNARY(name, suffix) [OP_##name] = map_##name##suffix,
#define ROW_BINARY(name, suffix) [OP_##name] = map_##name##suffix,
#define ROW_SOURCE(name, suffix)
#define ROW_VIEW(name, suffix)
#define ROW_OTHER(name, suffix)
#define ROW_F32(name, arity, shape, kind) ROW_##kind(name, _f32)
#define ROW_F64(name, arity, shape, kind) ROW_##kind(name, _f64)

kernel_map *const LEVEL_NAME(kernel_maps)[2][OP_COUNT] = {{GRAPH_OP_LIST(ROW_F32)}, {GRAPH_OP_LIST(ROW_F64)}};
