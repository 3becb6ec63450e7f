#include "train/objective.h"

#include "base/elementary.h"

#include <math.h>

struct objective objective_start(const struct objective_settings *settings, double kappa) {
  return (struct objective){.settings = settings,
                            .kappa = kappa,
                            .lambda = settings->name == OBJECTIVE_GECO ? settings->lambda : 1,
                            .average = NAN};
}

void objective_weights(const struct objective *objective, double *error_weight, double *kl_weight) {
  *error_weight = objective->lambda;
  *kl_weight = objective->settings->name == OBJECTIVE_GECO ? 1 : objective->settings->beta;
  if (objective->step + 1 < objective->settings->warmup)
    *kl_weight *= (double)(objective->step + 1) / (double)objective->settings->warmup;
}

double objective_loss(const struct objective *objective, double error, double kl) {
  double error_weight, kl_weight;
  objective_weights(objective, &error_weight, &kl_weight);
  if (objective->settings->name == OBJECTIVE_GECO) error -= objective->kappa;
  return error_weight * error + kl_weight * kl;
}

void objective_update(struct objective *objective, double error) {
  const struct objective_settings *settings = objective->settings;
  if (settings->name != OBJECTIVE_GECO) return;
  const double constraint = error - objective->kappa;
  objective->average = isnan(objective->average)
                           ? constraint
                           : settings->decay * objective->average + (1 - settings->decay) * constraint;
  const double lambda = objective->lambda * elementary_exp(settings->rate * objective->average / objective->kappa);
  /* NaN stays, which fmax() would make the lower bound. */
  const double raised = lambda < settings->lambda_bounds[0] ? settings->lambda_bounds[0] : lambda;
  objective->lambda = raised > settings->lambda_bounds[1] ? settings->lambda_bounds[1] : raised;
}
