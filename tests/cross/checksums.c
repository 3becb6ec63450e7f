/* checksums SETTINGS LEVEL: runs the passes of every model in the file (settings.h) at that level of instructions, and
 * prints a line "MODEL ARRAY CHECKSUM" for each array, to be compared with those of other levels and processors.
 * checksums levels: the levels of this machine, a line each.
 *
 * Every pass is given random numbers of its own, not what another has computed: so the arrays that differ name the pass
 * that is at fault. Only the optimizer is given the gradient. Built from base, graph, model and train/optimizer.c. */
#include "base/arena.h"
#include "base/checksum.h"
#include "base/rng.h"
#include "graph/cpu.h"
#include "model/gradients.h"
#include "model/pass.h"
#include "model/point_pass.h"
#include "settings.h"
#include "train/optimizer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROLLOUTS = 2, IMAGES = 2, POINTS = 24, MOMENTA = 3, OPTIMIZER_STEP = 7, OPTIMIZER_STEPS = 1000 };
static const double step_dt = 0.125, kl_weight = 0.01;

/* One model's arrays. */
struct trial {
  const struct settings *settings;
  enum graph_type type;
  struct arena arena;
  uint64_t drawn; /* arrays of random numbers so far */
};

static void check(const struct trial *trial, enum status status) {
  if (status == STATUS_OK) return;
  fprintf(stderr, "checksums: %s: %s: %s\n", trial->settings->name, status_text(status), status_message());
  exit(status_exit(status));
}

static void *zeros(struct trial *trial, enum graph_type type, int64_t count) {
  void *data = arena_array(&trial->arena, count, number_bytes(type));
  check(trial, arena_check(&trial->arena, "an array"));
  return data;
}

/* NaN has more than one set of bits, and says that a model computes nothing. */
static void show(const struct trial *trial, const char *array, enum graph_type type, const void *data, int64_t count) {
  struct checksum sum = {{0}};
  char text[CHECKSUM_TEXT];
  for (int64_t i = 0; i < count; i++) {
    double number;
    numbers_get(type, (const unsigned char *)data + (size_t)i * number_bytes(type), 1, &number);
    if (isfinite(number)) continue;
    fprintf(stderr, "checksums: %s: %s is not finite\n", trial->settings->name, array);
    exit(status_exit(STATUS_NUMERIC));
  }
  checksum_add(&sum, 0, 0, data, (size_t)count * number_bytes(type));
  checksum_text(&sum, text);
  printf("%s %s %s\n", trial->settings->name, array, text);
}

static void show_own(const struct trial *trial, const char *array, const void *data, int64_t count) {
  show(trial, array, trial->type, data, count);
}

/* Standard normal numbers, or for frames those of (0, 1). */
static void *draw(struct trial *trial, const char *array, int64_t count, bool uniform) {
  struct rng rng = rng_stream(5, RNG_TEST, trial->drawn++, 0);
  double *numbers = zeros(trial, GRAPH_F64, count);
  void *data = zeros(trial, trial->type, count);
  if (uniform)
    for (int64_t i = 0; i < count; i++) numbers[i] = rng_uniform(&rng);
  else
    rng_normal(&rng, numbers, (int)count);
  for (int64_t i = 0; i < count; i++) number_put(trial->type, data, i, numbers[i]);
  show_own(trial, array, data, count);
  return data;
}

static void *normal(struct trial *trial, const char *array, int64_t count) { return draw(trial, array, count, false); }
static void *uniform(struct trial *trial, const char *array, int64_t count) { return draw(trial, array, count, true); }

/* ---- What all models have ---- */

static void show_gradient(const struct trial *trial, const struct layout *layout, const void *gradient) {
  for (int i = 0; i < layout->tensors; i++) {
    const struct layout_tensor *tensor = &layout->tensor[i];
    char name[128];
    snprintf(name, sizeof name, "gradient:%s", tensor->name);
    show_own(trial, name, (const unsigned char *)gradient + (size_t)tensor->offset * number_bytes(trial->type),
             tensor->count);
  }
}

/* One step of Adam, which is of f32. */
static void move(const struct trial *trial, const struct layout *layout, const double *ratio, void *gradient,
                 void *parameters) {
  struct optimizer optimizer;
  double norm;
  if (trial->type != GRAPH_F32) return;
  check(trial, optimizer_open(&trial->settings->optimizer, layout, ratio, OPTIMIZER_STEPS, &optimizer));
  optimizer_step(&optimizer, OPTIMIZER_STEP, gradient, parameters, &norm);
  show(trial, "optimizer:norm", GRAPH_F64, &norm, 1);
  show(trial, "optimizer:first", GRAPH_F32, optimizer.first, layout_values(layout));
  show(trial, "optimizer:second", GRAPH_F32, optimizer.second, layout_values(layout));
  show(trial, "optimizer:parameters", GRAPH_F32, parameters, layout_values(layout));
  optimizer_close(&optimizer);
}

/* ---- Models of frames ---- */

static void infer(struct trial *trial, const struct model *model, struct pass *pass, void *gradient) {
  const int64_t state = ROLLOUTS * model_state_values(model), latents = ROLLOUTS * model_latents(model);
  void *q = zeros(trial, trial->type, state), *p = zeros(trial, trial->type, state);
  void *frames = uniform(trial, "infer<frames", ROLLOUTS * model->input_frames * model_image_values(model));
  void *noise = latents ? normal(trial, "infer<noise", latents) : NULL;
  void *seed_q = normal(trial, "infer<seed_q", state), *seed_p = normal(trial, "infer<seed_p", state);
  double kl[ROLLOUTS], weight[ROLLOUTS];
  for (int i = 0; i < ROLLOUTS; i++) weight[i] = kl_weight;
  check(trial, pass_infer(pass, frames, noise, q, p, kl));
  show_own(trial, "infer:q", q, state);
  show_own(trial, "infer:p", p, state);
  show(trial, "infer:kl", GRAPH_F64, kl, ROLLOUTS);
  check(trial, pass_infer_gradient(pass, frames, noise, seed_q, seed_p, weight, gradient));
  if (!latents) return;
  check(trial, pass_generate(pass, noise, q, p));
  show_own(trial, "generate:q", q, state);
  show_own(trial, "generate:p", p, state);
}

static void step(struct trial *trial, const struct model *model, struct pass *pass, void *gradient) {
  const int64_t state = ROLLOUTS * model_state_values(model);
  void *next_q = zeros(trial, trial->type, state), *next_p = zeros(trial, trial->type, state);
  void *q = normal(trial, "step<q", state), *p = normal(trial, "step<p", state);
  void *seed_q = normal(trial, "step<seed_q", state), *seed_p = normal(trial, "step<seed_p", state);
  double energy[ROLLOUTS];
  check(trial, pass_energy(pass, q, p, energy));
  show(trial, "energy:energy", GRAPH_F64, energy, ROLLOUTS);
  check(trial, pass_step(pass, step_dt, q, p, next_q, next_p));
  show_own(trial, "step:q", next_q, state);
  show_own(trial, "step:p", next_p, state);
  check(trial, pass_step_gradient(pass, step_dt, q, p, seed_q, seed_p, gradient));
  show_own(trial, "step:adjoint_q", seed_q, state);
  show_own(trial, "step:adjoint_p", seed_p, state);
}

static void decode(struct trial *trial, const struct model *model, struct pass *pass, void *gradient) {
  const int64_t state = IMAGES * model_state_values(model), values = IMAGES * model_image_values(model);
  void *images = zeros(trial, trial->type, values), *adjoint_q = zeros(trial, trial->type, state);
  void *q = normal(trial, "draw<q", state), *target = uniform(trial, "draw<target", values);
  double weight[IMAGES], error[IMAGES];
  for (int i = 0; i < IMAGES; i++) weight[i] = 1.0 / (3 + i);
  check(trial, pass_draw(pass, q, images));
  show_own(trial, "draw:images", images, values);
  check(trial, pass_draw_gradient(pass, q, target, weight, error, adjoint_q, gradient));
  show(trial, "draw:error", GRAPH_F64, error, IMAGES);
  show_own(trial, "draw:adjoint_q", adjoint_q, state);
}

static void run_frames(struct trial *trial) {
  const struct settings *settings = trial->settings;
  const struct optimizer_settings *rates = &settings->optimizer;
  const struct model_images images = {settings->height, settings->width, settings->channels};
  const double ratio[MODEL_NETWORKS] = {[MODEL_NETWORK_ENCODER] = rates->encoder_ratio,
                                        [MODEL_NETWORK_TRANSFORMER] = rates->transformer_ratio,
                                        [MODEL_NETWORK_HAMILTONIAN] = rates->hamiltonian_ratio,
                                        [MODEL_NETWORK_DECODER] = rates->decoder_ratio};
  struct model *model;
  struct pass *pass;
  check(trial, model_create(&settings->model, &images, settings->input_frames, trial->type, &model));
  const int64_t values = layout_values(&model->layout);
  void *parameters = zeros(trial, trial->type, values), *gradient = zeros(trial, trial->type, values);
  model_initialize(model, 1, parameters);
  show_own(trial, "parameters", parameters, values);
  check(trial, pass_create(model, ROLLOUTS, IMAGES, parameters, &pass));
  infer(trial, model, pass, gradient);
  step(trial, model, pass, gradient);
  decode(trial, model, pass, gradient);
  show_gradient(trial, &model->layout, gradient);
  move(trial, &model->layout, ratio, gradient, parameters);
  pass_destroy(&pass);
  model_destroy(&model);
}

/* ---- Models of points ---- */

static void weigh(struct trial *trial, bool moves, int64_t numbers, struct point_pass *pass, void *gradient) {
  void *x = normal(trial, "weigh<x", numbers), *noise = moves ? normal(trial, "weigh<noise", numbers) : NULL;
  const int64_t momenta = moves ? MOMENTA : 1;
  double log_weight[POINTS], weight[POINTS];
  for (int i = 0; i < POINTS; i++) weight[i] = 1.0 / (3 + i);
  check(trial, point_pass_weigh(pass, x, noise, log_weight));
  show(trial, "weigh:log_weight", GRAPH_F64, log_weight, POINTS);
  point_pass_momenta(pass, momenta);
  check(trial, point_pass_weigh_gradient(pass, x, noise, weight, log_weight, gradient));
  show(trial, "weigh:bound", GRAPH_F64, log_weight, POINTS / momenta);
}

static void carry(struct trial *trial, bool moves, int64_t numbers, struct point_pass *pass) {
  void *q = normal(trial, "carry<q", numbers), *p = normal(trial, "carry<p", numbers);
  void *to_q = zeros(trial, trial->type, numbers), *to_p = zeros(trial, trial->type, numbers);
  double potential[POINTS], kinetic[POINTS];
  check(trial, point_pass_draw(pass, q, p, to_q, to_p));
  show_own(trial, "draw:x", to_q, numbers);
  if (moves) show_own(trial, "draw:momentum", to_p, numbers);
  check(trial, point_pass_return(pass, q, p, to_q, to_p));
  show_own(trial, "return:q", to_q, numbers);
  if (moves) show_own(trial, "return:p", to_p, numbers);
  if (!moves) return;
  check(trial, point_pass_step(pass, 0, step_dt, q, p, to_q, to_p));
  show_own(trial, "step:q", to_q, numbers);
  show_own(trial, "step:p", to_p, numbers);
  check(trial, point_pass_energy(pass, 0, q, p, potential, kinetic));
  show(trial, "energy:potential", GRAPH_F64, potential, POINTS);
  show(trial, "energy:kinetic", GRAPH_F64, kinetic, POINTS);
}

static void run_points(struct trial *trial) {
  const struct settings *settings = trial->settings;
  double ratio[POINT_NETWORKS];
  struct point_model *model;
  struct point_pass *pass;
  for (int i = 0; i < POINT_NETWORKS; i++) ratio[i] = 1;
  check(trial, point_model_create(&settings->model, settings->dimension, trial->type, &model));
  const int64_t values = layout_values(&model->layout), numbers = POINTS * settings->dimension;
  void *parameters = zeros(trial, trial->type, values), *gradient = zeros(trial, trial->type, values);
  point_model_initialize(model, 1, parameters);
  show_own(trial, "parameters", parameters, values);
  check(trial, point_pass_create(model, POINTS, parameters, &pass));
  weigh(trial, point_model_moves(model), numbers, pass, gradient);
  carry(trial, point_model_moves(model), numbers, pass);
  show_gradient(trial, &model->layout, gradient);
  move(trial, &model->layout, ratio, gradient, parameters);
  point_pass_destroy(&pass);
  point_model_destroy(&model);
}

/* ---- The program ---- */

static enum status run_all(FILE *file) {
  struct settings_header header;
  REQUIRE(fread(&header, sizeof header, 1, file) == 1 && header.magic == SETTINGS_MAGIC, STATUS_FILE,
          "these are not settings of write_settings");
  REQUIRE(header.bytes == sizeof(struct settings), STATUS_FILE, "settings of %lld bytes where this program has %zu",
          (long long)header.bytes, sizeof(struct settings));
  for (int64_t i = 0; i < header.count; i++) {
    struct settings settings;
    REQUIRE(fread(&settings, sizeof settings, 1, file) == 1, STATUS_FILE, "the settings end early");
    struct trial trial = {.settings = &settings, .type = settings.type};
    if (settings.dimension)
      run_points(&trial);
    else
      run_frames(&trial);
    arena_free(&trial.arena);
  }
  return STATUS_OK;
}

static enum status run_file(const char *path, const char *name) {
  enum cpu_level level;
  TRY(cpu_level_parse(name, &level));
  cpu_level_set(level);
  FILE *file = fopen(path, "rb");
  REQUIRE(file, STATUS_FILE, "cannot open %s", path);
  const enum status status = run_all(file);
  fclose(file);
  return status;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "levels") == 0) {
    for (int i = 0; i <= (int)cpu_level_here(); i++) puts(cpu_level_name((enum cpu_level)i));
    return 0;
  }
  if (argc != 3) {
    fprintf(stderr, "Usage: checksums SETTINGS LEVEL, or: checksums levels\n");
    return 2;
  }
  const enum status status = run_file(argv[1], argv[2]);
  if (status != STATUS_OK) fprintf(stderr, "checksums: %s\n", status_message());
  return status_exit(status);
}
