/* Statistics of few numbers: answers known by hand, coverage of what is drawn, and SciPy's answers. */
#include "analysis/report/statistics.h"
#include "base/rng.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>

static const char *peer; /* tests/peer/statistics_scipy.py */

static void assert_near(double value, double expected, double tolerance) {
  if (!(fabs(value - expected) <= tolerance)) fail_msg("%.15g is not %.15g +- %g", value, expected, tolerance);
}

/* Tables of Student's t, to their last digit. */
static void test_student(void **state) {
  (void)state;
  assert_near(statistics_t_quantile(0.025, 1), 12.7062047362, 1e-9);
  assert_near(statistics_t_quantile(0.025, 2), 4.30265272975, 1e-10);
  assert_near(statistics_t_quantile(0.05, 2), 2.91998558036, 1e-10);
  assert_near(statistics_t_quantile(0.975, 2), -4.30265272975, 1e-10);
  assert_near(statistics_t_quantile(0.025, INFINITY), 1.95996398454, 1e-10);
  assert_near(statistics_t_tail(0, 3), 0.5, 1e-15);
  assert_near(statistics_t_tail(1, 1), 0.25, 1e-15);
  assert_near(statistics_t_tail(INFINITY, 4), 0, 0);
  assert_true(isnan(statistics_t_tail(NAN, 4)) && isnan(statistics_t_tail(1, 0)));
}

static void test_means(void **state) {
  (void)state;
  const double value[] = {1, 2, 3, 6}, same[] = {2, 2, 2};
  const struct statistics_mean mean = statistics_mean_of(value, 4), one = statistics_mean_of(value, 1),
                               none = statistics_mean_of(value, 0), equal = statistics_mean_of(same, 3);
  assert_near(mean.mean, 3, 0);
  assert_near(mean.error, sqrt(14.0 / 3 / 4), 1e-15);
  assert_true(mean.freedom == 3 && mean.count == 4);
  assert_true(one.mean == 1 && isnan(one.error) && isnan(none.mean));
  assert_true(isnan(statistics_below(&one, 5)) && isnan(statistics_interval_of(&one, 0.95).low));
  assert_true(statistics_below(&equal, 3) == 0 && statistics_below(&equal, 1) == 1);
  const struct statistics_mean exact = {10, 0, INFINITY, 1}, apart = statistics_difference(&mean, &exact);
  assert_near(apart.mean, -7, 0);
  assert_near(apart.freedom, 3, 1e-12);
}

static void test_others(void **state) {
  (void)state;
  const double three[] = {-1, -2, -0.5}, mixed[] = {-1, 2, -0.5};
  assert_near(statistics_sign_flip(three, 3), 1.0 / 8, 0);
  assert_near(statistics_sign_flip(mixed, 3), 5.0 / 8, 0); /* .5, and -.5, -1.5, -2.5, -3.5 below it */
  const struct statistics_interval all = statistics_wilson(3, 3, 0.95);
  assert_near(all.low, 0.438502968, 1e-8);
  assert_near(all.high, 1, 1e-12);
  const double p[] = {0.01, 0.04, NAN, 0.03, 0.5};
  double adjusted[5];
  statistics_holm(p, 5, adjusted);
  assert_near(adjusted[0], 0.04, 1e-15);
  assert_near(adjusted[3], 0.09, 1e-15);
  assert_near(adjusted[1], 0.09, 1e-15); /* 2 x .04 is below the one before */
  assert_near(adjusted[4], 0.5, 1e-15);
  assert_true(isnan(adjusted[2]));
}

/* Of three normal numbers the 95% interval holds the true mean 95 times of 100, and a test at 5% is wrong in 5. */
static void test_coverage(void **state) {
  (void)state;
  enum { TIMES = 20000 };
  int held = 0, wrong = 0;
  for (int i = 0; i < TIMES; i++) {
    double value[3];
    struct rng rng = rng_stream(5, RNG_TEST, (uint64_t)i, 0);
    rng_normal(&rng, value, 3);
    for (int k = 0; k < 3; k++) value[k] = 7 + 2 * value[k];
    const struct statistics_mean mean = statistics_mean_of(value, 3);
    const double half = 4.30265272975 * mean.error;
    held += fabs(mean.mean - 7) <= half;
    wrong += statistics_below(&mean, 7) < 0.05;
  }
  assert_near((double)held / TIMES, 0.95, 0.006);
  assert_near((double)wrong / TIMES, 0.05, 0.006);
}

static void ask_numbers(FILE *file, const char *what, const double *value, int count) {
  fputs(what, file);
  for (int i = 0; i < count; i++) fprintf(file, " %.17g", value[i]);
  fputs(" =", file);
}

static void ask(FILE *file, int n) {
  double value[12], p[6], adjusted[6];
  const int count = 3 + n % 9;
  struct rng rng = rng_stream(6, RNG_TEST, (uint64_t)n, 0);
  rng_normal(&rng, value + 1, count);
  for (int i = 0; i < 6; i++) p[i] = rng_uniform(&rng) * rng_uniform(&rng) * (i < 2 ? 0.01 : 1);
  const struct statistics_mean mean = statistics_mean_of(value + 1, count), first = statistics_mean_of(value + 1, 2),
                               rest = statistics_mean_of(value + 3, count - 2);
  ask_numbers(file, "mean", value + 1, count);
  fprintf(file, " %.17g %.17g\n", mean.mean, mean.error);
  value[0] = 0.9;
  const struct statistics_interval interval = statistics_interval_of(&mean, value[0]);
  ask_numbers(file, "interval", value, count + 1);
  fprintf(file, " %.17g %.17g\n", interval.low, interval.high);
  value[0] = 0.3;
  ask_numbers(file, "below", value, count + 1);
  fprintf(file, " %.17g\n", statistics_below(&mean, value[0]));
  ask_numbers(file, "flips", value + 1, count);
  fprintf(file, " %.17g\n", statistics_sign_flip(value + 1, count));
  value[0] = 2;
  if (count > 3) {
    const struct statistics_mean apart = statistics_difference(&first, &rest);
    ask_numbers(file, "difference", value, count + 1);
    fprintf(file, " %.17g\n", 2 * statistics_t_tail(fabs(apart.mean / apart.error), apart.freedom));
  }
  const struct statistics_interval wilson = statistics_wilson(n % (count + 1), count, 0.95);
  fprintf(file, "wilson %d %d 0.95 = %.17g %.17g\n", n % (count + 1), count, wilson.low, wilson.high);
  statistics_holm(p, 6, adjusted);
  ask_numbers(file, "holm", p, 6);
  for (int i = 0; i < 6; i++) fprintf(file, " %.17g", adjusted[i]);
  fputc('\n', file);
}

static void test_peer(void **state) {
  (void)state;
  static const double freedom[] = {0.7, 1, 2, 3.3, 9, 58.5, 1e4}, tail[] = {0.4, 0.05, 1e-3, 1e-9};
  char command[1024];
  double worst;
  FILE *file = fopen("statistics.txt", "w");
  assert_non_null(file);
  for (int n = 0; n < 60; n++) ask(file, n);
  for (int f = 0; f < 7; f++) {
    for (double t = -3; t < 40; t += 2.7)
      fprintf(file, "tail %.17g %.17g = %.17g\n", t, freedom[f], statistics_t_tail(t, freedom[f]));
    for (int i = 0; i < 4; i++)
      fprintf(file, "quantile %.17g %.17g = %.17g\n", tail[i], freedom[f], statistics_t_quantile(tail[i], freedom[f]));
  }
  assert_int_equal(fclose(file), 0);
  snprintf(command, sizeof command, "/usr/bin/python3 '%s' statistics.txt", peer);
  FILE *pipe = popen(command, "r");
  assert_non_null(pipe);
  assert_int_equal(fscanf(pipe, "%lf", &worst), 1);
  assert_int_equal(pclose(pipe), 0);
  assert_near(worst, 0, 1e-11);
}

int main(int argc, char **argv) {
  peer = argc > 1 ? argv[1] : "";
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_student), cmocka_unit_test(test_means),
                                     cmocka_unit_test(test_others), cmocka_unit_test(test_coverage),
                                     cmocka_unit_test(test_peer)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
