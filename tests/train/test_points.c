/* Points as a training sees them: each rank reads its own, once; what the data are known by is alike on all ranks; and
 * a model of points and one of frames refuse each other's data. */
#include "physics/points.h"
#include "ranks.h"
#include "train/corpus.h"
#include "train/hgn.h"

#include <math.h>

enum { TRAIN = 23, TEST = 9, VALIDATION = 5, DIMENSION = 3, RECORD = 8 * DIMENSION + 16 + 8 + 16 };

static char own[64], foreign[64], limit[64];

static void make_own(void) {
  static const char yaml[] = "density: {name: gaussian, dimension: 3, width: 1}\n"
                             "data: {train: 23, test: 9, validation: 5}\n";
  struct config *config;
  struct points_summary summary;
  assert_ok(config_parse("test.yaml", yaml, sizeof yaml - 1, NULL, 0, &config));
  assert_ok(points_dataset(&world, config, own, &summary));
  config_destroy(&config);
}

static void make_foreign(void) {
  static const int64_t count[2] = {TRAIN, TEST};
  float points[TRAIN * DIMENSION];
  struct store_file file;
  delete_file(foreign);
  assert_ok(store_create(&world, foreign, &file));
  for (int i = 0; i < TRAIN * DIMENSION; i++) points[i] = 0.5F + (float)i;
  for (int split = 0; split < 2; split++) {
    const int64_t extent[2] = {count[split], DIMENSION};
    const char *name = split ? "/test/points" : "/train/points";
    assert_ok(store_dataset(&file, name, STORE_F32, 2, extent, NULL, NULL));
    assert_ok(store_write(&file, name, 0, world.rank == 0 ? count[split] : 0, points));
  }
  assert_ok(store_commit(&file));
}

static void reads_its_own_points_once(void **state) {
  (void)state;
  struct corpus corpus;
  struct source *source = &corpus.source;
  double points[TRAIN * DIMENSION], log_density[TRAIN], found = 7;
  float image[1];
  int64_t first, count;
  assert_ok(corpus_open(&world, own, &corpus));
  assert_int_equal(0, store_bytes_read(&corpus.data.file));
  assert_ok(source_hold(source, 1000));
  comm_share(TRAIN, world.size, world.rank, &first, &count);
  assert_null(source_point(source, SPLIT_TRAIN, first, &found));
  assert_ok(source_load(source, SPLIT_TRAIN, first, count));
  assert_ok(source_load(source, SPLIT_TRAIN, first + count - 1, 1));
  assert_int_equal(count * RECORD, store_bytes_read(&corpus.data.file));
  assert_ok(dataset_read_points(&corpus.data, SPLIT_TRAIN, 0, TRAIN, points, log_density));
  for (int64_t i = first; i < first + count; i++) {
    const double *point = source_point(source, SPLIT_TRAIN, i, &found);
    assert_memory_equal(point, points + i * DIMENSION, DIMENSION * sizeof *point);
    assert_true(found == log_density[i]);
  }
  found = 7;
  assert_null(source_point(source, SPLIT_TRAIN, first - 1, &found));
  assert_null(source_point(source, SPLIT_TRAIN, first + count, &found));
  assert_null(source_point(source, SPLIT_TEST, 0, &found));
  assert_true(found == 7);
  assert_null(source_states(source, SPLIT_TRAIN, first));
  assert_status(STATUS_ARGUMENT, source_frames(source, SPLIT_TRAIN, first, 0, 1, image));
  assert_ok(source_load(source, SPLIT_VALIDATION, 0, VALIDATION));
  assert_non_null(source_point(source, SPLIT_VALIDATION, VALIDATION - 1, &found));
  assert_ok(source_check_validation(&corpus.data, true));
  corpus_close(&corpus);
}

/* A file of limits beside points is none of theirs: it is not looked at. */
static void spoil_limits(void) {
  if (world.rank == 0) {
    FILE *file = fopen(limit, "w");
    assert_true(file && fputs("no limits", file) >= 0 && fclose(file) == 0);
  }
  MPI_Barrier(world.mpi);
}

static void knows_its_points(void **state) {
  (void)state;
  const struct protocol protocol = {.input_count = 1, .target_count = 1};
  struct corpus corpus;
  struct yardstick yardstick;
  char checksum[CHECKSUM_TEXT];
  spoil_limits();
  assert_ok(corpus_open(&world, own, &corpus));
  assert_ok(dataset_checksum(&corpus.data, checksum));
  assert_ok(corpus_yardstick(&corpus, &protocol, &yardstick));
  assert_ok(corpus_measure(&corpus, &yardstick));
  assert_string_equal(checksum, yardstick.checksum);
  assert_true(isnan(yardstick.floor) && isnan(yardstick.mean_image) && isnan(yardstick.limit) && !yardstick.attained);
  corpus_close(&corpus);
}

static void knows_points_made_elsewhere(void **state) {
  (void)state;
  const struct protocol protocol = {.input_count = 1, .target_count = 1};
  struct corpus corpus;
  struct yardstick yardstick;
  char checksum[CHECKSUM_TEXT];
  double found = 7;
  assert_ok(corpus_open(&world, foreign, &corpus));
  assert_ok(corpus_yardstick(&corpus, &protocol, &yardstick));
  assert_int_equal(yardstick.checksum[0], '\0');
  assert_ok(corpus_measure(&corpus, &yardstick));
  assert_ok(points_checksum(&world, &corpus.data, checksum));
  assert_string_equal(checksum, yardstick.checksum);
  assert_alike(checksum, sizeof checksum);
  assert_true(isnan(yardstick.mean_image));
  /* The last of 23 training points is the validation split. */
  assert_ok(source_load(&corpus.source, SPLIT_VALIDATION, 0, 1));
  assert_true(source_point(&corpus.source, SPLIT_VALIDATION, 0, &found)[2] == 22 * DIMENSION + 2.5);
  assert_true(isnan(found));
  corpus_close(&corpus);
}

static void data_and_models_suit_each_other(void **state) {
  (void)state;
  const struct learner_kind of_points = {.name = "nhf", .data = LEARNER_POINTS},
                            of_states = {.name = "hnn", .data = LEARNER_STATES};
  const struct dataset frames = {.has_frames = true}, points = {.has_points = true},
                       trajectories = {.has_states = true};
  assert_ok(learner_check_data(&of_points, &points));
  assert_ok(learner_check_data(&learner_hgn, &trajectories));
  assert_ok(learner_check_data(&learner_hgn, &frames));
  assert_ok(learner_check_data(&of_states, &trajectories));
  assert_status(STATUS_CONFIG, learner_check_data(&of_points, &frames));
  assert_message("a model \"nhf\" learns the density of points");
  assert_status(STATUS_CONFIG, learner_check_data(&of_points, &trajectories));
  assert_status(STATUS_CONFIG, learner_check_data(&learner_hgn, &points));
  assert_message("holds points of a density");
  assert_status(STATUS_CONFIG, learner_check_data(&of_states, &points));
  assert_status(STATUS_CONFIG, learner_check_data(&of_states, &frames));
  assert_message("has no states");
}

int main(int argc, char **argv) {
  if (ranks_begin(argc, argv) != 0) return 1;
  snprintf(own, sizeof own, "density_n%d.h5", world.size);
  snprintf(limit, sizeof limit, "density_n%d.limit.h5", world.size);
  snprintf(foreign, sizeof foreign, "density_foreign_n%d.h5", world.size);
  delete_traces(own);
  make_own();
  make_foreign();
  const struct CMUnitTest tests[] = {cmocka_unit_test(reads_its_own_points_once), cmocka_unit_test(knows_its_points),
                                     cmocka_unit_test(knows_points_made_elsewhere),
                                     cmocka_unit_test(data_and_models_suit_each_other)};
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  delete_file(own);
  delete_file(foreign);
  delete_file(limit);
  return ranks_end(failed);
}
