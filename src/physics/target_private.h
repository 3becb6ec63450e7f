/* What the source files of the target densities share; not for others. */
#ifndef HGN_PHYSICS_TARGET_PRIVATE_H
#define HGN_PHYSICS_TARGET_PRIVATE_H

#include "base/rng.h"
#include "physics/target.h"

#define TARGET_LOG_2PI 1.8378770664093454836
#define TARGET_FAR 1e-4   /* share of the draws that may lie beyond all modes */
#define TARGET_SIGMAS 5.2 /* of a Gaussian 2e-7 is beyond: what a box leaves out */

/* A density of one kind: constant functions of an open target. */
struct target_kind {
  /* Fills target->modes and the kind's own. */
  enum status (*open)(struct target *target);
  double (*log_density)(const struct target *target, const double *x);
  void (*gradient)(const struct target *target, const double *x, double *gradient); /* NULL: unavailable */
  void (*draw)(const struct target *target, struct rng *rng, double *x);            /* NULL: does not apply */
  int (*mode)(const struct target *target, const double *x);
  void (*box)(const struct target *target, double *lower, double *upper);
  void (*close)(struct target *target); /* NULL: there is nothing but `self` to be freed */
};

struct target {
  const struct target_kind *kind;
  struct density_settings settings;
  uint64_t seed;
  int dimension, modes;
  double normaliser_error;
  void *self; /* the kind's own; owned */
};

extern const struct target_kind target_mixture, target_arcs, target_moons, target_checkerboard, target_logistic;

/* The distance from its centre, in standard deviations, that TARGET_FAR of a Gaussian of that dimension exceeds. */
double target_far_radius(int dimension);

/* log(exp(a) + exp(b)). */
double target_log_add(double a, double b);

/* How deep below its peak the log of a density lies, and how much of its mass there: from samples or nodes with
 * weights. What lies deeper than the last bin, 60 nat, counts there. */
enum { TARGET_LEVELS = 6000 };
#define TARGET_LEVEL 0.01 /* nat, of a bin */
struct target_levels {
  double mass[TARGET_LEVELS];
};
void target_levels_add(struct target_levels *levels, double depth, double mass);
/* The depth below which TARGET_FAR of all mass lies. */
double target_levels_far(const struct target_levels *levels);

#endif
