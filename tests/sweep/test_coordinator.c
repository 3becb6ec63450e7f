/* The coordinator with groups that are only imagined, and that end their trials in random orders: whatever the number
 * of groups, however often trials fail once, processes die or the job is cut off, the ledger ends in the same
 * numbers. */
#define BEGUN_FILE "test_coordinator.h5"

#include "imagined.h"

static void test_orders(void **state) {
  (void)state;
  for (int i = 0; i < CASES; i++) {
    struct results first = {.number = NULL};
    for (int k = 0; k < TESTING_ROUNDS(4, 1); k++)
      for (int failures = 0; failures < 2; failures++) {
        struct begun begun;
        struct coordinator_outcome outcome;
        struct imagined im = {.seed = 100 + (uint64_t)(10 * k + failures), .failures = failures};
        begin_case(i, &begun);
        assert_ok(run_job(&begun, group_counts[k], &im, &outcome));
        assert_int_equal(outcome.end, COORDINATOR_COMPLETE);
        for (int g = 0; g < group_counts[k]; g++) assert_true(im.quit[g] && !im.busy[g]);
        if (!failures && !*begun.sweep->early.type) assert_int_equal(im.orders, begun.ledger.shape.trials);
        if (failures && !*begun.sweep->early.type) assert_true(im.orders > begun.ledger.shape.trials);
        check_results(&begun, &first);
        /* And so it stands in the file. */
        assert_int_equal(begun_again(&begun), 0);
        check_results(&begun, &first);
        begun_free(&begun);
      }
    free(first.number);
  }
}

/* Rows as a kill between two writes leaves them: what follows from the last report is not there yet. */
static void tear_rows(struct ledger *ledger, uint64_t *draws) {
  for (int64_t t = 0; t < ledger->shape.trials; t++) {
    struct ledger_trial *row = &ledger->trial[t];
    if (row->state != TRIAL_RUNNING || row->confirms || draw_below(draws, 2)) continue;
    row->value = NAN;
    for (int k = 0; k < ledger->shape.rungs; k++)
      if (ledger->rung_report[k] == row->reports) ledger->rung[t * ledger->shape.rungs + k] = NAN;
  }
}

/* A method with fewer points than the brackets of the plan, 9, 5, 3, and 6 instead of 9: these are halved as they are,
 * and one of them gets to the end; also when the job is cut off on the way there. */
static void test_dry(void **state) {
  static const char more[] = "window: 1\nearly_terminate: {type: hyperband_brackets, min_iter: 1}\n";
  static const int64_t expected[] = {9 + 6, 3 + 5 + 2, 1 + 1 + 3 + 1}; /* at reports 1 and 3, and the end */
  struct results first = {.number = NULL};
  int64_t stops = INT64_MAX;
  (void)state;
  for (int round = 0; round < TESTING_ROUNDS(60, 10); round++) {
    char text[1024];
    struct begun begun;
    struct coordinator_outcome outcome;
    struct imagined im = {.seed = 3, .stops_at = stops};
    int64_t at[3] = {0};
    snprintf(text, sizeof text, "%s%s", more, begun_square);
    begun_make(text, &begun);
    begun.sweep->method = &scarce_method;
    assert_int_equal(begun.ledger.shape.rungs, 2);
    const enum status status = run_job(&begun, 1, &im, &outcome);
    if (round == 0) stops = im.polls;
    stops -= TESTING_ROUNDS(2, 12);
    if (status != STATUS_OK) {
      assert_int_equal(begun_again(&begun), 0);
      im = (struct imagined){.seed = 4};
      assert_ok(run_job(&begun, 3, &im, &outcome));
    }
    assert_int_equal(begun.ledger.points, SCARCE_POINTS);
    for (int64_t j = 0; j < begun.ledger.jobs; j++) at[begun.ledger.job[j].rung] += 1;
    for (int k = 0; k < 3; k++) assert_int_equal(at[k], expected[k]);
    check_results(&begun, &first);
    begun_free(&begun);
  }
  free(first.number);
}

/* Cut off after random times, again and again, on other numbers of groups. Trials under way are blamed for nothing. */
static void test_cut_off(void **state) {
  (void)state;
  for (int i = 0; i < CASES; i++) {
    struct results first = {.number = NULL};
    for (uint64_t seed = 1; seed <= TESTING_ROUNDS(4, 1); seed++) {
      struct begun begun;
      struct coordinator_outcome outcome;
      uint64_t draws = 1000 + seed;
      int jobs = 0;
      enum status status = STATUS_MPI;
      begin_case(i, &begun);
      while (status != STATUS_OK) {
        struct imagined im = {.seed = ++draws};
        if (seed > 1) im.stops_at = jobs ? 1 + draw_below(&draws, 120) : 1; /* first before any report */
        if (jobs++ > 200) im.stops_at = 0;
        status = run_job(&begun, group_counts[draw_below(&draws, 3)], &im, &outcome);
        if (status != STATUS_OK) assert_string_equal(status_message(), "the job is cut off");
        if (status != STATUS_OK && draw_below(&draws, 3)) { /* a kill, after which nobody says a word */
          ledger_close(&begun.ledger);
          assert_int_equal(rename(CUT_FILE, BEGUN_FILE), 0);
        }
        assert_int_equal(begun_again(&begun), 0);
        tear_rows(&begun.ledger, &draws);
      }
      assert_true(seed == 1 || jobs > 2);
      for (int64_t t = 0; t < begun.ledger.shape.trials; t++) assert_int_equal(begun.ledger.trial[t].failures, 0);
      check_results(&begun, &first);
      begun_free(&begun);
    }
    free(first.number);
  }
}

/* Asked to stop, trials end where they are; going on gives what there would have been. */
static void test_drain(void **state) {
  (void)state;
  for (int i = 0; i < CASES; i++) {
    struct results first = {.number = NULL};
    for (int stops = 0; stops < 2; stops++) {
      struct begun begun;
      struct coordinator_outcome outcome;
      begin_case(i, &begun);
      stop_now = stops;
      struct imagined im = {.seed = 9};
      assert_ok(run_job(&begun, 5, &im, &outcome));
      assert_int_equal(outcome.end, stops ? COORDINATOR_DRAINED : COORDINATOR_COMPLETE);
      stop_now = false;
      if (stops) {
        int64_t preempted = 0;
        for (int64_t t = 0; t < begun.ledger.shape.trials; t++) {
          preempted += begun.ledger.trial[t].state == TRIAL_PREEMPTED;
          assert_true(begun.ledger.trial[t].state != TRIAL_RUNNING && begun.ledger.trial[t].failures == 0);
        }
        assert_true(preempted > 0);
        assert_int_equal(begun_again(&begun), 0);
        im = (struct imagined){.seed = 10};
        assert_ok(run_job(&begun, 2, &im, &outcome));
        assert_int_equal(outcome.end, COORDINATOR_COMPLETE);
      }
      check_results(&begun, &first);
      begun_free(&begun);
    }
    free(first.number);
  }
}

/* A trial that fails every time is failed after max_restarts; the others are what they are. */
static void test_failing(void **state) {
  struct begun begun;
  struct coordinator_outcome outcome;
  char text[1024];
  (void)state;
  snprintf(text, sizeof text, "%sresources: {max_restarts: 0}\n", begun_square);
  begun_make(text, &begun);
  struct imagined im = {.seed = 4, .failures = true};
  assert_ok(run_job(&begun, 5, &im, &outcome));
  assert_int_equal(im.orders, 60);
  for (int64_t t = 0; t < 60; t++) {
    const struct ledger_trial *row = &begun.ledger.trial[t];
    assert_int_equal(row->state, t % 8 == 2 ? TRIAL_FAILED : t % 11 == 7 ? TRIAL_DIVERGED : TRIAL_COMPLETE);
    assert_string_equal(row->reason, row->state == TRIAL_COMPLETE ? "" : "as imagined");
  }
  begun_free(&begun);
}

/* Budgets end a job that can go on with more. */
static void test_budgets(void **state) {
  static const char *const more[] = {"resources: {wall_time: 0.05}\n", "resources: {core_hours: 0.00001}\n"};
  static const enum coordinator_end ends[] = {COORDINATOR_DRAINED, COORDINATOR_BUDGET};
  (void)state;
  for (int i = 0; i < 2; i++) {
    struct begun begun;
    struct coordinator_outcome outcome;
    char text[1024];
    snprintf(text, sizeof text, "%s%s", begun_square, more[i]);
    begun_make(text, &begun);
    struct imagined im = {.seed = 4};
    assert_ok(run_job(&begun, 2, &im, &outcome));
    assert_int_equal(outcome.end, ends[i]);
    assert_true(im.orders > 2 && im.orders < 60);
    for (int64_t t = 0; t < 60; t++) assert_true(begun.ledger.trial[t].state != TRIAL_RUNNING);
    struct imagined later = {.seed = 5}; /* core-hours that are used up start nothing more */
    assert_ok(run_job(&begun, 2, &later, &outcome));
    assert_true(ends[i] == COORDINATOR_BUDGET ? later.orders == 0 : later.orders > 0);
    begun_free(&begun);
  }
}

/* Reports sit at their indices. One that comes again after a roll back takes the place of the first, and those behind
 * it, which are of a past that is not, go. */
static void test_roll_back(void **state) {
  enum { TRIAL = 5 };
  static const double expected[REPORTS] = {0, 1, 102, 103, NAN, NAN, NAN, NAN, NAN};
  struct begun begun;
  struct coordinator_outcome outcome;
  struct imagined im = {.seed = 4, .rolls_back = TRIAL};
  (void)state;
  begun_make(begun_square, &begun);
  assert_int_equal(begun.ledger.shape.reports, REPORTS);
  assert_ok(run_job(&begun, 3, &im, &outcome));
  for (int again = 0; again < 2; again++) { /* in memory, and in the file */
    const struct ledger *ledger = &begun.ledger;
    assert_int_equal(ledger->trial[TRIAL].state, TRIAL_COMPLETE);
    assert_int_equal(ledger->trial[TRIAL].reports, 4);
    assert_int_equal(ledger->trial[TRIAL].step, 4);
    assert_true(ledger->trial[TRIAL].value == 103);
    for (int64_t r = 0; r < REPORTS; r++) {
      const double found = ledger->validation[TRIAL * REPORTS + r];
      assert_true(found == expected[r] || (isnan(found) && isnan(expected[r])));
      assert_int_equal(ledger->report_step[TRIAL * REPORTS + r], r < 4 ? r + 1 : 0);
    }
    if (!again) assert_int_equal(begun_again(&begun), 0);
  }
  begun_free(&begun);
}

/* What a group says that has been given up is passed over: its trial is put back, to be run in a later job. */
static void test_given_up(void **state) {
  enum { TRIAL = 9 };
  struct results first = {.number = NULL};
  char text[1024];
  (void)state;
  snprintf(text, sizeof text, "%sresources: {trial_timeout: 0.3, grace: 0.2, max_restarts: 1}\n", begun_square);
  for (uint64_t seed = 1; seed <= TESTING_ROUNDS(6, 2); seed++) {
    struct begun begun;
    struct coordinator_outcome outcome;
    begun_make(text, &begun);
    struct imagined im = {.seed = seed, .mute = seed > 1 ? TRIAL : 0};
    assert_ok(run_job(&begun, 5, &im, &outcome));
    if (seed > 1) {
      const struct ledger_trial *row = &begun.ledger.trial[TRIAL];
      assert_int_equal(outcome.end, COORDINATOR_STUCK);
      for (int g = 0; g < 5; g++) assert_false(im.busy[g]); /* it has spoken */
      assert_int_equal(row->state, TRIAL_LOST);
      assert_int_equal(row->reports, 0);
      assert_int_equal(row->failures, 1);
      assert_non_null(strstr(row->reason, "reached no step boundary"));
      assert_int_equal(begun_again(&begun), 0);
      im = (struct imagined){.seed = 10 + seed};
      assert_ok(run_job(&begun, 2, &im, &outcome));
    }
    assert_int_equal(outcome.end, COORDINATOR_COMPLETE);
    check_results(&begun, &first);
    begun_free(&begun);
  }
  free(first.number);
}

/* A metric that none of the first three trials knows ends the sweep, and one that any of them knows does not, whichever
 * trials happen to end first. */
static void test_unknown_metric(void **state) {
  static const int64_t knows[] = {1, 2, 3, 60};
  (void)state;
  for (size_t i = 0; i < sizeof knows / sizeof *knows; i++)
    for (uint64_t seed = 1; seed <= TESTING_ROUNDS(8, 2); seed++) {
      struct begun begun;
      struct coordinator_outcome outcome;
      struct imagined im = {.seed = seed, .nobody_knows = true, .knows = knows[i]};
      begun_make(begun_square, &begun);
      const enum status status = run_job(&begun, seed % 2 ? 8 : 3, &im, &outcome);
      if (knows[i] < 3) {
        assert_ok(status);
        assert_int_equal(outcome.end, COORDINATOR_COMPLETE);
      } else {
        assert_int_equal(status, STATUS_CONFIG);
        assert_non_null(strstr(status_message(), "no trial reports the metric loss"));
        status_clear();
      }
      begun_free(&begun);
    }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_orders),    cmocka_unit_test(test_dry),      cmocka_unit_test(test_cut_off),
      cmocka_unit_test(test_drain),     cmocka_unit_test(test_failing),  cmocka_unit_test(test_budgets),
      cmocka_unit_test(test_roll_back), cmocka_unit_test(test_given_up), cmocka_unit_test(test_unknown_metric)};
  if (ranks_begin(argc, argv)) return 1;
  log_scope("", false); /* what coordinators say */
  return ranks_end(cmocka_run_group_tests_name("sweep.coordinator", tests, NULL, NULL));
}
