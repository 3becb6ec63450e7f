/* The mass on a spring, with and without friction. State (q, p); m `mass`, k `stiffness`, gamma `damping`.
 *
 * H = p^2 / 2m + k q^2 / 2, omega^2 = k / m.
 *
 * Friction is true friction, dp/dt = -k q - gamma p, under which H falls at the rate dH/dt = -gamma p^2 / m. The damped
 * system also has a Hamiltonian of its own, Caldirola and Kanai's e^{-gamma t} P^2 / 2m + e^{gamma t} k q^2 / 2 with P
 * = e^{gamma t} p; it depends on time and its P is not the momentum, so what is reported as energy is H above. (The
 * published text has the same sign in both exponents, which is an undamped oscillator on another clock.)
 */
#include "physics/systems.h"

struct energy spring_energy(const struct system_parameters *parameters, const double *state) {
  double q = state[0], p = state[1];
  return (struct energy){.kinetic = p * p / (2 * parameters->mass), .potential = 0.5 * parameters->stiffness * q * q};
}

void mass_spring_field(const struct system_parameters *parameters, const double *state, double *rate) {
  double q = state[0], p = state[1];
  rate[0] = p * (1 / parameters->mass); /* the quotient does not wait for p */
  rate[1] = -parameters->stiffness * q;
}

void damped_spring_field(const struct system_parameters *parameters, const double *state, double *rate) {
  double q = state[0], p = state[1];
  rate[0] = p * (1 / parameters->mass); /* the quotient does not wait for p */
  rate[1] = -parameters->stiffness * q - parameters->damping * p;
}

void spring_positions(const struct system_parameters *parameters, const double *q, double *xy) {
  (void)parameters;
  xy[0] = 0;
  xy[1] = q[0];
}
