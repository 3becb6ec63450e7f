/* What travels between the coordinator and a group of ranks: orders one way, messages the other. Data only; both are of
 * fixed size and small, so that sending one never waits for its receiver.
 */
#ifndef HGN_SWEEP_JOB_H
#define HGN_SWEEP_JOB_H

#include "sweep/folder.h"
#include "sweep/space.h"
#include "sweep/trial.h"
#include "train/evaluation.h"

#include <stdbool.h>
#include <stdint.h>

enum { JOB_SCORES_MAX = EVALUATION_SCORES_MAX, JOB_REASON_MAX = 240 };

enum order_kind {
  ORDER_TRIAL,   /* run a trial, from where it is to its end, or to where it is to wait */
  ORDER_PREPARE, /* run a command of `prepare:` */
  ORDER_QUIT     /* nothing more will come */
};

struct order {
  enum order_kind kind;
  int64_t number; /* of the trial, or of the command */
  int64_t starts; /* times that it has been begun, this one included */
  int64_t seed;   /* of the trial's experiment */
  struct folder_place place;
  int64_t pause;  /* reports after which it writes a checkpoint and waits; 0: it goes to its end */
  bool part;      /* there it is complete, and does not wait */
  int64_t waited; /* reports after which it waited until now; 0: it did not */
  int64_t begin;  /* reports after which it begins, in the state that its origin has there; 0: at the start */
  struct folder_place origin;
  double deadline; /* s from now; 0: none */
  double left;     /* s from now until the batch job ends, before which it writes a checkpoint; 0: it does not end */
  double point[SPACE_PARAMETERS_MAX];
};

/* What a group that works may be asked for meanwhile. */
enum control {
  CONTROL_NONE,
  CONTROL_STOP, /* write a checkpoint and end: preempted */
  CONTROL_PRUNE /* end: it has been given up */
};

enum message_kind {
  MESSAGE_BEGAN,   /* the trial's data are open: what its errors are held against */
  MESSAGE_REPORT,  /* scores on the validation split */
  MESSAGE_ENDED,   /* the trial has ended; scores on the test split where it is complete */
  MESSAGE_PREPARED /* the command has ended */
};

struct message {
  enum message_kind kind;
  int64_t number;               /* of the trial, or of the command */
  enum trial_state state;       /* ended: what has become of it; prepared: complete or failed */
  int64_t index, step;          /* report: its number, which follows from the steps done */
  bool last;                    /* report: it is that of the trial's end */
  double score[JOB_SCORES_MAX]; /* NaN: unknown */
  double seconds;               /* ended: of the group, all told; prepared too */
  double working;               /* ended: of these, in steps of training and evaluations */
  int64_t data_sum, limit_sum;  /* began: of the data set; of the limits that errors are held against, 0: none */
  int64_t held_sum;             /* began: of the data set's name and the protocol */
  bool hopeless;                /* failed: and would again, since it is its experiment that cannot be */
  char reason[JOB_REASON_MAX];  /* ended, prepared: why it is not complete; "": it is */
};

#endif
