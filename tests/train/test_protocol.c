/* Which frames are seen and given: written out for small numbers, and properties for all of them. */
#include "testing.h"
#include "train/protocol.h"

#include <string.h>

static void check(enum protocol_kind kind, int64_t input, int64_t targets, int64_t frames, struct protocol expected) {
  const struct protocol_settings settings = {kind, input, targets};
  struct protocol got = {.anchor = -1};
  assert_ok(protocol_resolve(&settings, frames, &got));
  assert_memory_equal(&expected, &got, sizeof got);
}

/* Input first and count, anchor, targets first and count. The last frame seen is the first target. */
static void test_predict(void **state) {
  (void)state;
  check(PROTOCOL_PREDICT, 5, 0, 34, (struct protocol){0, 5, 4, 4, 30});
  check(PROTOCOL_PREDICT, 5, 12, 34, (struct protocol){0, 5, 4, 4, 12});
  check(PROTOCOL_PREDICT, 5, 30, 34, (struct protocol){0, 5, 4, 4, 30});
  check(PROTOCOL_PREDICT, 1, 0, 3, (struct protocol){0, 1, 0, 0, 3});
  check(PROTOCOL_PREDICT, 3, 0, 3, (struct protocol){0, 3, 2, 2, 1});
}

static void test_autoencode(void **state) {
  (void)state;
  check(PROTOCOL_AUTOENCODE, 5, 0, 34, (struct protocol){0, 34, 0, 0, 34});
  check(PROTOCOL_AUTOENCODE, 99, 9, 34, (struct protocol){0, 9, 0, 0, 9}); /* input_frames are ignored */
  check(PROTOCOL_AUTOENCODE, 5, 1, 1, (struct protocol){0, 1, 0, 0, 1});
}

static void test_forward_backward(void **state) {
  (void)state;
  check(PROTOCOL_FORWARD_BACKWARD, 3, 0, 9, (struct protocol){3, 3, 4, 0, 9});
  check(PROTOCOL_FORWARD_BACKWARD, 5, 0, 34, (struct protocol){14, 5, 16, 0, 34});
  check(PROTOCOL_FORWARD_BACKWARD, 5, 12, 34, (struct protocol){3, 5, 5, 0, 12});
  check(PROTOCOL_FORWARD_BACKWARD, 4, 4, 34, (struct protocol){0, 4, 1, 0, 4});
  check(PROTOCOL_FORWARD_BACKWARD, 4, 5, 5, (struct protocol){1, 4, 2, 0, 5});
  check(PROTOCOL_FORWARD_BACKWARD, 1, 1, 1, (struct protocol){0, 1, 0, 0, 1});
}

static void refuse(enum protocol_kind kind, int64_t input, int64_t targets, int64_t frames, const char *message) {
  const struct protocol_settings settings = {kind, input, targets};
  struct protocol got = {.anchor = -1};
  assert_status(STATUS_CONFIG, protocol_resolve(&settings, frames, &got));
  if (!strstr(status_message(), message)) fail_msg("'%s' is not in '%s'", message, status_message());
  assert_int_equal(-1, got.anchor);
}

static void test_too_few_frames(void **state) {
  (void)state;
  refuse(PROTOCOL_PREDICT, 5, 0, 4, "5 input frames and 1 targets need rollouts of 5 frames; the data has 4");
  refuse(PROTOCOL_PREDICT, 5, 31, 34, "5 input frames and 31 targets need rollouts of 35 frames; the data has 34");
  refuse(PROTOCOL_AUTOENCODE, 5, 35, 34, "35 targets need rollouts of 35 frames; the data has 34");
  refuse(PROTOCOL_FORWARD_BACKWARD, 5, 35, 34, "35 targets need rollouts of 35 frames; the data has 34");
  refuse(PROTOCOL_FORWARD_BACKWARD, 5, 0, 4, "rollouts of 5 frames; the data has 4");
  refuse(PROTOCOL_FORWARD_BACKWARD, 5, 4, 34, "5 input frames are more than the 4 targets around them");
}

/* Whatever resolves lies within the data, its anchor within the targets and the frames seen. */
static void test_within_the_data(void **state) {
  (void)state;
  int resolved = 0;
  for (int kind = 0; kind < PROTOCOL_COUNT; kind++)
    for (int64_t input = 1; input <= 6; input++)
      for (int64_t targets = 0; targets <= 9; targets++)
        for (int64_t frames = 1; frames <= 9; frames++) {
          const struct protocol_settings settings = {(enum protocol_kind)kind, input, targets};
          struct protocol p;
          if (protocol_resolve(&settings, frames, &p) != STATUS_OK) continue;
          resolved++;
          assert_true(p.input_first >= 0 && p.input_count >= 1 && p.input_first + p.input_count <= frames);
          assert_true(p.target_first >= 0 && p.target_count >= 1 && p.target_first + p.target_count <= frames);
          assert_true(p.target_count == targets || targets == 0);
          assert_true(p.anchor >= p.target_first && p.anchor < p.target_first + p.target_count);
          assert_true(p.anchor >= p.input_first && p.anchor < p.input_first + p.input_count);
        }
  assert_true(resolved > 500);
}

/* Around the anchor, as even as the targets allow; the rest is untouched. */
static void test_shorten(void **state) {
  (void)state;
  for (int64_t anchor = 3; anchor < 14; anchor++) {
    const struct protocol whole = {.input_first = 4, .input_count = 2, anchor, 3, 11};
    for (int64_t count = 1; count <= 12; count++) {
      const struct protocol p = protocol_shorten(&whole, count);
      const int64_t before = p.anchor - p.target_first, after = p.target_first + p.target_count - 1 - p.anchor;
      assert_true(p.anchor == anchor && p.input_first == 4 && p.input_count == 2);
      assert_int_equal(count < 11 ? count : 11, p.target_count);
      assert_true(before >= 0 && after >= 0);
      assert_true(p.target_first >= 3 && p.target_first + p.target_count <= 14);
      const bool at_start = p.target_first == 3, at_end = p.target_first + p.target_count == 14;
      assert_true(at_start || at_end || after == before || after == before + 1);
      assert_true(!at_start || at_end || after >= before);
      assert_true(!at_end || at_start || before + 1 >= after);
    }
  }
}

static void test_unseen(void **state) {
  (void)state;
  const struct protocol predict = {0, 5, 4, 4, 30}, around = {3, 3, 4, 1, 8};
  assert_false(protocol_unseen(&predict, 0));
  for (int64_t t = 1; t < 30; t++) assert_true(protocol_unseen(&predict, t));
  for (int64_t t = 0; t < 8; t++) assert_int_equal(t < 2 || t > 4, protocol_unseen(&around, t));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_predict),          cmocka_unit_test(test_autoencode),
      cmocka_unit_test(test_forward_backward), cmocka_unit_test(test_too_few_frames),
      cmocka_unit_test(test_within_the_data),  cmocka_unit_test(test_shorten),
      cmocka_unit_test(test_unseen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
