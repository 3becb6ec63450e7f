/* Private to src/graph: nodes, and what the table of ops says of each. */
#ifndef HGN_GRAPH_NODE_H
#define HGN_GRAPH_NODE_H

#include "graph/graph.h"
#include "graph/ops.h"

enum { OP_INPUTS_MAX = 2, OP_INTEGERS = 7, OP_NUMBERS = 2 };

/* Where a convolution's integers stand. EXTENT: height and width of the result of an input gradient, of the kernel in a
 * weight gradient; 0 otherwise. */
enum conv_integer { CONV_STRIDE, CONV_TOP, CONV_BOTTOM, CONV_LEFT, CONV_RIGHT, CONV_EXTENT_0, CONV_EXTENT_1 };

/* What a node computes besides its inputs. Compared as bytes: fields that do not apply are 0. */
struct op_attributes {
  int64_t integer[OP_INTEGERS];
  double number[OP_NUMBERS];
};

struct node {
  enum graph_op op;
  int input_count;
  int32_t input[OP_INPUTS_MAX]; /* ids, smaller than this node's */
  struct op_attributes attributes;
  struct shape shape;
  char *name;     /* of inputs and parameters; owned */
  int64_t offset; /* of parameters in the block, bytes */
};

struct graph {
  struct node *nodes;
  int32_t count, capacity;
  int32_t *buckets, bucket_count; /* open addressing: ids + 1 by hash of (op, attributes, inputs, shape) */
  int32_t *parameters;            /* ids in order of creation */
  int parameter_count, parameter_capacity;
  int64_t parameter_bytes;
  enum status status; /* the first error, and its message */
  char message[512];
};

struct op_info {
  const char *name;
  int arity;
  enum op_kind kind;
  /* Computes out, which the caller presets where the rule is `given`. NULL, or why the inputs do not fit. */
  const char *(*shape)(const struct shape *const *inputs, const struct op_attributes *attributes, struct shape *out);
  /* contribution[i] to the cotangent of input i, GRAPH_NONE for none. */
  void (*derive)(struct value node, struct value cotangent, struct value *contribution);
};
extern const struct op_info op_table[OP_COUNT];

/* Bytes of an element. */
int64_t type_size(enum graph_type type);
int64_t shape_bytes(const struct shape *shape);
bool shape_equal(const struct shape *a, const struct shape *b);

/* The node of a value. */
const struct node *node_get(struct value value);
struct value node_input(struct value value, int index);

/* What the node would simplify to; GRAPH_NONE when it is as simple as it gets (fold.c). */
struct value fold_node(struct graph *graph, enum graph_op op, const struct value *inputs,
                       const struct op_attributes *attributes, const struct shape *shape);

/* Adds a node, or returns the one that is there already; folds what is constant. `shape` is needed where the rule is
 * `given`, and ignored elsewhere. Inputs must be valid and of one graph. */
struct value node_add(struct graph *graph, enum graph_op op, const struct value *inputs, int count,
                      const struct op_attributes *attributes, const struct shape *shape);

/* Records an error, if it is the first; returns GRAPH_NONE. */
struct value graph_refuse(struct graph *graph, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
