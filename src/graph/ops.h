/* Private to src/graph: the table of ops. One line here demands, by name, a shape rule (shapes.c), a derivative
 * (derive.c) and a reference kernel (reference.inc); one that is missing does not compile or link.
 *
 *   X(NAME, arity, shape rule, kind)
 *
 * derivative derive_NAME, reference kernel reference_NAME. Kinds: SOURCE is bound or filled when a plan runs;
 * UNARY and BINARY are elementwise and can be fused; VIEW has the bytes of its input; OTHER has a kernel of its own.
 */
#ifndef HGN_GRAPH_OPS_H
#define HGN_GRAPH_OPS_H

#define GRAPH_OP_LIST(X)                                                                                               \
  X(input, 0, given, SOURCE)                                                                                           \
  X(parameter, 0, given, SOURCE)                                                                                       \
  X(fill, 0, given, SOURCE)                                                                                            \
  X(add, 2, same, BINARY)                                                                                              \
  X(subtract, 2, same, BINARY)                                                                                         \
  X(multiply, 2, same, BINARY)                                                                                         \
  X(divide, 2, same, BINARY)                                                                                           \
  X(scale, 1, same, UNARY)                                                                                             \
  X(offset, 1, same, UNARY)                                                                                            \
  X(exp, 1, same, UNARY)                                                                                               \
  X(log, 1, same, UNARY)                                                                                               \
  X(square, 1, same, UNARY)                                                                                            \
  X(sqrt, 1, same, UNARY)                                                                                              \
  X(sin, 1, same, UNARY)                                                                                               \
  X(cos, 1, same, UNARY)                                                                                               \
  X(tanh, 1, same, UNARY)                                                                                              \
  X(sigmoid, 1, same, UNARY)                                                                                           \
  X(softplus, 1, same, UNARY)                                                                                          \
  X(swish, 1, same, UNARY)                                                                                             \
  X(leaky_relu, 1, same, UNARY) /* number[0]: slope; 0 is relu */                                                      \
  X(leaky_mask, 1, same, UNARY) /* its derivative: x > 0 ? 1 : number[0] */                                            \
  X(clamp, 1, same, UNARY)      /* number[0], number[1]: ends */                                                       \
  X(clamp_mask, 1, same, UNARY) /* its derivative: number[0] < x < number[1] ? 1 : 0 */                                \
  X(stop_gradient, 1, same, VIEW)                                                                                      \
  X(straight_through, 2, same, VIEW)                                                                                   \
  X(reshape, 1, given, VIEW)                                                                                           \
  X(broadcast, 1, broadcast, OTHER)                                                                                    \
  X(slice, 1, slice, OTHER)             /* integer[0]: axis, [1]: start, [2]: length */                                \
  X(pad, 1, pad, OTHER)                 /* integer[0]: axis, [1]: start, [2]: total */                                 \
  X(concatenate, 2, concatenate, OTHER) /* integer[0]: axis */                                                         \
  X(gather, 2, gather, OTHER)                                                                                          \
  X(scatter, 2, scatter, OTHER) /* integer[0]: rows */                                                                 \
  X(sum, 1, reduce, OTHER)      /* integer[0]: bits of the axes; they stay as 1 */                                     \
  X(logsumexp, 1, reduce, OTHER)                                                                                       \
  X(matmul, 2, matmul, OTHER) /* integer[0], [1]: transposed */                                                        \
  X(conv, 2, conv, OTHER)     /* integer: enum conv_integer */                                                         \
  X(conv_input_gradient, 2, conv_input_gradient, OTHER)                                                                \
  X(conv_weight_gradient, 2, conv_weight_gradient, OTHER)                                                              \
  X(upsample2, 1, upsample2, OTHER)                                                                                    \
  X(upsample2_adjoint, 1, upsample2_adjoint, OTHER)                                                                    \
  X(mirror, 1, mirror, OTHER)                                                                                          \
  X(normal, 1, given, OTHER)

enum graph_op {
#define GRAPH_OP_ENUM(name, arity, shape, kind) OP_##name,
  GRAPH_OP_LIST(GRAPH_OP_ENUM)
#undef GRAPH_OP_ENUM
      OP_COUNT
};

enum op_kind { OP_KIND_SOURCE, OP_KIND_UNARY, OP_KIND_BINARY, OP_KIND_VIEW, OP_KIND_OTHER };

#endif
