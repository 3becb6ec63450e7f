#include "config/grow.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum status grow_array(void *pointer, size_t *room, size_t need, size_t element) {
  if (need <= *room) return STATUS_OK;
  size_t wider = *room < 32 ? 64 : 2 * *room;
  if (wider < need) wider = need;
  REQUIRE(wider <= SIZE_MAX / element, STATUS_MEMORY, "an array of %zu elements", wider);
  void *old;
  memcpy(&old, pointer, sizeof old); /* the pointer's own type is unknown here */
  void *grown = realloc(old, wider * element);
  REQUIRE(grown, STATUS_MEMORY, "out of memory: %zu bytes", wider * element);
  memcpy(pointer, &grown, sizeof grown);
  *room = wider;
  return STATUS_OK;
}
