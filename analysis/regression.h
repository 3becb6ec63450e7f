/* How well polynomials of some variables give others, by least squares that is tested on rollouts it has not seen.
 *
 * Features phi(x) are all products of normalised Hermite polynomials of the inputs up to a total order (polynomial.h),
 * coefficients W minimise  sum |W phi(x) - y|^2 + n ridge |W|^2  over the rows of all folds but one, and the errors on
 * that one count:
 *   R2 = 1 - sum over folds |W_fold phi(x) - y|^2 / sum |y|^2,    y without its mean over all rows.
 * The ridge is that of 1e-6, 1e-4, 1e-2 and 1 which has the least error. It makes W unique where inputs are collinear,
 * as those of a collapsed latent space are, and keeps high orders from flying off where few rows are.
 *
 * No fold's rows are gone through more than once: of [Phi Y] of each fold only the triangle R of its QR decomposition
 * is kept (pdgeqrf), in which all products of columns are, so sums over folds and errors on a fold follow from a few of
 * these. The least squares solution is that of the stacked triangles (pdgels).
 */
#ifndef HGN_ANALYSIS_REGRESSION_H
#define HGN_ANALYSIS_REGRESSION_H

#include "analysis/matrix.h"

enum { REGRESSION_FOLDS = 5, REGRESSION_ORDERS = 5, REGRESSION_RIDGES = 4 };

struct regression_task {
  struct grid *grid;
  int64_t count;           /* rows of this rank */
  int64_t inputs, outputs; /* numbers in each */
  const double *input;     /* [inputs][count]: of mean 0 and variance 1 */
  const double *output;    /* [outputs][count]: of mean 0 */
  const int64_t *group;    /* [count]: whose rows fall into one fold: the rollout; fold = group % REGRESSION_FOLDS */
};

/* The features that fit an order: the leading inputs, as many as there are or as make no more than `most` features. */
struct regression_fit {
  int order;
  int64_t inputs, features; /* inputs 0: the order does not fit with `least` inputs */
};
struct regression_fit regression_fit(int order, int64_t inputs, int64_t least, int64_t most);

/* Collective. r2[outputs], NaN of an output that does not vary; *ridge: that was chosen. coefficients
 * [outputs][features]: W of all rows, or NULL where it is not wanted. Those of matrix.h. */
enum status regression_measure(const struct regression_task *task, const struct regression_fit *fit, double *r2,
                               double *ridge, double *coefficients);

#endif
