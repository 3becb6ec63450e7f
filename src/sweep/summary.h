/* What a sweep has found, told honestly: the best, how sure that is, and, where the best were run again on fresh seeds,
 * how much of the lead was luck. Not collective.
 */
#ifndef HGN_SWEEP_SUMMARY_H
#define HGN_SWEEP_SUMMARY_H

#include "sweep/search.h"

#include <stdio.h>

/* The five best configurations, or, of several metrics, up to twenty of the Pareto front; the states, reasons of what
 * failed, and the confirmation. */
enum status summary_print(const struct sweep *sweep, const struct ledger *ledger, FILE *out);

/* Half the width of a 95% interval of a mean from n values with this standard error: Student's t. n >= 2. */
double summary_interval(double error, int64_t n);

/* The k-th of those that were run again, on all its fresh seeds: what it came to there, on the validation split and on
 * the test split; counts are 0 while none has ended. */
struct summary_again {
  int64_t configuration;
  struct search_mean validation, test;
};
struct summary_again summary_again(const struct sweep *sweep, const struct ledger *ledger, int64_t k);

#endif
