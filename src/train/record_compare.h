/* Records that are compared: what a training computes anew with what its file holds, or the rows of two files.
 *
 * A training that is replayed may go back to an earlier step, as it did then (train.divergence.response: roll_back),
 * and what it computed before that stands in no file any more. So a difference counts when no more going back is to
 * come: as often as the last report says.
 */
#ifndef HGN_TRAIN_RECORD_COMPARE_H
#define HGN_TRAIN_RECORD_COMPARE_H

#include "train/difference.h"
#include "train/record.h"

/* What a record holds, and what it was found to be like. Of the root. */
struct record_replay {
  int64_t rows[RECORD_TABLES]; /* that are there, whole, from the first */
  int64_t last;                /* step of the last of them */
  double roll_backs;           /* times that the training had gone back in the end */
  double kappa, limits[2];     /* what GECO aimed at; the information limits */
  bool limited;                /* what is held against the limits can be compared: they are the same now */
  const char *const *network;  /* names; borrowed */

  double went_back;                                   /* times that the replay has */
  int64_t first[RECORD_TABLES], count[RECORD_TABLES]; /* rows that were compared: consecutive ones */
  int64_t values;                                     /* of them */
  struct difference_list different;                   /* count 0: there is none so far */
};

/* Collective. Opens a run's file to compare with it. STATUS_CONFIG when it is of other numerical rules; STATUS_FILE
 * when the data are others, or rows are there and not what was written. replay: borrowed as long as the record is
 * open. */
enum status record_compare_open(const struct comm *comm, const char *path, const struct record_run *run,
                                const struct yardstick *yardstick, struct record_replay *replay, struct record *record);
/* Not collective. How many rows of each table are there, and of one course of the training: behind a record that is
 * missing, and in a run that ended soon after it had gone back, there are some that it has not come to again, and they
 * are left out. And how often it had gone back. STATUS_FILE when a row is not what was written. */
enum status record_count_current(const struct store_file *file, const struct record_shape *shape,
                                 const struct training *training, int64_t rows[RECORD_TABLES], double *roll_backs);

/* Root only. A row of a record that compares. STATUS_DIFFERENT when it is different for good. */
enum status record_compare_row(const struct record *record, enum record_table table, int64_t index, const void *row);
enum status record_compare_verdict(const struct record *record, const struct verdict *verdict);
/* Not collective, on all ranks. The replay goes back to a step, for the n-th time. */
void record_compare_back(struct record *record, int64_t step, int64_t times);
/* Not collective, on all ranks. Whether a replay that is after so many steps has come to the end of what the file
 * has. */
bool record_compared(const struct record_replay *replay, int64_t done);

/* Not collective. Row `a` of a table of one file with row `b` of that of another of the same shape. network: names. */
enum status record_compare_files(const struct store_file *file_a, const struct store_file *file_b,
                                 const struct record_shape *shape, const char *const *network, enum record_table table,
                                 int64_t a, int64_t b, struct difference_list *differences);

#endif
