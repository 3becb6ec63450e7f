#include "graph/node.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status graph_create(struct graph **graph) {
  *graph = calloc(1, sizeof **graph);
  REQUIRE(*graph, STATUS_MEMORY, "out of memory for a graph");
  return STATUS_OK;
}

void graph_destroy(struct graph **graph) {
  if (!*graph) return;
  for (int32_t i = 0; i < (*graph)->count; i++) free((*graph)->nodes[i].name);
  free((*graph)->nodes);
  free((*graph)->buckets);
  free((*graph)->parameters);
  free(*graph);
  *graph = NULL;
}

enum status graph_status(const struct graph *graph) {
  return graph->status == STATUS_OK ? STATUS_OK : status_raise(graph->status, "%s", graph->message);
}

struct value graph_refuse(struct graph *graph, enum status status, const char *format, ...) {
  if (graph && graph->status == STATUS_OK) {
    va_list list;
    graph->status = status;
    va_start(list, format);
    vsnprintf(graph->message, sizeof graph->message, format, list);
    va_end(list);
  }
  return GRAPH_NONE;
}

bool value_valid(struct value value) { return value.graph && value.id >= 0 && value.id < value.graph->count; }

const struct node *node_get(struct value value) { return &value.graph->nodes[value.id]; }

struct value node_input(struct value value, int index) {
  return (struct value){value.graph, node_get(value)->input[index]};
}

struct shape value_shape(struct value value) {
  return value_valid(value) ? node_get(value)->shape : (struct shape){.type = GRAPH_F32, .rank = 0};
}

int graph_node_count(const struct graph *graph) { return graph->count; }
int graph_parameter_count(const struct graph *graph) { return graph->parameter_count; }
int64_t graph_parameter_bytes(const struct graph *graph) { return graph->parameter_bytes; }

struct graph_parameter_entry graph_parameter_get(const struct graph *graph, int index) {
  const struct node *node = &graph->nodes[graph->parameters[index]];
  return (struct graph_parameter_entry){node->name, node->shape, node->offset, shape_bytes(&node->shape)};
}

/* ---- Sharing: a hash table of all nodes ---- */

static uint64_t mix(uint64_t hash, const void *bytes, size_t size) {
  const unsigned char *byte = bytes;
  for (size_t i = 0; i < size; i++) hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
  return hash;
}

static uint64_t node_hash(const struct node *node) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  hash = mix(hash, &node->op, sizeof node->op);
  hash = mix(hash, node->input, sizeof node->input);
  hash = mix(hash, &node->attributes, sizeof node->attributes);
  hash = mix(hash, node->shape.dim, sizeof node->shape.dim);
  if (node->name) hash = mix(hash, node->name, strlen(node->name));
  return hash ^ hash >> 32;
}

static bool node_same(const struct node *a, const struct node *b) {
  bool named = a->name && b->name ? strcmp(a->name, b->name) == 0 : a->name == b->name;
  return named && a->op == b->op && memcmp(a->input, b->input, sizeof a->input) == 0 &&
         memcmp(&a->attributes, &b->attributes, sizeof a->attributes) == 0 && shape_equal(&a->shape, &b->shape);
}

/* The bucket that holds this node, or the empty one where it belongs. */
static int32_t *find_bucket(const struct graph *graph, const struct node *node) {
  uint64_t mask = (uint64_t)graph->bucket_count - 1;
  for (uint64_t at = node_hash(node) & mask;; at = (at + 1) & mask) {
    int32_t *bucket = &graph->buckets[at];
    if (*bucket == 0 || node_same(&graph->nodes[*bucket - 1], node)) return bucket;
  }
}

static bool grow(struct graph *graph) {
  if (graph->count < graph->capacity) return true;
  if (graph->capacity > INT32_MAX / 8) return false;
  int32_t capacity = graph->capacity > 0 ? 2 * graph->capacity : 64;
  struct node *nodes = realloc(graph->nodes, (size_t)capacity * sizeof *nodes);
  if (!nodes) return false;
  graph->nodes = nodes;
  int32_t *buckets = calloc((size_t)capacity * 2, sizeof *buckets);
  if (!buckets) return false;
  free(graph->buckets);
  graph->buckets = buckets;
  graph->bucket_count = 2 * capacity;
  graph->capacity = capacity;
  for (int32_t i = 0; i < graph->count; i++) *find_bucket(graph, &graph->nodes[i]) = i + 1;
  return true;
}

static struct value insert(struct graph *graph, struct node *node) {
  if (!grow(graph)) return graph_refuse(graph, STATUS_MEMORY, "out of memory for %d nodes", graph->count + 1);
  int32_t *bucket = find_bucket(graph, node);
  if (*bucket == 0) {
    graph->nodes[graph->count] = *node;
    *bucket = ++graph->count;
    node->name = NULL; /* handed over */
  }
  return (struct value){graph, *bucket - 1};
}

/* ---- Adding ---- */

static struct value refuse_inputs(struct graph *graph, enum graph_op op, const struct value *inputs, int count,
                                  const struct shape *given, const char *why) {
  char text[OP_INPUTS_MAX][96] = {"", ""}, target[96] = "";
  for (int i = 0; i < count && i < OP_INPUTS_MAX; i++) shape_text(&node_get(inputs[i])->shape, text[i], sizeof text[i]);
  if (given) shape_text(given, target, sizeof target);
  return graph_refuse(graph, STATUS_ARGUMENT, "graph %s of %s%s%s%s%s: %s", op_table[op].name, text[0],
                      count == 2 ? " and " : "", text[1], given && count > 0 ? " to " : "", target, why);
}

/* a + b and a b have the same bits as b + a and b a. */
static void order_inputs(struct node *node) {
  if ((node->op == OP_add || node->op == OP_multiply) && node->input[0] > node->input[1]) {
    int32_t first = node->input[0];
    node->input[0] = node->input[1];
    node->input[1] = first;
  }
}

struct value node_add(struct graph *graph, enum graph_op op, const struct value *inputs, int count,
                      const struct op_attributes *attributes, const struct shape *shape) {
  struct node node = {.op = op, .input_count = count, .input = {-1, -1}};
  const struct shape *shapes[OP_INPUTS_MAX] = {NULL};
  if (attributes) node.attributes = *attributes;
  if (shape) node.shape = *shape;
  for (int i = 0; i < count; i++) {
    shapes[i] = &node_get(inputs[i])->shape;
    node.input[i] = inputs[i].id;
  }
  const char *why = op_table[op].shape(shapes, &node.attributes, &node.shape);
  if (why) return refuse_inputs(graph, op, inputs, count, shape, why);
  struct value simpler = fold_node(graph, op, inputs, &node.attributes, &node.shape);
  if (value_valid(simpler)) return simpler;
  order_inputs(&node);
  return insert(graph, &node);
}

/* ---- Sources ---- */

static bool name_taken(const struct graph *graph, const char *name) {
  for (int32_t i = 0; i < graph->count; i++)
    if (graph->nodes[i].name && strcmp(graph->nodes[i].name, name) == 0) return true;
  return false;
}

static struct value add_named(struct graph *graph, enum graph_op op, const char *name, const struct shape *shape,
                              int64_t offset) {
  struct node node = {.op = op, .input = {-1, -1}, .shape = *shape, .offset = offset};
  const char *why = op_table[op].shape(NULL, &node.attributes, &node.shape);
  if (why) return refuse_inputs(graph, op, NULL, 0, shape, why);
  size_t length = strlen(name);
  if (length < 1 || length > GRAPH_NAME_MAX || name_taken(graph, name))
    return graph_refuse(graph, STATUS_ARGUMENT, "graph %s: the name \"%.64s\" is %s", op_table[op].name, name,
                        length < 1 || length > GRAPH_NAME_MAX ? "not of 1 to 63 characters" : "there already");
  node.name = malloc(length + 1);
  if (!node.name) return graph_refuse(graph, STATUS_MEMORY, "out of memory for a name");
  memcpy(node.name, name, length + 1);
  struct value value = insert(graph, &node);
  free(node.name);
  return value;
}

struct value graph_input(struct graph *graph, const char *name, enum graph_type type, int rank, const int64_t *dim) {
  struct shape shape = shape_make(type, rank, dim);
  return add_named(graph, OP_input, name, &shape, 0);
}

struct value graph_parameter(struct graph *graph, const char *name, enum graph_type type, int rank,
                             const int64_t *dim) {
  const int64_t alignment = 64;
  struct shape shape = shape_make(type, rank, dim);
  if (type == GRAPH_I64) return graph_refuse(graph, STATUS_ARGUMENT, "graph parameter \"%.64s\": i64", name);
  for (int i = 0; i < graph->parameter_count; i++) {
    const struct node *node = &graph->nodes[graph->parameters[i]];
    if (strcmp(node->name, name) == 0 && shape_equal(&node->shape, &shape))
      return (struct value){graph, graph->parameters[i]};
  }
  if (graph->parameter_count == graph->parameter_capacity) {
    int capacity = graph->parameter_capacity > 0 ? 2 * graph->parameter_capacity : 16;
    int32_t *parameters = realloc(graph->parameters, (size_t)capacity * sizeof *parameters);
    if (!parameters) return graph_refuse(graph, STATUS_MEMORY, "out of memory for %d parameters", capacity);
    graph->parameters = parameters;
    graph->parameter_capacity = capacity;
  }
  struct value value = add_named(graph, OP_parameter, name, &shape, graph->parameter_bytes);
  if (!value_valid(value)) return value;
  graph->parameters[graph->parameter_count++] = value.id;
  graph->parameter_bytes += (shape_bytes(&shape) + alignment - 1) / alignment * alignment;
  return value;
}

struct value graph_fill(struct graph *graph, double number, enum graph_type type, int rank, const int64_t *dim) {
  struct shape shape = shape_make(type, rank, dim);
  if (type == GRAPH_I64) return graph_refuse(graph, STATUS_ARGUMENT, "graph fill: i64");
  /* As the type holds it, so that equal fills are one node; -0 is kept apart from 0 by its bytes. */
  struct op_attributes attributes = {.number = {type == GRAPH_F32 ? (double)(float)number : number}};
  return node_add(graph, OP_fill, NULL, 0, &attributes, &shape);
}
