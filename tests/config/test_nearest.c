/* Edit distance: known values, symmetry, and the bound by length. */
#include "config/nearest.h"
#include "testing.h"

#include <string.h>

static void known_distances(void **state) {
  (void)state;
  const struct {
    const char *a, *b;
    int distance;
  } cases[] = {{"", "", 0},
               {"a", "", 1},
               {"mass", "mass", 0},
               {"mas", "mass", 1},
               {"masss", "mass", 1},
               {"msas", "mass", 1},
               {"moss", "mass", 1},
               {"sede", "seed", 1},
               {"kitten", "sitting", 3},
               {"ca", "abc", 3},
               {"abcdef", "badcfe", 3},
               {"frames", "farmes", 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    assert_int_equal(nearest_distance(cases[i].a, cases[i].b), cases[i].distance);
    assert_int_equal(nearest_distance(cases[i].b, cases[i].a), cases[i].distance);
  }
}

static void long_words(void **state) {
  (void)state;
  char a[200], b[200];
  memset(a, 'a', 199);
  memset(b, 'b', 199);
  a[199] = b[199] = '\0';
  assert_int_equal(nearest_distance(a, b), 63);
  assert_int_equal(nearest_distance(a, ""), 63);
  assert_int_equal(nearest_distance("", b), 63);
}

static void closeness(void **state) {
  (void)state;
  assert_true(nearest_close(1, "dt") && !nearest_close(2, "dt"));
  assert_true(nearest_close(2, "mass") && !nearest_close(3, "mass"));
  assert_true(nearest_close(3, "velocity_noise") && !nearest_close(4, "velocity_noise"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(known_distances), cmocka_unit_test(long_words),
                                     cmocka_unit_test(closeness)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
