/* The test vectors of RFC 3720, appendix B.4, and the usual check value. */
#include "base/crc32c.h"
#include "testing.h"

#include <string.h>

static void test_vectors(void **state) {
  unsigned char zeros[32] = {0}, ones[32], up[32], down[32];
  (void)state;
  memset(ones, 0xff, sizeof ones);
  for (int i = 0; i < 32; i++) {
    up[i] = (unsigned char)i;
    down[i] = (unsigned char)(31 - i);
  }
  assert_int_equal(crc32c(zeros, 32), 0x8a9136aaU);
  assert_int_equal(crc32c(ones, 32), 0x62a8ab43U);
  assert_int_equal(crc32c(up, 32), 0x46dd794eU);
  assert_int_equal(crc32c(down, 32), 0x113fdb5cU);
  assert_int_equal(crc32c("123456789", 9), 0xe3069283U);
  assert_int_equal(crc32c("", 0), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
