/* How the parameters of a model lie in memory: one block of f32 or f64 values, in parts, of tensors, of networks.
 *
 * A part is the parameter block of one graph: its gradient is complete at once, and travels at once. A network is what
 * has a learning rate and checksums of its own. Gaps between tensors, which alignment asks for, are zeros.
 *
 * All functions: Not collective.
 */
#ifndef HGN_MODEL_LAYOUT_H
#define HGN_MODEL_LAYOUT_H

#include "graph/graph.h"

enum { LAYOUT_PARTS_MAX = 8, LAYOUT_NETWORKS_MAX = 16 };

struct layout_tensor {
  const char *name; /* "encoder.0.weight"; borrowed from the model */
  int part, network;
  struct shape shape;
  int64_t offset, count; /* elements, in the block */
};

struct layout {
  struct layout_tensor *tensor; /* [tensors], in the order of the block; owned by the model */
  int tensors;
  int64_t part[LAYOUT_PARTS_MAX + 1]; /* elements: where each part starts; part[parts]: the size of the block */
  int parts;
  const char *network[LAYOUT_NETWORKS_MAX]; /* names; borrowed */
  int networks;
};

int64_t layout_values(const struct layout *layout);     /* of the block, gaps included */
int64_t layout_parameters(const struct layout *layout); /* that are trained */
int64_t layout_network_parameters(const struct layout *layout, int network);

/* Memory for the block of an f32 model, zeroed, aligned as plans need it; the caller frees. STATUS_MEMORY. */
enum status layout_block(const struct layout *layout, float **block);

/* The first tensor of an f32 block that is not finite; -1: none. */
int layout_broken_tensor(const struct layout *layout, const float *block);

#endif
