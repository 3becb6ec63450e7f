/* The ladder: floors and means of the reproduction's data that were computed independently, edge cases, and bits that
 * do not depend on how rollouts are cut over ranks. */
#include "physics/ladder.h"
#include "physics/render.h"
#include "physics/rendering.h"
#include "physics/rollout.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct comm comm;

static double *simulate(const struct experiment *experiment, uint64_t first, int64_t count) {
  size_t row = (size_t)experiment->data.frames * 2 * (size_t)system_get(experiment->system.name)->freedom;
  double *states = malloc(((size_t)count * row + 1) * sizeof *states);
  assert_non_null(states);
  for (int64_t i = 0; i < count; i++)
    assert_ok(rollout_simulate(experiment, first + (uint64_t)i, states + (size_t)i * row, NULL));
  return states;
}

static void measure(const struct experiment *experiment, const struct comm *on, struct ladder *ladder) {
  struct ladder_input input = {0};
  comm_share(experiment->data.train, on->size, on->rank, &input.train_first, &input.train_count);
  comm_share(experiment->data.test, on->size, on->rank, &input.test_first, &input.test_count);
  double *train = simulate(experiment, (uint64_t)input.train_first, input.train_count);
  double *test = simulate(experiment, ROLLOUT_TEST + (uint64_t)input.test_first, input.test_count);
  input.train = train;
  input.test = test;
  assert_ok(ladder_measure(on, experiment, &input, ladder));
  free(train);
  free(test);
}

static void assert_near(const char *system, enum ladder_rung rung, double value, double expected, double tolerance) {
  if (!(fabs(value / expected - 1) < tolerance))
    fail_msg("%s, %s: %.4g, not %.4g", system, ladder_name(rung), value, expected);
}

/* x 1e4. From a Monte Carlo in NumPy, SciPy and OpenCV, the double pendulum and the damped spring with their true
 * motion. Once, on two ranks. */
static void test_published_data(void **state) {
  (void)state;
  if (comm.size != 2) skip();
  static const double expected[SYSTEM_COUNT][3] = {
      [SYSTEM_MASS_SPRING] = {7.08, 47.9, 99.8},   [SYSTEM_PENDULUM] = {7.40, 83.0, 99.8},
      [SYSTEM_DAMPED_SPRING] = {7.09, 59.1, 99.8}, [SYSTEM_TWO_BODY] = {2.42, 26.9, 31.9},
      [SYSTEM_THREE_BODY] = {5.75, 9.18, 10.5},    [SYSTEM_DOUBLE_PENDULUM] = {2.19, 20.6, 31.9},
  };
  for (int kind = 0; kind < SYSTEM_COUNT; kind++) {
    struct experiment experiment = rendering_experiment((enum system_kind)kind, RENDERER_REPORT2021);
    struct ladder ladder;
    measure(&experiment, &comm, &ladder);
    const char *name = system_get((enum system_kind)kind)->name;
    if (comm.rank == 0) {
      printf("%-16s", name);
      for (int i = 0; i < LADDER_COUNT; i++)
        printf(" %s %.3f +- %.3f", ladder_name((enum ladder_rung)i), 1e4 * ladder.mse[i], 1e4 * ladder.error[i]);
      printf("\n");
    }
    if (expected[kind][0] == 0) fail_msg("%s has no row of expected errors here", name);
    assert_near(name, LADDER_FLOOR, 1e4 * ladder.mse[LADDER_FLOOR], expected[kind][0], 0.03);
    assert_near(name, LADDER_MEAN, 1e4 * ladder.mse[LADDER_MEAN], expected[kind][1], 0.03);
    assert_near(name, LADDER_BACKGROUND, 1e4 * ladder.mse[LADDER_BACKGROUND], expected[kind][2], 0.03);
    for (int i = 0; i < LADDER_COUNT; i++) assert_true(ladder.error[i] >= 0 && ladder.error[i] < 0.03 * ladder.mse[i]);
  }
}

static struct experiment short_experiment(enum system_kind kind, enum renderer_kind renderer) {
  struct experiment experiment = rendering_experiment(kind, renderer);
  experiment.data.train = 23;
  experiment.data.test = 17;
  experiment.data.frames = 7;
  return experiment;
}

/* All ranks together against each rank alone with everything. */
static void test_ranks(void **state) {
  (void)state;
  struct comm alone;
  assert_ok(comm_open(MPI_COMM_SELF, &alone));
  for (int kind = 0; kind < SYSTEM_COUNT; kind++)
    for (int renderer = 0; renderer < RENDERER_COUNT; renderer++) {
      struct experiment experiment = short_experiment((enum system_kind)kind, (enum renderer_kind)renderer);
      if (kind == SYSTEM_TWO_BODY) experiment.render.color = COLOR_GREY;
      if (kind == SYSTEM_PENDULUM) experiment.data.train = experiment.data.test = 3; /* some ranks have none */
      struct ladder together, single;
      measure(&experiment, &comm, &together);
      measure(&experiment, &alone, &single);
      assert_memory_equal(&together, &single, sizeof single);
    }
  comm_close(&alone);
}

/* Rungs against their definitions, for a data set so small that they can be written out. */
static void test_definitions(void **state) {
  (void)state;
  struct experiment experiment = short_experiment(SYSTEM_TWO_BODY, RENDERER_SOFT);
  experiment.data.test = experiment.data.train = 2;
  experiment.data.frames = 4;
  experiment.ladder.input_frames = 2;
  struct comm alone;
  assert_ok(comm_open(MPI_COMM_SELF, &alone));
  struct ladder ladder;
  measure(&experiment, &alone, &ladder);
  comm_close(&alone);

  struct renderer renderer;
  assert_ok(render_open(&experiment, &renderer));
  size_t n = renderer.values;
  double *train = simulate(&experiment, 0, 2), *test = simulate(&experiment, ROLLOUT_TEST, 2);
  float *seen = malloc(8 * n * sizeof *seen), *fresh = malloc(8 * n * sizeof *fresh),
        *image = malloc(n * sizeof *image);
  double *mean = calloc(n, sizeof *mean);
  assert_true(seen && fresh && image && mean);
  for (uint64_t i = 0; i < 8; i++) {
    double observed[SYSTEM_STATE_MAX];
    rollout_observe(&experiment, RNG_NOISE, i / 4, (int64_t)(i % 4), train + 8 * i, observed);
    render_f32(&renderer, observed, image);
    for (size_t v = 0; v < n; v++) mean[v] += (double)image[v] / 8;
    rollout_observe(&experiment, RNG_NOISE, ROLLOUT_TEST + i / 4, (int64_t)(i % 4), test + 8 * i, observed);
    render_f32(&renderer, observed, seen + i * n);
    rollout_observe(&experiment, RNG_NOISE_FRESH, ROLLOUT_TEST + i / 4, (int64_t)(i % 4), test + 8 * i, observed);
    render_f32(&renderer, observed, fresh + i * n);
  }
  double sample[2][LADDER_COUNT] = {{0}};
  for (size_t i = 0; i < 8; i++)
    for (size_t v = 0; v < n; v++) {
      double a = (double)seen[i * n + v], last = (double)seen[(i / 4 * 4 + 1) * n + v], scale = (double)n;
      sample[i / 4][LADDER_FLOOR] += pow(a - (double)fresh[i * n + v], 2) / 2 / scale / 4;
      sample[i / 4][LADDER_MEAN] += pow(a - mean[v], 2) / scale / 4;
      sample[i / 4][LADDER_BACKGROUND] += pow(a - (double)renderer.background[v], 2) / scale / 4;
      if (i % 4 >= 2) sample[i / 4][LADDER_LAST] += pow(a - last, 2) / scale / 2;
    }
  for (int rung = 0; rung < LADDER_COUNT; rung++) {
    double s0 = sample[0][rung], s1 = sample[1][rung];
    assert_near("two_body", (enum ladder_rung)rung, ladder.mse[rung], (s0 + s1) / 2, 1e-6);
    assert_near("error of two_body", (enum ladder_rung)rung, ladder.error[rung], fabs(s0 - s1) / 2, 1e-5);
  }
  free(train);
  free(test);
  free(seen);
  free(fresh);
  free(image);
  free(mean);
  render_close(&renderer);
}

static void test_edges(void **state) {
  (void)state;
  struct ladder ladder;
  struct experiment experiment = short_experiment(SYSTEM_PENDULUM, RENDERER_SOFT);
  experiment.data.noise = 0;
  experiment.ladder.input_frames = experiment.data.frames;
  measure(&experiment, &comm, &ladder);
  assert_true(ladder.mse[LADDER_FLOOR] == 0 && ladder.error[LADDER_FLOOR] == 0);
  assert_true(isnan(ladder.mse[LADDER_LAST]) && isnan(ladder.error[LADDER_LAST]));
  experiment.data.train = 0;
  experiment.data.test = 1;
  measure(&experiment, &comm, &ladder);
  assert_true(isnan(ladder.mse[LADDER_MEAN]) && ladder.mse[LADDER_BACKGROUND] > 0);
  assert_true(isnan(ladder.error[LADDER_BACKGROUND]));
  experiment.data.test = 0;
  measure(&experiment, &comm, &ladder);
  for (int i = 0; i < LADDER_COUNT; i++) assert_true(isnan(ladder.mse[i]));
  experiment.render.height = 2; /* every rank learns of it */
  assert_status(STATUS_ARGUMENT, ladder_measure(&comm, &experiment, &(struct ladder_input){0}, &ladder));
  assert_string_equal(ladder_name(LADDER_LAST), "last_frame");
  assert_null(ladder_name(LADDER_COUNT));
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  if (comm_open(MPI_COMM_WORLD, &comm) != STATUS_OK) MPI_Abort(MPI_COMM_WORLD, 1);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ranks),
      cmocka_unit_test(test_definitions),
      cmocka_unit_test(test_edges),
      cmocka_unit_test(test_published_data),
  };
  int failed = cmocka_run_group_tests_name("physics.ladder", tests, NULL, NULL);
  comm_close(&comm);
  MPI_Finalize();
  return failed;
}
