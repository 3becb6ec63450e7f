/* Private to src/graph: matrix products, by a kernel of our own (product.c) where the shape suits it and the processor
 * has fused multiply-add, else by OpenBLAS. (Convolutions: conv.h.)
 *
 * Not collective.
 */
#ifndef HGN_GRAPH_LINEAR_H
#define HGN_GRAPH_LINEAR_H

#include "graph/node.h"

/* The name of the kernels that OpenBLAS chose when it was loaded; and with its version, "OpenBLAS 0.3.21 Haswell". */
const char *linear_core(void);
const char *linear_openblas(void);

/* One thread a rank; OpenBLAS would take all. To be called before its functions are. */
void linear_use_one_thread(void);

/* out = a b with the node's transposes, f32 or f64; zeros when the inner size is 0. Which kernel it takes is a rule of
 * its shape. */
void matmul_run(const struct op_attributes *attributes, const struct shape *const *in, const struct shape *out,
                const void *const *data, void *result);

#endif
