/* Which configurations a sweep has: they follow from its file and the results that a choice may know, never from the
 * order in which trials end; and going on they are chosen again, the same. */
#define BEGUN_FILE "test_search.h5"

#include "begun.h"

/* Ends a trial as a group would. */
static void end_trial(struct begun *begun, int64_t t, double value) {
  struct ledger *ledger = &begun->ledger;
  struct ledger_trial *row = &ledger->trial[t];
  row->state = isnan(value) ? TRIAL_DIVERGED : TRIAL_COMPLETE;
  row->starts = 1;
  row->value = value;
  row->reports = 1;
  ledger->validation[t * ledger->shape.reports] = value;
  ledger_touch_reports(ledger, t);
}

static double value_of(const struct begun *begun, int64_t t) {
  const int n = begun->ledger.shape.parameters;
  const struct ledger_trial *row = &begun->ledger.trial[t];
  const double value = begun_value(begun->ledger.point + row->configuration * n, n, row->seed);
  return t % 7 == 5 ? NAN : value; /* some diverge */
}

/* Chooses all; whenever that needs results, and sometimes when it does not, a random one of the trials that are under
 * way ends. At most `groups` are. Returns how many configurations there are. */
static int64_t search_all(struct begun *begun, int groups, uint64_t seed, const char **why) {
  struct search search;
  int64_t running[64], count = 0, next = 0;
  enum search_answer answer = SEARCH_CHOSEN;
  assert_ok(search_open(begun->sweep, &begun->ledger, &search));
  while (answer != SEARCH_END || count > 0) {
    const int64_t known = begun->ledger.points * begun->sweep->repeats;
    if (count < groups && next < known) {
      running[count++] = next++;
    } else if (count < groups && answer != SEARCH_END) {
      assert_ok(search_next(&search, &answer));
      if (answer == SEARCH_WAIT) assert_true(count > 0);
      if (answer != SEARCH_WAIT) continue;
    }
    if (count == 0 || (count < groups && answer != SEARCH_WAIT && draw_below(&seed, 2))) continue;
    const uint32_t k = draw_below(&seed, (uint32_t)count);
    if (!trial_ended(begun->ledger.trial[running[k]].state)) end_trial(begun, running[k], value_of(begun, running[k]));
    running[k] = running[--count];
    if (answer == SEARCH_WAIT) answer = SEARCH_CHOSEN;
  }
  if (why) *why = search.why;
  search_close(&search);
  return begun->ledger.points;
}

static void with_text(const char *more, char text[2048]) { snprintf(text, 2048, "%s%s", begun_square, more); }

static void with_target(const char *more, char text[2048]) {
  with_text(more, text);
  char *goal = strstr(text, "goal: minimize"), *rest = strdup(goal + strlen("goal: minimize"));
  snprintf(goal, 1024, "goal: minimize, target: 0.02%s", rest);
  free(rest);
}

/* Job j sees exactly the configurations whose trials are all among 0..j-W, with their results. */
static void test_window(void **state) {
  static const struct {
    const char *more;
    int64_t window, repeats;
  } cases[] = {{"window: 1\n", 1, 1},
               {"window: 4\n", 4, 1},
               {"window: 4\nrepeats: 3\n", 4, 3},
               {"window: 7\nrepeats: 3\n", 7, 3},
               {"window: 100\n", 100, 1}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[2048];
    double *first = NULL;
    int64_t bytes = 0;
    with_text(cases[i].more, text);
    for (int groups = 1; groups <= 13; groups += 4) {
      struct begun begun;
      begun_make(text, &begun);
      begun.sweep->method = &learning_method;
      assert_int_equal(begun.sweep->window, cases[i].window);
      assert_int_equal(search_all(&begun, groups, 11 * (uint64_t)groups, NULL), 60);
      for (int64_t c = 0; c < 60; c++) {
        int64_t known = 0;
        double sum = 0;
        while ((known + 1) * cases[i].repeats - 1 <= c * cases[i].repeats - cases[i].window) known += 1;
        assert_int_equal(learning.known[c], known);
        for (int64_t k = 0; k < known; k++) {
          const struct search_result result = search_result_of(begun.sweep, &begun.ledger, k);
          if (!isnan(result.rank)) sum += result.rank;
        }
        assert_true(learning.sum[c] == sum);
      }
      bytes = 2 * 60 * (int64_t)sizeof(double);
      if (!first) {
        first = malloc((size_t)bytes);
        memcpy(first, begun.ledger.point, (size_t)bytes);
      }
      assert_memory_equal(first, begun.ledger.point, (size_t)bytes);
      begun_free(&begun);
    }
    free(first);
  }
}

/* The target ends it at one configuration, whatever ends first, since only what a choice may know can end it. */
static void test_target(void **state) {
  char text[2048];
  int64_t first = 0;
  const char *why = NULL;
  (void)state;
  with_target("window: 5\n", text);
  for (uint64_t seed = 1; seed <= 12; seed++) {
    struct begun begun;
    begun_make(text, &begun);
    const int64_t count = search_all(&begun, 1 + (int)seed % 9, seed, &why);
    if (seed == 1) first = count;
    assert_int_equal(count, first);
    assert_string_equal(why, "the metric has reached its target");
    /* The first that reaches it, and as many more as could not know of it: c may be chosen when 0..c-5 are known. */
    int64_t reaches = 0;
    while (!(value_of(&begun, reaches) <= 0.02)) reaches += 1;
    assert_int_equal(count, reaches + 5);
    begun_free(&begun);
  }
  assert_true(first > 5 && first < 60);
}

/* Generations: the same members with the same origins, whoever ends first; each knows the whole generation before. Of
 * few points they have each often. */
static void test_generations(void **state) {
  static const char text[] = "method: pbt\npbt: {population: 7, every: 2}\nmetric: {name: loss}\nseed: 3\nparameters:\n"
                             "  synthetic.x: {values: [0.1, 0.4]}\n  synthetic.y: {values: [0.25, 0.5, 0.75]}\n";
  enum { MEMBERS = 7, ALL = 5 * MEMBERS };
  struct ledger_job first[ALL];
  const char *why = NULL;
  (void)state;
  for (uint64_t seed = 1; seed <= 8; seed++) {
    struct begun begun;
    struct search search;
    begun_make(text, &begun);
    assert_int_equal(search_all(&begun, 1 + (int)seed % 9, seed, &why), ALL);
    assert_string_equal(why, "all configurations have been chosen");
    const struct ledger *ledger = &begun.ledger;
    if (seed == 1) memcpy(first, ledger->job, sizeof first);
    assert_memory_equal(first, ledger->job, sizeof first);
    for (int64_t c = 0; c < ALL; c++) {
      const int64_t before = c - MEMBERS, origin = ledger->job[c].origin;
      assert_int_equal(ledger->job[c].known, c / MEMBERS * MEMBERS);
      assert_true(c < MEMBERS ? origin == -1 : origin / MEMBERS == before / MEMBERS);
      if (c >= MEMBERS) assert_int_equal(ledger->trial[origin].state, TRIAL_COMPLETE);
      if (c >= MEMBERS && origin == before) assert_memory_equal(ledger->point + 2 * c, ledger->point + 2 * before, 16);
    }
    /* Going on, origins are chosen again and compared. */
    assert_ok(search_open(begun.sweep, &begun.ledger, &search));
    assert_false(search_goes_on_from(&search, 3) || search_goes_on_from(&search, ALL - 1));
    search_close(&search);
    begun.ledger.trial[ALL - 1].state = TRIAL_LOST;
    assert_ok(search_open(begun.sweep, &begun.ledger, &search));
    assert_true(search_goes_on_from(&search, first[ALL - 1].origin));
    search_close(&search);
    begun.ledger.job[ALL - 1].origin = first[ALL - 1].origin == ALL - 9 ? ALL - 10 : ALL - 9;
    assert_status(STATUS_FILE, search_open(begun.sweep, &begun.ledger, &search));
    assert_non_null(strstr(status_message(), "configuration 34 begins from configuration"));
    begun_free(&begun);
  }
}

/* Going on at any place: the same points, those that are there and those to come. */
static void test_replay(void **state) {
  static const char *const more[] = {"window: 3\n", "window: 3\nrepeats: 2\n"};
  (void)state;
  for (size_t i = 0; i < sizeof more / sizeof *more; i++)
    for (int learns = 0; learns < 2; learns++) {
      char text[2048];
      struct begun whole, begun;
      struct search search;
      enum search_answer answer;
      with_text(more[i], text);
      begun_make(text, &whole);
      if (learns) whole.sweep->method = &learning_method;
      (void)search_all(&whole, 4, 5, NULL);
      double points[2 * 60];
      memcpy(points, whole.ledger.point, sizeof points);
      begun_free(&whole);
      begun_make(text, &begun);
      if (learns) begun.sweep->method = &learning_method;
      while (begun.ledger.points < 60) { /* a job that ends after seven more */
        const int64_t until = begun.ledger.points + 7 < 60 ? begun.ledger.points + 7 : 60;
        assert_ok(search_open(begun.sweep, &begun.ledger, &search));
        while (begun.ledger.points < until) {
          assert_ok(search_next(&search, &answer));
          const int64_t c = begun.ledger.points - 1, repeats = begun.sweep->repeats;
          assert_int_equal(answer, SEARCH_CHOSEN);
          for (int64_t t = c * repeats; t < (c + 1) * repeats; t++) end_trial(&begun, t, value_of(&begun, t));
        }
        search_close(&search);
        assert_ok(ledger_flush(&begun.ledger));
        assert_int_equal(begun_again(&begun), 0);
        assert_int_equal(begun.ledger.points, until);
      }
      assert_memory_equal(points, begun.ledger.point, sizeof points);
      begun_free(&begun);
    }
}

/* A trial that had failed is put back, and reaches the target: configurations chosen behind it are not the sweep's any
 * more, whether a job begins before it has ended or, since the one before was cut off, after it. */
static void test_target_later(void **state) {
  enum { FAILED = 4 };
  char text[2048];
  (void)state;
  with_target("window: 1\n", text);
  for (int ended = 0; ended < 2; ended++) {
    struct begun begun;
    struct search search;
    enum search_answer answer = SEARCH_CHOSEN;
    begun_make(text, &begun);
    assert_ok(search_open(begun.sweep, &begun.ledger, &search));
    while (answer == SEARCH_CHOSEN) {
      const int64_t t = begun.ledger.points;
      assert_ok(search_next(&search, &answer));
      if (answer == SEARCH_CHOSEN) end_trial(&begun, t, 1 + (double)t);
      if (t == FAILED) begun.ledger.trial[t].state = TRIAL_FAILED;
    }
    search_close(&search);
    assert_int_equal(begun.ledger.points, 60);
    begun.ledger.trial[FAILED].state = TRIAL_QUEUED;
    if (ended) end_trial(&begun, FAILED, 0.01);
    assert_ok(search_open(begun.sweep, &begun.ledger, &search));
    assert_int_equal(begun.ledger.points, FAILED + 1);
    if (!ended) end_trial(&begun, FAILED, 0.01);
    assert_ok(search_next(&search, &answer));
    assert_int_equal(answer, SEARCH_END);
    assert_string_equal(search.why, "the metric has reached its target");
    assert_int_equal(begun.ledger.points, FAILED + 1);
    search_close(&search);
    begun_free(&begun);
  }
}

/* Going on after many configurations of a method that learns does not choose all of them again: the last, and some of
 * the others; and what was lost. Another program or file is noticed all the same. */
static void test_many(void **state) {
  enum { ALL = 400, AGAIN = 32 + 16 };
  char text[1024];
  struct begun begun;
  struct search search;
  double points[2 * ALL];
  (void)state;
  snprintf(text, sizeof text,
           "method: random\nmetric: {name: loss}\nrun_cap: %d\nwindow: 4\nparameters:\n"
           "  synthetic.x: {min: 0.0, max: 1.0}\n  synthetic.y: {min: 0.0, max: 1.0}\n",
           (int)ALL);
  begun_make(text, &begun);
  begun.sweep->method = &learning_method;
  assert_int_equal(search_all(&begun, 3, 1, NULL), ALL);
  memcpy(points, begun.ledger.point, sizeof points);
  for (int lost = 0; lost < 2; lost++) {
    if (lost) begun.ledger.point[2 * 301] = begun.ledger.point[2 * 302 + 1] = NAN;
    learning.proposals = 0;
    assert_ok(search_open(begun.sweep, &begun.ledger, &search));
    assert_true(learning.proposals >= AGAIN - 3 && learning.proposals <= AGAIN + 2 * lost);
    assert_int_equal(begun.ledger.points_written, lost ? 301 : ALL);
    assert_memory_equal(begun.ledger.point, points, sizeof points);
    search_close(&search);
  }
  begun.ledger.point[2 * 303] = 1.001; /* none of the space */
  assert_status(STATUS_FILE, search_open(begun.sweep, &begun.ledger, &search));
  assert_non_null(strstr(status_message(), "configuration 303 is not what this sweep chooses there"));
  begun_free(&begun);
  begun_make(text, &begun);
  begun.sweep->method = &learning_method;
  assert_int_equal(search_all(&begun, 3, 1, NULL), ALL);
  begun.ledger.trial[303].seed += 1;
  assert_status(STATUS_FILE, search_open(begun.sweep, &begun.ledger, &search));
  assert_non_null(strstr(status_message(), "trial 303 has another seed than it should"));
  begun_free(&begun);
  begun_make(text, &begun);
  begun.sweep->method = &learning_method;
  assert_int_equal(search_all(&begun, 3, 1, NULL), ALL);
  begun.sweep->seed += 1; /* other draws, as of another program */
  assert_status(STATUS_FILE, search_open(begun.sweep, &begun.ledger, &search));
  assert_non_null(strstr(status_message(), "is not what this sweep chooses there"));
  begun_free(&begun);
}

/* What a power cut has lost of points is chosen again, and written again from there on. */
static void test_lost(void **state) {
  struct begun begun;
  struct search search;
  (void)state;
  begun_make(begun_square, &begun);
  (void)search_all(&begun, 3, 1, NULL);
  const int64_t points = begun.ledger.points;
  const double lost[2] = {begun.ledger.point[2 * 17 + 1], begun.ledger.point[2 * 20]};
  begun.ledger.point[2 * 17 + 1] = begun.ledger.point[2 * 20] = NAN;
  assert_ok(search_open(begun.sweep, &begun.ledger, &search));
  assert_int_equal(begun.ledger.points, points);
  assert_int_equal(begun.ledger.points_written, 17);
  assert_memory_equal(&begun.ledger.point[2 * 17 + 1], &lost[0], sizeof lost[0]);
  assert_memory_equal(&begun.ledger.point[2 * 20], &lost[1], sizeof lost[1]);
  search_close(&search);
  begun_free(&begun);
}

/* Points or seeds that were changed since are not gone on from. */
static void test_changed(void **state) {
  struct begun begun;
  struct search search;
  (void)state;
  begun_make(begun_square, &begun);
  (void)search_all(&begun, 3, 1, NULL);
  begun.ledger.point[2 * 17 + 1] += 1e-15;
  assert_status(STATUS_FILE, search_open(begun.sweep, &begun.ledger, &search));
  assert_non_null(strstr(status_message(), "configuration 17 is not what this sweep chooses there"));
  begun_free(&begun);
  begun_make(begun_square, &begun);
  (void)search_all(&begun, 3, 1, NULL);
  begun.ledger.trial[23].seed += 1;
  assert_status(STATUS_FILE, search_open(begun.sweep, &begun.ledger, &search));
  assert_non_null(strstr(status_message(), "trial 23 has another seed than it should"));
  begun_free(&begun);
}

/* A space of six points has six configurations, those of `enqueue` first, none twice. */
static void test_finite(void **state) {
  static const char *const methods[] = {"grid", "random", "sobol", "lhs"};
  (void)state;
  for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
    char text[1024];
    struct begun begun;
    const char *why = NULL;
    snprintf(text, sizeof text,
             "method: %s\nmetric: {name: loss}\nrun_cap: 40\nparameters:\n  synthetic.x: {values: [1, 2, 3]}\n"
             "  synthetic.y: {values: [5, 6]}\nenqueue: [{synthetic.x: 3, synthetic.y: 5}]\n",
             methods[m]);
    begun_make(text, &begun);
    assert_int_equal(begun.ledger.shape.configurations, 6);
    assert_int_equal(search_all(&begun, 3, 1, &why), 6);
    assert_string_equal(why, "every point of the space has been chosen");
    assert_true(begun.ledger.point[0] == 2 && begun.ledger.point[1] == 0);
    for (int64_t a = 0; a < 6; a++)
      for (int64_t b = 0; b < a; b++)
        assert_memory_not_equal(begun.ledger.point + 2 * a, begun.ledger.point + 2 * b, 2 * sizeof(double));
    begun_free(&begun);
  }
}

/* The best: by the mean over repeats, all of which have to be complete; of equal ones the first. */
static void test_best(void **state) {
  static const double values[5][2] = {{3, 5}, {1, NAN}, {2, 4}, {4, 2}, {9, 9}};
  char text[2048];
  struct begun begun;
  struct search search;
  enum search_answer answer;
  int64_t best[8];
  (void)state;
  for (int maximize = 0; maximize < 2; maximize++) {
    with_text("repeats: 2\n", text);
    if (maximize) memcpy(strstr(text, "minimize"), "maximize", 8);
    begun_make(text, &begun);
    assert_ok(search_open(begun.sweep, &begun.ledger, &search));
    for (int64_t c = 0; c < 5; c++) {
      assert_ok(search_next(&search, &answer));
      for (int64_t r = 0; r < 2; r++) end_trial(&begun, 2 * c + r, values[c][r]);
    }
    assert_ok(search_next(&search, &answer)); /* not run yet */
    const int64_t lowest[] = {2, 3, 0, 4}, highest[] = {4, 0, 2, 3}, *expected = maximize ? highest : lowest;
    assert_int_equal(search_best(begun.sweep, &begun.ledger, 8, best), 4);
    assert_memory_equal(best, expected, sizeof lowest);
    assert_int_equal(search_best(begun.sweep, &begun.ledger, 2, best), 2);
    assert_memory_equal(best, expected, 2 * sizeof *best);
    const struct search_result result = search_result_of(begun.sweep, &begun.ledger, 0);
    assert_true(result.mean == 4 && fabs(result.error - 1) < 1e-15 && result.repeats == 2);
    assert_int_equal(search_result_of(begun.sweep, &begun.ledger, 1).state, TRIAL_DIVERGED);
    search_close(&search);
    begun_free(&begun);
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_window),       cmocka_unit_test(test_target),
                                     cmocka_unit_test(test_generations),  cmocka_unit_test(test_replay),
                                     cmocka_unit_test(test_target_later), cmocka_unit_test(test_many),
                                     cmocka_unit_test(test_lost),         cmocka_unit_test(test_changed),
                                     cmocka_unit_test(test_finite),       cmocka_unit_test(test_best)};
  if (ranks_begin(argc, argv)) return 1;
  return ranks_end(cmocka_run_group_tests_name("sweep.search", tests, NULL, NULL));
}
