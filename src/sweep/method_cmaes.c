/* CMA-ES (evolution.h) in the unit coordinates of all parameters that can vary: choices and whole numbers too, each
 * value being an interval of its coordinate, of which a sample counts as the middle.
 *
 * The distribution is a fold over the known configurations in the order of their numbers, in groups of lambda:
 * whoever chose them, each counts as a sample, and where it takes no part in a parameter as one at the mean's
 * coordinate. It begins in the middle with sigma 1/6, as Optuna's does. When it is at its end
 * (evolution_degenerate()), it begins anew at a random place, with twice the lambda (IPOP: Auger and Hansen, CEC 2005),
 * which so becomes up to eight times the first.
 *
 * Samples are ranked by the steps behind their values, more being better, and then by value (learning_steps()): where
 * early stopping has cut some, those that came further were better when they were compared.
 *
 * Samples are mirrored at 0 and 1. So that no value of a parameter that has few is lost to a small sigma, half of all
 * samples on average have one such parameter drawn anew. */
#include "base/rng.h"
#include "sweep/evolution.h"
#include "sweep/learning.h"

#include <stdlib.h>
#include <string.h>

enum { VALUES_FEW = 100, RESTARTS_LONGER = 3 };

struct fold {
  int index[SPACE_PARAMETERS_MAX], few; /* of the parameters that vary; how many of them have few values */
  bool is_few[SPACE_PARAMETERS_MAX];
  struct evolution evolution;
  int64_t restarts, used; /* configurations that it is made of, and what they were then */
  int64_t capacity;
  double *point, *value; /* [capacity][parameters], [capacity] */
  int64_t *steps;        /* [capacity] */
  struct arena arena;
};

/* Where restart `restart` begins. */
static void begin(const struct method_task *task, struct fold *fold, int64_t restart) {
  const int size = fold->evolution.size;
  double mean[EVOLUTION_SIZE_MAX];
  struct rng rng = rng_stream(task->seed, RNG_PROPOSE, (uint64_t)restart, RNG_SUB_MAX);
  for (int i = 0; i < size; i++) mean[i] = restart == 0 ? 0.5 : rng_uniform(&rng);
  const int doubled = (int)(restart < RESTARTS_LONGER ? restart : RESTARTS_LONGER);
  evolution_begin(size, evolution_lambda(size) << doubled, mean, 1.0 / 6.0, &fold->evolution);
  fold->restarts = restart;
}

static void begin_fold(const struct method_task *task, struct fold *fold) {
  int size = 0;
  fold->few = 0;
  fold->used = 0;
  for (int i = 0; i < task->space->count; i++) {
    const int64_t values = distribution_values(&task->space->parameter[i].distribution);
    if (values == 1) continue;
    fold->is_few[size] = values >= 0 && values <= VALUES_FEW;
    fold->few += fold->is_few[size];
    fold->index[size++] = i;
  }
  fold->evolution.size = size;
  if (size > 0) begin(task, fold, 0);
}

/* Room to remember `count` configurations. */
static enum status reserve(const struct method_task *task, struct fold *fold, int64_t count) {
  if (count <= fold->capacity) return STATUS_OK;
  const int64_t capacity = 2 * count, parameters = task->space->count;
  struct arena arena = {0};
  double *point = arena_array(&arena, capacity * parameters, sizeof *point);
  double *value = arena_array(&arena, capacity, sizeof *value);
  int64_t *steps = arena_array(&arena, capacity, sizeof *steps);
  enum status status = arena_check(&arena, "method cmaes");
  if (status != STATUS_OK) {
    arena_free(&arena);
    return status;
  }
  if (fold->used > 0) {
    memcpy(point, fold->point, (size_t)(fold->used * parameters) * sizeof *point);
    memcpy(value, fold->value, (size_t)fold->used * sizeof *value);
    memcpy(steps, fold->steps, (size_t)fold->used * sizeof *steps);
  }
  arena_free(&fold->arena);
  fold->arena = arena;
  fold->point = point;
  fold->value = value;
  fold->steps = steps;
  fold->capacity = capacity;
  return STATUS_OK;
}

/* Whether it is made of what history has still. */
static bool holds(const struct method_task *task, const struct history *history, const struct fold *fold) {
  const int64_t parameters = task->space->count;
  if (fold->used > history->known) return false;
  for (int64_t c = 0; c < fold->used; c++) {
    const double value = learning_value(task, history, c);
    if (value != fold->value[c] && !(isnan(value) && isnan(fold->value[c]))) return false;
    if (learning_steps(history, c) != fold->steps[c]) return false;
    if (!space_equal(task->space, fold->point + c * parameters, history->point + c * parameters)) return false;
  }
  return true;
}

/* Of a group's samples how many are better, which says as much as their values where all are whole trainings; NaN: it
 * counts as the worst. */
static void rank(int lambda, const double *value, const int64_t *steps, double *ranks) {
  for (int i = 0; i < lambda; i++) {
    ranks[i] = isnan(value[i]) ? value[i] : 0.0;
    for (int j = 0; j < lambda; j++)
      ranks[i] += !isnan(value[j]) && (steps[j] > steps[i] || (steps[j] == steps[i] && value[j] < value[i]));
  }
}

static void add_group(const struct method_task *task, const struct history *history, struct fold *fold) {
  struct evolution *evolution = &fold->evolution;
  const int parameters = task->space->count;
  double u[EVOLUTION_LAMBDA_MAX * EVOLUTION_SIZE_MAX], coordinate[SPACE_PARAMETERS_MAX];
  for (int k = 0; k < evolution->lambda; k++) {
    const int64_t c = fold->used + k;
    const double *point = history->point + c * parameters;
    memcpy(fold->point + c * parameters, point, (size_t)parameters * sizeof *point);
    fold->value[c] = learning_value(task, history, c);
    fold->steps[c] = learning_steps(history, c);
    space_coordinates(task->space, point, coordinate);
    for (int i = 0; i < evolution->size; i++) {
      const double at = coordinate[fold->index[i]];
      u[k * evolution->size + i] = isnan(at) ? evolution->mean[i] : at;
    }
  }
  double ranks[EVOLUTION_LAMBDA_MAX];
  rank(evolution->lambda, fold->value + fold->used, fold->steps + fold->used, ranks);
  fold->used += evolution->lambda;
  evolution_update(evolution, u, ranks);
  if (evolution_degenerate(evolution)) begin(task, fold, fold->restarts + 1);
}

static enum status sample(const struct method_task *task, const struct history *history, struct fold *fold,
                          int64_t draw, double *point) {
  if (fold->evolution.size == 0 || !holds(task, history, fold)) begin_fold(task, fold);
  const int size = fold->evolution.size;
  double u[SPACE_PARAMETERS_MAX], z[EVOLUTION_SIZE_MAX], x[EVOLUTION_SIZE_MAX];
  for (int i = 0; i < task->space->count; i++) u[i] = 0.5;
  if (size > 0) {
    TRY(reserve(task, fold, history->known));
    while (fold->used + fold->evolution.lambda <= history->known) add_group(task, history, fold);
    struct rng rng = rng_stream(task->seed, RNG_PROPOSE, (uint64_t)draw, 0);
    rng_normal(&rng, z, size);
    evolution_sample(&fold->evolution, z, x);
    for (int i = 0; i < size; i++) {
      const double chance = rng_uniform(&rng), anew = rng_uniform(&rng);
      const bool redrawn = fold->is_few[i] && chance * (2.0 * fold->few) < 1.0;
      u[fold->index[i]] = redrawn ? anew : learning_mirror(x[i]);
    }
  }
  space_point(task->space, u, point);
  return STATUS_OK;
}

static enum status open_memory(const struct method_task *task, void **memory) {
  (void)task;
  *memory = calloc(1, sizeof(struct fold));
  REQUIRE(*memory, STATUS_MEMORY, "out of memory for method cmaes");
  return STATUS_OK;
}

static void close_memory(void *memory) {
  struct fold *fold = memory;
  if (fold) arena_free(&fold->arena);
  free(fold);
}

static enum status propose(const struct method_task *task, void *memory, const struct history *history, int64_t draw,
                           double *point, bool *exhausted) {
  *exhausted = false;
  if (memory) return sample(task, history, memory, draw, point);
  void *fresh = NULL;
  TRY(open_memory(task, &fresh));
  const enum status status = sample(task, history, fresh, draw, point);
  close_memory(fresh);
  return status;
}

const struct method_kind method_cmaes = {
    .name = "cmaes", .learns = true, .several = false, .open = open_memory, .close = close_memory, .propose = propose};
