/* Private to src/cli: what the sources of `hgn bench sweep` share. */
#ifndef HGN_CLI_BENCH_SWEEP_H
#define HGN_CLI_BENCH_SWEEP_H

#include "cli/sweep_cli.h"

/* A sweep made of texts in memory. The folder of its file stands in that of the benchmark. */
struct bench_sweep {
  struct sweep_input input;
  struct ledger ledger; /* rank 0's; elsewhere zeroed */
};

/* Collective; over MPI_COMM_SELF too. folder: the benchmark's; name: of the new one in it. file and base: YAML.
 * Failures: those of sweep_parse() and ledger_create(), after which there is nothing to close. */
enum status bench_sweep_open(const struct comm *comm, const char *folder, const char *name, const char *file,
                             const char *base, struct bench_sweep *sweep);
void bench_sweep_close(struct bench_sweep *sweep);

/* A random search of two parameters, `trials` times; a trial is one step of the synthetic objective that takes `sleep`
 * seconds. Collective, as bench_sweep_open(). */
enum status bench_sweep_open_synthetic(const struct comm *comm, const char *folder, const char *name, int64_t trials,
                                       double sleep, struct bench_sweep *sweep);

/* Not collective. STATUS_INTERRUPTED unless all trials have ended. */
enum status bench_sweep_whole(const struct coordinator_outcome *outcome);

/* Root only. A coordinator with groups that are only imagined, in simulated time; prints. share: 1, or less for a
 * shorter benchmark. */
enum status bench_sweep_virtual(const char *folder, double share);

#endif
