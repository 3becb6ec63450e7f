/* What an experiment asks a machine for: ranks, of which its lanes are the bound, and memory, which is measured. */
#ifndef HGN_CLI_DEMAND_H
#define HGN_CLI_DEMAND_H

#include "comm/comm.h"
#include "config/config.h"

#include <stdio.h>

/* Root only. How many ranks a training can use and what each of them would get, in comments of YAML. Nothing of what is
 * none: data, synthetic. */
void demand_print_ranks(const struct config *config, FILE *out);

/* Collective. Prints words for sbatch on rank 0: as many tasks as have work, and a rank's memory, for which some steps
 * are taken and some rollouts evaluated as in a training, and nothing is written. Failures: those of trainer_open() and
 * trainer_advance(); STATUS_CONFIG where the experiment is none of a training. */
enum status demand_print_sbatch(const struct comm *world, const struct config *config);

#endif
