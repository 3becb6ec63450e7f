/* What a report takes from an analysis of a run, RUN.analysis.h5. Not collective. */
#ifndef HGN_ANALYSIS_REPORT_ANALYSIS_FACTS_H
#define HGN_ANALYSIS_REPORT_ANALYSIS_FACTS_H

#include "analysis/report/gather.h"

struct analysis_facts {
  bool there;
  char path[STORE_PATH_MAX];
  double linear_mse, linear_error; /* of the linear model on frames that are not seen; its standard error; NaN: none */
  int64_t linear_seen;             /* frames that it sees */
  double *plane;                   /* [rollouts][frames][4], analysis_file.h; owned; NULL: none */
  int64_t rollouts, frames;
  char coordinate[2][32]; /* what the last two of the four are; "": not known */
};

/* The analysis that lies beside the run, or the first of the gathered ones, if it is of this run's data and last
 * checkpoint. STATUS_FILE when it cannot be read. Closed with analysis_facts_close(), also after a failure. */
enum status analysis_facts_find(const struct gather *gather, const struct run_facts *run, struct analysis_facts *facts);
void analysis_facts_close(struct analysis_facts *facts);

#endif
