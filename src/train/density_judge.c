#include "train/density_judge.h"

#include "base/elementary.h"
#include "comm/reduce.h"

#include <string.h>

enum status density_judge_open(const struct point_model *model, const float *parameters, struct density_judge *judge) {
  *judge = (struct density_judge){.model = model, .temperature = 1};
  const int64_t values = DENSITY_ROWS * model->dimension;
  judge->x = arena_array(&judge->arena, values, sizeof *judge->x);
  judge->noise = arena_array(&judge->arena, values, sizeof *judge->noise);
  judge->to_x = arena_array(&judge->arena, values, sizeof *judge->to_x);
  judge->to_p = arena_array(&judge->arena, values, sizeof *judge->to_p);
  judge->weight = arena_array(&judge->arena, DENSITY_ROWS, sizeof *judge->weight);
  TRY(arena_check(&judge->arena, "points"));
  TRY(point_pass_create(model, DENSITY_ROWS, parameters, &judge->pass));
  return point_model_moves(model) ? STATUS_OK : point_pass_create(model, EVALUATION_GROUP, parameters, &judge->group);
}

void density_judge_changed(struct density_judge *judge) {
  point_pass_parameters_changed(judge->pass);
  if (judge->group) point_pass_parameters_changed(judge->group);
}

void density_judge_close(struct density_judge *judge) {
  point_pass_destroy(&judge->pass);
  point_pass_destroy(&judge->group);
  arena_free(&judge->arena);
}

enum status density_points_create(int64_t groups, int64_t dimension, struct density_points *points) {
  const int64_t count = groups * EVALUATION_GROUP;
  *points = (struct density_points){.groups = groups, .gain = NAN};
  points->x = arena_array(&points->arena, count * dimension, sizeof *points->x);
  points->weight = arena_array(&points->arena, count, sizeof *points->weight);
  points->known = arena_array(&points->arena, count, sizeof *points->known);
  points->number = arena_array(&points->arena, count, sizeof *points->number);
  points->likelihood = arena_array(&points->arena, count, sizeof *points->likelihood);
  points->bound = arena_array(&points->arena, count, sizeof *points->bound);
  return arena_check(&points->arena, "points");
}

void density_points_free(struct density_points *points) { arena_free(&points->arena); }

/* ---- Log-likelihoods ---- */

/* The log of a sum of exponentials that grows: largest + log(sum exp(. - largest)). */
struct log_sum {
  double largest, sum;
};

static void log_sum_add(struct log_sum *total, double term) {
  if (term > total->largest) {
    total->sum = total->sum * elementary_exp(total->largest - term) + 1;
    total->largest = term;
  } else if (term > -INFINITY || term != term) {
    total->sum += elementary_exp(term - total->largest);
  }
}

static double log_sum_mean(const struct log_sum *total, int64_t count) {
  return total->largest + elementary_log(total->sum / (double)count);
}

/* Log weights of one group with the momenta of one block; row = place * DENSITY_BLOCK + momentum. */
static enum status weigh_group(struct density_judge *judge, const struct density_points *points, int64_t group,
                               int64_t block) {
  const int64_t dimension = judge->model->dimension;
  for (int64_t place = 0; place < EVALUATION_GROUP; place++) {
    const int64_t at = group * EVALUATION_GROUP + place;
    struct rng rng = rng_stream(points->seed, points->purpose, points->number[at], (uint32_t)block);
    float *x = judge->x + place * DENSITY_BLOCK * dimension, *noise = judge->noise + place * DENSITY_BLOCK * dimension;
    for (int64_t k = 0; k < DENSITY_BLOCK * dimension; k++) x[k] = (float)points->x[at * dimension + k % dimension];
    if (points->number[at] == DENSITY_NONE)
      memset(noise, 0, (size_t)(DENSITY_BLOCK * dimension) * sizeof *noise);
    else
      rng_normal_f32(&rng, noise, (int)(DENSITY_BLOCK * dimension));
  }
  return point_pass_weigh(judge->pass, judge->x, judge->noise, judge->weight);
}

/* Of one group, blocks from..to-1. */
static enum status add_samples(struct density_judge *judge, struct density_points *points, int64_t group, int64_t from,
                               int64_t to, struct log_sum *total) {
  for (int64_t block = from; block < to; block++) {
    TRY(weigh_group(judge, points, group, block));
    for (int64_t place = 0; place < EVALUATION_GROUP; place++) {
      double sum = 0;
      for (int64_t k = 0; k < DENSITY_BLOCK; k++) {
        const double weight = judge->weight[place * DENSITY_BLOCK + k];
        log_sum_add(&total[group * EVALUATION_GROUP + place], weight);
        sum += weight;
      }
      points->bound[group * EVALUATION_GROUP + place] += sum;
    }
  }
  return STATUS_OK;
}

/* Collective. The weighted mean of the log-likelihoods; not a number where no point weighs anything. */
static enum status mean_likelihood(const struct comm *comm, const struct density_points *points, double *mean) {
  struct exact sum[2];
  exact_clear(&sum[0]);
  exact_clear(&sum[1]);
  for (int64_t i = 0; i < points->groups * EVALUATION_GROUP; i++) {
    if (points->number[i] == DENSITY_NONE || !(points->weight[i] > 0)) continue;
    exact_add(&sum[0], points->weight[i] * points->likelihood[i]);
    exact_add(&sum[1], points->weight[i]);
  }
  TRY(reduce_exact(comm, sum, 2));
  *mean = exact_value(&sum[0]) / exact_value(&sum[1]);
  return STATUS_OK;
}

static enum status extend(const struct comm *comm, struct density_judge *judge, struct density_points *points,
                          int64_t from, int64_t to, struct log_sum *total) {
  enum status status = STATUS_OK;
  for (int64_t group = 0; group < points->groups && status == STATUS_OK; group++)
    status = add_samples(judge, points, group, from, to, total);
  TRY(comm_agree(comm, status));
  for (int64_t i = 0; i < points->groups * EVALUATION_GROUP; i++)
    points->likelihood[i] = log_sum_mean(&total[i], to * DENSITY_BLOCK);
  points->samples = to * DENSITY_BLOCK;
  return STATUS_OK;
}

/* A mean that is not finite is not doubled: its points are broken. */
static enum status sample(const struct comm *comm, struct density_judge *judge, int64_t most, double tolerance,
                          struct density_points *points, struct log_sum *total) {
  double before, mean;
  int64_t blocks = 1;
  TRY(extend(comm, judge, points, 0, blocks, total));
  TRY(mean_likelihood(comm, points, &mean));
  while (2 * blocks * DENSITY_BLOCK <= most && isfinite(mean) && !(fabs(points->gain) < tolerance)) {
    before = mean;
    TRY(extend(comm, judge, points, blocks, 2 * blocks, total));
    TRY(mean_likelihood(comm, points, &mean));
    points->gain = mean - before;
    blocks *= 2;
  }
  for (int64_t i = 0; i < points->groups * EVALUATION_GROUP; i++) points->bound[i] /= (double)(blocks * DENSITY_BLOCK);
  return STATUS_OK;
}

/* There is nothing to sample: rows are points. */
static enum status weigh_exactly(struct density_judge *judge, struct density_points *points) {
  const int64_t values = EVALUATION_GROUP * judge->model->dimension;
  for (int64_t group = 0; group < points->groups; group++) {
    const int64_t first = group * EVALUATION_GROUP;
    for (int64_t k = 0; k < values; k++) judge->x[k] = (float)points->x[group * values + k];
    TRY(point_pass_weigh(judge->group, judge->x, NULL, judge->weight));
    for (int64_t i = 0; i < EVALUATION_GROUP; i++)
      points->likelihood[first + i] = points->bound[first + i] = judge->weight[i];
  }
  points->samples = 1;
  return STATUS_OK;
}

enum status density_judge_points(const struct comm *comm, struct density_judge *judge, int64_t most, double tolerance,
                                 struct density_points *points) {
  const int64_t count = points->groups * EVALUATION_GROUP;
  struct arena arena = {0};
  points->gain = NAN;
  if (!point_model_moves(judge->model)) return comm_agree(comm, weigh_exactly(judge, points));
  struct log_sum *total = arena_array(&arena, count, sizeof *total);
  enum status status = comm_agree(comm, arena_check(&arena, "likelihoods"));
  for (int64_t i = 0; i < count && status == STATUS_OK; i++) {
    total[i] = (struct log_sum){-INFINITY, 0};
    points->bound[i] = 0;
  }
  if (status == STATUS_OK) status = sample(comm, judge, most, tolerance, points, total);
  arena_free(&arena);
  return status;
}

/* ---- Draws ---- */

/* By the temperature. */
static void scale_rows(const struct density_judge *judge, float *x) {
  for (int64_t k = 0; k < DENSITY_ROWS * judge->model->dimension; k++) x[k] *= (float)judge->temperature;
}

/* Draws of one block, all its rows: each has its place. */
static enum status draw_block(struct density_judge *judge, uint64_t seed, int64_t block) {
  const int64_t dimension = judge->model->dimension;
  for (int64_t row = 0; row < DENSITY_ROWS; row++) {
    struct rng rng = rng_stream(seed, RNG_PRIOR, (uint64_t)(block * DENSITY_ROWS + row), 0);
    rng_normal_f32(&rng, judge->x + row * dimension, (int)dimension);
    if (point_model_moves(judge->model)) rng_normal_f32(&rng, judge->noise + row * dimension, (int)dimension);
  }
  scale_rows(judge, judge->x);
  scale_rows(judge, judge->noise);
  return point_pass_draw(judge->pass, judge->x, judge->noise, judge->to_x, judge->to_p);
}

static void give(const float *from, int64_t count, double *to) {
  if (!to) return;
  for (int64_t i = 0; i < count; i++) to[i] = (double)from[i];
}

enum status density_judge_draw(struct density_judge *judge, uint64_t seed, int64_t first, int64_t count, double *x,
                               double *momentum, double *q, double *p) {
  const int64_t dimension = judge->model->dimension;
  const bool moves = point_model_moves(judge->model);
  int64_t now;
  for (int64_t done = 0; done < count; done += now) {
    const int64_t row = (first + done) % DENSITY_ROWS, from = row * dimension, at = done * dimension;
    now = DENSITY_ROWS - row < count - done ? DENSITY_ROWS - row : count - done;
    TRY(draw_block(judge, seed, (first + done) / DENSITY_ROWS));
    give(judge->to_x + from, now * dimension, x ? x + at : NULL);
    if (moves) give(judge->to_p + from, now * dimension, momentum ? momentum + at : NULL);
    give(judge->x + from, now * dimension, q ? q + at : NULL);
    if (moves) give(judge->noise + from, now * dimension, p ? p + at : NULL);
  }
  return STATUS_OK;
}
