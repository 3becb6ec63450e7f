#include "comm/reduce.h"

#include <limits.h>

/* Words of one MPI call. Its count is an int; half of that leaves room in implementations
 * that count bytes or double it. */
#ifndef REDUCE_PIECE
#define REDUCE_PIECE (INT_MAX / 2)
#endif

_Static_assert(sizeof(struct exact) == EXACT_WORDS * sizeof(int64_t), "accumulators lie end to end");
_Static_assert(sizeof(struct checksum) == 2 * sizeof(uint64_t), "checksums lie end to end");

/* All pieces run whatever happens to one, so that the ranks stay in step; they have yet to agree. */
static enum status reduce_local(const struct comm *comm, void *data, int64_t count, MPI_Datatype type, size_t size,
                                MPI_Op operation) {
  enum status status = STATUS_OK;
  char *position = data;
  for (int64_t left = count; left > 0;) {
    int piece = left < REDUCE_PIECE ? (int)left : REDUCE_PIECE;
    int code = MPI_Allreduce(MPI_IN_PLACE, position, piece, type, operation, comm->mpi);
    if (code != MPI_SUCCESS) status = comm_check(code, "MPI_Allreduce");
    position += (size_t)piece * size;
    left -= piece;
  }
  return status;
}

static enum status reduce_pieces(const struct comm *comm, void *data, int64_t count, MPI_Datatype type, size_t size,
                                 MPI_Op operation) {
  return comm_agree(comm, reduce_local(comm, data, count, type, size, operation));
}

enum status reduce_sum(const struct comm *comm, int64_t *words, int64_t count) {
  return reduce_pieces(comm, words, count, MPI_INT64_T, sizeof *words, MPI_SUM);
}

enum status reduce_max(const struct comm *comm, int64_t *words, int64_t count) {
  return reduce_pieces(comm, words, count, MPI_INT64_T, sizeof *words, MPI_MAX);
}

enum status reduce_exact(const struct comm *comm, struct exact *sums, int count) {
  for (int i = 0; i < count; i++) exact_normalize(&sums[i]);
  return reduce_pieces(comm, sums, (int64_t)count * EXACT_WORDS, MPI_INT64_T, sizeof(int64_t), MPI_SUM);
}

enum status reduce_checksum(const struct comm *comm, struct checksum *sums, int64_t count) {
  return reduce_pieces(comm, sums, 2 * count, MPI_UINT64_T, sizeof(uint64_t), MPI_SUM);
}

/* That all is well is seen from the maximum itself; only a failure costs the messages of comm_agree(). */
enum status reduce_agree(const struct comm *comm, int64_t *sum, int64_t sums, int64_t *maximum, int64_t maxima,
                         enum status local) {
  enum status status = reduce_local(comm, sum, sums, MPI_INT64_T, sizeof *sum, MPI_SUM);
  if (local == STATUS_OK) local = status;
  maximum[maxima] = (int64_t)local;
  TRY(reduce_local(comm, maximum, maxima + 1, MPI_INT64_T, sizeof *maximum, MPI_MAX));
  return maximum[maxima] == STATUS_OK ? STATUS_OK : comm_agree(comm, local);
}

enum status reduce_place(const struct comm *comm, double *values, int64_t count) {
  _Static_assert(sizeof(double) == sizeof(int64_t), "bits of numbers are added as integers");
  return reduce_sum(comm, (int64_t *)(void *)values, count);
}

enum status reduce_begin(const struct comm *comm, int64_t *words, int64_t count, struct reduce_request *request) {
  *request = (struct reduce_request){.count = 0};
  REQUIRE(count <= (int64_t)REDUCE_PIECES * REDUCE_PIECE, STATUS_ARGUMENT, "a sum of %lld words is too long",
          (long long)count);
  for (int64_t done = 0; done < count; done += REDUCE_PIECE) {
    int piece = count - done < REDUCE_PIECE ? (int)(count - done) : REDUCE_PIECE;
    int code = MPI_Iallreduce(MPI_IN_PLACE, words + done, piece, MPI_INT64_T, MPI_SUM, comm->mpi,
                              &request->pending[request->count]);
    if (code != MPI_SUCCESS) {
      (void)reduce_finish(request);
      return comm_check(code, "MPI_Iallreduce");
    }
    request->count++;
  }
  return STATUS_OK;
}

enum status reduce_progress(struct reduce_request *request, int *done) {
  int complete = 1;
  TRY(comm_check(MPI_Testall(request->count, request->pending, &complete, MPI_STATUSES_IGNORE), "MPI_Testall"));
  if (complete) request->count = 0;
  *done = complete;
  return STATUS_OK;
}

enum status reduce_finish(struct reduce_request *request) {
  int code = MPI_Waitall(request->count, request->pending, MPI_STATUSES_IGNORE);
  request->count = 0;
  return comm_check(code, "MPI_Waitall");
}
