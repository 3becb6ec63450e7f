/* How many directions of its space a tall matrix of observations fills: principal axes and their variances.
 *
 * With X the observations less their mean, C = X^T X / (n - 1) = V diag(variance) V^T. The variances are computed
 * twice, as eigenvalues of C (pdsyrk, pdsyevd) and as squared singular values of X over n - 1 (pdgeqrf, then pdgesvd of
 * R, which has X's singular values), and compared; the second way keeps small ones that the first loses to rounding,
 * and is the one that is kept.
 *
 * Effective dimensions, of the shares s_i = variance_i / sum(variance): the participation ratio 1 / sum(s_i^2), and the
 * number of leading axes that hold a share of the whole variance. A curved surface of d dimensions fills more than d
 * axes; dimension.h counts without axes.
 */
#ifndef HGN_ANALYSIS_SPECTRUM_H
#define HGN_ANALYSIS_SPECTRUM_H

#include "analysis/matrix.h"
#include "base/arena.h"

/* Variances below this share of the largest are rounding, of states in f32. */
#define SPECTRUM_NOISE 1e-12

struct spectrum {
  int64_t rows, columns; /* observations of all ranks; numbers of each */
  double *mean;          /* [columns] */
  double *variance;      /* [columns], falling */
  double *axes;          /* [columns][columns]: axis i, of length 1, is row i, in the order of variances */
  int64_t rank;          /* axes whose variance is above SPECTRUM_NOISE of the largest; 0: nothing varies */
  double participation;
  int64_t axes_90, axes_99, axes_999; /* of the variance: .9, .99, .999 */
  double difference;                  /* largest between both ways of computing variances, over the largest variance */
  double angle; /* rad: largest between the subspaces of the leading axes_99 axes, computed both ways */
  struct arena arena;
};

/* Collective. shard[columns][count]: this rank's observations, from which the mean is subtracted in place.
 * STATUS_NUMERIC when the two ways differ by more than 1e-6; and those of matrix.h. Freed with spectrum_free(), after a
 * failure too. */
enum status spectrum_measure(struct grid *grid, double *shard, int64_t count, int64_t columns,
                             struct spectrum *spectrum);
void spectrum_free(struct spectrum *spectrum);

/* Not collective. scores[axes][count]: the leading `axes` of them along the principal axes, scaled to variance 1, of
 * observations without their mean. axes <= spectrum->rank. */
void spectrum_scores(const struct spectrum *spectrum, const double *shard, int64_t count, int64_t axes, double *scores);

#endif
