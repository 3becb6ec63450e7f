#include "sweep/sobol.h"

#include "base/rng.h"
#include "sweep/sobol_directions.h"

#include <assert.h>

enum { WORD = 32, DIGITS = 52, LEVELS = 7 };

/* x_n is the exclusive or of the directions v_k over the bits k of n ^ n/2, the Gray code. v_k = m_k / 2^k for odd m_k:
 * the first `degree` are given, the others follow from the polynomial with coefficients c_0 = 1, .., c_degree = 1
 * (highest power first),
 *   v_k = c_1 v_{k-1} xor .. xor c_degree v_{k-degree} xor v_{k-degree} / 2^degree. */
uint32_t sobol_point(int dimension, uint32_t index) {
  assert(dimension >= 0 && dimension < SOBOL_DIMENSIONS);
  const struct sobol_direction *direction = &sobol_directions[dimension];
  const int degree = direction->degree;
  uint32_t v[WORD], x = 0, gray = index ^ (index >> 1);
  for (int k = 0; k < WORD && gray >> k; k++) {
    if (degree == 0) { /* van der Corput's sequence: all m_k are 1 */
      v[k] = UINT32_C(1) << (WORD - 1 - k);
    } else if (k < degree) {
      v[k] = (uint32_t)direction->initial[k] << (WORD - 1 - k);
    } else {
      v[k] = v[k - degree] >> degree;
      for (int i = 1; i <= degree; i++)
        if (direction->polynomial >> (degree - i) & 1) v[k] ^= v[k - i];
    }
    if (gray >> k & 1) x ^= v[k];
  }
  return x;
}

/* The coins of a tree of LEVELS levels: 127 nodes for the 128 bits of one block of Philox, in the order of a heap from
 * bit 1. The trees below are told apart by the digits above them behind a leading 1, which gives their number. */
double sobol_scrambled(uint64_t seed, int dimension, uint32_t index) {
  uint64_t digits = (uint64_t)sobol_point(dimension, index) << (DIGITS - WORD), scrambled = 0;
  for (int done = 0; done < DIGITS; done += LEVELS) {
    struct rng rng =
        rng_stream(seed, RNG_SCRAMBLE, UINT64_C(1) << done | digits >> (DIGITS - done), (uint32_t)dimension);
    uint64_t coins[2];
    coins[0] = rng_u64(&rng);
    coins[1] = rng_u64(&rng);
    unsigned node = 1;
    for (int level = done; level < done + LEVELS && level < DIGITS; level++) {
      uint64_t digit = digits >> (DIGITS - 1 - level) & 1;
      scrambled = scrambled << 1 | (digit ^ (coins[node / 64] >> (node % 64) & 1));
      node = 2 * node + (unsigned)digit;
    }
  }
  return ((double)(int64_t)scrambled + 0.5) * 0x1p-52;
}
