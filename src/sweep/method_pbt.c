/* Population based training (Jaderberg et al., arXiv 1711.09846), by generations: member i of generation g is
 * configuration g * size + i, a training of `every` reports that begins in the last state of a member of the generation
 * before. By truncation selection (section 4.1 there) the worst members take the state of one of the best, and its
 * point changed a little; the others go on as they are.
 *
 * The first generation are points at random. A generation is chosen by the results of the one before, all of them.
 */
#include "base/rng.h"
#include "sweep/method.h"

#include <math.h>
#include <stdlib.h>

/* Streams of a configuration: which donor, and for each parameter whether it is drawn anew, a draw, a direction. */
enum { SUB_DONOR, SUB_RESAMPLE, SUB_FRESH, SUB_TURN, SUBS };

static double draw(const struct method_task *task, int64_t configuration, int parameter, int sub) {
  struct rng rng =
      rng_stream(task->seed, RNG_PROPOSE, (uint64_t)configuration, (uint32_t)(SUBS * (parameter + 1) + sub));
  return rng_uniform(&rng);
}

static int64_t generation_of(const struct method_task *task, int64_t configuration) {
  return configuration / task->population.size;
}

static struct method_part part(const struct method_task *task, int64_t configuration) {
  const int64_t g = generation_of(task, configuration), every = task->population.every;
  return (struct method_part){.needed = g * task->population.size,
                              .begin = g * every,
                              .end = (g + 1) * every < task->reports ? (g + 1) * every : 0};
}

/* ---- Which member begins where ---- */

/* A state is there. */
static bool can_go_on(const struct history *history, int64_t c) { return history->state[c] == TRIAL_COMPLETE; }

/* INFINITY: the worst of those that can go on. */
static double rank_of(const struct method_task *task, const struct history *history, int64_t c) {
  const double value = history->value[c * task->metrics];
  return history->feasible[c] && isfinite(value) ? value : (double)INFINITY;
}

/* Those that cannot go on stand behind all who can; of equal ones the lower number is before. */
static bool is_before(const struct method_task *task, const struct history *history, int64_t a, int64_t b) {
  if (can_go_on(history, a) != can_go_on(history, b)) return can_go_on(history, a);
  const double x = rank_of(task, history, a), y = rank_of(task, history, b);
  return x < y || (x == y && a < b);
}

/* How many members of its generation stand before one. */
static int64_t place_of(const struct method_task *task, const struct history *history, int64_t first, int64_t c) {
  int64_t place = 0;
  for (int64_t other = first; other < first + task->population.size; other++)
    place += other != c && is_before(task, history, other, c);
  return place;
}

/* The member of a generation at a place, from 0: the best. */
static int64_t member_at(const struct method_task *task, const struct history *history, int64_t first, int64_t place) {
  int64_t c = first;
  while (place_of(task, history, first, c) != place) c++;
  return c;
}

/* How many of the worst are exploited, and of the best gone on from. */
static int64_t cut_of(const struct method_task *task) {
  const struct method_population *population = &task->population;
  const int64_t cut = (int64_t)floor(population->quantile * (double)population->size + 1e-9);
  return population->size < 2 ? 0 : cut < 1 ? 1 : cut;
}

/* Of the best, those that have a value: at the leading places. */
static int64_t count_donors(const struct method_task *task, const struct history *history, int64_t first) {
  const int64_t cut = cut_of(task);
  int64_t donors = 0;
  for (int64_t c = first; c < first + task->population.size; c++)
    donors += can_go_on(history, c) && isfinite(rank_of(task, history, c)) && place_of(task, history, first, c) < cut;
  return donors;
}

/* Its own predecessor, or a donor's; -1: no member of the generation before can be gone on from, or it is of the first.
 * Where no donor has a value, the first that can go on is one. */
static int64_t origin(const struct method_task *task, const struct history *history, int64_t configuration) {
  const int64_t size = task->population.size, own = configuration - size;
  if (own < 0) return -1;
  const int64_t first = generation_of(task, own) * size, cut = cut_of(task);
  if (can_go_on(history, own) && place_of(task, history, first, own) < size - cut) return own;
  const int64_t donors = count_donors(task, history, first);
  if (donors == 0) {
    const int64_t best = member_at(task, history, first, 0);
    return can_go_on(history, best) ? best : -1;
  }
  const double u = draw(task, configuration, -1, SUB_DONOR);
  return member_at(task, history, first, (int64_t)floor(u * (double)donors));
}

/* ---- Which point it has ---- */

/* One place up or down in the list, or where it is; not beyond its ends. */
static double turn_choice(const struct distribution *distribution, double index, double u) {
  const double turned = index + floor(3 * u) - 1;
  return turned < 0 ? 0 : turned > (double)(distribution->count - 1) ? (double)(distribution->count - 1) : turned;
}

/* Larger or smaller by the factor, within what the distribution has. */
static double turn_number(const struct distribution *distribution, double value, double factor, double u) {
  double low, high;
  distribution_ends(distribution, &low, &high);
  double turned = u < 0.5 ? value * factor : value / factor;
  if (distribution_is_quantised(distribution->kind)) turned = rint(turned / distribution->q) * distribution->q;
  if (distribution->kind == DISTRIBUTION_INT_UNIFORM) turned = rint(turned);
  return fmin(fmax(turned, low), high) + 0.0; /* -0 never comes */
}

static double turn(const struct method_task *task, int64_t configuration, int parameter, double value) {
  const struct distribution *distribution = &task->space->parameter[parameter].distribution;
  const bool anew = draw(task, configuration, parameter, SUB_RESAMPLE) < task->population.resample;
  if (anew || isnan(value)) /* or it takes part here alone */
    return distribution_quantile(distribution, draw(task, configuration, parameter, SUB_FRESH));
  const double u = draw(task, configuration, parameter, SUB_TURN);
  return distribution_is_choice(distribution->kind) ? turn_choice(distribution, value, u)
                                                    : turn_number(distribution, value, task->population.factor, u);
}

static enum status propose(const struct method_task *task, void *memory, const struct history *history, int64_t draws,
                           double *point, bool *exhausted) {
  const int64_t c = history->count, from = origin(task, history, c);
  const int parameters = task->space->count;
  (void)memory;
  (void)draws;
  *exhausted = from < 0 && c >= task->population.size;
  if (*exhausted) return STATUS_OK;
  for (int i = 0; i < parameters; i++) {
    const double value = from < 0 ? (double)NAN : history->point[from * parameters + i];
    point[i] = from >= 0 && from == c - task->population.size ? value : turn(task, c, i, value);
  }
  space_settle(task->space, point);
  return STATUS_OK;
}

const struct method_kind method_pbt = {
    .name = "pbt", .learns = true, .several = false, .propose = propose, .part = part, .origin = origin};
