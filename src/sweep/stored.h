/* A sweep as its folder holds it: what is there and in it, found, read and verified, for those who only look.
 *
 * Root only: of one process, but for stored_parse().
 */
#ifndef HGN_SWEEP_STORED_H
#define HGN_SWEEP_STORED_H

#include "sweep/merge.h"

/* A folder, or the sweep.h5 or a part in it: true, and then what stands before the name. */
bool stored_find(const char *path, char folder[STORE_PATH_MAX]);

/* Of the folder's sweep.h5, or the first part there is. STATUS_FILE, STATUS_MEMORY. */
enum status stored_texts(const char *folder, struct ledger_texts *texts);

/* Not collective. The sweep that texts are of; makes texts->effective where it is not there. Failures: those of
 * sweep_parse(). */
enum status stored_parse(struct ledger_texts *texts, char notice[SWEEP_NOTICE_MAX], struct sweep **sweep);

struct stored_sweep {
  char folder[STORE_PATH_MAX];
  struct ledger_texts texts;
  struct sweep *sweep;
  struct ledger ledger;
  struct merge_report parts; /* parts 0: there are none */
  int64_t damaged;           /* trials that are not what was written, so count as not run; of a sweep without parts */
};

/* A folder with what its parts have come to, or a file of any name, alone. Freed with stored_close(), after a failure
 * too. STATUS_FILE, STATUS_CONFIG, STATUS_MEMORY. */
enum status stored_open(const char *path, struct stored_sweep *stored);
void stored_close(struct stored_sweep *stored);

#endif
