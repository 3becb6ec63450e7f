#include "train/replay.h"

#include "base/log.h"
#include "store/output.h"
#include "train/record_compare.h"
#include "train/record_private.h"
#include "train/replay_chain.h"
#include "train/trainer.h"

#include <stdlib.h>
#include <string.h>

struct replay {
  const struct comm *comm;
  const struct replay_demand *demand;
  struct replay_chain chain;
  struct replay_begin begin;
  struct corpus corpus;
  struct record_replay record;
  struct trainer_state *state; /* at the end of a link */
  int64_t began, target;       /* step after which it began; at which it ends */
  bool ended;                  /* at the end of the training */
  bool begun;                  /* what it begins with was there */
  struct replay_outcome *outcome;
};

static void close_replay(struct replay *replay) {
  trainer_state_free(&replay->state);
  corpus_close(&replay->corpus);
  replay_chain_free(&replay->chain);
}

/* ---- One link ---- */

/* Collective. */
static enum status open_link(struct replay *replay, int at, struct trainer **trainer) {
  const struct replay_link *link = &replay->chain.link[at];
  const struct replay_begin *begin = &replay->begin;
  const bool first = at == begin->link;
  struct trainer_replay how = {.record = &replay->record, .state = replay->state, .kappa = link->kappa};
  if (first && begin->checkpoint[0]) how.checkpoint = begin->checkpoint;
  if (first && begin->start[0]) how.start = begin->start;
  how.parameters = link->start.parameters;
  const struct trainer_setup setup = {.config = link->config,
                                      .corpus = &replay->corpus,
                                      .output = replay->chain.link[0].path, /* all records are in the last one's file */
                                      .replay = &how};
  return trainer_open(replay->comm, &setup, trainer);
}

/* Collective. Nothing more is to be found: asked after every step of the last link. */
static enum status has_ended(const struct replay *replay, const struct trainer *trainer, bool *ended) {
  const struct record_replay *record = &replay->record;
  const int64_t done = trainer_step(trainer);
  *ended = record_compared(record, done);
  if (*ended || done < replay->target) return STATUS_OK;
  /* Whether what differs is of a course that was given up shows when the training goes back. */
  *ended = record->different.count == 0;
  return comm_broadcast(replay->comm, ended, sizeof *ended);
}

/* Collective. */
static enum status run_link(struct replay *replay, int at, struct trainer *trainer) {
  const int64_t end = at > 0 ? replay->chain.link[at].end : INT64_MAX;
  unsigned events = 0;
  bool ended = false;
  TRY(has_ended(replay, trainer, &ended));
  while (!ended && !(events & TRAINER_ENDED) && trainer_step(trainer) < end) {
    TRY(trainer_advance(trainer, trainer_step(trainer) + 1, TRAINER_GO, &events));
    if (at > 0 && trainer_step(trainer) >= end) break;
    TRY(has_ended(replay, trainer, &ended));
  }
  replay->ended = (events & TRAINER_COMPLETE) != 0;
  if (at == 0) return STATUS_OK;
  return comm_agree(replay->comm, trainer_state_of(trainer, &replay->state));
}

/* Collective. The first link, which tells where the replay begins. */
static void say_begin(struct replay *replay, const struct trainer *trainer) {
  const int64_t steps = replay->demand->steps;
  replay->began = trainer_step(trainer);
  replay->target = steps >= 0 && steps < INT64_MAX - replay->began ? replay->began + steps : INT64_MAX;
  const int64_t last = replay->record.last, end = replay->target < last ? replay->target : last;
  log_info("%s: replays steps %lld to %lld", replay->chain.link[0].path, (long long)replay->began + 1, (long long)end);
}

static enum status run_links(struct replay *replay) {
  for (int at = replay->begin.link; at >= 0; at--) {
    struct trainer *trainer;
    TRY(open_link(replay, at, &trainer));
    replay->begun = true;
    trainer_state_free(&replay->state);
    if (at == replay->begin.link) say_begin(replay, trainer);
    const enum status status = run_link(replay, at, trainer);
    trainer_close(&trainer);
    TRY(status);
    if (replay->target <= replay->chain.link[at].end) return STATUS_OK;
  }
  return STATUS_OK;
}

/* ---- All of it ---- */

/* Collective. What the run began with is not what is there now: the first of its own checkpoints is. */
static enum status begin_later(struct replay *replay) {
  struct replay_outcome *outcome = replay->outcome;
  snprintf(outcome->note, sizeof outcome->note, "%.1000s", status_message());
  status_clear();
  return replay_begin_at_first(replay->comm, &replay->chain, &replay->begin, outcome->note);
}

static enum status open_replay(struct replay *replay) {
  const struct replay_demand *demand = replay->demand;
  char run[STORE_PATH_MAX], data[STORE_PATH_MAX];
  enum status status = replay->comm->rank == 0 ? output_resolve(demand->run, false, run) : STATUS_OK;
  TRY(comm_agree(replay->comm, status));
  TRY(comm_broadcast(replay->comm, run, sizeof run));
  TRY(replay_chain_open(replay->comm, run, &replay->chain, replay->outcome->note));
  TRY(replay_find_data(replay->comm, &replay->chain.link[0], demand->data, data));
  TRY(corpus_open(replay->comm, data, &replay->corpus));
  if (demand->from >= 0) {
    replay->outcome->note[0] = '\0';
    return replay_begin_at(replay->comm, &replay->chain, demand->from, &replay->begin);
  }
  return replay_begin_at_start(replay->comm, &replay->chain, &replay->begin, replay->outcome->note);
}

/* Root only: what the records say. */
static void conclude(const struct replay *replay) {
  const struct record_replay *record = &replay->record;
  const struct training *training = &config_experiment(replay->chain.link[0].config)->training;
  struct replay_outcome *outcome = replay->outcome;
  outcome->began = outcome->verified = replay->began;
  outcome->reports = record->count[RECORD_REPORTS];
  outcome->values = record->values;
  outcome->unlimited = !record->limited;
  outcome->whole = replay->ended;
  outcome->different = record->different;
  for (int table = 0; table < RECORD_TABLES; table++) {
    const int64_t rows = record->count[table];
    if (table == RECORD_MEASURED || rows == 0) continue;
    if (table != RECORD_REPORTS) outcome->evaluations += rows;
    const int64_t step = record_row_step((enum record_table)table, training, record->first[table] + rows - 1);
    if (step > outcome->verified) outcome->verified = step;
  }
}

/* Whether it is as it was then: a training that failed in the end fails again, behind all that it has records of. */
static enum status judge(struct replay *replay, enum status status) {
  struct replay_outcome *outcome = replay->outcome;
  bool good = status == STATUS_OK;
  if (status != STATUS_OK && status != STATUS_NUMERIC && status != STATUS_DIFFERENT) return status;
  if (replay->comm->rank == 0) {
    conclude(replay);
    const bool to_the_end = outcome->verified >= replay->record.last || outcome->verified >= replay->target;
    if (status == STATUS_NUMERIC && !to_the_end && outcome->different.count == 0)
      snprintf(outcome->diverged, sizeof outcome->diverged, "%.1000s", status_message());
    good = outcome->different.count == 0 && !outcome->diverged[0];
  }
  status_clear();
  TRY(comm_broadcast(replay->comm, &good, sizeof good));
  return good ? STATUS_OK : status_raise(STATUS_DIFFERENT, "%s: is not what the replay computes", replay->demand->run);
}

enum status replay_run(const struct comm *comm, const struct replay_demand *demand, struct replay_outcome *outcome) {
  struct replay *replay = calloc(1, sizeof *replay);
  *outcome = (struct replay_outcome){.verified = 0};
  TRY(comm_agree(comm, replay ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory for a replay")));
  replay->comm = comm;
  replay->demand = demand;
  replay->outcome = outcome;
  enum status status = open_replay(replay);
  if (status == STATUS_OK) {
    status = run_links(replay);
    if (status == STATUS_FILE && replay->begin.start[0] && !replay->begun) {
      status = begin_later(replay);
      if (status == STATUS_OK) status = run_links(replay);
    }
  }
  if (status == STATUS_OK || status == STATUS_NUMERIC || status == STATUS_DIFFERENT) status = judge(replay, status);
  close_replay(replay);
  free(replay);
  return status;
}
