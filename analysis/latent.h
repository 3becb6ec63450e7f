/* What a trained model's latent space does on test rollouts, beside the true phase space: the states (q, p) at all
 * target frames, each rank those of its own rollouts.
 *
 * A state is inferred from the frames that the encoder sees, by the mean of its posterior, and carried to the other
 * targets by the learned Hamiltonian, forward and backward.
 */
#ifndef HGN_ANALYSIS_LATENT_H
#define HGN_ANALYSIS_LATENT_H

#include "base/arena.h"
#include "physics/system.h"
#include "train/trained.h"

enum { LATENT_NAME_MAX = 32, LATENT_TRUTH_MAX = SYSTEM_FREEDOM_MAX * 3 };

/* A coordinate of the true phase space: "q", "p"; "x0", "py1" of bodies; "sin q" where an angle turns around. */
struct latent_coordinate {
  char name[LATENT_NAME_MAX];
  const char *unit; /* NULL: dimensionless */
};

struct latent {
  const struct comm *comm;        /* borrowed */
  int64_t rollouts, first, count; /* of all ranks; of this rank: the first and how many */
  int64_t frames;                 /* of a rollout: the targets */
  int64_t rows;                   /* of this rank: count * frames; row r * frames + t is frame t of its rollout r */
  int64_t values;                 /* of a state: first those of q, then as many of p */
  int64_t coordinates;            /* of the true phase space, q before p; 0: not known */
  int64_t freedom;                /* degrees of freedom of the system; 0: not known */
  bool turns;                     /* angles are given by sine and cosine, since some turn around */
  bool conserved;                 /* the true energy is */
  struct latent_coordinate coordinate[LATENT_TRUTH_MAX];
  double start, dt; /* s: the first target, and from frame to frame */
  double *state;    /* [values][rows] */
  double *truth;    /* [coordinates][rows], without observation noise; NULL: not known */
  double *energy;   /* [rows]: the learned H */
  double *joules;   /* [rows]: the true energy, J; NULL: not known */
  struct arena arena;
};

/* Collective. Of the first `rollouts` of the test split, 0: of all. STATUS_UNAVAILABLE when the model has no such
 * state; STATUS_USAGE when there are fewer rollouts than ranks; STATUS_NUMERIC when a state is not finite; and those of
 * probe.h. Freed with latent_free(), after a failure too. */
enum status latent_collect(const struct comm *comm, const struct trained *trained, struct corpus *corpus,
                           int64_t rollouts, struct latent *latent);
void latent_free(struct latent *latent);

#endif
