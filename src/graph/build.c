/* The functions that models are written with: check, broadcast, add a node. */
#include "graph/node.h"

/* All operands are there and of one graph; the graph, or NULL. */
static struct graph *common_graph(const char *name, const struct value *values, int count) {
  struct graph *graph = NULL;
  for (int i = 0; i < count; i++) {
    if (values[i].graph && !graph) graph = values[i].graph;
    if (values[i].graph && graph != values[i].graph) {
      graph_refuse(graph, STATUS_ARGUMENT, "graph %s: the operands are of different graphs", name);
      graph_refuse(values[i].graph, STATUS_ARGUMENT, "graph %s: the operands are of different graphs", name);
      return NULL;
    }
  }
  for (int i = 0; i < count; i++) {
    if (value_valid(values[i])) continue;
    graph_refuse(graph, STATUS_ARGUMENT, "graph %s: operand %d is none", name, i + 1);
    return NULL;
  }
  return graph;
}

static struct value add_unary(enum graph_op op, struct value x, double number0, double number1) {
  struct graph *graph = common_graph(op_table[op].name, &x, 1);
  if (!graph) return GRAPH_NONE;
  struct op_attributes attributes = {.number = {number0, number1}};
  return node_add(graph, op, &x, 1, &attributes, NULL);
}

/* The shape that both broadcast to; rank -1 when there is none. */
static struct shape broadcast_shape(const struct shape *a, const struct shape *b) {
  struct shape out = {.type = a->type, .rank = a->rank > b->rank ? a->rank : b->rank};
  for (int i = 1; i <= out.rank; i++) {
    int64_t m = i <= a->rank ? a->dim[a->rank - i] : 1, n = i <= b->rank ? b->dim[b->rank - i] : 1;
    if (m != n && m != 1 && n != 1) return (struct shape){.rank = -1};
    out.dim[out.rank - i] = m == 1 ? n : m;
  }
  return out;
}

static struct value add_binary(enum graph_op op, struct value x, struct value y) {
  struct graph *graph = common_graph(op_table[op].name, (const struct value[]){x, y}, 2);
  if (!graph) return GRAPH_NONE;
  struct shape a = node_get(x)->shape, b = node_get(y)->shape;
  struct value both[2] = {x, y};
  struct shape target = broadcast_shape(&a, &b);
  if (a.type == b.type && target.rank >= 0) { /* otherwise the shape rule says what is wrong */
    both[0] = graph_broadcast(x, target.rank, target.dim);
    both[1] = graph_broadcast(y, target.rank, target.dim);
    if (!value_valid(both[0]) || !value_valid(both[1])) return GRAPH_NONE;
  }
  return node_add(graph, op, both, 2, NULL, NULL);
}

struct value graph_add(struct value x, struct value y) {
  return add_binary(OP_add, x, y);
}
struct value graph_subtract(struct value x, struct value y) {
  return add_binary(OP_subtract, x, y);
}
struct value graph_multiply(struct value x, struct value y) {
  return add_binary(OP_multiply, x, y);
}
struct value graph_divide(struct value x, struct value y) {
  return add_binary(OP_divide, x, y);
}

struct value graph_scale(struct value x, double factor) {
  return add_unary(OP_scale, x, factor, 0);
}
struct value graph_offset(struct value x, double term) {
  return add_unary(OP_offset, x, term, 0);
}
struct value graph_negate(struct value x) {
  return add_unary(OP_scale, x, -1, 0);
}
struct value graph_exp(struct value x) {
  return add_unary(OP_exp, x, 0, 0);
}
struct value graph_log(struct value x) {
  return add_unary(OP_log, x, 0, 0);
}
struct value graph_square(struct value x) {
  return add_unary(OP_square, x, 0, 0);
}
struct value graph_sqrt(struct value x) {
  return add_unary(OP_sqrt, x, 0, 0);
}
struct value graph_sin(struct value x) {
  return add_unary(OP_sin, x, 0, 0);
}
struct value graph_cos(struct value x) {
  return add_unary(OP_cos, x, 0, 0);
}
struct value graph_tanh(struct value x) {
  return add_unary(OP_tanh, x, 0, 0);
}
struct value graph_sigmoid(struct value x) {
  return add_unary(OP_sigmoid, x, 0, 0);
}
struct value graph_softplus(struct value x) {
  return add_unary(OP_softplus, x, 0, 0);
}
struct value graph_swish(struct value x) {
  return add_unary(OP_swish, x, 0, 0);
}
struct value graph_relu(struct value x) {
  return add_unary(OP_leaky_relu, x, 0, 0);
}

struct value graph_leaky_relu(struct value x, double slope) {
  if (!(slope >= 0 && slope <= 1)) return graph_refuse(x.graph, STATUS_ARGUMENT, "graph leaky_relu: slope %g", slope);
  return add_unary(OP_leaky_relu, x, slope, 0);
}

struct value graph_clamp(struct value x, double lower, double upper) {
  if (!(lower <= upper)) return graph_refuse(x.graph, STATUS_ARGUMENT, "graph clamp: from %g to %g", lower, upper);
  return add_unary(OP_clamp, x, lower, upper);
}

struct value graph_stop_gradient(struct value x) {
  return add_unary(OP_stop_gradient, x, 0, 0);
}

struct value graph_straight_through(struct value value, struct value through) {
  const struct value both[2] = {value, through};
  struct graph *graph = common_graph("straight_through", both, 2);
  return graph ? node_add(graph, OP_straight_through, both, 2, NULL, NULL) : GRAPH_NONE;
}

/* ---- Shape ---- */

struct value graph_reshape(struct value x, int rank, const int64_t *dim) {
  struct graph *graph = common_graph("reshape", &x, 1);
  if (!graph) return GRAPH_NONE;
  struct shape from = node_get(x)->shape, shape = shape_make(from.type, rank, dim);
  struct value result = node_add(graph, OP_reshape, &x, 1, NULL, &shape);
  if (value_valid(result) && shape_elements(&from) != shape_elements(&shape)) {
    char a[96], b[96];
    return graph_refuse(graph, STATUS_ARGUMENT, "graph reshape of %s to %s: the numbers of elements differ",
                        shape_text(&from, a, sizeof a), shape_text(&shape, b, sizeof b));
  }
  return result;
}

struct value graph_broadcast(struct value x, int rank, const int64_t *dim) {
  struct graph *graph = common_graph("broadcast", &x, 1);
  if (!graph) return GRAPH_NONE;
  struct shape from = node_get(x)->shape, shape = shape_make(from.type, rank, dim);
  if (from.rank < rank && rank <= GRAPH_RANK_MAX) {
    int64_t aligned[GRAPH_RANK_MAX] = {1, 1, 1, 1};
    for (int i = 0; i < from.rank; i++) aligned[rank - from.rank + i] = from.dim[i];
    x = graph_reshape(x, rank, aligned);
    if (!value_valid(x)) return GRAPH_NONE;
  }
  return node_add(graph, OP_broadcast, &x, 1, NULL, &shape);
}

static struct value add_axis(enum graph_op op, struct value x, int axis, int64_t start, int64_t length) {
  struct graph *graph = common_graph(op_table[op].name, &x, 1);
  if (!graph) return GRAPH_NONE;
  struct op_attributes attributes = {.integer = {axis, start, length}};
  return node_add(graph, op, &x, 1, &attributes, NULL);
}

struct value graph_slice(struct value x, int axis, int64_t start, int64_t length) {
  return add_axis(OP_slice, x, axis, start, length);
}

struct value graph_pad(struct value x, int axis, int64_t start, int64_t total) {
  return add_axis(OP_pad, x, axis, start, total);
}

struct value graph_concatenate(const struct value *values, int count, int axis) {
  if (count < 1) return GRAPH_NONE;
  struct graph *graph = common_graph("concatenate", values, count);
  if (!graph) return GRAPH_NONE;
  if (count == 1) return values[0];
  /* Halves, so that no element is copied more than log2(count) times. */
  struct value halves[2] = {graph_concatenate(values, count / 2, axis),
                            graph_concatenate(values + count / 2, count - count / 2, axis)};
  if (!value_valid(halves[0]) || !value_valid(halves[1])) return GRAPH_NONE;
  struct op_attributes attributes = {.integer = {axis}};
  return node_add(graph, OP_concatenate, halves, 2, &attributes, NULL);
}

struct value graph_gather(struct value x, struct value index) {
  const struct value both[2] = {x, index};
  struct graph *graph = common_graph("gather", both, 2);
  return graph ? node_add(graph, OP_gather, both, 2, NULL, NULL) : GRAPH_NONE;
}

struct value graph_scatter(struct value x, struct value index, int64_t rows) {
  const struct value both[2] = {x, index};
  struct graph *graph = common_graph("scatter", both, 2);
  struct op_attributes attributes = {.integer = {rows}};
  return graph ? node_add(graph, OP_scatter, both, 2, &attributes, NULL) : GRAPH_NONE;
}

/* ---- Reductions ---- */

static struct value add_reduction(enum graph_op op, struct value x, unsigned axes, bool keep) {
  struct graph *graph = common_graph(op_table[op].name, &x, 1);
  if (!graph) return GRAPH_NONE;
  struct shape from = node_get(x)->shape;
  unsigned all = (1u << from.rank) - 1;
  if (axes == GRAPH_ALL_AXES) axes = all;
  struct op_attributes attributes = {.integer = {axes}};
  struct value result = node_add(graph, op, &x, 1, &attributes, NULL);
  if (keep || !value_valid(result)) return result;
  struct shape left = {.type = from.type};
  for (int i = 0; i < from.rank; i++)
    if (!(axes >> i & 1)) left.dim[left.rank++] = from.dim[i];
  return graph_reshape(result, left.rank, left.dim);
}

struct value graph_sum(struct value x, unsigned axes, bool keep) {
  return add_reduction(OP_sum, x, axes, keep);
}

struct value graph_mean(struct value x, unsigned axes, bool keep) {
  struct value sum = graph_sum(x, axes, keep);
  if (!value_valid(sum)) return sum;
  struct shape from = node_get(x)->shape;
  int64_t terms = 1;
  for (int i = 0; i < from.rank; i++)
    if (axes >> i & 1) terms *= from.dim[i];
  return graph_scale(sum, 1.0 / (double)terms); /* of nothing: 0 times infinity, NaN */
}

struct value graph_logsumexp(struct value x, unsigned axes, bool keep) {
  return add_reduction(OP_logsumexp, x, axes, keep);
}

/* ---- Linear maps ---- */

struct value graph_matmul(struct value a, struct value b, bool transpose_a, bool transpose_b) {
  const struct value both[2] = {a, b};
  struct graph *graph = common_graph("matmul", both, 2);
  struct op_attributes attributes = {.integer = {transpose_a, transpose_b}};
  return graph ? node_add(graph, OP_matmul, both, 2, &attributes, NULL) : GRAPH_NONE;
}

struct conv_options conv_valid(int64_t stride) {
  return (struct conv_options){.stride = stride};
}

struct conv_options conv_symmetric(struct value weights, int64_t stride) {
  struct conv_options options = {.stride = stride};
  if (!value_valid(weights) || node_get(weights)->shape.rank != 4) return options;
  options.top = options.bottom = node_get(weights)->shape.dim[0] / 2;
  options.left = options.right = node_get(weights)->shape.dim[1] / 2;
  return options;
}

struct conv_options conv_same(struct value x, struct value weights, int64_t stride) {
  struct conv_options options = {.stride = stride};
  if (!value_valid(x) || !value_valid(weights)) return options;
  struct shape image = node_get(x)->shape, kernel = node_get(weights)->shape;
  if (image.rank != 4 || kernel.rank != 4 || stride < 1) return options;
  for (int i = 0; i < 2; i++) {
    int64_t size = image.dim[1 + i], outputs = (size + stride - 1) / stride;
    int64_t padding = (outputs - 1) * stride + kernel.dim[i] - size;
    if (padding < 0) padding = 0;
    if (i == 0)
      options.top = padding / 2, options.bottom = padding - padding / 2;
    else
      options.left = padding / 2, options.right = padding - padding / 2;
  }
  return options;
}

static struct value add_conv(enum graph_op op, struct value a, struct value b, struct conv_options options,
                             int64_t extent0, int64_t extent1) {
  const struct value both[2] = {a, b};
  struct graph *graph = common_graph(op_table[op].name, both, 2);
  struct op_attributes attributes = {.integer = {[CONV_STRIDE] = options.stride == 0 ? 1 : options.stride,
                                                 [CONV_TOP] = options.top,
                                                 [CONV_BOTTOM] = options.bottom,
                                                 [CONV_LEFT] = options.left,
                                                 [CONV_RIGHT] = options.right,
                                                 [CONV_EXTENT_0] = extent0,
                                                 [CONV_EXTENT_1] = extent1}};
  return graph ? node_add(graph, op, both, 2, &attributes, NULL) : GRAPH_NONE;
}

struct value graph_conv(struct value x, struct value weights, struct conv_options options) {
  return add_conv(OP_conv, x, weights, options, 0, 0);
}

struct value graph_conv_input_gradient(struct value dy, struct value weights, int64_t height, int64_t width,
                                       struct conv_options options) {
  return add_conv(OP_conv_input_gradient, dy, weights, options, height, width);
}

struct value graph_conv_weight_gradient(struct value x, struct value dy, int64_t kernel_height, int64_t kernel_width,
                                        struct conv_options options) {
  return add_conv(OP_conv_weight_gradient, x, dy, options, kernel_height, kernel_width);
}

struct value graph_bias(struct value x, struct value bias) {
  struct graph *graph = common_graph("bias", (const struct value[]){x, bias}, 2);
  if (!graph) return GRAPH_NONE;
  struct shape from = node_get(x)->shape, channels = node_get(bias)->shape;
  if (from.rank < 1 || channels.rank != 1 || channels.dim[0] != from.dim[from.rank - 1]) {
    char a[96], b[96];
    return graph_refuse(graph, STATUS_ARGUMENT, "graph bias of %s by %s: there must be one number for each channel",
                        shape_text(&from, a, sizeof a), shape_text(&channels, b, sizeof b));
  }
  return graph_add(x, bias);
}

struct value graph_upsample2(struct value x) {
  return add_unary(OP_upsample2, x, 0, 0);
}
struct value graph_upsample2_adjoint(struct value x) {
  return add_unary(OP_upsample2_adjoint, x, 0, 0);
}
struct value graph_mirror(struct value weights) {
  return add_unary(OP_mirror, weights, 0, 0);
}

/* Along an axis of three taps, the four that three taps on doubled pixels make on single ones:
 * w0, w0 + w1, w1 + w2, w2. */
static struct value widen(struct value w, int axis) {
  struct value second = graph_pad(w, axis, 1, 4);
  return graph_add(graph_pad(w, axis, 0, 4), second);
}

/* y[i] = sum over t of w[t] x[(i + t - 1) / 2] = sum over o of x[o] (w[2 o - i + 1] + w[2 o - i + 2]). */
struct value graph_upsample2_conv(struct value x, struct value weights) {
  struct graph *graph = common_graph("upsample2_conv", (const struct value[]){x, weights}, 2);
  if (!graph) return GRAPH_NONE;
  const struct shape image = node_get(x)->shape, kernel = node_get(weights)->shape;
  const struct conv_options doubling = {.stride = 2, .top = 1, .bottom = 1, .left = 1, .right = 1};
  if (image.rank != 4 || kernel.rank != 4 || kernel.dim[0] != 3 || kernel.dim[1] != 3) {
    char a[96], b[96];
    return graph_refuse(graph, STATUS_ARGUMENT,
                        "graph upsample2_conv of %s by %s: there must be images and 3x3 weights",
                        shape_text(&image, a, sizeof a), shape_text(&kernel, b, sizeof b));
  }
  return graph_conv_input_gradient(x, graph_mirror(widen(widen(weights, 0), 1)), 2 * image.dim[1], 2 * image.dim[2],
                                   doubling);
}

struct value graph_normal(struct value key, enum graph_type type, int rank, const int64_t *dim) {
  struct graph *graph = common_graph("normal", &key, 1);
  if (!graph) return GRAPH_NONE;
  struct shape from = node_get(key)->shape, shape = shape_make(type, rank, dim);
  if (from.type != GRAPH_I64 || from.rank != 1 || from.dim[0] != 3 || type == GRAPH_I64)
    return graph_refuse(graph, STATUS_ARGUMENT, "graph normal: the key must be i64[3], the draws f32 or f64");
  return node_add(graph, OP_normal, &key, 1, NULL, &shape);
}
