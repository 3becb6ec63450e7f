/* Figures of an analysis, by gnuplot. */
#ifndef HGN_ANALYSIS_PLOTS_H
#define HGN_ANALYSIS_PLOTS_H

#include "analysis/analysis.h"

/* Root only. Makes the folder where it is not there. STATUS_UNAVAILABLE when there is no gnuplot; STATUS_FILE when that
 * is no folder, to be asked before the long computation. */
enum status plots_check(const char *folder);

/* Root only. Draws spectrum, phase and r2 (.svg or .png) into the folder; only pictures of the kind are replaced.
 * Errors as above; STATUS_FILE when a figure cannot be drawn or written. */
enum status plots_draw(const struct analysis *analysis, const char *folder, bool png);

#endif
