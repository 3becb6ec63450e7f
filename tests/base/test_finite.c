/* What is finite, and variances that rounding has left below zero. */
#include "base/finite.h"
#include "testing.h"

#include <float.h>
#include <math.h>

/* One that is not, at each place of arrays of each length: vectors have remainders. */
static void test_all(void **state) {
  (void)state;
  static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY}, good[] = {0, -0.0F, FLT_MAX, -FLT_MAX, 1e-45F, -1};
  enum { MOST = 37 };
  float value[MOST];
  assert_true(finite_all_f32(value, 0));
  for (int count = 1; count <= MOST; count++) {
    for (int i = 0; i < count; i++) value[i] = good[i % 6];
    assert_true(finite_all_f32(value, count));
    for (int i = 0; i < count; i++)
      for (int k = 0; k < 4; k++) {
        value[i] = bad[k];
        assert_false(finite_all_f32(value, count));
        assert_true(finite_all_f32(value, i));
        value[i] = good[i % 6];
      }
  }
}

/* fmax(NaN, 0) is 0: the smallest of errors. */
static void test_variance(void **state) {
  (void)state;
  assert_true(isnan(finite_variance(NAN)) && isnan(finite_variance(-NAN)));
  assert_true(finite_variance(INFINITY) == INFINITY && finite_variance(3) == 3 && finite_variance(5e-324) == 5e-324);
  assert_true(finite_variance(-1e-17) == 0 && finite_variance(0) == 0 && !signbit(finite_variance(-0.0)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_all),
      cmocka_unit_test(test_variance),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
