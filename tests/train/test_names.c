/* Names of a run's checkpoints, which are found, and which are deleted:
 * no file of another run, no whole file but the oldest checkpoints. */
#include "testing.h"
#include "train/checkpoint.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char folder[] = "names";

static void assert_name(const char *expected, const char *run, int64_t step) {
  char path[STORE_PATH_MAX];
  assert_ok(checkpoint_name(run, step, path));
  assert_string_equal(expected, path);
}

static void test_names(void **state) {
  (void)state;
  char path[STORE_PATH_MAX], run[STORE_PATH_MAX + 1];
  assert_name("run.checkpoint-00000012.h5", "run.h5", 12);
  assert_name("a.h5/run.checkpoint-00000000.h5", "a.h5/run.h5", 0);
  assert_name("run.checkpoint-123456789012.h5", "run", 123456789012);
  assert_name("run.best.h5", "run.h5", -1);
  assert_name("./x.best.h5", "./x.h5", -1);
  memset(run, 'x', sizeof run - 1);
  run[STORE_PATH_MAX] = '\0';
  assert_status(STATUS_USAGE, checkpoint_name(run, 3, path));
  assert_status(STATUS_USAGE, checkpoint_name(run, -1, path));
  run[STORE_PATH_MAX - 8] = '\0';
  assert_status(STATUS_USAGE, checkpoint_name(run, -1, path));
  run[STORE_PATH_MAX - 9] = '\0'; /* ".best.h5" and a terminator just fit */
  assert_ok(checkpoint_name(run, -1, path));
  assert_status(STATUS_USAGE, checkpoint_name(run, 3, path));
}

static const char *in_folder(const char *name) {
  static char path[2 * STORE_PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static void touch(const char *name) {
  FILE *file = fopen(in_folder(name), "wb");
  assert_non_null(file);
  assert_int_equal(0, fclose(file));
}

static const char *const others[] = {"run.h5",
                                     "run.best.h5",
                                     "run2.checkpoint-00000001.h5",
                                     "run.checkpoint-.h5",
                                     "run.checkpoint-3.h5.bak",
                                     "run.checkpoint-x.h5",
                                     ".run2.h5.partial-host-1",
                                     ".run.limit.h5.partial-host-1",
                                     ".run.checkpoint-00000004.h5"};
enum { OTHERS = sizeof others / sizeof *others };

/* Without what a run that failed has left. */
static void make_folder(void) {
  mkdir(folder, 0777);
  DIR *stream = opendir(folder);
  assert_non_null(stream);
  for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream))
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) unlink(in_folder(entry->d_name));
  closedir(stream);
  for (int i = 0; i < OTHERS; i++) touch(others[i]);
}

/* All that is not the run's has stayed; then the folder goes. */
static void delete_folder(void) {
  for (int i = 0; i < OTHERS; i++)
    if (unlink(in_folder(others[i])) != 0) fail_msg("%s has been deleted", others[i]);
  if (rmdir(folder) != 0) fail_msg("something is left in %s", folder);
}

static void assert_steps(const char *run, const int64_t *expected, int count) {
  int64_t *steps;
  int found;
  assert_ok(checkpoint_list(run, &steps, &found));
  assert_int_equal(count, found);
  if (count) assert_memory_equal(expected, steps, (size_t)count * sizeof *steps);
  free(steps);
}

static void put_checkpoint(int64_t step) {
  char path[STORE_PATH_MAX];
  assert_ok(checkpoint_name("run.h5", step, path));
  touch(path);
}

static void test_list_and_prune(void **state) {
  (void)state;
  const int64_t steps[] = {3, 20, 100, 99999999, 100000000};
  make_folder();
  assert_steps("names/run.h5", NULL, 0);
  assert_steps("absent/run.h5", NULL, 0);
  for (int i = 4; i >= 0; i--) put_checkpoint(steps[i]);
  assert_steps("names/run.h5", steps, 5);
  assert_steps("names/run", steps, 5);
  assert_int_equal(0, chdir(folder)); /* a name without a folder */
  assert_steps("run.h5", steps, 5);
  assert_int_equal(0, chdir(".."));
  checkpoint_prune("names/run.h5", INT64_MAX, 1, 6, NULL);
  assert_steps("names/run.h5", steps, 5);
  checkpoint_prune("names/run.h5", INT64_MAX, 1, 2, NULL);
  assert_steps("names/run.h5", steps + 3, 2);
  checkpoint_prune("names/run.h5", INT64_MAX, 1, 0, NULL);
  assert_steps("names/run.h5", NULL, 0);
  delete_folder();
}

/* One that a signal asked for stays while it is the newest, and pushes none out that is due; those of steps that the
 * run has yet to come to again are not its business. */
static void test_prune_around_signals(void **state) {
  (void)state;
  static const int64_t before[] = {10, 20, 30, 33, 90}, kept[] = {20, 30, 33, 90}, after[] = {30, 40, 90};
  make_folder();
  for (int i = 0; i < 5; i++) put_checkpoint(before[i]);
  checkpoint_prune("names/run.h5", 33, 10, 2, NULL);
  assert_steps("names/run.h5", kept, 4);
  put_checkpoint(40);
  checkpoint_prune("names/run.h5", 40, 10, 2, NULL);
  assert_steps("names/run.h5", after, 3);
  checkpoint_prune("names/run.h5", INT64_MAX, 1, 0, NULL);
  delete_folder();
}

static void test_many(void **state) {
  (void)state;
  enum { MANY = 40 };
  int64_t steps[MANY];
  make_folder();
  for (int i = 0; i < MANY; i++) {
    steps[i] = 7 * i;
    put_checkpoint(7 * (MANY - 1 - i));
  }
  assert_steps("names/run.h5", steps, MANY);
  checkpoint_prune("names/run.h5", INT64_MAX, 1, 0, NULL);
  delete_folder();
}

static void test_sweep(void **state) {
  (void)state;
  static const char *const partials[] = {".run.h5.partial-host-17", ".run.best.h5.partial-host-17-1",
                                         ".run.checkpoint-00000003.h5.partial-other.host-9"};
  make_folder();
  put_checkpoint(3);
  for (int i = 0; i < 3; i++) touch(partials[i]);
  checkpoint_remove_left("names/run.h5");
  for (int i = 0; i < 3; i++) assert_int_equal(-1, access(in_folder(partials[i]), F_OK));
  assert_steps("names/run.h5", (const int64_t[]){3}, 1);
  checkpoint_prune("names/run.h5", INT64_MAX, 1, 0, NULL);
  checkpoint_remove_left("absent/run.h5");
  delete_folder();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names), cmocka_unit_test(test_list_and_prune), cmocka_unit_test(test_prune_around_signals),
      cmocka_unit_test(test_many),  cmocka_unit_test(test_sweep),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
