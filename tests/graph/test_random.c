/* Random graphs: fused plans against the reference bit of truth, derivatives to third order, memory near its bound. */
#include "random_graph.h"

/* The derivative of s along a fixed direction of the first three inputs, `times` times. */
static struct value descend(struct harness *h, struct value s, int times) {
  for (int t = 0; t < times; t++) {
    struct value gradient[3], sum = s;
    assert_ok(graph_grad(s, h->input, 3, gradient));
    for (int i = 0; i < 3; i++) {
      struct shape shape = value_shape(gradient[i]);
      struct value direction = graph_fill(h->graph, 0.3 + 0.1 * i, GRAPH_F64, shape.rank, shape.dim);
      struct value term = graph_mean(graph_multiply(gradient[i], direction), GRAPH_ALL_AXES, false);
      sum = i == 0 ? term : graph_add(sum, term);
    }
    s = sum;
  }
  return s;
}

static void derivatives_to_third_order(void **unused) {
  (void)unused;
  static const double tolerance[3] = {1e-8, 1e-7, 1e-6};
  for (uint64_t seed = 1; seed <= 24; seed++) {
    for (int order = 1; order <= 3; order++) {
      struct harness h;
      harness_open(&h);
      struct value s = descend(&h, random_graph(&h, seed, 3 + (int)seed % 8), order - 1);
      assert_ok(graph_status(h.graph));
      double worst = harness_difference(&h, s, 3, 2e-3, false);
      if (!(worst < tolerance[order - 1])) fail_msg("seed %d, order %d: %g", (int)seed, order, worst);
      harness_close(&h);
    }
  }
}

static double relative_difference(const struct plan *one, const struct plan *other, int output) {
  struct shape shape = plan_output_shape(one, output);
  const double *a = plan_output(one, output), *b = plan_output(other, output);
  double worst = 0, size = 1e-6;
  for (int64_t i = 0; i < shape_elements(&shape); i++) {
    size = fmax(size, fabs(b[i]));
    worst = fmax(worst, fabs(a[i] - b[i]));
  }
  return worst / size;
}

static void expect_equal(const struct plan *plan, const struct plan *reference, int seed, const char *when) {
  for (int i = 0; i < 4; i++) {
    double worst = relative_difference(plan, reference, i);
    if (!(worst < 1e-10)) fail_msg("seed %d, output %d, %s: %g", seed, i, when, worst);
  }
}

/* Kernels, fusion and memory against plain loops that share nothing with them; and twice the same bits. */
static void plans_agree_with_the_reference(void **unused) {
  (void)unused;
  for (uint64_t seed = 1; seed <= 60; seed++) {
    struct harness h;
    harness_open(&h);
    struct value outputs[4];
    outputs[0] = random_graph(&h, seed, 5 + (int)seed % 30);
    assert_ok(graph_grad(outputs[0], h.input, 3, outputs + 1));
    struct plan *plan = harness_compile(&h, outputs, 4, false), *reference = harness_compile(&h, outputs, 4, true);
    assert_ok(plan_run(plan));
    assert_ok(plan_run(reference));
    expect_equal(plan, reference, (int)seed, "first run");
    double first = *(const double *)plan_output(plan, 0);
    assert_ok(plan_run(plan));
    assert_memory_equal(plan_output(plan, 0), &first, sizeof first);
    struct plan_size size = plan_measure(plan), large = plan_measure(reference);
    if ((double)size.arena > 1.1 * (double)size.live)
      fail_msg("seed %d: %lld bytes for %lld", (int)seed, (long long)size.arena, (long long)size.live);
    assert_true(size.steps < large.steps);
    plan_destroy(&plan);
    plan_destroy(&reference);
    harness_close(&h);
  }
}

/* Elements of the three inputs drawn anew, of those that are parameters or of the others. */
static void draw_anew(struct harness *h, bool parameters, uint64_t seed) {
  for (int i = 0; i < 3; i++) {
    struct rng rng = rng_stream(seed, RNG_TEST, 700, (uint32_t)i);
    if (harness_is_parameter(h, i) != parameters) continue;
    rng_normal(&rng, h->data[i], (int)h->elements[i]);
    for (int64_t k = 0; i == 2 && k < h->elements[i]; k++) h->data[i][k] *= 0.4;
  }
}

/* What is computed once for many runs is what each run would compute, stays as it is while others run, and follows the
 * parameters when they are said to have changed. */
static void prepared_steps_agree_with_the_reference(void **unused) {
  (void)unused;
  int prepared = 0;
  for (int seed = 1; seed <= 70; seed++) {
    struct harness h;
    struct value outputs[4];
    harness_open(&h);
    h.parameters = 1 + (unsigned)seed % 7;
    outputs[0] = random_graph(&h, (uint64_t)seed, 5 + seed % 30);
    assert_ok(graph_grad(outputs[0], h.input, 3, outputs + 1));
    struct plan *plan = harness_compile(&h, outputs, 4, false), *reference = harness_compile(&h, outputs, 4, true);
    for (int step = 0; step < plan_measure(plan).steps; step++) prepared += plan_step_get(plan, step).prepared;
    static const char *const when[] = {"first run", "again", "other inputs", "other parameters", "and again"};
    for (int run = 0; run < 5; run++) {
      if (run == 2) draw_anew(&h, false, (uint64_t)seed + 1000);
      if (run == 3) {
        draw_anew(&h, true, (uint64_t)seed + 2000);
        plan_parameters_changed(plan);
        plan_parameters_changed(reference);
      }
      assert_ok(plan_run(plan));
      assert_ok(plan_run(reference));
      expect_equal(plan, reference, seed, when[run]);
    }
    plan_destroy(&plan);
    plan_destroy(&reference);
    harness_close(&h);
  }
  assert_true(prepared > 200);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(prepared_steps_agree_with_the_reference),
                                     cmocka_unit_test(plans_agree_with_the_reference),
                                     cmocka_unit_test(derivatives_to_third_order)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
