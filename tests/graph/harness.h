/* Running small graphs in tests: inputs drawn from a stream, outputs by value, finite differences. */
#ifndef HGN_TESTS_GRAPH_HARNESS_H
#define HGN_TESTS_GRAPH_HARNESS_H

#include "base/rng.h"
#include "graph/node.h"
#include "graph/plan.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HARNESS_INPUTS = 8, HARNESS_BLOCK = 1 << 16 };

/* Inputs "x0", "x1", ... of a graph in f64, with the memory they are bound to. Some may be parameters instead. */
struct harness {
  struct graph *graph;
  struct value input[HARNESS_INPUTS];
  double *data[HARNESS_INPUTS];
  int64_t elements[HARNESS_INPUTS];
  int count;
  const int64_t *index; /* bound to "index", where the graph has that input */
  unsigned parameters;  /* bit i: input i is a parameter; set before it is made */
  unsigned char *block; /* [HARNESS_BLOCK]: the parameters' */
};

/* An array of standard normal values, aligned as kernels are promised; and one of its elements. */
static inline void *harness_draw(const struct shape *shape, uint64_t index) {
  struct rng rng = rng_stream(11, RNG_TEST, index, 0);
  int64_t elements = shape_elements(shape);
  void *data = aligned_alloc(64, ((size_t)shape_bytes(shape) / 64 + 1) * 64);
  assert_non_null(data);
  if (shape->type == GRAPH_F32)
    rng_normal_f32(&rng, data, (int)elements);
  else
    rng_normal(&rng, data, (int)elements);
  return data;
}

static inline double harness_element(const struct shape *shape, const void *data, int64_t i) {
  return shape->type == GRAPH_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

static inline bool harness_is_parameter(const struct harness *harness, int i) { return harness->parameters >> i & 1; }

static inline void harness_open(struct harness *harness) {
  memset(harness, 0, sizeof *harness);
  assert_ok(graph_create(&harness->graph));
}

static inline void harness_close(struct harness *harness) {
  for (int i = 0; i < harness->count; i++)
    if (!harness_is_parameter(harness, i)) free(harness->data[i]);
  free(harness->block);
  graph_destroy(&harness->graph);
}

/* The memory of the parameter that was made last. */
static inline double *harness_place(struct harness *harness) {
  if (!harness->block) harness->block = aligned_alloc(64, HARNESS_BLOCK);
  assert_non_null(harness->block);
  assert_true(graph_parameter_bytes(harness->graph) <= HARNESS_BLOCK);
  struct graph_parameter_entry entry = graph_parameter_get(harness->graph, graph_parameter_count(harness->graph) - 1);
  return (double *)(void *)(harness->block + entry.offset);
}

/* A new input with standard normal values of this seed, scaled and shifted. */
static inline struct value harness_input(struct harness *harness, uint64_t seed, double scale, double shift, int rank,
                                         const int64_t *dim) {
  char name[16];
  int i = harness->count++;
  assert_true(i < HARNESS_INPUTS);
  snprintf(name, sizeof name, "x%d", i);
  harness->input[i] = harness_is_parameter(harness, i) ? graph_parameter(harness->graph, name, GRAPH_F64, rank, dim)
                                                       : graph_input(harness->graph, name, GRAPH_F64, rank, dim);
  assert_ok(graph_status(harness->graph));
  struct shape shape = value_shape(harness->input[i]);
  harness->elements[i] = shape_elements(&shape);
  harness->data[i] = harness_is_parameter(harness, i) ? harness_place(harness)
                                                      : malloc(((size_t)harness->elements[i] + 1) * sizeof(double));
  assert_non_null(harness->data[i]);
  struct rng rng = rng_stream(seed, RNG_TEST, (uint64_t)i, 0);
  rng_normal(&rng, harness->data[i], (int)harness->elements[i]);
  for (int64_t k = 0; k < harness->elements[i]; k++) harness->data[i][k] = shift + scale * harness->data[i][k];
  return harness->input[i];
}

static inline struct plan *harness_compile(const struct harness *harness, const struct value *outputs, int count,
                                           bool reference) {
  struct plan *plan;
  struct plan_options options = {.reference = reference};
  assert_ok(plan_compile(outputs, count, &options, &plan));
  for (int i = 0; i < harness->count; i++) {
    char name[16];
    snprintf(name, sizeof name, "x%d", i);
    if (!harness_is_parameter(harness, i)) assert_ok(plan_bind(plan, name, harness->data[i]));
  }
  if (harness->block) plan_bind_parameters(plan, harness->block);
  if (harness->index) assert_ok(plan_bind(plan, "index", harness->index));
  return plan;
}

/* A fixed random direction for input i. */
static inline double *harness_direction(const struct harness *harness, int i, uint64_t seed) {
  double *direction = malloc(((size_t)harness->elements[i] + 1) * sizeof(double));
  assert_non_null(direction);
  struct rng rng = rng_stream(seed, RNG_TEST, 1000 + (uint64_t)i, 0);
  rng_normal(&rng, direction, (int)harness->elements[i]);
  return direction;
}

/* The weighted sum of all elements of y: a scalar that depends on each of them in its own way. */
static inline struct value harness_scalar(struct harness *harness, struct value y, uint64_t seed) {
  struct shape shape = value_shape(y);
  struct value weight = harness_input(harness, seed, 1, 0, shape.rank, shape.dim);
  return graph_sum(graph_multiply(y, weight), GRAPH_ALL_AXES, false);
}

/* Largest relative difference between <gradient of s in input i, direction> and the central difference of s of fourth
 * order, over all of the first `count` inputs; s is output 0 of a plan whose further outputs are the gradients. */
static inline double harness_difference(struct harness *harness, struct value s, int count, double step,
                                        bool reference) {
  struct value gradient[HARNESS_INPUTS], outputs[HARNESS_INPUTS + 1];
  assert_ok(graph_grad(s, harness->input, count, gradient));
  outputs[0] = s;
  for (int i = 0; i < count; i++) outputs[1 + i] = gradient[i];
  struct plan *plan = harness_compile(harness, outputs, 1 + count, reference);
  struct plan *value = harness_compile(harness, outputs, 1, reference);
  double worst = 0;
  for (int i = 0; i < count; i++) {
    double *direction = harness_direction(harness, i, 77), *data = harness->data[i], slope = 0, size = 0,
           difference = 0;
    double *saved = malloc(((size_t)harness->elements[i] + 1) * sizeof *saved);
    assert_non_null(saved);
    memcpy(saved, data, (size_t)harness->elements[i] * sizeof *saved);
    assert_ok(plan_run(plan));
    const double *g = plan_output(plan, 1 + i);
    for (int64_t k = 0; k < harness->elements[i]; k++) {
      slope += g[k] * direction[k];
      size += fabs(g[k] * direction[k]);
    }
    static const double at[4] = {-2, -1, 1, 2}, weight[4] = {1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12};
    for (int p = 0; p < 4; p++) {
      for (int64_t k = 0; k < harness->elements[i]; k++) data[k] = saved[k] + at[p] * step * direction[k];
      assert_ok(plan_run(value));
      difference += weight[p] * *(const double *)plan_output(value, 0) / step;
    }
    memcpy(data, saved, (size_t)harness->elements[i] * sizeof *saved);
    double relative = fabs(slope - difference) / (size + 1e-3);
    worst = relative > worst || isnan(relative) ? relative : worst;
    free(direction);
    free(saved);
  }
  plan_destroy(&plan);
  plan_destroy(&value);
  return isnan(worst) ? INFINITY : worst;
}

#endif
