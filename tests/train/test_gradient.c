/* The gradient of the whole loss, encoder to decoder through all steps, against finite differences in f64.
 *
 * Relus are made smooth here: a finite difference across a kink is not a derivative. (Those of relu itself are tested
 * in tests/graph, and these networks with their relus against PyTorch.) */
#include "scene.h"

#include <math.h>

enum { ROLLOUTS = 2 };

struct setup {
  struct scene scene;
  struct pass *pass;
  struct hgn_shared *shared;
  struct hgn_lane lane;
  struct hgn_task task;
  int64_t rollouts[ROLLOUTS];
};

static void open_setup(struct setup *setup, const char *const *words, int count, int frames_per_rollout,
                       int64_t kept_bytes) {
  struct scene *scene = &setup->scene;
  *setup = (struct setup){.rollouts = {2, 0}};
  scene_data(scene, 3, 34);
  scene_model(scene, words, count, 6, GRAPH_F64);
  setup->task = (struct hgn_task){.protocol = scene->protocol,
                                  .seed = 5,
                                  .step = 3,
                                  .frames_per_rollout = frames_per_rollout,
                                  .dt = scene->experiment.training.model.integrator.dt,
                                  .error_weight = 3,
                                  .kl_weight = 20,
                                  .batch = 2 * ROLLOUTS};
  assert_ok(pass_create(scene->model, ROLLOUTS, 7, scene->parameters, &setup->pass));
  assert_ok(hgn_lane_share(scene->model, setup->pass, &scene->source, ROLLOUTS, 7, scene->protocol.target_count,
                           kept_bytes, &setup->shared));
  assert_ok(hgn_lane_create(setup->shared, 2, scene->protocol.target_count, &setup->lane));
  setup->lane.rollouts = setup->rollouts;
  /* As drawn, networks pass on too little for a finite difference to see. */
  for (int64_t i = 0; i < scene->model->layout.part[MODEL_PARTS]; i++) ((double *)scene->parameters)[i] *= 2;
}

static void close_setup(struct setup *setup) {
  hgn_lane_close(&setup->lane);
  hgn_lane_unshare(&setup->shared);
  pass_destroy(&setup->pass);
  scene_close(&setup->scene);
}

static double loss_of(struct setup *setup, double *gradient) {
  struct hgn_loss loss;
  const size_t bytes = (size_t)setup->scene.model->layout.part[MODEL_PARTS] * sizeof(double);
  memset(gradient, 0, bytes);
  pass_parameters_changed(setup->pass);
  assert_ok(hgn_lane_encode(&setup->lane, &setup->task));
  assert_ok(hgn_lane_unroll(&setup->lane, &setup->task));
  assert_ok(hgn_lane_draw(&setup->lane, &setup->task, &loss, gradient, NULL, NULL));
  assert_ok(hgn_lane_unroll_back(&setup->lane, &setup->task, gradient, NULL, NULL));
  assert_ok(hgn_lane_encode_back(&setup->lane, &setup->task, gradient));
  return setup->task.error_weight * loss.error + setup->task.kl_weight * loss.charged;
}

/* Along a random direction within one network, so that no network hides behind another. */
static double check_network(struct setup *setup, enum model_network network, const double *gradient, double *unused) {
  const struct model *model = setup->scene.model;
  double *x = setup->scene.parameters, slope = 0, scale = 0;
  const size_t bytes = (size_t)model->layout.part[MODEL_PARTS] * sizeof(double);
  double *direction = calloc((size_t)model->layout.part[MODEL_PARTS], sizeof *direction), *start = malloc(bytes);
  memcpy(start, x, bytes);
  struct rng rng = rng_stream(7, RNG_TEST, (uint64_t)network, 0);
  for (int t = 0; t < model->layout.tensors; t++) {
    if (model->layout.tensor[t].network != (int)network) continue;
    for (int64_t i = model->layout.tensor[t].offset; i < model->layout.tensor[t].offset + model->layout.tensor[t].count;
         i++) {
      rng_normal(&rng, &direction[i], 1);
      slope += direction[i] * gradient[i];
      scale += gradient[i] * gradient[i];
    }
  }
  double best = INFINITY;
  for (int power = -3; power >= -6 && best > 1e-8; power--) {
    static const double reach[4] = {1, -1, 2, -2}, share[4] = {2. / 3, -2. / 3, -1. / 12, 1. / 12};
    double numeric = 0;
    for (int side = 0; side < 4; side++) {
      const double h = reach[side] * pow(10, power);
      for (int64_t i = 0; i < model->layout.part[MODEL_PARTS]; i++) x[i] = start[i] + h * direction[i];
      numeric += share[side] * loss_of(setup, unused) / pow(10, power);
    }
    memcpy(x, start, bytes);
    best = fmin(best, fabs(numeric - slope) / fmax(fabs(slope), 0.1 * sqrt(scale)));
  }
  free(start);
  free(direction);
  return best;
}

static void check_setup(struct setup *setup, const char *const *words, int count) {
  const size_t values = (size_t)setup->scene.model->layout.part[MODEL_PARTS];
  double *gradient = calloc(values, sizeof *gradient), *unused = calloc(values, sizeof *unused);
  loss_of(setup, gradient);
  for (int network = 0; network < MODEL_NETWORKS; network++) {
    if (layout_network_parameters(&setup->scene.model->layout, network) == 0) continue;
    const double error = check_network(setup, (enum model_network)network, gradient, unused);
    if (!(error < 1e-6)) {
      for (int i = 0; i < count; i++) print_message("%s ", words[i]);
      fail_msg("%s: relative error %g", model_network_name((enum model_network)network), error);
    }
  }
  free(gradient);
  free(unused);
}

static void check(const char *const *words, int count, int frames_per_rollout) {
  struct setup setup;
  open_setup(&setup, words, count, frames_per_rollout, 0);
  check_setup(&setup, words, count);
  close_setup(&setup);
}

static void presets(void **state) {
  (void)state;
  static const char *const names[] = {"model.preset=paper", "model.preset=report2021", "model.preset=hgnpp",
                                      "model.preset=quick"};
  for (int i = 0; i < 4; i++) {
    check(&names[i], 1, 0);
  }
}

static void protocols(void **state) {
  (void)state;
  check((const char *const[]){"protocol.name=autoencode", "protocol.frames=9"}, 2, 0);
  check((const char *const[]){"protocol.name=forward_backward", "protocol.frames=12", "model.latent.sampled=true"}, 3,
        0);
  check((const char *const[]){"protocol.frames=12"}, 1, 5); /* a random subset of frames */
}

static void integrators(void **state) {
  (void)state;
  static const char *const names[] = {
      "euler", "yoshida4", "rk4", "implicit_midpoint", "leapfrog_unit_mass", "yoshida4_unit_mass", "rk4_report2021"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char word[64];
    snprintf(word, sizeof word, "model.integrator.name=%s", names[i]);
    const char *const words[] = {word, "protocol.frames=5", "model.hamiltonian.separable=false",
                                 "model.integrator.substeps=2", "model.integrator.iterations=3"};
    check(words, 5, 0);
  }
}

/* One rollout has less KL than is free, and pulls at nothing by it; the other is charged for all of its own. */
static void free_bits(void **state) {
  (void)state;
  static const char *const words[] = {"protocol.frames=5", "model.latent.sampled=true"};
  struct setup setup;
  open_setup(&setup, words, 2, 0, 0);
  assert_ok(hgn_lane_encode(&setup.lane, &setup.task));
  const double *kl = setup.lane.kl, least = fmin(kl[0], kl[1]), most = fmax(kl[0], kl[1]);
  assert_true(most > 1.0001 * least);
  setup.task.free_kl = (least + most) / 2;
  setup.task.kl_weight = 2e4; /* so that it is most of the loss */
  check_setup(&setup, words, 2);
  close_setup(&setup);
}

/* States kept, or unrolled again from a square root of them: the same bits. */
static void kept_states(void **state) {
  (void)state;
  static const char *const words[2][3] = {{"protocol.frames=12"},
                                          {"protocol.name=forward_backward", "protocol.frames=12"}};
  for (int i = 0; i < 2; i++) {
    struct setup few, all;
    open_setup(&few, words[i], i + 1, 0, 0);
    open_setup(&all, words[i], i + 1, 0, HGN_KEPT_BYTES);
    assert_true(few.shared->span > 1 && all.shared->span == 1);
    const size_t bytes = (size_t)few.scene.model->layout.part[MODEL_PARTS] * sizeof(double);
    double *gradient[2] = {malloc(bytes), malloc(bytes)};
    const double loss[2] = {loss_of(&few, gradient[0]), loss_of(&all, gradient[1])};
    assert_memory_equal(&loss[0], &loss[1], sizeof *loss);
    assert_memory_equal(gradient[0], gradient[1], bytes);
    free(gradient[0]);
    free(gradient[1]);
    close_setup(&few);
    close_setup(&all);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(presets), cmocka_unit_test(protocols),
                                     cmocka_unit_test(integrators), cmocka_unit_test(free_bits),
                                     cmocka_unit_test(kept_states)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
