/* The file of information limits beside a data set: DATA.limit.h5.
 *
 *   /                  attributes: format "hgn-limit", schema_version 2
 *   /data_checksum     text: the content checksum of the data set that the limits belong to
 *   /config            text: the configuration of the data set
 *   /positions_K       one group for each K = input_frames and observer ("positions" or "images"):
 *      mse, error      f64 [T]: for each frame and its standard error
 *      unseen          f64 [2]: mean and standard error over frames K..T-1
 *      predict         f64 [2]: over frames K-1..T-1
 *      all             f64 [2]: over frames 0..T-1
 *      attained        f64 [rollouts][T]: squared error of the best prediction on the frames of each test rollout
 *      samples         f64 [2]: effective sample size, minimum and median over rollouts
 *      rollouts, draws i64 [1]
 *      checksum        text, of all these; older files have none
 *   /provenance/...    of the run that wrote the file last
 *
 * A second K is added by writing the whole file anew; groups of the same data set are carried over.
 */
#ifndef HGN_PHYSICS_LIMIT_FILE_H
#define HGN_PHYSICS_LIMIT_FILE_H

#include "base/checksum.h"
#include "config/config.h"
#include "physics/limit.h"
#include "store/file.h"

#include <stddef.h>

#define LIMIT_FORMAT "hgn-limit"

/* Not collective. The limit file's name for a data set: DATA.h5 -> DATA.limit.h5.
 * STATUS_USAGE when too long for `size`. */
enum status limit_file_name(const char *data, char *path, size_t size);

/* Collective. Whether limit_file_write() will find a place there and can carry over what it holds, to be asked before
 * the long computation. frames: of a rollout. STATUS_FILE when the folder cannot be written, or a file of that name is
 * damaged or anything but a limit file; warns when that is of other data. */
enum status limit_file_check(const struct comm *comm, const char *path, const char *checksum, int64_t frames);

/* Collective. Writes `result` into the file at `path`, keeping the other groups when the file there has the same
 * checksum, those too that other jobs have added meanwhile. STATUS_FILE when that cannot be done. */
enum status limit_file_write(const struct comm *comm, const char *path, const char *checksum,
                             const struct config *config, const struct limit_options *options,
                             const struct limit_result *result);

/* Collective. Reads the limit for K and observer. STATUS_UNAVAILABLE when there is no such file or group; STATUS_FILE
 * when it belongs to other data (checksums differ) or is damaged. `result` is freed with limit_free(). */
enum status limit_file_read(const struct comm *comm, const char *path, const char *checksum, int64_t input_frames,
                            enum limit_observe observe, struct limit_result *result);

/* Not collective. Which limits an open file of format LIMIT_FORMAT holds. STATUS_FILE when it cannot be read. */
enum status limit_file_has(const struct store_file *file, int64_t input_frames, enum limit_observe observe, bool *has);

/* Not collective. "positions" or "images". */
const char *limit_observe_name(enum limit_observe observe);

#endif
