#include "train/deadline.h"

#include <math.h>

/* A checkpoint that has not been measured: B/s of a file system that is busy, and s for its two syncs. */
static const double slow_disk = 1e8, least_checkpoint = 1;

/* A long step is forgotten bit by bit: one in which the machine did something else must not end jobs early for ever. */
static const double memory = 0.9;

void deadline_note_step(struct deadline_costs *costs, double seconds) {
  costs->step = fmax(seconds, memory * costs->step);
}

void deadline_note_evaluation(struct deadline_costs *costs, double seconds, int64_t rollouts) {
  if (rollouts > 0) costs->evaluation = fmax(costs->evaluation, seconds / (double)rollouts);
}

void deadline_note_checkpoint(struct deadline_costs *costs, double seconds) {
  costs->checkpoint = fmax(costs->checkpoint, seconds);
}

double deadline_checkpoint(const struct deadline_costs *costs) {
  return costs->checkpoint > 0 ? costs->checkpoint : fmax((double)costs->bytes / slow_disk, least_checkpoint);
}

/* Before the first evaluation a rollout is taken to cost there what it costs in a step. */
static double evaluation(const struct deadline_costs *costs) {
  return costs->evaluation > 0 ? costs->evaluation : costs->batch > 0 ? costs->step / (double)costs->batch : 0;
}

double deadline_need(const struct deadline_costs *costs, int64_t steps, int64_t rollouts) {
  return (double)steps * costs->step + (double)rollouts * evaluation(costs) + 2 * deadline_checkpoint(costs) +
         DEADLINE_MARGIN;
}
