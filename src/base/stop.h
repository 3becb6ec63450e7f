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

/* From here on SIGTERM, SIGINT and signal `number` only are remembered, but for a second SIGTERM or SIGINT, which ends
 * the process as it would have before. Listening twice is listening once. */
void stop_listen(int number);
/* Whether one has come since stop_listen(). It stays so. */
bool stop_requested(void);
/* Gives the signals back to whom they belonged before; what has come is forgotten. */
void stop_release(void);

#endif
