/* Training: from a configuration to a run file and checkpoints, data-parallel, interruptible, the same bits however
 * often it is interrupted and on however many ranks it goes on.
 */
#ifndef HGN_TRAIN_TRAINER_H
#define HGN_TRAIN_TRAINER_H

#include "config/config.h"
#include "train/evaluate.h"
#include "train/record.h"

struct train_outcome {
  int64_t step;    /* steps done */
  int64_t resumed; /* step that it went on from; -1: from the start */
  bool complete;   /* all steps are done */
  bool evaluated;  /* `test` is of the last step */
  bool recalled;   /* it was complete before; `test` is what its file says */
  struct evaluation test;
  struct yardstick yardstick;
  double seconds; /* so far */
};

/* Collective. `output` is RUN.h5. When it is there and has this very configuration, training goes on; with `resume` it
 * must be there. STATUS_CONFIG with the differing keys when it has another. STATUS_INTERRUPTED after SIGUSR1 or
 * SIGTERM: a checkpoint has been written. STATUS_NUMERIC when training diverges: loss, gradient, parameters or an
 * evaluation are not finite. The outcome is filled in all of these cases. */
enum status train_run(const struct comm *comm, const struct config *config, const char *output, bool resume,
                      struct train_outcome *outcome);
void train_outcome_free(struct train_outcome *outcome);

#endif
