#include "cli/bench_analyze.h"
#include "cli/commands.h"

#include <stddef.h>

/* Its words begin with what is measured, as those of hgn bench do. */
static enum status run_bench(const struct comm *world, int argc, char **argv) {
  return bench_analyze(world, argc - 1, argv + 1);
}

static const struct cli_command bench = {"bench", "throughput of the analyses on this machine", bench_analyze_help,
                                         run_bench};

const struct cli_command *const commands[COMMANDS_MAX] = {&cli_analyze, &bench, NULL};

const char *commands_program(int argc, char **argv) {
  (void)argc;
  (void)argv;
  return NULL;
}
