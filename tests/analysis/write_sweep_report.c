/* A page of sweeps alone: write_sweep_report FOLDER SWEEP... */
#include "analysis/report/sweep_sections.h"
#include "comm/comm.h"

#include <stdio.h>

int main(int argc, char **argv) {
  struct page *page = NULL;
  MPI_Init(&argc, &argv);
  enum status status =
      argc < 3 ? status_raise(STATUS_USAGE, "write_sweep_report FOLDER SWEEP...") : page_open("Sweeps", &page);
  for (int i = 2; i < argc && status == STATUS_OK; i++) sweep_sections(page, argv[i]);
  if (status == STATUS_OK) status = page_write(page, argv[1]);
  page_close(&page);
  if (status != STATUS_OK) fprintf(stderr, "%s\n", status_message());
  MPI_Finalize();
  return status_exit(status);
}
