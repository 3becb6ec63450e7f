#include "cli/bench_steps.h"

#include "base/log.h"
#include "cli/bench.h"
#include "cli/bench_files.h"
#include "comm/reduce.h"
#include "physics/simulate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 64 };

/* What is timed of each step, and then averaged over ranks. */
enum number { REDUCING = LEARNER_STAGES_MAX, UPDATING, WHOLE, BUSY, EXCHANGED, WAITED, NUMBERS };

enum status bench_data_at(const struct comm *comm, int64_t rollouts, int64_t frames, const char *path) {
  char text[512];
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

enum status bench_data(const struct comm *comm, int64_t rollouts, int64_t frames, char *path, int size) {
  TRY(bench_name(comm, path, size));
  return bench_data_at(comm, rollouts, frames, path);
}

static enum status open_all(struct bench_training *training, const char *data, const char *settings,
                            const char *output) {
  char text[2048];
  const int length = snprintf(text, sizeof text, "data: {file: \"%s\"}\n%s", data, settings);
  enum status status = length < (int)sizeof text ? STATUS_OK : status_raise(STATUS_USAGE, "settings are too long");
  if (status == STATUS_OK) status = config_parse("benchmark", text, (size_t)length, NULL, 0, &training->config);
  TRY(comm_agree(training->comm, status));
  TRY(corpus_open(training->comm, data, &training->corpus));
  const struct trainer_setup setup = {.config = training->config, .corpus = &training->corpus, .output = output};
  return trainer_open(training->comm, &setup, &training->trainer);
}

enum status bench_training_open(const struct comm *comm, const char *data, const char *settings, const char *output,
                                struct bench_training *training) {
  *training = (struct bench_training){.comm = comm};
  enum status status = open_all(training, data, settings, output);
  if (status != STATUS_OK) bench_training_close(training);
  return status;
}

void bench_training_close(struct bench_training *training) {
  trainer_close(&training->trainer);
  corpus_close(&training->corpus);
  config_destroy(&training->config);
}

static enum status time_step(struct bench_training *training, double seconds[NUMBERS]) {
  unsigned events;
  TRY(comm_agree(training->comm, STATUS_OK)); /* all begin together */
  const struct trainer_timing before = trainer_timing(training->trainer);
  const double began = log_clock();
  TRY(trainer_advance(training->trainer, trainer_step(training->trainer) + 1, TRAINER_GO, &events));
  const double whole = log_clock() - began;
  const struct trainer_timing timing = trainer_timing(training->trainer);
  memcpy(seconds, timing.stage, sizeof timing.stage);
  seconds[REDUCING] = timing.reducing;
  seconds[UPDATING] = timing.updating;
  seconds[WHOLE] = whole;
  seconds[BUSY] = whole - timing.reducing;
  seconds[EXCHANGED] = timing.exchanged - before.exchanged;
  seconds[WAITED] = timing.waited - before.waited;
  return STATUS_OK;
}

static enum status over_ranks(const struct comm *comm, double *mean, int means, double *largest, int largests) {
  int64_t sum[NUMBERS], most[8];
  for (int i = 0; i < means; i++) sum[i] = (int64_t)(1e9 * mean[i]);
  for (int i = 0; i < largests; i++) most[i] = (int64_t)(1e9 * largest[i]);
  TRY(reduce_sum(comm, sum, means));
  TRY(reduce_max(comm, most, largests));
  for (int i = 0; i < means; i++) mean[i] = 1e-9 * (double)sum[i] / comm->size;
  for (int i = 0; i < largests; i++) largest[i] = 1e-9 * (double)most[i];
  return STATUS_OK;
}

enum status bench_training_time(struct bench_training *training, int steps, struct bench_steps *times) {
  double all[NUMBERS][STEPS_MAX], one[NUMBERS], mean[NUMBERS], largest[2];
  steps = steps < STEPS_MAX ? steps : STEPS_MAX;
  TRY(time_step(training, one));
  for (int i = 0; i < steps; i++) {
    TRY(time_step(training, one));
    for (int k = 0; k < NUMBERS; k++) all[k][i] = one[k];
  }
  for (int k = 0; k < NUMBERS; k++) mean[k] = bench_median(all[k], steps);
  largest[0] = mean[WHOLE];
  largest[1] = mean[BUSY];
  TRY(over_ranks(training->comm, mean, NUMBERS, largest, 2));
  *times = (struct bench_steps){.whole = largest[0],
                                .reducing = mean[REDUCING],
                                .updating = mean[UPDATING],
                                .busy = mean[BUSY],
                                .busiest = largest[1],
                                .exchanged = mean[EXCHANGED],
                                .waited = mean[WAITED]};
  memcpy(times->stage, mean, sizeof times->stage);
  return STATUS_OK;
}
