/* Codes and priors on any number of ranks: the same codes, whitened; densities against closed forms, where the flow is
 * the identity (its parameters are zero) and so the prior is a Gaussian; draws; distances. */
#include "base/log.h"
#include "base/matrix.h"
#include "physics/points.h"
#include "ranks.h"
#include "scene.h"
#include "train/codes.h"
#include "train/density.h"
#include "train/hgn_evaluate.h"
#include "train/prior.h"
#include "train/probe.h"

#include <math.h>

enum { TRAIN = 210, TEST = 90 };

static const double LOG_TWO_PI = 1.8378770664093453;

/* A model, its data as a corpus, and what holds them. */
struct stage {
  char data[64], codes[64];
  struct scene scene;
  struct corpus corpus;
  struct trained trained;
};

/* Codes that are far from N(0, 1): all means are moved by a half. */
static void move_means(struct learner *learner) {
  const struct layout_tensor *last = NULL;
  for (int i = 0; i < learner->layout->tensors; i++) {
    const struct layout_tensor *tensor = &learner->layout->tensor[i];
    if (strncmp(tensor->name, "encoder.", 8) == 0 && strstr(tensor->name, ".bias")) last = tensor;
  }
  assert_non_null(last);
  for (int64_t i = 0; i < last->count / 2; i++) learner->parameters[last->offset + i] += 0.5F;
}

static void open_stage(const struct comm *comm, struct stage *stage) {
  snprintf(stage->data, sizeof stage->data, "prior_n%d.h5", world.size);
  snprintf(stage->codes, sizeof stage->codes, "prior_n%d.codes.h5", world.size);
  assert_ok(corpus_open(comm, stage->data, &stage->corpus));
  scene_open(&stage->scene, comm, stage->data);
  scene_tiny(&stage->scene);
  scene_learner(&stage->scene);
  move_means(&stage->scene.learner);
  stage->trained = (struct trained){
      .training = &stage->scene.experiment.training, .learner = stage->scene.learner, .step = 3, .path = "model.h5"};
}

static void close_stage(struct stage *stage) {
  corpus_close(&stage->corpus);
  scene_close(&stage->scene);
}

static void make(const struct comm *comm, struct stage *stage, int64_t draws, char points[CHECKSUM_TEXT],
                 struct codes_about *about) {
  const struct codes_settings settings = {.draws = draws, .leading = 4};
  struct dataset data;
  assert_ok(codes_make(comm, &stage->trained, &stage->corpus, &settings, stage->codes));
  assert_ok(codes_describe(comm, stage->codes, about));
  assert_ok(dataset_open(comm, stage->codes, &data));
  assert_int_equal(TRAIN * draws, data.rollouts[SPLIT_TRAIN]);
  assert_int_equal(TEST, data.rollouts[SPLIT_TEST]);
  assert_int_equal(4, data.coordinates);
  assert_ok(points_checksum(comm, &data, points));
  dataset_close(&data);
}

/* All ranks together, and each alone, come to the same. */
static void test_ranks(void **state) {
  (void)state;
  struct stage all, alone;
  struct codes_about about, again;
  char points[CHECKSUM_TEXT], other[CHECKSUM_TEXT];
  open_stage(&world, &all);
  make(&world, &all, 2, points, &about);
  if (world.rank == 0) {
    open_stage(&self, &alone);
    snprintf(alone.codes, sizeof alone.codes, "prior_n%d_alone.codes.h5", world.size);
    make(&self, &alone, 2, other, &again);
    const int64_t size = about.whitening.size;
    assert_string_equal(points, other);
    assert_string_equal(about.model, again.model);
    assert_memory_equal(about.whitening.mean, again.whitening.mean, (size_t)size * sizeof(double));
    assert_memory_equal(about.whitening.axis, again.whitening.axis, (size_t)(size * size) * sizeof(double));
    assert_true(about.whitening.log_volume == again.whitening.log_volume);
    codes_about_free(&again);
    unlink(alone.codes);
    close_stage(&alone);
  }
  codes_about_free(&about);
  delete_file(all.codes);
  close_stage(&all);
}

/* The training points have mean 0 and are not correlated. */
static void test_white(void **state) {
  (void)state;
  struct stage stage;
  struct codes_about about;
  struct dataset data;
  char points[CHECKSUM_TEXT];
  static double x[TRAIN * 4];
  open_stage(&world, &stage);
  make(&world, &stage, 1, points, &about);
  assert_ok(dataset_open(&world, stage.codes, &data));
  assert_ok(dataset_read_points(&data, SPLIT_TRAIN, 0, TRAIN, x, NULL));
  for (int a = 0; a < 4; a++)
    for (int b = 0; b <= a; b++) {
      double mean = 0, product = 0;
      for (int i = 0; i < TRAIN; i++) {
        mean += x[i * 4 + a] / TRAIN;
        product += x[i * 4 + a] * x[i * 4 + b] / TRAIN;
      }
      assert_true(fabs(mean) < 1e-12 && fabs(product - (a == b)) < 1e-10);
    }
  dataset_close(&data);
  codes_about_free(&about);
  delete_file(stage.codes);
  close_stage(&stage);
}

/* A prior whose flow is the identity. */
static void open_gaussian(struct stage *stage, const char *model, struct config **config, struct prior *prior) {
  char text[300];
  struct dataset data;
  snprintf(text, sizeof text, "data: {file: x.h5}\nmodel: {%s}\ntrain: {steps: 1}\neval: {samples: 64}\n", model);
  assert_ok(config_parse("t.yaml", text, strlen(text), NULL, 0, config));
  *prior = (struct prior){.block = -1};
  assert_ok(codes_describe(&world, stage->codes, &prior->about));
  assert_ok(dataset_open(&world, stage->codes, &data));
  assert_ok(learner_open(NULL, config_experiment(*config), &data, &prior->density.learner));
  prior->density.training = &config_experiment(*config)->training;
  dataset_close(&data);
  assert_ok(prior_prepare(prior));
}

static void close_gaussian(struct config **config, struct prior *prior) {
  prior_close(prior);
  config_destroy(config);
}

/* log N(z; mean, cov) of the Gaussian that the prior is, whose covariance is written out. */
static double log_gaussian(const struct whitening *whitening, const double *z) {
  const int64_t size = whitening->size;
  double *covariance = calloc((size_t)(size * size), sizeof *covariance),
         *factor = calloc((size_t)matrix_triangle(size), sizeof *factor), *y = calloc((size_t)size, sizeof *y), sum = 0;
  for (int64_t k = 0; k < size; k++)
    for (int64_t i = 0; i < size; i++)
      for (int64_t j = 0; j < size; j++)
        covariance[i * size + j] += whitening->variance[k] * whitening->scale[i] * whitening->axis[k * size + i] *
                                    whitening->scale[j] * whitening->axis[k * size + j];
  for (int64_t i = 0; i < size; i++) assert_true(matrix_factor_row(factor, i, covariance + i * size, 0));
  for (int64_t i = 0; i < size; i++) y[i] = z[i] - whitening->mean[i];
  matrix_forward(factor, size, y);
  for (int64_t i = 0; i < size; i++) sum -= 0.5 * (y[i] * y[i] + LOG_TWO_PI) + log(factor[matrix_triangle(i) + i]);
  free(covariance), free(factor), free(y);
  return sum;
}

static void check_densities(struct stage *stage, const char *model) {
  struct config *config;
  struct prior prior;
  struct codes codes;
  open_gaussian(stage, model, &config, &prior);
  assert_ok(codes_gather(&world, &stage->trained, &stage->corpus.source, SPLIT_TEST, TEST, 2, &codes, NULL));
  double *log_prior = calloc((size_t)(codes.count * 2 + 1), sizeof *log_prior);
  assert_ok(prior_weigh(&world, &prior, &codes, 2 * TEST, log_prior));
  for (int64_t i = 0; i < 2 * codes.count; i += 7) {
    const double exact = log_gaussian(&prior.about.whitening, codes.z + i * codes.size);
    if (!(fabs(log_prior[i] - exact) < 1e-5 * (1 + fabs(exact))))
      fail_msg("%s: log p %.9g, in closed form %.9g", model, log_prior[i], exact);
  }
  free(log_prior);
  codes_free(&codes);
  close_gaussian(&config, &prior);
}

static void check_distance(struct stage *stage) {
  struct config *config;
  struct prior prior;
  struct prior_distance distance;
  struct evaluation evaluation;
  const struct yardstick yardstick = {.floor = NAN};
  open_gaussian(stage, "name: rnvp", &config, &prior);
  assert_ok(prior_measure(&world, &prior, &stage->trained, &stage->corpus, 0, &distance));
  assert_alike(&distance.learned, sizeof distance.learned);
  assert_ok(learner_evaluate_first(&stage->trained.learner, &world, &stage->corpus.source, SPLIT_TEST, TEST, &yardstick,
                                   &evaluation));
  assert_true(distance.rollouts == TEST && distance.sampled);
  assert_true(fabs(distance.normal - evaluation.score[HGN_KL]) < 1e-5 * distance.normal);
  assert_true(fabs(distance.normal - distance.learned - distance.gain) < 1e-9 * distance.normal);
  /* A Gaussian of the codes' own covariance is closer to them than N(0, 1), by more than chance. */
  assert_true(distance.gain > 4 * distance.gain_error && distance.gain_error > 0);
  evaluation_free(&evaluation);
  close_gaussian(&config, &prior);
}

static void test_densities(void **state) {
  (void)state;
  struct stage stage;
  struct codes_about about;
  char points[CHECKSUM_TEXT];
  open_stage(&world, &stage);
  make(&world, &stage, 1, points, &about);
  codes_about_free(&about);
  check_densities(&stage, "name: rnvp");
  check_densities(&stage, "name: nhf, flow: {width: [8], encoder_width: [8]}");
  check_distance(&stage);
  delete_file(stage.codes);
  close_stage(&stage);
}

/* Draws of a Gaussian: in any order, its mean at temperature 0, and a tenth of the way from it at 0.1. */
static void test_draws(void **state) {
  (void)state;
  enum { SAMPLES = 600 };
  struct stage stage;
  struct codes_about about;
  struct config *config;
  struct prior prior;
  char points[CHECKSUM_TEXT];
  open_stage(&world, &stage);
  make(&world, &stage, 1, points, &about);
  open_gaussian(&stage, "name: nhf, flow: {width: [8], encoder_width: [8]}", &config, &prior);
  const int64_t size = about.whitening.size;
  float *z = calloc((size_t)(SAMPLES * size), sizeof *z), *again = calloc((size_t)size, sizeof *again);
  double *u = calloc((size_t)size, sizeof *u), *each = calloc((size_t)size, sizeof *each), squares[2] = {0};
  for (int64_t i = 0; i < SAMPLES; i++) {
    assert_ok(prior_draw(&prior, 7, i, 1, z + i * size));
    for (int64_t k = 0; k < size; k++) each[k] = (double)z[i * size + k];
    whitening_apply(&about.whitening, each, size, u);
    for (int64_t k = 0; k < size; k++) squares[k >= 4] += u[k] * u[k] / (double)(k >= 4 ? size - 4 : 4) / SAMPLES;
  }
  assert_true(fabs(squares[0] - 1) < 4 * sqrt(2.0 / (4 * SAMPLES)));
  assert_true(fabs(squares[1] - 1) < 4 * sqrt(2.0 / (double)((size - 4) * SAMPLES)));
  assert_alike(z, (size_t)(SAMPLES * size) * sizeof *z);
  for (int64_t i = SAMPLES - 1; i >= 0; i -= 149) {
    assert_ok(prior_draw(&prior, 7, i, 1, again));
    assert_memory_equal(again, z + i * size, (size_t)size * sizeof *z);
    assert_ok(prior_draw(&prior, 7, i, 0, again));
    for (int64_t k = 0; k < size; k++) assert_true(again[k] == (float)about.whitening.mean[k]);
    assert_ok(prior_draw(&prior, 7, i, 0.1, again));
    for (int64_t k = 0; k < size; k++) {
      const double mean = about.whitening.mean[k], off = (double)z[i * size + k] - mean;
      assert_true(fabs((double)again[k] - mean - 0.1 * off) < 1e-5 * (1 + fabs(off)));
    }
  }
  assert_ok(prior_draw(&prior, 8, 0, 1, again));
  assert_memory_not_equal(again, z, (size_t)size * sizeof *z);
  free(z), free(again), free(u), free(each);
  codes_about_free(&about);
  close_gaussian(&config, &prior);
  delete_file(stage.codes);
  close_stage(&stage);
}

static void test_names(void **state) {
  (void)state;
  static const char *const cases[][2] = {{"a/run.h5", "a/run.prior.h5"},
                                         {"run.best.h5", "run.prior.h5"},
                                         {"a.checkpoint-1/run.checkpoint-00000300.h5", "a.checkpoint-1/run.prior.h5"},
                                         {"run", "run.prior.h5"}};
  char path[STORE_PATH_MAX];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_ok(prior_name(cases[i][0], "prior", path));
    assert_string_equal(cases[i][1], path);
  }
}

int main(int argc, char **argv) {
  char data[64];
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_ranks),
                                     cmocka_unit_test(test_white), cmocka_unit_test(test_densities),
                                     cmocka_unit_test(test_draws)};
  if (ranks_begin(argc, argv) != 0) return 1;
  log_setup(LOG_QUIET, world.rank, world.rank == 0);
  snprintf(data, sizeof data, "prior_n%d.h5", world.size);
  scene_simulate(data, TRAIN, TEST, 6);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  delete_file(data);
  return ranks_end(failed);
}
