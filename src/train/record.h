/* The file of a run, RUN.h5: every number that training reports, written while it goes and readable at any time.
 *
 *   /                       attributes: format "hgn-run", schema_version 5
 *   /config                 text: the effective configuration
 *   /numerics               text: what beside it decides bits (numerics.h)
 *   /checksum               text: of these two, and of what /data has but the limits
 *   /data/file, checksum    text: the data set
 *   /data/NAME              f64 [1]: noise floor, mean image, limits (struct yardstick), GECO's kappa; NaN if unknown
 *   /data/limit_sum         i64 [2]: checksum of the limits, which may be computed while the run is under way
 *   /origin/run, step       text: the run whose checkpoint of that step this one begins from, and whose records up to
 *                           there it has; not there where it begins at its start. /origin/checksum: text, of both
 *   /start/run, step        text: the run with whose parameters after that step this one began at its step 0, with all
 *                           else new; not there where it began with its own. /start/parameters: text, their checksum;
 *                           /start/checksum: text, of the three
 *   /networks               text per network: scale of the checksums
 *   /report/NAME            f64 [reports]: REPORT_LIST, the learner's terms of the loss and its scalars; loss and terms
 *                           are those of the step
 *   /report/lane_TERM       f64 [reports][lanes]
 *   /report/parameter_sum, gradient_sum  i64 [reports][networks][2]: checksums by network, alike on all ranks
 *   /report/row_sum         i64 [reports][2]: checksum of all that the report has in /report
 *   /evaluation/step        f64 [evaluations]
 *   /evaluation/SPLIT/NAME  f64 [evaluations]: the learner's scores
 *   /evaluation/SPLIT/frame_mse f64 [evaluations][targets]: its score by frame
 *   /evaluation/SPLIT/row_sum   i64 [evaluations][2]: checksum of all that the evaluation has in this file
 *   /measured/NAME          f64 [reports]: MEASURED_LIST, and STAGE_seconds for the learner's stages
 *   /measured/row_sum       i64 [reports][2]: checksum of all that the report has in /measured
 *   /measured/session       f64 [RECORD_SESSIONS][columns]: SESSION_LIST, a row each time that the run was begun or
 *                           gone on with (also with more steps: then the file has been made anew, with the rows of
 *                           before, and /config and /provenance are those of then); the last row is that of the
 *                           last, where there were more
 *   /verdict/row            f64 [VERDICT_COUNT]: VERDICT_LIST (verdict.h) of the model that a complete run has
 *   /verdict/row_sum        i64 [2]: checksum of it
 *   /provenance/...
 *
 * NaN where nothing has been written, 0 in the checksums. What depends on the time of day, the machine or the number of
 * ranks stands in /measured and /provenance; all else is the same bits for the same configuration.
 */
#ifndef HGN_TRAIN_RECORD_H
#define HGN_TRAIN_RECORD_H

#include "store/dataset.h"
#include "store/provenance.h"
#include "train/learner.h"
#include "train/numerics.h"
#include "train/verdict.h"
#include "train/yardstick.h"

#include <stdio.h>

#define RECORD_FORMAT "hgn-run"
enum { RECORD_VERSION = 5 };

/* X(name, unit, help): what every training reports, by what it computes. */
#define REPORT_LIST(X)                                                                                                 \
  X(step, NULL, "optimizer steps done")                                                                                \
  X(epoch, NULL, "passes over the training rollouts")                                                                  \
  X(loss, NULL, "what is minimised")                                                                                   \
  X(gradient_norm, NULL, "norm of the gradient of all parameters, before clipping")                                    \
  X(learning_rate, NULL, "learning rate of networks whose optimizer.NETWORK_ratio is 1")                               \
  X(repeats, NULL,                                                                                                     \
    "steps so far that were computed twice, since gradients outgrew the range of their fixed-point sums")              \
  X(roll_backs, NULL, "times that training went back to a checkpoint")
/* X(name, unit, help): what is measured of the machine meanwhile. */
#define MEASURED_LIST(X)                                                                                               \
  X(seconds, "s", "time that the training has taken so far, restarts included")                                        \
  X(core_hours, "h", "ranks times hours that the training has taken so far")                                           \
  X(processor_energy, "J", "energy of the processor packages so far (RAPL); NaN where the machine does not tell")      \
  X(rollouts_per_second, "1/s", "training rollouts a second since the last report")                                    \
  X(memory, "B", "largest resident memory of a rank")                                                                  \
  X(hidden_share, NULL, "share of the reductions' time during which the ranks went on computing")                      \
  X(reduce_seconds, "s", "time that a step waited for reductions, mean since the last report")

struct report {
#define REPORT_MEMBER(name, unit, help) double name;
  REPORT_LIST(REPORT_MEMBER)
  MEASURED_LIST(REPORT_MEMBER)
#undef REPORT_MEMBER
  double stage_seconds[LEARNER_STAGES_MAX];            /* a step's time, mean since the last report */
  const double *term, *scalar;                         /* the learner's; borrowed */
  const double *lane_term;                             /* [terms][lanes]; borrowed */
  const struct checksum *parameter_sum, *gradient_sum; /* [networks]; borrowed */
};

/* X(name, help): what is known of a process that worked on the run. */
#define SESSION_LIST(X)                                                                                                \
  X(began, "seconds since 1970")                                                                                       \
  X(step, "steps that were done then")                                                                                 \
  X(ranks, "MPI ranks")                                                                                                \
  PROVENANCE_JOB_LIST(X)
enum { RECORD_SESSIONS = 256 };
struct record_worker {
#define RECORD_MEMBER(name, help) double name;
  SESSION_LIST(RECORD_MEMBER)
#undef RECORD_MEMBER
};

/* The sizes of what a run's file holds. */
struct record_shape {
  const struct learner_kind *kind; /* whose columns it has */
  int64_t lanes, targets;
  int networks;
};

struct record {
  struct store_file file;
  struct record_shape shape;
  int64_t reports, evaluations;
  int64_t session;  /* row of this one; -1: the file has no room for any */
  bool has_verdict; /* the file has room for one */
};

/* Whose parameters a run began with. */
struct record_start {
  char run[STORE_PATH_MAX];
  int64_t step;
  char parameters[CHECKSUM_TEXT]; /* checksum of them */
};

/* What is to be found in a run's file, and with what it is compared. All borrowed. */
struct record_run {
  const struct config *config;
  const struct learner *learner;
  const char *data;     /* the data set's name */
  const char *numerics; /* what decides bits here */
  int64_t lanes;
  const char *origin;               /* the run that it begins from; NULL: none */
  int64_t origin_step;              /* of that */
  const struct record_start *start; /* whose parameters it begins with; NULL: its own */
};

/* How far a run's file has come. */
struct record_progress {
  int64_t whole;                    /* all records of steps up to this one are there and are what was written */
  int64_t recorded;                 /* the last step of which a record is */
  bool begun;                       /* there is a record */
  bool complete;                    /* none is missing */
  double kappa;                     /* what GECO aims at */
  double limit, limit_unseen;       /* that it has been held against; NaN: none */
  char numerics[NUMERICS_TEXT_MAX]; /* what decides its bits */
};

/* Collective. Makes the file, sealed, under its final name. lock: the root's lock of the run, borrowed. */
enum status record_create(const struct comm *comm, const char *path, const struct store_lock *lock,
                          const struct record_run *run, const struct yardstick *yardstick, struct record *record);
/* Collective. Is what is at `path` a run of this configuration, or of one with which it has the same bits so far
 * (continuation.h)? Then *then, owned by the caller, is what it has; NULL: this very one. STATUS_CONFIG with the list
 * of keys that differ otherwise; STATUS_FILE when it is no run. */
enum status record_check(const struct comm *comm, const char *path, const struct record_run *run, struct config **then);
/* Collective. *there: whether it began with another run's parameters, and then whose. */
enum status record_read_start(const struct comm *comm, const char *path, struct record_start *start, bool *there);
/* Not collective. The same, of /start or of /origin (which has no checksum of parameters). */
enum status record_find_start(const struct store_file *file, const char *group, struct record_start *start,
                              bool *there);
/* Collective. Did it begin from that step of another run, as run->origin_step says? STATUS_CONFIG when not; STATUS_FILE
 * when nothing of it is there, or not what was written. */
enum status record_check_origin(const struct comm *comm, const char *path, const struct record_run *run);
/* Collective. Takes over all records of run->origin up to its step. STATUS_FILE when one of them is not what was
 * written. */
enum status record_take_over(const struct comm *comm, const struct record_run *run, struct record *record);
/* Collective. Makes the file anew, aside, as one of run->config with records, sessions and beginning of what is at
 * `path`, a run of `then`: records up to step `until` but that of an evaluation after step `but`. Records of steps that
 * both configurations have stay what they are. record_publish() gives it its name; until then what is there is whole.
 * STATUS_CONFIG when a record up to `until` has not been made, STATUS_FILE when one is not what was written. */
enum status record_rebuild(const struct comm *comm, const char *path, const struct store_lock *lock,
                           const struct record_run *run, const struct config *then, const struct yardstick *yardstick,
                           int64_t until, int64_t but, struct record *record);
enum status record_publish(struct record *record);
/* Collective. How far it has come, from its records, all of which are read. STATUS_FILE when the data have another
 * checksum than those that the run began with. */
enum status record_examine(const struct comm *comm, const char *path, const struct record_run *run,
                           const struct yardstick *yardstick, struct record_progress *progress);
/* Collective. Opens it to go on. The limits are written anew. */
enum status record_reopen(const struct comm *comm, const char *path, const struct store_lock *lock,
                          const struct record_run *run, const struct yardstick *yardstick, struct record *record);
/* Collective. The last evaluation of the test split of a complete run, what it was held against, and the seconds that
 * the run took, and its verdict. evaluation: freed with evaluation_free(); of how many rollouts it is, the file does
 * not say. */
enum status record_read_last(const struct comm *comm, const char *path, const struct record_run *run,
                             struct evaluation *evaluation, struct yardstick *yardstick, struct verdict *verdict,
                             double *seconds);
/* Not collective. How far the run has come: of its last report and evaluation what matters, or all columns. */
enum status record_print(const struct store_file *file, const struct config *config, bool all, FILE *out);
/* Not collective. The processes that have worked on it: rows[RECORD_SESSIONS], of which *count are there, 0 in files of
 * older builds. */
enum status record_read_sessions(const struct store_file *file, struct record_worker *rows, int64_t *count);
/* Collective. Notes that a process goes on with the run after so many steps. */
enum status record_session(struct record *record, int64_t step);
/* Root only. */
enum status record_verdict(struct record *record, const struct verdict *verdict);
/* Not collective. Unknown where there is none, or not what was written. */
enum status record_read_verdict(const struct store_file *file, struct verdict *verdict);
/* Collective. Syncs and closes. */
enum status record_close(struct record *record);

int64_t record_reports(const struct training *training);
int64_t record_evaluations(const struct training *training);

/* Root only. index: of the report or evaluation. */
enum status record_report(struct record *record, int64_t index, const struct report *report);
enum status record_evaluation(struct record *record, int64_t index, int64_t step, enum split split,
                              const struct evaluation *evaluation);

/* ---- Reading single columns, of runs that are complete or under way ---- */

struct record_reader {
  struct store_file file;
  struct config *config; /* of the run; owned */
  struct record_shape shape;
  int64_t reports, evaluations; /* rows that are there, whole, from the first */
};
/* Collective. Verifies all rows: STATUS_FILE when it is no run, or its structure is damaged. */
enum status record_open(const struct comm *comm, const char *path, struct record_reader *reader);
/* Not collective. name: "report/error", "evaluation/test/mse", "evaluation/step"; values: of the whole rows, `rows` of
 * them; the caller frees. STATUS_USAGE when there is no such column of one number a row. */
enum status record_column(const struct record_reader *reader, const char *name, double **values, int64_t *rows);
void record_reader_close(struct record_reader *reader);

/* Not collective, of a reader that is open. The score by frame of evaluation `row`: values[shape.targets]. The
 * checksums of report `row`, by network: "parameter_sum" or "gradient_sum". */
enum status record_by_frame(const struct record_reader *reader, enum split split, int64_t row, double *values);
enum status record_sums(const struct record_reader *reader, const char *name, int64_t row, struct checksum *sums);

/* What does not change in a run's file: owned, freed with record_head_free(). */
struct record_head_read {
  char *config, *numerics, *data, *data_checksum;
  double floor, mean_image, kappa;
};
/* Not collective. STATUS_FILE when it is not what was written. */
enum status record_head_open(const struct store_file *file, struct record_head_read *head);
void record_head_free(struct record_head_read *head);
/* Not collective. The limits, over all targets and over those unseen. NaN when they are not what was written: a job may
 * have been killed between the two. */
enum status record_read_limits(const struct store_file *file, double limits[2]);

#endif
