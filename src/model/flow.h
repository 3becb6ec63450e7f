/* Private to src/model: one step of a learned Hamiltonian system as a graph. Not collective.
 *
 * Hairer, Lubich, Wanner, Geometric Numerical Integration: leapfrog (kick-drift-kick) I.1, Yoshida 4 II.4, implicit
 * midpoint II.1. The variants of the reproduction of 2021 do what its code does; see their names in config/training.h.
 */
#ifndef HGN_MODEL_FLOW_H
#define HGN_MODEL_FLOW_H

#include "config/training.h"
#include "graph/graph.h"

/* Gradients of H at (q, p), each of its argument's shape. */
struct hamiltonian {
  struct value (*dq)(const struct hamiltonian *hamiltonian, struct value q, struct value p);
  struct value (*dp)(const struct hamiltonian *hamiltonian, struct value q, struct value p);
  const void *self;
};

struct phase {
  struct value q, p;
};

/* From x over the time dt (a scalar; negative runs backward). */
struct phase flow_step(const struct integrator_settings *settings, const struct hamiltonian *hamiltonian,
                       struct phase x, struct value dt);

#endif
