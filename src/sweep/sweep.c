#include "sweep/sweep.h"

#include "sweep/sweep_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sweep_destroy(struct sweep **sweep) {
  if (!*sweep) return;
  config_destroy(&(*sweep)->base);
  for (int i = 0; i < (*sweep)->constraints; ++i) expression_destroy(&(*sweep)->constraint[i]);
  arena_free(&(*sweep)->arena);
  free(*sweep);
  *sweep = NULL;
}

bool sweep_has_target(const struct sweep *sweep) {
  for (int m = 0; m < sweep->metrics; m++)
    if (!isnan(sweep->metric[m].target)) return true;
  return false;
}

/* ---- Trials ---- */

typedef char word_text[SPACE_WORD_MAX];

/* The seed of a trial is the harness's, unless it is searched. */
static enum status make_words(const struct sweep *sweep, const double *point, int64_t seed, word_text *words,
                              int *count) {
  bool seeded = false;
  for (int i = 0; i < sweep->space.count; ++i) {
    bool takes_part;
    TRY(space_word(&sweep->space, point, i, words[*count], &takes_part));
    if (!takes_part) continue;
    *count += 1;
    seeded |= strcmp(sweep->space.parameter[i].name, "seed") == 0;
  }
  if (!seeded) snprintf(words[(*count)++], sizeof *words, "seed=%" PRId64, seed);
  return STATUS_OK;
}

enum status sweep_trial_config(const struct sweep *sweep, const double *point, int64_t seed, struct config **config) {
  const char *word[SPACE_PARAMETERS_MAX + 1];
  int count = 0;
  *config = NULL;
  word_text *words = calloc((size_t)sweep->space.count + 1, sizeof *words);
  REQUIRE(words, STATUS_MEMORY, "out of memory for a trial");
  enum status status = make_words(sweep, point, seed, words, &count);
  for (int i = 0; i < count; ++i) word[i] = words[i];
  if (status == STATUS_OK) status = config_vary(sweep->base, word, count, config);
  free(words);
  return status;
}

/* ---- Constraints ---- */

struct scores {
  const char *const *name;
  const double *value;
  int count;
};

static double score_of(const struct sweep *sweep, const struct scores *scores, const char *name) {
  name = sweep_our_name(sweep, name);
  for (int i = 0; i < scores->count; ++i)
    if (strcmp(scores->name[i], name) == 0) return scores->value[i];
  return (double)NAN;
}

/* Whether the constraint is one of those asked for, and does not hold. scores: NULL for those of parameters alone. */
static bool is_broken(const struct sweep *sweep, const struct expression *constraint, const double *point,
                      const struct scores *scores) {
  double value[EXPRESSION_NAMES_MAX];
  bool of_scores = false;
  for (int i = 0; i < expression_names(constraint); ++i) {
    const char *name = expression_name(constraint, i);
    const int parameter = sweep_find_parameter(sweep, name);
    if (parameter >= 0) {
      value[i] = space_number(&sweep->space, point, parameter);
      if (isnan(value[i])) return false; /* it does not take part */
      continue;
    }
    of_scores = true;
    value[i] = scores ? score_of(sweep, scores, name) : (double)NAN;
  }
  if (of_scores != (scores != NULL)) return false;
  const double result = expression_value(constraint, value);
  return !isfinite(result) || result == 0;
}

static const char *first_broken(const struct sweep *sweep, const double *point, const struct scores *scores) {
  for (int i = 0; i < sweep->constraints; ++i)
    if (is_broken(sweep, sweep->constraint[i], point, scores)) return expression_text(sweep->constraint[i]);
  return NULL;
}

const char *sweep_violates(const struct sweep *sweep, const double *point) { return first_broken(sweep, point, NULL); }

const char *sweep_violates_score(const struct sweep *sweep, const double *point, const char *const *names,
                                 const double *scores, int count) {
  const struct scores all = {names, scores, count};
  return first_broken(sweep, point, &all);
}
