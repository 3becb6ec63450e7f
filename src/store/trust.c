/* What is taken from a file before it is asked for memory or led to other files: HDF5 itself follows links out of a
 * file, loads programs to uncompress what is in it, and believes every size that it is told.
 */
#include "store/state.h"

#include <string.h>

enum {
  CHUNK_MOST = 1 << 29, /* bytes of a chunk: HDF5 uncompresses all of it for any of its values */
  SHRUNK_MOST = 2048    /* times that compression makes anything smaller; deflate does it 1032 times */
};

/* ---- Other files, and other programs ---- */

/* In the place of HDF5's own: an external link is an error that names the file it leads to. The value is a byte of
 * flags, the file's name and the object's (HDF5 file format specification, IV.A.2.g). */
static hid_t refuse_link(const char *name, hid_t group, const void *value, size_t bytes, hid_t access, hid_t transfer) {
  (void)group;
  (void)access;
  (void)transfer;
  const char *to = bytes > 1 ? (const char *)value + 1 : "";
  H5Epush2(H5E_DEFAULT, __FILE__, __func__, __LINE__, H5E_ERR_CLS, H5E_LINK, H5E_TRAVERSE,
           "link %.64s leads to another file, %.*s, which is not read: copy what it holds into this one", name,
           (int)strnlen(to, bytes > 1 ? bytes - 1 : 0), to);
  return H5I_INVALID_HID;
}

enum status store_distrust(void) {
  static const H5L_class_t external = {.version = H5L_LINK_CLASS_T_VERS,
                                       .id = H5L_TYPE_EXTERNAL,
                                       .comment = "external, refused",
                                       .trav_func = refuse_link};
  REQUIRE(H5Lregister(&external) >= 0 && H5PLset_loading_state(0) >= 0, STATUS_FILE,
          "HDF5 cannot be told to leave other files and plugins alone");
  return STATUS_OK;
}

/* Raw data that lie in other files. */
static enum status check_place(const struct store_file *file, const char *name, hid_t creation) {
  char other[STORE_NAME_MAX] = "";
  off_t offset;
  hsize_t bytes;
  if (H5Pget_layout(creation) == H5D_VIRTUAL)
    (void)H5Pget_virtual_filename(creation, 0, other, sizeof other);
  else if (H5Pget_external_count(creation) > 0)
    (void)H5Pget_external(creation, 0, sizeof other, other, &offset, &bytes);
  else
    return STATUS_OK;
  other[sizeof other - 1] = '\0';
  return status_raise(STATUS_FILE, "%s: %s is kept in other files, which are not read: copy it into this one (%s)",
                      file->path, name, other);
}

static enum status check_filters(const struct store_file *file, const char *name, hid_t creation) {
  const int filters = H5Pget_nfilters(creation);
  for (int i = 0; i < filters; i++) {
    unsigned flags, values[1], how;
    size_t count = 0;
    char what[64] = "";
    const H5Z_filter_t filter = H5Pget_filter2(creation, (unsigned)i, &flags, &count, values, sizeof what, what, &how);
    if (filter < 0) return store_fail(file, name);
    what[sizeof what - 1] = '\0';
    REQUIRE(
        H5Zfilter_avail(filter) > 0, STATUS_FILE,
        "%s: %s is compressed by filter %d%s%s, which this program does not have (plugins are not loaded): write it "
        "with gzip, as h5repack -f GZIP=4 does",
        file->path, name, (int)filter, *what ? ", " : "", what);
  }
  return STATUS_OK;
}

enum status store_check_kept(const struct store_file *file, const char *name, hid_t creation) {
  TRY(check_place(file, name, creation));
  return check_filters(file, name, creation);
}

/* ---- Sizes ---- */

/* of one more dimension; what does not fit is more than anything. */
static uint64_t times(uint64_t bytes, uint64_t extent) {
  uint64_t product;
  return __builtin_mul_overflow(bytes, extent, &product) ? UINT64_MAX : product;
}

static enum status check_chunk(const struct store_file *file, const struct store_handle *handle, hid_t creation,
                               uint64_t value) {
  hsize_t chunk[STORE_RANK_MAX];
  uint64_t bytes = value;
  if (H5Pget_chunk(creation, STORE_RANK_MAX, chunk) != handle->rank) return store_fail(file, handle->name);
  for (int i = 0; i < handle->rank; i++) bytes = times(bytes, chunk[i]);
  REQUIRE(
      bytes <= CHUNK_MOST, STATUS_FILE,
      "%s: %s is in chunks of %llu bytes, of which each has to be read whole; %d are the most: write it with chunks of "
      "a rollout or less",
      file->path, handle->name, (unsigned long long)bytes, (int)CHUNK_MOST);
  return STATUS_OK;
}

/* What is said to be there has to fit into the file, as it is or compressed. */
enum status store_check_size(const struct store_file *file, const struct store_handle *handle, hid_t creation) {
  if (file->writing) return STATUS_OK; /* what it will hold may not be there yet */
  const hid_t type = H5Dget_type(handle->id);
  const uint64_t value = type < 0 ? 0 : H5Tget_size(type);
  uint64_t bytes = value, most;
  hsize_t length = 0;
  if (type >= 0) H5Tclose(type);
  REQUIRE(value > 0, STATUS_FILE, "%s: %s is of a type without a size", file->path, handle->name);
  if (H5Fget_filesize(file->id, &length) < 0) return store_fail(file, handle->name);
  for (int i = 0; i < handle->rank; i++) {
    REQUIRE(handle->extent[i] <= INT64_MAX, STATUS_FILE, "%s: %s is said to have %llu entries in dimension %d",
            file->path, handle->name, (unsigned long long)handle->extent[i], i);
    bytes = times(bytes, handle->extent[i]);
  }
  REQUIRE(bytes == 0 || H5Dget_storage_size(handle->id) > 0, STATUS_FILE,
          "%s: %s was created, but nothing was ever written to it", file->path, handle->name);
  most = handle->chunked ? times(length, SHRUNK_MOST) : length;
  REQUIRE(bytes <= most, STATUS_FILE, "%s: %s is said to be of %llu bytes, more than fit into a file of %llu",
          file->path, handle->name, (unsigned long long)bytes, (unsigned long long)length);
  return handle->chunked ? check_chunk(file, handle, creation, value) : STATUS_OK;
}
