/* Records of one run taken over into the file of another: of the run that it goes on from, or of itself, when its file
 * is made anew for a longer training or rarer reports. */
#include "base/arena.h"
#include "train/record_private.h"

#include <stdlib.h>
#include <string.h>

/* Rows `first` to `first + count - 1` of `record` are rows `old`, `old + stride`, ... of `from`. */
struct copy {
  const struct store_file *from;
  struct record *record;
  enum record_table table;
  int64_t first, count, old, stride;
};

/* Rows of a table up to a step. */
static int64_t count_until(enum record_table table, const struct training *training, int64_t step) {
  const int64_t rows = record_rows(table, training);
  int64_t count = 0;
  while (count < rows && record_row_step(table, training, count) <= step) count++;
  return count;
}

/* One column; each row is added to its checksum, which depends on the row's place. */
static enum status copy_part(const struct copy *copy, const struct record_part *part, char *room,
                             struct checksum *sums) {
  const size_t bytes = (size_t)part->width * sizeof(double);
  TRY(record_check_shape(copy->from, part->name, part->type, -1, part->width));
  TRY(store_read(copy->from, part->name, part->type, copy->old, (copy->count - 1) * copy->stride + 1, room));
  for (int64_t i = 0; i < copy->count; i++) {
    memmove(room + (size_t)i * bytes, room + (size_t)(i * copy->stride) * bytes, bytes);
    record_sum_part(part, copy->first + i, room + (size_t)i * bytes, &sums[i]);
  }
  return store_write_independent(&copy->record->file, part->name, copy->first, copy->count, room);
}

static enum status copy_rows(const struct copy *copy) {
  struct record_part parts[RECORD_PARTS_MAX];
  char name[RECORD_NAME_MAX];
  struct arena arena = {.last = NULL};
  const int64_t span = (copy->count - 1) * copy->stride + 1;
  int64_t whole;
  TRY(record_count_rows(copy->from, &copy->record->shape, copy->table, copy->old, span, &whole));
  REQUIRE(whole == span, STATUS_FILE, "%s: lacks records up to the step that another run begins from",
          copy->from->path);
  const int count = record_list(&copy->record->shape, copy->table, NULL, parts);
  char *room = arena_array(&arena, span * record_widest(parts, count), sizeof(double));
  struct checksum *sums = arena_array(&arena, copy->count, sizeof *sums);
  enum status status = arena_check(&arena, "records");
  for (int i = 0; i < count && status == STATUS_OK; i++) status = copy_part(copy, &parts[i], room, sums);
  record_sum_name(copy->table, name);
  if (status == STATUS_OK) status = store_write_independent(&copy->record->file, name, copy->first, copy->count, sums);
  arena_free(&arena);
  return status;
}

/* The first `rows` rows of a table, which are every `stride`-th there. */
static enum status copy_table(const struct store_file *from, struct record *record, enum record_table table,
                              int64_t rows, int64_t stride) {
  struct record_part parts[RECORD_PARTS_MAX];
  const int64_t fit = record_block(record_widest(parts, record_list(&record->shape, table, NULL, parts))) / stride,
                block = fit < 1 ? 1 : fit;
  for (int64_t first = 0; first < rows; first += block) {
    const struct copy copy = {.from = from,
                              .record = record,
                              .table = table,
                              .first = first,
                              .count = rows - first < block ? rows - first : block,
                              .old = (first + 1) * stride - 1,
                              .stride = stride};
    TRY(copy_rows(&copy));
  }
  return STATUS_OK;
}

static enum status take_over(const struct store_file *from, const struct record_run *run, struct record *record) {
  const struct training *training = &config_experiment(run->config)->training;
  for (int table = 0; table < RECORD_TABLES; table++)
    TRY(copy_table(from, record, (enum record_table)table,
                   count_until((enum record_table)table, training, run->origin_step), 1));
  return STATUS_OK;
}

enum status record_take_over(const struct comm *comm, const struct record_run *run, struct record *record) {
  struct store_file from;
  TRY(record_open_run(comm, run->origin, &from));
  const enum status status = comm_agree(comm, comm->rank == 0 ? take_over(&from, run, record) : STATUS_OK);
  store_close(&from);
  return status;
}

/* ---- The same run, made anew ---- */

/* Reports that were never made cannot be made any more: the new ones have to be some of the old. */
static enum status check_reports(const struct store_file *from, const struct training *then, const struct training *now,
                                 int64_t until) {
  const int64_t old = then->train.report_every, new = now->train.report_every;
  REQUIRE(until < new || new % old == 0, STATUS_CONFIG,
          "%s: has reports of every %lld steps up to step %lld, and not of every %lld: train.report_every may become a "
          "multiple of %lld, so that the reports made so far are among those that it asks for",
          from->path, (long long)old, (long long)until, (long long)new, (long long)old);
  return STATUS_OK;
}

static enum status copy_all(const struct store_file *from, struct record *record, const struct training *then,
                            const struct training *now, int64_t until, int64_t but) {
  const int64_t stride = now->train.report_every / then->train.report_every;
  TRY(record_copy_sessions(from, record));
  for (int table = RECORD_REPORTS; table <= RECORD_MEASURED && stride > 0; table++)
    TRY(copy_table(from, record, (enum record_table)table, count_until((enum record_table)table, now, until), stride));
  for (int table = RECORD_TRAIN; table < RECORD_TABLES; table++) {
    int64_t rows = count_until((enum record_table)table, now, until);
    if (rows > 0 && record_row_step((enum record_table)table, now, rows - 1) == but) rows--;
    TRY(copy_table(from, record, (enum record_table)table, rows, 1));
  }
  return STATUS_OK;
}

/* Where it began, as its file says. */
struct beginnings {
  struct record_start origin, start;
  bool has_origin, has_start;
};

static enum status read_beginnings(const struct store_file *from, struct record_run *run, struct beginnings *all) {
  TRY(record_find_start(from, "/origin", &all->origin, &all->has_origin));
  TRY(record_find_start(from, "/start", &all->start, &all->has_start));
  run->origin = all->has_origin ? all->origin.run : NULL;
  run->origin_step = all->origin.step;
  run->start = all->has_start ? &all->start : NULL;
  return STATUS_OK;
}

enum status record_rebuild(const struct comm *comm, const char *path, const struct store_lock *lock,
                           const struct record_run *run, const struct config *then, const struct yardstick *yardstick,
                           int64_t until, int64_t but, struct record *record) {
  const struct training *old = &config_experiment(then)->training, *new = &config_experiment(run->config)->training;
  struct record_run again = *run;
  struct beginnings all;
  struct store_file from;
  TRY(record_open_run(comm, path, &from));
  enum status status = check_reports(&from, old, new, until);
  if (status == STATUS_OK) status = read_beginnings(&from, &again, &all);
  status = comm_agree(comm, status);
  if (status == STATUS_OK) status = record_make(comm, path, lock, &again, yardstick, record);
  if (status == STATUS_OK) {
    status = comm_agree(comm, comm->rank == 0 ? copy_all(&from, record, old, new, until, but) : STATUS_OK);
    if (status == STATUS_OK) status = comm_broadcast(comm, &record->session, sizeof record->session);
    if (status != STATUS_OK) store_close(&record->file);
  }
  store_close(&from);
  return status;
}
