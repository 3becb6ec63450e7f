/* The folder of a sweep: sweep.h5, and for each trial a folder of its own with run.h5 and its checkpoints:
 * trial-000007, or, of those that confirm the best, confirm-000029-4 by configuration and repeat, since which of them
 * there are changes when a sweep is made larger.
 *
 * Failures: STATUS_FILE with the name and what the system says; STATUS_USAGE when a name is too long.
 */
#ifndef HGN_SWEEP_FOLDER_H
#define HGN_SWEEP_FOLDER_H

#include "store/file.h"

#include <stdint.h>

struct folder_place {
  int64_t trial, configuration, repeat, confirms; /* as in the ledger */
};

/* Not collective; one process calls it. Makes DIR where there is nothing of that name. */
enum status folder_make(const char *folder);
/* Not collective. DIR/sweep.h5; DIR/sweep.part-I.h5; the trial's folder; its run's file. */
enum status folder_ledger(const char *folder, char path[STORE_PATH_MAX]);
enum status folder_part(const char *folder, int64_t index, char path[STORE_PATH_MAX]);
/* Not collective. sweep.part-7.h5: 7; another name: -1. */
int64_t folder_part_of(const char *name);
enum status folder_trial(const char *folder, const struct folder_place *place, char path[STORE_PATH_MAX]);
enum status folder_run(const char *folder, const struct folder_place *place, char path[STORE_PATH_MAX]);
/* Not collective. Bytes of the checkpoints that a trial has, the best model among them; 0 where it has none. */
int64_t folder_checkpoint_bytes(const char *folder, const struct folder_place *place);
/* Not collective. Removes them. */
void folder_remove_checkpoints(const char *folder, const struct folder_place *place);

#endif
