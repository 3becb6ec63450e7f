#include "train/verdict.h"

#include <math.h>
#include <string.h>

static double score_named(const struct learner *learner, const struct evaluation *evaluation, const char *name) {
  const struct learner_kind *kind = learner->kind;
  for (int i = 0; evaluation && i < kind->scores; i++)
    if (strcmp(kind->score[i].name, name) == 0) return evaluation->score[i];
  return NAN;
}

static double at_bound(const struct learner *learner) {
  const struct objective_settings *settings = &learner->training->objective;
  const struct learner_kind *kind = learner->kind;
  if (settings->name != OBJECTIVE_GECO) return 0;
  for (int i = 0; i < kind->scalars; i++)
    if (strcmp(kind->scalar[i].name, "lambda") == 0)
      return learner->scalar[i] <= settings->lambda_bounds[0] || learner->scalar[i] >= settings->lambda_bounds[1];
  return 0;
}

struct verdict verdict_unknown(void) {
  struct verdict verdict;
  for (int i = 0; i < VERDICT_COUNT; i++) verdict.of[i] = NAN;
  return verdict;
}

struct verdict verdict_find(const struct learner *learner, const struct evaluation *evaluation, double gradient) {
  const double r2 = score_named(learner, evaluation, "r2"), range = evaluation && learner->kind->data == LEARNER_FRAMES
                                                                        ? evaluation->highest - evaluation->lowest
                                                                        : (double)NAN;
  struct verdict verdict = verdict_unknown();
  if (!isnan(r2)) verdict.of[VERDICT_NO_BETTER] = r2 <= VERDICT_R2;
  if (!isnan(gradient)) verdict.of[VERDICT_VANISHED] = gradient < learner->training->optimizer.epsilon;
  if (!isnan(range)) verdict.of[VERDICT_SATURATED] = range < 1.0 / 255;
  verdict.of[VERDICT_AT_BOUND] = at_bound(learner);
  return verdict;
}

const char *verdict_text(enum verdict_of of) {
  static const char *const texts[VERDICT_COUNT] = {
      [VERDICT_NO_BETTER] =
          "it is no better than the mean training image (R2 is at most 0.01): nothing has been learned of "
          "what moves, and that H is conserved says nothing",
      [VERDICT_VANISHED] =
          "the gradient has vanished (its norm is below optimizer.epsilon): no parameter moves any more, "
          "and more steps change nothing",
      [VERDICT_SATURATED] = "every picture that it draws is of one even colour: the decoder's output is saturated",
      [VERDICT_AT_BOUND] = "GECO's lambda is at one of objective.lambda_bounds, and balances error and KL no more"};
  return texts[of];
}

const char *verdict_advice(const struct verdict *verdict) {
  if (verdict->of[VERDICT_VANISHED] > 0 || verdict->of[VERDICT_SATURATED] > 0)
    return "learning has died: try a much smaller optimizer.learning_rate (a twentieth, say) with a longer "
           "optimizer.warmup";
  if (verdict->of[VERDICT_AT_BOUND] > 0)
    return "at the upper bound kappa has not been reached: try a larger objective.kappa, a smaller objective.rate, or "
           "more train.steps";
  if (verdict->of[VERDICT_NO_BETTER] > 0)
    return "try more train.steps, another optimizer.learning_rate with a warm-up, or another seed";
  return NULL;
}
