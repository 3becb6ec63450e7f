#include "physics/points.h"

#include "base/finite.h"
#include "base/log.h"
#include "comm/reduce.h"
#include "physics/parameters.h"
#include "physics/rollout.h"
#include "physics/target.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH_BYTES = 4 << 20 }; /* of points that are made, or read, at once */

struct making {
  const struct comm *comm;
  const struct experiment *experiment;
  struct target *target;
  struct dataset dataset;
  int64_t dimension, batch;                   /* batch: points */
  double *points;                             /* [batch][D] */
  double *log_density[SPLIT_COUNT], *ignored; /* [count] of this rank's share; of the test split kept, else [batch] */
  int64_t first[SPLIT_COUNT], count[SPLIT_COUNT];
};

/* ---- the file ---- */

enum { ENTROPY, ENTROPY_ERROR, MEASURED };

static const char *const measured_name[MEASURED] = {"entropy", "entropy_error"};

static enum status create_dataset(struct making *run, const struct config *config, const char *path) {
  char name[TARGET_DIMENSION_MAX][8];
  const char *names[TARGET_DIMENSION_MAX], *units[TARGET_DIMENSION_MAX];
  struct dataset_parameter parameters[PARAMETERS_MAX + MEASURED];
  struct parameters_text text;
  int count = parameters_list(config, "density.", &text, parameters);
  for (int i = 0; i < MEASURED; i++) parameters[count++] = (struct dataset_parameter){measured_name[i], "nat", NAN};
  for (int i = 0; i < run->dimension; i++) {
    snprintf(name[i], sizeof name[i], "x%d", i);
    names[i] = name[i];
    units[i] = "1";
  }
  const struct dataset_shape shape = {.coordinates = run->dimension,
                                      .coordinate_names = names,
                                      .coordinate_units = units,
                                      .parameters = parameters,
                                      .parameter_count = count};
  return dataset_create(run->comm, path, config, &shape, &run->dataset);
}

/* ---- drawing ---- */

static void *allocate(int64_t count, size_t size) { return calloc(count > 0 ? (size_t)count : 1, size); }

/* Not collective. Sizes and memory of this rank. */
static enum status prepare(struct making *run) {
  const struct data_settings *data = &run->experiment->data;
  const int64_t total[SPLIT_COUNT] = {data->train, data->test, experiment_validation(data)};
  TRY(target_open(run->experiment, &run->target));
  run->dimension = target_dimension(run->target);
  run->batch = BATCH_BYTES / (int64_t)sizeof(double) / run->dimension;
  for (int s = 0; s < SPLIT_COUNT; s++)
    comm_share(total[s], run->comm->size, run->comm->rank, &run->first[s], &run->count[s]);
  run->points = allocate(run->batch * run->dimension, sizeof(double));
  run->ignored = allocate(run->batch, sizeof(double));
  run->log_density[SPLIT_TEST] = allocate(run->count[SPLIT_TEST], sizeof(double));
  REQUIRE(run->points && run->ignored && run->log_density[SPLIT_TEST], STATUS_MEMORY, "out of memory for %lld points",
          (long long)run->batch);
  return STATUS_OK;
}

/* Not collective. */
static enum status draw_split(struct making *run, enum split split, struct progress *progress, int64_t *done) {
  const uint64_t number = rollout_number((struct dataset_place){split, run->first[split]});
  for (int64_t begin = 0; begin < run->count[split]; begin += run->batch) {
    const int64_t left = run->count[split] - begin, count = left < run->batch ? left : run->batch;
    double *densities = split == SPLIT_TEST ? run->log_density[split] + begin : run->ignored;
    for (int64_t i = 0; i < count; i++) {
      double *x = run->points + i * run->dimension;
      target_draw(run->target, (uint64_t)run->experiment->seed, number + (uint64_t)(begin + i), x);
      densities[i] = target_log_density(run->target, x);
    }
    TRY(dataset_write_points(&run->dataset, split, run->first[split] + begin, count, run->points, densities));
    *done += count;
    const int64_t all = *done * run->comm->size;
    progress_update(progress, all < progress->total ? all : progress->total);
  }
  return STATUS_OK;
}

/* Collective. */
static enum status draw_all(struct making *run) {
  const struct data_settings *data = &run->experiment->data;
  struct progress progress;
  int64_t done = 0, total = data->train + data->test + experiment_validation(data);
  enum status status = STATUS_OK;
  progress_begin(&progress, "draw", "points", total);
  for (int s = 0; s < SPLIT_COUNT && status == STATUS_OK; s++)
    status = draw_split(run, (enum split)s, &progress, &done);
  TRY(comm_agree(run->comm, status));
  progress_end(&progress, total);
  return STATUS_OK;
}

/* ---- what is measured ---- */

/* Collective. First the mean, then the deviations from it, each an exact sum over all ranks. */
static enum status measure_entropy(struct making *run, struct points_summary *summary) {
  const double n = (double)run->experiment->data.test, *value = run->log_density[SPLIT_TEST];
  const int64_t count = run->count[SPLIT_TEST];
  struct exact sum;
  exact_clear(&sum);
  for (int64_t i = 0; i < count; i++) exact_add(&sum, value[i]);
  TRY(reduce_exact(run->comm, &sum, 1));
  const double mean = exact_value(&sum) / n;
  exact_clear(&sum);
  for (int64_t i = 0; i < count; i++) exact_add(&sum, (value[i] - mean) * (value[i] - mean));
  TRY(reduce_exact(run->comm, &sum, 1));
  summary->entropy = -mean;
  summary->entropy_error = n > 1 ? sqrt(exact_value(&sum) / (n - 1) / n) : (double)NAN;
  return STATUS_OK;
}

static enum status write_measured(struct making *run, const struct points_summary *summary) {
  const struct dataset_parameter parameters[MEASURED] = {{measured_name[ENTROPY], NULL, summary->entropy},
                                                         {measured_name[ENTROPY_ERROR], NULL, summary->entropy_error}};
  return dataset_write_parameters(&run->dataset, parameters, MEASURED);
}

enum status points_dataset(const struct comm *comm, const struct config *config, const char *path,
                           struct points_summary *summary) {
  struct making run = {.comm = comm, .experiment = config_experiment(config)};
  enum status status = comm_agree(comm, prepare(&run));
  if (status == STATUS_OK) status = create_dataset(&run, config, path);
  if (status == STATUS_OK) status = draw_all(&run);
  if (status == STATUS_OK) status = measure_entropy(&run, summary);
  if (status == STATUS_OK) status = write_measured(&run, summary);
  if (status == STATUS_OK) status = dataset_commit(&run.dataset);
  dataset_close(&run.dataset);
  target_close(&run.target);
  free(run.points);
  free(run.ignored);
  free(run.log_density[SPLIT_TEST]);
  return status;
}

/* ---- made elsewhere ---- */

/* Not collective. This rank's share of a split, where it stands in the file. */
static enum status sum_share(const struct comm *comm, const struct dataset *data, enum split split, double *points,
                             int64_t batch, struct checksum *sum) {
  const size_t row = (size_t)data->coordinates * sizeof *points;
  int64_t first, count;
  comm_share(data->rollouts[split], comm->size, comm->rank, &first, &count);
  for (int64_t i = 0; i < count; i += batch) {
    const int64_t now = count - i < batch ? count - i : batch;
    const struct dataset_place at = dataset_place(data, split, first + i);
    TRY(dataset_read_points(data, split, first + i, now, points, NULL));
    checksum_add(sum, checksum_tag(split_name[at.split]), (uint64_t)at.rollout * row, points, (size_t)now * row);
  }
  return STATUS_OK;
}

enum status points_checksum(const struct comm *comm, const struct dataset *data, char checksum[CHECKSUM_TEXT]) {
  const int64_t batch = BATCH_BYTES / (int64_t)sizeof(double) / data->coordinates,
                shape[] = {dataset_stored(data, SPLIT_TRAIN), dataset_stored(data, SPLIT_TEST),
                           dataset_stored(data, SPLIT_VALIDATION), data->coordinates};
  struct checksum sum = {{0, 0}};
  double *points = allocate(batch * data->coordinates, sizeof *points);
  enum status status = points ? STATUS_OK : status_raise(STATUS_MEMORY, "no memory for points");
  if (comm->rank == 0) checksum_add(&sum, checksum_tag("points"), 0, shape, sizeof shape);
  for (unsigned s = 0; s < SPLIT_COUNT && status == STATUS_OK; s++)
    status = sum_share(comm, data, (enum split)s, points, batch, &sum);
  free(points);
  TRY(comm_agree(comm, status));
  TRY(reduce_checksum(comm, &sum, 1));
  checksum_text(&sum, checksum);
  return STATUS_OK;
}
