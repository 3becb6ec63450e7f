/* Published figures, and claims, in a report.
 *
 * All functions: Not collective; one rank alone makes a report.
 */
#ifndef HGN_ANALYSIS_REPORT_CLAIMS_SECTIONS_H
#define HGN_ANALYSIS_REPORT_CLAIMS_SECTIONS_H

#include "analysis/report/claims.h"
#include "analysis/report/page.h"
#include "train/published.h"

/* Root only. Adds the sections "Against what was published" and "Claims" about these runs, with the claims of
 * data/claims.yaml. */
void claims_sections(struct page *page, const struct run_facts *runs, int64_t count);

/* The same with other claims; the two sections by themselves. */
void claims_sections_of(struct page *page, const struct claims *claims, const struct run_facts *runs, int64_t count);
void claims_section(struct page *page, const struct claims *claims, const struct run_facts *runs, int64_t count);
void published_section(struct page *page, const struct run_facts *runs, int64_t count);

/* What speaks against a published figure, in words with its arithmetic; "": nothing. */
enum { PUBLISHED_REMARK_MAX = 640 };
void published_remark(const struct published_row *row, char text[PUBLISHED_REMARK_MAX]);

#endif
