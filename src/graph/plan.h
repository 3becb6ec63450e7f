/* Plans: graphs compiled to a list of kernel calls with all memory placed.
 *
 * Compiling keeps what the outputs need, fuses runs of elementwise nodes (worked through block by block, so that what
 * lies between them stays in cache), fuses bias and leaky relu into convolutions, chooses kernels and places every
 * array in one arena by lifetime. Running takes no memory and locks nothing. The same inputs
 * give the same bits, on every processor.
 *
 * A plan does not need its graph any more. All functions: Not collective.
 */
#ifndef HGN_GRAPH_PLAN_H
#define HGN_GRAPH_PLAN_H

#include "graph/graph.h"

#include <stdio.h>

struct plan;

struct plan_options {
  int64_t memory_limit; /* bytes of arena that must not be exceeded; 0: none */
  bool reference;       /* plain loops, nothing fused: the oracle */
  bool check_finite; /* plan_run() looks at real inputs and outputs: STATUS_NUMERIC names the one that is not finite */
};

/* `outputs` of one graph. options: NULL for none. STATUS_ARGUMENT with the graph's first error, if it has one;
 * STATUS_MEMORY when memory is short or the limit is exceeded. Owned by the caller until plan_destroy(). */
enum status plan_compile(const struct value *outputs, int count, const struct plan_options *options,
                         struct plan **plan);
void plan_destroy(struct plan **plan);

/* The memory of an input, of its shape; it must stay until the last run. Inputs that the outputs do not depend on may
 * be bound too. STATUS_ARGUMENT when there is no such input. */
enum status plan_bind(struct plan *plan, const char *input, const void *data);
/* The flat block of parameters, graph_parameter_bytes() long. */
void plan_bind_parameters(struct plan *plan, const void *block);
/* To be said after the parameters' values have changed: kernels keep weights in an order of their own, and what follows
 * from parameters alone is computed once, but for convolutions and outputs. */
void plan_parameters_changed(struct plan *plan);
/* Lets a run write output `index` to memory of the caller's instead of the arena. STATUS_ARGUMENT when there is no such
 * output, or no memory. */
enum status plan_bind_output(struct plan *plan, int index, void *data);

/* STATUS_ARGUMENT when an input is not bound; STATUS_NUMERIC, see check_finite, for an index out of range, and when a
 * library's kernel does not run. */
enum status plan_run(struct plan *plan);

/* Output `index` of the last run, valid until the next. */
const void *plan_output(const struct plan *plan, int index);
struct shape plan_output_shape(const struct plan *plan, int index);

/* ---- What a plan is ---- */
struct plan_step {
  const char *label, *kernel; /* "conv f32[16][8][8][64]", "winograd 4x4 3x3" */
  int nodes;                  /* graph nodes that it computes */
  bool product;               /* a convolution or matrix product */
  bool prepared;              /* of parameters alone: no run does it, but the first after they have changed */
  double flops;               /* by definition; of elementwise ops, one for each element and op */
  double multiplications;     /* of a product, as it is computed: fewer by Winograd's method, more where it is padded */
  double bytes;               /* read and written by an ideal cache */
};

struct plan_size {
  int64_t arena, live; /* bytes: of the arena; of the largest set of arrays alive at once, which no placement beats */
  int nodes, steps;
};

struct plan_size plan_measure(const struct plan *plan);
struct plan_step plan_step_get(const struct plan *plan, int step);
/* As plan_run(), and adds each step's time to seconds[step]; nothing for those that only parameters' changes need. */
enum status plan_run_timed(struct plan *plan, double *seconds);
/* One line a step: nodes, kernel, fusions, memory, flops; then the totals. */
void plan_print(const struct plan *plan, FILE *file);

#endif
