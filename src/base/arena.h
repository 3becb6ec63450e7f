/* Arrays of one owner, freed together. Not collective.
 *
 * An arena is used by zeroing it; arrays are asked for one after the other and looked at once, with arena_check().
 */
#ifndef HGN_BASE_ARENA_H
#define HGN_BASE_ARENA_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena_block;

struct arena {
  struct arena_block *last;
  size_t bytes;   /* of all arrays */
  bool exhausted; /* an array was refused */
};

/* `count` elements of `size` bytes, zeroed, aligned to 64 bytes, owned by the arena. NULL when there is no memory, or
 * count is negative or too large; of zero elements a pointer that is not NULL. */
void *arena_array(struct arena *arena, int64_t count, size_t size);

/* STATUS_MEMORY "out of memory for WHAT" when any array was refused. */
enum status arena_check(const struct arena *arena, const char *what);

/* Frees all arrays; the arena can be used again. */
void arena_free(struct arena *arena);

#endif
