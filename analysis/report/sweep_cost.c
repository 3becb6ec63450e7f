#include "analysis/report/sweep_cost.h"

#include "config/config.h"

#include <math.h>
#include <stdlib.h>

/* ---- Costs ---- */

double sweep_cost_trial(const struct ledger_trial *trial) {
  const double hours = trial->seconds * (double)trial->ranks / 3600;
  return isfinite(hours) ? hours : 0;
}

/* Steps of the trial to its end; 0: unknown. */
static int64_t whole_steps(const struct sweep *sweep, const struct ledger *ledger, int64_t trial) {
  const struct ledger_trial *row = &ledger->trial[trial];
  const double *point = ledger->point + row->configuration * ledger->shape.parameters;
  struct config *config = NULL;
  int64_t steps = 0;
  if (sweep_trial_config(sweep, point, row->seed, &config) == STATUS_OK)
    steps = config_experiment(config)->training.train.steps;
  else
    status_clear();
  config_destroy(&config);
  return steps;
}

static void add_saved(const struct sweep *sweep, const struct ledger *ledger, int64_t trial, struct sweep_cost *cost) {
  const struct ledger_trial *row = &ledger->trial[trial];
  const int64_t all = row->step > 0 ? whole_steps(sweep, ledger, trial) : 0;
  if (all <= 0) {
    cost->unknown += 1;
    return;
  }
  const int64_t left = all > row->step ? all - row->step : 0;
  cost->steps_left += left;
  cost->saved += sweep_cost_trial(row) / (double)row->step * (double)left;
}

enum status sweep_cost_measure(const struct sweep *sweep, const struct ledger *ledger, struct sweep_cost *cost) {
  *cost = (struct sweep_cost){.total = 0};
  for (int64_t t = 0; t < ledger->shape.trials; t++) {
    const struct ledger_trial *row = &ledger->trial[t];
    const double hours = sweep_cost_trial(row);
    if (!ledger_counts(sweep, ledger, t)) continue;
    cost->trials[row->state] += 1;
    cost->spent[row->state] += hours;
    cost->total += hours;
    if (row->confirms) cost->confirming += hours;
    if (row->state == TRIAL_FAILED || row->state == TRIAL_TIMEOUT) cost->wasted += hours;
    if (row->state == TRIAL_PRUNED) add_saved(sweep, ledger, t, cost);
  }
  return STATUS_OK;
}

/* ---- Regret ---- */

struct end {
  double time, hours; /* of a trial */
};

static int compare_ends(const void *a, const void *b) {
  const struct end *x = a, *y = b;
  return x->time < y->time ? -1 : x->time > y->time;
}

static int compare_points(const void *a, const void *b) {
  const struct sweep_regret_point *x = a, *y = b;
  if (x->hours != y->hours) return x->hours < y->hours ? -1 : 1;
  return x->configuration < y->configuration ? -1 : x->configuration > y->configuration;
}

/* Trials that have ended, in the order of time, with the sum of what they and those before have cost. */
static int64_t collect_ends(const struct ledger *ledger, struct end *end) {
  int64_t count = 0;
  double sum = 0;
  for (int64_t t = 0; t < ledger->shape.trials; t++)
    if (ledger->trial[t].ended > 0 && sweep_cost_trial(&ledger->trial[t]) > 0)
      end[count++] = (struct end){ledger->trial[t].ended, sweep_cost_trial(&ledger->trial[t])};
  qsort(end, (size_t)count, sizeof *end, compare_ends);
  for (int64_t i = 0; i < count; i++) end[i].hours = sum += end[i].hours;
  return count;
}

static double hours_at(const struct end *end, int64_t count, double time) {
  int64_t low = 0, high = count;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (end[middle].time <= time)
      low = middle + 1;
    else
      high = middle;
  }
  return low > 0 ? end[low - 1].hours : 0;
}

static void fill_regret(const struct sweep *sweep, const struct ledger *ledger, const struct end *end, int64_t ends,
                        struct sweep_regret *regret) {
  const double sign = sweep->metric[0].maximize ? -1 : 1;
  for (int64_t c = 0; c < ledger->points; c++) {
    const struct search_result result = search_result_of(sweep, ledger, c);
    double time = 0;
    if (isnan(result.rank)) continue;
    for (int64_t r = 0; r < sweep->repeats; r++) time = fmax(time, ledger->trial[c * sweep->repeats + r].ended);
    regret->point[regret->count++] =
        (struct sweep_regret_point){hours_at(end, ends, time), c, sign * result.rank, sign * result.rank};
  }
  qsort(regret->point, (size_t)regret->count, sizeof *regret->point, compare_points);
  for (int64_t i = 1; i < regret->count; i++)
    if (sign * regret->point[i - 1].best < sign * regret->point[i].best)
      regret->point[i].best = regret->point[i - 1].best;
}

enum status sweep_regret_measure(const struct sweep *sweep, const struct ledger *ledger, struct sweep_regret *regret) {
  struct end *end = malloc((size_t)(ledger->shape.trials + 1) * sizeof *end);
  *regret = (struct sweep_regret){.point = malloc((size_t)(ledger->points + 1) * sizeof *regret->point)};
  enum status status = STATUS_OK;
  if (!end || !regret->point)
    status = status_raise(STATUS_MEMORY, "out of memory for the costs of a sweep");
  else
    fill_regret(sweep, ledger, end, collect_ends(ledger, end), regret);
  free(end);
  if (status != STATUS_OK) free(regret->point), regret->point = NULL;
  return status;
}

/* ---- Time ---- */

static int64_t part_of(const struct ledger *ledger, int64_t parts, const struct ledger_span *span) {
  if (parts <= 1 || span->trial < 0 || span->trial >= (double)ledger->shape.trials) return 0;
  return ledger->trial[(int64_t)span->trial].configuration % parts;
}

static bool is_after(const struct sweep_lane *a, const struct sweep_lane *b) {
  return a->part != b->part ? a->part > b->part : a->group > b->group;
}

/* Index of the lane, which is put in its place where it is new. */
static int64_t find_lane(struct sweep_time *time, const struct sweep_lane *lane) {
  int64_t at = time->lanes;
  while (at > 0 && is_after(&time->lane[at - 1], lane)) at--;
  if (at > 0 && !is_after(lane, &time->lane[at - 1])) {
    if (lane->ranks > time->lane[at - 1].ranks) time->lane[at - 1].ranks = lane->ranks;
    return at - 1;
  }
  for (int64_t i = time->lanes; i > at; i--) time->lane[i] = time->lane[i - 1];
  time->lane[at] = *lane;
  time->lanes += 1;
  return at;
}

static int compare_spans(const void *a, const void *b) {
  const struct ledger_span *const *x = a, *const *y = b;
  return (*x)->began < (*y)->began ? -1 : (*x)->began > (*y)->began;
}

static bool started_between(const struct ledger *ledger, double from, double to) {
  for (int64_t e = 0; e < ledger->events; e++)
    if (ledger->event[e].kind == EVENT_STARTED && ledger->event[e].time > from && ledger->event[e].time <= to)
      return true;
  return false;
}

/* Ends a session: the groups that have worked in it were there all the time. */
static void close_session(struct sweep_time *time, unsigned char *seen, double began, double ended) {
  for (int64_t l = 0; l < time->lanes; l++) {
    if (seen[l]) time->there += (ended - began) * (double)time->lane[l].ranks;
    seen[l] = 0;
  }
  time->session[time->sessions++] = (struct sweep_session){began, ended};
}

static struct sweep_lane lane_of(const struct ledger *ledger, int64_t parts, const struct ledger_span *span) {
  return (struct sweep_lane){part_of(ledger, parts, span), (int64_t)span->group, (int64_t)span->ranks};
}

static void add_spans(const struct ledger *ledger, int64_t parts, const struct ledger_span **order, unsigned char *seen,
                      struct sweep_time *time) {
  double began = order[0]->began, ended = began;
  for (int64_t i = 0; i < ledger->spans; i++) {
    const struct ledger_span *span = order[i];
    const struct sweep_lane lane = lane_of(ledger, parts, span);
    if (span->began > ended && started_between(ledger, ended, span->began)) {
      close_session(time, seen, began, ended);
      began = span->began;
    }
    seen[find_lane(time, &lane)] = 1;
    ended = fmax(ended, span->ended);
    time->busy += (span->ended - span->began) * span->ranks;
    time->working += span->working * span->ranks;
  }
  close_session(time, seen, began, ended);
}

enum status sweep_time_measure(const struct ledger *ledger, int64_t parts, struct sweep_time *time) {
  const int64_t n = ledger->spans;
  *time = (struct sweep_time){.lanes = 0};
  if (n == 0) return STATUS_OK;
  const struct ledger_span **order = arena_array(&time->arena, n, sizeof *order);
  unsigned char *seen = arena_array(&time->arena, n, 1);
  time->lane = arena_array(&time->arena, n + 1, sizeof *time->lane);
  time->session = arena_array(&time->arena, n, sizeof *time->session);
  time->lane_of = arena_array(&time->arena, n, sizeof *time->lane_of);
  TRY(arena_check(&time->arena, "the times of a sweep"));
  for (int64_t i = 0; i < n; i++) {
    const struct sweep_lane lane = lane_of(ledger, parts, &ledger->span[i]);
    order[i] = &ledger->span[i];
    (void)find_lane(time, &lane);
  }
  qsort(order, (size_t)n, sizeof *order, compare_spans);
  add_spans(ledger, parts, order, seen, time);
  for (int64_t i = 0; i < n; i++) {
    const struct sweep_lane lane = lane_of(ledger, parts, &ledger->span[i]);
    time->lane_of[i] = find_lane(time, &lane);
  }
  return STATUS_OK;
}

void sweep_time_free(struct sweep_time *time) {
  arena_free(&time->arena);
  *time = (struct sweep_time){.lanes = 0};
}
