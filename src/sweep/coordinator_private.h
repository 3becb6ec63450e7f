/* What the source files of the coordinator share. */
#ifndef HGN_SWEEP_COORDINATOR_PRIVATE_H
#define HGN_SWEEP_COORDINATOR_PRIVATE_H

#include "sweep/board.h"
#include "sweep/coordinator.h"

/* A group of ranks as the coordinator sees it. */
struct coordinator_group {
  bool busy;
  bool dead;           /* it does not answer any more */
  int64_t trial;       /* -1 - k: command k of prepare */
  int64_t reports;     /* that the trial had made before */
  double began, limit; /* clock: of the order; by when it must have ended, 0: none */
  double busy_seconds;
};

/* What errors of trials with one data set and protocol are held against: that of the first of them. */
struct coordinator_held {
  int64_t held, data, limit, trial;
};

enum coordinator_prepared { PREPARE_WAITING, PREPARE_RUNNING, PREPARE_DONE };
enum { COORDINATOR_HELD_MAX = 256 };

struct coordinator {
  const struct coordinator_setup *setup;
  const struct sweep *sweep;
  struct ledger *ledger;
  struct crew *crew;
  struct search search;
  struct board board;
  struct coordinator_group *group; /* [groups] */
  int busy;                        /* groups */
  unsigned char *assigned;         /* [trials]: a group has it */
  const char **refused;            /* [trials]: why its numbers are not to be used, NULL: they are; static texts */
  unsigned char *postponed;        /* [trials]: it has found no time to go on in this job */
  int64_t cursor;                  /* items before it (item_trial()) are done or assigned */
  int64_t *item;                   /* [trials]: the last item that was begun of it */
  int64_t jobs;                    /* begun, in all starts */
  bool searching, confirming;      /* configurations are still chosen; those that confirm are queued */
  bool abandoned;                  /* a group has been given up */
  bool draining, waiting;          /* no more orders; a choice waits for results */
  bool late;                       /* items that could be begun are not, since the job ends too soon for them */
  bool started;                    /* a trial, in this start */
  bool unprepared;                 /* all trials that could be begun wait for commands of prepare */
  enum coordinator_end end;
  enum status broken; /* what went wrong; its message is kept: */
  char message[STATUS_MESSAGE_MAX];
  enum coordinator_prepared prepared[SWEEP_PREPARE_MAX];
  struct coordinator_held held[COORDINATOR_HELD_MAX];
  int helds, metric;               /* index of the metric among the scores */
  int64_t recorded;                /* reports */
  int64_t warned;                  /* failures */
  int64_t judged;                  /* first trials that are complete and do not know the metric */
  double began, synced, ticked;    /* clock */
  double deadline;                 /* clock: when the job ends; INFINITY: not known */
  double timed_seconds;            /* that trials took to make */
  int64_t timed_reports;           /* so many reports */
  double core_seconds;             /* spent by trials that are not running now */
  double waited, working;          /* group-seconds */
  int64_t trials_ended, disk_seen; /* in this start; when the disk was looked at */
  int64_t *weight, bytes;          /* [trials], and in all: of checkpoints on the disk, where that is bounded */
  bool dirty;                      /* there is something to be synced */
  struct arena arena;
};

/* What a group says (coordinator_hear.c). */
enum status coordinator_hear(void *context, int group, const struct message *message);
/* Notes the first failure. Returns it. */
enum status coordinator_break(struct coordinator *coordinator, enum status status);
/* The trial could not be run to its end: once more, or failed for good; at once when it is hopeless. */
void coordinator_fail(struct coordinator *coordinator, int64_t trial, bool hopeless, const char *reason);
/* The trial, which the judge has stopped, is not under way any more. */
void coordinator_prune(struct coordinator *coordinator, int64_t trial);
/* STATUS_CONFIG when the first trials, complete, do not know the metric. */
enum status coordinator_check_metric(struct coordinator *coordinator);
/* An event, at the present number of jobs. */
enum status coordinator_note(struct coordinator *coordinator, enum event_kind kind, int64_t trial);

/* Now and then (coordinator_guard.c): signals, time limits, budgets, progress; writes what is to be written. */
enum status coordinator_tick(void *context);
/* Trials that were stopped: those under way are told to end. */
enum status coordinator_stop_trials(struct coordinator *coordinator);
/* The trial is to be begun again: it comes before what has not begun. */
void coordinator_requeue(struct coordinator *coordinator, int64_t trial);
/* Looks again how large a trial's checkpoints are. */
void coordinator_weigh(struct coordinator *coordinator, int64_t trial);
/* Drains when the wall time is over, or the core-hours are used up. */
enum status coordinator_watch_budgets(struct coordinator *coordinator, double now);

/* The end of the job (coordinator_time.c). left: s, 0: it has none. */
void coordinator_set_deadline(struct coordinator *coordinator, double left);
/* s until then, as orders have it: 0: it has none; else more. */
double coordinator_time_left(const struct coordinator *coordinator);
/* A trial has made so many reports in so many seconds. */
void coordinator_note_cost(struct coordinator *coordinator, double seconds, int64_t reports);
/* Whether the trial can be taken so far, `reports` in all, before the end. */
bool coordinator_has_time(const struct coordinator *coordinator, int64_t trial, int64_t reports);
/* Drains when nothing useful can be begun any more; when no group works and none may begin anything. */
enum status coordinator_watch_deadline(struct coordinator *coordinator, double now);
enum status coordinator_end_early(struct coordinator *coordinator);

/* Asks all groups that work to stop, and gives no more orders. */
enum status coordinator_drain(struct coordinator *coordinator, enum coordinator_end end);
/* What a start finds of the one before: trials that were under way. */
enum status coordinator_recover(struct coordinator *coordinator);

#endif
