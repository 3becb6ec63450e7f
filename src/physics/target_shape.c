/* Densities that are no mixtures of Gaussians: two arcs, two moons, a checkerboard. */
#include "base/elementary.h"
#include "physics/target_private.h"

#include <stdlib.h>

#define PI 3.141592653589793238

/* ---- arcs: exp(-U) of Rezende and Mohamed ---- */

#define ARCS_RADIUS 2.0
#define ARCS_WIDTH 0.4
#define ARCS_SPREAD 0.6 /* of x_0 around each of -2 and 2 */

struct arcs {
  double log_normaliser, far; /* the depth below the peak of exp(-U), which is 1, beyond which there is no arc */
};

static double half_square(double value) { return -0.5 * value * value; }

/* log(exp(-((x - 2) / 0.6)^2 / 2) + exp(-((x + 2) / 0.6)^2 / 2)) */
static double arcs_sides(double x) {
  return target_log_add(half_square((x - ARCS_RADIUS) / ARCS_SPREAD), half_square((x + ARCS_RADIUS) / ARCS_SPREAD));
}

static double arcs_potential(double x, double y) {
  return half_square((sqrt(x * x + y * y) - ARCS_RADIUS) / ARCS_WIDTH) + arcs_sides(x);
}

/* In polar coordinates, where exp(-U) r is smooth: Simpson's rule in r from 0 to where less than 1e-14 is beyond, the
 * rectangle rule in the angle, which is exact to rounding for what is smooth and periodic. */
static enum status arcs_open(struct target *target) {
  enum { RADII = 600, ANGLES = 256 };
  const double step = (ARCS_RADIUS + 8 * ARCS_WIDTH) / RADII;
  struct arcs *arcs = calloc(1, sizeof *arcs);
  struct target_levels *levels = calloc(1, sizeof *levels);
  target->self = arcs;
  target->modes = 2;
  if (!arcs || !levels) {
    free(levels);
    return status_raise(STATUS_MEMORY, "out of memory for a density");
  }
  double cosine[ANGLES], sine[ANGLES], sum = 0;
  for (int j = 0; j < ANGLES; j++) elementary_sincos(2 * PI * j / ANGLES, &sine[j], &cosine[j]);
  for (int i = 1; i <= RADII; i++) {
    const double r = i * step, weight = r * (i == RADII ? 1 : i % 2 ? 4 : 2) / 3;
    double circle = 0;
    for (int j = 0; j < ANGLES; j++) {
      const double potential = arcs_potential(r * cosine[j], r * sine[j]), density = elementary_exp(potential);
      circle += density;
      target_levels_add(levels, -potential, r * density);
    }
    sum += weight * circle;
  }
  arcs->log_normaliser = elementary_log(sum * step * (2 * PI / ANGLES));
  arcs->far = target_levels_far(levels);
  free(levels);
  return STATUS_OK;
}

static double arcs_log_density(const struct target *target, const double *x) {
  return arcs_potential(x[0], x[1]) - ((const struct arcs *)target->self)->log_normaliser;
}

/* By rejection. The radius has the density r exp(-((r - 2) / 0.4)^2 / 2), and r <= 2 exp(r / 2 - 1), with which the
 * bound is N(2 + 0.4^2 / 2, 0.4^2). The angle is uniform, and what is left of exp(-U) is at most 1 + exp(-(2 / 0.6)^2 /
 * 2), since of its two terms one is that of the other half plane. */
static void arcs_draw(const struct target *target, struct rng *rng, double *x) {
  const double bound = 1 + elementary_exp(half_square(ARCS_RADIUS / ARCS_SPREAD));
  double normal, r;
  (void)target;
  do {
    do {
      rng_normal(rng, &normal, 1);
      r = ARCS_RADIUS + 0.5 * ARCS_WIDTH * ARCS_WIDTH + ARCS_WIDTH * normal;
    } while (!(rng_uniform(rng) * ARCS_RADIUS * elementary_exp(r / ARCS_RADIUS - 1) < r));
    double sine, cosine;
    elementary_sincos(2 * PI * rng_uniform(rng), &sine, &cosine);
    x[0] = r * cosine;
    x[1] = r * sine;
  } while (!(rng_uniform(rng) * bound < elementary_exp(arcs_sides(x[0]))));
}

static int arcs_mode(const struct target *target, const double *x) {
  if (!(-arcs_potential(x[0], x[1]) <= ((const struct arcs *)target->self)->far)) return -1;
  return x[0] < 0 ? 0 : 1;
}

static void arcs_box(const struct target *target, double *lower, double *upper) {
  (void)target;
  for (int i = 0; i < 2; i++) {
    upper[i] = ARCS_RADIUS + TARGET_SIGMAS * ARCS_WIDTH;
    lower[i] = -upper[i];
  }
}

const struct target_kind target_arcs = {
    .open = arcs_open, .log_density = arcs_log_density, .draw = arcs_draw, .mode = arcs_mode, .box = arcs_box};

/* ---- moons ---- */

/* log p = log (h(x) + h(x')) - log 2, where h is the density around the upper half circle,
 *   h(x) = 1 / pi int_0^pi N(x; (cos t, sin t), width^2 I) dt,
 * and x' = (1 - x_0, 1/2 - x_1), since a turn by pi about (1/2, 1/4) takes one half circle to the other. The integral
 * is Gauss and Legendre's over panels of at most 1.5 widths, and for each x over those that are near it: to 1e-11 of h
 * up to 5 widths from the half circle, to 1e-7 up to 8. */
enum { MOONS_NODES = 10 };
#define MOONS_PANEL 1.5
#define MOONS_NEGLIGIBLE 40 /* nat below the largest */

struct moons {
  int panels;
  double log_factor;              /* of the sum */
  double far, narrow;             /* distance beyond which there is no moon; 1 / (2 width^2) */
  double reach;                   /* from the middle of a panel to its ends */
  double (*middle)[2];            /* [panels] */
  double (*node)[MOONS_NODES][2]; /* [panels]: on the upper half circle */
  double weight[MOONS_NODES];     /* of 1 in all */
};

static void moons_close(struct target *target) {
  struct moons *moons = target->self;
  if (!moons) return;
  free(moons->middle);
  free(moons->node);
}

static enum status moons_open(struct target *target) {
  static const double place[MOONS_NODES / 2] = {0.14887433898163122, 0.4333953941292472, 0.6794095682990244,
                                                0.8650633666889845, 0.9739065285171717};
  static const double weight[MOONS_NODES / 2] = {0.29552422471475287, 0.26926671930999635, 0.21908636251598204,
                                                 0.14945134915058059, 0.06667134430868814};
  const double width = target->settings.width;
  struct moons *moons = calloc(1, sizeof *moons);
  REQUIRE(moons, STATUS_MEMORY, "out of memory for a density");
  target->self = moons;
  target->modes = 2;
  REQUIRE(width >= DENSITY_MOONS_LEAST, STATUS_CONFIG, "density.width is %g: expected %g or more for moons", width,
          DENSITY_MOONS_LEAST);
  moons->panels = 2 + (int)(PI / (MOONS_PANEL * width));
  moons->middle = malloc((size_t)moons->panels * sizeof *moons->middle);
  moons->node = malloc((size_t)moons->panels * sizeof *moons->node);
  REQUIRE(moons->middle && moons->node, STATUS_MEMORY, "out of memory for a density");
  const double half = 0.5 * PI / moons->panels;
  for (int i = 0; i < moons->panels; i++) {
    const double middle = (2 * i + 1) * half;
    elementary_sincos(middle, &moons->middle[i][1], &moons->middle[i][0]);
    for (int k = 0; k < MOONS_NODES; k++) {
      const int pair = k / 2;
      const double angle = middle + (k % 2 ? half : -half) * place[pair];
      elementary_sincos(angle, &moons->node[i][k][1], &moons->node[i][k][0]);
      moons->weight[k] = 0.5 * weight[pair];
    }
  }
  moons->reach = half;
  moons->narrow = 0.5 / (width * width);
  moons->far = width * target_far_radius(2);
  moons->log_factor = -elementary_log(moons->panels) - TARGET_LOG_2PI - 2 * elementary_log(width);
  return STATUS_OK;
}

static double squared(double a, double b) { return a * a + b * b; }

/* From the upper half circle. */
static double moons_distance(double x, double y) {
  const double end = fabs(x) - 1;
  return y >= 0 ? fabs(sqrt(squared(x, y)) - 1) : sqrt(squared(end, y));
}

/* log h. Panels of which no node can be near are left out; the largest exponent of the others is taken out first. */
static double moons_half(const struct moons *moons, double x, double y) {
  const double distance = moons_distance(x, y), narrow = moons->narrow;
  const double least = sqrt(distance * distance + MOONS_NEGLIGIBLE / narrow) + moons->reach, bound = least * least;
  double nearest = (double)INFINITY, sum = 0;
  for (int i = 0; i < moons->panels; i++) {
    if (squared(x - moons->middle[i][0], y - moons->middle[i][1]) > bound) continue;
    for (int k = 0; k < MOONS_NODES; k++) {
      const double now = squared(x - moons->node[i][k][0], y - moons->node[i][k][1]);
      if (now < nearest) nearest = now;
    }
  }
  for (int i = 0; i < moons->panels; i++) {
    if (squared(x - moons->middle[i][0], y - moons->middle[i][1]) > bound) continue;
    for (int k = 0; k < MOONS_NODES; k++) {
      const double now = squared(x - moons->node[i][k][0], y - moons->node[i][k][1]);
      sum += moons->weight[k] * elementary_exp(narrow * (nearest - now));
    }
  }
  return elementary_log(sum) - narrow * nearest + moons->log_factor;
}

static double moons_log_density(const struct target *target, const double *x) {
  const double log_2 = 0.6931471805599453094;
  return target_log_add(moons_half(target->self, x[0], x[1]), moons_half(target->self, 1 - x[0], 0.5 - x[1])) - log_2;
}

static void moons_draw(const struct target *target, struct rng *rng, double *x) {
  const double width = target->settings.width;
  const bool upper = rng_below(rng, 2) == 0;
  double sine, cosine, normal[2];
  elementary_sincos(PI * rng_uniform(rng), &sine, &cosine);
  rng_normal(rng, normal, 2);
  x[0] = (upper ? cosine : 1 - cosine) + width * normal[0];
  x[1] = (upper ? sine : 0.5 - sine) + width * normal[1];
}

static int moons_mode(const struct target *target, const double *x) {
  const double upper = moons_distance(x[0], x[1]), lower = moons_distance(1 - x[0], 0.5 - x[1]);
  const double nearest = upper <= lower ? upper : lower;
  if (!(nearest <= ((const struct moons *)target->self)->far)) return -1;
  return upper <= lower ? 0 : 1;
}

static void moons_box(const struct target *target, double *lower, double *upper) {
  const double reach = TARGET_SIGMAS * target->settings.width;
  lower[0] = -1 - reach;
  upper[0] = 2 + reach;
  lower[1] = -0.5 - reach;
  upper[1] = 1 + reach;
}

const struct target_kind target_moons = {.open = moons_open,
                                         .log_density = moons_log_density,
                                         .draw = moons_draw,
                                         .mode = moons_mode,
                                         .box = moons_box,
                                         .close = moons_close};

/* ---- checkerboard ---- */

enum { BOARD_SIDE = 4, BOARD_FIELDS = BOARD_SIDE * BOARD_SIDE / 2 };

static enum status board_open(struct target *target) {
  target->modes = BOARD_FIELDS;
  return STATUS_OK;
}

/* The field, row by row, -1 where there is none. */
static int board_mode(const struct target *target, const double *x) {
  const double half = BOARD_SIDE / 2;
  (void)target;
  if (!(x[0] >= -half && x[0] < half && x[1] >= -half && x[1] < half)) return -1;
  const int column = (int)(x[0] + half), row = (int)(x[1] + half);
  return (column + row) % 2 == 0 ? (row * BOARD_SIDE + column) / 2 : -1;
}

static double board_log_density(const struct target *target, const double *x) {
  return board_mode(target, x) < 0 ? -(double)INFINITY : -elementary_log(BOARD_FIELDS);
}

/* Again where rounding has taken a point into the next field, once in 2^50. */
static void board_draw(const struct target *target, struct rng *rng, double *x) {
  const int field = (int)rng_below(rng, BOARD_FIELDS), row = 2 * field / BOARD_SIDE;
  const int column = 2 * field % BOARD_SIDE + row % 2;
  do {
    x[0] = column - BOARD_SIDE / 2 + rng_uniform(rng);
    x[1] = row - BOARD_SIDE / 2 + rng_uniform(rng);
  } while (board_mode(target, x) != field);
}

static void board_box(const struct target *target, double *lower, double *upper) {
  (void)target;
  for (int i = 0; i < 2; i++) {
    upper[i] = BOARD_SIDE / 2;
    lower[i] = -upper[i];
  }
}

const struct target_kind target_checkerboard = {
    .open = board_open, .log_density = board_log_density, .draw = board_draw, .mode = board_mode, .box = board_box};
