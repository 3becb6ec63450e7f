/* What is known of a run: all that a report says about it, read once from RUN.h5 and the data set that it names.
 *
 * What the run's file says is verified as record.h does it; a number that is unknown is NaN, a text that is unknown "".
 * Nothing is taken from file names.
 *
 * All functions: Not collective; one rank alone reads. Owned by the struct, whose pointers are borrowed from it.
 */
#ifndef HGN_ANALYSIS_REPORT_RUN_FACTS_H
#define HGN_ANALYSIS_REPORT_RUN_FACTS_H

#include "base/arena.h"
#include "physics/ladder.h"
#include "train/record.h"

/* /provenance of a file, as provenance.h says it. */
struct run_provenance {
  char *hgn, *git_diff, *build, *libraries, *command, *hosts, *cpu, *kernels, *created, *working_folder, *job;
  int64_t ranks; /* 0: unknown */
};

/* The data that it was trained on: what the run's own file says, and what the data set says where it is still there and
 * the same. */
struct run_data {
  const char *file;              /* as the run names it */
  const char *checksum;          /* that it had */
  char path[STORE_PATH_MAX];     /* where it is now; "": it is gone, or another */
  char problem[256];             /* why it cannot be looked at; "": it can */
  struct config *config;         /* of the data set; NULL: gone, or made elsewhere; owned */
  const char *system;            /* "pendulum", a density's name; "": unknown */
  double sigma;                  /* standard deviation of the observation noise */
  double dt;                     /* s between frames */
  int64_t frames;                /* of a rollout; 0: unknown */
  int64_t rollouts[SPLIT_COUNT]; /* or points; 0: unknown */
  double floor, mean_image;      /* mean squared error of a value, as the run was held against them */
  double limit, limit_unseen;    /* over all targets; over those that the encoder has not seen */
  double kappa;                  /* that GECO aimed at */
  double ladder[LADDER_COUNT], ladder_error[LADDER_COUNT]; /* of the data set (ladder.h) */
};

struct run_facts {
  struct arena arena;
  char path[STORE_PATH_MAX]; /* RUN.h5 */
  char name[256];            /* that the report calls it by: unique among its runs (gather.h) */

  struct config *config; /* owned */
  const struct training *training;
  const struct learner_kind *kind;         /* names, units and meaning of the scores */
  const char *model, *preset, *integrator; /* "hgn", "paper", "leapfrog"; "": has none */
  const char *config_text, *numerics;
  int64_t seed;
  int64_t input_frames; /* K: frames seen; 0: has none, or not known (autoencode) */
  bool has_protocol;    /* known where the data are */
  struct protocol protocol;
  struct run_data data;

  int64_t steps, steps_done; /* asked for; of the last report that is there */
  bool complete;             /* all reports and evaluations are there */
  struct verdict verdict;

  /* Evaluations, oldest first; the scores [evaluations][kind->scores] of each split. */
  int64_t evaluations;
  double *evaluation_step, *score[SPLIT_COUNT];
  int64_t targets;
  double *frame_mse; /* [targets]: of the last test evaluation; NULL: there is none */

  /* Reports, oldest first. */
  int64_t reports;
  double *report_step, *loss, *term; /* term: the first of the loss's, kind->term[0] */

  /* What it took, up to the last report. */
  double seconds, core_hours, energy_joule, memory_bytes;
  int64_t sessions;
  struct record_worker *session; /* [sessions] */

  /* Checksums of the first and the last report, by network. */
  int networks;
  char (*network)[32];                                 /* [networks] */
  struct checksum *parameter_sum[2], *gradient_sum[2]; /* [networks]; NULL: there is no report */
  int64_t sum_step[2];

  bool has_start, has_origin; /* began with another run's parameters; from another run's checkpoint */
  struct record_start start, origin;
  struct run_provenance provenance;
};

/* STATUS_FILE when it is no run, or damaged; STATUS_MEMORY. Data that are gone are no error. The name is set by the
 * caller. Closed with run_facts_close(), which accepts one that is zeroed. */
enum status run_facts_open(const char *path, struct run_facts *facts);
void run_facts_close(struct run_facts *facts);

/* A score of the last evaluation of a split ("mse", "mse_error"), or of evaluation `row`; NaN where there is none of
 * that name. */
double run_facts_score(const struct run_facts *facts, enum split split, const char *name);
double run_facts_score_at(const struct run_facts *facts, enum split split, int64_t row, const char *name);
/* Where a score stands in kind->score; -1: nowhere. */
int run_facts_find_score(const struct run_facts *facts, const char *name);

#endif
