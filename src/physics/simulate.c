#include "physics/simulate.h"

#include "base/log.h"
#include "physics/parameters.h"
#include "physics/render.h"
#include "physics/rollout.h"
#include "store/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_BYTES = 4 << 20 }; /* of states or frames simulated before they are written */

/* A rank's part of one split. */
struct share {
  enum split split;
  int64_t first, count, most; /* most: the largest count of any rank */
  double *kept;               /* [kept_count][T][2 D]: the first rollouts, for the ladder; owned */
  int64_t kept_count;
};

struct simulation {
  const struct comm *comm;
  const struct experiment *experiment;
  const struct system *system;
  struct dataset dataset;
  struct renderer renderer;
  bool with_frames;
  size_t row, image;       /* numbers in a rollout's states; bytes in a frame */
  int64_t batch;           /* rollouts */
  double *states, *energy; /* [batch][T][2 D], [batch][T] */
  unsigned char *frames;   /* [batch][T][H][W][C], NULL without frames */
  struct share share[SPLIT_COUNT];
};

static void *allocate(size_t count, size_t size) { return calloc(count > 0 ? count : 1, size); }

/* Coordinate names as "q0", "p3", with units by kind of system. */
static enum status create_dataset(struct simulation *run, const struct config *config, const char *path) {
  struct system_coordinates text;
  system_coordinates(run->system, &text);
  struct dataset_parameter parameters[PARAMETERS_MAX];
  struct parameters_text units;
  const char *const rungs[] = {
#define RUNG_NAME(name, text, help) text,
      LADDER_LIST(RUNG_NAME)
#undef RUNG_NAME
  };
  const struct dataset_shape shape = {.coordinates = 2 * run->system->freedom,
                                      .coordinate_names = text.names,
                                      .coordinate_units = text.units,
                                      .parameters = parameters,
                                      .parameter_count = parameters_list(config, "system.", &units, parameters),
                                      .rung_names = rungs,
                                      .rung_count = LADDER_COUNT,
                                      .with_frames = run->with_frames};
  return dataset_create(run->comm, path, config, &shape, &run->dataset);
}

static int64_t total_of(const struct data_settings *data, enum split split) {
  const int64_t total[SPLIT_COUNT] = {data->train, data->test, experiment_validation(data)};
  return total[split];
}

static int64_t keep_for_ladder(const struct share *share) {
  if (share->split == SPLIT_VALIDATION) return 0;
  if (share->split == SPLIT_TEST || share->first + share->count <= LADDER_MAX) return share->count;
  return share->first < LADDER_MAX ? LADDER_MAX - share->first : 0;
}

/* Not collective. Sizes and memory of this rank. */
static enum status prepare(struct simulation *run) {
  const struct data_settings *data = &run->experiment->data;
  TRY(render_open(run->experiment, &run->renderer));
  run->row = (size_t)data->frames * 2 * (size_t)run->system->freedom;
  run->image = run->renderer.values;
  size_t bytes = run->with_frames ? (size_t)data->frames * run->image : run->row * sizeof(double);
  run->batch = 1 + (int64_t)(BATCH_BYTES / bytes);
  run->states = allocate((size_t)run->batch * run->row, sizeof(double));
  run->energy = allocate((size_t)(run->batch * data->frames), sizeof(double));
  bool whole = run->states && run->energy;
  if (run->with_frames) {
    run->frames = allocate((size_t)(run->batch * data->frames) * run->image, 1);
    whole = whole && run->frames;
  }
  for (int s = 0; s < SPLIT_COUNT; s++) {
    struct share *share = &run->share[s];
    int64_t total = total_of(data, (enum split)s), ignored;
    share->split = (enum split)s;
    comm_share(total, run->comm->size, run->comm->rank, &share->first, &share->count);
    comm_share(total, run->comm->size, 0, &ignored, &share->most);
    share->kept_count = keep_for_ladder(share);
    share->kept = allocate((size_t)share->kept_count * run->row, sizeof(double));
    whole = whole && share->kept;
  }
  REQUIRE(whole, STATUS_MEMORY, "out of memory for %lld rollouts of %lld frames", (long long)run->batch,
          (long long)data->frames);
  return STATUS_OK;
}

static void render_rollout(struct simulation *run, uint64_t rollout, const double *states, unsigned char *frames) {
  int coordinates = 2 * run->system->freedom;
  double observed[SYSTEM_STATE_MAX];
  for (int64_t f = 0; f < run->experiment->data.frames; f++) {
    rollout_observe(run->experiment, RNG_NOISE, rollout, f, states + f * coordinates, observed);
    render_u8(&run->renderer, observed, frames + (size_t)f * run->image);
  }
}

/* Not collective. Simulates rollouts first..first+count-1 of the share into the batch buffers. */
static enum status simulate_batch(struct simulation *run, const struct share *share, int64_t first, int64_t count) {
  int64_t frames = run->experiment->data.frames;
  uint64_t rollout = rollout_number((struct dataset_place){share->split, first});
  TRY(rollout_simulate_many(run->experiment, rollout, count, run->states, run->energy));
  for (int64_t i = 0; i < count; i++) {
    double *states = run->states + (size_t)i * run->row;
    int64_t local = first + i - share->first;
    if (local < share->kept_count) memcpy(share->kept + (size_t)local * run->row, states, run->row * sizeof(double));
    if (run->with_frames)
      render_rollout(run, rollout + (uint64_t)i, states, run->frames + (size_t)(i * frames) * run->image);
  }
  return STATUS_OK;
}

/* Collective. All ranks make the same number of rounds; frames are written collectively in each. */
static enum status simulate_split(struct simulation *run, const struct share *share, struct progress *progress,
                                  int64_t *done) {
  enum status status = STATUS_OK;
  for (int64_t begin = 0; begin < share->most; begin += run->batch) {
    int64_t count = share->count - begin;
    if (count > run->batch) count = run->batch;
    if (count < 0) count = 0;
    int64_t first = share->first + begin;
    if (status == STATUS_OK) status = simulate_batch(run, share, first, count);
    if (status == STATUS_OK)
      status = dataset_write(&run->dataset, share->split, first, count, run->states, run->energy);
    if (run->with_frames) {
      status = comm_agree(run->comm, status);
      if (status != STATUS_OK) return status;
      status = dataset_write_frames(&run->dataset, share->split, first, count, run->frames);
      if (status != STATUS_OK) return status;
    }
    *done += count;
    int64_t all = *done * run->comm->size;
    progress_update(progress, all < progress->total ? all : progress->total);
  }
  return comm_agree(run->comm, status);
}

/* Collective. */
static enum status simulate_all(struct simulation *run, struct ladder *ladder) {
  const struct data_settings *data = &run->experiment->data;
  struct progress progress;
  int64_t done = 0, total = data->train + data->test + experiment_validation(data);
  progress_begin(&progress, "simulate", "rollouts", total);
  for (int s = 0; s < SPLIT_COUNT; s++) {
    enum status status = simulate_split(run, &run->share[s], &progress, &done);
    if (status != STATUS_OK) return status;
  }
  progress_end(&progress, total);

  const struct share *train = &run->share[SPLIT_TRAIN], *test = &run->share[SPLIT_TEST];
  const struct ladder_input input = {.train = train->kept,
                                     .train_first = train->first,
                                     .train_count = train->kept_count,
                                     .test = test->kept,
                                     .test_first = test->first,
                                     .test_count = test->count};
  enum status status = ladder_measure(run->comm, run->experiment, &input, ladder);
  if (status != STATUS_OK) return status;
  struct dataset_rung rungs[LADDER_COUNT];
  for (int i = 0; i < LADDER_COUNT; i++)
    rungs[i] = (struct dataset_rung){ladder_name((enum ladder_rung)i), ladder->mse[i], ladder->error[i]};
  return dataset_write_ladder(&run->dataset, rungs, LADDER_COUNT);
}

enum status simulate_dataset(const struct comm *comm, const struct config *config, const char *path, bool with_frames,
                             struct ladder *ladder) {
  struct simulation run = {.comm = comm, .experiment = config_experiment(config), .with_frames = with_frames};
  run.system = system_get(run.experiment->system.name);
  enum status status = comm_agree(comm, prepare(&run));
  if (status == STATUS_OK) status = create_dataset(&run, config, path);
  if (status == STATUS_OK) status = simulate_all(&run, ladder);
  if (status == STATUS_OK) status = dataset_commit(&run.dataset);
  dataset_close(&run.dataset);
  render_close(&run.renderer);
  free(run.states);
  free(run.energy);
  free(run.frames);
  for (int s = 0; s < SPLIT_COUNT; s++) free(run.share[s].kept);
  return status;
}
