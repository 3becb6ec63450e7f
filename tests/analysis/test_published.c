/* Published figures: their averages come out of their rows, and exactly those are flagged that cannot be so. */
#include "analysis/report/claims_sections.h"
#include "testing.h"
#include "train/verdict.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void assert_near(double value, double expected, double tolerance) {
  if (!(fabs(value - expected) <= tolerance)) fail_msg("%.12g is not %.12g +- %g", value, expected, tolerance);
}

/* Both tables whole: 3 models, 4 systems, 2 splits; 9 with the reproduction's two modes. */
static void test_rows(void **state) {
  (void)state;
  int paper = 0, table_1 = 0, table_2 = 0, intervals = 0, as_printed = 0;
  for (int i = 0; i < published_count; i++) {
    const struct published_row *row = &published_rows[i];
    paper += strcmp(row->source, PUBLISHED_PAPER) == 0;
    table_1 += strcmp(row->table, "Table 1") == 0;
    table_2 += strcmp(row->table, "Table 2") == 0;
    intervals += row->margin == PUBLISHED_INTERVAL;
    as_printed += row->margin == PUBLISHED_AS_PRINTED;
    assert_true(row->value > 0 && (isnan(row->half) || row->half > 0));
    assert_true(row->margin == PUBLISHED_BARE || row->half > 0);
  }
  assert_int_equal(paper, 24);
  assert_int_equal(table_1, 72);
  assert_int_equal(table_2, 11);
  assert_int_equal(intervals, 51);
  assert_int_equal(as_printed, 24);
  const struct published_row *row = published_find(PUBLISHED_REPRODUCTION, "HGN Leapfrog 5-frame", "pendulum", "test");
  assert_non_null(row);
  assert_near(row->value, 44.12e-4, 1e-12);
  assert_near(published_error(row), 0.42e-4 / 1.959964, 1e-10);
  assert_true(isnan(published_error(published_find(PUBLISHED_PAPER, "HGN Leapfrog", "pendulum", "test"))));
}

/* |7.12-6.23|/6.23 + |14.97-11.72|/11.72 + |3.36-16.47|/16.47 + |8.81-9.8|/9.8, over 4; likewise of five frames. */
static void test_average(void **state) {
  (void)state;
  int systems;
  assert_near(published_relative_error("HGN Leapfrog autoencode", "HGN Leapfrog", &systems), 0.329, 0.0005);
  assert_int_equal(systems, 4);
  assert_near(published_relative_error("HGN Leapfrog 5-frame", "HGN Leapfrog", &systems), 1.250, 0.0005);
  assert_int_equal(systems, 4);
  assert_near(published_relative_error("HGN Euler 5-frame", "HGN Euler", &systems), 2.443, 0.0005);
  assert_true(isnan(published_relative_error("HGN Leapfrog 6-frame", "HGN Leapfrog", &systems)));
}

/* All rows that have flags, in the order of the file. */
static const struct {
  const char *model, *system, *split;
  unsigned flags;
} known[] = {
    /* The paper's: below the floor of the reproduction's data, so of other images or noise. */
    {"HGN Euler", "mass_spring", "train", PUBLISHED_OTHER_DATA},
    {"HGN Determ", "mass_spring", "train", PUBLISHED_OTHER_DATA},
    {"HGN Determ", "mass_spring", "test", PUBLISHED_OTHER_DATA},
    {"HGN Determ", "pendulum", "train", PUBLISHED_OTHER_DATA},
    {"HGN Leapfrog", "mass_spring", "train", PUBLISHED_OTHER_DATA},
    {"HGN Leapfrog", "pendulum", "train", PUBLISHED_OTHER_DATA},
    /* Autoencoders: below the floor, or the limit with all frames seen, which they may copy. */
    {"HGN Euler autoencode", "three_body", "train", PUBLISHED_MAY_COPY},
    {"HGN Euler autoencode", "three_body", "test", PUBLISHED_MAY_COPY},
    {"HGN Determ autoencode", "mass_spring", "train", PUBLISHED_MAY_COPY},
    {"HGN Determ autoencode", "mass_spring", "test", PUBLISHED_MAY_COPY},
    {"HGN Determ autoencode", "three_body", "train", PUBLISHED_MAY_COPY},
    {"HGN Determ autoencode", "three_body", "test", PUBLISHED_MAY_COPY},
    {"HGN Leapfrog autoencode", "mass_spring", "train", PUBLISHED_MAY_COPY},
    {"HGN Leapfrog autoencode", "mass_spring", "test", PUBLISHED_MAY_COPY},
    /* A collapse. */
    {"HGN Leapfrog autoencode", "three_body", "train", PUBLISHED_NO_BETTER},
    {"HGN Leapfrog autoencode", "three_body", "test", PUBLISHED_NO_BETTER},
    /* Five frames: on unseen frames below the floor of a noise of 0.2. */
    {"HGN Determ 5-frame", "three_body", "train", PUBLISHED_MAY_COPY},
    {"HGN Determ 5-frame", "three_body", "test", PUBLISHED_BELOW_FLOOR | PUBLISHED_BELOW_LIMIT},
    {"HGN Leapfrog 5-frame", "three_body", "train", PUBLISHED_MAY_COPY},
    {"HGN Leapfrog 5-frame", "three_body", "test", PUBLISHED_BELOW_FLOOR | PUBLISHED_BELOW_LIMIT},
    /* Text 4.1: below the floor, in a mode that is not said. */
    {"HGN", "damped_spring", "unstated", PUBLISHED_MAY_COPY},
};

static void test_flags(void **state) {
  (void)state;
  const size_t count = sizeof known / sizeof *known;
  size_t next = 0;
  for (int i = 0; i < published_count; i++) {
    const struct published_row *row = &published_rows[i];
    double noise;
    const unsigned flags = published_flags(row, &noise);
    char remark[PUBLISHED_REMARK_MAX];
    published_remark(row, remark);
    if ((flags == 0) != (*remark == '\0')) fail_msg("%s %s: %u \"%s\"", row->model, row->system, flags, remark);
    if (flags == 0) continue;
    if (next == count || strcmp(row->model, known[next].model) != 0 || strcmp(row->system, known[next].system) != 0 ||
        strcmp(row->split, known[next].split) != 0 || flags != known[next].flags)
      fail_msg("%s, %s, %s: flags %u (%s)", row->model, row->system, row->split, flags, remark);
    next++;
  }
  assert_int_equal(next, count);
}

/* 3.35 on unseen frames rules the noises out of which the limit is larger; 0.05 is allowed, and there the autoencoder's
 * 8.81 is the mean image. */
static void test_noise(void **state) {
  (void)state;
  char remark[PUBLISHED_REMARK_MAX];
  double noise;
  assert_true(published_rules_out("three_body", 0.2));
  assert_true(published_rules_out("three_body", 0.1));
  assert_false(published_rules_out("three_body", 0.05));
  assert_false(published_rules_out("pendulum", 0.1));
  published_remark(published_find(PUBLISHED_REPRODUCTION, "HGN Leapfrog 5-frame", "three_body", "test"), remark);
  assert_non_null(
      strstr(remark, "below the noise floor of unseen frames, 5.76 with the noise of 0.2 that is stated (5.57"));
  assert_non_null(strstr(remark, "a noise of 0.05 allows its figures, 0.1 does not"));
  const struct published_row *mean =
      published_find(PUBLISHED_REPRODUCTION, "HGN Leapfrog autoencode", "three_body", "test");
  assert_int_equal(published_flags(mean, &noise), PUBLISHED_NO_BETTER);
  assert_near(noise, 0.05, 0);
  assert_true(1 - mean->value / published_bound("three_body", 0.2, PUBLISHED_MEAN_IMAGE)->value > VERDICT_R2);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_average),
                                     cmocka_unit_test(test_flags), cmocka_unit_test(test_noise)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
