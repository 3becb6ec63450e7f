/* The regularised incomplete beta function I_x(a, b) and its inverse, in a written order of operations. */
#include "base/elementary.h"
#include "sweep/distribution.h"

#include <float.h>

enum { FRACTION_STEPS = 100000, SOLVE_STEPS = 400 };

/* Arguments from here on have Stirling's series to rounding. */
static const double large = 10.0;

/* I and 1 - I: each to its own relative accuracy. */
struct tails {
  double lower, upper;
};

/* ln(1 + x) from a logarithm of 1 + x rounded: the factor makes up for the rounding (W. Kahan). */
static double log_one_plus(double x) {
  double sum = 1.0 + x;
  return sum == 1.0 ? x : elementary_log(sum) * (x / (sum - 1.0));
}

/* ln Gamma(z) - ((z - 1/2) ln z - z + ln(2 pi) / 2) for z >= 10: Stirling's series (DLMF 5.11.1); the first term left
 * out is below 3e-17. */
static double stirling(double z) {
  double w = 1.0 / (z * z);
  return (1.0 / 12 -
          w * (1.0 / 360 -
               w * (1.0 / 1260 - w * (1.0 / 1680 - w * (1.0 / 1188 - w * (691.0 / 360360 - w * (1.0 / 156))))))) /
         z;
}

/* The part of one of the arguments in ln(x^a y^b / B(a, b)): `raised` is what it became, `share` the logarithm of its
 * part of the sum. Where it was large anyway, the difference comes first, which is small near the mean. */
static double part(double given, double raised, double log_x, double share) {
  return given < raised ? given * log_x - raised * share : given * (log_x - share);
}

/* ln(x^a y^b / B(a, b)) for y = 1 - x; the smaller of x and y is the accurate one. Small arguments of B are raised by
 * B(a, b) = B(a+1, b) (a+b) / a. Then, with s = a + b, Stirling's series gives
 *   -ln B(a, b) = -a ln(a/s) - b ln(b/s) + ln(a b / (2 pi s)) / 2 - stirling(a) - stirling(b) + stirling(s). */
static double log_power(double a, double b, double x, double y) {
  const double given_a = a, given_b = b, two_pi = 0x1.921fb54442d18p+2;
  double log_x = x <= y ? elementary_log(x) : log_one_plus(-y);
  double log_y = y <= x ? elementary_log(y) : log_one_plus(-x);
  double sum = 0.0;
  for (; a < large; a += 1.0) sum += elementary_log(a / (a + b));
  for (; b < large; b += 1.0) sum += elementary_log(b / (a + b));
  double s = a + b;
  sum += part(given_a, a, log_x, elementary_log(a / s)) + part(given_b, b, log_y, elementary_log(b / s));
  return sum + 0.5 * elementary_log(a / s * b / two_pi) - stirling(a) - stirling(b) + stirling(s);
}

/* The continued fraction of I_x(a, b) a B(a, b) / (x^a (1-x)^b) (DLMF 8.17.22) by Lentz's method as modified by
 * Thompson and Barnett; for x < (a + 1) / (a + b + 2) it converges within some multiple of sqrt(max(a, b)) steps. */
static double fraction(double a, double b, double x) {
  const double tiny = 1e-300;
  double c = 1.0, d = 1.0 - (a + b) * x / (a + 1.0);
  d = 1.0 / (fabs(d) < tiny ? tiny : d);
  double f = d;
  for (int step = 1; step <= FRACTION_STEPS; step++) {
    double m = step, change = 1.0;
    for (int odd = 0; odd < 2; odd++) {
      double term = odd ? -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
                        : m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
      d = 1.0 + term * d;
      c = 1.0 + term / c;
      d = 1.0 / (fabs(d) < tiny ? tiny : d);
      if (fabs(c) < tiny) c = tiny;
      change *= d * c;
      f *= d * c;
    }
    if (fabs(change - 1.0) <= DBL_EPSILON) break;
  }
  return f;
}

/* y is 1 - x; *density is that of ln x: x^a (1-x)^b / B(a, b) / (1 - x). */
static struct tails beta_tails(double a, double b, double x, double y, double *density) {
  double power = elementary_exp(log_power(a, b, x, y));
  *density = power / y;
  if (x < (a + 1.0) / (a + b + 2.0)) {
    double lower = power / a * fraction(a, b, x);
    return (struct tails){lower, 1.0 - lower};
  }
  double upper = power / b * fraction(b, a, y);
  return (struct tails){1.0 - upper, upper};
}

/* Whether x is to be larger: by the smaller of the tails that are wanted. */
static bool is_below(struct tails tails, struct tails wanted) {
  return wanted.lower <= wanted.upper ? tails.lower < wanted.lower : tails.upper > wanted.upper;
}

/* x in (0, 1/2] with the tails that are wanted. Newton's method on the logarithm of the smaller tail over ln x, where
 * both are nearly straight: for small x, I is proportional to x^a. A step that leaves the bracket becomes a bisection
 * of ln x. */
static double solve(double a, double b, struct tails wanted) {
  double least = DBL_MIN, most = 0.5, density, x = a / (a + b);
  if (!is_below(beta_tails(a, b, least, 1.0, &density), wanted)) return 0.0;
  if (!(x < most)) x = 0.25;
  for (int step = 0; step < SOLVE_STEPS; step++) {
    struct tails tails = beta_tails(a, b, x, 1.0 - x, &density);
    if (is_below(tails, wanted))
      least = x;
    else
      most = x;
    double move = wanted.lower <= wanted.upper ? elementary_log(wanted.lower / tails.lower) * (tails.lower / density)
                                               : elementary_log(tails.upper / wanted.upper) * (tails.upper / density);
    if (fabs(move) <= DBL_EPSILON) break;
    double next = x * elementary_exp(move);
    if (!(next > least && next < most)) next = sqrt(least) * sqrt(most);
    if (!(next > least && next < most)) break;
    x = next;
  }
  return x;
}

double distribution_beta(double a, double b, double u) {
  if (!(u > 0.0 && u < 1.0 && a > 0.0 && b > 0.0)) return (double)NAN;
  double density;
  struct tails wanted = {u, 1.0 - u};
  if (!is_below(beta_tails(a, b, 0.5, 0.5, &density), wanted)) return solve(a, b, wanted);
  /* Above 1/2 it is 1 - x of the mirrored distribution, which keeps small distances from 1. */
  return 1.0 - solve(b, a, (struct tails){wanted.upper, wanted.lower});
}
