/* Latin hypercube sampling (McKay, Beckman and Conover, Technometrics 21, 239-245, 1979): of a block of N draws, each
 * falls into another of N strata of equal probability, in every parameter. N is the number of configurations that are
 * to be run; draws beyond them, since some were chosen before, are a block of their own, and so on.
 *
 * A draw has to be random access, and N may be large, so the order of the strata is not a shuffled array but a keyed
 * bijection of 0..N-1: a Feistel network on the next even number of bits, gone through again while it leads outside
 * (cycle walking: Black and Rogaway, CT-RSA 2002). With 8 rounds and Philox as their function it is as good as a
 * shuffle to any statistic (Luby and Rackoff, SIAM J. Comput. 17, 373-386, 1988), and takes under 4 walks on
 * average. */
#include "base/rng.h"
#include "sweep/method.h"

enum { ROUNDS = 8, BLOCK_STANDARD = 100 };

/* N of a block: strata have to be told apart by half of the 52 bits of a coordinate. */
static const int64_t block_most = INT64_C(1) << 26;

static int64_t block_size(const struct method_task *task) {
  int64_t size = task->configurations > 0 ? task->configurations : BLOCK_STANDARD;
  return size < block_most ? size : block_most;
}

static int bits_of(uint64_t value) {
  int bits = 0;
  while (value >> bits) bits++;
  return bits;
}

/* Bijection of 0..2^(2 half)-1: (left, right) becomes (right, left xor F(right)) in each round. */
static uint64_t feistel(uint64_t key, int half, uint64_t value) {
  uint64_t mask = (UINT64_C(1) << half) - 1, left = value >> half, right = value & mask;
  for (uint64_t round = 0; round < ROUNDS; round++) {
    struct rng rng = rng_stream(key, RNG_STRATUM, round << 32 | right, 0);
    uint64_t next = left ^ (rng_u32(&rng) & mask);
    left = right;
    right = next;
  }
  return left << half | right;
}

/* Bijection of 0..size-1. The walk from an inside value comes back to an inside one at the latest at itself. */
static uint64_t stratum_of(uint64_t key, uint64_t size, uint64_t place) {
  if (size == 1) return 0;
  int half = (bits_of(size - 1) + 1) / 2;
  uint64_t value = place;
  do value = feistel(key, half, value);
  while (value >= size);
  return value;
}

/* A place in its stratum: of 52 bits those that the strata leave, plus a half, so that it is never 0 or 1 and the
 * numerator is exact. A block has two keys for each parameter, of the order and of the places. */
static double coordinate(const struct method_task *task, int64_t size, int64_t draw, int parameter) {
  uint64_t block = (uint64_t)(draw / size), place = (uint64_t)(draw % size);
  struct rng keys = rng_stream(task->seed, RNG_STRATUM, block, (uint32_t)parameter);
  uint64_t stratum = stratum_of(rng_u64(&keys), (uint64_t)size, place);
  struct rng jitters = rng_stream(rng_u64(&keys), RNG_STRATUM, place, 0);
  int left = 52 - bits_of((uint64_t)size);
  uint64_t parts = UINT64_C(1) << left, jitter = rng_u64(&jitters) >> (64 - left);
  return ((double)(int64_t)(stratum * parts + jitter) + 0.5) / ((double)size * (double)(int64_t)parts);
}

static enum status propose(const struct method_task *task, void *memory, const struct history *history, int64_t draw,
                           double *point, bool *exhausted) {
  (void)memory;
  (void)history;
  const int64_t size = block_size(task);
  double u[SPACE_PARAMETERS_MAX];
  for (int i = 0; i < task->space->count; i++) u[i] = coordinate(task, size, draw, i);
  space_point(task->space, u, point);
  *exhausted = false;
  return STATUS_OK;
}

const struct method_kind method_lhs = {.name = "lhs", .learns = false, .propose = propose};
