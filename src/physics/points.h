/* Making and measuring data sets of points.
 *
 * Points of a split are numbered as rollouts are (rollout.h), and a point is the draw of its number, so a larger data
 * set starts with the smaller one. /parameters of the file: the numbers of the section `density`, and
 *
 *   entropy, entropy_error   nat: minus the mean log density of the test points, its standard error
 *
 * Failures: STATUS_MEMORY, STATUS_MPI, STATUS_FILE where a file cannot be written or read; STATUS_NUMERIC when a point
 * or its log density is not finite.
 */
#ifndef HGN_PHYSICS_POINTS_H
#define HGN_PHYSICS_POINTS_H

#include "comm/comm.h"
#include "config/config.h"
#include "store/dataset.h"

struct points_summary {
  double entropy, entropy_error; /* nat */
};

/* Collective. Draws the splits of a configured density, each rank its share, and writes the file at `path`, which
 * appears under its name only when it is whole. Contents do not depend on the number of ranks. */
enum status points_dataset(const struct comm *comm, const struct config *config, const char *path,
                           struct points_summary *summary);

/* Collective. Of points made elsewhere: a checksum of all of them and of how many there are, by which the same file is
 * known again. Each rank reads an equal share. */
enum status points_checksum(const struct comm *comm, const struct dataset *data, char checksum[CHECKSUM_TEXT]);

#endif
