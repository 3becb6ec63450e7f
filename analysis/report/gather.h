/* What a report is about: runs, sweeps and analyses, found in files and folders.
 *
 * Folders are searched through, in the order of names; a file or folder that several names or links lead to is taken
 * once. Checkpoints, data sets, limits and hidden files are passed over. What claims to be one of ours and cannot be
 * read is noted, and the search goes on.
 *
 * All functions: Not collective; one rank alone reads.
 */
#ifndef HGN_ANALYSIS_REPORT_GATHER_H
#define HGN_ANALYSIS_REPORT_GATHER_H

#include "analysis/report/run_facts.h"

#include <sys/types.h>

struct gather_note {
  char *path, *reason; /* owned */
};

struct gather_seen {
  dev_t device;
  ino_t inode;
};

struct gather {
  struct run_facts *run; /* owned */
  int64_t runs;
  char **sweep; /* sweep.h5 files; owned */
  int64_t sweeps;
  char **analysis; /* *.analysis.h5 files; owned */
  int64_t analyses;
  struct gather_note *note; /* what could not be read */
  int64_t notes;
  struct gather_seen *seen;
  int64_t seens;
};

/* Adds what PATH is or holds; runs are called by where they lie in it. STATUS_FILE when there is nothing of that name,
 * or what it is has no place in a report; STATUS_MEMORY. gather: zeroed before the first. */
enum status gather_path(struct gather *gather, const char *path);
/* Calls runs of the same name by their paths; after the last. */
void gather_settle(struct gather *gather);
void gather_close(struct gather *gather);

#endif
