#include "sweep/parzen.h"

#include "base/elementary.h"

/* The largest logarithm of a kernel that is believed, so that sums of their exponentials stay finite. */
static const double log_most = 600.0;

/* No Gaussian is narrower, so that what is proposed does not shrink to one point. */
static const double deviation_least = 0.01;

void parzen_allocate(const struct parzen_axes *axes, int64_t room, struct arena *arena, struct parzen *density) {
  *density = (struct parzen){.axes = axes, .room = room};
  density->place = arena_array(arena, room * axes->count, sizeof(double));
  density->steep = arena_array(arena, room * axes->count, sizeof(double));
  density->scale = arena_array(arena, room * axes->count, sizeof(double));
  density->sum = arena_array(arena, room, sizeof(double));
  density->of_cell = arena_array(arena, PARZEN_CELLS_MOST, sizeof(double));
}

/* ---- Gaussians ---- */

/* What the standard normal has from z on. */
static double above(double z) { return 0.5 * elementary_erfc(z * 0x1.6a09e667f3bcdp-1); }

/* What it has between a < b: of the two tails those that do not cancel. */
static double between(double a, double b) { return a > 0.0 ? above(a) - above(b) : above(-b) - above(-a); }

/* What a Gaussian around `mean` in 0..1 has there. */
static double inside(double mean, double deviation) {
  return 1.0 - above(mean / deviation) - above((1.0 - mean) / deviation);
}

/* Its quantile u, cut off at 0 and 1. */
static double draw_inside(double mean, double deviation, double u) {
  const double least = above(mean / deviation);
  const double x = mean + deviation * distribution_normal(least + u * inside(mean, deviation));
  const double end = 0x1p-53;
  return x > end ? (x < 1.0 - end ? x : 1.0 - end) : end; /* also where u was so near to 0 or 1 that x is none */
}

static double middle_of(const struct parzen_axis *axis, int64_t cell) {
  return 0.5 * (axis->edge[cell] + axis->edge[cell + 1]);
}

/* ---- Learning ---- */

/* Scott's rule; the prior, with the mean 1/2 and the mean square 1/3, is one of the points whose spread counts. */
static double deviation_of(const struct parzen *density, int a) {
  const struct parzen_axis *axis = &density->axes->axis[a];
  double n = 0.0, sum = 0.5, squares = 1.0 / 3.0;
  for (int64_t i = 0; i < density->count; i++) {
    double x = density->place[a * density->room + i];
    if (isnan(x)) continue;
    if (axis->kind == PARZEN_NUMBERS) x = middle_of(axis, (int64_t)x);
    n += 1.0;
    sum += x;
    squares += x * x;
  }
  const double mean = sum / (n + 1.0), variance = fmax(0.0, squares / (n + 1.0) - mean * mean);
  const double deviation = sqrt(variance) * elementary_pow(fmax(1.0, n), -1.0 / (density->axes->count + 4.0));
  return fmax(deviation, deviation_least);
}

/* Of a continuum: the rest of what its Gaussians are. */
static void learn_gaussians(struct parzen *density, int a) {
  const double root_two_pi = 0x1.40d931ff62706p+1, deviation = density->deviation[a];
  double *place = density->place + a * density->room;
  double *steep = density->steep + a * density->room, *scale = density->scale + a * density->room;
  for (int64_t i = 0; i < density->count; i++) {
    const bool takes_part = !isnan(place[i]);
    place[i] = takes_part ? place[i] : 0.0;
    steep[i] = takes_part ? 0.5 / (deviation * deviation) : 0.0;
    scale[i] = takes_part ? -elementary_log(deviation * root_two_pi * inside(place[i], deviation)) : 0.0;
  }
}

void parzen_learn(struct parzen *density, int64_t count, const int64_t *member, const double *place) {
  const int axes = density->axes->count;
  density->count = count;
  for (int a = 0; a < axes; a++) {
    const enum parzen_kind kind = density->axes->axis[a].kind;
    for (int64_t i = 0; i < count; i++) density->place[a * density->room + i] = place[member[i] * axes + a];
    if (kind != PARZEN_CHOICES) density->deviation[a] = deviation_of(density, a);
    if (kind == PARZEN_CONTINUUM) learn_gaussians(density, a);
  }
}

/* ---- Drawing ---- */

/* Of choices: how much of a kernel is its point itself; the rest is the prior. */
static double share_of_point(const struct parzen *density, const struct parzen_axis *axis) {
  const double components = (double)density->count + 1.0;
  return components / (components + (double)axis->cells);
}

/* From the prior, or of a component: NaN is the prior too. Two numbers for each axis, whatever is drawn. */
static double draw_axis(const struct parzen *density, int a, int64_t component, struct rng *rng) {
  const struct parzen_axis *axis = &density->axes->axis[a];
  const double u = rng_uniform(rng), coin = rng_uniform(rng);
  const int64_t at = a * density->room + component;
  const bool prior = component == density->count || isnan(density->place[at]) ||
                     (axis->kind == PARZEN_CONTINUUM && density->steep[at] == 0.0) ||
                     (axis->kind == PARZEN_CHOICES && coin >= share_of_point(density, axis));
  if (axis->kind == PARZEN_CHOICES && !prior) return density->place[at];
  if (axis->kind == PARZEN_CHOICES)
    return distribution_quantile(&density->axes->space->parameter[axis->parameter].distribution, u);
  double x = u;
  if (!prior) {
    const double mean =
        axis->kind == PARZEN_CONTINUUM ? density->place[at] : middle_of(axis, (int64_t)density->place[at]);
    x = draw_inside(mean, density->deviation[a], u);
  }
  return axis->kind == PARZEN_CONTINUUM ? x : (double)parzen_cell(axis, x);
}

void parzen_draw(const struct parzen *density, struct rng *rng, double *place) {
  const int64_t component = (int64_t)rng_below(rng, (uint64_t)density->count + 1);
  for (int a = 0; a < density->axes->count; a++) place[a] = draw_axis(density, a, component, rng);
}

/* ---- Density ---- */

static void add_continuum(struct parzen *density, int a, double x) {
  const double *at = density->place + a * density->room, *steep = density->steep + a * density->room;
  const double *scale = density->scale + a * density->room;
  double *restrict sum = density->sum;
  for (int64_t i = 0; i < density->count; i++) {
    const double distance = x - at[i];
    sum[i] += scale[i] - steep[i] * (distance * distance);
  }
}

/* Points of one cell have one kernel: worked out at the first of them. */
static void add_numbers(struct parzen *density, int a, int64_t cell) {
  const struct parzen_axis *axis = &density->axes->axis[a];
  const double *at = density->place + a * density->room, *edge = axis->edge + cell;
  const double deviation = density->deviation[a];
  bool known[PARZEN_CELLS_MOST] = {false};
  for (int64_t i = 0; i < density->count; i++) {
    if (isnan(at[i])) continue;
    const int64_t own = (int64_t)at[i];
    if (!known[own]) {
      const double mean = middle_of(axis, own);
      const double mass = between((edge[0] - mean) / deviation, (edge[1] - mean) / deviation);
      density->of_cell[own] = elementary_log(mass / (inside(mean, deviation) * (edge[1] - edge[0])));
      known[own] = true;
    }
    density->sum[i] += density->of_cell[own];
  }
}

static void add_choices(struct parzen *density, int a, int64_t cell) {
  const struct parzen_axis *axis = &density->axes->axis[a];
  const double *at = density->place + a * density->room;
  const double own = share_of_point(density, axis), rest = 1.0 - own;
  const double same = elementary_log(own / (axis->edge[cell + 1] - axis->edge[cell]) + rest);
  const double other = elementary_log(rest);
  for (int64_t i = 0; i < density->count; i++)
    density->sum[i] += isnan(at[i]) ? 0.0 : at[i] == (double)cell ? same : other;
}

double parzen_density(struct parzen *density, const double *place) {
  for (int64_t i = 0; i < density->count; i++) density->sum[i] = 0.0;
  for (int a = 0; a < density->axes->count; a++) {
    if (isnan(place[a])) continue;
    if (density->axes->axis[a].kind == PARZEN_CONTINUUM) add_continuum(density, a, place[a]);
    if (density->axes->axis[a].kind == PARZEN_NUMBERS) add_numbers(density, a, (int64_t)place[a]);
    if (density->axes->axis[a].kind == PARZEN_CHOICES) add_choices(density, a, (int64_t)place[a]);
  }
  double *restrict sum = density->sum;
  for (int64_t i = 0; i < density->count; i++) sum[i] = elementary_exp(sum[i] < log_most ? sum[i] : log_most);
  double total = 1.0;
  for (int64_t i = 0; i < density->count; i++) total += sum[i];
  return total / ((double)density->count + 1.0);
}
