/* What the source files of the data set share; not for other layers. */
#ifndef HGN_STORE_DATASET_PARTS_H
#define HGN_STORE_DATASET_PARTS_H

#include "store/dataset.h"

#define DATASET_FORMAT "hgn-dataset"

enum { DATASET_VERSION = 1 };

enum dataset_array { ARRAY_STATE, ARRAY_ENERGY, ARRAY_FRAMES, ARRAY_COUNT };
enum { ARRAY_SUMMED = ARRAY_FRAMES }; /* those that have a checksum for each rollout come first */

extern const char *const dataset_array_name[ARRAY_COUNT];

/* A split here is the array of that name in the file, as in struct dataset_place; not what rollouts are used for. */

/* "/train/state" */
void dataset_path(enum split split, enum dataset_array array, char path[32]);

/* "train_state": the name of its checksum and of its tag. */
void dataset_label(enum split split, enum dataset_array array, char label[32]);

/* Whether the file has that array. */
bool dataset_has(const struct dataset *dataset, enum split split, enum dataset_array array);

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

/* Not collective. Reads states or energies; STATUS_FILE names a missing record (NaN). */
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
