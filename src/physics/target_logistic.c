/* The posterior of a Bayesian logistic regression.
 *
 *   log p(b) = sum_i log(1 / (1 + exp(-z_i.b))) - |b|^2 / (2 prior^2) - D/2 log(2 pi prior^2) - log Z,
 *
 * z_i = (2 y_i - 1) x_i, and Z the probability of the observations. Z is the mean of the weights p / q of draws from q,
 * Student's t with 8 D degrees of freedom: its tails are longer than the prior's, which are the longest that the
 * posterior can have, so weights are bounded. Its centre and covariance are those of the posterior, as some rounds of
 * weighted draws find them, the first of Laplace's approximation; the draws of the estimate itself are new. They come
 * in pairs on either side of the centre, of which what is odd about it cancels.
 *
 * Observations are summed in LANES partial sums side by side, whatever the machine. */
#include "base/elementary.h"
#include "physics/target_private.h"

#include <stdlib.h>
#include <string.h>

enum { LANES = 8, SUB_TRUTH = 1, SUB_SAMPLE = 2 };
enum { NEWTON_STEPS = 200, ROUNDS = 8, BLOCK_LEAST = 256, BLOCK_MOST = 4096, BLOCKS_LEAST = 4 };
enum { FREEDOM = 8, DRAW_COST = 20 };
#define LOG_2 0.6931471805599453094
#define LOG_PI 1.1447298858494001741
#define GOOD_ERROR 1e-3 /* nat, of log Z: sampled until it is as small, */
#define WORK_MAX 6e7    /* or so many logistic functions have been evaluated; a coordinate of a draw counts DRAW_COST */
#define BOX_SIGMAS 6    /* the posterior is skewed */
#define GOOD_SHARE 0.9  /* of the draws of a round that are effectively there: enough of rounds; */
#define FAIR_SHARE 0.3  /* enough where there are too few draws to better the covariance by */

struct regression {
  int64_t blocks, padding; /* of LANES observations; those of the last block that are none */
  double *rows;            /* [blocks][D][LANES]: z_i, 0 where there is no observation */
  double precision;        /* of the prior */
  double log_constant;     /* of the prior, less log Z */
  double peak, far;        /* log density at the mode; depth below it beyond which nothing belongs to the mode */
  double mean[TARGET_DIMENSION_MAX], deviation[TARGET_DIMENSION_MAX];
};

typedef double matrix[TARGET_DIMENSION_MAX][TARGET_DIMENSION_MAX];

/* ---- observations ---- */

static double logistic(double margin) {
  const double e = elementary_exp(-fabs(margin));
  return (margin < 0 ? e : 1.0) / (1.0 + e);
}

static void make_observations(const struct target *target, struct regression *regression) {
  const int dimension = target->dimension;
  const int64_t observations = target->settings.observations;
  double truth[TARGET_DIMENSION_MAX], x[TARGET_DIMENSION_MAX];
  struct rng rng = rng_stream(target->seed, RNG_REGRESSION, 0, SUB_TRUTH);
  rng_normal(&rng, truth, dimension);
  for (int64_t i = 0; i < observations; i++) {
    double margin = 0;
    rng = rng_stream(target->seed, RNG_REGRESSION, (uint64_t)i, 0);
    x[0] = 1;
    rng_normal(&rng, x + 1, dimension - 1);
    for (int d = 0; d < dimension; d++) margin += target->settings.prior * truth[d] * x[d];
    const double sign = rng_uniform(&rng) < logistic(margin) ? 1 : -1;
    double *block = regression->rows + i / LANES * LANES * dimension;
    for (int d = 0; d < dimension; d++) block[d * LANES + i % LANES] = sign * x[d];
  }
}

static void margins(const double *block, int dimension, const double *b, double margin[LANES]) {
  for (int lane = 0; lane < LANES; lane++) margin[lane] = 0;
  for (int d = 0; d < dimension; d++)
    for (int lane = 0; lane < LANES; lane++) margin[lane] += b[d] * block[d * LANES + lane];
}

static double add_lanes(const double *part) {
  double sum = 0;
  for (int lane = 0; lane < LANES; lane++) sum += part[lane];
  return sum;
}

/* Less what log_density() takes off. What is no observation has the margin 0, and so the term -log 2. */
static double log_posterior(const struct target *target, const double *b) {
  const struct regression *regression = target->self;
  const int dimension = target->dimension;
  double part[LANES] = {0}, square = 0;
  for (int64_t i = 0; i < regression->blocks; i++) {
    double margin[LANES];
    margins(regression->rows + i * LANES * dimension, dimension, b, margin);
    for (int lane = 0; lane < LANES; lane++) {
      const double m = margin[lane];
      part[lane] += (m < 0 ? m : 0) - elementary_log(1.0 + elementary_exp(-fabs(m)));
    }
  }
  for (int d = 0; d < dimension; d++) square += b[d] * b[d];
  return add_lanes(part) + (double)regression->padding * LOG_2 - 0.5 * regression->precision * square;
}

static double log_density(const struct target *target, const double *x) {
  return log_posterior(target, x) + ((const struct regression *)target->self)->log_constant;
}

static void gradient(const struct target *target, const double *x, double *result) {
  const struct regression *regression = target->self;
  const int dimension = target->dimension;
  double part[TARGET_DIMENSION_MAX][LANES];
  memset(part, 0, sizeof part);
  for (int64_t i = 0; i < regression->blocks; i++) {
    const double *block = regression->rows + i * LANES * dimension;
    double margin[LANES], pull[LANES];
    margins(block, dimension, x, margin);
    for (int lane = 0; lane < LANES; lane++) pull[lane] = logistic(-margin[lane]);
    for (int d = 0; d < dimension; d++)
      for (int lane = 0; lane < LANES; lane++) part[d][lane] += pull[lane] * block[d * LANES + lane];
  }
  for (int d = 0; d < dimension; d++) result[d] = add_lanes(part[d]) - regression->precision * x[d];
}

/* Minus the second derivatives, lower triangle. */
static void curvature(const struct target *target, const double *x, matrix result) {
  const struct regression *regression = target->self;
  const int dimension = target->dimension;
  for (int d = 0; d < dimension; d++)
    for (int e = 0; e <= d; e++) result[d][e] = d == e ? regression->precision : 0;
  for (int64_t i = 0; i < regression->blocks; i++) {
    const double *block = regression->rows + i * LANES * dimension;
    double margin[LANES], weight[LANES], part[LANES];
    margins(block, dimension, x, margin);
    for (int lane = 0; lane < LANES; lane++) weight[lane] = logistic(margin[lane]) * logistic(-margin[lane]);
    for (int d = 0; d < dimension; d++)
      for (int e = 0; e <= d; e++) {
        for (int lane = 0; lane < LANES; lane++)
          part[lane] = weight[lane] * block[d * LANES + lane] * block[e * LANES + lane];
        result[d][e] += add_lanes(part);
      }
  }
}

/* ---- the mode ---- */

/* In place: the lower triangle becomes L with L L' the matrix. False where it is not positive definite. */
static bool factorize(int dimension, matrix a) {
  for (int d = 0; d < dimension; d++)
    for (int e = 0; e <= d; e++) {
      double sum = a[d][e];
      for (int k = 0; k < e; k++) sum -= a[d][k] * a[e][k];
      if (d == e && !(sum > 0)) return false;
      a[d][e] = d == e ? sqrt(sum) : sum / a[e][e];
    }
  return true;
}

/* x = L'^-1 b, in place. */
static void solve_upper(int dimension, matrix l, double *x) {
  for (int d = dimension - 1; d >= 0; d--) {
    for (int k = d + 1; k < dimension; k++) x[d] -= l[k][d] * x[k];
    x[d] /= l[d][d];
  }
}

static void solve_lower(int dimension, matrix l, double *x) {
  for (int d = 0; d < dimension; d++) {
    for (int k = 0; k < d; k++) x[d] -= l[d][k] * x[k];
    x[d] /= l[d][d];
  }
}

/* Newton's method, its step halved where it would lead down; the posterior is concave, so there is one mode. */
static enum status find_mode(const struct target *target, double *mode, matrix l) {
  const int dimension = target->dimension;
  double now = log_posterior(target, mode), slope = 1;
  for (int step = 0; step < NEWTON_STEPS && slope > 1e-20; step++) {
    double up[TARGET_DIMENSION_MAX], way[TARGET_DIMENSION_MAX], tried[TARGET_DIMENSION_MAX];
    gradient(target, mode, up);
    curvature(target, mode, l);
    REQUIRE(factorize(dimension, l), STATUS_NUMERIC, "the posterior of the regression has no mode");
    memcpy(way, up, sizeof way);
    solve_lower(dimension, l, way);
    solve_upper(dimension, l, way);
    slope = 0;
    for (int d = 0; d < dimension; d++) slope += up[d] * way[d];
    double length = 1, then = now;
    for (int halving = 0; halving < 60; halving++, length *= 0.5) {
      for (int d = 0; d < dimension; d++) tried[d] = mode[d] + length * way[d];
      then = log_posterior(target, tried);
      if (then >= now - 1e-12 * fabs(now)) break;
    }
    memcpy(mode, tried, (size_t)dimension * sizeof *mode);
    now = then;
  }
  REQUIRE(slope <= 1e-12, STATUS_NUMERIC, "the mode of the posterior of the regression was not found");
  curvature(target, mode, l);
  REQUIRE(factorize(dimension, l), STATUS_NUMERIC, "the posterior of the regression has no mode");
  return STATUS_OK;
}

/* ---- the normaliser ---- */

/* Weights are relative to the unnormalised posterior at the mode over q at its centre. */
struct sampling {
  double center[TARGET_DIMENSION_MAX];
  matrix covariance, factor; /* L L' */
  int freedom;
  double log_peak; /* log of the unnormalised posterior at the mode */
  int64_t pair;    /* the next one */
  /* Of the pairs since sampling_clear(): how many, sums of their mean weights and of the squares; of the single draws
   * the squares of the weights, and weighted sums of distances from the centre and of their products. */
  double pairs, sum, square, single, shift[TARGET_DIMENSION_MAX];
  matrix product;
  struct target_levels levels;
};

static void clear(struct sampling *sampling) {
  sampling->pairs = sampling->sum = sampling->square = sampling->single = 0;
  memset(sampling->shift, 0, sizeof sampling->shift);
  memset(sampling->product, 0, sizeof sampling->product);
  memset(&sampling->levels, 0, sizeof sampling->levels);
}

/* log Gamma(twice / 2). */
static double log_gamma(int twice) {
  double value = twice % 2 ? 0.5 * LOG_PI : 0;
  for (int k = twice % 2 ? 1 : 2; k < twice; k += 2) value += elementary_log(0.5 * k);
  return value;
}

/* log of the density of q at its centre. */
static double log_center(const struct sampling *sampling, int dimension) {
  const int freedom = sampling->freedom;
  double value =
      log_gamma(freedom + dimension) - log_gamma(freedom) - 0.5 * dimension * (elementary_log(freedom) + LOG_PI);
  for (int d = 0; d < dimension; d++) value -= elementary_log(sampling->factor[d][d]);
  return value;
}

static void weigh(struct sampling *sampling, int dimension, const double *way, double weight) {
  sampling->single += weight * weight;
  for (int d = 0; d < dimension; d++) {
    sampling->shift[d] += weight * way[d];
    for (int e = 0; e <= d; e++) sampling->product[d][e] += weight * way[d] * way[e];
  }
}

/* One pair of draws: t = normal / sqrt(chi^2 / freedom), and center +- L t. */
static void sample_pair(const struct target *target, struct sampling *sampling) {
  const int dimension = target->dimension, freedom = sampling->freedom;
  struct rng rng = rng_stream(target->seed, RNG_REGRESSION, (uint64_t)sampling->pair++, SUB_SAMPLE);
  double t[TARGET_DIMENSION_MAX], way[TARGET_DIMENSION_MAX], x[TARGET_DIMENSION_MAX], chi = 0, square = 0, both = 0;
  rng_normal(&rng, t, dimension);
  for (int k = 0; k < freedom / 2; k++) chi -= 2 * elementary_log(rng_uniform(&rng));
  const double scale = sqrt(freedom / chi);
  for (int d = 0; d < dimension; d++) {
    t[d] *= scale;
    square += t[d] * t[d];
    way[d] = 0;
    for (int e = 0; e <= d; e++) way[d] += sampling->factor[d][e] * t[e];
  }
  const double tail = 0.5 * (freedom + dimension) * elementary_log(1 + square / freedom); /* log q is less by this */
  for (int side = 0; side < 2; side++) {
    for (int d = 0; d < dimension; d++) {
      way[d] = -way[d];
      x[d] = sampling->center[d] + way[d];
    }
    const double depth = sampling->log_peak - log_posterior(target, x), weight = elementary_exp(tail - depth);
    both += 0.5 * weight;
    target_levels_add(&sampling->levels, depth, weight);
    weigh(sampling, dimension, way, weight);
  }
  sampling->sum += both;
  sampling->square += both * both;
  sampling->pairs += 1;
}

/* Standard error of the log of the mean weight. */
static double error_of(const struct sampling *sampling) {
  const double n = sampling->pairs, mean = sampling->sum / n;
  const double variance = (sampling->square - n * mean * mean) / (n - 1);
  return sqrt((variance > 0 ? variance : 0) / n) / mean;
}

/* How many equal weights have the spread of these. */
static double effective(const struct sampling *sampling) {
  return 4 * sampling->sum * sampling->sum / sampling->single;
}

/* The centre and covariance of the weighted draws, each as far as there are effectively more draws than it has numbers:
 * a covariance of few draws is worse than Laplace's. */
static bool adapt(struct sampling *sampling, int dimension) {
  const double weights = 2 * sampling->sum, count = effective(sampling);
  const double to_center = count / (count + 4 * dimension), to_covariance = count / (count + dimension * dimension);
  if (!(count > 0)) return false;
  for (int d = 0; d < dimension; d++) sampling->shift[d] /= weights;
  for (int d = 0; d < dimension; d++) {
    for (int e = 0; e <= d; e++) {
      const double now = sampling->product[d][e] / weights - sampling->shift[d] * sampling->shift[e];
      sampling->covariance[d][e] += to_covariance * (now - sampling->covariance[d][e]);
    }
    sampling->center[d] += to_center * sampling->shift[d];
  }
  memcpy(sampling->factor, sampling->covariance, sizeof sampling->factor);
  return factorize(dimension, sampling->factor);
}

/* The inverse of the curvature, of which L is given. */
static void invert(int dimension, matrix l, matrix inverse) {
  for (int d = 0; d < dimension; d++) {
    double column[TARGET_DIMENSION_MAX] = {0};
    column[d] = 1;
    solve_lower(dimension, l, column);
    solve_upper(dimension, l, column);
    for (int e = 0; e < dimension; e++) inverse[e][d] = column[e];
  }
}

static enum status sample(const struct target *target, struct sampling *sampling) {
  const int dimension = target->dimension;
  const double cost = (double)(((const struct regression *)target->self)->blocks * LANES + DRAW_COST * dimension);
  int64_t block = (int64_t)(WORK_MAX / 20 / cost);
  if (block < BLOCK_LEAST) block = BLOCK_LEAST;
  if (block > BLOCK_MOST) block = BLOCK_MOST;
  matrix curved;
  TRY(find_mode(target, sampling->center, curved));
  invert(dimension, curved, sampling->covariance);
  memcpy(sampling->factor, sampling->covariance, sizeof sampling->factor);
  bool good = factorize(dimension, sampling->factor);
  sampling->log_peak = log_posterior(target, sampling->center);
  sampling->freedom = FREEDOM * dimension;
  for (int round = 0; round < ROUNDS && good; round++) {
    for (int64_t i = 0; i < block; i++) sample_pair(target, sampling);
    const double count = effective(sampling), share = count / (2 * (double)block);
    const bool few = count < 2 * dimension * dimension && share > FAIR_SHARE;
    if (!few) good = adapt(sampling, dimension);
    clear(sampling);
    if (few || share >= GOOD_SHARE) break;
  }
  double error = good ? 1 : (double)NAN;
  for (int blocks = 0; error > GOOD_ERROR; blocks++) {
    if (blocks >= BLOCKS_LEAST && 2 * (double)sampling->pair * cost >= WORK_MAX) break;
    for (int64_t i = 0; i < block; i++) sample_pair(target, sampling);
    error = blocks + 1 < BLOCKS_LEAST ? 1 : error_of(sampling);
  }
  REQUIRE(isfinite(error), STATUS_NUMERIC,
          "the normaliser of the posterior cannot be estimated: too few observations for so wide a prior");
  return STATUS_OK;
}

static enum status estimate(struct target *target, struct sampling *sampling) {
  struct regression *regression = target->self;
  TRY(sample(target, sampling));
  const double weights = 2 * sampling->sum;
  for (int d = 0; d < target->dimension; d++) {
    const double shift = sampling->shift[d] / weights, square = sampling->product[d][d] / weights;
    regression->mean[d] = sampling->center[d] + shift;
    regression->deviation[d] = sqrt(square - shift * shift);
  }
  /* The prior's own constant is in Z too, and cancels. */
  regression->log_constant =
      log_center(sampling, target->dimension) - sampling->log_peak - elementary_log(sampling->sum / sampling->pairs);
  regression->peak = sampling->log_peak + regression->log_constant;
  regression->far = target_levels_far(&sampling->levels);
  target->normaliser_error = error_of(sampling);
  return STATUS_OK;
}

static enum status open(struct target *target) {
  const int64_t observations = target->settings.observations, blocks = (observations + LANES - 1) / LANES;
  struct regression *regression = calloc(1, sizeof *regression);
  REQUIRE(regression, STATUS_MEMORY, "out of memory for a regression");
  target->self = regression;
  target->modes = 1;
  regression->blocks = blocks;
  regression->padding = blocks * LANES - observations;
  regression->precision = 1 / (target->settings.prior * target->settings.prior);
  regression->rows = calloc((size_t)(blocks * LANES * target->dimension), sizeof *regression->rows);
  struct sampling *sampling = calloc(1, sizeof *sampling);
  enum status status = STATUS_OK;
  if (!regression->rows || !sampling) {
    status = status_raise(STATUS_MEMORY, "out of memory for a regression");
  } else {
    make_observations(target, regression);
    status = estimate(target, sampling);
  }
  free(sampling);
  return status;
}

static void close(struct target *target) {
  struct regression *regression = target->self;
  if (regression) free(regression->rows);
}

/* ---- what else is known ---- */

static int mode(const struct target *target, const double *x) {
  const struct regression *regression = target->self;
  return regression->peak - log_density(target, x) <= regression->far ? 0 : -1;
}

static void box(const struct target *target, double *lower, double *upper) {
  const struct regression *regression = target->self;
  for (int d = 0; d < target->dimension; d++) {
    lower[d] = regression->mean[d] - BOX_SIGMAS * regression->deviation[d];
    upper[d] = regression->mean[d] + BOX_SIGMAS * regression->deviation[d];
  }
}

const struct target_kind target_logistic = {
    .open = open, .log_density = log_density, .gradient = gradient, .mode = mode, .box = box, .close = close};
