/* What a model of a density says of points, and draws of it: log-likelihoods by importance sampling, with as many
 * samples as it takes; for nhf the way of a state.
 *
 * log pi(x) is estimated by the log of the mean of exp(w) over K momenta (point_model.h), a lower bound in expectation
 * that does not fall as samples are added (Burda, Grosse, Salakhutdinov, ICLR 2016). K is doubled until the weighted
 * mean over all points moves by less than a tolerance, all ranks alike. A momentum is a function of (seed, purpose,
 * number of the point, sample), so that nothing depends on who computes it.
 *
 * Points are worked on in groups of EVALUATION_GROUP, each with DENSITY_BLOCK momenta at once, draws in blocks of
 * DENSITY_ROWS: so a point has its place in a batch, on which last bits may depend, whoever computes it.
 *
 * Failures: STATUS_MEMORY, those of point_pass.h, and STATUS_MPI where Collective.
 */
#ifndef HGN_TRAIN_DENSITY_JUDGE_H
#define HGN_TRAIN_DENSITY_JUDGE_H

#include "base/arena.h"
#include "base/rng.h"
#include "comm/comm.h"
#include "model/point_pass.h"
#include "train/evaluation.h"

enum { DENSITY_BLOCK = 32, DENSITY_ROWS = DENSITY_BLOCK * EVALUATION_GROUP };

struct density_judge {
  const struct point_model *model;
  struct point_pass *pass;  /* of DENSITY_ROWS points */
  struct point_pass *group; /* of EVALUATION_GROUP points; NULL where momenta are drawn */
  struct arena arena;       /* of all arrays */
  float *x, *noise;         /* [rows][D] */
  float *to_x, *to_p;       /* [rows][D] */
  double *weight;           /* [rows] */
  double temperature;       /* of draws: factor on the normal numbers that they begin in; 1 when it is opened */
};

/* Not collective. model and parameters are borrowed. Closed after a failure too. */
enum status density_judge_open(const struct point_model *model, const float *parameters, struct density_judge *judge);
void density_judge_close(struct density_judge *judge);
/* Not collective. To be said after the parameters' values have changed. */
void density_judge_changed(struct density_judge *judge);

#define DENSITY_NONE UINT64_MAX

/* Points of one rank, by groups: the places of a group that it does not fill have the number DENSITY_NONE. */
struct density_points {
  int64_t groups;
  struct arena arena;
  double *x;        /* [groups * EVALUATION_GROUP][D] */
  double *weight;   /* of each in the mean that decides on the samples */
  double *known;    /* log of the density that the points are of; NaN: unknown */
  uint64_t *number; /* of each */
  enum rng_purpose purpose;
  uint64_t seed;
  double *likelihood, *bound; /* log-likelihood, ELBO; nat: results */
  int64_t samples;            /* that were taken of each; 1 where the likelihood is exact */
  double gain;                /* that the last doubling brought; NaN: none was needed or possible */
};
enum status density_points_create(int64_t groups, int64_t dimension, struct density_points *points);
void density_points_free(struct density_points *points);

/* Collective. Fills in likelihood and bound. `most` samples at most, at least DENSITY_BLOCK. */
enum status density_judge_points(const struct comm *comm, struct density_judge *judge, int64_t most, double tolerance,
                                 struct density_points *points);

/* Not collective. Draws first..first+count-1 of a seed: where they begin, q and p of a standard normal, and where they
 * come out, x and momentum, all [count][D]. rnvp: p and momentum are not touched. Each may be NULL. */
enum status density_judge_draw(struct density_judge *judge, uint64_t seed, int64_t first, int64_t count, double *x,
                               double *momentum, double *q, double *p);

#endif
