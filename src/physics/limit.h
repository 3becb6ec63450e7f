/* The information limit: the pixel MSE of the best possible predictor from K noisy frames.
 *
 * Given what is observed of frames 0..K-1, the posterior of the initial state is the prior of the experiment's initial
 * conditions weighted by the likelihood of the observations under the true dynamics. The best prediction of frame t is
 * the posterior mean of the noise-averaged rendering; its expected squared error against a fresh noisy rendering is
 *   E_post[ E|X_t|^2 ] - |E_post[ E X_t ]|^2,
 * averaged over observations of test rollouts. Importance sampling from the prior; two independent sets of draws, so
 * that the product of their means has no bias. facts: reproduction's data, ARCHITECTURE.md.
 */
#ifndef HGN_PHYSICS_LIMIT_H
#define HGN_PHYSICS_LIMIT_H

#include "comm/comm.h"
#include "config/experiment.h"

/* What the predictor is told of a frame: the noisy positions q exactly, or only the image they render to. */
enum limit_observe { LIMIT_POSITIONS, LIMIT_IMAGES, LIMIT_OBSERVE_COUNT };

struct limit_options {
  int64_t input_frames; /* K, 1..T */
  enum limit_observe observe;
  int64_t rollouts;         /* test rollouts to average over; 4,000 if the split is smaller (fresh ones are made) */
  double effective_samples; /* draws are doubled until each rollout's effective sample size exceeds this, for each of
                               the two sets */
};

struct limit_mean {
  double mse, error; /* mean over rollouts and its standard error; NaN for an empty range of frames */
};

struct limit_result {
  int64_t frames, rollouts;
  double *mse, *error;        /* [frames]: for each frame 0..T-1; owned */
  double *attained;           /* [rollouts][frames]: squared error of the best prediction, given frames 0..K-1, on the
                                 frames that were observed in test rollouts 0, 1, ...; for comparing rollout by rollout;
                                 owned. A frame below K is in sample: the prediction has seen it. */
  struct limit_mean unseen;   /* frames K..T-1 */
  struct limit_mean predict;  /* frames K-1..T-1 */
  struct limit_mean all;      /* frames 0..T-1 */
  double ess_min, ess_median; /* effective sample sizes over rollouts (smaller of the two sets) */
  int64_t draws_max;          /* equivalent number of prior draws of the most demanding rollout, for each set */
};

/* Collective. Same bits at any number of ranks. STATUS_UNAVAILABLE for systems of more than one degree of freedom;
 * STATUS_NUMERIC when a posterior cannot be sampled, or trajectories not be followed, well enough;
 * STATUS_MEMORY, STATUS_MPI. */
enum status limit_measure(const struct comm *comm, const struct experiment *experiment,
                          const struct limit_options *options, struct limit_result *result);
void limit_free(struct limit_result *result);

#endif
