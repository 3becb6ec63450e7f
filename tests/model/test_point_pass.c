/* Gradients of log weights against differences, first and second; points that do not see each other; wrong use. */
#include "points.h"

#define SMALL "width: [4, 3], encoder_width: [4]"

static const char *const ways[] = {
    "name: nhf, flow: {hamiltonians: 2, steps: 2, dt: 0.4, activation: softplus, encoder_activation: tanh, " SMALL "}",
    "name: nhf, flow: {hamiltonians: 2, steps: 1, dt: 0.4, activation: swish, encoder_activation: swish, " SMALL "}",
    "name: nhf, flow: {hamiltonians: 2, steps: 2, dt: 0.4, activation: tanh, kinetic: fixed, encoder_activation: "
    "tanh, " SMALL "}",
    "name: rnvp, coupling: {layers: 3, width: [5]}",
    "name: rnvp, coupling: {layers: 2, width: [4, 3], activation: swish, scale: 0.7}",
    /* Energies have to be smooth for forces to have derivatives; encoders and couplings may have corners. */
    "name: nhf, flow: {hamiltonians: 1, steps: 2, dt: 0.4, activation: sigmoid, encoder_activation: relu, " SMALL "}",
    "name: nhf, flow: {hamiltonians: 1, steps: 1, dt: 0.4, activation: tanh, encoder_activation: leaky_relu, " SMALL
    "}",
    "name: nhf, flow: {hamiltonians: 1, steps: 1, dt: 0.4, activation: softplus, kinetic: fixed, encoder_activation: "
    "sigmoid, " SMALL "}",
    "name: rnvp, coupling: {layers: 3, width: [4], activation: leaky_relu, scale: 0.6}",
    "name: rnvp, coupling: {layers: 2, width: [3], activation: sigmoid}",
    "name: rnvp, coupling: {layers: 2, width: [4], activation: relu}",
    "name: rnvp, coupling: {layers: 2, width: [3], activation: softplus}"};
enum { WAYS = sizeof ways / sizeof *ways, BATCH = 6 };

/* sum(weight log_weight), and its gradient if that is wanted: of K momenta a point. */
struct slope {
  struct points points;
  int64_t momenta, values;
  double *x, *noise, weight[BATCH];
};

static void slope_open(struct slope *slope, const char *words, int64_t dimension, int64_t momenta) {
  points_open(&slope->points, words, dimension, BATCH, GRAPH_F64, 1.5);
  point_pass_momenta(slope->points.pass, momenta);
  slope->momenta = momenta;
  slope->values = layout_values(&slope->points.model->layout);
  slope->x = points_normal(GRAPH_F64, slope->points.numbers, 1);
  slope->noise = points_normal(GRAPH_F64, slope->points.numbers, 2);
  for (int i = 0; i < BATCH; i++) slope->weight[i] = 0.3 + 0.1 * i;
}

static void slope_close(struct slope *slope) {
  points_close(&slope->points);
  free(slope->x), free(slope->noise);
}

static double slope_value(struct slope *slope, double *gradient) {
  double log_weight[BATCH], sum = 0;
  memset(gradient, 0, (size_t)slope->values * sizeof *gradient);
  point_pass_parameters_changed(slope->points.pass);
  assert_ok(point_pass_weigh_gradient(slope->points.pass, slope->x, slope->noise, slope->weight, log_weight, gradient));
  for (int64_t i = 0; i < BATCH / slope->momenta; i++) sum += slope->weight[i] * log_weight[i];
  return sum;
}

/* The bound of K momenta is what K single weights give. */
static void check_value(struct slope *slope, double value) {
  double log_weight[BATCH], sum = 0;
  assert_ok(point_pass_weigh(slope->points.pass, slope->x, slope->noise, log_weight));
  for (int64_t i = 0; i < BATCH / slope->momenta; i++) {
    double mean = 0;
    for (int64_t k = 0; k < slope->momenta; k++) mean += exp(log_weight[i * slope->momenta + k]);
    sum += slope->weight[i] * log(mean / (double)slope->momenta);
  }
  assert_true(fabs(value - sum) < 1e-10 * (1 + fabs(sum)));
}

static void check_gradient(const char *words, int64_t dimension, int64_t momenta) {
  struct slope slope;
  slope_open(&slope, words, dimension, momenta);
  const struct layout *layout = &slope.points.model->layout;
  double *parameters = slope.points.parameters, *exact = points_zeros(GRAPH_F64, slope.values),
         *unused = points_zeros(GRAPH_F64, slope.values);
  check_value(&slope, slope_value(&slope, exact));
  for (int t = 0; t < layout->tensors; t++)
    for (int64_t i = layout->tensor[t].offset; i < layout->tensor[t].offset + layout->tensor[t].count; i++) {
      const double by = 1e-5, kept = parameters[i];
      parameters[i] = kept + by;
      const double above = slope_value(&slope, unused);
      parameters[i] = kept - by;
      const double below = slope_value(&slope, unused), difference = (above - below) / (2 * by);
      parameters[i] = kept;
      if (!(fabs(exact[i] - difference) < 2e-8 * (1 + fabs(difference))))
        fail_msg("%s, K %d: %s[%d]: %.10g, by differences %.10g", words, (int)momenta, layout->tensor[t].name,
                 (int)(i - layout->tensor[t].offset), exact[i], difference);
    }
  slope_close(&slope);
  free(exact), free(unused);
}

static void test_gradient(void **state) {
  (void)state;
  for (int i = 0; i < WAYS; i++) check_gradient(ways[i], 2, 1);
  check_gradient(ways[1], 1, 1);
  check_gradient(ways[2], 3, 1);
  check_gradient(ways[4], 5, 1);
  for (int i = 0; i < 3; i++) check_gradient(ways[i], 2, 3);
}

/* ---- Second order ---- */

/* The product of the Hessian and a direction, from a graph of the gradient's gradient, in the layout of the block. */
static void hessian_product(struct slope *slope, const double *direction, double *product) {
  const struct point_model *model = slope->points.model;
  const struct layout *layout = &model->layout;
  struct graph *graph;
  struct plan *plan;
  struct value outputs[64], gradient[64], sum = GRAPH_NONE;
  int count = 0;
  assert_true(layout->tensors <= 64);
  assert_ok(graph_create(&graph));
  point_networks_declare(model, graph);
  struct value log_weight = point_networks_weigh(model, graph, BATCH);
  struct value weight = graph_input(graph, "weight", GRAPH_F64, 1, (const int64_t[]){BATCH});
  assert_ok(gradients_append(graph, &log_weight, &weight, 1, NULL, 0, gradient, &count));
  for (int t = 0; t < layout->tensors; t++) {
    char name[32];
    const struct shape shape = layout->tensor[t].shape;
    snprintf(name, sizeof name, "direction.%d", t);
    struct value along = graph_input(graph, name, GRAPH_F64, shape.rank, shape.dim);
    struct value part = graph_sum(graph_multiply(gradient[t], along), GRAPH_ALL_AXES, false);
    sum = value_valid(sum) ? graph_add(sum, part) : part;
  }
  struct value one = graph_fill(graph, 1, GRAPH_F64, 0, NULL);
  count = 0;
  assert_ok(gradients_append(graph, &sum, &one, 1, NULL, 0, outputs, &count));
  assert_ok(plan_compile(outputs, count, NULL, &plan));
  plan_bind_parameters(plan, slope->points.parameters);
  assert_ok(plan_bind(plan, "x", slope->x));
  if (point_model_moves(model)) assert_ok(plan_bind(plan, "noise", slope->noise));
  assert_ok(plan_bind(plan, "weight", slope->weight));
  for (int t = 0; t < layout->tensors; t++) {
    char name[32];
    snprintf(name, sizeof name, "direction.%d", t);
    assert_ok(plan_bind(plan, name, direction + layout->tensor[t].offset));
  }
  assert_ok(gradients_bind(plan, layout, 0, 0, GRAPH_F64, product));
  assert_ok(plan_run(plan));
  plan_destroy(&plan);
  graph_destroy(&graph);
}

static void check_second(const char *words) {
  struct slope slope;
  slope_open(&slope, words, 2, 1);
  double *parameters = slope.points.parameters, *direction = points_normal(GRAPH_F64, slope.values, 5),
         *product = points_zeros(GRAPH_F64, slope.values), *above = points_zeros(GRAPH_F64, slope.values),
         *below = points_zeros(GRAPH_F64, slope.values);
  const double by = 1e-5;
  hessian_product(&slope, direction, product);
  for (int64_t i = 0; i < slope.values; i++) parameters[i] += by * direction[i];
  slope_value(&slope, above);
  for (int64_t i = 0; i < slope.values; i++) parameters[i] -= 2 * by * direction[i];
  slope_value(&slope, below);
  const double size = points_size(product, slope.values);
  assert_true(size > 0.1);
  for (int64_t i = 0; i < slope.values; i++) {
    const double difference = (above[i] - below[i]) / (2 * by);
    if (!(fabs(product[i] - difference) < 1e-7 * (1 + size)))
      fail_msg("%s: number %d of the product: %.10g, by differences %.10g", words, (int)i, product[i], difference);
  }
  slope_close(&slope);
  free(direction), free(product), free(above), free(below);
}

static void test_second(void **state) {
  (void)state;
  for (int i = 0; i < WAYS; i++) check_second(ways[i]);
}

/* ---- Batches ---- */

/* A gradient is added to what there is, and both ways to weigh have the same bits. */
static void test_adding(void **state) {
  (void)state;
  struct slope slope;
  double log_weight[BATCH], alone[BATCH];
  slope_open(&slope, ways[0], 2, 1);
  double *once = points_zeros(GRAPH_F64, slope.values), *twice = points_zeros(GRAPH_F64, slope.values);
  slope_value(&slope, once);
  for (int round = 0; round < 2; round++)
    assert_ok(point_pass_weigh_gradient(slope.points.pass, slope.x, slope.noise, slope.weight, log_weight, twice));
  for (int64_t i = 0; i < slope.values; i++) assert_true(twice[i] == 2 * once[i]);
  assert_ok(point_pass_weigh(slope.points.pass, slope.x, slope.noise, alone));
  assert_memory_equal(alone, log_weight, sizeof alone);
  slope_close(&slope);
  free(once), free(twice);
}

/* In f32 as training has it: a point's weight is the same to the bit whoever stands beside it. */
static void test_apart(void **state) {
  (void)state;
  enum { MANY = 32 };
  static const char *const words[] = {"name: nhf", "name: rnvp"};
  for (int model = 0; model < 2; model++) {
    struct points points;
    double first[MANY], second[MANY];
    points_open(&points, words[model], 2, MANY, GRAPH_F32, 1);
    float *x = points_normal(GRAPH_F32, points.numbers, 1), *noise = points_normal(GRAPH_F32, points.numbers, 2);
    assert_ok(point_pass_weigh(points.pass, x, noise, first));
    for (int i = 0; i < MANY; i += 2) x[2 * i] = i % 4 == 0 ? NAN : 7 * x[2 * i + 1];
    assert_ok(point_pass_weigh(points.pass, x, noise, second));
    for (int i = 0; i < MANY; i++) assert_int_equal(i % 2 == 1, memcmp(&second[i], &first[i], sizeof *first) == 0);
    assert_true(isnan(second[0]));
    points_close(&points);
    free(x), free(noise);
  }
}

enum { CARRIED = 19 }; /* odd: kernels have a rest */

/* All that carries points: two arrays of f32 numbers in, two out; energies have one number of each point. */
static void carry(struct point_pass *pass, int kind, const float *q, const float *p, float *to_q, float *to_p) {
  double energy[2][CARRIED];
  switch (kind) {
  case 0:
    assert_ok(point_pass_draw(pass, q, p, to_q, to_p));
    return;
  case 1:
    assert_ok(point_pass_return(pass, q, p, to_q, to_p));
    return;
  case 2:
    assert_ok(point_pass_step(pass, 1, 0.3, q, p, to_q, to_p));
    return;
  default:
    assert_ok(point_pass_energy(pass, 1, q, p, energy[0], energy[1]));
    for (int i = 0; i < CARRIED; i++) {
      to_q[2 * i] = to_q[2 * i + 1] = (float)energy[0][i];
      to_p[2 * i] = to_p[2 * i + 1] = (float)energy[1][i];
    }
  }
}

/* The same of what carries points. */
static void test_carried_apart(void **state) {
  (void)state;
  static const char *const words[] = {"name: nhf", "name: rnvp"};
  for (int kind = 0; kind < 6; kind++) {
    struct points points;
    float *arrays[6];
    points_open(&points, words[kind >= 4], 2, CARRIED, GRAPH_F32, 1);
    for (uint64_t i = 0; i < 6; i++) arrays[i] = points_normal(GRAPH_F32, points.numbers, i);
    carry(points.pass, kind % 4, arrays[0], arrays[1], arrays[2], arrays[3]);
    for (int i = 0; i < CARRIED; i += 2) arrays[0][2 * i + 1] = arrays[1][2 * i] = i % 4 == 0 ? NAN : 3 + (float)i;
    carry(points.pass, kind % 4, arrays[0], arrays[1], arrays[4], arrays[5]);
    for (int i = 0; i < CARRIED; i++)
      for (int half = 0; half < (kind >= 4 ? 1 : 2); half++) {
        const float *before = arrays[2 + half] + (ptrdiff_t)2 * i, *after = arrays[4 + half] + (ptrdiff_t)2 * i;
        if ((memcmp(before, after, 2 * sizeof *before) == 0) != (i % 2 == 1))
          fail_msg("kind %d: point %d %s", kind, i, i % 2 == 1 ? "is changed by others" : "is what it was");
      }
    points_close(&points);
    for (int i = 0; i < 6; i++) free(arrays[i]);
  }
}

static void test_wrong(void **state) {
  (void)state;
  struct model_settings settings;
  struct point_model *model;
  struct points points;
  double numbers[4] = {0};
  points_settings("name: rnvp", &settings);
  assert_status(STATUS_CONFIG, point_model_create(&settings, 1, GRAPH_F32, &model));
  assert_non_null(strstr(status_message(), "points of one number have none"));
  assert_null(model);
  points_open(&points, "name: nhf, flow: {width: [3], encoder_width: [3]}", 2, 2, GRAPH_F64, 1);
  assert_status(STATUS_ARGUMENT, point_pass_step(points.pass, 4, 0.1, numbers, numbers, numbers, numbers));
  assert_non_null(strstr(status_message(), "no Hamiltonian 4"));
  assert_status(STATUS_ARGUMENT, point_pass_step(points.pass, -1, 0.1, numbers, numbers, numbers, numbers));
  assert_status(STATUS_ARGUMENT, point_pass_weigh(points.pass, numbers, NULL, numbers));
  assert_status(STATUS_ARGUMENT, point_pass_draw(points.pass, numbers, NULL, numbers, numbers));
  assert_status(STATUS_ARGUMENT, point_pass_draw(points.pass, NULL, numbers, numbers, numbers));
  assert_status(STATUS_ARGUMENT, point_pass_return(points.pass, numbers, numbers, numbers, NULL));
  assert_status(STATUS_ARGUMENT, point_pass_energy(points.pass, 0, numbers, NULL, numbers, numbers));
  /* An array is needed anew in each call, and what was missing is no harm to the next. */
  assert_ok(point_pass_weigh(points.pass, numbers, numbers, numbers));
  assert_status(STATUS_ARGUMENT, point_pass_weigh(points.pass, numbers, NULL, numbers));
  assert_status(STATUS_ARGUMENT, point_pass_weigh(points.pass, NULL, numbers, numbers));
  points_close(&points);
  points_open(&points, "name: rnvp, coupling: {width: [3]}", 2, 2, GRAPH_F64, 1);
  assert_ok(point_pass_weigh(points.pass, numbers, NULL, numbers));
  assert_ok(point_pass_draw(points.pass, numbers, NULL, numbers, NULL));
  assert_status(STATUS_ARGUMENT, point_pass_step(points.pass, 0, 0.1, numbers, numbers, numbers, numbers));
  points_close(&points);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_gradient),      cmocka_unit_test(test_second),
                                     cmocka_unit_test(test_adding),        cmocka_unit_test(test_apart),
                                     cmocka_unit_test(test_carried_apart), cmocka_unit_test(test_wrong)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
