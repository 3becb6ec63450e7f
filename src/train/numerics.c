#include "train/numerics.h"

#include "comm/reduce.h"
#include "graph/cpu.h"
#include "store/provenance.h"

#include <stdio.h>
#include <string.h>

/* Every rank takes the lowest level of all. */
static enum status agree_on_level(const struct comm *comm) {
  int64_t lowest = -(int64_t)cpu_level_get();
  TRY(reduce_max(comm, &lowest, 1));
  cpu_level_set((enum cpu_level) - lowest);
  return STATUS_OK;
}

/* OpenBLAS chose its kernels when it was loaded, so there is nothing to do about other ones but to say it. */
static enum status agree_on_core(const struct comm *comm) {
  enum { CORE_BYTES = 64 };
  char core[CORE_BYTES] = "";
  snprintf(core, sizeof core, "%s", cpu_openblas_core());
  TRY(comm_broadcast(comm, core, sizeof core));
  enum status status = STATUS_OK;
  if (strcmp(core, cpu_openblas_core()) != 0)
    status = status_raise(STATUS_UNAVAILABLE,
                          "OpenBLAS runs its %s kernels here and its %s kernels on rank 0, whose results differ; "
                          "give all ranks the same with hgn --cpu %s",
                          cpu_openblas_core(), core, cpu_level_name(cpu_level_get()));
  if (status == STATUS_OK) status = cpu_level_hold();
  return comm_agree(comm, status);
}

enum status numerics_agree(const struct comm *comm) {
  TRY(agree_on_level(comm));
  TRY(agree_on_core(comm));
  enum status status = STATUS_OK;
  char all[CPU_DESCRIPTION_MAX];
  snprintf(all, sizeof all, "%s", cpu_describe());
  TRY(comm_broadcast(comm, all, sizeof all));
  if (strcmp(all, cpu_describe()) != 0)
    status = status_raise(STATUS_UNAVAILABLE,
                          "results depend on \"%s\" here and on \"%s\" on rank 0: start all ranks with the "
                          "same libraries",
                          cpu_describe(), all);
  if (status == STATUS_OK) provenance_kernels(all);
  return comm_agree(comm, status);
}

void numerics_describe(char *text) {
  snprintf(text, NUMERICS_TEXT_MAX, "rules %d; %s", NUMERICS_RULES, cpu_describe());
}
