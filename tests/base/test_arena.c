/* Arrays of one owner. */
#include "base/arena.h"
#include "testing.h"

#include <string.h>

static void arrays(void **state) {
  (void)state;
  struct arena arena = {.last = NULL};
  unsigned char *array[40];
  for (int i = 0; i < 40; i++) {
    array[i] = arena_array(&arena, i, 7);
    assert_non_null(array[i]);
    assert_int_equal(0, (uintptr_t)array[i] % 64);
    for (int k = 0; k < 7 * i; k++) assert_int_equal(0, array[i][k]);
    memset(array[i], i, (size_t)(7 * i));
  }
  for (int i = 0; i < 40; i++)
    for (int k = 0; k < 7 * i; k++) assert_int_equal(i, array[i][k]);
  assert_ok(arena_check(&arena, "arrays"));
  arena_free(&arena);
  assert_int_equal(0, arena.bytes);
  assert_non_null(arena_array(&arena, 1, 1));
  arena_free(&arena);
}

/* What cannot be had is seen at the end, whatever came after it. */
static void refused(void **state) {
  (void)state;
  static const struct {
    int64_t count;
    size_t size;
  } cases[] = {{-1, 1}, {INT64_MAX, 8}, {INT64_MAX / 8, 16}, {1, SIZE_MAX}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct arena arena = {.last = NULL};
    assert_non_null(arena_array(&arena, 3, sizeof(double)));
    assert_null(arena_array(&arena, cases[i].count, cases[i].size));
    assert_non_null(arena_array(&arena, 3, sizeof(double)));
    assert_status(STATUS_MEMORY, arena_check(&arena, "too much"));
    assert_non_null(strstr(status_message(), "out of memory for too much"));
    arena_free(&arena);
    assert_ok(arena_check(&arena, "nothing"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(arrays), cmocka_unit_test(refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
