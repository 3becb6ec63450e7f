/* Special functions: errors in ulp against libm's long double over all arguments, special values, and fixed bits. */
#include "base/rng.h"
#include "graph/special.h"
#include "testing.h"

#include <float.h>
#include <stdbool.h>
#include <stdio.h>

typedef long double exact_function(long double x);

static long double exact_sigmoid(long double x) { return x >= 0 ? 1 / (1 + expl(-x)) : expl(x) / (1 + expl(x)); }
static long double exact_softplus(long double x) { return (x > 0 ? x : 0) + log1pl(expl(-fabsl(x))); }
static long double exact_swish(long double x) { return x * exact_sigmoid(x); }

/* X(name, exact, two limits beyond which it is settled, so that most draws stay within, for f32 and f64, two bounds in
 * ulp, the hash of test_bits()) */
#define FUNCTIONS(X)                                                                                                   \
  X(exp, expl, 110.0, 750.0, 1.0, 1.0, UINT64_C(0x4083fcdb6047277c))                                                   \
  X(log, logl, 3.0, 3.0, 0.9, 0.9, UINT64_C(0xc17773bc4aa15745))                                                       \
  X(sin, sinl, 100.0, 1e3, 0.51, 0.85, UINT64_C(0xa27da5e0bc15d517))                                                   \
  X(cos, cosl, 100.0, 1e3, 0.51, 0.85, UINT64_C(0x52d749c156927f40))                                                   \
  X(tanh, tanhl, 10.0, 20.0, 3.0, 3.0, UINT64_C(0x61e21954dec69559))                                                   \
  X(sigmoid, exact_sigmoid, 110.0, 750.0, 2.5, 2.5, UINT64_C(0xb602de517ccbc7d5))                                      \
  X(softplus, exact_softplus, 110.0, 750.0, 2.0, 2.0, UINT64_C(0x46bfcaf05db17572))                                    \
  X(swish, exact_swish, 112.0, 755.0, 3.5, 3.5, UINT64_C(0x5ba1ff0cf8a7eb0c))

struct function {
  const char *name;
  float (*f32)(float);
  double (*f64)(double);
  exact_function *exact;
  double limit_f32, limit_f64, bound_f32, bound_f64;
  uint64_t hash;
};

#define WRAPPERS(name, ...)                                                                                            \
  static float name##_f32(float x) { return special_##name##_f32(x); }                                                 \
  static double name##_f64(double x) { return special_##name##_f64(x); }
FUNCTIONS(WRAPPERS)

static const struct function functions[] = {
#define ROW(name, ...) {#name, name##_f32, name##_f64, __VA_ARGS__},
    FUNCTIONS(ROW)};
#define NUMBER(name, ...) NUMBER_##name,
enum { FUNCTIONS(NUMBER) FUNCTION_COUNT };

/* |got - want| in units of the last place, of `digits` bits and exponents from `lowest`, at `want`. */
static double ulp_error(long double got, long double want, int digits, int lowest, long double largest) {
  int exponent;
  if (isnan(want)) return isnan(got) ? 0 : INFINITY;
  if (fabsl(want) > largest || isinf(want)) return isinf(got) && (got > 0) == (want > 0) ? 0 : INFINITY;
  (void)frexpl(want, &exponent);
  if (exponent < lowest) exponent = lowest;
  return (double)(fabsl(got - want) / ldexpl(1.0L, exponent - digits));
}

static void grow(double *worst, double error) {
  if (!(error <= *worst)) *worst = error; /* NaN sticks */
}

static void measure_f32(const struct function *function, float x, double *worst) {
  const long double largest = (long double)FLT_MAX * (1 + 0x1p-25L); /* what rounds to it */
  long double want = function->exact((long double)x);
  grow(worst, ulp_error((long double)function->f32(x), want, FLT_MANT_DIG, FLT_MIN_EXP, largest));
}

static void measure_f64(const struct function *function, double x, double *worst) {
  const long double largest = (long double)DBL_MAX * (1 + 0x1p-54L);
  long double want = function->exact((long double)x);
  grow(worst, ulp_error((long double)function->f64(x), want, DBL_MANT_DIG, DBL_MIN_EXP, largest));
}

static void require_below(const char *name, const char *type, double worst, double bound) {
  printf("  %-10s %s %.4f ulp\n", name, type, worst);
  if (!(worst <= bound)) fail_msg("%s %s: %.4f ulp is above %g", name, type, worst, bound);
}

static void skip_without_long_double(void) {
  if (LDBL_MANT_DIG < 64) skip();
}

/* Every 2^k-th f32 of all, from a place that moves, and draws where the function is not settled. */
static void test_error_f32(void **state) {
  (void)state;
  skip_without_long_double();
  struct rng rng = rng_stream(1, RNG_TEST, 0, 0);
  for (int f = 0; f < FUNCTION_COUNT; f++) {
    const struct function *function = &functions[f];
    double worst = 0;
    for (uint64_t bits = 0; bits < UINT64_C(1) << 32; bits += 8000 + (rng_u32(&rng) & 1023)) {
      float x = special_from_bits((uint32_t)bits);
      if (f == NUMBER_log) x = fabsf(x);
      if (!isnan(x)) measure_f32(function, x, &worst);
    }
    for (int i = 0; i < 300000; i++) {
      double u = f == NUMBER_log ? rng_uniform(&rng) : 2.0 * rng_uniform(&rng) - 1.0;
      measure_f32(function, (float)(u * function->limit_f32), &worst);
      measure_f32(function, (float)(2.0 * u), &worst);
    }
    require_below(function->name, "f32", worst, function->bound_f32);
  }
}

static void test_error_f64(void **state) {
  (void)state;
  skip_without_long_double();
  struct rng rng = rng_stream(1, RNG_TEST, 1, 0);
  for (int f = 0; f < FUNCTION_COUNT; f++) {
    const struct function *function = &functions[f];
    double worst = 0;
    for (int i = 0; i < 200000; i++) {
      double u = f == NUMBER_log ? rng_uniform(&rng) : 2.0 * rng_uniform(&rng) - 1.0;
      measure_f64(function, u * function->limit_f64, &worst);
      measure_f64(function, 2.0 * u, &worst);
      measure_f64(function, ldexp(u, (int)rng_below(&rng, 2098) - 1074), &worst);
    }
    require_below(function->name, "f64", worst, function->bound_f64);
  }
}

/* The f32 nearest to multiples of pi/2, and both sides of where the far form takes over. */
static void test_sine_f32_near_multiples(void **state) {
  (void)state;
  skip_without_long_double();
  double worst = 0;
  for (int k = 1; k < 700000; k++) {
    float x = (float)((long double)k * 1.57079632679489661923132169163975144L);
    measure_f32(&functions[NUMBER_sin], x, &worst);
    measure_f32(&functions[NUMBER_cos], -x, &worst);
  }
  for (int i = -2; i <= 2; i++) measure_f32(&functions[NUMBER_sin], SPECIAL_NEAR_f32 + 0.0625f * (float)i, &worst);
  require_below("sin, cos near multiples of pi/2", "f32", worst, 0.51);
}

static const double special_arguments[] = {
    0.0,   -0.0,    1e-45,   -1e-45, 1e-39,   -1e-39,   1e-30,     -1e-30,       1.0,    -1.0,      87.0,
    -87.0, 88.7228, 88.7229, 89.5,   -103.2,  -103.97,  -104.5,    709.78,       709.79, -745.1,    -745.2,
    -0.25, 1e30,    -1e30,   5e-324, -5e-324, INFINITY, -INFINITY, 1.0471975512, 1e5,    0.41421356};

static void test_special_arguments(void **state) {
  (void)state;
  skip_without_long_double();
  for (int f = 0; f < FUNCTION_COUNT; f++) {
    const struct function *function = &functions[f];
    double worst_f32 = 0, worst_f64 = 0;
    for (unsigned i = 0; i < sizeof special_arguments / sizeof special_arguments[0]; i++) {
      double x = special_arguments[i];
      if (f == NUMBER_swish && x == -(double)INFINITY) continue;
      measure_f32(function, (float)x, &worst_f32);
      measure_f64(function, x, &worst_f64);
    }
    require_below(function->name, "f32", worst_f32, function->bound_f32);
    require_below(function->name, "f64", worst_f64, function->bound_f64);
    assert_true(isnan(function->f32((float)NAN)) && isnan(function->f64((double)NAN)));
    assert_true(isnan(function->f32(-(float)NAN)) && isnan(function->f64(-(double)NAN)));
  }
}

static void test_signs_and_limits(void **state) {
  (void)state;
  const float inf = (float)INFINITY;
  assert_true(special_swish_f32(-inf) == 0.0f && signbit(special_swish_f32(-inf)) && special_swish_f32(inf) == inf);
  assert_true(special_swish_f64(-(double)INFINITY) == 0.0);
  assert_true(special_sigmoid_f32(-inf) == 0.0f && special_sigmoid_f32(inf) == 1.0f);
  assert_true(special_tanh_f32(-inf) == -1.0f && special_tanh_f32(inf) == 1.0f && special_tanh_f64(30.0) == 1.0);
  assert_true(special_softplus_f32(-inf) == 0.0f && special_softplus_f32(inf) == inf);
  assert_true(special_log_f32(0.0f) == -inf && special_log_f32(-0.0f) == -inf && special_log_f32(1.0f) == 0.0f);
  assert_true(isnan(special_log_f32(-1e-45f)) && isnan(special_sin_f32(inf)) && isnan(special_cos_f32(-inf)));
  assert_true(special_exp_f32(0.0f) == 1.0f && special_sigmoid_f32(0.0f) == 0.5f && special_cos_f32(0.0f) == 1.0f);
  assert_true(signbit(special_sin_f32(-0.0f)) && signbit(special_tanh_f32(-0.0f)) && signbit(special_tanh_f64(-0.0)));
  assert_true(!signbit(special_sin_f32(0.0f)) && !signbit(special_tanh_f32(0.0f)) && !signbit(special_tanh_f64(0.0)));
  assert_true(signbit(special_swish_f32(-0.0f)));
  struct rng rng = rng_stream(1, RNG_TEST, 2, 0);
  for (int i = 0; i < 10000; i++) {
    float x = special_from_bits(rng_u32(&rng) & 0x7f7fffff);
    assert_true(special_tanh_f32(-x) == -special_tanh_f32(x) && special_tanh_f32(x) <= 1.0f);
    assert_true(special_sin_f32(-x) == -special_sin_f32(x) && special_cos_f32(-x) == special_cos_f32(x));
    assert_true(special_sigmoid_f32(x) <= 1.0f && special_exp_f32(-x) <= 1.0f);
  }
}

/* A hash over many results of each function, the same on every machine and compiler. */
static void test_bits(void **state) {
  (void)state;
  int wrong = 0;
  for (int f = 0; f < FUNCTION_COUNT; f++) {
    struct rng rng = rng_stream(1, RNG_TEST, 3, 0);
    uint64_t hash = 0;
    for (int i = 0; i < 100000; i++) {
      double u = rng_uniform(&rng) - 0.5, x = u * ldexp(1.0, (int)rng_below(&rng, 12) - 3);
      double argument = f == NUMBER_log ? fabs(x) : x;
      uint64_t bits = special_bits(functions[f].f32((float)argument)) ^ elementary_bits(functions[f].f64(argument));
      hash = (hash ^ bits) * UINT64_C(0x100000001b3) + (hash >> 29);
    }
    if (hash == functions[f].hash) continue;
    printf("  %s: other bits, 0x%016llx\n", functions[f].name, (unsigned long long)hash);
    wrong++;
  }
  assert_int_equal(0, wrong);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_error_f32),
                                     cmocka_unit_test(test_error_f64),
                                     cmocka_unit_test(test_sine_f32_near_multiples),
                                     cmocka_unit_test(test_special_arguments),
                                     cmocka_unit_test(test_signs_and_limits),
                                     cmocka_unit_test(test_bits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
