/* Running plans: bindings, limits, what is not finite, allocation, empty arrays, random draws. */
#include "graph/node.h"
#include "harness.h"

#include <malloc.h>

#define DIM(...)                                                                                                       \
  (const int64_t[]) { __VA_ARGS__ }

static struct graph *open_graph(void) {
  struct graph *graph;
  assert_ok(graph_create(&graph));
  return graph;
}

static void bindings_are_checked(void **unused) {
  (void)unused;
  struct graph *g = open_graph();
  struct value x = graph_input(g, "x", GRAPH_F32, 1, DIM(4)), w = graph_parameter(g, "w", GRAPH_F32, 1, DIM(4));
  graph_input(g, "spare", GRAPH_F32, 1, DIM(4));
  struct value y = graph_multiply(x, w);
  struct plan *plan;
  const float data[4] = {1, 2, 3, 4}, block[16] = {2, 3, 4, 5};
  float out[4] = {0};
  assert_ok(plan_compile(&y, 1, NULL, &plan));
  graph_destroy(&g); /* the plan stands alone */
  assert_status(STATUS_ARGUMENT, plan_run(plan));
  assert_status(STATUS_ARGUMENT, plan_bind(plan, "nothing", data));
  assert_ok(plan_bind(plan, "spare", data));
  plan_bind_parameters(plan, block);
  assert_status(STATUS_ARGUMENT, plan_run(plan));
  assert_non_null(strstr(status_message(), "\"x\""));
  assert_ok(plan_bind(plan, "x", data));
  assert_ok(plan_run(plan));
  assert_true(((const float *)plan_output(plan, 0))[3] == 20);
  assert_status(STATUS_ARGUMENT, plan_bind_output(plan, 1, out));
  assert_ok(plan_bind_output(plan, 0, out));
  assert_ok(plan_run(plan));
  assert_true(out[0] == 2 && out[3] == 20);
  status_clear();
  plan_destroy(&plan);
}

/* Outputs that are inputs, constants, views or twice the same. */
static void all_outputs_have_memory(void **unused) {
  (void)unused;
  struct graph *g = open_graph();
  struct value x = graph_input(g, "x", GRAPH_F64, 2, DIM(2, 3)), y = graph_square(x);
  const struct value outputs[] = {x, graph_fill(g, 7, GRAPH_F64, 1, DIM(3)),
                                  y, graph_reshape(y, 1, DIM(6)),
                                  y, graph_broadcast(graph_slice(x, 0, 0, 1), 2, DIM(2, 3))};
  const double data[6] = {1, 2, 3, 4, 5, 6};
  struct plan *plan;
  assert_ok(plan_compile(outputs, 6, NULL, &plan));
  assert_ok(plan_bind(plan, "x", data));
  assert_ok(plan_run(plan));
  assert_memory_equal(plan_output(plan, 0), data, sizeof data);
  assert_true(((const double *)plan_output(plan, 1))[2] == 7);
  for (int i = 2; i < 5; i++) assert_true(((const double *)plan_output(plan, i))[4] == 25);
  for (int i = 0; i < 5; i++)
    for (int j = 0; j < i; j++) assert_ptr_not_equal(plan_output(plan, i), plan_output(plan, j));
  assert_true(((const double *)plan_output(plan, 5))[5] == 3);
  plan_destroy(&plan);
  graph_destroy(&g);
}

static void limits_are_kept(void **unused) {
  (void)unused;
  struct graph *g = open_graph();
  struct value x = graph_input(g, "x", GRAPH_F32, 2, DIM(1000, 1000)),
               y = graph_sum(graph_matmul(x, x, false, false), 1, false);
  struct plan_options options = {.memory_limit = 1000000};
  struct plan *plan;
  assert_status(STATUS_MEMORY, plan_compile(&y, 1, &options, &plan));
  assert_non_null(strstr(status_message(), "limit of 1000000"));
  assert_null(plan);
  options.memory_limit = 5000000;
  assert_ok(plan_compile(&y, 1, &options, &plan));
  plan_destroy(&plan);
  /* More than there is. */
  struct value huge = graph_broadcast(graph_input(g, "h", GRAPH_F64, 2, DIM(1, 1 << 20)), 2, DIM(1 << 20, 1 << 20));
  struct value far = graph_matmul(huge, huge, false, false);
  assert_status(STATUS_MEMORY, plan_compile(&far, 1, NULL, &plan));
  status_clear();
  graph_destroy(&g);
}

static void what_is_not_finite_is_named(void **unused) {
  (void)unused;
  struct graph *g = open_graph();
  struct value x = graph_input(g, "x", GRAPH_F32, 1, DIM(100)), outputs[2] = {graph_tanh(x), graph_log(x)};
  struct plan_options options = {.check_finite = true};
  struct plan *plan;
  float data[100];
  for (int i = 0; i < 100; i++) data[i] = 1;
  assert_ok(plan_compile(outputs, 2, &options, &plan));
  assert_ok(plan_bind(plan, "x", data));
  assert_ok(plan_run(plan));
  data[70] = 0;
  assert_status(STATUS_NUMERIC, plan_run(plan));
  assert_non_null(strstr(status_message(), "output 1"));
  data[70] = NAN;
  assert_status(STATUS_NUMERIC, plan_run(plan));
  assert_non_null(strstr(status_message(), "\"x\""));
  plan_destroy(&plan);
  assert_ok(plan_compile(outputs, 2, NULL, &plan)); /* unchecked: the NaN comes out */
  assert_ok(plan_bind(plan, "x", data));
  assert_ok(plan_run(plan));
  assert_true(isnan(((const float *)plan_output(plan, 0))[70]) != 0);
  assert_true(isnan(((const float *)plan_output(plan, 0))[71]) == 0);
  status_clear();
  plan_destroy(&plan);
  graph_destroy(&g);
}

static void indices_are_checked(void **unused) {
  (void)unused;
  struct graph *g = open_graph();
  struct value x = graph_input(g, "x", GRAPH_F32, 2, DIM(3, 2)), index = graph_input(g, "i", GRAPH_I64, 1, DIM(2));
  struct value y = graph_gather(x, index);
  const float data[6] = {1, 2, 3, 4, 5, 6};
  int64_t rows[2] = {2, 0};
  struct plan *plan;
  assert_ok(plan_compile(&y, 1, NULL, &plan));
  assert_ok(plan_bind(plan, "x", data));
  assert_ok(plan_bind(plan, "i", rows));
  assert_ok(plan_run(plan));
  assert_true(((const float *)plan_output(plan, 0))[0] == 5);
  rows[1] = 3;
  assert_status(STATUS_NUMERIC, plan_run(plan));
  rows[1] = -1;
  assert_status(STATUS_NUMERIC, plan_run(plan));
  status_clear();
  plan_destroy(&plan);
  graph_destroy(&g);
}

/* A decoder block in f32 with all its derivatives: the kernels of the field. */
static struct plan *make_block(struct graph *g, int64_t batch, float *block, float *x) {
  struct value in = graph_input(g, "x", GRAPH_F32, 4, DIM(batch, 4, 4, 16)), y = graph_upsample2(in), wanted[5] = {in},
               out[6];
  wanted[1] = graph_parameter(g, "w0", GRAPH_F32, 4, DIM(3, 3, 16, 24));
  wanted[2] = graph_parameter(g, "b0", GRAPH_F32, 1, DIM(24));
  wanted[3] = graph_parameter(g, "w1", GRAPH_F32, 4, DIM(3, 3, 24, 3));
  wanted[4] = graph_parameter(g, "b1", GRAPH_F32, 1, DIM(3));
  y = graph_leaky_relu(graph_bias(graph_conv(y, wanted[1], conv_same(y, wanted[1], 1)), wanted[2]), 0.2);
  y = graph_sigmoid(graph_bias(graph_conv(y, wanted[3], conv_same(y, wanted[3], 1)), wanted[4]));
  out[0] = graph_mean(graph_square(y), GRAPH_ALL_AXES, false);
  assert_ok(graph_grad(out[0], wanted, 5, out + 1));
  struct plan *plan;
  assert_ok(plan_compile(out, 6, NULL, &plan));
  struct rng rng = rng_stream(3, RNG_TEST, 0, 0);
  int64_t count = graph_parameter_bytes(g) / 4;
  rng_normal_f32(&rng, block, (int)count);
  for (int64_t i = 0; i < count; i++) block[i] *= 0.1f;
  rng_normal_f32(&rng, x, (int)(batch * 256));
  plan_bind_parameters(plan, block);
  assert_ok(plan_bind(plan, "x", x));
  return plan;
}

static void running_keeps_no_memory(void **unused) {
  (void)unused;
  struct graph *g = open_graph();
  float *block = malloc(64000), *x = malloc(64000);
  struct plan *plan = make_block(g, 4, block, x);
  for (int i = 0; i < 20; i++)
    assert_ok(plan_run(plan)); /* oneDNN's own bookkeeping, freed at once, finds its places */
  size_t before = mallinfo2().uordblks;
  for (int i = 0; i < 100; i++) assert_ok(plan_run(plan));
  assert_true(mallinfo2().uordblks == before);
  plan_destroy(&plan);
  graph_destroy(&g);
  free(block);
  free(x);
}

/* Kernels keep weights in their own order: they must see that these have changed, and only then. */
static void changed_parameters_are_seen(void **unused) {
  (void)unused;
  struct graph *g = open_graph(), *other = open_graph();
  float *block = malloc(64000), *x = malloc(64000), *unchanged = malloc(64000);
  struct plan *plan = make_block(g, 4, block, x), *fresh = make_block(other, 4, unchanged, x);
  assert_ok(plan_run(plan));
  for (int64_t i = 0; i < graph_parameter_bytes(g) / 4; i++) block[i] = unchanged[i] * 2;
  plan_parameters_changed(plan);
  plan_bind_parameters(fresh, block);
  assert_ok(plan_run(plan));
  assert_ok(plan_run(fresh));
  assert_memory_equal(plan_output(plan, 0), plan_output(fresh, 0), sizeof(float));
  plan_destroy(&plan);
  plan_destroy(&fresh);
  graph_destroy(&g);
  graph_destroy(&other);
  free(block);
  free(x);
  free(unchanged);
}

/* What follows from parameters alone is computed when they change, and not again; but outputs of that kind are written
 * by every run, and groups that read inputs too. */
static void what_parameters_determine_follows_them(void **unused) {
  (void)unused;
  struct graph *g = open_graph();
  struct value w = graph_parameter(g, "w", GRAPH_F32, 4, DIM(1, 1, 2, 2));
  struct value x = graph_input(g, "x", GRAPH_F32, 4, DIM(1, 3, 3, 2)), square = graph_square(graph_mirror(w));
  struct value spread = graph_broadcast(graph_slice(square, 2, 0, 1), 4, DIM(1, 3, 3, 2));
  struct value outputs[3] = {graph_conv(x, square, conv_valid(1)), graph_scale(square, 2), graph_add(x, spread)};
  struct plan *plan;
  float block[4], pixels[18], told[4], v[4];
  assert_ok(plan_compile(outputs, 3, NULL, &plan));
  for (int i = 0; i < 18; i++) pixels[i] = (float)i;
  assert_ok(plan_bind(plan, "x", pixels));
  assert_ok(plan_bind_output(plan, 1, v));
  plan_bind_parameters(plan, block);
  for (int round = 0; round < 6; round++) {
    for (int i = 0; i < 4; i++) block[i] = (float)(i + round);
    if (round % 2 == 0) plan_parameters_changed(plan);
    if (round % 2 == 0) memcpy(told, block, sizeof told);
    pixels[0] = (float)round;
    memset(v, 0, sizeof v);
    assert_ok(plan_run(plan));
    const float *y = plan_output(plan, 0), *z = plan_output(plan, 2);
    const float squares[4] = {told[0] * told[0], told[2] * told[2], told[1] * told[1], told[3] * told[3]};
    for (int i = 0; i < 4; i++) assert_true(v[i] == 2 * squares[i]);
    for (int p = 0; p < 9; p++)
      for (int o = 0; o < 2; o++) {
        assert_true(y[2 * p + o] == pixels[2 * p] * squares[o] + pixels[2 * p + 1] * squares[2 + o]);
        assert_true(z[2 * p + o] == pixels[2 * p + o] + squares[o]);
      }
  }
  plan_destroy(&plan);
  graph_destroy(&g);
}

/* Operands that repeat, over more elements than a block and never in step with it. */
static void patterns_are_followed_across_blocks(void **unused) {
  (void)unused;
  static const int64_t small[][3] = {{1, 1, 3}, {1, 7, 1}, {701, 1, 1}, {1, 7, 3}, {701, 7, 1}, {701, 1, 3}, {1, 1, 1}};
  for (int type = GRAPH_F32; type <= GRAPH_F64; type++)
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
      struct graph *g = open_graph();
      struct value x = graph_input(g, "x", (enum graph_type)type, 3, DIM(701, 7, 3));
      struct value z = graph_input(g, "z", (enum graph_type)type, 3, small[i]),
                   y = graph_multiply(graph_offset(x, 2), z);
      struct plan *plan, *reference;
      struct plan_options plain = {.reference = true};
      assert_ok(plan_compile(&y, 1, NULL, &plan));
      assert_ok(plan_compile(&y, 1, &plain, &reference));
      double *data = malloc(701 * 7 * 3 * sizeof *data);
      float *floats = (float *)(void *)data;
      for (int k = 0; k < 701 * 7 * 3; k++) {
        if (type == GRAPH_F32)
          floats[k] = (float)k;
        else
          data[k] = k;
      }
      struct plan *both[2] = {plan, reference};
      for (int k = 0; k < 2; k++) {
        assert_ok(plan_bind(both[k], "x", data));
        assert_ok(plan_bind(both[k], "z", data));
        assert_ok(plan_run(both[k]));
      }
      struct shape shape = plan_output_shape(plan, 0);
      assert_memory_equal(plan_output(plan, 0), plan_output(reference, 0), (size_t)shape_bytes(&shape));
      free(data);
      plan_destroy(&plan);
      plan_destroy(&reference);
      graph_destroy(&g);
    }
}

static void empty_batches_run(void **unused) {
  (void)unused;
  struct graph *g = open_graph();
  float *block = malloc(64000), *x = malloc(64000);
  struct plan *plan = make_block(g, 0, block, x);
  assert_ok(plan_run(plan));
  assert_true(isnan(*(const float *)plan_output(plan, 0)) != 0); /* a mean of nothing */
  struct shape shape = plan_output_shape(plan, 2);
  for (int64_t i = 0; i < shape_elements(&shape); i++) assert_true(((const float *)plan_output(plan, 2))[i] == 0);
  plan_destroy(&plan);
  graph_destroy(&g);
  free(block);
  free(x);
}

static void draws_are_functions_of_the_key(void **unused) {
  (void)unused;
  struct graph *g = open_graph();
  struct value key = graph_input(g, "key", GRAPH_I64, 1, DIM(3)), y = graph_normal(key, GRAPH_F32, 2, DIM(50, 40));
  int64_t words[3] = {5, RNG_TEST, 9};
  struct plan *plan;
  float expected[2000];
  assert_ok(plan_compile(&y, 1, NULL, &plan));
  assert_ok(plan_bind(plan, "key", words));
  assert_ok(plan_run(plan));
  struct rng rng = rng_stream(5, RNG_TEST, 9, 0);
  rng_normal_f32(&rng, expected, 2000);
  assert_memory_equal(plan_output(plan, 0), expected, sizeof expected);
  words[2] = 10;
  assert_ok(plan_run(plan));
  assert_memory_not_equal(plan_output(plan, 0), expected, sizeof expected);
  plan_destroy(&plan);
  graph_destroy(&g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(bindings_are_checked),
                                     cmocka_unit_test(all_outputs_have_memory),
                                     cmocka_unit_test(limits_are_kept),
                                     cmocka_unit_test(what_is_not_finite_is_named),
                                     cmocka_unit_test(indices_are_checked),
                                     cmocka_unit_test(running_keeps_no_memory),
                                     cmocka_unit_test(changed_parameters_are_seen),
                                     cmocka_unit_test(what_parameters_determine_follows_them),
                                     cmocka_unit_test(patterns_are_followed_across_blocks),
                                     cmocka_unit_test(empty_batches_run),
                                     cmocka_unit_test(draws_are_functions_of_the_key)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
