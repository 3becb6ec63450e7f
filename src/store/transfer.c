/* Raw data: rows in and out, texts and attributes back. */
#include "store/reader.h"
#include "store/state.h"

#include <stdlib.h>
#include <string.h>

const size_t store_bytes[STORE_TYPE_COUNT] = {
    [STORE_F64] = 8,
    [STORE_F32] = 4,
    [STORE_I64] = 8,
    [STORE_U8] = 1,
};

hid_t store_memory_type(enum store_type type) {
  switch (type) {
  case STORE_F64:
    return H5T_NATIVE_DOUBLE;
  case STORE_F32:
    return H5T_NATIVE_FLOAT;
  case STORE_I64:
    return H5T_NATIVE_INT64;
  case STORE_U8:
    return H5T_NATIVE_UINT8;
  case STORE_TYPE_COUNT:
    break;
  }
  return H5I_INVALID_HID;
}

/* ---- rows ---- */

static int64_t count_rows(const struct store_handle *handle) { return handle->rank ? (int64_t)handle->extent[0] : 1; }

static size_t row_values(const struct store_handle *handle) {
  size_t values = 1;
  for (int i = 1; i < handle->rank; ++i) values *= (size_t)handle->extent[i];
  return values;
}

/* Whether its shapes are what somebody has left there, and not what this program has just made. */
static bool found_there(const struct store_file *file) { return !file->writing || file->state->live; }

static enum status check_rows(const struct store_file *file, const struct store_handle *handle, int64_t first,
                              int64_t count) {
  const int64_t rows = count_rows(handle);
  REQUIRE(first >= 0 && count >= 0 && count <= INT64_MAX - first, STATUS_ARGUMENT, "%s: %s: %lld rows from row %lld",
          file->path, handle->name, (long long)count, (long long)first);
  REQUIRE(first + count <= rows, found_there(file) ? STATUS_FILE : STATUS_ARGUMENT,
          "%s: %s has %lld rows, and is to have %lld", file->path, handle->name, (long long)rows,
          (long long)(first + count));
  return STATUS_OK;
}

/* One transfer. With count 0 nothing is selected, as collective calls need. */
static enum status move_rows(const struct store_file *file, const struct store_handle *handle, hid_t type, hid_t plan,
                             int64_t first, int64_t count, void *read, const void *write) {
  hsize_t start[STORE_RANK_MAX] = {(hsize_t)first}, block[STORE_RANK_MAX];
  memcpy(block, handle->extent, sizeof block);
  block[0] = (hsize_t)count;
  static const double nothing = 0;
  hid_t memory = H5S_ALL, space = H5S_ALL;
  bool good = true;
  if (handle->rank > 0) {
    space = handle->space;
    if (count == 0) block[0] = 1;
    memory = H5Screate_simple(handle->rank, block, NULL);
    good = memory >= 0;
    if (good && count == 0)
      good = H5Sselect_none(memory) >= 0 && H5Sselect_none(space) >= 0;
    else if (good)
      good = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, block, NULL) >= 0;
  }
  reader_enter(file->path);
  if (good && read) good = H5Dread(handle->id, type, memory, space, plan, read) >= 0;
  reader_leave();
  if (good && !read) good = H5Dwrite(handle->id, type, memory, space, plan, write ? write : &nothing) >= 0;
  /* Any other call of HDF5 would clear its error. */
  enum status status = good ? STATUS_OK : store_fail(file, handle->name);
  if (handle->rank > 0 && memory >= 0) H5Sclose(memory);
  return status;
}

static int64_t rows_a_piece(const struct store_handle *handle, size_t value_bytes) {
  size_t row = row_values(handle) * value_bytes;
  return row == 0 || row >= STORE_PIECE ? 1 : (int64_t)(STORE_PIECE / row);
}

enum status store_move(const struct store_file *file, const struct store_handle *handle, hid_t memory_type,
                       size_t value_bytes, int64_t first, int64_t count, void *read, const void *write) {
  TRY(check_rows(file, handle, first, count));
  size_t row = row_values(handle) * value_bytes;
  if (row == 0) return STATUS_OK;
  int64_t piece = rows_a_piece(handle, value_bytes);
  for (int64_t i = 0; i < count; i += piece) {
    size_t offset = (size_t)i * row;
    TRY(move_rows(file, handle, memory_type, H5P_DEFAULT, first + i, count - i < piece ? count - i : piece,
                  read ? (char *)read + offset : NULL, write ? (const char *)write + offset : NULL));
  }
  return STATUS_OK;
}

/* A data set of numbers, to be written in its own type. */
static enum status target(const struct store_file *file, const char *name, struct store_handle **handle) {
  REQUIRE(file->writing, STATUS_ARGUMENT, "%s: %s: the file is not open for writing", file->path, name);
  TRY(store_handle(file, name, handle));
  REQUIRE((*handle)->type != STORE_TYPE_COUNT, STATUS_ARGUMENT, "%s: %s does not hold numbers", file->path, name);
  return STATUS_OK;
}

enum status store_write_independent(struct store_file *file, const char *name, int64_t first, int64_t count,
                                    const void *data) {
  struct store_handle *handle;
  TRY(target(file, name, &handle));
  REQUIRE(!handle->chunked, found_there(file) ? STATUS_FILE : STATUS_ARGUMENT,
          "%s: %s is compressed or in chunks, and is not written row by row", file->path, name);
  return store_move(file, handle, store_memory_type(handle->type), store_bytes[handle->type], first, count, NULL, data);
}

/* Collective. Chunks are compressed and placed by all ranks together, in as many rounds as the busiest needs. */
static enum status write_chunks(struct store_file *file, const char *name, struct store_handle *handle, int64_t first,
                                int64_t count, const void *data) {
  enum store_type type = handle->type;
  size_t row = row_values(handle) * store_bytes[type];
  int64_t piece = rows_a_piece(handle, store_bytes[type]), rounds = (count + piece - 1) / piece;
  hid_t plan = H5Pcreate(H5P_DATASET_XFER);
  enum status status = STATUS_OK;
  if (plan < 0 || H5Pset_dxpl_mpio(plan, H5FD_MPIO_COLLECTIVE) < 0) status = store_fail(file, name);
  int64_t most = rounds;
  int code = MPI_Allreduce(&rounds, &most, 1, MPI_INT64_T, MPI_MAX, file->comm->mpi);
  if (status == STATUS_OK) status = comm_check(code, "MPI_Allreduce");
  status = comm_agree(file->comm, status);
  for (int64_t i = 0; i < most && status == STATUS_OK; ++i) {
    int64_t done = i * piece < count ? i * piece : count, now = count - done < piece ? count - done : piece;
    /* Deflate may make noise longer, by 5 bytes in 16 KiB; and every chunk may need a new entry of the index. */
    uint64_t bytes = (uint64_t)now * row, all = 0;
    bytes += bytes / 250 + (uint64_t)now * 4096;
    code = MPI_Allreduce(&bytes, &all, 1, MPI_UINT64_T, MPI_SUM, file->comm->mpi);
    status = store_reserve(file, name, comm_check(code, "MPI_Allreduce"), all);
    if (status != STATUS_OK) break;
    status = move_rows(file, handle, store_memory_type(type), plan, first + done, now, NULL,
                       now ? (const char *)data + (size_t)done * row : NULL);
    status = comm_agree(file->comm, status);
  }
  if (plan >= 0) H5Pclose(plan);
  if (status != STATUS_OK) return status;
  return store_flush(file, name);
}

enum status store_write(struct store_file *file, const char *name, int64_t first, int64_t count, const void *data) {
  struct store_handle *handle = NULL;
  enum status status = target(file, name, &handle);
  if (status == STATUS_OK) status = check_rows(file, handle, first, count);
  TRY(comm_agree(file->comm, status));
  if (handle->chunked) return write_chunks(file, name, handle, first, count, data);
  status =
      store_move(file, handle, store_memory_type(handle->type), store_bytes[handle->type], first, count, NULL, data);
  return comm_agree(file->comm, status);
}

enum status store_read(const struct store_file *file, const char *name, enum store_type type, int64_t first,
                       int64_t count, void *data) {
  struct store_handle *handle;
  TRY(store_handle(file, name, &handle));
  TRY(store_move(file, handle, store_memory_type(type), store_bytes[type], first, count, data, NULL));
  file->state->bytes_read += count * (int64_t)(row_values(handle) * H5Tget_size(store_file_type(handle->type)));
  return STATUS_OK;
}

enum status store_read_values(const struct store_file *file, const char *name, enum store_type type, int64_t count,
                              void *data) {
  struct store_handle *handle;
  TRY(store_handle(file, name, &handle));
  const uint64_t row = row_values(handle);
  const bool fits = handle->type != STORE_TYPE_COUNT && row <= (uint64_t)count &&
                    (row == 0 ? count == 0 : count_rows(handle) == count / (int64_t)row && count % (int64_t)row == 0);
  REQUIRE(fits, STATUS_FILE, "%s: %s does not hold %lld numbers", file->path, name, (long long)count);
  return store_read(file, name, type, 0, count_rows(handle), data);
}

enum status store_agree(const struct store_file *file, const char *what, const void *data, size_t bytes) {
  void *first = malloc(bytes);
  enum status status = first ? STATUS_OK : status_raise(STATUS_MEMORY, "%s: no memory to compare %s", file->path, what);
  status = comm_agree(file->comm, status);
  if (status == STATUS_OK) {
    memcpy(first, data, bytes);
    status = comm_broadcast(file->comm, first, (int64_t)bytes);
  }
  if (status == STATUS_OK && memcmp(first, data, bytes) != 0)
    status =
        status_raise(STATUS_FILE, "%s: rank %d has opened another file than rank 0 (%s): it was replaced meanwhile",
                     file->path, file->comm->rank, what);
  free(first);
  return status == STATUS_OK || status == STATUS_FILE ? comm_agree(file->comm, status) : status;
}

int64_t store_bytes_read(const struct store_file *file) { return file->state->bytes_read; }

enum { TYPE_NAME = 64 };

/* What numbers, or others, of a data set are called that is none of ours. */
static void name_type(hid_t set, char text[TYPE_NAME]) {
  const hid_t type = H5Dget_type(set);
  const H5T_class_t class = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
  const unsigned bits = type < 0 ? 0 : (unsigned)(8 * H5Tget_size(type));
  snprintf(text, TYPE_NAME, "values of another type");
  if (class == H5T_FLOAT) snprintf(text, TYPE_NAME, "numbers of type f%u", bits);
  if (class == H5T_INTEGER)
    snprintf(text, TYPE_NAME, "numbers of type %c%u", H5Tget_sign(type) == H5T_SGN_NONE ? 'u' : 'i', bits);
  if (class == H5T_ENUM) snprintf(text, TYPE_NAME, "values of an enumeration, as bool is");
  if (class == H5T_COMPOUND) snprintf(text, TYPE_NAME, "values of several numbers, as complex ones are");
  if (class == H5T_STRING) snprintf(text, TYPE_NAME, "text");
  if (type >= 0) H5Tclose(type);
}

enum status store_extent(const struct store_file *file, const char *name, int *rank, int64_t *extent,
                         enum store_type *type) {
  struct store_handle *handle;
  TRY(store_handle(file, name, &handle));
  char is[TYPE_NAME];
  if (handle->type == STORE_TYPE_COUNT) name_type(handle->id, is);
  REQUIRE(handle->type != STORE_TYPE_COUNT, STATUS_FILE,
          "%s: %s holds %s; only f64, f32, i64 and u8 are read: convert it before it is written, with NumPy by "
          "astype('float32')",
          file->path, name, is);
  *rank = handle->rank;
  for (int i = 0; i < handle->rank; ++i) extent[i] = (int64_t)handle->extent[i];
  *type = handle->type;
  return STATUS_OK;
}

/* ---- what was never written ---- */

enum status store_written(const struct store_file *file, const char *name, int64_t *chunks, int64_t *all) {
  struct store_handle *handle;
  hsize_t extent[STORE_RANK_MAX], written = 0;
  H5D_space_status_t space;
  TRY(store_handle(file, name, &handle));
  *chunks = *all = 1;
  if (!handle->chunked) {
    if (H5Dget_space_status(handle->id, &space) < 0) return store_fail(file, name);
    *chunks = space != H5D_SPACE_STATUS_NOT_ALLOCATED;
    return STATUS_OK;
  }
  const hid_t creation = H5Dget_create_plist(handle->id);
  const bool good = creation >= 0 && H5Pget_chunk(creation, STORE_RANK_MAX, extent) == handle->rank &&
                    H5Dget_num_chunks(handle->id, handle->space, &written) >= 0;
  enum status status = good ? STATUS_OK : store_fail(file, name);
  if (creation >= 0) H5Pclose(creation);
  for (int i = 0; i < handle->rank && good; ++i) *all *= (int64_t)((handle->extent[i] + extent[i] - 1) / extent[i]);
  *chunks = (int64_t)written;
  return status;
}

enum status store_fill_value(const struct store_file *file, const char *name, double *value) {
  struct store_handle *handle;
  H5D_fill_value_t kind = H5D_FILL_VALUE_UNDEFINED;
  TRY(store_handle(file, name, &handle));
  const hid_t creation = H5Dget_create_plist(handle->id);
  H5D_fill_time_t time = H5D_FILL_TIME_IFSET;
  bool good = creation >= 0 && H5Pfill_value_defined(creation, &kind) >= 0 && H5Pget_fill_time(creation, &time) >= 0;
  *value = 0; /* what a file system has where nothing was written, when HDF5 does not write a fill value either */
  if (good && kind != H5D_FILL_VALUE_UNDEFINED && time != H5D_FILL_TIME_NEVER)
    good = H5Pget_fill_value(creation, H5T_NATIVE_DOUBLE, value) >= 0;
  enum status status = good ? STATUS_OK : store_fail(file, name);
  if (creation >= 0) H5Pclose(creation);
  return status;
}

/* ---- texts and attributes ---- */

/* What a type says that a text is, before memory is asked for. Those of variable length hgn does not write, and HDF5
 * 1.10.8 believes their lengths, on which its own memory depends. */
static enum status check_text(const struct store_file *file, const char *name, hid_t type, hid_t space) {
  REQUIRE(H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1, STATUS_FILE,
          "%s: %s is not a text", file->path, name);
  REQUIRE(H5Tis_variable_str(type) == 0, STATUS_FILE, "%s: %s is a text of variable length, which hgn does not write",
          file->path, name);
  const size_t bytes = H5Tget_size(type);
  REQUIRE(bytes <= STORE_TEXT_MOST, STATUS_FILE, "%s: %s is said to be a text of %zu bytes; %d are the most",
          file->path, name, bytes, (int)STORE_TEXT_MOST);
  return STATUS_OK;
}

/* The value of a scalar text, from a data set or an attribute. */
static enum status take_value(const struct store_file *file, const char *name, hid_t object, bool attribute, hid_t type,
                              char **text) {
  const size_t bytes = H5Tget_size(type);
  const hid_t memory = H5Tcopy(H5T_C_S1);
  char *value = calloc(bytes + 1, 1);
  enum status status = STATUS_OK;
  if (!value)
    status = status_raise(STATUS_MEMORY, "%s: %s: no memory for a text", file->path, name);
  else if (memory < 0 || H5Tset_cset(memory, H5Tget_cset(type)) < 0 || H5Tset_size(memory, bytes + 1) < 0 ||
           (attribute ? H5Aread(object, memory, value)
                      : H5Dread(object, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, value)) < 0)
    status = store_fail(file, name);
  if (memory >= 0) H5Tclose(memory);
  if (status == STATUS_OK)
    *text = value;
  else
    free(value);
  return status;
}

static enum status take_text(const struct store_file *file, const char *name, hid_t object, bool attribute,
                             char **text) {
  reader_enter(file->path);
  const hid_t type = attribute ? H5Aget_type(object) : H5Dget_type(object);
  const hid_t space = type < 0 ? type : attribute ? H5Aget_space(object) : H5Dget_space(object);
  enum status status = space < 0 ? store_fail(file, name) : check_text(file, name, type, space);
  if (status == STATUS_OK) status = take_value(file, name, object, attribute, type, text);
  reader_leave();
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  return status;
}

enum status store_read_text(const struct store_file *file, const char *name, char **text) {
  struct store_handle *handle;
  TRY(store_handle(file, name, &handle));
  return take_text(file, name, handle->id, false, text);
}

static enum status take_texts(const struct store_file *file, const char *name, const struct store_handle *handle,
                              hid_t type, int64_t most, size_t size, char *texts) {
  REQUIRE(H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 && handle->rank == 1 &&
              handle->extent[0] <= (hsize_t)most && H5Tget_size(type) < size,
          STATUS_FILE, "%s: %s is not up to %lld texts of less than %zu bytes", file->path, name, (long long)most,
          size);
  const hid_t memory = H5Tcopy(H5T_C_S1);
  const bool read = memory >= 0 && H5Tset_cset(memory, H5Tget_cset(type)) >= 0 && H5Tset_size(memory, size) >= 0 &&
                    H5Dread(handle->id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) >= 0;
  const enum status status = read ? STATUS_OK : store_fail(file, name);
  if (memory >= 0) H5Tclose(memory);
  return status;
}

enum status store_read_texts(const struct store_file *file, const char *name, int64_t most, size_t size, char *texts,
                             int64_t *count) {
  struct store_handle *handle;
  TRY(store_handle(file, name, &handle));
  reader_enter(file->path);
  const hid_t type = H5Dget_type(handle->id);
  const enum status status =
      type < 0 ? store_fail(file, name) : take_texts(file, name, handle, type, most, size, texts);
  if (type >= 0) H5Tclose(type);
  reader_leave();
  *count = (int64_t)handle->extent[0];
  return status;
}

enum status store_parse_config(const struct store_file *file, const char *text, unsigned uses, struct config **config) {
  char name[STORE_PATH_MAX + 16];
  snprintf(name, sizeof name, "%s:/config", file->path);
  enum status status = config_parse(name, text, strlen(text), NULL, 0, config);
  if (status == STATUS_OK) status = config_require(*config, uses);
  if (status == STATUS_OK) return STATUS_OK;
  config_destroy(config);
  return status == STATUS_CONFIG ? status_raise(STATUS_FILE, "%s", status_message()) : status;
}

enum status store_read_config(const struct store_file *file, unsigned uses, struct config **config) {
  char *text = NULL;
  *config = NULL;
  TRY(store_read_text(file, "/config", &text));
  enum status status = store_parse_config(file, text, uses, config);
  free(text);
  return status;
}

enum status store_find_attribute(const struct store_file *file, const char *name, bool *found) {
  reader_enter(file->path);
  const htri_t there = H5Aexists(file->id, name);
  reader_leave();
  *found = there > 0;
  return there < 0 ? store_fail(file, name) : STATUS_OK;
}

static enum status open_attribute(const struct store_file *file, const char *name, hid_t *attribute) {
  bool found;
  TRY(store_find_attribute(file, name, &found));
  REQUIRE(found, STATUS_FILE, "%s: attribute %s is missing", file->path, name);
  reader_enter(file->path);
  *attribute = H5Aopen(file->id, name, H5P_DEFAULT);
  reader_leave();
  return *attribute < 0 ? store_fail(file, name) : STATUS_OK;
}

enum status store_read_attribute_text(const struct store_file *file, const char *name, char **text) {
  hid_t attribute = H5I_INVALID_HID;
  TRY(open_attribute(file, name, &attribute));
  enum status status = take_text(file, name, attribute, true, text);
  H5Aclose(attribute);
  return status;
}

enum status store_read_attribute_i64(const struct store_file *file, const char *name, int64_t *value) {
  hid_t attribute = H5I_INVALID_HID;
  TRY(open_attribute(file, name, &attribute));
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  enum status status = STATUS_OK;
  if (type < 0 || space < 0)
    status = store_fail(file, name);
  else if (H5Tget_class(type) != H5T_INTEGER || H5Sget_simple_extent_npoints(space) != 1)
    status = status_raise(STATUS_FILE, "%s: attribute %s is not a whole number", file->path, name);
  else if (H5Aread(attribute, H5T_NATIVE_INT64, value) < 0)
    status = store_fail(file, name);
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  H5Aclose(attribute);
  return status;
}

/* NULL where there is none that hgn could have written: other programs have attributes of that name, too. */
static enum status read_format(const struct store_file *file, char **format) {
  hid_t attribute = H5I_INVALID_HID;
  bool found;
  *format = NULL;
  TRY(store_find_attribute(file, "format", &found));
  if (!found) return STATUS_OK;
  TRY(open_attribute(file, "format", &attribute));
  const hid_t type = H5Aget_type(attribute);
  enum status status = type < 0 ? store_fail(file, "format") : STATUS_OK;
  if (status == STATUS_OK && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0)
    status = take_text(file, "format", attribute, true, format);
  if (type >= 0) H5Tclose(type);
  H5Aclose(attribute);
  return status;
}

enum status store_is(const struct store_file *file, const char *format, bool *is) {
  char *found = NULL;
  TRY(read_format(file, &found));
  *is = found && strcmp(found, format) == 0;
  free(found);
  return STATUS_OK;
}

enum status store_is_ours(const struct store_file *file, bool *is) {
  char *found = NULL;
  TRY(read_format(file, &found));
  *is = found && strncmp(found, "hgn-", 4) == 0;
  free(found);
  return STATUS_OK;
}

enum status store_check_format(const struct store_file *file, const char *format, int64_t version) {
  char *found = NULL;
  int64_t is = 0;
  TRY(read_format(file, &found));
  REQUIRE(found, STATUS_FILE, "%s: does not say its format, '%s' is expected: not written by hgn", file->path, format);
  const bool same = strcmp(found, format) == 0;
  enum status status =
      same ? STATUS_OK : status_raise(STATUS_FILE, "%s: is of format '%.64s', not '%s'", file->path, found, format);
  free(found);
  TRY(status);
  TRY(store_read_attribute_i64(file, "schema_version", &is));
  REQUIRE(is == version, STATUS_FILE, "%s: has schema version %lld of '%s'; this program reads version %lld",
          file->path, (long long)is, format, (long long)version);
  return STATUS_OK;
}
