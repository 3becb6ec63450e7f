/* How a batch and the data are cut into lanes, and the order in which a lane goes through its slice. */
#include "testing.h"
#include "train/source.h"

static void check_cut(int64_t batch, int64_t microbatch, int64_t expected, int64_t count, int64_t last) {
  const struct lanes lanes = lanes_cut(batch, microbatch);
  assert_true(lanes.batch == batch && lanes.microbatch == expected && lanes.count == count);
  assert_int_equal(last, lanes_size(&lanes, count - 1));
}

static void test_cut(void **state) {
  (void)state;
  check_cut(16, 0, 2, 8, 2);
  check_cut(8, 0, 1, 8, 1);
  check_cut(7, 0, 1, 7, 1);
  check_cut(1, 0, 1, 1, 1);
  check_cut(20, 0, 2, 10, 2);
  check_cut(11, 2, 2, 6, 1);
  check_cut(12, 5, 5, 3, 2);
  check_cut(3, 8, 8, 1, 3);
}

static void check_even(int64_t batch, int64_t microbatch, const char *expected) {
  const struct lanes lanes = lanes_cut(batch, microbatch);
  char text[LANES_TEXT_MAX];
  lanes_even(&lanes, text);
  assert_string_equal(expected, text);
}

/* The numbers of ranks that people are told of divide the lanes, and the largest is their number. */
static void test_even(void **state) {
  (void)state;
  check_even(16, 4, "1, 2 or 4");
  check_even(16, 16, "1");
  check_even(7, 1, "1 or 7");
  check_even(11, 2, "1, 2, 3 or 6");
  check_even(128, 1, "1, 2, 4, 8, 16, 32, 64 or 128");
  check_even(256, 1, "..., 2, 4, 8, 16, 32, 64, 128 or 256");
  check_even(65536, 1, "..., 512, 1024, 2048, 4096, 8192, 16384, 32768 or 65536");
  const struct lanes lanes = lanes_cut(12, 1);
  assert_int_equal(12, lanes_even_below(&lanes, 13));
  assert_int_equal(6, lanes_even_below(&lanes, 12));
  assert_int_equal(0, lanes_even_below(&lanes, 1));
}

/* Slices cover all rollouts once, and each has enough for its lane's part of every batch of an epoch. */
static void test_slices(void **state) {
  (void)state;
  for (int64_t batch = 1; batch <= 17; batch++)
    for (int64_t microbatch = 0; microbatch <= 9; microbatch++)
      for (int64_t rollouts = batch; rollouts < batch + 40; rollouts++) {
        const struct lanes lanes = lanes_cut(batch, microbatch);
        int64_t end = 0, sizes = 0;
        for (int64_t lane = 0; lane < lanes.count; lane++) {
          int64_t first, count;
          const int64_t size = lanes_size(&lanes, lane);
          lanes_slice(&lanes, rollouts, lane, &first, &count);
          assert_int_equal(end, first);
          assert_true(size >= 1 && count >= rollouts / batch * size);
          assert_true(count * batch > size * rollouts - batch && count * batch < size * rollouts + batch);
          end = first + count;
          sizes += size;
        }
        assert_int_equal(rollouts, end);
        assert_int_equal(batch, sizes);
      }
}

static void test_shuffle(void **state) {
  (void)state;
  enum { COUNT = 50 };
  const struct {
    uint64_t seed;
    int64_t lane, epoch;
  } keys[] = {{1, 0, 0}, {1, 0, 1}, {1, 1, 0}, {2, 0, 0}, {1, 70000, 70000}};
  int64_t order[5][COUNT], again[COUNT];
  for (int k = 0; k < 5; k++) {
    bool found[COUNT] = {false};
    source_shuffle(keys[k].seed, keys[k].lane, keys[k].epoch, COUNT, order[k]);
    source_shuffle(keys[k].seed, keys[k].lane, keys[k].epoch, COUNT, again);
    assert_memory_equal(order[k], again, sizeof again);
    for (int i = 0; i < COUNT; i++) {
      assert_true(order[k][i] >= 0 && order[k][i] < COUNT && !found[order[k][i]]);
      found[order[k][i]] = true;
    }
    for (int other = 0; other < k; other++) assert_memory_not_equal(order[other], order[k], sizeof again);
  }
  source_shuffle(1, 0, 0, 0, NULL);
}

/* All six orders of three come about 100 times in 600 epochs: within four standard deviations. */
static void test_shuffle_is_fair(void **state) {
  (void)state;
  int seen[27] = {0}, kinds = 0;
  for (int64_t epoch = 0; epoch < 600; epoch++) {
    int64_t order[3];
    source_shuffle(3, 0, epoch, 3, order);
    seen[order[0] * 9 + order[1] * 3 + order[2]]++;
  }
  for (int i = 0; i < 27; i++) {
    assert_true(seen[i] == 0 || (seen[i] > 63 && seen[i] < 137));
    kinds += seen[i] > 0;
  }
  assert_int_equal(6, kinds);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cut),
      cmocka_unit_test(test_even),
      cmocka_unit_test(test_slices),
      cmocka_unit_test(test_shuffle),
      cmocka_unit_test(test_shuffle_is_fair),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
