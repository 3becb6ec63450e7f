/* The tree-structured Parzen estimator: the same bits from the same history, points that are valid whatever results
 * are, what attracts and what repels, its cost, and what it finds beside random search, in the median over seeds.
 * Argument: how many seeds, 3. */
#include "base/rng.h"
#include "functions.h"
#include "learning_checks.h"
#include "sweep/pareto.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SEEDS_MAX = 64 };

static int seeds = 3;
static struct minimisation run;

/* ---- Spaces and functions ---- */

static struct space space_of_branin(void) {
  struct space space = function_space(2, -5, 10);
  space.parameter[1].distribution.least = 0;
  space.parameter[1].distribution.most = 15;
  return space;
}

/* Three choices, of which two have a parameter of their own; whole numbers; a constant; halves without ends. */
static struct space space_of_all(void) {
  static const double first[1] = {0}, second[1] = {1};
  struct space space = function_space(6, 0, 1);
  space.parameter[0].distribution = (struct distribution){.kind = DISTRIBUTION_CATEGORICAL, .count = 3};
  space.parameter[1].distribution =
      (struct distribution){.kind = DISTRIBUTION_LOG_UNIFORM_VALUES, .least = 1e-5, .most = 1e-1};
  space.parameter[2].distribution = (struct distribution){.kind = DISTRIBUTION_INT_UNIFORM, .least = 1, .most = 12};
  space.parameter[3].distribution = (struct distribution){.kind = DISTRIBUTION_CONSTANT, .count = 1};
  space.parameter[4].distribution = (struct distribution){.kind = DISTRIBUTION_Q_NORMAL, .mu = 0, .sigma = 2, .q = 0.5};
  space.parameter[1].condition[0] = (struct space_condition){.parameter = 0, .count = 1, .value = second};
  space.parameter[5].condition[0] = (struct space_condition){.parameter = 0, .count = 1, .value = first};
  space.parameter[1].conditions = space.parameter[5].conditions = 1;
  return space;
}

static void branin(const double *point, double *value) {
  const double u[2] = {(point[0] + 5) / 15, point[1] / 15};
  value[0] = objective_branin(u);
}
static void hartmann(const double *point, double *value) { value[0] = objective_hartmann6(point); }
/* Least value 0. x in -5..5, twenty of them. */
static void sphere(const double *point, double *value) {
  value[0] = 0;
  for (int i = 0; i < 20; i++) value[0] += (point[i] - 1) * (point[i] - 1);
}

/* Least value 0: the second choice, at 1e-3, 5 and 1. */
static void mixed(const double *x, double *value) {
  double sum = x[0] == 1 ? 0 : 1 + x[0];
  if (x[0] == 1) sum += (elementary_log(x[1]) + 6.907755) * (elementary_log(x[1]) + 6.907755) / 4;
  if (x[0] == 0) sum += x[5];
  value[0] = sum + (x[2] - 5) * (x[2] - 5) / 10 + (x[4] - 1) * (x[4] - 1) / 4;
}

/* ZDT1 of five numbers (Zitzler, Deb and Thiele, Evol. Comput. 8, 173-195, 2000): two metrics. */
static void zdt1(const double *x, double *value) {
  const double g = 1 + 9 * (x[1] + x[2] + x[3] + x[4]) / 4;
  value[0] = x[0];
  value[1] = g * (1 - sqrt(x[0] / g));
}

/* DTLZ2 of five numbers (Deb, Thiele, Laumanns and Zitzler, CEC 2002): three metrics. */
static void dtlz2(const double *x, double *value) {
  const double half_pi = 1.57079632679489661923;
  double g = 1;
  for (int i = 2; i < 5; i++) g += (x[i] - 0.5) * (x[i] - 0.5);
  value[0] = g * elementary_cos(x[0] * half_pi) * elementary_cos(x[1] * half_pi);
  value[1] = g * elementary_cos(x[0] * half_pi) * elementary_sin(x[1] * half_pi);
  value[2] = g * elementary_sin(x[0] * half_pi);
}

/* ---- Histories by hand ---- */

/* `count` points at random, complete, with values that no one has set. */
static void begin_history(const struct method_task *task, int64_t count) {
  run.history = (struct history){.count = count,
                                 .known = count,
                                 .point = run.point,
                                 .value = run.value,
                                 .state = run.state,
                                 .step = run.step,
                                 .feasible = run.feasible};
  for (int64_t c = 0; c < count; c++) {
    bool exhausted;
    assert_ok(method_random.propose(task, NULL, NULL, 1000000 + c, run.point + c * task->space->count, &exhausted));
    run.state[c] = TRIAL_COMPLETE;
    run.step[c] = 100;
    run.feasible[c] = true;
  }
}

static void *open_memory(const struct method_task *task) {
  void *memory = NULL;
  assert_ok(method_tpe.open(task, &memory));
  return memory;
}

static void propose_in(const struct method_task *task, void *memory, int64_t draw, double *point) {
  bool exhausted = true;
  assert_ok(method_tpe.propose(task, memory, &run.history, draw, point, &exhausted));
  assert_false(exhausted);
}

/* With a memory that is new. */
static void propose(const struct method_task *task, int64_t draw, double *point) {
  void *memory = open_memory(task);
  propose_in(task, memory, draw, point);
  method_tpe.close(memory);
}

/* How many of 100 proposals have parameter `which` within least..most. */
static int proposals_within(const struct method_task *task, int which, double least, double most) {
  void *memory = open_memory(task);
  int within = 0;
  for (int64_t draw = 0; draw < 100; draw++) {
    double point[SPACE_PARAMETERS_MAX];
    propose_in(task, memory, draw, point);
    within += point[which] >= least && point[which] <= most;
  }
  method_tpe.close(memory);
  return within;
}

/* ---- The same bits ---- */

static void test_starts_at_random(void **state) {
  (void)state;
  const struct space space = function_space(2, 0, 1);
  const struct method_task task = {.space = &space, .seed = 5, .metrics = 1};
  begin_history(&task, 12);
  for (int64_t c = 0; c < 12; c++) run.value[c] = (double)c;
  for (int64_t known = 0; known <= 12; known++) {
    double point[2], random[2];
    bool exhausted;
    run.history.known = known;
    propose(&task, 7, point);
    assert_ok(method_random.propose(&task, NULL, NULL, 7, random, &exhausted));
    assert_true((memcmp(point, random, sizeof point) == 0) == (known < 10));
  }
}

/* A proposal follows from the history, whatever the memory has seen, in any order of draws and lengths. */
static void test_same_bits(void **state) {
  (void)state;
  enum { POINTS = 60 };
  const struct space space = space_of_all();
  const struct method_task task = {.space = &space, .seed = 3, .metrics = 1};
  begin_history(&task, POINTS);
  for (int64_t c = 0; c < POINTS; c++) mixed(run.point + c * space.count, run.value + c);
  double fresh[POINTS][6], again[6];
  for (int64_t c = 0; c < POINTS; c++) {
    run.history.count = c;
    run.history.known = c - c / 4;
    propose(&task, c, fresh[c]);
  }
  void *memory = open_memory(&task);
  for (int64_t c = POINTS - 1; c >= 0; c--) {
    run.history.count = c;
    run.history.known = c - c / 4;
    propose_in(&task, memory, c, again);
    assert_memory_equal(fresh[c], again, sizeof again);
  }
  /* And one that has seen other points of the same numbers. */
  const struct method_task other = {.space = &space, .seed = 4, .metrics = 1};
  begin_history(&other, POINTS);
  for (int64_t c = 0; c < POINTS; c++) mixed(run.point + c * space.count, run.value + c);
  for (int64_t draw = 0; draw < 10; draw++) {
    propose(&other, draw, fresh[draw]);
    propose_in(&other, memory, draw, again);
    assert_memory_equal(fresh[draw], again, sizeof again);
  }
  method_tpe.close(memory);
  method_tpe.close(NULL);
}

/* NaN has many bits, and a value of what failed means nothing. */
static void test_bits_of_nothing(void **state) {
  (void)state;
  enum { POINTS = 40 };
  const struct space space = space_of_all();
  const struct method_task task = {.space = &space, .seed = 3, .metrics = 1};
  double point[2][6];
  for (int round = 0; round < 2; round++) {
    begin_history(&task, POINTS);
    for (int64_t c = 0; c < POINTS; c++) {
      mixed(run.point + c * space.count, run.value + c);
      for (int i = 0; i < space.count && round; i++)
        if (isnan(run.point[c * space.count + i]))
          run.point[c * space.count + i] = elementary_from_bits(UINT64_C(0xfff8000000000123));
      const double nothing[2][4] = {{NAN, -1, 3, -INFINITY}, {-(double)NAN, -2, NAN, INFINITY}};
      const enum trial_state states[4] = {TRIAL_COMPLETE, TRIAL_FAILED, TRIAL_RUNNING, TRIAL_COMPLETE};
      if (c % 8 < 4) run.value[c] = nothing[round][c % 4];
      if (c % 8 < 4) run.state[c] = states[c % 4];
    }
    propose(&task, 9, point[round]);
  }
  assert_memory_equal(point[0], point[1], sizeof point[0]);
}

/* Bits that are promised: another machine, compiler or version has to give the same sweep. */
static void test_bits(void **state) {
  (void)state;
  const struct space space = space_of_all();
  const struct method_task task = {.space = &space, .seed = 1, .metrics = 1};
  function_minimise(&method_tpe, &task, mixed, 60, 4, &run);
  uint64_t hash = 0;
  for (int64_t c = 0; c < 60; c++) hash = (hash ^ space_hash(&space, run.point + c * space.count)) * 0x100000001b3;
  printf("  hash %llx\n", (unsigned long long)hash);
  assert_int_equal(hash, UINT64_C(0xd21cd8b5d1c40361));
}

/* ---- What is proposed ---- */

/* All results that there can be, in a space of all kinds: proposals are points of it, none of them twice. */
static void test_valid_points(void **state) {
  (void)state;
  const struct space space = space_of_all();
  struct rng rng = rng_stream(1, RNG_TEST, 0, 0);
  for (int metrics = 1; metrics <= 3; metrics++) {
    const struct method_task task = {.space = &space, .seed = 6, .metrics = metrics};
    void *memory = open_memory(&task);
    begin_history(&task, 0);
    for (int64_t draw = 0; draw < 150; draw++) {
      const int64_t c = run.history.count;
      double *point = run.point + c * space.count, settled[6];
      run.history.known = c > 5 ? c - 5 : 0;
      propose_in(&task, memory, draw, point);
      memcpy(settled, point, sizeof settled);
      space_settle(&space, settled);
      assert_true(space_equal(&space, settled, point));
      assert_true(point[0] == 0 || point[0] == 1 || point[0] == 2);
      assert_true(isnan(point[1]) ? point[0] != 1 : point[1] >= 1e-5 && point[1] <= 1e-1);
      assert_true(point[2] >= 1 && point[2] <= 12 && point[2] == floor(point[2]) && point[3] == 0);
      assert_true(isfinite(point[4]) && 2 * point[4] == floor(2 * point[4]));
      assert_true(isnan(point[5]) ? point[0] != 0 : point[5] >= 0 && point[5] <= 1);
      const double values[6] = {NAN, INFINITY, -INFINITY, 1e308, -1e308, rng_uniform(&rng)};
      for (int m = 0; m < metrics; m++) run.value[c * metrics + m] = values[rng_below(&rng, 6)];
      run.state[c] = (enum trial_state)rng_below(&rng, TRIAL_STATE_COUNT);
      run.step[c] = (int64_t)rng_below(&rng, 3);
      run.feasible[c] = rng_below(&rng, 4) > 0;
      run.history.count++;
    }
    method_tpe.close(memory);
  }
}

/* Good values between .6 and .7 of the first parameter, whatever the second. */
static void test_concentrates(void **state) {
  (void)state;
  const struct space space = function_space(2, 0, 1);
  const struct method_task task = {.space = &space, .seed = 2, .metrics = 1};
  begin_history(&task, 100);
  for (int64_t c = 0; c < 100; c++) run.value[c] = fabs(run.point[2 * c] - 0.65);
  const int within = proposals_within(&task, 0, 0.55, 0.75);
  const int second = proposals_within(&task, 1, 0.4, 0.6);
  printf("  %d of 100 within a fifth around the good ones; %d where all are alike\n", within, second);
  assert_true(within > 85 && second < 50);
}

/* Points near .2 that have no value, or violate something, or were stopped, are not preferred to those near .8. */
static void test_no_result_does_not_attract(void **state) {
  (void)state;
  const struct space space = function_space(2, 0, 1);
  const struct method_task task = {.space = &space, .seed = 2, .metrics = 1};
  const enum trial_state states[] = {TRIAL_COMPLETE,   TRIAL_COMPLETE, TRIAL_DIVERGED, TRIAL_FAILED,  TRIAL_TIMEOUT,
                                     TRIAL_INFEASIBLE, TRIAL_PRUNED,   TRIAL_PAUSED,   TRIAL_RUNNING, TRIAL_LOST};
  for (int round = 0; round < 20; round++) {
    const int kind = round % 10;
    const bool stopped = states[kind] == TRIAL_PRUNED || states[kind] == TRIAL_PAUSED;
    if (round >= 10 && stopped) continue; /* those come next when there is nothing else */
    begin_history(&task, 100);
    for (int64_t c = 0; c < 100; c++) {
      const bool bad = run.point[2 * c] < (round < 10 ? 0.4 : 0.96);
      run.value[c] = bad ? (kind == 0 ? NAN : run.point[2 * c] - 1000) : fabs(run.point[2 * c] - 0.8);
      run.state[c] = bad ? states[kind] : TRIAL_COMPLETE;
      run.step[c] = bad ? 1 : 100;
      run.feasible[c] = !(bad && (kind == 1 || kind == 5));
    }
    const int within = proposals_within(&task, 0, 0, 0.4);
    if (within > 5) fail_msg("round %d: %d of 100 proposals among those without a result", round, within);
  }
}

/* Of stopped ones those of more steps are better, by value among equals. */
static void test_stopped_ones(void **state) {
  (void)state;
  const struct space space = function_space(2, 0, 1);
  const struct method_task task = {.space = &space, .seed = 2, .metrics = 1};
  for (int equal = 0; equal < 2; equal++) {
    begin_history(&task, 100);
    for (int64_t c = 0; c < 100; c++) {
      const bool longer = run.point[2 * c] > 0.5;
      run.state[c] = c % 2 ? TRIAL_PRUNED : TRIAL_PAUSED;
      run.step[c] = longer || equal ? 50 : 25;
      run.value[c] = longer ? 1 : 0;
    }
    const int within = proposals_within(&task, 0, 0.5, 1);
    assert_true(equal ? within < 15 : within > 85);
  }
}

/* Of two places that are as good, one has fifteen on their way to it: the other is preferred, whichever it is. */
static void test_pending_points_repel(void **state) {
  (void)state;
  const struct space space = function_space(1, 0, 1);
  const struct method_task task = {.space = &space, .seed = 2, .metrics = 1};
  for (int side = 0; side < 2; side++) {
    begin_history(&task, 35);
    run.history.known = 20;
    for (int64_t c = 0; c < 20; c++) {
      run.point[c] = ((double)c + 0.5) / 20;
      run.value[c] = fmin(fabs(run.point[c] - 0.275), fabs(run.point[c] - 0.725));
    }
    for (int64_t c = 20; c < 35; c++) run.point[c] = (side ? 0.725 : 0.275) + 0.001 * (double)(c - 27);
    const int left = proposals_within(&task, 0, 0, 0.5);
    printf("  with fifteen on their way to the %s, %d of 100 are sent to the left\n", side ? "right" : "left", left);
    assert_true(side ? left > 80 : left < 20);
  }
}

/* A space of 3 * 12 points: each is proposed once before a search gives up, and soon. */
static void test_few_points(void **state) {
  (void)state;
  struct space space = space_of_all();
  for (int i = 4; i < 6; i++) space.parameter[i] = space.parameter[3];
  space.parameter[1] = space.parameter[3];
  const struct method_task task = {.space = &space, .seed = 2, .metrics = 1};
  function_minimise(&method_tpe, &task, mixed, 36, 1, &run);
  printf("  36 points after %lld draws\n", (long long)run.draws);
  assert_true(run.draws < 2000);
}

/* ---- Cost ---- */

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Bounds are wide: sanitizers and other programs run beside it. */
static void test_rungs(void **state) {
  (void)state;
  check_rungs(&method_tpe);
}

static void test_cost(void **state) {
  (void)state;
  enum { PROPOSALS = 50, POINTS = 1000 };
  const int parameters[5] = {2, 20, 2, 5, 5}, metrics[5] = {1, 1, 1, 2, 4};
  for (int row = 0; row < 5; row++) {
    struct space space = function_space(parameters[row], 0, 1);
    for (int i = 0; i < parameters[row] && row == 2; i++)
      space.parameter[i].distribution =
          (struct distribution){.kind = DISTRIBUTION_INT_UNIFORM, .least = 1, .most = 100};
    const struct method_task task = {.space = &space, .seed = 2, .metrics = metrics[row]};
    struct rng rng = rng_stream(1, RNG_TEST, 1, 0);
    begin_history(&task, POINTS);
    for (int64_t c = 0; c < POINTS * metrics[row]; c++) run.value[c] = rng_uniform(&rng);
    void *memory = open_memory(&task);
    double point[20];
    const double begin = now();
    propose_in(&task, memory, 0, point);
    const double first = now() - begin;
    for (int64_t draw = 0; draw < PROPOSALS; draw++) propose_in(&task, memory, draw, point);
    const double each = (now() - begin - first) / PROPOSALS;
    method_tpe.close(memory);
    printf("  %d points, %d parameters%s, %d metrics: %.2f ms a proposal, the first %.2f ms\n", POINTS, parameters[row],
           row == 2 ? " of 100 values" : "", metrics[row], 1e3 * each, 1e3 * first);
    assert_true(each < 0.2);
  }
}

/* ---- What it finds ---- */

static double median_of(const struct method_kind *method, const struct space *space, function_of *function,
                        int64_t budget, int64_t window) {
  double best[SEEDS_MAX] = {0};
  for (int s = 0; s < seeds; s++) {
    const struct method_task task = {.space = space, .seed = (uint64_t)s + 1, .metrics = 1};
    function_minimise(method, &task, function, budget, window, &run);
    best[s] = function_best(&run, 1);
  }
  return objective_middle(best, seeds);
}

static void test_functions(void **state) {
  (void)state;
  const struct {
    const char *name;
    struct space space;
    function_of *function;
    int64_t budget;
    double least;
  } cases[] = {{"branin", space_of_branin(), branin, 100, 0.397887},
               {"hartmann", function_space(6, 0, 1), hartmann, 100, -3.32237},
               {"sphere", function_space(20, -5, 5), sphere, 200, 0},
               {"mixed", space_of_all(), mixed, 100, 0}};
  printf("  medians over %d seeds of what is left to the least value: random, tpe, tpe with a window of 16\n", seeds);
  for (int c = 0; c < 4; c++) {
    const double random = median_of(&method_random, &cases[c].space, cases[c].function, cases[c].budget, 1);
    const double alone = median_of(&method_tpe, &cases[c].space, cases[c].function, cases[c].budget, 1);
    const double wide = median_of(&method_tpe, &cases[c].space, cases[c].function, cases[c].budget, 16);
    const double least = cases[c].least;
    printf("  %-8s %lld: %.5f %.5f %.5f\n", cases[c].name, (long long)cases[c].budget, random - least, alone - least,
           wide - least);
    assert_true(alone - least < 0.5 * (random - least) && wide < random);
  }
}

static double median_volume(const struct method_kind *method, function_of *function, int metrics) {
  const double reference[3] = {1.1, metrics == 2 ? 8 : 1.1, 1.1};
  const struct space space = function_space(5, 0, 1);
  double volume[SEEDS_MAX] = {0};
  for (int s = 0; s < seeds; s++) {
    const struct method_task task = {.space = &space, .seed = (uint64_t)s + 1, .metrics = metrics};
    function_minimise(method, &task, function, 100, 1, &run);
    assert_ok(pareto_hypervolume(metrics, 100, run.value, reference, &volume[s]));
  }
  return objective_middle(volume, seeds);
}

static void test_several_metrics(void **state) {
  (void)state;
  for (int metrics = 2; metrics <= 3; metrics++) {
    function_of *function = metrics == 2 ? zdt1 : dtlz2;
    const double random = median_volume(&method_random, function, metrics);
    const double volume = median_volume(&method_tpe, function, metrics);
    printf("  %d metrics: hypervolume of random %.4f, of tpe %.4f\n", metrics, random, volume);
    assert_true(volume > random);
  }
}

int main(int count, char **word) {
  if (count > 1) seeds = atoi(word[1]);
  if (seeds < 1 || seeds > SEEDS_MAX) return 2;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_starts_at_random),
                                     cmocka_unit_test(test_same_bits),
                                     cmocka_unit_test(test_bits_of_nothing),
                                     cmocka_unit_test(test_bits),
                                     cmocka_unit_test(test_valid_points),
                                     cmocka_unit_test(test_concentrates),
                                     cmocka_unit_test(test_no_result_does_not_attract),
                                     cmocka_unit_test(test_stopped_ones),
                                     cmocka_unit_test(test_pending_points_repel),
                                     cmocka_unit_test(test_few_points),
                                     cmocka_unit_test(test_rungs),
                                     cmocka_unit_test(test_cost),
                                     cmocka_unit_test(test_functions),
                                     cmocka_unit_test(test_several_metrics)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
