/* How two numbers go together over rollouts: the learned Hamiltonian and the true energy. Not collective. */
#ifndef HGN_ANALYSIS_RELATION_H
#define HGN_ANALYSIS_RELATION_H

#include "base/status.h"

#include <stdint.h>

/* Of the means along each rollout; NaN where one of the two is the same everywhere. */
struct relation {
  double pearson;                   /* linear correlation */
  double spearman;                  /* correlation of ranks; equal values share the mean of theirs */
  double slope;                     /* of the learned number over the true one, by least squares */
  double learned_drift, true_drift; /* mean standard deviation along a rollout, over the standard deviation between
                                       rollouts of the means */
};

/* learned and truth: [rollouts][frames]. STATUS_MEMORY. */
enum status relation_measure(const double *learned, const double *truth, int64_t rollouts, int64_t frames,
                             struct relation *relation);

#endif
