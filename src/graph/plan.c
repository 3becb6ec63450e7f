#include "base/log.h"
#include "graph/plan_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void program_destroy(struct program **program) {
  if (!*program) return;
  free((*program)->operands);
  free((*program)->instructions);
  free(*program);
  *program = NULL;
}

void plan_destroy(struct plan **plan) {
  if (!*plan) return;
  for (int i = 0; i < (*plan)->step_count; i++) {
    conv_destroy(&(*plan)->steps[i].conv);
    program_destroy(&(*plan)->steps[i].program);
  }
  free((*plan)->steps);
  free((*plan)->slots);
  free((*plan)->inputs);
  free((*plan)->outputs);
  free((*plan)->output_shapes);
  free((*plan)->constants);
  free((*plan)->arena);
  free(*plan);
  *plan = NULL;
}

/* ---- Compiling ---- */

static enum status list_inputs(struct plan *plan, const struct graph *graph) {
  plan->inputs = calloc((size_t)graph->count + 1, sizeof *plan->inputs);
  REQUIRE(plan->inputs, STATUS_MEMORY, "out of memory for a plan's inputs");
  for (int32_t id = 0; id < graph->count; id++) {
    const struct node *node = &graph->nodes[id];
    if (node->op != OP_input) continue;
    struct plan_input *input = &plan->inputs[plan->input_count++];
    memcpy(input->name, node->name, strlen(node->name) + 1);
    input->shape = node->shape;
    input->slot = -1;
  }
  return STATUS_OK;
}

static void fill_constants(struct plan *plan) {
  for (int i = 0; i < plan->constant_count; i++) {
    const struct constant *constant = &plan->constants[i];
    void *address = plan->slots[constant->slot].address;
    for (int64_t at = 0; at < constant->elements; at++) {
      if (constant->type == GRAPH_F32)
        ((float *)address)[at] = (float)constant->number;
      else
        ((double *)address)[at] = constant->number;
    }
  }
}

static enum status allocate_arena(struct plan *plan) {
  int64_t limit = plan->options.memory_limit;
  REQUIRE(limit == 0 || plan->arena_bytes <= limit, STATUS_MEMORY,
          "the plan needs %lld bytes, more than its limit of %lld", (long long)plan->arena_bytes, (long long)limit);
  size_t bytes = plan->arena_bytes > 0 ? (size_t)plan->arena_bytes : PLAN_ALIGNMENT;
  plan->arena = aligned_alloc(PLAN_ALIGNMENT, bytes);
  REQUIRE(plan->arena, STATUS_MEMORY, "out of memory for a plan of %zu bytes", bytes);
  for (int i = 0; i < plan->slot_count; i++)
    if (!plan->slots[i].bound) plan->slots[i].address = plan->arena + plan->slots[i].offset;
  fill_constants(plan);
  return STATUS_OK;
}

static enum status compile(struct plan *plan, const struct value *outputs, int count) {
  plan->outputs = calloc((size_t)count, sizeof *plan->outputs);
  plan->output_shapes = calloc((size_t)count, sizeof *plan->output_shapes);
  REQUIRE(plan->outputs && plan->output_shapes, STATUS_MEMORY, "out of memory for %d outputs", count);
  for (int i = 0; i < count; i++) plan->output_shapes[i] = value_shape(outputs[i]);
  TRY(list_inputs(plan, outputs[0].graph));
  struct schedule schedule;
  TRY(schedule_open(plan, outputs, count, &schedule));
  enum status status = emit_steps(&schedule, outputs, count);
  schedule_close(&schedule);
  TRY(status);
  TRY(arena_place(plan));
  return allocate_arena(plan);
}

enum status plan_compile(const struct value *outputs, int count, const struct plan_options *options,
                         struct plan **plan) {
  *plan = NULL;
  for (int i = 0; i < count; i++)
    if (outputs[i].graph) TRY(graph_status(outputs[i].graph));
  REQUIRE(count > 0, STATUS_ARGUMENT, "a plan needs an output");
  for (int i = 0; i < count; i++)
    REQUIRE(value_valid(outputs[i]) && outputs[i].graph == outputs[0].graph, STATUS_ARGUMENT,
            "output %d of the plan is none, or of another graph", i);
  struct plan *made = calloc(1, sizeof *made);
  REQUIRE(made, STATUS_MEMORY, "out of memory for a plan");
  if (options) made->options = *options;
  made->output_count = count;
  made->parameters = -1;
  made->changed = true;
  enum status status = compile(made, outputs, count);
  if (status != STATUS_OK) plan_destroy(&made);
  *plan = made;
  return status;
}

/* ---- Binding ---- */

enum status plan_bind(struct plan *plan, const char *input, const void *data) {
  for (int i = 0; i < plan->input_count; i++) {
    if (strcmp(plan->inputs[i].name, input) != 0) continue;
    if (plan->inputs[i].slot >= 0) plan->slots[plan->inputs[i].slot].address = (void *)(uintptr_t)data; /* only read */
    return STATUS_OK;
  }
  return status_raise(STATUS_ARGUMENT, "the plan has no input \"%s\"", input);
}

void plan_bind_parameters(struct plan *plan, const void *block) {
  if (plan->parameters >= 0) plan->slots[plan->parameters].address = (void *)(uintptr_t)block; /* only read */
  plan->changed = true;
}

void plan_parameters_changed(struct plan *plan) { plan->changed = true; }

enum status plan_bind_output(struct plan *plan, int index, void *data) {
  REQUIRE(index >= 0 && index < plan->output_count && data, STATUS_ARGUMENT, "the plan has no output %d", index);
  plan->slots[plan->outputs[index].slot].address = data;
  return STATUS_OK;
}

const void *plan_output(const struct plan *plan, int index) { return plan_address(plan, plan->outputs[index]); }
struct shape plan_output_shape(const struct plan *plan, int index) {
  return plan->output_shapes[index];
}

/* ---- Running ---- */

static bool is_finite(const struct shape *shape, const void *data) {
  int64_t elements = shape_elements(shape);
  double sum = 0;
  for (int64_t i = 0; i < elements && shape->type == GRAPH_F32; i++) sum += 0 * (double)((const float *)data)[i];
  for (int64_t i = 0; i < elements && shape->type == GRAPH_F64; i++) sum += 0 * ((const double *)data)[i];
  return sum == 0;
}

static enum status check_inputs(const struct plan *plan) {
  REQUIRE(plan->parameters < 0 || plan->slots[plan->parameters].address, STATUS_ARGUMENT,
          "the plan's parameters are not bound");
  for (int i = 0; i < plan->input_count; i++) {
    const struct plan_input *input = &plan->inputs[i];
    if (input->slot < 0) continue;
    const void *data = plan->slots[input->slot].address;
    REQUIRE(data, STATUS_ARGUMENT, "the plan's input \"%s\" is not bound", input->name);
    REQUIRE(!plan->options.check_finite || is_finite(&input->shape, data), STATUS_NUMERIC,
            "the plan's input \"%s\" is not finite", input->name);
  }
  return STATUS_OK;
}

static enum status run_call(const struct plan *plan, const struct plan_task *step) {
  struct kernel_call call = {.attributes = &step->attributes,
                             .in_shape = {&step->in_shape[0], &step->in_shape[1]},
                             .out_shape = &step->out_shape,
                             .in = {plan_address(plan, step->in[0]), plan_address(plan, step->in[1])},
                             .out = plan_address(plan, step->out)};
  return step->kind == STEP_NODE ? step->node(&call) : reference_run(step->op, &call);
}

static enum status run_step(const struct plan *plan, const struct plan_task *step) {
  const void *in[OP_INPUTS_MAX] = {plan_address(plan, step->in[0]), plan_address(plan, step->in[1])};
  void *out = plan_address(plan, step->out), *scratch = plan_address(plan, step->scratch);
  switch (step->kind) {
  case STEP_MAP:
    program_run(plan, step->program, scratch);
    break;
  case STEP_CONV:
    if (step->weights_loaded) in[1] = NULL;
    return conv_run(step->conv, in, plan_address(plan, step->bias), out, scratch);
  case STEP_MATMUL:
    linear_matmul(&step->attributes, (const struct shape *const[]){&step->in_shape[0], &step->in_shape[1]},
                  &step->out_shape, in, out);
    break;
  case STEP_COPY:
    memcpy(out, in[0], (size_t)shape_bytes(&step->out_shape));
    break;
  case STEP_NODE:
  case STEP_REFERENCE:
    return run_call(plan, step);
  }
  return STATUS_OK;
}

/* Once after parameters have changed: what follows from them alone, and weights in the kernels' own order. */
static enum status prepare(struct plan *plan) {
  for (int i = 0; i < plan->step_count; i++) {
    const struct plan_task *step = &plan->steps[i];
    const struct shape *b = &step->in_shape[1];
    if (step->source.slot >= 0)
      linear_transpose(b->type, b->dim[1], b->dim[0], plan_address(plan, step->source),
                       plan_address(plan, step->in[1]));
    if (i < plan->prepared_count) TRY(run_step(plan, step));
    if (step->kind == STEP_CONV && step->weights_loaded)
      TRY(conv_load_weights(step->conv, plan_address(plan, step->in[1])));
  }
  plan->changed = false;
  return STATUS_OK;
}

static enum status check_outputs(const struct plan *plan) {
  for (int i = 0; i < plan->output_count; i++)
    REQUIRE(is_finite(&plan->output_shapes[i], plan_output(plan, i)), STATUS_NUMERIC,
            "output %d of the plan is not finite", i);
  return STATUS_OK;
}

enum status plan_run(struct plan *plan) {
  TRY(check_inputs(plan));
  if (plan->changed) TRY(prepare(plan));
  for (int i = plan->prepared_count; i < plan->step_count; i++) TRY(run_step(plan, &plan->steps[i]));
  return plan->options.check_finite ? check_outputs(plan) : STATUS_OK;
}

enum status plan_run_timed(struct plan *plan, double *seconds) {
  TRY(check_inputs(plan));
  if (plan->changed) TRY(prepare(plan));
  for (int i = plan->prepared_count; i < plan->step_count; i++) {
    double began = log_clock();
    TRY(run_step(plan, &plan->steps[i]));
    seconds[i] += log_clock() - began;
  }
  return STATUS_OK;
}
