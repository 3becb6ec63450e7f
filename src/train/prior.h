/* A learned prior: a density that was trained on the codes of a model (codes.h), in the place of N(0, 1). Of a code z
 * it says log p(u_1..K) of the leading components of the whitened code, and normals of the others; for nhf a bound.
 *
 * A prior is PRIOR.h5, a run of a density, with its checkpoints and with the file of codes that it was trained on. It
 * belongs to one model: the codes hold the checksum of its parameters.
 *
 * Failures: STATUS_MEMORY; STATUS_MPI where Collective; those of point_pass.h; and what is said below.
 */
#ifndef HGN_TRAIN_PRIOR_H
#define HGN_TRAIN_PRIOR_H

#include "train/codes.h"
#include "train/density_judge.h"

struct prior {
  struct trained density;
  struct codes_about about;
  struct density_judge judge;
  struct arena arena;    /* of the next */
  double *drawn;         /* [DENSITY_ROWS][leading]: draws of one block */
  double *u, *z, *noise; /* [size] */
  uint64_t seed;         /* of the draws that are there, block -1: none are */
  int64_t block;
  double temperature;
};

/* Not collective. RUN.h5, or a checkpoint of it, has RUN.prior.h5 and RUN.codes.h5 beside it: `what` is "prior" or
 * "codes". STATUS_USAGE when the name is too long. */
enum status prior_name(const char *run, const char *what, char path[STORE_PATH_MAX]);

/* Collective. path: PRIOR.h5, of which the model of the smallest validation error is taken, or a checkpoint of it.
 * STATUS_FILE when it cannot be read, is no density of codes, is of codes that are not there any more, or is the prior
 * of another model than `model`. Closed with prior_close() after success. */
enum status prior_open(const struct comm *comm, const char *path, const struct trained *model, struct prior *prior);
void prior_close(struct prior *prior);

/* Not collective. What draws and densities need, of a density and codes that are there: for who has them not from
 * files. */
enum status prior_prepare(struct prior *prior);

/* Not collective. A code z[size], a function of (seed, sample), whoever draws it. temperature: factor on all normal
 * numbers that it is made of; with 0 all samples are one. Samples of consecutive numbers are fastest. */
enum status prior_draw(struct prior *prior, uint64_t seed, int64_t sample, double temperature, float *z);

/* Collective. log p(z) of codes, [count][draws], of this rank's rollouts, in nats. `total`: codes of all ranks. */
enum status prior_weigh(const struct comm *comm, struct prior *prior, const struct codes *codes, int64_t total,
                        double *log_prior);

/* Means over rollouts, with their standard errors, in nats a rollout. */
struct prior_distance {
  int64_t rollouts;
  bool sampled;                  /* the model samples; else only the next is known */
  double nll, nll_error;         /* -log p(z) under the learned prior */
  double learned, learned_error; /* KL of the posterior from the learned prior, by one draw of each rollout */
  double normal, normal_error;   /* from N(0, 1), exactly */
  double gain, gain_error;       /* normal less learned, by differences rollout by rollout */
};
/* Collective. Of the first `rollouts` of the test split, 0 or too many: of all. corpus: trained_open_data() has opened
 * it. STATUS_NUMERIC when a distance is not finite. */
enum status prior_measure(const struct comm *comm, struct prior *prior, const struct trained *model,
                          struct corpus *corpus, int64_t rollouts, struct prior_distance *distance);

#endif
