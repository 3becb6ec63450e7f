/* What changes in the file of a sweep while it goes: rows of trials, points, events, spans. */
#include "store/output.h"
#include "sweep/ledger.h"
#include "sweep/ledger_private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Rows that have not changed are written with those around them, when there are no more of them than this. */
enum { GAP_MAX = 8, RUN_MAX = 64 };

double ledger_clock(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void touch(struct ledger *ledger, int64_t trial, unsigned char what) {
  if (!ledger->change[trial]) ledger->changed[ledger->changes++] = trial;
  ledger->change[trial] |= what;
}

void ledger_touch(struct ledger *ledger, int64_t trial) { touch(ledger, trial, CHANGE_STATE); }

void ledger_touch_reports(struct ledger *ledger, int64_t trial) { touch(ledger, trial, CHANGE_STATE | CHANGE_REPORTS); }

/* Rows first..first+count-1 of everything that `what` says, the state last. */
static enum status write_rows(struct ledger *ledger, int64_t first, int64_t count, unsigned what) {
  struct store_file *file = &ledger->file;
  const struct ledger_shape *shape = &ledger->shape;
  int64_t integer[RUN_MAX][LEDGER_INTEGERS], state[RUN_MAX];
  double measured[RUN_MAX][LEDGER_MEASURED], value[RUN_MAX];
  char reason[RUN_MAX][JOB_REASON_MAX];
  struct checksum sum[RUN_MAX];
  bool reasons = false; /* or there has been one */
  for (int64_t i = 0; i < count; i++) {
    const struct ledger_trial *trial = &ledger->trial[first + i];
    ledger_integers(trial, integer[i]);
    ledger_measured(trial, measured[i]);
    value[i] = trial->value;
    memcpy(reason[i], trial->reason, sizeof reason[i]);
    reasons = reasons || trial->reason[0] || trial->starts > 1 || trial->state == TRIAL_PRUNED;
    state[i] = trial->state;
    ledger_sum(ledger, first + i, &sum[i]);
  }
  if (what & CHANGE_REPORTS) {
    const int64_t at = first * shape->reports;
    TRY(store_write_independent(file, "/report/step", first, count, ledger->report_step + at));
    TRY(store_write_independent(file, "/report/validation", first, count, ledger->validation + at * shape->scores));
    TRY(store_write_independent(file, "/trial/test", first, count, ledger->test + first * shape->scores));
    TRY(store_write_independent(file, "/trial/value", first, count, value));
    if (shape->rungs > 0)
      TRY(store_write_independent(file, "/trial/rung", first, count, ledger->rung + first * shape->rungs));
    /* How many reports there are comes after what they are: what is cut off between is said again. */
    TRY(store_write_independent(file, "/trial/integer", first, count, integer));
    if (reasons) TRY(store_write_independent(file, "/trial/reason", first, count, reason));
    TRY(store_write_independent(file, "/trial/sum", first, count, sum));
  }
  TRY(store_write_independent(file, "/trial/measured", first, count, measured));
  return store_write_independent(file, "/trial/state", first, count, state);
}

static int compare(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? -1 : x > y;
}

enum status ledger_flush(struct ledger *ledger) {
  int64_t i = 0;
  if (ledger->points > ledger->points_written) {
    const int64_t first = ledger->points_written, count = ledger->points - first;
    TRY(store_write_independent(&ledger->file, "/configuration/point", first, count,
                                ledger->point + first * ledger->shape.parameters));
    ledger->points_written = ledger->points;
  }
  if (ledger->jobs > ledger->jobs_written) {
    const int64_t first = ledger->jobs_written, count = ledger->jobs - first;
    TRY(store_write_independent(&ledger->file, "/job/row", first, count, ledger->job + first));
    ledger->jobs_written = ledger->jobs;
  }
  if (ledger->spans > ledger->spans_written) {
    const int64_t first = ledger->spans_written, count = ledger->spans - first;
    TRY(store_write_independent(&ledger->file, "/timeline/span", first, count, ledger->span + first));
    ledger->spans_written = ledger->spans;
  }
  qsort(ledger->changed, (size_t)ledger->changes, sizeof *ledger->changed, compare);
  while (i < ledger->changes) {
    const int64_t first = ledger->changed[i];
    int64_t last = first;
    unsigned what = 0;
    for (; i < ledger->changes && ledger->changed[i] - last <= GAP_MAX && ledger->changed[i] - first < RUN_MAX; i++) {
      last = ledger->changed[i];
      what |= ledger->change[last];
      ledger->change[last] = 0;
    }
    TRY(write_rows(ledger, first, last - first + 1, what));
  }
  ledger->changes = 0;
  return STATUS_OK;
}

enum status ledger_sync(struct ledger *ledger) {
  TRY(ledger_flush(ledger));
  ledger->syncs += 1;
  return store_sync(&ledger->file);
}

enum status ledger_set_chosen(struct ledger *ledger, int64_t configurations) {
  ledger->chosen = configurations > 0 ? configurations : LEDGER_NONE_CHOSEN;
  return store_write_independent(&ledger->file, "/sweep/chosen", 0, 1, &ledger->chosen);
}

enum status ledger_write_event(struct ledger *ledger, int64_t row) {
  struct store_file *file = &ledger->file;
  const struct ledger_event *event = &ledger->event[row];
  const int64_t kind = event->kind;
  TRY(store_write_independent(file, "/event/job", row, 1, &event->job));
  TRY(store_write_independent(file, "/event/trial", row, 1, &event->trial));
  TRY(store_write_independent(file, "/event/time", row, 1, &event->time));
  if (!ledger->nameless) TRY(store_write_independent(file, "/event/by", row, 1, &event->by));
  return store_write_independent(file, "/event/kind", row, 1, &kind);
}

enum status ledger_event_add(struct ledger *ledger, enum event_kind kind, int64_t job, int64_t trial) {
  const int64_t row = ledger->events;
  if (row >= ledger->shape.events) return STATUS_OK;
  ledger->event[row] =
      (struct ledger_event){.kind = kind, .job = job, .trial = trial, .time = ledger_clock(), .by = provenance_job()};
  TRY(ledger_write_event(ledger, row));
  ledger->events += 1;
  return STATUS_OK;
}

void ledger_span_add(struct ledger *ledger, const struct ledger_span *span) {
  if (ledger->spans < ledger->shape.spans) ledger->span[ledger->spans++] = *span;
}
