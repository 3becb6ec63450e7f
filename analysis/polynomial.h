/* Polynomials of several variables: all products of powers up to a total order, as features of a fit.
 *
 * Terms are in graded order, the constant 1 first, then the variables themselves. Either the terms are monomials, or in
 * the place of each power x^n stands He_n(x) / sqrt(n!), the normalised Hermite polynomial (He_1 = x,
 * He_{n+1} = x He_n - n He_{n-1}): of independent normal variables these have variance 1 and no correlation.
 *
 * All functions: Not collective.
 */
#ifndef HGN_ANALYSIS_POLYNOMIAL_H
#define HGN_ANALYSIS_POLYNOMIAL_H

#include "base/arena.h"

enum polynomial_kind { POLYNOMIAL_MONOMIAL, POLYNOMIAL_HERMITE };

enum { POLYNOMIAL_ORDER_MAX = 8 };

/* Term i is term base[i], in which later variables do not stand, times variable[i] to the power[i]. */
struct polynomial {
  enum polynomial_kind kind;
  int64_t variables, count; /* of terms, the constant too */
  int order;
  int32_t *base, *variable; /* [count] */
  int8_t *power;            /* [count] */
  double *table;            /* [variables][order + 1]: work space */
  struct arena arena;
};

/* Terms of `variables` variables up to an order: (variables + order)! / variables! order!; -1: more than an int32. */
int64_t polynomial_count(int64_t variables, int order);

/* 1 <= order <= POLYNOMIAL_ORDER_MAX. STATUS_MEMORY. Closed with polynomial_close(), which accepts one that is zeroed.
 * */
enum status polynomial_open(int64_t variables, int order, enum polynomial_kind kind, struct polynomial *polynomial);
void polynomial_close(struct polynomial *polynomial);

/* term[count] at x[variables]. */
void polynomial_features(const struct polynomial *polynomial, const double *x, double *term);

/* Of monomials: gradient[variables] of sum_i weight[i] term_i at x. */
void polynomial_gradient(const struct polynomial *polynomial, const double *weight, const double *x, double *gradient);

#endif
