/* Two and three equal masses in the plane under Newton's law, not softened.
 *
 * H = sum_i |p_i|^2 / 2m - sum_{i<j} G m^2 / |q_i - q_j|. q holds x, y of body 0, then body 1, ...; p likewise.
 * A collision makes the field infinite; the integrators report it.
 */
#include "physics/systems.h"

#include <math.h>

/* Inlined with a constant `bodies` into each system, so that the loops unroll. */
static inline struct energy sum_energy(int bodies, const struct system_parameters *parameters, const double *state) {
  const double *q = state, *p = state + 2 * bodies;
  double squares = 0, inverses = 0;
  for (int c = 0; c < 2 * bodies; c++) squares += p[c] * p[c];
  for (int i = 0; i < bodies; i++) {
    for (int j = i + 1; j < bodies; j++) {
      double dx = q[2 * i] - q[2 * j], dy = q[2 * i + 1] - q[2 * j + 1];
      inverses += 1 / sqrt(dx * dx + dy * dy);
    }
  }
  double m = parameters->mass;
  return (struct energy){.kinetic = squares / (2 * m), .potential = -parameters->gravity * m * m * inverses};
}

SYSTEM_RATE sum_rate(int bodies, int lanes, const struct system_parameters *parameters, const double *restrict state,
                     double *restrict rate) {
  const double *q = state, *p = state + 2 * bodies * lanes;
  double m = parameters->mass, inverse = 1 / m, strength = parameters->gravity * m * m;
  double *force = rate + 2 * bodies * lanes;
  for (int c = 0; c < 2 * bodies * lanes; c++) {
    rate[c] = p[c] * inverse;
    force[c] = 0;
  }
  for (int i = 0; i < bodies; i++) {
    for (int j = i + 1; j < bodies; j++) {
      for (int lane = 0; lane < lanes; lane++) {
        int xi = 2 * i * lanes + lane, yi = xi + lanes, xj = 2 * j * lanes + lane, yj = xj + lanes;
        double dx = q[xi] - q[xj], dy = q[yi] - q[yj], square = dx * dx + dy * dy;
        double pull = strength / (square * sqrt(square));
        force[xi] -= pull * dx;
        force[yi] -= pull * dy;
        force[xj] += pull * dx;
        force[yj] += pull * dy;
      }
    }
  }
}

static inline void copy_positions(int bodies, const double *q, double *xy) {
  for (int c = 0; c < 2 * bodies; c++) xy[c] = q[c];
}

struct energy two_body_energy(const struct system_parameters *parameters, const double *state) {
  return sum_energy(2, parameters, state);
}

SYSTEM_RATE two_body_rate(int lanes, const struct system_parameters *parameters, const double *restrict state,
                          double *restrict rate) {
  sum_rate(2, lanes, parameters, state, rate);
}
SYSTEM_FIELDS(two_body)

void two_body_positions(const struct system_parameters *parameters, const double *q, double *xy) {
  (void)parameters;
  copy_positions(2, q, xy);
}

struct energy three_body_energy(const struct system_parameters *parameters, const double *state) {
  return sum_energy(3, parameters, state);
}

SYSTEM_RATE three_body_rate(int lanes, const struct system_parameters *parameters, const double *restrict state,
                            double *restrict rate) {
  sum_rate(3, lanes, parameters, state, rate);
}
SYSTEM_FIELDS(three_body)

void three_body_positions(const struct system_parameters *parameters, const double *q, double *xy) {
  (void)parameters;
  copy_positions(3, q, xy);
}
