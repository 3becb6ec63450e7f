#include "analysis/matrix_private.h"
#include "analysis/scalapack.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const int ONE = 1, QUERY = -1;

/* ---- What goes in, and what comes out ---- */

/* By the bits of the exponent: such a loop vectorises. */
static bool all_finite(const double *value, int64_t count) {
  const uint64_t exponent = UINT64_C(0x7ff0000000000000);
  uint64_t bad = 0;
  for (int64_t i = 0; i < count; i++) {
    uint64_t bits;
    memcpy(&bits, &value[i], sizeof bits);
    bad |= (bits & exponent) == exponent;
  }
  return bad == 0;
}

/* Collective. Some iterations of LAPACK do not end where there is a NaN. */
static enum status require_finite(const struct matrix *m, const char *routine) {
  enum status status = STATUS_OK;
  const int64_t suspects = all_finite(m->local, m->local_rows * m->local_columns) ? 0 : m->local_columns;
  for (int64_t j = 0; j < suspects && status == STATUS_OK; j++)
    for (int64_t i = 0; i < m->local_rows && status == STATUS_OK; i++)
      if (!isfinite(m->local[j * m->local_rows + i]))
        status = status_raise(STATUS_NUMERIC, "%s: column %lld of a matrix of %lld x %lld has %g in it", routine,
                              (long long)matrix_column(m, j), (long long)m->rows, (long long)m->columns,
                              m->local[j * m->local_rows + i]);
  return comm_agree(m->grid->comm, status);
}

/* Collective. info < 0: -i of argument i, or -(100 i + j) of entry j of a descriptor, argument i. */
static enum status check_info(const struct grid *grid, const char *routine, int info, const char *meaning) {
  enum status status = STATUS_OK;
  const int argument = info <= -100 ? -info / 100 : -info;
  if (info <= -100)
    status = status_raise(STATUS_ARGUMENT, "%s: argument %d has an illegal value in entry %d", routine, argument,
                          -info % 100);
  else if (info < 0)
    status = status_raise(STATUS_ARGUMENT, "%s: argument %d has an illegal value", routine, argument);
  else if (info > 0)
    status = status_raise(STATUS_NUMERIC, "%s: %s (info %d)", routine, meaning, info);
  return comm_agree(grid->comm, status);
}

/* Collective. The root's values on all ranks, which on unlike processors may have come to others; all finite. */
static enum status share_values(const struct grid *grid, const char *routine, double *values, int64_t count) {
  TRY(comm_broadcast(grid->comm, values, count * (int64_t)sizeof *values));
  for (int64_t i = 0; i < count; i++)
    REQUIRE(isfinite(values[i]), STATUS_NUMERIC, "%s: value %lld is %g", routine, (long long)i, values[i]);
  return STATUS_OK;
}

/* ---- Work space ---- */

struct work {
  struct grid *grid;
  double *numbers; /* [count] */
  int *integers;   /* behind them */
  int count;
  int64_t bytes;
};

/* Collective. `wanted` is what the routine says, `slack` what it forgets; `integers` and `numbers` beside. */
static enum status work_open(const struct matrix *m, const char *routine, double wanted, int64_t slack,
                             int64_t integers, struct work *work) {
  enum status status = STATUS_OK;
  *work = (struct work){.grid = m->grid};
  /* Routines count their work space with an int, which may have wrapped round. */
  if (!(wanted >= 1 && wanted + (double)slack <= INT_MAX))
    status =
        status_raise(STATUS_UNAVAILABLE,
                     "%s: work on a matrix of %lld x %lld on %d ranks takes more of a rank than ScaLAPACK can count",
                     routine, (long long)m->rows, (long long)m->columns, m->grid->comm->size);
  TRY(comm_agree(m->grid->comm, status));
  work->count = (int)((int64_t)wanted + slack);
  work->bytes = (int64_t)sizeof(double) * work->count + (int64_t)sizeof(int) * integers;
  void *memory;
  TRY(matrix_take(m->grid, MATRIX_WORK, m->rows, m->columns, work->bytes, &memory));
  work->numbers = memory;
  work->integers = (int *)(void *)(work->numbers + work->count);
  return STATUS_OK;
}

static void work_close(struct work *work) {
  if (work->grid) matrix_give(work->grid, MATRIX_WORK, work->numbers, work->bytes);
}

/* The largest part of a rank: what routines want differs between ranks, and what they forget is small. */
static int64_t most_rows(const struct matrix *m) { return grid_share(m->rows, m->grid->block, 0, m->grid->rows); }
static int64_t most_columns(const struct matrix *m) {
  return grid_share(m->columns, m->grid->block, 0, m->grid->columns);
}

/* What may be missing in an answer about work space, from what routines do inside: pdlasrt, which sorts eigenvectors
 * for pdsyevd, needs rows * (block + columns) of a rank (ScaLAPACK issue 74); pdormtr and pdormbr, which apply
 * reflectors, need block * (rows + columns + block), and pdsyevd does not look at what they say when it is too little.
 * See also CP2K's pull request 2033. */
static int64_t slack_of(const struct matrix *m) {
  const int64_t r = most_rows(m), c = most_columns(m), b = m->grid->block;
  return 2 * (m->rows < m->columns ? m->rows : m->columns) + r * (b + c) + b * (r + c + 2 * b) + 64;
}

/* ---- Factorisations ---- */

/* R lies in A's upper triangle, and its entries on the ranks and in the places that they have in R by itself. */
static void take_upper(const struct matrix *a, struct matrix *triangle) {
  for (int64_t j = 0; j < triangle->local_columns; j++)
    for (int64_t i = 0; i < triangle->local_rows; i++)
      if (matrix_row(a, i) <= matrix_column(a, j))
        triangle->local[j * triangle->local_rows + i] = a->local[j * a->local_rows + i];
}

enum status matrix_triangle(struct matrix *a, struct matrix *triangle) {
  *triangle = (struct matrix){.grid = NULL};
  TRY(require_finite(a, "pdgeqrf"));
  const int m = (int)a->rows, n = (int)a->columns, least = m < n ? m : n;
  int info = 0;
  double wanted = 0, none = 0;
  pdgeqrf_(&m, &n, a->local, &ONE, &ONE, a->descriptor, &none, &wanted, &QUERY, &info);
  TRY(check_info(a->grid, "pdgeqrf", info, ""));
  struct work work;
  const int64_t tau = most_columns(a);
  TRY(work_open(a, "pdgeqrf", wanted, tau, 0, &work));
  const int lwork = work.count - (int)tau;
  pdgeqrf_(&m, &n, a->local, &ONE, &ONE, a->descriptor, work.numbers + lwork, work.numbers, &lwork, &info);
  work_close(&work);
  TRY(check_info(a->grid, "pdgeqrf", info, ""));
  TRY(matrix_create(a->grid, least, n, triangle));
  take_upper(a, triangle);
  return STATUS_OK;
}

/* Of -A, so that eigenvalues that rise fall. */
static enum status decompose(struct matrix *a, double *values, struct matrix *vectors) {
  const int n = (int)a->rows;
  int info = 0, integers = 0;
  double wanted = 0;
  pdsyevd_("V", "U", &n, a->local, &ONE, &ONE, a->descriptor, values, vectors->local, &ONE, &ONE, vectors->descriptor,
           &wanted, &QUERY, &integers, &QUERY, &info, 1, 1);
  TRY(check_info(a->grid, "pdsyevd", info, ""));
  struct work work;
  const int liwork = integers + n;
  TRY(work_open(a, "pdsyevd", wanted, slack_of(a), liwork, &work));
  for (int64_t i = 0; i < a->local_rows * a->local_columns; i++) a->local[i] = -a->local[i];
  pdsyevd_("V", "U", &n, a->local, &ONE, &ONE, a->descriptor, values, vectors->local, &ONE, &ONE, vectors->descriptor,
           work.numbers, &work.count, work.integers, &liwork, &info, 1, 1);
  work_close(&work);
  TRY(check_info(a->grid, "pdsyevd", info, "an eigenvalue was not found"));
  for (int i = 0; i < n; i++) values[i] = 0 - values[i];
  return share_values(a->grid, "pdsyevd", values, n);
}

enum status matrix_eigen(struct matrix *a, double *values, struct matrix *vectors) {
  struct matrix own;
  if (!vectors) vectors = &own;
  *vectors = (struct matrix){.grid = NULL};
  REQUIRE(a->rows == a->columns, STATUS_ARGUMENT, "eigenvalues of a matrix of %lld x %lld", (long long)a->rows,
          (long long)a->columns);
  TRY(require_finite(a, "pdsyevd"));
  TRY(matrix_create(a->grid, a->rows, a->rows, vectors));
  enum status status = decompose(a, values, vectors);
  if (status != STATUS_OK || vectors == &own) matrix_free(vectors);
  return status;
}

/* Collective. pdgesvd compares the ranks' values bit by bit; info is min(rows, columns) + 1 where they differ. They do
 * with fewer columns than ranks, for a rank without a column of V^T asks dbdsqr for values alone, which then takes
 * another algorithm. So the question here is whether they differ by more than rounding. */
static enum status check_singular(const struct matrix *a, int info, const double *values, int64_t count) {
  if (info <= count) return check_info(a->grid, "pdgesvd", info, "its iteration has not converged");
  enum status status = STATUS_OK;
  double *root = malloc((size_t)count * sizeof *root);
  if (!root) status = status_raise(STATUS_MEMORY, "out of memory for singular values");
  status = comm_agree(a->grid->comm, status);
  if (status == STATUS_OK) {
    memcpy(root, values, (size_t)count * sizeof *root);
    status = comm_broadcast(a->grid->comm, root, count * (int64_t)sizeof *root);
  }
  for (int64_t i = 0; i < count && status == STATUS_OK; i++)
    if (!(fabs(root[i] - values[i]) <= 64 * DBL_EPSILON * (double)count * root[0]))
      status = status_raise(STATUS_NUMERIC, "pdgesvd: singular value %lld is %.17g on one rank and %.17g on another",
                            (long long)i, root[i], values[i]);
  free(root);
  return comm_agree(a->grid->comm, status);
}

/* Collective. The sum of squares, relative to `scale`, the largest entry. */
static enum status sum_squares(const struct matrix *m, double *scale, double *sum) {
  const int64_t count = m->local_rows * m->local_columns;
  double largest = 0, squares = 0;
  for (int64_t i = 0; i < count; i++) largest = fmax(largest, fabs(m->local[i]));
  enum status status =
      comm_check(MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_DOUBLE, MPI_MAX, m->grid->comm->mpi), "MPI_Allreduce");
  for (int64_t i = 0; i < count && largest > 0; i++) squares += m->local[i] / largest * (m->local[i] / largest);
  const enum status added =
      comm_check(MPI_Allreduce(MPI_IN_PLACE, &squares, 1, MPI_DOUBLE, MPI_SUM, m->grid->comm->mpi), "MPI_Allreduce");
  *scale = largest;
  *sum = squares;
  return comm_agree(m->grid->comm, status != STATUS_OK ? status : added);
}

/* Not collective. Squares of singular values sum up to those of the entries. Where vectors are wanted, pdgesvd forgets
 * the info of the iteration that finds them; values that have not converged miss some of the sum. */
static enum status check_sum(const double *values, int64_t count, double scale, double sum) {
  double squares = 0;
  for (int64_t i = 0; i < count && scale > 0; i++) squares += values[i] / scale * (values[i] / scale);
  REQUIRE(fabs(squares - sum) <= 1e-9 * sum, STATUS_NUMERIC,
          "pdgesvd: its iteration has not converged: the squares of singular values sum up to %.17g of the entries'",
          squares / sum);
  return STATUS_OK;
}

/* transposed: V^T of A = U S V^T, or NULL. */
static enum status decompose_singular(struct matrix *a, double *values, struct matrix *transposed) {
  const int m = (int)a->rows, n = (int)a->columns, least = m < n ? m : n;
  const char *job = transposed ? "V" : "N";
  const struct matrix *vt = transposed ? transposed : a;
  int info = 0;
  double wanted = 0, none = 0, scale, sum;
  double *vt_local = transposed ? transposed->local : &none;
  TRY(sum_squares(a, &scale, &sum));
  pdgesvd_("N", job, &m, &n, a->local, &ONE, &ONE, a->descriptor, values, &none, &ONE, &ONE, a->descriptor, vt_local,
           &ONE, &ONE, vt->descriptor, &wanted, &QUERY, &info, 1, 1);
  TRY(check_info(a->grid, "pdgesvd", info, ""));
  struct work work;
  TRY(work_open(a, "pdgesvd", wanted, slack_of(a), 0, &work));
  pdgesvd_("N", job, &m, &n, a->local, &ONE, &ONE, a->descriptor, values, &none, &ONE, &ONE, a->descriptor, vt_local,
           &ONE, &ONE, vt->descriptor, work.numbers, &work.count, &info, 1, 1);
  work_close(&work);
  TRY(check_singular(a, info, values, least));
  TRY(share_values(a->grid, "pdgesvd", values, least));
  return check_sum(values, least, scale, sum);
}

static void transpose(const struct matrix *from, struct matrix *to) {
  const int m = (int)to->rows, n = (int)to->columns;
  const double unit = 1, nothing = 0;
  pdtran_(&m, &n, &unit, from->local, &ONE, &ONE, from->descriptor, &nothing, to->local, &ONE, &ONE, to->descriptor);
}

enum status matrix_singular(struct matrix *a, double *values, struct matrix *right) {
  if (right) *right = (struct matrix){.grid = NULL};
  TRY(require_finite(a, "pdgesvd"));
  if (!right) return decompose_singular(a, values, NULL);
  const int64_t least = a->rows < a->columns ? a->rows : a->columns;
  struct matrix transposed;
  TRY(matrix_create(a->grid, least, a->columns, &transposed));
  enum status status = decompose_singular(a, values, &transposed);
  if (status == STATUS_OK) status = matrix_create(a->grid, a->columns, least, right);
  if (status == STATUS_OK) transpose(&transposed, right);
  matrix_free(&transposed);
  return status;
}

/* ---- Least squares ---- */

/* Collective. Of R in A: a column that depends on those before it has nothing but rounding on the diagonal. (That R may
 * be near to singular without it, Golub and Van Loan, section 5.5, shows in the size of the solution.) */
static enum status require_rank(const struct matrix *a) {
  const int64_t n = a->columns;
  double *size = calloc((size_t)(2 * n), sizeof *size), *diagonal = size + n; /* largest of a column, and |R_jj| */
  TRY(comm_agree(a->grid->comm, size ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory for a diagonal")));
  for (int64_t j = 0; j < a->local_columns; j++)
    for (int64_t i = 0; i < a->local_rows; i++) {
      const int64_t row = matrix_row(a, i), column = matrix_column(a, j);
      const double here = fabs(a->local[j * a->local_rows + i]);
      if (row <= column && here > size[column]) size[column] = here;
      if (row == column && here > 0) diagonal[column] = here;
    }
  enum status status = comm_check(
      MPI_Allreduce(MPI_IN_PLACE, size, (int)(2 * n), MPI_DOUBLE, MPI_MAX, a->grid->comm->mpi), "MPI_Allreduce");
  for (int64_t j = 0; j < n && status == STATUS_OK; j++)
    if (!(diagonal[j] > 4 * DBL_EPSILON * (double)n * size[j]))
      status =
          status_raise(STATUS_NUMERIC,
                       "pdgels: column %lld of %lld depends on those before it, of its length of %.3g only %.3g is "
                       "its own",
                       (long long)j, (long long)n, size[j], diagonal[j]);
  free(size);
  return comm_agree(a->grid->comm, status);
}

/* Collective. Of the first rows, which are X. */
static enum status require_solution(const struct matrix *b, int64_t rows) {
  enum status status = STATUS_OK;
  for (int64_t j = 0; j < b->local_columns && status == STATUS_OK; j++)
    for (int64_t i = 0; i < b->local_rows && matrix_row(b, i) < rows && status == STATUS_OK; i++)
      if (!isfinite(b->local[j * b->local_rows + i]))
        status =
            status_raise(STATUS_NUMERIC, "pdgels: coefficient %lld of solution %lld is %g", (long long)matrix_row(b, i),
                         (long long)matrix_column(b, j), b->local[j * b->local_rows + i]);
  return comm_agree(b->grid->comm, status);
}

enum status matrix_least_squares(struct matrix *a, struct matrix *b) {
  REQUIRE(a->rows >= a->columns && a->rows == b->rows && a->grid == b->grid, STATUS_ARGUMENT,
          "least squares of %lld x %lld and right sides of %lld x %lld", (long long)a->rows, (long long)a->columns,
          (long long)b->rows, (long long)b->columns);
  TRY(require_finite(a, "pdgels"));
  TRY(require_finite(b, "pdgels"));
  const int m = (int)a->rows, n = (int)a->columns, sides = (int)b->columns;
  int info = 0;
  double wanted = 0;
  pdgels_("N", &m, &n, &sides, a->local, &ONE, &ONE, a->descriptor, b->local, &ONE, &ONE, b->descriptor, &wanted,
          &QUERY, &info, 1);
  TRY(check_info(a->grid, "pdgels", info, ""));
  struct work work;
  const int64_t block = a->grid->block;
  TRY(work_open(a, "pdgels", wanted, most_columns(a) + block * (most_columns(b) + block), 0, &work));
  pdgels_("N", &m, &n, &sides, a->local, &ONE, &ONE, a->descriptor, b->local, &ONE, &ONE, b->descriptor, work.numbers,
          &work.count, &info, 1);
  work_close(&work);
  TRY(check_info(a->grid, "pdgels", info, "R is singular"));
  TRY(require_rank(a));
  return require_solution(b, a->columns);
}
