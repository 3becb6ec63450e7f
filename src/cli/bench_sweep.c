#include "cli/bench_sweep.h"

#include "base/log.h"
#include "base/stop.h"
#include "cli/bench.h"
#include "cli/bench_files.h"
#include "cli/bench_rows.h"
#include "cli/bench_steps.h"
#include "comm/reduce.h"
#include "store/output.h"
#include "sweep/folder.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
  TRIALS = 100000,       /* of the first measurement, when the command line does not say */
  ROUNDS = 2,            /* of it; the faster counts */
  SLEEPING = 10000,      /* trials that sleep, at most */
  SLEEPING_GROUP = 1300, /* of a group at most: 13 s */
  SLEEPS = 100,          /* of each rank, to know how long one is */
  PEER_TRIALS = 2000,
  PEER_PROCESSES = 2,
  STEPS = 200 /* of a trial that trains */
};
static const double sleep_seconds = 0.01;

/* ---- The folder of all files ---- */

static enum status make_folder(char folder[STORE_PATH_MAX]) {
  const char *place = output_temporary();
  char stem[128];
  bench_remove_left(place);
  bench_stem(stem);
  const int length = snprintf(folder, STORE_PATH_MAX, "%s/%s-XXXXXX", place, stem);
  REQUIRE(length < STORE_PATH_MAX && !strpbrk(folder, "\"\\"), STATUS_USAGE, "TMPDIR: the name is not usable");
  REQUIRE(mkdtemp(folder), STATUS_FILE, "%s: the folder cannot be made: %s", folder, strerror(errno));
  return STATUS_OK;
}

/* ---- Sweeps of texts in memory ---- */

static enum status parse(const char *file, const char *base, struct sweep_input *input) {
  const struct sweep_options options = {.base_path = "base", .base_text = base, .base_bytes = strlen(base)};
  char notice[SWEEP_NOTICE_MAX];
  TRY(sweep_parse("benchmark", file, strlen(file), &options, &input->sweep, notice));
  struct ledger_texts *texts = &input->texts;
  texts->file = strdup(file);
  texts->base = strdup(base);
  texts->file_name = strdup("benchmark");
  texts->base_name = strdup("base");
  texts->renames = strdup("");
  texts->numerics = strdup("");
  REQUIRE(texts->file && texts->base && texts->file_name && texts->base_name && texts->renames && texts->numerics,
          STATUS_MEMORY, "out of memory for a text");
  return sweep_text(input->sweep, &texts->effective);
}

/* Root only. */
static enum status create(struct bench_sweep *sweep) {
  char path[STORE_PATH_MAX];
  TRY(folder_ledger(sweep->input.folder, path));
  TRY(folder_make(sweep->input.folder));
  return ledger_create(path, sweep->input.sweep, &sweep->input.texts, &sweep->ledger);
}

void bench_sweep_close(struct bench_sweep *sweep) {
  ledger_close(&sweep->ledger);
  sweep_input_free(&sweep->input);
}

enum status bench_sweep_open(const struct comm *comm, const char *folder, const char *name, const char *file,
                             const char *base, struct bench_sweep *sweep) {
  *sweep = (struct bench_sweep){.input = {.sweep = NULL}};
  const int length = snprintf(sweep->input.folder, STORE_PATH_MAX, "%s/%s", folder, name);
  enum status status = length < STORE_PATH_MAX ? parse(file, base, &sweep->input)
                                               : status_raise(STATUS_USAGE, "TMPDIR: the name is too long");
  if (status == STATUS_OK && comm->rank == 0) status = create(sweep);
  status = comm_agree(comm, status);
  if (status != STATUS_OK) bench_sweep_close(sweep);
  return status;
}

enum status bench_sweep_open_synthetic(const struct comm *comm, const char *folder, const char *name, int64_t trials,
                                       double sleep, struct bench_sweep *sweep) {
  char file[512], base[128];
  snprintf(file, sizeof file,
           "method: random\nmetric: {name: loss}\nrun_cap: %lld\nparameters:\n"
           "  synthetic.x: {distribution: uniform, min: -1, max: 1}\n"
           "  synthetic.y: {distribution: uniform, min: -1, max: 1}\n",
           (long long)trials);
  snprintf(base, sizeof base, "model: {name: synthetic}\nsynthetic: {sleep: %g}\ntrain: {steps: 1}\neval: {every: 1}\n",
           sleep);
  return bench_sweep_open(comm, folder, name, file, base, sweep);
}

enum status bench_sweep_whole(const struct coordinator_outcome *outcome) {
  REQUIRE(outcome->end == COORDINATOR_COMPLETE, STATUS_INTERRUPTED, "the benchmark was stopped");
  return STATUS_OK;
}

/* Collective. Runs it, and closes it. outcome, syncs: Root only. */
static enum status run(const struct comm *world, struct bench_sweep *sweep, struct coordinator_outcome *outcome,
                       int64_t *syncs) {
  struct inject inject;
  enum status status = inject_parse(NULL, 0, &inject);
  struct sweep_job job = {.input = &sweep->input, .ledger = &sweep->ledger, .inject = &inject, .quiet = true};
  const int64_t before = sweep->ledger.syncs;
  if (status == STATUS_OK) status = sweep_run_job(world, &job);
  if (status == STATUS_OK && world->rank == 0) status = bench_sweep_whole(&job.outcome);
  *outcome = job.outcome;
  *syncs = sweep->ledger.syncs - before;
  bench_sweep_close(sweep);
  return comm_agree(world, status);
}

static enum status run_synthetic(const struct comm *world, const char *folder, const char *name, int64_t trials,
                                 double sleep, struct coordinator_outcome *outcome, int64_t *syncs) {
  struct bench_sweep sweep;
  TRY(bench_sweep_open_synthetic(world, folder, name, trials, sleep, &sweep));
  return run(world, &sweep, outcome, syncs);
}

static int groups_of(const struct comm *world) { return world->size == 1 ? 1 : world->size - 1; }

/* ---- Dispatch, beside a peer ---- */

static enum status time_peer(const char *peer, double share, double *second) {
  const int trials = share * PEER_TRIALS < 100 ? 100 : (int)(share * PEER_TRIALS);
  char arguments[64];
  snprintf(arguments, sizeof arguments, "%d %d", PEER_PROCESSES, trials);
  return bench_read_peer(peer, arguments, 1, second, NULL);
}

static void print_dispatch(int64_t trials, const struct coordinator_outcome *outcome, int64_t syncs) {
  printf(
      "dispatch   %8lld trials of no work    %6.2f s  %8.0f trials/s  %6.1f us each  %lld syncs, one every %.0f ms\n",
      (long long)trials, outcome->wall, (double)trials / outcome->wall, 1e6 * outcome->wall / (double)trials,
      (long long)syncs, 1e3 * outcome->wall / (double)(syncs > 0 ? syncs : 1));
  fflush(stdout);
}

/* The peer runs between two rounds of ours, so that both see the same machine; the other ranks leave it their cores. */
static enum status measure_dispatch(const struct comm *world, const char *folder, int64_t trials, const char *peer) {
  double best = 0, theirs = 0;
  for (int round = 0; round < ROUNDS; round++) {
    struct coordinator_outcome outcome;
    char name[32];
    int64_t syncs;
    snprintf(name, sizeof name, "dispatch-%d", round);
    TRY(run_synthetic(world, folder, name, trials, 0, &outcome, &syncs));
    if (world->rank == 0) print_dispatch(trials, &outcome, syncs);
    if ((double)trials / outcome.wall > best) best = (double)trials / outcome.wall;
    if (!peer || round > 0) continue;
    const enum status status = world->rank == 0 ? time_peer(peer, (double)trials / TRIALS, &theirs) : STATUS_OK;
    const enum status waited = comm_wait(world);
    TRY(comm_agree(world, status != STATUS_OK ? status : waited));
  }
  bench_row("sweep", "trials of no work (%lld), the faster of %d", (long long)trials, ROUNDS);
  bench_number("[trials/s]", best);
  if (world->rank == 0 && peer)
    printf("           Optuna, journal file, which it syncs at every write, %d processes: %.0f trials/s; ours are %.1f "
           "times as many\n",
           PEER_PROCESSES, theirs, best / theirs);
  return STATUS_OK;
}

/* ---- Trials that sleep ---- */

/* Collective. What a sleep itself takes on average, all groups at once. */
static enum status measure_sleep(const struct comm *world, double *seconds) {
  const struct timespec time = {.tv_nsec = (long)(1e9 * sleep_seconds)};
  const bool works = world->size == 1 || world->rank > 0;
  TRY(comm_wait(world));
  const double began = log_clock();
  for (int i = 0; i < SLEEPS && works; i++) nanosleep(&time, NULL);
  int64_t nanoseconds = works ? (int64_t)(1e9 * (log_clock() - began)) : 0;
  TRY(comm_wait(world));
  TRY(reduce_sum(world, &nanoseconds, 1));
  *seconds = 1e-9 * (double)nanoseconds / SLEEPS / groups_of(world);
  return STATUS_OK;
}

static enum status measure_sleeping(const struct comm *world, const char *folder, double share) {
  struct coordinator_outcome outcome;
  int64_t syncs, trials = (int64_t)(share * SLEEPING);
  const int groups = groups_of(world);
  const int64_t bound = (int64_t)(share * SLEEPING_GROUP * groups);
  double slept;
  if (trials > bound) trials = bound;
  trials = trials < groups ? groups : trials - trials % groups;
  TRY(measure_sleep(world, &slept));
  TRY(run_synthetic(world, folder, "sleeping", trials, sleep_seconds, &outcome, &syncs));
  const double turns = (double)trials / groups;
  if (world->rank == 0) {
    bench_row("sweep", "trials that sleep %.0f ms (%lld)", 1e3 * sleep_seconds, (long long)trials);
    bench_number("[trials/s]", (double)trials / outcome.wall);
    bench_number("beyond their sleep [%]", 100 * (outcome.wall / (turns * slept) - 1));
    printf("sleeping   %8lld trials of %.0f ms      %6.2f s  %8.2f%% over %.0f ms each, %.2f%% over the %.3f ms that "
           "such a "
           "sleep takes\n",
           (long long)trials, 1e3 * sleep_seconds, outcome.wall, 100 * (outcome.wall / (turns * sleep_seconds) - 1),
           1e3 * sleep_seconds, 100 * (outcome.wall / (turns * slept) - 1), 1e3 * slept);
  }
  fflush(stdout);
  return STATUS_OK;
}

/* ---- Trials that train ---- */

static enum status measure_training(const struct comm *world, const char *folder, double share) {
  struct coordinator_outcome outcome;
  struct bench_sweep sweep;
  int64_t syncs;
  char data[STORE_PATH_MAX], file[512], base[STORE_PATH_MAX + 512];
  const int groups = groups_of(world), trials = groups <= 4 ? 2 * groups : groups,
            steps = share * STEPS < 2 ? 2 : (int)(share * STEPS);
  const int length = snprintf(data, sizeof data, "%.*s/data.h5", STORE_PATH_MAX - 16, folder);
  REQUIRE(length < STORE_PATH_MAX, STATUS_USAGE, "TMPDIR: the name is too long");
  TRY(bench_data_at(world, 512, 34, data));
  snprintf(file, sizeof file,
           "method: random\nmetric: {name: mse}\nrun_cap: %d\nparameters:\n"
           "  optimizer.learning_rate: {distribution: log_uniform_values, min: 0.0005, max: 0.002}\n",
           trials);
  snprintf(base, sizeof base,
           "data: {file: \"%s\"}\nmodel: {preset: quick}\n"
           "train: {steps: %d, batch: 8, microbatch: 4, frames_per_rollout: 6}\neval: {every: %d, rollouts: 16}\n",
           data, steps, (steps + 1) / 2);
  TRY(bench_sweep_open(world, folder, "training", file, base, &sweep));
  TRY(run(world, &sweep, &outcome, &syncs));
  if (world->rank == 0) {
    bench_row("sweep", "trials that train (%d of %d steps)", trials, steps);
    bench_number("in steps and evaluations [%]", 100 * outcome.working / (outcome.wall * groups));
    bench_number("groups busy [%]", 100 * outcome.busy / (outcome.wall * groups));
    printf(
        "training   %8d trials of %d steps  %6.2f s  %8.2f%% of the groups' time in steps and evaluations, groups busy "
        "%.2f%%\n",
        trials, steps, outcome.wall, 100 * outcome.working / (outcome.wall * groups),
        100 * outcome.busy / (outcome.wall * groups));
  }
  fflush(stdout);
  return STATUS_OK;
}

/* ---- All ---- */

static enum status measure(const struct comm *world, const char *folder, const struct bench_words *words) {
  const int64_t trials = words->trials > 0 ? words->trials : TRIALS;
  const double share = (double)trials / TRIALS;
  const int groups = groups_of(world);
  if (world->rank == 0)
    printf(
        "random search of two parameters, a trial is one step of the synthetic objective; %d group%s of one rank%s,\n"
        "files in %s, everything written before it is acted on, and synced at least every 100 ms while there is "
        "any\n\n",
        groups, groups == 1 ? "" : "s", world->size == 1 ? ", in the coordinator's process" : "", folder);
  TRY(measure_dispatch(world, folder, trials, words->peer));
  TRY(measure_sleeping(world, folder, share));
  TRY(measure_training(world, folder, share));
  const enum status status = world->rank == 0 ? bench_sweep_virtual(folder, share) : STATUS_OK;
  const enum status waited = comm_wait(world);
  return comm_agree(world, status != STATUS_OK ? status : waited);
}

enum status bench_sweep(const struct comm *world, const struct bench_words *words) {
  char folder[STORE_PATH_MAX] = "";
  TRY(comm_agree(world, world->rank == 0 ? make_folder(folder) : STATUS_OK));
  enum status status = comm_broadcast(world, folder, sizeof folder);
  stop_listen(SIGUSR1);
  if (status == STATUS_OK) status = measure(world, folder, words);
  stop_release();
  if (world->rank == 0) bench_remove_folder(folder);
  return status;
}
