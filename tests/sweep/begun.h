/* Sweeps that have begun: a text, parsed, with its file in the working folder. Base: trials of nine reports. */
#ifndef HGN_TESTS_SWEEP_BEGUN_H
#define HGN_TESTS_SWEEP_BEGUN_H

#include "ranks.h"
#include "sample.h"
#include "sweep/coordinator.h"

#ifndef BEGUN_FILE
#error "its name, which no other test has, since they run side by side in one folder"
#endif

struct begun {
  struct sweep *sweep;
  struct ledger_texts texts;
  struct ledger ledger;
};

/* Numbers that tests draw: for tests alone, so that they are none of the program's. */
static inline uint32_t draw_below(uint64_t *state, uint32_t bound) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(*state >> 33) % bound;
}

static inline void begun_texts(const char *text, struct begun *begun) {
  begun->sweep = sample_load(sample_synthetic, text);
  begun->texts = (struct ledger_texts){.file = strdup(text),
                                       .file_name = strdup("s.yaml"),
                                       .base = strdup(sample_synthetic),
                                       .base_name = strdup("b.yaml"),
                                       .renames = strdup(""),
                                       .numerics = strdup("")};
  assert_ok(sweep_text(begun->sweep, &begun->texts.effective));
}

static inline void begun_create(struct begun *begun) {
  remove(BEGUN_FILE);
  assert_ok(ledger_create(BEGUN_FILE, begun->sweep, &begun->texts, &begun->ledger));
}

static inline void begun_make(const char *text, struct begun *begun) {
  begun_texts(text, begun);
  begun_create(begun);
}

/* Opens its file again; returns how many trials were not what was written. */
static inline int64_t begun_again(struct begun *begun) {
  int64_t damaged;
  ledger_close(&begun->ledger);
  assert_ok(ledger_open(BEGUN_FILE, begun->sweep, begun->texts.extended, true, &begun->ledger, &damaged));
  return damaged;
}

static inline void begun_free(struct begun *begun) {
  ledger_close(&begun->ledger);
  ledger_texts_free(&begun->texts);
  sweep_destroy(&begun->sweep);
  remove(BEGUN_FILE);
}

/* Of a trial the number that it reports last. */
static inline double begun_value(const double *point, int parameters, int64_t seed) {
  double sum = 1e-6 * (double)(seed % 1000);
  for (int i = 0; i < parameters; i++) sum += isnan(point[i]) ? 7 : (point[i] - 0.3) * (point[i] - 0.3);
  return sum;
}

/* A method that learns: the best point that it may know of, a little moved. What it has been told is noted. */
enum { LEARNING_MAX = 512 };
static struct {
  int64_t known[LEARNING_MAX];
  double sum[LEARNING_MAX];
  int64_t proposals;
} learning;

static inline enum status learning_propose(const struct method_task *task, void *memory, const struct history *history,
                                           int64_t draw, double *point, bool *exhausted) {
  (void)memory;
  const int n = task->space->count;
  const double *best = NULL;
  double least = INFINITY, u[SPACE_PARAMETERS_MAX], sum = 0;
  *exhausted = false;
  learning.proposals += 1;
  for (int64_t c = 0; c < history->known; c++) {
    if (!isnan(history->value[c])) sum += history->value[c];
    if (!(history->value[c] < least)) continue;
    least = history->value[c];
    best = history->point + c * n;
  }
  uint64_t state = task->seed + 977 * (uint64_t)draw;
  for (int i = 0; i < n; i++) {
    const double fresh = (draw_below(&state, 1u << 30) + 0.5) / (1u << 30);
    u[i] = best && draw_below(&state, 3) ? 0.9 * best[i] + 0.1 * fresh : fresh;
  }
  if (history->count < LEARNING_MAX) {
    learning.known[history->count] = history->known;
    learning.sum[history->count] = sum;
  }
  space_point(task->space, u, point);
  return STATUS_OK;
}

static const struct method_kind learning_method = {.name = "learning", .learns = true, .propose = learning_propose};

/* One that has no more than so many points, though the space has: they are those of random. */
enum { SCARCE_POINTS = 23 };

static inline enum status scarce_propose(const struct method_task *task, void *memory, const struct history *history,
                                         int64_t draw, double *point, bool *exhausted) {
  TRY(method_random.propose(task, memory, history, draw, point, exhausted));
  *exhausted = draw >= SCARCE_POINTS;
  return STATUS_OK;
}

static const struct method_kind scarce_method = {.name = "scarce", .propose = scarce_propose};

/* Parameters from 0 to 1, so that a coordinate is its value. */
static const char begun_square[] = "method: random\n"
                                   "metric: {name: loss, goal: minimize}\n"
                                   "run_cap: 60\n"
                                   "seed: 3\n"
                                   "parameters:\n"
                                   "  synthetic.x: {min: 0.0, max: 1.0}\n"
                                   "  synthetic.y: {min: 0.0, max: 1.0}\n";

#endif
