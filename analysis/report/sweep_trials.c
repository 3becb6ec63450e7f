/* A sweep's trials: the best as a table, all of them as a figure and as CSV; and the best, run again. */
#include "analysis/report/sweep_cost.h"
#include "analysis/report/sweep_view.h"
#include "sweep/board.h"
#include "sweep/summary.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { SHOWN = 25, COLUMNS_MAX = 6 + SWEEP_METRICS_MAX + SWEEP_VIEW_COLUMNS };

/* ---- The table ---- */

/* Parameters that the table has room for. */
static int shown_axes(const struct sweep_view *view) {
  return view->axes.count < SWEEP_VIEW_COLUMNS ? view->axes.count : SWEEP_VIEW_COLUMNS;
}

static int name_columns(const struct sweep_view *view, struct page_column *column) {
  int count = 0;
  column[count++] = (struct page_column){sweep_view_unit(view), true};
  column[count++] = (struct page_column){"state", false};
  for (int m = 0; m < view->sweep->metrics; m++)
    column[count++] = (struct page_column){view->sweep->metric[m].name, true};
  if (view->sweep->repeats > 1) column[count++] = (struct page_column){"95% interval", true};
  column[count++] = (struct page_column){"steps", true};
  column[count++] = (struct page_column){"seconds", true};
  column[count++] = (struct page_column){"core-hours", true};
  for (int i = 0; i < shown_axes(view); i++)
    column[count++] = (struct page_column){sweep_view_name(view, view->axis[i]), !view->axes.axis[view->axis[i]].cells};
  return count;
}

/* The worst state of its repeats; while some have not ended, theirs. */
static enum trial_state state_of(const struct sweep_view *view, int64_t configuration) {
  for (int64_t r = 0; r < view->sweep->repeats; r++) {
    const enum trial_state state = view->ledger->trial[configuration * view->sweep->repeats + r].state;
    if (!trial_ended(state)) return state;
  }
  return view->result[configuration].state;
}

static void add_row(struct page *page, const struct sweep_view *view, int64_t configuration) {
  const struct search_result *result = &view->result[configuration];
  char text[SWEEP_VIEW_TEXT];
  double seconds = 0, hours = 0;
  for (int64_t r = 0; r < view->sweep->repeats; r++) {
    const struct ledger_trial *trial = &view->ledger->trial[configuration * view->sweep->repeats + r];
    seconds += isfinite(trial->seconds) ? trial->seconds : 0;
    hours += sweep_cost_trial(trial);
  }
  page_cell(page, "%" PRId64, ledger_configuration_number(view->ledger, configuration));
  page_cell(page, "%s", trial_state_name(state_of(view, configuration)));
  for (int m = 0; m < view->sweep->metrics; m++) {
    sweep_view_number(view->sweep->metric[m].maximize ? -result->value[m] : result->value[m], text);
    page_cell(page, "%s", text);
  }
  if (view->sweep->repeats > 1 && result->repeats > 1)
    page_cell(page, "± %.2g", summary_interval(result->error, result->repeats));
  else if (view->sweep->repeats > 1)
    page_cell(page, "%s", "");
  page_cell(page, "%" PRId64, result->step == INT64_MAX ? 0 : result->step);
  page_cell(page, "%.4g", seconds);
  page_cell(page, "%.3g", hours);
  for (int i = 0; i < shown_axes(view); i++) {
    sweep_view_show(view, configuration, view->axis[i], text);
    page_cell(page, "%s", text);
  }
}

static void add_table(struct page *page, const struct sweep_view *view) {
  struct page_column column[COLUMNS_MAX];
  const int columns = name_columns(view, column);
  const int64_t all = view->ledger->points, rows = all < SHOWN ? all : SHOWN;
  char caption[256];
  const char *unit = sweep_view_unit(view);
  snprintf(caption, sizeof caption,
           "%s %" PRId64 " of %" PRId64 " %ss%s. Metrics on the validation split, at the last report.",
           rows < all ? "The first" : "All", rows, all, unit,
           view->ranked > 0 ? ", the best by the first metric first" : "");
  page_table_begin(page, "sweep-best", caption, column, columns);
  for (int64_t i = 0; i < rows; i++) add_row(page, view, view->order[i]);
  page_table_end(page);
  if (view->axes.count > SWEEP_VIEW_COLUMNS)
    page_text(page, "%d of %d parameters are shown; the next table of numbers (CSV of the figure) has all.",
              SWEEP_VIEW_COLUMNS, view->axes.count);
}

/* ---- All of them ---- */

static void write_names(const struct sweep_view *view, FILE *out) {
  fputs("trial,configuration,repeat,confirms,seed,state,steps,seconds,core_hours", out);
  for (int s = 0; s < view->ledger->shape.scores; s++) fprintf(out, ",validation_%s", view->ledger->score[s]);
  for (int s = 0; s < view->ledger->shape.scores; s++) fprintf(out, ",test_%s", view->ledger->score[s]);
  for (int a = 0; a < view->axes.count; a++) {
    fputc(',', out);
    page_csv_cell(sweep_view_name(view, a), out);
  }
  fputs(",reason\n", out);
}

/* 17 digits: what is read is what the file has. */
static void write_scores(const double *score, int count, FILE *out) {
  for (int s = 0; s < count; s++) {
    fputc(',', out);
    if (score && isfinite(score[s])) fprintf(out, "%.17g", score[s]);
  }
}

static void write_trial(const struct sweep_view *view, int64_t t, FILE *out) {
  const struct ledger *ledger = view->ledger;
  const struct ledger_trial *trial = &ledger->trial[t];
  const int64_t configuration = trial->configuration < ledger->points ? trial->configuration : -1;
  fprintf(out, "%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%s,%" PRId64 ",%.6g,%.6g",
          ledger_trial_number(ledger, t), ledger_configuration_number(ledger, trial->configuration), trial->repeat,
          trial->confirms, trial->seed, trial_state_name(trial->state), trial->step,
          isfinite(trial->seconds) ? trial->seconds : 0, sweep_cost_trial(trial));
  write_scores(search_last_scores(ledger, t), ledger->shape.scores, out);
  write_scores(ledger->test + t * ledger->shape.scores, ledger->shape.scores, out);
  for (int a = 0; a < view->axes.count; a++) {
    const int parameter = view->axes.axis[a].parameter;
    const double *point = ledger->point + configuration * ledger->shape.parameters;
    fputc(',', out);
    if (configuration < 0 || isnan(point[parameter])) continue;
    if (view->space->parameter[parameter].choice)
      page_csv_cell(view->space->parameter[parameter].choice[(int64_t)point[parameter]].text, out);
    else
      fprintf(out, "%.17g", point[parameter]);
  }
  fputc(',', out);
  page_csv_cell(trial->reason, out);
  fputc('\n', out);
}

/* What is drawn of a trial: of equal colour what came to the same. */
enum kind { KIND_COMPLETE, KIND_PRUNED, KIND_OTHER, KINDS };
static const char *const kind_title[KINDS] = {"complete", "pruned or waiting, at its last report", "other"};

static enum kind kind_of(enum trial_state state) {
  if (state == TRIAL_COMPLETE) return KIND_COMPLETE;
  return state == TRIAL_PRUNED || state == TRIAL_PAUSED ? KIND_PRUNED : KIND_OTHER;
}

/* The best so far, over the numbers of configurations. */
static void write_best(const struct sweep_view *view, FILE *script) {
  double best = INFINITY;
  fputs("$best << EOD\n", script);
  for (int64_t c = 0; c < view->ledger->points; c++) {
    if (!isnan(view->result[c].rank)) best = fmin(best, view->result[c].rank);
    if (isfinite(best))
      fprintf(script, "%" PRId64 " %.9g\n", ledger_configuration_number(view->ledger, c), view->sign * best);
  }
  fputs("EOD\n", script);
}

static void write_points(const struct sweep_view *view, enum kind kind, FILE *script) {
  const struct ledger *ledger = view->ledger;
  const int64_t searched = ledger->points * view->sweep->repeats, stride = sweep_view_stride(searched, 2000);
  fprintf(script, "$kind%d << EOD\n", kind);
  for (int64_t t = 0; t < searched; t += stride)
    if (kind_of(ledger->trial[t].state) == kind && isfinite(ledger->trial[t].value))
      fprintf(script, "%" PRId64 " %.9g\n", ledger_configuration_number(ledger, ledger->trial[t].configuration),
              ledger->trial[t].value);
  fputs("EOD\n", script);
}

static void write_all(const struct sweep_view *view, FILE *out) {
  write_names(view, out);
  for (int64_t t = 0; t < view->ledger->shape.trials; t++)
    if (ledger_counts(view->sweep, view->ledger, t)) write_trial(view, t, out);
}

/* Where there is no figure that could have it. */
static void add_all_as_text(struct page *page, const struct sweep_view *view) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (!out) return;
  write_all(view, out);
  if (fclose(out) == 0) page_verbatim(page, "All trials, as CSV", true, text);
  free(text);
}

static void add_history(struct page *page, const struct sweep_view *view) {
  struct figure figure;
  const struct ledger *ledger = view->ledger;
  double least = INFINITY, most = -INFINITY;
  int64_t values = 0, there[KINDS] = {0};
  for (int64_t t = 0; t < ledger->points * view->sweep->repeats; t++) {
    const double value = ledger->trial[t].value;
    if (!isfinite(value)) continue;
    least = fmin(least, value), most = fmax(most, value), values++;
    there[kind_of(ledger->trial[t].state)] += 1;
  }
  if (values == 0) {
    page_remark(page, PAGE_MISSING, "No trial has a value of %s.", view->sweep->metric[0].name);
    add_all_as_text(page, view);
    return;
  }
  if (figure_begin(760, 320, &figure) == STATUS_OK) {
    write_all(view, figure.csv);
    fprintf(figure.script, "set xrange [%g:%g]\nset xlabel '%s'\nset ylabel ", -0.015 * (double)ledger->points - 0.5,
            1.015 * (double)ledger_configuration_number(ledger, ledger->points - 1) + 0.5, sweep_view_unit(view));
    figure_quote(figure.script, view->sweep->metric[0].name);
    fprintf(figure.script, "\nset key outside top horizontal left samplen 1\n%s",
            sweep_view_logarithmic(least, most) ? "set logscale y\nset format y '%g'\n" : "");
    write_best(view, figure.script);
    for (int k = 0; k < KINDS; k++) write_points(view, (enum kind)k, figure.script);
    fputs("plot $best with steps lt 2 lw 2 title 'best "
          "complete so far'",
          figure.script);
    static const char *const look[KINDS] = {"'#0072b2'", "'#e69f00'", "'#888888'"};
    for (int k = 0; k < KINDS; k++)
      if (there[k] > 0)
        fprintf(figure.script, ", $kind%d with points pt 7 ps 0.4 lc rgb %s title '%s'", k, look[k], kind_title[k]);
    fputc('\n', figure.script);
  }
  figure_end(
      &figure, page, "sweep-trials",
      "Every trial's value, in the order in which the search has chosen them. The CSV has all trials, with their "
      "states, seeds, scores, times and parameters.",
      "Points, one a trial: its metric over its number, and a falling staircase, the best so far.");
}

void sweep_trials_add(struct page *page, const struct sweep_view *view) {
  page_heading(page, 2, "sweep-trials-part", "Trials");
  add_table(page, view);
  add_history(page, view);
}

/* ---- The best ---- */

static void add_words(struct page *page, const struct sweep_view *view, int64_t configuration) {
  const double *point = view->ledger->point + configuration * view->ledger->shape.parameters;
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (!out) return;
  fprintf(out, "hgn train %s", view->stored.texts.base_name);
  for (int p = 0; p < view->space->count; p++) {
    char word[SPACE_WORD_MAX];
    bool takes_part = false;
    if (space_word(view->space, point, p, word, &takes_part) != STATUS_OK)
      status_clear();
    else if (takes_part)
      fprintf(out, " \\\n  '%s'", word);
  }
  fputc('\n', out);
  if (fclose(out) == 0) page_verbatim(page, "To train it by itself", false, text);
  free(text);
}

static void show_mean(struct page *page, const struct search_mean *mean) {
  if (mean->count == 0)
    page_cell(page, "%s", "");
  else if (mean->count == 1)
    page_cell(page, "%.6g", search_mean_value(mean));
  else
    page_cell(page, "%.6g ± %.2g", search_mean_value(mean), summary_interval(search_mean_error(mean), mean->count));
}

/* What the search saw too good, over those that were run again, and the variance of the sum. */
struct luck {
  int64_t count;
  double sum, variance;
};

/* Where one seed was looked at, it varies as one of those on which it was run again. */
static void add_luck(const struct sweep_view *view, const struct summary_again *again, struct luck *luck) {
  const struct search_result *result = &view->result[again->configuration];
  const double error = search_mean_error(&again->validation), n = (double)again->validation.count;
  const double seen = result->repeats > 1 ? result->error : error * sqrt(n);
  luck->count += 1;
  luck->sum += view->sign * (search_mean_value(&again->validation) - result->mean);
  luck->variance += error * error + seen * seen;
}

/* Of many that were tried the best looks better than it is. */
static void tell_curse(struct page *page, const struct sweep_view *view, const struct luck *luck) {
  if (luck->count == 0) return;
  const double mean = luck->sum / (double)luck->count, error = sqrt(luck->variance) / (double)luck->count;
  if (mean > 2 * error)
    page_remark(page, PAGE_WARNING,
                "The winner's curse: of %" PRId64
                " that were tried, these were chosen because they looked best, and on "
                "fresh seeds they come to %s values, by %.2g ± %.2g on average. Report what they came to again, not "
                "what the search has seen.",
                view->ranked, view->sign > 0 ? "larger" : "smaller", mean, 2 * error);
  else if (isnan(error))
    page_text(page,
              "On fresh seeds they come to values that are %s by %.2g on average; of one seed each nobody can say "
              "whether that is chance.",
              mean > 0 ? "worse" : "better", fabs(mean));
  else
    page_text(page,
              "On fresh seeds they come to values that are %s by %.2g on average, which is within what seeds differ "
              "by (± %.2g): no winner's curse is seen.",
              mean > 0 ? "worse" : "better", fabs(mean), 2 * error);
}

static void add_confirmation(struct page *page, const struct sweep_view *view) {
  static const struct page_column column[] = {{"configuration", true},     {"fresh seeds", true}, {"search", true},
                                              {"again, validation", true}, {"again, test", true}, {"luck", true}};
  struct luck luck = {.count = 0};
  double least = INFINITY;
  int64_t winner = -1;
  if (view->sweep->confirm == 0) {
    page_remark(page, PAGE_REMARK,
                "The best was not run again on fresh seeds (confirm: N in the sweep's file): what stands here is what "
                "the search has seen, and the best of many looks better than it is.");
    return;
  }
  page_table_begin(page, "sweep-confirmed",
                   "The best, run again on fresh seeds: means and their 95% intervals. Luck: what the search saw too "
                   "good.",
                   column, sizeof column / sizeof *column);
  for (int64_t k = 0; k < view->sweep->confirm; k++) {
    const struct summary_again again = summary_again(view->sweep, view->ledger, k);
    if (again.validation.count == 0) continue;
    const double search = view->result[again.configuration].mean, found = search_mean_value(&again.validation);
    page_cell(page, "%" PRId64, ledger_configuration_number(view->ledger, again.configuration));
    page_cell(page, "%" PRId64, again.validation.count);
    page_cell(page, "%.6g", search);
    show_mean(page, &again.validation);
    show_mean(page, &again.test);
    page_cell(page, "%.2g", view->sign * (found - search));
    add_luck(view, &again, &luck);
    if (view->sign * found < least) least = view->sign * found, winner = again.configuration;
  }
  page_table_end(page);
  if (winner < 0)
    page_remark(page, PAGE_MISSING, "None has been run again yet.");
  else
    page_text(page, "Best on fresh seeds: configuration %" PRId64 ".",
              ledger_configuration_number(view->ledger, winner));
  tell_curse(page, view, &luck);
}

void sweep_best_add(struct page *page, const struct sweep_view *view) {
  const struct sweep_metric *metric = &view->sweep->metric[0];
  page_heading(page, 2, "sweep-best-part", "The best");
  if (view->ranked == 0) {
    page_remark(page, PAGE_MISSING, "No configuration has come to its end with a value of %s.", metric->name);
    return;
  }
  const int64_t best = view->order[0];
  const struct search_result *result = &view->result[best];
  if (result->repeats > 1)
    page_text(page,
              "Configuration %" PRId64 ": %s %.6g ± %.2g on the validation split, the mean over %" PRId64
              " seeds and its 95%% interval.",
              ledger_configuration_number(view->ledger, best), metric->name, result->mean,
              summary_interval(result->error, result->repeats), result->repeats);
  else
    page_text(page, "Trial %" PRId64 ": %s %.6g on the validation split, of one seed.",
              ledger_configuration_number(view->ledger, best), metric->name, result->mean);
  add_words(page, view, best);
  add_confirmation(page, view);
}
