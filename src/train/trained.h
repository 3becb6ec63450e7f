/* A trained model, from the checkpoints beside a run.
 *
 * Failures: those of checkpoint.h, learner.h and corpus.h, STATUS_FILE above all, and what is said below.
 */
#ifndef HGN_TRAIN_TRAINED_H
#define HGN_TRAIN_TRAINED_H

#include "config/config.h"
#include "store/file.h"
#include "train/corpus.h"
#include "train/learner.h"

struct trained {
  struct config *config; /* owned */
  const struct training *training;
  struct learner learner;            /* its protocol: of the data that were opened last */
  int64_t step;                      /* it was trained for */
  char data_checksum[CHECKSUM_TEXT]; /* of what it was trained on (yardstick.h) */
  char path[STORE_PATH_MAX];         /* of the checkpoint */
};

/* Collective. run: RUN.h5, of which the latest checkpoint is taken, or with `best` that of the smallest validation
 * error; or a checkpoint. */
enum status trained_open(const struct comm *comm, const char *run, bool best, struct trained *trained);
void trained_close(struct trained *trained);

/* Not collective. Where the data set of that name is: as it says, from the working folder; else beside the run, or its
 * checkpoint. Where it is in neither place, the name itself. STATUS_USAGE when it is too long. */
enum status trained_find_data(const char *data, const char *run, char path[STORE_PATH_MAX]);

/* Collective. The data set to use: `given`, or when NULL the one that it was trained on, looked for from the working
 * folder, then beside the run. STATUS_USAGE when the name is too long. */
enum status trained_data_path(const struct comm *comm, const struct trained *trained, const char *given,
                              char path[STORE_PATH_MAX]);

/* Collective. Opens a data set whose images and frames fit the model, and sets the learner's protocol; STATUS_FILE when
 * they do not, or, unless the user has `named` it, when it is not the one that the model was trained on (of frames made
 * elsewhere trained_check_data() tells). Closed with corpus_close(). */
enum status trained_open_data(const struct comm *comm, struct trained *trained, const char *path, bool named,
                              struct corpus *corpus);

/* Not collective. STATUS_FILE unless data of this checksum is what the model was trained on. */
enum status trained_check_data(const struct trained *trained, const struct dataset *data, const char *checksum);

/* Collective. Measures it on the first `rollouts` of the test split, 0 or too many: on all. data that was not `named`
 * has to be what it was trained on. The caller frees both with yardstick_free() and evaluation_free(),
 * after a failure too. */
enum status trained_evaluate(struct trained *trained, struct corpus *corpus, bool named, int64_t rollouts,
                             struct yardstick *yardstick, struct evaluation *evaluation);
/* Not collective, the same on all ranks. STATUS_NUMERIC when an evaluation or the parameters are not finite. */
enum status trained_check_finite(const struct trained *trained, const struct evaluation *evaluation);

#endif
