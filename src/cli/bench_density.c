#include "cli/bench.h"
#include "cli/bench_files.h"
#include "cli/bench_steps.h"
#include "physics/points.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* All: points of two numbers, batch 256, f32, Adam: the defaults, the sizes that others use (two Hamiltonians of two
 * leapfrog steps), and real NVP of as many parameters. */
static const struct bench_case {
  const char *name, *settings, *peer; /* peer: its arguments; NULL: none */
} cases[] = {{"nhf 4 x 1", "name: nhf", "time nhf --hamiltonians 4 --steps 1 --width 128 128 --activation swish"},
             {"nhf 2 x 2 softplus", "name: nhf, flow: {hamiltonians: 2, steps: 2, activation: softplus}",
              "time nhf --hamiltonians 2 --steps 2 --width 128 128 --activation softplus"},
             {"nhf fixed kinetic", "name: nhf, flow: {kinetic: fixed}", NULL},
             {"rnvp", "name: rnvp", "time rnvp --couplings 8 --coupling-width 136 136"}};
enum { CASES = sizeof cases / sizeof *cases, BATCH = 256, STEPS = 50, ROUNDS = 2, MANY_LANES = 8 };

static enum status make_data(const struct comm *comm, char *path, int size) {
  static const char text[] = "density: {name: ring, spacing: 3, width: .35}\n"
                             "data: {train: 4096, test: 8, validation: 8}\n";
  struct config *config = NULL;
  struct points_summary summary;
  TRY(bench_name(comm, path, size));
  TRY(comm_agree(comm, config_parse("benchmark", text, strlen(text), NULL, 0, &config)));
  enum status status = points_dataset(comm, config, path, &summary);
  config_destroy(&config);
  return status;
}

/* The peer uses as many threads as there are ranks here, or fewer where that is faster. */
static enum status time_peer(const struct comm *comm, const struct bench_case *bench, const char *peer, double *seconds,
                             char fastest[BENCH_SETTING_SIZE]) {
  enum status status = STATUS_OK;
  if (comm->rank == 0) {
    char arguments[200], setting[BENCH_SETTING_SIZE];
    double now = 0;
    snprintf(arguments, sizeof arguments, "%s --batch %d --threads %d --repeat %d", bench->peer, (int)BATCH, comm->size,
             (int)STEPS);
    status = bench_read_peer(peer, arguments, 1, &now, setting);
    if (status == STATUS_OK && (*seconds == 0 || now < *seconds)) {
      *seconds = now;
      memcpy(fastest, setting, sizeof setting);
    }
  }
  enum status waited = comm_wait(comm);
  return comm_agree(comm, status != STATUS_OK ? status : waited);
}

/* Ours, the peer and ours again, so that both see the same machine; the smaller of each. */
static enum status run_case(const struct comm *comm, const char *data, const struct bench_case *bench, int microbatch,
                            const char *peer) {
  char settings[256];
  snprintf(settings, sizeof settings,
           "model: {%s}\ntrain: {steps: 1000000, report_every: 1000000, batch: %d, microbatch: %d}\n", bench->settings,
           (int)BATCH, microbatch);
  struct bench_training training;
  struct bench_steps times, best = {.whole = 0};
  double seconds = 0;
  char fastest[BENCH_SETTING_SIZE] = "";
  TRY(bench_training_open(comm, data, settings, NULL, &training));
  enum status status = STATUS_OK;
  for (int round = 0; round < ROUNDS && status == STATUS_OK; round++) {
    status = bench_training_time(&training, STEPS, &times);
    if (status == STATUS_OK && (round == 0 || times.whole < best.whole)) best = times;
    if (status == STATUS_OK && peer && bench->peer) status = time_peer(comm, bench, peer, &seconds, fastest);
  }
  const long long parameters = (long long)layout_parameters(trainer_outcome(training.trainer).learner->layout);
  bench_training_close(&training);
  if (status != STATUS_OK || comm->rank != 0) return status;
  printf("%-20s %10lld %10d %9.3f %9.3f %9.3f %9.3f", bench->name, parameters, microbatch, 1e3 * best.whole,
         1e3 * best.stage[0], 1e3 * best.reducing, 1e3 * best.updating);
  if (seconds > 0) printf("  %9.3f %6.2f  %s", 1e3 * seconds, seconds / best.whole, fastest);
  printf("\n");
  fflush(stdout);
  return STATUS_OK;
}

enum status bench_density(const struct comm *world, const struct bench_words *words) {
  char data[1024];
  REQUIRE(world->size <= BATCH, STATUS_USAGE, "a batch of %d points has no work for %d ranks", (int)BATCH, world->size);
  TRY(make_data(world, data, sizeof data));
  if (world->rank == 0)
    printf(
        "one training step, batch %d of points of two numbers, f32; ms, %d rank%s, the faster of %d medians over %d\n"
        "steps; way: of the points, forward and backward; sums: waiting for other ranks; PyTorch: the same step at "
        "its\nbest\n\n%-20s %10s %10s %9s %9s %9s %9s%s\n",
        (int)BATCH, world->size, world->size == 1 ? "" : "s", (int)ROUNDS, (int)STEPS, "model", "parameters",
        "microbatch", "step", "way", "sums", "adam", words->peer ? "    PyTorch faster  way-threads" : "");
  enum status status = STATUS_OK;
  for (int i = 0; i < CASES && status == STATUS_OK; i++) {
    const int whole = (BATCH + world->size - 1) / world->size;
    status = run_case(world, data, &cases[i], whole, words->peer);
    if (status == STATUS_OK && i == 0 && whole > BATCH / MANY_LANES)
      status = run_case(world, data, &cases[i], BATCH / MANY_LANES, NULL);
  }
  if (world->rank == 0) unlink(data);
  return status;
}
