/* Search methods: draws by seed and number alone; grids, strata and nets that are hit once; what a draw costs. */
#include "base/elementary.h"
#include "base/rng.h"
#include "objectives.h"
#include "sweep/method.h"
#include "sweep/sobol.h"
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void propose(const struct method_kind *method, const struct method_task *task, int64_t draw, double *point) {
  bool exhausted = true;
  assert_ok(method->propose(task, NULL, NULL, draw, point, &exhausted));
  assert_false(exhausted);
}

static void test_names(void **state) {
  (void)state;
  int count = 0;
  for (; method_name(count); count++) assert_string_equal(method_find(method_name(count))->name, method_name(count));
  assert_int_equal(count, 8);
  assert_null(method_name(-1));
  assert_false(method_find("Random") || method_find("") || method_find("gri"));
  assert_string_equal(trial_state_name(TRIAL_PREEMPTED), "preempted");
  assert_null(trial_state_name(TRIAL_STATE_COUNT));
  assert_null(trial_state_name((enum trial_state) - 1));
  assert_true(trial_ended(TRIAL_PRUNED) && !trial_ended(TRIAL_LOST) && !trial_ended(TRIAL_STATE_COUNT));
}

static void test_grid(void **state) {
  (void)state;
  struct space space = objective_space(2);
  for (int i = 0; i < 2; i++)
    space.parameter[i].distribution =
        (struct distribution){.kind = DISTRIBUTION_INT_UNIFORM, .least = 1, .most = 3 + i};
  const struct method_task task = {.space = &space};
  double point[2];
  for (int i = 0; i < 12; i++) {
    propose(&method_grid, &task, i, point);
    assert_true(point[0] == 1 + i / 4 && point[1] == 1 + i % 4);
  }
  bool exhausted = false;
  assert_ok(method_grid.propose(&task, NULL, NULL, 12, point, &exhausted));
  assert_true(exhausted);
}

/* Any draw in any order gives the same; another seed, draw or parameter another. */
static void test_random_access(void **state) {
  (void)state;
  enum { DRAWS = 300, PARAMETERS = 5 };
  const struct method_kind *const methods[] = {&method_random, &method_sobol, &method_lhs};
  const struct space space = objective_space(PARAMETERS);
  for (int m = 0; m < 3; m++) {
    struct method_task task = {.space = &space, .seed = 7, .configurations = 100};
    double forth[DRAWS][PARAMETERS], back[DRAWS][PARAMETERS];
    for (int d = 0; d < DRAWS; d++) propose(methods[m], &task, d, forth[d]);
    for (int d = DRAWS - 1; d >= 0; d--) propose(methods[m], &task, d, back[d]);
    assert_memory_equal(forth, back, sizeof forth);
    task.seed = 8;
    double mean = 0.0, product = 0.0;
    for (int d = 0; d < DRAWS; d++) {
      propose(methods[m], &task, d, back[d]);
      for (int i = 0; i < PARAMETERS; i++) {
        assert_true(forth[d][i] > 0.0 && forth[d][i] < 1.0 && forth[d][i] != back[d][i]);
        mean += forth[d][i] / (DRAWS * PARAMETERS);
        product += (forth[d][i] - 0.5) * (back[d][i] - 0.5) / (DRAWS * PARAMETERS);
      }
    }
    assert_true(fabs(mean - 0.5) < 5.0 / sqrt(12.0 * DRAWS * PARAMETERS));
    assert_true(fabs(product) < 5.0 / 12.0 / sqrt(DRAWS * PARAMETERS));
  }
}

/* The coordinates of random are those of the streams, parameter by parameter. */
static void test_random(void **state) {
  (void)state;
  const struct space space = objective_space(3);
  const struct method_task task = {.space = &space, .seed = UINT64_C(0x123456789abcdef0)};
  double point[3];
  propose(&method_random, &task, INT64_C(1) << 40, point);
  for (unsigned i = 0; i < 3; i++) {
    struct rng rng = rng_stream(task.seed, RNG_SEARCH, UINT64_C(1) << 40, i);
    assert_true(point[i] == rng_uniform(&rng));
  }
}

/* The first points of the paper's Figure 1, in the order of the Gray code; all dimensions: test_scipy.sh. */
static void test_sobol_points(void **state) {
  (void)state;
  const double want[8][3] = {{0, 0, 0},          {.5, .5, .5},       {.75, .25, .25},    {.25, .75, .75},
                             {.375, .375, .625}, {.875, .875, .125}, {.625, .125, .875}, {.125, .625, .375}};
  for (uint32_t n = 0; n < 8; n++)
    for (int d = 0; d < 3; d++) assert_true(sobol_point(d, n) * 0x1p-32 == want[n][d]);
  /* The last index uses the highest direction: 2^31 - 1 is 1 0 .. 0 as a Gray code, of 31 bits. */
  assert_int_equal(sobol_point(0, UINT32_C(0x7fffffff)), 2);
}

/* Each of 2^k intervals is hit once by 2^k points that begin at a multiple of 2^k, in every dimension; and of the first
 * two dimensions, a (0, m, 2)-net, every box of 2^-i by 2^(i-k). */
static void test_sobol_is_a_net(void **state) {
  (void)state;
  enum { BITS = 10, POINTS = 1 << BITS };
  static double x[SOBOL_DIMENSIONS][POINTS];
  for (uint64_t seed = 0; seed < 3; seed++) {
    const uint32_t first = (uint32_t)seed * 5 * POINTS;
    for (int d = 0; d < SOBOL_DIMENSIONS; d++) {
      bool hit[POINTS] = {false};
      for (uint32_t n = 0; n < POINTS; n++) {
        x[d][n] = sobol_scrambled(seed, d, first + n);
        assert_true(x[d][n] > 0.0 && x[d][n] < 1.0);
        int cell = (int)(x[d][n] * POINTS);
        assert_false(hit[cell]);
        hit[cell] = true;
      }
    }
    for (int i = 0; i <= BITS; i++) {
      bool hit[POINTS] = {false};
      for (int n = 0; n < POINTS; n++) {
        int cell = (int)(x[0][n] * (1 << i)) << (BITS - i) | (int)(x[1][n] * (1 << (BITS - i)));
        assert_false(hit[cell]);
        hit[cell] = true;
      }
    }
  }
}

/* Nested: points that agree in k digits and differ in the next do so afterwards; over seeds each digit is flipped half
 * of the times, and below different prefixes by different coins. */
static void test_scrambling(void **state) {
  (void)state;
  enum { SEEDS = 4000, DIGITS = 20 };
  for (int level = 0; level < DIGITS; level++) {
    int flips = 0, alike = 0;
    uint32_t a = 12345 + (uint32_t)level, b = a, pa = sobol_point(0, a);
    while ((sobol_point(0, b) ^ pa) >> (31 - level) != 1) b++;
    uint32_t pb = sobol_point(0, b);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
      uint32_t sa = (uint32_t)(sobol_scrambled(seed, 0, a) * 0x1p32);
      uint32_t sb = (uint32_t)(sobol_scrambled(seed, 0, b) * 0x1p32);
      assert_int_equal((sa ^ sb) >> (31 - level), 1);
      flips += ((sa ^ pa) >> (31 - level) & 1) == 1;
      alike += (((sa ^ pa) ^ (sb ^ pb)) >> (30 - level) & 1) == 0;
    }
    assert_true(abs(flips - SEEDS / 2) < 5 * 32); /* sqrt(4000 / 4) = 32 */
    assert_true(abs(alike - SEEDS / 2) < 5 * 32);
  }
}

static void test_sobol_ends(void **state) {
  (void)state;
  const struct space space = objective_space(1);
  const struct method_task task = {.space = &space};
  double point[1];
  bool exhausted;
  propose(&method_sobol, &task, SOBOL_POINTS - 1, point);
  assert_ok(method_sobol.propose(&task, NULL, NULL, SOBOL_POINTS, point, &exhausted));
  assert_true(exhausted);
}

/* Every stratum of every parameter once a block, for small, odd and large N; blocks and parameters in other orders. */
static void test_strata(void **state) {
  (void)state;
  static const int64_t sizes[] = {1, 2, 3, 4, 5, 10, 16, 17, 100, 1000, 4097};
  enum { PARAMETERS = 3, BLOCKS = 3, MOST = 4097 };
  static int64_t order[PARAMETERS * BLOCKS][MOST];
  const struct space space = objective_space(PARAMETERS);
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    const int64_t size = sizes[s];
    const struct method_task task = {.space = &space, .seed = 3, .configurations = size};
    static bool hit[PARAMETERS * BLOCKS][MOST];
    memset(hit, 0, sizeof hit);
    for (int64_t draw = 0; draw < size * BLOCKS; draw++) {
      double point[PARAMETERS];
      propose(&method_lhs, &task, draw, point);
      for (int i = 0; i < PARAMETERS; i++) {
        int64_t row = draw / size * PARAMETERS + i, stratum = (int64_t)(point[i] * (double)size);
        assert_false(hit[row][stratum]);
        hit[row][stratum] = true;
        order[row][draw % size] = stratum;
      }
    }
    for (int a = 0; size >= 100 && a < PARAMETERS * BLOCKS; a++)
      for (int b = 0; b < a; b++) assert_memory_not_equal(order[a], order[b], (size_t)size * sizeof order[0][0]);
  }
}

/* Of three draws all six orders come alike, and the places in a stratum are uniform: chi square. */
static void test_strata_orders(void **state) {
  (void)state;
  enum { BLOCKS = 60000, PLACES = 10 };
  const struct space space = objective_space(1);
  const struct method_task task = {.space = &space, .seed = 4, .configurations = 3};
  double orders[9] = {0}, places[PLACES] = {0}, chi = 0.0, chi_places = 0.0;
  for (int64_t block = 0; block < BLOCKS; block++) {
    int stratum[3];
    for (int i = 0; i < 3; i++) {
      double point[1];
      propose(&method_lhs, &task, 3 * block + i, point);
      stratum[i] = (int)(3.0 * point[0]);
      places[(int)(PLACES * (3.0 * point[0] - stratum[i]))]++;
    }
    orders[3 * stratum[0] + stratum[1]]++;
  }
  for (int o = 0; o < 9; o++)
    if (o % 4 != 0) chi += (orders[o] - BLOCKS / 6.0) * (orders[o] - BLOCKS / 6.0) / (BLOCKS / 6.0);
  for (int p = 0; p < PLACES; p++)
    chi_places += (places[p] - 3.0 * BLOCKS / PLACES) * (places[p] - 3.0 * BLOCKS / PLACES) / (3.0 * BLOCKS / PLACES);
  printf("  chi square: orders %.1f of 5, places %.1f of 9\n", chi, chi_places);
  assert_true(chi < 31.0 && chi_places < 41.0); /* p = 1e-5 each */
}

static void test_strata_many(void **state) {
  (void)state;
  const struct space space = objective_space(2);
  const struct method_task many = {.space = &space, .seed = 3, .configurations = INT64_MAX};
  const struct method_task standard = {.space = &space, .seed = 3};
  double point[2];
  for (int64_t draw = 0; draw < 1000; draw++) {
    propose(&method_lhs, &many, draw << 35, point);
    assert_true(point[0] > 0.0 && point[0] < 1.0);
    propose(&method_lhs, &standard, draw << 35, point);
    assert_true(point[0] > 0.0 && point[0] < 1.0);
  }
}

/* Bits that are promised: another machine, compiler or version has to give the same sweep. */
static void test_bits(void **state) {
  (void)state;
  struct space space = objective_space(2);
  space.parameter[0].distribution =
      (struct distribution){.kind = DISTRIBUTION_LOG_UNIFORM_VALUES, .least = 1e-5, .most = 1e-2};
  space.parameter[1].distribution = (struct distribution){.kind = DISTRIBUTION_BETA, .a = 2, .b = 5};
  const struct method_task task = {.space = &space, .seed = 1, .configurations = 10};
  const struct method_kind *const methods[] = {&method_random, &method_sobol, &method_lhs};
  static const double want[3][2] = {{0x1.a3fdbb544b34ap-12, 0x1.44de64f5f809cp-2},
                                    {0x1.c37d06a739486p-16, 0x1.26077d8d049f4p-3},
                                    {0x1.0e52025868aa2p-7, 0x1.9e637ecd774cfp-3}};
  int same = 0;
  for (int m = 0; m < 3; m++) {
    double point[2];
    propose(methods[m], &task, 5, point);
    printf("  %s: %a %a\n", methods[m]->name, point[0], point[1]);
    same += point[0] == want[m][0] && point[1] == want[m][1];
  }
  assert_int_equal(same, 3);
}

/* ns a draw of two parameters. Bounds are wide: sanitizers and other programs run beside it. */
static void test_cost(void **state) {
  (void)state;
  enum { DRAWS = 100000 };
  struct space space = objective_space(2);
  space.parameter[0].distribution =
      (struct distribution){.kind = DISTRIBUTION_LOG_UNIFORM_VALUES, .least = 1e-5, .most = 1e-2};
  const struct method_task task = {.space = &space, .seed = 1, .configurations = 1000};
  const struct method_kind *const methods[] = {&method_random, &method_sobol, &method_lhs};
  for (int m = 0; m < 3; m++) {
    struct timespec begin, end;
    double point[2], sum = 0.0;
    bool exhausted;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int64_t draw = 0; draw < DRAWS; draw++) {
      assert_ok(methods[m]->propose(&task, NULL, NULL, draw, point, &exhausted));
      sum += point[0];
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double ns = ((double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec)) / DRAWS;
    printf("  %s: %.0f ns a draw (mean %.3g)\n", methods[m]->name, ns, sum / DRAWS);
    assert_true(ns < 100000.0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),         cmocka_unit_test(test_grid),         cmocka_unit_test(test_random_access),
      cmocka_unit_test(test_random),        cmocka_unit_test(test_sobol_points), cmocka_unit_test(test_sobol_is_a_net),
      cmocka_unit_test(test_scrambling),    cmocka_unit_test(test_sobol_ends),   cmocka_unit_test(test_strata),
      cmocka_unit_test(test_strata_orders), cmocka_unit_test(test_strata_many),  cmocka_unit_test(test_bits),
      cmocka_unit_test(test_cost)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
