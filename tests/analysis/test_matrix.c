/* Grids, shards there and back, copies, products, and how much memory they may take. */
#include "known.h"

static const struct {
  int64_t rows, columns, block;
} shapes[] = {{97, 13, 5}, {97, 13, 64}, {1, 1, 4}, {1, 7, 2}, {40, 1, 3}, {3, 3, 2}, {11, 30, 7}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void test_grid(void **state) {
  (void)state;
  static const int expected[][3] = {{1, 1, 1}, {2, 2, 1}, {3, 3, 1},  {4, 2, 2},
                                    {6, 3, 2}, {7, 7, 1}, {12, 4, 3}, {16, 4, 4}};
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    int rows, columns;
    grid_shape(expected[i][0], &rows, &columns);
    assert_int_equal(expected[i][1], rows);
    assert_int_equal(expected[i][2], columns);
  }
  struct grid grid[2];
  assert_ok(grid_open(&world, 3, 0, &grid[0]));
  assert_ok(grid_open(&world, 3, 0, &grid[1])); /* several at once, of one communicator */
  assert_int_equal(world.size, grid[1].rows * grid[1].columns);
  assert_int_equal(world.rank, grid[1].row * grid[1].columns + grid[1].column);
  int64_t sum = 0;
  for (int place = 0; place < 5; place++) sum += grid_share(83, 4, place, 5);
  assert_int_equal(83, sum);
  assert_int_equal(4 * 4 + 3, grid_share(83, 4, 0, 5));
  grid_close(&grid[0]);
  grid_close(&grid[1]);
  grid_close(&grid[1]);
  assert_status(STATUS_ARGUMENT, grid_open(&world, 0, 0, &grid[0]));
}

static void test_shards_there_and_back(void **state) {
  (void)state;
  for (int s = 0; s < SHAPES; s++) {
    struct grid grid;
    struct matrix matrix;
    assert_ok(grid_open(&world, shapes[s].block, 0, &grid));
    int64_t first, count;
    const int64_t columns = shapes[s].columns;
    known_share(shapes[s].rows, &first, &count);
    const size_t bytes = (size_t)(count * columns) * sizeof(double);
    double *shard = malloc(bytes + 8), *back = malloc(bytes + 8);
    for (int64_t j = 0; j < columns; j++)
      for (int64_t i = 0; i < count; i++) shard[j * count + i] = (double)(1000 * (first + i) + j + 1);
    assert_ok(matrix_from_shards(&grid, shard, count, columns, &matrix));
    assert_true(matrix.rows >= shapes[s].rows);
    assert_int_equal(columns, matrix.columns);
    assert_ok(matrix_to_shards(&matrix, count, back));
    assert_memory_equal(shard, back, bytes);
    /* What is not of a shard is zero. */
    double *values = all_values(&matrix), sum = 0;
    for (int64_t i = 0; i < matrix.rows * columns; i++) sum += values[i];
    const double rows = (double)shapes[s].rows, n = (double)columns;
    assert_near(500 * rows * (rows - 1) * n + rows * n * (n + 1) / 2, sum, 0);
    assert_status(STATUS_ARGUMENT, matrix_to_shards(&matrix, count + shapes[s].block, back));
    matrix_free(&matrix);
    assert_int_equal(0, grid.taken);
    free(values);
    free(shard);
    free(back);
    grid_close(&grid);
  }
}

/* More than is moved at once. */
static void test_long_shards(void **state) {
  (void)state;
  enum { COUNT = 30000, COLUMNS = 50 };
  struct grid grid;
  struct matrix matrix;
  assert_ok(grid_open(&world, 16, 0, &grid));
  const int64_t count = COUNT - 7 * world.rank;
  double *shard = malloc(sizeof(double) * COUNT * COLUMNS), *back = malloc(sizeof(double) * COUNT * COLUMNS);
  for (int64_t i = 0; i < count * COLUMNS; i++) shard[i] = (double)(i + world.rank);
  assert_ok(matrix_from_shards(&grid, shard, count, COLUMNS, &matrix));
  assert_ok(matrix_to_shards(&matrix, count, back));
  assert_memory_equal(shard, back, (size_t)(count * COLUMNS) * sizeof(double));
  matrix_free(&matrix);
  free(shard);
  free(back);
  grid_close(&grid);
}

static void test_values_and_copies(void **state) {
  (void)state;
  for (int s = 0; s < SHAPES; s++) {
    const int64_t rows = shapes[s].rows, columns = shapes[s].columns;
    struct grid grid;
    struct matrix matrix, larger;
    double *values = malloc((size_t)(rows * columns) * sizeof *values);
    for (int64_t i = 0; i < rows * columns; i++) values[i] = (double)(i + 1);
    assert_ok(grid_open(&world, shapes[s].block, 0, &grid));
    assert_ok(matrix_from_values(&grid, values, rows, columns, &matrix));
    double *back = all_values(&matrix);
    assert_memory_equal(values, back, (size_t)(rows * columns) * sizeof *values);
    free(back);
    /* The last rows and columns of it, into the middle of another. */
    const int64_t m = (rows + 1) / 2, n = (columns + 1) / 2;
    assert_ok(matrix_create(&grid, rows + 2, columns + 3, &larger));
    assert_ok(matrix_copy(&matrix, rows - m, columns - n, m, n, &larger, 2, 1));
    back = all_values(&larger);
    for (int64_t j = 0; j < columns + 3; j++)
      for (int64_t i = 0; i < rows + 2; i++) {
        const bool inside = i >= 2 && i < 2 + m && j >= 1 && j < 1 + n;
        const double expected = inside ? values[(columns - n + j - 1) * rows + rows - m + i - 2] : 0;
        assert_near(expected, back[j * (rows + 2) + i], 0);
      }
    assert_status(STATUS_ARGUMENT, matrix_copy(&matrix, 0, 0, rows + 1, 1, &larger, 0, 0));
    assert_status(STATUS_ARGUMENT, matrix_copy(&matrix, 0, 0, 1, 1, &larger, rows + 2, 0));
    free(back);
    free(values);
    matrix_free(&larger);
    matrix_free(&matrix);
    grid_close(&grid);
  }
}

/* A V = U S, row by row, so it comes back as shards. */
static void test_multiply(void **state) {
  (void)state;
  enum { ROWS = 97, COLUMNS = 13 };
  struct grid grid;
  struct matrix a, v, product;
  double values[COLUMNS * COLUMNS];
  for (int j = 0; j < COLUMNS; j++)
    for (int k = 0; k < COLUMNS; k++) values[k * COLUMNS + j] = known_v(COLUMNS, j, k);
  assert_ok(grid_open(&world, 5, 0, &grid));
  known_matrix(&grid, ROWS, COLUMNS, &a);
  assert_ok(matrix_from_values(&grid, values, COLUMNS, COLUMNS, &v));
  assert_ok(matrix_multiply(&a, &v, &product));
  int64_t first, count;
  known_share(ROWS, &first, &count);
  double *back = malloc((size_t)(count + 1) * COLUMNS * sizeof *back);
  assert_ok(matrix_to_shards(&product, count, back));
  for (int64_t k = 0; k < COLUMNS; k++)
    for (int64_t i = 0; i < count; i++)
      assert_near(known_u(ROWS, first + i, k) * known_s(COLUMNS, k), back[k * count + i], 1e-13);
  struct matrix none;
  assert_status(STATUS_ARGUMENT, matrix_multiply(&v, &a, &none));
  free(back);
  matrix_free(&product);
  matrix_free(&v);
  matrix_free(&a);
  grid_close(&grid);
}

/* A^T A = V S^2 V^T, and symmetric to the bit. */
static void test_gram(void **state) {
  (void)state;
  static const int64_t block[] = {3, 64}, columns[] = {1, 17};
  for (int b = 0; b < 2; b++)
    for (int c = 0; c < 2; c++) {
      const int64_t n = columns[c];
      struct grid grid;
      struct matrix a, gram;
      assert_ok(grid_open(&world, block[b], 0, &grid));
      known_matrix(&grid, 61, n, &a);
      assert_ok(matrix_gram(&a, &gram));
      double *values = all_values(&gram);
      for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
          double expected = 0;
          for (int64_t k = 0; k < n; k++)
            expected += known_v(n, i, k) * known_s(n, k) * known_s(n, k) * known_v(n, j, k);
          assert_near(expected, values[j * n + i], 1e-12);
          assert_near(values[i * n + j], values[j * n + i], 0);
        }
      free(values);
      matrix_free(&gram);
      matrix_free(&a);
      assert_int_equal(0, grid.taken);
      grid_close(&grid);
    }
}

/* The number of ranks that a refusal names is enough, and one less is not. */
static void test_memory(void **state) {
  (void)state;
  enum { ROWS = 4096, COLUMNS = 64, LIMIT = 96 * 1024 };
  struct grid grid;
  struct matrix first, second;
  assert_ok(grid_open(&world, 8, LIMIT, &grid));
  assert_ok(matrix_create(&grid, 64, 8, &first));
  assert_status(STATUS_MEMORY, matrix_create(&grid, ROWS, COLUMNS, &second));
  assert_message("a matrix of 4096 x 64 brings what the matrices take of a rank to ");
  assert_null(second.local);
  int needed = 0;
  const char *with = strstr(status_message(), "with ");
  assert_non_null(with);
  assert_int_equal(1, sscanf(with, "with %d ranks or more", &needed));
  /* 2 MiB of the one, and 4 KiB of the other. */
  assert_true(needed > 2048 / 96 && needed < 2 * 2048 / 96);
  for (int ranks = needed - 1; ranks < needed + 3; ranks++) {
    int rows, columns;
    grid_shape(ranks, &rows, &columns);
    const double bytes = (double)(8 * grid_share(ROWS, 8, 0, rows) * grid_share(COLUMNS, 8, 0, columns));
    const double others =
        (double)grid_share(64, 8, 0, grid.rows) * (double)grid_share(8, 8, 0, grid.columns) * 8 * world.size / ranks;
    assert_int_equal(ranks >= needed, bytes + others <= LIMIT);
  }
  /* What was freed is there again. */
  const int64_t taken = grid.taken;
  assert_ok(matrix_create(&grid, 1000, 8, &second));
  assert_true(grid.taken > taken || second.local_rows * second.local_columns == 0);
  matrix_free(&second);
  assert_int_equal(taken, grid.taken);
  matrix_free(&first);
  assert_int_equal(0, grid.taken);
  grid_close(&grid);
  /* Moving takes memory too, and no number of ranks makes less of a few columns on each of them. On a grid of one
   * column nothing moves. */
  assert_ok(grid_open(&world, 8, 3 * 8 * 500, &grid));
  const double shard[1024] = {0};
  if (grid.columns > 1) {
    assert_status(STATUS_MEMORY, matrix_from_shards(&grid, shard, 512, 2, &first));
    assert_message("moving a matrix");
    assert_message("with any number of ranks");
  } else {
    assert_ok(matrix_from_shards(&grid, shard, 512, 2, &first));
    matrix_free(&first);
  }
  assert_int_equal(0, grid.taken);
  grid_close(&grid);
}

static void test_refusals(void **state) {
  (void)state;
  struct grid grid;
  struct matrix matrix;
  assert_ok(grid_open(&world, 8, 0, &grid));
  assert_status(STATUS_ARGUMENT, matrix_from_shards(&grid, NULL, 0, 3, &matrix));
  assert_message("a matrix of 0 x 3");
  assert_status(STATUS_UNAVAILABLE, matrix_create(&grid, (int64_t)1 << 31, 1, &matrix));
  assert_message("2147483648 x 1");
  assert_status(STATUS_UNAVAILABLE, matrix_create(&grid, (int64_t)1 << 21, (int64_t)1 << 21, &matrix));
  assert_status(STATUS_UNAVAILABLE, matrix_from_shards(&grid, NULL, (int64_t)1 << 31, 1, &matrix));
  assert_null(matrix.grid);
  matrix_free(&matrix);
  assert_int_equal(0, grid.taken);
  grid_close(&grid);
}

int main(int argc, char **argv) {
  if (ranks_begin(argc, argv)) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_grid),        cmocka_unit_test(test_shards_there_and_back),
                                     cmocka_unit_test(test_long_shards), cmocka_unit_test(test_values_and_copies),
                                     cmocka_unit_test(test_multiply),    cmocka_unit_test(test_gram),
                                     cmocka_unit_test(test_memory),      cmocka_unit_test(test_refusals)};
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
