/* The first configurations of a sweep, drawn and looked at without running any. */
#include "cli/sweep_forecast.h"
#include "store/output.h"
#include "train/source.h"

#include <math.h>
#include <string.h>

/* ---- Looking ---- */

static void find(struct forecast_found *found, int64_t configuration, const char *text) {
  if (found->count++ > 0) return;
  found->first = configuration;
  snprintf(found->text, sizeof found->text, "%s", text);
}

static void look_at_data(struct forecast_draws *draws, const struct experiment *experiment,
                         struct forecast_configuration *configuration) {
  const char *file = experiment->training.data.file;
  configuration->there = true;
  if (experiment->training.model.name == MODEL_SYNTHETIC) return;
  if (output_exists(file, &configuration->there) != STATUS_OK) status_clear();
  if (!configuration->there) find(&draws->missing, draws->count, file);
}

static void look_at_lanes(const struct sweep *sweep, struct forecast_draws *draws, const struct experiment *experiment,
                          struct forecast_configuration *configuration) {
  const struct train_settings *train = &experiment->training.train;
  char text[FORECAST_TEXT_MAX];
  if (experiment->training.model.name == MODEL_SYNTHETIC) return;
  configuration->lanes = lanes_cut(train->batch, train->microbatch).count;
  if (configuration->lanes >= sweep->resources.ranks_per_trial) return;
  snprintf(text, sizeof text, "%lld lane%s", (long long)configuration->lanes, configuration->lanes == 1 ? "" : "s");
  find(&draws->narrow, draws->count, text);
}

static enum status look(const struct sweep *sweep, struct forecast_draws *draws, const double *point) {
  struct forecast_configuration *configuration = &draws->configuration[draws->count];
  const char *violated = sweep_violates(sweep, point);
  struct config *config;
  *configuration = (struct forecast_configuration){.point = point, .infeasible = violated != NULL};
  if (violated) {
    find(&draws->infeasible, draws->count, violated);
    return STATUS_OK;
  }
  const enum status status = sweep_trial_config(sweep, point, ledger_seed(sweep, 0), &config);
  if (status == STATUS_MEMORY) return status;
  if (status != STATUS_OK) {
    configuration->refused = true;
    find(&draws->refused, draws->count, status_message());
    status_clear();
    return STATUS_OK;
  }
  const struct experiment *experiment = config_experiment(config);
  const struct training *training = &experiment->training;
  configuration->steps = training->train.steps;
  configuration->every = training->eval.every;
  configuration->rollouts = training->eval.rollouts;
  configuration->end = training->eval.final;
  configuration->sleep = training->synthetic.sleep;
  look_at_data(draws, experiment, configuration);
  look_at_lanes(sweep, draws, experiment, configuration);
  config_destroy(&config);
  return STATUS_OK;
}

/* As the search chooses; in the place of a method that learns from results, points at random; of generations, the
 * first. */
static enum status choose(const struct sweep *sweep, struct ledger *ledger, int64_t most,
                          struct forecast_draws *draws) {
  struct search search;
  enum search_answer answer = SEARCH_CHOSEN;
  TRY(search_open(sweep, ledger, &search));
  enum status status = STATUS_OK;
  while (draws->count < most && answer == SEARCH_CHOSEN && status == STATUS_OK) {
    status = search_next(&search, &answer);
    if (status != STATUS_OK || answer != SEARCH_CHOSEN) break;
    status = look(sweep, draws, ledger->point + draws->count * ledger->shape.parameters);
    draws->count += status == STATUS_OK;
  }
  search_close(&search);
  return status;
}

enum status forecast_draw(const struct sweep *sweep, int64_t configurations, struct forecast_draws *draws) {
  const int64_t fresh = sweep->method->part ? sweep->population.size : configurations,
                most = fresh < FORECAST_LOOKED_AT ? fresh : FORECAST_LOOKED_AT;
  struct sweep drawn = *sweep;
  *draws = (struct forecast_draws){.count = 0};
  if (drawn.method->learns && !drawn.method->part) drawn.method = &method_random;
  for (int m = 0; m < drawn.metrics; m++) drawn.metric[m].target = NAN; /* nothing is known of results */
  drawn.early.type[0] = '\0';
  draws->configuration = arena_array(&draws->arena, most, sizeof *draws->configuration);
  TRY(arena_check(&draws->arena, "the first configurations"));
  TRY(ledger_imagine(&drawn, most, &draws->ledger));
  return choose(&drawn, &draws->ledger, most, draws);
}

void forecast_draws_free(struct forecast_draws *draws) {
  arena_free(&draws->arena);
  ledger_close(&draws->ledger);
  *draws = (struct forecast_draws){.count = 0};
}
