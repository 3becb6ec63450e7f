/* Evaluation of a small model: what it measures is what a plain loop over single rollouts finds, with the same bits at
 * any number of ranks. */
#include "ranks.h"
#include "scene.h"
#include "train/hgn_evaluate.h"

#include <math.h>

/* Three groups, the last not full; frame 1 is seen and a target, frames 2 to 4 are targets only. */
enum { TRAIN = 23, TEST = 19, FRAMES = 6, TARGETS = 4, IMAGE = 32 * 32 * 3, STATE_MAX = 64, PAIRED = 5 };

static char path[64];
static double attained[PAIRED] = {1e-3, 2e-3, 5e-4, 3e-3, 1e-3}; /* by the best predictor, of the first few */

/* What is known of the best, and nothing. */
static const struct yardstick known = {.floor = 4e-4,
                                       .mean_image = 5e-3,
                                       .limit = 6e-4,
                                       .limit_unseen = 8e-4,
                                       .attained = attained,
                                       .attained_count = PAIRED};
static const struct yardstick unknown = {.floor = NAN, .mean_image = NAN, .limit = NAN, .limit_unseen = NAN};

struct setup {
  struct scene scene;
  struct hgn_evaluate_task task;
};

static struct hgn_evaluate_task task_of(struct scene *scene, enum posterior_kind posterior, uint64_t seed, double dt) {
  return (struct hgn_evaluate_task){.model = scene->model,
                                    .parameters = scene->parameters,
                                    .source = &scene->source,
                                    .yardstick = &unknown,
                                    .protocol = scene->protocol,
                                    .posterior = posterior,
                                    .seed = seed,
                                    .dt = dt};
}

static void open_setup(const char *integrator, enum posterior_kind posterior, struct setup *setup) {
  char word[64];
  snprintf(word, sizeof word, "model.integrator.name=%s", integrator);
  const char *const words[] = {"protocol.input_frames=2", "protocol.frames=4", "model.latent.sampled=true", word};
  scene_open(&setup->scene, &self, path);
  scene_model(&setup->scene, words, 4, 6, GRAPH_F32);
  float *x = setup->scene.parameters; /* as drawn, networks pass on too little to tell dynamics apart */
  for (int64_t i = 0; i < setup->scene.model->layout.part[MODEL_PARTS]; i++) x[i] *= 2;
  setup->task = task_of(&setup->scene, posterior, 9, 0.125);
}

static void measure(const struct comm *comm, struct setup *setup, int64_t rollouts, struct evaluation *evaluation) {
  struct evaluation_set set;
  assert_ok(evaluation_set_first(comm, &setup->scene.source, SPLIT_TEST, rollouts, rollouts, &set));
  assert_ok(hgn_evaluate(comm, &setup->task, &set, evaluation));
  evaluation_set_free(&set);
}

/* ---- the plain loop ---- */

struct plain {
  double frame[TEST][TARGETS], power[TEST][TARGETS], energy[TEST][TARGETS], kl[TEST];
};

static void compare(struct setup *setup, struct pass *pass, const float *q, int64_t rollout, int64_t target,
                    struct plain *plain) {
  static float image[IMAGE], observed[IMAGE];
  double error = 0, power = 0;
  assert_ok(pass_draw(pass, q, image));
  assert_ok(source_frames(&setup->scene.source, SPLIT_TEST, rollout, 1 + target, 1, observed));
  for (int k = 0; k < IMAGE; k++) {
    error += ((double)image[k] - (double)observed[k]) * ((double)image[k] - (double)observed[k]);
    power += (double)observed[k] * (double)observed[k];
  }
  plain->frame[rollout][target] = error / IMAGE;
  plain->power[rollout][target] = power / IMAGE;
}

static void follow(struct setup *setup, struct pass *pass, int64_t rollout, struct plain *plain) {
  static float frames[2 * IMAGE];
  float noise[STATE_MAX] = {0}, q[2][STATE_MAX], p[2][STATE_MAX];
  const int latents = (int)model_latents(setup->scene.model);
  assert_true(latents > 0 && latents <= STATE_MAX && model_state_values(setup->scene.model) <= STATE_MAX);
  struct rng rng = rng_stream(9, RNG_LATENT_TEST, (uint64_t)rollout, SPLIT_TEST);
  if (setup->task.posterior == POSTERIOR_SAMPLE) rng_normal_f32(&rng, noise, latents);
  assert_ok(source_stack(&setup->scene.source, SPLIT_TEST, rollout, 0, 2, frames));
  assert_ok(pass_infer(pass, frames, noise, q[0], p[0], &plain->kl[rollout]));
  for (int t = 0; t < TARGETS; t++) {
    compare(setup, pass, q[t % 2], rollout, t, plain);
    assert_ok(pass_energy(pass, q[t % 2], p[t % 2], &plain->energy[rollout][t]));
    assert_ok(pass_step(pass, 0.125, q[t % 2], p[t % 2], q[1 - t % 2], p[1 - t % 2]));
  }
}

static void assert_near(double expected, double got) {
  if (!(fabs(got - expected) <= 1e-5 * fabs(expected))) fail_msg("expected %.9g, got %.9g", expected, got);
}

/* Mean and standard error of n numbers. */
static void assert_mean(const double *x, int n, double mean, double error) {
  double sum = 0, square = 0;
  for (int i = 0; i < n; i++) sum += x[i] / n;
  for (int i = 0; i < n; i++) square += (x[i] - sum) * (x[i] - sum);
  assert_near(sum, mean);
  if (!isnan(error) || n == 1) {
    assert_int_equal(n == 1, isnan(error));
    if (n > 1) assert_near(sqrt(square / (n - 1) / n), error);
  }
}

static void check_errors(const struct plain *plain, int n, const struct evaluation *got) {
  double all[TEST] = {0}, unseen[TEST] = {0}, frame[TEST];
  for (int t = 0; t < TARGETS; t++) {
    for (int r = 0; r < n; r++) {
      frame[r] = plain->frame[r][t];
      all[r] += frame[r] / TARGETS;
      if (t > 0) unseen[r] += frame[r] / (TARGETS - 1);
    }
    assert_mean(frame, n, got->by_frame[t], n == 1 ? NAN : got->score[HGN_MSE_ERROR] * NAN);
  }
  assert_mean(all, n, got->score[HGN_MSE], got->score[HGN_MSE_ERROR]);
  double excess[PAIRED];
  for (int r = 0; r < PAIRED; r++) excess[r] = unseen[r] - attained[r];
  assert_mean(excess, n < PAIRED ? n : PAIRED, got->score[HGN_EXCESS], got->score[HGN_EXCESS_ERROR]);
  assert_mean(unseen, n, got->score[HGN_UNSEEN], got->score[HGN_UNSEEN_ERROR]);
  assert_near(1 - got->score[HGN_MSE] / known.mean_image, got->score[HGN_R2]);
  assert_near(got->score[HGN_MSE] / known.floor, got->score[HGN_OVER_FLOOR]);
  assert_near(got->score[HGN_MSE] / known.limit, got->score[HGN_OVER_LIMIT]);
  assert_near(got->score[HGN_UNSEEN] / known.limit_unseen, got->score[HGN_UNSEEN_OVER_LIMIT]);
  assert_near(1 + got->score[HGN_EXCESS] / known.limit_unseen, got->score[HGN_PAIRED_OVER_LIMIT]);
  if (n > 1) assert_near(got->score[HGN_EXCESS_ERROR] / known.limit_unseen, got->score[HGN_PAIRED_OVER_LIMIT_ERROR]);
  assert_mean(plain->kl, n, got->score[HGN_KL], n == 1 ? NAN : got->score[HGN_MSE_ERROR] * NAN);
}

/* Standard deviation along each rollout and the drift of its ends, over the spread of means between rollouts. */
static void check_energy(const struct plain *plain, int n, const struct evaluation *got) {
  double mean[TEST] = {0}, along = 0, drift = 0, centre = 0, spread = 0;
  for (int r = 0; r < n; r++) {
    const double *h = plain->energy[r];
    double square = 0;
    for (int t = 0; t < TARGETS; t++) mean[r] += h[t] / TARGETS;
    for (int t = 0; t < TARGETS; t++) square += (h[t] - mean[r]) * (h[t] - mean[r]) / TARGETS;
    along += sqrt(square) / n;
    drift += fabs(h[TARGETS - 1] - h[0]) / n;
    centre += mean[r] / n;
  }
  for (int r = 0; r < n; r++) spread += (mean[r] - centre) * (mean[r] - centre) / n;
  /* H is an f32 with differences of its last digits. */
  assert_true(fabs(along / sqrt(spread) - got->score[HGN_ENERGY_VARIATION]) <= 0.02 * got->score[HGN_ENERGY_VARIATION]);
  assert_true(fabs(drift / sqrt(spread) - got->score[HGN_ENERGY_DRIFT]) <= 0.02 * got->score[HGN_ENERGY_DRIFT]);
}

static int by_size(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

/* The median of the unseen frames before the first whose error is above 0.025 of its mean square. */
static void check_valid_time(const struct plain *plain, int n, const struct evaluation *got) {
  int valid[TEST] = {0};
  for (int r = 0; r < n; r++)
    for (int t = 1; t < TARGETS && plain->frame[r][t] <= 0.025 * plain->power[r][t]; t++) valid[r]++;
  qsort(valid, (size_t)n, sizeof *valid, by_size);
  assert_true(got->score[HGN_VPT] == (valid[(n - 1) / 2] + valid[n / 2]) / 2.0);
}

/* Few rollouts, a whole group, and three groups, with the mean of z and with a sample. */
static void test_plain(void **state) {
  (void)state;
  static struct plain plain;
  const int counts[] = {1, 3, 8, TEST};
  for (int posterior = 0; posterior < POSTERIOR_COUNT; posterior++) {
    struct setup setup;
    struct pass *pass;
    open_setup("euler", (enum posterior_kind)posterior, &setup);
    setup.task.yardstick = &known;
    if (world.rank == 0) {
      assert_ok(pass_create(setup.scene.model, 1, 1, setup.scene.parameters, &pass));
      assert_ok(source_load(&setup.scene.source, SPLIT_TEST, 0, TEST));
      for (int r = 0; r < TEST; r++) follow(&setup, pass, r, &plain);
      pass_destroy(&pass);
    }
    for (int i = 0; i < 4; i++) {
      struct evaluation got;
      measure(&world, &setup, counts[i], &got);
      assert_true(got.rollouts == counts[i] && got.frames == TARGETS);
      if (world.rank == 0) {
        check_errors(&plain, counts[i], &got);
        check_valid_time(&plain, counts[i], &got);
        if (counts[i] > 1) check_energy(&plain, counts[i], &got);
      }
      evaluation_free(&got);
    }
    scene_close(&setup.scene);
  }
}

static void test_same_bits(void **state) {
  (void)state;
  struct setup setup;
  struct evaluation alone, spread;
  open_setup("euler", POSTERIOR_SAMPLE, &setup);
  measure(&self, &setup, TEST, &alone);
  measure(&world, &setup, TEST, &spread);
  assert_memory_equal(alone.by_frame, spread.by_frame, TARGETS * sizeof(double));
  assert_memory_equal(&alone, &spread, offsetof(struct evaluation, by_frame));
  evaluation_free(&alone);
  evaluation_free(&spread);
  scene_close(&setup.scene);
}

static double reversal(const char *integrator, double *pixels) {
  struct setup setup;
  struct evaluation got;
  open_setup(integrator, POSTERIOR_MEAN, &setup);
  measure(&world, &setup, 10, &got);
  const double difference = got.score[HGN_REVERSAL_STATE];
  *pixels = got.score[HGN_REVERSAL_PIXELS];
  evaluation_free(&got);
  scene_close(&setup.scene);
  return difference;
}

/* Leapfrog undoes its own steps, Euler does not. */
static void test_reversal(void **state) {
  (void)state;
  double pixels, euler_pixels;
  const double leapfrog = reversal("leapfrog", &pixels);
  const double euler = reversal("euler", &euler_pixels);
  assert_true(leapfrog < 1e-6 && pixels < 1e-12);
  if (!(euler > 1e3 * leapfrog && euler_pixels > 1e3 * pixels))
    fail_msg("euler: %g and %g; leapfrog: %g and %g", euler, euler_pixels, leapfrog, pixels);
}

/* The first rollouts of every lane's slice, by groups, whoever has the lane. */
static void test_train_set(void **state) {
  (void)state;
  const struct lanes lanes = lanes_cut(11, 2);
  int64_t first_lane, lane_count, total = 0;
  struct evaluation_set set;
  comm_share(lanes.count, world.size, world.rank, &first_lane, &lane_count);
  assert_ok(evaluation_set_lanes(&lanes, first_lane, lane_count, 230, 100, &set));
  int64_t group = 0;
  for (int64_t lane = first_lane; lane < first_lane + lane_count; lane++) {
    int64_t first, count;
    lanes_slice(&lanes, 230, lane, &first, &count);
    for (int64_t at = 0; at < 17; at += EVALUATION_GROUP, group++) { /* 100 of 6 lanes, rounded up */
      const struct evaluation_group *g = &set.group[group];
      assert_true(group < set.count && g->split == SPLIT_TRAIN && !g->reversed);
      assert_int_equal(first + at, g->first);
      assert_int_equal(at < 16 ? 8 : 1, g->count);
      total += g->count;
    }
  }
  assert_int_equal(group, set.count);
  assert_ok(reduce_sum(&world, &total, 1));
  assert_int_equal(6 * 17, total);
  evaluation_set_free(&set);
  assert_ok(evaluation_set_lanes(&lanes, first_lane, lane_count, TRAIN, 1000, &set)); /* all there are */
  for (int64_t i = total = 0; i < set.count; i++) total += set.group[i].count;
  assert_ok(reduce_sum(&world, &total, 1));
  assert_int_equal(TRAIN, total);
  evaluation_set_free(&set);
}

/* ---- predictions that are not finite ---- */

/* Index of the network's first tensor of that kind. */
static int find_tensor(const struct model *model, enum model_network network, const char *ending) {
  for (int t = 0; t < model->layout.tensors; t++) {
    const char *name = model->layout.tensor[t].name;
    if (model->layout.tensor[t].network == (int)network && strstr(name, ending)) return t;
  }
  fail_msg("no such tensor");
  return -1;
}

static void assert_lost(const struct evaluation *got) {
  assert_true(isnan(got->score[HGN_MSE]) && isnan(got->score[HGN_MSE_ERROR]) && isnan(got->score[HGN_UNSEEN]) &&
              isnan(got->score[HGN_UNSEEN_ERROR]));
  assert_true(isnan(got->score[HGN_EXCESS]) && isnan(got->score[HGN_EXCESS_ERROR]));
  assert_true(isnan(got->score[HGN_ENERGY_VARIATION]) && isnan(got->score[HGN_ENERGY_DRIFT]));
  assert_true(isnan(got->score[HGN_REVERSAL_STATE]) && isnan(got->score[HGN_REVERSAL_PIXELS]));
  assert_true(got->score[HGN_VPT] == 0);
  for (int t = 0; t < TARGETS; t++) assert_true(!isfinite(got->by_frame[t]));
}

static void expect_broken(const struct evaluation *got, const char *what, int64_t rollouts) {
  if (!got->broken || strcmp(got->broken, what) != 0 || got->broken_rollouts != rollouts)
    fail_msg("expected %s of %d rollouts, got %s of %d", what, (int)rollouts, got->broken ? got->broken : "nothing",
             (int)got->broken_rollouts);
}

/* A weight of each network in turn: no score is a good one, on any number of ranks. */
static void test_not_finite(void **state) {
  (void)state;
  static const struct {
    enum model_network network;
    const char *what;
  } cases[] = {{MODEL_NETWORK_ENCODER, "a latent state"},
               {MODEL_NETWORK_HAMILTONIAN, "a latent state"},
               {MODEL_NETWORK_DECODER, "a decoded frame"}};
  struct setup setup;
  struct evaluation got;
  open_setup("leapfrog", POSTERIOR_MEAN, &setup);
  setup.task.yardstick = &known;
  for (int i = 0; i < 3; i++) {
    const int tensor = find_tensor(setup.scene.model, cases[i].network, ".weight");
    float *x = (float *)setup.scene.parameters + setup.scene.model->layout.tensor[tensor].offset, held = *x;
    *x = NAN;
    assert_int_equal(tensor, layout_broken_tensor(&setup.scene.model->layout, setup.scene.parameters));
    measure(&world, &setup, TEST, &got);
    *x = held;
    if (i != 1) assert_lost(&got); /* the anchor's frame has not been stepped to */
    assert_true(isnan(got.score[HGN_MSE]) && isnan(got.score[HGN_MSE_ERROR]) && got.score[HGN_VPT] == 0 &&
                isnan(got.score[HGN_REVERSAL_STATE]));
    expect_broken(&got, cases[i].what, TEST);
    evaluation_free(&got);
  }
  measure(&world, &setup, TEST, &got);
  assert_true(!got.broken && got.broken_rollouts == 0 && isfinite(got.score[HGN_MSE]) &&
              isfinite(got.score[HGN_MSE_ERROR]));
  assert_int_equal(-1, layout_broken_tensor(&setup.scene.model->layout, setup.scene.parameters));
  evaluation_free(&got);
  scene_close(&setup.scene);
}

/* What is not finite lies behind a finite frame or beside it: what is honest stays. */
static void test_partly_finite(void **state) {
  (void)state;
  struct setup setup;
  struct evaluation got;
  open_setup("leapfrog", POSTERIOR_MEAN, &setup);
  setup.task.dt = INFINITY; /* the first step goes beyond all numbers */
  measure(&world, &setup, 3, &got);
  expect_broken(&got, "a latent state", 3);
  assert_true(isfinite(got.by_frame[0]) && isnan(got.by_frame[1]) && isnan(got.by_frame[TARGETS - 1]));
  assert_true(isnan(got.score[HGN_MSE]) && isnan(got.score[HGN_UNSEEN]) && isnan(got.score[HGN_ENERGY_DRIFT]) &&
              isfinite(got.score[HGN_KL]) && got.score[HGN_VPT] == 0);
  evaluation_free(&got);
  scene_close(&setup.scene);

  open_setup("leapfrog", POSTERIOR_MEAN, &setup); /* a constant of H moves nothing */
  int bias = find_tensor(setup.scene.model, MODEL_NETWORK_HAMILTONIAN, ".bias");
  for (int t = bias; t < setup.scene.model->layout.tensors; t++)
    if (setup.scene.model->layout.tensor[t].network == MODEL_NETWORK_HAMILTONIAN) bias = t;
  ((float *)setup.scene.parameters)[setup.scene.model->layout.tensor[bias].offset] = INFINITY;
  measure(&world, &setup, 3, &got);
  expect_broken(&got, "the learned H", 3);
  assert_true(isnan(got.score[HGN_ENERGY_VARIATION]) && isnan(got.score[HGN_ENERGY_DRIFT]));
  assert_true(isfinite(got.score[HGN_MSE]) && isfinite(got.score[HGN_MSE_ERROR]) &&
              isfinite(got.score[HGN_REVERSAL_STATE]));
  evaluation_free(&got);
  scene_close(&setup.scene);
}

/* A relu makes 0 of NaN in some kernels: frames that it decodes of a state that is not finite have no error. */
static void test_hidden(void **state) {
  (void)state;
  struct setup setup;
  struct evaluation got;
  static const char *const words[] = {"protocol.input_frames=2", "protocol.frames=4", "model.decoder.activation=relu"};
  scene_open(&setup.scene, &self, path);
  scene_model(&setup.scene, words, 3, 0, GRAPH_F32);
  setup.task = task_of(&setup.scene, POSTERIOR_MEAN, 0, INFINITY);
  measure(&world, &setup, 2, &got);
  expect_broken(&got, "a latent state", 2);
  assert_true(isnan(got.score[HGN_MSE]) && isnan(got.by_frame[TARGETS - 1]) && isnan(got.score[HGN_REVERSAL_PIXELS]) &&
              got.score[HGN_VPT] == 0);
  evaluation_free(&got);
  scene_close(&setup.scene);
}

/* What a processor makes of 0/0 has a sign or not; what is recorded has none. */
static void test_settled(void **state) {
  double frames[2] = {-(double)NAN, 3};
  struct evaluation evaluation = {.by_frame = frames, .frames = 2};
  const double constant = (double)NAN;
  (void)state;
  for (int i = 0; i < EVALUATION_SCORES_MAX; i++) evaluation.score[i] = i % 2 ? -(double)NAN : i;
  evaluation_settle(&evaluation);
  for (int i = 0; i < EVALUATION_SCORES_MAX; i++) {
    const double expected = i % 2 ? constant : i;
    assert_memory_equal(&evaluation.score[i], &expected, sizeof expected);
  }
  assert_memory_equal(&frames[0], &constant, sizeof constant);
  assert_true(frames[1] == 3);
  evaluation_settle(&(struct evaluation){.frames = 4});
}

int main(int argc, char **argv) {
  if (ranks_begin(argc, argv) != 0) return 1;
  snprintf(path, sizeof path, "evaluate_n%d.h5", world.size);
  scene_simulate(path, TRAIN, TEST, FRAMES);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_plain),     cmocka_unit_test(test_same_bits),  cmocka_unit_test(test_reversal),
      cmocka_unit_test(test_train_set), cmocka_unit_test(test_not_finite), cmocka_unit_test(test_partly_finite),
      cmocka_unit_test(test_hidden),    cmocka_unit_test(test_settled),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  delete_file(path);
  return ranks_end(failed);
}
