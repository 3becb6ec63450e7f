/* What a run's file says: whether a training may go on with it, how far it has come, what it has reached. */
#include "base/arena.h"
#include "train/continuation.h"
#include "train/record_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 22 };

enum status record_open_run(const struct comm *comm, const char *path, struct store_file *file) {
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

enum status record_read_limits(const struct store_file *file, double limits[2]) {
  struct checksum written, sum;
  TRY(store_read_values(file, "/data/limit", STORE_F64, 1, &limits[0]));
  TRY(store_read_values(file, "/data/limit_unseen", STORE_F64, 1, &limits[1]));
  TRY(store_read_values(file, "/data/limit_sum", STORE_I64, 2, &written));
  record_sum_limits(limits, &sum);
  if (memcmp(&written, &sum, sizeof sum) != 0) limits[0] = limits[1] = NAN;
  return STATUS_OK;
}

/* ---- Which run it is ---- */

/* *then: NULL where nothing differs. */
static enum status compare_config(const struct store_file *file, const char *text, const struct config *now,
                                  struct config **then) {
  char differences[1024];
  TRY(store_parse_config(file, text, SCHEMA_USE(SCHEMA_TRAINING), then));
  const int count = continuation_differences(*then, now, differences, sizeof differences);
  const bool longer = continuation_is_longer(*then, now);
  char all[64];
  if (count || config_differences(*then, now, all, sizeof all) == 0) config_destroy(then);
  REQUIRE(
      count == 0 || !longer, STATUS_CONFIG,
      "%s: is a run of another configuration (%s), and with optimizer.schedule=cosine the learning rate ends with the "
      "training, so with other steps it is another training. Choose another output; --from %s begins there with the "
      "parameters of this one",
      file->path, differences, file->path);
  REQUIRE(
      count == 0, STATUS_CONFIG,
      "%s: is a run of another configuration; %d key%s (%s). Choose another output; --from %s begins there with the "
      "parameters of this one",
      file->path, count, count == 1 ? " differs" : "s differ", differences, file->path);
  return STATUS_OK;
}

enum status record_check(const struct comm *comm, const char *path, const struct record_run *run,
                         struct config **then) {
  struct store_file file;
  *then = NULL;
  TRY(record_open_run(comm, path, &file));
  struct record_head_read head;
  enum status status = record_head_open(&file, &head);
  if (status == STATUS_OK) {
    status = compare_config(&file, head.config, run->config, then);
    record_head_free(&head);
  }
  status = comm_agree(comm, status);
  if (status != STATUS_OK) config_destroy(then);
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

int64_t record_widest(const struct record_part *parts, int count) {
  int64_t widest = 2;
  for (int i = 0; i < count; i++)
    if (parts[i].width > widest) widest = parts[i].width;
  return widest;
}

int64_t record_block(int64_t widest) {
  const int64_t most = BLOCK_BYTES / (8 * widest);
  return most < 1 ? 1 : most;
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
  void *room = arena_array(&arena, count * record_widest(parts, part_count), sizeof(double));
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
  const int64_t block = record_block(record_widest(parts, count));
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
  TRY(record_read_limits(file, limits));
  TRY(record_head_open(file, &head));
  progress->kappa = head.kappa;
  progress->limit = limits[0];
  progress->limit_unseen = limits[1];
  snprintf(progress->numerics, sizeof progress->numerics, "%s", head.numerics);
  const bool same = strcmp(head.data_checksum, yardstick->checksum) == 0;
  record_head_free(&head);
  REQUIRE(
      same, STATUS_FILE,
      "%s: was trained on other data than %s is now: choose another output; --from %s begins there with its parameters",
      file->path, run->data, file->path);
  for (int table = 0; table < RECORD_TABLES; table++) {
    int64_t whole = 0;
    TRY(record_count_whole(file, &shape, (enum record_table)table, training, &whole));
    if (whole > 0) progress->begun = true;
    const int64_t last = whole > 0 ? record_row_step((enum record_table)table, training, whole - 1) : 0;
    if (last > progress->recorded) progress->recorded = last;
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
  TRY(record_open_run(comm, path, &file));
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
                             struct yardstick *yardstick, struct verdict *verdict, double *seconds) {
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
  TRY(record_read_limits(file, limits));
  TRY(record_read_verdict(file, verdict));
  TRY(record_head_open(file, &head));
  yardstick->floor = head.floor;
  yardstick->mean_image = head.mean_image;
  yardstick->limit = limits[0];
  yardstick->limit_unseen = limits[1];
  record_head_free(&head);
  return STATUS_OK;
}

enum status record_read_last(const struct comm *comm, const char *path, const struct record_run *run,
                             struct evaluation *evaluation, struct yardstick *yardstick, struct verdict *verdict,
                             double *seconds) {
  struct store_file file;
  TRY(record_open_run(comm, path, &file));
  enum status status = comm_agree(comm, read_last(&file, run, evaluation, yardstick, verdict, seconds));
  store_close(&file);
  return status;
}

/* ---- Where it began ---- */

struct start_texts {
  char *run, *step, *parameters, *sum;
};

static enum status read_text(const struct store_file *file, const char *group, const char *name, char **text) {
  char path[RECORD_NAME_MAX];
  snprintf(path, sizeof path, "%s/%s", group, name);
  return store_read_text(file, path, text);
}

static enum status read_start(const struct store_file *file, const char *group, struct start_texts *texts,
                              struct record_start *start) {
  const bool parameters = strcmp(group, "/start") == 0;
  char sum[CHECKSUM_TEXT];
  TRY(read_text(file, group, "run", &texts->run));
  TRY(read_text(file, group, "step", &texts->step));
  if (parameters) TRY(read_text(file, group, "parameters", &texts->parameters));
  TRY(read_text(file, group, "checksum", &texts->sum));
  record_sum_origin(texts->run, texts->step, texts->parameters, sum);
  REQUIRE(strcmp(sum, texts->sum) == 0 && strlen(texts->run) < sizeof start->run, STATUS_FILE,
          "%s: checksum mismatch: where it began is not what was written", file->path);
  snprintf(start->run, sizeof start->run, "%s", texts->run);
  if (parameters) snprintf(start->parameters, sizeof start->parameters, "%s", texts->parameters);
  start->step = strtoll(texts->step, NULL, 10);
  return STATUS_OK;
}

enum status record_find_start(const struct store_file *file, const char *group, struct record_start *start,
                              bool *there) {
  struct start_texts texts = {.run = NULL};
  *start = (struct record_start){.step = 0};
  TRY(store_find(file, group, there));
  if (!*there) return STATUS_OK;
  const enum status status = read_start(file, group, &texts, start);
  free(texts.run);
  free(texts.step);
  free(texts.parameters);
  free(texts.sum);
  return status;
}

enum status record_read_start(const struct comm *comm, const char *path, struct record_start *start, bool *there) {
  struct store_file file;
  TRY(record_open_run(comm, path, &file));
  const enum status status = comm_agree(comm, record_find_start(&file, "/start", start, there));
  store_close(&file);
  return status;
}

static enum status check_origin(const struct store_file *file, const struct record_run *run) {
  struct record_start start;
  bool there;
  TRY(record_find_start(file, "/origin", &start, &there));
  REQUIRE(there, STATUS_FILE, "%s: /origin is missing", file->path);
  REQUIRE(start.step == run->origin_step, STATUS_CONFIG, "%s: began from step %lld of %.512s, not from step %lld of %s",
          file->path, (long long)start.step, start.run, (long long)run->origin_step, run->origin);
  return STATUS_OK;
}

enum status record_check_origin(const struct comm *comm, const char *path, const struct record_run *run) {
  struct store_file file;
  TRY(record_open_run(comm, path, &file));
  const enum status status = comm_agree(comm, check_origin(&file, run));
  store_close(&file);
  return status;
}
