/* Whether the map from the latent space to the phase space is symplectic: SyMetric (symetric.h) of a trained model.
 *
 * Trajectories of SYMPLECTIC_FRAMES frames from the anchor on, beyond the data's end where it is earlier (the truth is
 * simulated on), in batches of SYMPLECTIC_ROLLOUTS test rollouts. Each batch is measured by one rank, with the same
 * bits whoever does it. Angles are taken as they are: where a pendulum turns around, no map of an image tells how
 * often, and R2 says so.
 */
#ifndef HGN_ANALYSIS_SYMPLECTIC_H
#define HGN_ANALYSIS_SYMPLECTIC_H

#include "analysis/symetric.h"
#include "comm/comm.h"
#include "train/trained.h"

enum { SYMPLECTIC_FRAMES = 60, SYMPLECTIC_ROLLOUTS = 5, SYMPLECTIC_BATCHES = 20 };

struct symplectic {
  int64_t batches;                                     /* SYMPLECTIC_BATCHES, or as many as there are rollouts for */
  bool masked;                                         /* latents of large posterior variance are left out */
  struct symetric_outcome outcome[SYMPLECTIC_BATCHES]; /* of each batch */
  double share;                                        /* of batches that are symplectic: SyMetric */
};

/* Collective. STATUS_UNAVAILABLE, with the reason, when the true states are not known, there are too
 * few rollouts, or a trajectory does not stay finite so long.
 * rollouts: of the test split, the first, of which each rank's batches are loaded. */
enum status symplectic_measure(const struct comm *comm, const struct trained *trained, struct corpus *corpus,
                               int64_t rollouts, struct symplectic *symplectic);

#endif
