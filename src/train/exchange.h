/* The sum of all lanes' gradients over ranks, the same bits for any number of ranks.
 *
 * Every lane's gradient becomes 64-bit fixed point with one scale for each parameter tensor, and integers are added.
 * Scales come from the step before: the largest exponent of any lane's gradient then, and EXCHANGE_MARGIN spare bits. A
 * gradient that has outgrown its scale is seen by all ranks in the same reduction; the step is then computed again with
 * scales that fit, which all of its randomness allows.
 *
 * The reduction of a part starts as soon as this rank has added its last lane,
 * and moves when exchange_poll() is called.
 */
#ifndef HGN_TRAIN_EXCHANGE_H
#define HGN_TRAIN_EXCHANGE_H

#include "comm/reduce.h"
#include "model/layout.h"

enum { EXCHANGE_MARGIN = 6 };

struct exchange {
  const struct comm *comm;
  const struct layout *layout;
  int64_t *offset[LAYOUT_PARTS_MAX]; /* of the tensors of each part, for fixed.h */
  struct fixed_layout fixed[LAYOUT_PARTS_MAX];
  int first[LAYOUT_PARTS_MAX + 1]; /* tensor that each part begins with */
  int32_t *exponent;               /* [tensors]: in force. Part of a checkpoint. */
  int32_t *seen;                   /* [tensors]: of this step */
  int64_t *largest;                /* [tensors + 2]: what is agreed at the end of a step */
  int64_t *sum[LAYOUT_PARTS_MAX];
  struct reduce_request request[LAYOUT_PARTS_MAX];
  int pending[LAYOUT_PARTS_MAX];
  double started[LAYOUT_PARTS_MAX], arrived[LAYOUT_PARTS_MAX]; /* s */
  double waited, total; /* s: of finished reductions, blocked in exchange_finish(); from start to arrival */
  enum status status;   /* of MPI on this rank */
};

/* Not collective. layout: borrowed. lanes: most gradients that are ever added, over all ranks.
 * STATUS_MEMORY. */
enum status exchange_open(const struct comm *comm, const struct layout *layout, int64_t lanes,
                          struct exchange *exchange);
void exchange_close(struct exchange *exchange);

/* Not collective. Before the first lane of a step. */
void exchange_clear(struct exchange *exchange);
/* Not collective. One lane's gradient (the whole block; only the part is read). */
void exchange_add(struct exchange *exchange, int part, const float *gradient);
/* Collective (non-blocking). */
void exchange_start(struct exchange *exchange, int part);
/* Not collective. */
void exchange_poll(struct exchange *exchange);

enum exchange_outcome {
  EXCHANGE_DONE,
  EXCHANGE_AGAIN,    /* a gradient did not fit its scale: compute the step again */
  EXCHANGE_DIVERGED, /* a gradient is not finite: `tensor` is the first */
};

/* What else ranks tell each other at the end of a step, in the same two messages. */
struct exchange_rest {
  int64_t *word; /* [words]: become their sums over ranks */
  int64_t words;
  int64_t request;    /* becomes the largest of all ranks */
  enum status status; /* of this rank's part of the step */
};
/* Collective. gradient: the whole block. The outcome is the same on all ranks, and so is a failure of one of them:
 * STATUS_MPI, or the worst rest->status. */
enum status exchange_finish(struct exchange *exchange, struct exchange_rest *rest, float *gradient,
                            enum exchange_outcome *outcome, int *tensor);

#endif
