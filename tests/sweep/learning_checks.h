/* What every method that learns has to keep, whatever it makes of results: the tests of each call these. */
#ifndef HGN_TESTS_SWEEP_LEARNING_CHECKS_H
#define HGN_TESTS_SWEEP_LEARNING_CHECKS_H

#include "base/rng.h"
#include "objectives.h"

#include <stdio.h>
#include <time.h>

static inline void check_propose(const struct method_kind *method, const struct method_task *task, void *memory,
                                 const struct history *history, int64_t draw, double *point) {
  bool exhausted = true;
  assert_ok(method->propose(task, memory, history, draw, point, &exhausted));
  assert_false(exhausted);
}

/* Each parameter has one of its values where its conditions hold, and NaN elsewhere. */
static inline void check_valid(const struct space *space, const double *point) {
  double settled[SPACE_PARAMETERS_MAX], u[SPACE_PARAMETERS_MAX], again[SPACE_PARAMETERS_MAX];
  memcpy(settled, point, (size_t)space->count * sizeof(double));
  space_settle(space, settled);
  assert_true(space_equal(space, settled, point));
  space_coordinates(space, point, u);
  for (int i = 0; i < space->count; i++) {
    again[i] = isnan(u[i]) ? (double)NAN : distribution_quantile(&space->parameter[i].distribution, u[i]);
    assert_true(isnan(u[i]) || fabs(again[i] - point[i]) <= 1e-9 * fabs(point[i]));
    assert_true(space->parameter[i].conditions > 0 || !isnan(point[i]));
  }
}

/* A history of random points of the mixed space, some of them failed, some infeasible. */
static inline struct objective_history *check_mixed_history(const struct method_task *task, int64_t count) {
  struct objective_history *h = objective_history_make();
  double point[SPACE_PARAMETERS_MAX];
  for (int64_t c = 0; c < count; c++) {
    check_propose(&method_random, task, NULL, NULL, c, point);
    objective_append(task->space, h, point, c % 7 == 3 ? (double)NAN : objective_mixed(point));
    h->feasible[c] = c % 11 != 5;
  }
  return h;
}

/* Asked in any order, with values that change and come back, with fresh memory, warmed memory or none: the same
 * bits. */
static inline void check_memory(const struct method_kind *method, const struct space *space, bool sees_pending) {
  enum { COUNT = 60, ASKED = TESTING_ROUNDS(40, 12) };
  const struct method_task task = {.space = space, .seed = 5, .metrics = 1};
  struct objective_history *h = check_mixed_history(&task, COUNT);
  static double fresh[ASKED][SPACE_PARAMETERS_MAX];
  double point[SPACE_PARAMETERS_MAX];
  void *memory = NULL;
  int different = 0;
  const size_t bytes = (size_t)space->count * sizeof(double);
  assert_ok(method->open(&task, &memory));
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < ASKED; i++) {
      /* Forth, back, and to and fro. */
      const int at = round == 0 ? i : round == 1 ? ASKED - 1 - i : i * 17 % ASKED;
      h->history.count = COUNT - ASKED + at + 1;
      h->history.known = h->history.count - at % 4;
      if (round == 0) check_propose(method, &task, NULL, &h->history, at, fresh[at]);
      check_propose(method, &task, memory, &h->history, at, point);
      assert_memory_equal(point, fresh[at], bytes);
      check_valid(space, point);
    }
  /* Of one that it has taken in another value, state, point, feasibility; one that waits stands where the proposal was;
   * and back. */
  int good = 0;
  for (int c = 1; c < 20; c++)
    if (h->feasible[c] && (h->value[c] < h->value[good] || isnan(h->value[good]))) good = c;
  for (int change = 0; change < 5; change++) {
    const double kept = h->value[2], kept_point = h->point[good * space->count + 2];
    if (change == 0) h->value[2] = -5.0;
    if (change == 1) h->state[good] = TRIAL_TIMEOUT;
    if (change == 2) h->point[good * space->count + 2] = 2e-5;
    if (change == 3) h->feasible[good] = false;
    double *last = h->point + (h->history.count - 1) * space->count, waits[SPACE_PARAMETERS_MAX];
    memcpy(waits, last, bytes);
    if (change == 4) memcpy(last, point, bytes);
    double changed[SPACE_PARAMETERS_MAX];
    check_propose(method, &task, NULL, &h->history, 7, changed);
    check_propose(method, &task, memory, &h->history, 7, point);
    assert_memory_equal(point, changed, bytes);
    memcpy(last, waits, bytes);
    h->value[2] = kept;
    h->point[good * space->count + 2] = kept_point;
    h->state[good] = TRIAL_COMPLETE;
    h->feasible[good] = true;
    check_propose(method, &task, memory, &h->history, 7, point);
    different += !space_equal(space, point, changed);
  }
  method->close(memory);
  printf("  %d of 5 changes of history changed the point\n", different);
  assert_int_equal(different, sees_pending ? 5 : 4);
  free(h);
}

/* Bits that are promised: another machine, compiler or level of optimisation has to propose the same. */
static inline void check_bits(const struct method_kind *method, double want) {
  const struct space space = objective_mixed_space();
  const struct method_task task = {.space = &space, .seed = 1, .metrics = 1};
  struct objective_history *h = check_mixed_history(&task, 50);
  double point[SPACE_PARAMETERS_MAX];
  h->history.known = 48;
  check_propose(method, &task, NULL, &h->history, 50, point);
  printf("  %g %g %a %g\n", point[0], point[1], point[2], point[3]);
  assert_true(point[2] == want);
  free(h);
}

/* Half of the square fails: fewer than random's half of later proposals go there. */
static inline void check_failures_repel(const struct method_kind *method, int64_t budget) {
  const struct space space = objective_space(2);
  int64_t failed = 0, later = 0;
  for (uint64_t seed = 1; seed <= 3; seed++) {
    const struct method_task task = {.space = &space, .seed = seed, .metrics = 1};
    struct objective_history *h = objective_history_make();
    double point[2];
    for (int64_t c = 0; c < budget; c++) {
      h->history.known = h->history.count;
      check_propose(method, &task, NULL, &h->history, c, point);
      /* What is good leads to where it fails. */
      objective_append(&space, h, point, point[0] > 0.6 ? (double)NAN : 1.0 - 0.2 * point[0]);
      failed += c >= budget / 2 && point[0] > 0.6;
      later += c >= budget / 2;
    }
    free(h);
  }
  printf("  %lld of %lld went where they fail\n", (long long)failed, (long long)later);
  assert_true((double)failed < 0.3 * (double)later);
}

/* Nothing known; all alike; all failed; one parameter that cannot vary; huge values: points that are valid and new. */
static inline void check_edges(const struct method_kind *method, const struct space *mixed) {
  struct space space[2] = {*mixed, objective_space(1)};
  space[1].parameter[0].distribution = (struct distribution){.kind = DISTRIBUTION_CONSTANT, .count = 1};
  static const double values[5] = {0.0, -3.5, (double)NAN, 1e308, 5e-324};
  for (int s = 0; s < 2; s++)
    for (int v = 0; v < 5; v++) {
      const struct method_task task = {.space = &space[s], .seed = 6, .metrics = 1};
      struct objective_history *h = objective_history_make();
      double point[SPACE_PARAMETERS_MAX], last[SPACE_PARAMETERS_MAX] = {0.0};
      int moved = 0;
      void *memory = NULL;
      assert_ok(method->open(&task, &memory));
      for (int c = 0; c < TESTING_ROUNDS(40, 15); c++) {
        h->history.known = c < 4 ? 0 : c;
        check_propose(method, &task, memory, &h->history, c, point);
        check_valid(&space[s], point);
        objective_append(&space[s], h, point, v == 3 && c % 2 ? -values[v] : values[v]);
        moved += !space_equal(&space[s], point, last);
        memcpy(last, point, sizeof last);
      }
      assert_true(s == 1 || moved > TESTING_ROUNDS(35, 12));
      method->close(memory);
      free(h);
    }
}

/* Values grow with the steps, and early stopping cuts those that are worse than the middle of what came: taken as
 * equals, what was cut would be the best. The last of them still come near the minimum; and as some wait at rungs in
 * between, memory decides nothing. */
static inline void check_rungs(const struct method_kind *method) {
  enum { COUNT = TESTING_ROUNDS(120, 60), LAST = COUNT / 4, SEEDS = TESTING_ROUNDS(3, 1) };
  const struct space space = objective_space(3);
  double last[SEEDS * LAST], point[3], fresh[3];
  int lasts = 0;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    const struct method_task task = {.space = &space, .seed = seed, .metrics = 1};
    struct objective_history *h = objective_history_make();
    double sorted[COUNT];
    void *memory = NULL;
    assert_ok(method->open(&task, &memory));
    for (int c = 0; c < COUNT; c++) {
      h->history.known = c;
      check_propose(method, &task, memory, &h->history, c, point);
      if (c % 10 == 9) {
        void *other = NULL;
        assert_ok(method->open(&task, &other));
        check_propose(method, &task, other, &h->history, c, fresh);
        method->close(other);
        assert_memory_equal(point, fresh, sizeof point);
      }
      double value = 0.0;
      for (int i = 0; i < 3; i++) value += (point[i] - 0.6) * (point[i] - 0.6);
      objective_append(&space, h, point, value);
      sorted[c] = value;
      const bool good = value <= objective_middle(sorted, c + 1);
      h->step[c] = good ? 100 : c % 2 ? 10 : 30;
      if (!good) h->state[c] = c % 3 ? TRIAL_PRUNED : TRIAL_PAUSED;
      if (!good) h->value[c] -= c % 2 ? 20.0 : 10.0;
      if (c >= COUNT - LAST) last[lasts++] = value;
    }
    method->close(memory);
    free(h);
  }
  const double middle = objective_middle(last, lasts);
  printf("  of those that are cut by rungs the last are %.4f above the minimum\n", middle);
  assert_true(middle < TESTING_ROUNDS(0.05, 0.2)); /* random: 0.26 */
}

/* ms of the processor a proposal when 1,000 are known, of the first and of the median of twenty that follow. */
static inline double check_cost(const struct method_kind *method, int parameters) {
  const struct space space = objective_space(parameters);
  const struct method_task task = {.space = &space, .seed = 1, .metrics = 1};
  struct objective_history *h = objective_history_make();
  double point[SPACE_PARAMETERS_MAX], ms[21];
  void *memory = NULL;
  const int known = TESTING_ROUNDS(1000, 200);
  for (int c = 0; c < known + 21; c++) {
    check_propose(&method_random, &task, NULL, NULL, c, point);
    objective_append(&space, h, point, parameters == 20 ? objective_sphere20(point) : objective_branin(point));
  }
  assert_ok(method->open(&task, &memory));
  for (int i = 0; i < 21; i++) {
    struct timespec begin, end;
    h->history.count = h->history.known = known + i;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    check_propose(method, &task, memory, &h->history, i, point);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    ms[i] = (double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
  }
  method->close(memory);
  free(h);
  printf("  %d parameters, %d known: the first %.0f ms", parameters, known, ms[0]);
  qsort(ms + 1, 20, sizeof *ms, objective_ascending);
  printf(", then %.2f ms (median), %.2f ms (most)\n", ms[11], ms[20]);
  return ms[11];
}

/* Medians over seeds against random's, of Branin's and Hartmann's functions, the sphere and the mixed space; and with
 * 16 at a time, where there are many seeds. */
static inline void check_beats_random(const struct method_kind *method, int seeds, int64_t sphere_budget) {
  for (int o = 0; o < 4; o++) {
    const struct space space = o < 3 ? objective_space(objective_all[o].parameters) : objective_mixed_space();
    const int64_t budget = o == 1 ? TESTING_ROUNDS(100, 70) : o == 2 ? sphere_budget : 60;
    double (*value)(const double *) = o < 3 ? objective_all[o].value : objective_mixed;
    const double least = o < 3 ? objective_all[o].least : 0.0;
    for (int64_t window = 1; window <= 16; window += 15) {
      if (window > 1 && seeds < 20) continue;
      const double random = objective_median(&method_random, &space, value, budget, window, seeds) - least;
      const double learned = objective_median(method, &space, value, budget, window, seeds) - least;
      printf("  %s, %lld configurations, window %lld: %.3g above the minimum, random %.3g\n",
             o < 3 ? objective_all[o].name : "mixed", (long long)budget, (long long)window, learned, random);
      /* What a window costs is told; a few dozen in batches of 16 are too few generations for some. */
      assert_true(learned < (window > 1 ? 1.5 : 1) * random);
    }
  }
}

#endif
