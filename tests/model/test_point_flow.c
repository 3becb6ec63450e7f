/* The ways of points: what draws is undone, states are followed by the leapfrog method of the very energies that are
 * reported, Hamiltonians come in their order, and volumes change by exactly as much as is said. */
#include "points.h"

#define SMALL "width: [6, 5], encoder_width: [6]"

/* All that is different about ways; the last have many steps, far from the identity. */
static const char *const ways[] = {
    "name: nhf, flow: {hamiltonians: 3, steps: 2, dt: 0.3, " SMALL "}",
    "name: nhf, flow: {hamiltonians: 3, steps: 2, dt: 0.3, kinetic: fixed, " SMALL "}",
    "name: nhf, flow: {hamiltonians: 2, steps: 3, dt: 0.3, activation: swish, " SMALL "}",
    "name: nhf, flow: {hamiltonians: 2, steps: 3, dt: 0.3, activation: sigmoid, " SMALL "}",
    "name: nhf, flow: {hamiltonians: 4, steps: 12, dt: 0.1, activation: tanh, " SMALL "}",
    "name: nhf, flow: {hamiltonians: 4, steps: 12, dt: 0.1, kinetic: fixed, " SMALL "}",
    "name: rnvp, coupling: {layers: 4, width: [7, 5]}",
    "name: rnvp, coupling: {layers: 5, width: [6], activation: softplus, scale: 1}",
};
enum { WAYS = sizeof ways / sizeof *ways };

static bool couples(const char *words) { return strstr(words, "rnvp") != NULL; }

/* Out and back, and back and out, to rounding; and points have been somewhere else meanwhile. */
static void check_return(const char *words, int64_t dimension) {
  struct points points;
  points_open(&points, words, dimension, 9, GRAPH_F64, 3);
  const int64_t count = points.numbers;
  double *q = points_normal(GRAPH_F64, count, 1), *p = points_normal(GRAPH_F64, count, 2);
  double *x = points_zeros(GRAPH_F64, count), *y = points_zeros(GRAPH_F64, count);
  double *back_q = points_zeros(GRAPH_F64, count), *back_p = points_zeros(GRAPH_F64, count);
  const bool moves = point_model_moves(points.model);
  for (int outward = 0; outward < 2; outward++) {
    assert_ok((outward ? point_pass_draw : point_pass_return)(points.pass, q, p, x, y));
    assert_ok((outward ? point_pass_return : point_pass_draw)(points.pass, x, y, back_q, back_p));
    const double size = 1 + fmax(points_size(x, count), points_size(y, count));
    const double off = fmax(points_apart(q, back_q, count), moves ? points_apart(p, back_p, count) : 0);
    if (!(off < 1e-13 * size)) fail_msg("%s, D = %d: %.2g off after there and back", words, (int)dimension, off);
    if (!(points_apart(q, x, count) > 0.1)) fail_msg("%s, D = %d: points stay where they are", words, (int)dimension);
  }
  points_close(&points);
  free(q), free(p), free(x), free(y), free(back_q), free(back_p);
}

static void test_return(void **state) {
  (void)state;
  static const int64_t dimensions[] = {1, 2, 3, 10};
  for (int i = 0; i < WAYS; i++)
    for (int d = couples(ways[i]); d < 4; d++) check_return(ways[i], dimensions[d]);
}

/* ---- Steps ---- */

/* dV/dq[k] or dK/dp[k] of Hamiltonian i at one point, from the energies that are reported, to fourth order. */
static double slope(const struct points *points, int64_t i, const double *q, const double *p, int64_t k, bool kinetic) {
  static const double at[4] = {-2, -1, 1, 2}, weight[4] = {1. / 12, -8. / 12, 8. / 12, -1. / 12}, by = 1e-3;
  double result = 0, energy[2], moved[2][16];
  for (int side = 0; side < 4; side++) {
    memcpy(moved[0], q, (size_t)points->dimension * sizeof *q);
    memcpy(moved[1], p, (size_t)points->dimension * sizeof *p);
    moved[kinetic][k] += at[side] * by;
    assert_ok(point_pass_energy(points->pass, i, moved[0], moved[1], &energy[0], &energy[1]));
    result += weight[side] * energy[kinetic] / by;
  }
  return result;
}

/* Kick, drift, kick. */
static void follow(const struct points *points, int64_t i, double dt, double *q, double *p) {
  const int64_t dimension = points->dimension;
  double rate[16];
  for (int stage = 0; stage < 3; stage++) {
    const bool drift = stage == 1;
    for (int64_t k = 0; k < dimension; k++) rate[k] = slope(points, i, q, p, k, drift);
    for (int64_t k = 0; k < dimension; k++) {
      if (drift)
        q[k] += dt * rate[k];
      else
        p[k] -= 0.5 * dt * rate[k];
    }
  }
}

static void check_steps(const char *words, int64_t dimension) {
  struct points points;
  points_open(&points, words, dimension, 1, GRAPH_F64, 2);
  double *start[2] = {points_normal(GRAPH_F64, dimension, 3), points_normal(GRAPH_F64, dimension, 4)};
  for (int64_t i = 0; i < point_model_hamiltonians(points.model); i++) {
    double own[2][16], step[2][16];
    for (int half = 0; half < 2; half++) {
      memcpy(own[half], start[half], (size_t)dimension * sizeof(double));
      memcpy(step[half], start[half], (size_t)dimension * sizeof(double));
    }
    follow(&points, i, 0.7, own[0], own[1]);
    assert_ok(point_pass_step(points.pass, i, 0.7, step[0], step[1], step[0], step[1])); /* in place */
    const double off = fmax(points_apart(own[0], step[0], dimension), points_apart(own[1], step[1], dimension));
    if (!(off < 1e-9)) fail_msg("%s, Hamiltonian %d: a step is %.2g off kick, drift, kick", words, (int)i, off);
    assert_ok(point_pass_step(points.pass, i, -0.7, step[0], step[1], step[0], step[1]));
    const double undone = fmax(points_apart(start[0], step[0], dimension), points_apart(start[1], step[1], dimension));
    if (!(undone < 1e-14)) fail_msg("%s, Hamiltonian %d: a step back is %.2g off", words, (int)i, undone);
  }
  points_close(&points);
  free(start[0]), free(start[1]);
}

/* With a fixed kinetic energy, K = a^2 |p|^2 / 2. */
static void check_fixed_kinetic(void) {
  struct points points;
  points_open(&points, ways[1], 3, 1, GRAPH_F64, 1);
  points_tensor(&points, "kinetic.1.scale")[0] = -1.5;
  point_pass_parameters_changed(points.pass);
  const double q[3] = {0, 0, 0}, p[3] = {1, -2, 0.5};
  double potential, kinetic;
  assert_ok(point_pass_energy(points.pass, 1, q, p, &potential, &kinetic));
  assert_true(fabs(kinetic - 0.5 * 2.25 * 5.25) < 1e-14);
  points_close(&points);
}

static void test_steps(void **state) {
  (void)state;
  for (int i = 0; i < WAYS; i++)
    if (!couples(ways[i])) check_steps(ways[i], 1 + i % 3);
  check_fixed_kinetic();
}

/* A draw is all steps of the first Hamiltonian, then those of the second, and so on. */
static void check_order(const char *words) {
  struct points points;
  points_open(&points, words, 2, 5, GRAPH_F64, 2);
  const struct flow_settings *flow = &points.model->settings.flow;
  const int64_t count = points.numbers;
  double *q = points_normal(GRAPH_F64, count, 5), *p = points_normal(GRAPH_F64, count, 6);
  double *x = points_zeros(GRAPH_F64, count), *y = points_zeros(GRAPH_F64, count);
  assert_ok(point_pass_draw(points.pass, q, p, x, y));
  for (int64_t i = 0; i < flow->hamiltonians; i++)
    for (int64_t step = 0; step < flow->steps; step++) assert_ok(point_pass_step(points.pass, i, flow->dt, q, p, q, p));
  const double off = fmax(points_apart(q, x, count), points_apart(p, y, count));
  if (!(off < 1e-14 * (1 + points_size(x, count)))) fail_msg("%s: a draw is %.2g off its steps", words, off);
  points_close(&points);
  free(q), free(p), free(x), free(y);
}

static void test_order(void **state) {
  (void)state;
  for (int i = 0; i < WAYS; i++)
    if (!couples(ways[i])) check_order(ways[i]);
}

/* ---- Volumes ---- */

enum { SIDE_MAX = 20 };

/* log |det|, by Gauss' elimination; sign: of the determinant. */
static double log_determinant(double a[SIDE_MAX][SIDE_MAX], int64_t side, double *sign) {
  double sum = 0;
  *sign = 1;
  for (int64_t k = 0; k < side; k++) {
    int64_t best = k;
    for (int64_t i = k + 1; i < side; i++)
      if (fabs(a[i][k]) > fabs(a[best][k])) best = i;
    if (best != k) *sign = -*sign;
    for (int64_t j = 0; j < side; j++) {
      const double kept = a[k][j];
      a[k][j] = a[best][j];
      a[best][j] = kept;
    }
    if (a[k][k] < 0) *sign = -*sign;
    sum += log(fabs(a[k][k]));
    for (int64_t i = k + 1; i < side; i++) {
      const double factor = a[i][k] / a[k][k];
      for (int64_t j = k; j < side; j++) a[i][j] -= factor * a[k][j];
    }
  }
  return sum;
}

/* A plan of s' J and of the stretch, if there is one; J is the Jacobian at "x" of all numbers of a point. */
static struct plan *plan_row(const struct point_model *model, bool forward, int64_t side, bool *stretches) {
  struct graph *graph;
  struct plan *plan;
  struct value stretch, outputs[2];
  const int64_t shape[4] = {1, 1, 1, side}, dimension = model->dimension;
  const bool moves = point_model_moves(model);
  assert_ok(graph_create(&graph));
  point_networks_declare(model, graph);
  struct value x = graph_input(graph, "x", GRAPH_F64, 4, shape), seed = graph_input(graph, "seed", GRAPH_F64, 4, shape);
  struct phase z = {graph_slice(x, 3, 0, dimension), moves ? graph_slice(x, 3, dimension, dimension) : GRAPH_NONE};
  z = point_networks_flow(model, z, forward, &stretch);
  struct value end = moves ? graph_concatenate((const struct value[]){z.q, z.p}, 2, 3) : z.q;
  assert_ok(graph_vjp(&end, &seed, 1, &x, 1, &outputs[0]));
  outputs[1] = stretch;
  *stretches = value_valid(stretch);
  assert_ok(graph_status(graph));
  assert_ok(plan_compile(outputs, *stretches ? 2 : 1, NULL, &plan));
  graph_destroy(&graph);
  return plan;
}

static void check_volume(const char *words, int64_t dimension, bool forward) {
  struct points points;
  bool stretches;
  points_open(&points, words, dimension, 1, GRAPH_F64, 2);
  const int64_t side = point_model_moves(points.model) ? 2 * dimension : dimension;
  double jacobian[SIDE_MAX][SIDE_MAX], sign, off_diagonal = 0;
  double *x = points_normal(GRAPH_F64, side, 8), *seed = points_zeros(GRAPH_F64, side);
  struct plan *plan = plan_row(points.model, forward, side, &stretches);
  plan_bind_parameters(plan, points.parameters);
  assert_ok(plan_bind(plan, "x", x));
  assert_ok(plan_bind(plan, "seed", seed));
  for (int64_t i = 0; i < side; i++) {
    seed[i] = 1;
    assert_ok(plan_run(plan));
    memcpy(jacobian[i], plan_output(plan, 0), (size_t)side * sizeof(double));
    seed[i] = 0;
    for (int64_t j = 0; j < side; j++) off_diagonal = i == j ? off_diagonal : fmax(off_diagonal, fabs(jacobian[i][j]));
  }
  assert_true(off_diagonal > 0.01);
  const double stretch = stretches ? *(const double *)plan_output(plan, 1) : 0;
  const double off = log_determinant(jacobian, side, &sign) - stretch;
  if (!(fabs(off) < 1e-10) || sign < 0)
    fail_msg("%s, D = %d: log |det| is %.3g off, the determinant's sign %g", words, (int)dimension, off, sign);
  assert_true(stretches == couples(words) && (!stretches || fabs(stretch) > 0.01));
  plan_destroy(&plan);
  points_close(&points);
  free(x), free(seed);
}

static void test_volume(void **state) {
  (void)state;
  static const int64_t dimensions[] = {1, 2, 3, 10};
  for (int i = 0; i < WAYS; i++)
    for (int d = couples(ways[i]); d < 4; d++) check_volume(ways[i], dimensions[d], (i + d) % 2 == 0);
}

/* ---- Parameters ---- */

static int64_t count_parameters(const char *words, int64_t dimension) {
  struct points points;
  points_open(&points, words, dimension, 1, GRAPH_F32, 1);
  const int64_t count = layout_parameters(&points.model->layout);
  points_close(&points);
  return count;
}

/* The baseline has as many parameters as what it is the baseline of. */
static void test_counts(void **state) {
  (void)state;
  const int64_t dense = 128 * 128 + 128; /* between the hidden layers */
  const int64_t encoder = 2 * 128 + 128 + dense + 128 * 4 + 4, energy = 2 * 128 + 128 + dense + 128 + 1;
  const int64_t nhf = count_parameters("name: nhf", 2), rnvp = count_parameters("name: rnvp", 2);
  assert_int_equal(nhf, encoder + 8 * energy);
  assert_int_equal(rnvp, 8 * (136 + 136 + 136 * 136 + 136 + 136 * 2 + 2));
  assert_true(fabs((double)(nhf - rnvp)) < 0.01 * (double)nhf);
  assert_int_equal(count_parameters("name: nhf, flow: {kinetic: fixed}", 2), encoder + 4 * (energy + 1));
}

/* Every tensor has its network, by name; each graph finds every tensor where the block has it, whatever it uses. */
static void check_places(const char *words, const char *first, const char *last) {
  struct points points;
  struct value stretch;
  points_open(&points, words, 3, 4, GRAPH_F64, 1);
  const struct layout *layout = &points.model->layout;
  for (int kind = 0; kind < 2; kind++) {
    struct graph *graph;
    assert_ok(graph_create(&graph));
    point_networks_declare(points.model, graph);
    struct value x = graph_input(graph, "q", GRAPH_F64, 4, (const int64_t[]){4, 1, 1, 3});
    if (kind == 0)
      point_networks_weigh(points.model, graph, 4);
    else
      point_networks_flow(points.model, (struct phase){x, x}, true, &stretch);
    assert_int_equal(graph_parameter_count(graph), layout->tensors);
    assert_int_equal(graph_parameter_bytes(graph), layout_values(layout) * (int64_t)sizeof(double));
    for (int i = 0; i < layout->tensors; i++) {
      const struct graph_parameter_entry entry = graph_parameter_get(graph, i);
      assert_string_equal(entry.name, layout->tensor[i].name);
      assert_int_equal(entry.offset, layout->tensor[i].offset * (int64_t)sizeof(double));
    }
    graph_destroy(&graph);
  }
  assert_string_equal(layout->tensor[0].name, first);
  assert_string_equal(layout->tensor[layout->tensors - 1].name, last);
  for (int i = 0; i < layout->tensors; i++) {
    const char *network = layout->network[layout->tensor[i].network];
    assert_true(strncmp(network, layout->tensor[i].name, strlen(network)) == 0);
  }
  points_close(&points);
}

static void test_places(void **state) {
  (void)state;
  check_places(ways[0], "encoder.0.weight", "kinetic.2.2.bias");
  check_places(ways[1], "encoder.0.weight", "kinetic.2.scale");
  check_places(ways[6], "coupling.0.0.weight", "coupling.3.2.bias");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_return), cmocka_unit_test(test_steps),
                                     cmocka_unit_test(test_order),  cmocka_unit_test(test_volume),
                                     cmocka_unit_test(test_counts), cmocka_unit_test(test_places)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
