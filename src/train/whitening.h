/* An affine map between codes z of a model and numbers u of mean 0 and variance 1, the most informative ones first:
 *
 *   z = mean + scale (axis^T (sqrt(variance) u)),
 *   log p(z) = log p(u) - log_volume,     log_volume = sum log scale + 1/2 sum log variance.
 *
 * `axis` holds the eigenvectors of the covariance of (z - mean) / scale, `variance` its eigenvalues: first the leading
 * ones, dealt to two halves, that is the largest, the third, the fifth ... and then the second, the fourth ..., since
 * real NVP changes one half of a point by the other; then the others, descending.
 *
 * Of a model that samples, scale is the root mean square of the posterior's own standard deviations: where a code tells
 * nothing the variance is 1, and a component of variance v tells at most 1/2 log v nats of its rollout. So the leading
 * components are those above what noise alone has in so many codes, (1 + sqrt(numbers / codes))^2 (Marchenko and
 * Pastur, 1967), and tell at least 1/20 nat; the others are noise that differs by chance, and share one variance, their
 * mean (Tipping and Bishop, Probabilistic principal component analysis, 1999). Of other models scale is 1, and the
 * leading components have at least 1e-4 of the largest variance; the others keep theirs, but for a floor of 1e-12
 * of it.
 *
 * A density of the leading components alone is learned; the others are independent normals.
 *
 * All sums have one written order (base/matrix.h). Not collective.
 */
#ifndef HGN_TRAIN_WHITENING_H
#define HGN_TRAIN_WHITENING_H

#include "base/arena.h"

enum {
  WHITENING_SIZE_MAX = 1024, /* numbers of a code: eigenvectors of more take minutes */
  WHITENING_LEADING_MAX = 64 /* as many as points made elsewhere may have coordinates */
};

struct whitening {
  int64_t size, leading;
  double *mean, *scale, *variance; /* [size] */
  double *axis;                    /* [component][size] */
  double log_volume;
  double *work; /* [size] */
  struct arena arena;
};

/* Arrays, to be filled. STATUS_UNAVAILABLE beyond WHITENING_SIZE_MAX. Freed after a failure too. */
enum status whitening_create(int64_t size, struct whitening *whitening);
void whitening_free(struct whitening *whitening);

struct whitening_rule {
  bool sampled;    /* the model samples */
  int64_t codes;   /* that the covariance is of */
  int64_t leading; /* 0: as above */
};
/* Fills axis, variance, leading and log_volume; mean and scale are there. covariance[size][size] is destroyed. */
void whitening_fit(struct whitening *whitening, double *covariance, const struct whitening_rule *rule);

/* The smallest variance of a leading component. */
double whitening_least(const struct whitening *whitening);

/* log_volume of what is there. */
double whitening_log_volume(const struct whitening *whitening);

/* The first `components` of u. And all of z. */
void whitening_apply(const struct whitening *whitening, const double *z, int64_t components, double *u);
void whitening_invert(const struct whitening *whitening, const double *u, double *z);

#endif
