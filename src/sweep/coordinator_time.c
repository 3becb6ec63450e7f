/* The end of the batch job, which the coordinator knows of: what is not begun any more, and when nothing is.
 *
 * Of which trials there are, and what becomes of them, nothing follows from it: only when they are run.
 */
#include "base/log.h"
#include "sweep/coordinator_private.h"
#include "train/deadline.h"

#include <math.h>

/* s that a trial needs besides its reports: two checkpoints that nobody has measured, and the margin. */
static double reserve(void) { return deadline_need(&(struct deadline_costs){.step = 0}, 0, 0); }

void coordinator_set_deadline(struct coordinator *c, double left) {
  c->deadline = left > 0 ? c->began + left : INFINITY;
}

double coordinator_time_left(const struct coordinator *c) {
  const double left = c->deadline - c->crew->kind->clock(c->crew);
  const double least = 1e-3; /* 0 means that there is no end */
  return isinf(c->deadline) ? 0 : left > least ? left : least;
}

void coordinator_note_cost(struct coordinator *c, double seconds, int64_t reports) {
  if (!(seconds > 0) || reports <= 0) return;
  c->timed_seconds += seconds;
  c->timed_reports += reports;
}

/* Half of all trials take longer than the mean. */
static const double slack = 1.1;

/* s a report: of the trial itself, or else in the mean over all; 0: nobody has made one. */
static double report_cost(const struct coordinator *c, const struct ledger_trial *row) {
  if (row->seconds > 0 && row->reports > 0) return row->seconds / (double)row->reports;
  return c->timed_reports > 0 ? c->timed_seconds / (double)c->timed_reports : 0;
}

/* One that could not come to its rung in a whole job of this length either is begun all the same, and stopped with a
 * checkpoint: else it would never get there. */
bool coordinator_has_time(const struct coordinator *c, int64_t trial, int64_t reports) {
  const struct ledger_trial *row = &c->ledger->trial[trial];
  if (isinf(c->deadline)) return true;
  if (c->postponed[trial] || coordinator_time_left(c) < reserve()) return false;
  if (!c->search.pausing || reports <= row->reports) return true;
  const double needed = slack * (double)(reports - row->reports) * report_cost(c, row) + reserve();
  return needed <= coordinator_time_left(c) || needed > c->deadline - c->began + c->setup->elapsed;
}

/* Who has less than a checkpoint may take can do nothing any more. */
enum status coordinator_watch_deadline(struct coordinator *c, double now) {
  const double left = c->deadline - now;
  if (left >= reserve()) return STATUS_OK;
  if (now > c->began)
    log_warn("the job ends in %.0f s: trials under way write checkpoints", left);
  else
    log_warn("the job is too short: it ends in %.0f s, and a trial needs %.0f s at least", left, reserve());
  TRY(coordinator_note(c, EVENT_DRAIN, -1));
  return coordinator_drain(c, COORDINATOR_DRAINED);
}

enum status coordinator_end_early(struct coordinator *c) {
  if (c->draining || c->busy > 0 || !c->late) return STATUS_OK;
  log_info("the job ends in %.0f s, and what is left takes longer: it waits for the next job",
           coordinator_time_left(c));
  TRY(coordinator_note(c, EVENT_DRAIN, -1));
  return coordinator_drain(c, COORDINATOR_DRAINED);
}
