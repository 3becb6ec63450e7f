/* The parts of a report, and what they share. */
#ifndef HGN_ANALYSIS_REPORT_REPORT_PRIVATE_H
#define HGN_ANALYSIS_REPORT_REPORT_PRIVATE_H

#include "analysis/report/report.h"
#include "analysis/report/run_groups.h"

enum {
  REPORT_CURVES = 6,   /* groups that are drawn into one figure: as many as there are colours */
  REPORT_PICTURED = 3, /* groups of whose first run pictures are made */
  REPORT_FOLDED = 50   /* groups whose configuration is shown */
};

struct report_work {
  struct page *page;
  const struct gather *gather;
  struct run_groups groups;
  const struct claims *claims;
  const char *command;
};

/* The name of a group: that of its first run, with how many seeds there are. */
enum { REPORT_NAME_MAX = 320 };
const char *report_group_name(const struct run_group *group, char name[REPORT_NAME_MAX]);

/* Cells of tables: a number by a format of one double, "" where it is not known; seconds since 1970 as UTC. */
void report_number(struct page *page, const char *format, double value);
void report_time(struct page *page, double seconds);
/* A table of two columns, what and how much, is filled by lines. */
void report_line(struct page *page, const char *what, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The best groups of a kind of data, at most `most`, as indices of groups; returns how many. */
int64_t report_best(const struct report_work *report, enum learner_data data, int64_t most, int64_t *chosen);

void report_what_was_run(const struct report_work *report);
void report_results(const struct report_work *report);
void report_curves(const struct report_work *report);
void report_pictures(const struct report_work *report);
void report_checklist(const struct report_work *report);
void report_certificate(const struct report_work *report);

#endif
