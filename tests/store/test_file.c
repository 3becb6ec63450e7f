/* Files of the store on any number of ranks: what is written is read back, what is not is known, and every refusal is
 * the same on all ranks. */
#include "ranks.h"
#include "store/file.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROWS = 11, COLUMNS = 3 };

static char path[64];

static bool has(const struct store_file *file, const char *name) {
  bool found;
  assert_ok(store_find(file, name, &found));
  return found;
}

/* Collective, like all that looks at the folder: no rank goes on and changes what another is looking at. */
static bool is_there(const char *name) {
  bool there = access(name, F_OK) == 0;
  MPI_Barrier(world.mpi);
  return there;
}

/* Root only writes; all wait. */
static void put_file(const char *name, const void *data, size_t bytes) {
  if (world.rank == 0) {
    FILE *out = fopen(name, "wb");
    assert_non_null(out);
    assert_int_equal(bytes, fwrite(data, 1, bytes, out));
    assert_int_equal(0, fclose(out));
  }
  MPI_Barrier(world.mpi);
}

static void fill_rows(double *rows, int64_t first, int64_t count) {
  for (int64_t i = 0; i < count * COLUMNS; ++i) rows[i] = (double)(first * COLUMNS + i) + 0.5;
}

/* A file with one data set of each kind, sealed; rows are this rank's. */
static void make_file(struct store_file *file) {
  const int64_t extent[2] = {ROWS, COLUMNS}, chunk[2] = {1, COLUMNS}, none[2] = {0, COLUMNS}, one = 1;
  const double times[COLUMNS] = {0, 0.1, 0.2};
  const char *const names[COLUMNS] = {"x", "longer", "z"};
  assert_ok(store_create(&world, path, file));
  assert_ok(store_attribute_text(file, "format", "hgn-test"));
  assert_ok(store_attribute_i64(file, "schema_version", -7));
  assert_ok(store_scale(file, "/time", COLUMNS, times, "s", "time of each frame"));
  assert_ok(store_texts(file, "/names", COLUMNS, names, NULL, "names"));
  assert_ok(store_group(file, "/a/b"));
  assert_ok(store_dataset(file, "/a/b/f64", STORE_F64, 2, extent, "J", "numbers"));
  assert_ok(store_attach(file, "/a/b/f64", 1, "/time"));
  assert_ok(store_attach(file, "/a/b/f64", 1, "/names"));
  assert_ok(store_dataset(file, "/made/above/f32", STORE_F32, 2, extent, NULL, NULL));
  assert_ok(store_dataset(file, "/i64", STORE_I64, 1, &one, NULL, NULL));
  assert_ok(store_dataset(file, "/scalar", STORE_F64, 0, NULL, NULL, NULL));
  assert_ok(store_dataset(file, "/none", STORE_F64, 2, none, NULL, NULL));
  assert_ok(store_dataset_compressed(file, "/u8", STORE_U8, 2, extent, chunk, NULL, NULL));
  assert_ok(store_dataset_compressed(file, "/no_u8", STORE_U8, 2, none, chunk, NULL, NULL));
  assert_ok(store_text(file, "/text", world.rank == 0 ? "r\xc3\xb6t \xe2\x88\x82" : "not the root's", 0));
  assert_ok(store_text(file, "/empty", "", 0));
  assert_ok(store_text(file, "/later", NULL, 8));
  assert_ok(store_seal(file));
}

static void test_round_trip(void **state) {
  (void)state;
  struct store_file file;
  int64_t first, count;
  make_file(&file);
  assert_false(is_there(path));
  assert_int_equal(1, count_partials(path, false));

  comm_share(ROWS, world.size, world.rank, &first, &count);
  double rows[ROWS * COLUMNS];
  fill_rows(rows, first, count);
  /* In rows, last first: order and grouping are free. */
  for (int64_t i = count; i-- > 0;)
    assert_ok(store_write_independent(&file, "/a/b/f64", first + i, 1, rows + i * COLUMNS));
  /* The last rank has nothing of the compressed one. */
  unsigned char bytes[ROWS * COLUMNS];
  int64_t from = 0, many = 0;
  if (world.size == 1) many = ROWS;
  if (world.size > 1 && world.rank < world.size - 1) comm_share(ROWS, world.size - 1, world.rank, &from, &many);
  for (int64_t i = 0; i < many * COLUMNS; ++i) bytes[i] = (unsigned char)(from * COLUMNS + i + 1);
  assert_ok(store_write(&file, "/u8", from, many, many ? bytes : NULL));
  assert_ok(store_write(&file, "/no_u8", 0, 0, NULL));
  const double pi = 3.25;
  assert_ok(store_write(&file, "/scalar", 0, world.rank == 0, &pi));
  assert_ok(store_write_text(&file, "/later", world.rank == 0 ? "12345678" : "x"));
  assert_ok(store_commit(&file));
  assert_true(is_there(path));
  assert_int_equal(0, count_partials(path, false));

  assert_ok(store_open(&world, path, &file));
  assert_false(file.writing);
  int rank;
  int64_t extent[STORE_RANK_MAX], version;
  enum store_type type;
  assert_ok(store_extent(&file, "/a/b/f64", &rank, extent, &type));
  assert_true(rank == 2 && extent[0] == ROWS && extent[1] == COLUMNS && type == STORE_F64);
  double all[ROWS * COLUMNS], expected[ROWS * COLUMNS];
  fill_rows(expected, 0, ROWS);
  assert_ok(store_read(&file, "/a/b/f64", STORE_F64, 0, ROWS, all));
  assert_memory_equal(expected, all, sizeof all);
  float narrow[2 * COLUMNS];
  assert_ok(store_read(&file, "/a/b/f64", STORE_F32, 4, 2, narrow));
  for (int i = 0; i < 2 * COLUMNS; ++i) assert_true(narrow[i] == (float)expected[4 * COLUMNS + i]);
  assert_ok(store_read(&file, "/u8", STORE_U8, 0, ROWS, bytes));
  for (int i = 0; i < ROWS * COLUMNS; ++i) assert_int_equal(i + 1, bytes[i]);
  assert_ok(store_read(&file, "/scalar", STORE_F64, 0, 1, all));
  assert_true(all[0] == pi);
  assert_ok(store_read(&file, "/time", STORE_F64, 0, COLUMNS, all));
  assert_true(all[2] == 0.2);
  /* Never written: fill values. */
  assert_ok(store_read(&file, "/made/above/f32", STORE_F32, 0, 2, narrow));
  assert_true(isnan(narrow[0]) && isnan(narrow[2 * COLUMNS - 1]));
  int64_t number = 5;
  assert_ok(store_read(&file, "/i64", STORE_I64, 0, 1, &number));
  assert_int_equal(0, number);
  char *text;
  assert_ok(store_read_text(&file, "/text", &text));
  assert_string_equal("r\xc3\xb6t \xe2\x88\x82", text);
  free(text);
  assert_ok(store_read_text(&file, "/later", &text));
  assert_string_equal("12345678", text);
  free(text);
  assert_ok(store_read_text(&file, "/empty", &text));
  assert_string_equal("", text);
  free(text);
  assert_ok(store_read_attribute_text(&file, "format", &text));
  assert_string_equal("hgn-test", text);
  free(text);
  assert_ok(store_read_attribute_i64(&file, "schema_version", &version));
  assert_int_equal(-7, version);
  assert_true(has(&file, "/made/above") && !has(&file, "/made/below/f32") && !has(&file, "/b"));
  store_close(&file);
  store_close(&file);
  delete_file(path);
}

static void test_wrong_use(void **state) {
  (void)state;
  struct store_file file, zeroed = {.id = 0};
  double rows[2 * COLUMNS] = {0};
  char *text;
  store_close(&zeroed);
  make_file(&file);
  assert_status(STATUS_ARGUMENT, store_write_independent(&file, "/a/b/f64", ROWS - 1, 2, rows));
  assert_status(STATUS_ARGUMENT, store_write_independent(&file, "/a/b/f64", -1, 1, rows));
  assert_status(STATUS_ARGUMENT, store_write_independent(&file, "/u8", 0, 1, rows));
  assert_status(STATUS_ARGUMENT, store_write_independent(&file, "/text", 0, 1, rows));
  assert_status(STATUS_FILE, store_write_independent(&file, "/absent", 0, 1, rows));
  assert_status(STATUS_FILE, store_read(&file, "/a", STORE_F64, 0, 1, rows));
  assert_status(STATUS_FILE, store_read_text(&file, "/scalar", &text));
  assert_ok(comm_agree(&world, STATUS_OK));
  assert_status(STATUS_ARGUMENT, store_write_text(&file, "/later", "123456789"));
  /* One rank's mistake is everyone's error, and nobody waits. */
  enum status status = store_write(&file, "/a/b/f64", world.rank == world.size - 1 ? ROWS : 0, 1, rows);
  assert_int_equal(STATUS_ARGUMENT, status);
  assert_message("/a/b/f64");
  assert_status(STATUS_ARGUMENT, store_dataset(&file, "/late", STORE_F64, 0, NULL, NULL, NULL)); /* sealed */
  store_close(&file);
  assert_int_equal(0, count_partials(path, false));
  assert_false(is_there(path));
}

static void test_old_file_survives(void **state) {
  (void)state;
  struct store_file file;
  put_file(path, "precious", 8);
  make_file(&file);
  store_close(&file);
  MPI_Barrier(world.mpi);
  struct stat about;
  assert_int_equal(0, stat(path, &about));
  assert_int_equal(8, about.st_size);
  assert_int_equal(0, count_partials(path, false));
  make_file(&file);
  assert_ok(store_commit(&file));
  assert_int_equal(0, stat(path, &about));
  assert_true(about.st_size > 8);
  delete_file(path);
}

static void refuse_open(const char *name, const char *message) {
  struct store_file file;
  assert_status(STATUS_FILE, store_open(&world, name, &file));
  assert_message(message);
  assert_message(name);
}

static void test_refuses_to_open(void **state) {
  (void)state;
  static unsigned char noise[5000];
  struct store_file file;
  struct stat about;
  refuse_open("absent.h5", "no such file");
  refuse_open(".", "is a folder");
  refuse_open("/dev/null", "not a regular file");
  put_file(path, noise, 0);
  refuse_open(path, "is empty");
  put_file(path, "# text\n", 7);
  refuse_open(path, "not an HDF5 file");
  memset(noise, 0x5a, sizeof noise);
  put_file(path, noise, sizeof noise);
  refuse_open(path, "not an HDF5 file");
  memcpy(noise, "\x89HDF\r\n\x1a\n", 8);
  put_file(path, noise, sizeof noise);
  refuse_open(path, "damaged");
  make_file(&file);
  assert_ok(store_commit(&file));
  assert_int_equal(0, stat(path, &about));
  MPI_Barrier(world.mpi);
  if (world.rank == 0) assert_int_equal(0, truncate(path, about.st_size - 1));
  MPI_Barrier(world.mpi);
  refuse_open(path, "truncated");
  if (world.rank == 0) assert_int_equal(0, truncate(path, 200));
  MPI_Barrier(world.mpi);
  refuse_open(path, "truncated");
  delete_file(path);
}

static void refuse_create(const char *name, const char *message) {
  struct store_file file;
  assert_status(STATUS_FILE, store_create(&world, name, &file));
  assert_message(message);
}

static void test_refuses_to_create(void **state) {
  (void)state;
  char below[80];
  snprintf(below, sizeof below, "%s/x.h5", path);
  put_file(path, "a file", 6);
  refuse_create(below, "not a directory");
  refuse_create("absent_folder/x.h5", "no such file or directory");
  refuse_create("/proc/x.h5", "cannot be created");
  refuse_create(".", "is a folder");
  refuse_create("./", "is a folder");
  /* A pipe of our own, never a device: a defect would replace it for everyone. Rank 0 is the one that looks. */
  char pipe[96];
  snprintf(pipe, sizeof pipe, "%s.pipe", path);
  delete_file(pipe); /* of a run that failed */
  if (world.rank == 0) assert_int_equal(mkfifo(pipe, 0600), 0);
  refuse_create(pipe, "not a regular file");
  delete_file(pipe);
  refuse_create("", "empty");
  delete_file(path);
}

/* Creation, then structure, then a large data set meet the limit, which comes before or after the file. */
static void test_file_size_limit(void **state) {
  (void)state;
  static const rlim_t limits[] = {0, 500, 20000, 40000, 60000, 100000, 200000, 400000, 800000};
  const int64_t extent = 100000;
  struct rlimit old;
  assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &old));
  put_file(path, "precious", 8);
  for (size_t i = 0; i < 2 * sizeof limits / sizeof *limits; ++i) {
    struct rlimit small = {limits[i / 2], old.rlim_max};
    struct store_file file;
    bool late = i % 2 == 1 && small.rlim_cur >= 20000;
    if (!late) assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &small));
    enum status status = store_create(&world, path, &file);
    if (late) assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &small));
    if (status == STATUS_OK) status = store_text(&file, "/text", "x", 0);
    if (status == STATUS_OK) status = store_dataset(&file, "/large", STORE_F64, 1, &extent, NULL, NULL);
    assert_int_equal(STATUS_FILE, status);
    assert_message("file too large");
    store_close(&file);
    assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &old));
    assert_int_equal(0, count_partials(path, false));
  }
  struct stat about;
  assert_int_equal(0, stat(path, &about));
  assert_int_equal(8, about.st_size);
  delete_file(path);
}

/* Space that was reserved and not used is given back: the file ends where HDF5 says. */
static void test_no_slack(void **state) {
  (void)state;
  struct store_file file;
  struct stat about;
  make_file(&file);
  assert_int_equal(0, stat(file.partial, &about));
  off_t sealed = about.st_size;
  assert_true(sealed < 40000);
  /* The same zeros that are there: no chunk grows, and what was reserved for them must not pile up. */
  unsigned char zeros[ROWS * COLUMNS] = {0};
  for (int i = 0; i < 5; ++i) assert_ok(store_write(&file, "/u8", 0, world.rank == 0 ? ROWS : 0, zeros));
  assert_int_equal(0, stat(file.partial, &about));
  assert_true(about.st_size < sealed + 100000);
  assert_ok(store_commit(&file));
  assert_int_equal(0, stat(path, &about));
  assert_true(about.st_size <= sealed);
  delete_file(path);
}

int main(int argc, char **argv) {
  if (ranks_begin(argc, argv) != 0) return 1;
  snprintf(path, sizeof path, "file_n%d.h5", world.size);
  delete_traces(path); /* of a run that failed */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),        cmocka_unit_test(test_wrong_use),
      cmocka_unit_test(test_old_file_survives), cmocka_unit_test(test_refuses_to_open),
      cmocka_unit_test(test_refuses_to_create), cmocka_unit_test(test_file_size_limit),
      cmocka_unit_test(test_no_slack),
  };
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
