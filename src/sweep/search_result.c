/* What configurations have come to, and which of them are the best. */
#include "sweep/pareto.h"
#include "sweep/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int search_severity(enum trial_state state) {
  switch (state) {
  case TRIAL_FAILED:
    return 5;
  case TRIAL_TIMEOUT:
    return 4;
  case TRIAL_DIVERGED:
    return 3;
  case TRIAL_INFEASIBLE:
    return 2;
  case TRIAL_PRUNED:
  case TRIAL_PAUSED: /* its value is of a rung, and not to be compared with those of an end */
    return 1;
  default:
    return 0;
  }
}

const double *search_last_scores(const struct ledger *ledger, int64_t trial) {
  const int64_t reports = ledger->trial[trial].reports, all = ledger->shape.reports;
  return reports < 1 ? NULL : ledger->validation + (trial * all + reports - 1) * ledger->shape.scores;
}

void search_mean_add(struct search_mean *mean, double value) {
  if (!isfinite(value)) return;
  mean->count += 1;
  mean->sum += value;
  mean->squares += value * value;
}

double search_mean_value(const struct search_mean *mean) {
  return mean->count > 0 ? mean->sum / (double)mean->count : NAN;
}

double search_mean_error(const struct search_mean *mean) {
  const double n = (double)mean->count;
  return n > 1 ? sqrt(fmax(0, mean->squares - mean->sum * mean->sum / n) / (n - 1) / n) : NAN;
}

double search_rank_at(const struct sweep *sweep, const struct ledger *ledger, int64_t trial, int64_t reports) {
  const int metric = ledger_metric(sweep, ledger, 0);
  const double *point = ledger->point + ledger->trial[trial].configuration * ledger->shape.parameters;
  const double *scores = ledger->validation + (trial * ledger->shape.reports + reports - 1) * ledger->shape.scores;
  if (reports < 1 || metric < 0 || !isfinite(scores[metric])) return INFINITY;
  if (sweep_violates_score(sweep, point, ledger->score, scores, ledger->shape.scores)) return INFINITY;
  return sweep->metric[0].maximize ? -scores[metric] : scores[metric];
}

double search_last_rank(const struct sweep *sweep, const struct ledger *ledger, int64_t trial) {
  return search_rank_at(sweep, ledger, trial, ledger->trial[trial].reports);
}

/* A metric at the last report. */
static double last_value(const struct sweep *sweep, const struct ledger *ledger, int64_t trial, int metric) {
  const double *scores = search_last_scores(ledger, trial);
  if (metric == 0) return ledger->trial[trial].value;
  const int score = ledger_metric(sweep, ledger, metric);
  return scores && score >= 0 ? scores[score] : (double)NAN;
}

struct search_result search_result_of(const struct sweep *sweep, const struct ledger *ledger, int64_t configuration) {
  struct search_result result = {.state = TRIAL_COMPLETE, .feasible = true, .step = INT64_MAX, .rank = NAN};
  struct search_mean mean = {.count = 0}, each[SWEEP_METRICS_MAX] = {{.count = 0}};
  for (int64_t r = 0; r < sweep->repeats; r++) {
    const int64_t number = configuration * sweep->repeats + r;
    const struct ledger_trial *trial = &ledger->trial[number];
    const double *scores = search_last_scores(ledger, number);
    if (search_severity(trial->state) > search_severity(result.state)) result.state = trial->state;
    if (trial->step < result.step) result.step = trial->step;
    if (trial->state == TRIAL_INFEASIBLE) result.feasible = false;
    const bool counts = trial->state == TRIAL_COMPLETE || trial->state == TRIAL_PRUNED || trial->state == TRIAL_PAUSED;
    if (!counts || !isfinite(trial->value)) continue;
    const double *point = ledger->point + configuration * ledger->shape.parameters;
    if (scores && sweep_violates_score(sweep, point, ledger->score, scores, ledger->shape.scores))
      result.feasible = false;
    search_mean_add(&mean, trial->value);
    for (int m = 0; m < sweep->metrics; m++) search_mean_add(&each[m], last_value(sweep, ledger, number, m));
  }
  for (int m = 0; m < SWEEP_METRICS_MAX; m++) result.value[m] = (double)NAN;
  result.repeats = mean.count;
  result.mean = search_mean_value(&mean);
  result.error = search_mean_error(&mean);
  for (int m = 0; m < sweep->metrics; m++) {
    const double value = each[m].count == sweep->repeats ? search_mean_value(&each[m]) : (double)NAN;
    result.value[m] = sweep->metric[m].maximize ? -value : value;
  }
  if (result.repeats == sweep->repeats && result.feasible && search_severity(result.state) == 0)
    result.rank = sweep->metric[0].maximize ? -result.mean : result.mean;
  return result;
}

int64_t search_best(const struct sweep *sweep, const struct ledger *ledger, int64_t most, int64_t *best) {
  int64_t count = 0;
  for (int64_t c = 0; c < ledger->points && most > 0; c++) {
    const double rank = search_result_of(sweep, ledger, c).rank;
    if (isnan(rank)) continue;
    if (count == most && !(rank < search_result_of(sweep, ledger, best[count - 1]).rank)) continue;
    int64_t at = count < most ? count++ : count - 1;
    for (; at > 0 && rank < search_result_of(sweep, ledger, best[at - 1]).rank; at--) best[at] = best[at - 1];
    best[at] = c;
  }
  return count;
}

enum status search_front(const struct sweep *sweep, const struct ledger *ledger, int64_t most, int64_t *best,
                         int64_t *count, int64_t *front) {
  const size_t n = (size_t)ledger->points + 1, metrics = (size_t)sweep->metrics;
  int64_t *configuration = malloc(n * sizeof *configuration), *rank = malloc(n * sizeof *rank), all = 0;
  double *value = calloc(n * metrics, sizeof *value);
  enum status status = STATUS_OK;
  *count = *front = 0;
  if (!configuration || !rank || !value) status = status_raise(STATUS_MEMORY, "out of memory for the best of a sweep");
  for (int64_t c = 0; c < ledger->points && status == STATUS_OK; c++) {
    const struct search_result result = search_result_of(sweep, ledger, c);
    bool has_all = !isnan(result.rank);
    for (size_t m = 0; m < metrics; m++) has_all = has_all && isfinite(result.value[m]);
    if (!has_all) continue;
    memcpy(value + (size_t)all * metrics, result.value, metrics * sizeof *value);
    configuration[all++] = c;
  }
  if (status == STATUS_OK) status = pareto_ranks((int)metrics, all, value, 1, rank);
  for (int64_t i = 0; i < all && status == STATUS_OK; i++) *front += rank[i] == 0;
  *count = most < all ? most : all;
  if (status == STATUS_OK && *count > 0) status = pareto_select((int)metrics, all, value, *count, best);
  for (int64_t k = 0; k < *count && status == STATUS_OK; k++) best[k] = configuration[best[k]];
  free(configuration), free(rank), free(value);
  return status;
}
