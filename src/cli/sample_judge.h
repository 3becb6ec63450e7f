/* hgn sample --judge: whether what a model's prior draws is physics. */
#ifndef HGN_CLI_SAMPLE_JUDGE_H
#define HGN_CLI_SAMPLE_JUDGE_H

#include "cli/prior_choice.h"

struct sample_judge_words {
  struct prior_words prior; /* and the run, as it was given */
  bool best;
  int64_t count, steps; /* steps: negative: to the last target */
  uint64_t seed;
  const char *picture; /* NULL: none */
};

/* Not collective. STATUS_USAGE for too few or many samples, or a picture that is no .png. */
enum status sample_judge_check(const struct sample_judge_words *words);

/* Collective. Judges, prints, and writes RUN.samples.h5 and the picture. STATUS_UNAVAILABLE for models without frames
 * or without a prior. */
enum status sample_judge(const struct comm *world, struct trained *trained, const struct sample_judge_words *words);

#endif
