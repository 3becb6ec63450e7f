/* Static graphs of typed arrays: built once, differentiated as graphs, compiled to plans (plan.h) that run many times.
 *
 * A value is an array of f32, f64 or i64 with a fixed shape of up to GRAPH_RANK_MAX dimensions, last index fastest. A
 * dimension may be 0. Images are [batch][height][width][channel] (NHWC), convolution weights
 * [kernel height][kernel width][input channel][output channel].
 *
 * Functions named after what they compute add a node and return its value. Misuse (a wrong shape or type, a value of
 * another graph) adds nothing: it returns GRAPH_NONE and records the first error in the graph, which graph_status()
 * returns; a function given GRAPH_NONE returns GRAPH_NONE. So models are written without checks, and checked once.
 *
 * Binary elementwise functions broadcast: shapes are aligned at the last dimension, and a missing or 1 dimension is
 * repeated. Both operands have the same type.
 *
 * Nodes are shared: asking twice for the same computation gives the same value. Constants are folded.
 *
 * All functions: Not collective.
 */
#ifndef HGN_GRAPH_GRAPH_H
#define HGN_GRAPH_GRAPH_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GRAPH_RANK_MAX = 4, GRAPH_NAME_MAX = 63 };

enum graph_type { GRAPH_F32, GRAPH_F64, GRAPH_I64, GRAPH_TYPE_COUNT };

struct graph;

struct value {
  struct graph *graph;
  int32_t id; /* index of the node; -1: none */
};
#define GRAPH_NONE ((struct value){NULL, -1})

struct shape {
  enum graph_type type;
  int rank;
  int64_t dim[GRAPH_RANK_MAX];
};

/* An empty graph, owned by the caller until graph_destroy(). STATUS_MEMORY. */
enum status graph_create(struct graph **graph);
void graph_destroy(struct graph **graph);

/* STATUS_OK, or the first error of any call on this graph; its message names the function and the shapes. */
enum status graph_status(const struct graph *graph);

bool value_valid(struct value value);
struct shape value_shape(struct value value);
int64_t shape_elements(const struct shape *shape);
/* Fills `text` with, say, "f32[16][8][8][64]"; returns text. */
const char *shape_text(const struct shape *shape, char *text, int size);
struct shape shape_make(enum graph_type type, int rank, const int64_t *dim);

/* ---- Sources ---- */

/* Bound to memory when a plan is run. Names are unique in a graph. */
struct value graph_input(struct graph *graph, const char *name, enum graph_type type, int rank, const int64_t *dim);

/* A part of the flat parameter block: parameters stand in it in the order of their creation, each aligned to 64 bytes.
 * A gradient or an optimizer's moments in the same order mirror it. Asking again for a name and shape gives the same
 * parameter, so that a network is applied twice by building it twice. */
struct value graph_parameter(struct graph *graph, const char *name, enum graph_type type, int rank, const int64_t *dim);

/* Every element `number`. */
struct value graph_fill(struct graph *graph, double number, enum graph_type type, int rank, const int64_t *dim);

/* ---- Elementwise ---- */
struct value graph_add(struct value x, struct value y);
struct value graph_subtract(struct value x, struct value y);
struct value graph_multiply(struct value x, struct value y);
struct value graph_divide(struct value x, struct value y);
struct value graph_scale(struct value x, double factor);
struct value graph_offset(struct value x, double term); /* x + term */
struct value graph_negate(struct value x);
struct value graph_exp(struct value x);
struct value graph_log(struct value x);
struct value graph_square(struct value x);
struct value graph_sqrt(struct value x);
struct value graph_sin(struct value x);
struct value graph_cos(struct value x);
struct value graph_tanh(struct value x);
struct value graph_sigmoid(struct value x);
struct value graph_softplus(struct value x); /* log(1 + exp x) */
struct value graph_swish(struct value x);    /* x sigmoid(x) */
struct value graph_relu(struct value x);
struct value graph_leaky_relu(struct value x, double slope); /* slope >= 0 for x < 0; derivative at 0: slope */
struct value graph_clamp(struct value x, double lower,
                         double upper); /* derivative 1 inside, 0 at the ends and beyond */

/* The value x; no derivative. */
struct value graph_stop_gradient(struct value x);
/* The value of `value`; the derivative goes to `through`, of the same shape. */
struct value graph_straight_through(struct value value, struct value through);

/* ---- Shape ---- */
struct value graph_reshape(struct value x, int rank, const int64_t *dim);
/* Repeats x along new leading dimensions and those where it is 1. */
struct value graph_broadcast(struct value x, int rank, const int64_t *dim);
struct value graph_slice(struct value x, int axis, int64_t start, int64_t length);
/* The adjoint of slice: x at `start` in zeros of length `total` along the axis. */
struct value graph_pad(struct value x, int axis, int64_t start, int64_t total);
struct value graph_concatenate(const struct value *values, int count, int axis);
/* out[i] = x[index[i]] along the first axis; index i64[n], checked when the plan runs. */
struct value graph_gather(struct value x, struct value index);
/* Its adjoint: out[index[i]] += x[i], `rows` rows. */
struct value graph_scatter(struct value x, struct value index, int64_t rows);

/* ---- Reductions: over the axes whose bits are set in `axes`; keep leaves them as dimensions of 1. ---- */
struct value graph_sum(struct value x, unsigned axes, bool keep);
struct value graph_mean(struct value x, unsigned axes, bool keep);
struct value graph_logsumexp(struct value x, unsigned axes, bool keep);
#define GRAPH_ALL_AXES (~0u)

/* ---- Linear maps ---- */

/* a (or a', when transposed) times b (or b'); matrices. */
struct value graph_matmul(struct value a, struct value b, bool transpose_a, bool transpose_b);

struct conv_options {
  int64_t stride;                   /* 0 stands for 1 */
  int64_t top, bottom, left, right; /* padding by zeros */
};
/* As TensorFlow has it: output ceil(size / stride), the odd row or column of padding after. */
struct conv_options conv_same(struct value x, struct value weights, int64_t stride);
struct conv_options conv_valid(int64_t stride);
/* As models in PyTorch have it: floor(kernel / 2) on both sides, output floor((size + 2 floor(kernel / 2) - kernel) /
 * stride) + 1. At stride 2, an odd kernel and an even size, the odd row that is padded stands before, not after. */
struct conv_options conv_symmetric(struct value weights, int64_t stride);

/* out[n][i][j][o] = sum over a, b, c of x[n][i s + a - top][j s + b - left][c] w[a][b][c][o]. */
struct value graph_conv(struct value x, struct value weights, struct conv_options options);
/* Its adjoint in x, of shape [n][height][width][c]: dy is of the shape of conv's result. */
struct value graph_conv_input_gradient(struct value dy, struct value weights, int64_t height, int64_t width,
                                       struct conv_options options);
/* Its adjoint in the weights, of shape [kernel_height][kernel_width][c][o]. */
struct value graph_conv_weight_gradient(struct value x, struct value dy, int64_t kernel_height, int64_t kernel_width,
                                        struct conv_options options);

/* x + bias, bias of shape [channels]. */
struct value graph_bias(struct value x, struct value bias);

/* Nearest: each pixel four times; and its adjoint, the sum of each 2 x 2 block (even sizes). */
struct value graph_upsample2(struct value x);
struct value graph_upsample2_adjoint(struct value x);

/* The weights [kh][kw][c][o] of a convolution, turned by 180 degrees, as [kh][kw][o][c]: graph_conv_input_gradient(dy,
 * w) of stride 1 is graph_conv(dy, graph_mirror(w)), but for the padding. Its own inverse and adjoint. */
struct value graph_mirror(struct value weights);

/* graph_conv(graph_upsample2(x), weights) with 3x3 weights and a padding of 1, for half the multiplications: an output
 * pixel meets only 2 x 2 different pixels of x. Seen from x, each pixel adds to 4 x 4 results with sums of the weights:
 * the adjoint of a 4x4 convolution of stride 2. */
struct value graph_upsample2_conv(struct value x, struct value weights);

/* ---- Randomness ---- */

/* Standard normal draws, functions of key alone: i64[3] = seed, purpose, index, as rng_stream(seed, purpose, index, 0)
 * followed by rng_normal. No derivative. */
struct value graph_normal(struct value key, enum graph_type type, int rank, const int64_t *dim);

/* ---- Derivatives ---- */

/* gradient[i] = d y / d x[i], for a y of one element. Zeros where y does not depend on x[i]. The nodes added are
 * ordinary: gradients of gradients are taken alike. */
enum status graph_grad(struct value y, const struct value *x, int count, struct value *gradient);

/* gradient[i] = sum_j seed[j] . d y[j] / d x[i]: seed[j] has the shape of y[j] (vector-Jacobian product). */
enum status graph_vjp(const struct value *y, const struct value *seed, int y_count, const struct value *x, int count,
                      struct value *gradient);

/* ---- What a graph holds ---- */
struct graph_parameter_entry {
  const char *name;
  struct shape shape;
  int64_t offset, bytes; /* in the flat block */
};
int graph_parameter_count(const struct graph *graph);
struct graph_parameter_entry graph_parameter_get(const struct graph *graph, int index);
int64_t graph_parameter_bytes(const struct graph *graph); /* of the whole block */
int graph_node_count(const struct graph *graph);

#endif
