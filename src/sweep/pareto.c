#include "sweep/pareto.h"

#include "base/arena.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where the scaled front ends, and what lies beyond it: the ends of a front are worth something too. */
static const double reference_scaled = 1.1;

bool pareto_dominates(int metrics, const double *a, const double *b) {
  bool smaller = false;
  for (int m = 0; m < metrics; m++) {
    if (a[m] > b[m]) return false;
    smaller = smaller || a[m] < b[m];
  }
  return smaller;
}

/* ---- Fronts ---- */

struct row {
  const double *value;
  int metrics;
  int64_t index;
};

/* By the first metric, then by the second, ...: what dominates a point stands before it. */
static int compare_rows(const void *left, const void *right) {
  const struct row *a = left, *b = right;
  for (int m = 0; m < a->metrics; m++)
    if (a->value[m] != b->value[m]) return a->value[m] < b->value[m] ? -1 : 1;
  return a->index < b->index ? -1 : a->index > b->index;
}

/* Moves the front of row[count] to `front`, the others together; returns how many it is. What dominates a point stands
 * before it and is one of the front or dominated by one: so a point is compared with the front alone. */
static int64_t take_front(struct row *row, int64_t count, struct row *front) {
  int64_t members = 0, left = 0;
  for (int64_t i = 0; i < count; i++) {
    bool dominated = false;
    for (int64_t f = 0; f < members && !dominated; f++)
      dominated = pareto_dominates(row[i].metrics, front[f].value, row[i].value);
    if (dominated)
      row[left++] = row[i];
    else
      front[members++] = row[i];
  }
  return members;
}

enum status pareto_ranks(int metrics, int64_t count, const double *value, int64_t enough, int64_t *rank) {
  struct arena arena = {.last = NULL};
  struct row *row = arena_array(&arena, count, sizeof *row), *front = arena_array(&arena, count, sizeof *front);
  const enum status status = arena_check(&arena, "the fronts of several metrics");
  if (status == STATUS_OK) {
    for (int64_t i = 0; i < count; i++) row[i] = (struct row){value + i * metrics, metrics, i};
    if (count > 1) qsort(row, (size_t)count, sizeof *row, compare_rows);
    int64_t left = count, number = 0;
    for (; left > 0 && count - left < enough; number++) {
      const int64_t members = take_front(row, left, front);
      for (int64_t f = 0; f < members; f++) rank[front[f].index] = number;
      left -= members;
    }
    for (int64_t i = 0; i < left; i++) rank[row[i].index] = number;
  }
  arena_free(&arena);
  return status;
}

/* ---- Hypervolume ---- */

/* What the slices of one computation share. */
struct slices {
  const double *value; /* [][metrics] */
  const double *reference;
  int metrics;
  int64_t *list[PARETO_METRICS_MAX + 1]; /* [m]: points in the order of metric m - 1, of the slice in m metrics */
};

/* Puts `index` into list[count], which is in the order of metric `by`. */
static void insert(const struct slices *slices, int64_t *list, int64_t count, int by, int64_t index) {
  const double key = slices->value[index * slices->metrics + by];
  int64_t at = count;
  for (; at > 0 && slices->value[list[at - 1] * slices->metrics + by] > key; at--) list[at] = list[at - 1];
  list[at] = index;
}

/* Of the points list[m], in the metrics 0..m-1: between a point and the next, the slice of all up to it. */
static double volume_of(const struct slices *slices, int m, int64_t count) {
  const int64_t *list = slices->list[m];
  double sum = 0.0, least = slices->reference[0];
  for (int64_t i = 0; i < count; i++) {
    const double *point = slices->value + list[i] * slices->metrics;
    const double next = i + 1 < count ? slices->value[list[i + 1] * slices->metrics + m - 1] : slices->reference[m - 1];
    if (m > 2) insert(slices, slices->list[m - 1], i, m - 2, list[i]);
    least = point[0] < least ? point[0] : least;
    if (!(next > point[m - 1])) continue;
    const double area = m > 2 ? volume_of(slices, m - 1, i + 1) : m == 2 ? slices->reference[0] - least : 1.0;
    sum += area * (next - point[m - 1]);
    if (m == 1) return slices->reference[0] - point[0];
  }
  return sum;
}

/* Of points that are below the reference or not: the latter are left out. */
static double hypervolume(struct slices *slices, int64_t count) {
  int64_t kept = 0;
  for (int64_t i = 0; i < count; i++) {
    bool below = true;
    for (int m = 0; m < slices->metrics; m++)
      below = below && slices->value[i * slices->metrics + m] < slices->reference[m];
    if (below) insert(slices, slices->list[slices->metrics], kept++, slices->metrics - 1, i);
  }
  return volume_of(slices, slices->metrics, kept);
}

static void allocate(struct slices *slices, struct arena *arena, int64_t count) {
  for (int m = 1; m <= slices->metrics; m++) slices->list[m] = arena_array(arena, count, sizeof *slices->list[m]);
}

enum status pareto_hypervolume(int metrics, int64_t count, const double *value, const double *reference,
                               double *volume) {
  struct arena arena = {.last = NULL};
  struct slices slices = {.value = value, .reference = reference, .metrics = metrics};
  allocate(&slices, &arena, count);
  const enum status status = arena_check(&arena, "a hypervolume");
  if (status == STATUS_OK) *volume = hypervolume(&slices, count);
  arena_free(&arena);
  return status;
}

/* ---- The best of them ---- */

/* A front that does not fit. */
struct choice {
  int metrics;
  int64_t count;
  const int64_t *index; /* [count]: in the order of numbers */
  double *scaled;       /* [count][metrics] */
  double *gain;         /* [count]: hypervolume that it adds, or added when fewer were taken; negative: taken */
  double *limited;      /* [count][metrics]: points that were taken, moved into what another covers */
  int64_t *taken;       /* [count] */
  double reference[PARETO_METRICS_MAX];
  struct slices slices;
};

/* To 0..1, by halves, whose differences are finite. */
static void scale(struct choice *choice, const double *value) {
  for (int m = 0; m < choice->metrics; m++) {
    double least = (double)INFINITY, most = -(double)INFINITY;
    for (int64_t i = 0; i < choice->count; i++) {
      const double half = 0.5 * value[choice->index[i] * choice->metrics + m];
      least = half < least ? half : least;
      most = half > most ? half : most;
    }
    for (int64_t i = 0; i < choice->count; i++) {
      const double half = 0.5 * value[choice->index[i] * choice->metrics + m];
      choice->scaled[i * choice->metrics + m] = most > least ? (half - least) / (most - least) : 0.0;
    }
    choice->reference[m] = reference_scaled;
  }
}

/* What point i covers and none of those that were taken does: its box without what they cover of it (While, Bradstreet
 * and Barone, IEEE Trans. Evol. Comput. 16, 86-95, 2012). */
static double exclusive(struct choice *choice, int64_t i, int64_t taken) {
  const double *point = choice->scaled + i * choice->metrics;
  double box = 1.0;
  for (int m = 0; m < choice->metrics; m++) {
    box *= reference_scaled - point[m];
    for (int64_t t = 0; t < taken; t++) {
      const double other = choice->scaled[choice->taken[t] * choice->metrics + m];
      choice->limited[t * choice->metrics + m] = other > point[m] ? other : point[m];
    }
  }
  const double gain = box - hypervolume(&choice->slices, taken);
  return gain > 0.0 ? gain : 0.0;
}

/* Gains only shrink while more are taken, so one that was found earlier is a bound; and the best by bounds is the best
 * of all if its own is fresh (Minoux's accelerated greedy algorithm, 1978). */
static int64_t take_best(struct choice *choice, bool *fresh, int64_t taken) {
  memset(fresh, 0, (size_t)choice->count * sizeof *fresh);
  for (;;) {
    int64_t best = -1;
    for (int64_t i = 0; i < choice->count; i++)
      if (choice->gain[i] >= 0.0 && (best < 0 || choice->gain[i] > choice->gain[best])) best = i;
    if (fresh[best]) return best;
    const double gain = exclusive(choice, best, taken);
    choice->gain[best] = gain < choice->gain[best] ? gain : choice->gain[best];
    fresh[best] = true;
  }
}

static enum status select_of_front(int metrics, int64_t count, const double *value, const int64_t *index, int64_t most,
                                   int64_t *chosen) {
  struct arena arena = {.last = NULL};
  struct choice choice = {.metrics = metrics, .count = count, .index = index};
  const int64_t numbers = count * metrics;
  choice.scaled = arena_array(&arena, numbers, sizeof(double));
  choice.limited = arena_array(&arena, numbers, sizeof(double));
  choice.gain = arena_array(&arena, count, sizeof(double));
  choice.taken = arena_array(&arena, count, sizeof(int64_t));
  bool *fresh = arena_array(&arena, count, sizeof *fresh);
  choice.slices = (struct slices){.value = choice.limited, .reference = choice.reference, .metrics = metrics};
  allocate(&choice.slices, &arena, count);
  const enum status status = arena_check(&arena, "the choice among several metrics");
  if (status == STATUS_OK) {
    scale(&choice, value);
    for (int64_t i = 0; i < count; i++) choice.gain[i] = exclusive(&choice, i, 0);
    for (int64_t t = 0; t < most; t++) {
      choice.taken[t] = take_best(&choice, fresh, t);
      choice.gain[choice.taken[t]] = -1.0;
      chosen[t] = index[choice.taken[t]];
    }
  }
  arena_free(&arena);
  return status;
}

enum status pareto_select(int metrics, int64_t count, const double *value, int64_t most, int64_t *chosen) {
  struct arena arena = {.last = NULL};
  int64_t *rank = arena_array(&arena, count, sizeof *rank), *front = arena_array(&arena, count, sizeof *front);
  enum status status = arena_check(&arena, "the choice among several metrics");
  if (status == STATUS_OK) status = pareto_ranks(metrics, count, value, most, rank);
  int64_t done = 0;
  for (int64_t number = 0; status == STATUS_OK && done < most; number++) {
    int64_t members = 0;
    for (int64_t i = 0; i < count; i++)
      if (rank[i] == number) front[members++] = i;
    if (done + members > most) {
      status = select_of_front(metrics, members, value, front, most - done, chosen + done);
      done = most;
    } else {
      memcpy(chosen + done, front, (size_t)members * sizeof *front);
      done += members;
    }
  }
  arena_free(&arena);
  return status;
}
