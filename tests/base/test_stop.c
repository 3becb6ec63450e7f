/* Signals are remembered from the first to the last training of a process. */
#include "base/stop.h"
#include "testing.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int others;

static void other(int signal) {
  (void)signal;
  others++;
}

static void remembered(void **state) {
  (void)state;
  const struct sigaction action = {.sa_handler = other};
  sigaction(SIGTERM, &action, NULL);
  stop_listen(SIGUSR1);
  assert_false(stop_requested());
  stop_listen(SIGUSR1); /* twice is once: what was there before stays known */
  assert_int_equal(0, raise(SIGUSR1));
  assert_true(stop_requested());
  stop_listen(SIGUSR1);
  assert_true(stop_requested());
  assert_int_equal(0, raise(SIGTERM));
  assert_int_equal(0, others);
  stop_release();
  assert_false(stop_requested());
  assert_int_equal(0, raise(SIGTERM));
  assert_int_equal(1, others);
  stop_listen(SIGUSR1);
  assert_false(stop_requested());
  stop_release();
}

/* What becomes of a process that is sent two signals. */
static int end_of(int first, int second) {
  int status = 0;
  const pid_t child = fork();
  if (child == 0) {
    stop_listen(SIGUSR1);
    (void)raise(first);
    (void)raise(second);
    _exit(stop_requested() ? 17 : 18);
  }
  assert_int_equal(child, waitpid(child, &status, 0));
  return status;
}

/* A process that hangs can be ended from the keyboard: by asking twice. */
static void twice(void **state) {
  (void)state;
  const int ends[][2] = {{SIGINT, SIGINT}, {SIGTERM, SIGTERM}, {SIGTERM, SIGINT}, {SIGINT, SIGTERM}};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    const int status = end_of(ends[i][0], ends[i][1]);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(ends[i][1], WTERMSIG(status));
  }
  const int goes_on[][2] = {{SIGUSR1, SIGUSR1}, {SIGUSR1, SIGINT}, {SIGTERM, SIGUSR1}};
  for (size_t i = 0; i < sizeof goes_on / sizeof *goes_on; i++) {
    const int status = end_of(goes_on[i][0], goes_on[i][1]);
    assert_true(WIFEXITED(status));
    assert_int_equal(17, WEXITSTATUS(status));
  }
}

/* Another signal can be chosen; then the first belongs to whom it belonged before. */
static void chosen(void **state) {
  (void)state;
  int number = 0;
  const struct sigaction action = {.sa_handler = other};
  others = 0;
  sigaction(SIGUSR1, &action, NULL);
  assert_int_equal(STATUS_OK, stop_signal("SIGUSR2", &number));
  assert_int_equal(SIGUSR2, number);
  stop_listen(number);
  assert_int_equal(0, raise(SIGUSR1));
  assert_int_equal(1, others);
  assert_false(stop_requested());
  assert_int_equal(0, raise(SIGUSR2));
  assert_true(stop_requested());
  stop_release();
  sigaction(SIGTERM, &action, NULL);
  assert_int_equal(STATUS_OK, stop_signal("TERM", &number)); /* no more than what counts anyway */
  stop_listen(number);
  assert_int_equal(0, raise(SIGTERM));
  assert_true(stop_requested());
  stop_release();
  assert_int_equal(0, raise(SIGTERM));
  assert_int_equal(2, others);
}

static void refused(void **state) {
  static const char *const names[] = {"KILL", "SIGSTOP", "SEGV", "usr1", "", "10", "SIG"};
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    int number = -1;
    assert_int_equal(STATUS_USAGE, stop_signal(names[i], &number));
    assert_int_equal(-1, number);
    assert_non_null(strstr(status_message(), "expected USR1, USR2, HUP"));
    assert_true(i > 1 || strstr(status_message(), "no program can notice it"));
    status_clear();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(remembered), cmocka_unit_test(twice), cmocka_unit_test(chosen),
                                     cmocka_unit_test(refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
