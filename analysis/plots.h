/* Figures of an analysis, by gnuplot. */
#ifndef HGN_ANALYSIS_PLOTS_H
#define HGN_ANALYSIS_PLOTS_H

#include "analysis/analysis.h"

/* Not collective. STATUS_UNAVAILABLE when there is no gnuplot. */
enum status plots_check(void);

/* Root only. Draws spectrum, phase and r2 (.svg or .png) into the folder, which is made where it is not there.
 * STATUS_UNAVAILABLE as plots_check(); STATUS_FILE when a figure cannot be written. */
enum status plots_draw(const struct analysis *analysis, const char *folder, bool png);

#endif
