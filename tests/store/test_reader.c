/* Reading reports what went wrong, on every rank alike: a file that has become shorter is an error, not zeros; what
 * cannot be told is not taken for absent; a file that another program writes is not read. */
#include "ranks.h"
#include "store/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { ROWS = 4000 };

static char path[64];

static void make_file(void) {
  const int64_t rows = ROWS;
  double *values = malloc(ROWS * sizeof *values);
  struct store_file file;
  for (int i = 0; i < ROWS; i++) values[i] = 1 + i;
  assert_ok(store_create(&world, path, &file));
  assert_ok(store_attribute_text(&file, "format", "hgn-test"));
  assert_ok(store_dataset(&file, "/a/values", STORE_F64, 1, &rows, NULL, NULL));
  assert_ok(store_write(&file, "/a/values", 0, world.rank == 0 ? ROWS : 0, values));
  assert_ok(store_commit(&file));
  free(values);
}

/* Collective. Cuts bytes off the end. */
static void shorten(off_t bytes) {
  struct stat about;
  MPI_Barrier(world.mpi);
  if (world.rank == 0) {
    assert_int_equal(0, stat(path, &about));
    assert_int_equal(0, truncate(path, about.st_size - bytes));
  }
  MPI_Barrier(world.mpi);
}

static void test_shorter_file(void **state) {
  (void)state;
  struct store_file file;
  double values[ROWS];
  make_file();
  assert_ok(store_open(&world, path, &file));
  assert_ok(store_read(&file, "/a/values", STORE_F64, 0, ROWS, values));
  assert_true(values[ROWS - 1] == ROWS);
  assert_false(store_changed(&file));
  shorten(8);
  assert_true(store_changed(&file));
  assert_status(STATUS_FILE, comm_agree(&world, store_read(&file, "/a/values", STORE_F64, ROWS - 2, 2, values)));
  assert_message("/a/values: ends before what it holds: it has become shorter");
  assert_ok(store_read(&file, "/a/values", STORE_F64, 0, ROWS - 1, values)); /* all that is still there */
  assert_true(values[ROWS - 2] == ROWS - 1);
  store_close(&file);
  assert_status(STATUS_FILE, store_open(&world, path, &file));
  assert_message("truncated");
  delete_file(path);
}

/* A new file of the name is another file: the one that is open stays as it was. */
static void test_replaced_file(void **state) {
  (void)state;
  struct store_file file;
  double value;
  make_file();
  assert_ok(store_open(&world, path, &file));
  make_file();
  assert_ok(store_read(&file, "/a/values", STORE_F64, 7, 1, &value));
  assert_true(value == 8 && !store_changed(&file));
  store_close(&file);
  delete_file(path);
}

/* Absent names are found to be absent; behind a damaged group nobody can tell. */
static void test_absent_or_broken(void **state) {
  (void)state;
  struct store_file file;
  bool found = true;
  make_file();
  assert_ok(store_open(&world, path, &file));
  assert_ok(store_find(&file, "/a/other", &found));
  assert_false(found);
  assert_ok(store_find(&file, "/b/values", &found));
  assert_false(found);
  assert_ok(store_find(&file, "/a/values", &found));
  assert_true(found);
  H5O_info_t info;
  assert_true(H5Oget_info_by_name2(file.id, "/a", &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0);
  store_close(&file);
  MPI_Barrier(world.mpi);
  if (world.rank == 0) {
    const int descriptor = open(path, O_RDWR);
    assert_true(descriptor >= 0 && pwrite(descriptor, "xxxx", 4, (off_t)info.addr + 20) == 4);
    close(descriptor);
  }
  MPI_Barrier(world.mpi);
  assert_ok(store_open(&world, path, &file));
  assert_status(STATUS_FILE, comm_agree(&world, store_find(&file, "/a/values", &found)));
  store_close(&file);
  delete_file(path);
}

/* HDF5 locks a file that it has open for writing; hgn does not read what may change meanwhile. */
static void test_writer_elsewhere(void **state) {
  (void)state;
  struct store_file file;
  int descriptor = -1;
  make_file();
  if (world.rank == 0) {
    descriptor = open(path, O_RDWR);
    assert_int_equal(0, flock(descriptor, LOCK_EX | LOCK_NB));
  }
  MPI_Barrier(world.mpi);
  assert_status(STATUS_FILE, store_open(&world, path, &file));
  assert_message("another program has it open for writing");
  assert_status(STATUS_FILE, store_create(&world, path, &file));
  assert_message("another program has it open for writing");
  assert_int_equal(0, count_partials(path, false));
  MPI_Barrier(world.mpi);
  if (world.rank == 0) close(descriptor);
  MPI_Barrier(world.mpi);
  assert_ok(store_open(&world, path, &file));
  /* And while it reads, others cannot write. */
  if (world.rank == 0) {
    descriptor = open(path, O_RDWR);
    assert_int_equal(-1, flock(descriptor, LOCK_EX | LOCK_NB));
    close(descriptor);
  }
  store_close(&file);
  delete_file(path);
}

int main(int argc, char **argv) {
  if (ranks_begin(argc, argv) != 0) return 1;
  snprintf(path, sizeof path, "reader_n%d.h5", world.size);
  delete_traces(path);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_shorter_file), cmocka_unit_test(test_replaced_file),
                                     cmocka_unit_test(test_absent_or_broken), cmocka_unit_test(test_writer_elsewhere)};
  return ranks_end(cmocka_run_group_tests_name("store.reader", tests, NULL, NULL));
}
