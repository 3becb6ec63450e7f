/* Sums of lanes' gradients: the bits of one rank that adds all lanes, however they are spread and polled; the same
 * outcome on all ranks when a gradient outgrows its scale or is not finite. */
#include "ranks.h"
#include "scene.h"

#include <math.h>

enum { LANES = 7, CUTS = 4, POLLS = 3 };

static struct layout layout;

static const int magnitude[SCENE_TENSORS] = {-7, -37, 3, 0, -60, -20, 10}; /* log2: 1e-2, 1e-11, ... */

/* A lane's gradient in a step; `grown` is a power of two by which tensor 0 is larger in the last lane. */
static void draw_lane(int lane, int step, int grown, float *gradient) {
  struct rng rng = rng_stream(1, RNG_TEST, (uint64_t)lane, (uint32_t)step);
  memset(gradient, 0, SCENE_VALUES * sizeof *gradient);
  for (int t = 0; t < SCENE_TENSORS; t++)
    for (int64_t i = 0; i < layout.tensor[t].count; i++) {
      const int power = magnitude[t] + (t == 0 && lane == LANES - 1 ? grown : 0);
      gradient[layout.tensor[t].offset + i] = (float)ldexp(rng_uniform(&rng) - 0.5, power);
    }
}

/* Whose lane it is: in a row, by turns, all on the last rank, in a row from the last. */
static bool is_mine(const struct comm *comm, int cut, int lane) {
  const int row = lane * comm->size / LANES;
  const int owner[CUTS] = {row, lane % comm->size, comm->size - 1, comm->size - 1 - row};
  return owner[cut] == comm->rank;
}

/* Polls never, by the rank's number, or until all that has been started has arrived. */
static void poll_as(struct exchange *exchange, int polling) {
  for (int i = 0; polling == 1 && i <= exchange->comm->rank; i++) exchange_poll(exchange);
  while (polling == 2 && (exchange->pending[0] || exchange->pending[1] || exchange->pending[2]))
    exchange_poll(exchange);
}

struct sum {
  float gradient[SCENE_VALUES];
  enum exchange_outcome outcome;
  int tensor;
};

/* What a step does, with lanes that `spoil` may change. */
static void try_step(struct exchange *exchange, int cut, int polling, int step, int grown, void (*spoil)(int, float *),
                     struct sum *sum) {
  static const int order[] = {2, 1, 0};
  float lane_gradient[SCENE_VALUES];
  *sum = (struct sum){.tensor = -1};
  exchange_clear(exchange);
  for (int part = 0; part < layout.parts; part++) {
    for (int i = 0; i < LANES; i++) {
      const int lane = cut % 2 ? LANES - 1 - i : i;
      if (!is_mine(exchange->comm, cut, lane)) continue;
      draw_lane(lane, step, grown, lane_gradient);
      if (spoil) spoil(lane, lane_gradient);
      exchange_add(exchange, order[part], lane_gradient);
      if (polling == 1) poll_as(exchange, polling);
    }
    exchange_start(exchange, order[part]);
    if (polling == 2 && part < 2) continue;
    poll_as(exchange, polling);
  }
  /* Words are added and requests compared in the same messages. */
  int64_t word[2] = {exchange->comm->rank, 1};
  struct exchange_rest rest = {.word = word, .words = 2, .request = exchange->comm->rank};
  assert_ok(exchange_finish(exchange, &rest, sum->gradient, &sum->outcome, &sum->tensor));
  assert_int_equal(exchange->comm->size * (exchange->comm->size - 1) / 2, word[0]);
  assert_true(word[1] == exchange->comm->size && rest.request == exchange->comm->size - 1);
}

static void test_same_bits(void **state) {
  (void)state;
  struct exchange alone, spread;
  for (int cut = 0; cut < CUTS; cut++) {
    assert_ok(exchange_open(&self, &layout, LANES, &alone));
    assert_ok(exchange_open(&world, &layout, LANES, &spread));
    for (int step = 0, tries = 0; step < 6; tries++) {
      struct sum expected, sum;
      try_step(&alone, 0, 0, step, 0, NULL, &expected);
      try_step(&spread, cut, step % POLLS, step, 0, NULL, &sum);
      /* No scale is known at first; afterwards there is room for what comes by chance. */
      assert_int_equal(tries == 0 ? EXCHANGE_AGAIN : EXCHANGE_DONE, expected.outcome);
      assert_memory_equal(&expected, &sum, sizeof sum);
      assert_memory_equal(alone.exponent, spread.exponent, SCENE_TENSORS * sizeof *spread.exponent);
      step += sum.outcome == EXCHANGE_DONE;
    }
    exchange_close(&alone);
    exchange_close(&spread);
  }
}

/* Opens and gives it scales that fit step 0. */
static void open_settled(struct exchange *exchange, struct sum *sum) {
  assert_ok(exchange_open(&world, &layout, LANES, exchange));
  try_step(exchange, 0, 0, 0, 0, NULL, sum);
  assert_int_equal(EXCHANGE_AGAIN, sum->outcome);
  try_step(exchange, 0, 0, 0, 0, NULL, sum);
  assert_int_equal(EXCHANGE_DONE, sum->outcome);
}

/* Each tensor keeps its own relative accuracy, whatever the size of the others. */
static void test_accuracy(void **state) {
  (void)state;
  struct exchange exchange;
  struct sum sum;
  double exact[SCENE_VALUES] = {0};
  float lane_gradient[SCENE_VALUES];
  open_settled(&exchange, &sum);
  for (int lane = 0; lane < LANES; lane++) {
    draw_lane(lane, 0, 0, lane_gradient);
    for (int i = 0; i < SCENE_VALUES; i++) exact[i] += (double)lane_gradient[i];
  }
  for (int t = 0; t < SCENE_TENSORS; t++)
    for (int64_t i = layout.tensor[t].offset; i < layout.tensor[t].offset + layout.tensor[t].count; i++) {
      const double error = fabs((double)sum.gradient[i] - exact[i]);
      assert_true(exact[i] != 0 && error <= 1e-6 * fabs(exact[i]));
      assert_true(error <= 6e-8 * fabs(exact[i]) + ldexp(1e-12, magnitude[t])); /* one rounding to f32 */
    }
  for (int i = 20; i < 32; i++) assert_true(sum.gradient[i] == 0); /* a gap */
  exchange_close(&exchange);
}

/* 2^EXCHANGE_MARGIN fits, twice that does not; the next try does, with the bits of one rank. */
static void test_outgrown(void **state) {
  (void)state;
  struct exchange exchange, alone;
  struct sum sum, expected;
  open_settled(&exchange, &sum);
  const int32_t held = exchange.exponent[0];
  try_step(&exchange, 0, 0, 0, EXCHANGE_MARGIN, NULL, &sum);
  assert_int_equal(EXCHANGE_DONE, sum.outcome);
  assert_int_equal(held + EXCHANGE_MARGIN, exchange.exponent[0]);
  exchange_close(&exchange);

  open_settled(&exchange, &sum);
  try_step(&exchange, 0, 0, 0, EXCHANGE_MARGIN + 2, NULL, &sum);
  assert_alike(&sum, sizeof sum);
  assert_int_equal(EXCHANGE_AGAIN, sum.outcome);
  assert_alike(exchange.exponent, SCENE_TENSORS * sizeof *exchange.exponent);
  try_step(&exchange, 0, 0, 0, EXCHANGE_MARGIN + 2, NULL, &sum);
  assert_int_equal(EXCHANGE_DONE, sum.outcome);
  assert_ok(exchange_open(&self, &layout, LANES, &alone));
  memcpy(alone.exponent, exchange.exponent, SCENE_TENSORS * sizeof *exchange.exponent);
  try_step(&alone, 0, 0, 0, EXCHANGE_MARGIN + 2, NULL, &expected);
  assert_memory_equal(&expected, &sum, sizeof sum);
  exchange_close(&alone);
  exchange_close(&exchange);
}

/* After a gradient that was larger for one step, or where it is zero, scales go down bit by bit. */
static void test_scales_shrink_slowly(void **state) {
  (void)state;
  enum { GROWN = 5, STEPS = 9 };
  struct exchange exchange;
  struct sum sum;
  open_settled(&exchange, &sum);
  const int32_t settled = exchange.exponent[0], other = exchange.exponent[3];
  try_step(&exchange, 0, 0, 0, GROWN, NULL, &sum);
  int32_t before = exchange.exponent[0];
  for (int step = 0; step < STEPS; step++) {
    try_step(&exchange, 0, 0, 0, 0, NULL, &sum);
    assert_int_equal(EXCHANGE_DONE, sum.outcome);
    assert_int_equal(step < GROWN ? before - 1 : settled, exchange.exponent[0]);
    assert_int_equal(other, exchange.exponent[3]);
    before = exchange.exponent[0];
  }
  exchange_clear(&exchange);
  for (int part = 0; part < layout.parts; part++) exchange_start(&exchange, part);
  struct exchange_rest rest = {.words = 0};
  assert_ok(exchange_finish(&exchange, &rest, sum.gradient, &sum.outcome, &sum.tensor));
  assert_int_equal(EXCHANGE_DONE, sum.outcome);
  assert_int_equal(settled - 1, exchange.exponent[0]);
  for (int i = 0; i < SCENE_VALUES; i++) assert_true(sum.gradient[i] == 0);
  exchange_close(&exchange);
}

static int bad_lane;

/* Tensor 5 is reduced first, and tensor 2 of some comes first in the block; tensor 3 outgrows its scale besides. */
static void spoil_lane(int lane, float *gradient) {
  if (lane != bad_lane) return;
  if (lane % 2) gradient[layout.tensor[2].offset + 3] = NAN;
  gradient[layout.tensor[3].offset] = 1e20F;
  gradient[layout.tensor[5].offset + 1] = -INFINITY;
}

static void test_not_finite(void **state) {
  (void)state;
  for (bad_lane = 0; bad_lane < LANES; bad_lane++) {
    struct exchange exchange;
    struct sum settled, sum;
    open_settled(&exchange, &settled);
    try_step(&exchange, 0, 1, 0, 0, spoil_lane, &sum);
    assert_int_equal(EXCHANGE_DIVERGED, sum.outcome);
    assert_int_equal(bad_lane % 2 ? 2 : 5, sum.tensor);
    /* The scales of what was not finite are kept, so training may go on from a checkpoint. */
    assert_alike(exchange.exponent, SCENE_TENSORS * sizeof *exchange.exponent);
    try_step(&exchange, 0, 0, 0, 0, NULL, &sum);
    assert_int_equal(EXCHANGE_DONE, sum.outcome);
    for (int64_t i = 0; i < layout.part[1]; i++) assert_true(sum.gradient[i] == settled.gradient[i]);
    exchange_close(&exchange);
  }
}

int main(int argc, char **argv) {
  if (ranks_begin(argc, argv) != 0) return 1;
  layout = scene_layout();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_bits),  cmocka_unit_test(test_accuracy),
      cmocka_unit_test(test_outgrown),   cmocka_unit_test(test_scales_shrink_slowly),
      cmocka_unit_test(test_not_finite),
  };
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
