#include "model/pass.h"

#include "model/gradients.h"
#include "model/networks.h"

#include <stdlib.h>
#include <string.h>

static const enum model_part part_of[PASS_PLAN_COUNT] = {MODEL_INFERENCE, MODEL_INFERENCE, MODEL_INFERENCE,
                                                         MODEL_INFERENCE, MODEL_DYNAMICS,  MODEL_DYNAMICS,
                                                         MODEL_DYNAMICS,  MODEL_DECODER,   MODEL_DECODER};
enum { LEADING_MAX = 3 }; /* outputs before the parameters' gradients */

struct pass {
  const struct model *model;
  const void *parameters;
  int64_t batch, chunk;
  size_t element;
  struct plan *plan[PASS_PLAN_COUNT];
  int leading[PASS_PLAN_COUNT]; /* outputs before the parameters' gradients */
  void *scratch;                /* gradients of a part as a plan leaves them: of the block's layout */
  void *weights;                /* numbers of the model's type: [max(batch, chunk)] */
  unsigned char dt[8];
};

enum status pass_create(const struct model *model, int64_t batch, int64_t chunk, const void *parameters,
                        struct pass **pass) {
  *pass = NULL;
  struct pass *made = calloc(1, sizeof *made);
  REQUIRE(made, STATUS_MEMORY, "out of memory for a pass");
  *made = (struct pass){.model = model, .parameters = parameters, .batch = batch, .chunk = chunk};
  made->element = number_bytes(model->type);
  enum status status = layout_block(&model->layout, model->type, &made->scratch);
  made->weights = calloc((size_t)(batch > chunk ? batch : chunk), made->element);
  if (status == STATUS_OK && !made->weights) status = status_raise(STATUS_MEMORY, "out of memory for a pass");
  if (status != STATUS_OK) {
    pass_destroy(&made);
    return status;
  }
  *pass = made;
  return STATUS_OK;
}

void pass_destroy(struct pass **pass) {
  if (!*pass) return;
  for (int i = 0; i < PASS_PLAN_COUNT; i++) plan_destroy(&(*pass)->plan[i]);
  free((*pass)->scratch);
  free((*pass)->weights);
  free(*pass);
  *pass = NULL;
}

void pass_parameters_changed(struct pass *pass) {
  for (int i = 0; i < PASS_PLAN_COUNT; i++)
    if (pass->plan[i]) plan_parameters_changed(pass->plan[i]);
}

static void put(const struct pass *pass, void *place, int64_t index, double number) {
  number_put(pass->model->type, place, index, number);
}

static void get(const struct pass *pass, const void *values, int64_t count, double *out) {
  numbers_get(pass->model->type, values, count, out);
}

/* ---- The outputs of each plan ---- */

static struct value seed_input(const struct pass *pass, const char *name, struct value like) {
  const struct shape shape = value_shape(like);
  return graph_input(like.graph, name, pass->model->type, shape.rank, shape.dim);
}

static enum status infer_outputs(const struct pass *pass, struct graph *graph, enum pass_plan kind,
                                 struct value *outputs, int *count) {
  struct inference net = kind == PASS_GENERATE ? generation_build(pass->model, graph, pass->batch)
                                               : inference_build(pass->model, graph, pass->batch);
  TRY(graph_status(graph));
  if (kind == PASS_ENCODE) {
    outputs[(*count)++] = net.mean;
    if (value_valid(net.sigma)) outputs[(*count)++] = net.sigma;
    return STATUS_OK;
  }
  if (kind != PASS_INFER_GRADIENT) {
    outputs[(*count)++] = net.q;
    outputs[(*count)++] = net.p;
    if (value_valid(net.kl)) outputs[(*count)++] = net.kl;
    return STATUS_OK;
  }
  struct value y[3] = {net.q, net.p, net.kl};
  struct value seed[3] = {seed_input(pass, "seed_q", net.q), seed_input(pass, "seed_p", net.p)};
  if (value_valid(net.kl)) seed[2] = seed_input(pass, "seed_kl", net.kl);
  return gradients_append(graph, y, seed, value_valid(net.kl) ? 3 : 2, NULL, 0, outputs, count);
}

static enum status step_outputs(const struct pass *pass, struct graph *graph, enum pass_plan kind,
                                struct value *outputs, int *count) {
  struct dynamics net = dynamics_build(pass->model, graph, pass->batch);
  TRY(graph_status(graph));
  if (kind == PASS_ENERGY) {
    outputs[(*count)++] = net.energy;
    return STATUS_OK;
  }
  if (kind == PASS_STEP) {
    outputs[(*count)++] = net.q;
    outputs[(*count)++] = net.p;
    return STATUS_OK;
  }
  struct value y[2] = {net.q, net.p}, x[2] = {net.in_q, net.in_p};
  struct value seed[2] = {seed_input(pass, "seed_q", net.q), seed_input(pass, "seed_p", net.p)};
  return gradients_append(graph, y, seed, 2, x, 2, outputs, count);
}

static enum status draw_outputs(const struct pass *pass, struct graph *graph, bool gradient, struct value *outputs,
                                int *count) {
  struct drawing net = decoder_build(pass->model, graph, pass->chunk);
  TRY(graph_status(graph));
  outputs[(*count)++] = gradient ? net.error : net.image;
  if (!gradient) return STATUS_OK;
  struct value one = graph_fill(graph, 1, pass->model->type, 0, NULL);
  return gradients_append(graph, &net.weighted, &one, 1, &net.in_q, 1, outputs, count);
}

static enum status choose_outputs(const struct pass *pass, enum pass_plan kind, struct graph *graph,
                                  struct value *outputs, int *count) {
  switch (part_of[kind]) {
  case MODEL_INFERENCE:
    return infer_outputs(pass, graph, kind, outputs, count);
  case MODEL_DYNAMICS:
    return step_outputs(pass, graph, kind, outputs, count);
  default:
    return draw_outputs(pass, graph, kind == PASS_DRAW_GRADIENT, outputs, count);
  }
}

static enum status make_plan(struct pass *pass, enum pass_plan kind) {
  struct graph *graph = NULL;
  struct value *outputs = calloc((size_t)pass->model->layout.tensors + LEADING_MAX, sizeof *outputs);
  REQUIRE(outputs, STATUS_MEMORY, "out of memory for a plan");
  int count = 0, parameters = 0;
  enum status status = graph_create(&graph);
  if (status == STATUS_OK) status = choose_outputs(pass, kind, graph, outputs, &count);
  if (status == STATUS_OK) status = plan_compile(outputs, count, NULL, &pass->plan[kind]);
  if (status == STATUS_OK) {
    parameters = graph_parameter_count(graph);
    plan_bind_parameters(pass->plan[kind], (const unsigned char *)pass->parameters +
                                               (size_t)pass->model->layout.part[part_of[kind]] * pass->element);
    const bool gradient = kind == PASS_INFER_GRADIENT || kind == PASS_STEP_GRADIENT || kind == PASS_DRAW_GRADIENT;
    pass->leading[kind] = gradient ? count - parameters : count;
    if (gradient)
      status = gradients_bind(pass->plan[kind], &pass->model->layout, (int)part_of[kind], pass->leading[kind],
                              pass->model->type, pass->scratch);
  }
  graph_destroy(&graph);
  free(outputs);
  return status;
}

/* Plans are made when they are first needed: training needs gradients, evaluation does not. */
static enum status need(struct pass *pass, enum pass_plan kind, struct plan **plan) {
  if (!pass->plan[kind]) TRY(make_plan(pass, kind));
  *plan = pass->plan[kind];
  return STATUS_OK;
}

enum status pass_plan_get(struct pass *pass, enum pass_plan kind, const struct plan **plan) {
  struct plan *made;
  TRY(need(pass, kind, &made));
  *plan = made;
  return STATUS_OK;
}

/* ---- Running them ---- */

static void accumulate(const struct pass *pass, enum model_part part, void *gradient) {
  gradients_add(&pass->model->layout, (int)part, pass->model->type, pass->scratch, gradient);
}

static size_t state_bytes(const struct pass *pass) {
  return (size_t)(pass->batch * model_state_values(pass->model)) * pass->element;
}

static enum status bind_inference(const struct pass *pass, struct plan *plan, const void *frames, const void *noise) {
  TRY(plan_bind(plan, "frames", frames));
  return model_latents(pass->model) ? plan_bind(plan, "noise", noise) : STATUS_OK;
}

enum status pass_infer(struct pass *pass, const void *frames, const void *noise, void *q, void *p, double *kl) {
  struct plan *plan;
  TRY(need(pass, PASS_INFER, &plan));
  TRY(bind_inference(pass, plan, frames, noise));
  TRY(plan_run(plan));
  memcpy(q, plan_output(plan, 0), state_bytes(pass));
  memcpy(p, plan_output(plan, 1), state_bytes(pass));
  if (!kl) return STATUS_OK;
  if (pass->leading[PASS_INFER] == 3)
    get(pass, plan_output(plan, 2), pass->batch, kl);
  else
    memset(kl, 0, (size_t)pass->batch * sizeof *kl);
  return STATUS_OK;
}

enum status pass_encode(struct pass *pass, const void *frames, void *mean, void *sigma) {
  const size_t bytes = (size_t)(pass->batch * model_code_values(pass->model)) * pass->element;
  struct plan *plan;
  TRY(need(pass, PASS_ENCODE, &plan));
  TRY(plan_bind(plan, "frames", frames));
  TRY(plan_run(plan));
  memcpy(mean, plan_output(plan, 0), bytes);
  if (pass->leading[PASS_ENCODE] == 2)
    memcpy(sigma, plan_output(plan, 1), bytes);
  else
    memset(sigma, 0, bytes);
  return STATUS_OK;
}

enum status pass_generate(struct pass *pass, const void *z, void *q, void *p) {
  struct plan *plan;
  TRY(need(pass, PASS_GENERATE, &plan));
  TRY(plan_bind(plan, "z", z));
  TRY(plan_run(plan));
  memcpy(q, plan_output(plan, 0), state_bytes(pass));
  memcpy(p, plan_output(plan, 1), state_bytes(pass));
  return STATUS_OK;
}

enum status pass_infer_gradient(struct pass *pass, const void *frames, const void *noise, const void *seed_q,
                                const void *seed_p, const double *kl_weight, void *gradient) {
  struct plan *plan;
  TRY(need(pass, PASS_INFER_GRADIENT, &plan));
  TRY(bind_inference(pass, plan, frames, noise));
  TRY(plan_bind(plan, "seed_q", seed_q));
  TRY(plan_bind(plan, "seed_p", seed_p));
  if (pass->model->settings.latent.sampled) {
    for (int64_t i = 0; i < pass->batch; i++) put(pass, pass->weights, i, kl_weight[i]);
    TRY(plan_bind(plan, "seed_kl", pass->weights));
  }
  TRY(plan_run(plan));
  accumulate(pass, MODEL_INFERENCE, gradient);
  return STATUS_OK;
}

static enum status bind_step(struct pass *pass, struct plan *plan, double dt, const void *q, const void *p) {
  put(pass, pass->dt, 0, dt);
  TRY(plan_bind(plan, "q", q));
  TRY(plan_bind(plan, "p", p));
  return plan_bind(plan, "dt", pass->dt);
}

enum status pass_step(struct pass *pass, double dt, const void *q, const void *p, void *next_q, void *next_p) {
  struct plan *plan;
  TRY(need(pass, PASS_STEP, &plan));
  TRY(bind_step(pass, plan, dt, q, p));
  TRY(plan_run(plan));
  memcpy(next_q, plan_output(plan, 0), state_bytes(pass));
  memcpy(next_p, plan_output(plan, 1), state_bytes(pass));
  return STATUS_OK;
}

enum status pass_step_gradient(struct pass *pass, double dt, const void *q, const void *p, void *adjoint_q,
                               void *adjoint_p, void *gradient) {
  struct plan *plan;
  TRY(need(pass, PASS_STEP_GRADIENT, &plan));
  TRY(bind_step(pass, plan, dt, q, p));
  TRY(plan_bind(plan, "seed_q", adjoint_q));
  TRY(plan_bind(plan, "seed_p", adjoint_p));
  TRY(plan_run(plan));
  memcpy(adjoint_q, plan_output(plan, 0), state_bytes(pass));
  memcpy(adjoint_p, plan_output(plan, 1), state_bytes(pass));
  accumulate(pass, MODEL_DYNAMICS, gradient);
  return STATUS_OK;
}

enum status pass_energy(struct pass *pass, const void *q, const void *p, double *energy) {
  struct plan *plan;
  TRY(need(pass, PASS_ENERGY, &plan));
  TRY(plan_bind(plan, "q", q));
  TRY(plan_bind(plan, "p", p));
  TRY(plan_run(plan));
  get(pass, plan_output(plan, 0), pass->batch, energy);
  return STATUS_OK;
}

enum status pass_draw(struct pass *pass, const void *q, void *images) {
  struct plan *plan;
  TRY(need(pass, PASS_DRAW, &plan));
  TRY(plan_bind(plan, "q", q));
  TRY(plan_run(plan));
  memcpy(images, plan_output(plan, 0), (size_t)(pass->chunk * model_image_values(pass->model)) * pass->element);
  return STATUS_OK;
}

enum status pass_draw_gradient(struct pass *pass, const void *q, const void *target, const double *weight,
                               double *error, void *adjoint_q, void *gradient) {
  struct plan *plan;
  TRY(need(pass, PASS_DRAW_GRADIENT, &plan));
  for (int64_t i = 0; i < pass->chunk; i++) put(pass, pass->weights, i, weight[i]);
  TRY(plan_bind(plan, "q", q));
  TRY(plan_bind(plan, "target", target));
  TRY(plan_bind(plan, "weight", pass->weights));
  TRY(plan_run(plan));
  get(pass, plan_output(plan, 0), pass->chunk, error);
  memcpy(adjoint_q, plan_output(plan, 1), (size_t)(pass->chunk * model_state_values(pass->model)) * pass->element);
  accumulate(pass, MODEL_DECODER, gradient);
  return STATUS_OK;
}
