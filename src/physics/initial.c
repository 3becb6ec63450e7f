#include "physics/initial.h"

#include "base/elementary.h"

#include <math.h>

#define TWO_PI 6.283185307179586476925286766559

void initial_direction(enum direction_kind kind, double u, double direction[2]) {
  u -= floor(u);
  if (kind == DIRECTION_UNIFORM) {
    elementary_sincos(TWO_PI * u, &direction[1], &direction[0]);
    return;
  }
  double edge = floor(4 * u), along = 2 * (4 * u - edge) - 1, scale = 1 / sqrt(1 + along * along);
  double out = edge < 2 ? scale : -scale, turn = edge < 2 ? along * scale : -along * scale;
  bool vertical = edge == 0 || edge == 2; /* right, top, left, bottom */
  direction[0] = vertical ? out : -turn;
  direction[1] = vertical ? turn : out;
}

void initial_phase(const struct initial_conditions *conditions, double u_direction, double u_radius, double *q,
                   double *p) {
  double direction[2];
  initial_direction(conditions->direction, u_direction, direction);
  double r = conditions->radius[0] + u_radius * (conditions->radius[1] - conditions->radius[0]);
  *q = r * direction[0];
  *p = r * direction[1];
}

void initial_draw(const struct system *system, const struct system_parameters *parameters,
                  const struct initial_conditions *conditions, struct rng *rng, double *state) {
  double uniform[SYSTEM_UNIFORMS_MAX];
  for (int i = 0; i < system->uniforms; i++) uniform[i] = rng_uniform(rng);
  system->initial(parameters, conditions, uniform, state);
}

void initial_reach(const struct system *system, const struct initial_conditions *conditions, int number, double *low,
                   double *high) {
  const bool inside = (system->periodic >> number & 1) || (system->stepwise > 0 && number == system->stepwise);
  const bool radius = number > 0 && (system->periodic >> (number - 1) & 1);
  const double width = conditions->radius[1] - conditions->radius[0];
  *low = inside ? 0 : -0.5;
  *high = inside ? 1 : 1.5;
  if (radius && !inside && width > 0) *low = fmax(*low, -0.5 * conditions->radius[0] / width);
  if (radius && !inside && !(width > 0)) *low = 0, *high = 1;
}

void initial_one_degree(const struct system_parameters *parameters, const struct initial_conditions *conditions,
                        const double *uniform, double *state) {
  (void)parameters;
  initial_phase(conditions, uniform[0], uniform[1], &state[0], &state[1]);
}

void initial_double_pendulum(const struct system_parameters *parameters, const struct initial_conditions *conditions,
                             const double *uniform, double *state) {
  (void)parameters;
  initial_phase(conditions, uniform[0], uniform[1], &state[0], &state[1]);
  initial_phase(conditions, uniform[2], uniform[3], &state[2], &state[3]);
}

/* Bodies on a regular polygon of circumradius r, turning as one. The pull of the others gives a circular orbit at
 *   v^2 = (G m / 4 r) sum_{k=1}^{n-1} 1 / sin(pi k / n):   two bodies G m / (4 r), three G m / (sqrt(3) r).
 * `speed` is v sqrt(r / (G m)); (cosine, sine) is the turn by 2 pi / n from one body to the next. */
struct polygon {
  int bodies;
  double speed, cosine, sine;
};

static void place_bodies(const struct polygon *polygon, const struct system_parameters *parameters,
                         const struct initial_conditions *conditions, const double *uniform, double *state) {
  double x, y, *q = state, *p = state + 2 * polygon->bodies;
  const double *u_flip = uniform + 2, *u_velocity = uniform + 3;
  initial_phase(conditions, uniform[0], uniform[1], &x, &y);
  double r = sqrt(x * x + y * y);
  double rate = sqrt(parameters->gravity * parameters->mass) * polygon->speed / (r * sqrt(r)); /* v / r, rad/s */
  if (*u_flip < conditions->flip_probability) rate = -rate;
  for (int b = 0; b < polygon->bodies; b++) {
    double velocity[2] = {-y * rate, x * rate};
    q[2 * b] = x;
    q[2 * b + 1] = y;
    for (int c = 0; c < 2; c++) {
      double factor = 1 + conditions->velocity_noise * (2 * u_velocity[2 * b + c] - 1);
      p[2 * b + c] = parameters->mass * velocity[c] * factor;
    }
    double turned = polygon->cosine * x - polygon->sine * y;
    y = polygon->sine * x + polygon->cosine * y;
    x = turned;
  }
}

void initial_two_body(const struct system_parameters *parameters, const struct initial_conditions *conditions,
                      const double *uniform, double *state) {
  struct polygon polygon = {.bodies = 2, .speed = 0.5, .cosine = -1, .sine = 0};
  place_bodies(&polygon, parameters, conditions, uniform, state);
}

void initial_three_body(const struct system_parameters *parameters, const struct initial_conditions *conditions,
                        const double *uniform, double *state) {
  struct polygon polygon = {.bodies = 3, .speed = sqrt(1 / sqrt(3.0)), .cosine = -0.5, .sine = sqrt(3.0) / 2};
  place_bodies(&polygon, parameters, conditions, uniform, state);
}
