/* The two things the project stands on: Hessian-vector products of convolutional networks, and a leapfrog step of a
 * convolutional Hamiltonian differentiated in state and parameters.
 */
#include "harness.h"

enum { LAYERS = 5 };

static const int64_t channels[LAYERS + 1] = {2, 3, 4, 4, 3, 1}, kernel[LAYERS] = {3, 2, 2, 2, 2};
static const int64_t stride[LAYERS] = {1, 2, 1, 2, 1};

/* Weights and biases as inputs of the harness: they are differentiated like the state. */
static void add_layers(struct harness *h, uint64_t seed, struct value *weights, struct value *bias) {
  for (int i = 0; i < LAYERS; i++)
    weights[i] = harness_input(h, seed + (uint64_t)i, 0.5, 0, 4,
                               (const int64_t[]){kernel[i], kernel[i], channels[i], channels[i + 1]});
  *bias = harness_input(h, seed + 9, 0.5, 0, 1, &channels[1]);
}

static struct value add_energy(struct value x, const struct value *weights, struct value bias) {
  for (int i = 0; i < LAYERS; i++) {
    struct conv_options options = stride[i] == 2 ? conv_valid(2) : conv_same(x, weights[i], 1);
    x = graph_conv(x, weights[i], options);
    if (i == 0) x = graph_bias(x, bias);
    if (i < LAYERS - 1) x = graph_softplus(x);
  }
  return graph_sum(x, GRAPH_ALL_AXES, false);
}

/* <gradient, direction>, differentiated, is the Hessian times the direction; finite differences of it test that. */
static void hessian_vector_product(void **unused) {
  (void)unused;
  struct harness h;
  struct value weights[LAYERS], bias, gradient;
  harness_open(&h);
  struct value x = harness_input(&h, 1, 1, 0, 4, (const int64_t[]){2, 4, 4, 2});
  add_layers(&h, 20, weights, &bias);
  assert_ok(graph_grad(add_energy(x, weights, bias), &x, 1, &gradient));
  int inputs = h.count;
  struct value along = harness_scalar(&h, gradient, 5);
  assert_true(harness_difference(&h, along, inputs, 1e-3, false) < 1e-7);
  assert_true(harness_difference(&h, along, inputs, 1e-3, true) < 1e-7);
  harness_close(&h);
}

static struct value add_force(struct value x, const struct value *weights, struct value bias) {
  struct value force;
  assert_ok(graph_grad(add_energy(x, weights, bias), &x, 1, &force));
  return force;
}

/* Kick, drift, kick with H = V(q) + V(p): one set of weights, so that both uses add up in its gradient. */
static void leapfrog_step(void **unused) {
  (void)unused;
  const int64_t state[] = {2, 4, 4, 2};
  const double dt = 0.3;
  for (int reference = 0; reference < 2; reference++) {
    struct harness h;
    struct value weights[LAYERS], bias;
    harness_open(&h);
    struct value both = harness_input(&h, 1, 1, 0, 4, (const int64_t[]){4, 4, 4, 2});
    struct value q = graph_slice(both, 0, 0, 2), p = graph_slice(both, 0, 2, 2);
    add_layers(&h, 30, weights, &bias);
    assert_int_equal(value_shape(q).dim[0], state[0]);
    p = graph_subtract(p, graph_scale(add_force(q, weights, bias), dt / 2));
    q = graph_add(q, graph_scale(add_force(p, weights, bias), dt));
    p = graph_subtract(p, graph_scale(add_force(q, weights, bias), dt / 2));
    const struct value end[] = {q, p};
    int inputs = h.count;
    struct value s = harness_scalar(&h, graph_concatenate(end, 2, 0), 6);
    assert_ok(graph_status(h.graph));
    double worst = harness_difference(&h, s, inputs, 1e-3, reference == 1);
    if (!(worst < 1e-7)) fail_msg("leapfrog: %g", worst);
    harness_close(&h);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(hessian_vector_product), cmocka_unit_test(leapfrog_step)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
