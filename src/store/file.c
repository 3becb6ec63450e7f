#include "store/file.h"

#include "store/output.h"
#include "store/reader.h"
#include "store/state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
  METADATA_ROOM =
      1 << 14, /* bytes kept free for the metadata of one operation: an object header, a heap, a tree node */
  PAGE = 4096,
  SHARED_ROOM = 1 << 20, /* bytes of shared memory, with fewer than that MPI cannot be expected to work */
};

/* ---- messages ---- */

static herr_t take_innermost(unsigned depth, const H5E_error2_t *error, void *target) {
  if (depth == 0 && error->desc && *error->desc) snprintf(target, STATUS_MESSAGE_MAX / 4, "%s", error->desc);
  return 0;
}

const char *store_errno_text(int code, char text[STORE_ERRNO_MAX]) {
  snprintf(text, STORE_ERRNO_MAX, "%s", strerror(code));
  if (text[0] >= 'A' && text[0] <= 'Z' && !(text[1] >= 'A' && text[1] <= 'Z')) text[0] = (char)(text[0] + 'a' - 'A');
  return text;
}

enum status store_fail_errno(const char *path, const char *what, int code) {
  reader_note();
  char text[STORE_ERRNO_MAX];
  return what ? status_raise(STATUS_FILE, "%s: %s: %s", path, what, store_errno_text(code, text))
              : status_raise(STATUS_FILE, "%s: %s", path, store_errno_text(code, text));
}

/* HDF5 says only "file write failed" where the system refused. A disk without a free block, or a file at its size
 * limit, is what happened then. */
static int probable_cause(const struct store_file *file) {
  if (!file->writing) return 0;
  struct stat about;
  struct rlimit limit;
  if (stat(file->partial, &about) == 0 && getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
      (uint64_t)about.st_size + METADATA_ROOM >= (uint64_t)limit.rlim_cur)
    return EFBIG;
  struct statvfs disk;
  if (statvfs(file->partial, &disk) == 0 && disk.f_bavail == 0) return ENOSPC;
  return 0;
}

/* Open MPI's own words are "known error not in list". */
#define SHARED_FULL "; /dev/shm is full, through which MPI's ranks share memory"

static bool shared_memory_full(void) {
  struct statvfs disk;
  return statvfs("/dev/shm", &disk) == 0 && disk.f_blocks > 0 && (uint64_t)disk.f_bavail * disk.f_frsize < SHARED_ROOM;
}

enum status store_fail(const struct store_file *file, const char *what) {
  char text[STATUS_MESSAGE_MAX / 4] = "unknown error of HDF5";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_innermost, text);
  H5Eclear2(H5E_DEFAULT);
  if (strstr(text, "MPI_") && shared_memory_full()) strncat(text, SHARED_FULL, sizeof text - 1 - strlen(text));
  int cause = probable_cause(file);
  if (cause) return store_fail_errno(file->path, what, cause);
  return what ? status_raise(STATUS_FILE, "%s: %s: %s", file->path, what, text)
              : status_raise(STATUS_FILE, "%s: %s", file->path, text);
}

/* ---- space ---- */

/* Extends the file, with blocks, so that `bytes` fit beyond state->end. HDF5 does not tell where its own end is (the
 * MPI-IO driver forgets it), so every reservation counts in full until a flush cuts the file to what is used. Where a
 * file system has no such call the C library writes zeros instead;
 * where it has neither, the fill values are the check. */
static enum status extend(struct store_state *state, const char *path, const char *what, int64_t bytes) {
  struct stat about;
  if (fstat(state->descriptor, &about) != 0) return store_fail_errno(path, what, errno);
  if (bytes > INT64_MAX - state->end) return store_fail_errno(path, what, EFBIG);
  state->end += bytes;
  if (about.st_size >= state->end) return STATUS_OK;
  int code;
  do code = posix_fallocate(state->descriptor, about.st_size, (off_t)state->end - about.st_size);
  while (code == EINTR);
  if (code == 0 || code == EOPNOTSUPP || code == EINVAL || code == ENODEV) return STATUS_OK;
  return store_fail_errno(path, what, code);
}

enum status store_reserve(const struct store_file *file, const char *what, enum status local, uint64_t bytes) {
  if (local == STATUS_OK && !file->writing)
    local = status_raise(STATUS_ARGUMENT, "%s: %s: the file is not open for writing", file->path, what ? what : "");
  if (local == STATUS_OK && file->comm->rank == 0)
    local = bytes > (uint64_t)INT64_MAX - METADATA_ROOM
                ? store_fail_errno(file->path, what, EFBIG)
                : extend(file->state, file->path, what, (int64_t)bytes + METADATA_ROOM);
  return comm_agree(file->comm, local);
}

enum status store_unsealed(const struct store_file *file, const char *what, enum status status) {
  if (status == STATUS_OK && file->state && file->state->sealed)
    return status_raise(STATUS_ARGUMENT, "%s: %s: the file is sealed", file->path, what ? what : "");
  return status;
}

enum status store_flush(struct store_file *file, const char *what) {
  enum status status = H5Fflush(file->id, H5F_SCOPE_GLOBAL) < 0 ? store_fail(file, what) : STATUS_OK;
  TRY(comm_agree(file->comm, status));
  struct stat about;
  if (file->comm->rank == 0 && fstat(file->state->descriptor, &about) != 0)
    status = store_fail_errno(file->path, what, errno);
  else if (file->comm->rank == 0) {
    /* HDF5 leaves the file's size alone when it allocated nothing since the last flush. */
    file->state->end = about.st_size < file->state->end ? about.st_size : file->state->cut;
    file->state->cut = file->state->end;
  }
  return comm_agree(file->comm, status);
}

/* ---- creation ---- */

/* Large data sets start on a page: only creation asks. */
hid_t store_write_access(MPI_Comm mpi) {
  hid_t list = H5Pcreate(H5P_FILE_ACCESS);
  if (list < 0) return list;
  if (H5Pset_fapl_mpio(list, mpi, MPI_INFO_NULL) < 0 || H5Pset_fclose_degree(list, H5F_CLOSE_STRONG) < 0 ||
      H5Pset_alignment(list, PAGE, PAGE) < 0) {
    H5Pclose(list);
    return H5I_INVALID_HID;
  }
  return list;
}

/* Collective. No time stamps in any object: equal contents make equal files. Structure has checksums, as HDF5 1.8
 * brought them; later formats refuse readers while a file is written. */
static enum status create_in_partial(struct store_file *file) {
  enum status status = STATUS_OK;
  hid_t access = store_write_access(file->comm->mpi), creation = H5Pcreate(H5P_FILE_CREATE);
  if (access < 0 || creation < 0 || H5Pset_obj_track_times(creation, false) < 0 ||
      H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18) < 0)
    status = store_fail(file, NULL);
  status = comm_agree(file->comm, status);
  if (status == STATUS_OK) {
    file->id = H5Fcreate(file->partial, H5F_ACC_TRUNC, creation, access);
    if (file->id < 0) {
      file->id = 0;
      status = store_fail(file, NULL);
    }
    status = comm_agree(file->comm, status);
  }
  if (access >= 0) H5Pclose(access);
  if (creation >= 0) H5Pclose(creation);
  return status;
}

/* Root only. Follows links, locks, and makes an empty partial file. */
static enum status begin_partial(struct store_file *file, const struct store_place *place) {
  struct store_state *state = file->state;
  bool there;
  TRY(output_resolve(file->path, true, state->target));
  if (!place->named_by_hgn) TRY(output_check_name(state->target));
  if (!place->lock) TRY(store_lock_take(state->target, place->patience, &state->lock));
  if (place->replaces) TRY(output_check_format(state->target, place->replaces, place->damaged));
  TRY(output_exists(state->target, &there));
  state->fresh = !there;
  TRY(output_create_partial(state->target, file->partial, &state->descriptor));
  state->linked = true;
  return STATUS_OK;
}

/* Other ranks: the root's file must be the one they see. Opening, not stat(), makes network file systems look again. */
static enum status see_partial(const struct store_file *file) {
  int descriptor = open(file->partial, O_RDWR | O_CLOEXEC);
  if (descriptor < 0) {
    char text[STORE_ERRNO_MAX], name[65] = "";
    gethostname(name, sizeof name - 1);
    return status_raise(STATUS_FILE, "%s: host %s cannot open the file that rank 0 made (%s): is the folder shared?",
                        file->path, name, store_errno_text(errno, text));
  }
  close(descriptor);
  return STATUS_OK;
}

/* A file size limit is an error like the others, not a signal that kills. */
static void ignore_size_signal(void) {
  struct sigaction action;
  if (sigaction(SIGXFSZ, NULL, &action) != 0 || (action.sa_flags & SA_SIGINFO) || action.sa_handler != SIG_DFL) return;
  action.sa_handler = SIG_IGN;
  sigaction(SIGXFSZ, &action, NULL);
}

enum status store_create_at(const struct comm *comm, const char *path, const struct store_place *place,
                            struct store_file *file) {
  enum status status = store_prepare(comm, path, file);
  ignore_size_signal();
  file->writing = status == STATUS_OK;
  status = comm_agree(comm, status);
  if (status != STATUS_OK) {
    store_free_state(file); /* one rank may have nothing to close */
    return status;
  }
  status = comm_agree(comm, comm->rank == 0 ? begin_partial(file, place) : STATUS_OK);
  if (status == STATUS_OK) status = comm_broadcast(comm, file->partial, sizeof file->partial);
  if (status == STATUS_OK) {
    if (comm->rank != 0) status = see_partial(file);
    /* The superblock and the root group are written at once. */
    if (status == STATUS_OK && comm->rank == 0) status = extend(file->state, path, NULL, METADATA_ROOM);
    status = comm_agree(comm, status);
  }
  if (status == STATUS_OK) status = create_in_partial(file);
  if (status == STATUS_OK) status = store_reserve(file, NULL, STATUS_OK, 0);
  if (status != STATUS_OK) store_close(file);
  return status;
}

enum status store_create(const struct comm *comm, const char *path, struct store_file *file) {
  const struct store_place place = {.replaces = NULL};
  return store_create_at(comm, path, &place, file);
}

/* ---- the end ---- */

/* Each rank's own: a network file system keeps written data in every client. */
static enum status sync_file(const struct store_file *file, const char *path) {
  int descriptor = open(path, O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return store_fail_errno(file->path, "sync", errno);
  enum status status = STATUS_OK;
  if (fsync(descriptor) != 0 && errno != EINVAL) status = store_fail_errno(file->path, "sync", errno);
  close(descriptor);
  return status;
}

/* Root only. Whether the file still has its name: another program may have put another there,
 * and records would go nowhere. */
static enum status check_named(const struct store_file *file) {
  struct stat mine, named;
  const bool same = fstat(file->state->descriptor, &mine) == 0 && stat(file->path, &named) == 0 &&
                    mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
  REQUIRE(same, STATUS_FILE, "%s: another program has moved it away, or has put another file in its place", file->path);
  return STATUS_OK;
}

enum status store_sync(const struct store_file *file) {
  enum status status = file->state->live && file->comm->rank == 0 ? check_named(file) : STATUS_OK;
  if (status == STATUS_OK) status = sync_file(file, file->state->live ? file->path : file->partial);
  return comm_agree(file->comm, status);
}

enum status store_seal(struct store_file *file) {
  TRY(store_reserve(file, NULL, STATUS_OK, 0));
  TRY(store_flush(file, "flush"));
  TRY(store_sync(file));
  file->state->sealed = true;
  return STATUS_OK;
}

/* Root only. Cuts off what was reserved and not used: the end of the file as its superblock (version 2, HDF5 file
 * format specification II.A) has it. A file shorter than that lost a write. */
static enum status trim_partial(const struct store_file *file) {
  enum { VERSION = 2, VERSION_AT = 8, END_AT = 28, SUPERBLOCK = 48 };
  unsigned char block[SUPERBLOCK];
  struct stat about;
  int descriptor = file->state->descriptor;
  if (pread(descriptor, block, sizeof block, 0) != SUPERBLOCK || fstat(descriptor, &about) != 0)
    return status_raise(STATUS_FILE, "%s: cannot be read back", file->path);
  uint64_t end = 0;
  for (int i = 0; i < 8; ++i) end |= (uint64_t)block[END_AT + i] << (8 * i);
  if (block[VERSION_AT] != VERSION)
    return status_raise(STATUS_FILE, "%s: was written with superblock version %d, not %d", file->path,
                        block[VERSION_AT], VERSION);
  if ((uint64_t)about.st_size < end)
    return status_raise(STATUS_FILE, "%s: has %lld bytes after writing %llu", file->path, (long long)about.st_size,
                        (unsigned long long)end);
  return ftruncate(descriptor, (off_t)end) == 0 ? STATUS_OK : store_fail_errno(file->path, "truncate", errno);
}

/* Root only. A whole file is never thrown away: where it cannot have its name it gets another. */
static enum status rename_partial(struct store_file *file) {
  file->state->linked = false;
  return output_rename(file->partial, file->state->target, file->state->fresh);
}

/* Collective. */
static enum status close_file(struct store_file *file) {
  if (file->state) store_release(file->state);
  if (file->id <= 0) return STATUS_OK;
  if (!file->writing) reader_enter(file->path);
  enum status status = H5Fclose(file->id) < 0 ? store_fail(file, "close") : STATUS_OK;
  if (status != STATUS_OK && !file->writing)
    reader_leave_open(file->path);
  else
    reader_leave();
  file->id = 0;
  return status;
}

/* Collective. */
static enum status finish_partial(struct store_file *file) {
  enum status status = comm_agree(file->comm, file->comm->rank == 0 ? trim_partial(file) : STATUS_OK);
  if (status == STATUS_OK) status = comm_agree(file->comm, sync_file(file, file->partial));
  if (status == STATUS_OK) status = comm_agree(file->comm, file->comm->rank == 0 ? rename_partial(file) : STATUS_OK);
  return status;
}

enum status store_publish(struct store_file *file) {
  if (!file->writing || !file->state->sealed || file->state->live)
    return status_raise(STATUS_ARGUMENT, "%s: the file is not a partial one that is sealed", file->path);
  TRY(finish_partial(file));
  file->state->live = true;
  return STATUS_OK;
}

enum status store_commit(struct store_file *file) {
  if (!file->writing) return status_raise(STATUS_ARGUMENT, "%s: the file is not open for writing", file->path);
  enum status status = comm_agree(file->comm, close_file(file));
  if (status == STATUS_OK && file->state->live)
    status = comm_agree(file->comm, sync_file(file, file->path));
  else if (status == STATUS_OK)
    status = finish_partial(file);
  if (status != STATUS_OK)
    store_close(file);
  else
    store_free_state(file);
  return status;
}

void store_close(struct store_file *file) {
  if (!file->state) return;
  bool abandon = file->writing && file->comm->rank == 0 && file->state->linked;
  if (abandon && ftruncate(file->state->descriptor, 0) != 0) {
    /* Only a kindness: closing writes metadata, which a full disk refuses unless the file gives its space back. */
  }
  if (file->writing) MPI_Barrier(file->comm->mpi);
  char kept[STATUS_MESSAGE_MAX];
  snprintf(kept, sizeof kept, "%s", status_message());
  close_file(file);
  /* The reason why the file is abandoned is what the caller has to tell. */
  if (kept[0] != '\0') status_raise(STATUS_FILE, "%s", kept);
  if (abandon) output_remove_partial(file->partial);
  if (file->writing) MPI_Barrier(file->comm->mpi);
  store_free_state(file);
  file->id = 0;
}
