/* The derivative of every op: given the cotangent d of its result, the contributions to the cotangents of its inputs,
 * as ordinary nodes. In the formulas x is the input and y the result.
 */
#include "graph/node.h"

/* Declared by the table, so that an op without its function does not link. */
#define DERIVE(name)                                                                                                   \
  void derive_##name(struct value node, struct value cotangent, struct value *contribution);                           \
  void derive_##name(struct value node, struct value cotangent, struct value *contribution)

/* Ops that nothing flows through: sources, random draws, and steps, flat wherever they have a derivative. */
#define DERIVE_NONE(name)                                                                                              \
  DERIVE(name) { (void)node, (void)cotangent, (void)contribution; }

static struct value add_mask(enum graph_op op, struct value x, struct op_attributes attributes) {
  return node_add(x.graph, op, &x, 1, &attributes, NULL);
}

static struct conv_options conv_options_of(struct value node) {
  const int64_t *integer = node_get(node)->attributes.integer;
  return (struct conv_options){integer[CONV_STRIDE], integer[CONV_TOP], integer[CONV_BOTTOM], integer[CONV_LEFT],
                               integer[CONV_RIGHT]};
}

DERIVE_NONE(input)
DERIVE_NONE(parameter)
DERIVE_NONE(fill)
DERIVE_NONE(leaky_mask)
DERIVE_NONE(clamp_mask)
DERIVE_NONE(stop_gradient)
DERIVE_NONE(normal)

DERIVE(add) {
  (void)node;
  contribution[0] = cotangent;
  contribution[1] = cotangent;
}

DERIVE(subtract) {
  (void)node;
  contribution[0] = cotangent;
  contribution[1] = graph_negate(cotangent);
}

DERIVE(multiply) {
  contribution[0] = graph_multiply(cotangent, node_input(node, 1));
  contribution[1] = graph_multiply(cotangent, node_input(node, 0));
}

DERIVE(divide) {
  /* d / b, and -(d / b) (a / b) */
  contribution[0] = graph_divide(cotangent, node_input(node, 1));
  contribution[1] = graph_negate(graph_multiply(contribution[0], node));
}

DERIVE(scale) { contribution[0] = graph_scale(cotangent, node_get(node)->attributes.number[0]); }

DERIVE(offset) {
  (void)node;
  contribution[0] = cotangent;
}

DERIVE(exp) { contribution[0] = graph_multiply(cotangent, node); }

DERIVE(log) { contribution[0] = graph_divide(cotangent, node_input(node, 0)); }

DERIVE(square) { contribution[0] = graph_scale(graph_multiply(cotangent, node_input(node, 0)), 2); }

DERIVE(sqrt) {
  /* d / (2 y) */
  contribution[0] = graph_scale(graph_divide(cotangent, node), 0.5);
}

DERIVE(sin) { contribution[0] = graph_multiply(cotangent, graph_cos(node_input(node, 0))); }

DERIVE(cos) { contribution[0] = graph_negate(graph_multiply(cotangent, graph_sin(node_input(node, 0)))); }

DERIVE(tanh) {
  /* d (1 - y^2) */
  contribution[0] = graph_multiply(cotangent, graph_offset(graph_negate(graph_square(node)), 1));
}

DERIVE(sigmoid) {
  /* d y (1 - y) */
  struct value rest = graph_offset(graph_negate(node), 1);
  contribution[0] = graph_multiply(cotangent, graph_multiply(node, rest));
}

DERIVE(softplus) { contribution[0] = graph_multiply(cotangent, graph_sigmoid(node_input(node, 0))); }

DERIVE(swish) {
  /* y = x s with s = sigmoid(x): y' = s + x s (1 - s) = s + y (1 - s) */
  struct value s = graph_sigmoid(node_input(node, 0)), rest = graph_offset(graph_negate(s), 1);
  contribution[0] = graph_multiply(cotangent, graph_add(s, graph_multiply(node, rest)));
}

DERIVE(leaky_relu) {
  /* For a slope above 0 the result has the sign of x: x need not be kept, and a convolution may write y over it. */
  double slope = node_get(node)->attributes.number[0];
  struct value sign = slope > 0 ? node : node_input(node, 0);
  contribution[0] = graph_multiply(cotangent, add_mask(OP_leaky_mask, sign, node_get(node)->attributes));
}

DERIVE(clamp) {
  struct value x = node_input(node, 0);
  contribution[0] = graph_multiply(cotangent, add_mask(OP_clamp_mask, x, node_get(node)->attributes));
}

DERIVE(straight_through) {
  (void)node;
  contribution[1] = cotangent;
}

DERIVE(reshape) {
  struct shape from = node_get(node_input(node, 0))->shape;
  contribution[0] = graph_reshape(cotangent, from.rank, from.dim);
}

DERIVE(broadcast) {
  struct shape from = node_get(node_input(node, 0))->shape, to = node_get(node)->shape;
  unsigned axes = 0;
  for (int i = 0; i < from.rank; i++)
    if (from.dim[i] != to.dim[i]) axes |= 1u << i;
  contribution[0] = graph_sum(cotangent, axes, true);
}

DERIVE(slice) {
  struct op_attributes attributes = node_get(node)->attributes;
  int axis = (int)attributes.integer[0];
  int64_t total = node_get(node_input(node, 0))->shape.dim[axis];
  contribution[0] = graph_pad(cotangent, axis, attributes.integer[1], total);
}

DERIVE(pad) {
  struct op_attributes attributes = node_get(node)->attributes;
  int axis = (int)attributes.integer[0];
  int64_t length = node_get(node_input(node, 0))->shape.dim[axis];
  contribution[0] = graph_slice(cotangent, axis, attributes.integer[1], length);
}

DERIVE(concatenate) {
  int axis = (int)node_get(node)->attributes.integer[0];
  int64_t first = node_get(node_input(node, 0))->shape.dim[axis],
          second = node_get(node_input(node, 1))->shape.dim[axis];
  contribution[0] = graph_slice(cotangent, axis, 0, first);
  contribution[1] = graph_slice(cotangent, axis, first, second);
}

DERIVE(gather) {
  int64_t rows = node_get(node_input(node, 0))->shape.dim[0];
  contribution[0] = graph_scatter(cotangent, node_input(node, 1), rows);
}

DERIVE(scatter) { contribution[0] = graph_gather(cotangent, node_input(node, 1)); }

DERIVE(sum) {
  struct shape from = node_get(node_input(node, 0))->shape;
  contribution[0] = graph_broadcast(cotangent, from.rank, from.dim);
}

DERIVE(logsumexp) {
  /* d exp(x - y) */
  struct value x = node_input(node, 0);
  contribution[0] = graph_multiply(cotangent, graph_exp(graph_subtract(x, node)));
}

DERIVE(matmul) {
  /* y = A B with A = a or a', B = b or b': dA = d B', dB = A' d. */
  struct op_attributes attributes = node_get(node)->attributes;
  bool ta = attributes.integer[0] != 0, tb = attributes.integer[1] != 0;
  struct value a = node_input(node, 0), b = node_input(node, 1);
  contribution[0] = ta ? graph_matmul(b, cotangent, tb, true) : graph_matmul(cotangent, b, false, !tb);
  contribution[1] = tb ? graph_matmul(cotangent, a, true, ta) : graph_matmul(a, cotangent, !ta, false);
}

DERIVE(conv) {
  struct value x = node_input(node, 0), w = node_input(node, 1);
  struct shape image = node_get(x)->shape, kernel = node_get(w)->shape;
  struct conv_options options = conv_options_of(node);
  contribution[0] = graph_conv_input_gradient(cotangent, w, image.dim[1], image.dim[2], options);
  contribution[1] = graph_conv_weight_gradient(x, cotangent, kernel.dim[0], kernel.dim[1], options);
}

DERIVE(conv_input_gradient) {
  /* Linear in dy and in w: its adjoints are conv and the weight gradient. */
  struct value dy = node_input(node, 0), w = node_input(node, 1);
  struct shape kernel = node_get(w)->shape;
  struct conv_options options = conv_options_of(node);
  contribution[0] = graph_conv(cotangent, w, options);
  contribution[1] = graph_conv_weight_gradient(cotangent, dy, kernel.dim[0], kernel.dim[1], options);
}

DERIVE(conv_weight_gradient) {
  /* Linear in x and in dy: the cotangent has the shape of weights. */
  struct value x = node_input(node, 0), dy = node_input(node, 1);
  struct shape image = node_get(x)->shape;
  struct conv_options options = conv_options_of(node);
  contribution[0] = graph_conv_input_gradient(dy, cotangent, image.dim[1], image.dim[2], options);
  contribution[1] = graph_conv(x, cotangent, options);
}

DERIVE(upsample2) {
  (void)node;
  contribution[0] = graph_upsample2_adjoint(cotangent);
}

DERIVE(mirror) {
  (void)node;
  contribution[0] = graph_mirror(cotangent);
}

DERIVE(upsample2_adjoint) {
  (void)node;
  contribution[0] = graph_upsample2(cotangent);
}
