/* What is called of BLACS, PBLAS and ScaLAPACK; neither installs a header for C.
 *
 * Sources: ScaLAPACK Users' Guide (SIAM 1997, netlib.org/scalapack/slug), the BLACS reference (netlib.org/blacs), and
 * the routines themselves (ScaLAPACK 2.2). Integers are C's int, matrices are column after column, indices count from
 * 1, a descriptor is {1, context, rows, columns, block rows, block columns, 0, 0, leading dimension}. Fortran's
 * routines are given the lengths of their texts as last arguments, as gfortran and those that follow it expect.
 *
 * All of them but openblas_set_num_threads() and blacs handles are collective over the context.
 */
#ifndef HGN_ANALYSIS_SCALAPACK_H
#define HGN_ANALYSIS_SCALAPACK_H

#include <mpi.h>
#include <stddef.h>

/* BLACS, whose C interface is prefixed with C. */
int Csys2blacs_handle(MPI_Comm comm);
void Cfree_blacs_system_handle(int handle);
void Cblacs_gridinit(int *context, const char *order, int rows, int columns); /* *context: first a system handle */
void Cblacs_gridinfo(int context, int *rows, int *columns, int *row, int *column);
void Cblacs_gridexit(int context);

/* Redistribution. The last context holds all ranks of both matrices; of 1 x P it need not make one of its own. */
void pdgemr2d_(const int *rows, const int *columns, const double *from, const int *from_row, const int *from_column,
               const int *from_descriptor, double *to, const int *to_row, const int *to_column,
               const int *to_descriptor, const int *context);

/* PBLAS, in C. */
void pdgemm_(const char *transpose_a, const char *transpose_b, const int *rows, const int *columns, const int *inner,
             const double *alpha, const double *a, const int *a_row, const int *a_column, const int *a_descriptor,
             const double *b, const int *b_row, const int *b_column, const int *b_descriptor, const double *beta,
             double *c, const int *c_row, const int *c_column, const int *c_descriptor);
void pdsyrk_(const char *triangle, const char *transpose, const int *size, const int *inner, const double *alpha,
             const double *a, const int *a_row, const int *a_column, const int *a_descriptor, const double *beta,
             double *c, const int *c_row, const int *c_column, const int *c_descriptor);
void pdtran_(const int *rows, const int *columns, const double *alpha, const double *a, const int *a_row,
             const int *a_column, const int *a_descriptor, const double *beta, double *c, const int *c_row,
             const int *c_column, const int *c_descriptor);

/* ScaLAPACK. lwork -1: only says in work[0] how much it wants. */
void pdgeqrf_(const int *rows, const int *columns, double *a, const int *a_row, const int *a_column,
              const int *a_descriptor, double *tau, double *work, const int *lwork, int *info);
void pdsyevd_(const char *job, const char *triangle, const int *size, double *a, const int *a_row, const int *a_column,
              const int *a_descriptor, double *values, double *z, const int *z_row, const int *z_column,
              const int *z_descriptor, double *work, const int *lwork, int *iwork, const int *liwork, int *info,
              size_t job_length, size_t triangle_length);
void pdgesvd_(const char *job_u, const char *job_vt, const int *rows, const int *columns, double *a, const int *a_row,
              const int *a_column, const int *a_descriptor, double *values, double *u, const int *u_row,
              const int *u_column, const int *u_descriptor, double *vt, const int *vt_row, const int *vt_column,
              const int *vt_descriptor, double *work, const int *lwork, int *info, size_t job_u_length,
              size_t job_vt_length);
void pdgels_(const char *transpose, const int *rows, const int *columns, const int *right_sides, double *a,
             const int *a_row, const int *a_column, const int *a_descriptor, double *b, const int *b_row,
             const int *b_column, const int *b_descriptor, double *work, const int *lwork, int *info,
             size_t transpose_length);

/* LAPACK, of one rank alone. */
void dgeev_(const char *job_left, const char *job_right, const int *size, double *a, const int *leading, double *real,
            double *imaginary, double *left, const int *left_leading, double *right, const int *right_leading,
            double *work, const int *lwork, int *info, size_t job_left_length, size_t job_right_length);

/* OpenBLAS. */
void openblas_set_num_threads(int threads);

#endif
