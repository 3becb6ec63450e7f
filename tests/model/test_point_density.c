/* Log weights are those of a density. Without knowing it: their exponentials have the integral 1, over points and
 * momenta, for flows and encoders of any shape. And knowing it: where all forces are constant, a point and its momentum
 * are a Gaussian that follows from one step to the next in closed form, and so do weights and their means. */
#include "points.h"

static double log_normal(double x, double mean, double variance) {
  return -0.5 * ((x - mean) * (x - mean) / variance + log(variance) + POINTS_LOG_TWO_PI);
}

/* ---- Integrals ---- */

/* Of exp(w(x, noise)) N(noise; 0, 1) over both, for points of one number: that over the noise is the density of x. Sums
 * over grids converge faster than any power of their spacing. */
static void check_moving(const char *words) {
  enum { PLACES = 321, NOISES = 321 };
  const double reach = 24, far = 24, dx = 2 * reach / (PLACES - 1), dn = 2 * far / (NOISES - 1);
  struct points points;
  double log_weight[PLACES], sum = 0, at_once[3] = {0};
  points_open(&points, words, 1, PLACES, GRAPH_F64, 1.6);
  double *x = points_zeros(GRAPH_F64, PLACES), *noise = points_zeros(GRAPH_F64, PLACES);
  for (int i = 0; i < PLACES; i++) x[i] = -reach + dx * i;
  for (int j = 0; j < NOISES; j++) {
    const double now = -far + dn * j;
    for (int i = 0; i < PLACES; i++) noise[i] = now;
    assert_ok(point_pass_weigh(points.pass, x, noise, log_weight));
    for (int i = 0; i < PLACES; i++) sum += dx * dn * exp(log_weight[i] + log_normal(now, 0, 1));
    if (j == NOISES / 2) memcpy(at_once, log_weight + PLACES / 2 - 1, sizeof at_once);
  }
  if (!(fabs(sum - 1) < 1e-8)) fail_msg("%s: the density's integral is %.10f", words, sum);
  /* It is no standard normal. */
  assert_true(fabs(at_once[1] + 0.5 * POINTS_LOG_TWO_PI) > 0.01 && fabs(at_once[2] - at_once[0]) > 1e-3);
  points_close(&points);
  free(x), free(noise);
}

static void check_coupled(const char *words) {
  enum { SIDE = 401 };
  const double reach = 16, dx = 2 * reach / (SIDE - 1);
  struct points points;
  double log_weight[SIDE], sum = 0;
  points_open(&points, words, 2, SIDE, GRAPH_F64, 2);
  double *x = points_zeros(GRAPH_F64, points.numbers);
  for (int row = 0; row < SIDE; row++) {
    for (int i = 0; i < SIDE; i++) {
      x[2 * i] = -reach + dx * i;
      x[2 * i + 1] = -reach + dx * row;
    }
    assert_ok(point_pass_weigh(points.pass, x, NULL, log_weight));
    for (int i = 0; i < SIDE; i++) sum += dx * dx * exp(log_weight[i]);
  }
  if (!(fabs(sum - 1) < 1e-6)) fail_msg("%s: the density's integral is %.10f", words, sum);
  points_close(&points);
  free(x);
}

static void test_integral(void **state) {
  (void)state;
  check_moving("name: nhf, flow: {hamiltonians: 2, steps: 2, dt: 0.4, activation: softplus, width: [6], "
               "encoder_width: [5], encoder_activation: tanh}");
  check_moving("name: nhf, flow: {hamiltonians: 3, steps: 1, dt: 0.3, activation: tanh, kinetic: fixed, width: [5], "
               "encoder_width: [4], encoder_activation: tanh}");
  check_coupled("name: rnvp, coupling: {layers: 3, width: [6], scale: 0.6}");
}

/* ---- Gaussians ---- */

enum { DIMENSION = 2, HAMILTONIANS = 3 };
#define CONSTANT "name: nhf, flow: {hamiltonians: 3, steps: 2, dt: 0.3, kinetic: fixed, width: [], encoder_width: []}"

/* V_i = force[i] . q, K_i = scale[i]^2 |p|^2 / 2. No two of them can change places. */
static const double force[HAMILTONIANS][DIMENSION] = {{0.8, -1.1}, {-2.3, 0.4}, {1.7, 0.9}};
static const double scale[HAMILTONIANS] = {1.4, -0.7, 1.1};

/* Mean and covariance of one number of a point and its momentum. */
struct moments {
  double q, p, qq, qp, pp;
};

static struct moments kick(struct moments at, double impulse) {
  at.p -= impulse;
  return at;
}

static struct moments drift(struct moments at, double reach) {
  return (struct moments){at.q + reach * at.p, at.p, at.qq + 2 * reach * at.qp + reach * reach * at.pp,
                          at.qp + reach * at.pp, at.pp};
}

static struct moments follow(int k) {
  const double dt = 0.3;
  struct moments at = {0, 0, 1, 0, 1};
  for (int i = 0; i < HAMILTONIANS; i++)
    for (int step = 0; step < 2; step++) {
      at = kick(at, 0.5 * dt * force[i][k]);
      at = drift(at, dt * scale[i] * scale[i]);
      at = kick(at, 0.5 * dt * force[i][k]);
    }
  return at;
}

/* The encoder has the momentum's true conditional distribution, but for a mean that is `off` and a variance that is
 * e^wide times as large. */
static void open_constant(struct points *points, int64_t batch, double off, double wide) {
  points_open(points, CONSTANT, DIMENSION, batch, GRAPH_F64, 0);
  double *weight = points_tensor(points, "encoder.0.weight"), *bias = points_tensor(points, "encoder.0.bias");
  for (int i = 0; i < HAMILTONIANS; i++) {
    char name[32];
    snprintf(name, sizeof name, "potential.%d.0.weight", i);
    memcpy(points_tensor(points, name), force[i], sizeof force[i]);
    snprintf(name, sizeof name, "kinetic.%d.scale", i);
    *points_tensor(points, name) = scale[i];
  }
  for (int k = 0; k < DIMENSION; k++) {
    const struct moments end = follow(k);
    const double slope = end.qp / end.qq;
    weight[k * 2 * DIMENSION + k] = slope;
    bias[k] = end.p - slope * end.q + off;
    bias[DIMENSION + k] = log(end.pp - slope * end.qp) + wide;
  }
  point_pass_parameters_changed(points->pass);
}

static double log_density(const double *x) {
  double sum = 0;
  for (int k = 0; k < DIMENSION; k++) {
    const struct moments end = follow(k);
    sum += log_normal(x[k], end.q, end.qq);
  }
  return sum;
}

static void test_constant_forces(void **state) {
  (void)state;
  enum { BATCH = 7 };
  struct points points;
  double log_weight[BATCH];
  open_constant(&points, BATCH, 0, 0);
  double *x = points_normal(GRAPH_F64, points.numbers, 1), *noise = points_normal(GRAPH_F64, points.numbers, 2);
  assert_ok(point_pass_weigh(points.pass, x, noise, log_weight));
  for (int b = 0; b < BATCH; b++) {
    const double off = log_weight[b] - log_density(x + DIMENSION * b);
    if (!(fabs(off) < 1e-12)) fail_msg("point %d: the log weight is %.3g off the density", b, off);
  }
  points_close(&points);
  free(x), free(noise);
}

/* Draws have these means and variances. */
static void test_draws(void **state) {
  (void)state;
  enum { BATCH = 20000 };
  struct points points;
  open_constant(&points, BATCH, 0, 0);
  double *x = points_normal(GRAPH_F64, points.numbers, 3), *p = points_normal(GRAPH_F64, points.numbers, 4);
  assert_ok(point_pass_draw(points.pass, x, p, x, p));
  for (int k = 0; k < DIMENSION; k++) {
    const struct moments end = follow(k);
    struct moments sum = {0};
    for (int64_t i = k; i < points.numbers; i += DIMENSION) {
      sum.q += x[i] / BATCH;
      sum.p += p[i] / BATCH;
      sum.qq += (x[i] - end.q) * (x[i] - end.q) / BATCH;
      sum.qp += (x[i] - end.q) * (p[i] - end.p) / BATCH;
      sum.pp += (p[i] - end.p) * (p[i] - end.p) / BATCH;
    }
    /* In units of the standard error of a mean; of a variance it is sqrt(2) as large. */
    const double unit = sqrt(BATCH), wide = sqrt(end.qq);
    assert_true(fabs(sum.q - end.q) * unit < 4 * wide && fabs(sum.p - end.p) * unit < 4);
    assert_true(fabs(sum.qq - end.qq) * unit < 6 * end.qq && fabs(sum.pp - 1) * unit < 6);
    assert_true(fabs(sum.qp - end.qp) * unit < 6 * wide);
  }
  points_close(&points);
  free(x), free(p);
}

/* An encoder that does not have it misses the density by the Kullback-Leibler divergence of two Gaussians on average:
 * the ELBO. The mean of exp(w) is the density all the same. */
static void test_bound(void **state) {
  (void)state;
  enum { BATCH = 20000 };
  const double off = 0.3, wide = 0.6, place[DIMENSION] = {1.3, -0.4};
  struct points points;
  static double log_weight[BATCH];
  double divergence = 0, mean = 0, square = 0, importance = 0, spread = 0;
  open_constant(&points, BATCH, off, wide);
  double *x = points_zeros(GRAPH_F64, points.numbers), *noise = points_normal(GRAPH_F64, points.numbers, 5);
  for (int64_t i = 0; i < points.numbers; i++) x[i] = place[i % DIMENSION];
  assert_ok(point_pass_weigh(points.pass, x, noise, log_weight));
  for (int k = 0; k < DIMENSION; k++) {
    const struct moments end = follow(k);
    divergence += 0.5 * (exp(wide) - 1 - wide + off * off / (end.pp - end.qp * end.qp / end.qq));
  }
  const double exact = log_density(place);
  for (int i = 0; i < BATCH; i++) {
    const double ratio = exp(log_weight[i] - exact);
    mean += log_weight[i] / BATCH;
    square += log_weight[i] * log_weight[i] / BATCH;
    importance += ratio / BATCH;
    spread += ratio * ratio / BATCH;
  }
  const double error = sqrt((square - mean * mean) / BATCH), importance_error = sqrt((spread - 1) / BATCH);
  assert_true(divergence > 50 * error && importance_error < 0.02);
  if (!(fabs(mean - (exact - divergence)) < 4 * error))
    fail_msg("an ELBO of %.4f +- %.4f, not %.4f", mean, error, exact - divergence);
  if (!(fabs(importance - 1) < 4 * importance_error))
    fail_msg("%.4f +- %.4f times the density", importance, importance_error);
  points_close(&points);
  free(x), free(noise);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_integral), cmocka_unit_test(test_constant_forces),
                                     cmocka_unit_test(test_draws), cmocka_unit_test(test_bound)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
