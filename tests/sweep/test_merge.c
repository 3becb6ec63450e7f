/* Parts of a sweep put together: rows go where they belong, the one that has come furthest counts, and what does not
 * belong together is refused. */
#define BEGUN_FILE "test_merge_folder/sweep.h5"

#include "begun.h"
#include "sweep/merge.h"

#include <sys/stat.h>
#include <unistd.h>

static const char folder[] = "test_merge_folder";

static void part_path(int64_t index, char path[STORE_PATH_MAX]) { assert_ok(folder_part(folder, index, path)); }

/* A part in whose file every `each`-th trial is complete, with values by the trials' numbers and `more`. */
static void make_part(const struct begun *begun, int64_t index, int64_t count, int64_t each, double more) {
  struct sweep sweep = *begun->sweep;
  struct search search;
  struct ledger ledger;
  enum search_answer answer = SEARCH_CHOSEN;
  char path[STORE_PATH_MAX];
  part_path(index, path);
  remove(path);
  assert_ok(sweep_take_part(&sweep, index, count));
  assert_ok(ledger_create(path, &sweep, &begun->texts, &ledger));
  assert_ok(search_open(&sweep, &ledger, &search));
  while (answer == SEARCH_CHOSEN) assert_ok(search_next(&search, &answer));
  search_close(&search);
  for (int64_t t = 0; t < ledger.shape.trials; t += each) {
    struct ledger_trial *row = &ledger.trial[t];
    row->state = TRIAL_COMPLETE;
    row->starts = row->reports = row->step = 1;
    row->data_sum = row->held_sum = 5;
    row->began = 100;
    row->ended = 200;
    row->value = (double)ledger_trial_number(&ledger, t) + more;
    ledger.validation[t * ledger.shape.reports * ledger.shape.scores] = row->value;
    ledger.report_step[t * ledger.shape.reports] = 1;
    ledger_touch_reports(&ledger, t);
  }
  assert_ok(ledger_event_add(&ledger, EVENT_FAILURE, 1, ledger.shape.trials - 1));
  assert_ok(ledger_flush(&ledger));
  if (each == 1) assert_ok(ledger_set_chosen(&ledger, ledger.points));
  ledger_close(&ledger);
}

static void begin(const char *more, struct begun *begun) {
  char text[1024], path[STORE_PATH_MAX];
  snprintf(text, sizeof text, "%s%s", begun_square, more);
  begun_texts(text, begun);
  (void)mkdir(folder, 0777);
  remove(BEGUN_FILE);
  for (int64_t i = 0; i < 8; i++) {
    part_path(i, path);
    remove(path);
  }
}

static void end(struct begun *begun) {
  begun_free(begun);
  for (int64_t i = 0; i < 8; i++) {
    char path[STORE_PATH_MAX];
    part_path(i, path);
    remove(path);
  }
  remove(folder);
}

static enum status put_together(const struct begun *begun, struct merge_report *report) {
  struct ledger whole;
  TRY(merge_write(begun->sweep, folder, &begun->texts, &whole, report));
  ledger_close(&whole);
  return STATUS_OK;
}

static void open_whole(struct begun *begun) {
  int64_t damaged;
  assert_ok(ledger_open(BEGUN_FILE, begun->sweep, 0, true, &begun->ledger, &damaged));
  assert_int_equal(damaged, 0);
}

static void test_rows(void **state) {
  struct begun begun;
  struct merge_report report;
  (void)state;
  begin("repeats: 2\n", &begun);
  make_part(&begun, 0, 3, 1, 0.5);
  make_part(&begun, 2, 3, 2, 0.5);
  assert_ok(put_together(&begun, &report));
  assert_int_equal(report.parts, 3);
  assert_int_equal(report.there, 2);
  assert_int_equal(report.complete, 1);
  assert_int_equal(report.taken, 40 + 20);
  assert_true(!report.part[1].there && report.part[1].trials == 40 && report.part[2].ended == 20);
  merge_report_free(&report);
  open_whole(&begun);
  for (int64_t t = 0; t < 120; t++) {
    const int64_t part = t / 2 % 3, repeat = t % 2;
    const bool done = part == 0 || (part == 2 && repeat == 0);
    assert_int_equal(begun.ledger.trial[t].state, done ? TRIAL_COMPLETE : TRIAL_QUEUED);
    if (!done) continue;
    assert_true(begun.ledger.trial[t].value == (double)t + 0.5);
    assert_int_equal(begun.ledger.trial[t].configuration, t / 2);
  }
  assert_int_equal(begun.ledger.chosen, 0);
  assert_int_equal(begun.ledger.events, 2);
  assert_int_equal(begun.ledger.event[0].trial, 57 * 2 + 1); /* the last of part 0 */
  ledger_close(&begun.ledger);
  assert_ok(put_together(&begun, &report));
  assert_true(report.taken == 0 && !report.news);
  merge_report_free(&report);
  make_part(&begun, 1, 3, 1, 0.5);
  make_part(&begun, 2, 3, 1, 0.5);
  assert_ok(put_together(&begun, &report));
  assert_int_equal(report.taken, 40 + 20);
  merge_report_free(&report);
  open_whole(&begun);
  assert_int_equal(begun.ledger.chosen, 60);
  for (int64_t j = 0; j < 60; j++) {
    assert_int_equal(begun.ledger.job[j].number, j + 1);
    assert_int_equal(begun.ledger.job[j].configuration, j);
    assert_int_equal(begun.ledger.job[j].draws, j + 1);
  }
  struct search search; /* the points are those that the whole chooses */
  assert_ok(search_open(begun.sweep, &begun.ledger, &search));
  search_close(&search);
  end(&begun);
}

/* In the file of part 0, which `sweep` is, trial 3 has come to something else; it ends 100 s after it began. */
static void change_part(const struct sweep *sweep, enum trial_state state, double began) {
  struct ledger part;
  char path[STORE_PATH_MAX];
  int64_t damaged;
  part_path(0, path);
  assert_ok(ledger_open(path, sweep, 0, true, &part, &damaged));
  assert_int_equal(damaged, 0);
  part.trial[3].state = state;
  part.trial[3].began = began;
  part.trial[3].ended = began + 100;
  ledger_touch_reports(&part, 3);
  assert_ok(ledger_flush(&part));
  ledger_close(&part);
}

/* What a part says has failed, and the whole has put back since, stays put back; the other way round it is taken. */
static void test_put_back(void **state) {
  struct begun begun;
  struct merge_report report;
  (void)state;
  begin("", &begun);
  make_part(&begun, 0, 2, 1, 0);
  struct sweep sweep = *begun.sweep;
  assert_ok(sweep_take_part(&sweep, 0, 2));
  change_part(&sweep, TRIAL_FAILED, 100);
  assert_ok(put_together(&begun, &report));
  merge_report_free(&report);
  open_whole(&begun);
  assert_int_equal(begun.ledger.trial[6].state, TRIAL_FAILED);
  begun.ledger.trial[6].state = TRIAL_QUEUED;
  ledger_touch_reports(&begun.ledger, 6);
  assert_ok(ledger_flush(&begun.ledger));
  ledger_close(&begun.ledger);
  assert_ok(put_together(&begun, &report));
  assert_int_equal(report.taken, 0);
  merge_report_free(&report);
  make_part(&begun, 0, 2, 1, 0); /* there it has succeeded meanwhile */
  assert_ok(put_together(&begun, &report));
  assert_int_equal(report.taken, 1);
  merge_report_free(&report);
  end(&begun);
}

/* --retry in a part may change what was a result: what has come of it counts, and is no other result of the same. */
static void test_retried(void **state) {
  static const char *const more[] = {
      "slurm: {array: 2}\n", "early_terminate: {type: asha, mode: stop, min_iter: 1}\nslurm: {array: 2}\nconfirm: 1\n"};
  (void)state;
  for (int gathered = 0; gathered < 2; gathered++) {
    struct begun begun;
    struct merge_report report;
    begin(more[gathered], &begun);
    make_part(&begun, 0, 2, 1, 0);
    make_part(&begun, 1, 2, 1, 0);
    struct sweep sweep = *begun.sweep;
    assert_ok(sweep_take_part(&sweep, 0, 2));
    for (int again = 0; again < 2; again++) {
      change_part(&sweep, again ? TRIAL_COMPLETE : TRIAL_DIVERGED, 100 + again);
      assert_ok(put_together(&begun, &report));
      assert_int_equal(report.taken, again ? 1 : 60);
      merge_report_free(&report);
      open_whole(&begun);
      assert_int_equal(begun.ledger.trial[6].state, again ? TRIAL_COMPLETE : TRIAL_DIVERGED);
      if (gathered && !again) assert_ok(ledger_set_chosen(&begun.ledger, 60)); /* the best have been run again */
      if (gathered && again) assert_int_equal(begun.ledger.chosen, 0);         /* others may be the best now */
      ledger_close(&begun.ledger);
    }
    end(&begun);
  }
}

/* A whole that was made larger is not through when its parts are; a part without any configuration is. */
static void test_extents(void **state) {
  struct begun begun;
  struct merge_report report;
  struct ledger ledger;
  char path[STORE_PATH_MAX];
  int64_t damaged;
  (void)state;
  begin("", &begun);
  make_part(&begun, 0, 2, 1, 0);
  make_part(&begun, 1, 2, 1, 0);
  begun.texts.extended = 6;
  assert_ok(put_together(&begun, &report));
  merge_report_free(&report);
  assert_ok(ledger_open(BEGUN_FILE, begun.sweep, 6, true, &ledger, &damaged));
  assert_int_equal(ledger.chosen, 0);
  ledger_close(&ledger);
  remove(BEGUN_FILE);
  part_path(1, path); /* no part is made larger: it would have rows that the whole has not */
  struct sweep sweep = *begun.sweep;
  assert_ok(sweep_take_part(&sweep, 1, 2));
  remove(path);
  assert_ok(ledger_create(path, &sweep, &begun.texts, &ledger));
  ledger_close(&ledger);
  begun.texts.extended = 0;
  assert_int_equal(put_together(&begun, &report), STATUS_FILE);
  assert_non_null(strstr(status_message(), "a part that was made larger"));
  status_clear();
  remove(path);
  assert_ok(ledger_create(path, &sweep, &begun.texts, &ledger));
  assert_ok(ledger_set_chosen(&ledger, 0));
  assert_int_equal(ledger.chosen, LEDGER_NONE_CHOSEN);
  assert_int_equal(ledger_expected(&sweep, &ledger), 0);
  assert_false(ledger_counts(&sweep, &ledger, 0));
  ledger_close(&ledger);
  assert_ok(put_together(&begun, &report));
  assert_int_equal(report.complete, 2);
  merge_report_free(&report);
  end(&begun);
}

static void refuse(struct begun *begun, enum status expected, const char *words) {
  struct merge_report report;
  assert_int_equal(put_together(begun, &report), expected);
  if (!strstr(status_message(), words)) fail_msg("\"%s\" and not \"%s\"", status_message(), words);
  status_clear();
  assert_null(report.part);
}

static void test_refused(void **state) {
  struct begun begun, other;
  struct merge_report report;
  char path[STORE_PATH_MAX], to[STORE_PATH_MAX];
  (void)state;
  begin("slurm: {array: 2}\n", &begun);
  refuse(&begun, STATUS_FILE, "there is no sweep.part-I.h5");
  assert_int_equal(access(BEGUN_FILE, F_OK), -1); /* nothing is left of it */
  make_part(&begun, 0, 2, 1, 0);
  assert_ok(put_together(&begun, &report));
  merge_report_free(&report);
  make_part(&begun, 0, 2, 1, 0.25);
  refuse(&begun, STATUS_FILE, "trial 0 has another result in sweep.part-0.h5");
  make_part(&begun, 0, 2, 1, 0);
  part_path(0, path);
  part_path(1, to);
  assert_int_equal(rename(path, to), 0);
  refuse(&begun, STATUS_FILE, "holds part 0, and is named as part 1");
  remove(to);
  make_part(&begun, 0, 2, 1, 0);
  begun_texts(begun.texts.file, &other);
  free(other.texts.numerics);
  other.texts.numerics = strdup("other");
  make_part(&other, 1, 2, 1, 0);
  refuse(&begun, STATUS_CONFIG, "was computed with what gives other bits");
  ledger_texts_free(&other.texts);
  sweep_destroy(&other.sweep);
  begun_texts(
      "method: random\nmetric: {name: loss}\nrun_cap: 60\nseed: 99\nparameters:\n  synthetic.x: {min: 0.0, max: 1.0}\n",
      &other);
  make_part(&other, 1, 2, 1, 0);
  refuse(&begun, STATUS_CONFIG, "seed");
  ledger_texts_free(&other.texts);
  sweep_destroy(&other.sweep);
  end(&begun);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_put_back),
                                     cmocka_unit_test(test_retried), cmocka_unit_test(test_extents),
                                     cmocka_unit_test(test_refused)};
  if (ranks_begin(argc, argv)) return 1;
  return ranks_end(cmocka_run_group_tests_name("sweep.merge", tests, NULL, NULL));
}
