/* The loss and its weights: ELBO with a fixed beta, or GECO (Rezende and Viola 2018) with a normalised update.
 *
 * error is the mean squared error of a pixel value, kl what is charged for the KL of a rollout, max(KL, free), divided
 * by the number of predicted values; w = min(1, (step + 1) / warmup), 1 without warm-up.
 *   elbo   error + w beta kl
 *   geco   w kl + lambda (error - kappa); after each step C = error - kappa,
 *          average = decay average + (1 - decay) C, lambda *= exp(rate average / kappa), kept within bounds
 * Relative to kappa the update does not depend on the scale of errors, which made published rates brittle.
 *
 * All functions: Not collective.
 */
#ifndef HGN_TRAIN_OBJECTIVE_H
#define HGN_TRAIN_OBJECTIVE_H

#include "base/status.h"
#include "config/training.h"

struct objective {
  const struct objective_settings *settings; /* borrowed */
  double kappa;                              /* resolved, > 0 for geco */
  double lambda;                             /* weight of the error: 1 for elbo */
  double average;                            /* of C; NaN: no step yet, or elbo */
  int64_t step;                              /* that is weighed: 0, 1, ... */
};

/* kappa: resolved; NaN where it is not known yet. */
struct objective objective_start(const struct objective_settings *settings, double kappa);

void objective_weights(const struct objective *objective, double *error_weight, double *kl_weight);
double objective_loss(const struct objective *objective, double error, double kl);
void objective_update(struct objective *objective, double error);

#endif
