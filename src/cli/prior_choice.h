/* Which prior a command uses: what --prior says, else what lies beside the run. */
#ifndef HGN_CLI_PRIOR_CHOICE_H
#define HGN_CLI_PRIOR_CHOICE_H

#include "train/prior.h"
#include "train/probe.h"

/* What the command line says of the prior. */
struct prior_words {
  const char *run, *given; /* given: the word after --prior; NULL: nothing */
  double temperature;
};

struct prior_choice {
  bool learned; /* else it is N(0, 1) */
  struct prior prior;
  char name[STORE_PATH_MAX]; /* "N(0, 1)", or where it is */
};

/* Collective. given: the word after --prior, "none" for N(0, 1); NULL: RUN.prior.h5 where it is there, which is then
 * refused like one that was named. Says what it is. Failures: those of prior_open(). */
enum status prior_choice_open(const struct comm *world, const char *run, const char *given, const struct trained *model,
                              struct prior_choice *choice);
/* Collective. The same, for a probe of the model, which draws from it until it is closed. Also STATUS_UNAVAILABLE where
 * there is none and the model does not sample. */
enum status prior_choice_use(const struct comm *world, const struct prior_words *words, struct probe *probe,
                             struct prior_choice *choice);
void prior_choice_close(struct prior_choice *choice);

/* Not collective. The word after --temperature, 1 where it is NULL; STATUS_USAGE unless it is a number from 0 to
 * 100. */
enum status prior_choice_temperature(const char *text, double *temperature);

#endif
