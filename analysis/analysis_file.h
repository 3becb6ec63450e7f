/* The file of analyses beside a run: RUN.analysis.h5, which hgn analyze makes anew each time.
 *
 *   /                   attributes: format "hgn-analysis", schema_version 1
 *   /run, /data         text: the checkpoint and the data set that were analysed
 *   /run_checksum       text: of the parameters
 *   /data_checksum      text: of the data set's contents
 *   /step               i64 [1]: that the model was trained for
 *   /grid               i64 [2]: ranks, as rows and columns of ScaLAPACK's grid
 *   /missing            text: "PART: reason", one a line; "" when nothing is missing
 *   /order, /axis, /axis_shown, /mode, /batch, /coordinate, /time (of the targets), /frame_time (of all frames)
 *   scales
 *   /coordinate_unit    texts: the unit of each true coordinate; "" where it has none
 *   /spectrum, /dimension, /to_truth, /from_truth, /symplectic, /energy, /linear, /portrait
 *                       groups, as analysis.h and the headers of its parts say; units and descriptions are attributes
 *   /provenance/...
 *
 * These numbers are exempt from the promise of equal bits on any number of ranks (matrix.h).
 */
#ifndef HGN_ANALYSIS_ANALYSIS_FILE_H
#define HGN_ANALYSIS_ANALYSIS_FILE_H

#include "analysis/analysis.h"

#define ANALYSIS_FORMAT "hgn-analysis"

/* Not collective. RUN.h5, or a checkpoint of its, -> RUN.analysis.h5; of the best model RUN.best.analysis.h5.
 * STATUS_USAGE when too long. */
enum status analysis_file_name(const char *run, bool best, char path[STORE_PATH_MAX]);

/* Collective. Whether analysis_file_write() will find a place there, to be asked before the long computation.
 * STATUS_FILE. */
enum status analysis_file_check(const struct comm *comm, const char *path);

/* Collective. Replaces an analysis that is there, nothing else. */
enum status analysis_file_write(const struct comm *comm, const char *path, const struct analysis *analysis);

#endif
