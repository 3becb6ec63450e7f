/* The distribution of CMA-ES and how a group of samples moves it: Hansen, The CMA Evolution Strategy: A Tutorial
 * (arXiv 1604.00772), Figure 6 and Table 1, negative weights included.
 *
 * A sample need not have come from the distribution: y = (u - mean)/sigma is shortened to sqrt(n) + 2n/(n + 2) in
 * Mahalanobis' length, and sigma grows by e at most in a step (Hansen, Injecting External Solutions Into CMA-ES, arXiv
 * 1110.4181). Samples of equal value share the weights of their ranks. A group of one value all says nothing: only
 * sigma grows, by exp(0.2). sigma times the longest axis is at most 1/2, for coordinates are in (0, 1).
 *
 * All functions: Not collective. The same bits on every machine (matrix.h, elementary.h).
 */
#ifndef HGN_SWEEP_EVOLUTION_H
#define HGN_SWEEP_EVOLUTION_H

#include "sweep/space.h"

enum { EVOLUTION_SIZE_MAX = SPACE_PARAMETERS_MAX, EVOLUTION_LAMBDA_MAX = 128, EVOLUTION_FLAT_MAX = 10 };

struct evolution {
  int size, lambda;
  int64_t groups, flat; /* that it has seen; the last ones of one value each */
  double sigma;
  double mean[EVOLUTION_SIZE_MAX];
  double path[EVOLUTION_SIZE_MAX];       /* p_c */
  double path_sigma[EVOLUTION_SIZE_MAX]; /* p_sigma */
  double covariance[EVOLUTION_SIZE_MAX * EVOLUTION_SIZE_MAX];
  double axis[EVOLUTION_SIZE_MAX * EVOLUTION_SIZE_MAX]; /* eigenvectors of it, one after the other */
  double length[EVOLUTION_SIZE_MAX];                    /* square roots of its eigenvalues, ascending */
};

/* 4 + floor(3 ln size). */
int evolution_lambda(int size);

/* Begins with the identity. */
void evolution_begin(int size, int lambda, const double *mean, double sigma, struct evolution *evolution);

/* mean + sigma B D z. */
void evolution_sample(const struct evolution *evolution, const double *z, double *u);

/* u[lambda][size], which becomes y, with their values; NaN: worse than all numbers. */
void evolution_update(struct evolution *evolution, double *u, const double *value);

/* Whether it is at its end: sigma times the longest axis below 1e-8, axes of a ratio above 1e7, or EVOLUTION_FLAT_MAX
 * groups of one value each. */
bool evolution_degenerate(const struct evolution *evolution);

#endif
