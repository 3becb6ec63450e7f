/* The benchmark by itself: cmake --build build/release --target bench_analyze, mpirun -n 2 .../bench_analyze. */
#include "cli/bench_analyze.h"

#include <stdio.h>

int main(int argc, char **argv) {
  struct comm world;
  if (MPI_Init(&argc, &argv) != MPI_SUCCESS || comm_open(MPI_COMM_WORLD, &world) != STATUS_OK) return 1;
  const enum status status = bench_analyze(&world, argc, argv);
  if (status != STATUS_OK && world.rank == 0) fprintf(stderr, "%s: %s\n", status_text(status), status_message());
  comm_close(&world);
  MPI_Finalize();
  return status_exit(status);
}
