/* Whether what a model's prior draws is physics: the measure of `hgn sample --judge`.
 *
 * Of Hamiltonian Generative Networks. A sample is a film: a state drawn from the prior, unrolled and decoded; it begins
 * where an inferred state stands, at the anchor of the protocol.
 *
 * Validity, where the data's system is known: the distance of a sample from the nearest true trajectory (match.h) over
 * the same of the model's own reconstructions, which are test rollouts encoded at the mean of z, unrolled and decoded.
 * These are measured against their own nearest true trajectory too, not against their truth: a sample has no truth, so
 * both have to be given the choice; and what the encoder mistakes of a state from noisy frames is no fault of the
 * picture. The unit is the median over test rollouts, which few that are not fitted cannot move. A sample is valid
 * when its ratio is at most PRIOR_JUDGE_VALID.
 *
 * Coverage: the energy distance (energy_distance_plain()) between the fitted states of the samples at the anchor and
 * the true states of as many test rollouts there, angles as cosine and sine, each number in standard deviations of the
 * test rollouts'; beside it the same of two sets of test rollouts, disjoint and each of as many: what samples of the
 * very distribution would have. Test rollouts that the file does not hold are simulated, with the numbers after it.
 *
 * Of frames made elsewhere nothing is known but other frames: coverage is the energy distance between samples and test
 * rollouts in the PRIOR_JUDGE_COMPONENTS leading principal components of frames, and as many of their differences in
 * time, one frame of each film, either part scaled to variance one. That is weaker: pictures that no motion leads
 * through can be alike frame by frame, and the test rollouts have observation noise, which samples have not.
 *
 * The same bits on any number of ranks.
 */
#ifndef HGN_TRAIN_PRIOR_JUDGE_H
#define HGN_TRAIN_PRIOR_JUDGE_H

#include "physics/match.h"
#include "train/probe.h"

#define PRIOR_JUDGE_VALID 2.0

enum {
  PRIOR_JUDGE_LEAST = 9,      /* samples */
  PRIOR_JUDGE_MOST = 20000,   /* of which all pairs are looked at */
  PRIOR_JUDGE_ROLLOUTS = 200, /* test rollouts that are reconstructed, at most */
  PRIOR_JUDGE_COMPONENTS = 16,
  PRIOR_JUDGE_SHOWN = 9 /* three best, three median, three worst */
};

struct prior_judge_task {
  struct probe *probe;
  const char *prior; /* what its prior is called in the file; NULL: N(0, 1) */
  struct source *source;
  enum split split; /* whose rollouts are meant by test rollouts: SPLIT_TEST, or SPLIT_VALIDATION */
  int64_t samples;  /* PRIOR_JUDGE_LEAST to PRIOR_JUDGE_MOST */
  int64_t frames;   /* of a film */
  uint64_t seed;    /* of the draws */
  bool telling;     /* progress is shown */
};

/* One film and what it is nearest to. */
struct prior_judge_film {
  double mse, outside; /* outside: 1 or 0 */
  double uniform[SYSTEM_UNIFORMS_MAX], state[SYSTEM_STATE_MAX];
};

/* NaN: not known. Ratios are those of a film's distance over `error`. */
struct prior_judgement {
  struct arena arena;                  /* of all arrays */
  struct match *match;                 /* owned; NULL: frames made elsewhere */
  bool known;                          /* the data's system is */
  int64_t samples, rollouts, compared; /* rollouts: reconstructed; compared: points of each set of coverage */
  double error;                        /* median distance of reconstructions */
  double valid, valid_low, valid_high; /* share of samples; Wilson's interval of 95% */
  double rollouts_valid;               /* share of the reconstructions, by the same measure */
  double ratio_median, ratio_high;     /* over samples; the 90% quantile */
  double coverage, coverage_floor;     /* of samples and test rollouts; of two sets of test rollouts */
  double outside, rollouts_outside;    /* share of fitted states outside the data's support */
  struct prior_judge_film *sample;     /* [samples] */
  struct prior_judge_film *rollout;    /* [rollouts] */
  int64_t shown[PRIOR_JUDGE_SHOWN];    /* of the samples: best, median, worst, each from the nearest on */
};

/* Collective. Of a model that samples, or has a learned prior. Failures of probe.h, source.h and match.h;
 * STATUS_UNAVAILABLE also for frames made elsewhere of which there are too few. Freed with prior_judgement_free(),
 * after a failure too. */
enum status prior_judge(const struct comm *comm, const struct prior_judge_task *task,
                        struct prior_judgement *judgement);
void prior_judgement_free(struct prior_judgement *judgement);

/* Not collective. Example `index` of judgement.shown: film and nearest true film, [frames][height][width][channels],
 * NaN where there is none. */
enum status prior_judge_show(const struct prior_judge_task *task, const struct prior_judgement *judgement, int index,
                             float *film, float *nearest);

/* Not collective. The frames of a film that begins at the anchor and ends with the last target. */
int64_t prior_judge_frames(const struct protocol *protocol);

/* Not collective. Wilson's interval of 95% of a share: k of n (Wilson 1927). */
void prior_judge_interval(int64_t k, int64_t n, double *low, double *high);

#endif
