#include "analysis/report/statistics.h"

#include "base/elementary.h"
#include "sweep/normal.h"

#include <math.h>
#include <stdbool.h>

struct statistics_mean statistics_mean_of(const double *value, int64_t count) {
  struct statistics_mean of = {NAN, NAN, (double)(count - 1), count};
  double sum = 0, square = 0;
  for (int64_t i = 0; i < count; i++) sum += value[i];
  if (count > 0) of.mean = sum / (double)count;
  for (int64_t i = 0; i < count; i++) square += (value[i] - of.mean) * (value[i] - of.mean);
  if (count > 1) of.error = sqrt(square / (double)(count - 1) / (double)count);
  return of;
}

/* ---- Student's t ---- */

/* ln Gamma(x), x > 0: Stirling's series (DLMF 5.11.1) at x + k >= 16, where its eighth term is below 1e-17. */
static double log_gamma(double x) {
  static const double term[] = {1.0 / 12,   -1.0 / 360,      1.0 / 1260, -1.0 / 1680,
                                1.0 / 1188, -691.0 / 360360, 1.0 / 156,  -3617.0 / 122400};
  double product = 1, series = 0;
  for (; x < 16; x++) product *= x;
  const double inverse = 1 / (x * x);
  for (int k = (int)(sizeof term / sizeof *term) - 1; k >= 0; k--) series = series * inverse + term[k];
  return (x - 0.5) * elementary_log(x) - x + NORMAL_LOG_ROOT + series / x - elementary_log(product);
}

static double away_from_zero(double value) { return fabs(value) < 1e-300 ? 1e-300 : value; }

/* The continued fraction of I_x(a, b), by Lentz's method; it converges fast for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x) {
  enum { TERMS = 10000 };
  double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), fraction = d;
  for (int m = 1; m <= TERMS; m++) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                 odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    fraction *= c * d;
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    fraction *= c * d;
    if (fabs(c * d - 1) < 1e-16) break;
  }
  return fraction;
}

/* I_x(a, b); y = 1 - x, which the caller knows without cancellation. */
static double beta_regularised(double a, double b, double x, double y) {
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  const double front =
      elementary_exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * elementary_log(x) + b * elementary_log(y));
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
  return 1 - front * beta_fraction(b, a, y) / b;
}

double statistics_t_tail(double t, double freedom) {
  enum { AS_NORMAL = 10000000 };
  if (isnan(t) || !(freedom > 0)) return NAN;
  if (freedom > AS_NORMAL) return normal_cdf(-t);
  const double square = t * t, half = isinf(square) ? 0
                                                    : beta_regularised(freedom / 2, 0.5, freedom / (freedom + square),
                                                                       square / (freedom + square)) /
                                                          2;
  return t < 0 ? 1 - half : half;
}

double statistics_t_quantile(double tail, double freedom) {
  if (!(tail > 0 && tail < 1) || !(freedom > 0)) return NAN;
  if (tail > 0.5) return -statistics_t_quantile(1 - tail, freedom);
  double low = 0, high = 1;
  while (statistics_t_tail(high, freedom) > tail && high < 1e300) high *= 2;
  for (int i = 0; i < 200 && low < high; i++) {
    const double middle = low + (high - low) / 2;
    if (middle == low || middle == high) break;
    if (statistics_t_tail(middle, freedom) > tail)
      low = middle;
    else
      high = middle;
  }
  return high;
}

struct statistics_interval statistics_interval_of(const struct statistics_mean *mean, double level) {
  const double t = statistics_t_quantile((1 - level) / 2, mean->freedom);
  return (struct statistics_interval){mean->mean - t * mean->error, mean->mean + t * mean->error};
}

double statistics_below(const struct statistics_mean *mean, double bound) {
  if (isnan(mean->mean) || isnan(mean->error) || isnan(bound)) return NAN;
  if (mean->error == 0) return mean->mean < bound ? 0 : mean->mean > bound ? 1 : 0.5;
  return statistics_t_tail((bound - mean->mean) / mean->error, mean->freedom);
}

struct statistics_mean statistics_difference(const struct statistics_mean *a, const struct statistics_mean *b) {
  const double of_a = a->error * a->error, of_b = b->error * b->error, both = of_a + of_b;
  const double freedom = both > 0 ? both * both / (of_a * of_a / a->freedom + of_b * of_b / b->freedom) : INFINITY;
  return (struct statistics_mean){a->mean - b->mean, sqrt(both), freedom, a->count + b->count};
}

/* ---- Of pairs, parts and many tests ---- */

double statistics_sign_flip(const double *difference, int64_t count) {
  if (count < 1 || count > STATISTICS_FLIPS) return NAN;
  double found = 0, size = 0;
  int64_t as_small = 0;
  for (int64_t i = 0; i < count; i++) {
    found += difference[i];
    size += fabs(difference[i]);
  }
  if (isnan(found)) return NAN;
  for (int64_t signs = 0; signs < (INT64_C(1) << count); signs++) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += (signs >> i) & 1 ? -fabs(difference[i]) : fabs(difference[i]);
    as_small += sum <= found + 1e-12 * size;
  }
  return (double)as_small / (double)(INT64_C(1) << count);
}

struct statistics_interval statistics_wilson(int64_t successes, int64_t count, double level) {
  if (count < 1) return (struct statistics_interval){NAN, NAN};
  const double n = (double)count, part = (double)successes / n, z = statistics_t_quantile((1 - level) / 2, INFINITY),
               square = z * z, middle = (part + square / (2 * n)) / (1 + square / n),
               half = z / (1 + square / n) * sqrt(part * (1 - part) / n + square / (4 * n * n));
  return (struct statistics_interval){middle - half, middle + half};
}

/* Step down: the k-th smallest of m is multiplied by m - k, k = 0, 1, ..., and none is below one before. */
void statistics_holm(const double *p, int64_t count, double *adjusted) {
  int64_t known = 0;
  for (int64_t i = 0; i < count; i++) {
    known += !isnan(p[i]);
    adjusted[i] = NAN;
  }
  double least = 0;
  for (int64_t k = 0; k < known; k++) {
    int64_t next = -1;
    for (int64_t i = 0; i < count; i++)
      if (!isnan(p[i]) && isnan(adjusted[i]) && (next < 0 || p[i] < p[next])) next = i;
    least = fmax(least, fmin(1, (double)(known - k) * p[next]));
    adjusted[next] = least;
  }
}
