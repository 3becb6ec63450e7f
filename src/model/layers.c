#include "model/layers.h"

#include "graph/node.h"

#include <stdio.h>

struct value layers_activate(struct value x, enum activation_kind kind, double slope) {
  switch (kind) {
  case ACTIVATION_RELU:
    return graph_relu(x);
  case ACTIVATION_LEAKY_RELU:
    return graph_leaky_relu(x, slope);
  case ACTIVATION_SOFTPLUS:
    return graph_softplus(x);
  case ACTIVATION_SWISH:
    return graph_swish(x);
  case ACTIVATION_TANH:
    return graph_tanh(x);
  case ACTIVATION_SIGMOID:
    return graph_sigmoid(x);
  case ACTIVATION_NONE:
  case ACTIVATION_COUNT:
    break;
  }
  return x;
}

/* A kernel that covers the whole map and yields one pixel is a matrix product, which has less to arrange. */
static struct value add_dense(struct value x, struct value weights, int64_t channels) {
  const struct shape shape = value_shape(x);
  const int64_t inputs = shape.dim[1] * shape.dim[2] * shape.dim[3];
  struct value flat = graph_reshape(x, 2, (const int64_t[]){shape.dim[0], inputs});
  struct value matrix = graph_reshape(weights, 2, (const int64_t[]){inputs, channels});
  struct value y = graph_matmul(flat, matrix, false, false);
  return graph_reshape(y, 4, (const int64_t[]){shape.dim[0], 1, 1, channels});
}

static struct value add_parameters(struct value x, const char *name, int64_t height, int64_t width, int64_t channels,
                                   struct value *bias) {
  const struct shape shape = value_shape(x);
  char weight_name[GRAPH_NAME_MAX + 1], bias_name[GRAPH_NAME_MAX + 1];
  snprintf(weight_name, sizeof weight_name, "%.48s.weight", name);
  snprintf(bias_name, sizeof bias_name, "%.48s.bias", name);
  struct value weights =
      graph_parameter(x.graph, weight_name, shape.type, 4, (const int64_t[]){height, width, shape.dim[3], channels});
  *bias = graph_parameter(x.graph, bias_name, shape.type, 1, &channels);
  return weights;
}

struct value layers_add_doubled(struct value x, const char *name, int64_t channels) {
  if (!value_valid(x)) return GRAPH_NONE;
  struct value bias, weights = add_parameters(x, name, 3, 3, channels, &bias);
  return graph_bias(graph_upsample2_conv(x, weights), bias);
}

static struct conv_options pad(struct value x, struct value weights, const struct layer *layer) {
  switch (layer->padding) {
  case PADDING_SAME:
    return conv_same(x, weights, layer->stride);
  case PADDING_SYMMETRIC:
    return conv_symmetric(weights, layer->stride);
  case PADDING_VALID:
  case PADDING_COUNT:
    break;
  }
  return conv_valid(layer->stride);
}

struct value layers_add(struct value x, const char *name, const struct layer *layer) {
  if (!value_valid(x)) return GRAPH_NONE;
  const struct shape shape = value_shape(x);
  const int64_t height = layer->kernel ? layer->kernel : shape.dim[1];
  const int64_t width = layer->kernel ? layer->kernel : shape.dim[2];
  struct value bias, weights = add_parameters(x, name, height, width, layer->channels, &bias);
  const bool whole = height == shape.dim[1] && width == shape.dim[2];
  if (whole && (layer->kernel == 0 || layer->padding == PADDING_VALID || (height == 1 && width == 1)))
    return graph_bias(add_dense(x, weights, layer->channels), bias);
  return graph_bias(graph_conv(x, weights, pad(x, weights, layer)), bias);
}

static int64_t item(const struct integer_list *list, int layer) { return list->item[list->count == 1 ? 0 : layer]; }

struct value layers_stack(struct value x, const char *prefix, const char *section,
                          const struct layers_settings *settings) {
  for (int i = 0; i < settings->channels.count && value_valid(x); i++) {
    const struct layer layer = {settings->channels.item[i], item(&settings->kernels, i), item(&settings->strides, i),
                                (enum padding_kind)item(&settings->padding, i)};
    const struct shape shape = value_shape(x);
    char name[GRAPH_NAME_MAX + 1];
    if (layer.padding == PADDING_VALID && (layer.kernel > shape.dim[1] || layer.kernel > shape.dim[2]))
      return graph_refuse(x.graph, STATUS_CONFIG, "%s: the kernel of layer %d is %lld px but its input %lld x %lld",
                          section, i, (long long)layer.kernel, (long long)shape.dim[1], (long long)shape.dim[2]);
    snprintf(name, sizeof name, "%s.%d", prefix, i);
    x = layers_add(x, name, &layer);
    const bool last = i == settings->channels.count - 1;
    x = layers_activate(x, last ? settings->final_activation : settings->activation, settings->slope);
  }
  return x;
}
