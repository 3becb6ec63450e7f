/* Reductions over ranks that give the same bits for any number of ranks, algorithm and arrival order.
 *
 * Only integers travel: MPI_SUM over int64 words of exact.h and fixed.h, MPI_MAX over int32 exponents.
 * The blocking forms agree: a failure is returned by all ranks. Failures: STATUS_MPI, and what is said below.
 */
#ifndef HGN_COMM_REDUCE_H
#define HGN_COMM_REDUCE_H

#include "base/checksum.h"
#include "base/exact.h"
#include "base/fixed.h"
#include "comm/comm.h"

/* Collective. `count` accumulators, normalised and summed in place on every rank. */
enum status reduce_exact(const struct comm *comm, struct exact *sums, int count);

/* Collective. int64 sums and maxima in place; any count, cut into pieces that fit MPI's int. */
enum status reduce_sum(const struct comm *comm, int64_t *words, int64_t count);
enum status reduce_max(const struct comm *comm, int64_t *words, int64_t count);

/* Collective. Numbers that are each set on one rank, and zero, in all bits, on the others: afterwards on all. */
enum status reduce_place(const struct comm *comm, double *values, int64_t count);

/* Collective. Sums and maxima and the agreement of comm_agree() on `local`, in two messages: what a step of training
 * needs at its end. maximum: [maxima + 1], the last for the agreement. On failure, which is the same on all ranks,
 * neither is to be used. */
enum status reduce_agree(const struct comm *comm, int64_t *sum, int64_t sums, int64_t *maximum, int64_t maxima,
                         enum status local);

/* Collective. Checksum parts of all ranks, added. */
enum status reduce_checksum(const struct comm *comm, struct checksum *sums, int64_t count);

/* A non-blocking sum of int64 words in place: begin on all ranks in the same order, progress as often as convenient
 * (Open MPI makes no progress by itself), finish on all ranks. The array belongs to the request until finish. A zeroed
 * request is one that is not pending. Nothing is allocated, so nothing but MPI itself can fail on one rank alone; such
 * a failure is known to its rank only, until the ranks agree. */
enum { REDUCE_PIECES = 16 };

struct reduce_request {
  MPI_Request pending[REDUCE_PIECES]; /* one for each piece of at most INT_MAX / 2 words */
  int count;
};

/* Collective (non-blocking). On failure nothing is pending. STATUS_ARGUMENT beyond REDUCE_PIECES pieces. */
enum status reduce_begin(const struct comm *comm, int64_t *words, int64_t count, struct reduce_request *request);
/* Not collective. Sets *done when every piece has arrived. */
enum status reduce_progress(struct reduce_request *request, int *done);
/* Collective (completes). Accepts a request that is not pending. */
enum status reduce_finish(struct reduce_request *request);

#endif
