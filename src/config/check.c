#include "config/config_impl.h"
#include "config/schema.h"

#include <inttypes.h>
#include <stdio.h>

static const struct origin *origin_of(const struct config *config, const char *path) {
  return &config->origins[schema_find(path, config->use)];
}

static void check_data(struct loader *loader) {
  const struct config *config = loader->config;
  const struct experiment *e = &config->experiment;
  const struct origin *frames = origin_of(config, "data.frames");
  const struct origin *input = origin_of(config, "ladder.input_frames");
  char where[2][CONFIG_WHERE_MAX], text[PROBLEM_TEXT_MAX];
  if (e->ladder.input_frames > e->data.frames) {
    config_origin(config, input, where[0]);
    config_origin(config, frames, where[1]);
    snprintf(text, sizeof text,
             "ladder.input_frames is %" PRId64 " (%.200s) but data.frames is %" PRId64
             " (%.200s): expected ladder.input_frames <= data.frames",
             e->ladder.input_frames, where[0], e->data.frames, where[1]);
    config_problem(loader, input->kind == ORIGIN_STANDARD ? frames : input, false, text);
  }
  /* Bytes of all images, 3 a pixel, must count in int64_t. Divisions, so that nothing overflows on the way. */
  const int64_t image = e->render.height * e->render.width * 3;
  const int64_t rollouts = e->data.train + e->data.test + experiment_validation(&e->data);
  if (rollouts > INT64_MAX / image / e->data.frames) {
    config_origin(config, frames, where[1]);
    snprintf(text, sizeof text,
             "data.train, data.test and data.validation are %" PRId64 " rollouts of %" PRId64
             " frames (%.200s) of %" PRId64 " x %" PRId64 " px: expected less than 2^63 bytes of images",
             rollouts, e->data.frames, where[1], e->render.height, e->render.width);
    config_problem(loader, origin_of(config, "data.train"), false, text);
  }
}

static void refuse(struct loader *loader, const char *path, const char *text) {
  config_problem(loader, origin_of(loader->config, path), false, text);
}

static void check_points(struct loader *loader, const struct density_settings *density) {
  char text[PROBLEM_TEXT_MAX];
  if (density->name != DENSITY_MOONS || density->width >= DENSITY_MOONS_LEAST) return;
  snprintf(text, sizeof text, "density.width is %g: expected %g or more for moons", density->width,
           DENSITY_MOONS_LEAST);
  refuse(loader, "density.width", text);
}

/* One item for each layer, or one for all. */
static void check_list(struct loader *loader, const char *section, const char *key, const struct integer_list *list,
                       int64_t layers) {
  char path[SCHEMA_PATH_MAX], text[PROBLEM_TEXT_MAX];
  if (list->count == 1 || list->count == layers || layers == 0) return;
  snprintf(path, sizeof path, "model.%s.%s", section, key);
  snprintf(text, sizeof text, "%s has %" PRId64 " items but model.%s.channels has %" PRId64 ": expected 1 or %" PRId64,
           path, list->count, section, layers, layers);
  refuse(loader, path, text);
}

static void check_layers(struct loader *loader, const char *section, const struct layers_settings *layers) {
  check_list(loader, section, "kernels", &layers->kernels, layers->channels.count);
  check_list(loader, section, "strides", &layers->strides, layers->channels.count);
  check_list(loader, section, "padding", &layers->padding, layers->channels.count);
}

static void check_hgn(struct loader *loader, const struct model_settings *model) {
  const struct integer_list *energy = &model->hamiltonian.channels;
  check_layers(loader, "encoder", &model->encoder);
  check_layers(loader, "transformer", &model->transformer);
  check_layers(loader, "hamiltonian", &model->hamiltonian);
  if (model->encoder.channels.count == 0)
    refuse(loader, "model.encoder.channels", "model.encoder.channels is empty: expected at least one layer");
  if (energy->count == 0 || energy->item[energy->count - 1] != 1)
    refuse(loader, "model.hamiltonian.channels",
           "model.hamiltonian.channels must end in 1: an energy is one number, summed over space");
  if (model->decoder.channels.count == 0)
    refuse(loader, "model.decoder.channels", "model.decoder.channels is empty: expected at least one block");
  if (model->integrator.name == FLOW_IMPLICIT_MIDPOINT && model->hamiltonian.separable)
    refuse(loader, "model.integrator.name",
           "implicit_midpoint is for a joint H(q, p): set model.hamiltonian.separable to false, or use leapfrog");
}

static void check_run(struct loader *loader, const struct train_settings *run) {
  const struct integer_list *steps = &run->curriculum.steps, *frames = &run->curriculum.frames;
  char text[PROBLEM_TEXT_MAX];
  if (run->microbatch > run->batch) {
    snprintf(text, sizeof text, "train.microbatch is %" PRId64 " but train.batch is %" PRId64 ": expected at most that",
             run->microbatch, run->batch);
    refuse(loader, "train.microbatch", text);
  }
  if (steps->count != frames->count) {
    snprintf(text, sizeof text,
             "train.curriculum.frames has %" PRId64 " items, train.curriculum.steps %" PRId64 ": expected as many",
             frames->count, steps->count);
    refuse(loader, "train.curriculum.frames", text);
  }
  for (int i = 1; i < steps->count; ++i)
    if (steps->item[i] <= steps->item[i - 1]) {
      refuse(loader, "train.curriculum.steps", "train.curriculum.steps must increase");
      return;
    }
}

/* The whole way is one graph, whose size is that of all its steps. */
static void check_flow(struct loader *loader, const struct flow_settings *flow) {
  enum { STEPS_MAX = 256 };
  char text[PROBLEM_TEXT_MAX];
  if (flow->hamiltonians * flow->steps <= STEPS_MAX) return;
  snprintf(text, sizeof text,
           "model.flow has %" PRId64 " hamiltonians of %" PRId64 " steps: expected at most %d steps in all",
           flow->hamiltonians, flow->steps, STEPS_MAX);
  refuse(loader, "model.flow.steps", text);
}

/* Of fewer there are no three best, three median and three worst. */
static void check_judge(struct loader *loader, int64_t judge) {
  enum { LEAST = 9 };
  char text[PROBLEM_TEXT_MAX];
  if (judge == 0 || judge >= LEAST) return;
  snprintf(text, sizeof text, "eval.judge is %" PRId64 ": expected 0 (none) or at least %d", judge, LEAST);
  refuse(loader, "eval.judge", text);
}

void config_check(struct loader *loader) {
  const struct training *training = &loader->config->experiment.training;
  if (loader->config->use == SCHEMA_DATA) check_data(loader);
  if (loader->config->use == SCHEMA_POINTS) check_points(loader, &loader->config->experiment.density);
  if (loader->config->use != SCHEMA_TRAINING) return;
  switch (training->model.name) {
  case MODEL_HGN:
    check_hgn(loader, &training->model);
    check_judge(loader, training->eval.judge);
    break;
  case MODEL_NHF:
    check_flow(loader, &training->model.flow);
    break;
  case MODEL_RNVP:
    break;
  case MODEL_SYNTHETIC:
    return;
  case MODEL_COUNT:
    break;
  }
  check_run(loader, &training->train);
}
