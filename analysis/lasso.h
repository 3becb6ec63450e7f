/* Sparse least squares: the minimum over w of  |y - X w|^2 / (2 n) + alpha sum |w_j|,  by coordinate descent (Friedman,
 * Hastie and Tibshirani, J. Statistical Software 33(1), 2010), with the stopping rule of scikit-learn's Lasso: the
 * duality gap is below LASSO_TOLERANCE of |y|^2 / n.
 *
 * All functions: Not collective.
 */
#ifndef HGN_ANALYSIS_LASSO_H
#define HGN_ANALYSIS_LASSO_H

#include <stdint.h>

#define LASSO_TOLERANCE 1e-4
enum { LASSO_SWEEPS = 1000 };

/* n rows; columns and y without their means, as a fit with an intercept has them. */
struct lasso {
  int64_t rows, columns;
  const double *x;      /* [columns][rows] */
  const double *square; /* [columns]: |x_j|^2; where it is 0, w_j stays 0 */
  const double *y;      /* [rows] */
  double *rest;         /* [rows]: work space; afterwards y - X w */
};

/* Begins at w[columns], and leaves the minimum there, or where it was after LASSO_SWEEPS sweeps. */
void lasso_fit(const struct lasso *lasso, double alpha, double *w);

#endif
