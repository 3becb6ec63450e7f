#include "model/networks.h"

#include "graph/node.h"
#include "model/flow.h"
#include "model/layers.h"

#include <stdio.h>

static const unsigned MAP_AXES = 1u << 1 | 1u << 2 | 1u << 3; /* all but the batch */

/* KL of N(mean, sigma^2) from N(0, 1), summed: 1/2 (mean^2 + sigma^2 - 1) - log sigma. */
static struct value divergence(struct value mean, struct value log_scale, struct value sigma) {
  struct value variance = graph_square(sigma), squares = graph_offset(graph_add(graph_square(mean), variance), -1);
  return graph_sum(graph_subtract(graph_scale(squares, 0.5), log_scale), MAP_AXES, false);
}

static struct value draw(const struct model *model, struct value code, struct inference *out) {
  const struct shape shape = value_shape(code);
  const int64_t half = shape.dim[3] / 2;
  if (shape.dim[3] % 2 != 0)
    return graph_refuse(code.graph, STATUS_CONFIG,
                        "model.encoder: its last layer has %lld channels; mean and scale need an even number",
                        (long long)shape.dim[3]);
  struct value mean = graph_slice(code, 3, 0, half), scale = graph_slice(code, 3, half, half);
  if (model->settings.latent.scale == SCALE_LOG_VARIANCE) scale = graph_scale(scale, 0.5);
  struct value sigma = graph_exp(scale);
  out->noise = graph_input(code.graph, "noise", model->type, 4,
                           (const int64_t[]){shape.dim[0], shape.dim[1], shape.dim[2], half});
  out->kl = divergence(mean, scale, sigma);
  out->mean = mean;
  out->sigma = sigma;
  return graph_add(mean, graph_multiply(sigma, out->noise));
}

/* f_psi and the cut into q and p. */
static void split_state(const struct model *model, struct value z, struct inference *out) {
  struct value state = layers_stack(z, "transformer", "model.transformer", &model->settings.transformer);
  if (!value_valid(state)) return;
  const int64_t channels = value_shape(state).dim[3];
  if (channels % 2 != 0)
    graph_refuse(z.graph, STATUS_CONFIG, "model: the state has %lld channels; q and p need an even number",
                 (long long)channels);
  out->q = graph_slice(state, 3, 0, channels / 2);
  out->p = graph_slice(state, 3, channels / 2, channels / 2);
}

struct inference inference_build(const struct model *model, struct graph *graph, int64_t batch) {
  const int64_t frames[] = {batch, model->images.height, model->images.width,
                            model->images.channels * model->input_frames};
  struct inference out = {.noise = GRAPH_NONE, .kl = GRAPH_NONE, .sigma = GRAPH_NONE};
  struct value z = graph_input(graph, "frames", model->type, 4, frames);
  z = layers_stack(z, "encoder", "model.encoder", &model->settings.encoder);
  out.mean = z;
  if (model->settings.latent.sampled && value_valid(z)) z = draw(model, z, &out);
  split_state(model, z, &out);
  return out;
}

struct inference generation_build(const struct model *model, struct graph *graph, int64_t batch) {
  struct inference out = {.noise = GRAPH_NONE, .kl = GRAPH_NONE, .mean = GRAPH_NONE, .sigma = GRAPH_NONE};
  inference_build(model, graph, batch); /* the same parameters in the same order */
  const int64_t code[] = {batch, model->code.height, model->code.width, model->code.channels};
  split_state(model, graph_input(graph, "z", model->type, 4, code), &out);
  return out;
}

/* ---- The learned Hamiltonian ---- */

/* [n]: a stack's one channel, summed over space. Nodes are shared, so building it again costs nothing. */
static struct value sum_energy(const struct model *model, const char *prefix, struct value x) {
  return graph_sum(layers_stack(x, prefix, "model.hamiltonian", &model->settings.hamiltonian), MAP_AXES, false);
}

/* Parameters have unique names: stacks are built once, at the state that the graph is given, and moved to others by
 * building with the same names. They are numbered, and drawn, as they come: K's before V's. */
static struct value energy_at(const struct model *model, struct value q, struct value p) {
  if (!model->settings.hamiltonian.separable)
    return sum_energy(model, "hamiltonian", graph_concatenate((const struct value[]){q, p}, 2, 3));
  struct value kinetic = sum_energy(model, "kinetic", p);
  return graph_add(sum_energy(model, "potential", q), kinetic);
}

/* Samples do not mix, so the gradient of the sum over the batch holds that of each. For a separable H only the part
 * that depends on the argument is built. */
static struct value energy_gradient(const struct hamiltonian *hamiltonian, struct value q, struct value p, bool by_q) {
  const struct model *model = hamiltonian->self;
  struct value x = by_q ? q : p, gradient = GRAPH_NONE, energy;
  if (model->settings.hamiltonian.separable)
    energy = sum_energy(model, by_q ? "potential" : "kinetic", x);
  else
    energy = energy_at(model, q, p);
  graph_grad(graph_sum(energy, GRAPH_ALL_AXES, false), &x, 1, &gradient);
  return gradient;
}

static struct value energy_dq(const struct hamiltonian *hamiltonian, struct value q, struct value p) {
  return energy_gradient(hamiltonian, q, p, true);
}

static struct value energy_dp(const struct hamiltonian *hamiltonian, struct value q, struct value p) {
  return energy_gradient(hamiltonian, q, p, false);
}

struct dynamics dynamics_build(const struct model *model, struct graph *graph, int64_t batch) {
  const int64_t state[] = {batch, model->state.height, model->state.width, model->state.channels};
  struct dynamics out;
  out.in_q = graph_input(graph, "q", model->type, 4, state);
  out.in_p = graph_input(graph, "p", model->type, 4, state);
  struct value dt = graph_input(graph, "dt", model->type, 0, NULL);
  out.energy = energy_at(model, out.in_q, out.in_p);
  const struct hamiltonian hamiltonian = {energy_dq, energy_dp, model};
  struct phase next = flow_step(&model->settings.integrator, &hamiltonian, (struct phase){out.in_q, out.in_p}, dt);
  out.q = next.q;
  out.p = next.p;
  return out;
}

/* ---- The decoder ---- */

/* q as a map, with learned constants beside it. */
static struct value prepare(const struct decoder_settings *settings, struct value q) {
  if (settings->grid) {
    const struct layer dense = {settings->grid * settings->grid * settings->grid_channels, 0, 1, PADDING_VALID};
    q = layers_add(q, "decoder.expand", &dense);
    if (!value_valid(q)) return q;
    q = graph_reshape(
        q, 4, (const int64_t[]){value_shape(q).dim[0], settings->grid, settings->grid, settings->grid_channels});
  }
  if (!settings->constants || !value_valid(q)) return q;
  const struct shape shape = value_shape(q);
  const int64_t one[] = {shape.dim[1], shape.dim[2], settings->constants};
  const int64_t all[] = {shape.dim[0], shape.dim[1], shape.dim[2], settings->constants};
  struct value constants = graph_parameter(q.graph, "decoder.constant", shape.type, 3, one);
  return graph_concatenate((const struct value[]){q, graph_broadcast(constants, 4, all)}, 2, 3);
}

/* A 1x1 convolution and the doubling of pixels commute; the small map is the cheaper. */
static struct value add_skip(struct value x, int block, int64_t channels) {
  char name[GRAPH_NAME_MAX + 1];
  snprintf(name, sizeof name, "decoder.%d.skip", block);
  if (value_shape(x).dim[3] != channels) x = layers_add(x, name, &(struct layer){channels, 1, 1, PADDING_SAME});
  return graph_upsample2(x);
}

static struct value add_block(const struct decoder_settings *settings, struct value x, int block) {
  const int64_t channels = settings->channels.item[block];
  struct value y = x;
  for (int64_t i = 0; i < settings->convolutions; i++) {
    char name[GRAPH_NAME_MAX + 1];
    snprintf(name, sizeof name, "decoder.%d.%d", block, (int)i);
    y = i == 0 ? layers_add_doubled(y, name, channels)
               : layers_add(y, name, &(struct layer){channels, 3, 1, PADDING_SAME});
    y = layers_activate(y, settings->activation, settings->slope);
  }
  if (settings->residual && value_valid(y)) y = graph_add(y, add_skip(x, block, channels));
  return layers_activate(y, settings->block_activation, settings->slope);
}

static struct value draw_image(const struct model *model, struct value q) {
  const struct decoder_settings *settings = &model->settings.decoder;
  struct value x = prepare(settings, q);
  for (int block = 0; block < settings->channels.count && value_valid(x); block++) x = add_block(settings, x, block);
  x = graph_sigmoid(layers_add(x, MODEL_OUTPUT, &(struct layer){model->images.channels, 3, 1, PADDING_SAME}));
  if (!value_valid(x)) return x;
  const struct shape shape = value_shape(x);
  if (shape.dim[1] == model->images.height && shape.dim[2] == model->images.width) return x;
  return graph_refuse(x.graph, STATUS_CONFIG,
                      "model.decoder: from a state of %lld x %lld its %lld blocks make images of %lld x %lld; the data "
                      "has %lld x %lld",
                      (long long)model->state.height, (long long)model->state.width,
                      (long long)settings->channels.count, (long long)shape.dim[1], (long long)shape.dim[2],
                      (long long)model->images.height, (long long)model->images.width);
}

struct drawing decoder_build(const struct model *model, struct graph *graph, int64_t batch) {
  const int64_t state[] = {batch, model->state.height, model->state.width, model->state.channels};
  const int64_t image[] = {batch, model->images.height, model->images.width, model->images.channels};
  struct drawing out;
  out.in_q = graph_input(graph, "q", model->type, 4, state);
  out.image = draw_image(model, out.in_q);
  struct value target = graph_input(graph, "target", model->type, 4, image);
  struct value weight = graph_input(graph, "weight", model->type, 1, &batch);
  out.error = graph_sum(graph_square(graph_subtract(out.image, target)), MAP_AXES, false);
  out.weighted = graph_sum(graph_multiply(weight, out.error), GRAPH_ALL_AXES, false);
  return out;
}
