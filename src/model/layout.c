#include "model/layout.h"

#include "base/finite.h"

#include <stdlib.h>
#include <string.h>

int64_t layout_values(const struct layout *layout) { return layout->part[layout->parts]; }

int64_t layout_network_parameters(const struct layout *layout, int network) {
  int64_t count = 0;
  for (int i = 0; i < layout->tensors; i++)
    if (layout->tensor[i].network == network) count += layout->tensor[i].count;
  return count;
}

int64_t layout_parameters(const struct layout *layout) {
  int64_t count = 0;
  for (int i = 0; i < layout->tensors; i++) count += layout->tensor[i].count;
  return count;
}

enum status layout_block(const struct layout *layout, float **block) {
  const size_t bytes = ((size_t)layout_values(layout) * sizeof(float) + 63) / 64 * 64;
  *block = aligned_alloc(64, bytes ? bytes : 64);
  REQUIRE(*block, STATUS_MEMORY, "out of memory for %zu bytes of parameters", bytes);
  memset(*block, 0, bytes);
  return STATUS_OK;
}

int layout_broken_tensor(const struct layout *layout, const float *block) {
  for (int i = 0; i < layout->tensors; i++)
    if (!finite_all_f32(block + layout->tensor[i].offset, layout->tensor[i].count)) return i;
  return -1;
}
