#include "analysis/matrix_private.h"
#include "analysis/scalapack.h"
#include "comm/reduce.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int ONE = 1;
static const double UNIT = 1, NOTHING = 0;

/* What is moved at once takes about this much of a rank, three times: sent, received, and filled up with zeros. It also
 * keeps the bytes that pdgemr2d counts with an int below what fits into one. */
enum { MOVE_BYTES = 8 << 20, RANKS_MOST = 1 << 16 };

/* ---- Memory ---- */

static int64_t local_bytes(const struct grid *grid, int64_t rows, int64_t columns, int ranks) {
  int across, down;
  grid_shape(ranks, &down, &across);
  return (int64_t)sizeof(double) * grid_share(rows, grid->block, 0, down) * grid_share(columns, grid->block, 0, across);
}

/* What is asked for, and what the fullest rank would then hold. */
struct demand {
  enum matrix_use use;
  int64_t rows, columns, bytes, wanted;
};

/* What a rank would hold on a grid of so many. */
static double forecast(const struct grid *grid, const struct demand *demand, int ranks) {
  const bool itself = demand->use == MATRIX_ITSELF;
  const int64_t fixed = grid->fixed + (demand->use == MATRIX_MOVING ? demand->bytes : 0);
  const int64_t here = itself ? local_bytes(grid, demand->rows, demand->columns, grid->comm->size) : 0;
  const int64_t there = itself ? local_bytes(grid, demand->rows, demand->columns, ranks) : 0;
  return (double)(fixed + there) + (double)(demand->wanted - fixed - here) * grid->comm->size / ranks;
}

static enum status refuse(const struct grid *grid, const struct demand *demand) {
  static const char *const uses[] = {"a matrix", "work on a matrix", "moving a matrix"};
  const double mebi = 1 << 20;
  char end[80] = "and would with any number of ranks";
  int ranks = RANKS_MOST; /* down to the first number that does not do, as some larger one may not */
  while (ranks > grid->comm->size && forecast(grid, demand, ranks) <= (double)grid->memory) ranks--;
  if (ranks < RANKS_MOST) snprintf(end, sizeof end, "with %d ranks or more it would not", ranks + 1);
  return status_raise(
      STATUS_MEMORY,
      "%s of %lld x %lld brings what the matrices take of a rank to %.4g MiB, beyond the limit of %.4g: %s",
      uses[demand->use], (long long)demand->rows, (long long)demand->columns, (double)demand->wanted / mebi,
      (double)grid->memory / mebi, end);
}

enum status matrix_take(struct grid *grid, enum matrix_use use, int64_t rows, int64_t columns, int64_t bytes,
                        void **memory) {
  *memory = NULL;
  int64_t wanted = grid->taken + bytes;
  TRY(reduce_max(grid->comm, &wanted, 1));
  if (grid->memory > 0 && wanted > grid->memory)
    return refuse(grid, &(struct demand){use, rows, columns, bytes, wanted});
  void *got = calloc(1, bytes > 0 ? (size_t)bytes : 1);
  enum status status = STATUS_OK;
  if (!got)
    status = status_raise(STATUS_MEMORY, "out of memory: %.4g MiB for a matrix of %lld x %lld",
                          (double)bytes / (1 << 20), (long long)rows, (long long)columns);
  status = comm_agree(grid->comm, status);
  if (status != STATUS_OK) {
    free(got);
    return status;
  }
  grid->taken += bytes;
  if (use == MATRIX_MOVING) grid->fixed += bytes;
  *memory = got;
  return STATUS_OK;
}

void matrix_give(struct grid *grid, enum matrix_use use, void *memory, int64_t bytes) {
  if (memory) {
    grid->taken -= bytes;
    if (use == MATRIX_MOVING) grid->fixed -= bytes;
  }
  free(memory);
}

static int64_t matrix_bytes(const struct matrix *m) {
  return (int64_t)sizeof(double) * m->local_rows * m->local_columns;
}

enum status matrix_create(struct grid *grid, int64_t rows, int64_t columns, struct matrix *matrix) {
  *matrix = (struct matrix){.grid = NULL};
  REQUIRE(rows >= 1 && columns >= 1, STATUS_ARGUMENT, "a matrix of %lld x %lld", (long long)rows, (long long)columns);
  /* ScaLAPACK counts with 32 bits, entries of one rank too; rank 0 has the most. */
  const int64_t down = grid_share(rows, grid->block, 0, grid->rows),
                across = grid_share(columns, grid->block, 0, grid->columns);
  REQUIRE(rows <= INT_MAX - grid->block && columns <= INT_MAX - grid->block && down <= INT_MAX / across,
          STATUS_UNAVAILABLE,
          "a matrix of %lld x %lld on %d ranks: ScaLAPACK counts rows, columns, and the numbers that a rank has of it, "
          "up to %d",
          (long long)rows, (long long)columns, grid->comm->size, INT_MAX);
  struct matrix made = {.grid = grid,
                        .rows = rows,
                        .columns = columns,
                        .local_rows = grid_share(rows, grid->block, grid->row, grid->rows),
                        .local_columns = grid_share(columns, grid->block, grid->column, grid->columns)};
  const int leading = made.local_rows > 0 ? (int)made.local_rows : 1, block = (int)grid->block;
  const int descriptor[9] = {1, grid->context, (int)rows, (int)columns, block, block, 0, 0, leading};
  memcpy(made.descriptor, descriptor, sizeof descriptor);
  void *local;
  TRY(matrix_take(grid, MATRIX_ITSELF, rows, columns, matrix_bytes(&made), &local));
  made.local = local;
  *matrix = made;
  return STATUS_OK;
}

void matrix_free(struct matrix *matrix) {
  if (matrix->grid) matrix_give(matrix->grid, MATRIX_ITSELF, matrix->local, matrix_bytes(matrix));
  *matrix = (struct matrix){.grid = NULL};
}

/* ---- Shards: block rows of `longest` on the grid of P x 1; moved, unless the grid has one column ---- */

struct shards {
  int64_t longest, slab; /* rows of a rank; columns that are moved at once */
  int descriptor[9];     /* of such columns */
  double *buffer;        /* [slab][longest] */
  int64_t bytes;         /* taken by it, and by what pdgemr2d allocates */
};

static int64_t slab_of(const struct grid *grid, int64_t column_bytes, int64_t columns) {
  int64_t slab = MOVE_BYTES / column_bytes;
  if (slab > grid->block) slab -= slab % grid->block;
  return slab < 1 ? 1 : slab > columns ? columns : slab;
}

/* Collective. A column of all ranks' shards lies on one column of the grid, C times as much of it on a rank. */
static enum status shards_open(struct grid *grid, int64_t count, int64_t columns, struct shards *shards) {
  int64_t longest = count;
  TRY(reduce_max(grid->comm, &longest, 1));
  REQUIRE(longest >= 1 && columns >= 1, STATUS_ARGUMENT, "a matrix of %lld x %lld", (long long)longest,
          (long long)columns);
  const int64_t rows = longest * grid->comm->size, column_bytes = (int64_t)sizeof(double) * longest * grid->columns;
  REQUIRE(longest <= INT_MAX / grid->comm->size && column_bytes <= INT_MAX, STATUS_UNAVAILABLE,
          "a matrix of %d x %lld rows: ScaLAPACK counts rows, and the bytes of a rank's part of a column, up to %d",
          grid->comm->size, (long long)longest, INT_MAX);
  const int64_t slab = slab_of(grid, column_bytes, columns);
  *shards = (struct shards){.longest = longest, .slab = slab, .bytes = 3 * slab * column_bytes};
  const int descriptor[9] = {1, grid->rows_context, (int)rows, (int)slab, (int)longest, (int)slab, 0, 0, (int)longest};
  memcpy(shards->descriptor, descriptor, sizeof descriptor);
  void *buffer;
  TRY(matrix_take(grid, MATRIX_MOVING, rows, columns, shards->bytes, &buffer));
  shards->buffer = buffer;
  return STATUS_OK;
}

/* Columns of a leading dimension into those of another; what is not filled stays. */
static void copy_columns(const double *from, int64_t from_leading, double *to, int64_t to_leading, int64_t rows,
                         int64_t columns) {
  for (int64_t j = 0; j < columns; j++)
    if (rows > 0) memcpy(to + j * to_leading, from + j * from_leading, (size_t)rows * sizeof *to);
}

static enum status from_shards_moved(struct grid *grid, const double *shard, int64_t count, int64_t columns,
                                     struct matrix *matrix) {
  struct shards shards;
  TRY(shards_open(grid, count, columns, &shards));
  enum status status = matrix_create(grid, shards.longest * grid->comm->size, columns, matrix);
  for (int64_t j = 0; j < columns && status == STATUS_OK; j += shards.slab) {
    const int64_t width = columns - j < shards.slab ? columns - j : shards.slab;
    const double *source = shards.buffer;
    if (count == shards.longest)
      source = shard + j * count;
    else
      copy_columns(shard + j * count, count, shards.buffer, shards.longest, count, width);
    const int m = (int)matrix->rows, n = (int)width, to_column = (int)j + 1;
    pdgemr2d_(&m, &n, source, &ONE, &ONE, shards.descriptor, matrix->local, &ONE, &to_column, matrix->descriptor,
              &grid->line_context);
  }
  matrix_give(grid, MATRIX_MOVING, shards.buffer, shards.bytes);
  return status;
}

static enum status to_shards_moved(const struct matrix *matrix, int64_t count, double *shard) {
  struct grid *grid = matrix->grid;
  struct shards shards;
  TRY(shards_open(grid, count, matrix->columns, &shards));
  enum status status = STATUS_OK;
  if (matrix->rows != shards.longest * grid->comm->size)
    status = status_raise(STATUS_ARGUMENT, "shards of up to %lld rows of a matrix of %lld on %d ranks",
                          (long long)shards.longest, (long long)matrix->rows, grid->comm->size);
  for (int64_t j = 0; j < matrix->columns && status == STATUS_OK; j += shards.slab) {
    const int64_t width = matrix->columns - j < shards.slab ? matrix->columns - j : shards.slab;
    const int m = (int)matrix->rows, n = (int)width, from_column = (int)j + 1;
    pdgemr2d_(&m, &n, matrix->local, &ONE, &from_column, matrix->descriptor, shards.buffer, &ONE, &ONE,
              shards.descriptor, &grid->line_context);
    copy_columns(shards.buffer, shards.longest, shard + j * count, count, count, width);
  }
  matrix_give(grid, MATRIX_MOVING, shards.buffer, shards.bytes);
  return status;
}

/* Collective. On a grid of one column no row needs to move: shards that are filled up to whole blocks are what ranks
 * hold of such a matrix, row for row, in an order of all rows that suits it. *rows: of a shard, filled up. */
static enum status rows_in_place(struct grid *grid, int64_t count, int64_t *rows) {
  *rows = count;
  TRY(reduce_max(grid->comm, rows, 1));
  REQUIRE(*rows <= INT_MAX, STATUS_UNAVAILABLE, "%lld rows of a rank: ScaLAPACK counts them up to %d", (long long)*rows,
          INT_MAX);
  *rows += (grid->block - *rows % grid->block) % grid->block;
  return STATUS_OK;
}

static enum status from_shards_in_place(struct grid *grid, const double *shard, int64_t count, int64_t columns,
                                        struct matrix *matrix) {
  int64_t rows;
  TRY(rows_in_place(grid, count, &rows));
  TRY(matrix_create(grid, rows * grid->comm->size, columns, matrix));
  copy_columns(shard, count, matrix->local, matrix->local_rows, count, columns);
  return STATUS_OK;
}

static enum status to_shards_in_place(const struct matrix *matrix, int64_t count, double *shard) {
  int64_t rows;
  TRY(rows_in_place(matrix->grid, count, &rows));
  REQUIRE(matrix->rows == rows * matrix->grid->comm->size, STATUS_ARGUMENT,
          "shards of up to %lld rows of a matrix of %lld on %d ranks", (long long)rows, (long long)matrix->rows,
          matrix->grid->comm->size);
  copy_columns(matrix->local, matrix->local_rows, shard, count, count, matrix->columns);
  return STATUS_OK;
}

enum status matrix_from_shards(struct grid *grid, const double *shard, int64_t count, int64_t columns,
                               struct matrix *matrix) {
  *matrix = (struct matrix){.grid = NULL};
  return grid->columns == 1 ? from_shards_in_place(grid, shard, count, columns, matrix)
                            : from_shards_moved(grid, shard, count, columns, matrix);
}

enum status matrix_to_shards(const struct matrix *matrix, int64_t count, double *shard) {
  return matrix->grid->columns == 1 ? to_shards_in_place(matrix, count, shard) : to_shards_moved(matrix, count, shard);
}

/* ---- Values that all ranks have, and copies ---- */

enum status matrix_from_values(struct grid *grid, const double *values, int64_t rows, int64_t columns,
                               struct matrix *matrix) {
  TRY(matrix_create(grid, rows, columns, matrix));
  for (int64_t j = 0; j < matrix->local_columns; j++)
    for (int64_t i = 0; i < matrix->local_rows; i++)
      matrix->local[j * matrix->local_rows + i] = values[matrix_column(matrix, j) * rows + matrix_row(matrix, i)];
  return STATUS_OK;
}

/* Each entry is of one rank and 0 on the others, so the sum is exact. */
enum status matrix_values(const struct matrix *matrix, double *values) {
  const int64_t count = matrix->rows * matrix->columns, most = 1 << 24;
  memset(values, 0, (size_t)count * sizeof *values);
  for (int64_t j = 0; j < matrix->local_columns; j++)
    for (int64_t i = 0; i < matrix->local_rows; i++)
      values[matrix_column(matrix, j) * matrix->rows + matrix_row(matrix, i)] =
          matrix->local[j * matrix->local_rows + i];
  enum status status = STATUS_OK;
  for (int64_t at = 0; at < count; at += most) {
    const int now = (int)(count - at < most ? count - at : most);
    const int code = MPI_Allreduce(MPI_IN_PLACE, values + at, now, MPI_DOUBLE, MPI_SUM, matrix->grid->comm->mpi);
    if (code != MPI_SUCCESS) status = comm_check(code, "MPI_Allreduce");
  }
  return comm_agree(matrix->grid->comm, status);
}

enum status matrix_copy(const struct matrix *from, int64_t from_row, int64_t from_column, int64_t rows, int64_t columns,
                        struct matrix *to, int64_t to_row, int64_t to_column) {
  struct grid *grid = from->grid;
  REQUIRE(rows >= 0 && columns >= 0 && from_row >= 0 && from_column >= 0 && to_row >= 0 && to_column >= 0 &&
              rows <= from->rows - from_row && columns <= from->columns - from_column && rows <= to->rows - to_row &&
              columns <= to->columns - to_column && to->grid == grid,
          STATUS_ARGUMENT, "%lld x %lld entries from (%lld, %lld) of %lld x %lld to (%lld, %lld) of %lld x %lld",
          (long long)rows, (long long)columns, (long long)from_row, (long long)from_column, (long long)from->rows,
          (long long)from->columns, (long long)to_row, (long long)to_column, (long long)to->rows,
          (long long)to->columns);
  if (rows == 0 || columns == 0) return STATUS_OK;
  const int64_t column_bytes = (int64_t)sizeof(double) * grid_share(rows + 2 * grid->block, grid->block, 0, grid->rows);
  const int64_t slab = slab_of(grid, column_bytes, columns), bytes = 2 * slab * column_bytes;
  void *none;
  /* pdgemr2d allocates it; here it is only asked whether it may. */
  TRY(matrix_take(grid, MATRIX_MOVING, rows, columns, bytes, &none));
  matrix_give(grid, MATRIX_MOVING, none, bytes);
  for (int64_t j = 0; j < columns; j += slab) {
    const int m = (int)rows, n = (int)(columns - j < slab ? columns - j : slab), i_from = (int)from_row + 1,
              j_from = (int)(from_column + j) + 1, i_to = (int)to_row + 1, j_to = (int)(to_column + j) + 1;
    pdgemr2d_(&m, &n, from->local, &i_from, &j_from, from->descriptor, to->local, &i_to, &j_to, to->descriptor,
              &grid->line_context);
  }
  return STATUS_OK;
}

/* ---- Products ---- */

enum status matrix_multiply(const struct matrix *a, const struct matrix *b, struct matrix *product) {
  *product = (struct matrix){.grid = NULL};
  REQUIRE(a->columns == b->rows && a->grid == b->grid, STATUS_ARGUMENT, "a product of %lld x %lld and %lld x %lld",
          (long long)a->rows, (long long)a->columns, (long long)b->rows, (long long)b->columns);
  TRY(matrix_create(a->grid, a->rows, b->columns, product));
  const int m = (int)a->rows, n = (int)b->columns, k = (int)a->columns;
  pdgemm_("N", "N", &m, &n, &k, &UNIT, a->local, &ONE, &ONE, a->descriptor, b->local, &ONE, &ONE, b->descriptor,
          &NOTHING, product->local, &ONE, &ONE, product->descriptor);
  return STATUS_OK;
}

/* pdsyrk makes the upper triangle; its mirror image lies in the same places of the transpose. */
enum status matrix_gram(const struct matrix *a, struct matrix *gram) {
  *gram = (struct matrix){.grid = NULL};
  struct matrix mirror;
  TRY(matrix_create(a->grid, a->columns, a->columns, gram));
  enum status status = matrix_create(a->grid, a->columns, a->columns, &mirror);
  if (status != STATUS_OK) {
    matrix_free(gram);
    return status;
  }
  const int n = (int)a->columns, k = (int)a->rows;
  pdsyrk_("U", "T", &n, &k, &UNIT, a->local, &ONE, &ONE, a->descriptor, &NOTHING, gram->local, &ONE, &ONE,
          gram->descriptor);
  pdtran_(&n, &n, &UNIT, gram->local, &ONE, &ONE, gram->descriptor, &NOTHING, mirror.local, &ONE, &ONE,
          mirror.descriptor);
  for (int64_t j = 0; j < gram->local_columns; j++)
    for (int64_t i = 0; i < gram->local_rows; i++)
      if (matrix_row(gram, i) > matrix_column(gram, j))
        gram->local[j * gram->local_rows + i] = mirror.local[j * gram->local_rows + i];
  matrix_free(&mirror);
  return STATUS_OK;
}
