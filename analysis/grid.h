/* Ranks as a grid, on which ScaLAPACK spreads matrices (BLACS).
 *
 * P ranks form a grid of R x C = P, as near to a square as P allows, R >= C since what is analysed is tall. A second
 * grid of P x 1, of the same ranks in the same order, is where rows come from and go to (matrix.h); a third of 1 x P is
 * what the routine that moves them between the two wants.
 *
 * Failures, alike on all ranks: STATUS_ARGUMENT, STATUS_MPI. BLACS itself ends the process where MPI fails.
 */
#ifndef HGN_ANALYSIS_GRID_H
#define HGN_ANALYSIS_GRID_H

#include "comm/comm.h"

struct grid {
  const struct comm *comm;                 /* borrowed */
  int context, rows_context, line_context; /* BLACS contexts: R x C, P x 1 and 1 x P */
  int rows, columns, row, column;          /* R, C, and this rank's place */
  int64_t block;                           /* rows and columns of a block of the matrices on it */
  int64_t memory;                          /* bytes that the matrices of one rank may take together; 0: no limit */
  int64_t taken;                           /* bytes that this rank's matrices take, work space included */
  int64_t fixed;                           /* of these, what more ranks would not make less */
};

/* Collective. block, memory: as above. OpenBLAS is told to use one thread a rank from here on, in this process: it is
 * ranks that fill the cores. */
enum status grid_open(const struct comm *comm, int64_t block, int64_t memory, struct grid *grid);
/* Collective. Accepts one that is zeroed. Its matrices are freed before. */
void grid_close(struct grid *grid);

/* Not collective. R x C of so many ranks. */
void grid_shape(int ranks, int *rows, int *columns);

/* Not collective. How many of `total` rows (columns), dealt out in blocks to `places`, are those of one place; and
 * which of all is the one that counts `local` there. */
int64_t grid_share(int64_t total, int64_t block, int place, int places);
static inline int64_t grid_index(int64_t local, int64_t block, int place, int places) {
  return (local / block * places + place) * block + local % block;
}

#endif
