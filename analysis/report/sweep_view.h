/* A sweep as the parts of its section look at it: read once, its configurations in their order, its axes and what they
 * matter. Root only.
 */
#ifndef HGN_ANALYSIS_REPORT_SWEEP_VIEW_H
#define HGN_ANALYSIS_REPORT_SWEEP_VIEW_H

#include "analysis/report/figure.h"
#include "analysis/report/importance.h"
#include "sweep/search.h"
#include "sweep/stored.h"

#include <stdio.h>

enum {
  SWEEP_VIEW_TEXT = 96,   /* bytes of a value as a cell has it */
  SWEEP_VIEW_LINES = 300, /* curves or points of a figure, at most */
  SWEEP_VIEW_COLUMNS = 8  /* parameters of a table, at most */
};

/* Part of the variance of unseen trials that a forest has to say for its shares to mean something. */
#define SWEEP_VIEW_EXPLAINED 0.25

struct sweep_view {
  struct stored_sweep stored;
  const struct sweep *sweep; /* of it, as the two that follow */
  const struct ledger *ledger;
  const struct space *space;
  double sign;                  /* -1: the metric is to be large */
  struct search_result *result; /* [ledger->points] */
  int64_t *order;          /* [ledger->points]: configurations, the best first; behind them those without a value */
  int64_t ranked;          /* that have one */
  struct parzen_axes axes; /* parameters of more than one value */
  double *place;           /* [ledger->points][axes.count] */
  int axis[SPACE_PARAMETERS_MAX]; /* [axes.count]: axes, the most important first where that is known */
  struct importance importance;
  char refused[512]; /* why nothing can be said of importance; "": something can */
  int rung;          /* at which configurations are compared for it; -1: at their end */
  bool logarithm;    /* of the metric */
  struct arena arena;
};

/* Freed with sweep_view_close(), after a failure too. Failures: those of stored_open(). */
enum status sweep_view_open(const char *path, struct sweep_view *view);
void sweep_view_close(struct sweep_view *view);

/* The name of an axis' parameter, and a point's value of it as people read it. */
const char *sweep_view_name(const struct sweep_view *view, int axis);
void sweep_view_show(const struct sweep_view *view, int64_t configuration, int axis, char text[SWEEP_VIEW_TEXT]);
/* "trial" where each configuration is one, else "configuration". */
const char *sweep_view_unit(const struct sweep_view *view);
/* Where the coordinate of a point of that configuration is on an axis, 0..1, of choices the middle of its part if all
 * had equal ones; NaN: it takes no part. */
double sweep_view_height(const struct sweep_view *view, int64_t configuration, int axis);
/* The value of the metric in the place of which importance was measured; NaN: there is none. */
double sweep_view_compared(const struct sweep_view *view, int64_t configuration);
/* A scale that is to be logarithmic: all values positive, and more than a factor of 50 between the first and the
 * last. */
bool sweep_view_logarithmic(double least, double most);
/* Every so many-th of `count` things is drawn where only `most` can be. */
int64_t sweep_view_stride(int64_t count, int64_t most);
/* "0.0123", or nothing where it is not finite: a cell of CSV, and of a table. */
void sweep_view_number(double value, char text[SWEEP_VIEW_TEXT]);

/* The parts of the section. */
void sweep_trials_add(struct page *page, const struct sweep_view *view);     /* table and history of trials */
void sweep_best_add(struct page *page, const struct sweep_view *view);       /* the best, and run again */
void sweep_front_add(struct page *page, const struct sweep_view *view);      /* of several metrics */
void sweep_parameters_add(struct page *page, const struct sweep_view *view); /* importance, dependence, parallels */
void sweep_rungs_add(struct page *page, const struct sweep_view *view);
void sweep_time_add(struct page *page, const struct sweep_view *view); /* costs, regret, timeline */

#endif
