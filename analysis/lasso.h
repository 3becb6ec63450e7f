/* Sparse least squares: the minimum over w of  |y - X w|^2 / (2 n) + alpha sum |w_j|,  by coordinate descent (Friedman,
 * Hastie and Tibshirani, J. Statistical Software 33(1), 2010), with the stopping rule of scikit-learn's Lasso: no
 * weight moves by more than LASSO_TOLERANCE of the largest, and the duality gap is below LASSO_TOLERANCE of |y|^2 / n.
 *
 * Sweeps go over a working set, of the weights that are not 0 and those that the optimality conditions do not let be 0;
 * what is found is held against all columns. High powers of a few numbers are nearly collinear, which would take
 * thousands of sweeps: so every LASSO_PAST sweeps the weights are extrapolated (Bertrand and Massias, "Anderson
 * acceleration of coordinate descent", AISTATS 2021), and that is kept where it is nearer to the minimum.
 *
 * All functions: Not collective.
 */
#ifndef HGN_ANALYSIS_LASSO_H
#define HGN_ANALYSIS_LASSO_H

#include <stdint.h>

#define LASSO_TOLERANCE 1e-4
enum { LASSO_SWEEPS = 1000, LASSO_PAST = 5 };

/* n rows; columns and y without their means, as a fit with an intercept has them. */
struct lasso {
  int64_t rows, columns;
  const double *x;      /* [columns][rows] */
  const double *square; /* [columns]: |x_j|^2; where it is 0, w_j stays 0 */
  const double *y;      /* [rows] */
  double *rest;         /* [rows]: work space; afterwards y - X w */
  int64_t *set;         /* [columns]: work space */
  double *past;         /* [LASSO_PAST + 1][columns]: work space */
};

/* Begins at w[columns], and leaves the minimum there, or where it was after LASSO_SWEEPS sweeps. Returns how many
 * sweeps it took. */
int lasso_fit(const struct lasso *lasso, double alpha, double *w);

#endif
