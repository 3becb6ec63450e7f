/* Expressions of constraints: what binds how, what they are worth, and what is refused where. */
#include "sweep/expression.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double value_of(const char *text, const double *values) {
  struct expression *expression;
  assert_ok(expression_parse(text, &expression));
  const double value = expression_value(expression, values);
  expression_destroy(&expression);
  assert_null(expression);
  return value;
}

static void check(const char *text, double expected) {
  const double value = value_of(text, NULL);
  if (memcmp(&value, &expected, sizeof value) != 0) fail_msg("%s is %.17g, not %.17g", text, value, expected);
}

static void arithmetic(void **state) {
  (void)state;
  check("1 + 2 * 3", 7);
  check("(1 + 2) * 3", 9);
  check("10 - 4 - 3", 3);
  check("2 / 4 / 2", .25);
  check("2^3^2", 512);
  check("-2^2", -4);
  check("2^-1", .5);
  check("- - 3", 3);
  check("2*-3", -6);
  check("7 % 4", 3);
  check("-7 % 4", 1);
  check("7 % -4", -1);
  check("1e-4 * 1e4", 1);
  check(".5+3e2", 300.5);
  check("1 / 0", (double)INFINITY);
}

static void functions(void **state) {
  (void)state;
  check("min(2, 1 + 3)", 2);
  check("max(min(1, 2), 0.5)", 1);
  check("abs(-3)", 3);
  check("sqrt(16)", 4);
  check("log2(1024)", 10);
  check("log2(0.125)", -3);
  check("log(1)", 0);
  check("exp (0)", 1);
  check("0 ^ 0.5", 0);
  check("2^0", 1);
  assert_true(fabs(value_of("exp(log(7))", NULL) - 7) < 1e-14);
  assert_true(fabs(value_of("2 ^ 0.5", NULL) - sqrt(2)) < 1e-15);
  assert_true(fabs(value_of("log2(10)", NULL) - log2(10)) < 1e-15);
  assert_true(isnan(value_of("(-2) ^ 0.5", NULL)));
  assert_true(isnan(value_of("log(-1)", NULL)));
}

static void logic(void **state) {
  (void)state;
  check("1 < 2", 1);
  check("2 <= 1", 0);
  check("2 > 1 and 1 >= 1", 1);
  check("1 == 1 and 1 != 1", 0);
  check("1 or 0 and 0", 1);
  check("not 1 == 2", 1);
  check("not not 3", 1);
  check("not (1 or 0)", 0);
  check("1 + 1 < 3 or 1 / 0 < 0", 1);
}

/* A comparison with what is not there does not hold, whichever way round it is asked. */
static void not_a_number(void **state) {
  (void)state;
  const double none[] = {(double)NAN};
  const char *texts[] = {"x < 1", "x >= 1", "x == x", "x != 1", "x", "x and 1", "min(x, 1) < 2", "max(1, x) > 0"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
    const double value = value_of(texts[i], none);
    assert_true(strcmp(texts[i], "x") == 0 ? isnan(value) : value == 0);
  }
}

static void names(void **state) {
  (void)state;
  const char *text = "train.batch * model.latent.channels <= 65536 and energy_drift < 0.1*train.batch";
  struct expression *expression;
  assert_ok(expression_parse(text, &expression));
  assert_string_equal(expression_text(expression), text);
  assert_int_equal(expression_names(expression), 3);
  assert_string_equal(expression_name(expression, 0), "train.batch");
  assert_string_equal(expression_name(expression, 1), "model.latent.channels");
  assert_string_equal(expression_name(expression, 2), "energy_drift");
  const double good[] = {16, 64, 0}, large[] = {1024, 65, 0}, drifts[] = {1, 1, .1};
  assert_true(expression_value(expression, good) == 1);
  assert_true(expression_value(expression, large) == 0);
  assert_true(expression_value(expression, drifts) == 0);
  expression_destroy(&expression);
  assert_ok(expression_parse("order + android - notable", &expression)); /* that begin with an operator's letters */
  assert_int_equal(expression_names(expression), 3);
  expression_destroy(&expression);
}

static void refuse(const char *text, const char *message) {
  struct expression *expression = (struct expression *)&expression;
  assert_status(STATUS_CONFIG, expression_parse(text, &expression));
  assert_null(expression);
  assert_string_equal(status_message(), message);
}

static void refused(void **state) {
  (void)state;
  refuse("", "at 1: found the end, expected a number, a name or \"(\"");
  refuse("a <", "at 4: found the end, expected a number, a name or \"(\"");
  refuse("a < * b", "at 5: found \"*\", expected a number, a name or \"(\"");
  refuse("a b", "at 3: found \"b\", expected an operator or the end");
  refuse("a < b < c", "at 7: found \"<\", expected one comparison; join two with \"and\"");
  refuse("(a", "at 3: found the end, expected an operator or \")\"");
  refuse("a)", "at 2: found \")\", expected an operator or the end");
  refuse("a = 1", "at 3: found \"=\", expected an operator or the end");
  refuse("1_000 < a", "at 1: found \"1_000\", expected a number in plain decimal digits");
  refuse("0x10", "at 1: found \"0x10\", expected a number in plain decimal digits");
  refuse("1e999", "at 1: found \"1e999\", expected a number in plain decimal digits");
  refuse("a and or b", "at 7: found \"or\", expected a number, a name or \"(\"");
  refuse("sin(a)", "at 1: found \"sin\", expected one of the functions min, max, abs, log, log2, exp, sqrt");
  refuse("min(a)", "at 6: found \")\", expected a comma and a second argument");
  refuse("abs(a, b)", "at 6: found \",\", expected \")\"");
  refuse("max(a, b, c)", "at 9: found \",\", expected \")\" behind two arguments");
  refuse("a\x01", "at 2: found \"?\", expected an operator or the end");
}

/* Whatever is written, depth and length are bounded. */
static void bounds(void **state) {
  (void)state;
  char text[EXPRESSION_TEXT_MAX + 1];
  struct expression *expression;
  memset(text, '(', sizeof text);
  text[300] = '\0';
  refuse(text, "at 25: found \"(\", expected less nesting");
  memset(text, '-', sizeof text);
  text[300] = '\0';
  refuse(text, "at 48: found \"-\", expected less nesting");
  memset(text, ' ', sizeof text);
  text[EXPRESSION_TEXT_MAX] = '\0';
  refuse(text, "at 512: found more, expected at most 511 bytes");
  text[0] = '\0';
  for (int i = 0; i < 16; ++i) snprintf(text + strlen(text), sizeof text - strlen(text), "a%d+", i);
  strcat(text, "1");
  assert_ok(expression_parse(text, &expression));
  expression_destroy(&expression);
  strcat(text, "+b");
  refuse(text, "at 57: found \"b\", expected at most 16 different names");
  for (int i = 0; i < 255; ++i) memcpy(text + 2 * i, "1+", 2);
  memcpy(text + 510, "1", 2);
  assert_true(value_of(text, NULL) == 256);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(arithmetic),   cmocka_unit_test(functions), cmocka_unit_test(logic),
      cmocka_unit_test(not_a_number), cmocka_unit_test(names),     cmocka_unit_test(refused),
      cmocka_unit_test(bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
