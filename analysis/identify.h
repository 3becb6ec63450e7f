/* Whether the latent space is the phase space, up to a change of coordinates: how well polynomials of the latent state
 * give the true one, and the other way round (regression.h), tested on rollouts that were not fitted.
 *
 * To the truth: from the leading principal axes of the latent states, scaled to variance 1: those that hold 99.9% of
 * the variance, or as many of them as make no more features than a tenth of the rows and IDENTIFY_FEATURES. From the
 * truth: all true coordinates, to the leading axes. An order for which there are too many features is not reached.
 *
 * The map of order 1 is kept: truth = M state, both less their means. It is symplectic up to scale when M J M^T = c J
 * with J = [0 1; -1 0]; how far it is from that is  min over c |M J M^T - c J|^2 / |M J M^T|^2,  between 0 and 1; of
 * one degree of freedom every M is. Ridge and order are chosen on the rollouts that R2 is counted on, so the best of
 * them is a little too good.
 */
#ifndef HGN_ANALYSIS_IDENTIFY_H
#define HGN_ANALYSIS_IDENTIFY_H

#include "analysis/latent.h"
#include "analysis/regression.h"
#include "analysis/spectrum.h"

enum { IDENTIFY_FEATURES = 500, IDENTIFY_AXES = LATENT_TRUTH_MAX };

/* One direction. */
struct identification {
  int64_t outputs;                                /* coordinates of the truth, or axes of the latent space */
  struct regression_fit fit[REGRESSION_ORDERS];   /* of orders 1 to 5; inputs 0: not reached */
  double r2[REGRESSION_ORDERS][LATENT_TRUTH_MAX]; /* [order - 1][output] */
  double mean[REGRESSION_ORDERS];  /* of those that vary; of axes weighted by their variance; NaN: not reached */
  double ridge[REGRESSION_ORDERS]; /* that was chosen (regression.h) */
  int best;                        /* the order of the largest mean; 0: none */
};

struct identify {
  int64_t rows, features; /* of all ranks; the most that are allowed */
  struct identification to_truth, from_truth;
  double *map; /* [coordinates][values]: M, fitted to all rows, in units of the truth */
  double
      deviation; /* of M from a symplectic map; NaN: of one degree of freedom, or angles are given by sine and cosine */
  struct arena arena;
};

/* Collective. STATUS_UNAVAILABLE, with the reason, when the truth is not known, the latent states do not vary, or there
 * are too few rollouts; those of matrix.h. latent->state is without its mean. Freed with identify_free(), after a
 * failure too. */
enum status identify_measure(struct grid *grid, const struct latent *latent, const struct spectrum *spectrum,
                             struct identify *identify);
void identify_free(struct identify *identify);

#endif
