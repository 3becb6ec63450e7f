/* How a sweep went: rungs of early stopping, what it has cost and saved, and who did what when. */
#include "analysis/report/sweep_cost.h"
#include "analysis/report/sweep_view.h"
#include "sweep/board.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { SPANS_DRAWN = 3000, RUNGS_SHOWN = 40 };

/* ---- Rungs ---- */

struct rung_count {
  int64_t reached, on, stopped;
  double best, median; /* of values there, as the metric is */
};

static int compare_numbers(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static double rung_value(const struct sweep_view *view, int64_t trial, int rung) {
  return view->ledger->rung[trial * view->ledger->shape.rungs + rung];
}

/* It has trained beyond the rung. */
static bool went_on(const struct sweep_view *view, int64_t trial, int rung) {
  const struct ledger_trial *row = &view->ledger->trial[trial];
  if (rung + 1 < view->ledger->shape.rungs && !isnan(rung_value(view, trial, rung + 1))) return true;
  return row->state == TRIAL_COMPLETE || row->reports > view->ledger->rung_report[rung];
}

static struct rung_count count_rung(const struct sweep_view *view, int rung, double *scratch) {
  struct rung_count count = {.best = NAN, .median = NAN};
  const int64_t trials = view->ledger->points * view->sweep->repeats;
  int64_t finite = 0;
  for (int64_t t = 0; t < trials; t++) {
    const double value = rung_value(view, t, rung);
    const enum trial_state state = view->ledger->trial[t].state;
    if (isnan(value)) continue;
    const bool on = went_on(view, t, rung);
    count.reached += 1;
    count.on += on;
    count.stopped += !on && (state == TRIAL_PRUNED || state == TRIAL_PAUSED);
    if (isfinite(value)) scratch[finite++] = value;
  }
  qsort(scratch, (size_t)finite, sizeof *scratch, compare_numbers);
  if (finite > 0) {
    count.best = view->sign * scratch[0];
    count.median = view->sign * 0.5 * (scratch[(finite - 1) / 2] + scratch[finite / 2]);
  }
  return count;
}

static void add_rung_table(struct page *page, const struct sweep_view *view, const struct rung_count *count) {
  static const struct page_column column[] = {{"rung", true},    {"evaluations", true},   {"came there", true},
                                              {"went on", true}, {"stopped there", true}, {"best", true},
                                              {"median", true}};
  page_table_begin(page, "sweep-rungs-table",
                   "Rungs: after how many evaluations, how many trials came there, how many of them have gone on, and "
                   "how many were pruned there or wait.",
                   column, sizeof column / sizeof *column);
  const int rungs = view->ledger->shape.rungs, stride = (int)sweep_view_stride(rungs, RUNGS_SHOWN);
  for (int k = 0; k < rungs; k += stride) {
    page_cell(page, "%d", k);
    page_cell(page, "%" PRId64, view->ledger->rung_report[k]);
    page_cell(page, "%" PRId64, count[k].reached);
    page_cell(page, "%" PRId64, count[k].on);
    page_cell(page, "%" PRId64, count[k].stopped);
    char text[SWEEP_VIEW_TEXT];
    sweep_view_number(count[k].best, text);
    page_cell(page, "%s", text);
    sweep_view_number(count[k].median, text);
    page_cell(page, "%s", text);
  }
  page_table_end(page);
}

/* Values of trials from rung to rung and at the end; those that stop, and those that go on. */
static void write_rung_values(const struct sweep_view *view, bool complete, FILE *script, FILE *csv) {
  const int64_t trials = view->ledger->points * view->sweep->repeats,
                stride = sweep_view_stride(trials, SWEEP_VIEW_LINES);
  const int rungs = view->ledger->shape.rungs;
  fprintf(script, "$values%d << EOD\n", complete);
  for (int64_t t = 0; t < trials; t++) {
    const struct ledger_trial *row = &view->ledger->trial[t];
    if ((row->state == TRIAL_COMPLETE) != complete) continue;
    for (int k = 0; k < rungs; k++) {
      const double value = rung_value(view, t, k);
      if (!isfinite(value)) continue;
      if (t % stride == 0) fprintf(script, "%d %.9g\n", k, view->sign * value);
      fprintf(csv, "%" PRId64 ",%d,%" PRId64 ",%.17g,%d\n", ledger_trial_number(view->ledger, t), k,
              view->ledger->rung_report[k], view->sign * value, went_on(view, t, k));
    }
    if (complete && isfinite(row->value) && t % stride == 0) fprintf(script, "%d %.9g\n", rungs, row->value);
    if (t % stride == 0) fputc('\n', script);
  }
  fputs("EOD\n", script);
}

static void write_rung_counts(const struct sweep_view *view, const struct rung_count *count, FILE *script) {
  const int rungs = view->ledger->shape.rungs;
  int64_t complete = 0;
  for (int64_t t = 0; t < view->ledger->points * view->sweep->repeats; t++)
    complete += view->ledger->trial[t].state == TRIAL_COMPLETE;
  fputs("$counts << EOD\n", script);
  for (int k = 0; k < rungs; k++) fprintf(script, "%d %" PRId64 " %" PRId64 "\n", k, count[k].reached, count[k].on);
  fprintf(script, "%d %" PRId64 " %" PRId64 "\nEOD\nset xtics (", rungs, complete, complete);
  for (int k = 0; k<rungs; k += rungs> 12 ? 4 : 1)
    fprintf(script, "'%" PRId64 "' %d, ", view->ledger->rung_report[k], k);
  fprintf(script, "'end' %d)\nset xrange [-0.6:%g]\nset xlabel 'evaluations'\n", rungs, rungs + 0.6);
}

static void add_rung_figure(struct page *page, const struct sweep_view *view, const struct rung_count *count) {
  struct figure figure;
  double least = INFINITY, most = -INFINITY;
  for (int64_t i = 0; i < view->ledger->points * view->sweep->repeats * view->ledger->shape.rungs; i++) {
    const double value = view->sign * view->ledger->rung[i];
    if (isfinite(value)) least = fmin(least, value), most = fmax(most, value);
  }
  if (!isfinite(least)) return;
  if (figure_begin(860, 360, &figure) == STATUS_OK) {
    FILE *script = figure.script;
    fputs("trial,rung,evaluations,value,went_on\n", figure.csv);
    write_rung_counts(view, count, script);
    write_rung_values(view, false, script, figure.csv);
    write_rung_values(view, true, script, figure.csv);
    fputs("set multiplot layout 1,2\nset key outside top horizontal left samplen 1\nset style fill solid\n"
          "set yrange [0:*]\nset ylabel 'trials'\n"
          "set boxwidth 0.7\nplot $counts using 1:2 with boxes lc rgb '#cccccc' title 'came there', $counts using 1:3 "
          "with boxes lt 1 "
          "title 'went on'\nset yrange [*:*]\nset ylabel ",
          script);
    figure_quote(script, view->sweep->metric[0].name);
    fprintf(
        script,
        "\nset format y '%%g'\n%splot $values0 with linespoints pt 7 ps 0.3 lw 0.7 lc rgb '#bbbbbb' title 'stopped', "
        "$values1 with linespoints pt 7 ps 0.3 lw 1 lt 1 title 'to the end'\nunset multiplot\n",
        sweep_view_logarithmic(least, most) ? "set logscale y\n" : "");
  }
  figure_end(&figure, page, "sweep-rungs", "How many trials came to each rung, and what each had there.",
             "Left, falling bars: trials that came to each rung and that went on. Right, curves: values of trials from "
             "rung to rung.");
}

void sweep_rungs_add(struct page *page, const struct sweep_view *view) {
  const int rungs = view->ledger->shape.rungs;
  double *scratch = malloc((size_t)(view->ledger->points * view->sweep->repeats + 1) * sizeof *scratch);
  struct rung_count *count = calloc((size_t)rungs + 1, sizeof *count);
  if (rungs == 0 || !scratch || !count) {
    free(scratch);
    free(count);
    return;
  }
  page_heading(page, 2, "sweep-rungs-part", "Early stopping");
  page_text(page, "%s%s%s, eta %g.", view->sweep->early.type, *view->sweep->early.mode ? ", " : "",
            view->sweep->early.mode, view->sweep->early.eta);
  for (int k = 0; k < rungs; k++) count[k] = count_rung(view, k, scratch);
  add_rung_table(page, view, count);
  add_rung_figure(page, view, count);
  free(scratch);
  free(count);
}

/* ---- Costs ---- */

static void add_costs(struct page *page, const struct sweep_view *view) {
  static const struct page_column column[] = {
      {"state", false}, {"trials", true}, {"core-hours", true}, {"share", true}};
  struct sweep_cost cost;
  if (sweep_cost_measure(view->sweep, view->ledger, &cost) != STATUS_OK) return;
  page_table_begin(page, "sweep-costs", "What went where. Core-hours: seconds of a group times its ranks.", column,
                   sizeof column / sizeof *column);
  for (int state = TRIAL_STATE_COUNT - 1; state >= 0; state--) {
    if (cost.trials[state] == 0) continue;
    page_cell(page, "%s", trial_state_name((enum trial_state)state));
    page_cell(page, "%" PRId64, cost.trials[state]);
    page_cell(page, "%.4g", cost.spent[state]);
    page_cell(page, "%.1f%%", cost.total > 0 ? 100 * cost.spent[state] / cost.total : 0);
  }
  page_cell(page, "%s", "all");
  page_cell(page, "%s", "");
  page_cell(page, "%.4g", cost.total);
  page_table_end(page);
  if (cost.confirming > 0)
    page_text(page, "%.4g core-hours of these ran the best again on fresh seeds.", cost.confirming);
  if (cost.trials[TRIAL_PRUNED] > 0)
    page_text(page,
              "Pruning has saved %.4g core-hours, %.0f%% of what all would have cost: the %" PRId64
              " steps that pruned "
              "trials had left, at what a step of each has cost.%s",
              cost.saved, 100 * cost.saved / fmax(cost.saved + cost.total, 1e-300), cost.steps_left,
              cost.unknown > 0 ? " Those that made no step are not counted." : "");
  if (cost.trials[TRIAL_FAILED] + cost.trials[TRIAL_TIMEOUT] > 0)
    page_text(page, "%.4g core-hours were wasted by trials that failed or timed out.", cost.wasted);
  if (cost.trials[TRIAL_DIVERGED] > 0)
    page_text(page, "%.4g core-hours went to trials that diverged, which is a result.", cost.spent[TRIAL_DIVERGED]);
}

static void add_regret(struct page *page, const struct sweep_view *view) {
  struct sweep_regret regret;
  struct figure figure;
  if (sweep_regret_measure(view->sweep, view->ledger, &regret) != STATUS_OK || regret.count < 2) {
    status_clear();
    free(regret.point);
    return;
  }
  double least = INFINITY, most = -INFINITY;
  for (int64_t i = 0; i < regret.count; i++) {
    least = fmin(least, regret.point[i].value);
    most = fmax(most, regret.point[i].value);
  }
  if (figure_begin(760, 320, &figure) == STATUS_OK) {
    const int64_t stride = sweep_view_stride(regret.count, 1000);
    fputs("core_hours,configuration,value,best\n", figure.csv);
    fputs("$regret << EOD\n", figure.script);
    for (int64_t i = 0; i < regret.count; i++) {
      const struct sweep_regret_point *point = &regret.point[i];
      fprintf(figure.csv, "%.9g,%" PRId64 ",%.17g,%.17g\n", point->hours,
              ledger_configuration_number(view->ledger, point->configuration), point->value, point->best);
      if (i % stride == 0 || point->value == point->best)
        fprintf(figure.script, "%.9g %.9g %.9g\n", point->hours, point->value, point->best);
    }
    fputs("EOD\nset xlabel 'core-hours'\nset key outside top horizontal left samplen 1\nset ylabel ", figure.script);
    figure_quote(figure.script, view->sweep->metric[0].name);
    fprintf(figure.script,
            "\nset format '%%g'\n%splot $regret using 1:2 with points pt 7 ps 0.3 lc rgb '#aaaaaa' title 'complete', "
            "$regret using 1:3 with steps lt 2 lw 2 title 'best so far'\n",
            sweep_view_logarithmic(least, most) ? "set logscale y\n" : "");
  }
  figure_end(&figure, page, "sweep-regret",
             "The best value so far against the core-hours spent by then, on all trials.",
             "A staircase that falls from the first to the best value.");
  free(regret.point);
}

/* ---- Time ---- */

enum span_kind { SPAN_COMPLETE, SPAN_PRUNED, SPAN_OTHER, SPAN_PREPARE, SPAN_KINDS };
static const char *const span_title[SPAN_KINDS] = {"complete", "pruned or waits", "other", "prepare"};
static const char *const span_color[SPAN_KINDS] = {"#0072b2", "#e69f00", "#d55e00", "#009e73"};

static enum span_kind span_kind_of(const struct sweep_view *view, const struct ledger_span *span) {
  if (span->trial < 0 || span->trial >= (double)view->ledger->shape.trials) return SPAN_PREPARE;
  const enum trial_state state = view->ledger->trial[(int64_t)span->trial].state;
  if (state == TRIAL_COMPLETE) return SPAN_COMPLETE;
  return state == TRIAL_PRUNED || state == TRIAL_PAUSED ? SPAN_PRUNED : SPAN_OTHER;
}

static void write_span_csv(const struct sweep_view *view, const struct sweep_time *time, FILE *csv) {
  fputs("trial,part,group,first_rank,ranks,began,ended,working\n", csv);
  for (int64_t i = 0; i < view->ledger->spans; i++) {
    const struct ledger_span *span = &view->ledger->span[i];
    fprintf(csv, "%.0f,%" PRId64 ",%.0f,%.0f,%.0f,%.6f,%.6f,%.6g\n", span->trial, time->lane[time->lane_of[i]].part,
            span->group, span->first_rank, span->ranks, span->began - time->session[0].began,
            span->ended - time->session[0].began, span->working);
  }
}

static double length_of(const struct sweep_time *time) {
  double sum = 0;
  for (int64_t i = 0; i < time->sessions; i++) sum += time->session[i].ended - time->session[i].began;
  return sum;
}

/* Between two sessions, which may be days, stands no more than this part of the length of all. */
static const double gap = 0.03;

/* Where a time is drawn: s. */
static double drawn_at(const struct sweep_time *time, double at) {
  double sum = 0;
  const double most = gap * length_of(time);
  for (int64_t i = 0; i < time->sessions; i++) {
    const struct sweep_session *session = &time->session[i];
    if (i > 0) sum += fmin(most, session->began - time->session[i - 1].ended);
    if (at <= session->ended) return sum + fmax(0, at - session->began);
    sum += session->ended - session->began;
  }
  return sum;
}

/* Boxes of a kind: from, to, lane. */
static int64_t write_spans(const struct sweep_view *view, const struct sweep_time *time, enum span_kind kind,
                           double unit, FILE *script) {
  const int64_t stride = sweep_view_stride(view->ledger->spans, SPANS_DRAWN);
  int64_t count = 0;
  fprintf(script, "$span%d << EOD\n", kind);
  for (int64_t i = 0; i < view->ledger->spans; i += stride) {
    const struct ledger_span *span = &view->ledger->span[i];
    if (span_kind_of(view, span) != kind) continue;
    fprintf(script, "%.9g %.9g %" PRId64 "\n", drawn_at(time, span->began) / unit, drawn_at(time, span->ended) / unit,
            time->lane_of[i]);
    count++;
  }
  fputs("EOD\n", script);
  for (int64_t i = 1; i < time->sessions && kind == 0; i++) {
    const double at = drawn_at(time, time->session[i].began) / unit;
    fprintf(script, "set arrow from %.9g, graph 0 to %.9g, graph 1 nohead dt 2 lc rgb '#888888'\n", at, at);
  }
  return count;
}

static void write_lanes(const struct sweep_time *time, FILE *script) {
  const int64_t stride = sweep_view_stride(time->lanes, 24);
  bool parts = false;
  for (int64_t l = 0; l < time->lanes; l++) parts = parts || time->lane[l].part != time->lane[0].part;
  fputs("set ytics (", script);
  for (int64_t l = 0; l < time->lanes; l += stride) {
    if (parts)
      fprintf(script, "%s'part %" PRId64 ", group %" PRId64 "' %" PRId64, l > 0 ? ", " : "", time->lane[l].part,
              time->lane[l].group, l);
    else
      fprintf(script, "%s'group %" PRId64 "' %" PRId64, l > 0 ? ", " : "", time->lane[l].group, l);
  }
  fprintf(script, ")\nset yrange [%g:-0.7]\n", (double)time->lanes - 0.3);
}

static void add_timeline(struct page *page, const struct sweep_view *view, const struct sweep_time *time) {
  struct figure figure;
  const double seconds = drawn_at(time, time->session[time->sessions - 1].ended), unit = seconds > 7200  ? 3600
                                                                                         : seconds > 180 ? 60
                                                                                                         : 1;
  const int64_t lanes = time->lanes < 40 ? time->lanes : 40,
                stride = sweep_view_stride(view->ledger->spans, SPANS_DRAWN);
  const bool crowded = view->ledger->spans > 120 * time->lanes;
  char caption[256];
  snprintf(caption, sizeof caption, "Which group computed when, coloured by what became of the trial.%s%s",
           time->sessions > 1 ? " Dashed: a later session; the time between, when nobody worked, is cut short." : "",
           stride > 1 ? " Of many spans every few are drawn." : "");
  if (figure_begin(860, (int)(110 + 26 * lanes), &figure) == STATUS_OK) {
    int64_t count[SPAN_KINDS];
    bool first = true;
    write_span_csv(view, time, figure.csv);
    for (int k = 0; k < SPAN_KINDS; k++) count[k] = write_spans(view, time, (enum span_kind)k, unit, figure.script);
    write_lanes(time, figure.script);
    fprintf(figure.script,
            "set xlabel 'time [%s]'\nset style fill solid 0.85 %s\nunset grid\nset xrange [0:%g]\n"
            "set key outside top horizontal left samplen 1\nplot ",
            unit == 3600 ? "h"
            : unit == 60 ? "min"
                         : "s",
            crowded ? "noborder" : "border lc rgb 'white'", fmax(seconds / unit, 1e-6));
    for (int k = 0; k < SPAN_KINDS; k++) {
      if (count[k] == 0) continue;
      fprintf(figure.script, "%s$span%d using 1:3:1:2:($3-0.4):($3+0.4) with boxxyerror lc rgb '%s' title '%s'",
              first ? "" : ", ", k, span_color[k], span_title[k]);
      first = false;
    }
    fputc('\n', figure.script);
  }
  figure_end(&figure, page, "sweep-timeline", caption, "A row of boxes for each group of ranks, from left to right.");
}

static void tell_time(struct page *page, const struct sweep_view *view) {
  struct sweep_time time;
  const int64_t parts = view->stored.parts.parts > 0 ? view->stored.parts.parts : 1;
  char text[32];
  if (sweep_time_measure(view->ledger, parts, &time) != STATUS_OK || time.lanes == 0) {
    status_clear();
    page_remark(page, PAGE_MISSING, "No group has recorded when it worked.");
    sweep_time_free(&time);
    return;
  }
  board_time(length_of(&time), text);
  page_text(page,
            "%s in %" PRId64 " session%s, on %" PRId64 " group%s of ranks. Of the "
            "time that groups were there %.1f%% went by with a trial, %.1f%% in steps of training and evaluations.",
            text, time.sessions, time.sessions == 1 ? "" : "s", time.lanes, time.lanes == 1 ? "" : "s",
            time.there > 0 ? 100 * time.busy / time.there : 0, time.there > 0 ? 100 * time.working / time.there : 0);
  if (view->ledger->spans >= view->ledger->shape.spans)
    page_remark(page, PAGE_REMARK, "The file has no room for more spans: later ones are not shown.");
  add_timeline(page, view, &time);
  sweep_time_free(&time);
}

void sweep_time_add(struct page *page, const struct sweep_view *view) {
  page_heading(page, 2, "sweep-costs-part", "Cost and time");
  add_costs(page, view);
  add_regret(page, view);
  tell_time(page, view);
}
