#include "cli/train_stage.h"

#include "base/log.h"
#include "store/output.h"
#include "train/density.h"
#include "train/prior.h"

#include <stdio.h>
#include <string.h>

enum { BATCH_MOST = 256 };

/* What is trained where no EXPERIMENT.yaml is given. Of few codes a batch is a quarter of them. */
static const char experiment[] = "model: {name: rnvp%s}\n"
                                 "optimizer: {learning_rate: 3e-3, schedule: cosine, warmup: 100, clip: 10}\n"
                                 "train: {steps: 4000, batch: %d, report_every: 100, checkpoint_every: 1000, "
                                 "checkpoint_keep: 1}\n"
                                 "eval: {every: 250, rollouts: 1000}\n";
static const char couplings[] = ", coupling: {activation: swish}"; /* of real NVP alone */

/* Collective. Whether the codes of this very model are there; STATUS_CONFIG when they are another's. */
static enum status find_codes(const struct comm *world, const struct trained *trained, const char *path, bool *found) {
  struct codes_about about;
  char sum[CHECKSUM_TEXT];
  *found = false;
  TRY(comm_agree(world, world->rank == 0 ? output_exists(path, found) : STATUS_OK));
  TRY(comm_broadcast(world, found, sizeof *found));
  if (!*found) return STATUS_OK;
  TRY(codes_describe(world, path, &about));
  codes_model_checksum(trained, sum);
  const bool same = strcmp(sum, about.model) == 0;
  const int64_t step = about.step;
  codes_about_free(&about);
  REQUIRE(
      same, STATUS_CONFIG,
      "%s: holds the codes of another model than %s: of step %lld, now it is of step %lld. Delete it, and the prior "
      "that was trained on it; or keep both: hgn codes RUN.h5 -o NEW.h5, and hgn train EXPERIMENT.yaml -o PRIOR.h5 "
      "data.file=NEW.h5",
      path, trained->path, (long long)step, (long long)trained->step);
  return STATUS_OK;
}

/* Collective. */
static enum status need_codes(const struct comm *world, const char *run, const char *codes) {
  const struct codes_settings settings = {.draws = 0};
  struct trained trained;
  bool found;
  TRY(trained_open(world, run, false, &trained));
  enum status status = find_codes(world, &trained, codes, &found);
  if (status == STATUS_OK && !found) status = codes_command(world, &trained, NULL, &settings, codes);
  if (status == STATUS_OK && found) log_info("%s: the codes of %s, made before", codes, trained.path);
  trained_close(&trained);
  return status;
}

/* The word that puts the codes in the place of an experiment's data; in quotes, for a name may hold anything. */
static enum status name_data(const char *codes, char *word, size_t size) {
  size_t used = (size_t)snprintf(word, size, "data.file='");
  for (const char *c = codes; *c && used + 4 < size; c++) {
    if (*c == '\'') word[used++] = '\'';
    word[used++] = *c;
  }
  REQUIRE(used + 4 < size, STATUS_USAGE, "%.64s...: the name is too long", codes);
  memcpy(word + used, "'", 2);
  return STATUS_OK;
}

/* Collective. The experiment that comes with hgn. */
static enum status parse_standard(const struct comm *world, const char *codes, const struct cli_words *words,
                                  struct config **config) {
  struct dataset data;
  char text[sizeof experiment + sizeof couplings + 32];
  bool named = false; /* the model is: it may be another */
  TRY(dataset_open(world, codes, &data));
  const int64_t quarter = data.rollouts[SPLIT_TRAIN] / 4;
  dataset_close(&data);
  for (int i = 0; i < words->overrides; i++) named = named || strncmp(words->override[i], "model.name=", 11) == 0;
  snprintf(text, sizeof text, experiment, named ? "" : couplings,
           quarter > BATCH_MOST ? BATCH_MOST
           : quarter > 1        ? (int)quarter
                                : 1);
  return comm_agree(world,
                    config_parse("--stage prior", text, strlen(text), words->override, words->overrides, config));
}

static enum status check_density(const struct config *config) {
  const struct learner_kind *kind = learner_find(config_experiment(config)->training.model.name);
  REQUIRE(kind && kind->data == LEARNER_POINTS, STATUS_CONFIG,
          "--stage prior: the experiment is of a model \"%s\"; a prior is a density: model.name is nhf or rnvp",
          kind ? kind->name : "synthetic");
  return STATUS_OK;
}

enum status train_stage_prior(const struct comm *world, const struct cli_words *words, char output[STORE_PATH_MAX],
                              struct config **config) {
  const char *run = words->operand[0];
  struct cli_words all = *words;
  char codes[STORE_PATH_MAX], data[2 * STORE_PATH_MAX];
  *config = NULL;
  for (int i = 0; i < words->overrides; i++)
    REQUIRE(strncmp(words->override[i], "data.file=", 10) != 0, STATUS_USAGE,
            "%s: the data of --stage prior are the codes of %s", words->override[i], run);
  REQUIRE(words->overrides < CLI_WORDS_MAX, STATUS_USAGE, "too many words");
  TRY(prior_name(run, "prior", output));
  TRY(prior_name(run, "codes", codes));
  TRY(name_data(codes, data, sizeof data));
  all.override[all.overrides++] = data;
  TRY(need_codes(world, run, codes));
  if (words->operands > 1)
    TRY(cli_load(world, words->operand[1], SCHEMA_USE(SCHEMA_TRAINING), &all, config));
  else
    TRY(parse_standard(world, codes, &all, config));
  const enum status status = check_density(*config);
  if (status != STATUS_OK) config_destroy(config);
  return status;
}
