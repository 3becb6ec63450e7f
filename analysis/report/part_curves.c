/* Figures of numbers: the ladder, learning curves, errors along the rollout. */
#include "analysis/report/analysis_facts.h"
#include "analysis/report/figure.h"
#include "analysis/report/report_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS_MOST = 500, WIDTH = 680, HEIGHT = 380 };

/* ---- The ladder ---- */

enum { RUNGS_MOST = LADDER_COUNT + 2 + REPORT_CURVES };

struct rung {
  char name[REPORT_NAME_MAX];
  double mse, error;
  bool model;
};

struct ladder_figure {
  struct rung rung[RUNGS_MOST];
  int rungs;
};

static void add_rung(struct ladder_figure *ladder, const char *name, double mse, double error, bool model) {
  if (!(mse > 0) || ladder->rungs == RUNGS_MOST) return;
  struct rung *rung = &ladder->rung[ladder->rungs++];
  *rung = (struct rung){.mse = mse, .error = isnan(error) ? 0 : error, .model = model};
  snprintf(rung->name, sizeof rung->name, "%s", name);
}

static int compare_rungs(const void *a, const void *b) {
  const struct rung *x = a, *y = b;
  return (x->mse > y->mse) - (x->mse < y->mse);
}

/* What is possible on the data of a group, and what the groups reach that are measured on the same frames of them. */
static void fill_ladder(const struct report_work *report, const int64_t *chosen, int64_t count,
                        const struct run_group *first, struct ladder_figure *ladder) {
  const struct run_data *data = &first->run[0]->data;
  struct analysis_facts analysis;
  char name[REPORT_NAME_MAX];
  add_rung(ladder, "noise floor", data->floor, data->ladder_error[LADDER_FLOOR], false);
  add_rung(ladder, "information limit", data->limit, NAN, false);
  add_rung(ladder, "last frame seen", data->ladder[LADDER_LAST], data->ladder_error[LADDER_LAST], false);
  add_rung(ladder, "mean image", data->mean_image, data->ladder_error[LADDER_MEAN], false);
  add_rung(ladder, "background", data->ladder[LADDER_BACKGROUND], data->ladder_error[LADDER_BACKGROUND], false);
  if (analysis_facts_find(report->gather, first->run[0], &analysis) == STATUS_OK)
    add_rung(ladder, "linear model", analysis.linear_mse, analysis.linear_error, false);
  else
    page_remark(report->page, PAGE_MISSING, "The analysis of %s: %s", first->run[0]->name, status_message());
  status_clear();
  analysis_facts_close(&analysis);
  for (int64_t i = 0; i < count; i++) {
    const struct run_group *group = &report->groups.group[chosen[i]];
    if (strcmp(group->run[0]->data.checksum, data->checksum) != 0) continue;
    const struct run_spread spread = run_group_score(group, SPLIT_TEST, "mse");
    const double error = run_group_score(group, SPLIT_TEST, "mse_error").mean;
    add_rung(ladder, report_group_name(group, name), spread.mean, spread.count > 1 ? spread.deviation : error, true);
  }
  qsort(ladder->rung, (size_t)ladder->rungs, sizeof *ladder->rung, compare_rungs);
}

static void draw_ladder(struct page *page, const struct ladder_figure *ladder, const char *data) {
  struct figure figure;
  char caption[700], alt[700];
  if (figure_begin(WIDTH, 90 + 34 * ladder->rungs, &figure) == STATUS_OK) {
    fputs("rung,mse,error\n", figure.csv);
    fputs("set logscale x\nset format x '%.0te%T'\nset xlabel 'mean squared error of a pixel (log scale)'\n"
          "unset key\nset offsets graph 0.1, graph 0.1, 0.6, 0.6\nset ytics (",
          figure.script);
    for (int i = 0; i < ladder->rungs; i++) {
      char shown[40];
      snprintf(shown, sizeof shown, strlen(ladder->rung[i].name) < sizeof shown ? "%.39s" : "%.36s...",
               ladder->rung[i].name);
      fputs(i ? ", " : "", figure.script);
      figure_quote(figure.script, shown);
      fprintf(figure.script, " %d", i);
      page_csv_cell(ladder->rung[i].name, figure.csv);
      fprintf(figure.csv, ",%.9g,%.9g\n", ladder->rung[i].mse, ladder->rung[i].error);
    }
    fputs(")\n$rungs << EOD\n", figure.script);
    for (int i = 0; i < ladder->rungs; i++)
      fprintf(figure.script, "%.9g %d %.9g %d %.4g\n", ladder->rung[i].mse, i, ladder->rung[i].error,
              ladder->rung[i].model ? 2 : 1, ladder->rung[i].mse);
    fprintf(figure.script,
            "EOD\nplot $rungs using 1:($4 == 1 ? $2 : NaN):3 with xerrorbars lc rgb '%s' pt 7 ps 1, "
            "$rungs using 1:($4 == 2 ? $2 : NaN):3 with xerrorbars lc rgb '%s' pt 5 ps 1.1, "
            "$rungs using 1:2:(sprintf('%%.3ge-4', 1e4 * $1)) with labels offset 0,0.75 font ',11' tc rgb '#333333'\n",
            figure_color(0), figure_color(1));
  }
  snprintf(
      caption, sizeof caption,
      "The ladder of %.400s: what simple predictors, and none, reach (circles), and models (squares). Bars: standard "
      "errors, of several seeds standard deviations.",
      data);
  snprintf(alt, sizeof alt, "From the smallest error to the largest: %.200s first, %.200s last.", ladder->rung[0].name,
           ladder->rung[ladder->rungs - 1].name);
  figure_end(&figure, page, "ladder", caption, alt);
}

/* One figure for each data set and protocol of the groups that are drawn. */
static void write_ladders(const struct report_work *report, const int64_t *chosen, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    const struct run_group *group = &report->groups.group[chosen[i]];
    struct ladder_figure ladder = {.rungs = 0};
    bool first = true;
    for (int64_t j = 0; j < i; j++)
      first = first && strcmp(report->groups.group[chosen[j]].run[0]->data.checksum, group->run[0]->data.checksum) != 0;
    if (!first) continue;
    fill_ladder(report, chosen, count, group, &ladder);
    if (ladder.rungs > 1) draw_ladder(report->page, &ladder, group->run[0]->data.file);
  }
}

/* ---- Learning curves ---- */

/* So many of the rows that a figure is not larger than it can show. */
static int64_t stride(int64_t rows) { return rows / POINTS_MOST + 1; }

static void write_block(struct figure *figure, int64_t index, const char *name, const double *x, const double *y,
                        int64_t rows, int64_t pitch) {
  fprintf(figure->script, "$c%lld << EOD\n", (long long)index);
  for (int64_t r = 0; r < rows; r += stride(rows)) {
    fprintf(figure->script, "%.9g %.9g\n", x[r], y[r * pitch]);
    page_csv_cell(name, figure->csv);
    fprintf(figure->csv, ",%.9g,%.9g\n", x[r], y[r * pitch]);
  }
  fputs("EOD\n", figure->script);
}

/* Curves that lie in $c0, $c1, ... */
static void write_plot(struct figure *figure, const struct report_work *report, const int64_t *chosen, int64_t count,
                       const char *style) {
  for (int64_t i = 0; i < count; i++) {
    char name[REPORT_NAME_MAX];
    fprintf(figure->script, "%s $c%lld using 1:2 with %s lc rgb '%s' lw 1.6 title ", i ? "," : "plot", (long long)i,
            style, figure_color((int)i));
    figure_quote(figure->script, report_group_name(&report->groups.group[chosen[i]], name));
  }
  fputc('\n', figure->script);
}

static bool has_positive(const double *y, int64_t rows, int64_t pitch) {
  bool positive = rows > 0;
  for (int64_t r = 0; r < rows; r++) positive = positive && (y[r * pitch] > 0 || isnan(y[r * pitch]));
  return positive;
}

/* The loss as training goes, and the score that models are chosen by on the validation split: of a group its first
 * run. */
static void draw_curves(const struct report_work *report, const int64_t *chosen, int64_t count, bool validation,
                        bool frames) {
  struct figure figure;
  const struct learner_kind *kind = report->groups.group[chosen[0]].run[0]->kind;
  const char *what = validation ? kind->score[kind->chosen_by].name : kind->term[0].name;
  bool positive = true;
  char caption[400], id[64];
  if (figure_begin(WIDTH, HEIGHT + 18 * (int)count, &figure) == STATUS_OK) {
    fputs("run,step,value\n", figure.csv);
    for (int64_t i = 0; i < count; i++) {
      const struct run_facts *run = report->groups.group[chosen[i]].run[0];
      const double *y = validation ? run->score[SPLIT_VALIDATION] + kind->chosen_by : run->term;
      const int64_t rows = validation ? run->evaluations : run->reports, pitch = validation ? kind->scores : 1;
      write_block(&figure, i, run->name, validation ? run->evaluation_step : run->report_step, y, rows, pitch);
      positive = positive && has_positive(y, rows, pitch);
    }
    fprintf(figure.script,
            "set xlabel 'optimizer step'\nset ylabel '%s%s%s'\nset key below left Left reverse vertical\n%s",
            kind->chosen_by >= 0 && validation ? (frames ? "validation MSE" : "validation -log p, nat") : "training: ",
            validation ? "" : what, !validation && kind->term[0].unit ? ", nat" : "",
            positive ? "set logscale y\nset format y '%.0te%T'\n" : "");
    write_plot(&figure, report, chosen, count, validation ? "linespoints ps 0.6" : "lines");
  }
  snprintf(caption, sizeof caption,
           validation ? "Validation score \"%s\" as training goes: %s."
                      : "The loss's term \"%s\" as training goes, on the batch: %s.",
           what, validation ? kind->score[kind->chosen_by].help : kind->term[0].help);
  snprintf(id, sizeof id, "learning-%s-%s", validation ? "validation" : "training", frames ? "frames" : "densities");
  figure_end(&figure, report->page, id, caption,
             "Learning curves of the groups in the key; the values are in the CSV.");
}

static void write_curves(const struct report_work *report, enum learner_data data) {
  int64_t chosen[REPORT_CURVES], with[REPORT_CURVES], count = report_best(report, data, REPORT_CURVES, chosen),
                                                      evaluated = 0, reported = 0;
  for (int64_t i = 0; i < count; i++)
    if (report->groups.group[chosen[i]].run[0]->reports > 1) with[reported++] = chosen[i];
  if (reported > 0) draw_curves(report, with, reported, false, data == LEARNER_FRAMES);
  for (int64_t i = 0; i < count; i++)
    if (report->groups.group[chosen[i]].run[0]->evaluations > 1) with[evaluated++] = chosen[i];
  if (evaluated > 0) draw_curves(report, with, evaluated, true, data == LEARNER_FRAMES);
}

/* ---- Along the rollout ---- */

/* s where the interval is known, else frames. */
static double place_of(const struct run_facts *run, int64_t target) {
  const double frame = (double)(target + (run->has_protocol ? run->protocol.target_first : 0));
  return isnan(run->data.dt) ? frame : frame * run->data.dt;
}

static void draw_frames(const struct report_work *report, const int64_t *chosen, int64_t count) {
  struct figure figure;
  bool seconds = true;
  const struct run_data *data = &report->groups.group[chosen[0]].run[0]->data;
  if (figure_begin(WIDTH, HEIGHT + 18 * (int)count, &figure) == STATUS_OK) {
    fputs("run,time,mse\n", figure.csv);
    for (int64_t i = 0; i < count; i++) {
      const struct run_facts *run = report->groups.group[chosen[i]].run[0];
      seconds = seconds && !isnan(run->data.dt);
      fprintf(figure.script, "$c%lld << EOD\n", (long long)i);
      for (int64_t t = 0; t < run->targets; t++) {
        fprintf(figure.script, "%.9g %.9g\n", place_of(run, t), run->frame_mse[t]);
        page_csv_cell(run->name, figure.csv);
        fprintf(figure.csv, ",%.9g,%.9g\n", place_of(run, t), run->frame_mse[t]);
      }
      fputs("EOD\n", figure.script);
    }
    fprintf(figure.script,
            "set xlabel 'time of the frame, %s'\nset ylabel 'mean squared error of a pixel'\n"
            "set key below left Left reverse vertical\nset format y '%%.1te%%T'\nset yrange [0:*]\n",
            seconds ? "s" : "frames");
    if (data->floor > 0)
      fprintf(figure.script,
              "set arrow from graph 0, first %.9g to graph 1, first %.9g nohead dt 3 lc rgb '#555555'\n"
              "set label 'noise floor' at graph 0.99, first %.9g right offset 0,0.6 font ',11'\n",
              data->floor, data->floor, data->floor);
    if (data->mean_image > 0)
      fprintf(figure.script,
              "set arrow from graph 0, first %.9g to graph 1, first %.9g nohead dt 2 lc rgb '#555555'\n"
              "set label 'mean image' at graph 0.99, first %.9g right offset 0,0.6 font ',11'\n",
              data->mean_image, data->mean_image, data->mean_image);
    write_plot(&figure, report, chosen, count, "linespoints ps 0.5");
  }
  figure_end(&figure, report->page, "by-frame",
             "Error on test rollouts along the rollout, frame by frame; floor and mean image are those of the first "
             "curve's data.",
             "Error by frame of the groups in the key; the values are in the CSV.");
}

static void write_frames(const struct report_work *report) {
  int64_t chosen[REPORT_CURVES], with[REPORT_CURVES],
      count = report_best(report, LEARNER_FRAMES, REPORT_CURVES, chosen), some = 0;
  for (int64_t i = 0; i < count; i++)
    if (report->groups.group[chosen[i]].run[0]->frame_mse) with[some++] = chosen[i];
  if (some > 0) draw_frames(report, with, some);
}

void report_curves(const struct report_work *report) {
  int64_t chosen[REPORT_CURVES];
  const int64_t frames = report_best(report, LEARNER_FRAMES, REPORT_CURVES, chosen);
  page_heading(report->page, 2, "figures", "In figures");
  if (report->groups.groups > REPORT_CURVES)
    page_remark(report->page, PAGE_REMARK,
                "Figures show the %d groups that are best on the validation split; the tables "
                "have all.",
                REPORT_CURVES);
  write_ladders(report, chosen, frames);
  write_curves(report, LEARNER_FRAMES);
  write_curves(report, LEARNER_POINTS);
  write_frames(report);
}
