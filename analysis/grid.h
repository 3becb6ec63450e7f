/* Ranks as a grid, on which ScaLAPACK spreads matrices (BLACS).
 *
 * P ranks form a grid of R x C = P, as near to a square as P allows, R >= C since what is analysed is tall. A second
 * grid of P x 1, of the same ranks in the same order, is where rows come from and go to (matrix.h).
 */
#ifndef HGN_ANALYSIS_GRID_H
#define HGN_ANALYSIS_GRID_H

#include "comm/comm.h"

struct grid {
  const struct comm *comm;        /* borrowed */
  int context, rows_context;      /* BLACS contexts: R x C, and P x 1 */
  int rows, columns, row, column; /* R, C, and this rank's place */
  int64_t block;                  /* rows and columns of a block of the matrices on it */
  int64_t memory;                 /* bytes that the matrices of one rank may take together; 0: no limit */
  int64_t taken;                  /* bytes that this rank's matrices take */
};

/* Collective. block, memory: as above. */
enum status grid_open(const struct comm *comm, int64_t block, int64_t memory, struct grid *grid);
/* Collective. Accepts one that is zeroed. */
void grid_close(struct grid *grid);

#endif
