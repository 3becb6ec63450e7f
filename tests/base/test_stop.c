/* Signals are remembered from the first to the last training of a process. */
#include "base/litter.h"
#include "base/stop.h"
#include "testing.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
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

static void make(const char *path) {
  const int file = open(path, O_WRONLY | O_CREAT, 0666);
  assert_true(file >= 0);
  close(file);
}

static bool is_there(const char *path) {
  struct stat about;
  return stat(path, &about) == 0;
}

/* A process that `signal` ends, while it listens or not, with two files that nobody needs and one that somebody
 * does. */
static int end_with_litter(int number, bool listens, bool once) {
  int status = 0;
  const pid_t child = fork();
  if (child == 0) {
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(number == SIGHUP ? SIGINT : SIGHUP, SIG_IGN);
    stop_tidy();
    litter_add("litter-1");
    litter_add("litter-2");
    litter_add("kept");
    litter_drop("kept");
    litter_drop("never");
    if (listens) stop_listen(SIGUSR1);
    if (listens) stop_at_once(once);
    (void)raise(number);
    if (listens && !once) (void)raise(SIGTERM);
    _exit(17);
  }
  assert_int_equal(child, waitpid(child, &status, 0));
  return status;
}

/* Whoever is ended by a signal removes what it has left, by the first where nothing would be lost. */
static void tidy(void **state) {
  (void)state;
  const struct {
    int number;
    bool listens, once;
  } cases[] = {{SIGTERM, false, false}, {SIGHUP, false, false}, {SIGTERM, true, true}, {SIGTERM, true, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    make("litter-1");
    make("litter-2");
    make("kept");
    const int status = end_with_litter(cases[i].number, cases[i].listens, cases[i].once);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(cases[i].number, WTERMSIG(status));
    assert_false(is_there("litter-1"));
    assert_false(is_there("litter-2"));
    assert_true(is_there("kept"));
    unlink("kept");
  }
  make("litter-1");
  make("litter-2");
  (void)signal(SIGHUP, SIG_IGN);
  const pid_t child = fork();
  int status = 0;
  if (child == 0) {
    stop_tidy(); /* as under nohup */
    (void)raise(SIGHUP);
    _exit(17);
  }
  assert_int_equal(child, waitpid(child, &status, 0));
  assert_true(WIFEXITED(status));
  unlink("litter-1");
  unlink("litter-2");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(remembered), cmocka_unit_test(twice), cmocka_unit_test(chosen),
                                     cmocka_unit_test(refused), cmocka_unit_test(tidy)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
