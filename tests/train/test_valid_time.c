/* The valid prediction time: on rollouts whose frames are what the model predicts up to a chosen one, and off by a
 * known share of their mean square from there on. */
#include "ranks.h"
#include "scene.h"
#include "train/hgn_evaluate.h"

#include <math.h>

/* Two frames are seen; frames 2 to 5 are unseen targets. Rollouts of one group, so that they are inferred alike. */
enum { TEST = EVALUATION_GROUP, FRAMES = 6, UNSEEN = 4, IMAGE = 32 * 32 * 3, STATE_MAX = 64 };

static char path[64];

/* The model of both: what it infers depends on frames 0 and 1 alone. */
static void open_model(struct scene *scene) {
  static const char *const words[] = {"protocol.input_frames=2"};
  scene_model(scene, words, 1, 6, GRAPH_F32);
}

/* Frames [TEST][FRAMES][IMAGE]: grey levels that are seen, then predictions from them. */
static void predict(float *frames) {
  struct scene scene = {.data = {.frames = FRAMES}};
  struct pass *pass;
  static float seen[TEST * 2 * IMAGE], q[2][TEST * STATE_MAX], p[2][TEST * STATE_MAX];
  open_model(&scene);
  assert_true(model_state_values(scene.model) <= STATE_MAX);
  assert_ok(pass_create(scene.model, TEST, TEST, scene.parameters, &pass));
  for (int i = 0; i < TEST * 2 * IMAGE; i++) seen[i] = 0.1F * (float)(i / (2 * IMAGE));
  assert_ok(pass_infer(pass, seen, NULL, q[0], p[0], NULL));
  for (int f = 1; f < FRAMES; f++) {
    static float images[TEST * IMAGE];
    assert_ok(pass_draw(pass, q[0], images));
    for (int r = 0; r < TEST; r++)
      for (int i = 0; i < IMAGE; i++) frames[(r * FRAMES + f) * IMAGE + i] = images[r * IMAGE + i];
    assert_ok(pass_step(pass, 0.125, q[0], p[0], q[1], p[1]));
    memcpy(q[0], q[1], sizeof q[0]);
    memcpy(p[0], p[1], sizeof p[0]);
  }
  for (int r = 0; r < TEST; r++)
    for (int i = 0; i < 2 * IMAGE; i++) frames[r * FRAMES * IMAGE + i] = 0.1F * (float)r;
  pass_destroy(&pass);
  scene_close(&scene);
}

/* Root only. Rollout r is good for good[r] unseen frames: (1 - s)^2 / s^2 of the mean square is what scaling a frame by
 * s makes of its error. */
static void write_file(const int *good, double ratio_after, double ratio_before) {
  static float frames[TEST * FRAMES * IMAGE];
  const int64_t extent[5] = {TEST, FRAMES, 32, 32, 3};
  struct store_file file;
  predict(frames);
  for (int r = 0; r < TEST; r++)
    for (int f = 2; f < FRAMES; f++)
      for (int i = 0; i < IMAGE; i++)
        frames[(r * FRAMES + f) * IMAGE + i] *= (float)(1 / (1 + sqrt(f - 2 == good[r] ? ratio_after : ratio_before)));
  assert_ok(store_create(&self, path, &file));
  for (int split = 0; split <= SPLIT_TEST; split++) {
    const char *name = split == SPLIT_TEST ? "/test/frames" : "/train/frames";
    assert_ok(store_dataset(&file, name, STORE_F32, 5, extent, NULL, NULL));
    assert_ok(store_write(&file, name, 0, TEST, frames));
  }
  assert_ok(store_commit(&file));
}

static double valid_time(int64_t rollouts) {
  struct scene scene;
  struct evaluation_set set;
  struct evaluation evaluation;
  scene_open(&scene, &self, path);
  open_model(&scene);
  const struct yardstick unknown = {.floor = NAN, .mean_image = NAN, .limit = NAN, .limit_unseen = NAN};
  const struct hgn_evaluate_task task = {.model = scene.model,
                                         .parameters = scene.parameters,
                                         .source = &scene.source,
                                         .yardstick = &unknown,
                                         .protocol = scene.protocol,
                                         .posterior = POSTERIOR_MEAN,
                                         .dt = 0.125};
  assert_ok(evaluation_set_first(&world, &scene.source, SPLIT_TEST, rollouts, 0, &set));
  assert_ok(hgn_evaluate(&world, &task, &set, &evaluation));
  const double found = evaluation.score[HGN_VPT];
  evaluation_set_free(&set);
  evaluation_free(&evaluation);
  scene_close(&scene);
  return found;
}

static void check(const int *good, double ratio_after, double ratio_before, int64_t rollouts, double expected) {
  if (world.rank == 0) write_file(good, ratio_after, ratio_before);
  MPI_Barrier(world.mpi);
  const double found = valid_time(rollouts);
  if (found != expected) fail_msg("%d rollouts: expected %g, got %g", (int)rollouts, expected, found);
  delete_file(path);
}

/* One frame that fails ends it, though those behind it are good again. */
static void test_first_failure_counts(void **state) {
  (void)state;
  for (int frames = 0; frames <= UNSEEN; frames++) check((const int[TEST]){frames}, 0.05, 0, 1, frames);
}

static void test_threshold(void **state) {
  (void)state;
  const int good[TEST] = {2};
  check(good, 0.0255, 0.0245, 1, 2);
  check(good, 0.0245, 0.0245, 1, 4);
  check(good, 0.0255, 0.0255, 1, 0);
}

static void test_median(void **state) {
  (void)state;
  const int good[TEST] = {4, 0, 1, 3, 3, 0, 4, 4};
  check(good, 0.05, 0, 1, 4);
  check(good, 0.05, 0, 2, 2);    /* 0 4 */
  check(good, 0.05, 0, 3, 1);    /* 0 1 4 */
  check(good, 0.05, 0, 4, 2);    /* 0 1 3 4 */
  check(good, 0.05, 0, 5, 3);    /* 0 1 3 3 4 */
  check(good, 0.05, 0, TEST, 3); /* 0 0 1 3 3 4 4 4 */
}

int main(int argc, char **argv) {
  if (ranks_begin(argc, argv) != 0) return 1;
  snprintf(path, sizeof path, "valid_time_n%d.h5", world.size);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_first_failure_counts),
      cmocka_unit_test(test_threshold),
      cmocka_unit_test(test_median),
  };
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
