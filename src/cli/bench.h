/* Private to src/cli: the benchmarks behind `hgn bench`. */
#ifndef HGN_CLI_BENCH_H
#define HGN_CLI_BENCH_H

#include "comm/comm.h"

/* Collective. Prints on rank 0; peer: path of a script that does the same with other software, or NULL. */
enum status bench_simulate(const struct comm *world, const char *peer);
enum status bench_graph(const struct comm *world, const char *peer);
enum status bench_train(const struct comm *world, const char *peer);
enum status bench_scaling(const struct comm *world, const char *peer);

/* Not collective. Sorts the values. */
double bench_median(double *values, int count);

/* Not collective. Runs `command` and reads `count` numbers that follow the first word on each of its lines, line after
 * line. STATUS_FILE when it fails or prints too few. */
enum status bench_read_peer(const char *script, const char *arguments, int count, double *numbers);

#endif
