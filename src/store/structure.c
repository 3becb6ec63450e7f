/* Groups, data sets, texts, scales and attributes: everything that is metadata and made before the file is sealed. */
#include "store/state.h"

#include <hdf5_hl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FILL_BYTES = 1 << 22, DEFLATE_LEVEL = 4 };

hid_t store_file_type(enum store_type type) {
  switch (type) {
  case STORE_F64:
    return H5T_IEEE_F64LE;
  case STORE_F32:
    return H5T_IEEE_F32LE;
  case STORE_I64:
    return H5T_STD_I64LE;
  case STORE_U8:
    return H5T_STD_U8LE;
  case STORE_TYPE_COUNT:
    break;
  }
  return H5I_INVALID_HID;
}

/* Collective calls of HDF5 must be reached by every rank alike, so each step is: agree, call, agree. */

/* Links through absent groups make them. */
static hid_t link_list(void) {
  hid_t list = H5Pcreate(H5P_LINK_CREATE);
  if (list >= 0 && (H5Pset_create_intermediate_group(list, 1) < 0 || H5Pset_char_encoding(list, H5T_CSET_UTF8) < 0)) {
    H5Pclose(list);
    return H5I_INVALID_HID;
  }
  return list;
}

enum status store_group(struct store_file *file, const char *name) {
  TRY(store_reserve(file, name, store_unsealed(file, name, STATUS_OK), 0));
  enum status status = STATUS_OK;
  hid_t links = link_list(), creation = H5Pcreate(H5P_GROUP_CREATE);
  if (links < 0 || creation < 0 || H5Pset_obj_track_times(creation, false) < 0) status = store_fail(file, name);
  status = comm_agree(file->comm, status);
  if (status == STATUS_OK) {
    hid_t group = H5Gcreate2(file->id, name, links, creation, H5P_DEFAULT);
    if (group < 0 || H5Gclose(group) < 0) status = store_fail(file, name);
    status = comm_agree(file->comm, status);
  }
  if (links >= 0) H5Pclose(links);
  if (creation >= 0) H5Pclose(creation);
  return status;
}

/* ---- attributes ---- */

static hid_t text_type(size_t bytes) {
  hid_t type = H5Tcopy(H5T_C_S1);
  if (type >= 0 && (H5Tset_size(type, bytes) < 0 || H5Tset_strpad(type, H5T_STR_NULLPAD) < 0 ||
                    H5Tset_cset(type, H5T_CSET_UTF8) < 0)) {
    H5Tclose(type);
    return H5I_INVALID_HID;
  }
  return type;
}

/* Collective; the caller agrees. Metadata calls on every rank, even after an error on this one. */
static enum status put_attribute(const struct store_file *file, hid_t object, const char *name, hid_t type,
                                 const void *value) {
  hid_t space = H5Screate(H5S_SCALAR);
  hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  enum status status = STATUS_OK;
  if (attribute < 0 || H5Awrite(attribute, type, value) < 0) status = store_fail(file, name);
  if (attribute >= 0) H5Aclose(attribute);
  if (space >= 0) H5Sclose(space);
  return status;
}

static enum status put_text_attribute(const struct store_file *file, hid_t object, const char *name, const char *text) {
  size_t bytes = strlen(text);
  hid_t type = text_type(bytes ? bytes : 1);
  enum status status = put_attribute(file, object, name, type, text);
  if (type >= 0) H5Tclose(type);
  return status;
}

static enum status put_unit(const struct store_file *file, hid_t object, const char *unit, const char *help) {
  enum status status = STATUS_OK;
  if (unit) status = put_text_attribute(file, object, "unit", unit);
  if (help) {
    enum status other = put_text_attribute(file, object, "description", help);
    if (status == STATUS_OK) status = other;
  }
  return status;
}

static enum status root_attribute(struct store_file *file, const char *name, const char *text, const int64_t *value) {
  TRY(store_reserve(file, name, store_unsealed(file, name, STATUS_OK), text ? strlen(text) : 0));
  hid_t root = H5Gopen2(file->id, "/", H5P_DEFAULT);
  TRY(comm_agree(file->comm, root < 0 ? store_fail(file, name) : STATUS_OK));
  enum status status =
      text ? put_text_attribute(file, root, name, text) : put_attribute(file, root, name, H5T_STD_I64LE, value);
  H5Gclose(root);
  return comm_agree(file->comm, status);
}

enum status store_attribute_text(struct store_file *file, const char *name, const char *text) {
  return root_attribute(file, name, text, NULL);
}

enum status store_attribute_i64(struct store_file *file, const char *name, int64_t value) {
  /* HDF5 takes the value in the file's byte order. */
  unsigned char little[8];
  for (int i = 0; i < 8; ++i) little[i] = (unsigned char)((uint64_t)value >> (8 * i));
  int64_t stored;
  memcpy(&stored, little, sizeof stored);
  return root_attribute(file, name, NULL, &stored);
}

/* ---- data sets ---- */

struct layout {
  hid_t type; /* borrowed */
  int rank;
  const int64_t *extent, *chunk; /* chunk NULL: contiguous */
  bool fill_nan;
};

static uint64_t count_values(int rank, const int64_t *extent) {
  uint64_t values = 1;
  for (int i = 0; i < rank; ++i) {
    if (extent[i] == 0) return 0;
    if (values > (uint64_t)INT64_MAX / (uint64_t)extent[i]) return UINT64_MAX;
    values *= (uint64_t)extent[i];
  }
  return values;
}

/* Not collective. Bytes that creating the data set takes on the disk. */
static enum status count_bytes(const struct store_file *file, const char *name, const struct layout *layout,
                               uint64_t *bytes) {
  REQUIRE(strlen(name) < STORE_NAME_MAX, STATUS_ARGUMENT, "%s: the name is too long", name);
  REQUIRE(layout->rank >= 0 && layout->rank <= STORE_RANK_MAX, STATUS_ARGUMENT, "%s: %d dimensions", name,
          layout->rank);
  for (int i = 0; i < layout->rank; ++i)
    REQUIRE(layout->extent[i] >= 0 && (!layout->chunk || layout->chunk[i] > 0), STATUS_ARGUMENT,
            "%s: extent %lld of dimension %d", name, (long long)layout->extent[i], i);
  uint64_t size = H5Tget_size(layout->type), values = count_values(layout->rank, layout->extent);
  REQUIRE(size > 0 && values <= (uint64_t)INT64_MAX / size, STATUS_FILE, "%s: %s: too large for a file", file->path,
          name);
  *bytes = values * size;
  if (!layout->chunk) return STATUS_OK;
  /* Each chunk at first: its compressed fill value (deflate needs 1/1000 and some bytes) and its entry in the index. */
  uint64_t chunks = 1, chunk_bytes = size;
  for (int i = 0; i < layout->rank; ++i) {
    chunks *= (uint64_t)((layout->extent[i] + layout->chunk[i] - 1) / layout->chunk[i]);
    chunk_bytes *= (uint64_t)layout->chunk[i];
  }
  *bytes = chunks * (chunk_bytes / 250 + 1024);
  return STATUS_OK;
}

static hid_t creation_list(const struct layout *layout) {
  static const double nan64 = NAN;
  hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  bool good =
      list >= 0 && H5Pset_obj_track_times(list, false) >= 0 && H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY) >= 0;
  if (good && layout->fill_nan) good = H5Pset_fill_value(list, H5T_NATIVE_DOUBLE, &nan64) >= 0;
  if (good && layout->chunk) {
    hsize_t chunk[STORE_RANK_MAX];
    for (int i = 0; i < layout->rank; ++i) chunk[i] = (hsize_t)layout->chunk[i];
    good = H5Pset_chunk(list, layout->rank, chunk) >= 0 && H5Pset_shuffle(list) >= 0 &&
           H5Pset_deflate(list, DEFLATE_LEVEL) >= 0 && H5Pset_fill_time(list, H5D_FILL_TIME_ALLOC) >= 0;
  } else if (good) {
    /* write_fill() does it: HDF5 would write them from one rank, and fail on that one alone. */
    good = H5Pset_layout(list, H5D_CONTIGUOUS) >= 0 && H5Pset_fill_time(list, H5D_FILL_TIME_NEVER) >= 0;
  }
  if (!good && list >= 0) H5Pclose(list);
  return good ? list : H5I_INVALID_HID;
}

/* Not collective: each rank fills its share of the rows. */
static enum status write_fill(const struct store_file *file, const char *name, const struct layout *layout) {
  struct store_handle *handle;
  TRY(store_handle(file, name, &handle));
  uint64_t size = H5Tget_size(layout->type), values = count_values(layout->rank, layout->extent);
  int64_t rows = layout->rank > 0 ? layout->extent[0] : 1, first, count;
  if (values == 0) return STATUS_OK;
  uint64_t row = values / (uint64_t)rows;
  int64_t each = row * size >= FILL_BYTES ? 1 : (int64_t)(FILL_BYTES / (row * size));
  comm_share(rows, file->comm->size, file->comm->rank, &first, &count);
  if (count == 0) return STATUS_OK;
  if (each > count) each = count;
  unsigned char *block = calloc((size_t)((uint64_t)each * row), size);
  REQUIRE(block, STATUS_MEMORY, "%s: %s: no memory for fill values", file->path, name);
  if (layout->fill_nan) {
    static const float nan32 = NAN;
    static const double nan64 = NAN;
    for (uint64_t i = 0; i < (uint64_t)each * row; ++i)
      memcpy(block + i * size, size == sizeof nan64 ? (const void *)&nan64 : (const void *)&nan32, size);
  }
  enum status status = STATUS_OK;
  for (int64_t i = 0; i < count && status == STATUS_OK; i += each)
    status = store_move(file, handle, layout->type, size, first + i, count - i < each ? count - i : each, NULL, block);
  free(block);
  return status;
}

/* Collective. A new data set with its fill values. */
static enum status make(struct store_file *file, const char *name, const struct layout *layout, const char *unit,
                        const char *help) {
  uint64_t bytes = 0;
  enum status status = count_bytes(file, name, layout, &bytes);
  TRY(store_reserve(file, name, store_unsealed(file, name, status), bytes));
  hsize_t extent[STORE_RANK_MAX];
  for (int i = 0; i < layout->rank; ++i) extent[i] = (hsize_t)layout->extent[i];
  hid_t links = link_list(), creation = creation_list(layout);
  hid_t space = layout->rank ? H5Screate_simple(layout->rank, extent, NULL) : H5Screate(H5S_SCALAR);
  if (links < 0 || creation < 0 || space < 0) status = store_fail(file, name);
  status = comm_agree(file->comm, status);
  if (status == STATUS_OK) {
    hid_t set = H5Dcreate2(file->id, name, layout->type, space, links, creation, H5P_DEFAULT);
    status = comm_agree(file->comm, set < 0 ? store_fail(file, name) : STATUS_OK);
    if (status == STATUS_OK) status = comm_agree(file->comm, put_unit(file, set, unit, help));
    if (set >= 0) H5Dclose(set);
  }
  if (links >= 0) H5Pclose(links);
  if (creation >= 0) H5Pclose(creation);
  if (space >= 0) H5Sclose(space);
  if (status == STATUS_OK && !layout->chunk) status = comm_agree(file->comm, write_fill(file, name, layout));
  return status;
}

static bool is_float(enum store_type type) { return type == STORE_F64 || type == STORE_F32; }

enum status store_dataset(struct store_file *file, const char *name, enum store_type type, int rank,
                          const int64_t *extent, const char *unit, const char *help) {
  struct layout layout = {store_file_type(type), rank, extent, NULL, is_float(type)};
  return make(file, name, &layout, unit, help);
}

enum status store_dataset_compressed(struct store_file *file, const char *name, enum store_type type, int rank,
                                     const int64_t *extent, const int64_t *chunk, const char *unit, const char *help) {
  /* A chunk may not be larger than a data set of fixed extents; an empty one has nothing to compress. */
  int64_t bounded[STORE_RANK_MAX];
  bool empty = rank <= 0 || rank > STORE_RANK_MAX;
  for (int i = 0; i < rank && !empty; ++i) {
    bounded[i] = chunk[i] < extent[i] ? chunk[i] : extent[i];
    if (extent[i] <= 0) empty = true;
  }
  struct layout layout = {store_file_type(type), rank, extent, empty ? NULL : bounded, is_float(type)};
  return make(file, name, &layout, unit, help);
}

/* ---- texts ---- */

/* Collective. The root's text, as long as the root says. *bytes: its length without a terminator. */
static enum status share_text(const struct comm *comm, const char *text, char **copy, size_t *bytes) {
  int64_t length = comm->rank == 0 ? (int64_t)strlen(text) : 0;
  TRY(comm_broadcast(comm, &length, sizeof length));
  *copy = calloc((size_t)length + 1, 1);
  enum status status = *copy ? STATUS_OK : status_raise(STATUS_MEMORY, "no memory for a text");
  if (status == STATUS_OK && comm->rank == 0) memcpy(*copy, text, (size_t)length);
  status = comm_agree(comm, status);
  if (status == STATUS_OK) status = comm_broadcast(comm, *copy, length);
  if (status != STATUS_OK) {
    free(*copy);
    *copy = NULL;
  }
  *bytes = (size_t)length;
  return status;
}

enum status store_text(struct store_file *file, const char *name, const char *text, size_t bytes) {
  char *copy = NULL;
  size_t length = 0;
  if (text) TRY(share_text(file->comm, text, &copy, &length));
  if (bytes == 0) bytes = length ? length : 1;
  hid_t type = text_type(bytes);
  enum status status = type < 0 ? store_fail(file, name) : STATUS_OK;
  status = comm_agree(file->comm, status);
  if (status == STATUS_OK) {
    struct layout layout = {.type = type};
    status = make(file, name, &layout, NULL, NULL);
  }
  if (status == STATUS_OK && copy) status = store_write_text(file, name, copy);
  if (type >= 0) H5Tclose(type);
  free(copy);
  return status;
}

/* Root only. */
static enum status put_text(const struct store_file *file, const char *name, const char *text) {
  struct store_handle *handle;
  TRY(store_handle(file, name, &handle));
  hid_t type = H5Dget_type(handle->id);
  if (type < 0) return store_fail(file, name);
  enum status status = STATUS_OK;
  size_t bytes = H5Tget_size(type), length = strlen(text);
  char *padded = calloc(bytes + 1, 1);
  if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) > 0 || handle->rank != 0)
    status = status_raise(STATUS_ARGUMENT, "%s: %s: not a text of fixed length", file->path, name);
  else if (length > bytes)
    status =
        status_raise(STATUS_ARGUMENT, "%s: %s: a text of %zu bytes where %zu fit", file->path, name, length, bytes);
  else if (!padded)
    status = status_raise(STATUS_MEMORY, "%s: %s: no memory for a text", file->path, name);
  else {
    memcpy(padded, text, length);
    if (H5Dwrite(handle->id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, padded) < 0) status = store_fail(file, name);
  }
  free(padded);
  H5Tclose(type);
  return status;
}

enum status store_write_text(struct store_file *file, const char *name, const char *text) {
  return comm_agree(file->comm, file->comm->rank == 0 ? put_text(file, name, text) : STATUS_OK);
}

enum status store_texts(struct store_file *file, const char *name, int64_t count, const char *const *texts,
                        const char *unit, const char *help) {
  size_t bytes = 1;
  for (int64_t i = 0; i < count; ++i)
    if (strlen(texts[i]) > bytes) bytes = strlen(texts[i]);
  hid_t type = text_type(bytes);
  char *block = calloc((size_t)count + 1, bytes);
  enum status status = type < 0 ? store_fail(file, name) : STATUS_OK;
  if (!block) status = status_raise(STATUS_MEMORY, "%s: no memory for texts", name);
  status = comm_agree(file->comm, status);
  if (status == STATUS_OK) {
    struct layout layout = {.type = type, .rank = 1, .extent = &count};
    status = make(file, name, &layout, unit, help);
  }
  if (status == STATUS_OK) {
    if (file->comm->rank == 0) {
      struct store_handle *handle;
      for (int64_t i = 0; i < count; ++i) memcpy(block + (size_t)i * bytes, texts[i], strlen(texts[i]));
      status = store_handle(file, name, &handle);
      if (status == STATUS_OK) status = store_move(file, handle, type, bytes, 0, count, NULL, block);
    }
    status = comm_agree(file->comm, status);
  }
  if (type >= 0) H5Tclose(type);
  free(block);
  return status;
}

/* ---- scales ---- */

enum status store_scale(struct store_file *file, const char *name, int64_t extent, const double *values,
                        const char *unit, const char *help) {
  TRY(store_dataset(file, name, STORE_F64, 1, &extent, unit, help));
  return store_write(file, name, 0, file->comm->rank == 0 ? extent : 0, values);
}

/* What a scale's label in its NAME attribute is: its own name, without the path. */
enum status store_attach(struct store_file *file, const char *dataset, int dimension, const char *scale) {
  TRY(store_reserve(file, scale, store_unsealed(file, scale, STATUS_OK), 0));
  const char *slash = strrchr(scale, '/');
  hid_t data = H5Dopen2(file->id, dataset, H5P_DEFAULT), along = H5Dopen2(file->id, scale, H5P_DEFAULT);
  enum status status = data < 0 || along < 0 ? store_fail(file, data < 0 ? dataset : scale) : STATUS_OK;
  status = comm_agree(file->comm, status);
  if (status == STATUS_OK) {
    htri_t already = H5DSis_scale(along);
    if (already == 0 && H5DSset_scale(along, slash ? slash + 1 : scale) < 0) status = store_fail(file, scale);
    if (already < 0 || H5DSattach_scale(data, along, (unsigned)dimension) < 0) status = store_fail(file, scale);
    status = comm_agree(file->comm, status);
  }
  if (data >= 0) H5Dclose(data);
  if (along >= 0) H5Dclose(along);
  return status;
}
