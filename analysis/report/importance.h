/* Which parameters of a sweep matter: functional ANOVA on a random forest (Hutter, Hoos and Leyton-Brown, ICML 2014).
 *
 * A tree says a constant f_l in each leaf l, a box of the space. In the coordinates of space.h, in which what random
 * search draws is uniform, a box has the measure prod_a m_a(l). The mean is f0 = sum_l f_l prod_a m_a(l); the
 * marginal of an axis
 *
 *   f_a(u) = sum over l with u in l of f_l prod_{b != a} m_b(l),
 *
 * its main effect's variance V_a = integral (f_a(u) - f0)^2 du, and V = sum_l (f_l - f0)^2 prod_a m_a(l). In the
 * paper the share of an axis is the mean of V_a / V over trees. A tree of noisy points has much of its own, which
 * counts as effects of several parameters together; so here the share is V_a / V of the forest, the mean of its
 * trees, and the trees' own are beside it. V of the forest is a mean over points of a Sobol sequence, all else is
 * exact. What is left of 1 are effects of several parameters together. Effects are of the whole space, however
 * unevenly a method has looked at it.
 *
 * The shares are of what the forest says. How much of the values that is, is what its trees say of points that they
 * have not seen: `explained`, 1 - error / variance; 0 or less: it knows no more than the mean, and shares mean
 * nothing.
 *
 * Not collective. Failures: STATUS_MEMORY; STATUS_UNAVAILABLE with the reason why nothing can be said.
 */
#ifndef HGN_ANALYSIS_REPORT_IMPORTANCE_H
#define HGN_ANALYSIS_REPORT_IMPORTANCE_H

#include "analysis/report/forest.h"

enum { IMPORTANCE_LEAST = 20, IMPORTANCE_TREES = 64, IMPORTANCE_GRID = 40 };

struct importance_axis {
  int parameter;
  double share;              /* of the forest */
  double tree_share, spread; /* of its trees, as in the paper: mean and standard deviation */
  /* Partial dependence: the marginal, mean of the trees and standard deviation over them. */
  int64_t points;
  double *at; /* [points]: coordinates, of choices cells */
  double *mean, *deviation;
};

struct importance {
  int count;                                         /* of axes */
  struct importance_axis axis[SPACE_PARAMETERS_MAX]; /* the largest share first */
  double together;                                   /* share of effects of several parameters; of the forest */
  double explained;
  struct arena arena;
};

/* place[count][axes->count], value[count], finite, in any unit. */
enum status importance_measure(const struct parzen_axes *axes, int64_t count, const double *place, const double *value,
                               uint64_t seed, struct importance *importance);
void importance_free(struct importance *importance); /* accepts a zeroed one */

#endif
