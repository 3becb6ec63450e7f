/* Digit i weighs 2^(32 i - 1074). A finite f64 is m 2^(p - 1074) with m < 2^53 and 0 <= p <= 2045, so it touches the
 * digits p/32 to p/32 + 2 of 0..65; the digits above take the carries of 2^60 of the largest summands. Digits are
 * signed between normalisations: each addition moves a digit by less than 2^32. */
#include "base/exact.h"

#include "base/elementary.h"

#include <math.h>
#include <stddef.h>

enum { NANS = EXACT_DIGITS, POSITIVE, NEGATIVE, ADDED };
enum { BIAS = 1074 };

#define ADDED_MAX (INT64_C(1) << 30)
#define DIGIT_MASK INT64_C(0xffffffff)

_Static_assert(ADDED + 1 == EXACT_WORDS, "four words of counts follow the digits");

void exact_clear(struct exact *sum) { *sum = (struct exact){{0}}; }

/* Carries by floor division: all digits but the last end in 0..2^32-1, the last holds the sign. */
static void carry_digits(int64_t digit[EXACT_DIGITS]) {
  int64_t carry = 0;
  for (int i = 0; i < EXACT_DIGITS - 1; i++) {
    int64_t value = digit[i] + carry;
    int64_t kept = value & DIGIT_MASK;
    carry = (value - kept) / (DIGIT_MASK + 1);
    digit[i] = kept;
  }
  digit[EXACT_DIGITS - 1] += carry;
}

void exact_normalize(struct exact *sum) {
  carry_digits(sum->word);
  sum->word[ADDED] = 1;
}

static void count_nonfinite(struct exact *sum, double value) {
  if (isnan(value))
    sum->word[NANS]++;
  else
    sum->word[value > 0 ? POSITIVE : NEGATIVE]++;
}

void exact_add(struct exact *sum, double value) {
  uint64_t bits = elementary_bits(value);
  unsigned exponent = (unsigned)(bits >> 52) & 0x7ff;
  if (exponent == 0x7ff) {
    count_nonfinite(sum, value);
    return;
  }
  /* Subnormals have the scale of exponent 1 without the hidden bit. */
  uint64_t normal = exponent != 0;
  uint64_t mantissa = (bits & UINT64_C(0xfffffffffffff)) | (normal << 52);
  unsigned position = exponent - (unsigned)normal, shift = position % 32;
  uint64_t high = mantissa >> (32 - shift);
  int64_t sign = 0 - (int64_t)(bits >> 63);
  int64_t *digit = sum->word + position / 32;
  digit[0] += ((int64_t)((mantissa << shift) & UINT32_MAX) ^ sign) - sign;
  digit[1] += ((int64_t)(high & UINT32_MAX) ^ sign) - sign;
  digit[2] += ((int64_t)(high >> 32) ^ sign) - sign;
  if (++sum->word[ADDED] >= ADDED_MAX) exact_normalize(sum);
}

void exact_merge(struct exact *sum, const struct exact *other) {
  /* Both below 2^30 additions, or wordwise sums of as many: the digits of the sum stay below 2^63. */
  for (int i = 0; i < EXACT_WORDS; i++) sum->word[i] += other->word[i];
  if (sum->word[ADDED] >= ADDED_MAX) exact_normalize(sum);
}

/* The bits low..low+count-1 of a normalised non-negative number, count <= 64. */
static uint64_t extract_bits(const int64_t digit[EXACT_DIGITS], int low, int count) {
  uint64_t bits = 0;
  for (int i = 0; i < count; i++) {
    int at = low + i;
    bits |= (uint64_t)((digit[at / 32] >> (at % 32)) & 1) << i;
  }
  return bits;
}

static int any_below(const int64_t digit[EXACT_DIGITS], int low) {
  for (int i = 0; i < low / 32; i++)
    if (digit[i] != 0) return 1;
  return (digit[low / 32] & ((INT64_C(1) << (low % 32)) - 1)) != 0;
}

double exact_value(const struct exact *sum) {
  const int64_t *count = sum->word;
  if (count[NANS] > 0 || (count[POSITIVE] > 0 && count[NEGATIVE] > 0)) return (double)NAN;
  if (count[POSITIVE] > 0) return (double)INFINITY;
  if (count[NEGATIVE] > 0) return -(double)INFINITY;

  int64_t digit[EXACT_DIGITS];
  for (int i = 0; i < EXACT_DIGITS; i++) digit[i] = sum->word[i];
  carry_digits(digit);
  int negative = digit[EXACT_DIGITS - 1] < 0;
  if (negative) {
    for (int i = 0; i < EXACT_DIGITS; i++) digit[i] = -digit[i];
    carry_digits(digit);
  }
  int top = EXACT_DIGITS - 1;
  while (top >= 0 && digit[top] == 0) top--;
  if (top < 0) return 0.0;
  int highest = 32 * top;
  for (int64_t rest = digit[top] >> 1; rest != 0; rest >>= 1) highest++;

  double value;
  if (highest <= 52) {
    value = ldexp((double)extract_bits(digit, 0, 53), -BIAS); /* exact: subnormals and the lowest binade */
  } else if (highest > 1023 + BIAS) {
    value = (double)INFINITY;
  } else {
    int low = highest - 52;
    uint64_t mantissa = extract_bits(digit, low, 53);
    uint64_t half = extract_bits(digit, low - 1, 1);
    if (half && ((mantissa & 1) || any_below(digit, low - 1))) mantissa++;
    value = ldexp((double)mantissa, low - BIAS); /* 2^53 2^971 overflows to infinity here, as it should */
  }
  return negative ? -value : value;
}
