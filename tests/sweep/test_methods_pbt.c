/* Population based training: who is exploited and by whom, what is explored; from histories written by hand. */
#include "sweep/method.h"
#include "testing.h"

#include <math.h>
#include <string.h>

enum { SIZE = 8, PARAMETERS = 6, ROOM = 3 * SIZE };

/* One parameter of each sort: a real, a whole number, multiples of q, a list, a conditional one, one without ends. */
enum { RATE, WHOLE, QUANTISED, LIST, CONDITIONAL, ENDLESS };
static const double shown = 2;
static struct space space_of_all(void) {
  static const struct space_choice choices[5] = {{"a", 1}, {"b", 2}, {"c", 3}, {"d", 4}, {"e", 5}};
  struct space space = {.count = PARAMETERS};
  for (int i = 0; i < PARAMETERS; i++) space.order[i] = i;
  space.parameter[RATE].distribution =
      (struct distribution){.kind = DISTRIBUTION_LOG_UNIFORM_VALUES, .least = 1e-4, .most = 1e-2};
  space.parameter[WHOLE].distribution = (struct distribution){.kind = DISTRIBUTION_INT_UNIFORM, .least = 1, .most = 20};
  space.parameter[QUANTISED].distribution =
      (struct distribution){.kind = DISTRIBUTION_Q_UNIFORM, .least = 0.25, .most = 4, .q = 0.25};
  space.parameter[LIST].distribution = (struct distribution){.kind = DISTRIBUTION_CATEGORICAL, .count = 5};
  space.parameter[LIST].choice = choices;
  space.parameter[CONDITIONAL].distribution =
      (struct distribution){.kind = DISTRIBUTION_UNIFORM, .least = 1, .most = 2};
  space.parameter[CONDITIONAL].condition[0] = (struct space_condition){.parameter = LIST, .count = 1, .value = &shown};
  space.parameter[CONDITIONAL].conditions = 1;
  space.parameter[ENDLESS].distribution = (struct distribution){.kind = DISTRIBUTION_NORMAL, .mu = 0, .sigma = 1};
  return space;
}

/* What is known of the generations before. */
struct known {
  double point[ROOM * PARAMETERS], value[ROOM];
  enum trial_state state[ROOM];
  int64_t step[ROOM];
  bool feasible[ROOM];
  struct history history;
};

/* Member i of each has come to i, so the first is the best. */
static void make_known(struct known *known) {
  static const double point[PARAMETERS] = {1e-3, 10, 2, 2, 1.5, -1};
  *known = (struct known){.history = {.count = SIZE, .known = SIZE}};
  for (int c = 0; c < ROOM; c++) {
    memcpy(known->point + c * PARAMETERS, point, sizeof point);
    known->point[c * PARAMETERS] = 1e-3 * (1 + 0.001 * c); /* to know them by */
    known->value[c] = c % SIZE;
    known->state[c] = TRIAL_COMPLETE;
    known->feasible[c] = true;
  }
  known->history.point = known->point;
  known->history.value = known->value;
  known->history.state = known->state;
  known->history.step = known->step;
  known->history.feasible = known->feasible;
}

static struct method_task task_of(const struct space *space, uint64_t seed) {
  return (struct method_task){
      .space = space,
      .seed = seed,
      .configurations = ROOM,
      .metrics = 1,
      .reports = 9,
      .population = {.size = SIZE, .every = 3, .quantile = 0.25, .factor = 1.2, .resample = 0.25}};
}

static void propose(const struct method_task *task, struct known *known, int64_t c, double point[PARAMETERS]) {
  bool exhausted = true;
  known->history.count = c;
  assert_ok(method_pbt.propose(task, NULL, &known->history, 0, point, &exhausted));
  assert_false(exhausted);
}

static int64_t origin(const struct method_task *task, struct known *known, int64_t c) {
  return method_pbt.origin(task, &known->history, c);
}

static void test_parts(void **state) {
  (void)state;
  static const int64_t expected[][4] = {{0, 0, 0, 3},  {7, 0, 0, 3},   {8, 8, 3, 6},
                                        {15, 8, 3, 6}, {16, 16, 6, 0}, {23, 16, 6, 0}};
  struct method_task task = {.reports = 9, .population = {.size = SIZE, .every = 3}};
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    const struct method_part part = method_pbt.part(&task, expected[i][0]);
    assert_int_equal(part.needed, expected[i][1]);
    assert_int_equal(part.begin, expected[i][2]);
    assert_int_equal(part.end, expected[i][3]);
  }
  task.reports = 7; /* the last generation is shorter */
  assert_int_equal(method_pbt.part(&task, 15).end, 6);
  assert_int_equal(method_pbt.part(&task, 16).end, 0);
  task.population.every = 7;
  assert_int_equal(method_pbt.part(&task, 0).end, 0);
}

/* Who begins where; each donor comes. exploited, donors: sets of members, a bit each. */
static void check_origins(struct known *known, int64_t generation, unsigned exploited, unsigned donors) {
  const struct space space = space_of_all();
  const int64_t first = generation * SIZE;
  unsigned seen = 0;
  for (uint64_t seed = 1; seed <= 60; seed++) {
    const struct method_task task = task_of(&space, seed);
    for (int64_t i = 0; i < SIZE; i++) {
      const int64_t from = origin(&task, known, first + i) - (first - SIZE);
      if (exploited >> i & 1u) {
        assert_true(from >= 0 && from < SIZE && (donors >> from & 1u));
        seen |= 1u << from;
      } else {
        assert_int_equal(from, i);
      }
    }
  }
  assert_int_equal(seen, exploited ? donors : 0);
}

static void test_exploited(void **state) {
  (void)state;
  struct known known;
  make_known(&known);
  check_origins(&known, 1, 0xc0, 0x03);
  check_origins(&known, 2, 0xc0, 0x03);
  known.value[0] = known.value[1] = 9; /* now the worst; of equal ones the lower number is the better */
  check_origins(&known, 1, 0x03, 0x0c);
  check_origins(&known, 2, 0xc0, 0x03); /* of its own generation alone */
  for (int i = 0; i < SIZE; i++) known.value[i] = 5;
  check_origins(&known, 1, 0xc0, 0x03);
}

/* What has no state to be gone on from is always exploited, and never a donor. */
static void test_failed(void **state) {
  (void)state;
  static const enum trial_state ended[] = {TRIAL_FAILED, TRIAL_DIVERGED, TRIAL_TIMEOUT, TRIAL_INFEASIBLE};
  struct known known;
  make_known(&known);
  for (int i = 0; i < 4; i++) {
    known.state[i] = ended[i];
    known.value[i] = i == 1 ? -1 : (double)NAN; /* it had been the best */
  }
  check_origins(&known, 1, 0x0f, 0x30);
  make_known(&known);
  known.value[0] = (double)NAN;
  check_origins(&known, 1, 0x81, 0x06);
  make_known(&known);
  known.feasible[0] = false;
  check_origins(&known, 1, 0x81, 0x06);
  for (int i = 0; i < SIZE; i++) known.feasible[i] = false; /* nobody is a donor but who is the first */
  check_origins(&known, 1, 0xc0, 0x01);
  for (int i = 0; i < SIZE; i++) known.state[i] = i == 5 ? TRIAL_COMPLETE : TRIAL_DIVERGED;
  check_origins(&known, 1, 0xdf, 0x20);
}

static void test_none_left(void **state) {
  (void)state;
  const struct space space = space_of_all();
  const struct method_task task = task_of(&space, 3);
  struct known known;
  double point[PARAMETERS];
  bool exhausted = false;
  make_known(&known);
  for (int i = 0; i < SIZE; i++) known.state[i] = TRIAL_DIVERGED;
  assert_ok(method_pbt.propose(&task, NULL, &known.history, 0, point, &exhausted));
  assert_true(exhausted);
  known.history.count = 0;
  assert_ok(method_pbt.propose(&task, NULL, &known.history, 0, point, &exhausted));
  assert_false(exhausted);
}

/* Quantiles of small populations: one at least, and of one member none. */
static void test_small(void **state) {
  (void)state;
  const struct space space = space_of_all();
  struct method_task task = task_of(&space, 3);
  struct known known;
  double point[PARAMETERS];
  make_known(&known);
  task.population.size = 2;
  assert_int_equal(origin(&task, &known, 2), 0);
  assert_int_equal(origin(&task, &known, 3), 0); /* exploited: 1 is worse */
  task.population.size = 1;
  assert_int_equal(origin(&task, &known, 1), 0);
  propose(&task, &known, 1, point);
  assert_memory_equal(point, known.point, sizeof point);
  task.population = (struct method_population){.size = 10, .every = 1, .quantile = 0.3}; /* 2.9999999 of them */
  int exploited = 0;
  for (int i = 0; i < 10; i++) known.value[i] = i;
  for (int i = 0; i < 10; i++) exploited += origin(&task, &known, 10 + i) != i;
  assert_int_equal(exploited, 3);
}

/* The first generation is drawn from the distributions; each configuration by itself, and by its seed. */
static void test_first(void **state) {
  (void)state;
  const struct space space = space_of_all();
  struct known known;
  double point[PARAMETERS], again[PARAMETERS], mean = 0;
  make_known(&known);
  for (int64_t c = 0; c < SIZE; c++)
    for (uint64_t seed = 1; seed <= 100; seed++) {
      const struct method_task task = task_of(&space, seed);
      propose(&task, &known, c, point);
      propose(&task, &known, c, again);
      assert_true(space_equal(&space, point, again));
      assert_int_equal(origin(&task, &known, c), -1);
      assert_true(point[RATE] >= 1e-4 && point[RATE] <= 1e-2 && point[LIST] >= 0 && point[LIST] <= 4);
      assert_true(isnan(point[CONDITIONAL]) == (point[LIST] != shown));
      mean += point[WHOLE] / (100 * SIZE);
      propose(&task, &known, (c + 1) % SIZE, again);
      assert_false(space_equal(&space, point, again));
    }
  assert_true(mean > 9.7 && mean < 11.3);
}

/* Members that go on have their points, to the bit. */
static void test_going_on(void **state) {
  (void)state;
  const struct space space = space_of_all();
  const struct method_task task = task_of(&space, 3);
  struct known known;
  double point[PARAMETERS];
  make_known(&known);
  for (int i = 0; i < 6; i++) {
    propose(&task, &known, SIZE + i, point);
    assert_memory_equal(point, known.point + i * PARAMETERS, sizeof point);
  }
}

static bool is_near(double a, double b) { return fabs(a - b) <= 1e-12 * fabs(b); }

/* How often each parameter of an exploited member was made larger and smaller, left, or drawn anew. */
struct turns {
  int up[PARAMETERS], down[PARAMETERS], left[PARAMETERS], anew[PARAMETERS];
};

static void count_turn(struct turns *turns, int i, double now, double larger, double smaller, double before) {
  if (is_near(now, before))
    turns->left[i] += 1;
  else if (is_near(now, larger))
    turns->up[i] += 1;
  else if (is_near(now, smaller))
    turns->down[i] += 1;
  else
    turns->anew[i] += 1;
}

enum { ROUNDS = 1000 };
static void count_turns(struct known *known, double resample, struct turns *turns) {
  const struct space space = space_of_all();
  *turns = (struct turns){.up = {0}};
  for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
    struct method_task task = task_of(&space, seed);
    double now[PARAMETERS];
    task.population.resample = resample;
    propose(&task, known, SIZE + 7, now);
    const double *before = known->point + origin(&task, known, SIZE + 7) * PARAMETERS;
    count_turn(turns, RATE, now[RATE], before[RATE] * 1.2, before[RATE] / 1.2, before[RATE]);
    count_turn(turns, WHOLE, now[WHOLE], 12, 8, 10);            /* 12, 8.3 */
    count_turn(turns, QUANTISED, now[QUANTISED], 2.5, 1.75, 2); /* 2.4, 1.67 */
    count_turn(turns, LIST, now[LIST], 3, 1, 2);
    if (now[LIST] == shown)
      count_turn(turns, CONDITIONAL, now[CONDITIONAL], 1.5 * 1.2, 1.5 / 1.2, 1.5);
    else
      assert_true(isnan(now[CONDITIONAL]));
    count_turn(turns, ENDLESS, now[ENDLESS], -1.2, -1 / 1.2, -1);
    assert_true(now[WHOLE] == rint(now[WHOLE]) && now[QUANTISED] == 0.25 * rint(4 * now[QUANTISED]));
  }
}

static void test_explored(void **state) {
  (void)state;
  static const int numbers[] = {RATE, ENDLESS};
  struct known known;
  struct turns turns;
  make_known(&known);
  count_turns(&known, 0, &turns);
  for (int i = 0; i < PARAMETERS; i++) {
    assert_int_equal(turns.anew[i], 0);
    assert_true(i == LIST || i == CONDITIONAL || turns.left[i] == 0);
    assert_true(i == CONDITIONAL || (turns.up[i] > 0.28 * ROUNDS && turns.down[i] > 0.28 * ROUNDS));
  }
  assert_true(turns.left[LIST] > 0.28 * ROUNDS && turns.left[LIST] < 0.39 * ROUNDS);
  count_turns(&known, 0.25, &turns);
  for (int i = 0; i < 2; i++) {
    const int p = numbers[i];
    assert_true(turns.anew[p] > 0.2 * ROUNDS && turns.anew[p] < 0.3 * ROUNDS);
    assert_true(turns.up[p] > 0.32 * ROUNDS && turns.down[p] > 0.32 * ROUNDS);
  }
  count_turns(&known, 1, &turns);
  assert_true(turns.anew[RATE] == ROUNDS && turns.anew[ENDLESS] == ROUNDS);
}

/* Nothing leaves its distribution; what takes part where it did not before is drawn. */
static void test_clipped(void **state) {
  (void)state;
  const struct space space = space_of_all();
  struct known known;
  double least[PARAMETERS], most[PARAMETERS], now[PARAMETERS];
  make_known(&known);
  for (int high = 0; high < 2; high++) {
    const double point[PARAMETERS] = {high ? 1e-2 : 1e-4, high ? 20 : 1, high ? 4 : 0.25, high ? 4 : 0, (double)NAN, 0};
    for (int c = 0; c < SIZE; c++) memcpy(known.point + c * PARAMETERS, point, sizeof point);
    memcpy(least, point, sizeof least);
    memcpy(most, point, sizeof most);
    bool drawn = false;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
      struct method_task task = task_of(&space, seed);
      task.population.resample = seed % 4 == 0 ? 0.25 : 0;
      propose(&task, &known, SIZE + 6, now);
      drawn = drawn || !isnan(now[CONDITIONAL]);
      for (int i = 0; i < CONDITIONAL; i++) {
        least[i] = fmin(least[i], now[i]);
        most[i] = fmax(most[i], now[i]);
      }
      assert_true(isnan(now[CONDITIONAL]) ? now[LIST] != shown : now[CONDITIONAL] >= 1 && now[CONDITIONAL] <= 2);
      assert_true(now[ENDLESS] != 0 || !signbit(now[ENDLESS]));
    }
    assert_true(drawn);
    assert_true(least[RATE] >= 1e-4 && most[RATE] <= 1e-2 && least[WHOLE] >= 1 && most[WHOLE] <= 20);
    assert_true(least[QUANTISED] >= 0.25 && most[QUANTISED] <= 4 && least[LIST] >= 0 && most[LIST] <= 4);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_parts),     cmocka_unit_test(test_exploited), cmocka_unit_test(test_failed),
      cmocka_unit_test(test_none_left), cmocka_unit_test(test_small),     cmocka_unit_test(test_first),
      cmocka_unit_test(test_going_on),  cmocka_unit_test(test_explored),  cmocka_unit_test(test_clipped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
