#include "analysis/regression.h"

#include "analysis/polynomial.h"
#include "base/arena.h"
#include "comm/reduce.h"

#include <math.h>
#include <stdlib.h>

static const double ridges[REGRESSION_RIDGES] = {1e-6, 1e-4, 1e-2, 1}; /* of a feature's mean square, about 1 */

struct regression_fit regression_fit(int order, int64_t inputs, int64_t least, int64_t most) {
  struct regression_fit fit = {.order = order};
  for (int64_t k = least; k <= inputs; k++) {
    const int64_t features = polynomial_count(k, order);
    if (features < 0 || features > most) break;
    fit.inputs = k;
    fit.features = features;
  }
  return fit;
}

/* ---- The triangles of the folds ---- */

/* Rows of one fold: features, then outputs, [features + outputs][rows]. Returns how many there are. */
static int64_t fill_fold(const struct regression_task *task, const struct polynomial *polynomial, int64_t fold,
                         int64_t rows, double *x, double *phi, double *shard) {
  const int64_t features = polynomial->count;
  int64_t row = 0;
  for (int64_t r = 0; r < task->count; r++) {
    if (task->group[r] % REGRESSION_FOLDS != fold) continue;
    for (int64_t k = 0; k < polynomial->variables; k++) x[k] = task->input[k * task->count + r];
    polynomial_features(polynomial, x, phi);
    for (int64_t k = 0; k < features; k++) shard[k * rows + row] = phi[k];
    for (int64_t k = 0; k < task->outputs; k++) shard[(features + k) * rows + row] = task->output[k * task->count + r];
    row++;
  }
  return row;
}

/* Collective. */
static enum status make_triangle(const struct regression_task *task, const struct polynomial *polynomial, int64_t fold,
                                 struct matrix *triangle) {
  const int64_t columns = polynomial->count + task->outputs;
  struct arena arena = {.last = NULL};
  struct matrix rows = {.grid = NULL};
  int64_t count = 0;
  for (int64_t r = 0; r < task->count; r++) count += task->group[r] % REGRESSION_FOLDS == fold;
  double *x = arena_array(&arena, polynomial->variables, sizeof *x), *phi = arena_array(&arena, columns, sizeof *phi),
         *shard = arena_array(&arena, columns * count, sizeof *shard);
  enum status status = comm_agree(task->grid->comm, arena_check(&arena, "the features of a fold"));
  if (status == STATUS_OK) {
    fill_fold(task, polynomial, fold, count, x, phi, shard);
    status = matrix_from_shards(task->grid, shard, count, columns, &rows);
  }
  arena_free(&arena);
  if (status == STATUS_OK) status = matrix_triangle(&rows, triangle);
  matrix_free(&rows);
  return status;
}

/* ---- Least squares on all folds but one ---- */

/* Collective. value times the unit matrix, into `to` from (row, column) on. */
static enum status put_unit(struct matrix *to, int64_t row, int64_t column, int64_t size, double value) {
  double *values = calloc((size_t)(size * size), sizeof *values);
  struct matrix unit = {.grid = NULL};
  enum status status = comm_agree(to->grid->comm, values ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory"));
  for (int64_t i = 0; status == STATUS_OK && i < size; i++) values[i * size + i] = value;
  if (status == STATUS_OK) status = matrix_from_values(to->grid, values, size, size, &unit);
  if (status == STATUS_OK) status = matrix_copy(&unit, 0, 0, size, size, to, row, column);
  matrix_free(&unit);
  free(values);
  return status;
}

/* A fold that is judged, or none: what the triangles of all others stand for. */
struct others {
  struct matrix a, b; /* features, and outputs, of the stacked triangles, brought to a triangle again */
  int64_t rows;       /* that were fitted */
};

static void others_free(struct others *others) {
  matrix_free(&others->a);
  matrix_free(&others->b);
}

/* Collective. fold -1: none is left out. Freed with others_free(), after a failure too. */
static enum status stack_others(const struct regression_task *task, const struct matrix *triangle, int64_t fold,
                                int64_t features, struct others *others) {
  struct matrix stack = {.grid = NULL}, all = {.grid = NULL};
  const int64_t columns = features + task->outputs;
  int64_t height = 0, at = 0;
  for (int g = 0; g < REGRESSION_FOLDS; g++) height += g != fold ? triangle[g].rows : 0;
  enum status status = matrix_create(task->grid, height, columns, &stack);
  for (int g = 0; g < REGRESSION_FOLDS && status == STATUS_OK; g++) {
    if (g == fold) continue;
    status = matrix_copy(&triangle[g], 0, 0, triangle[g].rows, columns, &stack, at, 0);
    at += triangle[g].rows;
  }
  if (status == STATUS_OK) status = matrix_triangle(&stack, &all);
  if (status == STATUS_OK) status = matrix_create(task->grid, all.rows, features, &others->a);
  if (status == STATUS_OK) status = matrix_create(task->grid, all.rows, task->outputs, &others->b);
  if (status == STATUS_OK) status = matrix_copy(&all, 0, 0, all.rows, features, &others->a, 0, 0);
  if (status == STATUS_OK) status = matrix_copy(&all, 0, features, all.rows, task->outputs, &others->b, 0, 0);
  matrix_free(&all);
  matrix_free(&stack);
  return status;
}

/* Collective. Coefficients [features][outputs], the first rows of `solution`. */
static enum status solve(const struct regression_task *task, const struct others *others, double ridge,
                         struct matrix *solution) {
  const int64_t features = others->a.columns, rows = others->a.rows;
  struct matrix a = {.grid = NULL};
  enum status status = matrix_create(task->grid, rows + features, features, &a);
  if (status == STATUS_OK) status = matrix_create(task->grid, rows + features, task->outputs, solution);
  if (status == STATUS_OK) status = matrix_copy(&others->a, 0, 0, rows, features, &a, 0, 0);
  if (status == STATUS_OK) status = matrix_copy(&others->b, 0, 0, rows, task->outputs, solution, 0, 0);
  if (status == STATUS_OK) status = put_unit(&a, rows, 0, features, sqrt(ridge * (double)others->rows));
  if (status == STATUS_OK) status = matrix_least_squares(&a, solution);
  matrix_free(&a);
  return status;
}

/* ---- Errors ---- */

/* Sums over folds, of each output. */
struct score {
  double *error[REGRESSION_RIDGES]; /* [outputs] */
  double *square;                   /* [outputs]: of the outputs themselves */
  struct arena arena;
};

static enum status open_score(int64_t outputs, struct score *score) {
  struct arena arena = {.last = NULL};
  for (int i = 0; i < REGRESSION_RIDGES; i++) score->error[i] = arena_array(&arena, outputs, sizeof(double));
  score->square = arena_array(&arena, outputs, sizeof(double));
  score->arena = arena;
  return arena_check(&arena, "the errors of a fit");
}

/* Collective. Adds the squares of each column of R times `right`: squares[right.columns]. */
static enum status add_squares(const struct matrix *triangle, const struct matrix *right, double *squares) {
  const int64_t outputs = right->columns;
  struct matrix product = {.grid = NULL}, gram = {.grid = NULL};
  double *values = malloc((size_t)(outputs * outputs) * sizeof *values);
  enum status status =
      comm_agree(triangle->grid->comm, values ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory"));
  if (status == STATUS_OK) status = matrix_multiply(triangle, right, &product);
  if (status == STATUS_OK) status = matrix_gram(&product, &gram);
  if (status == STATUS_OK) status = matrix_values(&gram, values);
  for (int64_t j = 0; status == STATUS_OK && j < outputs; j++) squares[j] += values[j * outputs + j];
  matrix_free(&gram);
  matrix_free(&product);
  free(values);
  return status;
}

/* Collective. Errors on the fold that was left out are the squares of R [W; -1], its own those of R [0; -1]. */
static enum status judge_fold(const struct regression_task *task, const struct matrix *triangle, int64_t fold,
                              struct others *others, struct score *score) {
  const int64_t features = triangle[fold].columns - task->outputs;
  struct matrix right = {.grid = NULL};
  enum status status = matrix_create(task->grid, features + task->outputs, task->outputs, &right);
  if (status == STATUS_OK) status = put_unit(&right, features, 0, task->outputs, -1);
  if (status == STATUS_OK) status = add_squares(&triangle[fold], &right, score->square);
  if (status == STATUS_OK) status = stack_others(task, triangle, fold, features, others);
  for (int i = 0; i < REGRESSION_RIDGES && status == STATUS_OK; i++) {
    struct matrix solution = {.grid = NULL};
    status = solve(task, others, ridges[i], &solution);
    if (status == STATUS_OK) status = matrix_copy(&solution, 0, 0, features, task->outputs, &right, 0, 0);
    if (status == STATUS_OK) status = add_squares(&triangle[fold], &right, score->error[i]);
    matrix_free(&solution);
  }
  matrix_free(&right);
  return status;
}

/* Collective. rows[folds]: of all ranks. */
static enum status count_rows(const struct regression_task *task, int64_t rows[REGRESSION_FOLDS]) {
  for (int f = 0; f < REGRESSION_FOLDS; f++) rows[f] = 0;
  for (int64_t r = 0; r < task->count; r++) rows[task->group[r] % REGRESSION_FOLDS]++;
  return reduce_sum(task->grid->comm, rows, REGRESSION_FOLDS);
}

/* Collective. *all: the rows of all folds. */
static enum status judge_folds(const struct regression_task *task, const struct polynomial *polynomial,
                               struct matrix triangle[REGRESSION_FOLDS], struct score *score, int64_t *all) {
  int64_t rows[REGRESSION_FOLDS];
  TRY(count_rows(task, rows));
  for (int f = 0; f < REGRESSION_FOLDS; f++) {
    *all += rows[f];
    TRY(make_triangle(task, polynomial, f, &triangle[f]));
  }
  for (int f = 0; f < REGRESSION_FOLDS; f++) {
    struct others others = {.rows = *all - rows[f]};
    const enum status status = judge_fold(task, triangle, f, &others, score);
    others_free(&others);
    TRY(status);
  }
  return STATUS_OK;
}

/* The ridge of the least error, as a share of what there is to explain, over the outputs. */
static int choose_ridge(const struct score *score, int64_t outputs) {
  int best = 0;
  double least = INFINITY;
  for (int i = 0; i < REGRESSION_RIDGES; i++) {
    double sum = 0;
    for (int64_t j = 0; j < outputs; j++)
      if (score->square[j] > 0) sum += score->error[i][j] / score->square[j];
    if (sum < least) best = i;
    least = fmin(least, sum);
  }
  return best;
}

/* Collective. W of all folds' rows. */
static enum status fit_all(const struct regression_task *task, const struct matrix *triangle, int64_t features,
                           int64_t rows, double ridge, double *coefficients) {
  struct others others = {.rows = rows};
  struct matrix solution = {.grid = NULL}, top = {.grid = NULL};
  enum status status = stack_others(task, triangle, -1, features, &others);
  if (status == STATUS_OK) status = solve(task, &others, ridge, &solution);
  if (status == STATUS_OK) status = matrix_create(task->grid, features, task->outputs, &top);
  if (status == STATUS_OK) status = matrix_copy(&solution, 0, 0, features, task->outputs, &top, 0, 0);
  if (status == STATUS_OK) status = matrix_values(&top, coefficients);
  matrix_free(&top);
  matrix_free(&solution);
  others_free(&others);
  return status;
}

enum status regression_measure(const struct regression_task *task, const struct regression_fit *fit, double *r2,
                               double *ridge, double *coefficients) {
  struct matrix triangle[REGRESSION_FOLDS] = {{.grid = NULL}};
  struct polynomial polynomial = {.count = 0};
  struct score score = {.square = NULL};
  int64_t rows = 0;
  enum status status = open_score(task->outputs, &score);
  if (status == STATUS_OK) status = polynomial_open(fit->inputs, fit->order, POLYNOMIAL_HERMITE, &polynomial);
  status = comm_agree(task->grid->comm, status);
  if (status == STATUS_OK) status = judge_folds(task, &polynomial, triangle, &score, &rows);
  const int best = status == STATUS_OK ? choose_ridge(&score, task->outputs) : 0;
  for (int64_t j = 0; status == STATUS_OK && j < task->outputs; j++)
    r2[j] = score.square[j] > 0 ? 1 - score.error[best][j] / score.square[j] : (double)NAN;
  *ridge = ridges[best];
  if (status == STATUS_OK && coefficients)
    status = fit_all(task, triangle, polynomial.count, rows, *ridge, coefficients);
  for (int f = 0; f < REGRESSION_FOLDS; f++) matrix_free(&triangle[f]);
  polynomial_close(&polynomial);
  arena_free(&score.arena);
  return status;
}
