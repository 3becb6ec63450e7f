/* Grid search: all combinations, the last parameter fastest. */
#include "sweep/method.h"

static enum status propose(const struct method_task *task, void *memory, const struct history *history, int64_t draw,
                           double *point, bool *exhausted) {
  (void)memory;
  (void)history;
  /* -1, of a space that has no grid, is exhausted at once; the parser has refused it. */
  *exhausted = draw >= space_grid(task->space);
  if (!*exhausted) space_grid_point(task->space, draw, point);
  return STATUS_OK;
}

const struct method_kind method_grid = {.name = "grid", .learns = false, .propose = propose};
