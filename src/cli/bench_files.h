/* Private to src/cli: the files of benchmarks, which nobody needs once they have ended. Those of a process that a
 * signal ends go with it (base/litter.h); what a kill has left, the next benchmark there removes. */
#ifndef HGN_CLI_BENCH_FILES_H
#define HGN_CLI_BENCH_FILES_H

#include "comm/comm.h"

/* Collective. A name in the working folder that no other process has, "hgn-bench-HOST-PID.h5". What killed benchmarks
 * of this host have left there is removed. */
enum status bench_name(const struct comm *comm, char *path, int size);

/* Root only. Removes what is in `folder` of that stem, "hgn-bench-HOST-PID", with any ending, files and folders, of
 * processes of this host that are gone. */
void bench_remove_left(const char *folder);

/* Root only. "hgn-bench-HOST-PID". */
void bench_stem(char stem[128]);

/* Root only. A folder and all that is in it. Errors are logged. */
void bench_remove_folder(const char *folder);

#endif
