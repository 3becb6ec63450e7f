/* HDF5 files, written through MPI-IO, aside, and renamed.
 *
 * Decision 7 of the design: extents fixed and space allocated at creation, one flush, then only raw data is written. A
 * reader may open the file at any moment, and after a crash it opens with every completed record in place and fill
 * values (NaN, or zeros for integers and text) where nothing was written.
 *
 * A file is created as ".NAME.partial-HOST-PID" (of rank 0) in the folder of its final name and renamed by
 * store_commit(), so the final name never holds half a file and an older file stays until the new one is whole. A job
 * that is killed leaves its partial file, which opens, may be deleted, and is by the next that writes a file of the
 * name, or on the same host into the folder; one that a signal ends removes it. While a file is written no other job
 * can write it, nor can other programs that use HDF5 (lock.h). A name that is a link stands for what it leads to.
 *
 * A file that is open for reading is read by each rank for itself,
 * through a driver that reports every error (reader.h).
 *
 * Structure is in the format of HDF5 1.8, which any later library reads and which has checksums: a bit that has turned
 * in it is an error, not a crash or another number. Not so the index of compressed data sets; numbers, those too, have
 * checksums where the file's own description says so.
 *
 * Every failure is STATUS_FILE with the file's name and what is wrong. Space on the disk is reserved by the root, and
 * its refusal agreed on, before HDF5 is asked for anything: HDF5 on a full disk fails on one rank only and leaves the
 * others waiting, and Open MPI's MPI-IO reports a write cut short as a success. store_create() ignores SIGXFSZ for the
 * process, so that a file size limit is an error like the others.
 */
#ifndef HGN_STORE_FILE_H
#define HGN_STORE_FILE_H

#include "comm/comm.h"
#include "config/config.h"

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

enum { STORE_RANK_MAX = 5, STORE_PATH_MAX = 4096 };

struct store_lock;
struct store_state; /* opaque: open data sets, the root's descriptor */

struct store_file {
  const struct comm *comm; /* borrowed */
  hid_t id;
  bool writing;
  struct store_state *state;    /* owned; NULL when closed */
  char path[STORE_PATH_MAX];    /* the final name */
  char partial[STORE_PATH_MAX]; /* the name it has while it is written */
};

enum store_type { STORE_F64, STORE_F32, STORE_I64, STORE_U8, STORE_TYPE_COUNT };

/* What a new file may find at its name. */
struct store_place {
  const char *replaces;          /* format of a file that may be there and is replaced; NULL: anything is */
  bool damaged;                  /* so is an HDF5 file that cannot be opened */
  bool named_by_hgn;             /* the name is one of those that output_check_name() keeps for hgn itself */
  const struct store_lock *lock; /* the root's, borrowed: held already, for this output or for those of its run; NULL:
                                    the name is locked until the file is closed */
  double patience;               /* s to wait for another job's lock */
};

/* Collective. Creates the partial file; checks first that the folder can be written, that no other job writes this
 * file, and what is there. store_create() replaces anything. */
enum status store_create_at(const struct comm *comm, const char *path, const struct store_place *place,
                            struct store_file *file);
enum status store_create(const struct comm *comm, const char *path, struct store_file *file);

/* Collective. Opens for reading. Tells apart: no such file, not HDF5, truncated, unreadable. */
enum status store_open(const struct comm *comm, const char *path, struct store_file *file);

/* Not collective. Whether a file that is open for reading is another than it was when it was opened: other length,
 * other time of modification. */
bool store_changed(const struct store_file *file);

/* Collective. After all structure is made: flushes it to disk. From here on only raw data may be written; making
 * structure is STATUS_ARGUMENT. */
enum status store_seal(struct store_file *file);

/* Collective. After store_seal(): gives the file its final name while it stays open for raw data. A job that is killed
 * then leaves every record that it had written. */
enum status store_publish(struct store_file *file);

/* Collective. Opens a sealed file that has its final name for more raw data; errors as store_open(). No structure may
 * be made. `lock` is the root's lock of it, borrowed; NULL: it is locked until it is closed. What it holds is not to be
 * read through it: MPI-IO may keep errors to itself. */
enum status store_reopen(const struct comm *comm, const char *path, const struct store_lock *lock,
                         struct store_file *file);

/* Collective. After store_seal(): all records that have been written are on the disk when it returns. */
enum status store_sync(const struct store_file *file);

/* Collective. Flushes, closes, syncs, agrees and renames to the final name if the file has another. On failure a
 * partial file is removed, but one that is whole and cannot have its name, which the message tells. */
enum status store_commit(struct store_file *file);

/* Collective. Closes; removes a partial file, not one with its final name. Accepts a closed or zeroed file. */
void store_close(struct store_file *file);

/* Collective. Makes a group and the groups above it. */
enum status store_group(struct store_file *file, const char *name);

/* Collective. A data set of fixed extents: contiguous, allocated early, fill value written (NaN or 0). `unit` and
 * `help` become attributes "unit" and "description" (UTF-8); NULL leaves one out. Groups above it are made. */
enum status store_dataset(struct store_file *file, const char *name, enum store_type type, int rank,
                          const int64_t *extent, const char *unit, const char *help);

/* Collective. The same, chunked by `chunk` and compressed (shuffle, deflate 4); it must be written collectively, and
 * each write changes metadata, which is flushed before the write returns. So what one write put there survives a kill
 * during the next, but a reader that looks at this data set (not at others) during a write may fail,
 * and has to open the file again. */
enum status store_dataset_compressed(struct store_file *file, const char *name, enum store_type type, int rank,
                                     const int64_t *extent, const int64_t *chunk, const char *unit, const char *help);

/* Collective. A fixed-length string data set (scalar, NUL-padded, `bytes` long or the text's length if 0) with its text
 * written at once; NULL leaves it to store_write_text(). */
enum status store_text(struct store_file *file, const char *name, const char *text, size_t bytes);

/* Collective. `count` texts in a 1-D data set of fixed-length strings, written at once;
 * store_attach() takes it as a scale. */
enum status store_texts(struct store_file *file, const char *name, int64_t count, const char *const *texts,
                        const char *unit, const char *help);

/* Collective; the root's text is written. */
enum status store_write_text(struct store_file *file, const char *name, const char *text);

/* Collective. A 1-D f64 data set that is a dimension scale, written at once with values[extent]. */
enum status store_scale(struct store_file *file, const char *name, int64_t extent, const double *values,
                        const char *unit, const char *help);
/* Collective. Attaches scale `scale` to dimension `dimension` of `dataset`. */
enum status store_attach(struct store_file *file, const char *dataset, int dimension, const char *scale);
/* Collective. Attributes of the root group: for structure only, before store_seal(). */
enum status store_attribute_text(struct store_file *file, const char *name, const char *text);
enum status store_attribute_i64(struct store_file *file, const char *name, int64_t value);

/* Writes rows first..first+count-1 of the first dimension (all of the others) from memory of the data set's type. count
 * may be 0. Collective; for the independent form: Not collective (contiguous data sets only). */
enum status store_write(struct store_file *file, const char *name, int64_t first, int64_t count, const void *data);
enum status store_write_independent(struct store_file *file, const char *name, int64_t first, int64_t count,
                                    const void *data);

/* Not collective (independent read). Rows as above, converted to `type`. */
enum status store_read(const struct store_file *file, const char *name, enum store_type type, int64_t first,
                       int64_t count, void *data);

/* Not collective. All of a data set of numbers that has exactly `count` of them: STATUS_FILE when it has more or fewer,
 * which would not fit. */
enum status store_read_values(const struct store_file *file, const char *name, enum store_type type, int64_t count,
                              void *data);

/* Not collective. Whether this rank's last store_open(), or what was read since, met an error of the system or another
 * program's lock: then nothing can be said about what the file holds, not that it is damaged either. */
bool store_trouble(void);

/* Collective. STATUS_FILE unless all ranks have read the same bytes, of which `what` names the source,
 * from this file. */
enum status store_agree(const struct store_file *file, const char *what, const void *data, size_t bytes);

/* Not collective. Bytes that this rank has asked store_read() for, in the file's types. */
int64_t store_bytes_read(const struct store_file *file);

/* Not collective. Shape and type class. STATUS_FILE when `name` is missing. */
enum status store_extent(const struct store_file *file, const char *name, int *rank, int64_t *extent,
                         enum store_type *type);
/* Not collective. Whether there is anything of that name; STATUS_FILE when that cannot be read. */
enum status store_find(const struct store_file *file, const char *name, bool *found);

/* Not collective. Of files made elsewhere: how many chunks of a data set were ever written, of how many (one, where it
 * is not cut into chunks); and the value that what was never written reads as. */
enum status store_written(const struct store_file *file, const char *name, int64_t *chunks, int64_t *all);
/* The bytes of the chunks that hold a row, which have to be read for any value of it; 0 where there are none. */
enum status store_row_bytes(const struct store_file *file, const char *name, int64_t *bytes);
enum status store_fill_value(const struct store_file *file, const char *name, double *value);

/* Not collective. A text data set of fixed length into a new string; caller frees. */
enum status store_read_text(const struct store_file *file, const char *name, char **text);
/* Not collective. A 1-D data set of at most `most` texts, each of less than `size` bytes: texts[*count][size]. */
enum status store_read_texts(const struct store_file *file, const char *name, int64_t most, size_t size, char *texts,
                             int64_t *count);
enum status store_read_attribute_text(const struct store_file *file, const char *name, char **text);
enum status store_read_attribute_i64(const struct store_file *file, const char *name, int64_t *value);

/* Not collective. /config, parsed and validated anew; owned by the caller, NULL on failure. One that is wrong, or not
 * of one of these uses, is a damaged or foreign file (STATUS_FILE), not wrong usage. */
enum status store_read_config(const struct store_file *file, unsigned uses, struct config **config);
/* Not collective. The same of its text, which has been read (and verified) already. */
enum status store_parse_config(const struct store_file *file, const char *text, unsigned uses, struct config **config);

/* Not collective. STATUS_FILE unless the attributes "format" and "schema_version" are these. */
enum status store_check_format(const struct store_file *file, const char *format, int64_t version);
/* Not collective. Whether it is of that format, of any version; no when it has no format.
 * STATUS_FILE when that cannot be read. */
enum status store_is(const struct store_file *file, const char *format, bool *is);
/* Not collective. Whether it is of any format of hgn's. Other programs may have an attribute "format", too. */
enum status store_is_ours(const struct store_file *file, bool *is);
/* Not collective. Whether the root group has an attribute. */
enum status store_find_attribute(const struct store_file *file, const char *name, bool *found);

#endif
