/* The normal distribution's tails, as expected improvement needs them: the same bits on every machine, from + - * /
 * and base/elementary.h in a written order.
 *
 * Beyond 2.5 from the middle, Laplace's continued fraction of the ratio (1 - Phi(x)) / phi(x) = 1/(x + 1/(x + 2/(x +
 * ...))) (Abramowitz and Stegun 26.2.14), from its 60th term back. Largest errors measured against libm's long double
 * erfc: normal_cdf 1e-13, relative, for z <= 0 while 1e-300 is below it; normal_log_improvement 1e-13, absolute below
 * 1. tests/sweep/test_methods_bayes.c repeats the measurement.
 *
 * Not collective.
 */
#ifndef HGN_SWEEP_NORMAL_H
#define HGN_SWEEP_NORMAL_H

#include "base/elementary.h"

#define NORMAL_NEAR 2.5
#define NORMAL_LOG_ROOT 0x1.d67f1c864beb5p-1 /* ln sqrt(2 pi) */

enum { NORMAL_FRACTION = 60 };

static inline double normal_density(double z) { return elementary_exp(-0.5 * z * z - NORMAL_LOG_ROOT); }

/* x + 1/(x + 2/(x + ...)) without its first x, for x >= NORMAL_NEAR: so the ratio is 1 / (x + this). */
static inline double normal_fraction(double x) {
  double fraction = 0.0;
  for (int k = NORMAL_FRACTION; k >= 1; k--) fraction = (double)k / (x + fraction);
  return fraction;
}

static inline double normal_cdf(double z) { return 0.5 * elementary_erfc(z * -0x1.6a09e667f3bcdp-1); }

/* ln h(z), h(z) = phi(z) + z Phi(z): so the expected improvement, over `best`, of a normal of mean mu and deviation
 * sigma is sigma h((best - mu) / sigma). It goes down as -z^2/2 where h itself is 0 in f64 (Ament et al., Unexpected
 * Improvements to Expected Improvement, NeurIPS 2023). In the tail h = phi (1 - x R) = phi f / (x + f), x = -z, which
 * nothing cancels in, f being normal_fraction(). */
static inline double normal_log_improvement(double z) {
  if (z > -NORMAL_NEAR) return elementary_log(normal_density(z) + z * normal_cdf(z));
  const double x = -z, fraction = normal_fraction(x);
  return -0.5 * z * z - NORMAL_LOG_ROOT + elementary_log(fraction / (x + fraction));
}

#endif
