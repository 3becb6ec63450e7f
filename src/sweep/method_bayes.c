/* Bayesian optimisation (Jones, Schonlau and Welch, J. Global Optim. 13, 455-492, 1998): the point of the largest
 * expected improvement under a Gaussian process of what is known (surrogate.h), of which points that are not known
 * yet are taken to give what it expects there.
 *
 * The first surrogate_startup() known results are of scrambled Sobol points. Then every second configuration is
 * looked for everywhere: in SURROGATE_CANDIDATES Sobol points, and from the best three of them and the incumbent on;
 * the others in a trust region around the incumbent (Eriksson et al., Scalable Global Optimization via Local Bayesian
 * Optimization, NeurIPS 2019), since in many dimensions the largest improvement is expected in one corner after the
 * other. Its side is 0.4, doubled (up to 1.6) after three results in a row that are better by a thousandth, halved
 * after five that are not, 0.4 again when it is below 2^-7. Starts are improved on in rounds: each has eight points
 * around it, half of them with all numbers moved by normal steps of its radius, half with a few parameters, one at
 * least, choices drawn anew; the radius grows by 2 with a success and goes down to 0.7 of it without. Points that
 * were chosen are passed over; where only such are left, one is drawn at random.
 *
 * Where early stopping has cut trainings, values after fewer steps are not those of more. Of those that came as far as
 * each other the values are raised, all alike, so far that none is better than those of any that came further: these
 * were better when they were compared. (A process of the longest trainings alone, as BOHB has it, knows nothing of
 * where others were cut, and expects improvement there again and again.) */
#include "base/elementary.h"
#include "base/rng.h"
#include "sweep/learning.h"
#include "sweep/sobol.h"
#include "sweep/surrogate.h"

#include <stdlib.h>
#include <string.h>

enum { STARTS = 4, CHILDREN = 8, TRIED = STARTS * CHILDREN, ROUNDS_LEAST = 4, ROUNDS_MOST = 32, GLOBAL_EVERY = 2 };

/* Products of a triangular solve for the points of all rounds: what a proposal may cost. */
static const int64_t work_most = 60000000;

struct search_start {
  double u[SPACE_PARAMETERS_MAX], improvement, radius;
};

/* Where coordinates of numbers may lie, and how far they have to be, one at least, from points that are not known
 * yet. */
struct region {
  double least[SPACE_PARAMETERS_MAX], most[SPACE_PARAMETERS_MAX], apart;
};

struct came {
  int64_t steps, number;
};

struct memory {
  struct surrogate surrogate;
  int64_t room;      /* for configurations */
  double *value;     /* [room]: raised */
  struct came *came; /* [room]: with a value, who came furthest first */
  struct arena arena;
};

static enum status open_memory(const struct method_task *task, void **memory) {
  (void)task;
  *memory = calloc(1, sizeof(struct memory));
  REQUIRE(*memory, STATUS_MEMORY, "out of memory for method bayes");
  return STATUS_OK;
}

static void close_memory(void *opaque) {
  struct memory *memory = opaque;
  if (!memory) return;
  surrogate_free(&memory->surrogate);
  arena_free(&memory->arena);
  free(memory);
}

/* ---- What early stopping has cut ---- */

static enum status make_room(struct memory *memory, int64_t count) {
  if (count <= memory->room) return STATUS_OK;
  arena_free(&memory->arena);
  memory->room = 0;
  memory->value = arena_array(&memory->arena, 2 * count, sizeof *memory->value);
  memory->came = arena_array(&memory->arena, 2 * count, sizeof *memory->came);
  TRY(arena_check(&memory->arena, "the values of method bayes"));
  memory->room = 2 * count;
  return STATUS_OK;
}

static int furthest_first(const void *a, const void *b) {
  const struct came *x = a, *y = b;
  if (x->steps != y->steps) return x->steps > y->steps ? -1 : 1;
  return (x->number > y->number) - (x->number < y->number);
}

/* See above. */
static void raise_values(int64_t count, const struct came *came, double *value) {
  double worst = -(double)INFINITY;
  for (int64_t first = 0, end = 0; first < count; first = end) {
    double least = (double)INFINITY;
    for (; end < count && came[end].steps == came[first].steps; end++) least = fmin(least, value[came[end].number]);
    const double raise = worst > least ? worst - least : 0.0;
    for (int64_t i = first; i < end; i++) {
      value[came[i].number] += raise;
      worst = fmax(worst, value[came[i].number]);
    }
  }
}

/* History with raised values; itself, where nothing was cut. */
static enum status compare(const struct method_task *task, const struct history *history, struct memory *memory,
                           struct history *compared) {
  int64_t count = 0;
  bool cut = false;
  TRY(make_room(memory, history->known));
  for (int64_t c = 0; c < history->known; c++) {
    memory->value[c] = learning_value(task, history, c);
    if (isnan(memory->value[c])) continue;
    memory->came[count] = (struct came){learning_steps(history, c), c};
    cut = cut || memory->came[count].steps != memory->came[0].steps;
    count += 1;
  }
  *compared = *history;
  if (!cut) return STATUS_OK;
  qsort(memory->came, (size_t)count, sizeof *memory->came, furthest_first);
  raise_values(count, memory->came, memory->value);
  compared->value = memory->value;
  return STATUS_OK;
}

/* ---- Candidates ---- */

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

/* The best candidate that was not chosen and is below a bound of improvement, by number where they are equal; -1:
 * none. */
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

static bool is_global(int64_t configuration) { return configuration % GLOBAL_EVERY == 0; }

/* The side of the trust region: a fold over what is known. */
static double side_of(const struct method_task *task, const struct history *history) {
  const int64_t startup = surrogate_startup(task->space);
  const int patience = 5;
  double side = 0.4, best = (double)INFINITY;
  int successes = 0, failures = 0;
  for (int64_t c = 0; c < history->known; c++) {
    const double value = learning_value(task, history, c);
    const bool success = value < best - 1e-3 * fabs(best) || (isinf(best) && isfinite(value));
    if (value < best) best = value;
    if (c < startup || (is_global(c) && !success)) continue;
    successes = success ? successes + 1 : 0;
    failures = success ? 0 : failures + 1;
    if (successes < 3 && failures < patience) continue;
    side = successes >= 3 ? fmin(2.0 * side, 1.6) : 0.5 * side;
    if (side < 0x1p-7) side = 0.4;
    successes = failures = 0;
  }
  return side;
}

/* Around the incumbent, longer where the process is: sides are in proportion to lengths, of geometric mean `side`. */
static void trust(const struct method_task *task, const struct surrogate *surrogate, const double *centre, double side,
                  struct region *region) {
  const int parameters = task->space->count;
  double mean = 0.0;
  for (int i = 0; i < parameters; i++) mean += surrogate->gaussian.theta[i] / parameters;
  for (int i = 0; i < parameters; i++) {
    const double half = 0.5 * side * elementary_exp(surrogate->gaussian.theta[i] - mean);
    region->least[i] = fmax(centre[i] - half, 0x1p-53);
    region->most[i] = fmin(centre[i] + half, 1.0 - 0x1p-53);
  }
}

static void incumbent_of(const struct method_task *task, const struct surrogate *surrogate, double *u) {
  space_coordinates(task->space, surrogate->point + surrogate->incumbent * task->space->count, u);
  for (int i = 0; i < task->space->count; i++)
    if (isnan(u[i])) u[i] = 0.5;
}

/* Of the trust region: the incumbent, with several radii. */
static int begin_near(const struct method_task *task, const struct surrogate *surrogate, double side,
                      struct search_start starts[STARTS], struct region *region) {
  for (int s = 0; s < STARTS; s++) {
    starts[s] = (struct search_start){.improvement = -(double)INFINITY, .radius = 0.5 * side};
    for (int k = 0; k < s; k++) starts[s].radius *= 0.3;
    incumbent_of(task, surrogate, starts[s].u);
  }
  trust(task, surrogate, starts[0].u, side, region);
  return STARTS;
}

/* The best candidates, and last the incumbent, which any new point is better than; returns how many. */
static int begin(const struct method_task *task, const struct history *history, const struct surrogate *surrogate,
                 struct search_start starts[STARTS], struct region *region) {
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
  incumbent_of(task, surrogate, starts[count].u);
  for (int i = 0; i < task->space->count; i++) {
    region->least[i] = 0x1p-53;
    region->most[i] = 1.0 - 0x1p-53;
  }
  return count + 1;
}

static void vary(const struct method_task *task, const struct search_start *start, const struct region *region,
                 bool all, struct rng *rng, double *u) {
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
    if (!choice && (picked || all))
      u[i] = fmin(fmax(u[i] + start->radius * normal[i], region->least[i]), region->most[i]);
  }
}

/* Whether it is next to one that is not known yet: where the process is sure, that is no better than the same again. */
static bool is_crowded(const struct history *history, const struct surrogate *surrogate, double apart,
                       const double *place) {
  for (int64_t row = surrogate->gaussian.rows - 1; row >= 0 && surrogate->row[row] >= history->known; row--) {
    const double *other = gaussian_place(&surrogate->columns, surrogate->gaussian.block, row);
    bool near = true;
    for (int c = 0; c < surrogate->columns.count && near; c++)
      near = fabs(place[c * GAUSSIAN_BLOCK] - other[c * GAUSSIAN_BLOCK]) < apart;
    if (near) return true;
  }
  return false;
}

/* Eight points around each start; the best of them that is better and new takes its place. */
static void go_round(const struct method_task *task, const struct history *history, struct surrogate *surrogate,
                     double *blocks, int count, const struct region *region, struct rng *rng,
                     struct search_start starts[STARTS]) {
  double u[TRIED][SPACE_PARAMETERS_MAX], improvement[TRIED];
  for (int t = 0; t < count * CHILDREN; t++) {
    vary(task, &starts[t / CHILDREN], region, t % 2 == 0, rng, u[t]);
    surrogate_place(task, u[t], gaussian_place(&surrogate->columns, blocks, t));
  }
  for (int t = 0; t < count * CHILDREN; t += GAUSSIAN_BLOCK)
    surrogate_improvements(surrogate, gaussian_place(&surrogate->columns, blocks, t), improvement + t);
  for (int s = 0; s < count; s++) {
    bool success = false;
    for (int t = s * CHILDREN; t < (s + 1) * CHILDREN; t++) {
      if (!(improvement[t] > starts[s].improvement) || was_chosen(task, history, u[t])) continue;
      if (is_crowded(history, surrogate, region->apart, gaussian_place(&surrogate->columns, blocks, t))) continue;
      memcpy(starts[s].u, u[t], sizeof u[t]);
      starts[s].improvement = improvement[t];
      success = true;
    }
    starts[s].radius = success ? fmin(2.0 * starts[s].radius, 0.5) : fmax(0.7 * starts[s].radius, 1e-6);
  }
}

static enum status look(const struct method_task *task, const struct history *history, struct memory *memory,
                        int64_t draw, double *point) {
  struct surrogate *surrogate = &memory->surrogate;
  struct history compared;
  TRY(compare(task, history, memory, &compared));
  TRY(surrogate_update(task, &compared, surrogate));
  struct search_start starts[STARTS];
  double blocks[TRIED * GAUSSIAN_COLUMNS_MAX] = {0.0};
  struct rng rng = rng_stream(task->seed, RNG_PROPOSE, (uint64_t)draw, 1);
  const double side = side_of(task, &compared);
  struct region region = {.apart = 0.02 * side};
  const int count = is_global(history->count) ? begin(task, history, surrogate, starts, &region)
                                              : begin_near(task, surrogate, side, starts, &region);
  const int64_t cost = (int64_t)TRIED * history->count * history->count / 2;
  int64_t rounds = work_most / (cost > 0 ? cost : 1);
  rounds = rounds < ROUNDS_LEAST ? ROUNDS_LEAST : (rounds > ROUNDS_MOST ? ROUNDS_MOST : rounds);
  for (int64_t r = 0; r < rounds; r++) go_round(task, history, surrogate, blocks, count, &region, &rng, starts);
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
  void *fresh;
  TRY(open_memory(task, &fresh));
  const enum status status = look(task, history, fresh, draw, point);
  close_memory(fresh);
  return status;
}

const struct method_kind method_bayes = {
    .name = "bayes", .learns = true, .several = false, .open = open_memory, .close = close_memory, .propose = propose};
