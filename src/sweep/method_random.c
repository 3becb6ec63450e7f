/* Random search: independent draws. Bergstra and Bengio, JMLR 13, 281-305 (2012), say why it is the one to beat. */
#include "base/rng.h"
#include "sweep/method.h"

static enum status propose(const struct method_task *task, void *memory, const struct history *history, int64_t draw,
                           double *point, bool *exhausted) {
  (void)memory;
  (void)history;
  double u[SPACE_PARAMETERS_MAX];
  for (int i = 0; i < task->space->count; i++) {
    struct rng rng = rng_stream(task->seed, RNG_SEARCH, (uint64_t)draw, (uint32_t)i);
    u[i] = rng_uniform(&rng);
  }
  space_point(task->space, u, point);
  *exhausted = false;
  return STATUS_OK;
}

const struct method_kind method_random = {.name = "random", .learns = false, .several = true, .propose = propose};
