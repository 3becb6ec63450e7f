#include "base/log.h"
#include "base/stop.h"
#include "cli/sweep_cli.h"
#include "sweep/board.h"
#include "sweep/merge.h"
#include "sweep/summary.h"
#include "train/numerics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Ranks ---- */

static enum status check_ranks(const struct comm *world, const struct sweep *sweep) {
  const long long ranks = sweep->resources.ranks_per_trial;
  int left;
  if (world->size == 1) {
    if (ranks > 1) log_warn("one rank alone: trials run in turn, on one rank each instead of %lld", ranks);
    return STATUS_OK;
  }
  REQUIRE(
      crew_groups(world->size, ranks, &left) > 0, STATUS_USAGE,
      "%d ranks are too few: one coordinates, and a trial takes %lld (resources.ranks_per_trial): start %lld ranks, "
      "or 1 + G * %lld for G groups; with ranks_per_trial 1 these would make %d groups",
      world->size, ranks, ranks + 1, ranks, world->size - 1);
  if (left > 0)
    log_warn("%d rank%s left over: %d = 1 + %d groups of %lld + %d", left, left == 1 ? " is" : "s are", world->size,
             (world->size - 1 - left) / (int)ranks, ranks, left);
  return STATUS_OK;
}

/* Collective. Process ids by rank, 0 of those that rank 0 cannot see; owned by the caller, on rank 0. */
static enum status gather_processes(const struct comm *world, int64_t **process) {
  char mine[320] = "", roots[320];
  *process = world->rank == 0 ? calloc((size_t)world->size, sizeof **process) : NULL;
  TRY(comm_agree(world,
                 world->rank == 0 && !*process ? status_raise(STATUS_MEMORY, "out of memory for ranks") : STATUS_OK));
  (void)gethostname(mine, 255);
  (void)readlink("/proc/self/ns/pid", mine + strlen(mine),
                 63); /* containers may share a name, and not their processes */
  memcpy(roots, mine, sizeof roots);
  TRY(comm_broadcast(world, roots, sizeof roots));
  int64_t id = strcmp(mine, roots) == 0 ? (int64_t)getpid() : 0;
  return comm_check(MPI_Gather(&id, 1, MPI_INT64_T, *process, 1, MPI_INT64_T, 0, world->mpi), "MPI_Gather");
}

/* ---- The run ---- */

/* The job cannot end by itself: some ranks would wait for others for ever. */
static _Noreturn void leave_stuck(enum status status) {
  if (status == STATUS_INTERRUPTED)
    log_any("%s", status_message());
  else
    log_any("fatal: %s", status_message());
  fflush(NULL);
  MPI_Abort(MPI_COMM_WORLD, status_exit(status));
  exit(status_exit(status));
}

static void print_time(const struct coordinator_outcome *outcome, const struct crew *crew, const struct sweep *sweep) {
  const double all = outcome->wall * crew->groups;
  char time[32];
  board_time(outcome->wall, time);
  printf("time         %s, groups busy %.1f%%, in training and evaluations %.1f%%\n", time, 100 * outcome->busy / all,
         100 * outcome->working / all);
  if (outcome->waited > 0)
    printf("order        %s: %.1f%% of the groups' time went by waiting for results that choices depend on\n",
           sweep->arrival ? "arrival" : "logical", 100 * outcome->waited / all);
  if (outcome->idle_groups > 0)
    printf("idle         %d of %d groups had no work\n", outcome->idle_groups, crew->groups);
}

/* A sweep that has found nothing has failed, if only for those who look at its exit status. Of a part it says little
 * that it has found nothing, unless nothing could be run. */
static enum status check_result(const struct sweep_input *input, const struct ledger *ledger) {
  int64_t best;
  bool failed = ledger->points > 0;
  if (search_best(input->sweep, ledger, 1, &best) > 0) return STATUS_OK;
  for (int64_t t = 0; t < ledger->shape.trials; t++)
    if (ledger_counts(input->sweep, ledger, t) && ledger->trial[t].state != TRIAL_FAILED) failed = false;
  REQUIRE(!failed, STATUS_FILE, "%s: no trial could be run; the first: %s", input->folder, ledger->trial[0].reason);
  if (input->sweep->part.count > 1 && ledger->points == 0 && ledger->shape.configurations > 0)
    log_warn("%s: by its early stopping no trial of this part could get to its end, and none was run: fewer parts, or "
             "fewer rungs",
             input->folder);
  if (input->sweep->part.count > 1) return STATUS_OK;
  return status_raise(STATUS_NUMERIC, "%s: no trial has a value of %s that counts", input->folder,
                      input->sweep->metric[0].name);
}

/* A part that is run by itself: of those that one job runs in turn the whole is told. */
static bool is_part(const struct sweep_job *job) { return job->input->sweep->part.count > 1 && !job->gathered; }

static void print_file(const struct sweep_job *job) {
  const struct sweep_part *part = &job->input->sweep->part;
  char path[STORE_PATH_MAX];
  if (sweep_file(job->input, path) != STATUS_OK) return;
  printf("%s\n", path);
  if (is_part(job))
    printf("part %lld of %lld; when others are through: hgn merge %s\n", (long long)part->index, (long long)part->count,
           job->input->folder);
}

static enum status raise_unfinished(const struct sweep_job *job) {
  const char *folder = job->input->folder;
  char words[32] = "";
  if (is_part(job)) snprintf(words, sizeof words, " --part %lld", (long long)job->input->sweep->part.index);
  return status_raise(STATUS_INTERRUPTED, "%s: not finished, and nothing is lost: go on with hgn sweep %s --resume%s",
                      folder, folder, words);
}

/* Root only. */
static enum status tell(const struct sweep_job *job, const struct crew *crew) {
  const struct sweep *sweep = job->input->sweep;
  const struct coordinator_outcome *outcome = &job->outcome;
  const bool before = outcome->end == COORDINATOR_COMPLETE && outcome->trials_ended == 0;
  if (before) printf("complete already\n");
  TRY(summary_print(sweep, job->ledger, stdout));
  if (outcome->end == COORDINATOR_COMPLETE && outcome->why) printf("the end      %s\n", outcome->why);
  if (!before) print_time(outcome, crew, sweep);
  print_file(job);
  if (outcome->end == COORDINATOR_DRAINED || outcome->end == COORDINATOR_STUCK) return raise_unfinished(job);
  if (outcome->end == COORDINATOR_BUDGET)
    log_warn("the budget of resources.core_hours is used up; a larger one goes on from here");
  return outcome->end == COORDINATOR_COMPLETE ? check_result(job->input, job->ledger) : STATUS_OK;
}

/* As the coordinator has it: 0 is no end, and one that is over is one. */
static double time_of(const struct batch *batch) {
  if (!batch || isinf(batch->end)) return 0;
  return fmax(batch_left(batch), 1e-3);
}

/* Root only. */
static enum status coordinate(struct sweep_job *job, struct crew *crew, const int64_t *process) {
  const struct coordinator_setup setup = {.sweep = job->input->sweep,
                                          .ledger = job->ledger,
                                          .crew = crew,
                                          .folder = job->input->folder,
                                          .inject = job->inject,
                                          .process = process,
                                          .stopped = stop_requested,
                                          .elapsed = job->elapsed,
                                          .left = time_of(job->batch),
                                          .quiet = job->quiet};
  enum status status = coordinator_run(&setup, &job->outcome);
  job->groups = crew->groups;
  const bool through = job->outcome.end == COORDINATOR_COMPLETE;
  if (status == STATUS_OK && !job->quiet && !(job->gathered && through)) status = tell(job, crew);
  if (job->outcome.end == COORDINATOR_STUCK) leave_stuck(status);
  return status;
}

static struct worker worker_of(const struct sweep_job *job, const struct comm *group) {
  return (struct worker){.group = group,
                         .sweep = job->input->sweep,
                         .inject = job->inject,
                         .prepare = cli_prepare,
                         .folder = job->input->folder};
}

static enum status run_alone(struct sweep_job *job) {
  struct comm self;
  struct crew crew;
  TRY(comm_open(MPI_COMM_SELF, &self));
  struct worker worker = worker_of(job, &self);
  enum status status = crew_open_local(&worker, &crew);
  if (status == STATUS_OK) {
    status = coordinate(job, &crew, NULL);
    crew_close(&crew);
  }
  worker_close(&worker);
  comm_close(&self);
  return status;
}

/* Root only, of a job of several ranks: without a crew the others would not learn that there is nothing to do. */
static enum status lead(struct sweep_job *job, const struct comm *channel, const int64_t *process) {
  struct crew crew;
  enum status status = crew_open_mpi(channel, job->input->sweep->resources.ranks_per_trial, &crew);
  if (status != STATUS_OK) leave_stuck(status);
  status = coordinate(job, &crew, process + 1);
  crew_close(&crew);
  return status;
}

/* Collective. */
static enum status run_groups(const struct comm *world, struct sweep_job *job) {
  struct comm group, channel;
  int64_t *process = NULL;
  TRY(gather_processes(world, &process));
  enum status status = crew_split(world, job->input->sweep->resources.ranks_per_trial, &group, &channel);
  if (status == STATUS_OK && world->rank == 0) status = lead(job, &channel, process);
  if (status == STATUS_OK && group.size > 0) {
    struct worker worker = worker_of(job, &group);
    log_scope("", false);
    status = crew_serve(&channel, &worker);
    worker_close(&worker);
    log_scope(NULL, false);
  }
  if (status == STATUS_MPI) leave_stuck(status);
  (void)comm_wait(world);
  comm_close(&group);
  comm_close(&channel);
  free(process);
  return status;
}

enum status sweep_run_job(const struct comm *world, struct sweep_job *job) {
  return world->size == 1 ? run_alone(job) : run_groups(world, job);
}

/* What a run needs beside its file. */
struct run {
  const struct comm *world;
  const struct sweep_words *words;
  unsigned retry;
  double began; /* log_clock() */
  struct inject inject;
};

/* Collective. The input's part, or the whole. *end: how it went, on all ranks. */
static enum status open_and_run(const struct run *run, struct sweep_input *input, bool gathered, int64_t *end) {
  struct ledger ledger = {.points = 0};
  const bool root = run->world->rank == 0;
  TRY(comm_agree(run->world, root ? sweep_open(run->words, run->retry, input, &ledger) : STATUS_OK));
  struct sweep_job job = {.input = input,
                          .ledger = &ledger,
                          .inject = &run->inject,
                          .gathered = gathered,
                          .batch = &run->words->batch,
                          .elapsed = log_clock() - run->began};
  const enum status status = sweep_run_job(run->world, &job);
  if (root) ledger_close(&ledger);
  *end = job.outcome.end;
  TRY(comm_agree(run->world, status));
  return comm_broadcast(run->world, end, sizeof *end);
}

/* Collective. Parts that decide for themselves, one after the other, and then what they have come to. One that has used
 * up its share of a budget leaves the others theirs. */
static enum status run_in_turn(const struct run *run, struct sweep_input *input) {
  const struct sweep whole = *input->sweep;
  int64_t end = COORDINATOR_COMPLETE;
  bool goes_on = true, short_of = false;
  enum status status = STATUS_OK;
  for (int64_t i = 0; i < whole.slurm.array && status == STATUS_OK && goes_on; i++) {
    *input->sweep = whole;
    status = sweep_take_part(input->sweep, i, whole.slurm.array);
    if (run->world->rank == 0) log_info("part %lld of %lld", (long long)i, (long long)whole.slurm.array);
    if (status == STATUS_OK) status = open_and_run(run, input, true, &end);
    goes_on = end == COORDINATOR_COMPLETE || end == COORDINATOR_BUDGET;
    short_of = short_of || end == COORDINATOR_BUDGET;
  }
  *input->sweep = whole;
  if (status == STATUS_OK && goes_on && short_of && run->world->rank == 0)
    log_warn("%s: not all parts have come to their ends; hgn merge %s makes a whole of what there is", input->folder,
             input->folder);
  if (status != STATUS_OK || !goes_on || short_of) return status;
  const struct sweep_words words = {.operand = run->words->operand, .batch = run->words->batch};
  const struct run last = {.world = run->world, .words = &words, .began = run->began, .inject = run->inject};
  return open_and_run(&last, input, false, &end);
}

/* Collective. */
static enum status run_all(const struct comm *world, const struct sweep_words *words, struct sweep_input *input) {
  struct run run = {.world = world, .words = words, .began = log_clock()};
  int64_t end;
  TRY(inject_parse(words->inject, input->sweep->seed, &run.inject));
  TRY(sweep_parse_retry(words->retry, &run.retry));
  TRY(check_ranks(world, input->sweep));
  TRY(numerics_agree(world));
  return sweep_is_gathered(input->sweep) ? run_in_turn(&run, input) : open_and_run(&run, input, false, &end);
}

/* --part I or I/N. */
static enum status take_part(struct sweep *sweep, const char *text) {
  char *rest;
  if (!text) return STATUS_OK;
  const long long index = strtoll(text, &rest, 10), count = *rest == '/' ? strtoll(rest + 1, &rest, 10) : 0;
  const bool good = *text >= '0' && *text <= '9' && !*rest && rest[-1] != '/';
  REQUIRE(good && (count > 0 || !strchr(text, '/')), STATUS_USAGE,
          "--part \"%.40s\": expected a number from 0, or I/N: part I of N", text);
  REQUIRE(count > 0 || sweep->slurm.array > 0, STATUS_USAGE,
          "--part %lld: of how many? The sweep's file does not say (slurm: {array: N}): --part %lld/N", index, index);
  return sweep_take_part(sweep, index, count > 0 ? count : sweep->slurm.array);
}

/* Words that do not go together are not passed over. */
static enum status check_modes(const struct sweep_words *w) {
  const bool looks = w->status || w->watch, changes = w->resume || w->retry || w->extend;
  REQUIRE(!(looks && (changes || w->dry_run || w->inject)), STATUS_USAGE,
          "--status and --watch only look: they go with no --dry-run, --resume, --retry, --extend, --inject");
  REQUIRE(!(w->dry_run && (changes || w->inject)), STATUS_USAGE,
          "--dry-run runs nothing: it goes with no --resume, --retry, --extend, --inject");
  REQUIRE(!(w->part && (w->dry_run || looks)), STATUS_USAGE,
          "--part: --dry-run, --status and --watch show all parts together");
  return STATUS_OK;
}

static enum status run_sweep(const struct comm *world, int argc, char **argv) {
  struct sweep_words w = {.operand = NULL};
  const struct cli_option options[] = {{"--output", "-o", CLI_TEXT, &w.output},
                                       {"--base", NULL, CLI_TEXT, &w.base},
                                       {"--run-cap", NULL, CLI_COUNT_VALUE, &w.run_cap},
                                       {"--rename", NULL, CLI_TEXTS, &w.rename},
                                       {"--part", NULL, CLI_TEXT, &w.part},
                                       {"--dry-run", NULL, CLI_FLAG, &w.dry_run},
                                       {"--resume", NULL, CLI_FLAG, &w.resume},
                                       {"--retry", NULL, CLI_TEXT, &w.retry},
                                       {"--extend", NULL, CLI_COUNT_VALUE, &w.extend},
                                       {"--inject", NULL, CLI_TEXT, &w.inject},
                                       {"--warm-start", NULL, CLI_TEXT, &w.warm},
                                       {"--status", NULL, CLI_FLAG, &w.status},
                                       {"--watch", NULL, CLI_FLAG, &w.watch},
                                       BATCH_OPTIONS(&w.batch)};
  struct cli_words words;
  struct sweep_input input;
  TRY(cli_parse(argc, argv, options, sizeof options / sizeof options[0], false, &words));
  TRY(cli_operands(&words, 1, 1, "one SWEEP.yaml, or the folder of a sweep"));
  w.operand = words.operand[0];
  REQUIRE(!w.warm, STATUS_UNAVAILABLE, "--warm-start: for methods that learn, which are not in this version");
  TRY(check_modes(&w));
  TRY(batch_read(world, &w.batch));
  stop_listen(w.batch.number);
  enum status status = sweep_input_read(world, &w, &input);
  if (status == STATUS_OK) status = take_part(input.sweep, w.part);
  if (status == STATUS_OK && (w.status || w.watch))
    status = world->rank == 0 ? sweep_show_status(&input, w.watch) : STATUS_OK;
  else if (status == STATUS_OK && w.dry_run)
    status = sweep_plan(world, &input);
  else if (status == STATUS_OK)
    status = run_all(world, &w, &input);
  sweep_input_free(&input);
  stop_release();
  return status;
}

const struct cli_command cli_sweep = {
    "sweep", "trials of a space of experiments, on groups of ranks",
    "Usage: [mpirun -n 1+G*R] hgn sweep SWEEP.yaml [-o DIR] [--base EXPERIMENT.yaml] [--run-cap N]\n"
    "                                   [--rename THEIRS=OURS ...] [--dry-run] [--part I[/N]]\n"
    "       [mpirun -n 1+G*R] hgn sweep DIR --resume | --retry failed,timeout | --extend N\n"
    "       hgn sweep DIR --status | --watch\n\n"
    "Runs the trials of a sweep file (Weights & Biases' format with keys of our own: sweeps/README.md) on G groups of "
    "R\n"
    "ranks (resources.ranks_per_trial); the first rank coordinates. With one rank trials run in turn. Which trials "
    "there\n"
    "are, their metrics and the winner do not depend on G and R. DIR/sweep.h5 holds every number and can be read at "
    "any\n"
    "time; DIR/trial-NUMBER/ holds a trial's run and checkpoints, DIR/confirm-*/ of\n"
    "those that run the best again.\n\n"
    "If DIR holds this very sweep, it goes on; another is refused with the differences. SIGUSR1, SIGINT and SIGTERM "
    "to\n"
    "the first rank let trials write checkpoints and end with exit status 6, and so does a job whose end is near: "
    "start\n"
    "the same command again. What waits at rungs is not begun when it cannot come to the next one before the end.\n\n"
    "  -o, --output DIR      default: the sweep file's name without .yaml, in this folder\n"
    "  --base FILE           the experiment that trials override, where the sweep file has no \"base:\"\n"
    "  --run-cap N           configurations, where the file has no run_cap\n"
    "  --rename A=B          a parameter or metric of the file, and its name here; may be given several times\n"
    "  --part I[/N]          only part I (from 0) of the N of slurm.array, for jobs of an array: DIR/sweep.part-I.h5; "
    "any\n"
    "                        part may be run at any time, in any place; hgn merge DIR puts together what there is\n"
    "  --dry-run             the space, the trials, ranks, sizes, an estimate of the cost; nothing is run or written\n"
    "  --resume              only go on with a sweep that is there\n"
    "  --retry STATES        put trials of these states back: failed, timeout, diverged\n"
    "  --extend N            N more configurations\n"
    "  --status, --watch     what sweep.h5 says now, from any other place; again and again\n"
    "  --inject FAULTS       rehearse: nan@trial7.step30,crash@trial3,stall@trial5,enospc@report10 or "
    "random:0.01\n" BATCH_HELP,
    run_sweep};
