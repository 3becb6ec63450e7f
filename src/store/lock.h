/* Keeps two jobs from writing the same output. The lock is the process's: however the process ends, it is gone.
 *
 * A hidden file ".NAME.lock" beside the output carries it, and says who holds it; it is removed on release. Locks are
 * POSIX record locks, which NFS and the parallel file systems pass on to other nodes; where a file system has none, a
 * warning says so.
 */
#ifndef HGN_STORE_LOCK_H
#define HGN_STORE_LOCK_H

#include "store/file.h"

struct store_lock {
  bool held;
  int descriptor;
  char path[STORE_PATH_MAX];
};

/* Root only. STATUS_FILE when another process has it (which, the message says), or when the folder cannot be
 * written. */
enum status store_lock_take(const char *output, struct store_lock *lock);
/* Root only. Accepts a zeroed lock. */
void store_lock_release(struct store_lock *lock);

#endif
