#include "sweep/surrogate.h"

#include "base/rng.h"
#include "sweep/learning.h"
#include "sweep/normal.h"
#include "sweep/sobol.h"

#include <stdlib.h>
#include <string.h>

enum { PANELS = SURROGATE_CANDIDATES / GAUSSIAN_BLOCK, STEP_MOST = 128, SPARE = 32 };

/* ---- Counts ---- */

int64_t surrogate_startup(const struct space *space) { return space->count + 2 > 8 ? space->count + 2 : 8; }

static int64_t step_from(int64_t epoch) {
  const int64_t step = epoch / 10;
  return step < 1 ? 1 : (step > STEP_MOST ? STEP_MOST : step);
}

static int64_t epoch_of(const struct space *space, int64_t known) {
  int64_t epoch = surrogate_startup(space);
  while (epoch + step_from(epoch) <= known) epoch += step_from(epoch);
  return epoch;
}

/* ---- Columns ---- */

static void add_column(struct gaussian_columns *columns, int length, bool choice) {
  columns->length[columns->count] = length;
  columns->choice[columns->count++] = choice;
}

static void columns_of(const struct space *space, struct gaussian_columns *columns) {
  *columns = (struct gaussian_columns){.lengths = space->count};
  for (int i = 0; i < space->count; i++) {
    const bool choice = distribution_is_choice(space->parameter[i].distribution.kind);
    add_column(columns, i, choice);
    if (!choice && space->parameter[i].conditions > 0) add_column(columns, i, false);
  }
}

/* Coordinates are those of numbers; of a choice the point has the index. */
static void put(const struct space *space, const double *point, const double *u, double *place) {
  int column = 0;
  for (int i = 0; i < space->count; i++) {
    const bool out = isnan(point[i]), choice = distribution_is_choice(space->parameter[i].distribution.kind);
    place[GAUSSIAN_BLOCK * column++] = choice ? (out ? -1.0 : point[i]) : (out ? 0.5 : u[i]);
    if (!choice && space->parameter[i].conditions > 0) place[GAUSSIAN_BLOCK * column++] = out ? 1.0 : 0.0;
  }
}

/* A continuum's coordinate is the one it was made of; the others are found from the value. */
void surrogate_place(const struct method_task *task, const double *u, double *place) {
  double point[SPACE_PARAMETERS_MAX], coordinate[SPACE_PARAMETERS_MAX];
  space_point(task->space, u, point);
  for (int i = 0; i < task->space->count; i++) {
    const struct distribution *distribution = &task->space->parameter[i].distribution;
    const bool stepped =
        distribution->kind == DISTRIBUTION_INT_UNIFORM || distribution_is_quantised(distribution->kind);
    coordinate[i] = stepped ? distribution_coordinate(distribution, point[i]) : u[i];
  }
  put(task->space, point, coordinate, place);
}

static void put_row(const struct method_task *task, struct surrogate *surrogate, int64_t row, const double *point) {
  double u[SPACE_PARAMETERS_MAX];
  for (int i = 0; i < task->space->count; i++) {
    const struct distribution *distribution = &task->space->parameter[i].distribution;
    u[i] = distribution_is_choice(distribution->kind) ? 0.5 : distribution_coordinate(distribution, point[i]);
  }
  memcpy(surrogate->point + row * task->space->count, point, (size_t)task->space->count * sizeof *point);
  put(task->space, point, u, gaussian_place(&surrogate->columns, surrogate->gaussian.block, row));
}

/* ---- Outputs ---- */

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Of y[count], NaN where there is no value: see the header. Values are divided by the largest in size first, so that
 * none overflows. */
static void compress(int64_t count, double *y, double *sorted) {
  int64_t finite = 0;
  double size = 0.0;
  for (int64_t i = 0; i < count; i++) size = fmax(size, fabs(y[i])); /* fmax passes NaN over */
  for (int64_t i = 0; i < count && size > 0.0; i++) y[i] /= size;
  for (int64_t i = 0; i < count; i++)
    if (!isnan(y[i])) sorted[finite++] = y[i];
  if (finite > 0) qsort(sorted, (size_t)finite, sizeof *sorted, ascending);
  const double middle = finite > 0 ? sorted[(finite - 1) / 2] : 0.0;
  double scale = finite > 0 ? middle - sorted[0] : 0.0, worst = middle;
  if (!(scale > 0.0)) {
    scale = 0.0;
    for (int64_t i = 0; i < finite; i++) scale += (sorted[i] - middle) / (double)finite;
  }
  for (int64_t i = 0; i < count; i++) {
    if (y[i] > middle)
      y[i] =
          scale > 0.0 ? middle + scale * fmin(elementary_log(1.0 + fmin((y[i] - middle) / scale, 1e9)), 5.0) : middle;
    if (y[i] > worst) worst = y[i];
  }
  for (int64_t i = 0; i < count; i++) y[i] = isnan(y[i]) ? worst : y[i];
}

/* To mean 0 and variance 1, in place; where all are alike, 0. */
static void standardise(int64_t count, double *y) {
  double mean = 0.0, variance = 0.0;
  for (int64_t i = 0; i < count; i++) mean += y[i] / (double)count;
  for (int64_t i = 0; i < count; i++) variance += (y[i] - mean) * (y[i] - mean) / (double)count;
  const double deviation = sqrt(variance);
  for (int64_t i = 0; i < count; i++) y[i] = deviation > 1e-14 ? (y[i] - mean) / deviation : 0.0;
}

/* Outputs of the first `rows` rows that have results, which come before those that have not; returns how many. */
static int64_t outputs(const struct method_task *task, const struct history *history, struct surrogate *surrogate,
                       int64_t rows) {
  double *y = surrogate->y;
  int64_t count = 0;
  for (; count < rows && surrogate->row[count] < history->known; count++)
    y[count] = learning_value(task, history, surrogate->row[count]);
  compress(count, y, surrogate->sorted);
  standardise(count, y);
  surrogate->incumbent = 0;
  for (int64_t i = 1; i < count; i++)
    if (y[i] < y[surrogate->incumbent]) surrogate->incumbent = i;
  surrogate->best = y[surrogate->incumbent];
  return count;
}

/* ---- An epoch ---- */

struct ranked {
  double value;
  int64_t number;
};

static int better_first(const void *a, const void *b) {
  const struct ranked *x = a, *y = b;
  if (x->value != y->value) return x->value < y->value ? -1 : 1;
  return (x->number > y->number) - (x->number < y->number);
}

/* Marks the `best` of count numbers by value, and of the others the `more` that are last, or evenly spaced. */
static void mark(int64_t count, struct ranked *ranked, bool *marked, int64_t best, int64_t more, bool spaced) {
  qsort(ranked, (size_t)count, sizeof *ranked, better_first);
  for (int64_t i = 0; i < count; i++) marked[ranked[i].number] = i < best;
  const int64_t others = count - best;
  int64_t seen = 0;
  for (int64_t i = 0; i < count; i++) {
    if (marked[i]) continue;
    marked[i] = spaced ? (seen + 1) * more / others > seen * more / others : seen >= others - more;
    seen++;
  }
}

/* Which of `count` are taken, at most `most`; ascending into which[]; returns how many. */
static int64_t select_rows(int64_t count, struct ranked *ranked, bool *marked, int64_t most, bool spaced,
                           int64_t *which) {
  int64_t taken = 0;
  const int64_t best = spaced ? most / 4 : most / 2;
  if (count > most) mark(count, ranked, marked, best, most - best, spaced);
  for (int64_t i = 0; i < count; i++)
    if (count <= most || marked[i]) which[taken++] = i;
  return taken;
}

/* theta, from a process of its own of the chosen ones; factor and blocks of the surrogate are written anew. */
static enum status fit(const struct method_task *task, const struct history *history, struct surrogate *surrogate) {
  struct arena arena = {0};
  struct gaussian *gaussian = &surrogate->gaussian;
  const int64_t count = surrogate->chosen;
  struct ranked *ranked = arena_array(&arena, count, sizeof *ranked);
  bool *marked = arena_array(&arena, count, sizeof *marked);
  int64_t *which = arena_array(&arena, SURROGATE_FITTED, sizeof *which);
  double *y = arena_array(&arena, SURROGATE_FITTED, sizeof *y);
  double *work = arena_array(&arena, 2 * SURROGATE_FITTED * SURROGATE_FITTED, sizeof *work);
  enum status status = arena_check(&arena, "fitting a Gaussian process");
  if (status == STATUS_OK) {
    (void)outputs(task, history, surrogate, count);
    for (int64_t i = 0; i < count; i++) ranked[i] = (struct ranked){surrogate->y[i], i};
    const int64_t rows = select_rows(count, ranked, marked, SURROGATE_FITTED, true, which);
    for (int64_t i = 0; i < rows; i++) {
      put_row(task, surrogate, i, history->point + surrogate->row[which[i]] * task->space->count);
      y[i] = surrogate->y[which[i]];
    }
    standardise(rows, y);
    gaussian_fit(gaussian, rows, y, work);
  }
  arena_free(&arena);
  return status;
}

/* The configurations of the first `epoch` that are rows. */
static enum status choose_rows(const struct method_task *task, const struct history *history,
                               struct surrogate *surrogate) {
  struct arena arena = {0};
  struct ranked *ranked = arena_array(&arena, surrogate->epoch, sizeof *ranked);
  bool *marked = arena_array(&arena, surrogate->epoch, sizeof *marked);
  enum status status = arena_check(&arena, "choosing among configurations");
  if (status == STATUS_OK) {
    for (int64_t c = 0; c < surrogate->epoch; c++) {
      surrogate->fitted[c] = learning_value(task, history, c);
      ranked[c] = (struct ranked){isnan(surrogate->fitted[c]) ? (double)INFINITY : surrogate->fitted[c], c};
    }
    surrogate->chosen = select_rows(surrogate->epoch, ranked, marked, SURROGATE_KEPT, false, surrogate->row);
  }
  arena_free(&arena);
  return status;
}

/* Sobol points of a scrambling of the epoch's own: not those of the beginning again. */
static void offer(const struct method_task *task, struct surrogate *surrogate) {
  struct rng rng = rng_stream(task->seed, RNG_PROPOSE, (uint64_t)surrogate->epoch, RNG_SUB_MAX);
  const uint64_t seed = rng_u64(&rng);
  for (int64_t i = 0; i < SURROGATE_CANDIDATES; i++) {
    double *u = surrogate->offered + i * task->space->count;
    for (int p = 0; p < task->space->count; p++) u[p] = sobol_scrambled(seed, p, (uint32_t)i);
    surrogate_place(task, u, gaussian_place(&surrogate->columns, surrogate->blocks, i));
  }
}

static enum status allocate(const struct method_task *task, struct surrogate *surrogate, int64_t epoch,
                            int64_t capacity) {
  surrogate_free(surrogate);
  const int64_t parameters = task->space->count, panels = PANELS;
  columns_of(task->space, &surrogate->columns);
  struct arena *arena = &surrogate->arena;
  struct gaussian *gaussian = &surrogate->gaussian;
  *gaussian = (struct gaussian){.columns = &surrogate->columns};
  const int64_t columns = surrogate->columns.count;
  gaussian->block = arena_array(arena, (capacity + GAUSSIAN_BLOCK) * columns, sizeof(double));
  gaussian->factor = arena_array(arena, matrix_triangle(capacity), sizeof(double));
  gaussian->half = arena_array(arena, capacity, sizeof(double));
  surrogate->row = arena_array(arena, capacity, sizeof(int64_t));
  surrogate->point = arena_array(arena, capacity * parameters, sizeof(double));
  surrogate->fitted = arena_array(arena, epoch, sizeof(double));
  surrogate->y = arena_array(arena, capacity, sizeof(double));
  surrogate->sorted = arena_array(arena, capacity, sizeof(double));
  surrogate->blocks = arena_array(arena, SURROGATE_CANDIDATES * columns, sizeof(double));
  surrogate->panels = arena_array(arena, panels * capacity * GAUSSIAN_BLOCK, sizeof(double));
  surrogate->local = arena_array(arena, capacity * GAUSSIAN_BLOCK, sizeof(double));
  surrogate->offered = arena_array(arena, SURROGATE_CANDIDATES * parameters, sizeof(double));
  surrogate->capacity = capacity;
  return arena_check(arena, "a Gaussian process");
}

static enum status begin_epoch(const struct method_task *task, const struct history *history,
                               struct surrogate *surrogate, int64_t epoch) {
  const int64_t kept = epoch < SURROGATE_KEPT ? epoch : SURROGATE_KEPT;
  enum status status = allocate(task, surrogate, epoch, kept + (history->count - epoch) + step_from(epoch) + SPARE);
  surrogate->epoch = epoch;
  if (status == STATUS_OK) status = choose_rows(task, history, surrogate);
  if (status == STATUS_OK) status = fit(task, history, surrogate);
  if (status != STATUS_OK) {
    surrogate_free(surrogate);
    return status;
  }
  offer(task, surrogate);
  return STATUS_OK;
}

/* ---- From call to call ---- */

/* Points that rows were made of, from the first, as they are in history still. */
static int64_t rows_alike(const struct method_task *task, const struct history *history,
                          const struct surrogate *surrogate) {
  const int64_t parameters = task->space->count;
  int64_t alike = 0;
  while (alike < surrogate->gaussian.rows && surrogate->row[alike] < history->count &&
         space_equal(task->space, surrogate->point + alike * parameters,
                     history->point + surrogate->row[alike] * parameters))
    alike++;
  return alike;
}

/* Whether the epoch would be begun with the same numbers. */
static bool is_that_epoch(const struct method_task *task, const struct history *history,
                          const struct surrogate *surrogate, int64_t epoch) {
  if (surrogate->epoch != epoch || rows_alike(task, history, surrogate) < surrogate->chosen) return false;
  for (int64_t c = 0; c < epoch; c++) {
    const double value = learning_value(task, history, c);
    if (value != surrogate->fitted[c] && !(isnan(value) && isnan(surrogate->fitted[c]))) return false;
  }
  return true;
}

enum status surrogate_update(const struct method_task *task, const struct history *history,
                             struct surrogate *surrogate) {
  const int64_t epoch = epoch_of(task->space, history->known);
  bool anew = !is_that_epoch(task, history, surrogate, epoch);
  if (!anew && surrogate->chosen + history->count - epoch > surrogate->capacity) anew = true;
  if (anew) TRY(begin_epoch(task, history, surrogate, epoch));
  struct gaussian *gaussian = &surrogate->gaussian;
  const int64_t alike = rows_alike(task, history, surrogate), rows = surrogate->chosen + history->count - epoch;
  gaussian->rows = alike;
  if (surrogate->solved > alike) surrogate->solved = alike;
  for (int64_t i = alike; i < rows; i++) {
    if (i >= surrogate->chosen) surrogate->row[i] = epoch + (i - surrogate->chosen);
    put_row(task, surrogate, i, history->point + surrogate->row[i] * task->space->count);
  }
  gaussian_append(gaussian, rows);
  for (int64_t p = 0; p < PANELS; p++)
    gaussian_panel(gaussian, gaussian_place(&surrogate->columns, surrogate->blocks, p * GAUSSIAN_BLOCK),
                   surrogate->solved, surrogate->panels + p * surrogate->capacity * GAUSSIAN_BLOCK);
  surrogate->solved = rows;
  const int64_t known = outputs(task, history, surrogate, rows);
  gaussian_observe(gaussian, known, surrogate->y);
  for (int64_t i = known; i < rows; i++) surrogate->best = fmin(surrogate->best, gaussian_expected(gaussian, i));
  return STATUS_OK;
}

void surrogate_free(struct surrogate *surrogate) {
  arena_free(&surrogate->arena);
  *surrogate = (struct surrogate){.epoch = 0};
}

/* ---- What it says ---- */

static void judge(const struct surrogate *surrogate, const double *panel, double improvement[GAUSSIAN_BLOCK]) {
  double mean[GAUSSIAN_BLOCK], variance[GAUSSIAN_BLOCK];
  gaussian_moments(&surrogate->gaussian, panel, mean, variance);
  for (int k = 0; k < GAUSSIAN_BLOCK; k++) {
    const double deviation = sqrt(variance[k]);
    improvement[k] = elementary_log(deviation) + normal_log_improvement((surrogate->best - mean[k]) / deviation);
  }
}

void surrogate_improvements(const struct surrogate *surrogate, const double *block,
                            double improvement[GAUSSIAN_BLOCK]) {
  gaussian_panel(&surrogate->gaussian, block, 0, surrogate->local);
  judge(surrogate, surrogate->local, improvement);
}

void surrogate_candidates(const struct surrogate *surrogate, double improvement[SURROGATE_CANDIDATES]) {
  for (int64_t p = 0; p < PANELS; p++)
    judge(surrogate, surrogate->panels + p * surrogate->capacity * GAUSSIAN_BLOCK, improvement + p * GAUSSIAN_BLOCK);
}
