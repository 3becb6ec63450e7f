#include "physics/ladder.h"

#include "base/checksum.h"
#include "base/exact.h"
#include "base/finite.h"
#include "base/log.h"
#include "comm/reduce.h"
#include "physics/render.h"
#include "physics/rollout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *ladder_name(enum ladder_rung rung) {
  static const char *const names[] = {
#define LADDER_TEXT(name, text, help) [LADDER_##name] = text,
      LADDER_LIST(LADDER_TEXT)
#undef LADDER_TEXT
  };
  return (unsigned)rung < LADDER_COUNT ? names[rung] : NULL;
}

/* Over rollouts: the number of samples, their sum and the sum of their squares. */
struct moments {
  struct exact count, sum, square;
};
_Static_assert(sizeof(struct moments) == 3 * sizeof(struct exact), "accumulators of all rungs lie end to end");

struct work {
  const struct experiment *experiment;
  struct renderer renderer;
  size_t values, row; /* of an image; of a state */
  int64_t frames;
  float *seen, *fresh, *last, *mean; /* [values] */
  int64_t *sums;                     /* [values + 1]: of the training images, and how many they are */
  int64_t *blank;                    /* frames made elsewhere: [frames]: rollouts in which the frame is blank */
  struct moments moments[LADDER_COUNT];
};

static void close_work(struct work *work) {
  render_close(&work->renderer);
  free(work->seen);
  free(work->fresh);
  free(work->last);
  free(work->mean);
  free(work->sums);
  free(work->blank);
}

static enum status open_images(struct work *work, size_t values, int64_t frames) {
  work->values = values;
  work->frames = frames;
  work->mean = malloc(work->values * sizeof(float));
  work->sums = calloc(work->values + 1, sizeof *work->sums);
  for (int i = 0; i < LADDER_COUNT; i++) {
    exact_clear(&work->moments[i].count);
    exact_clear(&work->moments[i].sum);
    exact_clear(&work->moments[i].square);
  }
  REQUIRE(work->mean && work->sums, STATUS_MEMORY, "no memory to measure the ladder");
  return STATUS_OK;
}

static enum status open_work(const struct experiment *experiment, struct work *work) {
  TRY(render_open(experiment, &work->renderer));
  work->experiment = experiment;
  work->row = 2 * (size_t)work->renderer.system->freedom;
  TRY(open_images(work, work->renderer.values, experiment->data.frames));
  work->seen = malloc(work->values * sizeof(float));
  work->fresh = malloc(work->values * sizeof(float));
  work->last = malloc(work->values * sizeof(float));
  REQUIRE(work->seen && work->fresh && work->last, STATUS_MEMORY, "no memory to measure the ladder");
  return STATUS_OK;
}

static void observe(struct work *work, enum rng_purpose purpose, uint64_t rollout, int64_t frame, const double *state,
                    float *image) {
  double observed[SYSTEM_STATE_MAX];
  rollout_observe(work->experiment, purpose, rollout, frame, state, observed);
  render_f32(&work->renderer, observed, image);
}

/* --- mean image: pixels as multiples of 2^-32, so that their sums do not depend on the order ---------------------- */

static const int64_t image_frames_max = (int64_t)1 << 30; /* of values up to 2^32: the sum stays below 2^63 */

/* A double between 2^20 and 2^21 has 2^-32 as its last place: adding 1.5 * 2^20 rounds v to the nearest multiple (even
 * at ties) and leaves v 2^32 in the low bits of the pattern. The constant's own pattern is taken off once for all
 * images; until then the sums wrap, which unsigned arithmetic allows. */
static void add_image(const float *image, size_t values, uint64_t *sums) {
  for (size_t i = 0; i < values; i++) {
    double shifted = (double)image[i] + 0x1.8p20;
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    sums[i] += bits;
  }
}

static void take_shift_off(struct work *work, uint64_t images) {
  const double shift = 0x1.8p20;
  uint64_t bits, *sums = (uint64_t *)work->sums;
  memcpy(&bits, &shift, sizeof bits);
  for (size_t i = 0; i < work->values; i++) sums[i] -= images * bits;
  sums[work->values] = images;
}

/* Of a split with so many. */
static int64_t rollouts_used(const struct work *work, int64_t rollouts) {
  const int64_t most = image_frames_max / work->frames, stop = most < LADDER_MAX ? most : LADDER_MAX;
  return rollouts < stop ? rollouts : stop;
}

static void sum_training(struct work *work, const struct ladder_input *input) {
  const int64_t stop = rollouts_used(work, INT64_MAX);
  uint64_t *sums = (uint64_t *)work->sums, images = 0;
  for (int64_t i = 0; i < input->train_count && input->train_first + i < stop; i++) {
    const double *states = input->train + (size_t)i * (size_t)work->frames * work->row;
    for (int64_t f = 0; f < work->frames; f++, images++) {
      observe(work, RNG_NOISE, (uint64_t)(input->train_first + i), f, states + (size_t)f * work->row, work->seen);
      add_image(work->seen, work->values, sums);
    }
  }
  take_shift_off(work, images);
}

static void average_training(struct work *work) {
  double images = (double)work->sums[work->values];
  for (size_t i = 0; i < work->values; i++) work->mean[i] = (float)((double)work->sums[i] * 0x1p-32 / images);
}

/* --- test images ------------------------------------------------------------------------------------------------ */

enum { LANES = 8 };

/* Mean of (a - b)^2, in an order that is written down here: the same bits with vectors of any width. */
static double mean_square(const float *a, const float *b, size_t count) {
  double lane[LANES] = {0};
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (size_t k = 0; k < LANES; k++) {
      double d = (double)(a[i + k] - b[i + k]);
      lane[k] += d * d;
    }
  for (size_t k = 0; i < count; i++, k++) {
    double d = (double)(a[i] - b[i]);
    lane[k] += d * d;
  }
  return (((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]))) / (double)count;
}

static void add_sample(struct moments *moments, double sum, int64_t frames) {
  double sample = sum / (double)frames;
  exact_add(&moments->count, 1);
  exact_add(&moments->sum, sample);
  exact_add(&moments->square, sample * sample);
}

/* Two independent observations of a state differ by twice the variance: E (a - b)^2 = 2 Var a. */
static void measure_rollout(struct work *work, uint64_t rollout, const double *states) {
  double floor_sum = 0, mean_sum = 0, background_sum = 0, last_sum = 0;
  int64_t seen = work->experiment->ladder.input_frames, frames = work->frames;
  bool noisy = work->experiment->data.noise != 0, with_mean = work->sums[work->values] > 0;
  for (int64_t f = 0; f < frames; f++) {
    const double *state = states + (size_t)f * work->row;
    observe(work, RNG_NOISE, rollout, f, state, work->seen);
    if (noisy) {
      observe(work, RNG_NOISE_FRESH, rollout, f, state, work->fresh);
      floor_sum += mean_square(work->seen, work->fresh, work->values) / 2;
    }
    if (with_mean) mean_sum += mean_square(work->seen, work->mean, work->values);
    background_sum += mean_square(work->seen, work->renderer.background, work->values);
    if (f >= seen) last_sum += mean_square(work->seen, work->last, work->values);
    if (f == seen - 1) memcpy(work->last, work->seen, work->values * sizeof(float));
  }
  add_sample(&work->moments[LADDER_FLOOR], floor_sum, frames);
  if (with_mean) add_sample(&work->moments[LADDER_MEAN], mean_sum, frames);
  add_sample(&work->moments[LADDER_BACKGROUND], background_sum, frames);
  if (seen < frames) add_sample(&work->moments[LADDER_LAST], last_sum, frames - seen);
}

static void conclude(const struct moments *moments, double *mse, double *error) {
  double n = exact_value(&moments->count), sum = exact_value(&moments->sum), square = exact_value(&moments->square);
  *mse = n > 0 ? sum / n : (double)NAN;
  double variance = (square - sum * (sum / n)) / (n - 1);
  *error = n > 1 ? sqrt(finite_variance(variance) / n) : (double)NAN;
}

enum status ladder_measure(const struct comm *comm, const struct experiment *experiment,
                           const struct ladder_input *input, struct ladder *ladder) {
  struct work work = {.experiment = experiment};
  enum status status = comm_agree(comm, open_work(experiment, &work));
  if (status == STATUS_OK) {
    sum_training(&work, input);
    status = reduce_sum(comm, work.sums, (int64_t)work.values + 1);
  }
  if (status == STATUS_OK) {
    average_training(&work);
    for (int64_t i = 0; i < input->test_count; i++)
      measure_rollout(&work, ROLLOUT_TEST + (uint64_t)(input->test_first + i),
                      input->test + (size_t)i * (size_t)work.frames * work.row);
    status = reduce_exact(comm, &work.moments[0].count, 3 * LADDER_COUNT);
  }
  if (status == STATUS_OK)
    for (int i = 0; i < LADDER_COUNT; i++) conclude(&work.moments[i], &ladder->mse[i], &ladder->error[i]);
  close_work(&work);
  return status;
}

/* --- frames made elsewhere ---------------------------------------------------------------------------------------- */

/* This rank's share of an array of the file, one rollout at a time through frames[T][values]: training rollouts into
 * the sums, test rollouts against their mean. */
static enum status look_at_frames(struct work *work, const struct comm *comm, const struct dataset *data,
                                  enum split split, float *frames, struct checksum *sum) {
  struct progress progress;
  const uint64_t tag = checksum_tag(split_name[split]);
  const size_t bytes = (size_t)work->frames * work->values * sizeof *frames, room = (bytes + 7) / 8 * 8;
  int64_t first, count;
  comm_share(rollouts_used(work, dataset_stored(data, split)), comm->size, comm->rank, &first, &count);
  progress_begin(&progress, split_name[split], "rollouts", count);
  for (int64_t i = first; i < first + count; i++) {
    double mean_sum = 0;
    TRY(dataset_read_stored(data, (struct dataset_place){split, i}, 1, frames));
    checksum_add(sum, tag, (uint64_t)i * room, frames, bytes);
    for (int64_t f = 0; f < work->frames; f++) {
      const float *image = frames + (size_t)f * work->values;
      work->blank[f] += dataset_is_blank(data, split, image, work->values);
      if (split == SPLIT_TRAIN)
        add_image(image, work->values, (uint64_t *)work->sums);
      else if (split == SPLIT_TEST)
        mean_sum += mean_square(image, work->mean, work->values);
    }
    if (split == SPLIT_TEST) add_sample(&work->moments[LADDER_MEAN], mean_sum, work->frames);
    progress_update(&progress, i - first + 1);
  }
  if (progress.last > progress.started) progress_end(&progress, count); /* nothing is said of what is quick */
  if (split == SPLIT_TRAIN) take_shift_off(work, (uint64_t)(count * work->frames));
  return STATUS_OK;
}

/* Collective. A frame that is blank in every rollout was never written, where others were. */
static enum status check_blank(struct work *work, const struct comm *comm, const struct dataset *data,
                               enum split split) {
  TRY(reduce_sum(comm, work->blank, work->frames));
  for (int64_t f = 0; f < work->frames; f++)
    REQUIRE(
        work->blank[f] < rollouts_used(work, dataset_stored(data, split)), STATUS_FILE,
        "%s: /%s/frames: frame %lld was never written: in every rollout all its values are the fill value %g (if that "
        "is what it is, create the data set with another one)",
        data->file.path, split_name[split], (long long)f, (double)data->fill[split]);
  memset(work->blank, 0, (size_t)work->frames * sizeof *work->blank);
  return STATUS_OK;
}

/* By what the file holds, whichever of it is used for what: one without a validation split has the checksum and the
 * mean image that it had before there were any. */
static void sum_shape(const struct dataset *data, struct checksum *sum) {
  const int64_t shape[] = {dataset_stored(data, SPLIT_TRAIN),
                           dataset_stored(data, SPLIT_TEST),
                           data->frames,
                           data->height,
                           data->width,
                           data->channels},
                validation = dataset_stored(data, SPLIT_VALIDATION);
  const double dt = isnan(data->dt) ? 0 : data->dt;
  checksum_add(sum, checksum_tag("shape"), 0, shape, sizeof shape);
  checksum_add(sum, checksum_tag("time"), 0, &dt, sizeof dt);
  if (validation > 0) checksum_add(sum, checksum_tag("validation_shape"), 0, &validation, sizeof validation);
}

static enum status look_at_all(struct work *work, const struct comm *comm, const struct dataset *data, float *frames,
                               struct checksum *sum) {
  if (comm->rank == 0) sum_shape(data, sum);
  TRY(comm_agree(comm, look_at_frames(work, comm, data, SPLIT_TRAIN, frames, sum)));
  TRY(check_blank(work, comm, data, SPLIT_TRAIN));
  TRY(reduce_sum(comm, work->sums, (int64_t)work->values + 1));
  average_training(work);
  TRY(comm_agree(comm, look_at_frames(work, comm, data, SPLIT_TEST, frames, sum)));
  TRY(check_blank(work, comm, data, SPLIT_TEST));
  if (dataset_stored(data, SPLIT_VALIDATION) > 0) {
    TRY(comm_agree(comm, look_at_frames(work, comm, data, SPLIT_VALIDATION, frames, sum)));
    TRY(check_blank(work, comm, data, SPLIT_VALIDATION));
  }
  TRY(reduce_exact(comm, &work->moments[0].count, 3 * LADDER_COUNT));
  return reduce_checksum(comm, sum, 1);
}

enum status ladder_measure_frames(const struct comm *comm, const struct dataset *data, struct ladder *ladder,
                                  char checksum[CHECKSUM_TEXT]) {
  struct work work = {.experiment = NULL};
  struct checksum sum = {{0, 0}};
  enum status status = open_images(&work, (size_t)(data->height * data->width * data->channels), data->frames);
  float *frames = malloc((size_t)work.frames * work.values * sizeof *frames);
  work.blank = calloc((size_t)data->frames, sizeof *work.blank);
  if (status == STATUS_OK && (!frames || !work.blank))
    status = status_raise(STATUS_MEMORY, "no memory for a rollout of frames");
  status = comm_agree(comm, status);
  if (status == STATUS_OK) status = look_at_all(&work, comm, data, frames, &sum);
  if (status == STATUS_OK) {
    for (int i = 0; i < LADDER_COUNT; i++) conclude(&work.moments[i], &ladder->mse[i], &ladder->error[i]);
    checksum_text(&sum, checksum);
  }
  free(frames);
  close_work(&work);
  return status;
}
