/* Private to src/model: stacks of layers as graphs. Not collective. */
#ifndef HGN_MODEL_LAYERS_H
#define HGN_MODEL_LAYERS_H

#include "config/training.h"
#include "graph/graph.h"

struct value layers_activate(struct value x, enum activation_kind kind, double slope);

/* One layer of x[n][h][w][c]: parameters "NAME.weight" [k][k][c][channels] and "NAME.bias", a convolution, or, where
 * the kernel covers the whole map (always for kernel 0), a matrix product with a result of one pixel. */
struct layer {
  int64_t channels, kernel, stride;
  enum padding_kind padding;
};
struct value layers_add(struct value x, const char *name, const struct layer *layer);

/* Pixels doubled, then a 3x3 convolution: "NAME.weight" and "NAME.bias". */
struct value layers_add_doubled(struct value x, const char *name, int64_t channels);

/* The whole stack, layers "PREFIX.0", "PREFIX.1", ...: activation between them, final_activation at the end. `section`
 * names the configuration's section in messages. */
struct value layers_stack(struct value x, const char *prefix, const char *section,
                          const struct layers_settings *settings);

#endif
