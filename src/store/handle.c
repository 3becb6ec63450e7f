/* Opening what a file holds: finding it, and keeping open data sets. What may be read at all is in trust.c. */
#include "store/reader.h"
#include "store/state.h"

#include <string.h>

/* Bytes of uncompressed chunks kept: files made elsewhere have chunks of many rollouts, which are read one by one. */
enum { READ_CACHE = 1 << 24, READ_CACHE_MAX = 1 << 29 }; /* at most a chunk of the size that trust.c takes */

static void close_handle(struct store_handle *handle) {
  if (handle->name[0] == '\0') return;
  if (handle->space > 0) H5Sclose(handle->space);
  if (handle->id > 0) H5Dclose(handle->id);
  *handle = (struct store_handle){.name = ""};
}

void store_release(struct store_state *state) {
  for (int i = 0; i < STORE_HANDLES; ++i) close_handle(&state->handle[i]);
}

/* Whether every link of the path exists: HDF5 itself fails on an absent group. A link that is there and leads nowhere,
 * or out of the file, is an error. */
static htri_t exists(hid_t file, const char *name) {
  char path[STORE_NAME_MAX];
  size_t length = strlen(name);
  if (file <= 0 || length == 0 || length >= sizeof path) return 0;
  memcpy(path, name, length + 1);
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    const htri_t found = H5Lexists(file, path, H5P_DEFAULT);
    if (found <= 0) return found;
    *slash = '/';
  }
  htri_t found = H5Lexists(file, path, H5P_DEFAULT);
  if (found > 0) found = H5Oexists_by_name(file, path, H5P_DEFAULT);
  if (found != 0 || H5Lexists(file, path, H5P_DEFAULT) <= 0) return found;
  const hid_t object = H5Oopen(file, path, H5P_DEFAULT); /* which fails, and says why */
  if (object >= 0) H5Oclose(object);
  return object < 0 ? -1 : 1;
}

/* The first link on the way to `name` that leads nowhere, within the file: link[], and where it leads to, target[]. */
static bool find_dangling(hid_t file, const char *name, char link[STORE_NAME_MAX], char target[STORE_NAME_MAX]) {
  const size_t length = strlen(name);
  for (size_t end = 1; end <= length; end++) {
    H5L_info_t about;
    if (end < length && name[end] != '/') continue;
    memcpy(link, name, end);
    link[end] = '\0';
    if (H5Lget_info(file, link, &about, H5P_DEFAULT) < 0) return false;
    if (about.type != H5L_TYPE_SOFT || H5Oexists_by_name(file, link, H5P_DEFAULT) > 0) continue;
    target[0] = '\0';
    if (H5Lget_val(file, link, target, STORE_NAME_MAX, H5P_DEFAULT) < 0) return false;
    target[STORE_NAME_MAX - 1] = '\0';
    return true;
  }
  return false;
}

static enum status fail_to_find(const struct store_file *file, const char *name) {
  char link[STORE_NAME_MAX], target[STORE_NAME_MAX];
  const enum status status = store_fail(file, name);
  /* trust.c has said more of a link out of the file. */
  if (store_trouble() || strlen(name) >= STORE_NAME_MAX || strstr(status_message(), "another file")) return status;
  reader_enter(file->path);
  const bool dangling = find_dangling(file->id, name, link, target);
  reader_leave();
  H5Eclear2(H5E_DEFAULT);
  return dangling ? status_raise(STATUS_FILE, "%s: %s: the link %s leads to %s, where there is nothing", file->path,
                                 name, link, target)
                  : status;
}

enum status store_find(const struct store_file *file, const char *name, bool *found) {
  reader_enter(file->path);
  const htri_t there = exists(file->id, name);
  reader_leave();
  *found = there > 0;
  return there < 0 ? fail_to_find(file, name) : STATUS_OK;
}

bool store_changed(const struct store_file *file) { return reader_changed(file->id); }

bool store_trouble(void) { return reader_trouble(); }

static enum store_type type_of(hid_t id) {
  enum store_type type = STORE_TYPE_COUNT;
  hid_t found = H5Dget_type(id);
  if (found < 0) return type;
  H5T_class_t class = H5Tget_class(found);
  size_t size = H5Tget_size(found);
  if (class == H5T_FLOAT && (size == 8 || size == 4)) type = size == 8 ? STORE_F64 : STORE_F32;
  if (class == H5T_INTEGER && size == 1 && H5Tget_sign(found) == H5T_SGN_NONE) type = STORE_U8;
  if (class == H5T_INTEGER && size == 8 && H5Tget_sign(found) == H5T_SGN_2) type = STORE_I64;
  H5Tclose(found);
  return type;
}

static enum status open_cached(const struct store_file *file, const char *name, size_t cache, hid_t *set) {
  hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
  if (access >= 0 && !file->writing)
    H5Pset_chunk_cache(access, H5D_CHUNK_CACHE_NSLOTS_DEFAULT, cache, H5D_CHUNK_CACHE_W0_DEFAULT);
  *set = H5Dopen2(file->id, name, access);
  /* Any other call of HDF5 would clear its error. */
  enum status status = *set < 0 ? store_fail(file, name) : STATUS_OK;
  if (access >= 0) H5Pclose(access);
  return status;
}

/* Of the chunks that hold one row; 0 where there are none. */
static size_t bytes_beside_row(hid_t set) {
  hsize_t chunk[H5S_MAX_RANK], extent[H5S_MAX_RANK];
  hid_t creation = H5Dget_create_plist(set), space = H5Dget_space(set), type = H5Dget_type(set);
  size_t bytes = 0;
  if (creation >= 0 && space >= 0 && type >= 0 && H5Pget_layout(creation) == H5D_CHUNKED) {
    const int rank = H5Pget_chunk(creation, H5S_MAX_RANK, chunk);
    if (rank > 0 && H5Sget_simple_extent_dims(space, extent, NULL) == rank) bytes = H5Tget_size(type) * chunk[0];
    for (int i = 1; i < rank; ++i) bytes *= (extent[i] + chunk[i] - 1) / chunk[i] * chunk[i];
  }
  if (creation >= 0) H5Pclose(creation);
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  return bytes;
}

enum status store_row_bytes(const struct store_file *file, const char *name, int64_t *bytes) {
  struct store_handle *handle;
  TRY(store_handle(file, name, &handle));
  *bytes = (int64_t)bytes_beside_row(handle->id);
  return STATUS_OK;
}

/* Rows of large chunks are read one by one: the chunks of a row stay. */
static enum status widen_cache(const struct store_file *file, struct store_handle *handle) {
  const size_t bytes = file->writing ? 0 : bytes_beside_row(handle->id);
  if (bytes <= READ_CACHE || bytes > READ_CACHE_MAX) return STATUS_OK;
  H5Dclose(handle->id);
  return open_cached(file, handle->name, bytes, &handle->id);
}

/* What it is, and whether it may be read. */
static enum status describe(const struct store_file *file, struct store_handle *handle) {
  const hid_t creation = H5Dget_create_plist(handle->id);
  enum status status = creation < 0 ? store_fail(file, handle->name) : store_check_kept(file, handle->name, creation);
  if (status == STATUS_OK) {
    handle->chunked = H5Pget_layout(creation) == H5D_CHUNKED;
    handle->space = H5Dget_space(handle->id);
    handle->rank = handle->space < 0 ? -1 : H5Sget_simple_extent_ndims(handle->space);
    if (handle->rank > STORE_RANK_MAX)
      status = status_raise(STATUS_FILE, "%s: %s has %d dimensions, more than %d", file->path, handle->name,
                            handle->rank, STORE_RANK_MAX);
    else if (handle->rank < 0 || H5Sget_simple_extent_dims(handle->space, handle->extent, NULL) < 0)
      status = store_fail(file, handle->name);
    else
      status = store_check_size(file, handle, creation);
  }
  handle->type = type_of(handle->id);
  if (creation >= 0) H5Pclose(creation);
  return status;
}

/* Opens `name` into an empty handle. */
static enum status open_handle(const struct store_file *file, const char *name, struct store_handle *handle) {
  REQUIRE(file->id > 0 && file->state, STATUS_ARGUMENT, "%s: %s: the file is not open", file->path, name);
  REQUIRE(strlen(name) < STORE_NAME_MAX, STATUS_ARGUMENT, "%s: %s: the name is too long", file->path, name);
  bool found;
  TRY(store_find(file, name, &found));
  REQUIRE(found, STATUS_FILE, "%s: %s is missing", file->path, name);
  reader_enter(file->path);
  enum status status = open_cached(file, name, READ_CACHE, &handle->id);
  memcpy(handle->name, name, strlen(name) + 1);
  if (status == STATUS_OK) status = describe(file, handle);
  if (status == STATUS_OK) status = widen_cache(file, handle);
  reader_leave();
  if (status != STATUS_OK) close_handle(handle);
  return status;
}

enum status store_handle(const struct store_file *file, const char *name, struct store_handle **handle) {
  REQUIRE(file->state, STATUS_ARGUMENT, "%s: %s: the file is not open", file->path, name);
  for (int i = 0; i < STORE_HANDLES; ++i) {
    *handle = &file->state->handle[i];
    if (strcmp((*handle)->name, name) == 0) return STATUS_OK;
  }
  *handle = &file->state->handle[file->state->next];
  file->state->next = (file->state->next + 1) % STORE_HANDLES;
  close_handle(*handle);
  return open_handle(file, name, *handle);
}
