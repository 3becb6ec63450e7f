#include "model/gradients.h"

#include <stdlib.h>
#include <string.h>

size_t number_bytes(enum graph_type type) { return type == GRAPH_F64 ? sizeof(double) : sizeof(float); }

void number_put(enum graph_type type, void *values, int64_t index, double number) {
  if (type == GRAPH_F64)
    ((double *)values)[index] = number;
  else
    ((float *)values)[index] = (float)number;
}

void numbers_get(enum graph_type type, const void *values, int64_t count, double *out) {
  for (int64_t i = 0; i < count; i++)
    out[i] = type == GRAPH_F64 ? ((const double *)values)[i] : (double)((const float *)values)[i];
}

enum status gradients_append(struct graph *graph, const struct value *y, const struct value *seed, int count,
                             const struct value *inputs, int input_count, struct value *outputs, int *output_count) {
  const int parameters = graph_parameter_count(graph), wanted = input_count + parameters;
  struct value *x = calloc((size_t)wanted, sizeof *x);
  REQUIRE(x, STATUS_MEMORY, "out of memory for gradients");
  for (int i = 0; i < input_count; i++) x[i] = inputs[i];
  for (int i = 0; i < parameters; i++) {
    const struct graph_parameter_entry entry = graph_parameter_get(graph, i);
    x[input_count + i] = graph_parameter(graph, entry.name, entry.shape.type, entry.shape.rank, entry.shape.dim);
  }
  enum status status = graph_vjp(y, seed, count, x, wanted, outputs + *output_count);
  *output_count += wanted;
  free(x);
  return status;
}

enum status gradients_bind(struct plan *plan, const struct layout *layout, int part, int first, enum graph_type type,
                           void *block) {
  for (int i = 0; i < layout->tensors; i++) {
    const struct layout_tensor *tensor = &layout->tensor[i];
    if (tensor->part != part) continue;
    TRY(plan_bind_output(plan, first++, (unsigned char *)block + (size_t)tensor->offset * number_bytes(type)));
  }
  return STATUS_OK;
}

void gradients_add(const struct layout *layout, int part, enum graph_type type, const void *block, void *gradient) {
  const int64_t first = layout->part[part], end = layout->part[part + 1];
  if (type == GRAPH_F64) {
    double *sum = gradient;
    const double *term = block;
    for (int64_t i = first; i < end; i++) sum[i] += term[i];
  } else {
    float *sum = gradient;
    const float *term = block;
    for (int64_t i = first; i < end; i++) sum[i] += term[i];
  }
}
