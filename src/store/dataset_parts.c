/* What a data set is made of: the one table of its arrays, and what follows from it. */
#include "store/dataset_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { VALIDATION_PART = 20 };

const char *const split_name[SPLIT_COUNT] = {"train", "test", "validation"};

const struct dataset_array_kind dataset_arrays[ARRAY_COUNT] = {
    [ARRAY_STATE] = {"state",
                     "states",
                     STORE_F64,
                     3,
                     {AXIS_ROLLOUT, AXIS_FRAME, AXIS_COORDINATE},
                     NULL,
                     "clean phase-space states, [rollout][frame][coordinate]; units: see the coordinates"},
    [ARRAY_ENERGY] = {"energy",
                      "energies",
                      STORE_F64,
                      2,
                      {AXIS_ROLLOUT, AXIS_FRAME},
                      "J",
                      "energy of the clean states, [rollout][frame]"},
    [ARRAY_POINTS] = {"points",
                      "points",
                      STORE_F64,
                      2,
                      {AXIS_ROLLOUT, AXIS_COORDINATE},
                      "1",
                      "points of the density, [point][coordinate]"},
    [ARRAY_LOG_DENSITY] = {"log_density",
                           "log densities",
                           STORE_F64,
                           1,
                           {AXIS_ROLLOUT},
                           "nat",
                           "log of the density that the points are drawn from, normalised, [point]"},
    [ARRAY_FRAMES] = {"frames",
                      "frames",
                      STORE_U8,
                      5,
                      {AXIS_ROLLOUT, AXIS_FRAME, AXIS_ROW, AXIS_COLUMN, AXIS_CHANNEL},
                      "1/255",
                      "observed frames, [rollout][frame][row][column][channel]"},
};

void dataset_path(enum split split, enum dataset_array array, char path[32]) {
  snprintf(path, 32, "/%s/%s", split_name[split], dataset_arrays[array].name);
}

void dataset_label(enum split split, enum dataset_array array, char label[32]) {
  snprintf(label, 32, "%s_%s", split_name[split], dataset_arrays[array].name);
}

void dataset_sums_path(enum split split, enum dataset_array array, char path[48]) {
  snprintf(path, 48, "/checksum/rollouts/%s_%s", split_name[split], dataset_arrays[array].name);
}

const char *dataset_item(const struct dataset *dataset) { return dataset->has_points ? "point" : "rollout"; }

bool dataset_has(const struct dataset *dataset, enum split split, enum dataset_array array) {
  const bool has[ARRAY_COUNT] = {[ARRAY_STATE] = dataset->has_states,
                                 [ARRAY_ENERGY] = dataset->has_states,
                                 [ARRAY_POINTS] = dataset->has_points,
                                 [ARRAY_LOG_DENSITY] = dataset->has_densities,
                                 [ARRAY_FRAMES] = dataset->has_frames};
  return has[array] && !(split == SPLIT_VALIDATION && dataset->validation_from_train);
}

void dataset_describe(struct dataset *dataset, const struct config *config) {
  const struct experiment *experiment = config_experiment(config);
  dataset->has_points = dataset->has_densities = config_use(config) == SCHEMA_POINTS;
  dataset->has_states = !dataset->has_points;
  if (dataset->has_points) {
    dataset->frames = 1;
    dataset->coordinates = experiment_dimension(&experiment->density);
    dataset->dt = NAN;
    return;
  }
  dataset->frames = experiment->data.frames;
  dataset->dt = experiment->data.dt;
  dataset->height = experiment->render.height;
  dataset->width = experiment->render.width;
  dataset->channels = experiment->render.color == COLOR_GREY ? 1 : 3;
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

int dataset_extent(const struct dataset *dataset, enum split split, enum dataset_array array,
                   int64_t extent[STORE_RANK_MAX]) {
  const struct dataset_array_kind *kind = &dataset_arrays[array];
  const int64_t along[AXIS_COUNT] = {[AXIS_ROLLOUT] = dataset_stored(dataset, split),
                                     [AXIS_FRAME] = dataset->frames,
                                     [AXIS_COORDINATE] = dataset->coordinates,
                                     [AXIS_ROW] = dataset->height,
                                     [AXIS_COLUMN] = dataset->width,
                                     [AXIS_CHANNEL] = dataset->channels};
  for (int i = 0; i < kind->rank; ++i) extent[i] = along[kind->axis[i]];
  return kind->rank;
}

size_t dataset_bytes(const struct dataset *dataset, enum dataset_array array) {
  int64_t extent[STORE_RANK_MAX];
  const int rank = dataset_extent(dataset, SPLIT_TRAIN, array, extent);
  size_t bytes = dataset_arrays[array].type == STORE_U8 ? 1 : sizeof(double);
  for (int i = 1; i < rank; ++i) bytes *= (size_t)extent[i];
  return bytes;
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

enum status dataset_check_range(const struct dataset *dataset, enum split split, int64_t rollouts, int64_t first,
                                int64_t count) {
  REQUIRE(first >= 0 && count >= 0 && first <= rollouts && count <= rollouts - first, STATUS_ARGUMENT,
          "%s: %s: %ss %lld to %lld of %lld", dataset->file.path, split_name[split], dataset_item(dataset),
          (long long)first, (long long)(first + count), (long long)rollouts);
  return STATUS_OK;
}
