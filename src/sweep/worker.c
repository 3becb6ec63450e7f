#include "sweep/worker.h"

#include "base/log.h"
#include "sweep/folder.h"
#include "sweep/ledger.h"
#include "sweep/synthetic.h"
#include "train/record.h"
#include "train/trainer.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* One trial under way. What is not said to be of all ranks only the root uses. */
struct run {
  struct worker *worker;
  const struct order *order;     /* of all ranks */
  const struct config *config;   /* of all ranks */
  double began;                  /* clock */
  bool late;                     /* its deadline has passed */
  bool pruned;                   /* it has been given up */
  bool poison;                   /* of all ranks: after this step */
  const struct trainer *trainer; /* NULL: of the synthetic objective, */
  struct deadline_costs costs;   /* which has these */
};

static struct message message_of(const struct run *run, enum message_kind kind) {
  struct message message = {.kind = kind, .number = run->order->number};
  for (int i = 0; i < JOB_SCORES_MAX; i++) message.score[i] = NAN;
  return message;
}

/* Which report it is follows from the step, so that one which comes again, after a roll back or a restart, takes the
 * place of the first. */
static int64_t every_of(const struct run *run) {
  const struct training *training = &config_experiment(run->config)->training;
  return training->eval.every > 0 ? training->eval.every : training->train.steps;
}

static int64_t index_of(const struct run *run, int64_t step) { return (step + every_of(run) - 1) / every_of(run) - 1; }

static void number(const struct run *run, int64_t step, struct message *message) {
  message->index = index_of(run, step);
  message->step = step;
  message->last = step >= config_experiment(run->config)->training.train.steps;
}

/* The step after which it waits; beyond its last: it does not. */
static int64_t pause_of(const struct run *run) {
  return run->order->pause > 0 ? run->order->pause * every_of(run) : INT64_MAX;
}

/* Collective. The root's success in speaking decides for all. */
static enum status emit(struct run *run, const struct message *message) {
  const struct worker *worker = run->worker;
  enum status status = STATUS_OK;
  if (worker->group->rank == 0) status = worker->link.emit(worker->link.context, message);
  return comm_agree(worker->group, status);
}

/* ---- Faults on purpose ---- */

static void stall(void) {
  const struct timespec hour = {.tv_sec = 3600};
  for (;;) nanosleep(&hour, NULL);
}

/* All ranks come to the same; the root alone dies or stalls, as one process would. */
static void rehearse(struct run *run, int64_t step) {
  const enum inject_kind fault = inject_at(run->worker->inject, run->order->place.trial, step, run->order->starts);
  run->poison = fault == INJECT_NAN;
  if (run->worker->group->rank != 0) return;
  if (fault == INJECT_CRASH) (void)raise(SIGKILL);
  if (fault == INJECT_STALL) stall();
}

/* ---- The synthetic objective ---- */

static void sleep_for(double seconds) {
  const struct timespec time = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - floor(seconds)) * 1e9)};
  if (seconds > 0) nanosleep(&time, NULL);
}

/* Root only. The batch job ends before so many steps are done, and a checkpoint written. */
static bool ends_before(const struct run *run, int64_t steps) {
  if (run->order->left <= 0) return false;
  const double need = run->trainer ? trainer_need(run->trainer, steps) : deadline_need(&run->costs, steps, 0);
  return run->order->left - (log_clock() - run->began) < need;
}

/* Collective. Whether there is no time for anything: then the trial is left as it is. */
static enum status check_time(const struct run *run, bool *over) {
  *over = run->worker->group->rank == 0 && ends_before(run, 1);
  if (run->order->left <= 0 || run->worker->group->size == 1) return STATUS_OK;
  return comm_broadcast(run->worker->group, over, sizeof *over);
}

/* What the root is asked for, and its clock, which has to leave time for so many steps more; the others ask for
 * nothing. */
static enum trainer_request ask(struct run *run, int64_t steps) {
  const struct worker *worker = run->worker;
  if (worker->group->rank != 0) return TRAINER_GO;
  const enum control control = worker->link.asked(worker->link.context, run->order->number);
  run->late = run->order->deadline > 0 && log_clock() - run->began > run->order->deadline;
  run->pruned = run->pruned || control == CONTROL_PRUNE;
  if (run->pruned) return TRAINER_PRUNE;
  return control == CONTROL_STOP || run->late || ends_before(run, steps) ? TRAINER_STOP : TRAINER_GO;
}

static enum trial_state state_stopped(const struct run *run, int64_t step) {
  if (step >= pause_of(run)) return run->order->part ? TRIAL_COMPLETE : TRIAL_PAUSED;
  return run->late ? TRIAL_TIMEOUT : TRIAL_PREEMPTED;
}

static enum status report_synthetic(struct run *run, int64_t step, double loss) {
  struct message message = message_of(run, MESSAGE_REPORT);
  number(run, step, &message);
  message.score[0] = loss;
  return emit(run, &message);
}

/* Collective. Whether it goes on is the root's to say. */
static enum status run_synthetic(struct run *run, struct message *end) {
  const struct experiment *experiment = config_experiment(run->config);
  const struct training *training = &experiment->training;
  const struct order *order = run->order;
  const int64_t steps = training->train.steps, every = every_of(run),
                last = order->part && pause_of(run) < steps ? pause_of(run) : steps,
                before = order->waited > order->begin ? order->waited : order->begin;
  double loss = NAN;
  bool over;
  TRY(check_time(run, &over));
  end->state = over ? TRIAL_PREEMPTED : TRIAL_COMPLETE;
  for (int64_t step = before * every + 1; step <= last && end->state == TRIAL_COMPLETE; step++) {
    sleep_for(training->synthetic.sleep);
    deadline_note_step(&run->costs, training->synthetic.sleep);
    rehearse(run, step);
    loss = run->poison ? NAN : synthetic_loss(experiment, step);
    enum trainer_request request = ask(run, 1);
    if (run->worker->group->size > 1) TRY(comm_broadcast(run->worker->group, &request, sizeof request));
    if (!isfinite(loss)) {
      end->state = TRIAL_DIVERGED;
      snprintf(end->reason, sizeof end->reason, "step %lld: the loss is not finite", (long long)step);
    } else if (step % every == 0 || step == steps) {
      TRY(report_synthetic(run, step, loss));
    }
    if (step >= last || end->state != TRIAL_COMPLETE) continue;
    if (request == TRAINER_PRUNE) end->state = TRIAL_PRUNED;
    if (request == TRAINER_STOP || step >= pause_of(run)) end->state = state_stopped(run, step);
  }
  if (end->state == TRIAL_COMPLETE) end->score[0] = loss;
  end->working = log_clock() - run->began;
  return STATUS_OK;
}

/* ---- Training ---- */

/* Collective. The data set, open; the one that was used longest ago makes room. */
static enum status find_corpus(struct worker *worker, const char *path, struct corpus **corpus) {
  struct worker_corpus *found = NULL;
  int at = 0;
  while (at < WORKER_CORPORA - 1 && worker->corpus[at] && strcmp(worker->corpus[at]->path, path) != 0) at++;
  found = worker->corpus[at];
  if (found && strcmp(found->path, path) != 0) {
    corpus_close(&found->corpus);
    free(found);
    found = worker->corpus[at] = NULL;
  }
  if (!found) {
    found = calloc(1, sizeof *found);
    enum status status = found ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory for a data set");
    status = comm_agree(worker->group, status);
    if (status == STATUS_OK) status = corpus_open(worker->group, path, &found->corpus);
    if (status != STATUS_OK) {
      free(found);
      return status;
    }
    snprintf(found->path, sizeof found->path, "%s", path);
  }
  for (; at > 0; at--) worker->corpus[at] = worker->corpus[at - 1];
  worker->corpus[0] = found;
  *corpus = &found->corpus;
  return STATUS_OK;
}

static void forget_corpora(struct worker *worker) {
  for (int i = 0; i < WORKER_CORPORA; i++) {
    if (!worker->corpus[i]) continue;
    corpus_close(&worker->corpus[i]->corpus);
    free(worker->corpus[i]);
    worker->corpus[i] = NULL;
  }
}

/* The learner's scores of a split, all that the run's file has, and the steps. */
struct past {
  double *step, *score[JOB_SCORES_MAX];
  int64_t rows;
};

static void free_past(struct past *past) {
  for (int i = 0; i < JOB_SCORES_MAX; i++) free(past->score[i]);
  free(past->step);
}

static enum status read_past(const struct record_reader *reader, const struct learner_kind *kind, const char *split,
                             struct past *past) {
  int64_t count;
  *past = (struct past){.step = NULL};
  TRY(record_column(reader, "evaluation/step", &past->step, &past->rows));
  for (int i = 0; i < kind->scores; i++) {
    char name[96];
    snprintf(name, sizeof name, "evaluation/%s/%s", split, kind->score[i].name);
    TRY(record_column(reader, name, &past->score[i], &count));
    if (count < past->rows) past->rows = count;
  }
  return STATUS_OK;
}

/* Collective. Reports that the run's file has from before: of steps that are not taken again. Those of its origin are
 * of another trial. */
static enum status repeat_rows(struct run *run, const struct learner_kind *kind, const struct past *past,
                               int64_t until) {
  for (int64_t row = 0; row < past->rows && past->step[row] <= (double)until; row++) {
    struct message message = message_of(run, MESSAGE_REPORT);
    number(run, (int64_t)past->step[row], &message);
    for (int i = 0; i < kind->scores; i++) message.score[i] = past->score[i][row];
    if (message.index >= run->order->begin) TRY(emit(run, &message));
  }
  return STATUS_OK;
}

static enum status repeat_reports(struct run *run, const struct trainer_outcome *outcome) {
  const struct learner_kind *kind = outcome->learner->kind;
  struct record_reader reader;
  struct past past;
  TRY(record_open(run->worker->group, outcome->output, &reader));
  enum status status = comm_agree(run->worker->group, read_past(&reader, kind, "validation", &past));
  if (status == STATUS_OK) status = repeat_rows(run, kind, &past, outcome->step);
  free_past(&past);
  record_reader_close(&reader);
  return status;
}

/* Collective. Of a part of a training that had come to its end before: what it reached in the test split there. */
static enum status recall_test(struct run *run, const struct trainer_outcome *outcome, struct message *end) {
  const struct learner_kind *kind = outcome->learner->kind;
  struct record_reader reader;
  struct past past;
  TRY(record_open(run->worker->group, outcome->output, &reader));
  const enum status status = comm_agree(run->worker->group, read_past(&reader, kind, "test", &past));
  for (int64_t row = 0; status == STATUS_OK && row < past.rows; row++)
    for (int i = 0; i < kind->scores && past.step[row] == (double)outcome->step; i++)
      end->score[i] = past.score[i][row];
  free_past(&past);
  record_reader_close(&reader);
  return status;
}

/* What errors are held against: so that they mean the same in all trials. */
static struct message describe(struct run *run, const struct trainer_outcome *outcome) {
  const struct training *training = &config_experiment(run->config)->training;
  const struct yardstick *yardstick = outcome->yardstick;
  const double limits[2] = {yardstick->limit, yardstick->limit_unseen};
  struct message message = message_of(run, MESSAGE_BEGAN);
  struct checksum data = {{0, 0}}, limit = {{0, 0}}, held = {{0, 0}};
  const struct protocol_settings *protocol = &training->protocol;
  const int64_t numbers[3] = {protocol->name, protocol->input_frames, protocol->frames};
  (void)checksum_parse(yardstick->checksum, &data);
  if (!isnan(yardstick->limit) || !isnan(yardstick->limit_unseen))
    checksum_add(&limit, checksum_tag("limits"), 0, limits, sizeof limits);
  checksum_add(&held, checksum_tag("data"), 0, training->data.file, strlen(training->data.file));
  checksum_add(&held, checksum_tag("protocol"), 0, numbers, sizeof numbers);
  message.data_sum = (int64_t)data.word[0];
  message.limit_sum = (int64_t)limit.word[0];
  message.held_sum = (int64_t)held.word[0];
  return message;
}

/* Collective. Takes the steps; tells each evaluation. */
static enum status advance(struct run *run, struct trainer *trainer, struct message *end) {
  unsigned events = 0;
  if (trainer_step(trainer) >= pause_of(run) && !trainer_outcome(trainer).complete) { /* it has come there before */
    end->state = state_stopped(run, trainer_step(trainer));
    return STATUS_OK;
  }
  bool over = false;
  if (!trainer_outcome(trainer).complete) TRY(check_time(run, &over));
  if (over) end->state = TRIAL_PREEMPTED;
  if (over) return STATUS_OK;
  while (!(events & TRAINER_ENDED)) {
    enum trainer_request request = ask(run, 2);
    if (request == TRAINER_GO && trainer_step(trainer) + 1 >= pause_of(run)) request = TRAINER_STOP;
    if (run->poison) trainer_poison(trainer);
    TRY(trainer_advance(trainer, trainer_step(trainer) + 1, request, &events));
    rehearse(run, trainer_step(trainer));
    if (!(events & TRAINER_EVALUATION)) continue;
    const struct trainer_outcome outcome = trainer_outcome(trainer);
    struct message message = message_of(run, MESSAGE_REPORT);
    number(run, outcome.step, &message);
    memcpy(message.score, outcome.validation->score, sizeof message.score);
    TRY(emit(run, &message));
  }
  const int64_t step = trainer_step(trainer);
  end->state = events & TRAINER_COMPLETE ? TRIAL_COMPLETE
               : events & TRAINER_PRUNED ? TRIAL_PRUNED
                                         : state_stopped(run, step);
  return STATUS_OK;
}

/* Collective. What was reached at the end, in the test split too. */
static enum status train(struct run *run, struct trainer *trainer, struct message *end) {
  struct trainer_outcome outcome = trainer_outcome(trainer);
  const struct message began = describe(run, &outcome);
  enum status status = emit(run, &began);
  if (status == STATUS_OK && (outcome.resumed >= 0 || outcome.recalled)) status = repeat_reports(run, &outcome);
  if (status == STATUS_OK) status = advance(run, trainer, end);
  outcome = trainer_outcome(trainer);
  if (status == STATUS_OK && end->state == TRIAL_COMPLETE && outcome.evaluated)
    memcpy(end->score, outcome.test->score, sizeof end->score);
  else if (status == STATUS_OK && end->state == TRIAL_COMPLETE)
    status = recall_test(run, &outcome, end);
  end->working = trainer_timing(trainer).working;
  return status;
}

static enum status make_folder(const struct worker *worker, const struct folder_place *place,
                               char path[STORE_PATH_MAX]) {
  TRY(folder_trial(worker->folder, place, path));
  if (worker->group->rank == 0) TRY(folder_make(path));
  return folder_run(worker->folder, place, path);
}

static enum status run_training(struct run *run, struct message *end) {
  struct worker *worker = run->worker;
  const struct order *order = run->order;
  char path[STORE_PATH_MAX], origin[STORE_PATH_MAX];
  struct corpus *corpus;
  struct trainer *trainer;
  TRY(comm_agree(worker->group, make_folder(worker, &order->place, path)));
  TRY(folder_run(worker->folder, &order->origin, origin));
  TRY(find_corpus(worker, config_experiment(run->config)->training.data.file, &corpus));
  const struct trainer_setup setup = {.config = run->config,
                                      .corpus = corpus,
                                      .output = path,
                                      .origin = order->begin > 0 ? origin : NULL,
                                      .origin_step = order->begin * every_of(run)};
  TRY(trainer_open(worker->group, &setup, &trainer));
  run->trainer = trainer;
  const enum status status = train(run, trainer, end);
  trainer_close(&trainer);
  return status;
}

/* ---- Orders ---- */

/* A failure of the trial, in words. One of the group, or of the coordinator when it speaks in this process, is passed
 * on. */
static enum status settle(enum status status, struct message *end) {
  if (status == STATUS_OK || status == STATUS_MPI || status == STATUS_INTERRUPTED) return status;
  end->state = status == STATUS_NUMERIC ? TRIAL_DIVERGED : TRIAL_FAILED;
  end->hopeless = status == STATUS_CONFIG || status == STATUS_USAGE || status == STATUS_UNAVAILABLE;
  snprintf(end->reason, sizeof end->reason, "%.*s", JOB_REASON_MAX - 1, status_message());
  status_clear();
  return STATUS_OK;
}

static enum status run_trial(struct worker *worker, const struct order *order) {
  struct run run = {.worker = worker, .order = order, .began = log_clock()};
  struct message end = message_of(&run, MESSAGE_ENDED);
  struct config *config = NULL;
  char prefix[LOG_PREFIX_MAX];
  snprintf(prefix, sizeof prefix, "trial %lld: ", (long long)order->place.trial);
  log_scope(prefix, worker->group->rank == 0 && log_shows(LOG_VERBOSE));
  enum status status = comm_agree(worker->group, sweep_trial_config(worker->sweep, order->point, order->seed, &config));
  run.config = config;
  if (status == STATUS_OK && config_experiment(config)->training.model.name == MODEL_SYNTHETIC)
    status = run_synthetic(&run, &end);
  else if (status == STATUS_OK)
    status = run_training(&run, &end);
  config_destroy(&config);
  log_scope(NULL, false);
  TRY(settle(status, &end));
  end.seconds = log_clock() - run.began;
  return emit(&run, &end);
}

static enum status run_command(struct worker *worker, const struct order *order) {
  const struct sweep_command *command = &worker->sweep->prepare[order->number];
  struct run run = {.worker = worker, .order = order, .began = log_clock()};
  struct message end = message_of(&run, MESSAGE_PREPARED);
  end.state = TRIAL_COMPLETE;
  enum status status = worker->prepare ? worker->prepare(worker->group, command->words, command->word)
                                       : status_raise(STATUS_UNAVAILABLE, "no commands are known here");
  forget_corpora(worker); /* what is open may have another file beside it now */
  TRY(settle(status, &end));
  end.seconds = end.working = log_clock() - run.began;
  return emit(&run, &end);
}

enum status worker_run(struct worker *worker, const struct order *order) {
  return order->kind == ORDER_PREPARE ? run_command(worker, order) : run_trial(worker, order);
}

void worker_close(struct worker *worker) { forget_corpora(worker); }
