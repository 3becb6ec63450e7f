#include "model/model.h"

#include "base/elementary.h"
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
  model->code = map_of(inference.mean);
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

static enum status lay_out(struct model *model) {
  struct layout *layout = &model->layout;
  for (int i = 0; i < MODEL_NETWORKS; i++) layout->network[i] = model_network_name((enum model_network)i);
  layout->networks = MODEL_NETWORKS;
  for (int part = 0; part < MODEL_PARTS; part++) {
    const int first = layout->tensors;
    TRY(layout_add_part(layout, model->graph[part]));
    for (int i = first; i < layout->tensors; i++)
      layout->tensor[i].network = (int)network_of((enum model_part)part, layout->tensor[i].name);
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
int64_t model_code_values(const struct model *model) { return map_values(&model->code); }
int64_t model_state_values(const struct model *model) { return map_values(&model->state); }
int64_t model_image_values(const struct model *model) {
  return model->images.height * model->images.width * model->images.channels;
}

void model_initialize(const struct model *model, uint64_t seed, void *block) {
  layout_initialize(&model->layout, model->type, model->settings.initialization, seed, block);
}

/* The inverse of the decoder's last function, the logistic one: log(y / (1 - y)). */
static double inverse_sigmoid(double y) {
  y = fmax(1.0 / 512, fmin(y, 511.0 / 512));
  return elementary_log(y / (1 - y));
}

void model_color(const struct model *model, const double *color, float *block) {
  const struct layout_tensor *bias = model->layout.tensor;
  while (strcmp(bias->name, MODEL_OUTPUT_BIAS) != 0) bias++;
  for (int64_t c = 0; c < bias->count; c++) block[bias->offset + c] = (float)inverse_sigmoid(color[c]);
}
