/* Exact sums: correctly rounded, whatever the order or grouping, for any finite summands. */
#include "base/exact.h"
#include "base/rng.h"
#include "testing.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { MOST = 600 };

static double sum_exactly(const double *value, int count) {
  struct exact sum;
  exact_clear(&sum);
  for (int i = 0; i < count; i++) exact_add(&sum, value[i]);
  return exact_value(&sum);
}

/* The oracle: Shewchuk's non-overlapping expansion, rounded as Python's fsum does. Independent of exact.c; it needs
 * every partial sum to be finite, and is exact for subnormals too, since sums of doubles never underflow. */
static double sum_by_expansion(const double *value, int count) {
  double part[MOST];
  int parts = 0;
  for (int i = 0; i < count; i++) {
    double x = value[i];
    int kept = 0;
    for (int j = 0; j < parts; j++) {
      double y = part[j];
      if (fabs(x) < fabs(y)) {
        double t = x;
        x = y;
        y = t;
      }
      double high = x + y, low = y - (high - x);
      if (low != 0.0) part[kept++] = low;
      x = high;
    }
    part[kept++] = x;
    parts = kept;
  }
  double high = 0.0, low = 0.0;
  while (parts > 0) {
    double x = high, y = part[--parts];
    high = x + y;
    low = y - (high - x);
    if (low != 0.0) break;
  }
  /* A tie that a smaller part breaks. */
  if (parts > 0 && ((low < 0.0 && part[parts - 1] < 0.0) || (low > 0.0 && part[parts - 1] > 0.0))) {
    double y = low * 2.0, x = high + y;
    if (y == x - high) high = x;
  }
  return high;
}

static double draw(struct rng *rng, int lowest, int highest) {
  double size = ldexp(1.0 + rng_uniform(rng), lowest + (int)rng_below(rng, (uint64_t)(highest - lowest)));
  return rng_below(rng, 2) ? size : -size;
}

static void assert_same(double expected, double got) {
  if (memcmp(&expected, &got, sizeof got) != 0) fail_msg("expected %a, got %a", expected, got);
}

static void test_one_value_is_itself(void **state) {
  (void)state;
  const double values[] = {0.0,
                           1.0,
                           -1.0,
                           5e-324,
                           -5e-324,
                           1.5e-323,
                           DBL_MIN,
                           DBL_MAX,
                           -DBL_MAX,
                           0x1p-31,
                           0x1p+971,
                           1.0 / 3,
                           1e-30,
                           1e30,
                           0x1p-33,
                           DBL_MIN * 1.5,
                           0x1p-53,
                           0x1.8p-1070,
                           0x1p1023,
                           0x1.fffffffffffffp-1022,
                           0x0.fffffffffffffp-1022};
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) assert_same(values[i], sum_exactly(&values[i], 1));
  struct rng rng = rng_stream(1, RNG_TEST, 0, 0);
  for (int i = 0; i < 100000; i++) {
    double x = draw(&rng, -1074, 1023);
    assert_same(x, sum_exactly(&x, 1));
  }
}

static void test_zero_is_positive(void **state) {
  (void)state;
  assert_same(0.0, sum_exactly(NULL, 0));
  assert_same(0.0, sum_exactly((const double[]){-0.0, -0.0}, 2));
  assert_same(0.0, sum_exactly((const double[]){-1e300, 1e300}, 2));
}

/* Against the oracle, over narrow and wide ranges, subnormals, and with cancellation. */
static void test_correctly_rounded(void **state) {
  (void)state;
  static const int ranges[][2] = {{-100, 100}, {-3, 3},     {-1074, -1000}, {-1074, 1010},
                                  {-60, 60},   {950, 1010}, {-1030, -960}};
  struct rng rng = rng_stream(2, RNG_TEST, 0, 0);
  for (int trial = 0; trial < 7000; trial++) {
    double value[MOST];
    int count = 1 + (int)rng_below(&rng, trial % 10 == 0 ? 200 : 12), all = 0;
    const int *range = ranges[trial % 7];
    for (int i = 0; i < count; i++) value[all++] = draw(&rng, range[0], range[1]);
    if (trial % 2) /* cancel most of it */
      for (int i = 1; i < count; i++) value[all++] = -value[i];
    assert_same(sum_by_expansion(value, all), sum_exactly(value, all));
  }
}

/* Two summands: IEEE addition is the oracle, ties and subnormal results included. */
static void test_pairs_round_as_ieee(void **state) {
  (void)state;
  struct rng rng = rng_stream(3, RNG_TEST, 0, 0);
  for (int trial = 0; trial < 200000; trial++) {
    double a = draw(&rng, -1074, 1024), b = ldexp(trial % 2 ? floor(a / 7.0) : 1.0 + rng_uniform(&rng), -53);
    if (trial % 3 == 0) b = ldexp(draw(&rng, 0, 1), ilogb(a) - (int)rng_below(&rng, 60));
    if (trial % 5 == 0) b = copysign(ldexp(1.0, ilogb(a) - 53), b); /* half a unit in the last place */
    const double pair[] = {a, b};
    double expected = a + b;
    assert_same(expected == 0.0 ? 0.0 : expected, sum_exactly(pair, 2));
  }
}

static void test_ties_and_sticky_bits(void **state) {
  (void)state;
  const double half = 0x1p-53, least = 5e-324;
  assert_same(1.0, sum_exactly((const double[]){1.0, half}, 2));
  assert_same(1.0 + 0x1p-51, sum_exactly((const double[]){1.0 + 0x1p-52, half}, 2));
  assert_same(1.0 + 0x1p-52, sum_exactly((const double[]){1.0, half, least}, 3));
  assert_same(1.0, sum_exactly((const double[]){1.0, half, -least}, 3));
  assert_same(-1.0 - 0x1p-52, sum_exactly((const double[]){-1.0, -half, -least}, 3));
  assert_same(-1.0, sum_exactly((const double[]){-1.0, -half, least}, 3));
  assert_same(2.0, sum_exactly((const double[]){2.0 - 0x1p-52, half}, 2)); /* carries into the next binade */
}

static void test_catastrophic_cancellation(void **state) {
  (void)state;
  assert_same(1.0, sum_exactly((const double[]){1e30, 1.0, -1e30}, 3));
  assert_same(5e-324, sum_exactly((const double[]){DBL_MAX, 5e-324, -DBL_MAX}, 3));
  assert_same(1e-30, sum_exactly((const double[]){1e30, 1e-30, 1e16, -1e30, -1e16}, 5));
  assert_same(-0x1p-1000, sum_exactly((const double[]){0x1p1000, -0x1p-1000, -0x1p1000}, 3));
}

static void test_overflow_only_of_the_result(void **state) {
  (void)state;
  assert_same(DBL_MAX, sum_exactly((const double[]){DBL_MAX, DBL_MAX, -DBL_MAX}, 3));
  assert_same((double)INFINITY, sum_exactly((const double[]){DBL_MAX, DBL_MAX}, 2));
  assert_same(-(double)INFINITY, sum_exactly((const double[]){-DBL_MAX, -DBL_MAX}, 2));
  /* Half a unit above DBL_MAX ties to the even 2^1024; just below it rounds down. */
  assert_same((double)INFINITY, sum_exactly((const double[]){DBL_MAX, 0x1p970}, 2));
  assert_same(DBL_MAX, sum_exactly((const double[]){DBL_MAX, 0x1p970, -5e-324}, 3));
  struct exact sum;
  exact_clear(&sum);
  for (int i = 0; i < 100000; i++) exact_add(&sum, -DBL_MAX);
  assert_same(-(double)INFINITY, exact_value(&sum));
  for (int i = 0; i < 99999; i++) exact_add(&sum, DBL_MAX);
  assert_same(-DBL_MAX, exact_value(&sum));
}

static void test_nonfinite(void **state) {
  (void)state;
  const double inf = (double)INFINITY, nan = (double)NAN;
  assert_same(inf, sum_exactly((const double[]){1.0, inf, -DBL_MAX}, 3));
  assert_same(-inf, sum_exactly((const double[]){-inf, 1.0, -inf}, 3));
  assert_true(isnan(sum_exactly((const double[]){inf, 0.0, -inf}, 3)));
  assert_true(isnan(sum_exactly((const double[]){1.0, nan}, 2)));
  assert_true(isnan(sum_exactly((const double[]){inf, -nan}, 2)));
  struct exact a, b;
  exact_clear(&a), exact_clear(&b);
  exact_add(&a, 1.0), exact_add(&b, nan);
  exact_normalize(&b);
  exact_merge(&a, &b);
  assert_true(isnan(exact_value(&a)));
}

/* Magnitudes 1e-30 to 1e30: shuffled, cut into groups, normalised or not, merged in any order: the same words. */
static void test_order_and_grouping(void **state) {
  (void)state;
  enum { N = 500 };
  struct rng rng = rng_stream(4, RNG_TEST, 0, 0);
  double value[N];
  for (int i = 0; i < N; i++) value[i] = draw(&rng, -100, 100);
  struct exact expected;
  exact_clear(&expected);
  for (int i = 0; i < N; i++) exact_add(&expected, value[i]);
  double result = exact_value(&expected);
  assert_same(sum_by_expansion(value, N), result);
  exact_normalize(&expected);
  assert_same(result, exact_value(&expected));
  assert_int_equal(1, expected.word[EXACT_WORDS - 1]); /* counts as one addition when words are added */
  for (int i = 0; i < EXACT_DIGITS - 1; i++) assert_in_range(expected.word[i], 0, UINT32_MAX);

  for (int trial = 0; trial < 300; trial++) {
    for (int i = N - 1; i > 0; i--) {
      int j = (int)rng_below(&rng, (uint64_t)i + 1);
      double t = value[i];
      value[i] = value[j];
      value[j] = t;
    }
    enum { GROUPS = 7 };
    struct exact group[GROUPS];
    int groups = 1 + (int)rng_below(&rng, GROUPS);
    for (int g = 0; g < groups; g++) exact_clear(&group[g]);
    for (int i = 0; i < N; i++) {
      struct exact *into = &group[rng_below(&rng, (uint64_t)groups)];
      exact_add(into, value[i]);
      if (rng_below(&rng, 50) == 0) exact_normalize(into);
    }
    for (int g = 1; g < groups; g++) exact_merge(&group[0], &group[g]);
    exact_normalize(&group[0]);
    assert_memory_equal(expected.word, group[0].word, EXACT_DIGITS * sizeof expected.word[0]);
  }
}

/* Doubling by merging reaches 2^40 summands, far beyond what the digits hold without carries. */
static void test_very_many_summands(void **state) {
  (void)state;
  struct exact sum;
  exact_clear(&sum);
  const double value = -(2.0 - 0x1p-52) * 0x1p-20; /* every digit it touches is full */
  exact_add(&sum, value);
  for (int i = 1; i <= 40; i++) {
    struct exact copy = sum;
    exact_merge(&sum, &copy);
    assert_same(ldexp(value, i), exact_value(&sum));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one_value_is_itself),         cmocka_unit_test(test_zero_is_positive),
      cmocka_unit_test(test_correctly_rounded),           cmocka_unit_test(test_pairs_round_as_ieee),
      cmocka_unit_test(test_ties_and_sticky_bits),        cmocka_unit_test(test_catastrophic_cancellation),
      cmocka_unit_test(test_overflow_only_of_the_result), cmocka_unit_test(test_nonfinite),
      cmocka_unit_test(test_order_and_grouping),          cmocka_unit_test(test_very_many_summands)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
