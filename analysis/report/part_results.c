/* "Results": every score, with its uncertainty over rollouts and over seeds, beside what is possible. */
#include "analysis/report/report_private.h"
#include "train/hgn_evaluate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ALL_SCORES = 8, NAMES_MOST = 12 };

/* ---- What speaks against a number ---- */

/* Of one finding: all runs that it is made of, as far as they are not too many to be read. */
static void write_verdict(const struct report_work *report, enum verdict_of of) {
  const struct gather *gather = report->gather;
  char names[1024] = "";
  int64_t found = 0;
  size_t used = 0;
  for (int64_t i = 0; i < gather->runs; i++) {
    if (!(gather->run[i].verdict.of[of] > 0)) continue;
    if (found++ < NAMES_MOST && used < sizeof names)
      used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", found > 1 ? ", " : "", gather->run[i].name);
  }
  if (found > NAMES_MOST)
    page_remark(report->page, PAGE_WARNING, "%s and %lld more: %s.", names, (long long)(found - NAMES_MOST),
                verdict_text(of));
  else if (found > 0)
    page_remark(report->page, PAGE_WARNING, "%s: %s.", names, verdict_text(of));
}

static void write_warnings(const struct report_work *report) {
  const struct gather *gather = report->gather;
  int64_t shown = 0;
  for (int v = 0; v < VERDICT_COUNT; v++) write_verdict(report, (enum verdict_of)v);
  for (int64_t i = 0; i < gather->runs; i++) {
    const struct run_facts *run = &gather->run[i];
    if (run->complete || shown++ >= NAMES_MOST) continue;
    page_remark(report->page, PAGE_WARNING, "%s is not complete: %lld of %lld steps. Its numbers are those of %s.",
                run->name, (long long)run->steps_done, (long long)run->steps,
                run->evaluations > 0 ? "its last evaluation" : "no evaluation, which it has not come to");
  }
  if (shown > NAMES_MOST)
    page_remark(report->page, PAGE_WARNING, "%lld more runs are not complete.", (long long)(shown - NAMES_MOST));
}

/* ---- The table of a kind of data ---- */

/* Where H is compared with nothing, its conservation says nothing either. */
static bool is_meaningful(const struct run_group *group, const char *name) {
  const bool conserved = strcmp(name, "energy_drift") == 0 || strcmp(name, "energy_variation") == 0;
  return !conserved || group->run[0]->kind->data != LEARNER_FRAMES ||
         run_group_score(group, SPLIT_TEST, "r2").mean > VERDICT_R2;
}

static void write_score(struct page *page, const struct run_group *group, const char *name, double scale,
                        const char *format) {
  report_number(page, format,
                is_meaningful(group, name) ? scale * run_group_score(group, SPLIT_TEST, name).mean : (double)NAN);
}

/* The score, the mean of its standard errors over rollouts, its standard deviation over seeds. */
static void write_error(struct page *page, const struct run_group *group, const char *name, double scale,
                        const char *format) {
  char error[64];
  snprintf(error, sizeof error, "%s_error", name);
  report_number(page, format, scale * run_group_score(group, SPLIT_TEST, name).mean);
  report_number(page, format, scale * run_group_score(group, SPLIT_TEST, error).mean);
  report_number(page, format, scale * run_group_score(group, SPLIT_TEST, name).deviation);
}

static void write_seeds(struct page *page, const struct run_group *group) {
  char text[128];
  int used = 0;
  for (int64_t i = 0; i < group->runs && used < (int)sizeof text - 24; i++)
    used += snprintf(text + used, sizeof text - (size_t)used, "%s%lld", i ? ", " : "", (long long)group->run[i]->seed);
  page_cell(page, "%s", text);
}

static const struct page_column frame_columns[] = {{"run", false},
                                                   {"data", false},
                                                   {"seeds", false},
                                                   {"test MSE x1e-4", true},
                                                   {"s.e. over rollouts", true},
                                                   {"s.d. over seeds", true},
                                                   {"unseen frames x1e-4", true},
                                                   {"s.e. over rollouts", true},
                                                   {"s.d. over seeds", true},
                                                   {"R2", true},
                                                   {"over noise floor", true},
                                                   {"over information limit", true},
                                                   {"unseen over limit, paired", true},
                                                   {"s.e. over rollouts", true},
                                                   {"s.d. over seeds", true},
                                                   {"H drift", true},
                                                   {"reversal, pixels", true},
                                                   {"valid frames", true}};

static void write_frames(struct page *page, const struct run_group *group) {
  char name[REPORT_NAME_MAX];
  page_cell(page, "%s", report_group_name(group, name));
  page_cell(page, "%s", group->run[0]->data.system[0] ? group->run[0]->data.system : group->run[0]->data.file);
  write_seeds(page, group);
  write_error(page, group, "mse", 1e4, "%.4f");
  write_error(page, group, "unseen", 1e4, "%.4f");
  write_score(page, group, "r2", 1, "%.4f");
  write_score(page, group, "over_floor", 1, "%.4f");
  write_score(page, group, "over_limit", 1, "%.4f");
  write_error(page, group, "paired_over_limit", 1, "%.4f");
  write_score(page, group, "energy_drift", 1, "%.4g");
  write_score(page, group, "reversal_pixels", 1, "%.4g");
  write_score(page, group, "vpt", 1, "%.4g");
}

static const struct page_column point_columns[] = {{"run", false},
                                                   {"density", false},
                                                   {"seeds", false},
                                                   {"-log p, nat", true},
                                                   {"s.e. over points", true},
                                                   {"s.d. over seeds", true},
                                                   {"KL from the density, nat", true},
                                                   {"s.e. over points", true},
                                                   {"s.d. over seeds", true},
                                                   {"reverse KL, nat", true},
                                                   {"modes reached", true},
                                                   {"energy distance", true},
                                                   {"its floor", true}};

static void write_points(struct page *page, const struct run_group *group) {
  char name[REPORT_NAME_MAX];
  page_cell(page, "%s", report_group_name(group, name));
  page_cell(page, "%s", group->run[0]->data.system[0] ? group->run[0]->data.system : group->run[0]->data.file);
  write_seeds(page, group);
  write_error(page, group, "nll", 1, "%.5f");
  write_error(page, group, "kl", 1, "%.5f");
  write_score(page, group, "kl_reverse", 1, "%.5f");
  write_score(page, group, "modes", 1, "%.3f");
  write_score(page, group, "energy_distance", 1, "%.4g");
  write_score(page, group, "energy_floor", 1, "%.4g");
}

static bool has_kind(const struct report_work *report, enum learner_data data) {
  int64_t one;
  return report_best(report, data, 1, &one) > 0;
}

static void write_table(const struct report_work *report, bool frames) {
  const struct run_groups *groups = &report->groups;
  const enum learner_data data = frames ? LEARNER_FRAMES : LEARNER_POINTS;
  struct page *page = report->page;
  if (!has_kind(report, data)) return;
  if (frames)
    page_table_begin(page, "results-frames",
                     "Test errors, by the best on the validation split. MSE is of a pixel in 0 to 1 against what was "
                     "observed, noise included; H drift is left out where a model is no better than the mean image, "
                     "since one that draws nothing conserves H, too.",
                     frame_columns, sizeof frame_columns / sizeof *frame_columns);
  else
    page_table_begin(page, "results-densities", "Densities on test points, by the best on the validation split.",
                     point_columns, sizeof point_columns / sizeof *point_columns);
  for (int64_t i = 0; i < groups->groups; i++) {
    const struct run_group *group = &groups->group[groups->best[i]];
    if (group->run[0]->kind->data != data) continue;
    if (frames)
      write_frames(page, group);
    else
      write_points(page, group);
  }
  page_table_end(page);
}

/* ---- All scores ---- */

static void write_group_scores(const struct report_work *report, const struct run_group *group) {
  const struct learner_kind *kind = group->run[0]->kind;
  char name[REPORT_NAME_MAX];
  for (int i = 0; i < kind->scores; i++) {
    const char *score = kind->score[i].name;
    const size_t length = strlen(score);
    char error[96];
    if (length > 6 && strcmp(score + length - 6, "_error") == 0) continue; /* stands beside its score */
    const struct run_spread spread = run_group_score(group, SPLIT_TEST, score);
    if (spread.count == 0) continue;
    snprintf(error, sizeof error, "%s_error", score);
    page_cell(report->page, "%s", report_group_name(group, name));
    page_cell(report->page, "%s", score);
    report_number(report->page, "%.6g", spread.mean);
    page_cell(report->page, "%s", kind->score[i].unit ? kind->score[i].unit : "");
    report_number(report->page, "%.3g", run_group_score(group, SPLIT_TEST, error).mean);
    report_number(report->page, "%.3g", spread.deviation);
    page_cell(report->page, "%lld", (long long)spread.count);
    page_cell(report->page, "%s%s", kind->score[i].help,
              is_meaningful(group, score) ? "" : " (of no meaning here: no better than the mean image)");
  }
}

static void write_scores(const struct report_work *report, enum learner_data data, const char *id) {
  static const struct page_column column[] = {{"run", false},
                                              {"score", false},
                                              {"mean over seeds", true},
                                              {"unit", false},
                                              {"s.e. over rollouts or points", true},
                                              {"s.d. over seeds", true},
                                              {"seeds", true},
                                              {"what it is", false}};
  int64_t chosen[ALL_SCORES];
  const int64_t count = report_best(report, data, ALL_SCORES, chosen);
  if (count == 0) return;
  page_table_begin(report->page, id, "All scores of the last evaluation on the test split, of the best groups.", column,
                   sizeof column / sizeof *column);
  for (int64_t i = 0; i < count; i++) write_group_scores(report, &report->groups.group[chosen[i]]);
  page_table_end(report->page);
}

void report_results(const struct report_work *report) {
  page_heading(report->page, 1, "results", "Results");
  page_text(report->page,
            "Errors are those of the model at the end of its training, on the test split, which has no part in any "
            "choice. Runs that differ in nothing but their seeds stand in one row: mean over seeds, and standard "
            "deviation where there are several. Standard errors over rollouts are of one trained model on other "
            "rollouts; the deviation over seeds is of other trainings on the same data. The commands that make each "
            "row are under \"What was run\".");
  write_warnings(report);
  write_table(report, true);
  write_table(report, false);
  write_scores(report, LEARNER_FRAMES, "scores-frames");
  write_scores(report, LEARNER_POINTS, "scores-densities");
}
