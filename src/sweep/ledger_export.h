/* What a sweep's file holds as comma-separated values, for programs that do not read HDF5.
 *
 * Not collective. Failures: STATUS_FILE when nothing can be written there; STATUS_MEMORY.
 */
#ifndef HGN_SWEEP_LEDGER_EXPORT_H
#define HGN_SWEEP_LEDGER_EXPORT_H

#include "sweep/ledger.h"

/* Into a folder that is there: trials.csv (a row for each trial that has begun, with its parameters, metric and
 * scores of the test split), reports.csv (scores of the validation split, a row a report), jobs.csv and events.csv
 * (sweep/ledger.h). */
enum status ledger_export_csv(const struct sweep *sweep, const struct ledger *ledger, const char *folder);

#endif
