/* Values in their order, each with the number of what it is of: the least first, of equal ones the lower number. To
 * find a place takes the logarithm of their number; to add one also moves those that stand behind, all at once.
 *
 * All functions: Not collective.
 */
#ifndef HGN_SWEEP_STANDING_H
#define HGN_SWEEP_STANDING_H

#include <stdint.h>

struct standing_member {
  double value; /* no NaN */
  int64_t number;
};

struct standing {
  struct standing_member *member; /* the caller's, with room for all that come */
  int64_t count;
};

/* How many stand before this value of this number, whether it is there or not. */
int64_t standing_place(const struct standing *standing, double value, int64_t number);

void standing_add(struct standing *standing, double value, int64_t number);

#endif
