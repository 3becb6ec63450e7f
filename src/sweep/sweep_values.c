/* Values of a sweep file: from nodes to numbers and words, with messages that say what was found and expected. */
#include "config/nearest.h"
#include "config/number.h"
#include "config/scalar.h"
#include "sweep/sweep_private.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 640, ADVICE_MAX = 64, WHERE_MAX = SWEEP_PATH_SHOWN_MAX + 32 };

void sweep_problem(struct sweep_reader *reader, struct document_mark mark, const char *format, ...) {
  char where[WHERE_MAX], text[TEXT_MAX];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  snprintf(where, sizeof where, "%s:%d:%d", reader->path, mark.line, mark.column);
  problems_add(&reader->problems, 0, mark, where, "%s", text);
}

void sweep_warn(struct sweep_reader *reader, struct document_mark mark, const char *format, ...) {
  char text[TEXT_MAX];
  const size_t used = strlen(reader->notice);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  snprintf(reader->notice + used, SWEEP_NOTICE_MAX - used, "%s%s:%d:%d: %s", used ? "\n" : "", reader->path, mark.line,
           mark.column, text);
}

char *sweep_keep(struct sweep *sweep, const char *text) {
  static char nothing[1];
  char *copy = arena_array(&sweep->arena, (int64_t)strlen(text) + 1, 1);
  if (!copy) return nothing;
  memcpy(copy, text, strlen(text) + 1);
  return copy;
}

struct document_mark sweep_mark(const struct sweep_reader *reader, int node) {
  return reader->document->nodes[node].mark;
}

enum document_kind sweep_kind(const struct sweep_reader *reader, int node) {
  return reader->document->nodes[node].kind;
}

int sweep_count(const struct sweep_reader *reader, int node) { return reader->document->nodes[node].count; }

int sweep_item(const struct sweep_reader *reader, int node, int index) {
  return document_entry(reader->document, node, index)->value;
}

/* ---- What was found ---- */

static bool is_plain(const struct sweep_reader *reader, int node) {
  return sweep_kind(reader, node) == DOCUMENT_SCALAR && !reader->document->nodes[node].quoted;
}

static bool is_nothing(const struct sweep_reader *reader, int node) {
  if (!is_plain(reader, node)) return false;
  return scalar_is_null(document_text(reader->document, node));
}

void sweep_found(const struct sweep_reader *reader, int node, char found[SWEEP_FOUND_MAX]) {
  char shown[SWEEP_FOUND_MAX / 2];
  double number;
  if (sweep_kind(reader, node) != DOCUMENT_SCALAR) {
    const bool mapping = sweep_kind(reader, node) == DOCUMENT_MAPPING;
    snprintf(found, SWEEP_FOUND_MAX, mapping ? "a mapping" : "a sequence of %d", sweep_count(reader, node));
    return;
  }
  const char *text = document_text(reader->document, node);
  problems_show(text, shown, sizeof shown);
  const bool is_number = number_real(text, &number) != NUMBER_NOT;
  const char *foreign = scalar_foreign(text);
  if (is_nothing(reader, node))
    snprintf(found, SWEEP_FOUND_MAX, "nothing");
  else if (foreign)
    snprintf(found, SWEEP_FOUND_MAX, "\"%s\" (%s)", shown, foreign);
  else if (is_plain(reader, node) && is_number)
    snprintf(found, SWEEP_FOUND_MAX, "%s", shown);
  else
    snprintf(found, SWEEP_FOUND_MAX, "\"%s\"%s", shown, is_number ? " in quotes, which is text" : "");
}

static bool is_one_of(const char *text, const char *const *words) {
  for (; *words; ++words)
    if (strcmp(text, *words) == 0) return true;
  return false;
}

/* 1_000, 0x10 and 0o17: what YAML 1.1 or Python read as numbers. False: it is none of them. */
static bool other_number(const char *text, char number[NUMBER_TEXT_MAX]) {
  char plain[NUMBER_TEXT_MAX];
  double value;
  const bool negative = *text == '-';
  const char *digits = text + (*text == '-' || *text == '+');
  const int base = digits[0] != '0' ? 10 : digits[1] == 'x' ? 16 : digits[1] == 'o' ? 8 : digits[1] == 'b' ? 2 : 10;
  if (base != 10) {
    char *end;
    const long long whole = strtoll(digits + 2, &end, base);
    if (*end || !digits[2] || digits[2] == '-' || whole == LLONG_MAX) return false;
    snprintf(number, NUMBER_TEXT_MAX, "%s%lld", negative ? "-" : "", whole);
    return true;
  }
  if (!strchr(text, '_') || strlen(text) >= sizeof plain) return false;
  char *out = plain;
  for (const char *c = text; *c; ++c)
    if (*c != '_') *out++ = *c;
  *out = '\0';
  snprintf(number, NUMBER_TEXT_MAX, "%s", plain);
  return number_real(plain, &value) == NUMBER_OK;
}

/* How what was meant is written here; "" when that is not known. Other programs read YAML 1.1, where more looks like
 * a number or a truth value than in YAML 1.2. */
static void advise(const struct sweep_reader *reader, int node, bool whole, char advice[ADVICE_MAX]) {
  static const char *const yes[] = {"yes", "Yes", "YES", "on", "On", "ON", NULL};
  static const char *const no[] = {"no", "No", "NO", "off", "Off", "OFF", NULL};
  static const char *const endless[] = {".inf", ".Inf", ".INF", "-.inf", "-.Inf", "-.INF", "inf",
                                        "-inf", ".nan", ".NaN", ".NAN",  "nan",   NULL};
  char number[NUMBER_TEXT_MAX];
  int64_t integer;
  double real;
  advice[0] = '\0';
  if (sweep_kind(reader, node) != DOCUMENT_SCALAR) return;
  const char *text = document_text(reader->document, node);
  if (!is_plain(reader, node)) {
    if (number_real(text, &real) == NUMBER_OK) snprintf(advice, ADVICE_MAX, "; write it without quotes");
  } else if (is_one_of(text, yes) || is_one_of(text, no)) {
    snprintf(advice, ADVICE_MAX, "; write %s", is_one_of(text, yes) ? "true" : "false");
  } else if (is_one_of(text, endless)) {
    snprintf(advice, ADVICE_MAX, "; numbers are finite here");
  } else if (other_number(text, number)) {
    snprintf(advice, ADVICE_MAX, "; write %s", number);
  } else if (whole && number_integer(text, &integer) == NUMBER_NOT && number_real(text, &real) == NUMBER_OK &&
             real == floor(real) && fabs(real) < 1e15) {
    number_print(real, number);
    snprintf(advice, ADVICE_MAX, "; write %s", number);
  }
}

static bool refuse_number(struct sweep_reader *reader, int node, const char *what, bool whole, const char *expected) {
  char found[SWEEP_FOUND_MAX], advice[ADVICE_MAX];
  sweep_found(reader, node, found);
  advise(reader, node, whole, advice);
  sweep_problem(reader, sweep_mark(reader, node), "%s: found %s, expected %s%s", what, found, expected, advice);
  return false;
}

bool sweep_refuse(struct sweep_reader *reader, int node, const char *what, const char *expected) {
  char found[SWEEP_FOUND_MAX];
  sweep_found(reader, node, found);
  sweep_problem(reader, sweep_mark(reader, node), "%s: found %s, expected %s", what, found, expected);
  return false;
}

/* ---- Numbers, words ---- */

bool sweep_read_integer(struct sweep_reader *reader, int node, const char *what, int64_t least, int64_t most,
                        int64_t *value) {
  char expected[96];
  int64_t number;
  if (is_plain(reader, node) && number_integer(document_text(reader->document, node), &number) == NUMBER_OK &&
      number >= least && number <= most) {
    *value = number;
    return true;
  }
  snprintf(expected, sizeof expected, "a whole number, %" PRId64 " to %" PRId64, least, most);
  return refuse_number(reader, node, what, true, expected);
}

static bool is_real(const struct sweep_reader *reader, int node, double *value) {
  if (!is_plain(reader, node) || number_real(document_text(reader->document, node), value) != NUMBER_OK) return false;
  if (*value == 0) *value = 0; /* -0 is 0 */
  return true;
}

bool sweep_read_real(struct sweep_reader *reader, int node, const char *what, double *value) {
  return is_real(reader, node, value) || refuse_number(reader, node, what, false, "a real number");
}

bool sweep_read_positive(struct sweep_reader *reader, int node, const char *what, double *value) {
  return (is_real(reader, node, value) && *value > 0) || refuse_number(reader, node, what, false, "a real number > 0");
}

bool sweep_read_switch(struct sweep_reader *reader, int node, const char *what, bool *value) {
  if (is_plain(reader, node) && scalar_switch(document_text(reader->document, node), value)) return true;
  return refuse_number(reader, node, what, false, "true or false");
}

struct unit {
  const char *name;
  double factor;
};

/* A number, or one with a unit right behind it; *bare: there is none. */
static bool parse_measure(const char *text, const struct unit *units, double *value, bool *bare) {
  char number[NUMBER_TEXT_MAX];
  *bare = number_real(text, value) == NUMBER_OK;
  if (*bare) return *value >= 0;
  for (; units->name; ++units) {
    if (strlen(text) <= strlen(units->name)) continue;
    const size_t length = strlen(text) - strlen(units->name);
    if (length >= sizeof number || strcmp(text + length, units->name) != 0) continue;
    snprintf(number, sizeof number, "%.*s", (int)length, text);
    if (number_real(number, value) != NUMBER_OK) continue;
    *value *= units->factor;
    return *value >= 0;
  }
  return false;
}

static bool read_measure(const struct sweep_reader *reader, int node, const struct unit *units, double *value) {
  bool bare;
  if (sweep_kind(reader, node) != DOCUMENT_SCALAR) return false;
  return parse_measure(document_text(reader->document, node), units, value, &bare) && (!bare || is_plain(reader, node));
}

static const struct unit time_units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {NULL, 0}};

bool sweep_seconds(const char *text, double *seconds) {
  bool bare;
  return parse_measure(text, time_units, seconds, &bare) && *seconds <= 1e9;
}

bool sweep_read_seconds(struct sweep_reader *reader, int node, const char *what, double *value) {
  double seconds;
  if (!read_measure(reader, node, time_units, &seconds) || seconds > 1e9)
    return refuse_number(reader, node, what, false, "a time: seconds, or 90s, 30m, 2h, 1d");
  *value = seconds;
  return true;
}

bool sweep_read_bytes(struct sweep_reader *reader, int node, const char *what, int64_t *value) {
  static const struct unit units[] = {{"kB", 1e3},      {"MB", 1e6},      {"GB", 1e9},
                                      {"TB", 1e12},     {"KiB", 0x1p+10}, {"MiB", 0x1p+20},
                                      {"GiB", 0x1p+30}, {"TiB", 0x1p+40}, {NULL, 0}};
  double bytes;
  if (!read_measure(reader, node, units, &bytes) || bytes > 0x1p+60)
    return refuse_number(reader, node, what, false, "a size: bytes, or 500MB, 2GiB");
  *value = (int64_t)bytes;
  return true;
}

bool sweep_read_text(struct sweep_reader *reader, int node, const char *what, size_t size, const char **text) {
  char expected[64];
  snprintf(expected, sizeof expected, "a text of 1 to %zu bytes", size - 1);
  if (sweep_kind(reader, node) != DOCUMENT_SCALAR || is_nothing(reader, node))
    return sweep_refuse(reader, node, what, expected);
  *text = document_text(reader->document, node);
  if (!**text || strlen(*text) >= size) return sweep_refuse(reader, node, what, expected);
  for (const char *c = *text; *c; ++c)
    if ((unsigned char)*c < ' ' || *c == 127) return sweep_refuse(reader, node, what, "a text in one line");
  return true;
}

bool sweep_read_choice(struct sweep_reader *reader, int node, const char *what, const char *const *words, int count,
                       int *choice) {
  char expected[400] = "";
  const bool scalar = sweep_kind(reader, node) == DOCUMENT_SCALAR;
  const char *text = scalar ? document_text(reader->document, node) : "";
  for (int i = 0; i < count; ++i) {
    const size_t used = strlen(expected);
    snprintf(expected + used, sizeof expected - used, "%s%s", i ? ", " : "one of ", words[i]);
    if (!scalar || strcmp(text, words[i]) != 0) continue;
    *choice = i;
    return true;
  }
  const char *meant = scalar ? nearest_word(text, words, count) : NULL;
  const size_t used = strlen(expected);
  if (meant) snprintf(expected + used, sizeof expected - used, "; did you mean \"%s\"?", meant);
  return sweep_refuse(reader, node, what, expected);
}

/* ---- Values of keys of the experiment ---- */

static double number_of(const struct schema_row *row, const char *text) {
  double number;
  if (row->type == SCHEMA_SWITCH) return strcmp(text, "true") == 0 ? 1 : 0;
  if (row->type != SCHEMA_INTEGER && row->type != SCHEMA_REAL) return (double)NAN;
  return number_real(text, &number) == NUMBER_OK ? number : (double)NAN; /* an integer may be a word */
}

bool sweep_read_value(struct sweep_reader *reader, int index, int node, char text[VALUE_TEXT_MAX], double *number) {
  const struct schema_row *row = &schema_rows[index];
  char problem[VALUE_TEXT_MAX], advice[ADVICE_MAX] = "";
  if (!value_set(row, reader->document, node, &reader->scratch, problem)) {
    const bool numeric = row->type == SCHEMA_INTEGER || row->type == SCHEMA_REAL || row->type == SCHEMA_SWITCH;
    if (numeric) advise(reader, node, row->type == SCHEMA_INTEGER, advice);
    sweep_problem(reader, sweep_mark(reader, node), "%.540s%s", problem, advice);
    return false;
  }
  value_print(row, &reader->scratch, text);
  *number = number_of(row, text);
  if (strlen(row->path) + 1 + strlen(text) < SPACE_WORD_MAX) return true;
  sweep_problem(reader, sweep_mark(reader, node), "%s: expected a shorter text", row->path);
  return false;
}

/* ---- Mappings by a table ---- */

static void refuse_key(struct sweep_reader *reader, const struct document_entry *entry, const char *section,
                       const struct sweep_key *keys, int count) {
  const char *words[SWEEP_KEYS_MAX];
  char shown[64], place[64] = "";
  const char *key = document_text(reader->document, entry->key);
  for (int i = 0; i < count; ++i) words[i] = keys[i].name;
  const char *meant = nearest_word(key, words, count);
  problems_show(key, shown, sizeof shown);
  if (*section) snprintf(place, sizeof place, " of %s", section);
  if (meant) {
    sweep_problem(reader, entry->mark, "unknown key \"%s\"%s; did you mean \"%s\"?", shown, place, meant);
    return;
  }
  char valid[448] = "";
  for (int i = 0; i < count; ++i) {
    const size_t used = strlen(valid);
    if (keys[i].kind != SWEEP_REFUSED && keys[i].kind != SWEEP_IGNORED && used < sizeof valid)
      snprintf(valid + used, sizeof valid - used, "%s%s", used ? ", " : "", keys[i].name);
  }
  sweep_problem(reader, entry->mark, "unknown key \"%s\"%s; valid are %s", shown, place, valid);
}

static void read_key(struct sweep_reader *reader, const char *section, const struct sweep_key *key, int node) {
  char what[96];
  char *target = (char *)reader->sweep + key->offset;
  int64_t integer;
  double real;
  bool on;
  snprintf(what, sizeof what, "%s%s%s", section, *section ? "." : "", key->name);
  switch (key->kind) {
  case SWEEP_SPECIAL:
    key->read(reader, node);
    break;
  case SWEEP_INTEGER:
    if (sweep_read_integer(reader, node, what, key->least, key->most, &integer))
      memcpy(target, &integer, sizeof integer);
    break;
  case SWEEP_BYTES:
    if (sweep_read_bytes(reader, node, what, &integer)) memcpy(target, &integer, sizeof integer);
    break;
  case SWEEP_SECONDS:
    if (sweep_read_seconds(reader, node, what, &real)) memcpy(target, &real, sizeof real);
    break;
  case SWEEP_REAL:
    if (!sweep_read_real(reader, node, what, &real)) break;
    if (real < 0 || real > 1e12)
      sweep_refuse(reader, node, what, "a real number >= 0");
    else
      memcpy(target, &real, sizeof real);
    break;
  case SWEEP_SWITCH:
    if (sweep_read_switch(reader, node, what, &on)) memcpy(target, &on, sizeof on);
    break;
  case SWEEP_IGNORED:
  case SWEEP_UNREAD:
  case SWEEP_REFUSED:
    break;
  }
}

/* Keys that need no reading of their value. */
static void note_key(struct sweep_reader *reader, const struct document_entry *entry, const struct sweep_key *key) {
  const size_t used = strlen(reader->meaningless);
  if (key->kind == SWEEP_REFUSED) sweep_problem(reader, entry->mark, "\"%s\" %s", key->name, key->reason);
  if (key->kind == SWEEP_IGNORED)
    snprintf(reader->meaningless + used, sizeof reader->meaningless - used, "%s%s", used ? ", " : "", key->name);
}

void sweep_read_keys(struct sweep_reader *reader, int node, const char *section, const struct sweep_key *keys,
                     int count) {
  int nodes[SWEEP_KEYS_MAX];
  for (int i = 0; i < count; ++i) nodes[i] = -1;
  if (sweep_kind(reader, node) != DOCUMENT_MAPPING) {
    sweep_refuse(reader, node, *section ? section : "a sweep", "a mapping of its keys");
    return;
  }
  for (int i = 0; i < sweep_count(reader, node); ++i) {
    const struct document_entry *entry = document_entry(reader->document, node, i);
    const char *name = document_text(reader->document, entry->key);
    int key = 0;
    while (key < count && strcmp(keys[key].name, name) != 0) ++key;
    if (key < count) {
      note_key(reader, entry, &keys[key]);
      nodes[key] = entry->value;
    } else if (*section || strncmp(name, "x-", 2) != 0) { /* a place for anchors */
      refuse_key(reader, entry, section, keys, count);
    }
  }
  for (int i = 0; i < count; ++i)
    if (nodes[i] >= 0) read_key(reader, section, &keys[i], nodes[i]);
}
