/* Of several metrics: what no other configuration is better than in all of them. */
#include "analysis/report/sweep_view.h"
#include "sweep/pareto.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { FRONT = 20 };

struct front {
  const struct sweep_view *view;
  int64_t *configuration, *rank, count; /* that have all metrics */
  double *value;                        /* [count][metrics]: smaller is better */
};

static void free_front(struct front *front) {
  free(front->configuration);
  free(front->rank);
  free(front->value);
}

static enum status find_front(const struct sweep_view *view, struct front *front) {
  const size_t n = (size_t)view->ranked + 1, metrics = (size_t)view->sweep->metrics;
  *front = (struct front){.view = view,
                          .configuration = malloc(n * sizeof *front->configuration),
                          .rank = malloc(n * sizeof *front->rank),
                          .value = malloc(n * metrics * sizeof *front->value)};
  REQUIRE(front->configuration && front->rank && front->value, STATUS_MEMORY, "out of memory for a Pareto front");
  for (int64_t i = 0; i < view->ranked; i++) {
    const struct search_result *result = &view->result[view->order[i]];
    bool has_all = true;
    for (size_t m = 0; m < metrics; m++) {
      front->value[(size_t)front->count * metrics + m] = result->value[m];
      has_all = has_all && isfinite(result->value[m]);
    }
    if (has_all) front->configuration[front->count++] = view->order[i];
  }
  return pareto_ranks((int)metrics, front->count, front->value, 1, front->rank);
}

static double value_of(const struct front *front, int64_t i, int metric) {
  const double value = front->value[i * front->view->sweep->metrics + metric];
  return front->view->sweep->metric[metric].maximize ? -value : value;
}

static void add_table(struct page *page, const struct front *front, int64_t members) {
  struct page_column column[1 + SWEEP_METRICS_MAX + SWEEP_VIEW_COLUMNS];
  const struct sweep_view *view = front->view;
  const int axes = view->axes.count < SWEEP_VIEW_COLUMNS ? view->axes.count : SWEEP_VIEW_COLUMNS;
  char caption[256], text[SWEEP_VIEW_TEXT];
  int columns = 0;
  int64_t shown = 0;
  column[columns++] = (struct page_column){sweep_view_unit(view), true};
  for (int m = 0; m < view->sweep->metrics; m++)
    column[columns++] = (struct page_column){view->sweep->metric[m].name, true};
  for (int a = 0; a < axes; a++)
    column[columns++] =
        (struct page_column){sweep_view_name(view, view->axis[a]), !view->axes.axis[view->axis[a]].cells};
  snprintf(caption, sizeof caption,
           "The Pareto front on the validation split: %" PRId64 " of %" PRId64
           " configurations, by the first metric%s.",
           members, front->count, members > FRONT ? "; the first 20" : "");
  page_table_begin(page, "sweep-front-table", caption, column, columns);
  for (int64_t i = 0; i < front->count && shown < FRONT; i++) { /* they are ordered by the first metric */
    if (front->rank[i] != 0) continue;
    shown++;
    page_cell(page, "%" PRId64, ledger_configuration_number(view->ledger, front->configuration[i]));
    for (int m = 0; m < view->sweep->metrics; m++) page_cell(page, "%.6g", value_of(front, i, m));
    for (int a = 0; a < axes; a++) {
      sweep_view_show(view, front->configuration[i], view->axis[a], text);
      page_cell(page, "%s", text);
    }
  }
  page_table_end(page);
}

static void write_csv(const struct front *front, FILE *out) {
  const struct sweep *sweep = front->view->sweep;
  fputs("configuration,front", out);
  for (int m = 0; m < sweep->metrics; m++) fprintf(out, ",%s", sweep->metric[m].name);
  fputc('\n', out);
  for (int64_t i = 0; i < front->count; i++) {
    fprintf(out, "%" PRId64 ",%d", ledger_configuration_number(front->view->ledger, front->configuration[i]),
            front->rank[i] == 0);
    for (int m = 0; m < sweep->metrics; m++) fprintf(out, ",%.17g", value_of(front, i, m));
    fputc('\n', out);
  }
}

static bool is_logarithmic(const struct front *front, int metric) {
  double least = INFINITY, most = -INFINITY;
  for (int64_t i = 0; i < front->count; i++) {
    least = fmin(least, value_of(front, i, metric));
    most = fmax(most, value_of(front, i, metric));
  }
  return sweep_view_logarithmic(least, most);
}

/* One metric over the first. */
static void write_panel(const struct front *front, int metric, FILE *script) {
  const struct sweep *sweep = front->view->sweep;
  const int64_t stride = sweep_view_stride(front->count, 1000);
  for (int k = 0; k < 2; k++) {
    fprintf(script, "$front%d << EOD\n", k);
    for (int64_t i = 0; i < front->count; i += k == 0 ? 1 : stride)
      if ((front->rank[i] == 0) == (k == 0))
        fprintf(script, "%.9g %.9g\n", value_of(front, i, 0), value_of(front, i, metric));
    fputs("EOD\n", script);
  }
  fputs("unset logscale\nset xlabel ", script);
  figure_quote(script, sweep->metric[0].name);
  fputs("\nset ylabel ", script);
  figure_quote(script, sweep->metric[metric].name);
  fprintf(script, "\n%s%s", is_logarithmic(front, 0) ? "set logscale x\n" : "",
          is_logarithmic(front, metric) ? "set logscale y\n" : "");
  fputs("plot $front1 with points pt 7 ps 0.4 lc rgb '#bbbbbb' title 'dominated', $front0 with ", script);
  fputs(sweep->metrics == 2 ? "linespoints lt 1 pt 7 ps 0.7" : "points lt 1 pt 7 ps 0.7", script);
  fputs(" title 'Pareto front'\n", script);
}

void sweep_front_add(struct page *page, const struct sweep_view *view) {
  struct front front;
  struct figure figure;
  int64_t members = 0;
  if (view->sweep->metrics < 2) return;
  page_heading(page, 2, "sweep-front-part", "Pareto front");
  if (find_front(view, &front) != STATUS_OK || front.count == 0) {
    page_remark(page, PAGE_MISSING, "No configuration has values of all metrics.");
    status_clear();
    free_front(&front);
    return;
  }
  for (int64_t i = 0; i < front.count; i++) members += front.rank[i] == 0;
  add_table(page, &front, members);
  const int panels = view->sweep->metrics - 1;
  if (figure_begin(panels == 1 ? 660 : 380 * panels, 380, &figure) == STATUS_OK) {
    write_csv(&front, figure.csv);
    fputs("set key outside top horizontal left samplen 1\nset format '%g'\n", figure.script);
    if (panels > 1) fprintf(figure.script, "set multiplot layout 1,%d\n", panels);
    for (int m = 1; m <= panels; m++) write_panel(&front, m, figure.script);
    if (panels > 1) fputs("unset multiplot\n", figure.script);
  }
  figure_end(
      &figure, page, "sweep-front", "Metrics against each other; better is towards the side that each aims at.",
      "Points, one a configuration; those that no other is better than in all metrics are dark, the others pale.");
  free_front(&front);
}
