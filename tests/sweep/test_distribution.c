/* Distributions: published quantiles, ends, order, rounding to multiples, and what grid goes through. SciPy is the peer
 * of all values (test_scipy.sh). */
#include "base/elementary.h"
#include "base/rng.h"
#include "sweep/distribution.h"
#include "testing.h"

#include <stdio.h>
#include <string.h>

static const double lowest = 0x1p-53, highest = 1.0 - 0x1p-53;

static void assert_near(double value, double want, double relative) {
  if (!(fabs(value - want) <= relative * fabs(want))) fail_msg("%.17g, expected %.17g", value, want);
}

/* Equal, and no -0 in place of 0. */
static void assert_same(double value, double want) {
  if (elementary_bits(value) != elementary_bits(want)) fail_msg("%.17g, expected %.17g", value, want);
}

static void test_names(void **state) {
  (void)state;
  int quantised = 0, choices = 0;
  for (int k = 0; k < DISTRIBUTION_COUNT; k++) {
    enum distribution_kind kind = (enum distribution_kind)k;
    assert_int_equal(distribution_is_quantised(kind), strncmp(distribution_name(kind), "q_", 2) == 0);
    quantised += distribution_is_quantised(kind);
    choices += distribution_is_choice(kind);
  }
  assert_int_equal(DISTRIBUTION_COUNT, 18);
  assert_int_equal(quantised, 6);
  assert_int_equal(choices, 3);
  assert_string_equal(distribution_name(DISTRIBUTION_INV_LOG_UNIFORM_VALUES), "inv_log_uniform_values");
  assert_null(distribution_name(DISTRIBUTION_COUNT));
}

/* The values of Wichura's paper, and the far tail. */
static void test_normal(void **state) {
  (void)state;
  assert_near(distribution_normal(0.25), -0.6744897501960817, 1e-15);
  assert_near(distribution_normal(0.001), -3.090232306167814, 1e-15);
  assert_near(distribution_normal(1e-20), -9.262340089798408, 1e-15);
  assert_near(distribution_normal(0.975), 1.959963984540054, 1e-15);
  assert_same(distribution_normal(0.5), 0.0);
  for (int i = 1; i < 1000; i++) {
    double u = i * 0x1p-10;
    assert_same(distribution_normal(u) + 0.0, 0.0 - distribution_normal(1.0 - u) + 0.0);
  }
  const double outside[] = {0.0, 1.0, -0.5, 1.5, (double)NAN};
  for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
    assert_true(isnan(distribution_normal(outside[i])));
    assert_true(isnan(distribution_beta(2, 3, outside[i])));
  }
}

/* Closed forms: Beta(a, 1) is u^(1/a), Beta(1, b) is 1 - (1-u)^(1/b), Beta(1/2, 1/2) the arcsine distribution, and
 * Beta(2, 2) a cubic. */
static void test_beta(void **state) {
  (void)state;
  const double shapes[] = {0.02, 0.5, 1.0, 2.0, 7.5, 10.0, 300.0};
  for (int i = 1; i < 100; i++) {
    double u = i / 100.0;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
      assert_near(distribution_beta(shapes[s], 1.0, u), pow(u, 1.0 / shapes[s]), 2e-12);
      assert_near(distribution_beta(1.0, shapes[s], u), -expm1(log1p(-u) / shapes[s]), 2e-12);
    }
    double sine = sin(0.5 * 3.14159265358979323846 * u);
    assert_near(distribution_beta(0.5, 0.5, u), sine * sine, 1e-13);
    double x = distribution_beta(2.0, 2.0, u);
    assert_near(x * x * (3.0 - 2.0 * x), u, 1e-13);
  }
  assert_near(distribution_beta(3.0, 3.0, 0.5), 0.5, 1e-15);
  assert_near(distribution_beta(100.0, 1.0, 1e-20), 0.6309573444801932, 1e-13); /* 10^-0.2: u is far below 1 - (1-u) */
  assert_same(distribution_beta(0.01, 1.0, 1e-15), 0.0);                        /* 1e-1500 */
  assert_same(distribution_beta(1.0, 0.01, 0.99), 1.0);                         /* 1 - 1e-200 */
}

/* A case of each of the kinds, with ends that must not be passed; NaN: has none. */
static const double probability[] = {0.0, 0.25, 0.0, 0.75, 0.0};
static const struct {
  struct distribution distribution;
  double first, last; /* at the lowest and at the highest u */
  int64_t values;
} cases[] = {
    {{.kind = DISTRIBUTION_CONSTANT, .count = 1}, 0, 0, 1},
    {{.kind = DISTRIBUTION_CATEGORICAL, .count = 10000}, 0, 9999, 10000},
    {{.kind = DISTRIBUTION_CATEGORICAL_W_PROBABILITIES, .count = 5, .probability = probability}, 1, 3, 5},
    {{.kind = DISTRIBUTION_INT_UNIFORM, .least = -2, .most = 5}, -2, 5, 8},
    {{.kind = DISTRIBUTION_INT_UNIFORM, .least = 7, .most = 7}, 7, 7, 1},
    {{.kind = DISTRIBUTION_INT_UNIFORM, .least = -0x1p52, .most = 0x1p52 - 1}, -0x1p52, 0x1p52 - 1, INT64_C(1) << 53},
    {{.kind = DISTRIBUTION_INT_UNIFORM, .least = 0, .most = 0x1p53}, (double)NAN, (double)NAN, -1},
    {{.kind = DISTRIBUTION_INT_UNIFORM, .least = -0x1p53, .most = 0x1p53}, (double)NAN, (double)NAN, -1},
    {{.kind = DISTRIBUTION_UNIFORM, .least = 0.1, .most = 0.3}, 0.1, 0.3, -1},
    {{.kind = DISTRIBUTION_UNIFORM, .least = 0.1, .most = 0.1}, 0.1, 0.1, 1},
    {{.kind = DISTRIBUTION_UNIFORM, .least = -1.7e308, .most = 1.7e308}, -1.7e308, 1.7e308, -1},
    {{.kind = DISTRIBUTION_Q_UNIFORM, .least = -1, .most = 1, .q = 0.25}, -1, 1, 9},
    {{.kind = DISTRIBUTION_Q_UNIFORM, .least = 3, .most = 13, .q = 4}, 4, 12, 3},
    {{.kind = DISTRIBUTION_Q_UNIFORM, .least = 0, .most = 1e30, .q = 1}, (double)NAN, 1e30, -1},
    {{.kind = DISTRIBUTION_LOG_UNIFORM, .least = 0, .most = 2}, 1, 7.38905609893065, -1},
    {{.kind = DISTRIBUTION_LOG_UNIFORM_VALUES, .least = 1e-5, .most = 0.1}, 1e-5, 0.1, -1},
    {{.kind = DISTRIBUTION_Q_LOG_UNIFORM, .least = 0, .most = 3, .q = 5}, 0, 20, 5},
    {{.kind = DISTRIBUTION_Q_LOG_UNIFORM_VALUES, .least = 8, .most = 1024, .q = 8}, 8, 1024, 128},
    {{.kind = DISTRIBUTION_INV_LOG_UNIFORM, .least = -1, .most = 2}, 0.1353352832366127, 2.718281828459045, -1},
    {{.kind = DISTRIBUTION_INV_LOG_UNIFORM_VALUES, .least = 0.9, .most = 0.999}, 0.9, 0.999, -1},
    {{.kind = DISTRIBUTION_NORMAL, .mu = 1, .sigma = 2}, (double)NAN, (double)NAN, -1},
    {{.kind = DISTRIBUTION_Q_NORMAL, .mu = 1, .sigma = 2, .q = 3}, -15, 18, -1},
    {{.kind = DISTRIBUTION_LOG_NORMAL, .mu = 1, .sigma = 2}, (double)NAN, (double)NAN, -1},
    {{.kind = DISTRIBUTION_Q_LOG_NORMAL, .mu = 1, .sigma = 1, .q = 100}, 0, 10000, -1},
    {{.kind = DISTRIBUTION_BETA, .a = 2, .b = 3}, (double)NAN, (double)NAN, -1},
    {{.kind = DISTRIBUTION_Q_BETA, .a = 2, .b = 3, .q = 0.1}, 0, 1, 11},
};
enum { CASES = sizeof cases / sizeof *cases };

/* From the lowest to the highest u: the ends as they should be, ascending, never beyond them. */
static void test_order(void **state) {
  (void)state;
  bool seen[DISTRIBUTION_COUNT] = {false};
  for (int c = 0; c < CASES; c++) {
    const struct distribution *distribution = &cases[c].distribution;
    const double first = distribution_quantile(distribution, lowest),
                 last = distribution_quantile(distribution, highest);
    seen[distribution->kind] = true;
    if (!isnan(cases[c].first)) assert_near(first, cases[c].first, 1e-12);
    if (!isnan(cases[c].last)) assert_near(last, cases[c].last, 1e-12);
    double before = first;
    for (int i = 1; i < 4096; i++) {
      double value = distribution_quantile(distribution, i / 4096.0);
      if (!(value >= before)) fail_msg("%s: %.17g after %.17g", distribution_name(distribution->kind), value, before);
      before = value;
    }
    assert_true(before <= last);
  }
  for (int k = 0; k < DISTRIBUTION_COUNT; k++) assert_true(seen[k]);
}

/* Bounds that are values are never passed, though ln and exp of one may round to beyond it. */
static void test_bounds(void **state) {
  (void)state;
  struct rng rng = rng_stream(1, RNG_TEST, 0, 0);
  for (int i = 0; i < 20000; i++) {
    double least = elementary_exp(20.0 * rng_uniform(&rng) - 15.0) * rng_uniform(&rng);
    double most = least * (1.0 + 3.0 * rng_uniform(&rng));
    struct distribution d = {.kind = DISTRIBUTION_LOG_UNIFORM_VALUES, .least = least, .most = most};
    assert_true(distribution_quantile(&d, lowest) >= least && distribution_quantile(&d, highest) <= most);
    d.kind = DISTRIBUTION_UNIFORM;
    assert_true(distribution_quantile(&d, lowest) >= least && distribution_quantile(&d, highest) <= most);
  }
}

/* numpy's round(x / q) q: halves to even. */
static void test_halves(void **state) {
  (void)state;
  struct distribution d = {.kind = DISTRIBUTION_Q_UNIFORM, .least = 0, .most = 8, .q = 2};
  const double want[] = {0, 4, 4, 8}; /* of 1, 3, 5, 7 */
  for (int i = 0; i < 4; i++) assert_same(distribution_quantile(&d, (2 * i + 1) / 8.0), want[i]);
  d = (struct distribution){.kind = DISTRIBUTION_Q_UNIFORM, .least = -1, .most = 1, .q = 4};
  assert_same(distribution_quantile(&d, 0.25), 0.0); /* not -0 */
  d = (struct distribution){.kind = DISTRIBUTION_INT_UNIFORM, .least = -1, .most = 1};
  assert_same(distribution_quantile(&d, 0.5), 0.0);
}

/* floor(u n) of the exact product: just below k / n it is k - 1, though u n rounds to k. */
static void test_whole(void **state) {
  (void)state;
  int rounded = 0;
  for (int n = 2; n < 2000; n++) {
    struct distribution d = {.kind = DISTRIBUTION_INT_UNIFORM, .least = 0, .most = n - 1};
    for (int k = 1; k < n; k += 1 + n / 7) {
      int exponent;
      double u = nextafter((double)k / n, 0.0);
      uint64_t product = (uint64_t)ldexp(frexp(u, &exponent), 53) * (uint64_t)n, floored = product >> (53 - exponent);
      assert_same(distribution_quantile(&d, u), (double)floored);
      rounded += floor(u * n) != (double)floored;
    }
  }
  assert_true(rounded > 100); /* the plain product would have been wrong */
}

/* Shares of choices in many draws, and none of probability 0. */
static void test_probabilities(void **state) {
  (void)state;
  enum { DRAWS = 100000 };
  const struct distribution d = {
      .kind = DISTRIBUTION_CATEGORICAL_W_PROBABILITIES, .count = 5, .probability = probability};
  int seen[5] = {0};
  for (int i = 0; i < DRAWS; i++) seen[(int)distribution_quantile(&d, (i + 0.5) / DRAWS)]++;
  for (int c = 0; c < 5; c++) assert_int_equal(seen[c], (int)(probability[c] * DRAWS));
  /* A sum that ends below 1 by rounding: what is above it falls to the last that can come. */
  const double tenths[] = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0};
  const struct distribution ten = {
      .kind = DISTRIBUTION_CATEGORICAL_W_PROBABILITIES, .count = 11, .probability = tenths};
  assert_same(distribution_quantile(&ten, highest), 9.0);
}

/* The values that grid goes through ascend, and are those that come: all of them, but for choices of probability 0. */
static void test_values(void **state) {
  (void)state;
  for (int c = 0; c < CASES; c++) {
    const struct distribution *distribution = &cases[c].distribution;
    assert_int_equal(distribution_values(distribution), cases[c].values);
    if (cases[c].values < 0 || cases[c].values > 10000) continue;
    int64_t at = 0, passed = 0;
    for (int64_t i = 1; i < cases[c].values; i++)
      assert_true(distribution_value(distribution, i) > distribution_value(distribution, i - 1));
    for (int i = 0; i <= 40000; i++) {
      double value = distribution_quantile(distribution, i == 0 ? lowest : i == 40000 ? highest : i / 40000.0);
      int64_t before = at;
      while (at < cases[c].values && distribution_value(distribution, at) != value) at++;
      assert_true(at < cases[c].values);
      if (at > before + (i > 0)) passed += at - before - (i > 0);
    }
    passed += cases[c].values - 1 - at;
    assert_int_equal(passed, distribution->probability ? 3 : 0);
  }
}

/* Back to where a value came from: exactly its middle for choices and whole numbers, to rounding for the others. */
static void test_coordinate(void **state) {
  (void)state;
  const struct distribution six = {.kind = DISTRIBUTION_INT_UNIFORM, .least = 3, .most = 8};
  for (int i = 0; i < 6; i++) assert_near(distribution_coordinate(&six, 3 + i), (i + 0.5) / 6, 1e-12);
  assert_near(distribution_coordinate(&six, 4.5), 2.0 / 6, 1e-12); /* a jump */
  assert_near(distribution_coordinate(&six, 2), lowest, 1e-12);
  assert_near(distribution_coordinate(&six, 9), highest, 1e-12);
  assert_true(isnan(distribution_coordinate(&six, (double)NAN)));
  const double weights[] = {0.25, 0.0, 0.75};
  const struct distribution choice = {
      .kind = DISTRIBUTION_CATEGORICAL_W_PROBABILITIES, .count = 3, .probability = weights};
  assert_near(distribution_coordinate(&choice, 0), 0.125, 1e-12);
  assert_near(distribution_coordinate(&choice, 1), 0.25, 1e-12);
  assert_near(distribution_coordinate(&choice, 2), 0.625, 1e-12);
  const struct distribution reals[] = {
      {.kind = DISTRIBUTION_UNIFORM, .least = -2, .most = 5},
      {.kind = DISTRIBUTION_LOG_UNIFORM_VALUES, .least = 1e-6, .most = 10},
      {.kind = DISTRIBUTION_NORMAL, .mu = 1, .sigma = 3},
      {.kind = DISTRIBUTION_BETA, .a = 2, .b = 0.7},
  };
  for (size_t k = 0; k < sizeof reals / sizeof *reals; k++)
    for (int i = 1; i < 20; i++) {
      const double u = i / 20.0;
      assert_near(distribution_coordinate(&reals[k], distribution_quantile(&reals[k], u)), u, 1e-10);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_names),         cmocka_unit_test(test_normal),
                                     cmocka_unit_test(test_beta),          cmocka_unit_test(test_coordinate),
                                     cmocka_unit_test(test_order),         cmocka_unit_test(test_bounds),
                                     cmocka_unit_test(test_halves),        cmocka_unit_test(test_whole),
                                     cmocka_unit_test(test_probabilities), cmocka_unit_test(test_values)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
