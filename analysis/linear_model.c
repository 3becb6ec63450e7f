#include "analysis/linear_model.h"

#include "analysis/scalapack.h"
#include "base/exact.h"
#include "base/finite.h"
#include "comm/reduce.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RIDGE 1e-8 /* of the largest score's mean square: frames may have fewer components than were asked for */

struct builder {
  struct grid *grid;
  struct source *source;
  struct linear_model *linear;
  int64_t first, count; /* this rank's training rollouts */
  int64_t length;       /* frames of a rollout */
  int64_t pixels;       /* values of a frame */
  int64_t room;         /* components at most */
  float *frames;        /* [length][pixels]: of one rollout */
  double *mean;         /* [pixels] */
  double *axes;         /* [components][pixels] */
  double *score;        /* [count][length][components]: of this rank's training rollouts */
  double *coefficient;  /* [components][features]: features 1, c_t, c_{t-1}, ...; the same on all ranks */
  struct arena arena;
};

static int64_t features_of(const struct builder *b) { return 1 + b->linear->components * b->linear->seen; }

static enum status read_rollout(struct builder *b, enum split split, int64_t rollout) {
  return source_frames(b->source, split, rollout, 0, b->length, b->frames);
}

/* ---- Principal components ---- */

/* Collective. */
static enum status measure_mean(struct builder *b) {
  struct exact *sum = malloc((size_t)b->pixels * sizeof *sum);
  enum status status = sum ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory for the mean frame");
  for (int64_t k = 0; status == STATUS_OK && k < b->pixels; k++) exact_clear(&sum[k]);
  for (int64_t r = 0; r < b->count && status == STATUS_OK; r++) {
    status = read_rollout(b, SPLIT_TRAIN, b->first + r);
    for (int64_t t = 0; status == STATUS_OK && t < b->length; t++)
      for (int64_t k = 0; k < b->pixels; k++) exact_add(&sum[k], (double)b->frames[t * b->pixels + k]);
  }
  status = comm_agree(b->grid->comm, status);
  if (status == STATUS_OK) status = reduce_exact(b->grid->comm, sum, (int)b->pixels);
  for (int64_t k = 0; status == STATUS_OK && k < b->pixels; k++)
    b->mean[k] = exact_value(&sum[k]) / (double)(b->linear->rollouts * b->length);
  free(sum);
  return status;
}

/* Frame number `snapshot` of `snapshots` that are spread evenly over all. */
static int64_t place_of(const struct builder *b, int64_t snapshot, int64_t snapshots) {
  return snapshot * (b->linear->rollouts * b->length) / snapshots;
}

/* This rank's snapshots less the mean, shard[pixels][count]; or, where it is NULL, only their number. */
static enum status take_snapshots(struct builder *b, int64_t snapshots, double *shard, int64_t *count) {
  const int64_t rows = *count;
  int64_t row = 0;
  for (int64_t s = 0; s < snapshots; s++) {
    const int64_t at = place_of(b, s, snapshots), rollout = at / b->length;
    if (rollout < b->first || rollout >= b->first + b->count) continue;
    if (shard) {
      TRY(source_frames(b->source, SPLIT_TRAIN, rollout, at % b->length, 1, b->frames));
      for (int64_t k = 0; k < b->pixels; k++) shard[k * rows + row] = (double)b->frames[k] - b->mean[k];
    }
    row++;
  }
  *count = row;
  return STATUS_OK;
}

/* As many as hold enough of the variance, and as a tenth of the rows can fit. */
static void choose_components(const struct builder *b, const double *singular, int64_t count) {
  struct linear_model *linear = b->linear;
  const int64_t most = b->room < count ? b->room : count;
  double all = 0, held = 0;
  for (int64_t i = 0; i < count; i++) all += singular[i] * singular[i];
  while (linear->components < most && held < LINEAR_SHARE * all) {
    held += singular[linear->components] * singular[linear->components];
    linear->components++;
  }
  linear->share = held / all;
  linear->modes = linear->components * linear->seen;
}

/* Collective. */
static enum status decompose(struct builder *b, struct matrix *snapshots) {
  const int64_t most = snapshots->rows < b->pixels ? snapshots->rows : b->pixels;
  struct arena arena = {.last = NULL};
  struct matrix right = {.grid = NULL};
  double *singular = arena_array(&arena, most, sizeof *singular),
         *all = arena_array(&arena, most * b->pixels, sizeof *all);
  enum status status = comm_agree(b->grid->comm, arena_check(&arena, "principal components"));
  if (status == STATUS_OK) status = matrix_singular(snapshots, singular, &right);
  if (status == STATUS_OK) status = matrix_values(&right, all);
  if (status == STATUS_OK && !(singular[0] > 0))
    status = status_raise(STATUS_UNAVAILABLE, "all frames are the same: there is nothing to predict");
  if (status == STATUS_OK) {
    choose_components(b, singular, most);
    memcpy(b->axes, all, (size_t)(b->linear->components * b->pixels) * sizeof *all);
  }
  matrix_free(&right);
  arena_free(&arena);
  return status;
}

/* Collective. */
static enum status find_components(struct builder *b) {
  const int64_t all = b->linear->rollouts * b->length, snapshots = all < LINEAR_SNAPSHOTS ? all : LINEAR_SNAPSHOTS;
  struct matrix matrix = {.grid = NULL};
  int64_t count = 0;
  (void)take_snapshots(b, snapshots, NULL, &count);
  double *shard = calloc((size_t)(count * b->pixels) + 1, sizeof *shard);
  enum status status = shard ? take_snapshots(b, snapshots, shard, &count)
                             : status_raise(STATUS_MEMORY, "out of memory for %lld frames", (long long)count);
  status = comm_agree(b->grid->comm, status);
  if (status == STATUS_OK) status = matrix_from_shards(b->grid, shard, count, b->pixels, &matrix);
  free(shard);
  if (status == STATUS_OK) status = decompose(b, &matrix);
  matrix_free(&matrix);
  return status;
}

/* score[components] of a frame; returns the square of what they leave of it. */
static double project(const struct builder *b, const float *frame, double *score) {
  double rest = 0;
  for (int64_t k = 0; k < b->pixels; k++) {
    const double d = (double)frame[k] - b->mean[k];
    rest += d * d;
  }
  for (int64_t c = 0; c < b->linear->components; c++) {
    const double *axis = b->axes + c * b->pixels;
    double sum = 0;
    for (int64_t k = 0; k < b->pixels; k++) sum += axis[k] * ((double)frame[k] - b->mean[k]);
    score[c] = sum;
    rest -= sum * sum;
  }
  return fmax(rest, 0);
}

/* ---- Dynamic mode decomposition ---- */

/* The K scores before frame t, the latest first. */
static void fill_features(const struct builder *b, const double *score, int64_t t, double *features) {
  const int64_t components = b->linear->components;
  features[0] = 1;
  for (int64_t d = 0; d < b->linear->seen; d++)
    memcpy(features + 1 + d * components, score + (t - 1 - d) * components, (size_t)components * sizeof *features);
}

/* Collective. Rows [features, next score] of all frames that have K before them. */
static enum status make_triangle(struct builder *b, struct matrix *triangle) {
  const int64_t components = b->linear->components, features = features_of(b), columns = features + components,
                each = b->length - b->linear->seen, rows = b->count * each;
  struct arena arena = {.last = NULL};
  struct matrix matrix = {.grid = NULL};
  double *row = arena_array(&arena, columns, sizeof *row), *shard = arena_array(&arena, columns * rows, sizeof *shard);
  enum status status = comm_agree(b->grid->comm, arena_check(&arena, "the rows of a linear model"));
  for (int64_t i = 0; status == STATUS_OK && i < rows; i++) {
    const int64_t t = b->linear->seen + i % each;
    const double *score = b->score + i / each * b->length * components;
    fill_features(b, score, t, row);
    memcpy(row + features, score + t * components, (size_t)components * sizeof *row);
    for (int64_t k = 0; k < columns; k++) shard[k * rows + i] = row[k];
  }
  if (status == STATUS_OK) status = matrix_from_shards(b->grid, shard, rows, columns, &matrix);
  arena_free(&arena);
  if (status == STATUS_OK) status = matrix_triangle(&matrix, triangle);
  matrix_free(&matrix);
  return status;
}

/* Collective. The ridge's rows, below the triangle: the square root of RIDGE times the largest column's square. */
static enum status add_ridge(const struct matrix *triangle, int64_t features, struct matrix *a) {
  double *values = calloc((size_t)(features * features), sizeof *values), largest = 0;
  struct matrix gram = {.grid = NULL}, unit = {.grid = NULL};
  enum status status = comm_agree(a->grid->comm, values ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory"));
  if (status == STATUS_OK) status = matrix_gram(a, &gram);
  if (status == STATUS_OK) status = matrix_values(&gram, values);
  for (int64_t i = 1; status == STATUS_OK && i < features; i++) largest = fmax(largest, values[i * features + i]);
  for (int64_t i = 0; status == STATUS_OK && i < features * features; i++)
    values[i] = i % (features + 1) == 0 ? sqrt(RIDGE * largest) : 0;
  if (status == STATUS_OK) status = matrix_from_values(a->grid, values, features, features, &unit);
  if (status == STATUS_OK) status = matrix_copy(&unit, 0, 0, features, features, a, triangle->rows, 0);
  matrix_free(&gram);
  matrix_free(&unit);
  free(values);
  return status;
}

/* Collective. */
static enum status fit(struct builder *b) {
  const int64_t features = features_of(b), components = b->linear->components;
  struct matrix triangle = {.grid = NULL}, a = {.grid = NULL}, y = {.grid = NULL}, solution = {.grid = NULL};
  enum status status = make_triangle(b, &triangle);
  if (status == STATUS_OK) status = matrix_create(b->grid, triangle.rows + features, features, &a);
  if (status == STATUS_OK) status = matrix_create(b->grid, triangle.rows + features, components, &y);
  if (status == STATUS_OK) status = matrix_copy(&triangle, 0, 0, triangle.rows, features, &a, 0, 0);
  if (status == STATUS_OK) status = matrix_copy(&triangle, 0, features, triangle.rows, components, &y, 0, 0);
  if (status == STATUS_OK) status = add_ridge(&triangle, features, &a);
  if (status == STATUS_OK) status = matrix_least_squares(&a, &y);
  if (status == STATUS_OK) status = matrix_create(b->grid, features, components, &solution);
  if (status == STATUS_OK) status = matrix_copy(&y, 0, 0, features, components, &solution, 0, 0);
  if (status == STATUS_OK) status = matrix_values(&solution, b->coefficient);
  matrix_free(&solution);
  matrix_free(&y);
  matrix_free(&a);
  matrix_free(&triangle);
  return status;
}

static int compare_modes(const void *a, const void *b) {
  const double *x = a, *y = b, p = hypot(x[0], x[1]), q = hypot(y[0], y[1]);
  return p != q ? (p < q) - (p > q) : (x[1] < y[1]) - (x[1] > y[1]);
}

/* Eigenvalues of the companion matrix, on each rank for itself: it is small. */
static enum status find_modes(struct builder *b) {
  struct linear_model *linear = b->linear;
  const int64_t n = linear->modes, components = linear->components, features = features_of(b);
  struct arena arena = {.last = NULL};
  double *companion = arena_array(&arena, n * n, sizeof *companion), *real = arena_array(&arena, n, sizeof *real),
         *imaginary = arena_array(&arena, n, sizeof *imaginary), *work = arena_array(&arena, 8 * n, sizeof *work);
  enum status status = arena_check(&arena, "the modes of a linear model");
  for (int64_t i = 0; status == STATUS_OK && i < n; i++)
    for (int64_t j = 0; j < n; j++)
      companion[j * n + i] = i < components ? b->coefficient[i * features + 1 + j] : j == i - components;
  if (status == STATUS_OK) {
    const int size = (int)n, lwork = 8 * (int)n, one = 1;
    int info;
    dgeev_("N", "N", &size, companion, &size, real, imaginary, NULL, &one, NULL, &one, work, &lwork, &info, 1, 1);
    if (info != 0) status = status_raise(STATUS_NUMERIC, "dgeev: the eigenvalues were not found (info %d)", info);
  }
  for (int64_t i = 0; status == STATUS_OK && i < n; i++) {
    linear->eigenvalue[2 * i] = real[i];
    linear->eigenvalue[2 * i + 1] = imaginary[i];
  }
  arena_free(&arena);
  if (status == STATUS_OK) qsort(linear->eigenvalue, (size_t)n, 2 * sizeof(double), compare_modes);
  return status;
}

/* ---- On test rollouts ---- */

enum { SUM_MSE, SUM_MSE2, SUM_RECONSTRUCTION, SUM_MEAN, SUM_FRAMES }; /* then one for each frame */

/* score[length][components] and rest[length] of a test rollout; adds its errors. */
static void predict(const struct builder *b, double *score, const double *rest, double *features, struct exact *sum) {
  const struct linear_model *linear = b->linear;
  const int64_t components = linear->components, count = features_of(b);
  double unseen = 0, reconstruction = 0, mean = 0, next[LINEAR_COMPONENTS];
  for (int64_t t = 0; t < b->length; t++) {
    double error = rest[t], power = rest[t];
    double *now = score + t * components;
    if (t >= linear->seen) fill_features(b, score, t, features);
    for (int64_t c = 0; c < components; c++) {
      next[c] = now[c];
      power += now[c] * now[c];
      if (t < linear->seen) continue;
      next[c] = 0;
      for (int64_t k = 0; k < count; k++) next[c] += b->coefficient[c * count + k] * features[k];
      error += (next[c] - now[c]) * (next[c] - now[c]);
    }
    memcpy(now, next, (size_t)components * sizeof *now); /* what follows is predicted from predictions */
    error /= (double)b->pixels;
    exact_add(&sum[SUM_FRAMES + t], error);
    reconstruction += rest[t] / (double)b->pixels;
    if (t >= linear->seen) unseen += error;
    if (t >= linear->seen) mean += power / (double)b->pixels;
  }
  unseen /= (double)(b->length - linear->seen);
  exact_add(&sum[SUM_MSE], unseen);
  exact_add(&sum[SUM_MSE2], unseen * unseen);
  exact_add(&sum[SUM_MEAN], mean / (double)(b->length - linear->seen));
  exact_add(&sum[SUM_RECONSTRUCTION], reconstruction / (double)b->length);
}

static enum status predict_share(struct builder *b, struct exact *sum) {
  int64_t first, count;
  struct arena arena = {.last = NULL};
  comm_share(b->linear->tested, b->grid->comm->size, b->grid->comm->rank, &first, &count);
  double *score = arena_array(&arena, b->length * b->linear->components, sizeof *score),
         *rest = arena_array(&arena, b->length, sizeof *rest),
         *features = arena_array(&arena, features_of(b), sizeof *features);
  enum status status = arena_check(&arena, "the scores of a rollout");
  if (status == STATUS_OK) status = source_load(b->source, SPLIT_TEST, first, count);
  for (int64_t r = first; r < first + count && status == STATUS_OK; r++) {
    status = read_rollout(b, SPLIT_TEST, r);
    for (int64_t t = 0; status == STATUS_OK && t < b->length; t++)
      rest[t] = project(b, b->frames + t * b->pixels, score + t * b->linear->components);
    if (status == STATUS_OK) predict(b, score, rest, features, sum);
  }
  arena_free(&arena);
  return status;
}

/* Collective. */
static enum status test(struct builder *b) {
  struct linear_model *linear = b->linear;
  const int64_t sums = SUM_FRAMES + b->length;
  const double n = (double)linear->tested;
  struct exact *sum = calloc((size_t)sums, sizeof *sum);
  enum status status = sum ? predict_share(b, sum) : status_raise(STATUS_MEMORY, "out of memory for errors");
  status = comm_agree(b->grid->comm, status);
  if (status == STATUS_OK) status = reduce_exact(b->grid->comm, sum, (int)sums);
  if (status == STATUS_OK) {
    linear->mse = exact_value(&sum[SUM_MSE]) / n;
    linear->error = finite_standard_error(linear->mse, exact_value(&sum[SUM_MSE2]) / n, n);
    linear->reconstruction = exact_value(&sum[SUM_RECONSTRUCTION]) / n;
    linear->mean_image = exact_value(&sum[SUM_MEAN]) / n;
    for (int64_t t = 0; t < b->length; t++) linear->by_frame[t] = exact_value(&sum[SUM_FRAMES + t]) / n;
  }
  free(sum);
  return status;
}

/* ---- All of it ---- */

/* Arrays whose sizes do not depend on the number of components. */
static enum status open_builder(struct builder *b) {
  const int64_t most = LINEAR_COMPONENTS * b->linear->seen;
  struct arena arena = {.last = NULL}, kept = {.last = NULL};
  b->frames = arena_array(&arena, b->length * b->pixels, sizeof(float));
  b->mean = arena_array(&arena, b->pixels, sizeof(double));
  b->axes = arena_array(&arena, LINEAR_COMPONENTS * b->pixels, sizeof(double));
  b->score = arena_array(&arena, b->count * b->length * LINEAR_COMPONENTS, sizeof(double));
  b->coefficient = arena_array(&arena, LINEAR_COMPONENTS * (1 + most), sizeof(double));
  b->arena = arena;
  b->linear->eigenvalue = arena_array(&kept, 2 * most, sizeof(double));
  b->linear->by_frame = arena_array(&kept, b->length, sizeof(double));
  b->linear->arena = kept;
  TRY(arena_check(&arena, "a linear model"));
  TRY(arena_check(&kept, "a linear model"));
  return source_load(b->source, SPLIT_TRAIN, b->first, b->count);
}

static enum status project_share(struct builder *b) {
  for (int64_t r = 0; r < b->count; r++) {
    TRY(read_rollout(b, SPLIT_TRAIN, b->first + r));
    for (int64_t t = 0; t < b->length; t++)
      (void)project(b, b->frames + t * b->pixels, b->score + (r * b->length + t) * b->linear->components);
  }
  return STATUS_OK;
}

enum status linear_model_measure(struct grid *grid, struct corpus *corpus, int64_t seen, int64_t tested,
                                 struct linear_model *linear) {
  const struct dataset *data = &corpus->data;
  const int64_t all = data->rollouts[SPLIT_TRAIN];
  struct builder b = {.grid = grid, .source = &corpus->source, .linear = linear, .length = data->frames};
  *linear = (struct linear_model){.rollouts = all < LINEAR_ROLLOUTS ? all : LINEAR_ROLLOUTS,
                                  .seen = seen ? seen : LINEAR_FRAMES,
                                  .tested = tested,
                                  .frames = data->frames};
  REQUIRE(linear->seen < data->frames, STATUS_UNAVAILABLE,
          "rollouts of %lld frames have none beyond the %lld that a linear model sees", (long long)data->frames,
          (long long)linear->seen);
  const int64_t rows = linear->rollouts * (data->frames - linear->seen), room = (rows / 10 - 1) / linear->seen;
  REQUIRE(room >= 1, STATUS_UNAVAILABLE,
          "%lld training rollouts of %lld frames are too few for a linear model of %lld frames",
          (long long)linear->rollouts, (long long)data->frames, (long long)linear->seen);
  const int64_t most = LINEAR_MODES / linear->seen > 1 ? LINEAR_MODES / linear->seen : 1;
  b.room = room < LINEAR_COMPONENTS ? room : LINEAR_COMPONENTS;
  if (b.room > most) b.room = most;
  b.pixels = data->height * data->width * data->channels;
  comm_share(linear->rollouts, grid->comm->size, grid->comm->rank, &b.first, &b.count);
  enum status status = comm_agree(grid->comm, open_builder(&b));
  if (status == STATUS_OK) status = measure_mean(&b);
  if (status == STATUS_OK) status = find_components(&b);
  if (status == STATUS_OK) status = comm_agree(grid->comm, project_share(&b));
  if (status == STATUS_OK) status = fit(&b);
  if (status == STATUS_OK) status = comm_agree(grid->comm, find_modes(&b));
  if (status == STATUS_OK) status = test(&b);
  arena_free(&b.arena);
  return status;
}

void linear_model_free(struct linear_model *linear) { arena_free(&linear->arena); }

double linear_model_frequency(const struct linear_model *linear, int64_t i, double dt) {
  return atan2(linear->eigenvalue[2 * i + 1], linear->eigenvalue[2 * i]) / dt;
}

double linear_model_growth(const struct linear_model *linear, int64_t i, double dt) {
  return log(hypot(linear->eigenvalue[2 * i], linear->eigenvalue[2 * i + 1])) / dt;
}
