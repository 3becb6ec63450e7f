#include "comm/reduce.h"
#include "store/dataset.h"
#include "store/dataset_parts.h"
#include "store/reader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- opening ---- */

enum status dataset_get_extent(const struct dataset *dataset, const char *path, int rank, int64_t *extent,
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
  TRY(dataset_get_extent(dataset, path, rank, extent, &found));
  REQUIRE(found == type, STATUS_FILE, "%s: %s has the wrong type of number", dataset->file.path, path);
  for (int i = 0; i < rank; ++i)
    REQUIRE(extent[i] == expected[i], STATUS_FILE,
            "%s: %s has extent %lld in dimension %d, its configuration says %lld", dataset->file.path, path,
            (long long)extent[i], i, (long long)expected[i]);
  return STATUS_OK;
}

/* Of trajectories the file says how many there are. */
static enum status count_coordinates(struct dataset *dataset) {
  int64_t extent[STORE_RANK_MAX];
  enum store_type type;
  TRY(expect_extent(dataset, "/time", STORE_F64, 1, &dataset->frames));
  TRY(dataset_get_extent(dataset, "/train/state", 3, extent, &type));
  dataset->coordinates = extent[2];
  REQUIRE(extent[2] > 0 && extent[2] % 2 == 0, STATUS_FILE, "%s: /train/state has %lld coordinates, not an even number",
          dataset->file.path, (long long)extent[2]);
  return STATUS_OK;
}

static enum status check_arrays(const struct dataset *dataset, enum split split) {
  for (unsigned array = 0; array < ARRAY_COUNT; ++array) {
    char path[32];
    int64_t extent[STORE_RANK_MAX];
    if (!dataset_has(dataset, split, array)) continue;
    const int rank = dataset_extent(dataset, split, array, extent);
    dataset_path(split, array, path);
    TRY(expect_extent(dataset, path, dataset_arrays[array].type, rank, extent));
  }
  return dataset_check_sums(dataset, split);
}

static enum status open_own(struct dataset *dataset) {
  TRY(store_check_format(&dataset->file, DATASET_FORMAT, DATASET_VERSION));
  TRY(store_read_config(&dataset->file, SCHEMA_DATA_SETS, &dataset->config));
  const struct data_settings *data = &config_experiment(dataset->config)->data;
  dataset_describe(dataset, dataset->config);
  char path[32];
  bool validation = data->validation > 0; /* one that is asked for must be there */
  dataset_path(SPLIT_VALIDATION, dataset->has_points ? ARRAY_POINTS : ARRAY_STATE, path);
  if (!validation) TRY(store_find(&dataset->file, path, &validation));
  dataset_divide(dataset, data->train, data->test, validation ? experiment_validation(data) : 0);
  if (dataset->has_states) TRY(store_find(&dataset->file, "/train/frames", &dataset->has_frames));
  TRY(store_find(&dataset->file, "/checksum/rollouts", &dataset->has_sums));
  if (dataset->has_states) TRY(count_coordinates(dataset));
  for (unsigned split = 0; split < SPLIT_COUNT; ++split) TRY(check_arrays(dataset, split));
  return dataset_check_content(dataset);
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
  bool own = false, codes = false;
  enum status status = store_is_ours(&dataset->file, &own);
  if (status == STATUS_OK) status = store_is(&dataset->file, DATASET_CODES_FORMAT, &codes);
  own = own && !codes;
  if (status == STATUS_OK) status = own ? open_own(dataset) : dataset_open_foreign(dataset);
  status = comm_agree(comm, status);
  if (status == STATUS_OK) status = agree_identity(dataset);
  if (status == STATUS_OK && own && !dataset->has_sums) status = dataset_sum_rollouts(dataset);
  if (status != STATUS_OK) dataset_close(dataset);
  return status;
}

/* ---- reading ---- */

static bool is_fill(double value, double fill) { return value == fill || (isnan(value) && isnan(fill)); }

/* Not collective. What HDF5 has brought of an array of f64. */
static enum status check_values(const struct dataset *dataset, enum split split, enum dataset_array array,
                                int64_t first, int64_t count, const double *values) {
  const size_t each = dataset_bytes(dataset, array) / sizeof(double), all = (size_t)count * each;
  char path[32];
  dataset_path(split, array, path);
  for (size_t i = 0; i < all; ++i)
    REQUIRE(!isnan(values[i]), STATUS_FILE, "%s: %s: %s %lld is missing: it was never, or only partly, written",
            dataset->file.path, path, dataset_item(dataset), (long long)first + (long long)(i / each));
  return STATUS_OK;
}

/* The same of points made elsewhere, of which NaN is a value like others: one that no density has. */
static enum status check_points(const struct dataset *dataset, enum split split, int64_t first, int64_t count,
                                const double *points) {
  const double fill = dataset->fill[split];
  char path[32];
  dataset_path(split, ARRAY_POINTS, path);
  REQUIRE(!store_changed(&dataset->file), STATUS_FILE, "%s: another program has changed it since it was opened",
          dataset->file.path);
  for (int64_t i = 0; i < count; ++i, points += dataset->coordinates) {
    int64_t blank = 0;
    for (int64_t c = 0; c < dataset->coordinates; ++c) blank += is_fill(points[c], fill);
    REQUIRE(blank < dataset->coordinates, STATUS_FILE,
            "%s: %s: point %lld was never written: every coordinate is the fill value %g (if that is what it is, "
            "create the data set with another one)",
            dataset->file.path, path, (long long)(first + i), fill);
    for (int64_t c = 0; c < dataset->coordinates; ++c)
      REQUIRE(isfinite(points[c]), STATUS_FILE, "%s: %s: point %lld has the value %g in coordinate %lld",
              dataset->file.path, path, (long long)(first + i), points[c], (long long)c);
  }
  return STATUS_OK;
}

enum status dataset_take(const struct dataset *dataset, enum split split, enum dataset_array array, int64_t first,
                         int64_t count, double *values) {
  char path[32];
  dataset_path(split, array, path);
  TRY(dataset_check_range(dataset, split, dataset_stored(dataset, split), first, count));
  TRY(store_read(&dataset->file, path, STORE_F64, first, count, values));
  return dataset->config ? check_values(dataset, split, array, first, count, values)
                         : check_points(dataset, split, first, count, values);
}

/* Not collective. Reads and, where there are checksums, verifies. */
static enum status take_verified(const struct dataset *dataset, enum split split, enum dataset_array array,
                                 int64_t first, int64_t count, double *values) {
  TRY(dataset_take(dataset, split, array, first, count, values));
  return dataset->config ? dataset_compare_rollouts(dataset, split, array, first, count, values) : STATUS_OK;
}

enum status dataset_read(const struct dataset *dataset, enum split split, int64_t first, int64_t count, double *states,
                         double *energy) {
  REQUIRE(dataset->has_states, STATUS_UNAVAILABLE, "%s: has no states", dataset->file.path);
  TRY(dataset_check_range(dataset, split, dataset->rollouts[split], first, count));
  const struct dataset_place at = dataset_place(dataset, split, first);
  TRY(take_verified(dataset, at.split, ARRAY_STATE, at.rollout, count, states));
  return energy ? take_verified(dataset, at.split, ARRAY_ENERGY, at.rollout, count, energy) : STATUS_OK;
}

enum status dataset_read_points(const struct dataset *dataset, enum split split, int64_t first, int64_t count,
                                double *points, double *log_density) {
  REQUIRE(dataset->has_points, STATUS_UNAVAILABLE, "%s: has no points", dataset->file.path);
  TRY(dataset_check_range(dataset, split, dataset->rollouts[split], first, count));
  const struct dataset_place at = dataset_place(dataset, split, first);
  TRY(take_verified(dataset, at.split, ARRAY_POINTS, at.rollout, count, points));
  if (log_density && dataset->has_densities)
    return take_verified(dataset, at.split, ARRAY_LOG_DENSITY, at.rollout, count, log_density);
  for (int64_t i = 0; i < count && log_density; ++i) log_density[i] = NAN;
  return STATUS_OK;
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

bool dataset_is_blank(const struct dataset *dataset, enum split split, const float *values, size_t count) {
  if (dataset->config) return false;
  size_t i = 0;
  while (i < count && is_fill((double)values[i], dataset->fill[split])) i++;
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
        dataset->file.path, path, (long long)(first + i), dataset->fill[split]);
    for (size_t k = 0; k < each; ++k)
      REQUIRE(frames[k] >= 0 && frames[k] <= 1, STATUS_FILE,
              "%s: %s: rollout %lld has the value %g, outside [0, 1]: divide what is in 0..255 by 255, or write it as "
              "bytes",
              dataset->file.path, path, (long long)(first + i), (double)frames[k]);
  }
  return STATUS_OK;
}

enum status dataset_read_frames(const struct dataset *dataset, enum split split, int64_t first, int64_t count,
                                float *frames) {
  TRY(dataset_check_range(dataset, split, dataset->rollouts[split], first, count));
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
  TRY(dataset_check_range(dataset, first.split, dataset_stored(dataset, first.split), first.rollout, count));
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

enum status dataset_parameter(const struct dataset *dataset, const char *name, double *value) {
  char path[STORE_PATH_MAX];
  bool found = false;
  snprintf(path, sizeof path, "/parameters/%s", name);
  if (dataset->config) TRY(store_find(&dataset->file, path, &found));
  *value = NAN;
  return found ? store_read_values(&dataset->file, path, STORE_F64, 1, value) : STATUS_OK;
}
