/* Hyperband: brackets of successive halving, from many short trainings to a few whole ones. */
#include "sweep/early.h"

#include <math.h>
#include <stdlib.h>

struct bracket {
  int number;     /* s: rungs between its first and the end */
  int64_t first;  /* configuration */
  int64_t size;   /* configurations */
  int64_t begun;  /* of them */
  int level;      /* halvings so far */
  int64_t there;  /* that take part in this level */
  int64_t ended;  /* of these */
  int64_t queued; /* of those that take part in it, best first, the leading ones that have begun */
};

struct brackets {
  struct early_task task;
  struct bracket *bracket;
  int64_t count, room, began; /* configurations that have begun */
  double *value;              /* [configurations]: at its last rung */
  int64_t *order;             /* [configurations]: those of a bracket in its place, of its level the best first */
  bool *stuck;                /* [configurations]: cannot go on */
  unsigned char *rung;        /* [configurations]: of its last job */
  unsigned char *level;       /* [configurations]: that it takes part in, of its bracket */
  int64_t finished;           /* leading brackets that have nothing more to give */
  struct arena arena;
};

int64_t early_bracket(int rungs, int bracket, double eta) {
  double size = (rungs + 1.0) / (bracket + 1.0);
  for (int i = 0; i < bracket; i++) size *= eta;
  return size < 1e15 ? (int64_t)ceil(size - 1e-9) : INT64_C(1000000000000000);
}

static void close(void *memory) {
  struct brackets *brackets = memory;
  if (!brackets) return;
  free(brackets->bracket);
  arena_free(&brackets->arena);
  free(brackets);
}

static enum status open(const struct early_task *task, void **memory) {
  struct brackets *brackets = calloc(1, sizeof *brackets);
  *memory = brackets;
  REQUIRE(brackets, STATUS_MEMORY, "out of memory for early stopping");
  struct arena *arena = &brackets->arena;
  brackets->task = *task;
  brackets->value = arena_array(arena, task->configurations, sizeof *brackets->value);
  brackets->order = arena_array(arena, task->configurations, sizeof *brackets->order);
  brackets->stuck = arena_array(arena, task->configurations, sizeof *brackets->stuck);
  brackets->rung = arena_array(arena, task->configurations, sizeof *brackets->rung);
  brackets->level = arena_array(arena, task->configurations, sizeof *brackets->level);
  return arena_check(arena, "early stopping");
}

/* Of `size` configurations, after so many halvings. */
static int64_t size_at(const struct brackets *brackets, int64_t size, int halvings) {
  double left = (double)size;
  for (int i = 0; i < halvings; i++) left /= brackets->task.eta;
  return (int64_t)floor(left + 1e-9);
}

/* The bracket that comes next. The last is cut to what is left, and is so much shallower that one of it gets to the
 * end. */
static struct bracket following(const struct brackets *brackets) {
  const int rungs = brackets->task.rungs;
  const int64_t left = brackets->task.configurations - brackets->began;
  struct bracket bracket = {.number = rungs - (int)(brackets->count % (rungs + 1)), .first = brackets->began};
  bracket.size = early_bracket(rungs, bracket.number, brackets->task.eta);
  if (bracket.size > left) bracket.size = left;
  while (bracket.number > 0 && size_at(brackets, bracket.size, bracket.number) < 1) bracket.number -= 1;
  bracket.there = bracket.size;
  return bracket;
}

static int rung_of(const struct brackets *brackets, const struct bracket *bracket) {
  return brackets->task.rungs - bracket->number + bracket->level;
}

static enum early_answer next(const void *memory, int64_t *configuration, int *rung) {
  const struct brackets *brackets = memory;
  for (int64_t b = brackets->finished; b < brackets->count; b++) {
    const struct bracket *bracket = &brackets->bracket[b];
    if (bracket->level == 0 || bracket->queued == bracket->there) continue;
    *configuration = brackets->order[bracket->first + bracket->queued];
    *rung = rung_of(brackets, bracket);
    return EARLY_FURTHER;
  }
  const struct bracket *last = brackets->count > 0 ? &brackets->bracket[brackets->count - 1] : NULL;
  if (last && last->begun < last->size) {
    *rung = rung_of(brackets, last);
    return EARLY_FRESH;
  }
  if (brackets->began == brackets->task.configurations) return EARLY_NOTHING;
  const struct bracket bracket = following(brackets);
  *rung = rung_of(brackets, &bracket);
  return EARLY_FRESH;
}

static enum status open_bracket(struct brackets *brackets) {
  if (brackets->count == brackets->room) {
    const int64_t room = brackets->room > 0 ? 2 * brackets->room : 16;
    struct bracket *bracket = realloc(brackets->bracket, (size_t)room * sizeof *bracket);
    REQUIRE(bracket, STATUS_MEMORY, "out of memory for early stopping");
    brackets->bracket = bracket;
    brackets->room = room;
  }
  const struct bracket bracket = following(brackets);
  brackets->bracket[brackets->count++] = bracket;
  return STATUS_OK;
}

static struct bracket *bracket_of(struct brackets *brackets, int64_t configuration) {
  int64_t b = brackets->count - 1;
  while (b > 0 && brackets->bracket[b].first > configuration) b--;
  return &brackets->bracket[b];
}

/* Those that have begun at this level, or further, need not be the leading ones where results came to be known anew. */
static void skip_begun(const struct brackets *brackets, struct bracket *bracket) {
  while (bracket->level > 0 && bracket->queued < bracket->there &&
         brackets->rung[brackets->order[bracket->first + bracket->queued]] >= rung_of(brackets, bracket))
    bracket->queued += 1;
}

static void skip_finished(struct brackets *brackets) {
  for (; brackets->finished < brackets->count; brackets->finished++) {
    const struct bracket *bracket = &brackets->bracket[brackets->finished];
    if (bracket->begun < bracket->size || bracket->level < bracket->number) return;
    if (bracket->level > 0 && bracket->queued < bracket->there) return;
  }
}

static enum status begun(void *memory, int64_t configuration, int rung) {
  struct brackets *brackets = memory;
  brackets->rung[configuration] = (unsigned char)rung;
  if (configuration < brackets->began) {
    skip_begun(brackets, bracket_of(brackets, configuration));
    skip_finished(brackets);
    return STATUS_OK;
  }
  const struct bracket *last = brackets->count > 0 ? &brackets->bracket[brackets->count - 1] : NULL;
  if (!last || last->begun == last->size) TRY(open_bracket(brackets));
  struct bracket *bracket = &brackets->bracket[brackets->count - 1];
  brackets->order[bracket->first + bracket->begun] = configuration;
  bracket->begun += 1;
  brackets->began = configuration + 1;
  return STATUS_OK;
}

/* The best first; who cannot go on stands behind all who can. Insertion keeps equal ones in the order of their
 * numbers, as they stood. */
static bool is_before(const struct brackets *brackets, int64_t a, int64_t b) {
  if (brackets->stuck[a] != brackets->stuck[b]) return brackets->stuck[b];
  if (brackets->value[a] != brackets->value[b]) return brackets->value[a] < brackets->value[b];
  return a < b;
}

static void sort(const struct brackets *brackets, int64_t *order, int64_t count) {
  for (int64_t gap = count / 2; gap > 0; gap /= 2) /* Shell's sort: the order is total, so it need not be stable */
    for (int64_t i = gap; i < count; i++) {
      const int64_t moved = order[i];
      int64_t at = i;
      for (; at >= gap && is_before(brackets, moved, order[at - gap]); at -= gap) order[at] = order[at - gap];
      order[at] = moved;
    }
}

/* All that take part in the bracket's level have come to its rung: the best of them take part in the next; one at
 * least, where fewer came than were planned. */
static void halve(struct brackets *brackets, struct bracket *bracket) {
  int64_t *order = brackets->order + bracket->first, able = 0;
  for (int64_t i = 0; i < bracket->there; i++) able += !brackets->stuck[order[i]];
  sort(brackets, order, bracket->there);
  bracket->level += 1;
  bracket->there = size_at(brackets, bracket->size, bracket->level);
  if (bracket->there < 1) bracket->there = 1;
  if (bracket->there > able) bracket->there = able;
  bracket->ended = bracket->queued = 0;
  for (int64_t i = 0; i < bracket->there; i++) brackets->level[order[i]] = (unsigned char)bracket->level;
  skip_begun(brackets, bracket);
  skip_finished(brackets);
}

static enum status ended(void *memory, int64_t configuration, int rung, double value, bool further) {
  struct brackets *brackets = memory;
  struct bracket *bracket = bracket_of(brackets, configuration);
  /* One that was put back may have ended when its level is over, or another takes its place. */
  if (rung != rung_of(brackets, bracket) || brackets->level[configuration] != bracket->level) return STATUS_OK;
  brackets->value[configuration] = isnan(value) ? INFINITY : value;
  brackets->stuck[configuration] = !further;
  bracket->ended += 1;
  if (bracket->ended >= bracket->there && bracket->level < bracket->number) halve(brackets, bracket);
  return STATUS_OK;
}

/* The last bracket is of those that have begun; as deep as it was meant to be, since they wait at its first rung. */
static void dried(void *memory) {
  struct brackets *brackets = memory;
  brackets->task.configurations = brackets->began;
  struct bracket *last = brackets->count > 0 ? &brackets->bracket[brackets->count - 1] : NULL;
  if (!last || last->begun == last->size) return;
  last->size = last->there = last->begun;
  if (last->ended >= last->there && last->level < last->number) halve(brackets, last);
  skip_finished(brackets);
}

const struct early_pausing early_brackets = {open, close, next, begun, ended, dried};
