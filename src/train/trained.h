/* A trained model, from the checkpoints beside a run. */
#ifndef HGN_TRAIN_TRAINED_H
#define HGN_TRAIN_TRAINED_H

#include "config/config.h"
#include "model/pass.h"
#include "store/file.h"
#include "train/protocol.h"
#include "train/source.h"

struct trained {
  struct config *config; /* owned */
  const struct training *training;
  uint64_t seed;
  struct model *model;               /* owned */
  float *parameters;                 /* owned */
  double dt;                         /* s between frames in the latent space */
  double interval;                   /* s between frames of the data; NaN: not known */
  int64_t step;                      /* it was trained for */
  char data_checksum[CHECKSUM_TEXT]; /* of what it was trained on (yardstick.h) */
  char path[STORE_PATH_MAX];         /* of the checkpoint */
};

/* Collective. run: RUN.h5, of which the latest checkpoint is taken, or with `best` that of the smallest test error; or
 * a checkpoint. */
enum status trained_open(const struct comm *comm, const char *run, bool best, struct trained *trained);
void trained_close(struct trained *trained);

/* Not collective. A trajectory from the state in the first rows of q and p [frames][state], at steps of dt: the states,
 * images [frames][h][w][channels], and energy [frames], the learned H. pass: of batch 1 and chunk 1. */
enum status trained_unroll(const struct trained *trained, struct pass *pass, double dt, int64_t frames, float *q,
                           float *p, float *images, double *energy);

/* Collective. The data set to use: `given`, or when NULL the one that it was trained on, looked for from the working
 * folder, then beside the run. */
enum status trained_data_path(const struct comm *comm, const struct trained *trained, const char *given,
                              char path[STORE_PATH_MAX]);

/* Collective. Opens a data set whose images and frames fit the model; STATUS_FILE when they do not, or, unless the user
 * has `named` it, when it is not the one that the model was trained on (of frames made elsewhere trained_check_data()
 * tells). The caller closes source, then data; on failure both are closed. */
enum status trained_open_data(const struct comm *comm, const struct trained *trained, const char *path, bool named,
                              struct dataset *data, struct source *source, struct protocol *protocol);

/* Not collective. STATUS_FILE unless data of this checksum is what the model was trained on. */
enum status trained_check_data(const struct trained *trained, const struct dataset *data, const char *checksum);

#endif
