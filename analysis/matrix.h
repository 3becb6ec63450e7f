/* Dense matrices in f64, block-cyclic over a grid of ranks, and what ScaLAPACK does with them.
 *
 * Rows are observations (frames of rollouts), columns are what was observed; both count from 0. A tall matrix is never
 * on one rank: each rank makes the rows that it has computed (a shard), and they are redistributed into blocks. Shards
 * may differ in length; rows of zeros fill them up to the longest, and to whole blocks, so a matrix has `rows` >= the
 * rows that were given, in an order that depends on the number of ranks. Nothing that is done here depends on the order
 * of rows, and rows of zeros add nothing to A^T A, to R of A = Q R, to singular values, or to a least squares solution;
 * who subtracts means does so on the shard.
 *
 * Results agree between numbers of ranks to rounding (some 1e-12 of the largest), not to the bit: LAPACK's sums depend
 * on block sizes, grids and processors. This is the only part of hgn that is exempt from the promise of equal bits.
 *
 * Failures, alike on all ranks: STATUS_MEMORY where a rank's matrices, with work space and what moving takes, would
 * take more than grid->memory, with the number of ranks on which they would not, or where there is no memory;
 * STATUS_UNAVAILABLE where rows, columns, the numbers of a rank or work space are more than ScaLAPACK's 32 bits count;
 * STATUS_NUMERIC with the routine's name and what is wrong with what goes in or comes out; STATUS_ARGUMENT (a defect),
 * with the routine and the argument; STATUS_MPI. Matrices that a function creates are zeroed when it fails.
 *
 * Beyond the limits ScaLAPACK itself ends the process: without memory within pdgemr2d, and where MPI fails in BLACS.
 */
#ifndef HGN_ANALYSIS_MATRIX_H
#define HGN_ANALYSIS_MATRIX_H

#include "analysis/grid.h"

#include <stdint.h>

struct matrix {
  struct grid *grid; /* borrowed; NULL when closed */
  int64_t rows, columns;
  int64_t local_rows, local_columns; /* of this rank */
  double *local;                     /* [local_columns][local_rows]; owned */
  int descriptor[9];
};

/* Collective. Of zeros. Freed with matrix_free(), which accepts one that is zeroed (not collective). */
enum status matrix_create(struct grid *grid, int64_t rows, int64_t columns, struct matrix *matrix);
void matrix_free(struct matrix *matrix);

/* Collective. Creates a matrix of all ranks' shards, shard[columns][count], column after column; count, which may be 0
 * on some ranks, is this rank's number of rows. */
enum status matrix_from_shards(struct grid *grid, const double *shard, int64_t count, int64_t columns,
                               struct matrix *matrix);
/* Collective. The way back: the rows of a matrix that matrix_from_shards() has made of shards of these counts, or of
 * one that was computed from it row by row (matrix_multiply() from the right). shard[columns][count]. */
enum status matrix_to_shards(const struct matrix *matrix, int64_t count, double *shard);

/* Collective. Creates a matrix of values[columns][rows], column after column, which all ranks have alike (small ones:
 * axes, coefficients); and the way back, onto all ranks. */
enum status matrix_from_values(struct grid *grid, const double *values, int64_t rows, int64_t columns,
                               struct matrix *matrix);
enum status matrix_values(const struct matrix *matrix, double *values);

/* Collective. Copies rows x columns entries of `from`, from (from_row, from_column) on, into `to` (pdgemr2d). */
enum status matrix_copy(const struct matrix *from, int64_t from_row, int64_t from_column, int64_t rows, int64_t columns,
                        struct matrix *to, int64_t to_row, int64_t to_column);

/* Collective. Creates A B (pdgemm), or A^T A, both triangles of it (pdsyrk). */
enum status matrix_multiply(const struct matrix *a, const struct matrix *b, struct matrix *product);
enum status matrix_gram(const struct matrix *a, struct matrix *gram);

/* Collective. R of A = Q R with min(rows, columns) rows (pdgeqrf), into a new matrix; A is lost. R^T R = A^T A, so it
 * stands for A in whatever depends on products of columns alone: its singular values are A's, and |A x| = |R x|. */
enum status matrix_triangle(struct matrix *a, struct matrix *triangle);

/* Collective. Eigenvalues of a symmetric matrix, falling, values[rows], on all ranks, and its eigenvectors as columns
 * of a new matrix, or none where it is NULL (pdsyevd, which makes them all the same). A is lost. */
enum status matrix_eigen(struct matrix *a, double *values, struct matrix *vectors);

/* Collective. Singular values, falling, values[min(rows, columns)], on all ranks, and right singular vectors as columns
 * of a new matrix of `columns` rows, or none where it is NULL (pdgesvd). A is lost. */
enum status matrix_singular(struct matrix *a, double *values, struct matrix *right);

/* Collective. min |A X - B| by column of B; the first A.columns rows of B become X (pdgels). A has at least as many
 * rows as columns and full rank: where it may not have, the caller appends rows that make it so (ridge). A is lost.
 * STATUS_NUMERIC where a column depends on those before it, to rounding. */
enum status matrix_least_squares(struct matrix *a, struct matrix *b);

#endif
