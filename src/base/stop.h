/* Signals that ask a process to end its work: SIGUSR1 (which mpirun forwards), SIGTERM and SIGINT.
 *
 * They belong to the process, from its first training to its last, so src/cli listens; what runs below is told by those
 * who call it. Not collective.
 */
#ifndef HGN_BASE_STOP_H
#define HGN_BASE_STOP_H

#include <stdbool.h>

/* From here on these signals only are remembered, but for a second SIGTERM or SIGINT, which ends the process as it
 * would have before. Listening twice is listening once. */
void stop_listen(void);
/* Whether one has come since stop_listen(). It stays so. */
bool stop_requested(void);
/* Gives the signals back to whom they belonged before; what has come is forgotten. */
void stop_release(void);

#endif
