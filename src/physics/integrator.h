/* Integrators of known systems. (Those of learned Hamiltonians are graphs, in src/model.)
 *
 * Fixed step: Hairer, Lubich, Wanner, Geometric Numerical Integration: symplectic Euler (kick, then drift) and leapfrog
 * (kick-drift-kick) I.1, Yoshida 4 II.4, implicit midpoint II.1; classical Runge-Kutta 4; DOP853 (Hairer,
 * Norsett, Wanner, Solving ODEs I, II.5). With error control: reference.h.
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

#endif
