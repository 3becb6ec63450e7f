/* Pendulums of point masses m on massless rods of length l under gravity g. Angles q from the hanging position, counted
 * the same way for both rods; p their conjugate momenta.
 *
 * Pendulum: H = p^2 / (2 m l^2) + m g l (1 - cos q); it rotates when H > 2 m g l.
 *
 * Double pendulum, equal masses and lengths, d = q_0 - q_1:
 *   K = N / (2 m l^2 D),  N = p_0^2 + 2 p_1^2 - 2 p_0 p_1 cos d,  D = 1 + sin^2 d
 *   V = m g l (3 - 2 cos q_0 - cos q_1)
 *   dK/dp_0 = (p_0 - p_1 cos d) / (m l^2 D),  dK/dp_1 = (2 p_1 - p_0 cos d) / (m l^2 D)
 *   dK/dq_0 = -dK/dq_1 = sin d (p_0 p_1 D - N cos d) / (m l^2 D^2)
 */
#include "base/elementary.h"
#include "physics/systems.h"

struct energy pendulum_energy(const struct system_parameters *parameters, const double *state) {
  double m = parameters->mass, l = parameters->length, q = state[0], p = state[1];
  /* 1 - cos q = 2 sin^2(q/2) keeps its digits near the bottom. */
  double half = elementary_sin(0.5 * q);
  return (struct energy){.kinetic = p * p / (2 * m * l * l),
                         .potential = 2 * m * parameters->gravity * l * half * half};
}

SYSTEM_RATE pendulum_rate(int lanes, const struct system_parameters *parameters, const double *restrict state,
                          double *restrict rate) {
  double m = parameters->mass, l = parameters->length, sine[SYSTEM_LANES], cosine[SYSTEM_LANES];
  double inverse = 1 / (m * l * l), weight = -m * parameters->gravity * l; /* the quotient does not wait for p */
  elementary_sincos_all(lanes, state, sine, cosine);
  for (int lane = 0; lane < lanes; lane++) {
    rate[lane] = state[lanes + lane] * inverse;
    rate[lanes + lane] = weight * sine[lane];
  }
}
SYSTEM_FIELDS(pendulum)

void pendulum_positions(const struct system_parameters *parameters, const double *q, double *xy) {
  double sine, cosine;
  elementary_sincos(q[0], &sine, &cosine);
  xy[0] = parameters->length * sine;
  xy[1] = parameters->length * cosine;
}

struct energy double_pendulum_energy(const struct system_parameters *parameters, const double *state) {
  double m = parameters->mass, l = parameters->length, p0 = state[2], p1 = state[3];
  double sine, cosine, half0 = elementary_sin(0.5 * state[0]), half1 = elementary_sin(0.5 * state[1]);
  elementary_sincos(state[0] - state[1], &sine, &cosine);
  double n = p0 * p0 + 2 * p1 * p1 - 2 * p0 * p1 * cosine, d = 1 + sine * sine;
  return (struct energy){.kinetic = n / (2 * m * l * l * d),
                         .potential = 2 * m * parameters->gravity * l * (2 * half0 * half0 + half1 * half1)};
}

SYSTEM_RATE double_pendulum_rate(int lanes, const struct system_parameters *parameters, const double *restrict state,
                                 double *restrict rate) {
  double m = parameters->mass, l = parameters->length, weight = m * parameters->gravity * l;
  double angle[3 * SYSTEM_LANES], sine[3 * SYSTEM_LANES], cosine[3 * SYSTEM_LANES]; /* of q_0, q_1, q_0 - q_1 */
  for (int i = 0; i < 2 * lanes; i++) angle[i] = state[i];
  for (int i = 0; i < lanes; i++) angle[2 * lanes + i] = state[i] - state[lanes + i];
  elementary_sincos_all(3 * lanes, angle, sine, cosine);
  for (int i = 0; i < lanes; i++) {
    double p0 = state[2 * lanes + i], p1 = state[3 * lanes + i], s = sine[2 * lanes + i], c = cosine[2 * lanes + i];
    double n = p0 * p0 + 2 * p1 * p1 - 2 * p0 * p1 * c, d = 1 + s * s, inverse = 1 / d;
    double share = inverse * (1 / (m * l * l)), coupling = s * (p0 * p1 - n * c * inverse) * share;
    rate[i] = (p0 - p1 * c) * share;
    rate[lanes + i] = (2 * p1 - p0 * c) * share;
    rate[2 * lanes + i] = -coupling - 2 * weight * sine[i];
    rate[3 * lanes + i] = coupling - weight * sine[lanes + i];
  }
}
SYSTEM_FIELDS(double_pendulum)

void double_pendulum_positions(const struct system_parameters *parameters, const double *q, double *xy) {
  pendulum_positions(parameters, &q[0], &xy[0]);
  pendulum_positions(parameters, &q[1], &xy[2]);
  xy[2] += xy[0];
  xy[3] += xy[1];
}
