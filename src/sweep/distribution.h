/* The distributions of a sweep's parameters: the 18 of Weights & Biases' schema
 * (https://github.com/wandb/sweeps, src/sweeps/config/schema.json, and the "sweep configuration" page of its docs).
 *
 * A distribution is its quantile function: a number u in (0, 1) to a value, so that random, quasi-random and stratified
 * methods share one definition. The functions are our own (elementary.h, written order of operations): the same bits on
 * every machine.
 *
 *   constant                       value
 *   categorical                    values[floor(u count)]
 *   categorical_w_probabilities    values by `probabilities`, which are scaled to add up to 1
 *   int_uniform                    min + floor(u (max - min + 1)): both ends can come
 *   uniform                        min + u (max - min)
 *   log_uniform                    exp(min + u (max - min)): the bounds are natural exponents
 *   log_uniform_values             the same of ln min and ln max: the bounds are values, min > 0
 *   inv_log_uniform                1/X for X log_uniform with these exponents, so from exp(-max) to exp(-min)
 *   inv_log_uniform_values         1/X for X log_uniform_values between 1/max and 1/min, so from min to max: the same
 *                                  numbers as log_uniform_values
 *   normal, log_normal             mu + sigma z, its exp; z the standard normal quantile (AS 241, Wichura 1988)
 *   beta                           quantile of Beta(a, b)
 *   q_...                          round(X / q) q of the distribution without q_, half to even; by least and most the
 *                                  multiples of q nearest to the ends may lie outside of them, as in W&B
 *
 * Quantiles ascend with u, also those of the inverse ones, to rounding; and lie between the ends exactly. -0 never
 * comes.
 *
 * Not collective.
 */
#ifndef HGN_SWEEP_DISTRIBUTION_H
#define HGN_SWEEP_DISTRIBUTION_H

#include <stdbool.h>
#include <stdint.h>

/* X(NAME, "name in the file") */
#define DISTRIBUTION_LIST(X)                                                                                           \
  X(CONSTANT, "constant")                                                                                              \
  X(CATEGORICAL, "categorical")                                                                                        \
  X(CATEGORICAL_W_PROBABILITIES, "categorical_w_probabilities")                                                        \
  X(INT_UNIFORM, "int_uniform")                                                                                        \
  X(UNIFORM, "uniform")                                                                                                \
  X(Q_UNIFORM, "q_uniform")                                                                                            \
  X(LOG_UNIFORM, "log_uniform")                                                                                        \
  X(LOG_UNIFORM_VALUES, "log_uniform_values")                                                                          \
  X(Q_LOG_UNIFORM, "q_log_uniform")                                                                                    \
  X(Q_LOG_UNIFORM_VALUES, "q_log_uniform_values")                                                                      \
  X(INV_LOG_UNIFORM, "inv_log_uniform")                                                                                \
  X(INV_LOG_UNIFORM_VALUES, "inv_log_uniform_values")                                                                  \
  X(NORMAL, "normal")                                                                                                  \
  X(Q_NORMAL, "q_normal")                                                                                              \
  X(LOG_NORMAL, "log_normal")                                                                                          \
  X(Q_LOG_NORMAL, "q_log_normal")                                                                                      \
  X(BETA, "beta")                                                                                                      \
  X(Q_BETA, "q_beta")

enum distribution_kind {
#define DISTRIBUTION_ENUM(name, text) DISTRIBUTION_##name,
  DISTRIBUTION_LIST(DISTRIBUTION_ENUM)
#undef DISTRIBUTION_ENUM
      DISTRIBUTION_COUNT
};

struct distribution {
  enum distribution_kind kind;
  double least, most; /* min, max */
  double mu, sigma;
  double a, b; /* beta */
  double q;
  int64_t count;             /* of choices: categorical, categorical_w_probabilities, constant (1) */
  const double *probability; /* [count], adding up to 1 to rounding; NULL: all alike; borrowed */
};

const char *distribution_name(enum distribution_kind kind);

/* Whether values are choices, so that a quantile is the index of one. */
bool distribution_is_choice(enum distribution_kind kind);

/* Whether values are multiples of q. */
bool distribution_is_quantised(enum distribution_kind kind);

/* u in (0, 1) to a value: the index of a choice, a whole number of int_uniform, else a real. What is not finite
 * (normal's far tails are; exp may overflow) is the caller's to refuse. */
double distribution_quantile(const struct distribution *distribution, double u);

/* k of the last u = (k + 1/2) 2^-52 whose quantile is below `value`, or, with or_equal, not above it; 0 if there is
 * none. By halving: some 50 quantiles. */
int64_t distribution_last(const struct distribution *distribution, double value, bool or_equal);

/* The middle of all u whose quantile is `value`: where a method that learns puts it in the unit interval. Of a value
 * that lies between two that can come, the jump; below or above all of them 2^-53 or 1 - 2^-53. By halving, so that
 * there is one definition, the quantile: some 100 of them. NaN of NaN. */
double distribution_coordinate(const struct distribution *distribution, double value);

/* The least and the largest of the numbers that can come, or that rounding to q makes of the ends; infinities where
 * there are none, as of normal. */
void distribution_ends(const struct distribution *distribution, double *least, double *most);

/* How many different values there are; -1: a continuum, more than 2^53, or whole numbers (multiples) beyond 2^53, which
 * f64 cannot count. Choices of probability 0 count, and so do values that hardly ever come, such as the ends of
 * q_beta. */
int64_t distribution_values(const struct distribution *distribution);

/* The `index`-th of them, 0 <= index < distribution_values(): choices in their order, numbers ascending. What grid goes
 * through. */
double distribution_value(const struct distribution *distribution, int64_t index);

/* Quantiles of the standard normal distribution, to 1e-15, and of Beta(a, b), to 1e-11, both relative, where a and b
 * are between 0.01 and 10,000. Of u outside (0, 1): NaN. */
double distribution_normal(double u);
double distribution_beta(double a, double b, double u);

#endif
