#include "cli/file_kind.h"
#include "cli/sweep_cli.h"
#include "store/dataset.h"
#include "sweep/ledger_difference.h"
#include "sweep/merge.h"
#include "train/compare.h"
#include "train/corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_same(bool same, const char *what) {
  if (same) printf("the same: %s\n", what);
}

/* "KEY: VALUE, now VALUE; ..." a line each. */
static void print_keys(int count, const char *text) {
  print_same(count == 0, "configuration");
  if (count > 0) printf("other: configuration, %d key%s (first file, now second)\n", count, count == 1 ? "" : "s");
  for (const char *at = text; *at && count > 0;) {
    const char *end = strstr(at, "; ");
    printf("  %.*s\n", end ? (int)(end - at) : (int)strlen(at), at);
    at = end ? end + 2 : at + strlen(at);
  }
}

static void print_pair(const char *what, const char *a, const char *b) {
  if (strcmp(a, b) == 0)
    print_same(true, what);
  else
    printf("other: %s\n  first:  %s\n  second: %s\n", what, a, b);
}

/* ---- Runs ---- */

static void print_rank(const char *which, const struct compare_run *run) {
  if (run->rank >= 0)
    printf("  in the %s the lane was computed by rank %lld of %lld\n", which, (long long)run->rank,
           (long long)run->ranks);
}

static void print_records(const struct compare_outcome *outcome) {
  const struct compare_run *a = &outcome->run[0], *b = &outcome->run[1];
  const int64_t last = a->last < b->last ? a->last : b->last;
  if (outcome->shapes[0]) {
    printf("other: records, which cannot be compared: %s\n", outcome->shapes);
    return;
  }
  if (outcome->different.count > 0) {
    difference_print(&outcome->different, "first", "second", stdout);
    print_rank("first", a);
    print_rank("second", b);
  } else {
    printf("the same: records up to step %lld (%lld reports, %lld evaluations, bit by bit)\n", (long long)last,
           (long long)outcome->reports, (long long)outcome->evaluations);
  }
  if (a->last != b->last)
    printf("other: records end at step %lld, and at step %lld\n", (long long)a->last, (long long)b->last);
}

/* Root only; comm: of one rank. */
static enum status diff_runs(const struct comm *comm, const char *a, const char *b, bool *same) {
  struct compare_outcome *outcome = malloc(sizeof *outcome);
  REQUIRE(outcome, STATUS_MEMORY, "out of memory for what is compared");
  enum status status = compare_runs(comm, a, b, outcome);
  if (status == STATUS_OK) {
    print_keys(outcome->keys, outcome->text);
    print_pair("data", outcome->run[0].checksum, outcome->run[1].checksum);
    print_pair("numerics", outcome->run[0].numerics, outcome->run[1].numerics);
    provenance_print_changes(&outcome->run[0].provenance, &outcome->run[1].provenance, "first", "second", stdout);
    print_records(outcome);
    *same = compare_same(outcome);
  }
  compare_free(outcome);
  free(outcome);
  return status;
}

/* ---- Data sets ---- */

static enum status diff_data(const struct comm *comm, const char *a, const char *b, bool *same) {
  const char *const paths[2] = {a, b};
  struct corpus corpus[2] = {{.comm = NULL}, {.comm = NULL}};
  struct yardstick yardstick[2] = {{.attained = NULL}, {.attained = NULL}};
  char text[COMPARE_TEXT_MAX];
  enum status status = STATUS_OK;
  for (int i = 0; i < 2 && status == STATUS_OK; i++) {
    status = corpus_open(comm, paths[i], &corpus[i]);
    if (status == STATUS_OK) status = dataset_verify(&corpus[i].data);
    if (status == STATUS_OK) yardstick[i] = corpus[i].known;
    if (status == STATUS_OK) status = corpus_measure(&corpus[i], &yardstick[i]);
  }
  if (status == STATUS_OK) {
    const struct config *of_a = corpus[0].data.config, *of_b = corpus[1].data.config;
    if (of_a && of_b) print_keys(config_differences(of_a, of_b, text, sizeof text), text);
    print_pair("contents, by their checksums", yardstick[0].checksum, yardstick[1].checksum);
    *same = strcmp(yardstick[0].checksum, yardstick[1].checksum) == 0;
  }
  corpus_close(&corpus[0]);
  corpus_close(&corpus[1]);
  return status;
}

/* ---- Sweeps ---- */

static void print_trial(const struct sweep_input input[2], const struct ledger *ledger, int64_t trial,
                        const char *text) {
  const struct folder_place place = ledger_place(ledger, trial);
  char run[2][STORE_PATH_MAX];
  printf("first difference at trial %lld: %s\n", (long long)ledger_trial_number(ledger, trial), text);
  bool there = true;
  for (int i = 0; i < 2 && there; i++)
    there = folder_run(input[i].folder, &place, run[i]) == STATUS_OK && access(run[i], F_OK) == 0;
  if (there) printf("  more: hgn diff %s %s\n", run[0], run[1]);
}

/* Line by line: the first that differs. */
static void print_file(const char *a, const char *b) {
  print_same(strcmp(a, b) == 0, "file, but what decides no results");
  if (strcmp(a, b) == 0) return;
  while (*a && *a == *b) {
    const size_t of_a = strcspn(a, "\n"), of_b = strcspn(b, "\n");
    if (of_a != of_b || strncmp(a, b, of_a) != 0) break;
    a += of_a + (a[of_a] == '\n');
    b += of_b + (b[of_b] == '\n');
  }
  printf("other: file\n  first:  %.*s\n  second: %.*s\n", (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"), b);
}

static enum status compare_ledgers(const struct sweep_input input[2], const struct ledger ledger[2], bool *same) {
  const struct ledger_shape *a = &ledger[0].shape, *b = &ledger[1].shape;
  char text[LEDGER_DIFFERENCE_MAX];
  int64_t compared, unended;
  *same = strcmp(input[0].texts.effective, input[1].texts.effective) == 0 &&
          strcmp(input[0].texts.numerics, input[1].texts.numerics) == 0;
  print_file(input[0].texts.effective, input[1].texts.effective);
  print_pair("numerics", input[0].texts.numerics, input[1].texts.numerics);
  if (a->parameters != b->parameters || a->scores != b->scores || a->reports != b->reports) {
    printf("other: parameters, scores or reports, so that trials cannot be compared\n");
    *same = false;
    return STATUS_OK;
  }
  const int64_t trial = ledger_first_difference(input[0].sweep, &ledger[0], &ledger[1], text, &compared, &unended);
  if (trial >= 0)
    print_trial(input, &ledger[0], trial, text);
  else
    printf("the same: %lld trials that have ended in both, bit by bit\n", (long long)compared);
  if (unended > 0) printf("other: %lld trials have ended in one of the two only\n", (long long)unended);
  *same = *same && trial < 0 && unended == 0;
  return STATUS_OK;
}

static enum status diff_sweeps(const struct comm *comm, const char *a, const char *b, bool *same) {
  const char *const paths[2] = {a, b};
  struct sweep_input input[2] = {{.sweep = NULL}, {.sweep = NULL}};
  struct ledger ledger[2] = {{.points = 0}, {.points = 0}};
  enum status status = STATUS_OK;
  for (int i = 0; i < 2 && status == STATUS_OK; i++) {
    const struct sweep_words words = {.operand = paths[i], .status = true};
    struct merge_report report;
    status = sweep_input_read(comm, &words, &input[i]);
    if (status != STATUS_OK) continue;
    status = merge_view(input[i].sweep, input[i].folder, &input[i].texts, &ledger[i], &report);
    if (status == STATUS_OK) merge_report_free(&report);
  }
  if (status == STATUS_OK) status = compare_ledgers(input, ledger, same);
  for (int i = 0; i < 2; i++) {
    ledger_close(&ledger[i]);
    sweep_input_free(&input[i]);
  }
  return status;
}

/* ---- The command ---- */

static enum status diff(const struct comm *comm, const char *a, const char *b, bool *same) {
  enum file_kind of_a, of_b;
  TRY(file_kind_find(comm, a, &of_a));
  TRY(file_kind_find(comm, b, &of_b));
  REQUIRE(of_a == of_b && of_a != FILE_KIND_OTHER, STATUS_USAGE,
          "%s is %s, and %s is %s: two runs, two sweeps or two data sets can be compared", a, file_kind_name(of_a), b,
          file_kind_name(of_b));
  if (of_a == FILE_KIND_RUN) return diff_runs(comm, a, b, same);
  return of_a == FILE_KIND_SWEEP ? diff_sweeps(comm, a, b, same) : diff_data(comm, a, b, same);
}

/* Root only. */
static enum status diff_alone(const char *a, const char *b, bool *same) {
  struct comm self;
  TRY(comm_open(MPI_COMM_SELF, &self));
  const enum status status = diff(&self, a, b, same);
  comm_close(&self);
  return status;
}

static enum status run_diff(const struct comm *world, int argc, char **argv) {
  struct cli_words words;
  bool same = false;
  TRY(cli_parse(argc, argv, NULL, 0, false, &words));
  TRY(cli_operands(&words, 2, 2, "two runs, two sweeps or two data sets"));
  TRY(comm_agree(world, world->rank == 0 ? diff_alone(words.operand[0], words.operand[1], &same) : STATUS_OK));
  TRY(comm_broadcast(world, &same, sizeof same));
  return same ? STATUS_OK : status_raise(STATUS_DIFFERENT, "%s and %s differ", words.operand[0], words.operand[1]);
}

const struct cli_command cli_diff = {"diff", "where two runs, sweeps or data sets part",
                                     "Usage: hgn diff A B\n\n"
                                     "Of two runs: keys of the configuration that differ; data, numerical rules, "
                                     "program, libraries and processor; and the\n"
                                     "first step at which they reported something else: in which network's parameters "
                                     "or gradient, in which lane of which\n"
                                     "term of the loss, and which rank had that lane in each of the runs; or in which "
                                     "score of an evaluation. Of two sweeps\n"
                                     "(folders, or their sweep.h5): the first line of their files, and the first "
                                     "trial. Of two data sets: keys, and whether\n"
                                     "their contents are the same, which are read.\n\n"
                                     "Exit status 0: they are the same, but for times, machines and where their data "
                                     "are. 1: they differ. 3: one of them is\n"
                                     "damaged, or gone.\n",
                                     run_diff};
