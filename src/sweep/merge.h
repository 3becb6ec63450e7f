/* The parts of a sweep put together: DIR/sweep.part-I.h5, each written by a job of its own, into DIR/sweep.h5.
 *
 * What is there is taken, also of parts that are under way. Of a trial that several files know, the one that has come
 * furthest counts; two different results of one trial are an error, as are parts of another file, of other rules of
 * arithmetic or of other data. When all parts are through, sweep.h5 has what one job would have made; putting together
 * again changes nothing.
 *
 * Root only: of one process.
 */
#ifndef HGN_SWEEP_MERGE_H
#define HGN_SWEEP_MERGE_H

#include "sweep/ledger.h"

/* What became of each part, and of the whole. */
struct merge_part {
  int64_t trials, ended;
  bool there;
};

struct merge_report {
  struct merge_part *part; /* [parts]; owned: merge_report_free() */
  int64_t parts, there, complete;
  int64_t taken; /* rows of trials that were not in the whole before, or not as far */
  bool news;     /* or something else was not there */
};

/* The numbers of the parts that a folder has, ascending: *count of them; owned by the caller. STATUS_MEMORY. */
enum status merge_find(const char *folder, int64_t **index, int64_t *count);

/* What sweep.h5 and the parts say together, as far as they are there, in memory: *whole is the caller's to close.
 * texts: of the sweep, with the rules of arithmetic that the parts have to have. STATUS_FILE, STATUS_CONFIG,
 * STATUS_MEMORY. */
enum status merge_view(const struct sweep *sweep, const char *folder, const struct ledger_texts *texts,
                       struct ledger *whole, struct merge_report *report);
/* The same into sweep.h5, which is made where it is not there, left as it is where there is nothing new, and locked
 * until *whole is closed, where there are parts. STATUS_FILE too when another job writes it. */
enum status merge_write(const struct sweep *sweep, const char *folder, const struct ledger_texts *texts,
                        struct ledger *whole, struct merge_report *report);
void merge_report_free(struct merge_report *report);

#endif
