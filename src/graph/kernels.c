#include "graph/levels.h"

#include <string.h>

static struct kernel_set sets[CPU_LEVEL_COUNT];
static bool filled;

static void fill(enum cpu_level level, kernel_map *const maps[2][OP_COUNT], kernel_node *const nodes[2][OP_COUNT],
                 kernel_product *product) {
  sets[level].level = level;
  sets[level].product_f32 = product;
  memcpy(sets[level].map, maps, sizeof sets[level].map);
  memcpy(sets[level].node, nodes, sizeof sets[level].node);
}

const struct kernel_set *kernels_get(enum cpu_level level) {
  if (!filled) {
    for (int i = 0; i < CPU_LEVEL_COUNT; i++)
      fill((enum cpu_level)i, kernel_maps_base, kernel_nodes_base, kernel_product_f32_base);
#if defined(__x86_64__)
    fill(CPU_AVX2, kernel_maps_avx2, kernel_nodes_avx2, kernel_product_f32_avx2);
    fill(CPU_AVX512, kernel_maps_avx512, kernel_nodes_avx512, kernel_product_f32_avx512);
#endif
    filled = true;
  }
  return &sets[level];
}
