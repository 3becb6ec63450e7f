/* A sweep: what its YAML file says, read and checked whole before anything runs.
 *
 * The file is a Weights & Biases sweep file, of which every key is known here, with keys of our own beside it
 * (README.md of sweeps/ lists them). Wrong ones are STATUS_CONFIG with FILE:LINE:COL, what was found and what was
 * expected, and the nearest valid key, up to ten in one message; the base's own problems are shown alone, since they
 * are of another file. Parameters are keys of the experiment's schema; their bounds and values are checked against its
 * rows.
 *
 * A sweep with `slurm.array` may be run in so many parts, each by a job of its own that knows nothing of the others:
 * configuration k of part i of n is k * n + i of the sweep. Where a result decides nothing, a trial is the same in a
 * part and in the whole. Early stopping decides within a part, so there the number of parts belongs to what decides
 * results, and one job runs the parts in turn; such a sweep is gathered.
 *
 * Names of parameters and scores may be ours, as they stand in the file, or such that `rename` has them: in conditions,
 * constraints and `enqueue` too. In constraints true is 1 and false 0; other words have no number and are refused.
 *
 * All functions: Not collective. Under MPI rank 0 reads the texts and broadcasts them.
 */
#ifndef HGN_SWEEP_SWEEP_H
#define HGN_SWEEP_SWEEP_H

#include "config/config.h"
#include "sweep/expression.h"
#include "sweep/method.h"
#include "sweep/space.h"

enum {
  SWEEP_NAME_MAX = 128,
  SWEEP_METRICS_MAX = 4,
  SWEEP_CONSTRAINTS_MAX = 16,
  SWEEP_PREPARE_MAX = 64,
  SWEEP_ENQUEUE_MAX = 1000,
  SWEEP_RENAMES_MAX = 128,
  SWEEP_RUNS_MAX = 10000000, /* configurations */
  SWEEP_RUNGS_MAX = 32
};

struct sweep_metric {
  const char *name;  /* a score of the validation split: "mse", "energy_drift"; after renaming */
  const char *given; /* as it stands in the file */
  bool maximize;
  double target;      /* reaching it ends the sweep; NaN: none */
  const char *impute; /* W&B's: "worst", "best" or "latest"; NULL: not given. For the methods that learn */
};

/* early_terminate. type: "" when there is none. */
struct sweep_early {
  char type[32]; /* hyperband, hyperband_brackets, asha, median */
  char mode[16]; /* asha: promote, stop */
  int64_t min_iter, max_iter, s;
  double eta;
  bool strict;
};

struct sweep_resources {
  int64_t ranks_per_trial;
  double trial_timeout;     /* s; 0: none */
  double grace;             /* s beyond it, for a trial that reaches no step boundary */
  int64_t max_restarts;     /* real failures after which a trial is failed */
  bool nan_fails;           /* on_nan: fail; else worst: diverged, a result */
  double core_hours;        /* of the whole sweep; 0: no bound */
  double wall_time;         /* s of one start; 0: no bound */
  int64_t checkpoint_bytes; /* on the disk; 0: no bound */
};

struct sweep_slurm {
  int64_t array; /* parts; 0: no array */
  int64_t parallelism, timeout_min, signal_delay_s, max_num_timeout;
  bool requeue;
};

/* Which configurations: every count-th from number `index`. count 1: all. */
struct sweep_part {
  int64_t index, count;
};

/* A name of the file, and what it is called here. */
struct sweep_rename {
  const char *theirs, *ours;
};

/* One command of `prepare:`, as words: "simulate", "data/pendulum.yaml", "-o", "pendulum.h5". */
struct sweep_command {
  char **word;
  int words;
};

struct sweep {
  char name[SWEEP_NAME_MAX];
  char base_path[1024]; /* as given: by `base:`, or by --base */
  struct config *base;  /* the experiment that trials override; owned */
  const struct method_kind *method;
  char method_name[32];
  struct method_population population; /* pbt: its section, of which parameters and all else go with it */
  struct space space;
  struct sweep_metric metric[SWEEP_METRICS_MAX];
  int metrics;
  struct expression *constraint[SWEEP_CONSTRAINTS_MAX]; /* owned */
  int constraints;
  struct sweep_early early;
  int64_t run_cap; /* configurations, those of `enqueue` among them; of grid without one its size; of pbt all members of
                      all generations */
  int64_t repeats, confirm, window;
  uint64_t seed;
  bool arrival; /* order: arrival */
  struct sweep_resources resources;
  struct sweep_slurm slurm;
  struct sweep_part part; /* all of it, but after sweep_take_part() */
  struct sweep_command prepare[SWEEP_PREPARE_MAX];
  int prepares;
  double *enqueued; /* [enqueues][parameters] */
  int64_t enqueues;
  struct sweep_rename rename[SWEEP_RENAMES_MAX]; /* those of the command line come first, and win */
  int renames;
  int64_t reports;    /* evaluations of a trial at most, over the whole space */
  struct arena arena; /* all texts */
};

/* What the command line adds. All borrowed; NULL or 0: not given. */
struct sweep_options {
  const char *base_path, *base_text;
  size_t base_bytes;
  int64_t run_cap;
  const char *const *rename; /* "theirs=ours" */
  int renames;
};

/* Which file the base experiment is, from the sweep file alone: path[1024]; "": it names none. STATUS_CONFIG when the
 * text is no YAML. */
enum status sweep_base_path(const char *path, const char *text, size_t bytes, char base[1024]);

/* Parses and checks. `*sweep` is owned by the caller; NULL on failure. notice[]: warnings, a line each
 * ("FILE:LINE:COL: ..."), and a line that names the keys which mean nothing here; "" when there are none. */
enum { SWEEP_NOTICE_MAX = 2048 };
enum status sweep_parse(const char *path, const char *text, size_t bytes, const struct sweep_options *options,
                        struct sweep **sweep, char notice[SWEEP_NOTICE_MAX]);
void sweep_destroy(struct sweep **sweep); /* accepts NULL inside; sets NULL */

/* What decides the sweep's results, canonical, a line "KEY: VALUE" each, numbers that read back exactly; caller frees.
 * Two files are one sweep when these and the bases (config_text()) are equal. STATUS_MEMORY. */
enum status sweep_text(const struct sweep *sweep, char **text);

/* How many lines differ; "KEY: value in a, now value in b; ..." into text. */
int sweep_differences(const char *a, const char *b, char *text, int size);

/* A time as the file has it, in seconds: "90", "90s", "30m", "2h", "1d". False: it is none. */
bool sweep_seconds(const char *text, double *seconds);

/* ---- Parts ---- */

/* Why a sweep cannot be run in parts, in words that go on "slurm.array: "; NULL: it can. */
const char *sweep_undivided(const struct sweep *sweep);
/* Its parts decide for themselves, and the whole has what came of them. Not of a part itself. */
bool sweep_is_gathered(const struct sweep *sweep);
/* Configurations: run_cap and those that were added, as far as the space has so many; of all parts, and of this one. */
int64_t sweep_configurations(const struct sweep *sweep, int64_t extended);
int64_t sweep_part_configurations(const struct sweep *sweep, int64_t extended);
/* So many of a whole are of the part. */
int64_t sweep_part_size(const struct sweep_part *part, int64_t whole);
/* From here on it is part `index` of `count`: its budgets are its share of the whole's, and nothing is confirmed, which
 * takes the best of all parts. STATUS_CONFIG when it cannot be cut into parts, STATUS_USAGE when there is no such part
 * of it. */
enum status sweep_take_part(struct sweep *sweep, int64_t index, int64_t count);

/* Whether reaching a value of a metric ends it. */
bool sweep_has_target(const struct sweep *sweep);

/* The trial's experiment: the base with the point's words and the seed, unless that is a parameter. STATUS_CONFIG when
 * they do not go together; STATUS_NUMERIC when a value is infinite. */
enum status sweep_trial_config(const struct sweep *sweep, const double *point, int64_t seed, struct config **config);

/* The text of the first constraint on parameters alone that a point violates, NULL when there is none; and, with the
 * scores of a trial, of the others: scores[count] by names. A constraint that names a parameter which does not take
 * part holds; one whose value is not finite does not. */
const char *sweep_violates(const struct sweep *sweep, const double *point);
const char *sweep_violates_score(const struct sweep *sweep, const double *point, const char *const *names,
                                 const double *scores, int count);

#endif
