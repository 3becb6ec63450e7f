/* Several metrics at once, all to be small: which points no other is better than, and how much they cover.
 *
 * One point dominates another if it is not larger in any metric and smaller in one. Front 0 is what nothing dominates,
 * front 1 what nothing dominates once front 0 is gone, and so on: the rank of non-domination (Deb, Pratap, Agarwal and
 * Meyarivan, IEEE Trans. Evol. Comput. 6, 182-197, 2002). The hypervolume of points is the volume of all that one of
 * them dominates within the box up to a reference point (Zitzler and Thiele, PPSN 1998).
 *
 * Values are finite, value[count][metrics]; metrics from 1 to PARETO_METRICS_MAX.
 *
 * Not collective. Failures: STATUS_MEMORY.
 */
#ifndef HGN_SWEEP_PARETO_H
#define HGN_SWEEP_PARETO_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { PARETO_METRICS_MAX = 8 };

bool pareto_dominates(int metrics, const double *a, const double *b);

/* rank[i]: the front of point i. Fronts are looked for until `enough` points have theirs; all others get the next
 * number. In time count log count + count * (the largest front) for each front. */
enum status pareto_ranks(int metrics, int64_t count, const double *value, int64_t enough, int64_t *rank);

/* Exact, by slicing along one metric after the other (While, Hingston, Barone and Huband, IEEE Trans. Evol. Comput. 10,
 * 29-38, 2006): count^2 steps for 2 metrics, count^(metrics - 1) beyond. Points that are not below the reference in
 * all metrics cover nothing. */
enum status pareto_hypervolume(int metrics, int64_t count, const double *value, const double *reference,
                               double *volume);

/* chosen[most]: the indices of the `most` best, most <= count. Whole fronts first, in the order of indices; of the one
 * that does not fit, always the point that adds the most hypervolume to those that were taken of it, as MOTPE does
 * (Ozaki, Tanigaki, Watanabe and Onishi, GECCO 2020). Metrics are scaled to 0..1 over that front, so that their units
 * do not count, with the reference at 1.1. Equals, to rounding, by the lower index. */
enum status pareto_select(int metrics, int64_t count, const double *value, int64_t most, int64_t *chosen);

#endif
