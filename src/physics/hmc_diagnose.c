/* Effective sample size and R-hat of several chains. Each half of a chain is a sequence of n draws, of which there are
 * M in all. With W the mean of their variances and B / n the variance of their means,
 *
 *   var+ = (n - 1) / n W + B / n,   R-hat = sqrt(var+ / W),
 *   rho_t = 1 - (W - mean autocovariance at lag t) / var+,
 *   ESS = M n / (-1 + 2 sum_t rho_t),
 *
 * the sum over pairs rho_2k + rho_2k+1 as long as they are positive, and none larger than the one before. */
#include "base/elementary.h"
#include "base/exact.h"
#include "comm/reduce.h"
#include "physics/hmc.h"

#include <stdlib.h>

enum { DRAWS_LEAST = 4 /* of a half */ };

/* Sums over all sequences, of one coordinate: exact, so they do not depend on which rank has added what. */
struct coordinate {
  struct exact covariance[HMC_LAGS_MAX + 1]; /* by lag */
  struct exact mean, spread;                 /* of means; of the squares of their deviations */
};

enum { SUMS = HMC_LAGS_MAX + 3 };
_Static_assert(sizeof(struct coordinate) == SUMS * sizeof(struct exact),
               "accumulators of all coordinates lie end to end");

/* Autocovariances, each a sum over n, divided by n. */
static void add_sequence(const double *draws, int64_t n, int dimension, int lags, double *centred,
                         struct coordinate *sum) {
  double mean = 0;
  for (int64_t i = 0; i < n; i++) mean += draws[i * dimension];
  mean /= (double)n;
  for (int64_t i = 0; i < n; i++) centred[i] = draws[i * dimension] - mean;
  for (int lag = 0; lag <= lags; lag++) {
    double product = 0;
    for (int64_t i = 0; i + lag < n; i++) product += centred[i] * centred[i + lag];
    exact_add(&sum->covariance[lag], product / (double)n);
  }
  exact_add(&sum->mean, mean);
}

static void add_spread(const double *draws, int64_t n, int dimension, double about, struct coordinate *sum) {
  double mean = 0;
  for (int64_t i = 0; i < n; i++) mean += draws[i * dimension];
  mean /= (double)n;
  exact_add(&sum->spread, (mean - about) * (mean - about));
}

/* Geyer's initial positive sequence, made monotone, as Stan sums it. rho[lags + 1]. */
static double autocorrelation_time(const double *rho, int lags) {
  double time = -1, before = (double)INFINITY;
  for (int t = 0; t + 1 <= lags; t += 2) {
    double pair = rho[t] + rho[t + 1];
    if (!(pair > 0)) {
      if (rho[t] > 0) time += rho[t]; /* improves the estimate where draws are antithetic */
      break;
    }
    if (pair > before) pair = before;
    time += 2 * pair;
    before = pair;
  }
  return time;
}

static void conclude(const struct coordinate *sum, int64_t sequences, int64_t n, int lags, double *ess, double *rhat) {
  const double m = (double)sequences, count = (double)n;
  const double within = exact_value(&sum->covariance[0]) / m * count / (count - 1);
  const double between = exact_value(&sum->spread) / (m - 1), variance = (count - 1) / count * within + between;
  double rho[HMC_LAGS_MAX + 1] = {1};
  *ess = *rhat = (double)NAN;
  if (!(within > 0) || !isfinite(variance)) return;
  for (int lag = 1; lag <= lags; lag++) rho[lag] = 1 - (within - exact_value(&sum->covariance[lag]) / m) / variance;
  const double time = autocorrelation_time(rho, lags), least = elementary_log(10) / elementary_log(m * count);
  *ess = m * count / (time > least ? time : least);
  *rhat = sqrt(variance / within);
}

static bool worse(double value, double than, bool larger) {
  return isnan(value) || (!isnan(than) && (larger ? value > than : value < than));
}

/* Collective. All means first, and then the squares of their deviations. */
static enum status add_all(const struct comm *comm, int dimension, int64_t chains, int64_t kept, int64_t count,
                           const double *draws, int lags, double *centred, struct coordinate *all) {
  const int64_t n = kept / 2, sequences = 2 * count;
  for (int64_t k = 0; k < sequences; k++)
    for (int d = 0; d < dimension; d++)
      add_sequence(draws + (k / 2 * kept + k % 2 * (kept - n)) * dimension + d, n, dimension, lags, centred, &all[d]);
  TRY(reduce_exact(comm, (struct exact *)all, dimension * SUMS));
  for (int64_t k = 0; k < sequences; k++)
    for (int d = 0; d < dimension; d++) {
      const double about = exact_value(&all[d].mean) / (2 * (double)chains);
      add_spread(draws + (k / 2 * kept + k % 2 * (kept - n)) * dimension + d, n, dimension, about, &all[d]);
    }
  for (int d = 0; d < dimension; d++) TRY(reduce_exact(comm, &all[d].spread, 1));
  return STATUS_OK;
}

enum status hmc_diagnose(const struct comm *comm, int dimension, int64_t chains, int64_t kept, int64_t count,
                         const double *draws, struct hmc_diagnostics *diagnostics) {
  const int64_t n = kept / 2;
  *diagnostics = (struct hmc_diagnostics){(double)NAN, (double)NAN};
  if (n < DRAWS_LEAST) return STATUS_OK;
  const int lags = n - 1 < HMC_LAGS_MAX ? (int)(n - 1) : HMC_LAGS_MAX;
  struct coordinate *all = calloc((size_t)dimension, sizeof *all);
  double *centred = malloc((size_t)n * sizeof *centred);
  enum status status = all && centred ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory for chains");
  status = comm_agree(comm, status);
  if (status == STATUS_OK) status = add_all(comm, dimension, chains, kept, count, draws, lags, centred, all);
  for (int d = 0; d < dimension && status == STATUS_OK; d++) {
    double ess, rhat;
    conclude(&all[d], 2 * chains, n, lags, &ess, &rhat);
    if (d == 0 || worse(ess, diagnostics->ess, false)) diagnostics->ess = ess;
    if (d == 0 || worse(rhat, diagnostics->rhat, true)) diagnostics->rhat = rhat;
  }
  free(all);
  free(centred);
  return status;
}
