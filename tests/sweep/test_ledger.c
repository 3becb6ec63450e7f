/* The file of a sweep: what is written is read; what is damaged is known; made larger it holds what it held. */
#define BEGUN_FILE "test_ledger.h5"

#include "begun.h"
#include "sweep/ledger_private.h"

#include <fcntl.h>
#include <hdf5.h>
#include <unistd.h>

/* Two trials a configuration, one is confirmed on two seeds: 8 + 2 trials. */
static const char text[] = "method: random\n"
                           "metric: {name: loss, goal: minimize}\n"
                           "run_cap: 4\n"
                           "repeats: 2\n"
                           "confirm: 1\n"
                           "parameters:\n"
                           "  synthetic.x: {min: 0.0, max: 1.0}\n"
                           "  synthetic.function: {values: [sphere, branin]}\n";

/* Numbers of every kind in all that a trial has; different in each. */
static void fill_trial(struct ledger *ledger, int64_t t, enum trial_state state) {
  struct ledger_trial *row = &ledger->trial[t];
  const int64_t reports = ledger->shape.reports;
  const double x = 0.1 + (double)t;
  *row = (struct ledger_trial){.state = state, .value = t % 3 ? x : NAN};
  int64_t number = 100 * t;
  int64_t integer[LEDGER_INTEGERS];
  double measured[LEDGER_MEASURED];
  for (int i = 0; i < LEDGER_INTEGERS; i++) integer[i] = ++number;
  for (int i = 0; i < LEDGER_MEASURED; i++) measured[i] = (double)(3 * t + i);
  ledger_set(row, integer, measured);
  row->configuration = t / 2;
  snprintf(row->reason, sizeof row->reason, "reason %lld: \xc3\xbc", (long long)t);
  for (int64_t r = 0; r < reports; r++) {
    ledger->report_step[t * reports + r] = r < 5 ? r + 1 : 0;
    ledger->validation[t * reports + r] = r < 5 ? x / (double)(r + 1) : NAN;
  }
  ledger->test[t] = -x;
  ledger_touch_reports(ledger, t);
}

static bool same_bits(const void *a, const void *b, int64_t count, size_t size) {
  return memcmp(a, b, (size_t)count * size) == 0;
}

/* What two ledgers have of a trial, the second's under another number. */
static void check_trial(const struct ledger *a, int64_t t, const struct ledger *b, int64_t u) {
  const struct ledger_trial *x = &a->trial[t], *y = &b->trial[u];
  const int64_t reports = a->shape.reports;
  int64_t integer[2][LEDGER_INTEGERS];
  double measured[2][LEDGER_MEASURED];
  ledger_integers(x, integer[0]);
  ledger_integers(y, integer[1]);
  ledger_measured(x, measured[0]);
  ledger_measured(y, measured[1]);
  assert_int_equal(x->state, y->state);
  assert_true(same_bits(integer[0], integer[1], LEDGER_INTEGERS, sizeof(int64_t)));
  assert_true(same_bits(measured[0], measured[1], LEDGER_MEASURED, sizeof(double)));
  assert_true(same_bits(&x->value, &y->value, 1, sizeof(double)));
  assert_string_equal(x->reason, y->reason);
  assert_true(same_bits(a->report_step + t * reports, b->report_step + u * reports, reports, sizeof(int64_t)));
  assert_true(same_bits(a->validation + t * reports, b->validation + u * reports, reports, sizeof(double)));
  assert_true(same_bits(a->test + t, b->test + u, 1, sizeof(double)));
}

/* A copy of what is in memory, as another ledger without a file. */
static void copy_memory(const struct begun *begun, struct ledger *copy) {
  const struct ledger *from = &begun->ledger;
  *copy = (struct ledger){.points = 0};
  assert_ok(ledger_allocate(begun->sweep, &from->shape, copy));
  const int64_t n = from->shape.trials, reports = n * from->shape.reports;
  memcpy(copy->trial, from->trial, (size_t)n * sizeof *copy->trial);
  memcpy(copy->report_step, from->report_step, (size_t)reports * sizeof(int64_t));
  memcpy(copy->validation, from->validation, (size_t)reports * sizeof(double));
  memcpy(copy->test, from->test, (size_t)n * sizeof(double));
}

static void fill(struct begun *begun) {
  struct ledger *ledger = &begun->ledger;
  for (int64_t c = 0; c < 3; c++) {
    ledger->point[2 * c] = 0.25 * (double)c;
    ledger->point[2 * c + 1] = (double)(c % 2);
  }
  ledger->points = 3;
  for (int64_t t = 0; t < 5; t++) fill_trial(ledger, t, t == 3 ? TRIAL_FAILED : t == 4 ? TRIAL_LOST : TRIAL_COMPLETE);
  for (int64_t t = 8; t < 10; t++) fill_trial(ledger, t, TRIAL_COMPLETE);
  for (int64_t t = 8; t < 10; t++) ledger->trial[t].configuration = 1;
  ledger_span_add(ledger,
                  &(struct ledger_span){.trial = 3, .group = 1, .first_rank = 2, .ranks = 1, .began = 5, .ended = 6});
  assert_ok(ledger_event_add(ledger, EVENT_DEATH, 4, 3));
  assert_ok(ledger_event_add(ledger, EVENT_DRAIN, 5, -1));
  assert_ok(ledger_flush(ledger));
}

static void test_round_trip(void **state) {
  struct begun begun;
  struct ledger before;
  (void)state;
  begun_make(text, &begun);
  assert_int_equal(begun.ledger.shape.trials, 10);
  assert_int_equal(begun.ledger.shape.reports, 9);
  fill(&begun);
  copy_memory(&begun, &before);
  const struct ledger_event event = begun.ledger.event[0];
  assert_int_equal(begun_again(&begun), 0);
  for (int64_t t = 0; t < 10; t++)
    if (t < 5 || t > 7) check_trial(&before, t, &begun.ledger, t);
  for (int64_t t = 5; t < 8; t++) {
    assert_int_equal(begun.ledger.trial[t].state, TRIAL_QUEUED);
    assert_true(isnan(begun.ledger.trial[t].value) && begun.ledger.trial[t].seconds == 0);
  }
  assert_int_equal(begun.ledger.points, 3);
  for (int64_t c = 0; c < 3; c++)
    assert_true(begun.ledger.point[2 * c] == 0.25 * (double)c && begun.ledger.point[2 * c + 1] == (double)(c % 2));
  assert_int_equal(begun.ledger.events, 2);
  assert_memory_equal(&begun.ledger.event[0], &event, sizeof event);
  assert_int_equal(begun.ledger.event[1].kind, EVENT_DRAIN);
  assert_int_equal(begun.ledger.spans, 1);
  assert_true(begun.ledger.span[0].ended == 6);
  ledger_close(&before);
  begun_free(&begun);
}

/* Texts: what they were, and damage to them is refused. */
static void test_texts(void **state) {
  struct begun begun;
  struct ledger_texts there;
  (void)state;
  begun_make(text, &begun);
  assert_ok(ledger_read_texts(BEGUN_FILE, &there));
  assert_string_equal(there.file, text);
  assert_string_equal(there.base, sample_synthetic);
  assert_string_equal(there.effective, begun.texts.effective);
  assert_string_equal(there.renames, "");
  assert_int_equal(there.extended, 0);
  ledger_texts_free(&there);
  assert_status(STATUS_FILE, ledger_read_texts("no.h5", &there));
  assert_status(STATUS_FILE, ledger_create(BEGUN_FILE, begun.sweep, &begun.texts, &(struct ledger){.points = 0}));
  begun_free(&begun);
}

/* One number of a data set of f64 or i64 becomes another, as a disk would do it. */
static void damage(const char *name, int64_t at) {
  const hid_t file = H5Fopen(BEGUN_FILE, H5F_ACC_RDONLY, H5P_DEFAULT), set = H5Dopen2(file, name, H5P_DEFAULT);
  const haddr_t offset = H5Dget_offset(set);
  assert_true(offset != HADDR_UNDEF);
  H5Dclose(set);
  H5Fclose(file);
  const int disk = open(BEGUN_FILE, O_RDWR);
  unsigned char byte;
  assert_int_equal(pread(disk, &byte, 1, (off_t)offset + at), 1);
  byte ^= 0x10;
  assert_int_equal(pwrite(disk, &byte, 1, (off_t)offset + at), 1);
  close(disk);
}

/* An ended trial that is not what was written is queued, in whatever the damage is; the others stay. Of one that has
 * not ended nothing is believed in the first place. */
static void test_damage(void **state) {
  static const struct {
    const char *name;
    int64_t at; /* byte in the row of a trial */
    int64_t row;
  } places[] = {{"/trial/integer", 8 * 2, 8 * LEDGER_INTEGERS},
                {"/trial/measured", 8 * 4, 8 * LEDGER_MEASURED},
                {"/trial/value", 3, 8},
                {"/trial/test", 2, 8},
                {"/trial/reason", 1, JOB_REASON_MAX},
                {"/trial/sum", 9, 16},
                {"/report/step", 8 * 3, 8 * 9},
                {"/report/validation", 8 * 3 + 1, 8 * 9}};
  (void)state;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    for (int64_t t = 1; t < 5; t += 3) {
      struct begun begun;
      begun_make(text, &begun);
      fill(&begun);
      ledger_close(&begun.ledger);
      damage(places[i].name, places[i].at + t * places[i].row);
      const int64_t damaged = begun_again(&begun);
      if (damaged != (t == 1)) fail_msg("%s: %d damaged", places[i].name, (int)damaged);
      for (int64_t k = 0; k < 5; k++)
        assert_int_equal(begun.ledger.trial[k].state, k == 4             ? TRIAL_LOST
                                                      : k == 1 && t == 1 ? TRIAL_QUEUED
                                                      : k == 3           ? TRIAL_FAILED
                                                                         : TRIAL_COMPLETE);
      begun_free(&begun);
    }
}

/* Trials that confirm move behind those that are added. Killed before the end, the file is the one from before. */
static void test_enlarge(void **state) {
  struct begun begun;
  struct ledger before;
  struct ledger_texts there;
  (void)state;
  begun_make(text, &begun);
  fill(&begun);
  copy_memory(&begun, &before);
  begun.texts.extended = 3;
  assert_ok(ledger_enlarge(BEGUN_FILE, begun.sweep, &begun.texts, &begun.ledger));
  for (int again = 0; again < 2; again++) {
    assert_int_equal(begun.ledger.shape.trials, 16);
    for (int64_t t = 0; t < 5; t++) check_trial(&before, t, &begun.ledger, t);
    for (int64_t t = 5; t < 14; t++) assert_int_equal(begun.ledger.trial[t].state, TRIAL_QUEUED);
    for (int64_t t = 14; t < 16; t++) check_trial(&before, t - 6, &begun.ledger, t);
    assert_int_equal(begun.ledger.points, 3);
    assert_true(begun.ledger.point[4] == 0.5);
    assert_int_equal(begun.ledger.events, 2);
    assert_int_equal(begun.ledger.spans, 1);
    /* It is open and can be written on. */
    fill_trial(&begun.ledger, 4, TRIAL_LOST);
    assert_ok(ledger_sync(&begun.ledger));
    assert_int_equal(begun_again(&begun), 0);
  }
  assert_ok(ledger_read_texts(BEGUN_FILE, &there));
  assert_int_equal(there.extended, 3);
  ledger_texts_free(&there);
  ledger_close(&before);
  begun_free(&begun);
}

/* While one writes it others read, at any moment, and none of them writes. */
static void test_readers(void **state) {
  struct begun begun;
  struct ledger reader;
  int64_t damaged;
  (void)state;
  begun_make(text, &begun);
  for (int64_t t = 0; t < 8; t++) {
    fill_trial(&begun.ledger, t, TRIAL_COMPLETE);
    assert_ok(ledger_flush(&begun.ledger));
    assert_ok(ledger_open(BEGUN_FILE, begun.sweep, 0, false, &reader, &damaged));
    assert_int_equal(damaged, 0);
    for (int64_t k = 0; k < 8; k++)
      if (k <= t)
        check_trial(&begun.ledger, k, &reader, k);
      else
        assert_int_equal(reader.trial[k].state, TRIAL_QUEUED);
    ledger_close(&reader);
  }
  assert_status(STATUS_FILE, ledger_open(BEGUN_FILE, begun.sweep, 0, true, &reader, &damaged));
  assert_non_null(strstr(status_message(), BEGUN_FILE));
  begun_free(&begun);
}

/* A file of another sweep than the one that is to go on. */
static void test_other(void **state) {
  struct begun begun, other;
  int64_t damaged;
  (void)state;
  begun_make(text, &begun);
  ledger_close(&begun.ledger);
  begun_texts(begun_square, &other);
  assert_status(STATUS_FILE, ledger_open(BEGUN_FILE, other.sweep, 0, true, &other.ledger, &damaged));
  assert_non_null(strstr(status_message(), "another shape than this sweep's"));
  begun_free(&other);
  FILE *file = fopen(BEGUN_FILE, "w");
  fputs("precious", file);
  fclose(file);
  assert_status(STATUS_FILE, ledger_open(BEGUN_FILE, begun.sweep, 0, true, &begun.ledger, &damaged));
  begun_free(&begun);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_texts),
                                     cmocka_unit_test(test_damage),     cmocka_unit_test(test_enlarge),
                                     cmocka_unit_test(test_readers),    cmocka_unit_test(test_other)};
  if (ranks_begin(argc, argv)) return 1;
  return ranks_end(cmocka_run_group_tests_name("sweep.ledger", tests, NULL, NULL));
}
