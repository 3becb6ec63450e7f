#include "cli/bench.h"

#include "base/rng.h"
#include "cli/bench_rows.h"
#include "cli/cli.h"
#include "config/nearest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double bench_median(double *values, int count) {
  qsort(values, (size_t)count, sizeof *values, compare_doubles);
  return values[count / 2];
}

void *bench_draw(int64_t bytes, uint64_t index) {
  const int64_t elements = bytes / (int64_t)sizeof(float);
  float *data = aligned_alloc(64, ((size_t)bytes / 64 + 1) * 64);
  struct rng rng = rng_stream(1, RNG_TEST, index, 0);
  if (!data) return NULL;
  rng_normal_f32(&rng, data, (int)elements);
  for (int64_t i = 0; i < elements; i++) data[i] *= 0.1f;
  return data;
}

enum status bench_read_peer(const char *script, const char *arguments, int count, double *numbers,
                            char setting[BENCH_SETTING_SIZE]) {
  char command[1024], line[256];
  int length = snprintf(command, sizeof command, "'%s' %s", script, arguments), found = 0;
  REQUIRE(length < (int)sizeof command && !strchr(script, '\''), STATUS_USAGE,
          "the path of the peer script is not usable");
  FILE *pipe = popen(command, "r");
  REQUIRE(pipe, STATUS_FILE, "%s cannot be run", script);
  while (found < count && fgets(line, sizeof line, pipe)) {
    char *at = strchr(line, ' '), *end;
    if (setting) snprintf(setting, BENCH_SETTING_SIZE, "%.*s", (int)strcspn(line, " \n"), line);
    for (; at && found < count; at = end) {
      double number = strtod(at, &end);
      if (end == at) break;
      numbers[found++] = number;
    }
  }
  bool ended = pclose(pipe) == 0;
  REQUIRE(found == count && ended, STATUS_FILE, "%s failed; it says at its top what it needs", script);
  return STATUS_OK;
}

static const struct bench_kind {
  const char *name;
  enum status (*run)(const struct comm *world, const struct bench_words *words);
} kinds[] = {{"simulate", bench_simulate}, {"graph", bench_graph},     {"train", bench_train},
             {"density", bench_density},   {"scaling", bench_scaling}, {"sweep", bench_sweep}};

static enum status run_bench(const struct comm *world, int argc, char **argv) {
  struct bench_words w = {.peer = NULL};
  const char *csv = NULL;
  const struct cli_option options[] = {{"--peer", NULL, CLI_TEXT, &w.peer},
                                       {"--trials", NULL, CLI_COUNT_VALUE, &w.trials},
                                       {"--csv", NULL, CLI_TEXT, &csv}};
  struct cli_words words;
  TRY(cli_parse(argc, argv, options, sizeof options / sizeof *options, false, &words));
  TRY(cli_operands(&words, 1, 1, "what to measure: simulate, graph, train, density, scaling, sweep, analyze or all"));
  REQUIRE(w.trials == 0 || strcmp(words.operand[0], "sweep") == 0, STATUS_USAGE, "--trials is for bench sweep");
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (strcmp(words.operand[0], kinds[i].name) == 0) {
      TRY(comm_agree(world, world->rank == 0 ? bench_rows_open(csv) : STATUS_OK));
      const enum status status = kinds[i].run(world, &w), closed = bench_rows_close();
      return comm_agree(world, status == STATUS_OK ? closed : status);
    }
  const char *names[sizeof kinds / sizeof kinds[0]];
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) names[i] = kinds[i].name;
  const char *meant = nearest_word(words.operand[0], names, sizeof kinds / sizeof kinds[0]);
  REQUIRE(!meant, STATUS_USAGE, "there is no benchmark \"%s\"; did you mean \"%s\"?", words.operand[0], meant);
  return status_raise(
      STATUS_USAGE, "there is no benchmark \"%s\"; there are: simulate, graph, train, density, scaling, sweep, analyze",
      words.operand[0]);
}

const struct cli_command cli_bench = {
    "bench", "throughput on this machine",
    "Usage: hgn bench simulate [--peer tests/peer/simulate_scipy.py]\n"
    "       hgn bench graph [--peer tests/peer/graph_torch.py]\n"
    "       mpirun -n N hgn bench train [--peer tests/peer/hgn_torch.py]\n"
    "       mpirun -n N hgn bench density [--peer tests/peer/flow_torch.py]\n"
    "       mpirun -n N hgn bench scaling\n"
    "       mpirun -n 1+G hgn bench sweep [--trials N] [--peer tests/peer/sweep_optuna.py]\n"
    "       mpirun -n N hgn bench analyze [--rows M] [--columns N]\n"
    "       hgn bench all [KIND...] -o bench.html\n\n"
    "simulate: the making of rollouts, states only, and with observation noise and rendered frames, on one core (on "
    "each\n"
    "rank when there are several; the slowest counts), beside the bandwidth of memset in the same run.\n"
    "graph: convolutions beside the peak of the core and oneDNN's fastest primitives, a decoder block and the gradient "
    "of\n"
    "a leapfrog step beside their kernels alone, and the cost of a node; on rank 0.\n"
    "train: a training step of each preset by network, what decoding fewer frames saves and what a microbatch costs.\n"
    "density: a training step of Neural Hamiltonian Flow and of real NVP.\n"
    "scaling: steps on 1 to N ranks, strong and weak, and what a model of them predicts up to 4,096 ranks.\n"
    "These write a small data set, and scaling a checkpoint, into the working folder, and remove them at the end.\n"
    "sweep: trials a second that a sweep gives out and records, what trials that sleep take beyond their sleep, the "
    "share\n"
    "of time that trials spend in training, on G groups of one rank; and at how many groups the coordinator "
    "saturates,\n"
    "by 1,000 and 10,000 imagined ones. Its files are in TMPDIR or /tmp until it ends (ranks of several nodes "
    "have\n"
    "to share it).\n"
    "all: simulate, graph, train, sweep and analyze, or those that are named, on one rank (ten minutes for all), as a "
    "page\n"
    "with a roofline.\n\n"
    "  --trials N      of the sweep's first measurement, the others in proportion; default: 100000\n"
    "  --csv FILE      the numbers for programs too: table,row,column,value\n"
    "  --peer SCRIPT   also runs a script that does the same with other software, and prints the ratios\n",
    run_bench};
