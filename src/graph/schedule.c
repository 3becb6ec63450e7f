/* What runs together: which nodes are needed, which convolutions take a bias and a leaky relu along, and which
 * elementwise nodes form groups.
 *
 * A group is computed where its last node stands. So a node may join the groups of its operands only if nobody outside
 * reads one of their members before that place; then no cycle can arise, and it cannot arise later either, since groups
 * only grow towards the end.
 */
#include "graph/plan_private.h"

#include <stdlib.h>

int32_t schedule_base(const struct schedule *schedule, int32_t id) {
  while (op_table[schedule->graph->nodes[id].op].kind == OP_KIND_VIEW) id = schedule->graph->nodes[id].input[0];
  return id;
}

bool schedule_pattern(const struct shape *in, const struct shape *out, int64_t *period, int64_t *repeat) {
  int axis = in->rank - 1;
  *period = *repeat = 1;
  for (; axis >= 0 && in->dim[axis] == 1; axis--) *repeat *= out->dim[axis];
  for (; axis >= 0 && in->dim[axis] == out->dim[axis]; axis--) *period *= out->dim[axis];
  for (; axis >= 0; axis--)
    if (in->dim[axis] != 1) return false;
  return true;
}

bool schedule_is_conv(enum graph_op op) {
  return op == OP_conv || op == OP_conv_input_gradient || op == OP_conv_weight_gradient;
}

bool schedule_elementwise(const struct schedule *schedule, int32_t id) {
  enum op_kind kind = op_table[schedule->graph->nodes[id].op].kind;
  return kind == OP_KIND_UNARY || kind == OP_KIND_BINARY;
}

/* A view reads its first input only: a straight-through value does not need what its derivative goes to. */
static int input_count(const struct node *node) {
  return op_table[node->op].kind == OP_KIND_VIEW ? 1 : node->input_count;
}

static void mark_needed(struct schedule *schedule, const struct value *outputs, int count) {
  for (int i = 0; i < count; i++) schedule->needed[outputs[i].id] = true;
  for (int32_t id = schedule->count - 1; id >= 0; id--) {
    const struct node *node = &schedule->graph->nodes[id];
    for (int i = 0; schedule->needed[id] && i < input_count(node); i++) schedule->needed[node->input[i]] = true;
  }
  for (int i = 0; i < count; i++) schedule->kept[schedule_base(schedule, outputs[i].id)] = true;
}

/* Twice over the nodes: count the readers of each, then list them. */
static bool list_users(struct schedule *schedule) {
  int32_t *start = schedule->user_start, total = 0;
  for (int pass = 0; pass < 2; pass++) {
    for (int32_t id = 0; id < schedule->count; id++) {
      const struct node *node = &schedule->graph->nodes[id];
      if (!schedule->needed[id] || op_table[node->op].kind == OP_KIND_VIEW) continue;
      for (int i = 0; i < node->input_count; i++) {
        int32_t base = schedule_base(schedule, node->input[i]);
        if (pass == 0)
          start[base + 1]++;
        else
          schedule->users[start[base]++] = id;
      }
    }
    if (pass == 0) {
      for (int32_t id = 0; id < schedule->count; id++) start[id + 1] += start[id];
      total = start[schedule->count];
      schedule->users = malloc(((size_t)total + 1) * sizeof *schedule->users);
      if (!schedule->users) return false;
    }
  }
  for (int32_t id = schedule->count; id > 0; id--)
    start[id] = start[id - 1]; /* each had moved to the next one's start */
  start[0] = 0;
  return true;
}

static int32_t user_count(const struct schedule *schedule, int32_t id) {
  return schedule->user_start[id + 1] - schedule->user_start[id];
}

/* The one reader of a node that is of no other use; -1 when there are more. */
static int32_t only_user(const struct schedule *schedule, int32_t id) {
  return !schedule->kept[id] && user_count(schedule, id) == 1 ? schedule->users[schedule->user_start[id]] : -1;
}

/* Whether node `id` is conv + a number for each channel. */
static bool adds_bias(const struct schedule *schedule, int32_t id, int32_t conv) {
  const struct node *node = &schedule->graph->nodes[id], *nodes = schedule->graph->nodes;
  if (node->op != OP_add || node->input[0] == node->input[1]) return false;
  if (node->input[0] != conv && node->input[1] != conv) return false;
  const struct node *other = &nodes[node->input[node->input[0] == conv]];
  int64_t period, repeat;
  return other->op == OP_broadcast &&
         schedule_pattern(&nodes[other->input[0]].shape, &other->shape, &period, &repeat) && repeat == 1 &&
         period == node->shape.dim[3];
}

static void fuse_tails(struct schedule *schedule) {
  for (int32_t id = 0; id < schedule->count; id++) {
    if (!schedule->needed[id] || schedule->graph->nodes[id].op != OP_conv) continue;
    int32_t last = id, next = only_user(schedule, id);
    if (next >= 0 && adds_bias(schedule, next, id)) {
      last = next;
      next = only_user(schedule, next);
    }
    if (next >= 0 && schedule->graph->nodes[next].op == OP_leaky_relu &&
        schedule->graph->nodes[next].input[0] == last) {
      schedule->absorbed[last] = true;
      last = next;
    }
    if (last != id) schedule->absorbed[id] = true;
    schedule->tail_of[last] = id;
  }
}

static int group_size(const struct schedule *schedule, int32_t group) {
  int size = 0;
  for (int32_t id = 0; id <= schedule->group_last[group]; id++) size += schedule->group[id] == group;
  return size;
}

/* Whether all of `groups` can be computed at node `id`. */
static bool may_wait(const struct schedule *schedule, const int32_t *groups, int count, int32_t id) {
  for (int32_t member = 0; member < id; member++) {
    int32_t group = schedule->group[member];
    if (group < 0 || (group != groups[0] && (count < 2 || group != groups[1]))) continue;
    for (int32_t u = schedule->user_start[member]; u < schedule->user_start[member + 1]; u++) {
      int32_t user = schedule->users[u], other = schedule->group[user];
      bool inside = other >= 0 && (other == groups[0] || (count == 2 && other == groups[1]));
      if (!inside && user < id) return false;
    }
  }
  return true;
}

static void join(struct schedule *schedule, int32_t id, const int32_t *groups, int count) {
  schedule->group[id] = groups[0];
  for (int32_t member = 0; count == 2 && member < id; member++)
    if (schedule->group[member] == groups[1]) schedule->group[member] = groups[0];
  if (count == 2) schedule->group_last[groups[1]] = -1;
  schedule->group_last[groups[0]] = id;
}

/* The groups that the operands of node `id` are in, if they have its size and type. */
static int operand_groups(const struct schedule *schedule, int32_t id, int32_t *groups) {
  const struct node *nodes = schedule->graph->nodes, *node = &nodes[id];
  int count = 0;
  for (int i = 0; i < node->input_count; i++) {
    int32_t base = schedule_base(schedule, node->input[i]), group = schedule->group[base];
    if (group < 0 || nodes[base].shape.type != node->shape.type ||
        shape_elements(&nodes[base].shape) != shape_elements(&node->shape))
      continue;
    if (count == 0 || groups[0] != group) groups[count++] = group;
  }
  return count;
}

static void form_groups(struct schedule *schedule) {
  int32_t next = 0;
  for (int32_t id = 0; id < schedule->count; id++) {
    if (!schedule->needed[id] || !schedule_elementwise(schedule, id) || schedule->absorbed[id] ||
        schedule->tail_of[id] >= 0)
      continue;
    int32_t groups[2] = {-1, -1};
    int count = operand_groups(schedule, id, groups), size = 1;
    for (int i = 0; i < count; i++) size += group_size(schedule, groups[i]);
    if (count > 0 && size <= PROGRAM_INSTRUCTIONS_MAX && may_wait(schedule, groups, count, id)) {
      join(schedule, id, groups, count);
      continue;
    }
    bool joined = false;
    for (int i = 0; count == 2 && i < 2 && !joined; i++) {
      joined = group_size(schedule, groups[i]) < PROGRAM_INSTRUCTIONS_MAX && may_wait(schedule, &groups[i], 1, id);
      if (joined) join(schedule, id, &groups[i], 1);
    }
    if (joined) continue;
    schedule->group[id] = next;
    schedule->group_last[next++] = id;
  }
}

/* Broadcasts that only fused groups and biases read are never laid out in memory. */
static void absorb_broadcasts(struct schedule *schedule) {
  for (int32_t id = 0; id < schedule->count; id++) {
    const struct node *node = &schedule->graph->nodes[id];
    int64_t period, repeat;
    if (!schedule->needed[id] || node->op != OP_broadcast || schedule->kept[id]) continue;
    bool pattern = schedule_pattern(&schedule->graph->nodes[node->input[0]].shape, &node->shape, &period, &repeat);
    for (int32_t u = schedule->user_start[id]; pattern && u < schedule->user_start[id + 1]; u++) {
      int32_t user = schedule->users[u];
      bool bias =
          schedule->graph->nodes[user].op == OP_add && (schedule->absorbed[user] || schedule->tail_of[user] >= 0);
      pattern = schedule->group[user] >= 0 || bias;
    }
    schedule->absorbed[id] = pattern;
  }
}

/* Whether all that a node reads is known once the parameters are, the other members of its group included. Not outputs,
 * which every run writes, since the caller may have bound them; nor convolutions, which carry tails. */
static bool may_prepare(const struct schedule *schedule, int32_t id) {
  const struct node *node = &schedule->graph->nodes[id];
  if (op_table[node->op].kind == OP_KIND_SOURCE) return node->op != OP_input;
  if (schedule->kept[id] || schedule_is_conv(node->op) || schedule->tail_of[id] >= 0) return false;
  for (int i = 0; i < node->input_count; i++)
    if (!schedule->prepared[node->input[i]]) return false;
  for (int32_t other = 0; schedule->group[id] >= 0 && other < schedule->count; other++)
    if (schedule->group[other] == schedule->group[id] && !schedule->prepared[other]) return false;
  return true;
}

/* From all nodes, those that cannot be prepared are taken away until none is left that depends on one of them. */
static void find_prepared(struct schedule *schedule) {
  for (int32_t id = 0; id < schedule->count; id++) schedule->prepared[id] = true;
  for (bool changed = true; changed;) {
    changed = false;
    for (int32_t id = 0; id < schedule->count; id++) {
      if (!schedule->prepared[id] || may_prepare(schedule, id)) continue;
      schedule->prepared[id] = false;
      changed = true;
    }
  }
}

static bool allocate(struct schedule *schedule) {
  size_t n = (size_t)schedule->count + 1;
  schedule->needed = calloc(n, sizeof *schedule->needed);
  schedule->kept = calloc(n, sizeof *schedule->kept);
  schedule->absorbed = calloc(n, sizeof *schedule->absorbed);
  schedule->prepared = calloc(n, sizeof *schedule->prepared);
  schedule->user_start = calloc(n + 1, sizeof *schedule->user_start);
  schedule->group = malloc(n * sizeof *schedule->group);
  schedule->group_last = malloc(n * sizeof *schedule->group_last);
  schedule->tail_of = malloc(n * sizeof *schedule->tail_of);
  schedule->slot = malloc(n * sizeof *schedule->slot);
  if (!schedule->needed || !schedule->kept || !schedule->absorbed || !schedule->prepared || !schedule->user_start ||
      !schedule->group || !schedule->group_last || !schedule->tail_of || !schedule->slot)
    return false;
  for (size_t i = 0; i < n; i++)
    schedule->group[i] = schedule->group_last[i] = schedule->tail_of[i] = schedule->slot[i] = -1;
  return true;
}

enum status schedule_open(struct plan *plan, const struct value *outputs, int count, struct schedule *schedule) {
  *schedule = (struct schedule){.plan = plan, .graph = outputs[0].graph};
  for (int i = 0; i < count; i++)
    if (outputs[i].id >= schedule->count) schedule->count = outputs[i].id + 1;
  bool whole = allocate(schedule);
  if (whole) {
    mark_needed(schedule, outputs, count);
    whole = list_users(schedule);
  }
  if (!whole) {
    schedule_close(schedule);
    return status_raise(STATUS_MEMORY, "out of memory for a plan of %d nodes", (int)schedule->count);
  }
  if (!plan->options.reference) {
    fuse_tails(schedule);
    form_groups(schedule);
    absorb_broadcasts(schedule);
    find_prepared(schedule);
  }
  return STATUS_OK;
}

void schedule_close(struct schedule *schedule) {
  free(schedule->needed);
  free(schedule->kept);
  free(schedule->absorbed);
  free(schedule->prepared);
  free(schedule->user_start);
  free(schedule->users);
  free(schedule->group);
  free(schedule->group_last);
  free(schedule->tail_of);
  free(schedule->slot);
}
