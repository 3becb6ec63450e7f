/* The keys of a sweep file, in the order in which they depend on each other. */
#include "config/scalar.h"
#include "sweep/sweep_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct sweep, member)
#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static void read_method(struct sweep_reader *reader, int node) {
  enum { METHODS_MAX = 16 };
  struct sweep *sweep = reader->sweep;
  const char *names[METHODS_MAX];
  int method, count = 0;
  for (; count < METHODS_MAX && method_name(count); ++count) names[count] = method_name(count);
  if (sweep_kind(reader, node) == DOCUMENT_SCALAR && strcmp(document_text(reader->document, node), "custom") == 0) {
    sweep_problem(reader, sweep_mark(reader, node),
                  "method: \"custom\" is a search program of one's own, which is not run here; expected one of grid, "
                  "random, sobol, lhs");
    return;
  }
  if (!sweep_read_choice(reader, node, "method", names, count, &method)) return;
  snprintf(sweep->method_name, sizeof sweep->method_name, "%s", names[method]);
  sweep->method = method_find(names[method]);
}

static void read_name(struct sweep_reader *reader, int node) {
  const char *text;
  if (sweep_read_text(reader, node, "name", SWEEP_NAME_MAX, &text))
    snprintf(reader->sweep->name, SWEEP_NAME_MAX, "%s", text);
}

static void read_base(struct sweep_reader *reader, int node) {
  const char *text;
  if (sweep_read_text(reader, node, "base", sizeof reader->sweep->base_path, &text) && !reader->options->base_path)
    snprintf(reader->sweep->base_path, sizeof reader->sweep->base_path, "%s", text);
}

static void read_order(struct sweep_reader *reader, int node) {
  static const char *const orders[] = {"logical", "arrival"};
  int order;
  if (sweep_read_choice(reader, node, "order", orders, COUNT(orders), &order)) reader->sweep->arrival = order == 1;
}

static void read_run_cap(struct sweep_reader *reader, int node) {
  reader->run_cap_mark = sweep_mark(reader, node);
  sweep_read_integer(reader, node, "run_cap", 1, SWEEP_RUNS_MAX, &reader->sweep->run_cap);
}

static void read_confirm(struct sweep_reader *reader, int node) {
  reader->confirm_mark = sweep_mark(reader, node);
  sweep_read_integer(reader, node, "confirm", 0, SWEEP_RUNS_MAX, &reader->sweep->confirm);
}

/* `rename` and `base` are read before all others (read_first()). */
static void read_nothing(struct sweep_reader *reader, int node) {
  (void)reader;
  (void)node;
}

#define SPECIAL(function) .kind = SWEEP_SPECIAL, .read = (function)
#define INTEGER(member, lowest, highest)                                                                               \
  .kind = SWEEP_INTEGER, .offset = AT(member), .least = (lowest), .most = (highest)
#define REFUSED(text) .kind = SWEEP_REFUSED, .reason = (text)

/* The order is that of dependence: parameters come before what names them. */
static const struct sweep_key keys[] = {
    {"rename", SPECIAL(read_nothing)},
    {"base", SPECIAL(read_nothing)},
    {"name", SPECIAL(read_name)},
    {"method", SPECIAL(read_method)},
    {"pbt", SPECIAL(sweep_read_population)},
    {"metric", SPECIAL(sweep_read_metric)},
    {"metrics", SPECIAL(sweep_read_metrics)},
    {"parameters", SPECIAL(sweep_read_parameters)},
    {"constraints", SPECIAL(sweep_read_constraints)},
    {"early_terminate", SPECIAL(sweep_read_early)},
    {"run_cap", SPECIAL(read_run_cap)},
    {"repeats", INTEGER(repeats, 1, 1000)},
    {"confirm", SPECIAL(read_confirm)},
    {"seed", INTEGER(seed, 0, INT64_MAX)},
    {"order", SPECIAL(read_order)},
    {"window", INTEGER(window, 1, 1000000)},
    {"resources", SPECIAL(sweep_read_resources)},
    {"slurm", SPECIAL(sweep_read_slurm)},
    {"prepare", SPECIAL(sweep_read_prepare)},
    {"enqueue", SPECIAL(sweep_read_enqueue)},
    {"description", .kind = SWEEP_UNREAD},
    {"program", .kind = SWEEP_IGNORED},
    {"command", .kind = SWEEP_IGNORED},
    {"project", .kind = SWEEP_IGNORED},
    {"entity", .kind = SWEEP_IGNORED},
    {"controller", .kind = SWEEP_IGNORED},
    {"apiVersion", .kind = SWEEP_IGNORED},
    {"kind", .kind = SWEEP_IGNORED},
    {"scheduler", REFUSED("names a search program of one's own, which is not run here; expected a method alone")},
    {"job", REFUSED("names a job of W&B Launch, which is not run here: trials are runs of the base experiment")},
    {"image_uri", REFUSED("names an image of W&B Launch, which is not run here: trials are runs of the base "
                          "experiment")},
};

static void read_early_type(struct sweep_reader *reader, int node) {
  static const char *const types[] = {"hyperband", "hyperband_brackets", "asha", "median"};
  int type;
  if (sweep_read_choice(reader, node, "early_terminate.type", types, COUNT(types), &type))
    snprintf(reader->sweep->early.type, sizeof reader->sweep->early.type, "%s", types[type]);
}

static void read_early_mode(struct sweep_reader *reader, int node) {
  static const char *const modes[] = {"promote", "stop"};
  int mode;
  if (!sweep_read_choice(reader, node, "early_terminate.mode", modes, COUNT(modes), &mode)) return;
  snprintf(reader->sweep->early.mode, sizeof reader->sweep->early.mode, "%s", modes[mode]);
  if (strcmp(reader->sweep->early.type, "asha") != 0)
    sweep_problem(reader, sweep_mark(reader, node), "early_terminate.mode is for type asha alone");
}

static void read_eta(struct sweep_reader *reader, int node) {
  double eta;
  if (!sweep_read_real(reader, node, "early_terminate.eta", &eta)) return;
  if (eta > 1 && eta <= 1000)
    reader->sweep->early.eta = eta;
  else
    sweep_refuse(reader, node, "early_terminate.eta", "a real number > 1, <= 1000");
}

void sweep_read_early(struct sweep_reader *reader, int node) {
  static const struct sweep_key early_keys[] = {
      {"type", SPECIAL(read_early_type)},
      {"mode", SPECIAL(read_early_mode)},
      {"min_iter", INTEGER(early.min_iter, 1, SWEEP_REPORTS_MAX)},
      {"max_iter", INTEGER(early.max_iter, 1, SWEEP_REPORTS_MAX)},
      {"s", INTEGER(early.s, 1, SWEEP_RUNGS_MAX)},
      {"eta", SPECIAL(read_eta)},
      {"strict", .kind = SWEEP_SWITCH, .offset = AT(early.strict)},
  };
  struct sweep_early *early = &reader->sweep->early;
  const int before = reader->problems.count;
  *early = (struct sweep_early){.eta = 3, .strict = true};
  sweep_read_keys(reader, node, "early_terminate", early_keys, COUNT(early_keys));
  if (reader->problems.count > before) return;
  const struct document_mark mark = sweep_mark(reader, node);
  if (!*early->type)
    sweep_problem(reader, mark,
                  "missing key \"type\" of early_terminate: expected one of hyperband, "
                  "hyperband_brackets, asha, median");
  else if (early->min_iter == 0 && early->max_iter == 0)
    sweep_problem(reader, mark, "early_terminate: expected min_iter, or max_iter and s");
  else if (early->min_iter == 0 && early->s == 0 && strcmp(early->type, "hyperband") == 0)
    sweep_problem(reader, mark,
                  "early_terminate: max_iter without min_iter; expected s beside it: how often trials "
                  "are compared");
  else if (early->max_iter > 0 && early->min_iter > early->max_iter)
    sweep_problem(reader, mark,
                  "early_terminate: min_iter is %" PRId64 " and max_iter %" PRId64 ": expected min_iter <= max_iter",
                  early->min_iter, early->max_iter);
  if (strcmp(early->type, "asha") == 0 && !*early->mode) snprintf(early->mode, sizeof early->mode, "promote");
}

static void read_on_nan(struct sweep_reader *reader, int node) {
  static const char *const words[] = {"worst", "fail"};
  int word;
  if (sweep_read_choice(reader, node, "resources.on_nan", words, COUNT(words), &word))
    reader->sweep->resources.nan_fails = word == 1;
}

void sweep_read_resources(struct sweep_reader *reader, int node) {
  static const struct sweep_key resources_keys[] = {
      {"ranks_per_trial", INTEGER(resources.ranks_per_trial, 1, 65536)},
      {"trial_timeout", .kind = SWEEP_SECONDS, .offset = AT(resources.trial_timeout)},
      {"grace", .kind = SWEEP_SECONDS, .offset = AT(resources.grace)},
      {"max_restarts", INTEGER(resources.max_restarts, 0, 1000)},
      {"on_nan", SPECIAL(read_on_nan)},
      {"core_hours", .kind = SWEEP_REAL, .offset = AT(resources.core_hours)},
      {"wall_time", .kind = SWEEP_SECONDS, .offset = AT(resources.wall_time)},
      {"checkpoint_bytes", .kind = SWEEP_BYTES, .offset = AT(resources.checkpoint_bytes)},
  };
  sweep_read_keys(reader, node, "resources", resources_keys, COUNT(resources_keys));
}

/* 8, or SLURM's own 0-7. */
static void read_array(struct sweep_reader *reader, int node) {
  int64_t *parts = &reader->sweep->slurm.array;
  reader->array_mark = sweep_mark(reader, node);
  if (sweep_kind(reader, node) == DOCUMENT_SCALAR) {
    const char *text = document_text(reader->document, node);
    char *end;
    if (strncmp(text, "0-", 2) == 0 && text[2] >= '0' && text[2] <= '9') {
      const long last = strtol(text + 2, &end, 10);
      if (!*end && last < 100000) {
        *parts = last + 1;
        return;
      }
    }
  }
  sweep_read_integer(reader, node, "slurm.array", 1, 100000, parts);
}

void sweep_read_slurm(struct sweep_reader *reader, int node) {
  static const struct sweep_key slurm_keys[] = {
      {"array", SPECIAL(read_array)},
      {"array_parallelism", INTEGER(slurm.parallelism, 1, 100000)},
      {"timeout_min", INTEGER(slurm.timeout_min, 1, 1000000)},
      {"signal_delay_s", INTEGER(slurm.signal_delay_s, 1, 65535)},
      {"requeue", .kind = SWEEP_SWITCH, .offset = AT(slurm.requeue)},
      {"max_num_timeout", INTEGER(slurm.max_num_timeout, 0, 1000000)},
  };
  sweep_read_keys(reader, node, "slurm", slurm_keys, COUNT(slurm_keys));
}

/* ---- All of it ---- */

static int find_key(const struct document *document, const char *name) {
  if (document->root < 0 || document->nodes[document->root].kind != DOCUMENT_MAPPING) return -1;
  for (int i = 0; i < document->nodes[document->root].count; ++i) {
    const struct document_entry *entry = document_entry(document, document->root, i);
    if (strcmp(document_text(document, entry->key), name) == 0) return entry->value;
  }
  return -1;
}

struct document_mark sweep_key_mark(const struct sweep_reader *reader, const char *key) {
  const int node = find_key(reader->document, key);
  return node < 0 ? (struct document_mark){1, 1} : sweep_mark(reader, node);
}

enum status sweep_base_path(const char *path, const char *text, size_t bytes, char base[1024]) {
  struct document *document;
  base[0] = '\0';
  TRY(document_parse(path, true, text, bytes, &document));
  const int node = find_key(document, "base");
  const bool scalar = node >= 0 && document->nodes[node].kind == DOCUMENT_SCALAR;
  const char *foreign = scalar ? scalar_foreign(document_text(document, node)) : NULL;
  enum status status = STATUS_OK;
  if (scalar) snprintf(base, 1024, "%s", document_text(document, node));
  if (node < 0 && find_key(document, "model") >= 0 && find_key(document, "parameters") < 0)
    status =
        status_raise(STATUS_CONFIG, "%s: this is no sweep, but looks like an experiment: hgn train %s", path, path);
  if (foreign)
    status = status_raise(STATUS_CONFIG, "%s:%d:%d: base: found \"%.200s\" (%s), expected the name of a file", path,
                          document->nodes[node].mark.line, document->nodes[node].mark.column, base, foreign);
  document_destroy(&document);
  return status;
}

/* The base: what all values are values of. Its own problems are shown alone, since they are of another file. */
static enum status read_base_text(struct sweep_reader *reader) {
  struct sweep *sweep = reader->sweep;
  const struct sweep_options *options = reader->options;
  const struct document_mark start = {1, 1};
  if (options->base_path) snprintf(sweep->base_path, sizeof sweep->base_path, "%s", options->base_path);
  if (!options->base_text) {
    sweep_problem(reader, start,
                  "no base experiment, whose keys the parameters are: expected \"base: FILE\", or "
                  "the option --base FILE");
    return STATUS_OK;
  }
  TRY(config_recognize(sweep->base_path, options->base_text, options->base_bytes, SCHEMA_USE(SCHEMA_TRAINING)));
  TRY(config_parse(sweep->base_path, options->base_text, options->base_bytes, NULL, 0, &sweep->base));
  return config_require(sweep->base, SCHEMA_USE(SCHEMA_TRAINING));
}

static enum status read_first(struct sweep_reader *reader) {
  const int base = find_key(reader->document, "base"), rename = find_key(reader->document, "rename");
  if (base >= 0) read_base(reader, base);
  TRY(read_base_text(reader));
  sweep_read_rename_options(reader);
  if (rename >= 0) sweep_read_rename(reader, rename);
  return STATUS_OK;
}

static void add_missing(struct sweep_reader *reader, const char *key, const char *expected) {
  char where[SWEEP_PATH_SHOWN_MAX + 8];
  const struct document_mark start = {1, 1};
  if (find_key(reader->document, key) >= 0) return;
  snprintf(where, sizeof where, "%s:1:1", reader->path);
  problems_add(&reader->problems, PROBLEM_SOURCE_LAST, start, where, "missing key \"%s\": expected %s", key, expected);
}

static void check_grid(struct sweep_reader *reader) {
  struct sweep *sweep = reader->sweep;
  for (int i = 0; i < sweep->space.count; ++i) {
    const struct space_parameter *parameter = &sweep->space.parameter[i];
    if (reader->broken[i] || distribution_values(&parameter->distribution) >= 0) continue;
    sweep_problem(reader, reader->parameter_mark[i],
                  "%s: grid goes through all values, but there is no end of those of %s; expected values, int_uniform "
                  "or a distribution with q and bounds",
                  parameter->given, distribution_name(parameter->distribution.kind));
  }
  if (sweep->run_cap > 0 || reader->problems.count > 0) return;
  sweep->run_cap = space_points(&sweep->space, SWEEP_RUNS_MAX);
  if (sweep->run_cap > 0) return;
  sweep->run_cap = 0;
  sweep_problem(reader, sweep_key_mark(reader, "parameters"),
                "the grid has more than %d points; expected run_cap, or fewer values", (int)SWEEP_RUNS_MAX);
}

static void check_run_cap(struct sweep_reader *reader) {
  struct sweep *sweep = reader->sweep;
  const int64_t asked = reader->options->run_cap;
  const struct document_mark start = {1, 1};
  if (asked > 0) sweep->run_cap = asked;
  if (asked < 0 || asked > SWEEP_RUNS_MAX)
    problems_add(&reader->problems, 1, start, "option --run-cap", "expected 1 to %d", (int)SWEEP_RUNS_MAX);
  if (!*sweep->method_name) return;
  if (strcmp(sweep->method_name, "grid") == 0) {
    if (sweep->space.count > 0) check_grid(reader);
  } else if (asked <= 0 && !sweep->method->part) {
    add_missing(reader, "run_cap", "how many configurations are tried, since other methods than grid have no end");
  }
}

/* The most and the least that a key has over the space: `row` as a parameter, else as in the base. */
static void find_extent(const struct sweep_reader *reader, const char *path, int64_t standard, int64_t extent[2]) {
  const struct sweep *sweep = reader->sweep;
  extent[0] = extent[1] = standard;
  const int parameter = sweep_find_parameter(sweep, path);
  if (parameter < 0 || reader->broken[parameter]) return;
  const struct space_parameter *found = &sweep->space.parameter[parameter];
  const struct schema_row *row = &schema_rows[found->row];
  double low = INFINITY, high = -INFINITY;
  if (!found->choice) distribution_ends(&found->distribution, &low, &high);
  for (int64_t i = 0; found->choice && i < found->distribution.count; ++i) {
    const double value = found->choice[i].number;
    if (value > high) high = value;
    if (value > 0 && value < low) low = value; /* eval.every 0 is never */
  }
  if (!found->choice && low < 1) low = 1;
  if (high > (double)row->most) high = (double)row->most;
  extent[0] = low <= high ? (int64_t)low : 0;
  extent[1] = high > 0 ? (int64_t)high : 0;
}

static void count_reports(struct sweep_reader *reader) {
  struct sweep *sweep = reader->sweep;
  const struct training *training = &config_experiment(sweep->base)->training;
  int64_t steps[2], every[2];
  find_extent(reader, "train.steps", training->train.steps, steps);
  find_extent(reader, "eval.every", training->eval.every, every);
  sweep->reports = every[0] > 0 ? (steps[1] + every[0] - 1) / every[0] : 1;
  const int varied =
      sweep_find_parameter(sweep, sweep_find_parameter(sweep, "train.steps") < 0 ? "eval.every" : "train.steps");
  if (sweep->reports < 1) sweep->reports = 1;
  if (sweep->reports > SWEEP_REPORTS_MAX)
    sweep_problem(reader, varied < 0 ? (struct document_mark){1, 1} : reader->parameter_mark[varied],
                  "a trial may be evaluated %" PRId64 " times (train.steps / eval.every); expected at "
                  "most %d",
                  sweep->reports, (int)SWEEP_REPORTS_MAX);
}

static void check_array(struct sweep_reader *reader) {
  const struct sweep *sweep = reader->sweep;
  if (sweep->slurm.array <= 1 || !sweep->method || reader->problems.count > 0) return;
  const char *why = sweep_undivided(sweep);
  const int64_t whole = sweep_configurations(sweep, 0);
  if (why)
    sweep_problem(reader, reader->array_mark, "slurm.array: %s: run it in one job, with slurm/sweep.sbatch", why);
  else if (sweep->slurm.array > whole)
    sweep_problem(reader, reader->array_mark,
                  "slurm.array is %" PRId64 ", and the sweep has %" PRId64 " configurations: expected as many or fewer",
                  sweep->slurm.array, whole);
}

/* What takes several metrics. */
static void check_metrics(struct sweep_reader *reader) {
  const struct sweep *sweep = reader->sweep;
  if (sweep->metrics < 2) return;
  if (sweep->method && !sweep->method->several)
    sweep_problem(reader, sweep_key_mark(reader, "metrics"),
                  "metrics: method %s takes one metric; random, sobol and tpe take several", sweep->method_name);
  if (*sweep->early.type)
    sweep_problem(
        reader, sweep_key_mark(reader, "early_terminate"),
        "early_terminate judges by one metric; expected metric in the place of metrics, or no early_terminate");
}

static void check_together(struct sweep_reader *reader) {
  struct sweep *sweep = reader->sweep;
  check_run_cap(reader);
  if (sweep->confirm > sweep->run_cap && sweep->run_cap > 0)
    sweep_problem(reader, reader->confirm_mark,
                  "confirm is %" PRId64 " and run_cap %" PRId64 ": expected confirm <= run_cap", sweep->confirm,
                  sweep->run_cap);
  if (sweep->enqueues > sweep->run_cap && sweep->run_cap > 0)
    sweep_problem(reader, reader->run_cap_mark.line ? reader->run_cap_mark : (struct document_mark){1, 1},
                  "run_cap is %" PRId64 " and enqueue has %" PRId64
                  " configurations: expected run_cap of at least that",
                  sweep->run_cap, sweep->enqueues);
  const int seed = sweep_find_parameter(sweep, "seed");
  if (seed >= 0 && sweep->confirm > 0)
    sweep_problem(reader, reader->parameter_mark[seed],
                  "the parameter \"seed\" does not go with confirm, which runs the best again on fresh seeds");
  if (seed >= 0 && sweep->repeats > 1)
    sweep_problem(reader, reader->parameter_mark[seed],
                  "the parameter \"seed\" does not go with repeats: %" PRId64
                  ", which give each repeat a seed of its own",
                  sweep->repeats);
  check_metrics(reader);
  if (sweep->base) count_reports(reader);
  sweep_check_population(reader);
  check_array(reader);
}

static void finish_notice(struct sweep_reader *reader) {
  for (int i = 0; i < reader->sweep->renames; ++i)
    if (!reader->rename_used[i] && reader->rename_mark[i].line > 0)
      sweep_warn(reader, reader->rename_mark[i], "rename: there is no parameter or metric \"%s\" in this file",
                 reader->sweep->rename[i].theirs);
  if (!*reader->meaningless) return;
  const size_t used = strlen(reader->notice);
  snprintf(reader->notice + used, SWEEP_NOTICE_MAX - used, "%s%s: these keys mean nothing here: %s", used ? "\n" : "",
           reader->path, reader->meaningless);
}

static enum status read_all(struct sweep_reader *reader) {
  const struct document *document = reader->document;
  REQUIRE(document->root >= 0, STATUS_CONFIG,
          "%s:1:1: nothing in this file, expected a sweep: method, metric, "
          "parameters",
          reader->path);
  TRY(read_first(reader));
  sweep_read_keys(reader, document->root, "", keys, COUNT(keys));
  if (document->nodes[document->root].kind == DOCUMENT_MAPPING) {
    add_missing(reader, "method", "one of grid, random, sobol, lhs");
    add_missing(reader, "parameters", "a mapping of keys of the experiment, each with values, or min and max");
    if (!reader->has_metrics) add_missing(reader, "metric", "a mapping {name: a score, goal: minimize or maximize}");
    check_together(reader);
  }
  finish_notice(reader);
  TRY(arena_check(&reader->sweep->arena, "a sweep"));
  return problems_raise(&reader->problems);
}

static void set_standards(struct sweep *sweep) {
  sweep->repeats = 1;
  sweep->window = 16;
  sweep->seed = 1;
  sweep->resources = (struct sweep_resources){.ranks_per_trial = 1, .grace = 60, .max_restarts = 1};
  sweep->population =
      (struct method_population){.size = 8, .every = 1, .quantile = 0.25, .factor = 1.2, .resample = 0.25};
  sweep->part = (struct sweep_part){.count = 1};
  sweep->slurm = (struct sweep_slurm){.signal_delay_s = 120, .max_num_timeout = 20, .requeue = true};
}

enum status sweep_parse(const char *path, const char *text, size_t bytes, const struct sweep_options *options,
                        struct sweep **sweep, char notice[SWEEP_NOTICE_MAX]) {
  *sweep = NULL;
  notice[0] = '\0';
  struct document *document;
  TRY(document_parse(path, true, text, bytes, &document));
  struct sweep_reader *reader = calloc(1, sizeof *reader);
  struct sweep *made = calloc(1, sizeof *made);
  enum status status = STATUS_OK;
  if (!reader || !made) {
    status = status_raise(STATUS_MEMORY, "out of memory reading %s", path);
    goto cleanup;
  }
  reader->document = document;
  reader->options = options;
  reader->sweep = made;
  reader->notice = notice;
  problems_show(path, reader->path, sizeof reader->path);
  set_standards(made);
  status = read_all(reader);
cleanup:
  document_destroy(&document);
  free(reader);
  if (status != STATUS_OK) sweep_destroy(&made);
  *sweep = made;
  return status;
}
