/* Private to src/cli: benchmarks one after the other, as a page. Of the program that has pages. */
#ifndef HGN_CLI_BENCH_ALL_H
#define HGN_CLI_BENCH_ALL_H

#include "comm/comm.h"

/* Collective, of one rank. The words of `hgn bench all`, argv[0] is "all". Each benchmark is a process of its own, as
 * its command is, and prints as it does there; its numbers come back by --csv. */
enum status bench_all(const struct comm *world, int argc, char **argv);

#endif
