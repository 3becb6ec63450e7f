/* The report of runs, sweeps and analyses: what was run, with what result, beside what is possible.
 *
 * Of hundreds of runs all are in the tables, and a few, which the text names, in figures and pictures.
 *
 * All functions: Not collective; one rank alone makes it.
 */
#ifndef HGN_ANALYSIS_REPORT_REPORT_H
#define HGN_ANALYSIS_REPORT_REPORT_H

#include "analysis/report/claims.h"
#include "analysis/report/gather.h"
#include "analysis/report/page.h"

/* All parts, in order. claims: that its runs are asked. command: that makes this report.
 * STATUS_MEMORY; what else goes wrong with a part is said in its place. */
enum status report_write(struct page *page, const struct gather *gather, const struct claims *claims,
                         const char *command);

#endif
