#include "sweep/ledger.h"

#include "base/rng.h"
#include "store/output.h"
#include "store/provenance.h"
#include "sweep/early.h"
#include "sweep/ledger_private.h"
#include "sweep/synthetic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT(name, help) +1
_Static_assert(0 LEDGER_INTEGER_LIST(COUNT) == LEDGER_INTEGERS, "LEDGER_INTEGERS counts its list");
_Static_assert(0 LEDGER_COUNT_LIST(COUNT) == LEDGER_COUNTS, "LEDGER_COUNTS counts its list");
_Static_assert(0 LEDGER_COUNT_LIST(COUNT) LEDGER_TIME_LIST(COUNT) == LEDGER_MEASURED, "so does LEDGER_MEASURED");
#undef COUNT

#define NAME(name, help) #name,
static const char *const integer_names[] = {LEDGER_INTEGER_LIST(NAME)};
static const char *const measured_names[] = {LEDGER_COUNT_LIST(NAME) LEDGER_TIME_LIST(NAME)};
static const char *const span_names[] = {LEDGER_SPAN_LIST(NAME)};
static const char *const job_names[] = {LEDGER_JOB_LIST(NAME)};
enum { LEDGER_SPANS = sizeof span_names / sizeof *span_names, LEDGER_JOBS = sizeof job_names / sizeof *job_names };
enum { LEDGER_BY = sizeof(struct provenance_job) / sizeof(int64_t) };
#undef NAME
#define HELP(name, help) #name ": " help "\n"
static const char integer_help[] = LEDGER_INTEGER_LIST(HELP);
static const char measured_help[] = LEDGER_COUNT_LIST(HELP) LEDGER_TIME_LIST(HELP);
static const char span_help[] = LEDGER_SPAN_LIST(HELP);
static const char job_help[] = LEDGER_JOB_LIST(HELP);
static const char by_help[] = PROVENANCE_JOB_LIST(HELP);
#undef HELP
#define NAME(name, text, help) text,
static const char *const event_names[] = {EVENT_LIST(NAME)};
#undef NAME

const char *event_name(enum event_kind kind) { return (unsigned)kind < EVENT_COUNT ? event_names[kind] : NULL; }

int ledger_scores(const struct sweep *sweep, const char *names[JOB_SCORES_MAX]) {
  const struct learner_kind *kind = learner_find(config_experiment(sweep->base)->training.model.name);
  if (!kind) {
    names[0] = SYNTHETIC_SCORE;
    return 1;
  }
  for (int i = 0; i < kind->scores; i++) names[i] = kind->score[i].name;
  return kind->scores;
}

int ledger_metric(const struct sweep *sweep, const struct ledger *ledger, int metric) {
  for (int i = 0; i < ledger->shape.scores; i++)
    if (strcmp(ledger->score[i], sweep->metric[metric].name) == 0) return i;
  return -1;
}

int64_t ledger_confirm_seeds(const struct sweep *sweep) { return sweep->repeats > 1 ? sweep->repeats : 3; }

int64_t ledger_seed(const struct sweep *sweep, int64_t repeat) {
  const int64_t seed = config_experiment(sweep->base)->seed;
  if (repeat == 0) return seed;
  struct rng rng = rng_stream((uint64_t)seed, RNG_REPEAT, (uint64_t)repeat, 0);
  return (int64_t)(rng_u64(&rng) >> 1);
}

int64_t ledger_configuration_number(const struct ledger *ledger, int64_t configuration) {
  return configuration * ledger->part.count + ledger->part.index;
}

int64_t ledger_trial_number(const struct ledger *ledger, int64_t trial) {
  const int64_t repeats = ledger->repeats;
  return ledger_configuration_number(ledger, trial / repeats) * repeats + trial % repeats;
}

struct folder_place ledger_place(const struct ledger *ledger, int64_t trial) {
  const struct ledger_trial *row = &ledger->trial[trial];
  return (struct folder_place){ledger_trial_number(ledger, trial),
                               ledger_configuration_number(ledger, row->configuration), row->repeat, row->confirms};
}

struct ledger_shape ledger_shape_of(const struct sweep *sweep, int64_t extended) {
  const char *names[JOB_SCORES_MAX];
  const int64_t configurations = sweep_part_configurations(sweep, extended),
                trials = configurations * sweep->repeats + sweep->confirm * ledger_confirm_seeds(sweep);
  const struct early_kind *early = early_find(sweep);
  const int rungs = early ? early_rungs(sweep, NULL) : 0;
  return (struct ledger_shape){.configurations = configurations,
                               .trials = trials,
                               .reports = sweep->reports,
                               .events = 2 * trials + 256,
                               .spans = 2 * trials + (early && early->pausing ? trials * rungs : 0) + 256,
                               .jobs = early && early->pausing ? configurations * (rungs + 1) : configurations,
                               .parameters = sweep->space.count,
                               .scores = ledger_scores(sweep, names),
                               .rungs = rungs};
}

bool ledger_counts(const struct sweep *sweep, const struct ledger *ledger, int64_t trial) {
  if (ledger->chosen == 0) return true;
  return trial < ledger->chosen * sweep->repeats || ledger->trial[trial].confirms;
}

int64_t ledger_expected(const struct sweep *sweep, const struct ledger *ledger) {
  const int64_t searched = ledger->shape.configurations * sweep->repeats;
  int64_t confirming = 0;
  if (ledger->chosen == 0) return ledger->shape.trials;
  for (int64_t t = searched; t < ledger->shape.trials; t++) confirming += ledger->trial[t].confirms;
  return (ledger->chosen > 0 ? ledger->chosen : 0) * sweep->repeats + confirming;
}

int64_t ledger_bytes(const struct ledger_shape *shape) {
  const int64_t trial = 8 * (1 + LEDGER_INTEGERS + 1 + LEDGER_MEASURED + 2 + shape->rungs) + JOB_REASON_MAX +
                        8 * shape->scores + 8 * shape->reports * (1 + shape->scores);
  return shape->trials * trial + 8 * shape->configurations * shape->parameters + 32 * shape->events +
         56 * shape->spans + 8 * LEDGER_JOBS * shape->jobs;
}

void ledger_forget_reports(struct ledger *ledger, int64_t trial, int64_t first) {
  const struct ledger_shape *shape = &ledger->shape;
  for (int64_t at = trial * shape->reports + first; at < (trial + 1) * shape->reports; at++) {
    ledger->report_step[at] = 0;
    for (int i = 0; i < shape->scores; i++) ledger->validation[at * shape->scores + i] = NAN;
  }
}

void ledger_forget_test(struct ledger *ledger, int64_t trial) {
  for (int i = 0; i < ledger->shape.scores; i++) ledger->test[trial * ledger->shape.scores + i] = NAN;
}

static void clear_trial(struct ledger *ledger, int64_t trial) {
  ledger->trial[trial] = (struct ledger_trial){.value = NAN, .began = NAN, .ended = NAN};
  ledger_forget_reports(ledger, trial, 0);
  ledger_forget_test(ledger, trial);
  for (int64_t k = 0; k < ledger->shape.rungs; k++) ledger->rung[trial * ledger->shape.rungs + k] = NAN;
}

void ledger_copy_row(const struct ledger *from, int64_t trial, struct ledger *to, int64_t row) {
  const int64_t reports = to->shape.reports, scores = to->shape.scores, rungs = to->shape.rungs;
  to->trial[row] = from->trial[trial];
  memcpy(to->report_step + row * reports, from->report_step + trial * reports, (size_t)reports * sizeof(int64_t));
  memcpy(to->validation + row * reports * scores, from->validation + trial * reports * scores,
         (size_t)(reports * scores) * sizeof(double));
  memcpy(to->test + row * scores, from->test + trial * scores, (size_t)scores * sizeof(double));
  memcpy(to->rung + row * rungs, from->rung + trial * rungs, (size_t)rungs * sizeof(double));
}

void ledger_confirm(const struct sweep *sweep, struct ledger *ledger, int64_t trial, int64_t configuration,
                    int64_t repeat) {
  struct ledger_trial *row = &ledger->trial[trial];
  if (row->confirms && (row->configuration != configuration || row->repeat != repeat)) {
    clear_trial(ledger, trial);
    ledger_touch_reports(ledger, trial);
  }
  if (configuration < 0) return;
  ledger_touch_reports(ledger, trial);
  row->configuration = configuration;
  row->repeat = repeat;
  row->seed = ledger_seed(sweep, repeat);
  row->confirms = 1;
}

enum status ledger_allocate(const struct sweep *sweep, const struct ledger_shape *shape, struct ledger *ledger) {
  struct arena *arena = &ledger->arena;
  const int64_t n = shape->trials;
  ledger->shape = *shape;
  ledger->part = sweep->part;
  ledger->repeats = sweep->repeats;
  (void)ledger_scores(sweep, ledger->score);
  ledger->trial = arena_array(arena, n, sizeof *ledger->trial);
  ledger->point = arena_array(arena, shape->configurations * shape->parameters, sizeof(double));
  ledger->report_step = arena_array(arena, n * shape->reports, sizeof(int64_t));
  ledger->validation = arena_array(arena, n * shape->reports * shape->scores, sizeof(double));
  ledger->test = arena_array(arena, n * shape->scores, sizeof(double));
  ledger->rung_report = arena_array(arena, shape->rungs, sizeof *ledger->rung_report);
  ledger->rung = arena_array(arena, n * shape->rungs, sizeof(double));
  ledger->job = arena_array(arena, shape->jobs, sizeof *ledger->job);
  ledger->event = arena_array(arena, shape->events, sizeof *ledger->event);
  ledger->span = arena_array(arena, shape->spans, sizeof *ledger->span);
  ledger->changed = arena_array(arena, n, sizeof *ledger->changed);
  ledger->change = arena_array(arena, n, sizeof *ledger->change);
  TRY(arena_check(arena, "a sweep's trials"));
  if (shape->rungs > 0) (void)early_rungs(sweep, ledger->rung_report);
  for (int64_t i = 0; i < n; i++) clear_trial(ledger, i);
  for (int64_t i = 0; i < shape->configurations * shape->parameters; i++) ledger->point[i] = NAN;
  return STATUS_OK;
}

/* ---- Structure ---- */

static enum status make_space(struct store_file *file, const struct space *space) {
  const char *names[SPACE_PARAMETERS_MAX];
  char *text = NULL;
  size_t bytes = 0;
  for (int i = 0; i < space->count; i++) names[i] = space->parameter[i].name;
  TRY(store_texts(file, "/parameter", space->count, names, NULL, "parameters, as keys of the experiment"));
  FILE *out = open_memstream(&text, &bytes);
  REQUIRE(out, STATUS_MEMORY, "out of memory for the choices of a space");
  for (int i = 0; i < space->count; i++) {
    const struct space_parameter *parameter = &space->parameter[i];
    if (!parameter->choice) continue;
    fprintf(out, "%s:", parameter->name);
    for (int64_t k = 0; k < parameter->distribution.count; k++)
      fprintf(out, "%s %s", k ? " |" : "", parameter->choice[k].text);
    fprintf(out, "\n");
  }
  const bool written = fclose(out) == 0;
  enum status status = written ? store_text(file, "/space/choices", bytes ? text : "\n", 0)
                               : status_raise(STATUS_MEMORY, "out of memory for the choices of a space");
  free(text);
  return status;
}

static enum status make_texts(struct store_file *file, const struct ledger_texts *texts) {
  const int64_t one = 1, two = 2;
  char sum[CHECKSUM_TEXT];
  ledger_sum_texts(texts, sum);
  TRY(store_text(file, "/sweep/file", texts->file, 0));
  TRY(store_text(file, "/sweep/file_name", texts->file_name, 0));
  TRY(store_text(file, "/sweep/base", texts->base, 0));
  TRY(store_text(file, "/sweep/base_name", texts->base_name, 0));
  TRY(store_text(file, "/sweep/renames", *texts->renames ? texts->renames : "\n", 0));
  TRY(store_text(file, "/sweep/effective", texts->effective, 0));
  TRY(store_text(file, "/sweep/numerics", texts->numerics, 0));
  TRY(store_text(file, "/sweep/checksum", sum, 0));
  TRY(store_dataset(file, "/sweep/run_cap", STORE_I64, 1, &one, NULL, "--run-cap of the command line; 0: none"));
  TRY(store_dataset(file, "/sweep/part", STORE_I64, 1, &two, NULL, "which part of how many; 0, 1: all of the sweep"));
  TRY(store_dataset(file, "/sweep/chosen", STORE_I64, 1, &one, NULL,
                    "configurations that there are; 0: not known yet; -1: none"));
  return store_dataset(file, "/sweep/extended", STORE_I64, 1, &one, NULL, "configurations added by --extend");
}

/* What rows are called; number_of NULL: by their own number. */
static enum status make_numbers(struct store_file *file, const char *name, const struct ledger *ledger, int64_t count,
                                int64_t (*number_of)(const struct ledger *, int64_t), const char *help) {
  double *number = malloc((size_t)(count > 0 ? count : 1) * sizeof *number);
  REQUIRE(number, STATUS_MEMORY, "out of memory for the rows of a sweep");
  for (int64_t i = 0; i < count; i++) number[i] = (double)(number_of ? number_of(ledger, i) : i);
  const enum status status = store_scale(file, name, count, number, NULL, help);
  free(number);
  return status;
}

/* All in the root group: programs that read NetCDF look for a dimension in the groups above its data, not beside. */
static enum status make_scales(struct store_file *file, const struct ledger *ledger) {
  const struct ledger_shape *shape = &ledger->shape;
  TRY(make_numbers(file, "/trial_number", ledger, shape->trials, ledger_trial_number, "trials"));
  TRY(make_numbers(file, "/configuration_number", ledger, shape->configurations, ledger_configuration_number,
                   "points of the space"));
  TRY(make_numbers(file, "/report_number", ledger, shape->reports, NULL, "reports of a trial"));
  TRY(store_texts(file, "/score", shape->scores, ledger->score, NULL, "scores of an evaluation"));
  TRY(store_texts(file, "/integer_column", LEDGER_INTEGERS, integer_names, NULL, integer_help));
  TRY(store_texts(file, "/measured_column", LEDGER_MEASURED, measured_names, NULL, measured_help));
  TRY(make_numbers(file, "/job_number", ledger, shape->jobs, NULL, "jobs, from 0"));
  TRY(store_texts(file, "/job_column", LEDGER_JOBS, job_names, NULL, job_help));
  if (shape->rungs > 0) {
    double *report = malloc((size_t)shape->rungs * sizeof *report);
    REQUIRE(report, STATUS_MEMORY, "out of memory for the rungs of a sweep");
    for (int k = 0; k < shape->rungs; k++) report[k] = (double)ledger->rung_report[k];
    const enum status status = store_scale(file, "/rung_report", shape->rungs, report, NULL, "reports at each rung");
    free(report);
    TRY(status);
  }
  return store_texts(file, "/span_column", LEDGER_SPANS, span_names, NULL, span_help);
}

static enum status make_trials(struct store_file *file, const struct ledger *ledger) {
  const struct ledger_shape *shape = &ledger->shape;
  const int64_t n = shape->trials, integer[2] = {n, LEDGER_INTEGERS}, measured[2] = {n, LEDGER_MEASURED},
                sum[2] = {n, 2}, test[2] = {n, shape->scores}, reason[2] = {n, JOB_REASON_MAX},
                rung[2] = {n, shape->rungs};
  const char *states[TRIAL_STATE_COUNT];
  for (int i = 0; i < TRIAL_STATE_COUNT; i++) states[i] = trial_state_name((enum trial_state)i);
  TRY(store_texts(file, "/state_name", TRIAL_STATE_COUNT, states, NULL, "names of the numbers in /trial/state"));
  TRY(store_dataset(file, "/trial/state", STORE_I64, 1, &n, NULL, "index into /state_name"));
  TRY(store_dataset(file, "/trial/integer", STORE_I64, 2, integer, NULL, integer_help));
  TRY(store_dataset(file, "/trial/value", STORE_F64, 1, &n, NULL, "the metric at the last report"));
  TRY(store_dataset(file, "/trial/measured", STORE_F64, 2, measured, NULL, measured_help));
  TRY(store_dataset(file, "/trial/test", STORE_F64, 2, test, NULL, "scores on the test split, of complete trials"));
  TRY(store_dataset(file, "/trial/sum", STORE_I64, 2, sum, NULL,
                    "checksum of all that an ended trial has in this file"));
  TRY(store_dataset(file, "/trial/reason", STORE_U8, 2, reason, NULL,
                    "why the trial is not complete, UTF-8, zeros behind"));
  TRY(store_attach(file, "/trial/state", 0, "/trial_number"));
  TRY(store_attach(file, "/trial/integer", 0, "/trial_number"));
  TRY(store_attach(file, "/trial/integer", 1, "/integer_column"));
  TRY(store_attach(file, "/trial/value", 0, "/trial_number"));
  TRY(store_attach(file, "/trial/measured", 0, "/trial_number"));
  TRY(store_attach(file, "/trial/measured", 1, "/measured_column"));
  TRY(store_attach(file, "/trial/test", 0, "/trial_number"));
  if (shape->rungs > 0) {
    TRY(store_dataset(file, "/trial/rung", STORE_F64, 2, rung, NULL, "the metric at each rung, smaller is better"));
    TRY(store_attach(file, "/trial/rung", 0, "/trial_number"));
    TRY(store_attach(file, "/trial/rung", 1, "/rung_report"));
  }
  return store_attach(file, "/trial/test", 1, "/score");
}

static enum status make_reports(struct store_file *file, const struct ledger_shape *shape) {
  const int64_t n = shape->trials, point[2] = {shape->configurations, shape->parameters}, step[2] = {n, shape->reports},
                validation[3] = {n, shape->reports, shape->scores};
  TRY(store_dataset(file, "/configuration/point", STORE_F64, 2, point, NULL,
                    "values of the parameters, of a choice its index from 0; NaN: takes no part, or not chosen yet"));
  TRY(store_attach(file, "/configuration/point", 0, "/configuration_number"));
  TRY(store_attach(file, "/configuration/point", 1, "/parameter"));
  TRY(store_dataset(file, "/report/step", STORE_I64, 2, step, NULL, "steps done; 0: there is no such report"));
  TRY(store_attach(file, "/report/step", 0, "/trial_number"));
  TRY(store_attach(file, "/report/step", 1, "/report_number"));
  TRY(store_dataset(file, "/report/validation", STORE_F64, 3, validation, NULL,
                    "scores on the validation split, by which the search chooses"));
  TRY(store_attach(file, "/report/validation", 0, "/trial_number"));
  TRY(store_attach(file, "/report/validation", 1, "/report_number"));
  return store_attach(file, "/report/validation", 2, "/score");
}

static enum status make_logs(struct store_file *file, const struct ledger_shape *shape) {
  const int64_t events = shape->events, by[2] = {events, LEDGER_BY}, span[2] = {shape->spans, LEDGER_SPANS},
                job[2] = {shape->jobs, LEDGER_JOBS};
  TRY(store_dataset(file, "/job/row", STORE_I64, 2, job, NULL, job_help));
  TRY(store_attach(file, "/job/row", 0, "/job_number"));
  TRY(store_attach(file, "/job/row", 1, "/job_column"));
  TRY(store_texts(file, "/event_name", EVENT_COUNT, event_names, NULL, "names of the numbers in /event/kind"));
  TRY(store_dataset(file, "/event/kind", STORE_I64, 1, &events, NULL, "index into /event_name; 0: no more"));
  TRY(store_dataset(file, "/event/job", STORE_I64, 1, &events, NULL, "trials that had been begun"));
  TRY(store_dataset(file, "/event/trial", STORE_I64, 1, &events, NULL, "which trial; -1: none"));
  TRY(store_dataset(file, "/event/time", STORE_F64, 1, &events, "s", "seconds since 1970"));
  TRY(store_dataset(file, "/event/by", STORE_I64, 2, by, NULL, by_help));
  return store_dataset(file, "/timeline/span", STORE_F64, 2, span, NULL, span_help);
}

static enum status make_structure(struct ledger *ledger, const struct sweep *sweep, const struct ledger_texts *texts) {
  struct store_file *file = &ledger->file;
  TRY(store_attribute_text(file, "format", LEDGER_FORMAT));
  TRY(store_attribute_i64(file, "schema_version", LEDGER_VERSION));
  TRY(make_texts(file, texts));
  TRY(make_space(file, &sweep->space));
  TRY(make_scales(file, ledger));
  TRY(make_trials(file, ledger));
  TRY(make_reports(file, &ledger->shape));
  TRY(make_logs(file, &ledger->shape));
  TRY(provenance_write(file));
  return store_seal(file);
}

enum status ledger_make(const char *path, const struct sweep *sweep, const struct ledger_texts *texts, bool replaces,
                        struct ledger *ledger) {
  const struct store_place place = {.replaces = LEDGER_FORMAT, .lock = ledger->lock.held ? &ledger->lock : NULL};
  bool there = false;
  if (!replaces) TRY(output_exists(path, &there));
  REQUIRE(!there, STATUS_FILE, "%s: is there already", path);
  TRY(store_create_at(&ledger->self, path, &place, &ledger->file));
  TRY(make_structure(ledger, sweep, texts));
  const int64_t part[2] = {sweep->part.index, sweep->part.count};
  TRY(store_write_independent(&ledger->file, "/sweep/part", 0, 2, part));
  TRY(store_write_independent(&ledger->file, "/sweep/run_cap", 0, 1, &texts->run_cap));
  return store_write_independent(&ledger->file, "/sweep/extended", 0, 1, &texts->extended);
}

enum status ledger_imagine(const struct sweep *sweep, int64_t configurations, struct ledger *ledger) {
  struct ledger_shape shape = ledger_shape_of(sweep, 0);
  *ledger = (struct ledger){.points = 0};
  if (configurations < shape.configurations) shape.configurations = configurations;
  shape.trials = shape.configurations * sweep->repeats;
  shape.events = shape.spans = 0;
  if (shape.jobs > shape.configurations * (shape.rungs + 1)) shape.jobs = shape.configurations * (shape.rungs + 1);
  const enum status status = ledger_allocate(sweep, &shape, ledger);
  if (status != STATUS_OK) ledger_close(ledger);
  return status;
}

void ledger_close(struct ledger *ledger) {
  char message[STATUS_MESSAGE_MAX];
  snprintf(message, sizeof message, "%s", status_message());
  store_close(&ledger->file);
  store_lock_release(&ledger->lock);
  comm_close(&ledger->self);
  arena_free(&ledger->arena);
  *ledger = (struct ledger){.points = 0};
  status_clear();
  if (message[0]) (void)status_raise(STATUS_OK, "%s", message);
}

/* ---- Rows ---- */

void ledger_integers(const struct ledger_trial *trial, int64_t row[LEDGER_INTEGERS]) {
  int i = 0;
#define TAKE(name, help) row[i++] = trial->name;
  LEDGER_INTEGER_LIST(TAKE)
#undef TAKE
}

void ledger_measured(const struct ledger_trial *trial, double row[LEDGER_MEASURED]) {
  int i = 0;
#define TAKE(name, help) row[i++] = (double)trial->name;
  LEDGER_COUNT_LIST(TAKE)
#undef TAKE
#define TAKE(name, help) row[i++] = trial->name;
  LEDGER_TIME_LIST(TAKE)
#undef TAKE
}

/* What was never written is NaN. */
static int64_t whole(double value) { return value >= -1 && value < 1e15 ? (int64_t)value : 0; }

void ledger_set(struct ledger_trial *trial, const int64_t *integers, const double *measured) {
#define GIVE(name, help) trial->name = *integers++;
  LEDGER_INTEGER_LIST(GIVE)
#undef GIVE
#define GIVE(name, help) trial->name = whole(*measured++);
  LEDGER_COUNT_LIST(GIVE)
#undef GIVE
#define GIVE(name, help) trial->name = *measured++;
  LEDGER_TIME_LIST(GIVE)
#undef GIVE
  if (isnan(trial->seconds)) trial->seconds = 0;
  if (isnan(trial->working)) trial->working = 0;
}

void ledger_sum(const struct ledger *ledger, int64_t trial, struct checksum *sum) {
  const struct ledger_shape *shape = &ledger->shape;
  const struct ledger_trial *row = &ledger->trial[trial];
  const size_t reports = (size_t)shape->reports, scores = (size_t)shape->scores;
  struct {
    int64_t trial, state, integer[LEDGER_INTEGERS];
    double value, measured[LEDGER_MEASURED];
    char reason[JOB_REASON_MAX];
  } head;
  memset(&head, 0, sizeof head);
  head.trial = trial;
  head.state = row->state;
  ledger_integers(row, head.integer);
  head.value = row->value;
  ledger_measured(row, head.measured);
  memcpy(head.reason, row->reason, sizeof head.reason);
  *sum = (struct checksum){{0, 0}};
  checksum_add(sum, checksum_tag("trial"), 0, &head, sizeof head);
  checksum_add(sum, checksum_tag("step"), 0, ledger->report_step + (size_t)trial * reports, reports * sizeof(int64_t));
  checksum_add(sum, checksum_tag("validation"), 0, ledger->validation + (size_t)trial * reports * scores,
               reports * scores * sizeof(double));
  checksum_add(sum, checksum_tag("rung"), 0, ledger->rung + trial * shape->rungs,
               (size_t)shape->rungs * sizeof(double));
  checksum_add(sum, checksum_tag("test"), 0, ledger->test + (size_t)trial * scores, scores * sizeof(double));
}

void ledger_sum_texts(const struct ledger_texts *texts, char text[CHECKSUM_TEXT]) {
  const char *const parts[] = {texts->file,      texts->file_name, texts->base,
                               texts->base_name, texts->effective, texts->numerics};
  static const char *const tags[] = {"file", "file name", "base", "base name", "effective", "numerics"};
  struct checksum sum = {{0, 0}};
  for (int i = 0; i < 6; i++) checksum_add(&sum, checksum_tag(tags[i]), 0, parts[i], strlen(parts[i]));
  checksum_add(&sum, checksum_tag("renames"), 0, texts->renames, strlen(texts->renames));
  checksum_add(&sum, checksum_tag("run_cap"), 0, &texts->run_cap, sizeof texts->run_cap);
  checksum_text(&sum, text);
}
