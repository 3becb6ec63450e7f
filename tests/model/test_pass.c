/* Models of every preset are built, run and differentiated by what is below this layer alone: no MPI, no files. */
#include "base/rng.h"
#include "config/config.h"
#include "model/pass.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 2 };
static const double dt = 0.125;

/* In f64, so that finite differences say something. */
struct rig {
  struct config *config;
  struct model *model;
  struct pass *pass;
  int64_t state; /* numbers of q in the batch */
  double *parameters, *gradient;
};

static double *numbers(int64_t count, uint64_t index) {
  double *data = aligned_alloc(64, ((size_t)count * sizeof *data / 64 + 1) * 64);
  struct rng rng = rng_stream(3, RNG_TEST, index, 0);
  assert_non_null(data);
  rng_normal(&rng, data, (int)count);
  return data;
}

static void open_rig(struct rig *rig, const char *preset) {
  char yaml[128];
  const struct model_images images = {32, 32, 3};
  snprintf(yaml, sizeof yaml, "data: {file: x.h5}\nmodel: {preset: %s}\ntrain: {steps: 1}\n", preset);
  assert_ok(config_parse("train.yaml", yaml, strlen(yaml), NULL, 0, &rig->config));
  struct model_settings settings = config_experiment(rig->config)->training.model;
  settings.integrator.dt = dt;
  assert_ok(model_create(&settings, &images, 5, GRAPH_F64, &rig->model));
  const int64_t values = rig->model->layout.part[MODEL_PARTS];
  rig->parameters = numbers(values, 0);
  rig->gradient = numbers(values, 0);
  memset(rig->gradient, 0, (size_t)values * sizeof *rig->gradient);
  model_initialize(rig->model, 1, rig->parameters);
  assert_ok(pass_create(rig->model, BATCH, 1, rig->parameters, &rig->pass));
  rig->state = BATCH * model_state_values(rig->model);
}

static void close_rig(struct rig *rig) {
  pass_destroy(&rig->pass);
  model_destroy(&rig->model);
  config_destroy(&rig->config);
  free(rig->parameters);
  free(rig->gradient);
}

static double dot(const double *a, const double *b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

/* <seed, next q> a little along the direction. */
static double moved(const struct rig *rig, double by, const double *direction, const double *q, const double *p,
                    const double *seed) {
  double *from = numbers(rig->state, 0), *next_q = numbers(rig->state, 0), *next_p = numbers(rig->state, 0);
  for (int64_t i = 0; i < rig->state; i++) from[i] = q[i] + by * direction[i];
  assert_ok(pass_step(rig->pass, dt, from, p, next_q, next_p));
  const double result = dot(seed, next_q, rig->state);
  free(from);
  free(next_q);
  free(next_p);
  return result;
}

static void check_step(const char *preset) {
  struct rig rig;
  open_rig(&rig, preset);
  double *q = numbers(rig.state, 1), *p = numbers(rig.state, 2), *seed = numbers(rig.state, 3);
  double *direction = numbers(rig.state, 4), *adjoint_q = numbers(rig.state, 3), *adjoint_p = numbers(rig.state, 3);
  memset(adjoint_p, 0, (size_t)rig.state * sizeof *adjoint_p);
  assert_ok(pass_step_gradient(rig.pass, dt, q, p, adjoint_q, adjoint_p, rig.gradient));
  const double step = 1e-4, slope = dot(adjoint_q, direction, rig.state);
  const double difference =
      (moved(&rig, step, direction, q, p, seed) - moved(&rig, -step, direction, q, p, seed)) / (2 * step);
  if (!(fabs(slope - difference) < 1e-6 * (1 + fabs(slope))))
    fail_msg("%s: a derivative of %.12g where differences give %.12g", preset, slope, difference);
  const int64_t dynamics = rig.model->layout.part[MODEL_DYNAMICS];
  assert_true(
      dot(rig.gradient + dynamics, rig.gradient + dynamics, rig.model->layout.part[MODEL_DYNAMICS + 1] - dynamics) > 0);
  close_rig(&rig);
  free(q), free(p), free(seed), free(direction), free(adjoint_q), free(adjoint_p);
}

static void test_every_preset(void **state) {
  (void)state;
  static const char *const presets[] = {"paper", "report2021", "hgnpp", "quick"};
  for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) check_step(presets[i]);
}

/* A state is inferred in two parts: what the encoder says of the code, and what is made of it. */
static void check_code(const char *preset) {
  struct rig rig;
  open_rig(&rig, preset);
  const int64_t codes = BATCH * model_code_values(rig.model), latents = BATCH * model_latents(rig.model),
                values = BATCH * 5 * model_image_values(rig.model);
  double *frames = numbers(values, 1), *noise = numbers(codes, 2), *mean = numbers(codes, 3),
         *sigma = numbers(codes, 3);
  double *q = numbers(rig.state, 4), *p = numbers(rig.state, 4), *made_q = numbers(rig.state, 5),
         *made_p = numbers(rig.state, 5), kl[BATCH], again[BATCH] = {0};
  assert_true(latents == codes || latents == 0);
  assert_ok(pass_infer(rig.pass, frames, noise, q, p, kl));
  assert_ok(pass_encode(rig.pass, frames, mean, sigma));
  for (int64_t i = 0; i < codes; i++) {
    assert_true(latents ? sigma[i] > 0 : sigma[i] == 0);
    if (latents) again[i * BATCH / codes] += (mean[i] * mean[i] + sigma[i] * sigma[i] - 1) / 2 - log(sigma[i]);
    mean[i] += sigma[i] * noise[i];
  }
  assert_ok(pass_generate(rig.pass, mean, made_q, made_p));
  for (int64_t i = 0; i < rig.state; i++) assert_true(fabs(made_q[i] - q[i]) < 1e-12 && fabs(made_p[i] - p[i]) < 1e-12);
  for (int i = 0; i < BATCH; i++) assert_true(fabs(again[i] - kl[i]) < 1e-9 * (1 + fabs(kl[i])));
  close_rig(&rig);
  free(frames), free(noise), free(mean), free(sigma), free(q), free(p), free(made_q), free(made_p);
}

static void test_codes(void **state) {
  (void)state;
  static const char *const presets[] = {"paper", "report2021", "hgnpp", "quick"};
  for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) check_code(presets[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_preset), cmocka_unit_test(test_codes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
