/* Names of a sweep file: what is called otherwise here, parameters, scores and metrics. */
#include "config/nearest.h"
#include "sweep/sweep_private.h"
#include "train/learner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SCORES_MAX = 64, SCORES_TEXT_MAX = 400 };

/* ---- Renaming ---- */

const char *sweep_renamed(struct sweep_reader *reader, const char *name) {
  const struct sweep *sweep = reader->sweep;
  for (int i = 0; i < sweep->renames; ++i) {
    if (strcmp(sweep->rename[i].theirs, name) != 0) continue;
    reader->rename_used[i] = true;
    return sweep->rename[i].ours;
  }
  return name;
}

static bool is_renamed(const struct sweep *sweep, const char *theirs) {
  for (int i = 0; i < sweep->renames; ++i)
    if (strcmp(sweep->rename[i].theirs, theirs) == 0) return true;
  return false;
}

static bool add_rename(struct sweep_reader *reader, const char *theirs, const char *ours, struct document_mark mark) {
  struct sweep *sweep = reader->sweep;
  if (sweep->renames == SWEEP_RENAMES_MAX) return false;
  reader->rename_mark[sweep->renames] = mark;
  sweep->rename[sweep->renames].theirs = sweep_keep(sweep, theirs);
  sweep->rename[sweep->renames++].ours = sweep_keep(sweep, ours);
  return true;
}

static const char *nearest_score(const struct sweep *sweep, const char *name) {
  const char *scores[SCORES_MAX];
  int count = 0;
  while (count < SCORES_MAX && (scores[count] = sweep_score(sweep, count))) ++count;
  return nearest_word(name, scores, count);
}

/* Whether there is such a key or score; else `meant` is the nearest. */
static bool is_ours(const struct sweep *sweep, const char *name, char meant[SCHEMA_PATH_MAX]) {
  if (schema_find(name, SCHEMA_TRAINING) >= 0 || sweep_is_score(sweep, name)) return true;
  const bool close = schema_nearest(name, SCHEMA_TRAINING, meant);
  const char *score = nearest_score(sweep, name);
  if (score && !close) snprintf(meant, SCHEMA_PATH_MAX, "%s", score);
  return false;
}

void sweep_read_rename(struct sweep_reader *reader, int node) {
  char meant[SCHEMA_PATH_MAX], shown[64];
  const char *ours;
  if (sweep_kind(reader, node) != DOCUMENT_MAPPING) {
    sweep_refuse(reader, node, "rename", "a mapping from names of this file to keys of the experiment or scores");
    return;
  }
  for (int i = 0; i < sweep_count(reader, node); ++i) {
    const struct document_entry *entry = document_entry(reader->document, node, i);
    const char *theirs = document_text(reader->document, entry->key);
    if (!sweep_read_text(reader, entry->value, "rename", SCHEMA_PATH_MAX, &ours)) continue;
    problems_show(ours, shown, sizeof shown);
    if (!is_ours(reader->sweep, ours, meant))
      sweep_problem(reader, sweep_mark(reader, entry->value),
                    "rename: \"%s\" is no key of the experiment and no score; the nearest is \"%s\"", shown, meant);
    if (is_renamed(reader->sweep, theirs)) continue; /* the command line's wins */
    if (add_rename(reader, theirs, ours, entry->mark)) continue;
    sweep_problem(reader, entry->mark, "rename: expected at most %d names", (int)SWEEP_RENAMES_MAX);
    return;
  }
}

void sweep_read_rename_options(struct sweep_reader *reader) {
  const struct sweep_options *options = reader->options;
  const struct document_mark none = {0, 0};
  for (int i = 0; i < options->renames; ++i) {
    const char *equals = strchr(options->rename[i], '=');
    char theirs[SWEEP_GIVEN_MAX], where[128], meant[SCHEMA_PATH_MAX], shown[64];
    problems_show(options->rename[i], shown, sizeof shown);
    snprintf(where, sizeof where, "option --rename \"%s\"", shown);
    if (!equals || equals == options->rename[i] || (size_t)(equals - options->rename[i]) >= sizeof theirs) {
      problems_add(&reader->problems, 2 + i, none, where, "expected NAME=KEY");
      continue;
    }
    snprintf(theirs, sizeof theirs, "%.*s", (int)(equals - options->rename[i]), options->rename[i]);
    if (!is_ours(reader->sweep, equals + 1, meant))
      problems_add(&reader->problems, 2 + i, none, where,
                   "expected a key of the experiment or a score behind \"=\"; the nearest is \"%s\"", meant);
    else if (!add_rename(reader, theirs, equals + 1, none))
      problems_add(&reader->problems, 2 + i, none, where, "expected at most %d names", (int)SWEEP_RENAMES_MAX);
  }
}

static int find_ours(const struct sweep *sweep, const char *name) {
  for (int i = 0; i < sweep->space.count; ++i)
    if (strcmp(sweep->space.parameter[i].name, name) == 0) return i;
  return -1;
}

int sweep_find_parameter(const struct sweep *sweep, const char *name) {
  const int ours = find_ours(sweep, name);
  if (ours >= 0) return ours;
  for (int i = 0; i < sweep->space.count; ++i)
    if (strcmp(sweep->space.parameter[i].given, name) == 0) return i;
  for (int i = 0; i < sweep->renames; ++i)
    if (strcmp(sweep->rename[i].theirs, name) == 0 && strcmp(sweep->rename[i].ours, name) != 0)
      return find_ours(sweep, sweep->rename[i].ours);
  return -1;
}

const char *sweep_our_name(const struct sweep *sweep, const char *name) {
  const int parameter = sweep_find_parameter(sweep, name);
  if (parameter >= 0) return sweep->space.parameter[parameter].name;
  for (int i = 0; i < sweep->renames; ++i)
    if (strcmp(sweep->rename[i].theirs, name) == 0) return sweep->rename[i].ours;
  return name;
}

/* ---- Scores ---- */

/* The function that is no model reports its value alone. */
const char *sweep_score(const struct sweep *sweep, int index) {
  if (!sweep->base) return NULL;
  const struct learner_kind *kind = learner_find(config_experiment(sweep->base)->training.model.name);
  if (!kind) return index == 0 ? "loss" : NULL;
  return index < kind->scores ? kind->score[index].name : NULL;
}

bool sweep_is_score(const struct sweep *sweep, const char *name) {
  const char *score;
  for (int i = 0; (score = sweep_score(sweep, i)); ++i)
    if (strcmp(score, name) == 0) return true;
  return false;
}

void sweep_scores(const struct sweep *sweep, char *text, size_t size) {
  const char *score;
  text[0] = '\0';
  for (int i = 0; (score = sweep_score(sweep, i)); ++i) {
    const size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s", i ? ", " : "", score);
  }
}

/* The score by which models of the base's kind are compared: the likeliest that a foreign name stands for. */
static const char *usual_score(const struct sweep *sweep) {
  const struct learner_kind *kind = learner_find(config_experiment(sweep->base)->training.model.name);
  return kind ? kind->score[kind->chosen_by].name : "loss";
}

/* ---- Metrics ---- */

static void refuse_metric(struct sweep_reader *reader, int node, const char *name) {
  char shown[64], scores[SCORES_TEXT_MAX];
  const char *meant = nearest_score(reader->sweep, name);
  problems_show(name, shown, sizeof shown);
  sweep_scores(reader->sweep, scores, sizeof scores);
  if (meant)
    sweep_problem(reader, sweep_mark(reader, node), "metric: unknown score \"%s\"; did you mean \"%s\"?", shown, meant);
  else
    sweep_problem(reader, sweep_mark(reader, node),
                  "metric: unknown score \"%s\", expected one of %s; rename: {%s: %s} says which it stands for", shown,
                  scores, shown, usual_score(reader->sweep));
}

static void read_metric_name(struct sweep_reader *reader, int node) {
  struct sweep *sweep = reader->sweep;
  struct sweep_metric *metric = &sweep->metric[sweep->metrics];
  const char *text;
  if (!sweep_read_text(reader, node, "metric.name", SWEEP_GIVEN_MAX, &text)) return;
  metric->given = sweep_keep(sweep, text);
  metric->name = sweep_keep(sweep, sweep_renamed(reader, text));
  if (sweep->base && !sweep_is_score(sweep, metric->name)) refuse_metric(reader, node, metric->name);
}

static void read_goal(struct sweep_reader *reader, int node) {
  static const char *const goals[] = {"minimize", "maximize"};
  int goal;
  if (sweep_read_choice(reader, node, "metric.goal", goals, 2, &goal))
    reader->sweep->metric[reader->sweep->metrics].maximize = goal == 1;
}

static void read_target(struct sweep_reader *reader, int node) {
  double target;
  if (sweep_read_real(reader, node, "metric.target", &target))
    reader->sweep->metric[reader->sweep->metrics].target = target;
}

static const char *const imputed[] = {"worst", "best", "latest", "false"};

static void read_impute(struct sweep_reader *reader, int node) {
  int word;
  if (sweep_read_choice(reader, node, "metric.impute", imputed, 3, &word))
    reader->sweep->metric[reader->sweep->metrics].impute = imputed[word];
}

/* What a method that learns takes for a running trial; here those have none. */
static void read_impute_running(struct sweep_reader *reader, int node) {
  int word;
  sweep_read_choice(reader, node, "metric.impute_while_running", imputed, 4, &word);
}

static void read_one_metric(struct sweep_reader *reader, int node) {
  static const struct sweep_key metric_keys[] = {
      {"name", .read = read_metric_name},
      {"goal", .read = read_goal},
      {"target", .read = read_target},
      {"impute", .read = read_impute},
      {"impute_while_running", .read = read_impute_running},
  };
  struct sweep *sweep = reader->sweep;
  struct sweep_metric *metric = &sweep->metric[sweep->metrics];
  const int before = reader->problems.count;
  *metric = (struct sweep_metric){.target = (double)NAN};
  sweep_read_keys(reader, node, "metric", metric_keys, 5);
  if (!metric->name && reader->problems.count == before)
    sweep_problem(reader, sweep_mark(reader, node), "missing key \"name\" of metric: expected a score");
  for (int i = 0; i < sweep->metrics; ++i)
    if (metric->name && strcmp(sweep->metric[i].name, metric->name) == 0)
      sweep_problem(reader, sweep_mark(reader, node), "metrics: the score \"%s\" is there twice", metric->name);
  if (metric->name) sweep->metrics += 1;
}

void sweep_read_metric(struct sweep_reader *reader, int node) {
  reader->has_metric = true;
  read_one_metric(reader, node);
}

void sweep_read_metrics(struct sweep_reader *reader, int node) {
  reader->has_metrics = true;
  if (reader->has_metric) {
    sweep_problem(reader, sweep_mark(reader, node), "metrics: expected either metric or metrics");
    return;
  }
  if (sweep_kind(reader, node) != DOCUMENT_SEQUENCE || sweep_count(reader, node) < 1 ||
      sweep_count(reader, node) > SWEEP_METRICS_MAX) {
    sweep_refuse(reader, node, "metrics", "a sequence of 1 to 4 metrics");
    return;
  }
  for (int i = 0; i < sweep_count(reader, node); ++i) read_one_metric(reader, sweep_item(reader, node, i));
}
