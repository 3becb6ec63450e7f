/* Private to src/graph: matrix products by the kernels of product.c. (Convolutions: conv.h.)
 *
 * Not collective.
 */
#ifndef HGN_GRAPH_LINEAR_H
#define HGN_GRAPH_LINEAR_H

#include "graph/kernels.h"

/* As kernel_product (kernels.h), at the level in force, of f32 or f64; sizes may be 0: zeros where there is no term. */
void linear_product(enum graph_type type, const struct kernel_product_size *size, const void *a, const void *b,
                    void *c);

/* to[columns][rows] = from[rows][columns]'. */
void linear_transpose(enum graph_type type, int64_t rows, int64_t columns, const void *from, void *to);

/* out = a b with the node's transposes, f32 or f64. */
void linear_matmul(const struct op_attributes *attributes, const struct shape *const *in, const struct shape *out,
                   const void *const *data, void *result);

#endif
