/* A training step on any number of ranks: the bits of one rank; the same refusal, signal, divergence and failure on
 * all; each rollout once an epoch. */
#include "ranks.h"
#include "scene.h"

#include <math.h>

enum { TRAIN = 45, FRAMES = 6, BATCH = 11, LANES = 6 };

static char path[64];

struct setup {
  struct scene scene;
  struct step step;
};

/* Each rank opens the file for itself: reading is not collective. */
static void open_setup(const struct comm *comm, const struct lanes *lanes, struct setup *setup) {
  scene_open(&setup->scene, &self, path);
  scene_tiny(&setup->scene);
  scene_learner(&setup->scene);
  assert_ok(step_open(comm, &setup->scene.learner, &setup->scene.source, lanes, &setup->step));
}

static void close_setup(struct setup *setup) {
  step_close(&setup->step);
  scene_close(&setup->scene);
}

static struct step_result run(struct setup *setup, int64_t number) {
  struct step_result result;
  assert_ok(step_run(&setup->step, number, 0, &result));
  return result;
}

static size_t block_bytes(const struct setup *setup) {
  return (size_t)setup->scene.model->layout.part[MODEL_PARTS] * sizeof(float);
}

static void assert_sum(const double *lane, double sum) {
  for (int i = 0; i < LANES; i++) {
    assert_true(lane[i] > 0);
    sum -= lane[i];
  }
  assert_true(fabs(sum) < 1e-12);
}

/* Over the end of an epoch, with parameters that change as they do in training. */
static void test_same_bits(void **state) {
  (void)state;
  struct setup alone, spread;
  const struct lanes lanes = lanes_cut(BATCH, 2);
  const int64_t numbers[] = {0, 3, 4};
  assert_int_equal(LANES, lanes.count);
  open_setup(&self, &lanes, &alone);
  open_setup(&world, &lanes, &spread);
  assert_int_equal(4, step_epoch_steps(&spread.step));
  for (int i = 0; i < 3; i++) {
    const int64_t number = numbers[i];
    double loss[2][HGN_TERMS][LANES];
    const struct step_result expected = run(&alone, number), result = run(&spread, number);
    assert_int_equal(EXCHANGE_DONE, result.outcome);
    assert_int_equal(expected.repeats, result.repeats);
    for (int term = 0; term < HGN_TERMS; term++) {
      assert_true(expected.term[term] == result.term[term] && result.term[term] > 0);
      step_lane_terms(&alone.step, term, loss[0][term]);
      step_lane_terms(&spread.step, term, loss[1][term]);
    }
    assert_memory_equal(loss[0], loss[1], sizeof loss[0]);
    assert_sum(loss[1][HGN_TERM_ERROR], result.term[HGN_TERM_ERROR]);
    assert_sum(loss[1][HGN_TERM_KL], result.term[HGN_TERM_KL]);
    assert_memory_equal(alone.step.gradient, spread.step.gradient, block_bytes(&spread));
    for (int64_t k = 0; k < spread.scene.model->layout.part[MODEL_PARTS]; k++) {
      alone.scene.learner.parameters[k] -= 0.01F * alone.step.gradient[k];
      spread.scene.learner.parameters[k] -= 0.01F * spread.step.gradient[k];
    }
    learner_hgn.changed(&alone.scene.learner);
    learner_hgn.changed(&spread.scene.learner);
  }
  close_setup(&alone);
  close_setup(&spread);
}

static void refuse(int64_t batch, int64_t microbatch, const char *message) {
  struct scene scene;
  struct step step;
  const struct lanes lanes = lanes_cut(batch, microbatch);
  scene_open(&scene, &self, path);
  scene_tiny(&scene);
  scene_learner(&scene);
  assert_status(STATUS_CONFIG, step_open(&world, &scene.learner, &scene.source, &lanes, &step));
  assert_message(message);
  step_close(&step);
  scene_close(&scene);
}

static void test_refusals(void **state) {
  (void)state;
  char message[64];
  refuse(TRAIN + 1, 2, "45 training rollouts are fewer than a batch of 46");
  if (world.size == 1) return;
  snprintf(message, sizeof message, "use at most %d ranks", world.size - 1);
  refuse(2 * world.size - 3, 2, message); /* one lane less than ranks, the last of them smaller */
}

/* The largest request of all ranks is known to all; the step is whole all the same. */
static void test_request_of_one_rank(void **state) {
  (void)state;
  struct setup setup;
  const struct lanes lanes = lanes_cut(LANES, 1);
  open_setup(&world, &lanes, &setup);
  const int asking[] = {-1, 0, world.size / 2, world.size - 1}; /* -1: none */
  for (int i = 0; i < 4; i++) {
    struct step_result result;
    const int64_t mine = world.rank == asking[i] ? 2 : asking[i] >= 0;
    assert_ok(step_run(&setup.step, 0, mine, &result));
    assert_int_equal(asking[i] >= 0 ? 2 : 0, result.request);
    assert_int_equal(EXCHANGE_DONE, result.outcome);
  }
  close_setup(&setup);
}

/* A weight of each network in turn; then the same step as before. */
static void test_divergence(void **state) {
  (void)state;
  struct setup setup;
  const struct lanes lanes = lanes_cut(LANES, 1);
  open_setup(&world, &lanes, &setup);
  const struct model *model = setup.scene.model;
  float *x = setup.scene.learner.parameters, *gradient = malloc(block_bytes(&setup));
  run(&setup, 0);
  memcpy(gradient, setup.step.gradient, block_bytes(&setup));
  for (int t = 0; t < model->layout.tensors; t++) {
    if (t > 0 && model->layout.tensor[t].network == model->layout.tensor[t - 1].network) continue;
    const float held = x[model->layout.tensor[t].offset];
    x[model->layout.tensor[t].offset] = NAN;
    learner_hgn.changed(&setup.scene.learner);
    const struct step_result result = run(&setup, 0);
    assert_int_equal(EXCHANGE_DIVERGED, result.outcome);
    assert_int_equal(-1, result.tensor); /* the loss itself */
    x[model->layout.tensor[t].offset] = held;
  }
  learner_hgn.changed(&setup.scene.learner);
  assert_int_equal(EXCHANGE_DONE, run(&setup, 0).outcome);
  assert_memory_equal(gradient, setup.step.gradient, block_bytes(&setup));
  free(gradient);
  close_setup(&setup);
}

/* A loss that is finite, with a gradient that is not: the first tensor is named. */
static void test_gradient_overflow(void **state) {
  (void)state;
  struct setup setup;
  struct step_result result;
  const struct lanes lanes = lanes_cut(LANES, 1);
  open_setup(&world, &lanes, &setup);
  setup.scene.learner.scalar[0] = 1e45; /* the weight of the error */
  assert_ok(step_run(&setup.step, 0, 0, &result));
  assert_int_equal(EXCHANGE_DIVERGED, result.outcome);
  assert_true(isfinite(result.term[HGN_TERM_ERROR]) && isfinite(result.term[HGN_TERM_KL]));
  assert_int_equal(0, result.tensor);
  close_setup(&setup);
}

/* One rank cannot read its rollouts: all leave the step with its message, and can go on. */
static void test_failure_on_one_rank(void **state) {
  (void)state;
  struct setup setup;
  const struct lanes lanes = lanes_cut(LANES, 1);
  open_setup(&world, &lanes, &setup);
  for (int failing = 0; failing < world.size; failing += world.size - 1 ? world.size - 1 : 1) {
    struct step_result result;
    const int64_t held = setup.scene.source.count[SPLIT_TRAIN];
    if (world.rank == failing) setup.scene.source.count[SPLIT_TRAIN] = 0;
    assert_status(STATUS_ARGUMENT, step_run(&setup.step, 0, 0, &result));
    assert_message("is not loaded");
    setup.scene.source.count[SPLIT_TRAIN] = held;
  }
  assert_int_equal(EXCHANGE_DONE, run(&setup, 0).outcome);
  close_setup(&setup);
}

/* Marks what a lane works on, which must be of its slice and new. */
static void visit(const struct step *step, int64_t i, bool *seen, int64_t *list) {
  const int64_t lane = step->work.first_lane + i, *rollouts = step->rollouts + i * step->work.lanes.microbatch;
  int64_t first, count;
  lanes_slice(&step->work.lanes, TRAIN, lane, &first, &count);
  for (int64_t b = 0; b < lanes_size(&step->work.lanes, lane); b++) {
    assert_true(rollouts[b] >= first && rollouts[b] < first + count && !seen[rollouts[b]]);
    seen[rollouts[b]] = true;
    list[b] = rollouts[b];
  }
}

/* Each lane goes through its slice without repetition, in another order in the next epoch. */
static void test_epochs(void **state) {
  (void)state;
  enum { STEPS = TRAIN / BATCH };
  struct setup setup;
  const struct lanes lanes = lanes_cut(BATCH, 2);
  int64_t order[2][LANES][STEPS][2] = {{{{0}}}};
  open_setup(&world, &lanes, &setup);
  for (int epoch = 0; epoch < 2; epoch++) {
    bool seen[TRAIN] = {false};
    for (int number = 0; number < STEPS; number++) {
      run(&setup, epoch * STEPS + number);
      for (int64_t i = 0; i < setup.step.work.lane_count; i++) visit(&setup.step, i, seen, order[epoch][i][number]);
    }
  }
  for (int64_t i = 0; i < setup.step.work.lane_count; i++)
    assert_memory_not_equal(order[0][i], order[1][i], sizeof order[0][i]);
  close_setup(&setup);
}

int main(int argc, char **argv) {
  if (ranks_begin(argc, argv) != 0) return 1;
  snprintf(path, sizeof path, "step_n%d.h5", world.size);
  scene_simulate(path, TRAIN, 1, FRAMES);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_bits),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_request_of_one_rank),
      cmocka_unit_test(test_divergence),
      cmocka_unit_test(test_gradient_overflow),
      cmocka_unit_test(test_failure_on_one_rank),
      cmocka_unit_test(test_epochs),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  delete_file(path);
  return ranks_end(failed);
}
