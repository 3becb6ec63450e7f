/* Fronts, hypervolumes and the best of several metrics, against what counting gives. */
#include "base/rng.h"
#include "sweep/pareto.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { POINTS = 40 };

static double value[1000 * PARETO_METRICS_MAX];

/* On a lattice of `levels`, so that many are equal. */
static void fill(struct rng *rng, int metrics, int count, uint64_t levels) {
  for (int i = 0; i < count * metrics; i++) value[i] = (double)rng_below(rng, levels) / (double)levels;
}

static void test_dominates(void **state) {
  (void)state;
  const double a[2] = {1, 2}, b[2] = {1, 3}, c[2] = {2, 1};
  assert_true(pareto_dominates(2, a, b) && !pareto_dominates(2, b, a));
  assert_false(pareto_dominates(2, a, c) || pareto_dominates(2, c, a) || pareto_dominates(2, a, a));
}

/* By the definition: a point's front is one after the last front of those that dominate it. */
static int64_t front_of(int metrics, int count, int point, int64_t *known) {
  if (known[point] >= 0) return known[point];
  int64_t front = 0;
  for (int i = 0; i < count; i++)
    if (pareto_dominates(metrics, value + i * metrics, value + point * metrics)) {
      const int64_t other = front_of(metrics, count, i, known) + 1;
      front = other > front ? other : front;
    }
  known[point] = front;
  return front;
}

static void test_ranks(void **state) {
  (void)state;
  struct rng rng = rng_stream(1, RNG_TEST, 0, 0);
  for (int round = 0; round < 400; round++) {
    const int metrics = 1 + round % 5, count = (int)rng_below(&rng, POINTS + 1);
    int64_t rank[POINTS], want[POINTS];
    fill(&rng, metrics, count, 2 + rng_below(&rng, 30));
    memset(want, -1, sizeof want);
    assert_ok(pareto_ranks(metrics, count, value, count, rank));
    for (int i = 0; i < count; i++) assert_int_equal(rank[i], front_of(metrics, count, i, want));
    /* Fewer: whole fronts until there are enough, then one number for all others. */
    const int64_t enough = (int64_t)rng_below(&rng, POINTS);
    assert_ok(pareto_ranks(metrics, count, value, enough, rank));
    int64_t fronts = 0, ranked = 0;
    for (; ranked < enough && ranked < count; fronts++)
      for (int i = 0; i < count; i++) ranked += want[i] == fronts;
    for (int i = 0; i < count; i++) assert_int_equal(rank[i], want[i] < fronts ? want[i] : fronts);
  }
}

/* Counts the cells of a lattice that are dominated: exact where values are on it. */
static double counted(int metrics, int count, int levels, int reference) {
  int64_t cells = 1, covered = 0;
  for (int m = 0; m < metrics; m++) cells *= reference;
  for (int64_t c = 0; c < cells; c++) {
    bool inside = false;
    for (int i = 0; i < count && !inside; i++) {
      int64_t rest = c;
      inside = true;
      for (int m = 0; m < metrics; m++, rest /= reference)
        inside = inside && value[i * metrics + m] * levels <= (double)(rest % reference) + 0.5;
    }
    covered += inside;
  }
  return (double)covered / pow(levels, metrics);
}

static void test_hypervolume(void **state) {
  (void)state;
  struct rng rng = rng_stream(1, RNG_TEST, 1, 0);
  for (int round = 0; round < 300; round++) {
    const int metrics = 1 + round % 5, count = (int)rng_below(&rng, 13), levels = 8;
    const int reference = 4 + (int)rng_below(&rng, 5);
    double references[5], volume = -1;
    for (int m = 0; m < metrics; m++) references[m] = (double)reference / levels;
    fill(&rng, metrics, count, (uint64_t)levels);
    assert_ok(pareto_hypervolume(metrics, count, value, references, &volume));
    assert_true(fabs(volume - counted(metrics, count, levels, reference)) < 1e-12);
  }
}

/* A quarter of the unit circle, a sphere's eighth: what is beyond them, as points grow dense. */
static void test_known_volumes(void **state) {
  (void)state;
  const double pi = 3.14159265358979323846, reference[3] = {1, 1, 1};
  double volume;
  for (int i = 0; i < 1000; i++) {
    value[2 * i] = 1 - cos(0.5 * pi * (i + 0.5) / 1000);
    value[2 * i + 1] = 1 - sin(0.5 * pi * (i + 0.5) / 1000);
  }
  assert_ok(pareto_hypervolume(2, 1000, value, reference, &volume));
  assert_true(fabs(volume - pi / 4) < 1e-3);
  for (int i = 0; i < 900; i++) {
    const double a = 0.5 * pi * (i / 30 + 0.5) / 30, b = 0.5 * pi * (i % 30 + 0.5) / 30;
    value[3 * i] = 1 - cos(a) * cos(b);
    value[3 * i + 1] = 1 - cos(a) * sin(b);
    value[3 * i + 2] = 1 - sin(a);
  }
  assert_ok(pareto_hypervolume(3, 900, value, reference, &volume));
  assert_true(fabs(volume - pi / 6) < 0.03);
}

/* Of the members of a front that were taken, scaled to 0..1 over the front. */
static double scaled_volume(int metrics, int count, const int64_t *rank, const int64_t *taken, int takes) {
  double part[POINTS * 4], reference[4], volume = -1;
  for (int m = 0; m < metrics; m++) {
    double least = INFINITY, most = -INFINITY;
    for (int i = 0; i < count; i++) {
      if (rank[i] != rank[taken[0]]) continue;
      least = fmin(least, value[i * metrics + m]);
      most = fmax(most, value[i * metrics + m]);
    }
    for (int t = 0; t < takes; t++)
      part[t * metrics + m] = most > least ? (value[taken[t] * metrics + m] - least) / (most - least) : 0;
    reference[m] = 1.1;
  }
  assert_ok(pareto_hypervolume(metrics, takes, part, reference, &volume));
  return volume;
}

/* Whole fronts, then always the one that adds most: nothing else in its place would have added more. */
static void check_choice(int metrics, int count, const int64_t *chosen, int most) {
  int64_t rank[POINTS], tried[POINTS];
  bool used[POINTS] = {false};
  memset(rank, -1, sizeof rank);
  for (int i = 0; i < count; i++) (void)front_of(metrics, count, i, rank);
  int begin = 0;
  for (int c = 0; c < most; c++) {
    assert_true(chosen[c] >= 0 && chosen[c] < count && !used[chosen[c]]);
    used[chosen[c]] = true;
    if (c > 0 && rank[chosen[c]] != rank[chosen[c - 1]]) begin = c;
    for (int i = 0; i < count; i++) assert_true(used[i] || rank[i] >= rank[chosen[c]]);
    int members = 0;
    for (int i = 0; i < count; i++) members += rank[i] == rank[chosen[c]];
    if (begin + members <= most) continue;
    memcpy(tried, chosen, (size_t)(c + 1) * sizeof *tried);
    const double volume = scaled_volume(metrics, count, rank, chosen + begin, c - begin + 1);
    for (int i = 0; i < count; i++) {
      if (used[i] || rank[i] != rank[chosen[c]]) continue;
      tried[c] = i;
      assert_true(scaled_volume(metrics, count, rank, tried + begin, c - begin + 1) < volume + 1e-12);
    }
  }
}

static void test_select(void **state) {
  (void)state;
  struct rng rng = rng_stream(1, RNG_TEST, 2, 0);
  for (int round = 0; round < 600; round++) {
    const int metrics = 2 + round % 3, count = 2 + (int)rng_below(&rng, POINTS - 2);
    const int most = (int)rng_below(&rng, (uint64_t)count + 1);
    int64_t chosen[POINTS];
    double kept[POINTS * 4];
    fill(&rng, metrics, count, 2 + rng_below(&rng, round % 2 ? 60 : 1000000));
    memcpy(kept, value, sizeof kept);
    /* Other units, and values whose differences are not finite. */
    if (round % 4 > 1)
      for (int i = 0; i < count * metrics; i++) value[i] = (2 * value[i] - 1) * (i % metrics ? 0x1.bp+1023 : 0x1p-300);
    assert_ok(pareto_select(metrics, count, value, most, chosen));
    memcpy(value, kept, sizeof kept);
    check_choice(metrics, count, chosen, most);
  }
}

/* Equals come by their indices, and after what adds anything. */
static void test_select_equals(void **state) {
  (void)state;
  const double equal[6][2] = {{0.5, 0.5}, {0.5, 0.5}, {0, 1}, {0.5, 0.5}, {1, 0}, {0, 1}};
  int64_t chosen[5];
  assert_ok(pareto_select(2, 6, equal[0], 5, chosen));
  const int64_t want[5] = {0, 2, 4, 1, 3};
  assert_memory_equal(chosen, want, sizeof want);
  assert_ok(pareto_select(2, 2, equal[0], 1, chosen));
  assert_int_equal(chosen[0], 0);
  assert_ok(pareto_select(2, 6, equal[0], 0, chosen));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_dominates),   cmocka_unit_test(test_ranks),
                                     cmocka_unit_test(test_hypervolume), cmocka_unit_test(test_known_volumes),
                                     cmocka_unit_test(test_select),      cmocka_unit_test(test_select_equals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
