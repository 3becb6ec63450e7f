/* The oracle: every op as its definition reads, with libm and sums in f64. Speed does not matter here. */
#include "base/rng.h"
#include "graph/kernels.h"

#include <math.h>
#include <stdlib.h>

#define REAL float
#define NAME(name) name##_f32
#define DRAW_NORMAL rng_normal_f32
#include "graph/reference.inc"
#undef REAL
#undef NAME
#undef DRAW_NORMAL

#define REAL double
#define NAME(name) name##_f64
#define DRAW_NORMAL rng_normal
#include "graph/reference.inc"
#undef REAL
#undef NAME
#undef DRAW_NORMAL

enum status reference_run(enum graph_op op, const struct kernel_call *call) {
  static kernel_node *const table[2][OP_COUNT] = {
#define REFERENCE_ROW(name, arity, shape, kind) [OP_##name] = reference_##name##_f32,
      {GRAPH_OP_LIST(REFERENCE_ROW)},
#undef REFERENCE_ROW
#define REFERENCE_ROW(name, arity, shape, kind) [OP_##name] = reference_##name##_f64,
      {GRAPH_OP_LIST(REFERENCE_ROW)},
#undef REFERENCE_ROW
  };
  REQUIRE(call->out_shape->type != GRAPH_I64, STATUS_ARGUMENT, "there is no reference kernel for i64");
  return table[call->out_shape->type][op](call);
}
