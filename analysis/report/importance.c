#include "analysis/report/importance.h"

#include "sweep/sobol.h"

#include <math.h>
#include <stdlib.h>

enum { VARIANCE_POINTS = 1 << 13 };

/* A marginal, constant between edges: of numbers the thresholds of a tree, or of all trees, of choices the cells. */
struct marginal {
  int64_t cells;
  double *edge;  /* [cells + 1], ascending; of choices borrowed from the axis */
  double *value; /* [cells] */
};

/* The box of a node while the tree is walked: of numbers from `low` to `high`, of choices the cells that are in. */
struct side {
  double low, high, measure;
  const unsigned char *in; /* [cells]; NULL: all of them */
};

struct walk {
  const struct parzen_axes *axes;
  const struct forest_tree *tree;
  struct marginal *marginal; /* [axes] */
  double mean, squares;      /* sums over leaves of f m and f^2 m */
  struct side side[SPACE_PARAMETERS_MAX];
  unsigned char *stack; /* sets of cells, one behind the other */
  size_t used, room;
};

/* ---- Boxes ---- */

static double measure_of(const struct parzen_axis *axis, const unsigned char *in) {
  double sum = 0;
  for (int64_t c = 0; c < axis->cells; c++) sum += in[c] ? axis->edge[c + 1] - axis->edge[c] : 0;
  return sum;
}

/* Index of an edge that is there. */
static int64_t find_edge(const struct marginal *marginal, double edge) {
  int64_t low = 0, high = marginal->cells;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (marginal->edge[middle] < edge)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static void add_leaf(struct walk *walk, double value) {
  const int axes = walk->axes->count;
  double before[SPACE_PARAMETERS_MAX + 1], after = 1;
  before[0] = 1;
  for (int a = 0; a < axes; a++) before[a + 1] = before[a] * walk->side[a].measure;
  walk->mean += value * before[axes];
  walk->squares += value * value * before[axes];
  for (int a = axes - 1; a >= 0; a--) {
    struct marginal *marginal = &walk->marginal[a];
    const struct side *side = &walk->side[a];
    const double others = value * (before[a] * after);
    after *= side->measure;
    if (walk->axes->axis[a].kind == PARZEN_CHOICES) {
      for (int64_t c = 0; c < marginal->cells; c++)
        if (!side->in || side->in[c]) marginal->value[c] += others;
      continue;
    }
    const int64_t end = find_edge(marginal, side->high);
    for (int64_t c = find_edge(marginal, side->low); c < end; c++) marginal->value[c] += others;
  }
}

/* The cells of the side that are of the node's left, or right, part. */
static const unsigned char *divide_cells(struct walk *walk, const struct forest_node *node, bool left) {
  const int64_t cells = walk->axes->axis[node->axis].cells;
  const unsigned char *all = walk->side[node->axis].in;
  unsigned char *in = walk->stack + walk->used;
  walk->used += (size_t)cells;
  for (int64_t c = 0; c < cells; c++) in[c] = (!all || all[c]) && node->left[c] == left;
  return in;
}

static void walk_node(struct walk *walk, int64_t at) { /* as deep as the tree */
  const struct forest_node *node = &walk->tree->node[at];
  if (node->axis < 0) {
    add_leaf(walk, node->mean);
    return;
  }
  const struct side whole = walk->side[node->axis];
  const size_t used = walk->used;
  for (int right = 0; right < 2; right++) {
    struct side *side = &walk->side[node->axis];
    *side = whole;
    if (walk->axes->axis[node->axis].kind == PARZEN_CHOICES) {
      side->in = divide_cells(walk, node, !right);
      side->measure = measure_of(&walk->axes->axis[node->axis], side->in);
    } else {
      *(right ? &side->low : &side->high) = node->threshold;
      side->measure = side->high - side->low;
    }
    walk_node(walk, node->child + right);
    walk->used = used;
  }
  walk->side[node->axis] = whole;
}

/* ---- A tree ---- */

static int compare_edges(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* 0, thresholds and 1: each once. */
static void settle_edges(struct marginal *marginal, int64_t thresholds) {
  double *edge = marginal->edge;
  const int64_t count = thresholds + 2;
  edge[thresholds] = 0;
  edge[thresholds + 1] = 1;
  qsort(edge, (size_t)count, sizeof *edge, compare_edges);
  int64_t kept = 1;
  for (int64_t i = 1; i < count; i++)
    if (edge[i] > edge[kept - 1]) edge[kept++] = edge[i];
  marginal->cells = kept - 1;
}

static int64_t collect_thresholds(const struct forest_tree *tree, int axis, double *edge) {
  int64_t count = 0;
  for (int64_t i = 0; i < tree->nodes; i++)
    if (tree->node[i].axis == axis) edge[count++] = tree->node[i].threshold;
  return count;
}

/* An axis of so many trees. */
static void open_marginal(const struct parzen_axis *about, int axis, const struct forest_tree *tree, int trees,
                          struct arena *arena, struct marginal *marginal) {
  if (about->kind == PARZEN_CHOICES) {
    *marginal = (struct marginal){.cells = about->cells, .edge = about->edge};
  } else {
    int64_t most = 2, count = 0;
    for (int t = 0; t < trees; t++) most += tree[t].nodes / 2; /* every other node is a leaf */
    marginal->edge = arena_array(arena, most, sizeof *marginal->edge);
    for (int t = 0; t < trees && marginal->edge; t++)
      count += collect_thresholds(&tree[t], axis, marginal->edge + count);
    if (marginal->edge) settle_edges(marginal, count);
  }
  marginal->value = arena_array(arena, marginal->cells, sizeof *marginal->value);
}

static int64_t deepest(const struct forest_tree *tree, int64_t at) {
  const struct forest_node *node = &tree->node[at];
  if (node->axis < 0) return 1;
  const int64_t left = deepest(tree, node->child), right = deepest(tree, node->child + 1);
  return 1 + (left > right ? left : right);
}

static enum status open_walk(const struct parzen_axes *axes, const struct forest_tree *tree, struct arena *arena,
                             struct walk *walk) {
  int64_t most = 1;
  *walk = (struct walk){.axes = axes, .tree = tree};
  walk->marginal = arena_array(arena, axes->count, sizeof *walk->marginal);
  TRY(arena_check(arena, "the importance of parameters"));
  for (int a = 0; a < axes->count; a++) {
    walk->side[a] = (struct side){0, 1, 1, NULL};
    open_marginal(&axes->axis[a], a, tree, 1, arena, &walk->marginal[a]);
    if (axes->axis[a].kind == PARZEN_CHOICES && axes->axis[a].cells > most) most = axes->axis[a].cells;
  }
  walk->stack = arena_array(arena, 2 * deepest(tree, 0) * most, 1);
  return arena_check(arena, "the importance of parameters");
}

static double variance_of(const struct marginal *marginal, double mean) {
  double sum = 0;
  for (int64_t c = 0; c < marginal->cells; c++) {
    const double difference = marginal->value[c] - mean;
    sum += difference * difference * (marginal->edge[c + 1] - marginal->edge[c]);
  }
  return sum;
}

/* The marginal at the axis' points, for the mean and the deviation over trees. */
static void add_dependence(const struct parzen_axis *about, const struct marginal *marginal,
                           struct importance_axis *axis) {
  for (int64_t i = 0, c = 0; i < axis->points; i++) {
    if (about->kind == PARZEN_CHOICES)
      c = i;
    else
      while (c + 1 < marginal->cells && marginal->edge[c + 1] <= axis->at[i]) c++;
    axis->mean[i] += marginal->value[c];
    axis->deviation[i] += marginal->value[c] * marginal->value[c];
  }
}

/* Adds the tree's marginal to that of the forest, whose edges are all that there are. */
static void add_marginal(const struct marginal *marginal, double weight, struct marginal *sum) {
  for (int64_t i = 0, c = 0; i < sum->cells; i++) {
    while (c + 1 < marginal->cells && marginal->edge[c + 1] <= sum->edge[i]) c++;
    sum->value[i] += weight * marginal->value[c];
  }
}

/* What is summed over the trees of a forest. */
struct sums {
  const struct forest *forest;
  struct marginal *marginal; /* [axes]: of their mean */
  double mean;               /* of it */
  int trees;                 /* whose values differ */
  struct arena arena;
};

static enum status add_tree(struct sums *sums, int tree, struct importance *importance) {
  const struct forest *forest = sums->forest;
  struct arena arena = {.last = NULL};
  struct walk walk;
  enum status status = open_walk(forest->axes, &forest->tree[tree], &arena, &walk);
  if (status == STATUS_OK) {
    walk_node(&walk, 0);
    const double variance = walk.squares - walk.mean * walk.mean;
    const bool differs = variance > 1e-14 * walk.squares;
    sums->trees += differs;
    sums->mean += walk.mean / forest->count;
    for (int a = 0; a < importance->count; a++) {
      struct importance_axis *axis = &importance->axis[a];
      const double share = differs ? variance_of(&walk.marginal[a], walk.mean) / variance : 0;
      axis->tree_share += share;
      axis->spread += share * share;
      add_dependence(&forest->axes->axis[a], &walk.marginal[a], axis);
      if (forest->axes->axis[a].kind == PARZEN_CHOICES)
        for (int64_t c = 0; c < walk.marginal[a].cells; c++)
          sums->marginal[a].value[c] += walk.marginal[a].value[c] / forest->count;
      else
        add_marginal(&walk.marginal[a], 1.0 / forest->count, &sums->marginal[a]);
    }
  }
  arena_free(&arena);
  return status;
}

/* ---- All of them ---- */

/* Variance of the mean of the trees over the space. */
static double forest_variance(const struct sums *sums) {
  const struct parzen_axes *axes = sums->forest->axes;
  double place[SPACE_PARAMETERS_MAX], sum = 0;
  for (uint32_t i = 0; i < VARIANCE_POINTS; i++) {
    double value = 0;
    for (int a = 0; a < axes->count; a++) {
      const double u = ((double)sobol_point(a, i) + 0.5) * 0x1p-32;
      place[a] = axes->axis[a].kind == PARZEN_CONTINUUM ? u : (double)parzen_cell(&axes->axis[a], u);
    }
    for (int t = 0; t < sums->forest->count; t++)
      value += forest_predict(sums->forest, &sums->forest->tree[t], place) / sums->forest->count;
    sum += (value - sums->mean) * (value - sums->mean);
  }
  return sum / VARIANCE_POINTS;
}

static void settle(double *sum, double *squares, double n) {
  const double mean = *sum / n;
  *squares = sqrt(fmax(0, *squares / n - mean * mean));
  *sum = mean;
}

static int compare_shares(const void *a, const void *b) {
  const struct importance_axis *x = a, *y = b;
  if (x->share != y->share) return x->share > y->share ? -1 : 1;
  return x->parameter - y->parameter;
}

static void finish(const struct sums *sums, struct importance *importance) {
  const struct forest *forest = sums->forest;
  double variance = forest_variance(sums), main = 0;
  for (int a = 0; a < importance->count; a++) main += variance_of(&sums->marginal[a], sums->mean);
  variance = fmax(variance, main); /* which is exact */
  importance->together = variance > 0 ? 1 - main / variance : 0;
  importance->explained = 1 - forest->error / forest->variance;
  for (int a = 0; a < importance->count; a++) {
    struct importance_axis *axis = &importance->axis[a];
    axis->share = variance > 0 ? variance_of(&sums->marginal[a], sums->mean) / variance : 0;
    settle(&axis->tree_share, &axis->spread, sums->trees > 0 ? sums->trees : 1);
    for (int64_t i = 0; i < axis->points; i++) settle(&axis->mean[i], &axis->deviation[i], forest->count);
  }
  qsort(importance->axis, (size_t)importance->count, sizeof *importance->axis, compare_shares);
}

static enum status sum_trees(const struct forest *forest, struct importance *importance) {
  struct sums sums = {.forest = forest};
  sums.marginal = arena_array(&sums.arena, importance->count, sizeof *sums.marginal);
  for (int a = 0; a < importance->count && sums.marginal; a++)
    open_marginal(&forest->axes->axis[a], a, forest->tree, forest->count, &sums.arena, &sums.marginal[a]);
  enum status status = arena_check(&sums.arena, "the importance of parameters");
  for (int t = 0; t < forest->count && status == STATUS_OK; t++) status = add_tree(&sums, t, importance);
  if (status == STATUS_OK) finish(&sums, importance);
  arena_free(&sums.arena);
  return status;
}

/* Where partial dependence is looked at: the middles of cells, or of as many equal parts. */
static enum status open_axes(const struct parzen_axes *axes, struct importance *importance) {
  importance->count = axes->count;
  for (int a = 0; a < axes->count; a++) {
    const struct parzen_axis *about = &axes->axis[a];
    struct importance_axis *axis = &importance->axis[a];
    *axis = (struct importance_axis){.parameter = about->parameter,
                                     .points = about->kind == PARZEN_CONTINUUM ? IMPORTANCE_GRID : about->cells};
    axis->at = arena_array(&importance->arena, axis->points, sizeof *axis->at);
    axis->mean = arena_array(&importance->arena, axis->points, sizeof *axis->mean);
    axis->deviation = arena_array(&importance->arena, axis->points, sizeof *axis->deviation);
    for (int64_t i = 0; i < axis->points && axis->at; i++)
      axis->at[i] =
          about->kind == PARZEN_CONTINUUM ? ((double)i + 0.5) / IMPORTANCE_GRID : forest_coordinate(about, (double)i);
  }
  return arena_check(&importance->arena, "the importance of parameters");
}

enum status importance_measure(const struct parzen_axes *axes, int64_t count, const double *place, const double *value,
                               uint64_t seed, struct importance *importance) {
  struct forest forest;
  int64_t other = 0;
  *importance = (struct importance){.count = 0};
  REQUIRE(axes->count > 0, STATUS_UNAVAILABLE, "no parameter has more than one value");
  REQUIRE(count >= IMPORTANCE_LEAST, STATUS_UNAVAILABLE,
          "%lld configurations have come to an end with a value, and it takes %d", (long long)count, IMPORTANCE_LEAST);
  while (other < count && value[other] == value[0]) other++;
  REQUIRE(other < count, STATUS_UNAVAILABLE, "all of them have the same value");
  const struct forest_data data = {axes, count, place, value};
  TRY(forest_grow(&data, IMPORTANCE_TREES, seed, &forest));
  enum status status = open_axes(axes, importance);
  if (status == STATUS_OK) status = sum_trees(&forest, importance);
  forest_free(&forest);
  if (status != STATUS_OK) importance_free(importance);
  return status;
}

void importance_free(struct importance *importance) {
  arena_free(&importance->arena);
  importance->count = 0;
}
