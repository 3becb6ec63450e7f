/* Building: what is refused and how it says so, what is shared, folded and left out. */
#include "harness.h"

#define DIM(...)                                                                                                       \
  (const int64_t[]) { __VA_ARGS__ }

static struct graph *open_graph(void) {
  struct graph *graph;
  assert_ok(graph_create(&graph));
  return graph;
}

/* The graph's message contains all of these. */
static void assert_refused(struct graph **graph, struct value value, const char *one, const char *two) {
  assert_false(value_valid(value));
  assert_status(STATUS_ARGUMENT, graph_status(*graph));
  if (!strstr(status_message(), one) || !strstr(status_message(), two)) fail_msg("message: %s", status_message());
  status_clear();
  graph_destroy(graph);
}

static struct value image(struct graph *graph, const char *name, int64_t size, int64_t channels) {
  return graph_input(graph, name, GRAPH_F32, 4, DIM(2, size, size, channels));
}

static void misuse_is_refused(void **unused) {
  (void)unused;
  struct graph *g = open_graph();
  struct value x = image(g, "x", 4, 3);
  assert_refused(&g, graph_add(x, image(g, "y", 5, 3)), "add", "f32[2][4][4][3] and f32[2][5][5][3]");
  g = open_graph();
  x = image(g, "x", 4, 3);
  assert_refused(&g, graph_multiply(x, graph_input(g, "y", GRAPH_F64, 4, DIM(2, 4, 4, 3))), "multiply", "f64");
  g = open_graph();
  x = image(g, "x", 4, 3);
  assert_refused(&g, graph_conv(x, graph_parameter(g, "w", GRAPH_F32, 4, DIM(3, 3, 4, 8)), conv_valid(1)), "conv",
                 "input channels");
  g = open_graph();
  x = image(g, "x", 4, 3);
  assert_refused(&g, graph_conv(x, graph_parameter(g, "w", GRAPH_F32, 4, DIM(5, 5, 3, 8)), conv_valid(1)), "conv",
                 "larger than the padded image");
  g = open_graph();
  x = image(g, "x", 4, 3);
  assert_refused(&g, graph_reshape(x, 2, DIM(2, 47)), "reshape of f32[2][4][4][3] to f32[2][47]", "elements");
  g = open_graph();
  x = image(g, "x", 4, 3);
  assert_refused(&g, graph_slice(x, 3, 2, 2), "slice", "within");
  g = open_graph();
  x = image(g, "x", 5, 3);
  assert_refused(&g, graph_upsample2_adjoint(x), "upsample2_adjoint", "even");
  g = open_graph();
  x = graph_input(g, "x", GRAPH_F32, 2, DIM(3, 4));
  assert_refused(&g, graph_matmul(x, x, false, false), "matmul", "inner");
  g = open_graph();
  x = graph_input(g, "x", GRAPH_F32, 2, DIM(3, 4));
  assert_refused(&g, graph_gather(x, x), "gather", "i64");
  g = open_graph();
  x = graph_input(g, "x", GRAPH_I64, 1, DIM(3));
  assert_refused(&g, graph_tanh(x), "tanh", "f32 or f64");
  g = open_graph();
  image(g, "x", 4, 3);
  assert_refused(&g, image(g, "x", 4, 3), "\"x\"", "already");
  g = open_graph();
  assert_refused(&g, graph_input(g, "x", GRAPH_F32, 5, DIM(1, 1, 1, 1, 1)), "input", "dimensions");
  g = open_graph();
  assert_refused(&g, graph_input(g, "x", GRAPH_F32, 2, DIM(1 << 30, 1 << 30)), "input", "2^40");
  g = open_graph();
  x = image(g, "x", 4, 3);
  assert_refused(&g, graph_leaky_relu(x, -1), "leaky_relu", "-1");
}

static void errors_stay(void **unused) {
  (void)unused;
  struct graph *g = open_graph();
  struct value x = image(g, "x", 4, 3), bad = graph_slice(x, 9, 0, 1);
  assert_false(value_valid(graph_tanh(graph_add(bad, x))));
  graph_slice(x, 0, 7, 7);
  struct plan *plan;
  assert_status(STATUS_ARGUMENT, plan_compile(&x, 1, NULL, &plan));
  assert_non_null(strstr(status_message(), "no such axis"));
  assert_null(plan);
  status_clear();
  graph_destroy(&g);
}

static void graphs_do_not_mix(void **unused) {
  (void)unused;
  struct graph *one = open_graph(), *other = open_graph();
  struct value x = image(one, "x", 4, 3), y = image(other, "y", 4, 3), gradient;
  assert_false(value_valid(graph_add(x, y)));
  assert_status(STATUS_ARGUMENT, graph_status(one));
  assert_non_null(strstr(status_message(), "different graphs"));
  assert_status(STATUS_ARGUMENT, graph_status(other));
  status_clear();
  graph_destroy(&one);
  graph_destroy(&other);
  one = open_graph();
  other = open_graph();
  x = graph_sum(image(one, "x", 4, 3), GRAPH_ALL_AXES, false);
  y = image(other, "y", 4, 3);
  assert_status(STATUS_ARGUMENT, graph_grad(x, &y, 1, &gradient));
  status_clear();
  graph_destroy(&one);
  one = open_graph();
  x = image(one, "x", 4, 3);
  assert_status(STATUS_ARGUMENT, graph_grad(x, &x, 1, &gradient));
  assert_non_null(strstr(status_message(), "one element"));
  status_clear();
  graph_destroy(&one);
  graph_destroy(&other);
}

static void same(struct value a, struct value b) {
  assert_true(value_valid(a));
  assert_int_equal(a.id, b.id);
}

static void computations_are_shared(void **unused) {
  (void)unused;
  struct graph *g = open_graph();
  struct value x = image(g, "x", 4, 3), y = image(g, "y", 4, 3);
  same(graph_tanh(x), graph_tanh(x));
  same(graph_add(x, y), graph_add(y, x));
  assert_true(graph_subtract(x, y).id != graph_subtract(y, x).id);
  same(graph_scale(x, 2), graph_scale(x, 2));
  assert_true(graph_scale(x, 2).id != graph_scale(x, 3).id);
  assert_true(graph_slice(x, 0, 0, 1).id != graph_slice(x, 0, 1, 1).id);
  struct value first = graph_sigmoid(x), derivative[2];
  assert_ok(graph_grad(graph_sum(first, GRAPH_ALL_AXES, false), &x, 1, &derivative[0]));
  assert_ok(graph_grad(graph_sum(first, GRAPH_ALL_AXES, false), &x, 1, &derivative[1]));
  same(derivative[0], derivative[1]);
  graph_destroy(&g);
}

static void constants_are_folded(void **unused) {
  (void)unused;
  struct graph *g = open_graph();
  struct value x = image(g, "x", 4, 3), zero = graph_fill(g, 0, GRAPH_F32, 0, NULL),
               two = graph_fill(g, 2, GRAPH_F32, 0, NULL);
  same(graph_add(x, zero), x);
  same(graph_multiply(x, graph_fill(g, 1, GRAPH_F32, 1, DIM(3))), x);
  same(graph_multiply(two, x), graph_scale(x, 2));
  same(graph_negate(graph_negate(x)), x);
  same(graph_scale(graph_scale(x, 2), 3), graph_scale(x, 6));
  same(graph_subtract(zero, x), graph_negate(x));
  same(graph_square(two), graph_fill(g, 4, GRAPH_F32, 0, NULL));
  same(graph_sum(graph_broadcast(two, 2, DIM(3, 4)), GRAPH_ALL_AXES, false), graph_fill(g, 24, GRAPH_F32, 0, NULL));
  same(graph_reshape(graph_reshape(x, 1, DIM(96)), 4, DIM(2, 4, 4, 3)), x);
  same(graph_slice(x, 1, 0, 4), x);
  same(graph_broadcast(x, 4, DIM(2, 4, 4, 3)), x);
  /* An infinity times 0 is not 0: it stays to be seen. */
  assert_true(graph_scale(x, 0).id != graph_fill(g, 0, GRAPH_F32, 4, DIM(2, 4, 4, 3)).id);
  assert_ok(graph_status(g));
  graph_destroy(&g);
}

static void unused_inputs_have_zero_gradients(void **unused) {
  (void)unused;
  struct graph *g = open_graph();
  struct value x[2] = {image(g, "x", 4, 3), image(g, "y", 4, 3)}, gradient[2];
  struct value stopped = graph_stop_gradient(graph_square(x[0])),
               s = graph_sum(graph_multiply(stopped, x[0]), GRAPH_ALL_AXES, false);
  assert_ok(graph_grad(s, x, 2, gradient));
  same(gradient[1], graph_fill(g, 0, GRAPH_F32, 4, DIM(2, 4, 4, 3)));
  same(gradient[0], stopped); /* not 3 x^2 */
  s = graph_sum(graph_straight_through(graph_square(x[0]), x[1]), GRAPH_ALL_AXES, false);
  assert_ok(graph_grad(s, x, 2, gradient));
  same(gradient[0], graph_fill(g, 0, GRAPH_F32, 4, DIM(2, 4, 4, 3)));
  same(gradient[1], graph_fill(g, 1, GRAPH_F32, 4, DIM(2, 4, 4, 3)));
  graph_destroy(&g);
}

static void parameters_share_one_block(void **unused) {
  (void)unused;
  struct graph *g = open_graph();
  graph_parameter(g, "w", GRAPH_F32, 2, DIM(3, 5));
  graph_parameter(g, "b", GRAPH_F32, 1, DIM(17));
  graph_parameter(g, "c", GRAPH_F64, 1, DIM(1));
  assert_int_equal(graph_parameter_count(g), 3);
  struct graph_parameter_entry b = graph_parameter_get(g, 1), c = graph_parameter_get(g, 2);
  assert_string_equal(b.name, "b");
  assert_int_equal(b.offset, 64);
  assert_int_equal(b.bytes, 68);
  assert_int_equal(c.offset, 192);
  assert_int_equal(graph_parameter_bytes(g), 256);
  graph_destroy(&g);
}

/* As TensorFlow pads: the odd row after. */
static void same_padding_is_uneven(void **unused) {
  (void)unused;
  struct graph *g = open_graph();
  struct value x = image(g, "x", 5, 3), even = graph_parameter(g, "even", GRAPH_F32, 4, DIM(2, 3, 3, 1));
  struct conv_options one = conv_same(x, even, 1), two = conv_same(x, even, 2);
  assert_true(one.top == 0 && one.bottom == 1 && one.left == 1 && one.right == 1);
  assert_true(two.top == 0 && two.bottom == 1 && two.left == 1 && two.right == 1);
  struct shape shape = value_shape(graph_conv(x, even, two));
  assert_true(shape.dim[1] == 3 && shape.dim[2] == 3);
  graph_destroy(&g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(misuse_is_refused),          cmocka_unit_test(errors_stay),
      cmocka_unit_test(graphs_do_not_mix),          cmocka_unit_test(computations_are_shared),
      cmocka_unit_test(constants_are_folded),       cmocka_unit_test(unused_inputs_have_zero_gradients),
      cmocka_unit_test(parameters_share_one_block), cmocka_unit_test(same_padding_is_uneven)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
