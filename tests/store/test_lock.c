/* Two processes cannot both hold the lock of an output; a killed one leaves none; the file says who holds it. */
#include "store/lock.h"
#include "testing.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char output[] = "locked.h5", name[] = ".locked.h5.lock", other[] = "other.h5";
static const char *taken = output; /* by other_takes() */

/* What another process gets: 0 the lock, else its status; it lets go again. */
static int other_takes(char message[STATUS_MESSAGE_MAX]) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    struct store_lock lock;
    const enum status status = store_lock_take(taken, 0, &lock);
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

/* The lock is the file's: another name of it, made before or after, does not get round it; HDF5 cannot write it. */
static void other_names(void **state) {
  (void)state;
  struct store_lock lock;
  char message[STATUS_MESSAGE_MAX];
  FILE *out = fopen(output, "wb");
  assert_non_null(out);
  fclose(out);
  unlink(other);
  assert_ok(store_lock_take(output, 0, &lock));
  assert_true(lock.file >= 0);
  assert_int_equal(link(output, other), 0);
  taken = other;
  assert_int_equal(other_takes(message), STATUS_FILE);
  assert_non_null(strstr(message, "other.h5: another job is writing it"));
  taken = output;
  const int descriptor = open(output, O_RDWR);
  assert_int_equal(flock(descriptor, LOCK_EX | LOCK_NB), -1); /* as HDF5 does it */
  assert_int_equal(flock(descriptor, LOCK_SH | LOCK_NB), 0);
  close(descriptor);
  store_lock_release(&lock);
  taken = other;
  assert_int_equal(other_takes(message), STATUS_OK);
  taken = output;
  unlink(other);
  unlink(output);
}

static void waits(void **state) {
  (void)state;
  struct store_lock lock;
  assert_ok(store_lock_take(output, 0, &lock));
  const pid_t child = fork();
  if (child == 0) {
    struct store_lock second;
    _exit(store_lock_take(output, 30, &second) == STATUS_OK ? 0 : 1);
  }
  nanosleep(&(const struct timespec){0, 50000000}, NULL); /* so that it has to; it makes no difference to the outcome */
  store_lock_release(&lock);
  int result;
  waitpid(child, &result, 0);
  assert_int_equal(result, 0);
  unlink(name);
}

static void planted_lock(void **state) {
  (void)state;
  struct store_lock lock;
  struct stat about;
  assert_int_equal(symlink("planted", name), 0);
  assert_status(STATUS_FILE, store_lock_take(output, 0, &lock));
  assert_non_null(strstr(status_message(), name));
  assert_int_equal(stat("planted", &about), -1);
  unlink(name);
  FILE *out = fopen("planted", "wb");
  fputs("precious", out);
  fclose(out);
  assert_int_equal(link("planted", name), 0);
  assert_status(STATUS_FILE, store_lock_take(output, 0, &lock));
  assert_int_equal(stat("planted", &about), 0);
  assert_int_equal(about.st_size, 8);
  unlink(name);
  unlink("planted");
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
  const struct CMUnitTest tests[] = {cmocka_unit_test(one_holder),   cmocka_unit_test(killed_holder),
                                     cmocka_unit_test(other_names),  cmocka_unit_test(waits),
                                     cmocka_unit_test(planted_lock), cmocka_unit_test(bad_places)};
  return cmocka_run_group_tests_name("store.lock", tests, NULL, NULL);
}
