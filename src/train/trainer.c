#include "train/trainer.h"

#include "base/log.h"
#include "store/output.h"
#include "train/numerics.h"
#include "train/trainer_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Opening ---- */

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

/* Not collective. */
static enum status open_learner(struct trainer *trainer, const struct learner_kind *kind) {
  struct learner *learner = &trainer->learner;
  const struct dataset *data = &trainer->corpus->data;
  TRY(source_check_validation(data, !trainer->corpus->told));
  trainer->corpus->told = true;
  TRY(learner_open(kind, config_experiment(trainer->config), data, learner));
  return optimizer_open(&trainer->training->optimizer, learner->layout, learner->ratio, trainer->training->train.steps,
                        &trainer->optimizer);
}

static enum status open_step(struct trainer *trainer) {
  const struct train_settings *train = &trainer->training->train;
  const struct lanes lanes = lanes_cut(train->batch, train->microbatch);
  TRY(step_open(trainer->comm, &trainer->learner, &trainer->corpus->source, &lanes, &trainer->step));
  const struct learner_work *work = &trainer->step.work;
  trainer->lane_term = arena_array(&trainer->arena, lanes.count * trainer->learner.kind->terms, sizeof(double));
  enum status status = arena_check(&trainer->arena, "losses");
  const int64_t rollouts = trainer->training->eval.rollouts ? trainer->training->eval.rollouts : TRAINER_TRAIN_ROLLOUTS;
  if (status == STATUS_OK)
    status = evaluation_set_lanes(&lanes, work->first_lane, work->lane_count,
                                  trainer->corpus->data.rollouts[SPLIT_TRAIN], rollouts, &trainer->train_set);
  return comm_agree(trainer->comm, status);
}

/* What cannot be is refused before anything is computed or written. */
static enum status open_parts(struct trainer *trainer, const struct trainer_setup *setup) {
  struct corpus *corpus = trainer->corpus;
  if (trainer->replay) snprintf(trainer->output, sizeof trainer->output, "%s", setup->output);
  if (setup->output && !trainer->replay) TRY(name_output(trainer->comm, setup->output, trainer->output));
  TRY(comm_agree(trainer->comm, open_learner(trainer, setup->kind)));
  if (trainer->learner.kind->data == LEARNER_FRAMES) TRY(corpus_color(corpus, trainer->learner.color));
  trainer->learner.kind->initialize(&trainer->learner);
  TRY(corpus_yardstick(corpus, &trainer->learner.protocol, &trainer->yardstick));
  if (!trainer->replay) TRY(yardstick_kappa(&trainer->training->objective, &corpus->data, &trainer->yardstick));
  trainer->learner.kappa = trainer->yardstick.kappa;
  TRY(open_step(trainer));
  /* Parameters and two moments, f32. */
  trainer->costs.bytes = 3 * (int64_t)sizeof(float) * layout_values(trainer->learner.layout);
  trainer->costs.batch = trainer->training->train.batch;
  return energy_open(trainer->comm, &trainer->meter);
}

/* A run that was complete already: what it has reached stands in its file. */
static enum status recall(struct trainer *trainer) {
  struct record_run run = trainer_describe(trainer);
  if (trainer->then) run.config = trainer->then;
  TRY(record_read_last(trainer->comm, trainer->output, &run, &trainer->test, &trainer->yardstick, &trainer->verdict,
                       &trainer->seconds_before));
  trainer->test.rollouts = trainer_final_rollouts(trainer);
  trainer->test.frames = trainer->learner.protocol.target_count;
  trainer->evaluated = trainer->recalled = true;
  trainer->ended = TRAINER_COMPLETE;
  return STATUS_OK;
}

static enum status begin(struct trainer *trainer, bool resume) {
  if (trainer->replay) return trainer_replay_begin(trainer);
  return trainer->output[0] ? trainer_begin(trainer, resume) : corpus_measure(trainer->corpus, &trainer->yardstick);
}

static enum status open_and_begin(struct trainer *trainer, const struct trainer_setup *setup) {
  TRY(open_parts(trainer, setup));
  TRY(begin(trainer, setup->resume));
  if (trainer->output[0] && !trainer->recording) return recall(trainer);
  if (trainer->output[0] && !trainer->replay) TRY(record_session(&trainer->record, trainer->done));
  if (trainer->resumed >= 0)
    log_info("%s: goes on after step %lld of %lld", trainer->output, (long long)trainer->done,
             (long long)trainer->training->train.steps);
  if (trainer->training->objective.name == OBJECTIVE_GECO)
    log_info("GECO aims at an error of kappa %.4ge-4 (%s)", 1e4 * trainer->yardstick.kappa,
             trainer->yardstick.kappa_from);
  trainer->window.began = trainer->spoken = log_clock();
  return STATUS_OK;
}

enum status trainer_open(const struct comm *comm, const struct trainer_setup *setup, struct trainer **trainer) {
  const struct experiment *experiment = config_experiment(setup->config);
  *trainer = NULL;
  if (!setup->kind) TRY(learner_require(experiment));
  struct trainer *made = calloc(1, sizeof *made);
  TRY(comm_agree(comm, made ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory for a trainer")));
  *made = (struct trainer){.comm = comm,
                           .config = setup->config,
                           .training = &experiment->training,
                           .corpus = setup->corpus,
                           .origin = setup->origin,
                           .origin_step = setup->origin_step,
                           .from = setup->from,
                           .replay = setup->replay,
                           .begins = setup->begins,
                           .resumed = -1,
                           .best = NAN,
                           .gradient_norm = NAN,
                           .verdict = verdict_unknown(),
                           .started = log_clock()};
  numerics_describe(made->numerics);
  enum status status = comm_agree(comm, open_and_begin(made, setup));
  if (status != STATUS_OK) trainer_close(&made);
  *trainer = made;
  return status;
}

void trainer_close(struct trainer **trainer) {
  struct trainer *t = *trainer;
  char message[STATUS_MESSAGE_MAX];
  if (!t) return;
  snprintf(message, sizeof message, "%s", status_message());
  if (t->recording) store_close(&t->record.file);
  evaluation_set_free(&t->train_set);
  evaluation_free(&t->validation);
  evaluation_free(&t->test);
  yardstick_free(&t->yardstick);
  step_close(&t->step);
  optimizer_close(&t->optimizer);
  trainer_forget_all(t);
  arena_free(&t->arena);
  learner_close(&t->learner);
  config_destroy(&t->then);
  store_lock_release(&t->lock);
  free(t);
  *trainer = NULL;
  status_clear();
  if (message[0]) (void)status_raise(STATUS_OK, "%s", message);
}

/* ---- Training ---- */

/* All ranks are here with the same `what`. */
static enum status diverge(struct trainer *trainer, const char *what) {
  const struct divergence_settings *settings = &trainer->training->train.divergence;
  const long long step = (long long)trainer->done;
  const bool again = settings->response == DIVERGENCE_ROLL_BACK && trainer->roll_backs < settings->limit;
  REQUIRE(again, STATUS_NUMERIC, "step %lld: training has diverged: %s is not finite%s", step, what,
          settings->response == DIVERGENCE_ROLL_BACK
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
    snprintf(what, sizeof what, "the gradient of %s", trainer->learner.layout->tensor[result->tensor].name);
  return diverge(trainer, what);
}

static void add_window(struct trainer *trainer, const struct step_result *result) {
  struct exchange *exchange = &trainer->step.exchange;
  trainer->window.steps += 1;
  trainer->repeats += result->repeats;
  for (int stage = 0; stage < LEARNER_STAGES_MAX; stage++) {
    trainer->window.stage[stage] += result->seconds[stage];
    trainer->timing.stage[stage] = result->seconds[stage];
  }
  trainer->window.reducing += result->reducing;
  trainer->window.waited += exchange->waited;
  trainer->window.total += exchange->total;
  trainer->timing.reducing = result->reducing;
  trainer->timing.waited += exchange->waited;
  trainer->timing.exchanged += exchange->total;
  exchange->waited = exchange->total = 0;
}

bool trainer_due(int64_t done, int64_t every, int64_t steps) {
  return done == steps || (every > 0 && done % every == 0);
}

/* What is to be said of the whole training is a record like the others: on the disk before the checkpoint that follows
 * it, so that a run that is cut off in between says it again. */
static enum status give_verdict(struct trainer *trainer) {
  trainer->verdict = verdict_find(&trainer->learner, &trainer->test, trainer->gradient_norm);
  const bool writes = trainer->recording && trainer->comm->rank == 0;
  return comm_agree(trainer->comm, writes ? record_verdict(&trainer->record, &trainer->verdict) : STATUS_OK);
}

/* The record of a run that ends is closed; that of a whole one is read back. */
static enum status end_training(struct trainer *trainer, unsigned how) {
  trainer->ended = how;
  trainer->events |= how;
  if (!trainer->recording || trainer->replay) return STATUS_OK;
  trainer->recording = false;
  TRY(record_close(&trainer->record));
  return how == TRAINER_COMPLETE ? trainer_verify(trainer) : STATUS_OK;
}

/* What is due after a step; nothing is kept of a model that is not finite. */
static enum status do_what_is_due(struct trainer *trainer, enum trainer_request request) {
  const struct training *training = trainer->training;
  const int64_t done = trainer->done, steps = training->train.steps;
  const bool complete = done == steps, stopped = !complete && request == TRAINER_STOP,
             pruned = !complete && request == TRAINER_PRUNE;
  const bool evaluating = trainer_due(done, training->eval.every, steps),
             saving = stopped || (!pruned && trainer_due(done, training->train.checkpoint_every, steps));
  char broken[TRAINER_BROKEN_MAX] = "";
  if (evaluating || saving) TRY(trainer_check(trainer, broken));
  const double began = log_clock();
  if (evaluating && !*broken) TRY(trainer_evaluate(trainer, broken));
  const double seconds = log_clock() - began;
  trainer->timing.working += seconds;
  if (*broken) return diverge(trainer, broken);
  deadline_note_evaluation(&trainer->costs, seconds, evaluating ? trainer_rollouts_due(trainer, done) : 0);
  if (complete) TRY(give_verdict(trainer));
  if (saving) TRY(trainer_save(trainer));
  if (complete) return end_training(trainer, TRAINER_COMPLETE);
  if (stopped) return end_training(trainer, TRAINER_STOPPED);
  return pruned ? end_training(trainer, TRAINER_PRUNED) : STATUS_OK;
}

static void update_parameters(struct trainer *trainer, double *norm) {
  const double began = log_clock();
  optimizer_step(&trainer->optimizer, trainer->done, trainer->step.gradient, trainer->learner.parameters, norm);
  trainer->learner.kind->changed(&trainer->learner);
  trainer->gradient_norm = *norm;
  trainer->timing.updating = log_clock() - began;
}

/* One optimizer step and what is due after it. */
static enum status advance(struct trainer *trainer, enum trainer_request request) {
  const struct training *training = trainer->training;
  struct step_result result;
  double norm;
  const double began = log_clock();
  TRY(step_run(&trainer->step, trainer->done, (int64_t)request, &result));
  if (result.outcome == EXCHANGE_DIVERGED) return diverge_step(trainer, &result);
  update_parameters(trainer, &norm);
  trainer->timing.working += log_clock() - began;
  const double rate =
      trainer->optimizer.scale * optimizer_rate(&training->optimizer, training->train.steps, trainer->done);
  add_window(trainer, &result);
  trainer->done += 1;
  trainer->evaluated = false;
  if (trainer_due(trainer->done, training->train.report_every, training->train.steps))
    TRY(trainer_report(trainer, &result, norm, rate));
  trainer->learner.kind->update(&trainer->learner, result.term);
  deadline_note_step(&trainer->costs, log_clock() - began);
  return do_what_is_due(trainer, (enum trainer_request)result.request);
}

enum status trainer_advance(struct trainer *trainer, int64_t until, enum trainer_request request, unsigned *events) {
  const int64_t steps = trainer->training->train.steps;
  trainer->events = trainer->ended;
  while (!trainer->events && trainer->done < until && trainer->done < steps) TRY(advance(trainer, request));
  *events = trainer->events;
  return STATUS_OK;
}

int64_t trainer_step(const struct trainer *trainer) { return trainer->done; }

struct trainer_outcome trainer_outcome(const struct trainer *trainer) {
  return (struct trainer_outcome){.step = trainer->done,
                                  .steps = trainer->training->train.steps,
                                  .resumed = trainer->resumed,
                                  .complete = trainer->done == trainer->training->train.steps,
                                  .evaluated = trainer->evaluated,
                                  .recalled = trainer->recalled,
                                  .output = trainer->output,
                                  .learner = &trainer->learner,
                                  .validation = &trainer->validation,
                                  .test = &trainer->test,
                                  .yardstick = &trainer->yardstick,
                                  .verdict = &trainer->verdict,
                                  .seconds = trainer->recalled ? trainer->seconds_before : trainer_seconds(trainer)};
}

void trainer_poison(struct trainer *trainer) {
  trainer->learner.parameters[0] = NAN;
  trainer->learner.kind->changed(&trainer->learner);
}

struct deadline_costs trainer_costs(const struct trainer *trainer) {
  return trainer->costs;
}

double trainer_need(const struct trainer *trainer, int64_t steps) {
  const int64_t left = trainer->training->train.steps - trainer->done, count = steps < left ? steps : left;
  int64_t rollouts = 0;
  for (int64_t i = 1; i <= count; i++) rollouts += trainer_rollouts_due(trainer, trainer->done + i);
  return deadline_need(&trainer->costs, count, rollouts);
}

struct trainer_timing trainer_timing(const struct trainer *trainer) {
  return trainer->timing;
}
