/* Elementary functions: errors in ulp against libm's long double, special values, symmetry, and fixed bits. */
#include "base/elementary.h"
#include "base/rng.h"
#include "testing.h"

#include <float.h>
#include <stdbool.h>
#include <stdio.h>

enum { DRAWS = 200000 };

/* |got - want| in units of the last place of f64 at `want`. */
static double ulp_error(double got, long double want) {
  int exponent;
  (void)frexpl(want, &exponent);
  if (exponent < -1021) exponent = -1021;
  return (double)(fabsl((long double)got - want) / ldexpl(1.0L, exponent - 53));
}

static void grow(double *worst, double error) {
  if (!(error <= *worst)) *worst = error; /* NaN sticks */
}

struct worst {
  double sine, cosine;
};

static void measure_sincos(double x, struct worst *worst) {
  double sine, cosine;
  elementary_sincos(x, &sine, &cosine);
  grow(&worst->sine, ulp_error(sine, sinl(x)));
  grow(&worst->cosine, ulp_error(cosine, cosl(x)));
}

static void require_below(const char *what, double worst, double limit) {
  printf("  %-40s %.4f ulp\n", what, worst);
  if (!(worst < limit)) fail_msg("%s: %.4f ulp is not below %g", what, worst, limit);
}

static void skip_without_long_double(void) {
  if (LDBL_MANT_DIG < 64) skip();
}

static void test_sincos_error(void **state) {
  (void)state;
  skip_without_long_double();
  static const double limits[] = {0.785, 10.0, 1e3, ELEMENTARY_NEAR};
  struct rng rng = rng_stream(1, RNG_TEST, 0, 0);
  struct worst near = {0, 0}, multiples = {0, 0}, far = {0, 0};
  for (int l = 0; l < 4; l++)
    for (int i = 0; i < DRAWS; i++) measure_sincos((2.0 * rng_uniform(&rng) - 1.0) * limits[l], &near);
  require_below("sin, |x| <= 102942", near.sine, 0.85);
  require_below("cos, |x| <= 102942", near.cosine, 0.85);
  for (int k = 1; k < 65536; k++)
    measure_sincos((double)((long double)k * 1.57079632679489661923132169163975144L), &multiples);
  require_below("sin, nearest to multiples of pi/2", multiples.sine, 0.51);
  require_below("cos, nearest to multiples of pi/2", multiples.cosine, 0.51);
  for (int i = 0; i < DRAWS; i++) measure_sincos(ldexp(1.0 + rng_uniform(&rng), (int)rng_below(&rng, 1007) + 16), &far);
  measure_sincos(DBL_MAX, &far);
  measure_sincos(0x1.6ac5b262ca1ffp+849, &far); /* the double nearest of all to a multiple of pi/2 */
  require_below("sin, beyond", far.sine, 0.85);
  require_below("cos, beyond", far.cosine, 0.85);
}

static void test_log_error(void **state) {
  (void)state;
  skip_without_long_double();
  struct rng rng = rng_stream(1, RNG_TEST, 1, 0);
  double all = 0, one = 0, subnormal = 0;
  for (int i = 0; i < 2 * DRAWS; i++) {
    double x = ldexp(1.0 + rng_uniform(&rng), (int)rng_below(&rng, 2045) - 1022);
    grow(&all, ulp_error(elementary_log(x), logl(x)));
    x = 0.5 + 1.5 * rng_uniform(&rng);
    grow(&one, ulp_error(elementary_log(x), logl(x)));
    x = ldexp(rng_uniform(&rng), -1022 - (int)rng_below(&rng, 40));
    grow(&subnormal, ulp_error(elementary_log(x), logl(x)));
  }
  require_below("log, normal numbers", all, 0.95);
  require_below("log, 0.5 to 2", one, 0.95);
  require_below("log, subnormal numbers", subnormal, 0.95);
}

static void test_exp_error(void **state) {
  (void)state;
  skip_without_long_double();
  struct rng rng = rng_stream(1, RNG_TEST, 2, 0);
  double all = 0, one = 0, subnormal = 0;
  for (int i = 0; i < 2 * DRAWS; i++) {
    double x = (2.0 * rng_uniform(&rng) - 1.0) * 708.0;
    grow(&all, ulp_error(elementary_exp(x), expl(x)));
    x = 2.0 * rng_uniform(&rng) - 1.0;
    grow(&one, ulp_error(elementary_exp(x), expl(x)));
    x = -708.0 - 38.0 * rng_uniform(&rng);
    grow(&subnormal, ulp_error(elementary_exp(x), expl(x)));
  }
  require_below("exp, |x| <= 708", all, 0.95);
  require_below("exp, |x| <= 1", one, 0.95);
  require_below("exp, -746 to -708", subnormal, 0.95);
}

static void test_erfc_error(void **state) {
  (void)state;
  skip_without_long_double();
  struct rng rng = rng_stream(1, RNG_TEST, 7, 0);
  double middle = 0, tail = 0, negative = 0, small = 0;
  for (int i = 0; i < 2 * DRAWS; i++) {
    double x = 2.0 * rng_uniform(&rng);
    grow(&middle, ulp_error(elementary_erfc(x), erfcl(x)));
    x = 2.0 + 24.5 * rng_uniform(&rng);
    grow(&tail, ulp_error(elementary_erfc(x), erfcl(x)));
    x = -8.0 * rng_uniform(&rng);
    grow(&negative, ulp_error(elementary_erfc(x), erfcl(x)));
    x = ldexp(rng_uniform(&rng), -(int)rng_below(&rng, 1000));
    grow(&small, ulp_error(elementary_erfc(x), erfcl(x)));
    x = 26.5 + 2.0 * rng_uniform(&rng);
    grow(&tail, ulp_error(elementary_erfc(x), erfcl(x)));
  }
  require_below("erfc, 0 to 2", middle, 7.0);
  require_below("erfc, 2 to 28.5", tail, 7.0);
  require_below("erfc, -8 to 0", negative, 7.0);
  require_below("erfc, 0 to 1, all magnitudes", small, 7.0);
}

static void test_erfc_bits(void **state) {
  (void)state;
  struct rng rng = rng_stream(1, RNG_TEST, 8, 0);
  uint64_t hash = 0;
  for (int i = 0; i < 20000; i++) {
    const uint64_t bits = elementary_bits(elementary_erfc(40.0 * rng_uniform(&rng) - 10.0));
    hash = (hash ^ bits) * UINT64_C(0x100000001b3) + (hash >> 29);
  }
  assert_int_equal(UINT64_C(0x7334e556addf5525), hash);
}

/* All magnitudes alike. */
static double draw_normal_number(struct rng *rng) {
  const double mantissa = 1.0 + rng_uniform(rng); /* before the exponent, whatever the compiler */
  return ldexp(mantissa, (int)rng_below(rng, 2045) - 1022);
}

static void measure_pow(double x, double y, double *worst) { grow(worst, ulp_error(elementary_pow(x, y), powl(x, y))); }

static void test_pow_error(void **state) {
  (void)state;
  skip_without_long_double();
  struct rng rng = rng_stream(1, RNG_TEST, 5, 0);
  double all = 0, one = 0, decay = 0, subnormal = 0, small = 0;
  for (int i = 0; i < 2 * DRAWS; i++) {
    double x = draw_normal_number(&rng);
    measure_pow(x, (2.0 * rng_uniform(&rng) - 1.0) * 708.0 / (double)logl(x), &all);
    x = 0.5 + 1.5 * rng_uniform(&rng);
    measure_pow(x, 4.0 * (2.0 * rng_uniform(&rng) - 1.0), &one);
    x = 1.0 - rng_uniform(&rng) * ldexp(1.0, -(int)rng_below(&rng, 40));
    measure_pow(x, floor(rng_uniform(&rng) * 708.0 / -(double)logl(x)), &decay);
    x = ldexp(rng_uniform(&rng), -1022 - (int)rng_below(&rng, 40));
    measure_pow(x, 1.9 * rng_uniform(&rng) - 0.9, &subnormal);
    x = draw_normal_number(&rng);
    measure_pow(x, (-708.0 - 38.0 * rng_uniform(&rng)) / (double)logl(x), &small);
  }
  require_below("pow, normal results", all, 0.95);
  require_below("pow, x from 0.5 to 2, |y| <= 4", one, 0.95);
  require_below("pow, x just below 1, y whole", decay, 0.95);
  require_below("pow, subnormal x", subnormal, 0.95);
  require_below("pow, subnormal results", small, 0.95);
}

/* Where a double holds the power, it is the result. */
static void test_pow_exact(void **state) {
  (void)state;
  for (int base = 2; base < 1000; base++) {
    double power = 1;
    for (int n = 1; (power *= base) <= 0x1p+53; n++) {
      assert_true(elementary_pow(base, n) == power);
      assert_true(elementary_pow(-base, n) == (n % 2 ? -power : power));
      assert_true(elementary_pow(power, 1) == power);
      if (n == 2) assert_true(elementary_pow(power, 0.5) == base && elementary_pow(power, 1.5) == power * base);
    }
  }
  for (int n = -1074; n < 1024; n++) assert_true(elementary_pow(2.0, n) == ldexp(1.0, n));
}

static void test_special_values(void **state) {
  (void)state;
  double sine, cosine;
  elementary_sincos(0.0, &sine, &cosine);
  assert_true(sine == 0.0 && !signbit(sine) && cosine == 1.0);
  assert_true(signbit(elementary_sin(-0.0)));
  assert_true(elementary_sin(5e-324) == 5e-324);
  assert_true(isnan(elementary_sin((double)INFINITY)) && isnan(elementary_cos(-(double)INFINITY)));
  assert_true(isnan(elementary_sin((double)NAN)) && isnan(elementary_cos((double)NAN)));
  elementary_near_sincos(nextafter(ELEMENTARY_NEAR, 1e9), &sine, &cosine);
  assert_true(isnan(sine) && isnan(cosine));

  assert_true(elementary_log(0.0) == -(double)INFINITY && elementary_log(-0.0) == -(double)INFINITY);
  assert_true(isnan(elementary_log(-1.0)) && isnan(elementary_log(-(double)INFINITY)) &&
              isnan(elementary_log((double)NAN)));
  assert_true(isnan(elementary_log(-5e-324)));
  assert_true(elementary_log((double)INFINITY) == (double)INFINITY);
  assert_true(elementary_log(1.0) == 0.0);

  assert_true(elementary_exp(0.0) == 1.0 && elementary_exp(-0.0) == 1.0);
  assert_true(isfinite(elementary_exp(709.782712893384)) && isinf(elementary_exp(709.782712893385)));
  assert_true(elementary_exp(-745.13) == 5e-324 && elementary_exp(-745.14) == 0.0);
  assert_true(elementary_exp(1e300) == (double)INFINITY && elementary_exp(-1e300) == 0.0);
  assert_true(elementary_exp((double)INFINITY) == (double)INFINITY && elementary_exp(-(double)INFINITY) == 0.0);
  assert_true(isnan(elementary_exp((double)NAN)));

  assert_true(elementary_erfc(0.0) == 1.0 && elementary_erfc(-0.0) == 1.0);
  assert_true(elementary_erfc((double)INFINITY) == 0.0 && elementary_erfc(-(double)INFINITY) == 2.0);
  assert_true(elementary_erfc(DBL_MAX) == 0.0 && isnan(elementary_erfc((double)NAN)));
}

/* All pairs of these are what libm's pow says, to the last bit or two, NaN and the sign of zero included. */
static void test_pow_special_values(void **state) {
  (void)state;
  static const double values[] = {0,         0.5,         1,           1.5,        2,       3,       1023,
                                  1024,      1074,        1075,        0x1p+52,    0x1p+53, 0x1p+64, 0x1p+65,
                                  1e300,     DBL_MAX,     DBL_MIN,     5e-324,     0x1p-53, 1e-300,  INFINITY,
                                  0x1.8p+51, 1 - 0x1p-53, 1 + 0x1p-52, 0x1p+53 - 1};
  enum { VALUES = sizeof values / sizeof *values };
  for (int i = 0; i < 4 * VALUES * VALUES; i++) {
    const double x = (i & 1 ? -1 : 1) * values[i / 4 % VALUES], y = (i & 2 ? -1 : 1) * values[i / 4 / VALUES];
    const double got = elementary_pow(x, y), want = pow(x, y);
    const bool near = got == want || fabs(got - want) < 0x1p-51 * fabs(want);
    if (isnan(want) ? !isnan(got) : !near || !signbit(got) != !signbit(want))
      fail_msg("pow(%a, %a) = %a, not %a", x, y, got, want);
  }
  const double nan = (double)NAN;
  assert_true(elementary_pow(nan, 0.0) == 1.0 && elementary_pow(nan, -0.0) == 1.0 && elementary_pow(1.0, nan) == 1.0);
  assert_true(isnan(elementary_pow(nan, 1.0)) && isnan(elementary_pow(2.0, nan)) && isnan(elementary_pow(-1.0, nan)));
  assert_true(isnan(elementary_pow(0.0, nan)) && isnan(elementary_pow(nan, (double)INFINITY)));
  assert_true(elementary_pow(-1.0, (double)INFINITY) == 1.0 && elementary_pow(-1.0, -(double)INFINITY) == 1.0);
}

static void test_symmetry_and_paths(void **state) {
  (void)state;
  struct rng rng = rng_stream(1, RNG_TEST, 3, 0);
  for (int i = 0; i < 10000; i++) {
    double x = ldexp(rng_uniform(&rng), (int)rng_below(&rng, 60) - 10), s, c, sm, cm;
    elementary_sincos(x, &s, &c);
    elementary_sincos(-x, &sm, &cm);
    assert_true(sm == -s && cm == c);
    assert_true(elementary_sin(x) == s && elementary_cos(x) == c);
    assert_true(fabs(s * s + c * c - 1.0) < 1e-15);
  }
}

/* One hash over many results, the same on every machine and compiler:
 * what the whole program's reproducibility rests on. */
static void test_bits(void **state) {
  (void)state;
  struct rng rng = rng_stream(1, RNG_TEST, 4, 0);
  uint64_t hash = 0;
  for (int i = 0; i < 20000; i++) {
    double u = rng_uniform(&rng), x = (u - 0.5) * ldexp(1.0, (int)rng_below(&rng, 80)), s, c;
    elementary_sincos(x, &s, &c);
    const double values[] = {s, c, elementary_log(u), elementary_exp(1500.0 * (u - 0.5))};
    for (int k = 0; k < 4; k++) hash = (hash ^ elementary_bits(values[k])) * UINT64_C(0x100000001b3) + (hash >> 29);
  }
  assert_int_equal(UINT64_C(0x97d961b9d7294794), hash);
}

static void test_pow_bits(void **state) {
  (void)state;
  struct rng rng = rng_stream(1, RNG_TEST, 6, 0);
  uint64_t hash = 0;
  for (int i = 0; i < 20000; i++) {
    double x = draw_normal_number(&rng), u = rng_uniform(&rng);
    const double values[] = {elementary_pow(x, 2.0 * u - 1.0), elementary_pow(0.5 + u, i),
                             elementary_pow(1.0 - 1e-3 * u, i)};
    for (int k = 0; k < 3; k++) hash = (hash ^ elementary_bits(values[k])) * UINT64_C(0x100000001b3) + (hash >> 29);
  }
  assert_int_equal(UINT64_C(0x387783d4cc2c26af), hash);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sincos_error),       cmocka_unit_test(test_log_error),
      cmocka_unit_test(test_exp_error),          cmocka_unit_test(test_erfc_error),
      cmocka_unit_test(test_pow_error),          cmocka_unit_test(test_pow_exact),
      cmocka_unit_test(test_special_values),     cmocka_unit_test(test_pow_special_values),
      cmocka_unit_test(test_symmetry_and_paths), cmocka_unit_test(test_bits),
      cmocka_unit_test(test_pow_bits),           cmocka_unit_test(test_erfc_bits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
