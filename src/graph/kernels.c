#include "graph/levels.h"

#include <string.h>

static struct kernel_set sets[CPU_LEVEL_COUNT];
static bool filled;

static void fill(enum cpu_level level, kernel_map *const maps[2][OP_COUNT], kernel_node *const nodes[2][OP_COUNT],
                 kernel_product *const products[2], const struct winograd_transforms *winograd) {
  sets[level].level = level;
  sets[level].winograd = winograd;
  memcpy(sets[level].product, products, sizeof sets[level].product);
  memcpy(sets[level].map, maps, sizeof sets[level].map);
  memcpy(sets[level].node, nodes, sizeof sets[level].node);
}

#define FILL(level, suffix)                                                                                            \
  fill(level, kernel_maps_##suffix, kernel_nodes_##suffix, kernel_products_##suffix, &kernel_winograd_##suffix)

const struct kernel_set *kernels_get(enum cpu_level level) {
  if (!filled) {
    for (int i = 0; i < CPU_LEVEL_COUNT; i++) FILL((enum cpu_level)i, base);
#if defined(__x86_64__)
    FILL(CPU_AVX2, avx2);
    FILL(CPU_AVX512, avx512);
#endif
    filled = true;
  }
  return &sets[level];
}
