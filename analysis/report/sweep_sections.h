/* What a report says of a sweep. */
#ifndef HGN_ANALYSIS_REPORT_SWEEP_SECTIONS_H
#define HGN_ANALYSIS_REPORT_SWEEP_SECTIONS_H

#include "analysis/report/page.h"

#include <stdint.h>

/* Root only. Adds a sweep's sections: DIR/sweep.h5 or the file itself. A damaged one gives a remark. */
void sweep_sections(struct page *page, const char *path);
/* The same of each; files of one sweep, as its parts are, make one section. */
void sweep_sections_all(struct page *page, char *const *path, int64_t count);

#endif
