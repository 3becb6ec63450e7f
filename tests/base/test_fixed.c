/* Fixed-point sums: any order and grouping gives the same bits, and the stated error holds for each tensor. */
#include "base/exact.h"
#include "base/fixed.h"
#include "base/rng.h"
#include "testing.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TENSORS = 8, TOTAL = 60, WORDS = TOTAL + 2 * TENSORS };

/* Lengths 7, 0, 1, 16, 9, 0, 20, 7: tensors without values among them. */
static const int64_t offsets[TENSORS + 1] = {0, 7, 7, 8, 24, 33, 33, 53, 60};
/* log2 of the magnitudes: 1e-30 to 1e30, and a decoder's gradient next to a Hamiltonian's. */
static const int magnitude[TENSORS] = {-100, 0, 100, -34, -6, 0, 0, -60};

static struct fixed_layout layout_for(int64_t summands) { return (struct fixed_layout){TENSORS, offsets, summands}; }

static void draw_block(struct rng *rng, double *value) {
  for (int t = 0; t < TENSORS; t++)
    for (int64_t i = offsets[t]; i < offsets[t + 1]; i++)
      value[i] = (2.0 * rng_uniform(rng) - 1.0) * ldexp(1.0, magnitude[t] - (int)rng_below(rng, 20));
}

static void start_exponents(int32_t *exponent, int tensors) {
  for (int t = 0; t < tensors; t++) exponent[t] = FIXED_EXPONENT_ZERO;
}

static void test_check(void **state) {
  (void)state;
  struct fixed_layout layout = layout_for(1);
  assert_ok(fixed_check(&layout));
  assert_int_equal(WORDS, fixed_words(&layout));
  layout.summands = INT64_C(1) << 21;
  assert_ok(fixed_check(&layout));
  layout.summands++;
  assert_status(STATUS_ARGUMENT, fixed_check(&layout));
  layout.summands = 0;
  assert_status(STATUS_ARGUMENT, fixed_check(&layout));
  layout = layout_for(1), layout.tensors = -1;
  assert_status(STATUS_ARGUMENT, fixed_check(&layout));
  const int64_t decreasing[] = {0, 3, 2}, late[] = {1, 2, 3};
  assert_status(STATUS_ARGUMENT, fixed_check(&(struct fixed_layout){2, decreasing, 1}));
  assert_status(STATUS_ARGUMENT, fixed_check(&(struct fixed_layout){2, late, 1}));
  assert_ok(fixed_check(&(struct fixed_layout){0, (const int64_t[]){0}, 1}));
}

static int32_t exponent_of(double value, int single) {
  const int64_t ends[] = {0, 3};
  struct fixed_layout layout = {1, ends, 1};
  int32_t exponent = FIXED_EXPONENT_ZERO;
  if (single)
    fixed_exponents_f32(&layout, (const float[]){0.0f, (float)value, 0.0f}, &exponent);
  else
    fixed_exponents_f64(&layout, (const double[]){-0.0, value, 0.0}, &exponent);
  return exponent;
}

static void test_exponents(void **state) {
  (void)state;
  for (int single = 0; single < 2; single++) {
    assert_int_equal(FIXED_EXPONENT_ZERO, exponent_of(0.0, single));
    assert_int_equal(FIXED_EXPONENT_ZERO, exponent_of(-0.0, single));
    assert_int_equal(1, exponent_of(1.0, single));
    assert_int_equal(0, exponent_of(-0.999, single));
    assert_int_equal(0, exponent_of(0.5, single));
    assert_int_equal(-1, exponent_of(-0.25, single));
    assert_int_equal(FIXED_EXPONENT_NONFINITE, exponent_of((double)NAN, single));
    assert_int_equal(FIXED_EXPONENT_NONFINITE, exponent_of(-(double)NAN, single));
    assert_int_equal(FIXED_EXPONENT_NONFINITE, exponent_of(-(double)INFINITY, single));
  }
  assert_int_equal(-148, exponent_of(0x1p-149, 1));
  assert_int_equal(-126, exponent_of(-0x1.fffffcp-127, 1));
  assert_int_equal(128, exponent_of(-(double)FLT_MAX, 1));
  assert_int_equal(-1073, exponent_of(-0x1p-1074, 0));
  assert_int_equal(-1060, exponent_of(0x1.8p-1061, 0));
  assert_int_equal(1024, exponent_of(DBL_MAX, 0));

  /* The maximum with what is there. */
  int32_t exponent = 9;
  fixed_exponents_f64(&(struct fixed_layout){1, (const int64_t[]){0, 1}, 1}, (const double[]){3.0}, &exponent);
  assert_int_equal(9, exponent);
  fixed_exponents_f64(&(struct fixed_layout){1, (const int64_t[]){0, 1}, 1}, (const double[]){1024.0}, &exponent);
  assert_int_equal(11, exponent);
}

/* round_to_even of the header, value by value, against rint() of the C library on a scaled long double. */
static void test_rounding(void **state) {
  (void)state;
  if (LDBL_MANT_DIG < 64) skip();
  struct rng rng = rng_stream(1, RNG_TEST, 0, 0);
  const int64_t ends[] = {0, 1};
  for (int trial = 0; trial < 300000; trial++) {
    int headroom = (int)rng_below(&rng, 22), e = (int)rng_below(&rng, 2098) - 1073;
    struct fixed_layout layout = {1, ends, INT64_C(1) << headroom};
    int32_t exponent = e;
    /* From one unit in 2^10 up to the bound; every third a tie between integers. */
    int unit = e + headroom - 62;
    double x = ldexp(rng_uniform(&rng), e - (int)rng_below(&rng, 72));
    if (trial % 3 == 0) x = ldexp((double)rng_below(&rng, UINT64_C(1) << (1 + rng_below(&rng, 40))) + 0.5, unit);
    if (trial % 7 == 0) x = nextafter(ldexp(1.0, e), 0.0);
    if (rng_below(&rng, 2)) x = -x;
    if (!(fabs(x) < (double)INFINITY) || !(fabsl((long double)x) < ldexpl(1.0L, e))) continue;
    int64_t sum[3] = {0, 0, 0};
    fixed_add_f64(&layout, &exponent, &x, sum);
    assert_true(sum[0] == (int64_t)rintl(ldexpl((long double)x, -unit)));
    assert_true(sum[1] == 0 && sum[2] == 0);

    float f = (float)x;
    if (!(fabsl((long double)f) < ldexpl(1.0L, e))) continue;
    int64_t single[3] = {0, 0, 0};
    fixed_add_f32(&layout, &exponent, &f, single);
    assert_true(single[0] == (int64_t)rintl(ldexpl((long double)f, -unit)));
  }
}

/* Blocks added in any order, into any number of accumulators that are then added: the same words and values. */
static void test_order_and_grouping(void **state) {
  (void)state;
  enum { BLOCKS = 40, GROUPS = 7 };
  struct fixed_layout layout = layout_for(BLOCKS);
  struct rng rng = rng_stream(2, RNG_TEST, 0, 0);
  double block[BLOCKS][TOTAL];
  float single[BLOCKS][TOTAL];
  int order[BLOCKS];
  int32_t exponent[TENSORS];
  start_exponents(exponent, TENSORS);
  for (int b = 0; b < BLOCKS; b++) {
    draw_block(&rng, block[b]);
    fixed_exponents_f64(&layout, block[b], exponent);
    for (int i = 0; i < TOTAL; i++) single[b][i] = (float)block[b][i];
    fixed_exponents_f32(&layout, single[b], exponent);
    order[b] = b;
  }
  int64_t expected[WORDS] = {0}, expected_single[WORDS] = {0};
  for (int b = 0; b < BLOCKS; b++) {
    fixed_add_f64(&layout, exponent, block[b], expected);
    fixed_add_f32(&layout, exponent, single[b], expected_single);
  }
  for (int trial = 0; trial < 100; trial++) {
    for (int b = BLOCKS - 1; b > 0; b--) {
      int other = (int)rng_below(&rng, (uint64_t)b + 1), t = order[b];
      order[b] = order[other];
      order[other] = t;
    }
    int64_t sum[GROUPS][WORDS] = {{0}}, sum_single[GROUPS][WORDS] = {{0}};
    int groups = 1 + (int)rng_below(&rng, GROUPS);
    for (int b = 0; b < BLOCKS; b++) {
      size_t g = (size_t)rng_below(&rng, (uint64_t)groups);
      fixed_add_f64(&layout, exponent, block[order[b]], sum[g]);
      fixed_add_f32(&layout, exponent, single[order[b]], sum_single[g]);
    }
    for (int g = 1; g < groups; g++)
      for (int w = 0; w < WORDS; w++) sum[0][w] += sum[g][w], sum_single[0][w] += sum_single[g][w];
    assert_memory_equal(expected, sum[0], sizeof expected);
    assert_memory_equal(expected_single, sum_single[0], sizeof expected_single);
  }
}

/* Error of each tensor's sums against exact ones, relative to its largest summand: under 2^-40 for 2048 summands, of
 * f64 with all bits set and mixed signs or one sign. */
static void measure_error(int64_t summands, int one_sign) {
  struct fixed_layout layout = layout_for(summands);
  struct rng rng = rng_stream(3, RNG_TEST, (uint64_t)summands, (uint32_t)one_sign);
  double *block = malloc((size_t)summands * TOTAL * sizeof *block);
  assert_non_null(block);
  int32_t exponent[TENSORS];
  start_exponents(exponent, TENSORS);
  double largest[TENSORS] = {0};
  for (int64_t b = 0; b < summands; b++) {
    draw_block(&rng, block + b * TOTAL);
    for (int i = 0; i < TOTAL && one_sign; i++) block[b * TOTAL + i] = fabs(block[b * TOTAL + i]);
    fixed_exponents_f64(&layout, block + b * TOTAL, exponent);
    for (int t = 0; t < TENSORS; t++)
      for (int64_t i = offsets[t]; i < offsets[t + 1]; i++) largest[t] = fmax(largest[t], fabs(block[b * TOTAL + i]));
  }
  int64_t sum[WORDS] = {0};
  for (int64_t b = 0; b < summands; b++) fixed_add_f64(&layout, exponent, block + b * TOTAL, sum);
  for (int t = 0; t < TENSORS; t++) {
    for (int64_t i = offsets[t]; i < offsets[t + 1]; i++) {
      /* The integers themselves, less the exact sum: the error before the one rounding of the result. */
      int unit = exponent[t] - 62;
      for (int64_t n = 1; n < summands; n *= 2) unit++;
      struct exact difference;
      exact_clear(&difference);
      exact_add(&difference, ldexp((double)(sum[i] >> 20), unit + 20));
      exact_add(&difference, ldexp((double)(sum[i] & 0xfffff), unit));
      for (int64_t b = 0; b < summands; b++) exact_add(&difference, -block[b * TOTAL + i]);
      assert_true(fabs(exact_value(&difference)) < 0x1p-40 * largest[t]);
    }
  }
  double value[TOTAL];
  assert_ok(fixed_values_f64(&layout, exponent, sum, value));
  for (int i = 0; i < TOTAL; i++) {
    struct exact true_sum;
    exact_clear(&true_sum);
    for (int64_t b = 0; b < summands; b++) exact_add(&true_sum, block[b * TOTAL + i]);
    int t = 0;
    while (i >= offsets[t + 1]) t++;
    assert_true(fabs(value[i] - exact_value(&true_sum)) <= 0x1p-40 * largest[t] + 0x1p-53 * fabs(value[i]));
  }
  free(block);
}

static void test_error(void **state) {
  (void)state;
  static const int64_t summands[] = {1, 2, 3, 5, 16, 33, 512, 2047, 2048};
  for (size_t i = 0; i < sizeof summands / sizeof summands[0]; i++)
    for (int one_sign = 0; one_sign < 2; one_sign++) measure_error(summands[i], one_sign);
}

/* The most summands of the largest possible value do not overflow. */
static void test_headroom(void **state) {
  (void)state;
  const int64_t ends[] = {0, 2}, most = INT64_C(1) << 21;
  for (int64_t summands = 1; summands <= most; summands = summands * 8 - 1) {
    struct fixed_layout layout = {1, ends, summands};
    const double largest[] = {1.0 - 0x1p-53, -(1.0 - 0x1p-53)};
    int32_t exponent = 0;
    int64_t sum[4] = {0};
    for (int64_t i = 0; i < summands; i++) fixed_add_f64(&layout, &exponent, largest, sum);
    double value[2];
    assert_ok(fixed_values_f64(&layout, &exponent, sum, value));
    assert_true(fabs(value[0] - (double)summands) < 1e-9 * (double)summands && value[1] == -value[0]);
  }
}

static void test_single_blocks_round_trip(void **state) {
  (void)state;
  /* One block of f32, tight exponents, no headroom: all 24 bits of values within 2^38 of the largest survive. */
  struct fixed_layout layout = layout_for(1);
  struct rng rng = rng_stream(4, RNG_TEST, 0, 0);
  for (int trial = 0; trial < 100; trial++) {
    double value[TOTAL];
    float single[TOTAL], back[TOTAL];
    draw_block(&rng, value);
    for (int i = 0; i < TOTAL; i++) single[i] = (float)value[i];
    single[3] = 0.0f;
    int32_t exponent[TENSORS];
    start_exponents(exponent, TENSORS);
    fixed_exponents_f32(&layout, single, exponent);
    int64_t sum[WORDS] = {0};
    fixed_add_f32(&layout, exponent, single, sum);
    assert_ok(fixed_values_f32(&layout, exponent, sum, back));
    for (int i = 0; i < TOTAL; i++) {
      int t = 0;
      while (i >= offsets[t + 1]) t++;
      if (single[i] == 0.0f || ilogbf(single[i]) > exponent[t] - 38)
        assert_true(back[i] == single[i]);
      else
        assert_true(fabs((double)back[i] - (double)single[i]) <= ldexp(0.51, exponent[t] - 62));
    }
  }
}

/* Results in and below the subnormal range are rounded once:
 * against IEEE addition of two summands, and against an integer oracle. */
static void test_subnormal_results(void **state) {
  (void)state;
  const int64_t ends[] = {0, 1};
  struct fixed_layout layout = {1, ends, 2};
  struct rng rng = rng_stream(5, RNG_TEST, 0, 0);
  for (int trial = 0; trial < 50000; trial++) {
    int32_t exponent = FIXED_EXPONENT_ZERO;
    double a = ldexp((double)rng_below(&rng, 4000) - 2000.0, -1074), b = ldexp(rng_uniform(&rng) - 0.5, -1050), back;
    fixed_exponents_f64(&layout, &a, &exponent), fixed_exponents_f64(&layout, &b, &exponent);
    int64_t sum[3] = {0};
    fixed_add_f64(&layout, &exponent, &a, sum), fixed_add_f64(&layout, &exponent, &b, sum);
    assert_ok(fixed_values_f64(&layout, &exponent, sum, &back));
    assert_true(back == a + b);

    exponent = FIXED_EXPONENT_ZERO;
    float f = (float)ldexp((double)rng_below(&rng, 4000) - 2000.0, -149),
          g = (float)ldexp(rng_uniform(&rng) - 0.5, -125);
    float single;
    fixed_exponents_f32(&layout, &f, &exponent), fixed_exponents_f32(&layout, &g, &exponent);
    memset(sum, 0, sizeof sum);
    fixed_add_f32(&layout, &exponent, &f, sum), fixed_add_f32(&layout, &exponent, &g, sum);
    assert_ok(fixed_values_f32(&layout, &exponent, sum, &single));
    assert_true(single == f + g);

    /* Any integer at any place around the smallest numbers,
     * rounded by the x87's or software's long double to an integer count. */
    if (LDBL_MANT_DIG < 64) continue;
    int64_t any[3] = {(int64_t)(rng_u64(&rng) >> (2 + rng_below(&rng, 62))), 0, 0};
    if (trial % 2) any[0] = -any[0];
    int32_t place = -1074 + (int32_t)rng_below(&rng, 70);
    assert_ok(fixed_values_f64(&layout, &place, any, &back));
    long double wanted = ldexpl((long double)any[0], place - 61 + 1074);
    if (fabsl(wanted) < 0x1p+52L)
      assert_true(back == ldexp((double)rintl(wanted), -1074));
    else
      assert_true(back == ldexp((double)any[0], place - 61));
    place = -149 + (int32_t)rng_below(&rng, 70);
    assert_ok(fixed_values_f32(&layout, &place, any, &single));
    wanted = ldexpl((long double)any[0], place - 61 + 149);
    if (fabsl(wanted) < 0x1p+23L)
      assert_true(single == ldexpf((float)rintl(wanted), -149));
    else
      assert_true(single == ldexpf((float)any[0], place - 61));
  }
}

static void expect_rejected(const double *value, const int32_t *exponent, int64_t nonfinite, int64_t beyond,
                            int tensor) {
  struct fixed_layout layout = layout_for(4);
  int64_t sum[WORDS] = {0};
  fixed_add_f64(&layout, exponent, value, sum);
  for (int t = 0; t < TENSORS; t++) {
    assert_int_equal(t == tensor ? nonfinite : 0, sum[TOTAL + 2 * t]);
    assert_int_equal(t == tensor ? beyond : 0, sum[TOTAL + 2 * t + 1]);
  }
  float single[TOTAL], out[TOTAL];
  for (int i = 0; i < TOTAL; i++) single[i] = (float)value[i];
  int64_t same[WORDS] = {0};
  fixed_add_f32(&layout, exponent, single, same);
  assert_memory_equal(sum + TOTAL, same + TOTAL, 2 * TENSORS * sizeof sum[0]);

  double untouched[TOTAL];
  for (int i = 0; i < TOTAL; i++) untouched[i] = 123.0, out[i] = 123.0f;
  assert_status(STATUS_NUMERIC, fixed_values_f64(&layout, exponent, sum, untouched));
  assert_status(STATUS_NUMERIC, fixed_values_f32(&layout, exponent, sum, out));
  for (int i = 0; i < TOTAL; i++) assert_true(untouched[i] == 123.0 && out[i] == 123.0f);
  char name[32];
  snprintf(name, sizeof name, "tensor %d", tensor);
  assert_non_null(strstr(status_message(), name));
}

static void test_rejected_values_are_counted(void **state) {
  (void)state;
  struct fixed_layout layout = layout_for(4);
  struct rng rng = rng_stream(6, RNG_TEST, 0, 0);
  double value[TOTAL], changed[TOTAL];
  int32_t exponent[TENSORS];
  draw_block(&rng, value);
  for (int i = 0; i < TOTAL; i++) value[i] = (double)(float)value[i];
  start_exponents(exponent, TENSORS);
  fixed_exponents_f64(&layout, value, exponent);

  memcpy(changed, value, sizeof value);
  changed[10] = (double)NAN, changed[12] = -(double)INFINITY, changed[20] = (double)INFINITY;
  expect_rejected(changed, exponent, 3, 0, 3);
  memcpy(changed, value, sizeof value);
  changed[59] = ldexp(1.0, exponent[7]), changed[58] = -ldexp(1.5, exponent[7]), changed[57] = 1e30;
  expect_rejected(changed, exponent, 0, 3, 7);

  /* Nothing but zeros was announced. */
  exponent[2] = FIXED_EXPONENT_ZERO;
  expect_rejected(value, exponent, 0, 1, 2);
  memcpy(changed, value, sizeof value);
  changed[7] = 0.0;
  int64_t sum[WORDS] = {0};
  fixed_add_f64(&layout, exponent, changed, sum);
  double out[TOTAL];
  assert_ok(fixed_values_f64(&layout, exponent, sum, out));
  assert_true(out[7] == 0.0);

  /* A non-finite exponent is a failure even where the count got lost. */
  exponent[2] = FIXED_EXPONENT_NONFINITE;
  assert_status(STATUS_NUMERIC, fixed_values_f64(&layout, exponent, sum, out));
}

/* What is rejected in one place changes nothing elsewhere. */
static void test_rejected_values_add_nothing(void **state) {
  (void)state;
  struct fixed_layout layout = layout_for(4);
  struct rng rng = rng_stream(7, RNG_TEST, 0, 0);
  double value[TOTAL];
  int32_t exponent[TENSORS];
  draw_block(&rng, value);
  start_exponents(exponent, TENSORS);
  fixed_exponents_f64(&layout, value, exponent);
  int64_t expected[WORDS] = {0}, sum[WORDS] = {0};
  value[40] = 0.0;
  fixed_add_f64(&layout, exponent, value, expected);
  value[40] = (double)NAN;
  fixed_add_f64(&layout, exponent, value, sum);
  assert_memory_equal(expected, sum, TOTAL * sizeof sum[0]);
}

static void test_empty(void **state) {
  (void)state;
  struct fixed_layout none = {0, (const int64_t[]){0}, 1}, hollow = {2, (const int64_t[]){0, 0, 0}, 1};
  int32_t exponent[2];
  int64_t sum[4] = {0};
  start_exponents(exponent, 2);
  assert_int_equal(0, fixed_words(&none));
  assert_int_equal(4, fixed_words(&hollow));
  fixed_exponents_f64(&hollow, NULL, exponent);
  assert_int_equal(FIXED_EXPONENT_ZERO, exponent[1]);
  fixed_add_f64(&hollow, exponent, NULL, sum);
  assert_ok(fixed_values_f64(&hollow, exponent, sum, NULL));
  fixed_add_f32(&none, exponent, NULL, sum);
  assert_ok(fixed_values_f32(&none, exponent, sum, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_check),
                                     cmocka_unit_test(test_exponents),
                                     cmocka_unit_test(test_rounding),
                                     cmocka_unit_test(test_order_and_grouping),
                                     cmocka_unit_test(test_error),
                                     cmocka_unit_test(test_headroom),
                                     cmocka_unit_test(test_single_blocks_round_trip),
                                     cmocka_unit_test(test_subnormal_results),
                                     cmocka_unit_test(test_rejected_values_are_counted),
                                     cmocka_unit_test(test_rejected_values_add_nothing),
                                     cmocka_unit_test(test_empty)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
