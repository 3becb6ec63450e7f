/* CPU levels: names, parsing, the level in force. */
#include "base/status.h"
#include "graph/cpu.h"
#include "testing.h"

#include <string.h>

static void test_names(void **state) {
  (void)state;
  for (int i = 0; i < CPU_LEVEL_COUNT; i++) {
    const char *name = cpu_level_name((enum cpu_level)i);
    assert_true(name && *name);
    for (int j = 0; j < i; j++) assert_string_not_equal(name, cpu_level_name((enum cpu_level)j));
  }
  assert_string_equal("base", cpu_level_name(CPU_BASE));
}

static void test_parse(void **state) {
  (void)state;
  enum cpu_level here = cpu_level_here();
  for (int i = 0; i < CPU_LEVEL_COUNT; i++) {
    enum cpu_level level = CPU_LEVEL_COUNT;
    const char *name = cpu_level_name((enum cpu_level)i);
    if (i <= (int)here) {
      assert_ok(cpu_level_parse(name, &level));
      assert_int_equal(i, level);
    } else {
      assert_status(STATUS_USAGE, cpu_level_parse(name, &level));
      assert_non_null(strstr(status_message(), cpu_level_name(here))); /* says what there is */
      assert_int_equal(CPU_LEVEL_COUNT, level);
    }
  }
}

static void test_parse_of_nonsense(void **state) {
  (void)state;
  static const char *const wrong[] = {"", "BASE", "avx", "avx2 ", " base", "sse2", "avx5122"};
  for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    enum cpu_level level = CPU_LEVEL_COUNT;
    assert_status(STATUS_USAGE, cpu_level_parse(wrong[i], &level));
    assert_int_equal(CPU_LEVEL_COUNT, level);
    for (int j = 0; j < CPU_LEVEL_COUNT; j++)
      assert_non_null(strstr(status_message(), cpu_level_name((enum cpu_level)j)));
  }
}

static void test_level_in_force(void **state) {
  (void)state;
  assert_int_equal(cpu_level_here(), cpu_level_get());
  cpu_level_set(CPU_BASE);
  assert_int_equal(CPU_BASE, cpu_level_get());
  cpu_level_set(cpu_level_here());
  assert_int_equal(cpu_level_here(), cpu_level_get());
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_parse),
                                     cmocka_unit_test(test_parse_of_nonsense), cmocka_unit_test(test_level_in_force)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
