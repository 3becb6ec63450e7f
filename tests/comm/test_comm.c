/* Agreement: whatever ranks fail with, all return the worst code and its lowest rank's message. */
#include "comm/comm.h"
#include "testing.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct comm world;

static void test_all_well(void **state) {
  (void)state;
  assert_ok(comm_agree(&world, STATUS_OK));
}

static void test_one_rank_fails(void **state) {
  (void)state;
  for (int bad = 0; bad < world.size; bad++) {
    enum status local = STATUS_OK;
    if (world.rank == bad) local = status_raise(STATUS_FILE, "disk of rank %d is full", bad);
    assert_status(STATUS_FILE, comm_agree(&world, local));
    char expected[64], bare[64];
    snprintf(expected, sizeof expected, "rank %d: disk of rank %d is full", bad, bad);
    snprintf(bare, sizeof bare, "disk of rank %d is full", bad);
    assert_string_equal(world.size > 1 ? expected : bare, status_message());
  }
}

static void test_worst_code_then_lowest_rank(void **state) {
  (void)state;
  enum status local =
      world.rank == 0 ? status_raise(STATUS_CONFIG, "mild on 0") : status_raise(STATUS_MEMORY, "bad on %d", world.rank);
  enum status agreed = comm_agree(&world, local);
  if (world.size == 1) {
    assert_int_equal(STATUS_CONFIG, agreed);
  } else {
    assert_int_equal(STATUS_MEMORY, agreed);
    assert_string_equal("rank 1: bad on 1", status_message());
  }
}

static void test_alike_needs_no_rank(void **state) {
  (void)state;
  assert_status(STATUS_USAGE, comm_agree(&world, status_raise(STATUS_USAGE, "same everywhere")));
  assert_string_equal("same everywhere", status_message());
}

static void test_mpi_errors_return(void **state) {
  (void)state;
  int value = 0;
  enum status status = comm_check(MPI_Send(&value, 1, MPI_INT, world.size + 7, 0, world.mpi), "MPI_Send");
  assert_int_equal(STATUS_MPI, status);
  assert_non_null(strstr(status_message(), "MPI_Send"));
  assert_ok(comm_agree(&world, STATUS_OK));
}

static void test_broadcast(void **state) {
  (void)state;
  char text[16] = "";
  if (world.rank == 0) strcpy(text, "from the root");
  assert_ok(comm_broadcast(&world, text, sizeof text));
  assert_string_equal("from the root", text);
  assert_ok(comm_broadcast(&world, NULL, 0));
}

static void test_shares(void **state) {
  (void)state;
  for (int64_t total = 0; total < 12; total++) {
    for (int size = 1; size < 8; size++) {
      int64_t next = 0;
      for (int rank = 0; rank < size; rank++) {
        int64_t first, count;
        comm_share(total, size, rank, &first, &count);
        assert_int_equal(next, first);
        assert_true(count == total / size || count == total / size + 1);
        next += count;
      }
      assert_int_equal(total, next);
    }
  }
}

/* Groups of two ranks, the last rank in none; each agrees and waits by itself. */
static void test_split(void **state) {
  (void)state;
  struct comm group;
  const bool left_out = world.size > 1 && world.rank == world.size - 1;
  assert_ok(comm_split(&world, left_out ? -1 : world.rank / 2, &group));
  if (left_out) {
    assert_int_equal(0, group.size);
  } else {
    const int members = world.size > 1 ? world.size - 1 : 1;
    assert_int_equal(world.rank % 2, group.rank);
    assert_int_equal(world.rank / 2 * 2 + 1 < members ? 2 : 1, group.size);
    const bool fails = world.rank / 2 == 1;
    const enum status local = fails ? status_raise(STATUS_CONFIG, "the second group fails") : STATUS_OK;
    assert_int_equal(fails ? STATUS_CONFIG : STATUS_OK, comm_agree(&group, local));
    assert_ok(comm_wait(&group));
  }
  comm_close(&group);
  assert_ok(comm_wait(&world));
}

int main(int argc, char **argv) {
  if (MPI_Init(&argc, &argv) != MPI_SUCCESS || comm_open(MPI_COMM_WORLD, &world) != STATUS_OK) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_well),
                                     cmocka_unit_test(test_one_rank_fails),
                                     cmocka_unit_test(test_worst_code_then_lowest_rank),
                                     cmocka_unit_test(test_alike_needs_no_rank),
                                     cmocka_unit_test(test_mpi_errors_return),
                                     cmocka_unit_test(test_broadcast),
                                     cmocka_unit_test(test_shares),
                                     cmocka_unit_test(test_split)};
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  comm_close(&world);
  MPI_Finalize();
  return failed;
}
