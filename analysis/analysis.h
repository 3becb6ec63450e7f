/* All analyses of one trained model on one data set, and the file that keeps them.
 *
 * What is not available (a truth that is not known, a latent space that has collapsed, too few rollouts) leaves its
 * part out and says why; the others are made all the same.
 */
#ifndef HGN_ANALYSIS_ANALYSIS_H
#define HGN_ANALYSIS_ANALYSIS_H

#include "analysis/dimension.h"
#include "analysis/identify.h"
#include "analysis/linear_model.h"
#include "analysis/relation.h"
#include "analysis/symplectic.h"

enum { ANALYSIS_REASON_MAX = 256, ANALYSIS_POINTS = 2000, ANALYSIS_PORTRAITS = 24 };

/* Where the variance between rollouts is less, as a share of all of it, they all have the same states. */
#define ANALYSIS_COLLAPSED 1e-6

struct analysis_options {
  int64_t rollouts; /* test rollouts, the first; 0: all */
  int64_t memory;   /* bytes that a rank's matrices may take; 0: no limit */
};

/* Why a part is missing; "": it is there. */
struct analysis_reason {
  char text[ANALYSIS_REASON_MAX];
};

struct analysis {
  char run[STORE_PATH_MAX], data[STORE_PATH_MAX]; /* the checkpoint, the data set */
  char run_checksum[CHECKSUM_TEXT];               /* of the parameters */
  char data_checksum[CHECKSUM_TEXT];
  char system[32]; /* "": not known */
  int64_t step, ranks, grid_rows, grid_columns;
  struct latent latent; /* states without their mean */
  struct spectrum spectrum;
  double between; /* variance of the first target's latent state over rollouts, over that of all; NaN: one rollout */
  struct analysis_reason no_dimension, no_identify, no_symplectic, no_energy, no_linear;
  struct dimension_estimate dimension, true_dimension; /* of latent states; of the true ones there, 0: not known */
  struct identify identify;
  struct symplectic symplectic;
  struct relation energy;
  struct linear_model linear;
  double model_mse, model_error; /* of the model on the frames that the linear model predicts too; NaN: others */
  int64_t portraits;             /* rollouts whose way through two planes is kept, of `latent.frames` frames */
  double *portrait;              /* [portraits][frames][4]: along the two leading axes; the first true coordinate and
                                    its momentum, NaN where they are not known */
  struct arena arena;
};

/* Collective. STATUS_UNAVAILABLE when the model has no latent state. Freed with analysis_free(), after a failure too.
 * */
enum status analysis_measure(const struct comm *comm, struct trained *trained, struct corpus *corpus, bool named,
                             const struct analysis_options *options, struct analysis *analysis);
void analysis_free(struct analysis *analysis);

#endif
