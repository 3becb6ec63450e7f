/* Factorisations, against what they must be: values alike, then, on any number of ranks. */
#include "known.h"

enum { ROWS = 151 };
static const int64_t sizes[] = {1, 2, 13, 70}, blocks[] = {16, 4, 64};
enum { SIZES = sizeof sizes / sizeof *sizes, BLOCKS = sizeof blocks / sizeof *blocks };

/* Collective. Each size in each block, also with fewer blocks than ranks. */
static void for_all(void (*check)(struct grid *grid, int64_t n)) {
  for (int b = 0; b < TESTING_ROUNDS(BLOCKS, 1); b++)
    for (int s = 0; s < SIZES; s++) {
      struct grid grid;
      assert_ok(grid_open(&world, blocks[b], 0, &grid));
      check(&grid, sizes[s]);
      assert_int_equal(0, grid.taken);
      grid_close(&grid);
    }
}

static double known_gram(int64_t n, int64_t i, int64_t j) {
  double sum = 0;
  for (int64_t k = 0; k < n; k++) sum += known_v(n, i, k) * known_s(n, k) * known_s(n, k) * known_v(n, j, k);
  return sum;
}

static void check_triangle(struct grid *grid, int64_t n) {
  struct matrix a, triangle;
  known_matrix(grid, ROWS, n, &a);
  assert_ok(matrix_triangle(&a, &triangle));
  matrix_free(&a);
  assert_int_equal(n, triangle.rows);
  assert_int_equal(n, triangle.columns);
  double *r = all_values(&triangle);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) {
      double sum = 0;
      for (int64_t k = 0; k < n; k++) sum += r[i * n + k] * r[j * n + k];
      assert_near(known_gram(n, i, j), sum, 1e-12);
      if (i > j) assert_near(0, r[j * n + i], 0);
    }
  free(r);
  matrix_free(&triangle);
}

static void test_triangle(void **state) {
  (void)state;
  for_all(check_triangle);
}

/* A matrix that is wider than long has min(rows, columns) rows of R. */
static void test_wide_triangle(void **state) {
  (void)state;
  enum { M = 5, N = 9 };
  struct grid grid;
  struct matrix a, triangle;
  double values[M * N];
  for (int i = 0; i < M * N; i++) values[i] = sin(i + 1.0);
  assert_ok(grid_open(&world, 2, 0, &grid));
  assert_ok(matrix_from_values(&grid, values, M, N, &a));
  assert_ok(matrix_triangle(&a, &triangle));
  assert_int_equal(M, triangle.rows);
  assert_int_equal(N, triangle.columns);
  double *r = all_values(&triangle);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      double sum = 0;
      for (int k = 0; k < M; k++) sum += r[i * M + k] * r[j * M + k] - values[i * M + k] * values[j * M + k];
      assert_near(0, sum, 1e-13);
    }
  free(r);
  matrix_free(&triangle);
  matrix_free(&a);
  grid_close(&grid);
}

/* Column k is known_v(k) or its opposite. */
static void assert_known_vectors(const struct matrix *vectors, int64_t n) {
  double *v = all_values(vectors);
  for (int64_t k = 0; k < n; k++) {
    double dot = 0;
    for (int64_t j = 0; j < n; j++) dot += v[k * n + j] * known_v(n, j, k);
    for (int64_t j = 0; j < n; j++) assert_near(dot < 0 ? -known_v(n, j, k) : known_v(n, j, k), v[k * n + j], 1e-11);
  }
  free(v);
}

static void check_eigen(struct grid *grid, int64_t n) {
  struct matrix a, gram, vectors;
  double values[70];
  known_matrix(grid, ROWS, n, &a);
  assert_ok(matrix_gram(&a, &gram));
  assert_ok(matrix_eigen(&gram, values, &vectors));
  for (int64_t k = 0; k < n; k++) assert_near(known_s(n, k) * known_s(n, k), values[k], 1e-12);
  assert_known_vectors(&vectors, n);
  matrix_free(&vectors);
  matrix_free(&gram);
  assert_ok(matrix_gram(&a, &gram));
  assert_ok(matrix_eigen(&gram, values, NULL));
  for (int64_t k = 0; k < n; k++) assert_near(known_s(n, k) * known_s(n, k), values[k], 1e-12);
  assert_alike(values, (size_t)n * sizeof *values);
  matrix_free(&gram);
  matrix_free(&a);
}

static void test_eigen(void **state) {
  (void)state;
  for_all(check_eigen);
}

/* Vectors of equal eigenvalues are not known, but orthonormal, and A V = V diag(values). */
static void check_spectrum(struct grid *grid, const double *values, int64_t n, const double *expected) {
  struct matrix a, vectors;
  double *found = malloc((size_t)n * sizeof *found);
  assert_ok(matrix_from_values(grid, values, n, n, &a));
  assert_ok(matrix_eigen(&a, found, &vectors));
  double *v = all_values(&vectors);
  for (int64_t k = 0; k < n; k++) {
    assert_near(expected[k], found[k], 1e-13);
    for (int64_t l = 0; l < n; l++) {
      double dot = 0, image = 0;
      for (int64_t j = 0; j < n; j++) dot += v[k * n + j] * v[l * n + j];
      for (int64_t j = 0; j < n; j++) image += values[j * n + l] * v[k * n + j];
      assert_near(k == l, dot, 1e-13);
      assert_near(found[k] * v[k * n + l], image, 1e-13);
    }
  }
  free(v);
  free(found);
  matrix_free(&vectors);
  matrix_free(&a);
}

static void check_eigen_of_equals(struct grid *grid, int64_t m) {
  static double values[40 * 40], expected[40];
  const int64_t n = m > 40 ? 40 : m;
  for (int64_t i = 0; i < n * n; i++) values[i] = 0;
  for (int64_t i = 0; i < n; i++) expected[i] = 0;
  check_spectrum(grid, values, n, expected); /* zero */
  for (int64_t i = 0; i < n; i++) values[i * n + i] = expected[i] = -2;
  check_spectrum(grid, values, n, expected); /* -2 times the identity */
  for (int64_t i = 0; i < n * n; i++) values[i] = 1.0 / (double)n;
  for (int64_t i = 0; i < n; i++) expected[i] = i == 0;
  check_spectrum(grid, values, n, expected); /* a projection: 1 and zeros */
}

static void test_eigen_of_equals(void **state) {
  (void)state;
  for_all(check_eigen_of_equals);
}

static void check_singular(struct grid *grid, int64_t n) {
  struct matrix a, triangle, right;
  double values[70];
  known_matrix(grid, ROWS, n, &a);
  assert_ok(matrix_triangle(&a, &triangle));
  matrix_free(&a);
  assert_ok(matrix_singular(&triangle, values, &right));
  for (int64_t k = 0; k < n; k++) assert_near(known_s(n, k), values[k], 1e-13);
  assert_int_equal(n, right.rows);
  assert_known_vectors(&right, n);
  matrix_free(&right);
  matrix_free(&triangle);
  known_matrix(grid, ROWS, n, &a); /* and of the whole, without vectors */
  assert_ok(matrix_singular(&a, values, NULL));
  for (int64_t k = 0; k < n; k++) assert_near(known_s(n, k), values[k], 1e-13);
  assert_alike(values, (size_t)n * sizeof *values);
  matrix_free(&a);
}

static void test_singular(void **state) {
  (void)state;
  for_all(check_singular);
}

/* Of the transpose: min(rows, columns) right vectors, which are A's left ones. */
static void test_wide_singular(void **state) {
  (void)state;
  enum { M = 7, N = 23 };
  struct grid grid;
  struct matrix a, right;
  double values[M * N], found[M];
  for (int i = 0; i < N; i++)
    for (int j = 0; j < M; j++) values[i * M + j] = known_entry(N, M, i, j);
  assert_ok(grid_open(&world, 3, 0, &grid));
  assert_ok(matrix_from_values(&grid, values, M, N, &a));
  assert_ok(matrix_singular(&a, found, &right));
  assert_int_equal(N, right.rows);
  assert_int_equal(M, right.columns);
  double *v = all_values(&right);
  for (int k = 0; k < M; k++) {
    assert_near(known_s(M, k), found[k], 1e-13);
    const double sign = v[k * N] * known_u(N, 0, k) < 0 ? -1 : 1;
    for (int i = 0; i < N; i++) assert_near(sign * known_u(N, i, k), v[k * N + i], 1e-12);
  }
  free(v);
  matrix_free(&right);
  matrix_free(&a);
  grid_close(&grid);
}

/* ---- Least squares: B = A X + what is orthogonal to A, U_n and beyond ---- */

enum { SIDES = 3 };
static double solution(int64_t n, int64_t j, int64_t side) { return known_v(n, j, side % n) * (double)(side + 1); }

static double *right_sides(int64_t n, int64_t *count) {
  int64_t first;
  known_share(ROWS, &first, count);
  double *shard = malloc((size_t)(*count * SIDES + 1) * sizeof *shard);
  for (int64_t side = 0; side < SIDES; side++)
    for (int64_t i = 0; i < *count; i++) {
      const int64_t k = side % n;
      shard[side * *count + i] =
          (double)(side + 1) * known_s(n, k) * known_u(ROWS, first + i, k) + 5 * known_u(ROWS, first + i, n + side);
    }
  return shard;
}

static void check_least_squares(struct grid *grid, int64_t n) {
  struct matrix a, b;
  int64_t count;
  double *shard = right_sides(n, &count);
  known_matrix(grid, ROWS, n, &a);
  assert_ok(matrix_from_shards(grid, shard, count, SIDES, &b));
  assert_ok(matrix_least_squares(&a, &b));
  double *x = all_values(&b);
  for (int64_t side = 0; side < SIDES; side++)
    for (int64_t j = 0; j < n; j++) assert_near(solution(n, j, side), x[side * b.rows + j], 1e-12);
  free(x);
  free(shard);
  matrix_free(&b);
  matrix_free(&a);
}

static void test_least_squares(void **state) {
  (void)state;
  for_all(check_least_squares);
}

/* Rows sqrt(lambda) I below A, and zeros below B: X = V s^2 / (s^2 + lambda) V^T X_0. */
static void check_ridge(struct grid *grid, int64_t n) {
  const double lambda = 0.7;
  struct matrix a, b, ridge, long_a, long_b;
  int64_t count;
  double *shard = right_sides(n, &count), *diagonal = calloc((size_t)(n * n), sizeof *diagonal);
  for (int64_t i = 0; i < n; i++) diagonal[i * n + i] = sqrt(lambda);
  known_matrix(grid, ROWS, n, &a);
  assert_ok(matrix_from_shards(grid, shard, count, SIDES, &b));
  assert_ok(matrix_from_values(grid, diagonal, n, n, &ridge));
  assert_ok(matrix_create(grid, a.rows + n, n, &long_a));
  assert_ok(matrix_create(grid, a.rows + n, SIDES, &long_b));
  assert_ok(matrix_copy(&a, 0, 0, a.rows, n, &long_a, 0, 0));
  assert_ok(matrix_copy(&ridge, 0, 0, n, n, &long_a, a.rows, 0));
  assert_ok(matrix_copy(&b, 0, 0, b.rows, SIDES, &long_b, 0, 0));
  assert_ok(matrix_least_squares(&long_a, &long_b));
  double *x = all_values(&long_b);
  for (int64_t side = 0; side < SIDES; side++) {
    const double square = known_s(n, side % n) * known_s(n, side % n), shrink = square / (square + lambda);
    for (int64_t j = 0; j < n; j++) assert_near(shrink * solution(n, j, side), x[side * long_b.rows + j], 1e-12);
  }
  free(x);
  free(shard);
  free(diagonal);
  matrix_free(&long_b);
  matrix_free(&long_a);
  matrix_free(&ridge);
  matrix_free(&b);
  matrix_free(&a);
}

static void test_ridge(void **state) {
  (void)state;
  for_all(check_ridge);
}

/* ---- Refusals ---- */

/* One entry of the last rank's last column is bad; all ranks say the same. */
static void check_not_finite(struct grid *grid, double bad) {
  enum { N = 6 };
  struct matrix a[4], b, none;
  double values[N * N], found[N];
  for (int i = 0; i < N * N; i++) values[i] = known_entry(N + 1, N, i % N, i / N);
  values[(N - 1) * N + 2] = bad;
  for (int i = 0; i < 4; i++) assert_ok(matrix_from_values(grid, values, N, N, &a[i]));
  assert_ok(matrix_create(grid, N, 1, &b));
  assert_status(STATUS_NUMERIC, matrix_triangle(&a[0], &none));
  assert_message("pdgeqrf: column 5 of a matrix of 6 x 6 has ");
  assert_status(STATUS_NUMERIC, matrix_eigen(&a[1], found, &none));
  assert_message("pdsyevd: column 5");
  assert_status(STATUS_NUMERIC, matrix_singular(&a[2], found, NULL));
  assert_message("pdgesvd: column 5");
  assert_status(STATUS_NUMERIC, matrix_least_squares(&a[3], &b));
  assert_message("pdgels: column 5");
  for (int i = 0; i < 4; i++) matrix_free(&a[i]);
  matrix_free(&b);
}

static void test_not_finite(void **state) {
  (void)state;
  struct grid grid;
  assert_ok(grid_open(&world, 2, 0, &grid));
  check_not_finite(&grid, (double)NAN);
  check_not_finite(&grid, -(double)INFINITY);
  assert_int_equal(0, grid.taken);
  grid_close(&grid);
}

/* Column 3 is a sum of others, or zero; and the same with a ridge of 1e-6 is no refusal. */
static void check_rank(struct grid *grid, double scale, double other, double ridge, enum status expected) {
  enum { M = 12, N = 4 };
  struct matrix a, b;
  double values[M * N] = {0}, sides[M];
  for (int i = 0; i < M - N; i++) {
    for (int j = 0; j < N; j++) values[j * M + i] = known_entry(30, N, i, j) * (j == 1 ? scale : 1);
    values[3 * M + i] = other * (values[i] + values[2 * M + i]);
    sides[i] = cos(i + 0.3);
  }
  for (int j = 0; j < N; j++) values[j * M + M - N + j] = ridge, sides[M - N + j] = 0;
  assert_ok(matrix_from_values(grid, values, M, N, &a));
  assert_ok(matrix_from_values(grid, sides, M, 1, &b));
  assert_status(expected, matrix_least_squares(&a, &b));
  if (expected == STATUS_NUMERIC) assert_message("pdgels: column 3 of 4 depends on those before it");
  matrix_free(&a);
  matrix_free(&b);
}

static void test_rank(void **state) {
  (void)state;
  struct grid grid;
  assert_ok(grid_open(&world, 3, 0, &grid));
  check_rank(&grid, 1, 1, 0, STATUS_NUMERIC);
  check_rank(&grid, 1, 0, 0, STATUS_NUMERIC);
  check_rank(&grid, 1e-8, 1, 1e-6, STATUS_OK);
  struct matrix a, b;
  assert_ok(matrix_create(&grid, 3, 4, &a));
  assert_ok(matrix_create(&grid, 3, 1, &b));
  assert_status(STATUS_ARGUMENT, matrix_least_squares(&a, &b));
  double values[3];
  assert_status(STATUS_ARGUMENT, matrix_eigen(&a, values, NULL));
  matrix_free(&a);
  matrix_free(&b);
  /* Columns of unlike size are no lack of rank. */
  const double unlike[6] = {1e-12, 0, 0, 0, 1e12, 0}, ones[3] = {1, 1, 0};
  assert_ok(matrix_from_values(&grid, unlike, 3, 2, &a));
  assert_ok(matrix_from_values(&grid, ones, 3, 1, &b));
  assert_ok(matrix_least_squares(&a, &b));
  assert_ok(matrix_values(&b, values));
  assert_near(1e12, values[0], 1e-3);
  assert_near(1e-12, values[1], 1e-27);
  matrix_free(&a);
  matrix_free(&b);
  assert_int_equal(0, grid.taken);
  grid_close(&grid);
}

/* Work space counts too, and a refusal leaves nothing behind. */
static void test_memory(void **state) {
  (void)state;
  struct grid grid;
  struct matrix a, vectors;
  double values[64];
  assert_ok(grid_open(&world, 8, 64 * 64 * 8 + 8192, &grid));
  assert_ok(matrix_create(&grid, 64, 64, &a));
  const int64_t taken = grid.taken;
  grid.memory =
      8 * grid_share(64, 8, 0, grid.rows) * grid_share(64, 8, 0, grid.columns) + 1024; /* alike on all ranks */
  assert_status(STATUS_MEMORY, matrix_singular(&a, values, NULL));
  assert_message("work on a matrix of 64 x 64");
  assert_status(STATUS_MEMORY, matrix_eigen(&a, values, &vectors));
  assert_null(vectors.local);
  assert_int_equal(taken, grid.taken);
  matrix_free(&a);
  grid_close(&grid);
}

int main(int argc, char **argv) {
  if (ranks_begin(argc, argv)) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_triangle),      cmocka_unit_test(test_wide_triangle),
                                     cmocka_unit_test(test_eigen),         cmocka_unit_test(test_eigen_of_equals),
                                     cmocka_unit_test(test_singular),      cmocka_unit_test(test_wide_singular),
                                     cmocka_unit_test(test_least_squares), cmocka_unit_test(test_ridge),
                                     cmocka_unit_test(test_not_finite),    cmocka_unit_test(test_rank),
                                     cmocka_unit_test(test_memory)};
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
