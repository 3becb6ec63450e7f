/* What a model reaches on rollouts: errors by frame, conservation of its own H, reversal in time, valid prediction
 * time.
 *
 * Rollouts are worked through in groups of EVALUATE_GROUP whoever does it, and summed exactly: the same bits at any
 * number of ranks. All target frames are always decoded.
 */
#ifndef HGN_TRAIN_EVALUATE_H
#define HGN_TRAIN_EVALUATE_H

#include "comm/comm.h"
#include "model/pass.h"
#include "train/protocol.h"
#include "train/source.h"

enum { EVALUATE_GROUP = 8, EVALUATE_CHUNK = 16, EVALUATE_REVERSED = 64 /* rollouts: enough for a mean */ };

/* X(name, unit, help): scalars of an evaluation. Errors are pixel MSE of images in [0, 1] against what was observed. */
#define EVALUATE_LIST(X)                                                                                               \
  X(mse, NULL, "mean squared error of a value over all target frames")                                                 \
  X(mse_error, NULL, "its standard error over rollouts")                                                               \
  X(unseen, NULL, "the same over frames that the encoder has not seen; NaN where it saw all")                          \
  X(unseen_error, NULL, "its standard error over rollouts")                                                            \
  X(excess, NULL, "unseen less what the best possible predictor had on the same frames; NaN where that is not known")  \
  X(excess_error, NULL, "its standard error over rollouts")                                                            \
  X(kl, "nat", "KL of the posterior of a rollout from the prior")                                                      \
  X(energy_variation, NULL, "standard deviation of H along a rollout over that of its mean between rollouts")          \
  X(energy_drift, NULL, "mean |H(last) - H(first)| over the same")                                                     \
  X(reversal_state, NULL, "rms difference of the state after going to the end and back, over its rms")                 \
  X(reversal_pixels, NULL, "mean squared difference of frames decoded on the way back and on the way there")           \
  X(vpt, "frames",                                                                                                     \
    "valid prediction time: median of the unseen frames before the squared error exceeds 0.025 of the "                \
    "mean square of the frame")

struct evaluation {
#define EVALUATE_MEMBER(name, unit, help) double name;
  EVALUATE_LIST(EVALUATE_MEMBER)
#undef EVALUATE_MEMBER
  int64_t rollouts, frames;
  double *frame_mse;  /* [frames]; owned */
  const char *broken; /* what is not finite, of `broken_rollouts`: "a decoded frame", say; NULL: all that is predicted
                         is finite. Scores of such rollouts are NaN, but for the valid time before; so are the means. */
  int64_t broken_rollouts;
};

struct evaluate_task {
  struct protocol protocol;
  enum posterior_kind posterior;
  uint64_t seed;
  double dt;
  const double *attained; /* [attained_count]: what the best possible predictor had on the unseen frames of test
                             rollouts 0, 1, ... (struct yardstick); borrowed; may be NULL */
  int64_t attained_count;
};

/* Consecutive rollouts of one split; those of one rank. */
struct evaluate_group {
  enum split split;
  int64_t first, count; /* count <= EVALUATE_GROUP */
  bool reversed;
};
struct evaluate_set {
  struct evaluate_group *group;
  int64_t count;
};

/* Not collective. Rollouts 0..rollouts-1 of the test split: this rank's share of the groups; loads them. */
enum status evaluate_test_set(const struct comm *comm, struct source *source, int64_t rollouts, int64_t reversed,
                              struct evaluate_set *set);
/* Not collective. About `rollouts` of the training split, alike from the slice of each lane: those of this rank's
 * lanes, which are loaded already. */
enum status evaluate_train_set(const struct lanes *lanes, int64_t first_lane, int64_t lane_count, int64_t total,
                               int64_t rollouts, struct evaluate_set *set);
void evaluate_set_free(struct evaluate_set *set);

/* Collective. parameters: the block. evaluation: freed with evaluate_free(). */
enum status evaluate(const struct comm *comm, const struct model *model, const float *parameters, struct source *source,
                     const struct evaluate_task *task, const struct evaluate_set *set, struct evaluation *evaluation);
void evaluate_free(struct evaluation *evaluation);

#endif
