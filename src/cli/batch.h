/* What a command is told of the batch job that it runs in: by which signal its end is announced, when it ends, and
 * which job it is; and whether all that a launcher started are one MPI job. The only place that reads SLURM's
 * environment.
 */
#ifndef HGN_CLI_BATCH_H
#define HGN_CLI_BATCH_H

#include "cli/cli.h"

struct batch {
  const char *signal, *deadline; /* words of the command line; NULL: not given */
  int number;                    /* of the signal */
  double end;                    /* s since 1970, by the clock of rank 0, which alone counts; INFINITY: not known */
};

/* Rows of a command's options, and of its help. */
#define BATCH_OPTIONS(batch)                                                                                           \
  {"--signal", NULL, CLI_TEXT, &(batch)->signal}, { "--deadline", NULL, CLI_TEXT, &(batch)->deadline }
#define BATCH_HELP                                                                                                     \
  "  --signal NAME         beside SIGTERM and SIGINT, what asks for the end: USR1 (the default), USR2, HUP, URG, "     \
  "CONT,\n"                                                                                                            \
  "                        XCPU, TERM. mpirun forwards USR1 and USR2 to its ranks\n"                                   \
  "  --deadline TIME       when the job ends: +90m, +2h, +300s from now, or seconds since 1970; none: never. "         \
  "Default:\n"                                                                                                         \
  "                        SLURM_JOB_END_TIME. Checkpoints are written before, by what they have cost so far\n"

/* Not collective. Remembers which job this is (store/provenance.h). */
void batch_identify(void);

/* What a launcher says of itself, by the environment. */
struct batch_launch {
  const char *name; /* of the variable that says how many processes there are; NULL: none does */
  int64_t processes, rank;
};

/* Not collective. Before MPI_Init, which may set such variables itself. */
void batch_find_launch(struct batch_launch *launch);

/* Not collective. Whether it is known before MPI_Init that processes of a step cannot find each other: Open MPI would
 * end there, and say that it was built without what it needs. */
bool batch_is_cut_off(const struct batch_launch *launch);

/* Not collective. STATUS_USAGE where the launcher started more processes than MPI has ranks: each would take itself for
 * all, and they would overwrite each other's files. The message says with which flag they find each other. */
enum status batch_check_launch(const struct batch_launch *launch, int64_t ranks);

/* Collective. From the words, or else from rank 0's environment. STATUS_USAGE. */
enum status batch_read(const struct comm *world, struct batch *batch);

/* Root only. s until the job ends; INFINITY: it is not known that it does. */
double batch_left(const struct batch *batch);

#endif
