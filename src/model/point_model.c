#include "model/point_model.h"

#include "model/point_networks.h"

#include <stdlib.h>
#include <string.h>

bool point_model_moves(const struct point_model *model) { return model->settings.name == MODEL_NHF; }

int64_t point_model_hamiltonians(const struct point_model *model) {
  return point_model_moves(model) ? model->settings.flow.hamiltonians : 0;
}

/* Tensors are named after their network: "potential.0.1.weight". */
static void find_networks(struct layout *layout) {
#define NAME_OF(name, text) text,
  static const char *const names[] = {POINT_NETWORK_LIST(NAME_OF)};
#undef NAME_OF
  layout->networks = POINT_NETWORKS;
  for (int network = 0; network < POINT_NETWORKS; network++) {
    const size_t length = strlen(names[network]);
    layout->network[network] = names[network];
    for (int i = 0; i < layout->tensors; i++)
      if (strncmp(layout->tensor[i].name, names[network], length) == 0 && layout->tensor[i].name[length] == '.')
        layout->tensor[i].network = network;
  }
}

static enum status build(struct point_model *model) {
  REQUIRE(point_model_moves(model) || model->dimension > 1, STATUS_CONFIG,
          "model.name: rnvp changes half of a point's numbers by the other half; points of one number have none");
  TRY(graph_create(&model->graph));
  point_networks_declare(model, model->graph);
  TRY(graph_status(model->graph));
  TRY(layout_add_part(&model->layout, model->graph));
  find_networks(&model->layout);
  return STATUS_OK;
}

enum status point_model_create(const struct model_settings *settings, int64_t dimension, enum graph_type type,
                               struct point_model **model) {
  *model = NULL;
  struct point_model *made = calloc(1, sizeof *made);
  REQUIRE(made, STATUS_MEMORY, "out of memory for a model");
  *made = (struct point_model){.settings = *settings, .type = type, .dimension = dimension};
  enum status status = build(made);
  if (status != STATUS_OK) point_model_destroy(&made);
  *model = made;
  return status;
}

void point_model_destroy(struct point_model **model) {
  if (!*model) return;
  graph_destroy(&(*model)->graph);
  free((*model)->layout.tensor);
  free(*model);
  *model = NULL;
}

void point_model_initialize(const struct point_model *model, uint64_t seed, void *block) {
  layout_initialize(&model->layout, model->type, model->settings.initialization, seed, block);
}
