#include "train/source.h"

#include "base/log.h"
#include "physics/rollout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lanes lanes_cut(int64_t batch, int64_t microbatch) {
  if (microbatch == 0) microbatch = batch >= 8 ? batch / 8 : 1;
  return (struct lanes){batch, microbatch, (batch + microbatch - 1) / microbatch};
}

int64_t lanes_size(const struct lanes *lanes, int64_t lane) {
  const int64_t left = lanes->batch - lane * lanes->microbatch;
  return left < lanes->microbatch ? left : lanes->microbatch;
}

int64_t lanes_even_below(const struct lanes *lanes, int64_t below) {
  int64_t ranks = below - 1;
  while (ranks > 0 && lanes->count % ranks != 0) ranks--;
  return ranks;
}

void lanes_even(const struct lanes *lanes, char text[LANES_TEXT_MAX]) {
  enum { TOLD = 8 };
  int64_t ranks[TOLD] = {lanes->count};
  int told = 0, used = 0;
  for (int64_t at = lanes->count; at > 0 && told < TOLD; at = lanes_even_below(lanes, at)) ranks[told++] = at;
  if (ranks[told - 1] > 1) used = snprintf(text, LANES_TEXT_MAX, "..., ");
  for (int i = told - 1; i >= 0; i--) {
    const char *between = i > 1 ? ", " : i == 1 ? " or " : "";
    used += snprintf(text + used, LANES_TEXT_MAX - (size_t)used, "%lld%s", (long long)ranks[i], between);
  }
}

void lanes_slice(const struct lanes *lanes, int64_t rollouts, int64_t lane, int64_t *first, int64_t *count) {
  const int64_t begin = lane * lanes->microbatch, end = begin + lanes_size(lanes, lane);
  *first = rollouts * begin / lanes->batch;
  *count = rollouts * end / lanes->batch - *first;
}

enum status source_check_validation(const struct dataset *data, bool tell) {
  const int64_t train = data->rollouts[SPLIT_TRAIN], validation = data->rollouts[SPLIT_VALIDATION];
  const char *item = dataset_item(data);
  REQUIRE(validation > 0, STATUS_CONFIG,
          "%s: has no validation split, and of %lld training %s none can be it: a training needs %ss to choose "
          "a model by. Make the data set again, or add /validation/%s",
          data->file.path, (long long)train, item, item, data->has_points ? "points" : "frames");
  if (tell && data->validation_from_train)
    log_info("%s: no validation split: the last %lld of %lld training %ss are it", data->file.path,
             (long long)validation, (long long)(train + validation), item);
  return STATUS_OK;
}

enum status source_open(const struct dataset *data, struct source *source) {
  const size_t image = (size_t)(data->height * data->width * data->channels);
  *source = (struct source){.data = data};
  if (data->has_points) return STATUS_OK;
  source->image = malloc(image * sizeof *source->image);
  REQUIRE(source->image, STATUS_MEMORY, "out of memory for a frame");
  if (data->has_states) {
    source->experiment = config_experiment(data->config);
    TRY(render_open(source->experiment, &source->renderer));
    source->rendering = true;
    return STATUS_OK;
  }
  return source_hold(source, 1);
}

static size_t rollout_values(const struct source *source) {
  const struct dataset *data = source->data;
  return (size_t)(data->frames * data->height * data->width * data->channels);
}

enum status source_hold(struct source *source, int64_t rollouts) {
  if (source->rendering || source->data->has_points || rollouts <= source->slots) return STATUS_OK;
  struct source_held *held = realloc(source->held, (size_t)rollouts * sizeof *held);
  if (held) source->held = held;
  float *frames = realloc(source->frames, (size_t)rollouts * rollout_values(source) * sizeof *frames);
  if (frames) source->frames = frames;
  REQUIRE(held && frames, STATUS_MEMORY, "out of memory for %lld rollouts of %lld frames", (long long)rollouts,
          (long long)source->data->frames);
  for (int64_t i = source->slots; i < rollouts; i++) source->held[i].rollout = -1;
  source->slots = rollouts;
  return STATUS_OK;
}

static void forget(struct source *source, enum split split) {
  free(source->states[split]);
  free(source->log_density[split]);
  source->states[split] = source->log_density[split] = NULL;
  source->count[split] = 0;
}

/* States, or points with their log densities; frames made elsewhere are read when they are asked for. */
static enum status read_into_memory(struct source *source, enum split split, int64_t first, int64_t count) {
  const struct dataset *data = source->data;
  const size_t values = (size_t)(count * data->frames * data->coordinates);
  double *states = malloc(values * sizeof *states),
         *log_density = data->has_points ? malloc((size_t)count * sizeof *log_density) : NULL;
  source->states[split] = states;
  source->log_density[split] = log_density;
  REQUIRE(states && (log_density || !data->has_points), STATUS_MEMORY, "out of memory for %lld %ss", (long long)count,
          dataset_item(data));
  return data->has_points ? dataset_read_points(data, split, first, count, states, log_density)
                          : dataset_read(data, split, first, count, states, NULL);
}

enum status source_load(struct source *source, enum split split, int64_t first, int64_t count) {
  const bool kept = source->rendering || source->data->has_points;
  const int64_t before = first - source->first[split];
  const bool held = before >= 0 && before + count <= source->count[split];
  if (count == 0) return STATUS_OK; /* what there is may be wanted again */
  if (held && (source->states[split] || !kept)) return STATUS_OK;
  forget(source, split);
  source->first[split] = first;
  if (kept) TRY(read_into_memory(source, split, first, count));
  source->count[split] = count;
  return STATUS_OK;
}

void source_close(struct source *source) {
  if (source->rendering) render_close(&source->renderer);
  for (int split = 0; split < SPLIT_COUNT; split++) forget(source, (enum split)split);
  free(source->held);
  free(source->frames);
  free(source->image);
  *source = (struct source){.data = NULL};
}

/* What is in memory of a rollout, or point; NULL where there is nothing. */
static const double *find(const struct source *source, enum split split, int64_t rollout) {
  const int64_t at = rollout - source->first[split];
  if (at < 0 || at >= source->count[split] || !source->states[split]) return NULL;
  return source->states[split] + (size_t)(at * source->data->frames * source->data->coordinates);
}

const double *source_states(const struct source *source, enum split split, int64_t rollout) {
  return source->data->has_points ? NULL : find(source, split, rollout);
}

const double *source_point(const struct source *source, enum split split, int64_t index, double *log_density) {
  const double *point = source->data->has_points ? find(source, split, index) : NULL;
  if (point) *log_density = source->log_density[split][index - source->first[split]];
  return point;
}

static enum status render_frames(struct source *source, enum split split, int64_t rollout, int64_t first, int64_t count,
                                 float *images) {
  const struct dataset *data = source->data;
  const uint64_t number = rollout_number(dataset_place(data, split, rollout));
  const double *states = source_states(source, split, rollout);
  for (int64_t f = first; f < first + count; f++) {
    double observed[SYSTEM_STATE_MAX];
    rollout_observe(source->experiment, RNG_NOISE, number, f, states + f * data->coordinates, observed);
    render_f32(&source->renderer, observed, images + (size_t)(f - first) * source->renderer.values);
  }
  return STATUS_OK;
}

/* From memory, else from the file, in the place of what has been there longest. */
static enum status read_rollout(struct source *source, enum split split, int64_t rollout, const float **frames) {
  int64_t slot = 0;
  while (slot < source->slots && (source->held[slot].rollout != rollout || source->held[slot].split != split)) slot++;
  const bool known = slot < source->slots;
  if (!known) slot = source->next;
  float *place = source->frames + (size_t)slot * rollout_values(source);
  *frames = place;
  if (known) return STATUS_OK;
  source->held[slot].rollout = -1;
  TRY(dataset_read_frames(source->data, split, rollout, 1, place));
  source->held[slot] = (struct source_held){split, rollout};
  source->next = (slot + 1) % source->slots;
  return STATUS_OK;
}

enum status source_frames(struct source *source, enum split split, int64_t rollout, int64_t first, int64_t count,
                          float *images) {
  const int64_t at = rollout - source->first[split];
  REQUIRE(at >= 0 && at < source->count[split], STATUS_ARGUMENT, "rollout %lld is not loaded", (long long)rollout);
  REQUIRE(!source->data->has_points, STATUS_ARGUMENT, "points have no frames");
  if (source->rendering) return render_frames(source, split, rollout, first, count, images);
  const size_t values = rollout_values(source) / (size_t)source->data->frames;
  const float *frames;
  TRY(read_rollout(source, split, rollout, &frames));
  memcpy(images, frames + (size_t)first * values, (size_t)count * values * sizeof *images);
  return STATUS_OK;
}

enum status source_stack(struct source *source, enum split split, int64_t rollout, int64_t first, int64_t count,
                         float *stacked) {
  const int64_t pixels = source->data->height * source->data->width, channels = source->data->channels;
  for (int64_t f = 0; f < count; f++) {
    TRY(source_frames(source, split, rollout, first + f, 1, source->image));
    for (int64_t i = 0; i < pixels; i++)
      memcpy(stacked + (i * count + f) * channels, source->image + i * channels, (size_t)channels * sizeof *stacked);
  }
  return STATUS_OK;
}

void source_shuffle(uint64_t seed, int64_t lane, int64_t epoch, int64_t count, int64_t *order) {
  struct rng rng = rng_stream(seed, RNG_SHUFFLE, (uint64_t)lane, (uint32_t)epoch);
  for (int64_t i = 0; i < count; i++) order[i] = i;
  for (int64_t i = count - 1; i > 0; i--) {
    const int64_t j = (int64_t)rng_below(&rng, (uint64_t)i + 1), held = order[i];
    order[i] = order[j];
    order[j] = held;
  }
}
