/* Runs that differ in nothing but their seeds, together. Not collective. */
#ifndef HGN_ANALYSIS_REPORT_RUN_GROUPS_H
#define HGN_ANALYSIS_REPORT_RUN_GROUPS_H

#include "analysis/report/run_facts.h"

struct run_group {
  const struct run_facts **run; /* [runs]: borrowed, by seed; the array is owned */
  int64_t runs;
  char *key; /* owned: what they have in common: the configuration but for the seed, and the data */
};

struct run_groups {
  struct run_group *group; /* in the order of their first runs */
  int64_t groups;
  int64_t *best; /* [groups]: by the score that models are chosen by, on the validation split, the best first */
};

/* STATUS_MEMORY. Closed with run_groups_close(), also after a failure. */
enum status run_groups_make(const struct run_facts *runs, int64_t count, struct run_groups *groups);
void run_groups_close(struct run_groups *groups);

/* Mean and standard deviation (n - 1) of a score of the last evaluation over the runs that have it; *count: how many.
 * NaN where too few have it. */
struct run_spread {
  double mean, deviation;
  int64_t count;
};
struct run_spread run_group_score(const struct run_group *group, enum split split, const char *name);

#endif
