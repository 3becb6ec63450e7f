#include "model/model.h"

#include "base/rng.h"
#include "model/networks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *model_network_name(enum model_network network) {
#define NAME_OF(name, text) text,
  static const char *const names[] = {MODEL_NETWORK_LIST(NAME_OF)};
#undef NAME_OF
  return names[network];
}

static struct model_map map_of(struct value value) {
  const struct shape shape = value_shape(value);
  return (struct model_map){shape.dim[1], shape.dim[2], shape.dim[3]};
}

/* Each graph at batch 1 in turn: the state's shape follows from the first. */
static enum status build_graphs(struct model *model) {
  for (int part = 0; part < MODEL_PARTS; part++) TRY(graph_create(&model->graph[part]));
  struct inference inference = inference_build(model, model->graph[MODEL_INFERENCE], 1);
  TRY(graph_status(model->graph[MODEL_INFERENCE]));
  model->state = map_of(inference.q);
  if (value_valid(inference.noise)) model->latent = map_of(inference.noise);
  dynamics_build(model, model->graph[MODEL_DYNAMICS], 1);
  TRY(graph_status(model->graph[MODEL_DYNAMICS]));
  decoder_build(model, model->graph[MODEL_DECODER], 1);
  return graph_status(model->graph[MODEL_DECODER]);
}

static enum model_network network_of(enum model_part part, const char *name) {
  if (part == MODEL_DYNAMICS) return MODEL_NETWORK_HAMILTONIAN;
  if (part == MODEL_DECODER) return MODEL_NETWORK_DECODER;
  return strncmp(name, "encoder.", 8) == 0 ? MODEL_NETWORK_ENCODER : MODEL_NETWORK_TRANSFORMER;
}

static int64_t element_bytes(const struct model *model) { return model->type == GRAPH_F64 ? 8 : 4; }

static enum status lay_out(struct model *model) {
  int count = 0;
  model->layout.parts = MODEL_PARTS;
  model->layout.networks = MODEL_NETWORKS;
  for (int i = 0; i < MODEL_NETWORKS; i++) model->layout.network[i] = model_network_name((enum model_network)i);
  for (int part = 0; part < MODEL_PARTS; part++) count += graph_parameter_count(model->graph[part]);
  model->layout.tensor = calloc((size_t)count, sizeof *model->layout.tensor);
  REQUIRE(model->layout.tensor, STATUS_MEMORY, "out of memory for %d parameters", count);
  for (int part = 0; part < MODEL_PARTS; part++) {
    const struct graph *graph = model->graph[part];
    for (int i = 0; i < graph_parameter_count(graph); i++) {
      const struct graph_parameter_entry entry = graph_parameter_get(graph, i);
      struct layout_tensor *tensor = &model->layout.tensor[model->layout.tensors++];
      *tensor = (struct layout_tensor){.name = entry.name,
                                       .part = part,
                                       .network = (int)network_of((enum model_part)part, entry.name),
                                       .shape = entry.shape,
                                       .offset = model->layout.part[part] + entry.offset / element_bytes(model),
                                       .count = shape_elements(&entry.shape)};
    }
    model->layout.part[part + 1] = model->layout.part[part] + graph_parameter_bytes(graph) / element_bytes(model);
  }
  return STATUS_OK;
}

enum status model_create(const struct model_settings *settings, const struct model_images *images, int64_t input_frames,
                         enum graph_type type, struct model **model) {
  *model = NULL;
  struct model *made = calloc(1, sizeof *made);
  REQUIRE(made, STATUS_MEMORY, "out of memory for a model");
  made->settings = *settings;
  made->type = type;
  made->images = *images;
  made->input_frames = input_frames;
  enum status status = build_graphs(made);
  if (status == STATUS_OK) status = lay_out(made);
  if (status != STATUS_OK) model_destroy(&made);
  *model = made;
  return status;
}

void model_destroy(struct model **model) {
  if (!*model) return;
  for (int part = 0; part < MODEL_PARTS; part++) graph_destroy(&(*model)->graph[part]);
  free((*model)->layout.tensor);
  free(*model);
  *model = NULL;
}

static int64_t map_values(const struct model_map *map) { return map->height * map->width * map->channels; }

int64_t model_latents(const struct model *model) { return map_values(&model->latent); }
int64_t model_state_values(const struct model *model) { return map_values(&model->state); }
int64_t model_image_values(const struct model *model) {
  return model->images.height * model->images.width * model->images.channels;
}

/* ---- Initialisation ---- */

/* A bias has the fan in of the weights before it. */
static int64_t fan_in(const struct model *model, int tensor) {
  const struct shape *shape = &model->layout.tensor[tensor].shape;
  if (shape->rank == 1) shape = &model->layout.tensor[tensor - 1].shape;
  return shape->dim[0] * shape->dim[1] * shape->dim[2];
}

static double draw_number(enum initialization_kind kind, bool bias, double scale, struct rng *rng) {
  double pair[2];
  if (kind == INITIALIZATION_UNIFORM_FAN_IN) return scale * (2 * rng_uniform(rng) - 1);
  if (bias) return 0;
  rng_normal(rng, pair, 1);
  return scale * pair[0];
}

void model_initialize(const struct model *model, uint64_t seed, void *block) {
  memset(block, 0, (size_t)(layout_values(&model->layout) * element_bytes(model)));
  for (int i = 0; i < model->layout.tensors; i++) {
    const struct layout_tensor *tensor = &model->layout.tensor[i];
    const bool constant = tensor->shape.rank == 3; /* the decoder's constant channels */
    const double scale = constant ? 1 : 1 / sqrt((double)fan_in(model, i));
    struct rng rng = rng_stream(seed, RNG_PARAMETER, (uint64_t)i, 0);
    for (int64_t k = 0; k < tensor->count; k++) {
      double number = constant ? 1 : draw_number(model->settings.initialization, tensor->shape.rank == 1, scale, &rng);
      if (model->type == GRAPH_F64)
        ((double *)block)[tensor->offset + k] = number;
      else
        ((float *)block)[tensor->offset + k] = (float)number;
    }
  }
}
