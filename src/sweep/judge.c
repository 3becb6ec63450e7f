#include "sweep/judge.h"

#include <math.h>
#include <string.h>

/* Rungs that the trial has values of, from the first. */
static int count_reached(const struct judge *judge, int64_t trial) {
  const int rungs = judge->ledger->shape.rungs;
  const double *row = judge->ledger->rung + trial * rungs;
  int k = judge->reached[trial];
  while (k < rungs && !isnan(row[k])) k++;
  return k;
}

/* What the trial has at a rung, or that it has nothing, will not change. */
static bool is_settled(const struct judge *judge, int64_t trial, int k) {
  if (judge->stopped[trial]) return true;
  const int reached = judge->reached[trial];
  if (judge->passed[trial] < (k < reached ? k : reached)) return false;
  return reached > k || trial_ended(judge->ledger->trial[trial].state);
}

/* What it has reported behind the rung is of a training that should not have been. */
static void cut_record(struct judge *judge, int64_t trial, int k) {
  struct ledger *ledger = judge->ledger;
  const struct ledger_shape *shape = &ledger->shape;
  struct ledger_trial *row = &ledger->trial[trial];
  const int64_t reports = ledger->rung_report[k], first = trial * shape->reports;
  if (row->reports > reports) {
    ledger_forget_reports(ledger, trial, reports);
    row->reports = reports;
    row->step = ledger->report_step[first + reports - 1];
    row->value = ledger->validation[(first + reports - 1) * shape->scores + ledger_metric(judge->sweep, ledger, 0)];
  }
  for (int j = k + 1; j < shape->rungs; j++) ledger->rung[trial * shape->rungs + j] = NAN;
  ledger_forget_test(ledger, trial);
  memset(row->reason, 0, sizeof row->reason);
  if (row->state != TRIAL_RUNNING) row->state = TRIAL_PRUNED;
  ledger_touch_reports(ledger, trial);
}

static void stop(struct judge *judge, int64_t trial, int k) {
  judge->stopped[trial] = 1;
  judge->reached[trial] = k + 1;
  cut_record(judge, trial, k);
  judge->fresh[judge->freshs++] = trial;
}

/* ---- Where a trial stands ---- */

/* What others are looked at by, of a trial that has come to the rung. */
static double score_of(const struct judge *judge, int64_t trial, int k) {
  const int64_t at = trial * judge->ledger->shape.rungs + k;
  return judge->sum ? judge->sum[at] / (k + 1) : judge->ledger->rung[at];
}

static void add_standing(struct judge *judge, int64_t trial, int k) {
  if (k < judge->reached[trial]) standing_add(&judge->standing[k], score_of(judge, trial, k), trial);
}

/* Among trials 0..others-1. Those behind that are in the standing already are few, a window or what has overtaken it,
 * and are taken out one by one. */
static struct early_view view_of(const struct judge *judge, int64_t trial, int k, int64_t others) {
  const struct standing *standing = &judge->standing[k];
  const double *row = judge->ledger->rung + trial * judge->ledger->shape.rungs;
  const int64_t end = judge->sweep->arrival ? judge->top : judge->settled[k];
  double own = row[k];
  for (int i = 0; judge->sum && i < k; i++) own = fmin(own, row[i]);
  const int64_t place = standing_place(standing, own, -1);
  struct early_view view = {.own = own,
                            .count = standing->count,
                            .better = place,
                            .below = -(double)INFINITY,
                            .above = (double)INFINITY,
                            .eta = judge->sweep->early.eta};
  for (int64_t t = others; t < end; t++) {
    if (k >= judge->reached[t]) continue;
    view.count -= 1;
    view.better -= score_of(judge, t, k) < own;
  }
  int64_t below = place - 1, above = place;
  while (below >= 0 && standing->member[below].number >= others) below -= 1;
  while (above < standing->count && standing->member[above].number >= others) above += 1;
  if (below >= 0) view.below = standing->member[below].value;
  if (above < standing->count) view.above = standing->member[above].value;
  return view;
}

/* ---- What follows from what is known ---- */

static bool waits_at(const struct judge *judge, int64_t trial, int k) {
  return !judge->stopped[trial] && judge->passed[trial] == k && k < judge->reached[trial];
}

/* The rungs that are known enough. */
static void judge_trial(struct judge *judge, int64_t trial) {
  const bool arrival = judge->sweep->arrival;
  const int64_t others = arrival ? trial : trial - judge->sweep->window + 1;
  while (!judge->stopped[trial] && judge->passed[trial] < judge->reached[trial]) {
    const int k = judge->passed[trial];
    if (k >= judge->first && others > 0) {
      if (!arrival && judge->settled[k] < others) return;
      const struct early_view view = view_of(judge, trial, k, others);
      if (judge->kind->stops(&view)) {
        stop(judge, trial, k);
        return;
      }
    }
    judge->passed[trial] = k + 1;
  }
}

/* Whatever has become known of trials, rung by rung upwards: each trial that is settled at one lets another one be
 * judged there, if that waits for it, and what this changes is of rungs above. */
static void advance(struct judge *judge) {
  const int64_t window = judge->sweep->window;
  for (int k = 0; k < judge->ledger->shape.rungs && !judge->sweep->arrival; k++)
    while (judge->settled[k] < judge->trials && is_settled(judge, judge->settled[k], k)) {
      add_standing(judge, judge->settled[k], k);
      judge->settled[k] += 1;
      const int64_t next = judge->settled[k] + window - 1;
      if (next < judge->trials && waits_at(judge, next, k)) judge_trial(judge, next);
    }
}

/* Takes the rungs that the trial has come to since. */
static void look(struct judge *judge, int64_t trial) {
  const int64_t first = trial * judge->ledger->shape.rungs;
  if (judge->stopped[trial]) return;
  const int before = judge->reached[trial];
  judge->reached[trial] = count_reached(judge, trial);
  if (judge->reached[trial] > before && trial >= judge->top) judge->top = trial + 1;
  for (int k = before; k < judge->reached[trial]; k++) {
    if (judge->sum) judge->sum[first + k] = (k > 0 ? judge->sum[first + k - 1] : 0) + judge->ledger->rung[first + k];
    if (judge->sweep->arrival) add_standing(judge, trial, k);
  }
}

void judge_hear(struct judge *judge, int64_t trial) {
  if (!judge->kind || trial >= judge->trials) return;
  look(judge, trial);
  judge_trial(judge, trial);
  advance(judge);
}

int64_t judge_take(struct judge *judge) { return judge->freshs > 0 ? judge->fresh[--judge->freshs] : -1; }

bool judge_has_stopped(const struct judge *judge, int64_t trial) {
  return judge->kind && trial < judge->trials && judge->stopped[trial];
}

bool judge_is_final(const struct judge *judge, int64_t trial) {
  if (!judge->kind || trial >= judge->trials || judge->stopped[trial]) return true;
  return judge->passed[trial] == judge->reached[trial];
}

enum status judge_open(const struct sweep *sweep, struct ledger *ledger, struct judge *judge) {
  const struct early_kind *kind = early_find(sweep);
  *judge = (struct judge){.sweep = sweep, .ledger = ledger};
  if (!kind || !kind->stops || ledger->shape.rungs == 0) return STATUS_OK;
  judge->kind = kind;
  judge->first = early_first(sweep);
  judge->trials = ledger->shape.configurations * sweep->repeats;
  const int64_t n = judge->trials, rungs = ledger->shape.rungs;
  judge->reached = arena_array(&judge->arena, n, sizeof *judge->reached);
  judge->passed = arena_array(&judge->arena, n, sizeof *judge->passed);
  judge->stopped = arena_array(&judge->arena, n, sizeof *judge->stopped);
  judge->settled = arena_array(&judge->arena, rungs, sizeof *judge->settled);
  judge->standing = arena_array(&judge->arena, rungs, sizeof *judge->standing);
  struct standing_member *member = arena_array(&judge->arena, n * rungs, sizeof *member);
  if (kind->means) judge->sum = arena_array(&judge->arena, n * rungs, sizeof *judge->sum);
  judge->fresh = arena_array(&judge->arena, n, sizeof *judge->fresh);
  TRY(arena_check(&judge->arena, "early stopping"));
  for (int64_t k = 0; k < rungs; k++) judge->standing[k].member = member + k * n;
  for (int64_t t = 0; t < n; t++) {
    look(judge, t);
    /* What was judged as it arrived is not judged anew. */
    if (sweep->arrival) judge->passed[t] = judge->reached[t];
    judge->stopped[t] = sweep->arrival && ledger->trial[t].state == TRIAL_PRUNED;
  }
  for (int64_t t = 0; t < n; t++) judge_trial(judge, t);
  advance(judge);
  return STATUS_OK;
}

void judge_close(struct judge *judge) {
  arena_free(&judge->arena);
  *judge = (struct judge){.sweep = NULL};
}
