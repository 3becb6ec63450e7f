/* Making a data set: physics -> store.
 */
#ifndef HGN_PHYSICS_SIMULATE_H
#define HGN_PHYSICS_SIMULATE_H

#include "comm/comm.h"
#include "config/config.h"
#include "physics/ladder.h"

/* Collective. Simulates the splits of the configured experiment, each rank its share, measures the ladder and writes
 * the file at `path` (see store/dataset.h), with rendered frames when `with_frames`. The file appears under its name
 * only when it is whole. `ladder` receives what was measured. Contents do not depend on the number of ranks. */
enum status simulate_dataset(const struct comm *comm, const struct config *config, const char *path, bool with_frames,
                             struct ladder *ladder);

#endif
