/* What a path is, for commands that take several kinds of results. */
#ifndef HGN_CLI_FILE_KIND_H
#define HGN_CLI_FILE_KIND_H

#include "comm/comm.h"

enum file_kind { FILE_KIND_RUN, FILE_KIND_SWEEP, FILE_KIND_DATA, FILE_KIND_OTHER };

/* Collective. A folder, or its sweep.h5, is a sweep; what has no format of ours is data made elsewhere. STATUS_FILE
 * when it is missing, or no HDF5 file. */
enum status file_kind_find(const struct comm *comm, const char *path, enum file_kind *kind);
/* Not collective. "a run" */
const char *file_kind_name(enum file_kind kind);

#endif
