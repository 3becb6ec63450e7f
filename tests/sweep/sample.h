/* Base experiments, and the shortest ways to parse sweeps of them. */
#ifndef HGN_TESTS_SWEEP_SAMPLE_H
#define HGN_TESTS_SWEEP_SAMPLE_H

#include "sweep/sweep.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char sample_hgn[] = "seed: 3\n"
                                 "data: {file: \"a.h5\"}\n"
                                 "model: {preset: quick, latent: {sampled: false}}\n"
                                 "train: {steps: 100, batch: 8}\n"
                                 "eval: {every: 30}\n";
static const char sample_synthetic[] = "model: {name: synthetic}\n"
                                       "train: {steps: 9}\n"
                                       "eval: {every: 1}\n";

/* Of every key something; with "substeps=model.integrator.substeps" and "batch=train.batch" from the command line. */
static const char sample_full[] =
    "base: sub/b.yaml\n"
    "name: all of it\n"
    "method: sobol\n"
    "rename: {lr: optimizer.learning_rate, drift: energy_drift, batch: data.file}\n"
    "metric: {name: drift, goal: maximize}\n"
    "run_cap: 12\n"
    "repeats: 3\n"
    "confirm: 2\n"
    "seed: 7\n"
    "order: arrival\n"
    "window: 5\n"
    "resources: {ranks_per_trial: 2, trial_timeout: 30m, grace: 9, max_restarts: 4, on_nan: fail,\n"
    "            core_hours: 1.5, wall_time: 2h, checkpoint_bytes: 2GiB}\n"
    "slurm: {array: 0-7, array_parallelism: 4, timeout_min: 120, signal_delay_s: 60,\n"
    "        requeue: false, max_num_timeout: 9}\n"
    "prepare:\n"
    "  - hgn simulate data/pendulum.yaml -o 'a b.h5' --set \"x=1\"\n"
    "  - [limit, a b.h5]\n"
    "x-anchors: {a: &batches [4, 8, 16]}\n"
    "parameters:\n"
    "  substeps: {values: [1, 2], when: {model.integrator.name: [rk4, leapfrog], train.batch: 8}}\n"
    "  lr: {distribution: log_uniform_values, min: 1e-5, max: 1e-2}\n"
    "  model.integrator.name: {values: [leapfrog, rk4, yoshida4]}\n"
    "  train.batch: {values: *batches}\n"
    "  model.decoder.channels: {value: [8, 8]}\n"
    "constraints: [\"train.batch * lr < 0.1\", \"drift < 0.5 or train.batch == 16\"]\n"
    "enqueue:\n"
    "  - {lr: 0.001, model.integrator.name: yoshida4, batch: 4}\n"
    "  - {optimizer.learning_rate: 1e-3, model.integrator.name: rk4, train.batch: 8, substeps: 2}\n";

static inline enum status sample_parse(const char *base, const char *text, struct sweep **sweep, char *notice) {
  const struct sweep_options options = {.base_path = "b.yaml", .base_text = base, .base_bytes = strlen(base)};
  status_clear();
  return sweep_parse("s.yaml", text, strlen(text), &options, sweep, notice);
}

/* Parses a sweep that must be right, and that nothing is to be said of. */
static inline struct sweep *sample_load(const char *base, const char *text) {
  struct sweep *sweep;
  char notice[SWEEP_NOTICE_MAX];
  assert_ok(sample_parse(base, text, &sweep, notice));
  assert_non_null(sweep);
  assert_string_equal(notice, "");
  return sweep;
}

static inline struct sweep *sample_notice(const char *base, const char *text, const char *expected) {
  struct sweep *sweep;
  char notice[SWEEP_NOTICE_MAX];
  assert_ok(sample_parse(base, text, &sweep, notice));
  assert_string_equal(notice, expected);
  return sweep;
}

/* Parses a sweep that must be refused with exactly `message`. */
static inline void sample_refuse(const char *base, const char *text, const char *message) {
  struct sweep *sweep = (struct sweep *)&sweep;
  char notice[SWEEP_NOTICE_MAX];
  assert_status(STATUS_CONFIG, sample_parse(base, text, &sweep, notice));
  assert_null(sweep);
  assert_string_equal(status_message(), message);
}

#endif
