/* What a report says of a sweep. */
#ifndef HGN_ANALYSIS_REPORT_SWEEP_SECTIONS_H
#define HGN_ANALYSIS_REPORT_SWEEP_SECTIONS_H

#include "analysis/report/page.h"

/* Root only. Adds a sweep's sections: DIR/sweep.h5 or the file itself. A damaged one gives a remark. */
void sweep_sections(struct page *page, const char *path);

#endif
