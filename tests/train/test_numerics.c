/* Ranks that differ agree on the lowest level, and say what they run. */
#include "base/status.h"
#include "comm/comm.h"
#include "graph/cpu.h"
#include "testing.h"
#include "train/numerics.h"

#include <stdio.h>
#include <string.h>

static struct comm world;

static void the_lowest_level_is_taken(void **unused) {
  (void)unused;
  enum cpu_level own = world.rank == world.size - 1 ? CPU_BASE : cpu_level_here();
  cpu_level_set(own);
  assert_ok(numerics_agree(&world));
  assert_int_equal(cpu_level_get(), CPU_BASE);
  assert_non_null(strstr(cpu_describe(), "base; OpenBLAS "));
  char text[NUMERICS_TEXT_MAX], expected[NUMERICS_TEXT_MAX];
  snprintf(expected, sizeof expected, "rules %d; %s", NUMERICS_RULES, cpu_describe());
  numerics_describe(text);
  assert_string_equal(expected, text);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_lowest_level_is_taken)};
  int failed = comm_open(MPI_COMM_WORLD, &world) != STATUS_OK;
  if (!failed) failed = cmocka_run_group_tests(tests, NULL, NULL);
  comm_close(&world);
  MPI_Finalize();
  return failed;
}
