/* Matrix products against the reference. */
#include "graph/kernels.h"
#include "graph/linear.h"
#include "harness.h"

static void products_agree_with_the_reference(void **unused) {
  (void)unused;
  static const int64_t sizes[][3] = {{1, 1, 1},     {3, 4, 5},      {17, 1, 9},      {1, 33, 1},    {64, 64, 64},
                                     {0, 3, 4},     {3, 0, 4},      {3, 4, 0},       {8, 128, 256}, {18, 40, 130},
                                     {19, 40, 130}, {77, 1100, 83}, {128, 128, 128}, {61, 513, 16}, {35, 2, 31}};
  for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
    for (int mode = 0; mode < 8; mode++) {
      bool ta = mode & 1, tb = mode & 2;
      enum graph_type type = mode & 4 ? GRAPH_F64 : GRAPH_F32;
      int64_t m = sizes[s][0], k = sizes[s][1], n = sizes[s][2];
      struct shape a = shape_make(type, 2, (const int64_t[]){ta ? k : m, ta ? m : k});
      struct shape b = shape_make(type, 2, (const int64_t[]){tb ? n : k, tb ? k : n});
      struct shape out = shape_make(type, 2, (const int64_t[]){m, n});
      struct op_attributes attributes = {.integer = {ta, tb}};
      void *data[2] = {harness_draw(&a, 1), harness_draw(&b, 2)}, *result = harness_draw(&out, 3),
           *expected = harness_draw(&out, 4);
      struct kernel_call call = {&attributes, {&a, &b}, &out, {data[0], data[1]}, expected};
      assert_ok(reference_run(OP_matmul, &call));
      linear_matmul(&attributes, (const struct shape *const[]){&a, &b}, &out, (const void *const *)data, result);
      for (int64_t i = 0; i < m * n; i++)
        assert_true(fabs(harness_element(&out, result, i) - harness_element(&out, expected, i)) <
                    (type == GRAPH_F32 ? 1e-4 + 1e-6 * (double)k : 1e-12));
      free(data[0]);
      free(data[1]);
      free(result);
      free(expected);
    }
}

/* Element of a matrix that steps by `row` and `column`. */
static double element(enum graph_type type, const void *data, int64_t i, int64_t row, int64_t j, int64_t column) {
  const int64_t at = i * row + j * column;
  return type == GRAPH_F32 ? (double)((const float *)data)[at] : ((const double *)data)[at];
}

/* A plain loop of fused multiply-adds in the order of the terms. */
static void multiply_plainly(enum graph_type type, const struct kernel_product_size *size, const void *a, const void *b,
                             void *c) {
  for (int64_t i = 0; i < size->rows; i++)
    for (int64_t j = 0; j < size->columns; j++) {
      double sum = size->add ? element(type, c, i, size->c_row, j, 1) : 0;
      for (int64_t k = 0; k < size->terms; k++) {
        const double x = element(type, a, i, size->a_row, k, size->a_term),
                     y = element(type, b, k, size->b_term, j, size->b_column);
        sum = type == GRAPH_F32 ? (double)fmaf((float)x, (float)y, (float)sum) : fma(x, y, sum);
      }
      if (type == GRAPH_F32)
        ((float *)c)[i * size->c_row + j] = (float)sum;
      else
        ((double *)c)[i * size->c_row + j] = sum;
    }
}

/* Whatever the registers hold, whichever way the matrices lie; rows of c keep what stands between them. */
static void products_have_the_same_bits_at_every_level(void **unused) {
  (void)unused;
  enum { GAP = 3 };
  static const int64_t sizes[][3] = {{1, 1, 16}, {5, 7, 33}, {64, 128, 128}, {61, 1030, 47}, {12, 3, 32}, {100, 9, 1}};
  for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
    for (int mode = 0; mode < 16; mode++) {
      const enum graph_type type = mode & 1 ? GRAPH_F64 : GRAPH_F32;
      const bool ta = mode & 2, tb = mode & 4;
      const int64_t m = sizes[s][0], k = sizes[s][1], n = sizes[s][2];
      const struct kernel_product_size size = {.rows = m,
                                               .columns = n,
                                               .terms = k,
                                               .a_row = ta ? 1 : k,
                                               .a_term = ta ? m : 1,
                                               .b_term = tb ? 1 : n,
                                               .b_column = tb ? k : 1,
                                               .c_row = n + GAP,
                                               .add = mode & 8};
      const struct shape a_shape = shape_make(type, 2, (const int64_t[]){m, k}),
                         b_shape = shape_make(type, 2, (const int64_t[]){k, n}),
                         c_shape = shape_make(type, 2, (const int64_t[]){m, n + GAP});
      void *a = harness_draw(&a_shape, 1), *b = harness_draw(&b_shape, 2), *expected = harness_draw(&c_shape, 3);
      multiply_plainly(type, &size, a, b, expected);
      for (int level = 0; level <= (int)cpu_level_here(); level++) {
        void *c = harness_draw(&c_shape, 3);
        kernels_get((enum cpu_level)level)->product[type](&size, a, b, c);
        assert_memory_equal(c, expected, (size_t)shape_bytes(&c_shape));
        free(c);
      }
      free(a), free(b), free(expected);
    }
}

/* Terms of a in pieces that overlap, as the patches of an image do; more terms than a panel holds, in
 * one piece or many. */
static void terms_may_come_in_pieces(void **unused) {
  (void)unused;
  static const int64_t cases[][3] = {{3, 9, 11}, {40, 7, 3}, {2, 300, 50}}; /* pieces, terms of each, between starts */
  enum { ROWS = 17, COLUMNS = 21 };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const int64_t pieces = cases[i][0], piece = cases[i][1], step = cases[i][2], terms = pieces * piece;
    const struct shape a_shape = shape_make(GRAPH_F32, 1, (const int64_t[]){ROWS + pieces * step + piece});
    const struct shape b_shape = shape_make(GRAPH_F32, 2, (const int64_t[]){terms, COLUMNS});
    const struct shape c_shape = shape_make(GRAPH_F32, 2, (const int64_t[]){ROWS, COLUMNS});
    struct kernel_product_size size = kernel_product_turned(ROWS, COLUMNS, terms);
    size.a_term = 1;
    size.piece = piece;
    size.a_piece = step;
    float *a = harness_draw(&a_shape, 1), *b = harness_draw(&b_shape, 2), *expected = harness_draw(&c_shape, 3);
    for (int64_t p = 0; p < pieces; p++) { /* one piece after the other */
      struct kernel_product_size part = kernel_product_turned(ROWS, COLUMNS, piece);
      part.a_term = 1;
      part.add = p > 0;
      multiply_plainly(GRAPH_F32, &part, a + p * step, b + p * piece * COLUMNS, expected);
    }
    for (int level = 0; level <= (int)cpu_level_here(); level++) {
      float *c = harness_draw(&c_shape, 4);
      kernels_get((enum cpu_level)level)->product[GRAPH_F32](&size, a, b, c);
      assert_memory_equal(c, expected, (size_t)shape_bytes(&c_shape));
      free(c);
    }
    free(a), free(b), free(expected);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(products_agree_with_the_reference),
                                     cmocka_unit_test(products_have_the_same_bits_at_every_level),
                                     cmocka_unit_test(terms_may_come_in_pieces)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
