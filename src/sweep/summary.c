#include "sweep/summary.h"

#include "sweep/board.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BEST = 5, FRONT = 20, REASONS = 5, NUMBER_WIDTH = 10 };

/* Quantiles 0.975 of Student's t for 1, 2, ... degrees of freedom. */
static const double student[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                 2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
                                 2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};
enum { STUDENT = sizeof student / sizeof *student };

double summary_interval(double error, int64_t n) {
  return error * (n - 1 <= STUDENT ? student[n - 2] : 1.96 + 2.4 / (double)(n - 1));
}

/* Parameters that vary, as a line each point. */
static void print_point(const struct sweep *sweep, const double *point, FILE *out) {
  for (int i = 0; i < sweep->space.count; i++) {
    char value[48];
    if (sweep->space.parameter[i].distribution.kind == DISTRIBUTION_CONSTANT) continue;
    space_show(&sweep->space, point, i, value, sweep->space.parameter[i].choice ? sizeof value : NUMBER_WIDTH);
    if (strcmp(value, "-") != 0) fprintf(out, "  %s=%s", sweep->space.parameter[i].name, value);
  }
  fputc('\n', out);
}

static void print_value(const struct search_result *result, FILE *out) {
  char text[64];
  snprintf(text, sizeof text, "%.6g", result->mean);
  if (result->repeats > 1)
    snprintf(text, sizeof text, "%.6g +- %.2g", result->mean, summary_interval(result->error, result->repeats));
  fprintf(out, "%-24s", text);
}

static void print_best(const struct sweep *sweep, const struct ledger *ledger, FILE *out) {
  int64_t best[BEST];
  const int64_t count = search_best(sweep, ledger, BEST, best);
  const struct sweep_metric *metric = &sweep->metric[0];
  if (count == 0) {
    fprintf(out, "no configuration has a value of %s yet\n", metric->name);
    return;
  }
  fprintf(out, "best by %s on the validation split, %s%s\n", metric->name, metric->maximize ? "largest" : "smallest",
          sweep->repeats > 1 ? ", mean over repeats and its 95% interval" : "");
  for (int64_t k = 0; k < count; k++) {
    const struct search_result result = search_result_of(sweep, ledger, best[k]);
    fprintf(out, "  %s %-6lld ", sweep->repeats > 1 ? "configuration" : "trial",
            (long long)ledger_configuration_number(ledger, best[k]));
    print_value(&result, out);
    print_point(sweep, ledger->point + best[k] * ledger->shape.parameters, out);
  }
}

/* Of several metrics: what no other configuration is better than, by the first metric. */
static enum status print_front(const struct sweep *sweep, const struct ledger *ledger, FILE *out) {
  int64_t best[FRONT], count, front;
  TRY(search_front(sweep, ledger, FRONT, best, &count, &front));
  if (count > front) count = front;
  if (count == 0) {
    fprintf(out, "no configuration has values of all metrics yet\n");
    return STATUS_OK;
  }
  for (int64_t i = 1; i < count; i++) /* few */
    for (int64_t k = i; k > 0 && search_result_of(sweep, ledger, best[k]).value[0] <
                                     search_result_of(sweep, ledger, best[k - 1]).value[0];
         k--) {
      const int64_t swapped = best[k];
      best[k] = best[k - 1];
      best[k - 1] = swapped;
    }
  fprintf(out, "Pareto front on the validation split, %lld configuration%s%s\n", (long long)front,
          front == 1 ? "" : "s", front > count ? ", of which those that cover most" : "");
  fprintf(out, "  %-14s", sweep->repeats > 1 ? "configuration" : "trial");
  for (int m = 0; m < sweep->metrics; m++)
    fprintf(out, "  %s %s", sweep->metric[m].name, sweep->metric[m].maximize ? "(largest)" : "(smallest)");
  fputc('\n', out);
  for (int64_t k = 0; k < count; k++) {
    const struct search_result result = search_result_of(sweep, ledger, best[k]);
    fprintf(out, "  %-14lld", (long long)ledger_configuration_number(ledger, best[k]));
    for (int m = 0; m < sweep->metrics; m++)
      fprintf(out, "  %-12.6g", sweep->metric[m].maximize ? -result.value[m] : result.value[m]);
    print_point(sweep, ledger->point + best[k] * ledger->shape.parameters, out);
  }
  return STATUS_OK;
}

/* ---- The best, run again ---- */

struct summary_again summary_again(const struct sweep *sweep, const struct ledger *ledger, int64_t k) {
  const int64_t seeds = ledger_confirm_seeds(sweep), first = ledger->shape.configurations * sweep->repeats + k * seeds;
  const int metric = ledger_metric(sweep, ledger, 0);
  struct summary_again again = {.configuration = ledger->trial[first].configuration};
  for (int64_t s = 0; s < seeds; s++) {
    const struct ledger_trial *trial = &ledger->trial[first + s];
    if (!trial->confirms || trial->state != TRIAL_COMPLETE) continue;
    search_mean_add(&again.validation, trial->value);
    search_mean_add(&again.test, ledger->test[(first + s) * ledger->shape.scores + metric]);
  }
  return again;
}

static void print_mean(const char *label, const struct search_mean *mean, FILE *out) {
  fprintf(out, "  %s %.6g", label, search_mean_value(mean));
  if (mean->count > 1) fprintf(out, " +- %.2g", summary_interval(search_mean_error(mean), mean->count));
}

/* Of many tried the best looks better than it is: what the search saw, less what fresh seeds see. */
static void print_confirmation(const struct sweep *sweep, const struct ledger *ledger, FILE *out) {
  const double sign = sweep->metric[0].maximize ? -1 : 1;
  int64_t winner = -1;
  double least = INFINITY;
  bool told = false;
  for (int64_t k = 0; k < sweep->confirm; k++) {
    const struct summary_again again = summary_again(sweep, ledger, k);
    if (again.validation.count == 0) continue;
    if (!told) fprintf(out, "run again on %lld fresh seeds each\n", (long long)ledger_confirm_seeds(sweep));
    told = true;
    const struct search_result result = search_result_of(sweep, ledger, again.configuration);
    fprintf(out, "  configuration %-6lld", (long long)again.configuration);
    fprintf(out, " search %.6g", result.mean);
    print_mean("again", &again.validation, out);
    if (again.test.count > 0) print_mean("test", &again.test, out);
    const double value = search_mean_value(&again.validation);
    fprintf(out, "  luck %.2g\n", sign * (value - result.mean));
    if (sign * value < least) winner = again.configuration;
    if (sign * value < least) least = sign * value;
  }
  if (winner >= 0)
    fprintf(out, "best on fresh seeds: configuration %lld. luck: what the search saw too good, by choosing the best\n",
            (long long)winner);
}

/* ---- What went wrong ---- */

static void print_reasons(const struct sweep *sweep, const struct ledger *ledger, FILE *out) {
  int shown = 0;
  int64_t more = 0;
  for (int64_t t = 0; t < ledger->shape.trials; t++) {
    const struct ledger_trial *trial = &ledger->trial[t];
    if (!trial->reason[0] || !ledger_counts(sweep, ledger, t) || trial->state == TRIAL_COMPLETE ||
        trial->state == TRIAL_INFEASIBLE)
      continue;
    if (shown++ < REASONS)
      fprintf(out, "  trial %-6lld %s: %.200s\n", (long long)ledger_trial_number(ledger, t),
              trial_state_name(trial->state), trial->reason);
    else
      more += 1;
  }
  if (more > 0) fprintf(out, "  and %lld more\n", (long long)more);
}

static void print_events(const struct ledger *ledger, FILE *out) {
  int64_t count[EVENT_COUNT] = {0};
  bool any = false;
  for (int64_t i = 0; i < ledger->events; i++) count[ledger->event[i].kind] += 1;
  for (int kind = EVENT_STARTED + 1; kind < EVENT_COUNT; kind++) {
    if (count[kind] == 0) continue;
    fprintf(out, "%s%s %lld", any ? ", " : "from outside: ", event_name((enum event_kind)kind), (long long)count[kind]);
    any = true;
  }
  if (count[EVENT_STARTED] > 1)
    fprintf(out, "%sstarts %lld", any ? ", " : "from outside: ", (long long)count[EVENT_STARTED]);
  if (any || count[EVENT_STARTED] > 1) fputc('\n', out);
}

enum status summary_print(const struct sweep *sweep, const struct ledger *ledger, FILE *out) {
  char states[512];
  const int64_t ended = board_states(sweep, ledger, states, sizeof states);
  double core_seconds = 0;
  for (int64_t t = 0; t < ledger->shape.trials; t++)
    core_seconds += ledger->trial[t].seconds * (double)ledger->trial[t].ranks;
  fprintf(out, "%lld of %lld trials: %s\n", (long long)ended, (long long)ledger_expected(sweep, ledger), states);
  print_reasons(sweep, ledger, out);
  if (sweep->metrics > 1)
    TRY(print_front(sweep, ledger, out));
  else
    print_best(sweep, ledger, out);
  print_confirmation(sweep, ledger, out);
  print_events(ledger, out);
  fprintf(out, "cost         %.3g core-hours\n", core_seconds / 3600);
  REQUIRE(!ferror(out), STATUS_FILE, "the summary cannot be written: %s", strerror(errno));
  return STATUS_OK;
}
