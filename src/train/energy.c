#include "train/energy.h"

#include <inttypes.h>
#include <stdio.h>

static bool read_number(int package, const char *what, int64_t *number) {
  char path[96];
  snprintf(path, sizeof path, "/sys/class/powercap/intel-rapl:%d/%s", package, what);
  FILE *file = fopen(path, "r");
  if (!file) return false;
  const bool good = fscanf(file, "%" SCNd64, number) == 1;
  fclose(file);
  return good;
}

enum status energy_open(const struct comm *comm, struct energy_meter *meter) {
  *meter = (struct energy_meter){.packages = 0};
  MPI_Comm node;
  TRY(comm_agree(comm, comm_check(MPI_Comm_split_type(comm->mpi, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node),
                                  "MPI_Comm_split_type")));
  int rank = 0, any = 0;
  MPI_Comm_rank(node, &rank);
  MPI_Comm_free(&node);
  for (int i = 0; rank == 0 && i < ENERGY_PACKAGES; i++) {
    if (!read_number(i, "energy_uj", &meter->last[i]) || !read_number(i, "max_energy_range_uj", &meter->range[i]))
      break;
    meter->packages = i + 1;
  }
  int mine = meter->packages > 0;
  TRY(comm_agree(comm, comm_check(MPI_Allreduce(&mine, &any, 1, MPI_INT, MPI_MAX, comm->mpi), "MPI_Allreduce")));
  meter->known = any != 0;
  return STATUS_OK;
}

int64_t energy_take(struct energy_meter *meter) {
  int64_t sum = 0;
  for (int i = 0; i < meter->packages; i++) {
    int64_t now;
    if (!read_number(i, "energy_uj", &now)) continue;
    sum += now >= meter->last[i] ? now - meter->last[i] : now + meter->range[i] - meter->last[i];
    meter->last[i] = now;
  }
  return sum;
}
