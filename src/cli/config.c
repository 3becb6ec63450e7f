#include "cli/cli.h"

static enum status run_config(const struct comm *world, int argc, char **argv) {
  bool schema = false, plain = false;
  const char *preset = NULL;
  const struct cli_option options[] = {{"--schema", NULL, CLI_FLAG, &schema},
                                       {"--plain", NULL, CLI_FLAG, &plain},
                                       {"--preset", NULL, CLI_TEXT, &preset}};
  struct cli_words words;
  TRY(cli_parse(argc, argv, options, 3, true, &words));
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
  enum status status = world->rank == 0 ? config_print(config, stdout, !plain) : STATUS_OK;
  config_destroy(&config);
  return status;
}

const struct cli_command cli_config = {
    "config", "check a configuration and print what it amounts to",
    "Usage: hgn config FILE.yaml [--plain] [key.path=value ...]\n"
    "       hgn config --schema | --preset NAME\n\n"
    "Validates the file and prints the effective configuration with the origin of every value: the place in the\n"
    "file, an override of the command line, a preset, or a default. A wrong file is reported as FILE:LINE:COLUMN with "
    "what was\n"
    "expected; exit status 2.\n\n"
    "  --plain    without the origins\n"
    "  --preset   the keys of a model preset: paper, report2021, hgnpp, quick\n"
    "  --schema   the reference of all keys: type, default, range, unit, meaning\n",
    run_config};
