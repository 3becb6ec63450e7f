#include "base/log.h"
#include "base/stop.h"
#include "cli/batch.h"
#include "cli/cli.h"
#include "cli/train_stage.h"
#include "train/hgn.h"
#include "train/hgn_evaluate.h"
#include "train/numerics.h"
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

/* Beside what is possible. */
static void print_scores(const struct trainer_outcome *outcome) {
  const double *score = outcome->test->score;
  const struct yardstick *yardstick = outcome->yardstick;
  printf("test MSE     (%.3f +- %.3f)e-4 over %lld rollouts, all target frames (+- standard errors)\n",
         1e4 * score[HGN_MSE], 1e4 * score[HGN_MSE_ERROR], (long long)outcome->test->rollouts);
  if (!isnan(score[HGN_R2]))
    printf("R2           %.4f against the mean image (%.3fe-4)\n", score[HGN_R2], 1e4 * yardstick->mean_image);
  if (!isnan(score[HGN_OVER_FLOOR]))
    printf("noise floor  %.3f times (%.3fe-4)\n", score[HGN_OVER_FLOOR], 1e4 * yardstick->floor);
  if (!isnan(score[HGN_OVER_LIMIT]))
    printf("limit        %.3f times the information limit (%.3fe-4)\n", score[HGN_OVER_LIMIT], 1e4 * yardstick->limit);
  if (!isnan(score[HGN_PAIRED_OVER_LIMIT]))
    printf("unseen       %.4f +- %.4f times the limit of unseen frames, by differences rollout by rollout\n",
           score[HGN_PAIRED_OVER_LIMIT], score[HGN_PAIRED_OVER_LIMIT_ERROR]);
}

/* Ended as it should, and perhaps for nothing: that is no failure of the program. */
static void warn_of(const struct verdict *verdict, const char *output) {
  for (int i = 0; i < VERDICT_COUNT; i++)
    if (verdict->of[i] > 0) log_warn("%s: %s", output, verdict_text((enum verdict_of)i));
  if (verdict_advice(verdict)) log_warn("%s: %s", output, verdict_advice(verdict));
}

static void print_outcome(const struct trainer_outcome *outcome, const char *output) {
  char text[LEARNER_SPEECH_MAX];
  if (outcome->recalled) printf("complete already\n");
  if (outcome->evaluated && outcome->learner->kind == &learner_hgn) print_scores(outcome);
  if (outcome->evaluated && outcome->learner->kind != &learner_hgn) {
    outcome->learner->kind->speak(outcome->test, text);
    printf("test %s over %lld %s\n", text, (long long)outcome->test->rollouts, outcome->learner->kind->unit);
  }
  if (outcome->learner->training->objective.name == OBJECTIVE_GECO)
    printf("GECO         aims at kappa %.4ge-4: %s\n", 1e4 * outcome->yardstick->kappa, outcome->yardstick->kappa_from);
  if (outcome->evaluated) printf("time         %.0f s\n", outcome->seconds);
  printf("%s\n", output);
  warn_of(outcome->verdict, output);
}

/* Root only. */
static bool ends_before(const struct batch *batch, const struct trainer *trainer, int64_t steps) {
  return batch_left(batch) < trainer_need(trainer, steps);
}

static void say_costs(const struct batch *batch, const struct trainer *trainer) {
  const struct deadline_costs costs = trainer_costs(trainer);
  log_info("the job ends in %.0f s; a step takes %.2g s, an evaluation %.2g s a rollout and a checkpoint %.2g s",
           batch_left(batch), costs.step, costs.evaluation, deadline_checkpoint(&costs));
}

/* Collective. A run for which there is no time at all is left as it is. */
static enum status check_time(const struct comm *world, const struct trainer *trainer, const struct batch *batch) {
  if (isinf(batch->end) || trainer_outcome(trainer).complete) return STATUS_OK;
  double numbers[2] = {batch_left(batch), trainer_need(trainer, 1)};
  TRY(comm_broadcast(world, numbers, sizeof numbers));
  REQUIRE(numbers[0] >= numbers[1], STATUS_INTERRUPTED,
          "the job is too short: it ends in %.1f s, and a step and a checkpoint need %.1f s. Nothing is lost; give it "
          "more time and run the same command",
          numbers[0], numbers[1]);
  return STATUS_OK;
}

/* Collective. To the end, or to the step in which a signal has come, or behind which there is no time for another:
 * rank 0's clock decides. */
static enum status train(const struct comm *world, struct trainer *trainer, const struct batch *batch) {
  unsigned events = 0;
  bool late = false;
  TRY(check_time(world, trainer, batch));
  while (!(events & TRAINER_ENDED)) {
    const bool soon = world->rank == 0 && ends_before(batch, trainer, 2);
    if (soon && !late) say_costs(batch, trainer);
    late = late || soon;
    const bool stop = late || stop_requested();
    TRY(trainer_advance(trainer, trainer_step(trainer) + 1, stop ? TRAINER_STOP : TRAINER_GO, &events));
  }
  if (!(events & TRAINER_STOPPED)) return STATUS_OK;
  const struct trainer_outcome outcome = trainer_outcome(trainer);
  TRY(comm_broadcast(world, &late, sizeof late));
  return status_raise(STATUS_INTERRUPTED, "stopped %s after step %lld of %lld; run the same command to go on",
                      late ? "before the job ends," : "by a signal", (long long)outcome.step, (long long)outcome.steps);
}

/* From here on a signal is heard between steps. */
static void begin(void) { stop_at_once(false); }

/* What the command line says beside the configuration. */
struct demand {
  const char *output, *from; /* from: NULL: none */
  bool resume;
};

static enum status open_and_train(const struct comm *world, const struct config *config, const struct demand *demand,
                                  const struct batch *batch) {
  struct corpus corpus;
  struct trainer *trainer;
  stop_at_once(true); /* reading a mean image takes its time, and nothing has begun */
  TRY(corpus_open(world, config_experiment(config)->training.data.file, &corpus));
  const struct trainer_setup setup = {.config = config,
                                      .corpus = &corpus,
                                      .output = demand->output,
                                      .resume = demand->resume,
                                      .from = demand->from,
                                      .begins = begin};
  enum status status = trainer_open(world, &setup, &trainer);
  if (status == STATUS_OK) {
    status = train(world, trainer, batch);
    if (status == STATUS_OK && world->rank == 0) {
      const struct trainer_outcome outcome = trainer_outcome(trainer);
      print_outcome(&outcome, demand->output);
    }
    trainer_close(&trainer);
  }
  corpus_close(&corpus);
  return status;
}

/* Collective. The experiment, and the name of the run where none was given. */
static enum status load_experiment(const struct comm *world, const char *stage, const struct cli_words *words,
                                   char name[STORE_PATH_MAX], struct demand *demand, struct config **config) {
  const bool prior = stage && strcmp(stage, "prior") == 0;
  REQUIRE(!stage || prior, STATUS_USAGE, "--stage \"%s\": there is one, prior", stage);
  TRY(prior ? cli_operands(words, 1, 2, "RUN.h5 and, perhaps, one EXPERIMENT.yaml")
            : cli_operands(words, 1, 1, "one EXPERIMENT.yaml"));
  REQUIRE(demand->output || !demand->from, STATUS_USAGE, "--from begins a new run: give it a name, -o NEW.h5");
  if (prior) {
    TRY(numerics_agree(world));
    TRY(train_stage_prior(world, words, name, config));
  } else {
    if (!demand->output) TRY(name_output(words->operand[0], name));
    TRY(cli_load(world, words->operand[0], SCHEMA_USE(SCHEMA_TRAINING), words, config));
  }
  if (!demand->output) demand->output = name;
  return STATUS_OK;
}

static enum status run_train(const struct comm *world, int argc, char **argv) {
  struct demand demand = {.output = NULL};
  const char *stage = NULL;
  struct batch batch = {.signal = NULL};
  const struct cli_option options[] = {{"--output", "-o", CLI_TEXT, &demand.output},
                                       {"--from", NULL, CLI_TEXT, &demand.from},
                                       {"--resume", NULL, CLI_FLAG, &demand.resume},
                                       {"--stage", NULL, CLI_TEXT, &stage},
                                       BATCH_OPTIONS(&batch)};
  struct cli_words words;
  char given[STORE_PATH_MAX];
  TRY(cli_parse(argc, argv, options, sizeof options / sizeof options[0], true, &words));
  TRY(batch_read(world, &batch));
  struct config *config;
  TRY(load_experiment(world, stage, &words, given, &demand, &config));
  stop_listen(batch.number);
  enum status status = learner_require(config_experiment(config));
  if (status == STATUS_OK) status = numerics_agree(world);
  if (status == STATUS_OK) status = open_and_train(world, config, &demand, &batch);
  stop_release();
  config_destroy(&config);
  return status;
}

const struct cli_command cli_train = {
    "train", "data set -> trained model, checkpoints, metrics",
    "Usage: [mpirun -n N] hgn train EXPERIMENT.yaml [-o RUN.h5] [--from RUN.h5] [--resume] [--signal NAME]\n"
    "                            [--deadline TIME] [key.path=value ...]\n"
    "       [mpirun -n N] hgn train --stage prior RUN.h5 [EXPERIMENT.yaml] [-o PRIOR.h5] ...\n\n"
    "Trains a Hamiltonian Generative Network data-parallel. The same file and seed give the same bits on any number "
    "of\n"
    "ranks and across any interruption. Beside RUN.h5, which holds all metrics and can be read at any time, there are\n"
    "RUN.checkpoint-STEP.h5 and the best model, RUN.best.h5.\n\n"
    "If RUN.h5 is there and has this very configuration, training goes on from its last checkpoint; with another\n"
    "configuration it is refused, but for keys that change none of the bits so far: more train.steps (not with\n"
    "optimizer.schedule=cosine, which ends with them), another data.file that holds the same, a multiple of\n"
    "train.report_every, other checkpoints. A complete run is shown; one whose checkpoints are all gone is not begun "
    "anew.\n"
    "SIGUSR1 (which mpirun forwards) and SIGTERM to the ranks write a checkpoint and end with exit status 6, and so "
    "does\n"
    "a job whose end is near; a killed run loses what came after its last checkpoint.\n\n"
    "--stage prior: a density of the codes of RUN, a model of frames, as its prior. Makes RUN.codes.h5 unless it is "
    "there\n"
    "(hgn codes), and trains what EXPERIMENT says, or real NVP, on it: a training like others. hgn sample and hgn "
    "eval\n"
    "use it.\n\n"
    "  -o, --output RUN.h5   ends in .h5; default: EXPERIMENT.h5 in this folder; of a prior RUN.prior.h5, beside RUN\n"
    "  --from RUN.h5         begin with the parameters of RUN's latest checkpoint, or of a checkpoint: for another\n"
    "                        schedule, objective or data set; all else begins anew. -o names the new run\n"
    "  --resume              only go on with a run that is there\n" BATCH_HELP,
    run_train};
