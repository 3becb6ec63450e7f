/* A random forest that learns a number from the points of a sweep's space: trees of regression (Breiman, Friedman,
 * Olshen and Stone, 1984), each grown on as many points drawn with replacement (Breiman, Machine Learning 45, 5-32,
 * 2001). A node is cut where the sum of squares of its two parts is least, over all axes; down to leaves of one
 * point, or of equal values.
 *
 * Places are those of sweep/parzen.h. Numbers are cut in two by their order, half way between two that are there;
 * choices by the order of their mean values in the node, which is the best of all cuts of a set in two (Fisher, J.
 * Am. Stat. Assoc. 53, 789-798, 1958), and those that the node has not seen go with the larger part. A parameter that
 * does not always take part is asked for only in nodes all of whose points have it: so the tree has to ask first for
 * what that depends on.
 *
 * Points are drawn by (seed, tree): the same forest everywhere.
 *
 * All functions: Not collective. Failures: STATUS_MEMORY.
 */
#ifndef HGN_ANALYSIS_REPORT_FOREST_H
#define HGN_ANALYSIS_REPORT_FOREST_H

#include "base/arena.h"
#include "sweep/parzen.h"

struct forest_data {
  const struct parzen_axes *axes;
  int64_t count;
  const double *place; /* [count][axes->count]; NaN: takes no part */
  const double *value; /* [count], finite */
};

struct forest_node {
  int axis;                  /* -1: a leaf */
  double threshold;          /* of numbers: coordinates below it are of the left part */
  const unsigned char *left; /* of choices: [cells], which are of the left part */
  int64_t child;             /* the left part's node; the right one's is the next */
  double mean;               /* of its points */
};

struct forest_tree {
  struct forest_node *node; /* the root first */
  int64_t nodes;
};

struct forest {
  const struct parzen_axes *axes; /* borrowed */
  int count;
  struct forest_tree *tree; /* [count] */
  double error;    /* mean square of what each point differs by from the mean of the trees that have not seen it */
  double variance; /* of the values; error / variance says what the forest does not explain */
  struct arena arena;
};

enum status forest_grow(const struct forest_data *data, int trees, uint64_t seed, struct forest *forest);
void forest_free(struct forest *forest); /* accepts a zeroed one */

/* What the tree says of a place. */
double forest_predict(const struct forest *forest, const struct forest_tree *tree, const double *place);

/* The coordinate of a place on an axis of numbers; and the interval that is all one to it. */
double forest_coordinate(const struct parzen_axis *axis, double place);

#endif
