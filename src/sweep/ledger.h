/* The file of a sweep, sweep.h5: every number of it, and the log from which it goes on. That of a part,
 * sweep.part-I.h5, is the same of the part's trials alone: rows are counted within the part, /trial_number and
 * /configuration_number say which of the sweep they are.
 *
 *   /                        attributes: format "hgn-sweep", schema_version 3
 *   /sweep/file              text: the YAML as it was read; /sweep/file_name, /sweep/run_cap, /sweep/renames: with what
 *   /sweep/base              text: the base experiment as it was read; /sweep/base_name
 *   /sweep/effective         text: what of them decides results, canonical
 *   /sweep/numerics          text: what beside it decides bits (train/numerics.h)
 *   /sweep/checksum          text: of these
 *   /sweep/part              i64 [2]: which part of how many the file is of; {0, 1}: of the whole sweep
 *   /sweep/extended          i64 [1]: configurations added by --extend
 *   /sweep/chosen            i64 [1]: configurations that there are, once the search has ended; 0: it has not; -1: it
 *                            has, and there are none
 *   /space/choices           text: for each parameter of choices a line, "NAME: a | b | c"
 *   /parameter, /score, /trial_number, /configuration_number, /report_number, /integer_column, /measured_column,
 *   /span_column, /job_number, /job_column, /rung_report: scales of the dimensions below
 *   /configuration/point     f64 [configurations][parameters]: values; of a choice its index from 0; NaN: takes no part
 *   /trial/state             i64 [trials]: TRIAL_STATE_LIST, whose names are /state_name
 *   /trial/integer           i64 [trials][columns]: LEDGER_INTEGER_LIST
 *   /trial/value             f64 [trials]: the metric at the last report; NaN: none
 *   /trial/rung              f64 [trials][rungs]: with early stopping, the metric when the trial first came to each of
 *                            its rungs, smaller is better; infinity: the worst; NaN: it has not come there
 *   /trial/measured          f64 [trials][columns]: LEDGER_COUNT_LIST and LEDGER_TIME_LIST: who ran it, how often, when
 *   /trial/test              f64 [trials][scores]: on the test split when it was complete
 *   /trial/reason            u8 [trials][bytes]: why it is not complete, padded with zeros
 *   /trial/sum               i64 [trials][2]: checksum of all that an ended trial has in this file
 *   /report/step             i64 [trials][reports]: 0: there is none
 *   /report/validation       f64 [trials][reports][scores]: what the search reads
 *   /job/row                 i64 [jobs][columns]: what was to be done, in order: LEDGER_JOB_LIST; number 0: no more
 *   /event/...               i64, f64 [events]: what came from outside, in order: EVENT_LIST, names in
 *                            /event_name; kind 0: no more
 *   /event/by                i64 [events][columns]: the batch job that noted it, PROVENANCE_JOB_LIST; not in files of
 *                            older builds
 *   /timeline/span           f64 [spans][columns]: what each group of ranks did when, LEDGER_SPAN_LIST; ranks NaN: no
 *                            more. Spans beyond the extent are not kept
 *   /provenance/...
 *
 * What /trial/state, integer, value, rung, test, /report, /job and /configuration hold follows from the sweep's file:
 * it is the same however many groups have worked on it. /trial/measured, sum, /event, /timeline and /provenance are of
 * this run.
 *
 * Extents are fixed when it is made. It is written by one process, through MPI-IO on MPI_COMM_SELF, rows at a time, and
 * can be read at any moment. A trial's numbers are written, and then its state with the checksum of all of them, so
 * what a kill or a power cut leaves half written is known for it, and run again from the trial's own files.
 *
 * Failures: those of store/file.h, STATUS_FILE above all; STATUS_MEMORY.
 */
#ifndef HGN_SWEEP_LEDGER_H
#define HGN_SWEEP_LEDGER_H

#include "store/file.h"
#include "store/lock.h"
#include "store/provenance.h"
#include "sweep/job.h"
#include "sweep/sweep.h"
#include "train/learner.h"

#define LEDGER_FORMAT "hgn-sweep"
enum { LEDGER_NONE_CHOSEN = -1, LEDGER_VERSION = 3, LEDGER_INTEGERS = 9, LEDGER_COUNTS = 4, LEDGER_MEASURED = 8 };

/* X(member, help) */
#define LEDGER_INTEGER_LIST(X)                                                                                         \
  X(configuration, "row of /configuration")                                                                            \
  X(repeat, "which repeat of its configuration; counted on in those that confirm the best")                            \
  X(seed, "seed of the trial's experiment")                                                                            \
  X(confirms, "1: run afterwards, to confirm one of the best")                                                         \
  X(reports, "reports that it has made")                                                                               \
  X(step, "steps done at its last report")                                                                             \
  X(data_sum, "first word of the data set's checksum")                                                                 \
  X(limit_sum, "first word of the checksum of the limits; 0: there were none")                                         \
  X(held_sum,                                                                                                          \
    "checksum of the data set's name and the protocol: with data_sum and limit_sum, what errors are held against")

#define LEDGER_COUNT_LIST(X)                                                                                           \
  X(starts, "times that it was begun")                                                                                 \
  X(failures, "times that it failed, or the process died with it")                                                     \
  X(group, "group that worked on it last; -1: the coordinator's own process")                                          \
  X(ranks, "ranks of the group that worked on it last")

#define LEDGER_TIME_LIST(X)                                                                                            \
  X(seconds, "time of its groups, all starts together [s]")                                                            \
  X(working, "part of seconds that was spent in steps of training and evaluations [s]")                                \
  X(began, "seconds since 1970 at its last start")                                                                     \
  X(ended, "seconds since 1970 at its end")

struct ledger_trial {
  enum trial_state state;
#define LEDGER_MEMBER(name, help) int64_t name;
  LEDGER_INTEGER_LIST(LEDGER_MEMBER)
  LEDGER_COUNT_LIST(LEDGER_MEMBER)
#undef LEDGER_MEMBER
  double value; /* the metric at the last report; NaN: none */
#define LEDGER_MEMBER(name, help) double name;
  LEDGER_TIME_LIST(LEDGER_MEMBER)
#undef LEDGER_MEMBER
  char reason[JOB_REASON_MAX];
};

/* X(NAME, "name", help) */
#define EVENT_LIST(X)                                                                                                  \
  X(NONE, "none", "")                                                                                                  \
  X(STARTED, "started", "a job began to work on the sweep")                                                            \
  X(DEATH, "death", "a process of the group had died with the trial")                                                  \
  X(REFUSED, "refused", "its data or limit file was another than earlier trials had")                                  \
  X(FAILURE, "failure", "the trial could not be run, and is tried again")                                              \
  X(TIMEOUT, "timeout", "the trial was stopped by its time limit")                                                     \
  X(STALL, "stall", "the trial reached no step boundary within the grace time")                                        \
  X(DRAIN, "drain", "a signal, or the wall time, ended the job")                                                       \
  X(BUDGET, "budget", "a budget of the file was used up")                                                              \
  X(RETRY, "retry", "the trial was put back by --retry")                                                               \
  X(EXTEND, "extend", "configurations were added by --extend")
enum event_kind {
#define EVENT_ENUM(name, text, help) EVENT_##name,
  EVENT_LIST(EVENT_ENUM)
#undef EVENT_ENUM
      EVENT_COUNT
};
const char *event_name(enum event_kind kind);

struct ledger_event {
  enum event_kind kind;
  int64_t job;   /* jobs that had been begun: the promise that results follow from the file holds but for these */
  int64_t trial; /* -1: none */
  double time;   /* s since 1970 */
  struct provenance_job by;
};

/* X(member, help). Columns of /timeline/span, all f64. */
#define LEDGER_SPAN_LIST(X)                                                                                            \
  X(trial, "which trial; -1 - k: command k of prepare")                                                                \
  X(group, "which group of ranks")                                                                                     \
  X(first_rank, "first rank of the group, in the job")                                                                 \
  X(ranks, "ranks of the group")                                                                                       \
  X(began, "seconds since 1970 when it began")                                                                         \
  X(ended, "seconds since 1970 when it ended")                                                                         \
  X(working, "time of it that was spent in steps of training and evaluations [s]")
struct ledger_span {
#define LEDGER_MEMBER(name, help) double name;
  LEDGER_SPAN_LIST(LEDGER_MEMBER)
#undef LEDGER_MEMBER
};

/* X(member, help) */
#define LEDGER_JOB_LIST(X)                                                                                             \
  X(number, "number of the job, from 1; 0: there is none")                                                             \
  X(configuration, "row of /configuration")                                                                            \
  X(rung, "rung to which its trials are trained, from 0; with early stopping the number of rungs: to their end")       \
  X(known, "leading jobs whose results it was chosen by")                                                              \
  X(draws, "draws of the method so far")                                                                               \
  X(origin, "configuration in whose last state its trials begin; -1: at the start")
struct ledger_job {
#define LEDGER_MEMBER(name, help) int64_t name;
  LEDGER_JOB_LIST(LEDGER_MEMBER)
#undef LEDGER_MEMBER
};

struct ledger_shape {
  int64_t configurations, trials, reports, events, spans, jobs;
  int parameters, scores, rungs;
};

/* The texts that a sweep is made of. All borrowed when given, owned when read. */
struct ledger_texts {
  char *file, *file_name, *base, *base_name, *renames, *effective, *numerics;
  char *working_folder;      /* in which the file was made; read from /provenance */
  int64_t run_cap, extended; /* of the command line; 0: none */
  struct sweep_part part;    /* read: of the file; made from: that of the sweep counts */
};

struct ledger {
  struct store_file file;
  struct store_lock lock;
  struct comm self; /* MPI_COMM_SELF */
  struct ledger_shape shape;
  struct sweep_part part;
  int64_t repeats;
  const char *score[JOB_SCORES_MAX]; /* names; borrowed from the learner's kind */
  struct ledger_trial *trial;        /* [trials] */
  double *point;                     /* [configurations][parameters] */
  int64_t *report_step;              /* [trials][reports] */
  double *validation;                /* [trials][reports][scores] */
  double *test;                      /* [trials][scores] */
  int64_t *rung_report;              /* [rungs]: reports at which early stopping looks */
  double *rung;                      /* [trials][rungs] */
  struct ledger_job *job;            /* [jobs] of the shape */
  int64_t jobs, jobs_written;        /* rows that are there; are in the file */
  int64_t chosen;             /* configurations that there are; 0: the search has not ended; -1: there are none */
  int64_t events, spans;      /* rows that are there */
  struct ledger_event *event; /* [events] of the shape */
  struct ledger_span *span;   /* [spans] of the shape */
  int64_t spans_written;
  bool nameless;                  /* the file has no room for which job noted an event */
  int64_t points, points_written; /* configurations whose points are known; are in the file */
  int64_t *changed;               /* [changes]: trials that are to be written, each once */
  int64_t changes;
  int64_t syncs;         /* so far */
  unsigned char *change; /* [trials]: what of them */
  double *row;           /* scratch of ledger_flush() */
  struct arena arena;
};

/* Fresh seeds on which each of the best is run again: as many as repeats, or 3. */
int64_t ledger_confirm_seeds(const struct sweep *sweep);
/* The seed of a repeat's experiment: the base's for the first, and for the others a function of it and the number. */
int64_t ledger_seed(const struct sweep *sweep, int64_t repeat);
/* Which of the sweep a configuration, a trial is: its row, but of parts. */
int64_t ledger_configuration_number(const struct ledger *ledger, int64_t configuration);
int64_t ledger_trial_number(const struct ledger *ledger, int64_t trial);
/* Where the trial's files are. */
struct folder_place ledger_place(const struct ledger *ledger, int64_t trial);
/* The trial is one that confirms that configuration (-1: none). If it has confirmed another so far, which was among the
 * best before the sweep was made larger or trials were put back, that is forgotten. */
void ledger_confirm(const struct sweep *sweep, struct ledger *ledger, int64_t trial, int64_t configuration,
                    int64_t repeat);
/* Scores that trials of the model report: names. Of synthetic one, "loss". */
int ledger_scores(const struct sweep *sweep, const char *names[JOB_SCORES_MAX]);
/* Which of the scores metric number `metric` is; -1: none. */
int ledger_metric(const struct sweep *sweep, const struct ledger *ledger, int metric);
/* Extents: configurations are those of the sweep's part; trials their repeats, and those that confirm. */
struct ledger_shape ledger_shape_of(const struct sweep *sweep, int64_t extended);
int64_t ledger_bytes(const struct ledger_shape *shape);

/* A ledger in memory alone, of the first configurations, to see what would be chosen: nothing is written. */
enum status ledger_imagine(const struct sweep *sweep, int64_t configurations, struct ledger *ledger);

/* All functions: Not collective; of one process.
 *
 * ledger_create() makes DIR/sweep.h5, where none is, under its final name, and keeps it locked and open. ledger_open()
 * reads all of an existing one and verifies it: trials that say they have ended, and are not what was written, are
 * counted and become queued. With `writing` it is locked and stays open for more. STATUS_FILE when it is none, or
 * another job writes it. */
enum status ledger_create(const char *path, const struct sweep *sweep, const struct ledger_texts *texts,
                          struct ledger *ledger);
enum status ledger_read_texts(const char *path, struct ledger_texts *texts);
void ledger_texts_free(struct ledger_texts *texts);
/* STATUS_CONFIG with the list of differences when the file, which was made of `there`, is of another sweep than this
 * one, whose canonical text is `effective`. */
enum status ledger_compare(const struct sweep *sweep, const char *effective, const char *path,
                           const struct ledger_texts *there);
enum status ledger_open(const char *path, const struct sweep *sweep, int64_t extended, bool writing,
                        struct ledger *ledger, int64_t *damaged);
/* Gives an open ledger room for as many configurations as texts->extended says: a larger file, made aside, with all
 * that this one holds, takes its place. */
enum status ledger_enlarge(const char *path, const struct sweep *sweep, const struct ledger_texts *texts,
                           struct ledger *ledger);
/* Accepts a zeroed one. The message of a failure stays. */
void ledger_close(struct ledger *ledger);

/* Whether a row is one of the sweep's trials, as far as is known now: those of configurations that were chosen, and
 * those that confirm. */
bool ledger_counts(const struct sweep *sweep, const struct ledger *ledger, int64_t trial);
/* Trials that will have been run at the end, as far as is known now. */
int64_t ledger_expected(const struct sweep *sweep, const struct ledger *ledger);

/* The search has ended: written at once. */
enum status ledger_set_chosen(struct ledger *ledger, int64_t configurations);
/* In memory: a trial has no reports from number `first` on; no scores of the test split. */
void ledger_forget_reports(struct ledger *ledger, int64_t trial, int64_t first);
void ledger_forget_test(struct ledger *ledger, int64_t trial);
/* Notes that a row of memory has changed. */
void ledger_touch(struct ledger *ledger, int64_t trial);         /* state and numbers */
void ledger_touch_reports(struct ledger *ledger, int64_t trial); /* those, reports and test scores too */
/* Writes what has changed: what has been flushed survives the death of all processes. */
enum status ledger_flush(struct ledger *ledger);
/* And on the disk, what survives that of the machine. */
enum status ledger_sync(struct ledger *ledger);
/* Written at once. */
enum status ledger_event_add(struct ledger *ledger, enum event_kind kind, int64_t job, int64_t trial);
/* Written by the next flush. */
void ledger_span_add(struct ledger *ledger, const struct ledger_span *span);
/* s since 1970. */
double ledger_clock(void);

#endif
