/* What a sweep file says of points of its space: conditions, constraints, and points to begin with. */
#include "config/nearest.h"
#include "config/number.h"
#include "sweep/sweep_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- A value in the space ---- */

static bool find_choice(struct sweep_reader *reader, const struct space_parameter *parameter, int node,
                        const char *text, double *coordinate) {
  for (int64_t i = 0; i < parameter->distribution.count; ++i) {
    if (strcmp(parameter->choice[i].text, text) != 0) continue;
    *coordinate = (double)i;
    return true;
  }
  sweep_problem(reader, sweep_mark(reader, node), "%s: found %.80s, expected one of its values", parameter->given,
                text);
  return false;
}

bool sweep_read_coordinate(struct sweep_reader *reader, int index, int node, double *coordinate) {
  const struct space_parameter *parameter = &reader->sweep->space.parameter[index];
  char text[VALUE_TEXT_MAX], bound[2][NUMBER_TEXT_MAX];
  double number, low, high;
  if (reader->broken[index]) return false; /* that is a problem already */
  if (!sweep_read_value(reader, parameter->row, node, text, &number)) return false;
  if (parameter->choice) return find_choice(reader, parameter, node, text, coordinate);
  distribution_ends(&parameter->distribution, &low, &high);
  const bool whole = parameter->distribution.kind != DISTRIBUTION_INT_UNIFORM || number == floor(number);
  const double q = parameter->distribution.q;
  *coordinate = number;
  if (distribution_is_quantised(parameter->distribution.kind) && rint(number / q) * q != number) {
    number_print(q, bound[0]);
    sweep_problem(reader, sweep_mark(reader, node), "%s: found %.80s, expected a multiple of q, %s", parameter->given,
                  text, bound[0]);
    return false;
  }
  if (number >= low && number <= high && whole) return true;
  number_print(isfinite(low) ? low : 0, bound[0]);
  number_print(isfinite(high) ? high : 0, bound[1]);
  sweep_problem(reader, sweep_mark(reader, node), "%s: found %.80s, expected a%s number of its distribution, %s to %s",
                parameter->given, text, whole ? "" : " whole", isfinite(low) ? bound[0] : "any",
                isfinite(high) ? bound[1] : "any");
  return false;
}

/* ---- Conditions ---- */

/* Names of parameters; the nearest one of this file. */
static void refuse_name(struct sweep_reader *reader, struct document_mark mark, const char *what, const char *name,
                        const char *kind) {
  const char *names[2 * SPACE_PARAMETERS_MAX];
  char shown[96];
  int count = 0;
  for (int i = 0; i < reader->sweep->space.count; ++i) {
    names[count++] = reader->sweep->space.parameter[i].name;
    names[count++] = reader->sweep->space.parameter[i].given;
  }
  const char *meant = nearest_word(name, names, count);
  problems_show(name, shown, sizeof shown);
  sweep_problem(reader, mark,
                meant ? "%s: \"%s\" is no parameter of this sweep%s; did you mean \"%s\"?"
                      : "%s: \"%s\" is no parameter of this sweep%s",
                what, shown, kind, meant);
}

/* A list is one value of a key whose values are lists, and else several values. */
static bool is_several(const struct sweep_reader *reader, int row, int node) {
  const enum schema_type type = schema_rows[row].type;
  if (sweep_kind(reader, node) != DOCUMENT_SEQUENCE) return false;
  if (type != SCHEMA_LIST && type != SCHEMA_CHOICES && type != SCHEMA_PAIR) return true;
  return sweep_count(reader, node) > 0 && sweep_kind(reader, sweep_item(reader, node, 0)) == DOCUMENT_SEQUENCE;
}

static void read_condition(struct sweep_reader *reader, int index, const struct document_entry *entry) {
  struct sweep *sweep = reader->sweep;
  struct space_parameter *parameter = &sweep->space.parameter[index];
  const char *name = document_text(reader->document, entry->key);
  const int looked_at = sweep_find_parameter(sweep, name);
  char what[SWEEP_GIVEN_MAX + 8];
  snprintf(what, sizeof what, "%s.when", parameter->given);
  if (looked_at < 0) {
    refuse_name(reader, entry->mark, what, name, "");
    return;
  }
  if (reader->broken[looked_at]) return;
  const bool several = is_several(reader, sweep->space.parameter[looked_at].row, entry->value);
  const int count = several ? sweep_count(reader, entry->value) : 1;
  double *value = arena_array(&sweep->arena, count, sizeof *value);
  if (count == 0) sweep_refuse(reader, entry->value, what, "a value or a sequence of values");
  if (!value) return;
  for (int i = 0; i < count; ++i)
    sweep_read_coordinate(reader, looked_at, several ? sweep_item(reader, entry->value, i) : entry->value, &value[i]);
  parameter->condition[parameter->conditions++] = (struct space_condition){looked_at, count, value};
}

static void read_when(struct sweep_reader *reader, int index) {
  const int node = reader->when[index];
  char what[SWEEP_GIVEN_MAX + 8];
  if (node < 0) return;
  snprintf(what, sizeof what, "%s.when", reader->sweep->space.parameter[index].given);
  if (sweep_kind(reader, node) != DOCUMENT_MAPPING || sweep_count(reader, node) < 1 ||
      sweep_count(reader, node) > SPACE_CONDITIONS_MAX) {
    sweep_refuse(reader, node, what, "a mapping from 1 to 8 parameters to a value or a sequence of values");
    return;
  }
  for (int i = 0; i < sweep_count(reader, node); ++i)
    read_condition(reader, index, document_entry(reader->document, node, i));
}

/* Whether all that a parameter looks at is placed. */
static bool is_ready(const struct space_parameter *parameter, const bool *placed) {
  for (int i = 0; i < parameter->conditions; ++i)
    if (!placed[parameter->condition[i].parameter]) return false;
  return true;
}

/* Round by round the first that is ready: the order of the file where nothing else is asked. */
static void order_space(struct sweep_reader *reader) {
  struct space *space = &reader->sweep->space;
  bool placed[SPACE_PARAMETERS_MAX] = {false};
  for (int place = 0; place < space->count; ++place) {
    int next = 0;
    while (next < space->count && (placed[next] || !is_ready(&space->parameter[next], placed))) ++next;
    if (next == space->count) {
      int first = 0;
      while (placed[first]) ++first;
      sweep_problem(reader, sweep_mark(reader, reader->when[first]),
                    "%s.when: the conditions go round in a circle; expected parameters that do not depend on it",
                    space->parameter[first].given);
      for (int i = 0; i < space->count; ++i) /* without an order nothing may look at conditions */
        space->parameter[i].conditions = 0, space->order[i] = i;
      return;
    }
    placed[next] = true;
    space->order[place] = next;
  }
}

void sweep_read_conditions(struct sweep_reader *reader) {
  for (int i = 0; i < reader->sweep->space.count; ++i) read_when(reader, i);
  order_space(reader);
}

/* ---- Constraints ---- */

/* A name stands for a number: of a parameter that has one, or a score. */
static void check_name(struct sweep_reader *reader, int node, const char *name) {
  const struct sweep *sweep = reader->sweep;
  const int index = sweep_find_parameter(sweep, name);
  char scores[400];
  if (index < 0) {
    if (!sweep->base || sweep_is_score(sweep, sweep_renamed(reader, name))) return;
    sweep_scores(sweep, scores, sizeof scores);
    refuse_name(reader, sweep_mark(reader, node), "constraints", name, ", and no score");
    return;
  }
  const struct space_parameter *parameter = &sweep->space.parameter[index];
  for (int64_t i = 0; parameter->choice && !reader->broken[index] && i < parameter->distribution.count; ++i) {
    if (!isnan(parameter->choice[i].number)) continue;
    sweep_problem(reader, sweep_mark(reader, node), "constraints: \"%s\" has the value %.80s, which is no number", name,
                  parameter->choice[i].text);
    return;
  }
}

static void read_constraint(struct sweep_reader *reader, int node) {
  struct sweep *sweep = reader->sweep;
  struct expression *expression;
  const char *text;
  if (!sweep_read_text(reader, node, "constraints", EXPRESSION_TEXT_MAX, &text)) return;
  const enum status status = expression_parse(text, &expression);
  if (status == STATUS_MEMORY) sweep->arena.exhausted = true;
  if (status != STATUS_OK) {
    sweep_problem(reader, sweep_mark(reader, node), "constraints: %.300s", status_message());
    status_clear();
    return;
  }
  sweep->constraint[sweep->constraints++] = expression;
  for (int i = 0; i < expression_names(expression); ++i) check_name(reader, node, expression_name(expression, i));
}

void sweep_read_constraints(struct sweep_reader *reader, int node) {
  if (sweep_kind(reader, node) != DOCUMENT_SEQUENCE || sweep_count(reader, node) > SWEEP_CONSTRAINTS_MAX) {
    sweep_refuse(reader, node, "constraints", "a sequence of at most 16 expressions");
    return;
  }
  for (int i = 0; i < sweep_count(reader, node); ++i) read_constraint(reader, sweep_item(reader, node, i));
}

/* ---- Points to begin with ---- */

/* Whether a settled point has a parameter that was not given: NaN, though its conditions hold. */
static bool is_lacking(const struct space *space, const double *point, int index) {
  const struct space_parameter *parameter = &space->parameter[index];
  if (!isnan(point[index])) return false;
  for (int c = 0; c < parameter->conditions; ++c) {
    const struct space_condition *condition = &parameter->condition[c];
    bool holds = false;
    for (int64_t i = 0; i < condition->count; ++i) holds |= point[condition->parameter] == condition->value[i];
    if (!holds) return false;
  }
  return true;
}

static void read_point(struct sweep_reader *reader, int node, double *point) {
  const struct sweep *sweep = reader->sweep;
  const int before = reader->problems.count;
  if (sweep_kind(reader, node) != DOCUMENT_MAPPING) {
    sweep_refuse(reader, node, "enqueue", "a mapping from parameters to values");
    return;
  }
  for (int i = 0; i < sweep->space.count; ++i) /* there is no other value of a constant */
    point[i] = sweep->space.parameter[i].distribution.kind == DISTRIBUTION_CONSTANT ? 0 : (double)NAN;
  for (int i = 0; i < sweep_count(reader, node); ++i) {
    const struct document_entry *entry = document_entry(reader->document, node, i);
    const char *name = document_text(reader->document, entry->key);
    const int parameter = sweep_find_parameter(sweep, name);
    if (parameter < 0)
      refuse_name(reader, entry->mark, "enqueue", name, "");
    else
      sweep_read_coordinate(reader, parameter, entry->value, &point[parameter]);
  }
  for (int i = 0; i < sweep->space.count; ++i)
    if (reader->broken[i]) return;
  space_settle(&sweep->space, point);
  for (int i = 0; i < sweep->space.count && reader->problems.count == before; ++i)
    if (is_lacking(&sweep->space, point, i))
      sweep_problem(reader, sweep_mark(reader, node), "enqueue: missing parameter \"%s\"",
                    sweep->space.parameter[i].given);
}

void sweep_read_enqueue(struct sweep_reader *reader, int node) {
  struct sweep *sweep = reader->sweep;
  const int width = sweep->space.count;
  if (sweep_kind(reader, node) != DOCUMENT_SEQUENCE || sweep_count(reader, node) > SWEEP_ENQUEUE_MAX) {
    sweep_refuse(reader, node, "enqueue", "a sequence of at most 1000 configurations");
    return;
  }
  const int count = sweep_count(reader, node);
  sweep->enqueued = arena_array(&sweep->arena, (int64_t)count * width, sizeof *sweep->enqueued);
  if (!sweep->enqueued || width == 0) return;
  sweep->enqueues = count;
  for (int i = 0; i < count; ++i) {
    const int before = reader->problems.count;
    double *point = sweep->enqueued + (ptrdiff_t)i * width;
    read_point(reader, sweep_item(reader, node, i), point);
    for (int j = 0; j < i && reader->problems.count == before; ++j)
      if (space_equal(&sweep->space, point, sweep->enqueued + (ptrdiff_t)j * width))
        sweep_problem(reader, sweep_mark(reader, sweep_item(reader, node, i)),
                      "enqueue: the same configuration as number %d", j + 1);
  }
}
