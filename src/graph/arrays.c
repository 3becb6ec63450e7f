/* Kernels that move and add up arrays. Compiled once for each level, like map.c. */
#include "graph/levels.h"
#include "graph/special.h"

#include <stdlib.h>

/* A reduction or a broadcast sees its large array as [k1][r1][k2][r2][k3]: the k are kept (shared with the small array
 * [k1][k2][k3]), the r reduced (repeated). Neighbouring axes of one kind are one, and any may be 1. */
struct runs {
  int64_t k1, r1, k2, r2, k3;
};

static struct runs find_runs(const struct shape *large, const struct shape *small) {
  int64_t run[5] = {1, 1, 1, 1, 1};
  int at = 4; /* from the last axis: run[4] kept, run[3] reduced, ... */
  for (int axis = large->rank - 1; axis >= 0; axis--) {
    if (large->dim[axis] == 1) continue;
    bool kept = small->dim[axis] != 1;
    if (kept != (at % 2 == 0)) at--;
    run[at] *= large->dim[axis];
  }
  return (struct runs){run[0], run[1], run[2], run[3], run[4]};
}

/* An array seen along an axis: [outer][length][inner]. */
static void split_axis(const struct shape *shape, int64_t axis, int64_t *outer, int64_t *inner) {
  *outer = *inner = 1;
  for (int64_t i = 0; i < axis; i++) *outer *= shape->dim[i];
  for (int64_t i = axis + 1; i < shape->rank; i++) *inner *= shape->dim[i];
}

static enum status check_rows(const int64_t *index, int64_t count, int64_t rows) {
  for (int64_t i = 0; i < count; i++)
    REQUIRE(index[i] >= 0 && index[i] < rows, STATUS_NUMERIC, "index %lld is not one of %lld rows", (long long)index[i],
            (long long)rows);
  return STATUS_OK;
}

#define REAL float
#define NAME(name) name##_f32
#define SPECIAL_EXP special_exp_f32
#define SPECIAL_LOG special_log_f32
#include "graph/arrays.inc"
#undef REAL
#undef NAME
#undef SPECIAL_EXP
#undef SPECIAL_LOG

#define REAL double
#define NAME(name) name##_f64
#define SPECIAL_EXP elementary_exp
#define SPECIAL_LOG elementary_log
#include "graph/arrays.inc"
#undef REAL
#undef NAME
#undef SPECIAL_EXP
#undef SPECIAL_LOG

static enum status node_normal(const struct kernel_call *call) { return reference_run(OP_normal, call); }

#define NODES(suffix)                                                                                                  \
  {                                                                                                                    \
    [OP_broadcast] = broadcast##suffix, [OP_slice] = slice##suffix, [OP_pad] = pad##suffix,                            \
    [OP_concatenate] = concatenate##suffix, [OP_gather] = gather##suffix, [OP_scatter] = scatter##suffix,              \
    [OP_sum] = sum##suffix, [OP_logsumexp] = logsumexp##suffix, [OP_upsample2] = upsample2##suffix,                    \
    [OP_upsample2_adjoint] = upsample2_adjoint##suffix, [OP_mirror] = mirror##suffix, [OP_normal] = node_normal        \
  }
kernel_node *const LEVEL_NAME(kernel_nodes)[2][OP_COUNT] = {NODES(_f32), NODES(_f64)};
