/* Log weights against closed forms: of flows that are linear, so that their densities are Gaussians; and the bound that
 * importance samples give, which does not fall as there are more of them. */
#include "points.h"

enum { BATCH = 8 };

/* log N(x; 0, variance I). */
static double log_normal(const double *x, int64_t dimension, double variance) {
  double square = 0;
  for (int64_t k = 0; k < dimension; k++) square += x[k] * x[k];
  return -0.5 * (square / variance + (double)dimension * (log(variance) + POINTS_LOG_TWO_PI));
}

/* A flow without parameters is the identity, and the encoder then is the prior of momenta. */
static void test_identity(void **state) {
  (void)state;
  static const char *const ways[] = {"name: nhf, flow: {width: [4], encoder_width: [4]}",
                                     "name: nhf, flow: {kinetic: fixed, width: [4], encoder_width: [4]}",
                                     "name: rnvp, coupling: {width: [4]}"};
  for (int i = 0; i < 3; i++) {
    struct points points;
    double log_weight[BATCH];
    points_open(&points, ways[i], 3, BATCH, GRAPH_F64, 0);
    double *x = points_normal(GRAPH_F64, points.numbers, 1), *noise = points_normal(GRAPH_F64, points.numbers, 2);
    assert_ok(point_pass_weigh(points.pass, x, noise, log_weight));
    for (int b = 0; b < BATCH; b++) assert_true(fabs(log_weight[b] - log_normal(x + 3 * b, 3, 1)) < 1e-13);
    points_close(&points);
    free(x), free(noise);
  }
}

/* One step of K = a^2 |p|^2 / 2 without V: x = q + c p, c = dt a^2, so x is N(0, 1 + c^2), and p given x is
 * N(c x / (1 + c^2), 1 / (1 + c^2)). Where the encoder knows that, the weight is the density, whatever is drawn. */
#define DRIFT "name: nhf, flow: {hamiltonians: 1, steps: 1, dt: 0.7, kinetic: fixed, width: [4], encoder_width: []}"

static double open_drift(struct points *points, int64_t batch, bool knowing) {
  const double a = 1.3, c = 0.7 * a * a, spread = 1 + c * c;
  points_open(points, DRIFT, 2, batch, GRAPH_F64, 1);
  points_clear(points, "potential.");
  points_clear(points, "encoder.");
  *points_tensor(points, "kinetic.0.scale") = a;
  if (knowing) {
    double *weight = points_tensor(points, "encoder.0.weight"), *bias = points_tensor(points, "encoder.0.bias");
    weight[0 * 4 + 0] = weight[1 * 4 + 1] = c / spread; /* [2][4]: means, then log variances */
    bias[2] = bias[3] = -log(spread);
  }
  point_pass_parameters_changed(points->pass);
  return spread;
}

static void test_drift(void **state) {
  (void)state;
  struct points points;
  double log_weight[BATCH];
  const double spread = open_drift(&points, BATCH, true);
  double *x = points_normal(GRAPH_F64, points.numbers, 1), *noise = points_normal(GRAPH_F64, points.numbers, 2);
  assert_ok(point_pass_weigh(points.pass, x, noise, log_weight));
  for (int b = 0; b < BATCH; b++) assert_true(fabs(log_weight[b] - log_normal(x + 2 * b, 2, spread)) < 1e-13);
  points_close(&points);
  free(x), free(noise);
}

/* Two couplings with constant s and t: each number is moved and stretched once. */
static void test_stretch(void **state) {
  (void)state;
  struct points points;
  double log_weight[BATCH];
  const double t[2] = {0.4, -1.1}, u[2] = {0.3, -0.8};
  points_open(&points, "name: rnvp, coupling: {layers: 2, width: [4], scale: 1.5}", 2, BATCH, GRAPH_F64, 0);
  for (int k = 0; k < 2; k++) { /* coupling 0 moves the second number, 1 the first */
    double *bias = points_tensor(&points, k == 0 ? "coupling.1.1.bias" : "coupling.0.1.bias");
    bias[0] = u[k];
    bias[1] = t[k];
  }
  point_pass_parameters_changed(points.pass);
  double *x = points_normal(GRAPH_F64, points.numbers, 1);
  assert_ok(point_pass_weigh(points.pass, x, NULL, log_weight));
  for (int b = 0; b < BATCH; b++) {
    double z[2], volume = 0;
    for (int k = 0; k < 2; k++) {
      const double s = 1.5 * tanh(u[k]);
      z[k] = (x[2 * b + k] - t[k]) * exp(-s);
      volume += s;
    }
    assert_true(fabs(log_weight[b] - (log_normal(z, 2, 1) - volume)) < 1e-13);
  }
  points_close(&points);
  free(x);
}

/* log of the mean of exp(weight) over n of them. */
static double log_mean(const double *weight, int64_t n) {
  double most = -INFINITY, sum = 0;
  for (int64_t i = 0; i < n; i++) most = fmax(most, weight[i]);
  for (int64_t i = 0; i < n; i++) sum += exp(weight[i] - most);
  return most + log(sum / (double)n);
}

/* The encoder does not know the momenta: the bound of K samples, averaged over many draws of them, rises with K, from
 * the ELBO to the density. Four times as many are at least as good by expectation; here by far more than that errs. */
static void test_rising(void **state) {
  (void)state;
  enum { SAMPLES = 256, DRAWS = 200 };
  struct points points;
  static double log_weight[SAMPLES * DRAWS];
  const double spread = open_drift(&points, SAMPLES * DRAWS, false), place[2] = {1.1, -0.6};
  double *x = points_zeros(GRAPH_F64, points.numbers), *noise = points_normal(GRAPH_F64, points.numbers, 3);
  for (int64_t i = 0; i < points.numbers; i++) x[i] = place[i % 2];
  assert_ok(point_pass_weigh(points.pass, x, noise, log_weight));
  const double exact = log_normal(place, 2, spread);
  double before = -INFINITY;
  for (int64_t samples = 1; samples <= SAMPLES; samples *= 4) {
    double mean = 0, square = 0;
    const int64_t draws = SAMPLES * DRAWS / samples;
    for (int64_t d = 0; d < draws; d++) {
      const double bound = log_mean(log_weight + d * samples, samples);
      mean += bound / (double)draws;
      square += bound * bound / (double)draws;
    }
    const double error = sqrt((square - mean * mean) / (double)draws);
    if (!(mean > before && mean < exact + 3 * error))
      fail_msg("%d samples: %.4f +- %.4f, before %.4f, density %.4f", (int)samples, mean, error, before, exact);
    before = mean;
  }
  assert_true(fabs(before - exact) < 0.02 && fabs(log_mean(log_weight, SAMPLES * DRAWS) - exact) < 0.01);
  points_close(&points);
  free(x), free(noise);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_identity), cmocka_unit_test(test_drift),
                                     cmocka_unit_test(test_stretch), cmocka_unit_test(test_rising)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
