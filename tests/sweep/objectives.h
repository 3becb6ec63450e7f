/* Objectives with known minima, and a loop that minimises them as a sweep would: `window` configurations at a time. */
#ifndef HGN_TESTS_SWEEP_OBJECTIVES_H
#define HGN_TESTS_SWEEP_OBJECTIVES_H

#include "base/elementary.h"
#include "sweep/method.h"
#include "testing.h"

#include <stdlib.h>
#include <string.h>

enum { OBJECTIVE_MOST = 2048 };

struct objective {
  const char *name;
  int parameters;
  double (*value)(const double *x); /* of a point in the unit cube */
  double least;
};

/* Minimum 0.397887 at three places. */
static inline double objective_branin(const double *u) {
  const double pi = 0x1.921fb54442d18p+1, x = 15.0 * u[0] - 5.0, y = 15.0 * u[1];
  const double a = y - 5.1 / (4.0 * pi * pi) * x * x + 5.0 / pi * x - 6.0;
  return a * a + 10.0 * (1.0 - 1.0 / (8.0 * pi)) * elementary_cos(x) + 10.0;
}

/* Minimum -3.32237. */
static inline double objective_hartmann6(const double *u) {
  static const double weight[4] = {1.0, 1.2, 3.0, 3.2};
  static const double a[4][6] = {
      {10, 3, 17, 3.5, 1.7, 8}, {.05, 10, 17, .1, 8, 14}, {3, 3.5, 1.7, 10, 17, 8}, {17, 8, .05, 10, .1, 14}};
  static const double p[4][6] = {{.1312, .1696, .5569, .0124, .8283, .5886},
                                 {.2329, .4135, .8307, .3736, .1004, .9991},
                                 {.2348, .1451, .3522, .2883, .3047, .6650},
                                 {.4047, .8828, .8732, .5743, .1091, .0381}};
  double sum = 0.0;
  for (int i = 0; i < 4; i++) {
    double square = 0.0;
    for (int j = 0; j < 6; j++) square += a[i][j] * (u[j] - p[i][j]) * (u[j] - p[i][j]);
    sum -= weight[i] * elementary_exp(-square);
  }
  return sum;
}

/* Twenty dimensions, minimum 0 away from the middle. */
static inline double objective_sphere20(const double *u) {
  double sum = 0.0;
  for (int i = 0; i < 20; i++) sum += (u[i] - 0.3 - 0.02 * i) * (u[i] - 0.3 - 0.02 * i);
  return sum;
}

static const struct objective objective_all[3] = {{"branin", 2, objective_branin, 0.397887},
                                                  {"hartmann6", 6, objective_hartmann6, -3.32237},
                                                  {"sphere20", 20, objective_sphere20, 0.0}};

/* `count` parameters uniform on 0..1, so that a point is its coordinates. */
static inline struct space objective_space(int count) {
  struct space space = {.count = count};
  for (int i = 0; i < count; i++) {
    space.order[i] = i;
    space.parameter[i].name = "x";
    space.parameter[i].distribution = (struct distribution){.kind = DISTRIBUTION_UNIFORM, .least = 0, .most = 1};
  }
  return space;
}

/* A choice of three, a whole number, a logarithmic one, and one that only the second alternative has. */
static inline struct space objective_mixed_space(void) {
  static const double second = 1.0;
  static const struct space_choice choice[3] = {{"a", (double)NAN}, {"b", (double)NAN}, {"c", (double)NAN}};
  struct space space = objective_space(4);
  space.parameter[0].distribution = (struct distribution){.kind = DISTRIBUTION_CATEGORICAL, .count = 3};
  space.parameter[0].choice = choice;
  space.parameter[1].distribution = (struct distribution){.kind = DISTRIBUTION_INT_UNIFORM, .least = 1, .most = 8};
  space.parameter[2].distribution =
      (struct distribution){.kind = DISTRIBUTION_LOG_UNIFORM_VALUES, .least = 1e-5, .most = 1e-1};
  space.parameter[3].conditions = 1;
  space.parameter[3].condition[0] = (struct space_condition){.parameter = 0, .count = 1, .value = &second};
  return space;
}

/* Minimum 0 at b, 6, 1e-3, 0.7; without the second alternative 0.3 at the least. */
static inline double objective_mixed(const double *point) {
  const double steps = (point[1] - 6.0) / 8.0, decades = elementary_log(point[2] / 1e-3) / 9.2;
  const double rest = isnan(point[3]) ? 0.3 + 0.1 * point[0] : (point[3] - 0.7) * (point[3] - 0.7);
  return steps * steps + decades * decades + rest;
}

/* A history that owns its arrays. */
struct objective_history {
  struct history history;
  double point[OBJECTIVE_MOST * 20], value[OBJECTIVE_MOST];
  enum trial_state state[OBJECTIVE_MOST];
  int64_t step[OBJECTIVE_MOST];
  bool feasible[OBJECTIVE_MOST];
};

static inline struct objective_history *objective_history_make(void) {
  struct objective_history *h = calloc(1, sizeof *h);
  assert_non_null(h);
  h->history = (struct history){
      .point = h->point, .state = h->state, .value = h->value, .step = h->step, .feasible = h->feasible};
  return h;
}

static inline void objective_append(const struct space *space, struct objective_history *h, const double *point,
                                    double value) {
  const int64_t c = h->history.count++;
  assert_true(c < OBJECTIVE_MOST && space->count <= 20);
  memcpy(h->point + c * space->count, point, (size_t)space->count * sizeof *point);
  h->value[c] = value;
  h->state[c] = isnan(value) ? TRIAL_DIVERGED : TRIAL_COMPLETE;
  h->feasible[c] = true;
}

static inline bool objective_is_new(const struct space *space, const struct objective_history *h, const double *point) {
  for (int64_t c = 0; c < h->history.count; c++)
    if (space_equal(space, h->point + c * space->count, point)) return false;
  return true;
}

/* Goes on to `budget` configurations; returns the least value. As search.c does it. */
static inline double objective_minimise(const struct method_kind *method, const struct method_task *task,
                                        double (*value)(const double *), int64_t budget, int64_t window,
                                        struct objective_history *h) {
  void *memory = NULL;
  double least = (double)INFINITY, point[SPACE_PARAMETERS_MAX];
  if (method->open) assert_ok(method->open(task, &memory));
  for (int64_t draw = 0; h->history.count < budget; draw++) {
    bool exhausted = true;
    h->history.known = h->history.count >= window ? h->history.count - window + 1 : 0;
    assert_ok(method->propose(task, memory, method->learns ? &h->history : NULL, draw, point, &exhausted));
    assert_false(exhausted || draw > 100 * budget);
    if (!objective_is_new(task->space, h, point)) continue;
    objective_append(task->space, h, point, value(point));
    least = fmin(least, h->value[h->history.count - 1]);
  }
  if (method->close) method->close(memory);
  return least;
}

static inline int objective_ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static inline double objective_middle(double *values, int count) {
  qsort(values, (size_t)count, sizeof *values, objective_ascending);
  return count % 2 ? values[count / 2] : 0.5 * (values[count / 2 - 1] + values[count / 2]);
}

/* The median over seeds 1.. of the least value. */
static inline double objective_median(const struct method_kind *method, const struct space *space,
                                      double (*value)(const double *), int64_t budget, int64_t window, int seeds) {
  double least[64];
  assert_true(seeds <= 64);
  for (int s = 0; s < seeds; s++) {
    const struct method_task task = {.space = space, .seed = (uint64_t)s + 1, .configurations = budget, .metrics = 1};
    struct objective_history *h = objective_history_make();
    least[s] = objective_minimise(method, &task, value, budget, window, h);
    free(h);
  }
  return objective_middle(least, seeds);
}

#endif
