/* Every op: first and second derivatives against finite differences in f64, with kernels and with the reference. */
#include "harness.h"

/* Builds the op's result from inputs made here; -1 when there is nothing to differentiate. */
struct op_case {
  const char *name;
  struct value (*build)(struct harness *harness);
  int inputs; /* the first ones are differentiated */
  double tolerance;
};

#define DIM(...)                                                                                                       \
  (const int64_t[]) { __VA_ARGS__ }

#define UNARY_CASE(op, scale, shift, call)                                                                             \
  static struct value build_##op(struct harness *h) {                                                                  \
    struct value x = harness_input(h, 1, scale, shift, 3, DIM(2, 3, 5));                                               \
    return call;                                                                                                       \
  }
UNARY_CASE(scale, 1, 0, graph_scale(x, -1.7))
UNARY_CASE(offset, 1, 0, graph_offset(x, 0.3))
UNARY_CASE(exp, 1, 0, graph_exp(x))
UNARY_CASE(log, 0.1, 2, graph_log(x))
UNARY_CASE(square, 1, 0, graph_square(x))
UNARY_CASE(sqrt, 0.1, 2, graph_sqrt(x))
UNARY_CASE(sin, 2, 0, graph_sin(x))
UNARY_CASE(cos, 2, 0, graph_cos(x))
UNARY_CASE(tanh, 1, 0, graph_tanh(x))
UNARY_CASE(sigmoid, 2, 0, graph_sigmoid(x))
UNARY_CASE(softplus, 2, 0, graph_softplus(x))
UNARY_CASE(swish, 2, 0, graph_swish(x))
UNARY_CASE(relu, 1, 0, graph_square(graph_relu(x)))
UNARY_CASE(leaky_relu, 1, 0, graph_square(graph_leaky_relu(x, 0.2)))
UNARY_CASE(clamp, 1, 0, graph_square(graph_clamp(x, -0.511, 0.617)))
UNARY_CASE(reshape, 1, 0, graph_square(graph_reshape(x, 2, DIM(6, 5))))
UNARY_CASE(broadcast, 1, 0, graph_square(graph_broadcast(x, 4, DIM(2, 2, 3, 5))))
UNARY_CASE(slice, 1, 0, graph_square(graph_slice(x, 1, 1, 2)))
UNARY_CASE(pad, 1, 0, graph_square(graph_pad(x, 2, 1, 8)))
UNARY_CASE(sum, 1, 0, graph_square(graph_sum(x, 5, false)))
UNARY_CASE(mean, 1, 0, graph_square(graph_mean(x, 2, true)))
UNARY_CASE(logsumexp, 1, 0, graph_logsumexp(x, 6, false))

#define BINARY_CASE(op, shift, call)                                                                                   \
  static struct value build_##op(struct harness *h) {                                                                  \
    struct value x = harness_input(h, 1, 1, 0, 3, DIM(2, 3, 5)), y = harness_input(h, 2, 0.2, shift, 2, DIM(3, 1));    \
    return call;                                                                                                       \
  }
BINARY_CASE(add, 0, graph_square(graph_add(x, y)))
BINARY_CASE(subtract, 0, graph_square(graph_subtract(y, x)))
BINARY_CASE(multiply, 0, graph_multiply(x, y))
BINARY_CASE(divide, 2, graph_divide(x, y))

static struct value build_concatenate(struct harness *h) {
  const struct value parts[] = {harness_input(h, 1, 1, 0, 3, DIM(2, 3, 5)), harness_input(h, 2, 1, 0, 3, DIM(2, 1, 5)),
                                harness_input(h, 3, 1, 0, 3, DIM(2, 2, 5))};
  return graph_square(graph_concatenate(parts, 3, 1));
}

static const int64_t rows[] = {2, 0, 2};

static struct value add_index(struct harness *h) {
  h->index = rows;
  return graph_input(h->graph, "index", GRAPH_I64, 1, DIM(3));
}
static struct value build_gather(struct harness *h) {
  return graph_square(graph_gather(harness_input(h, 1, 1, 0, 2, DIM(4, 3)), add_index(h)));
}
static struct value build_scatter(struct harness *h) {
  return graph_square(graph_scatter(harness_input(h, 1, 1, 0, 2, DIM(3, 3)), add_index(h), 5));
}

#define MATMUL_CASE(name, ta, tb, a0, a1, b0, b1)                                                                      \
  static struct value build_##name(struct harness *h) {                                                                \
    struct value a = harness_input(h, 1, 1, 0, 2, DIM(a0, a1)), b = harness_input(h, 2, 1, 0, 2, DIM(b0, b1));         \
    return graph_matmul(a, b, ta, tb);                                                                                 \
  }
MATMUL_CASE(matmul, false, false, 3, 4, 4, 5)
MATMUL_CASE(matmul_ta, true, false, 4, 3, 4, 5)
MATMUL_CASE(matmul_tb, false, true, 3, 4, 5, 4)
MATMUL_CASE(matmul_tt, true, true, 4, 3, 5, 4)

static const struct conv_options uneven = {.stride = 2, .top = 1, .bottom = 0, .left = 0, .right = 2};

static struct value build_conv(struct harness *h) {
  struct value x = harness_input(h, 1, 1, 0, 4, DIM(2, 6, 5, 3)), w = harness_input(h, 2, 1, 0, 4, DIM(3, 2, 3, 4));
  return graph_conv(x, w, uneven);
}
static struct value build_conv_symmetric(struct harness *h) {
  struct value x = harness_input(h, 1, 1, 0, 4, DIM(2, 6, 5, 3)), w = harness_input(h, 2, 1, 0, 4, DIM(3, 3, 3, 4));
  return graph_conv(x, w, conv_symmetric(w, 2));
}
static struct value build_conv_input_gradient(struct harness *h) {
  struct value d = harness_input(h, 1, 1, 0, 4, DIM(2, 3, 3, 4)), w = harness_input(h, 2, 1, 0, 4, DIM(3, 2, 3, 4));
  return graph_conv_input_gradient(d, w, 6, 5, uneven);
}
static struct value build_conv_weight_gradient(struct harness *h) {
  struct value x = harness_input(h, 1, 1, 0, 4, DIM(2, 6, 5, 3)), d = harness_input(h, 2, 1, 0, 4, DIM(2, 3, 3, 4));
  return graph_conv_weight_gradient(x, d, 3, 2, uneven);
}
static struct value build_bias(struct harness *h) {
  struct value x = harness_input(h, 1, 1, 0, 4, DIM(2, 3, 2, 4)), b = harness_input(h, 2, 1, 0, 1, DIM(4));
  return graph_square(graph_bias(x, b));
}
static struct value build_upsample2(struct harness *h) {
  return graph_square(graph_upsample2(harness_input(h, 1, 1, 0, 4, DIM(2, 3, 2, 3))));
}
static struct value build_mirror(struct harness *h) {
  return graph_square(graph_mirror(harness_input(h, 1, 1, 0, 4, DIM(3, 2, 4, 3))));
}
static struct value build_upsample2_adjoint(struct harness *h) {
  return graph_square(graph_upsample2_adjoint(harness_input(h, 1, 1, 0, 4, DIM(2, 4, 6, 3))));
}

UNARY_CASE(plain_slice, 1, 0, graph_slice(x, 1, 1, 2))
UNARY_CASE(plain_pad, 1, 0, graph_pad(x, 2, 1, 8))
UNARY_CASE(plain_sum, 1, 0, graph_sum(x, 5, false))
UNARY_CASE(plain_broadcast, 1, 0, graph_broadcast(x, 4, DIM(2, 2, 3, 5)))
static struct value build_plain_upsample2(struct harness *h) {
  return graph_upsample2(harness_input(h, 1, 1, 0, 4, DIM(2, 3, 2, 3)));
}
static struct value build_plain_upsample2_adjoint(struct harness *h) {
  return graph_upsample2_adjoint(harness_input(h, 1, 1, 0, 4, DIM(2, 4, 6, 3)));
}
static struct value build_plain_gather(struct harness *h) {
  return graph_gather(harness_input(h, 1, 1, 0, 2, DIM(4, 3)), add_index(h));
}
static struct value build_plain_scatter(struct harness *h) {
  return graph_scatter(harness_input(h, 1, 1, 0, 2, DIM(3, 3)), add_index(h), 5);
}

#define CASE(name, inputs, tolerance)                                                                                  \
  { #name, build_##name, inputs, tolerance }
static const struct op_case cases[] = {CASE(scale, 1, 1e-9),
                                       CASE(offset, 1, 1e-9),
                                       CASE(exp, 1, 1e-8),
                                       CASE(log, 1, 1e-9),
                                       CASE(square, 1, 1e-9),
                                       CASE(sqrt, 1, 1e-9),
                                       CASE(sin, 1, 1e-8),
                                       CASE(cos, 1, 1e-8),
                                       CASE(tanh, 1, 1e-8),
                                       CASE(sigmoid, 1, 1e-8),
                                       CASE(softplus, 1, 1e-8),
                                       CASE(swish, 1, 1e-8),
                                       CASE(relu, 1, 1e-9),
                                       CASE(leaky_relu, 1, 1e-9),
                                       CASE(clamp, 1, 1e-9),
                                       CASE(reshape, 1, 1e-9),
                                       CASE(broadcast, 1, 1e-9),
                                       CASE(slice, 1, 1e-9),
                                       CASE(pad, 1, 1e-9),
                                       CASE(sum, 1, 1e-9),
                                       CASE(mean, 1, 1e-9),
                                       CASE(logsumexp, 1, 1e-8),
                                       CASE(add, 2, 1e-9),
                                       CASE(subtract, 2, 1e-9),
                                       CASE(multiply, 2, 1e-9),
                                       CASE(divide, 2, 1e-8),
                                       CASE(concatenate, 3, 1e-9),
                                       CASE(gather, 1, 1e-9),
                                       CASE(scatter, 1, 1e-9),
                                       CASE(matmul, 2, 1e-9),
                                       CASE(matmul_ta, 2, 1e-9),
                                       CASE(matmul_tb, 2, 1e-9),
                                       CASE(matmul_tt, 2, 1e-9),
                                       CASE(conv, 2, 1e-9),
                                       CASE(conv_symmetric, 2, 1e-9),
                                       CASE(conv_input_gradient, 2, 1e-9),
                                       CASE(conv_weight_gradient, 2, 1e-9),
                                       CASE(bias, 2, 1e-9),
                                       CASE(upsample2, 1, 1e-9),
                                       CASE(mirror, 1, 1e-9),
                                       CASE(upsample2_adjoint, 1, 1e-9)};
enum { CASES = sizeof cases / sizeof cases[0] };

/* s, or the derivative of s along a fixed direction, which the same machinery differentiates again. */
static struct value take_order(struct harness *h, struct value s, int inputs, int order) {
  if (order == 1) return s;
  struct value gradient[HARNESS_INPUTS], sum = s;
  assert_ok(graph_grad(s, h->input, inputs, gradient));
  for (int i = 0; i < inputs; i++) {
    struct value term = harness_scalar(h, gradient[i], 50 + (uint64_t)i);
    sum = i == 0 ? term : graph_add(sum, term);
  }
  return sum;
}

static void check_case(const struct op_case *at, int order, bool reference) {
  struct harness h;
  harness_open(&h);
  struct value y = at->build(&h);
  struct value s = take_order(&h, harness_scalar(&h, y, 9), at->inputs, order);
  assert_ok(graph_status(h.graph));
  double worst = harness_difference(&h, s, at->inputs, 1e-3, reference);
  if (!(worst < at->tolerance)) fail_msg("%s, order %d, reference %d: %g", at->name, order, reference, worst);
  harness_close(&h);
}

static void run_cases(int order, bool reference) {
  for (int i = 0; i < CASES; i++) check_case(&cases[i], order, reference);
}

static void first_derivatives(void **unused) {
  (void)unused;
  run_cases(1, true);
  run_cases(1, false);
}

static void second_derivatives(void **unused) {
  (void)unused;
  run_cases(2, true);
  run_cases(2, false);
}

/* <A x, y> = <x, A' y> for the ops that are linear in their first input: A' y is the gradient, by other kernels. */
static void linear_ops_have_adjoints(void **unused) {
  (void)unused;
  static const struct op_case linear[] = {CASE(scale, 1, 0),
                                          CASE(matmul, 1, 0),
                                          CASE(matmul_ta, 1, 0),
                                          CASE(matmul_tb, 1, 0),
                                          CASE(matmul_tt, 1, 0),
                                          CASE(conv, 1, 0),
                                          CASE(conv_symmetric, 1, 0),
                                          CASE(conv_input_gradient, 1, 0),
                                          CASE(conv_weight_gradient, 1, 0),
                                          CASE(multiply, 1, 0),
                                          CASE(plain_slice, 1, 0),
                                          CASE(plain_pad, 1, 0),
                                          CASE(plain_sum, 1, 0),
                                          CASE(plain_broadcast, 1, 0),
                                          CASE(plain_upsample2, 1, 0),
                                          CASE(plain_upsample2_adjoint, 1, 0),
                                          CASE(plain_gather, 1, 0),
                                          CASE(plain_scatter, 1, 0)};
  for (size_t i = 0; i < sizeof linear / sizeof linear[0]; i++) {
    struct harness h;
    harness_open(&h);
    struct value s = harness_scalar(&h, linear[i].build(&h), 9), gradient, outputs[2];
    assert_ok(graph_grad(s, h.input, 1, &gradient));
    outputs[0] = s;
    outputs[1] = graph_sum(graph_multiply(gradient, h.input[0]), GRAPH_ALL_AXES, false);
    struct plan *plan = harness_compile(&h, outputs, 2, false);
    assert_ok(plan_run(plan));
    double left = *(const double *)plan_output(plan, 0), right = *(const double *)plan_output(plan, 1);
    if (!(fabs(left - right) <= 1e-12 * (100 + fabs(left)))) fail_msg("%s: %.17g, %.17g", linear[i].name, left, right);
    plan_destroy(&plan);
    harness_close(&h);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(first_derivatives), cmocka_unit_test(second_derivatives),
                                     cmocka_unit_test(linear_ops_have_adjoints)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
