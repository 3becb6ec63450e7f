/* Checkpoints: all that a training needs to go on, to the same bits, on any number of ranks.
 *
 *   /                        attributes: format "hgn-checkpoint", schema_version 5
 *   /config                  text: the training's effective configuration
 *   /data_checksum           text: of the data set, or of frames made elsewhere (ladder.h)
 *   /numerics                text: what beside it decided the bits (numerics.h)
 *   /description_checksum    text: of these three and the next two
 *   /sizes                   i64: what of the data decides the model; its description names them in their order
 *   /time_step               f64 [2]: s between frames in the latent space, in the data (NaN: not known)
 *   /parameters/NAME         f32: each tensor in its shape; convolution weights [kh][kw][in][out]
 *   /optimizer/first, second f32 [values]: Adam's moments, in the order of /parameters with gaps
 *   /state/step              i64: steps done
 *   /state/NAME              f64: CHECKPOINT_LIST, and the learner's scalars
 *   /state/exponents         i64 [tensors]: scales of the gradient sums
 *   /checksum                text: of parameters, moments and state
 *   /measured/NAME           f64: CHECKPOINT_MEASURED_LIST
 *   /measured/checksum       text: of these
 *   /provenance/...
 *
 * A run RUN.h5 has RUN.checkpoint-STEP.h5 and RUN.best.h5 beside it.
 *
 * Failures: STATUS_FILE when a file cannot be written or read, STATUS_MEMORY, STATUS_MPI, and what is said below.
 */
#ifndef HGN_TRAIN_CHECKPOINT_H
#define HGN_TRAIN_CHECKPOINT_H

#include "base/checksum.h"
#include "config/config.h"
#include "store/file.h"
#include "train/learner.h"

#define CHECKPOINT_FORMAT "hgn-checkpoint"
enum { CHECKPOINT_VERSION = 5 };

/* X(name, unit, help): numbers of a training beside its steps. */
#define CHECKPOINT_LIST(X)                                                                                             \
  X(rate_scale, NULL, "factor on the learning rate, which is made smaller after divergence")                           \
  X(roll_backs, NULL, "times that training went back to a checkpoint")                                                 \
  X(repeats, NULL,                                                                                                     \
    "steps so far that were computed twice, since gradients outgrew the range of their fixed-point sums")              \
  X(best, NULL, "the score of the best model so far, on the validation split; NaN: none")
/* X(name, unit, help): what was measured of the machine: two runs of one configuration differ in it. */
#define CHECKPOINT_MEASURED_LIST(X)                                                                                    \
  X(seconds, "s", "time that the training has taken so far")                                                           \
  X(core_seconds, "s", "ranks times seconds that the training has taken so far")                                       \
  X(joules, "J", "energy of the processor packages so far")

struct checkpoint {
  int64_t step; /* steps done */
#define CHECKPOINT_MEMBER(name, unit, help) double name;
  CHECKPOINT_LIST(CHECKPOINT_MEMBER)
  CHECKPOINT_MEASURED_LIST(CHECKPOINT_MEMBER)
#undef CHECKPOINT_MEMBER
  double scalar[LEARNER_SCALARS_MAX];
  float *parameters, *first, *second; /* the block, Adam's moments like it; borrowed */
  int32_t *exponent;                  /* [tensors]; borrowed */
};

/* Not collective. RUN.h5 -> RUN.checkpoint-STEP.h5; step -1: RUN.best.h5. STATUS_USAGE when too long. */
enum status checkpoint_name(const char *run, int64_t step, char path[STORE_PATH_MAX]);

/* What tells a run's own checkpoints from others of such names. Borrowed. */
struct checkpoint_owner {
  const struct config *config;
  const char *data_checksum;
  const char *numerics; /* what decides bits beside the configuration */
  bool begins;          /* it is another run's, to begin from: what origin.h says may differ */
};

/* Collective. Written aside, synced, renamed. STATUS_CONFIG when a checkpoint of another run has the name. `lock`: the
 * root's lock of the run, borrowed; NULL: none is held. STATUS_FILE when something of that name is there that is no
 * checkpoint; one that is damaged is replaced. */
enum status checkpoint_write(const struct comm *comm, const char *path, const struct store_lock *lock,
                             const struct checkpoint_owner *owner, const struct learner *learner,
                             const struct checkpoint *checkpoint);

/* Which model a checkpoint is of. */
struct checkpoint_about {
  struct config *config; /* owned by the caller */
  int64_t size[LEARNER_SIZES_MAX];
  double dt, interval;               /* s between frames: in the latent space; in the data, NaN: not known */
  char data_checksum[CHECKSUM_TEXT]; /* of what it was trained on */
};
/* Collective. STATUS_FILE when damaged. */
enum status checkpoint_describe(const struct comm *comm, const char *path, struct checkpoint_about *about);

/* Collective. Reads into the arrays, each of which may be NULL. STATUS_FILE when damaged. */
enum status checkpoint_read(const struct comm *comm, const char *path, const struct learner *learner,
                            struct checkpoint *checkpoint);

/* Root only. The steps of the run's checkpoints, ascending; caller frees. STATUS_FILE when the folder is there and
 * cannot be read. */
enum status checkpoint_list(const char *run, int64_t **steps, int *count);

/* Root only. STATUS_CONFIG when the checkpoint is of another configuration, of other data or of another program,
 * STATUS_FILE when it is damaged or none, or, with store_trouble(), when it cannot be read now. */
enum status checkpoint_check_owner(const char *path, const struct checkpoint_owner *owner);
/* Root only. Deletes that of one step. */
void checkpoint_remove(const char *run, int64_t step);
/* Root only. After that of `step` has been written: deletes older ones but for the `keep` latest that are due `every`
 * so many steps; one that a signal asked for does not push them out. Those of later steps are left alone: the run was
 * there before, and could not read them. So are those of others than `owner` (NULL: anybody's are deleted). */
void checkpoint_prune(const char *run, int64_t step, int64_t every, int64_t keep, const struct checkpoint_owner *owner);
/* Root only. Deletes what killed writers of the run left behind: its partial files that nobody is writing. */
void checkpoint_remove_left(const char *run);

#endif
