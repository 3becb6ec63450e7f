/* The sum of all lanes' gradients over ranks, the same bits for any number of ranks (decision 4).
 *
 * Every lane's gradient becomes 64-bit fixed point with one scale for each parameter tensor, and integers are added.
 * Scales come from the step before: the largest exponent of any lane's gradient then, and EXCHANGE_MARGIN spare bits. A
 * gradient that has outgrown its scale is seen by all ranks in the same reduction; the step is then computed again with
 * scales that fit, which all of its randomness allows.
 *
 * The reduction of a part starts as soon as this rank has added its last lane, and moves when exchange_poll() is
 * called.
 */
#ifndef HGN_TRAIN_EXCHANGE_H
#define HGN_TRAIN_EXCHANGE_H

#include "comm/reduce.h"
#include "model/model.h"

enum { EXCHANGE_MARGIN = 6 };

struct exchange {
  const struct comm *comm;
  const struct model *model;
  int tensors;
  int64_t *offset[MODEL_PARTS]; /* of the tensors of each part, for fixed.h */
  struct fixed_layout layout[MODEL_PARTS];
  int first[MODEL_PARTS + 1]; /* tensor that each part begins with */
  int32_t *exponent;          /* [tensors]: in force. Part of a checkpoint. */
  int32_t *seen;              /* [tensors]: of this step */
  int64_t *sum[MODEL_PARTS];
  struct reduce_request request[MODEL_PARTS];
  int pending[MODEL_PARTS];
  double started[MODEL_PARTS], arrived[MODEL_PARTS]; /* s */
  double waited, total; /* s: of finished reductions, blocked in exchange_finish(); from start to arrival */
  enum status status;   /* of MPI on this rank */
};

/* Not collective. lanes: most gradients that are ever added, over all ranks. */
enum status exchange_open(const struct comm *comm, const struct model *model, int64_t lanes, struct exchange *exchange);
void exchange_close(struct exchange *exchange);

/* Not collective. Before the first lane of a step. */
void exchange_clear(struct exchange *exchange);
/* Not collective. One lane's gradient (the whole block; only the part is read). */
void exchange_add(struct exchange *exchange, enum model_part part, const float *gradient);
/* Collective (non-blocking). */
void exchange_start(struct exchange *exchange, enum model_part part);
/* Not collective. */
void exchange_poll(struct exchange *exchange);

enum exchange_outcome {
  EXCHANGE_DONE,
  EXCHANGE_AGAIN,    /* a gradient did not fit its scale: compute the step again */
  EXCHANGE_DIVERGED, /* a gradient is not finite: `tensor` is the first */
};
/* Collective. gradient: the whole block. The outcome is the same on all ranks. */
enum status exchange_finish(struct exchange *exchange, float *gradient, enum exchange_outcome *outcome, int *tensor);

#endif
