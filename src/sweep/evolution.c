#include "sweep/evolution.h"

#include "base/elementary.h"
#include "base/matrix.h"

#include <string.h>

enum { SIZE = EVOLUTION_SIZE_MAX, LAMBDA = EVOLUTION_LAMBDA_MAX };

/* Table 1 of the tutorial. */
struct rates {
  double weight[LAMBDA]; /* by rank, the best first */
  double effective;      /* mu_eff */
  double rank_one, rank_mu, path, path_sigma, damping, expected;
};

/* Sum and sum of squares of the weights of ranks first..last-1. */
static double effective_of(const double *weight, int first, int last, double *sum) {
  double squares = 0.0;
  *sum = 0.0;
  for (int i = first; i < last; i++) {
    *sum += weight[i];
    squares += weight[i] * weight[i];
  }
  return squares > 0.0 ? *sum * *sum / squares : 0.0;
}

static void rates_of(int size, int lambda, struct rates *r) {
  const double n = size;
  const int best = lambda / 2;
  double positive, negative;
  for (int i = 0; i < lambda; i++) r->weight[i] = elementary_log(0.5 * (lambda + 1)) - elementary_log((double)(i + 1));
  const double effective = effective_of(r->weight, 0, best, &positive);
  const double opposed = effective_of(r->weight, best, lambda, &negative);
  r->effective = effective;
  r->rank_one = 2.0 / ((n + 1.3) * (n + 1.3) + effective);
  r->rank_mu = fmin(1.0 - r->rank_one, 2.0 * (effective - 2.0 + 1.0 / effective) / ((n + 2.0) * (n + 2.0) + effective));
  r->path = (4.0 + effective / n) / (n + 4.0 + 2.0 * effective / n);
  r->path_sigma = (effective + 2.0) / (n + effective + 5.0);
  r->damping = 1.0 + 2.0 * fmax(0.0, sqrt((effective - 1.0) / (n + 1.0)) - 1.0) + r->path_sigma;
  r->expected = sqrt(n) * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n));
  const double bound = fmin(fmin(1.0 + r->rank_one / r->rank_mu, 1.0 + 2.0 * opposed / (effective + 2.0)),
                            (1.0 - r->rank_one - r->rank_mu) / (n * r->rank_mu));
  for (int i = 0; i < lambda; i++)
    r->weight[i] = i < best ? r->weight[i] / positive : bound * r->weight[i] / fabs(negative);
}

int evolution_lambda(int size) { return 4 + (int)floor(3.0 * elementary_log((double)size)); }

static void axes_of(struct evolution *evolution) {
  const int n = evolution->size;
  double copy[SIZE * SIZE], value[SIZE];
  memcpy(copy, evolution->covariance, (size_t)(n * n) * sizeof *copy);
  matrix_jacobi(n, copy, value, evolution->axis);
  for (int i = 0; i < n; i++) evolution->length[i] = sqrt(fmax(value[i], 1e-30));
}

void evolution_begin(int size, int lambda, const double *mean, double sigma, struct evolution *evolution) {
  *evolution = (struct evolution){.size = size, .lambda = lambda, .sigma = sigma};
  memcpy(evolution->mean, mean, (size_t)size * sizeof *mean);
  for (int i = 0; i < size; i++) evolution->covariance[i * size + i] = 1.0;
  axes_of(evolution);
}

void evolution_sample(const struct evolution *evolution, const double *z, double *u) {
  const int n = evolution->size;
  double y[SIZE] = {0.0};
  for (int a = 0; a < n; a++)
    for (int i = 0; i < n; i++) y[i] += evolution->axis[a * n + i] * (evolution->length[a] * z[a]);
  for (int i = 0; i < n; i++) u[i] = evolution->mean[i] + evolution->sigma * y[i];
}

/* B D^-1 B^T y; returns the square of its length. */
static double whitened(const struct evolution *evolution, const double *y, double *out) {
  const int n = evolution->size;
  double white[SIZE] = {0.0};
  for (int a = 0; a < n; a++) {
    const double *axis = evolution->axis + a * n, along = matrix_dot(n, axis, y) / evolution->length[a];
    for (int i = 0; i < n; i++) white[i] += axis[i] * along;
  }
  memcpy(out, white, (size_t)n * sizeof *out);
  return matrix_dot(n, white, white);
}

static bool is_better(double a, double b) { return a < b || (isnan(b) && !isnan(a)); }

/* Of each sample the mean of the weights of the ranks that its equals have, the positive and the negative ones. */
static void share(int lambda, const double *weight, const double *value, double *positive, double *negative) {
  for (int i = 0; i < lambda; i++) {
    int better = 0, equal = 0;
    for (int j = 0; j < lambda; j++) {
      better += is_better(value[j], value[i]);
      equal += !is_better(value[j], value[i]) && !is_better(value[i], value[j]);
    }
    positive[i] = negative[i] = 0.0;
    for (int rank = better; rank < better + equal; rank++) {
      positive[i] += fmax(weight[rank], 0.0) / equal;
      negative[i] += fmin(weight[rank], 0.0) / equal;
    }
  }
}

static bool is_flat(int lambda, const double *value) {
  for (int i = 1; i < lambda; i++)
    if (is_better(value[0], value[i]) || is_better(value[i], value[0])) return false;
  return true;
}

static void limit_sigma(struct evolution *evolution) {
  evolution->sigma = fmin(evolution->sigma, 0.5 / evolution->length[evolution->size - 1]);
}

/* C = (1 + c_1 delta - c_1 - c_mu sum w) C + c_1 p_c p_c^T + c_mu sum w y y^T, delta being c_c (2 - c_c) where the path
 * was held. */
static void adapt(struct evolution *evolution, const struct rates *r, const double *y, const double *weight, double sum,
                  bool held) {
  const int n = evolution->size;
  const double delta = held ? r->path * (2.0 - r->path) : 0.0;
  const double keep = 1.0 + r->rank_one * delta - r->rank_one - r->rank_mu * sum;
  for (int i = 0; i < n; i++)
    for (int j = 0; j <= i; j++) {
      double entry = keep * evolution->covariance[i * n + j] + r->rank_one * evolution->path[i] * evolution->path[j];
      for (int k = 0; k < evolution->lambda; k++) entry += r->rank_mu * weight[k] * (y[k * n + i] * y[k * n + j]);
      evolution->covariance[i * n + j] = entry;
      evolution->covariance[j * n + i] = entry;
    }
  axes_of(evolution);
}

/* y of all samples, shortened, and the squares of their lengths. */
static void differences(const struct evolution *evolution, double *u, double *square) {
  const int n = evolution->size;
  const double most = sqrt((double)n) + 2.0 * n / (n + 2.0);
  double white[SIZE];
  for (int k = 0; k < evolution->lambda; k++) {
    double *y = u + k * n;
    for (int i = 0; i < n; i++) y[i] = (y[i] - evolution->mean[i]) / evolution->sigma;
    square[k] = whitened(evolution, y, white);
    if (!(square[k] > most * most)) continue;
    const double shorter = most / sqrt(square[k]);
    for (int i = 0; i < n; i++) y[i] *= shorter;
    square[k] = most * most;
  }
}

/* Evolution paths; whether p_c was held back, since sigma grows fast. */
static bool go_on_paths(struct evolution *evolution, const struct rates *r, const double *step, double *size) {
  const int n = evolution->size;
  const double gain = sqrt(r->path_sigma * (2.0 - r->path_sigma) * r->effective);
  double white[SIZE];
  (void)whitened(evolution, step, white);
  for (int i = 0; i < n; i++)
    evolution->path_sigma[i] = (1.0 - r->path_sigma) * evolution->path_sigma[i] + gain * white[i];
  *size = sqrt(matrix_dot(n, evolution->path_sigma, evolution->path_sigma));
  const double begun = 1.0 - elementary_pow(1.0 - r->path_sigma, 2.0 * ((double)evolution->groups + 1.0));
  const bool held = !(*size / sqrt(begun) < (1.4 + 2.0 / (n + 1.0)) * r->expected);
  const double push = held ? 0.0 : sqrt(r->path * (2.0 - r->path) * r->effective);
  for (int i = 0; i < n; i++) evolution->path[i] = (1.0 - r->path) * evolution->path[i] + push * step[i];
  return held;
}

void evolution_update(struct evolution *evolution, double *u, const double *value) {
  const int n = evolution->size, lambda = evolution->lambda;
  evolution->flat = is_flat(lambda, value) ? evolution->flat + 1 : 0;
  if (evolution->flat > 0) {
    evolution->sigma *= elementary_exp(0.2);
    limit_sigma(evolution);
    return;
  }
  struct rates r;
  double positive[LAMBDA], negative[LAMBDA], square[LAMBDA], step[SIZE] = {0.0}, size, sum = 0.0;
  rates_of(n, lambda, &r);
  share(lambda, r.weight, value, positive, negative);
  differences(evolution, u, square);
  for (int k = 0; k < lambda; k++)
    for (int i = 0; i < n; i++) step[i] += positive[k] * u[k * n + i];
  const bool held = go_on_paths(evolution, &r, step, &size);
  for (int i = 0; i < n; i++) evolution->mean[i] += evolution->sigma * step[i];
  for (int k = 0; k < lambda; k++) {
    sum += positive[k] + negative[k];
    positive[k] += square[k] > 0.0 ? negative[k] * n / square[k] : 0.0;
  }
  adapt(evolution, &r, u, positive, sum, held);
  evolution->sigma *= elementary_exp(fmin(1.0, r.path_sigma / r.damping * (size / r.expected - 1.0)));
  limit_sigma(evolution);
  evolution->groups += 1;
}

bool evolution_degenerate(const struct evolution *evolution) {
  const double longest = evolution->length[evolution->size - 1];
  return !(evolution->sigma * longest >= 1e-8) || longest > 1e7 * evolution->length[0] ||
         evolution->flat >= EVOLUTION_FLAT_MAX;
}
