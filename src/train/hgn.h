/* The Hamiltonian Generative Network as a learner: what it does with a lane is in hgn_lane.h, with rollouts that it is
 * tested on in hgn_evaluate.h.
 */
#ifndef HGN_TRAIN_HGN_H
#define HGN_TRAIN_HGN_H

#include "model/model.h"
#include "train/learner.h"

/* The order of its stages: encoder and transformer; the rollouts; the decoder, forward and backward;
 * the other two backward. */
enum hgn_stage { HGN_ENCODE, HGN_UNROLL, HGN_DRAW, HGN_UNROLL_BACK, HGN_ENCODE_BACK, HGN_STAGES };

enum hgn_term { HGN_TERM_ERROR, HGN_TERM_KL, HGN_TERM_CHARGED, HGN_TERMS };

extern const struct learner_kind learner_hgn;

/* Not collective. The network of an open learner of this kind; borrowed. */
const struct model *hgn_model(const struct learner *learner);

#endif
