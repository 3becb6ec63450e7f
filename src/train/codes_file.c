#include "train/codes_file.h"

#include "store/provenance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Arrays and numbers of /codes (codes.h). */
enum { ARRAY_MEAN, ARRAY_SCALE, ARRAY_VARIANCE, ARRAY_AXIS, ARRAY_VOLUME, ARRAYS };
enum { NUMBER_LEADING, NUMBER_STEP, NUMBER_DRAWS, NUMBERS };

static const char *const array_name[ARRAYS] = {"/codes/mean", "/codes/scale", "/codes/variance", "/codes/axis",
                                               "/codes/log_volume"};
static const char *const array_help[ARRAYS] = {
    "mean of the training rollouts' codes", "what they are divided by: of a model that samples, the posterior's width",
    "variances of the components of (z - mean) / scale", "the components, [component][number]",
    "log p(z) is log p of the whitened code less this"};
static const char *const number_name[NUMBERS] = {"/codes/leading", "/codes/step", "/codes/draws"};
static const char *const number_help[NUMBERS] = {
    "components that the points have", "steps that the model was trained for", "codes of each training rollout"};

static double *array_of(const struct codes_about *about, int array, double *volume) {
  const struct whitening *whitening = &about->whitening;
  double *const arrays[ARRAYS] = {whitening->mean, whitening->scale, whitening->variance, whitening->axis, volume};
  return arrays[array];
}

static int64_t array_values(int64_t size, int array) {
  return array == ARRAY_VOLUME ? 1 : array == ARRAY_AXIS ? size * size : size;
}

static void sum_about(const struct codes_about *about, char text[CHECKSUM_TEXT]) {
  const int64_t numbers[NUMBERS] = {about->whitening.leading, about->step, about->draws};
  double volume = about->whitening.log_volume;
  struct checksum sum = {{0, 0}};
  for (int i = 0; i < ARRAYS; i++)
    checksum_add(&sum, checksum_tag(array_name[i]), 0, array_of(about, i, &volume),
                 (size_t)array_values(about->whitening.size, i) * sizeof(double));
  for (int i = 0; i < NUMBERS; i++) checksum_add(&sum, checksum_tag(number_name[i]), 0, &numbers[i], sizeof numbers[i]);
  checksum_add(&sum, checksum_tag("/codes/model"), 0, about->model, strlen(about->model));
  checksum_text(&sum, text);
}

/* ---- Writing ---- */

static enum status make_points(struct store_file *store, const struct dataset *data, const struct codes_about *about) {
  for (int split = 0; split < SPLIT_COUNT; split++) {
    char name[32];
    const int64_t extent[] = {data->rollouts[split] * (split == SPLIT_TRAIN ? about->draws : 1),
                              about->whitening.leading};
    snprintf(name, sizeof name, "/%s/points", split_name[split]);
    TRY(store_dataset(store, name, STORE_F64, 2, extent, NULL, "leading components of whitened codes"));
  }
  return STATUS_OK;
}

static enum status make_about(struct store_file *store, const struct codes_about *about) {
  const int64_t size = about->whitening.size, square[] = {size, size}, one = 1;
  char sum[CHECKSUM_TEXT];
  for (int i = 0; i < ARRAYS; i++)
    TRY(store_dataset(store, array_name[i], STORE_F64, i == ARRAY_AXIS ? 2 : 1, i == ARRAY_VOLUME ? &one : square,
                      i == ARRAY_VOLUME ? "nat" : NULL, array_help[i]));
  for (int i = 0; i < NUMBERS; i++) TRY(store_dataset(store, number_name[i], STORE_I64, 1, &one, NULL, number_help[i]));
  sum_about(about, sum);
  TRY(store_text(store, "/codes/model", about->model, 0));
  return store_text(store, "/codes/checksum", sum, 0);
}

/* Root only. */
static enum status write_about(struct store_file *store, const struct codes_about *about) {
  const int64_t size = about->whitening.size;
  const int64_t numbers[NUMBERS] = {about->whitening.leading, about->step, about->draws};
  double volume = about->whitening.log_volume;
  for (int i = 0; i < ARRAYS; i++)
    TRY(store_write_independent(store, array_name[i], 0, i == ARRAY_VOLUME ? 1 : size, array_of(about, i, &volume)));
  for (int i = 0; i < NUMBERS; i++) TRY(store_write_independent(store, number_name[i], 0, 1, &numbers[i]));
  return STATUS_OK;
}

enum status codes_file_create(const struct comm *comm, const char *path, const struct trained *trained,
                              const struct dataset *data, const struct codes_about *about, struct codes_file *file) {
  const struct store_place place = {.replaces = DATASET_CODES_FORMAT};
  struct store_file *store = &file->store;
  *file = (struct codes_file){.about = about};
  TRY(store_create_at(comm, path, &place, store));
  TRY(store_attribute_text(store, "format", DATASET_CODES_FORMAT));
  TRY(store_attribute_i64(store, "schema_version", CODES_VERSION));
  TRY(store_text(store, "/run", trained->path, 0));
  TRY(store_text(store, "/data", data->file.path, 0));
  TRY(make_points(store, data, about));
  TRY(make_about(store, about));
  TRY(provenance_write(store));
  TRY(store_seal(store));
  return comm_agree(comm, comm->rank == 0 ? write_about(store, about) : STATUS_OK);
}

void codes_file_close(struct codes_file *file) { store_close(&file->store); }

enum status codes_file_write(struct codes_file *file, const struct codes *codes) {
  const struct whitening *whitening = &file->about->whitening;
  const int64_t rows = codes->count * codes->draws, leading = whitening->leading;
  struct arena arena = {.last = NULL};
  double *points = arena_array(&arena, rows * leading, sizeof *points);
  char name[32];
  snprintf(name, sizeof name, "/%s/points", split_name[codes->split]);
  enum status status = arena_check(&arena, "the points of a rank's codes");
  for (int64_t i = 0; i < rows && status == STATUS_OK; i++)
    whitening_apply(whitening, codes->z + i * codes->size, leading, points + i * leading);
  if (status == STATUS_OK && rows > 0)
    status = store_write_independent(&file->store, name, codes->first * codes->draws, rows, points);
  arena_free(&arena);
  return status;
}

/* ---- Reading ---- */

static enum status read_texts(const struct store_file *store, struct codes_about *about, char sum[CHECKSUM_TEXT]) {
  char *model = NULL, *found = NULL;
  enum status status = store_read_text(store, "/codes/model", &model);
  if (status == STATUS_OK) status = store_read_text(store, "/codes/checksum", &found);
  if (status == STATUS_OK) {
    snprintf(about->model, sizeof about->model, "%s", model);
    snprintf(sum, CHECKSUM_TEXT, "%s", found);
  }
  free(model);
  free(found);
  return status;
}

/* Not collective. */
static enum status read_about(const struct store_file *store, struct codes_about *about) {
  int64_t extent[STORE_RANK_MAX], numbers[NUMBERS];
  double volume = 0;
  int rank;
  enum store_type type;
  char sum[CHECKSUM_TEXT], said[CHECKSUM_TEXT];
  TRY(store_check_format(store, DATASET_CODES_FORMAT, CODES_VERSION));
  TRY(store_extent(store, "/codes/mean", &rank, extent, &type));
  REQUIRE(rank == 1 && extent[0] >= 1 && extent[0] <= WHITENING_SIZE_MAX, STATUS_FILE,
          "%s: /codes/mean has the wrong shape", store->path);
  TRY(whitening_create(extent[0], &about->whitening));
  for (int i = 0; i < NUMBERS; i++) TRY(store_read_values(store, number_name[i], STORE_I64, 1, &numbers[i]));
  for (int i = 0; i < ARRAYS; i++)
    TRY(store_read_values(store, array_name[i], STORE_F64, array_values(extent[0], i), array_of(about, i, &volume)));
  about->whitening.log_volume = volume;
  about->whitening.leading = numbers[NUMBER_LEADING];
  about->step = numbers[NUMBER_STEP];
  about->draws = numbers[NUMBER_DRAWS];
  TRY(read_texts(store, about, said));
  sum_about(about, sum);
  REQUIRE(strcmp(sum, said) == 0, STATUS_FILE,
          "%s: checksum mismatch: what it says of its axes is not what was written", store->path);
  REQUIRE(about->whitening.leading >= 1 && about->whitening.leading <= about->whitening.size, STATUS_FILE,
          "%s: its points have %lld components, of codes of %lld numbers", store->path,
          (long long)about->whitening.leading, (long long)about->whitening.size);
  return STATUS_OK;
}

enum status codes_describe(const struct comm *comm, const char *path, struct codes_about *about) {
  struct store_file store;
  *about = (struct codes_about){.step = 0};
  TRY(store_open(comm, path, &store));
  enum status status = comm_agree(comm, read_about(&store, about));
  store_close(&store);
  if (status != STATUS_OK) codes_about_free(about);
  return status;
}
