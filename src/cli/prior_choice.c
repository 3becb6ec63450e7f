#include "cli/prior_choice.h"

#include "base/log.h"
#include "config/number.h"
#include "store/output.h"

#include <stdio.h>
#include <string.h>

/* Collective. */
static enum status find_beside(const struct comm *world, const char *run, char path[STORE_PATH_MAX], bool *there) {
  *there = false;
  TRY(prior_name(run, "prior", path));
  TRY(comm_agree(world, world->rank == 0 ? output_exists(path, there) : STATUS_OK));
  return comm_broadcast(world, there, sizeof *there);
}

static void say(const struct prior_choice *choice) {
  const struct prior *prior = &choice->prior;
  if (choice->learned)
    log_info("prior: %s, %s of %lld components of codes of %lld numbers, after %lld steps", choice->name,
             prior->density.learner.kind->name, (long long)prior->about.whitening.leading,
             (long long)prior->about.whitening.size, (long long)prior->density.step);
  else
    log_info("prior: N(0, 1)");
}

enum status prior_choice_open(const struct comm *world, const char *run, const char *given, const struct trained *model,
                              struct prior_choice *choice) {
  bool there = given && strcmp(given, "none") != 0;
  *choice = (struct prior_choice){.learned = false};
  if (!given) TRY(find_beside(world, run, choice->name, &there));
  if (given && there) {
    REQUIRE(strlen(given) < STORE_PATH_MAX, STATUS_USAGE, "%.64s...: the name is too long", given);
    snprintf(choice->name, sizeof choice->name, "%s", given);
  }
  if (there) {
    enum status status = prior_open(world, choice->name, model, &choice->prior);
    if (!given) status = status_context(status, "the prior beside the run, which --prior none leaves out");
    TRY(status);
  } else {
    snprintf(choice->name, sizeof choice->name, "N(0, 1)");
  }
  choice->learned = there;
  say(choice);
  return STATUS_OK;
}

enum status prior_choice_use(const struct comm *world, const struct prior_words *words, struct probe *probe,
                             struct prior_choice *choice) {
  TRY(prior_choice_open(world, words->run, words->given, probe->trained, choice));
  return probe_use_prior(probe, choice->learned ? &choice->prior : NULL, words->temperature);
}

void prior_choice_close(struct prior_choice *choice) {
  if (choice->learned) prior_close(&choice->prior);
  choice->learned = false;
}

enum status prior_choice_temperature(const char *text, double *temperature) {
  *temperature = 1;
  if (!text) return STATUS_OK;
  REQUIRE(number_real(text, temperature) == NUMBER_OK && *temperature >= 0 && *temperature <= 100, STATUS_USAGE,
          "--temperature \"%s\": expected a number from 0 to 100", text);
  return STATUS_OK;
}
