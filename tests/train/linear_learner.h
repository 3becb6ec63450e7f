/* A learner to test the trainer with, and to see what a new one costs: x[t + 1] = W x[t] + b, of true states. */
#ifndef HGN_TESTS_TRAIN_LINEAR_LEARNER_H
#define HGN_TESTS_TRAIN_LINEAR_LEARNER_H

#include "base/exact.h"
#include "comm/reduce.h"
#include "train/learner.h"

#include <math.h>
#include <stdlib.h>

enum { LINEAR_MAX = 4, LINEAR_WEIGHT = 16 }; /* coordinates; the weight's place in the block, after the bias */

struct linear {
  struct layout layout;
  struct layout_tensor tensor[2];
  const struct learner_work *work;
};

static inline enum status linear_fit(struct learner *learner, const struct dataset *data) {
  learner->dt = learner->interval = data->dt;
  learner->size[0] = data->coordinates;
  return protocol_resolve(&learner->training->protocol, data->frames, &learner->protocol);
}

static inline enum status linear_open(struct learner *learner) {
  const int64_t n = learner->size[0];
  struct linear *self = calloc(1, sizeof *self);
  REQUIRE(self && n <= LINEAR_MAX, STATUS_MEMORY, "out of memory, or more than %d coordinates", (int)LINEAR_MAX);
  self->tensor[0] = (struct layout_tensor){"bias", 0, 0, {.type = GRAPH_F32, .rank = 1, .dim = {n}}, 0, n};
  self->tensor[1] =
      (struct layout_tensor){"weight", 0, 0, {.type = GRAPH_F32, .rank = 2, .dim = {n, n}}, LINEAR_WEIGHT, n * n};
  self->layout = (struct layout){.tensor = self->tensor,
                                 .tensors = 2,
                                 .part = {0, LINEAR_WEIGHT + LINEAR_MAX * LINEAR_MAX},
                                 .parts = 1,
                                 .network = {"map"},
                                 .networks = 1};
  learner->self = self;
  learner->layout = &self->layout;
  learner->ratio[0] = 1;
  return STATUS_OK;
}

static inline void linear_close(struct learner *learner) { free(learner->self); }
static inline void linear_initialize(struct learner *learner) { learner->parameters[LINEAR_WEIGHT] = 0.5F; }

static inline enum status linear_prepare(struct learner *learner, const struct learner_work *work) {
  ((struct linear *)learner->self)->work = work;
  return STATUS_OK;
}

/* The mean squared error of a rollout's steps; gradient: NULL, or scaled by `scale` and added. */
static inline double linear_error(const struct learner *learner, const double *x, double scale, float *gradient) {
  const int64_t n = learner->size[0], steps = learner->protocol.target_count - 1;
  double sum = 0;
  for (int64_t t = 0; t < steps; t++, x += n)
    for (int64_t i = 0; i < n; i++) {
      double e = (double)learner->parameters[i] - x[n + i];
      for (int64_t k = 0; k < n; k++) e += (double)learner->parameters[LINEAR_WEIGHT + i * n + k] * x[k];
      sum += e * e / (double)(n * steps);
      for (int64_t k = 0; k < n && gradient; k++)
        gradient[LINEAR_WEIGHT + i * n + k] += (float)(scale * 2 * e * x[k] / (double)(n * steps));
      if (gradient) gradient[i] += (float)(scale * 2 * e / (double)(n * steps));
    }
  return sum;
}

static inline enum status linear_run(struct learner *learner, int stage, int64_t lane, float *gradient, double *term) {
  const struct learner_work *work = ((struct linear *)learner->self)->work;
  const double scale = 1 / (double)work->lanes.batch;
  (void)stage;
  for (int64_t b = 0; b < lanes_size(&work->lanes, work->first_lane + lane); b++) {
    const double *x = source_states(work->source, SPLIT_TRAIN, work->rollouts[lane * work->lanes.microbatch + b]);
    REQUIRE(x, STATUS_ARGUMENT, "a rollout is not loaded");
    *term += scale * linear_error(learner, x + learner->protocol.target_first * learner->size[0], scale, gradient);
  }
  return STATUS_OK;
}

static inline void linear_begin(struct learner *learner, int64_t step) { (void)learner, (void)step; }
static inline void linear_update(struct learner *learner, const double *term) { learner->scalar[0] += *term; }
static inline void linear_changed(struct learner *learner) { (void)learner; }
static inline double linear_loss(const struct learner *learner, const double *term) { return (void)learner, *term; }

static inline enum status linear_add(const struct learner *learner, const struct source *source,
                                     const struct evaluation_group *group, struct exact *sum, int64_t counts[2]) {
  for (int64_t b = 0; b < group->count; b++) {
    const double *x = source_states(source, group->split, group->first + b);
    REQUIRE(x, STATUS_ARGUMENT, "a rollout is not loaded");
    const double error = linear_error(learner, x + learner->protocol.target_first * learner->size[0], 0, NULL);
    exact_add(sum, error);
    counts[0] += 1;
    counts[1] += !isfinite(error);
  }
  return STATUS_OK;
}

static inline enum status linear_evaluate(struct learner *learner, const struct comm *comm, struct source *source,
                                          const struct evaluation_set *set, const struct yardstick *yardstick,
                                          struct evaluation *evaluation) {
  struct exact sum;
  int64_t counts[2] = {0, 0}; /* rollouts; of them not finite */
  (void)yardstick;
  exact_clear(&sum);
  *evaluation = (struct evaluation){.frames = learner->protocol.target_count};
  evaluation->by_frame = calloc((size_t)evaluation->frames, sizeof(double));
  enum status status = evaluation->by_frame ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory");
  for (int64_t g = 0; g < set->count && status == STATUS_OK; g++)
    status = linear_add(learner, source, &set->group[g], &sum, counts);
  TRY(comm_agree(comm, status));
  TRY(reduce_exact(comm, &sum, 1));
  TRY(reduce_sum(comm, counts, 2));
  evaluation->score[0] = exact_value(&sum) / (double)counts[0];
  evaluation->rollouts = counts[0];
  evaluation->broken = counts[1] ? "an error" : NULL;
  evaluation->broken_rollouts = counts[1];
  return STATUS_OK;
}

static inline void linear_speak(const struct evaluation *evaluation, char text[LEARNER_SPEECH_MAX]) {
  snprintf(text, LEARNER_SPEECH_MAX, "MSE %.3g", evaluation->score[0]);
}

static const struct learner_stage linear_stages[] = {{"map", "in the map", 0}};
static const struct learner_column linear_terms[] = {{"error", NULL, "mean squared error of a coordinate"}};
static const struct learner_column linear_scalars[] = {{"spent", NULL, "the sum of all errors so far"}};
static const char *const linear_sizes[] = {"coordinates"};
static const struct learner_kind learner_linear = {.name = "linear",
                                                   .data = LEARNER_STATES,
                                                   .stage = linear_stages,
                                                   .stages = 1,
                                                   .term = linear_terms,
                                                   .terms = 1,
                                                   .scalar = linear_scalars,
                                                   .scalars = 1,
                                                   .score = linear_terms,
                                                   .scores = 1,
                                                   .by_frame = {"frame_error", NULL, "not used"},
                                                   .size = linear_sizes,
                                                   .sizes = 1,
                                                   .fit = linear_fit,
                                                   .open = linear_open,
                                                   .initialize = linear_initialize,
                                                   .prepare = linear_prepare,
                                                   .begin = linear_begin,
                                                   .run = linear_run,
                                                   .loss = linear_loss,
                                                   .update = linear_update,
                                                   .changed = linear_changed,
                                                   .evaluate = linear_evaluate,
                                                   .speak = linear_speak,
                                                   .close = linear_close};

#endif
