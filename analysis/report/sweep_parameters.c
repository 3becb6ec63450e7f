/* What a sweep says of its parameters: which matter, how, and all of them side by side. */
#include "analysis/report/sweep_view.h"
#include "base/elementary.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { PANELS = 12, PANEL_COLUMNS = 3, PANEL_POINTS = 250, PARALLELS = 14, TICKS = 8 };

static const struct space_parameter *parameter_of(const struct sweep_view *view, int axis) {
  return &view->space->parameter[view->axes.axis[axis].parameter];
}

/* A name without what stands before the last dot. */
static const char *short_name(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot ? dot + 1 : name;
}

/* Whether another axis has the same short name. */
static const char *label_of(const struct sweep_view *view, int axis) {
  const char *name = short_name(sweep_view_name(view, axis));
  for (int a = 0; a < view->axes.count; a++)
    if (a != axis && strcmp(name, short_name(sweep_view_name(view, a))) == 0) return sweep_view_name(view, axis);
  return name;
}

/* ---- Importance ---- */

static void tell_basis(struct page *page, const struct sweep_view *view) {
  const struct importance *importance = &view->importance;
  char basis[128] = "at the end of the trials";
  if (view->rung >= 0)
    snprintf(basis, sizeof basis,
             "after %" PRId64 " evaluation%s, since too little can be said of trials that came further",
             view->ledger->rung_report[view->rung], view->ledger->rung_report[view->rung] == 1 ? "" : "s");
  page_text(
      page,
      "Functional ANOVA (Hutter, Hoos and Leyton-Brown 2014) of %s%s %s, on a random forest of %d trees. The share "
      "of a parameter is the part of the variance over the whole space that goes with it alone; %.0f%% go with "
      "several parameters together. Trees say %.0f%% of the variance of trials that they have not seen.",
      view->logarithm ? "the logarithm of " : "", view->sweep->metric[0].name, basis, IMPORTANCE_TREES,
      100 * importance->together, 100 * fmax(0, importance->explained));
  if (importance->explained < SWEEP_VIEW_EXPLAINED)
    page_remark(
        page, PAGE_WARNING,
        "The forest knows %s about trials that it has not seen: these shares are of noise, or of too few trials, "
        "and no parameter can be called important by them.",
        importance->explained < 0.05 ? "nothing" : "little");
  if (view->rung >= 0)
    page_remark(page, PAGE_REMARK,
                "Values at a rung are of short trainings%s: what matters early need not matter at the end.",
                view->rung > 0 ? ", and trials that came there were chosen" : "");
}

static void add_importance_table(struct page *page, const struct sweep_view *view) {
  static const struct page_column column[] = {
      {"parameter", false}, {"share", true}, {"single trees", true}, {"spread over trees", true}};
  page_table_begin(page, "sweep-importance-table",
                   "Shares of variance. Single trees, as in the paper: their mean and standard deviation; noise counts "
                   "there as effects of several parameters together.",
                   column, sizeof column / sizeof *column);
  for (int a = 0; a < view->importance.count; a++) {
    const struct importance_axis *axis = &view->importance.axis[a];
    page_cell(page, "%s", view->space->parameter[axis->parameter].name);
    page_cell(page, "%.1f%%", 100 * axis->share);
    page_cell(page, "%.1f%%", 100 * axis->tree_share);
    page_cell(page, "± %.1f%%", 100 * axis->spread);
  }
  page_cell(page, "%s", "several together");
  page_cell(page, "%.1f%%", 100 * view->importance.together);
  page_table_end(page);
}

static void add_importance_figure(struct page *page, const struct sweep_view *view) {
  struct figure figure;
  const int shown = view->importance.count < 20 ? view->importance.count : 20;
  if (figure_begin(700, 90 + 34 * shown, &figure) == STATUS_OK) {
    fputs("parameter,share,tree_share,spread\n", figure.csv);
    fputs("$bars << EOD\n", figure.script);
    for (int a = 0; a < view->importance.count; a++) {
      const struct importance_axis *axis = &view->importance.axis[a];
      const char *name = view->space->parameter[axis->parameter].name;
      page_csv_cell(name, figure.csv);
      fprintf(figure.csv, ",%.9g,%.9g,%.9g\n", axis->share, axis->tree_share, axis->spread);
      if (a < shown) fprintf(figure.script, "%d %.6g %.6g %.6g\n", a, axis->share, axis->tree_share, axis->spread);
    }
    fputs("EOD\nset ytics (", figure.script);
    for (int a = 0; a < shown; a++) {
      if (a > 0) fputs(", ", figure.script);
      figure_quote(figure.script, view->space->parameter[view->importance.axis[a].parameter].name);
      fprintf(figure.script, " %d", a);
    }
    fprintf(figure.script,
            ")\nset yrange [%g:-0.7]\nset xrange [0:*]\nset xlabel 'share of variance'\nunset grid\n"
            "set style fill solid\n"
            "plot $bars using ($2/2):1:($2/2):(0.32) with boxxyerror lc rgb '%s' notitle, "
            "$bars using 3:1:(($3-$4)<0?0:($3-$4)):($3+$4) with xerrorbars pt 6 ps 0.5 lc rgb '#444444' notitle\n",
            shown - 0.3, figure_color(0));
  }
  figure_end(
      &figure, page, "sweep-importance",
      "Share of each parameter in the variance of the metric: bars, the forest; lines, its single trees with the "
      "spread over them.",
      "Bars, one a parameter, the most important first.");
}

/* ---- Partial dependence ---- */

/* The value of a coordinate, of choices its number. */
static double value_at(const struct sweep_view *view, int axis, double u) {
  return view->axes.axis[axis].kind == PARZEN_CHOICES
             ? u
             : distribution_quantile(&parameter_of(view, axis)->distribution, u);
}

/* Its values are drawn as their logarithms. */
static bool has_logarithm(const struct sweep_view *view, int axis) {
  switch (parameter_of(view, axis)->distribution.kind) {
  case DISTRIBUTION_LOG_UNIFORM:
  case DISTRIBUTION_Q_LOG_UNIFORM:
  case DISTRIBUTION_LOG_UNIFORM_VALUES:
  case DISTRIBUTION_Q_LOG_UNIFORM_VALUES:
  case DISTRIBUTION_INV_LOG_UNIFORM:
  case DISTRIBUTION_INV_LOG_UNIFORM_VALUES:
  case DISTRIBUTION_LOG_NORMAL:
  case DISTRIBUTION_Q_LOG_NORMAL:
    return true;
  default:
    return false;
  }
}

static double metric_of(const struct sweep_view *view, double value) {
  return view->logarithm ? elementary_exp(value) : value;
}

static void write_dependence(const struct sweep_view *view, int number, FILE *script, FILE *csv) {
  const struct importance_axis *dependence = &view->importance.axis[number];
  const int axis = view->axis[number];
  fprintf(script, "$curve%d << EOD\n", number);
  for (int64_t i = 0; i < dependence->points; i++) {
    const double at = value_at(view, axis, dependence->at[i]), mean = dependence->mean[i], s = dependence->deviation[i];
    const double low = metric_of(view, mean - s), middle = metric_of(view, mean), high = metric_of(view, mean + s);
    fprintf(script, "%.9g %.9g %.9g %.9g\n", at, middle, low, high);
    page_csv_cell(sweep_view_name(view, axis), csv);
    fputc(',', csv);
    if (parameter_of(view, axis)->choice)
      page_csv_cell(parameter_of(view, axis)->choice[(int64_t)at].text, csv);
    else
      fprintf(csv, "%.9g", at);
    fprintf(csv, ",%.9g,%.9g,%.9g\n", middle, low, high);
  }
  fprintf(script, "EOD\n$point%d << EOD\n", number);
  const int64_t n = view->ledger->points, stride = sweep_view_stride(n, PANEL_POINTS);
  for (int64_t c = 0; c < n; c += stride) {
    const double value = sweep_view_compared(view, c),
                 *point = view->ledger->point + c * view->ledger->shape.parameters;
    const double at = point[dependence->parameter];
    if (isfinite(value) && isfinite(at)) fprintf(script, "%.9g %.9g\n", at, value);
  }
  fputs("EOD\n", script);
}

/* Texts of choices are cut where they would run into each other. */
static void write_choices(const struct sweep_view *view, int axis, FILE *script) {
  const struct space_parameter *parameter = parameter_of(view, axis);
  const int64_t count = parameter->distribution.count, stride = sweep_view_stride(count, TICKS);
  fprintf(script, "set xrange [-0.6:%g]\nset xtics rotate by -25 (", (double)count - 0.4);
  for (int64_t c = 0; c < count; c += stride) {
    char text[16];
    snprintf(text, sizeof text, "%s", parameter->choice[c].text);
    if (strlen(parameter->choice[c].text) >= sizeof text) memcpy(text + sizeof text - 4, "...", 4);
    if (c > 0) fputs(", ", script);
    figure_quote(script, text);
    fprintf(script, " %" PRId64, c);
  }
  fputs(")\n", script);
}

static void write_panel(const struct sweep_view *view, int number, FILE *script) {
  const int axis = view->axis[number];
  const bool choices = view->axes.axis[axis].kind == PARZEN_CHOICES;
  fputs("set xlabel ", script);
  figure_quote(script, label_of(view, axis));
  fprintf(script, "\nset xrange [*:*]\nset xtics norotate autofreq\n%s",
          has_logarithm(view, axis) ? "set logscale x\nset format x '10^{%T}'\n"
                                    : "unset logscale x\nset format x '%g'\n");
  if (choices) write_choices(view, axis, script);
  fprintf(script, "plot $point%d with points pt 7 ps 0.25 lc rgb '#aaaaaa' notitle, ", number);
  if (choices)
    fprintf(script, "$curve%d using 1:2:3:4 with yerrorbars pt 7 ps 0.7 lw 2 lc rgb '%s' notitle\n", number,
            figure_color(0));
  else
    fprintf(script,
            "$curve%d using 1:3:4 with filledcurves lc rgb '%s' fs transparent solid 0.25 noborder notitle, "
            "$curve%d using 1:2 with lines lw 2 lc rgb '%s' notitle\n",
            number, figure_color(0), number, figure_color(0));
}

static void add_dependence(struct page *page, const struct sweep_view *view) {
  struct figure figure;
  const int shown = view->importance.count < PANELS ? view->importance.count : PANELS;
  const int columns = shown < PANEL_COLUMNS ? shown : PANEL_COLUMNS, rows = (shown + columns - 1) / columns;
  if (figure_begin(columns == 1 ? 420 : 290 * columns, 260 * rows, &figure) == STATUS_OK) {
    FILE *script = figure.script;
    fputs("parameter,value,mean,low,high\n", figure.csv);
    for (int i = 0; i < view->importance.count; i++) write_dependence(view, i, script, figure.csv);
    fprintf(script, "set tics font ',11'\nset ytics format '%%g'\n%s", view->logarithm ? "set logscale y\n" : "");
    if (shown > 1) fprintf(script, "set multiplot layout %d,%d\n", rows, columns);
    for (int i = 0; i < shown; i++) {
      fputs("set ylabel ", script);
      figure_quote(script, i % columns == 0 ? view->sweep->metric[0].name : "");
      fputc('\n', script);
      write_panel(view, i, script);
    }
    if (shown > 1) fputs("unset multiplot\n", script);
  }
  figure_end(
      &figure, page, "sweep-dependence",
      "Partial dependence: what the forest says on average over all other parameters, with the standard deviation "
      "over its trees; trials as points.",
      "A panel for each parameter: the metric over its values, a curve with a band and points around it.");
}

/* ---- Parallel coordinates ---- */

static int parallel_axes(const struct sweep_view *view) {
  return view->axes.count < PARALLELS ? view->axes.count : PARALLELS;
}

/* 0..1: the metric of a configuration between those of the best and the worst. */
static double height_of_metric(const struct sweep_view *view, int64_t at) {
  const double best = view->result[view->order[0]].rank, worst = view->result[view->order[view->ranked - 1]].rank;
  const double value = view->result[view->order[at]].rank;
  const double a = view->sign * best, b = view->sign * worst, v = view->sign * value;
  if (!(best < worst)) return 0.5;
  const double low = fmin(a, b), high = fmax(a, b);
  if (!sweep_view_logarithmic(low, high)) return (v - low) / (high - low);
  return (elementary_log(v) - elementary_log(low)) / (elementary_log(high) - elementary_log(low));
}

static void write_line(const struct sweep_view *view, int64_t at, FILE *script) {
  const int axes = parallel_axes(view);
  /* By its place among all, so that colours are told apart however values lie. */
  const double color = view->ranked > 1 ? (double)at / (double)(view->ranked - 1) : 0;
  for (int a = 0; a < axes; a++) {
    const double height = sweep_view_height(view, view->order[at], view->axis[a]);
    if (isnan(height))
      fputc('\n', script);
    else
      fprintf(script, "%d %.5g %.4g\n", a, height, color);
  }
  fprintf(script, "%d %.5g %.4g\n\n", axes, height_of_metric(view, at), color);
}

static void write_tick(FILE *script, double x, double y, const char *text) {
  fputs("set label ", script);
  figure_quote(script, text);
  fprintf(script, " at %g,%g right offset -0.4,0 font ',11' front boxed\n", x, y);
}

/* The value at a height of an axis, where cell c is; of a continuum at 0 and 1 its ends, or nearly, where there are
 * none. */
static double end_or_value(const struct sweep_view *view, int axis, double height, int64_t c) {
  const struct parzen_axis *about = &view->axes.axis[axis];
  double least, most;
  if (about->kind != PARZEN_CONTINUUM) return value_at(view, axis, forest_coordinate(about, (double)c));
  distribution_ends(&parameter_of(view, axis)->distribution, &least, &most);
  if (height <= 0) return isfinite(least) ? least : value_at(view, axis, 0.01);
  if (height >= 1) return isfinite(most) ? most : value_at(view, axis, 0.99);
  return value_at(view, axis, height);
}

static void write_axis_labels(const struct sweep_view *view, int number, FILE *script) {
  const int axis = view->axis[number];
  const struct parzen_axis *about = &view->axes.axis[axis];
  const struct space_parameter *parameter = parameter_of(view, axis);
  const int64_t cells = about->kind == PARZEN_CONTINUUM ? 5 : about->cells, stride = sweep_view_stride(cells, TICKS);
  for (int64_t c = 0; c < cells; c += stride) {
    char text[32];
    const double height = about->kind == PARZEN_CONTINUUM ? (double)c / 4 : ((double)c + 0.5) / (double)cells;
    if (parameter->choice) {
      snprintf(text, 13, "%s", parameter->choice[c].text);
    } else {
      snprintf(text, sizeof text, "%.2g", end_or_value(view, axis, height, c));
    }
    write_tick(script, number, height, text);
  }
}

static void write_metric_labels(const struct sweep_view *view, int axes, FILE *script) {
  const double best = view->sign * view->result[view->order[0]].rank,
               worst = view->sign * view->result[view->order[view->ranked - 1]].rank;
  const double low = fmin(best, worst), high = fmax(best, worst);
  for (int i = 0; i <= 4; i++) {
    char text[32];
    double value = low + (high - low) * i / 4;
    if (sweep_view_logarithmic(low, high))
      value = elementary_exp(elementary_log(low) + (elementary_log(high) - elementary_log(low)) * i / 4);
    if (low == high && i != 2) continue;
    snprintf(text, sizeof text, "%.3g", value);
    write_tick(script, axes, i / 4.0, text);
  }
}

static void write_parallel(const struct sweep_view *view, FILE *script) {
  const int axes = parallel_axes(view);
  const int64_t stride = sweep_view_stride(view->ranked, SWEEP_VIEW_LINES);
  fputs("$lines << EOD\n", script);
  for (int64_t i = (view->ranked - 1) / stride * stride; i >= 0; i -= stride) write_line(view, i, script);
  bool fit = axes <= 7; /* names beside each other */
  for (int a = 0; a < axes; a++) fit = fit && strlen(label_of(view, view->axis[a])) <= 14;
  fprintf(script, "EOD\nset style textbox opaque noborder margins 0.4,0.3\nset xtics %s (",
          fit ? "norotate" : "rotate by -15");
  for (int a = 0; a < axes; a++) {
    figure_quote(script, label_of(view, view->axis[a]));
    fprintf(script, " %d, ", a);
  }
  figure_quote(script, view->sweep->metric[0].name);
  fprintf(script, " %d)\n", axes);
  for (int a = 0; a < axes; a++) write_axis_labels(view, a, script);
  write_metric_labels(view, axes, script);
  for (int a = 0; a <= axes; a++) fprintf(script, "set arrow from %d,0 to %d,1 nohead lc rgb '#555555' front\n", a, a);
  fprintf(script,
          "unset ytics\nunset border\nunset grid\nset xrange [-0.5:%g]\nset yrange [-0.03:1.03]\nset cbrange [0:1]\n"
          "set palette defined (0 '#0b3c8c', 0.15 '#2a7fb8', 0.4 '#7fcdbb', 1 '#f0dca0')\n"
          "set cbtics ('best' 0, 'worst' 1)\nset tmargin 1\n"
          "plot $lines using 1:2:3 with lines lw 1 lc palette notitle, $lines using 1:($3 <= %g ? $2 : 1/0) with lines "
          "lw 2.5 lc rgb '#d55e00' notitle\n",
          axes + 0.15, view->ranked > 1 ? 0.5 / (double)(view->ranked - 1) : 0);
}

static void add_parallel(struct page *page, const struct sweep_view *view) {
  struct figure figure;
  char caption[512];
  if (view->ranked < 2 || view->axes.count == 0) return;
  const int64_t drawn = (view->ranked - 1) / sweep_view_stride(view->ranked, SWEEP_VIEW_LINES) + 1;
  const int axes = parallel_axes(view);
  snprintf(caption, sizeof caption,
           "Parallel coordinates: %" PRId64 " of %" PRId64 " that came to their ends, a line each, coloured by their "
           "places; the best is red. Axes are divided as random search draws them, %s.%s",
           drawn, view->ranked, view->refused[0] ? "in the order of the file" : "the most important first",
           axes < view->axes.count ? " Only the first are shown." : "");
  if (figure_begin(axes < 6 ? 760 : 130 * (axes + 1), 400, &figure) == STATUS_OK) {
    for (int a = 0; a < view->axes.count; a++) {
      page_csv_cell(sweep_view_name(view, view->axis[a]), figure.csv);
      fputc(',', figure.csv);
    }
    fprintf(figure.csv, "%s,configuration\n", view->sweep->metric[0].name);
    for (int64_t i = 0; i < view->ranked; i++) {
      for (int a = 0; a < view->axes.count; a++) {
        char text[SWEEP_VIEW_TEXT];
        sweep_view_show(view, view->order[i], view->axis[a], text);
        page_csv_cell(text, figure.csv);
        fputc(',', figure.csv);
      }
      fprintf(figure.csv, "%.17g,%" PRId64 "\n", view->sign * view->result[view->order[i]].rank,
              ledger_configuration_number(view->ledger, view->order[i]));
    }
    write_parallel(view, figure.script);
  }
  figure_end(&figure, page, "sweep-parallel", caption,
             "Lines that cross an axis for each parameter, and the metric's.");
}

void sweep_parameters_add(struct page *page, const struct sweep_view *view) {
  page_heading(page, 2, "sweep-parameters-part", "Parameters");
  if (view->refused[0]) {
    page_remark(page, PAGE_MISSING, "Importance of parameters: %s.", view->refused);
  } else {
    tell_basis(page, view);
    add_importance_table(page, view);
    add_importance_figure(page, view);
    add_dependence(page, view);
  }
  add_parallel(page, view);
}
