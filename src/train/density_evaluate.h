/* How well a model of a density fits points. Sums over points are exact: the same bits at any number of ranks.
 *
 * Failures: STATUS_MEMORY, STATUS_MPI, those of density_judge.h and density_compare.h.
 */
#ifndef HGN_TRAIN_DENSITY_EVALUATE_H
#define HGN_TRAIN_DENSITY_EVALUATE_H

#include "train/density_compare.h"

/* X(ID, name, unit, help): the scores. */
#define DENSITY_SCORE_LIST(X)                                                                                          \
  X(NLL, "nll", "nat", "minus the log-likelihood of a point, by importance sampling; exact for rnvp")                  \
  X(NLL_ERROR, "nll_error", "nat", "standard error of nll over points")                                                \
  X(BOUND, "bound", "nat", "minus the ELBO of a point; equal to nll for rnvp")                                         \
  X(BOUND_ERROR, "bound_error", "nat", "standard error of bound over points")                                          \
  X(SAMPLES, "samples", NULL, "importance samples of a point")                                                         \
  X(GAIN, "gain", "nat", "what the last doubling of the samples took off nll; NaN where they were not doubled")        \
  X(KL, "kl", "nat", "KL of the model from the density, over points: nll less the density's own")                      \
  X(KL_ERROR, "kl_error", "nat", "standard error of kl over points")                                                   \
  X(KL_GRID, "kl_grid", "nat", "KL of the model from the density, by quadrature on a grid, in two dimensions")         \
  X(MASS, "mass", NULL, "part of the model's density that is on the grid of kl_grid")                                  \
  X(KL_REVERSE, "kl_reverse", "nat", "KL of the density from the model, over draws; NaN where one has no density")     \
  X(KL_REVERSE_ERROR, "kl_reverse_error", "nat", "standard error of kl_reverse over draws")                            \
  X(MODES, "modes", NULL, "effective number of modes that draws reach: exp of the entropy of their shares")            \
  X(OUTSIDE, "outside", NULL, "share of draws that belong to no mode")                                                 \
  X(ENERGY_DISTANCE, "energy_distance", NULL,                                                                          \
    "energy distance of draws from points; 0 in expectation where both are of one density")                            \
  X(ENERGY_FLOOR, "energy_floor", NULL, "energy distance of two halves of the points from each other")                 \
  X(MEAN_SHIFT, "mean_shift", NULL,                                                                                    \
    "largest difference of a coordinate's mean between draws and points, over its standard deviation")                 \
  X(SPREAD_LEAST, "spread_least", NULL, "smallest ratio of standard deviations, draws over points")                    \
  X(SPREAD_MOST, "spread_most", NULL, "largest ratio of standard deviations, draws over points")                       \
  X(ENERGY_VARIATION, "energy_variation", NULL,                                                                        \
    "standard deviation of an H along its steps, over that of its mean between draws; mean over the Hamiltonians")     \
  X(ENERGY_DRIFT, "energy_drift", NULL,                                                                                \
    "mean |H(last) - H(first)| of an H, over the standard deviation of its mean between draws; mean over the "         \
    "Hamiltonians")                                                                                                    \
  X(REVERSAL, "reversal", NULL,                                                                                        \
    "rms difference between draws carried back and what they came from, over the rms of the latter")
enum density_score {
#define DENSITY_SCORE_ENUM(id, name, unit, help) DENSITY_SCORE_##id,
  DENSITY_SCORE_LIST(DENSITY_SCORE_ENUM)
#undef DENSITY_SCORE_ENUM
      DENSITY_SCORES
};

/* All borrowed. */
struct density_evaluate_task {
  struct density_judge *judge;
  struct source *source;
  const struct density_likeness *likeness; /* NULL: none is reported, nor how draws differ from points */
  const struct eval_settings *settings;
  uint64_t seed;
};

/* Collective. evaluation: freed with evaluation_free(). */
enum status density_evaluate(const struct comm *comm, const struct density_evaluate_task *task,
                             const struct evaluation_set *set, struct evaluation *evaluation);

#endif
