/* Data sets on any number of ranks: the same contents and checksum as one rank alone, damage and gaps found and named,
 * files of other makers accepted or refused with the reason. */
#include "store/dataset.h"
#include "store/dataset_parts.h"
#include "testing.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRAIN = 7, TEST = 4, VALIDATION = 4, FRAMES = 6, COORDINATES = 2, SIDE = 5, IMAGES = FRAMES * SIDE * SIDE };

static const char yaml[] = "seed: 3\n"
                           "system: {name: mass_spring, mass: 0.5, stiffness: 2}\n"
                           "initial: {radius: [0.1, 1]}\n"
                           "data: {train: 7, test: 4, frames: 6, dt: 0.125, noise: 0.1}\n"
                           "render: {renderer: soft, color: grey, height: 5, width: 5, world: 2, radius: 0.3}\n";

static struct comm world, self;
static struct config *config;
static char path[64];

static const int64_t rollouts[SPLIT_COUNT] = {TRAIN, TEST, VALIDATION}; /* the last by default */

static void assert_says(const char *part) {
  if (!strstr(status_message(), part)) fail_msg("'%s' is not in '%s'", part, status_message());
}

static void delete_file(void) {
  MPI_Barrier(world.mpi);
  if (world.rank == 0) unlink(path);
  MPI_Barrier(world.mpi);
}

/* ---- making ---- */

static double value(enum split split, int64_t rollout, int64_t i) {
  return sqrt((double)(1 + split)) * (double)(rollout + 1) - 0.37 * (double)i;
}

static unsigned char pixel(enum split split, int64_t rollout, int64_t i) {
  return (unsigned char)(split * 50 + rollout * 11 + i);
}

static void create(const struct comm *comm, bool frames, struct dataset *dataset) {
  static const char *const names[COORDINATES] = {"q", "p"}, *const units[COORDINATES] = {"m", "kg m/s"};
  static const struct dataset_parameter parameters[] = {{"mass", "kg", 0.5}, {"stiffness", "N/m", 2}};
  static const char *const rungs[] = {"floor", "mean_image"};
  const struct dataset_shape shape = {COORDINATES, names, units, parameters, 2, rungs, 2, frames};
  assert_ok(dataset_create(comm, path, config, &shape, dataset));
}

static void write_states(struct dataset *dataset, enum split split, int64_t rollout) {
  double states[FRAMES * COORDINATES], energy[FRAMES];
  for (int i = 0; i < FRAMES * COORDINATES; ++i) states[i] = value(split, rollout, i);
  for (int i = 0; i < FRAMES; ++i) energy[i] = value(split, rollout, 100 + i);
  assert_ok(dataset_write(dataset, split, rollout, 1, states, energy));
}

/* Each rank its share, one rollout at a time, in reverse. */
static void write_share(struct dataset *dataset, bool frames) {
  const struct comm *comm = dataset->file.comm;
  for (unsigned split = 0; split < SPLIT_COUNT; ++split) {
    int64_t first, count;
    comm_share(rollouts[split], comm->size, comm->rank, &first, &count);
    for (int64_t i = count; i-- > 0;) write_states(dataset, split, first + i);
    if (!frames) continue;
    unsigned char images[TRAIN * IMAGES];
    for (int64_t r = 0; r < count; ++r)
      for (int64_t i = 0; i < IMAGES; ++i) images[r * IMAGES + i] = pixel(split, first + r, i);
    assert_ok(dataset_write_frames(dataset, split, first, count, images));
  }
  const struct dataset_rung rungs[] = {{"floor", 7e-4, 1e-5}, {"mean_image", 8e-3, 2e-5}};
  assert_ok(dataset_write_ladder(dataset, rungs, 2));
}

static void make(const struct comm *comm, bool frames, char text[CHECKSUM_TEXT]) {
  struct dataset dataset;
  create(comm, frames, &dataset);
  write_share(&dataset, frames);
  assert_ok(dataset_commit(&dataset));
  if (!text) return;
  assert_ok(dataset_open(comm, path, &dataset));
  assert_ok(dataset_checksum(&dataset, text));
  dataset_close(&dataset);
}

/* ---- whole files ---- */

static void test_round_trip(void **state) {
  (void)state;
  for (int frames = 0; frames < 2; ++frames) {
    struct dataset dataset;
    make(&world, frames, NULL);
    assert_ok(dataset_open(&world, path, &dataset));
    assert_true(dataset.has_states && dataset.has_frames == frames);
    assert_true(dataset.frames == FRAMES && dataset.coordinates == COORDINATES && dataset.dt == 0.125);
    assert_true(dataset.height == SIDE && dataset.width == SIDE && dataset.channels == 1);
    assert_true(config_experiment(dataset.config)->seed == 3);
    assert_ok(dataset_verify(&dataset));
    for (unsigned split = 0; split < SPLIT_COUNT; ++split) {
      double states[TRAIN * FRAMES * COORDINATES], energy[TRAIN * FRAMES];
      assert_int_equal(rollouts[split], dataset.rollouts[split]);
      assert_ok(dataset_read(&dataset, split, 1, rollouts[split] - 1, states, energy));
      for (int64_t r = 1; r < rollouts[split]; ++r) {
        for (int64_t i = 0; i < FRAMES * COORDINATES; ++i)
          assert_true(states[(r - 1) * FRAMES * COORDINATES + i] == value(split, r, i));
        for (int64_t i = 0; i < FRAMES; ++i) assert_true(energy[(r - 1) * FRAMES + i] == value(split, r, 100 + i));
      }
      if (!frames) continue;
      float images[TRAIN * IMAGES];
      assert_ok(dataset_read_frames(&dataset, split, 0, rollouts[split], images));
      for (int64_t r = 0; r < rollouts[split]; ++r)
        for (int64_t i = 0; i < IMAGES; ++i) assert_true(images[r * IMAGES + i] == (float)pixel(split, r, i) / 255.0F);
    }
    double mse, error;
    assert_ok(dataset_ladder(&dataset, "mean_image", &mse, &error));
    assert_true(mse == 8e-3 && error == 2e-5);
    assert_ok(dataset_ladder(&dataset, "absent", &mse, &error));
    assert_true(isnan(mse) && isnan(error));
    if (!frames) assert_status(STATUS_UNAVAILABLE, dataset_read_frames(&dataset, SPLIT_TEST, 0, 1, NULL));
    assert_status(STATUS_ARGUMENT, dataset_read(&dataset, SPLIT_TEST, 0, TEST + 1, NULL, NULL));
    dataset_close(&dataset);
    dataset_close(&dataset);
    delete_file();
  }
}

static void test_checksum_of_one_rank(void **state) {
  (void)state;
  char text[2][2][CHECKSUM_TEXT] = {{""}};
  for (int frames = 0; frames < 2; ++frames) {
    make(&world, frames, text[frames][0]);
    delete_file();
    if (world.rank == 0) make(&self, frames, text[frames][1]);
    delete_file();
    if (world.rank == 0) assert_string_equal(text[frames][0], text[frames][1]);
    assert_int_equal(CHECKSUM_TEXT - 1, strlen(text[frames][0]));
  }
  assert_string_not_equal(text[0][0], text[1][0]);
}

static void test_incomplete_is_refused(void **state) {
  (void)state;
  struct dataset dataset;
  create(&world, false, &dataset);
  if (world.rank == 0) write_states(&dataset, SPLIT_TRAIN, 2);
  assert_status(STATUS_ARGUMENT, dataset_commit(&dataset));
  assert_says("train: 1 of 7 rollouts' states were written");
  assert_int_equal(-1, access(path, F_OK));
  MPI_Barrier(world.mpi);
  create(&world, false, &dataset);
  double states[FRAMES * COORDINATES] = {0}, energy[FRAMES] = {0};
  states[3] = INFINITY;
  assert_status(STATUS_NUMERIC, dataset_write(&dataset, SPLIT_TEST, 3, 1, states, energy));
  assert_says("rollout 3");
  assert_status(STATUS_ARGUMENT, dataset_write(&dataset, SPLIT_TEST, TEST, 1, states, energy));
  assert_status(STATUS_ARGUMENT, dataset_write_frames(&dataset, SPLIT_TEST, 0, 0, NULL));
  dataset_close(&dataset);
  assert_int_equal(-1, access(path, F_OK));
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

static void patch(const char *name, off_t at, const void *bytes, size_t count) {
  char old[8];
  exchange(name, at, bytes, count, old);
}

/* When it is opened already, or when it is verified. */
static void refuse_verify(const char *message) {
  struct dataset dataset;
  enum status status = dataset_open(&world, path, &dataset);
  if (status == STATUS_OK) status = dataset_verify(&dataset);
  assert_status(STATUS_FILE, status);
  assert_says(message);
  dataset_close(&dataset);
}

static void test_damage_is_named(void **state) {
  (void)state;
  static const struct {
    const char *name, *message;
    off_t at;
  } cases[] = {
      {"/train/state", "train_state", 8 * FRAMES * COORDINATES * 6 + 7},
      {"/train/energy", "train_energy", 0},
      {"/test/state", "test_state", 9},
      {"/test/energy", "test_energy", 8 * FRAMES * TEST - 1},
      {"/validation/state", "validation_state", 8 * FRAMES * COORDINATES * VALIDATION - 1},
      {"/validation/energy", "validation_energy", 17},
      {"/checksum/rollouts/validation_state", "rollout 3 of validation_state", 16 * 3 + 2},
      {"/ladder/floor", "content", 8},
      {"/parameters/mass", "content", 1},
      {"/time", "content", 8},
      {"/coordinate", "content", 0},
  };
  make(&world, false, NULL);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char old = 0, damaged;
    exchange(cases[i].name, cases[i].at, "\x21", 1, &old);
    refuse_verify(cases[i].message);
    assert_says("checksum mismatch");
    exchange(cases[i].name, cases[i].at, &old, 1, &damaged);
  }
  struct dataset dataset;
  assert_ok(dataset_open(&world, path, &dataset));
  assert_ok(dataset_verify(&dataset));
  dataset_close(&dataset);
  delete_file();
}

static void test_missing_record(void **state) {
  (void)state;
  const double nothing = NAN;
  struct dataset dataset;
  make(&world, false, NULL);
  patch("/test/state", 8 * FRAMES * COORDINATES * 2 + 8, &nothing, sizeof nothing);
  refuse_verify("/test/state: rollout 2 is missing");
  double states[TEST * FRAMES * COORDINATES];
  assert_ok(dataset_open(&world, path, &dataset));
  assert_status(STATUS_FILE, dataset_read(&dataset, SPLIT_TEST, 1, 3, states, NULL));
  assert_says("/test/state: rollout 2 is missing");
  assert_ok(dataset_read(&dataset, SPLIT_TEST, 0, 2, states, NULL));
  dataset_close(&dataset);
  delete_file();
}

/* Damage between opening and reading, which is when it matters: only what is wrong is refused. */
static void test_damage_when_read(void **state) {
  (void)state;
  struct dataset dataset;
  double states[TEST * FRAMES * COORDINATES], energy[TEST * FRAMES];
  make(&world, false, NULL);
  assert_ok(dataset_open(&world, path, &dataset));
  assert_true(dataset.has_sums);
  patch("/test/state", 8 * FRAMES * COORDINATES * 2 + 3, "\x21", 1);
  patch("/test/energy", 8 * FRAMES * 3, "\x21", 1);
  assert_ok(dataset_read(&dataset, SPLIT_TEST, 0, 2, states, energy));
  assert_status(STATUS_FILE, dataset_read(&dataset, SPLIT_TEST, 0, TEST, states, NULL));
  assert_says("checksum mismatch: rollout 2 of test_state is not what was written");
  assert_ok(dataset_read(&dataset, SPLIT_TEST, 3, 1, states, NULL));
  assert_status(STATUS_FILE, dataset_read(&dataset, SPLIT_TEST, 3, 1, states, energy));
  assert_says("rollout 3 of test_energy");
  dataset_close(&dataset);
  delete_file();
}

/* Root only. */
static void drop_link(const char *name) {
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  assert_true(file >= 0 && H5Ldelete(file, name, H5P_DEFAULT) >= 0);
  H5Fclose(file);
}

/* Root only. As older versions wrote them. */
static void drop_rollout_sums(void) { drop_link("/checksum/rollouts"); }

static void test_without_rollout_sums(void **state) {
  (void)state;
  struct dataset dataset;
  double states[TEST * FRAMES * COORDINATES];
  make(&world, false, NULL);
  if (world.rank == 0) drop_rollout_sums();
  MPI_Barrier(world.mpi);
  assert_ok(dataset_open(&world, path, &dataset));
  assert_false(dataset.has_sums);
  assert_ok(dataset_verify(&dataset));
  assert_ok(dataset_read(&dataset, SPLIT_TEST, 1, 2, states, NULL));
  patch("/test/state", 8 * FRAMES * COORDINATES * 2 + 3, "\x21", 1);
  assert_status(STATUS_FILE, dataset_read(&dataset, SPLIT_TEST, 1, 2, states, NULL));
  assert_says("rollout 2 of test_state");
  dataset_close(&dataset);
  assert_status(STATUS_FILE, dataset_open(&world, path, &dataset)); /* whole, or not at all */
  assert_says("checksum mismatch: test_state has");
  delete_file();
}

/* ---- without a validation split ---- */

static struct checksum read_sum(hid_t file, const char *name) {
  char text[CHECKSUM_TEXT] = "";
  struct checksum sum;
  hid_t set = H5Dopen2(file, name, H5P_DEFAULT), type = H5Dget_type(set);
  assert_true(H5Tget_size(type) < sizeof text && H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) >= 0);
  H5Tclose(type);
  H5Dclose(set);
  assert_int_equal(0, checksum_parse(text, &sum));
  return sum;
}

/* Root only. As older versions wrote them, but for the configuration's text: the split and its checksums are gone, and
 * the content's is that of the others. */
static void drop_validation(bool frames) {
  static const char *const labels[] = {"state", "energy", "frames"};
  const int64_t rollouts_there = VALIDATION;
  struct checksum gone = {{0, 0}}, content;
  char name[64], text[CHECKSUM_TEXT];
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  for (int i = 0; i < (frames ? 3 : 2); ++i) {
    snprintf(name, sizeof name, "/checksum/validation_%s", labels[i]);
    const struct checksum sum = read_sum(file, name);
    checksum_merge(&gone, &sum);
    assert_true(H5Ldelete(file, name, H5P_DEFAULT) >= 0);
    snprintf(name, sizeof name, "/checksum/rollouts/validation_%s", labels[i]);
    if (i < 2) assert_true(H5Ldelete(file, name, H5P_DEFAULT) >= 0);
  }
  assert_true(H5Ldelete(file, "/validation", H5P_DEFAULT) >= 0);
  checksum_add(&gone, checksum_tag("validation"), 0, &rollouts_there, sizeof rollouts_there);
  content = read_sum(file, "/checksum/content");
  for (int i = 0; i < 2; ++i) content.word[i] -= gone.word[i];
  checksum_text(&content, text);
  hid_t set = H5Dopen2(file, "/checksum/content", H5P_DEFAULT), type = H5Dget_type(set);
  assert_true(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) >= 0);
  H5Tclose(type);
  H5Dclose(set);
  H5Fclose(file);
}

/* The last training rollout is the validation split, and no training rollout any more. */
static void check_borrowed(const struct dataset *dataset, bool frames) {
  double states[TRAIN * FRAMES * COORDINATES], energy[TRAIN * FRAMES];
  float images[TRAIN * IMAGES];
  assert_true(dataset->validation_from_train);
  assert_true(dataset->rollouts[SPLIT_TRAIN] == TRAIN - 1 && dataset->rollouts[SPLIT_TEST] == TEST);
  assert_true(dataset->rollouts[SPLIT_VALIDATION] == 1);
  assert_true(dataset_stored(dataset, SPLIT_TRAIN) == TRAIN && dataset_stored(dataset, SPLIT_VALIDATION) == 0);
  assert_ok(dataset_read(dataset, SPLIT_VALIDATION, 0, 1, states, energy));
  for (int64_t i = 0; i < FRAMES * COORDINATES; ++i) assert_true(states[i] == value(SPLIT_TRAIN, TRAIN - 1, i));
  for (int64_t i = 0; i < FRAMES; ++i) assert_true(energy[i] == value(SPLIT_TRAIN, TRAIN - 1, 100 + i));
  assert_ok(dataset_read(dataset, SPLIT_TRAIN, 0, TRAIN - 1, states, energy));
  assert_status(STATUS_ARGUMENT, dataset_read(dataset, SPLIT_TRAIN, 0, TRAIN, states, energy));
  assert_says("train: rollouts 0 to 7 of 6");
  assert_status(STATUS_ARGUMENT, dataset_read(dataset, SPLIT_VALIDATION, 1, 1, states, energy));
  assert_says("validation: rollouts 1 to 2 of 1");
  if (!frames) return;
  assert_ok(dataset_read_frames(dataset, SPLIT_VALIDATION, 0, 1, images));
  for (int64_t i = 0; i < IMAGES; ++i) assert_true(images[i] == (float)pixel(SPLIT_TRAIN, TRAIN - 1, i) / 255.0F);
  assert_status(STATUS_ARGUMENT, dataset_read_frames(dataset, SPLIT_TRAIN, TRAIN - 1, 1, images));
}

static void test_without_validation(void **state) {
  (void)state;
  for (int kind = 0; kind < 3; ++kind) { /* the last without checksums of rollouts, as the oldest are */
    struct dataset dataset;
    make(&world, kind == 1, NULL);
    if (world.rank == 0) drop_validation(kind == 1);
    if (world.rank == 0 && kind == 2) drop_rollout_sums();
    MPI_Barrier(world.mpi);
    assert_ok(dataset_open(&world, path, &dataset));
    check_borrowed(&dataset, kind == 1);
    assert_ok(dataset_verify(&dataset));
    patch("/train/state", 8 * FRAMES * COORDINATES * 6 + 3, "\x21", 1);
    double states[FRAMES * COORDINATES];
    assert_status(STATUS_FILE, dataset_read(&dataset, SPLIT_VALIDATION, 0, 1, states, NULL));
    assert_says("rollout 6 of train_state");
    assert_ok(dataset_read(&dataset, SPLIT_TRAIN, 5, 1, states, NULL));
    dataset_close(&dataset);
    delete_file();
  }
}

/* As many as it takes for a twentieth, of which one at least; of a single rollout none. */
static void test_divides(void **state) {
  (void)state;
  static const int64_t cases[][2] = {{1, 0}, {2, 1}, {20, 1}, {39, 1}, {40, 2}, {59, 2}, {60, 3}, {50000, 2500}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    struct dataset dataset;
    dataset_divide(&dataset, cases[i][0], 3, 0);
    assert_true(dataset.validation_from_train && dataset.rollouts[SPLIT_TEST] == 3);
    assert_int_equal(cases[i][1], dataset.rollouts[SPLIT_VALIDATION]);
    assert_int_equal(cases[i][0] - cases[i][1], dataset.rollouts[SPLIT_TRAIN]);
    assert_int_equal(cases[i][0], dataset_stored(&dataset, SPLIT_TRAIN));
    const struct dataset_place place = dataset_place(&dataset, SPLIT_VALIDATION, 5);
    assert_true(place.split == SPLIT_TRAIN && place.rollout == dataset.rollouts[SPLIT_TRAIN] + 5);
    dataset_divide(&dataset, cases[i][0], 3, 2);
    assert_true(!dataset.validation_from_train && dataset_stored(&dataset, SPLIT_VALIDATION) == 2);
    assert_true(dataset.rollouts[SPLIT_TRAIN] == cases[i][0] && dataset.rollouts[SPLIT_VALIDATION] == 2);
  }
}

static void refuse_open(const char *message) {
  struct dataset dataset;
  MPI_Barrier(world.mpi);
  assert_status(STATUS_FILE, dataset_open(&world, path, &dataset));
  assert_says(message);
  assert_says(path);
  assert_true(dataset.file.id == 0 && !dataset.config);
  delete_file();
}

static void set_version(int64_t version) {
  if (world.rank == 0) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_mpio(access, self.mpi, MPI_INFO_NULL);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, access), attribute = H5Aopen(file, "schema_version", H5P_DEFAULT);
    assert_true(H5Awrite(attribute, H5T_NATIVE_INT64, &version) >= 0);
    H5Aclose(attribute);
    H5Fclose(file);
    H5Pclose(access);
  }
}

static void test_refuses_to_open(void **state) {
  (void)state;
  refuse_open("no such file");
  make(&world, false, NULL);
  set_version(2);
  refuse_open("schema version 2 of 'hgn-dataset'; this program reads version 1");
  make(&world, false, NULL);
  if (world.rank == 0) assert_int_equal(0, truncate(path, 3000));
  refuse_open("truncated");
  struct store_file file;
  assert_ok(store_create(&world, path, &file));
  assert_ok(store_attribute_text(&file, "format", "hgn-limit"));
  assert_ok(store_commit(&file));
  refuse_open("is of format 'hgn-limit', not 'hgn-dataset'");
  assert_ok(store_create(&world, path, &file));
  assert_ok(store_commit(&file));
  refuse_open("is not a data set");

  /* A configuration that does not fit its data, and one that is none. */
  char *text;
  assert_ok(config_text(config, &text));
  const char *train = strstr(text, "train: 7");
  assert_non_null(train);
  off_t at = train - text + 7, asked = strstr(text, "validation: 0") - text + 12;
  free(text);
  make(&world, false, NULL);
  patch("/config", at, "8", 1);
  refuse_open("/train/state has extent 7 in dimension 0, its configuration says 8");
  make(&world, false, NULL);
  patch("/config", at, "x", 1);
  refuse_open("h5:/config:");

  /* A validation split that is gone: one that the content's checksum knows of, or that was asked for. */
  make(&world, false, NULL);
  if (world.rank == 0) drop_link("/validation");
  refuse_open("checksum mismatch: content");
  make(&world, false, NULL);
  if (world.rank == 0) drop_validation(false);
  MPI_Barrier(world.mpi);
  patch("/config", asked, "4", 1);
  refuse_open("/validation/state is missing");
  make(&world, true, NULL);
  if (world.rank == 0) drop_link("/validation/frames");
  refuse_open("/validation/frames is missing");
}

/* ---- made elsewhere ---- */

struct foreign {
  enum store_type type;
  int64_t frames, channels;
  double level, step; /* of the values; of /time, whose third value is shifted by `shift` */
  double shift;
  bool test, timed, validation;
};

static void make_foreign(const struct foreign *foreign) {
  struct store_file file;
  int64_t extent[5] = {3, foreign->frames, 4, 4, foreign->channels};
  double time[8];
  double values64[3 * 8 * 16 * 3];
  float values32[3 * 8 * 16 * 3];
  unsigned char values8[3 * 8 * 16 * 3];
  int64_t values[3 * 8 * 16 * 3] = {0};
  for (int i = 0; i < 3 * 8 * 16 * 3; ++i) {
    values64[i] = i == 700 ? foreign->level : 0.25;
    values32[i] = (float)values64[i];
    values8[i] = (unsigned char)(i == 700 ? 255 * foreign->level : 51);
  }
  const void *const data[STORE_TYPE_COUNT] = {values64, values32, values, values8};
  for (int i = 0; i < 8; ++i) time[i] = 1 + i * foreign->step + (i == 2 ? foreign->shift : 0);
  assert_ok(store_create(&world, path, &file));
  for (unsigned split = 0; split < SPLIT_COUNT; ++split) {
    const bool wanted[SPLIT_COUNT] = {true, foreign->test, foreign->validation};
    char name[32];
    if (!wanted[split]) continue;
    snprintf(name, sizeof name, "/%s/frames", split_name[split]);
    extent[0] = split == SPLIT_TEST ? 1 : 3;
    assert_ok(store_dataset(&file, name, foreign->type, 5, extent, NULL, NULL));
    assert_ok(store_write(&file, name, 0, world.rank == 0 ? extent[0] : 0, data[foreign->type]));
  }
  if (foreign->timed) assert_ok(store_scale(&file, "/time", foreign->frames, time, "s", NULL));
  assert_ok(store_commit(&file));
}

static void test_made_elsewhere(void **state) {
  (void)state;
  const enum store_type types[] = {STORE_F64, STORE_F32, STORE_U8};
  for (int i = 0; i < 3; ++i) {
    struct dataset dataset;
    make_foreign(&(struct foreign){types[i], 8, 3, 1, 0.5, 0, true, i != 1, i == 2});
    assert_ok(dataset_open(&world, path, &dataset));
    assert_true(!dataset.config && !dataset.has_states && dataset.has_frames && dataset.coordinates == 0);
    const bool own = i == 2; /* a validation split of its own */
    assert_true(dataset.rollouts[0] == (own ? 3 : 2) && dataset.rollouts[1] == 1 && dataset.frames == 8);
    assert_true(dataset.rollouts[SPLIT_VALIDATION] == (own ? 3 : 1) && dataset.validation_from_train == !own);
    assert_true(dataset.height == 4 && dataset.width == 4 && dataset.channels == 3);
    assert_true(i == 1 ? isnan(dataset.dt) : dataset.dt == 0.5);
    float images[2 * 8 * 16 * 3];
    /* Rollouts 1 and 2 of three: of the validation split where it is one of its own, else the last is the only one. */
    assert_ok(dataset_read_frames(&dataset, own ? SPLIT_VALIDATION : SPLIT_TRAIN, 1, 1, images));
    assert_ok(dataset_read_frames(&dataset, SPLIT_VALIDATION, own ? 2 : 0, 1, images + 8 * 16 * 3));
    assert_status(STATUS_ARGUMENT, dataset_read_frames(&dataset, SPLIT_TRAIN, own ? 3 : 2, 1, images));
    for (int k = 0; k < 2 * 8 * 16 * 3; ++k)
      assert_true(images[k] == (k == 700 - 8 * 16 * 3 ? 1.0F : types[i] == STORE_U8 ? 51 / 255.0F : 0.25F));
    char text[CHECKSUM_TEXT];
    double mse, error;
    assert_status(STATUS_UNAVAILABLE, dataset_checksum(&dataset, text));
    assert_ok(dataset_ladder(&dataset, "floor", &mse, &error));
    assert_true(isnan(mse) && isnan(error));
    assert_status(STATUS_UNAVAILABLE, dataset_read(&dataset, SPLIT_TRAIN, 0, 1, NULL, NULL));
    assert_ok(dataset_verify(&dataset));
    dataset_close(&dataset);
    delete_file();
  }
}

static void test_made_elsewhere_wrongly(void **state) {
  (void)state;
  const double bad[] = {1.5, -1e-6, NAN, INFINITY};
  for (int i = 0; i < 4; ++i) {
    struct dataset dataset;
    float images[8 * 16 * 3];
    make_foreign(&(struct foreign){i % 2 ? STORE_F32 : STORE_F64, 8, 3, bad[i], 0.5, 0, true, false, false});
    assert_ok(dataset_open(&world, path, &dataset));
    assert_ok(dataset_read_frames(&dataset, SPLIT_TRAIN, 0, 1, images));
    assert_status(STATUS_FILE, dataset_read_frames(&dataset, SPLIT_TRAIN, 1, 1, images));
    assert_says("/train/frames: rollout 1 has the value");
    assert_status(STATUS_FILE, dataset_verify(&dataset));
    assert_says("/train/frames: rollout 1 has the value");
    dataset_close(&dataset);
    delete_file();
  }
  make_foreign(&(struct foreign){STORE_U8, 8, 3, 1, 0.5, 0, false, false, false});
  refuse_open("is not a data set");
  make_foreign(&(struct foreign){STORE_U8, 8, 3, 1, 0.5, 0, false, false, true});
  refuse_open("is not a data set");
  make_foreign(&(struct foreign){STORE_U8, 8, 2, 1, 0.5, 0, true, false, false});
  refuse_open("/train/frames has 2 channels, not 1 or 3");
  make_foreign(&(struct foreign){STORE_I64, 8, 3, 1, 0.5, 0, true, false, false});
  refuse_open("holds 64-bit integers");
  make_foreign(&(struct foreign){STORE_U8, 8, 3, 1, 0.5, 0.1, true, true, false});
  refuse_open("/time is not evenly spaced at frame 2");
  make_foreign(&(struct foreign){STORE_U8, 8, 3, 1, -0.5, 0, true, true, false});
  refuse_open("/time does not increase");
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  if (comm_open(MPI_COMM_WORLD, &world) != STATUS_OK || comm_open(MPI_COMM_SELF, &self) != STATUS_OK) return 1;
  if (config_parse("test.yaml", yaml, sizeof yaml - 1, NULL, 0, &config) != STATUS_OK) return 1;
  snprintf(path, sizeof path, "dataset_n%d.h5", world.size);
  delete_file(); /* of a run that failed */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_checksum_of_one_rank),
      cmocka_unit_test(test_incomplete_is_refused),
      cmocka_unit_test(test_damage_is_named),
      cmocka_unit_test(test_missing_record),
      cmocka_unit_test(test_damage_when_read),
      cmocka_unit_test(test_without_rollout_sums),
      cmocka_unit_test(test_without_validation),
      cmocka_unit_test(test_divides),
      cmocka_unit_test(test_refuses_to_open),
      cmocka_unit_test(test_made_elsewhere),
      cmocka_unit_test(test_made_elsewhere_wrongly),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  config_destroy(&config);
  comm_close(&self);
  comm_close(&world);
  MPI_Finalize();
  return failed;
}
