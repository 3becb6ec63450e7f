#include "physics/target.h"

#include "base/elementary.h"
#include "physics/target_private.h"

#include <stdlib.h>

static const struct target_kind *const kinds[DENSITY_COUNT] = {[DENSITY_GAUSSIAN] = &target_mixture,
                                                               [DENSITY_RING] = &target_mixture,
                                                               [DENSITY_GRID] = &target_mixture,
                                                               [DENSITY_ARCS] = &target_arcs,
                                                               [DENSITY_CROSS] = &target_mixture,
                                                               [DENSITY_MOONS] = &target_moons,
                                                               [DENSITY_CHECKERBOARD] = &target_checkerboard,
                                                               [DENSITY_LOGISTIC] = &target_logistic};

enum status target_open(const struct experiment *experiment, struct target **target) {
  const struct density_settings *settings = &experiment->density;
  *target = NULL;
  struct target *made = calloc(1, sizeof *made);
  REQUIRE(made, STATUS_MEMORY, "out of memory for a density");
  made->kind = kinds[settings->name];
  made->settings = *settings;
  made->seed = (uint64_t)experiment->seed;
  made->dimension = (int)experiment_dimension(settings);
  enum status status = made->kind->open(made);
  if (status != STATUS_OK)
    target_close(&made);
  else
    *target = made;
  return status;
}

void target_close(struct target **target) {
  if (!*target) return;
  if ((*target)->kind->close) (*target)->kind->close(*target);
  free((*target)->self);
  free(*target);
  *target = NULL;
}

int64_t target_dimension(const struct target *target) { return target->dimension; }

/* Far away, where squares overflow, there is nothing. */
double target_log_density(const struct target *target, const double *x) {
  const double value = target->kind->log_density(target, x);
  if (!isnan(value)) return value;
  for (int i = 0; i < target->dimension; i++)
    if (isnan(x[i])) return value;
  return -(double)INFINITY;
}

enum status target_gradient(const struct target *target, const double *x, double *gradient) {
  REQUIRE(target->kind->gradient, STATUS_UNAVAILABLE, "the density %s has no gradient",
          experiment_density_name(target->settings.name));
  target->kind->gradient(target, x, gradient);
  return STATUS_OK;
}

double target_normaliser_error(const struct target *target) { return target->normaliser_error; }

bool target_draws(const struct target *target) { return target->kind->draw != NULL; }

void target_draw(const struct target *target, uint64_t seed, uint64_t index, double *x) {
  struct rng rng = rng_stream(seed, RNG_POINT, index, 0);
  target->kind->draw(target, &rng, x);
}

int target_modes(const struct target *target) { return target->modes; }

int target_mode(const struct target *target, const double *x) { return target->kind->mode(target, x); }

void target_box(const struct target *target, double *lower, double *upper) { target->kind->box(target, lower, upper); }

/* ---- what kinds share ---- */

double target_log_add(double a, double b) {
  const double high = a > b ? a : b, low = a > b ? b : a;
  return high + elementary_log(1 + elementary_exp(low - high));
}

/* The radius has the density r^(D-1) exp(-r^2 / 2): by the midpoint rule, its logarithm taken from the peak's, so that
 * nothing overflows. */
double target_far_radius(int dimension) {
  enum { NODES = 4096 };
  const double power = dimension - 1, end = sqrt((double)dimension) + 9, step = end / NODES;
  const double peak = power > 0 ? 0.5 * power * (elementary_log(power) - 1) : 0;
  double mass[NODES], all = 0, tail = 0;
  for (int i = 0; i < NODES; i++) {
    const double r = (i + 0.5) * step;
    mass[i] = elementary_exp(power * elementary_log(r) - 0.5 * r * r - peak);
    all += mass[i];
  }
  int i = NODES;
  while (i > 0 && tail + mass[i - 1] < TARGET_FAR * all) tail += mass[--i];
  const double rest = i > 0 ? (TARGET_FAR * all - tail) / mass[i - 1] : 0;
  return (i - rest) * step;
}

void target_levels_add(struct target_levels *levels, double depth, double mass) {
  double bin = depth / TARGET_LEVEL;
  if (!(bin > 0)) bin = 0;
  if (bin > TARGET_LEVELS - 1) bin = TARGET_LEVELS - 1;
  levels->mass[(int)bin] += mass;
}

double target_levels_far(const struct target_levels *levels) {
  double all = 0, tail = 0;
  for (int i = 0; i < TARGET_LEVELS; i++) all += levels->mass[i];
  int i = TARGET_LEVELS;
  while (i > 0 && tail + levels->mass[i - 1] < TARGET_FAR * all) tail += levels->mass[--i];
  return i * TARGET_LEVEL;
}
