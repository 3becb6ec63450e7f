/* The table of each kind of learner is whole, and what the configuration says of networks reaches the right ones. */
#include "scene.h"

#include <math.h>

static void test_tables(void **state) {
  (void)state;
  for (int name = 0; name < MODEL_COUNT; name++) {
    const struct learner_kind *kind = learner_find((enum model_kind)name);
    if (name == MODEL_SYNTHETIC) {
      assert_null(kind);
      continue;
    }
    assert_string_equal(experiment_model_name((enum model_kind)name), kind->name);
    assert_true(kind->fit && kind->open && kind->initialize && kind->prepare && kind->begin && kind->run);
    assert_true(kind->loss && kind->update && kind->changed && kind->evaluate && kind->speak && kind->close);
    assert_true(kind->stages > 0 && kind->terms > 0 && kind->scores > 0 && kind->chosen_by < kind->scores);
    for (int i = 0; i < kind->scores; i++)
      for (int k = 0; k < i; k++) assert_string_not_equal(kind->score[i].name, kind->score[k].name);
  }
}

/* Each part of the parameters is completed by one stage, and has tensors of its own. */
static void check_parts(const struct learner *learner) {
  const struct layout *layout = learner->layout;
  for (int part = 0; part < layout->parts; part++) {
    int completed = 0;
    for (int stage = 0; stage < learner->kind->stages; stage++) completed += learner->kind->stage[stage].part == part;
    assert_int_equal(1, completed);
    assert_true(layout->part[part] < layout->part[part + 1]);
  }
  for (int i = 0; i < layout->tensors; i++) {
    const struct layout_tensor *tensor = &layout->tensor[i];
    assert_true(tensor->offset >= layout->part[tensor->part]);
    assert_true(tensor->offset + tensor->count <= layout->part[tensor->part + 1]);
  }
}

static int find_network(const struct layout *layout, const char *name) {
  for (int i = 0; i < layout->networks; i++)
    if (strcmp(layout->network[i], name) == 0) return i;
  fail_msg("there is no network %s", name);
  return -1;
}

static void test_hgn(void **state) {
  (void)state;
  static const char *const words[] = {"optimizer.encoder_ratio=2",     "optimizer.transformer_ratio=3",
                                      "optimizer.hamiltonian_ratio=5", "optimizer.decoder_ratio=7",
                                      "objective.name=geco",           "objective.lambda=11"};
  const int64_t size[] = {32, 32, 3, 5};
  struct scene scene = {.data = {.frames = 6}};
  scene_model(&scene, words, 6, 6, GRAPH_F32);
  assert_ok(learner_open_sized(NULL, &scene.experiment, size, 0.1, NAN, &scene.learner));
  const struct learner *learner = &scene.learner;
  assert_true(learner->ratio[find_network(learner->layout, "encoder")] == 2);
  assert_true(learner->ratio[find_network(learner->layout, "transformer")] == 3);
  assert_true(learner->ratio[find_network(learner->layout, "hamiltonian")] == 5);
  assert_true(learner->ratio[find_network(learner->layout, "decoder")] == 7);
  assert_string_equal("lambda", learner->kind->scalar[0].name);
  assert_true(learner->scalar[0] == 11 && isnan(learner->scalar[1]));
  check_parts(learner);
  scene_close(&scene);
}

/* Sizes that no network fits are refused, and nothing is left. */
static void test_refused(void **state) {
  (void)state;
  const int64_t size[] = {32, 33, 3, 5};
  struct scene scene = {.data = {.frames = 6}};
  scene_model(&scene, NULL, 0, 6, GRAPH_F32);
  assert_status(STATUS_CONFIG, learner_open_sized(NULL, &scene.experiment, size, 0.1, NAN, &scene.learner));
  assert_null(scene.learner.parameters);
  assert_null(scene.learner.kind);
  scene_close(&scene);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_tables), cmocka_unit_test(test_hgn),
                                     cmocka_unit_test(test_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
