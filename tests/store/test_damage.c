/* A bit that has turned in the structure of a file is noticed, wherever it is: nothing crashes, and what is read is
 * what was written. (Numbers have checksums of their own, of those who write them; so has what is compressed, where
 * HDF5's index of the pieces has none.) */
#include "base/checksum.h"
#include "ranks.h"
#include "store/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { ROWS = 5, COLUMNS = 3, SETS = 12 };
static const char path[] = "damage.h5";

static void set_name(int i, char name[32]) { snprintf(name, 32, "/group/set%d", i); }

static void make_file(void) {
  const int64_t extent[2] = {ROWS, COLUMNS}, chunk[2] = {1, COLUMNS};
  const double times[ROWS] = {0, 1, 2, 3, 4}, rows[ROWS * COLUMNS] = {1, 2, 3};
  const unsigned char bytes[ROWS * COLUMNS] = {1, 2, 3};
  struct store_file file;
  char name[32];
  assert_ok(store_create(&world, path, &file));
  assert_ok(store_attribute_text(&file, "format", "damage"));
  assert_ok(store_attribute_i64(&file, "schema_version", 1));
  assert_ok(store_text(&file, "/config", "a: 1\n", 0));
  for (int i = 0; i < SETS; i++) {
    set_name(i, name);
    assert_ok(store_dataset(&file, name, STORE_F64, 2, extent, "m", "a description"));
  }
  assert_ok(store_scale(&file, "/time", ROWS, times, "s", NULL));
  assert_ok(store_attach(&file, name, 0, "/time"));
  assert_ok(store_dataset_compressed(&file, "/frames", STORE_U8, 2, extent, chunk, NULL, NULL));
  assert_ok(store_seal(&file));
  for (int i = 0; i < SETS; i++) {
    set_name(i, name);
    assert_ok(store_write(&file, name, 0, ROWS, rows));
  }
  assert_ok(store_write(&file, "/frames", 0, ROWS, bytes));
  assert_ok(store_commit(&file));
}

static enum status add_text(const struct store_file *file, const char *name, bool attribute, struct checksum *sum) {
  char *text;
  TRY(attribute ? store_read_attribute_text(file, name, &text) : store_read_text(file, name, &text));
  checksum_add(sum, checksum_tag(name), 0, text, strlen(text));
  free(text);
  return STATUS_OK;
}

static enum status add_rows(const struct store_file *file, const char *name, enum store_type type,
                            struct checksum *sum) {
  int rank;
  int64_t extent[STORE_RANK_MAX];
  enum store_type found;
  double rows[ROWS * COLUMNS];
  TRY(store_extent(file, name, &rank, extent, &found));
  REQUIRE(rank >= 1 && rank <= 2 && extent[0] == ROWS && (rank == 1 || extent[1] == COLUMNS) && found == type,
          STATUS_FILE, "%s: another shape", name);
  TRY(store_read(file, name, STORE_F64, 0, ROWS, rows));
  checksum_add(sum, checksum_tag(name), 0, rows, (size_t)(rank == 2 ? ROWS * COLUMNS : ROWS) * sizeof *rows);
  return STATUS_OK;
}

/* All that a reader of ours asks for. */
static enum status read_all(struct checksum *sum) {
  struct store_file file;
  char name[32];
  *sum = (struct checksum){{0, 0}};
  TRY(store_open(&world, path, &file));
  enum status status = store_check_format(&file, "damage", 1);
  if (status == STATUS_OK) status = add_text(&file, "format", true, sum);
  if (status == STATUS_OK) status = add_text(&file, "/config", false, sum);
  for (int i = 0; i < SETS && status == STATUS_OK; i++) {
    set_name(i, name);
    status = add_rows(&file, name, STORE_F64, sum);
  }
  if (status == STATUS_OK) status = add_rows(&file, "/time", STORE_F64, sum);
  if (status == STATUS_OK) status = add_rows(&file, "/frames", STORE_U8, &(struct checksum){{0, 0}});
  store_close(&file);
  return status;
}

static void mark_raw(const struct store_file *file, const char *name, unsigned char *raw) {
  hid_t set = H5Dopen2(file->id, name, H5P_DEFAULT);
  assert_true(set >= 0);
  const haddr_t at = H5Dget_offset(set);
  if (at != HADDR_UNDEF) memset(raw + at, 1, (size_t)H5Dget_storage_size(set));
  H5Dclose(set);
}

/* Where a turned bit changes numbers and nothing else. */
static unsigned char *find_raw(off_t size) {
  unsigned char *raw = calloc((size_t)size, 1);
  struct store_file file;
  char name[32];
  assert_non_null(raw);
  assert_ok(store_open(&world, path, &file));
  for (int i = 0; i < SETS; i++) {
    set_name(i, name);
    mark_raw(&file, name, raw);
  }
  mark_raw(&file, "/time", raw);
  mark_raw(&file, "/config", raw);
  hid_t set = H5Dopen2(file.id, "/frames", H5P_DEFAULT), space = H5Dget_space(set);
  for (hsize_t i = 0; i < ROWS; i++) {
    unsigned filter;
    haddr_t at;
    hsize_t offset[2], bytes;
    assert_true(H5Dget_chunk_info(set, space, i, offset, &filter, &at, &bytes) >= 0);
    memset(raw + at, 1, (size_t)bytes);
  }
  H5Sclose(space);
  H5Dclose(set);
  store_close(&file);
  return raw;
}

/* Amid many zeros there is no structure. */
static bool is_gap(const unsigned char *byte, off_t at, off_t size) {
  const off_t around = 64;
  if (at < around || at + around >= size) return false;
  for (off_t i = at - around; i <= at + around; i++)
    if (byte[i]) return false;
  return true;
}

static void a_turned_bit_is_noticed(void **state) {
  (void)state;
  struct checksum whole, now;
  struct stat about;
  make_file();
  assert_ok(read_all(&whole));
  assert_int_equal(0, stat(path, &about));
  const int descriptor = open(path, O_RDWR);
  unsigned char *raw = find_raw(about.st_size), *byte = malloc((size_t)about.st_size);
  assert_true(descriptor >= 0 && byte && pread(descriptor, byte, (size_t)about.st_size, 0) == about.st_size);
  int refused = 0, silent = 0;
  for (off_t at = 0; at < about.st_size; at++) {
    if (raw[at] || is_gap(byte, at, about.st_size)) continue;
    const unsigned char turned = byte[at] ^ (unsigned char)(1 << at % 8);
    assert_true(pwrite(descriptor, &turned, 1, at) == 1);
    const enum status status = read_all(&now);
    assert_true(status == STATUS_OK || status == STATUS_FILE);
    if (status == STATUS_OK && memcmp(&now, &whole, sizeof now) != 0) fail_msg("byte %lld", (long long)at);
    refused += status == STATUS_FILE;
    silent += status == STATUS_OK;
    status_clear();
    assert_true(pwrite(descriptor, &byte[at], 1, at) == 1);
  }
  printf("%d refused, %d not looked at\n", refused, silent);
  assert_true(refused > 3 * silent && refused > 1000);
  close(descriptor);
  free(byte);
  free(raw);
}

int main(int argc, char **argv) {
  if (ranks_begin(argc, argv) != 0) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_turned_bit_is_noticed)};
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  delete_file(path);
  return ranks_end(failed);
}
