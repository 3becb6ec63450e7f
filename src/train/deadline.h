/* Whether a training that has to end with its job has time for more: by what its steps, evaluations and checkpoints
 * have cost so far.
 *
 * Arithmetic alone: clocks are the callers'. Not collective; of one process, which decides for all.
 */
#ifndef HGN_TRAIN_DEADLINE_H
#define HGN_TRAIN_DEADLINE_H

#include <stdint.h>

struct deadline_costs {
  double step;       /* s: the longest of late; 0: none has been taken */
  double evaluation; /* s a rollout; 0: there was none */
  double checkpoint; /* s: the longest; 0: none has been written */
  int64_t bytes;     /* of a checkpoint */
  int64_t batch;     /* rollouts of a step */
};

/* s: for what nobody has measured: ranks that end, MPI_Finalize, a launcher and a script behind it, clocks that
 * differ. */
enum { DEADLINE_MARGIN = 5 };

/* What has been measured. */
void deadline_note_step(struct deadline_costs *costs, double seconds);
void deadline_note_evaluation(struct deadline_costs *costs, double seconds, int64_t rollouts);
void deadline_note_checkpoint(struct deadline_costs *costs, double seconds);

/* s that a checkpoint takes: the longest so far, or else an estimate by its bytes. */
double deadline_checkpoint(const struct deadline_costs *costs);
/* s that so many steps need, with evaluations of so many rollouts in all, until a checkpoint behind them is on the disk
 * and the job has ended: a checkpoint counts twice, since file systems are slow when many jobs end at once. What has
 * never been done counts nothing, but for the checkpoint. */
double deadline_need(const struct deadline_costs *costs, int64_t steps, int64_t rollouts);

#endif
