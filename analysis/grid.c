#include "analysis/grid.h"

#include "analysis/scalapack.h"

#include <limits.h>
#include <stdbool.h>

void grid_shape(int ranks, int *rows, int *columns) {
  *columns = 1;
  for (int c = 2; c <= ranks / c; c++)
    if (ranks % c == 0) *columns = c;
  *rows = ranks / *columns;
}

int64_t grid_share(int64_t total, int64_t block, int place, int places) {
  const int64_t blocks = total / block, extra = blocks % places, whole = blocks / places * block;
  return whole + (place < extra ? block : place == extra ? total % block : 0);
}

/* BLACS copies the communicator; the handle is of no use afterwards. */
static int open_context(const struct comm *comm, int rows, int columns) {
  const int handle = Csys2blacs_handle(comm->mpi);
  int context = handle;
  Cblacs_gridinit(&context, "Row", rows, columns);
  Cfree_blacs_system_handle(handle);
  return context;
}

enum status grid_open(const struct comm *comm, int64_t block, int64_t memory, struct grid *grid) {
  *grid = (struct grid){.comm = NULL};
  REQUIRE(block >= 1 && block <= INT_MAX && memory >= 0, STATUS_ARGUMENT, "grid_open: blocks of %lld, %lld bytes",
          (long long)block, (long long)memory);
  struct grid made = {.comm = comm, .block = block, .memory = memory};
  int rows, columns;
  grid_shape(comm->size, &rows, &columns);
  openblas_set_num_threads(1);
  made.context = open_context(comm, rows, columns);
  made.rows_context = open_context(comm, comm->size, 1);
  made.line_context = open_context(comm, 1, comm->size);
  Cblacs_gridinfo(made.context, &made.rows, &made.columns, &made.row, &made.column);
  const bool fits = made.rows == rows && made.columns == columns;
  TRY(comm_agree(comm, fits ? STATUS_OK : status_raise(STATUS_MPI, "BLACS made no grid of %d x %d", rows, columns)));
  *grid = made;
  return STATUS_OK;
}

void grid_close(struct grid *grid) {
  if (grid->comm) {
    Cblacs_gridexit(grid->line_context);
    Cblacs_gridexit(grid->rows_context);
    Cblacs_gridexit(grid->context);
  }
  *grid = (struct grid){.comm = NULL};
}
