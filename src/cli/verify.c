#include "base/log.h"
#include "cli/cli.h"
#include "store/provenance_compare.h"
#include "train/numerics.h"
#include "train/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not collective; root only. The machine of then beside this one. */
static enum status print_machine(const char *run, const struct provenance_texts *here) {
  struct comm self;
  struct store_file file;
  struct provenance_texts then = {.text = {NULL}};
  TRY(comm_open(MPI_COMM_SELF, &self));
  enum status status = store_open(&self, run, &file);
  if (status == STATUS_OK) {
    status = provenance_read(&file, &then);
    if (status == STATUS_OK) provenance_print_changes(&then, here, "then", "now", stdout);
    provenance_texts_free(&then);
    store_close(&file);
  }
  comm_close(&self);
  return status;
}

static void print_outcome(const struct comm *world, const char *run, const struct replay_outcome *outcome) {
  if (outcome->note[0]) printf("not from its start: %s\n", outcome->note);
  if (outcome->different.count > 0) {
    printf("%s: ", run);
    difference_print(&outcome->different, "stored", "replayed", stdout);
  } else if (outcome->diverged[0]) {
    printf("%s: first difference after step %lld: the replay diverges, and the training did not: %s\n", run,
           (long long)outcome->verified, outcome->diverged);
  } else {
    printf("%s: verified to step %lld%s\n", run, (long long)outcome->verified, outcome->whole ? ", its end" : "");
  }
  printf("replayed from step %lld on %d rank%s; compared bit by bit: %lld reports, %lld evaluations, %lld values\n",
         (long long)outcome->began, world->size, world->size == 1 ? "" : "s", (long long)outcome->reports,
         (long long)outcome->evaluations, (long long)outcome->values);
  if (outcome->unlimited)
    printf("left out: scores that are held against the information limit, which is another now than then, or gone\n");
}

static enum status print_all(const struct comm *world, const char *run, const struct replay_outcome *outcome,
                             const struct provenance_texts *here) {
  if (world->rank != 0) return STATUS_OK;
  print_outcome(world, run, outcome);
  return print_machine(run, here);
}

/* data.file=FILE is the only key that a run can be verified with another value of: its contents are compared. */
static enum status find_data(const struct cli_words *words, const char **data) {
  static const char key[] = "data.file=";
  for (int i = 0; i < words->overrides; i++) {
    REQUIRE(strncmp(words->override[i], key, sizeof key - 1) == 0, STATUS_USAGE,
            "\"%s\": a run is verified with its own configuration; only data.file=FILE may be given",
            words->override[i]);
    *data = words->override[i] + sizeof key - 1;
  }
  return STATUS_OK;
}

static enum status run_verify(const struct comm *world, int argc, char **argv) {
  struct replay_demand demand = {.steps = -1, .from = -1};
  const struct cli_option options[] = {{"--steps", NULL, CLI_COUNT_VALUE, &demand.steps},
                                       {"--from", NULL, CLI_COUNT_VALUE, &demand.from}};
  struct cli_words words;
  TRY(cli_parse(argc, argv, options, 2, true, &words));
  TRY(cli_operands(&words, 1, 1, "one RUN.h5"));
  TRY(find_data(&words, &demand.data));
  demand.run = words.operand[0];
  TRY(numerics_agree(world));
  struct replay_outcome *outcome = malloc(sizeof *outcome);
  struct provenance_texts here = {.text = {NULL}};
  enum status status = outcome ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory for what is compared");
  status = comm_agree(world, status);
  if (status == STATUS_OK) status = provenance_here(world, &here);
  if (status == STATUS_OK) status = replay_run(world, &demand, outcome);
  if (status == STATUS_OK || status == STATUS_DIFFERENT) {
    const enum status told = comm_agree(world, print_all(world, demand.run, outcome, &here));
    if (told != STATUS_OK) status = told;
  }
  provenance_texts_free(&here);
  free(outcome);
  return status;
}

const struct cli_command cli_verify = {
    "verify", "replays a training and compares every report with its file, bit by bit",
    "Usage: [mpirun -n N] hgn verify RUN.h5 [--steps N] [--from STEP] [data.file=DATA.h5]\n\n"
    "Computes a training again from what its file says, on any number of ranks and any processor, and compares all "
    "that\n"
    "it reported then: losses and their terms by lane, checksums of parameters and gradients by network, learning "
    "rates,\n"
    "the objective's numbers, evaluations. It takes as long as the training did, and writes nothing. Training that "
    "went\n"
    "back to a checkpoint goes back again; a run that began where another one was (a trial of population based "
    "training)\n"
    "is replayed from the start of the first of these.\n\n"
    "Exit status 0: all that was compared is the same. 1: something is not, and the first difference is told: step,\n"
    "network, lane and term, what is stored and what was computed. 2: the run is of other numerical rules than this\n"
    "program. 3: a file is damaged, gone, or not what the run was trained on. Also told is whether program, libraries "
    "and\n"
    "processor are those of then.\n\n"
    "  --steps N        replay at most N steps; default: all\n"
    "  --from STEP      begin with the latest of its checkpoints up to STEP; default: at its start\n"
    "  data.file=FILE   where the data set is now; default: as the run says, from here, beside the run, or from the\n"
    "                   folder in which it was made\n",
    run_verify};
