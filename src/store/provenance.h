/* How a file came to be: written under /provenance of every output, printed by `hgn --version -v` and `hgn info`.
 *
 *   /provenance/hgn           version, git state
 *   /provenance/git_diff      the uncommitted diff, "" when clean
 *   /provenance/build         compiler, flags, build type
 *   /provenance/libraries     one "NAME VERSION" a line, as linked and as loaded
 *   /provenance/command       the command line
 *   /provenance/hosts         one "HOST RANKS" a line
 *   /provenance/ranks         i64
 *   /provenance/cpu           model name(s), one a line
 *   /provenance/kernels       instruction sets that the ranks' kernels use, "" where none were used
 *   /provenance/created       UTC, ISO 8601
 *   /provenance/working_folder
 *   /provenance/job           what the process was told of its batch job, "NAME=VALUE ..."; "": of none
 */
#ifndef HGN_STORE_PROVENANCE_H
#define HGN_STORE_PROVENANCE_H

#include "store/file.h"

#include <stdio.h>

/* Not collective. Remembers the command line for later files;
 * words are borrowed and must outlive the process's writes. */
void provenance_setup(int argc, char **argv);

/* Not collective. Remembers what kernels the process runs (the same on all ranks) for later files. Text is copied. */
void provenance_kernels(const char *text);

/* X(member, help): the batch job that a process belongs to. */
#define PROVENANCE_JOB_LIST(X)                                                                                         \
  X(id, "SLURM_JOB_ID; 0: none")                                                                                       \
  X(array, "SLURM_ARRAY_JOB_ID; 0: none")                                                                              \
  X(task, "SLURM_ARRAY_TASK_ID")                                                                                       \
  X(restarts, "SLURM_RESTART_COUNT: times that the job had been requeued")
struct provenance_job {
#define PROVENANCE_MEMBER(name, help) int64_t name;
  PROVENANCE_JOB_LIST(PROVENANCE_MEMBER)
#undef PROVENANCE_MEMBER
};

/* Not collective. Remembers it for later files; what has not been remembered is zeroes. */
void provenance_set_job(const struct provenance_job *job);
struct provenance_job provenance_job(void);

/* Not collective. The command line as a shell would take it; the caller frees. STATUS_MEMORY. */
enum status provenance_command(char **command);

/* Not collective. A word as a shell would take it. */
void provenance_write_word(const char *word, FILE *out);

/* Collective. Writes the group; before store_seal(). STATUS_FILE, STATUS_MEMORY, STATUS_MPI. */
enum status provenance_write(struct store_file *file);

/* Not collective. Prints build and libraries: what `hgn --version -v` shows. */
void provenance_print(FILE *out);

#endif
