/* The certificate: a training is computed again from its file alone, on whatever number of ranks, and every report
 * and evaluation of it compared with what the file holds, bit by bit.
 *
 * A run that began in the state of another (population based training: /origin) is replayed from the start of the
 * first of these, whose files tell how it learned then; one that began with another's parameters (/start) needs
 * these. What is gone is told, and the replay begins at the first checkpoint after it. Training that went back to a
 * checkpoint goes back in the replay too. Nothing is written.
 *
 * Failures: STATUS_FILE when the run, its data or what it begins from is missing, damaged or other than it says;
 * STATUS_CONFIG when it is of other numerical rules, or there are more ranks than lanes; STATUS_MEMORY, STATUS_MPI.
 */
#ifndef HGN_TRAIN_REPLAY_H
#define HGN_TRAIN_REPLAY_H

#include "comm/comm.h"
#include "train/difference.h"

enum { REPLAY_TEXT_MAX = 1024 };

/* All borrowed. */
struct replay_demand {
  const char *run;
  const char
      *data;     /* the data set; NULL: that of the run, looked for as it is named, from the working folder, beside the
                       run, and from the folder in which the run was made */
  int64_t steps; /* that are replayed at most; -1: all that it has records of */
  int64_t from;  /* begins in the state of the latest checkpoint up to this step; -1: at its start */
};

struct replay_outcome {
  int64_t began, verified;              /* step after which it began; to which all agrees */
  int64_t reports, evaluations, values; /* that were compared, evaluations of a split each */
  bool whole;                           /* up to the last record of the run, and that is its end */
  bool unlimited;                       /* scores that are held against the information limit were left out */
  char note[REPLAY_TEXT_MAX];           /* why it did not begin at the start; "" */
  char diverged[REPLAY_TEXT_MAX];       /* the replay diverged where the training has not: how; "" */
  struct difference_list different;     /* count 0: nothing is */
};

/* Collective. STATUS_DIFFERENT when something differs, as *outcome tells. *outcome: the root's. */
enum status replay_run(const struct comm *comm, const struct replay_demand *demand, struct replay_outcome *outcome);

#endif
