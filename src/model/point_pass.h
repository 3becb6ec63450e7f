/* What a model of points computes, for batches of one size: log weights and their gradient, draws, and for nhf the way
 * of a state step by step.
 *
 * The whole way of a point is one graph, unlike a rollout of frames: its steps are few (a key of the configuration, at
 * most 256), its state is small, and of two steps that meet the force between them is computed once, forward and
 * backward.
 *
 * Arrays are of the model's type, [batch][D]; log weights and energies f64 [batch]. All functions: Not collective.
 * After the first call of each nothing is allocated. A point's results do not depend on the
 * others of its batch; on its place in it, and on the batch's size, their last bits may.
 *
 * Failures: STATUS_MEMORY, in point_pass_create() and the first call of each; STATUS_ARGUMENT when an array that the
 * model needs is NULL. Numbers that are not finite are no failure.
 */
#ifndef HGN_MODEL_POINT_PASS_H
#define HGN_MODEL_POINT_PASS_H

#include "model/point_model.h"

struct point_pass;

/* model and parameters (the block) are borrowed. */
enum status point_pass_create(const struct point_model *model, int64_t batch, const void *parameters,
                              struct point_pass **pass);
void point_pass_destroy(struct point_pass **pass);

/* For gradients, before the first of them: K, which divides the batch; 1 until it is said. */
void point_pass_momenta(struct point_pass *pass, int64_t momenta);

/* To be said after the parameters' values have changed. */
void point_pass_parameters_changed(struct point_pass *pass);

/* log_weight[batch] of x, with the momenta mu(x) + sigma(x) noise. noise: NULL for rnvp. */
enum status point_pass_weigh(struct point_pass *pass, const void *x, const void *noise, double *log_weight);
/* The same, and adds the gradient of sum(weight log_weight) to a block like the parameters'. weight[batch]. With
 * momenta K > 1 rows i K to i K + K - 1 of the batch are momenta of one point, weight and log_weight are [batch / K],
 * and log_weight is that of all K: log(sum exp(w) / K), a bound between the ELBO and log pi(x) (Burda, Grosse,
 * Salakhutdinov, ICLR 2016). */
enum status point_pass_weigh_gradient(struct point_pass *pass, const void *x, const void *noise, const double *weight,
                                      double *log_weight, void *gradient);

/* Where (q, p) of a standard normal is carried, and back. rnvp: p is not looked at. */
enum status point_pass_draw(struct point_pass *pass, const void *q, const void *p, void *x, void *momentum);
enum status point_pass_return(struct point_pass *pass, const void *x, const void *momentum, void *q, void *p);

/* nhf: one leapfrog step of Hamiltonian i from (q, p) over dt, and its V(q), K(p) there; arrays may be the same. */
enum status point_pass_step(struct point_pass *pass, int64_t i, double dt, const void *q, const void *p, void *next_q,
                            void *next_p);
enum status point_pass_energy(struct point_pass *pass, int64_t i, const void *q, const void *p, double *potential,
                              double *kinetic);

#endif
