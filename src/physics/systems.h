/* Private to src/physics: the functions that the table of system.c is made of. Contracts: system.h, struct system. */
#ifndef HGN_PHYSICS_SYSTEMS_H
#define HGN_PHYSICS_SYSTEMS_H

#include "physics/system.h"

/* A field is written once, as NAME_rate(lanes, parameters, state, rate) over states side by side, state[c * lanes +
 * lane]; this makes the two functions of the table of it, with a constant `lanes` each, so that the loops vanish in one
 * and vectorise in the other. */
#if defined(__GNUC__)
#define SYSTEM_RATE static inline __attribute__((always_inline)) void
#else
#define SYSTEM_RATE static inline void
#endif
#define SYSTEM_FIELDS(name)                                                                                            \
  void name##_field(const struct system_parameters *parameters, const double *restrict state, double *restrict rate) { \
    name##_rate(1, parameters, state, rate);                                                                           \
  }                                                                                                                    \
  void name##_field_lanes(const struct system_parameters *parameters, const double *restrict state,                    \
                          double *restrict rate) {                                                                     \
    name##_rate(SYSTEM_LANES, parameters, state, rate);                                                                \
  }

/* oscillators.c */
struct energy spring_energy(const struct system_parameters *parameters, const double *state);
void mass_spring_field(const struct system_parameters *parameters, const double *state, double *rate);
void mass_spring_field_lanes(const struct system_parameters *parameters, const double *state, double *rate);
void damped_spring_field(const struct system_parameters *parameters, const double *state, double *rate);
void damped_spring_field_lanes(const struct system_parameters *parameters, const double *state, double *rate);
void spring_positions(const struct system_parameters *parameters, const double *q, double *xy);

/* pendulums.c */
struct energy pendulum_energy(const struct system_parameters *parameters, const double *state);
void pendulum_field(const struct system_parameters *parameters, const double *state, double *rate);
void pendulum_field_lanes(const struct system_parameters *parameters, const double *state, double *rate);
void pendulum_positions(const struct system_parameters *parameters, const double *q, double *xy);
struct energy double_pendulum_energy(const struct system_parameters *parameters, const double *state);
void double_pendulum_field(const struct system_parameters *parameters, const double *state, double *rate);
void double_pendulum_field_lanes(const struct system_parameters *parameters, const double *state, double *rate);
void double_pendulum_positions(const struct system_parameters *parameters, const double *q, double *xy);

/* gravity.c */
struct energy two_body_energy(const struct system_parameters *parameters, const double *state);
void two_body_field(const struct system_parameters *parameters, const double *state, double *rate);
void two_body_field_lanes(const struct system_parameters *parameters, const double *state, double *rate);
void two_body_positions(const struct system_parameters *parameters, const double *q, double *xy);
struct energy three_body_energy(const struct system_parameters *parameters, const double *state);
void three_body_field(const struct system_parameters *parameters, const double *state, double *rate);
void three_body_field_lanes(const struct system_parameters *parameters, const double *state, double *rate);
void three_body_positions(const struct system_parameters *parameters, const double *q, double *xy);

#endif
