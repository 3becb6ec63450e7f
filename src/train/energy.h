/* Energy of the processor packages as Linux tells it (RAPL through powercap): one rank of each node reads.
 *
 * Other jobs on the node count too; containers and many clouds tell nothing. */
#ifndef HGN_TRAIN_ENERGY_H
#define HGN_TRAIN_ENERGY_H

#include "comm/comm.h"

#include <stdbool.h>

enum { ENERGY_PACKAGES = 8 };

struct energy_meter {
  int packages;                                          /* 0: nothing to read, or another rank reads */
  int64_t last[ENERGY_PACKAGES], range[ENERGY_PACKAGES]; /* uJ */
  bool known;                                            /* some rank reads */
};

/* Collective. STATUS_MPI; that nothing can be read is no failure. */
enum status energy_open(const struct comm *comm, struct energy_meter *meter);
/* Not collective. uJ since the last call, of this rank's share. */
int64_t energy_take(struct energy_meter *meter);

#endif
