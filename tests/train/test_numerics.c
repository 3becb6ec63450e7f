/* Ranks may run at different levels; what decides bits is the rules of the program alone. */
#include "base/status.h"
#include "comm/comm.h"
#include "graph/cpu.h"
#include "testing.h"
#include "train/numerics.h"

#include <stdio.h>
#include <string.h>

static struct comm world;

static void levels_may_differ(void **unused) {
  (void)unused;
  const enum cpu_level own = world.rank == world.size - 1 ? CPU_BASE : cpu_level_here();
  cpu_level_set(own);
  assert_ok(numerics_agree(&world));
  assert_int_equal(cpu_level_get(), own);
  char text[NUMERICS_TEXT_MAX], expected[NUMERICS_TEXT_MAX];
  snprintf(expected, sizeof expected, "rules %d", NUMERICS_RULES);
  numerics_describe(text);
  assert_string_equal(expected, text);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  const struct CMUnitTest tests[] = {cmocka_unit_test(levels_may_differ)};
  int failed = comm_open(MPI_COMM_WORLD, &world) != STATUS_OK;
  if (!failed) failed = cmocka_run_group_tests(tests, NULL, NULL);
  comm_close(&world);
  MPI_Finalize();
  return failed;
}
