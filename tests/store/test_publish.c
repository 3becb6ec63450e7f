/* Files that get their final name before they are written: records are readable by others at once, and more are added
 * by opening the file again; structure ends with the seal. */
#include "ranks.h"
#include "store/file.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { ROWS = 12, COLUMNS = 3 };

static char path[64];

static bool has(const struct store_file *file, const char *name) {
  bool found;
  assert_ok(store_find(file, name, &found));
  return found;
}

static off_t size_of_file(void) {
  struct stat about;
  const off_t size = stat(path, &about) == 0 ? about.st_size : -1;
  MPI_Barrier(world.mpi);
  return size;
}

/* Root only. */
static void put_file(const void *data, size_t bytes) {
  FILE *out = fopen(path, "wb");
  assert_non_null(out);
  assert_int_equal(bytes, fwrite(data, 1, bytes, out));
  assert_int_equal(0, fclose(out));
}

/* Sealed, not published. */
static void make_file(struct store_file *file) {
  const int64_t extent[2] = {ROWS, COLUMNS};
  assert_ok(store_create(&world, path, file));
  assert_ok(store_attribute_text(file, "format", "hgn-test"));
  assert_ok(store_dataset(file, "/a/rows", STORE_F64, 2, extent, "m", "records"));
  assert_ok(store_text(file, "/text", NULL, 8));
  assert_status(STATUS_FILE, store_dataset(file, "/text", STORE_F64, 0, NULL, NULL, NULL)); /* is there */
  assert_ok(store_seal(file));
}

static double number(int64_t row, int64_t column) { return (double)(row * COLUMNS + column) + 0.25; }

/* Collective: one rank after another has a record, and it is in the file when all go on. */
static void write_record(struct store_file *file, int64_t row) {
  double record[COLUMNS];
  for (int i = 0; i < COLUMNS; i++) record[i] = number(row, i);
  if (world.rank == row % world.size) assert_ok(store_write_independent(file, "/a/rows", row, 1, record));
  MPI_Barrier(world.mpi);
}

/* Another opener: `count` records, and nothing behind them. */
static void check_records(int64_t count) {
  struct store_file file;
  double rows[ROWS][COLUMNS];
  assert_ok(store_open(&self, path, &file));
  assert_ok(store_read(&file, "/a/rows", STORE_F64, 0, ROWS, rows));
  for (int64_t row = 0; row < ROWS; row++)
    for (int64_t i = 0; i < COLUMNS; i++)
      assert_true(row < count ? rows[row][i] == number(row, i) : isnan(rows[row][i]));
  store_close(&file);
  MPI_Barrier(world.mpi);
}

static void test_records_are_readable_at_once(void **state) {
  (void)state;
  struct store_file file;
  char *text;
  make_file(&file);
  write_record(&file, 0); /* before it has a name */
  assert_int_equal(-1, size_of_file());
  assert_ok(store_publish(&file));
  assert_true(size_of_file() > 0);
  assert_int_equal(0, count_partials(path, false));
  for (int64_t row = 1; row < 5; row++) {
    check_records(row);
    write_record(&file, row);
  }
  assert_ok(store_write_text(&file, "/text", "done"));
  const off_t published = size_of_file();
  assert_ok(store_commit(&file));
  assert_int_equal(published, size_of_file());
  check_records(5);
  assert_ok(store_open(&world, path, &file));
  assert_ok(store_read_text(&file, "/text", &text));
  assert_string_equal("done", text);
  free(text);
  store_close(&file);
  delete_file(path);
}

static void test_reopened(void **state) {
  (void)state;
  struct store_file file;
  make_file(&file);
  assert_ok(store_publish(&file));
  write_record(&file, 0);
  assert_ok(store_commit(&file));
  for (int64_t row = 1; row < 4; row++) {
    assert_ok(store_reopen(&world, path, NULL, &file));
    assert_true(file.writing);
    write_record(&file, row);
    check_records(row + 1);
    if (row == 2)
      store_close(&file); /* keeps what has its name */
    else
      assert_ok(store_commit(&file));
    assert_int_equal(0, count_partials(path, false));
    check_records(row + 1);
  }
  delete_file(path);
}

/* The old file is what a reader finds until the new one is published, and again when that is given up. */
static void test_old_file_until_published(void **state) {
  (void)state;
  struct store_file file;
  MPI_Barrier(world.mpi);
  if (world.rank == 0) put_file("precious", 8);
  make_file(&file);
  assert_int_equal(8, size_of_file());
  store_close(&file);
  assert_int_equal(8, size_of_file());
  assert_int_equal(0, count_partials(path, false));
  make_file(&file);
  assert_ok(store_publish(&file));
  assert_true(size_of_file() > 8);
  store_close(&file);
  check_records(0);
  delete_file(path);
}

static void refuse_structure(struct store_file *file) {
  const int64_t extent[2] = {2, 2};
  assert_status(STATUS_ARGUMENT, store_dataset(file, "/b", STORE_F64, 2, extent, NULL, NULL));
  assert_message("sealed");
  assert_message(path);
  assert_status(STATUS_ARGUMENT, store_dataset_compressed(file, "/b", STORE_U8, 2, extent, extent, NULL, NULL));
  assert_status(STATUS_ARGUMENT, store_group(file, "/c"));
  assert_status(STATUS_ARGUMENT, store_text(file, "/d", "d", 0));
  assert_status(STATUS_ARGUMENT, store_attribute_i64(file, "e", 1));
  assert_status(STATUS_ARGUMENT, store_attach(file, "/a/rows", 0, "/text"));
  assert_false(has(file, "/b") || has(file, "/c") || has(file, "/d"));
}

/* Sealed, published, reopened: only raw data. */
static void test_no_structure_after_seal(void **state) {
  (void)state;
  struct store_file file;
  make_file(&file);
  refuse_structure(&file);
  assert_ok(store_publish(&file));
  refuse_structure(&file);
  write_record(&file, 0);
  assert_ok(store_commit(&file));
  assert_ok(store_reopen(&world, path, NULL, &file));
  refuse_structure(&file);
  write_record(&file, 1);
  assert_ok(store_commit(&file));
  check_records(2);
  delete_file(path);
}

static void test_publish_at_the_wrong_time(void **state) {
  (void)state;
  struct store_file file;
  assert_ok(store_create(&world, path, &file));
  assert_status(STATUS_ARGUMENT, store_publish(&file)); /* not sealed */
  assert_int_equal(-1, size_of_file());
  store_close(&file);
  make_file(&file);
  assert_ok(store_publish(&file));
  assert_status(STATUS_ARGUMENT, store_publish(&file)); /* twice */
  assert_ok(store_commit(&file));
  assert_status(STATUS_ARGUMENT, store_publish(&file));
  assert_ok(store_open(&world, path, &file));
  assert_status(STATUS_ARGUMENT, store_publish(&file)); /* for reading */
  store_close(&file);
  check_records(0);
  delete_file(path);
}

static void refuse_reopen(const char *name, const char *message) {
  struct store_file file;
  MPI_Barrier(world.mpi);
  assert_status(STATUS_FILE, store_reopen(&world, name, NULL, &file));
  assert_message(message);
  assert_message(name);
  assert_true(!file.writing && !file.state);
}

static void test_refuses_to_reopen(void **state) {
  (void)state;
  static const char broken[] = "\x89HDF\r\n\x1a\n and then nothing of sense";
  struct store_file file;
  refuse_reopen(path, "no such file");
  refuse_reopen(".", "is a folder");
  if (world.rank == 0) put_file("# text\n", 7);
  refuse_reopen(path, "not an HDF5 file");
  if (world.rank == 0) put_file(broken, sizeof broken);
  refuse_reopen(path, "damaged");
  assert_int_equal(sizeof broken, size_of_file()); /* as it was */
  delete_file(path);
  make_file(&file);
  assert_ok(store_commit(&file));
  const off_t whole = size_of_file();
  if (world.rank == 0) assert_int_equal(0, truncate(path, whole - 1));
  refuse_reopen(path, "truncated");
  assert_int_equal(whole - 1, size_of_file());
  delete_file(path);
}

int main(int argc, char **argv) {
  if (ranks_begin(argc, argv) != 0) return 1;
  snprintf(path, sizeof path, "publish_n%d.h5", world.size);
  delete_traces(path);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_records_are_readable_at_once), cmocka_unit_test(test_reopened),
      cmocka_unit_test(test_old_file_until_published),     cmocka_unit_test(test_no_structure_after_seal),
      cmocka_unit_test(test_publish_at_the_wrong_time),    cmocka_unit_test(test_refuses_to_reopen),
  };
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
