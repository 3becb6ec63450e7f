/* The Sobol sequence with the direction numbers of Joe and Kuo (SIAM J. Sci. Comput. 30, 2635-2654, 2008), in the order
 * of the Gray code, and Owen's scrambling of it. Points are random access. Not collective.
 */
#ifndef HGN_SWEEP_SOBOL_H
#define HGN_SWEEP_SOBOL_H

#include <stdint.h>

enum { SOBOL_DIMENSIONS = 64 };

/* Indices are below it. */
#define SOBOL_POINTS (INT64_C(1) << 31)

/* The `dimension`-th coordinate of the `index`-th point, times 2^32: 0, 1/2, 3/4, 1/4, ... in dimension 0. */
uint32_t sobol_point(int dimension, uint32_t index);

/* The same by nested uniform scrambling (Owen, Monte Carlo and Quasi-Monte Carlo Methods, 1995, 299-317): a digit is
 * flipped or not by a fair coin, one of its own for all digits before it. In (0, 1), with 52 bits and a half of the
 * last: the digits beyond the 32nd are all zeros before, and so plain random ones. Keeps what makes the points even. */
double sobol_scrambled(uint64_t seed, int dimension, uint32_t index);

#endif
