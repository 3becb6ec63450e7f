/* Small data sets in memory and small models, for tests of training. */
#ifndef HGN_TESTS_TRAIN_SCENE_H
#define HGN_TESTS_TRAIN_SCENE_H

#include "physics/rollout.h"
#include "testing.h"
#include "train/step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scene {
  struct config *data_config, *config;
  struct dataset data;
  struct source source;
  struct training training;
  struct protocol protocol;
  struct model *model;
  void *parameters;
};

/* 32 x 32 images of a pendulum; `rollouts` for training, all in memory. */
static inline void scene_data(struct scene *scene, int rollouts, int frames) {
  char yaml[512];
  snprintf(yaml, sizeof yaml,
           "system: {name: pendulum, mass: 0.5, length: 1, gravity: 3}\ninitial: {radius: [1.3, 2.3]}\n"
           "data: {train: %d, test: 1, frames: %d, dt: 0.125, noise: 0.02}\nladder: {input_frames: 1}\n"
           "render: {renderer: soft, world: 2, radius: .5, height: 32, width: 32}\n",
           rollouts, frames);
  assert_ok(config_parse("data.yaml", yaml, strlen(yaml), NULL, 0, &scene->data_config));
  scene->data = (struct dataset){.config = scene->data_config,
                                 .has_states = true,
                                 .rollouts = {rollouts, 1},
                                 .frames = frames,
                                 .coordinates = 2,
                                 .height = 32,
                                 .width = 32,
                                 .channels = 3,
                                 .dt = 0.125};
  assert_ok(source_open(&scene->data, &scene->source));
  scene->source.states[SPLIT_TRAIN] = malloc((size_t)(rollouts * frames * 2) * sizeof(double));
  scene->source.count[SPLIT_TRAIN] = rollouts;
  assert_ok(rollout_simulate_many(config_experiment(scene->data_config), 0, rollouts, scene->source.states[SPLIT_TRAIN],
                                  NULL));
}

/* Channels of a preset's layers cut down to at most `most`. */
static inline void scene_shrink(struct integer_list *list, int64_t most, int64_t last) {
  for (int i = 0; i < list->count; i++)
    if (list->item[i] > most) list->item[i] = most;
  if (list->count && last) list->item[list->count - 1] = last;
}

static inline void scene_model(struct scene *scene, const char *const *words, int count, int64_t channels,
                               enum graph_type type) {
  const char yaml[] = "data: {file: x.h5}\nmodel: {preset: quick}\ntrain: {steps: 10}\n";
  assert_ok(config_parse("train.yaml", yaml, sizeof yaml - 1, words, count, &scene->config));
  scene->training = config_experiment(scene->config)->training;
  struct model_settings *model = &scene->training.model;
  if (channels) {
    scene_shrink(&model->encoder.channels, channels, 8);
    scene_shrink(&model->transformer.channels, channels, channels);
    scene_shrink(&model->hamiltonian.channels, channels, 1);
    scene_shrink(&model->decoder.channels, channels, 0);
    model->encoder.activation = model->transformer.activation = model->decoder.activation = ACTIVATION_SWISH;
    if (model->transformer.final_activation == ACTIVATION_RELU)
      model->transformer.final_activation = ACTIVATION_SOFTPLUS;
  }
  if (model->flow.dt == 0) model->flow.dt = scene->data.dt;
  assert_ok(protocol_resolve(&scene->training.protocol, scene->data.frames, &scene->protocol));
  const struct model_images images = {32, 32, 3};
  assert_ok(model_create(model, &images, scene->protocol.input_count, type, &scene->model));
  scene->parameters = aligned_alloc(64, (size_t)scene->model->part[MODEL_PARTS] * 8 + 64 -
                                            (size_t)scene->model->part[MODEL_PARTS] * 8 % 64);
  model_initialize(scene->model, 1, scene->parameters);
}

static inline void scene_close(struct scene *scene) {
  model_destroy(&scene->model);
  free(scene->parameters);
  source_close(&scene->source);
  config_destroy(&scene->config);
  config_destroy(&scene->data_config);
}

#endif
