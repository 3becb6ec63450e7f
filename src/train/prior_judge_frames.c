/* Coverage of frames made elsewhere: prior_judge.h has the definition.
 *
 * The leading principal components of the test rollouts' frames are the subspace that orthogonal iteration ends in,
 * Q <- orth(X' X Q); which basis of it makes no difference to a distance, so no eigenvalues are needed. */
#include "base/rng.h"
#include "comm/reduce.h"
#include "train/energy_distance.h"
#include "train/prior_judge_private.h"

#include <math.h>
#include <string.h>

enum { C = PRIOR_JUDGE_COMPONENTS, ITERATIONS = 20, BASIS_MAX = 500, PARTS = 2, POINT = PARTS * C };

/* Two frames in a row of each of `count` films, as one and as their difference: x[part][count][values]. */
struct pairs {
  int64_t count, values;
  float *x;
};

static float *pair_at(const struct pairs *pairs, int part, int64_t i) {
  return pairs->x + ((int64_t)part * pairs->count + i) * pairs->values;
}

/* Which frame of film i is looked at: all of them in turn. */
static int64_t frame_of(const struct prior_judge_task *task, int64_t i) { return i % (task->frames - 1); }

/* Two frames in a row become a frame and its change. */
static void difference(const float *two, int64_t values, float *frame, float *change) {
  for (int64_t k = 0; k < values; k++) {
    frame[k] = two[k];
    change[k] = two[values + k] - two[k];
  }
}

static enum status read_pair(const struct prior_judge_task *task, int64_t rollout, int64_t values, float *two,
                             float *frame, float *change) {
  const int64_t first = task->probe->trained->learner.protocol.anchor + frame_of(task, rollout);
  TRY(source_load(task->source, task->split, rollout, 1));
  TRY(source_frames(task->source, task->split, rollout, first, 2, two));
  difference(two, values, frame, change);
  return STATUS_OK;
}

static double dot(const float *a, const double *b, int64_t count) {
  double sum[4] = {0};
  int64_t i = 0;
  for (; i + 4 <= count; i += 4)
    for (int j = 0; j < 4; j++) sum[j] += (double)a[i + j] * b[i + j];
  for (; i < count; i++) sum[0] += (double)a[i] * b[i];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* Gram and Schmidt's, twice over; a direction that is none becomes zero. */
static void make_orthogonal(double *basis, int64_t values) {
  for (int c = 0; c < C; c++) {
    double *own = basis + c * values, length = 0;
    for (int again = 0; again < 2; again++)
      for (int b = 0; b < c; b++) {
        double along = 0;
        for (int64_t k = 0; k < values; k++) along += own[k] * basis[b * values + k];
        for (int64_t k = 0; k < values; k++) own[k] -= along * basis[b * values + k];
      }
    for (int64_t k = 0; k < values; k++) length += own[k] * own[k];
    const double scale = length > 1e-20 ? 1 / sqrt(length) : 0;
    for (int64_t k = 0; k < values; k++) own[k] *= scale;
  }
}

/* basis[C][values] and mean[values] of one part; next: work space like the basis. */
static void find_components(const struct pairs *pairs, int part, double *mean, double *basis, double *next) {
  const int64_t values = pairs->values, n = pairs->count;
  memset(mean, 0, (size_t)values * sizeof *mean);
  for (int64_t i = 0; i < n; i++)
    for (int64_t k = 0; k < values; k++) mean[k] += (double)pair_at(pairs, part, i)[k] / (double)n;
  struct rng rng = rng_stream(0, RNG_ANALYSIS, 0, (uint32_t)part);
  for (int64_t k = 0; k < C * values; k++) basis[k] = rng_uniform(&rng) - 0.5;
  make_orthogonal(basis, values);
  for (int round = 0; round < ITERATIONS; round++) {
    memset(next, 0, (size_t)(C * values) * sizeof *next);
    for (int c = 0; c < C; c++) {
      double offset = 0;
      for (int64_t k = 0; k < values; k++) offset += mean[k] * basis[c * values + k];
      double total = 0;
      for (int64_t i = 0; i < n; i++) {
        const float *x = pair_at(pairs, part, i);
        const double score = dot(x, basis + c * values, values) - offset;
        for (int64_t k = 0; k < values; k++) next[c * values + k] += score * (double)x[k];
        total += score;
      }
      for (int64_t k = 0; k < values; k++) next[c * values + k] -= total * mean[k];
    }
    make_orthogonal(next, values);
    memcpy(basis, next, (size_t)(C * values) * sizeof *next);
  }
}

/* All that frames are projected with. */
struct projection {
  struct arena arena;
  int64_t values;
  double *mean[PARTS], *basis[PARTS];
  float *two, *part[PARTS];
};

static void project(const struct projection *projection, double *point) {
  for (int part = 0; part < PARTS; part++)
    for (int c = 0; c < C; c++) {
      const double *basis = projection->basis[part] + c * projection->values;
      double offset = 0;
      for (int64_t k = 0; k < projection->values; k++) offset += projection->mean[part][k] * basis[k];
      point[part * C + c] = dot(projection->part[part], basis, projection->values) - offset;
    }
}

static enum status open_projection(const struct prior_judge_task *task, int64_t rollouts,
                                   struct projection *projection) {
  const int64_t values = model_image_values(task->probe->model);
  struct arena *arena = &projection->arena;
  struct pairs pairs = {.count = rollouts < BASIS_MAX ? rollouts : BASIS_MAX, .values = values};
  projection->values = values;
  projection->two = arena_array(arena, 2 * values, sizeof(float));
  pairs.x = arena_array(arena, PARTS * pairs.count * values, sizeof(float));
  double *next = arena_array(arena, C * values, sizeof *next);
  for (int part = 0; part < PARTS; part++) {
    projection->part[part] = arena_array(arena, values, sizeof(float));
    projection->mean[part] = arena_array(arena, values, sizeof(double));
    projection->basis[part] = arena_array(arena, C * values, sizeof(double));
  }
  TRY(arena_check(arena, "principal components"));
  for (int64_t i = 0; i < pairs.count; i++)
    TRY(read_pair(task, i, values, projection->two, pair_at(&pairs, 0, i), pair_at(&pairs, 1, i)));
  for (int part = 0; part < PARTS; part++)
    find_components(&pairs, part, projection->mean[part], projection->basis[part], next);
  return STATUS_OK;
}

/* This rank's share of points: of test rollouts 0..2n-1, then of samples 0..n-1. */
static enum status fill_points(const struct comm *comm, const struct prior_judge_task *task, int64_t n,
                               struct projection *projection, struct probe_path *path, double *point) {
  int64_t first, count;
  comm_share(3 * n, comm->size, comm->rank, &first, &count);
  for (int64_t i = first; i < first + count; i++) {
    if (i < 2 * n) {
      TRY(read_pair(task, i, projection->values, projection->two, projection->part[0], projection->part[1]));
    } else {
      TRY(prior_judge_draw(task, i - 2 * n, path));
      difference(path->images + frame_of(task, i - 2 * n) * projection->values, projection->values, projection->part[0],
                 projection->part[1]);
    }
    project(projection, point + i * POINT);
  }
  return STATUS_OK;
}

/* Each part of the points to variance one, that of the test rollouts', the first 2 n. */
static void scale_points(double *point, int64_t n) {
  for (int part = 0; part < PARTS; part++) {
    double variance = 0;
    for (int c = part * C; c < (part + 1) * C; c++) {
      double sum = 0, square = 0;
      for (int64_t i = 0; i < 2 * n; i++) sum += point[i * POINT + c] / (double)(2 * n);
      for (int64_t i = 0; i < 2 * n; i++)
        square += (point[i * POINT + c] - sum) * (point[i * POINT + c] - sum) / (double)(2 * n);
      variance += square;
    }
    const double scale = variance > 0 ? 1 / sqrt(variance) : 0;
    for (int64_t i = 0; i < 3 * n; i++)
      for (int c = part * C; c < (part + 1) * C; c++) point[i * POINT + c] *= scale;
  }
}

enum status prior_judge_frames_alike(const struct comm *comm, const struct prior_judge_task *task,
                                     struct probe_path *path, struct prior_judgement *judgement) {
  const int64_t half = task->source->data->rollouts[task->split] / 2, n = task->samples < half ? task->samples : half;
  struct projection projection = {.values = 0};
  const int64_t anchor = task->probe->trained->learner.protocol.anchor, there = task->source->data->frames;
  REQUIRE(anchor + task->frames <= there, STATUS_UNAVAILABLE,
          "%s: films of %lld frames from frame %lld on are compared with rollouts of %lld: ask for fewer steps",
          task->source->data->file.path, (long long)task->frames, (long long)anchor, (long long)there);
  REQUIRE(task->frames >= 2 && n >= 2, STATUS_UNAVAILABLE,
          "%s: frames made elsewhere are compared in four test rollouts at least, of two frames after the anchor",
          task->source->data->file.path);
  double *point = arena_array(&judgement->arena, 3 * n * POINT, sizeof *point);
  enum status status = arena_check(&judgement->arena, "points");
  if (status == STATUS_OK) status = open_projection(task, 2 * n, &projection);
  if (status == STATUS_OK) status = fill_points(comm, task, n, &projection, path, point);
  arena_free(&projection.arena);
  TRY(comm_agree(comm, status));
  TRY(reduce_place(comm, point, 3 * n * POINT));
  scale_points(point, n);
  bool finite = true;
  for (int64_t i = 0; i < 3 * n * POINT; i++) finite = finite && isfinite(point[i]);
  judgement->compared = n;
  judgement->rollouts = 0;
  if (!finite) return STATUS_OK;
  judgement->coverage = energy_distance_plain(point + 2 * n * POINT, n, point, n, POINT);
  judgement->coverage_floor = energy_distance_plain(point, n, point + n * POINT, n, POINT);
  return STATUS_OK;
}
