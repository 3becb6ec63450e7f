/* The coordinator in jobs that end, by a clock that is only imagined, and that are requeued. */
#define BEGUN_FILE "test_coordinator_time.h5"

#include "imagined.h"

static int64_t count_events(const struct ledger *ledger, enum event_kind kind) {
  int64_t count = 0;
  for (int64_t e = 0; e < ledger->events; e++) count += ledger->event[e].kind == kind;
  return count;
}

/* Jobs that end, one after the other: in which order things are run follows from it, and nothing else. In some of them
 * a whole way from rung to rung fits, in others none does. */
static void test_deadlines(void **state) {
  static const double lengths[] = {10, 20};
  (void)state;
  for (int i = 0; i < CASES; i++) {
    struct results first = {.number = NULL};
    for (int k = 0; k <= (int)TESTING_ROUNDS(2, 1); k++) {
      struct begun begun;
      struct coordinator_outcome outcome = {.end = COORDINATOR_DRAINED};
      int64_t jobs = 0, held = 0;
      begin_case(i, &begun);
      while (outcome.end == COORDINATOR_DRAINED) {
        struct imagined im = {.seed = 70 + (uint64_t)jobs, .tick = .03, .left = k > 0 ? lengths[k - 1] : 0};
        assert_true(jobs++ < 400);
        assert_ok(run_job(&begun, group_counts[jobs % 3], &im, &outcome));
        held += im.held;
        assert_true(im.left == 0 || im.time < im.left - RESERVE + 2);
        for (int g = 0; g < group_counts[jobs % 3]; g++) assert_true(!im.busy[g]);
        if (outcome.end == COORDINATOR_DRAINED) assert_int_equal(count_events(&begun.ledger, EVENT_DRAIN), jobs);
        assert_int_equal(begun_again(&begun), 0);
      }
      assert_int_equal(outcome.end, COORDINATOR_COMPLETE);
      assert_true(k == 0 ? jobs == 1 : jobs > 1 || k > 1);
      assert_int_equal(held, 0);
      for (int64_t t = 0; t < begun.ledger.shape.trials; t++) assert_int_equal(begun.ledger.trial[t].failures, 0);
      check_results(&begun, &first);
      begun_free(&begun);
    }
    free(first.number);
  }
}

/* What cannot come to its rung any more is left for the next job, although groups are free and there is time for other
 * things: nobody has to stop midway, and the job ends when there is nothing else. Where no job is long enough for a way
 * from rung to rung, trials go it bit by bit. */
static void test_rungs_wait(void **state) {
  static const double lengths[] = {14, RESERVE + 1};
  (void)state;
  for (int i = 0; i < 2; i++) {
    struct begun begun;
    struct coordinator_outcome outcome;
    char text[1024];
    int64_t preempted = 0, jobs = 0, early = 0;
    snprintf(text, sizeof text, "%swindow: 4\nearly_terminate: {type: asha, min_iter: 3, eta: 3}\n", begun_square);
    begun_make(text, &begun);
    do {
      struct imagined im = {.seed = 5 + (uint64_t)jobs, .tick = .1, .left = lengths[i]};
      assert_ok(run_job(&begun, 2, &im, &outcome));
      preempted += im.preempted;
      early += outcome.end == COORDINATOR_DRAINED && im.time < im.left - RESERVE - im.tick;
      assert_int_equal(begun_again(&begun), 0);
      assert_true(++jobs < 400);
    } while (outcome.end == COORDINATOR_DRAINED);
    assert_true(jobs > 2);
    assert_true(i == 0 ? preempted < jobs && early > 0 : preempted > jobs);
    begun_free(&begun);
  }
}

/* A job without time for anything begins nothing; one that has none left does not begin again what it has stopped. */
static void test_too_short(void **state) {
  struct begun begun;
  struct coordinator_outcome outcome;
  struct imagined im = {.seed = 4, .tick = .1, .left = RESERVE - 1};
  (void)state;
  begun_make(begun_square, &begun);
  assert_ok(run_job(&begun, 5, &im, &outcome));
  assert_int_equal(outcome.end, COORDINATOR_DRAINED);
  assert_int_equal(im.orders, 0);
  assert_int_equal(count_events(&begun.ledger, EVENT_STARTED), 0);
  assert_int_equal(count_events(&begun.ledger, EVENT_DRAIN), 1);
  im = (struct imagined){.seed = 4, .tick = .1, .left = RESERVE + .15}; /* trials stop themselves at once */
  assert_ok(run_job(&begun, 2, &im, &outcome));
  assert_int_equal(outcome.end, COORDINATOR_DRAINED);
  for (int64_t t = 0; t < 60; t++)
    assert_true(begun.ledger.trial[t].starts <= 1 && begun.ledger.trial[t].failures == 0);
  begun_free(&begun);
}

/* Trials that know nothing of the end are told. */
static void test_told(void **state) {
  struct begun begun;
  struct coordinator_outcome outcome;
  struct imagined im = {.seed = 4, .tick = .1, .left = RESERVE + 1, .deaf = true};
  (void)state;
  begun_make(begun_square, &begun);
  assert_ok(run_job(&begun, 5, &im, &outcome));
  assert_int_equal(outcome.end, COORDINATOR_DRAINED);
  assert_true(im.preempted > 0);
  begun_free(&begun);
}

/* A process that ran trials itself has died with one, and the job has been requeued, or not. */
static void test_requeued(void **state) {
  static const struct {
    struct provenance_job before, now;
    bool blamed;
  } ways[] = {{{.id = 5}, {.id = 5, .restarts = 1}, false},
              {{.id = 5, .restarts = 2}, {.id = 5, .restarts = 7}, false},
              {{.id = 5}, {.id = 5}, true},
              {{.id = 5}, {.id = 6, .restarts = 1}, true},
              {{.id = 5}, {.id = 0}, true},
              {{.id = 0}, {.id = 0, .restarts = 1}, true}};
  (void)state;
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    struct begun begun;
    struct coordinator_outcome outcome;
    struct imagined im = {.seed = 4, .stops_at = 30};
    begun_make(begun_square, &begun);
    provenance_set_job(&ways[i].before);
    assert_int_equal(run_job(&begun, 1, &im, &outcome), STATUS_MPI);
    status_clear();
    ledger_close(&begun.ledger);
    assert_int_equal(rename(CUT_FILE, BEGUN_FILE), 0);
    assert_int_equal(begun_again(&begun), 0);
    int64_t lost = 0;
    while (begun.ledger.trial[lost].state != TRIAL_RUNNING) lost++;
    begun.ledger.trial[lost].group = -1;
    provenance_set_job(&ways[i].now);
    im = (struct imagined){.seed = 5};
    assert_ok(run_job(&begun, 1, &im, &outcome));
    assert_int_equal(begun.ledger.trial[lost].failures, ways[i].blamed);
    assert_int_equal(count_events(&begun.ledger, EVENT_DEATH), ways[i].blamed);
    assert_int_equal(begun_again(&begun), 0);
    assert_int_equal(begun.ledger.event[0].by.id, ways[i].before.id);
    assert_int_equal(begun.ledger.event[begun.ledger.events - 1].by.restarts, ways[i].now.restarts);
    begun_free(&begun);
  }
  provenance_set_job(&(struct provenance_job){.id = 0});
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_deadlines), cmocka_unit_test(test_rungs_wait),
                                     cmocka_unit_test(test_too_short), cmocka_unit_test(test_told),
                                     cmocka_unit_test(test_requeued)};
  if (ranks_begin(argc, argv)) return 1;
  log_scope("", false); /* what coordinators say */
  return ranks_end(cmocka_run_group_tests_name("sweep.coordinator_time", tests, NULL, NULL));
}
