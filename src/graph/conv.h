/* Private to src/graph: convolutions in all three directions.
 *
 * There are several methods to compute one (conv_method.h). Which of them a convolution takes follows from its shapes
 * and the level in force by rules that stand in the methods' files; nothing is timed, so two runs choose alike. Sizes
 * of 0 need no method: the result is zeros.
 *
 * All functions: Not collective. All memory is taken when a plan is compiled; running allocates nothing.
 */
#ifndef HGN_GRAPH_CONV_H
#define HGN_GRAPH_CONV_H

#include "graph/cpu.h"
#include "graph/node.h"

/* What may follow a convolution in the same kernel: a bias (conv only), then leaky relu (slope >= 0, 1 for none). */
struct conv_tail {
  bool bias;
  double slope;
};

struct conv_method;
#define CONV_AUTO ((const struct conv_method *)NULL) /* the one that the rules say */

/* All methods, compiled in or not, by number and by name ("winograd", "im2col", ...; NULL: no such name). */
int conv_method_count(void);
const struct conv_method *conv_method_get(int index);
const struct conv_method *conv_method_find(const char *name);

struct conv_kernel; /* one direction of one convolution of fixed shapes */

/* op is OP_conv, OP_conv_input_gradient or OP_conv_weight_gradient; shapes as the node has them; f32 or f64. tail: NULL
 * for none. method: CONV_AUTO, or one that is wanted, of the table or not: STATUS_UNAVAILABLE where it cannot (but for
 * sizes of 0). STATUS_MEMORY. Owned by the caller. */
enum status conv_create(enum graph_op op, const struct op_attributes *attributes, const struct shape *const *in,
                        const struct shape *out, const struct conv_tail *tail, const struct conv_method *method,
                        struct conv_kernel **kernel);
void conv_destroy(struct conv_kernel **kernel);

/* Bytes of scratch memory that conv_run needs, 64-byte aligned; its contents do not matter. */
int64_t conv_scratch(const struct conv_kernel *kernel);
/* "winograd 4x4 3x3", "im2col+product", ... */
const char *conv_name(const struct conv_kernel *kernel);
/* By definition, padding and all; as the method computes it. */
double conv_flops(const struct conv_kernel *kernel);
double conv_multiplications(const struct conv_kernel *kernel);

/* Takes the weights (in[1] of conv and of the input gradient) for runs with weights NULL: reordered, or where they are,
 * so that they must stay. Call again whenever they change. */
enum status conv_load_weights(struct conv_kernel *kernel, const void *weights);

/* in[0], in[1] as the node's inputs; in[1] NULL: the weights that were loaded or given last. bias: NULL without one. */
enum status conv_run(struct conv_kernel *kernel, const void *const *in, const void *bias, void *out, void *scratch);

/* For benchmarks: the library's primitive alone, without any reordering of weights (weights as they were loaded; their
 * gradient may be left in memory of the kernel's own). STATUS_UNAVAILABLE where the method has no such thing. */
enum status conv_run_primitive(struct conv_kernel *kernel, const void *const *in, void *out, void *scratch);

/* "oneDNN 2.6.3", or "no oneDNN". */
const char *conv_onednn_describe(void);

/* For benchmarks, what oneDNN has, by number until NULL: "onednn", and direct and Winograd's convolutions that take
 * images in whatever order suits the primitive: only conv_run_primitive() has a use for these. */
const struct conv_method *conv_onednn_form(int index);

#endif
