/* Private to src/cli: the benchmarks behind `hgn bench`. */
#ifndef HGN_CLI_BENCH_H
#define HGN_CLI_BENCH_H

#include "comm/comm.h"

/* What the command line says. */
struct bench_words {
  const char *peer; /* path of a script that does the same with other software, or NULL */
  int64_t trials;   /* of the sweep, 0: not given */
};

/* Collective. Prints on rank 0. */
enum status bench_simulate(const struct comm *world, const struct bench_words *words);
enum status bench_graph(const struct comm *world, const struct bench_words *words);
enum status bench_train(const struct comm *world, const struct bench_words *words);
enum status bench_density(const struct comm *world, const struct bench_words *words);
enum status bench_scaling(const struct comm *world, const struct bench_words *words);
enum status bench_sweep(const struct comm *world, const struct bench_words *words);

/* Not collective. Sorts the values. */
double bench_median(double *values, int count);

/* Small normal numbers, aligned for kernels: to be freed by the caller, NULL without memory. Not collective. */
void *bench_draw(int64_t bytes, uint64_t index);

/* The convolutions of bench_graph(). Not collective. */
enum status bench_convolutions(void);

/* With its end. */
enum { BENCH_SETTING_SIZE = 32 };

/* Not collective. Runs the script and reads `count` numbers that follow the first word on each of its lines, line after
 * line. setting: that word of the last of these lines, which says what was fastest; or NULL. STATUS_FILE when it fails
 * or prints too few. */
enum status bench_read_peer(const char *script, const char *arguments, int count, double *numbers,
                            char setting[BENCH_SETTING_SIZE]);

#endif
