/* Matrix products against the reference. */
#include "graph/kernels.h"
#include "graph/linear.h"
#include "harness.h"

static void products_agree_with_the_reference(void **unused) {
  (void)unused;
  static const int64_t sizes[][3] = {{1, 1, 1}, {3, 4, 5}, {17, 1, 9},    {1, 33, 1},    {64, 64, 64}, {0, 3, 4},
                                     {3, 0, 4}, {3, 4, 0}, {8, 128, 256}, {18, 40, 130}, {19, 40, 130}};
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
      matmul_run(&attributes, (const struct shape *const[]){&a, &b}, &out, (const void *const *)data, result);
      for (int64_t i = 0; i < m * n; i++)
        assert_true(fabs(harness_element(&out, result, i) - harness_element(&out, expected, i)) <
                    (type == GRAPH_F32 ? 1e-4 : 1e-12));
      free(data[0]);
      free(data[1]);
      free(result);
      free(expected);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(products_agree_with_the_reference)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
