/* Private to src/physics: samplers of initial conditions, shared by the systems.
 *
 * Not collective, no allocation, same bits on every machine.
 */
#ifndef HGN_PHYSICS_INITIAL_H
#define HGN_PHYSICS_INITIAL_H

#include "physics/system.h"

/* The unit vector that `u` stands for. Period 1 in u, continuous, and smooth except at the four corners of `square`.
 *   uniform: (cos 2 pi u, sin 2 pi u).
 *   square:  u runs along the border of [-1, 1]^2 at constant speed, from (1, -1) by (1, 1); the point is normalised.
 * The triangles between the centre and equal pieces of border have equal area, so for uniform u this is distributed as
 * the direction of a point uniform in the square. */
void initial_direction(enum direction_kind kind, double u, double direction[2]);

/* The initial state of a system of one degree of freedom as a function of two uniforms:
 * (q, p) = r direction(u_direction), r = radius[0] + u_radius (radius[1] - radius[0]). The prior of the information
 * limit is the unit square under this map, which inherits the smoothness of initial_direction()
 * and is linear in u_radius. */
void initial_phase(const struct initial_conditions *conditions, double u_direction, double u_radius, double *q,
                   double *p);

/* Draws system->uniforms uniforms, in their order, and places the initial state by them. */
void initial_draw(const struct system *system, const struct system_parameters *parameters,
                  const struct initial_conditions *conditions, struct rng *rng, double *state);

/* How far a number of struct system's `initial` can go outside the unit interval, which is the support of the data, and
 * still mean a state of its own: a radius to half the least one and, like all others, half the interval's width beyond.
 * Directions go round, and of what only a threshold matters nothing is outside: 0 and 1 for both. */
void initial_reach(const struct system *system, const struct initial_conditions *conditions, int number, double *low,
                   double *high);

/* struct system's `initial`. The uniforms, in this order:
 *   one_degree       u_direction, u_radius
 *   double_pendulum  u_direction, u_radius of (q_0, q_1), then the same of (p_0, p_1)
 *   bodies           u_direction, u_radius, u_flip, then one for x and y of the velocity of each body */
void initial_one_degree(const struct system_parameters *parameters, const struct initial_conditions *conditions,
                        const double *uniform, double *state);
void initial_double_pendulum(const struct system_parameters *parameters, const struct initial_conditions *conditions,
                             const double *uniform, double *state);
void initial_two_body(const struct system_parameters *parameters, const struct initial_conditions *conditions,
                      const double *uniform, double *state);
void initial_three_body(const struct system_parameters *parameters, const struct initial_conditions *conditions,
                        const double *uniform, double *state);

#endif
