/* Faults made on purpose: words that are right, what they do when, and words that are refused. */
#include "sweep/inject.h"
#include "testing.h"

#include <stdio.h>
#include <string.h>

static void test_words(void **state) {
  struct inject inject;
  (void)state;
  assert_ok(inject_parse("nan@trial7.step30,crash@trial3,stall@trial5.step2x3,enospc@report10", 1, &inject));
  assert_int_equal(inject.faults, 4);
  /* nan: at every start; the others at the first of them. */
  assert_int_equal(inject_at(&inject, 7, 30, 1), INJECT_NAN);
  assert_int_equal(inject_at(&inject, 7, 30, 5), INJECT_NAN);
  assert_int_equal(inject_at(&inject, 7, 29, 1), INJECT_NONE);
  assert_int_equal(inject_at(&inject, 6, 30, 1), INJECT_NONE);
  assert_int_equal(inject_at(&inject, 3, 1, 1), INJECT_CRASH);
  assert_int_equal(inject_at(&inject, 3, 1, 2), INJECT_NONE);
  assert_int_equal(inject_at(&inject, 3, 2, 1), INJECT_NONE);
  for (int64_t starts = 1; starts <= 4; starts++)
    assert_int_equal(inject_at(&inject, 5, 2, starts), starts <= 3 ? INJECT_STALL : INJECT_NONE);
  /* A report is no trial. */
  assert_int_equal(inject_at(&inject, 10, 1, 1), INJECT_NONE);
  for (int64_t report = 1; report < 20; report++) assert_int_equal(inject_full(&inject, report), report == 10);
  assert_int_equal(inject_full(&inject, 7), false);
}

static void test_nothing(void **state) {
  struct inject inject;
  (void)state;
  for (int i = 0; i < 2; i++) {
    assert_ok(inject_parse(i ? "" : NULL, 1, &inject));
    assert_int_equal(inject.faults, 0);
    for (int64_t trial = 0; trial < 100; trial++) assert_int_equal(inject_at(&inject, trial, 1, 1), INJECT_NONE);
    assert_false(inject_full(&inject, 0));
  }
}

/* As often as it says, once in a trial, by the seed; what ends the process is not met again. */
static void test_random(void **state) {
  enum { TRIALS = 4000, STEPS = 100 };
  struct inject inject, other;
  int64_t count[INJECT_ENOSPC + 1] = {0}, differ = 0;
  (void)state;
  assert_ok(inject_parse("random:0.25", 42, &inject));
  assert_ok(inject_parse("random:0.25", 43, &other));
  for (int64_t trial = 0; trial < TRIALS; trial++) {
    int64_t faults = 0;
    for (int64_t step = 1; step <= STEPS; step++) {
      const enum inject_kind kind = inject_at(&inject, trial, step, 1);
      faults += kind != INJECT_NONE;
      count[kind] += 1;
      differ += kind != inject_at(&other, trial, step, 1);
      assert_int_equal(kind, inject_at(&inject, trial, step, 1));
      assert_int_equal(inject_at(&inject, trial, step, 2), kind == INJECT_NAN ? INJECT_NAN : INJECT_NONE);
    }
    assert_true(faults <= 1);
    assert_int_equal(inject_at(&inject, trial, 0, 1), INJECT_NONE);
    assert_int_equal(inject_at(&inject, trial, STEPS + 1, 1), INJECT_NONE);
  }
  const int64_t all = count[INJECT_NAN] + count[INJECT_CRASH] + count[INJECT_STALL];
  assert_true(all > 890 && all < 1110); /* 1000 +- 4 standard deviations */
  assert_true(differ > 1000);
  assert_int_equal(count[INJECT_ENOSPC], 0);
  for (int kind = INJECT_NAN; kind <= INJECT_STALL; kind++) assert_true(count[kind] > 250 && count[kind] < 420);
}

static void test_wrong(void **state) {
  static const char *const words[] = {"nan@trial",
                                      "nan@trialx",
                                      "nan@trial-1",
                                      "nan@trial1.",
                                      "nan@trial1.step",
                                      "nan@trial1.step0",
                                      "nan@trial1x2",
                                      "nan@trial1.step3 ",
                                      "crash@trial1x",
                                      "crash@trial1xx",
                                      "crash@trial1x2.step3",
                                      "crash@3",
                                      "stall@trial3.stepx2",
                                      "enospc@report",
                                      "enospc@report1.step3",
                                      "enospc@report1x2",
                                      "enospc@trial3",
                                      "random:",
                                      "random:x",
                                      "random:-0.1",
                                      "random:1.1",
                                      "random:nan",
                                      "foo",
                                      "NAN@trial1",
                                      "crash@trial99999999999999999999",
                                      "nan@trial1.step99999999999999999999",
                                      ",",
                                      "crash@trial1,,crash@trial2"};
  char many[4096] = "", longest[300];
  struct inject inject;
  (void)state;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    char text[200], quoted[210];
    snprintf(text, sizeof text, "crash@trial2,%s", words[i]);
    assert_status(STATUS_USAGE, inject_parse(text, 1, &inject));
    snprintf(quoted, sizeof quoted, "\"%s\"", words[i]);
    if (!strchr(words[i], ',') && !strstr(status_message(), quoted))
      fail_msg("%s is not named: %s", words[i], status_message());
    assert_non_null(strstr(status_message(), "expected"));
  }
  for (int i = 0; i < INJECT_MAX; i++) strcat(many, "nan@trial1,");
  assert_ok(inject_parse(many, 1, &inject));
  strcat(many, "nan@trial1");
  assert_status(STATUS_USAGE, inject_parse(many, 1, &inject));
  assert_non_null(strstr(status_message(), "more than 64 faults"));
  memset(longest, '1', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  memcpy(longest, "nan@trial", 9);
  assert_status(STATUS_USAGE, inject_parse(longest, 1, &inject));
  assert_non_null(strstr(status_message(), "is too long"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_words), cmocka_unit_test(test_nothing),
                                     cmocka_unit_test(test_random), cmocka_unit_test(test_wrong)};
  return cmocka_run_group_tests_name("sweep.inject", tests, NULL, NULL);
}
