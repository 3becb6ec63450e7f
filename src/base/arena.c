#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

/* Stands in the first ALIGNMENT bytes of an allocation, before the array. */
struct arena_block {
  struct arena_block *before;
};

_Static_assert(sizeof(struct arena_block) <= ALIGNMENT, "the block's head fits before its array");

void *arena_array(struct arena *arena, int64_t count, size_t size) {
  const size_t most = SIZE_MAX / 4 / (size ? size : 1);
  struct arena_block *block = NULL;
  size_t bytes = 0;
  if (count >= 0 && (uint64_t)count <= most) {
    bytes = ((size_t)count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    block = aligned_alloc(ALIGNMENT, bytes + ALIGNMENT);
  }
  if (!block) {
    arena->exhausted = true;
    return NULL;
  }
  memset(block, 0, bytes + ALIGNMENT);
  block->before = arena->last;
  arena->last = block;
  arena->bytes += bytes;
  return (unsigned char *)block + ALIGNMENT;
}

enum status arena_check(const struct arena *arena, const char *what) {
  REQUIRE(!arena->exhausted, STATUS_MEMORY, "out of memory for %s, after %zu bytes of it", what, arena->bytes);
  return STATUS_OK;
}

void arena_free(struct arena *arena) {
  for (struct arena_block *block = arena->last; block;) {
    struct arena_block *before = block->before;
    free(block);
    block = before;
  }
  *arena = (struct arena){.last = NULL};
}
