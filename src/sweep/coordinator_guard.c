/* What the coordinator looks after beside its trials: signals, deaths, time limits, budgets, the disk. */
#include "base/log.h"
#include "store/provenance.h"
#include "sweep/coordinator_private.h"
#include "sweep/folder.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>

/* s: from one write to the disk to the next, and between looks at everything else. The promise is 100 ms, and it may
 * take a while until the next one is thought of. */
static const double sync_every = 0.08, look_every = 0.02;

/* Nothing is expected of the group any more, and the job has to be ended from outside. */
static void give_up(struct coordinator *c, int g) {
  c->group[g].dead = c->abandoned = true;
  if (c->group[g].busy) c->busy -= 1;
  c->group[g].busy = false;
}

enum status coordinator_drain(struct coordinator *c, enum coordinator_end end) {
  if (c->draining) return STATUS_OK;
  c->draining = true;
  c->end = end;
  for (int g = 0; g < c->crew->groups; g++) {
    if (!c->group[g].busy) continue;
    if (c->group[g].trial >= 0)
      TRY(c->crew->kind->control(c->crew, g, c->group[g].trial, CONTROL_STOP));
    else
      give_up(c, g); /* commands of prepare have no step boundaries; what they were making is left aside */
  }
  return STATUS_OK;
}

/* One group will never answer: the others have so long to write their checkpoints, and then the job is over. */
static enum status leave(struct coordinator *c, double seconds) {
  const double until = c->crew->kind->clock(c->crew) + seconds;
  TRY(coordinator_drain(c, COORDINATOR_STUCK));
  c->end = COORDINATOR_STUCK;
  while (c->busy > 0 && c->crew->kind->clock(c->crew) < until) {
    int64_t count;
    TRY(c->crew->kind->poll(c->crew, &count));
    if (count == 0) c->crew->kind->rest(c->crew);
  }
  return ledger_sync(c->ledger);
}

/* ---- Deaths ---- */

/* s that a launcher gives between its two signals, less a margin. */
static const double last_moment = 0.7;

/* A launcher that finds a rank dead ends the others by SIGTERM, and a moment later by SIGKILL. In that moment it can be
 * told which trial has cost its group's life; the others were only ended with it. */
static bool has_died(const struct coordinator *c, int g) {
  for (int r = 0; r < c->crew->ranks && c->setup->process; r++) {
    const int64_t process = c->setup->process[g * c->crew->ranks + r];
    if (process > 0 && kill((pid_t)process, 0) != 0 && errno == ESRCH) return true;
  }
  return false;
}

static enum status note_deaths(struct coordinator *c, bool *any) {
  *any = false;
  for (int g = 0; g < c->crew->groups; g++) {
    struct coordinator_group *group = &c->group[g];
    if (group->dead || !has_died(c, g)) continue;
    const bool busy = group->busy;
    *any = true;
    give_up(c, g);
    if (!busy || group->trial < 0) continue;
    coordinator_fail(c, group->trial, false, "a process died with it");
    TRY(coordinator_note(c, EVENT_DEATH, group->trial));
    TRY(ledger_sync(c->ledger));
  }
  return STATUS_OK;
}

/* Whether SLURM has put the job back into the queue since it worked on the sweep last: then it has lost a node, or was
 * preempted. */
static bool was_requeued(const struct ledger *ledger) {
  const struct provenance_job now = provenance_job();
  int64_t e = ledger->events - 1;
  while (e >= 0 && ledger->event[e].kind != EVENT_STARTED) e--;
  if (e < 0 || now.id == 0) return false;
  const struct provenance_job *before = &ledger->event[e].by;
  return before->id == now.id && before->restarts < now.restarts;
}

/* It is forgiven once, until the trial reports something: one that kills whatever runs it would else be put back into
 * the queue with its job for ever. */
static const char forgiven[] = "was under way when SLURM put its job back into the queue";

static bool forgive(struct coordinator *c, int64_t trial) {
  struct ledger_trial *row = &c->ledger->trial[trial];
  if (strcmp(row->reason, forgiven) == 0) return false;
  snprintf(row->reason, sizeof row->reason, "%s", forgiven);
  ledger_touch_reports(c->ledger, trial);
  return true;
}

/* Trials that the ledger says are running were under way when the job before this one ended without a word. Of groups
 * it cannot be told which of them was the cause, if any was, and none is blamed; in a process that runs trials itself,
 * the process died with that one, unless it was the node that died, or SLURM that ended it. */
enum status coordinator_recover(struct coordinator *c) {
  struct ledger *ledger = c->ledger;
  const bool requeued = was_requeued(ledger);
  int64_t lost = 0, failed = 0;
  for (int64_t i = 0; i < ledger->spans; i++)
    c->core_seconds += (ledger->span[i].ended - ledger->span[i].began) * ledger->span[i].ranks;
  for (int64_t t = 0; t < ledger->shape.trials; t++) {
    struct ledger_trial *row = &ledger->trial[t];
    c->jobs += row->starts;
    if (row->starts > 0) coordinator_weigh(c, t);
    coordinator_note_cost(c, row->seconds, row->reports);
    if (row->held_sum != 0 && c->helds < COORDINATOR_HELD_MAX && trial_ended(row->state) &&
        row->state != TRIAL_FAILED) {
      int i = 0;
      while (i < c->helds && c->held[i].held != row->held_sum) i++;
      if (i == c->helds)
        c->held[c->helds++] = (struct coordinator_held){row->held_sum, row->data_sum, row->limit_sum, t};
    }
    if (row->state != TRIAL_RUNNING) continue;
    if (judge_has_stopped(&c->search.judge, t)) {
      coordinator_prune(c, t);
      continue;
    }
    lost += 1;
    row->state = TRIAL_LOST;
    ledger_touch(ledger, t);
    if (row->group >= 0 || (requeued && forgive(c, t))) continue;
    coordinator_fail(c, t, false, "the process died with it");
    failed += row->state == TRIAL_FAILED;
    TRY(coordinator_note(c, EVENT_DEATH, t));
  }
  if (lost > 0)
    log_info("%lld trial%s under way when the job before ended: %s", (long long)lost, lost == 1 ? " was" : "s were",
             failed ? "tried again, but for those with which the process died before" : "tried again");
  return STATUS_OK;
}

/* ---- Time and budgets ---- */

static enum status note_stall(struct coordinator *c, int g) {
  char reason[JOB_REASON_MAX];
  const int64_t trial = c->group[g].trial;
  snprintf(reason, sizeof reason, "took longer than %g s, and reached no step boundary in %g s more",
           c->sweep->resources.trial_timeout, c->sweep->resources.grace);
  log_warn("trial %lld: %s; this job cannot go on and has to be started again",
           (long long)ledger_trial_number(c->ledger, trial), reason);
  give_up(c, g);
  coordinator_fail(c, trial, false, reason);
  return coordinator_note(c, EVENT_STALL, trial);
}

/* A trial ends itself at a step boundary; one that does not come to one holds its group for ever. Then the others write
 * their checkpoints, and the job is over. */
static enum status watch_limits(struct coordinator *c, double now) {
  for (int g = 0; g < c->crew->groups && c->setup->process; g++) { /* in this process it would have been told */
    const struct coordinator_group *group = &c->group[g];
    if (!group->busy || group->limit <= 0 || now < group->limit) continue;
    TRY(note_stall(c, g));
    return leave(c, c->sweep->resources.grace);
  }
  return STATUS_OK;
}

static double spent_core_seconds(const struct coordinator *c, double now) {
  double spent = c->core_seconds;
  for (int g = 0; g < c->crew->groups; g++)
    if (c->group[g].busy) spent += (now - c->group[g].began) * c->crew->ranks;
  return spent;
}

enum status coordinator_watch_budgets(struct coordinator *c, double now) {
  const struct sweep_resources *resources = &c->sweep->resources;
  if (c->draining) return STATUS_OK;
  if (resources->wall_time > 0 && now - c->began + c->setup->elapsed > resources->wall_time) {
    log_warn("the wall time of %g s is over: trials under way write checkpoints", resources->wall_time);
    TRY(coordinator_note(c, EVENT_DRAIN, -1));
    return coordinator_drain(c, COORDINATOR_DRAINED);
  }
  if (resources->core_hours > 0 && spent_core_seconds(c, now) > 3600 * resources->core_hours) {
    log_warn("%g core-hours are used up: trials under way write checkpoints", resources->core_hours);
    TRY(coordinator_note(c, EVENT_BUDGET, -1));
    return coordinator_drain(c, COORDINATOR_BUDGET);
  }
  return coordinator_watch_deadline(c, now);
}

static enum status watch_signals(struct coordinator *c) {
  if (!c->setup->stopped || !c->setup->stopped()) return STATUS_OK;
  bool died;
  TRY(note_deaths(c, &died));
  if (died) return leave(c, last_moment);
  if (c->draining) return STATUS_OK;
  log_warn("stopped by a signal: trials under way write checkpoints");
  TRY(coordinator_note(c, EVENT_DRAIN, -1));
  return coordinator_drain(c, COORDINATOR_DRAINED);
}

void coordinator_weigh(struct coordinator *c, int64_t trial) {
  if (c->sweep->resources.checkpoint_bytes <= 0) return;
  const struct folder_place place = ledger_place(c->ledger, trial);
  c->bytes -= c->weight[trial];
  c->weight[trial] = folder_checkpoint_bytes(c->setup->folder, &place);
  c->bytes += c->weight[trial];
}

/* Checkpoints of trials that have nothing more to do go, the oldest first, but for those of the best, and those that
 * others may yet begin from. Those that were stopped by their time limit may be put back. */
static void watch_disk(struct coordinator *c) {
  enum { BEST_MAX = 64 };
  int64_t best[BEST_MAX];
  const struct ledger *ledger = c->ledger;
  const int64_t bound = c->sweep->resources.checkpoint_bytes;
  if (bound <= 0 || c->bytes <= bound || c->trials_ended == c->disk_seen) return;
  c->disk_seen = c->trials_ended;
  const int64_t wanted = c->sweep->confirm < 1 ? 1 : c->sweep->confirm < BEST_MAX ? c->sweep->confirm : BEST_MAX;
  const int64_t count = search_best(c->sweep, ledger, wanted, best);
  for (int64_t t = 0; t < ledger->shape.trials && c->bytes > bound; t++) {
    const struct ledger_trial *row = &ledger->trial[t];
    const bool over = row->state == TRIAL_COMPLETE || row->state == TRIAL_DIVERGED ||
                      (row->state == TRIAL_PRUNED && !c->search.pausing); /* else --extend may let it go on */
    bool kept = c->weight[t] == 0 || !over;
    for (int64_t k = 0; k < count; k++) kept = kept || best[k] == row->configuration;
    kept = kept || (!row->confirms && search_goes_on_from(&c->search, row->configuration));
    if (kept) continue;
    const struct folder_place place = ledger_place(ledger, t);
    folder_remove_checkpoints(c->setup->folder, &place);
    coordinator_weigh(c, t);
  }
}

/* ---- Now and then ---- */

/* The part of the groups' time in this start that went by with work. */
static double used(const struct coordinator *c, double now) {
  double seconds = 0;
  for (int g = 0; g < c->crew->groups; g++)
    seconds += c->group[g].busy_seconds + (c->group[g].busy ? now - c->group[g].began : 0);
  return now > c->began ? seconds / (c->crew->groups * (now - c->began)) : 0;
}

static enum status look(struct coordinator *c, double now) {
  TRY(watch_signals(c));
  TRY(watch_limits(c, now));
  TRY(coordinator_watch_budgets(c, now));
  watch_disk(c);
  board_draw(&c->board, c->busy, used(c, now), now - c->began);
  return STATUS_OK;
}

static enum status tick(struct coordinator *c) {
  const double now = c->crew->kind->clock(c->crew);
  if (c->ledger->changes > 0) TRY(ledger_flush(c->ledger));
  if (c->dirty && now - c->synced >= sync_every) {
    TRY(ledger_sync(c->ledger));
    c->dirty = false;
    c->synced = now;
  }
  if (now - c->ticked < look_every) return STATUS_OK;
  c->ticked = now;
  return look(c, now);
}

enum status coordinator_tick(void *context) {
  struct coordinator *c = context;
  if (c->broken != STATUS_OK) return status_raise(c->broken, "%s", c->message);
  return coordinator_break(c, tick(c));
}
