/* Private to src/graph: convolutions in all three directions, and matrix products.
 *
 * Convolutions run through oneDNN where it was compiled in and is faster, else as im2col and an OpenBLAS product, else
 * (sizes of 0) do nothing but fill zeros. All are created when a plan is compiled; running allocates nothing.
 *
 * Not collective.
 */
#ifndef HGN_GRAPH_LINEAR_H
#define HGN_GRAPH_LINEAR_H

#include "graph/cpu.h"
#include "graph/node.h"

/* What may follow a convolution in the same kernel: a bias (conv only), then leaky relu (slope >= 0, 1 for none). */
struct conv_tail {
  bool bias;
  double slope;
};

enum conv_library { CONV_AUTO, CONV_ONEDNN, CONV_IM2COL };

struct conv_kernel; /* one direction of one convolution of fixed shapes */

/* op is OP_conv, OP_conv_input_gradient or OP_conv_weight_gradient; shapes as the node has them; f32 or f64 (f64 by
 * im2col). AUTO times nothing: it chooses by rules written beside it, so that two runs choose alike.
 * STATUS_UNAVAILABLE for ONEDNN where it cannot; STATUS_MEMORY. Owned by the caller. */
enum status conv_create(enum graph_op op, const struct op_attributes *attributes, const struct shape *const *in,
                        const struct shape *out, const struct conv_tail *tail, enum conv_library library,
                        struct conv_kernel **kernel);
void conv_destroy(struct conv_kernel **kernel);

/* Bytes of scratch memory that conv_run needs, 64-byte aligned; its contents do not matter. */
int64_t conv_scratch(const struct conv_kernel *kernel);
/* "onednn brgconv:avx2", "im2col+gemm", ... */
const char *conv_name(const struct conv_kernel *kernel);
double conv_flops(const struct conv_kernel *kernel);

/* Takes the weights (in[1] of conv and of the input gradient) for runs with weights NULL: reordered, or where they are,
 * so that they must stay. Call again whenever they change. */
enum status conv_load_weights(struct conv_kernel *kernel, const void *weights);

/* in[0], in[1] as the node's inputs; in[1] NULL after conv_load_weights(). bias: NULL without one. */
enum status conv_run(struct conv_kernel *kernel, const void *const *in, const void *bias, void *out, void *scratch);

/* For benchmarks: oneDNN's primitive alone, without any reordering of weights (weights as they were loaded; their
 * gradient may be left in memory of the kernel's own). STATUS_UNAVAILABLE for other kernels. */
enum status conv_run_primitive(struct conv_kernel *kernel, const void *const *in, void *out, void *scratch);

/* The name of the kernels that OpenBLAS chose when it was loaded; and with its version, "OpenBLAS 0.3.21 Haswell". */
const char *linear_core(void);
const char *linear_openblas(void);
/* "oneDNN 2.6.3 up to AVX2", or "no oneDNN". */
const char *linear_onednn(void);
/* Tells oneDNN the highest instruction set to use; STATUS_UNAVAILABLE once it has made a kernel at another. */
enum status linear_limit(enum cpu_level level);

/* out = a b with the node's transposes, f32 or f64, by OpenBLAS; zeros when the inner size is 0. */
void matmul_run(const struct op_attributes *attributes, const struct shape *const *in, const struct shape *out,
                const void *const *data, void *result);

#endif
