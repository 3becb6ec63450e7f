/* Files that are made in memory and written at once: pictures, pages, tables. */
#include "store/lock.h"
#include "store/output.h"
#include "store/state.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE = 10 /* s: another job's file is written in less */ };

static bool write_all(int descriptor, const char *data, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t count = write(descriptor, data + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    done += (size_t)count;
  }
  /* EINVAL: a file system that cannot sync. */
  return fsync(descriptor) == 0 || errno == EINVAL;
}

static enum status write_partial(const char *path, const char *target, const void *data, size_t size) {
  char partial[STORE_PATH_MAX];
  int descriptor;
  TRY(output_create_partial(target, partial, &descriptor));
  enum status status = write_all(descriptor, data, size) ? STATUS_OK : store_fail_errno(path, "write failed", errno);
  if (status != STATUS_OK)
    output_remove_partial(partial);
  else
    status = output_rename(partial, target, false);
  if (close(descriptor) != 0 && status == STATUS_OK) status = store_fail_errno(path, "write failed", errno);
  return status;
}

/* A file size limit is an error like the others, not a signal that kills. */
enum status output_put(const void *data, size_t size, const char *magic, const char *path) {
  char target[STORE_PATH_MAX];
  struct store_lock lock;
  REQUIRE(size >= strlen(magic) && memcmp(data, magic, strlen(magic)) == 0, STATUS_FILE,
          "%s: what was made is no file of this kind", path);
  TRY(output_resolve(path, true, target));
  TRY(store_lock_take(target, PATIENCE, &lock));
  struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
  const bool ignored = sigaction(SIGXFSZ, &ignore, &before) == 0;
  enum status status = output_check_magic(target, magic);
  if (status == STATUS_OK) status = write_partial(path, target, data, size);
  if (ignored) sigaction(SIGXFSZ, &before, NULL);
  store_lock_release(&lock);
  return status;
}
