/* What the sources of `hgn sweep` share. */
#ifndef HGN_CLI_SWEEP_CLI_H
#define HGN_CLI_SWEEP_CLI_H

#include "cli/batch.h"
#include "cli/cli.h"
#include "sweep/coordinator.h"

/* What the command line says. All borrowed. */
struct sweep_words {
  const char *operand; /* a file, or the folder of a sweep */
  const char *output, *base, *part, *retry, *inject, *warm;
  struct cli_texts rename;
  int64_t run_cap, extend;
  bool dry_run, resume, status, watch;
  struct batch batch;
};

/* A sweep, as all ranks have it. */
struct sweep_input {
  struct sweep *sweep;
  struct ledger_texts texts; /* owned */
  char folder[STORE_PATH_MAX];
  bool from_folder; /* read from DIR/sweep.h5, not from a file */
};

/* Collective. A command of `prepare:`, whose file is made or found; STATUS_USAGE when it is none. */
enum status cli_prepare(const struct comm *comm, int words, char **word);

/* Collective. Reads the file, or what the folder's sweep.h5 holds of it, and parses it on all ranks. Failures:
 * STATUS_USAGE, STATUS_CONFIG, STATUS_FILE, STATUS_MEMORY. Freed with sweep_input_free(), after a failure too. */
enum status sweep_input_read(const struct comm *world, const struct sweep_words *words, struct sweep_input *input);
void sweep_input_free(struct sweep_input *input);

/* Root only. DIR/sweep.h5, or the file of the input's part. */
enum status sweep_file(const struct sweep_input *input, char path[STORE_PATH_MAX]);
/* Not collective. States that --retry names, a bit each. */
enum status sweep_parse_retry(const char *text, unsigned *states);
/* Root only. Makes the file or goes on with it, with what --retry and --extend change; *ledger is the caller's to
 * close. STATUS_CONFIG with the list of differences when what is there, or stands beside it, is of another sweep. A
 * whole sweep takes over what parts of it have done. STATUS_FILE when other jobs work on what this one would. */
enum status sweep_open(const struct sweep_words *words, unsigned retry, struct sweep_input *input,
                       struct ledger *ledger);

/* A sweep whose file is open, to be run on all ranks there are. All borrowed. */
struct sweep_job {
  struct sweep_input *input; /* sweep and folder */
  struct ledger *ledger;     /* Root only */
  const struct inject *inject;
  const struct batch *batch;          /* NULL: it has all the time there is */
  double elapsed;                     /* s since this process began with it, or with other parts */
  bool quiet;                         /* no progress, and nothing is printed at the end */
  bool gathered;                      /* of a part, in one job with the others: the end is told of the whole */
  struct coordinator_outcome outcome; /* Root only: how it went, in so many groups */
  int groups;
};

/* Collective. Rank 0 coordinates, the others are groups; one rank alone is both. A group that does not answer any more
 * ends the process. Failures: those of coordinator_run(), on rank 0; STATUS_MPI. */
enum status sweep_run_job(const struct comm *world, struct sweep_job *job);

/* Collective. --dry-run. */
enum status sweep_plan(const struct comm *world, const struct sweep_input *input);

/* Root only. How far the parts are, on the standard output; nothing where there are none. */
struct merge_report;
void sweep_print_parts(const struct merge_report *report);

/* Root only. --status and --watch: what the folder's sweep.h5 says now. */
enum status sweep_show_status(const struct sweep_input *input, bool watch);

#endif
