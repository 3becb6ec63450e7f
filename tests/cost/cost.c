/* What a reduced step of each preset costs: one rollout, one frame decoded, the whole model.
 *
 * cost plans LEVEL: a line "PRESET PLAN KIND NUMBER" for each number that follows from a plan alone, at that level of
 * instructions. Steps that only changes of parameters need are left out, for they are not of every run.
 * cost run LEVEL: runs the gradients' plans once, as after a change of the parameters, and Adam. Under callgrind, which
 * must not collect from the start on, each is a part of the profile, whose trigger is "PRESET PLAN"; making models and
 * plans is in none. Encoder and decoder have fewer channels, since Valgrind is slow at those of full size.
 * cost levels: the levels of this machine, a line each. cost compiler: what this was compiled by.
 *
 * Built from base, config, graph, model and train/optimizer.c. */
#include "base/arena.h"
#include "base/rng.h"
#include "config/config.h"
#include "graph/cpu.h"
#include "model/gradients.h"
#include "model/pass.h"
#include "train/optimizer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef COST_CALLGRIND
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_TOGGLE_COLLECT ((void)0)
#define CALLGRIND_DUMP_STATS_AT(text) ((void)(text))
#endif

enum { ROLLOUTS = 1, IMAGES = 1, OPTIMIZER_STEP = 7, OPTIMIZER_STEPS = 1000, CHANNELS_LEAST = 16, TEXT = 64 };
static const double step_dt = 0.125;

/* One preset with all its arrays. */
struct trial {
  const char *preset;
  const struct training *training;
  struct model *model;
  struct pass *pass;
  struct arena arena;
  uint64_t drawn; /* arrays of random numbers so far */
  struct optimizer optimizer;
  float *parameters, *gradient, *frames, *noise, *q, *p, *seed_q, *seed_p, *target;
};

/* ---- What a step consists of ---- */

static enum status infer_gradient(struct trial *t) {
  static const double kl_weight[ROLLOUTS] = {0.01};
  return pass_infer_gradient(t->pass, t->frames, t->noise, t->seed_q, t->seed_p, kl_weight, t->gradient);
}

static enum status step_gradient(struct trial *t) {
  return pass_step_gradient(t->pass, step_dt, t->q, t->p, t->seed_q, t->seed_p, t->gradient);
}

static enum status draw_gradient(struct trial *t) {
  const double weight[IMAGES] = {0.5};
  double error[IMAGES];
  return pass_draw_gradient(t->pass, t->q, t->target, weight, error, t->seed_q, t->gradient);
}

static enum status optimize(struct trial *t) {
  double norm;
  optimizer_step(&t->optimizer, OPTIMIZER_STEP, t->gradient, t->parameters, &norm);
  return STATUS_OK;
}

#define PLAN_NAME(name, text) [PASS_##name] = text,
static const char *const plan_name[PASS_PLAN_COUNT] = {PASS_PLAN_LIST(PLAN_NAME)};
#undef PLAN_NAME

static const struct part {
  enum pass_plan plan;                     /* PASS_PLAN_COUNT: Adam, which has none */
  enum status (*run)(struct trial *trial); /* NULL: the gradient's plan has what this one does */
} parts[] = {{PASS_INFER, NULL},         {PASS_INFER_GRADIENT, infer_gradient},
             {PASS_STEP, NULL},          {PASS_STEP_GRADIENT, step_gradient},
             {PASS_DRAW, NULL},          {PASS_DRAW_GRADIENT, draw_gradient},
             {PASS_PLAN_COUNT, optimize}};
enum { PARTS = sizeof parts / sizeof parts[0] };

/* ---- Measuring ---- */

typedef enum status measure_part(struct trial *trial, const struct part *part);

static enum status show_plan(struct trial *trial, const struct part *part) {
  if (part->plan == PASS_PLAN_COUNT) return STATUS_OK;
  const struct plan *plan;
  TRY(pass_plan_get(trial->pass, part->plan, &plan));
  const struct plan_size size = plan_measure(plan);
  double multiplications = 0, flops = 0;
  int steps = 0;
  for (int i = 0; i < size.steps; i++) {
    const struct plan_step at = plan_step_get(plan, i);
    if (at.prepared) continue;
    multiplications += at.multiplications;
    flops += at.flops;
    steps++;
  }
  const char *preset = trial->preset, *name = plan_name[part->plan];
  printf("%s %s multiplications %.0f\n", preset, name, multiplications);
  printf("%s %s flops %.0f\n", preset, name, flops);
  printf("%s %s steps %d\n", preset, name, steps);
  printf("%s %s arena %" PRId64 "\n", preset, name, size.arena);
  return STATUS_OK;
}

static enum status run_part(struct trial *trial, const struct part *part) {
  const bool planned = part->plan != PASS_PLAN_COUNT;
  const struct plan *plan;
  char trigger[TEXT];
  if (!part->run) return STATUS_OK;
  if (planned) TRY(pass_plan_get(trial->pass, part->plan, &plan));
  snprintf(trigger, sizeof trigger, "%s %s", trial->preset, planned ? plan_name[part->plan] : "optimizer");
  CALLGRIND_TOGGLE_COLLECT;
  const enum status status = part->run(trial);
  CALLGRIND_TOGGLE_COLLECT;
  CALLGRIND_DUMP_STATS_AT(trigger);
  return status;
}

/* ---- A preset ---- */

static float *numbers(struct trial *trial, int64_t count, bool random) {
  float *data = arena_array(&trial->arena, count, sizeof *data);
  struct rng rng = rng_stream(5, RNG_TEST, trial->drawn++, 0);
  for (int64_t i = 0; data && random && i < count; i++) data[i] = rng_uniform_f32(&rng);
  return data;
}

static enum status fill(struct trial *trial) {
  const struct model *model = trial->model;
  const int64_t values = layout_values(&model->layout), state = ROLLOUTS * model_state_values(model);
  const int64_t image = model_image_values(model), latents = ROLLOUTS * model_latents(model);
  trial->parameters = numbers(trial, values, false);
  trial->gradient = numbers(trial, values, false);
  trial->frames = numbers(trial, ROLLOUTS * model->input_frames * image, true);
  trial->noise = latents ? numbers(trial, latents, true) : NULL;
  trial->q = numbers(trial, state, true);
  trial->p = numbers(trial, state, true);
  trial->seed_q = numbers(trial, state, true);
  trial->seed_p = numbers(trial, state, true);
  trial->target = numbers(trial, IMAGES * image, true);
  TRY(arena_check(&trial->arena, "arrays"));
  model_initialize(model, 1, trial->parameters);
  return STATUS_OK;
}

static enum status measure_parts(struct trial *trial, measure_part *measure) {
  double ratio[MODEL_NETWORKS];
  for (int i = 0; i < MODEL_NETWORKS; i++) ratio[i] = 1;
  TRY(fill(trial));
  TRY(pass_create(trial->model, ROLLOUTS, IMAGES, trial->parameters, &trial->pass));
  TRY(optimizer_open(&trial->training->optimizer, &trial->model->layout, ratio, OPTIMIZER_STEPS, &trial->optimizer));
  for (int i = 0; i < PARTS; i++) TRY(measure(trial, &parts[i]));
  return STATUS_OK;
}

/* Not to fewer than Winograd's method takes. */
static void shrink(struct integer_list *channels, int64_t divisor) {
  for (int i = 0; i < channels->count; i++) {
    const int64_t fewer = channels->item[i] / divisor;
    channels->item[i] = fewer < CHANNELS_LEAST ? CHANNELS_LEAST : fewer;
  }
}

static enum status measure_preset(const char *preset, measure_part *measure) {
  static const char yaml[] = "data: {file: x.h5}\nmodel: {name: hgn}\ntrain: {steps: 1000}\n";
  static const struct model_images images = {.height = 32, .width = 32, .channels = 3};
  char word[TEXT];
  const char *const words[] = {word};
  struct config *config;
  snprintf(word, sizeof word, "model.preset=%s", preset);
  TRY(config_parse(preset, yaml, strlen(yaml), words, 1, &config));
  const struct training *training = &config_experiment(config)->training;
  struct trial trial = {.preset = preset, .training = training};
  struct model_settings settings = training->model;
  settings.integrator.dt = step_dt;
  if (measure == run_part) {
    shrink(&settings.encoder.channels, 4);
    shrink(&settings.decoder.channels, 2);
  }
  enum status status = model_create(&settings, &images, training->protocol.input_frames, GRAPH_F32, &trial.model);
  if (status == STATUS_OK) status = measure_parts(&trial, measure);
  optimizer_close(&trial.optimizer);
  pass_destroy(&trial.pass);
  model_destroy(&trial.model);
  arena_free(&trial.arena);
  config_destroy(&config);
  return status;
}

/* ---- The program ---- */

#define PRESET_NAME(kind, text) [PRESET_##kind] = text,
static const char *const presets[PRESET_COUNT] = {PRESET_LIST(PRESET_NAME)};
#undef PRESET_NAME

static enum status measure_all(const char *what, const char *name) {
  enum cpu_level level;
  TRY(cpu_level_parse(name, &level));
  cpu_level_set(level);
  for (int i = PRESET_NONE + 1; i < PRESET_COUNT; i++)
    TRY(measure_preset(presets[i], strcmp(what, "run") == 0 ? run_part : show_plan));
  return STATUS_OK;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "levels") == 0) {
    for (int i = 0; i <= (int)cpu_level_here(); i++) puts(cpu_level_name((enum cpu_level)i));
    return 0;
  }
  if (argc == 2 && strcmp(argv[1], "compiler") == 0) {
    puts(COST_COMPILER);
    return 0;
  }
  if (argc != 3 || (strcmp(argv[1], "plans") != 0 && strcmp(argv[1], "run") != 0)) {
    fprintf(stderr, "Usage: cost plans | run LEVEL, or: cost levels | compiler\n");
    return 2;
  }
  const enum status status = measure_all(argv[1], argv[2]);
  if (status != STATUS_OK) fprintf(stderr, "cost: %s\n", status_message());
  return status_exit(status);
}
