#include "base/litter.h"
#include "base/log.h"
#include "cli/bench.h"
#include "cli/bench_steps.h"
#include "comm/reduce.h"
#include "model/model.h"
#include "train/checkpoint.h"
#include "train/hgn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  STRONG_BATCH = 16,
  WEAK_BATCH = 8,
  STRONG_SHARE = 64 /* most lanes of a rank in a strong case */,
  STEPS = 7,
  MESSAGES = 15,
  PREDICTED_BATCH = 4096,
  PREDICTED_RANKS = 4096
};

/* What the model of a step is made of, measured on one rank; lanes of one rollout. */
struct bench_costs {
  double lane;               /* s of all work on a lane */
  double unroll, encode;     /* s of it in the last two stages, which hide messages */
  double rank;               /* s a step that every rank needs whatever its share: Adam and the rest */
  double bytes[MODEL_PARTS]; /* of each part's sum */
  double exponents;          /* bytes of the scales that ranks agree on */
};

struct bench_network {
  const char *name;
  double latency, bandwidth; /* s; bytes a second, of one rank */
};

/* A sum over n ranks by rings or halving and doubling: at least this (Thakur, Rabenseifner and Gropp 2005). */
static double reduce_seconds(const struct bench_network *network, double bytes, int64_t ranks) {
  int rounds = 0;
  while (((int64_t)1 << rounds) < ranks) rounds++;
  return ranks == 1
             ? 0
             : 2 * rounds * network->latency + 2 * bytes * (double)(ranks - 1) / (double)ranks / network->bandwidth;
}

/* What is reduced in any case when all gradients are there: the sum of all lanes' losses; the maximum of the scales,
 * of what ranks ask for and of their status. */
static double reduce_small(const struct bench_costs *costs, const struct bench_network *network, int64_t lanes,
                           int64_t ranks) {
  return reduce_seconds(network, 8 * HGN_TERMS * (double)lanes, ranks) +
         reduce_seconds(network, costs->exponents + 8 * 2, ranks);
}

/* A step of `lanes` lanes. The decoder's sum travels while rollouts are differentiated, the Hamiltonian's while the
 * encoder is; nothing hides the encoder's. */
static double predict(const struct bench_costs *costs, const struct bench_network *network, int64_t lanes,
                      int64_t ranks, double *exposed) {
  static const enum model_part order[MODEL_PARTS] = {MODEL_DECODER, MODEL_DYNAMICS, MODEL_INFERENCE};
  const double share = (double)((lanes + ranks - 1) / ranks), unroll = share * costs->unroll;
  const double ready[MODEL_PARTS] = {0, unroll, unroll + share * costs->encode};
  double end = 0;
  for (int i = 0; i < MODEL_PARTS; i++) {
    if (end < ready[i]) end = ready[i];
    end += reduce_seconds(network, costs->bytes[order[i]], ranks);
  }
  *exposed = end - ready[MODEL_PARTS - 1] + reduce_small(costs, network, lanes, ranks);
  return share * costs->lane + costs->rank + *exposed;
}

/* Collective. The network as this machine has it: sums of one word and of a whole gradient, all ranks. */
static enum status measure_network(const struct comm *comm, int64_t words, struct bench_network *network) {
  double small[MESSAGES], large[MESSAGES];
  int64_t *sum = calloc((size_t)words, sizeof *sum);
  TRY(comm_agree(comm, sum ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory for a message")));
  enum status status = STATUS_OK;
  for (int i = 0; i < MESSAGES && status == STATUS_OK; i++) {
    double began = log_clock();
    status = reduce_sum(comm, sum, 1);
    small[i] = log_clock() - began;
    began = log_clock();
    if (status == STATUS_OK) status = reduce_sum(comm, sum, words);
    large[i] = log_clock() - began;
  }
  free(sum);
  TRY(status);
  int rounds = 1;
  while ((1 << rounds) < comm->size) rounds++;
  const double least = bench_median(small, MESSAGES), most = bench_median(large, MESSAGES);
  network->latency = least / (2 * rounds);
  network->bandwidth = 2 * 8 * (double)words * (comm->size - 1) / comm->size / (most > least ? most - least : 1e-9);
  return comm_broadcast(comm, network, sizeof *network);
}

/* Root only. The files that a run of no steps makes. */
static void add_litter(const char *run) {
  char path[STORE_PATH_MAX];
  litter_add(run);
  if (checkpoint_name(run, 0, path) == STATUS_OK) litter_add(path);
}

static void drop_litter(const char *run) {
  char path[STORE_PATH_MAX];
  litter_drop(run);
  if (checkpoint_name(run, 0, path) == STATUS_OK) litter_drop(path);
}

/* Root only. What a run has left. */
static void remove_run(const char *run) {
  int64_t *steps;
  int count;
  if (checkpoint_list(run, &steps, &count) == STATUS_OK)
    for (int i = 0; i < count; i++) checkpoint_remove(run, steps[i]);
  free(steps);
  unlink(run);
  drop_litter(run);
}

/* Collective over comm. A checkpoint, as in training. */
static enum status time_checkpoint(const struct comm *comm, const char *data, const char *settings, double *seconds) {
  struct bench_training training;
  char run[1100];
  snprintf(run, sizeof run, "%.*s-run.h5", (int)strlen(data) - 3, data);
  if (comm->rank == 0) add_litter(run);
  enum status status = bench_training_open(comm, data, settings, run, &training);
  if (status == STATUS_OK) {
    const double began = log_clock();
    status = trainer_save(training.trainer);
    *seconds = log_clock() - began;
    bench_training_close(&training);
  }
  if (comm->rank == 0) remove_run(run);
  return status;
}

static void print_measured(const char *kind, const struct comm *comm, int64_t batch, const struct bench_steps *times,
                           double first, double open, double files) {
  const double stop = times->reducing, standing = times->waited < stop ? times->waited : stop;
  printf("%-7s %5d %7lld %9.4f %7.0f%% %9.4f %9.4f %9.4f %9.4f %9.4f %9.3f %9.3f\n", kind, comm->size, (long long)batch,
         times->whole, 100 * first / times->whole, times->busy, times->busiest - times->busy, times->exchanged,
         standing, times->updating, open, files);
  fflush(stdout);
}

/* Collective over comm. first: rank-seconds of a step of this kind on the fewest ranks; 0: this is it. */
static enum status run_case(const struct comm *comm, const char *kind, const char *data, int64_t batch, double *first,
                            struct bench_costs *costs) {
  char settings[256];
  snprintf(settings, sizeof settings,
           "model: {preset: paper}\nobjective: {name: elbo}\n"
           "train: {steps: 1000000, report_every: 1000000, batch: %lld, microbatch: 1, frames_per_rollout: 6}\n",
           (long long)batch);
  struct bench_training training;
  struct bench_steps times;
  double files = 0, began = log_clock();
  TRY(bench_training_open(comm, data, settings, NULL, &training));
  const double open = log_clock() - began;
  enum status status = bench_training_time(&training, STEPS, &times);
  if (status == STATUS_OK) status = time_checkpoint(comm, data, settings, &files);
  if (status == STATUS_OK && comm->rank == 0) {
    const bool strong = strcmp(kind, "strong") == 0;
    const double work = strong ? comm->size * times.whole : times.whole;
    if (*first == 0) *first = work;
    print_measured(kind, comm, batch, &times, strong ? *first / comm->size : *first, open, files);
  }
  if (status == STATUS_OK && costs) {
    const double lanes = (double)batch;
    costs->unroll = times.stage[HGN_UNROLL_BACK] / lanes;
    costs->encode = times.stage[HGN_ENCODE_BACK] / lanes;
    costs->lane = (times.stage[HGN_ENCODE] + times.stage[HGN_UNROLL] + times.stage[HGN_DRAW]) / lanes + costs->unroll +
                  costs->encode;
    costs->rank = times.whole - lanes * costs->lane;
    const struct trainer_outcome outcome = trainer_outcome(training.trainer);
    const struct layout *layout = outcome.learner->layout;
    for (int part = 0; part < MODEL_PARTS; part++)
      costs->bytes[part] = 8 * (double)(layout->part[part + 1] - layout->part[part]);
    costs->exponents = sizeof(int64_t) * (double)layout->tensors;
  }
  bench_training_close(&training);
  return status;
}

static void print_prediction(const struct bench_costs *costs, const struct bench_network *network) {
  double exposed;
  printf("\n%s: %.1f us, %.2f GB/s\n%6s  %36s  %36s\n%6s  %9s %9s %9s %6s  %9s %9s %9s %6s\n", network->name,
         1e6 * network->latency, 1e-9 * network->bandwidth, "", "strong: batch 4096", "weak: batch 8 times ranks",
         "ranks", "step", "exposed", "rollout/s", "share", "step", "exposed", "rollout/s", "share");
  for (int64_t ranks = 8; ranks <= PREDICTED_RANKS; ranks *= 2) {
    const double ideal = predict(costs, network, PREDICTED_BATCH, 1, &exposed) / (double)ranks;
    const double strong = predict(costs, network, PREDICTED_BATCH, ranks, &exposed), strong_exposed = exposed;
    const double alone = predict(costs, network, WEAK_BATCH, 1, &exposed);
    const double weak = predict(costs, network, WEAK_BATCH * ranks, ranks, &exposed);
    printf("%6lld  %9.4f %9.4f %9.0f %5.0f%%  %9.4f %9.4f %9.0f %5.0f%%\n", (long long)ranks, strong, strong_exposed,
           PREDICTED_BATCH / strong, 100 * ideal / strong, weak, exposed, (double)(WEAK_BATCH * ranks) / weak,
           100 * alone / weak);
  }
}

/* Collective over comm. The strong case is left out where ranks would be busy with it for minutes. */
static enum status run_ranks(const struct comm *comm, const char *data, int64_t strong, double first[2],
                             struct bench_costs *costs) {
  TRY(run_case(comm, "weak", data, (int64_t)WEAK_BATCH * comm->size, &first[1], comm->size == 1 ? costs : NULL));
  return strong > (int64_t)STRONG_SHARE * comm->size ? STATUS_OK
                                                     : run_case(comm, "strong", data, strong, &first[0], NULL);
}

/* A batch that gives every rank of the job a lane. */
static int64_t strong_batch(const struct comm *world) {
  return world->size > STRONG_BATCH ? world->size : STRONG_BATCH;
}

static enum status run_counts(const struct comm *world, const char *data, struct bench_costs *costs) {
  double first[2] = {0, 0};
  enum status status = STATUS_OK;
  for (int ranks = 1; ranks <= world->size && status == STATUS_OK;
       ranks = ranks < world->size && 2 * ranks > world->size ? world->size : 2 * ranks) {
    struct comm comm;
    const bool works = world->rank < ranks;
    status = comm_split(world, works ? 0 : -1, &comm);
    if (status == STATUS_OK && works) status = run_ranks(&comm, data, strong_batch(world), first, costs);
    comm_close(&comm);
    enum status waited = comm_wait(world);
    status = comm_agree(world, status != STATUS_OK ? status : waited);
  }
  return status;
}

enum status bench_scaling(const struct comm *world, const struct bench_words *words) {
  char data[1024];
  struct bench_costs costs = {.lane = 0};
  struct bench_network here = {.name = "with the network measured here"};
  const struct bench_network fast = {"with a cluster's network as assumed", 2e-6, 10e9};
  REQUIRE(!words->peer, STATUS_USAGE, "bench scaling has no peer");
  const int64_t most = (int64_t)WEAK_BATCH * world->size;
  TRY(bench_data(world, most > 1024 ? most : 1024, 34, data, sizeof data));
  if (world->rank == 0)
    printf("steps of paper, 6 of 30 frames decoded, lanes of one rollout; s\n"
           "compute: mean over ranks; imbalance: the slowest's excess; messages: under way; waiting: of it not behind "
           "computing\n"
           "open: builds plans and reads slices; checkpoint: one, written and synced\n\n"
           "%-7s %5s %7s %9s %8s %9s %9s %9s %9s %9s %9s %9s\n",
           "", "ranks", "batch", "step", "of ideal", "compute", "imbalance", "messages", "waiting", "adam", "open",
           "checkpoint");
  enum status status = run_counts(world, data, &costs);
  if (world->rank == 0) unlink(data);
  TRY(status);
  TRY(comm_broadcast(world, &costs, sizeof costs));
  const double bytes = costs.bytes[0] + costs.bytes[1] + costs.bytes[2];
  if (world->size > 1) TRY(measure_network(world, (int64_t)(bytes / 8), &here));
  if (world->rank == 0) {
    printf(
        "\nmodel of a step: lanes of a rank x %.4f s + %.4f s + what is not behind computing of sums of %.1f, %.1f and "
        "%.1f MB\n"
        "(decoder, Hamiltonian, encoder), each 2 ceil(log2 N) latency + 2 (N - 1) / N bytes / bandwidth; and of scales "
        "and losses, after them\n",
        costs.lane, costs.rank, 1e-6 * costs.bytes[MODEL_DECODER], 1e-6 * costs.bytes[MODEL_DYNAMICS],
        1e-6 * costs.bytes[MODEL_INFERENCE]);
    if (world->size > 1) print_prediction(&costs, &here);
    print_prediction(&costs, &fast);
  }
  return STATUS_OK;
}
