#include "sweep/standing.h"

#include <string.h>

int64_t standing_place(const struct standing *standing, double value, int64_t number) {
  int64_t low = 0, high = standing->count;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    const struct standing_member *at = &standing->member[middle];
    if (at->value < value || (at->value == value && at->number < number))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

void standing_add(struct standing *standing, double value, int64_t number) {
  const int64_t at = standing_place(standing, value, number);
  struct standing_member *place = standing->member + at;
  memmove(place + 1, place, (size_t)(standing->count - at) * sizeof *place);
  *place = (struct standing_member){value, number};
  standing->count += 1;
}
