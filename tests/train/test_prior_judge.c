/* Judging what a prior draws: the same bits on any number of ranks, energy distances of few points, Wilson's
 * interval. */
#include "ranks.h"
#include "scene.h"
#include "train/energy_distance.h"
#include "train/prior_judge.h"

#include <math.h>

static void judge_on(const struct comm *comm, struct scene *scene, struct prior_judgement *judgement) {
  const struct trained trained = {
      .training = &scene->experiment.training, .learner = scene->learner, .path = "the model"};
  struct probe probe;
  assert_ok(probe_open(&trained, &probe));
  const struct prior_judge_task task = {.probe = &probe,
                                        .source = &scene->source,
                                        .split = SPLIT_TEST,
                                        .samples = 11,
                                        .frames = prior_judge_frames(&scene->learner.protocol),
                                        .seed = 3};
  assert_ok(prior_judge(comm, &task, judgement));
  probe_close(&probe);
}

static void test_same_bits(void **state) {
  (void)state;
  struct scene scene;
  struct prior_judgement shared, own;
  scene_simulate("judge.h5", 4, 5, 6);
  scene_open(&scene, &world, "judge.h5");
  scene_tiny(&scene);
  scene_learner(&scene);
  judge_on(&world, &scene, &shared);
  judge_on(&self, &scene, &own);
  assert_int_equal(own.rollouts, 5);
  assert_memory_equal(own.sample, shared.sample, 11 * sizeof *own.sample);
  assert_memory_equal(own.rollout, shared.rollout, 5 * sizeof *own.rollout);
  assert_memory_equal(&own.error, &shared.error,
                      offsetof(struct prior_judgement, sample) - offsetof(struct prior_judgement, error));
  assert_memory_equal(own.shown, shared.shown, sizeof own.shown);
  assert_true(own.error > 0 && isfinite(own.coverage) && own.coverage_floor > 0);
  prior_judgement_free(&shared);
  prior_judgement_free(&own);
  scene_close(&scene);
  delete_file("judge.h5");
}

/* A model whose numbers are not finite draws nothing that is valid, and nothing fails. */
static void test_not_finite(void **state) {
  (void)state;
  struct scene scene;
  struct prior_judgement judgement;
  scene_simulate("judge.h5", 4, 5, 6);
  scene_open(&scene, &world, "judge.h5");
  scene_tiny(&scene);
  scene_learner(&scene);
  for (int64_t i = 0; i < layout_values(scene.learner.layout); i++) scene.learner.parameters[i] = NAN;
  judge_on(&world, &scene, &judgement);
  assert_true(judgement.valid == 0 && judgement.rollouts_valid == 0 && isnan(judgement.error));
  assert_true(isnan(judgement.coverage) && judgement.compared == 0);
  prior_judgement_free(&judgement);
  scene_close(&scene);
  delete_file("judge.h5");
}

/* 2 E|x - y| = 2 (1 + 3 + 1 + 1) / 4, E|x - x'| = 2 and E|y - y'| = 2 of different points, half of that of any. */
static void test_energy_distance(void **state) {
  (void)state;
  const double x[2] = {0, 2}, y[2] = {1, 3}, plane[4] = {0, 0, 3, 4}, same[4] = {0, 0, 3, 4};
  assert_true(fabs(energy_distance(x, 2, y, 2, 1) - (3 - 2 - 2)) < 1e-15);
  assert_true(fabs(energy_distance_plain(x, 2, y, 2, 1) - (3 - 1 - 1)) < 1e-15);
  assert_true(fabs(energy_distance_plain(plane, 2, same, 2, 2)) < 1e-15);
  assert_true(fabs(energy_distance(plane, 2, same, 2, 2) + 5) < 1e-15);
}

/* Newcombe 1998, Statistics in Medicine 17, table I, method 3. */
static void test_interval(void **state) {
  (void)state;
  static const struct {
    int64_t k, n;
    double low, high;
  } row[] = {{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}};
  for (int i = 0; i < 4; i++) {
    double low, high;
    prior_judge_interval(row[i].k, row[i].n, &low, &high);
    if (fabs(low - row[i].low) > 6e-5 || fabs(high - row[i].high) > 6e-5) fail_msg("row %d: %g %g", i, low, high);
  }
}

int main(int argc, char **argv) {
  if (ranks_begin(argc, argv)) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_bits), cmocka_unit_test(test_not_finite),
                                     cmocka_unit_test(test_energy_distance), cmocka_unit_test(test_interval)};
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
