/* Numbers as text, the same in every locale: the decimal point is '.'. Not collective. */
#ifndef HGN_CONFIG_NUMBER_H
#define HGN_CONFIG_NUMBER_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NUMBER_TEXT_MAX = 32 };

enum number_result { NUMBER_OK, NUMBER_NOT, NUMBER_TOO_LARGE };

/* The whole text as [+-]digits, without leading zeros: plain decimal only. */
enum number_result number_integer(const char *text, int64_t *value);

/* The whole text as [+-]digits[.digits][e[+-]digits], where either the digits before or after the point may be missing
 * and zeros may not lead; to nearest. Neither nan, inf nor hexadecimal. */
enum number_result number_real(const char *text, double *value);

/* The fewest significant digits that read back as `value`, which is finite; whole numbers below 1e15 in full. */
void number_print(double value, char text[NUMBER_TEXT_MAX]);

/* Rounded to at most `digits` significant digits, 1 to 17, for people; with an exponent where that is shorter. */
void number_print_short(double value, int digits, char text[NUMBER_TEXT_MAX]);

#endif
