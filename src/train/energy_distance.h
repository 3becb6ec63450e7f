/* The energy distance of two sets of points (Szekely and Rizzo 2013, J. Stat. Plan. Inference 143):
 *   2 E|x - y| - E|x - x'| - E|y - y'|,
 * which is 0 for two sets of one distribution only. Not collective; of all pairs, so the time goes with n m.
 */
#ifndef HGN_TRAIN_ENERGY_DISTANCE_H
#define HGN_TRAIN_ENERGY_DISTANCE_H

#include <stdint.h>

/* x[n][dimension], y[m][dimension], n and m at least 2. x' is another point than x: in expectation 0 where both sets
 * are of one distribution, and as often below. */
double energy_distance(const double *x, int64_t n, const double *y, int64_t m, int64_t dimension);

/* x' may be x: never below 0, and in expectation (1/n + 1/m) E|x - x'| where both are of one distribution. So sets of
 * equal size can be compared by their quotient. */
double energy_distance_plain(const double *x, int64_t n, const double *y, int64_t m, int64_t dimension);

#endif
