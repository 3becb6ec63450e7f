#include "sweep/search.h"

#include <math.h>
#include <string.h>

/* A space whose points are counted: beyond that it never runs out. Draws of points that were there before, one after
 * the other, after which a method is taken to have no new ones. */
enum { SEARCH_COUNTED = 1000000, SEARCH_REPEATED = 200000 };

/* ---- Results ---- */

static int severity(enum trial_state state) {
  switch (state) {
  case TRIAL_FAILED:
    return 5;
  case TRIAL_TIMEOUT:
    return 4;
  case TRIAL_DIVERGED:
    return 3;
  case TRIAL_INFEASIBLE:
    return 2;
  case TRIAL_PRUNED:
    return 1;
  default:
    return 0;
  }
}

/* Scores of the last report. */
static const double *last_scores(const struct ledger *ledger, int64_t trial) {
  const int64_t reports = ledger->trial[trial].reports, all = ledger->shape.reports;
  return reports < 1 ? NULL : ledger->validation + (trial * all + reports - 1) * ledger->shape.scores;
}

void search_mean_add(struct search_mean *mean, double value) {
  if (!isfinite(value)) return;
  mean->count += 1;
  mean->sum += value;
  mean->squares += value * value;
}

double search_mean_value(const struct search_mean *mean) {
  return mean->count > 0 ? mean->sum / (double)mean->count : NAN;
}

double search_mean_error(const struct search_mean *mean) {
  const double n = (double)mean->count;
  return n > 1 ? sqrt(fmax(0, mean->squares - mean->sum * mean->sum / n) / (n - 1) / n) : NAN;
}

struct search_result search_result_of(const struct sweep *sweep, const struct ledger *ledger, int64_t configuration) {
  struct search_result result = {.state = TRIAL_COMPLETE, .feasible = true, .step = INT64_MAX, .rank = NAN};
  struct search_mean mean = {.count = 0};
  for (int64_t r = 0; r < sweep->repeats; r++) {
    const int64_t number = configuration * sweep->repeats + r;
    const struct ledger_trial *trial = &ledger->trial[number];
    const double *scores = last_scores(ledger, number);
    if (severity(trial->state) > severity(result.state)) result.state = trial->state;
    if (trial->step < result.step) result.step = trial->step;
    if (trial->state == TRIAL_INFEASIBLE) result.feasible = false;
    if ((trial->state != TRIAL_COMPLETE && trial->state != TRIAL_PRUNED) || !isfinite(trial->value)) continue;
    const double *point = ledger->point + configuration * ledger->shape.parameters;
    if (scores && sweep_violates_score(sweep, point, ledger->score, scores, ledger->shape.scores))
      result.feasible = false;
    search_mean_add(&mean, trial->value);
  }
  result.repeats = mean.count;
  result.mean = search_mean_value(&mean);
  result.error = search_mean_error(&mean);
  if (result.repeats == sweep->repeats && result.feasible && severity(result.state) == 0)
    result.rank = sweep->metric[0].maximize ? -result.mean : result.mean;
  return result;
}

int64_t search_best(const struct sweep *sweep, const struct ledger *ledger, int64_t most, int64_t *best) {
  int64_t count = 0;
  for (int64_t c = 0; c < ledger->points && most > 0; c++) {
    const double rank = search_result_of(sweep, ledger, c).rank;
    if (isnan(rank)) continue;
    if (count == most && !(rank < search_result_of(sweep, ledger, best[count - 1]).rank)) continue;
    int64_t at = count < most ? count++ : count - 1;
    for (; at > 0 && rank < search_result_of(sweep, ledger, best[at - 1]).rank; at--) best[at] = best[at - 1];
    best[at] = c;
  }
  return count;
}

static bool has_ended(const struct search *search, int64_t configuration) {
  for (int64_t r = 0; r < search->sweep->repeats; r++)
    if (!trial_ended(search->ledger->trial[configuration * search->sweep->repeats + r].state)) return false;
  return true;
}

/* ---- Points that were chosen ---- */

static double *point_of(const struct search *search, int64_t configuration) {
  return search->ledger->point + configuration * search->ledger->shape.parameters;
}

/* The slot of a point, or the free one where it belongs. */
static int64_t find_slot(const struct search *search, const double *point) {
  const struct space *space = &search->sweep->space;
  int64_t at = (int64_t)(space_hash(space, point) & (uint64_t)(search->slots - 1));
  while (search->slot[at] >= 0 && !space_equal(space, point_of(search, search->slot[at]), point))
    at = (at + 1) & (search->slots - 1);
  return at;
}

static bool is_new(const struct search *search, const double *point) {
  return search->slot[find_slot(search, point)] < 0;
}

/* ---- Choosing ---- */

/* Of jobs 0..j-W alone a choice may know, j being the first trial of the configuration. */
static int64_t knowable(const struct search *search, int64_t configuration) {
  const struct sweep *sweep = search->sweep;
  const int64_t jobs = configuration * sweep->repeats - sweep->window + 1;
  return jobs <= 0 ? 0 : jobs / sweep->repeats;
}

/* `order: arrival`: what has ended by now, without waiting. */
static int64_t ended_now(const struct search *search) {
  int64_t c = search->known;
  while (c < search->ledger->points && has_ended(search, c)) c++;
  return c;
}

static void learn(struct search *search, int64_t configurations) {
  for (; search->known < configurations; search->known++) {
    const struct search_result result = search_result_of(search->sweep, search->ledger, search->known);
    search->state[search->known] = result.state;
    search->value[search->known] = result.rank;
    search->feasible[search->known] = result.feasible;
    search->step[search->known] = result.step;
  }
}

static bool reached(const struct search *search, int64_t configurations) {
  const struct sweep_metric *metric = &search->sweep->metric[0];
  if (isnan(metric->target)) return false;
  const double bound = metric->maximize ? -metric->target : metric->target;
  for (int64_t c = 0; c < configurations; c++)
    if (search->value[c] <= bound) return true;
  return false;
}

static struct method_task task_of(const struct sweep *sweep) {
  return (struct method_task){
      .space = &sweep->space, .seed = sweep->seed, .configurations = sweep->run_cap, .metrics = sweep->metrics};
}

static enum status draw(struct search *search, double *point, bool *exhausted) {
  const struct sweep *sweep = search->sweep;
  const struct method_task task = task_of(sweep);
  *exhausted = false;
  search->history.count = search->ledger->points;
  search->history.known = search->known;
  for (int64_t repeated = 0; !*exhausted; repeated++) {
    TRY(sweep->method->propose(&task, search->memory, sweep->method->learns ? &search->history : NULL, search->draws,
                               point, exhausted));
    if (*exhausted) break;
    search->draws += 1;
    if (is_new(search, point)) return STATUS_OK;
    *exhausted = repeated >= SEARCH_REPEATED;
  }
  return STATUS_OK;
}

static void end(struct search *search, const char *why) {
  search->ended = true;
  search->why = why;
}

/* Chooses configuration `c`, whatever stands there. */
static enum status choose(struct search *search, int64_t c, double *point) {
  const struct sweep *sweep = search->sweep;
  bool exhausted = false;
  if (c < sweep->enqueues)
    memcpy(point, sweep->enqueued + c * sweep->space.count, (size_t)sweep->space.count * sizeof *point);
  else
    TRY(draw(search, point, &exhausted));
  if (exhausted) end(search, "the method has no new points");
  return STATUS_OK;
}

/* The first trials of the configuration, as they stand before they are run. */
static void begin_trials(struct search *search, int64_t c) {
  const struct sweep *sweep = search->sweep;
  const bool infeasible = sweep_violates(sweep, point_of(search, c)) != NULL;
  for (int64_t r = 0; r < sweep->repeats; r++) {
    const int64_t number = c * sweep->repeats + r;
    struct ledger_trial *trial = &search->ledger->trial[number];
    trial->configuration = c;
    trial->repeat = r;
    trial->seed = ledger_seed(sweep, r);
    if (!infeasible) continue;
    trial->state = TRIAL_INFEASIBLE;
    snprintf(trial->reason, sizeof trial->reason, "violates %.200s", sweep_violates(sweep, point_of(search, c)));
    ledger_touch_reports(search->ledger, number);
  }
}

static void remember(struct search *search, int64_t c) { search->slot[find_slot(search, point_of(search, c))] = c; }

enum status search_next(struct search *search, enum search_answer *answer) {
  struct ledger *ledger = search->ledger;
  const struct sweep *sweep = search->sweep;
  const int64_t c = ledger->points;
  *answer = SEARCH_END;
  if (!search->ended && search->all >= 0 && c >= search->all) end(search, "every point of the space has been chosen");
  if (!search->ended && c >= ledger->shape.configurations) end(search, "all configurations have been chosen");
  if (search->ended) return STATUS_OK;
  if (!search->replaying && (sweep->method->learns || !isnan(sweep->metric[0].target))) {
    const int64_t needed = sweep->arrival ? ended_now(search) : knowable(search, c);
    for (int64_t i = search->known; i < needed; i++) {
      *answer = SEARCH_WAIT;
      if (!has_ended(search, i)) return STATUS_OK;
    }
    learn(search, needed);
    *answer = SEARCH_END;
    if (reached(search, needed)) end(search, "the metric has reached its target");
    if (search->ended) return STATUS_OK;
  }
  TRY(choose(search, c, point_of(search, c)));
  if (search->ended) return STATUS_OK;
  ledger->points += 1;
  remember(search, c);
  begin_trials(search, c);
  *answer = SEARCH_CHOSEN;
  return STATUS_OK;
}

/* ---- Going on ---- */

/* A power cut may have lost what was written of a point: NaN then, which is no other value. */
static bool is_that(const struct search *search, const double *recorded, const double *point, bool *lost) {
  double known[SPACE_PARAMETERS_MAX];
  for (int i = 0; i < search->sweep->space.count; i++) {
    const bool missing = isnan(recorded[i]) && !isnan(point[i]);
    known[i] = missing ? point[i] : recorded[i];
    *lost = *lost || missing;
  }
  return space_equal(&search->sweep->space, known, point);
}

/* What the ledger has is chosen again: the same, or it is of another program or has been changed. */
static enum status replay(struct search *search) {
  struct ledger *ledger = search->ledger;
  const int64_t points = ledger->points;
  double recorded[SPACE_PARAMETERS_MAX];
  const size_t bytes = (size_t)ledger->shape.parameters * sizeof(double);
  int64_t first_lost = INT64_MAX;
  ledger->points = 0;
  search->replaying = search->sweep->arrival && !search->sweep->method->learns;
  for (int64_t c = 0; c < points; c++) {
    enum search_answer answer;
    memcpy(recorded, point_of(search, c), bytes);
    const struct ledger_trial before = ledger->trial[c * search->sweep->repeats];
    TRY(search_next(search, &answer));
    /* A result that it was chosen by is to be had again first; or, since one was put back and turned out to reach the
     * target, it would not be chosen any more. */
    if (answer != SEARCH_CHOSEN) break;
    bool lost = false;
    REQUIRE(is_that(search, recorded, point_of(search, c), &lost), STATUS_FILE,
            "%s: configuration %lld is not what this sweep chooses there", ledger->file.path, (long long)c);
    if (lost && c < first_lost) first_lost = c;
    /* Of a trial that has not ended, numbers need not have been written yet. */
    REQUIRE(!trial_ended(before.state) || before.seed == ledger->trial[c * search->sweep->repeats].seed, STATUS_FILE,
            "%s: trial %lld has another seed than it should", ledger->file.path,
            (long long)(c * search->sweep->repeats));
  }
  search->replaying = false;
  ledger->points_written = first_lost < ledger->points ? first_lost : ledger->points;
  return STATUS_OK;
}

enum status search_open(const struct sweep *sweep, struct ledger *ledger, struct search *search) {
  const int64_t n = ledger->shape.configurations;
  *search = (struct search){.sweep = sweep, .ledger = ledger, .slots = 16};
  while (search->slots < 2 * n) search->slots *= 2;
  search->slot = arena_array(&search->arena, search->slots, sizeof *search->slot);
  search->state = arena_array(&search->arena, n, sizeof *search->state);
  search->value = arena_array(&search->arena, n, sizeof *search->value);
  search->feasible = arena_array(&search->arena, n, sizeof *search->feasible);
  search->step = arena_array(&search->arena, n, sizeof *search->step);
  enum status status = arena_check(&search->arena, "a sweep's configurations");
  if (status == STATUS_OK) {
    for (int64_t i = 0; i < search->slots; i++) search->slot[i] = -1;
    search->all = space_points(&sweep->space, SEARCH_COUNTED);
    search->history = (struct history){.point = ledger->point,
                                       .state = search->state,
                                       .value = search->value,
                                       .step = search->step,
                                       .feasible = search->feasible};
    const struct method_task task = task_of(sweep);
    if (sweep->method && sweep->method->open) status = sweep->method->open(&task, &search->memory);
    if (status == STATUS_OK) status = replay(search);
  }
  if (status != STATUS_OK) search_close(search);
  return status;
}

void search_close(struct search *search) {
  if (search->sweep && search->sweep->method && search->sweep->method->close)
    search->sweep->method->close(search->memory);
  arena_free(&search->arena);
  *search = (struct search){.sweep = NULL};
}
