/* One training step, data-parallel: the loss and its whole gradient, the same bits for any number of ranks.
 *
 * The batch is cut into lanes; a rank works through a contiguous share of them, stage by stage (lane.h), so that the
 * decoder's gradient travels while rollouts are differentiated, and theirs while the encoder is. Collectives come in
 * one order whatever fails on one rank: a failure is carried to the end of the step, where all ranks learn of it.
 */
#ifndef HGN_TRAIN_STEP_H
#define HGN_TRAIN_STEP_H

#include "train/exchange.h"
#include "train/lane.h"

/* Encoder and transformer; Hamiltonian; decoder, forward and backward; the other two backward; waiting for sums. */
enum step_stage { STEP_ENCODE, STEP_UNROLL, STEP_DRAW, STEP_UNROLL_BACK, STEP_ENCODE_BACK, STEP_REDUCE, STEP_STAGES };

struct step {
  const struct comm *comm;
  const struct model *model;
  struct source *source;
  uint64_t seed;
  struct lanes lanes;
  int64_t first_lane, lane_count, rollouts_total; /* this rank's lanes; rollouts of the training split */
  int64_t epoch;                                  /* that `order` is for; -1: none */
  struct pass *pass[2];                           /* of whole lanes; of a smaller last one */
  struct lane_shared *shared[2];
  struct lane *lane;    /* [lane_count] */
  int64_t **order;      /* [lane_count][rollouts of the slice] */
  int64_t *rollouts;    /* [lane_count][microbatch] */
  float *lane_gradient; /* the block, of one lane */
  float *gradient;      /* the block, of the batch */
  int64_t *words;       /* losses of all lanes as bits */
  struct exchange exchange;
};

struct step_result {
  double error, kl;              /* of the batch */
  enum exchange_outcome outcome; /* EXCHANGE_DONE or EXCHANGE_DIVERGED */
  int tensor;                    /* diverged: the first tensor that is not finite; -1: the loss is not */
  bool signalled;                /* some rank was told to stop */
  int repeats;                   /* times that the step was computed again */
  double seconds[STEP_STAGES];   /* of this rank */
};

/* Collective. parameters: the block, borrowed. frames: most targets ever; images: most that a lane decodes. Loads the
 * slices of this rank's lanes. STATUS_CONFIG with more ranks than lanes, or fewer rollouts than a batch. */
enum status step_open(const struct comm *comm, const struct model *model, struct source *source, uint64_t seed,
                      const struct lanes *lanes, int64_t frames, int64_t images, const float *parameters,
                      struct step *step);
void step_close(struct step *step);

int64_t step_epoch_steps(const struct step *step); /* of an epoch */

/* Collective. step->gradient becomes the gradient of the batch. signal: whether this rank was told to stop. */
enum status step_run(struct step *step, const struct lane_task *task, bool signal, struct step_result *result);

/* Not collective. After the parameters' values have changed. */
void step_parameters_changed(struct step *step);

/* Not collective. Loss of each lane of the last step: error, kl [lanes]. */
void step_lane_losses(const struct step *step, double *error, double *kl);

#endif
