#include "train/trainer.h"

#include "base/log.h"
#include "graph/cpu.h"
#include "store/output.h"
#include "train/trainer_private.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- Signals ---- */

static volatile sig_atomic_t told_to_stop;

static void note_signal(int signal) {
  (void)signal;
  told_to_stop = 1;
}

static const int stopping[] = {SIGUSR1, SIGTERM};
enum { STOPPING = sizeof stopping / sizeof *stopping };

static void catch_signals(struct sigaction before[STOPPING]) {
  struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  told_to_stop = 0;
  for (int i = 0; i < STOPPING; i++) sigaction(stopping[i], &action, &before[i]);
}

static void release_signals(const struct sigaction before[STOPPING]) {
  for (int i = 0; i < STOPPING; i++) sigaction(stopping[i], &before[i], NULL);
}

/* ---- Opening ---- */

static enum status open_data(struct trainer *trainer) {
  TRY(dataset_open(trainer->comm, trainer->training->data.file, &trainer->data));
  trainer->dt = trainer->training->model.integrator.dt > 0 ? trainer->training->model.integrator.dt : trainer->data.dt;
  REQUIRE(trainer->dt > 0, STATUS_CONFIG, "%s: does not say the time between frames: set model.integrator.dt",
          trainer->training->data.file);
  TRY(protocol_resolve(&trainer->training->protocol, trainer->data.frames, &trainer->protocol));
  TRY(comm_agree(trainer->comm, source_open(&trainer->data, &trainer->source)));
  return yardstick_read(trainer->comm, &trainer->data, &trainer->protocol, &trainer->yardstick);
}

static enum status open_model(struct trainer *trainer) {
  const struct model_images images = {trainer->data.height, trainer->data.width, trainer->data.channels};
  const struct optimizer_settings *settings = &trainer->training->optimizer;
  TRY(model_create(&trainer->training->model, &images, trainer->protocol.input_count, GRAPH_F32, &trainer->model));
  TRY(layout_block(&trainer->model->layout, &trainer->parameters));
  model_initialize(trainer->model, trainer->seed, trainer->parameters);
  const double ratio[MODEL_NETWORKS] = {settings->encoder_ratio, settings->transformer_ratio,
                                        settings->hamiltonian_ratio, settings->decoder_ratio};
  return optimizer_open(settings, &trainer->model->layout, ratio, trainer->training->train.steps, &trainer->optimizer);
}

static enum status open_step(struct trainer *trainer) {
  const struct train_settings *run = &trainer->training->train;
  const struct lanes lanes = lanes_cut(run->batch, run->microbatch);
  const int64_t targets = trainer->protocol.target_count;
  TRY(step_open(trainer->comm, trainer->model, &trainer->source, trainer->seed, &lanes, targets,
                lane_frames(run->frames_per_rollout, targets), trainer->parameters, &trainer->step));
  trainer->lane_error = calloc((size_t)lanes.count, sizeof *trainer->lane_error);
  trainer->lane_kl = calloc((size_t)lanes.count, sizeof *trainer->lane_kl);
  enum status status = STATUS_OK;
  if (!trainer->lane_error || !trainer->lane_kl) status = status_raise(STATUS_MEMORY, "out of memory for losses");
  const int64_t rollouts = trainer->training->eval.rollouts ? trainer->training->eval.rollouts : 200;
  if (status == STATUS_OK)
    status = evaluate_train_set(&lanes, trainer->step.first_lane, trainer->step.lane_count,
                                trainer->data.rollouts[SPLIT_TRAIN], rollouts, &trainer->train_set);
  return comm_agree(trainer->comm, status);
}

static enum status open_trainer(struct trainer *trainer) {
  TRY(open_data(trainer));
  TRY(yardstick_kappa(&trainer->training->objective, &trainer->data, &trainer->yardstick));
  trainer->objective = objective_start(&trainer->training->objective, trainer->yardstick.kappa);
  TRY(comm_agree(trainer->comm, open_model(trainer)));
  TRY(open_step(trainer));
  return energy_open(trainer->comm, &trainer->meter);
}

static void close_trainer(struct trainer *trainer) {
  if (trainer->recording) store_close(&trainer->record.file);
  evaluate_set_free(&trainer->train_set);
  step_close(&trainer->step);
  optimizer_close(&trainer->optimizer);
  free(trainer->lane_error);
  free(trainer->lane_kl);
  free(trainer->parameters);
  model_destroy(&trainer->model);
  source_close(&trainer->source);
  dataset_close(&trainer->data);
  store_lock_release(&trainer->lock);
}

/* ---- Training ---- */

static int64_t targets_now(const struct trainer *trainer) {
  const struct train_settings *run = &trainer->training->train;
  for (int i = 0; i < run->curriculum.steps.count; i++)
    if (trainer->done < run->curriculum.steps.item[i]) return run->curriculum.frames.item[i];
  return trainer->protocol.target_count;
}

static struct lane_task task_now(const struct trainer *trainer) {
  struct lane_task task = {.protocol = protocol_shorten(&trainer->protocol, targets_now(trainer)),
                           .seed = trainer->seed,
                           .step = trainer->done,
                           .frames_per_rollout = trainer->training->train.frames_per_rollout,
                           .dt = trainer->dt,
                           .batch = trainer->training->train.batch};
  objective_weights(&trainer->objective, &task.error_weight, &task.kl_weight);
  return task;
}

/* All ranks are here with the same `what`. */
static enum status diverge(struct trainer *trainer, const char *what) {
  const struct train_settings *run = &trainer->training->train;
  const long long step = (long long)trainer->done;
  const bool again = run->divergence.response == DIVERGENCE_ROLL_BACK && trainer->roll_backs < run->divergence.limit;
  REQUIRE(again, STATUS_NUMERIC, "step %lld: training has diverged: %s is not finite%s", step, what,
          run->divergence.response == DIVERGENCE_ROLL_BACK
              ? ", and it has gone back as often as it may"
              : "; a smaller optimizer.learning_rate or optimizer.clip may help");
  TRY(trainer_roll_back(trainer));
  log_warn("step %lld: training has diverged: %s is not finite; back to step %lld with learning rate times %g", step,
           what, (long long)trainer->done, trainer->optimizer.scale);
  return STATUS_OK;
}

static enum status diverge_step(struct trainer *trainer, const struct step_result *result) {
  char what[TRAINER_BROKEN_MAX] = "the loss";
  if (result->tensor >= 0)
    snprintf(what, sizeof what, "the gradient of %s", trainer->model->layout.tensor[result->tensor].name);
  return diverge(trainer, what);
}

static void add_window(struct trainer *trainer, const struct step_result *result) {
  trainer->window.steps += 1;
  trainer->repeats += result->repeats;
  for (int stage = 0; stage < STEP_STAGES; stage++) trainer->window.seconds[stage] += result->seconds[stage];
  trainer->window.waited += trainer->step.exchange.waited;
  trainer->window.total += trainer->step.exchange.total;
  trainer->step.exchange.waited = trainer->step.exchange.total = 0;
}

static bool due(int64_t done, int64_t every, int64_t steps) {
  return done == steps || (every > 0 && done % every == 0);
}

/* What is due after a step; nothing is kept of a model that is not finite. */
static enum status settle(struct trainer *trainer, bool signalled, bool *stop) {
  const struct training *training = trainer->training;
  const int64_t done = trainer->done, steps = training->train.steps;
  const bool stopped = signalled && done < steps, evaluating = due(done, training->eval.every, steps),
             saving = stopped || due(done, training->train.checkpoint_every, steps);
  char broken[TRAINER_BROKEN_MAX] = "";
  if (evaluating || saving) TRY(trainer_check(trainer, broken));
  if (evaluating && !*broken) TRY(trainer_evaluate(trainer, broken));
  if (*broken) return diverge(trainer, broken);
  *stop = stopped;
  return saving ? trainer_save(trainer, done) : STATUS_OK;
}

/* One optimizer step and what is due after it. *stop: a signal has come. */
static enum status advance(struct trainer *trainer, bool *stop) {
  const struct training *training = trainer->training;
  const struct lane_task task = task_now(trainer);
  struct step_result result;
  double norm;
  TRY(step_run(&trainer->step, &task, told_to_stop != 0, &result));
  if (result.outcome == EXCHANGE_DIVERGED) return diverge_step(trainer, &result);
  optimizer_step(&trainer->optimizer, trainer->done, trainer->step.gradient, trainer->parameters, &norm);
  step_parameters_changed(&trainer->step);
  const double rate =
      trainer->optimizer.scale * optimizer_rate(&training->optimizer, training->train.steps, trainer->done);
  add_window(trainer, &result);
  trainer->done += 1;
  trainer->evaluated = false;
  if (due(trainer->done, training->train.report_every, training->train.steps))
    TRY(trainer_report(trainer, &result, norm, rate));
  objective_update(&trainer->objective, result.error);
  return settle(trainer, result.signalled, stop);
}

static enum status train(struct trainer *trainer) {
  bool stop = false;
  trainer->window.began = trainer->spoken = log_clock();
  while (trainer->done < trainer->training->train.steps && !stop) TRY(advance(trainer, &stop));
  if (!stop) return STATUS_OK;
  TRY(record_close(&trainer->record));
  trainer->recording = false;
  return status_raise(STATUS_INTERRUPTED, "stopped by a signal after step %lld of %lld; run the same command to go on",
                      (long long)trainer->done, (long long)trainer->training->train.steps);
}

static enum status run(struct trainer *trainer, bool resume, int64_t *resumed) {
  TRY(open_trainer(trainer));
  TRY(trainer_begin(trainer, resume, resumed));
  if (*resumed >= 0 && trainer->recording)
    log_info("%s: goes on after step %lld of %lld", trainer->output, (long long)trainer->done,
             (long long)trainer->training->train.steps);
  if (!trainer->recording) return STATUS_OK; /* complete already */
  TRY(train(trainer));
  trainer->recording = false;
  TRY(record_close(&trainer->record));
  return trainer_verify(trainer);
}

/* The name decides that of the checkpoints, which other outputs must not share: so ends it in ".h5", and is none of
 * those that a run gives by itself. */
static enum status name_output(const struct comm *comm, const char *output, char resolved[STORE_PATH_MAX]) {
  enum status status = comm->rank == 0 ? output_resolve(output, true, resolved) : STATUS_OK;
  if (status == STATUS_OK && comm->rank == 0) status = output_check_plain(resolved);
  TRY(comm_agree(comm, status));
  TRY(comm_broadcast(comm, resolved, STORE_PATH_MAX));
  const size_t length = strlen(resolved);
  REQUIRE(length > 3 && strcmp(resolved + length - 3, ".h5") == 0, STATUS_USAGE,
          "%s: a run's file ends in .h5; its checkpoints are named after what stands before: use %s.h5", resolved,
          resolved);
  return output_check_name(resolved);
}

/* What a run that was complete already has reached. */
static enum status recall(const struct trainer *trainer, struct train_outcome *outcome) {
  TRY(record_read_last(trainer->comm, trainer->output, trainer->training, &outcome->test, &outcome->yardstick,
                       &outcome->seconds));
  outcome->test.rollouts = trainer->data.rollouts[SPLIT_TEST];
  outcome->test.frames = trainer->protocol.target_count;
  outcome->evaluated = outcome->recalled = true;
  return STATUS_OK;
}

enum status train_run(const struct comm *comm, const struct config *config, const char *output, bool resume,
                      struct train_outcome *outcome) {
  const struct experiment *experiment = config_experiment(config);
  struct sigaction before[STOPPING];
  struct trainer trainer = {.comm = comm,
                            .config = config,
                            .training = &experiment->training,
                            .seed = (uint64_t)experiment->seed,
                            .best = NAN,
                            .started = log_clock()};
  *outcome = (struct train_outcome){.resumed = -1};
  TRY(name_output(comm, output, trainer.output));
  snprintf(trainer.numerics, sizeof trainer.numerics, "rules %d; %s", RECORD_RULES, cpu_describe());
  catch_signals(before);
  enum status status = comm_agree(comm, run(&trainer, resume, &outcome->resumed));
  release_signals(before);
  outcome->step = trainer.done;
  outcome->complete = trainer.done == trainer.training->train.steps;
  outcome->evaluated = trainer.evaluated;
  outcome->test = trainer.test;
  outcome->yardstick = trainer.yardstick; /* with what it owns */
  outcome->seconds = trainer_seconds(&trainer);
  if (status == STATUS_OK && outcome->resumed >= 0 && !trainer.evaluated) status = recall(&trainer, outcome);
  char message[STATUS_MESSAGE_MAX];
  snprintf(message, sizeof message, "%s", status_message());
  close_trainer(&trainer);
  return status == STATUS_OK ? status : status_raise(status, "%s", message);
}

void train_outcome_free(struct train_outcome *outcome) {
  evaluate_free(&outcome->test);
  yardstick_free(&outcome->yardstick);
}
