/* `parameters:` of a sweep file: distributions as Weights & Biases' schema has them, of keys of the experiment. */
#include "config/nearest.h"
#include "config/number.h"
#include "sweep/sweep_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum key { VALUE, VALUES, PROBABILITIES, MIN, MAX, DISTRIBUTION, MU, SIGMA, Q, A, B, WHEN, PARAMETERS, KEYS };

static const char *const key_names[KEYS] = {
    "value", "values", "probabilities", "min",       "max", "distribution", "mu", "sigma", "q",
    "a",     "b",      "when",          "parameters"};

#define BIT(key) (1u << (key))
#define BOUNDS (BIT(MIN) | BIT(MAX))
#define MOMENTS (BIT(MU) | BIT(SIGMA))

/* What a distribution needs, and what it may have beside that. */
static const struct {
  unsigned needs, may;
} rules[DISTRIBUTION_COUNT] = {
    [DISTRIBUTION_CONSTANT] = {BIT(VALUE), 0},
    [DISTRIBUTION_CATEGORICAL] = {BIT(VALUES), 0},
    [DISTRIBUTION_CATEGORICAL_W_PROBABILITIES] = {BIT(VALUES) | BIT(PROBABILITIES), 0},
    [DISTRIBUTION_INT_UNIFORM] = {BOUNDS, 0},
    [DISTRIBUTION_UNIFORM] = {BOUNDS, 0},
    [DISTRIBUTION_Q_UNIFORM] = {BOUNDS, BIT(Q)},
    [DISTRIBUTION_LOG_UNIFORM] = {BOUNDS, 0},
    [DISTRIBUTION_LOG_UNIFORM_VALUES] = {BOUNDS, 0},
    [DISTRIBUTION_Q_LOG_UNIFORM] = {BOUNDS, BIT(Q)},
    [DISTRIBUTION_Q_LOG_UNIFORM_VALUES] = {BOUNDS, BIT(Q)},
    [DISTRIBUTION_INV_LOG_UNIFORM] = {BOUNDS, 0},
    [DISTRIBUTION_INV_LOG_UNIFORM_VALUES] = {BOUNDS, 0},
    [DISTRIBUTION_NORMAL] = {0, MOMENTS},
    [DISTRIBUTION_Q_NORMAL] = {0, MOMENTS | BIT(Q)},
    [DISTRIBUTION_LOG_NORMAL] = {0, MOMENTS},
    [DISTRIBUTION_Q_LOG_NORMAL] = {0, MOMENTS | BIT(Q)},
    [DISTRIBUTION_BETA] = {0, BIT(A) | BIT(B)},
    [DISTRIBUTION_Q_BETA] = {0, BIT(A) | BIT(B) | BIT(Q)},
};

/* One parameter while it is read. */
struct entry {
  struct sweep_reader *reader;
  const char *given; /* its name in the file, dotted */
  int mapping;       /* node */
  struct document_mark mark;
  int node[KEYS]; /* -1: not given */
  struct document_mark key_mark[KEYS];
  int row;
  struct space_parameter *parameter;
};

/* "GIVEN.KEY" for messages. */
static const char *what_of(const struct entry *entry, enum key key, char what[SWEEP_GIVEN_MAX + 32]) {
  snprintf(what, SWEEP_GIVEN_MAX + 32, "%s.%s", entry->given, key_names[key]);
  return what;
}

/* ---- Bounds ---- */

static bool has_exponents(enum distribution_kind kind) {
  return kind == DISTRIBUTION_LOG_UNIFORM || kind == DISTRIBUTION_Q_LOG_UNIFORM || kind == DISTRIBUTION_INV_LOG_UNIFORM;
}

static bool is_bounded(enum distribution_kind kind) { return (rules[kind].needs & BIT(MIN)) != 0; }

static bool in_range(const struct schema_row *row, double value) {
  if (row->type == SCHEMA_INTEGER) return value >= (double)row->least && value <= (double)row->most;
  return (row->above_lower ? value > row->lower : value >= row->lower) && value <= row->upper;
}

/* Bounds that look as if they were values where they are natural exponents: uniform on (1, 1.01) is no search of
 * learning rates from 1e-5 to 1e-2. */
static bool look_like_values(const struct distribution *d) {
  return has_exponents(d->kind) && ((d->least > 0 && d->most < 1) || d->most > 30);
}

static const char *values_name(enum distribution_kind kind) {
  return kind == DISTRIBUTION_Q_LOG_UNIFORM     ? "q_log_uniform_values"
         : kind == DISTRIBUTION_INV_LOG_UNIFORM ? "inv_log_uniform_values"
                                                : "log_uniform_values";
}

/* For people: four digits, or "infinity". */
static void show_end(double end, char text[NUMBER_TEXT_MAX]) {
  if (!isfinite(end)) {
    snprintf(text, NUMBER_TEXT_MAX, "infinity");
    return;
  }
  double rounded = end;
  number_print_short(end, 4, text);
  (void)number_real(text, &rounded); /* beyond the largest double: all digits */
  number_print(rounded, text);
}

/* Both ends must be values that the key can have; ends of values themselves have been checked by their own type. */
static void check_ends(struct entry *entry) {
  const struct distribution *d = &entry->parameter->distribution;
  const struct schema_row *row = &schema_rows[entry->row];
  double end[2];
  char number[2][NUMBER_TEXT_MAX], range[SCHEMA_TEXT_MAX], hint[96] = "";
  const bool doubtful = look_like_values(d);
  distribution_ends(d, &end[0], &end[1]);
  for (int i = 0; i < 2; ++i) show_end(end[i], number[i]);
  if (has_exponents(d->kind))
    snprintf(hint, sizeof hint, "; min and max are natural exponents: did you mean %s?", values_name(d->kind));
  for (int i = 0; i < 2; ++i) {
    if (!is_bounded(d->kind) && d->kind != DISTRIBUTION_Q_BETA) return;
    if (isfinite(end[i]) && in_range(row, end[i])) continue;
    schema_range(row, range);
    const int node = entry->node[i ? MAX : MIN];
    sweep_problem(entry->reader, sweep_mark(entry->reader, node >= 0 ? node : entry->mapping),
                  "%s: %s has values %s %s, expected %s%s", row->path, distribution_name(d->kind), i ? "up to" : "from",
                  number[i], range, hint);
    return;
  }
  if (doubtful)
    sweep_warn(entry->reader, sweep_mark(entry->reader, entry->node[MIN]),
               "%s: min and max of %s are natural exponents, so values are between %s and %s; did you mean %s?",
               entry->given, distribution_name(d->kind), number[0], number[1], values_name(d->kind));
}

/* ---- Distributions of numbers ---- */

static bool is_whole(const struct sweep_reader *reader, int node) {
  int64_t value;
  return node >= 0 && sweep_kind(reader, node) == DOCUMENT_SCALAR && !reader->document->nodes[node].quoted &&
         number_integer(document_text(reader->document, node), &value) == NUMBER_OK;
}

/* A bound is a value of the key, or an exponent. */
static bool read_bound(struct entry *entry, enum key key, double *bound) {
  struct sweep_reader *reader = entry->reader;
  const enum distribution_kind kind = entry->parameter->distribution.kind;
  const int node = entry->node[key];
  char text[VALUE_TEXT_MAX], what[SWEEP_GIVEN_MAX + 32];
  if (has_exponents(kind)) return sweep_read_real(reader, node, what_of(entry, key, what), bound);
  if (!sweep_read_value(reader, entry->row, node, text, bound)) return false;
  if (!isfinite(*bound)) return sweep_refuse(reader, node, what_of(entry, key, what), "a number");
  if (kind == DISTRIBUTION_INT_UNIFORM && (!is_whole(reader, node) || fabs(*bound) > 0x1p+53))
    return sweep_refuse(reader, node, what_of(entry, key, what), "a whole number, at most 2^53, for int_uniform");
  const bool logarithmic = kind == DISTRIBUTION_LOG_UNIFORM_VALUES || kind == DISTRIBUTION_Q_LOG_UNIFORM_VALUES ||
                           kind == DISTRIBUTION_INV_LOG_UNIFORM_VALUES;
  return !logarithmic || *bound > 0 ||
         sweep_refuse(reader, node, what_of(entry, key, what), "a number > 0, which has a logarithm");
}

static bool read_bounds(struct entry *entry) {
  struct distribution *d = &entry->parameter->distribution;
  const bool low = read_bound(entry, MIN, &d->least), high = read_bound(entry, MAX, &d->most);
  char number[2][NUMBER_TEXT_MAX];
  if (!low || !high) return false;
  if (d->least < d->most || (d->kind == DISTRIBUTION_INT_UNIFORM && d->least == d->most)) return true;
  number_print(d->least, number[0]);
  number_print(d->most, number[1]);
  sweep_problem(entry->reader, sweep_mark(entry->reader, entry->node[MIN]),
                "%s: min is %s and max %s, expected min < max; for one value write value", entry->given, number[0],
                number[1]);
  return false;
}

static bool read_positive(struct entry *entry, enum key key, double *value) {
  char what[SWEEP_GIVEN_MAX + 32];
  const int node = entry->node[key];
  if (node < 0) return true;
  if (!sweep_read_positive(entry->reader, node, what_of(entry, key, what), value)) return false;
  return (key != A && key != B) || (*value >= 0.01 && *value <= 10000) ||
         sweep_refuse(entry->reader, node, what, "a real number, 0.01 to 10000"); /* where quantiles are exact */
}

static bool read_numbers(struct entry *entry) {
  struct distribution *d = &entry->parameter->distribution;
  char what[SWEEP_GIVEN_MAX + 32];
  d->sigma = d->a = d->b = d->q = 1;
  bool good = !is_bounded(d->kind) || read_bounds(entry);
  if (entry->node[MU] >= 0) good &= sweep_read_real(entry->reader, entry->node[MU], what_of(entry, MU, what), &d->mu);
  good &= read_positive(entry, SIGMA, &d->sigma);
  good &= read_positive(entry, A, &d->a);
  good &= read_positive(entry, B, &d->b);
  good &= read_positive(entry, Q, &d->q);
  if (good && entry->parameter->whole && distribution_is_quantised(d->kind) && d->q != floor(d->q))
    good = sweep_refuse(entry->reader, entry->node[Q], what_of(entry, Q, what),
                        "a whole number, as the key is a whole number");
  if (good) check_ends(entry);
  return good;
}

/* Whether the key can have numbers of this distribution. */
static bool check_suits(struct entry *entry) {
  const enum distribution_kind kind = entry->parameter->distribution.kind;
  const struct schema_row *row = &schema_rows[entry->row];
  const struct document_mark mark =
      entry->node[DISTRIBUTION] >= 0 ? sweep_mark(entry->reader, entry->node[DISTRIBUTION]) : entry->mark;
  char expected[SCHEMA_TEXT_MAX];
  if (row->type != SCHEMA_INTEGER && row->type != SCHEMA_REAL) {
    schema_expected(row, expected);
    sweep_problem(entry->reader, mark, "%s: found distribution %s, expected value or values, each %s", entry->given,
                  distribution_name(kind), expected);
    return false;
  }
  if (row->type == SCHEMA_REAL || kind == DISTRIBUTION_INT_UNIFORM || distribution_is_quantised(kind)) return true;
  const bool log = kind == DISTRIBUTION_LOG_UNIFORM || kind == DISTRIBUTION_LOG_UNIFORM_VALUES;
  sweep_problem(entry->reader, mark,
                "%s: found distribution %s, but it is a whole number; expected %s, with whole "
                "numbers as min, max and q",
                entry->given, distribution_name(kind),
                log ? "q_log_uniform_values or int_uniform" : "int_uniform or q_uniform");
  return false;
}

/* ---- Choices ---- */

/* What stands twice in the file would come twice as often, and be no other value. */
struct place {
  const char *text;
  int index;
};

static int compare_places(const void *a, const void *b) {
  const struct place *first = a, *second = b;
  const int order = strcmp(first->text, second->text);
  return order ? order : first->index - second->index;
}

static void check_twice(struct entry *entry, const struct space_choice *choice, int count) {
  struct place *place = calloc((size_t)count, sizeof *place);
  if (!place) {
    entry->reader->sweep->arena.exhausted = true;
    return;
  }
  for (int i = 0; i < count; ++i) place[i] = (struct place){choice[i].text, i};
  qsort(place, (size_t)count, sizeof *place, compare_places);
  for (int i = 1; i < count; ++i)
    if (strcmp(place[i].text, place[i - 1].text) == 0)
      sweep_problem(entry->reader,
                    sweep_mark(entry->reader, sweep_item(entry->reader, entry->node[VALUES], place[i].index)),
                    "%s.values: %.200s is there twice", entry->given, place[i].text);
  free(place);
}

static bool read_choices(struct entry *entry) {
  struct sweep_reader *reader = entry->reader;
  struct space_parameter *parameter = entry->parameter;
  const bool constant = parameter->distribution.kind == DISTRIBUTION_CONSTANT;
  const int node = entry->node[constant ? VALUE : VALUES];
  char text[VALUE_TEXT_MAX], what[SWEEP_GIVEN_MAX + 32];
  if (!constant && sweep_kind(reader, node) != DOCUMENT_SEQUENCE)
    return sweep_refuse(reader, node, what_of(entry, VALUES, what), "a sequence of values");
  const int count = constant ? 1 : sweep_count(reader, node);
  if (count < 1 || count > SPACE_CHOICES_MAX)
    return sweep_refuse(reader, node, what_of(entry, VALUES, what), "1 to 10000 values");
  struct space_choice *choice = arena_array(&reader->sweep->arena, count, sizeof *choice);
  if (!choice) return false;
  bool good = true;
  for (int i = 0; i < count; ++i) {
    const int item = constant ? node : sweep_item(reader, node, i);
    if (sweep_read_value(reader, entry->row, item, text, &choice[i].number))
      choice[i].text = sweep_keep(reader->sweep, text);
    else
      good = false;
  }
  parameter->choice = choice;
  parameter->distribution.count = count;
  if (good && !constant) check_twice(entry, choice, count);
  return good;
}

static void read_probabilities(struct entry *entry) {
  struct sweep_reader *reader = entry->reader;
  const int node = entry->node[PROBABILITIES];
  const int64_t count = entry->parameter->distribution.count;
  char what[SWEEP_GIVEN_MAX + 32], expected[96], sum_text[NUMBER_TEXT_MAX];
  what_of(entry, PROBABILITIES, what);
  if (sweep_kind(reader, node) != DOCUMENT_SEQUENCE || sweep_count(reader, node) != count) {
    snprintf(expected, sizeof expected, "a sequence of %" PRId64 ", one for each of values", count);
    sweep_refuse(reader, node, what, expected);
    return;
  }
  double *probability = arena_array(&reader->sweep->arena, count, sizeof *probability), sum = 0;
  for (int i = 0; probability && i < count; ++i) {
    const int item = sweep_item(reader, node, i);
    if (!sweep_read_real(reader, item, what, &probability[i])) return;
    if (probability[i] < 0 || probability[i] > 1) {
      sweep_refuse(reader, item, what, "a real number, 0 to 1");
      return;
    }
    sum += probability[i];
  }
  entry->parameter->distribution.probability = probability;
  number_print(sum, sum_text);
  if (probability && fabs(sum - 1) > 1e-6)
    sweep_problem(reader, sweep_mark(reader, node), "%s: they add up to %s, expected 1", what, sum_text);
  for (int i = 0; probability && i < count; ++i) probability[i] /= sum;
}

/* ---- A parameter ---- */

/* As W&B infers it. -1: nothing says what it is. */
static int infer(const struct entry *entry) {
  if (entry->node[VALUE] >= 0) return DISTRIBUTION_CONSTANT;
  if (entry->node[PROBABILITIES] >= 0) return DISTRIBUTION_CATEGORICAL_W_PROBABILITIES;
  if (entry->node[VALUES] >= 0) return DISTRIBUTION_CATEGORICAL;
  if (entry->node[MIN] < 0 && entry->node[MAX] < 0) return -1;
  return is_whole(entry->reader, entry->node[MIN]) && is_whole(entry->reader, entry->node[MAX])
             ? DISTRIBUTION_INT_UNIFORM
             : DISTRIBUTION_UNIFORM;
}

static bool find_kind(struct entry *entry, enum distribution_kind *kind) {
  const char *names[DISTRIBUTION_COUNT];
  char what[SWEEP_GIVEN_MAX + 32];
  int found;
  for (int i = 0; i < DISTRIBUTION_COUNT; ++i) names[i] = distribution_name((enum distribution_kind)i);
  if (entry->node[DISTRIBUTION] >= 0) {
    if (!sweep_read_choice(entry->reader, entry->node[DISTRIBUTION], what_of(entry, DISTRIBUTION, what), names,
                           DISTRIBUTION_COUNT, &found))
      return false;
  } else {
    found = infer(entry);
    if (found < 0) {
      const bool moments = entry->node[MU] >= 0 || entry->node[SIGMA] >= 0;
      sweep_problem(entry->reader, sweep_mark(entry->reader, entry->mapping), "%s: expected %s", entry->given,
                    moments ? "distribution: normal or log_normal beside mu and sigma"
                            : "value, values, min and max, or a distribution");
      return false;
    }
  }
  *kind = (enum distribution_kind)found;
  return true;
}

/* Whether exactly the right keys are there. */
static bool check_keys(struct entry *entry, enum distribution_kind kind) {
  const int before = entry->reader->problems.count;
  const char *name = distribution_name(kind);
  for (int key = VALUE; key < WHEN; ++key) {
    const bool given = entry->node[key] >= 0;
    if (key == DISTRIBUTION) continue;
    if (!given && (rules[kind].needs & BIT(key)))
      sweep_problem(entry->reader, sweep_mark(entry->reader, entry->mapping),
                    "%s: missing key \"%s\" of distribution %s", entry->given, key_names[key], name);
    if (given && !((rules[kind].needs | rules[kind].may) & BIT(key)))
      sweep_problem(entry->reader, entry->key_mark[key], "%s: \"%s\" does not go with distribution %s", entry->given,
                    key_names[key], name);
  }
  return entry->reader->problems.count == before;
}

static void refuse_unknown(struct entry *entry, const char *ours) {
  char meant[SCHEMA_PATH_MAX], shown[SCHEMA_PATH_MAX];
  problems_show(ours, shown, sizeof shown);
  if (schema_is_section(ours, SCHEMA_TRAINING)) {
    sweep_problem(entry->reader, entry->mark,
                  "parameter \"%s\" is a section of the experiment: name one of its keys, %s.KEY, or put them under "
                  "\"parameters:\" in it",
                  shown, shown);
    return;
  }
  const bool close = schema_nearest(ours, SCHEMA_TRAINING, meant);
  sweep_problem(entry->reader, entry->mark,
                close ? "unknown parameter \"%s\"; did you mean \"%s\"?"
                      : "unknown parameter \"%s\"; the nearest key is \"%s\"; rename: {NAME: KEY} says what a name "
                        "stands for",
                shown, meant);
}

static bool find_row(struct entry *entry) {
  struct sweep *sweep = entry->reader->sweep;
  const char *ours = sweep_renamed(entry->reader, entry->given);
  entry->row = schema_find(ours, SCHEMA_TRAINING);
  if (entry->row < 0) {
    refuse_unknown(entry, ours);
    return false;
  }
  const int other = sweep_find_parameter(sweep, ours);
  if (other >= 0) {
    sweep_problem(entry->reader, entry->mark, "parameter \"%s\" is \"%s\", which is there already as \"%s\"",
                  entry->given, ours, sweep->space.parameter[other].given);
    return false;
  }
  if (sweep->space.count == SPACE_PARAMETERS_MAX) {
    sweep_problem(entry->reader, entry->mark, "expected at most %d parameters", (int)SPACE_PARAMETERS_MAX);
    return false;
  }
  return true;
}

/* It counts once its name is right, so that what names it finds it, though its values be wrong. */
static void read_one(struct entry *entry) {
  struct sweep *sweep = entry->reader->sweep;
  enum distribution_kind kind;
  if (!find_row(entry)) return;
  const int index = sweep->space.count++;
  entry->parameter = &sweep->space.parameter[index];
  *entry->parameter = (struct space_parameter){.name = schema_rows[entry->row].path,
                                               .given = sweep_keep(sweep, entry->given),
                                               .row = entry->row,
                                               .whole = schema_rows[entry->row].type == SCHEMA_INTEGER};
  entry->reader->parameter_mark[index] = entry->mark;
  entry->reader->when[index] = entry->node[WHEN];
  entry->reader->broken[index] = true;
  if (!find_kind(entry, &kind) || !check_keys(entry, kind)) return;
  entry->parameter->distribution.kind = kind;
  if (!distribution_is_choice(kind) && !check_suits(entry)) return;
  entry->reader->broken[index] = distribution_is_choice(kind) ? !read_choices(entry) : !read_numbers(entry);
  if (kind == DISTRIBUTION_CATEGORICAL_W_PROBABILITIES && entry->parameter->choice) read_probabilities(entry);
}

static void walk(struct sweep_reader *reader, int mapping, const char *section);

/* The keys of a parameter; what is in `parameters:` is of another one each. */
static void read_entry(struct entry *entry) {
  struct sweep_reader *reader = entry->reader;
  const int before = reader->problems.count;
  for (int key = 0; key < KEYS; ++key) entry->node[key] = -1;
  for (int i = 0; i < sweep_count(reader, entry->mapping); ++i) {
    const struct document_entry *child = document_entry(reader->document, entry->mapping, i);
    const char *name = document_text(reader->document, child->key);
    char shown[64];
    int key = 0;
    while (key < KEYS && strcmp(key_names[key], name) != 0) ++key;
    problems_show(name, shown, sizeof shown);
    const char *meant = nearest_word(name, key_names, KEYS);
    if (key < KEYS) {
      entry->node[key] = child->value;
      entry->key_mark[key] = child->mark;
    } else if (schema_is_section(entry->given, SCHEMA_TRAINING)) {
      sweep_problem(reader, child->mark,
                    "unknown key \"%s\" of parameter \"%s\"; nested parameters are under "
                    "\"parameters:\" in it",
                    shown, entry->given);
    } else {
      sweep_problem(reader, child->mark,
                    meant ? "unknown key \"%s\" of parameter \"%s\"; did you mean \"%s\"?"
                          : "unknown key \"%s\" of parameter \"%s\"",
                    shown, entry->given, meant);
    }
  }
  if (reader->problems.count > before && entry->node[PARAMETERS] < 0) {
    sweep_renamed(reader, entry->given); /* it is there, so its rename is of use */
    return;
  }
  if (entry->node[PARAMETERS] < 0) {
    read_one(entry);
    return;
  }
  if (sweep_count(reader, entry->mapping) > 1)
    sweep_problem(reader, entry->mark, "%s: beside \"parameters\" there may be no other key", entry->given);
  walk(reader, entry->node[PARAMETERS], entry->given);
}

static void walk_entry(struct sweep_reader *reader, const struct document_entry *child, const char *section) {
  char given[SWEEP_GIVEN_MAX], shown[SWEEP_GIVEN_MAX];
  const char *key = document_text(reader->document, child->key);
  if (strlen(section) > 90 || strlen(key) > 90) {
    sweep_problem(reader, child->mark, "expected a shorter name of a parameter");
    return;
  }
  snprintf(given, sizeof given, "%.90s%s%.90s", section, *section ? "." : "", key);
  problems_show(given, shown, sizeof shown);
  if (sweep_kind(reader, child->value) != DOCUMENT_MAPPING) {
    sweep_refuse(reader, child->value, shown,
                 "a mapping with value, values, or min and max; one value is written {value: ...}");
    return;
  }
  struct entry entry = {.reader = reader, .given = shown, .mapping = child->value, .mark = child->mark};
  read_entry(&entry);
}

/* Depth is bounded by that of a document. */
static void walk(struct sweep_reader *reader, int mapping, const char *section) {
  char what[SWEEP_GIVEN_MAX + 32];
  snprintf(what, sizeof what, "%s%sparameters", section, *section ? "." : "");
  if (sweep_kind(reader, mapping) != DOCUMENT_MAPPING || sweep_count(reader, mapping) == 0) {
    sweep_refuse(reader, mapping, what, "a mapping of at least one parameter");
    return;
  }
  for (int i = 0; i < sweep_count(reader, mapping); ++i)
    walk_entry(reader, document_entry(reader->document, mapping, i), section);
}

void sweep_read_parameters(struct sweep_reader *reader, int node) {
  walk(reader, node, "");
  sweep_read_conditions(reader);
}
