/* What a run's file says: whether a training may go on with it, how far it has come, what it has reached. */
#include "model/model.h"
#include "train/record_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 22 };

/* ---- What does not change in it ---- */

struct head {
  char *config, *numerics, *data, *data_checksum; /* owned */
  double floor, mean_image, kappa;
};

static void free_head(struct head *head) {
  free(head->config);
  free(head->numerics);
  free(head->data);
  free(head->data_checksum);
}

static enum status read_head(const struct store_file *file, struct head *head) {
  TRY(store_read_text(file, "/config", &head->config));
  TRY(store_read_text(file, "/numerics", &head->numerics));
  TRY(store_read_text(file, "/data/file", &head->data));
  TRY(store_read_text(file, "/data/checksum", &head->data_checksum));
  TRY(store_read_values(file, "/data/floor", STORE_F64, 1, &head->floor));
  TRY(store_read_values(file, "/data/mean_image", STORE_F64, 1, &head->mean_image));
  return store_read_values(file, "/data/kappa", STORE_F64, 1, &head->kappa);
}

/* Verified; freed with free_head() on success. */
static enum status open_head(const struct store_file *file, struct head *head) {
  char *written = NULL, sum[CHECKSUM_TEXT] = "";
  *head = (struct head){.config = NULL};
  enum status status = read_head(file, head);
  if (status == STATUS_OK) status = store_read_text(file, "/checksum", &written);
  if (status == STATUS_OK) {
    const struct record_head all = {head->config, head->numerics,   head->data, head->data_checksum,
                                    head->floor,  head->mean_image, head->kappa};
    record_sum_head(&all, sum);
    if (strcmp(sum, written) != 0)
      status = status_raise(STATUS_FILE,
                            "%s: checksum mismatch: its configuration, numerics or data are not what was "
                            "written",
                            file->path);
  }
  free(written);
  if (status != STATUS_OK) free_head(head);
  return status;
}

/* NaN when they are not what was written: a job may have been killed between the two. */
static enum status read_limits(const struct store_file *file, double limits[2]) {
  struct checksum written, sum;
  TRY(store_read_values(file, "/data/limit", STORE_F64, 1, &limits[0]));
  TRY(store_read_values(file, "/data/limit_unseen", STORE_F64, 1, &limits[1]));
  TRY(store_read_values(file, "/data/limit_sum", STORE_I64, 2, &written));
  record_sum_limits(limits, &sum);
  if (memcmp(&written, &sum, sizeof sum) != 0) limits[0] = limits[1] = NAN;
  return STATUS_OK;
}

/* ---- Which run it is ---- */

static enum status compare_config(const struct store_file *file, const char *text, const struct config *now) {
  struct config *then;
  char differences[1024];
  TRY(store_parse_config(file, text, SCHEMA_TRAINING, &then));
  const int count = config_differences(then, now, differences, sizeof differences);
  config_destroy(&then);
  REQUIRE(count == 0, STATUS_CONFIG, "%s: is a run of another configuration; %d key%s (%s). Choose another output.",
          file->path, count, count == 1 ? " differs" : "s differ", differences);
  return STATUS_OK;
}

enum status record_check(const struct comm *comm, const char *path, const struct record_run *run) {
  struct store_file file;
  TRY(store_open(comm, path, &file));
  struct head head;
  enum status status = store_check_format(&file, RECORD_FORMAT, RECORD_VERSION);
  if (status == STATUS_OK) status = open_head(&file, &head);
  if (status == STATUS_OK) {
    status = compare_config(&file, head.config, run->config);
    free_head(&head);
  }
  status = comm_agree(comm, status);
  store_close(&file);
  return status;
}

/* ---- Which records it has ---- */

/* `rows` of them, -1 for any number, of `width` values. */
static enum status check_shape(const struct store_file *file, const char *name, enum store_type type, int64_t rows,
                               int64_t width) {
  int rank;
  int64_t extent[STORE_RANK_MAX], values = 1;
  enum store_type found;
  TRY(store_extent(file, name, &rank, extent, &found));
  for (int i = 1; i < rank; i++) values *= extent[i];
  REQUIRE(rank > 0 && (rows < 0 || extent[0] == rows) && values == width && found == type, STATUS_FILE,
          "%s: %s has the wrong shape", file->path, name);
  return STATUS_OK;
}

/* Rows first..first+count-1 of one part, added to their checksums. */
static enum status sum_rows(const struct store_file *file, const struct record_part *part, int64_t first, int64_t count,
                            void *room, struct checksum *sums) {
  TRY(check_shape(file, part->name, part->type, -1, part->width));
  TRY(store_read(file, part->name, part->type, first, count, room));
  for (int64_t i = 0; i < count; i++)
    record_sum_part(part, first + i, (const char *)room + (size_t)(i * part->width) * sizeof(double), &sums[i]);
  return STATUS_OK;
}

/* How many rows of a block are what was written, from the first. */
static enum status count_whole(const struct store_file *file, enum record_table table, const struct record_part *parts,
                               int part_count, int64_t first, int64_t count, void *room, int64_t *whole) {
  char name[RECORD_NAME_MAX];
  struct checksum *sums = calloc((size_t)count, 2 * sizeof *sums), *written = sums ? sums + count : NULL;
  REQUIRE(sums, STATUS_MEMORY, "%s: out of memory for checksums", file->path);
  enum status status = STATUS_OK;
  for (int i = 0; i < part_count && status == STATUS_OK; i++)
    status = sum_rows(file, &parts[i], first, count, room, sums);
  record_sum_name(table, name);
  if (status == STATUS_OK) status = check_shape(file, name, STORE_I64, -1, 2);
  if (status == STATUS_OK) status = store_read(file, name, STORE_I64, first, count, written);
  *whole = 0;
  while (status == STATUS_OK && *whole < count && memcmp(&sums[*whole], &written[*whole], sizeof *sums) == 0)
    *whole += 1;
  free(sums);
  return status;
}

/* Rows of one table that are what was written, from the first. */
static enum status find_whole(const struct store_file *file, enum record_table table, const struct record_run *run,
                              int64_t *whole) {
  const struct training *training = &config_experiment(run->config)->training;
  const int64_t rows = record_rows(table, training);
  struct record_part parts[RECORD_PARTS_MAX];
  int64_t widest = 2, found = 0;
  const int count = record_list(table, run->lanes, run->targets, parts);
  for (int i = 0; i < count; i++)
    if (parts[i].width > widest) widest = parts[i].width;
  const int64_t most = BLOCK_BYTES / (8 * widest), block = most < 1 ? 1 : most > rows ? rows : most;
  void *room = malloc((size_t)(block * widest) * sizeof(double));
  REQUIRE(room, STATUS_MEMORY, "%s: out of memory for records", file->path);
  enum status status = STATUS_OK;
  *whole = 0;
  do {
    const int64_t now = rows - *whole < block ? rows - *whole : block;
    status = count_whole(file, table, parts, count, *whole, now, room, &found);
    *whole += found;
    if (found < now) break;
  } while (status == STATUS_OK && *whole < rows);
  free(room);
  return status;
}

/* The first step whose record is missing tells how far one can go on. */
static enum status examine(const struct store_file *file, const struct record_run *run,
                           const struct yardstick *yardstick, struct record_progress *progress) {
  const struct training *training = &config_experiment(run->config)->training;
  double limits[2];
  struct head head;
  *progress = (struct record_progress){.whole = training->train.steps, .complete = true};
  TRY(read_limits(file, limits));
  TRY(open_head(file, &head));
  progress->kappa = head.kappa;
  progress->limit = limits[0];
  progress->limit_unseen = limits[1];
  snprintf(progress->numerics, sizeof progress->numerics, "%s", head.numerics);
  const bool same = strcmp(head.data_checksum, yardstick->checksum) == 0;
  free_head(&head);
  REQUIRE(same, STATUS_FILE, "%s: was trained on other data than %s is now: choose another output", file->path,
          run->data);
  for (int table = 0; table < RECORD_TABLES; table++) {
    int64_t whole = 0;
    TRY(find_whole(file, (enum record_table)table, run, &whole));
    if (whole > 0) progress->begun = true;
    if (whole == record_rows((enum record_table)table, training)) continue;
    progress->complete = false;
    const int64_t before = record_row_step((enum record_table)table, training, whole) - 1;
    if (before < progress->whole) progress->whole = before;
  }
  return STATUS_OK;
}

enum status record_examine(const struct comm *comm, const char *path, const struct record_run *run,
                           const struct yardstick *yardstick, struct record_progress *progress) {
  struct store_file file;
  TRY(store_open(comm, path, &file));
  enum status status = comm->rank == 0 ? examine(&file, run, yardstick, progress) : STATUS_OK;
  status = comm_agree(comm, status);
  store_close(&file);
  return status == STATUS_OK ? comm_broadcast(comm, progress, sizeof *progress) : status;
}

/* ---- What it has reached ---- */

static enum status read_last(const struct store_file *file, const struct training *training,
                             struct evaluation *evaluation, struct yardstick *yardstick, double *seconds) {
  const int64_t row = record_evaluations(training) - 1;
  const struct {
    const char *name;
    double *value;
    int64_t row;
  } list[] = {
#define TARGET(name, unit, help) {"/evaluation/test/" #name, &evaluation->name, row},
      EVALUATE_LIST(TARGET)
#undef TARGET
          {"/report/seconds", seconds, record_reports(training) - 1}};
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
    TRY(check_shape(file, list[i].name, STORE_F64, -1, 1));
    TRY(store_read(file, list[i].name, STORE_F64, list[i].row, 1, list[i].value));
  }
  double limits[2];
  struct head head;
  TRY(read_limits(file, limits));
  TRY(open_head(file, &head));
  yardstick->floor = head.floor;
  yardstick->mean_image = head.mean_image;
  yardstick->limit = limits[0];
  yardstick->limit_unseen = limits[1];
  free_head(&head);
  return STATUS_OK;
}

enum status record_read_last(const struct comm *comm, const char *path, const struct training *training,
                             struct evaluation *evaluation, struct yardstick *yardstick, double *seconds) {
  struct store_file file;
  TRY(store_open(comm, path, &file));
  enum status status = comm_agree(comm, read_last(&file, training, evaluation, yardstick, seconds));
  store_close(&file);
  return status;
}

/* ---- For people ---- */

/* Rows are written in order: the last that is whole, -1: none. One that is being written has no checksum yet. */
static enum status find_last(const struct store_file *file, enum record_table table, int64_t lanes, int64_t targets,
                             int64_t *last) {
  struct record_part parts[RECORD_PARTS_MAX];
  char name[RECORD_NAME_MAX];
  int rank;
  int64_t extent[STORE_RANK_MAX], sum[2] = {0, 0}, whole = 0, widest = lanes > targets ? lanes : targets;
  enum store_type type;
  const int count = record_list(table, lanes, targets, parts);
  record_sum_name(table, name);
  TRY(check_shape(file, name, STORE_I64, -1, 2));
  TRY(store_extent(file, name, &rank, extent, &type));
  for (*last = extent[0] - 1; *last >= 0; *last -= 1) {
    TRY(store_read(file, name, STORE_I64, *last, 1, sum));
    if (sum[0] != 0 || sum[1] != 0) break;
  }
  if (*last < 0) return STATUS_OK;
  void *room = malloc((size_t)(widest + 2 * MODEL_NETWORKS) * sizeof(double));
  REQUIRE(room, STATUS_MEMORY, "%s: out of memory for a record", file->path);
  enum status status = count_whole(file, table, parts, count, *last, 1, room, &whole);
  free(room);
  TRY(status);
  REQUIRE(whole == 1, STATUS_FILE,
          "%s: checksum mismatch: row %lld of %s is not of what is there now; if the run is under "
          "way, look again",
          file->path, (long long)*last, name);
  return STATUS_OK;
}

static enum status print_columns(const struct store_file *file, const char *group, const struct record_column *columns,
                                 int count, int64_t index, FILE *out) {
  char name[2 * RECORD_NAME_MAX];
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

static enum status print_evaluation(const struct store_file *file, enum split split, int64_t last, FILE *out) {
  char group[RECORD_NAME_MAX];
  double step;
  TRY(store_read(file, "/evaluation/step", STORE_F64, last, 1, &step));
  snprintf(group, sizeof group, "evaluation/%s", split_name[split]);
  fprintf(out, "last evaluation, %s rollouts, after step %.0f\n", split_name[split], step);
  return print_columns(file, group, record_evaluation_columns, record_evaluation_count, last, out);
}

enum status record_print(const struct store_file *file, FILE *out) {
  int rank;
  int64_t lanes[STORE_RANK_MAX], targets[STORE_RANK_MAX], last;
  enum store_type type;
  TRY(store_extent(file, "/report/lane_error", &rank, lanes, &type));
  REQUIRE(rank == 2, STATUS_FILE, "%s: /report/lane_error has the wrong shape", file->path);
  TRY(store_extent(file, "/evaluation/test/frame_mse", &rank, targets, &type));
  REQUIRE(rank == 2, STATUS_FILE, "%s: /evaluation/test/frame_mse has the wrong shape", file->path);
  struct head head;
  TRY(open_head(file, &head));
  fprintf(out, "data         %s\n  checksum   %s\nnumerics     %s\n", head.data, head.data_checksum, head.numerics);
  free_head(&head);
  TRY(find_last(file, RECORD_REPORTS, lanes[1], targets[1], &last));
  fprintf(out, last < 0 ? "no report yet\n" : "last report\n");
  if (last >= 0) TRY(print_columns(file, "report", record_report_columns, record_report_count, last, out));
  for (int split = 0; split < SPLIT_COUNT; split++) {
    TRY(find_last(file, split == SPLIT_TRAIN ? RECORD_TRAIN : RECORD_TEST, lanes[1], targets[1], &last));
    if (last >= 0) TRY(print_evaluation(file, (enum split)split, last, out));
  }
  return STATUS_OK;
}
