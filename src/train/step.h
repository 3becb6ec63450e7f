/* One training step, data-parallel: the loss and its whole gradient, the same bits for any number of ranks.
 *
 * The batch is cut into lanes; a rank takes a contiguous share of them through the stages of the learner (learner.h),
 * so that the gradient of one part of the parameters travels while the next is computed. Collectives come in one order
 * whatever fails on one rank: a failure is carried to the end of the step, where all ranks learn of it.
 *
 * Failures: STATUS_MEMORY, STATUS_MPI, those of the learner and of source_load(), and what is said below.
 */
#ifndef HGN_TRAIN_STEP_H
#define HGN_TRAIN_STEP_H

#include "base/arena.h"
#include "train/exchange.h"
#include "train/learner.h"

struct step {
  const struct comm *comm;
  struct learner *learner;  /* borrowed */
  struct learner_work work; /* this rank's lanes */
  int64_t rollouts_total;   /* of the training split */
  int64_t epoch;            /* that `order` is for; -1: none */
  struct arena arena;       /* of all arrays */
  int64_t **order;          /* [lane_count][rollouts of the slice] */
  int64_t *rollouts;        /* [lane_count][microbatch] */
  float *lane_gradient;     /* the block, of one lane */
  float *gradient;          /* the block, of the batch */
  int64_t *words;           /* [lanes][terms]: what each lane has of the loss, as bits */
  struct exchange exchange;
};

struct step_result {
  double term[LEARNER_TERMS_MAX];               /* of the loss, of the batch */
  enum exchange_outcome outcome;                /* EXCHANGE_DONE or EXCHANGE_DIVERGED */
  int tensor;                                   /* diverged: the first tensor that is not finite; -1: the loss is not */
  int64_t request;                              /* the largest of all ranks */
  int repeats;                                  /* times that the step was computed again */
  double seconds[LEARNER_STAGES_MAX], reducing; /* of this rank: in each stage; waiting for sums */
};

/* Collective. learner and source: borrowed. Loads the slices of this rank's lanes, and prepares the learner.
 * STATUS_CONFIG with more ranks than lanes, or fewer rollouts than a batch. */
enum status step_open(const struct comm *comm, struct learner *learner, struct source *source,
                      const struct lanes *lanes, struct step *step);
/* Before the learner is closed. */
void step_close(struct step *step);

int64_t step_epoch_steps(const struct step *step); /* of an epoch */

/* Collective. Step `number`, 0, 1, ...: step->gradient becomes the gradient of the batch. request: this rank's, >= 0.
 * STATUS_NUMERIC when no scale fits the gradient. */
enum status step_run(struct step *step, int64_t number, int64_t request, struct step_result *result);

/* Not collective. One term of the loss of each lane of the last step: loss[lanes]. */
void step_lane_terms(const struct step *step, int term, double *loss);

#endif
