/* A training that others drive: from a configuration and a corpus to a run file and checkpoints, data-parallel, the
 * same bits however often it is interrupted and on however many ranks it goes on.
 *
 * A process may have one trainer after another, on the same corpus; groups of ranks have theirs side by side. Signals,
 * data and communicators belong to those who call.
 */
#ifndef HGN_TRAIN_TRAINER_H
#define HGN_TRAIN_TRAINER_H

#include "config/config.h"
#include "train/corpus.h"
#include "train/deadline.h"
#include "train/learner.h"
#include "train/record.h"

struct trainer;

/* The state of a training between two steps, in memory: parameters, moments, schedules and all. */
struct trainer_state;

/* How a replay begins, and what it has found. */
struct trainer_replay {
  struct record_replay *record;      /* what RUN.h5 is like; borrowed */
  const struct trainer_state *state; /* it begins in; borrowed; NULL: */
  const char *checkpoint;            /* in that of this checkpoint of its own; NULL: */
  const char *start;                 /* at step 0 with the parameters of this checkpoint, whose checksum is */
  const char *parameters;            /* this one; NULL: with its own */
  double kappa;                      /* what GECO aims at */
};

/* All borrowed as long as the trainer is open. */
struct trainer_setup {
  const struct config *config;
  struct corpus *corpus;
  const char *output;              /* RUN.h5; NULL: nothing is written, and nothing gone on with */
  bool resume;                     /* RUN.h5 must be there */
  const struct learner_kind *kind; /* NULL: that of the configuration's model.name */
  /* RUN.h5 of another run, NULL: none: a run that has not begun takes over the records of that one up to this step, and
   * begins in the state of its checkpoint there: parameters, moments, schedules and all. Needs an output. What its
   * configuration may have of its own, origin.h says: STATUS_CONFIG with the keys of which more differ. */
  const char *origin;
  int64_t origin_step;
  /* RUN.h5 or a checkpoint of another training, NULL: none: a run that has not begun begins at step 0 with the
   * parameters that its latest checkpoint has; all else is as without. STATUS_CONFIG when the networks are not the
   * same, or RUN.h5 is there and began with others. Not together with `origin`; needs an output. */
  const char *from;
  /* A training that has been, computed again: RUN.h5 is compared, and nothing is written. NULL: no. Not together with
   * `resume`, `origin` and `from`. */
  struct trainer_replay *replay;
  void (*begins)(void); /* called, on each rank, when all has been read that may take long, and before anything is
                           written that would be lost with the process; NULL: nobody wants to know */
};

/* Collective over the ranks of `comm`, which is borrowed and that of the corpus. When RUN.h5 is there and has this very
 * configuration, or one with which its steps so far have the same bits (continuation.h), it goes on from the latest
 * whole checkpoint; with other steps or reports RUN.h5 is made anew first, aside. STATUS_CONFIG with the differing keys
 * when it has another, when fewer steps than are done or reports that were not made are asked for, or when it began
 * elsewhere than setup->origin says. On failure *trainer is NULL. */
enum status trainer_open(const struct comm *comm, const struct trainer_setup *setup, struct trainer **trainer);

/* What a rank asks for; of all ranks the last in this list counts, and all learn of it in the messages of the step. */
enum trainer_request {
  TRAINER_GO,
  TRAINER_STOP, /* write a checkpoint after this step, so that the run can go on, and end */
  TRAINER_PRUNE /* end after this step, as a trial that is given up */
};

/* What has happened, a bit each. After one of the last three it has ended, and stays so. */
enum trainer_event {
  TRAINER_REPORT = 1 << 0,
  TRAINER_EVALUATION = 1 << 1,
  TRAINER_CHECKPOINT = 1 << 2,
  TRAINER_STOPPED = 1 << 3,
  TRAINER_PRUNED = 1 << 4,
  TRAINER_COMPLETE = 1 << 5,
  TRAINER_ENDED = TRAINER_STOPPED | TRAINER_PRUNED | TRAINER_COMPLETE
};

/* Collective. Takes steps until `until` are done, or something has happened. The request is looked at in each of them,
 * so who may have another to make meanwhile asks for one step at a time. *events: of the last step; the same on all
 * ranks. STATUS_NUMERIC when training diverges: loss, gradient, parameters or an evaluation are not finite. */
enum status trainer_advance(struct trainer *trainer, int64_t until, enum trainer_request request, unsigned *events);

/* Collective. Writes a checkpoint of the present step. */
enum status trainer_save(struct trainer *trainer);

/* Not collective, to be called on all ranks. A copy of its state, to be freed with trainer_state_free(). */
enum status trainer_state_of(struct trainer *trainer, struct trainer_state **state);
void trainer_state_free(struct trainer_state **state);

/* Not collective. Steps that are done. */
int64_t trainer_step(const struct trainer *trainer);

struct trainer_outcome {
  int64_t step, steps; /* done; of the whole training */
  int64_t resumed;     /* step that it went on from; -1: from the start */
  bool complete;       /* all steps are done */
  bool evaluated;      /* the evaluations are of the present step */
  bool recalled;       /* it was complete before; `test` is what its file says */
  const char *output;  /* RUN.h5, links followed; "": none */
  const struct learner *learner;
  const struct evaluation *validation, *test; /* validation: what choices read; of a run that is recalled unknown */
  const struct yardstick *yardstick;
  const struct verdict *verdict; /* of a training that is complete; else unknown */
  double seconds;                /* so far */
};
/* Not collective. What it points to lives as long as the trainer. */
struct trainer_outcome trainer_outcome(const struct trainer *trainer);

/* Not collective, to be called on all ranks. The first parameter is not a number from here on: a rehearsal of training
 * that diverges. */
void trainer_poison(struct trainer *trainer);

/* Where the time of the last step went; s, of this rank. */
struct trainer_timing {
  double stage[LEARNER_STAGES_MAX], reducing, updating;
  double working;           /* since the trainer was opened, in steps and evaluations */
  double exchanged, waited; /* sums under way since the trainer was opened; of it, that this rank stood still */
};
/* Not collective. */
struct trainer_timing trainer_timing(const struct trainer *trainer);

/* Not collective. What things have cost on this rank; and the seconds that the next so many steps need, with what is
 * due after them, until a checkpoint behind them is on the disk (deadline.h). Who asks for a stop when two steps do not
 * fit any more, in the last one that does, never comes to a step for which there is no time. */
struct deadline_costs trainer_costs(const struct trainer *trainer);
double trainer_need(const struct trainer *trainer, int64_t steps);

/* Collective. The message of a failure stays. */
void trainer_close(struct trainer **trainer);

#endif
