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

/* The rungs that are known enough. */
static void judge_trial(struct judge *judge, int64_t trial) {
  const int rungs = judge->ledger->shape.rungs;
  const int64_t window = judge->sweep->window;
  while (!judge->stopped[trial] && judge->passed[trial] < judge->reached[trial]) {
    const int k = judge->passed[trial];
    const bool arrival = judge->sweep->arrival;
    const int64_t others = arrival ? trial : trial - window + 1;
    if (k >= judge->first && others > 0) {
      if (!arrival && judge->settled[k] < others) return;
      const struct early_view view = {.own = judge->ledger->rung + trial * rungs,
                                      .others = judge->ledger->rung,
                                      .count = others,
                                      .rungs = rungs,
                                      .rung = k,
                                      .eta = judge->sweep->early.eta};
      if (judge->kind->stops(&view)) {
        stop(judge, trial, k);
        return;
      }
    }
    judge->passed[trial] = k + 1;
  }
}

/* Each trial that is judged may let others be: until nothing changes. */
static void advance(struct judge *judge) {
  for (bool changed = true; changed;) {
    changed = false;
    for (int k = 0; k < judge->ledger->shape.rungs; k++)
      while (judge->settled[k] < judge->trials && is_settled(judge, judge->settled[k], k)) {
        judge->settled[k] += 1;
        changed = true;
      }
    int64_t kept = 0;
    for (int64_t i = 0; i < judge->pendings; i++) {
      const int64_t trial = judge->pending[i];
      const int before = judge->passed[trial];
      judge_trial(judge, trial);
      changed = changed || judge->passed[trial] != before || judge->stopped[trial];
      if (!judge->stopped[trial] && judge->passed[trial] < judge->reached[trial]) judge->pending[kept++] = trial;
    }
    judge->pendings = kept;
  }
}

/* True: it has come to a rung at which it is to be judged. */
static bool look(struct judge *judge, int64_t trial) {
  if (judge->stopped[trial]) return false;
  const bool waits = judge->passed[trial] < judge->reached[trial];
  judge->reached[trial] = count_reached(judge, trial);
  return !waits && judge->passed[trial] < judge->reached[trial];
}

void judge_hear(struct judge *judge, int64_t trial) {
  if (!judge->kind || trial >= judge->trials) return;
  if (look(judge, trial)) judge->pending[judge->pendings++] = trial;
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
  const int64_t n = judge->trials;
  judge->reached = arena_array(&judge->arena, n, sizeof *judge->reached);
  judge->passed = arena_array(&judge->arena, n, sizeof *judge->passed);
  judge->stopped = arena_array(&judge->arena, n, sizeof *judge->stopped);
  judge->settled = arena_array(&judge->arena, ledger->shape.rungs, sizeof *judge->settled);
  judge->pending = arena_array(&judge->arena, n, sizeof *judge->pending);
  judge->fresh = arena_array(&judge->arena, n, sizeof *judge->fresh);
  TRY(arena_check(&judge->arena, "early stopping"));
  for (int64_t t = 0; t < n; t++) {
    if (!look(judge, t)) continue;
    /* What was judged as it arrived is not judged anew. */
    if (sweep->arrival)
      judge->passed[t] = judge->reached[t];
    else
      judge->pending[judge->pendings++] = t;
    judge->stopped[t] = sweep->arrival && ledger->trial[t].state == TRIAL_PRUNED;
  }
  advance(judge);
  return STATUS_OK;
}

void judge_close(struct judge *judge) {
  arena_free(&judge->arena);
  *judge = (struct judge){.sweep = NULL};
}
