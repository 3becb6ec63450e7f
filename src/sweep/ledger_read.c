/* A sweep's file, opened again: read whole and verified; made larger. */
#include "store/output.h"
#include "sweep/ledger.h"
#include "sweep/ledger_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum status open_self(struct ledger *ledger) {
  *ledger = (struct ledger){.points = 0};
  return comm_open(MPI_COMM_SELF, &ledger->self);
}

/* ---- Rows ---- */

/* Whether it is of these shapes and, where it is open for writing, can be written row by row. */
static enum status check_extents(struct store_file *file, const struct ledger_shape *shape) {
  const struct {
    const char *name;
    int rank;
    int64_t extent[3];
  } expected[] = {{"/configuration/point", 2, {shape->configurations, shape->parameters}},
                  {"/trial/state", 1, {shape->trials}},
                  {"/trial/integer", 2, {shape->trials, LEDGER_INTEGERS}},
                  {"/trial/value", 1, {shape->trials}},
                  {"/trial/measured", 2, {shape->trials, LEDGER_MEASURED}},
                  {"/trial/test", 2, {shape->trials, shape->scores}},
                  {"/trial/reason", 2, {shape->trials, JOB_REASON_MAX}},
                  {"/trial/sum", 2, {shape->trials, 2}},
                  {"/report/step", 2, {shape->trials, shape->reports}},
                  {"/report/validation", 3, {shape->trials, shape->reports, shape->scores}},
                  {"/job/row", 2, {shape->jobs, sizeof(struct ledger_job) / sizeof(int64_t)}},
                  {"/event/kind", 1, {shape->events}},
                  {"/trial/rung", 2, {shape->trials, shape->rungs}}, /* only with rungs */
                  {"/timeline/span", 2, {shape->spans, sizeof(struct ledger_span) / sizeof(double)}}};
  for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
    int64_t extent[STORE_RANK_MAX] = {0};
    enum store_type type;
    int rank;
    if (shape->rungs == 0 && strcmp(expected[i].name, "/trial/rung") == 0) continue;
    TRY(store_extent(file, expected[i].name, &rank, extent, &type));
    const size_t bytes = (size_t)expected[i].rank * sizeof extent[0];
    REQUIRE(rank == expected[i].rank && memcmp(extent, expected[i].extent, bytes) == 0, STATUS_FILE,
            "%s: %s has another shape than this sweep's", file->path, expected[i].name);
    if (file->writing) TRY(store_write_independent(file, expected[i].name, 0, 0, NULL));
  }
  return STATUS_OK;
}

/* An ended trial that is not what was written is queued again, and counted. */
static void accept_trial(struct ledger *ledger, int64_t trial, const int64_t *sum, int64_t *damaged) {
  struct ledger_trial *row = &ledger->trial[trial];
  struct checksum mine;
  row->reason[JOB_REASON_MAX - 1] = '\0';
  if (!trial_ended(row->state) && row->state != TRIAL_PAUSED) return;
  ledger_sum(ledger, trial, &mine);
  if (mine.word[0] == (uint64_t)sum[0] && mine.word[1] == (uint64_t)sum[1]) return;
  row->state = TRIAL_QUEUED;
  for (int k = 0; k < ledger->shape.rungs; k++) ledger->rung[trial * ledger->shape.rungs + k] = NAN;
  *damaged += 1;
}

static enum status read_trials(struct ledger *ledger, int64_t *damaged) {
  const struct store_file *file = &ledger->file;
  const struct ledger_shape *shape = &ledger->shape;
  const int64_t n = shape->trials;
  struct arena arena = {.last = NULL};
  int64_t *state = arena_array(&arena, n, sizeof *state), *sum = arena_array(&arena, 2 * n, sizeof *sum),
          *integer = arena_array(&arena, n * LEDGER_INTEGERS, sizeof *integer);
  double *measured = arena_array(&arena, n * LEDGER_MEASURED, sizeof *measured),
         *value = arena_array(&arena, n, sizeof *value);
  char *reason = arena_array(&arena, n, JOB_REASON_MAX);
  enum status status = arena_check(&arena, "a sweep's trials");
  if (status == STATUS_OK) status = store_read(file, "/trial/state", STORE_I64, 0, n, state);
  if (status == STATUS_OK) status = store_read(file, "/trial/sum", STORE_I64, 0, n, sum);
  if (status == STATUS_OK) status = store_read(file, "/trial/integer", STORE_I64, 0, n, integer);
  if (status == STATUS_OK) status = store_read(file, "/trial/value", STORE_F64, 0, n, value);
  if (status == STATUS_OK) status = store_read(file, "/trial/measured", STORE_F64, 0, n, measured);
  if (status == STATUS_OK) status = store_read(file, "/trial/reason", STORE_U8, 0, n, reason);
  if (status == STATUS_OK) status = store_read(file, "/trial/test", STORE_F64, 0, n, ledger->test);
  if (status == STATUS_OK && shape->rungs > 0) status = store_read(file, "/trial/rung", STORE_F64, 0, n, ledger->rung);
  if (status == STATUS_OK) status = store_read(file, "/report/step", STORE_I64, 0, n, ledger->report_step);
  if (status == STATUS_OK) status = store_read(file, "/report/validation", STORE_F64, 0, n, ledger->validation);
  for (int64_t i = 0; i < n && status == STATUS_OK; i++) {
    struct ledger_trial *trial = &ledger->trial[i];
    ledger_set(trial, integer + i * LEDGER_INTEGERS, measured + i * LEDGER_MEASURED);
    trial->value = value[i];
    memcpy(trial->reason, reason + i * JOB_REASON_MAX, JOB_REASON_MAX);
    if (state[i] < 0 || state[i] >= TRIAL_STATE_COUNT)
      status =
          status_raise(STATUS_FILE, "%s: trial %lld has the state %lld", file->path, (long long)i, (long long)state[i]);
    else
      trial->state = (enum trial_state)state[i];
    if (status == STATUS_OK) accept_trial(ledger, i, sum + 2 * i, damaged);
  }
  arena_free(&arena);
  return status;
}

/* Of trials that have begun the configurations have points; those after the last of them are chosen again. Which
 * configuration a trial is of follows from its number, but of those that confirm it is written with their results. */
static enum status read_points(const struct sweep *sweep, struct ledger *ledger) {
  const struct ledger_shape *shape = &ledger->shape;
  const int64_t searched = shape->configurations * sweep->repeats;
  TRY(store_read(&ledger->file, "/configuration/point", STORE_F64, 0, shape->configurations, ledger->point));
  for (int64_t i = 0; i < shape->trials; i++) {
    struct ledger_trial *trial = &ledger->trial[i];
    if (i < searched) trial->configuration = i / sweep->repeats;
    REQUIRE(trial->configuration >= 0 && trial->configuration < shape->configurations, STATUS_FILE,
            "%s: trial %lld is of configuration %lld", ledger->file.path, (long long)i,
            (long long)trial->configuration);
    if (i < searched && (trial->state != TRIAL_QUEUED || trial->starts > 0)) ledger->points = trial->configuration + 1;
  }
  return STATUS_OK;
}

/* Whether the row of a job, behind rows that are right, is one. */
static bool is_job(const struct ledger *ledger, int64_t row) {
  const struct ledger_job *job = &ledger->job[row];
  return job->number == row + 1 && job->configuration >= 0 && job->configuration < ledger->shape.configurations &&
         job->rung >= 0 && job->rung <= ledger->shape.rungs && job->known >= 0 && job->known <= row &&
         job->origin >= -1 && job->origin < job->configuration;
}

static enum status read_logs(struct ledger *ledger) {
  const struct store_file *file = &ledger->file;
  const int64_t n = ledger->shape.events;
  struct arena arena = {.last = NULL};
  int64_t *kind = arena_array(&arena, n, sizeof *kind), *job = arena_array(&arena, n, sizeof *job),
          *trial = arena_array(&arena, n, sizeof *trial);
  double *time = arena_array(&arena, n, sizeof *time);
  struct provenance_job *by = arena_array(&arena, n, sizeof *by); /* zeroes in files of older builds */
  bool there = false;
  enum status status = arena_check(&arena, "a sweep's events");
  if (status == STATUS_OK) status = store_read(file, "/event/kind", STORE_I64, 0, n, kind);
  if (status == STATUS_OK) status = store_read(file, "/event/job", STORE_I64, 0, n, job);
  if (status == STATUS_OK) status = store_read(file, "/event/trial", STORE_I64, 0, n, trial);
  if (status == STATUS_OK) status = store_read(file, "/event/time", STORE_F64, 0, n, time);
  if (status == STATUS_OK) status = store_find(file, "/event/by", &there);
  if (status == STATUS_OK && there) status = store_read(file, "/event/by", STORE_I64, 0, n, by);
  ledger->nameless = !there;
  for (int64_t i = 0; i < n && status == STATUS_OK && kind[i] > EVENT_NONE && kind[i] < EVENT_COUNT; i++)
    ledger->event[ledger->events++] = (struct ledger_event){(enum event_kind)kind[i], job[i], trial[i], time[i], by[i]};
  arena_free(&arena);
  if (status == STATUS_OK) status = store_read(file, "/timeline/span", STORE_F64, 0, ledger->shape.spans, ledger->span);
  if (status == STATUS_OK) status = store_read(file, "/job/row", STORE_I64, 0, ledger->shape.jobs, ledger->job);
  while (status == STATUS_OK && ledger->jobs < ledger->shape.jobs && is_job(ledger, ledger->jobs)) ledger->jobs += 1;
  ledger->jobs_written = ledger->jobs;
  while (status == STATUS_OK && ledger->spans < ledger->shape.spans && ledger->span[ledger->spans].ranks > 0)
    ledger->spans += 1;
  ledger->spans_written = ledger->spans;
  return status;
}

static enum status read_all(const struct sweep *sweep, struct ledger *ledger, int64_t *damaged) {
  TRY(read_trials(ledger, damaged));
  TRY(read_points(sweep, ledger));
  TRY(read_logs(ledger));
  TRY(store_read_values(&ledger->file, "/sweep/chosen", STORE_I64, 1, &ledger->chosen));
  if (ledger->chosen > 0 && ledger->points > ledger->chosen) ledger->points = ledger->chosen;
  return STATUS_OK;
}

static enum status open_ledger(const char *path, const struct sweep *sweep, int64_t extended, bool writing,
                               struct ledger *ledger, int64_t *damaged) {
  const struct ledger_shape shape = ledger_shape_of(sweep, extended);
  char resolved[STORE_PATH_MAX];
  if (writing) {
    TRY(output_resolve(path, true, resolved));
    TRY(store_lock_take(resolved, 0, &ledger->lock));
  }
  TRY(store_open(&ledger->self, path, &ledger->file));
  TRY(store_check_format(&ledger->file, LEDGER_FORMAT, LEDGER_VERSION));
  TRY(check_extents(&ledger->file, &shape)); /* before memory is asked for as they say */
  TRY(ledger_allocate(sweep, &shape, ledger));
  TRY(read_all(sweep, ledger, damaged));
  store_close(&ledger->file);
  if (!writing) return STATUS_OK;
  TRY(store_reopen(&ledger->self, path, &ledger->lock, &ledger->file));
  return check_extents(&ledger->file, &shape);
}

enum status ledger_open(const char *path, const struct sweep *sweep, int64_t extended, bool writing,
                        struct ledger *ledger, int64_t *damaged) {
  *damaged = 0;
  TRY(open_self(ledger));
  const enum status status = open_ledger(path, sweep, extended, writing, ledger, damaged);
  if (status != STATUS_OK) ledger_close(ledger);
  return status;
}

enum status ledger_draft(const struct sweep *sweep, int64_t extended, struct ledger *ledger) {
  const struct ledger_shape shape = ledger_shape_of(sweep, extended);
  TRY(open_self(ledger));
  const enum status status = ledger_allocate(sweep, &shape, ledger);
  if (status != STATUS_OK) ledger_close(ledger);
  return status;
}

static enum status publish(struct ledger *ledger) {
  TRY(store_publish(&ledger->file));
  return store_sync(&ledger->file);
}

enum status ledger_create(const char *path, const struct sweep *sweep, const struct ledger_texts *texts,
                          struct ledger *ledger) {
  TRY(ledger_draft(sweep, texts->extended, ledger));
  enum status status = ledger_make(path, sweep, texts, false, ledger);
  if (status == STATUS_OK) status = publish(ledger);
  if (status != STATUS_OK) ledger_close(ledger);
  return status;
}

/* ---- A larger one ---- */

/* Trials that confirm stand behind all others: they move to the new end. */
static void take_over(struct ledger *ledger, const struct sweep *sweep, const struct ledger *old, int64_t added) {
  const struct ledger_shape *shape = &ledger->shape;
  const int64_t confirming = sweep->confirm * ledger_confirm_seeds(sweep), searched = old->shape.trials - confirming;
  for (int64_t from = 0; from < old->shape.trials; from++) {
    const int64_t to = from < searched ? from : from + added * sweep->repeats;
    ledger_copy_row(old, from, ledger, to);
    if (old->trial[from].starts > 0 || old->trial[from].state != TRIAL_QUEUED) ledger_touch_reports(ledger, to);
  }
  memcpy(ledger->point, old->point, (size_t)(old->shape.configurations * shape->parameters) * sizeof(double));
  ledger->points = old->points;
  for (; ledger->jobs < old->jobs; ledger->jobs++) ledger->job[ledger->jobs] = old->job[ledger->jobs];
  for (; ledger->spans < old->spans; ledger->spans++) ledger->span[ledger->spans] = old->span[ledger->spans];
}

static enum status enlarge(const char *path, const struct sweep *sweep, const struct ledger_texts *texts,
                           const struct ledger *old, struct ledger *ledger) {
  const struct ledger_shape shape = ledger_shape_of(sweep, texts->extended);
  TRY(ledger_allocate(sweep, &shape, ledger));
  TRY(ledger_make(path, sweep, texts, true, ledger));
  take_over(ledger, sweep, old, shape.configurations - old->shape.configurations);
  for (; ledger->events < old->events; ledger->events++) {
    ledger->event[ledger->events] = old->event[ledger->events];
    TRY(ledger_write_event(ledger, ledger->events));
  }
  TRY(ledger_flush(ledger));
  TRY(store_publish(&ledger->file));
  return store_sync(&ledger->file);
}

enum status ledger_enlarge(const char *path, const struct sweep *sweep, const struct ledger_texts *texts,
                           struct ledger *ledger) {
  store_close(&ledger->file);
  struct ledger old = *ledger;
  enum status status = open_self(ledger); /* in its place: its file keeps a pointer to the communicator */
  ledger->lock = old.lock;                /* the name stays ours */
  old.lock.held = false;
  if (status == STATUS_OK) status = enlarge(path, sweep, texts, &old, ledger);
  ledger_close(&old);
  if (status != STATUS_OK) ledger_close(ledger);
  return status;
}
