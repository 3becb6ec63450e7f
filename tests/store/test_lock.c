/* Two processes cannot both hold the lock of an output; a killed one leaves none; the file says who holds it. */
#include "store/lock.h"
#include "testing.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char output[] = "locked.h5", name[] = ".locked.h5.lock";

/* What another process gets: 0 the lock, else its status; it lets go again. */
static int other_takes(char message[STATUS_MESSAGE_MAX]) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    struct store_lock lock;
    const enum status status = store_lock_take(output, 0, &lock);
    const char *text = status == STATUS_OK ? "" : status_message();
    const ssize_t written = write(ends[1], text, strlen(text) + 1);
    store_lock_release(&lock);
    _exit(written > 0 ? (int)status : 99);
  }
  close(ends[1]);
  const ssize_t length = read(ends[0], message, STATUS_MESSAGE_MAX - 1);
  message[length > 0 ? length : 0] = '\0';
  close(ends[0]);
  int result;
  waitpid(child, &result, 0);
  return WEXITSTATUS(result);
}

static void one_holder(void **state) {
  (void)state;
  struct store_lock lock;
  char message[STATUS_MESSAGE_MAX], holder[64];
  assert_ok(store_lock_take(output, 0, &lock));
  assert_true(lock.held);
  assert_int_equal(other_takes(message), STATUS_FILE);
  assert_non_null(strstr(message, "locked.h5: another job is writing it"));
  snprintf(holder, sizeof holder, "process %ld on ", (long)getpid());
  assert_non_null(strstr(message, holder));
  assert_int_equal(access(name, F_OK), 0); /* the one refused has not taken it away */
  store_lock_release(&lock);
  assert_int_not_equal(access(name, F_OK), 0);
  assert_int_equal(other_takes(message), STATUS_OK);
  store_lock_release(&lock); /* twice does no harm */
}

/* The file stays behind, the lock does not. */
static void killed_holder(void **state) {
  (void)state;
  int ends[2];
  char ready;
  assert_int_equal(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    struct store_lock lock;
    const ssize_t written = store_lock_take(output, 0, &lock) == STATUS_OK ? write(ends[1], "y", 1) : 0;
    while (written == 1) pause();
    _exit(1);
  }
  assert_int_equal(read(ends[0], &ready, 1), 1);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  close(ends[0]);
  close(ends[1]);
  assert_int_equal(access(name, F_OK), 0);
  struct store_lock lock;
  char message[STATUS_MESSAGE_MAX];
  assert_ok(store_lock_take(output, 0, &lock));
  assert_int_equal(other_takes(message), STATUS_FILE);
  store_lock_release(&lock);
  assert_int_not_equal(access(name, F_OK), 0);
}

static void bad_places(void **state) {
  (void)state;
  struct store_lock lock;
  assert_status(STATUS_FILE, store_lock_take("no/such/folder/run.h5", 0, &lock));
  assert_non_null(strstr(status_message(), "no/such/folder/run.h5: cannot be created"));
  char *path = malloc(2 * STORE_PATH_MAX);
  memset(path, 'x', 2 * STORE_PATH_MAX - 1);
  path[2 * STORE_PATH_MAX - 1] = '\0';
  assert_status(STATUS_USAGE, store_lock_take(path, 0, &lock));
  free(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(one_holder), cmocka_unit_test(killed_holder),
                                     cmocka_unit_test(bad_places)};
  return cmocka_run_group_tests_name("store.lock", tests, NULL, NULL);
}
