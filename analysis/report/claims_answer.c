/* What runs and published figures say about claims. */
#include "analysis/report/claims.h"
#include "analysis/report/report_private.h"
#include "base/elementary.h"
#include "config/value.h"
#include "train/published.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEVEL 0.95

/* What is known while one claim is answered. */
struct asking {
  const struct claim *claim;
  const struct run_groups *groups;
  struct claim_answer *answer;
  double *value;                            /* [all runs]: of one group, or the differences of one pair of groups */
  int64_t room;                             /* parts */
  int64_t asked, incomplete, unknown, poor; /* runs: that match; of them left out, and why */
  int64_t few, most;                        /* groups with too few seeds; the most seeds that one of these has */
};

/* ---- Which runs ---- */

static bool has_value(const struct run_facts *run, const struct claim_filter *filter, int first, int last) {
  const struct config *config = filter->of_data ? run->data.config : run->config;
  const struct schema_row *row = &schema_rows[filter->row];
  char text[VALUE_TEXT_MAX];
  if (!config || !schema_used(row, config_use(config))) return false;
  value_print(row, config_experiment(config), text);
  for (int i = first; i <= last; i++)
    if (strcmp(text, filter->value[i]) == 0) return true;
  return false;
}

static bool is_asked(const struct claim *claim, const struct run_facts *run) {
  if (run_facts_find_score(run, claim->quantity) < 0) return false;
  for (int i = 0; i < claim->filters; i++)
    if (!has_value(run, &claim->filter[i], 0, claim->filter[i].values - 1)) return false;
  return true;
}

/* The number of a run that has something to say. */
static bool find_value(struct asking *asking, const struct run_facts *run, double *value) {
  *value = run_facts_score(run, SPLIT_TEST, asking->claim->quantity);
  asking->asked++;
  if (!run->complete)
    asking->incomplete++;
  else if (isnan(*value))
    asking->unknown++;
  else if (run->kind->data == LEARNER_FRAMES && !(run_facts_score(run, SPLIT_TEST, "r2") > asking->claim->least_r2))
    asking->poor++;
  else
    return true;
  return false;
}

/* ---- The tests ---- */

/* That the mean is not as claimed, and what the number alone says. reference: the bound, in the unit of the mean. */
static void hold(struct claim_part *part, enum claim_test test, double reference) {
  const struct statistics_mean *mean = &part->mean;
  const double below = statistics_below(mean, reference);
  const bool less = test == CLAIM_BELOW || test == CLAIM_SMALLER;
  part->p = less ? below : 1 - below;
  if (test == CLAIM_DIFFERS) part->p = 2 * fmin(below, 1 - below);
  part->holds = test == CLAIM_DIFFERS ? mean->mean != reference
                : less                ? mean->mean < reference
                                      : mean->mean > reference;
  part->range = statistics_interval_of(mean, LEVEL);
  part->value = mean->mean;
  if (mean->error == 0 || isnan(mean->error)) { /* nothing is known to be uncertain */
    part->p = NAN;
    part->range = (struct statistics_interval){NAN, NAN};
  }
  if (!part->ratio) return;
  part->value = elementary_exp(part->value);
  part->range.low = elementary_exp(part->range.low);
  part->range.high = elementary_exp(part->range.high);
}

/* A new part; NULL when there is no room, which cannot be. */
static struct claim_part *add_part(struct asking *asking) {
  if (asking->answer->parts == asking->room) return NULL;
  struct claim_part *part = &asking->answer->part[asking->answer->parts++];
  *part = (struct claim_part){.flips = NAN};
  return part;
}

/* Whether a claim's seeds are there; else it is noted how many were. */
static bool has_enough(struct asking *asking, int64_t seeds) {
  if (seeds >= asking->claim->seeds) return true;
  asking->few++;
  asking->most = seeds > asking->most ? seeds : asking->most;
  return false;
}

static void answer_group(struct asking *asking, const struct run_group *group) {
  const struct claim *claim = asking->claim;
  char name[REPORT_NAME_MAX];
  int64_t count = 0;
  const struct run_facts *last = NULL;
  for (int64_t i = 0; i < group->runs; i++)
    if (find_value(asking, group->run[i], &asking->value[count])) {
      last = group->run[i];
      count++;
    }
  if (!has_enough(asking, count)) return;
  struct claim_part *part = add_part(asking);
  if (!part) return;
  snprintf(part->runs, sizeof part->runs, "%s", report_group_name(group, name));
  part->mean = statistics_mean_of(asking->value, count);
  if (count == 1) {
    char error[96];
    snprintf(error, sizeof error, "%s_error", claim->quantity);
    part->mean.error = run_facts_score(last, SPLIT_TEST, error);
    part->mean.freedom = INFINITY;
  }
  hold(part, claim->test, claim->bound);
}

/* Whether at most two lines of their configurations differ, the seed's and that of the key: of hundreds of runs this
 * spares most of what is_pair() would do. */
static bool may_be_pair(const struct run_facts *a, const struct run_facts *b) {
  const char *x = a->config_text, *y = b->config_text;
  int different = 0;
  while (*x && *y && different <= 2) {
    const size_t of_x = strcspn(x, "\n"), of_y = strcspn(y, "\n");
    different += of_x != of_y || memcmp(x, y, of_x) != 0;
    x += of_x + (x[of_x] == '\n');
    y += of_y + (y[of_y] == '\n');
  }
  return different <= 2 && !*x && !*y && strcmp(a->data.checksum, b->data.checksum) == 0;
}

/* Whether they differ in the key that is compared, and their seeds, alone. */
static enum status is_pair(const struct claim *claim, const struct run_facts *a, const struct run_facts *b,
                           bool *pair) {
  char to_value[SCHEMA_PATH_MAX + VALUE_TEXT_MAX], to_seed[64], differences[64];
  const char *words[] = {to_value, to_seed};
  struct config *other = NULL;
  *pair = false;
  if (!may_be_pair(a, b)) return STATUS_OK;
  snprintf(to_value, sizeof to_value, "%s=%s", claim->compare.key, claim->compare.value[0]);
  snprintf(to_seed, sizeof to_seed, "seed=%lld", (long long)a->seed);
  const enum status status = config_vary(b->config, words, 2, &other);
  if (status == STATUS_OK) *pair = config_differences(a->config, other, differences, sizeof differences) == 0;
  config_destroy(&other);
  if (status == STATUS_MEMORY) return status;
  status_clear(); /* a value that does not go with the rest of b's: then they differ in more */
  return STATUS_OK;
}

/* Values of a and b with the same seeds, as ratios where all are positive. */
static int64_t find_pairs(struct asking *asking, const struct run_group *a, const struct run_group *b, bool *ratio) {
  int64_t count = 0;
  double *x = asking->value, *y = asking->value + a->runs;
  *ratio = true;
  for (int64_t i = 0; i < a->runs; i++)
    for (int64_t k = 0; k < b->runs; k++) {
      if (a->run[i]->seed != b->run[k]->seed) continue;
      const bool has_a = find_value(asking, a->run[i], &x[count]), has_b = find_value(asking, b->run[k], &y[count]);
      if (!has_a || !has_b) continue;
      *ratio = *ratio && x[count] > 0 && y[count] > 0;
      count++;
      break;
    }
  for (int64_t i = 0; i < count; i++) x[i] = *ratio ? elementary_log(x[i]) - elementary_log(y[i]) : x[i] - y[i];
  return count;
}

static void answer_pair(struct asking *asking, const struct run_group *a, const struct run_group *b) {
  const struct claim *claim = asking->claim;
  char name_a[REPORT_NAME_MAX], name_b[REPORT_NAME_MAX];
  bool ratio;
  const int64_t count = find_pairs(asking, a, b, &ratio);
  if (!has_enough(asking, count)) return;
  struct claim_part *part = add_part(asking);
  if (!part) return;
  const double bound = isnan(claim->bound) ? 1 : claim->bound,
               reference = ratio && bound > 0 ? elementary_log(bound) : 0;
  const bool larger = claim->test == CLAIM_LARGER;
  snprintf(part->runs, sizeof part->runs, "%.150s beside %.150s", report_group_name(a, name_a),
           report_group_name(b, name_b));
  part->ratio = ratio;
  part->mean = statistics_mean_of(asking->value, count);
  hold(part, claim->test, reference);
  for (int64_t i = 0; i < count; i++) {
    const double apart = asking->value[i] - reference;
    part->agree +=
        claim->test == CLAIM_DIFFERS ? apart * (part->mean.mean - reference) > 0 : (larger ? apart > 0 : apart < 0);
    asking->value[i] = larger ? -apart : apart;
  }
  if (claim->test != CLAIM_DIFFERS) part->flips = statistics_sign_flip(asking->value, count);
}

static enum status answer_pairs(struct asking *asking) {
  const struct run_groups *groups = asking->groups;
  const struct claim *claim = asking->claim;
  for (int64_t i = 0; i < groups->groups; i++) {
    const struct run_group *a = &groups->group[i];
    if (!is_asked(claim, a->run[0]) || !has_value(a->run[0], &claim->compare, 0, 0)) continue;
    for (int64_t k = 0; k < groups->groups; k++) {
      const struct run_group *b = &groups->group[k];
      bool pair;
      if (!is_asked(claim, b->run[0]) || !has_value(b->run[0], &claim->compare, 1, 1)) continue;
      TRY(is_pair(claim, a->run[0], b->run[0], &pair));
      if (pair) answer_pair(asking, a, b);
    }
  }
  return STATUS_OK;
}

/* ---- Published figures ---- */

/* value / over with the errors of both; 1 - that for R2. */
static struct statistics_mean ratio_of(const struct published_row *row, const struct published_bound *over, bool rest) {
  const double value = row->value / over->value, of_row = published_error(row) / row->value,
               of_over = over->error / over->value;
  return (struct statistics_mean){.mean = rest ? 1 - value : value,
                                  .error = value * sqrt(of_row * of_row + of_over * of_over),
                                  .freedom = INFINITY,
                                  .count = 1};
}

static void answer_published(struct asking *asking) {
  const struct claim *claim = asking->claim;
  struct claim_answer *answer = asking->answer;
  struct claim_part *part = &answer->part[0];
  const struct published_row *row =
      claim->system ? published_find(PUBLISHED_REPRODUCTION, claim->model, claim->system, "test") : NULL;
  const bool rest = strcmp(claim->quantity, "r2") == 0, floor = strcmp(claim->quantity, "over_floor") == 0,
             five = strstr(claim->model, " 5-frame") != NULL;
  *part = (struct claim_part){.flips = NAN};
  if (!row) {
    int systems = 0;
    part->mean =
        (struct statistics_mean){published_relative_error(claim->model, claim->against, &systems), 0, INFINITY, 1};
    snprintf(part->runs, sizeof part->runs, "%s against the paper's %s, %d systems", claim->model, claim->against,
             systems);
  } else {
    const struct published_bound *over = published_bound(row->system, claim->noise,
                                                         rest    ? PUBLISHED_MEAN_IMAGE
                                                         : floor ? PUBLISHED_FLOOR
                                                         : five  ? PUBLISHED_LIMIT_PREDICT
                                                                 : PUBLISHED_LIMIT_ALL);
    snprintf(part->runs, sizeof part->runs, "published: %s, %s, %.4g over %.4g", row->model, row->system,
             1e4 * row->value, over ? 1e4 * over->value : (double)NAN);
    if (!over) {
      snprintf(answer->reason, sizeof answer->reason, "data/published_limits.csv has nothing to hold it against");
      return;
    }
    if (published_share(row) > 0 && published_figure_below(row, over->noise)) {
      snprintf(answer->reason, sizeof answer->reason,
               "with noise %g the figure is below what anyone can reach, so its data were others", over->noise);
      return;
    }
    part->mean = ratio_of(row, over, rest);
  }
  hold(part, claim->test, claim->bound);
  answer->parts = 1;
}

/* ---- The answer ---- */

static void say_left_out(const struct asking *asking, char *text, size_t size) {
  size_t used = 0;
  const struct {
    int64_t count;
    const char *what;
  } left[] = {{asking->incomplete, "not complete"},
              {asking->unknown, "without this score"},
              {asking->poor, "of too low an R2 to say anything"},
              {asking->answer->parts > 0 ? asking->few : 0, "groups of too few seeds"}};
  text[0] = '\0';
  for (size_t i = 0; i < sizeof left / sizeof *left && used < size; i++)
    if (left[i].count > 0)
      used += (size_t)snprintf(text + used, size - used, "%s%lld %s",
                               used ? ", " : "left out: ", (long long)left[i].count, left[i].what);
}

/* Why nothing could be tested. */
static void say_not_tested(const struct asking *asking) {
  char *reason = asking->answer->reason, left[160];
  const size_t size = sizeof asking->answer->reason;
  const bool pairs = asking->claim->compare.values > 0;
  if (*reason) return;
  say_left_out(asking, left, sizeof left);
  if (asking->asked == 0)
    snprintf(reason, size, pairs ? "there are no such pairs of runs" : "there are no such runs");
  else
    snprintf(reason, size, "too few seeds%s: %lld where %lld are asked for%s%s", pairs ? " in common" : "",
             (long long)asking->most, (long long)asking->claim->seeds, *left ? "; " : "", left);
}

/* The part that decides: the one that is least as claimed. */
static void find_worst(struct claim_answer *answer) {
  answer->worst = -1;
  answer->p = NAN;
  for (int64_t i = 0; i < answer->parts; i++) {
    const struct claim_part *part = &answer->part[i];
    const double p = isnan(part->p) ? (part->holds ? 0 : 1) : part->p,
                 before = answer->worst < 0                      ? -1
                          : isnan(answer->part[answer->worst].p) ? (answer->part[answer->worst].holds ? 0 : 1)
                                                                 : answer->part[answer->worst].p;
    if (p > before) answer->worst = i;
    if (!isnan(part->p) && !(part->p <= answer->p)) answer->p = part->p;
  }
}

static enum status answer_one(struct asking *asking) {
  if (asking->claim->model) {
    answer_published(asking);
  } else if (asking->claim->compare.values > 0) {
    TRY(answer_pairs(asking));
  } else {
    for (int64_t i = 0; i < asking->groups->groups; i++)
      if (is_asked(asking->claim, asking->groups->group[i].run[0])) answer_group(asking, &asking->groups->group[i]);
  }
  find_worst(asking->answer);
  asking->answer->verdict = CLAIM_NOT_TESTED;
  if (asking->answer->parts == 0)
    say_not_tested(asking);
  else
    say_left_out(asking, asking->answer->reason, sizeof asking->answer->reason);
  return STATUS_OK;
}

/* Once all p-values are known. */
static void decide(const struct claim *claim, struct claim_answer *answer) {
  if (answer->parts == 0) return;
  bool all = true;
  for (int64_t i = 0; i < answer->parts; i++) all = all && answer->part[i].holds;
  answer->verdict = all && !(answer->adjusted >= CLAIMS_ALPHA) ? CLAIM_SUPPORTED : CLAIM_NOT_SUPPORTED;
  if (answer->verdict == CLAIM_SUPPORTED) return;
  const struct claim_part *worst = &answer->part[answer->worst];
  char left[sizeof answer->reason];
  snprintf(left, sizeof left, "%s", answer->reason);
  const bool opposite = !worst->holds && (isnan(worst->p) || worst->p > 1 - CLAIMS_ALPHA);
  snprintf(answer->reason, sizeof answer->reason, "%s%s%.150s",
           opposite                       ? "the contrary is so"
           : !worst->holds                ? "the number is not as claimed, nor is the contrary sure"
           : claim->test == CLAIM_DIFFERS ? "no difference is sure"
                                          : "the number is as claimed, but that may be chance",
           *left ? "; " : "", left);
}

static enum status answer_all(const struct claims *claims, const struct run_groups *groups, int64_t count,
                              struct claim_answers *answers) {
  const int64_t room = claims->count + 1, parts = groups->groups * (groups->groups < 32 ? groups->groups : 32) + 1;
  answers->answer = arena_array(&answers->arena, room, sizeof *answers->answer);
  double *value = arena_array(&answers->arena, 2 * count + 2, sizeof *value),
         *p = arena_array(&answers->arena, room, sizeof *p), *adjusted = arena_array(&answers->arena, room, sizeof *p);
  struct claim_part *scratch = arena_array(&answers->arena, parts, sizeof *scratch);
  TRY(arena_check(&answers->arena, "answers to claims"));
  for (int64_t i = 0; i < claims->count; i++) {
    struct claim_answer *answer = &answers->answer[i];
    struct asking asking = {
        .claim = &claims->claim[i], .groups = groups, .answer = answer, .value = value, .room = parts};
    answer->part = scratch;
    TRY(answer_one(&asking));
    answer->part = arena_array(&answers->arena, answer->parts, sizeof *scratch);
    TRY(arena_check(&answers->arena, "answers to claims"));
    if (answer->parts > 0) memcpy(answer->part, scratch, (size_t)answer->parts * sizeof *scratch);
    p[i] = answer->p;
  }
  statistics_holm(p, claims->count, adjusted);
  for (int64_t i = 0; i < claims->count; i++) {
    answers->answer[i].adjusted = adjusted[i];
    decide(&claims->claim[i], &answers->answer[i]);
  }
  return STATUS_OK;
}

enum status claims_answer(const struct claims *claims, const struct run_facts *runs, int64_t count,
                          struct claim_answers *answers) {
  struct run_groups groups;
  *answers = (struct claim_answers){.answer = NULL};
  enum status status = run_groups_make(runs, count, &groups);
  if (status == STATUS_OK) status = answer_all(claims, &groups, count, answers);
  run_groups_close(&groups);
  return status;
}

void claims_answers_close(struct claim_answers *answers) {
  arena_free(&answers->arena);
  *answers = (struct claim_answers){.answer = NULL};
}
