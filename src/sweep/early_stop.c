/* Rules that end trials under way. */
#include "sweep/early.h"

#include <math.h>
#include <stdlib.h>

/* How many of the others have come to the rung; *better: than this one. */
static int64_t count_others(const struct early_view *view, int64_t *better) {
  const double own = view->own[view->rung];
  int64_t there = 0;
  *better = 0;
  for (int64_t i = 0; i < view->count; i++) {
    const double value = view->others[i * view->rungs + view->rung];
    there += !isnan(value);
    *better += value < own;
  }
  return there;
}

bool early_stops_wandb(const struct early_view *view) {
  int64_t better;
  const int64_t all = count_others(view, &better) + 1;
  return better > early_part((double)all, view->eta);
}

bool early_stops_asha(const struct early_view *view) {
  int64_t better;
  const int64_t part = early_part((double)(count_others(view, &better) + 1), view->eta);
  return better >= (part > 1 ? part : 1);
}

/* Over the reports up to this one. Of an infinite value the mean is infinite. */
static double mean_so_far(const struct early_view *view, const double *row) {
  double sum = 0;
  for (int k = 0; k <= view->rung; k++) sum += row[k];
  return sum / (view->rung + 1);
}

/* Worse than the median: of n means at least half, rounded up, are better; where the median lies between two of them,
 * both have to be passed, or their middle, which needs their values. So the two are looked for. */
bool early_stops_median(const struct early_view *view) {
  enum { FEWEST = 3 };
  double best = INFINITY, below = -INFINITY, above = INFINITY;
  int64_t count = 0, better = 0;
  for (int k = 0; k <= view->rung; k++) best = fmin(best, view->own[k]);
  for (int64_t i = 0; i < view->count; i++) {
    const double mean = mean_so_far(view, view->others + i * view->rungs);
    if (isnan(mean)) continue;
    count += 1;
    better += mean < best;
    if (mean < best)
      below = fmax(below, mean);
    else
      above = fmin(above, mean);
  }
  if (count < FEWEST) return false;
  if (2 * better != count) return 2 * better > count;
  /* As many below as not: the median is the middle of the two nearest. */
  return best > 0.5 * (below + above);
}
