/* Rules that end trials under way. */
#include "sweep/early.h"

bool early_stops_wandb(const struct early_view *view) {
  return view->better > early_part((double)(view->count + 1), view->eta);
}

bool early_stops_asha(const struct early_view *view) {
  const int64_t part = early_part((double)(view->count + 1), view->eta);
  return view->better >= (part > 1 ? part : 1);
}

/* Worse than the median: of n means at least half, rounded up, are better; where the median lies between two of them,
 * both have to be passed, or their middle, which needs their values. */
bool early_stops_median(const struct early_view *view) {
  enum { FEWEST = 3 };
  if (view->count < FEWEST) return false;
  if (2 * view->better != view->count) return 2 * view->better > view->count;
  /* As many below as not: the median is the middle of the two nearest. */
  return view->own > 0.5 * (view->below + view->above);
}
