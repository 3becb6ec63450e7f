/* ASHA as its paper has it: trials wait at a rung until they are among the best that have come there. */
#include "sweep/early.h"
#include "sweep/standing.h"

#include <math.h>
#include <stdlib.h>

struct rung {
  struct standing standing; /* of configurations, the best first */
  int64_t room;
  int64_t settled; /* leading members that are not promoted any more: they have been, or cannot go on */
  int64_t running; /* jobs that lead here and have not ended */
  int64_t left;    /* promoted from here */
};

struct promotion {
  struct early_task task;
  struct rung rung[SWEEP_RUNGS_MAX + 1]; /* the end among them, of which only `running` counts */
  unsigned char *level;                  /* [configurations]: rung of its last job */
  bool *stuck;                           /* [configurations]: cannot go on */
  int64_t begun;                         /* configurations */
  struct arena arena;
};

static void close(void *memory) {
  struct promotion *promotion = memory;
  if (!promotion) return;
  for (int k = 0; k <= SWEEP_RUNGS_MAX; k++) free(promotion->rung[k].standing.member);
  arena_free(&promotion->arena);
  free(promotion);
}

static enum status open(const struct early_task *task, void **memory) {
  struct promotion *promotion = calloc(1, sizeof *promotion);
  *memory = promotion;
  REQUIRE(promotion, STATUS_MEMORY, "out of memory for early stopping");
  promotion->task = *task;
  promotion->level = arena_array(&promotion->arena, task->configurations, sizeof *promotion->level);
  promotion->stuck = arena_array(&promotion->arena, task->configurations, sizeof *promotion->stuck);
  return arena_check(&promotion->arena, "early stopping");
}

/* ---- What can still come ---- */

static bool is_open(const struct promotion *promotion, int k, int64_t configuration) {
  return promotion->level[configuration] == k && !promotion->stuck[configuration];
}

/* The best of a rung's part that goes on; -1: none. */
static int64_t find_candidate(const struct promotion *promotion, int k) {
  const struct rung *rung = &promotion->rung[k];
  const int64_t part = early_part((double)rung->standing.count, promotion->task.eta);
  for (int64_t i = rung->settled; i < part; i++)
    if (is_open(promotion, k, rung->standing.member[i].number)) return rung->standing.member[i].number;
  return -1;
}

static int64_t count_candidates(const struct promotion *promotion, int k) {
  const struct rung *rung = &promotion->rung[k];
  const int64_t part = early_part((double)rung->standing.count, promotion->task.eta);
  int64_t count = 0;
  for (int64_t i = rung->settled; i < part; i++) count += is_open(promotion, k, rung->standing.member[i].number);
  return count;
}

/* Whether a trial can yet begin its way to the end: at most so many come to each rung, from below and by jobs under
 * way; and where none come any more, those that go on are known. When not, work on lower rungs would be in vain. */
static bool can_gain(const struct promotion *promotion) {
  const int rungs = promotion->task.rungs;
  int64_t coming = promotion->task.configurations - promotion->begun;
  for (int k = 0; k < rungs; k++) {
    const struct rung *rung = &promotion->rung[k];
    coming += rung->running;
    const int64_t there = rung->standing.count + coming;
    if (coming == 0)
      coming = count_candidates(promotion, k);
    else if (early_part((double)there, promotion->task.eta) == 0)
      coming = 0;
    else
      coming = there - rung->left;
  }
  return coming > 0;
}

static enum early_answer next(const void *memory, int64_t *configuration, int *rung) {
  const struct promotion *promotion = memory;
  if (promotion->task.rungs > 0 && !can_gain(promotion)) return EARLY_NOTHING;
  for (int k = promotion->task.rungs - 1; k >= 0; k--) {
    *configuration = find_candidate(promotion, k);
    *rung = k + 1;
    if (*configuration >= 0) return EARLY_FURTHER;
  }
  *rung = 0;
  return promotion->begun < promotion->task.configurations ? EARLY_FRESH : EARLY_NOTHING;
}

/* ---- What has happened ---- */

static void skip_settled(struct promotion *promotion, int k) {
  struct rung *rung = &promotion->rung[k];
  while (rung->settled < rung->standing.count && !is_open(promotion, k, rung->standing.member[rung->settled].number))
    rung->settled += 1;
}

static enum status begun(void *memory, int64_t configuration, int rung) {
  struct promotion *promotion = memory;
  if (configuration >= promotion->begun)
    promotion->begun = configuration + 1;
  else
    promotion->rung[promotion->level[configuration]].left += 1;
  const int before = promotion->level[configuration];
  promotion->level[configuration] = (unsigned char)rung;
  promotion->rung[rung].running += 1;
  if (rung > 0) skip_settled(promotion, before);
  return STATUS_OK;
}

static enum status ended(void *memory, int64_t configuration, int k, double value, bool further) {
  struct promotion *promotion = memory;
  struct rung *rung = &promotion->rung[k];
  rung->running -= 1;
  promotion->stuck[configuration] = !further;
  if (k >= promotion->task.rungs || isnan(value)) return STATUS_OK;
  struct standing *standing = &rung->standing;
  if (standing->count == rung->room) {
    const int64_t room = rung->room > 0 ? 2 * rung->room : 64;
    struct standing_member *member = realloc(standing->member, (size_t)room * sizeof *member);
    REQUIRE(member, STATUS_MEMORY, "out of memory for early stopping");
    standing->member = member;
    rung->room = room;
  }
  const int64_t place = standing_place(standing, value, configuration);
  standing_add(standing, value, configuration);
  if (place < rung->settled) rung->settled = place;
  skip_settled(promotion, k);
  return STATUS_OK;
}

static void dried(void *memory) {
  struct promotion *promotion = memory;
  promotion->task.configurations = promotion->begun;
}

const struct early_pausing early_promotion = {open, close, next, begun, ended, dried};
