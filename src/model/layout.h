/* How the parameters of a model lie in memory: one block of f32 or f64 values, in parts, of tensors, of networks.
 *
 * A part is the parameter block of one graph: its gradient is complete at once, and travels at once. A network is what
 * has a learning rate and checksums of its own. Gaps between tensors, which alignment asks for, are zeros.
 *
 * All functions: Not collective.
 */
#ifndef HGN_MODEL_LAYOUT_H
#define HGN_MODEL_LAYOUT_H

#include "config/training.h"
#include "graph/graph.h"

enum { LAYOUT_PARTS_MAX = 8, LAYOUT_NETWORKS_MAX = 16 };

struct layout_tensor {
  const char *name; /* "encoder.0.weight"; borrowed from the model */
  int part, network;
  struct shape shape;
  int64_t offset, count; /* elements, in the block */
};

struct layout {
  struct layout_tensor *tensor; /* [tensors], in the order of the block; owned by the model, which frees it */
  int tensors;
  int64_t part[LAYOUT_PARTS_MAX + 1]; /* elements: where each part starts; part[parts]: the size of the block */
  int parts;
  const char *network[LAYOUT_NETWORKS_MAX]; /* names; borrowed */
  int networks;
};

/* Appends the parameters of a graph as one more part, of network 0; names are borrowed from the graph.
 * STATUS_MEMORY. */
enum status layout_add_part(struct layout *layout, const struct graph *graph);

/* Fills a block of f32 or f64: a function of (seed, tensor) alone. Gaps between tensors become 0. Tensors of four
 * dimensions are weights, those of one their biases, those of three constants that begin at 1. */
void layout_initialize(const struct layout *layout, enum graph_type type, enum initialization_kind kind, uint64_t seed,
                       void *block);

int64_t layout_values(const struct layout *layout);     /* of the block, gaps included */
int64_t layout_parameters(const struct layout *layout); /* that are trained */
int64_t layout_network_parameters(const struct layout *layout, int network);

/* Memory for a block of f32 or f64, zeroed, aligned as plans need it; the caller frees. STATUS_MEMORY. */
enum status layout_block(const struct layout *layout, enum graph_type type, void **block);

/* The first tensor of an f32 block that is not finite; -1: none. */
int layout_broken_tensor(const struct layout *layout, const float *block);

#endif
