/* Signals that ask a process to end its work: SIGTERM, SIGINT, and one that can be chosen, SIGUSR1 where nobody says
 * otherwise (mpirun forwards it, and SIGUSR2).
 *
 * They belong to the process, from its first training to its last, so src/cli listens; what runs below is told by those
 * who call it. Not collective.
 */
#ifndef HGN_BASE_STOP_H
#define HGN_BASE_STOP_H

#include "base/status.h"

#include <stdbool.h>

/* The number of a signal that may be chosen: "USR2" or "SIGUSR2". STATUS_USAGE lists those that there are. */
enum status stop_signal(const char *name, int *number);

/* Once, when the process begins: SIGTERM, SIGINT and SIGHUP end it as they would have, after it has removed its partial
 * files (litter.h). A signal that is ignored, as nohup does it, stays so. */
void stop_tidy(void);

/* From here on SIGTERM, SIGINT and signal `number` only are remembered, but for a second SIGTERM or SIGINT, which ends
 * the process as it would have before, wherever it is. Listening twice is listening once. */
void stop_listen(int number);
/* While there is nothing that would be lost, already the first SIGTERM or SIGINT ends the process: so where files are
 * read that may take long. Off when listening begins. */
void stop_at_once(bool on);
/* Whether one has come since stop_listen(). It stays so. */
bool stop_requested(void);
/* Gives the signals back to whom they belonged before; what has come is forgotten. */
void stop_release(void);

#endif
