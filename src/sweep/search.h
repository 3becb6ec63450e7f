/* The work of a sweep as one numbered sequence of jobs: a configuration that begins, to its end or to a rung (early.h),
 * or one that goes on from rung to rung. Configurations are those of `enqueue:`, then what the method draws, each point
 * once, unless they are parts of trainings (method.h).
 *
 * Job j follows from the space, the seed, the jobs before it, and, where the method learns, early stopping pauses
 * trials or a target ends the sweep, the results of a prefix of the jobs: of jobs 0..j-window, or, if nothing can be
 * done by these, of as many more as it takes; where configurations are parts of trainings, of those that the method
 * needs. So it is the same for any number of groups. What was chosen stands in the
 * ledger; when a sweep goes on that is followed, and points are chosen again and compared (of methods that learn the
 * last, and some of the others), unless they came by results that have changed since (--retry) or by chance (`order:
 * arrival`).
 *
 * Not collective. Failures: STATUS_MEMORY; STATUS_FILE when the ledger has other points.
 */
#ifndef HGN_SWEEP_SEARCH_H
#define HGN_SWEEP_SEARCH_H

#include "sweep/judge.h"
#include "sweep/ledger.h"

enum search_answer {
  SEARCH_CHOSEN, /* job ledger->jobs - 1 is known, and the point of its configuration */
  SEARCH_WAIT,   /* results that it depends on are not there yet */
  SEARCH_END     /* there is no further job */
};

struct search {
  const struct sweep *sweep;
  struct ledger *ledger;
  int64_t draws;                       /* of the method so far */
  void *memory;                        /* what the method keeps */
  struct judge judge;                  /* of trials under way */
  const struct early_pausing *pausing; /* NULL: jobs go to the end of their trials */
  void *early;                         /* what it keeps */
  int64_t all;                         /* points of the space; -1: a continuum, or very many */
  double *chosen;                      /* [numbers][parameters]: points of the whole sweep, as far as it is known */
  int64_t passed;                      /* how far: configurations of other parts too */
  int64_t *slot, slots;                /* hash table of their numbers, by the points; -1: free */
  int64_t learned;                     /* jobs whose results are known, from the first */
  int64_t known;                       /* configurations that they are of */
  struct history history;              /* what the method may read; arrays of [configurations] */
  enum trial_state *state;
  double *value; /* [configurations][metrics] */
  bool *feasible;
  int64_t *step;
  int64_t recorded; /* configurations that the ledger had when it was opened */
  bool verified;    /* their points are chosen again and compared */
  bool reached;     /* a configuration has come to the targets */
  bool dry;         /* no fresh configurations any more */
  bool ended;       /* no more are chosen */
  const char *why;  /* it has ended, in words */
  struct arena arena;
};

/* What the ledger has is followed. */
enum status search_open(const struct sweep *sweep, struct ledger *ledger, struct search *search);
void search_close(struct search *search);

/* The next job; with the trials of a configuration that begins as they stand before they are run. */
enum status search_next(struct search *search, enum search_answer *answer);

/* Whether there is nothing left to do of trial `repeat` of a job: it has come to the rung, or ended. */
bool search_is_done(const struct search *search, int64_t job, int64_t repeat);

/* Which part of a training a configuration is; of a method that has no parts: all of it. */
struct method_part search_part(const struct search *search, int64_t configuration);
/* Whether another may yet begin in the last state of this configuration's trials. */
bool search_goes_on_from(const struct search *search, int64_t configuration);

/* Of a configuration: its trials; whether all have ended; the metric, mean over repeats that have one, smaller is
 * better (NaN: none, or not feasible); its standard error where there are several. */
struct search_result {
  enum trial_state state; /* the worst of its repeats: failed before diverged before complete */
  bool feasible;
  int64_t step;                    /* done at the last report, of its repeats the least */
  int64_t repeats;                 /* that have a value */
  double mean, error;              /* of the metric as it is, not turned */
  double value[SWEEP_METRICS_MAX]; /* of each metric the mean, turned so that smaller is better; NaN: none */
  double rank;                     /* to be minimised; NaN: it does not take part */
};
struct search_result search_result_of(const struct sweep *sweep, const struct ledger *ledger, int64_t configuration);

/* Of the repeats of a configuration the state that counts is the worst: complete is 0, failed the most. */
int search_severity(enum trial_state state);
/* Scores of a trial's last report; NULL: there is none. */
const double *search_last_scores(const struct ledger *ledger, int64_t trial);

/* Its metric at its so many-th report, or the last, turned so that smaller is better; INFINITY: it has no finite one,
 * or violates a constraint. */
double search_rank_at(const struct sweep *sweep, const struct ledger *ledger, int64_t trial, int64_t reports);
double search_last_rank(const struct sweep *sweep, const struct ledger *ledger, int64_t trial);

/* A mean and its standard error, of values that are added one after the other; what is not finite is passed over. */
struct search_mean {
  int64_t count;
  double sum, squares;
};
void search_mean_add(struct search_mean *mean, double value);
double search_mean_value(const struct search_mean *mean); /* NaN: of none */
double search_mean_error(const struct search_mean *mean); /* NaN: of fewer than two */

/* Of several metrics: the best configurations, those first that no other is better than in all of them: best[most],
 * *count of them (pareto_select()); *front: how many of all are such. STATUS_MEMORY. */
enum status search_front(const struct sweep *sweep, const struct ledger *ledger, int64_t most, int64_t *best,
                         int64_t *count, int64_t *front);

/* By the first metric: the best configurations, best first, of equal ones the lower number: best[most]; returns how
 * many there are. Those whose trials have not all a value do not take part. */
int64_t search_best(const struct sweep *sweep, const struct ledger *ledger, int64_t most, int64_t *best);

#endif
