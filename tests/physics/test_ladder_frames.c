/* The mean image of frames made elsewhere, against plain sums; the checksum knows each frame that is looked at. The
 * same bits on any number of ranks. */
#include "physics/ladder.h"
#include "ranks.h"

#include <math.h>
#include <stdlib.h>

enum { TRAIN = 7, TEST = 5, FRAMES = 3, VALUES = 6 };
static char path[64];

struct file {
  enum store_type type;
  int64_t rollouts[SPLIT_COUNT], extent[4]; /* T, H, W, C */
  double *value[SPLIT_COUNT];
};

static size_t count_of(const struct file *file, int split) {
  size_t count = (size_t)file->rollouts[split];
  for (int i = 0; i < 4; i++) count *= (size_t)file->extent[i];
  return count;
}

/* Values that a float holds, different everywhere. */
static void add_values(struct file *file, int split) {
  const size_t count = count_of(file, split);
  file->value[split] = malloc(count * sizeof(double));
  assert_non_null(file->value[split]);
  for (size_t i = 0; i < count; i++) file->value[split][i] = (double)((i * 2654435761U + (size_t)split) % 4093) / 4096;
}

static struct file make(int64_t train, int64_t test) {
  struct file file = {STORE_F32, {train, test, 0}, {FRAMES, 2, 3, 1}, {NULL}};
  add_values(&file, SPLIT_TRAIN);
  add_values(&file, SPLIT_TEST);
  return file;
}

/* With a validation split of its own. */
static struct file make_three(int64_t validation) {
  struct file file = make(TRAIN, TEST);
  file.rollouts[SPLIT_VALIDATION] = validation;
  add_values(&file, SPLIT_VALIDATION);
  return file;
}

static void discard(struct file *file) {
  for (int split = 0; split < SPLIT_COUNT; split++) free(file->value[split]);
}

static void write_file(const struct file *file) {
  struct store_file out;
  delete_file(path);
  assert_ok(store_create(&world, path, &out));
  for (int split = 0; split < SPLIT_COUNT; split++) {
    char name[32];
    const size_t count = count_of(file, split);
    if (count == 0) continue;
    float *narrow = malloc(count * sizeof *narrow);
    assert_non_null(narrow);
    for (size_t i = 0; i < count; i++) narrow[i] = (float)file->value[split][i];
    const void *const data = file->type == STORE_F64 ? (const void *)file->value[split] : narrow;
    const int64_t extent[5] = {file->rollouts[split], file->extent[0], file->extent[1], file->extent[2],
                               file->extent[3]};
    snprintf(name, sizeof name, "/%s/frames", split_name[split]);
    assert_ok(store_dataset(&out, name, file->type, 5, extent, NULL, NULL));
    assert_ok(store_write(&out, name, 0, world.rank == 0 ? extent[0] : 0, data));
    free(narrow);
  }
  assert_ok(store_commit(&out));
}

struct measured {
  struct ladder ladder;
  char checksum[CHECKSUM_TEXT];
};

static struct measured measure_on(const struct comm *comm) {
  struct dataset data;
  struct measured measured = {.checksum = ""};
  assert_ok(dataset_open(comm, path, &data));
  assert_ok(ladder_measure_frames(comm, &data, &measured.ladder, measured.checksum));
  dataset_close(&data);
  return measured;
}

/* All ranks together, which must be each alone. */
static struct measured measure(const struct file *file) {
  write_file(file);
  const struct measured together = measure_on(&world), alone = measure_on(&self);
  const double mean[2] = {together.ladder.mse[LADDER_MEAN], together.ladder.error[LADDER_MEAN]};
  assert_memory_equal(&mean[0], &alone.ladder.mse[LADDER_MEAN], sizeof(double));
  assert_memory_equal(&mean[1], &alone.ladder.error[LADDER_MEAN], sizeof(double));
  assert_string_equal(together.checksum, alone.checksum);
  return together;
}

static void mean_image_is_what_plain_sums_say(void **state) {
  (void)state;
  struct file file = make(TRAIN, TEST);
  double mean[VALUES] = {0}, sum = 0, square = 0;
  for (int i = 0; i < TRAIN * FRAMES * VALUES; i++) mean[i % VALUES] += file.value[0][i] / (TRAIN * FRAMES);
  for (int r = 0; r < TEST; r++) {
    double mse = 0;
    for (int i = 0; i < FRAMES * VALUES; i++)
      mse += pow(file.value[1][r * FRAMES * VALUES + i] - mean[i % VALUES], 2) / (FRAMES * VALUES);
    sum += mse;
    square += mse * mse;
  }
  const struct measured measured = measure(&file);
  assert_true(fabs(measured.ladder.mse[LADDER_MEAN] / (sum / TEST) - 1) < 1e-6);
  const double error = sqrt((square - sum * sum / TEST) / (TEST - 1) / TEST);
  assert_true(fabs(measured.ladder.error[LADDER_MEAN] / error - 1) < 1e-5);
  for (int rung = 0; rung < LADDER_COUNT; rung++) assert_true(rung == LADDER_MEAN || isnan(measured.ladder.mse[rung]));
  discard(&file);
}

/* Values without a validation split have the checksum that they had before there were any: this one. */
static void checksum_stays(void **state) {
  (void)state;
  struct file file = make(TRAIN, TEST);
  const struct measured measured = measure(&file);
  assert_string_equal("20fb680eb4be9506e403c2c162c9d582", measured.checksum);
  discard(&file);
}

static void expect_known(const struct file *file, const struct measured *before, bool same) {
  const struct measured now = measure(file);
  assert_true((strcmp(now.checksum, before->checksum) == 0) == same);
}

static void checksum_knows_the_frames(void **state) {
  (void)state;
  struct file file = make(TRAIN, TEST);
  const struct measured before = measure(&file);
  file.type = STORE_F64;
  expect_known(&file, &before, true);
  for (int split = 0; split <= SPLIT_TEST; split++) {
    double *last = file.value[split] + count_of(&file, split) - 1;
    *last += 1.0 / 4096;
    expect_known(&file, &before, false);
    *last -= 1.0 / 4096;
  }
  struct file other = file;
  other.extent[1] = 3;
  other.extent[2] = 2;
  expect_known(&other, &before, false);
  other = file;
  other.rollouts[1] = TEST - 1;
  expect_known(&other, &before, false);
  expect_known(&file, &before, true);
  discard(&file);
}

/* Its frames and how many there are, while what is measured of the others stays. */
static void checksum_knows_the_validation_split(void **state) {
  (void)state;
  struct file two = make(TRAIN, TEST), three = make_three(LADDER_MAX + 1);
  const struct measured without = measure(&two), before = measure(&three);
  double *last = three.value[SPLIT_VALIDATION] + count_of(&three, SPLIT_VALIDATION) - 1;
  assert_string_not_equal(without.checksum, before.checksum);
  assert_memory_equal(&without.ladder.mse[LADDER_MEAN], &before.ladder.mse[LADDER_MEAN], sizeof(double));
  *last = *last > 0.5 ? 0 : 1; /* beyond those that are looked at */
  expect_known(&three, &before, true);
  last -= FRAMES * VALUES;
  *last = *last > 0.5 ? 0 : 1;
  expect_known(&three, &before, false);
  *last = 1.5;
  write_file(&three);
  struct dataset data;
  struct measured measured;
  assert_ok(dataset_open(&world, path, &data));
  assert_status(STATUS_FILE, ladder_measure_frames(&world, &data, &measured.ladder, measured.checksum));
  assert_message("/validation/frames: rollout 9999 has the value 1.5");
  dataset_close(&data);
  discard(&two);
  discard(&three);
}

static void rollouts_beyond_the_first_are_left_out(void **state) {
  (void)state;
  for (int split = 0; split <= SPLIT_TEST; split++) {
    struct file file = make(split == SPLIT_TRAIN ? LADDER_MAX + 1 : 2, split == SPLIT_TEST ? LADDER_MAX + 1 : 2);
    const struct measured before = measure(&file);
    double *last = file.value[split] + count_of(&file, split) - 1;
    *last = *last > 0.5 ? 0 : 1;
    const struct measured now = measure(&file);
    assert_memory_equal(&now.ladder.mse[LADDER_MEAN], &before.ladder.mse[LADDER_MEAN], sizeof(double));
    assert_string_equal(now.checksum, before.checksum);
    last -= FRAMES * VALUES;
    *last = *last > 0.5 ? 0 : 1;
    expect_known(&file, &before, false);
    discard(&file);
  }
}

/* On one rank only, and all are told. */
static void values_out_of_range_are_refused(void **state) {
  (void)state;
  struct dataset data;
  struct ladder ladder;
  char checksum[CHECKSUM_TEXT];
  for (int split = 0; split <= SPLIT_TEST; split++) {
    struct file file = make(TRAIN, TEST);
    file.value[split][count_of(&file, split) - 1] = split == SPLIT_TRAIN ? 1.5 : (double)NAN;
    write_file(&file);
    assert_ok(dataset_open(&world, path, &data));
    assert_status(STATUS_FILE, ladder_measure_frames(&world, &data, &ladder, checksum));
    assert_message(split == SPLIT_TRAIN ? "/train/frames: rollout 6 has the value 1.5"
                                        : "/test/frames: rollout 4 has the value");
    dataset_close(&data);
    discard(&file);
  }
}

int main(int argc, char **argv) {
  if (ranks_begin(argc, argv) != 0) return 1;
  snprintf(path, sizeof path, "frames_n%d.h5", world.size);
  const struct CMUnitTest tests[] = {cmocka_unit_test(mean_image_is_what_plain_sums_say),
                                     cmocka_unit_test(checksum_stays),
                                     cmocka_unit_test(checksum_knows_the_frames),
                                     cmocka_unit_test(checksum_knows_the_validation_split),
                                     cmocka_unit_test(rollouts_beyond_the_first_are_left_out),
                                     cmocka_unit_test(values_out_of_range_are_refused)};
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  delete_file(path);
  return ranks_end(failed);
}
