#include "cli/bench_analyze.h"

#include "analysis/matrix.h"
#include "analysis/scalapack.h"
#include "base/log.h"
#include "base/rng.h"
#include "cli/bench_rows.h"
#include "cli/cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 64, SIDES = 8, ROUNDS = 3 };
static const int ONE = 1;
static const double UNIT = 1, NOTHING = 0;

/* LAPACK of one rank; Fortran's, as in scalapack.h. */
void dgeqrf_(const int *rows, const int *columns, double *a, const int *leading, double *tau, double *work,
             const int *lwork, int *info);
void dgesvd_(const char *job_u, const char *job_vt, const int *rows, const int *columns, double *a, const int *leading,
             double *values, double *u, const int *u_leading, double *vt, const int *vt_leading, double *work,
             const int *lwork, int *info, size_t job_u_length, size_t job_vt_length);
void dsyrk_(const char *triangle, const char *transpose, const int *size, const int *inner, const double *alpha,
            const double *a, const int *leading, const double *beta, double *c, const int *c_leading,
            size_t triangle_length, size_t transpose_length);
void dsyevd_(const char *job, const char *triangle, const int *size, double *a, const int *leading, double *values,
             double *work, const int *lwork, int *iwork, const int *liwork, int *info, size_t job_length,
             size_t triangle_length);
void dgels_(const char *transpose, const int *rows, const int *columns, const int *sides, double *a, const int *leading,
            double *b, const int *b_leading, double *work, const int *lwork, int *info, size_t transpose_length);

/* One shape. Two matrices for what ScaLAPACK alone does, since it destroys its own. */
struct bench {
  struct grid *grid;
  int64_t rows, columns, count; /* count: of this rank's shards */
  double *shard, *shard_sides;
  struct matrix a, b, a_kept, b_kept, square, vectors; /* square, vectors: columns x columns */
  double *values, *work;                               /* values[2 columns] */
  int *integers;
  int lwork, liwork;
};

/* Seconds of three ways: ours from shards; ScaLAPACK alone, in place; LAPACK on one rank, 0 where that was not done. */
struct times {
  double ours, bare, alone;
};

static enum status open_bench(struct grid *grid, int64_t rows, int64_t columns, struct bench *bench) {
  int64_t first;
  *bench = (struct bench){.grid = grid, .rows = rows, .columns = columns};
  comm_share(rows, grid->comm->size, grid->comm->rank, &first, &bench->count);
  bench->shard = calloc((size_t)(bench->count * columns + 1), sizeof(double));
  bench->shard_sides = calloc((size_t)(bench->count * SIDES + 1), sizeof(double));
  bench->values = calloc((size_t)(2 * columns), sizeof(double));
  /* Generously: what matters here is time. */
  const int64_t n = columns, local = grid_share(n, BLOCK, 0, grid->rows) * grid_share(n, BLOCK, 0, grid->columns),
                lwork = 4 * n * n + 4 * local + 2 * BLOCK * (rows / grid->rows + n + 4 * BLOCK) + 16 * n;
  REQUIRE(lwork < (1 << 30), STATUS_USAGE, "so many columns are not for this benchmark");
  bench->lwork = (int)lwork;
  bench->liwork = (int)(16 * n) + 64;
  bench->work = calloc((size_t)bench->lwork, sizeof(double));
  bench->integers = calloc((size_t)bench->liwork, sizeof(int));
  enum status status = STATUS_OK;
  if (!bench->shard || !bench->shard_sides || !bench->values || !bench->work || !bench->integers)
    status = status_raise(STATUS_MEMORY, "out of memory for a benchmark of %lld x %lld", (long long)rows,
                          (long long)columns);
  TRY(comm_agree(grid->comm, status));
  for (int64_t j = 0; j < columns + SIDES; j++) {
    struct rng rng = rng_stream(1, RNG_TEST, (uint64_t)(grid->comm->rank * (columns + SIDES) + j), 0);
    rng_normal(&rng, j < columns ? bench->shard + j * bench->count : bench->shard_sides + (j - columns) * bench->count,
               (int)bench->count);
  }
  TRY(matrix_from_shards(grid, bench->shard, bench->count, columns, &bench->a_kept));
  TRY(matrix_from_shards(grid, bench->shard_sides, bench->count, SIDES, &bench->b_kept));
  TRY(matrix_create(grid, bench->a_kept.rows, columns, &bench->a));
  TRY(matrix_create(grid, bench->b_kept.rows, SIDES, &bench->b));
  TRY(matrix_create(grid, columns, columns, &bench->square));
  return matrix_create(grid, columns, columns, &bench->vectors);
}

static void close_bench(struct bench *bench) {
  struct matrix *matrices[] = {&bench->a, &bench->b, &bench->a_kept, &bench->b_kept, &bench->square, &bench->vectors};
  for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++) matrix_free(matrices[i]);
  free(bench->shard);
  free(bench->shard_sides);
  free(bench->values);
  free(bench->work);
  free(bench->integers);
}

static void renew(const struct matrix *kept, struct matrix *m) {
  if (kept->local_rows * kept->local_columns > 0)
    memcpy(m->local, kept->local, (size_t)(kept->local_rows * kept->local_columns) * sizeof(double));
}

static enum status ended(const struct bench *bench, const char *routine, int info) {
  return comm_agree(bench->grid->comm,
                    info == 0 ? STATUS_OK : status_raise(STATUS_NUMERIC, "%s: info %d", routine, info));
}

/* ---- Singular values and right vectors ---- */

static enum status ours_spectrum(struct bench *bench) {
  struct matrix a, triangle = {.grid = NULL}, right = {.grid = NULL};
  TRY(matrix_from_shards(bench->grid, bench->shard, bench->count, bench->columns, &a));
  enum status status = matrix_triangle(&a, &triangle);
  matrix_free(&a);
  if (status == STATUS_OK) status = matrix_singular(&triangle, bench->values, &right);
  matrix_free(&triangle);
  matrix_free(&right);
  return status;
}

/* The upper triangle of `square` is not taken from A here: any square matrix costs the same. */
static enum status bare_spectrum(struct bench *bench) {
  const int m = (int)bench->a.rows, n = (int)bench->columns, lwork = bench->lwork - n;
  int info = 0;
  double none = 0;
  pdgeqrf_(&m, &n, bench->a.local, &ONE, &ONE, bench->a.descriptor, bench->work + lwork, bench->work, &lwork, &info);
  TRY(ended(bench, "pdgeqrf", info));
  for (int64_t j = 0; j < bench->square.local_columns; j++)
    memcpy(bench->square.local + j * bench->square.local_rows, bench->a.local + j * bench->a.local_rows,
           (size_t)bench->square.local_rows * sizeof(double));
  pdgesvd_("N", "V", &n, &n, bench->square.local, &ONE, &ONE, bench->square.descriptor, bench->values, &none, &ONE,
           &ONE, bench->square.descriptor, bench->vectors.local, &ONE, &ONE, bench->vectors.descriptor, bench->work,
           &bench->lwork, &info, 1, 1);
  return ended(bench, "pdgesvd", info > n ? 0 : info);
}

static int alone_spectrum(struct bench *bench, double *a, double *square, double *vectors) {
  const int m = (int)bench->rows, n = (int)bench->columns, lwork = bench->lwork - n;
  int info = 0;
  double none = 0;
  dgeqrf_(&m, &n, a, &m, bench->work + lwork, bench->work, &lwork, &info);
  for (int j = 0; j < n && info == 0; j++) memcpy(square + j * (int64_t)n, a + j * (int64_t)m, (size_t)n * sizeof *a);
  if (info == 0)
    dgesvd_("N", "A", &n, &n, square, &n, bench->values, &none, &n, vectors, &n, bench->work, &bench->lwork, &info, 1,
            1);
  return info;
}

/* ---- Eigenvalues and vectors of A^T A ---- */

static enum status ours_eigen(struct bench *bench) {
  struct matrix a, gram = {.grid = NULL}, vectors = {.grid = NULL};
  TRY(matrix_from_shards(bench->grid, bench->shard, bench->count, bench->columns, &a));
  enum status status = matrix_gram(&a, &gram);
  matrix_free(&a);
  if (status == STATUS_OK) status = matrix_eigen(&gram, bench->values, &vectors);
  matrix_free(&gram);
  matrix_free(&vectors);
  return status;
}

static enum status bare_eigen(struct bench *bench) {
  const int m = (int)bench->a.rows, n = (int)bench->columns;
  int info = 0;
  pdsyrk_("U", "T", &n, &m, &UNIT, bench->a.local, &ONE, &ONE, bench->a.descriptor, &NOTHING, bench->square.local, &ONE,
          &ONE, bench->square.descriptor);
  pdsyevd_("V", "U", &n, bench->square.local, &ONE, &ONE, bench->square.descriptor, bench->values, bench->vectors.local,
           &ONE, &ONE, bench->vectors.descriptor, bench->work, &bench->lwork, bench->integers, &bench->liwork, &info, 1,
           1);
  return ended(bench, "pdsyevd", info);
}

static int alone_eigen(struct bench *bench, double *a, double *square, double *vectors) {
  const int m = (int)bench->rows, n = (int)bench->columns;
  int info = 0;
  (void)vectors;
  dsyrk_("U", "T", &n, &m, &UNIT, a, &m, &NOTHING, square, &n, 1, 1);
  dsyevd_("V", "U", &n, square, &n, bench->values, bench->work, &bench->lwork, bench->integers, &bench->liwork, &info,
          1, 1);
  return info;
}

/* ---- Least squares ---- */

static enum status ours_solve(struct bench *bench) {
  struct matrix a, b = {.grid = NULL};
  TRY(matrix_from_shards(bench->grid, bench->shard, bench->count, bench->columns, &a));
  enum status status = matrix_from_shards(bench->grid, bench->shard_sides, bench->count, SIDES, &b);
  if (status == STATUS_OK) status = matrix_least_squares(&a, &b);
  matrix_free(&a);
  matrix_free(&b);
  return status;
}

static enum status bare_solve(struct bench *bench) {
  const int m = (int)bench->a.rows, n = (int)bench->columns, sides = SIDES;
  int info = 0;
  pdgels_("N", &m, &n, &sides, bench->a.local, &ONE, &ONE, bench->a.descriptor, bench->b.local, &ONE, &ONE,
          bench->b.descriptor, bench->work, &bench->lwork, &info, 1);
  return ended(bench, "pdgels", info);
}

static int alone_solve(struct bench *bench, double *a, double *square, double *vectors) {
  const int m = (int)bench->rows, n = (int)bench->columns, sides = SIDES;
  int info = 0;
  (void)square;
  (void)vectors; /* B lies behind A */
  dgels_("N", &m, &n, &sides, a, &m, a + (int64_t)m * n, &m, bench->work, &bench->lwork, &info, 1);
  return info;
}

/* ---- Times ---- */

/* Multiplications and additions, leading terms in n^3 and m n^2: Golub and Van Loan, Matrix Computations, sections 5.3,
 * 8.3 and 8.6 (QR and the singular values and right vectors of R; A^T A and its eigenvectors; QR and Q^T B). */
static const struct task {
  const char *name;
  enum status (*ours)(struct bench *bench);
  enum status (*bare)(struct bench *bench);
  int (*alone)(struct bench *bench, double *a, double *square, double *vectors);
  double tall, cube, sides; /* times m n^2, n^3, m n SIDES */
} tasks[] = {{"triangle, singular", ours_spectrum, bare_spectrum, alone_spectrum, 2, 11, 0},
             {"gram, eigen", ours_eigen, bare_eigen, alone_eigen, 1, 9, 0},
             {"least squares", ours_solve, bare_solve, alone_solve, 2, -2.0 / 3, 4}};
enum { TASKS = sizeof tasks / sizeof *tasks };

static void keep_least(double *least, double now) {
  if (*least == 0 || now < *least) *least = now;
}

/* Collective. */
static enum status time_all(struct bench *bench, enum status (*run)(struct bench *bench), double *least) {
  const struct comm *comm = bench->grid->comm;
  renew(&bench->a_kept, &bench->a);
  renew(&bench->b_kept, &bench->b);
  TRY(comm_agree(comm, STATUS_OK));
  const double began = log_clock();
  TRY(run(bench));
  TRY(comm_agree(comm, STATUS_OK));
  keep_least(least, log_clock() - began);
  return STATUS_OK;
}

/* Not collective. On one rank, where half of the machine's memory holds what it takes; the numbers are others. */
static enum status time_alone(struct bench *bench, const struct task *task, double *least) {
  const int64_t m = bench->rows, n = bench->columns, tall = m * (n + SIDES), count = tall + 2 * n * n;
  if ((double)count * sizeof(double) > 0.5 * (double)sysconf(_SC_AVPHYS_PAGES) * (double)sysconf(_SC_PAGESIZE))
    return STATUS_OK;
  double *a = malloc((size_t)count * sizeof *a);
  if (!a) return STATUS_OK;
  struct rng rng = rng_stream(1, RNG_TEST, UINT64_MAX, 0);
  for (int64_t at = 0; at < count; at += 4096) rng_normal(&rng, a + at, (int)(count - at < 4096 ? count - at : 4096));
  const double began = log_clock();
  const int info = task->alone(bench, a, a + tall, a + tall + n * n);
  keep_least(least, log_clock() - began);
  free(a);
  return info == 0 ? STATUS_OK : status_raise(STATUS_NUMERIC, "LAPACK: info %d", info);
}

/* Collective. Three ways in turn, so that all see the same machine. */
static enum status time_task(struct bench *bench, const struct task *task, struct times *times) {
  const struct comm *comm = bench->grid->comm;
  *times = (struct times){0, 0, 0};
  for (int round = 0; round < ROUNDS; round++) {
    TRY(time_all(bench, task->ours, &times->ours));
    TRY(time_all(bench, task->bare, &times->bare));
    const enum status status = comm->rank == 0 ? time_alone(bench, task, &times->alone) : STATUS_OK;
    const enum status waited = comm_wait(comm);
    TRY(comm_agree(comm, status != STATUS_OK ? status : waited));
  }
  return STATUS_OK;
}

static enum status run_shape(const struct comm *world, int64_t rows, int64_t columns) {
  struct grid grid;
  struct bench bench;
  TRY(grid_open(world, BLOCK, 0, &grid));
  enum status status = open_bench(&grid, rows, columns, &bench);
  for (int i = 0; i < TASKS && status == STATUS_OK; i++) {
    const struct task *task = &tasks[i];
    const double m = (double)rows, n = (double)columns;
    struct times t;
    status = time_task(&bench, task, &t);
    if (status != STATUS_OK || world->rank != 0) continue;
    const double flops = 1e-9 * (task->tall * m * n * n + task->cube * n * n * n + task->sides * m * n * SIDES);
    printf("%8lld x %-6lld %-20s %9.1f %9.2f %9.2f %8.0f%%", (long long)rows, (long long)columns, task->name,
           1e3 * t.ours, flops / t.ours, flops / t.bare, 100 * t.bare / t.ours);
    bench_row("analyze", "%lld x %lld, %s", (long long)rows, (long long)columns, task->name);
    bench_number("[ms]", 1e3 * t.ours);
    bench_number("[GFLOP/s]", flops / t.ours);
    bench_number("ScaLAPACK alone [GFLOP/s]", flops / t.bare);
    if (t.alone > 0) bench_number("LAPACK on one rank [GFLOP/s]", flops / t.alone);
    if (t.alone > 0)
      printf(" %9.2f %8.2fx\n", flops / t.alone, t.alone / t.ours);
    else
      printf(" %9s %9s\n", "-", "-");
    fflush(stdout);
  }
  close_bench(&bench);
  grid_close(&grid);
  return status;
}

const char bench_analyze_help[] =
    "Usage: mpirun -n N hgn bench analyze [--rows M] [--columns N]\n\n"
    "Linear algebra of tall matrices, whose rows N ranks have between them: singular values and right vectors by way\n"
    "of R, eigenvectors of A^T A, least squares of 8 right sides. Beside ScaLAPACK alone, whose data lie in blocks\n"
    "already, and LAPACK on one rank, where memory is enough for it.\n\n"
    "  --rows M        default: 20000\n"
    "  --columns N     default: 512, then 32\n"
    "  --csv FILE      the numbers for programs too\n";

enum status bench_analyze(const struct comm *world, int argc, char **argv) {
  int64_t rows = 20000, columns = 0;
  const char *csv = NULL;
  const struct cli_option options[] = {{"--rows", NULL, CLI_COUNT_VALUE, &rows},
                                       {"--columns", NULL, CLI_COUNT_VALUE, &columns},
                                       {"--csv", NULL, CLI_TEXT, &csv}};
  struct cli_words words;
  TRY(cli_parse(argc, argv, options, sizeof options / sizeof *options, false, &words));
  const int64_t widest = columns ? columns : 512;
  REQUIRE(rows >= widest && rows <= INT32_MAX / 2 && widest <= 10000, STATUS_USAGE,
          "--rows %lld --columns %lld: a matrix has as many rows as columns or more, and at most 10000 columns",
          (long long)rows, (long long)widest);
  if (world->rank == 0)
    printf("f64, %d rank%s of one thread each, blocks of %d; the fastest of %d. Ours: from rows as ranks have them.\n\n"
           "%17s %-20s %9s %9s %9s %9s %9s %9s\n",
           world->size, world->size == 1 ? "" : "s", (int)BLOCK, (int)ROUNDS, "rows x columns", "what", "ms", "GFLOP/s",
           "ScaLAPACK", "of it", "one rank", "faster");
  TRY(comm_agree(world, world->rank == 0 ? bench_rows_open(csv) : STATUS_OK));
  enum status status = run_shape(world, rows, widest);
  if (status == STATUS_OK && !columns) status = run_shape(world, rows, 32);
  const enum status closed = bench_rows_close();
  return comm_agree(world, status == STATUS_OK ? closed : status);
}
