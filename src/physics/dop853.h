/* Private to src/physics: the explicit Runge-Kutta method of order 8 of Dormand and Prince as given by Hairer, Norsett
 * and Wanner, Solving Ordinary Differential Equations I, second edition, II.5 and II.10 (code DOP853),
 * without dense output.
 *
 * Not collective, no allocation.
 */
#ifndef HGN_PHYSICS_DOP853_H
#define HGN_PHYSICS_DOP853_H

#include "physics/system.h"

enum { DOP853_ORDER = 8 };

/* next[2 D] = the state one step of size h (s) after `state`, whose field is rate[2 D]. next may be state.
 *
 * Returns the estimated local error in units of the tolerance, II.10 (10.17), (10.20): a weighted combination
 * h e5^2 / sqrt(e5^2 + 0.01 e3^2) of embedded errors of orders 5 and 3 in the root mean square norm with
 * scale_i = tolerance (1 + max(|state_i|, |next_i|)). */
double dop853_step(const struct system *system, const struct system_parameters *parameters, double h, double tolerance,
                   const double *state, const double *rate, double *next);

/* The same, to the same bits, for SYSTEM_LANES states side by side, each with its own step: h[lane],
 * state[c * SYSTEM_LANES + lane], rate and next likewise, error[lane]. */
void dop853_step_lanes(const struct system *system, const struct system_parameters *parameters, const double *h,
                       double tolerance, const double *state, const double *rate, double *next, double *error);

/* A first step (s, positive) from `state` with field `rate`, II.4: so that an explicit Euler step changes the
 * state by about 1%, and that the estimated derivatives times h^8 stay below 0.01. */
double dop853_first(const struct system *system, const struct system_parameters *parameters, double tolerance,
                    const double *state, const double *rate);

#endif
