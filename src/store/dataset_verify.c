/* Checksums of a data set: of everything but the arrays when it is opened, of each rollout when it is read, of the
 * whole when that is asked for. */
#include "base/log.h"
#include "comm/reduce.h"
#include "store/dataset.h"
#include "store/dataset_parts.h"
#include "store/reader.h"
#include "store/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 23 };

/* ---- everything but the arrays ---- */

static enum status read_sum(const struct dataset *dataset, const char *label, struct checksum *sum) {
  char path[64], *stored = NULL;
  snprintf(path, sizeof path, "/checksum/%s", label);
  TRY(store_read_text(&dataset->file, path, &stored));
  enum status status = STATUS_OK;
  if (stored[0] == '\0')
    status = status_raise(STATUS_FILE, "%s: %s is missing: the file was never completed", dataset->file.path, path);
  else if (checksum_parse(stored, sum) != 0)
    status = status_raise(STATUS_FILE, "%s: %s is not a checksum", dataset->file.path, path);
  free(stored);
  return status;
}

/* Not collective. With what the file says. */
static enum status compare(const struct dataset *dataset, const char *label, const struct checksum *sum) {
  struct checksum stored;
  char found[CHECKSUM_TEXT], said[CHECKSUM_TEXT];
  TRY(read_sum(dataset, label, &stored));
  checksum_text(sum, found);
  checksum_text(&stored, said);
  REQUIRE(strcmp(found, said) == 0, STATUS_FILE, "%s: checksum mismatch: %s has %s, the file says %s",
          dataset->file.path, label, found, said);
  return STATUS_OK;
}

/* Adds the bytes of a small data set, tagged by its path. */
static enum status add_small(const struct store_file *file, const char *path, struct checksum *sum) {
  struct store_handle *handle;
  TRY(store_handle(file, path, &handle));
  reader_enter(file->path);
  hid_t type = H5Dget_type(handle->id);
  enum status status = STATUS_OK;
  hssize_t values = H5Sget_simple_extent_npoints(handle->space);
  size_t size = type < 0 ? 0 : H5Tget_size(type);
  H5T_class_t class = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
  if (values < 0 || size == 0 || (class != H5T_FLOAT && class != H5T_STRING) || H5Tis_variable_str(type) > 0) {
    status = status_raise(STATUS_FILE, "%s: %s has the wrong type", file->path, path);
  } else {
    char *data = calloc((size_t)values + 1, size);
    if (!data)
      status = status_raise(STATUS_MEMORY, "%s: %s: no memory", file->path, path);
    else if (H5Dread(handle->id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
      status = store_fail(file, path);
    else
      checksum_add(sum, checksum_tag(path), 0, data, (size_t)values * size);
    free(data);
  }
  if (type >= 0) H5Tclose(type);
  reader_leave();
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
  char path[STORE_NAME_MAX];
  const int length = snprintf(path, sizeof path, "%s/%s", walk->group, name);
  walk->status = length < (int)sizeof path ? add_small(walk->file, path, walk->sum)
                                           : status_raise(STATUS_FILE, "%s: %s has a member that hgn does not write",
                                                          walk->file->path, walk->group);
  return walk->status == STATUS_OK ? 0 : 1;
}

/* Sums commute, so the order of a group's members does not matter. */
static enum status add_group(const struct store_file *file, const char *group, struct checksum *sum) {
  struct walk walk = {file, group, sum, STATUS_OK};
  hid_t id = H5Gopen2(file->id, group, H5P_DEFAULT);
  if (id < 0) return store_fail(file, group);
  if (H5Literate(id, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, add_member, &walk) < 0) walk.status = store_fail(file, group);
  H5Gclose(id);
  return walk.status;
}

enum status dataset_content(const struct dataset *dataset, const struct checksum (*sums)[ARRAY_COUNT],
                            struct checksum *content) {
  const struct store_file *file = &dataset->file;
  int64_t shape[] = {dataset_stored(dataset, SPLIT_TRAIN),
                     dataset_stored(dataset, SPLIT_TEST),
                     dataset->frames,
                     dataset->coordinates,
                     dataset->height,
                     dataset->width,
                     dataset->channels,
                     dataset->has_frames};
  *content = (struct checksum){{0, 0}};
  checksum_add(content, checksum_tag("shape"), 0, shape, sizeof shape);
  /* Apart from the others: files without such a split keep the checksum that they had before there were any. */
  const int64_t validation = dataset_stored(dataset, SPLIT_VALIDATION);
  if (validation > 0) checksum_add(content, checksum_tag("validation"), 0, &validation, sizeof validation);
  for (unsigned i = 0; i < SPLIT_COUNT * ARRAY_COUNT; ++i)
    if (dataset_has(dataset, i / ARRAY_COUNT, i % ARRAY_COUNT))
      checksum_merge(content, &sums[i / ARRAY_COUNT][i % ARRAY_COUNT]);
  TRY(add_small(file, "/config", content));
  TRY(add_small(file, "/coordinate", content));
  TRY(add_group(file, "/parameters", content));
  if (dataset->has_points) return STATUS_OK;
  TRY(add_small(file, "/time", content));
  return add_group(file, "/ladder", content);
}

enum status dataset_check_content(const struct dataset *dataset) {
  struct checksum sums[SPLIT_COUNT][ARRAY_COUNT], content;
  memset(sums, 0, sizeof sums);
  for (unsigned i = 0; i < SPLIT_COUNT * ARRAY_COUNT; ++i) {
    char label[32];
    if (!dataset_has(dataset, i / ARRAY_COUNT, i % ARRAY_COUNT)) continue;
    dataset_label(i / ARRAY_COUNT, i % ARRAY_COUNT, label);
    TRY(read_sum(dataset, label, &sums[i / ARRAY_COUNT][i % ARRAY_COUNT]));
  }
  TRY(dataset_content(dataset, (const struct checksum(*)[ARRAY_COUNT])sums, &content));
  return compare(dataset, "content", &content);
}

/* ---- rollout by rollout ---- */

enum status dataset_check_sums(const struct dataset *dataset, enum split split) {
  for (unsigned array = 0; array < ARRAY_SUMMED && dataset->has_sums; ++array) {
    char path[48];
    int rank;
    int64_t extent[STORE_RANK_MAX];
    enum store_type type;
    if (!dataset_has(dataset, split, array)) continue;
    dataset_sums_path(split, array, path);
    TRY(store_extent(&dataset->file, path, &rank, extent, &type));
    REQUIRE(rank == 2 && extent[0] == dataset_stored(dataset, split) && extent[1] == 2 && type == STORE_I64,
            STATUS_FILE, "%s: %s has the wrong shape", dataset->file.path, path);
  }
  return STATUS_OK;
}

/* What the file, or the pass over one without such sums, says about some rollouts. */
static enum status expected_sums(const struct dataset *dataset, enum split split, enum dataset_array array,
                                 int64_t first, int64_t count, struct checksum *sums) {
  char path[48];
  dataset_sums_path(split, array, path);
  if (dataset->has_sums) return store_read(&dataset->file, path, STORE_I64, first, count, sums);
  memcpy(sums, dataset->rollout_sum[split][array] + first, (size_t)count * sizeof *sums);
  return STATUS_OK;
}

enum status dataset_compare_rollouts(const struct dataset *dataset, enum split split, enum dataset_array array,
                                     int64_t first, int64_t count, const double *values) {
  const size_t each = dataset_bytes(dataset, array) / sizeof *values;
  char label[32];
  struct checksum *expected = malloc((size_t)(count + 1) * sizeof *expected);
  REQUIRE(expected, STATUS_MEMORY, "%s: no memory for checksums", dataset->file.path);
  enum status status = expected_sums(dataset, split, array, first, count, expected);
  dataset_label(split, array, label);
  for (int64_t i = 0; i < count && status == STATUS_OK; ++i) {
    struct checksum sum = {{0, 0}};
    dataset_add(dataset, split, array, first + i, 1, values + (size_t)i * each, &sum);
    if (memcmp(&sum, &expected[i], sizeof sum) != 0)
      status = status_raise(STATUS_FILE, "%s: checksum mismatch: %s %lld of %s is not what was written",
                            dataset->file.path, dataset_item(dataset), (long long)(first + i), label);
  }
  free(expected);
  return status;
}

/* ---- the whole ---- */

/* Not collective. This rank's part of an array's checksum. */
static enum status sum_part(const struct dataset *dataset, enum split split, enum dataset_array array,
                            struct checksum *sum) {
  int64_t first, count, bytes = (int64_t)dataset_bytes(dataset, array);
  comm_share(dataset_stored(dataset, split), dataset->file.comm->size, dataset->file.comm->rank, &first, &count);
  int64_t each = bytes >= BLOCK_BYTES ? 1 : BLOCK_BYTES / (bytes > 0 ? bytes : 1);
  if (count == 0) return STATUS_OK;
  if (each > count) each = count;
  char path[32];
  dataset_path(split, array, path);
  /* Frames of a file made elsewhere are checked as f32. */
  const bool images = array == ARRAY_FRAMES;
  size_t room = (size_t)(each * bytes) * (images && !dataset->config ? sizeof(float) : 1);
  void *block = malloc(room);
  REQUIRE(block, STATUS_MEMORY, "%s: no memory to verify %s", dataset->file.path, path);
  enum status status = STATUS_OK;
  struct progress progress;
  progress_begin(&progress, path, dataset->has_points ? "points" : "rollouts", count);
  for (int64_t i = 0; i < count && status == STATUS_OK; i += each) {
    int64_t now = count - i < each ? count - i : each;
    progress_update(&progress, i);
    if (!images)
      status = dataset_take(dataset, split, array, first + i, now, block);
    else if (dataset->config)
      status = store_read(&dataset->file, path, STORE_U8, first + i, now, block);
    else
      status = dataset_read_stored(dataset, (struct dataset_place){split, first + i}, now, block);
    if (status == STATUS_OK && dataset->config && !images)
      status = dataset_compare_rollouts(dataset, split, array, first + i, now, block);
    if (status == STATUS_OK && dataset->config) dataset_add(dataset, split, array, first + i, now, block, sum);
  }
  if (progress.last > progress.started) progress_end(&progress, count); /* nothing is said of what is quick */
  free(block);
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
    if (!dataset_has(dataset, split, array)) continue;
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

/* ---- files without sums of rollouts ---- */

/* Not collective. Its own share of one array: each rollout's sum in its place. */
static enum status sum_share(const struct dataset *dataset, enum split split, enum dataset_array array,
                             struct checksum *sums) {
  const int64_t bytes = (int64_t)dataset_bytes(dataset, array), block = bytes >= BLOCK_BYTES ? 1 : BLOCK_BYTES / bytes;
  int64_t first, count;
  comm_share(dataset_stored(dataset, split), dataset->file.comm->size, dataset->file.comm->rank, &first, &count);
  double *values = malloc((size_t)(block * bytes));
  REQUIRE(values, STATUS_MEMORY, "%s: no memory to verify it", dataset->file.path);
  enum status status = STATUS_OK;
  for (int64_t i = first; i < first + count && status == STATUS_OK; i += block) {
    const int64_t now = first + count - i < block ? first + count - i : block;
    status = dataset_take(dataset, split, array, i, now, values);
    for (int64_t k = 0; k < now && status == STATUS_OK; ++k)
      dataset_add(dataset, split, array, i + k, 1, values + (size_t)(k * bytes) / sizeof *values, &sums[i + k]);
  }
  free(values);
  return status;
}

/* Collective. */
static enum status sum_array(struct dataset *dataset, enum split split, enum dataset_array array) {
  const struct comm *comm = dataset->file.comm;
  const int64_t rollouts = dataset_stored(dataset, split);
  struct checksum *sums = calloc((size_t)rollouts + 1, sizeof *sums), whole = {{0, 0}};
  char label[32];
  dataset->rollout_sum[split][array] = sums;
  enum status status = sums ? sum_share(dataset, split, array, sums)
                            : status_raise(STATUS_MEMORY, "%s: no memory for checksums", dataset->file.path);
  TRY(comm_agree(comm, status));
  TRY(reduce_checksum(comm, sums, rollouts));
  for (int64_t i = 0; i < rollouts; ++i) checksum_merge(&whole, &sums[i]);
  dataset_label(split, array, label);
  return comm_agree(comm, compare(dataset, label, &whole));
}

enum status dataset_sum_rollouts(struct dataset *dataset) {
  for (unsigned split = 0; split < SPLIT_COUNT; ++split)
    for (unsigned array = 0; array < ARRAY_SUMMED; ++array)
      if (dataset_has(dataset, split, array)) TRY(sum_array(dataset, split, array));
  return STATUS_OK;
}
