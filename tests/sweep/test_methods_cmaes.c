/* CMA-ES: what its distribution does on spheres, ellipsoids and plains, what memory may not decide, and that it finds
 * minima. An argument: so many seeds instead of 9. */
#include "base/matrix.h"
#include "learning_checks.h"
#include "sweep/evolution.h"

static int seeds = 9;

static double sphere(int size, const double *u) {
  double sum = 0.0;
  for (int i = 0; i < size; i++) sum += (u[i] - 0.4) * (u[i] - 0.4);
  return sum;
}

/* Axes of lengths 1 to 1000, each a sum and a difference of two coordinates. */
static double ellipsoid(int size, const double *u) {
  double sum = 0.0;
  for (int i = 0; i < size; i++) {
    const double x = i % 2 ? u[i] - u[i - 1] : u[i] + (i + 1 < size ? u[i + 1] : 0.4) - 0.8;
    sum += elementary_pow(1e6, (double)i / (size - 1)) * x * x;
  }
  return sum;
}

static double plain(int size, const double *u) { return 0.0 * u[size - 1]; }

/* `groups` groups of samples; returns the value of the mean. */
static double evolve(struct evolution *evolution, double (*value)(int, const double *), int groups, uint64_t seed) {
  double u[EVOLUTION_LAMBDA_MAX * EVOLUTION_SIZE_MAX], values[EVOLUTION_LAMBDA_MAX], z[EVOLUTION_SIZE_MAX];
  struct rng rng = rng_stream(seed, RNG_TEST, 1, 0);
  for (int g = 0; g < groups; g++) {
    for (int k = 0; k < evolution->lambda; k++) {
      rng_normal(&rng, z, evolution->size);
      evolution_sample(evolution, z, u + k * evolution->size);
      values[k] = value(evolution->size, u + k * evolution->size);
    }
    evolution_update(evolution, u, values);
  }
  return value(evolution->size, evolution->mean);
}

static struct evolution begun(int size) {
  struct evolution evolution;
  double mean[EVOLUTION_SIZE_MAX];
  for (int i = 0; i < size; i++) mean[i] = 0.5;
  evolution_begin(size, evolution_lambda(size), mean, 0.3, &evolution);
  return evolution;
}

/* ln f falls by as much in the second half as in the first, within a third, and sigma with it: sqrt(f) and sigma keep
 * their ratio. C stays near the identity. Evaluations are counted a dimension and factor of e of f. */
static void test_sphere(void **state) {
  (void)state;
  static const int sizes[] = {1, 2, 5, 10, 20, 64};
  for (int s = 0; s < TESTING_ROUNDS(6, 4); s++) {
    struct evolution evolution = begun(sizes[s]);
    const int groups = 20 + 6 * sizes[s];
    const double first = evolve(&evolution, sphere, groups, 1), sigma = evolution.sigma;
    const double middle = evolve(&evolution, sphere, groups, 2), sigma_middle = evolution.sigma;
    const double last = evolve(&evolution, sphere, groups, 3);
    const double drop = elementary_log(first / middle), again = elementary_log(middle / last);
    const double drop_sigma = 2.0 * elementary_log(sigma / sigma_middle);
    const double cost = 2.0 * groups * evolution.lambda / (drop + again) / sizes[s];
    printf("  %d dimensions: ln f falls by %.1f, %.1f; ln sigma^2 by %.1f; %.2f evaluations; axes %.2f\n", sizes[s],
           drop, again, drop_sigma, cost, evolution.length[sizes[s] - 1] / evolution.length[0]);
    assert_true(drop > 0.0 && again > 0.0 && (sizes[s] < 5 || fabs(drop / again - 1.0) < 0.34));
    assert_true(sizes[s] < 5 || fabs(drop / drop_sigma - 1.0) < 0.34);
    assert_true(cost < 10.0);
    assert_true(evolution.length[sizes[s] - 1] < 5.0 * evolution.length[0]);
  }
}

/* Sums of squares of axes from 1 to 1000: the covariance has learned them. */
static void test_ellipsoid(void **state) {
  (void)state;
  struct evolution evolution = begun(8);
  const double value = evolve(&evolution, ellipsoid, 500, 4);
  printf("  %.1e, sigma %.1e, ratio of axes %.0f\n", value, evolution.sigma, evolution.length[7] / evolution.length[0]);
  assert_true(value < 1e-9 && evolution.length[7] > 100.0 * evolution.length[0]);
}

/* Groups of one value say nothing: the mean stays, sigma grows to its bound, and it is at its end. */
static void test_plain(void **state) {
  (void)state;
  struct evolution evolution = begun(4);
  (void)evolve(&evolution, plain, EVOLUTION_FLAT_MAX - 1, 5);
  assert_false(evolution_degenerate(&evolution));
  (void)evolve(&evolution, plain, 1, 5);
  assert_true(evolution_degenerate(&evolution) && evolution.sigma == 0.5);
  for (int i = 0; i < 4; i++) assert_true(evolution.mean[i] == 0.5);
}

/* Equal values share weights: their order in the group decides nothing but the order of sums. A far one is
 * shortened. */
static void test_samples(void **state) {
  (void)state;
  const double value[8] = {1, 1, 1, 2, (double)NAN, (double)NAN, 3, 3};
  double u[2][8 * 3], sigma[2], mean[2][3];
  for (int turn = 0; turn < 2; turn++) {
    struct evolution evolution = begun(3);
    double values[8];
    evolution.lambda = 8;
    for (int k = 0; k < 8; k++) {
      const int from = turn ? 7 - k : k;
      struct rng rng = rng_stream(6, RNG_TEST, (uint64_t)from, 0);
      rng_normal(&rng, u[turn] + 3 * k, 3);
      values[k] = value[from];
    }
    evolution_update(&evolution, u[turn], values);
    sigma[turn] = evolution.sigma;
    memcpy(mean[turn], evolution.mean, sizeof mean[turn]);
  }
  assert_true(fabs(sigma[0] - sigma[1]) < 1e-14);
  for (int i = 0; i < 3; i++) assert_true(fabs(mean[0][i] - mean[1][i]) < 1e-14);
  struct evolution evolution = begun(3);
  double far[8 * 3] = {1e6, -1e6, 1e6};
  evolution.lambda = 8;
  for (int i = 3; i < 24; i++) far[i] = 0.5;
  evolution_update(&evolution, far, (const double[8]){0, 1, 2, 3, 4, 5, 6, 7});
  for (int i = 0; i < 3; i++) assert_true(fabs(evolution.mean[i] - 0.5) < 0.3 * (sqrt(3.0) + 1.2));
  assert_true(evolution.sigma < 0.3 * 2.72 && evolution.sigma > 0.1);
}

/* By the method: 800 proposals come as near as groups do, and then it begins anew with twice as many, at another
 * place. */
static void test_method(void **state) {
  (void)state;
  const struct space space = objective_space(2);
  const struct method_task task = {.space = &space, .seed = 9, .metrics = 1};
  struct objective_history *h = objective_history_make();
  const double least = objective_minimise(&method_cmaes, &task, objective_branin, 800, 1, h) - 0.397887357729738;
  double near = 0.0, far = 0.0;
  for (int c = 0; c < 800; c++) {
    near = fmax(near, c >= 300 && c < 320 ? h->value[c] : 0.0);
    far = fmax(far, c >= 320 ? h->value[c] : 0.0);
  }
  printf("  %.1e above the minimum; largest of 300..319 %.3f, later %.1f\n", least, near, far);
  assert_true(least < 1e-12 && far > 10.0);
  free(h);
}

static void test_memory(void **state) {
  (void)state;
  const struct space space = objective_mixed_space();
  check_memory(&method_cmaes, &space, false);
}

static void test_bits(void **state) {
  (void)state;
  check_bits(&method_cmaes, 0x1.98dfff4622e63p-15);
}

static void test_edges(void **state) {
  (void)state;
  const struct space space = objective_mixed_space();
  check_edges(&method_cmaes, &space);
}

static void test_failures_repel(void **state) {
  (void)state;
  check_failures_repel(&method_cmaes, 160);
}

/* All values of a choice keep coming, also when sigma is small. */
static void test_choices(void **state) {
  (void)state;
  struct space space = objective_mixed_space();
  const struct method_task task = {.space = &space, .seed = 3, .metrics = 1};
  struct objective_history *h = objective_history_make();
  (void)objective_minimise(&method_cmaes, &task, objective_mixed, 400, 1, h);
  int chosen[3] = {0};
  for (int c = 300; c < 400; c++) chosen[(int)h->point[4 * c]]++;
  printf("  of the last hundred a %d, b %d, c %d\n", chosen[0], chosen[1], chosen[2]);
  assert_true(chosen[0] > 0 && chosen[2] > 0 && chosen[1] > 50);
  free(h);
}

static void test_beats_random(void **state) {
  (void)state;
  check_beats_random(&method_cmaes, seeds, 400);
}

static void test_rungs(void **state) {
  (void)state;
  check_rungs(&method_cmaes);
}

static void test_cost(void **state) {
  (void)state;
  assert_true(check_cost(&method_cmaes, 2) < 50.0);
  assert_true(check_cost(&method_cmaes, 20) < TESTING_ROUNDS(50.0, 500.0));
}

int main(int argc, char **argv) {
  if (argc > 1) seeds = atoi(argv[1]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sphere),  cmocka_unit_test(test_ellipsoid),    cmocka_unit_test(test_plain),
      cmocka_unit_test(test_samples), cmocka_unit_test(test_method),       cmocka_unit_test(test_memory),
      cmocka_unit_test(test_bits),    cmocka_unit_test(test_edges),        cmocka_unit_test(test_failures_repel),
      cmocka_unit_test(test_choices), cmocka_unit_test(test_beats_random), cmocka_unit_test(test_rungs),
      cmocka_unit_test(test_cost)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
