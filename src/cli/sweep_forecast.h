/* What the sources of `hgn sweep FILE --dry-run` share.
 *
 * Root only: of one process.
 */
#ifndef HGN_CLI_SWEEP_FORECAST_H
#define HGN_CLI_SWEEP_FORECAST_H

#include "base/arena.h"
#include "cli/sweep_cli.h"

enum { FORECAST_LOOKED_AT = 1000, FORECAST_MEASURED = 3, FORECAST_TEXT_MAX = 1200, FORECAST_LABEL = 14 };

/* One of the first configurations, as its trials would be. */
struct forecast_configuration {
  const double *point;
  bool infeasible;       /* it violates a constraint, and is not run */
  bool refused;          /* its keys do not go together: its trials fail */
  bool there;            /* its data set is there, or it needs none */
  int64_t lanes;         /* of a batch; 0: not cut */
  int64_t steps, every;  /* eval.every */
  int64_t rollouts, end; /* eval.rollouts, eval.final; words of the schema are negative */
  double sleep;          /* s of a synthetic step */
};

/* What has been found of something, and of which configuration first. */
struct forecast_found {
  int64_t count, first;
  char text[FORECAST_TEXT_MAX];
};

struct forecast_draws {
  struct forecast_configuration *configuration; /* [count] */
  int64_t count;
  struct forecast_found infeasible, refused, narrow /* fewer lanes than ranks */, missing /* data sets */;
  struct ledger ledger; /* holds their points */
  struct arena arena;
};

/* The first configurations of a sweep, up to FORECAST_LOOKED_AT, as they are chosen where no results are looked at; of
 * a method that learns as many at random, of generations the first. Freed with forecast_draws_free(), after a failure
 * too. STATUS_MEMORY. */
enum status forecast_draw(const struct sweep *sweep, int64_t configurations, struct forecast_draws *draws);
void forecast_draws_free(struct forecast_draws *draws);

/* What a trial costs on one rank, measured on a configuration. */
struct forecast_cost {
  int64_t configuration;
  double step;                   /* s */
  double plain, reversed;        /* s of a rollout that is evaluated; of one that is also followed back */
  int64_t rollouts[SPLIT_COUNT]; /* of its data */
  int64_t parameters;
};

struct forecast_costs {
  struct forecast_cost cost[FORECAST_MEASURED];
  int count;
  bool synthetic;              /* nothing has to be measured */
  char why[FORECAST_TEXT_MAX]; /* the first configuration that could not be measured; "": none */
};

/* Takes a few steps and evaluates a few rollouts of up to FORECAST_MEASURED configurations, whose data sets are there.
 * Writes nothing. STATUS_MPI, STATUS_INTERRUPTED; what is wrong with a configuration is only told. */
enum status forecast_measure(const struct sweep *sweep, const struct forecast_draws *draws,
                             struct forecast_costs *costs);

/* s of a trial of that configuration on one rank; of its time, in evaluations. */
double forecast_trial_seconds(const struct forecast_costs *costs, const struct forecast_configuration *configuration,
                              double *evaluating);

#endif
