#include "sweep/distribution.h"

#include "base/elementary.h"

#include <assert.h>

/* Whole numbers up to here are f64 without gaps. */
static const double whole_most = 0x1p+53;

const char *distribution_name(enum distribution_kind kind) {
  static const char *const names[DISTRIBUTION_COUNT] = {
#define DISTRIBUTION_NAME(name, text) text,
      DISTRIBUTION_LIST(DISTRIBUTION_NAME)
#undef DISTRIBUTION_NAME
  };
  return (int)kind >= 0 && kind < DISTRIBUTION_COUNT ? names[kind] : NULL;
}

bool distribution_is_choice(enum distribution_kind kind) {
  return kind == DISTRIBUTION_CONSTANT || kind == DISTRIBUTION_CATEGORICAL ||
         kind == DISTRIBUTION_CATEGORICAL_W_PROBABILITIES;
}

bool distribution_is_quantised(enum distribution_kind kind) {
  return kind == DISTRIBUTION_Q_UNIFORM || kind == DISTRIBUTION_Q_LOG_UNIFORM ||
         kind == DISTRIBUTION_Q_LOG_UNIFORM_VALUES || kind == DISTRIBUTION_Q_NORMAL ||
         kind == DISTRIBUTION_Q_LOG_NORMAL || kind == DISTRIBUTION_Q_BETA;
}

static double clamp(double value, double least, double most) {
  value = value > least ? value : least;
  return value < most ? value : most;
}

/* floor(u count) of the exact product, for a whole `count` up to 2^53. Where the product was rounded up to a whole
 * number, the rest is negative; it has its right sign since fma rounds once. */
static double floor_product(double u, double count) {
  double k = floor(u * count);
  if (fma(u, count, -k) < 0.0) k -= 1.0;
  return k;
}

/* The first choice at which the sum of the probabilities, from the front, passes u: never one of probability 0. Sums
 * that end below u by rounding fall to the last that can come. */
static int64_t choose(const struct distribution *distribution, double u) {
  if (!distribution->probability) return (int64_t)floor_product(u, (double)distribution->count);
  double sum = 0.0;
  int64_t last = 0;
  for (int64_t i = 0; i < distribution->count; i++) {
    sum += distribution->probability[i];
    if (u < sum) return i;
    if (distribution->probability[i] > 0.0) last = i;
  }
  return last;
}

/* Between its ends, whatever is rounded, also where their distance is not finite. */
static double between(double least, double most, double u) {
  double width = most - least;
  double value = width < (double)INFINITY ? least + u * width : (1.0 - u) * least + u * most;
  return clamp(value, least, most);
}

/* Ends of what is bounded, before rounding to q; false: no ends. Ends of exponents are taken through the same
 * exponential as what lies between. */
static bool ends(const struct distribution *distribution, double *least, double *most) {
  *least = distribution->least;
  *most = distribution->most;
  switch (distribution->kind) {
  case DISTRIBUTION_UNIFORM:
  case DISTRIBUTION_Q_UNIFORM:
  case DISTRIBUTION_LOG_UNIFORM_VALUES:
  case DISTRIBUTION_Q_LOG_UNIFORM_VALUES:
  case DISTRIBUTION_INV_LOG_UNIFORM_VALUES:
    return true;
  case DISTRIBUTION_LOG_UNIFORM:
  case DISTRIBUTION_Q_LOG_UNIFORM:
    *least = elementary_exp(distribution->least);
    *most = elementary_exp(distribution->most);
    return true;
  case DISTRIBUTION_INV_LOG_UNIFORM:
    *least = elementary_exp(-distribution->most);
    *most = elementary_exp(-distribution->least);
    return true;
  case DISTRIBUTION_BETA:
  case DISTRIBUTION_Q_BETA:
    *least = 0.0;
    *most = 1.0;
    return true;
  default:
    return false;
  }
}

void distribution_ends(const struct distribution *distribution, double *least, double *most) {
  const enum distribution_kind kind = distribution->kind;
  const bool positive = kind == DISTRIBUTION_LOG_NORMAL || kind == DISTRIBUTION_Q_LOG_NORMAL;
  if (!ends(distribution, least, most) && kind != DISTRIBUTION_INT_UNIFORM) {
    *least = positive ? 0.0 : -(double)INFINITY;
    *most = (double)INFINITY;
  }
  if (distribution_is_quantised(kind) && isfinite(*least)) *least = rint(*least / distribution->q) * distribution->q;
  if (distribution_is_quantised(kind) && isfinite(*most)) *most = rint(*most / distribution->q) * distribution->q;
}

/* Of numbers without choices and before rounding to q. */
static double continuous(const struct distribution *distribution, double u) {
  const double least = distribution->least, most = distribution->most;
  const double mu = distribution->mu, sigma = distribution->sigma;
  switch (distribution->kind) {
  case DISTRIBUTION_UNIFORM:
  case DISTRIBUTION_Q_UNIFORM:
    return between(least, most, u);
  case DISTRIBUTION_LOG_UNIFORM:
  case DISTRIBUTION_Q_LOG_UNIFORM:
    return elementary_exp(between(least, most, u));
  case DISTRIBUTION_INV_LOG_UNIFORM:
    return elementary_exp(between(-most, -least, u));
  case DISTRIBUTION_LOG_UNIFORM_VALUES:
  case DISTRIBUTION_Q_LOG_UNIFORM_VALUES:
  case DISTRIBUTION_INV_LOG_UNIFORM_VALUES:
    return clamp(elementary_exp(between(elementary_log(least), elementary_log(most), u)), least, most);
  case DISTRIBUTION_NORMAL:
  case DISTRIBUTION_Q_NORMAL:
    return mu + sigma * distribution_normal(u);
  case DISTRIBUTION_LOG_NORMAL:
  case DISTRIBUTION_Q_LOG_NORMAL:
    return elementary_exp(mu + sigma * distribution_normal(u));
  case DISTRIBUTION_BETA:
  case DISTRIBUTION_Q_BETA:
    return distribution_beta(distribution->a, distribution->b, u);
  default:
    return (double)NAN; /* none is left */
  }
}

double distribution_quantile(const struct distribution *distribution, double u) {
  if (distribution_is_choice(distribution->kind)) return (double)choose(distribution, u);
  if (distribution->kind == DISTRIBUTION_INT_UNIFORM)
    return distribution->least + floor_product(u, distribution->most - distribution->least + 1.0) + 0.0;
  double value = continuous(distribution, u);
  /* rint is exact and to even: the rounding mode is never changed. */
  if (distribution_is_quantised(distribution->kind)) value = rint(value / distribution->q) * distribution->q;
  return value + 0.0; /* -0 becomes 0 */
}

int64_t distribution_last(const struct distribution *distribution, double value, bool or_equal) {
  int64_t low = 0, high = INT64_C(1) << 52;
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    const double quantile = distribution_quantile(distribution, ((double)middle + 0.5) * 0x1p-52);
    if (quantile < value || (or_equal && quantile == value))
      low = middle;
    else
      high = middle;
  }
  return low;
}

static double last_below(const struct distribution *distribution, double value, bool or_equal) {
  return ((double)distribution_last(distribution, value, or_equal) + 0.5) * 0x1p-52;
}

double distribution_coordinate(const struct distribution *distribution, double value) {
  if (isnan(value)) return (double)NAN;
  if (distribution->kind == DISTRIBUTION_CONSTANT) return 0.5;
  return 0.5 * (last_below(distribution, value, false) + last_below(distribution, value, true));
}

/* First and last of the values as whole numbers: of int_uniform themselves, else multiples of q. False: not bounded, or
 * beyond what f64 counts. */
static bool whole_ends(const struct distribution *distribution, double *first, double *last) {
  if (distribution->kind == DISTRIBUTION_INT_UNIFORM) {
    *first = distribution->least;
    *last = distribution->most;
  } else if (distribution_is_quantised(distribution->kind) && ends(distribution, first, last)) {
    *first = rint(*first / distribution->q);
    *last = rint(*last / distribution->q);
  } else {
    return false;
  }
  return fabs(*first) <= whole_most && fabs(*last) <= whole_most && *last - *first < whole_most;
}

int64_t distribution_values(const struct distribution *distribution) {
  double first, last;
  if (distribution_is_choice(distribution->kind)) return distribution->count;
  if (whole_ends(distribution, &first, &last)) return (int64_t)(last - first) + 1;
  if (!distribution_is_quantised(distribution->kind) && ends(distribution, &first, &last) && first == last) return 1;
  return -1;
}

double distribution_value(const struct distribution *distribution, int64_t index) {
  double first, last;
  assert(index >= 0 && index < distribution_values(distribution));
  if (distribution_is_choice(distribution->kind)) return (double)index;
  if (!whole_ends(distribution, &first, &last)) return distribution_quantile(distribution, 0.5); /* equal ends */
  double whole = first + (double)index;
  return (distribution->kind == DISTRIBUTION_INT_UNIFORM ? whole : whole * distribution->q) + 0.0;
}
