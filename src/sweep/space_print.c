/* A space and its points as people read them. */
#include "base/elementary.h"
#include "config/number.h"
#include "sweep/space.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

enum { COLUMNS = 100, GAP = 2, INDENT = 2, CELL_LEAST = 24, LINE_MAX_BYTES = 4 * COLUMNS };

/* Copies what fits into `size` bytes, but no part of a character of several bytes (UTF-8). */
static void copy_cut(char *text, size_t size, const char *full) {
  size_t end = strlen(full);
  if (end >= size) {
    end = size - 1;
    while (end > 0 && ((unsigned char)full[end] & 0xc0) == 0x80) end--;
  }
  memcpy(text, full, end);
  text[end] = '\0';
}

/* At most `size` - 1 characters: with fewer digits rather than cut, which would be another number; "#" when there is no
 * room for one digit. */
static void show_number(double value, char *text, size_t size) {
  char full[NUMBER_TEXT_MAX];
  if (isinf(value)) {
    copy_cut(text, size, value > 0.0 ? "inf" : "-inf");
    return;
  }
  number_print(value, full);
  for (int digits = 16; strlen(full) >= size && digits > 0; digits--) number_print_short(value, digits, full);
  copy_cut(text, size, strlen(full) < size ? full : "#");
}

void space_show(const struct space *space, const double *point, int parameter, char *text, size_t size) {
  const struct space_parameter *p = &space->parameter[parameter];
  double value = point[parameter];
  if (size == 0) return;
  if (isnan(value)) {
    copy_cut(text, size, "-");
  } else if (p->choice) {
    copy_cut(text, size, p->choice[(int64_t)value].text);
  } else {
    show_number(value, text, size);
  }
}

/* A line that is put together; what does not fit is left out. */
struct line {
  char text[LINE_MAX_BYTES];
  size_t length;
};

static void add(struct line *line, const char *format, ...) STATUS_PRINTF(2, 3);

static void add(struct line *line, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line->text + line->length, sizeof line->text - line->length, format, arguments);
  va_end(arguments);
  if (length > 0) line->length += (size_t)length;
  if (line->length >= sizeof line->text) line->length = sizeof line->text - 1;
}

static void add_number(struct line *line, double value) {
  char text[16];
  show_number(value, text, sizeof text);
  add(line, "%s", text);
}

/* Of UTF-8 text: its characters. */
static size_t width_of(const char *text) {
  size_t width = 0;
  for (; *text; text++) width += ((unsigned char)*text & 0xc0) != 0x80;
  return width;
}

/* One choice: its text, shortened, and what its probability is where they are not alike. */
static void add_choice(struct line *line, const struct space_parameter *parameter, int64_t index) {
  char text[CELL_LEAST + 1];
  copy_cut(text, sizeof text, parameter->choice[index].text);
  add(line, "%s%s", text, strlen(text) < strlen(parameter->choice[index].text) ? "..." : "");
  if (!parameter->distribution.probability) return;
  show_number(parameter->distribution.probability[index], text, 6);
  add(line, " (%s)", text);
}

/* "a, b, c" within `width` columns, else "a, b, ... (3 in all)". At least one is shown. */
static void add_choices(struct line *line, const struct space_parameter *parameter, size_t width) {
  const int64_t count = parameter->distribution.count;
  char end[48];
  snprintf(end, sizeof end, ", ... (%lld in all)", (long long)count);
  for (int64_t i = 0; i < count; i++) {
    struct line next = *line;
    if (i > 0) add(&next, ", ");
    add_choice(&next, parameter, i);
    /* Room for what has to follow, which is nothing after the last. */
    size_t room = i + 1 < count ? strlen(end) : 0;
    if (i > 0 && width_of(next.text) + room > width) {
      add(line, "%s", end);
      return;
    }
    *line = next;
  }
}

static void add_pair(struct line *line, const char *before, double first, const char *between, double second,
                     const char *after) {
  add(line, "%s", before);
  add_number(line, first);
  add(line, "%s", between);
  add_number(line, second);
  add(line, "%s", after);
}

/* Ends that are given by their logarithms, and about what they are. */
static void add_exponents(struct line *line, double least, double most) {
  char first[9], last[9];
  show_number(elementary_exp(least), first, sizeof first);
  show_number(elementary_exp(most), last, sizeof last);
  add_pair(line, "exp(", least, ") to exp(", most, "): ");
  add(line, "%s to %s", first, last);
}

static void add_range(struct line *line, const struct distribution *distribution) {
  const struct distribution *d = distribution;
  switch (d->kind) {
  case DISTRIBUTION_LOG_UNIFORM:
  case DISTRIBUTION_Q_LOG_UNIFORM:
    add_exponents(line, d->least, d->most);
    break;
  case DISTRIBUTION_INV_LOG_UNIFORM:
    add_exponents(line, 0.0 - d->most, 0.0 - d->least);
    break;
  case DISTRIBUTION_NORMAL:
  case DISTRIBUTION_Q_NORMAL:
    add_pair(line, "mean ", d->mu, ", deviation ", d->sigma, "");
    break;
  case DISTRIBUTION_LOG_NORMAL:
  case DISTRIBUTION_Q_LOG_NORMAL:
    add_pair(line, "exp of: mean ", d->mu, ", deviation ", d->sigma, "");
    break;
  case DISTRIBUTION_BETA:
  case DISTRIBUTION_Q_BETA:
    add_pair(line, "0 to 1: a ", d->a, ", b ", d->b, "");
    break;
  default:
    add_pair(line, "", d->least, " to ", d->most, "");
    break;
  }
  if (!distribution_is_quantised(d->kind)) return;
  add(line, ", steps of ");
  add_number(line, d->q);
}

/* "when model.name is hgn or lnn", of long lists the values that fit into `width` columns. */
static void add_condition(struct line *line, const struct space *space, const struct space_condition *condition,
                          const char *before, size_t width) {
  add(line, "%s %s is ", before, space->parameter[condition->parameter].name);
  char end[48];
  snprintf(end, sizeof end, ", ... (%lld in all)", (long long)condition->count);
  for (int64_t v = 0; v < condition->count; v++) {
    char text[CELL_LEAST + 1];
    double point[SPACE_PARAMETERS_MAX];
    point[condition->parameter] = condition->value[v];
    space_show(space, point, condition->parameter, text, sizeof text);
    struct line next = *line;
    add(&next, "%s%s", v == 0 ? "" : " or ", text);
    size_t room = v + 1 < condition->count ? strlen(end) : 0;
    if (v > 0 && width_of(next.text) + room > width) {
      add(line, "%s", end);
      return;
    }
    *line = next;
  }
}

/* Behind what stands there, `used` columns, when there is room; else in a line of their own below it, else in one
 * each. */
static void print_conditions(const struct space *space, const struct space_parameter *parameter, size_t offset,
                             size_t used, size_t room, FILE *out) {
  struct line all = {"", 0};
  for (int c = 0; c < parameter->conditions; c++)
    add_condition(&all, space, &parameter->condition[c], c == 0 ? "when" : " and", sizeof all.text);
  if (used + GAP + width_of(all.text) <= room) {
    fprintf(out, "%*s%s", GAP, "", all.text);
  } else if (width_of(all.text) <= room) {
    fprintf(out, "\n%*s%s", (int)offset, "", all.text);
  } else {
    for (int c = 0; c < parameter->conditions; c++) {
      struct line one = {"", 0};
      add_condition(&one, space, &parameter->condition[c], c == 0 ? "when" : "and", room);
      fprintf(out, "\n%*s%s", (int)offset, "", one.text);
    }
  }
}

struct widths {
  size_t name, kind;
};

static struct widths widths_of(const struct space *space) {
  struct widths widths = {0, 0};
  for (int i = 0; i < space->count; i++) {
    size_t name = width_of(space->parameter[i].name);
    size_t kind = strlen(distribution_name(space->parameter[i].distribution.kind));
    if (name > widths.name) widths.name = name;
    if (kind > widths.kind) widths.kind = kind;
  }
  return widths;
}

static void print_parameter(const struct space *space, int index, struct widths widths, FILE *out) {
  const struct space_parameter *parameter = &space->parameter[index];
  size_t offset = INDENT + widths.name + GAP + widths.kind + GAP;
  size_t room = offset + CELL_LEAST < COLUMNS ? COLUMNS - offset : CELL_LEAST;
  struct line values = {"", 0};
  if (parameter->choice)
    add_choices(&values, parameter, room);
  else
    add_range(&values, &parameter->distribution);
  fprintf(out, "%*s%-*s%*s%-*s%*s%s", INDENT, "", (int)widths.name, parameter->name, GAP, "", (int)widths.kind,
          distribution_name(parameter->distribution.kind), GAP, "", values.text);
  if (parameter->conditions > 0) print_conditions(space, parameter, offset, width_of(values.text), room, out);
  fputc('\n', out);
}

enum status space_print(const struct space *space, FILE *out) {
  const struct widths widths = widths_of(space);
  for (int i = 0; i < space->count; i++) print_parameter(space, i, widths, out);
  REQUIRE(!ferror(out), STATUS_FILE, "the space of the sweep could not be written");
  return STATUS_OK;
}
