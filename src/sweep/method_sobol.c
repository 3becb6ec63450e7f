/* Quasi-random search: the points of a scrambled Sobol sequence, parameter i by its dimension i. Any 2^k points that
 * begin at a multiple of 2^k fill each parameter evenly, and low-dimensional projections nearly so. */
#include "sweep/method.h"
#include "sweep/sobol.h"

static enum status propose(const struct method_task *task, void *memory, const struct history *history, int64_t draw,
                           double *point, bool *exhausted) {
  (void)memory;
  (void)history;
  *exhausted = draw >= SOBOL_POINTS;
  if (*exhausted) return STATUS_OK;
  double u[SPACE_PARAMETERS_MAX];
  for (int i = 0; i < task->space->count; i++) u[i] = sobol_scrambled(task->seed, i, (uint32_t)draw);
  space_point(task->space, u, point);
  return STATUS_OK;
}

const struct method_kind method_sobol = {.name = "sobol", .learns = false, .several = true, .propose = propose};
