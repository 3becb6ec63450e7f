/* A trainer that is stepped, asked to stop or to prune, reopened, and left without files: the same numbers every way,
 * of two kinds of learners; many in one process, and groups of ranks side by side. */
#include "base/log.h"
#include "linear_learner.h"
#include "physics/points.h"
#include "ranks.h"
#include "scene.h"
#include "train/checkpoint.h"
#include "train/numerics.h"
#include "train/trainer.h"

#include <glob.h>
#include <malloc.h>
#include <math.h>

enum { TRAIN = 24, TEST = 9, FRAMES = 6, STEPS = 12 };

static char path[64], points[64];

/* In place of the library's: a program of other rules. */
static int rules = NUMERICS_RULES;
void numerics_describe(char *text) { snprintf(text, NUMERICS_TEXT_MAX, "rules %d", rules); }

static struct config *make_config(const char *seed) {
  static const char yaml[] =
      "data: {file: x.h5}\n"
      "model:\n  preset: quick\n  encoder: {channels: [6, 6, 6, 6, 8]}\n  latent: {sampled: true}\n"
      "  hamiltonian: {channels: [6, 6, 1]}\n  decoder: {channels: [6, 6, 6]}\n"
      "protocol: {input_frames: 2}\noptimizer: {learning_rate: 0.01, schedule: constant, warmup: 0}\n"
      "train: {steps: 12, batch: 6, microbatch: 1, frames_per_rollout: 2, report_every: 3, checkpoint_every: 6}\n"
      "eval: {every: 4, rollouts: 5}\n";
  struct config *config;
  assert_ok(config_parse("t.yaml", yaml, sizeof yaml - 1, &seed, 1, &config));
  return config;
}

static struct config *make_density(const char *const words[2]) {
  static const char yaml[] = "data: {file: x.h5}\nmodel: {name: nhf}\noptimizer: {learning_rate: 0.01}\n"
                             "train: {steps: 12, batch: 6, microbatch: 1, report_every: 3, checkpoint_every: 6}\n"
                             "eval: {every: 4, rollouts: 5, samples: 64, grid: 6, draws: 20}\n";
  struct config *config;
  assert_ok(config_parse("t.yaml", yaml, sizeof yaml - 1, words, 2, &config));
  return config;
}

static void open_trainer(const struct comm *comm, const struct config *config, struct corpus *corpus,
                         const char *output, const struct learner_kind *kind, struct trainer **trainer) {
  const struct trainer_setup setup = {.config = config, .corpus = corpus, .output = output, .kind = kind};
  assert_ok(trainer_open(comm, &setup, trainer));
}

static void remove_run(const struct comm *comm, const char *stem) {
  char pattern[96];
  glob_t found;
  snprintf(pattern, sizeof pattern, "%s.*", stem);
  MPI_Barrier(comm->mpi);
  if (comm->rank == 0 && glob(pattern, 0, NULL, &found) == 0) {
    for (size_t i = 0; i < found.gl_pathc; i++) unlink(found.gl_pathv[i]);
    globfree(&found);
  }
  MPI_Barrier(comm->mpi);
}

/* To its end, in calls of `stride` steps at most. */
static unsigned finish(struct trainer *trainer, int64_t stride) {
  unsigned events = 0, all = 0;
  while (!(events & TRAINER_ENDED)) {
    assert_ok(trainer_advance(trainer, trainer_step(trainer) + stride, TRAINER_GO, &events));
    all |= events;
  }
  return all;
}

static size_t parameter_bytes(const struct trainer_outcome *outcome) {
  return (size_t)layout_values(outcome->learner->layout) * sizeof(float);
}

/* What a training ends in, wherever it was computed. */
struct ending {
  double score, scalar;
  float parameters[1 << 16];
};

static void end_of(struct trainer *trainer, struct ending *ending) {
  const struct trainer_outcome outcome = trainer_outcome(trainer);
  const size_t bytes = parameter_bytes(&outcome);
  assert_true(outcome.complete && outcome.evaluated && outcome.step == STEPS && bytes <= sizeof ending->parameters);
  memset(ending, 0, sizeof *ending);
  ending->score = outcome.test->score[0];
  ending->scalar = outcome.learner->scalar[0];
  memcpy(ending->parameters, outcome.learner->parameters, bytes);
}

/* ---- One training, many ways ---- */

static void events_of_each_step(const struct config *config, struct corpus *corpus, const struct learner_kind *kind) {
  struct trainer *trainer;
  unsigned events;
  open_trainer(&world, config, corpus, "steps.h5", kind, &trainer);
  for (int64_t done = 1; done <= STEPS; done++) {
    const unsigned expected = (done % 3 == 0 ? TRAINER_REPORT : 0) | (done % 4 == 0 ? TRAINER_EVALUATION : 0) |
                              (done % 6 == 0 ? TRAINER_CHECKPOINT : 0) | (done == STEPS ? TRAINER_COMPLETE : 0);
    assert_ok(trainer_advance(trainer, done, TRAINER_GO, &events));
    assert_int_equal(expected, events);
    assert_int_equal(done, trainer_step(trainer));
  }
  assert_ok(trainer_advance(trainer, 2 * STEPS, TRAINER_GO, &events)); /* it has ended, and stays so */
  assert_int_equal(TRAINER_COMPLETE, events);
  trainer_close(&trainer);
  remove_run(&world, "steps");
}

/* Stopped by one rank after five steps, and gone on with. */
static void stop_and_go_on(const struct config *config, struct corpus *corpus, const struct learner_kind *kind,
                           struct ending *ending) {
  struct trainer *trainer;
  unsigned events;
  open_trainer(&world, config, corpus, "stopped.h5", kind, &trainer);
  for (int64_t done = 1; done <= 4; done++) assert_ok(trainer_advance(trainer, done, TRAINER_GO, &events));
  assert_ok(trainer_advance(trainer, 5, world.rank == world.size - 1 ? TRAINER_STOP : TRAINER_GO, &events));
  assert_int_equal(TRAINER_CHECKPOINT | TRAINER_STOPPED, events);
  assert_false(trainer_outcome(trainer).complete);
  trainer_close(&trainer);
  const struct trainer_setup setup = {.config = config, .corpus = corpus, .output = "stopped.h5", .kind = kind};
  rules = NUMERICS_RULES - 1;
  assert_status(STATUS_CONFIG, trainer_open(&world, &setup, &trainer));
  assert_non_null(strstr(status_message(), "began with other arithmetic"));
  rules = NUMERICS_RULES;
  open_trainer(&world, config, corpus, "stopped.h5", kind, &trainer);
  assert_int_equal(5, trainer_outcome(trainer).resumed);
  finish(trainer, STEPS);
  end_of(trainer, ending);
  trainer_close(&trainer);
}

/* A complete run is recalled, with what it reached. */
static void open_again(const struct config *config, struct corpus *corpus, const struct learner_kind *kind,
                       const struct ending *ending) {
  struct trainer *trainer;
  unsigned events;
  open_trainer(&world, config, corpus, "stopped.h5", kind, &trainer);
  const struct trainer_outcome outcome = trainer_outcome(trainer);
  assert_true(outcome.recalled && outcome.complete && outcome.test->score[0] == ending->score);
  assert_ok(trainer_advance(trainer, STEPS, TRAINER_GO, &events));
  assert_int_equal(TRAINER_COMPLETE, events);
  trainer_close(&trainer);
}

/* To an end after seven steps, between two evaluations and two reports, and then asked for all: also from where it was
 * stopped on the way to that end. */
static void go_on_for_longer(const struct config *config, struct corpus *corpus, const struct learner_kind *kind,
                             int64_t stop, struct ending *ending) {
  struct trainer *trainer;
  struct config *seven;
  unsigned events;
  assert_ok(config_vary(config, (const char *[]){"train.steps=7"}, 1, &seven));
  open_trainer(&world, seven, corpus, "longer.h5", kind, &trainer);
  while (trainer_step(trainer) < stop)
    assert_ok(trainer_advance(trainer, trainer_step(trainer) + 1,
                              trainer_step(trainer) + 1 == stop ? TRAINER_STOP : TRAINER_GO, &events));
  trainer_close(&trainer);
  open_trainer(&world, config, corpus, "longer.h5", kind, &trainer);
  assert_int_equal(stop, trainer_outcome(trainer).resumed);
  finish(trainer, STEPS);
  end_of(trainer, ending);
  trainer_close(&trainer);
  const struct trainer_setup shorter = {.config = seven, .corpus = corpus, .output = "longer.h5", .kind = kind};
  assert_status(STATUS_CONFIG, trainer_open(&world, &shorter, &trainer));
  assert_message("longer.h5: has done 12 of 12 steps, and train.steps=7 would end it before");
  config_destroy(&seven);
  remove_run(&world, "longer");
}

static void check_ways(const struct learner_kind *kind, const char *data, struct config *config) {
  static struct ending ending[6];
  struct corpus corpus, alone;
  struct trainer *trainer;
  assert_ok(corpus_open(&world, data, &corpus));
  assert_ok(corpus_open(&self, data, &alone));
  open_trainer(&self, config, &alone, NULL, kind, &trainer); /* one rank, no files: what the others must be */
  finish(trainer, 1);
  end_of(trainer, &ending[0]);
  trainer_close(&trainer);
  open_trainer(&world, config, &corpus, NULL, kind, &trainer);
  const unsigned all = finish(trainer, STEPS);
  assert_int_equal(TRAINER_REPORT | TRAINER_EVALUATION | TRAINER_COMPLETE, all);
  end_of(trainer, &ending[1]);
  trainer_close(&trainer);
  open_trainer(&world, config, &corpus, "whole.h5", kind, &trainer);
  finish(trainer, 5);
  end_of(trainer, &ending[2]);
  trainer_close(&trainer);
  stop_and_go_on(config, &corpus, kind, &ending[3]);
  go_on_for_longer(config, &corpus, kind, 7, &ending[4]);
  go_on_for_longer(config, &corpus, kind, 5, &ending[5]);
  for (int i = 1; i < 6; i++) assert_memory_equal(&ending[0], &ending[i], sizeof *ending);
  open_again(config, &corpus, kind, &ending[0]);
  events_of_each_step(config, &corpus, kind);
  remove_run(&world, "whole");
  remove_run(&world, "stopped");
  corpus_close(&corpus);
  corpus_close(&alone);
  config_destroy(&config);
}

static void test_hgn(void **state) {
  (void)state;
  check_ways(NULL, path, make_config("seed=3"));
}

static void test_linear(void **state) {
  (void)state;
  check_ways(&learner_linear, path, make_config("seed=3"));
}

/* Densities, of points. */
static void test_densities(void **state) {
  (void)state;
  check_ways(NULL, points, make_density((const char *[]){"model.flow.width=[16]", "model.flow.encoder_width=[12]"}));
  check_ways(NULL, points, make_density((const char *[]){"model.name=rnvp", "model.coupling.width=[16]"}));
}

/* A trial that is given up writes no checkpoint, and goes on from its last one if it is taken up again. */
static void test_prune(void **state) {
  (void)state;
  struct corpus corpus;
  struct trainer *trainer;
  struct config *config = make_config("seed=4");
  unsigned events;
  assert_ok(corpus_open(&world, path, &corpus));
  open_trainer(&world, config, &corpus, "pruned.h5", NULL, &trainer);
  for (int64_t done = 1; done <= 5; done++) assert_ok(trainer_advance(trainer, done, TRAINER_GO, &events));
  assert_ok(trainer_advance(trainer, STEPS, world.rank == 0 ? TRAINER_PRUNE : TRAINER_STOP, &events));
  assert_int_equal(TRAINER_REPORT | TRAINER_PRUNED, events); /* a checkpoint would have been due */
  assert_int_equal(6, trainer_step(trainer));
  assert_ok(trainer_advance(trainer, STEPS, TRAINER_GO, &events));
  assert_int_equal(TRAINER_PRUNED, events);
  trainer_close(&trainer);
  open_trainer(&world, config, &corpus, "pruned.h5", NULL, &trainer);
  assert_int_equal(0, trainer_outcome(trainer).resumed);
  trainer_close(&trainer);
  remove_run(&world, "pruned");
  corpus_close(&corpus);
  config_destroy(&config);
}

/* ---- Beginning where another run has been ---- */

static enum status open_from(const struct config *config, struct corpus *corpus, const char *output, int64_t step,
                             struct trainer **trainer) {
  const struct trainer_setup setup = {
      .config = config, .corpus = corpus, .output = output, .origin = "origin.h5", .origin_step = step};
  return trainer_open(&world, &setup, trainer);
}

static void stop_at(struct trainer *trainer, int64_t step) {
  unsigned events;
  while (trainer_step(trainer) < step)
    assert_ok(trainer_advance(trainer, trainer_step(trainer) + 1,
                              trainer_step(trainer) + 1 == step ? TRAINER_STOP : TRAINER_GO, &events));
  trainer_close(&trainer);
}

static void refuse_from(struct corpus *corpus, const char *word, const char *message) {
  struct config *config = make_config(word);
  struct trainer *trainer;
  assert_status(STATUS_CONFIG, open_from(config, corpus, "refused.h5", 4, &trainer));
  assert_message(message);
  if (world.rank == 0) assert_int_not_equal(0, access("refused.h5", F_OK));
  config_destroy(&config);
}

/* How many reports and evaluations a run's file has. */
static void check_rows(const char *name, int64_t reports, int64_t evaluations) {
  struct record_reader reader;
  assert_ok(record_open(&world, name, &reader));
  assert_int_equal(reports, reader.reports);
  assert_int_equal(evaluations, reader.evaluations);
  record_reader_close(&reader);
  MPI_Barrier(world.mpi);
}

/* A run that begins in another's state, as it is, ends as that one would have; also one that is stopped on its way, or
 * killed before its first checkpoint. What may differ is how it learns. */
static void test_origin(void **state) {
  static struct ending whole, own, other;
  struct corpus corpus;
  struct trainer *trainer;
  struct config *config = make_config("seed=6"), *faster;
  char checkpoint[STORE_PATH_MAX];
  (void)state;
  assert_ok(config_vary(config, (const char *[]){"optimizer.learning_rate=0.02"}, 1, &faster));
  assert_ok(corpus_open(&world, path, &corpus));
  open_trainer(&world, config, &corpus, NULL, NULL, &trainer);
  finish(trainer, STEPS);
  end_of(trainer, &whole);
  trainer_close(&trainer);
  open_trainer(&world, config, &corpus, "origin.h5", NULL, &trainer);
  stop_at(trainer, 4);

  assert_ok(open_from(config, &corpus, "own.h5", 4, &trainer));
  assert_int_equal(4, trainer_step(trainer));
  assert_int_equal(-1, trainer_outcome(trainer).resumed);
  check_rows("own.h5", 1, 1); /* taken over */
  trainer_close(&trainer);
  if (world.rank == 0) {
    assert_ok(checkpoint_name("own.h5", 4, checkpoint));
    assert_int_equal(0, unlink(checkpoint)); /* killed before it was written */
  }
  MPI_Barrier(world.mpi);
  assert_ok(open_from(config, &corpus, "own.h5", 4, &trainer));
  stop_at(trainer, 7);
  assert_ok(open_from(config, &corpus, "own.h5", 4, &trainer));
  assert_int_equal(7, trainer_outcome(trainer).resumed);
  finish(trainer, 1);
  end_of(trainer, &own);
  assert_memory_equal(&whole, &own, sizeof whole);
  trainer_close(&trainer);
  check_rows("own.h5", 4, 3);

  assert_ok(open_from(faster, &corpus, "other.h5", 4, &trainer));
  finish(trainer, STEPS);
  end_of(trainer, &other);
  assert_memory_not_equal(whole.parameters, other.parameters, sizeof whole.parameters);
  trainer_close(&trainer);

  assert_status(STATUS_CONFIG, open_from(config, &corpus, "own.h5", 3, &trainer));
  assert_message("own.h5: began from step 4 of origin.h5, not from step 3 of origin.h5");
  assert_status(STATUS_FILE, open_from(config, &corpus, "refused.h5", 3, &trainer)); /* no such checkpoint */
  refuse_from(&corpus, "optimizer.beta1=0.5", "seed: 6, now ");
  refuse_from(&corpus, "model.decoder.channels=[6, 6, 4]", "more differs than how it learns");
  for (int i = 0; i < 3; i++) remove_run(&world, (const char *[]){"origin", "own", "other"}[i]);
  corpus_close(&corpus);
  config_destroy(&config);
  config_destroy(&faster);
}

/* What cannot be opened leaves its message and nothing else. */
static void test_refused(void **state) {
  (void)state;
  struct corpus corpus;
  struct trainer *trainer;
  struct config *config = make_config("train.batch=25");
  assert_ok(corpus_open(&world, path, &corpus));
  const struct trainer_setup setup = {.config = config, .corpus = &corpus, .output = "refused.h5"};
  assert_status(STATUS_CONFIG, trainer_open(&world, &setup, &trainer));
  assert_message("fewer than a batch of 25");
  assert_null(trainer);
  if (world.rank == 0) assert_int_not_equal(0, access("refused.h5", F_OK));
  corpus_close(&corpus);
  config_destroy(&config);
}

/* ---- Columns ---- */

static void test_columns(void **state) {
  (void)state;
  struct corpus corpus;
  struct trainer *trainer;
  struct record_reader reader;
  struct config *config = make_config("seed=5");
  unsigned events;
  double *steps, *errors;
  int64_t rows;
  assert_ok(corpus_open(&world, path, &corpus));
  open_trainer(&world, config, &corpus, "columns.h5", NULL, &trainer);
  while (trainer_step(trainer) < 7) assert_ok(trainer_advance(trainer, 7, TRAINER_GO, &events));
  assert_ok(record_open(&self, "columns.h5", &reader)); /* while it is under way */
  assert_ok(record_column(&reader, "report/step", &steps, &rows));
  assert_true(rows == 2 && steps[0] == 3 && steps[1] == 6);
  free(steps);
  assert_ok(record_column(&reader, "evaluation/test/mse", &errors, &rows));
  assert_true(rows == 1 && errors[0] > 0);
  free(errors);
  record_reader_close(&reader);
  finish(trainer, 1);
  const double last = trainer_outcome(trainer).test->score[0];
  trainer_close(&trainer);
  assert_ok(record_open(&world, "columns.h5", &reader));
  assert_ok(record_column(&reader, "evaluation/test/mse", &errors, &rows));
  assert_true(rows == 3 && errors[2] == last);
  free(errors);
  assert_ok(record_column(&reader, "report/error", &errors, &rows));
  assert_int_equal(4, rows);
  free(errors);
  assert_status(STATUS_USAGE, record_column(&reader, "report/nothing", &errors, &rows));
  assert_status(STATUS_USAGE, record_column(&reader, "report/lane_error", &errors, &rows));
  record_reader_close(&reader);
  remove_run(&world, "columns");
  corpus_close(&corpus);
  config_destroy(&config);
}

/* ---- Many in one process ---- */

static void train_one(const struct comm *comm, struct corpus *corpus, const char *seed, const char *output,
                      struct ending *ending) {
  struct config *config = make_config(seed);
  struct trainer *trainer;
  open_trainer(comm, config, corpus, output, NULL, &trainer);
  finish(trainer, STEPS);
  if (ending) end_of(trainer, ending);
  trainer_close(&trainer);
  config_destroy(&config);
}

/* Forty trials (fewer on more ranks): their data are read once, and what they take is given back. */
static void test_many(void **state) {
  (void)state;
  struct corpus corpus;
  size_t early = 0;
  int64_t read = 0;
  const int trials = world.size == 1 ? 40 : 10;
  assert_ok(corpus_open(&world, path, &corpus));
  for (int trial = 0; trial < trials; trial++) {
    char seed[32];
    snprintf(seed, sizeof seed, "seed=%d", trial);
    train_one(&world, &corpus, seed, trial % 8 ? NULL : "many.h5", NULL);
    if (trial % 8 == 0) remove_run(&world, "many");
    if (trial == 8) {
      early = mallinfo2().uordblks;
      read = store_bytes_read(&corpus.data.file);
    }
  }
  const size_t late = mallinfo2().uordblks;
  if (late > early + 65536) fail_msg("%zu bytes more after %d trials", late - early, trials - 9);
  assert_int_equal(read, store_bytes_read(&corpus.data.file));
  corpus_close(&corpus);
}

/* Two groups train different trials side by side, each with files and a speaker of its own: the numbers of trials that
 * have the process to themselves. */
static void test_groups(void **state) {
  (void)state;
  static struct ending ours, alone;
  struct corpus corpus, single;
  struct comm group;
  char seed[32], output[48], stem[32];
  const int color = world.rank * 2 / (world.size > 1 ? world.size : 2);
  snprintf(seed, sizeof seed, "seed=%d", 20 + color);
  snprintf(stem, sizeof stem, "group%d", color);
  snprintf(output, sizeof output, "%s.h5", stem);
  assert_ok(comm_split(&world, color, &group));
  log_scope(stem, group.rank == 0);
  assert_ok(corpus_open(&group, path, &corpus));
  train_one(&group, &corpus, seed, output, &ours);
  corpus_close(&corpus);
  log_scope(NULL, false);
  assert_ok(corpus_open(&self, path, &single));
  train_one(&self, &single, seed, NULL, &alone);
  corpus_close(&single);
  assert_memory_equal(&alone, &ours, sizeof ours);
  remove_run(&group, stem);
  comm_close(&group);
  MPI_Barrier(world.mpi);
}

static void make_points(void) {
  static const char text[] =
      "density: {name: ring, spacing: 2, width: .5}\ndata: {train: 24, test: 9, validation: 9}\n";
  struct config *config;
  struct points_summary summary;
  snprintf(points, sizeof points, "trainer_points_n%d.h5", world.size);
  assert_ok(config_parse("points.yaml", text, sizeof text - 1, NULL, 0, &config));
  assert_ok(points_dataset(&world, config, points, &summary));
  config_destroy(&config);
}

int main(int argc, char **argv) {
  if (ranks_begin(argc, argv) != 0) return 1;
  log_setup(LOG_QUIET, world.rank, world.rank == 0);
  snprintf(path, sizeof path, "trainer_n%d.h5", world.size);
  scene_simulate(path, TRAIN, TEST, FRAMES);
  make_points();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_hgn),   cmocka_unit_test(test_linear),  cmocka_unit_test(test_densities),
      cmocka_unit_test(test_prune), cmocka_unit_test(test_refused), cmocka_unit_test(test_columns),
      cmocka_unit_test(test_many),  cmocka_unit_test(test_groups),  cmocka_unit_test(test_origin),
  };
  /* Four ranks are there for groups of two: all else is told by one and two. */
  const struct CMUnitTest groups[] = {cmocka_unit_test(test_groups)};
  const int failed =
      world.size < 4 ? cmocka_run_group_tests(tests, NULL, NULL) : cmocka_run_group_tests(groups, NULL, NULL);
  delete_file(path);
  delete_file(points);
  return ranks_end(failed);
}
