#include "cli/cli.h"
#include "cli/demand.h"

/* What is said of ranks follows as comments, like the origins of values, so that `hgn config FILE.yaml >copy.yaml` is a
 * configuration; --plain has neither. */
static enum status print_config(const struct config *config, bool plain) {
  TRY(config_print(config, stdout, !plain));
  if (!plain) demand_print_ranks(config, stdout);
  return STATUS_OK;
}

static enum status run_config(const struct comm *world, int argc, char **argv) {
  bool schema = false, plain = false, sbatch = false;
  const char *preset = NULL;
  const struct cli_option options[] = {{"--schema", NULL, CLI_FLAG, &schema},
                                       {"--plain", NULL, CLI_FLAG, &plain},
                                       {"--sbatch", NULL, CLI_FLAG, &sbatch},
                                       {"--preset", NULL, CLI_TEXT, &preset}};
  struct cli_words words;
  TRY(cli_parse(argc, argv, options, 4, true, &words));
  if (schema) {
    TRY(cli_operands(&words, 0, 0, "no file with --schema"));
    return world->rank == 0 ? config_schema(stdout) : STATUS_OK;
  }
  if (preset) {
    TRY(cli_operands(&words, 0, 0, "no file with --preset"));
    const char *text = config_preset(preset);
    REQUIRE(text, STATUS_USAGE, "there is no preset \"%s\"; there are paper, report2021, hgnpp, quick", preset);
    if (world->rank == 0) fputs(text, stdout);
    return STATUS_OK;
  }
  TRY(cli_operands(&words, 1, 1, "one FILE.yaml"));
  struct config *config;
  TRY(cli_load(world, words.operand[0], SCHEMA_ANY, &words, &config));
  enum status status = STATUS_OK;
  if (sbatch)
    status = demand_print_sbatch(world, config);
  else if (world->rank == 0)
    status = print_config(config, plain);
  config_destroy(&config);
  return status;
}

const struct cli_command cli_config = {
    "config", "check a configuration and print what it amounts to",
    "Usage: hgn config FILE.yaml [--plain | --sbatch] [key.path=value ...]\n"
    "       hgn config --schema | --preset NAME\n\n"
    "Validates the file and prints the effective configuration with the origin of every value: the place in the\n"
    "file, an override of the command line, a preset, or a default. A wrong file is reported as FILE:LINE:COLUMN with "
    "what was\n"
    "expected; exit status 2. Of an experiment it says how many ranks can train it, and what each would get.\n\n"
    "  --plain    without the origins\n"
    "  --sbatch   only what to ask SLURM for: sbatch $(hgn config X.yaml --sbatch) slurm/train.sbatch X.yaml RUN.h5.\n"
    "             Its data set has to be there: memory is measured, in some steps of the training\n"
    "  --preset   the keys of a model preset: paper, report2021, hgnpp, quick\n"
    "  --schema   the reference of all keys: type, default, range, unit, meaning\n",
    run_config};
