/* A run's file for those who look at it while it goes or afterwards: single columns, and what stands in its last rows.
 */
#include "train/record_private.h"
#include "train/source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Columns ---- */

enum status record_read_shape(const struct store_file *file, const struct config *config, struct record_shape *shape) {
  const struct learner_kind *kind = learner_find(config_experiment(config)->training.model.name);
  int64_t extent[STORE_RANK_MAX];
  char name[RECORD_NAME_MAX];
  enum store_type type;
  int rank;
  *shape = (struct record_shape){.kind = kind};
  if (learner_require(config_experiment(config)) != STATUS_OK) return status_context(STATUS_FILE, "%s", file->path);
  snprintf(name, sizeof name, "/report/lane_%s", kind->term[0].name);
  TRY(store_extent(file, name, &rank, extent, &type));
  const struct train_settings *train = &config_experiment(config)->training.train;
  REQUIRE(rank == 2 && extent[1] == lanes_cut(train->batch, train->microbatch).count, STATUS_FILE,
          "%s: %s has the wrong shape", file->path, name);
  shape->lanes = extent[1];
  if (kind->by_frame.name) {
    snprintf(name, sizeof name, "/evaluation/test/%s", kind->by_frame.name);
    TRY(store_extent(file, name, &rank, extent, &type));
    REQUIRE(rank == 2, STATUS_FILE, "%s: %s has the wrong shape", file->path, name);
    shape->targets = extent[1];
  }
  TRY(store_extent(file, "/report/parameter_sum", &rank, extent, &type));
  REQUIRE(rank == 3 && extent[1] > 0 && extent[1] <= LAYOUT_NETWORKS_MAX && extent[2] == 2, STATUS_FILE,
          "%s: /report/parameter_sum has the wrong shape", file->path);
  shape->networks = (int)extent[1];
  return STATUS_OK;
}

static enum status open_reader(struct record_reader *reader) {
  const struct store_file *file = &reader->file;
  int64_t whole[RECORD_TABLES];
  TRY(store_check_format(file, RECORD_FORMAT, RECORD_VERSION));
  TRY(store_read_config(file, SCHEMA_USE(SCHEMA_TRAINING), &reader->config));
  TRY(record_read_shape(file, reader->config, &reader->shape));
  const struct training *training = &config_experiment(reader->config)->training;
  for (int table = 0; table < RECORD_TABLES; table++)
    TRY(record_count_whole(file, &reader->shape, (enum record_table)table, training, &whole[table]));
  reader->reports = whole[RECORD_REPORTS] < whole[RECORD_MEASURED] ? whole[RECORD_REPORTS] : whole[RECORD_MEASURED];
  reader->evaluations = whole[RECORD_TRAIN];
  for (int table = RECORD_TRAIN; table < RECORD_TABLES; table++)
    if (whole[table] < reader->evaluations) reader->evaluations = whole[table];
  return STATUS_OK;
}

enum status record_open(const struct comm *comm, const char *path, struct record_reader *reader) {
  *reader = (struct record_reader){.config = NULL};
  TRY(store_open(comm, path, &reader->file));
  enum status status = comm_agree(comm, open_reader(reader));
  if (status != STATUS_OK) record_reader_close(reader);
  return status;
}

void record_reader_close(struct record_reader *reader) {
  config_destroy(&reader->config);
  store_close(&reader->file);
}

/* Whether the table has a column of that name, of one number a row. */
static bool has_column(const struct record_shape *shape, enum record_table table, const char *name) {
  struct record_part parts[RECORD_PARTS_MAX];
  const int count = record_list(shape, table, NULL, parts);
  for (int i = 0; i < count; i++)
    if (parts[i].width == 1 && strcmp(parts[i].name + 1, name) == 0) return true;
  return false;
}

enum status record_column(const struct record_reader *reader, const char *name, double **values, int64_t *rows) {
  char path[RECORD_NAME_MAX];
  int table = 0;
  *values = NULL;
  while (table < RECORD_TABLES && !has_column(&reader->shape, (enum record_table)table, name)) table++;
  REQUIRE(table < RECORD_TABLES, STATUS_USAGE, "%s: a run has no column \"%s\"", reader->file.path, name);
  *rows = record_is_reports((enum record_table)table) ? reader->reports : reader->evaluations;
  double *made = malloc((size_t)(*rows + 1) * sizeof *made);
  REQUIRE(made, STATUS_MEMORY, "%s: out of memory for %lld numbers", reader->file.path, (long long)*rows);
  snprintf(path, sizeof path, "/%s", name);
  enum status status = *rows > 0 ? store_read(&reader->file, path, STORE_F64, 0, *rows, made) : STATUS_OK;
  if (status == STATUS_OK)
    *values = made;
  else
    free(made);
  return status;
}

enum status record_by_frame(const struct record_reader *reader, enum split split, int64_t row, double *values) {
  const struct record_shape *shape = &reader->shape;
  char name[RECORD_NAME_MAX];
  REQUIRE(shape->targets > 0 && row >= 0 && row < reader->evaluations, STATUS_USAGE,
          "%s: no score by frame of evaluation %lld", reader->file.path, (long long)row);
  snprintf(name, sizeof name, "/evaluation/%s/%s", split_name[split], shape->kind->by_frame.name);
  return store_read(&reader->file, name, STORE_F64, row, 1, values);
}

enum status record_sums(const struct record_reader *reader, const char *name, int64_t row, struct checksum *sums) {
  char path[RECORD_NAME_MAX];
  REQUIRE(row >= 0 && row < reader->reports, STATUS_USAGE, "%s: no report %lld", reader->file.path, (long long)row);
  snprintf(path, sizeof path, "/report/%.64s", name);
  return store_read(&reader->file, path, STORE_I64, row, 1, sums);
}

/* ---- For people ---- */

/* Rows are written in order: the last that is whole, -1: none. One that is being written has no checksum yet. */
static enum status find_last(const struct store_file *file, const struct record_shape *shape, enum record_table table,
                             int64_t rows, int64_t *last) {
  char name[RECORD_NAME_MAX];
  int64_t sum[2] = {0, 0}, whole = 0;
  record_sum_name(table, name);
  TRY(record_check_shape(file, name, STORE_I64, rows, 2));
  for (*last = rows - 1; *last >= 0; *last -= 1) {
    TRY(store_read(file, name, STORE_I64, *last, 1, sum));
    if (sum[0] != 0 || sum[1] != 0) break;
  }
  if (*last < 0) return STATUS_OK;
  TRY(record_count_rows(file, shape, table, *last, 1, &whole));
  REQUIRE(whole == 1, STATUS_FILE,
          "%s: checksum mismatch: row %lld of %s is not of what is there now; if the run is under "
          "way, look again",
          file->path, (long long)*last, name);
  return STATUS_OK;
}

/* What is looked for first, ten numbers: how far it is, what that took, and how good it is beside what is possible.
 * Models that are judged by something else have few scores, and show all. */
static bool matters(const struct record_shape *shape, enum record_table table, const char *name) {
  static const char *const lists[][8] = {
      {"step", "loss", "seconds"},
      {"mse", "mse_error", "r2", "over_floor", "over_limit", "vpt", "energy_variation"},
      {"nll", "nll_error", "kl", "kl_error", "kl_reverse", "modes", "energy_distance"}};
  const char *judged = shape->kind->score[shape->kind->chosen_by].name;
  const int list = record_is_reports(table) ? 0 : strcmp(judged, "mse") == 0 ? 1 : strcmp(judged, "nll") == 0 ? 2 : -1;
  bool found = list < 0;
  for (int i = 0; !found && i < 8 && lists[list][i]; i++) found = strcmp(name, lists[list][i]) == 0;
  return found;
}

/* H is conserved best of all by a model that draws nothing: it is shown beside R2. */
static enum status read_r2(const struct store_file *file, enum record_table table, int64_t row, double *r2) {
  char name[RECORD_NAME_MAX], sum[RECORD_NAME_MAX];
  record_sum_name(table, sum);
  snprintf(name, sizeof name, "%.*s/r2", (int)(strrchr(sum, '/') - sum), sum);
  return store_read(file, name, STORE_F64, row, 1, r2);
}

/* What is known of a row, one number a line: all, or what matters. */
static enum status print_row(const struct store_file *file, const struct record_shape *shape, enum record_table table,
                             int64_t row, bool all, FILE *out) {
  struct record_part parts[RECORD_PARTS_MAX];
  const int count = record_list(shape, table, NULL, parts);
  const bool flagged = shape->kind->data == LEARNER_FRAMES;
  double r2 = NAN;
  if (flagged && !record_is_reports(table)) TRY(read_r2(file, table, row, &r2));
  for (int i = record_is_reports(table) ? 0 : 1; i < count; i++) {
    double value;
    const char *name = strrchr(parts[i].name, '/') + 1;
    if (parts[i].rank != 1 || !(all || matters(shape, table, name))) continue;
    TRY(store_read(file, parts[i].name, STORE_F64, row, 1, &value));
    if (isnan(value)) continue;
    const bool conserved = strcmp(name, "energy_variation") == 0 || strcmp(name, "energy_drift") == 0;
    if (conserved && flagged && !(r2 > VERDICT_R2)) {
      fprintf(out, "  %-24s %12.6g        of no meaning: %s\n", name, value,
              isnan(r2) ? "R2 is not known" : "no better than the mean image");
      continue;
    }
    fprintf(out, "  %-24s %12.6g %-6s %s\n", name, value, parts[i].unit ? parts[i].unit : "", parts[i].help);
  }
  return STATUS_OK;
}

static enum status print_head(const struct store_file *file, FILE *out) {
  struct record_head_read head;
  TRY(record_head_open(file, &head));
  fprintf(out, "data         %s\n  checksum   %s\nnumerics     %s\n", head.data, head.data_checksum, head.numerics);
  record_head_free(&head);
  return STATUS_OK;
}

/* *last: its last row, which is verified even where nothing is printed of it. */
static enum status print_evaluation(const struct store_file *file, const struct record_shape *shape,
                                    const struct training *training, enum split split, bool shown, bool all, FILE *out,
                                    int64_t *last) {
  const enum record_table table = record_table_of(split);
  double step;
  TRY(find_last(file, shape, table, record_rows(table, training), last));
  if (*last < 0 || !shown) return STATUS_OK;
  TRY(store_read(file, "/evaluation/step", STORE_F64, *last, 1, &step));
  fprintf(out, "last evaluation, %s %s, after step %.0f\n", split_name[split], shape->kind->unit, step);
  return print_row(file, shape, table, *last, all, out);
}

static enum status print_verdict(const struct store_file *file, FILE *out) {
  struct verdict verdict;
  TRY(record_read_verdict(file, &verdict));
  for (int i = 0; i < VERDICT_COUNT; i++)
    if (verdict.of[i] > 0) fprintf(out, "warning      %s\n", verdict_text((enum verdict_of)i));
  return STATUS_OK;
}

enum status record_print(const struct store_file *file, const struct config *config, bool all, FILE *out) {
  const struct training *training = &config_experiment(config)->training;
  struct record_shape shape;
  int64_t last, measured, tested;
  TRY(record_read_shape(file, config, &shape));
  TRY(print_head(file, out));
  TRY(find_last(file, &shape, RECORD_REPORTS, record_rows(RECORD_REPORTS, training), &last));
  fprintf(out, last < 0 ? "no report yet\n" : "last report\n");
  if (last >= 0) TRY(print_row(file, &shape, RECORD_REPORTS, last, all, out));
  TRY(find_last(file, &shape, RECORD_MEASURED, record_rows(RECORD_MEASURED, training), &measured));
  if (last >= 0 && measured >= last) TRY(print_row(file, &shape, RECORD_MEASURED, last, all, out));
  const enum record_table table = record_table_of(SPLIT_TEST);
  TRY(find_last(file, &shape, table, record_rows(table, training), &tested));
  TRY(print_evaluation(file, &shape, training, SPLIT_TRAIN, all, all, out, &last));
  TRY(print_evaluation(file, &shape, training, SPLIT_VALIDATION, all || tested < 0, all, out, &last));
  TRY(print_evaluation(file, &shape, training, SPLIT_TEST, true, all, out, &last));
  TRY(print_verdict(file, out));
  if (!all) fprintf(out, "all columns: hgn info -v %s\n", file->path);
  return STATUS_OK;
}
