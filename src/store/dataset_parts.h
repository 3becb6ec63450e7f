/* What the source files of the data set share; not for other layers. */
#ifndef HGN_STORE_DATASET_PARTS_H
#define HGN_STORE_DATASET_PARTS_H

#include "store/dataset.h"

#define DATASET_FORMAT "hgn-dataset"

enum { DATASET_VERSION = 1 };

enum dataset_array { ARRAY_STATE, ARRAY_ENERGY, ARRAY_POINTS, ARRAY_LOG_DENSITY, ARRAY_FRAMES, ARRAY_COUNT };
enum { ARRAY_SUMMED = ARRAY_FRAMES }; /* those that have a checksum for each rollout come first, all of f64 */

_Static_assert((int)ARRAY_COUNT == (int)DATASET_ARRAYS && (int)ARRAY_SUMMED == (int)DATASET_SUMMED,
               "dataset.h has room for all arrays");

/* What the dimensions of an array run over. */
enum dataset_axis { AXIS_ROLLOUT, AXIS_FRAME, AXIS_COORDINATE, AXIS_ROW, AXIS_COLUMN, AXIS_CHANNEL, AXIS_COUNT };

struct dataset_array_kind {
  const char *name, *plural; /* in the file; in messages */
  enum store_type type;
  int rank;
  enum dataset_axis axis[STORE_RANK_MAX]; /* [rank], the first of them AXIS_ROLLOUT */
  const char *unit, *help;
};

extern const struct dataset_array_kind dataset_arrays[ARRAY_COUNT];

/* A split here is the array of that name in the file, as in struct dataset_place; not what rollouts are used for. */

/* "/train/state" */
void dataset_path(enum split split, enum dataset_array array, char path[32]);

/* "train_state": the name of its checksum and of its tag. */
void dataset_label(enum split split, enum dataset_array array, char label[32]);

/* Whether the file has that array. */
bool dataset_has(const struct dataset *dataset, enum split split, enum dataset_array array);

/* Extents of an array, and how many there are. */
int dataset_extent(const struct dataset *dataset, enum split split, enum dataset_array array,
                   int64_t extent[STORE_RANK_MAX]);

/* What the configuration says of the contents: what there is, and every size but the numbers of rollouts and, of
 * trajectories, of coordinates. */
void dataset_describe(struct dataset *dataset, const struct config *config);

/* Which rollouts are which split's, from how many the file has of each; validation 0: it has no such split. */
void dataset_divide(struct dataset *dataset, int64_t train, int64_t test, int64_t validation);

/* Bytes of one rollout; and rounded up to whole words, as checksums place it. */
size_t dataset_bytes(const struct dataset *dataset, enum dataset_array array);

/* Adds rollouts first..first+count-1 to `sum`. */
void dataset_add(const struct dataset *dataset, enum split split, enum dataset_array array, int64_t first,
                 int64_t count, const void *data, struct checksum *sum);

/* Not collective. The content checksum from those of the arrays (sums[SPLIT_COUNT], summed over ranks) and, read from
 * the file, shapes, configuration, scales, parameters and ladder. */
enum status dataset_content(const struct dataset *dataset, const struct checksum (*sums)[ARRAY_COUNT],
                            struct checksum *content);

/* "/checksum/rollouts/train_state" */
void dataset_sums_path(enum split split, enum dataset_array array, char path[48]);

/* STATUS_ARGUMENT unless rollouts first..first+count-1 are among `rollouts` of that split. */
enum status dataset_check_range(const struct dataset *dataset, enum split split, int64_t rollouts, int64_t first,
                                int64_t count);

/* Not collective. Opens what has been made elsewhere, as far as it can be judged without reading its arrays. */
enum status dataset_open_foreign(struct dataset *dataset);

/* Not collective. The extents of `path`, which must have `rank` dimensions. */
enum status dataset_get_extent(const struct dataset *dataset, const char *path, int rank, int64_t *extent,
                               enum store_type *type);

/* Not collective. Reads an array of f64; STATUS_FILE names a missing record (NaN), and of points made elsewhere one
 * that is not finite or was never written. */
enum status dataset_take(const struct dataset *dataset, enum split split, enum dataset_array array, int64_t first,
                         int64_t count, double *values);

/* Not collective. Whether the checksums of rollouts of a split that the file has are of their shapes. */
enum status dataset_check_sums(const struct dataset *dataset, enum split split);
/* Not collective. Verifies all but the arrays: shapes, configuration, scales, parameters, ladder, and the arrays' own
 * checksums. */
enum status dataset_check_content(const struct dataset *dataset);
/* Not collective. Verifies what has been read of an array, rollout by rollout. */
enum status dataset_compare_rollouts(const struct dataset *dataset, enum split split, enum dataset_array array,
                                     int64_t first, int64_t count, const double *values);
/* Collective. For files that have no checksums of rollouts: reads and verifies all arrays once and keeps theirs, for
 * what is read later. */
enum status dataset_sum_rollouts(struct dataset *dataset);

#endif
