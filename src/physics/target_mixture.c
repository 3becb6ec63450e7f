/* Mixtures of equal Gaussians: one alone, on a circle and in its centre, on a grid, and four long ones that make an X.
 *
 *   log p(x) = log sum_k exp(-d_k' P_k d_k / 2) - log K - D/2 log 2 pi - log det(P)^(-1/2),  d_k = x - center_k
 *
 * the largest term of the sum taken out first. P_k, the inverse of the covariance, has one eigenvector along an axis of
 * the component and, in two dimensions, another across it. */
#include "base/elementary.h"
#include "physics/target_private.h"

#include <stdlib.h>

struct component {
  double center[2]; /* in further dimensions 0 */
  double axis[2];   /* of length 1 */
};

struct mixture {
  struct component component[TARGET_MODES_MAX];
  int components;
  double along, across; /* standard deviations, of all components; the same where there are not two dimensions */
  double log_normaliser;
  double far; /* square of the distance, in standard deviations, beyond which a point belongs to no component */
};

/* ---- where the components are ---- */

static void add_component(struct mixture *mixture, double x, double y) {
  mixture->component[mixture->components++] = (struct component){{x, y}, {1, 0}};
}

static void place_ring(struct mixture *mixture, const struct density_settings *settings) {
  const double turn = 6.283185307179586477;
  for (int64_t i = 0; i < settings->modes; i++) {
    double sine, cosine;
    elementary_sincos(turn * (double)i / (double)settings->modes, &sine, &cosine);
    add_component(mixture, settings->spacing * cosine, settings->spacing * sine);
  }
  add_component(mixture, 0, 0);
}

static void place_grid(struct mixture *mixture, const struct density_settings *settings) {
  const double middle = 0.5 * (double)(settings->side - 1);
  for (int64_t row = 0; row < settings->side; row++)
    for (int64_t column = 0; column < settings->side; column++)
      add_component(mixture, settings->spacing * ((double)column - middle), settings->spacing * ((double)row - middle));
}

static void place_cross(struct mixture *mixture) {
  const double diagonal = sqrt(0.5), distance = 1.5;
  for (int i = 0; i < 4; i++) {
    const double x = i == 0 || i == 3 ? diagonal : -diagonal, y = i < 2 ? diagonal : -diagonal;
    add_component(mixture, distance * x, distance * y);
    mixture->component[i].axis[0] = x;
    mixture->component[i].axis[1] = y;
  }
  mixture->along = 0.6;
  mixture->across = 0.15;
}

static enum status open(struct target *target) {
  const struct density_settings *settings = &target->settings;
  struct mixture *mixture = calloc(1, sizeof *mixture);
  REQUIRE(mixture, STATUS_MEMORY, "out of memory for a density");
  target->self = mixture;
  mixture->along = mixture->across = settings->width;
  if (settings->name == DENSITY_RING)
    place_ring(mixture, settings);
  else if (settings->name == DENSITY_GRID)
    place_grid(mixture, settings);
  else if (settings->name == DENSITY_CROSS)
    place_cross(mixture);
  else
    add_component(mixture, 0, 0);
  target->modes = mixture->components;
  const double dimension = target->dimension, radius = target_far_radius(target->dimension);
  mixture->far = radius * radius;
  mixture->log_normaliser = elementary_log(mixture->components) + 0.5 * dimension * TARGET_LOG_2PI +
                            elementary_log(mixture->along) + (dimension - 1) * elementary_log(mixture->across);
  return STATUS_OK;
}

/* ---- the density ---- */

/* d' P d of a component, and P d into pulled[D]. */
static double pull(const struct target *target, const struct component *component, const double *x, double *pulled) {
  const struct mixture *mixture = target->self;
  const double along = 1 / (mixture->along * mixture->along), across = 1 / (mixture->across * mixture->across);
  double square = 0;
  if (along != across) { /* in two dimensions */
    const double d[2] = {x[0] - component->center[0], x[1] - component->center[1]}, *axis = component->axis;
    const double u = axis[0] * d[0] + axis[1] * d[1], v = axis[0] * d[1] - axis[1] * d[0];
    pulled[0] = axis[0] * (along * u) - axis[1] * (across * v);
    pulled[1] = axis[1] * (along * u) + axis[0] * (across * v);
    return along * (u * u) + across * (v * v);
  }
  for (int i = 0; i < target->dimension; i++) {
    const double d = x[i] - (i < 2 ? component->center[i] : 0);
    pulled[i] = along * d;
    square += d * d;
  }
  return along * square;
}

/* The nearest component. */
static int nearest(const struct target *target, const double *x, double *square) {
  const struct mixture *mixture = target->self;
  double pulled[TARGET_DIMENSION_MAX];
  int best = 0;
  *square = (double)INFINITY;
  for (int k = 0; k < mixture->components; k++) {
    const double now = pull(target, &mixture->component[k], x, pulled);
    if (!(now < *square)) continue;
    *square = now;
    best = k;
  }
  return best;
}

static double log_density(const struct target *target, const double *x) {
  const struct mixture *mixture = target->self;
  double pulled[TARGET_DIMENSION_MAX], least, sum = 0;
  nearest(target, x, &least);
  for (int k = 0; k < mixture->components; k++)
    sum += elementary_exp(0.5 * (least - pull(target, &mixture->component[k], x, pulled)));
  return elementary_log(sum) - 0.5 * least - mixture->log_normaliser;
}

static void gradient(const struct target *target, const double *x, double *result) {
  const struct mixture *mixture = target->self;
  double pulled[TARGET_DIMENSION_MAX], least, sum = 0;
  nearest(target, x, &least);
  for (int i = 0; i < target->dimension; i++) result[i] = 0;
  for (int k = 0; k < mixture->components; k++) {
    const double share = elementary_exp(0.5 * (least - pull(target, &mixture->component[k], x, pulled)));
    sum += share;
    for (int i = 0; i < target->dimension; i++) result[i] -= share * pulled[i];
  }
  for (int i = 0; i < target->dimension; i++) result[i] /= sum;
}

static void draw(const struct target *target, struct rng *rng, double *x) {
  const struct mixture *mixture = target->self;
  const struct component *component = &mixture->component[rng_below(rng, (uint64_t)mixture->components)];
  const double *axis = component->axis;
  double normal[TARGET_DIMENSION_MAX];
  rng_normal(rng, normal, target->dimension);
  for (int i = 0; i < target->dimension; i++) x[i] = mixture->along * normal[i];
  if (target->dimension != 2) return;
  const double u = mixture->along * normal[0], v = mixture->across * normal[1];
  x[0] = component->center[0] + axis[0] * u - axis[1] * v;
  x[1] = component->center[1] + axis[1] * u + axis[0] * v;
}

static int mode(const struct target *target, const double *x) {
  const struct mixture *mixture = target->self;
  double square;
  const int found = nearest(target, x, &square);
  return square <= mixture->far ? found : -1;
}

static void box(const struct target *target, double *lower, double *upper) {
  const struct mixture *mixture = target->self;
  for (int i = 0; i < target->dimension; i++) lower[i] = upper[i] = 0;
  for (int k = 0; k < mixture->components; k++) {
    const struct component *component = &mixture->component[k];
    for (int i = 0; i < target->dimension; i++) {
      const double center = i < 2 ? component->center[i] : 0, along = component->axis[i % 2] * mixture->along,
                   across = component->axis[1 - i % 2] * mixture->across;
      const double reach = TARGET_SIGMAS * sqrt(along * along + across * across);
      if (center - reach < lower[i]) lower[i] = center - reach;
      if (center + reach > upper[i]) upper[i] = center + reach;
    }
  }
}

const struct target_kind target_mixture = {
    .open = open, .log_density = log_density, .gradient = gradient, .draw = draw, .mode = mode, .box = box};
