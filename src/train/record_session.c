/* Who worked on a run when: a row for each process that began it or went on with it; and the verdict at its end. */
#include "store/provenance.h"
#include "train/record_private.h"

#include <math.h>
#include <string.h>
#include <time.h>

static const char table[] = "/measured/session";

enum { COLUMNS = sizeof(struct record_worker) / sizeof(double) };

enum status record_make_sessions(struct store_file *file) {
  const int64_t extent[2] = {RECORD_SESSIONS, COLUMNS};
#define HELP(name, help) "; " #name ": " help
  return store_dataset(file, table, STORE_F64, 2, extent, NULL,
                       "a row for each process that began the run or went on with it" SESSION_LIST(HELP));
#undef HELP
}

/* Not collective. The first row that is not there. */
static enum status count_rows(const struct store_file *file, int64_t *row) {
  struct record_worker rows[RECORD_SESSIONS];
  bool there;
  *row = -1;
  TRY(store_find(file, table, &there));
  if (!there) return STATUS_OK;
  TRY(store_read_values(file, table, STORE_F64, (int64_t)RECORD_SESSIONS * COLUMNS, rows));
  for (*row = 0; *row < RECORD_SESSIONS - 1 && !isnan(rows[*row].began);) *row += 1;
  return STATUS_OK;
}

enum status record_read_sessions(const struct store_file *file, struct record_worker *rows, int64_t *count) {
  TRY(count_rows(file, count));
  if (*count < 0) *count = 0;
  if (*count == 0) return STATUS_OK;
  TRY(store_read_values(file, table, STORE_F64, (int64_t)RECORD_SESSIONS * COLUMNS, rows));
  if (*count == RECORD_SESSIONS - 1 && !isnan(rows[*count].began)) *count = RECORD_SESSIONS;
  return STATUS_OK;
}

enum status record_find_session(const struct comm *comm, const char *path, struct record *record) {
  struct store_file file;
  TRY(store_open(comm, path, &file));
  enum status status = count_rows(&file, &record->session);
  if (status == STATUS_OK) status = store_find(&file, "/verdict", &record->has_verdict);
  status = comm_agree(comm, status);
  store_close(&file);
  return status;
}

enum status record_session(struct record *record, int64_t step) {
  const struct comm *comm = record->file.comm;
  const struct provenance_job job = provenance_job();
  const struct record_worker session = {.began = (double)time(NULL),
                                        .step = (double)step,
                                        .ranks = comm->size,
                                        .id = (double)job.id,
                                        .array = (double)job.array,
                                        .task = (double)job.task,
                                        .restarts = (double)job.restarts};
  if (record->session < 0) return STATUS_OK;
  return comm_agree(comm, comm->rank == 0 ? store_write_independent(&record->file, table, record->session, 1, &session)
                                          : STATUS_OK);
}

enum status record_copy_sessions(const struct store_file *from, struct record *record) {
  struct record_worker rows[RECORD_SESSIONS];
  TRY(count_rows(from, &record->session));
  if (record->session < 0) record->session = 0; /* of an older build */
  if (record->session == 0) return STATUS_OK;
  TRY(store_read_values(from, table, STORE_F64, (int64_t)RECORD_SESSIONS * COLUMNS, rows));
  return store_write_independent(&record->file, table, 0, record->session, rows);
}

/* ---- The verdict ---- */

static const char verdict_row[] = "/verdict/row", verdict_sum[] = "/verdict/row_sum";

enum status record_make_verdict(struct store_file *file) {
  const int64_t count = VERDICT_COUNT, two = 2;
#define HELP(id, name, help) "; " name ": " help
  TRY(store_dataset(file, verdict_row, STORE_F64, 1, &count, NULL, "1: yes, NaN: not known" VERDICT_LIST(HELP)));
#undef HELP
  return store_dataset(file, verdict_sum, STORE_I64, 1, &two, NULL, "checksum of the verdict");
}

static struct checksum sum_verdict(const struct verdict *verdict) {
  struct checksum sum = {{0, 0}};
  checksum_add(&sum, checksum_tag(verdict_row), 0, verdict->of, sizeof verdict->of);
  return sum;
}

enum status record_verdict(struct record *record, const struct verdict *verdict) {
  const struct checksum sum = sum_verdict(verdict);
  if (!record->has_verdict) return STATUS_OK;
  TRY(store_write_independent(&record->file, verdict_row, 0, VERDICT_COUNT, verdict->of));
  return store_write_independent(&record->file, verdict_sum, 0, 2, &sum);
}

enum status record_read_verdict(const struct store_file *file, struct verdict *verdict) {
  struct checksum written;
  bool there;
  *verdict = verdict_unknown();
  TRY(store_find(file, "/verdict", &there));
  if (!there) return STATUS_OK;
  TRY(store_read_values(file, verdict_row, STORE_F64, VERDICT_COUNT, verdict->of));
  TRY(store_read_values(file, verdict_sum, STORE_I64, 2, &written));
  const struct checksum sum = sum_verdict(verdict);
  if (memcmp(&sum, &written, sizeof sum) != 0) *verdict = verdict_unknown();
  return STATUS_OK;
}
