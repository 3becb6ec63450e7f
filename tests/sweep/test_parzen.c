/* Parzen windows: densities that add up to 1, and draws that follow them, in a space of every kind of parameter. */
#include "base/elementary.h"
#include "functions.h"
#include "sweep/parzen.h"

#include <stdio.h>

enum { LEARNT = 12, PARAMETERS = 7 };

/* Choices of unequal probabilities, one of which never comes; two of a condition; numbers; a constant. */
static struct space space_of_all(void) {
  static const double shares[4] = {0.5, 0, 0.2, 0.3}, wanted[2] = {0, 3};
  struct space space = function_space(PARAMETERS, 0, 1);
  struct distribution *d[PARAMETERS];
  for (int i = 0; i < PARAMETERS; i++) d[i] = &space.parameter[i].distribution;
  *d[0] = (struct distribution){.kind = DISTRIBUTION_CATEGORICAL_W_PROBABILITIES, .count = 4, .probability = shares};
  *d[1] = (struct distribution){.kind = DISTRIBUTION_BETA, .a = 2, .b = 5};
  *d[2] = (struct distribution){.kind = DISTRIBUTION_Q_LOG_UNIFORM_VALUES, .least = 1, .most = 30, .q = 1};
  *d[3] = (struct distribution){.kind = DISTRIBUTION_CONSTANT, .count = 1};
  *d[4] = (struct distribution){.kind = DISTRIBUTION_INT_UNIFORM, .least = -500, .most = 500};
  *d[5] = (struct distribution){.kind = DISTRIBUTION_INT_UNIFORM, .least = 4, .most = 4};
  *d[6] = (struct distribution){.kind = DISTRIBUTION_CATEGORICAL, .count = 3};
  for (int i = 1; i < PARAMETERS; i += 5) {
    space.parameter[i].condition[0] = (struct space_condition){.parameter = 0, .count = 2, .value = wanted};
    space.parameter[i].conditions = 1;
  }
  return space;
}

struct setting {
  struct space space;
  struct parzen_axes axes;
  struct parzen density;
  struct arena arena;
};

static void draw_point(const struct space *space, uint64_t index, double *point) {
  double u[PARAMETERS];
  for (int i = 0; i < space->count; i++) {
    struct rng rng = rng_stream(1, RNG_TEST, index, (uint32_t)i);
    u[i] = rng_uniform(&rng);
  }
  space_point(space, u, point);
}

/* Has learnt some points that lie together in the numbers, and one with the choice that never comes. */
static void open_setting(struct setting *setting) {
  *setting = (struct setting){.space = space_of_all()};
  assert_ok(parzen_axes_open(&setting->space, &setting->axes));
  parzen_allocate(&setting->axes, LEARNT, &setting->arena, &setting->density);
  assert_ok(arena_check(&setting->arena, "a test"));
  double place[LEARNT][PARAMETERS];
  int64_t member[LEARNT];
  for (int i = 0; i < LEARNT; i++) {
    double point[PARAMETERS];
    draw_point(&setting->space, (uint64_t)i, point);
    point[2] = 1 + i % 3;
    point[4] = -450 + 10 * i;
    point[6] = 1;
    if (i == 5) point[0] = 1;
    space_settle(&setting->space, point);
    parzen_place(&setting->axes, point, (double *)place + i * setting->axes.count);
    member[i] = LEARNT - 1 - i;
  }
  parzen_learn(&setting->density, LEARNT, member, (const double *)place);
}

static void close_setting(struct setting *setting) {
  arena_free(&setting->arena);
  parzen_axes_close(&setting->axes);
}

/* Kinds of axes; a cell's middle is a coordinate of its value. */
static void test_axes(void **state) {
  (void)state;
  struct setting setting;
  open_setting(&setting);
  const struct parzen_axes *axes = &setting.axes;
  const int parameter[5] = {0, 1, 2, 4, 6};
  const enum parzen_kind kind[5] = {PARZEN_CHOICES, PARZEN_CONTINUUM, PARZEN_NUMBERS, PARZEN_CONTINUUM, PARZEN_CHOICES};
  assert_int_equal(axes->count, 5);
  for (int a = 0; a < 5; a++) {
    assert_int_equal(axes->axis[a].parameter, parameter[a]);
    assert_int_equal(axes->axis[a].kind, kind[a]);
  }
  assert_int_equal(axes->axis[2].cells, 30);
  for (uint64_t i = 0; i < 300; i++) {
    double point[PARAMETERS], place[PARAMETERS], u[PARAMETERS], back[PARAMETERS];
    draw_point(&setting.space, i, point);
    parzen_place(axes, point, place);
    parzen_coordinates(axes, place, u);
    space_point(&setting.space, u, back);
    for (int p = 0; p < PARAMETERS; p++)
      assert_true(isnan(point[p]) ? isnan(back[p]) : fabs(point[p] - back[p]) <= 1e-12 * fabs(point[p]));
    if (!isnan(point[2])) assert_true(place[2] == point[2] - 1);
  }
  close_setting(&setting);
}

/* Which of some sets a point lies in: what the density and the draws have to agree on. */
enum { SETS = 8 };

static void count_sets(const double *point, double weight, double *sets) {
  sets[0] += weight;
  sets[1] += weight * (point[0] == 3);
  sets[2] += weight * (point[1] < 0.2);
  sets[3] += weight * (point[2] == 2);
  sets[4] += weight * (point[4] < -400);
  sets[5] += weight * (point[6] == 1);
  sets[6] += weight * isnan(point[1]);
  sets[7] += weight * (point[2] <= 3 && point[4] < -300 && point[0] == 0);
}

/* What the density says of the sets, from points of the prior, and what draws of it say. */
static void test_draws_follow_the_density(void **state) {
  (void)state;
  enum { DRAWS = TESTING_ROUNDS(20000, 4000) };
  struct setting setting;
  open_setting(&setting);
  double prior[SETS] = {0}, said[SETS] = {0}, square[SETS] = {0}, drawn[SETS] = {0};
  for (uint64_t i = 0; i < DRAWS; i++) {
    double point[PARAMETERS], place[PARAMETERS], u[PARAMETERS], one[SETS] = {0};
    draw_point(&setting.space, 1000 + i, point);
    parzen_place(&setting.axes, point, place);
    const double density = parzen_density(&setting.density, place);
    assert_true(density > 0.0 && density < 1e300);
    count_sets(point, 1.0 / DRAWS, prior);
    count_sets(point, density / DRAWS, said);
    count_sets(point, density, one);
    for (int s = 0; s < SETS; s++) square[s] += one[s] * one[s] / DRAWS;
    struct rng rng = rng_stream(2, RNG_TEST, i, 0);
    parzen_draw(&setting.density, &rng, place);
    parzen_coordinates(&setting.axes, place, u);
    space_point(&setting.space, u, point);
    count_sets(point, 1.0 / DRAWS, drawn);
  }
  for (int s = 0; s < SETS; s++) {
    const double error = sqrt((square[s] - said[s] * said[s] + drawn[s] * (1 - drawn[s])) / DRAWS);
    printf("  set %d: prior %.4f, density %.4f, draws %.4f, expected error %.4f\n", s, prior[s], said[s], drawn[s],
           error);
    assert_true(fabs(said[s] - drawn[s]) < 4.5 * error);
    if (s == 3 || s == 4 || s == 7) assert_true(drawn[s] > 1.3 * prior[s]);
  }
  close_setting(&setting);
}

static double width_of(const struct parzen_axis *axis, int64_t cell) { return axis->edge[cell + 1] - axis->edge[cell]; }

/* Over all places of choices and few numbers, one of them conditional, and a continuum by halves of thousandths. */
static void test_adds_up(void **state) {
  (void)state;
  struct setting setting;
  open_setting(&setting);
  const struct parzen_axis *axis = setting.axes.axis;
  double sum = 0, along = 0;
  for (int64_t a = 0; a < axis[0].cells; a++)
    for (int64_t b = 0; b < axis[2].cells; b++)
      for (int64_t c = 0; c < axis[4].cells; c++) {
        const double width = width_of(&axis[0], a) * width_of(&axis[2], b) * width_of(&axis[4], c);
        const double place[5] = {(double)a, NAN, (double)b, NAN, a == 0 || a == 3 ? (double)c : NAN};
        if (width > 0) sum += width * parzen_density(&setting.density, place);
      }
  assert_true(fabs(sum - 1) < 1e-12);
  for (int i = 0; i < 2000; i++) {
    const double place[5] = {NAN, NAN, NAN, (i + 0.5) / 2000, NAN};
    along += parzen_density(&setting.density, place) / 2000;
  }
  assert_true(fabs(along - 1) < 1e-5);
  close_setting(&setting);
}

/* One point, and numbers worked out by hand: f = (1 + K) / 2. */
static void test_kernels(void **state) {
  (void)state;
  struct space space = function_space(2, 0, 1);
  space.parameter[0].distribution = (struct distribution){.kind = DISTRIBUTION_CATEGORICAL, .count = 3};
  struct parzen_axes axes;
  struct arena arena = {.last = NULL};
  struct parzen density;
  const int64_t first[1] = {0};
  const double learnt[2] = {1, 0.25};
  assert_ok(parzen_axes_open(&space, &axes));
  parzen_allocate(&axes, 1, &arena, &density);
  assert_ok(arena_check(&arena, "a test"));
  parzen_learn(&density, 1, first, learnt);
  /* Choices: (2 * 3 + 3) / (2 + 3) and 3 / (2 + 3). */
  const double same[2] = {1, NAN}, other[2] = {2, NAN};
  assert_true(fabs(parzen_density(&density, same) - (1 + 1.8) / 2) < 1e-14);
  assert_true(fabs(parzen_density(&density, other) - (1 + 0.6) / 2) < 1e-14);
  /* The mean of .25 and 1/2 is .375, of their squares (1/16 + 1/3) / 2 = .1979166667; s = .2393568. */
  const double s = sqrt((1.0 / 16 + 1.0 / 3) / 2 - 0.375 * 0.375), root_half = sqrt(0.5);
  const double inside = 0.5 * (erf(0.75 / s * root_half) + erf(0.25 / s * root_half));
  const double near[2] = {NAN, 0.35};
  const double gauss = exp(-0.5 * 0.1 * 0.1 / (s * s)) / (s * sqrt(2 * 3.14159265358979323846)) / inside;
  assert_true(fabs(parzen_density(&density, near) - (1 + gauss) / 2) < 1e-13);
  arena_free(&arena);
  parzen_axes_close(&axes);
}

/* Without points it is the prior. */
static void test_of_nothing(void **state) {
  (void)state;
  struct setting setting;
  open_setting(&setting);
  parzen_learn(&setting.density, 0, NULL, NULL);
  for (uint64_t i = 0; i < 100; i++) {
    double point[PARAMETERS], place[PARAMETERS];
    draw_point(&setting.space, i, point);
    parzen_place(&setting.axes, point, place);
    assert_true(parzen_density(&setting.density, place) == 1.0);
  }
  close_setting(&setting);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_axes), cmocka_unit_test(test_draws_follow_the_density),
                                     cmocka_unit_test(test_adds_up), cmocka_unit_test(test_kernels),
                                     cmocka_unit_test(test_of_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
