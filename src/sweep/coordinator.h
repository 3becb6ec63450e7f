/* The coordinator of a sweep: gives trials to groups, records what they say before it acts on it, and never computes.
 *
 * Which trials there are and what becomes of them follows from the sweep's file (search.h, trials are numbered); who
 * runs them and when does not matter. What comes from outside (deaths, time limits, budgets, signals) is recorded as
 * events.
 *
 * Root only: of one process.
 */
#ifndef HGN_SWEEP_COORDINATOR_H
#define HGN_SWEEP_COORDINATOR_H

#include "sweep/crew.h"
#include "sweep/ledger.h"
#include "sweep/search.h"

struct coordinator_setup {
  const struct sweep *sweep;
  struct ledger *ledger;
  struct crew *crew;
  const char *folder;
  const struct inject *inject;
  const int64_t *process; /* [groups][ranks]: process ids of those on this host, else 0; NULL: not known */
  bool (*stopped)(void);  /* a signal asks for the end; NULL: none can */
  double elapsed;         /* s since the job began, which may have done something else before */
  double left;            /* s until the batch job ends; 0: it does not, as far as is known */
  bool quiet;             /* no progress */
};

enum coordinator_end {
  COORDINATOR_COMPLETE, /* all trials have ended */
  COORDINATOR_DRAINED,  /* by a signal, the wall time or the end of the job; it can go on */
  COORDINATOR_BUDGET,   /* core-hours are used up */
  COORDINATOR_STUCK     /* a group does not answer any more: the job has to be ended from outside */
};

struct coordinator_outcome {
  enum coordinator_end end;
  const char *why;     /* no more configurations were chosen */
  double wall;         /* s of this start */
  double busy, waited; /* group-seconds: with trials; idle since a choice waited for results (order: logical) */
  double working;      /* group-seconds: in steps of training and evaluations */
  double trials_ended; /* in this start */
  int idle_groups;     /* that never had work */
};

/* Runs the sweep to its end, or until it has to stop. Trials that have ended in the ledger are not run again; those
 * that were under way go on. On failure (STATUS_FILE: sweep.h5 cannot be written; STATUS_MPI; what a command of prepare
 * says) the groups have been told to stop, and the ledger has all that could be written. */
enum status coordinator_run(const struct coordinator_setup *setup, struct coordinator_outcome *outcome);

#endif
