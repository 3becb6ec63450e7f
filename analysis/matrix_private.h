/* Private to matrix*.c: memory that is accounted for, and what routines say of their ends. */
#ifndef HGN_ANALYSIS_MATRIX_PRIVATE_H
#define HGN_ANALYSIS_MATRIX_PRIVATE_H

#include "analysis/matrix.h"

#include <stddef.h>

/* What memory is for: a matrix, whose part of a rank is known for any number of ranks; work on one, which is shared out
 * evenly; moving one, which takes the same of a rank with any number of ranks. */
enum matrix_use { MATRIX_ITSELF, MATRIX_WORK, MATRIX_MOVING };

/* Collective. Zeroed memory of this many bytes, which may differ between ranks, for a matrix of rows x columns. On
 * failure *memory is NULL on all ranks. */
enum status matrix_take(struct grid *grid, enum matrix_use use, int64_t rows, int64_t columns, int64_t bytes,
                        void **memory);
/* Not collective. Its end; `memory` may be NULL. */
void matrix_give(struct grid *grid, enum matrix_use use, void *memory, int64_t bytes);

/* Not collective. Which row or column of the matrix a local one is. */
static inline int64_t matrix_row(const struct matrix *m, int64_t local) {
  return grid_index(local, m->grid->block, m->grid->row, m->grid->rows);
}
static inline int64_t matrix_column(const struct matrix *m, int64_t local) {
  return grid_index(local, m->grid->block, m->grid->column, m->grid->columns);
}

#endif
