#include "base/log.h"
#include "cli/bench.h"
#include "cli/bench_rows.h"
#include "cli/bench_steps.h"
#include "train/hgn.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* All: predict from 5 frames, 30 targets of 32x32 RGB, batch 16, f32; as the reproduction's training. */
static const struct bench_case {
  const char *preset;
  int microbatch, frames; /* frames_per_rollout; 0: all */
  bool peer;
} cases[] = {{"report2021", 8, 0, true}, {"report2021", 8, 6, false}, {"paper", 8, 0, true},
             {"paper", 8, 6, false},     {"hgnpp", 8, 0, true},       {"quick", 8, 0, true},
             {"quick", 8, 6, true},      {"quick", 4, 6, false},      {"quick", 2, 6, false},
             {"quick", 1, 6, false},     {"report2021", 4, 0, false}, {"report2021", 2, 0, false},
             {"report2021", 1, 0, false}};
enum { CASES = sizeof cases / sizeof *cases, STEPS = 5, ROUNDS = 2 };

/* A peer at its best, and in which setting, and as it comes; s. */
struct peer_times {
  double best, plain;
  char setting[BENCH_SETTING_SIZE];
};

/* The peer uses as many threads as there are ranks here. The smaller of what is known and what it takes now. */
static enum status time_peer(const struct comm *comm, const struct bench_case *bench, const char *peer,
                             struct peer_times *times) {
  static const char *const settings[2] = {"", " --default-malloc --layout contiguous --way plain"};
  double *const known[2] = {&times->best, &times->plain};
  enum status status = STATUS_OK;
  for (int i = 0; i < 2 && comm->rank == 0 && status == STATUS_OK; i++) {
    char arguments[200], setting[BENCH_SETTING_SIZE];
    double seconds = 0;
    snprintf(arguments, sizeof arguments, "time %s --batch 16 --frames-per-rollout %d --threads %d --repeat %d%s",
             bench->preset, bench->frames, comm->size, STEPS, settings[i]);
    status = bench_read_peer(peer, arguments, 1, &seconds, setting);
    if (status != STATUS_OK || (*known[i] > 0 && *known[i] <= seconds)) continue;
    *known[i] = seconds;
    if (i == 0) memcpy(times->setting, setting, sizeof times->setting);
  }
  enum status waited = comm_wait(comm);
  return comm_agree(comm, status != STATUS_OK ? status : waited);
}

static void print_row(const struct bench_case *bench, const struct bench_steps *times, const struct peer_times *peer) {
  char frames[16] = "all";
  if (bench->frames > 0) snprintf(frames, sizeof frames, "%d", bench->frames);
  printf("%-11s %6s %10d %8.3f", bench->preset, frames, bench->microbatch, times->whole);
  const double *stage = times->stage;
  printf(" %8.3f %8.3f %8.3f %8.3f %8.3f", stage[HGN_ENCODE] + stage[HGN_ENCODE_BACK],
         stage[HGN_UNROLL] + stage[HGN_UNROLL_BACK], stage[HGN_DRAW], times->reducing, times->updating);
  bench_row("train: a step", "%s, %s frames, microbatch %d", bench->preset, frames, bench->microbatch);
  bench_number("step [s]", times->whole);
  bench_number("encoder [s]", stage[HGN_ENCODE] + stage[HGN_ENCODE_BACK]);
  bench_number("dynamics [s]", stage[HGN_UNROLL] + stage[HGN_UNROLL_BACK]);
  bench_number("decoder [s]", stage[HGN_DRAW]);
  bench_number("sums [s]", times->reducing);
  bench_number("adam [s]", times->updating);
  if (peer->best > 0)
    printf("  %8.3f %6.2f  %8.3f %6.2f  %s", peer->best, peer->best / times->whole, peer->plain,
           peer->plain / times->whole, peer->setting);
  printf("\n");
  fflush(stdout);
}

/* Ours, the peer and ours again, so that both see the same machine; the smaller of each. */
static enum status run_case(const struct comm *comm, const char *data, const struct bench_case *bench,
                            const char *peer) {
  char settings[256];
  snprintf(settings, sizeof settings,
           "model: {preset: %s}\nobjective: {name: elbo}\n"
           "train: {steps: 1000000, report_every: 1000000, batch: 16, microbatch: %d, frames_per_rollout: %d}\n",
           bench->preset, bench->microbatch, bench->frames);
  struct bench_training training;
  struct bench_steps times, best = {.whole = 0};
  struct peer_times peer_times = {.best = 0};
  TRY(bench_training_open(comm, data, settings, NULL, &training));
  enum status status = STATUS_OK;
  for (int round = 0; round < ROUNDS && status == STATUS_OK; round++) {
    status = bench_training_time(&training, STEPS, &times);
    if (status == STATUS_OK && (round == 0 || times.whole < best.whole)) best = times;
    if (status == STATUS_OK && peer && bench->peer) status = time_peer(comm, bench, peer, &peer_times);
  }
  bench_training_close(&training);
  if (status == STATUS_OK && comm->rank == 0) print_row(bench, &best, &peer_times);
  return status;
}

static void print_head(const struct comm *comm, const char *peer) {
  printf(
      "one training step, batch 16, 5 frames seen, 30 targets of 32x32 RGB, f32; s, %d rank%s, the faster of %d\n"
      "medians over %d steps; by network, forward and backward: encoder with transformer, the Hamiltonian's dynamics,\n"
      "decoder; sums: waiting for other ranks; frames: decoded of each rollout; PyTorch: in the fastest of\n"
      "four settings (the script says which), named at the end, and as it comes: in the plainest, giving memory back\n"
      "to the system at each step\n\n",
      comm->size, comm->size == 1 ? "" : "s", ROUNDS, STEPS);
  printf("%-11s %6s %10s %8s", "preset", "frames", "microbatch", "step");
  printf(" %8s %8s %8s %8s %8s%s\n", "encoder", "dynamics", "decoder", "sums", "adam",
         peer ? "   PyTorch faster  as comes faster  fastest" : "");
}

enum status bench_train(const struct comm *world, const struct bench_words *words) {
  const char *peer = words->peer;
  char data[1024];
  TRY(bench_data(world, 64, 34, data, sizeof data));
  if (world->rank == 0) print_head(world, peer);
  enum status status = STATUS_OK;
  for (int i = 0; i < CASES && status == STATUS_OK; i++)
    if (world->size <= 16 / cases[i].microbatch) status = run_case(world, data, &cases[i], peer);
  if (world->rank == 0) unlink(data);
  return status;
}
