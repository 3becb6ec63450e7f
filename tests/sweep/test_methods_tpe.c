/* The tree-structured Parzen estimator: what it finds beside random search. Argument: how many seeds. */
#include "functions.h"

#include "sweep/pareto.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int seeds = 3;
static struct minimisation run;

static void branin(const double *point, double *value) { value[0] = function_branin(point); }
static void hartmann(const double *point, double *value) { value[0] = function_hartmann(point); }
static void sphere(const double *point, double *value) { value[0] = function_sphere(point); }

static struct space space_of_branin(void) {
  struct space space = function_space(2, -5, 10);
  space.parameter[1].distribution.least = 0;
  space.parameter[1].distribution.most = 15;
  return space;
}

/* Two choices, one of which has a learning rate of its own; a whole number; a constant. */
static struct space space_of_all(void) {
  static const double first[1] = {0}, second[1] = {1};
  struct space space = function_space(6, 0, 1);
  space.parameter[0].distribution = (struct distribution){.kind = DISTRIBUTION_CATEGORICAL, .count = 3};
  space.parameter[1].distribution =
      (struct distribution){.kind = DISTRIBUTION_LOG_UNIFORM_VALUES, .least = 1e-5, .most = 1e-1};
  space.parameter[2].distribution = (struct distribution){.kind = DISTRIBUTION_INT_UNIFORM, .least = 1, .most = 12};
  space.parameter[3].distribution = (struct distribution){.kind = DISTRIBUTION_CONSTANT, .count = 1};
  space.parameter[4].distribution =
      (struct distribution){.kind = DISTRIBUTION_Q_NORMAL, .mu = 0, .sigma = 2, .q = 0.5};
  space.parameter[1].condition[0] = (struct space_condition){.parameter = 0, .count = 1, .value = second};
  space.parameter[1].conditions = 1;
  space.parameter[5].condition[0] = (struct space_condition){.parameter = 0, .count = 1, .value = first};
  space.parameter[5].conditions = 1;
  return space;
}

/* Least value 0: the second choice, at a learning rate of 1e-3, 5, and 1. */
static void mixed(const double *x, double *value) {
  double sum = x[0] == 1 ? 0 : 1 + x[0];
  if (x[0] == 1) sum += (elementary_log(x[1]) + 6.907755) * (elementary_log(x[1]) + 6.907755) / 4;
  if (x[0] == 0) sum += x[5];
  value[0] = sum + (x[2] - 5) * (x[2] - 5) / 10 + (x[4] - 1) * (x[4] - 1) / 4;
}

static double median_best(const struct method_kind *method, const struct space *space, function_of *function,
                          int64_t budget, int64_t window) {
  double best[64] = {0};
  for (int s = 0; s < seeds; s++) {
    const struct method_task task = {.space = space, .seed = (uint64_t)s + 1, .metrics = 1};
    function_minimise(method, &task, function, budget, window, &run);
    best[s] = function_best(&run, 1);
  }
  return function_median(best, seeds);
}

static void compare(const char *name, const struct space *space, function_of *function, int64_t budget, double least) {
  const double random = median_best(&method_random, space, function, budget, 1) - least;
  const double alone = median_best(&method_tpe, space, function, budget, 1) - least;
  const double wide = median_best(&method_tpe, space, function, budget, 16) - least;
  printf("  %-8s %lld: above the least value random %.5f, tpe %.5f, of a window of 16 %.5f (medians of %d)\n", name,
         (long long)budget, random, alone, wide, seeds);
  assert_true(alone < random && wide < random);
}

static void test_branin(void **state) {
  (void)state;
  const struct space space = space_of_branin();
  compare("branin", &space, branin, 100, 0.397887);
}

static void test_hartmann(void **state) {
  (void)state;
  const struct space space = function_space(6, 0, 1);
  compare("hartmann", &space, hartmann, 100, -3.32237);
}

static void test_sphere(void **state) {
  (void)state;
  const struct space space = function_space(20, -5, 5);
  compare("sphere", &space, sphere, 200, 0);
}

static void test_mixed(void **state) {
  (void)state;
  const struct space space = space_of_all();
  compare("mixed", &space, mixed, 100, 0);
}

int main(int count, char **word) {
  if (count > 1) seeds = atoi(word[1]);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_branin), cmocka_unit_test(test_hartmann),
                                     cmocka_unit_test(test_sphere), cmocka_unit_test(test_mixed)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
