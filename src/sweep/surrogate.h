/* What method bayes makes of a history: a Gaussian process of the configurations, and what it says of candidates.
 *
 * Numbers are unit coordinates (space_coordinates()), so the distribution says what is near; of whole numbers and
 * multiples of q those of the value that is run. Choices are alike or not. A parameter that has conditions has, where
 * it takes no part, the coordinate 1/2 (a choice: one alternative more), and its number a second column of the same
 * length, 0 where it takes part and 1 where not.
 *
 * Outputs: with m the median and s = m - minimum of the values known, v > m becomes m + s ln(1 + (v - m)/s), and at
 * most m + 5 s, so that neither outliers nor a few orders of magnitude spoil the fit of what is good; s is the mean
 * of v - m above m where half of all are minimal. What failed, diverged or is not feasible has the worst of these.
 * Then mean 0 and variance 1. What is not known yet is taken to give the process's mean there ("Kriging believer":
 * Ginsbourger, Le Riche and Carraro, Kriging Is Well-Suited to Parallelize Optimization, 2010): with 16 at a time it
 * came several times as near to the minima of Branin's and Hartmann's functions as the least, the mean or the largest
 * output as the lie did.
 *
 * Pure functions of history, at a fixed series of counts: at `epoch`, the last number of a series (steps of a tenth,
 * 1 to 128) that is not above `known`, theta is fitted to at most SURROGATE_FITTED of the first `epoch`, and of more
 * than SURROGATE_KEPT configurations the best half and the latest half are chosen. All later ones are appended. The
 * memory holds that, and is compared with history before it is used: it saves time and decides nothing.
 *
 * All functions: Not collective.
 */
#ifndef HGN_SWEEP_SURROGATE_H
#define HGN_SWEEP_SURROGATE_H

#include "base/arena.h"
#include "sweep/gaussian_process.h"
#include "sweep/method.h"

enum { SURROGATE_CANDIDATES = 1024, SURROGATE_FITTED = 256, SURROGATE_KEPT = 1024 };

struct surrogate {
  struct arena arena;
  struct gaussian_columns columns;
  struct gaussian gaussian;
  int64_t epoch, chosen; /* of the first `epoch` configurations so many are rows; 0: nothing is there */
  int64_t capacity;
  int64_t *row;      /* [capacity]: number of the configuration */
  double *point;     /* [capacity][parameters]: as they stood in history */
  double *fitted;    /* [epoch]: values that it was fitted to */
  double *y;         /* [capacity]: outputs */
  double *sorted;    /* [capacity]: scratch */
  double *blocks;    /* [SURROGATE_CANDIDATES]: as gaussian_place() */
  double *panels;    /* [SURROGATE_CANDIDATES / GAUSSIAN_BLOCK][capacity][GAUSSIAN_BLOCK] */
  double *local;     /* [capacity][GAUSSIAN_BLOCK]: the panel of other points */
  double *offered;   /* [SURROGATE_CANDIDATES][parameters]: their coordinates */
  int64_t solved;    /* rows of the panels */
  double best;       /* the least of y, and of what is expected where it is not known */
  int64_t incumbent; /* its row */
};

/* The `first` known configurations after which there is an epoch. */
int64_t surrogate_startup(const struct space *space);

/* Makes it that of the history. STATUS_MEMORY. */
enum status surrogate_update(const struct method_task *task, const struct history *history,
                             struct surrogate *surrogate);
void surrogate_free(struct surrogate *surrogate);

/* Coordinates to columns, at a place of a block. */
void surrogate_place(const struct method_task *task, const double *u, double *place);

/* ln of the expected improvements over the best: of the points of a block; of all candidates. */
void surrogate_improvements(const struct surrogate *surrogate, const double *block, double improvement[GAUSSIAN_BLOCK]);
void surrogate_candidates(const struct surrogate *surrogate, double improvement[SURROGATE_CANDIDATES]);

#endif
