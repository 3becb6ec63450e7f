/* Population based training: its section of a sweep file, and what goes with it. */
#include "sweep/sweep_private.h"
#include "train/origin.h"

#include <inttypes.h>

/* ---- The section ---- */

static void read_quantile(struct sweep_reader *reader, int node) {
  double *quantile = &reader->sweep->population.quantile;
  if (sweep_read_real(reader, node, "pbt.quantile", quantile) && !(*quantile > 0 && *quantile <= 0.5))
    sweep_refuse(reader, node, "pbt.quantile", "a real number > 0, <= 0.5");
}

static void read_factor(struct sweep_reader *reader, int node) {
  double *factor = &reader->sweep->population.factor;
  if (sweep_read_real(reader, node, "pbt.factor", factor) && !(*factor >= 1 && *factor <= 1000))
    sweep_refuse(reader, node, "pbt.factor", "a real number >= 1, <= 1000");
}

static void read_resample(struct sweep_reader *reader, int node) {
  double *resample = &reader->sweep->population.resample;
  if (sweep_read_real(reader, node, "pbt.resample", resample) && !(*resample >= 0 && *resample <= 1))
    sweep_refuse(reader, node, "pbt.resample", "a real number >= 0, <= 1");
}

void sweep_read_population(struct sweep_reader *reader, int node) {
  enum { MEMBERS_MAX = 1000 };
  static const struct sweep_key population_keys[] = {
      {"population", .kind = SWEEP_INTEGER, .offset = offsetof(struct sweep, population.size), .least = 1,
       .most = MEMBERS_MAX},
      {"every", .kind = SWEEP_INTEGER, .offset = offsetof(struct sweep, population.every), .least = 1,
       .most = SWEEP_REPORTS_MAX},
      {"quantile", .kind = SWEEP_SPECIAL, .read = read_quantile},
      {"factor", .kind = SWEEP_SPECIAL, .read = read_factor},
      {"resample", .kind = SWEEP_SPECIAL, .read = read_resample},
  };
  reader->population_mark = sweep_mark(reader, node);
  sweep_read_keys(reader, node, "pbt", population_keys, (int)(sizeof population_keys / sizeof *population_keys));
}

/* ---- What goes with it ---- */

/* A value that all members have may be of any key. */
static bool is_constant(const struct space_parameter *parameter) {
  return parameter->choice && parameter->distribution.count == 1;
}

static void check_parameters(struct sweep_reader *reader) {
  const struct space *space = &reader->sweep->space;
  for (int i = 0; i < space->count; ++i) {
    const struct space_parameter *parameter = &space->parameter[i];
    if (reader->broken[i] || is_constant(parameter) || origin_may_differ(&schema_rows[parameter->row])) continue;
    sweep_problem(reader, reader->parameter_mark[i],
                  "%s: pbt changes parameters in the middle of a training, which this one does not allow; expected one "
                  "value of it, or keys that say how a model learns: optimizer.*, objective.* but name and lambda",
                  parameter->given);
  }
}

/* Other ways to choose, or to compare, than by whole generations of single trainings. */
static void check_rest(struct sweep_reader *reader) {
  const struct sweep *sweep = reader->sweep;
  if (*sweep->early.type)
    sweep_problem(reader, sweep_key_mark(reader, "early_terminate"),
                  "early_terminate does not go with method pbt, which gives up the worst of each generation itself");
  if (sweep->repeats > 1)
    sweep_problem(reader, sweep_key_mark(reader, "repeats"),
                  "repeats: %" PRId64 " do not go with method pbt: a member is one training, on one seed",
                  sweep->repeats);
  if (sweep->confirm > 0)
    sweep_problem(reader, reader->confirm_mark,
                  "confirm does not go with method pbt: what the best has come to is not of its parameters alone");
  if (sweep->arrival)
    sweep_problem(reader, sweep_key_mark(reader, "order"),
                  "order: arrival does not go with method pbt, which chooses by all results of a generation");
  if (sweep->enqueues > sweep->population.size)
    sweep_problem(reader, sweep_key_mark(reader, "enqueue"),
                  "enqueue has %" PRId64 " configurations and pbt.population is %" PRId64
                  ": expected no more than the first generation has",
                  sweep->enqueues, sweep->population.size);
}

static void count_configurations(struct sweep_reader *reader) {
  struct sweep *sweep = reader->sweep;
  const struct method_population *population = &sweep->population;
  const int64_t generations = (sweep->reports + population->every - 1) / population->every,
                all = population->size * generations;
  if (sweep->run_cap > 0 && sweep->run_cap != all)
    sweep_problem(reader, sweep_key_mark(reader, "run_cap"),
                  "run_cap is %" PRId64 ", and %" PRId64 " members in each of %" PRId64 " generations are %" PRId64
                  " configurations: leave it out",
                  sweep->run_cap, population->size, generations, all);
  if (all > SWEEP_RUNS_MAX)
    sweep_problem(reader, reader->population_mark.line ? reader->population_mark : (struct document_mark){1, 1},
                  "pbt: %" PRId64 " members in each of %" PRId64 " generations are more than %d configurations",
                  population->size, generations, (int)SWEEP_RUNS_MAX);
  sweep->run_cap = all;
}

void sweep_check_population(struct sweep_reader *reader) {
  const struct sweep *sweep = reader->sweep;
  if (!sweep->method || !sweep->base) return;
  if (!sweep->method->part) {
    if (reader->population_mark.line > 0)
      sweep_problem(reader, reader->population_mark, "pbt: is for method pbt alone, and the method is %s",
                    sweep->method->name);
    return;
  }
  check_parameters(reader);
  check_rest(reader);
  count_configurations(reader);
}
