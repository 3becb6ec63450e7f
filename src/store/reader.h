/* The driver through which HDF5 reads: plain reads by each rank for itself, which report what went wrong.
 *
 * The drivers that come with HDF5 do not: that for POSIX files fills what lies behind a file's end with zeros, and Open
 * MPI's MPI-IO keeps an error of the system to itself, which HDF5's driver then fills with zeros too. Here a read
 * either brings every byte that was asked for or fails, with the reason as the innermost entry of HDF5's error stack:
 * an error of the system, or a file that ends before what its structure says it holds (since it has become shorter).
 *
 * A file is locked as HDF5's own driver does it: shared, so that h5py and others cannot open it for writing meanwhile,
 * unless HDF5_USE_FILE_LOCKING says FALSE or the file system has no such locks; not on NFS (lock.h).
 *
 * All functions: Not collective.
 */
#ifndef HGN_STORE_READER_H
#define HGN_STORE_READER_H

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

/* A file access list that uses the driver, owned by the caller; H5I_INVALID_HID with HDF5's error stack on failure. */
hid_t reader_access_list(void);

/* Whether an open file (of this driver) has another length or time of modification than when it was opened; true as
 * well where that cannot be told. */
bool reader_changed(hid_t file);

/* What tells an open file from others of its name: inode, length, time of modification.
 * False where it cannot be told. */
bool reader_identity(hid_t file, int64_t identity[4]);

/* Whether an error of the system or a lock was met since reader_begin(); reader_note() notes one. */
bool reader_trouble(void);
void reader_begin(void);
void reader_note(void);

/* The file of which HDF5 is reading right now, NULL when of none: what a signal handler can say of a crash. Between
 * reader_enter() and reader_leave(), which do not nest; `path` is borrowed. */
void reader_enter(const char *path);
void reader_leave(void);
/* HDF5 could not close it, and comes back to it when the process ends: it is read until then. */
void reader_leave_open(const char *path);
const char *reader_busy(void);

#endif
