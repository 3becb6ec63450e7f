/* From a schedule to steps: each with its kernel, the places it reads and writes, and what it costs. Slots get their
 * lifetimes on the way.
 */
#include "graph/plan_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct node *at(const struct schedule *schedule, int32_t id) { return &schedule->graph->nodes[id]; }

int plan_add_slot(struct plan *plan, int64_t bytes) {
  if (plan->slot_count == plan->slot_capacity) {
    int capacity = plan->slot_capacity > 0 ? 2 * plan->slot_capacity : 64;
    struct slot *slots = realloc(plan->slots, (size_t)capacity * sizeof *slots);
    if (!slots) return -1;
    plan->slots = slots;
    plan->slot_capacity = capacity;
  }
  plan->slots[plan->slot_count] = (struct slot){.bytes = bytes, .first = INT32_MAX, .last = -1};
  return plan->slot_count++;
}

static void touch(struct plan *plan, struct place place, int step) {
  if (place.slot < 0) return;
  struct slot *slot = &plan->slots[place.slot];
  if (step < slot->first) slot->first = step;
  if (step > slot->last) slot->last = step;
}

static void touch_always(struct plan *plan, int slot) {
  plan->slots[slot].first = 0;
  plan->slots[slot].last = INT32_MAX;
}

/* ---- Places ---- */

static enum status add_constant(struct schedule *schedule, int32_t id) {
  struct plan *plan = schedule->plan;
  const struct node *node = at(schedule, id);
  struct constant *constants = realloc(plan->constants, ((size_t)plan->constant_count + 1) * sizeof *constants);
  REQUIRE(constants, STATUS_MEMORY, "out of memory for a constant");
  plan->constants = constants;
  constants[plan->constant_count++] =
      (struct constant){schedule->slot[id], node->shape.type, shape_elements(&node->shape), node->attributes.number[0]};
  touch_always(plan, schedule->slot[id]);
  return STATUS_OK;
}

static enum status bind_source(struct schedule *schedule, int32_t id) {
  struct plan *plan = schedule->plan;
  const struct node *node = at(schedule, id);
  if (node->op == OP_parameter && plan->parameters >= 0) {
    schedule->slot[id] = plan->parameters;
    return STATUS_OK;
  }
  int slot =
      plan_add_slot(plan, node->op == OP_parameter ? schedule->graph->parameter_bytes : shape_bytes(&node->shape));
  REQUIRE(slot >= 0, STATUS_MEMORY, "out of memory for a plan's arrays");
  schedule->slot[id] = slot;
  if (node->op == OP_fill) return add_constant(schedule, id);
  plan->slots[slot].bound = true;
  if (node->op == OP_parameter) plan->parameters = slot;
  for (int i = 0; i < plan->input_count; i++)
    if (node->op == OP_input && strcmp(plan->inputs[i].name, node->name) == 0) plan->inputs[i].slot = slot;
  return STATUS_OK;
}

/* Where a value is read. */
static enum status find_place(struct schedule *schedule, int32_t id, struct place *place) {
  int32_t base = schedule_base(schedule, id);
  const struct node *node = at(schedule, base);
  if (schedule->slot[base] < 0 && op_table[node->op].kind == OP_KIND_SOURCE) TRY(bind_source(schedule, base));
  REQUIRE(schedule->slot[base] >= 0, STATUS_ARGUMENT, "plan: %s is read before it is computed",
          op_table[node->op].name);
  *place = (struct place){schedule->slot[base], node->op == OP_parameter ? node->offset : 0};
  return STATUS_OK;
}

static enum status make_place(struct schedule *schedule, int32_t id, int64_t bytes, struct place *place) {
  *place = (struct place){plan_add_slot(schedule->plan, bytes), 0};
  REQUIRE(place->slot >= 0, STATUS_MEMORY, "out of memory for a plan's arrays");
  if (id >= 0) schedule->slot[id] = place->slot;
  return STATUS_OK;
}

/* ---- Steps ---- */

static enum status add_step(struct plan *plan, const struct plan_task *step) {
  if (plan->step_count == plan->step_capacity) {
    int capacity = plan->step_capacity > 0 ? 2 * plan->step_capacity : 64;
    struct plan_task *steps = realloc(plan->steps, (size_t)capacity * sizeof *steps);
    REQUIRE(steps, STATUS_MEMORY, "out of memory for %d steps", capacity);
    plan->steps = steps;
    plan->step_capacity = capacity;
  }
  int index = plan->step_count++;
  plan->steps[index] = *step;
  for (int i = 0; i < OP_INPUTS_MAX; i++) touch(plan, step->in[i], index);
  touch(plan, step->bias, index);
  touch(plan, step->source, index);
  touch(plan, step->out, index);
  touch(plan, step->scratch, index);
  for (int i = 0; step->program && i < step->program->operand_count; i++)
    touch(plan, step->program->operands[i].place, index);
  for (int i = 0; step->program && i < step->program->instruction_count; i++)
    touch(plan, step->program->instructions[i].store, index);
  return STATUS_OK;
}

static struct plan_task start_step(enum step_kind kind, const struct node *node) {
  const struct place nowhere = {-1, 0};
  char shape[96];
  struct plan_task step = {.kind = kind,
                           .op = node->op,
                           .attributes = node->attributes,
                           .out_shape = node->shape,
                           .in = {nowhere, nowhere},
                           .bias = nowhere,
                           .source = nowhere,
                           .out = nowhere,
                           .scratch = nowhere,
                           .nodes = 1};
  snprintf(step.label, sizeof step.label, "%s %s", op_table[node->op].name,
           shape_text(&node->shape, shape, sizeof shape));
  return step;
}

static enum status read_inputs(struct schedule *schedule, const struct node *node, struct plan_task *step) {
  step->bytes = (double)shape_bytes(&node->shape);
  for (int i = 0; i < node->input_count; i++) {
    TRY(find_place(schedule, node->input[i], &step->in[i]));
    step->in_shape[i] = at(schedule, node->input[i])->shape;
    step->bytes += (double)shape_bytes(&step->in_shape[i]);
  }
  return STATUS_OK;
}

static double matmul_flops(const struct plan_task *step) {
  int64_t inner = step->in_shape[0].dim[step->attributes.integer[0] != 0 ? 0 : 1];
  return 2.0 * (double)shape_elements(&step->out_shape) * (double)inner;
}

/* A transposed b that follows from parameters alone is turned round when they change, once for all who read it. */
static enum status turn_matrix(struct plan *plan, struct plan_task *step) {
  const struct shape *b = &step->in_shape[1];
  step->source = step->in[1];
  step->attributes.integer[1] = 0;
  for (int i = 0; i < plan->step_count; i++) {
    const struct plan_task *other = &plan->steps[i];
    const bool same = other->source.slot == step->source.slot && other->source.offset == step->source.offset &&
                      other->in_shape[1].dim[0] == b->dim[1] && other->in_shape[1].dim[1] == b->dim[0];
    if (step->source.slot < 0 || other->source.slot < 0 || !same) continue;
    step->in[1] = other->in[1];
    step->source.slot = -1;
  }
  if (step->source.slot >= 0) {
    const int slot = plan_add_slot(plan, shape_bytes(b));
    REQUIRE(slot >= 0, STATUS_MEMORY, "out of memory for a plan's arrays");
    touch_always(plan, slot);
    step->in[1] = (struct place){slot, 0};
  }
  step->in_shape[1] = shape_make(b->type, 2, (const int64_t[]){b->dim[1], b->dim[0]});
  return STATUS_OK;
}

/* One node by a kernel of its own, or by the reference. */
static enum status emit_node(struct schedule *schedule, int32_t id) {
  const struct node *node = at(schedule, id);
  kernel_node *kernel =
      node->shape.type == GRAPH_I64 ? NULL : kernels_get(cpu_level_get())->node[node->shape.type][node->op];
  bool reference = schedule->plan->options.reference, product = node->op == OP_matmul;
  enum step_kind kind = reference ? STEP_REFERENCE : product ? STEP_MATMUL : STEP_NODE;
  struct plan_task step = start_step(kind, node);
  step.node = kernel;
  REQUIRE(kind != STEP_NODE || kernel, STATUS_ARGUMENT, "plan: there is no kernel for %s", op_table[node->op].name);
  TRY(read_inputs(schedule, node, &step));
  if (product) step.flops = matmul_flops(&step);
  if (kind == STEP_MATMUL && step.attributes.integer[1] != 0 && schedule->prepared[node->input[1]])
    TRY(turn_matrix(schedule->plan, &step));
  step.multiplications = step.flops / 2;
  snprintf(step.kernel, sizeof step.kernel, "%s", reference ? "reference" : product ? "product" : "loop");
  TRY(make_place(schedule, id, shape_bytes(&node->shape), &step.out));
  return add_step(schedule->plan, &step);
}

/* The operand of an addition that is not `conv`, behind its broadcast. */
static int32_t bias_of(const struct schedule *schedule, int32_t sum, int32_t conv) {
  const struct node *node = at(schedule, sum);
  return at(schedule, node->input[node->input[0] == conv])->input[0];
}

static enum status emit_conv(struct schedule *schedule, int32_t last) {
  struct plan *plan = schedule->plan;
  int32_t id = schedule->tail_of[last] >= 0 ? schedule->tail_of[last] : last;
  const struct node *node = at(schedule, id), *end = at(schedule, last);
  struct conv_tail tail = {.slope = 1};
  int32_t sum = end->op == OP_leaky_relu ? schedule_base(schedule, end->input[0]) : last;
  struct plan_task step = start_step(STEP_CONV, node);
  TRY(read_inputs(schedule, node, &step));
  if (end->op == OP_leaky_relu) tail.slope = end->attributes.number[0];
  if (at(schedule, sum)->op == OP_add) {
    tail.bias = true;
    TRY(find_place(schedule, bias_of(schedule, sum, id), &step.bias));
  }
  step.nodes = 1 + tail.bias + (end->op == OP_leaky_relu);
  if (step.nodes > 1) {
    size_t length = strlen(step.label);
    snprintf(step.label + length, sizeof step.label - length, "%s%s", tail.bias ? " + bias" : "",
             end->op == OP_leaky_relu ? ", leaky_relu" : "");
  }
  /* in[1] stays in the step, and with it the memory that a kernel may read loaded weights from. */
  step.weights_loaded = node->op != OP_conv_weight_gradient && schedule->prepared[node->input[1]];
  const struct shape *in[OP_INPUTS_MAX] = {&step.in_shape[0], &step.in_shape[1]};
  TRY(conv_create(node->op, &node->attributes, in, &node->shape, &tail, CONV_AUTO, &step.conv));
  step.flops = conv_flops(step.conv);
  step.multiplications = conv_multiplications(step.conv);
  snprintf(step.kernel, sizeof step.kernel, "%s", conv_name(step.conv));
  enum status status = make_place(schedule, last, shape_bytes(&node->shape), &step.out);
  if (status == STATUS_OK) status = make_place(schedule, -1, conv_scratch(step.conv), &step.scratch);
  if (status == STATUS_OK) status = add_step(plan, &step);
  if (status != STATUS_OK) conv_destroy(&step.conv);
  return status;
}

/* ---- Fused elementwise groups ---- */

struct building {
  struct schedule *schedule;
  struct program *program;
  int32_t group;
  int32_t member[PROGRAM_INSTRUCTIONS_MAX]; /* node of each instruction */
  int last_use[PROGRAM_INSTRUCTIONS_MAX];   /* the last instruction that reads its register */
  bool taken[PROGRAM_INSTRUCTIONS_MAX];     /* registers */
};

static int find_member(const struct building *building, int32_t base) {
  for (int i = 0; i < building->program->instruction_count; i++)
    if (building->member[i] == base) return i;
  return -1;
}

static int add_operand(struct program *program, struct operand operand) {
  for (int i = 0; i < program->operand_count; i++) {
    const struct operand *other = &program->operands[i];
    if (other->place.slot == operand.place.slot && other->place.offset == operand.place.offset &&
        other->period == operand.period && other->repeat == operand.repeat &&
        memcmp(&other->number, &operand.number, sizeof operand.number) == 0)
      return i;
  }
  program->operands[program->operand_count] = operand;
  return program->operand_count++;
}

/* What instruction reads for input `id`: a register of the group, or an operand. */
static enum status find_source(struct building *building, int32_t id, int *source) {
  struct schedule *schedule = building->schedule;
  int32_t base = schedule_base(schedule, id);
  const struct node *node = at(schedule, base);
  struct operand operand = {.place = {-1, 0}, .period = building->program->elements, .repeat = 1};
  int member = find_member(building, base);
  if (member >= 0 && building->program->instructions[member].store.slot < 0) {
    *source = -1 - building->program->instructions[member].target;
    return STATUS_OK;
  }
  if (node->op == OP_fill) {
    operand.number = node->attributes.number[0];
    operand.period = 1;
  } else if (node->op == OP_broadcast && schedule->absorbed[base]) {
    const struct shape *in = &at(schedule, node->input[0])->shape;
    schedule_pattern(in, &node->shape, &operand.period, &operand.repeat);
    TRY(find_place(schedule, node->input[0], &operand.place));
  } else {
    TRY(find_place(schedule, base, &operand.place));
  }
  *source = add_operand(building->program, operand);
  return STATUS_OK;
}

/* Whether anything outside the group reads the node. */
static bool leaves_group(const struct schedule *schedule, int32_t id) {
  if (schedule->kept[id]) return true;
  for (int32_t u = schedule->user_start[id]; u < schedule->user_start[id + 1]; u++)
    if (schedule->group[schedule->users[u]] != schedule->group[id]) return true;
  return false;
}

static int32_t last_use(const struct schedule *schedule, int32_t id) {
  int32_t last = id;
  for (int32_t u = schedule->user_start[id]; u < schedule->user_start[id + 1]; u++)
    if (schedule->users[u] > last) last = schedule->users[u];
  return last;
}

static int take_register(struct building *building) {
  int number = 0;
  while (building->taken[number]) number++;
  building->taken[number] = true;
  if (number >= building->program->registers) building->program->registers = number + 1;
  return number;
}

/* Registers whose last reader is before node `id` are free again; one that it reads itself may be written by it. */
static void free_registers(struct building *building, int32_t id) {
  const struct schedule *schedule = building->schedule;
  for (int i = 0; i < building->program->instruction_count; i++) {
    const struct instruction *done = &building->program->instructions[i];
    if (done->store.slot < 0 && building->taken[done->target] && building->last_use[i] >= 0 &&
        last_use(schedule, building->member[i]) <= id) {
      building->taken[done->target] = false;
      building->last_use[i] = -1;
    }
  }
}

static enum status add_instruction(struct building *building, int32_t id) {
  struct schedule *schedule = building->schedule;
  struct program *program = building->program;
  const struct node *node = at(schedule, id);
  struct instruction instruction = {.map = kernels_get(cpu_level_get())->map[node->shape.type][node->op],
                                    .number = {node->attributes.number[0], node->attributes.number[1]},
                                    .store = {-1, 0}};
  REQUIRE(instruction.map, STATUS_ARGUMENT, "plan: there is no kernel for %s", op_table[node->op].name);
  TRY(find_source(building, node->input[0], &instruction.a));
  instruction.b = instruction.a;
  if (node->input_count == 2) TRY(find_source(building, node->input[1], &instruction.b));
  free_registers(building, id);
  if (leaves_group(schedule, id))
    TRY(make_place(schedule, id, shape_bytes(&node->shape), &instruction.store));
  else
    instruction.target = take_register(building);
  building->member[program->instruction_count] = id;
  building->last_use[program->instruction_count] = 0;
  program->instructions[program->instruction_count++] = instruction;
  return STATUS_OK;
}

static struct program *create_program(const struct node *node) {
  struct program *program = calloc(1, sizeof *program);
  if (!program) return NULL;
  program->type = node->shape.type;
  program->elements = shape_elements(&node->shape);
  program->operands = calloc(PROGRAM_OPERANDS_MAX, sizeof *program->operands);
  program->instructions = calloc(PROGRAM_INSTRUCTIONS_MAX, sizeof *program->instructions);
  if (program->operands && program->instructions) return program;
  program_destroy(&program);
  return NULL;
}

static void describe_program(const struct building *building, struct plan_task *step) {
  const struct program *program = building->program;
  size_t length = 0;
  for (int i = 0; i < program->instruction_count && length < sizeof step->label - 1; i++)
    length += (size_t)snprintf(step->label + length, sizeof step->label - length, "%s%s", i > 0 ? ", " : "",
                               op_table[at(building->schedule, building->member[i])->op].name);
  step->nodes = program->instruction_count;
  step->flops = (double)program->elements * program->instruction_count;
  step->bytes = 0;
  double array = (double)(program->elements * type_size(program->type));
  for (int i = 0; i < program->instruction_count; i++)
    step->bytes += program->instructions[i].store.slot >= 0 ? array : 0;
  for (int i = 0; i < program->operand_count; i++)
    step->bytes +=
        program->operands[i].place.slot < 0 ? 0 : (double)(program->operands[i].period * type_size(program->type));
  snprintf(step->kernel, sizeof step->kernel, "fused %s", cpu_level_name(cpu_level_get()));
}

static enum status emit_group(struct schedule *schedule, int32_t group) {
  int32_t end = schedule->group_last[group];
  const struct node *node = at(schedule, end);
  struct plan_task step = start_step(STEP_MAP, node);
  step.program = create_program(node);
  REQUIRE(step.program, STATUS_MEMORY, "out of memory for a fused step");
  struct building building = {.schedule = schedule, .program = step.program, .group = group};
  enum status status = STATUS_OK;
  for (int32_t id = 0; id <= end && status == STATUS_OK; id++)
    if (schedule->group[id] == group) status = add_instruction(&building, id);
  if (status == STATUS_OK) {
    program_size(step.program);
    describe_program(&building, &step);
    status = make_place(schedule, -1, step.program->scratch, &step.scratch);
  }
  if (status == STATUS_OK) status = add_step(schedule->plan, &step);
  if (status != STATUS_OK) program_destroy(&step.program);
  return status;
}

/* ---- All ---- */

/* An output that is an input, a constant, or another output too, gets memory of its own. */
static enum status emit_output(struct schedule *schedule, struct value output, int index) {
  struct plan *plan = schedule->plan;
  int32_t base = schedule_base(schedule, output.id);
  struct place place;
  TRY(find_place(schedule, output.id, &place));
  bool shared = op_table[at(schedule, base)->op].kind == OP_KIND_SOURCE;
  for (int i = 0; i < index; i++) shared = shared || plan->outputs[i].slot == place.slot;
  if (shared) {
    struct plan_task step = start_step(STEP_COPY, at(schedule, output.id));
    step.in[0] = place;
    step.bytes = 2.0 * (double)shape_bytes(&step.out_shape);
    snprintf(step.label, sizeof step.label, "copy to output %d", index);
    snprintf(step.kernel, sizeof step.kernel, "memcpy");
    step.nodes = 0;
    TRY(make_place(schedule, -1, shape_bytes(&step.out_shape), &step.out));
    TRY(add_step(plan, &step));
    place = step.out;
  }
  plan->outputs[index] = place;
  return STATUS_OK;
}

static enum status emit_nodes(struct schedule *schedule, bool prepared) {
  struct plan *plan = schedule->plan;
  for (int32_t id = 0; id < schedule->count; id++) {
    enum graph_op op = at(schedule, id)->op;
    enum op_kind kind = op_table[op].kind;
    if (!schedule->needed[id] || kind == OP_KIND_SOURCE || kind == OP_KIND_VIEW) continue;
    if (schedule->prepared[id] != prepared) continue;
    plan->nodes++;
    if (schedule->absorbed[id]) continue;
    if (schedule->group[id] >= 0) {
      if (schedule->group_last[schedule->group[id]] == id) TRY(emit_group(schedule, schedule->group[id]));
    } else if (schedule->tail_of[id] >= 0 || (schedule_is_conv(op) && !plan->options.reference)) {
      TRY(emit_conv(schedule, id));
    } else {
      TRY(emit_node(schedule, id));
    }
  }
  return STATUS_OK;
}

/* What prepared steps leave to the others stays, from run to run. */
static void keep_prepared(struct plan *plan) {
  for (int i = 0; i < plan->slot_count; i++)
    if (plan->slots[i].first < plan->prepared_count && plan->slots[i].last >= plan->prepared_count)
      plan->slots[i].last = INT32_MAX;
}

enum status emit_steps(struct schedule *schedule, const struct value *outputs, int count) {
  struct plan *plan = schedule->plan;
  TRY(emit_nodes(schedule, true));
  plan->prepared_count = plan->step_count;
  TRY(emit_nodes(schedule, false));
  for (int i = 0; i < count; i++) TRY(emit_output(schedule, outputs[i], i));
  keep_prepared(plan);
  for (int i = 0; i < count; i++) plan->slots[plan->outputs[i].slot].last = INT32_MAX;
  for (int i = 0; i < plan->slot_count; i++)
    if (plan->slots[i].last >= plan->step_count) plan->slots[i].last = plan->step_count - 1;
  return STATUS_OK;
}
