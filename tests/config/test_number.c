/* Numbers as text: the ends of the ranges, and every locale. */
#include "config/number.h"
#include "testing.h"

#include <locale.h>

static void ends_of_integers(void **state) {
  (void)state;
  int64_t value = 5;
  assert_int_equal(number_integer("9223372036854775807", &value), NUMBER_OK);
  assert_true(value == INT64_MAX);
  assert_int_equal(number_integer("-9223372036854775808", &value), NUMBER_OK);
  assert_true(value == INT64_MIN);
  assert_int_equal(number_integer("+0", &value), NUMBER_OK);
  assert_true(value == 0);
  value = 5;
  assert_int_equal(number_integer("9223372036854775808", &value), NUMBER_TOO_LARGE);
  assert_int_equal(number_integer("-9223372036854775809", &value), NUMBER_TOO_LARGE);
  assert_int_equal(number_integer("92233720368547758070", &value), NUMBER_TOO_LARGE);
  const char *const not_integers[] = {"", "-", "+", "+-1", "1 ", " 1", "1.", "00", "-01", "1e3", "0x1", "\xd9\xa1"};
  for (size_t i = 0; i < sizeof not_integers / sizeof *not_integers; ++i)
    assert_int_equal(number_integer(not_integers[i], &value), NUMBER_NOT);
  assert_true(value == 5);
}

static void ends_of_reals(void **state) {
  (void)state;
  double value = 5;
  assert_int_equal(number_real("1.7976931348623157e308", &value), NUMBER_OK);
  assert_true(value == 1.7976931348623157e308);
  value = 5;
  assert_int_equal(number_real("1.8e308", &value), NUMBER_TOO_LARGE);
  assert_int_equal(number_real("-1e999999999999999999999", &value), NUMBER_TOO_LARGE);
  const char *const not_reals[] = {"",    ".",  "e1",   ".e1",   "1e",  "1e+", "1.2.3", "1 ",       " 1",   "inf",
                                   "nan", "00", "01.5", "0x1p3", "1,5", "--1", "1f",    "infinity", "1e1.5"};
  for (size_t i = 0; i < sizeof not_reals / sizeof *not_reals; ++i)
    assert_int_equal(number_real(not_reals[i], &value), NUMBER_NOT);
  assert_true(value == 5);
}

/* Where a comma is the decimal point, files still mean the same. */
static void comma_locale(void **state) {
  (void)state;
  if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "fr_FR.UTF-8")) skip();
  double value;
  assert_int_equal(number_real("1.5", &value), NUMBER_OK);
  assert_true(value == 1.5);
  char text[NUMBER_TEXT_MAX];
  number_print(1.5, text);
  assert_string_equal(text, "1.5");
  assert_string_equal(localeconv()->decimal_point, ","); /* and the caller's locale is as it was */
  setlocale(LC_ALL, "C");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(ends_of_integers), cmocka_unit_test(ends_of_reals),
                                     cmocka_unit_test(comma_locale)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
