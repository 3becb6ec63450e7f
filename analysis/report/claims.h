/* Claims: statements that runs, or published figures, are asked about.
 *
 * A file is a YAML sequence of claims:
 *
 *     - claim: Rollouts come back when time runs backward   # the statement, for people
 *       note: ...                                           # what is to be known of it; optional
 *       runs: {model.integrator.name: [leapfrog, euler]}    # keys of the experiment or of its data, with a value or a
 *                                                           # list of them: the runs that are asked; optional: all
 *       quantity: reversal_state                            # a score of the last evaluation on the test split
 *       test: below                                         # or above
 *       bound: 1e-3
 *
 *     - claim: Leapfrog conserves H better than Euler
 *       quantity: energy_drift
 *       compare: {model.integrator.name: [leapfrog, euler]} # runs that differ in this key alone, paired by their seeds
 *       test: smaller                                       # of the first than of the second; larger; differs
 *       bound: 0.5                                          # and at most that part of it; optional: 1
 *
 *     - claim: ...
 *       published: {model: HGN Leapfrog 5-frame, system: pendulum, noise: 0.1}   # noise: optional: as it is stated
 *       quantity: over_limit                                # over_floor, r2; or relative_error, of `model` without
 *       test: below                                         # system: against the paper's `against: MODEL`
 *       bound: 1.1
 *
 *       seeds: 3         # of a claim about runs: the fewest that are asked for; 3 where it is not given
 *       least_r2: 0.5    # runs of frames that reach less say nothing; 0.01 where it is not given: the mean image
 *
 * Tests. Runs that differ in their seeds alone are a group; its mean over seeds is held against the bound by a
 * one-sided t test, a single run's (seeds: 1) by the standard error over rollouts that it records, if any. Pairs are
 * compared by the t test of the mean of their differences, or of the logarithms of their ratios where all numbers are
 * positive. A claim holds where it holds for every group that is asked, so its p-value is the largest of theirs (Berger
 * 1982). It is supported when that, after Holm's correction for all claims that are tested, is below CLAIMS_ALPHA.
 * Where nothing is uncertain the number alone decides.
 *
 * All functions: Not collective.
 */
#ifndef HGN_ANALYSIS_REPORT_CLAIMS_H
#define HGN_ANALYSIS_REPORT_CLAIMS_H

#include "analysis/report/run_facts.h"
#include "analysis/report/statistics.h"

enum { CLAIMS_MAX = 256, CLAIM_FILTERS_MAX = 8, CLAIM_VALUES_MAX = 16, CLAIM_SEEDS = 3 };
#define CLAIMS_ALPHA 0.05

/* A key with the values that are asked for, as canonical text. */
struct claim_filter {
  const char *key;
  int row;      /* of the schema */
  bool of_data; /* of the data set's configuration, not of the run's */
  const char *value[CLAIM_VALUES_MAX];
  int values;
};

enum claim_test { CLAIM_BELOW, CLAIM_ABOVE, CLAIM_SMALLER, CLAIM_LARGER, CLAIM_DIFFERS, CLAIM_TESTS };

struct claim {
  const char *text, *note; /* note: "" where there is none */
  const char *quantity;
  enum claim_test test;
  double bound; /* NaN: not given */
  struct claim_filter filter[CLAIM_FILTERS_MAX];
  int filters;
  struct claim_filter compare; /* values 0: no pairs; else two */
  int64_t seeds;
  double least_r2;
  const char *model, *system, *against; /* of a published figure; model NULL: it is about runs */
  double noise;                         /* NaN: as it is stated */
};

struct claims {
  struct arena arena;
  struct claim *claim;
  int64_t count;
};

/* STATUS_CONFIG with FILE:LINE:COLUMN for what is wrong, up to ten in one message; STATUS_MEMORY. Closed with
 * claims_close(), which accepts one that is zeroed, also after a failure. */
enum status claims_parse(const char *path, const char *text, size_t bytes, struct claims *claims);
/* Those of data/claims.yaml, which the program carries. */
enum status claims_builtin(struct claims *claims);
void claims_close(struct claims *claims);

const char *claim_test_name(enum claim_test test);

/* ---- Answers ---- */

enum claim_verdict { CLAIM_SUPPORTED, CLAIM_NOT_SUPPORTED, CLAIM_NOT_TESTED };

/* Of one group of runs, of one pair of groups, or of a published figure. */
struct claim_part {
  char runs[320];              /* their names, or where it was published */
  struct statistics_mean mean; /* of what is tested; of ratios that of their logarithms */
  bool ratio;
  double value;                     /* what is shown of it: the ratio itself, not its logarithm */
  struct statistics_interval range; /* 95%, of the same; NaN where nothing is known of its uncertainty */
  double p;                         /* that it is not as claimed, by the test; NaN: nothing is uncertain */
  bool holds;                       /* what the number alone says */
  double flips;                     /* p-value of the exact permutation test of the pairs; NaN: no pairs */
  int64_t agree;                    /* of mean.count pairs: how many are as claimed */
};

struct claim_answer {
  enum claim_verdict verdict;
  char reason[256]; /* why it is not tested, or not supported; and what was left out */
  struct claim_part *part;
  int64_t parts, worst; /* worst: the part that decides; -1: there is none */
  double p, adjusted;   /* after Holm's correction; NaN: nothing is uncertain, or not tested */
};

struct claim_answers {
  struct arena arena;
  struct claim_answer *answer; /* [claims->count] */
};

/* STATUS_MEMORY. Closed with claims_answers_close(), also after a failure. */
enum status claims_answer(const struct claims *claims, const struct run_facts *runs, int64_t count,
                          struct claim_answers *answers);
void claims_answers_close(struct claim_answers *answers);

#endif
