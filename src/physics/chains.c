#include "physics/chains.h"

#include "base/log.h"
#include "comm/reduce.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double log_density_of(const void *context, const double *x) { return target_log_density(context, x); }

/* Densities that are not drawn exactly have a gradient. */
static void gradient_of(const void *context, const double *x, double *gradient) {
  if (target_gradient(context, x, gradient) == STATUS_OK) return;
  for (int64_t d = 0; d < target_dimension(context); d++) gradient[d] = (double)NAN;
}

static enum status prepare(const struct experiment *experiment, const struct target *target, const int64_t *total,
                           struct chains *chains) {
  const struct comm *comm = chains->comm;
  chains->dimension = (int)target_dimension(target);
  chains->all = experiment->hmc.chains;
  comm_share(chains->all, comm->size, comm->rank, &chains->first, &chains->count);
  for (int s = 0; s < SPLIT_COUNT; s++) {
    if (s > 0) chains->kept += CHAINS_GAP;
    chains->begin[s] = chains->kept;
    chains->part[s] = (total[s] + chains->all - 1) / chains->all;
    chains->kept += chains->part[s];
  }
  const size_t draws = (size_t)(chains->count * chains->kept) + 1;
  chains->points = malloc(draws * (size_t)chains->dimension * sizeof *chains->points);
  chains->log_density = malloc(draws * sizeof *chains->log_density);
  REQUIRE(chains->points && chains->log_density, STATUS_MEMORY, "out of memory for %lld draws of %lld chains",
          (long long)chains->kept, (long long)chains->count);
  return STATUS_OK;
}

/* Not collective. */
static enum status run_own(const struct experiment *experiment, const struct target *target, struct chains *chains,
                           struct hmc_outcome *outcome) {
  double lower[TARGET_DIMENSION_MAX], upper[TARGET_DIMENSION_MAX];
  struct hmc_problem problem = {.dimension = chains->dimension,
                                .log_density = log_density_of,
                                .gradient = gradient_of,
                                .context = target,
                                .lower = lower,
                                .upper = upper,
                                .settings = &experiment->hmc,
                                .seed = (uint64_t)experiment->seed};
  struct progress progress;
  target_box(target, lower, upper);
  progress_begin(&progress, "draw", "chains", chains->count);
  for (int64_t i = 0; i < chains->count; i++) {
    TRY(hmc_chain(&problem, chains->first + i, chains->kept, chains->points + i * chains->kept * chains->dimension,
                  chains->log_density + i * chains->kept, &outcome[i]));
    progress_update(&progress, i + 1);
  }
  progress_end(&progress, chains->count);
  return STATUS_OK;
}

/* Collective. */
static enum status conclude(struct chains *chains, const struct hmc_outcome *outcome) {
  struct exact sum[2];
  for (int i = 0; i < 2; i++) exact_clear(&sum[i]);
  for (int64_t i = 0; i < chains->count; i++) {
    exact_add(&sum[0], outcome[i].acceptance);
    exact_add(&sum[1], outcome[i].step);
    chains->divergences += outcome[i].divergences;
  }
  TRY(reduce_exact(chains->comm, sum, 2));
  TRY(reduce_sum(chains->comm, &chains->divergences, 1));
  chains->acceptance = exact_value(&sum[0]) / (double)chains->all;
  chains->step = exact_value(&sum[1]) / (double)chains->all;
  return hmc_diagnose(chains->comm, chains->dimension, chains->all, chains->kept, chains->count, chains->points,
                      &chains->known);
}

enum status chains_run(const struct comm *comm, const struct experiment *experiment, const struct target *target,
                       const int64_t *total, struct chains *chains) {
  *chains = (struct chains){.comm = comm};
  enum status status = prepare(experiment, target, total, chains);
  struct hmc_outcome *outcome = calloc((size_t)chains->count + 1, sizeof *outcome);
  if (status == STATUS_OK && !outcome) status = status_raise(STATUS_MEMORY, "out of memory for chains");
  if (status == STATUS_OK) status = run_own(experiment, target, chains, outcome);
  status = comm_agree(comm, status);
  if (status == STATUS_OK) status = conclude(chains, outcome);
  free(outcome);
  if (status != STATUS_OK) chains_close(chains);
  return status;
}

void chains_close(struct chains *chains) {
  free(chains->points);
  free(chains->log_density);
  *chains = (struct chains){.comm = NULL};
}

/* The bits of each number are those of one rank, and zero on the others: their sum as integers is the number. */
enum status chains_collect(const struct chains *chains, enum split split, int64_t first, int64_t count,
                           double *values) {
  const int64_t row = chains->dimension + 1;
  _Static_assert(sizeof(int64_t) == sizeof(double), "a number travels as an integer");
  int64_t *words = calloc((size_t)(count * row) + 1, sizeof *words);
  TRY(comm_agree(chains->comm, words ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory for points")));
  for (int64_t i = first; i < first + count; i++) {
    const int64_t own = i % chains->all - chains->first;
    if (own < 0 || own >= chains->count) continue;
    const int64_t draw = own * chains->kept + chains->begin[split] + i / chains->all;
    int64_t *word = words + (i - first) * row;
    memcpy(word, chains->points + draw * chains->dimension, (size_t)chains->dimension * sizeof *word);
    memcpy(word + chains->dimension, &chains->log_density[draw], sizeof *word);
  }
  const enum status status = reduce_sum(chains->comm, words, count * row);
  if (status == STATUS_OK) memcpy(values, words, (size_t)(count * row) * sizeof *values);
  free(words);
  return status;
}

enum status chains_ess(const struct chains *chains, enum split split, double *ess) {
  const int64_t part = chains->part[split];
  struct hmc_diagnostics known;
  double *values = malloc((size_t)(chains->count * part) * sizeof *values + 1);
  TRY(comm_agree(chains->comm, values ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory for chains")));
  for (int64_t i = 0; i < chains->count; i++)
    memcpy(values + i * part, chains->log_density + i * chains->kept + chains->begin[split],
           (size_t)part * sizeof *values);
  const enum status status = hmc_diagnose(chains->comm, 1, chains->all, part, chains->count, values, &known);
  free(values);
  if (status == STATUS_OK) *ess = known.ess;
  return status;
}
