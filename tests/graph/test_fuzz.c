/* Random calls of the builder, right and wrong, never crash: they give values or an error that stays. What is whole is
 * compiled and run.
 */
#include "harness.h"

enum { CALLS = 40, KINDS = 30 };

static int64_t random_dim(struct rng *rng) {
  static const int64_t dims[] = {0, 1, 1, 2, 2, 3, 4, 4, 5, 8};
  return dims[rng_below(rng, sizeof dims / sizeof dims[0])];
}

static int random_shape(struct rng *rng, int64_t *dim) {
  int rank = (int)rng_below(rng, 60) == 0 ? 6 : (int)rng_below(rng, 5);
  for (int i = 0; i < rank; i++) dim[i] = rng_below(rng, 200) == 0 ? (int64_t)1 << rng_below(rng, 60) : random_dim(rng);
  return rank;
}

static struct conv_options random_options(struct rng *rng) {
  return (struct conv_options){(int64_t)rng_below(rng, 4) - (int64_t)(rng_below(rng, 20) == 0), random_dim(rng),
                               random_dim(rng), random_dim(rng), random_dim(rng)};
}

static struct value random_source(struct rng *rng, struct graph *graph, int number) {
  int64_t dim[8] = {0};
  int rank = random_shape(rng, dim);
  char name[16];
  enum graph_type type = rng_below(rng, 12) == 0 ? GRAPH_I64 : rng_below(rng, 5) == 0 ? GRAPH_F64 : GRAPH_F32;
  snprintf(name, sizeof name, "v%d", rng_below(rng, 100) == 0 ? 0 : number);
  if (type == GRAPH_I64 && rng_below(rng, 2)) rank = 1, dim[0] = 3;
  switch (rng_below(rng, 3)) {
  case 0:
    return graph_parameter(graph, name, type, rank, dim);
  case 1:
    return graph_fill(graph, 1.5, type, rank, dim);
  default:
    return graph_input(graph, name, type, rank, dim);
  }
}

static struct value random_call(struct rng *rng, struct value x, struct value y) {
  int64_t dim[8] = {0};
  int rank = random_shape(rng, dim), axis = (int)rng_below(rng, 6) - 1;
  struct value parts[3] = {x, y, x}, gradient[2];
  switch (rng_below(rng, KINDS)) {
  case 0:
    return graph_add(x, y);
  case 1:
    return graph_subtract(x, y);
  case 2:
    return graph_multiply(x, y);
  case 3:
    return graph_divide(x, y);
  case 4:
    return graph_scale(x, -0.5);
  case 5:
    return graph_exp(x);
  case 6:
    return graph_log(x);
  case 7:
    return graph_sqrt(x);
  case 8:
    return graph_tanh(graph_sin(x));
  case 9:
    return graph_softplus(graph_swish(x));
  case 10:
    return graph_leaky_relu(x, (double)rng_below(rng, 4) * 0.5 - 0.5);
  case 11:
    return graph_clamp(x, -1, (double)rng_below(rng, 4) - 2);
  case 12:
    return graph_reshape(x, rank, dim);
  case 13:
    return graph_broadcast(x, rank, dim);
  case 14:
    return graph_slice(x, axis, (int64_t)rng_below(rng, 4) - 1, random_dim(rng));
  case 15:
    return graph_pad(x, axis, random_dim(rng), random_dim(rng));
  case 16:
    return graph_concatenate(parts, (int)rng_below(rng, 4), axis);
  case 17:
    return graph_gather(x, y);
  case 18:
    return graph_scatter(x, y, random_dim(rng));
  case 19:
    return graph_sum(x, (unsigned)rng_below(rng, 20), rng_below(rng, 2) == 0);
  case 20:
    return graph_mean(x, GRAPH_ALL_AXES, false);
  case 21:
    return graph_logsumexp(x, (unsigned)rng_below(rng, 16), true);
  case 22:
    return graph_matmul(x, y, rng_below(rng, 2) == 0, rng_below(rng, 2) == 0);
  case 23:
    return graph_conv(x, y, rng_below(rng, 2) == 0 ? conv_same(x, y, 1) : random_options(rng));
  case 24:
    return graph_conv_input_gradient(x, y, random_dim(rng), random_dim(rng), random_options(rng));
  case 25:
    return graph_conv_weight_gradient(x, y, random_dim(rng), random_dim(rng), random_options(rng));
  case 26:
    return graph_bias(x, y);
  case 27:
    switch (rng_below(rng, 3)) {
    case 0:
      return graph_upsample2(x);
    case 1:
      return graph_upsample2_adjoint(x);
    default:
      return graph_mirror(x);
    }
  case 28:
    return graph_normal(x, rng_below(rng, 2) == 0 ? GRAPH_F32 : GRAPH_F64, rank, dim);
  default:
    return graph_grad(graph_sum(x, GRAPH_ALL_AXES, false), parts, 2, gradient) == STATUS_OK ? gradient[1] : GRAPH_NONE;
  }
}

/* Whatever has come out, compiled within a limit, with zeros for inputs. */
static bool run_graph(struct graph *graph, const struct value *outputs, int count) {
  static unsigned char zeros[1 << 22];
  struct plan_options options = {.memory_limit = sizeof zeros};
  struct plan *plan;
  enum status status = plan_compile(outputs, count, &options, &plan);
  bool small = status == STATUS_OK && graph_parameter_bytes(graph) < (int64_t)sizeof zeros;
  for (int32_t id = 0; status == STATUS_OK && id < graph->count; id++) {
    const struct node *node = &graph->nodes[id];
    small = small && shape_bytes(&node->shape) < (int64_t)sizeof zeros;
    if (node->op == OP_input) assert_ok(plan_bind(plan, node->name, zeros));
  }
  if (small) {
    plan_bind_parameters(plan, zeros);
    status = plan_run(plan);
  }
  assert_true(status == STATUS_OK || status == STATUS_MEMORY || status == STATUS_NUMERIC ||
              status == STATUS_UNAVAILABLE);
  plan_destroy(&plan);
  status_clear();
  return small;
}

/* A wrong call ends a graph, so it is taken back: the graph is built anew without it. */
static void random_calls_never_crash(void **unused) {
  (void)unused;
  int ran = 0, refused = 0;
  for (uint64_t seed = 0; seed < 1500; seed++) {
    struct rng rng = rng_stream(seed, RNG_TEST, 2, 0);
    struct graph *graph;
    struct value pool[CALLS + 4], outputs[3];
    int count = 0;
    assert_ok(graph_create(&graph));
    for (int i = 0; i < 4; i++) {
      pool[count] = random_source(&rng, graph, i);
      if (value_valid(pool[count])) count++;
    }
    int wanted = (int)rng_below(&rng, CALLS);
    for (int i = 0; i < wanted && count > 0; i++) {
      struct value z =
          random_call(&rng, pool[rng_below(&rng, (uint64_t)count)], pool[rng_below(&rng, (uint64_t)count)]);
      refused += !value_valid(z);
      if (rng_below(&rng, 50) != 0) { /* mostly go on as if nothing had been: what a test may, and no model can */
        graph->status = STATUS_OK;
        status_clear();
      }
      if (value_valid(z) && count < CALLS + 4) pool[count++] = z;
    }
    for (int i = 0; i < 3 && count > 0; i++) outputs[i] = pool[rng_below(&rng, (uint64_t)count)];
    if (count > 0 && graph_status(graph) == STATUS_OK) ran += run_graph(graph, outputs, 3);
    status_clear();
    graph_destroy(&graph);
  }
  assert_true(ran > 300 && refused > 3000);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_calls_never_crash)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
