/* Private to src/model and its tests: what models of points compute, as graphs. Arrays of points and momenta are
 * [batch][1][1][D]. Not collective.
 */
#ifndef HGN_MODEL_POINT_NETWORKS_H
#define HGN_MODEL_POINT_NETWORKS_H

#include "model/flow.h"
#include "model/point_model.h"

/* All parameters in the order of the block, for graphs that need not use all of them. */
void point_networks_declare(const struct point_model *model, struct graph *graph);

/* Inputs "x" and, for nhf, "noise"; the log weight [batch]. */
struct value point_networks_weigh(const struct point_model *model, struct graph *graph, int64_t batch);

/* The whole way: forward from a standard normal to data, or back. rnvp: q alone. `stretch`: the log of how much a
 * volume grows on the way, [batch]; GRAPH_NONE for nhf, where it is 0. */
struct phase point_networks_flow(const struct point_model *model, struct phase x, bool forward, struct value *stretch);

/* One leapfrog step of Hamiltonian i over dt (a scalar), and V_i(q), K_i(p) where it begins, each [batch]. */
struct phase point_networks_step(const struct point_model *model, int64_t i, struct phase x, struct value dt);
struct value point_networks_potential(const struct point_model *model, int64_t i, struct value q);
struct value point_networks_kinetic(const struct point_model *model, int64_t i, struct value p);

#endif
