/* SyMetric: whether a map from a latent space to the phase space is symplectic up to scale (Botev, Jaegle, Wirnsberger,
 * Hennes and Higgins, "Which priors matter? Benchmarking models for learning latent dynamics", 2021; followed is their
 * program eval_metric.py of google-deepmind/deepmind-research, with the settings that its evaluation uses).
 *
 * 1. Of the pairs (q_i, p_i) of the latent state those stay of which q or p has a mean posterior variance below .5: all
 *    of them where there is no posterior, or none would stay. Latent and true numbers are scaled to mean 0, variance 1.
 * 2. Polynomials of order 1, then 2, up to 5 are fitted by Lasso until R2 of the fit is above .9; alpha is that of ten
 *    from 1e-4 to 10^-.5 which explains most variance in two-fold cross-validation. Beyond 32 numbers order 1 only.
 * 3. Of weights those below 1e-3 become 0. At ten points of each trajectory, with J the Jacobian plus 1e-6 and E the
 *    symplectic matrix, A = J E J^T and P = A (J E^T J^T), which is a multiple of the identity where J is symplectic
 *    up to scale. P is divided by the mean over the trajectory's points of its largest entry, and the deviation is the
 *    mean of (P - I)^2 over entries, points and trajectories, 1000 at most.
 * 4. The map is symplectic when R2 > .9 and the deviation is below .05.
 *
 * An order with more than SYMETRIC_TERMS terms is not tried: the original gives up after a time instead. So order < 5
 * with R2 <= .9 says that there are too many latent numbers for the next one. The original reads numbers that are not
 * finite as 0; here they are refused.
 *
 * What the definition does not see, and what it sees that is not there:
 * - Scaling each number by itself is undone by step 1, symplectic or not: q times 3 beside p is no deviation. Step 1
 *   also scales what was symplectic: of two degrees of freedom or more, a symplectic map stays so, in general, only
 *   where the standard deviations of q_i and p_i have the same product for all i, of latent and of true numbers. p_1
 *   + 2 q_1 in the place of p_1 has a deviation of .08. With one degree of freedom the
 *   deviation of every linear map is 0: A is of two rows.
 * - P = I asks that A be a matrix whose square is -1, not that it be E: exchanging q_1 and p_2 passes.
 * - Where latent numbers are collinear to a percent, the deviation depends on where the fit stops: between
 *   scikit-learn's default tolerance, ours and an exact fit by a tenth to a third of itself.
 *
 * Not collective; a function of its arguments alone.
 */
#ifndef HGN_ANALYSIS_SYMETRIC_H
#define HGN_ANALYSIS_SYMETRIC_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { SYMETRIC_ORDERS = 5, SYMETRIC_TERMS = 3000, SYMETRIC_POINTS = 10 };

struct symetric_batch {
  int64_t trajectories, frames;
  int64_t latents, coordinates; /* of a latent state, and of a true one: even, q before p */
  const double *latent;         /* [trajectory][frame][latents] */
  const double *truth;          /* [trajectory][frame][coordinates] */
  const double *variance;       /* [trajectory][latents]: of the posterior; NULL: there is none */
};

struct symetric_outcome {
  double r2;
  int order;            /* of the polynomial that was used */
  int64_t kept;         /* numbers of the latent state that were used */
  double symplecticity; /* the deviation: 0 is best */
  bool symplectic;
};

/* Points of trajectories are drawn from (seed, stream). STATUS_NUMERIC where a number is not finite;
 * STATUS_ARGUMENT for fewer than two rows, or latent numbers that are not pairs; STATUS_MEMORY. */
enum status symetric_measure(const struct symetric_batch *batch, uint64_t seed, int64_t stream,
                             struct symetric_outcome *outcome);

#endif
