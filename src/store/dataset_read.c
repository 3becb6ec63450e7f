#include "comm/reduce.h"
#include "store/dataset.h"
#include "store/dataset_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 23 };

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
  TRY(store_read_config(&dataset->file, SCHEMA_DATA, &dataset->config));
  const struct experiment *experiment = config_experiment(dataset->config);
  dataset->rollouts[SPLIT_TRAIN] = experiment->data.train;
  dataset->rollouts[SPLIT_TEST] = experiment->data.test;
  dataset->frames = experiment->data.frames;
  dataset->dt = experiment->data.dt;
  dataset->height = experiment->render.height;
  dataset->width = experiment->render.width;
  dataset->channels = experiment->render.color == COLOR_GREY ? 1 : 3;
  dataset->has_states = true;
  dataset->has_frames = store_has(&dataset->file, "/train/frames");

  TRY(expect_extent(dataset, "/time", STORE_F64, 1, &dataset->frames));
  int64_t extent[STORE_RANK_MAX];
  enum store_type type;
  TRY(get_extent(dataset, "/train/state", 3, extent, &type));
  dataset->coordinates = extent[2];
  REQUIRE(extent[2] > 0 && extent[2] % 2 == 0, STATUS_FILE, "%s: /train/state has %lld coordinates, not an even number",
          dataset->file.path, (long long)extent[2]);
  for (unsigned split = 0; split < SPLIT_COUNT; ++split) {
    char path[32];
    int64_t states[3] = {dataset->rollouts[split], dataset->frames, dataset->coordinates};
    int64_t images[5] = {states[0], states[1], dataset->height, dataset->width, dataset->channels};
    dataset_path(split, ARRAY_STATE, path);
    TRY(expect_extent(dataset, path, STORE_F64, 3, states));
    dataset_path(split, ARRAY_ENERGY, path);
    TRY(expect_extent(dataset, path, STORE_F64, 2, states));
    dataset_path(split, ARRAY_FRAMES, path);
    if (dataset->has_frames) TRY(expect_extent(dataset, path, STORE_U8, 5, images));
  }
  return STATUS_OK;
}

/* /time of a file made elsewhere: optional, evenly spaced. */
static enum status read_time(struct dataset *dataset) {
  const struct store_file *file = &dataset->file;
  dataset->dt = NAN;
  if (!store_has(file, "/time")) return STATUS_OK;
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

static enum status open_foreign(struct dataset *dataset) {
  const struct store_file *file = &dataset->file;
  REQUIRE(store_has(file, "/train/frames") && store_has(file, "/test/frames"), STATUS_FILE,
          "%s: is not a data set: neither attribute 'format' nor both /train/frames and /test/frames", file->path);
  int64_t extent[SPLIT_COUNT][STORE_RANK_MAX];
  for (unsigned split = 0; split < SPLIT_COUNT; ++split) {
    char path[32];
    enum store_type type;
    dataset_path(split, ARRAY_FRAMES, path);
    TRY(get_extent(dataset, path, 5, extent[split], &type));
    REQUIRE(type != STORE_I64, STATUS_FILE, "%s: %s holds 64-bit integers, not u8, f32 or f64", file->path, path);
    for (int i = 1; i < 5; ++i)
      REQUIRE(extent[split][i] > 0 && extent[split][i] == extent[0][i], STATUS_FILE,
              "%s: %s has extent %lld in dimension %d where /train/frames has %lld", file->path, path,
              (long long)extent[split][i], i, (long long)extent[0][i]);
    dataset->rollouts[split] = extent[split][0];
  }
  REQUIRE(dataset->rollouts[SPLIT_TRAIN] > 0, STATUS_FILE, "%s: /train/frames is empty", file->path);
  int64_t values = INT64_MAX / (int64_t)sizeof(double); /* of all frames of the larger split, so that sizes fit */
  for (int i = 1; i < 5; ++i) {
    REQUIRE(i < 2 || extent[0][i] <= DATASET_SIDE_MAX, STATUS_FILE, "%s: /train/frames has extent %lld in dimension %d",
            file->path, (long long)extent[0][i], i);
    values /= extent[0][i];
  }
  for (unsigned split = 0; split < SPLIT_COUNT; ++split)
    REQUIRE(dataset->rollouts[split] <= values, STATUS_FILE, "%s: has %lld rollouts of %lld frames, more than fit",
            file->path, (long long)dataset->rollouts[split], (long long)extent[0][1]);
  REQUIRE(extent[0][4] == 1 || extent[0][4] == 3, STATUS_FILE, "%s: /train/frames has %lld channels, not 1 or 3",
          file->path, (long long)extent[0][4]);
  dataset->has_frames = true;
  dataset->frames = extent[0][1];
  dataset->height = extent[0][2];
  dataset->width = extent[0][3];
  dataset->channels = extent[0][4];
  return read_time(dataset);
}

enum status dataset_open(const struct comm *comm, const char *path, struct dataset *dataset) {
  *dataset = (struct dataset){.dt = NAN};
  TRY(store_open(comm, path, &dataset->file));
  /* Each rank reads and checks alone, the same; nothing below is collective up to the agreement. */
  bool foreign = H5Aexists(dataset->file.id, "format") <= 0;
  enum status status = comm_agree(comm, foreign ? open_foreign(dataset) : open_own(dataset));
  if (status != STATUS_OK) dataset_close(dataset);
  return status;
}

/* ---- reading ---- */

static enum status check_range(const struct dataset *dataset, enum split split, enum dataset_array array, int64_t first,
                               int64_t count) {
  int64_t rollouts = dataset->rollouts[split];
  REQUIRE(dataset_has(dataset, array), STATUS_UNAVAILABLE, "%s: has no %s", dataset->file.path,
          array == ARRAY_FRAMES ? "frames" : "states");
  REQUIRE(first >= 0 && count >= 0 && first <= rollouts && count <= rollouts - first, STATUS_ARGUMENT,
          "%s: %s: rollouts %lld to %lld of %lld", dataset->file.path, split_name[split], (long long)first,
          (long long)(first + count), (long long)rollouts);
  return STATUS_OK;
}

static enum status take_array(const struct dataset *dataset, enum split split, enum dataset_array array, int64_t first,
                              int64_t count, double *values) {
  char path[32];
  dataset_path(split, array, path);
  TRY(check_range(dataset, split, array, first, count));
  TRY(store_read(&dataset->file, path, STORE_F64, first, count, values));
  size_t each = dataset_bytes(dataset, array) / sizeof(double), all = (size_t)count * each;
  for (size_t i = 0; i < all; ++i)
    REQUIRE(!isnan(values[i]), STATUS_FILE, "%s: %s: rollout %lld is missing: it was never, or only partly, written",
            dataset->file.path, path, (long long)first + (long long)(i / each));
  return STATUS_OK;
}

enum status dataset_read(const struct dataset *dataset, enum split split, int64_t first, int64_t count, double *states,
                         double *energy) {
  TRY(take_array(dataset, split, ARRAY_STATE, first, count, states));
  return energy ? take_array(dataset, split, ARRAY_ENERGY, first, count, energy) : STATUS_OK;
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

enum status dataset_read_frames(const struct dataset *dataset, enum split split, int64_t first, int64_t count,
                                float *frames) {
  char path[32];
  int rank;
  int64_t extent[STORE_RANK_MAX];
  enum store_type type;
  dataset_path(split, ARRAY_FRAMES, path);
  TRY(check_range(dataset, split, ARRAY_FRAMES, first, count));
  TRY(store_extent(&dataset->file, path, &rank, extent, &type));
  size_t each = dataset_bytes(dataset, ARRAY_FRAMES), all = (size_t)count * each;
  if (type == STORE_U8) return read_bytes(dataset, path, first, count, all, frames);
  TRY(store_read(&dataset->file, path, STORE_F32, first, count, frames));
  for (size_t i = 0; i < all; ++i)
    REQUIRE(frames[i] >= 0 && frames[i] <= 1, STATUS_FILE, "%s: %s: rollout %lld has the value %g, outside [0, 1]",
            dataset->file.path, path, (long long)first + (long long)(i / each), (double)frames[i]);
  return STATUS_OK;
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
  snprintf(path, sizeof path, "/ladder/%s", name);
  REQUIRE(dataset->config && store_has(&dataset->file, path), STATUS_UNAVAILABLE, "%s: has no %s", dataset->file.path,
          path);
  TRY(expect_extent(dataset, path, STORE_F64, 1, &two));
  TRY(store_read(&dataset->file, path, STORE_F64, 0, 2, pair));
  REQUIRE(!isnan(pair[0]), STATUS_UNAVAILABLE, "%s: %s was not measured", dataset->file.path, path);
  *mse = pair[0];
  *error = pair[1];
  return STATUS_OK;
}

/* ---- checksums ---- */

/* Adds the bytes of a small data set, tagged by its path. */
static enum status add_small(const struct store_file *file, const char *path, struct checksum *sum) {
  hid_t set = H5Dopen2(file->id, path, H5P_DEFAULT);
  REQUIRE(set >= 0, STATUS_FILE, "%s: %s is missing", file->path, path);
  hid_t type = H5Dget_type(set), space = H5Dget_space(set);
  enum status status = STATUS_OK;
  hssize_t values = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
  size_t size = type < 0 ? 0 : H5Tget_size(type);
  H5T_class_t class = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
  if (values < 0 || size == 0 || (class != H5T_FLOAT && class != H5T_STRING) || H5Tis_variable_str(type) > 0) {
    status = status_raise(STATUS_FILE, "%s: %s has the wrong type", file->path, path);
  } else {
    char *data = calloc((size_t)values + 1, size);
    if (!data)
      status = status_raise(STATUS_MEMORY, "%s: %s: no memory", file->path, path);
    else if (H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
      status = status_raise(STATUS_FILE, "%s: %s cannot be read", file->path, path);
    else
      checksum_add(sum, checksum_tag(path), 0, data, (size_t)values * size);
    free(data);
  }
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  H5Dclose(set);
  return status;
}

struct walk {
  const struct store_file *file;
  const char *group;
  struct checksum *sum;
  enum status status;
};

static herr_t add_member(hid_t group, const char *name, const H5L_info_t *info, void *data) {
  (void)group;
  (void)info;
  struct walk *walk = data;
  char path[STORE_PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", walk->group, name);
  walk->status = add_small(walk->file, path, walk->sum);
  return walk->status == STATUS_OK ? 0 : 1;
}

/* Sums commute, so the order of a group's members does not matter. */
static enum status add_group(const struct store_file *file, const char *group, struct checksum *sum) {
  struct walk walk = {file, group, sum, STATUS_OK};
  hid_t id = H5Gopen2(file->id, group, H5P_DEFAULT);
  REQUIRE(id >= 0, STATUS_FILE, "%s: %s is missing", file->path, group);
  if (H5Literate(id, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, add_member, &walk) < 0)
    walk.status = status_raise(STATUS_FILE, "%s: %s cannot be read", file->path, group);
  H5Gclose(id);
  return walk.status;
}

enum status dataset_content(const struct dataset *dataset, const struct checksum (*sums)[ARRAY_COUNT],
                            struct checksum *content) {
  const struct store_file *file = &dataset->file;
  int64_t shape[] = {dataset->rollouts[SPLIT_TRAIN],
                     dataset->rollouts[SPLIT_TEST],
                     dataset->frames,
                     dataset->coordinates,
                     dataset->height,
                     dataset->width,
                     dataset->channels,
                     dataset->has_frames};
  *content = (struct checksum){{0, 0}};
  checksum_add(content, checksum_tag("shape"), 0, shape, sizeof shape);
  for (unsigned i = 0; i < SPLIT_COUNT * ARRAY_COUNT; ++i)
    if (dataset_has(dataset, i % ARRAY_COUNT)) checksum_merge(content, &sums[i / ARRAY_COUNT][i % ARRAY_COUNT]);
  TRY(add_small(file, "/config", content));
  TRY(add_small(file, "/time", content));
  TRY(add_small(file, "/coordinate", content));
  TRY(add_group(file, "/parameters", content));
  return add_group(file, "/ladder", content);
}

/* Not collective. This rank's part of an array's checksum. */
static enum status sum_part(const struct dataset *dataset, enum split split, enum dataset_array array,
                            struct checksum *sum) {
  int64_t first, count, bytes = (int64_t)dataset_bytes(dataset, array);
  comm_share(dataset->rollouts[split], dataset->file.comm->size, dataset->file.comm->rank, &first, &count);
  int64_t each = bytes >= BLOCK_BYTES ? 1 : BLOCK_BYTES / (bytes > 0 ? bytes : 1);
  if (count == 0) return STATUS_OK;
  if (each > count) each = count;
  char path[32];
  dataset_path(split, array, path);
  /* Frames of a file made elsewhere are checked as f32. */
  size_t room = (size_t)(each * bytes) * (dataset->config ? 1 : sizeof(float));
  void *block = malloc(room);
  REQUIRE(block, STATUS_MEMORY, "%s: no memory to verify %s", dataset->file.path, path);
  enum status status = STATUS_OK;
  for (int64_t i = 0; i < count && status == STATUS_OK; i += each) {
    int64_t now = count - i < each ? count - i : each;
    if (!dataset->config)
      status = dataset_read_frames(dataset, split, first + i, now, block);
    else if (array == ARRAY_FRAMES)
      status = store_read(&dataset->file, path, STORE_U8, first + i, now, block);
    else
      status = take_array(dataset, split, array, first + i, now, block);
    if (status == STATUS_OK && dataset->config) dataset_add(dataset, split, array, first + i, now, block, sum);
  }
  free(block);
  return status;
}

/* Not collective. */
static enum status compare(const struct dataset *dataset, const char *label, const struct checksum *sum) {
  char path[64], text[CHECKSUM_TEXT], *stored = NULL;
  snprintf(path, sizeof path, "/checksum/%s", label);
  TRY(store_read_text(&dataset->file, path, &stored));
  checksum_text(sum, text);
  enum status status = STATUS_OK;
  if (stored[0] == '\0')
    status = status_raise(STATUS_FILE, "%s: %s is missing: the file was never completed", dataset->file.path, path);
  else if (strcmp(text, stored) != 0)
    status = status_raise(STATUS_FILE, "%s: checksum mismatch: %s has %s, the file says %.40s", dataset->file.path,
                          label, text, stored);
  free(stored);
  return status;
}

enum status dataset_verify(struct dataset *dataset) {
  const struct comm *comm = dataset->file.comm;
  struct checksum sums[SPLIT_COUNT][ARRAY_COUNT];
  memset(sums, 0, sizeof sums);
  for (unsigned i = 0; i < SPLIT_COUNT * ARRAY_COUNT; ++i) {
    enum split split = i / ARRAY_COUNT;
    enum dataset_array array = i % ARRAY_COUNT;
    char label[32];
    if (!dataset_has(dataset, array)) continue;
    dataset_label(split, array, label);
    TRY(comm_agree(comm, sum_part(dataset, split, array, &sums[split][array])));
    if (!dataset->config) continue;
    TRY(reduce_checksum(comm, &sums[split][array], 1));
    TRY(comm_agree(comm, comm->rank == 0 ? compare(dataset, label, &sums[split][array]) : STATUS_OK));
  }
  if (!dataset->config) return STATUS_OK;
  enum status status = STATUS_OK;
  if (comm->rank == 0) {
    struct checksum content;
    status = dataset_content(dataset, (const struct checksum(*)[ARRAY_COUNT])sums, &content);
    if (status == STATUS_OK) status = compare(dataset, "content", &content);
  }
  return comm_agree(comm, status);
}
