/* What tests/peer/sweep_scipy.py compares, a line each, numbers in hexadecimal:
 *   quantile NAME LEAST MOST MU SIGMA A B Q COUNT U VALUE       categorical_w_probabilities has 1/10 .. 4/10
 *   sobol DIMENSION INDEX POINT                                 the point as a fraction */
#include "sweep/distribution.h"
#include "sweep/sobol.h"

#include <stddef.h>
#include <stdio.h>

static const double probability[] = {0.1, 0.2, 0.3, 0.4};

static const struct distribution distributions[] = {
    {.kind = DISTRIBUTION_CONSTANT, .count = 1},
    {.kind = DISTRIBUTION_CATEGORICAL, .count = 7},
    {.kind = DISTRIBUTION_CATEGORICAL_W_PROBABILITIES, .count = 4, .probability = probability},
    {.kind = DISTRIBUTION_INT_UNIFORM, .least = -3, .most = 12},
    {.kind = DISTRIBUTION_INT_UNIFORM, .least = 1, .most = 1000003},
    {.kind = DISTRIBUTION_UNIFORM, .least = 1, .most = 3},
    {.kind = DISTRIBUTION_UNIFORM, .least = -1e-3, .most = 1e6},
    {.kind = DISTRIBUTION_Q_UNIFORM, .least = -1, .most = 2, .q = 0.1},
    {.kind = DISTRIBUTION_Q_UNIFORM, .least = 0.3, .most = 99, .q = 4},
    {.kind = DISTRIBUTION_LOG_UNIFORM, .least = -9, .most = 2},
    {.kind = DISTRIBUTION_LOG_UNIFORM_VALUES, .least = 1e-6, .most = 0.1},
    {.kind = DISTRIBUTION_Q_LOG_UNIFORM, .least = -1, .most = 5, .q = 0.25},
    {.kind = DISTRIBUTION_Q_LOG_UNIFORM_VALUES, .least = 8, .most = 1024, .q = 8},
    {.kind = DISTRIBUTION_INV_LOG_UNIFORM, .least = -2, .most = 9},
    {.kind = DISTRIBUTION_INV_LOG_UNIFORM_VALUES, .least = 1e-6, .most = 0.1},
    {.kind = DISTRIBUTION_NORMAL, .mu = 0, .sigma = 1},
    {.kind = DISTRIBUTION_NORMAL, .mu = 0, .sigma = 0.03},
    {.kind = DISTRIBUTION_Q_NORMAL, .mu = 5, .sigma = 4, .q = 0.5},
    {.kind = DISTRIBUTION_LOG_NORMAL, .mu = -7, .sigma = 1.5},
    {.kind = DISTRIBUTION_Q_LOG_NORMAL, .mu = 3, .sigma = 1, .q = 2},
    {.kind = DISTRIBUTION_Q_BETA, .a = 2, .b = 5, .q = 0.05},
    {.kind = DISTRIBUTION_Q_BETA, .a = 0.5, .b = 0.5, .q = 0.3},
};

/* Down to what a coordinate of 52 bits can be, and up. */
static const double tail[] = {0x1p-53, 1e-12, 1e-6, 1e-4, 1e-3, 0.01, 0.02425, 0.05, 0.074999, 0.075001};
enum { TAIL = sizeof tail / sizeof *tail, MIDDLE = 37 };

static void write(const struct distribution *distribution, double u) {
  const struct distribution *d = distribution;
  printf("quantile %s %a %a %a %a %a %a %a %lld %a %a\n", distribution_name(d->kind), d->least, d->most, d->mu,
         d->sigma, d->a, d->b, d->q, (long long)d->count, u, distribution_quantile(d, u));
}

static void write_all(const struct distribution *distribution) {
  for (int i = 0; i < TAIL; i++) write(distribution, tail[i]);
  for (int i = 1; i < MIDDLE; i++) write(distribution, (double)i / MIDDLE);
  for (int i = 0; i < TAIL; i++) write(distribution, 1.0 - tail[i]);
}

int main(void) {
  static const double shapes[] = {0.05, 0.3, 0.5, 1, 2, 3.7, 9.9, 10, 55, 1000};
  const int count = sizeof shapes / sizeof *shapes;
  for (size_t i = 0; i < sizeof distributions / sizeof *distributions; i++) write_all(&distributions[i]);
  for (int a = 0; a < count; a++)
    for (int b = 0; b < count; b++)
      write_all(&(struct distribution){.kind = DISTRIBUTION_BETA, .a = shapes[a], .b = shapes[b]});
  for (uint32_t index = 0; index < 1024; index++)
    for (int dimension = 0; dimension < SOBOL_DIMENSIONS; dimension++)
      printf("sobol %d %u %a\n", dimension, index, sobol_point(dimension, index) * 0x1p-32);
  /* Points further on, where high directions come in. */
  for (uint32_t index = 1; index < 1u << 20; index = 3 * index + 1)
    for (int dimension = 0; dimension < SOBOL_DIMENSIONS; dimension++)
      printf("sobol %d %u %a\n", dimension, index, sobol_point(dimension, index) * 0x1p-32);
  return 0;
}
