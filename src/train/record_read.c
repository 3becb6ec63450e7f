/* What a run's file says: whether a training may go on with it, how far it has come, what it has reached. */
#include "base/arena.h"
#include "train/record_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 22 };

/* Collective. */
static enum status open_run(const struct comm *comm, const char *path, struct store_file *file) {
  TRY(store_open(comm, path, file));
  const enum status status = comm_agree(comm, store_check_format(file, RECORD_FORMAT, RECORD_VERSION));
  if (status != STATUS_OK) store_close(file);
  return status;
}

/* ---- What does not change in it ---- */

void record_head_free(struct record_head_read *head) {
  free(head->config);
  free(head->numerics);
  free(head->data);
  free(head->data_checksum);
}

static enum status read_head(const struct store_file *file, struct record_head_read *head) {
  TRY(store_read_text(file, "/config", &head->config));
  TRY(store_read_text(file, "/numerics", &head->numerics));
  TRY(store_read_text(file, "/data/file", &head->data));
  TRY(store_read_text(file, "/data/checksum", &head->data_checksum));
  TRY(store_read_values(file, "/data/floor", STORE_F64, 1, &head->floor));
  TRY(store_read_values(file, "/data/mean_image", STORE_F64, 1, &head->mean_image));
  return store_read_values(file, "/data/kappa", STORE_F64, 1, &head->kappa);
}

enum status record_head_open(const struct store_file *file, struct record_head_read *head) {
  char *written = NULL, sum[CHECKSUM_TEXT] = "";
  *head = (struct record_head_read){.config = NULL};
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
  if (status != STATUS_OK) record_head_free(head);
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
  TRY(store_parse_config(file, text, SCHEMA_USE(SCHEMA_TRAINING), &then));
  const int count = config_differences(then, now, differences, sizeof differences);
  config_destroy(&then);
  REQUIRE(count == 0, STATUS_CONFIG, "%s: is a run of another configuration; %d key%s (%s). Choose another output.",
          file->path, count, count == 1 ? " differs" : "s differ", differences);
  return STATUS_OK;
}

enum status record_check(const struct comm *comm, const char *path, const struct record_run *run) {
  struct store_file file;
  TRY(open_run(comm, path, &file));
  struct record_head_read head;
  enum status status = record_head_open(&file, &head);
  if (status == STATUS_OK) {
    status = compare_config(&file, head.config, run->config);
    record_head_free(&head);
  }
  status = comm_agree(comm, status);
  store_close(&file);
  return status;
}

/* ---- Which records it has ---- */

enum status record_check_shape(const struct store_file *file, const char *name, enum store_type type, int64_t rows,
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

static int64_t widest_of(const struct record_part *parts, int count) {
  int64_t widest = 2;
  for (int i = 0; i < count; i++)
    if (parts[i].width > widest) widest = parts[i].width;
  return widest;
}

/* Rows first..first+count-1 of one part, added to their checksums. */
static enum status sum_rows(const struct store_file *file, const struct record_part *part, int64_t first, int64_t count,
                            void *room, struct checksum *sums) {
  TRY(record_check_shape(file, part->name, part->type, -1, part->width));
  TRY(store_read(file, part->name, part->type, first, count, room));
  for (int64_t i = 0; i < count; i++)
    record_sum_part(part, first + i, (const char *)room + (size_t)(i * part->width) * sizeof(double), &sums[i]);
  return STATUS_OK;
}

enum status record_count_rows(const struct store_file *file, const struct record_shape *shape, enum record_table table,
                              int64_t first, int64_t count, int64_t *whole) {
  struct record_part parts[RECORD_PARTS_MAX];
  char name[RECORD_NAME_MAX];
  struct arena arena = {.last = NULL};
  const int part_count = record_list(shape, table, NULL, parts);
  struct checksum *sums = arena_array(&arena, count, sizeof *sums), *written = arena_array(&arena, count, sizeof *sums);
  void *room = arena_array(&arena, count * widest_of(parts, part_count), sizeof(double));
  enum status status = arena_check(&arena, "records");
  for (int i = 0; i < part_count && status == STATUS_OK; i++)
    status = sum_rows(file, &parts[i], first, count, room, sums);
  record_sum_name(table, name);
  if (status == STATUS_OK) status = record_check_shape(file, name, STORE_I64, -1, 2);
  if (status == STATUS_OK) status = store_read(file, name, STORE_I64, first, count, written);
  *whole = 0;
  while (status == STATUS_OK && *whole < count && memcmp(&sums[*whole], &written[*whole], sizeof *sums) == 0)
    *whole += 1;
  arena_free(&arena);
  return status;
}

/* Every column of a table has a row for all that a training of this configuration records. */
static enum status check_rows(const struct store_file *file, const struct record_shape *shape, enum record_table table,
                              int64_t rows) {
  struct record_part parts[RECORD_PARTS_MAX];
  char name[RECORD_NAME_MAX];
  const int count = record_list(shape, table, NULL, parts);
  for (int i = 0; i < count; i++) TRY(record_check_shape(file, parts[i].name, parts[i].type, rows, parts[i].width));
  record_sum_name(table, name);
  return record_check_shape(file, name, STORE_I64, rows, 2);
}

/* In blocks, so that memory does not grow with the length of a run. */
enum status record_count_whole(const struct store_file *file, const struct record_shape *shape, enum record_table table,
                               const struct training *training, int64_t *whole) {
  const int64_t rows = record_rows(table, training);
  struct record_part parts[RECORD_PARTS_MAX];
  const int count = record_list(shape, table, NULL, parts);
  const int64_t most = BLOCK_BYTES / (8 * widest_of(parts, count));
  const int64_t block = most < 1 ? 1 : most;
  *whole = 0;
  TRY(check_rows(file, shape, table, rows));
  while (*whole < rows) {
    const int64_t now = rows - *whole < block ? rows - *whole : block;
    int64_t found;
    TRY(record_count_rows(file, shape, table, *whole, now, &found));
    *whole += found;
    if (found < now) break;
  }
  return STATUS_OK;
}

/* The first step whose record is missing tells how far one can go on. */
static enum status examine(const struct store_file *file, const struct record_run *run,
                           const struct yardstick *yardstick, struct record_progress *progress) {
  const struct training *training = &config_experiment(run->config)->training;
  const struct record_shape shape = record_shape_of(run);
  double limits[2];
  struct record_head_read head;
  *progress = (struct record_progress){.whole = training->train.steps, .complete = true};
  TRY(read_limits(file, limits));
  TRY(record_head_open(file, &head));
  progress->kappa = head.kappa;
  progress->limit = limits[0];
  progress->limit_unseen = limits[1];
  snprintf(progress->numerics, sizeof progress->numerics, "%s", head.numerics);
  const bool same = strcmp(head.data_checksum, yardstick->checksum) == 0;
  record_head_free(&head);
  REQUIRE(same, STATUS_FILE, "%s: was trained on other data than %s is now: choose another output", file->path,
          run->data);
  for (int table = 0; table < RECORD_TABLES; table++) {
    int64_t whole = 0;
    TRY(record_count_whole(file, &shape, (enum record_table)table, training, &whole));
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
  TRY(open_run(comm, path, &file));
  enum status status = comm->rank == 0 ? examine(&file, run, yardstick, progress) : STATUS_OK;
  status = comm_agree(comm, status);
  store_close(&file);
  return status == STATUS_OK ? comm_broadcast(comm, progress, sizeof *progress) : status;
}

/* ---- What it has reached ---- */

/* One number of a column. */
static enum status read_number(const struct store_file *file, const char *name, int64_t row, double *value) {
  TRY(record_check_shape(file, name, STORE_F64, -1, 1));
  return store_read(file, name, STORE_F64, row, 1, value);
}

static enum status read_last(const struct store_file *file, const struct record_run *run, struct evaluation *evaluation,
                             struct yardstick *yardstick, double *seconds) {
  const struct training *training = &config_experiment(run->config)->training;
  const struct learner_kind *kind = run->learner->kind;
  double limits[2];
  struct record_head_read head;
  for (int i = 0; i < kind->scores; i++) {
    char name[RECORD_NAME_MAX];
    snprintf(name, sizeof name, "/evaluation/test/%s", kind->score[i].name);
    TRY(read_number(file, name, record_evaluations(training) - 1, &evaluation->score[i]));
  }
  TRY(read_number(file, "/measured/seconds", record_reports(training) - 1, seconds));
  TRY(read_limits(file, limits));
  TRY(record_head_open(file, &head));
  yardstick->floor = head.floor;
  yardstick->mean_image = head.mean_image;
  yardstick->limit = limits[0];
  yardstick->limit_unseen = limits[1];
  record_head_free(&head);
  return STATUS_OK;
}

enum status record_read_last(const struct comm *comm, const char *path, const struct record_run *run,
                             struct evaluation *evaluation, struct yardstick *yardstick, double *seconds) {
  struct store_file file;
  TRY(open_run(comm, path, &file));
  enum status status = comm_agree(comm, read_last(&file, run, evaluation, yardstick, seconds));
  store_close(&file);
  return status;
}

/* ---- Where it began ---- */

struct origin_texts {
  char *run, *step, *sum;
};

static enum status check_origin(const struct store_file *file, const struct record_run *run,
                                struct origin_texts *texts) {
  char sum[CHECKSUM_TEXT], step[32];
  TRY(store_read_text(file, "/origin/run", &texts->run));
  TRY(store_read_text(file, "/origin/step", &texts->step));
  TRY(store_read_text(file, "/origin/checksum", &texts->sum));
  record_sum_origin(texts->run, texts->step, sum);
  REQUIRE(strcmp(sum, texts->sum) == 0, STATUS_FILE, "%s: checksum mismatch: where it began is not what was written",
          file->path);
  snprintf(step, sizeof step, "%lld", (long long)run->origin_step);
  REQUIRE(strcmp(step, texts->step) == 0, STATUS_CONFIG, "%s: began from step %.32s of %.512s, not from step %s of %s",
          file->path, texts->step, texts->run, step, run->origin);
  return STATUS_OK;
}

enum status record_check_origin(const struct comm *comm, const char *path, const struct record_run *run) {
  struct store_file file;
  struct origin_texts texts = {.run = NULL};
  TRY(open_run(comm, path, &file));
  const enum status status = comm_agree(comm, check_origin(&file, run, &texts));
  free(texts.run);
  free(texts.step);
  free(texts.sum);
  store_close(&file);
  return status;
}

/* Rows of a table up to a step. */
static int64_t count_until(enum record_table table, const struct training *training, int64_t step) {
  const int64_t rows = record_rows(table, training);
  int64_t count = 0;
  while (count < rows && record_row_step(table, training, count) <= step) count++;
  return count;
}

/* As they stand there, with their checksums: both files have the same columns. */
static enum status copy_column(const struct store_file *from, struct store_file *to, const struct record_part *part,
                               int64_t first, int64_t count, void *room) {
  TRY(record_check_shape(from, part->name, part->type, -1, part->width));
  TRY(store_read(from, part->name, part->type, first, count, room));
  return store_write_independent(to, part->name, first, count, room);
}

static enum status copy_rows(const struct store_file *from, struct record *record, enum record_table table,
                             int64_t first, int64_t count) {
  struct record_part parts[RECORD_PARTS_MAX], sum = {.type = STORE_I64, .width = 2};
  struct arena arena = {.last = NULL};
  int64_t whole;
  TRY(record_count_rows(from, &record->shape, table, first, count, &whole));
  REQUIRE(whole == count, STATUS_FILE, "%s: lacks records up to the step that another run begins from", from->path);
  const int part_count = record_list(&record->shape, table, NULL, parts);
  void *room = arena_array(&arena, count * widest_of(parts, part_count), sizeof(double));
  enum status status = arena_check(&arena, "records");
  for (int i = 0; i < part_count && status == STATUS_OK; i++)
    status = copy_column(from, &record->file, &parts[i], first, count, room);
  record_sum_name(table, sum.name);
  if (status == STATUS_OK) status = copy_column(from, &record->file, &sum, first, count, room);
  arena_free(&arena);
  return status;
}

static enum status take_over(const struct store_file *from, const struct record_run *run, struct record *record) {
  enum { BLOCK = 1024 };
  const struct training *training = &config_experiment(run->config)->training;
  for (int table = 0; table < RECORD_TABLES; table++) {
    const int64_t rows = count_until((enum record_table)table, training, run->origin_step);
    for (int64_t first = 0; first < rows; first += BLOCK) {
      const int64_t count = rows - first < BLOCK ? rows - first : BLOCK;
      TRY(copy_rows(from, record, (enum record_table)table, first, count));
    }
  }
  return STATUS_OK;
}

enum status record_take_over(const struct comm *comm, const struct record_run *run, struct record *record) {
  struct store_file from;
  TRY(open_run(comm, run->origin, &from));
  const enum status status = comm_agree(comm, comm->rank == 0 ? take_over(&from, run, record) : STATUS_OK);
  store_close(&from);
  return status;
}
