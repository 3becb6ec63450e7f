#include "physics/points.h"

#include "base/log.h"
#include "comm/reduce.h"
#include "physics/chains.h"
#include "physics/parameters.h"
#include "physics/rollout.h"
#include "physics/target.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_BYTES = 1 << 18 }; /* of points that are made, or read, at once */

/* ---- what is measured ---- */

static const struct measured {
  const char *name, *unit;
  size_t offset; /* in the summary */
  bool chained;  /* of points of Monte Carlo only */
} measured[] = {
    {"entropy", "nat", offsetof(struct points_summary, entropy), false},
    {"entropy_error", "nat", offsetof(struct points_summary, entropy_error), false},
    {"log_normaliser_error", "nat", offsetof(struct points_summary, normaliser_error), true},
    {"hmc_acceptance", "1", offsetof(struct points_summary, acceptance), true},
    {"hmc_ess", "1", offsetof(struct points_summary, ess), true},
    {"hmc_rhat", "1", offsetof(struct points_summary, rhat), true},
    {"hmc_step", "1", offsetof(struct points_summary, step), true},
    {"divergences", "1", offsetof(struct points_summary, divergences), true},
};
enum { MEASURED = sizeof measured / sizeof *measured };

/* As parameters of the file. Returns how many. */
static int list_measured(const struct points_summary *summary, struct dataset_parameter list[MEASURED]) {
  int count = 0;
  for (int i = 0; i < MEASURED; i++) {
    double value;
    if (measured[i].chained && !summary->chained) continue;
    memcpy(&value, (const char *)summary + measured[i].offset, sizeof value);
    list[count++] = (struct dataset_parameter){measured[i].name, measured[i].unit, value};
  }
  return count;
}

enum status points_read_summary(const struct dataset *data, struct points_summary *summary) {
  for (int i = 0; i < MEASURED; i++) {
    double value;
    TRY(dataset_parameter(data, measured[i].name, &value));
    memcpy((char *)summary + measured[i].offset, &value, sizeof value);
  }
  summary->chained = !isnan(summary->acceptance);
  return STATUS_OK;
}

bool points_good(const struct points_summary *summary) {
  return !summary->chained || (summary->rhat <= POINTS_RHAT_MOST && summary->ess >= POINTS_ESS_LEAST);
}

/* ---- the file ---- */

struct making {
  const struct comm *comm;
  const struct experiment *experiment;
  struct target *target;
  struct chains chains; /* where they draw the points */
  struct dataset dataset;
  int64_t dimension, batch;                                           /* batch: points */
  int64_t total[SPLIT_COUNT], first[SPLIT_COUNT], count[SPLIT_COUNT]; /* of all ranks; this rank's share */
  double *points;                                                     /* [batch][D + 1] */
  double *density, *test_density;                                     /* [batch]; [count] of the test split */
};

static enum status create_dataset(struct making *run, const struct config *config, const char *path,
                                  const struct points_summary *summary) {
  char name[TARGET_DIMENSION_MAX][8];
  const char *names[TARGET_DIMENSION_MAX], *units[TARGET_DIMENSION_MAX];
  struct dataset_parameter parameters[PARAMETERS_MAX + MEASURED];
  struct parameters_text text;
  int count = parameters_list(config, "density.", &text, parameters);
  count += list_measured(summary, parameters + count);
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

static void *allocate(int64_t count, size_t size) { return calloc(count > 0 ? (size_t)count : 1, size); }

/* Not collective. Sizes and memory of this rank. */
static enum status prepare(struct making *run) {
  const struct data_settings *data = &run->experiment->data;
  const int64_t total[SPLIT_COUNT] = {data->train, data->test, experiment_validation(data)};
  TRY(target_open(run->experiment, &run->target));
  run->dimension = target_dimension(run->target);
  run->batch = BATCH_BYTES / (int64_t)sizeof(double) / (run->dimension + 1);
  for (int s = 0; s < SPLIT_COUNT; s++) {
    run->total[s] = total[s];
    comm_share(total[s], run->comm->size, run->comm->rank, &run->first[s], &run->count[s]);
  }
  run->points = allocate(run->batch * (run->dimension + 1), sizeof(double));
  run->density = allocate(run->batch, sizeof(double));
  run->test_density = allocate(run->count[SPLIT_TEST], sizeof(double));
  REQUIRE(run->points && run->density && run->test_density, STATUS_MEMORY, "out of memory for %lld points",
          (long long)run->batch);
  return STATUS_OK;
}

/* Not collective. Points of this rank's share, as they stand in the batch buffers. */
static enum status write_points(struct making *run, enum split split, int64_t first, int64_t count) {
  if (split == SPLIT_TEST)
    memcpy(run->test_density + (first - run->first[split]), run->density, (size_t)count * sizeof(double));
  return dataset_write_points(&run->dataset, split, first, count, run->points, run->density);
}

/* ---- exact draws ---- */

/* Not collective. */
static enum status draw_split(struct making *run, enum split split, struct progress *progress, int64_t *done) {
  const uint64_t number = rollout_number((struct dataset_place){split, 0});
  const int64_t end = run->first[split] + run->count[split];
  for (int64_t first = run->first[split]; first < end; first += run->batch) {
    const int64_t count = end - first < run->batch ? end - first : run->batch;
    for (int64_t i = 0; i < count; i++) {
      double *x = run->points + i * run->dimension;
      target_draw(run->target, (uint64_t)run->experiment->seed, number + (uint64_t)(first + i), x);
      run->density[i] = target_log_density(run->target, x);
    }
    TRY(write_points(run, split, first, count));
    *done += count;
    const int64_t all = *done * run->comm->size;
    progress_update(progress, all < progress->total ? all : progress->total);
  }
  return STATUS_OK;
}

/* Collective. */
static enum status draw_all(struct making *run) {
  struct progress progress;
  int64_t done = 0, total = run->total[SPLIT_TRAIN] + run->total[SPLIT_TEST] + run->total[SPLIT_VALIDATION];
  enum status status = STATUS_OK;
  progress_begin(&progress, "draw", "points", total);
  for (int s = 0; s < SPLIT_COUNT && status == STATUS_OK; s++)
    status = draw_split(run, (enum split)s, &progress, &done);
  TRY(comm_agree(run->comm, status));
  progress_end(&progress, total);
  return STATUS_OK;
}

/* ---- draws of chains ---- */

/* Not collective. Of a batch that all ranks hold, what is this rank's: values[count][D + 1] are spread in place. */
static enum status write_own(struct making *run, enum split split, int64_t first, int64_t count) {
  const int64_t begin = first > run->first[split] ? first : run->first[split],
                share = run->first[split] + run->count[split], end = first + count < share ? first + count : share;
  for (int64_t i = begin; i < end; i++) {
    const double *value = run->points + (i - first) * (run->dimension + 1);
    run->density[i - begin] = value[run->dimension];
    memmove(run->points + (i - begin) * run->dimension, value, (size_t)run->dimension * sizeof *value);
  }
  return begin < end ? write_points(run, split, begin, end - begin) : STATUS_OK;
}

/* Collective. A rank that cannot write goes on with the others to the end. */
static enum status write_chains(struct making *run) {
  enum status status = STATUS_OK;
  for (int s = 0; s < SPLIT_COUNT; s++)
    for (int64_t first = 0; first < run->total[s]; first += run->batch) {
      const int64_t left = run->total[s] - first, count = left < run->batch ? left : run->batch;
      TRY(chains_collect(&run->chains, (enum split)s, first, count, run->points));
      if (status == STATUS_OK) status = write_own(run, (enum split)s, first, count);
    }
  return comm_agree(run->comm, status);
}

/* Collective. */
static enum status run_chains(struct making *run, struct points_summary *summary) {
  TRY(chains_run(run->comm, run->experiment, run->target, run->total, &run->chains));
  summary->normaliser_error = target_normaliser_error(run->target);
  summary->acceptance = run->chains.acceptance;
  summary->ess = run->chains.known.ess;
  summary->rhat = run->chains.known.rhat;
  summary->step = run->chains.step;
  summary->divergences = (double)run->chains.divergences;
  return STATUS_OK;
}

/* ---- all of it ---- */

/* Collective. First the mean, then the deviations from it, each an exact sum over all ranks. Points of a chain count as
 * many as are effectively independent, and the normaliser's error is in all of them. */
static enum status measure_entropy(struct making *run, struct points_summary *summary) {
  const double n = (double)run->total[SPLIT_TEST], *value = run->test_density;
  const int64_t count = run->count[SPLIT_TEST];
  double independent = n;
  struct exact sum;
  if (summary->chained) TRY(chains_ess(&run->chains, SPLIT_TEST, &independent));
  exact_clear(&sum);
  for (int64_t i = 0; i < count; i++) exact_add(&sum, value[i]);
  TRY(reduce_exact(run->comm, &sum, 1));
  const double mean = exact_value(&sum) / n;
  exact_clear(&sum);
  for (int64_t i = 0; i < count; i++) exact_add(&sum, (value[i] - mean) * (value[i] - mean));
  TRY(reduce_exact(run->comm, &sum, 1));
  const double constant = summary->chained ? summary->normaliser_error : 0;
  if (independent > n) independent = n;
  summary->entropy = -mean;
  summary->entropy_error = n > 1 ? sqrt(exact_value(&sum) / (n - 1) / independent + constant * constant) : (double)NAN;
  return STATUS_OK;
}

/* Collective. */
static enum status write_measured(struct making *run, const struct points_summary *summary) {
  struct dataset_parameter parameters[MEASURED];
  const int count = list_measured(summary, parameters);
  return dataset_write_parameters(&run->dataset, parameters, count);
}

enum status points_dataset(const struct comm *comm, const struct config *config, const char *path,
                           struct points_summary *summary) {
  struct making run = {.comm = comm, .experiment = config_experiment(config)};
  const double unknown = (double)NAN;
  *summary = (struct points_summary){unknown, unknown, false, unknown, unknown, unknown, unknown, unknown, unknown};
  enum status status = comm_agree(comm, prepare(&run));
  if (status == STATUS_OK) summary->chained = !target_draws(run.target);
  if (status == STATUS_OK) status = create_dataset(&run, config, path, summary);
  if (status == STATUS_OK && summary->chained) status = run_chains(&run, summary);
  if (status == STATUS_OK) status = summary->chained ? write_chains(&run) : draw_all(&run);
  if (status == STATUS_OK) status = measure_entropy(&run, summary);
  if (status == STATUS_OK) status = write_measured(&run, summary);
  if (status == STATUS_OK) status = dataset_commit(&run.dataset);
  dataset_close(&run.dataset);
  chains_close(&run.chains);
  target_close(&run.target);
  free(run.points);
  free(run.density);
  free(run.test_density);
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
