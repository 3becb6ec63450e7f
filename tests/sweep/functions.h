/* Functions to be minimised, and a loop that lets a search method do so: what a sweep does, without one. */
#ifndef HGN_TESTS_SWEEP_FUNCTIONS_H
#define HGN_TESTS_SWEEP_FUNCTIONS_H

#include "base/elementary.h"
#include "sweep/method.h"
#include "testing.h"

#include <string.h>

enum { FUNCTION_POINTS_MAX = 1200, FUNCTION_METRICS_MAX = 4, FUNCTION_PARAMETERS_MAX = 20 };

/* Least value .397887. x in -5..10, 0..15. */
static inline double function_branin(const double *x) {
  const double pi = 3.14159265358979323846;
  const double a = x[1] - 5.1 / (4 * pi * pi) * x[0] * x[0] + 5 / pi * x[0] - 6;
  return a * a + 10 * (1 - 1 / (8 * pi)) * elementary_cos(x[0]) + 10;
}

/* Least value -3.32237. x in 0..1, six of them. */
static inline double function_hartmann(const double *x) {
  static const double alpha[4] = {1, 1.2, 3, 3.2};
  static const double a[4][6] = {
      {10, 3, 17, 3.5, 1.7, 8}, {.05, 10, 17, .1, 8, 14}, {3, 3.5, 1.7, 10, 17, 8}, {17, 8, .05, 10, .1, 14}};
  static const double p[4][6] = {{.1312, .1696, .5569, .0124, .8283, .5886},
                                 {.2329, .4135, .8307, .3736, .1004, .9991},
                                 {.2348, .1451, .3522, .2883, .3047, .6650},
                                 {.4047, .8828, .8732, .5743, .1091, .0381}};
  double sum = 0;
  for (int i = 0; i < 4; i++) {
    double square = 0;
    for (int j = 0; j < 6; j++) square += a[i][j] * (x[j] - p[i][j]) * (x[j] - p[i][j]);
    sum -= alpha[i] * elementary_exp(-square);
  }
  return sum;
}

/* Least value 0. x in -5..5, twenty of them. */
static inline double function_sphere(const double *x) {
  double sum = 0;
  for (int i = 0; i < 20; i++) sum += (x[i] - 1) * (x[i] - 1);
  return sum;
}

/* Sets value[metrics] of a point; NaN: it diverged. */
typedef void function_of(const double *point, double *value);

struct minimisation {
  struct history history;
  double point[FUNCTION_POINTS_MAX * FUNCTION_PARAMETERS_MAX];
  double value[FUNCTION_POINTS_MAX * FUNCTION_METRICS_MAX];
  enum trial_state state[FUNCTION_POINTS_MAX];
  int64_t step[FUNCTION_POINTS_MAX];
  bool feasible[FUNCTION_POINTS_MAX];
  int64_t draws;
};

/* Runs `budget` configurations; a choice knows all but the last window - 1 before it. */
static inline void function_minimise(const struct method_kind *method, const struct method_task *task,
                                     function_of *function, int64_t budget, int64_t window, struct minimisation *m) {
  const int parameters = task->space->count;
  void *memory = NULL;
  if (method->open) assert_ok(method->open(task, &memory));
  m->history = (struct history){
      .point = m->point, .value = m->value, .state = m->state, .step = m->step, .feasible = m->feasible};
  m->draws = 0;
  while (m->history.count < budget) {
    const int64_t c = m->history.count;
    double *point = m->point + c * parameters;
    m->history.known = c - window + 1 > 0 ? c - window + 1 : 0;
    assert_true(m->draws < 1000 * budget); /* it would go on for ever */
    bool exhausted = false, is_new = true;
    assert_ok(method->propose(task, memory, method->learns ? &m->history : NULL, m->draws++, point, &exhausted));
    assert_false(exhausted);
    for (int64_t i = 0; i < c && is_new; i++) is_new = !space_equal(task->space, m->point + i * parameters, point);
    if (!is_new) continue;
    function(point, m->value + c * task->metrics);
    m->state[c] = TRIAL_COMPLETE;
    m->step[c] = 1;
    m->feasible[c] = true;
    for (int k = 0; k < task->metrics; k++)
      if (isnan(m->value[c * task->metrics + k])) m->state[c] = TRIAL_DIVERGED;
    m->history.count++;
  }
  if (method->close) method->close(memory);
}

/* The least value of the first metric. */
static inline double function_best(const struct minimisation *m, int metrics) {
  double best = INFINITY;
  for (int64_t c = 0; c < m->history.count; c++)
    if (m->value[c * metrics] < best) best = m->value[c * metrics];
  return best;
}

static inline double function_median(double *values, int count) {
  for (int i = 1; i < count; i++)
    for (int j = i; j > 0 && values[j] < values[j - 1]; j--) {
      const double swap = values[j];
      values[j] = values[j - 1];
      values[j - 1] = swap;
    }
  return count % 2 ? values[count / 2] : 0.5 * (values[count / 2 - 1] + values[count / 2]);
}

/* `count` parameters of one distribution, uniform on least..most. */
static inline struct space function_space(int count, double least, double most) {
  struct space space = {.count = count};
  for (int i = 0; i < count; i++) {
    space.order[i] = i;
    space.parameter[i].name = "x";
    space.parameter[i].distribution = (struct distribution){.kind = DISTRIBUTION_UNIFORM, .least = least, .most = most};
  }
  return space;
}

#endif
