/* When a training has to end before its job does, by a clock that is only imagined. */
#include "ranks.h"
#include "train/deadline.h"

#include <math.h>

static void test_costs(void **state) {
  struct deadline_costs costs = {.bytes = 100, .batch = 10};
  (void)state;
  /* Nothing is known: only the checkpoint, which is small, and the margin. */
  assert_true(deadline_checkpoint(&costs) == 1);
  assert_true(deadline_need(&costs, 2, 500) == 2 + DEADLINE_MARGIN);
  costs.bytes = INT64_C(3000000000);
  assert_true(fabs(deadline_checkpoint(&costs) - 30) < 1e-9);
  /* Before the first evaluation a rollout costs what it costs in a step. */
  deadline_note_step(&costs, 4);
  assert_true(fabs(deadline_need(&costs, 2, 25) - (8 + 10 + 60 + DEADLINE_MARGIN)) < 1e-9);
  deadline_note_evaluation(&costs, 50, 500);
  deadline_note_evaluation(&costs, 1, 0);
  deadline_note_checkpoint(&costs, .5); /* measured: the estimate counts no more */
  deadline_note_checkpoint(&costs, 3);
  deadline_note_checkpoint(&costs, .1);
  assert_true(fabs(deadline_need(&costs, 1, 500) - (4 + 50 + 6 + DEADLINE_MARGIN)) < 1e-9);
  assert_true(fabs(deadline_need(&costs, 0, 0) - (6 + DEADLINE_MARGIN)) < 1e-9);
}

/* One long step counts for a while, and is forgotten then. */
static void test_memory(void **state) {
  struct deadline_costs costs = {.batch = 1};
  (void)state;
  deadline_note_step(&costs, 100);
  deadline_note_step(&costs, 1);
  assert_true(costs.step > 80);
  for (int i = 0; i < 100; i++) deadline_note_step(&costs, 1);
  assert_true(costs.step == 1);
}

/* A training as src/cli drives it. Returns the time at which its checkpoint was on the disk; *steps: that it took. */
static double imagine(double end, double step, double evaluation, int64_t every, double checkpoint, int64_t *steps) {
  struct deadline_costs costs = {.bytes = 1000, .batch = 8};
  double now = 0;
  *steps = 0;
  if (end - now < deadline_need(&costs, 1, every == 1 ? 100 : 0)) return now;
  for (;;) {
    const int64_t next = *steps + 1;
    const int64_t rollouts = 100 * ((next % every == 0) + ((next + 1) % every == 0));
    const bool stop = end - now < deadline_need(&costs, 2, rollouts);
    const double taken = step * (*steps % 7 == 3 ? 1.3 : 1);
    now += taken;
    deadline_note_step(&costs, taken);
    if (next % every == 0) {
      now += evaluation;
      deadline_note_evaluation(&costs, evaluation, 100);
    }
    *steps = next;
    if (!stop && next % 10 != 0) continue;
    now += checkpoint;
    deadline_note_checkpoint(&costs, checkpoint);
    if (stop) return now;
  }
}

/* Whatever things cost, once they are known the last checkpoint is on the disk before the margin, but for a step that
 * takes longer than those of late; and not much before that. */
static void test_in_time(void **state) {
  static const double step[] = {.01, .4, 7}, evaluation[] = {.1, 30}, checkpoint[] = {.01, 2, 20};
  (void)state;
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 2; j++)
      for (int k = 0; k < 3; k++)
        for (double end = 400; end < 420; end += .7) {
          int64_t steps;
          const double done = imagine(end, step[i], evaluation[j], 12, checkpoint[k], &steps);
          assert_true(done <= end - DEADLINE_MARGIN + .6 * step[i] + 1e-9);
          assert_true(done >= end - DEADLINE_MARGIN - 2.7 * step[i] - evaluation[j] - 2 * checkpoint[k] - 2);
        }
}

/* A job that is too short for one step takes none. */
static void test_too_short(void **state) {
  int64_t steps;
  (void)state;
  assert_true(imagine(2 + DEADLINE_MARGIN - 1e-6, .1, 1, 12, 1, &steps) == 0);
  assert_int_equal(steps, 0);
  assert_true(imagine(2 + DEADLINE_MARGIN + 1e-6, .1, 1, 12, 1, &steps) > 0);
  assert_true(steps > 0);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_costs), cmocka_unit_test(test_memory),
                                     cmocka_unit_test(test_in_time), cmocka_unit_test(test_too_short)};
  if (ranks_begin(argc, argv)) return 1;
  return ranks_end(cmocka_run_group_tests_name("train.deadline", tests, NULL, NULL));
}
