#include "sweep/search.h"

#include <math.h>
#include <string.h>

/* A space whose points are counted: beyond that it never runs out. Draws of points that were there before, one after
 * the other, after which a method is taken to have no new ones. */
enum { SEARCH_COUNTED = 1000000, SEARCH_REPEATED = 200000 };

static double *point_of(const struct search *search, int64_t configuration) {
  return search->ledger->point + configuration * search->ledger->shape.parameters;
}

/* Of the whole sweep, by its number there. */
static double *chosen_of(const struct search *search, int64_t number) {
  return search->chosen + number * search->ledger->shape.parameters;
}

/* The slot of a point, or the free one where it belongs. */
static int64_t find_slot(const struct search *search, const double *point) {
  const struct space *space = &search->sweep->space;
  int64_t at = (int64_t)(space_hash(space, point) & (uint64_t)(search->slots - 1));
  while (search->slot[at] >= 0 && !space_equal(space, chosen_of(search, search->slot[at]), point))
    at = (at + 1) & (search->slots - 1);
  return at;
}

static bool is_new(const struct search *search, const double *point) {
  return search->slot[find_slot(search, point)] < 0;
}

/* ---- Results of jobs ---- */

bool search_is_done(const struct search *search, int64_t job, int64_t repeat) {
  const struct ledger *ledger = search->ledger;
  const struct ledger_job *row = &ledger->job[job];
  const int64_t trial = row->configuration * search->sweep->repeats + repeat;
  if (search->pausing && row->rung < ledger->shape.rungs &&
      !isnan(ledger->rung[trial * ledger->shape.rungs + row->rung]))
    return true;
  const enum trial_state state = ledger->trial[trial].state;
  /* One that waits at a rung is pruned when the search ends, and goes on if the sweep is made larger. */
  if (search->pausing && state == TRIAL_PRUNED) return false;
  return trial_ended(state) && judge_is_final(&search->judge, trial);
}

static bool has_ended(const struct search *search, int64_t job) {
  for (int64_t r = 0; r < search->sweep->repeats; r++)
    if (!search_is_done(search, job, r)) return false;
  return true;
}

/* What a configuration came to at a rung. A trial that ended on its way there, but not by coming to its own end, is the
 * worst; what became of it later is of later jobs. */
struct rung_result {
  double value; /* INFINITY: the worst; NaN: it was not run */
  bool further;
  enum trial_state state;
  int64_t step;
};

static struct rung_result rung_result_of(const struct search *search, const struct ledger_job *job) {
  const struct ledger *ledger = search->ledger;
  const int64_t repeats = search->sweep->repeats;
  struct rung_result result = {.value = 0, .further = true, .state = TRIAL_PAUSED, .step = INT64_MAX};
  for (int64_t r = 0; r < repeats; r++) {
    const int64_t trial = job->configuration * repeats + r;
    const struct ledger_trial *row = &ledger->trial[trial];
    const int64_t report = ledger->rung_report[job->rung];
    const double value = ledger->rung[trial * ledger->shape.rungs + job->rung];
    const bool came = !isnan(value);
    if (!came) result.further = false;
    if (!came && search_severity(row->state) >= search_severity(result.state)) result.state = row->state;
    if (row->state == TRIAL_INFEASIBLE)
      result.value = (double)NAN;
    else if (came)
      result.value += value;
    else /* it may have come to its own end before the rung */
      result.value += row->state == TRIAL_COMPLETE ? search_last_rank(search->sweep, ledger, trial) : INFINITY;
    const int64_t step = came ? ledger->report_step[trial * ledger->shape.reports + report - 1] : row->step;
    if (step < result.step) result.step = step;
  }
  result.value /= (double)repeats;
  return result;
}

/* A whole training has come to the targets of all metrics that have one. */
static bool is_at_target(const struct search *search, int64_t c) {
  const struct sweep *sweep = search->sweep;
  if (!sweep_has_target(sweep) || !search->feasible[c] || search->state[c] != TRIAL_COMPLETE) return false;
  for (int m = 0; m < sweep->metrics; m++) {
    const struct sweep_metric *metric = &sweep->metric[m];
    const double bound = metric->maximize ? -metric->target : metric->target;
    if (!isnan(bound) && !(search->value[c * sweep->metrics + m] <= bound)) return false;
  }
  return true;
}

/* The result of the next job becomes known. */
static enum status learn_job(struct search *search) {
  const struct sweep *sweep = search->sweep;
  const struct ledger_job *job = &search->ledger->job[search->learned];
  const int64_t c = job->configuration;
  if (search->pausing && job->rung < search->ledger->shape.rungs) {
    const struct rung_result result = rung_result_of(search, job);
    search->state[c] = result.state;
    search->value[c * sweep->metrics] = isfinite(result.value) ? result.value : (double)NAN;
    search->step[c] = result.step;
    search->feasible[c] = result.state != TRIAL_INFEASIBLE;
    TRY(search->pausing->ended(search->early, c, (int)job->rung, result.value, result.further));
  } else {
    const struct search_result result = search_result_of(sweep, search->ledger, c);
    search->state[c] = result.state;
    for (int m = 0; m < sweep->metrics; m++) search->value[c * sweep->metrics + m] = result.value[m];
    search->step[c] = result.step;
    search->feasible[c] = result.feasible;
    if (search->pausing)
      TRY(search->pausing->ended(search->early, c, (int)job->rung, isnan(result.rank) ? INFINITY : result.rank, false));
  }
  search->learned += 1;
  search->reached = search->reached || is_at_target(search, c);
  if (c >= search->known) search->known = c + 1;
  return STATUS_OK;
}

/* *all: so many leading jobs are known. */
static enum status learn(struct search *search, int64_t jobs, bool *all) {
  while (search->learned < jobs && has_ended(search, search->learned)) TRY(learn_job(search));
  *all = search->learned >= jobs;
  return STATUS_OK;
}

/* Of trials 0..t-W alone a choice may know, t being the first that the job would run: each job is a run of all repeats.
 */
static int64_t knowable(const struct search *search, int64_t job) {
  const struct sweep *sweep = search->sweep;
  const int64_t trials = job * sweep->repeats - sweep->window + 1;
  return trials <= 0 ? 0 : trials / sweep->repeats;
}

/* ---- Choosing ---- */

static struct method_task task_of(const struct sweep *sweep) {
  return (struct method_task){.space = &sweep->space,
                              .seed = sweep->seed,
                              .configurations = sweep->run_cap,
                              .metrics = sweep->metrics,
                              .reports = sweep->reports,
                              .population = sweep->population};
}

/* Configurations are parts of trainings, and may have the points of others. */
static bool has_parts(const struct search *search) { return search->sweep->method->part != NULL; }

struct method_part search_part(const struct search *search, int64_t configuration) {
  const struct method_task task = task_of(search->sweep);
  return has_parts(search) ? search->sweep->method->part(&task, configuration) : (struct method_part){.needed = 0};
}

/* As the method may read it now. */
static const struct history *history_now(struct search *search) {
  search->history.count = search->ledger->points;
  search->history.known = search->known;
  return search->sweep->method->learns ? &search->history : NULL;
}

static enum status draw(struct search *search, double *point, bool *exhausted) {
  const struct sweep *sweep = search->sweep;
  const struct method_task task = task_of(sweep);
  const struct history *history = history_now(search);
  const int64_t before = search->draws;
  *exhausted = false;
  for (int64_t repeated = 0; !*exhausted; repeated++) {
    TRY(sweep->method->propose(&task, search->memory, history, search->draws, point, exhausted));
    if (*exhausted) break;
    search->draws += 1;
    if (has_parts(search) || is_new(search, point)) return STATUS_OK;
    *exhausted = repeated >= SEARCH_REPEATED;
  }
  search->draws = before;
  return STATUS_OK;
}

static void end(struct search *search, const char *why) {
  search->ended = true;
  search->why = why;
}

static void remember(struct search *search, int64_t number) {
  search->slot[find_slot(search, chosen_of(search, number))] = number;
}

/* Draws configuration `number` of the whole sweep. */
static enum status choose(struct search *search, int64_t number, double *point, bool *exhausted) {
  const struct sweep *sweep = search->sweep;
  *exhausted = false;
  if (number >= sweep->enqueues) return draw(search, point, exhausted);
  memcpy(point, sweep->enqueued + number * sweep->space.count, (size_t)sweep->space.count * sizeof *point);
  return STATUS_OK;
}

/* Those up to a number that are not known yet, in their order: it and, before it, those of other parts. */
static enum status choose_up_to(struct search *search, int64_t number, bool *exhausted) {
  *exhausted = false;
  while (search->passed <= number && !*exhausted) {
    TRY(choose(search, search->passed, chosen_of(search, search->passed), exhausted));
    if (*exhausted) return STATUS_OK;
    remember(search, search->passed);
    search->passed += 1;
  }
  return STATUS_OK;
}

/* Configuration `c` of this part, whatever stands there. */
static enum status choose_own(struct search *search, int64_t c, bool *exhausted) {
  const int64_t number = ledger_configuration_number(search->ledger, c);
  TRY(choose_up_to(search, number, exhausted));
  if (*exhausted || search->chosen == search->ledger->point) return STATUS_OK;
  memcpy(point_of(search, c), chosen_of(search, number), (size_t)search->sweep->space.count * sizeof(double));
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
    judge_hear(&search->judge, number);
  }
}

/* Job ledger->jobs is the configuration's, to the rung, from the last state of another. */
static enum status add_job(struct search *search, int64_t configuration, int rung, int64_t origin) {
  struct ledger *ledger = search->ledger;
  const int64_t j = ledger->jobs;
  if (search->pausing) TRY(search->pausing->begun(search->early, configuration, rung));
  ledger->job[j] = (struct ledger_job){.number = j + 1,
                                       .configuration = configuration,
                                       .rung = rung,
                                       .known = search->learned,
                                       .draws = search->draws,
                                       .origin = origin};
  ledger->jobs = j + 1;
  return STATUS_OK;
}

/* Of the configuration that is to be chosen next. */
static int64_t find_origin(struct search *search) {
  const struct method_task task = task_of(search->sweep);
  const struct history *history = history_now(search);
  return has_parts(search) ? search->sweep->method->origin(&task, history, search->ledger->points) : -1;
}

/* A configuration that has not begun. *exhausted: there is none. */
static enum status begin_fresh(struct search *search, int rung, bool *exhausted) {
  struct ledger *ledger = search->ledger;
  const int64_t c = ledger->points, origin = find_origin(search);
  TRY(choose_own(search, c, exhausted));
  if (*exhausted) return STATUS_OK;
  ledger->points += 1;
  begin_trials(search, c);
  return add_job(search, c, rung, origin);
}

/* Why there is no fresh configuration any more; NULL: there is one. */
static const char *why_dry(const struct search *search) {
  const int64_t c = search->ledger->points;
  if (search->dry) return has_parts(search) ? "no member can be gone on from" : "the method has no new points";
  if (!has_parts(search) && search->all >= 0 && ledger_configuration_number(search->ledger, c) >= search->all)
    return "every point of the space has been chosen";
  return c >= search->ledger->shape.configurations ? "all configurations have been chosen" : NULL;
}

static enum early_answer ask_early(const struct search *search, int64_t *configuration, int *rung) {
  *rung = search->ledger->shape.rungs;
  return search->pausing ? search->pausing->next(search->early, configuration, rung) : EARLY_FRESH;
}

/* The method has no fresh configuration: those that wait for more are decided over without them. */
static void dry_up(struct search *search) {
  search->dry = true;
  if (search->pausing) search->pausing->dried(search->early);
}

/* One more job, if there is one by what is known. */
static enum status add_next(struct search *search, bool *added) {
  int64_t configuration;
  int rung;
  enum early_answer answer = ask_early(search, &configuration, &rung);
  *added = false;
  if (answer == EARLY_FRESH && !why_dry(search)) {
    bool exhausted;
    TRY(begin_fresh(search, rung, &exhausted));
    *added = !exhausted;
    if (*added) return STATUS_OK;
    dry_up(search);
    answer = ask_early(search, &configuration, &rung);
  }
  *added = answer == EARLY_FURTHER;
  return *added ? add_job(search, configuration, rung, -1) : STATUS_OK;
}

/* Choices look at results. */
static bool reads_results(const struct search *search) {
  return search->sweep->method->learns || search->pausing || sweep_has_target(search->sweep);
}

/* Jobs by whose results the next one is chosen. Of parts of trainings each configuration is a job. */
static int64_t needed_now(const struct search *search) {
  if (has_parts(search)) return search_part(search, search->ledger->points).needed;
  return reads_results(search) && !search->sweep->arrival ? knowable(search, search->ledger->jobs) : 0;
}

enum status search_next(struct search *search, enum search_answer *answer) {
  struct ledger *ledger = search->ledger;
  const bool reads = reads_results(search);
  int64_t needed = needed_now(search);
  bool added = false, all;
  *answer = SEARCH_END;
  if (search->ended) return STATUS_OK;
  if (!search->pausing && why_dry(search)) end(search, why_dry(search));
  if (reads && search->sweep->arrival) TRY(learn(search, ledger->jobs, &all)); /* what there is, without waiting */
  while (!search->ended && !added) {
    TRY(learn(search, needed, &all));
    *answer = SEARCH_WAIT;
    if (!all) return STATUS_OK;
    if (search->reached) end(search, "the metric has reached its target");
    if (!search->ended) TRY(add_next(search, &added));
    if (added || search->ended) break;
    /* Nothing by what is known: then by one more result. */
    const char *why = why_dry(search);
    needed = search->learned + 1;
    if (needed > ledger->jobs || !search->pausing) end(search, why ? why : "no more trials can get to their end");
  }
  *answer = added ? SEARCH_CHOSEN : SEARCH_END;
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

/* Whether it can be a point of the space: each parameter that takes part has one of its values, to rounding. */
static bool can_be(const struct space *space, const double *recorded) {
  double u[SPACE_PARAMETERS_MAX], point[SPACE_PARAMETERS_MAX];
  bool right = true;
  space_coordinates(space, recorded, u);
  for (int i = 0; i < space->count; i++) u[i] = isnan(u[i]) ? 0.5 : u[i];
  space_point(space, u, point);
  for (int i = 0; i < space->count; i++) {
    const bool out = isnan(recorded[i]) && isnan(point[i]);
    right = right && (out || fabs(recorded[i] - point[i]) <= 1e-9 * fabs(recorded[i]));
  }
  return right;
}

/* To choose again what follows from results takes as long as it took to choose it. So it is done of the last ones,
 * which follow from all before, of a number of others that does not grow, and of what a power cut may have lost: enough
 * to notice another program, or another space. */
static bool is_chosen_again(const struct search *search, int64_t c) {
  enum { OTHERS = 32, LAST = 16 };
  if (!search->sweep->method->learns || has_parts(search)) return true;
  return c % (search->recorded / OTHERS + 1) == 0 || c >= search->recorded - LAST ||
         !can_be(&search->sweep->space, point_of(search, c));
}

/* Of a trial that has not ended, numbers need not have been written yet. */
static enum status check_seed(const struct search *search, int64_t c) {
  const struct ledger *ledger = search->ledger;
  const int64_t trial = c * search->sweep->repeats;
  REQUIRE(!trial_ended(ledger->trial[trial].state) || ledger->trial[trial].seed == ledger_seed(search->sweep, 0),
          STATUS_FILE, "%s: trial %lld has another seed than it should", ledger->file.path, (long long)trial);
  return STATUS_OK;
}

/* A configuration that the ledger has is chosen again: the same, or it is of another program or has been changed. */
static enum status choose_again(struct search *search, int rung, int64_t *first_lost, bool *exhausted) {
  struct ledger *ledger = search->ledger;
  const int64_t c = ledger->points;
  double recorded[SPACE_PARAMETERS_MAX];
  memcpy(recorded, point_of(search, c), (size_t)ledger->shape.parameters * sizeof *recorded);
  bool lost = false;
  TRY(check_seed(search, c));
  TRY(begin_fresh(search, rung, exhausted));
  if (*exhausted) return STATUS_OK;
  REQUIRE(is_that(search, recorded, point_of(search, c), &lost), STATUS_FILE,
          "%s: configuration %lld is not what this sweep chooses there", ledger->file.path, (long long)c);
  if (lost && c < *first_lost) *first_lost = c;
  return STATUS_OK;
}

/* A configuration is what the ledger says. Draws go on behind those of it. */
static enum status take_recorded(struct search *search, const struct ledger_job *job) {
  const int64_t c = search->ledger->points;
  search->ledger->points += 1;
  search->draws = job->draws;
  search->passed = c + 1;
  remember(search, c);
  begin_trials(search, c);
  return add_job(search, c, (int)job->rung, job->origin);
}

/* Jobs behind the last fresh one: the method may have run dry before this one was chosen, by the results that were
 * known when it was looked for, one after the other. What is drawn to see that is no draw of the search: it may have
 * been made larger since, or cut off. *looked: it has been, and there is no need to do it again. */
static enum status find_dry(struct search *search, const struct ledger_job *job, bool *looked) {
  int64_t needed = knowable(search, search->ledger->jobs);
  for (bool all = true; all && !*looked && needed <= job->known; needed = search->learned + 1) {
    double point[SPACE_PARAMETERS_MAX];
    int64_t configuration;
    int rung;
    bool exhausted = false;
    TRY(learn(search, needed, &all));
    if (!all || ask_early(search, &configuration, &rung) != EARLY_FRESH || why_dry(search)) continue;
    const int64_t number = ledger_configuration_number(search->ledger, search->ledger->points);
    TRY(choose_up_to(search, number - 1, &exhausted));
    const int64_t draws = search->draws;
    if (!exhausted) TRY(choose(search, number, point, &exhausted));
    if (exhausted) dry_up(search);
    search->draws = draws;
    *looked = true;
  }
  return STATUS_OK;
}

/* One job of the ledger. *known: what it was chosen by is there; else it is to be had again first. */
static enum status follow_job(struct search *search, const struct ledger_job *job, int64_t *first_lost, bool *known) {
  TRY(learn(search, job->known, known));
  /* One that was put back since may have reached the target. */
  if (!search->sweep->arrival && search->reached) {
    end(search, "the metric has reached its target");
    *known = false;
    return STATUS_OK;
  }
  if (search->verified && !*known) return STATUS_OK;
  *known = true;
  struct ledger *ledger = search->ledger;
  if (job->configuration < ledger->points) return add_job(search, job->configuration, (int)job->rung, -1);
  if (search->verified && !is_chosen_again(search, ledger->points)) {
    TRY(check_seed(search, ledger->points));
    return take_recorded(search, job);
  }
  if (!search->verified && search->sweep->part.count == 1) return take_recorded(search, job);
  bool exhausted;
  TRY(choose_again(search, (int)job->rung, first_lost, &exhausted));
  *known = !exhausted;
  REQUIRE(exhausted || ledger->job[ledger->jobs - 1].origin == job->origin, STATUS_FILE,
          "%s: configuration %lld begins from configuration %lld, and this sweep chooses %lld there", ledger->file.path,
          (long long)job->configuration, (long long)job->origin, (long long)ledger->job[ledger->jobs - 1].origin);
  return STATUS_OK;
}

/* Whether results have been put back, by which other choices may have been made. */
static bool has_retried(const struct ledger *ledger) {
  for (int64_t e = 0; e < ledger->events; e++)
    if (ledger->event[e].kind == EVENT_RETRY) return true;
  return false;
}

/* The last job of the log that is a configuration's first; -1: none. */
static int64_t last_fresh(const struct ledger *ledger) {
  int64_t last = -1, points = 0;
  for (int64_t j = 0; j < ledger->jobs; j++) {
    if (ledger->job[j].configuration < points) continue;
    points = ledger->job[j].configuration + 1;
    last = j;
  }
  return last;
}

/* What the ledger has. Behind the end of its log, which a power cut may have shortened, points that it has are chosen
 * again all the same. */
static enum status replay(struct search *search) {
  struct ledger *ledger = search->ledger;
  const int64_t jobs = ledger->jobs;
  search->recorded = ledger->points;
  int64_t first_lost = INT64_MAX, followed = 0;
  bool known = true;
  const bool by_chance = search->sweep->arrival && reads_results(search);
  const bool by_others = (search->sweep->method->learns || search->pausing) && has_retried(ledger);
  search->verified = !by_chance && !by_others;
  const int64_t fresh = last_fresh(ledger);
  bool looked = false;
  ledger->points = ledger->jobs = 0;
  for (; followed < jobs && known; followed++) {
    const struct ledger_job job = ledger->job[followed];
    if (job.configuration > ledger->points) break; /* damaged */
    if (search->pausing && followed > fresh) TRY(find_dry(search, &job, &looked));
    TRY(follow_job(search, &job, &first_lost, &known));
  }
  ledger->jobs_written = ledger->jobs;
  while (known && !search->pausing && !reads_results(search) && ledger->points < search->recorded && !why_dry(search)) {
    bool exhausted;
    TRY(choose_again(search, ledger->shape.rungs, &first_lost, &exhausted));
    if (exhausted) break;
  }
  ledger->points_written = first_lost < ledger->points ? first_lost : ledger->points;
  return STATUS_OK;
}

/* Early stopping that pauses; the judge of the others. */
static enum status open_early(struct search *search) {
  const struct sweep *sweep = search->sweep;
  struct ledger *ledger = search->ledger;
  const struct early_kind *kind = early_find(sweep);
  if (sweep_is_gathered(sweep)) return STATUS_OK;
  TRY(judge_open(sweep, ledger, &search->judge));
  if (!kind || !kind->pausing) return STATUS_OK;
  const int64_t most = ledger->shape.configurations;
  const int64_t all = search->all >= 0 ? sweep_part_size(&sweep->part, search->all) : most;
  const struct early_task task = {
      .configurations = all < most ? all : most, .rungs = ledger->shape.rungs, .eta = sweep->early.eta};
  search->pausing = kind->pausing;
  return kind->pausing->open(&task, &search->early);
}

/* A gathered sweep has been searched by its parts: there is nothing to be chosen. Their jobs stand in its log for those
 * who read it. */
static enum status take_gathered(struct search *search) {
  struct ledger *ledger = search->ledger;
  end(search, "all configurations have been chosen");
  search->judge = (struct judge){.sweep = search->sweep, .ledger = ledger};
  ledger->points_written = ledger->points;
  ledger->jobs = ledger->jobs_written = 0;
  return STATUS_OK;
}

enum status search_open(const struct sweep *sweep, struct ledger *ledger, struct search *search) {
  const int64_t n = ledger->shape.configurations, whole = n * sweep->part.count;
  *search = (struct search){.sweep = sweep, .ledger = ledger, .slots = 16};
  while (search->slots < 2 * whole) search->slots *= 2;
  search->chosen =
      sweep->part.count == 1 ? ledger->point : arena_array(&search->arena, whole * sweep->space.count, sizeof(double));
  search->slot = arena_array(&search->arena, search->slots, sizeof *search->slot);
  search->state = arena_array(&search->arena, n, sizeof *search->state);
  search->value = arena_array(&search->arena, n * sweep->metrics, sizeof *search->value);
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
    status = open_early(search);
  }
  const struct method_task task = task_of(sweep);
  if (status == STATUS_OK && sweep->method->open) status = sweep->method->open(&task, &search->memory);
  if (status == STATUS_OK) status = sweep_is_gathered(sweep) ? take_gathered(search) : replay(search);
  if (status != STATUS_OK) search_close(search);
  return status;
}

bool search_goes_on_from(const struct search *search, int64_t configuration) {
  const struct ledger *ledger = search->ledger;
  if (!has_parts(search)) return false;
  const struct method_part part = search_part(search, configuration);
  const int64_t next = ledger->points;
  if (part.end > 0 && next < ledger->shape.configurations && search_part(search, next).begin <= part.end) return true;
  for (int64_t j = 0; j < ledger->jobs; j++)
    if (ledger->job[j].origin == configuration && !has_ended(search, j)) return true;
  return false;
}

void search_close(struct search *search) {
  if (search->sweep && search->sweep->method && search->sweep->method->close)
    search->sweep->method->close(search->memory);
  if (search->pausing) search->pausing->close(search->early);
  judge_close(&search->judge);
  arena_free(&search->arena);
  *search = (struct search){.sweep = NULL};
}
