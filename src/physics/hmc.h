/* Hamiltonian Monte Carlo (Duane and others, Phys. Lett. B 195, 1987; Neal's review, 2011), and whether to believe it.
 *
 * An iteration draws momenta p ~ N(0, M), M diagonal, goes `leapfrogs` steps on average of dx = M^-1 p, dp = grad log
 * density (kick, drift, kick; their number is uniform between half and one and a half of that), and accepts where it
 * has come to with probability min(1, exp(H_before - H_after)). In the warm-up the step size follows dual averaging
 * (Hoffman and Gelman, JMLR 15, 2014, section 3.2) toward an acceptance, and M^-1 becomes the variances of the chain,
 * twice; after it both stay. Where H after is not finite, or more than 1000 above, the proposal is divergent: it is
 * rejected, and counted.
 *
 * A chain is a function of (seed, its number): of RNG_CHAIN alone. The same bits on every machine, as far as the
 * density gives them.
 */
#ifndef HGN_PHYSICS_HMC_H
#define HGN_PHYSICS_HMC_H

#include "comm/comm.h"
#include "config/experiment.h"

enum { HMC_DIMENSION_MAX = 32, HMC_LAGS_MAX = 256 };

/* All borrowed. */
struct hmc_problem {
  int dimension; /* D */
  double (*log_density)(const void *context, const double *x);
  void (*gradient)(const void *context, const double *x, double *gradient);
  const void *context;
  const double *lower, *upper; /* [D]: the box that chains start in, uniformly; its widths are the first scales */
  const struct hmc_settings *settings;
  uint64_t seed;
};

struct hmc_outcome {
  double acceptance; /* mean probability of acceptance after the warm-up */
  double step;       /* the step size it has come to, in units of the scales in M */
  int64_t divergences;
};

/* Not collective. Chain `chain`: after the warm-up `kept` draws, each settings->thin iterations after the one before:
 * points[kept][D], log_density[kept]. STATUS_NUMERIC when the density is not finite where the chain starts. */
enum status hmc_chain(const struct hmc_problem *problem, int64_t chain, int64_t kept, double *points,
                      double *log_density, struct hmc_outcome *outcome);

/* What all chains say together. Each is cut into two halves, which count as chains: so one that drifts is seen as well
 * as chains that do not agree. */
struct hmc_diagnostics {
  double ess;  /* effective sample size of the worst coordinate: Geyer's initial monotone sequence of autocorrelations
                  over all chains, up to lag HMC_LAGS_MAX, as Stan has it (Vehtari and others, Bayesian Analysis 16,
                  2021, section 3). Chains that remember for longer have fewer: R-hat then tells */
  double rhat; /* potential scale reduction of the worst: 1 where all chains are alike (Gelman and others, BDA3) */
};

/* Collective. draws[count][kept][D] of `count` chains that are this rank's, of `chains` of all ranks. Both are NaN
 * where a coordinate never moves, or there are fewer than 8 draws. The same bits on any number of ranks. STATUS_MEMORY,
 * STATUS_MPI. */
enum status hmc_diagnose(const struct comm *comm, int dimension, int64_t chains, int64_t kept, int64_t count,
                         const double *draws, struct hmc_diagnostics *diagnostics);

#endif
