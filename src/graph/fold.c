/* What a new node simplifies to. Nothing here changes a result by more than a rounding, and nothing hides an infinity
 * or a NaN: x * 0 stays.
 */
#include "graph/kernels.h"

static bool is_fill(struct value value) { return node_get(value)->op == OP_fill; }
static double fill_number(struct value value) { return node_get(value)->attributes.number[0]; }

static bool is_fill_of(struct value value, double number) { return is_fill(value) && fill_number(value) == number; }

static struct value fill_like(const struct shape *shape, struct graph *graph, double number) {
  return graph_fill(graph, number, shape->type, shape->rank, shape->dim);
}

/* An elementwise op of fills: its reference kernel on one element. */
static struct value fold_fills(struct graph *graph, enum graph_op op, const struct value *inputs,
                               const struct op_attributes *attributes, const struct shape *shape) {
  struct shape one = shape_make(shape->type, 0, NULL);
  struct kernel_call call = {.attributes = attributes, .out_shape = &one};
  float f32[OP_INPUTS_MAX + 1] = {0};
  double f64[OP_INPUTS_MAX + 1] = {0};
  bool single = shape->type == GRAPH_F32;
  for (int i = 0; i < op_table[op].arity; i++) {
    f32[i] = (float)fill_number(inputs[i]);
    f64[i] = fill_number(inputs[i]);
    call.in[i] = single ? (void *)&f32[i] : (void *)&f64[i];
    call.in_shape[i] = &one;
  }
  call.out = single ? (void *)&f32[OP_INPUTS_MAX] : (void *)&f64[OP_INPUTS_MAX];
  if (reference_run(op, &call) != STATUS_OK) return GRAPH_NONE;
  return fill_like(shape, graph, single ? (double)f32[OP_INPUTS_MAX] : f64[OP_INPUTS_MAX]);
}

static struct value fold_binary(struct graph *graph, enum graph_op op, const struct value *in,
                                const struct op_attributes *attributes, const struct shape *shape) {
  bool first = is_fill(in[0]), second = is_fill(in[1]);
  if (first && second) return fold_fills(graph, op, in, attributes, shape);
  switch (op) {
  case OP_add:
    if (first || second) return graph_offset(in[first], fill_number(in[second]));
    break;
  case OP_subtract:
    if (is_fill_of(in[0], 0)) return graph_negate(in[1]);
    if (second) return graph_offset(in[0], -fill_number(in[1]));
    break;
  case OP_multiply:
    if (first || second) return graph_scale(in[first], fill_number(in[second]));
    break;
  case OP_divide:
    if (is_fill_of(in[1], 1)) return in[0];
    break;
  default:
    break;
  }
  return GRAPH_NONE;
}

static struct value fold_unary(struct graph *graph, enum graph_op op, const struct value *in,
                               const struct op_attributes *attributes, const struct shape *shape) {
  const struct node *inner = node_get(in[0]);
  double number = attributes->number[0];
  if (inner->op == OP_fill) return fold_fills(graph, op, in, attributes, shape);
  if (op == OP_scale && number == 1) return in[0];
  if (op == OP_scale && inner->op == OP_scale)
    return graph_scale(node_input(in[0], 0), number * inner->attributes.number[0]);
  if (op == OP_offset && number == 0) return in[0];
  if (op == OP_offset && inner->op == OP_offset)
    return graph_offset(node_input(in[0], 0), number + inner->attributes.number[0]);
  return GRAPH_NONE;
}

/* Number of terms that each result of a reduction has. */
static double terms(const struct shape *from, const struct op_attributes *attributes) {
  double count = 1;
  for (int i = 0; i < from->rank; i++)
    if (attributes->integer[0] >> i & 1) count *= (double)from->dim[i];
  return count;
}

/* Ops that move elements: of a fill a fill, without effect nothing. */
static struct value fold_move(struct graph *graph, enum graph_op op, const struct value *in,
                              const struct op_attributes *attributes, const struct shape *shape) {
  const struct shape *from = &node_get(in[0])->shape;
  switch (op) {
  case OP_reshape:
    if (is_fill(in[0]) && shape_elements(from) == shape_elements(shape))
      return fill_like(shape, graph, fill_number(in[0]));
    if (shape_equal(from, shape)) return in[0];
    if (node_get(in[0])->op == OP_reshape && shape_elements(from) == shape_elements(shape))
      return graph_reshape(node_input(in[0], 0), shape->rank, shape->dim);
    break;
  case OP_broadcast:
  case OP_slice:
  case OP_upsample2:
    if (is_fill(in[0])) return fill_like(shape, graph, fill_number(in[0]));
    if (shape_equal(from, shape)) return in[0];
    break;
  case OP_pad:
    if (is_fill_of(in[0], 0)) return fill_like(shape, graph, 0);
    if (shape_equal(from, shape)) return in[0];
    break;
  case OP_upsample2_adjoint:
    if (is_fill(in[0])) return fill_like(shape, graph, 4 * fill_number(in[0]));
    break;
  case OP_concatenate:
    if (is_fill(in[0]) && is_fill_of(in[1], fill_number(in[0]))) return fill_like(shape, graph, fill_number(in[0]));
    break;
  case OP_sum:
    if (is_fill(in[0])) return fill_like(shape, graph, terms(from, attributes) * fill_number(in[0]));
    if (shape_equal(from, shape)) return in[0];
    break;
  default:
    break;
  }
  return GRAPH_NONE;
}

struct value fold_node(struct graph *graph, enum graph_op op, const struct value *inputs,
                       const struct op_attributes *attributes, const struct shape *shape) {
  switch (op_table[op].kind) {
  case OP_KIND_UNARY:
    return fold_unary(graph, op, inputs, attributes, shape);
  case OP_KIND_BINARY:
    return fold_binary(graph, op, inputs, attributes, shape);
  case OP_KIND_VIEW:
  case OP_KIND_OTHER:
    return fold_move(graph, op, inputs, attributes, shape);
  case OP_KIND_SOURCE:
    break;
  }
  return GRAPH_NONE;
}
