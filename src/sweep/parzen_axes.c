#include "sweep/parzen.h"

#include <math.h>
#include <string.h>

/* The cells of numbers of few values, by their quantiles; 0: there are too many. */
static int64_t find_numbers(const struct distribution *distribution, double edge[PARZEN_CELLS_MOST + 1]) {
  const int64_t end = INT64_C(1) << 52;
  int64_t cells = 0;
  edge[0] = 0.0;
  for (int64_t k = 0; k < end; cells++) {
    if (cells == PARZEN_CELLS_MOST) return 0;
    k = distribution_last(distribution, distribution_quantile(distribution, ((double)k + 0.5) * 0x1p-52), true) + 1;
    edge[cells + 1] = (double)k * 0x1p-52;
  }
  return cells;
}

/* Sums of probabilities from the front, as distribution_quantile() adds them. */
static void find_choices(const struct distribution *distribution, double *edge) {
  double sum = 0.0;
  for (int64_t c = 0; c < distribution->count; c++) {
    sum += distribution->probability ? distribution->probability[c] : 0.0;
    edge[c + 1] = distribution->probability ? sum : (double)(c + 1) / (double)distribution->count;
    edge[c + 1] = edge[c + 1] < 1.0 ? edge[c + 1] : 1.0;
  }
}

static bool is_discrete(const struct distribution *distribution) {
  return distribution->kind == DISTRIBUTION_INT_UNIFORM || distribution_is_quantised(distribution->kind) ||
         distribution_quantile(distribution, 0x1p-53) == distribution_quantile(distribution, 1.0 - 0x1p-53);
}

/* False: there is one value, so no axis. */
static bool find_axis(const struct distribution *distribution, struct arena *arena, struct parzen_axis *axis) {
  double edge[PARZEN_CELLS_MOST + 1];
  axis->kind = PARZEN_CONTINUUM;
  if (distribution_is_choice(distribution->kind)) {
    axis->kind = PARZEN_CHOICES;
    axis->cells = distribution->count;
    if (axis->cells <= 1) return false;
    axis->edge = arena_array(arena, axis->cells + 1, sizeof *axis->edge);
    if (axis->edge) find_choices(distribution, axis->edge);
    return true;
  }
  if (is_discrete(distribution)) axis->cells = find_numbers(distribution, edge);
  if (axis->cells == 0) return true;
  axis->kind = PARZEN_NUMBERS;
  axis->edge = arena_array(arena, axis->cells + 1, sizeof *axis->edge);
  if (axis->edge) memcpy(axis->edge, edge, (size_t)(axis->cells + 1) * sizeof *edge);
  return axis->cells > 1;
}

enum status parzen_axes_open(const struct space *space, struct parzen_axes *axes) {
  *axes = (struct parzen_axes){.space = space};
  for (int p = 0; p < space->count; p++) {
    struct parzen_axis axis = {.parameter = p};
    if (find_axis(&space->parameter[p].distribution, &axes->arena, &axis)) axes->axis[axes->count++] = axis;
  }
  return arena_check(&axes->arena, "the values of a sweep's parameters");
}

void parzen_axes_close(struct parzen_axes *axes) { arena_free(&axes->arena); }

int64_t parzen_cell(const struct parzen_axis *axis, double u) {
  int64_t low = 0, high = axis->cells;
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    if (axis->edge[middle] <= u)
      low = middle;
    else
      high = middle;
  }
  return low;
}

void parzen_place(const struct parzen_axes *axes, const double *point, double *place) {
  for (int a = 0; a < axes->count; a++) {
    const struct parzen_axis *axis = &axes->axis[a];
    const double value = point[axis->parameter];
    if (axis->kind == PARZEN_CHOICES) {
      const bool comes = !isnan(value) && axis->edge[(int64_t)value + 1] > axis->edge[(int64_t)value];
      place[a] = comes ? value : (double)NAN;
      continue;
    }
    place[a] = distribution_coordinate(&axes->space->parameter[axis->parameter].distribution, value);
    if (axis->kind == PARZEN_NUMBERS && !isnan(place[a])) place[a] = (double)parzen_cell(axis, place[a]);
  }
}

void parzen_coordinates(const struct parzen_axes *axes, const double *place, double *u) {
  for (int p = 0; p < axes->space->count; p++) u[p] = 0.5;
  for (int a = 0; a < axes->count; a++) {
    const struct parzen_axis *axis = &axes->axis[a];
    if (isnan(place[a])) continue;
    const double *edge = axis->edge + (axis->kind == PARZEN_CONTINUUM ? 0 : (int64_t)place[a]);
    u[axis->parameter] = axis->kind == PARZEN_CONTINUUM ? place[a] : 0.5 * (edge[0] + edge[1]);
  }
}
