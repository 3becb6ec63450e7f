/* What methods that learn share: what a result counts as, and steps within the unit interval. Not collective. */
#ifndef HGN_SWEEP_LEARNING_H
#define HGN_SWEEP_LEARNING_H

#include "sweep/method.h"

#include <math.h>

/* The first metric of configuration `c` < known, smaller is better; NaN, always with the same bits, where it counts as
 * worse than all others: it failed, diverged, ran out of time, is not feasible, or has no finite value. Of what waits
 * at a rung, or was stopped there, it is the value there, which is not to be compared with those of longer trainings:
 * learning_steps() comes first. */
static inline double learning_value(const struct method_task *task, const struct history *history, int64_t c) {
  const double value = history->value[c * (task->metrics > 1 ? task->metrics : 1)];
  const enum trial_state state = history->state[c];
  const bool counts = state == TRIAL_COMPLETE || state == TRIAL_PRUNED || state == TRIAL_PAUSED;
  return counts && history->feasible[c] && isfinite(value) ? value : (double)NAN;
}

/* Steps behind that value: a whole training, whatever its length, has more than any that early stopping has cut. */
static inline int64_t learning_steps(const struct history *history, int64_t c) {
  return history->state[c] == TRIAL_COMPLETE ? INT64_MAX : history->step[c];
}

/* A coordinate mirrored at 0 and 1, and never quite there. */
static inline double learning_mirror(double u) {
  double within = u - 2.0 * floor(0.5 * u);
  within = within > 1.0 ? 2.0 - within : within;
  return fmin(fmax(within, 0x1p-53), 1.0 - 0x1p-53);
}

#endif
