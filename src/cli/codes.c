#include "train/codes.h"

#include "cli/cli.h"
#include "cli/train_stage.h"
#include "store/output.h"
#include "train/numerics.h"
#include "train/prior.h"

#include <stdio.h>

static void print_codes(const struct corpus *corpus, const struct codes_about *about, const char *output) {
  const struct whitening *whitening = &about->whitening;
  printf("codes        %lld numbers each, of %lld training, %lld test and %lld validation rollouts",
         (long long)whitening->size, (long long)corpus->data.rollouts[SPLIT_TRAIN],
         (long long)corpus->data.rollouts[SPLIT_TEST], (long long)corpus->data.rollouts[SPLIT_VALIDATION]);
  if (about->draws > 1) printf("; %lld draws of each training rollout", (long long)about->draws);
  printf("\n");
  printf("components   %lld lead: variances %.4g to %.4g", (long long)whitening->leading, whitening->variance[0],
         whitening_least(whitening));
  if (whitening->leading < whitening->size)
    printf("; %.4g and less of the others", whitening->variance[whitening->leading]);
  printf("\n%s\n", output);
}

enum status codes_command(const struct comm *world, struct trained *trained, const char *data,
                          const struct codes_settings *settings, const char *output) {
  struct corpus corpus;
  struct codes_about about;
  char path[STORE_PATH_MAX];
  TRY(trained_data_path(world, trained, data, path));
  TRY(trained_open_data(world, trained, path, data != NULL, &corpus));
  enum status status = codes_make(world, trained, &corpus, settings, output);
  if (status == STATUS_OK) status = codes_describe(world, output, &about);
  if (status == STATUS_OK) {
    if (world->rank == 0) print_codes(&corpus, &about, output);
    codes_about_free(&about);
  }
  corpus_close(&corpus);
  return status;
}

static enum status run_codes(const struct comm *world, int argc, char **argv) {
  struct codes_settings settings = {.draws = 0};
  const char *output = NULL;
  bool best = false;
  const struct cli_option options[] = {{"--output", "-o", CLI_TEXT, &output},
                                       {"--draws", NULL, CLI_COUNT_VALUE, &settings.draws},
                                       {"--leading", NULL, CLI_COUNT_VALUE, &settings.leading},
                                       {"--best", NULL, CLI_FLAG, &best}};
  struct cli_words words;
  struct trained trained;
  char beside[STORE_PATH_MAX];
  TRY(cli_parse(argc, argv, options, sizeof options / sizeof *options, false, &words));
  TRY(cli_operands(&words, 1, 2, "RUN.h5 and, if other than in training, DATA.h5"));
  REQUIRE(settings.draws <= CODES_DRAWS_MAX, STATUS_USAGE, "--draws %lld: at most %d", (long long)settings.draws,
          (int)CODES_DRAWS_MAX);
  REQUIRE(settings.leading <= WHITENING_LEADING_MAX, STATUS_USAGE, "--leading %lld: at most %d",
          (long long)settings.leading, (int)WHITENING_LEADING_MAX);
  TRY(prior_name(words.operand[0], "codes", beside));
  if (!output) output = beside;
  REQUIRE(cli_has_ending(output, ".h5"), STATUS_USAGE, "the output \"%s\" does not end in .h5", output);
  TRY(output_check_name(output));
  TRY(numerics_agree(world));
  TRY(trained_open(world, words.operand[0], best, &trained));
  enum status status = codes_command(world, &trained, words.operands > 1 ? words.operand[1] : NULL, &settings, output);
  trained_close(&trained);
  return status;
}

const struct cli_command cli_codes = {
    "codes", "what a trained model's encoder makes of its data, as points",
    "Usage: [mpirun -n N] hgn codes RUN.h5 [DATA.h5] [-o CODES.h5] [--draws N] [--leading K] [--best]\n\n"
    "Encodes all rollouts of the data that RUN was trained on, or of DATA, and writes the leading components of the\n"
    "whitened codes as a data set of points, which a density can be trained on: a learned prior (hgn train --stage\n"
    "prior does both). A code is a draw of the posterior; of a model that does not sample, what the encoder gives.\n"
    "Same points on any number of ranks.\n\n"
    "  -o, --output FILE.h5   default: RUN.codes.h5 beside the run; codes that are there are replaced\n"
    "  --draws N              of each training rollout; default: 1 to 4, so that there are 20,000 codes\n"
    "  --leading K            components that the density learns of, at most 64; default: those that tell more than\n"
    "                         noise does, or have a variance. The others count as independent normals\n"
    "  --best                 the model of the smallest validation error; default: the latest checkpoint\n",
    run_codes};
