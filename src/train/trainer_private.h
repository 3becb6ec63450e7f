/* What the source files of the trainer share. */
#ifndef HGN_TRAIN_TRAINER_PRIVATE_H
#define HGN_TRAIN_TRAINER_PRIVATE_H

#include "store/lock.h"
#include "train/checkpoint.h"
#include "train/energy.h"
#include "train/optimizer.h"
#include "train/step.h"
#include "train/trainer.h"

/* States that a replay goes back to, where a training has checkpoints. */
struct trainer_memory {
  struct trainer_state **state; /* ascending steps; owned */
  int64_t count, capacity;
};

struct trainer {
  const struct comm *comm;
  const struct config *config;
  const struct training *training;
  struct corpus *corpus;
  char output[STORE_PATH_MAX];   /* RUN.h5, links followed; "": nothing is written */
  const char *origin;            /* RUN.h5 of the run that it begins from; NULL: none */
  int64_t origin_step;           /* step of that */
  const char *from;              /* run or checkpoint with whose parameters it begins; NULL: its own */
  struct record_start start;     /* what it began with, where it begins in this process */
  bool started_elsewhere;        /* its file says that it began with another run's parameters */
  struct config *then;           /* what RUN.h5 was begun with, where that differs (record_check()); owned; or NULL */
  void (*begins)(void);          /* trainer.h; may be NULL */
  struct trainer_replay *replay; /* trainer.h; NULL: it is no replay */
  struct trainer_memory memory;  /* of a replay */
  int64_t replay_from;           /* step after which it began */
  char numerics[NUMERICS_TEXT_MAX]; /* what decides bits here */
  struct learner learner;
  struct yardstick yardstick;
  struct step step;
  struct optimizer optimizer;
  struct store_lock lock; /* the root's */
  struct record record;
  bool recording;
  struct evaluation_set train_set;
  int64_t done, resumed; /* steps; -1: from the start */
  unsigned events;       /* of the last step */
  unsigned ended;        /* TRAINER_STOPPED, TRAINER_PRUNED or TRAINER_COMPLETE; 0: not yet */
  bool recalled;
  int64_t roll_backs, repeats;
  double best;                                                 /* NaN: none */
  double gradient_norm;                                        /* of the last step; NaN: none yet */
  bool told[VERDICT_COUNT];                                    /* what has been said on the way */
  struct verdict verdict;                                      /* of a run that is complete */
  double seconds_before, core_seconds_before, joules, started; /* s, s, J, clock */
  struct energy_meter meter;
  struct trainer_timing timing; /* of the last step */
  struct deadline_costs costs;
  /* Since the last report. */
  struct {
    int64_t steps;
    double began, stage[LEARNER_STAGES_MAX], reducing, waited, total;
  } window;
  struct arena arena;                 /* of the next */
  double *lane_term;                  /* [terms][lanes] */
  struct evaluation validation, test; /* the last ones */
  bool evaluated;                     /* they are of step `done` */
  double spoken;                      /* clock of the last line */
};

/* Collective. Begins, or goes on from the latest whole checkpoint (trainer_begin.c). A run that is complete is not
 * opened: `recording` stays false. */
enum status trainer_begin(struct trainer *trainer, bool resume);
/* Collective. A replay begins (trainer_replay.c). */
enum status trainer_replay_begin(struct trainer *trainer);
/* Not collective, on all ranks. In place of writing a checkpoint: a replay remembers what it may have to go back to.
 * And what it remembers of a step up to `most` at a multiple of `every`, which is in *checkpoint then; false:
 * nothing. And forgets one, and all. */
enum status trainer_remember(struct trainer *trainer, int64_t step);
bool trainer_recall(struct trainer *trainer, int64_t most, int64_t every, struct checkpoint *checkpoint);
void trainer_forget(struct trainer *trainer, int64_t step);
void trainer_forget_all(struct trainer *trainer);
/* Not collective. The checksum of the parameters: the same of one model as of another that has the same networks. */
struct checksum trainer_sum_parameters(const struct learner *learner);
/* Not collective. Those of another run's model. STATUS_CONFIG when it has other networks. */
struct trained;
enum status trainer_take_parameters(struct trainer *trainer, const struct trained *from);
/* Not collective. Its state now; what tells its checkpoints from others; as if it had come to a checkpoint itself. */
struct checkpoint trainer_checkpoint(struct trainer *trainer);
struct checkpoint_owner trainer_owner(const struct trainer *trainer);
void trainer_go_on_from(struct trainer *trainer, const struct checkpoint *checkpoint);
/* Collective. The latest checkpoint that is whole, of those up to step `most` and at multiples of `every` steps; *found
 * is false when there is none. */
enum status trainer_load_latest(struct trainer *trainer, int64_t most, int64_t every, struct checkpoint *checkpoint,
                                bool *found);
/* Collective. step -1: the best model. */
enum status trainer_save_as(struct trainer *trainer, int64_t step);
enum status trainer_roll_back(struct trainer *trainer);
/* Collective. STATUS_FILE when the record of a run that has ended is not what was written: another program was at it.
 */
enum status trainer_verify(const struct trainer *trainer);
struct record_run trainer_describe(const struct trainer *trainer);

/* Of the training split that an evaluation measures where nothing else is said, about. */
enum { TRAINER_TRAIN_ROLLOUTS = 200 };

enum { TRAINER_BROKEN_MAX = 160 };

/* Collective. Reports and evaluations (trainer_report.c). `broken`, the same on all ranks, names what of an evaluation
 * is not finite, or stays as it is: the training has diverged, nothing has been recorded, and it is not the best. */
enum status trainer_report(struct trainer *trainer, const struct step_result *result, double norm, double rate);
enum status trainer_evaluate(struct trainer *trainer, char broken[TRAINER_BROKEN_MAX]);
/* Not collective. Rollouts of a split that an evaluation on the way measures; of the test split in the last. */
int64_t trainer_rollouts_of(const struct trainer *trainer, enum split split);
int64_t trainer_final_rollouts(const struct trainer *trainer);
/* Not collective. About how many rollouts of all splits the evaluation measures that is due after so many steps; 0:
 * none is. */
int64_t trainer_rollouts_due(const struct trainer *trainer, int64_t done);
/* Not collective. Whether something is due after so many steps of `steps`. */
bool trainer_due(int64_t done, int64_t every, int64_t steps);
/* Collective. The same of the parameters. */
enum status trainer_check(struct trainer *trainer, char broken[TRAINER_BROKEN_MAX]);
double trainer_seconds(const struct trainer *trainer);
double trainer_core_seconds(const struct trainer *trainer);

#endif
