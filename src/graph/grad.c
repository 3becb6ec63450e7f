/* Reverse accumulation: cotangents flow from results to inputs as ordinary nodes. */
#include "graph/node.h"

#include <stdlib.h>

struct reverse {
  struct graph *graph;
  int32_t count;           /* nodes before any was added here: only they carry cotangents */
  bool *wanted;            /* [count] leads from an x */
  struct value *cotangent; /* [count] */
};

static void accumulate(struct reverse *reverse, int32_t id, struct value term) {
  struct value *sum = &reverse->cotangent[id];
  *sum = value_valid(*sum) ? graph_add(*sum, term) : term;
}

/* A node is worth following when an x stands behind it. */
static void mark_wanted(struct reverse *reverse, const struct value *x, int count) {
  for (int i = 0; i < count; i++) reverse->wanted[x[i].id] = true;
  for (int32_t id = 0; id < reverse->count; id++) {
    const struct node *node = &reverse->graph->nodes[id];
    for (int i = 0; i < node->input_count; i++)
      reverse->wanted[id] = reverse->wanted[id] || reverse->wanted[node->input[i]];
  }
}

static void flow(struct reverse *reverse) {
  for (int32_t id = reverse->count - 1; id >= 0; id--) {
    if (!reverse->wanted[id] || !value_valid(reverse->cotangent[id])) continue;
    struct value contribution[OP_INPUTS_MAX] = {GRAPH_NONE, GRAPH_NONE};
    struct node node = reverse->graph->nodes[id]; /* a copy: adding nodes moves them */
    op_table[node.op].derive((struct value){reverse->graph, id}, reverse->cotangent[id], contribution);
    for (int i = 0; i < node.input_count; i++)
      if (reverse->wanted[node.input[i]] && value_valid(contribution[i]))
        accumulate(reverse, node.input[i], contribution[i]);
  }
}

static enum status check_values(struct graph *graph, const char *what, const struct value *values, int count) {
  for (int i = 0; i < count; i++) {
    if (!value_valid(values[i]) || values[i].graph != graph) {
      graph_refuse(graph, STATUS_ARGUMENT, "graph_grad: %s %d is none, or of another graph", what, i + 1);
      return graph_status(graph);
    }
    if (node_get(values[i])->shape.type == GRAPH_I64) {
      graph_refuse(graph, STATUS_ARGUMENT, "graph_grad: %s %d is i64", what, i + 1);
      return graph_status(graph);
    }
  }
  return STATUS_OK;
}

static enum status check_seeds(struct graph *graph, const struct value *y, const struct value *seed, int count) {
  for (int i = 0; i < count; i++) {
    if (shape_equal(&node_get(y[i])->shape, &node_get(seed[i])->shape)) continue;
    graph_refuse(graph, STATUS_ARGUMENT, "graph_vjp: seed %d has not the shape of its result", i + 1);
    return graph_status(graph);
  }
  return STATUS_OK;
}

enum status graph_vjp(const struct value *y, const struct value *seed, int y_count, const struct value *x, int count,
                      struct value *gradient) {
  for (int i = 0; i < count; i++) gradient[i] = GRAPH_NONE;
  struct graph *graph = y_count > 0 ? y[0].graph : NULL;
  REQUIRE(graph, STATUS_ARGUMENT, "graph_grad: there is no result to differentiate");
  TRY(graph_status(graph));
  TRY(check_values(graph, "result", y, y_count));
  TRY(check_values(graph, "seed", seed, y_count));
  TRY(check_values(graph, "variable", x, count));
  TRY(check_seeds(graph, y, seed, y_count));
  struct reverse reverse = {.graph = graph, .count = graph->count};
  reverse.wanted = calloc((size_t)graph->count, sizeof *reverse.wanted);
  reverse.cotangent = calloc((size_t)graph->count, sizeof *reverse.cotangent);
  if (!reverse.wanted || !reverse.cotangent) {
    graph_refuse(graph, STATUS_MEMORY, "out of memory for a gradient of %d nodes", (int)graph->count);
  } else {
    mark_wanted(&reverse, x, count);
    for (int i = 0; i < y_count; i++) accumulate(&reverse, y[i].id, seed[i]);
    flow(&reverse);
    for (int i = 0; i < count; i++) {
      struct shape shape = node_get(x[i])->shape;
      gradient[i] = value_valid(reverse.cotangent[x[i].id]) ? reverse.cotangent[x[i].id]
                                                            : graph_fill(graph, 0, shape.type, shape.rank, shape.dim);
    }
  }
  free(reverse.wanted);
  free(reverse.cotangent);
  return graph_status(graph);
}

enum status graph_grad(struct value y, const struct value *x, int count, struct value *gradient) {
  for (int i = 0; i < count; i++) gradient[i] = GRAPH_NONE;
  REQUIRE(y.graph, STATUS_ARGUMENT, "graph_grad: there is no result to differentiate");
  TRY(graph_status(y.graph));
  TRY(check_values(y.graph, "result", &y, 1));
  struct shape shape = node_get(y)->shape;
  if (shape_elements(&shape) != 1) {
    char text[96];
    graph_refuse(y.graph, STATUS_ARGUMENT, "graph_grad of %s: the result must have one element",
                 shape_text(&shape, text, sizeof text));
    return graph_status(y.graph);
  }
  struct value one = graph_fill(y.graph, 1, shape.type, shape.rank, shape.dim);
  return graph_vjp(&y, &one, 1, x, count, gradient);
}
