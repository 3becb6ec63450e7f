/* What people see of a sweep while it goes: on a terminal a few lines, redrawn; in a batch log a plain line now and
 * then.
 *
 * On stderr, of one process. Not collective.
 */
#ifndef HGN_SWEEP_BOARD_H
#define HGN_SWEEP_BOARD_H

#include "sweep/ledger.h"

struct board {
  const struct sweep *sweep;
  const struct ledger *ledger;
  int groups, lines; /* that stand on the terminal now */
  bool terminal, quiet;
  int64_t ended_before;  /* when this start began */
  double last, interval; /* s */
};

void board_open(struct board *board, const struct sweep *sweep, const struct ledger *ledger, int groups, bool quiet);
/* busy: groups that work now; used: the part of the groups' time that went by with work; elapsed: s of this start. */
void board_draw(struct board *board, int busy, double used, double elapsed);
void board_close(struct board *board);

/* "complete 12  diverged 1  running 3 ..." of all states that occur; returns how many have ended. */
int64_t board_states(const struct sweep *sweep, const struct ledger *ledger, char *text, size_t size);
/* Whether all trials have ended that there will be. */
bool board_finished(const struct sweep *sweep, const struct ledger *ledger);
/* "trial 7  mse 6.1e-4  optimizer.learning_rate 0.001 ..." of the best so far; "" when there is none. */
void board_best(const struct sweep *sweep, const struct ledger *ledger, char *text, size_t size);
/* "1:02:03". */
void board_time(double seconds, char text[32]);

#endif
