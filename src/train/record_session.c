/* Who worked on a run when: a row for each process that began it or went on with it. */
#include "store/provenance.h"
#include "train/record_private.h"

#include <math.h>
#include <time.h>

static const char table[] = "/measured/session";

struct session {
#define MEMBER(name, help) double name;
  SESSION_LIST(MEMBER)
#undef MEMBER
};
enum { COLUMNS = sizeof(struct session) / sizeof(double) };

enum status record_make_sessions(struct store_file *file) {
  const int64_t extent[2] = {RECORD_SESSIONS, COLUMNS};
#define HELP(name, help) "; " #name ": " help
  return store_dataset(file, table, STORE_F64, 2, extent, NULL,
                       "a row for each process that began the run or went on with it" SESSION_LIST(HELP));
#undef HELP
}

/* Not collective. The first row that is not there. */
static enum status count_rows(const struct store_file *file, int64_t *row) {
  struct session rows[RECORD_SESSIONS];
  bool there;
  *row = -1;
  TRY(store_find(file, table, &there));
  if (!there) return STATUS_OK;
  TRY(store_read_values(file, table, STORE_F64, (int64_t)RECORD_SESSIONS * COLUMNS, rows));
  for (*row = 0; *row < RECORD_SESSIONS - 1 && !isnan(rows[*row].began);) *row += 1;
  return STATUS_OK;
}

enum status record_find_session(const struct comm *comm, const char *path, int64_t *row) {
  struct store_file file;
  TRY(store_open(comm, path, &file));
  const enum status status = comm_agree(comm, count_rows(&file, row));
  store_close(&file);
  return status;
}

enum status record_session(struct record *record, int64_t step) {
  const struct comm *comm = record->file.comm;
  const struct provenance_job job = provenance_job();
  const struct session session = {.began = (double)time(NULL),
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
