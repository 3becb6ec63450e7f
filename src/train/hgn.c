#include "train/hgn.h"

#include "base/arena.h"
#include "train/hgn_evaluate.h"
#include "train/hgn_lane.h"
#include "train/objective.h"
#include "train/prior_judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Images decoded at once: fewer read the weights of a doubling too often, more leave the cache (bench train). */
enum { CHUNK_LEAST = 6, CHUNK_MAX = 12 };

enum size { SIZE_HEIGHT, SIZE_WIDTH, SIZE_CHANNELS, SIZE_INPUT_FRAMES, SIZES };

enum scalar { SCALAR_LAMBDA, SCALAR_CONSTRAINT, SCALARS };

struct hgn {
  struct model *model;
  const struct learner_work *work; /* borrowed; NULL: not prepared */
  struct pass *pass[2];            /* of whole lanes; of a smaller last one */
  struct hgn_shared *shared[2];
  struct hgn_lane *lane; /* [lanes]; owned by `arena` */
  int64_t lanes;         /* of this rank, that have been made */
  struct arena arena;
  struct hgn_task task; /* of the step that has begun */
};

const struct model *hgn_model(const struct learner *learner) { return ((const struct hgn *)learner->self)->model; }

/* ---- Opening ---- */

static enum status fit(struct learner *learner, const struct dataset *data) {
  const double given = learner->training->model.integrator.dt, dt = given > 0 ? given : data->dt;
  learner->interval = data->dt;
  if (dt > 0) learner->dt = dt; /* else that of a trained one */
  REQUIRE(learner->dt > 0, STATUS_CONFIG, "%s: does not say the time between frames: set model.integrator.dt",
          data->file.path);
  TRY(protocol_resolve(&learner->training->protocol, data->frames, &learner->protocol));
  learner->size[SIZE_HEIGHT] = data->height;
  learner->size[SIZE_WIDTH] = data->width;
  learner->size[SIZE_CHANNELS] = data->channels;
  learner->size[SIZE_INPUT_FRAMES] = learner->protocol.input_count;
  return STATUS_OK;
}

static enum status open(struct learner *learner) {
  const int64_t *size = learner->size;
  const struct optimizer_settings *settings = &learner->training->optimizer;
  const struct model_images images = {size[SIZE_HEIGHT], size[SIZE_WIDTH], size[SIZE_CHANNELS]};
  struct hgn *self = calloc(1, sizeof *self);
  REQUIRE(self, STATUS_MEMORY, "out of memory for a model");
  learner->self = self;
  TRY(model_create(&learner->training->model, &images, size[SIZE_INPUT_FRAMES], GRAPH_F32, &self->model));
  learner->layout = &self->model->layout;
  learner->ratio[MODEL_NETWORK_ENCODER] = settings->encoder_ratio;
  learner->ratio[MODEL_NETWORK_TRANSFORMER] = settings->transformer_ratio;
  learner->ratio[MODEL_NETWORK_HAMILTONIAN] = settings->hamiltonian_ratio;
  learner->ratio[MODEL_NETWORK_DECODER] = settings->decoder_ratio;
  const struct objective start = objective_start(&learner->training->objective, NAN);
  learner->scalar[SCALAR_LAMBDA] = start.lambda;
  learner->scalar[SCALAR_CONSTRAINT] = start.average;
  return STATUS_OK;
}

static void initialize(struct learner *learner) {
  const struct model *model = hgn_model(learner);
  model_initialize(model, learner->seed, learner->parameters);
  if (model->settings.decoder.output_bias == OUTPUT_MEAN_IMAGE && !isnan(learner->color[0]))
    model_color(model, learner->color, learner->parameters);
}

static void close(struct learner *learner) {
  struct hgn *self = learner->self;
  if (!self) return;
  for (int64_t i = 0; i < self->lanes; i++) hgn_lane_close(&self->lane[i]);
  for (int kind = 0; kind < 2; kind++) {
    hgn_lane_unshare(&self->shared[kind]);
    pass_destroy(&self->pass[kind]);
  }
  arena_free(&self->arena);
  model_destroy(&self->model);
  free(self);
  learner->self = NULL;
}

/* ---- Training ---- */

/* Of the lane in the batch: 1 for a smaller last one. */
static int kind_of(const struct hgn *self, int64_t lane) {
  const struct lanes *lanes = &self->work->lanes;
  return lanes_size(lanes, lane) == lanes->microbatch ? 0 : 1;
}

/* Of so many images, those that leave the least of the last chunk empty; the largest of several. */
static int64_t choose_chunk(int64_t images) {
  if (images <= CHUNK_MAX) return images;
  int64_t best = CHUNK_MAX;
  for (int64_t chunk = CHUNK_MAX; chunk >= CHUNK_LEAST; chunk--)
    if ((chunk - images % chunk) % chunk < (best - images % best) % best) best = chunk;
  return best;
}

static enum status prepare_kind(struct learner *learner, int64_t lane) {
  struct hgn *self = learner->self;
  const int64_t targets = learner->protocol.target_count,
                images = hgn_lane_frames(learner->training->train.frames_per_rollout, targets);
  const int kind = kind_of(self, lane);
  const int64_t size = lanes_size(&self->work->lanes, lane), chunk = choose_chunk(images * size);
  if (self->pass[kind]) return STATUS_OK;
  TRY(pass_create(self->model, size, chunk, learner->parameters, &self->pass[kind]));
  return hgn_lane_share(self->model, self->pass[kind], self->work->source, size, chunk, targets, HGN_KEPT_BYTES,
                        &self->shared[kind]);
}

static enum status prepare(struct learner *learner, const struct learner_work *work) {
  struct hgn *self = learner->self;
  self->work = work;
  self->lane = arena_array(&self->arena, work->lane_count, sizeof *self->lane);
  TRY(arena_check(&self->arena, "the lanes of a rank"));
  for (int64_t i = 0; i < work->lane_count; i++) {
    const int64_t lane = work->first_lane + i;
    TRY(prepare_kind(learner, lane));
    TRY(hgn_lane_create(self->shared[kind_of(self, lane)], lane * work->lanes.microbatch,
                        learner->protocol.target_count, &self->lane[i]));
    self->lanes = i + 1;
    self->lane[i].rollouts = work->rollouts + i * work->lanes.microbatch;
  }
  return STATUS_OK;
}

/* The objective as it is now: its state is in the scalars. */
static struct objective objective_now(const struct learner *learner) {
  const struct hgn *self = learner->self;
  return (struct objective){.settings = &learner->training->objective,
                            .kappa = learner->kappa,
                            .lambda = learner->scalar[SCALAR_LAMBDA],
                            .average = learner->scalar[SCALAR_CONSTRAINT],
                            .step = self->task.step};
}

/* Targets of a step: fewer until the curriculum has been gone through. */
static int64_t targets_at(const struct learner *learner, int64_t step) {
  const struct curriculum_settings *curriculum = &learner->training->train.curriculum;
  for (int i = 0; i < curriculum->steps.count; i++)
    if (step < curriculum->steps.item[i]) return curriculum->frames.item[i];
  return learner->protocol.target_count;
}

static void begin(struct learner *learner, int64_t step) {
  struct hgn *self = learner->self;
  self->task = (struct hgn_task){.protocol = protocol_shorten(&learner->protocol, targets_at(learner, step)),
                                 .seed = learner->seed,
                                 .step = step,
                                 .frames_per_rollout = learner->training->train.frames_per_rollout,
                                 .dt = learner->dt,
                                 .free_kl = learner->training->objective.free,
                                 .batch = self->work->lanes.batch};
  const struct objective objective = objective_now(learner);
  objective_weights(&objective, &self->task.error_weight, &self->task.kl_weight);
}

static enum status run(struct learner *learner, int stage, int64_t i, float *gradient, double *term) {
  struct hgn *self = learner->self;
  const struct learner_work *work = self->work;
  const struct hgn_task *task = &self->task;
  struct hgn_lane *lane = &self->lane[i];
  switch ((enum hgn_stage)stage) {
  case HGN_ENCODE:
    return hgn_lane_encode(lane, task);
  case HGN_UNROLL:
    return hgn_lane_unroll(lane, task);
  case HGN_DRAW: {
    struct hgn_loss loss;
    TRY(hgn_lane_draw(lane, task, &loss, gradient, work->poll, work->context));
    term[HGN_TERM_ERROR] = loss.error;
    term[HGN_TERM_KL] = loss.kl;
    term[HGN_TERM_CHARGED] = loss.charged;
    return STATUS_OK;
  }
  case HGN_UNROLL_BACK:
    return hgn_lane_unroll_back(lane, task, gradient, work->poll, work->context);
  case HGN_ENCODE_BACK:
    return hgn_lane_encode_back(lane, task, gradient);
  case HGN_STAGES:
    break;
  }
  return status_raise(STATUS_ARGUMENT, "there is no stage %d", stage);
}

static double loss(const struct learner *learner, const double *term) {
  const struct objective objective = objective_now(learner);
  return objective_loss(&objective, term[HGN_TERM_ERROR], term[HGN_TERM_CHARGED]);
}

static void update(struct learner *learner, const double *term) {
  struct objective objective = objective_now(learner);
  objective_update(&objective, term[HGN_TERM_ERROR]);
  learner->scalar[SCALAR_LAMBDA] = objective.lambda;
  learner->scalar[SCALAR_CONSTRAINT] = objective.average;
}

static void changed(struct learner *learner) {
  const struct hgn *self = learner->self;
  for (int kind = 0; kind < 2; kind++)
    if (self->pass[kind]) pass_parameters_changed(self->pass[kind]);
}

/* ---- Evaluation ---- */

static enum status evaluate(struct learner *learner, const struct comm *comm, struct source *source,
                            const struct evaluation_set *set, const struct yardstick *yardstick,
                            struct evaluation *evaluation) {
  const struct hgn_evaluate_task task = {.model = hgn_model(learner),
                                         .parameters = learner->parameters,
                                         .source = source,
                                         .yardstick = yardstick,
                                         .protocol = learner->protocol,
                                         .posterior = learner->training->eval.posterior,
                                         .seed = learner->seed,
                                         .dt = learner->dt};
  return hgn_evaluate(comm, &task, set, evaluation);
}

/* A probe asks for a model that was trained: this one is, so far. */
static enum status judge(struct learner *learner, const struct comm *comm, struct source *source, enum split split,
                         int64_t samples, struct evaluation *evaluation) {
  if (model_latents(hgn_model(learner)) == 0) return STATUS_OK; /* no prior */
  const struct trained trained = {.training = learner->training, .learner = *learner, .path = "the model"};
  struct prior_judgement judgement = {.samples = 0};
  struct probe probe;
  enum status status = comm_agree(comm, probe_open(&trained, &probe));
  const struct prior_judge_task task = {.probe = &probe,
                                        .source = source,
                                        .split = split,
                                        .samples = samples,
                                        .frames = prior_judge_frames(&learner->protocol),
                                        .seed = 1,
                                        .telling = false};
  if (status == STATUS_OK) status = prior_judge(comm, &task, &judgement);
  evaluation->score[HGN_VALID] = judgement.valid;
  evaluation->score[HGN_COVERAGE] = judgement.coverage;
  evaluation->score[HGN_COVERAGE_FLOOR] = judgement.coverage_floor;
  prior_judgement_free(&judgement);
  probe_close(&probe);
  return status;
}

static void speak(const struct evaluation *evaluation, char text[LEARNER_SPEECH_MAX]) {
  const double *score = evaluation->score;
  int used =
      snprintf(text, LEARNER_SPEECH_MAX, "MSE (%.3f +- %.3f)e-4", 1e4 * score[HGN_MSE], 1e4 * score[HGN_MSE_ERROR]);
  if (!isnan(score[HGN_R2]))
    used += snprintf(text + used, LEARNER_SPEECH_MAX - (size_t)used, "  R2 %.4f", score[HGN_R2]);
  const size_t room = LEARNER_SPEECH_MAX - (size_t)used;
  if (!isnan(score[HGN_PAIRED_OVER_LIMIT]))
    snprintf(text + used, room, "  unseen %.3f +- %.3f of the information limit", score[HGN_PAIRED_OVER_LIMIT],
             score[HGN_PAIRED_OVER_LIMIT_ERROR]);
  else if (!isnan(score[HGN_OVER_LIMIT]))
    snprintf(text + used, room, "  %.3f of the information limit", score[HGN_OVER_LIMIT]);
  else if (!isnan(score[HGN_OVER_FLOOR]))
    snprintf(text + used, room, "  %.3f of the noise floor", score[HGN_OVER_FLOOR]);
}

/* ---- The table ---- */

static const struct learner_stage stages[HGN_STAGES] = {
    [HGN_ENCODE] = {"encode", "in the encoder", LEARNER_PART_NONE},
    [HGN_UNROLL] = {"unroll", "in the rollouts", LEARNER_PART_NONE},
    [HGN_DRAW] = {"draw", "in the decoder, forward and backward", MODEL_DECODER},
    [HGN_UNROLL_BACK] = {"unroll_back", "in the rollouts' backward pass", MODEL_DYNAMICS},
    [HGN_ENCODE_BACK] = {"encode_back", "in the encoder's backward pass", MODEL_INFERENCE}};

static const struct learner_column terms[HGN_TERMS] = {
    [HGN_TERM_ERROR] = {"error", NULL, "mean squared error of a value on the batch, posterior sampled"},
    [HGN_TERM_KL] = {"kl", NULL, "KL divided by the number of predicted values"},
    [HGN_TERM_CHARGED] = {"kl_charged", NULL, "what the loss charges for KL: at least objective.free, divided alike"}};

static const struct learner_column scalars[SCALARS] = {
    [SCALAR_LAMBDA] = {"lambda", NULL, "weight of the error; GECO's multiplier"},
    [SCALAR_CONSTRAINT] = {"constraint", NULL, "GECO: moving average of error - kappa"}};

static const struct learner_column scores[HGN_SCORES] = {
#define SCORE(id, name, unit, help) [HGN_##id] = {name, unit, help},
    HGN_SCORE_LIST(SCORE)
#undef SCORE
};

static const char *const sizes[SIZES] = {[SIZE_HEIGHT] = "height",
                                         [SIZE_WIDTH] = "width",
                                         [SIZE_CHANNELS] = "channels",
                                         [SIZE_INPUT_FRAMES] = "input_frames"};

const struct learner_kind learner_hgn = {.name = "hgn",
                                         .data = LEARNER_FRAMES,
                                         .unit = "rollouts",
                                         .stage = stages,
                                         .stages = HGN_STAGES,
                                         .term = terms,
                                         .terms = HGN_TERMS,
                                         .scalar = scalars,
                                         .scalars = SCALARS,
                                         .score = scores,
                                         .scores = HGN_SCORES,
                                         .chosen_by = HGN_MSE,
                                         .limited = 1u << HGN_EXCESS | 1u << HGN_EXCESS_ERROR | 1u << HGN_OVER_LIMIT |
                                                    1u << HGN_UNSEEN_OVER_LIMIT | 1u << HGN_PAIRED_OVER_LIMIT |
                                                    1u << HGN_PAIRED_OVER_LIMIT_ERROR,
                                         .by_frame = {"frame_mse", NULL, "mean squared error of each target frame"},
                                         .size = sizes,
                                         .sizes = SIZES,
                                         .fit = fit,
                                         .open = open,
                                         .initialize = initialize,
                                         .prepare = prepare,
                                         .begin = begin,
                                         .run = run,
                                         .loss = loss,
                                         .update = update,
                                         .changed = changed,
                                         .evaluate = evaluate,
                                         .judge = judge,
                                         .speak = speak,
                                         .close = close};

_Static_assert((int)HGN_STAGES <= (int)LEARNER_STAGES_MAX && (int)HGN_TERMS <= (int)LEARNER_TERMS_MAX &&
                   (int)SCALARS <= (int)LEARNER_SCALARS_MAX && (int)SIZES <= (int)LEARNER_SIZES_MAX &&
                   (int)HGN_SCORES <= (int)EVALUATION_SCORES_MAX,
               "a learner has room");
