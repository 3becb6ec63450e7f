/* Static memory planning: arrays whose lifetimes overlap must not overlap in memory. Placed one after the other at the
 * lowest free offset, the order decides. The best of a few simple orders is improved: whatever reaches to the top of
 * the arena is placed first next time.
 */
#include "graph/plan_private.h"

#include <stdlib.h>
#include <string.h>

struct item {
  int slot;
  int64_t bytes, weight; /* placed by falling weight, then by slot */
};

static int compare_items(const void *a, const void *b) {
  const struct item *x = a, *y = b;
  if (x->weight != y->weight) return x->weight < y->weight ? 1 : -1;
  return x->slot < y->slot ? -1 : x->slot > y->slot;
}

static int64_t round_up(int64_t bytes) { return (bytes + PLAN_ALIGNMENT - 1) / PLAN_ALIGNMENT * PLAN_ALIGNMENT; }

static bool in_arena(const struct slot *slot) { return !slot->bound && slot->bytes > 0 && slot->last >= slot->first; }

static bool meet(const struct slot *a, const struct slot *b) { return a->first <= b->last && b->first <= a->last; }

/* `taken` holds the placed items by rising offset: the lowest gap between those that are alive at the same time. */
static int64_t lowest_gap(const struct plan *plan, const int *taken, int count, const struct slot *slot, int64_t size) {
  int64_t offset = 0;
  for (int i = 0; i < count; i++) {
    const struct slot *other = &plan->slots[taken[i]];
    if (!meet(slot, other)) continue;
    if (other->offset - offset >= size) break;
    int64_t end = other->offset + round_up(other->bytes);
    if (end > offset) offset = end;
  }
  return offset;
}

static void keep_sorted(const struct plan *plan, int *taken, int count, int slot) {
  int at = count;
  for (; at > 0 && plan->slots[taken[at - 1]].offset > plan->slots[slot].offset; at--) taken[at] = taken[at - 1];
  taken[at] = slot;
}

/* Bytes of the arena when the items are placed in this order. */
static int64_t place_items(struct plan *plan, const struct item *items, int count, int *taken) {
  int64_t most = 0;
  for (int i = 0; i < count; i++) {
    struct slot *slot = &plan->slots[items[i].slot];
    int64_t size = round_up(slot->bytes);
    slot->offset = lowest_gap(plan, taken, i, slot, size);
    keep_sorted(plan, taken, i, items[i].slot);
    if (slot->offset + size > most) most = slot->offset + size;
  }
  return most;
}

static int64_t largest_live_set(const struct plan *plan) {
  int64_t most = 0;
  for (int step = 0; step < plan->step_count; step++) {
    int64_t live = 0;
    for (int i = 0; i < plan->slot_count; i++) {
      const struct slot *slot = &plan->slots[i];
      if (in_arena(slot) && slot->first <= step && step <= slot->last) live += round_up(slot->bytes);
    }
    if (live > most) most = live;
  }
  return most;
}

enum { ORDERS = 4 };

static void weigh_items(const struct plan *plan, struct item *items, int count, int order) {
  for (int i = 0; i < count; i++) {
    const struct slot *slot = &plan->slots[items[i].slot];
    int64_t length = slot->last - slot->first + 1;
    const int64_t weights[ORDERS] = {slot->bytes, length, -(int64_t)slot->first, slot->bytes * length};
    items[i].weight = weights[order];
  }
  qsort(items, (size_t)count, sizeof *items, compare_items);
}

/* Moves the item that reaches highest to the front. */
static void raise_highest(const struct plan *plan, struct item *items, int count) {
  int highest = 0;
  int64_t most = -1;
  for (int i = 0; i < count; i++) {
    int64_t end = plan->slots[items[i].slot].offset + round_up(plan->slots[items[i].slot].bytes);
    if (end > most) {
      most = end;
      highest = i;
    }
  }
  struct item raised = items[highest];
  memmove(items + 1, items, (size_t)highest * sizeof *items);
  items[0] = raised;
}

/* Leaves the best order found in `best`, and its size in arena_bytes. */
static void search_order(struct plan *plan, struct item *items, int count, int *taken, struct item *best) {
  const int64_t work = 100000000; /* pairs looked at: bounds the time for large plans */
  int64_t rounds = work / ((int64_t)count * count + 1);
  int64_t tries = ORDERS + (rounds < 200 ? rounds : 200);
  plan->arena_bytes = INT64_MAX;
  for (int64_t try = 0; try < tries && plan->arena_bytes > plan->live_bytes; try++) {
    if (try == ORDERS) memcpy(items, best, (size_t)count * sizeof *items);
    if (try < ORDERS)
      weigh_items(plan, items, count, (int)try);
    else
      raise_highest(plan, items, count);
    int64_t bytes = place_items(plan, items, count, taken);
    if (bytes < plan->arena_bytes) {
      plan->arena_bytes = bytes;
      memcpy(best, items, (size_t)count * sizeof *items);
    }
  }
}

enum status arena_place(struct plan *plan) {
  size_t most = (size_t)plan->slot_count + 1;
  struct item *items = malloc(most * sizeof *items), *best = malloc(most * sizeof *best);
  int *taken = malloc(most * sizeof *taken), count = 0;
  bool whole = items && best && taken;
  plan->live_bytes = largest_live_set(plan);
  for (int i = 0; whole && i < plan->slot_count; i++)
    if (in_arena(&plan->slots[i])) items[count++] = (struct item){.slot = i};
  if (whole) {
    search_order(plan, items, count, taken, best);
    plan->arena_bytes = place_items(plan, best, count, taken);
  }
  free(items);
  free(best);
  free(taken);
  REQUIRE(whole, STATUS_MEMORY, "out of memory for placing %d arrays", plan->slot_count);
  return STATUS_OK;
}
