/* Bayesian optimisation (Jones, Schonlau and Welch, J. Global Optim. 13, 455-492, 1998): the point of the largest
 * expected improvement under a Gaussian process of what is known (surrogate.h), of which points that are not known yet
 * are taken to give a lie.
 *
 * The first surrogate_startup() known results are of scrambled Sobol points. Then the expected improvement is looked at
 * in SURROGATE_CANDIDATES Sobol points, and the best three of them and the incumbent are improved on in rounds: each
 * has eight points around it, half of them with all numbers moved by normal steps of its radius, half with a few
 * parameters, one at least, choices drawn anew; a radius grows by 2 with a success and goes down to 0.7 of it without.
 * Steps are mirrored at the ends. Points that were chosen are passed over; where only such are left, one is drawn at
 * random. */
#include "base/rng.h"
#include "sweep/learning.h"
#include "sweep/sobol.h"
#include "sweep/surrogate.h"

#include <stdlib.h>
#include <string.h>

enum { STARTS = 4, CHILDREN = 8, TRIED = STARTS * CHILDREN, ROUNDS_LEAST = 4, ROUNDS_MOST = 32 };

/* Products of a triangular solve for the points of all rounds: what a proposal may cost. */
static const int64_t work_most = 60000000;

struct search_start {
  double u[SPACE_PARAMETERS_MAX], improvement, radius;
};

static enum status open_memory(const struct method_task *task, void **memory) {
  (void)task;
  *memory = calloc(1, sizeof(struct surrogate));
  REQUIRE(*memory, STATUS_MEMORY, "out of memory for method bayes");
  return STATUS_OK;
}

static void close_memory(void *memory) {
  if (memory) surrogate_free(memory);
  free(memory);
}

static void draw_random(const struct method_task *task, int64_t draw, double *point) {
  struct rng rng = rng_stream(task->seed, RNG_PROPOSE, (uint64_t)draw, 0);
  double u[SPACE_PARAMETERS_MAX];
  for (int i = 0; i < task->space->count; i++) u[i] = rng_uniform(&rng);
  space_point(task->space, u, point);
}

static bool was_chosen(const struct method_task *task, const struct history *history, const double *u) {
  double point[SPACE_PARAMETERS_MAX];
  space_point(task->space, u, point);
  for (int64_t c = 0; c < history->count; c++)
    if (space_equal(task->space, history->point + c * task->space->count, point)) return true;
  return false;
}

/* The best candidate that was not chosen and is below a bound of improvement, by number where they are equal; -1: none. */
static int64_t next_candidate(const struct method_task *task, const struct history *history,
                              const struct surrogate *surrogate, double *improvement) {
  for (;;) {
    int64_t best = -1;
    for (int64_t i = 0; i < SURROGATE_CANDIDATES; i++)
      if (improvement[i] > -(double)INFINITY && (best < 0 || improvement[i] > improvement[best])) best = i;
    if (best < 0) return -1;
    if (!was_chosen(task, history, surrogate->offered + best * task->space->count)) return best;
    improvement[best] = -(double)INFINITY;
  }
}

/* The best candidates, and last the incumbent, which any new point is better than; returns how many. */
static int begin(const struct method_task *task, const struct history *history, const struct surrogate *surrogate,
                 struct search_start starts[STARTS]) {
  double improvement[SURROGATE_CANDIDATES];
  const size_t bytes = (size_t)task->space->count * sizeof(double);
  int count = 0;
  surrogate_candidates(surrogate, improvement);
  while (count < STARTS - 1) {
    const int64_t best = next_candidate(task, history, surrogate, improvement);
    if (best < 0) break;
    starts[count] = (struct search_start){.improvement = improvement[best], .radius = 0.1};
    memcpy(starts[count++].u, surrogate->offered + best * task->space->count, bytes);
    improvement[best] = -(double)INFINITY;
  }
  starts[count] = (struct search_start){.improvement = -(double)INFINITY, .radius = 0.1};
  space_coordinates(task->space, surrogate->point + surrogate->incumbent * task->space->count, starts[count].u);
  for (int i = 0; i < task->space->count; i++)
    if (isnan(starts[count].u[i])) starts[count].u[i] = 0.5;
  return count + 1;
}

static void vary(const struct method_task *task, const struct search_start *start, bool all, struct rng *rng,
                 double *u) {
  const int parameters = task->space->count;
  double normal[SPACE_PARAMETERS_MAX];
  const int sure = (int)rng_below(rng, (uint64_t)parameters);
  rng_normal(rng, normal, parameters);
  for (int i = 0; i < parameters; i++) {
    const bool choice = distribution_is_choice(task->space->parameter[i].distribution.kind);
    const double chance = rng_uniform(rng), anew = rng_uniform(rng);
    const bool picked = i == sure || chance * parameters < 1.0;
    u[i] = start->u[i];
    if (choice && picked && !all) u[i] = anew;
    if (!choice && (picked || all)) u[i] = learning_mirror(u[i] + start->radius * normal[i]);
  }
}

/* Eight points around each start; the best of them that is better and new takes its place. */
static void go_round(const struct method_task *task, const struct history *history, struct surrogate *surrogate,
                     double *blocks, int count, struct rng *rng, struct search_start starts[STARTS]) {
  double u[TRIED][SPACE_PARAMETERS_MAX], improvement[TRIED];
  for (int t = 0; t < count * CHILDREN; t++) {
    vary(task, &starts[t / CHILDREN], t % 2 == 0, rng, u[t]);
    surrogate_place(task, surrogate, u[t], gaussian_place(&surrogate->columns, blocks, t));
  }
  for (int t = 0; t < count * CHILDREN; t += GAUSSIAN_BLOCK)
    surrogate_improvements(surrogate, gaussian_place(&surrogate->columns, blocks, t), improvement + t);
  for (int s = 0; s < count; s++) {
    bool success = false;
    for (int t = s * CHILDREN; t < (s + 1) * CHILDREN; t++) {
      if (!(improvement[t] > starts[s].improvement) || was_chosen(task, history, u[t])) continue;
      memcpy(starts[s].u, u[t], sizeof u[t]);
      starts[s].improvement = improvement[t];
      success = true;
    }
    starts[s].radius = success ? fmin(2.0 * starts[s].radius, 0.5) : fmax(0.7 * starts[s].radius, 1e-6);
  }
}

static enum status look(const struct method_task *task, const struct history *history, struct surrogate *surrogate,
                        int64_t draw, double *point) {
  TRY(surrogate_update(task, history, surrogate));
  struct search_start starts[STARTS];
  double blocks[TRIED * GAUSSIAN_COLUMNS_MAX] = {0.0};
  struct rng rng = rng_stream(task->seed, RNG_PROPOSE, (uint64_t)draw, 1);
  const int count = begin(task, history, surrogate, starts);
  const int64_t cost = (int64_t)TRIED * history->count * history->count / 2;
  int64_t rounds = work_most / (cost > 0 ? cost : 1);
  rounds = rounds < ROUNDS_LEAST ? ROUNDS_LEAST : (rounds > ROUNDS_MOST ? ROUNDS_MOST : rounds);
  for (int64_t r = 0; r < rounds; r++) go_round(task, history, surrogate, blocks, count, &rng, starts);
  int best = 0;
  for (int s = 1; s < count; s++)
    if (starts[s].improvement > starts[best].improvement) best = s;
  if (starts[best].improvement > -(double)INFINITY)
    space_point(task->space, starts[best].u, point);
  else
    draw_random(task, draw, point);
  return STATUS_OK;
}

static enum status propose(const struct method_task *task, void *memory, const struct history *history, int64_t draw,
                           double *point, bool *exhausted) {
  *exhausted = false;
  if (history->known < surrogate_startup(task->space)) {
    double u[SPACE_PARAMETERS_MAX];
    for (int i = 0; i < task->space->count; i++) u[i] = sobol_scrambled(task->seed, i, (uint32_t)(draw % SOBOL_POINTS));
    space_point(task->space, u, point);
    return STATUS_OK;
  }
  if (memory) return look(task, history, memory, draw, point);
  struct surrogate fresh = {.epoch = 0};
  const enum status status = look(task, history, &fresh, draw, point);
  surrogate_free(&fresh);
  return status;
}

const struct method_kind method_bayes = {
    .name = "bayes", .learns = true, .several = false, .open = open_memory, .close = close_memory, .propose = propose};
