/* Private to src/cli: the steps of a training without a run file, timed. Failures: those of simulate.h, corpus.h and
 * trainer.h. */
#ifndef HGN_CLI_BENCH_STEPS_H
#define HGN_CLI_BENCH_STEPS_H

#include "config/config.h"
#include "train/trainer.h"

/* Seconds of a step. */
struct bench_steps {
  double whole;                     /* on the slowest rank */
  double stage[LEARNER_STAGES_MAX]; /* on average over ranks */
  double reducing;                  /* on average over ranks: waiting for sums */
  double updating, busy;            /* on average over ranks: Adam; all but `reducing` */
  double busiest;                   /* busy of the slowest rank */
  double exchanged, waited;         /* s a step that messages were on their way, and that a rank stood still for them */
};

/* Collective. A data set to train on, made for a benchmark in the working folder, which ranks of several nodes share;
 * its name into `path`. */
enum status bench_data(const struct comm *comm, int64_t rollouts, int64_t frames, char *path, int size);
/* The same at a place of the caller's. */
enum status bench_data_at(const struct comm *comm, int64_t rollouts, int64_t frames, const char *path);

struct bench_training {
  const struct comm *comm;
  struct config *config;
  struct corpus corpus;
  struct trainer *trainer;
};
/* Collective. settings: keys of a training experiment besides the data, as YAML in braces on one line each. output: a
 * run file, or NULL for none. */
enum status bench_training_open(const struct comm *comm, const char *data, const char *settings, const char *output,
                                struct bench_training *training);
void bench_training_close(struct bench_training *training);
/* Collective. One step that is not counted, then `steps`; medians. */
enum status bench_training_time(struct bench_training *training, int steps, struct bench_steps *times);

#endif
