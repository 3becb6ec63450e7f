/* What groups say, and what follows from it for their trials. */
#include "base/log.h"
#include "sweep/coordinator_private.h"

#include <math.h>
#include <string.h>

enum status coordinator_break(struct coordinator *c, enum status status) {
  if (status != STATUS_OK && c->broken == STATUS_OK) {
    c->broken = status;
    snprintf(c->message, sizeof c->message, "%s", status_message());
  }
  return status;
}

enum status coordinator_note(struct coordinator *c, enum event_kind kind, int64_t trial) {
  c->dirty = true;
  return ledger_event_add(c->ledger, kind, c->jobs, trial);
}

static void set_reason(struct ledger_trial *row, const char *reason) {
  memset(row->reason, 0, sizeof row->reason);
  snprintf(row->reason, sizeof row->reason, "%s", reason);
}

void coordinator_prune(struct coordinator *c, int64_t trial) {
  struct ledger_trial *row = &c->ledger->trial[trial];
  row->state = TRIAL_PRUNED;
  row->ended = ledger_clock();
  set_reason(row, "");
  ledger_forget_test(c->ledger, trial);
  ledger_touch_reports(c->ledger, trial);
}

void coordinator_fail(struct coordinator *c, int64_t trial, bool hopeless, const char *reason) {
  struct ledger_trial *row = &c->ledger->trial[trial];
  if (judge_has_stopped(&c->search.judge, trial)) {
    coordinator_prune(c, trial);
    return;
  }
  row->failures += 1;
  row->state = hopeless || row->failures > c->sweep->resources.max_restarts ? TRIAL_FAILED : TRIAL_LOST;
  set_reason(row, reason);
  row->ended = ledger_clock();
  ledger_touch_reports(c->ledger, trial);
  if (row->state == TRIAL_LOST) coordinator_requeue(c, trial);
}

enum status coordinator_stop_trials(struct coordinator *c) {
  for (int64_t trial = judge_take(&c->search.judge); trial >= 0; trial = judge_take(&c->search.judge)) {
    c->dirty = true;
    for (int g = 0; g < c->crew->groups; g++)
      if (c->group[g].busy && !c->group[g].dead && c->group[g].trial == trial)
        TRY(c->crew->kind->control(c->crew, g, trial, CONTROL_PRUNE));
  }
  return STATUS_OK;
}

/* What the search reads of a trial at a rung: the metric when it came there first. A roll back does not change it. At
 * its own end a trial comes to no rung: there is nothing to be decided. */
static void take_rungs(struct coordinator *c, int64_t trial, int64_t reports) {
  struct ledger *ledger = c->ledger;
  const struct ledger_shape *shape = &ledger->shape;
  for (int k = 0; k < shape->rungs && !ledger->trial[trial].confirms; k++) {
    double *value = &ledger->rung[trial * shape->rungs + k];
    if (ledger->rung_report[k] == reports && isnan(*value)) *value = search_rank_at(c->sweep, ledger, trial, reports);
  }
}

/* ---- A trial has its data open ---- */

/* Errors are comparable when they were held against the same: a limit file that comes, changes or goes midway would
 * make the numbers of later trials mean something else. */
static enum status hear_began(struct coordinator *c, int group, const struct message *message) {
  struct ledger_trial *row = &c->ledger->trial[message->number];
  row->data_sum = message->data_sum;
  row->limit_sum = message->limit_sum;
  row->held_sum = message->held_sum;
  ledger_touch_reports(c->ledger, message->number);
  int i = 0;
  while (i < c->helds && c->held[i].held != message->held_sum) i++;
  if (i == c->helds && c->helds < COORDINATOR_HELD_MAX)
    c->held[c->helds++] =
        (struct coordinator_held){message->held_sum, message->data_sum, message->limit_sum, message->number};
  if (i == COORDINATOR_HELD_MAX) return STATUS_OK;
  if (c->held[i].data != message->data_sum)
    c->refused[message->number] = "the data set is another than earlier trials of this sweep had";
  else if (c->held[i].limit != message->limit_sum)
    c->refused[message->number] =
        "the limit file beside the data has come, changed or gone since earlier trials of this "
        "sweep: their errors are held against another; put it back, then --retry failed";
  if (!c->refused[message->number]) return STATUS_OK;
  TRY(coordinator_note(c, EVENT_REFUSED, message->number));
  return c->crew->kind->control(c->crew, group, message->number, CONTROL_STOP);
}

/* ---- Reports ---- */

/* Reports up to the last rung that the trial has come to: what was decided by them stays as it was. */
static int64_t count_frozen(const struct ledger *ledger, int64_t trial) {
  int64_t frozen = 0;
  for (int k = 0; k < ledger->shape.rungs; k++)
    if (!isnan(ledger->rung[trial * ledger->shape.rungs + k])) frozen = ledger->rung_report[k];
  return frozen;
}

/* Said again by a trial that was begun anew. What follows from it may have been lost with the process all the same. */
static bool is_known(const struct ledger *ledger, const struct message *message) {
  const struct ledger_shape *shape = &ledger->shape;
  const int64_t at = message->number * shape->reports + message->index;
  return message->index < ledger->trial[message->number].reports && ledger->report_step[at] == message->step &&
         memcmp(ledger->validation + at * shape->scores, message->score, (size_t)shape->scores * sizeof(double)) == 0;
}

static void record_report(struct ledger *ledger, const struct message *message) {
  const struct ledger_shape *shape = &ledger->shape;
  struct ledger_trial *row = &ledger->trial[message->number];
  const int64_t at = message->number * shape->reports + message->index;
  int64_t frozen = 0;
  if (message->index < row->reports) { /* after a roll back: what stands behind it is of a past that is not */
    frozen = count_frozen(ledger, message->number);
    ledger_forget_reports(ledger, message->number, message->index > frozen ? message->index : frozen);
  }
  if (message->index >= frozen) {
    ledger->report_step[at] = message->step;
    memcpy(ledger->validation + at * shape->scores, message->score, (size_t)shape->scores * sizeof(double));
  }
  row->reports = message->index + 1 > frozen ? message->index + 1 : frozen;
}

static enum status hear_report(struct coordinator *c, const struct message *message) {
  struct ledger *ledger = c->ledger;
  const struct ledger_shape *shape = &ledger->shape;
  struct ledger_trial *row = &ledger->trial[message->number];
  REQUIRE(message->index >= 0 && message->index < shape->reports, STATUS_ARGUMENT,
          "trial %lld makes report %lld, and %lld were foreseen", (long long)message->number, (long long)message->index,
          (long long)shape->reports);
  if (judge_has_stopped(&c->search.judge, message->number)) return STATUS_OK; /* it was under way before it knew */
  c->recorded += 1;
  REQUIRE(!inject_full(c->setup->inject, c->recorded), STATUS_FILE, "%s: no space left on device (made on purpose)",
          ledger->file.path);
  if (!is_known(ledger, message)) {
    record_report(ledger, message);
    set_reason(row, ""); /* of an end before this one */
  }
  const int64_t last = message->number * shape->reports + row->reports - 1;
  row->step = ledger->report_step[last];
  row->value = ledger->validation[last * shape->scores + c->metric];
  if (!message->last) take_rungs(c, message->number, message->index + 1);
  ledger_touch_reports(ledger, message->number);
  judge_hear(&c->search.judge, message->number);
  return coordinator_stop_trials(c);
}

/* ---- The end ---- */

static void free_group(struct coordinator *c, int g, double working) {
  struct coordinator_group *group = &c->group[g];
  const double now = c->crew->kind->clock(c->crew), seconds = now - group->began, wall = ledger_clock();
  group->busy = false;
  group->limit = 0;
  group->busy_seconds += seconds;
  c->core_seconds += seconds * c->crew->ranks;
  c->busy -= 1;
  c->working += working;
  ledger_span_add(c->ledger, &(struct ledger_span){.trial = (double)group->trial,
                                                   .group = g,
                                                   .first_rank = c->crew->first + g * c->crew->ranks,
                                                   .ranks = c->crew->ranks,
                                                   .began = wall - seconds,
                                                   .ended = wall,
                                                   .working = working});
}

/* A whole sweep by a number that nobody knows would be in vain. Whether it is, the first trials decide, by their
 * numbers: not those that happen to end first. */
enum status coordinator_check_metric(struct coordinator *c) {
  enum { IN_VAIN = 3 };
  const char *name = c->sweep->metric[0].name;
  const int64_t expected = ledger_expected(c->sweep, c->ledger);
  while (c->judged < expected && c->judged < IN_VAIN) {
    const struct ledger_trial *row = &c->ledger->trial[c->judged];
    if (row->state != TRIAL_COMPLETE || !isnan(row->value)) return STATUS_OK;
    c->judged += 1;
  }
  REQUIRE(c->judged == 0 || (c->judged < IN_VAIN && c->judged < expected), STATUS_CONFIG,
          "no trial reports the metric %s%s", name,
          strstr(name, "limit") || strstr(name, "excess")
              ? ": the data set has no limit file for this protocol; make it with hgn limit (prepare: can), or choose "
                "another metric"
              : ": it is not known for these data; choose another metric");
  return STATUS_OK;
}

/* The first few are said; all reasons stand in the ledger. */
static void warn(struct coordinator *c, int64_t trial, const char *reason) {
  enum { WARNED_MAX = 10 };
  if (++c->warned <= WARNED_MAX)
    log_warn("trial %lld failed: %s", (long long)ledger_trial_number(c->ledger, trial), reason);
  if (c->warned == WARNED_MAX) log_warn("further failures are not said here: hgn sweep DIR --status shows them");
}

static enum status end_trial(struct coordinator *c, const struct message *message) {
  const int64_t trial = message->number;
  struct ledger_trial *row = &c->ledger->trial[trial];
  row->state = message->state;
  row->ended = ledger_clock();
  row->seconds += message->seconds;
  row->working += message->working;
  set_reason(row, message->reason);
  memcpy(c->ledger->test + trial * c->ledger->shape.scores, message->score,
         (size_t)c->ledger->shape.scores * sizeof(double));
  ledger_touch_reports(c->ledger, trial);
  if (judge_has_stopped(&c->search.judge, trial)) {
    coordinator_prune(c, trial); /* whatever it came to since */
  } else if (c->refused[trial]) {
    row->state = TRIAL_FAILED;
    set_reason(row, c->refused[trial]);
    warn(c, trial, row->reason);
  } else if (row->state == TRIAL_FAILED) {
    warn(c, trial, message->reason);
    coordinator_fail(c, trial, message->hopeless, message->reason);
    if (row->state == TRIAL_LOST) TRY(coordinator_note(c, EVENT_FAILURE, trial));
  } else if (row->state == TRIAL_DIVERGED && c->sweep->resources.nan_fails) {
    row->state = TRIAL_FAILED;
  } else if (row->state == TRIAL_TIMEOUT) {
    snprintf(row->reason, sizeof row->reason, "took longer than %g s", c->sweep->resources.trial_timeout);
    TRY(coordinator_note(c, EVENT_TIMEOUT, trial));
  }
  coordinator_weigh(c, trial);
  if (trial_ended(row->state)) c->trials_ended += 1;
  judge_hear(&c->search.judge, trial);
  TRY(coordinator_stop_trials(c));
  return row->state == TRIAL_COMPLETE ? coordinator_check_metric(c) : STATUS_OK;
}

static enum status hear_ended(struct coordinator *c, int group, const struct message *message) {
  const struct ledger_trial *row = &c->ledger->trial[message->number];
  free_group(c, group, message->working);
  c->assigned[message->number] = 0;
  coordinator_note_cost(c, message->seconds, row->reports - c->group[group].reports);
  TRY(end_trial(c, message));
  if (row->state == TRIAL_PREEMPTED) c->postponed[message->number] = 1; /* nobody stops it but the end of the job */
  if (!trial_ended(c->ledger->trial[message->number].state)) coordinator_requeue(c, message->number);
  return STATUS_OK;
}

static enum status hear_prepared(struct coordinator *c, int group, const struct message *message) {
  const struct sweep_command *command = &c->sweep->prepare[message->number];
  free_group(c, group, message->working);
  c->prepared[message->number] = PREPARE_DONE;
  c->unprepared = false;
  REQUIRE(message->state == TRIAL_COMPLETE, STATUS_FILE, "prepare: hgn %s %s: %s", command->word[0],
          command->words > 1 ? command->word[1] : "", message->reason);
  return STATUS_OK;
}

enum status coordinator_hear(void *context, int group, const struct message *message) {
  struct coordinator *c = context;
  if (c->group[group].dead) return STATUS_OK; /* it has been given up, and its trial with it */
  if (c->broken != STATUS_OK) {               /* nothing is recorded any more; but who has ended is free */
    const bool ended = message->kind == MESSAGE_ENDED || message->kind == MESSAGE_PREPARED;
    if (ended && c->group[group].busy) free_group(c, group, 0);
    return status_raise(c->broken, "%s", c->message);
  }
  c->dirty = true;
  enum status status = STATUS_OK;
  switch (message->kind) {
  case MESSAGE_BEGAN:
    status = hear_began(c, group, message);
    break;
  case MESSAGE_REPORT:
    status = hear_report(c, message);
    break;
  case MESSAGE_ENDED:
    status = hear_ended(c, group, message);
    break;
  case MESSAGE_PREPARED:
    status = hear_prepared(c, group, message);
    break;
  }
  return coordinator_break(c, status);
}
