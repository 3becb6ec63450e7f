#include "sweep/merge.h"

#include "store/output.h"
#include "sweep/early.h"
#include "sweep/folder.h"
#include "sweep/ledger_private.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Which parts there are ---- */

static int compare_numbers(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? -1 : x > y;
}

enum status merge_find(const char *folder, int64_t **index, int64_t *count) {
  int64_t room = 0;
  *index = NULL;
  *count = 0;
  DIR *directory = opendir(folder);
  if (!directory) return STATUS_OK;
  enum status status = STATUS_OK;
  for (struct dirent *entry = readdir(directory); entry && status == STATUS_OK; entry = readdir(directory)) {
    const int64_t part = folder_part_of(entry->d_name);
    if (part < 0) continue;
    if (*count == room) {
      room = 2 * room + 16;
      int64_t *larger = realloc(*index, (size_t)room * sizeof *larger);
      if (!larger) status = status_raise(STATUS_MEMORY, "out of memory for the parts of a sweep");
      if (!larger) continue;
      *index = larger;
    }
    (*index)[(*count)++] = part;
  }
  closedir(directory);
  if (*count > 1) qsort(*index, (size_t)*count, sizeof **index, compare_numbers);
  if (status != STATUS_OK) free(*index), *index = NULL;
  return status;
}

/* ---- Rows ---- */

struct merge_times {
  struct ledger_event *event; /* owned, as the other */
  struct ledger_span *span;
  int64_t events, event_room, spans, span_room;
};

struct merge {
  const struct sweep *sweep;
  const char *folder;
  const struct ledger_texts *texts; /* of the whole */
  struct ledger *whole;
  struct merge_report *report;
  struct merge_times times;
  int64_t chosen; /* configurations of the parts whose search has ended */
  bool news;      /* the whole is not what it was */
};

/* How far a trial has come. What failed may have been put back since. */
static int progress(enum trial_state state) {
  if (state == TRIAL_FAILED || state == TRIAL_TIMEOUT) return 3;
  if (trial_ended(state)) return 4;
  return state == TRIAL_PAUSED ? 2 : state != TRIAL_QUEUED;
}

static bool same_numbers(const double *a, const double *b, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (memcmp(&a[i], &b[i], sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i]))) return false;
  return true;
}

/* One that is under way in a part is lost for whoever goes on with the whole, and is written so. */
static enum trial_state settled(enum trial_state state) { return state == TRIAL_RUNNING ? TRIAL_LOST : state; }

/* Whether two rows have the same result; times do not count. */
static bool same_result(const struct ledger *a, int64_t i, const struct ledger *b, int64_t k) {
  const int64_t reports = a->shape.reports, scores = a->shape.scores, rungs = a->shape.rungs;
  return settled(a->trial[i].state) == settled(b->trial[k].state) && a->trial[i].seed == b->trial[k].seed &&
         a->trial[i].data_sum == b->trial[k].data_sum && a->trial[i].limit_sum == b->trial[k].limit_sum &&
         memcmp(a->report_step + i * reports, b->report_step + k * reports, (size_t)reports * sizeof(int64_t)) == 0 &&
         same_numbers(a->validation + i * reports * scores, b->validation + k * reports * scores, reports * scores) &&
         same_numbers(a->rung + i * rungs, b->rung + k * rungs, rungs) &&
         same_numbers(a->test + i * scores, b->test + k * scores, scores);
}

static void copy_row(const struct ledger *part, int64_t from, struct ledger *whole, int64_t to) {
  const int64_t configuration = to / whole->repeats;
  ledger_copy_row(part, from, whole, to);
  whole->trial[to].configuration = configuration;
  if (whole->points <= configuration) whole->points = configuration + 1;
  ledger_touch_reports(whole, to);
}

/* Whether the part's row takes the place of the whole's. *differs: both are results, and not the same. */
static bool is_ahead(const struct merge *merge, const struct ledger *part, int64_t from, int64_t to, bool *differs) {
  const struct ledger_trial *theirs = &part->trial[from], *ours = &merge->whole->trial[to];
  const int ahead = progress(theirs->state) - progress(ours->state);
  const bool same = same_result(part, from, merge->whole, to);
  *differs = false;
  if (sweep_is_gathered(merge->sweep)) /* nobody else has run it; --retry may have changed more than it has put back */
    return !same && (trial_ended(theirs->state) || !trial_ended(ours->state));
  /* What went wrong in the part may be known here, and have been put back since. */
  const bool wrong = theirs->state == TRIAL_FAILED || theirs->state == TRIAL_TIMEOUT || theirs->state == TRIAL_DIVERGED;
  if (wrong && ahead > 0) return !(ours->ended >= theirs->ended);
  if (ahead != 0) return ahead > 0;
  if (progress(ours->state) == 4 && theirs->state == ours->state) *differs = !same;
  /* Else the one that was begun later, or has come further since; a row that was never begun has no time. */
  return !same && theirs->starts > 0 && (!(ours->began >= theirs->began) || theirs->reports > ours->reports);
}

static enum status take_trial(struct merge *merge, const struct ledger *part, int64_t from) {
  const int64_t to = ledger_trial_number(part, from);
  bool differs;
  const bool ahead = is_ahead(merge, part, from, to, &differs);
  REQUIRE(!differs, STATUS_FILE,
          "%s: trial %" PRId64 " has another result in sweep.part-%" PRId64 ".h5: one of the two is of other data, or "
          "has been changed",
          merge->folder, to, part->part.index);
  if (!ahead) return STATUS_OK;
  copy_row(part, from, merge->whole, to);
  merge->report->taken += 1;
  merge->news = true;
  return STATUS_OK;
}

/* Points, and the log of jobs. Where results decide nothing job j is configuration j; where parts decide for themselves
 * their logs stand one behind the other, each with the room that it may need. */
static void take_jobs(struct merge *merge, const struct ledger *part) {
  struct ledger *whole = merge->whole;
  const size_t bytes = (size_t)whole->shape.parameters * sizeof(double);
  const int64_t all = whole->shape.configurations, index = part->part.index, parts = part->part.count;
  const int64_t larger =
      index < all % parts ? index : all % parts; /* of the parts before it, with one more than others */
  int64_t before = index * (all / parts) + larger;
  before *= whole->shape.jobs / all;
  for (int64_t c = 0; c < part->points; c++) {
    double *point = whole->point + ledger_configuration_number(part, c) * whole->shape.parameters;
    if (!same_numbers(point, part->point + c * whole->shape.parameters, whole->shape.parameters)) merge->news = true;
    memcpy(point, part->point + c * whole->shape.parameters, bytes);
  }
  for (int64_t j = part->jobs; j < part->shape.jobs && sweep_is_gathered(merge->sweep); j++) {
    merge->news = merge->news || whole->job[before + j].number != 0;
    whole->job[before + j] = (struct ledger_job){.number = 0}; /* of a log that was another before --retry */
  }
  for (int64_t j = 0; j < part->jobs; j++) {
    struct ledger_job job = part->job[j];
    job.configuration = ledger_configuration_number(part, job.configuration);
    const int64_t at = sweep_is_gathered(merge->sweep) ? before + j : job.configuration;
    if (!sweep_is_gathered(merge->sweep)) job.number = at + 1;
    if (memcmp(&whole->job[at], &job, sizeof job) != 0) merge->news = true;
    whole->job[at] = job;
  }
}

/* ---- What came from outside, and who did what when ---- */

static enum status make_room(void **rows, int64_t *room, int64_t wanted, size_t size) {
  if (wanted <= *room) return STATUS_OK;
  void *larger = realloc(*rows, (size_t)(2 * wanted) * size);
  REQUIRE(larger, STATUS_MEMORY, "out of memory for the events of a sweep");
  *rows = larger;
  *room = 2 * wanted;
  return STATUS_OK;
}

/* Those of a part, or of the whole itself, are gathered; which of them the whole has already comes out at the end. */
static enum status take_times(struct merge *merge, const struct ledger *from) {
  struct merge_times *times = &merge->times;
  TRY(make_room((void **)&times->event, &times->event_room, times->events + from->events + 1, sizeof *times->event));
  TRY(make_room((void **)&times->span, &times->span_room, times->spans + from->spans + 1, sizeof *times->span));
  for (int64_t e = 0; e < from->events; e++) {
    struct ledger_event *event = &times->event[times->events++];
    *event = from->event[e];
    if (event->trial >= 0) event->trial = ledger_trial_number(from, event->trial);
  }
  for (int64_t s = 0; s < from->spans; s++) {
    struct ledger_span *span = &times->span[times->spans++];
    *span = from->span[s];
    if (span->trial >= 0) span->trial = (double)ledger_trial_number(from, (int64_t)span->trial);
  }
  return STATUS_OK;
}

static int compare_events(const void *a, const void *b) {
  const struct ledger_event *x = a, *y = b;
  if (x->time != y->time) return x->time < y->time ? -1 : 1;
  if (x->trial != y->trial) return x->trial < y->trial ? -1 : 1;
  return (int)x->kind - (int)y->kind;
}

static int compare_spans(const void *a, const void *b) {
  const struct ledger_span *x = a, *y = b;
  if (x->began != y->began) return x->began < y->began ? -1 : 1;
  return x->trial < y->trial ? -1 : x->trial > y->trial;
}

/* In the order of time, each once, as far as there is room. */
static void settle_times(struct merge *merge) {
  struct ledger *whole = merge->whole;
  struct merge_times *times = &merge->times;
  const int64_t events = whole->events, spans = whole->spans;
  if (times->events > 0) qsort(times->event, (size_t)times->events, sizeof *times->event, compare_events);
  if (times->spans > 0) qsort(times->span, (size_t)times->spans, sizeof *times->span, compare_spans);
  whole->events = whole->spans = 0;
  for (int64_t e = 0; e < times->events && whole->events < whole->shape.events; e++)
    if (e == 0 || compare_events(&times->event[e - 1], &times->event[e]) != 0)
      whole->event[whole->events++] = times->event[e];
  for (int64_t s = 0; s < times->spans && whole->spans < whole->shape.spans; s++)
    if (s == 0 || compare_spans(&times->span[s - 1], &times->span[s]) != 0)
      whole->span[whole->spans++] = times->span[s];
  merge->news = merge->news || whole->events > events || whole->spans > spans;
}

/* ---- One part ---- */

static enum status take_part(struct merge *merge, const struct ledger *part) {
  struct merge_part *row = &merge->report->part[part->part.index];
  const int64_t trials = part->shape.trials;
  *row = (struct merge_part){.trials = trials, .there = true};
  merge->report->there += 1;
  for (int64_t t = 0; t < trials; t++) {
    if (!ledger_counts(merge->sweep, part, t)) {
      row->trials -= 1; /* there is no such configuration */
      continue;
    }
    row->ended += trial_ended(part->trial[t].state);
    if (part->trial[t].starts > 0 || part->trial[t].state != TRIAL_QUEUED) TRY(take_trial(merge, part, t));
  }
  take_jobs(merge, part);
  TRY(take_times(merge, part));
  merge->report->complete += part->chosen != 0 && row->ended == row->trials;
  if (part->chosen > 0) merge->chosen += part->chosen;
  return STATUS_OK;
}

/* ---- All of them ---- */

static enum status check_texts(struct merge *merge, const char *path, int64_t index, const struct ledger_texts *texts) {
  TRY(ledger_compare(merge->sweep, merge->texts->effective, path, texts));
  REQUIRE(texts->part.index == index, STATUS_FILE, "%s: holds part %" PRId64 ", and is named as part %" PRId64, path,
          texts->part.index, index);
  REQUIRE(merge->report->parts == 0 || merge->report->parts == texts->part.count, STATUS_CONFIG,
          "%s: is one of %" PRId64 " parts, and others there are of %" PRId64, path, texts->part.count,
          merge->report->parts);
  REQUIRE(texts->extended == 0, STATUS_FILE, "%s: a part that was made larger, which no part can be", path);
  REQUIRE(strcmp(merge->texts->numerics, texts->numerics) == 0, STATUS_CONFIG,
          "%s: was computed with what gives other bits: %s; the others with %s", path, texts->numerics,
          merge->texts->numerics);
  return STATUS_OK;
}

/* The first says how many parts there are. */
static enum status learn_texts(struct merge *merge, const struct ledger_texts *texts) {
  struct merge_report *report = merge->report;
  if (report->part) return STATUS_OK;
  report->parts = texts->part.count;
  report->part = calloc((size_t)report->parts, sizeof *report->part);
  REQUIRE(report->part, STATUS_MEMORY, "out of memory for the parts of a sweep");
  for (int64_t i = 0; i < report->parts; i++) {
    const struct sweep_part part = {i, report->parts};
    report->part[i].trials = sweep_part_size(&part, merge->whole->shape.configurations) * merge->sweep->repeats;
  }
  return STATUS_OK;
}

static enum status read_part(struct merge *merge, int64_t index) {
  struct sweep sweep = *merge->sweep; /* what it points to is the whole's */
  struct ledger_texts texts;
  struct ledger part;
  char path[STORE_PATH_MAX];
  int64_t damaged;
  TRY(folder_part(merge->folder, index, path));
  enum status status = ledger_read_texts(path, &texts);
  if (status == STATUS_FILE)
    return status_context(STATUS_FILE,
                          "remove it and run part %" PRId64 " again, where trials that are through are found", index);
  TRY(status);
  status = check_texts(merge, path, index, &texts);
  if (status == STATUS_OK) status = learn_texts(merge, &texts);
  if (!sweep_is_gathered(&sweep)) sweep.slurm.array = texts.part.count; /* the file may have had another since */
  if (status == STATUS_OK) status = sweep_take_part(&sweep, index, texts.part.count);
  if (status == STATUS_OK) status = ledger_open(path, &sweep, texts.extended, false, &part, &damaged);
  ledger_texts_free(&texts);
  TRY(status);
  status = take_part(merge, &part);
  ledger_close(&part);
  return status;
}

/* Errors are comparable when they were held against the same. */
static enum status check_data(const struct merge *merge) {
  const struct ledger *whole = merge->whole;
  struct {
    int64_t held, trial;
  } seen[64];
  int count = 0;
  for (int64_t t = 0; t < whole->shape.trials; t++) {
    const struct ledger_trial *row = &whole->trial[t];
    if (row->held_sum == 0 || row->state == TRIAL_FAILED || row->state == TRIAL_QUEUED) continue;
    int i = 0;
    while (i < count && seen[i].held != row->held_sum) i++;
    if (i == (int)(sizeof seen / sizeof *seen)) continue;
    if (i == count) seen[count].held = row->held_sum, seen[count++].trial = t;
    const struct ledger_trial *first = &whole->trial[seen[i].trial];
    REQUIRE(row->data_sum == first->data_sum && row->limit_sum == first->limit_sum, STATUS_FILE,
            "%s: trials %" PRId64 " and %" PRId64 " name the same data set and had another, or another limit file "
            "beside it: their errors mean different things",
            merge->folder, seen[i].trial, t);
  }
  return STATUS_OK;
}

/* One job knows how many configurations there are when it has nothing more to confirm. */
static void settle_chosen(struct merge *merge) {
  const struct sweep *sweep = merge->sweep;
  const struct merge_report *report = merge->report;
  struct ledger *whole = merge->whole;
  if (sweep_is_gathered(sweep) && report->taken > 0) whole->chosen = 0; /* the best, anew */
  const bool extended = whole->shape.configurations > sweep_configurations(sweep, 0);
  if (report->parts == 0 || report->complete < report->parts || extended || whole->chosen != 0 || sweep->confirm > 0)
    return;
  whole->chosen = merge->chosen > 0 ? merge->chosen : LEDGER_NONE_CHOSEN;
  merge->news = true;
}

static enum status collect(struct merge *merge, const int64_t *index, int64_t count) {
  TRY(take_times(merge, merge->whole));
  for (int64_t i = 0; i < count; i++) TRY(read_part(merge, index[i]));
  settle_times(merge);
  TRY(check_data(merge));
  settle_chosen(merge);
  return STATUS_OK;
}

void merge_report_free(struct merge_report *report) {
  free(report->part);
  *report = (struct merge_report){.part = NULL};
}

/* ---- The file ---- */

/* Until it has what the parts say, a new one is in memory alone. */
static enum status open_whole(struct merge *merge, const char *path, bool exists, bool writing) {
  struct ledger_texts there;
  int64_t damaged;
  if (!exists) return ledger_draft(merge->sweep, merge->texts->extended, merge->whole);
  TRY(ledger_read_texts(path, &there)); /* it may have been extended meanwhile */
  enum status status = ledger_compare(merge->sweep, merge->texts->effective, path, &there);
  const int64_t extended = there.extended;
  ledger_texts_free(&there);
  return status == STATUS_OK ? ledger_open(path, merge->sweep, extended, writing, merge->whole, &damaged) : status;
}

static enum status open_and_collect(struct merge *merge, const char *path, bool writing, bool *exists) {
  int64_t *index, count;
  TRY(output_exists(path, exists));
  TRY(merge_find(merge->folder, &index, &count));
  enum status status = STATUS_OK;
  if (count == 0 && !*exists)
    status = status_raise(STATUS_FILE, "%s: there is no sweep.part-I.h5 in it", merge->folder);
  if (status == STATUS_OK) status = open_whole(merge, path, *exists, writing && count > 0);
  if (status == STATUS_OK && count > 0) {
    status = collect(merge, index, count);
    if (status != STATUS_OK) ledger_close(merge->whole);
  }
  free(index);
  free(merge->times.event);
  free(merge->times.span);
  merge->report->news = merge->news;
  if (status != STATUS_OK) merge_report_free(merge->report);
  return status;
}

enum status merge_view(const struct sweep *sweep, const char *folder, const struct ledger_texts *texts,
                       struct ledger *whole, struct merge_report *report) {
  struct merge merge = {.sweep = sweep, .folder = folder, .texts = texts, .whole = whole, .report = report};
  char path[STORE_PATH_MAX];
  bool exists;
  *report = (struct merge_report){.part = NULL};
  TRY(folder_ledger(folder, path));
  return open_and_collect(&merge, path, false, &exists);
}

static enum status write_rows(struct ledger *whole) {
  const struct ledger_shape *shape = &whole->shape;
  for (int64_t t = 0; t < shape->trials; t++) /* whoever goes on with it has not done that */
    whole->trial[t].state = settled(whole->trial[t].state);
  TRY(store_write_independent(&whole->file, "/configuration/point", 0, shape->configurations, whole->point));
  TRY(store_write_independent(&whole->file, "/job/row", 0, shape->jobs, whole->job));
  whole->points_written = whole->points;
  whole->jobs_written = whole->jobs;
  whole->spans_written = 0;
  for (int64_t e = 0; e < whole->events; e++) TRY(ledger_write_event(whole, e));
  TRY(ledger_flush(whole));
  TRY(store_write_independent(&whole->file, "/sweep/chosen", 0, 1, &whole->chosen));
  return ledger_sync(whole);
}

/* A new file has its name when it has all of it. */
static enum status make_file(const struct merge *merge, const char *path) {
  TRY(ledger_make(path, merge->sweep, merge->texts, false, merge->whole));
  TRY(write_rows(merge->whole));
  TRY(store_publish(&merge->whole->file));
  return store_sync(&merge->whole->file);
}

enum status merge_write(const struct sweep *sweep, const char *folder, const struct ledger_texts *texts,
                        struct ledger *whole, struct merge_report *report) {
  struct merge merge = {.sweep = sweep, .folder = folder, .texts = texts, .whole = whole, .report = report};
  char path[STORE_PATH_MAX];
  bool exists;
  *report = (struct merge_report){.part = NULL};
  TRY(folder_ledger(folder, path));
  TRY(open_and_collect(&merge, path, true, &exists));
  enum status status = STATUS_OK;
  if (!exists)
    status = make_file(&merge, path);
  else if (report->news)
    status = write_rows(whole);
  if (status == STATUS_OK) return STATUS_OK;
  ledger_close(whole);
  merge_report_free(report);
  return status;
}
