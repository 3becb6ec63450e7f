/* Physical systems: one table entry for each.
 *
 * A state is double[2 D]: q_0..q_{D-1}, p_0..p_{D-1}. D is `freedom`. For n-body systems q holds x, y of body 0, then
 * body 1, ... Units: q in m (springs, n-body) or rad (pendulums); p in kg m/s or kg m^2/s; energy in J; time in s.
 * Hamiltonians: Toth et al., ICLR 2020, section 4 and appendix, as corrected in each source file.
 *
 * All functions: Not collective, no allocation, same bits on every machine.
 */
#ifndef HGN_PHYSICS_SYSTEM_H
#define HGN_PHYSICS_SYSTEM_H

#include "base/rng.h"
#include "base/status.h"
#include "config/experiment.h"

enum { SYSTEM_FREEDOM_MAX = 6, SYSTEM_STATE_MAX = 2 * SYSTEM_FREEDOM_MAX, SYSTEM_BODIES_MAX = 3 };
enum { SYSTEM_UNIFORMS_MAX = 3 + SYSTEM_FREEDOM_MAX }; /* random numbers of an initial state */
enum { SYSTEM_LANES = 8 };                             /* states that field_lanes takes at once */

struct energy {
  double kinetic, potential; /* J */
};

struct system {
  enum system_kind kind;
  const char *name;
  int freedom;     /* D */
  int bodies;      /* discs drawn */
  bool separable;  /* H = K(p) + V(q) */
  bool conserved;  /* H is constant along the motion */
  bool angular;    /* q are angles, in rad, and p in kg m^2/s; else m and kg m/s */
  bool translates; /* q is x, y of each body, and H does not change when all bodies are moved alike */

  /* The parts of H; for a system that is not separable "kinetic" depends on q too. */
  struct energy (*energy)(const struct system_parameters *parameters, const double *state);

  /* rate[2 D] = d(state)/dt: dH/dp, then -dH/dq (and friction where there is any). */
  void (*field)(const struct system_parameters *parameters, const double *state, double *rate);

  /* The same, to the same bits, of SYSTEM_LANES states side by side: state[c * SYSTEM_LANES + lane], rate likewise. */
  void (*field_lanes)(const struct system_parameters *parameters, const double *state, double *rate);

  /* Positions of the bodies: xy[2 b] and xy[2 b + 1] are x to the right and y downward, in m, of body b. */
  void (*positions)(const struct system_parameters *parameters, const double *q, double *xy);

  /* The initial state as a function of `uniforms` numbers, uniform in (0, 1), which initial.h names in their order. Bit
   * i of `periodic`: number i has period 1, a direction. Of number `stepwise`, if that is not 0, only whether it is
   * below a threshold matters. */
  int uniforms, stepwise;
  unsigned periodic;
  void (*initial)(const struct system_parameters *parameters, const struct initial_conditions *conditions,
                  const double *uniform, double *state);
};

/* The table entry; NULL when `kind` is out of range. */
const struct system *system_get(enum system_kind kind);

/* Names and units of a state's numbers, in their order: q0, q1, ..., p0, p1, ... Points into itself. */
struct system_coordinates {
  char name[SYSTEM_STATE_MAX][8];
  const char *names[SYSTEM_STATE_MAX], *units[SYSTEM_STATE_MAX];
};
void system_coordinates(const struct system *system, struct system_coordinates *text);

#endif
