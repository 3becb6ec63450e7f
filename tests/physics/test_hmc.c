/* Hamiltonian Monte Carlo finds the moments of Gaussians and of a posterior that importance sampling has measured too;
 * its diagnostics know good chains from bad ones, a mode that is missed above all. */
#include "base/rng.h"
#include "physics/hmc.h"
#include "physics/target.h"
#include "ranks.h"

#include <math.h>
#include <stdlib.h>

enum { CHAINS = 4, KEPT = 1000, ROOM = CHAINS * KEPT };

/* A Gaussian about `center`, with precision P; beyond `edge` in the first coordinate there is nothing. */
struct gaussian {
  int dimension;
  double center[3], precision[3][3], edge;
};

static double gaussian_log(const void *context, const double *x) {
  const struct gaussian *gaussian = context;
  double sum = 0;
  for (int i = 0; i < gaussian->dimension; i++)
    for (int k = 0; k < gaussian->dimension; k++)
      sum -= 0.5 * (x[i] - gaussian->center[i]) * gaussian->precision[i][k] * (x[k] - gaussian->center[k]);
  return x[0] > gaussian->edge ? (double)NAN : sum;
}

static void gaussian_gradient(const void *context, const double *x, double *gradient) {
  const struct gaussian *gaussian = context;
  for (int i = 0; i < gaussian->dimension; i++) {
    gradient[i] = 0;
    for (int k = 0; k < gaussian->dimension; k++)
      gradient[i] -= gaussian->precision[i][k] * (x[k] - gaussian->center[k]);
  }
}

static const struct hmc_settings settings = {
    .chains = CHAINS, .warmup = 400, .thin = 2, .leapfrogs = 6, .acceptance = 0.8};

static struct hmc_problem problem_of(const struct gaussian *gaussian) {
  static const double lower[3] = {-5, -5, -5}, upper[3] = {5, 5, 5};
  return (struct hmc_problem){.dimension = gaussian->dimension,
                              .log_density = gaussian_log,
                              .gradient = gaussian_gradient,
                              .context = gaussian,
                              .lower = lower,
                              .upper = upper,
                              .settings = &settings,
                              .seed = 3};
}

/* Draws of all chains: points[CHAINS][KEPT][D]. */
static struct hmc_diagnostics run(const struct hmc_problem *problem, double *points, struct hmc_outcome *outcome) {
  static double log_density[KEPT];
  struct hmc_diagnostics diagnostics;
  for (int c = 0; c < CHAINS; c++) {
    double *own = points + c * KEPT * problem->dimension;
    assert_ok(hmc_chain(problem, c, KEPT, own, log_density, &outcome[c]));
    for (int i = 0; i < KEPT; i += 100) {
      const double now = problem->log_density(problem->context, own + i * problem->dimension);
      assert_true(now == log_density[i]);
    }
  }
  assert_ok(hmc_diagnose(&self, problem->dimension, CHAINS, KEPT, CHAINS, points, &diagnostics));
  return diagnostics;
}

static double covariance(const double *points, int dimension, int a, int b, const double *mean) {
  double sum = 0;
  for (int i = 0; i < ROOM; i++) sum += (points[i * dimension + a] - mean[a]) * (points[i * dimension + b] - mean[b]);
  return sum / ROOM;
}

static void means(const double *points, int dimension, double *mean) {
  for (int d = 0; d < dimension; d++) {
    mean[d] = 0;
    for (int i = 0; i < ROOM; i++) mean[d] += points[i * dimension + d] / ROOM;
  }
}

static double points[ROOM * 4];

/* Scales that differ by a factor of 100, far from where chains start. */
static void gaussian_of_three_scales(void **state) {
  (void)state;
  const struct gaussian gaussian = {3, {1, -2, 30}, {{1 / 0.01, 0, 0}, {0, 1, 0}, {0, 0, 1 / 100.0}}, INFINITY};
  const double deviation[3] = {0.1, 1, 10};
  const struct hmc_problem problem = problem_of(&gaussian);
  struct hmc_outcome outcome[CHAINS];
  double mean[3];
  const struct hmc_diagnostics found = run(&problem, points, outcome);
  assert_true(found.rhat < 1.01 && found.ess > 1000);
  means(points, 3, mean);
  for (int d = 0; d < 3; d++) {
    const double error = deviation[d] / sqrt(found.ess), variance = covariance(points, 3, d, d, mean);
    assert_true(fabs(mean[d] - gaussian.center[d]) < 4 * error);
    assert_true(fabs(variance / (deviation[d] * deviation[d]) - 1) < 4 * sqrt(2 / found.ess));
  }
  for (int c = 0; c < CHAINS; c++)
    assert_true(outcome[c].acceptance > 0.65 && outcome[c].acceptance < 0.95 && outcome[c].divergences == 0);
}

static void correlated_gaussian(void **state) {
  (void)state;
  const double r = 0.95, p = 1 / (1 - r * r);
  const struct gaussian gaussian = {2, {0.5, 0}, {{p, -r * p}, {-r * p, p}}, INFINITY};
  const struct hmc_problem problem = problem_of(&gaussian);
  struct hmc_outcome outcome[CHAINS];
  double mean[2];
  const struct hmc_diagnostics found = run(&problem, points, outcome);
  assert_true(found.rhat < 1.01 && found.ess > 400);
  means(points, 2, mean);
  assert_true(fabs(mean[0] - 0.5) < 4 / sqrt(found.ess) && fabs(mean[1]) < 4 / sqrt(found.ess));
  assert_true(fabs(covariance(points, 2, 0, 1, mean) - r) < 4 * sqrt(2 / found.ess));
}

static void chain_is_a_function_of_its_number(void **state) {
  (void)state;
  const struct gaussian gaussian = {2, {0, 0}, {{1, 0}, {0, 1}}, INFINITY};
  struct hmc_problem problem = problem_of(&gaussian);
  struct hmc_outcome outcome;
  double first[2][2 * 5], longer[2 * 9], densities[9];
  for (int c = 0; c < 2; c++) assert_ok(hmc_chain(&problem, c, 5, first[c], densities, &outcome));
  assert_ok(hmc_chain(&problem, 1, 9, longer, densities, &outcome));
  assert_memory_equal(first[1], longer, sizeof first[1]);
  assert_memory_not_equal(first[0], first[1], sizeof first[1]);
  problem.seed = 4;
  assert_ok(hmc_chain(&problem, 1, 9, longer, densities, &outcome));
  assert_memory_not_equal(first[1], longer, sizeof first[1]);
}

/* Where H is not finite no proposal is accepted. */
static void divergences_are_rejected_and_counted(void **state) {
  (void)state;
  const struct gaussian gaussian = {1, {0}, {{1}}, 1};
  struct hmc_problem problem = problem_of(&gaussian);
  struct hmc_outcome outcome;
  double densities[KEPT];
  const double below[1] = {-1}, edge[1] = {0.5}, beyond[1] = {1.5}, upper[1] = {2};
  problem.lower = below;
  problem.upper = edge;
  assert_ok(hmc_chain(&problem, 0, KEPT, points, densities, &outcome));
  assert_true(outcome.divergences > 100 && outcome.divergences < 2 * KEPT && outcome.acceptance < 0.95);
  double largest = -1;
  for (int i = 0; i < KEPT; i++) {
    assert_true(points[i] <= 1 && isfinite(densities[i]));
    if (points[i] > largest) largest = points[i];
  }
  assert_true(largest > 0.9);
  problem.lower = beyond;
  problem.upper = upper;
  assert_status(STATUS_NUMERIC, hmc_chain(&problem, 7, KEPT, points, densities, &outcome));
  assert_non_null(strstr(status_message(), "chain 7"));
}

/* ---- densities of physics/target.h ---- */

static double target_log(const void *context, const double *x) { return target_log_density(context, x); }

static void target_slope(const void *context, const double *x, double *gradient) {
  assert_ok(target_gradient(context, x, gradient));
}

static struct hmc_diagnostics run_target(const struct density_settings *density, double *lower, double *upper) {
  const struct experiment experiment = {.seed = 2, .density = *density};
  struct target *target;
  struct hmc_outcome outcome[CHAINS];
  assert_ok(target_open(&experiment, &target));
  target_box(target, lower, upper);
  const struct hmc_problem problem = {.dimension = (int)target_dimension(target),
                                      .log_density = target_log,
                                      .gradient = target_slope,
                                      .context = target,
                                      .lower = lower,
                                      .upper = upper,
                                      .settings = &settings,
                                      .seed = 3};
  const struct hmc_diagnostics found = run(&problem, points, outcome);
  target_close(&target);
  return found;
}

/* Nine modes, of which each of four chains sees one. */
static void missed_modes_are_seen(void **state) {
  (void)state;
  const struct density_settings density = {.name = DENSITY_GRID, .side = 3, .spacing = 4, .width = 0.25};
  double lower[2], upper[2];
  const struct hmc_diagnostics found = run_target(&density, lower, upper);
  assert_true(found.rhat > 2 && found.ess < 20);
}

/* The box is six standard deviations, which importance weights have found, to each side of the mean. */
static void posterior_of_a_regression(void **state) {
  (void)state;
  const struct density_settings density = {.name = DENSITY_LOGISTIC, .dimension = 4, .observations = 30, .prior = 2};
  double lower[4], upper[4], mean[4];
  const struct hmc_diagnostics found = run_target(&density, lower, upper);
  assert_true(found.rhat < 1.01 && found.ess > 1000);
  means(points, 4, mean);
  for (int d = 0; d < 4; d++) {
    const double deviation = (upper[d] - lower[d]) / 12;
    assert_true(fabs(mean[d] - 0.5 * (lower[d] + upper[d])) < 4 * deviation / sqrt(found.ess));
    assert_true(fabs(sqrt(covariance(points, 4, d, d, mean)) / deviation - 1) < 4 / sqrt(found.ess));
  }
}

/* ---- diagnostics ---- */

/* x_t = correlation x_t-1 + noise, stationary, moved by `apart` times the chain's number, and by `drift` along it. */
static struct hmc_diagnostics diagnose(double correlation, double apart, double drift) {
  struct hmc_diagnostics found;
  for (int c = 0; c < CHAINS; c++) {
    struct rng rng = rng_stream(1, RNG_TEST, (uint64_t)c, 0);
    double noise[KEPT], x = 0;
    rng_normal(&rng, noise, KEPT);
    for (int i = 0; i < KEPT; i++) {
      x = i == 0 ? noise[0] : correlation * x + sqrt(1 - correlation * correlation) * noise[i];
      points[c * KEPT + i] = x + apart * c + drift * i / KEPT;
    }
  }
  assert_ok(hmc_diagnose(&self, 1, CHAINS, KEPT, CHAINS, points, &found));
  return found;
}

static void diagnostics_know_good_from_bad(void **state) {
  (void)state;
  struct hmc_diagnostics found = diagnose(0, 0, 0);
  assert_true(found.rhat < 1.002 && fabs(found.ess / ROOM - 1) < 0.15);
  found = diagnose(0.5, 0, 0);
  assert_true(found.rhat < 1.01 && fabs(found.ess / (ROOM / 3.0) - 1) < 0.15); /* (1 - r) / (1 + r) */
  found = diagnose(0.9, 0, 0);
  assert_true(fabs(found.ess / (ROOM / 19.0) - 1) < 0.3);
  found = diagnose(-0.5, 0, 0);
  assert_true(fabs(found.ess / (ROOM * 3.0) - 1) < 0.25);
  found = diagnose(0, 0.5, 0); /* chains that do not agree */
  assert_true(found.rhat > 1.1 && found.ess < 100);
  found = diagnose(0, 0, 2); /* each drifts alike: their means agree, those of their halves do not */
  assert_true(found.rhat > 1.1 && found.ess < 100);
}

/* By hand; and as Stan's functions say of other draws, by way of a transcription of them into Python. */
static void diagnostics_are_those_of_stan(void **state) {
  (void)state;
  static const double draws[16] = {1, 3, 2, 4, 3, 5, 2, 1, 2, 2, 4, 3, 1, 5, 4, 6};
  struct hmc_diagnostics found;
  assert_ok(hmc_diagnose(&self, 1, 2, 8, 2, draws, &found));
  /* Four halves of 4: means 2.5, 2.75, 2.75, 4; variances 5/3, 35/12, 11/12, 14/3. */
  const double within = (5.0 / 3 + 35.0 / 12 + 11.0 / 12 + 14.0 / 3) / 4, between = 1.375 / 3;
  assert_true(fabs(found.rhat - sqrt((0.75 * within + between) / within)) < 1e-12);
  for (int i = 0; i < 400; i++) points[i] = (i * i * 11 + i * 37 + 13) % 101 + (i % 200 ? 0.5 * points[i - 1] : 0);
  assert_ok(hmc_diagnose(&self, 1, 2, 200, 2, points, &found));
  assert_true(fabs(found.ess - 157.43007744032897) < 1e-9 && fabs(found.rhat - 0.9954505472739157) < 1e-12);
}

static void nothing_is_known_of_nothing(void **state) {
  (void)state;
  struct hmc_diagnostics found;
  for (int i = 0; i < ROOM; i++) points[i] = 3;
  assert_ok(hmc_diagnose(&self, 1, CHAINS, KEPT, CHAINS, points, &found));
  assert_true(isnan(found.ess) && isnan(found.rhat));
  assert_ok(hmc_diagnose(&self, 1, CHAINS, 7, CHAINS, points, &found));
  assert_true(isnan(found.ess) && isnan(found.rhat));
  for (int i = 0; i < ROOM; i++) points[i] = i % 2 ? i % 7 : 3; /* one coordinate moves, and the other does not */
  assert_ok(hmc_diagnose(&self, 2, CHAINS, KEPT / 2, CHAINS, points, &found));
  assert_true(isnan(found.ess) && isnan(found.rhat));
  points[5] = NAN;
  assert_ok(hmc_diagnose(&self, 1, CHAINS, KEPT, CHAINS, points, &found));
  assert_true(isnan(found.ess) && isnan(found.rhat));
}

int main(int argc, char **argv) {
  if (ranks_begin(argc, argv) != 0) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(gaussian_of_three_scales),
                                     cmocka_unit_test(correlated_gaussian),
                                     cmocka_unit_test(chain_is_a_function_of_its_number),
                                     cmocka_unit_test(divergences_are_rejected_and_counted),
                                     cmocka_unit_test(missed_modes_are_seen),
                                     cmocka_unit_test(posterior_of_a_regression),
                                     cmocka_unit_test(diagnostics_know_good_from_bad),
                                     cmocka_unit_test(diagnostics_are_those_of_stan),
                                     cmocka_unit_test(nothing_is_known_of_nothing)};
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
