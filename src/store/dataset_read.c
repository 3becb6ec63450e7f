#include "comm/reduce.h"
#include "store/dataset.h"
#include "store/dataset_parts.h"
#include "store/reader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- opening ---- */

/* The extents of `path`, which must have `rank` dimensions. */
static enum status get_extent(const struct dataset *dataset, const char *path, int rank, int64_t *extent,
                              enum store_type *type) {
  int found;
  TRY(store_extent(&dataset->file, path, &found, extent, type));
  REQUIRE(found == rank, STATUS_FILE, "%s: %s has %d dimensions, not %d", dataset->file.path, path, found, rank);
  return STATUS_OK;
}

static enum status expect_extent(const struct dataset *dataset, const char *path, enum store_type type, int rank,
                                 const int64_t *expected) {
  int64_t extent[STORE_RANK_MAX];
  enum store_type found;
  TRY(get_extent(dataset, path, rank, extent, &found));
  REQUIRE(found == type, STATUS_FILE, "%s: %s has the wrong type of number", dataset->file.path, path);
  for (int i = 0; i < rank; ++i)
    REQUIRE(extent[i] == expected[i], STATUS_FILE,
            "%s: %s has extent %lld in dimension %d, its configuration says %lld", dataset->file.path, path,
            (long long)extent[i], i, (long long)expected[i]);
  return STATUS_OK;
}

static enum status open_own(struct dataset *dataset) {
  TRY(store_check_format(&dataset->file, DATASET_FORMAT, DATASET_VERSION));
  TRY(store_read_config(&dataset->file, SCHEMA_DATA_SETS, &dataset->config));
  const struct experiment *experiment = config_experiment(dataset->config);
  bool validation = experiment->data.validation > 0; /* one that is asked for must be there */
  if (!validation) TRY(store_find(&dataset->file, "/validation/state", &validation));
  dataset_divide(dataset, experiment->data.train, experiment->data.test,
                 validation ? experiment_validation(&experiment->data) : 0);
  dataset->frames = experiment->data.frames;
  dataset->dt = experiment->data.dt;
  dataset->height = experiment->render.height;
  dataset->width = experiment->render.width;
  dataset->channels = experiment->render.color == COLOR_GREY ? 1 : 3;
  dataset->has_states = true;
  TRY(store_find(&dataset->file, "/train/frames", &dataset->has_frames));
  TRY(store_find(&dataset->file, "/checksum/rollouts", &dataset->has_sums));

  TRY(expect_extent(dataset, "/time", STORE_F64, 1, &dataset->frames));
  int64_t extent[STORE_RANK_MAX];
  enum store_type type;
  TRY(get_extent(dataset, "/train/state", 3, extent, &type));
  dataset->coordinates = extent[2];
  REQUIRE(extent[2] > 0 && extent[2] % 2 == 0, STATUS_FILE, "%s: /train/state has %lld coordinates, not an even number",
          dataset->file.path, (long long)extent[2]);
  for (unsigned split = 0; split < SPLIT_COUNT; ++split) {
    char path[32];
    if (!dataset_has(dataset, split, ARRAY_STATE)) continue;
    int64_t states[3] = {dataset_stored(dataset, split), dataset->frames, dataset->coordinates};
    int64_t images[5] = {states[0], states[1], dataset->height, dataset->width, dataset->channels};
    dataset_path(split, ARRAY_STATE, path);
    TRY(expect_extent(dataset, path, STORE_F64, 3, states));
    dataset_path(split, ARRAY_ENERGY, path);
    TRY(expect_extent(dataset, path, STORE_F64, 2, states));
    dataset_path(split, ARRAY_FRAMES, path);
    if (dataset->has_frames) TRY(expect_extent(dataset, path, STORE_U8, 5, images));
    TRY(dataset_check_sums(dataset, split));
  }
  return dataset_check_content(dataset);
}

/* /time of a file made elsewhere: optional, evenly spaced. */
static enum status read_time(struct dataset *dataset) {
  const struct store_file *file = &dataset->file;
  dataset->dt = NAN;
  bool found;
  TRY(store_find(file, "/time", &found));
  if (!found) return STATUS_OK;
  int64_t extent[STORE_RANK_MAX];
  enum store_type type;
  TRY(get_extent(dataset, "/time", 1, extent, &type));
  REQUIRE(extent[0] == dataset->frames, STATUS_FILE, "%s: /time has %lld values for %lld frames", file->path,
          (long long)extent[0], (long long)dataset->frames);
  double *time = malloc((size_t)extent[0] * sizeof *time);
  REQUIRE(time, STATUS_MEMORY, "%s: no memory for /time", file->path);
  enum status status = store_read(file, "/time", STORE_F64, 0, extent[0], time);
  if (status == STATUS_OK && extent[0] > 1) {
    dataset->dt = (time[extent[0] - 1] - time[0]) / (double)(extent[0] - 1);
    if (!(dataset->dt > 0) || !isfinite(dataset->dt))
      status = status_raise(STATUS_FILE, "%s: /time does not increase", file->path);
    for (int64_t f = 0; f < extent[0] && status == STATUS_OK; ++f)
      if (!(fabs(time[f] - time[0] - (double)f * dataset->dt) <= 1e-3 * dataset->dt))
        status = status_raise(STATUS_FILE, "%s: /time is not evenly spaced at frame %lld", file->path, (long long)f);
  }
  free(time);
  return status;
}

enum { DATASET_SIDE_MAX = 65535 }; /* of an image, as PNG and GIF readers take it */

/* A data set of HDF5 that was made and not, or not wholly, filled reads as its fill value: as black images. What space
 * it has tells; where all of it has space, rollouts that are nothing but the fill value do (read_frames()). */
static enum status check_written(struct dataset *dataset, enum split split) {
  const struct store_file *file = &dataset->file;
  int64_t chunks, all, extent[STORE_RANK_MAX];
  int rank;
  enum store_type type;
  char path[32];
  dataset_path(split, ARRAY_FRAMES, path);
  TRY(store_extent(file, path, &rank, extent, &type));
  TRY(store_written(file, path, &chunks, &all));
  REQUIRE(chunks > 0, STATUS_FILE, "%s: %s was created, but nothing was ever written to it", file->path, path);
  REQUIRE(chunks == all, STATUS_FILE, "%s: %s was not wholly written: %lld of its %lld chunks are missing", file->path,
          path, (long long)(all - chunks), (long long)all);
  double fill;
  TRY(store_fill_value(file, path, &fill));
  dataset->fill[split] = type == STORE_U8 ? (float)fill / 255.0F : (float)fill;
  return STATUS_OK;
}

/* The extents of the frames of each split; those of /validation/frames begin with 0 where there are none. */
static enum status measure_foreign(const struct dataset *dataset, int64_t extent[SPLIT_COUNT][STORE_RANK_MAX]) {
  const struct store_file *file = &dataset->file;
  bool has[SPLIT_COUNT];
  for (unsigned split = 0; split < SPLIT_COUNT; ++split) {
    char path[32];
    dataset_path(split, ARRAY_FRAMES, path);
    TRY(store_find(file, path, &has[split]));
  }
  REQUIRE(has[SPLIT_TRAIN] && has[SPLIT_TEST], STATUS_FILE,
          "%s: is not a data set: neither attribute 'format' nor both /train/frames and /test/frames", file->path);
  for (unsigned split = 0; split < SPLIT_COUNT; ++split) {
    char path[32];
    enum store_type type;
    extent[split][0] = 0;
    if (!has[split]) continue;
    dataset_path(split, ARRAY_FRAMES, path);
    TRY(get_extent(dataset, path, 5, extent[split], &type));
    REQUIRE(type != STORE_I64, STATUS_FILE, "%s: %s holds 64-bit integers, not u8, f32 or f64", file->path, path);
    for (int i = 1; i < 5; ++i)
      REQUIRE(extent[split][i] > 0 && extent[split][i] == extent[0][i], STATUS_FILE,
              "%s: %s has extent %lld in dimension %d where /train/frames has %lld", file->path, path,
              (long long)extent[split][i], i, (long long)extent[0][i]);
    REQUIRE(extent[split][0] > 0, STATUS_FILE, "%s: %s is empty", file->path, path);
  }
  return STATUS_OK;
}

static enum status open_foreign(struct dataset *dataset) {
  const struct store_file *file = &dataset->file;
  int64_t extent[SPLIT_COUNT][STORE_RANK_MAX];
  TRY(measure_foreign(dataset, extent));
  int64_t values = INT64_MAX / (int64_t)sizeof(double); /* of all frames of the larger split, so that sizes fit */
  for (int i = 1; i < 5; ++i) {
    REQUIRE(i < 2 || extent[0][i] <= DATASET_SIDE_MAX, STATUS_FILE, "%s: /train/frames has extent %lld in dimension %d",
            file->path, (long long)extent[0][i], i);
    values /= extent[0][i];
  }
  for (unsigned split = 0; split < SPLIT_COUNT; ++split)
    REQUIRE(extent[split][0] <= values, STATUS_FILE, "%s: has %lld rollouts of %lld frames, more than fit", file->path,
            (long long)extent[split][0], (long long)extent[0][1]);
  REQUIRE(extent[0][4] == 1 || extent[0][4] == 3, STATUS_FILE, "%s: /train/frames has %lld channels, not 1 or 3",
          file->path, (long long)extent[0][4]);
  dataset_divide(dataset, extent[SPLIT_TRAIN][0], extent[SPLIT_TEST][0], extent[SPLIT_VALIDATION][0]);
  dataset->has_frames = true;
  dataset->frames = extent[0][1];
  dataset->height = extent[0][2];
  dataset->width = extent[0][3];
  dataset->channels = extent[0][4];
  for (unsigned split = 0; split < SPLIT_COUNT; ++split)
    if (dataset_has(dataset, split, ARRAY_FRAMES)) TRY(check_written(dataset, split));
  return read_time(dataset);
}

/* Collective. A file that is replaced while ranks open it, each for itself, is another for some of them. */
static enum status agree_identity(const struct dataset *dataset) {
  struct {
    char content[CHECKSUM_TEXT + 7];
    int64_t made[4];
  } mine;
  memset(&mine, 0, sizeof mine);
  enum status status = STATUS_OK;
  if (dataset->config)
    status = dataset_checksum(dataset, mine.content);
  else if (!reader_identity(dataset->file.id, mine.made))
    status = status_raise(STATUS_FILE, "%s: cannot be told from other files", dataset->file.path);
  TRY(comm_agree(dataset->file.comm, status));
  return store_agree(&dataset->file, "its contents", &mine, sizeof mine);
}

enum status dataset_open(const struct comm *comm, const char *path, struct dataset *dataset) {
  *dataset = (struct dataset){.dt = NAN};
  TRY(store_open(comm, path, &dataset->file));
  /* Each rank reads and checks alone, the same; nothing below is collective up to the agreement. */
  bool own = false;
  enum status status = store_find_attribute(&dataset->file, "format", &own);
  if (status == STATUS_OK) status = own ? open_own(dataset) : open_foreign(dataset);
  status = comm_agree(comm, status);
  if (status == STATUS_OK) status = agree_identity(dataset);
  if (status == STATUS_OK && own && !dataset->has_sums) status = dataset_sum_rollouts(dataset);
  if (status != STATUS_OK) dataset_close(dataset);
  return status;
}

/* ---- reading ---- */

/* Of a split as it is used, or of the file's array. */
static enum status check_range(const struct dataset *dataset, enum split split, int64_t rollouts, int64_t first,
                               int64_t count) {
  REQUIRE(first >= 0 && count >= 0 && first <= rollouts && count <= rollouts - first, STATUS_ARGUMENT,
          "%s: %s: rollouts %lld to %lld of %lld", dataset->file.path, split_name[split], (long long)first,
          (long long)(first + count), (long long)rollouts);
  return STATUS_OK;
}

enum status dataset_take(const struct dataset *dataset, enum split split, enum dataset_array array, int64_t first,
                         int64_t count, double *values) {
  char path[32];
  dataset_path(split, array, path);
  TRY(check_range(dataset, split, dataset_stored(dataset, split), first, count));
  TRY(store_read(&dataset->file, path, STORE_F64, first, count, values));
  size_t each = dataset_bytes(dataset, array) / sizeof(double), all = (size_t)count * each;
  for (size_t i = 0; i < all; ++i)
    REQUIRE(!isnan(values[i]), STATUS_FILE, "%s: %s: rollout %lld is missing: it was never, or only partly, written",
            dataset->file.path, path, (long long)first + (long long)(i / each));
  return STATUS_OK;
}

enum status dataset_read(const struct dataset *dataset, enum split split, int64_t first, int64_t count, double *states,
                         double *energy) {
  REQUIRE(dataset->has_states, STATUS_UNAVAILABLE, "%s: has no states", dataset->file.path);
  TRY(check_range(dataset, split, dataset->rollouts[split], first, count));
  const struct dataset_place at = dataset_place(dataset, split, first);
  TRY(dataset_take(dataset, at.split, ARRAY_STATE, at.rollout, count, states));
  TRY(dataset_compare_rollouts(dataset, at.split, ARRAY_STATE, at.rollout, count, states));
  if (!energy) return STATUS_OK;
  TRY(dataset_take(dataset, at.split, ARRAY_ENERGY, at.rollout, count, energy));
  return dataset_compare_rollouts(dataset, at.split, ARRAY_ENERGY, at.rollout, count, energy);
}

/* Bytes are read into the end of the result and spread from its beginning: value i is written where byte i has been
 * read. */
static enum status read_bytes(const struct dataset *dataset, const char *path, int64_t first, int64_t count, size_t all,
                              float *frames) {
  unsigned char *bytes = (unsigned char *)frames + all * (sizeof *frames - 1);
  TRY(store_read(&dataset->file, path, STORE_U8, first, count, bytes));
  for (size_t i = 0; i < all; ++i) {
    float value = (float)bytes[i] / 255.0F;
    memcpy((unsigned char *)frames + i * sizeof value, &value, sizeof value);
  }
  return STATUS_OK;
}

static bool is_fill(float value, float fill) { return value == fill || (isnan(value) && isnan(fill)); }

bool dataset_is_blank(const struct dataset *dataset, enum split split, const float *values, size_t count) {
  if (dataset->config) return false;
  size_t i = 0;
  while (i < count && is_fill(values[i], dataset->fill[split])) i++;
  return i == count;
}

/* Not collective. What HDF5 has brought are frames. */
static enum status check_frames(const struct dataset *dataset, enum split split, const char *path, int64_t first,
                                int64_t count, const float *frames) {
  const size_t each = dataset_bytes(dataset, ARRAY_FRAMES);
  REQUIRE(dataset->config || !store_changed(&dataset->file), STATUS_FILE,
          "%s: another program has changed it since it was opened", dataset->file.path);
  for (int64_t i = 0; i < count; ++i, frames += each) {
    REQUIRE(
        !dataset_is_blank(dataset, split, frames, each), STATUS_FILE,
        "%s: %s: rollout %lld was never written: every value is the fill value %g (if that is what it is, create the "
        "data set with another one)",
        dataset->file.path, path, (long long)(first + i), (double)dataset->fill[split]);
    for (size_t k = 0; k < each; ++k)
      REQUIRE(frames[k] >= 0 && frames[k] <= 1, STATUS_FILE, "%s: %s: rollout %lld has the value %g, outside [0, 1]",
              dataset->file.path, path, (long long)(first + i), (double)frames[k]);
  }
  return STATUS_OK;
}

enum status dataset_read_frames(const struct dataset *dataset, enum split split, int64_t first, int64_t count,
                                float *frames) {
  TRY(check_range(dataset, split, dataset->rollouts[split], first, count));
  return dataset_read_stored(dataset, dataset_place(dataset, split, first), count, frames);
}

enum status dataset_read_stored(const struct dataset *dataset, struct dataset_place first, int64_t count,
                                float *frames) {
  char path[32];
  int rank;
  int64_t extent[STORE_RANK_MAX];
  enum store_type type;
  dataset_path(first.split, ARRAY_FRAMES, path);
  REQUIRE(dataset->has_frames, STATUS_UNAVAILABLE, "%s: has no frames", dataset->file.path);
  TRY(check_range(dataset, first.split, dataset_stored(dataset, first.split), first.rollout, count));
  TRY(store_extent(&dataset->file, path, &rank, extent, &type));
  const size_t all = (size_t)count * dataset_bytes(dataset, ARRAY_FRAMES);
  if (type == STORE_U8)
    TRY(read_bytes(dataset, path, first.rollout, count, all, frames));
  else
    TRY(store_read(&dataset->file, path, STORE_F32, first.rollout, count, frames));
  return check_frames(dataset, first.split, path, first.rollout, count, frames);
}

enum status dataset_checksum(const struct dataset *dataset, char text[CHECKSUM_TEXT]) {
  REQUIRE(dataset->config, STATUS_UNAVAILABLE, "%s: was made elsewhere and has no checksum", dataset->file.path);
  char *found = NULL;
  TRY(store_read_text(&dataset->file, "/checksum/content", &found));
  struct checksum sum;
  enum status status = STATUS_OK;
  if (checksum_parse(found, &sum) != 0)
    status = status_raise(STATUS_FILE, "%s: /checksum/content is missing", dataset->file.path);
  else
    checksum_text(&sum, text);
  free(found);
  return status;
}

enum status dataset_ladder(const struct dataset *dataset, const char *name, double *mse, double *error) {
  char path[STORE_PATH_MAX];
  double pair[2];
  const int64_t two = 2;
  bool found = false;
  snprintf(path, sizeof path, "/ladder/%s", name);
  if (dataset->config) TRY(store_find(&dataset->file, path, &found));
  *mse = *error = NAN;
  if (!found) return STATUS_OK;
  TRY(expect_extent(dataset, path, STORE_F64, 1, &two));
  TRY(store_read(&dataset->file, path, STORE_F64, 0, 2, pair));
  *mse = pair[0];
  *error = pair[1];
  return STATUS_OK;
}
