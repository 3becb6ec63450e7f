#include "sweep/expression.h"

#include "base/elementary.h"
#include "config/nearest.h"
#include "config/number.h"
#include "config/problems.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A text of n characters has at most n operations, and no more operands than those. */
enum { DEPTH_MAX = 48, NAME_MAX_HERE = 96, FOUND_MAX = 48, CODE_MAX = EXPRESSION_TEXT_MAX };

enum operation {
  OP_NUMBER,
  OP_NAME,
  OP_OR,
  OP_AND,
  OP_NOT,
  OP_LESS,
  OP_AT_MOST,
  OP_MORE,
  OP_AT_LEAST,
  OP_EQUAL,
  OP_UNEQUAL,
  OP_ADD,
  OP_SUBTRACT,
  OP_MULTIPLY,
  OP_DIVIDE,
  OP_REMAINDER,
  OP_NEGATE,
  OP_POWER,
  OP_MIN,
  OP_MAX,
  OP_ABS,
  OP_LOG,
  OP_LOG2,
  OP_EXP,
  OP_SQRT
};

/* Operations in postfix order: operands are pushed, an operation takes one or two and pushes its value. */
struct instruction {
  enum operation operation;
  int name;      /* OP_NAME */
  double number; /* OP_NUMBER */
};

struct expression {
  char text[EXPRESSION_TEXT_MAX];
  char name[EXPRESSION_NAMES_MAX][NAME_MAX_HERE];
  int names;
  struct instruction code[CODE_MAX];
  int length;
};

struct function {
  const char *name;
  int arguments;
  enum operation operation;
};

static const struct function functions[] = {{"min", 2, OP_MIN},   {"max", 2, OP_MAX}, {"abs", 1, OP_ABS},
                                            {"log", 1, OP_LOG},   {"exp", 1, OP_EXP}, {"log2", 1, OP_LOG2},
                                            {"sqrt", 1, OP_SQRT}, {NULL, 0, OP_ABS}};

struct parser {
  const char *at; /* the next character that is not blank */
  struct expression *expression;
  int depth;
};

/* ---- Words ---- */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool within_name(char c) { return begins_name(c) || is_digit(c) || c == '.'; }

static void skip_blanks(struct parser *parser) { parser->at += strspn(parser->at, " \t"); }

/* The length of the number, name or sign that begins here. A number may have a sign behind its "e". */
static size_t word_length(const char *at) {
  size_t length = 0;
  const bool number = is_digit(*at) || *at == '.';
  if (!number && !begins_name(*at)) return *at ? (size_t)1 + (strchr("<>=!", *at) && at[1] == '=') : 0;
  while (within_name(at[length])) {
    const char c = at[length++];
    if (number && (c == 'e' || c == 'E') && (at[length] == '-' || at[length] == '+')) ++length;
  }
  return length;
}

static enum status fail(const struct parser *parser, const char *expected) {
  char word[FOUND_MAX], found[FOUND_MAX];
  const int place = (int)(parser->at - parser->expression->text) + 1;
  snprintf(word, sizeof word, "%.*s", (int)word_length(parser->at), parser->at);
  problems_show(word, found, sizeof found);
  if (!*found) return status_raise(STATUS_CONFIG, "at %d: found the end, expected %s", place, expected);
  return status_raise(STATUS_CONFIG, "at %d: found \"%s\", expected %s", place, found, expected);
}

/* Whether the next word is this one; then it is passed. */
static bool accept(struct parser *parser, const char *word) {
  const size_t length = word_length(parser->at);
  if (length != strlen(word) || strncmp(parser->at, word, length) != 0) return false;
  parser->at += length;
  skip_blanks(parser);
  return true;
}

static void emit(struct parser *parser, enum operation operation) {
  struct expression *expression = parser->expression;
  expression->code[expression->length++] = (struct instruction){.operation = operation};
}

/* ---- Grammar: a function a level, from weak to strong ---- */

static enum status parse_or(struct parser *parser);
static enum status parse_unary(struct parser *parser);

static enum status parse_number(struct parser *parser) {
  char word[FOUND_MAX];
  double value;
  const size_t length = word_length(parser->at);
  snprintf(word, sizeof word, "%.*s", (int)length, parser->at);
  if (length >= sizeof word || number_real(word, &value) != NUMBER_OK)
    return fail(parser, "a number in plain decimal digits");
  emit(parser, OP_NUMBER);
  parser->expression->code[parser->expression->length - 1].number = value;
  parser->at += length;
  skip_blanks(parser);
  return STATUS_OK;
}

static enum status parse_call(struct parser *parser, const struct function *function) {
  parser->at += strlen(function->name);
  skip_blanks(parser);
  parser->at += 1;
  skip_blanks(parser);
  for (int i = 0; i < function->arguments; ++i) {
    if (i > 0 && !accept(parser, ",")) return fail(parser, "a comma and a second argument");
    TRY(parse_or(parser));
  }
  if (!accept(parser, ")")) return fail(parser, function->arguments > 1 ? "\")\" behind two arguments" : "\")\"");
  emit(parser, function->operation);
  return STATUS_OK;
}

static enum status parse_name(struct parser *parser) {
  struct expression *expression = parser->expression;
  const size_t length = word_length(parser->at);
  const char *after = parser->at + length;
  after += strspn(after, " \t");
  if (*after == '(') {
    for (const struct function *function = functions; function->name; ++function)
      if (strlen(function->name) == length && strncmp(function->name, parser->at, length) == 0)
        return parse_call(parser, function);
    return fail(parser, "one of the functions min, max, abs, log, log2, exp, sqrt");
  }
  if (length >= NAME_MAX_HERE) return fail(parser, "a shorter name");
  int name = 0;
  while (name < expression->names &&
         (strlen(expression->name[name]) != length || strncmp(expression->name[name], parser->at, length) != 0))
    ++name;
  if (name == EXPRESSION_NAMES_MAX) return fail(parser, "at most 16 different names");
  snprintf(expression->name[name], NAME_MAX_HERE, "%.*s", (int)length, parser->at);
  if (name == expression->names) expression->names += 1;
  emit(parser, OP_NAME);
  expression->code[expression->length - 1].name = name;
  parser->at += length;
  skip_blanks(parser);
  return STATUS_OK;
}

static bool is_word(const struct parser *parser, const char *word) {
  const size_t length = word_length(parser->at);
  return length == strlen(word) && strncmp(parser->at, word, length) == 0;
}

static enum status parse_primary(struct parser *parser) {
  const char *expected = "a number, a name or \"(\"";
  if (accept(parser, "(")) {
    TRY(parse_or(parser));
    return accept(parser, ")") ? STATUS_OK : fail(parser, "an operator or \")\"");
  }
  if (is_digit(*parser->at) || *parser->at == '.') return parse_number(parser);
  if (is_word(parser, "and") || is_word(parser, "or") || is_word(parser, "not")) return fail(parser, expected);
  return begins_name(*parser->at) ? parse_name(parser) : fail(parser, expected);
}

/* 2^3^2 is 2^9, and 2^-1 is a half. */
static enum status parse_power(struct parser *parser) {
  TRY(parse_primary(parser));
  if (!accept(parser, "^")) return STATUS_OK;
  TRY(parse_unary(parser));
  emit(parser, OP_POWER);
  return STATUS_OK;
}

/* What goes round and round in the grammar passes here or by parse_not(), so these bound the depth. */
static enum status parse_unary(struct parser *parser) {
  if (++parser->depth > DEPTH_MAX) return fail(parser, "less nesting");
  const bool negative = accept(parser, "-");
  TRY(negative ? parse_unary(parser) : parse_power(parser));
  if (negative) emit(parser, OP_NEGATE);
  --parser->depth;
  return STATUS_OK;
}

/* Operations of one level, from left to right. */
struct level {
  const char *sign;
  enum operation operation;
};

static enum status parse_left(struct parser *parser, const struct level *level,
                              enum status (*next)(struct parser *parser)) {
  TRY(next(parser));
  for (int i = 0; level[i].sign;) {
    if (!accept(parser, level[i].sign)) {
      ++i;
      continue;
    }
    TRY(next(parser));
    emit(parser, level[i].operation);
    i = 0;
  }
  return STATUS_OK;
}

static enum status parse_product(struct parser *parser) {
  static const struct level level[] = {{"*", OP_MULTIPLY}, {"/", OP_DIVIDE}, {"%", OP_REMAINDER}, {NULL, OP_ADD}};
  return parse_left(parser, level, parse_unary);
}

static enum status parse_sum(struct parser *parser) {
  static const struct level level[] = {{"+", OP_ADD}, {"-", OP_SUBTRACT}, {NULL, OP_ADD}};
  return parse_left(parser, level, parse_product);
}

static enum status parse_comparison(struct parser *parser) {
  static const struct level level[] = {{"<", OP_LESS},   {"<=", OP_AT_MOST}, {">", OP_MORE}, {">=", OP_AT_LEAST},
                                       {"==", OP_EQUAL}, {"!=", OP_UNEQUAL}, {NULL, OP_ADD}};
  TRY(parse_sum(parser));
  for (int i = 0; level[i].sign; ++i) {
    if (!accept(parser, level[i].sign)) continue;
    TRY(parse_sum(parser));
    emit(parser, level[i].operation);
    break;
  }
  for (int i = 0; level[i].sign; ++i)
    if (is_word(parser, level[i].sign)) return fail(parser, "one comparison; join two with \"and\"");
  return STATUS_OK;
}

static enum status parse_not(struct parser *parser) {
  if (++parser->depth > DEPTH_MAX) return fail(parser, "less nesting");
  const bool negated = accept(parser, "not");
  TRY(negated ? parse_not(parser) : parse_comparison(parser));
  if (negated) emit(parser, OP_NOT);
  --parser->depth;
  return STATUS_OK;
}

static enum status parse_and(struct parser *parser) {
  static const struct level level[] = {{"and", OP_AND}, {NULL, OP_ADD}};
  return parse_left(parser, level, parse_not);
}

static enum status parse_or(struct parser *parser) {
  static const struct level level[] = {{"or", OP_OR}, {NULL, OP_ADD}};
  return parse_left(parser, level, parse_and);
}

static enum status parse_whole(struct expression *expression) {
  struct parser parser = {.at = expression->text, .expression = expression};
  skip_blanks(&parser);
  TRY(parse_or(&parser));
  return *parser.at ? fail(&parser, "an operator or the end") : STATUS_OK;
}

enum status expression_parse(const char *text, struct expression **expression) {
  *expression = NULL;
  REQUIRE(strlen(text) < EXPRESSION_TEXT_MAX, STATUS_CONFIG, "at %d: found more, expected at most %d bytes",
          (int)EXPRESSION_TEXT_MAX, (int)EXPRESSION_TEXT_MAX - 1);
  struct expression *made = calloc(1, sizeof *made);
  REQUIRE(made, STATUS_MEMORY, "out of memory for an expression");
  snprintf(made->text, sizeof made->text, "%s", text);
  const enum status status = parse_whole(made);
  if (status != STATUS_OK) expression_destroy(&made);
  *expression = made;
  return status;
}

void expression_destroy(struct expression **expression) {
  free(*expression);
  *expression = NULL;
}

const char *expression_text(const struct expression *expression) { return expression->text; }
int expression_names(const struct expression *expression) { return expression->names; }
const char *expression_name(const struct expression *expression, int index) { return expression->name[index]; }

/* ---- Values ---- */

static double bool_of(bool holds) { return holds ? 1 : 0; }
static bool is_true(double value) { return !isnan(value) && value != 0; }

/* By squaring for whole exponents, so that 2^10 is 1024. */
static double power(double base, double exponent) {
  if (isnan(base) || isnan(exponent)) return (double)NAN;
  if (exponent == floor(exponent) && fabs(exponent) <= 4096) {
    double result = 1, factor = base;
    for (int n = (int)fabs(exponent); n > 0; n /= 2) {
      if (n % 2) result *= factor;
      factor *= factor;
    }
    return exponent < 0 ? 1 / result : result;
  }
  if (base == 0) return exponent > 0 ? 0 : (double)INFINITY;
  return base < 0 ? (double)NAN : elementary_exp(exponent * elementary_log(base));
}

/* With the sign of the divisor, as Python has it. */
static double remainder_of(double a, double b) {
  const double rest = fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

/* Exact for powers of two. */
static double log2_of(double x) {
  if (!(x > 0) || isinf(x)) return elementary_log(x);
  int exponent;
  const double fraction = frexp(x, &exponent);                       /* 0.5 to 1 */
  return exponent + elementary_log(fraction) * 0x1.71547652b82fep+0; /* log(1/2) times that is -1 */
}

static double lesser(double a, double b) { return isnan(a) || a < b ? a : b; }
static double greater(double a, double b) { return isnan(a) || a > b ? a : b; }

static bool is_unary(enum operation operation) {
  return operation == OP_NOT || operation == OP_NEGATE || operation >= OP_ABS;
}

/* Of unary operations b is the operand. */
static double decide(enum operation operation, double a, double b) {
  switch (operation) {
  case OP_OR:
    return bool_of(is_true(a) || is_true(b));
  case OP_AND:
    return bool_of(is_true(a) && is_true(b));
  case OP_NOT:
    return bool_of(!is_true(b));
  case OP_LESS:
    return bool_of(a < b);
  case OP_AT_MOST:
    return bool_of(a <= b);
  case OP_MORE:
    return bool_of(a > b);
  case OP_AT_LEAST:
    return bool_of(a >= b);
  case OP_EQUAL:
    return bool_of(a == b);
  case OP_UNEQUAL:
    return bool_of(a < b || a > b);
  default:
    return (double)NAN;
  }
}

static double compute(enum operation operation, double a, double b) {
  switch (operation) {
  case OP_ADD:
    return a + b;
  case OP_SUBTRACT:
    return a - b;
  case OP_MULTIPLY:
    return a * b;
  case OP_DIVIDE:
    return a / b;
  case OP_REMAINDER:
    return remainder_of(a, b);
  case OP_NEGATE:
    return -b;
  case OP_POWER:
    return power(a, b);
  case OP_MIN:
    return lesser(a, b);
  case OP_MAX:
    return greater(a, b);
  case OP_ABS:
    return fabs(b);
  case OP_LOG:
    return elementary_log(b);
  case OP_LOG2:
    return log2_of(b);
  case OP_EXP:
    return elementary_exp(b);
  case OP_SQRT:
    return sqrt(b);
  default:
    return (double)NAN;
  }
}

static double apply(enum operation operation, double a, double b) {
  return operation >= OP_OR && operation <= OP_UNEQUAL ? decide(operation, a, b) : compute(operation, a, b);
}

double expression_value(const struct expression *expression, const double *value) {
  double stack[CODE_MAX];
  int top = 0;
  stack[0] = (double)NAN;
  for (int i = 0; i < expression->length; ++i) {
    const struct instruction *instruction = &expression->code[i];
    if (instruction->operation == OP_NUMBER) {
      stack[top++] = instruction->number;
    } else if (instruction->operation == OP_NAME) {
      stack[top++] = value[instruction->name];
    } else if (is_unary(instruction->operation)) {
      stack[top - 1] = apply(instruction->operation, 0, stack[top - 1]);
    } else {
      top -= 1;
      stack[top - 1] = apply(instruction->operation, stack[top - 1], stack[top]);
    }
  }
  return stack[0];
}
