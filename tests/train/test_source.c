/* A rank reads the rollouts of its own lanes and no others; frames are those of the data, made here or elsewhere. */
#include "ranks.h"
#include "scene.h"
#include "train/corpus.h"
#include "train/hgn.h"
#include "train/hgn_evaluate.h"

#include <math.h>

enum { TRAIN = 23, TEST = 19, VALIDATION = 19, FRAMES = 6, STATES = FRAMES * 2, IMAGE = 32 * 32 * 3, SOME = 3 };

static const char *file_name;    /* trajectories */
static const char *foreign_name; /* the frames of the first SOME of each split */

/* ---- bytes ---- */

/* The rollouts of this rank's lanes, from the lanes alone. */
static int64_t rollouts_of(const struct lanes *lanes, int64_t *first) {
  int64_t lane, lane_count, last, count;
  comm_share(lanes->count, world.size, world.rank, &lane, &lane_count);
  lanes_slice(lanes, TRAIN, lane, first, &count);
  lanes_slice(lanes, TRAIN, lane + lane_count - 1, &last, &count);
  return last + count - *first;
}

static int64_t bytes_of(const struct scene *scene) { return store_bytes_read(&scene->data.file); }

static void test_reads_its_lanes_only(void **state) {
  (void)state;
  struct scene scene;
  struct step step;
  struct step_result result;
  int64_t first;
  const struct lanes lanes = lanes_cut(11, 2);
  const int64_t own = rollouts_of(&lanes, &first);
  float image[IMAGE];
  scene_open(&scene, &world, file_name);
  scene_tiny(&scene);
  assert_int_equal(0, bytes_of(&scene));
  scene_learner(&scene);
  assert_ok(step_open(&world, &scene.learner, &scene.source, &lanes, &step));
  assert_int_equal(own * (STATES * 8 + 16), bytes_of(&scene));
  int64_t all = bytes_of(&scene);
  assert_ok(reduce_sum(&world, &all, 1));
  assert_int_equal(TRAIN * (STATES * 8 + 16), all);
  assert_ok(step_run(&step, 0, 0, &result));
  assert_int_equal(own * (STATES * 8 + 16), bytes_of(&scene)); /* once, into memory */
  assert_status(STATUS_ARGUMENT, source_frames(&scene.source, SPLIT_TRAIN, first - 1, 0, 1, image));
  assert_status(STATUS_ARGUMENT, source_frames(&scene.source, SPLIT_TRAIN, first + own, 0, 1, image));
  /* What is held already, or lies within it, is not read again, as in one trial after another. */
  const int64_t before = bytes_of(&scene);
  assert_ok(source_load(&scene.source, SPLIT_TRAIN, first, own));
  assert_ok(source_load(&scene.source, SPLIT_TRAIN, first + own - 1, 1));
  assert_ok(source_frames(&scene.source, SPLIT_TRAIN, first, 0, 1, image));
  assert_int_equal(before, bytes_of(&scene));
  step_close(&step);
  scene_close(&scene);
}

/* Groups of an evaluation: whole ones, shared out. */
static void test_reads_its_groups_only(void **state) {
  (void)state;
  struct scene scene;
  struct evaluation_set set;
  int64_t first, groups;
  comm_share((TEST + EVALUATION_GROUP - 1) / EVALUATION_GROUP, world.size, world.rank, &first, &groups);
  const int64_t end = (first + groups) * EVALUATION_GROUP;
  const int64_t own = groups ? (end < TEST ? end : TEST) - first * EVALUATION_GROUP : 0;
  scene_open(&scene, &world, file_name);
  assert_ok(evaluation_set_first(&world, &scene.source, SPLIT_TEST, TEST, 0, &set));
  assert_int_equal(groups, set.count);
  assert_int_equal(own * (STATES * 8 + 16), bytes_of(&scene));
  evaluation_set_free(&set);
  scene_close(&scene);
}

/* ---- frames ---- */

/* What is observed of a rollout, made again from the experiment. */
static void render(const struct scene *scene, enum split split, int64_t rollout, float *images) {
  const struct experiment *experiment = config_experiment(scene->data.config);
  const uint64_t first[SPLIT_COUNT] = {0, ROLLOUT_TEST, ROLLOUT_VALIDATION}, number = first[split] + (uint64_t)rollout;
  struct renderer renderer;
  double states[STATES];
  assert_ok(rollout_simulate(experiment, number, states, NULL));
  assert_ok(render_open(experiment, &renderer));
  for (int64_t f = 0; f < FRAMES; f++) {
    double observed[2];
    rollout_observe(experiment, RNG_NOISE, number, f, states + 2 * f, observed);
    render_f32(&renderer, observed, images + f * IMAGE);
  }
  render_close(&renderer);
}

static void test_frames_are_the_data(void **state) {
  (void)state;
  struct scene scene;
  int64_t first;
  const struct lanes lanes = lanes_cut(11, 2);
  const int64_t own = rollouts_of(&lanes, &first), range[SPLIT_COUNT][2] = {{first, own}, {2, 2}, {VALIDATION - 2, 2}};
  static float expected[FRAMES * IMAGE], images[FRAMES * IMAGE], stacked[2 * IMAGE];
  scene_open(&scene, &world, file_name);
  for (int split = 0; split < SPLIT_COUNT; split++) {
    assert_ok(source_load(&scene.source, (enum split)split, range[split][0], range[split][1]));
    for (int64_t r = range[split][0]; r < range[split][0] + range[split][1]; r++) {
      render(&scene, (enum split)split, r, expected);
      assert_ok(source_frames(&scene.source, (enum split)split, r, 1, FRAMES - 1, images));
      assert_memory_equal(expected + IMAGE, images, (FRAMES - 1) * IMAGE * sizeof *images);
      assert_ok(source_stack(&scene.source, (enum split)split, r, 3, 2, stacked));
      for (int i = 0; i < 2 * IMAGE; i++)
        assert_true(stacked[i] == expected[(3 + i / 3 % 2) * IMAGE + i / 6 * 3 + i % 3]);
    }
  }
  scene_close(&scene);
}

/* Training rollouts that serve as validation split are seen as they always were: with the noise of their own number. */
static void test_borrowed_validation(void **state) {
  (void)state;
  struct scene scene;
  static float expected[FRAMES * IMAGE], images[FRAMES * IMAGE];
  scene_open(&scene, &world, file_name);
  assert_int_equal(VALIDATION, scene.data.rollouts[SPLIT_VALIDATION]);
  assert_ok(source_check_validation(&scene.data, true));
  scene.data.rollouts[SPLIT_TRAIN] = TRAIN - 2;
  scene.data.rollouts[SPLIT_VALIDATION] = 2;
  scene.data.validation_from_train = true;
  assert_ok(source_check_validation(&scene.data, true));
  assert_ok(source_load(&scene.source, SPLIT_VALIDATION, 0, 2));
  for (int64_t r = 0; r < 2; r++) {
    render(&scene, SPLIT_TRAIN, TRAIN - 2 + r, expected);
    assert_ok(source_frames(&scene.source, SPLIT_VALIDATION, r, 0, FRAMES, images));
    assert_memory_equal(expected, images, sizeof images);
  }
  assert_status(STATUS_ARGUMENT, source_load(&scene.source, SPLIT_VALIDATION, 1, 2));
  scene.data.rollouts[SPLIT_TRAIN] = 1;
  scene.data.rollouts[SPLIT_VALIDATION] = 0;
  assert_status(STATUS_CONFIG, source_check_validation(&scene.data, true));
  assert_message("has no validation split, and of 1 training rollout none can be it");
  scene_close(&scene);
}

static unsigned char to_byte(float value) { return (unsigned char)(255 * value + 0.5F); }

/* Root only. The file of frames, as another program would make it. */
static void make_foreign(enum store_type type) {
  static float images[SOME * FRAMES * IMAGE];
  static unsigned char bytes[SOME * FRAMES * IMAGE];
  const int64_t extent[5] = {SOME, FRAMES, 32, 32, 3};
  struct scene scene;
  struct store_file file;
  scene_open(&scene, &self, file_name);
  assert_ok(store_create(&self, foreign_name, &file));
  for (int split = 0; split < SPLIT_COUNT; split++) {
    char name[32];
    snprintf(name, sizeof name, "/%s/frames", split_name[split]);
    for (int64_t r = 0; r < SOME; r++) render(&scene, (enum split)split, r, images + r * FRAMES * IMAGE);
    for (int i = 0; i < SOME * FRAMES * IMAGE; i++) bytes[i] = to_byte(images[i]);
    assert_ok(store_dataset(&file, name, type, 5, extent, NULL, NULL));
    assert_ok(store_write(&file, name, 0, SOME, type == STORE_U8 ? (void *)bytes : images));
  }
  assert_ok(store_commit(&file));
  scene_close(&scene);
}

static void check_foreign(struct scene *foreign, const struct scene *made, enum split split, int64_t rollout,
                          bool bytes) {
  static float expected[FRAMES * IMAGE], images[FRAMES * IMAGE];
  render(made, split, rollout, expected);
  assert_ok(source_frames(&foreign->source, split, rollout, 2, 3, images));
  for (int i = 0; i < 3 * IMAGE; i++) {
    const float value = expected[2 * IMAGE + i];
    assert_true(images[i] == (bytes ? (float)to_byte(value) / 255.0F : value));
  }
}

/* At opening no more is read than one rollout of bytes, to see that they are not all 0 and 1; then a rollout when it is
 * asked for: all of it, once while it is the last one. */
static void test_frames_made_elsewhere(void **state) {
  (void)state;
  for (int bytes = 0; bytes < 2; bytes++) {
    struct scene foreign, made;
    const int64_t one = FRAMES * IMAGE * (bytes ? 1 : 4);
    if (world.rank == 0) make_foreign(bytes ? STORE_U8 : STORE_F32);
    MPI_Barrier(world.mpi);
    scene_open(&made, &world, file_name);
    scene_open(&foreign, &world, foreign_name);
    assert_true(!foreign.data.has_states && foreign.data.has_frames);
    for (int split = 0; split < SPLIT_COUNT; split++)
      assert_ok(source_load(&foreign.source, (enum split)split, 0, SOME));
    const int64_t opened = bytes_of(&foreign);
    assert_int_equal(bytes ? one : 0, opened);
    const int64_t mine = world.rank % SOME;
    for (int i = 0; i < 2; i++) check_foreign(&foreign, &made, SPLIT_TRAIN, mine, bytes);
    assert_int_equal(opened + one, bytes_of(&foreign));
    check_foreign(&foreign, &made, SPLIT_TEST, mine, bytes); /* the same number, of the other split */
    assert_int_equal(opened + 2 * one, bytes_of(&foreign));
    check_foreign(&foreign, &made, SPLIT_VALIDATION, mine, bytes);
    check_foreign(&foreign, &made, SPLIT_VALIDATION, mine, bytes);
    assert_int_equal(opened + 3 * one, bytes_of(&foreign));
    check_foreign(&foreign, &made, SPLIT_TEST, (mine + 1) % SOME, bytes);
    assert_int_equal(opened + 4 * one, bytes_of(&foreign));
    scene_close(&foreign);
    scene_close(&made);
    delete_file(foreign_name);
  }
}

/* As many rollouts as a step goes through again and again are read once; what has been there longest makes room. */
static void test_held(void **state) {
  (void)state;
  static const int64_t order[] = {0, 1, 0, 1, 2, 1, 0, 2}, reads[] = {1, 2, 2, 2, 3, 3, 4, 4};
  struct scene foreign;
  float image[IMAGE];
  if (world.rank == 0) make_foreign(STORE_U8);
  MPI_Barrier(world.mpi);
  scene_open(&foreign, &world, foreign_name);
  assert_ok(source_load(&foreign.source, SPLIT_TRAIN, 0, SOME));
  assert_ok(source_hold(&foreign.source, 2));
  const int64_t opened = bytes_of(&foreign);
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
    assert_ok(source_frames(&foreign.source, SPLIT_TRAIN, order[i], 1, 1, image));
    assert_int_equal(opened + reads[i] * FRAMES * IMAGE, bytes_of(&foreign));
  }
  scene_close(&foreign);
  delete_file(foreign_name);
}

/* ---- color ---- */

/* By the plainest way: all frames of all training rollouts, one number after another. */
static void mean_color(double color[DATASET_CHANNELS_MAX]) {
  struct scene scene;
  float image[IMAGE];
  scene_open(&scene, &self, file_name);
  assert_ok(source_load(&scene.source, SPLIT_TRAIN, 0, TRAIN));
  memset(color, 0, DATASET_CHANNELS_MAX * sizeof *color);
  for (int i = 0; i < TRAIN * FRAMES; i++) {
    assert_ok(source_frames(&scene.source, SPLIT_TRAIN, i / FRAMES, i % FRAMES, 1, image));
    for (int k = 0; k < IMAGE; k++) color[k % 3] += image[k] / (TRAIN * FRAMES * IMAGE / 3.0);
  }
  scene_close(&scene);
}

/* The same bits on any number of ranks, known from then on. A model begins with it, unless it is to be as drawn. */
static void test_color(void **state) {
  (void)state;
  double expected[DATASET_CHANNELS_MAX], alone[DATASET_CHANNELS_MAX], color[DATASET_CHANNELS_MAX];
  struct corpus corpus, own;
  struct scene scene;
  mean_color(expected);
  assert_ok(corpus_open(&world, file_name, &corpus));
  assert_ok(corpus_open(&self, file_name, &own));
  assert_ok(corpus_color(&corpus, color));
  assert_ok(corpus_color(&own, alone));
  assert_memory_equal(alone, color, sizeof color);
  for (int c = 0; c < DATASET_CHANNELS_MAX; c++) assert_true(fabs(expected[c] - color[c]) < 1e-10);
  const int64_t read = store_bytes_read(&corpus.data.file);
  assert_ok(corpus_color(&corpus, color));
  assert_int_equal(read, store_bytes_read(&corpus.data.file));
  scene_open(&scene, &self, file_name);
  scene_tiny(&scene);
  scene_learner(&scene);
  memcpy(scene.learner.color, color, sizeof color);
  for (int kind = 0; kind < OUTPUT_COUNT; kind++) {
    struct model *model = (struct model *)hgn_model(&scene.learner);
    model->settings.decoder.output_bias = (enum output_kind)kind;
    scene.learner.kind->initialize(&scene.learner);
    const struct layout_tensor *bias = &model->layout.tensor[model->layout.tensors - 1];
    assert_string_equal("decoder.out.bias", bias->name);
    for (int c = 0; c < DATASET_CHANNELS_MAX; c++) {
      const double begins = 1 / (1 + exp(-(double)scene.learner.parameters[bias->offset + c]));
      assert_true((fabs(begins - color[c]) < 1e-6) == (kind == OUTPUT_MEAN_IMAGE));
    }
  }
  scene_close(&scene);
  corpus_close(&own);
  corpus_close(&corpus);
}

int main(int argc, char **argv) {
  char names[2][64];
  if (ranks_begin(argc, argv) != 0) return 1;
  snprintf(names[0], sizeof names[0], "source_n%d.h5", world.size);
  snprintf(names[1], sizeof names[1], "source_foreign_n%d.h5", world.size);
  file_name = names[0];
  foreign_name = names[1];
  scene_simulate(file_name, TRAIN, TEST, FRAMES);
  const struct CMUnitTest tests[] = {

      cmocka_unit_test(test_reads_its_lanes_only),
      cmocka_unit_test(test_reads_its_groups_only),
      cmocka_unit_test(test_frames_are_the_data),
      cmocka_unit_test(test_borrowed_validation),
      cmocka_unit_test(test_frames_made_elsewhere),
      cmocka_unit_test(test_held),
      cmocka_unit_test(test_color),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  delete_file(file_name);
  return ranks_end(failed);
}
