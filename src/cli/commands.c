#include "cli/commands.h"

#include <string.h>

/* What hgn-analyze runs has no run() here. */
static const struct cli_command analyze = {"analyze", "what the latent space of a trained model has learned", NULL,
                                           NULL},
                                report = {"report",
                                          "runs, sweeps and analyses as one page, with what lets others repeat them",
                                          NULL, NULL};

const struct cli_command *const commands[COMMANDS_MAX] = {
    &cli_simulate, &cli_train, &cli_eval,   &cli_codes, &cli_rollout, &cli_sample, &analyze,
    &report,       &cli_sweep, &cli_merge,  &cli_show,  &cli_info,    &cli_verify, &cli_diff,
    &cli_export,   &cli_limit, &cli_config, &cli_bench, NULL};

const char *commands_program(int argc, char **argv) {
  enum log_level level;
  int first = 1; /* word that is not one of the log's */
  while (first < argc && cli_level(argv[first], &level)) first++;
  const bool bench = first < argc && strcmp(argv[0], "bench") == 0 &&
                     (strcmp(argv[first], analyze.name) == 0 || strcmp(argv[first], "all") == 0);
  const bool moved = strcmp(argv[0], analyze.name) == 0 || strcmp(argv[0], report.name) == 0;
  return bench || moved ? "hgn-analyze" : NULL;
}
