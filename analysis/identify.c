#include "analysis/identify.h"

#include "analysis/columns.h"

#include <math.h>
#include <string.h>

/* What both directions work on. */
struct both {
  struct grid *grid;
  const struct latent *latent;
  int64_t axes;         /* of the latent space that are looked at */
  const double *weight; /* [axes]: their variances */
  double *scores;       /* [axes][rows]: of variance 1 */
  double *truth;        /* [coordinates][rows]: of mean 0 and variance 1 */
  int64_t *group;       /* [rows]: the rollout */
  double *linear;       /* [coordinates][1 + axes]: coefficients of order 1 */
  double scale[LATENT_TRUTH_MAX];
  struct arena arena;
};

static enum status allocate(struct both *both) {
  const struct latent *latent = both->latent;
  struct arena arena = {.last = NULL};
  both->scores = arena_array(&arena, both->axes * latent->rows, sizeof(double));
  both->truth = arena_array(&arena, latent->coordinates * latent->rows, sizeof(double));
  both->group = arena_array(&arena, latent->rows, sizeof(int64_t));
  both->linear = arena_array(&arena, latent->coordinates * (1 + both->axes), sizeof(double));
  both->arena = arena;
  return arena_check(&arena, "the scores of latent states");
}

/* Collective. */
static enum status prepare(struct both *both, const struct spectrum *spectrum) {
  const struct latent *latent = both->latent;
  double mean[LATENT_TRUTH_MAX];
  TRY(comm_agree(latent->comm, allocate(both)));
  spectrum_scores(spectrum, latent->state, latent->rows, both->axes, both->scores);
  memcpy(both->truth, latent->truth, (size_t)(latent->coordinates * latent->rows) * sizeof(double));
  for (int64_t r = 0; r < latent->rows; r++) both->group[r] = latent->first + r / latent->frames;
  TRY(columns_center(latent->comm, both->truth, latent->rows, latent->coordinates, mean));
  return columns_scale(latent->comm, both->truth, latent->rows, latent->coordinates, mean, both->scale);
}

/* weight: NULL for equal ones. */
static double mean_of(const double *r2, int64_t count, const double *weight) {
  double sum = 0, all = 0;
  for (int64_t i = 0; i < count; i++) {
    const double w = isnan(r2[i]) ? 0 : weight ? weight[i] : 1;
    if (w > 0) sum += w * r2[i];
    all += w;
  }
  return all > 0 ? sum / all : (double)NAN;
}

/* Collective. linear: coefficients of order 1, or NULL. */
static enum status measure_order(const struct regression_task *task, const double *weight, int order, double *linear,
                                 struct identification *found) {
  double *r2 = found->r2[order - 1];
  if (found->fit[order - 1].inputs == 0) return STATUS_OK;
  TRY(regression_measure(task, &found->fit[order - 1], r2, &found->ridge[order - 1], order == 1 ? linear : NULL));
  found->mean[order - 1] = mean_of(r2, task->outputs, weight);
  if (found->best == 0 || found->mean[order - 1] > found->mean[found->best - 1]) found->best = order;
  return STATUS_OK;
}

/* Collective. least: inputs without which an order is not reached. */
static enum status measure_orders(const struct regression_task *task, int64_t least, int64_t features,
                                  const double *weight, double *linear, struct identification *found) {
  found->outputs = task->outputs;
  for (int order = 1; order <= REGRESSION_ORDERS; order++) {
    found->fit[order - 1] = regression_fit(order, task->inputs, least, features);
    found->mean[order - 1] = NAN;
    TRY(measure_order(task, weight, order, linear, found));
  }
  return STATUS_OK;
}

/* From coefficients [coordinates][1 + axes] of scores to the map from states: a score is a place along an axis, over
 * the square root of its variance. */
static void make_map(const struct both *both, const struct spectrum *spectrum, int64_t axes, const double *linear,
                     struct identify *identify) {
  const int64_t values = spectrum->columns;
  for (int64_t i = 0; i < both->latent->coordinates; i++)
    for (int64_t a = 0; a < axes; a++) {
      const double weight = both->scale[i] * linear[i * (1 + axes) + 1 + a] / sqrt(spectrum->variance[a]);
      for (int64_t c = 0; c < values; c++) identify->map[i * values + c] += weight * spectrum->axes[a * values + c];
    }
}

/* S = M J M^T is antisymmetric. The c that is nearest is its mean over the pairs (q_i, p_i). */
static double measure_deviation(const double *map, int64_t coordinates, int64_t values) {
  const int64_t half = values / 2, freedom = coordinates / 2;
  double all = 0, pairs = 0;
  for (int64_t i = 0; i < coordinates; i++)
    for (int64_t j = 0; j < coordinates; j++) {
      double s = 0;
      for (int64_t k = 0; k < half; k++)
        s += map[i * values + k] * map[j * values + half + k] - map[i * values + half + k] * map[j * values + k];
      all += s * s;
      if (j == i + freedom) pairs += s;
    }
  return all > 0 ? 1 - 2 * pairs * pairs / (double)freedom / all : (double)NAN;
}

/* Collective. */
static enum status measure_both(const struct both *both, const struct spectrum *spectrum, struct identify *identify) {
  const struct latent *latent = both->latent;
  const int64_t shown = both->axes < IDENTIFY_AXES ? both->axes : IDENTIFY_AXES;
  const struct regression_task to = {.grid = both->grid,
                                     .count = latent->rows,
                                     .inputs = both->axes,
                                     .outputs = latent->coordinates,
                                     .input = both->scores,
                                     .output = both->truth,
                                     .group = both->group},
                               from = {.grid = both->grid,
                                       .count = latent->rows,
                                       .inputs = latent->coordinates,
                                       .outputs = shown,
                                       .input = both->truth,
                                       .output = both->scores,
                                       .group = both->group};
  TRY(measure_orders(&to, 1, identify->features, NULL, both->linear, &identify->to_truth));
  make_map(both, spectrum, identify->to_truth.fit[0].inputs, both->linear, identify);
  if (!latent->turns && latent->freedom > 1)
    identify->deviation = measure_deviation(identify->map, latent->coordinates, latent->values);
  return measure_orders(&from, from.inputs, identify->features, both->weight, NULL, &identify->from_truth);
}

enum status identify_measure(struct grid *grid, const struct latent *latent, const struct spectrum *spectrum,
                             struct identify *identify) {
  const int64_t tenth = spectrum->rows / 10;
  *identify = (struct identify){
      .rows = spectrum->rows, .features = tenth < IDENTIFY_FEATURES ? tenth : IDENTIFY_FEATURES, .deviation = NAN};
  REQUIRE(latent->truth, STATUS_UNAVAILABLE, "the true states of these frames are not known");
  REQUIRE(spectrum->rank > 0, STATUS_UNAVAILABLE, "the latent states do not vary: the latent space has collapsed");
  REQUIRE(latent->rollouts >= REGRESSION_FOLDS, STATUS_UNAVAILABLE,
          "%lld test rollouts are too few: a fit is tested on rollouts that it has not seen, in %d parts",
          (long long)latent->rollouts, (int)REGRESSION_FOLDS);
  REQUIRE(identify->features >= 1 + latent->coordinates, STATUS_UNAVAILABLE,
          "%lld test rollouts of %lld frames are too few: a fit of %lld coordinates takes ten times as many rows as "
          "features",
          (long long)latent->rollouts, (long long)latent->frames, (long long)latent->coordinates);
  struct both both = {.grid = grid, .latent = latent, .weight = spectrum->variance};
  both.axes = spectrum->axes_999 < identify->features - 1 ? spectrum->axes_999 : identify->features - 1;
  struct arena arena = {.last = NULL};
  identify->map = arena_array(&arena, latent->coordinates * latent->values, sizeof(double));
  identify->arena = arena;
  enum status status = comm_agree(latent->comm, arena_check(&arena, "a map to the phase space"));
  if (status == STATUS_OK) status = prepare(&both, spectrum);
  if (status == STATUS_OK) status = measure_both(&both, spectrum, identify);
  arena_free(&both.arena);
  return status;
}

void identify_free(struct identify *identify) { arena_free(&identify->arena); }
