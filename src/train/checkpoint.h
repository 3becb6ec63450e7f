/* Checkpoints: all that a training needs to go on, to the same bits, on any number of ranks.
 *
 *   /                        attributes: format "hgn-checkpoint", schema_version 3
 *   /config                  text: the training's effective configuration
 *   /data_checksum           text: of the data set, or of frames made elsewhere (ladder.h)
 *   /numerics                text: what beside it decided the bits (record.h)
 *   /description_checksum    text: of these three and the next two
 *   /images                  i64 [4]: height, width, channels, input frames
 *   /time_step               f64 [2]: s between frames in the latent space, in the data (NaN: not known)
 *   /parameters/NAME         f32: each tensor in its shape; convolution weights [kh][kw][in][out]
 *   /optimizer/first, second f32 [values]: Adam's moments, in the order of /parameters with gaps
 *   /state/...               counters, GECO, scales of the gradient sums
 *   /checksum                text: of parameters, moments and state
 *   /provenance/...
 *
 * A run RUN.h5 has RUN.checkpoint-STEP.h5 and RUN.best.h5 beside it.
 */
#ifndef HGN_TRAIN_CHECKPOINT_H
#define HGN_TRAIN_CHECKPOINT_H

#include "base/checksum.h"
#include "config/config.h"
#include "model/model.h"
#include "store/file.h"

#define CHECKPOINT_FORMAT "hgn-checkpoint"
enum { CHECKPOINT_VERSION = 3 };

/* s between frames: what a step is in the latent space, and what it is in the data (NaN: not known). */
struct checkpoint_clock {
  double latent, data;
};

struct checkpoint {
  int64_t step;           /* steps done */
  double lambda, average; /* GECO */
  int64_t started;
  double rate_scale; /* of the learning rate */
  int64_t roll_backs, repeats;
  double seconds, core_seconds, joules; /* so far */
  double best;                          /* test error of the best evaluation; NaN: none */
  float *parameters, *first, *second;   /* the model's block; borrowed */
  int32_t *exponent;                    /* [tensors]; borrowed */
};

/* Not collective. RUN.h5 -> RUN.checkpoint-STEP.h5; step -1: RUN.best.h5. STATUS_USAGE when too long. */
enum status checkpoint_name(const char *run, int64_t step, char path[STORE_PATH_MAX]);

/* What tells a run's own checkpoints from others of such names. Borrowed. */
struct checkpoint_owner {
  const struct config *config;
  const char *data_checksum;
  const char *numerics; /* what decides bits beside the configuration */
};

/* Collective. Written aside, synced, renamed. STATUS_CONFIG when a checkpoint of another run has the name. `lock`: the
 * root's lock of the run, borrowed; NULL: none is held. STATUS_FILE when something of that name is there that is no
 * checkpoint; one that is damaged is replaced. */
enum status checkpoint_write(const struct comm *comm, const char *path, const struct store_lock *lock,
                             const struct checkpoint_owner *owner, const struct checkpoint_clock *clock,
                             const struct model *model, const struct checkpoint *checkpoint);

/* Which model a checkpoint is of. */
struct checkpoint_about {
  struct config *config; /* owned by the caller */
  struct model_images images;
  int64_t input_frames;
  struct checkpoint_clock clock;
  char data_checksum[CHECKSUM_TEXT]; /* of what it was trained on */
};
/* Collective. STATUS_FILE when damaged. */
enum status checkpoint_describe(const struct comm *comm, const char *path, struct checkpoint_about *about);

/* Collective. Reads into the arrays, each of which may be NULL. STATUS_FILE when damaged. */
enum status checkpoint_read(const struct comm *comm, const char *path, const struct model *model,
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
/* Root only. Deletes what killed writers of the run left behind: its partial files, as far as nobody is writing them.
 */
void checkpoint_sweep(const char *run);

#endif
