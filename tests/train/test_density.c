/* What is said of a density: likelihoods against closed forms, models that miss a mode or are too narrow, on any number
 * of ranks. A flow whose parameters are zero is the identity: a standard normal. */
#include "base/log.h"
#include "physics/points.h"
#include "ranks.h"
#include "train/corpus.h"
#include "train/density.h"
#include "train/density_evaluate.h"

#include <math.h>

enum { POINTS = 1000 };

static const double LOG_TWO_PI = 1.8378770664093453;

/* A data set of that density, and a model of it. */
struct judged {
  char path[64];
  struct config *config;
  struct corpus corpus;
  struct learner learner;
};

static void make_data(const char *density, const char *path) {
  char text[200];
  struct config *config;
  struct points_summary summary;
  snprintf(text, sizeof text, "density: {%s}\ndata: {train: 100, test: %d, validation: 20}\n", density, (int)POINTS);
  assert_ok(config_parse("points.yaml", text, strlen(text), NULL, 0, &config));
  assert_ok(points_dataset(&world, config, path, &summary));
  config_destroy(&config);
}

static void open_judged(const struct comm *comm, const char *model, const char *path, struct judged *judged) {
  char text[300];
  snprintf(text, sizeof text, "data: {file: x.h5}\nmodel: {%s}\ntrain: {steps: 1}\neval: {grid: 48, samples: 256}\n",
           model);
  assert_ok(config_parse("t.yaml", text, strlen(text), NULL, 0, &judged->config));
  assert_ok(corpus_open(comm, path, &judged->corpus));
  assert_ok(learner_open(NULL, config_experiment(judged->config), &judged->corpus.data, &judged->learner));
}

static void close_judged(struct judged *judged) {
  learner_close(&judged->learner);
  corpus_close(&judged->corpus);
  config_destroy(&judged->config);
}

static void evaluate(const struct comm *comm, struct judged *judged, int64_t points, struct evaluation *out) {
  const struct yardstick yardstick = {.floor = NAN};
  assert_ok(
      learner_evaluate_first(&judged->learner, comm, &judged->corpus.source, SPLIT_TEST, points, &yardstick, out));
}

/* Scores of a standard normal on data of that density. */
static void score_normal(const char *density, const char *model, double score[EVALUATION_SCORES_MAX]) {
  struct judged judged;
  struct evaluation evaluation;
  char path[64];
  snprintf(path, sizeof path, "judged_n%d.h5", world.size);
  make_data(density, path);
  open_judged(&world, model, path, &judged);
  evaluate(&world, &judged, POINTS, &evaluation);
  assert_null(evaluation.broken);
  assert_int_equal(POINTS, evaluation.rollouts);
  memcpy(score, evaluation.score, sizeof evaluation.score);
  assert_alike(score, sizeof evaluation.score);
  close_judged(&judged);
  delete_file(path);
}

#define SMALL_NHF "name: nhf, flow: {width: [8], encoder_width: [8]}"
#define SMALL_RNVP "name: rnvp, coupling: {width: [8]}"

/* The same density: all that measures a difference says that there is none. */
static void test_same(void **state) {
  (void)state;
  static const char *const models[] = {SMALL_NHF, SMALL_RNVP};
  for (int model = 0; model < 2; model++) {
    double score[EVALUATION_SCORES_MAX];
    score_normal("name: gaussian, dimension: 2, width: 1", models[model], score);
    assert_true(fabs(score[DENSITY_SCORE_KL]) < 1e-6);
    assert_true(score[DENSITY_SCORE_KL_ERROR] < 1e-6);
    assert_true(fabs(score[DENSITY_SCORE_NLL] - (1 + LOG_TWO_PI)) < 4 * score[DENSITY_SCORE_NLL_ERROR]);
    assert_true(fabs(score[DENSITY_SCORE_BOUND] - score[DENSITY_SCORE_NLL]) < 1e-6);
    assert_true(score[DENSITY_SCORE_SAMPLES] == (model == 0 ? 64 : 1)); /* one doubling shows that nothing moves */
    assert_true(fabs(score[DENSITY_SCORE_KL_GRID]) < 1e-5 && fabs(score[DENSITY_SCORE_MASS] - 1) < 1e-4);
    assert_true(fabs(score[DENSITY_SCORE_KL_REVERSE]) < 1e-5);
    assert_true(score[DENSITY_SCORE_MODES] == 1 && score[DENSITY_SCORE_OUTSIDE] < 0.005);
    assert_true(fabs(score[DENSITY_SCORE_ENERGY_DISTANCE]) < 0.02 && fabs(score[DENSITY_SCORE_ENERGY_FLOOR]) < 0.02);
    assert_true(score[DENSITY_SCORE_MEAN_SHIFT] < 0.15);
    assert_true(score[DENSITY_SCORE_SPREAD_LEAST] > 0.9 && score[DENSITY_SCORE_SPREAD_MOST] < 1.1);
    assert_true(score[DENSITY_SCORE_REVERSAL] == 0);
  }
}

/* Narrower by 1.5: KL of N(0, s^2) from N(0, 1) in D dimensions is D ((s^2 - 1) / 2 - log s). */
static void test_narrow(void **state) {
  (void)state;
  double score[EVALUATION_SCORES_MAX];
  score_normal("name: gaussian, dimension: 3, width: 1.5", SMALL_NHF, score);
  const double exact = 3 * ((1.5 * 1.5 - 1) / 2 - log(1.5)), reverse = 3 * ((1 / 2.25 - 1) / 2 + log(1.5));
  assert_true(fabs(score[DENSITY_SCORE_KL] - exact) < 4 * score[DENSITY_SCORE_KL_ERROR]);
  assert_true(fabs(score[DENSITY_SCORE_KL_REVERSE] - reverse) < 4 * score[DENSITY_SCORE_KL_REVERSE_ERROR]);
  assert_true(isnan(score[DENSITY_SCORE_KL_GRID])); /* of two dimensions only */
  assert_true(score[DENSITY_SCORE_SPREAD_MOST] < 0.8);
  assert_true(score[DENSITY_SCORE_ENERGY_DISTANCE] > 10 * fabs(score[DENSITY_SCORE_ENERGY_FLOOR]));
}

/* A normal in the middle of nine Gaussians reaches one of them. */
static void test_missed(void **state) {
  (void)state;
  double score[EVALUATION_SCORES_MAX];
  score_normal("name: ring, spacing: 3, width: .35", SMALL_RNVP, score);
  assert_true(score[DENSITY_SCORE_MODES] < 5 && score[DENSITY_SCORE_OUTSIDE] > 0.02);
  assert_true(score[DENSITY_SCORE_KL] > 1 && score[DENSITY_SCORE_KL_GRID] > 1);
  assert_true(fabs(score[DENSITY_SCORE_KL] - score[DENSITY_SCORE_KL_GRID]) < 5 * score[DENSITY_SCORE_KL_ERROR]);
  assert_true(score[DENSITY_SCORE_SPREAD_MOST] < 0.6);
  score_normal("name: checkerboard", SMALL_RNVP, score);
  assert_true(isnan(score[DENSITY_SCORE_KL_REVERSE])); /* infinite: half of the draws are where there is nothing */
  assert_true(fabs(score[DENSITY_SCORE_OUTSIDE] - 0.5) < 0.1);
}

/* A model that has learned nothing yet says the same on any number of ranks, whoever computes. */
static void test_ranks(void **state) {
  (void)state;
  static const char *const models[] = {SMALL_NHF, SMALL_RNVP};
  char path[64];
  snprintf(path, sizeof path, "judged_n%d.h5", world.size);
  make_data("name: moons, width: .1", path);
  for (int model = 0; model < 2; model++) {
    struct judged ours, alone;
    struct evaluation here, there;
    open_judged(&world, models[model], path, &ours);
    open_judged(&self, models[model], path, &alone);
    ours.learner.kind->initialize(&ours.learner);
    alone.learner.kind->initialize(&alone.learner);
    evaluate(&world, &ours, 61, &here);
    evaluate(&self, &alone, 61, &there);
    assert_memory_equal(here.score, there.score, DENSITY_SCORES * sizeof(double));
    assert_int_equal(61, here.rollouts);
    ours.learner.parameters[0] = NAN;
    ours.learner.kind->changed(&ours.learner);
    evaluate(&world, &ours, 61, &here);
    assert_string_equal("the likelihood", here.broken);
    assert_int_equal(61, here.broken_rollouts);
    close_judged(&ours);
    close_judged(&alone);
  }
  delete_file(path);
}

int main(int argc, char **argv) {
  if (ranks_begin(argc, argv) != 0) return 1;
  log_setup(LOG_QUIET, world.rank, world.rank == 0);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_same), cmocka_unit_test(test_narrow),
                                     cmocka_unit_test(test_missed), cmocka_unit_test(test_ranks)};
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
