#include "analysis/polynomial.h"

#include <math.h>
#include <string.h>

int64_t polynomial_count(int64_t variables, int order) {
  int64_t count = 1;
  for (int i = 1; i <= order; i++) {
    if (variables > INT32_MAX || count > INT64_MAX / (variables + i)) return -1;
    count = count * (variables + i) / i; /* (variables + i choose i): a whole number at each step */
  }
  return count <= INT32_MAX ? count : -1;
}

/* Terms of one order after those of lower ones, of which order d starts at first[d]. */
static void list_order(struct polynomial *polynomial, int order, const int64_t *first, int64_t *at) {
  for (int32_t v = 0; v < polynomial->variables; v++)
    for (int power = order; power > 0; power--)
      for (int64_t b = first[order - power]; b < first[order - power + 1]; b++) {
        if (polynomial->variable[b] >= v) continue;
        polynomial->base[*at] = (int32_t)b;
        polynomial->variable[*at] = v;
        polynomial->power[*at] = (int8_t)power;
        ++*at;
      }
}

enum status polynomial_open(int64_t variables, int order, enum polynomial_kind kind, struct polynomial *polynomial) {
  const int64_t count = polynomial_count(variables, order);
  struct arena arena = {.last = NULL};
  int64_t first[POLYNOMIAL_ORDER_MAX + 2] = {0, 1}, at = 1;
  REQUIRE(count > 0 && order >= 1 && order <= POLYNOMIAL_ORDER_MAX && variables >= 1, STATUS_ARGUMENT,
          "a polynomial of order %d in %lld variables", order, (long long)variables);
  *polynomial = (struct polynomial){.kind = kind,
                                    .variables = variables,
                                    .count = count,
                                    .order = order,
                                    .base = arena_array(&arena, count, sizeof(int32_t)),
                                    .variable = arena_array(&arena, count, sizeof(int32_t)),
                                    .power = arena_array(&arena, count, sizeof(int8_t)),
                                    .table = arena_array(&arena, variables * (order + 1), sizeof(double))};
  polynomial->arena = arena;
  TRY(arena_check(&arena, "the terms of a polynomial"));
  polynomial->variable[0] = -1;
  for (int d = 1; d <= order; d++) {
    list_order(polynomial, d, first, &at);
    first[d + 1] = at;
  }
  return STATUS_OK;
}

void polynomial_close(struct polynomial *polynomial) { arena_free(&polynomial->arena); }

void polynomial_features(const struct polynomial *polynomial, const double *x, double *term) {
  const int width = polynomial->order + 1;
  const bool hermite = polynomial->kind == POLYNOMIAL_HERMITE;
  for (int64_t v = 0; v < polynomial->variables; v++) {
    double *power = polynomial->table + v * width;
    power[0] = 1;
    power[1] = x[v];
    for (int n = 1; n < polynomial->order; n++)
      power[n + 1] = hermite ? (x[v] * power[n] - sqrt(n) * power[n - 1]) / sqrt(n + 1) : x[v] * power[n];
  }
  term[0] = 1;
  for (int64_t i = 1; i < polynomial->count; i++)
    term[i] = term[polynomial->base[i]] * polynomial->table[polynomial->variable[i] * width + polynomial->power[i]];
}

static double raise(double x, int power) {
  double value = 1;
  for (int i = 0; i < power; i++) value *= x;
  return value;
}

void polynomial_gradient(const struct polynomial *polynomial, const double *weight, const double *x, double *gradient) {
  memset(gradient, 0, (size_t)polynomial->variables * sizeof *gradient);
  for (int64_t i = 1; i < polynomial->count; i++) {
    if (!(fabs(weight[i]) > 0)) continue;
    for (int64_t t = i; t > 0; t = polynomial->base[t]) {
      const int n = polynomial->power[t];
      double product = weight[i] * n * raise(x[polynomial->variable[t]], n - 1);
      for (int64_t other = i; other > 0; other = polynomial->base[other])
        if (other != t) product *= raise(x[polynomial->variable[other]], polynomial->power[other]);
      gradient[polynomial->variable[t]] += product;
    }
  }
}
