/* Densities over a space's points that are learned from some of them: Parzen windows (Parzen, Ann. Math. Stat. 33,
 * 1065-1076, 1962), as the tree-structured Parzen estimator has them.
 *
 * All is relative to the prior, what random search draws from: uniform in the coordinates of space.h. A density is
 *
 *   f(x) = (1 + sum over points j of prod over axes a of K_a(x_a, x_ja)) / (1 + points),
 *
 * the 1 being the prior itself as one more component, and the product that of the multivariate estimator (Falkner,
 * Klein and Hutter, ICML 2018; Watanabe, arXiv 2304.11127), which sees how parameters depend on each other. An axis
 * is a parameter of more than one value. Its kernel K_a is
 *
 *   of a continuum     a Gaussian around x_ja that is cut off at 0 and 1;
 *   of few numbers     (whole numbers, multiples of q, up to PARZEN_CELLS_MOST of them) what such a Gaussian around the
 *                      middle of the value's interval has within the interval of x_a, divided by its length;
 *   of choices         (n [x_a = x_ja] / p + C) / (n + C), with n components, C choices, p the prior of x_a: Aitchison
 *                      and Aitken, Biometrika 63, 413-420 (1976), with the prior in the place of equal shares;
 *   1                  where the parameter takes no part in one of the two points.
 *
 * Numbers of more values count as a continuum, each at the middle of its interval.
 * Gaussians have the deviation max(s n^(-1/(d + 4)), 0.01), by Scott's rule for d axes (Multivariate Density
 * Estimation, 1992): s is the standard deviation, along the axis, of the n points that take part there and of the prior
 * as one more. So they narrow as the good points draw together, which Optuna's 0.2 n^(-1/(d + 4)) does not.
 *
 * Not collective. Failures: STATUS_MEMORY.
 */
#ifndef HGN_SWEEP_PARZEN_H
#define HGN_SWEEP_PARZEN_H

#include "base/arena.h"
#include "base/rng.h"
#include "sweep/space.h"

enum { PARZEN_CELLS_MOST = 100 };

enum parzen_kind { PARZEN_CONTINUUM, PARZEN_NUMBERS, PARZEN_CHOICES };

struct parzen_axis {
  enum parzen_kind kind;
  int parameter;
  int64_t cells; /* of numbers and choices: values */
  double *edge;  /* [cells + 1]: cell c is edge[c] to edge[c + 1] in coordinates; empty where a choice never comes */
};

struct parzen_axes {
  const struct space *space; /* borrowed */
  int count;
  struct parzen_axis axis[SPACE_PARAMETERS_MAX];
  struct arena arena;
};

/* Some 5,000 quantiles at most for a parameter whose values are discrete. */
enum status parzen_axes_open(const struct space *space, struct parzen_axes *axes);
void parzen_axes_close(struct parzen_axes *axes);

/* Where a point stands: place[axes->count], of a continuum the coordinate, else the number of its cell; NaN where the
 * parameter takes no part, or has a choice that never comes. Some 100 quantiles an axis. */
void parzen_place(const struct parzen_axes *axes, const double *point, double *place);

/* The other way, by the middle of cells; NaN and parameters that are no axis become 0.5. u[space->count]. */
void parzen_coordinates(const struct parzen_axes *axes, const double *place, double *u);

/* The cell of a coordinate: the last that begins there or before. Of numbers and choices. */
int64_t parzen_cell(const struct parzen_axis *axis, double u);

/* A density; arrays [axis][room]. */
struct parzen {
  const struct parzen_axes *axes; /* borrowed */
  int64_t room, count;
  double deviation[SPACE_PARAMETERS_MAX]; /* of the Gaussians of an axis */
  double *place;                          /* of its points; 0 where they take no part */
  double *steep;                          /* 1 / (2 deviation^2), 0 where they take no part */
  double *scale;   /* log of the factor of the Gaussian that makes it a density; 0 where they take no part */
  double *sum;     /* [room]: of logarithms of kernels */
  double *of_cell; /* [PARZEN_CELLS_MOST]: logarithms of kernels, of points of each cell */
};

/* Of at most `room` points; arrays belong to the arena, which is to be checked. */
void parzen_allocate(const struct parzen_axes *axes, int64_t room, struct arena *arena, struct parzen *density);

/* Learns the places place[member[i]][axes->count], i < count <= room. */
void parzen_learn(struct parzen *density, int64_t count, const int64_t *member, const double *place);

/* Draws a place; all axes, also those whose parameters will take no part. */
void parzen_draw(const struct parzen *density, struct rng *rng, double *place);

/* f(x) > 0, finite. Not to be called by two at a time. */
double parzen_density(struct parzen *density, const double *place);

#endif
