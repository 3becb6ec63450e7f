/* Densities of points as learners: Neural Hamiltonian Flow and real NVP (model/point_model.h). They maximise the mean
 * log weight of training points: for nhf the ELBO with one draw of the momentum a point and step, or with
 * objective.momenta of them the importance-weighted bound, for rnvp the log-likelihood itself. How they are judged is
 * in density_judge.h and density_evaluate.h.
 */
#ifndef HGN_TRAIN_DENSITY_H
#define HGN_TRAIN_DENSITY_H

#include "model/point_model.h"
#include "train/learner.h"

extern const struct learner_kind learner_nhf, learner_rnvp;

/* Not collective. Whether a learner is one of the two; and its model, borrowed. */
bool density_is(const struct learner *learner);
const struct point_model *density_model(const struct learner *learner);

#endif
