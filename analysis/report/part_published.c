/* "Against what was published": the figures of the paper and of its reproduction beside ours and beside what is
 * possible, and what of them cannot be as it says. All is computed from the rows of data/published_*.csv. */
#include "analysis/report/claims_sections.h"
#include "analysis/report/report_private.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LEVEL 0.95
enum { MODEL_MAX = 96, WHY_SHOWN = 200 };

/* ---- Remarks ---- */

static void __attribute__((format(printf, 2, 3))) say(char text[PUBLISHED_REMARK_MAX], const char *format, ...) {
  const size_t used = strlen(text);
  if (used + 3 > PUBLISHED_REMARK_MAX) return;
  char *end = text + used;
  if (used > 0) {
    memcpy(end, "; ", 3);
    end += 2;
  }
  va_list values;
  va_start(values, format);
  vsnprintf(end, PUBLISHED_REMARK_MAX - (size_t)(end - text), format, values);
  va_end(values);
}

/* Which noises allow all of its figures on frames that were not seen. */
static void say_allowed(const struct published_row *row, char text[PUBLISHED_REMARK_MAX]) {
  double largest = NAN, ruled_out = NAN;
  for (int i = 0; i < published_bound_count; i++) {
    const struct published_bound *bound = &published_bounds[i];
    if (strcmp(bound->system, row->system) != 0 || bound->kind != PUBLISHED_FLOOR) continue;
    if (published_rules_out(row->system, bound->noise))
      ruled_out = fmin(isnan(ruled_out) ? bound->noise : ruled_out, bound->noise);
    else
      largest = fmax(isnan(largest) ? bound->noise : largest, bound->noise);
  }
  if (!isnan(largest)) say(text, "a noise of %g allows its figures, %g does not", largest, ruled_out);
}

/* The bound is below by so many standard errors of both. */
static void say_below(const struct published_row *row, const struct published_bound *bound, const char *what,
                      char text[PUBLISHED_REMARK_MAX]) {
  const double share = published_share(row), of_row = published_error(row),
               error = sqrt(of_row * of_row + share * share * bound->error * bound->error);
  say(text,
      "cannot be: below the %s of unseen frames, %.2f with the noise of %g that is stated (%.2f for 29 of 30 frames), "
      "by "
      "%.0f standard errors",
      what, 1e4 * bound->value, bound->noise, 1e4 * share * bound->value, (share * bound->value - row->value) / error);
}

static void say_copied(const struct published_row *row, char text[PUBLISHED_REMARK_MAX]) {
  const struct published_bound *floor = published_bound(row->system, NAN, PUBLISHED_FLOOR);
  const bool train = strcmp(row->split, "train") == 0, five = strstr(row->model, " 5-frame") != NULL,
             under_floor = row->value < floor->value;
  const struct published_bound *bound =
      under_floor ? floor : published_bound(row->system, NAN, five ? PUBLISHED_LIMIT : PUBLISHED_LIMIT_ALL);
  say(text, "may copy noise: below the %s of %.2f, on frames that it %s", under_floor ? "noise floor" : "limit",
      1e4 * bound->value,
      five && train                       ? "was trained on"
      : strstr(row->model, " autoencode") ? "has seen"
                                          : "may have seen (it is not said)");
}

void published_remark(const struct published_row *row, char text[PUBLISHED_REMARK_MAX]) {
  double noise;
  const unsigned flags = published_flags(row, &noise);
  text[0] = '\0';
  if (flags & PUBLISHED_BELOW_FLOOR)
    say_below(row, published_bound(row->system, NAN, PUBLISHED_FLOOR), "noise floor", text);
  else if (flags & PUBLISHED_BELOW_LIMIT)
    say_below(row, published_bound(row->system, NAN, PUBLISHED_LIMIT), "information limit", text);
  if (flags & (PUBLISHED_BELOW_FLOOR | PUBLISHED_BELOW_LIMIT)) say_allowed(row, text);
  if (flags & PUBLISHED_MAY_COPY) say_copied(row, text);
  if (flags & PUBLISHED_OTHER_DATA) {
    const struct published_bound *floor = published_bound(row->system, NAN, PUBLISHED_FLOOR);
    say(text, "%.2g of the noise floor of the reproduction's data (%.2f): its images or its noise are others",
        row->value / floor->value, 1e4 * floor->value);
  }
  if (flags & PUBLISHED_NO_BETTER) {
    const struct published_bound *mean = published_bound(row->system, noise, PUBLISHED_MEAN_IMAGE);
    say(text, "no better than the mean image: R2 %.3f against its %.2f, with a noise of %g%s",
        1 - row->value / mean->value, 1e4 * mean->value, noise, mean->stated ? "" : ", which its other figures allow");
  }
}

/* ---- Published rows ---- */

/* "HGN Leapfrog 5-frame" -> "HGN Leapfrog", as the paper's rows are called. */
static void paper_model(const char *model, char name[MODEL_MAX]) {
  static const char *const modes[] = {" autoencode", " 5-frame"};
  snprintf(name, MODEL_MAX, "%s", model);
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    char *mode = strstr(name, modes[i]);
    if (mode) *mode = '\0';
  }
}

static void write_value(struct page *page, const struct published_row *row) {
  report_number(page, "%.2f", row ? 1e4 * row->value : (double)NAN);
  report_number(page, "%.2f", row ? 1e4 * row->half : (double)NAN);
}

/* Of a value over bounds, and in R2. */
static void write_bounds(struct page *page, double value, const struct published_bound *floor,
                         const struct published_bound *limit, const struct published_bound *mean) {
  report_number(page, "%.2f", floor ? value / floor->value : (double)NAN);
  report_number(page, "%.3f", limit ? value / limit->value : (double)NAN);
  report_number(page, "%.3f", mean ? 1 - value / mean->value : (double)NAN);
}

/* The test figure's; what there is to say of the training's only where the other is in order. */
static void write_remarks(struct page *page, const struct published_row *train, const struct published_row *test) {
  char of_train[PUBLISHED_REMARK_MAX] = "", of_test[PUBLISHED_REMARK_MAX] = "";
  if (train) published_remark(train, of_train);
  if (test) published_remark(test, of_test);
  page_cell(page, "%s%s%s", of_test, *of_test || !*of_train ? "" : "train: ", *of_test ? "" : of_train);
}

static void write_published(struct page *page, const struct published_row *train, const struct published_row *test) {
  const struct published_row *row = test ? test : train;
  const bool paper = strcmp(row->source, PUBLISHED_PAPER) == 0, five = strstr(row->model, " 5-frame") != NULL,
             main_table = strcmp(row->table, "Table 1") == 0;
  char model[MODEL_MAX];
  paper_model(row->model, model);
  const struct published_row *theirs = paper ? NULL : published_find(PUBLISHED_PAPER, model, row->system, "test");
  const char *system = row->system;
  page_cell(page, "%s: %s%s%s", paper ? "paper" : "reproduction", row->model, main_table ? "" : ", ",
            main_table ? "" : row->table);
  write_value(page, train);
  write_value(page, test);
  report_number(page, "%+.1f%%", theirs && test ? 100 * (test->value / theirs->value - 1) : (double)NAN);
  if (paper || !test)
    write_bounds(page, NAN, NULL, NULL, NULL);
  else
    write_bounds(page, test->value, published_bound(system, NAN, PUBLISHED_FLOOR),
                 published_bound(system, NAN, five ? PUBLISHED_LIMIT_PREDICT : PUBLISHED_LIMIT_ALL),
                 published_bound(system, NAN, PUBLISHED_MEAN_IMAGE));
  write_remarks(page, train, test);
}

static void write_published_rows(struct page *page, const char *system) {
  for (int i = 0; i < published_count; i++) {
    const struct published_row *row = &published_rows[i];
    if (strcmp(row->system, system) != 0 || strcmp(row->metric, "pixel_mse") != 0) continue;
    if (strcmp(row->table, "Table 1") != 0)
      write_published(page, NULL, row);
    else if (strcmp(row->split, "train") == 0)
      write_published(page, row, published_find(row->source, row->model, system, "test"));
  }
}

/* ---- Ours ---- */

/* What its tables would call such runs; "": nothing there is like them. */
static void our_model(const struct run_facts *run, char model[MODEL_MAX]) {
  const char *mode = run->has_protocol ? published_mode(run->training->protocol.name, &run->protocol) : NULL;
  const bool euler = strcmp(run->integrator, "euler") == 0, leapfrog = strncmp(run->integrator, "leapfrog", 8) == 0;
  const char *name = !run->training->model.latent.sampled && leapfrog ? "Determ"
                     : leapfrog                                       ? "Leapfrog"
                     : euler                                          ? "Euler"
                                                                      : NULL;
  model[0] = '\0';
  if (mode && name && strcmp(run->model, "hgn") == 0) snprintf(model, MODEL_MAX, "HGN %s %s", name, mode);
}

/* Over seeds; of a single run over rollouts. */
static struct statistics_mean our_mean(const struct run_group *group) {
  const struct run_spread spread = run_group_score(group, SPLIT_TEST, "mse");
  if (spread.count == 1)
    return (struct statistics_mean){spread.mean, run_group_score(group, SPLIT_TEST, "mse_error").mean, INFINITY, 1};
  return (struct statistics_mean){spread.mean, spread.deviation / sqrt((double)spread.count),
                                  (double)(spread.count - 1), spread.count};
}

static void write_comparison(struct page *page, const struct run_facts *run, const struct statistics_mean *ours,
                             const char *model, const char *why) {
  const struct published_row *theirs =
      *model ? published_find(PUBLISHED_REPRODUCTION, model, run->data.system, "test") : NULL;
  if (*why || !theirs) {
    page_cell(page, "not comparable: %.*s", (int)WHY_SHOWN,
              *why ? why : "nothing published is of such frames, seen and predicted, and such an integrator");
    return;
  }
  const struct statistics_mean their_mean = {theirs->value, published_error(theirs), INFINITY, 1},
                               apart = statistics_difference(ours, &their_mean);
  const struct statistics_interval range = statistics_interval_of(&apart, LEVEL);
  char remark[PUBLISHED_REMARK_MAX];
  published_remark(theirs, remark);
  page_cell(page, "same data, noise and protocol as %s: %+.1f%% (95%%: %+.1f to %+.1f)%s%s", model,
            100 * apart.mean / theirs->value, 100 * range.low / theirs->value, 100 * range.high / theirs->value,
            *remark ? "; that figure: " : "", remark);
}

static void write_ours(struct page *page, const struct run_group *group) {
  const struct run_facts *run = group->run[0];
  const struct statistics_mean mean = our_mean(group);
  const struct statistics_interval range = statistics_interval_of(&mean, LEVEL);
  const char *preset = published_preset(run->data.system);
  char name[REPORT_NAME_MAX], model[MODEL_MAX], paper[MODEL_MAX], why[PUBLISHED_WHY_MAX] = "";
  if (!preset)
    snprintf(why, sizeof why, "its data are not known");
  else if (!run->data.config)
    snprintf(why, sizeof why, "the data set is gone, so it is not known which it was");
  else
    published_compare_data(run->data.config, preset, why);
  our_model(run, model);
  paper_model(model, paper);
  const struct published_row *theirs = *model ? published_find(PUBLISHED_PAPER, paper, run->data.system, "test") : NULL;
  page_cell(page, "ours: %s", report_group_name(group, name));
  report_number(page, "%.2f", 1e4 * run_group_score(group, SPLIT_TRAIN, "mse").mean);
  page_cell(page, "%s", "");
  report_number(page, "%.2f", 1e4 * mean.mean);
  report_number(page, "%.2f", 1e4 * (range.high - mean.mean));
  report_number(page, "%+.1f%%", theirs ? 100 * (mean.mean / theirs->value - 1) : (double)NAN);
  report_number(page, "%.2f", run_group_score(group, SPLIT_TEST, "over_floor").mean);
  report_number(page, "%.3f", run_group_score(group, SPLIT_TEST, "over_limit").mean);
  report_number(page, "%.3f", run_group_score(group, SPLIT_TEST, "r2").mean);
  write_comparison(page, run, &mean, model, why);
}

/* Where the stated noise is ruled out: what the figures of five frames come to at the largest that is not. */
static void write_allowed(struct page *page, const char *system) {
  const struct published_bound *stated = published_bound(system, NAN, PUBLISHED_LIMIT_PREDICT), *allowed = NULL;
  char figures[400] = "";
  size_t used = 0;
  if (!stated || !published_rules_out(system, stated->noise)) return;
  for (int i = 0; i < published_bound_count; i++) {
    const struct published_bound *bound = &published_bounds[i];
    if (strcmp(bound->system, system) == 0 && bound->kind == PUBLISHED_LIMIT_PREDICT &&
        !published_rules_out(system, bound->noise) && (!allowed || bound->noise > allowed->noise))
      allowed = bound;
  }
  for (int i = 0; allowed && i < published_count && used < sizeof figures; i++) {
    const struct published_row *row = &published_rows[i];
    if (strcmp(row->system, system) == 0 && published_share(row) > 0)
      used += (size_t)snprintf(figures + used, sizeof figures - used, "%s%s %.2f", used ? ", " : "", row->model,
                               row->value / allowed->value);
  }
  page_remark(page, PAGE_WARNING,
              "The noise of %g that the reproduction states is ruled out by its own figures of frames that were not "
              "seen.%s%s%s",
              stated->noise, allowed ? " Over the information limit at the largest noise here that is not: " : "",
              figures, allowed ? "." : "");
}

static void write_system(struct page *page, const struct run_groups *groups, const char *system) {
  static const struct page_column column[] = {{"figures", false},   {"train x1e-4", true}, {"+-", true},
                                              {"test x1e-4", true}, {"+-", true},          {"test, to the paper", true},
                                              {"over floor", true}, {"over limit", true},  {"R2", true},
                                              {"remark", false}};
  char id[64], table[80], caption[800], title[64];
  snprintf(title, sizeof title, "%s", system);
  snprintf(id, sizeof id, "published-%s", system);
  for (char *c = id; *c; c++) *c = *c == '_' ? '-' : *c;
  for (char *c = title; *c; c++) *c = *c == '_' ? ' ' : *c;
  snprintf(table, sizeof table, "%s-errors", id);
  page_heading(page, 2, id, "%s", title);
  write_allowed(page, system);
  snprintf(
      caption, sizeof caption,
      "Pixel errors of %.60s. +-: of the reproduction half of a 95%% interval of the mean; of the paper as printed, "
      "and "
      "nobody says what it is; of ours half of a 95%% interval over seeds (Student's t), of a single run over "
      "rollouts. "
      "Published figures are held against the floor, limit and mean image of the reproduction's data with the noise "
      "that it states, ours against those of their own data. The limit is that of frames 4 to 33 from five frames, or "
      "of all from all; the latter does not bind, since a frame that is seen may be copied with its noise.",
      title);
  page_table_begin(page, table, caption, column, sizeof column / sizeof *column);
  write_published_rows(page, system);
  for (int64_t i = 0; i < groups->groups; i++) {
    const struct run_group *group = &groups->group[groups->best[i]];
    if (group->run[0]->kind->data == LEARNER_FRAMES && strcmp(group->run[0]->data.system, system) == 0 &&
        run_group_score(group, SPLIT_TEST, "mse").count > 0)
      write_ours(page, group);
  }
  page_table_end(page);
}

/* ---- H, and the averages ---- */

static void write_energy(struct page *page) {
  static const struct page_column column[] = {
      {"model", false}, {"quantity", false}, {"published", true}, {"remark", false}};
  page_table_begin(
      page, "published-energy",
      "Table 2 of the reproduction, pendulum, but for pixel errors. The standard deviation of H is that of "
      "the network's output in its own unit: H has a free scale, so rows do not compare; energy_variation and "
      "energy_drift of ours are over the spread of H between rollouts.",
      column, sizeof column / sizeof *column);
  for (int i = 0; i < published_count; i++) {
    const struct published_row *row = &published_rows[i];
    if (strcmp(row->table, "Table 2") != 0 || strcmp(row->metric, "pixel_mse") == 0) continue;
    const bool uncertain = strncmp(row->metric, "UNCERTAIN_", 10) == 0;
    page_cell(page, "%s", row->model);
    page_cell(page, "%s", uncertain ? row->metric + 10 : row->metric);
    page_cell(page, "%g", row->value);
    page_cell(page, "%s", uncertain ? "uncertain: a cell of this row is lost in the text that was read" : "");
  }
  page_table_end(page);
}

/* What its abstract says beside what its tables come to. */
static void write_average(struct page *page, const char *model) {
  int systems;
  const double found = 100 * published_relative_error(model, "HGN Leapfrog", &systems);
  for (int i = 0; i < published_count; i++) {
    const struct published_row *row = &published_rows[i];
    if (strcmp(row->metric, "abs_rel_error_vs_paper_claimed") != 0 || strcmp(row->model, model) != 0) continue;
    const double said = 100 * row->value;
    const bool rounding = fabs(found - said) <= 0.5;
    page_remark(
        page, rounding ? PAGE_REMARK : PAGE_WARNING,
        "Average absolute relative error to the paper, %s, test, %d systems: %.1f%% by its tables; its abstract "
        "says %.0f%%%s.",
        model, systems, found, said, rounding ? "" : ", which they do not come to");
  }
}

static bool has_system(const struct run_groups *groups, const char *system) {
  for (int64_t i = 0; i < groups->groups; i++)
    if (strcmp(groups->group[i].run[0]->data.system, system) == 0) return true;
  return false;
}

static bool is_first(int index) {
  for (int i = 0; i < index; i++)
    if (strcmp(published_rows[i].system, published_rows[index].system) == 0) return false;
  return true;
}

static void write_systems(struct page *page, const struct run_groups *groups) {
  int systems = 0;
  for (int i = 0; i < published_count; i++) systems += is_first(i) && has_system(groups, published_rows[i].system);
  if (systems == 0) {
    page_text(page, "Nothing that is published here is of the systems of these runs.");
    return;
  }
  page_text(
      page,
      "The paper: Toth et al., Hamiltonian Generative Networks, ICLR 2020, as the reproduction quotes it. The "
      "reproduction: ReScience, DOI 10.5281/zenodo.4835278. Of the paper neither the images nor the noise are known, "
      "so its errors compare with nobody's, and \"to the paper\" is what the reproduction made of them. A published "
      "figure is flagged where it is below what its data allow by more than three standard errors, of both, and "
      "where its R2 is at most %g.",
      VERDICT_R2);
  write_average(page, "HGN Leapfrog autoencode");
  write_average(page, "HGN Leapfrog 5-frame");
  for (int i = 0; i < published_count; i++)
    if (is_first(i) && has_system(groups, published_rows[i].system))
      write_system(page, groups, published_rows[i].system);
  if (has_system(groups, "pendulum")) write_energy(page);
}

void published_section(struct page *page, const struct run_facts *runs, int64_t count) {
  struct run_groups groups;
  page_heading(page, 1, "published", "Against what was published");
  if (run_groups_make(runs, count, &groups) == STATUS_OK) {
    write_systems(page, &groups);
  } else {
    page_remark(page, PAGE_MISSING, "Published figures: %s", status_message());
    status_clear();
  }
  run_groups_close(&groups);
}
