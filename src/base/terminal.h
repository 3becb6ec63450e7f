/* What stands behind a descriptor: whether it can be drawn on, and how wide it is. Not collective. */
#ifndef HGN_BASE_TERMINAL_H
#define HGN_BASE_TERMINAL_H

#include <stdbool.h>

/* Whether it is a terminal that takes escape sequences: not where TERM is dumb or not set. */
bool terminal_draws(int descriptor);

/* Columns of a line: COLUMNS where it is a number, else what the terminal says, else 80. At least 20. */
int terminal_columns(int descriptor);

#endif
