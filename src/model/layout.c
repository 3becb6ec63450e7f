#include "model/layout.h"

#include "base/finite.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum status layout_add_part(struct layout *layout, const struct graph *graph) {
  const int count = graph_parameter_count(graph), part = layout->parts;
  struct layout_tensor *grown = realloc(layout->tensor, (size_t)(layout->tensors + count) * sizeof *grown);
  REQUIRE(grown || layout->tensors + count == 0, STATUS_MEMORY, "out of memory for %d parameters", count);
  layout->tensor = grown;
  int64_t element = sizeof(float);
  for (int i = 0; i < count; i++) {
    const struct graph_parameter_entry entry = graph_parameter_get(graph, i);
    const int64_t elements = shape_elements(&entry.shape);
    element = entry.shape.type == GRAPH_F64 ? (int64_t)sizeof(double) : (int64_t)sizeof(float);
    grown[layout->tensors++] = (struct layout_tensor){.name = entry.name,
                                                      .part = part,
                                                      .shape = entry.shape,
                                                      .offset = layout->part[part] + entry.offset / element,
                                                      .count = elements};
  }
  layout->part[part + 1] = layout->part[part] + graph_parameter_bytes(graph) / element;
  layout->parts += 1;
  return STATUS_OK;
}

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

enum status layout_block(const struct layout *layout, enum graph_type type, void **block) {
  const size_t number = type == GRAPH_F64 ? sizeof(double) : sizeof(float);
  const size_t bytes = ((size_t)layout_values(layout) * number + 63) / 64 * 64;
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

/* ---- Initialisation ---- */

/* A bias has the fan in of the weights before it. */
static int64_t fan_in(const struct layout *layout, int tensor) {
  const struct shape *shape = &layout->tensor[tensor].shape;
  if (shape->rank == 1) shape = &layout->tensor[tensor - 1].shape;
  return shape->dim[0] * shape->dim[1] * shape->dim[2];
}

static double draw_number(enum initialization_kind kind, bool bias, double scale, struct rng *rng) {
  double pair[2];
  if (kind == INITIALIZATION_UNIFORM_FAN_IN) return scale * (2 * rng_uniform(rng) - 1);
  if (bias) return 0;
  rng_normal(rng, pair, 1);
  return scale * pair[0];
}

void layout_initialize(const struct layout *layout, enum graph_type type, enum initialization_kind kind, uint64_t seed,
                       void *block) {
  memset(block, 0, (size_t)layout_values(layout) * (type == GRAPH_F64 ? sizeof(double) : sizeof(float)));
  for (int i = 0; i < layout->tensors; i++) {
    const struct layout_tensor *tensor = &layout->tensor[i];
    const bool constant = tensor->shape.rank == 3;
    const double scale = constant ? 1 : 1 / sqrt((double)fan_in(layout, i));
    struct rng rng = rng_stream(seed, RNG_PARAMETER, (uint64_t)i, 0);
    for (int64_t k = 0; k < tensor->count; k++) {
      double number = constant ? 1 : draw_number(kind, tensor->shape.rank == 1, scale, &rng);
      if (type == GRAPH_F64)
        ((double *)block)[tensor->offset + k] = number;
      else
        ((float *)block)[tensor->offset + k] = (float)number;
    }
  }
}
