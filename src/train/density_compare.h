/* What a model of a density is like as a whole: its draws beside points of the data, and, where the density is known,
 * its own beside it. These numbers do not depend on the points that the likelihood is measured on.
 *
 * Failures: STATUS_MEMORY, those of density_judge.h and dataset_read_points().
 */
#ifndef HGN_TRAIN_DENSITY_COMPARE_H
#define HGN_TRAIN_DENSITY_COMPARE_H

#include "physics/target.h"
#include "train/density_judge.h"
#include "train/source.h"

/* NaN: unknown, or it does not apply. */
struct density_likeness {
  double kl_grid, mass;             /* nat: KL of the model from the density, on a grid; the model's part of the grid */
  double kl_reverse, reverse_error; /* nat: KL of the density from the model, over draws; standard error */
  double modes, outside;            /* effective number that draws reach; share of draws that belong to none */
  double energy_variation, energy_drift; /* of H_i along its steps, over its spread between draws */
  double reversal;                       /* rms difference of draws and what they come from, over its rms */
  int64_t broken;                        /* draws that are not finite */
};

struct density_likeness_task {
  struct density_judge *judge;
  const struct target *target; /* NULL: not known */
  int64_t draws, grid;         /* eval.draws, eval.grid */
  int64_t samples;             /* eval.samples */
  double tolerance;            /* eval.tolerance; here ten times as much will do */
  uint64_t seed;
};

/* Collective. */
enum status density_likeness(const struct comm *comm, const struct density_likeness_task *task,
                             struct density_likeness *likeness);

/* How draws differ from points of the data, in any dimension. */
struct density_difference {
  double energy_distance, energy_floor; /* 2 E|x - y| - E|x - x'| - E|y - y'|, 0 in expectation where both are of one
                                           density; the same of the two halves of the points */
  double mean_shift;                    /* largest difference of a mean, over the points' standard deviation */
  double spread_least, spread_most;     /* of the ratios of standard deviations, draws over points */
};

/* All pairs are looked at, so they are few. */
enum { DENSITY_PAIRED_MAX = 2000 };

/* Not collective: the same on all ranks. Of the first min(draws, rollouts, DENSITY_PAIRED_MAX) points of a split and as
 * many draws. */
enum status density_difference(struct density_judge *judge, const struct dataset *data, enum split split, int64_t draws,
                               uint64_t seed, struct density_difference *difference);

#endif
