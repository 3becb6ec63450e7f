#include "train/record.h"

#include "store/provenance.h"
#include "train/record_compare.h"
#include "train/record_private.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int64_t record_reports(const struct training *training) {
  return (training->train.steps + training->train.report_every - 1) / training->train.report_every;
}

int64_t record_evaluations(const struct training *training) {
  const int64_t every = training->eval.every;
  return every ? (training->train.steps + every - 1) / every : 1;
}

/* ---- Structure ---- */

/* Parts are listed in one order, whether they are made, written or read. */
struct list {
  struct record_part *part;
  int count;
  const char *group;
};

static struct record_part *add_part(struct list *list, const char *name, enum store_type type, int64_t width,
                                    const void *value) {
  struct record_part *part = &list->part[list->count++];
  *part = (struct record_part){.type = type, .width = width, .rank = 1, .value = value};
  snprintf(part->name, sizeof part->name, "/%.24s/%.64s", list->group, name);
  return part;
}

static struct record_part *add_column(struct list *list, const struct learner_column *column, int64_t width,
                                      const double *value) {
  struct record_part *part = add_part(list, column->name, STORE_F64, width, value);
  part->unit = column->unit;
  snprintf(part->help, sizeof part->help, "%s", column->help);
  return part;
}

/* One number each; value: NULL, or of all of them. */
static void add_columns(struct list *list, const struct learner_column *column, int count, const double *value) {
  for (int i = 0; i < count; i++) add_column(list, &column[i], 1, value ? value + i : NULL);
}

static void add_stages(struct list *list, const struct learner_kind *kind, const struct report *report) {
  for (int i = 0; i < kind->stages; i++) {
    char name[RECORD_NAME_MAX], help[RECORD_HELP_MAX];
    snprintf(name, sizeof name, "%s_seconds", kind->stage[i].name);
    snprintf(help, sizeof help, "time that a step spends %s, mean since the last report", kind->stage[i].help);
    add_column(list, &(struct learner_column){name, "s", help}, 1, report ? &report->stage_seconds[i] : NULL);
  }
}

static void add_lane_terms(struct list *list, const struct record_shape *shape, const struct report *report) {
  for (int i = 0; i < shape->kind->terms; i++) {
    char name[RECORD_NAME_MAX], help[RECORD_HELP_MAX];
    snprintf(name, sizeof name, "lane_%s", shape->kind->term[i].name);
    snprintf(help, sizeof help, "each lane's part of %s", shape->kind->term[i].name);
    add_column(list, &(struct learner_column){name, NULL, help}, shape->lanes,
               report ? report->lane_term + i * shape->lanes : NULL)
        ->rank = 2;
  }
}

static void add_sums(struct list *list, const char *name, const char *help, int networks,
                     const struct checksum *value) {
  struct record_part *part = add_part(list, name, STORE_I64, 2 * (int64_t)networks, value);
  part->rank = 3;
  snprintf(part->help, sizeof part->help, "%s", help);
}

static const struct learner_column report_columns[] = {
#define COLUMN(name, unit, help) {#name, unit, help},
    REPORT_LIST(COLUMN)};
static const struct learner_column measured_columns[] = {MEASURED_LIST(COLUMN)};
#undef COLUMN
enum {
  REPORT_COLUMNS = sizeof report_columns / sizeof *report_columns,
  MEASURED_COLUMNS = sizeof measured_columns / sizeof *measured_columns,
  REPORT_FIRST = 3 /* step, epoch and loss stand before the loss's terms */
};

static void list_report(struct list *list, const struct record_shape *shape, const struct report *report) {
  const struct learner_kind *kind = shape->kind;
  const double *value = report ? &report->step : NULL;
  add_columns(list, report_columns, REPORT_FIRST, value);
  add_columns(list, kind->term, kind->terms, report ? report->term : NULL);
  add_columns(list, kind->scalar, kind->scalars, report ? report->scalar : NULL);
  add_columns(list, report_columns + REPORT_FIRST, REPORT_COLUMNS - REPORT_FIRST, value ? value + REPORT_FIRST : NULL);
  add_lane_terms(list, shape, report);
  add_sums(list, "parameter_sum", "checksum of each network's parameters", shape->networks,
           report ? report->parameter_sum : NULL);
  add_sums(list, "gradient_sum", "checksum of each network's gradient", shape->networks,
           report ? report->gradient_sum : NULL);
}

static void list_measured(struct list *list, const struct record_shape *shape, const struct report *report) {
  add_columns(list, measured_columns, MEASURED_COLUMNS, report ? &report->seconds : NULL);
  add_stages(list, shape->kind, report);
}

_Static_assert(offsetof(struct report, seconds) == REPORT_COLUMNS * sizeof(double) &&
                   offsetof(struct report, stage_seconds) == (REPORT_COLUMNS + MEASURED_COLUMNS) * sizeof(double),
               "the columns of a report lie end to end");
_Static_assert(REPORT_COLUMNS + 2 * LEARNER_TERMS_MAX + LEARNER_SCALARS_MAX + 2 <= RECORD_PARTS_MAX &&
                   EVALUATION_SCORES_MAX + 2 <= RECORD_PARTS_MAX,
               "a row's parts have room");

enum record_table record_table_of(enum split split) {
  switch (split) {
  case SPLIT_TRAIN:
    return RECORD_TRAIN;
  case SPLIT_VALIDATION:
    return RECORD_VALIDATION;
  default:
    return RECORD_TEST;
  }
}

static const char *group_of(enum record_table table) {
  static const char *const groups[RECORD_TABLES] = {[RECORD_REPORTS] = "report",
                                                    [RECORD_MEASURED] = "measured",
                                                    [RECORD_TRAIN] = "evaluation/train",
                                                    [RECORD_VALIDATION] = "evaluation/validation",
                                                    [RECORD_TEST] = "evaluation/test"};
  return groups[table];
}

static void list_evaluation(struct list *list, const struct record_shape *shape, const struct record_evaluated *row) {
  static const struct learner_column step = {"step", NULL, "optimizer steps done"};
  const struct learner_kind *kind = shape->kind;
  const char *group = list->group;
  list->group = "evaluation"; /* one column for all splits */
  add_column(list, &step, 1, row ? &row->step : NULL);
  list->group = group;
  add_columns(list, kind->score, kind->scores, row ? row->evaluation->score : NULL);
  if (kind->by_frame.name)
    add_column(list, &kind->by_frame, shape->targets, row ? row->evaluation->by_frame : NULL)->rank = 2;
}

int record_list(const struct record_shape *shape, enum record_table table, const void *row,
                struct record_part parts[RECORD_PARTS_MAX]) {
  struct list list = {.part = parts, .group = group_of(table)};
  if (table == RECORD_REPORTS)
    list_report(&list, shape, row);
  else if (table == RECORD_MEASURED)
    list_measured(&list, shape, row);
  else
    list_evaluation(&list, shape, row);
  return list.count;
}

void record_sum_name(enum record_table table, char name[RECORD_NAME_MAX]) {
  snprintf(name, RECORD_NAME_MAX, "/%s/row_sum", group_of(table));
}

void record_sum_part(const struct record_part *part, int64_t index, const void *values, struct checksum *sum) {
  const size_t bytes = (size_t)part->width * sizeof(double);
  checksum_add(sum, checksum_tag(part->name), (uint64_t)index * bytes, values, bytes);
}

void record_sum_head(const struct record_head *head, char text[CHECKSUM_TEXT]) {
  const double numbers[] = {head->floor, head->mean_image, head->kappa};
  const char *const texts[] = {head->config, head->numerics, head->data, head->data_checksum};
  static const char *const tags[] = {"config", "numerics", "data", "data checksum"};
  struct checksum sum = {{0, 0}};
  for (int i = 0; i < 4; i++) checksum_add(&sum, checksum_tag(tags[i]), 0, texts[i], strlen(texts[i]));
  checksum_add(&sum, checksum_tag("numbers"), 0, numbers, sizeof numbers);
  checksum_text(&sum, text);
}

void record_sum_origin(const char *run, const char *step, const char *parameters, char text[CHECKSUM_TEXT]) {
  struct checksum sum = {{0, 0}};
  checksum_add(&sum, checksum_tag("run"), 0, run, strlen(run));
  checksum_add(&sum, checksum_tag("step"), 0, step, strlen(step));
  if (parameters) checksum_add(&sum, checksum_tag("parameters"), 0, parameters, strlen(parameters));
  checksum_text(&sum, text);
}

void record_sum_limits(const double limits[2], struct checksum *sum) {
  *sum = (struct checksum){{0, 0}};
  checksum_add(sum, checksum_tag("limits"), 0, limits, 2 * sizeof *limits);
}

bool record_is_reports(enum record_table table) { return table == RECORD_REPORTS || table == RECORD_MEASURED; }

int64_t record_rows(enum record_table table, const struct training *training) {
  return record_is_reports(table) ? record_reports(training) : record_evaluations(training);
}

int64_t record_row_step(enum record_table table, const struct training *training, int64_t row) {
  const int64_t steps = training->train.steps,
                every = record_is_reports(table) ? training->train.report_every : training->eval.every;
  return every > 0 && (row + 1) * every < steps ? (row + 1) * every : steps;
}

static enum status make_scalar(struct store_file *file, const char *name, const char *help) {
  const int64_t one = 1;
  return store_dataset(file, name, STORE_F64, 1, &one, NULL, help);
}

static enum status make_data_group(struct store_file *file, const char *data, const char *checksum) {
  TRY(store_text(file, "/data/file", data, 0));
  TRY(store_text(file, "/data/checksum", checksum, 0));
  TRY(make_scalar(file, "/data/floor", "mse that no predictor can pass: fresh observation noise"));
  TRY(make_scalar(file, "/data/mean_image", "mse of the mean training image"));
  TRY(make_scalar(file, "/data/limit", "information limit over the target frames"));
  TRY(make_scalar(file, "/data/limit_unseen",
                  "information limit over the target frames that the encoder has not seen"));
  const int64_t two = 2;
  TRY(store_dataset(file, "/data/limit_sum", STORE_I64, 1, &two, NULL, "checksum of limit and limit_unseen"));
  return make_scalar(file, "/data/kappa", "error that GECO aims at");
}

static enum status make_origin(struct store_file *file, const struct record_run *run) {
  char step[32], sum[CHECKSUM_TEXT];
  if (!run->origin) return STATUS_OK;
  snprintf(step, sizeof step, "%lld", (long long)run->origin_step);
  record_sum_origin(run->origin, step, NULL, sum);
  TRY(store_text(file, "/origin/run", run->origin, 0));
  TRY(store_text(file, "/origin/step", step, 0));
  return store_text(file, "/origin/checksum", sum, 0);
}

static enum status make_start(struct store_file *file, const struct record_start *start) {
  char step[32], sum[CHECKSUM_TEXT];
  if (!start) return STATUS_OK;
  snprintf(step, sizeof step, "%lld", (long long)start->step);
  record_sum_origin(start->run, step, start->parameters, sum);
  TRY(store_text(file, "/start/run", start->run, 0));
  TRY(store_text(file, "/start/step", step, 0));
  TRY(store_text(file, "/start/parameters", start->parameters, 0));
  return store_text(file, "/start/checksum", sum, 0);
}

static enum status make_part(struct store_file *file, const struct record_part *part, int64_t rows) {
  const int64_t extent[] = {rows, part->rank == 3 ? part->width / 2 : part->width, 2};
  return store_dataset(file, part->name, part->type, part->rank, extent, part->unit, part->help);
}

/* The column of steps belongs to all splits. */
static enum status make_table(struct record *record, enum record_table table, int64_t rows, bool first) {
  struct record_part parts[RECORD_PARTS_MAX];
  const int64_t extent[] = {rows, 2};
  char name[RECORD_NAME_MAX];
  const int count = record_list(&record->shape, table, NULL, parts);
  for (int i = first ? 0 : 1; i < count; i++) TRY(make_part(&record->file, &parts[i], rows));
  record_sum_name(table, name);
  return store_dataset(&record->file, name, STORE_I64, 2, extent, NULL,
                       record_is_reports(table) ? "checksum of all that the report has in this group"
                                                : "checksum of all that the evaluation has in this file");
}

static enum status make_structure(struct record *record, const char *text, const struct record_run *run,
                                  const struct yardstick *yardstick) {
  const struct record_head head = {
      text, run->numerics, run->data, yardstick->checksum, yardstick->floor, yardstick->mean_image, yardstick->kappa};
  struct store_file *file = &record->file;
  char sum[CHECKSUM_TEXT];
  const struct layout *layout = run->learner->layout;
  TRY(store_attribute_text(file, "format", RECORD_FORMAT));
  TRY(store_attribute_i64(file, "schema_version", RECORD_VERSION));
  TRY(store_text(file, "/config", text, 0));
  TRY(store_text(file, "/numerics", run->numerics, 0));
  TRY(store_texts(file, "/networks", layout->networks, layout->network, NULL,
                  "networks, in the order of the checksums by network"));
  record_sum_head(&head, sum);
  TRY(store_text(file, "/checksum", sum, 0));
  TRY(make_data_group(file, run->data, yardstick->checksum));
  TRY(make_origin(file, run));
  TRY(make_start(file, run->start));
  TRY(make_table(record, RECORD_REPORTS, record->reports, true));
  TRY(make_table(record, RECORD_MEASURED, record->reports, true));
  for (int table = RECORD_TRAIN; table < RECORD_TABLES; table++)
    TRY(make_table(record, (enum record_table)table, record->evaluations, table == RECORD_TRAIN));
  TRY(record_make_sessions(file));
  TRY(record_make_verdict(file));
  TRY(provenance_write(file));
  return store_seal(file);
}

static enum status write_limits(struct store_file *file, const struct yardstick *yardstick) {
  const double limits[2] = {yardstick->limit, yardstick->limit_unseen};
  struct checksum sum;
  record_sum_limits(limits, &sum);
  TRY(store_write_independent(file, "/data/limit", 0, 1, &limits[0]));
  TRY(store_write_independent(file, "/data/limit_unseen", 0, 1, &limits[1]));
  return store_write_independent(file, "/data/limit_sum", 0, 2, &sum);
}

static enum status write_yardstick(struct store_file *file, const struct yardstick *yardstick) {
  TRY(store_write_independent(file, "/data/floor", 0, 1, &yardstick->floor));
  TRY(store_write_independent(file, "/data/mean_image", 0, 1, &yardstick->mean_image));
  TRY(store_write_independent(file, "/data/kappa", 0, 1, &yardstick->kappa));
  return write_limits(file, yardstick);
}

struct record_shape record_shape_of(const struct record_run *run) {
  const struct learner *learner = run->learner;
  return (struct record_shape){learner->kind, run->lanes, learner->protocol.target_count, learner->layout->networks};
}

void record_set_extents(struct record *record, const struct record_run *run) {
  const struct training *training = &config_experiment(run->config)->training;
  record->reports = record_reports(training);
  record->evaluations = record_evaluations(training);
  record->shape = record_shape_of(run);
}

enum status record_make(const struct comm *comm, const char *path, const struct store_lock *lock,
                        const struct record_run *run, const struct yardstick *yardstick, struct record *record) {
  const struct store_place place = {.replaces = RECORD_FORMAT, .lock = lock};
  char *text = NULL;
  record_set_extents(record, run);
  record->session = 0;
  record->has_verdict = true;
  record->replay = NULL;
  TRY(comm_agree(comm, config_text(run->config, &text)));
  enum status status = store_create_at(comm, path, &place, &record->file);
  if (status == STATUS_OK) {
    status = make_structure(record, text, run, yardstick);
    if (status == STATUS_OK)
      status = comm_agree(comm, comm->rank == 0 ? write_yardstick(&record->file, yardstick) : STATUS_OK);
    if (status != STATUS_OK) store_close(&record->file);
  }
  free(text);
  return status;
}

enum status record_create(const struct comm *comm, const char *path, const struct store_lock *lock,
                          const struct record_run *run, const struct yardstick *yardstick, struct record *record) {
  TRY(record_make(comm, path, lock, run, yardstick, record));
  const enum status status = record_publish(record);
  if (status != STATUS_OK) store_close(&record->file);
  return status;
}

enum status record_publish(struct record *record) { return store_publish(&record->file); }

/* A limit may have been computed since the run began: later rows are held against it, so it stands in the file too. */
/* Whether all columns can be written: another program may have compressed them, which only those who write mind. */
static enum status check_columns(struct record *record) {
  struct record_part parts[RECORD_PARTS_MAX];
  char name[RECORD_NAME_MAX];
  for (int table = 0; table < RECORD_TABLES; table++) {
    const int count = record_list(&record->shape, (enum record_table)table, NULL, parts);
    for (int i = 0; i < count; i++) TRY(store_write_independent(&record->file, parts[i].name, 0, 0, NULL));
    record_sum_name((enum record_table)table, name);
    TRY(store_write_independent(&record->file, name, 0, 0, NULL));
  }
  return STATUS_OK;
}

enum status record_reopen(const struct comm *comm, const char *path, const struct store_lock *lock,
                          const struct record_run *run, const struct yardstick *yardstick, struct record *record) {
  record_set_extents(record, run);
  record->replay = NULL;
  TRY(record_find_session(comm, path, record));
  TRY(store_reopen(comm, path, lock, &record->file));
  enum status status = comm->rank == 0 ? check_columns(record) : STATUS_OK;
  if (status == STATUS_OK && comm->rank == 0) status = write_limits(&record->file, yardstick);
  status = comm_agree(comm, status);
  if (status != STATUS_OK) store_close(&record->file);
  return status;
}

enum status record_close(struct record *record) { return store_commit(&record->file); }

/* ---- Records ---- */

/* The checksum comes last: until it is there, the row is not. */
static enum status write_row(struct record *record, enum record_table table, int64_t index, const void *row) {
  struct record_part parts[RECORD_PARTS_MAX];
  char name[RECORD_NAME_MAX];
  struct checksum sum = {{0, 0}};
  const int count = record_list(&record->shape, table, row, parts);
  for (int i = 0; i < count; i++) {
    TRY(store_write_independent(&record->file, parts[i].name, index, 1, parts[i].value));
    record_sum_part(&parts[i], index, parts[i].value, &sum);
  }
  record_sum_name(table, name);
  return store_write_independent(&record->file, name, index, 1, &sum);
}

static enum status put_row(struct record *record, enum record_table table, int64_t index, const void *row) {
  return record->replay ? record_compare_row(record, table, index, row) : write_row(record, table, index, row);
}

enum status record_report(struct record *record, int64_t index, const struct report *report) {
  TRY(put_row(record, RECORD_MEASURED, index, report));
  return put_row(record, RECORD_REPORTS, index, report);
}

enum status record_evaluation(struct record *record, int64_t index, int64_t step, enum split split,
                              const struct evaluation *evaluation) {
  const struct record_evaluated row = {(double)step, evaluation};
  return put_row(record, record_table_of(split), index, &row);
}
