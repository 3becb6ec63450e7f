/* Making and measuring data sets of points.
 *
 * Points of a split are numbered as rollouts are (rollout.h), and a point is the draw of its number, so a larger data
 * set starts with the smaller one; not so where points are drawn by Monte Carlo, which chains.h says of which draw is
 * which point. /parameters of the file: the numbers of the section `density`, and
 *
 *   entropy, entropy_error   nat: minus the mean log density of the test points, its standard error; NaN where chains
 *                            have too few of them to say
 *
 * and of points of Monte Carlo
 *
 *   log_normaliser_error     nat: standard error of the constant in every log density; part of entropy_error
 *   hmc_acceptance           mean probability of acceptance
 *   hmc_ess, hmc_rhat        of all kept draws: effective sample size of the coordinate with the smallest, and the
 *                            largest R-hat (hmc.h)
 *   hmc_step                 step size, mean over chains, in units of the chains' own scales
 *   divergences              proposals that were rejected since H had grown by over 1000, or was not finite
 *
 * Failures: STATUS_MEMORY, STATUS_MPI, STATUS_FILE where a file cannot be written or read; STATUS_NUMERIC when a point
 * or its log density is not finite, or a normaliser cannot be estimated.
 */
#ifndef HGN_PHYSICS_POINTS_H
#define HGN_PHYSICS_POINTS_H

#include "comm/comm.h"
#include "config/config.h"
#include "store/dataset.h"

struct points_summary {
  double entropy, entropy_error; /* nat */
  bool chained;                  /* by Monte Carlo; the others are NaN where it is false */
  double normaliser_error, acceptance, ess, rhat, step, divergences;
};

/* Beyond these the chains are not to be believed (Vehtari and others, Bayesian Analysis 16, 2021). */
#define POINTS_RHAT_MOST 1.01
#define POINTS_ESS_LEAST 400.0

/* Collective. Draws the splits of a configured density, each rank its share, and writes the file at `path`, which
 * appears under its name only when it is whole. Contents do not depend on the number of ranks. */
enum status points_dataset(const struct comm *comm, const struct config *config, const char *path,
                           struct points_summary *summary);

/* Not collective. What a file that was made so says of it; NaN where it says nothing. */
enum status points_read_summary(const struct dataset *data, struct points_summary *summary);

/* Not collective. False where the chains are not to be believed, NaN included. */
bool points_good(const struct points_summary *summary);

/* Collective. Of points made elsewhere: a checksum of all of them and of how many there are, by which the same file is
 * known again. Each rank reads an equal share. */
enum status points_checksum(const struct comm *comm, const struct dataset *data, char checksum[CHECKSUM_TEXT]);

#endif
