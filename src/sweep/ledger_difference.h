/* The first trial in which two sweeps part. Not collective. */
#ifndef HGN_SWEEP_LEDGER_DIFFERENCE_H
#define HGN_SWEEP_LEDGER_DIFFERENCE_H

#include "sweep/ledger.h"

enum { LEDGER_DIFFERENCE_MAX = 256 };

/* Its row, -1: there is none. sweep: of either, whose parameters they share. text: what of it differs. Of what
 * follows from the sweep's file alone: points, states, reports, scores; `compared`: trials up to it that have ended
 * in both. Trials that have not ended in one of them are no difference, but `unended` counts them. */
int64_t ledger_first_difference(const struct sweep *sweep, const struct ledger *a, const struct ledger *b,
                                char text[LEDGER_DIFFERENCE_MAX], int64_t *compared, int64_t *unended);

#endif
