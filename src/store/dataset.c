#include "store/dataset.h"

#include "comm/reduce.h"
#include "store/dataset_parts.h"
#include "store/provenance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 1 << 22 };

/* ---- creation ---- */

/* Chunks of one rollout, or of as many frames, or rows of one frame, as fit into CHUNK_BYTES. */
static void choose_chunk(const int64_t extent[5], int64_t chunk[5]) {
  int64_t row = extent[3] * extent[4], frame = row * extent[2];
  memcpy(chunk, extent, 5 * sizeof chunk[0]);
  chunk[0] = 1;
  if (frame * extent[1] > CHUNK_BYTES) chunk[1] = frame < CHUNK_BYTES ? CHUNK_BYTES / frame : 1;
  if (frame > CHUNK_BYTES) chunk[2] = row < CHUNK_BYTES ? CHUNK_BYTES / row : 1;
}

/* Every step below is collective, and agreed: TRY returns on all ranks or on none. */

static enum status create_array(struct dataset *dataset, enum split split, enum dataset_array array) {
  static const char *const scale[AXIS_COUNT] = {[AXIS_FRAME] = "/time", [AXIS_COORDINATE] = "/coordinate"};
  const struct dataset_array_kind *kind = &dataset_arrays[array];
  struct store_file *file = &dataset->file;
  char path[32];
  int64_t extent[STORE_RANK_MAX], chunk[STORE_RANK_MAX];
  const int rank = dataset_extent(dataset, split, array, extent);
  dataset_path(split, array, path);
  if (array == ARRAY_FRAMES) {
    choose_chunk(extent, chunk);
    TRY(store_dataset_compressed(file, path, kind->type, rank, extent, chunk, kind->unit, kind->help));
  } else {
    TRY(store_dataset(file, path, kind->type, rank, extent, kind->unit, kind->help));
  }
  for (int i = 0; i < rank; ++i)
    if (scale[kind->axis[i]]) TRY(store_attach(file, path, i, scale[kind->axis[i]]));
  return STATUS_OK;
}

static enum status create_times(struct dataset *dataset) {
  struct store_file *file = &dataset->file;
  double *time = malloc((size_t)dataset->frames * sizeof *time);
  enum status status = time ? STATUS_OK : status_raise(STATUS_MEMORY, "%s: no memory for the times", file->path);
  status = comm_agree(file->comm, status);
  if (status == STATUS_OK) {
    for (int64_t f = 0; f < dataset->frames; ++f) time[f] = (double)f * dataset->dt;
    status = store_scale(file, "/time", dataset->frames, time, "s", "time of each frame");
  }
  free(time);
  return status;
}

static enum status create_coordinates(struct dataset *dataset, const struct dataset_shape *shape) {
  char units[256] = "";
  for (int64_t c = 0; c < dataset->coordinates; ++c) {
    size_t used = strlen(units);
    snprintf(units + used, sizeof units - used, "%s%s", c ? ", " : "", shape->coordinate_units[c]);
  }
  return store_texts(&dataset->file, "/coordinate", dataset->coordinates, shape->coordinate_names, units,
                     dataset->has_points ? "coordinates of a point"
                                         : "phase-space coordinates: positions q, then momenta p; one unit each");
}

static enum status create_parameters(struct dataset *dataset, const struct dataset_shape *shape) {
  struct store_file *file = &dataset->file;
  char path[STORE_PATH_MAX];
  TRY(store_group(file, "/parameters"));
  for (int i = 0; i < shape->parameter_count; ++i) {
    snprintf(path, sizeof path, "/parameters/%s", shape->parameters[i].name);
    TRY(store_dataset(file, path, STORE_F64, 0, NULL, shape->parameters[i].unit, NULL));
  }
  return dataset_write_parameters(dataset, shape->parameters, shape->parameter_count);
}

static enum status create_ladder(struct dataset *dataset, const struct dataset_shape *shape) {
  const int64_t pair = 2;
  char path[STORE_PATH_MAX];
  TRY(store_group(&dataset->file, "/ladder"));
  for (int i = 0; i < shape->rung_count; ++i) {
    snprintf(path, sizeof path, "/ladder/%s", shape->rung_names[i]);
    TRY(store_dataset(&dataset->file, path, STORE_F64, 1, &pair, "1",
                      "mean squared error of pixels, its standard error"));
  }
  return STATUS_OK;
}

static enum status create_checksums(struct dataset *dataset) {
  struct store_file *file = &dataset->file;
  char label[32], path[STORE_PATH_MAX], sums_path[48];
  for (unsigned i = 0; i < SPLIT_COUNT * ARRAY_COUNT; ++i) {
    if (!dataset_has(dataset, i / ARRAY_COUNT, i % ARRAY_COUNT)) continue;
    dataset_label(i / ARRAY_COUNT, i % ARRAY_COUNT, label);
    snprintf(path, sizeof path, "/checksum/%s", label);
    TRY(store_text(file, path, NULL, CHECKSUM_TEXT - 1));
    if (i % ARRAY_COUNT >= ARRAY_SUMMED) continue;
    const int64_t sums[2] = {dataset->rollouts[i / ARRAY_COUNT], 2};
    dataset_sums_path(i / ARRAY_COUNT, i % ARRAY_COUNT, sums_path);
    TRY(store_dataset(file, sums_path, STORE_I64, 2, sums, NULL,
                      dataset->has_points ? "checksum of each point; they add up to the whole's"
                                          : "checksum of each rollout; they add up to the whole's"));
  }
  return store_text(file, "/checksum/content", NULL, CHECKSUM_TEXT - 1);
}

static enum status create_structure(struct dataset *dataset, const struct config *config,
                                    const struct dataset_shape *shape) {
  struct store_file *file = &dataset->file;
  TRY(store_attribute_text(file, "format", DATASET_FORMAT));
  TRY(store_attribute_i64(file, "schema_version", DATASET_VERSION));
  char *text = NULL;
  enum status status = comm_agree(file->comm, config_text(config, &text));
  if (status == STATUS_OK) status = store_text(file, "/config", text, 0);
  free(text);
  TRY(status);
  if (dataset->has_states) TRY(create_times(dataset));
  TRY(create_coordinates(dataset, shape));
  for (unsigned i = 0; i < SPLIT_COUNT * ARRAY_COUNT; ++i)
    if (dataset_has(dataset, i / ARRAY_COUNT, i % ARRAY_COUNT))
      TRY(create_array(dataset, i / ARRAY_COUNT, i % ARRAY_COUNT));
  TRY(create_parameters(dataset, shape));
  if (dataset->has_states) TRY(create_ladder(dataset, shape));
  TRY(create_checksums(dataset));
  TRY(provenance_write(file));
  return store_seal(file);
}

enum status dataset_create(const struct comm *comm, const char *path, const struct config *config,
                           const struct dataset_shape *shape, struct dataset *dataset) {
  const struct experiment *experiment = config_experiment(config);
  *dataset = (struct dataset){.has_frames = shape->with_frames};
  dataset_describe(dataset, config);
  REQUIRE(!dataset->has_points || (shape->coordinates == dataset->coordinates && !shape->with_frames), STATUS_ARGUMENT,
          "%s: points of %lld coordinates, where the configuration says %lld", path, (long long)shape->coordinates,
          (long long)dataset->coordinates);
  dataset->coordinates = shape->coordinates;
  dataset_divide(dataset, experiment->data.train, experiment->data.test, experiment_validation(&experiment->data));
  const struct store_place place = {.replaces = DATASET_FORMAT};
  TRY(store_create_at(comm, path, &place, &dataset->file));
  enum status status = create_structure(dataset, config, shape);
  if (status != STATUS_OK) dataset_close(dataset);
  return status;
}

/* ---- writing ---- */

/* A checksum for each rollout, and their sum for the whole. */
static enum status put_sums(struct dataset *dataset, enum split split, enum dataset_array array, int64_t first,
                            int64_t count, const double *values) {
  const size_t each = dataset_bytes(dataset, array) / sizeof *values;
  char path[48];
  struct checksum *sums = calloc((size_t)count + 1, sizeof *sums);
  REQUIRE(sums, STATUS_MEMORY, "%s: no memory for checksums", dataset->file.path);
  dataset_sums_path(split, array, path);
  for (int64_t i = 0; i < count; ++i) {
    dataset_add(dataset, split, array, first + i, 1, values + (size_t)i * each, &sums[i]);
    checksum_merge(&dataset->sum[split][array], &sums[i]);
  }
  enum status status = store_write_independent(&dataset->file, path, first, count, sums);
  free(sums);
  return status;
}

static enum status put_array(struct dataset *dataset, enum split split, enum dataset_array array, int64_t first,
                             int64_t count, const double *values) {
  char path[32];
  dataset_path(split, array, path);
  REQUIRE(dataset_has(dataset, split, array), STATUS_ARGUMENT, "%s: was created without %s", dataset->file.path,
          dataset_arrays[array].plural);
  size_t each = dataset_bytes(dataset, array) / sizeof(double), all = (size_t)count * each;
  for (size_t i = 0; i < all; ++i)
    REQUIRE(isfinite(values[i]), STATUS_NUMERIC, "%s: %s: %s %lld is not finite", dataset->file.path, path,
            dataset_item(dataset), (long long)first + (long long)(i / each));
  TRY(store_write_independent(&dataset->file, path, first, count, values));
  TRY(put_sums(dataset, split, array, first, count, values));
  dataset->written[split][array] += count;
  return STATUS_OK;
}

enum status dataset_write(struct dataset *dataset, enum split split, int64_t first, int64_t count, const double *states,
                          const double *energy) {
  TRY(dataset_check_range(dataset, split, dataset->rollouts[split], first, count));
  TRY(put_array(dataset, split, ARRAY_STATE, first, count, states));
  return put_array(dataset, split, ARRAY_ENERGY, first, count, energy);
}

enum status dataset_write_points(struct dataset *dataset, enum split split, int64_t first, int64_t count,
                                 const double *points, const double *log_density) {
  TRY(dataset_check_range(dataset, split, dataset->rollouts[split], first, count));
  TRY(put_array(dataset, split, ARRAY_POINTS, first, count, points));
  return put_array(dataset, split, ARRAY_LOG_DENSITY, first, count, log_density);
}

enum status dataset_write_frames(struct dataset *dataset, enum split split, int64_t first, int64_t count,
                                 const unsigned char *frames) {
  char path[32];
  dataset_path(split, ARRAY_FRAMES, path);
  enum status status = dataset_check_range(dataset, split, dataset->rollouts[split], first, count);
  if (status == STATUS_OK && !dataset->has_frames)
    status = status_raise(STATUS_ARGUMENT, "%s: was created without frames", dataset->file.path);
  TRY(comm_agree(dataset->file.comm, status));
  TRY(store_write(&dataset->file, path, first, count, frames));
  dataset_add(dataset, split, ARRAY_FRAMES, first, count, frames, &dataset->sum[split][ARRAY_FRAMES]);
  dataset->written[split][ARRAY_FRAMES] += count;
  return STATUS_OK;
}

enum status dataset_write_parameters(struct dataset *dataset, const struct dataset_parameter *parameters, int count) {
  struct store_file *file = &dataset->file;
  for (int i = 0; i < count; ++i) {
    char path[STORE_PATH_MAX];
    snprintf(path, sizeof path, "/parameters/%s", parameters[i].name);
    TRY(store_write(file, path, 0, file->comm->rank == 0, &parameters[i].value));
  }
  return STATUS_OK;
}

enum status dataset_write_ladder(struct dataset *dataset, const struct dataset_rung *rungs, int count) {
  struct store_file *file = &dataset->file;
  for (int i = 0; i < count; ++i) {
    char path[STORE_PATH_MAX];
    double pair[2] = {rungs[i].mse, rungs[i].error};
    snprintf(path, sizeof path, "/ladder/%s", rungs[i].name);
    TRY(store_write(file, path, 0, file->comm->rank == 0 ? 2 : 0, pair));
  }
  return STATUS_OK;
}

/* ---- the end ---- */

/* Collective. Every rollout once, by whichever rank. */
static enum status check_complete(const struct dataset *dataset) {
  const char *of = dataset->has_points ? "" : "rollouts' ";
  int64_t written[SPLIT_COUNT][ARRAY_COUNT];
  memcpy(written, dataset->written, sizeof written);
  TRY(reduce_sum(dataset->file.comm, &written[0][0], SPLIT_COUNT * ARRAY_COUNT));
  for (unsigned i = 0; i < SPLIT_COUNT * ARRAY_COUNT; ++i) {
    const enum split split = i / ARRAY_COUNT;
    const enum dataset_array array = i % ARRAY_COUNT;
    if (!dataset_has(dataset, split, array)) continue;
    REQUIRE(written[split][array] == dataset->rollouts[split], STATUS_ARGUMENT,
            "%s: %s: %lld of %lld %s%s were written", dataset->file.path, split_name[split],
            (long long)written[split][array], (long long)dataset->rollouts[split], of, dataset_arrays[array].plural);
  }
  return STATUS_OK;
}

static enum status write_checksums(struct dataset *dataset) {
  struct store_file *file = &dataset->file;
  char text[CHECKSUM_TEXT], label[32], path[STORE_PATH_MAX];
  TRY(reduce_checksum(file->comm, &dataset->sum[0][0], SPLIT_COUNT * ARRAY_COUNT));
  for (unsigned i = 0; i < SPLIT_COUNT * ARRAY_COUNT; ++i) {
    if (!dataset_has(dataset, i / ARRAY_COUNT, i % ARRAY_COUNT)) continue;
    dataset_label(i / ARRAY_COUNT, i % ARRAY_COUNT, label);
    snprintf(path, sizeof path, "/checksum/%s", label);
    checksum_text(&dataset->sum[i / ARRAY_COUNT][i % ARRAY_COUNT], text);
    TRY(store_write_text(file, path, text));
  }
  struct checksum content = {{0, 0}};
  enum status status = file->comm->rank == 0
                           ? dataset_content(dataset, (const struct checksum(*)[ARRAY_COUNT])dataset->sum, &content)
                           : STATUS_OK;
  TRY(comm_agree(file->comm, status));
  checksum_text(&content, text);
  return store_write_text(file, "/checksum/content", text);
}

enum status dataset_commit(struct dataset *dataset) {
  enum status status = check_complete(dataset);
  if (status == STATUS_OK) status = write_checksums(dataset);
  if (status == STATUS_OK) status = store_commit(&dataset->file);
  dataset_close(dataset);
  return status;
}

void dataset_close(struct dataset *dataset) {
  store_close(&dataset->file);
  config_destroy(&dataset->config);
  for (unsigned i = 0; i < SPLIT_COUNT * ARRAY_SUMMED; ++i)
    free(dataset->rollout_sum[i / ARRAY_SUMMED][i % ARRAY_SUMMED]);
  *dataset = (struct dataset){.frames = 0};
}
