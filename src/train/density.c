#include "train/density.h"

#include "train/density_evaluate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum size { SIZE_DIMENSION, SIZES };
enum stage { STAGE_WEIGH, STAGES };
enum term { TERM_BOUND, TERMS };

struct density {
  struct point_model *model;
  const struct learner_work *work; /* borrowed; NULL: not prepared */
  struct point_pass *pass[2];      /* of whole lanes; of a smaller last one */
  struct arena arena;              /* of the next */
  int64_t momenta;                 /* of a point */
  float *x, *noise;                /* [microbatch][momenta][D] */
  double *weight, *log_weight;     /* [microbatch] */
  int64_t step;                    /* that has begun */
  /* For evaluations. */
  struct density_judge judge;
  bool judging;                     /* it is open */
  struct target *target;            /* of `known`; NULL: it has none */
  const struct dataset *known;      /* data that evaluations have been of; borrowed */
  struct density_likeness likeness; /* of the parameters as they are */
  bool likened;                     /* it has been measured */
};

bool density_is(const struct learner *learner) {
  return learner->kind == &learner_nhf || learner->kind == &learner_rnvp;
}

const struct point_model *density_model(const struct learner *learner) {
  return ((const struct density *)learner->self)->model;
}

/* ---- Opening ---- */

static enum status fit(struct learner *learner, const struct dataset *data) {
  learner->dt = learner->interval = NAN; /* points have no time */
  learner->size[SIZE_DIMENSION] = data->coordinates;
  return STATUS_OK;
}

static enum status open(struct learner *learner) {
  struct density *self = calloc(1, sizeof *self);
  REQUIRE(self, STATUS_MEMORY, "out of memory for a model");
  learner->self = self;
  TRY(point_model_create(&learner->training->model, learner->size[SIZE_DIMENSION], GRAPH_F32, &self->model));
  learner->layout = &self->model->layout;
  for (int network = 0; network < POINT_NETWORKS; network++) learner->ratio[network] = 1;
  return STATUS_OK;
}

static void initialize(struct learner *learner) {
  point_model_initialize(density_model(learner), learner->seed, learner->parameters);
}

static void close(struct learner *learner) {
  struct density *self = learner->self;
  if (!self) return;
  for (int kind = 0; kind < 2; kind++) point_pass_destroy(&self->pass[kind]);
  if (self->judging) density_judge_close(&self->judge);
  target_close(&self->target);
  arena_free(&self->arena);
  point_model_destroy(&self->model);
  free(self);
  learner->self = NULL;
}

/* ---- Training ---- */

static int64_t lane_points(const struct density *self, int64_t lane) {
  return lanes_size(&self->work->lanes, self->work->first_lane + lane);
}

/* 1 for a smaller last lane. */
static int kind_of(const struct density *self, int64_t points) {
  return points == self->work->lanes.microbatch ? 0 : 1;
}

static enum status prepare(struct learner *learner, const struct learner_work *work) {
  struct density *self = learner->self;
  self->work = work;
  self->momenta = point_model_moves(self->model) ? learner->training->objective.momenta : 1;
  const int64_t points = work->lanes.microbatch, values = points * self->momenta * self->model->dimension;
  self->x = arena_array(&self->arena, values, sizeof *self->x);
  self->noise = arena_array(&self->arena, values, sizeof *self->noise);
  self->weight = arena_array(&self->arena, points, sizeof *self->weight);
  self->log_weight = arena_array(&self->arena, points, sizeof *self->log_weight);
  TRY(arena_check(&self->arena, "the points of a lane"));
  for (int64_t i = 0; i < points; i++) self->weight[i] = -1 / (double)work->lanes.batch;
  for (int64_t lane = 0; lane < work->lane_count; lane++) {
    const int kind = kind_of(self, lane_points(self, lane));
    if (self->pass[kind]) continue;
    TRY(point_pass_create(self->model, self->momenta * lane_points(self, lane), learner->parameters,
                          &self->pass[kind]));
    point_pass_momenta(self->pass[kind], self->momenta);
  }
  return STATUS_OK;
}

static void begin(struct learner *learner, int64_t step) { ((struct density *)learner->self)->step = step; }

/* The points of a lane, and momenta drawn by step and place in the batch. */
static enum status gather(const struct learner *learner, int64_t lane, int64_t points) {
  struct density *self = learner->self;
  const struct learner_work *work = self->work;
  const int64_t dimension = self->model->dimension, row = self->momenta * dimension,
                *chosen = work->rollouts + lane * work->lanes.microbatch,
                first = (work->first_lane + lane) * work->lanes.microbatch;
  double unused;
  for (int64_t i = 0; i < points; i++) {
    const double *x = source_point(work->source, SPLIT_TRAIN, chosen[i], &unused);
    REQUIRE(x, STATUS_ARGUMENT, "point %lld is not loaded", (long long)chosen[i]);
    for (int64_t k = 0; k < row; k++) self->x[i * row + k] = (float)x[k % dimension];
    struct rng rng = rng_stream(learner->seed, RNG_LATENT, (uint64_t)self->step, (uint32_t)(first + i));
    if (point_model_moves(self->model)) rng_normal_f32(&rng, self->noise + i * row, (int)row);
  }
  return STATUS_OK;
}

static enum status run(struct learner *learner, int stage, int64_t lane, float *gradient, double *term) {
  struct density *self = learner->self;
  const int64_t points = lane_points(self, lane);
  (void)stage;
  TRY(gather(learner, lane, points));
  TRY(point_pass_weigh_gradient(self->pass[kind_of(self, points)], self->x, self->noise, self->weight, self->log_weight,
                                gradient));
  double sum = 0;
  for (int64_t i = 0; i < points; i++) sum += self->log_weight[i];
  term[TERM_BOUND] = -sum / (double)self->work->lanes.batch;
  return STATUS_OK;
}

static double loss(const struct learner *learner, const double *term) {
  (void)learner;
  return term[TERM_BOUND];
}

static void update(struct learner *learner, const double *term) {
  (void)learner;
  (void)term;
}

static void changed(struct learner *learner) {
  struct density *self = learner->self;
  for (int kind = 0; kind < 2; kind++)
    if (self->pass[kind]) point_pass_parameters_changed(self->pass[kind]);
  if (self->judging) density_judge_changed(&self->judge);
  self->likened = false;
}

/* ---- Evaluation ---- */

/* Not collective. What evaluations need that does not change with the parameters. */
static enum status open_judge(struct learner *learner, const struct dataset *data) {
  struct density *self = learner->self;
  if (!self->judging) {
    enum status status = density_judge_open(self->model, learner->parameters, &self->judge);
    if (status != STATUS_OK) density_judge_close(&self->judge);
    TRY(status);
    self->judging = true;
  }
  if (self->known == data) return STATUS_OK;
  target_close(&self->target);
  self->known = NULL;
  if (data->config) TRY(target_open(config_experiment(data->config), &self->target));
  self->known = data;
  self->likened = false;
  return STATUS_OK;
}

/* Collective. What is the model's alone is measured once for the splits on which models are compared and reported. */
static enum status measure_likeness(struct learner *learner, const struct comm *comm) {
  struct density *self = learner->self;
  const struct eval_settings *settings = &learner->training->eval;
  const struct density_likeness_task task = {.judge = &self->judge,
                                             .target = self->target,
                                             .draws = settings->draws,
                                             .grid = settings->grid,
                                             .samples = settings->samples,
                                             .tolerance = settings->tolerance,
                                             .seed = learner->seed};
  if (self->likened) return STATUS_OK;
  TRY(density_likeness(comm, &task, &self->likeness));
  self->likened = true;
  return STATUS_OK;
}

static enum status evaluate(struct learner *learner, const struct comm *comm, struct source *source,
                            const struct evaluation_set *set, const struct yardstick *yardstick,
                            struct evaluation *evaluation) {
  struct density *self = learner->self;
  (void)yardstick;
  *evaluation = (struct evaluation){.by_frame = NULL};
  TRY(comm_agree(comm, open_judge(learner, source->data)));
  if (set->split != SPLIT_TRAIN) TRY(measure_likeness(learner, comm));
  const struct density_evaluate_task task = {.judge = &self->judge,
                                             .source = source,
                                             .likeness = set->split != SPLIT_TRAIN ? &self->likeness : NULL,
                                             .settings = &learner->training->eval,
                                             .seed = learner->seed};
  return density_evaluate(comm, &task, set, evaluation);
}

static void speak(const struct evaluation *evaluation, char text[LEARNER_SPEECH_MAX]) {
  const double *score = evaluation->score;
  /* Of a flow that goes wrong these may be as large as floats get: %g keeps them short. */
  int used = snprintf(text, LEARNER_SPEECH_MAX, "-log p %.5g +- %.2g nat", score[DENSITY_SCORE_NLL],
                      score[DENSITY_SCORE_NLL_ERROR]);
  if (!isnan(score[DENSITY_SCORE_KL]))
    used += snprintf(text + used, LEARNER_SPEECH_MAX - (size_t)used, "  KL %.4g +- %.2g", score[DENSITY_SCORE_KL],
                     score[DENSITY_SCORE_KL_ERROR]);
  if (!isnan(score[DENSITY_SCORE_MODES]))
    snprintf(text + used, LEARNER_SPEECH_MAX - (size_t)used, "  %.2f modes", score[DENSITY_SCORE_MODES]);
}

/* ---- The tables ---- */

static const struct learner_stage stages[STAGES] = {
    [STAGE_WEIGH] = {"weigh", "in the way of the points, forward and backward", 0}};

static const struct learner_column terms[TERMS] = {
    [TERM_BOUND] = {"bound", "nat",
                    "minus the mean of what bounds the log-likelihood of the batch's points, or is it"}};

static const struct learner_column scores[DENSITY_SCORES] = {
#define SCORE(id, name, unit, help) [DENSITY_SCORE_##id] = {name, unit, help},
    DENSITY_SCORE_LIST(SCORE)
#undef SCORE
};

static const char *const sizes[SIZES] = {[SIZE_DIMENSION] = "dimension"};

#define DENSITY_KIND(text)                                                                                             \
  {                                                                                                                    \
    .name = text, .data = LEARNER_POINTS, .unit = "points", .stage = stages, .stages = STAGES, .term = terms,          \
    .terms = TERMS, .score = scores, .scores = DENSITY_SCORES, .chosen_by = DENSITY_SCORE_NLL, .size = sizes,          \
    .sizes = SIZES, .fit = fit, .open = open, .initialize = initialize, .prepare = prepare, .begin = begin,            \
    .run = run, .loss = loss, .update = update, .changed = changed, .evaluate = evaluate, .speak = speak,              \
    .close = close                                                                                                     \
  }
const struct learner_kind learner_nhf = DENSITY_KIND("nhf"), learner_rnvp = DENSITY_KIND("rnvp");

_Static_assert((int)STAGES <= (int)LEARNER_STAGES_MAX && (int)TERMS <= (int)LEARNER_TERMS_MAX &&
                   (int)SIZES <= (int)LEARNER_SIZES_MAX && (int)DENSITY_SCORES <= (int)EVALUATION_SCORES_MAX &&
                   (int)POINT_NETWORKS <= (int)LAYOUT_NETWORKS_MAX,
               "a learner has room");
