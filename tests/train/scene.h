/* Small data sets in memory or in a file and small models, for tests of training. */
#ifndef HGN_TESTS_TRAIN_SCENE_H
#define HGN_TESTS_TRAIN_SCENE_H

#include "physics/rollout.h"
#include "physics/simulate.h"
#include "testing.h"
#include "train/hgn.h"
#include "train/hgn_lane.h"
#include "train/step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scene {
  struct config *data_config, *config;
  struct dataset data;
  bool stored; /* data is an open file */
  struct source source;
  struct experiment experiment; /* of the training, as scene_model() has changed it */
  struct protocol protocol;
  struct model *model;
  void *parameters;
  struct learner learner; /* scene_learner(): the same model, as training has it */
};

/* 32 x 32 images of a pendulum. */
static inline void scene_experiment(int train, int test, int frames, struct config **config) {
  char yaml[512];
  snprintf(yaml, sizeof yaml,
           "system: {name: pendulum, mass: 0.5, length: 1, gravity: 3}\ninitial: {radius: [1.3, 2.3]}\n"
           "data: {train: %d, test: %d, frames: %d, dt: 0.125, noise: 0.02}\nladder: {input_frames: 1}\n"
           "render: {renderer: soft, world: 2, radius: .5, height: 32, width: 32}\n",
           train, test, frames);
  assert_ok(config_parse("data.yaml", yaml, strlen(yaml), NULL, 0, config));
}

/* Collective. The data set as a file, made by one rank. */
static inline void scene_simulate(const char *path, int train, int test, int frames) {
  struct config *config;
  struct ladder ladder;
  struct comm alone;
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  assert_ok(comm_open(MPI_COMM_SELF, &alone));
  scene_experiment(train, test, frames, &config);
  if (rank == 0) assert_ok(simulate_dataset(&alone, config, path, false, &ladder));
  config_destroy(&config);
  comm_close(&alone);
  MPI_Barrier(MPI_COMM_WORLD);
}

/* Collective. A data set that is a file, of either kind; nothing of it is loaded. */
static inline void scene_open(struct scene *scene, const struct comm *comm, const char *path) {
  *scene = (struct scene){.stored = true};
  assert_ok(dataset_open(comm, path, &scene->data));
  assert_ok(source_open(&scene->data, &scene->source));
}

/* `rollouts` for training, all in memory. */
static inline void scene_data(struct scene *scene, int rollouts, int frames) {
  scene_experiment(rollouts, 1, frames, &scene->data_config);
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
  scene->experiment = *config_experiment(scene->config);
  struct model_settings *model = &scene->experiment.training.model;
  if (channels) {
    scene_shrink(&model->encoder.channels, channels, 8);
    scene_shrink(&model->transformer.channels, channels, channels);
    scene_shrink(&model->hamiltonian.channels, channels, 1);
    scene_shrink(&model->decoder.channels, channels, 0);
    model->encoder.activation = model->transformer.activation = model->decoder.activation = ACTIVATION_SWISH;
    if (model->transformer.final_activation == ACTIVATION_RELU)
      model->transformer.final_activation = ACTIVATION_SOFTPLUS;
  }
  if (model->integrator.dt == 0) model->integrator.dt = 0.125;
  assert_ok(protocol_resolve(&scene->experiment.training.protocol, scene->data.frames, &scene->protocol));
  const struct model_images images = {32, 32, 3};
  assert_ok(model_create(model, &images, scene->protocol.input_count, type, &scene->model));
  scene->parameters = aligned_alloc(64, (size_t)scene->model->layout.part[MODEL_PARTS] * 8 + 64 -
                                            (size_t)scene->model->layout.part[MODEL_PARTS] * 8 % 64);
  model_initialize(scene->model, 1, scene->parameters);
}

/* One whose steps take milliseconds, of any file of rollouts of 6 frames: it sees two, samples z and gives the second
 * to the fifth. */
static inline void scene_tiny(struct scene *scene) {
  static const char *const words[] = {"protocol.input_frames=2", "protocol.frames=4", "model.latent.sampled=true"};
  scene_model(scene, words, 3, 6, GRAPH_F32);
}

/* After scene_tiny(): what training has of it. A step draws z and a random subset of frames, and both terms count. */
static inline void scene_learner(struct scene *scene) {
  struct training *training = &scene->experiment.training;
  scene->experiment.seed = 5;
  training->train.frames_per_rollout = 3;
  training->objective.name = OBJECTIVE_ELBO;
  training->objective.beta = 20;
  assert_ok(learner_open(NULL, &scene->experiment, &scene->data, &scene->learner));
  memcpy(scene->learner.parameters, scene->parameters, (size_t)layout_values(&scene->model->layout) * sizeof(float));
}

/* Parameters with gaps, without a model: all that sums and steps of gradients know of one. */
enum { SCENE_TENSORS = 7, SCENE_VALUES = 128 };

static inline struct layout scene_layout(void) {
  static struct layout_tensor tensors[SCENE_TENSORS] = {
      {.part = 0, .network = 0, .offset = 0, .count = 20}, {.part = 0, .network = 0, .offset = 32, .count = 1},
      {.part = 0, .network = 1, .offset = 48, .count = 7}, {.part = 1, .network = 2, .offset = 64, .count = 16},
      {.part = 1, .network = 2, .offset = 80, .count = 5}, {.part = 2, .network = 3, .offset = 96, .count = 17},
      {.part = 2, .network = 3, .offset = 120, .count = 3}};
  return (struct layout){.tensor = tensors,
                         .tensors = SCENE_TENSORS,
                         .part = {0, 64, 96, SCENE_VALUES},
                         .parts = 3,
                         .network = {"a", "b", "c", "d"},
                         .networks = 4};
}

static inline void scene_close(struct scene *scene) {
  learner_close(&scene->learner);
  model_destroy(&scene->model);
  free(scene->parameters);
  source_close(&scene->source);
  if (scene->stored) dataset_close(&scene->data);
  config_destroy(&scene->config);
  config_destroy(&scene->data_config);
}

#endif
