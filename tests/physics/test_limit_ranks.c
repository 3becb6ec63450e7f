/* The information limit has the same bits however many ranks share the rollouts, also when some have none, and a
 * failure on one rank is everybody's. */
#include "base/log.h"
#include "physics/limit.h"
#include "rendering.h"
#include "testing.h"

#include <string.h>

static struct comm world, alone;

static void assert_same(const struct experiment *experiment, const struct limit_options *options) {
  struct limit_result shared, own;
  assert_ok(limit_measure(&world, experiment, options, &shared));
  assert_ok(limit_measure(&alone, experiment, options, &own));
  size_t bytes = (size_t)own.frames * sizeof *own.mse;
  assert_int_equal(own.frames, shared.frames);
  assert_int_equal(own.rollouts, shared.rollouts);
  assert_memory_equal(own.mse, shared.mse, bytes);
  assert_memory_equal(own.error, shared.error, bytes);
  assert_memory_equal(own.attained, shared.attained, (size_t)own.rollouts * bytes);
  assert_memory_equal(&own.unseen, &shared.unseen, sizeof own.unseen);
  assert_memory_equal(&own.predict, &shared.predict, sizeof own.predict);
  assert_memory_equal(&own.all, &shared.all, sizeof own.all);
  assert_memory_equal(&own.ess_min, &shared.ess_min, sizeof own.ess_min);
  assert_memory_equal(&own.ess_median, &shared.ess_median, sizeof own.ess_median);
  assert_int_equal(own.draws_max, shared.draws_max);
  assert_true(own.all.mse > 0);
  limit_free(&shared);
  limit_free(&own);
}

static void test_same_bits(void **state) {
  (void)state;
  struct experiment spring = rendering_experiment(SYSTEM_MASS_SPRING, RENDERER_REPORT2021);
  assert_same(&spring, &(struct limit_options){5, LIMIT_POSITIONS, 23, 100});
  assert_same(&spring, &(struct limit_options){5, LIMIT_IMAGES, 3, 100}); /* ranks without rollouts */
  struct experiment pendulum = rendering_experiment(SYSTEM_PENDULUM, RENDERER_SOFT);
  assert_same(&pendulum, &(struct limit_options){12, LIMIT_IMAGES, 7, 100});
  struct experiment bodies = rendering_experiment(SYSTEM_TWO_BODY, RENDERER_REPORT2021);
  assert_same(&bodies, &(struct limit_options){3, LIMIT_POSITIONS, 4, 100}); /* by particles */
}

/* Too small a noise is found out where there is a rollout, which is on one rank only. */
static void test_one_rank_fails(void **state) {
  (void)state;
  struct experiment spring = rendering_experiment(SYSTEM_MASS_SPRING, RENDERER_SOFT);
  spring.data.noise = 1e-5;
  struct limit_result result = {0};
  assert_status(STATUS_UNAVAILABLE,
                limit_measure(&world, &spring, &(struct limit_options){5, LIMIT_POSITIONS, 1, 100}, &result));
  assert_non_null(strstr(status_message(), "noise as small as 1e-05"));
  assert_null(result.mse);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  if (comm_open(MPI_COMM_WORLD, &world) != STATUS_OK) MPI_Abort(MPI_COMM_WORLD, 1);
  if (comm_open(MPI_COMM_SELF, &alone) != STATUS_OK) MPI_Abort(MPI_COMM_WORLD, 1);
  log_setup(LOG_QUIET, world.rank, world.rank == 0);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_bits), cmocka_unit_test(test_one_rank_fails)};
  int failed = cmocka_run_group_tests_name("physics.limit_ranks", tests, NULL, NULL);
  comm_close(&alone);
  comm_close(&world);
  MPI_Finalize();
  return failed;
}
