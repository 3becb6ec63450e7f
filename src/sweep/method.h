/* Search methods: which configuration comes next.
 *
 * A method is a constant table. Its propose() is a pure function of the space, the seed, the number of the draw and
 * what it may read of history; so nothing of it is saved, and a sweep that goes on asks again and gets the same. What
 * it has computed of history it may keep in memory from one call to the next (open(), close()): that saves time and
 * decides nothing.
 *
 * All functions: Not collective.
 */
#ifndef HGN_SWEEP_METHOD_H
#define HGN_SWEEP_METHOD_H

#include "sweep/space.h"
#include "sweep/trial.h"

/* Of all configurations that have been chosen, in the order of their numbers. What is known of them: results of the
 * first `known` alone. All borrowed. */
struct history {
  int64_t count, known;
  const double *point;           /* [count][parameters] */
  const enum trial_state *state; /* [known]: of its repeats the worst */
  const double *value;           /* [known][metrics]: mean over repeats, smaller is better; NaN: it has none */
  const int64_t *step;  /* [known]: steps done at its last report; fewer where it was stopped early, or waits */
  const bool *feasible; /* [known]: constraints hold */
};

/* pbt: of the sweep's file. */
struct method_population {
  int64_t size;    /* members of a generation */
  int64_t every;   /* reports of a generation */
  double quantile; /* part that is exploited, and part that is gone on from */
  double factor;   /* numbers are multiplied by it or divided */
  double resample; /* probability that a parameter is drawn anew instead */
};

struct method_task {
  const struct space *space;
  uint64_t seed;
  int64_t configurations; /* that are to be run: run_cap; 0: as many as there are. What lhs divides its strata by */
  int metrics;            /* values of a configuration */
  int64_t reports;        /* of a whole training */
  struct method_population population;
};

/* Which part of a training a configuration is, in reports, and what has to be known before it is chosen. */
struct method_part {
  int64_t needed; /* leading configurations */
  int64_t begin;  /* where its origin has ended; 0: at the start */
  int64_t end;    /* there its trial is complete; 0: with the training */
};

struct method_kind {
  const char *name;
  bool learns;  /* reads results: job j waits for those of jobs 0..j-window */
  bool several; /* can do with several metrics */
  /* What it keeps: NULL hooks when it keeps nothing. close() accepts NULL. STATUS_MEMORY. */
  enum status (*open)(const struct method_task *task, void **memory);
  void (*close)(void *memory);
  /* The `draw`-th point: 0, 1, ...; one that was chosen before is passed over by the caller, who draws on.
   * *exhausted: there is no such draw, nor any after it. history: NULL unless it learns; what is known of one
   * configuration may change from call to call. STATUS_MEMORY. */
  enum status (*propose)(const struct method_task *task, void *memory, const struct history *history, int64_t draw,
                         double *point, bool *exhausted);
  /* Of methods whose configurations are parts of trainings, each of which begins where an earlier one has ended; NULL
   * where all are whole trainings. Then a point may come again, results are waited for by part().needed, not by the
   * window, and propose() is for configuration history->count, whatever the draw. */
  struct method_part (*part)(const struct method_task *task, int64_t configuration);
  /* The configuration in whose last state another begins: a pure function of what propose() has for it; -1: none, since
   * that one begins at the start. */
  int64_t (*origin)(const struct method_task *task, const struct history *history, int64_t configuration);
};

extern const struct method_kind method_grid, method_random, method_sobol, method_lhs, method_tpe, method_bayes,
    method_cmaes, method_pbt;

/* By the name in the file; NULL: there is none. */
const struct method_kind *method_find(const char *name);
/* All names, in the order in which messages list them; NULL beyond the last. */
const char *method_name(int index);

#endif
