#include "config/value.h"

#include "config/nearest.h"
#include "config/number.h"
#include "config/problems.h"
#include "config/scalar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { FOUND_MAX = 64 };

/* What stands in the file, in words. */
static void describe(const struct document *document, int node, char found[2 * FOUND_MAX]) {
  const struct document_node *n = &document->nodes[node];
  char shown[FOUND_MAX];
  if (n->kind == DOCUMENT_MAPPING) {
    snprintf(found, 2 * FOUND_MAX, "a mapping");
    return;
  }
  if (n->kind == DOCUMENT_SEQUENCE) {
    snprintf(found, 2 * FOUND_MAX, "a sequence of %d", n->count);
    return;
  }
  problems_show(document_text(document, node), shown, sizeof shown);
  double real;
  const bool number = number_real(document_text(document, node), &real) != NUMBER_NOT;
  const char *foreign = scalar_foreign(document_text(document, node));
  if (!n->quoted && scalar_is_null(shown))
    snprintf(found, 2 * FOUND_MAX, "nothing");
  else if (foreign)
    snprintf(found, 2 * FOUND_MAX, "\"%s\" (%s)", shown, foreign);
  else if (n->quoted)
    snprintf(found, 2 * FOUND_MAX, "\"%s\"%s", shown, number ? " in quotes, which is text" : "");
  else
    snprintf(found, 2 * FOUND_MAX, number ? "%s" : "\"%s\"", shown);
}

static bool refuse(const struct schema_row *row, const char *found, char problem[VALUE_TEXT_MAX]) {
  char expected[SCHEMA_TEXT_MAX];
  schema_expected(row, expected);
  snprintf(problem, VALUE_TEXT_MAX, "%s: found %.120s, expected %s", row->path, found, expected);
  return false;
}

/* Which of the row's words a node is; -1: none. */
static int find_choice(const struct schema_row *row, const struct document *document, int node) {
  if (document->nodes[node].kind != DOCUMENT_SCALAR) return -1;
  for (int i = 0; i < row->choice_count; ++i)
    if (strcmp(document_text(document, node), row->choices[i]) == 0) return i;
  return -1;
}

/* A word of the row stands for a number below all others. */
static bool set_integer(const struct schema_row *row, const struct document *document, int node, int64_t *value) {
  const struct document_node *n = &document->nodes[node];
  const int word = find_choice(row, document, node);
  if (word >= 0) {
    *value = SCHEMA_WORD(word);
    return true;
  }
  return n->kind == DOCUMENT_SCALAR && !n->quoted &&
         number_integer(document_text(document, node), value) == NUMBER_OK && *value >= row->least &&
         *value <= row->most;
}

static bool set_real(const struct schema_row *row, const struct document *document, int node, double *value) {
  const struct document_node *n = &document->nodes[node];
  if (n->kind != DOCUMENT_SCALAR || n->quoted) return false;
  if (number_real(document_text(document, node), value) != NUMBER_OK) return false;
  if (*value == 0) *value = 0; /* -0 is 0 */
  return (row->above_lower ? *value > row->lower : *value >= row->lower) && *value <= row->upper;
}

static bool set_pair(const struct schema_row *row, const struct document *document, int node, double pair[2],
                     char found[2 * FOUND_MAX]) {
  const struct document_node *n = &document->nodes[node];
  if (n->kind != DOCUMENT_SEQUENCE || n->count != 2) return false;
  for (int i = 0; i < 2; ++i) {
    const int item = document_entry(document, node, i)->value;
    if (set_real(row, document, item, &pair[i])) continue;
    char part[2 * FOUND_MAX];
    describe(document, item, part);
    snprintf(found, 2 * FOUND_MAX, "%.100s as its %s number", part, i ? "second" : "first");
    return false;
  }
  if (pair[0] <= pair[1]) return true;
  char low[NUMBER_TEXT_MAX], high[NUMBER_TEXT_MAX];
  number_print(pair[0], low);
  number_print(pair[1], high);
  snprintf(found, 2 * FOUND_MAX, "[%s, %s]", low, high);
  return false;
}

static void add_meant(const struct schema_row *row, const char *text, char problem[VALUE_TEXT_MAX]) {
  const char *meant = nearest_word(text, row->choices, row->choice_count);
  const size_t used = strlen(problem);
  if (meant) snprintf(problem + used, VALUE_TEXT_MAX - used, "; did you mean \"%s\"?", meant);
}

/* With the word that was meant. */
static bool refuse_word(const struct schema_row *row, const struct document *document, int node, const char *found,
                        char problem[VALUE_TEXT_MAX]) {
  refuse(row, found, problem);
  if (row->choice_count && document->nodes[node].kind == DOCUMENT_SCALAR)
    add_meant(row, document_text(document, node), problem);
  return false;
}

static bool set_choice(const struct schema_row *row, const struct document *document, int node, int *choice) {
  const int found = find_choice(row, document, node);
  if (found >= 0) *choice = found;
  return found >= 0;
}

static bool set_switch(const struct document *document, int node, bool *value) {
  const struct document_node *n = &document->nodes[node];
  if (n->kind != DOCUMENT_SCALAR || n->quoted) return false;
  return scalar_switch(document_text(document, node), value);
}

/* No line breaks: it is printed on one line. */
static bool set_text(const struct document *document, int node, char text[TRAINING_TEXT_MAX]) {
  const struct document_node *n = &document->nodes[node];
  if (n->kind != DOCUMENT_SCALAR) return false;
  const char *given = document_text(document, node);
  if (!*given || (!n->quoted && scalar_is_null(given)) || strlen(given) >= TRAINING_TEXT_MAX) return false;
  if (scalar_foreign(given)) return false;
  for (const char *c = given; *c; ++c)
    if ((unsigned char)*c < ' ' || *c == 127) return false;
  memset(text, 0, TRAINING_TEXT_MAX);
  memcpy(text, given, strlen(given));
  return true;
}

static bool set_list(const struct schema_row *row, const struct document *document, int node, struct integer_list *list,
                     char found[2 * FOUND_MAX]) {
  const struct document_node *n = &document->nodes[node];
  if (n->kind != DOCUMENT_SEQUENCE || n->count > TRAINING_LIST_MAX) return false;
  *list = (struct integer_list){.count = n->count};
  for (int i = 0; i < n->count; ++i) {
    const int item = document_entry(document, node, i)->value;
    int choice = 0;
    if (row->type == SCHEMA_LIST ? set_integer(row, document, item, &list->item[i])
                                 : set_choice(row, document, item, &choice)) {
      if (row->type == SCHEMA_CHOICES) list->item[i] = choice;
      continue;
    }
    char part[2 * FOUND_MAX];
    describe(document, item, part);
    snprintf(found, 2 * FOUND_MAX, "%.100s as its item %d", part, i + 1);
    return false;
  }
  return true;
}

/* A larger value than a number: straight into place, when it is right. */
static bool set_large(const struct schema_row *row, const struct document *document, int node, char *target,
                      char found[2 * FOUND_MAX]) {
  if (row->type == SCHEMA_TEXT) {
    char text[TRAINING_TEXT_MAX];
    if (!set_text(document, node, text)) return false;
    memcpy(target, text, sizeof text);
    return true;
  }
  struct integer_list list;
  if (!set_list(row, document, node, &list, found)) return false;
  memcpy(target, &list, sizeof list);
  return true;
}

bool value_set(const struct schema_row *row, const struct document *document, int node, struct experiment *experiment,
               char problem[VALUE_TEXT_MAX]) {
  char *target = (char *)experiment + row->offset;
  char found[2 * FOUND_MAX];
  describe(document, node, found);
  int64_t integer;
  double real, pair[2];
  int choice;
  bool on;
  switch (row->type) {
  case SCHEMA_SWITCH:
    if (!set_switch(document, node, &on)) return refuse(row, found, problem);
    memcpy(target, &on, sizeof on);
    return true;
  case SCHEMA_TEXT:
  case SCHEMA_LIST:
  case SCHEMA_CHOICES:
    return set_large(row, document, node, target, found) || refuse(row, found, problem);
  case SCHEMA_INTEGER:
    if (!set_integer(row, document, node, &integer)) return refuse_word(row, document, node, found, problem);
    memcpy(target, &integer, sizeof integer);
    return true;
  case SCHEMA_REAL:
    if (!set_real(row, document, node, &real)) return refuse(row, found, problem);
    memcpy(target, &real, sizeof real);
    return true;
  case SCHEMA_PAIR:
    if (!set_pair(row, document, node, pair, found)) return refuse(row, found, problem);
    memcpy(target, pair, sizeof pair);
    return true;
  case SCHEMA_CHOICE:
    if (!set_choice(row, document, node, &choice)) return refuse_word(row, document, node, found, problem);
    memcpy(target, &choice, sizeof choice);
    return true;
  }
  return refuse(row, found, problem);
}

enum status value_set_standard(const struct schema_row *row, struct experiment *experiment) {
  struct document *document;
  char problem[VALUE_TEXT_MAX];
  TRY(document_parse("default", false, row->standard, strlen(row->standard), &document));
  const bool good = document->root >= 0 && value_set(row, document, document->root, experiment, problem);
  document_destroy(&document);
  REQUIRE(good, STATUS_ARGUMENT, "the table's default of %s", row->path);
  return STATUS_OK;
}

/* Within double quotes YAML reads every character but these two as it is. */
static void print_quoted(const char *source, char text[VALUE_TEXT_MAX]) {
  char *out = text;
  *out++ = '"';
  for (; *source; ++source) {
    if (*source == '"' || *source == '\\') *out++ = '\\';
    *out++ = *source;
  }
  *out++ = '"';
  *out = '\0';
}

static void print_list(const struct schema_row *row, const char *source, char text[VALUE_TEXT_MAX]) {
  struct integer_list list;
  memcpy(&list, source, sizeof list);
  int used = snprintf(text, VALUE_TEXT_MAX, "[");
  for (int i = 0; i < list.count; ++i) {
    const char *comma = i ? ", " : "";
    used += row->type == SCHEMA_LIST
                ? snprintf(text + used, VALUE_TEXT_MAX - (size_t)used, "%s%" PRId64, comma, list.item[i])
                : snprintf(text + used, VALUE_TEXT_MAX - (size_t)used, "%s%s", comma, row->choices[list.item[i]]);
  }
  snprintf(text + used, VALUE_TEXT_MAX - (size_t)used, "]");
}

void value_print(const struct schema_row *row, const struct experiment *experiment, char text[VALUE_TEXT_MAX]) {
  const char *source = (const char *)experiment + row->offset;
  char number[2][NUMBER_TEXT_MAX];
  int64_t integer;
  double pair[2];
  int choice;
  bool on;
  switch (row->type) {
  case SCHEMA_INTEGER:
    memcpy(&integer, source, sizeof integer);
    if (integer < 0 && integer >= SCHEMA_WORD(row->choice_count - 1))
      snprintf(text, VALUE_TEXT_MAX, "%s", row->choices[-1 - integer]);
    else
      snprintf(text, VALUE_TEXT_MAX, "%" PRId64, integer);
    break;
  case SCHEMA_REAL:
    memcpy(pair, source, sizeof pair[0]);
    number_print(pair[0], number[0]);
    snprintf(text, VALUE_TEXT_MAX, "%s", number[0]);
    break;
  case SCHEMA_PAIR:
    memcpy(pair, source, sizeof pair);
    number_print(pair[0], number[0]);
    number_print(pair[1], number[1]);
    snprintf(text, VALUE_TEXT_MAX, "[%s, %s]", number[0], number[1]);
    break;
  case SCHEMA_SWITCH:
    memcpy(&on, source, sizeof on);
    snprintf(text, VALUE_TEXT_MAX, "%s", on ? "true" : "false");
    break;
  case SCHEMA_TEXT:
    print_quoted(source, text);
    break;
  case SCHEMA_LIST:
  case SCHEMA_CHOICES:
    print_list(row, source, text);
    break;
  case SCHEMA_CHOICE:
    memcpy(&choice, source, sizeof choice);
    snprintf(text, VALUE_TEXT_MAX, "%s", row->choices[choice]);
    break;
  }
}
