#include "store/reader.h"

#include "store/lock.h"
#include "store/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Later versions of HDF5 keep what a driver is made of in a header of its own. */
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

enum { READ_MAX = 1 << 30 /* bytes of one call: Linux moves no more than some 2^31 */ };

struct reader {
  H5FD_t base; /* HDF5's part, which has to come first */
  int descriptor;
  haddr_t end_of_addresses;
  struct stat opened; /* as it was then */
};

static const haddr_t address_max = ((haddr_t)1 << 62) - 1;

static bool trouble;

bool reader_trouble(void) { return trouble; }
void reader_begin(void) { trouble = false; }
void reader_note(void) { trouble = true; }

static const char *volatile busy;
static const char *unclosed; /* NULL, or half_closed */
static char half_closed[STORE_PATH_MAX];

void reader_enter(const char *path) { busy = path; }
void reader_leave(void) { busy = unclosed; }

void reader_leave_open(const char *path) {
  snprintf(half_closed, sizeof half_closed, "%s", path);
  busy = unclosed = half_closed;
}
const char *reader_busy(void) { return busy; }

/* The innermost entry of HDF5's error stack, which store_fail() makes a message of. */
static herr_t fail(hid_t minor, const char *what, int code) {
  char text[STORE_ERRNO_MAX];
  if (code) reader_note();
  const char *reason = code ? store_errno_text(code, text) : "";
  H5Epush2(H5E_DEFAULT, __FILE__, __func__, __LINE__, H5E_ERR_CLS, H5E_IO, minor, "%s%s%s", what, code ? ": " : "",
           reason);
  return -1;
}

static H5FD_t *reader_open(const char *name, unsigned flags, hid_t access, haddr_t most) {
  (void)access;
  (void)most;
  if (flags & (H5F_ACC_RDWR | H5F_ACC_TRUNC | H5F_ACC_CREAT)) {
    fail(H5E_CANTOPENFILE, "the driver for reading cannot write", 0);
    return NULL;
  }
  struct reader *reader = calloc(1, sizeof *reader);
  if (!reader) {
    fail(H5E_CANTOPENFILE, "no memory for a file", 0);
    return NULL;
  }
  reader->descriptor = open(name, O_RDONLY | O_CLOEXEC);
  if (reader->descriptor >= 0 && fstat(reader->descriptor, &reader->opened) == 0) return &reader->base;
  fail(H5E_CANTOPENFILE, "cannot be opened", errno);
  if (reader->descriptor >= 0) close(reader->descriptor);
  free(reader);
  return NULL;
}

static herr_t reader_close(H5FD_t *file) {
  struct reader *reader = (struct reader *)file;
  close(reader->descriptor); /* nothing was written, so nothing can be lost */
  free(reader);
  return 0;
}

static int order(uintmax_t a, uintmax_t b) { return (a > b) - (a < b); }

static int reader_compare(const H5FD_t *left, const H5FD_t *right) {
  const struct stat *a = &((const struct reader *)left)->opened, *b = &((const struct reader *)right)->opened;
  return a->st_dev != b->st_dev ? order(a->st_dev, b->st_dev) : order(a->st_ino, b->st_ino);
}

static herr_t reader_query(const H5FD_t *file, unsigned long *flags) {
  (void)file;
  *flags = 0; /* no sieve: a row is read when it is asked for, and no more */
  return 0;
}

static haddr_t reader_get_eoa(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return ((const struct reader *)file)->end_of_addresses;
}

static herr_t reader_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t address) {
  (void)type;
  ((struct reader *)file)->end_of_addresses = address;
  return 0;
}

static haddr_t reader_get_eof(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return (haddr_t)((const struct reader *)file)->opened.st_size;
}

static herr_t reader_get_handle(H5FD_t *file, hid_t access, void **handle) {
  (void)access;
  *handle = file;
  return 0;
}

static herr_t reader_read(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t bytes, void *data) {
  (void)type;
  (void)transfer;
  const struct reader *reader = (const struct reader *)file;
  if (address > address_max || bytes > address_max - address)
    return fail(H5E_READERROR, "what it holds is said to lie beyond any file", 0);
  char *to = data;
  while (bytes > 0) {
    const ssize_t done = pread(reader->descriptor, to, bytes < READ_MAX ? bytes : READ_MAX, (off_t)address);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return fail(H5E_READERROR, "cannot be read", errno);
    if (done == 0) return fail(H5E_READERROR, "ends before what it holds: it has become shorter", 0);
    to += done;
    address += (haddr_t)done;
    bytes -= (size_t)done;
  }
  return 0;
}

static herr_t reader_write(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t bytes,
                           const void *data) {
  (void)file;
  (void)type;
  (void)transfer;
  (void)address;
  (void)bytes;
  (void)data;
  return fail(H5E_WRITEERROR, "the driver for reading cannot write", 0);
}

static herr_t reader_lock(H5FD_t *file, hbool_t writing) {
  (void)writing;
  if (lock_share(((const struct reader *)file)->descriptor) == 0) return 0;
  reader_note();
  return fail(H5E_CANTOPENFILE, "another program has it open for writing", 0);
}

static herr_t reader_unlock(H5FD_t *file) {
  lock_unshare(((const struct reader *)file)->descriptor);
  return 0;
}

static const H5FD_class_t driver = {
#ifdef H5FD_CLASS_VERSION
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)(H5_VFD_RESERVED + 100), /* of the range that anybody may take for tests */
#endif
    .name = "hgn_reader",
    .maxaddr = ((haddr_t)1 << 62) - 1,
    .fc_degree = H5F_CLOSE_STRONG,
    .open = reader_open,
    .close = reader_close,
    .cmp = reader_compare,
    .query = reader_query,
    .get_eoa = reader_get_eoa,
    .set_eoa = reader_set_eoa,
    .get_eof = reader_get_eof,
    .get_handle = reader_get_handle,
    .read = reader_read,
    .write = reader_write,
    .lock = reader_lock,
    .unlock = reader_unlock,
    .fl_map = H5FD_FLMAP_SINGLE,
};

hid_t reader_access_list(void) {
  static hid_t registered; /* as long as the library is open: H5Iis_valid() tells */
  if (registered <= 0 || H5Iis_valid(registered) <= 0) registered = H5FDregister(&driver);
  hid_t list = registered < 0 ? H5I_INVALID_HID : H5Pcreate(H5P_FILE_ACCESS);
  if (list < 0) return list;
  if (H5Pset_driver(list, registered, NULL) < 0 || H5Pset_fclose_degree(list, H5F_CLOSE_STRONG) < 0) {
    H5Pclose(list);
    return H5I_INVALID_HID;
  }
  return list;
}

bool reader_changed(hid_t file) {
  void *handle = NULL;
  struct stat now;
  if (H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) < 0 || !handle) return true;
  const struct reader *reader = handle;
  return fstat(reader->descriptor, &now) != 0 || now.st_size != reader->opened.st_size ||
         now.st_mtim.tv_sec != reader->opened.st_mtim.tv_sec || now.st_mtim.tv_nsec != reader->opened.st_mtim.tv_nsec;
}

bool reader_identity(hid_t file, int64_t identity[4]) {
  void *handle = NULL;
  if (H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) < 0 || !handle) return false;
  const struct stat *opened = &((const struct reader *)handle)->opened;
  identity[0] = (int64_t)opened->st_ino;
  identity[1] = (int64_t)opened->st_size;
  identity[2] = (int64_t)opened->st_mtim.tv_sec;
  identity[3] = (int64_t)opened->st_mtim.tv_nsec;
  return true;
}
