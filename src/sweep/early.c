#include "sweep/early.h"

#include <math.h>
#include <string.h>

static const struct early_kind kinds[] = {
    {.type = "hyperband", .mode = "", .stops = early_stops_wandb},
    {.type = "asha", .mode = "stop", .stops = early_stops_asha},
    {.type = "median", .mode = "", .stops = early_stops_median, .means = true},
    {.type = "asha", .mode = "promote", .pausing = &early_promotion},
    {.type = "hyperband_brackets", .mode = "", .pausing = &early_brackets},
};
static const struct early_kind strict = {.type = "hyperband", .mode = "", .stops = early_stops_asha};

const struct early_kind *early_find(const struct sweep *sweep) {
  const struct sweep_early *early = &sweep->early;
  if (strcmp(early->type, "hyperband") == 0 && early->strict) return &strict;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i].type, early->type) == 0 && strcmp(kinds[i].mode, early->mode) == 0) return &kinds[i];
  return NULL;
}

int64_t early_part(double n, double eta) { return (int64_t)floor(n / eta + 1e-9); }

/* ---- Rungs ---- */

/* From max_iter downwards, as W&B has them: the fraction is kept on the way, and cut for each rung. */
static int rungs_down(const struct sweep_early *early, int64_t rung[SWEEP_RUNGS_MAX]) {
  int count = 0;
  double at = (double)early->max_iter;
  for (int64_t k = 0; k < early->s && count < SWEEP_RUNGS_MAX; ++k) {
    at /= early->eta;
    if (at < 1) break;
    rung[count++] = (int64_t)at;
  }
  for (int i = 0; i < count / 2; ++i) {
    const int64_t swapped = rung[i];
    rung[i] = rung[count - 1 - i];
    rung[count - 1 - i] = swapped;
  }
  return count;
}

static int rungs_up(const struct sweep *sweep, int64_t rung[SWEEP_RUNGS_MAX]) {
  const struct sweep_early *early = &sweep->early;
  const int64_t end = early->max_iter > 0 ? early->max_iter : sweep->reports;
  int count = 0;
  for (double at = (double)(early->min_iter > 0 ? early->min_iter : 1); at < (double)end; at *= early->eta) {
    if (count == SWEEP_RUNGS_MAX) break;
    if (count == 0 || (int64_t)at > rung[count - 1]) rung[count++] = (int64_t)at;
  }
  return count;
}

/* Small factors may give the same whole number again, which is one rung; and at a trial's last report there is nothing
 * left to be decided. */
static int drop_idle(int64_t *rung, int count, int64_t reports) {
  int kept = 0;
  for (int i = 0; i < count; ++i)
    if ((kept == 0 || rung[i] > rung[kept - 1]) && rung[i] < reports) rung[kept++] = rung[i];
  return kept;
}

int early_rungs(const struct sweep *sweep, int64_t *rung) {
  const struct sweep_early *early = &sweep->early;
  int64_t few[SWEEP_RUNGS_MAX];
  if (!*early->type) return 0;
  if (strcmp(early->type, "median") == 0) {
    const int count = (int)(sweep->reports > 1 ? sweep->reports - 1 : 0);
    for (int k = 0; k < count && rung; k++) rung[k] = k + 1;
    return count;
  }
  const bool down = early->max_iter > 0 && early->s > 0;
  const int count = drop_idle(few, down ? rungs_down(early, few) : rungs_up(sweep, few), sweep->reports);
  if (rung) memcpy(rung, few, (size_t)count * sizeof *rung);
  return count;
}

int early_first(const struct sweep *sweep) {
  if (strcmp(sweep->early.type, "median") != 0 || sweep->early.min_iter < 1) return 0;
  return (int)sweep->early.min_iter - 1;
}
