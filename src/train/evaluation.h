/* What an evaluation is of, and what it finds, for any kind of learner.
 *
 * Failures: STATUS_MEMORY; evaluation_set_first() also those of source_load().
 */
#ifndef HGN_TRAIN_EVALUATION_H
#define HGN_TRAIN_EVALUATION_H

#include "comm/comm.h"
#include "train/source.h"

enum { EVALUATION_SCORES_MAX = 32, EVALUATION_GROUP = 8, EVALUATION_REVERSED = 64 /* rollouts: enough for a mean */ };

/* The scores of a learner (learner.h), and one by frame. */
struct evaluation {
  double score[EVALUATION_SCORES_MAX];
  int64_t rollouts, frames;
  double *by_frame;   /* [frames]; owned */
  const char *broken; /* what is not finite, of `broken_rollouts`: "a decoded frame", say; NULL: all that is predicted
                         is finite. Scores of such rollouts are NaN, but for the valid time before; so are the means. */
  int64_t broken_rollouts;
  double lowest, highest; /* of the values of all predicted pictures, where it is of pictures */
};
void evaluation_free(struct evaluation *evaluation);
/* Not collective. What is not a number becomes the one NaN that constants have: computed ones differ between processors
 * (x86 sets the sign, ARM does not), and what is recorded must not. */
void evaluation_settle(struct evaluation *evaluation);

/* Rollouts are worked through in groups of EVALUATION_GROUP, whoever does it: consecutive ones of one split. */
struct evaluation_group {
  enum split split;
  int64_t first, count; /* count <= EVALUATION_GROUP */
  bool reversed;        /* it is also followed back to where it began */
};
/* Those of one rank. */
struct evaluation_set {
  struct evaluation_group *group;
  int64_t count;
  enum split split; /* of all ranks' groups, also where this one has none */
};

/* Not collective. Rollouts 0..rollouts-1 of a split: this rank's share of the groups; loads them. The first `reversed`
 * are also reversed. */
enum status evaluation_set_first(const struct comm *comm, struct source *source, enum split split, int64_t rollouts,
                                 int64_t reversed, struct evaluation_set *set);
/* Not collective. About `rollouts` of the training split, alike from the slice of each lane: those of this rank's
 * lanes, which are loaded already. total: of the training split. */
enum status evaluation_set_lanes(const struct lanes *lanes, int64_t first_lane, int64_t lane_count, int64_t total,
                                 int64_t rollouts, struct evaluation_set *set);
void evaluation_set_free(struct evaluation_set *set);

#endif
