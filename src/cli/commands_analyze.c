#include "cli/bench_all.h"
#include "cli/bench_analyze.h"
#include "cli/commands.h"

#include <stddef.h>
#include <string.h>

/* By the word "analyze" or "all" this program was found; before it there may be some of the log's. */
static enum status run_bench(const struct comm *world, int argc, char **argv) {
  enum log_level level;
  int first = 1;
  while (first + 1 < argc && cli_level(argv[first], &level)) first++;
  if (first > 1) log_setup(level, world->rank, world->rank == 0);
  if (strcmp(argv[first], "all") == 0) return bench_all(world, argc - first, argv + first);
  return bench_analyze(world, argc - first, argv + first);
}

static const struct cli_command bench = {"bench", "throughput of the analyses on this machine", bench_analyze_help,
                                         run_bench};

const struct cli_command *const commands[COMMANDS_MAX] = {&cli_analyze, &cli_report, &bench, NULL};

const char *commands_program(int argc, char **argv) {
  (void)argc;
  (void)argv;
  return NULL;
}
