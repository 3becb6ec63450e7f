#include "comm/comm.h"

#include "base/log.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum status comm_check(int mpi_code, const char *call) {
  if (mpi_code == MPI_SUCCESS) return STATUS_OK;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  if (MPI_Error_string(mpi_code, text, &length) != MPI_SUCCESS) snprintf(text, sizeof text, "code %d", mpi_code);
  return status_raise(STATUS_MPI, "%s: %s", call, text);
}

enum status comm_open(MPI_Comm parent, struct comm *comm) {
  *comm = (struct comm){.mpi = MPI_COMM_NULL};
  MPI_Comm copy;
  TRY(comm_check(MPI_Comm_dup(parent, &copy), "MPI_Comm_dup"));
  int code = MPI_Comm_set_errhandler(copy, MPI_ERRORS_RETURN);
  if (code == MPI_SUCCESS) code = MPI_Comm_rank(copy, &comm->rank);
  if (code == MPI_SUCCESS) code = MPI_Comm_size(copy, &comm->size);
  if (code != MPI_SUCCESS) {
    MPI_Comm_free(&copy);
    return comm_check(code, "MPI_Comm_set_errhandler");
  }
  comm->mpi = copy;
  return STATUS_OK;
}

enum status comm_split(const struct comm *parent, int color, struct comm *group) {
  MPI_Comm part = MPI_COMM_NULL;
  *group = (struct comm){.mpi = MPI_COMM_NULL};
  TRY(comm_check(MPI_Comm_split(parent->mpi, color < 0 ? MPI_UNDEFINED : color, parent->rank, &part),
                 "MPI_Comm_split"));
  enum status status = color < 0 ? STATUS_OK : comm_open(part, group);
  if (part != MPI_COMM_NULL) MPI_Comm_free(&part);
  return comm_agree(parent, status);
}

void comm_close(struct comm *comm) {
  /* A zeroed struct holds no communicator either: size is at least 1 in an open one. */
  if (comm->size > 0 && comm->mpi != MPI_COMM_NULL) MPI_Comm_free(&comm->mpi);
  *comm = (struct comm){.mpi = MPI_COMM_NULL};
}

enum status comm_agree(const struct comm *comm, enum status local) {
  if (comm->size == 1) return local;
  /* Worst code first, then lowest rank, in one MPI_MAX. */
  int64_t mine = (int64_t)local * comm->size + (comm->size - 1 - comm->rank), worst = mine;
  TRY(comm_check(MPI_Allreduce(&mine, &worst, 1, MPI_INT64_T, MPI_MAX, comm->mpi), "MPI_Allreduce"));
  enum status agreed = (enum status)(worst / comm->size);
  if (agreed == STATUS_OK) return STATUS_OK;

  int speaker = comm->size - 1 - (int)(worst % comm->size);
  char text[STATUS_MESSAGE_MAX] = "";
  if (comm->rank == speaker) snprintf(text, sizeof text, "%s", status_message());
  TRY(comm_check(MPI_Bcast(text, (int)sizeof text, MPI_CHAR, speaker, comm->mpi), "MPI_Bcast"));
  int differs = local != agreed || strcmp(text, status_message()) != 0, any_differs = 0;
  TRY(comm_check(MPI_Allreduce(&differs, &any_differs, 1, MPI_INT, MPI_MAX, comm->mpi), "MPI_Allreduce"));
  return any_differs ? status_raise(agreed, "rank %d: %s", speaker, text) : status_raise(agreed, "%s", text);
}

enum status comm_broadcast(const struct comm *comm, void *data, int64_t bytes) {
  char *position = data;
  enum status status = STATUS_OK;
  while (bytes > 0) {
    int piece = bytes > INT_MAX ? INT_MAX : (int)bytes;
    int code = MPI_Bcast(position, piece, MPI_BYTE, 0, comm->mpi);
    if (code != MPI_SUCCESS) status = comm_check(code, "MPI_Bcast");
    position += piece;
    bytes -= piece;
  }
  return comm_agree(comm, status);
}

/* MPI's own barrier would spin: Open MPI polls as fast as it can. */
enum status comm_wait(const struct comm *comm) {
  const struct timespec pause = {.tv_nsec = 20000000};
  MPI_Request request;
  int done = 0;
  TRY(comm_check(MPI_Ibarrier(comm->mpi, &request), "MPI_Ibarrier"));
  while (!done) {
    TRY(comm_check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test"));
    if (!done) nanosleep(&pause, NULL);
  }
  return STATUS_OK;
}

void comm_share(int64_t total, int size, int rank, int64_t *first, int64_t *count) {
  int64_t each = total / size, left = total % size;
  *first = rank * each + (rank < left ? rank : left);
  *count = each + (rank < left ? 1 : 0);
}
