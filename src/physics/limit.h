/* The information limit: the pixel MSE of the Bayes-optimal predictor, which sees K noisy frames of a rollout and knows
 * the system, its parameters, the distribution of initial states and the noise. No predictor can do better on average.
 *
 * Let s be the initial state of a rollout, q_t(s) its position in frame t, n the observation noise of a frame (standard
 * normal, of standard deviation sigma in q), X(q + sigma n) the rendered image, and y what is observed of frames
 * 0..K-1. The posterior p(s | y) is proportional to the prior p(s), the experiment's distribution of initial states,
 * times the likelihood p(y | s) under the true dynamics. The best prediction of frame t is the posterior mean of its
 * image. Its expected squared error is the posterior variance of the image, summed over the image's values,
 *   E[ |X_t|^2 | y ] - | E[ X_t | y ] |^2,
 * and the limit is its average over the observations y of test rollouts, divided by the number of values.
 *
 * The estimator (limit_private.h has the details): of the posterior there are weighted states s_j. With one degree of
 * freedom they are drawn from a proposal, the prior, with importance weights w_j = p(y | s_j); with several they are
 * particles of sequential Monte Carlo, of weight 1. A posterior mean is E_A[f] = sum_j w_j f(s_j) / sum_j w_j over the
 * states of a set A. With a second, independent set B, and expectations over the noise (computed for one degree of
 * freedom, sampled for several),
 *   S(q) = E_n |X(q + sigma n) - b|^2,    G(q) = E_n [X(q + sigma n) - b],    b the image of the background,
 *   error_t(y) = (E_A[S(q_t)] + E_B[S(q_t)]) / 2 - E_A[G(q_t)] . E_B[G(q_t)].
 * The square of one sampled mean would be too large by the variance of that mean; the product of two independent means
 * is not. Subtracting b changes no error, and leaves few values of an image that are not zero.
 */
#ifndef HGN_PHYSICS_LIMIT_H
#define HGN_PHYSICS_LIMIT_H

#include "comm/comm.h"
#include "config/experiment.h"

/* What the predictor is told of each frame that it sees: the noisy position q + sigma n itself, or only the image that
 * is rendered from it. */
enum limit_observe { LIMIT_POSITIONS, LIMIT_IMAGES, LIMIT_OBSERVE_COUNT };

struct limit_options {
  int64_t input_frames; /* K, 1..T */
  enum limit_observe observe;
  int64_t rollouts; /* test rollouts to average over; more than the split has are made */
  double
      effective_samples; /* in each of the two sets of each rollout the effective sample size reaches this. One degree
                               of freedom: the density of draws is doubled until (sum w)^2 / sum w^2 of the importance
                               weights w exceeds it; several: a quarter more particles, moved until they have forgotten
                               enough of where they were (limit_sequential.c); of a posterior with modes far from each
                               other it may be less, but a quarter, and ess_min tells */
};

struct limit_mean {
  double mse, error; /* mean over rollouts and its standard error; NaN for an empty range of frames */
};

struct limit_result {
  int64_t frames, rollouts;
  double *mse, *error;        /* [frames]: the limit of each frame 0..T-1 and its standard error over rollouts; owned */
  double *attained;           /* [rollouts][frames]: squared error that the best prediction, given frames 0..K-1, made
                                 on the very frames that were observed in test rollouts 0, 1, ...; a learned predictor
                                 is compared with it rollout by rollout. Frames below K are in sample: the prediction
                                 has seen them. Owned. */
  struct limit_mean unseen;   /* frames K..T-1 */
  struct limit_mean predict;  /* frames K-1..T-1 */
  struct limit_mean all;      /* frames 0..T-1 */
  double ess_min, ess_median; /* minimum and median over rollouts of the effective sample size of the smaller set */
  int64_t draws_max; /* of the most demanding rollout: how many draws all over the prior, for each set, would be
                                 as dense as those that were made where the posterior is; of several degrees of freedom
                                 how many trajectories were followed for a set */
};

/* Collective. Computes the information limit of the experiment's test rollouts, with the same bits at any number of
 * ranks. STATUS_UNAVAILABLE for systems of several degrees of freedom from images, or without noise; without noise from
 * one position or from images; and where tables over q would be too fine. STATUS_NUMERIC when a posterior cannot be
 * sampled, or trajectories not be followed, well enough; STATUS_MEMORY, STATUS_MPI. */
enum status limit_measure(const struct comm *comm, const struct experiment *experiment,
                          const struct limit_options *options, struct limit_result *result);
void limit_free(struct limit_result *result);

#endif
