/* Integrators of known systems. (Those of learned Hamiltonians are graphs, in src/model.)
 *
 * Fixed step: Hairer, Lubich, Wanner, Geometric Numerical Integration: symplectic Euler (kick, then drift) and leapfrog
 * (kick-drift-kick) I.1, Yoshida 4 II.4, implicit midpoint II.1; classical Runge-Kutta 4. Adaptive: DOP853 (Hairer,
 * Norsett, Wanner, Solving ODEs I, II.5 and II.10).
 *
 * All functions: Not collective, no allocation.
 */
#ifndef HGN_PHYSICS_INTEGRATOR_H
#define HGN_PHYSICS_INTEGRATOR_H

#include "physics/system.h"

#include <stdint.h>

#define INTEGRATOR_LIST(X)                                                                                             \
  X(SYMPLECTIC_EULER, "symplectic_euler", 1)                                                                           \
  X(LEAPFROG, "leapfrog", 2)                                                                                           \
  X(YOSHIDA4, "yoshida4", 4)                                                                                           \
  X(IMPLICIT_MIDPOINT, "implicit_midpoint", 2)                                                                         \
  X(RK4, "rk4", 4)                                                                                                     \
  X(DOP853, "dop853", 8)

enum integrator {
#define INTEGRATOR_ENUM(name, text, order) INTEGRATOR_##name,
  INTEGRATOR_LIST(INTEGRATOR_ENUM)
#undef INTEGRATOR_ENUM
      INTEGRATOR_COUNT
};

const char *integrator_name(enum integrator integrator);
int integrator_order(enum integrator integrator);

/* `steps` steps of size h (s; negative runs backward) in place. Symplectic Euler, leapfrog and Yoshida 4 split H into
 * K(p) and V(q): STATUS_ARGUMENT for a system that is not separable and conserved. STATUS_NUMERIC when the implicit
 * iteration does not converge or the state is no longer finite. DOP853 here takes steps of fixed size. */
enum status integrator_steps(enum integrator integrator, const struct system *system,
                             const struct system_parameters *parameters, double h, int64_t steps, double *state);

/* Advances `state` over `duration` (s, any sign) by DOP853 with error control at relative and absolute `tolerance`.
 * `*h` holds the step to try first (0: choose; its sign is that of the duration) and receives the next, which the cut
 * last step does not shorten. Bodies that attract each other are followed from one of the closest pair, so that close
 * approaches keep their digits. STATUS_NUMERIC when the step falls below rounding or the state is no longer finite;
 * `state` is then somewhere on the way. */
enum status integrator_reference(const struct system *system, const struct system_parameters *parameters,
                                 double duration, double tolerance, double *h, double *state);

#endif
