/* The configurations of a sweep, one after the other: those of `enqueue:`, then what the method draws, each point once.
 *
 * Configuration c follows from the space, the seed, the points before it, and, where the method learns or a target ends
 * the sweep, the results of a prefix of the jobs (sweep window). So it is chosen again, the same, when a sweep goes on,
 * and what the ledger has is compared with it.
 *
 * Not collective. Failures: STATUS_MEMORY; STATUS_FILE when the ledger has other points.
 */
#ifndef HGN_SWEEP_SEARCH_H
#define HGN_SWEEP_SEARCH_H

#include "sweep/ledger.h"

enum search_answer {
  SEARCH_CHOSEN, /* configuration ledger->points - 1 has its point */
  SEARCH_WAIT,   /* results that it depends on are not there yet */
  SEARCH_END     /* there is no further configuration */
};

struct search {
  const struct sweep *sweep;
  struct ledger *ledger;
  int64_t draws;          /* of the method so far */
  void *memory;           /* what the method keeps */
  int64_t all;            /* points of the space; -1: a continuum, or very many */
  int64_t *slot, slots;   /* hash table of configurations, by their points; -1: free */
  int64_t known;          /* configurations whose trials have all ended, from the first */
  struct history history; /* what the method may read; arrays of [configurations] */
  enum trial_state *state;
  double *value;
  bool *feasible;
  int64_t *step;
  bool replaying;  /* what was chosen as results arrived is not judged anew */
  bool ended;      /* no more are chosen */
  const char *why; /* it has ended, in words */
  struct arena arena;
};

/* Points that the ledger has are chosen again and compared. */
enum status search_open(const struct sweep *sweep, struct ledger *ledger, struct search *search);
void search_close(struct search *search);

/* The next configuration, with its trials as they stand before they are run. */
enum status search_next(struct search *search, enum search_answer *answer);

/* Of a configuration: its trials; whether all have ended; the metric, mean over repeats that have one, smaller is
 * better (NaN: none, or not feasible); its standard error where there are several. */
struct search_result {
  enum trial_state state; /* the worst of its repeats: failed before diverged before complete */
  bool feasible;
  int64_t step;       /* done at the last report, of its repeats the least */
  int64_t repeats;    /* that have a value */
  double mean, error; /* of the metric as it is, not turned */
  double rank;        /* to be minimised; NaN: it does not take part */
};
struct search_result search_result_of(const struct sweep *sweep, const struct ledger *ledger, int64_t configuration);

/* A mean and its standard error, of values that are added one after the other; what is not finite is passed over. */
struct search_mean {
  int64_t count;
  double sum, squares;
};
void search_mean_add(struct search_mean *mean, double value);
double search_mean_value(const struct search_mean *mean); /* NaN: of none */
double search_mean_error(const struct search_mean *mean); /* NaN: of fewer than two */

/* The best configurations, best first, of equal ones the lower number: best[most]; returns how many there are. Those
 * whose trials have not all a value do not take part. */
int64_t search_best(const struct sweep *sweep, const struct ledger *ledger, int64_t most, int64_t *best);

#endif
