/* The information limit by particles: against the limit by cells where there is one, a plain importance sampler that
 * shares nothing with it, a longer run of itself, and by simulation-based calibration. With the argument "long": on
 * more rollouts, and from one frame too. */
#include "base/log.h"
#include "base/rng.h"
#include "physics/initial.h"
#include "physics/limit_private.h"
#include "physics/reference.h"
#include "physics/rollout.h"
#include "rendering.h"
#include "testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct comm comm;
static bool at_length;

static struct limit_result measure(const struct experiment *experiment, int64_t input_frames, int64_t rollouts,
                                   double effective, enum limit_method method) {
  struct limit_options options = {input_frames, LIMIT_POSITIONS, rollouts, effective};
  struct limit_result result;
  assert_ok(limit_measure_by(&comm, experiment, &options, method, &result));
  return result;
}

/* Two computations of the limit on the same observations. What the best prediction had on each rollout differs by the
 * scatter of the particles alone: the mean difference must be within 5 of its standard errors (which come
 * from few rollouts), and these must be small. */
static void assert_alike(const char *what, const struct limit_result *a, const struct limit_result *b, int64_t seen,
                         double allowed) {
  double sum = 0, squares = 0, n = (double)a->rollouts;
  for (int64_t i = 0; i < a->rollouts; i++) {
    double difference = 0;
    for (int64_t t = seen; t < a->frames; t++)
      difference += (a->attained[i * a->frames + t] - b->attained[i * a->frames + t]) / (double)(a->frames - seen);
    sum += difference;
    squares += difference * difference;
  }
  double error = sqrt((squares - sum * sum / n) / (n - 1) / n), mean = sum / n;
  print_message("%s: %.4f, %.4f; on the frames that were seen %+.4f +- %.4f\n", what, 1e4 * a->unseen.mse,
                1e4 * b->unseen.mse, 1e4 * mean, 1e4 * error);
  if (!(fabs(mean) < 5 * error) || !(error < allowed * a->unseen.mse))
    fail_msg("%s: attained differ by %g +- %g of %g", what, mean, error, a->unseen.mse);
  if (!(fabs(a->unseen.mse / b->unseen.mse - 1) < allowed))
    fail_msg("%s: limits %g and %g", what, a->unseen.mse, b->unseen.mse);
  for (int64_t t = 0; t < a->frames; t++)
    if (!(fabs(a->mse[t] / b->mse[t] - 1) < 5 * allowed))
      fail_msg("%s, frame %lld: limits %g and %g", what, (long long)t, a->mse[t], b->mse[t]);
}

static void test_one_degree(void **state) {
  (void)state;
  static const enum system_kind kinds[] = {SYSTEM_MASS_SPRING, SYSTEM_DAMPED_SPRING, SYSTEM_PENDULUM};
  for (int i = 0; i < 3; i++)
    for (int64_t seen = at_length ? 1 : 5; seen <= 5; seen += 4) {
      struct experiment experiment = rendering_experiment(kinds[i], (enum renderer_kind)(i % RENDERER_COUNT));
      const int64_t rollouts = at_length ? 200 : 8;
      struct limit_result cells = measure(&experiment, seen, rollouts, 600, LIMIT_BY_CELLS);
      struct limit_result particles = measure(&experiment, seen, rollouts, 300, LIMIT_BY_PARTICLES);
      assert_alike(system_get(kinds[i])->name, &particles, &cells, seen, 0.02);
      assert_true(particles.ess_min >= 300 && particles.ess_median >= particles.ess_min && particles.draws_max > 500);
      limit_free(&cells);
      limit_free(&particles);
    }
}

/* Eight times the particles; and a few are enough. */
static void test_longer_run(void **state) {
  (void)state;
  struct experiment experiment = rendering_experiment(SYSTEM_TWO_BODY, RENDERER_REPORT2021);
  struct limit_result few = measure(&experiment, 5, at_length ? 100 : 10, 150, LIMIT_BY_PARTICLES);
  struct limit_result many = measure(&experiment, 5, at_length ? 100 : 10, 1200, LIMIT_BY_PARTICLES);
  assert_alike("two_body", &few, &many, 5, 0.02);
  assert_true(many.unseen.mse > 2.5e-4); /* the floor is 2.44e-4 */
  limit_free(&few);
  limit_free(&many);
}

/* One rollout from plain prior draws: trajectories by the reference integrator, images looked at as a whole. Much noise
 * keeps enough of the draws in the posterior. */
enum { PLAIN_DRAWS = 30000, PLAIN_FRAMES = 6, PLAIN_SEEN = 3 };

static double plain_limit(const struct experiment *experiment, const double *observed) {
  const struct system *system = system_get(experiment->system.name);
  const int n = system->freedom;
  struct renderer renderer;
  assert_ok(render_open(experiment, &renderer));
  float *image = malloc(renderer.values * sizeof *image);
  double *mean = calloc(renderer.values, sizeof *mean), weight = 0, square = 0, product = 0;
  assert_true(image && mean);
  struct rng rng = rng_stream(3, RNG_TEST, 0, 0);
  for (int draw = 0; draw < PLAIN_DRAWS; draw++) {
    double start[SYSTEM_STATE_MAX], normal[SYSTEM_STATE_MAX], misfit = 0, h = 0;
    initial_draw(system, &experiment->system, &experiment->initial, &rng, start);
    rng_normal(&rng, normal, n);
    for (int frame = 0; frame < PLAIN_FRAMES; frame++) {
      if (frame > 0) assert_ok(reference_advance(system, &experiment->system, experiment->data.dt, 1e-7, &h, start));
      for (int c = 0; c < n && frame < PLAIN_SEEN; c++)
        misfit += 0.5 * pow((observed[frame * n + c] - start[c]) / experiment->data.noise, 2);
      if (misfit > 30) break;
    }
    if (misfit > 30) continue;
    for (int c = 0; c < n; c++) start[c] += experiment->data.noise * normal[c];
    render_f32(&renderer, start, image);
    const double w = exp(-misfit);
    weight += w;
    for (size_t i = 0; i < renderer.values; i++) {
      mean[i] += w * (double)image[i];
      square += w * (double)image[i] * (double)image[i];
    }
  }
  for (size_t i = 0; i < renderer.values; i++) product += mean[i] / weight * (mean[i] / weight);
  const double result = (square / weight - product) / (double)renderer.values;
  free(mean);
  free(image);
  render_close(&renderer);
  return result;
}

static void test_plain_sampler(void **state) {
  (void)state;
  static const struct {
    enum system_kind kind;
    double noise;
  } cases[] = {{SYSTEM_DOUBLE_PENDULUM, 0.4}, {SYSTEM_TWO_BODY, 0.4}, {SYSTEM_THREE_BODY, 0.6}};
  for (int i = 0; i < 3; i++) {
    struct experiment experiment = rendering_experiment(cases[i].kind, RENDERER_SOFT);
    const int n = system_get(cases[i].kind)->freedom;
    double states[PLAIN_FRAMES * SYSTEM_STATE_MAX], seen[SYSTEM_STATE_MAX], observed[PLAIN_FRAMES * SYSTEM_STATE_MAX];
    experiment.data.frames = PLAIN_FRAMES;
    experiment.data.noise = cases[i].noise;
    assert_ok(rollout_simulate(&experiment, ROLLOUT_TEST, states, NULL));
    for (int64_t t = 0; t < PLAIN_FRAMES; t++) {
      rollout_observe(&experiment, RNG_NOISE, ROLLOUT_TEST, t, &states[2 * n * t], seen);
      memcpy(&observed[n * t], seen, (size_t)n * sizeof *seen);
    }
    struct limit_result limit = measure(&experiment, PLAIN_SEEN, 1, 3000, LIMIT_BY_PARTICLES);
    const double plain = plain_limit(&experiment, observed), found = limit.mse[PLAIN_FRAMES - 1];
    print_message("%s: %.3f, plain sampling %.3f\n", system_get(cases[i].kind)->name, 1e4 * found, 1e4 * plain);
    if (!(fabs(found / plain - 1) < 0.02)) fail_msg("%g, plain sampling %g", found, plain);
    limit_free(&limit);
  }
}

/* Simulation-based calibration (Talts et al., arXiv:1804.06788): where observations come from states of the prior, the
 * rank of a true coordinate among draws from its posterior is uniform. `wrong` is what the sampler is told in place of
 * the noise, in units of it; returns the largest chi^2 over coordinates of the initial state, 9 degrees of freedom. */
enum { BINS = 10, SHOTS = 9 };

static double calibrate(enum system_kind kind, int64_t seen, int rollouts, double wrong) {
  struct experiment experiment = rendering_experiment(kind, RENDERER_SOFT), told;
  const struct system *system = system_get(kind);
  const int n = system->freedom;
  int rank_count[SYSTEM_STATE_MAX][BINS] = {{0}};
  double states[8 * SYSTEM_STATE_MAX], noisy[SYSTEM_STATE_MAX], observed[8 * SYSTEM_STATE_MAX], worst = 0;
  experiment.data.frames = seen + 1;
  told = experiment;
  told.data.noise *= wrong;
  struct limit_flow flow;
  struct limit_sampler sampler;
  struct limit_sampling sampling;
  assert_ok(limit_flow_open(&told, &flow));
  assert_ok(limit_sampler_open(&flow, 100, &sampler));
  for (int r = 0; r < rollouts; r++) {
    assert_ok(rollout_simulate(&experiment, ROLLOUT_TEST + (uint64_t)r, states, NULL));
    for (int64_t t = 0; t < seen; t++) {
      rollout_observe(&experiment, RNG_NOISE, ROLLOUT_TEST + (uint64_t)r, t, &states[2 * n * t], noisy);
      memcpy(&observed[n * t], noisy, (size_t)n * sizeof *noisy);
    }
    assert_ok(limit_sampler_run(&sampler, observed, seen, (uint64_t)r, r % 2, &sampling));
    int rank[SYSTEM_STATE_MAX] = {0};
    for (int64_t shot = 0; shot < SHOTS; shot++) { /* far apart, for neighbours may have been copies of one particle */
      double drawn[SYSTEM_STATE_MAX];
      const double *uniform = sampler.uniform + shot * sampler.particles / SHOTS * SYSTEM_UNIFORMS_MAX;
      system->initial(&experiment.system, &experiment.initial, uniform, drawn);
      for (int c = 0; c < 2 * n; c++) rank[c] += drawn[c] < states[c];
    }
    for (int c = 0; c < 2 * n; c++) rank_count[c][rank[c]]++;
  }
  limit_sampler_close(&sampler);
  for (int c = 0; c < 2 * n; c++) {
    double sum = 0, expected = (double)rollouts / BINS;
    for (int b = 0; b < BINS; b++) sum += (rank_count[c][b] - expected) * (rank_count[c][b] - expected) / expected;
    worst = fmax(worst, sum);
  }
  print_message("%s, %lld frames, noise taken for %.2f of itself: chi^2 %.1f\n", system->name, (long long)seen, wrong,
                worst);
  return worst;
}

/* chi^2 of 9 degrees of freedom is above 33.7 with a probability of 1e-4; seeds are fixed. */
static void test_calibration(void **state) {
  (void)state;
  const int rollouts = at_length ? 2000 : 240;
  assert_true(calibrate(SYSTEM_DOUBLE_PENDULUM, 3, rollouts, 1) < 33.7);
  assert_true(calibrate(SYSTEM_TWO_BODY, 5, rollouts, 1) < 33.7);
  if (at_length) assert_true(calibrate(SYSTEM_THREE_BODY, 4, rollouts, 1) < 33.7);
  if (at_length) assert_true(calibrate(SYSTEM_PENDULUM, 1, rollouts, 1) < 33.7);
  assert_true(calibrate(SYSTEM_DOUBLE_PENDULUM, 2, rollouts, 0.55) > 33.7); /* a posterior too narrow is seen */
  assert_true(calibrate(SYSTEM_DOUBLE_PENDULUM, 2, rollouts, 2) > 33.7);    /* and one too wide */
}

static void test_edges(void **state) {
  (void)state;
  struct limit_result result = {0};
  struct limit_options options = {5, LIMIT_IMAGES, 2, 100};
  struct experiment experiment = rendering_experiment(SYSTEM_TWO_BODY, RENDERER_SOFT);
  assert_status(STATUS_UNAVAILABLE, limit_measure(&comm, &experiment, &options, &result));
  assert_non_null(strstr(status_message(), "two_body from images is not available"));
  options.observe = LIMIT_POSITIONS;
  experiment.data.noise = 0;
  assert_status(STATUS_UNAVAILABLE, limit_measure(&comm, &experiment, &options, &result));
  assert_non_null(strstr(status_message(), "two_body without observation noise"));
  experiment.data.noise = 0.05;
  options.effective_samples = 1e7;
  assert_status(STATUS_USAGE, limit_measure(&comm, &experiment, &options, &result));
  assert_null(result.mse);

  /* Circular orbits: what stands for velocity noise changes nothing, and one sense of rotation leaves no choice. */
  options.effective_samples = 300;
  experiment.initial.velocity_noise = 0;
  for (int flips = 0; flips < 2; flips++) {
    experiment.initial.flip_probability = flips * 0.5;
    assert_ok(limit_measure(&comm, &experiment, &options, &result));
    assert_true(result.unseen.mse > 0 && result.unseen.mse < 10e-4 && result.ess_min >= 300);
    limit_free(&result);
  }

  /* One state only: the limit is the noise floor. */
  experiment = rendering_experiment(SYSTEM_DOUBLE_PENDULUM, RENDERER_SOFT);
  experiment.initial.radius[0] = experiment.initial.radius[1] = 0;
  assert_ok(limit_measure(&comm, &experiment, &options, &result));
  assert_true(result.ess_min >= 300 && fabs(result.unseen.mse / result.mse[0] - 1) < 0.05);
  limit_free(&result);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  if (comm_open(MPI_COMM_WORLD, &comm) != STATUS_OK) MPI_Abort(MPI_COMM_WORLD, 1);
  log_setup(LOG_QUIET, comm.rank, comm.rank == 0);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_degree), cmocka_unit_test(test_longer_run),
                                     cmocka_unit_test(test_plain_sampler), cmocka_unit_test(test_calibration),
                                     cmocka_unit_test(test_edges)};
  at_length = argc > 1 && strcmp(argv[1], "long") == 0;
  int failed = cmocka_run_group_tests_name("physics.limit_particles", tests, NULL, NULL);
  comm_close(&comm);
  MPI_Finalize();
  return failed;
}
