/* Random numbers: the generator's published vectors, streams that share nothing, ranges, moments. */
#include "base/rng.h"
#include "testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* kat_vectors of Random123: philox4x32 with 10 rounds. */
static void test_known_answers(void **state) {
  (void)state;
  static const struct {
    uint32_t counter[4], key[2], answer[4];
  } vectors[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (size_t v = 0; v < sizeof vectors / sizeof vectors[0]; v++) {
    struct rng rng = {.used = 4};
    memcpy(rng.key, vectors[v].key, sizeof rng.key);
    memcpy(rng.counter, vectors[v].counter, sizeof rng.counter);
    for (int i = 0; i < 4; i++) assert_int_equal(vectors[v].answer[i], rng_u32(&rng));
  }
}

static void test_stream_layout(void **state) {
  (void)state;
  struct rng rng = rng_stream(UINT64_C(0x0123456789abcdef), RNG_NOISE, UINT64_C(0xfedcba9876543210), 0xda5a5a);
  assert_int_equal(0x89abcdef, rng.key[0]);
  assert_int_equal(0x01234567, rng.key[1]);
  assert_int_equal(0, rng.counter[0]);
  assert_int_equal(0x02da5a5a, rng.counter[1]);
  assert_int_equal(0x76543210, rng.counter[2]);
  assert_int_equal(0xfedcba98, rng.counter[3]);
  struct rng high = rng_stream(1, RNG_TEST, 2, UINT32_C(0x7f000003));
  assert_int_equal(0xff000003, high.counter[1]);
  /* 64 bits: low word first. */
  struct rng words = rng_stream(3, RNG_TEST, 4, 5), wide = words;
  uint64_t low = rng_u32(&words), top = rng_u32(&words);
  assert_true(rng_u64(&wide) == (low | top << 32));
}

/* First blocks of many neighbouring streams: no word pair twice (2^64 values, 40,000 draws). */
static int compare_u64(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static void test_streams_differ(void **state) {
  (void)state;
  enum { STREAMS = 10 * 10 * 10 * 10, EACH = 4 };
  static uint64_t drawn[STREAMS * EACH];
  size_t count = 0;
  for (unsigned seed = 0; seed < 10; seed++)
    for (unsigned purpose = 1; purpose <= 10; purpose++)
      for (unsigned index = 0; index < 10; index++)
        for (unsigned sub = 0; sub < 10; sub++) {
          struct rng rng = rng_stream(seed, (enum rng_purpose)purpose, index, sub);
          for (int i = 0; i < EACH; i++) drawn[count++] = rng_u64(&rng);
        }
  qsort(drawn, count, sizeof drawn[0], compare_u64);
  for (size_t i = 1; i < count; i++) assert_true(drawn[i] != drawn[i - 1]);
}

/* Correlation of streams that differ in one part of the key:
 * sums of products of n uniforms, within 5 standard errors of 0. */
static void test_streams_are_independent(void **state) {
  (void)state;
  enum { N = 100000 };
  for (int part = 0; part < 4; part++) {
    struct rng a = rng_stream(7, RNG_INITIAL, 11, 13);
    struct rng b =
        rng_stream(part == 0 ? 8 : 7, part == 1 ? RNG_NOISE : RNG_INITIAL, part == 2 ? 12 : 11, part == 3 ? 14 : 13);
    double sum = 0;
    for (int i = 0; i < N; i++) sum += (rng_uniform(&a) - 0.5) * (rng_uniform(&b) - 0.5);
    assert_true(fabs(sum) < 5.0 * sqrt(N) / 12.0);
  }
}

static void test_uniform(void **state) {
  (void)state;
  enum { N = 400000 };
  struct rng rng = rng_stream(1, RNG_TEST, 1, 1), single = rng;
  double sum = 0, squares = 0, fsum = 0, fsquares = 0;
  for (int i = 0; i < N; i++) {
    double u = rng_uniform(&rng), f = (double)rng_uniform_f32(&single);
    assert_true(u > 0.0 && u < 1.0 && f > 0.0 && f < 1.0);
    sum += u, squares += u * u, fsum += f, fsquares += f * f;
  }
  /* Variances: 1/12 of u, 4/45 of u^2. */
  assert_true(fabs(sum / N - 0.5) < 5.0 * sqrt(1.0 / 12 / N));
  assert_true(fabs(fsum / N - 0.5) < 5.0 * sqrt(1.0 / 12 / N));
  assert_true(fabs(squares / N - 1.0 / 3) < 5.0 * sqrt(4.0 / 45 / N));
  assert_true(fabs(fsquares / N - 1.0 / 3) < 5.0 * sqrt(4.0 / 45 / N));
}

/* The ends of the interval, by a hand-made block of all zeros and all ones. */
static void test_uniform_is_open(void **state) {
  (void)state;
  struct rng rng = {.word = {0, 0, UINT32_MAX, UINT32_MAX}, .used = 0};
  assert_true(rng_uniform(&rng) == 0x1p-53);
  assert_true(rng_uniform(&rng) == 1.0 - 0x1p-53);
  rng.used = 1;
  assert_true(rng_uniform_f32(&rng) == 0x1p-24f);
  assert_true(rng_uniform_f32(&rng) == 1.0f - 0x1p-24f);
}

static void test_below(void **state) {
  (void)state;
  enum { N = 300000, BOUND = 7 };
  struct rng rng = rng_stream(2, RNG_TEST, 0, 0);
  double counts[BOUND] = {0}, chi = 0;
  for (int i = 0; i < N; i++) {
    uint64_t value = rng_below(&rng, BOUND);
    assert_true(value < BOUND);
    counts[value]++;
  }
  for (int k = 0; k < BOUND; k++) chi += (counts[k] - (double)N / BOUND) * (counts[k] - (double)N / BOUND) * BOUND / N;
  assert_true(chi < 33.0); /* 6 degrees of freedom: p = 1e-5 */
  assert_int_equal(0, rng_below(&rng, 1));

  /* 3/4 of 2^64: without rejection the lowest third would come out twice as often. */
  const uint64_t bound = UINT64_C(3) << 62;
  int lowest = 0;
  for (int i = 0; i < 30000; i++) {
    uint64_t value = rng_below(&rng, bound);
    assert_true(value < bound);
    lowest += value < bound / 3;
  }
  assert_true(abs(lowest - 10000) < 5 * 82); /* sqrt(30000 * 1/3 * 2/3) = 82 */
}

/* Mean, variance, third and fourth moment, tails, and correlation of a pair, each within 5 standard errors. */
static void test_normal_moments(void **state) {
  (void)state;
  enum { N = 1000000, CHUNK = 10 };
  struct rng rng = rng_stream(3, RNG_TEST, 0, 0);
  double moment[5] = {0}, pair = 0, beyond = 0;
  for (int i = 0; i < N; i += CHUNK) {
    double x[CHUNK];
    rng_normal(&rng, x, CHUNK);
    for (int k = 0; k < CHUNK; k++) {
      double power = 1;
      for (int m = 0; m < 5; m++, power *= x[k]) moment[m] += power;
      beyond += fabs(x[k]) > 3.0;
      if (k % 2 == 1) pair += x[k] * x[k - 1];
    }
  }
  const double want[5] = {1, 0, 1, 0, 3}, variance[5] = {1, 1, 2, 15, 96};
  for (int m = 1; m < 5; m++) assert_true(fabs(moment[m] / N - want[m]) < 5.0 * sqrt(variance[m] / N));
  assert_true(fabs(pair) < 5.0 * sqrt(N / 2.0));
  const double p = 0.0026997960632601866;
  assert_true(fabs(beyond - N * p) < 5.0 * sqrt(N * p));
}

static void test_normal_is_box_muller(void **state) {
  (void)state;
  struct rng rng = rng_stream(4, RNG_TEST, 0, 0), uniform = rng;
  double x[40];
  rng_normal(&rng, x, 40);
  for (int i = 0; i < 40; i += 2) {
    double u = rng_uniform(&uniform), v = rng_uniform(&uniform), radius = sqrt(-2.0 * log(u));
    assert_true(fabs(x[i] - radius * cos(2 * 3.14159265358979323846 * v)) < 1e-14);
    assert_true(fabs(x[i + 1] - radius * sin(2 * 3.14159265358979323846 * v)) < 1e-14);
  }
  assert_true(rng_u32(&rng) == rng_u32(&uniform));
}

/* Any count gives the beginning of the same sequence and leaves the stream after a whole pair. */
static void test_normal_counts(void **state) {
  (void)state;
  double all[64];
  struct rng rng = rng_stream(5, RNG_TEST, 0, 0);
  rng_normal(&rng, all, 64);
  for (int count = 0; count <= 64; count++) {
    double x[64];
    float f[64];
    struct rng a = rng_stream(5, RNG_TEST, 0, 0), b = a, c = a;
    rng_normal(&a, x, count);
    rng_normal_f32(&b, f, count);
    for (int i = 0; i < (count + 1) / 2 * 4; i++) (void)rng_u32(&c);
    uint32_t next = rng_u32(&c);
    assert_true(rng_u32(&a) == next && rng_u32(&b) == next);
    for (int i = 0; i < count; i++) assert_true(x[i] == all[i] && f[i] == (float)all[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_answers),
                                     cmocka_unit_test(test_stream_layout),
                                     cmocka_unit_test(test_streams_differ),
                                     cmocka_unit_test(test_streams_are_independent),
                                     cmocka_unit_test(test_uniform),
                                     cmocka_unit_test(test_uniform_is_open),
                                     cmocka_unit_test(test_below),
                                     cmocka_unit_test(test_normal_moments),
                                     cmocka_unit_test(test_normal_is_box_muller),
                                     cmocka_unit_test(test_normal_counts)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
