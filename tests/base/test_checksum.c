/* Checksums: the cut does not matter, every bit does, arrays do not mix up, the text form is strict. */
#include "base/checksum.h"
#include "base/rng.h"
#include "testing.h"

#include <string.h>

enum { WORDS = 100, BYTES = 8 * WORDS };

static unsigned char data[BYTES];

static int fill(void **state) {
  (void)state;
  struct rng rng = rng_stream(1, RNG_TEST, 0, 0);
  for (int i = 0; i < BYTES; i++) data[i] = (unsigned char)rng_below(&rng, 256);
  return 0;
}

static struct checksum whole(uint64_t tag, size_t bytes) {
  struct checksum sum = {{0}};
  checksum_add(&sum, tag, 0, data, bytes);
  return sum;
}

static int equal(struct checksum a, struct checksum b) { return a.word[0] == b.word[0] && a.word[1] == b.word[1]; }

static void test_cut_does_not_matter(void **state) {
  (void)state;
  for (size_t bytes = 0; bytes <= BYTES; bytes += 37) {
    struct checksum expected = whole(5, bytes);
    for (size_t piece = 8; piece <= BYTES; piece += 40) {
      struct checksum odd = {{0}}, even = {{0}};
      for (size_t at = 0, k = 0; at < bytes; at += piece, k++)
        checksum_add(k % 2 ? &odd : &even, 5, at, data + at, bytes - at < piece ? bytes - at : piece);
      checksum_merge(&odd, &even);
      assert_true(equal(expected, odd));
    }
  }
}

static void test_tail_is_padded(void **state) {
  (void)state;
  unsigned char padded[16] = {0};
  for (size_t left = 0; left < 8; left++) {
    memset(padded, 0, sizeof padded);
    memcpy(padded, data, 8 + left);
    struct checksum sum = {{0}};
    checksum_add(&sum, 5, 0, padded, left > 0 ? 16 : 8);
    assert_true(equal(sum, whole(5, 8 + left)));
  }
}

static void test_length_matters(void **state) {
  (void)state;
  static const unsigned char zeros[64];
  struct checksum seen[9];
  for (size_t words = 0; words <= 8; words++) {
    seen[words] = (struct checksum){{0}};
    checksum_add(&seen[words], 5, 0, zeros, 8 * words);
    for (size_t other = 0; other < words; other++) assert_false(equal(seen[words], seen[other]));
  }
}

static void test_every_bit_matters(void **state) {
  (void)state;
  struct checksum expected = whole(5, BYTES - 3);
  for (int bit = 0; bit < 8 * (BYTES - 3); bit++) {
    data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    struct checksum damaged = whole(5, BYTES - 3);
    data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    assert_true(damaged.word[0] != expected.word[0] && damaged.word[1] != expected.word[1]);
  }
}

static void test_order_matters(void **state) {
  (void)state;
  struct checksum expected = whole(5, BYTES);
  for (size_t i = 0; i < WORDS; i++) {
    for (size_t j = 0; j < i; j++) {
      unsigned char a[8], b[8];
      memcpy(a, data + 8 * i, 8), memcpy(b, data + 8 * j, 8);
      memcpy(data + 8 * i, b, 8), memcpy(data + 8 * j, a, 8);
      struct checksum swapped = whole(5, BYTES);
      memcpy(data + 8 * i, a, 8), memcpy(data + 8 * j, b, 8);
      assert_true(swapped.word[0] != expected.word[0] && swapped.word[1] != expected.word[1]);
    }
  }
}

static void test_tags_separate(void **state) {
  (void)state;
  uint64_t p = checksum_tag("p"), q = checksum_tag("q");
  assert_true(p != q && p == checksum_tag("p") && checksum_tag("") != 0);
  assert_false(equal(whole(p, BYTES), whole(q, BYTES)));
  /* Two arrays exchanged: the sum of both must change. */
  struct checksum right = {{0}}, wrong = {{0}};
  checksum_add(&right, p, 0, data, BYTES / 2), checksum_add(&right, q, 0, data + BYTES / 2, BYTES / 2);
  checksum_add(&wrong, q, 0, data, BYTES / 2), checksum_add(&wrong, p, 0, data + BYTES / 2, BYTES / 2);
  assert_false(equal(right, wrong));
}

/* Files hold these: the function may never change. */
static void test_fixed_value(void **state) {
  (void)state;
  char text[CHECKSUM_TEXT];
  struct checksum sum = {{0}};
  checksum_add(&sum, checksum_tag("/train/states"), 0, "Philox4x32-10", 13);
  checksum_text(&sum, text);
  assert_string_equal("9d884562cee2f73ccfa359db00f72344", text);
}

static void test_text(void **state) {
  (void)state;
  char text[CHECKSUM_TEXT];
  struct checksum sum = {{UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)}}, back;
  checksum_text(&sum, text);
  assert_string_equal("0123456789abcdeffedcba9876543210", text);
  assert_int_equal(0, checksum_parse(text, &back));
  assert_true(equal(sum, back));
  assert_int_equal(0, checksum_parse("0123456789ABCDEFFEDCBA9876543210", &back));
  assert_true(equal(sum, back));
  struct checksum kept = back;
  const char *const wrong[] = {"",
                               "0",
                               "0123456789abcdeffedcba987654321",
                               "0123456789abcdeffedcba98765432100",
                               "0123456789abcdeffedcba987654321g",
                               " 123456789abcdeffedcba9876543210",
                               "0123456789abcdeffedcba9876543210 ",
                               "0x23456789abcdeffedcba9876543210"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    assert_int_equal(-1, checksum_parse(wrong[i], &back));
    assert_true(equal(kept, back));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cut_does_not_matter), cmocka_unit_test(test_tail_is_padded),
      cmocka_unit_test(test_length_matters),      cmocka_unit_test(test_every_bit_matters),
      cmocka_unit_test(test_order_matters),       cmocka_unit_test(test_tags_separate),
      cmocka_unit_test(test_fixed_value),         cmocka_unit_test(test_text)};
  return cmocka_run_group_tests(tests, fill, NULL);
}
