/* Checkpoints: every bit comes back, on any number of ranks; what is damaged, foreign or of another model is refused by
 * all ranks with the file's name; names, and which files are deleted. */
#include "ranks.h"
#include "scene.h"
#include "train/checkpoint.h"

#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>

static char path[64];

struct setup {
  struct scene scene;
  struct checkpoint checkpoint;
  size_t bytes; /* of the block */
};

static void allocate(const struct layout *layout, struct checkpoint *checkpoint) {
  const size_t values = (size_t)layout_values(layout);
  checkpoint->parameters = calloc(values, sizeof(float));
  checkpoint->first = calloc(values, sizeof(float));
  checkpoint->second = calloc(values, sizeof(float));
  checkpoint->exponent = calloc((size_t)layout->tensors, sizeof *checkpoint->exponent);
}

static void release(struct checkpoint *checkpoint) {
  free(checkpoint->parameters);
  free(checkpoint->first);
  free(checkpoint->second);
  free(checkpoint->exponent);
}

/* The learner of a scene without data: two of six frames are seen. */
static void open_learner(struct scene *scene) {
  const int64_t size[] = {32, 32, 3, scene->protocol.input_count};
  assert_ok(learner_open_sized(NULL, &scene->experiment, size, 0.1, 0.2, &scene->learner));
}

/* A state with numbers of every kind: negative zero, NaN, the smallest and the largest. */
static void open_setup(struct setup *setup) {
  *setup = (struct setup){.scene = {.data = {.frames = 6}}};
  scene_tiny(&setup->scene);
  open_learner(&setup->scene);
  const struct layout *layout = setup->scene.learner.layout;
  struct checkpoint *c = &setup->checkpoint;
  struct rng rng = rng_stream(4, RNG_TEST, 0, 0);
  const int64_t values = layout_values(layout);
  setup->bytes = (size_t)values * sizeof(float);
  *c = (struct checkpoint){.step = (INT64_C(1) << 40) + 3,
                           .scalar = {0.1, -0.0},
                           .rate_scale = 0.25,
                           .roll_backs = 3,
                           .repeats = 5,
                           .seconds = 1e5 / 3,
                           .core_seconds = 2e9 / 7,
                           .joules = 5e-324,
                           .best = NAN};
  allocate(layout, c);
  memcpy(c->parameters, setup->scene.parameters, setup->bytes);
  rng_normal_f32(&rng, c->first, (int)values);
  rng_normal_f32(&rng, c->second, (int)values);
  c->first[1] = -0.0F;
  c->second[2] = 1e-45F;
  for (int i = 0; i < layout->tensors; i++) c->exponent[i] = i % 3 ? -i : FIXED_EXPONENT_ZERO;
}

static void close_setup(struct setup *setup) {
  release(&setup->checkpoint);
  scene_close(&setup->scene);
}

static void write_checkpoint(const struct setup *setup) {
  const struct checkpoint_owner owner = {.config = setup->scene.config, .data_checksum = "0123", .numerics = "rules"};
  assert_ok(checkpoint_write(&world, path, NULL, &owner, &setup->scene.learner, &setup->checkpoint));
}

static void assert_equal(const struct setup *setup, const struct checkpoint *got) {
  const struct checkpoint *c = &setup->checkpoint;
  struct checkpoint numbers = *got;
  numbers.parameters = c->parameters;
  numbers.first = c->first;
  numbers.second = c->second;
  numbers.exponent = c->exponent;
  assert_memory_equal(c, &numbers, sizeof numbers); /* bits: there is no padding */
  assert_memory_equal(c->parameters, got->parameters, setup->bytes);
  assert_memory_equal(c->first, got->first, setup->bytes);
  assert_memory_equal(c->second, got->second, setup->bytes);
  assert_memory_equal(c->exponent, got->exponent, (size_t)setup->scene.learner.layout->tensors * sizeof *c->exponent);
}

static void test_round_trip(void **state) {
  (void)state;
  struct setup setup;
  struct checkpoint got = {.step = 0}, bare = {.step = 0};
  open_setup(&setup);
  allocate(setup.scene.learner.layout, &got);
  write_checkpoint(&setup);
  assert_ok(checkpoint_read(&world, path, &setup.scene.learner, &got));
  assert_equal(&setup, &got);
  /* One file after another under one name; numbers alone, by one rank. */
  setup.checkpoint.step++;
  setup.checkpoint.parameters[0] += 1;
  write_checkpoint(&setup);
  assert_ok(checkpoint_read(&self, path, &setup.scene.learner, &bare));
  assert_true(bare.step == got.step + 1 && !bare.parameters && !bare.first && !bare.second && !bare.exponent);
  assert_ok(checkpoint_read(&self, path, &setup.scene.learner, &got));
  assert_equal(&setup, &got);
  delete_file(path);
  release(&got);
  close_setup(&setup);
}

/* Collective. Refused by reading; nothing is written to what the caller holds. */
static void refuse(const struct learner *learner, const char *message) {
  struct checkpoint got = {.step = -5};
  allocate(learner->layout, &got);
  got.parameters[0] = 7;
  MPI_Barrier(world.mpi);
  assert_status(STATUS_FILE, checkpoint_read(&world, path, learner, &got));
  assert_message(message);
  assert_message(path);
  assert_true(got.step == -5 && got.parameters[0] == 7 && got.first[0] == 0);
  release(&got);
}

static void refuse_other_models(void) {
  static const char *const words[] = {"protocol.input_frames=2", "model.hamiltonian.separable=false"};
  struct scene wider = {.data = {.frames = 6}}, joint = {.data = {.frames = 6}};
  scene_model(&wider, words, 1, 7, GRAPH_F32);
  scene_model(&joint, words, 2, 6, GRAPH_F32);
  open_learner(&wider);
  open_learner(&joint);
  refuse(&wider.learner, "/parameters/encoder.0.weight has another shape");
  refuse(&joint.learner, "is missing");
  scene_close(&wider);
  scene_close(&joint);
}

/* What stands in it about its model, and that no other model takes it. */
static void test_description(void **state) {
  (void)state;
  struct setup setup;
  struct checkpoint_about about;
  char *expected, *text;
  struct store_file file;
  open_setup(&setup);
  write_checkpoint(&setup);
  assert_ok(checkpoint_describe(&world, path, &about));
  assert_true(about.size[0] == 32 && about.size[1] == 32 && about.size[2] == 3);
  assert_true(about.size[3] == 2 && about.dt == 0.1 && about.interval == 0.2);
  assert_string_equal("0123", about.data_checksum);
  assert_ok(config_text(setup.scene.config, &expected));
  assert_ok(config_text(about.config, &text));
  assert_string_equal(expected, text);
  free(expected);
  free(text);
  config_destroy(&about.config);
  assert_ok(store_open(&world, path, &file));
  assert_ok(store_read_text(&file, "/data_checksum", &text));
  assert_string_equal("0123", text);
  free(text);
  store_close(&file);
  refuse_other_models();
  delete_file(path);
  close_setup(&setup);
}

/* ---- damage ---- */

/* Root only. Turns one bit of a byte of a data set. */
static void flip(const char *name, off_t at) {
  struct store_file file;
  unsigned char byte = 0;
  assert_ok(store_open(&self, path, &file));
  hid_t set = H5Dopen2(file.id, name, H5P_DEFAULT);
  assert_true(set >= 0);
  const off_t offset = (off_t)H5Dget_offset(set) + at;
  H5Dclose(set);
  store_close(&file);
  const int descriptor = open(path, O_RDWR);
  assert_true(descriptor >= 0 && pread(descriptor, &byte, 1, offset) == 1);
  byte ^= 1;
  assert_true(pwrite(descriptor, &byte, 1, offset) == 1);
  close(descriptor);
}

static void refuse_truncated(const struct setup *setup) {
  struct stat about;
  assert_int_equal(0, stat(path, &about));
  const off_t lengths[] = {about.st_size - 1, about.st_size / 2, 100};
  for (int i = 0; i < 3; i++) {
    MPI_Barrier(world.mpi);
    if (world.rank == 0) assert_int_equal(0, truncate(path, lengths[i]));
    refuse(&setup->scene.learner, "truncated");
  }
  delete_file(path);
  refuse(&setup->scene.learner, "no such file");
}

/* What tells which model it is has a checksum of its own. */
static void refuse_description(void) {
  static const char *const places[] = {"/config", "/data_checksum", "/numerics", "/description_checksum",
                                       "/sizes",  "/time_step"};
  struct checkpoint_about about;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    if (world.rank == 0) flip(places[i], 3);
    MPI_Barrier(world.mpi);
    assert_status(STATUS_FILE, checkpoint_describe(&world, path, &about));
    assert_message("is damaged");
    assert_null(about.config);
    if (world.rank == 0) flip(places[i], 3);
    MPI_Barrier(world.mpi);
  }
}

static void test_damaged(void **state) {
  (void)state;
  struct setup setup;
  open_setup(&setup);
  const struct layout_tensor *last = &setup.scene.learner.layout->tensor[setup.scene.learner.layout->tensors - 1];
  char tensor[128];
  snprintf(tensor, sizeof tensor, "/parameters/%s", last->name);
  const struct {
    const char *name;
    off_t at;
  } places[] = {{"/parameters/encoder.0.weight", 5},
                {tensor, (off_t)last->count * 4 - 1},
                {"/optimizer/first", 0},
                {"/optimizer/second", (off_t)setup.bytes - 4},
                {"/state/step", 0},
                {"/state/rate_scale", 0},
                {"/state/best", 7},
                {"/state/constraint", 7},
                {"/state/exponents", 0},
                {"/checksum", 31},
                {"/measured/joules", 7},
                {"/measured/checksum", 31}};
  write_checkpoint(&setup);
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    if (world.rank == 0) flip(places[i].name, places[i].at);
    refuse(&setup.scene.learner, "is damaged");
    if (world.rank == 0) flip(places[i].name, places[i].at);
    MPI_Barrier(world.mpi);
  }
  assert_ok(checkpoint_read(&world, path, &setup.scene.learner, &(struct checkpoint){.step = 0}));
  refuse_description();
  refuse_truncated(&setup);
  close_setup(&setup);
}

static void make_foreign(const char *format, int64_t version) {
  struct store_file file;
  assert_ok(store_create(&world, path, &file));
  if (format) assert_ok(store_attribute_text(&file, "format", format));
  assert_ok(store_attribute_i64(&file, "schema_version", version));
  assert_ok(store_commit(&file));
}

static void test_foreign(void **state) {
  (void)state;
  struct setup setup;
  struct checkpoint_about about;
  open_setup(&setup);
  make_foreign(NULL, 1);
  refuse(&setup.scene.learner, "does not say its format");
  make_foreign("hgn-run", 1);
  refuse(&setup.scene.learner, "is of format 'hgn-run'");
  assert_status(STATUS_FILE, checkpoint_describe(&world, path, &about));
  assert_message("is of format 'hgn-run'");
  assert_null(about.config);
  make_foreign("hgn-checkpoint", CHECKPOINT_VERSION + 1);
  refuse(&setup.scene.learner, "schema version 6");
  make_foreign("hgn-checkpoint", CHECKPOINT_VERSION - 1);
  refuse(&setup.scene.learner, "has schema version 4 of 'hgn-checkpoint'; this program reads version 5");
  make_foreign("hgn-checkpoint", CHECKPOINT_VERSION);
  refuse(&setup.scene.learner, "is missing");
  delete_file(path);
  close_setup(&setup);
}

int main(int argc, char **argv) {
  if (ranks_begin(argc, argv) != 0) return 1;
  snprintf(path, sizeof path, "checkpoint_n%d.h5", world.size);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_description),
      cmocka_unit_test(test_damaged),
      cmocka_unit_test(test_foreign),
  };
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
