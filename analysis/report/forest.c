#include "analysis/report/forest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One tree as it grows. On every axis the points of a node stand in their order, in the same part of order[axis]: so
 * a cut needs no sorting, and to grow a tree takes time points * axes * depth. */
struct grower {
  const struct forest_data *data;
  struct forest *forest;
  struct forest_tree *tree;
  int64_t room;                   /* nodes that the tree can have */
  int64_t points;                 /* different ones that were drawn */
  int64_t **sorted;               /* [axes][count]: all points, once and for all */
  int64_t **order;                /* [axes][points] */
  int64_t *moved;                 /* [points] */
  double *weight;                 /* [count]: times that it was drawn */
  unsigned char *to_left;         /* [count] */
  int64_t most_cells;             /* of a choice */
  double *cell_weight, *cell_sum; /* [most_cells] */
  int64_t *cell;                  /* [most_cells] */
  double *out_sum;                /* [count]: of trees that have not seen it */
  int64_t *out_count;
  struct rng rng; /* of the tree */
};

/* Gains that differ by less are equal: sums of the same numbers in another order. */
static const double same = 1e-10;

struct cut {
  double gain; /* by which the sum of squares becomes less */
  int axis;
  double threshold;
  int64_t cells; /* of choices: the first so many of grower->cell are of the left part */
  double left_weight;
};

/* A node that is to be cut: its part of every order. */
struct part {
  int64_t node, first, count;
};

/* ---- Places ---- */

static double end_of(const struct parzen_axis *axis, double place, int end) {
  return axis->kind == PARZEN_NUMBERS ? axis->edge[(int64_t)place + end] : place;
}

double forest_coordinate(const struct parzen_axis *axis, double place) {
  return axis->kind == PARZEN_NUMBERS ? 0.5 * (end_of(axis, place, 0) + end_of(axis, place, 1)) : place;
}

static double place_of(const struct grower *grower, int64_t point, int axis) {
  return grower->data->place[point * grower->data->axes->count + axis];
}

static bool is_left(const struct parzen_axis *axis, const struct forest_node *node, double place) {
  if (isnan(place)) return false;
  return axis->kind == PARZEN_CHOICES ? node->left[(int64_t)place] : forest_coordinate(axis, place) < node->threshold;
}

double forest_predict(const struct forest *forest, const struct forest_tree *tree, const double *place) {
  const struct forest_node *node = tree->node;
  while (node->axis >= 0)
    node = tree->node + node->child + !is_left(&forest->axes->axis[node->axis], node, place[node->axis]);
  return node->mean;
}

struct sort_key {
  double place;
  int64_t point;
};

static int compare_keys(const void *a, const void *b) {
  const struct sort_key *x = a, *y = b;
  if (isnan(x->place) || isnan(y->place)) {
    if (isnan(x->place) != isnan(y->place)) return isnan(x->place) ? 1 : -1; /* those without stand last */
  } else if (x->place != y->place) {
    return x->place < y->place ? -1 : 1;
  }
  return x->point < y->point ? -1 : x->point > y->point;
}

static enum status sort_axes(struct grower *grower) {
  const int64_t n = grower->data->count;
  struct sort_key *key = malloc((size_t)n * sizeof *key);
  REQUIRE(key, STATUS_MEMORY, "out of memory for a forest");
  for (int a = 0; a < grower->data->axes->count; a++) {
    for (int64_t i = 0; i < n; i++) key[i] = (struct sort_key){place_of(grower, i, a), i};
    qsort(key, (size_t)n, sizeof *key, compare_keys);
    for (int64_t i = 0; i < n; i++) grower->sorted[a][i] = key[i].point;
  }
  free(key);
  return STATUS_OK;
}

/* ---- Cuts ---- */

struct moments {
  double weight, sum, squares;
};

static struct moments moments_of(const struct grower *grower, const struct part *part) {
  struct moments all = {0};
  const int64_t *order = grower->order[0] + part->first;
  for (int64_t i = 0; i < part->count; i++) {
    const double w = grower->weight[order[i]], y = grower->data->value[order[i]];
    all.weight += w;
    all.sum += w * y;
    all.squares += w * y * y;
  }
  return all;
}

/* The sum of squares becomes less by w_l w_r / (w_l + w_r) (mean_l - mean_r)^2. */
static double gain_of(const struct moments *all, double weight, double sum) {
  const double rest = all->weight - weight;
  const double difference = sum / weight - (all->sum - sum) / rest;
  return weight * rest / all->weight * difference * difference;
}

static void try_numbers(const struct grower *grower, const struct part *part, const struct moments *all, int axis,
                        struct cut *best) {
  const struct parzen_axis *about = &grower->data->axes->axis[axis];
  const int64_t *order = grower->order[axis] + part->first;
  double weight = 0, sum = 0;
  for (int64_t i = 0; i + 1 < part->count; i++) {
    const double w = grower->weight[order[i]];
    weight += w;
    sum += w * grower->data->value[order[i]];
    const double here = place_of(grower, order[i], axis), next = place_of(grower, order[i + 1], axis);
    if (!(here < next)) continue;
    const double gain = gain_of(all, weight, sum);
    if (gain > best->gain * (1 + same))
      *best = (struct cut){gain, axis, 0.5 * (end_of(about, here, 1) + end_of(about, next, 0)), 0, weight};
  }
}

/* Cells that the node's points have, by their means; returns how many. */
static int64_t order_cells(const struct grower *grower, const struct part *part, int axis) {
  const int64_t cells = grower->data->axes->axis[axis].cells, *order = grower->order[axis] + part->first;
  int64_t count = 0;
  memset(grower->cell_weight, 0, (size_t)cells * sizeof *grower->cell_weight);
  memset(grower->cell_sum, 0, (size_t)cells * sizeof *grower->cell_sum);
  for (int64_t i = 0; i < part->count; i++) {
    const int64_t c = (int64_t)place_of(grower, order[i], axis);
    if (grower->cell_weight[c] == 0) grower->cell[count++] = c;
    grower->cell_weight[c] += grower->weight[order[i]];
    grower->cell_sum[c] += grower->weight[order[i]] * grower->data->value[order[i]];
  }
  for (int64_t i = 1; i < count; i++) { /* few */
    const int64_t c = grower->cell[i];
    const double mean = grower->cell_sum[c] / grower->cell_weight[c];
    int64_t at = i;
    for (; at > 0; at--) {
      const int64_t before = grower->cell[at - 1];
      if (grower->cell_sum[before] / grower->cell_weight[before] <= mean) break;
      grower->cell[at] = before;
    }
    grower->cell[at] = c;
  }
  return count;
}

static void try_choices(const struct grower *grower, const struct part *part, const struct moments *all, int axis,
                        struct cut *best) {
  const int64_t count = order_cells(grower, part, axis);
  double weight = 0, sum = 0;
  for (int64_t i = 0; i + 1 < count; i++) {
    weight += grower->cell_weight[grower->cell[i]];
    sum += grower->cell_sum[grower->cell[i]];
    const double gain = gain_of(all, weight, sum);
    if (gain > best->gain * (1 + same)) *best = (struct cut){gain, axis, 0, i + 1, weight};
  }
}

/* Of equal cuts, as all of two points are, none is to be preferred: which axis comes first is drawn. */
static struct cut find_cut(struct grower *grower, const struct part *part, const struct moments *all) {
  const struct parzen_axes *axes = grower->data->axes;
  /* Less than this is rounding: the values are equal. */
  const double spread = all->squares - all->sum * all->sum / all->weight;
  struct cut best = {.gain = 1e-14 * all->squares, .axis = -1};
  if (!(spread > best.gain)) return best;
  const int first = (int)rng_below(&grower->rng, (uint64_t)axes->count);
  for (int i = 0; i < axes->count; i++) {
    const int a = (first + i) % axes->count;
    const int64_t last = grower->order[a][part->first + part->count - 1];
    if (isnan(place_of(grower, last, a))) continue;
    if (axes->axis[a].kind == PARZEN_CHOICES)
      try_choices(grower, part, all, a, &best);
    else
      try_numbers(grower, part, all, a, &best);
  }
  return best;
}

/* ---- Growing ---- */

/* Which choices go to the left. */
static enum status settle_choices(struct grower *grower, const struct part *part, const struct moments *all,
                                  const struct cut *cut, struct forest_node *node) {
  const int64_t cells = grower->data->axes->axis[cut->axis].cells;
  unsigned char *left = arena_array(&grower->forest->arena, cells, 1);
  REQUIRE(left, STATUS_MEMORY, "out of memory for a forest");
  const int64_t count = order_cells(grower, part, cut->axis);
  memset(left, cut->left_weight > 0.5 * all->weight, (size_t)cells);
  for (int64_t i = 0; i < count; i++) left[grower->cell[i]] = i < cut->cells;
  node->left = left;
  return STATUS_OK;
}

/* The points of the left part before those of the right one, in every order. Returns how many are left. */
static int64_t divide(struct grower *grower, const struct part *part, const struct forest_node *node) {
  const struct parzen_axes *axes = grower->data->axes;
  int64_t left = 0;
  for (int64_t i = 0; i < part->count; i++) {
    const int64_t point = grower->order[0][part->first + i];
    grower->to_left[point] = is_left(&axes->axis[node->axis], node, place_of(grower, point, node->axis));
    left += grower->to_left[point];
  }
  for (int a = 0; a < axes->count; a++) {
    int64_t *order = grower->order[a] + part->first, kept = 0, gone = 0;
    for (int64_t i = 0; i < part->count; i++)
      if (grower->to_left[order[i]])
        order[kept++] = order[i];
      else
        grower->moved[gone++] = order[i];
    memcpy(order + kept, grower->moved, (size_t)gone * sizeof *order);
  }
  return left;
}

static enum status grow_node(struct grower *grower, const struct part *part, int64_t *cut_at) {
  struct forest_node *node = &grower->tree->node[part->node];
  const struct moments all = moments_of(grower, part);
  *node = (struct forest_node){.axis = -1, .mean = all.sum / all.weight};
  *cut_at = 0;
  if (part->count < 2) return STATUS_OK;
  const struct cut cut = find_cut(grower, part, &all);
  if (cut.axis < 0) return STATUS_OK;
  node->axis = cut.axis;
  node->threshold = cut.threshold;
  if (grower->data->axes->axis[cut.axis].kind == PARZEN_CHOICES) TRY(settle_choices(grower, part, &all, &cut, node));
  *cut_at = divide(grower, part, node);
  if (*cut_at == 0 || *cut_at == part->count) { /* places so near that no number lies between them */
    node->axis = -1;
    *cut_at = 0;
    return STATUS_OK;
  }
  node->child = grower->tree->nodes;
  grower->tree->nodes += 2;
  return STATUS_OK;
}

static void draw_points(struct grower *grower, uint64_t seed, int tree) {
  const int64_t n = grower->data->count;
  grower->rng = rng_stream(seed, RNG_FOREST, (uint64_t)tree, 0);
  memset(grower->weight, 0, (size_t)n * sizeof *grower->weight);
  for (int64_t i = 0; i < n; i++) grower->weight[rng_below(&grower->rng, (uint64_t)n)] += 1;
  for (int a = 0; a < grower->data->axes->count; a++) {
    grower->points = 0;
    for (int64_t i = 0; i < n; i++)
      if (grower->weight[grower->sorted[a][i]] > 0) grower->order[a][grower->points++] = grower->sorted[a][i];
  }
}

static enum status grow_tree(struct grower *grower, uint64_t seed, int tree, struct part *stack) {
  draw_points(grower, seed, tree);
  grower->tree = &grower->forest->tree[tree];
  grower->tree->node = arena_array(&grower->forest->arena, 2 * grower->points, sizeof *grower->tree->node);
  REQUIRE(grower->tree->node, STATUS_MEMORY, "out of memory for a forest");
  grower->tree->nodes = 1;
  int64_t depth = 1;
  stack[0] = (struct part){0, 0, grower->points};
  while (depth > 0) {
    const struct part part = stack[--depth];
    int64_t left;
    TRY(grow_node(grower, &part, &left));
    if (left == 0) continue;
    const int64_t child = grower->tree->node[part.node].child;
    stack[depth++] = (struct part){child, part.first, left};
    stack[depth++] = (struct part){child + 1, part.first + left, part.count - left};
  }
  for (int64_t i = 0; i < grower->data->count; i++) {
    if (grower->weight[i] > 0) continue;
    grower->out_sum[i] +=
        forest_predict(grower->forest, grower->tree, grower->data->place + i * grower->data->axes->count);
    grower->out_count[i] += 1;
  }
  return STATUS_OK;
}

/* What the trees say of points that they have not seen. */
static void judge_forest(const struct grower *grower) {
  const struct forest_data *data = grower->data;
  double mean = 0, variance = 0, error = 0;
  int64_t seen = 0;
  for (int64_t i = 0; i < data->count; i++) mean += data->value[i] / (double)data->count;
  for (int64_t i = 0; i < data->count; i++) {
    if (grower->out_count[i] == 0) continue;
    const double difference = data->value[i] - grower->out_sum[i] / (double)grower->out_count[i];
    error += difference * difference;
    variance += (data->value[i] - mean) * (data->value[i] - mean);
    seen += 1;
  }
  grower->forest->error = seen > 0 ? error / (double)seen : (double)NAN;
  grower->forest->variance = seen > 0 ? variance / (double)seen : (double)NAN;
}

static enum status make_room(struct grower *grower, struct arena *arena, struct part **stack) {
  const struct parzen_axes *axes = grower->data->axes;
  const int64_t n = grower->data->count;
  int64_t most = 1;
  for (int a = 0; a < axes->count; a++)
    if (axes->axis[a].kind == PARZEN_CHOICES && axes->axis[a].cells > most) most = axes->axis[a].cells;
  grower->sorted = arena_array(arena, axes->count, sizeof *grower->sorted);
  grower->order = arena_array(arena, axes->count, sizeof *grower->order);
  TRY(arena_check(arena, "a forest"));
  for (int a = 0; a < axes->count; a++) {
    grower->sorted[a] = arena_array(arena, n, sizeof **grower->sorted);
    grower->order[a] = arena_array(arena, n, sizeof **grower->order);
  }
  grower->moved = arena_array(arena, n, sizeof *grower->moved);
  grower->weight = arena_array(arena, n, sizeof *grower->weight);
  grower->to_left = arena_array(arena, n, 1);
  grower->cell_weight = arena_array(arena, most, sizeof *grower->cell_weight);
  grower->cell_sum = arena_array(arena, most, sizeof *grower->cell_sum);
  grower->cell = arena_array(arena, most, sizeof *grower->cell);
  grower->out_sum = arena_array(arena, n, sizeof *grower->out_sum);
  grower->out_count = arena_array(arena, n, sizeof *grower->out_count);
  *stack = arena_array(arena, n + 1, sizeof **stack);
  return arena_check(arena, "a forest");
}

enum status forest_grow(const struct forest_data *data, int trees, uint64_t seed, struct forest *forest) {
  struct arena scratch = {.last = NULL};
  struct part *stack = NULL;
  struct grower grower = {.data = data, .forest = forest};
  REQUIRE(data->count > 0 && data->axes->count > 0, STATUS_ARGUMENT, "a forest of no points, or no axes");
  *forest = (struct forest){.axes = data->axes, .count = trees};
  forest->tree = arena_array(&forest->arena, trees, sizeof *forest->tree);
  enum status status = arena_check(&forest->arena, "a forest");
  if (status == STATUS_OK) status = make_room(&grower, &scratch, &stack);
  if (status == STATUS_OK) status = sort_axes(&grower);
  for (int t = 0; t < trees && status == STATUS_OK; t++) status = grow_tree(&grower, seed, t, stack);
  if (status == STATUS_OK) judge_forest(&grower);
  arena_free(&scratch);
  if (status != STATUS_OK) forest_free(forest);
  return status;
}

void forest_free(struct forest *forest) {
  arena_free(&forest->arena);
  *forest = (struct forest){.count = 0};
}
