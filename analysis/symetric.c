#include "analysis/symetric.h"

#include "analysis/lasso.h"
#include "analysis/polynomial.h"
#include "base/elementary.h"
#include "base/rng.h"

#include <math.h>
#include <string.h>

enum { ALPHAS = 10, FOLDS = 2, LATENTS_MAX = 32 };

#define ENOUGH_R2 0.9
#define VARIANCE_MAX 0.5
#define DEVIATION_MAX 0.05
#define DEVIATION_CAP 1000
#define WEIGHT_LEAST 1e-3
#define JACOBIAN_OFFSET 1e-6

/* Scaled numbers of a batch, row t * frames + f, and the fit of the order at hand. */
struct fitter {
  const struct symetric_batch *batch;
  int64_t rows, kept, outputs;
  double *x, *y; /* [kept][rows], [outputs][rows] */
  struct polynomial polynomial;
  double *term;         /* [count - 1][rows]: all terms but the constant */
  double *part, *right; /* [count - 1][rows], [rows]: of the rows that are fitted, without their means */
  double *part_mean;    /* [count - 1] */
  double *square;       /* [count - 1] */
  double *rest;         /* [rows] */
  int64_t *set;         /* [count - 1]: work space of fits, like the next */
  double *past;         /* [LASSO_PAST + 1][count - 1] */
  double *weight;       /* [outputs][count]: the constant's is 0 */
  struct arena arena;   /* of the numbers */
  struct arena terms;   /* of the order's arrays */
};

/* ---- Numbers ---- */

static double mean_variance(const struct symetric_batch *batch, int64_t k) {
  double sum = 0;
  for (int64_t t = 0; t < batch->trajectories; t++) sum += batch->variance[t * batch->latents + k];
  return sum / (double)batch->trajectories;
}

/* use[latents]; returns how many there are. */
static int64_t choose_latents(const struct symetric_batch *batch, bool *use) {
  const int64_t half = batch->latents / 2;
  int64_t kept = 0;
  for (int64_t i = 0; i < half; i++) {
    use[i] =
        !batch->variance || mean_variance(batch, i) < VARIANCE_MAX || mean_variance(batch, half + i) < VARIANCE_MAX;
    use[half + i] = use[i];
    kept += use[i] ? 2 : 0;
  }
  for (int64_t i = 0; kept == 0 && i < batch->latents; i++) use[i] = true;
  return kept ? kept : batch->latents;
}

/* To mean 0 and variance 1; what does not vary, but for rounding, becomes 0. */
static void standardize(double *column, int64_t rows) {
  double mean = 0, square = 0;
  for (int64_t r = 0; r < rows; r++) mean += column[r] / (double)rows;
  for (int64_t r = 0; r < rows; r++) square += (column[r] - mean) * (column[r] - mean) / (double)rows;
  const double scale = square > 1e-24 * mean * mean ? 1 / sqrt(square) : 0;
  for (int64_t r = 0; r < rows; r++) column[r] = (column[r] - mean) * scale;
}

static void take_column(const double *from, int64_t width, int64_t k, int64_t rows, double *column) {
  for (int64_t r = 0; r < rows; r++) column[r] = from[r * width + k];
  standardize(column, rows);
}

static enum status open_fitter(const struct symetric_batch *batch, struct fitter *fitter) {
  struct arena arena = {.last = NULL};
  *fitter = (struct fitter){.batch = batch, .rows = batch->trajectories * batch->frames, .outputs = batch->coordinates};
  bool *use = arena_array(&arena, batch->latents, sizeof *use);
  fitter->x = arena_array(&arena, batch->latents * fitter->rows, sizeof(double));
  fitter->y = arena_array(&arena, fitter->outputs * fitter->rows, sizeof(double));
  fitter->arena = arena;
  TRY(arena_check(&arena, "the states of a batch"));
  fitter->kept = choose_latents(batch, use);
  for (int64_t k = 0, to = 0; k < batch->latents; k++)
    if (use[k]) take_column(batch->latent, batch->latents, k, fitter->rows, fitter->x + to++ * fitter->rows);
  for (int64_t k = 0; k < fitter->outputs; k++)
    take_column(batch->truth, batch->coordinates, k, fitter->rows, fitter->y + k * fitter->rows);
  return STATUS_OK;
}

/* ---- The fit of one order ---- */

static enum status open_order(struct fitter *fitter, int order) {
  struct arena arena = {.last = NULL};
  TRY(polynomial_open(fitter->kept, order, POLYNOMIAL_MONOMIAL, &fitter->polynomial));
  const int64_t terms = fitter->polynomial.count - 1;
  double *row = arena_array(&arena, terms + 1, sizeof *row), *x = arena_array(&arena, fitter->kept, sizeof *x);
  fitter->term = arena_array(&arena, terms * fitter->rows, sizeof(double));
  fitter->part = arena_array(&arena, terms * fitter->rows, sizeof(double));
  fitter->right = arena_array(&arena, fitter->rows, sizeof(double));
  fitter->part_mean = arena_array(&arena, terms, sizeof(double));
  fitter->square = arena_array(&arena, terms, sizeof(double));
  fitter->rest = arena_array(&arena, fitter->rows, sizeof(double));
  fitter->set = arena_array(&arena, terms, sizeof(int64_t));
  fitter->past = arena_array(&arena, (LASSO_PAST + 1) * terms, sizeof(double));
  fitter->weight = arena_array(&arena, fitter->outputs * (terms + 1), sizeof(double));
  fitter->terms = arena;
  TRY(arena_check(&arena, "the terms of a batch"));
  for (int64_t r = 0; r < fitter->rows; r++) {
    for (int64_t k = 0; k < fitter->kept; k++) x[k] = fitter->x[k * fitter->rows + r];
    polynomial_features(&fitter->polynomial, x, row);
    for (int64_t k = 0; k < terms; k++) fitter->term[k * fitter->rows + r] = row[k + 1];
  }
  return STATUS_OK;
}

static void close_order(struct fitter *fitter) {
  polynomial_close(&fitter->polynomial);
  arena_free(&fitter->terms);
}

/* Rows first..end-1 are left out of a fit. */
struct fold {
  int64_t first, end;
};

/* A column without those rows, and without its mean, which is returned. */
static double take_part(const double *column, int64_t rows, struct fold fold, double *part) {
  int64_t count = 0;
  double mean = 0;
  for (int64_t r = 0; r < rows; r++)
    if (r < fold.first || r >= fold.end) part[count++] = column[r];
  for (int64_t r = 0; r < count; r++) mean += part[r] / (double)count;
  for (int64_t r = 0; r < count; r++) part[r] -= mean;
  return mean;
}

static int64_t take_terms(struct fitter *fitter, struct fold fold) {
  const int64_t count = fitter->rows - (fold.end - fold.first);
  for (int64_t k = 0; k < fitter->polynomial.count - 1; k++) {
    double *part = fitter->part + k * count, square = 0;
    fitter->part_mean[k] = take_part(fitter->term + k * fitter->rows, fitter->rows, fold, part);
    for (int64_t r = 0; r < count; r++) square += part[r] * part[r];
    fitter->square[k] = square;
  }
  return count;
}

/* 1 - Var(y - y') / Var(y) on rows first..end-1, of predictions from the weights; the constant does not matter.
 * What does not vary is explained if the prediction does not either (as in scikit-learn). */
static double explain(const struct fitter *fitter, int64_t output, struct fold fold, const double *weight) {
  const double *y = fitter->y + output * fitter->rows, n = (double)(fold.end - fold.first);
  double sum[2] = {0}, square[2] = {0};
  for (int64_t r = fold.first; r < fold.end; r++) {
    double rest = y[r];
    for (int64_t k = 0; k < fitter->polynomial.count - 1; k++)
      if (weight[k] != 0) rest -= weight[k] * fitter->term[k * fitter->rows + r];
    const double value[2] = {rest, y[r]};
    for (int i = 0; i < 2; i++) {
      sum[i] += value[i];
      square[i] += value[i] * value[i];
    }
  }
  const double left = square[0] / n - sum[0] / n * (sum[0] / n), all = square[1] / n - sum[1] / n * (sum[1] / n);
  if (all > 0) return 1 - left / all;
  return left > 0 ? 0 : 1;
}

static double alpha_of(int i) { return elementary_pow(10, -4 + 3.5 * i / (ALPHAS - 1)); }

static void fit(struct fitter *fitter, int64_t count, double alpha, double *weight) {
  const struct lasso lasso = {.rows = count,
                              .columns = fitter->polynomial.count - 1,
                              .x = fitter->part,
                              .square = fitter->square,
                              .y = fitter->right,
                              .rest = fitter->rest,
                              .set = fitter->set,
                              .past = fitter->past};
  (void)lasso_fit(&lasso, alpha, weight);
}

/* Of all alphas, from the largest on, each beginning where the last has ended. */
static void judge_alphas(struct fitter *fitter, struct fold fold, double score[ALPHAS]) {
  const int64_t count = take_terms(fitter, fold), terms = fitter->polynomial.count;
  for (int64_t o = 0; o < fitter->outputs; o++) {
    double *weight = fitter->weight + o * terms + 1;
    memset(weight, 0, (size_t)(terms - 1) * sizeof *weight);
    (void)take_part(fitter->y + o * fitter->rows, fitter->rows, fold, fitter->right);
    for (int i = ALPHAS - 1; i >= 0; i--) {
      fit(fitter, count, alpha_of(i), weight);
      score[i] += explain(fitter, o, fold, weight);
    }
  }
}

/* Weights of all rows at the best alpha; R2 of the fit, the mean over coordinates. */
static double fit_order(struct fitter *fitter) {
  const struct fold none = {0, 0}, all = {0, fitter->rows};
  const int64_t terms = fitter->polynomial.count, half = (fitter->rows + 1) / FOLDS;
  double score[ALPHAS] = {0}, r2 = 0;
  int best = 0;
  judge_alphas(fitter, (struct fold){0, half}, score);
  judge_alphas(fitter, (struct fold){half, fitter->rows}, score);
  for (int i = 1; i < ALPHAS; i++)
    if (score[i] > score[best]) best = i;
  const int64_t count = take_terms(fitter, none);
  for (int64_t o = 0; o < fitter->outputs; o++) {
    double *weight = fitter->weight + o * terms + 1;
    memset(weight, 0, (size_t)(terms - 1) * sizeof *weight);
    (void)take_part(fitter->y + o * fitter->rows, fitter->rows, none, fitter->right);
    fit(fitter, count, alpha_of(best), weight);
    r2 += explain(fitter, o, all, weight) / (double)fitter->outputs;
  }
  return r2;
}

/* ---- The Jacobian ---- */

struct jacobian {
  double *j;    /* [outputs][kept] */
  double *x;    /* [kept] */
  double *p;    /* [SYMETRIC_POINTS][outputs][outputs] */
  double *a;    /* [outputs][outputs] */
  int64_t *row; /* [frames]: the points of a trajectory, drawn */
  struct arena arena;
};

static enum status open_jacobian(const struct fitter *fitter, struct jacobian *jacobian) {
  struct arena arena = {.last = NULL};
  const int64_t outputs = fitter->outputs;
  jacobian->j = arena_array(&arena, outputs * fitter->kept, sizeof(double));
  jacobian->x = arena_array(&arena, fitter->kept, sizeof(double));
  jacobian->p = arena_array(&arena, SYMETRIC_POINTS * outputs * outputs, sizeof(double));
  jacobian->a = arena_array(&arena, outputs * outputs, sizeof(double));
  jacobian->row = arena_array(&arena, fitter->batch->frames, sizeof(int64_t));
  jacobian->arena = arena;
  return arena_check(&arena, "a Jacobian");
}

/* A = J E J^T at a point, and P = A A^T = -A^2, for A is antisymmetric. Returns the largest |entry| of P. */
static double measure_point(const struct fitter *fitter, int64_t row, struct jacobian *jacobian, double *p) {
  const int64_t n = fitter->outputs, kept = fitter->kept, half = kept / 2;
  double largest = 0;
  for (int64_t k = 0; k < kept; k++) jacobian->x[k] = fitter->x[k * fitter->rows + row];
  for (int64_t i = 0; i < n; i++) {
    double *j = jacobian->j + i * kept;
    polynomial_gradient(&fitter->polynomial, fitter->weight + i * fitter->polynomial.count, jacobian->x, j);
    for (int64_t k = 0; k < kept; k++) j[k] += JACOBIAN_OFFSET;
  }
  for (int64_t i = 0; i < n; i++)
    for (int64_t m = 0; m < n; m++) {
      const double *a = jacobian->j + i * kept, *b = jacobian->j + m * kept;
      double sum = 0;
      for (int64_t k = 0; k < half; k++) sum += a[half + k] * b[k] - a[k] * b[half + k];
      jacobian->a[i * n + m] = sum;
    }
  for (int64_t i = 0; i < n * n; i++) {
    double sum = 0;
    for (int64_t k = 0; k < n; k++) sum -= jacobian->a[i / n * n + k] * jacobian->a[k * n + i % n];
    p[i] = sum;
    largest = fmax(largest, fabs(sum));
  }
  return largest;
}

/* The mean of (P - I)^2 over the points of a trajectory. */
static double measure_trajectory(const struct fitter *fitter, int64_t trajectory, struct rng *rng,
                                 struct jacobian *jacobian) {
  const int64_t frames = fitter->batch->frames, n = fitter->outputs,
                points = frames < SYMETRIC_POINTS ? frames : SYMETRIC_POINTS;
  double scale = 0, sum = 0;
  for (int64_t f = 0; f < frames; f++) jacobian->row[f] = f;
  for (int64_t i = 0; i < points; i++) {
    const int64_t other = i + (int64_t)rng_below(rng, (uint64_t)(frames - i)), f = jacobian->row[other];
    jacobian->row[other] = jacobian->row[i];
    scale += measure_point(fitter, trajectory * frames + f, jacobian, jacobian->p + i * n * n) / (double)points;
  }
  for (int64_t i = 0; i < points * n * n; i++) {
    const double unit = i % (n * n) % (n + 1) == 0 ? 1 : 0, d = jacobian->p[i] / (scale > 0 ? scale : 1) - unit;
    sum += d * d;
  }
  return sum / (double)(points * n * n);
}

static enum status measure_deviation(struct fitter *fitter, uint64_t seed, int64_t stream, double *deviation) {
  struct rng rng = rng_stream(seed, RNG_ANALYSIS, (uint64_t)stream, 0);
  struct jacobian jacobian;
  const enum status status = open_jacobian(fitter, &jacobian);
  for (int64_t i = 0; i < fitter->outputs * fitter->polynomial.count; i++)
    if (fabs(fitter->weight[i]) < WEIGHT_LEAST) fitter->weight[i] = 0;
  double sum = 0;
  for (int64_t t = 0; status == STATUS_OK && t < fitter->batch->trajectories; t++)
    sum += measure_trajectory(fitter, t, &rng, &jacobian) / (double)fitter->batch->trajectories;
  *deviation = fmin(sum, DEVIATION_CAP);
  arena_free(&jacobian.arena);
  return status;
}

/* ---- All of it ---- */

static enum status check_finite(const double *value, int64_t count, const char *what) {
  for (int64_t i = 0; i < count; i++)
    REQUIRE(isfinite(value[i]), STATUS_NUMERIC, "number %lld of %s is not finite", (long long)i, what);
  return STATUS_OK;
}

static bool is_tried(const struct fitter *fitter, int order) {
  const int64_t count = polynomial_count(fitter->kept, order);
  return order == 1 ||
         (order <= SYMETRIC_ORDERS && fitter->kept <= LATENTS_MAX && count > 0 && count <= SYMETRIC_TERMS);
}

static enum status measure(struct fitter *fitter, uint64_t seed, int64_t stream, struct symetric_outcome *outcome) {
  for (int order = 1; is_tried(fitter, order) && !(outcome->r2 > ENOUGH_R2); order++) {
    close_order(fitter);
    TRY(open_order(fitter, order));
    outcome->r2 = fit_order(fitter);
    outcome->order = order;
  }
  TRY(measure_deviation(fitter, seed, stream, &outcome->symplecticity));
  outcome->symplectic = outcome->r2 > ENOUGH_R2 && outcome->symplecticity < DEVIATION_MAX;
  return STATUS_OK;
}

enum status symetric_measure(const struct symetric_batch *batch, uint64_t seed, int64_t stream,
                             struct symetric_outcome *outcome) {
  const int64_t rows = batch->trajectories * batch->frames;
  struct fitter fitter;
  *outcome = (struct symetric_outcome){.r2 = 0};
  REQUIRE(rows >= FOLDS && batch->latents > 0 && batch->latents % 2 == 0 && batch->coordinates > 0, STATUS_ARGUMENT,
          "SyMetric of %lld rows, %lld latent numbers and %lld true ones", (long long)rows, (long long)batch->latents,
          (long long)batch->coordinates);
  TRY(check_finite(batch->latent, rows * batch->latents, "the latent states"));
  TRY(check_finite(batch->truth, rows * batch->coordinates, "the true states"));
  enum status status = open_fitter(batch, &fitter);
  outcome->kept = fitter.kept;
  if (status == STATUS_OK) status = measure(&fitter, seed, stream, outcome);
  close_order(&fitter);
  arena_free(&fitter.arena);
  return status;
}
