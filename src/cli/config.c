#include "cli/cli.h"

static enum status run(const struct comm *world, int argc, char **argv) {
  bool schema = false, plain = false;
  const struct cli_option options[] = {{"--schema", NULL, CLI_FLAG, &schema}, {"--plain", NULL, CLI_FLAG, &plain}};
  struct cli_words words;
  TRY(cli_parse(argc, argv, options, 2, true, &words));
  if (schema) {
    TRY(cli_operands(&words, 0, 0, "no file with --schema"));
    return world->rank == 0 ? config_schema(stdout) : STATUS_OK;
  }
  TRY(cli_operands(&words, 1, 1, "one FILE.yaml"));
  struct config *config;
  TRY(cli_load(world, words.operand[0], &words, &config));
  enum status status = world->rank == 0 ? config_print(config, stdout, !plain) : STATUS_OK;
  config_destroy(&config);
  return status;
}

const struct cli_command cli_config = {
    "config", "check a configuration and print what it amounts to",
    "Usage: hgn config FILE.yaml [--plain] [key.path=value ...]\n"
    "       hgn config --schema\n\n"
    "Validates the file and prints the effective configuration with the origin of every value: the place in the\n"
    "file, an override of the command line, or a default. A wrong file is reported as FILE:LINE:COLUMN with what was\n"
    "expected; exit status 2.\n\n"
    "  --plain    without the origins\n"
    "  --schema   the reference of all keys: type, default, range, unit, meaning\n",
    run};
