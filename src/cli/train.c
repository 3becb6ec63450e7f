#include "base/log.h"
#include "cli/cli.h"
#include "graph/cpu.h"
#include "train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static enum status name_output(const char *experiment, char output[STORE_PATH_MAX]) {
  const char *slash = strrchr(experiment, '/'), *name = slash ? slash + 1 : experiment, *dot = strrchr(name, '.');
  const int length = dot ? (int)(dot - name) : (int)strlen(name);
  REQUIRE(length < STORE_PATH_MAX - 4, STATUS_USAGE, "the path is too long");
  snprintf(output, STORE_PATH_MAX, "%.*s.h5", length, name);
  return STATUS_OK;
}

static void print_outcome(const struct train_outcome *outcome, const char *output) {
  const struct standing standing = yardstick_compare(&outcome->yardstick, &outcome->test);
  if (outcome->recalled) printf("complete already\n");
  if (outcome->evaluated) {
    printf("test MSE     (%.3f +- %.3f)e-4 over %lld rollouts, all target frames\n", 1e4 * outcome->test.mse,
           1e4 * outcome->test.mse_error, (long long)outcome->test.rollouts);
    if (!isnan(standing.r2))
      printf("R2           %.4f against the mean image (%.3fe-4)\n", standing.r2, 1e4 * outcome->yardstick.mean_image);
    if (!isnan(standing.over_floor))
      printf("noise floor  %.3f times (%.3fe-4)\n", standing.over_floor, 1e4 * outcome->yardstick.floor);
    if (!isnan(standing.over_limit))
      printf("limit        %.3f times the information limit (%.3fe-4)\n", standing.over_limit,
             1e4 * outcome->yardstick.limit);
    if (!isnan(standing.paired))
      printf("unseen       %.4f +- %.4f times the limit of unseen frames, rollout by rollout (95%%)\n", standing.paired,
             1.96 * standing.paired_error);
    printf("time         %.0f s\n", outcome->seconds);
  }
  printf("%s\n", output);
}

static enum status run(const struct comm *world, int argc, char **argv) {
  const char *output = NULL;
  bool resume = false;
  const struct cli_option options[] = {{"--output", "-o", CLI_TEXT, &output}, {"--resume", NULL, CLI_FLAG, &resume}};
  struct cli_words words;
  char given[STORE_PATH_MAX];
  TRY(cli_parse(argc, argv, options, 2, true, &words));
  TRY(cli_operands(&words, 1, 1, "one EXPERIMENT.yaml"));
  if (!output) {
    TRY(name_output(words.operand[0], given));
    output = given;
  }
  struct config *config;
  TRY(cli_load(world, words.operand[0], SCHEMA_TRAINING, &words, &config));
  struct train_outcome outcome = {.complete = false};
  enum status status = cpu_agree(world);
  if (status == STATUS_OK) status = train_run(world, config, output, resume, &outcome);
  if (status == STATUS_OK && world->rank == 0) print_outcome(&outcome, output);
  train_outcome_free(&outcome);
  config_destroy(&config);
  return status;
}

const struct cli_command cli_train = {
    "train", "data set -> trained model, checkpoints, metrics",
    "Usage: [mpirun -n N] hgn train EXPERIMENT.yaml [-o RUN.h5] [--resume] [key.path=value ...]\n\n"
    "Trains a Hamiltonian Generative Network data-parallel. The same file and seed give the same bits on any number "
    "of\n"
    "ranks and across any interruption. Beside RUN.h5, which holds all metrics and can be read at any time, there are\n"
    "RUN.checkpoint-STEP.h5 and the best model, RUN.best.h5.\n\n"
    "If RUN.h5 is there and has this very configuration, training goes on from its last checkpoint; with another\n"
    "configuration it is refused. A complete run is shown; one whose checkpoints are all gone is not begun anew.\n"
    "SIGUSR1 (which mpirun forwards) and SIGTERM to the ranks write a checkpoint and end with exit status 6; a killed\n"
    "run loses what came after its last checkpoint.\n\n"
    "  -o, --output RUN.h5   ends in .h5; default: EXPERIMENT.h5 in this folder\n"
    "  --resume              only go on with a run that is there\n",
    run};
