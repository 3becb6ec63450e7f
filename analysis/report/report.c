#include "analysis/report/report.h"

#include "analysis/report/claims_sections.h"
#include "analysis/report/report_private.h"
#include "analysis/report/sweep_sections.h"
#include "base/build.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- What the parts share ---- */

const char *report_group_name(const struct run_group *group, char name[REPORT_NAME_MAX]) {
  if (group->runs == 1)
    snprintf(name, REPORT_NAME_MAX, "%s", group->run[0]->name);
  else
    snprintf(name, REPORT_NAME_MAX, "%s (%lld seeds)", group->run[0]->name, (long long)group->runs);
  return name;
}

void report_number(struct page *page, const char *format, double value) {
  char text[64];
  if (isnan(value)) {
    page_cell(page, "%s", "");
    return;
  }
  snprintf(text, sizeof text, format, value);
  page_cell(page, "%s", text);
}

void report_time(struct page *page, double seconds) {
  char text[32] = "";
  struct tm utc;
  const time_t when = isfinite(seconds) ? (time_t)seconds : 0;
  if (when > 0 && gmtime_r(&when, &utc)) (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &utc);
  page_cell(page, "%s", text);
}

void report_line(struct page *page, const char *what, const char *format, ...) {
  char text[1024];
  va_list values;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  page_cell(page, "%s", what);
  page_cell(page, "%s", text);
}

int64_t report_best(const struct report_work *report, enum learner_data data, int64_t most, int64_t *chosen) {
  int64_t count = 0;
  for (int64_t i = 0; i < report->groups.groups && count < most; i++) {
    const int64_t group = report->groups.best[i];
    if (report->groups.group[group].run[0]->kind->data == data) chosen[count++] = group;
  }
  return count;
}

/* ---- The whole ---- */

static void write_head(const struct report_work *report) {
  const struct gather *gather = report->gather;
  int64_t complete = 0;
  char now[32] = "";
  struct tm utc;
  const time_t when = time(NULL);
  for (int64_t i = 0; i < gather->runs; i++) complete += gather->run[i].complete;
  if (gmtime_r(&when, &utc)) (void)strftime(now, sizeof now, "%Y-%m-%d %H:%M UTC", &utc);
  page_text(report->page,
            "%lld run%s (%lld complete), %lld group%s of runs that are alike but for their seeds, %lld sweep%s, %lld "
            "analys%s. Made by hgn %s (%s) on %s.",
            (long long)gather->runs, gather->runs == 1 ? "" : "s", (long long)complete,
            (long long)report->groups.groups, report->groups.groups == 1 ? "" : "s", (long long)gather->sweeps,
            gather->sweeps == 1 ? "" : "s", (long long)gather->analyses, gather->analyses == 1 ? "is" : "es",
            build_version(), build_git(), now);
  for (int64_t i = 0; i < gather->notes; i++)
    page_remark(report->page, PAGE_WARNING, "Left out, since it could not be read: %s", gather->note[i].reason);
  page_verbatim(report->page, "The command that makes this report", false, report->command);
}

static void write_parts(const struct report_work *report) {
  write_head(report);
  if (report->gather->runs > 0) {
    report_results(report);
    report_curves(report);
    report_pictures(report);
    claims_sections_of(report->page, report->claims, report->gather->run, report->gather->runs);
  }
  sweep_sections_all(report->page, report->gather->sweep, report->gather->sweeps);
  if (report->gather->runs > 0) {
    report_what_was_run(report);
    report_certificate(report);
  }
  report_checklist(report);
}

enum status report_write(struct page *page, const struct gather *gather, const struct claims *claims,
                         const char *command) {
  struct report_work report = {.page = page, .gather = gather, .claims = claims, .command = command};
  const enum status status = run_groups_make(gather->run, gather->runs, &report.groups);
  if (status == STATUS_OK) write_parts(&report);
  run_groups_close(&report.groups);
  return status;
}
