/* Columns of a tall matrix whose rows lie on many ranks: shard[columns][count] of each rank. Sums are exact
 * (base/exact.h), so what is found here has the same bits on any number of ranks.
 *
 * Failures: STATUS_MEMORY, STATUS_MPI.
 */
#ifndef HGN_ANALYSIS_COLUMNS_H
#define HGN_ANALYSIS_COLUMNS_H

#include "comm/comm.h"

/* Collective. Subtracts from each column its mean over all ranks' rows; mean[columns]. */
enum status columns_center(const struct comm *comm, double *shard, int64_t count, int64_t columns, double *mean);

/* Collective. Divides each column, whose mean is zero, by its root mean square over all ranks' rows, scale[columns];
 * one that is zero stays so. */
enum status columns_scale(const struct comm *comm, double *shard, int64_t count, int64_t columns, double *scale);

#endif
