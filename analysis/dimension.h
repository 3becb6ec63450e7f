/* The dimension of the surface that points lie on, from how far their two nearest neighbours are.
 *
 * With r1 < r2 the distances of a point to its nearest and second nearest neighbour, mu = r2 / r1 has the distribution
 * 1 - mu^-d where the density of points hardly changes within r2, whatever it is; d is the dimension (Facco, d'Errico,
 * Rodriguez and Laio, Scientific Reports 7:12140, 2017). Of the points the tenth with the largest mu is left out, as
 * they do, and the others are fitted as a sample that was cut there: with n points of which the m smallest mu are kept,
 *   d = m / (sum over kept of ln mu + (n - m) ln of the largest kept mu),    standard error d / sqrt(m).
 * In many dimensions the nearest points are too far for the density to be the same: of 500 normal points in 8
 * dimensions come 7.7, in 12 come 10.8. Points have to be drawn independently: states of one trajectory are neighbours
 * along it, and say nothing of the surface, so no two points may be of one.
 *
 * Not collective.
 */
#ifndef HGN_ANALYSIS_DIMENSION_H
#define HGN_ANALYSIS_DIMENSION_H

#include "base/status.h"

#include <stdint.h>

struct dimension_estimate {
  double dimension, error;
};

/* point[points][numbers]. STATUS_UNAVAILABLE when there are fewer than DIMENSION_POINTS, or too many are the same;
 * STATUS_MEMORY. */
enum { DIMENSION_POINTS = 20 };
enum status dimension_estimate(const double *point, int64_t points, int64_t numbers,
                               struct dimension_estimate *estimate);

#endif
