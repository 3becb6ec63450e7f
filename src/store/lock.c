#define _GNU_SOURCE /* F_OFD_SETLK */
#include "store/lock.h"

#include "base/litter.h"
#include "base/log.h"
#include "store/output.h"
#include "store/state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum { HOLDER_BYTES = 256, TRIES = 100, NFS_MAGIC = 0x6969 };

/* s that everybody waits: for the moment in which somebody removes what a killed job has left. */
static const double PATIENCE_LEAST = 0.1;

/* ---- locks of one descriptor ---- */

/* Whether MPI-IO locks all bytes of a file while it writes, and would wait for other locks on them for ever: Open MPI
 * does on NFS, where HDF5's flock is such a lock too, and wherever it is told to. */
static bool writers_lock_all(int descriptor) {
  struct statfs system;
  const char *told = getenv("OMPI_MCA_fs_ufs_lock_algorithm");
  return (fstatfs(descriptor, &system) == 0 && system.f_type == NFS_MAGIC) || (told && strcmp(told, "2") == 0);
}

int lock_share(int descriptor) {
  if (writers_lock_all(descriptor) || flock(descriptor, LOCK_SH | LOCK_NB) == 0) return 0;
  return errno == EWOULDBLOCK ? EWOULDBLOCK : 0;
}

void lock_unshare(int descriptor) { (void)flock(descriptor, LOCK_UN); }

/* One byte beyond what anybody writes: where MPI-IO locks what it writes, it is no more than that. */
static int lock_byte(int descriptor, short type) {
  struct flock far = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)1 << 62, .l_len = 1};
  if (fcntl(descriptor, F_OFD_SETLK, &far) == 0) return 0;
  return errno == EACCES || errno == EAGAIN ? EWOULDBLOCK : errno;
}

int lock_exclude(int descriptor) {
  if (writers_lock_all(descriptor)) return 0;
  const int code = lock_byte(descriptor, F_WRLCK);
  if (code) return code;
  if (lock_share(descriptor) == 0) return 0;
  (void)lock_byte(descriptor, F_UNLCK);
  return ETXTBSY;
}

bool lock_abandoned(int descriptor) { return !writers_lock_all(descriptor) && lock_exclude(descriptor) == 0; }

void lock_host(char host[HOST_BYTES]) {
  snprintf(host, HOST_BYTES, "localhost");
  (void)gethostname(host, HOST_BYTES);
  host[HOST_BYTES - 1] = '\0';
}

/* ---- the name ---- */

static enum status name_lock(const char *output, char path[STORE_PATH_MAX]) {
  const char *slash = strrchr(output, '/'), *name = slash ? slash + 1 : output;
  const int length = snprintf(path, STORE_PATH_MAX, "%.*s.%s.lock", (int)(name - output), output, name);
  REQUIRE(length < STORE_PATH_MAX, STATUS_USAGE, "%.64s...: the name is too long", output);
  return STATUS_OK;
}

/* What the holder has written about itself. */
static void read_holder(const char *path, char holder[HOLDER_BYTES]) {
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  const ssize_t length = descriptor < 0 ? 0 : pread(descriptor, holder, HOLDER_BYTES - 1, 0);
  holder[length > 0 ? length : 0] = '\0';
  if (descriptor >= 0) close(descriptor);
}

/* Whether a file in the place of a lock is one: empty, such a text, or the zeros that a power cut has left of it. */
static bool is_ours(int descriptor) {
  static const char word[] = "process ", zeros[HOLDER_BYTES];
  char holder[HOLDER_BYTES];
  const ssize_t length = pread(descriptor, holder, sizeof holder, 0);
  if (length < 0 || length == HOLDER_BYTES) return false;
  return strncmp(holder, word, (size_t)length < strlen(word) ? (size_t)length : strlen(word)) == 0 ||
         memcmp(holder, zeros, (size_t)length) == 0;
}

static void write_holder(int descriptor) {
  char host[HOST_BYTES], holder[HOLDER_BYTES];
  lock_host(host);
  const int length = snprintf(holder, sizeof holder, "process %ld on %s", (long)getpid(), host);
  if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, holder, (size_t)length, 0) != length)
    log_debug("the lock does not say who holds it"); /* it locks all the same */
}

/* Whether the file that is open is still the one of that name. A holder removes its file before it lets go: what was
 * then locked may have no name any more, or another program may have put another file in its place. */
static bool still_named(int descriptor, const char *path) {
  struct stat mine, named;
  return fstat(descriptor, &mine) == 0 && lstat(path, &named) == 0 && mine.st_ino == named.st_ino &&
         mine.st_dev == named.st_dev;
}

/* Whether the process that a lock names is one of this host, and gone. */
static bool holder_is_gone(const char *holder) {
  char host[HOST_BYTES], *end;
  if (strncmp(holder, "process ", 8) != 0) return false;
  const long process = strtol(holder + 8, &end, 10);
  lock_host(host);
  return process > 0 && strncmp(end, " on ", 4) == 0 && strcmp(end + 4, host) == 0 && kill((pid_t)process, 0) != 0 &&
         errno == ESRCH;
}

/* As its holder would have removed it: locked, so that nobody takes it meanwhile. */
void lock_sweep(const char *folder, const char *name) {
  char path[2 * STORE_PATH_MAX], holder[HOLDER_BYTES];
  const size_t length = strlen(name), tail = strlen(".lock");
  struct stat about;
  if (name[0] != '.' || length <= tail || strcmp(name + length - tail, ".lock") != 0) return;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  read_holder(path, holder);
  if (!holder_is_gone(holder)) return;
  const int descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return;
  if (fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode) && about.st_nlink == 1 && lock_abandoned(descriptor) &&
      still_named(descriptor, path))
    unlink(path);
  close(descriptor);
}

enum attempt { TAKEN, BUSY, AGAIN, WITHOUT_LOCKS, FAILED };

/* What is there already is opened only where it is a plain file that has no other name: what somebody else has put
 * there, a link to a file of ours say, is not written to. */
static enum status refuse_place(const char *output, const struct store_lock *lock) {
  return status_raise(STATUS_FILE, "%s: something else stands in the place of its lock, %s: remove it", output,
                      lock->path);
}

static enum attempt try_name(const char *output, struct store_lock *lock, enum status *status) {
  struct stat about;
  lock->name = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
  if (lock->name < 0) {
    const bool other = errno == ELOOP || errno == EISDIR || errno == ENXIO;
    *status = other ? refuse_place(output, lock) : output_fail_create(output, errno);
    return FAILED;
  }
  enum attempt attempt = TAKEN;
  if (fstat(lock->name, &about) != 0 || !S_ISREG(about.st_mode) || about.st_nlink > 1 || !is_ours(lock->name)) {
    *status = refuse_place(output, lock);
    attempt = FAILED;
  } else {
    const int code = lock_byte(lock->name, F_WRLCK);
    attempt = code == EWOULDBLOCK ? BUSY : code ? WITHOUT_LOCKS : still_named(lock->name, lock->path) ? TAKEN : AGAIN;
    if (attempt == WITHOUT_LOCKS) {
      log_warn("%s: the file system has no locks (%s): do not start a second job on it", output, strerror(code));
      unlink(lock->path);
    }
  }
  if (attempt != TAKEN) {
    close(lock->name);
    lock->name = -1;
  }
  return attempt;
}

/* ---- the file ---- */

static enum attempt try_file(const char *output, struct store_lock *lock, enum status *status) {
  lock->file = open(output, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (lock->file < 0) {
    if (errno == ENOENT) return TAKEN;
    *status = store_fail_errno(output, "cannot be opened for writing", errno);
    return FAILED;
  }
  const int code = lock_exclude(lock->file);
  enum attempt attempt = code == EWOULDBLOCK ? BUSY : code == ETXTBSY ? FAILED : code ? WITHOUT_LOCKS : TAKEN;
  if (code == ETXTBSY) *status = status_raise(STATUS_FILE, "%s: another program has it open for writing", output);
  if (attempt == TAKEN && !still_named(lock->file, output)) attempt = AGAIN;
  if (attempt != TAKEN) {
    close(lock->file);
    lock->file = -1;
  }
  return attempt;
}

static enum attempt try_both(const char *output, struct store_lock *lock, enum status *status) {
  enum attempt attempt = try_name(output, lock, status);
  if (attempt != TAKEN) return attempt;
  attempt = try_file(output, lock, status);
  if (attempt == TAKEN || attempt == WITHOUT_LOCKS) {
    lock->held = true;
    litter_add(lock->path);
    write_holder(lock->name);
    return TAKEN;
  }
  unlink(lock->path);
  close(lock->name);
  lock->name = -1;
  return attempt;
}

enum status store_lock_take(const char *output, double patience, struct store_lock *lock) {
  const struct timespec pause = {0, 20000000};
  const double until = log_clock() + (patience > PATIENCE_LEAST ? patience : PATIENCE_LEAST);
  enum status status = STATUS_OK;
  enum attempt attempt = AGAIN;
  *lock = (struct store_lock){.name = -1, .file = -1};
  TRY(name_lock(output, lock->path));
  TRY(output_check_plain(output));
  for (int i = 0; i < TRIES && attempt == AGAIN; i++) {
    while ((attempt = try_both(output, lock, &status)) == BUSY && log_clock() < until) nanosleep(&pause, NULL);
  }
  REQUIRE(attempt != AGAIN, STATUS_FILE, "%s: other jobs take and leave its lock all the time", output);
  if (attempt != BUSY) return status; /* without locks too: a warning has been given */
  char holder[HOLDER_BYTES];
  read_holder(lock->path, holder);
  return status_raise(STATUS_FILE, "%s: another job is writing it%s%s", output, holder[0] ? ": " : "", holder);
}

void store_lock_release(struct store_lock *lock) {
  if (!lock->held) return;
  unlink(lock->path);
  litter_drop(lock->path);
  close(lock->name);
  if (lock->file >= 0) close(lock->file);
  *lock = (struct store_lock){.name = -1, .file = -1};
}
