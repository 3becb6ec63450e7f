/* What a trial costs, from a few steps and a few evaluated rollouts. */
#include "base/log.h"
#include "base/stop.h"
#include "cli/sweep_forecast.h"
#include "config/schema.h"
#include "train/numerics.h"
#include "train/trainer.h"

#include <math.h>
#include <string.h>

static const double longest = 3; /* s of steps */
enum { STEPS = 5, ROLLOUTS = EVALUATION_GROUP };

/* ---- Measuring. Collective over one rank ---- */

static enum status go_on(void) {
  REQUIRE(!stop_requested(), STATUS_INTERRUPTED, "stopped by a signal");
  return STATUS_OK;
}

/* The first step is longer than those after it: memory is touched the first time, states are read. Of these the
 * shortest counts: others share the machine, which makes steps longer and never shorter. */
static enum status measure_steps(const struct comm *self, const struct config *config, struct corpus *corpus,
                                 struct forecast_cost *cost) {
  const struct trainer_setup setup = {.config = config, .corpus = corpus};
  struct trainer *trainer;
  unsigned events = 0;
  TRY(trainer_open(self, &setup, &trainer));
  cost->parameters = layout_parameters(trainer_outcome(trainer).learner->layout);
  enum status status = trainer_advance(trainer, 1, TRAINER_GO, &events);
  cost->step = trainer_timing(trainer).working; /* all there is, where it has one step */
  const double began = log_clock();
  for (int i = 0; i < STEPS && status == STATUS_OK && !(events & TRAINER_ENDED); i++) {
    const double now = log_clock();
    if (i > 0 && now - began > longest) break;
    status = go_on();
    if (status == STATUS_OK) status = trainer_advance(trainer, trainer_step(trainer) + 1, TRAINER_GO, &events);
    if (!(events & TRAINER_ENDED)) cost->step = fmin(cost->step, log_clock() - now); /* the last evaluates too */
  }
  trainer_close(&trainer);
  return status;
}

/* s of a rollout: the least of some, for the first time touches the memory. */
static enum status measure_rollouts(const struct comm *self, struct learner *learner, struct corpus *corpus,
                                    const struct yardstick *yardstick, bool reversed, double *seconds) {
  const int64_t there = corpus->data.rollouts[SPLIT_TEST], rollouts = there < ROLLOUTS ? there : ROLLOUTS;
  *seconds = INFINITY;
  for (int again = 0; again < 3; again++) {
    struct evaluation_set set;
    struct evaluation evaluation = {.by_frame = NULL};
    TRY(go_on());
    TRY(evaluation_set_first(self, &corpus->source, SPLIT_TEST, rollouts, reversed ? rollouts : 0, &set));
    const double began = log_clock();
    const enum status status = learner_evaluate(learner, self, &corpus->source, &set, yardstick, &evaluation);
    *seconds = fmin(*seconds, (log_clock() - began) / (double)rollouts);
    evaluation_set_free(&set);
    evaluation_free(&evaluation);
    TRY(status);
  }
  return STATUS_OK;
}

static enum status measure_evaluation(const struct comm *self, const struct config *config, struct corpus *corpus,
                                      struct forecast_cost *cost) {
  struct learner learner;
  struct yardstick yardstick;
  TRY(learner_open(NULL, config_experiment(config), &corpus->data, &learner));
  learner.kind->initialize(&learner);
  learner.kind->changed(&learner);
  enum status status = corpus_yardstick(corpus, &learner.protocol, &yardstick);
  if (status == STATUS_OK) {
    status = measure_rollouts(self, &learner, corpus, &yardstick, false, &cost->plain);
    if (status == STATUS_OK) status = measure_rollouts(self, &learner, corpus, &yardstick, true, &cost->reversed);
    yardstick_free(&yardstick);
  }
  learner_close(&learner);
  return status;
}

/* Without evaluations on the way, which are no part of a step. */
static enum status measure(const struct comm *self, const struct sweep *sweep, const double *point,
                           struct forecast_cost *cost) {
  static const char *const words[] = {"eval.every=0"};
  struct config *trial = NULL, *config = NULL;
  struct corpus corpus = {.comm = NULL};
  enum status status = sweep_trial_config(sweep, point, ledger_seed(sweep, 0), &trial);
  if (status == STATUS_OK) status = config_vary(trial, words, 1, &config);
  if (status == STATUS_OK) status = corpus_open(self, config_experiment(config)->training.data.file, &corpus);
  if (status == STATUS_OK) {
    memcpy(cost->rollouts, corpus.data.rollouts, sizeof cost->rollouts);
    status = measure_steps(self, config, &corpus, cost);
    if (status == STATUS_OK) status = measure_evaluation(self, config, &corpus, cost);
    corpus_close(&corpus);
  }
  config_destroy(&config);
  config_destroy(&trial);
  return status;
}

/* ---- Which ones ---- */

static bool can_be_measured(const struct forecast_configuration *configuration) {
  return !configuration->infeasible && !configuration->refused && configuration->there;
}

/* The k-th of those that can be; -1: there are fewer. */
static int64_t find_place(const struct forecast_draws *draws, int64_t k) {
  for (int64_t c = 0; c < draws->count; c++)
    if (can_be_measured(&draws->configuration[c]) && k-- == 0) return c;
  return -1;
}

/* The first, the last and one between them: neighbours of a grid are much alike. */
static enum status measure_some(const struct comm *self, const struct sweep *sweep, const struct forecast_draws *draws,
                                struct forecast_costs *costs) {
  int64_t there = 0;
  for (int64_t c = 0; c < draws->count; c++) there += can_be_measured(&draws->configuration[c]);
  const int64_t wanted = there < FORECAST_MEASURED ? there : FORECAST_MEASURED;
  for (int64_t i = 0; i < wanted; i++) {
    const int64_t c = find_place(draws, wanted > 1 ? i * (there - 1) / (wanted - 1) : 0);
    struct forecast_cost *cost = &costs->cost[costs->count];
    *cost = (struct forecast_cost){.configuration = c};
    const enum status status = measure(self, sweep, draws->configuration[c].point, cost);
    if (status == STATUS_OK) {
      costs->count += 1;
      continue;
    }
    if (status == STATUS_MPI || status == STATUS_INTERRUPTED) return status;
    if (!*costs->why) snprintf(costs->why, sizeof costs->why, "configuration %lld: %s", (long long)c, status_message());
    status_clear();
  }
  return STATUS_OK;
}

enum status forecast_measure(const struct sweep *sweep, const struct forecast_draws *draws,
                             struct forecast_costs *costs) {
  struct comm self;
  *costs = (struct forecast_costs){.synthetic = config_experiment(sweep->base)->training.model.name == MODEL_SYNTHETIC};
  if (costs->synthetic) return STATUS_OK;
  TRY(comm_open(MPI_COMM_SELF, &self));
  log_scope("", false); /* what a training says is not the plan's */
  enum status status = numerics_agree(&self);
  if (status == STATUS_OK) status = measure_some(&self, sweep, draws, costs);
  log_scope(NULL, false);
  comm_close(&self);
  return status;
}

/* ---- What follows ---- */

static double least(double a, double b) { return a < b ? a : b; }

/* s of the first `rollouts` of a split, of which the first EVALUATION_REVERSED are followed back. */
static double evaluation_seconds(const struct forecast_cost *cost, double rollouts) {
  const double reversed = least(rollouts, EVALUATION_REVERSED);
  return reversed * cost->reversed + (rollouts - reversed) * cost->plain;
}

static double seconds_by(const struct forecast_cost *cost, const struct forecast_configuration *c, double *evaluating) {
  const double all_test = (double)cost->rollouts[SPLIT_TEST], all_validation = (double)cost->rollouts[SPLIT_VALIDATION],
               asked = c->rollouts ? (double)c->rollouts : INFINITY, test = least(asked, all_test),
               reports = (double)(c->every > 0 ? (c->steps + c->every - 1) / c->every : 1);
  double last = least((double)c->end, all_test);
  if (c->end == SCHEMA_WORD(FINAL_ALL)) last = all_test;
  if (c->end == SCHEMA_WORD(FINAL_SAME)) last = test;
  const double train = least(c->rollouts ? (double)c->rollouts : 200, (double)cost->rollouts[SPLIT_TRAIN]);
  *evaluating = reports * (evaluation_seconds(cost, least(asked, all_validation)) + train * cost->plain) +
                (reports - 1) * evaluation_seconds(cost, test) + evaluation_seconds(cost, last);
  return *evaluating + (double)c->steps * cost->step;
}

double forecast_trial_seconds(const struct forecast_costs *costs, const struct forecast_configuration *configuration,
                              double *evaluating) {
  double seconds = 0, part;
  *evaluating = 0;
  if (costs->synthetic) return (double)configuration->steps * configuration->sleep;
  for (int i = 0; i < costs->count; i++) {
    seconds += seconds_by(&costs->cost[i], configuration, &part) / costs->count;
    *evaluating += part / costs->count;
  }
  return seconds;
}
