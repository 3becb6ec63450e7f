/* A sweep as canonical text, a key a line, and how two such texts differ. */
#include "config/number.h"
#include "sweep/sweep_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_number(FILE *out, const char *key, double value) {
  char text[NUMBER_TEXT_MAX];
  number_print(value, text);
  fprintf(out, ", %s: %s", key, text);
}

static void print_coordinate(FILE *out, const struct space_parameter *parameter, double coordinate) {
  char text[NUMBER_TEXT_MAX];
  if (isnan(coordinate)) {
    fprintf(out, "-");
  } else if (parameter->choice) {
    fprintf(out, "%s", parameter->choice[(int64_t)coordinate].text);
  } else {
    number_print(coordinate, text);
    fprintf(out, "%s", text);
  }
}

static void print_choices(FILE *out, const struct space_parameter *parameter) {
  const struct distribution *d = &parameter->distribution;
  char text[NUMBER_TEXT_MAX];
  fprintf(out, ", values: [");
  for (int64_t i = 0; i < d->count; ++i) fprintf(out, "%s%s", i ? ", " : "", parameter->choice[i].text);
  fprintf(out, "]");
  for (int64_t i = 0; d->probability && i < d->count; ++i) {
    number_print(d->probability[i], text);
    fprintf(out, "%s%s%s", i ? ", " : ", probabilities: [", text, i + 1 == d->count ? "]" : "");
  }
}

/* The numbers that a distribution has, whether given or by default. */
static void print_numbers(FILE *out, const struct distribution *d) {
  switch (d->kind) {
  case DISTRIBUTION_NORMAL:
  case DISTRIBUTION_Q_NORMAL:
  case DISTRIBUTION_LOG_NORMAL:
  case DISTRIBUTION_Q_LOG_NORMAL:
    print_number(out, "mu", d->mu);
    print_number(out, "sigma", d->sigma);
    break;
  case DISTRIBUTION_BETA:
  case DISTRIBUTION_Q_BETA:
    print_number(out, "a", d->a);
    print_number(out, "b", d->b);
    break;
  default:
    print_number(out, "min", d->least);
    print_number(out, "max", d->most);
  }
  if (distribution_is_quantised(d->kind)) print_number(out, "q", d->q);
}

static void print_parameter(FILE *out, const struct space *space, int index) {
  const struct space_parameter *parameter = &space->parameter[index];
  fprintf(out, "parameters.%s: {distribution: %s", parameter->name, distribution_name(parameter->distribution.kind));
  if (parameter->choice)
    print_choices(out, parameter);
  else
    print_numbers(out, &parameter->distribution);
  for (int c = 0; c < parameter->conditions; ++c) {
    const struct space_condition *condition = &parameter->condition[c];
    const struct space_parameter *looked_at = &space->parameter[condition->parameter];
    fprintf(out, "%s%s: [", c ? ", " : ", when: {", looked_at->name);
    for (int64_t i = 0; i < condition->count; ++i) {
      if (i) fprintf(out, ", ");
      print_coordinate(out, looked_at, condition->value[i]);
    }
    fprintf(out, "]%s", c + 1 == parameter->conditions ? "}" : "");
  }
  fprintf(out, "}\n");
}

static void print_metric(FILE *out, const struct sweep_metric *metric, int index, int count) {
  if (count > 1)
    fprintf(out, "metrics.%d: {name: %s", index + 1, metric->name);
  else
    fprintf(out, "metric: {name: %s", metric->name);
  fprintf(out, ", goal: %s", metric->maximize ? "maximize" : "minimize");
  if (!isnan(metric->target)) print_number(out, "target", metric->target);
  fprintf(out, ", impute: %s}\n", metric->impute ? metric->impute : "worst");
}

/* As written, with what its names stand for. */
static void print_constraint(FILE *out, const struct sweep *sweep, int index) {
  const struct expression *constraint = sweep->constraint[index];
  fprintf(out, "constraints.%d: %s", index + 1, expression_text(constraint));
  for (int i = 0, shown = 0; i < expression_names(constraint); ++i) {
    const char *name = expression_name(constraint, i), *ours = sweep_our_name(sweep, name);
    if (strcmp(name, ours) != 0) fprintf(out, "%s%s is %s", shown++ ? ", " : "; where ", name, ours);
  }
  fprintf(out, "\n");
}

static void print_population(FILE *out, const struct sweep *sweep) {
  const struct method_population *population = &sweep->population;
  if (!sweep->method->part) return;
  fprintf(out, "pbt: {population: %" PRId64 ", every: %" PRId64, population->size, population->every);
  print_number(out, "quantile", population->quantile);
  print_number(out, "factor", population->factor);
  print_number(out, "resample", population->resample);
  fprintf(out, "}\n");
}

static void print_early(FILE *out, const struct sweep_early *early) {
  if (!*early->type) return;
  fprintf(out, "early_terminate: {type: %s", early->type);
  if (*early->mode) fprintf(out, ", mode: %s", early->mode);
  fprintf(out, ", min_iter: %" PRId64 ", max_iter: %" PRId64 ", s: %" PRId64, early->min_iter, early->max_iter,
          early->s);
  print_number(out, "eta", early->eta);
  fprintf(out, ", strict: %s}\n", early->strict ? "true" : "false");
}

/* In quotes, as words may have blanks. */
static void print_prepare(FILE *out, const struct sweep *sweep, int index) {
  fprintf(out, "prepare.%d: [", index + 1);
  for (int i = 0; i < sweep->prepare[index].words; ++i) {
    fprintf(out, "%s\"", i ? ", " : "");
    for (const char *c = sweep->prepare[index].word[i]; *c; ++c)
      fprintf(out, "%s%c", strchr("\"\\", *c) ? "\\" : "", *c);
    fprintf(out, "\"");
  }
  fprintf(out, "]\n");
}

static void print_enqueued(FILE *out, const struct sweep *sweep, int64_t index) {
  const struct space *space = &sweep->space;
  fprintf(out, "enqueue.%" PRId64 ": {", index + 1);
  for (int i = 0; i < space->count; ++i) {
    fprintf(out, "%s%s: ", i ? ", " : "", space->parameter[i].name);
    print_coordinate(out, &space->parameter[i], sweep->enqueued[index * space->count + i]);
  }
  fprintf(out, "}\n");
}

/* The names by themselves too, since their order is that of a point's numbers. */
static void print_sweep(FILE *out, const struct sweep *sweep) {
  fprintf(out, "method: %s\n", sweep->method_name);
  print_population(out, sweep);
  for (int i = 0; i < sweep->metrics; ++i) print_metric(out, &sweep->metric[i], i, sweep->metrics);
  fprintf(out, "parameters: [");
  for (int i = 0; i < sweep->space.count; ++i) fprintf(out, "%s%s", i ? ", " : "", sweep->space.parameter[i].name);
  fprintf(out, "]\n");
  for (int i = 0; i < sweep->space.count; ++i) print_parameter(out, &sweep->space, i);
  for (int i = 0; i < sweep->constraints; ++i) print_constraint(out, sweep, i);
  print_early(out, &sweep->early);
  if (*sweep->early.type && sweep->slurm.array > 1) fprintf(out, "slurm.array: %" PRId64 "\n", sweep->slurm.array);
  fprintf(out, "run_cap: %" PRId64 "\nrepeats: %" PRId64 "\nconfirm: %" PRId64 "\nseed: %" PRIu64 "\n", sweep->run_cap,
          sweep->repeats, sweep->confirm, sweep->seed);
  fprintf(out, "order: %s\nwindow: %" PRId64 "\non_nan: %s\n", sweep->arrival ? "arrival" : "logical", sweep->window,
          sweep->resources.nan_fails ? "fail" : "worst");
  for (int i = 0; i < sweep->prepares; ++i) print_prepare(out, sweep, i);
  for (int64_t i = 0; i < sweep->enqueues; ++i) print_enqueued(out, sweep, i);
}

enum status sweep_text(const struct sweep *sweep, char **text) {
  size_t bytes;
  *text = NULL;
  FILE *out = open_memstream(text, &bytes);
  REQUIRE(out, STATUS_MEMORY, "out of memory for the text of a sweep");
  print_sweep(out, sweep);
  const bool failed = ferror(out) != 0;
  if (fclose(out) == 0 && !failed) return STATUS_OK;
  free(*text);
  *text = NULL;
  return status_raise(STATUS_MEMORY, "out of memory for the text of a sweep");
}

/* ---- Differences ---- */

/* A line "KEY: VALUE". */
struct line {
  const char *text;
  int key, length;
};

static bool next_line(const char **at, struct line *line) {
  if (!**at) return false;
  line->text = *at;
  line->length = (int)strcspn(*at, "\n");
  const char *colon = memchr(*at, ':', (size_t)line->length);
  line->key = colon ? (int)(colon - *at) : line->length;
  *at += line->length + ((*at)[line->length] == '\n');
  return true;
}

static bool find_line(const char *text, const struct line *sought, struct line *found) {
  while (next_line(&text, found))
    if (found->key == sought->key && strncmp(found->text, sought->text, (size_t)sought->key) == 0) return true;
  return false;
}

static void show_line(const struct line *line, const char *missing, char shown[208]) {
  char value[512];
  if (missing) {
    snprintf(shown, 208, "%s", missing);
    return;
  }
  const int begin = line->key + 2 < line->length ? line->key + 2 : line->length;
  snprintf(value, sizeof value, "%.*s", line->length - begin, line->text + begin);
  problems_show(value, shown, 208);
}

static void add_difference(const struct line *key, const char *of_a, const char *of_b, int count, char *text,
                           int size) {
  const int used = (int)strlen(text);
  if (used + 1 < size)
    snprintf(text + used, (size_t)(size - used), "%s%.*s: %s, now %s", count > 0 ? "; " : "", key->key, key->text, of_a,
             of_b);
}

int sweep_differences(const char *a, const char *b, char *text, int size) {
  struct line line, other;
  char of_a[208], of_b[208];
  int count = 0;
  if (size > 0) text[0] = '\0';
  for (const char *at = a; next_line(&at, &line);) {
    const bool both = find_line(b, &line, &other);
    if (both && other.length == line.length && strncmp(other.text, line.text, (size_t)line.length) == 0) continue;
    show_line(&line, NULL, of_a);
    show_line(&other, both ? NULL : "not given", of_b);
    add_difference(&line, of_a, of_b, count++, text, size);
  }
  for (const char *at = b; next_line(&at, &line);) {
    if (find_line(a, &line, &other)) continue;
    show_line(&line, NULL, of_b);
    add_difference(&line, "not given", of_b, count++, text, size);
  }
  return count;
}
