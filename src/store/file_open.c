/* Opening: for reading by each rank for itself, for writing by all ranks through MPI-IO. */
#include "store/output.h"
#include "store/reader.h"
#include "store/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Starts HDF5, whose own printing of errors is switched off: they become messages. */
static enum status start_library(void) {
  REQUIRE(H5open() >= 0, STATUS_FILE, "HDF5 cannot be started");
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  return store_distrust();
}

void store_free_state(struct store_file *file) {
  if (!file->state) return;
  if (file->state->descriptor >= 0) close(file->state->descriptor);
  store_lock_release(&file->state->lock);
  free(file->state);
  file->state = NULL;
  file->writing = false;
}

enum status store_prepare(const struct comm *comm, const char *path, struct store_file *file) {
  *file = (struct store_file){.comm = comm};
  REQUIRE(path[0] != '\0', STATUS_FILE, "a file name is empty");
  REQUIRE(strlen(path) < STORE_PATH_MAX - 1, STATUS_FILE, "%.64s...: the name is too long", path);
  memcpy(file->path, path, strlen(path) + 1);
  TRY(start_library());
  file->state = calloc(1, sizeof *file->state);
  REQUIRE(file->state, STATUS_MEMORY, "%s: no memory for a file", path);
  file->state->descriptor = -1;
  return STATUS_OK;
}

/* ---- what is there ---- */

/* The signature stands at byte 0, or behind a user block of 512 2^n bytes. */
static enum status find_signature(const char *path, int descriptor, off_t size, bool *found) {
  static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  *found = false;
  for (off_t at = 0; at + 8 <= size && !*found; at = at ? at * 2 : 512) {
    unsigned char bytes[8];
    const ssize_t length = pread(descriptor, bytes, 8, at);
    if (length < 0) return store_fail_errno(path, "cannot be read", errno);
    *found = length == 8 && memcmp(bytes, signature, 8) == 0;
  }
  return STATUS_OK;
}

enum status store_signature(const char *path, bool *found) {
  struct stat about;
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  *found = false;
  if (descriptor < 0) return store_fail_errno(path, NULL, errno);
  enum status status = fstat(descriptor, &about) != 0 ? store_fail_errno(path, NULL, errno)
                                                      : find_signature(path, descriptor, about.st_size, found);
  close(descriptor);
  return status;
}

/* *size is the file's length. */
static enum status examine(const char *path, int64_t *size) {
  struct stat about;
  bool hdf5 = false;
  if (stat(path, &about) != 0) {
    if (errno == ENOENT) return status_raise(STATUS_FILE, "%s: no such file", path);
    return store_fail_errno(path, NULL, errno);
  }
  if (S_ISDIR(about.st_mode)) return status_raise(STATUS_FILE, "%s: is a folder", path);
  if (!S_ISREG(about.st_mode)) return status_raise(STATUS_FILE, "%s: is not a regular file", path);
  if (about.st_size == 0) return status_raise(STATUS_FILE, "%s: is empty", path);
  TRY(store_signature(path, &hdf5));
  REQUIRE(hdf5, STATUS_FILE, "%s: is not an HDF5 file", path);
  *size = about.st_size;
  return STATUS_OK;
}

/* Collective. Every rank finds the file, and the same one. */
static enum status find_file(const struct comm *comm, const char *path) {
  int64_t size = 0, seen = 0;
  TRY(comm_agree(comm, comm->rank == 0 ? examine(path, &size) : STATUS_OK));
  TRY(comm_broadcast(comm, &size, sizeof size));
  enum status status = comm->rank == 0 ? STATUS_OK : examine(path, &seen);
  if (status == STATUS_OK && comm->rank != 0 && seen != size)
    status = status_raise(STATUS_FILE, "%s: is %lld bytes here and %lld on rank 0: is the folder shared?", path,
                          (long long)seen, (long long)size);
  return comm_agree(comm, status);
}

/* ---- opening ---- */

/* Not collective. */
static enum status open_reading(const struct store_file *file, hid_t *id) {
  const hid_t access = reader_access_list();
  if (access < 0) return store_fail(file, NULL);
  reader_enter(file->path);
  *id = H5Fopen(file->path, H5F_ACC_RDONLY, access);
  reader_leave();
  enum status status = *id < 0 ? store_fail(file, NULL) : STATUS_OK;
  H5Pclose(access);
  if (status == STATUS_OK) return STATUS_OK;
  *id = 0;
  const char *reason = status_message() + strlen(file->path); /* which begins the message */
  if (strstr(reason, "truncated"))
    return status_raise(status, "%s: is truncated: shorter than its header says", file->path);
  const bool damaged = !strstr(reason, "has it open") && !strstr(reason, "cannot be ");
  return damaged ? status_context(status, "damaged or not an HDF5 file") : status;
}

enum status store_open(const struct comm *comm, const char *path, struct store_file *file) {
  reader_begin();
  enum status status = comm_agree(comm, store_prepare(comm, path, file));
  if (status == STATUS_OK) status = find_file(comm, path);
  if (status == STATUS_OK) status = comm_agree(comm, open_reading(file, &file->id));
  if (status != STATUS_OK) store_close(file);
  return status;
}

/* Root only. Locks the file, and opens it alone,
 * so that a damaged one fails on one rank and not within a collective. */
static enum status prepare_writing(struct store_file *file, const struct store_lock *lock) {
  struct store_state *state = file->state;
  hid_t id = 0;
  TRY(output_resolve(file->path, true, state->target));
  if (!lock) {
    TRY(store_lock_take(state->target, 0, &state->lock));
    lock = &state->lock;
  }
  state->descriptor = lock->file >= 0 ? fcntl(lock->file, F_DUPFD_CLOEXEC, 0) : open(state->target, O_RDWR | O_CLOEXEC);
  if (state->descriptor < 0) return store_fail_errno(file->path, "to be continued", errno);
  TRY(open_reading(file, &id));
  H5Fclose(id);
  return STATUS_OK;
}

/* Collective. */
static enum status open_writing(struct store_file *file) {
  hid_t access = store_write_access(file->comm->mpi);
  TRY(comm_agree(file->comm, access < 0 ? store_fail(file, NULL) : STATUS_OK));
  file->id = H5Fopen(file->path, H5F_ACC_RDWR, access);
  enum status status = file->id < 0 ? store_fail(file, NULL) : STATUS_OK;
  if (file->id < 0) file->id = 0;
  H5Pclose(access);
  return comm_agree(file->comm, status);
}

enum status store_reopen(const struct comm *comm, const char *path, const struct store_lock *lock,
                         struct store_file *file) {
  enum status status = comm_agree(comm, store_prepare(comm, path, file));
  if (status == STATUS_OK) status = find_file(comm, path);
  if (status == STATUS_OK) status = comm_agree(comm, comm->rank == 0 ? prepare_writing(file, lock) : STATUS_OK);
  if (status == STATUS_OK) status = open_writing(file);
  if (status == STATUS_OK) file->writing = file->state->sealed = file->state->live = true;
  if (status != STATUS_OK) store_close(file);
  return status;
}
