/* Early stopping: which jobs follow from hand-written histories, how many trials come to each rung in the worked
 * examples of the papers, and which trials the stopping rules end. */
#include "sweep/early.h"
#include "testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { JOBS_MAX = 4096, RUNGS = 5 };

struct driven {
  const struct early_pausing *kind;
  void *memory;
  int64_t fresh, most, configuration[JOBS_MAX]; /* most: that the method has; 0: all */
  int rung[JOBS_MAX], jobs, at[RUNGS];
};

static void start(struct driven *driven, const struct early_pausing *kind, int64_t configurations, int rungs,
                  double eta) {
  *driven = (struct driven){.kind = kind};
  assert_ok(kind->open(&(struct early_task){configurations, rungs, eta}, &driven->memory));
}

/* One more job begins; false: there is none. */
static bool begin(struct driven *driven) {
  int64_t configuration = -1;
  int rung = -1;
  enum early_answer answer = driven->kind->next(driven->memory, &configuration, &rung);
  if (answer == EARLY_FRESH && driven->most > 0 && driven->fresh == driven->most) {
    driven->kind->dried(driven->memory);
    answer = driven->kind->next(driven->memory, &configuration, &rung);
    assert_true(answer != EARLY_FRESH);
  }
  if (answer == EARLY_NOTHING) return false;
  if (answer == EARLY_FRESH) configuration = driven->fresh++;
  driven->configuration[driven->jobs] = configuration;
  driven->rung[driven->jobs++] = rung;
  driven->at[rung] += 1;
  assert_ok(driven->kind->begun(driven->memory, configuration, rung));
  return true;
}

static void end(struct driven *driven, int job, double value, bool further) {
  assert_ok(driven->kind->ended(driven->memory, driven->configuration[job], driven->rung[job], value, further));
}

/* Each job ends before the next is chosen. value: of each configuration, at all rungs; INFINITY: it fails. */
static void run(struct driven *driven, const double *value) {
  while (begin(driven)) {
    const double got = value[driven->configuration[driven->jobs - 1]];
    end(driven, driven->jobs - 1, got, isfinite(got));
  }
  driven->kind->close(driven->memory);
}

static void check_jobs(const struct driven *driven, const int (*expected)[2], int count) {
  for (int j = 0; j < driven->jobs && j < count; j++)
    if (driven->configuration[j] != expected[j][0] || driven->rung[j] != expected[j][1])
      fail_msg("job %d takes %d to rung %d, not %d to rung %d", j, (int)driven->configuration[j], driven->rung[j],
               expected[j][0], expected[j][1]);
  assert_int_equal(driven->jobs, count);
}

/* ---- asha, promote ---- */

static void test_promotions_of_a_history(void **state) {
  const double value[] = {5, 3, 8, 1, 9, 2, 7, 4, 6};
  const int expected[][2] = {{0, 0}, {1, 0}, {2, 0}, {1, 1}, {3, 0}, {3, 1}, {4, 0},
                             {5, 0}, {5, 1}, {3, 2}, {6, 0}, {7, 0}, {8, 0}};
  struct driven driven;
  (void)state;
  start(&driven, &early_promotion, 9, 2, 3);
  run(&driven, value);
  check_jobs(&driven, expected, 13);
}

/* Table 1 of the paper, bracket 0: of 27 configurations 9, 3 and 1 go on, when none is promoted that should not be. */
static void test_promotion_counts(void **state) {
  double value[27];
  struct driven driven;
  (void)state;
  for (int i = 0; i < 27; i++) value[i] = i;
  start(&driven, &early_promotion, 27, 3, 3);
  run(&driven, value);
  assert_int_equal(driven.at[0], 27);
  assert_int_equal(driven.at[1], 9);
  assert_int_equal(driven.at[2], 3);
  assert_int_equal(driven.at[3], 1);
}

/* What fails is the worst of those that have come there: others go on in its place, and nothing waits for it. */
static void test_failures_do_not_strand(void **state) {
  const double value[] = {INFINITY, 3, INFINITY, INFINITY, 1, INFINITY, 7, INFINITY, 6};
  struct driven driven;
  int64_t configuration;
  int rung;
  (void)state;
  start(&driven, &early_promotion, 9, 2, 3);
  run(&driven, value);
  assert_int_equal(driven.at[0], 9);
  assert_int_equal(driven.at[1], 3);
  assert_int_equal(driven.at[2], 1);
  /* A promoted one fails: its place at the rung counts, and the search goes on. */
  start(&driven, &early_promotion, 9, 1, 3);
  for (int i = 0; i < 3; i++) assert_true(begin(&driven)), end(&driven, i, i, true);
  assert_true(begin(&driven));
  assert_true(driven.configuration[3] == 0 && driven.rung[3] == 1);
  end(&driven, 3, INFINITY, false);
  assert_true(driven.kind->next(driven.memory, &configuration, &rung) == EARLY_FRESH);
  driven.kind->close(driven.memory);
}

/* When no trial can get to the end any more, none begins below it. */
static void test_work_in_vain(void **state) {
  const double value[] = {5, 3, 8, 9};
  const int expected[][2] = {{0, 0}, {1, 0}, {2, 0}, {1, 1}, {3, 0}};
  struct driven driven;
  (void)state;
  start(&driven, &early_promotion, 4, 2, 3);
  run(&driven, value);
  check_jobs(&driven, expected, 5);
  /* Two at the end of nine are enough for one more only if a third can come. */
  start(&driven, &early_promotion, 5, 1, 3);
  const double five[] = {5, 4, 3, 2, 1};
  run(&driven, five);
  assert_int_equal(driven.at[0], 5);
  assert_int_equal(driven.at[1], 3); /* each the best when it came */
}

static void test_later_promotions(void **state) {
  struct driven driven;
  (void)state;
  start(&driven, &early_promotion, 12, 2, 2);
  for (int i = 0; i < 4; i++) assert_true(begin(&driven)); /* none has ended yet */
  end(&driven, 2, 7, true);
  end(&driven, 0, 9, true);
  assert_true(begin(&driven)); /* 2 of two */
  assert_true(driven.configuration[4] == 2 && driven.rung[4] == 1);
  end(&driven, 1, 7, true); /* equal ones: the lower number */
  end(&driven, 3, INFINITY, false);
  assert_true(begin(&driven));
  assert_true(driven.configuration[5] == 1 && driven.rung[5] == 1);
  assert_true(begin(&driven));
  assert_true(driven.configuration[6] == 4 && driven.rung[6] == 0);
  driven.kind->close(driven.memory);
}

/* ---- hyperband_brackets ---- */

/* Table 1 of the paper: R = 81, eta = 3. */
static void test_brackets_of_the_paper(void **state) {
  static const int64_t sizes[] = {5, 8, 15, 34, 81};
  double value[143];
  struct driven driven;
  (void)state;
  for (int s = 0; s < 5; s++) assert_int_equal(early_bracket(4, s, 3), sizes[s]);
  for (int i = 0; i < 143; i++) value[i] = (i * 37) % 143;
  start(&driven, &early_brackets, 143, 4, 3);
  run(&driven, value);
  assert_int_equal(driven.at[0], 81);
  assert_int_equal(driven.at[1], 27 + 34);
  assert_int_equal(driven.at[2], 9 + 11 + 15);
  assert_int_equal(driven.at[3], 3 + 3 + 5 + 8);
  assert_int_equal(driven.at[4], 1 + 1 + 1 + 2 + 5);
  /* The best of each bracket gets to its end. */
  int64_t first = 0;
  for (int s = 4; s >= 0; s--) {
    int64_t best = first;
    for (int64_t c = first; c < first + sizes[s]; c++) best = value[c] < value[best] ? c : best;
    bool ends = false;
    for (int j = 0; j < driven.jobs; j++) ends = ends || (driven.configuration[j] == best && driven.rung[j] == 4);
    assert_true(ends);
    first += sizes[s];
  }
}

/* Halved only when all have come; meanwhile the next bracket begins. The last one is as deep as what is left lets it
 * be; failures make a level smaller. */
static void test_brackets_by_hand(void **state) {
  struct driven driven;
  int64_t configuration;
  int rung;
  (void)state;
  start(&driven, &early_brackets, 6, 1, 2); /* brackets of 2 and 2, then 2 again */
  assert_int_equal(early_bracket(1, 1, 2), 2);
  assert_int_equal(early_bracket(1, 0, 2), 2);
  for (int i = 0; i < 3; i++) assert_true(begin(&driven));
  assert_true(driven.rung[0] == 0 && driven.rung[1] == 0 && driven.rung[2] == 1);
  end(&driven, 1, 4, true);
  assert_true(begin(&driven));
  assert_true(driven.configuration[3] == 3 && driven.rung[3] == 1);
  end(&driven, 0, INFINITY, false);
  assert_true(begin(&driven));
  assert_true(driven.configuration[4] == 1 && driven.rung[4] == 1);
  for (int i = 5; i < 7; i++) assert_true(begin(&driven)), end(&driven, i, INFINITY, false);
  assert_true(driven.rung[5] == 0 && driven.rung[6] == 0);
  assert_true(driven.kind->next(driven.memory, &configuration, &rung) == EARLY_NOTHING);
  driven.kind->close(driven.memory);
  const double one[] = {3};
  start(&driven, &early_brackets, 1, 3, 3);
  run(&driven, one);
  assert_int_equal(driven.jobs, 1);
  assert_int_equal(driven.rung[0], 3); /* straight to its end */
}

/* The method has fewer configurations than the plan: the bracket that waits for more is halved as it is, and one of it
 * at least gets to the end. Whoever is under way when that turns out is waited for. */
static void test_dry_brackets(void **state) {
  static const struct {
    int64_t most;
    int at[RUNGS];
  } cases[] = {{20, {20, 6, 2, 1, 1}},    {81, {81, 27, 9, 3, 1}},   {82, {81, 28, 10, 4, 2}},
               {100, {81, 46, 15, 5, 2}}, {117, {81, 61, 22, 7, 3}}, {1, {1, 1, 1, 1, 1}}};
  double value[143];
  struct driven driven;
  (void)state;
  for (int i = 0; i < 143; i++) value[i] = (i * 37) % 143;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start(&driven, &early_brackets, 143, 4, 3);
    driven.most = cases[i].most;
    run(&driven, value);
    for (int k = 0; k < RUNGS; k++)
      if (driven.at[k] != cases[i].at[k])
        fail_msg("of %d configurations %d came to rung %d", (int)cases[i].most, driven.at[k], k);
  }
  start(&driven, &early_brackets, 143, 4, 3);
  driven.most = 3;
  for (int i = 0; i < 3; i++) assert_true(begin(&driven));
  end(&driven, 0, 5, true);
  assert_false(begin(&driven)); /* two are under way */
  end(&driven, 1, INFINITY, false);
  assert_false(begin(&driven));
  end(&driven, 2, 4, true);
  assert_true(begin(&driven));
  assert_true(driven.configuration[3] == 2 && driven.rung[3] == 1);
  driven.kind->close(driven.memory);
}

/* ASHA does not wait for more, but does no work in vain for those that do not come. */
static void test_dry_promotion(void **state) {
  const double value[] = {5, 3, 8, 9};
  const int expected[][2] = {{0, 0}, {1, 0}, {2, 0}, {1, 1}, {3, 0}};
  struct driven driven;
  (void)state;
  start(&driven, &early_promotion, 30, 2, 3);
  driven.most = 4;
  run(&driven, value);
  check_jobs(&driven, expected, 5);
}

/* ---- Rules that stop ---- */

/* Where a value stands among others, NaN: one that has not come there. */
static struct early_view stand(double own, const double *others, int64_t count, double eta) {
  struct early_view view = {.own = own, .below = -INFINITY, .above = INFINITY, .eta = eta};
  for (int64_t i = 0; i < count; i++) {
    view.count += !isnan(others[i]);
    view.better += others[i] < own;
    if (others[i] < own) view.below = fmax(view.below, others[i]);
    if (others[i] >= own) view.above = fmin(view.above, others[i]);
  }
  return view;
}

static bool stops(bool (*rule)(const struct early_view *), double own, const double *others, int64_t count,
                  double eta) {
  const struct early_view view = stand(own, others, count, eta);
  return rule(&view);
}

static void test_rules(void **state) {
  const double others[] = {5, 1, NAN, 4, 2, 3}; /* one has not come there */
  (void)state;
  /* Six with this one, eta 3: W&B lets on who has at most two before it; asha the best two. */
  assert_false(stops(early_stops_wandb, 2.5, others, 6, 3));
  assert_true(stops(early_stops_wandb, 3.5, others, 6, 3));
  assert_false(stops(early_stops_asha, 1.5, others, 6, 3));
  assert_true(stops(early_stops_asha, 2.5, others, 6, 3));
  assert_false(stops(early_stops_asha, 1, others, 6, 3)); /* as good as the best */
  /* The first is never stopped, nor the best of few; among few others only the best go on. */
  for (int i = 0; i < 2; i++) {
    bool (*rule)(const struct early_view *) = i ? early_stops_asha : early_stops_wandb;
    assert_false(stops(rule, 1e9, others, 0, 3));
    assert_false(stops(rule, 1, others, 2, 3));
    assert_true(stops(rule, INFINITY, others, 6, 3));
  }
  assert_true(stops(early_stops_asha, 6, others, 1, 4));
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* Against a median by sorting. */
static void test_median(void **state) {
  enum { OTHERS = 9 };
  uint64_t seed = 5;
  int stopped = 0;
  (void)state;
  for (int round = 0; round < 2000; round++) {
    double value[OTHERS], there[OTHERS], best;
    const int others = round / 7 % (OTHERS + 1);
    int count = 0;
    for (int i = 0; i <= OTHERS; i++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      *(i < OTHERS ? &value[i] : &best) = (double)(seed >> 60);
      if (i < OTHERS && seed >> 33 & 1) value[i] = NAN;
      if (i < others && !isnan(value[i])) there[count++] = value[i];
    }
    qsort(there, (size_t)count, sizeof *there, ascending);
    const double median = count == 0 ? INFINITY : 0.5 * (there[(count - 1) / 2] + there[count / 2]);
    assert_int_equal(stops(early_stops_median, best, value, others, 3), count >= 3 && best > median);
    stopped += count >= 3 && best > median;
  }
  assert_true(stopped > 100 && stopped < 1900);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_promotions_of_a_history),
                                     cmocka_unit_test(test_promotion_counts),
                                     cmocka_unit_test(test_failures_do_not_strand),
                                     cmocka_unit_test(test_work_in_vain),
                                     cmocka_unit_test(test_later_promotions),
                                     cmocka_unit_test(test_brackets_of_the_paper),
                                     cmocka_unit_test(test_brackets_by_hand),
                                     cmocka_unit_test(test_dry_brackets),
                                     cmocka_unit_test(test_dry_promotion),
                                     cmocka_unit_test(test_rules),
                                     cmocka_unit_test(test_median)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
