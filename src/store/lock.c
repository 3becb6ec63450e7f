#include "store/lock.h"

#include "base/log.h"
#include "store/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HOLDER_BYTES = 256, TRIES = 100 };

static enum status name_lock(const char *output, char path[STORE_PATH_MAX]) {
  const char *slash = strrchr(output, '/'), *name = slash ? slash + 1 : output;
  const int length = snprintf(path, STORE_PATH_MAX, "%.*s.%s.lock", (int)(name - output), output, name);
  REQUIRE(length < STORE_PATH_MAX, STATUS_USAGE, "%.64s...: the name is too long", output);
  return STATUS_OK;
}

/* What the holder has written about itself. */
static void read_holder(int descriptor, char holder[HOLDER_BYTES]) {
  const ssize_t length = pread(descriptor, holder, HOLDER_BYTES - 1, 0);
  holder[length > 0 ? length : 0] = '\0';
}

static void write_holder(int descriptor) {
  char host[128] = "", holder[HOLDER_BYTES];
  gethostname(host, sizeof host - 1);
  const int length = snprintf(holder, sizeof holder, "process %ld on %s", (long)getpid(), host);
  if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, holder, (size_t)length, 0) != length)
    log_debug("the lock does not say who holds it"); /* it locks all the same */
}

/* A holder removes the file before it lets go: what was then locked here may have no name any more. */
static bool still_named(const struct store_lock *lock) {
  struct stat mine, named;
  return fstat(lock->descriptor, &mine) == 0 && stat(lock->path, &named) == 0 && mine.st_ino == named.st_ino &&
         mine.st_dev == named.st_dev;
}

static enum status refuse(const char *output, const struct store_lock *lock) {
  char holder[HOLDER_BYTES];
  read_holder(lock->descriptor, holder);
  return status_raise(STATUS_FILE, "%s: another job is writing it%s%s", output, holder[0] ? ": " : "", holder);
}

static enum status try_once(const char *output, struct store_lock *lock, bool *again) {
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  *again = false;
  lock->descriptor = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock->descriptor < 0) return store_fail_errno(output, "cannot be created: no lock can be made beside it", errno);
  enum status status = STATUS_OK;
  if (fcntl(lock->descriptor, F_SETLK, &whole) == 0) {
    lock->held = still_named(lock);
    *again = !lock->held;
  } else if (errno == EACCES || errno == EAGAIN) {
    status = refuse(output, lock);
  } else {
    log_warn("%s: the file system has no locks (%s): do not start a second job on it", output, strerror(errno));
    unlink(lock->path);
  }
  if (!lock->held) close(lock->descriptor);
  return status;
}

enum status store_lock_take(const char *output, struct store_lock *lock) {
  bool again = true;
  *lock = (struct store_lock){.held = false};
  TRY(name_lock(output, lock->path));
  for (int i = 0; i < TRIES && again; i++) TRY(try_once(output, lock, &again));
  REQUIRE(!again, STATUS_FILE, "%s: other jobs take and leave its lock all the time", output);
  if (lock->held) write_holder(lock->descriptor);
  return STATUS_OK;
}

void store_lock_release(struct store_lock *lock) {
  if (!lock->held) return;
  unlink(lock->path);
  close(lock->descriptor);
  lock->held = false;
}
