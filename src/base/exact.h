/* Exact sums of f64: the result is the correctly rounded true sum, whatever the order or grouping of the summands.
 *
 * The accumulator is the sum itself as a wide fixed-point number (Kulisch): 2^-1074 to 2^1023 with room above, in
 * digits of 32 bits kept in 64-bit words, so that a few billion carries fit before they must be propagated. Digits add
 * independently and integer addition is associative: accumulators may be added over ranks by MPI_SUM on int64.
 *
 * Not collective; the reductions are in comm/reduce.h.
 */
#ifndef HGN_BASE_EXACT_H
#define HGN_BASE_EXACT_H

#include <stdint.h>

enum { EXACT_DIGITS = 68, EXACT_WORDS = EXACT_DIGITS + 4 };

/* word[0..EXACT_DIGITS-1]: digits, least significant first, digit i weighs 2^(32 i - 1074 - ...), see exact.c;
 * then the counts of NaN, +infinity and -infinity, and the number of additions since carries were propagated. */
struct exact {
  int64_t word[EXACT_WORDS];
};

void exact_clear(struct exact *sum);
void exact_add(struct exact *sum, double value); /* any value; non-finite ones are counted */
void exact_merge(struct exact *sum, const struct exact *other);
void exact_normalize(
    struct exact *sum); /* propagates carries: afterwards up to 2^30 accumulators may be added wordwise */

/* The sum rounded to nearest even: +-infinity beyond the range; NaN if a NaN or both infinities were added, an infinity
 * if only that one was. -0 is never returned. */
double exact_value(const struct exact *sum);

#endif
