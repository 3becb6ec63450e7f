/* Early stopping: which trials are trained further, by what they have reached so far.
 *
 * There are two ways. A kind that pauses cuts the work into jobs, from rung to rung: a job ends with a checkpoint, its
 * group is free, and a later job takes the trial further, on any group. A kind that stops lets trials run, and ends
 * those that fall behind.
 *
 * A rung is a number of reports (early_rungs()); behind the last of them, as rung `rungs`, stands a trial's end. Values
 * are such that smaller is better; INFINITY is the worst: of what failed, diverged, timed out or is not feasible.
 *
 *   hyperband           stops: as Weights & Biases has it (github.com/wandb/sweeps, hyperband_stopping.py): at a rung
 *                       that n trials have come to, this one among them, it goes on if at most floor(n / eta) were
 *                       better; with `strict`, as asha's stop
 *   asha, mode stop     stops: it goes on if fewer than max(1, floor(n / eta)) were better
 *   median              stops: at each report from min_iter on, if the best value so far is worse than the median of
 *                       the means so far of at least three others (Golovin et al., KDD 2017, section 3.2)
 *   asha, mode promote  pauses: Li et al., MLSys 2020, algorithm 2: of the n that have come to a rung the best
 *                       floor(n / eta) go on; from the highest rung that has one to give; else a fresh one begins
 *   hyperband_brackets  pauses: Li et al., JMLR 18(185), 2018, algorithm 1: brackets s = rungs, ..., 0, each of
 *                       ceil((rungs + 1) / (s + 1) eta^s) configurations that begin at rung `rungs - s` and are halved
 *                       when all of them have come there; then from the first again
 *
 * All functions: Not collective.
 */
#ifndef HGN_SWEEP_EARLY_H
#define HGN_SWEEP_EARLY_H

#include "base/status.h"
#include "sweep/sweep.h"

#include <stdbool.h>
#include <stdint.h>

struct early_task {
  int64_t configurations; /* at most */
  int rungs;              /* below the end */
  double eta;
};

enum early_answer {
  EARLY_FURTHER, /* *configuration goes on, to *rung */
  EARLY_FRESH,   /* a configuration that has not begun does, to *rung */
  EARLY_NOTHING  /* nothing, by what is known */
};

/* What decides which job comes next. It is told of jobs in the order of their numbers, when they begin and when they
 * have ended. */
struct early_pausing {
  enum status (*open)(const struct early_task *task, void **memory); /* STATUS_MEMORY */
  void (*close)(void *memory);                                       /* accepts NULL */
  enum early_answer (*next)(const void *memory, int64_t *configuration, int *rung);
  /* Fresh configurations come in the order of their numbers. STATUS_MEMORY. */
  enum status (*begun)(void *memory, int64_t configuration, int rung);
  /* `further`: it could go on. value NaN: it takes no part, since it was not run. STATUS_MEMORY. */
  enum status (*ended)(void *memory, int64_t configuration, int rung, double value, bool further);
  /* No fresh configuration comes any more, fewer though they are than the task says. It may be told of that late: of
   * jobs that have ended meanwhile the same follows then. */
  void (*dried)(void *memory);
};

/* What a stop is decided by: where a trial stands at a rung among those of the earlier ones that may be looked at and
 * have come there. */
struct early_view {
  double own;            /* of this trial */
  int64_t count, better; /* others; of these, below its own */
  double below, above;   /* the nearest of the others below its own, -INFINITY without one; not below, INFINITY */
  double eta;
};

struct early_kind {
  const char *type, *mode; /* mode "": it has none */
  const struct early_pausing *pausing;
  bool (*stops)(const struct early_view *view);
  bool means; /* others are looked at by the mean of their values so far, the trial itself by the best of its */
};

/* How the sweep does it; NULL: not at all. */
const struct early_kind *early_find(const struct sweep *sweep);

/* The rungs below the end, in reports, ascending: returns how many; rung: room for SWEEP_REPORTS_MAX at most, NULL to
 * count. hyperband as W&B has it: min_iter eta^k while below max_iter, or, by max_iter and s, max_iter / eta^k for k =
 * s..1. median: every report but the last; of those before min_iter it only takes the values. */
int early_rungs(const struct sweep *sweep, int64_t *rung);
/* The first of them at which something is decided. */
int early_first(const struct sweep *sweep);

/* How many of n go on: floor(n / eta), but for the rounding of eta. */
int64_t early_part(double n, double eta);

/* Configurations of a bracket of so many rungs. */
int64_t early_bracket(int rungs, int bracket, double eta);

extern const struct early_pausing early_promotion, early_brackets;
bool early_stops_wandb(const struct early_view *view);
bool early_stops_asha(const struct early_view *view);
bool early_stops_median(const struct early_view *view);

#endif
