/* Keeps two programs from writing the same file. Locks are the process's: however it ends, they are gone.
 *
 * A lock goes by two things. The file that is there, by whatever name or link somebody reaches it, carries an exclusive
 * lock on one byte far behind its end (of the open file description: "OFD", which two descriptors of one process do not
 * share, and which closing another descriptor does not drop), and with it a shared flock, which is what HDF5 looks at:
 * h5py and others may read the file, and cannot open it for writing. For a name that has no file yet, or whose file is
 * about to be replaced, a hidden file ".NAME.lock" beside it carries the exclusive lock, and says who holds it; it is
 * removed on release. A link that stands in its place is not followed.
 *
 * NFS and the parallel file systems pass these locks on to other nodes. On NFS the file itself carries none: MPI-IO
 * locks all of its bytes there while it writes, and would wait for ever.
 * Where a file system has no locks, a warning says so.
 */
#ifndef HGN_STORE_LOCK_H
#define HGN_STORE_LOCK_H

#include "store/file.h"

/* The locks of one output. */
struct store_lock {
  int name; /* descriptor of ".NAME.lock"; -1 when the file system has no locks */
  int file; /* of the output itself, open for writing; -1 when there was none */
  bool held;
  char path[STORE_PATH_MAX]; /* of ".NAME.lock" */
};

/* Root only. `output` is a name whose links have been followed (output_resolve()). STATUS_FILE when another job writes
 * it (which, the message says) and does not end within `patience` seconds, when another program has it open for
 * writing, or when it or the folder cannot be written. */
enum status store_lock_take(const char *output, double patience, struct store_lock *lock);
/* Root only. Accepts a zeroed lock. */
void store_lock_release(struct store_lock *lock);

/* Not collective. Both locks of an open file that is to be written: 0, on NFS without any; EWOULDBLOCK when a job of
 * ours has it, ETXTBSY when another program has it open for writing; another code where the file system has no locks.
 * Closing the descriptor and all its duplicates releases them. */
int lock_exclude(int descriptor);
/* Not collective. Whether nobody holds lock_exclude() of an open file, which then has it; never on NFS, where nobody
 * can tell. */
bool lock_abandoned(int descriptor);
/* Not collective. Removes NAME in `folder` if it is the lock of a process of this host that is gone. */
void lock_sweep(const char *folder, const char *name);
/* Not collective. This host, as names and locks say it. */
enum { HOST_BYTES = 65 };
void lock_host(char host[HOST_BYTES]);

/* Not collective. HDF5's lock of readers: 0, also where there is none; EWOULDBLOCK when somebody writes. */
int lock_share(int descriptor);
void lock_unshare(int descriptor);

#endif
