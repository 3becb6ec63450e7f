/* What a sweep has cost, what that was for, and what pruning has saved: from its ledger.
 *
 * Core-hours of a trial are the seconds of its groups, all starts together, times the ranks of a group.
 *
 * Not collective. Failures: STATUS_MEMORY.
 */
#ifndef HGN_ANALYSIS_REPORT_SWEEP_COST_H
#define HGN_ANALYSIS_REPORT_SWEEP_COST_H

#include "sweep/search.h"

struct sweep_cost {
  int64_t trials[TRIAL_STATE_COUNT];
  double spent[TRIAL_STATE_COUNT]; /* core-hours */
  double total;
  double confirming; /* of these, of trials that run the best again */
  double wasted;     /* of these, of trials that have failed or timed out: they have no result */
  /* Pruned trials, had they gone on: the steps that each has left, at what a step of it has cost so far. */
  double saved;
  int64_t steps_left;
  int64_t unknown; /* pruned ones that have no step, or whose experiment cannot be made */
};
enum status sweep_cost_measure(const struct sweep *sweep, const struct ledger *ledger, struct sweep_cost *cost);
/* Core-hours. */
double sweep_cost_trial(const struct ledger_trial *trial);

/* The best value as core-hours went by. A configuration counts when the last of its trials has ended. */
struct sweep_regret_point {
  double hours; /* core-hours of all trials that had ended by then */
  int64_t configuration;
  double value, best; /* the metric, as it is; the best so far */
};
struct sweep_regret {
  struct sweep_regret_point *point; /* [count], in the order of time */
  int64_t count;
};
/* The point is the caller's to free. */
enum status sweep_regret_measure(const struct sweep *sweep, const struct ledger *ledger, struct sweep_regret *regret);

/* Who did what when. A session is a stretch of time without a start of a job in a gap where nobody worked; in it a
 * group is there from its beginning to its end, whether it works or not. */
struct sweep_lane {
  int64_t part; /* of a sweep in parts, whose groups have numbers of their own; else 0 */
  int64_t group, ranks;
};
struct sweep_session {
  double began, ended; /* s since 1970 */
};
struct sweep_time {
  struct sweep_lane *lane; /* [lanes], by part and group */
  int64_t lanes;
  int64_t *lane_of;              /* [spans of the ledger] */
  double there;                  /* core-seconds that groups were there */
  double busy;                   /* of these, with a trial or a command */
  double working;                /* of these, in steps of training and evaluations */
  struct sweep_session *session; /* [sessions], by time; none overlaps another */
  int64_t sessions;
  struct arena arena;
};
/* parts: of a sweep in parts so many, else 1. No spans: lanes 0. */
enum status sweep_time_measure(const struct ledger *ledger, int64_t parts, struct sweep_time *time);
void sweep_time_free(struct sweep_time *time);

#endif
