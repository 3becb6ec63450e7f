/* Private to src/graph: the kernels that plans run, except convolutions (conv.h); linear.h says which matrix
 * products.
 *
 * Hot loops are compiled once for each instruction set; the bits are the same on all (no contraction, the same order of
 * every sum), those of product.c on all that have fused multiply-add. Memory given to them is aligned to 64 bytes at
 * the start of each array; arrays may be empty.
 *
 * Not collective, no allocation.
 */
#ifndef HGN_GRAPH_KERNELS_H
#define HGN_GRAPH_KERNELS_H

#include "graph/cpu.h"
#include "graph/node.h"
#include "graph/winograd.h"

/* y[i] = op(a[i], b[i]) for n elements; b is NULL for unary ops; y may be a or b. number: the op's attributes. */
typedef void kernel_map(int64_t n, const double *number, const void *a, const void *b, void *y);

/* One node: dense arrays, last index fastest. */
struct kernel_call {
  const struct op_attributes *attributes;
  const struct shape *in_shape[OP_INPUTS_MAX], *out_shape;
  const void *in[OP_INPUTS_MAX];
  void *out;
};

/* STATUS_NUMERIC for an index out of range (gather, scatter); otherwise STATUS_OK. */
typedef enum status kernel_node(const struct kernel_call *call);

/* c = a b, or c + a b with `add`: c[rows][columns], a[rows][terms], b[terms][columns], at least one term. Element
 * (i, k) of a is a[i a_row + k a_term], (k, j) of b is b[k b_term + j b_column], (i, j) of c is c[i c_row + j]. Terms
 * of a may come in pieces, `piece` dividing `terms`: a[i a_row + k / piece a_piece + k % piece a_term]. */
struct kernel_product_size {
  int64_t rows, columns, terms, a_row, a_term, b_term, b_column, c_row;
  bool add;
  int64_t piece, a_piece; /* 0: one piece */
  int64_t
      ahead; /* from b to the matrix that the next product will have as b, in numbers; 0: unknown. For speed alone */
};
/* Of dense matrices as they lie: a[rows][terms], b[terms][columns], c[rows][columns]. */
static inline struct kernel_product_size kernel_product_dense(int64_t rows, int64_t columns, int64_t terms) {
  return (struct kernel_product_size){.rows = rows,
                                      .columns = columns,
                                      .terms = terms,
                                      .a_row = terms,
                                      .a_term = 1,
                                      .b_term = columns,
                                      .b_column = 1,
                                      .c_row = columns};
}
/* The same with a transposed, a[terms][rows]. */
static inline struct kernel_product_size kernel_product_turned(int64_t rows, int64_t columns, int64_t terms) {
  struct kernel_product_size size = kernel_product_dense(rows, columns, terms);
  size.a_row = 1;
  size.a_term = rows;
  return size;
}
typedef void kernel_product(const struct kernel_product_size *size, const void *a, const void *b, void *c);

struct kernel_set {
  enum cpu_level level;
  kernel_product *product[2]; /* [GRAPH_F32 or GRAPH_F64] */
  const struct winograd_transforms *winograd;
  kernel_map *map[2][OP_COUNT];   /* [GRAPH_F32 or GRAPH_F64]; NULL for ops that are not elementwise */
  kernel_node *node[2][OP_COUNT]; /* broadcast, slice, pad, concatenate, gather, scatter, sum, logsumexp, upsample2,
                                     upsample2_adjoint, mirror, normal; NULL elsewhere */
};

/* The kernels for this level; those of the highest level below it that was compiled in. */
const struct kernel_set *kernels_get(enum cpu_level level);

/* The plain loops that everything else is checked against, for every op but sources and views, f32 and f64. */
enum status reference_run(enum graph_op op, const struct kernel_call *call);

#endif
