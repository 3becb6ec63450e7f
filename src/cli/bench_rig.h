/* Private to src/cli: a training without a run file, whose steps the benchmarks time. */
#ifndef HGN_CLI_BENCH_RIG_H
#define HGN_CLI_BENCH_RIG_H

#include "config/config.h"
#include "train/optimizer.h"
#include "train/step.h"

struct bench_rig {
  const struct comm *comm;
  struct config *config;
  struct dataset data;
  struct source source;
  struct protocol protocol;
  struct model *model;
  float *parameters;
  struct step step;
  struct optimizer optimizer;
  int64_t done; /* steps */
};

/* Seconds of a step. */
struct bench_steps {
  double whole;              /* on the slowest rank */
  double stage[STEP_STAGES]; /* on average over ranks */
  double adam, busy;         /* on average over ranks; busy: all but STEP_REDUCE */
  double busiest;            /* busy of the slowest rank */
  double exchanged, waited;  /* s a step that messages were on their way, and that a rank stood still for them */
};

/* Collective. A data set to train on, made for a benchmark in the working folder, which ranks of several nodes share;
 * its name into `path`. */
enum status bench_data(const struct comm *comm, int64_t rollouts, int64_t frames, char *path, int size);
/* Collective. settings: keys of a training experiment besides the data, as YAML in braces on one line each. */
enum status bench_rig_open(const struct comm *comm, const char *data, const char *settings, struct bench_rig *rig);
void bench_rig_close(struct bench_rig *rig);
/* Collective. One step that is not counted, then `steps`; medians. */
enum status bench_rig_time(struct bench_rig *rig, int steps, struct bench_steps *times);

#endif
