/* Small dense matrices in f64 whose results decide bits: what a method that learns chooses next follows from them.
 *
 * LAPACK picks the order of its sums by processor, so its last bits are not ours to promise. Here every sum has one
 * written order, and only + - * / and sqrt are used:
 *
 *   matrix_dot        eight partial sums s_k of the terms i = k modulo 8, each ascending, then
 *                     ((s_0 + s_4) + (s_2 + s_6)) + ((s_1 + s_5) + (s_3 + s_7))
 *   matrix_factor_row L_ij = (a_j - dot(L_i, L_j; j terms)) / L_jj, j ascending; L_ii = sqrt(a_i - dot(L_i, L_i))
 *   matrix_forward    x_i = (b_i - dot(L_i, x; i terms)) / L_ii, i ascending
 *   matrix_backward   i descending: x_i = b_i / L_ii, then b_j -= L_ij x_i for all j < i
 *   matrix_panel      right sides side by side, each by itself: b - L_i0 x_0 - L_i1 x_1 - ..., one term after the other
 *
 * A factor L of A = L L^T is its lower triangle, row after row without gaps: row i begins at matrix_triangle(i). A row
 * needs the rows above it alone, so a row that is appended has the bits that it has in the factor of the whole.
 *
 * All functions: Not collective.
 */
#ifndef HGN_BASE_MATRIX_H
#define HGN_BASE_MATRIX_H

#include <stdbool.h>
#include <stdint.h>

enum { MATRIX_PANEL = 16 }; /* right sides of a panel */

/* Numbers in the rows before row `row` of a lower triangle. */
static inline int64_t matrix_triangle(int64_t row) { return row * (row + 1) / 2; }

double matrix_dot(int64_t count, const double *a, const double *b);

/* Row `row` of the factor from a[row + 1], that row of A. The square of the pivot is raised to `least` where it is
 * below it (of K + noise I it never is, but for rounding, below the noise); false, and the row is of no use, when it is
 * not above 0 even so. `a` may be the row itself. */
bool matrix_factor_row(double *factor, int64_t row, const double *a, double least);

/* Solves L x = b and L^T x = b in place. */
void matrix_forward(const double *factor, int64_t rows, double *x);
void matrix_backward(const double *factor, int64_t rows, double *x);

/* Solves L X = B in place, rows first..rows-1 of panel[rows][MATRIX_PANEL]; those before are solved already. */
void matrix_panel(const double *factor, int64_t first, int64_t rows, double *panel);

/* The inverse of L L^T, as a full symmetric inverse[rows][rows]; work[rows][rows]. Column a of L^-1 is that of
 * matrix_forward, with sums from i = a on; inverse_ab = dot of columns a and b from the larger of a and b on. */
void matrix_inverse(const double *factor, int64_t rows, double *inverse, double *work);

/* Eigenvalues, ascending, and eigenvectors, vector[k][size] that of value[k], of a symmetric a[size][size], which is
 * destroyed. Jacobi's method (Golub and Van Loan, Matrix Computations, section 8.5), row by row through the upper
 * triangle, until the sum of squares off the diagonal is 0 or at most 2^-104 of that on it, at most 60 times. Of equal
 * values the earlier column first; of a vector the first of the largest numbers in size is positive. */
void matrix_jacobi(int size, double *a, double *value, double *vector);

#endif
