#include "store/dataset.h"

#include "comm/reduce.h"
#include "store/dataset_parts.h"
#include "store/provenance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 1 << 22, VALIDATION_PART = 20 };

const char *const split_name[SPLIT_COUNT] = {"train", "test", "validation"};
const char *const dataset_array_name[ARRAY_COUNT] = {"state", "energy", "frames"};

/* ---- parts that reading shares ---- */

void dataset_path(enum split split, enum dataset_array array, char path[32]) {
  snprintf(path, 32, "/%s/%s", split_name[split], dataset_array_name[array]);
}

void dataset_label(enum split split, enum dataset_array array, char label[32]) {
  snprintf(label, 32, "%s_%s", split_name[split], dataset_array_name[array]);
}

bool dataset_has(const struct dataset *dataset, enum split split, enum dataset_array array) {
  if (split == SPLIT_VALIDATION && dataset->validation_from_train) return false;
  return array == ARRAY_FRAMES ? dataset->has_frames : dataset->has_states;
}

void dataset_divide(struct dataset *dataset, int64_t train, int64_t test, int64_t validation) {
  const bool none = validation == 0;
  if (none && train > 1) validation = train < 2 * VALIDATION_PART ? 1 : train / VALIDATION_PART;
  dataset->validation_from_train = none;
  dataset->rollouts[SPLIT_TRAIN] = none ? train - validation : train;
  dataset->rollouts[SPLIT_TEST] = test;
  dataset->rollouts[SPLIT_VALIDATION] = validation;
}

int64_t dataset_stored(const struct dataset *dataset, enum split split) {
  const int64_t *rollouts = dataset->rollouts;
  if (!dataset->validation_from_train || split == SPLIT_TEST) return rollouts[split];
  return split == SPLIT_TRAIN ? rollouts[SPLIT_TRAIN] + rollouts[SPLIT_VALIDATION] : 0;
}

struct dataset_place dataset_place(const struct dataset *dataset, enum split split, int64_t rollout) {
  if (split == SPLIT_VALIDATION && dataset->validation_from_train)
    return (struct dataset_place){SPLIT_TRAIN, dataset->rollouts[SPLIT_TRAIN] + rollout};
  return (struct dataset_place){split, rollout};
}

size_t dataset_bytes(const struct dataset *dataset, enum dataset_array array) {
  size_t frames = (size_t)dataset->frames;
  switch (array) {
  case ARRAY_STATE:
    return frames * (size_t)dataset->coordinates * sizeof(double);
  case ARRAY_ENERGY:
    return frames * sizeof(double);
  case ARRAY_FRAMES:
    return frames * (size_t)(dataset->height * dataset->width * dataset->channels);
  case ARRAY_COUNT:
    break;
  }
  return 0;
}

void dataset_add(const struct dataset *dataset, enum split split, enum dataset_array array, int64_t first,
                 int64_t count, const void *data, struct checksum *sum) {
  char label[32];
  dataset_label(split, array, label);
  uint64_t tag = checksum_tag(label);
  size_t bytes = dataset_bytes(dataset, array), step = (bytes + 7) / 8 * 8;
  if (step == bytes) {
    checksum_add(sum, tag, (uint64_t)first * bytes, data, (size_t)count * bytes);
    return;
  }
  for (int64_t i = 0; i < count; ++i)
    checksum_add(sum, tag, (uint64_t)(first + i) * step, (const char *)data + (size_t)i * bytes, bytes);
}

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

static enum status create_split(struct dataset *dataset, enum split split) {
  struct store_file *file = &dataset->file;
  char path[32];
  int64_t extent[3] = {dataset->rollouts[split], dataset->frames, dataset->coordinates};
  dataset_path(split, ARRAY_STATE, path);
  TRY(store_dataset(file, path, STORE_F64, 3, extent, NULL,
                    "clean phase-space states, [rollout][frame][coordinate]; units: see the coordinates"));
  TRY(store_attach(file, path, 1, "/time"));
  TRY(store_attach(file, path, 2, "/coordinate"));
  dataset_path(split, ARRAY_ENERGY, path);
  TRY(store_dataset(file, path, STORE_F64, 2, extent, "J", "energy of the clean states, [rollout][frame]"));
  TRY(store_attach(file, path, 1, "/time"));
  if (!dataset->has_frames) return STATUS_OK;
  int64_t image[5] = {extent[0], extent[1], dataset->height, dataset->width, dataset->channels}, chunk[5];
  choose_chunk(image, chunk);
  dataset_path(split, ARRAY_FRAMES, path);
  TRY(store_dataset_compressed(file, path, STORE_U8, 5, image, chunk, "1/255",
                               "observed frames, [rollout][frame][row][column][channel]"));
  return store_attach(file, path, 1, "/time");
}

static enum status create_scales(struct dataset *dataset, const struct dataset_shape *shape) {
  struct store_file *file = &dataset->file;
  double *time = malloc((size_t)dataset->frames * sizeof *time);
  enum status status = time ? STATUS_OK : status_raise(STATUS_MEMORY, "%s: no memory for the times", file->path);
  status = comm_agree(file->comm, status);
  if (status == STATUS_OK) {
    for (int64_t f = 0; f < dataset->frames; ++f) time[f] = (double)f * dataset->dt;
    status = store_scale(file, "/time", dataset->frames, time, "s", "time of each frame");
  }
  free(time);
  TRY(status);
  char units[256] = "";
  for (int64_t c = 0; c < dataset->coordinates; ++c) {
    size_t used = strlen(units);
    snprintf(units + used, sizeof units - used, "%s%s", c ? ", " : "", shape->coordinate_units[c]);
  }
  return store_texts(file, "/coordinate", dataset->coordinates, shape->coordinate_names, units,
                     "phase-space coordinates: positions q, then momenta p; one unit each");
}

static enum status create_numbers(struct dataset *dataset, const struct dataset_shape *shape) {
  struct store_file *file = &dataset->file;
  const int64_t pair = 2;
  char path[STORE_PATH_MAX];
  TRY(store_group(file, "/parameters"));
  for (int i = 0; i < shape->parameter_count; ++i) {
    const struct dataset_parameter *parameter = &shape->parameters[i];
    snprintf(path, sizeof path, "/parameters/%s", parameter->name);
    TRY(store_dataset(file, path, STORE_F64, 0, NULL, parameter->unit, NULL));
    TRY(store_write(file, path, 0, file->comm->rank == 0, &parameter->value));
  }
  TRY(store_group(file, "/ladder"));
  for (int i = 0; i < shape->rung_count; ++i) {
    snprintf(path, sizeof path, "/ladder/%s", shape->rung_names[i]);
    TRY(store_dataset(file, path, STORE_F64, 1, &pair, "1", "mean squared error of pixels, its standard error"));
  }
  for (unsigned i = 0; i < SPLIT_COUNT * ARRAY_COUNT; ++i) {
    char label[32];
    if (!dataset_has(dataset, i / ARRAY_COUNT, i % ARRAY_COUNT)) continue;
    dataset_label(i / ARRAY_COUNT, i % ARRAY_COUNT, label);
    snprintf(path, sizeof path, "/checksum/%s", label);
    TRY(store_text(file, path, NULL, CHECKSUM_TEXT - 1));
    if (i % ARRAY_COUNT >= ARRAY_SUMMED) continue;
    const int64_t sums[2] = {dataset->rollouts[i / ARRAY_COUNT], 2};
    char sums_path[48];
    dataset_sums_path(i / ARRAY_COUNT, i % ARRAY_COUNT, sums_path);
    TRY(store_dataset(file, sums_path, STORE_I64, 2, sums, NULL,
                      "checksum of each rollout; they add up to the whole's"));
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
  TRY(create_scales(dataset, shape));
  for (unsigned split = 0; split < SPLIT_COUNT; ++split) TRY(create_split(dataset, split));
  TRY(create_numbers(dataset, shape));
  TRY(provenance_write(file));
  return store_seal(file);
}

enum status dataset_create(const struct comm *comm, const char *path, const struct config *config,
                           const struct dataset_shape *shape, struct dataset *dataset) {
  const struct experiment *experiment = config_experiment(config);
  *dataset = (struct dataset){
      .has_states = true,
      .has_frames = shape->with_frames,
      .frames = experiment->data.frames,
      .coordinates = shape->coordinates,
      .height = experiment->render.height,
      .width = experiment->render.width,
      .channels = experiment->render.color == COLOR_GREY ? 1 : 3,
      .dt = experiment->data.dt,
  };
  dataset_divide(dataset, experiment->data.train, experiment->data.test, experiment_validation(&experiment->data));
  const struct store_place place = {.replaces = DATASET_FORMAT};
  TRY(store_create_at(comm, path, &place, &dataset->file));
  enum status status = create_structure(dataset, config, shape);
  if (status != STATUS_OK) dataset_close(dataset);
  return status;
}

/* ---- writing ---- */

static enum status check_range(const struct dataset *dataset, enum split split, int64_t first, int64_t count) {
  int64_t rollouts = dataset->rollouts[split];
  REQUIRE(first >= 0 && count >= 0 && first <= rollouts && count <= rollouts - first, STATUS_ARGUMENT,
          "%s: %s: rollouts %lld to %lld of %lld", dataset->file.path, split_name[split], (long long)first,
          (long long)(first + count), (long long)rollouts);
  return STATUS_OK;
}

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
  size_t each = dataset_bytes(dataset, array) / sizeof(double), all = (size_t)count * each;
  for (size_t i = 0; i < all; ++i)
    REQUIRE(isfinite(values[i]), STATUS_NUMERIC, "%s: %s: rollout %lld is not finite", dataset->file.path, path,
            (long long)first + (long long)(i / each));
  TRY(store_write_independent(&dataset->file, path, first, count, values));
  return put_sums(dataset, split, array, first, count, values);
}

enum status dataset_write(struct dataset *dataset, enum split split, int64_t first, int64_t count, const double *states,
                          const double *energy) {
  TRY(check_range(dataset, split, first, count));
  TRY(put_array(dataset, split, ARRAY_STATE, first, count, states));
  TRY(put_array(dataset, split, ARRAY_ENERGY, first, count, energy));
  dataset->written[split][0] += count;
  return STATUS_OK;
}

enum status dataset_write_frames(struct dataset *dataset, enum split split, int64_t first, int64_t count,
                                 const unsigned char *frames) {
  char path[32];
  dataset_path(split, ARRAY_FRAMES, path);
  enum status status = check_range(dataset, split, first, count);
  if (status == STATUS_OK && !dataset->has_frames)
    status = status_raise(STATUS_ARGUMENT, "%s: was created without frames", dataset->file.path);
  TRY(comm_agree(dataset->file.comm, status));
  TRY(store_write(&dataset->file, path, first, count, frames));
  dataset_add(dataset, split, ARRAY_FRAMES, first, count, frames, &dataset->sum[split][ARRAY_FRAMES]);
  dataset->written[split][1] += count;
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
  int64_t written[SPLIT_COUNT * 2];
  memcpy(written, dataset->written, sizeof written);
  TRY(reduce_sum(dataset->file.comm, written, SPLIT_COUNT * 2));
  for (int i = 0; i < SPLIT_COUNT * 2; ++i) {
    if (i % 2 == 1 && !dataset->has_frames) continue;
    REQUIRE(written[i] == dataset->rollouts[i / 2], STATUS_ARGUMENT, "%s: %s: %lld of %lld rollouts' %s were written",
            dataset->file.path, split_name[i / 2], (long long)written[i], (long long)dataset->rollouts[i / 2],
            i % 2 ? "frames" : "states");
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
  for (unsigned i = 0; i < SPLIT_COUNT * 2; ++i) free(dataset->rollout_sum[i / 2][i % 2]);
  *dataset = (struct dataset){.frames = 0};
}
