#include "analysis/report/sweep_view.h"

#include "base/elementary.h"

#include <stdlib.h>

/* ---- Values ---- */

const char *sweep_view_name(const struct sweep_view *view, int axis) {
  return view->space->parameter[view->axes.axis[axis].parameter].name;
}

void sweep_view_show(const struct sweep_view *view, int64_t configuration, int axis, char text[SWEEP_VIEW_TEXT]) {
  enum { NUMBER_WIDTH = 8 };
  const int parameter = view->axes.axis[axis].parameter;
  const double *point = view->ledger->point + configuration * view->ledger->shape.parameters;
  space_show(view->space, point, parameter, text,
             view->space->parameter[parameter].choice ? SWEEP_VIEW_TEXT : NUMBER_WIDTH);
}

const char *sweep_view_unit(const struct sweep_view *view) {
  return view->sweep->repeats > 1 ? "configuration" : "trial";
}

double sweep_view_height(const struct sweep_view *view, int64_t configuration, int axis) {
  const struct parzen_axis *about = &view->axes.axis[axis];
  const double place = view->place[configuration * view->axes.count + axis];
  if (isnan(place)) return place;
  return about->kind == PARZEN_CONTINUUM ? place : (place + 0.5) / (double)about->cells;
}

bool sweep_view_logarithmic(double least, double most) { return least > 0 && isfinite(most) && most > 50 * least; }

int64_t sweep_view_stride(int64_t count, int64_t most) { return count > most ? (count + most - 1) / most : 1; }

void sweep_view_number(double value, char text[SWEEP_VIEW_TEXT]) {
  text[0] = '\0';
  if (isfinite(value)) snprintf(text, SWEEP_VIEW_TEXT, "%.6g", value);
}

/* ---- Order ---- */

struct ranked {
  double rank;
  int64_t configuration;
};

static int compare_ranks(const void *a, const void *b) {
  const struct ranked *x = a, *y = b;
  if (isnan(x->rank) != isnan(y->rank)) return isnan(x->rank) ? 1 : -1;
  if (!isnan(x->rank) && x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
  return x->configuration < y->configuration ? -1 : x->configuration > y->configuration;
}

static enum status order_configurations(struct sweep_view *view) {
  const int64_t n = view->ledger->points;
  struct ranked *ranked = arena_array(&view->arena, n, sizeof *ranked);
  view->result = arena_array(&view->arena, n, sizeof *view->result);
  view->order = arena_array(&view->arena, n, sizeof *view->order);
  TRY(arena_check(&view->arena, "a sweep's report"));
  for (int64_t c = 0; c < n; c++) {
    view->result[c] = search_result_of(view->sweep, view->ledger, c);
    ranked[c] = (struct ranked){view->result[c].rank, c};
    view->ranked += !isnan(ranked[c].rank);
  }
  qsort(ranked, (size_t)n, sizeof *ranked, compare_ranks);
  for (int64_t i = 0; i < n; i++) view->order[i] = ranked[i].configuration;
  return STATUS_OK;
}

/* ---- Importance ---- */

/* The mean over repeats of what they had at a rung; NaN where one has nothing that is finite. */
static double value_at(const struct sweep_view *view, int64_t configuration, int rung) {
  struct search_mean mean = {.count = 0};
  for (int64_t r = 0; r < view->sweep->repeats; r++)
    search_mean_add(&mean,
                    view->ledger->rung[(configuration * view->sweep->repeats + r) * view->ledger->shape.rungs + rung]);
  return mean.count == view->sweep->repeats ? view->sign * search_mean_value(&mean) : (double)NAN;
}

double sweep_view_compared(const struct sweep_view *view, int64_t configuration) {
  if (view->rung >= 0) return value_at(view, configuration, view->rung);
  return isnan(view->result[configuration].rank) ? (double)NAN : view->sign * view->result[configuration].rank;
}

/* At the end of trials, or at a rung. */
static enum status measure_at(struct sweep_view *view, int rung, struct importance *importance) {
  const int64_t n = view->ledger->points;
  const int axes = view->axes.count;
  double *value = arena_array(&view->arena, n, sizeof *value),
         *place = arena_array(&view->arena, n * axes, sizeof *place), least = INFINITY, most = -INFINITY;
  int64_t count = 0;
  TRY(arena_check(&view->arena, "the importance of parameters"));
  view->rung = rung;
  for (int64_t c = 0; c < n; c++) {
    const double compared = sweep_view_compared(view, c);
    if (!isfinite(compared)) continue;
    for (int a = 0; a < axes; a++) place[count * axes + a] = view->place[c * axes + a];
    value[count++] = compared;
    least = fmin(least, compared);
    most = fmax(most, compared);
  }
  view->logarithm = sweep_view_logarithmic(least, most);
  for (int64_t i = 0; i < count && view->logarithm; i++) value[i] = elementary_log(value[i]);
  return importance_measure(&view->axes, count, place, value, view->sweep->seed, importance);
}

/* At the end if the forest can say something of it. Where trials are pruned few come there, the best of all, and little
 * can be said of these: then at the highest rung that it can say something of, else of which it can say the most. */
static enum status measure(struct sweep_view *view) {
  enum { LOOKED_AT = 6 };
  const int rungs = view->ledger->shape.rungs, stride = (int)sweep_view_stride(rungs, LOOKED_AT);
  const enum status first = measure_at(view, -1, &view->importance);
  if (first == STATUS_MEMORY) return first;
  bool measured = first == STATUS_OK, logarithm = view->logarithm;
  int best = -1;
  for (int k = rungs - 1; k >= 0 && !(measured && view->importance.explained >= SWEEP_VIEW_EXPLAINED); k -= stride) {
    struct importance there;
    const enum status status = measure_at(view, k, &there);
    if (status == STATUS_MEMORY) return status;
    if (status != STATUS_OK || (measured && !(there.explained > view->importance.explained))) {
      importance_free(&there);
      continue;
    }
    importance_free(&view->importance);
    view->importance = there;
    best = k, logarithm = view->logarithm, measured = true;
  }
  view->rung = best;
  view->logarithm = logarithm;
  if (measured) return STATUS_OK;
  return rungs > 0 ? measure_at(view, -1, &view->importance) : first; /* for its message */
}

static enum status look_at_axes(struct sweep_view *view) {
  const int64_t n = view->ledger->points;
  TRY(parzen_axes_open(view->space, &view->axes));
  view->place = arena_array(&view->arena, n * view->axes.count, sizeof *view->place);
  TRY(arena_check(&view->arena, "a sweep's report"));
  for (int64_t c = 0; c < n; c++)
    parzen_place(&view->axes, view->ledger->point + c * view->ledger->shape.parameters,
                 view->place + c * view->axes.count);
  for (int a = 0; a < view->axes.count; a++) view->axis[a] = a;
  const enum status status = measure(view);
  if (status != STATUS_UNAVAILABLE) TRY(status);
  if (status == STATUS_UNAVAILABLE) {
    snprintf(view->refused, sizeof view->refused, "%s", status_message());
    status_clear();
  }
  for (int i = 0; i < view->importance.count; i++)
    for (int a = 0; a < view->axes.count; a++)
      if (view->axes.axis[a].parameter == view->importance.axis[i].parameter) view->axis[i] = a;
  return STATUS_OK;
}

/* ---- All of it ---- */

enum status sweep_view_open(const char *path, struct sweep_view *view) {
  *view = (struct sweep_view){.rung = -1};
  TRY(stored_open(path, &view->stored));
  view->sweep = view->stored.sweep;
  view->ledger = &view->stored.ledger;
  view->space = &view->sweep->space;
  view->sign = view->sweep->metric[0].maximize ? -1 : 1;
  TRY(order_configurations(view));
  return look_at_axes(view);
}

void sweep_view_close(struct sweep_view *view) {
  importance_free(&view->importance);
  parzen_axes_close(&view->axes);
  arena_free(&view->arena);
  stored_close(&view->stored);
}
