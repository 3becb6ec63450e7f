/* Signals are remembered from the first to the last training of a process. */
#include "base/stop.h"
#include "testing.h"

#include <signal.h>

static int others;

static void other(int signal) {
  (void)signal;
  others++;
}

static void remembered(void **state) {
  (void)state;
  const struct sigaction action = {.sa_handler = other};
  sigaction(SIGTERM, &action, NULL);
  stop_listen();
  assert_false(stop_requested());
  stop_listen(); /* twice is once: what was there before stays known */
  assert_int_equal(0, raise(SIGUSR1));
  assert_true(stop_requested());
  stop_listen();
  assert_true(stop_requested());
  assert_int_equal(0, raise(SIGTERM));
  assert_int_equal(0, others);
  stop_release();
  assert_false(stop_requested());
  assert_int_equal(0, raise(SIGTERM));
  assert_int_equal(1, others);
  stop_listen();
  assert_false(stop_requested());
  stop_release();
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(remembered)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
