/* Bayesian optimisation: the normal's tails, the process against closed forms and differences, what memory may not
 * decide, and that it finds minima. An argument: so many seeds instead of 3. */
#include "learning_checks.h"
#include "sweep/gaussian_process.h"
#include "sweep/normal.h"

static int seeds = 3;

/* phi(z) + z Phi(z) by libm's long double, for z that it keeps some digits of. */
static void test_normal(void **state) {
  (void)state;
  double worst = 0.0, improvement = 0.0, jump = 0.0;
  for (int i = -3700; i <= 800; i++) {
    const double z = i * 0.01;
    const long double want = 0.5L * erfcl(-(long double)z / sqrtl(2.0L));
    worst = fmax(worst, (double)fabsl(normal_cdf(z) / want - 1.0L));
    const long double density = expl(-0.5L * (long double)z * z) / sqrtl(2.0L * 3.14159265358979323846L);
    const double direct = (double)logl(density + z * want), ours = normal_log_improvement(z);
    if (z > -8.0) improvement = fmax(improvement, fabs(ours - direct) / fmax(1.0, fabs(direct)));
    jump = fmax(jump, fabs(normal_log_improvement(z + 1e-9) - ours) / (1e-9 * (fabs(z) + 2.0)));
  }
  /* ln h(-x) = -x^2/2 - ln sqrt(2 pi) - 2 ln x - 3/x^2 + ... */
  const double far = normal_log_improvement(-1e6), want = -0.5e12 - 0.918938533204672742 - 2.0 * 13.8155105579642741;
  printf("  Phi %.1e, ln h %.1e, slope at most %.2f of |z| + 2, at -1e6 %.1e\n", worst, improvement, jump, far - want);
  assert_true(worst < 2e-13 && improvement < 1e-12 && jump < 1.5 && fabs(far - want) < 1e-3);
}

static long double matern(long double square) {
  const long double r = sqrtl(5.0L * square);
  return (1.0L + r + r * r / 3.0L) * expl(-r);
}

/* Two observations of one number and one choice: the formulas for a matrix of two by two, in long double. */
static void test_hand(void **state) {
  (void)state;
  const struct gaussian_columns columns = {.count = 2, .lengths = 2, .length = {0, 1}, .choice = {false, true}};
  double block[2 * GAUSSIAN_BLOCK] = {0.2, 0.7}, query[2 * GAUSSIAN_BLOCK] = {0.4}, factor[3], half[2];
  double panel[2 * GAUSSIAN_BLOCK], mean[GAUSSIAN_BLOCK], variance[GAUSSIAN_BLOCK], work[8], likelihood, slope[4];
  block[GAUSSIAN_BLOCK + 1] = query[GAUSSIAN_BLOCK] = 2.0; /* the second's choice and the query's */
  struct gaussian gaussian = {.columns = &columns, .block = block, .factor = factor, .half = half};
  const double theta[4] = {-0.5, 0.3, 0.2, -2.0}, y[2] = {1.0, -0.5};
  memcpy(gaussian.theta, theta, sizeof theta);
  const long double s = expl(0.2L), n = expl(-2.0L), w0 = expl(1.0L), w1 = expl(-0.6L);
  const long double k = s * matern(w0 * (0.7L - 0.2L) * (0.7L - 0.2L) + w1), d = s + n;
  const long double a = s * matern(w0 * 0.2L * 0.2L + w1), b = s * matern(w0 * 0.3L * 0.3L), det = d * d - k * k;
  const long double want_mean = (a * (d * 1.0L + k * 0.5L) + b * (-k * 1.0L - d * 0.5L)) / det;
  const long double want_variance = s - (a * (d * a - k * b) + b * (d * b - k * a)) / det;
  const long double quadratic = (d * 1.0L + 2.0L * k * 0.5L + d * 0.25L) / det;
  const long double want = -0.5L * quadratic - 0.5L * logl(det) - logl(2.0L * 3.14159265358979323846L);
  assert_true(gaussian_likelihood(&gaussian, 2, y, work, &likelihood, slope));
  gaussian_observe(&gaussian, 2, y);
  gaussian_panel(&gaussian, query, 0, panel);
  gaussian_moments(&gaussian, panel, mean, variance);
  printf("  mean %.1e, variance %.1e, likelihood %.1e\n", (double)(mean[0] - want_mean),
         (double)(variance[0] - want_variance), (double)(likelihood - want));
  assert_true(fabsl(mean[0] - want_mean) < 1e-14L && fabsl(variance[0] - want_variance) < 1e-14L);
  assert_true(fabsl(likelihood - want) < 1e-14L);
  /* One that is known, one that is not: the mean is that of the one, the variance that of both. */
  gaussian_observe(&gaussian, 1, y);
  gaussian_moments(&gaussian, panel, mean, variance);
  assert_true(fabsl(mean[0] - a / d) < 1e-14L && fabsl(variance[0] - want_variance) < 1e-14L);
}

enum { POINTS = 37, COLUMNS = 4, THETA = 5 };

/* Three lengths: one of two columns, one of a choice. */
static const struct gaussian_columns mixed_columns = {
    .count = COLUMNS, .lengths = 3, .length = {0, 1, 1, 2}, .choice = {false, false, false, true}};

static void mixed_points(double *block, double *y) {
  struct rng rng = rng_stream(8, RNG_TEST, 0, 0);
  for (int i = 0; i < POINTS; i++) {
    double *place = gaussian_place(&mixed_columns, block, i);
    for (int c = 0; c < COLUMNS; c++)
      place[c * GAUSSIAN_BLOCK] = c == 3 ? (double)rng_below(&rng, 3) : rng_uniform(&rng);
    y[i] = place[0] * place[GAUSSIAN_BLOCK] + 0.3 * place[3 * GAUSSIAN_BLOCK] + 0.1 * rng_uniform(&rng);
  }
}

static void test_gradient(void **state) {
  (void)state;
  static double block[(POINTS / GAUSSIAN_BLOCK + 1) * COLUMNS * GAUSSIAN_BLOCK], factor[POINTS * POINTS], half[POINTS];
  static double work[2 * POINTS * POINTS];
  double y[POINTS], slope[THETA], unused[THETA], up, down, worst = 0.0;
  const double theta[THETA] = {-0.3, 0.2, -0.8, 0.4, -3.0};
  mixed_points(block, y);
  struct gaussian gaussian = {.columns = &mixed_columns, .block = block, .factor = factor, .half = half};
  memcpy(gaussian.theta, theta, sizeof theta);
  assert_true(gaussian_likelihood(&gaussian, POINTS, y, work, &up, slope));
  up += gaussian_prior(&mixed_columns, gaussian.theta, slope);
  for (int i = 0; i < THETA; i++) {
    const double h = 1e-5;
    gaussian.theta[i] = theta[i] + h;
    assert_true(gaussian_likelihood(&gaussian, POINTS, y, work, &up, unused));
    up += gaussian_prior(&mixed_columns, gaussian.theta, unused);
    gaussian.theta[i] = theta[i] - h;
    assert_true(gaussian_likelihood(&gaussian, POINTS, y, work, &down, unused));
    down += gaussian_prior(&mixed_columns, gaussian.theta, unused);
    gaussian.theta[i] = theta[i];
    worst = fmax(worst, fabs((up - down) / (2.0 * h) - slope[i]) / fmax(1.0, fabs(slope[i])));
  }
  printf("  gradient against differences: %.1e\n", worst);
  assert_true(worst < 1e-7);
  /* And the search: nowhere is it steep, or theta is at its bounds. */
  gaussian_fit(&gaussian, POINTS, y, work);
  assert_true(gaussian_likelihood(&gaussian, POINTS, y, work, &up, slope));
  up += gaussian_prior(&mixed_columns, gaussian.theta, slope);
  for (int i = 0; i < THETA; i++) printf("  ln theta %.3f, slope %.1e\n", gaussian.theta[i], slope[i]);
  for (int i = 0; i < THETA; i++) assert_true(fabs(slope[i]) < 0.05);
}

/* Appended one by one, two by two, at once: the same bits, of the factor and of a panel. */
static void test_append(void **state) {
  (void)state;
  static double block[(POINTS / GAUSSIAN_BLOCK + 1) * COLUMNS * GAUSSIAN_BLOCK], factor[2][POINTS * POINTS];
  static double panel[2][POINTS * GAUSSIAN_BLOCK], half[POINTS];
  double y[POINTS];
  mixed_points(block, y);
  struct gaussian whole = {.columns = &mixed_columns, .block = block, .factor = factor[0], .half = half};
  struct gaussian part = whole;
  part.factor = factor[1];
  gaussian_append(&whole, POINTS);
  gaussian_panel(&whole, block, 0, panel[0]);
  for (int64_t rows = 0; rows < POINTS; rows += 1 + rows % 3) {
    const int64_t first = part.rows;
    gaussian_append(&part, rows);
    gaussian_panel(&part, block, first, panel[1]);
  }
  const int64_t first = part.rows;
  gaussian_append(&part, POINTS);
  gaussian_panel(&part, block, first, panel[1]);
  assert_memory_equal(factor[0], factor[1], (size_t)matrix_triangle(POINTS) * sizeof(double));
  assert_memory_equal(panel[0], panel[1], sizeof panel[0]);
}

static void test_memory(void **state) {
  (void)state;
  const struct space space = objective_mixed_space();
  check_memory(&method_bayes, &space, true);
}

static void test_bits(void **state) {
  (void)state;
  check_bits(&method_bayes, 0x1.10dbb6a50362fp-10);
}

static void test_edges(void **state) {
  (void)state;
  const struct space space = objective_mixed_space();
  check_edges(&method_bayes, &space);
}

static void test_failures_repel(void **state) {
  (void)state;
  check_failures_repel(&method_bayes, 30);
}

/* Fifteen more while nothing else becomes known: apart from each other and from what is known. */
static void test_pending_repel(void **state) {
  (void)state;
  const struct space space = objective_space(2);
  const struct method_task task = {.space = &space, .seed = 2, .metrics = 1};
  struct objective_history *h = objective_history_make();
  double point[2], nearest = 1.0;
  void *memory = NULL;
  assert_ok(method_bayes.open(&task, &memory));
  for (int c = 0; c < 35; c++) {
    h->history.known = c < 20 ? c : 20;
    check_propose(&method_bayes, &task, memory, &h->history, c, point);
    for (int i = 20; i < c; i++)
      nearest = fmin(nearest, hypot(point[0] - h->point[2 * i], point[1] - h->point[2 * i + 1]));
    objective_append(&space, h, point, objective_branin(point));
  }
  method_bayes.close(memory);
  free(h);
  printf("  of 15 that wait the nearest two are %.4f apart\n", nearest);
  assert_true(nearest > 0.002);
}

/* Beyond what it keeps, rows are chosen among: memory decides nothing there either. Under the sanitizers too slow. */
static void test_many(void **state) {
  (void)state;
  const struct space space = objective_space(2);
  const struct method_task task = {.space = &space, .seed = 3, .metrics = 1};
  struct objective_history *h = objective_history_make();
  double point[2], fresh[2];
  void *memory = NULL;
  const int64_t count = TESTING_ROUNDS(1500, 150);
  for (int64_t c = 0; c < count; c++) {
    check_propose(&method_random, &task, NULL, NULL, c, point);
    objective_append(&space, h, point, objective_branin(point));
  }
  assert_ok(method_bayes.open(&task, &memory));
  for (int64_t c = count - 3; c < count; c++) {
    h->history.count = h->history.known = c;
    check_propose(&method_bayes, &task, memory, &h->history, c, point);
  }
  check_propose(&method_bayes, &task, NULL, &h->history, count - 1, fresh);
  assert_memory_equal(point, fresh, sizeof point);
  printf("  of %lld known: %.3f %.3f, %.3g above the minimum\n", (long long)count, point[0], point[1],
         objective_branin(point) - 0.397887);
  method_bayes.close(memory);
  free(h);
}

static void test_beats_random(void **state) {
  (void)state;
  check_beats_random(&method_bayes, TESTING_ROUNDS(seeds, 1), TESTING_ROUNDS(120, 70));
}

static void test_rungs(void **state) {
  (void)state;
  check_rungs(&method_bayes);
}

static void test_cost(void **state) {
  (void)state;
  assert_true(check_cost(&method_bayes, 2) < TESTING_ROUNDS(500.0, 60000.0));
  if (seeds >= 20) (void)check_cost(&method_bayes, 20);
}

int main(int argc, char **argv) {
  if (argc > 1) seeds = atoi(argv[1]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_normal), cmocka_unit_test(test_hand),           cmocka_unit_test(test_gradient),
      cmocka_unit_test(test_append), cmocka_unit_test(test_memory),         cmocka_unit_test(test_bits),
      cmocka_unit_test(test_edges),  cmocka_unit_test(test_failures_repel), cmocka_unit_test(test_pending_repel),
      cmocka_unit_test(test_many),   cmocka_unit_test(test_beats_random),   cmocka_unit_test(test_rungs),
      cmocka_unit_test(test_cost)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
