#include "model/point_pass.h"

#include "base/elementary.h"
#include "model/gradients.h"
#include "model/point_networks.h"

#include <stdlib.h>
#include <string.h>

/* Plans are made when they are first needed. Those of a single Hamiltonian come after the others, STEP and ENERGY of
 * each. */
enum point_plan { PLAN_WEIGH, PLAN_WEIGH_GRADIENT, PLAN_DRAW, PLAN_RETURN, PLAN_SINGLE };

struct point_pass {
  const struct point_model *model;
  const void *parameters;
  int64_t batch, momenta;
  struct plan **plan; /* [PLAN_SINGLE + 2 * hamiltonians] */
  int plans;
  void *scratch;        /* the gradient as a plan leaves it */
  void *weight, *q, *p; /* [batch], twice [batch][D]: inputs of the model's type */
  union {
    float single;
    double wide;
  } dt; /* of the model's type */
};

static size_t point_bytes(const struct point_pass *pass) {
  return (size_t)(pass->batch * pass->model->dimension) * number_bytes(pass->model->type);
}

enum status point_pass_create(const struct point_model *model, int64_t batch, const void *parameters,
                              struct point_pass **pass) {
  *pass = NULL;
  struct point_pass *made = calloc(1, sizeof *made);
  REQUIRE(made, STATUS_MEMORY, "out of memory for a pass");
  *made = (struct point_pass){.model = model,
                              .parameters = parameters,
                              .batch = batch,
                              .momenta = 1,
                              .plans = PLAN_SINGLE + 2 * (int)point_model_hamiltonians(model)};
  made->plan = calloc((size_t)made->plans, sizeof(struct plan *));
  made->weight = calloc((size_t)batch, number_bytes(model->type));
  made->q = calloc(1, point_bytes(made));
  made->p = calloc(1, point_bytes(made));
  enum status status = layout_block(&model->layout, model->type, &made->scratch);
  if (!made->plan || !made->weight || !made->q || !made->p)
    status = status_raise(STATUS_MEMORY, "out of memory for %lld points", (long long)batch);
  if (status != STATUS_OK) point_pass_destroy(&made);
  *pass = made;
  return status;
}

void point_pass_destroy(struct point_pass **pass) {
  struct point_pass *made = *pass;
  if (!made) return;
  for (int i = 0; made->plan && i < made->plans; i++) plan_destroy(&made->plan[i]);
  free(made->plan);
  free(made->scratch);
  free(made->weight);
  free(made->q);
  free(made->p);
  free(made);
  *pass = NULL;
}

void point_pass_momenta(struct point_pass *pass, int64_t momenta) { pass->momenta = momenta; }

void point_pass_parameters_changed(struct point_pass *pass) {
  for (int i = 0; i < pass->plans; i++)
    if (pass->plan[i]) plan_parameters_changed(pass->plan[i]);
}

/* ---- The outputs of each plan ---- */

static struct value input_of(const struct point_pass *pass, struct graph *graph, const char *name) {
  return graph_input(graph, name, pass->model->type, 4, (const int64_t[]){pass->batch, 1, 1, pass->model->dimension});
}

static struct phase phase_of(const struct point_pass *pass, struct graph *graph) {
  struct value q = input_of(pass, graph, "q");
  return (struct phase){q, point_model_moves(pass->model) ? input_of(pass, graph, "p") : q};
}

static enum status weigh_outputs(const struct point_pass *pass, struct graph *graph, bool gradient,
                                 struct value *outputs, int *count) {
  struct value log_weight = point_networks_weigh(pass->model, graph, pass->batch);
  TRY(graph_status(graph));
  const int64_t points = pass->batch / pass->momenta;
  if (gradient && pass->momenta > 1) {
    log_weight =
        graph_logsumexp(graph_reshape(log_weight, 2, (const int64_t[]){points, pass->momenta}), 1u << 1, false);
    log_weight = graph_offset(log_weight, -elementary_log((double)pass->momenta));
  }
  outputs[(*count)++] = log_weight;
  if (!gradient) return STATUS_OK;
  struct value weight = graph_input(graph, "weight", pass->model->type, 1, &points);
  return gradients_append(graph, &log_weight, &weight, 1, NULL, 0, outputs, count);
}

static enum status choose_outputs(const struct point_pass *pass, int kind, struct graph *graph, struct value *outputs,
                                  int *count) {
  const struct point_model *model = pass->model;
  struct value stretch;
  point_networks_declare(model, graph);
  if (kind == PLAN_WEIGH || kind == PLAN_WEIGH_GRADIENT)
    return weigh_outputs(pass, graph, kind == PLAN_WEIGH_GRADIENT, outputs, count);
  struct phase x = phase_of(pass, graph);
  if (kind == PLAN_DRAW || kind == PLAN_RETURN) {
    x = point_networks_flow(model, x, kind == PLAN_DRAW, &stretch);
  } else if ((kind - PLAN_SINGLE) % 2 == 0) {
    x = point_networks_step(model, (kind - PLAN_SINGLE) / 2, x, graph_input(graph, "dt", model->type, 0, NULL));
  } else {
    x = (struct phase){point_networks_potential(model, (kind - PLAN_SINGLE) / 2, x.q),
                       point_networks_kinetic(model, (kind - PLAN_SINGLE) / 2, x.p)};
  }
  outputs[(*count)++] = x.q;
  outputs[(*count)++] = x.p;
  return graph_status(graph);
}

static enum status make_plan(struct point_pass *pass, int kind) {
  struct graph *graph = NULL;
  const struct layout *layout = &pass->model->layout;
  struct value *outputs = calloc((size_t)layout->tensors + 2, sizeof *outputs);
  REQUIRE(outputs, STATUS_MEMORY, "out of memory for a plan");
  int count = 0;
  enum status status = graph_create(&graph);
  if (status == STATUS_OK) status = choose_outputs(pass, kind, graph, outputs, &count);
  if (status == STATUS_OK) status = plan_compile(outputs, count, NULL, &pass->plan[kind]);
  if (status == STATUS_OK) plan_bind_parameters(pass->plan[kind], pass->parameters);
  if (status == STATUS_OK && kind == PLAN_WEIGH_GRADIENT)
    status = gradients_bind(pass->plan[kind], layout, 0, 1, pass->model->type, pass->scratch);
  graph_destroy(&graph);
  free(outputs);
  return status;
}

static enum status need(struct point_pass *pass, int kind, struct plan **plan) {
  if (!pass->plan[kind]) TRY(make_plan(pass, kind));
  *plan = pass->plan[kind];
  return STATUS_OK;
}

/* ---- Running them ---- */

static enum status bind_points(const struct point_pass *pass, struct plan *plan, const void *x, const void *noise) {
  TRY(plan_bind(plan, "x", x));
  return point_model_moves(pass->model) ? plan_bind(plan, "noise", noise) : STATUS_OK;
}

enum status point_pass_weigh(struct point_pass *pass, const void *x, const void *noise, double *log_weight) {
  struct plan *plan;
  TRY(need(pass, PLAN_WEIGH, &plan));
  TRY(bind_points(pass, plan, x, noise));
  TRY(plan_run(plan));
  numbers_get(pass->model->type, plan_output(plan, 0), pass->batch, log_weight);
  return STATUS_OK;
}

enum status point_pass_weigh_gradient(struct point_pass *pass, const void *x, const void *noise, const double *weight,
                                      double *log_weight, void *gradient) {
  struct plan *plan;
  TRY(need(pass, PLAN_WEIGH_GRADIENT, &plan));
  TRY(bind_points(pass, plan, x, noise));
  const int64_t points = pass->batch / pass->momenta;
  for (int64_t i = 0; i < points; i++) number_put(pass->model->type, pass->weight, i, weight[i]);
  TRY(plan_bind(plan, "weight", pass->weight));
  TRY(plan_run(plan));
  numbers_get(pass->model->type, plan_output(plan, 0), points, log_weight);
  gradients_add(&pass->model->layout, 0, pass->model->type, pass->scratch, gradient);
  return STATUS_OK;
}

/* From (q, p), which the results may replace. */
static enum status run_phase(struct point_pass *pass, int kind, double dt, const void *q, const void *p) {
  const bool moves = point_model_moves(pass->model), single = kind >= PLAN_SINGLE;
  struct plan *plan;
  REQUIRE(q, STATUS_ARGUMENT, "there are no points to carry");
  REQUIRE(p || !moves, STATUS_ARGUMENT, "a flow of Hamiltonians needs momenta");
  TRY(need(pass, kind, &plan));
  memcpy(pass->q, q, point_bytes(pass));
  TRY(plan_bind(plan, "q", pass->q));
  if (moves) {
    memcpy(pass->p, p, point_bytes(pass));
    TRY(plan_bind(plan, "p", pass->p));
  }
  if (single && (kind - PLAN_SINGLE) % 2 == 0) {
    number_put(pass->model->type, &pass->dt, 0, dt);
    TRY(plan_bind(plan, "dt", &pass->dt));
  }
  return plan_run(plan);
}

static enum status carry(struct point_pass *pass, int kind, double dt, const void *q, const void *p, void *to_q,
                         void *to_p) {
  REQUIRE(to_q && (to_p || !point_model_moves(pass->model)), STATUS_ARGUMENT, "there is no memory for points");
  TRY(run_phase(pass, kind, dt, q, p));
  memcpy(to_q, plan_output(pass->plan[kind], 0), point_bytes(pass));
  if (point_model_moves(pass->model)) memcpy(to_p, plan_output(pass->plan[kind], 1), point_bytes(pass));
  return STATUS_OK;
}

enum status point_pass_draw(struct point_pass *pass, const void *q, const void *p, void *x, void *momentum) {
  return carry(pass, PLAN_DRAW, 0, q, p, x, momentum);
}

enum status point_pass_return(struct point_pass *pass, const void *x, const void *momentum, void *q, void *p) {
  return carry(pass, PLAN_RETURN, 0, x, momentum, q, p);
}

static enum status check_hamiltonian(const struct point_pass *pass, int64_t i) {
  REQUIRE(i >= 0 && i < point_model_hamiltonians(pass->model), STATUS_ARGUMENT, "there is no Hamiltonian %lld",
          (long long)i);
  return STATUS_OK;
}

enum status point_pass_step(struct point_pass *pass, int64_t i, double dt, const void *q, const void *p, void *next_q,
                            void *next_p) {
  TRY(check_hamiltonian(pass, i));
  return carry(pass, PLAN_SINGLE + 2 * (int)i, dt, q, p, next_q, next_p);
}

enum status point_pass_energy(struct point_pass *pass, int64_t i, const void *q, const void *p, double *potential,
                              double *kinetic) {
  TRY(check_hamiltonian(pass, i));
  const int kind = PLAN_SINGLE + 2 * (int)i + 1;
  TRY(run_phase(pass, kind, 0, q, p));
  numbers_get(pass->model->type, plan_output(pass->plan[kind], 0), pass->batch, potential);
  numbers_get(pass->model->type, plan_output(pass->plan[kind], 1), pass->batch, kinetic);
  return STATUS_OK;
}
