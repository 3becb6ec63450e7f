/* Reductions: the same global data, cut over the ranks in any way, gives the bits of a serial sum, which every rank
 * computes for itself. Pieces are 7 words here instead of 2^30, so that arrays are cut as very long ones would be. */
#define REDUCE_PIECE 7
#include "base/rng.h"
#include "comm/reduce.c" /* with its pieces made small */
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ITEMS = 48, TENSORS = 4, TOTAL = 61, WORDS = TOTAL + 2 * TENSORS, CUTS = 5 };

static struct comm world;

static const int64_t offsets[TENSORS + 1] = {0, 20, 20, 50, 61};
static const int magnitude[TENSORS] = {-100, 0, 100, -34}; /* log2: 1e-30 to 1e30 */
static const struct fixed_layout layout = {TENSORS, offsets, ITEMS};

/* Who owns item `item` in one of several cuts: in a row, by turns, all on one rank (the others are empty), at random,
 * in a row from the last rank. */
static int owner(int cut, int item) {
  struct rng rng = rng_stream(9, RNG_TEST, (uint64_t)item, (uint32_t)cut);
  int row = item * world.size / ITEMS;
  const int owners[CUTS] = {row, item % world.size, world.size - 1, (int)rng_below(&rng, (uint64_t)world.size),
                            world.size - 1 - row};
  return owners[cut];
}

static void draw_item(int item, double *value) {
  struct rng rng = rng_stream(1, RNG_TEST, (uint64_t)item, 0);
  for (int t = 0; t < TENSORS; t++)
    for (int64_t i = offsets[t]; i < offsets[t + 1]; i++)
      value[i] = (rng_uniform(&rng) - 0.5) * ldexp(1.0, magnitude[t] - (int)rng_below(&rng, 20));
}

static void test_exact(void **state) {
  (void)state;
  enum { SUMS = 3 };
  struct exact serial[SUMS];
  for (int s = 0; s < SUMS; s++) exact_clear(&serial[s]);
  double value[TOTAL];
  for (int item = 0; item < ITEMS; item++) {
    draw_item(item, value);
    for (int i = 0; i < TOTAL; i++) exact_add(&serial[i % SUMS], value[i]);
  }
  for (int cut = 0; cut < CUTS; cut++) {
    struct exact sums[SUMS];
    for (int s = 0; s < SUMS; s++) exact_clear(&sums[s]);
    for (int item = ITEMS - 1; item >= 0; item--) {
      if (owner(cut, item) != world.rank) continue;
      draw_item(item, value);
      for (int i = 0; i < TOTAL; i++) exact_add(&sums[i % SUMS], value[i]);
    }
    assert_ok(reduce_exact(&world, sums, SUMS));
    for (int s = 0; s < SUMS; s++) {
      double expected = exact_value(&serial[s]), got = exact_value(&sums[s]);
      assert_memory_equal(&expected, &got, sizeof got);
    }
    /* A reduced sum may be added to and reduced again: `size` copies of it and of one more summand. */
    exact_add(&sums[0], 1.0);
    struct exact more = serial[0], many;
    exact_add(&more, 1.0);
    exact_clear(&many);
    for (int r = 0; r < world.size; r++) exact_merge(&many, &more);
    assert_ok(reduce_exact(&world, sums, 1));
    assert_true(exact_value(&sums[0]) == exact_value(&many));
  }
}

/* Digits near their limit on every rank: 2^29 summands without a carry propagated overflow on 4 ranks unless the
 * reduction does it. */
static void test_exact_full_digits(void **state) {
  (void)state;
  const double value = (2.0 - 0x1p-52) * 0x1p-20;
  struct exact sum;
  exact_clear(&sum);
  exact_add(&sum, value);
  for (int i = 0; i < 29; i++) {
    struct exact copy = sum;
    exact_merge(&sum, &copy);
  }
  assert_ok(reduce_exact(&world, &sum, 1));
  assert_true(exact_value(&sum) == ldexp(value, 29) * world.size);
}

static void test_exact_nonfinite(void **state) {
  (void)state;
  for (int bad = 0; bad < world.size; bad++) {
    struct exact sums[2];
    for (int s = 0; s < 2; s++) {
      exact_clear(&sums[s]);
      exact_add(&sums[s], 1.0 + world.rank);
    }
    if (world.rank == bad) exact_add(&sums[1], (double)NAN);
    assert_ok(reduce_exact(&world, sums, 2));
    assert_true(exact_value(&sums[0]) == 0.5 * world.size * (world.size + 1));
    assert_true(isnan(exact_value(&sums[1])));
  }
}

/* The largest exponent of all ranks for each tensor. */
static void agree_exponents(int32_t *exponent) {
  int64_t wide[TENSORS];
  for (int t = 0; t < TENSORS; t++) wide[t] = exponent[t];
  assert_ok(reduce_max(&world, wide, TENSORS));
  for (int t = 0; t < TENSORS; t++) exponent[t] = (int32_t)wide[t];
}

/* The rank's items into `sum`, exponents agreed first. */
static void sum_items(int cut, int32_t *exponent, int64_t *sum) {
  double value[TOTAL];
  for (int t = 0; t < TENSORS; t++) exponent[t] = FIXED_EXPONENT_ZERO;
  for (int item = 0; item < ITEMS; item++) {
    if (cut >= 0 && owner(cut, item) != world.rank) continue;
    draw_item(item, value);
    fixed_exponents_f64(&layout, value, exponent);
  }
  if (cut >= 0) agree_exponents(exponent);
  memset(sum, 0, WORDS * sizeof *sum);
  for (int item = 0; item < ITEMS; item++) {
    if (cut >= 0 && owner(cut, item) != world.rank) continue;
    draw_item(item, value);
    fixed_add_f64(&layout, exponent, value, sum);
  }
}

static void finish_with_progress(struct reduce_request *request) {
  int done = 0;
  for (long polls = 0; !done; polls++) {
    assert_ok(reduce_progress(request, &done));
    assert_true(polls < 2000000000L);
  }
  assert_ok(reduce_progress(request, &done)); /* once more is harmless */
  assert_int_equal(1, done);
  assert_ok(reduce_finish(request));
}

static void test_fixed(void **state) {
  (void)state;
  int32_t expected_exponent[TENSORS], exponent[TENSORS];
  int64_t expected[WORDS], sum[WORDS];
  double expected_value[TOTAL], value[TOTAL];
  sum_items(-1, expected_exponent, expected);
  assert_ok(fixed_values_f64(&layout, expected_exponent, expected, expected_value));
  for (int cut = 0; cut < CUTS; cut++) {
    for (int form = 0; form < 3; form++) {
      sum_items(cut, exponent, sum);
      assert_memory_equal(expected_exponent, exponent, sizeof exponent);
      struct reduce_request request = {.count = 0};
      if (form == 0) {
        assert_ok(reduce_sum(&world, sum, WORDS));
      } else {
        assert_ok(reduce_begin(&world, sum, WORDS, &request));
        assert_int_equal((WORDS + REDUCE_PIECE - 1) / REDUCE_PIECE, request.count);
        if (form == 1) assert_ok(reduce_finish(&request));
        if (form == 2) finish_with_progress(&request);
      }
      assert_memory_equal(expected, sum, sizeof sum);
      assert_ok(fixed_values_f64(&layout, exponent, sum, value));
      assert_memory_equal(expected_value, value, sizeof value);
    }
  }
}

/* A NaN, and a value beyond an exponent carried from before, on one rank: the same reduction tells every rank. */
static void test_fixed_failures_reach_all(void **state) {
  (void)state;
  for (int bad = 0; bad < world.size; bad++) {
    for (int kind = 0; kind < 2; kind++) {
      double value[TOTAL];
      const int32_t exponent[TENSORS] = {-90, 0, 110, -20};
      int64_t sum[WORDS] = {0};
      draw_item(world.rank, value);
      if (world.rank == bad) value[25] = kind == 0 ? (double)NAN : 0x1p+111;
      fixed_add_f64(&layout, exponent, value, sum);
      struct reduce_request request;
      assert_ok(reduce_begin(&world, sum, WORDS, &request));
      assert_ok(reduce_finish(&request));
      assert_status(STATUS_NUMERIC, fixed_values_f64(&layout, exponent, sum, value));
      assert_non_null(strstr(status_message(), "tensor 2"));
      assert_int_equal(kind == 0, sum[TOTAL + 4]);
      assert_int_equal(kind == 1, sum[TOTAL + 5]);
    }
  }
}

/* Sums, maxima and the agreement in two messages; a failure of one rank is every rank's, and the next ones work. */
static void test_agree(void **state) {
  (void)state;
  for (int bad = -1; bad < world.size; bad++) {
    int64_t sum[2 * REDUCE_PIECE + 1], most[REDUCE_PIECE + 2];
    for (int i = 0; i < 2 * REDUCE_PIECE + 1; i++) sum[i] = (world.rank + 1) * (i + 1);
    for (int i = 0; i < REDUCE_PIECE + 1; i++) most[i] = i % 2 ? world.rank : FIXED_EXPONENT_ZERO - world.rank;
    const enum status local = world.rank == bad ? status_raise(STATUS_NUMERIC, "rank %d cannot", bad) : STATUS_OK;
    const enum status agreed = reduce_agree(&world, sum, 2 * REDUCE_PIECE + 1, most, REDUCE_PIECE + 1, local);
    if (bad >= 0) {
      char expected[64];
      snprintf(expected, sizeof expected, "rank %d cannot", bad);
      assert_int_equal(STATUS_NUMERIC, agreed);
      assert_non_null(strstr(status_message(), expected));
      continue;
    }
    assert_ok(agreed);
    for (int i = 0; i < 2 * REDUCE_PIECE + 1; i++)
      assert_int_equal(world.size * (world.size + 1) / 2 * (i + 1), sum[i]);
    for (int i = 0; i < REDUCE_PIECE + 1; i++) assert_int_equal(i % 2 ? world.size - 1 : FIXED_EXPONENT_ZERO, most[i]);
  }
}

/* Every count around the piece length, each word of its own value. */
static void test_sum_and_max_of_any_count(void **state) {
  (void)state;
  for (int64_t count = 0; count <= 3 * REDUCE_PIECE + 1; count++) {
    int64_t sum[3 * REDUCE_PIECE + 2], later[3 * REDUCE_PIECE + 2], most[3 * REDUCE_PIECE + 2];
    for (int64_t i = 0; i < 3 * REDUCE_PIECE + 2; i++) {
      sum[i] = later[i] = (world.rank + 1) * (i + 1) * (INT64_C(1) << 40);
      most[i] = i % 2 ? -world.rank - i : world.rank + i;
    }
    struct reduce_request request;
    assert_ok(reduce_begin(&world, later, count, &request));
    assert_ok(reduce_sum(&world, sum, count));
    assert_ok(reduce_max(&world, most, count));
    assert_ok(reduce_finish(&request));
    for (int64_t i = 0; i < 3 * REDUCE_PIECE + 2; i++) {
      int64_t ranks = i < count ? (int64_t)world.size * (world.size + 1) / 2 : world.rank + 1;
      assert_int_equal(ranks * (i + 1) * (INT64_C(1) << 40), sum[i]);
      assert_int_equal(sum[i], later[i]);
      int64_t rank = i >= count ? world.rank : i % 2 ? 0 : world.size - 1;
      assert_int_equal(i % 2 ? -rank - i : rank + i, most[i]);
    }
  }
}

static void test_requests_overlap(void **state) {
  (void)state;
  enum { REQUESTS = 4, COUNT = 20 };
  struct reduce_request request[REQUESTS];
  int64_t words[REQUESTS][COUNT];
  for (int r = 0; r < REQUESTS; r++) {
    for (int i = 0; i < COUNT; i++) words[r][i] = 100 * r + i;
    assert_ok(reduce_begin(&world, words[r], COUNT, &request[r]));
  }
  for (int r = REQUESTS - 1; r >= 0; r--) assert_ok(reduce_finish(&request[r]));
  for (int r = 0; r < REQUESTS; r++)
    for (int i = 0; i < COUNT; i++) assert_int_equal(world.size * (100 * r + i), words[r][i]);
}

static void test_nothing(void **state) {
  (void)state;
  struct reduce_request request = {.count = 0};
  int done = 0;
  assert_ok(reduce_finish(&request));
  assert_ok(reduce_progress(&request, &done));
  assert_int_equal(1, done);
  assert_ok(reduce_begin(&world, NULL, 0, &request));
  assert_ok(reduce_finish(&request));
  assert_ok(reduce_finish(&request));
  assert_ok(reduce_sum(&world, NULL, 0));
  assert_ok(reduce_max(&world, NULL, 0));
  assert_ok(reduce_exact(&world, NULL, 0));
  assert_ok(reduce_checksum(&world, NULL, 0));
}

static void test_too_long(void **state) {
  (void)state;
  struct reduce_request request;
  assert_status(STATUS_ARGUMENT, reduce_begin(&world, NULL, REDUCE_PIECES * REDUCE_PIECE + 1, &request));
  assert_ok(reduce_finish(&request));
}

static void test_checksum(void **state) {
  (void)state;
  unsigned char data[8 * ITEMS];
  struct rng rng = rng_stream(2, RNG_TEST, 0, 0);
  for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)rng_u32(&rng);
  struct checksum serial = {{0}};
  checksum_add(&serial, 3, 0, data, sizeof data - 5);
  for (int cut = 0; cut < CUTS; cut++) {
    struct checksum sums[2] = {{{0}}, {{0}}};
    for (int item = 0; item < ITEMS; item++)
      if (owner(cut, item) == world.rank)
        checksum_add(&sums[item % 2], 3, (uint64_t)item * 8, data + 8 * item, item == ITEMS - 1 ? 3 : 8);
    assert_ok(reduce_checksum(&world, sums, 2));
    checksum_merge(&sums[0], &sums[1]);
    assert_memory_equal(&serial, &sums[0], sizeof serial);
  }
}

/* An error of MPI on every rank (a type the operation does not know) is returned by all; the communicator lives on. */
static void test_mpi_failure(void **state) {
  (void)state;
  int64_t words[20] = {0};
  assert_status(STATUS_MPI, reduce_pieces(&world, words, 20, MPI_DATATYPE_NULL, sizeof words[0], MPI_SUM));
  assert_non_null(strstr(status_message(), "MPI_Allreduce"));
  assert_ok(reduce_sum(&world, words, 20));
}

int main(int argc, char **argv) {
  if (MPI_Init(&argc, &argv) != MPI_SUCCESS || comm_open(MPI_COMM_WORLD, &world) != STATUS_OK) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_exact),
                                     cmocka_unit_test(test_exact_full_digits),
                                     cmocka_unit_test(test_exact_nonfinite),
                                     cmocka_unit_test(test_fixed),
                                     cmocka_unit_test(test_fixed_failures_reach_all),
                                     cmocka_unit_test(test_agree),
                                     cmocka_unit_test(test_sum_and_max_of_any_count),
                                     cmocka_unit_test(test_requests_overlap),
                                     cmocka_unit_test(test_nothing),
                                     cmocka_unit_test(test_too_long),
                                     cmocka_unit_test(test_checksum),
                                     cmocka_unit_test(test_mpi_failure)};
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  comm_close(&world);
  MPI_Finalize();
  return failed;
}
