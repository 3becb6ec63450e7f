#include "sweep/ledger_difference.h"

#include "train/difference.h"

#include <string.h>

/* The number of the first number that differs; -1: none. */
static int64_t first_number(const double *a, const double *b, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    uint64_t of_a, of_b;
    memcpy(&of_a, &a[i], sizeof of_a);
    memcpy(&of_b, &b[i], sizeof of_b);
    if (difference_of_numbers(of_a, of_b)) return i;
  }
  return -1;
}

static bool compare_point(const struct sweep *sweep, const struct ledger *a, const struct ledger *b, int64_t trial,
                          char *text) {
  const int n = a->shape.parameters;
  const double *of_a = a->point + a->trial[trial].configuration * n,
               *of_b = b->point + b->trial[trial].configuration * n;
  const int64_t at = first_number(of_a, of_b, n);
  if (at >= 0)
    snprintf(text, LEDGER_DIFFERENCE_MAX, "%.128s: %.17g, %.17g", sweep->space.parameter[at].name, of_a[at], of_b[at]);
  return at >= 0;
}

static bool compare_reports(const struct ledger *a, const struct ledger *b, int64_t trial, char *text) {
  const int64_t reports = a->shape.reports, scores = a->shape.scores;
  for (int64_t r = 0; r < reports; r++) {
    const int64_t row = trial * reports + r;
    if (a->report_step[row] != b->report_step[row]) {
      snprintf(text, LEDGER_DIFFERENCE_MAX, "report %lld: after step %lld, %lld", (long long)r + 1,
               (long long)a->report_step[row], (long long)b->report_step[row]);
      return true;
    }
    const double *of_a = a->validation + row * scores, *of_b = b->validation + row * scores;
    const int64_t at = first_number(of_a, of_b, scores);
    if (at < 0) continue;
    snprintf(text, LEDGER_DIFFERENCE_MAX, "%.64s after step %lld, on the validation split: %.17g, %.17g", a->score[at],
             (long long)a->report_step[row], of_a[at], of_b[at]);
    return true;
  }
  return false;
}

static bool compare_end(const struct ledger *a, const struct ledger *b, int64_t trial, char *text) {
  const struct ledger_trial *of_a = &a->trial[trial], *of_b = &b->trial[trial];
  const int64_t scores = a->shape.scores, at = first_number(a->test + trial * scores, b->test + trial * scores, scores);
  if (of_a->state != of_b->state)
    snprintf(text, LEDGER_DIFFERENCE_MAX, "%s, %s", trial_state_name(of_a->state), trial_state_name(of_b->state));
  else if (of_a->seed != of_b->seed || of_a->confirms != of_b->confirms)
    snprintf(text, LEDGER_DIFFERENCE_MAX, "seed %lld, %lld", (long long)of_a->seed, (long long)of_b->seed);
  else if (first_number(&of_a->value, &of_b->value, 1) >= 0)
    snprintf(text, LEDGER_DIFFERENCE_MAX, "the metric in the end: %.17g, %.17g", of_a->value, of_b->value);
  else if (at >= 0)
    snprintf(text, LEDGER_DIFFERENCE_MAX, "%.64s on the test split: %.17g, %.17g", a->score[at],
             a->test[trial * scores + at], b->test[trial * scores + at]);
  else
    return false;
  return true;
}

int64_t ledger_first_difference(const struct sweep *sweep, const struct ledger *a, const struct ledger *b,
                                char text[LEDGER_DIFFERENCE_MAX], int64_t *compared, int64_t *unended) {
  text[0] = '\0';
  *compared = *unended = 0;
  for (int64_t trial = 0; trial < a->shape.trials && trial < b->shape.trials; trial++) {
    const bool in_a = trial_ended(a->trial[trial].state), in_b = trial_ended(b->trial[trial].state);
    *unended += in_a != in_b;
    if (!in_a || !in_b) continue;
    *compared += 1;
    if (compare_point(sweep, a, b, trial, text) || compare_reports(a, b, trial, text) || compare_end(a, b, trial, text))
      return trial;
  }
  return -1;
}
