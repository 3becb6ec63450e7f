/* hgn sweep DIR --status: what a sweep's file says, while it goes or afterwards. */
#include "base/log.h"
#include "base/stop.h"
#include "base/terminal.h"
#include "cli/sweep_cli.h"
#include "sweep/board.h"
#include "sweep/merge.h"
#include "sweep/summary.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* With what parts have come to since they were put together. */
static enum status show(const struct sweep_input *input, bool *finished) {
  struct ledger ledger;
  struct merge_report report;
  TRY(merge_view(input->sweep, input->folder, &input->texts, &ledger, &report));
  printf("%s  %s\n", *input->sweep->name ? input->sweep->name : "sweep", input->folder);
  sweep_print_parts(&report);
  const enum status status = summary_print(input->sweep, &ledger, stdout);
  *finished = board_finished(input->sweep, &ledger);
  ledger_close(&ledger);
  merge_report_free(&report);
  return status;
}

enum status sweep_show_status(const struct sweep_input *input, bool watch) {
  const struct timespec pause = {.tv_sec = 2};
  static const char clear[] = "\033[H\033[J";
  bool finished = false;
  while (!stop_requested()) {
    if (watch && terminal_draws(STDOUT_FILENO))
      (void)!write(STDOUT_FILENO, clear, sizeof clear - 1); /* stdout shows it */
    TRY(show(input, &finished));
    fflush(stdout);
    if (!watch || finished) break;
    nanosleep(&pause, NULL);
  }
  return STATUS_OK;
}
