#include "cli/file_kind.h"
#include "cli/sweep_cli.h"
#include "store/output.h"
#include "sweep/folder.h"
#include "sweep/ledger_export.h"
#include "sweep/merge.h"
#include "train/record_export.h"

#include <stdio.h>
#include <string.h>

/* All below: root only; comm: of one rank. */

static enum status export_run(const struct comm *comm, const char *path, bool events, const char *folder) {
  struct record_reader reader;
  TRY(record_open(comm, path, &reader));
  enum status status = folder_make(folder);
  if (status == STATUS_OK) status = events ? record_export_events(&reader, folder) : record_export_csv(&reader, folder);
  record_reader_close(&reader);
  return status;
}

/* TensorBoard shows a folder in a folder as a run of its own. Trials that have no file yet are left out. */
static enum status export_trials(const struct comm *comm, const struct sweep_input *input, const struct ledger *ledger,
                                 const char *folder, int64_t *count) {
  *count = 0;
  for (int64_t trial = 0; trial < ledger->shape.trials; trial++) {
    const struct folder_place place = ledger_place(ledger, trial);
    char run[STORE_PATH_MAX], to[STORE_PATH_MAX];
    bool there;
    TRY(folder_run(input->folder, &place, run));
    TRY(folder_trial(folder, &place, to));
    TRY(output_exists(run, &there));
    if (!there) continue;
    TRY(export_run(comm, run, true, to));
    *count += 1;
  }
  REQUIRE(*count > 0, STATUS_FILE, "%s: no trial has a run's file (those of synthetic models have none): --format csv",
          input->folder);
  return STATUS_OK;
}

static enum status export_ledger(const struct comm *comm, const struct sweep_input *input, const struct ledger *ledger,
                                 bool events, const char *folder) {
  int64_t count;
  TRY(folder_make(folder));
  return events ? export_trials(comm, input, ledger, folder, &count) : ledger_export_csv(input->sweep, ledger, folder);
}

static enum status export_sweep(const struct comm *comm, const char *path, bool events, const char *folder) {
  const struct sweep_words words = {.operand = path, .status = true};
  struct sweep_input input;
  struct ledger ledger;
  struct merge_report report;
  enum status status = sweep_input_read(comm, &words, &input);
  if (status == STATUS_OK) status = merge_view(input.sweep, input.folder, &input.texts, &ledger, &report);
  if (status == STATUS_OK) {
    status = export_ledger(comm, &input, &ledger, events, folder);
    merge_report_free(&report);
    ledger_close(&ledger);
  }
  sweep_input_free(&input);
  return status;
}

static enum status export_path(const struct comm *comm, const char *path, bool events, const char *folder) {
  enum file_kind kind;
  TRY(file_kind_find(comm, path, &kind));
  if (kind == FILE_KIND_RUN) return export_run(comm, path, events, folder);
  REQUIRE(kind == FILE_KIND_SWEEP, STATUS_USAGE,
          "%s: is %s: runs and sweeps can be exported; arrays of other files are read by HDF5's own programs and h5py "
          "(analysis/README.md)",
          path, kind == FILE_KIND_DATA ? "a data set" : "neither run nor sweep");
  return export_sweep(comm, path, events, folder);
}

static enum status export_alone(const char *path, bool events, const char *folder) {
  struct comm self;
  TRY(comm_open(MPI_COMM_SELF, &self));
  const enum status status = export_path(&self, path, events, folder);
  comm_close(&self);
  if (status == STATUS_OK) printf("%s\n", folder);
  return status;
}

static enum status run_export(const struct comm *world, int argc, char **argv) {
  const char *format = NULL, *output = NULL;
  const struct cli_option options[] = {{"--format", NULL, CLI_TEXT, &format}, {"--output", "-o", CLI_TEXT, &output}};
  struct cli_words words;
  TRY(cli_parse(argc, argv, options, 2, false, &words));
  TRY(cli_operands(&words, 1, 1, "one RUN.h5, or the folder of a sweep"));
  REQUIRE(format, STATUS_USAGE, "missing: --format csv, or --format tensorboard");
  const bool csv = strcmp(format, "csv") == 0, events = strcmp(format, "tensorboard") == 0;
  REQUIRE(csv || events, STATUS_USAGE, "there is no format \"%s\"; there are: csv, tensorboard", format);
  REQUIRE(output && *output, STATUS_USAGE, "missing: -o FOLDER");
  return comm_agree(world, world->rank == 0 ? export_alone(words.operand[0], events, output) : STATUS_OK);
}

const struct cli_command cli_export = {
    "export", "a run or a sweep as comma-separated values, or for TensorBoard",
    "Usage: hgn export RUN.h5|SWEEP --format csv|tensorboard -o FOLDER\n\n"
    "Writes what a run or a sweep has recorded so far for programs that do not read HDF5; FOLDER is made.\n\n"
    "csv: a line of names with their units, then a row for each record; numbers read back to the same bits, and NaN, "
    "which\n"
    "means not known, is nan. Of a run reports.csv, lanes.csv, checksums.csv, evaluation_SPLIT.csv and\n"
    "evaluation_SPLIT_frames.csv; of a sweep trials.csv, reports.csv, jobs.csv and events.csv.\n"
    "tensorboard: an event file, with steps and the times of the records; tensorboard --logdir FOLDER shows it. Of a "
    "sweep\n"
    "one for each trial, in folders of their names. It has numbers of 24 bits, and none that are not known.\n\n"
    "  --format NAME          csv or tensorboard\n"
    "  -o, --output FOLDER    where to\n",
    run_export};
