/* A preloaded library that ends one read early, as network file systems and signals do: half of what was asked for is
 * read, and the call says so. strace cannot do that: it leaves out the call and what the buffer should hold.
 *
 *   SHORT_FILE   the file whose reads count, of any kind
 *   SHORT_AT     which of them is cut, from 1
 *   SHORT_MARK   a file that is made when that has been done
 *
 * The calls are the system's own, so that one of the C library's does not count twice.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long reads;

/* Is this the one to be cut? The name may be another file's later: it is looked up anew. */
static bool strikes(int descriptor) {
  const char *name = getenv("SHORT_FILE"), *at = getenv("SHORT_AT"), *mark = getenv("SHORT_MARK");
  struct stat file, named;
  if (!name || !at || fstat(descriptor, &file) != 0 || !S_ISREG(file.st_mode) || stat(name, &named) != 0 ||
      file.st_dev != named.st_dev || file.st_ino != named.st_ino ||
      atomic_fetch_add(&reads, 1) + 1 != strtol(at, NULL, 10))
    return false;
  const int made = mark ? open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : -1;
  if (made >= 0) close(made);
  return true;
}

/* One byte has no half: the file ends there. */
static ssize_t read_half(int descriptor, void *bytes, size_t count, off_t at) {
  return syscall(SYS_pread64, descriptor, bytes, count / 2, at);
}

ssize_t pread64(int descriptor, void *bytes, size_t count, off64_t at) {
  return strikes(descriptor) ? read_half(descriptor, bytes, count, at)
                             : syscall(SYS_pread64, descriptor, bytes, count, at);
}

ssize_t pread(int descriptor, void *bytes, size_t count, off_t at) { return pread64(descriptor, bytes, count, at); }

/* Of several pieces, half of the first. The system takes the position in two words, of which only the first counts
 * where a word has 64 bits. */
ssize_t preadv64(int descriptor, const struct iovec *piece, int pieces, off64_t at) {
  if (pieces > 0 && strikes(descriptor)) return read_half(descriptor, piece->iov_base, piece->iov_len, at);
  return syscall(SYS_preadv, descriptor, piece, pieces, at, 0L);
}

ssize_t preadv(int descriptor, const struct iovec *piece, int pieces, off_t at) {
  return preadv64(descriptor, piece, pieces, at);
}

ssize_t read(int descriptor, void *bytes, size_t count) {
  return syscall(SYS_read, descriptor, bytes, strikes(descriptor) ? count / 2 : count);
}

ssize_t readv(int descriptor, const struct iovec *piece, int pieces) {
  if (pieces > 0 && strikes(descriptor)) return syscall(SYS_read, descriptor, piece->iov_base, piece->iov_len / 2);
  return syscall(SYS_readv, descriptor, piece, pieces);
}
