/* A loop that lets a search method minimise several metrics at once: what a sweep does, without one. */
#ifndef HGN_TESTS_SWEEP_FUNCTIONS_H
#define HGN_TESTS_SWEEP_FUNCTIONS_H

#include "objectives.h"

enum { FUNCTION_POINTS_MAX = 1200, FUNCTION_METRICS_MAX = 4, FUNCTION_PARAMETERS_MAX = 20 };

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

/* `count` parameters of one distribution, uniform on least..most. */
static inline struct space function_space(int count, double least, double most) {
  struct space space = objective_space(count);
  for (int i = 0; i < count; i++) {
    space.parameter[i].distribution.least = least;
    space.parameter[i].distribution.most = most;
  }
  return space;
}

#endif
