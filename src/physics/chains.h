/* Points that Monte Carlo draws, for the splits of a data set.
 *
 * Of the kept draws of each of C chains the first go to the training split, the next to the test split and the last to
 * the validation split; CHAINS_GAP draws between two splits go to none, so that neighbours along a chain, which
 * resemble each other, are of one split. Point i of a split is draw i / C of its part of chain i mod C: the first
 * points of a split are of all chains. Ranks share the chains.
 *
 * Failures: STATUS_MEMORY, STATUS_MPI; STATUS_NUMERIC when a chain cannot start.
 */
#ifndef HGN_PHYSICS_CHAINS_H
#define HGN_PHYSICS_CHAINS_H

#include "comm/comm.h"
#include "physics/hmc.h"
#include "physics/target.h"
#include "store/dataset.h"

enum { CHAINS_GAP = 20 };

struct chains {
  const struct comm *comm; /* borrowed */
  int dimension;
  int64_t all, first, count;                     /* chains; those of this rank */
  int64_t kept;                                  /* draws of a chain */
  int64_t begin[SPLIT_COUNT], part[SPLIT_COUNT]; /* a split's part of a chain: first draw, how many */
  double *points, *log_density;                  /* [count][kept][D], [count][kept]; owned */
  struct hmc_diagnostics known;                  /* of all coordinates of all kept draws */
  double acceptance, step;                       /* means over chains */
  int64_t divergences;                           /* of all chains */
};

/* Collective. Runs all chains. total[SPLIT_COUNT]: points wanted of each split. Closed with chains_close(), which
 * accepts one that is zeroed. */
enum status chains_run(const struct comm *comm, const struct experiment *experiment, const struct target *target,
                       const int64_t *total, struct chains *chains);
void chains_close(struct chains *chains);

/* Collective. Points first..first+count-1 of a split, alike on all ranks: values[count][D + 1], the log density last of
 * each. */
enum status chains_collect(const struct chains *chains, enum split split, int64_t first, int64_t count, double *values);

/* Collective. Effective sample size of the log density of a split's points; NaN where it is not known. */
enum status chains_ess(const struct chains *chains, enum split split, double *ess);

#endif
