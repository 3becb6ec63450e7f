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

enum status sweep_require(const struct sweep *sweep) {
  char lacking[160] = "";
  if (!sweep->method) snprintf(lacking, sizeof lacking, "method \"%s\"", sweep->method_name);
  if (*sweep->early.type) {
    const size_t used = strlen(lacking);
    snprintf(lacking + used, sizeof lacking - used, "%searly_terminate", used ? ", " : "");
  }
  if (sweep->metrics > 1) {
    const size_t used = strlen(lacking);
    snprintf(lacking + used, sizeof lacking - used, "%smetrics", used ? ", " : "");
  }
  REQUIRE(!*lacking, STATUS_UNAVAILABLE, "not in this version of hgn: %s", lacking);
  return STATUS_OK;
}

/* ---- Early stopping ---- */

/* The rungs from max_iter downwards, as W&B has them: the fraction is kept on the way, and cut for each rung. */
static int rungs_down(const struct sweep_early *early, int64_t rung[SWEEP_RUNGS_MAX]) {
  int count = 0;
  double at = (double)early->max_iter;
  for (int64_t k = 0; k < early->s && count < SWEEP_RUNGS_MAX; ++k) {
    at /= early->eta;
    if (at < 1) break;
    rung[count++] = (int64_t)at;
  }
  for (int i = 0; i < count / 2; ++i) {
    const int64_t swapped = rung[i];
    rung[i] = rung[count - 1 - i];
    rung[count - 1 - i] = swapped;
  }
  return count;
}

/* Small factors may give the same whole number again: that is one rung. */
static int drop_equal(int64_t rung[SWEEP_RUNGS_MAX], int count) {
  int kept = 0;
  for (int i = 0; i < count; ++i)
    if (kept == 0 || rung[i] > rung[kept - 1]) rung[kept++] = rung[i];
  return kept;
}

int sweep_rungs(const struct sweep *sweep, int64_t rung[SWEEP_RUNGS_MAX]) {
  const struct sweep_early *early = &sweep->early;
  if (!*early->type) return 0;
  if (early->max_iter > 0 && early->s > 0) return drop_equal(rung, rungs_down(early, rung));
  const int64_t end = early->max_iter > 0 ? early->max_iter : sweep->reports;
  int count = 0;
  int64_t last = 0;
  for (double at = (double)(early->min_iter > 0 ? early->min_iter : 1); at < (double)end; at *= early->eta) {
    if (count == SWEEP_RUNGS_MAX) break;
    if ((int64_t)at == last) continue;
    last = rung[count++] = (int64_t)at;
  }
  return count;
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
