/* Data sets that someone else made: frames or points, and nothing else. */
#include "base/log.h"
#include "store/dataset.h"
#include "store/dataset_parts.h"

#include <math.h>
#include <stdlib.h>

enum {
  DATASET_SIDE_MAX = 65535,     /* of an image, as PNG and GIF readers take it */
  DATASET_VALUES_MAX = 1 << 27, /* of a rollout, and of all points of a split, which are held in memory */
};

/* ---- what frames and points share ---- */

/* Whether the file has that array, split by split. */
static enum status find_arrays(const struct dataset *dataset, enum dataset_array array, bool has[SPLIT_COUNT]) {
  for (unsigned split = 0; split < SPLIT_COUNT; ++split) {
    char path[32];
    dataset_path(split, array, path);
    TRY(store_find(&dataset->file, path, &has[split]));
  }
  return STATUS_OK;
}

/* A data set of HDF5 that was made and not, or not wholly, filled reads as its fill value: as black images, or as
 * points in one place. What space it has tells; where all of it has space, rollouts that are nothing but the fill value
 * do (dataset_read.c). */
static enum status check_written(struct dataset *dataset, enum split split, enum dataset_array array) {
  const struct store_file *file = &dataset->file;
  int64_t chunks, all, extent[STORE_RANK_MAX];
  int rank;
  enum store_type type;
  char path[32];
  dataset_path(split, array, path);
  TRY(store_extent(file, path, &rank, extent, &type));
  TRY(store_written(file, path, &chunks, &all));
  REQUIRE(chunks > 0, STATUS_FILE, "%s: %s was created, but nothing was ever written to it", file->path, path);
  REQUIRE(chunks == all, STATUS_FILE, "%s: %s was not wholly written: %lld of its %lld chunks are missing", file->path,
          path, (long long)(all - chunks), (long long)all);
  double fill;
  TRY(store_fill_value(file, path, &fill));
  /* As it is read: frames become f32, bytes a fraction. */
  if (array == ARRAY_FRAMES) fill = (double)(type == STORE_U8 ? (float)fill / 255.0F : (float)fill);
  dataset->fill[split] = fill;
  return STATUS_OK;
}

/* The extents of an array of each split: the first is 0 where the file has none, the others are alike in all splits. */
static enum status measure_arrays(const struct dataset *dataset, enum dataset_array array, const bool has[SPLIT_COUNT],
                                  int64_t extent[SPLIT_COUNT][STORE_RANK_MAX]) {
  const int dimensions = dataset_arrays[array].rank;
  const struct store_file *file = &dataset->file;
  char path[32], first[32];
  dataset_path(SPLIT_TRAIN, array, first);
  for (unsigned split = 0; split < SPLIT_COUNT; ++split) {
    enum store_type type;
    extent[split][0] = 0;
    if (!has[split]) continue;
    dataset_path(split, array, path);
    TRY(dataset_get_extent(dataset, path, dimensions, extent[split], &type));
    REQUIRE(type != STORE_I64, STATUS_FILE, "%s: %s holds 64-bit integers, not %sf32 or f64%s", file->path, path,
            array == ARRAY_FRAMES ? "u8, " : "",
            array == ARRAY_FRAMES ? ": write values in 0..255 as bytes, with NumPy by astype('uint8')" : "");
    REQUIRE(type != STORE_U8 || array == ARRAY_FRAMES, STATUS_FILE, "%s: %s holds bytes, not f32 or f64", file->path,
            path);
    REQUIRE(
        array != ARRAY_FRAMES || extent[split][1] == extent[0][1], STATUS_FILE,
        "%s: %s has rollouts of %lld frames where %s has %lld: all splits need as many: cut the longer ones, with h5py "
        "by [:, :%lld]",
        file->path, path, (long long)extent[split][1], first, (long long)extent[0][1],
        (long long)(extent[split][1] < extent[0][1] ? extent[split][1] : extent[0][1]));
    for (int i = 1; i < dimensions; ++i)
      REQUIRE(extent[split][i] > 0 && extent[split][i] == extent[0][i], STATUS_FILE,
              "%s: %s has extent %lld in dimension %d where %s has %lld", file->path, path, (long long)extent[split][i],
              i, first, (long long)extent[0][i]);
    REQUIRE(extent[split][0] > 0, STATUS_FILE, "%s: %s is empty", file->path, path);
  }
  return STATUS_OK;
}

/* ---- frames ---- */

/* /time: optional, evenly spaced. */
static enum status read_time(struct dataset *dataset) {
  const struct store_file *file = &dataset->file;
  dataset->dt = NAN;
  bool found;
  TRY(store_find(file, "/time", &found));
  if (!found) return STATUS_OK;
  int64_t extent[STORE_RANK_MAX];
  enum store_type type;
  TRY(dataset_get_extent(dataset, "/time", 1, extent, &type));
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

static enum status open_frames(struct dataset *dataset, const bool has[SPLIT_COUNT]) {
  const struct store_file *file = &dataset->file;
  int64_t extent[SPLIT_COUNT][STORE_RANK_MAX];
  TRY(measure_arrays(dataset, ARRAY_FRAMES, has, extent));
  int64_t values = INT64_MAX / (int64_t)sizeof(double); /* of all frames of the larger split, so that sizes fit */
  int64_t left = DATASET_VALUES_MAX;
  for (int i = 1; i < 5; ++i) {
    REQUIRE(i < 2 || extent[0][i] <= DATASET_SIDE_MAX, STATUS_FILE, "%s: /train/frames has extent %lld in dimension %d",
            file->path, (long long)extent[0][i], i);
    values /= extent[0][i];
    left /= extent[0][i];
  }
  REQUIRE(
      left > 0, STATUS_FILE,
      "%s: a rollout is of %lld frames of %lld x %lld x %lld, and of more than %d values, which are held in memory: "
      "make it shorter or smaller",
      file->path, (long long)extent[0][1], (long long)extent[0][2], (long long)extent[0][3], (long long)extent[0][4],
      (int)DATASET_VALUES_MAX);
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
  return read_time(dataset);
}

/* Bytes of 0 and 1, as masks and fractions that were cut become, would be read as black images. */
static enum status check_bytes(const struct dataset *dataset) {
  enum { ROLLOUTS = 16 };
  const size_t values = (size_t)(dataset->frames * dataset->height * dataset->width * dataset->channels);
  const int64_t all = dataset_stored(dataset, SPLIT_TRAIN), count = all < ROLLOUTS ? all : ROLLOUTS;
  int64_t extent[STORE_RANK_MAX];
  enum store_type type;
  int rank;
  TRY(store_extent(&dataset->file, "/train/frames", &rank, extent, &type));
  if (type != STORE_U8) return STATUS_OK;
  unsigned char *bytes = malloc(values), most = 0;
  REQUIRE(bytes, STATUS_MEMORY, "%s: no memory for a rollout", dataset->file.path);
  enum status status = STATUS_OK;
  for (int64_t i = 0; i < count && status == STATUS_OK && most <= 1; ++i) {
    status = store_read(&dataset->file, "/train/frames", STORE_U8, i, 1, bytes);
    for (size_t k = 0; k < values && status == STATUS_OK; ++k)
      if (bytes[k] > most) most = bytes[k];
  }
  free(bytes);
  TRY(status);
  REQUIRE(most != 1, STATUS_FILE,
          "%s: /train/frames: all bytes of the first %lld rollouts are 0 or 1, where white is 255: multiply them by "
          "255, or "
          "write fractions as f32",
          dataset->file.path, (long long)count);
  return STATUS_OK;
}

/* A chunk is read, and uncompressed, whole. */
static enum status warn_of_chunks(const struct dataset *dataset) {
  enum { MUCH = 1 << 26 };
  int64_t bytes;
  TRY(store_row_bytes(&dataset->file, "/train/frames", &bytes));
  if (bytes > MUCH)
    log_warn(
        "%s: /train/frames is in chunks of %.0f MB, of which each is read whole for any of its rollouts, and held in "
        "memory by each rank; h5repack -l train/frames:CHUNK=1x%lldx%lldx%lldx%lld IN.h5 OUT.h5 makes small ones",
        dataset->file.path, 1e-6 * (double)bytes, (long long)dataset->frames, (long long)dataset->height,
        (long long)dataset->width, (long long)dataset->channels);
  return STATUS_OK;
}

/* ---- points ---- */

static enum status open_points(struct dataset *dataset, const bool has[SPLIT_COUNT]) {
  const struct store_file *file = &dataset->file;
  int64_t extent[SPLIT_COUNT][STORE_RANK_MAX];
  TRY(measure_arrays(dataset, ARRAY_POINTS, has, extent));
  REQUIRE(extent[0][1] <= DATASET_DIMENSION_MAX, STATUS_FILE, "%s: /train/points are of %lld coordinates, more than %d",
          file->path, (long long)extent[0][1], (int)DATASET_DIMENSION_MAX);
  for (unsigned split = 0; split < SPLIT_COUNT; ++split)
    REQUIRE(extent[split][0] <= DATASET_VALUES_MAX / extent[0][1], STATUS_FILE,
            "%s: has %lld points of %lld coordinates, more than the %d values that are held in memory", file->path,
            (long long)extent[split][0], (long long)extent[0][1], (int)DATASET_VALUES_MAX);
  dataset_divide(dataset, extent[SPLIT_TRAIN][0], extent[SPLIT_TEST][0], extent[SPLIT_VALIDATION][0]);
  dataset->has_points = true;
  dataset->frames = 1;
  dataset->coordinates = extent[0][1];
  return STATUS_OK;
}

/* One split alone is no data set, and is told as what is missing. */
static enum status check_pair(const struct dataset *dataset, enum dataset_array array, const bool has[SPLIT_COUNT]) {
  char there[32], missing[32];
  const enum split split = has[SPLIT_TRAIN] ? SPLIT_TRAIN : SPLIT_TEST;
  if (has[SPLIT_TRAIN] == has[SPLIT_TEST]) return STATUS_OK;
  dataset_path(split, array, there);
  dataset_path(split == SPLIT_TRAIN ? SPLIT_TEST : SPLIT_TRAIN, array, missing);
  return status_raise(STATUS_FILE, "%s: is not a data set: it has %s, but not %s", dataset->file.path, there, missing);
}

enum status dataset_open_foreign(struct dataset *dataset) {
  const char *path = dataset->file.path;
  bool frames[SPLIT_COUNT], points[SPLIT_COUNT];
  TRY(find_arrays(dataset, ARRAY_FRAMES, frames));
  TRY(find_arrays(dataset, ARRAY_POINTS, points));
  bool both = false;
  for (unsigned i = 0; i < SPLIT_COUNT * SPLIT_COUNT; ++i) both |= frames[i / SPLIT_COUNT] && points[i % SPLIT_COUNT];
  REQUIRE(!both, STATUS_FILE, "%s: holds both frames and points; a data set is of one kind: make two files of it",
          path);
  const bool of_points = points[SPLIT_TRAIN] && points[SPLIT_TEST];
  TRY(check_pair(dataset, ARRAY_FRAMES, frames));
  TRY(check_pair(dataset, ARRAY_POINTS, points));
  bool format;
  TRY(store_find_attribute(&dataset->file, "format", &format));
  REQUIRE(of_points || (frames[SPLIT_TRAIN] && frames[SPLIT_TEST]), STATUS_FILE,
          "%s: is not a data set: %s both /train/frames and /test/frames, nor both "
          "/train/points and /test/points",
          path, format ? "its attribute 'format' is not hgn's, and it has neither" : "neither attribute 'format' nor");
  TRY(of_points ? open_points(dataset, points) : open_frames(dataset, frames));
  const enum dataset_array array = of_points ? ARRAY_POINTS : ARRAY_FRAMES;
  for (unsigned split = 0; split < SPLIT_COUNT; ++split)
    if (dataset_has(dataset, split, array)) TRY(check_written(dataset, split, array));
  if (of_points) return STATUS_OK;
  TRY(warn_of_chunks(dataset));
  return check_bytes(dataset);
}
