/* What decides bits beside the configuration: the rules of this program, and nothing of the machine. Written into every
 * run, and compared when a run goes on.
 */
#ifndef HGN_TRAIN_NUMERICS_H
#define HGN_TRAIN_NUMERICS_H

#include "comm/comm.h"

enum {
  NUMERICS_RULES = 5, /* raised when this program computes other bits from the same configuration than it did before */
  NUMERICS_TEXT_MAX = 32
};

/* Collective. STATUS_UNAVAILABLE when the ranks are programs of different rules. Files written later record the
 * instruction sets that the ranks use. */
enum status numerics_agree(const struct comm *comm);

/* Not collective. "rules 4": text[NUMERICS_TEXT_MAX]. */
void numerics_describe(char *text);

#endif
