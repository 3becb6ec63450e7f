/* Status values: messages grow context, long ones are cut safely, every code has a text and an exit status. */
#include "base/status.h"
#include "testing.h"

#include <string.h>

static void test_raise_and_context(void **state) {
  (void)state;
  assert_int_equal(STATUS_FILE, status_raise(STATUS_FILE, "no space left after %d bytes", 12));
  assert_string_equal("no space left after 12 bytes", status_message());
  assert_int_equal(STATUS_FILE, status_context(STATUS_FILE, "pendulum.h5"));
  assert_int_equal(STATUS_FILE, status_context(STATUS_FILE, "rank %d", 3));
  assert_string_equal("rank 3: pendulum.h5: no space left after 12 bytes", status_message());
  assert_int_equal(STATUS_NUMERIC, status_raise(STATUS_NUMERIC, "diverged"));
  assert_string_equal("diverged", status_message());
}

static void test_context_of_success_is_nothing(void **state) {
  (void)state;
  status_clear();
  assert_string_equal("", status_message());
  assert_int_equal(STATUS_OK, status_context(STATUS_OK, "ignored"));
  assert_string_equal("", status_message());
}

static void test_message_may_quote_itself(void **state) {
  (void)state;
  (void)status_raise(STATUS_CONFIG, "inner");
  (void)status_raise(STATUS_CONFIG, "outer (%s)", status_message());
  assert_string_equal("outer (inner)", status_message());
  (void)status_context(STATUS_CONFIG, "<%s>", status_message());
  assert_string_equal("<outer (inner)>: outer (inner)", status_message());
}

static void test_long_messages_are_cut(void **state) {
  (void)state;
  char text[3 * STATUS_MESSAGE_MAX];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  (void)status_raise(STATUS_USAGE, "%s", text);
  assert_int_equal(STATUS_MESSAGE_MAX - 1, strlen(status_message()));
  for (int i = 0; i < 3; i++) (void)status_context(STATUS_USAGE, "level %d", i);
  assert_int_equal(STATUS_MESSAGE_MAX - 1, strlen(status_message()));
  assert_memory_equal("level 2: level 1: level 0: xxx", status_message(), 30);
  /* A context that fills the whole message, and one that leaves room for less than the separator. */
  (void)status_raise(STATUS_USAGE, "inner");
  (void)status_context(STATUS_USAGE, "%s", text);
  assert_int_equal(STATUS_MESSAGE_MAX - 1, strlen(status_message()));
  text[STATUS_MESSAGE_MAX - 2] = '\0';
  (void)status_raise(STATUS_USAGE, "inner");
  (void)status_context(STATUS_USAGE, "%s", text);
  assert_int_equal(STATUS_MESSAGE_MAX - 1, strlen(status_message()));
  assert_int_equal(':', status_message()[STATUS_MESSAGE_MAX - 2]);
}

static void test_codes(void **state) {
  (void)state;
  const int exits[STATUS_COUNT] = {
      [STATUS_OK] = 0,        [STATUS_DIFFERENT] = 1, [STATUS_UNAVAILABLE] = 4, [STATUS_USAGE] = 2,
      [STATUS_CONFIG] = 2,    [STATUS_FILE] = 3,      [STATUS_NUMERIC] = 5,     [STATUS_INTERRUPTED] = 6,
      [STATUS_ARGUMENT] = 70, [STATUS_MEMORY] = 71,   [STATUS_MPI] = 72};
  for (int code = 0; code < STATUS_COUNT; code++) {
    assert_int_equal(exits[code], status_exit((enum status)code));
    assert_true(strlen(status_text((enum status)code)) > 0);
    for (int other = 0; other < code; other++)
      assert_string_not_equal(status_text((enum status)other), status_text((enum status)code));
  }
  assert_string_equal("unknown status", status_text((enum status)STATUS_COUNT));
  assert_int_equal(70, status_exit((enum status)STATUS_COUNT));
}

static int evaluated;

static enum status fail_once(void) {
  evaluated++;
  return status_raise(STATUS_MEMORY, "once");
}

static enum status use_require(int value) {
  REQUIRE(value > 0, STATUS_ARGUMENT, "value is %d", value);
  return STATUS_OK;
}

static enum status use_try(void) {
  TRY(use_require(1));
  TRY(fail_once());
  return status_raise(STATUS_FILE, "not reached");
}

static void test_macros(void **state) {
  (void)state;
  assert_int_equal(STATUS_ARGUMENT, use_require(-4));
  assert_string_equal("value is -4", status_message());
  assert_int_equal(STATUS_MEMORY, use_try());
  assert_int_equal(1, evaluated);
  assert_string_equal("once", status_message());
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_raise_and_context),
                                     cmocka_unit_test(test_context_of_success_is_nothing),
                                     cmocka_unit_test(test_message_may_quote_itself),
                                     cmocka_unit_test(test_long_messages_are_cut),
                                     cmocka_unit_test(test_codes),
                                     cmocka_unit_test(test_macros)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
