/* Private to map.c, arrays.c, product.c, winograd.c, peak_loop.c and what chooses between them:
 * names of what is compiled once for each instruction set. */
#ifndef HGN_GRAPH_LEVELS_H
#define HGN_GRAPH_LEVELS_H

#include "graph/kernels.h"

#define LEVEL_JOIN_(name, level) name##_##level
#define LEVEL_JOIN(name, level) LEVEL_JOIN_(name, level)
#define LEVEL_NAME(name) LEVEL_JOIN(name, KERNEL_LEVEL)

#define LEVEL_DECLARE(level)                                                                                           \
  extern kernel_map *const kernel_maps_##level[2][OP_COUNT];                                                           \
  extern kernel_node *const kernel_nodes_##level[2][OP_COUNT];                                                         \
  extern kernel_product *const kernel_products_##level[2];                                                             \
  extern const struct winograd_transforms kernel_winograd_##level;                                                     \
  double peak_loop_##level(long rounds, float factor, float *result);
LEVEL_DECLARE(base)
#if defined(__x86_64__)
LEVEL_DECLARE(avx2)
LEVEL_DECLARE(avx512)
#endif

#endif
