#include "model/point_networks.h"

#include "base/elementary.h"
#include "graph/node.h"
#include "model/layers.h"

#include <math.h>
#include <stdio.h>

static const unsigned POINT_AXES = 1u << 1 | 1u << 2 | 1u << 3; /* all but the batch */

/* log(2 pi) */

/* Of leaky_relu, which has no key of its own here: what other networks have unless they say otherwise. */
static const double LEAKY_SLOPE = 0.01;

/* A stack of dense layers, hidden ones of these widths and a last one of `outputs` without activation. */
static struct value dense_stack(struct value x, const char *prefix, const struct integer_list *width,
                                enum activation_kind activation, int64_t outputs) {
  char name[GRAPH_NAME_MAX + 1];
  for (int i = 0; i <= width->count && value_valid(x); i++) {
    const bool last = i == width->count;
    const struct layer layer = {last ? outputs : width->item[i], 0, 1, PADDING_VALID};
    snprintf(name, sizeof name, "%s.%d", prefix, i);
    x = layers_add(x, name, &layer);
    if (!last) x = layers_activate(x, activation, LEAKY_SLOPE);
  }
  return x;
}

static struct value sum_point(struct value x) { return graph_sum(x, POINT_AXES, false); }

/* ---- The learned Hamiltonians ---- */

/* One of them, for flow_step(). */
struct learned_hamiltonian {
  const struct point_model *model;
  int64_t index;
};

static void name_network(char name[GRAPH_NAME_MAX + 1], int64_t index, const char *network) {
  snprintf(name, GRAPH_NAME_MAX + 1, "%s.%d", network, (int)index);
}

struct value point_networks_potential(const struct point_model *model, int64_t i, struct value q) {
  const struct flow_settings *flow = &model->settings.flow;
  char name[GRAPH_NAME_MAX + 1];
  name_network(name, i, "potential");
  return sum_point(dense_stack(q, name, &flow->width, flow->activation, 1));
}

/* a^2, as [1][1][1][1]. */
static struct value inverse_mass(const struct point_model *model, int64_t i, struct graph *graph) {
  char name[GRAPH_NAME_MAX + 1], full[GRAPH_NAME_MAX + 1];
  name_network(name, i, "kinetic");
  snprintf(full, sizeof full, "%.48s.scale", name);
  struct value a = graph_parameter(graph, full, model->type, 3, (const int64_t[]){1, 1, 1});
  return graph_reshape(graph_square(a), 4, (const int64_t[]){1, 1, 1, 1});
}

struct value point_networks_kinetic(const struct point_model *model, int64_t i, struct value p) {
  const struct flow_settings *flow = &model->settings.flow;
  char name[GRAPH_NAME_MAX + 1];
  if (flow->kinetic == KINETIC_FIXED) {
    struct value factor = inverse_mass(model, i, p.graph);
    return graph_scale(sum_point(graph_multiply(graph_square(p), factor)), 0.5);
  }
  name_network(name, i, "kinetic");
  return sum_point(dense_stack(p, name, &flow->width, flow->activation, 1));
}

/* Points do not mix, so the gradient of the sum over the batch holds that of each. */
static struct value gradient_of(struct value energy, struct value x) {
  struct value gradient = GRAPH_NONE;
  graph_grad(graph_sum(energy, GRAPH_ALL_AXES, false), &x, 1, &gradient);
  return gradient;
}

static struct value energy_dq(const struct hamiltonian *hamiltonian, struct value q, struct value p) {
  const struct learned_hamiltonian *one = hamiltonian->self;
  (void)p;
  return gradient_of(point_networks_potential(one->model, one->index, q), q);
}

static struct value energy_dp(const struct hamiltonian *hamiltonian, struct value q, struct value p) {
  const struct learned_hamiltonian *one = hamiltonian->self;
  (void)q;
  if (one->model->settings.flow.kinetic == KINETIC_FIXED)
    return graph_multiply(p, inverse_mass(one->model, one->index, p.graph));
  return gradient_of(point_networks_kinetic(one->model, one->index, p), p);
}

struct phase point_networks_step(const struct point_model *model, int64_t i, struct phase x, struct value dt) {
  static const struct integrator_settings leapfrog = {.name = FLOW_LEAPFROG, .substeps = 1};
  const struct learned_hamiltonian one = {model, i};
  const struct hamiltonian hamiltonian = {energy_dq, energy_dp, &one};
  return flow_step(&leapfrog, &hamiltonian, x, dt);
}

/* Nodes are shared: two steps that meet have the force between them in common. */
static struct phase follow(const struct point_model *model, struct phase x, bool forward) {
  const struct flow_settings *flow = &model->settings.flow;
  struct value dt = graph_fill(x.q.graph, forward ? flow->dt : -flow->dt, model->type, 0, NULL);
  for (int64_t i = 0; i < flow->hamiltonians; i++)
    for (int64_t step = 0; step < flow->steps; step++)
      x = point_networks_step(model, forward ? i : flow->hamiltonians - 1 - i, x, dt);
  return x;
}

/* ---- Couplings ---- */

/* The numbers that coupling i keeps are the first half in even ones, the second in odd ones. */
static struct value couple(const struct point_model *model, int64_t i, struct value x, bool forward,
                           struct value *stretch) {
  const struct coupling_settings *coupling = &model->settings.coupling;
  const int64_t all = model->dimension, low = all / 2, kept = i % 2 == 0 ? low : all - low, moved = all - kept;
  const int64_t kept_at = i % 2 == 0 ? 0 : low, moved_at = i % 2 == 0 ? low : 0;
  char name[GRAPH_NAME_MAX + 1];
  name_network(name, i, "coupling");
  struct value u = graph_slice(x, 3, kept_at, kept), v = graph_slice(x, 3, moved_at, moved);
  struct value code = dense_stack(u, name, &coupling->width, coupling->activation, 2 * moved);
  struct value s = graph_scale(graph_tanh(graph_slice(code, 3, 0, moved)), coupling->scale);
  struct value t = graph_slice(code, 3, moved, moved);
  struct value factor = graph_exp(forward ? s : graph_negate(s));
  v = forward ? graph_add(graph_multiply(v, factor), t) : graph_multiply(graph_subtract(v, t), factor);
  struct value log_volume = sum_point(forward ? s : graph_negate(s));
  *stretch = value_valid(*stretch) ? graph_add(*stretch, log_volume) : log_volume;
  return graph_concatenate(i % 2 == 0 ? (const struct value[]){u, v} : (const struct value[]){v, u}, 2, 3);
}

struct phase point_networks_flow(const struct point_model *model, struct phase x, bool forward, struct value *stretch) {
  const int64_t layers = model->settings.coupling.layers;
  *stretch = GRAPH_NONE;
  if (point_model_moves(model)) return follow(model, x, forward);
  for (int64_t i = 0; i < layers && value_valid(x.q); i++)
    x.q = couple(model, forward ? i : layers - 1 - i, x.q, forward, stretch);
  return x;
}

/* ---- The log weight ---- */

static struct value point_input(const struct point_model *model, struct graph *graph, const char *name, int64_t batch) {
  return graph_input(graph, name, model->type, 4, (const int64_t[]){batch, 1, 1, model->dimension});
}

/* log sigma^2 is the second half. */
static struct value encode(const struct point_model *model, struct value x, struct value *log_variance) {
  const struct flow_settings *flow = &model->settings.flow;
  struct value code = dense_stack(x, "encoder", &flow->encoder_width, flow->encoder_activation, 2 * model->dimension);
  *log_variance = graph_slice(code, 3, model->dimension, model->dimension);
  return graph_slice(code, 3, 0, model->dimension);
}

/* With z = F^-1(x, mu + sigma noise): -1/2 |z|^2 + 1/2 |noise|^2 + sum log sigma, less 2D - D times log(2 pi) / 2. */
static struct value weigh_moving(const struct point_model *model, struct value x, int64_t batch) {
  struct value log_variance, stretch, noise = point_input(model, x.graph, "noise", batch);
  struct value mean = encode(model, x, &log_variance);
  struct value p = graph_add(mean, graph_multiply(graph_exp(graph_scale(log_variance, 0.5)), noise));
  const struct phase z = point_networks_flow(model, (struct phase){x, p}, false, &stretch);
  struct value of_noise = graph_square(noise), of_p = graph_square(z.p);
  struct value squares = graph_subtract(graph_add(graph_square(z.q), of_p), of_noise);
  return graph_offset(sum_point(graph_scale(graph_subtract(log_variance, squares), 0.5)),
                      -0.5 * (double)model->dimension * ELEMENTARY_LOG_TWO_PI);
}

struct value point_networks_weigh(const struct point_model *model, struct graph *graph, int64_t batch) {
  struct value x = point_input(model, graph, "x", batch), stretch;
  if (point_model_moves(model)) return weigh_moving(model, x, batch);
  const struct phase z = point_networks_flow(model, (struct phase){x, GRAPH_NONE}, false, &stretch);
  return graph_offset(graph_add(graph_scale(sum_point(graph_square(z.q)), -0.5), stretch),
                      -0.5 * (double)model->dimension * ELEMENTARY_LOG_TWO_PI);
}

void point_networks_declare(const struct point_model *model, struct graph *graph) {
  struct value x = graph_fill(graph, 0, model->type, 4, (const int64_t[]){1, 1, 1, model->dimension}), unused;
  if (!point_model_moves(model)) {
    point_networks_flow(model, (struct phase){x, GRAPH_NONE}, true, &unused);
    return;
  }
  encode(model, x, &unused);
  for (int64_t i = 0; i < model->settings.flow.hamiltonians; i++) {
    point_networks_potential(model, i, x);
    point_networks_kinetic(model, i, x);
  }
}
