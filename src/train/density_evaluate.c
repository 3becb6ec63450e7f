#include "train/density_evaluate.h"

#include "base/finite.h"
#include "comm/reduce.h"

#include <math.h>
#include <string.h>

enum sum { SUM_NLL, SUM_NLL2, SUM_BOUND, SUM_BOUND2, SUM_KL, SUM_KL2, SUMS };
enum count { COUNT_POINTS, COUNT_KNOWN, COUNT_BROKEN, COUNTS };

struct totals {
  struct exact sum[SUMS];
  int64_t count[COUNTS];
};

/* A point's number among all that a data set can have. */
static uint64_t number_of(const struct dataset *data, enum split split, int64_t index) {
  const struct dataset_place place = dataset_place(data, split, index);
  return (uint64_t)place.rollout | (uint64_t)place.split << 48;
}

/* Not collective. The points of this rank's groups. */
static enum status gather(const struct density_evaluate_task *task, const struct evaluation_set *set,
                          struct density_points *points) {
  const int64_t dimension = task->judge->model->dimension;
  TRY(density_points_create(set->count, dimension, points));
  points->purpose = RNG_LATENT_TEST;
  points->seed = task->seed;
  for (int64_t i = 0; i < set->count * EVALUATION_GROUP; i++) points->number[i] = DENSITY_NONE;
  for (int64_t g = 0; g < set->count; g++) {
    const struct evaluation_group *group = &set->group[g];
    for (int64_t b = 0; b < group->count; b++) {
      const int64_t at = g * EVALUATION_GROUP + b;
      const double *x = source_point(task->source, group->split, group->first + b, &points->known[at]);
      REQUIRE(x, STATUS_ARGUMENT, "point %lld is not loaded", (long long)(group->first + b));
      memcpy(points->x + at * dimension, x, (size_t)dimension * sizeof *x);
      points->number[at] = number_of(task->source->data, group->split, group->first + b);
    }
  }
  return STATUS_OK;
}

/* Collective. All points weigh alike in the mean that decides on the samples. */
static enum status weigh_alike(const struct comm *comm, struct density_points *points) {
  int64_t all = 0;
  for (int64_t i = 0; i < points->groups * EVALUATION_GROUP; i++) all += points->number[i] != DENSITY_NONE;
  TRY(reduce_sum(comm, &all, 1));
  for (int64_t i = 0; i < points->groups * EVALUATION_GROUP; i++) points->weight[i] = 1 / (double)all;
  return STATUS_OK;
}

static void add_pair(struct totals *totals, enum sum first, double value) {
  exact_add(&totals->sum[first], value);
  exact_add(&totals->sum[first + 1], value * value);
}

static void add_points(const struct density_points *points, struct totals *totals) {
  for (int64_t i = 0; i < points->groups * EVALUATION_GROUP; i++) {
    if (points->number[i] == DENSITY_NONE) continue;
    totals->count[COUNT_POINTS] += 1;
    totals->count[COUNT_BROKEN] += !isfinite(points->likelihood[i]);
    add_pair(totals, SUM_NLL, -points->likelihood[i]);
    add_pair(totals, SUM_BOUND, -points->bound[i]);
    if (isnan(points->known[i])) continue;
    totals->count[COUNT_KNOWN] += 1;
    add_pair(totals, SUM_KL, points->known[i] - points->likelihood[i]);
  }
}

/* A mean and its standard error; unknown where there is nothing. */
static void conclude_pair(const struct totals *totals, enum sum first, int64_t count, double *mean, double *error) {
  const double n = (double)count;
  *mean = count > 0 ? exact_value(&totals->sum[first]) / n : NAN;
  *error = finite_standard_error(*mean, exact_value(&totals->sum[first + 1]) / n, n);
}

static void add_likeness(const struct density_likeness *likeness, struct evaluation *out) {
  double *score = out->score;
  score[DENSITY_SCORE_KL_GRID] = likeness->kl_grid;
  score[DENSITY_SCORE_MASS] = likeness->mass;
  score[DENSITY_SCORE_KL_REVERSE] = likeness->kl_reverse;
  score[DENSITY_SCORE_KL_REVERSE_ERROR] = likeness->reverse_error;
  score[DENSITY_SCORE_MODES] = likeness->modes;
  score[DENSITY_SCORE_OUTSIDE] = likeness->outside;
  score[DENSITY_SCORE_ENERGY_VARIATION] = likeness->energy_variation;
  score[DENSITY_SCORE_ENERGY_DRIFT] = likeness->energy_drift;
  score[DENSITY_SCORE_REVERSAL] = likeness->reversal;
  if (likeness->broken == 0 || out->broken) return;
  out->broken = "a draw";
  out->broken_rollouts = likeness->broken;
}

static void add_difference(const struct density_difference *difference, double *score) {
  score[DENSITY_SCORE_ENERGY_DISTANCE] = difference->energy_distance;
  score[DENSITY_SCORE_ENERGY_FLOOR] = difference->energy_floor;
  score[DENSITY_SCORE_MEAN_SHIFT] = difference->mean_shift;
  score[DENSITY_SCORE_SPREAD_LEAST] = difference->spread_least;
  score[DENSITY_SCORE_SPREAD_MOST] = difference->spread_most;
}

static void conclude(const struct totals *totals, const struct density_points *points, struct evaluation *out) {
  double *score = out->score;
  for (int i = 0; i < DENSITY_SCORES; i++) score[i] = NAN;
  const int64_t n = totals->count[COUNT_POINTS];
  out->rollouts = n;
  conclude_pair(totals, SUM_NLL, n, &score[DENSITY_SCORE_NLL], &score[DENSITY_SCORE_NLL_ERROR]);
  conclude_pair(totals, SUM_BOUND, n, &score[DENSITY_SCORE_BOUND], &score[DENSITY_SCORE_BOUND_ERROR]);
  conclude_pair(totals, SUM_KL, totals->count[COUNT_KNOWN], &score[DENSITY_SCORE_KL], &score[DENSITY_SCORE_KL_ERROR]);
  score[DENSITY_SCORE_SAMPLES] = (double)points->samples;
  score[DENSITY_SCORE_GAIN] = points->gain;
  if (totals->count[COUNT_BROKEN] == 0) return;
  out->broken = "the likelihood";
  out->broken_rollouts = totals->count[COUNT_BROKEN];
}

static enum status measure(const struct comm *comm, const struct density_evaluate_task *task,
                           struct density_points *points, struct evaluation *out) {
  struct totals totals = {.count = {0}};
  for (int i = 0; i < SUMS; i++) exact_clear(&totals.sum[i]);
  TRY(weigh_alike(comm, points));
  TRY(density_judge_points(comm, task->judge, task->settings->samples, task->settings->tolerance, points));
  add_points(points, &totals);
  TRY(reduce_exact(comm, totals.sum, SUMS));
  TRY(reduce_sum(comm, totals.count, COUNTS));
  conclude(&totals, points, out);
  return STATUS_OK;
}

enum status density_evaluate(const struct comm *comm, const struct density_evaluate_task *task,
                             const struct evaluation_set *set, struct evaluation *evaluation) {
  struct density_points points;
  struct density_difference difference;
  *evaluation = (struct evaluation){.by_frame = NULL};
  enum status status = comm_agree(comm, gather(task, set, &points));
  if (status == STATUS_OK) status = measure(comm, task, &points, evaluation);
  density_points_free(&points);
  if (status != STATUS_OK || !task->likeness) return status;
  add_likeness(task->likeness, evaluation);
  status =
      density_difference(task->judge, task->source->data, set->split, task->settings->draws, task->seed, &difference);
  TRY(comm_agree(comm, status));
  add_difference(&difference, evaluation->score);
  return STATUS_OK;
}
