/* Early stopping of trials under way: whatever the order in which they report, those are stopped that the definition
 * stops, and what it costs does not grow with the trials that there were. */
#define BEGUN_FILE "test_judge.h5"

#include "begun.h"

#include <time.h>

enum { GROUPS = 24 };

static const char *const rules[] = {"{type: asha, mode: stop, min_iter: 1}", "{type: hyperband, min_iter: 1, eta: 2}",
                                    "{type: hyperband, min_iter: 1, eta: 4, strict: false}",
                                    "{type: median, min_iter: 3}"};
enum { RULES = sizeof rules / sizeof *rules };

static void begin(const char *rule, const char *more, int64_t trials, struct begun *begun) {
  char text[512];
  snprintf(text, sizeof text,
           "method: random\nmetric: {name: loss}\nrun_cap: %lld\nearly_terminate: %s\n%sparameters:\n"
           "  synthetic.x: {min: 0.0, max: 1.0}\n",
           (long long)trials, rule, more);
  begun_make(text, begun);
}

/* What a trial would report at a rung: small whole numbers, so that many are equal, sometimes the worst; NaN: it has
 * ended before. Of a trial that ended on its way or at its end. */
static double would_report(uint64_t seed, int64_t trial, int k) {
  uint64_t state = seed * 1000003 + (uint64_t)trial;
  const uint32_t quality = draw_below(&state, 8), ends = draw_below(&state, 40);
  for (int i = 0; i < k; i++) (void)draw_below(&state, 2);
  if ((uint32_t)k >= ends) return NAN;
  return draw_below(&state, 30) == 0 ? (double)INFINITY : (double)(quality + draw_below(&state, 4));
}

/* ---- By definition ---- */

static double looked_at(const struct judge *judge, const double *row, int k) {
  double sum = 0;
  for (int i = 0; i <= k; i++) sum += row[i];
  return judge->kind->means ? sum / (k + 1) : row[k];
}

static bool stops(const struct judge *judge, const double *rows, int64_t trial, int k, int64_t others) {
  const int rungs = judge->ledger->shape.rungs;
  const double *own = rows + trial * rungs;
  struct early_view view = {.own = own[k], .below = -INFINITY, .above = INFINITY, .eta = judge->sweep->early.eta};
  for (int i = 0; i < k && judge->kind->means; i++) view.own = fmin(view.own, own[i]);
  for (int64_t t = 0; t < others; t++) {
    const double other = looked_at(judge, rows + t * rungs, k);
    view.count += !isnan(other);
    view.better += other < view.own;
    if (other < view.own) view.below = fmax(view.below, other);
    if (other >= view.own) view.above = fmin(view.above, other);
  }
  return judge->kind->stops(&view);
}

/* Trial after trial, from what those before it were left. rows[trials][rungs]; at[trials]: where it was stopped, -1. */
static void define(const struct judge *judge, uint64_t seed, double *rows, int *at) {
  const int rungs = judge->ledger->shape.rungs;
  for (int64_t t = 0; t < judge->trials; t++) {
    double *row = rows + t * rungs;
    const int64_t others = t - judge->sweep->window + 1;
    at[t] = -1;
    for (int k = 0; k < rungs; k++) row[k] = at[t] < 0 ? would_report(seed, t, k) : (double)NAN;
    for (int k = judge->first; k < rungs && at[t] < 0 && !isnan(row[k]); k++)
      if (others > 0 && stops(judge, rows, t, k, others)) at[t] = k;
    for (int k = at[t] + 1; k < rungs && at[t] >= 0; k++) row[k] = NAN;
  }
}

/* ---- As groups say it ---- */

struct running {
  int64_t trial;
  int said;
};

/* The next word of a trial; true: its last. One that was stopped need not have heard of it yet. */
static bool speak(struct begun *begun, struct judge *judge, struct running *running, uint64_t seed, bool heard) {
  struct ledger *ledger = &begun->ledger;
  const int rungs = ledger->shape.rungs;
  struct ledger_trial *row = &ledger->trial[running->trial];
  const double value = running->said < rungs ? would_report(seed, running->trial, running->said) : (double)NAN;
  const bool over = isnan(value) || (judge_has_stopped(judge, running->trial) && heard);
  row->state = TRIAL_RUNNING;
  if (over) {
    row->state = judge_has_stopped(judge, running->trial) ? TRIAL_PRUNED
                 : running->said < rungs                  ? TRIAL_DIVERGED
                                                          : TRIAL_COMPLETE;
  } else if (!judge_has_stopped(judge, running->trial)) {
    ledger->rung[running->trial * rungs + running->said] = value;
    row->reports = ledger->rung_report[running->said];
  }
  running->said += 1;
  judge_hear(judge, running->trial);
  return over;
}

/* All trials, as many at a time as there are groups; the first group is slow. */
static int64_t run(struct begun *begun, struct judge *judge, uint64_t seed, uint64_t *draws) {
  struct running running[GROUPS];
  int64_t next = 0, events = 0;
  for (int g = 0; g < GROUPS; g++) running[g].trial = -1;
  for (int64_t ended = 0; ended < judge->trials;) {
    const uint32_t g = draw_below(draws, GROUPS);
    if (g == 0 && next < judge->trials && draw_below(draws, 20)) continue;
    if (running[g].trial < 0 && next == judge->trials) continue;
    if (running[g].trial < 0) running[g] = (struct running){.trial = next++};
    events += 1;
    if (!speak(begun, judge, &running[g], seed, draw_below(draws, 2))) continue;
    running[g].trial = -1;
    ended += 1;
  }
  return events;
}

static void check(const struct begun *begun, const struct judge *judge, const double *rows, const int *at) {
  const int rungs = begun->ledger.shape.rungs;
  for (int64_t t = 0; t < judge->trials; t++) {
    if (judge_has_stopped(judge, t) != (at[t] >= 0))
      fail_msg("trial %d: stopped %d, by definition at %d", (int)t, judge_has_stopped(judge, t), at[t]);
    assert_true(judge_is_final(judge, t));
    for (int k = 0; k < rungs; k++) {
      const double found = begun->ledger.rung[t * rungs + k], expected = rows[t * rungs + k];
      assert_true(found == expected || (isnan(found) && isnan(expected)));
    }
  }
}

/* In any order the trials that the definition stops; and again when what is there is judged anew. */
static void test_definition(void **state) {
  enum { TRIALS = 150 };
  (void)state;
  for (int r = 0; r < RULES; r++)
    for (uint64_t seed = 1; seed <= TESTING_ROUNDS(24, 4); seed++) {
      static const int windows[] = {1, 2, 7, 24};
      char more[32];
      struct begun begun;
      struct judge judge;
      uint64_t draws = 77 * seed;
      int64_t stopped = 0;
      snprintf(more, sizeof more, "window: %d\n", windows[seed % 4]);
      begin(rules[r], more, TRIALS, &begun);
      const int rungs = begun.ledger.shape.rungs;
      double *rows = malloc((size_t)(TRIALS * rungs) * sizeof *rows);
      int at[TRIALS];
      assert_non_null(rows);
      assert_ok(judge_open(begun.sweep, &begun.ledger, &judge));
      define(&judge, seed, rows, at);
      (void)run(&begun, &judge, seed, &draws);
      check(&begun, &judge, rows, at);
      while (judge_take(&judge) >= 0) stopped += 1;
      assert_true(stopped > TRIALS / 10);
      judge_close(&judge);
      assert_ok(judge_open(begun.sweep, &begun.ledger, &judge));
      check(&begun, &judge, rows, at);
      judge_close(&judge);
      free(rows);
      begun_free(&begun);
    }
}

/* As they arrive: each word is judged by what there is of trials with lower numbers. */
static void test_arrival(void **state) {
  enum { TRIALS = 120 };
  (void)state;
  for (int r = 0; r < RULES; r++) {
    struct begun begun;
    struct judge judge;
    struct running running[GROUPS] = {{.trial = 0}};
    uint64_t draws = 5;
    int64_t next = GROUPS;
    begin(rules[r], "order: arrival\n", TRIALS, &begun);
    assert_ok(judge_open(begun.sweep, &begun.ledger, &judge));
    for (int g = 0; g < GROUPS; g++) running[g].trial = g;
    for (int64_t ended = 0; ended < TRIALS;) {
      struct running *one = &running[draw_below(&draws, GROUPS)];
      if (one->trial < 0) continue;
      const bool had = judge_has_stopped(&judge, one->trial);
      const bool over = speak(&begun, &judge, one, 9, true);
      const int k = one->said - 1;
      if (!over)
        assert_int_equal(
            judge_has_stopped(&judge, one->trial),
            had || (k >= judge.first && one->trial > 0 && stops(&judge, begun.ledger.rung, one->trial, k, one->trial)));
      if (!over) continue;
      ended += 1;
      *one = (struct running){.trial = next < TRIALS ? next++ : -1};
    }
    judge_close(&judge);
    begun_free(&begun);
  }
}

/* us of the processor an event. The first trial that is slow keeps none of the others waiting to be looked at. */
static void test_cost(void **state) {
  (void)state;
  for (int r = 0; r < RULES; r++) {
    const int64_t trials = TESTING_ROUNDS(10000, 500);
    struct begun begun;
    struct judge judge;
    struct timespec begin_time, end_time;
    uint64_t draws = 3;
    begin(rules[r], "window: 24\n", trials, &begun);
    assert_ok(judge_open(begun.sweep, &begun.ledger, &judge));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin_time);
    const int64_t events = run(&begun, &judge, 1, &draws);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end_time);
    const double seconds =
        (double)(end_time.tv_sec - begin_time.tv_sec) + 1e-9 * (double)(end_time.tv_nsec - begin_time.tv_nsec);
    printf("  %s: %.2f us an event, of %lld\n", rules[r], 1e6 * seconds / (double)events, (long long)events);
    assert_true(seconds / (double)events < TESTING_ROUNDS(2e-6, 1e-3));
    judge_close(&judge);
    begun_free(&begun);
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_definition), cmocka_unit_test(test_arrival),
                                     cmocka_unit_test(test_cost)};
  if (ranks_begin(argc, argv)) return 1;
  return ranks_end(cmocka_run_group_tests_name("sweep.judge", tests, NULL, NULL));
}
