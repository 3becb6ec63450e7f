#include "cli/density_sample.h"

#include "base/arena.h"
#include "store/field_board.h"
#include "store/provenance.h"
#include "train/density.h"
#include "train/density_judge.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static enum status make_arrays(struct store_file *file, const struct trained *trained, uint64_t seed, int64_t count,
                               int64_t samples) {
  const int64_t extent[] = {count, density_model(&trained->learner)->dimension};
  TRY(store_attribute_text(file, "format", "hgn-sample"));
  TRY(store_attribute_text(file, "model", trained->path));
  TRY(store_attribute_i64(file, "seed", (int64_t)seed));
  TRY(store_attribute_i64(file, "samples", samples)); /* that each likelihood is the mean of */
  TRY(provenance_write(file));
  TRY(store_dataset(file, "/points", STORE_F64, 2, extent, NULL, "draws of the model, [draw][number]"));
  TRY(store_dataset(file, "/log_density", STORE_F64, 1, extent, "nat", "log-likelihood of each point under the model"));
  return store_seal(file);
}

/* Collective. This rank's draws and their likelihoods, by whole groups. */
static enum status draw_share(const struct comm *world, const struct trained *trained, uint64_t seed, int64_t count,
                              int64_t *first, int64_t *share, struct density_points *points) {
  const struct eval_settings *settings = &trained->training->eval;
  const struct point_model *model = density_model(&trained->learner);
  struct density_judge judge = {.model = NULL};
  int64_t groups;
  comm_share((count + EVALUATION_GROUP - 1) / EVALUATION_GROUP, world->size, world->rank, first, &groups);
  *first *= EVALUATION_GROUP;
  *share = groups * EVALUATION_GROUP < count - *first ? groups * EVALUATION_GROUP : count - *first;
  enum status status = density_points_create(groups, model->dimension, points);
  if (status == STATUS_OK) status = density_judge_open(model, trained->learner.parameters, &judge);
  points->purpose = RNG_DRAWN;
  points->seed = seed;
  if (status == STATUS_OK) status = density_judge_draw(&judge, seed, *first, *share, points->x, NULL, NULL, NULL);
  for (int64_t i = 0; i < groups * EVALUATION_GROUP && status == STATUS_OK; i++) {
    points->number[i] = i < *share ? (uint64_t)(*first + i) : DENSITY_NONE;
    points->weight[i] = 1 / (double)count;
  }
  status = comm_agree(world, status);
  if (status == STATUS_OK) status = density_judge_points(world, &judge, settings->samples, settings->tolerance, points);
  density_judge_close(&judge);
  return status;
}

/* Not collective. */
static enum status check_finite(const struct trained *trained, const struct density_points *points, int64_t first,
                                int64_t share) {
  for (int64_t i = 0; i < share; i++)
    REQUIRE(isfinite(points->likelihood[i]), STATUS_NUMERIC, "%s: sample %lld, or its likelihood, is not finite",
            trained->path, (long long)(first + i));
  return STATUS_OK;
}

enum status density_sample(const struct comm *world, const struct trained *trained, uint64_t seed, int64_t count,
                           const char *output) {
  struct density_points points = {.groups = 0};
  struct store_file file;
  int64_t first, share;
  const struct store_place place = {.replaces = "hgn-sample"};
  enum status status = draw_share(world, trained, seed, count, &first, &share, &points);
  if (status == STATUS_OK) status = comm_agree(world, check_finite(trained, &points, first, share));
  if (status == STATUS_OK) status = store_create_at(world, output, &place, &file);
  if (status == STATUS_OK) {
    status = make_arrays(&file, trained, seed, count, points.samples);
    if (status == STATUS_OK && share > 0) status = store_write_independent(&file, "/points", first, share, points.x);
    if (status == STATUS_OK && share > 0)
      status = store_write_independent(&file, "/log_density", first, share, points.likelihood);
    status = comm_agree(world, status);
    if (status == STATUS_OK) status = store_commit(&file);
    store_close(&file);
  }
  density_points_free(&points);
  return status;
}

/* The first two numbers of draws, over all that there are. */
static enum status fill_board(struct field_board *board, const double *x, int64_t count, int64_t dimension) {
  struct field *field;
  double lower[2] = {-1, -1}, upper[2] = {1, 1};
  for (int64_t k = 0; k < 2 && k < dimension; k++) {
    lower[k] = INFINITY;
    upper[k] = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
      lower[k] = fmin(lower[k], x[i * dimension + k]);
      upper[k] = fmax(upper[k], x[i * dimension + k]);
    }
    const double room = 0.05 * (upper[k] - lower[k]) + 1e-6;
    lower[k] -= room;
    upper[k] += room;
  }
  TRY(field_open(board, 0, 0, "draws of the model", FIELD_DENSITY, lower, upper, &field));
  for (int64_t i = 0; i < count; i++)
    field_count(field, (const double[2]){x[i * dimension], dimension > 1 ? x[i * dimension + 1] : 0});
  return STATUS_OK;
}

enum status density_sample_picture(const struct trained *trained, uint64_t seed, int64_t count, const char *output) {
  const struct point_model *model = density_model(&trained->learner);
  struct field_board board = {.rows = 1, .columns = 1};
  struct arena arena = {0};
  struct density_judge judge;
  double *x = arena_array(&arena, count * model->dimension, sizeof *x);
  enum status status = density_judge_open(model, trained->learner.parameters, &judge);
  if (status == STATUS_OK) status = arena_check(&arena, "draws");
  if (status == STATUS_OK) status = density_judge_draw(&judge, seed, 0, count, x, NULL, NULL, NULL);
  snprintf(board.title, sizeof board.title, "%lld draws, seed %llu", (long long)count, (unsigned long long)seed);
  for (int64_t i = 0; i < count * model->dimension && status == STATUS_OK; i++)
    if (!isfinite(x[i]))
      status = status_raise(STATUS_NUMERIC, "%s: sample %lld is not finite", trained->path,
                            (long long)(i / model->dimension));
  if (status == STATUS_OK) status = fill_board(&board, x, count, model->dimension);
  if (status == STATUS_OK) status = field_board_write(&board, output);
  density_judge_close(&judge);
  field_board_free(&board);
  arena_free(&arena);
  return status;
}
