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

/* Collective. Divides each column, whose mean[columns] has been subtracted, by its root mean square over all ranks'
 * rows, scale[columns]. One that does not vary, but for the rounding of its mean, becomes zero, and so does its scale.
 * */
enum status columns_scale(const struct comm *comm, double *shard, int64_t count, int64_t columns, const double *mean,
                          double *scale);

#endif
