#include "cli/bench.h"
#include "cli/commands.h"

#include <stddef.h>

static const struct cli_command bench = {
    "bench", "throughput of the analyses on this machine",
    "Usage: mpirun -n N hgn bench analyze\n\n"
    "Singular values, eigenvalues and least squares of tall matrices spread over N ranks, from rows on the ranks that\n"
    "made them, beside ScaLAPACK alone on matrices that lie in place, and beside LAPACK on one rank.\n",
    NULL};

const struct cli_command *const commands[COMMANDS_MAX] = {&cli_analyze, &bench, NULL};

const char *commands_program(int argc, char **argv) {
  (void)argc;
  (void)argv;
  return NULL;
}
