#include "physics/hmc.h"

#include "base/elementary.h"
#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

enum { CHAIN_SHIFT = 48, SUB_START = 1 };
#define DIVERGED 1000.0 /* of H */

/* ---- step size ---- */

/* Dual averaging: the log of the step size shrinks toward mu, and goes where the acceptance is what is asked for. */
struct averaging {
  double mu, error, log_step, log_mean; /* the last: averaged over iterations */
  int64_t count;
};

static struct averaging average_from(double step) {
  const double log_step = elementary_log(step);
  return (struct averaging){.mu = log_step + elementary_log(10), .log_step = log_step, .log_mean = log_step};
}

/* x^-0.75 */
static double fading(double x) { return 1 / sqrt(x * sqrt(x)); }

static void average_add(struct averaging *averaging, double excess) {
  const double gamma = 0.05, delay = 10;
  averaging->count += 1;
  const double n = (double)averaging->count, weight = 1 / (n + delay), share = fading(n);
  averaging->error = (1 - weight) * averaging->error + weight * excess;
  averaging->log_step = averaging->mu - sqrt(n) / gamma * averaging->error;
  averaging->log_mean = share * averaging->log_step + (1 - share) * averaging->log_mean;
}

/* ---- one iteration ---- */

struct chain {
  const struct hmc_problem *problem;
  uint64_t number;
  int64_t iteration;
  double x[HMC_DIMENSION_MAX], slope[HMC_DIMENSION_MAX], log_density; /* where it is */
  double scale[HMC_DIMENSION_MAX];                                    /* square root of M^-1 */
  double step;
  int64_t divergences;
};

static double squares(int dimension, const double *momentum) {
  double sum = 0;
  for (int d = 0; d < dimension; d++) sum += momentum[d] * momentum[d];
  return sum;
}

/* Momenta are kept in units in which M is 1: x moves by step * scale * p, p by step * scale * slope. Returns the
 * probability of acceptance. */
static double iterate(struct chain *chain) {
  const struct hmc_problem *problem = chain->problem;
  const int dimension = problem->dimension;
  const int64_t half = problem->settings->leapfrogs / 2;
  struct rng rng = rng_stream(problem->seed, RNG_CHAIN, chain->number << CHAIN_SHIFT | (uint64_t)chain->iteration++, 0);
  double p[HMC_DIMENSION_MAX], x[HMC_DIMENSION_MAX], slope[HMC_DIMENSION_MAX], kick[HMC_DIMENSION_MAX];
  rng_normal(&rng, p, dimension);
  const int64_t steps = problem->settings->leapfrogs - half + (int64_t)rng_below(&rng, 2 * (uint64_t)half + 1);
  const double threshold = rng_uniform(&rng);
  const double before = 0.5 * squares(dimension, p) - chain->log_density;
  memcpy(x, chain->x, sizeof x);
  memcpy(slope, chain->slope, sizeof slope);
  for (int d = 0; d < dimension; d++) kick[d] = chain->step * chain->scale[d];
  for (int64_t step = 0; step < steps; step++) {
    for (int d = 0; d < dimension; d++) {
      p[d] += 0.5 * kick[d] * slope[d];
      x[d] += kick[d] * p[d];
    }
    problem->gradient(problem->context, x, slope);
    for (int d = 0; d < dimension; d++) p[d] += 0.5 * kick[d] * slope[d];
  }
  const double log_density = problem->log_density(problem->context, x);
  const double rise = 0.5 * squares(dimension, p) - log_density - before;
  if (!(rise < DIVERGED)) { /* NaN too */
    chain->divergences += 1;
    return 0;
  }
  const double probability = rise > 0 ? elementary_exp(-rise) : 1;
  if (threshold < probability) {
    memcpy(chain->x, x, sizeof x);
    memcpy(chain->slope, slope, sizeof slope);
    chain->log_density = log_density;
  }
  return probability;
}

/* ---- a chain ---- */

static enum status start(struct chain *chain, const struct hmc_problem *problem, int64_t number) {
  *chain = (struct chain){.problem = problem, .number = (uint64_t)number};
  struct rng rng = rng_stream(problem->seed, RNG_CHAIN, chain->number << CHAIN_SHIFT, SUB_START);
  bool finite = true;
  for (int d = 0; d < problem->dimension; d++) {
    const double width = problem->upper[d] - problem->lower[d];
    chain->x[d] = problem->lower[d] + width * rng_uniform(&rng);
    chain->scale[d] = width / 12; /* some six standard deviations to each side */
  }
  chain->log_density = problem->log_density(problem->context, chain->x);
  problem->gradient(problem->context, chain->x, chain->slope);
  for (int d = 0; d < problem->dimension; d++) finite = finite && isfinite(chain->slope[d]);
  REQUIRE(finite && isfinite(chain->log_density), STATUS_NUMERIC,
          "chain %lld starts where the density is not finite, or has no finite gradient", (long long)number);
  return STATUS_OK;
}

/* Variances of the chain since the last clear, drawn toward the present scales where it is short, as Stan does. */
struct variances {
  double count, mean[HMC_DIMENSION_MAX], square[HMC_DIMENSION_MAX];
};

static void variances_add(struct variances *variances, int dimension, const double *x) {
  variances->count += 1;
  for (int d = 0; d < dimension; d++) {
    const double off = x[d] - variances->mean[d];
    variances->mean[d] += off / variances->count;
    variances->square[d] += off * (x[d] - variances->mean[d]);
  }
}

static void rescale(struct chain *chain, struct variances *variances) {
  const double n = variances->count, trust = n / (n + 5);
  for (int d = 0; d < chain->problem->dimension && n > 1; d++) {
    const double now = chain->scale[d] * chain->scale[d],
                 better = trust * variances->square[d] / (n - 1) + (1 - trust) * 1e-3 * now;
    if (isfinite(better) && better > 0) chain->scale[d] = sqrt(better);
  }
  *variances = (struct variances){.count = 0};
}

/* A step size all the time; scales from what the chain has done between a fifth and a half of the warm-up, and again
 * between there and four fifths. With new scales the step size is sought anew. */
static void warm_up(struct chain *chain) {
  const int64_t all = chain->problem->settings->warmup;
  const int64_t begin = all / 5, middle = all / 2, end = 4 * all / 5;
  const int dimension = chain->problem->dimension;
  struct variances variances = {.count = 0};
  const double first = 1 / sqrt(sqrt((double)dimension));
  struct averaging averaging = average_from(first);
  for (int64_t i = 0; i < all; i++) {
    chain->step = elementary_exp(averaging.log_step);
    average_add(&averaging, chain->problem->settings->acceptance - iterate(chain));
    if (i >= begin && i < end) variances_add(&variances, dimension, chain->x);
    if (i + 1 != middle && i + 1 != end) continue;
    rescale(chain, &variances);
    averaging = average_from(first);
  }
  chain->step = elementary_exp(averaging.log_mean);
  chain->divergences = 0;
}

enum status hmc_chain(const struct hmc_problem *problem, int64_t chain, int64_t kept, double *points,
                      double *log_density, struct hmc_outcome *outcome) {
  const int64_t thin = problem->settings->thin;
  const size_t row = (size_t)problem->dimension;
  struct chain state;
  double accepted = 0;
  TRY(start(&state, problem, chain));
  warm_up(&state);
  for (int64_t i = 0; i < kept; i++) {
    for (int64_t k = 0; k < thin; k++) accepted += iterate(&state);
    memcpy(points + (size_t)i * row, state.x, row * sizeof *points);
    log_density[i] = state.log_density;
  }
  *outcome =
      (struct hmc_outcome){kept > 0 ? accepted / (double)(kept * thin) : (double)NAN, state.step, state.divergences};
  return STATUS_OK;
}
