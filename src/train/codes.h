/* The codes z that a trained Hamiltonian Generative Network makes of the rollouts of a data set, and the file of them,
 * a data set of points that densities learn of (hgn codes).
 *
 * Of a model that samples a code is a draw of q(z|x), a function of (seed, split, rollout, draw); of others what the
 * encoder gives to the transformer. Rollouts are worked on in blocks of CODES_BLOCK, so that neither codes nor their
 * moments depend on the number of ranks.
 *
 *   /                       attributes: format "hgn-codes", schema_version 1
 *   /train/points           f64 [N draws][K]: the first K components of whitened codes (whitening.h), the draws of a
 *                           rollout side by side; /test/points, /validation/points [N][K]: of one draw each
 *   /codes/mean, scale      f64 [L]
 *   /codes/variance         f64 [L]: of the components, in the order of whitening.h
 *   /codes/axis             f64 [L][L]: [component][number]
 *   /codes/log_volume       f64 [1], nat: log p(z) is log p(u) less this
 *   /codes/leading, step, draws  i64 [1]: K; steps that the model was trained for; of each training rollout
 *   /codes/model            text: checksum of the model's parameters
 *   /codes/checksum         text: of all of /codes
 *   /run, /data             text: the checkpoint, and the data set
 *   /provenance/...
 *
 * Otherwise it is as a data set of points that was made elsewhere (dataset.h).
 *
 * Failures: STATUS_MEMORY; STATUS_MPI; those of pass.h and source.h; STATUS_UNAVAILABLE when the model is of another
 * kind; STATUS_NUMERIC when a code is not finite.
 */
#ifndef HGN_TRAIN_CODES_H
#define HGN_TRAIN_CODES_H

#include "base/exact.h"
#include "train/trained.h"
#include "train/whitening.h"

enum { CODES_ENOUGH = 20000, CODES_DRAWS = 4, CODES_BLOCK = 64, CODES_DRAWS_MAX = 1024, CODES_VERSION = 1 };

/* Codes of one rank's rollouts of a split. */
struct codes {
  enum split split;
  int64_t first, count, draws, size; /* rollouts: a whole number of blocks, but the last; of each; numbers of a code */
  double *z;                         /* [count][draws][size] */
  double *log_q;                     /* [count][draws], nat: log q(z|x); 0 where nothing is sampled */
  double *kl;                        /* [count], nat: of q(z|x) from N(0, 1); 0 where nothing is sampled */
  struct arena arena;
};

/* Not collective. Of this rank's share of the first `rollouts`. spread: NULL, or [size], to which the sums of the
 * squares of the posteriors' standard deviations are added. Freed with codes_free(), after a failure too. */
enum status codes_gather(const struct comm *comm, const struct trained *trained, struct source *source,
                         enum split split, int64_t rollouts, int64_t draws, struct codes *codes, struct exact *spread);
void codes_free(struct codes *codes);

struct codes_settings {
  int64_t draws;   /* of a training rollout; 0: as many as make CODES_ENOUGH codes, 1 to CODES_DRAWS; 1 of a model that
                      does not sample */
  int64_t leading; /* components that a density learns of; 0: whitening.h chooses */
};

/* Collective. Encodes all of a corpus that trained_open_data() has opened and writes the file, which appears under its
 * name when it is whole. STATUS_USAGE when the settings do not suit the model. */
enum status codes_make(const struct comm *comm, const struct trained *trained, struct corpus *corpus,
                       const struct codes_settings *settings, const char *path);

/* What a file of codes says beside its points. */
struct codes_about {
  struct whitening whitening; /* owned */
  int64_t step, draws;
  char model[CHECKSUM_TEXT];
};
/* Collective. STATUS_FILE when it is none, or damaged. Freed with codes_about_free(). */
enum status codes_describe(const struct comm *comm, const char *path, struct codes_about *about);
void codes_about_free(struct codes_about *about);

/* Not collective. The checksum by which codes know their model. */
void codes_model_checksum(const struct trained *trained, char text[CHECKSUM_TEXT]);

#endif
