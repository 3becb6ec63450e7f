/* Two runs held against each other: which keys of their configurations differ, whether they learned of the same data
 * by the same rules, and the first step at which they reported something else.
 *
 * Failures: STATUS_FILE when one is no run, or not what was written; STATUS_MEMORY, STATUS_MPI.
 */
#ifndef HGN_TRAIN_COMPARE_H
#define HGN_TRAIN_COMPARE_H

#include "base/checksum.h"
#include "store/provenance_compare.h"
#include "train/difference.h"
#include "train/numerics.h"

enum { COMPARE_TEXT_MAX = 4096 };

/* One of the two. */
struct compare_run {
  char checksum[CHECKSUM_TEXT], numerics[NUMERICS_TEXT_MAX]; /* of its data; its rules */
  int64_t last;                                              /* step of its last record */
  int64_t ranks, rank; /* ranks that did the step that differs; which of them had the lane; 0, -1: unknown */
  struct provenance_texts provenance;
};

struct compare_outcome {
  struct compare_run run[2];
  int keys;                         /* of the configuration that differ, but where the data are */
  char text[COMPARE_TEXT_MAX];      /* which, as config_differences() tells them */
  char shapes[128];                 /* why their records cannot be compared; "": they can */
  int64_t reports, evaluations;     /* of the same step, that were compared */
  struct difference_list different; /* the first; count 0: none */
};

/* Collective. Freed with compare_free(), after a failure too. */
enum status compare_runs(const struct comm *comm, const char *a, const char *b, struct compare_outcome *outcome);
void compare_free(struct compare_outcome *outcome);
/* Not collective. Whether anything differs that makes or is a result. */
bool compare_same(const struct compare_outcome *outcome);

#endif
