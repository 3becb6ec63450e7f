/* Models of densities of points x[D]: Neural Hamiltonian Flow (Toth et al., ICLR 2020, section 5) and its baseline,
 * real NVP (Dinh, Sohl-Dickstein, Bengio, ICLR 2017). Both are invertible maps of a standard normal.
 *
 * NHF. A state (q, p) goes through L learned separable Hamiltonians H_i = V_i(q) + K_i(p), each followed by n leapfrog
 * steps of size dt. Each step keeps volume and is undone by a step of -dt, so with s = (x, p)
 *
 *   log pi(x, p) = log N(F^-1(x, p); 0, I),     F = F_L o ... o F_1,
 *
 * and x alone has the marginal density over p. An encoder f(p | x) = N(mu(x), sigma(x)^2) gives momenta: the log weight
 *
 *   w(x, p) = log N(F^-1(x, p); 0, I) - log f(p | x),     p = mu + sigma noise,
 *
 * has the mean ELBO(x) <= log pi(x), and exp(w) the mean pi(x) (importance sampling). With kinetic: fixed, K = a^2
 * |p|^2 / 2 with a learned a (Souveton, Guillin, Jasche, Lavaux, Michel, AISTATS 2024).
 *
 * Real NVP. Couplings take turns: half of the numbers, u, stay, and the others become v exp(s(u)) + t(u), s = scale
 * tanh(.). There is no momentum, and w(x) = log pi(x) itself.
 *
 * All numbers are dimensionless. A model is the layout of its parameters, one block in one part; what it computes is in
 * point_pass.h. All functions: Not collective.
 */
#ifndef HGN_MODEL_POINT_MODEL_H
#define HGN_MODEL_POINT_MODEL_H

#include "config/training.h"
#include "graph/graph.h"
#include "model/layout.h"

/* nhf has the first three, rnvp the last. */
#define POINT_NETWORK_LIST(X)                                                                                          \
  X(ENCODER, "encoder")     /* of the momentum */                                                                      \
  X(POTENTIAL, "potential") /* V of all Hamiltonians */                                                                \
  X(KINETIC, "kinetic")     /* K of all Hamiltonians */                                                                \
  X(COUPLING, "coupling")
enum point_network {
#define POINT_NETWORK_ENUM(name, text) POINT_NETWORK_##name,
  POINT_NETWORK_LIST(POINT_NETWORK_ENUM)
#undef POINT_NETWORK_ENUM
      POINT_NETWORKS
};

struct point_model {
  struct model_settings settings;
  enum graph_type type;
  int64_t dimension;    /* D */
  struct graph *graph;  /* at batch 1: names and shapes; owned */
  struct layout layout; /* networks: enum point_network */
};

/* settings->name: MODEL_NHF or MODEL_RNVP. STATUS_CONFIG when the settings do not suit the dimension; STATUS_MEMORY. */
enum status point_model_create(const struct model_settings *settings, int64_t dimension, enum graph_type type,
                               struct point_model **model);
void point_model_destroy(struct point_model **model);

/* Whether points have momenta beside them: nhf. */
bool point_model_moves(const struct point_model *model);
/* Hamiltonians that a point goes through; 0: none. */
int64_t point_model_hamiltonians(const struct point_model *model);

/* Fills the block, of the model's type: a function of (seed, tensor) alone. */
void point_model_initialize(const struct point_model *model, uint64_t seed, void *block);

#endif
