#include "train/record.h"

#include "model/model.h"
#include "store/provenance.h"
#include "train/record_private.h"

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

const struct record_column record_report_columns[] = {
#define COLUMN(name, unit, help) {#name, unit, help},
    REPORT_LIST(COLUMN)};
const struct record_column record_evaluation_columns[] = {
    EVALUATE_LIST(COLUMN)
#undef COLUMN
        {"r2", NULL, "1 - mse over that of the mean training image"},
    {"over_floor", NULL, "mse over the noise floor"},
    {"over_limit", NULL, "mse over the information limit"},
    {"unseen_over_limit", NULL, "unseen over the information limit of those frames"},
    {"paired_over_limit", NULL, "1 + excess over that limit: the same, with less scatter"},
    {"paired_over_limit_error", NULL, "its standard error over rollouts"}};
enum {
  REPORT_COLUMNS = sizeof record_report_columns / sizeof *record_report_columns,
  EVALUATION_COLUMNS = sizeof record_evaluation_columns / sizeof *record_evaluation_columns
};
const int record_report_count = REPORT_COLUMNS, record_evaluation_count = EVALUATION_COLUMNS;

static void add_part(struct record_part parts[RECORD_PARTS_MAX], int *count, const char *group, const char *name,
                     enum store_type type, int64_t width) {
  struct record_part *part = &parts[(*count)++];
  snprintf(part->name, sizeof part->name, "/%s/%s", group, name);
  part->type = type;
  part->width = width;
}

_Static_assert(REPORT_COLUMNS + 4 <= RECORD_PARTS_MAX && EVALUATION_COLUMNS + 2 <= RECORD_PARTS_MAX,
               "a row's parts have room");

static const char *group_of(enum record_table table) {
  return table == RECORD_REPORTS ? "report" : table == RECORD_TRAIN ? "evaluation/train" : "evaluation/test";
}

int record_list(enum record_table table, int64_t lanes, int64_t targets, struct record_part parts[RECORD_PARTS_MAX]) {
  const char *group = group_of(table);
  int count = 0;
  if (table == RECORD_REPORTS) {
    for (int i = 0; i < REPORT_COLUMNS; i++)
      add_part(parts, &count, group, record_report_columns[i].name, STORE_F64, 1);
    add_part(parts, &count, group, "lane_error", STORE_F64, lanes);
    add_part(parts, &count, group, "lane_kl", STORE_F64, lanes);
    add_part(parts, &count, group, "parameter_sum", STORE_I64, 2 * MODEL_NETWORKS);
    add_part(parts, &count, group, "gradient_sum", STORE_I64, 2 * MODEL_NETWORKS);
    return count;
  }
  add_part(parts, &count, "evaluation", "step", STORE_F64, 1);
  for (int i = 0; i < EVALUATION_COLUMNS; i++)
    add_part(parts, &count, group, record_evaluation_columns[i].name, STORE_F64, 1);
  add_part(parts, &count, group, "frame_mse", STORE_F64, targets);
  return count;
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

void record_sum_limits(const double limits[2], struct checksum *sum) {
  *sum = (struct checksum){{0, 0}};
  checksum_add(sum, checksum_tag("limits"), 0, limits, 2 * sizeof *limits);
}

int64_t record_rows(enum record_table table, const struct training *training) {
  return table == RECORD_REPORTS ? record_reports(training) : record_evaluations(training);
}

int64_t record_row_step(enum record_table table, const struct training *training, int64_t row) {
  const int64_t steps = training->train.steps,
                every = table == RECORD_REPORTS ? training->train.report_every : training->eval.every;
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
  TRY(store_dataset(file, "/data/limit_sum", STORE_I64, 1, &two, NULL, "checksum of the limits"));
  return make_scalar(file, "/data/kappa", "GECO: the error that is aimed at");
}

static enum status make_sums(struct store_file *file, enum record_table table, int64_t rows, const char *help) {
  const int64_t extent[] = {rows, 2};
  char name[RECORD_NAME_MAX];
  record_sum_name(table, name);
  return store_dataset(file, name, STORE_I64, 2, extent, NULL, help);
}

static enum status make_reports(struct store_file *file, int64_t reports, int64_t lanes) {
  const int64_t by_lane[] = {reports, lanes}, sums[] = {reports, MODEL_NETWORKS, 2};
  char name[RECORD_NAME_MAX];
  for (int i = 0; i < REPORT_COLUMNS; i++) {
    snprintf(name, sizeof name, "/report/%s", record_report_columns[i].name);
    TRY(store_dataset(file, name, STORE_F64, 1, &reports, record_report_columns[i].unit,
                      record_report_columns[i].help));
  }
  TRY(store_dataset(file, "/report/lane_error", STORE_F64, 2, by_lane, NULL, "each lane's part of the error"));
  TRY(store_dataset(file, "/report/lane_kl", STORE_F64, 2, by_lane, NULL, "each lane's part of kl"));
  TRY(store_dataset(file, "/report/parameter_sum", STORE_I64, 3, sums, NULL, "checksum of each network's parameters"));
  TRY(store_dataset(file, "/report/gradient_sum", STORE_I64, 3, sums, NULL, "checksum of each network's gradient"));
  return make_sums(file, RECORD_REPORTS, reports, "measured: checksum of all that the report has in this file");
}

static enum status make_evaluations(struct store_file *file, int64_t evaluations, int64_t targets) {
  const int64_t by_frame[] = {evaluations, targets};
  char name[RECORD_NAME_MAX];
  TRY(store_dataset(file, "/evaluation/step", STORE_F64, 1, &evaluations, NULL, "optimizer steps done"));
  for (int split = 0; split < SPLIT_COUNT; split++) {
    for (int i = 0; i < EVALUATION_COLUMNS; i++) {
      const struct record_column *column = &record_evaluation_columns[i];
      snprintf(name, sizeof name, "/evaluation/%s/%s", split_name[split], column->name);
      TRY(store_dataset(file, name, STORE_F64, 1, &evaluations, column->unit, column->help));
    }
    snprintf(name, sizeof name, "/evaluation/%s/frame_mse", split_name[split]);
    TRY(store_dataset(file, name, STORE_F64, 2, by_frame, NULL, "mean squared error of each target frame"));
    TRY(make_sums(file, split == SPLIT_TRAIN ? RECORD_TRAIN : RECORD_TEST, evaluations,
                  "checksum of all that the evaluation has in this file"));
  }
  return STATUS_OK;
}

static enum status make_structure(struct record *record, const char *text, const struct record_run *run,
                                  const struct yardstick *yardstick) {
  const struct record_head head = {
      text, run->numerics, run->data, yardstick->checksum, yardstick->floor, yardstick->mean_image, yardstick->kappa};
  struct store_file *file = &record->file;
  char sum[CHECKSUM_TEXT];
  const char *networks[MODEL_NETWORKS];
  for (int i = 0; i < MODEL_NETWORKS; i++) networks[i] = model_network_name((enum model_network)i);
  TRY(store_attribute_text(file, "format", RECORD_FORMAT));
  TRY(store_attribute_i64(file, "schema_version", RECORD_VERSION));
  TRY(store_text(file, "/config", text, 0));
  TRY(store_text(file, "/numerics", run->numerics, 0));
  TRY(store_texts(file, "/networks", MODEL_NETWORKS, networks, NULL, "in the order of the checksums"));
  record_sum_head(&head, sum);
  TRY(store_text(file, "/checksum", sum, 0));
  TRY(make_data_group(file, run->data, yardstick->checksum));
  TRY(make_reports(file, record->reports, record->lanes));
  TRY(make_evaluations(file, record->evaluations, record->targets));
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

static void set_extents(struct record *record, const struct record_run *run) {
  const struct training *training = &config_experiment(run->config)->training;
  record->reports = record_reports(training);
  record->evaluations = record_evaluations(training);
  record->lanes = run->lanes;
  record->targets = run->targets;
}

enum status record_create(const struct comm *comm, const char *path, const struct store_lock *lock,
                          const struct record_run *run, const struct yardstick *yardstick, struct record *record) {
  const struct store_place place = {.replaces = RECORD_FORMAT, .lock = lock};
  char *text = NULL;
  set_extents(record, run);
  TRY(comm_agree(comm, config_text(run->config, &text)));
  enum status status = store_create_at(comm, path, &place, &record->file);
  if (status == STATUS_OK) {
    status = make_structure(record, text, run, yardstick);
    if (status == STATUS_OK)
      status = comm_agree(comm, comm->rank == 0 ? write_yardstick(&record->file, yardstick) : STATUS_OK);
    if (status == STATUS_OK) status = store_publish(&record->file);
    if (status != STATUS_OK) store_close(&record->file);
  }
  free(text);
  return status;
}

/* A limit may have been computed since the run began: later rows are held against it, so it stands in the file too. */
enum status record_reopen(const struct comm *comm, const char *path, const struct store_lock *lock,
                          const struct record_run *run, const struct yardstick *yardstick, struct record *record) {
  set_extents(record, run);
  TRY(store_reopen(comm, path, lock, &record->file));
  enum status status = comm_agree(comm, comm->rank == 0 ? write_limits(&record->file, yardstick) : STATUS_OK);
  if (status != STATUS_OK) store_close(&record->file);
  return status;
}

enum status record_close(struct record *record) { return store_commit(&record->file); }

/* ---- Records ---- */

/* The checksum comes last: until it is there, the row is not. */
static enum status put_row(struct record *record, enum record_table table, int64_t index, const void *const *values) {
  struct record_part parts[RECORD_PARTS_MAX];
  char name[RECORD_NAME_MAX];
  struct checksum sum = {{0, 0}};
  const int count = record_list(table, record->lanes, record->targets, parts);
  for (int i = 0; i < count; i++) {
    TRY(store_write_independent(&record->file, parts[i].name, index, 1, values[i]));
    record_sum_part(&parts[i], index, values[i], &sum);
  }
  record_sum_name(table, name);
  return store_write_independent(&record->file, name, index, 1, &sum);
}

enum status record_report(struct record *record, int64_t index, const struct report *report, const double *lane_error,
                          const double *lane_kl, const int64_t *sums) {
  const void *const values[] = {
#define VALUE(name, unit, help) &report->name,
      REPORT_LIST(VALUE)
#undef VALUE
          lane_error,
      lane_kl, sums, sums + 2 * MODEL_NETWORKS};
  return put_row(record, RECORD_REPORTS, index, values);
}

enum status record_evaluation(struct record *record, int64_t index, int64_t step, enum split split,
                              const struct evaluation *evaluation, const struct yardstick *yardstick) {
  const struct standing standing = yardstick_compare(yardstick, evaluation);
  const double done = (double)step;
  const void *const values[] = {&done,
#define VALUE(name, unit, help) &evaluation->name,
                                EVALUATE_LIST(VALUE)
#undef VALUE
                                    & standing.r2,
                                &standing.over_floor,
                                &standing.over_limit,
                                &standing.unseen_over_limit,
                                &standing.paired,
                                &standing.paired_error,
                                evaluation->frame_mse};
  return put_row(record, split == SPLIT_TRAIN ? RECORD_TRAIN : RECORD_TEST, index, values);
}
