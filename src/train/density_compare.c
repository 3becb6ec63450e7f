#include "train/density_compare.h"

#include "base/elementary.h"
#include "base/finite.h"
#include "comm/reduce.h"
#include "train/energy_distance.h"

#include <stdlib.h>
#include <string.h>

/* Over the tolerance of likelihoods: fields of a grid and draws are many and weigh unequally, and some of them lie
 * between modes, where many samples are needed. */
static const double LIKENESS_TOLERANCE = 10;

/* ---- Draws ---- */

/* All draws, on every rank: where they begin and where they come out. [draws][D] each. */
struct drawn {
  struct arena arena;
  double *x, *momentum, *q, *p;
  unsigned char *finite; /* [draws] */
};

static enum status draw_all(const struct density_likeness_task *task, struct drawn *drawn) {
  const int64_t dimension = task->judge->model->dimension, values = task->draws * dimension;
  *drawn = (struct drawn){.x = NULL};
  double **const arrays[4] = {&drawn->x, &drawn->momentum, &drawn->q, &drawn->p};
  for (int i = 0; i < 4; i++) *arrays[i] = arena_array(&drawn->arena, values, sizeof(double));
  drawn->finite = arena_array(&drawn->arena, task->draws, 1);
  TRY(arena_check(&drawn->arena, "draws"));
  TRY(density_judge_draw(task->judge, task->seed, 0, task->draws, drawn->x, drawn->momentum, drawn->q, drawn->p));
  for (int64_t i = 0; i < task->draws; i++) {
    bool finite = true;
    for (int64_t k = 0; k < dimension; k++) finite = finite && isfinite(drawn->x[i * dimension + k]);
    drawn->finite[i] = finite;
  }
  return STATUS_OK;
}

/* The effective number is the exponential of the entropy of their shares. */
static void count_modes(const struct density_likeness_task *task, const struct drawn *drawn,
                        struct density_likeness *out) {
  const int64_t dimension = task->judge->model->dimension;
  const int modes = target_modes(task->target);
  int64_t count[TARGET_MODES_MAX] = {0}, reached = 0;
  double entropy = 0;
  for (int64_t i = 0; i < task->draws; i++) {
    const int mode = drawn->finite[i] ? target_mode(task->target, drawn->x + i * dimension) : -1;
    if (mode < 0) continue;
    count[mode] += 1;
    reached += 1;
  }
  for (int mode = 0; mode < modes; mode++) {
    const double share = (double)count[mode] / (double)reached;
    if (count[mode] > 0) entropy -= share * elementary_log(share);
  }
  out->modes = reached > 0 ? elementary_exp(entropy) : 0;
  out->outside = 1 - (double)reached / (double)task->draws;
}

/* ---- The way of a state ---- */

struct moments {
  double sum, square;
  int64_t count;
};

static void moments_add(struct moments *moments, double value) {
  moments->sum += value;
  moments->square += value * value;
  moments->count += 1;
}

static double moments_deviation(const struct moments *moments) {
  const double n = (double)moments->count, mean = moments->sum / n;
  return sqrt(finite_variance(moments->square / n - mean * mean));
}

/* One Hamiltonian along its steps, of one batch; q and p go on to where it ends. */
static enum status follow_one(struct density_judge *judge, int64_t i, float *q, float *p, int64_t rows,
                              struct moments *mean, double *deviation, double *drift) {
  const struct flow_settings *flow = &judge->model->settings.flow;
  double potential[DENSITY_ROWS], kinetic[DENSITY_ROWS], first[DENSITY_ROWS], sum[DENSITY_ROWS], square[DENSITY_ROWS];
  memset(first, 0, sizeof first);
  memset(sum, 0, sizeof sum);
  memset(square, 0, sizeof square);
  for (int64_t step = 0; step <= flow->steps; step++) {
    TRY(point_pass_energy(judge->pass, i, q, p, potential, kinetic));
    for (int64_t row = 0; row < rows; row++) {
      const double h = potential[row] + kinetic[row];
      if (step == 0) first[row] = h;
      sum[row] += h - first[row]; /* less its first, so that an offset costs no digits */
      square[row] += (h - first[row]) * (h - first[row]);
      if (step == flow->steps) *drift += fabs(h - first[row]);
    }
    if (step < flow->steps) TRY(point_pass_step(judge->pass, i, flow->dt, q, p, q, p));
  }
  const double n = (double)flow->steps + 1;
  for (int64_t row = 0; row < rows; row++) {
    moments_add(mean, first[row] + sum[row] / n);
    *deviation += sqrt(finite_variance(square[row] / n - sum[row] / n * (sum[row] / n)));
  }
  return STATUS_OK;
}

/* Of every Hamiltonian how much it varies along its steps, over its spread between draws; their mean. */
static enum status follow_energies(const struct density_likeness_task *task, const struct drawn *drawn,
                                   struct density_likeness *out) {
  struct density_judge *judge = task->judge;
  const int64_t dimension = judge->model->dimension, hamiltonians = point_model_hamiltonians(judge->model);
  struct moments mean[TRAINING_HAMILTONIANS_MAX];
  double deviation[TRAINING_HAMILTONIANS_MAX] = {0}, drift[TRAINING_HAMILTONIANS_MAX] = {0}, variation = 0, far = 0;
  memset(mean, 0, sizeof mean);
  for (int64_t at = 0; at < task->draws; at += DENSITY_ROWS) {
    const int64_t rows = task->draws - at < DENSITY_ROWS ? task->draws - at : DENSITY_ROWS;
    for (int64_t k = 0; k < rows * dimension; k++) {
      judge->to_x[k] = (float)drawn->q[at * dimension + k];
      judge->to_p[k] = (float)drawn->p[at * dimension + k];
    }
    for (int64_t i = 0; i < hamiltonians; i++)
      TRY(follow_one(judge, i, judge->to_x, judge->to_p, rows, &mean[i], &deviation[i], &drift[i]));
  }
  for (int64_t i = 0; i < hamiltonians; i++) {
    const double spread = moments_deviation(&mean[i]) * (double)task->draws * (double)hamiltonians;
    variation += deviation[i] / spread;
    far += drift[i] / spread;
  }
  if (!isfinite(variation)) return STATUS_OK; /* an H that is the same everywhere has no spread to compare with */
  out->energy_variation = variation;
  out->energy_drift = far;
  return STATUS_OK;
}

/* From where the draws came out back to where they began. */
static enum status reverse_draws(const struct density_likeness_task *task, const struct drawn *drawn,
                                 struct density_likeness *out) {
  struct density_judge *judge = task->judge;
  const int64_t dimension = judge->model->dimension;
  const bool moves = point_model_moves(judge->model);
  double difference = 0, size = 0;
  for (int64_t at = 0; at < task->draws; at += DENSITY_ROWS) {
    const int64_t values = (task->draws - at < DENSITY_ROWS ? task->draws - at : DENSITY_ROWS) * dimension;
    const double *x = drawn->x + at * dimension, *momentum = drawn->momentum + at * dimension;
    for (int64_t k = 0; k < values; k++) {
      judge->to_x[k] = (float)x[k];
      judge->to_p[k] = (float)momentum[k];
    }
    TRY(point_pass_return(judge->pass, judge->to_x, judge->to_p, judge->to_x, judge->to_p));
    for (int64_t k = 0; k < values; k++) {
      const double q = drawn->q[at * dimension + k], p = moves ? drawn->p[at * dimension + k] : 0,
                   dq = (double)judge->to_x[k] - q, dp = moves ? (double)judge->to_p[k] - p : 0;
      difference += dq * dq + dp * dp;
      size += q * q + p * p;
    }
  }
  out->reversal = sqrt(difference / size);
  return STATUS_OK;
}

/* ---- Likelihoods of draws and of a grid ---- */

/* This rank's groups of `count` points. */
static enum status share_points(const struct comm *comm, const struct density_likeness_task *task, int64_t count,
                                enum rng_purpose purpose, int64_t *first, struct density_points *points) {
  int64_t groups;
  comm_share((count + EVALUATION_GROUP - 1) / EVALUATION_GROUP, comm->size, comm->rank, first, &groups);
  TRY(density_points_create(groups, task->judge->model->dimension, points));
  points->purpose = purpose;
  points->seed = task->seed;
  *first *= EVALUATION_GROUP;
  for (int64_t i = 0; i < groups * EVALUATION_GROUP; i++)
    points->number[i] = *first + i < count ? (uint64_t)(*first + i) : DENSITY_NONE;
  return STATUS_OK;
}

/* Collective. log pi_model(x) - log pi(x) over draws; infinite, and so unknown, when one is where there is none. */
static enum status reverse_divergence(const struct comm *comm, const struct density_likeness_task *task,
                                      const struct drawn *drawn, struct density_likeness *out) {
  const int64_t dimension = task->judge->model->dimension;
  const double n = (double)task->draws;
  struct density_points points;
  struct exact sum[2];
  int64_t first;
  enum status status = share_points(comm, task, task->draws, RNG_DRAWN, &first, &points);
  for (int64_t i = 0; status == STATUS_OK && i < points.groups * EVALUATION_GROUP; i++) {
    if (points.number[i] == DENSITY_NONE) continue;
    memcpy(points.x + i * dimension, drawn->x + (first + i) * dimension, (size_t)dimension * sizeof(double));
    points.weight[i] = 1 / n;
  }
  status = comm_agree(comm, status);
  if (status == STATUS_OK)
    status = density_judge_points(comm, task->judge, task->samples, LIKENESS_TOLERANCE * task->tolerance, &points);
  exact_clear(&sum[0]);
  exact_clear(&sum[1]);
  for (int64_t i = 0; status == STATUS_OK && i < points.groups * EVALUATION_GROUP; i++) {
    if (points.number[i] == DENSITY_NONE) continue;
    const double difference = points.likelihood[i] - target_log_density(task->target, points.x + i * dimension);
    exact_add(&sum[0], difference);
    exact_add(&sum[1], difference * difference);
  }
  density_points_free(&points);
  if (status == STATUS_OK) status = reduce_exact(comm, sum, 2);
  if (status != STATUS_OK) return status;
  const double mean = exact_value(&sum[0]) / n, square = exact_value(&sum[1]) / n;
  if (!isfinite(mean)) return STATUS_OK;
  out->kl_reverse = mean;
  out->reverse_error = finite_standard_error(mean, square, n);
  return STATUS_OK;
}

/* Midpoint `index` of the fields of the grid over the density's box. */
static void grid_point(const struct target *target, int64_t side, int64_t index, double x[2], double *area) {
  double lower[2], upper[2];
  target_box(target, lower, upper);
  const double step[2] = {(upper[0] - lower[0]) / (double)side, (upper[1] - lower[1]) / (double)side};
  x[0] = lower[0] + ((double)(index % side) + 0.5) * step[0];
  x[1] = lower[1] + ((double)(index / side) + 0.5) * step[1];
  *area = step[0] * step[1];
}

static enum status fill_grid(const struct comm *comm, const struct density_likeness_task *task,
                             struct density_points *points) {
  int64_t first;
  double area;
  TRY(share_points(comm, task, task->grid * task->grid, RNG_GRID, &first, points));
  for (int64_t i = 0; i < points->groups * EVALUATION_GROUP; i++) {
    if (points->number[i] == DENSITY_NONE) continue;
    grid_point(task->target, task->grid, first + i, points->x + 2 * i, &area);
    points->known[i] = target_log_density(task->target, points->x + 2 * i);
    points->weight[i] = area * elementary_exp(points->known[i]);
  }
  return STATUS_OK;
}

/* Collective. sum of pi (log pi - log pi_model) and of pi_model, times the area of a field. */
static enum status compare_grid(const struct comm *comm, const struct density_likeness_task *task,
                                struct density_likeness *out) {
  struct density_points points;
  struct exact sum[3];
  double x[2], area;
  grid_point(task->target, task->grid, 0, x, &area);
  enum status status = comm_agree(comm, fill_grid(comm, task, &points));
  if (status == STATUS_OK)
    status = density_judge_points(comm, task->judge, task->samples, LIKENESS_TOLERANCE * task->tolerance, &points);
  for (int k = 0; k < 3; k++) exact_clear(&sum[k]);
  for (int64_t i = 0; status == STATUS_OK && i < points.groups * EVALUATION_GROUP; i++) {
    if (points.number[i] == DENSITY_NONE) continue;
    if (points.weight[i] > 0) exact_add(&sum[0], points.weight[i] * (points.known[i] - points.likelihood[i]));
    exact_add(&sum[1], area * elementary_exp(points.likelihood[i]));
    exact_add(&sum[2], points.weight[i]);
  }
  density_points_free(&points);
  if (status == STATUS_OK) status = reduce_exact(comm, sum, 3);
  if (status != STATUS_OK) return status;
  out->kl_grid = exact_value(&sum[0]) / exact_value(&sum[2]);
  out->mass = exact_value(&sum[1]);
  return STATUS_OK;
}

/* ---- Everything ---- */

/* Not collective: the same on all ranks. */
static enum status look_at_draws(const struct density_likeness_task *task, struct drawn *drawn,
                                 struct density_likeness *out) {
  TRY(draw_all(task, drawn));
  for (int64_t i = 0; i < task->draws; i++) out->broken += !drawn->finite[i];
  TRY(reverse_draws(task, drawn, out));
  if (task->target) count_modes(task, drawn, out);
  const bool moves = point_model_moves(task->judge->model);
  return moves && task->draws > 1 ? follow_energies(task, drawn, out) : STATUS_OK;
}

enum status density_likeness(const struct comm *comm, const struct density_likeness_task *task,
                             struct density_likeness *likeness) {
  struct drawn drawn = {.x = NULL};
  *likeness = (struct density_likeness){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, 0};
  enum status status = STATUS_OK;
  if (task->draws > 0) status = comm_agree(comm, look_at_draws(task, &drawn, likeness));
  if (status == STATUS_OK && task->draws > 1 && task->target && likeness->broken == 0)
    status = reverse_divergence(comm, task, &drawn, likeness);
  arena_free(&drawn.arena);
  if (status == STATUS_OK && task->target && task->grid > 0 && task->judge->model->dimension == 2)
    status = compare_grid(comm, task, likeness);
  return status;
}

/* ---- Draws beside points ---- */

/* What is not a number stays. */
static void keep_if(bool further, double value, double *kept) {
  if (!isnan(*kept) && (further || isnan(value))) *kept = value;
}

static void compare_moments(const double *x, const double *y, int64_t n, int64_t dimension,
                            struct density_difference *out) {
  out->mean_shift = 0;
  out->spread_least = INFINITY;
  out->spread_most = 0;
  for (int64_t k = 0; k < dimension; k++) {
    struct moments of_x = {0, 0, 0}, of_y = {0, 0, 0};
    for (int64_t i = 0; i < n; i++) {
      moments_add(&of_x, x[i * dimension + k] - y[k]); /* about the first point, so that an offset costs no digits */
      moments_add(&of_y, y[i * dimension + k] - y[k]);
    }
    const double scale = moments_deviation(&of_y), ratio = moments_deviation(&of_x) / scale,
                 shift = fabs(of_x.sum - of_y.sum) / (double)n / scale;
    keep_if(shift > out->mean_shift, shift, &out->mean_shift);
    keep_if(ratio < out->spread_least, ratio, &out->spread_least);
    keep_if(ratio > out->spread_most, ratio, &out->spread_most);
  }
}

enum status density_difference(struct density_judge *judge, const struct dataset *data, enum split split, int64_t draws,
                               uint64_t seed, struct density_difference *difference) {
  const int64_t dimension = judge->model->dimension, all = data->rollouts[split];
  const int64_t fewer = draws < all ? draws : all, n = fewer < DENSITY_PAIRED_MAX ? fewer : DENSITY_PAIRED_MAX;
  struct arena arena = {0};
  *difference = (struct density_difference){NAN, NAN, NAN, NAN, NAN};
  if (n < 4) return STATUS_OK;
  double *x = arena_array(&arena, n * dimension, sizeof *x), *y = arena_array(&arena, n * dimension, sizeof *y);
  enum status status = arena_check(&arena, "draws");
  if (status == STATUS_OK) status = density_judge_draw(judge, seed, 0, n, x, NULL, NULL, NULL);
  if (status == STATUS_OK) status = dataset_read_points(data, split, 0, n, y, NULL);
  if (status == STATUS_OK) {
    const double *half = y + n / 2 * dimension;
    difference->energy_distance = energy_distance(x, n, y, n, dimension);
    difference->energy_floor = energy_distance(y, n / 2, half, n - n / 2, dimension);
    compare_moments(x, y, n, dimension, difference);
  }
  arena_free(&arena);
  return status;
}
