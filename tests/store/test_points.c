/* Data sets of points on any number of ranks: the same contents and checksum as one rank alone, damage and gaps found
 * and named, files of other makers accepted or refused with the reason. */
#include "ranks.h"
#include "store/dataset.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>

enum { TRAIN = 45, TEST = 6, VALIDATION = 6, DIMENSION = 3 };

static const char yaml[] = "seed: 3\n"
                           "density: {name: gaussian, dimension: 3, width: 2}\n"
                           "data: {train: 45, test: 6}\n";

static struct config *config;
static char path[64];
static const int64_t counts[SPLIT_COUNT] = {TRAIN, TEST, VALIDATION}; /* the last by default */

/* ---- making ---- */

static double value(enum split split, int64_t point, int64_t i) {
  return sqrt((double)(2 + split)) * (double)(point + 1) - 0.37 * (double)i;
}

static void create(const struct comm *comm, struct dataset *dataset) {
  static const char *const names[DIMENSION] = {"x0", "x1", "x2"}, *const units[DIMENSION] = {"1", "1", "1"};
  const struct dataset_parameter parameters[] = {{"width", NULL, 2}, {"entropy", "nat", NAN}};
  const struct dataset_shape shape = {.coordinates = DIMENSION,
                                      .coordinate_names = names,
                                      .coordinate_units = units,
                                      .parameters = parameters,
                                      .parameter_count = 2};
  assert_ok(dataset_create(comm, path, config, &shape, dataset));
}

static void write_points(struct dataset *dataset, enum split split, int64_t first, int64_t count) {
  double points[TRAIN * DIMENSION], log_density[TRAIN];
  for (int64_t i = 0; i < count; i++) {
    for (int d = 0; d < DIMENSION; d++) points[i * DIMENSION + d] = value(split, first + i, d);
    log_density[i] = value(split, first + i, 50);
  }
  assert_ok(dataset_write_points(dataset, split, first, count, points, log_density));
}

static void make(const struct comm *comm, char text[CHECKSUM_TEXT]) {
  const struct dataset_parameter entropy = {"entropy", NULL, 6.25};
  struct dataset dataset;
  create(comm, &dataset);
  for (unsigned split = 0; split < SPLIT_COUNT; split++) {
    int64_t first, count;
    comm_share(counts[split], comm->size, comm->rank, &first, &count);
    write_points(&dataset, split, first, count);
  }
  assert_ok(dataset_write_parameters(&dataset, &entropy, 1));
  assert_ok(dataset_commit(&dataset));
  if (!text) return;
  assert_ok(dataset_open(comm, path, &dataset));
  assert_ok(dataset_checksum(&dataset, text));
  dataset_close(&dataset);
}

/* ---- whole files ---- */

static void round_trip(void **state) {
  (void)state;
  struct dataset dataset;
  double points[TRAIN * DIMENSION], log_density[TRAIN], number;
  make(&world, NULL);
  assert_ok(dataset_open(&world, path, &dataset));
  assert_true(dataset.has_points && dataset.has_densities && !dataset.has_states && !dataset.has_frames);
  assert_true(dataset.frames == 1 && dataset.coordinates == DIMENSION && isnan(dataset.dt));
  assert_true(dataset.height == 0 && dataset.width == 0 && dataset.channels == 0 && !dataset.validation_from_train);
  assert_string_equal(dataset_item(&dataset), "point");
  assert_ok(dataset_verify(&dataset));
  for (unsigned split = 0; split < SPLIT_COUNT; split++) {
    const int64_t count = counts[split];
    assert_int_equal(count, dataset.rollouts[split]);
    assert_ok(dataset_read_points(&dataset, split, 1, count - 1, points, log_density));
    for (int64_t i = 1; i < count; i++) {
      for (int d = 0; d < DIMENSION; d++) assert_true(points[(i - 1) * DIMENSION + d] == value(split, i, d));
      assert_true(log_density[i - 1] == value(split, i, 50));
    }
    assert_ok(dataset_read_points(&dataset, split, 0, count, points, NULL));
    assert_status(STATUS_ARGUMENT, dataset_read_points(&dataset, split, 1, count, points, NULL));
  }
  assert_ok(dataset_parameter(&dataset, "entropy", &number));
  assert_true(number == 6.25);
  assert_ok(dataset_parameter(&dataset, "width", &number));
  assert_true(number == 2);
  assert_ok(dataset_parameter(&dataset, "hmc_ess", &number));
  assert_true(isnan(number));
  assert_ok(dataset_ladder(&dataset, "floor", &number, log_density));
  assert_true(isnan(number));
  assert_status(STATUS_UNAVAILABLE, dataset_read(&dataset, SPLIT_TEST, 0, 1, points, NULL));
  assert_status(STATUS_UNAVAILABLE, dataset_read_frames(&dataset, SPLIT_TEST, 0, 1, NULL));
  dataset_close(&dataset);
  delete_file(path);
}

/* On any number of ranks this, which is part of the format. */
static void checksum_of_one_rank(void **state) {
  (void)state;
  char together[CHECKSUM_TEXT], alone[CHECKSUM_TEXT];
  make(&world, together);
  delete_file(path);
  if (world.rank == 0) make(&self, alone);
  delete_file(path);
  if (world.rank == 0) assert_string_equal(together, alone);
}

static void incomplete_is_refused(void **state) {
  (void)state;
  struct dataset dataset;
  double points[DIMENSION] = {0, 1, 2}, log_density[1] = {-1};
  create(&world, &dataset);
  if (world.rank == 0) write_points(&dataset, SPLIT_TRAIN, 0, TRAIN - 1);
  assert_status(STATUS_ARGUMENT, dataset_commit(&dataset));
  assert_message("train: 44 of 45 points were written");
  assert_int_equal(-1, access(path, F_OK));
  MPI_Barrier(world.mpi);
  create(&world, &dataset);
  assert_status(STATUS_ARGUMENT, dataset_write(&dataset, SPLIT_TEST, 0, 1, points, log_density));
  assert_message("was created without states");
  assert_status(STATUS_ARGUMENT, dataset_write_points(&dataset, SPLIT_TEST, TEST, 1, points, log_density));
  log_density[0] = -INFINITY;
  assert_status(STATUS_NUMERIC, dataset_write_points(&dataset, SPLIT_TEST, 4, 1, points, log_density));
  assert_message("/test/log_density: point 4 is not finite");
  points[2] = NAN;
  assert_status(STATUS_NUMERIC, dataset_write_points(&dataset, SPLIT_TEST, 3, 1, points, log_density));
  assert_message("/test/points: point 3 is not finite");
  dataset_close(&dataset);
  MPI_Barrier(world.mpi);
}

/* ---- damage ---- */

/* Collective. Writes over the bytes of a data set within the finished file; what was there goes to `old`. */
static void exchange(const char *name, off_t at, const void *bytes, size_t count, void *old) {
  MPI_Barrier(world.mpi); /* all have read what was there */
  if (world.rank == 0) {
    struct store_file file;
    assert_ok(store_open(&self, path, &file));
    hid_t set = H5Dopen2(file.id, name, H5P_DEFAULT);
    assert_true(set >= 0);
    off_t offset = (off_t)H5Dget_offset(set);
    H5Dclose(set);
    store_close(&file);
    int descriptor = open(path, O_RDWR);
    assert_true(descriptor >= 0 && pread(descriptor, old, count, offset + at) == (ssize_t)count);
    assert_true(pwrite(descriptor, bytes, count, offset + at) == (ssize_t)count);
    close(descriptor);
  }
  MPI_Barrier(world.mpi);
}

static void refuse_verify(const char *message) {
  struct dataset dataset;
  enum status status = dataset_open(&world, path, &dataset);
  if (status == STATUS_OK) status = dataset_verify(&dataset);
  assert_status(STATUS_FILE, status);
  assert_message(message);
  dataset_close(&dataset);
}

static void damage_is_named(void **state) {
  (void)state;
  static const struct {
    const char *name, *message;
    off_t at;
  } cases[] = {
      {"/train/points", "point 44 of train_points", 8 * DIMENSION * 44 + 7},
      {"/train/log_density", "point 0 of train_log_density", 0},
      {"/test/points", "point 5 of test_points", 8 * DIMENSION * TEST - 1},
      {"/validation/log_density", "point 2 of validation_log_density", 8 * 2 + 3},
      {"/checksum/rollouts/test_log_density", "point 3 of test_log_density", 16 * 3 + 2},
      {"/parameters/entropy", "content", 6},
      {"/coordinate", "content", 0},
  };
  make(&world, NULL);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char old = 0, damaged;
    exchange(cases[i].name, cases[i].at, "\x21", 1, &old);
    refuse_verify("checksum mismatch");
    refuse_verify(cases[i].message);
    exchange(cases[i].name, cases[i].at, &old, 1, &damaged);
  }
  struct dataset dataset;
  assert_ok(dataset_open(&world, path, &dataset));
  assert_ok(dataset_verify(&dataset));
  dataset_close(&dataset);
  delete_file(path);
}

/* What is read between damage and verification is refused when it is read; what is whole is not. */
static void damage_when_read(void **state) {
  (void)state;
  struct dataset dataset;
  const double nothing = NAN;
  double points[TEST * DIMENSION], log_density[TEST], old;
  char byte;
  make(&world, NULL);
  assert_ok(dataset_open(&world, path, &dataset));
  exchange("/test/points", 8 * DIMENSION * 2 + 3, "\x21", 1, &byte);
  exchange("/test/log_density", 8 * 4 + 3, "\x21", 1, &byte);
  exchange("/validation/points", 8 * DIMENSION + 8, &nothing, sizeof nothing, &old);
  assert_ok(dataset_read_points(&dataset, SPLIT_TEST, 0, 2, points, log_density));
  assert_status(STATUS_FILE, dataset_read_points(&dataset, SPLIT_TEST, 0, TEST, points, NULL));
  assert_message("checksum mismatch: point 2 of test_points is not what was written");
  assert_ok(dataset_read_points(&dataset, SPLIT_TEST, 3, 3, points, NULL));
  assert_status(STATUS_FILE, dataset_read_points(&dataset, SPLIT_TEST, 3, 3, points, log_density));
  assert_message("point 4 of test_log_density");
  assert_status(STATUS_FILE, dataset_read_points(&dataset, SPLIT_VALIDATION, 0, 2, points, NULL));
  assert_message("/validation/points: point 1 is missing");
  dataset_close(&dataset);
  delete_file(path);
}

/* ---- made elsewhere ---- */

struct foreign {
  enum store_type type;
  int64_t dimension; /* of training points; of test points `test` */
  int64_t test;      /* 0: none */
  int64_t validation;
  double odd; /* the second coordinate of training point 7 */
  bool frames;
};

enum { FOREIGN_MOST = TRAIN * (DATASET_DIMENSION_MAX + 1) };

static double foreign_value(int64_t i) { return (double)(i + 1) / 64; }

static void make_foreign(const struct foreign *foreign) {
  static double wide[FOREIGN_MOST];
  static float narrow[FOREIGN_MOST];
  static int64_t whole[FOREIGN_MOST];
  static unsigned char bytes[FOREIGN_MOST];
  const void *const data[STORE_TYPE_COUNT] = {wide, narrow, whole, bytes};
  const int64_t dimension[SPLIT_COUNT] = {foreign->dimension, foreign->test, foreign->validation};
  struct store_file file;
  delete_file(path);
  assert_ok(store_create(&world, path, &file));
  for (unsigned split = 0; split < SPLIT_COUNT; split++) {
    const int64_t extent[2] = {counts[split], dimension[split]};
    char name[32];
    if (dimension[split] == 0) continue;
    for (int64_t i = 0; i < extent[0] * extent[1]; i++) {
      wide[i] = foreign_value(i);
      if (split == SPLIT_TRAIN && i == 7 * extent[1] + 1) wide[i] = foreign->odd;
      narrow[i] = (float)wide[i];
    }
    snprintf(name, sizeof name, "/%s/points", split_name[split]);
    assert_ok(store_dataset(&file, name, foreign->type, 2, extent, NULL, NULL));
    assert_ok(store_write(&file, name, 0, world.rank == 0 ? extent[0] : 0, data[foreign->type]));
  }
  if (foreign->frames) {
    const int64_t extent[5] = {3, 2, 4, 4, 1};
    assert_ok(store_dataset(&file, "/test/frames", STORE_U8, 5, extent, NULL, NULL));
    assert_ok(store_write(&file, "/test/frames", 0, world.rank == 0 ? 3 : 0, bytes));
  }
  assert_ok(store_commit(&file));
}

static void points_made_elsewhere(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    const bool own = i == 1; /* a validation split of its own; else the last two of 45 */
    struct dataset dataset;
    double points[TRAIN * 2], log_density[TRAIN];
    char text[CHECKSUM_TEXT];
    make_foreign(&(struct foreign){i ? STORE_F32 : STORE_F64, 2, 2, own ? 2 : 0, -0.75, false});
    assert_ok(dataset_open(&world, path, &dataset));
    assert_true(!dataset.config && dataset.has_points && !dataset.has_densities && !dataset.has_frames);
    assert_true(dataset.coordinates == 2 && dataset.frames == 1 && isnan(dataset.dt));
    assert_true(dataset.rollouts[SPLIT_TRAIN] == (own ? 45 : 43) && dataset.rollouts[SPLIT_TEST] == TEST);
    assert_true(dataset.rollouts[SPLIT_VALIDATION] == (own ? 6 : 2) && dataset.validation_from_train == !own);
    assert_ok(dataset_read_points(&dataset, SPLIT_TRAIN, 7, 2, points, log_density));
    assert_true(points[0] == foreign_value(14) && points[1] == -0.75 && points[3] == foreign_value(17));
    assert_true(isnan(log_density[0]) && isnan(log_density[1]));
    assert_ok(dataset_read_points(&dataset, SPLIT_VALIDATION, 1, 1, points, NULL));
    assert_true(points[0] == foreign_value(own ? 2 : 88));
    assert_status(STATUS_UNAVAILABLE, dataset_checksum(&dataset, text));
    assert_ok(dataset_parameter(&dataset, "entropy", &points[0]));
    assert_true(isnan(points[0]));
    assert_ok(dataset_verify(&dataset));
    dataset_close(&dataset);
  }
  delete_file(path);
}

/* Found when it is read, and when all is. */
static void points_that_are_none(void **state) {
  (void)state;
  const double odd[] = {NAN, INFINITY, -INFINITY};
  for (int i = 0; i < 3; i++) {
    struct dataset dataset;
    double points[TRAIN * 2];
    make_foreign(&(struct foreign){i % 2 ? STORE_F32 : STORE_F64, 2, 2, 0, odd[i], false});
    assert_ok(dataset_open(&world, path, &dataset));
    assert_ok(dataset_read_points(&dataset, SPLIT_TRAIN, 0, 7, points, NULL));
    assert_status(STATUS_FILE, dataset_read_points(&dataset, SPLIT_TRAIN, 3, 9, points, NULL));
    assert_message("/train/points: point 7 has the value");
    assert_message("in coordinate 1");
    assert_status(STATUS_FILE, dataset_verify(&dataset));
    assert_message("/train/points: point 7 has the value");
    dataset_close(&dataset);
  }
  /* The fill value, which is 0 where none was asked for. */
  struct dataset dataset;
  double old[2], points[2];
  const double nothing[2] = {0, 0};
  make_foreign(&(struct foreign){STORE_F64, 2, 2, 0, 1, false});
  exchange("/test/points", 16 * 3, nothing, sizeof nothing, old);
  assert_ok(dataset_open(&world, path, &dataset));
  assert_ok(dataset_read_points(&dataset, SPLIT_TEST, 2, 1, points, NULL));
  assert_status(STATUS_FILE, dataset_read_points(&dataset, SPLIT_TEST, 3, 1, points, NULL));
  assert_message("/test/points: point 3 was never written");
  assert_status(STATUS_FILE, dataset_verify(&dataset));
  assert_message("/test/points: point 3 was never written");
  dataset_close(&dataset);
  delete_file(path);
}

static void files_of_other_shapes(void **state) {
  (void)state;
  static const struct {
    struct foreign foreign;
    const char *message;
  } cases[] = {
      {{STORE_F64, 2, 0, 0, 1, false}, "is not a data set: it has /train/points, but not /test/points"},
      {{STORE_F64, 0, 2, 2, 1, false}, "is not a data set"},
      {{STORE_F64, 2, 2, 0, 1, true}, "holds both frames and points"},
      {{STORE_F64, 2, 3, 0, 1, false}, "/test/points has extent 3 in dimension 1 where /train/points has 2"},
      {{STORE_F64, 2, 2, 1, 1, false}, "/validation/points has extent 1 in dimension 1"},
      {{STORE_F64, 65, 65, 0, 1, false}, "/train/points are of 65 coordinates, more than 64"},
      {{STORE_I64, 2, 2, 0, 1, false}, "/train/points holds 64-bit integers, not f32 or f64"},
      {{STORE_U8, 2, 2, 0, 1, false}, "/train/points holds bytes, not f32 or f64"},
  };
  struct dataset dataset;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    make_foreign(&cases[i].foreign);
    assert_status(STATUS_FILE, dataset_open(&world, path, &dataset));
    assert_message(cases[i].message);
    assert_message(path);
    assert_true(dataset.file.id == 0);
  }
  make_foreign(&(struct foreign){STORE_F32, DATASET_DIMENSION_MAX, DATASET_DIMENSION_MAX, 0, 1, false});
  assert_ok(dataset_open(&world, path, &dataset));
  dataset_close(&dataset);
  delete_file(path);
}

/* Another program changes a file that is open: what is read then is not what was opened. */
static void changed_meanwhile(void **state) {
  (void)state;
  struct dataset dataset;
  double points[2];
  make_foreign(&(struct foreign){STORE_F64, 2, 2, 0, 1, false});
  assert_ok(dataset_open(&world, path, &dataset));
  assert_ok(dataset_read_points(&dataset, SPLIT_TEST, 1, 1, points, NULL));
  MPI_Barrier(world.mpi);
  if (world.rank == 0) {
    const int descriptor = open(path, O_WRONLY | O_APPEND);
    assert_true(descriptor >= 0 && write(descriptor, "x", 1) == 1);
    close(descriptor);
  }
  MPI_Barrier(world.mpi);
  assert_status(STATUS_FILE, dataset_read_points(&dataset, SPLIT_TEST, 1, 1, points, NULL));
  assert_message("another program has changed it");
  dataset_close(&dataset);
  delete_file(path);
}

/* A configuration of a density and the arrays of a system, or of another dimension: not what was written. */
static void arrays_are_those_of_the_configuration(void **state) {
  (void)state;
  struct dataset dataset;
  char *text;
  make(&world, NULL);
  assert_ok(config_text(config, &text));
  const char *dimension = strstr(text, "dimension: 3");
  assert_non_null(dimension);
  char old;
  exchange("/config", dimension - text + 11, "2", 1, &old);
  free(text);
  assert_status(STATUS_FILE, dataset_open(&world, path, &dataset));
  assert_message("/train/points has extent 3 in dimension 1, its configuration says 2");
  delete_file(path);
  make(&world, NULL);
  if (world.rank == 0) {
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0 && H5Ldelete(file, "/test/log_density", H5P_DEFAULT) >= 0);
    H5Fclose(file);
  }
  MPI_Barrier(world.mpi);
  assert_status(STATUS_FILE, dataset_open(&world, path, &dataset));
  assert_message("/test/log_density is missing");
  delete_file(path);
}

int main(int argc, char **argv) {
  if (ranks_begin(argc, argv) != 0) return 1;
  if (config_parse("test.yaml", yaml, sizeof yaml - 1, NULL, 0, &config) != STATUS_OK) return 1;
  snprintf(path, sizeof path, "points_n%d.h5", world.size);
  delete_file(path);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(round_trip),
      cmocka_unit_test(checksum_of_one_rank),
      cmocka_unit_test(incomplete_is_refused),
      cmocka_unit_test(damage_is_named),
      cmocka_unit_test(damage_when_read),
      cmocka_unit_test(points_made_elsewhere),
      cmocka_unit_test(points_that_are_none),
      cmocka_unit_test(files_of_other_shapes),
      cmocka_unit_test(changed_meanwhile),
      cmocka_unit_test(arrays_are_those_of_the_configuration),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  config_destroy(&config);
  return ranks_end(failed);
}
