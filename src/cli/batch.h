/* What a command is told of the batch job that it runs in: by which signal its end is announced, when it ends, and
 * which job it is. The only place that reads SLURM's environment.
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

/* Collective. From the words, or else from rank 0's environment. STATUS_USAGE. */
enum status batch_read(const struct comm *world, struct batch *batch);

/* Root only. s until the job ends; INFINITY: it is not known that it does. */
double batch_left(const struct batch *batch);

#endif
