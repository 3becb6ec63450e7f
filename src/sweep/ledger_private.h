/* What the source files of the ledger share. */
#ifndef HGN_SWEEP_LEDGER_PRIVATE_H
#define HGN_SWEEP_LEDGER_PRIVATE_H

#include "sweep/ledger.h"

/* What of a trial has changed. */
enum { CHANGE_STATE = 1, CHANGE_REPORTS = 2 };

/* Memory for all that a file of this shape holds; states queued, numbers NaN. */
enum status ledger_allocate(const struct sweep *sweep, const struct ledger_shape *shape, struct ledger *ledger);
/* A ledger in memory alone, of the extents that its file would have. */
enum status ledger_draft(const struct sweep *sweep, int64_t extended, struct ledger *ledger);
/* Makes the file with all structure and the texts, sealed, under its final name; `replaces` what may be there. */
enum status ledger_make(const char *path, const struct sweep *sweep, const struct ledger_texts *texts, bool replaces,
                        struct ledger *ledger);
/* In memory: all that a trial of one ledger has, to a row of another of the same sweep. */
void ledger_copy_row(const struct ledger *from, int64_t trial, struct ledger *to, int64_t row);
/* A row of /event, its kind last. */
enum status ledger_write_event(struct ledger *ledger, int64_t row);
/* The columns of a trial, in the order of the lists. */
void ledger_integers(const struct ledger_trial *trial, int64_t row[LEDGER_INTEGERS]);
void ledger_measured(const struct ledger_trial *trial, double row[LEDGER_MEASURED]);
void ledger_set(struct ledger_trial *trial, const int64_t *integers, const double *measured);
/* Checksum of all that a trial has. */
void ledger_sum(const struct ledger *ledger, int64_t trial, struct checksum *sum);
void ledger_sum_texts(const struct ledger_texts *texts, char text[CHECKSUM_TEXT]);

#endif
