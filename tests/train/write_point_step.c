/* write_point_step: a training step's points, noise, parameters, log weights and gradients of densities at full width,
 * and draws, for tests/peer/flow_torch.py to compare: one file for each case, CASE.h5, in the working folder. */
#include "base/rng.h"
#include "model/point_pass.h"
#include "store/file.h"
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A batch that vectors and blocks of rows do not divide; several momenta of a point do. */
enum { BATCH = 60, DIMENSION_MAX = 8 };

/* Times `spread` the parameters with which training begins: points are carried far from where they start. */
static const struct point_case {
  const char *name, *words;
  int64_t dimension, momenta;
  float spread;
} cases[] = {
    {"nhf", "name: nhf, flow: {hamiltonians: 4, steps: 1, dt: 0.2, activation: swish}", 2, 1, 2.5f},
    {"nhf_momenta", "name: nhf, flow: {hamiltonians: 2, steps: 2, dt: 0.5, activation: softplus}", 2, 4, 2.5f},
    {"nhf_fixed", "name: nhf, flow: {kinetic: fixed, steps: 3, activation: tanh, encoder_activation: leaky_relu}", 3, 1,
     1.5f},
    {"rnvp", "name: rnvp", 2, 1, 2},
    {"rnvp_odd", "name: rnvp", 5, 1, 2},
};

static const struct comm *world;
static struct store_file file;

static void put(const char *name, enum store_type type, int rank, const int64_t *extent, const void *data) {
  assert_ok(store_dataset(&file, name, type, rank, extent, NULL, NULL));
  assert_ok(store_write_independent(&file, name, 0, extent[0], data));
}

static void put_points(const char *name, int64_t dimension, const float *points) {
  put(name, STORE_F32, 2, (const int64_t[]){BATCH, dimension}, points);
}

static void put_numbers(const char *name, int64_t count, const double *numbers) {
  put(name, STORE_F64, 1, &count, numbers);
}

static void put_tensors(const char *group, const struct layout *layout, const float *block) {
  for (int i = 0; i < layout->tensors; i++) {
    char name[128];
    snprintf(name, sizeof name, "/%s/%s", group, layout->tensor[i].name);
    put(name, STORE_F32, layout->tensor[i].shape.rank, layout->tensor[i].shape.dim, block + layout->tensor[i].offset);
  }
}

/* What the peer builds its model from. Widths it finds in the tensors. */
static void put_settings(const struct model_settings *settings, int64_t momenta) {
#define TEXT_OF(name, text) text,
  static const char *const activations[] = {ACTIVATION_LIST(TEXT_OF)}, *const kinetics[] = {KINETIC_LIST(TEXT_OF)};
#undef TEXT_OF
  const struct flow_settings *flow = &settings->flow;
  const bool moves = settings->name == MODEL_NHF;
  assert_ok(store_attribute_text(&file, "model", moves ? "nhf" : "rnvp"));
  assert_ok(store_attribute_i64(&file, "momenta", momenta));
  assert_ok(
      store_attribute_text(&file, "activation", activations[moves ? flow->activation : settings->coupling.activation]));
  if (!moves) {
    assert_ok(store_attribute_i64(&file, "couplings", settings->coupling.layers));
    put_numbers("/scale", 1, &settings->coupling.scale);
    return;
  }
  assert_ok(store_attribute_i64(&file, "hamiltonians", flow->hamiltonians));
  assert_ok(store_attribute_i64(&file, "steps", flow->steps));
  assert_ok(store_attribute_text(&file, "kinetic", kinetics[flow->kinetic]));
  assert_ok(store_attribute_text(&file, "encoder_activation", activations[flow->encoder_activation]));
  put_numbers("/dt", 1, &flow->dt);
}

static void normal(float *numbers, int64_t count, uint64_t index) {
  struct rng rng = rng_stream(9, RNG_TEST, index, 0);
  rng_normal_f32(&rng, numbers, (int)count);
}

/* Momenta of one point stand in rows that follow each other, with the point in each. */
static void put_weights(struct point_pass *pass, const struct point_case *one, const struct point_model *model) {
  static _Alignas(64) float x[BATCH * DIMENSION_MAX], noise[BATCH * DIMENSION_MAX];
  const int64_t numbers = BATCH * one->dimension, row = one->momenta * one->dimension, points = BATCH / one->momenta;
  double weight[BATCH], single[BATCH], bound[BATCH];
  void *gradient;
  normal(x, numbers, 1);
  normal(noise, numbers, 2);
  for (int64_t i = 0; i < numbers; i++) x[i] = x[i - i % row + i % one->dimension];
  for (int64_t i = 0; i < points; i++) weight[i] = -1 / (double)points * (1 + 0.03125 * (double)i);
  assert_ok(layout_block(&model->layout, GRAPH_F32, &gradient));
  point_pass_momenta(pass, one->momenta);
  assert_ok(point_pass_weigh(pass, x, noise, single));
  assert_ok(point_pass_weigh_gradient(pass, x, noise, weight, bound, gradient));
  put_points("/x", one->dimension, x);
  if (point_model_moves(model)) put_points("/noise", one->dimension, noise);
  put_numbers("/weight", points, weight);
  put_numbers("/single", BATCH, single);
  put_numbers("/log_weight", points, bound);
  put_tensors("gradients", &model->layout, gradient);
  free(gradient);
}

static void put_draws(struct point_pass *pass, const struct point_case *one, bool moves) {
  static _Alignas(64) float state[4][BATCH * DIMENSION_MAX];
  normal(state[0], BATCH * one->dimension, 3);
  normal(state[1], BATCH * one->dimension, 4);
  assert_ok(point_pass_draw(pass, state[0], state[1], state[2], state[3]));
  static const char *const names[4] = {"/q", "/p", "/drawn_x", "/drawn_momentum"};
  for (int i = 0; i < (moves ? 4 : 3); i++) put_points(names[i], one->dimension, state[i]);
}

static void write_case(const struct point_case *one) {
  struct config *config;
  struct point_model *model;
  struct point_pass *pass;
  void *block;
  char yaml[512], path[64];
  snprintf(yaml, sizeof yaml, "data: {file: x.h5}\nmodel: {%s}\ntrain: {steps: 1}\n", one->words);
  assert_ok(config_parse("train.yaml", yaml, strlen(yaml), NULL, 0, &config));
  const struct model_settings *settings = &config_experiment(config)->training.model;
  assert_ok(point_model_create(settings, one->dimension, GRAPH_F32, &model));
  assert_ok(layout_block(&model->layout, GRAPH_F32, &block));
  float *parameters = block;
  point_model_initialize(model, 1, parameters);
  for (int64_t i = 0; i < layout_values(&model->layout); i++) parameters[i] *= one->spread;
  assert_ok(point_pass_create(model, BATCH, parameters, &pass));

  snprintf(path, sizeof path, "%s.h5", one->name);
  assert_ok(store_create(world, path, &file));
  put_settings(settings, one->momenta);
  put_tensors("parameters", &model->layout, parameters);
  put_weights(pass, one, model);
  put_draws(pass, one, point_model_moves(model));
  assert_ok(store_commit(&file));
  point_pass_destroy(&pass);
  point_model_destroy(&model);
  free(parameters);
  config_destroy(&config);
}

int main(int argc, char **argv) {
  struct comm comm;
  MPI_Init(&argc, &argv);
  assert_ok(comm_open(MPI_COMM_WORLD, &comm));
  world = &comm;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) write_case(&cases[i]);
  comm_close(&comm);
  MPI_Finalize();
  return 0;
}
