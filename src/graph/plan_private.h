/* Private to the plan's files: plan.c runs, schedule.c fuses and orders, program.c works through fused elementwise
 * nodes, arena.c places memory, plan_print.c shows.
 *
 * Failures: STATUS_MEMORY; STATUS_ARGUMENT for a graph that has no plan, a defect.
 */
#ifndef HGN_GRAPH_PLAN_PRIVATE_H
#define HGN_GRAPH_PLAN_PRIVATE_H

#include "graph/conv.h"
#include "graph/kernels.h"
#include "graph/linear.h"
#include "graph/plan.h"

enum { PLAN_ALIGNMENT = 64, PLAN_LABEL = 160 };
enum { PROGRAM_INSTRUCTIONS_MAX = 40, PROGRAM_OPERANDS_MAX = 3 * PROGRAM_INSTRUCTIONS_MAX };

/* Memory of one array. In the arena it is there from step `first` to step `last`. */
struct slot {
  int64_t bytes, offset;
  int first, last;
  bool bound; /* the caller's memory: inputs, parameters, bound outputs */
  void *address;
};

/* Where an array starts. slot -1: nowhere. */
struct place {
  int slot;
  int64_t offset; /* bytes */
};

/* A value read by a fused group: element i is array[(i / repeat) % period]. A whole array has repeat 1 and period the
 * number of elements. */
struct operand {
  struct place place;
  int64_t period, repeat;
  double number; /* of a fill, which has no place */
};

/* y = map(a, b) over a block. Sources: >= 0 an operand, < 0 the register -1 - source. */
struct instruction {
  kernel_map *map;
  double number[OP_NUMBERS];
  int a, b;           /* b == a for unary ops */
  int target;         /* register */
  struct place store; /* or, with a slot, the array it is kept in */
};

/* A fused group over `elements` elements of one type. */
struct program {
  enum graph_type type;
  int64_t elements, block;
  struct operand *operands;
  int operand_count;
  struct instruction *instructions;
  int instruction_count, registers;
  int64_t scratch; /* bytes */
};

enum step_kind { STEP_MAP, STEP_NODE, STEP_REFERENCE, STEP_CONV, STEP_MATMUL, STEP_COPY };

struct plan_task {
  enum step_kind kind;
  enum graph_op op;
  struct op_attributes attributes;
  struct shape in_shape[OP_INPUTS_MAX], out_shape;
  struct place in[OP_INPUTS_MAX], bias, out, scratch;
  kernel_node *node;
  struct conv_kernel *conv;
  bool weights_loaded; /* the weights are prepared: loaded when parameters change */
  struct place
      source; /* of a matrix product: the transposed b, which stands turned round at in[1]; or nowhere, where an
                          earlier step has it too */
  struct program *program;
  char label[PLAN_LABEL], kernel[64];
  int nodes;
  double flops, multiplications, bytes;
};

struct constant {
  int slot;
  enum graph_type type;
  int64_t elements;
  double number;
};

struct plan_input {
  char name[GRAPH_NAME_MAX + 1];
  struct shape shape;
  int slot; /* -1: not needed */
};

struct plan {
  struct plan_options options;
  struct plan_task *steps;
  int step_count, step_capacity;
  int prepared_count; /* the first steps, of parameters alone: they run when those have changed */
  struct slot *slots;
  int slot_count, slot_capacity;
  struct plan_input *inputs;
  int input_count;
  int parameters; /* slot of the block, -1: none */
  bool changed;   /* the prepared steps must run, and weights be loaded */
  struct place *outputs;
  struct shape *output_shapes;
  int output_count, nodes;
  struct constant *constants; /* fills that kernels read */
  int constant_count;
  unsigned char *arena;
  int64_t arena_bytes, live_bytes;
};

/* A slot of `bytes` bytes; -1 when out of memory. */
int plan_add_slot(struct plan *plan, int64_t bytes);
static inline void *plan_address(const struct plan *plan, struct place place) {
  return place.slot < 0 ? NULL : (unsigned char *)plan->slots[place.slot].address + place.offset;
}

/* What schedule.c finds out about a graph. Arrays are indexed by node. */
struct schedule {
  struct plan *plan;
  struct graph *graph;
  int32_t count;       /* nodes up to the last output */
  bool *needed, *kept; /* the outputs depend on it; is itself an output */
  int32_t *user_start,
      *users; /* needed nodes that read node i, behind views: users[user_start[i]..user_start[i+1]-1] */
  int32_t *group, *group_last; /* of fused elementwise nodes: their group, -1; [group] its last node */
  int32_t *tail_of;            /* last node of a fused convolution: the convolution's node; otherwise -1 */
  bool *absorbed;              /* done by the step of a later node, or read as a pattern: no step */
  bool *prepared;              /* depends on nothing but parameters and constants */
  int *slot;                   /* -1: none yet */
};

/* The node whose array this node's is: itself, or what a view looks at. */
int32_t schedule_base(const struct schedule *schedule, int32_t id);
/* Whether `out` is `in` read as in[(i / repeat) % period]. */
bool schedule_pattern(const struct shape *in, const struct shape *out, int64_t *period, int64_t *repeat);
bool schedule_is_conv(enum graph_op op); /* in any direction */
bool schedule_elementwise(const struct schedule *schedule, int32_t id);
enum status schedule_open(struct plan *plan, const struct value *outputs, int count, struct schedule *schedule);
void schedule_close(struct schedule *schedule);

/* emit.c: the steps, and the slots with their lifetimes. */
enum status emit_steps(struct schedule *schedule, const struct value *outputs, int count);

void program_destroy(struct program **program); /* plan.c */

/* program.c. Sizes block and scratch once the operands are known; runs with `scratch` bytes at scratch. */
void program_size(struct program *program);
void program_run(const struct plan *plan, const struct program *program, unsigned char *scratch);

/* arena.c: gives every slot that is not bound its offset; sets arena_bytes and live_bytes. */
enum status arena_place(struct plan *plan);

#endif
