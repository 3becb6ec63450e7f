/* The objective of `model: {name: synthetic}`: a function of two numbers in the place of a training, so that sweeps can
 * be rehearsed, tested and timed without one.
 *
 * At step s = 1, 2, ... the loss is f(x, y) + 1/s + noise N(0, 1), the last by (seed, s, x, y). Functions and their
 * minima: SYNTHETIC_LIST (config/training.h). Arithmetic is our own: the same bits on every machine.
 */
#ifndef HGN_SWEEP_SYNTHETIC_H
#define HGN_SWEEP_SYNTHETIC_H

#include "config/experiment.h"

#define SYNTHETIC_SCORE "loss"

/* Not collective. The loss at a step. */
double synthetic_loss(const struct experiment *experiment, int64_t step);

/* Not collective. f(x, y). */
double synthetic_value(enum synthetic_kind function, double x, double y);

#endif
