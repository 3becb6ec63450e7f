/* The tree-structured Parzen estimator: J. Bergstra, R. Bardenet, Y. Bengio and B. Kegl, Algorithms for hyper-parameter
 * optimization, NIPS 2011; with densities over all parameters together (parzen.h).
 *
 * Of n results the min(ceil(n / 10), 25) best are "below", all other points "above"; l and g are their densities. Of
 * 24 draws of l the one with the largest l / g is proposed, which stands for expected improvement. Draws that were
 * chosen before do not count; if all 24 were, the proposal is a random point, so that a space of few points does not
 * stall. All are random while fewer configurations are known than parameters vary, or than 10.
 *
 * What is better: complete ones by value (several metrics: pareto_select()), then those that were stopped early or
 * wait, by more steps and then by value. Equals by the lower number. Never below: what has no value, for whatever
 * reason, what violates constraints, and what is not known yet; since all of them repel, parallel proposals spread. */
#include "base/elementary.h"
#include "base/rng.h"
#include "sweep/method.h"
#include "sweep/pareto.h"
#include "sweep/parzen.h"

#include <stdlib.h>
#include <string.h>

enum { STARTUP_LEAST = 10, BELOW_MOST = 25, CANDIDATES = 24 };

/* What follows of points alone is kept; the rest is room to work in. */
struct memory {
  struct parzen_axes axes;
  int64_t room, placed; /* points that there is room for; whose places are known */
  double *point;        /* [room][parameters]: of which they are the places */
  double *place;        /* [room][axes] */
  uint64_t *hash;       /* [room] */
  int64_t *sorted;      /* [room]: numbers, first those below */
  int64_t *eligible;    /* [room] */
  double *value;        /* [room][metrics] */
  bool *is_below;       /* [room] */
  struct parzen below, above;
  struct arena arena; /* of all that depends on room */
};

static void close_memory(void *opaque) {
  struct memory *memory = opaque;
  if (!memory) return;
  arena_free(&memory->arena);
  parzen_axes_close(&memory->axes);
  free(memory);
}

static enum status open_memory(const struct method_task *task, void **opaque) {
  struct memory *memory = calloc(1, sizeof *memory);
  REQUIRE(memory, STATUS_MEMORY, "out of memory for method tpe");
  const enum status status = parzen_axes_open(task->space, &memory->axes);
  if (status == STATUS_OK)
    *opaque = memory;
  else
    close_memory(memory);
  return status;
}

/* ---- Places of points ---- */

/* Twice the room at least, so that what is forgotten costs no more than what comes. */
static enum status make_room(const struct method_task *task, struct memory *memory, int64_t count) {
  if (count <= memory->room) return STATUS_OK;
  int64_t room = 2 * memory->room > 64 ? 2 * memory->room : 64;
  room = room > count ? room : count;
  arena_free(&memory->arena);
  memory->room = memory->placed = 0;
  memory->point = arena_array(&memory->arena, room * task->space->count, sizeof(double));
  memory->place = arena_array(&memory->arena, room * memory->axes.count, sizeof(double));
  memory->hash = arena_array(&memory->arena, room, sizeof(uint64_t));
  memory->sorted = arena_array(&memory->arena, room, sizeof(int64_t));
  memory->eligible = arena_array(&memory->arena, room, sizeof(int64_t));
  memory->value = arena_array(&memory->arena, room * task->metrics, sizeof(double));
  memory->is_below = arena_array(&memory->arena, room, sizeof(bool));
  parzen_allocate(&memory->axes, BELOW_MOST, &memory->arena, &memory->below);
  parzen_allocate(&memory->axes, room, &memory->arena, &memory->above);
  TRY(arena_check(&memory->arena, "the points of method tpe"));
  memory->room = room;
  return STATUS_OK;
}

/* Bits are compared, so that a memory of other points decides nothing. */
static void place_points(const struct method_task *task, struct memory *memory, const struct history *history) {
  const int64_t parameters = task->space->count;
  const size_t bytes = (size_t)parameters * sizeof(double);
  for (int64_t i = 0; i < history->count; i++) {
    const double *point = history->point + i * parameters;
    double *kept = memory->point + i * parameters;
    if (i < memory->placed && memcmp(kept, point, bytes) == 0) continue;
    memcpy(kept, point, bytes);
    memory->hash[i] = space_hash(task->space, point);
    parzen_place(&memory->axes, point, memory->place + i * memory->axes.count);
  }
  if (memory->placed < history->count) memory->placed = history->count;
}

/* ---- Below and above ---- */

/* 0: complete; 1: stopped early, or it waits; -1: it has no result to be proud of. */
static int group_of(const struct method_task *task, const struct history *history, int64_t i) {
  if (!history->feasible[i]) return -1;
  for (int m = 0; m < task->metrics; m++)
    if (!isfinite(history->value[i * task->metrics + m])) return -1;
  const enum trial_state state = history->state[i];
  if (state == TRIAL_COMPLETE) return 0;
  return state == TRIAL_PRUNED || state == TRIAL_PAUSED ? 1 : -1;
}

/* Of one metric, in one group; a < b. */
static bool is_better(const struct history *history, int group, int64_t a, int64_t b) {
  if (group > 0 && history->step[a] != history->step[b]) return history->step[a] > history->step[b];
  return history->value[a] < history->value[b];
}

/* The `most` best of eligible[count], ascending numbers, to chosen[]: one metric. */
static void select_best(const struct history *history, int group, const int64_t *eligible, int64_t count, int64_t most,
                        int64_t *chosen) {
  int64_t taken = 0;
  for (int64_t e = 0; e < count; e++) {
    if (taken == most && !is_better(history, group, eligible[e], chosen[taken - 1])) continue;
    int64_t at = taken < most ? taken++ : taken - 1;
    for (; at > 0 && is_better(history, group, eligible[e], chosen[at - 1]); at--) chosen[at] = chosen[at - 1];
    chosen[at] = eligible[e];
  }
}

static enum status select_several(const struct method_task *task, struct memory *memory, const struct history *history,
                                  int64_t count, int64_t most, int64_t *chosen) {
  const size_t bytes = (size_t)task->metrics * sizeof(double);
  for (int64_t e = 0; e < count; e++)
    memcpy(memory->value + e * task->metrics, history->value + memory->eligible[e] * task->metrics, bytes);
  TRY(pareto_select(task->metrics, count, memory->value, most, chosen));
  for (int64_t c = 0; c < most; c++) chosen[c] = memory->eligible[chosen[c]];
  return STATUS_OK;
}

/* sorted[]: the `*below` good ones, ascending, then all others. */
static enum status split(const struct method_task *task, struct memory *memory, const struct history *history,
                         int64_t *below) {
  int64_t results = 0;
  for (int64_t i = 0; i < history->known; i++) results += group_of(task, history, i) >= 0;
  const int64_t wanted = results > 10 * BELOW_MOST ? BELOW_MOST : (results + 9) / 10;
  int64_t chosen[BELOW_MOST], taken = 0;
  for (int group = 0; group < 2 && taken < wanted; group++) {
    int64_t count = 0;
    for (int64_t i = 0; i < history->known; i++)
      if (group_of(task, history, i) == group) memory->eligible[count++] = i;
    const int64_t most = count < wanted - taken ? count : wanted - taken;
    if (most == 0) continue;
    if (task->metrics > 1)
      TRY(select_several(task, memory, history, count, most, chosen + taken));
    else
      select_best(history, group, memory->eligible, count, most, chosen + taken);
    taken += most;
  }
  memset(memory->is_below, 0, (size_t)history->count * sizeof(bool));
  for (int64_t c = 0; c < taken; c++) memory->is_below[chosen[c]] = true;
  int64_t good = 0, other = taken;
  for (int64_t i = 0; i < history->count; i++) memory->sorted[memory->is_below[i] ? good++ : other++] = i;
  *below = taken;
  return STATUS_OK;
}

/* ---- Proposals ---- */

static bool is_chosen(const struct method_task *task, const struct memory *memory, int64_t count, const double *point) {
  const uint64_t hash = space_hash(task->space, point);
  for (int64_t i = 0; i < count; i++)
    if (memory->hash[i] == hash && space_equal(task->space, memory->point + i * task->space->count, point)) return true;
  return false;
}

/* False: none of the candidates is new. */
static bool best_candidate(const struct method_task *task, struct memory *memory, int64_t count, int64_t draw,
                           double *point) {
  double best = -1.0, place[SPACE_PARAMETERS_MAX], u[SPACE_PARAMETERS_MAX], candidate[SPACE_PARAMETERS_MAX];
  for (uint32_t c = 0; c < CANDIDATES; c++) {
    struct rng rng = rng_stream(task->seed, RNG_PROPOSE, (uint64_t)draw, c);
    parzen_draw(&memory->below, &rng, place);
    parzen_coordinates(&memory->axes, place, u);
    space_point(task->space, u, candidate);
    if (is_chosen(task, memory, count, candidate)) continue;
    for (int a = 0; a < memory->axes.count; a++)
      if (isnan(candidate[memory->axes.axis[a].parameter])) place[a] = (double)NAN;
    const double ratio = parzen_density(&memory->below, place) / parzen_density(&memory->above, place);
    if (!(ratio > best)) continue;
    best = ratio;
    memcpy(point, candidate, (size_t)task->space->count * sizeof *point);
  }
  return best >= 0.0;
}

static enum status propose(const struct method_task *task, void *opaque, const struct history *history, int64_t draw,
                           double *point, bool *exhausted) {
  struct memory *memory = opaque;
  const int64_t startup = memory->axes.count > STARTUP_LEAST ? memory->axes.count : STARTUP_LEAST;
  *exhausted = false;
  if (history->known >= startup) {
    int64_t below = 0;
    TRY(make_room(task, memory, history->count));
    place_points(task, memory, history);
    TRY(split(task, memory, history, &below));
    parzen_learn(&memory->below, below, memory->sorted, memory->place);
    parzen_learn(&memory->above, history->count - below, memory->sorted + below, memory->place);
    if (best_candidate(task, memory, history->count, draw, point)) return STATUS_OK;
  }
  return method_random.propose(task, NULL, NULL, draw, point, exhausted);
}

const struct method_kind method_tpe = {
    .name = "tpe", .learns = true, .several = true, .open = open_memory, .close = close_memory, .propose = propose};
