#include "train/record.h"

#include "model/model.h"
#include "store/provenance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 96 };
static const char format[] = RECORD_FORMAT;

int64_t record_reports(const struct training *training) {
  return (training->run.steps + training->run.report_every - 1) / training->run.report_every;
}

int64_t record_evaluations(const struct training *training) {
  const int64_t every = training->eval.every;
  return every ? (training->run.steps + every - 1) / every : 1;
}

/* ---- Structure ---- */

struct column {
  const char *name, *unit, *help;
};
static const struct column report_columns[] = {
#define COLUMN(name, unit, help) {#name, unit, help},
    REPORT_LIST(COLUMN)};
static const struct column evaluation_columns[] = {
    EVALUATE_LIST(COLUMN)
#undef COLUMN
        {"r2", NULL, "1 - mse over that of the mean training image"},
    {"over_floor", NULL, "mse over the noise floor"},
    {"over_limit", NULL, "mse over the information limit"},
    {"unseen_over_limit", NULL, "unseen over the information limit of those frames"},
    {"paired_over_limit", NULL, "1 + excess over that limit: the same, with less scatter"},
    {"paired_over_limit_error", NULL, "its standard error over rollouts"}};
enum {
  REPORT_COLUMNS = sizeof report_columns / sizeof *report_columns,
  EVALUATION_COLUMNS = sizeof evaluation_columns / sizeof *evaluation_columns
};

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
  return make_scalar(file, "/data/kappa", "GECO: the error that is aimed at");
}

static enum status make_reports(struct store_file *file, int64_t reports, int64_t lanes) {
  const int64_t by_lane[] = {reports, lanes}, sums[] = {reports, MODEL_NETWORKS, 2};
  char name[NAME_BYTES];
  for (int i = 0; i < REPORT_COLUMNS; i++) {
    snprintf(name, sizeof name, "/report/%s", report_columns[i].name);
    TRY(store_dataset(file, name, STORE_F64, 1, &reports, report_columns[i].unit, report_columns[i].help));
  }
  TRY(store_dataset(file, "/report/lane_error", STORE_F64, 2, by_lane, NULL, "each lane's part of the error"));
  TRY(store_dataset(file, "/report/lane_kl", STORE_F64, 2, by_lane, NULL, "each lane's part of kl"));
  TRY(store_dataset(file, "/report/parameter_sum", STORE_I64, 3, sums, NULL, "checksum of each network's parameters"));
  return store_dataset(file, "/report/gradient_sum", STORE_I64, 3, sums, NULL, "checksum of each network's gradient");
}

static enum status make_evaluations(struct store_file *file, int64_t evaluations, int64_t targets) {
  const int64_t by_frame[] = {evaluations, targets};
  char name[NAME_BYTES];
  TRY(store_dataset(file, "/evaluation/step", STORE_F64, 1, &evaluations, NULL, "optimizer steps done"));
  for (int split = 0; split < SPLIT_COUNT; split++) {
    for (int i = 0; i < EVALUATION_COLUMNS; i++) {
      const struct column *column = &evaluation_columns[i];
      snprintf(name, sizeof name, "/evaluation/%s/%s", split_name[split], column->name);
      TRY(store_dataset(file, name, STORE_F64, 1, &evaluations, column->unit, column->help));
    }
    snprintf(name, sizeof name, "/evaluation/%s/frame_mse", split_name[split]);
    TRY(store_dataset(file, name, STORE_F64, 2, by_frame, NULL, "mean squared error of each target frame"));
  }
  return STATUS_OK;
}

static enum status make_structure(struct record *record, const char *text, const char *data, const char *checksum) {
  struct store_file *file = &record->file;
  const char *networks[MODEL_NETWORKS];
  for (int i = 0; i < MODEL_NETWORKS; i++) networks[i] = model_network_name((enum model_network)i);
  TRY(store_attribute_text(file, "format", format));
  TRY(store_attribute_i64(file, "schema_version", RECORD_VERSION));
  TRY(store_text(file, "/config", text, 0));
  TRY(store_texts(file, "/networks", MODEL_NETWORKS, networks, NULL, "in the order of the checksums"));
  TRY(make_data_group(file, data, checksum));
  TRY(make_reports(file, record->reports, record->lanes));
  TRY(make_evaluations(file, record->evaluations, record->targets));
  TRY(provenance_write(file));
  return store_seal(file);
}

static enum status write_yardstick(struct store_file *file, const struct yardstick *yardstick) {
  TRY(store_write_independent(file, "/data/floor", 0, 1, &yardstick->floor));
  TRY(store_write_independent(file, "/data/mean_image", 0, 1, &yardstick->mean_image));
  TRY(store_write_independent(file, "/data/limit", 0, 1, &yardstick->limit));
  TRY(store_write_independent(file, "/data/limit_unseen", 0, 1, &yardstick->limit_unseen));
  return store_write_independent(file, "/data/kappa", 0, 1, &yardstick->kappa);
}

static void set_extents(struct record *record, const struct config *config, int64_t lanes, int64_t targets) {
  const struct training *training = &config_experiment(config)->training;
  record->reports = record_reports(training);
  record->evaluations = record_evaluations(training);
  record->lanes = lanes;
  record->targets = targets;
}

enum status record_create(const struct comm *comm, const char *path, const struct store_lock *lock,
                          const struct config *config, const char *data, const struct yardstick *yardstick,
                          int64_t lanes, int64_t targets, struct record *record) {
  const struct store_place place = {.replaces = RECORD_FORMAT, .lock = lock};
  char *text = NULL;
  set_extents(record, config, lanes, targets);
  TRY(comm_agree(comm, config_text(config, &text)));
  enum status status = store_create_at(comm, path, &place, &record->file);
  if (status == STATUS_OK) {
    status = make_structure(record, text, data, yardstick->checksum);
    if (status == STATUS_OK)
      status = comm_agree(comm, comm->rank == 0 ? write_yardstick(&record->file, yardstick) : STATUS_OK);
    if (status == STATUS_OK) status = store_publish(&record->file);
    if (status != STATUS_OK) store_close(&record->file);
  }
  free(text);
  return status;
}

/* ---- Going on ---- */

static enum status compare_data(const struct store_file *file, const char *data, const char *checksum) {
  char *text = NULL;
  TRY(store_read_text(file, "/data/checksum", &text));
  const bool same = strcmp(text, checksum) == 0;
  free(text);
  REQUIRE(same, STATUS_FILE, "%s: was trained on other data than %s is now: choose another output", file->path, data);
  return STATUS_OK;
}

/* A limit may have been computed since the run began: later rows are held against it, so it stands in the file too.
 * What GECO aims at stays. */
static enum status renew_yardstick(struct record *record, struct yardstick *yardstick, bool write) {
  TRY(store_read(&record->file, "/data/kappa", STORE_F64, 0, 1, &yardstick->kappa));
  return write ? write_yardstick(&record->file, yardstick) : STATUS_OK;
}

enum status record_reopen(const struct comm *comm, const char *path, const struct store_lock *lock,
                          const struct config *config, const char *data, struct yardstick *yardstick, int64_t lanes,
                          int64_t targets, struct record *record) {
  set_extents(record, config, lanes, targets);
  TRY(store_reopen(comm, path, lock, &record->file));
  enum status status = store_check_format(&record->file, format, RECORD_VERSION);
  if (status == STATUS_OK) status = compare_data(&record->file, data, yardstick->checksum);
  status = comm_agree(comm, status);
  if (status == STATUS_OK) status = renew_yardstick(record, yardstick, comm->rank == 0);
  status = comm_agree(comm, status);
  if (status != STATUS_OK) store_close(&record->file);
  return status;
}

static enum status compare_config(const struct store_file *file, const struct config *now) {
  struct config *then;
  char differences[1024];
  TRY(store_read_config(file, SCHEMA_TRAINING, &then));
  const int count = config_differences(then, now, differences, sizeof differences);
  config_destroy(&then);
  REQUIRE(count == 0, STATUS_CONFIG, "%s: is a run of another configuration; %d key%s (%s). Choose another output.",
          file->path, count, count == 1 ? " differs" : "s differ", differences);
  return STATUS_OK;
}

enum status record_check(const struct comm *comm, const char *path, const struct config *config) {
  struct store_file file;
  TRY(store_open(comm, path, &file));
  enum status status = store_check_format(&file, format, RECORD_VERSION);
  if (status == STATUS_OK) status = compare_config(&file, config);
  status = comm_agree(comm, status);
  store_close(&file);
  return status;
}

enum status record_close(struct record *record) { return store_commit(&record->file); }

/* ---- Records ---- */

enum status record_report(struct record *record, int64_t index, const struct report *report, const double *lane_error,
                          const double *lane_kl, const int64_t *sums) {
  const double values[REPORT_COLUMNS] = {
#define VALUE(name, unit, help) report->name,
      REPORT_LIST(VALUE)
#undef VALUE
  };
  char name[NAME_BYTES];
  for (int i = 0; i < REPORT_COLUMNS; i++) {
    snprintf(name, sizeof name, "/report/%s", report_columns[i].name);
    TRY(store_write_independent(&record->file, name, index, 1, &values[i]));
  }
  TRY(store_write_independent(&record->file, "/report/lane_error", index, 1, lane_error));
  TRY(store_write_independent(&record->file, "/report/lane_kl", index, 1, lane_kl));
  TRY(store_write_independent(&record->file, "/report/parameter_sum", index, 1, sums));
  return store_write_independent(&record->file, "/report/gradient_sum", index, 1, sums + 2 * MODEL_NETWORKS);
}

enum status record_evaluation(struct record *record, int64_t index, int64_t step, enum split split,
                              const struct evaluation *evaluation, const struct yardstick *yardstick) {
  const struct standing standing = yardstick_compare(yardstick, evaluation);
  const double values[EVALUATION_COLUMNS] = {
#define VALUE(name, unit, help) evaluation->name,
      EVALUATE_LIST(VALUE)
#undef VALUE
          standing.r2,
      standing.over_floor,
      standing.over_limit,
      standing.unseen_over_limit,
      standing.paired,
      standing.paired_error};
  const double done = (double)step;
  char name[NAME_BYTES];
  TRY(store_write_independent(&record->file, "/evaluation/step", index, 1, &done));
  for (int i = 0; i < EVALUATION_COLUMNS; i++) {
    snprintf(name, sizeof name, "/evaluation/%s/%s", split_name[split], evaluation_columns[i].name);
    TRY(store_write_independent(&record->file, name, index, 1, &values[i]));
  }
  snprintf(name, sizeof name, "/evaluation/%s/frame_mse", split_name[split]);
  return store_write_independent(&record->file, name, index, 1, evaluation->frame_mse);
}

/* ---- Reading ---- */

/* Rows are written in order: the last that is not NaN; -1: none. */
static enum status find_last(const struct store_file *file, const char *name, int64_t *last, double *step) {
  int rank;
  int64_t extent[STORE_RANK_MAX];
  enum store_type type;
  TRY(store_extent(file, name, &rank, extent, &type));
  *step = NAN;
  for (*last = extent[0] - 1; *last >= 0; *last -= 1) {
    TRY(store_read(file, name, STORE_F64, *last, 1, step));
    if (!isnan(*step)) return STATUS_OK;
  }
  return STATUS_OK;
}

static enum status print_columns(const struct store_file *file, const char *group, const struct column *columns,
                                 int count, int64_t index, FILE *out) {
  char name[2 * NAME_BYTES];
  for (int i = 0; i < count; i++) {
    double value;
    snprintf(name, sizeof name, "/%s/%s", group, columns[i].name);
    TRY(store_read(file, name, STORE_F64, index, 1, &value));
    if (isnan(value)) continue;
    fprintf(out, "  %-24s %12.6g %-6s %s\n", columns[i].name, value, columns[i].unit ? columns[i].unit : "",
            columns[i].help);
  }
  return STATUS_OK;
}

enum status record_print(const struct store_file *file, FILE *out) {
  char *data = NULL, group[NAME_BYTES];
  int64_t last;
  double step;
  TRY(store_read_text(file, "/data/file", &data));
  fprintf(out, "data         %s\n", data);
  free(data);
  TRY(store_read_text(file, "/data/checksum", &data));
  fprintf(out, "             checksum %s\n", data);
  free(data);
  TRY(find_last(file, "/report/step", &last, &step));
  fprintf(out, last < 0 ? "no report yet\n" : "last report\n");
  if (last >= 0) TRY(print_columns(file, "report", report_columns, REPORT_COLUMNS, last, out));
  TRY(find_last(file, "/evaluation/step", &last, &step));
  for (int split = 0; split < SPLIT_COUNT && last >= 0; split++) {
    snprintf(group, sizeof group, "evaluation/%s", split_name[split]);
    fprintf(out, "last evaluation, %s rollouts, after step %.0f\n", split_name[split], step);
    TRY(print_columns(file, group, evaluation_columns, EVALUATION_COLUMNS, last, out));
  }
  return STATUS_OK;
}
