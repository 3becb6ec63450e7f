/* What the source files of the store share; not for other layers. */
#ifndef HGN_STORE_STATE_H
#define HGN_STORE_STATE_H

#include "store/file.h"
#include "store/lock.h"

enum {
  STORE_NAME_MAX = 256,      /* bytes of a data set's name, terminator included */
  STORE_HANDLES = 32,        /* data sets kept open */
  STORE_PIECE = 1 << 29,     /* bytes of one transfer: MPI counts are int */
  STORE_ERRNO_MAX = 128,     /* bytes of what the system says */
  STORE_TEXT_MOST = 1 << 24, /* bytes of a text: a sweep's is the longest */
};

/* An open data set. Opening costs some 30 us, a write through an open one 5 us. */
struct store_handle {
  char name[STORE_NAME_MAX]; /* "" when free */
  hid_t id, space;
  int rank;
  hsize_t extent[STORE_RANK_MAX];
  bool chunked;
  enum store_type type; /* STORE_TYPE_COUNT when it is none of them */
};

struct store_state {
  struct store_handle handle[STORE_HANDLES];
  int next;                    /* the slot that is given up next */
  int descriptor;              /* rank 0 while writing: reserves space, carries the file's locks; else -1 */
  struct store_lock lock;      /* rank 0: of the name, where the caller has none */
  char target[STORE_PATH_MAX]; /* rank 0: the final name, links followed */
  bool fresh;                  /* rank 0: there was no file of that name */
  int64_t end;                 /* rank 0: no address that HDF5 has given out passes it */
  int64_t cut;                 /* rank 0: `end` after the last flush */
  bool linked;                 /* the partial file exists */
  bool sealed;                 /* no more structure */
  bool live;                   /* it has its final name already */
  int64_t bytes_read;
};

/* Not collective, and before any other call of HDF5. STATUS_FILE "FILE: what: text", text being HDF5's innermost
 * description of what just failed, or the state of the disk and the limits when they explain it. `what` may be NULL. */
enum status store_fail(const struct store_file *file, const char *what);

/* Not collective. Texts of errno start with a capital; messages do not. */
const char *store_errno_text(int code, char text[STORE_ERRNO_MAX]);

/* Not collective. Fills in `file`, closed; store_free_state() frees what it holds, and the locks. */
enum status store_prepare(const struct comm *comm, const char *path, struct store_file *file);
void store_free_state(struct store_file *file);

/* Not collective. An access list for MPI-IO, owned by the caller. */
hid_t store_write_access(MPI_Comm mpi);

/* Not collective. Whether a file begins as HDF5 files do. STATUS_FILE when it cannot be read. */
enum status store_signature(const char *path, bool *found);

/* Not collective. Raises STATUS_FILE with what the system says, in small letters; `what` may be NULL. */
enum status store_fail_errno(const char *path, const char *what, int code);

/* Collective. Reserves `bytes` beyond the present end of the file, and room for metadata, on the disk; agrees on
 * `local` first. After it HDF5 may allocate as much without meeting a full disk. */
enum status store_reserve(const struct store_file *file, const char *what, enum status local, uint64_t bytes);

/* Not collective. STATUS_ARGUMENT when the file is sealed, else `status`:
 * for store_reserve(), before structure is made. */
enum status store_unsealed(const struct store_file *file, const char *what, enum status status);

/* Collective. Writes HDF5's metadata to the file, which loses what was reserved and not used. */
enum status store_flush(struct store_file *file, const char *what);

/* Not collective. The open data set `name`, opened when needed; borrowed until the next call. */
enum status store_handle(const struct store_file *file, const char *name, struct store_handle **handle);
void store_release(struct store_state *state); /* closes all handles */

/* Not collective. The rows of `handle` moved from or to memory in pieces. */
enum status store_move(const struct store_file *file, const struct store_handle *handle, hid_t memory_type,
                       size_t value_bytes, int64_t first, int64_t count, void *read, const void *write);

/* Not collective. After each start of HDF5: it follows no link into another file and loads no program. */
enum status store_distrust(void);
/* Not collective. STATUS_FILE when the values of a data set with this creation list are kept in other files, or are
 * compressed in a way that only a plugin knows. To be asked before anything else of it. */
enum status store_check_kept(const struct store_file *file, const char *name, hid_t creation);
/* Not collective. STATUS_FILE when it is said to be larger than the file can hold, was never written, or is in chunks
 * that take too much memory. */
enum status store_check_size(const struct store_file *file, const struct store_handle *handle, hid_t creation);

extern const size_t store_bytes[STORE_TYPE_COUNT];
hid_t store_memory_type(enum store_type type);
hid_t store_file_type(enum store_type type);

#endif
