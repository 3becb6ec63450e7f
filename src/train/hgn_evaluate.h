/* What a Hamiltonian Generative Network reaches on rollouts: errors by frame, conservation of its own H, reversal in
 * time, valid prediction time, and how it stands against what is possible.
 *
 * Sums over rollouts are exact: the same bits at any number of ranks. All target frames are always decoded.
 *
 * Failures: STATUS_MEMORY, STATUS_MPI, and those of source_frames() and of pass.h. A prediction that is not finite is
 * none: it is counted in evaluation.broken_rollouts.
 */
#ifndef HGN_TRAIN_HGN_EVALUATE_H
#define HGN_TRAIN_HGN_EVALUATE_H

#include "model/pass.h"
#include "train/evaluation.h"
#include "train/protocol.h"
#include "train/yardstick.h"

enum { HGN_EVALUATE_CHUNK = 2 * EVALUATION_GROUP };

/* X(ID, name, unit, help): the scores. Errors are pixel MSE of images in [0, 1] against what was observed. */
#define HGN_SCORE_LIST(X)                                                                                              \
  X(MSE, "mse", NULL, "mean squared error of a value over all target frames")                                          \
  X(MSE_ERROR, "mse_error", NULL, "standard error of mse over rollouts")                                               \
  X(UNSEEN, "unseen", NULL,                                                                                            \
    "mean squared error of a value over the target frames that the encoder has not seen; NaN where it saw all")        \
  X(UNSEEN_ERROR, "unseen_error", NULL, "standard error of unseen over rollouts")                                      \
  X(EXCESS, "excess", NULL,                                                                                            \
    "unseen less the mean squared error of the best possible predictor on the same frames; NaN where that is not "     \
    "known")                                                                                                           \
  X(EXCESS_ERROR, "excess_error", NULL, "standard error of excess over rollouts")                                      \
  X(KL, "kl", "nat", "KL of the posterior of a rollout from the prior")                                                \
  X(ENERGY_VARIATION, "energy_variation", NULL,                                                                        \
    "standard deviation of H along a rollout, over the standard deviation of its mean between rollouts")               \
  X(ENERGY_DRIFT, "energy_drift", NULL,                                                                                \
    "mean |H(last) - H(first)| of a rollout, over the standard deviation of the mean H between rollouts")              \
  X(REVERSAL_STATE, "reversal_state", NULL,                                                                            \
    "rms difference of the state after going to the end and back, over the rms of the state")                          \
  X(REVERSAL_PIXELS, "reversal_pixels", NULL,                                                                          \
    "mean squared difference of frames decoded on the way back and on the way there")                                  \
  X(VPT, "vpt", "frames",                                                                                              \
    "valid prediction time: median number of unseen frames before the squared error of one exceeds 0.025 of its mean " \
    "square")                                                                                                          \
  X(R2, "r2", NULL, "1 - mse / (mean squared error of the mean training image)")                                       \
  X(OVER_FLOOR, "over_floor", NULL, "mse over the noise floor")                                                        \
  X(OVER_LIMIT, "over_limit", NULL, "mse over the information limit")                                                  \
  X(UNSEEN_OVER_LIMIT, "unseen_over_limit", NULL,                                                                      \
    "unseen over the information limit of the frames that the encoder has not seen")                                   \
  X(PAIRED_OVER_LIMIT, "paired_over_limit", NULL,                                                                      \
    "unseen over the information limit, by differences from the best possible predictor on each rollout: 1 + excess "  \
    "/ limit")                                                                                                         \
  X(PAIRED_OVER_LIMIT_ERROR, "paired_over_limit_error", NULL, "standard error of paired_over_limit over rollouts")     \
  X(VALID, "valid", NULL,                                                                                              \
    "share of samples of the prior that are near a true trajectory (hgn sample --judge); NaN where eval.judge is 0")   \
  X(COVERAGE, "coverage", NULL, "energy distance of samples of the prior and rollouts; NaN where eval.judge is 0")     \
  X(COVERAGE_FLOOR, "coverage_floor", NULL,                                                                            \
    "energy distance of two disjoint sets of rollouts, as many as samples of the prior are judged; NaN where "         \
    "eval.judge is 0")
enum hgn_score {
#define HGN_SCORE_ENUM(id, name, unit, help) HGN_##id,
  HGN_SCORE_LIST(HGN_SCORE_ENUM)
#undef HGN_SCORE_ENUM
      HGN_SCORES
};

/* All borrowed. */
struct hgn_evaluate_task {
  const struct model *model;
  const float *parameters; /* the block */
  struct source *source;
  const struct yardstick *yardstick; /* what `excess` and the ratios are held against */
  struct protocol protocol;
  enum posterior_kind posterior;
  uint64_t seed;
  double dt; /* s between frames in the latent space */
};

/* Collective. evaluation: freed with evaluation_free(). */
enum status hgn_evaluate(const struct comm *comm, const struct hgn_evaluate_task *task,
                         const struct evaluation_set *set, struct evaluation *evaluation);

#endif
