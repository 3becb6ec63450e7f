/* Order-free sums of arrays: int64 fixed point with one power-of-two scale for each tensor of a block.
 *
 * A block is `total` numbers cut into `tensors` consecutive tensors. Each tensor t has an exponent e_t, the same on all
 * ranks, with every |value| < 2^e_t. At most `summands` blocks are added, over all ranks. A value x becomes the integer
 * round_to_even(x * 2^(62 - L - e_t)), L = ceil(log2(summands)); a sum of `summands` of them stays below 2^62.
 * Quantisation error of the whole sum, relative to the largest possible summand 2^(e_t-1):
 * summands * 2^-(62-L) <= 2^(2L-62), so under 2^-40 up to 2048 summands when e_t is tight; an exponent carried from
 * the step before with m spare bits costs m of these bits.
 *
 * Non-finite values and values not below 2^e_t are not added; they are counted for each tensor in two extra words of
 * the same array, so that every rank learns of them from the same reduction.
 *
 * Not collective; the reductions are in comm/reduce.h.
 */
#ifndef HGN_BASE_FIXED_H
#define HGN_BASE_FIXED_H

#include "base/status.h"

#include <stdint.h>

enum { FIXED_EXPONENT_ZERO = -2000 }; /* of a tensor whose values are all zero */
enum { FIXED_EXPONENT_NONFINITE = 2000 };

struct fixed_layout {
  int64_t tensors;
  const int64_t *offset; /* [tensors + 1], offset[0] = 0, offset[tensors] = total; borrowed */
  int64_t summands;      /* most blocks ever added into one sum, over all ranks; >= 1 */
};

/* Words of an accumulator: offset[tensors] + 2 * tensors: the sums, then per tensor the count of non-finite and the
 * count of out-of-range values. */
int64_t fixed_words(const struct fixed_layout *layout);

/* STATUS_ARGUMENT unless tensors >= 0, offsets do not decrease, and 1 <= summands <= 2^21. */
enum status fixed_check(const struct fixed_layout *layout);

/* exponent[t] = max(exponent[t], smallest e with every finite |value| of tensor t < 2^e). Start from
 * FIXED_EXPONENT_ZERO. A tensor with a non-finite value gets FIXED_EXPONENT_NONFINITE. */
void fixed_exponents_f32(const struct fixed_layout *layout, const float *value, int32_t *exponent);
void fixed_exponents_f64(const struct fixed_layout *layout, const double *value, int32_t *exponent);

/* Adds a block to the accumulator `sum` [fixed_words], which starts as zeros. */
void fixed_add_f32(const struct fixed_layout *layout, const int32_t *exponent, const float *value, int64_t *sum);
void fixed_add_f64(const struct fixed_layout *layout, const int32_t *exponent, const double *value, int64_t *sum);

/* Converts sums back to [offset[tensors]] values (one rounding). STATUS_NUMERIC, naming the first tensor, when
 * non-finite or out-of-range values were counted, or its exponent is FIXED_EXPONENT_NONFINITE; `value` is then
 * untouched. A sum beyond the range of the type is an infinity. */
enum status fixed_values_f32(const struct fixed_layout *layout, const int32_t *exponent, const int64_t *sum,
                             float *value);
enum status fixed_values_f64(const struct fixed_layout *layout, const int32_t *exponent, const int64_t *sum,
                             double *value);

#endif
