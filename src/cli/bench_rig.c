#include "cli/bench_rig.h"

#include "base/log.h"
#include "cli/bench.h"
#include "comm/reduce.h"
#include "physics/simulate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEPS_MAX = 64 };

enum status bench_data(const struct comm *comm, int64_t rollouts, int64_t frames, char *path, int size) {
  char text[512];
  int64_t process = (int64_t)getpid();
  TRY(comm_broadcast(comm, &process, sizeof process));
  snprintf(path, (size_t)size, "hgn-bench-%lld.h5", (long long)process);
  snprintf(text, sizeof text,
           "system: {name: mass_spring, mass: .5, stiffness: 2}\ninitial: {radius: [.1, 1]}\n"
           "data: {train: %lld, test: 1, frames: %lld, dt: .125, noise: .1}\n"
           "render: {renderer: soft, world: 2, radius: .5}\nladder: {input_frames: 5}\n",
           (long long)rollouts, (long long)frames);
  struct config *config = NULL;
  struct ladder ladder;
  TRY(comm_agree(comm, config_parse("benchmark", text, strlen(text), NULL, 0, &config)));
  enum status status = simulate_dataset(comm, config, path, false, &ladder);
  config_destroy(&config);
  return status;
}

static enum status open_model(struct bench_rig *rig, const struct training *training) {
  const struct model_images images = {rig->data.height, rig->data.width, rig->data.channels};
  TRY(protocol_resolve(&training->protocol, rig->data.frames, &rig->protocol));
  TRY(source_open(&rig->data, &rig->source));
  TRY(model_create(&training->model, &images, rig->protocol.input_count, GRAPH_F32, &rig->model));
  TRY(layout_block(&rig->model->layout, &rig->parameters));
  model_initialize(rig->model, 1, rig->parameters);
  const double ratio[MODEL_NETWORKS] = {1, 1, 1, 1};
  return optimizer_open(&training->optimizer, &rig->model->layout, ratio, training->train.steps, &rig->optimizer);
}

static enum status open_all(struct bench_rig *rig, const char *data, const char *settings) {
  char text[2048];
  const int length = snprintf(text, sizeof text, "data: {file: \"%s\"}\n%s", data, settings);
  enum status status = length < (int)sizeof text ? STATUS_OK : status_raise(STATUS_USAGE, "settings are too long");
  if (status == STATUS_OK) status = config_parse("benchmark", text, (size_t)length, NULL, 0, &rig->config);
  TRY(comm_agree(rig->comm, status));
  const struct training *training = &config_experiment(rig->config)->training;
  TRY(dataset_open(rig->comm, data, &rig->data));
  TRY(comm_agree(rig->comm, open_model(rig, training)));
  const struct lanes lanes = lanes_cut(training->train.batch, training->train.microbatch);
  const int64_t targets = rig->protocol.target_count;
  return step_open(rig->comm, rig->model, &rig->source, 1, &lanes, targets,
                   lane_frames(training->train.frames_per_rollout, targets), rig->parameters, &rig->step);
}

enum status bench_rig_open(const struct comm *comm, const char *data, const char *settings, struct bench_rig *rig) {
  *rig = (struct bench_rig){.comm = comm};
  enum status status = open_all(rig, data, settings);
  if (status != STATUS_OK) bench_rig_close(rig);
  return status;
}

void bench_rig_close(struct bench_rig *rig) {
  step_close(&rig->step);
  optimizer_close(&rig->optimizer);
  free(rig->parameters);
  model_destroy(&rig->model);
  source_close(&rig->source);
  dataset_close(&rig->data);
  config_destroy(&rig->config);
}

/* seconds: of each stage, then Adam, then the whole step. */
static enum status run_step(struct bench_rig *rig, double seconds[STEP_STAGES + 2]) {
  const struct training *training = &config_experiment(rig->config)->training;
  const struct lane_task task = {.protocol = rig->protocol,
                                 .seed = 1,
                                 .step = rig->done,
                                 .frames_per_rollout = training->train.frames_per_rollout,
                                 .dt = rig->data.dt,
                                 .batch = training->train.batch,
                                 .error_weight = 1,
                                 .kl_weight = .01};
  struct step_result result;
  double norm;
  TRY(comm_agree(rig->comm, STATUS_OK)); /* all begin together */
  const double began = log_clock();
  TRY(step_run(&rig->step, &task, false, &result));
  const double stepped = log_clock();
  optimizer_step(&rig->optimizer, rig->done++, rig->step.gradient, rig->parameters, &norm);
  step_parameters_changed(&rig->step);
  memcpy(seconds, result.seconds, sizeof result.seconds);
  seconds[STEP_STAGES] = log_clock() - stepped;
  seconds[STEP_STAGES + 1] = log_clock() - began;
  return STATUS_OK;
}

static enum status over_ranks(const struct comm *comm, double *mean, int means, double *largest, int largests) {
  int64_t sum[STEP_STAGES + 8], most[8];
  for (int i = 0; i < means; i++) sum[i] = (int64_t)(1e9 * mean[i]);
  for (int i = 0; i < largests; i++) most[i] = (int64_t)(1e9 * largest[i]);
  TRY(reduce_sum(comm, sum, means));
  TRY(reduce_max(comm, most, largests));
  for (int i = 0; i < means; i++) mean[i] = 1e-9 * (double)sum[i] / comm->size;
  for (int i = 0; i < largests; i++) largest[i] = 1e-9 * (double)most[i];
  return STATUS_OK;
}

enum status bench_rig_time(struct bench_rig *rig, int steps, struct bench_steps *times) {
  enum { ADAM = STEP_STAGES, WHOLE, BUSY, EXCHANGED = WHOLE, WAITED, MEANS };
  double all[STEP_STAGES + 2][STEPS_MAX], one[STEP_STAGES + 2], busy[STEPS_MAX], mean[MEANS + 1], largest[2];
  steps = steps < STEPS_MAX ? steps : STEPS_MAX;
  TRY(run_step(rig, one));
  const double total = rig->step.exchange.total, waited = rig->step.exchange.waited;
  for (int i = 0; i < steps; i++) {
    TRY(run_step(rig, one));
    for (int k = 0; k < STEP_STAGES + 2; k++) all[k][i] = one[k];
    busy[i] = one[WHOLE] - one[STEP_REDUCE];
  }
  for (int k = 0; k <= ADAM; k++) mean[k] = bench_median(all[k], steps);
  largest[0] = bench_median(all[WHOLE], steps);
  largest[1] = mean[MEANS] = bench_median(busy, steps);
  mean[EXCHANGED] = (rig->step.exchange.total - total) / steps;
  mean[WAITED] = (rig->step.exchange.waited - waited) / steps;
  TRY(over_ranks(rig->comm, mean, MEANS + 1, largest, 2));
  *times = (struct bench_steps){.whole = largest[0],
                                .adam = mean[ADAM],
                                .busy = mean[MEANS],
                                .busiest = largest[1],
                                .exchanged = mean[EXCHANGED],
                                .waited = mean[WAITED]};
  memcpy(times->stage, mean, sizeof times->stage);
  return STATUS_OK;
}
