/* Statistics of few numbers: what runs of a few seeds come to, and whether they differ.
 *
 * Student's t throughout: means over seeds are of independent trainings, and the smallest experiments that a report
 * speaks of have three. Its tails come from the regularised incomplete beta function by its continued fraction (DLMF
 * 8.17.22) and Stirling's series, with base/elementary.h, so p-values have the same bits everywhere. tests/peer/
 * statistics_scipy.py is the peer.
 *
 * All functions: Not collective. What cannot be known of so few numbers, or of a NaN, is NaN.
 */
#ifndef HGN_ANALYSIS_REPORT_STATISTICS_H
#define HGN_ANALYSIS_REPORT_STATISTICS_H

#include <stdint.h>

/* A mean with its standard error. freedom: degrees of it, INFINITY where the error is known exactly. */
struct statistics_mean {
  double mean, error, freedom;
  int64_t count;
};
struct statistics_interval {
  double low, high;
};

/* Of independent numbers: error = s / sqrt(n), s^2 with n - 1. */
struct statistics_mean statistics_mean_of(const double *value, int64_t count);

/* P(T > t) for Student's t with `freedom` > 0 degrees of freedom (whole or not, or INFINITY: the normal). */
double statistics_t_tail(double t, double freedom);
/* The t with P(T > t) = tail, 0 < tail < 1. */
double statistics_t_quantile(double tail, double freedom);

/* The interval that holds the true mean with probability `level`: mean +- t error. */
struct statistics_interval statistics_interval_of(const struct statistics_mean *mean, double level);

/* P-value of the one-sided t test that the true mean is below `bound`: P(T < (mean - bound) / error). Small: it is
 * below. Without an error (all numbers are the same) 0, 1/2 or 1. */
double statistics_below(const struct statistics_mean *mean, double bound);

/* Of two independent means (Welch): a - b, with the degrees of freedom of Welch and Satterthwaite. */
struct statistics_mean statistics_difference(const struct statistics_mean *a, const struct statistics_mean *b);

/* The exact permutation test of pairs: the part of all 2^n choices of signs whose sum is at most that of the
 * differences as they are. Of no assumption but symmetry; of 3 pairs it is 1/8 at least. n <= STATISTICS_FLIPS. */
enum { STATISTICS_FLIPS = 20 };
double statistics_sign_flip(const double *difference, int64_t count);

/* Wilson's interval of a probability, of `successes` in `count` tries. */
struct statistics_interval statistics_wilson(int64_t successes, int64_t count, double level);

/* Holm's correction of p[count] for their number: adjusted[i] < alpha for all that may be called significant such that
 * any wrong one among them has probability below alpha. NaN stays, and does not count. */
void statistics_holm(const double *p, int64_t count, double *adjusted);

#endif
