/* What a model computes, for a batch of one size: inference, steps, drawing, and their gradients.
 *
 * A rollout is a loop over the step plan, never an unrolled graph (ARCHITECTURE.md): the caller keeps the states and
 * runs the step's vector-Jacobian product in reverse.
 * The decoder works on chunks of images, forward and backward at once.
 *
 * Arrays are of the model's type, batch first: frames [batch][h][w][input_frames * channels] with channel
 * frame * channels + c, q and p [batch][state], noise [batch][latents], images and targets [chunk][h][w][channels].
 * Gradients are added to a block like the parameters'.
 *
 * All functions: Not collective. After the first call of each nothing is allocated.
 *
 * Failures: STATUS_MEMORY, in pass_create() and the first call of each; STATUS_ARGUMENT when an array that the model
 * needs is NULL; STATUS_NUMERIC when a library's convolution does not run. Numbers that are not finite are no failure.
 */
#ifndef HGN_MODEL_PASS_H
#define HGN_MODEL_PASS_H

#include "graph/plan.h"
#include "model/model.h"

struct pass;

/* X(NAME, text): its plans, one for each function below. */
#define PASS_PLAN_LIST(X)                                                                                              \
  X(INFER, "infer")                                                                                                    \
  X(INFER_GRADIENT, "infer_gradient")                                                                                  \
  X(ENCODE, "encode")                                                                                                  \
  X(GENERATE, "generate")                                                                                              \
  X(STEP, "step")                                                                                                      \
  X(STEP_GRADIENT, "step_gradient")                                                                                    \
  X(ENERGY, "energy")                                                                                                  \
  X(DRAW, "draw")                                                                                                      \
  X(DRAW_GRADIENT, "draw_gradient")
#define PASS_PLAN_ENUM(name, text) PASS_##name,
enum pass_plan { PASS_PLAN_LIST(PASS_PLAN_ENUM) PASS_PLAN_COUNT };
#undef PASS_PLAN_ENUM

/* model and parameters (the flat block) are borrowed. chunk: images that are decoded at once. */
enum status pass_create(const struct model *model, int64_t batch, int64_t chunk, const void *parameters,
                        struct pass **pass);
void pass_destroy(struct pass **pass);

/* To be said after the parameters' values have changed. */
void pass_parameters_changed(struct pass *pass);

/* kl[batch], 0 where nothing is sampled; may be NULL. noise: NULL where the model does not sample. */
enum status pass_infer(struct pass *pass, const void *frames, const void *noise, void *q, void *p, double *kl);
/* Adds the gradient of  sum(seed_q q) + sum(seed_p p) + sum(kl_weight kl), kl_weight[batch]. */
enum status pass_infer_gradient(struct pass *pass, const void *frames, const void *noise, const void *seed_q,
                                const void *seed_p, const double *kl_weight, void *gradient);

/* What the encoder says of the code z: mean[batch][code] and standard deviations sigma[batch][code]; where nothing is
 * sampled z itself and zeros. */
enum status pass_encode(struct pass *pass, const void *frames, void *mean, void *sigma);

/* The state of codes z[batch][code]. */
enum status pass_generate(struct pass *pass, const void *z, void *q, void *p);

/* One step over dt from (q, p) to (next_q, next_p). */
enum status pass_step(struct pass *pass, double dt, const void *q, const void *p, void *next_q, void *next_p);
/* (adjoint_q, adjoint_p) come in as the cotangents of the step's result and go out as those of (q, p). */
enum status pass_step_gradient(struct pass *pass, double dt, const void *q, const void *p, void *adjoint_q,
                               void *adjoint_p, void *gradient);

/* H(q, p), energy[batch]. */
enum status pass_energy(struct pass *pass, const void *q, const void *p, double *energy);

/* images from q[chunk][state]. */
enum status pass_draw(struct pass *pass, const void *q, void *images);
/* error[chunk]: sum over an image of (image - target)^2. Adds the gradient of sum(weight error), and sets its part with
 * respect to q. weight[chunk]. */
enum status pass_draw_gradient(struct pass *pass, const void *q, const void *target, const double *weight,
                               double *error, void *adjoint_q, void *gradient);

/* For those who ask what it costs: the plan, compiled unless it has been. It stays the pass's own. */
enum status pass_plan_get(struct pass *pass, enum pass_plan kind, const struct plan **plan);

#endif
