/* What a process of hgn is before MPI and HDF5 begin: its descriptors, its signals, what it prints, and what it asks of
 * the libraries. Not collective.
 */
#ifndef HGN_CLI_PROCESS_H
#define HGN_CLI_PROCESS_H

#include "base/status.h"

#include <stddef.h>

/* Once, first of all:
 * - standard descriptors that are closed become /dev/null, so that no file or pipe of MPI's is given their numbers;
 * - standard output shows control characters (log_plain());
 * - signals that end the process let it remove its partial files (base/stop.h);
 * - Open MPI is told what it needs, where the user has said nothing else. STATUS_MEMORY where a limit (ulimit -v)
 *   leaves it less than it takes to begin, for it crashes then. */
enum status process_begin(void);

/* Before MPI_Init(): the process becomes the program of that name beside its own, with the same words, and with one
 * thread for linear algebra, whatever the environment says: ranks fill the cores. Returns only when it
 * cannot: STATUS_UNAVAILABLE; STATUS_MEMORY where a limit (ulimit -v) leaves OpenBLAS less than it takes to begin, for
 * it tries for ever then. */
enum status process_become(const char *program, char **argv);
/* The path of the program of that name beside this one. STATUS_UNAVAILABLE. */
enum status process_beside(const char *program, char *path, size_t size);

/* After MPI_Init(): a crash within HDF5 is told as one of the file that it was reading, with exit status 3. */
void process_guard_reading(void);

/* What was printed has been written: STATUS_FILE when it has not. */
enum status process_flush(void);

#endif
