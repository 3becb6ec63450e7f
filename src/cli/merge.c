/* hgn merge DIR: the parts of a sweep, put together. */
#include "sweep/merge.h"

#include "base/log.h"
#include "cli/sweep_cli.h"
#include "sweep/board.h"
#include "sweep/folder.h"
#include "sweep/summary.h"

#include <stdio.h>

void sweep_print_parts(const struct merge_report *report) {
  enum { SHOWN = 20 };
  int64_t missing = 0, under_way = 0;
  if (report->parts == 0) return;
  printf("%lld parts: %lld through", (long long)report->parts, (long long)report->complete);
  for (int64_t i = 0; i < report->parts; i++) {
    missing += !report->part[i].there;
    under_way += report->part[i].there && report->part[i].ended < report->part[i].trials;
  }
  if (under_way > 0) printf(", %lld not finished", (long long)under_way);
  if (missing > 0) printf(", %lld not begun", (long long)missing);
  printf("\n");
  int64_t shown = 0;
  for (int64_t i = 0; i < report->parts; i++) {
    const struct merge_part *part = &report->part[i];
    if (part->there && part->ended == part->trials) continue;
    if (shown++ < SHOWN && part->there)
      printf("  part %-5lld %lld of %lld trials\n", (long long)i, (long long)part->ended, (long long)part->trials);
    else if (shown <= SHOWN)
      printf("  part %-5lld not begun, %lld trial%s\n", (long long)i, (long long)part->trials,
             part->trials == 1 ? "" : "s");
  }
  if (shown > SHOWN) printf("  and %lld more\n", (long long)(shown - SHOWN));
}

static enum status print_whole(const struct sweep_input *input, const struct ledger *whole, bool through) {
  char path[STORE_PATH_MAX];
  TRY(folder_ledger(input->folder, path));
  TRY(summary_print(input->sweep, whole, stdout));
  printf("%s\n", path);
  if (board_finished(input->sweep, whole)) return STATUS_OK;
  if (through)
    log_info("what is left is to run the best again (confirm): hgn sweep %s --resume", input->folder);
  else
    log_warn("%s: not all trials have ended: run the parts that are missing and merge again, or all of it in one job: "
             "hgn sweep %s --resume",
             path, input->folder);
  return STATUS_OK;
}

static enum status merge(const struct sweep_input *input) {
  struct merge_report report;
  struct ledger whole;
  TRY(merge_write(input->sweep, input->folder, &input->texts, &whole, &report));
  if (report.parts > 0 && !report.news) printf("nothing new\n");
  sweep_print_parts(&report);
  const enum status status = print_whole(input, &whole, report.parts > 0 && report.complete == report.parts);
  merge_report_free(&report);
  ledger_close(&whole);
  return status;
}

static enum status run_merge(const struct comm *world, int argc, char **argv) {
  struct cli_words words;
  struct sweep_input input;
  TRY(cli_parse(argc, argv, NULL, 0, false, &words));
  TRY(cli_operands(&words, 1, 1, "one folder of a sweep"));
  const struct sweep_words sweep_words = {.operand = words.operand[0], .status = true};
  enum status status = sweep_input_read(world, &sweep_words, &input);
  if (status == STATUS_OK) status = comm_agree(world, world->rank == 0 ? merge(&input) : STATUS_OK);
  sweep_input_free(&input);
  return status;
}

const struct cli_command cli_merge = {
    "merge", "the parts of a sweep, put together",
    "Usage: hgn merge DIR\n\n"
    "Puts DIR/sweep.part-I.h5, which jobs of an array have written (hgn sweep --part), together into DIR/sweep.h5. It "
    "takes\n"
    "what is there, and says what is missing; parts may be under way. When all are through, sweep.h5 has what one job "
    "would\n"
    "have made. Merging again takes what has come since, and changes nothing where nothing has. What is missing "
    "may be\n"
    "run part by part, or by one job: hgn sweep DIR --resume, which also confirms the best (confirm).\n",
    run_merge};
