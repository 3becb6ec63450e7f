/* The mass on a spring, with and without friction. State (q, p); m `mass`, k `stiffness`, gamma `damping`.
 *
 * H = p^2 / 2m + k q^2 / 2, omega^2 = k / m.
 *
 * Friction is true friction, dp/dt = -k q - gamma p, under which H falls at the rate dH/dt = -gamma p^2 / m. The damped
 * system also has a Hamiltonian of its own, Caldirola and Kanai's
 *   e^{-gamma t} P^2 / 2m + e^{gamma t} k q^2 / 2   with   P = e^{gamma t} p;
 * it depends on time and its P is not the momentum, so what is reported as energy is H above. (The published text has
 * the same sign in both exponents, which is an undamped oscillator on another clock.)
 */
#include "physics/systems.h"

struct energy spring_energy(const struct system_parameters *parameters, const double *state) {
  double q = state[0], p = state[1];
  return (struct energy){.kinetic = p * p / (2 * parameters->mass), .potential = 0.5 * parameters->stiffness * q * q};
}

/* dq/dt = p / m, dp/dt = -k q - gamma p. */
SYSTEM_RATE spring_rate(int lanes, const struct system_parameters *parameters, double damping,
                        const double *restrict state, double *restrict rate) {
  const double *q = state, *p = state + lanes;
  double inverse = 1 / parameters->mass; /* the quotient does not wait for p */
  for (int lane = 0; lane < lanes; lane++) {
    rate[lane] = p[lane] * inverse;
    rate[lanes + lane] = -parameters->stiffness * q[lane] - damping * p[lane];
  }
}

SYSTEM_RATE mass_spring_rate(int lanes, const struct system_parameters *parameters, const double *restrict state,
                             double *restrict rate) {
  spring_rate(lanes, parameters, 0, state, rate);
}
SYSTEM_FIELDS(mass_spring)

SYSTEM_RATE damped_spring_rate(int lanes, const struct system_parameters *parameters, const double *restrict state,
                               double *restrict rate) {
  spring_rate(lanes, parameters, parameters->damping, state, rate);
}
SYSTEM_FIELDS(damped_spring)

void spring_positions(const struct system_parameters *parameters, const double *q, double *xy) {
  (void)parameters;
  xy[0] = 0;
  xy[1] = q[0];
}
