#include "config/number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static const char *skip_digits(const char *text) {
  while (is_digit(*text)) ++text;
  return text;
}

/* "010" is eight in YAML 1.1 and ten in YAML 1.2. */
static bool has_leading_zero(const char *digits) { return digits[0] == '0' && is_digit(digits[1]); }

enum number_result number_integer(const char *text, int64_t *value) {
  const bool negative = *text == '-';
  const char *digits = text + (*text == '-' || *text == '+');
  const char *end = skip_digits(digits);
  if (end == digits || *end || has_leading_zero(digits)) return NUMBER_NOT;
  int64_t sum = 0; /* of the negated number, whose range is the wider */
  for (const char *c = digits; c < end; ++c) {
    const int digit = *c - '0';
    if (sum < (INT64_MIN + digit) / 10) return NUMBER_TOO_LARGE;
    sum = 10 * sum - digit;
  }
  if (!negative && sum == INT64_MIN) return NUMBER_TOO_LARGE;
  *value = negative ? sum : -sum;
  return NUMBER_OK;
}

static bool is_real(const char *text) {
  const char *digits = text + (*text == '-' || *text == '+');
  const char *end = skip_digits(digits);
  size_t count = (size_t)(end - digits);
  if (has_leading_zero(digits)) return false;
  if (*end == '.') {
    const char *fraction = end + 1;
    end = skip_digits(fraction);
    count += (size_t)(end - fraction);
  }
  if (count == 0) return false;
  if (*end == 'e' || *end == 'E') {
    end += 1;
    if (*end == '-' || *end == '+') end += 1;
    if (!is_digit(*end)) return false;
    end = skip_digits(end);
  }
  return !*end;
}

/* strtod() and printf() follow the locale of the thread, so it is "C" while they run. */
static locale_t enter_c(locale_t *old) {
  locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  *old = c ? uselocale(c) : (locale_t)0;
  return c;
}

static void leave_c(locale_t c, locale_t old) {
  if (!c) return;
  uselocale(old);
  freelocale(c);
}

enum number_result number_real(const char *text, double *value) {
  if (!is_real(text)) return NUMBER_NOT;
  locale_t old, c = enter_c(&old);
  const double number = strtod(text, NULL);
  leave_c(c, old);
  if (!isfinite(number)) return NUMBER_TOO_LARGE;
  *value = number;
  return NUMBER_OK;
}

static bool comes_back(double value, int digits, char text[NUMBER_TEXT_MAX]) {
  snprintf(text, NUMBER_TEXT_MAX, "%.*g", digits, value);
  const double back = strtod(text, NULL);
  return memcmp(&back, &value, sizeof value) == 0;
}

/* Most numbers that were computed need 16 or 17 digits; that 15 are too few says that all before are. */
void number_print(double value, char text[NUMBER_TEXT_MAX]) {
  locale_t old, c = enter_c(&old);
  /* Whole numbers of moderate size without exponent: 1000000, not 1e+06. */
  const bool whole = fabs(value) < 1e15 && value == floor(value);
  if (whole) {
    snprintf(text, NUMBER_TEXT_MAX, "%.0f", value);
  } else {
    int digits = comes_back(value, 15, text) ? 1 : 16;
    while (!comes_back(value, digits, text) && digits < 17) digits++;
  }
  leave_c(c, old);
}

void number_print_short(double value, int digits, char text[NUMBER_TEXT_MAX]) {
  locale_t old, c = enter_c(&old);
  snprintf(text, NUMBER_TEXT_MAX, "%.*g", digits, value);
  leave_c(c, old);
}
