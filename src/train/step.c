#include "train/step.h"

#include "base/log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  REPEATS_MAX = 8,
  CHUNK_MAX = 4 /* images decoded at once: of 4, 8 and 16 what stays in cache best (bench train) */
};

static int kind_of(const struct step *step, int64_t lane) {
  return lanes_size(&step->lanes, lane) == step->lanes.microbatch ? 0 : 1;
}

static enum status open_kind(struct step *step, int64_t lane, int64_t frames, int64_t images, const float *parameters) {
  const int kind = kind_of(step, lane);
  const int64_t size = lanes_size(&step->lanes, lane), chunks = (images * size + CHUNK_MAX - 1) / CHUNK_MAX;
  if (step->pass[kind]) return STATUS_OK;
  const int64_t chunk = (images * size + chunks - 1) / chunks;
  TRY(pass_create(step->model, size, chunk, parameters, &step->pass[kind]));
  return lane_share(step->model, step->pass[kind], step->source, size, chunk, frames, LANE_KEPT_BYTES,
                    &step->shared[kind]);
}

static enum status open_lanes(struct step *step, int64_t frames, int64_t images, const float *parameters) {
  const size_t block = (size_t)step->model->layout.part[MODEL_PARTS];
  step->lane = calloc((size_t)step->lane_count, sizeof *step->lane);
  step->order = calloc((size_t)step->lane_count, sizeof *step->order);
  step->rollouts = calloc((size_t)(step->lane_count * step->lanes.microbatch), sizeof *step->rollouts);
  step->lane_gradient = calloc(block, sizeof(float));
  step->gradient = calloc(block, sizeof(float));
  step->words = calloc((size_t)(2 * step->lanes.count), sizeof *step->words);
  REQUIRE(step->lane && step->order && step->rollouts && step->lane_gradient && step->gradient && step->words,
          STATUS_MEMORY, "out of memory for %lld lanes", (long long)step->lane_count);
  for (int64_t i = 0; i < step->lane_count; i++) {
    const int64_t lane = step->first_lane + i;
    int64_t first, count;
    TRY(open_kind(step, lane, frames, images, parameters));
    TRY(lane_create(step->shared[kind_of(step, lane)], lane * step->lanes.microbatch, frames, &step->lane[i]));
    step->lane[i].rollouts = step->rollouts + i * step->lanes.microbatch;
    lanes_slice(&step->lanes, step->rollouts_total, lane, &first, &count);
    step->order[i] = malloc((size_t)count * sizeof **step->order);
    REQUIRE(step->order[i], STATUS_MEMORY, "out of memory for the order of %lld rollouts", (long long)count);
  }
  int64_t first, last, count;
  lanes_slice(&step->lanes, step->rollouts_total, step->first_lane, &first, &count);
  lanes_slice(&step->lanes, step->rollouts_total, step->first_lane + step->lane_count - 1, &last, &count);
  TRY(source_hold(step->source, step->lane_count * step->lanes.microbatch));
  return source_load(step->source, SPLIT_TRAIN, first, last + count - first);
}

enum status step_open(const struct comm *comm, const struct model *model, struct source *source, uint64_t seed,
                      const struct lanes *lanes, int64_t frames, int64_t images, const float *parameters,
                      struct step *step) {
  *step = (struct step){.comm = comm, .model = model, .source = source, .seed = seed, .lanes = *lanes, .epoch = -1};
  step->rollouts_total = source->data->rollouts[SPLIT_TRAIN];
  REQUIRE(comm->size <= lanes->count, STATUS_CONFIG,
          "%d ranks, but the batch of %lld rollouts in lanes of %lld has work for %lld: use at most %lld ranks, or set "
          "train.microbatch",
          comm->size, (long long)lanes->batch, (long long)lanes->microbatch, (long long)lanes->count,
          (long long)lanes->count);
  REQUIRE(step->rollouts_total >= lanes->batch, STATUS_CONFIG,
          "%s: %lld training rollouts are fewer than a batch of %lld", source->data->file.path,
          (long long)step->rollouts_total, (long long)lanes->batch);
  comm_share(lanes->count, comm->size, comm->rank, &step->first_lane, &step->lane_count);
  enum status status = open_lanes(step, frames, images, parameters);
  if (status == STATUS_OK) status = exchange_open(comm, &model->layout, lanes->count, &step->exchange);
  status = comm_agree(comm, status);
  if (status != STATUS_OK) step_close(step);
  return status;
}

void step_close(struct step *step) {
  for (int64_t i = 0; i < step->lane_count; i++) {
    if (step->lane) lane_close(&step->lane[i]);
    if (step->order) free(step->order[i]);
  }
  for (int kind = 0; kind < 2; kind++) {
    lane_unshare(&step->shared[kind]);
    pass_destroy(&step->pass[kind]);
  }
  exchange_close(&step->exchange);
  free(step->lane);
  free(step->order);
  free(step->rollouts);
  free(step->lane_gradient);
  free(step->gradient);
  free(step->words);
  *step = (struct step){.comm = NULL};
}

int64_t step_epoch_steps(const struct step *step) { return step->rollouts_total / step->lanes.batch; }

void step_parameters_changed(struct step *step) {
  for (int kind = 0; kind < 2; kind++)
    if (step->pass[kind]) pass_parameters_changed(step->pass[kind]);
}

/* The rollouts of each lane in this step: the next of its slice in the epoch's order. */
static void choose_rollouts(struct step *step, int64_t number) {
  const int64_t epoch = number / step_epoch_steps(step), within = number % step_epoch_steps(step);
  for (int64_t i = 0; i < step->lane_count; i++) {
    const int64_t lane = step->first_lane + i, size = lanes_size(&step->lanes, lane);
    int64_t first, count;
    lanes_slice(&step->lanes, step->rollouts_total, lane, &first, &count);
    if (epoch != step->epoch) source_shuffle(step->seed, lane, epoch, count, step->order[i]);
    for (int64_t b = 0; b < size; b++)
      step->rollouts[i * step->lanes.microbatch + b] = first + step->order[i][within * size + b];
  }
  step->epoch = epoch;
}

static void poll_exchange(void *context) { exchange_poll(context); }

static void clear_part(struct step *step, int part) {
  const int64_t first = step->model->layout.part[part], end = step->model->layout.part[part + 1];
  memset(step->lane_gradient + first, 0, (size_t)(end - first) * sizeof(float));
}

/* One stage for one lane; its part's gradient is left in lane_gradient. */
static enum status run_stage(struct step *step, const struct lane_task *task, enum step_stage stage, int64_t i) {
  struct lane *lane = &step->lane[i];
  struct lane_loss loss;
  if (stage == STEP_ENCODE) return lane_encode(lane, task);
  if (stage == STEP_UNROLL) return lane_unroll(lane, task);
  if (stage == STEP_UNROLL_BACK)
    return lane_unroll_back(lane, task, step->lane_gradient, poll_exchange, &step->exchange);
  if (stage == STEP_ENCODE_BACK) return lane_encode_back(lane, task, step->lane_gradient);
  TRY(lane_draw(lane, task, &loss, step->lane_gradient, poll_exchange, &step->exchange));
  memcpy(&step->words[2 * (step->first_lane + i)], &loss.error, sizeof loss.error);
  memcpy(&step->words[2 * (step->first_lane + i) + 1], &loss.kl, sizeof loss.kl);
  return STATUS_OK;
}

/* All lanes through one stage; then the part that is complete is on its way. */
static void run_lanes(struct step *step, const struct lane_task *task, enum step_stage stage, int part,
                      enum status *status, double *seconds) {
  const double began = log_clock();
  for (int64_t i = 0; i < step->lane_count && *status == STATUS_OK; i++) {
    if (part >= 0) clear_part(step, part);
    *status = run_stage(step, task, stage, i);
    if (part >= 0 && *status == STATUS_OK) exchange_add(&step->exchange, part, step->lane_gradient);
    exchange_poll(&step->exchange);
  }
  if (part >= 0) exchange_start(&step->exchange, part);
  seconds[stage] += log_clock() - began;
}

/* Lane by lane in their order, whoever computed them. */
static void sum_losses(const struct step *step, struct step_result *result) {
  result->error = result->kl = 0;
  for (int64_t lane = 0; lane < step->lanes.count; lane++) {
    double loss[2];
    memcpy(loss, &step->words[2 * lane], sizeof loss);
    result->error += loss[0];
    result->kl += loss[1];
  }
}

void step_lane_losses(const struct step *step, double *error, double *kl) {
  for (int64_t lane = 0; lane < step->lanes.count; lane++) {
    memcpy(&error[lane], &step->words[2 * lane], sizeof *error);
    memcpy(&kl[lane], &step->words[2 * lane + 1], sizeof *kl);
  }
}

static enum status run_once(struct step *step, const struct lane_task *task, bool signal, struct step_result *result) {
  enum status status = STATUS_OK;
  struct exchange_rest rest = {.word = step->words, .words = 2 * step->lanes.count, .request = signal};
  memset(step->words, 0, (size_t)rest.words * sizeof *step->words);
  exchange_clear(&step->exchange);
  run_lanes(step, task, STEP_ENCODE, -1, &status, result->seconds);
  run_lanes(step, task, STEP_UNROLL, -1, &status, result->seconds);
  run_lanes(step, task, STEP_DRAW, MODEL_DECODER, &status, result->seconds);
  run_lanes(step, task, STEP_UNROLL_BACK, MODEL_DYNAMICS, &status, result->seconds);
  run_lanes(step, task, STEP_ENCODE_BACK, MODEL_INFERENCE, &status, result->seconds);
  const double began = log_clock();
  rest.status = status;
  status = exchange_finish(&step->exchange, &rest, step->gradient, &result->outcome, &result->tensor);
  result->seconds[STEP_REDUCE] += log_clock() - began;
  TRY(status);
  result->signalled = rest.request != 0;
  sum_losses(step, result);
  return STATUS_OK;
}

enum status step_run(struct step *step, const struct lane_task *task, bool signal, struct step_result *result) {
  *result = (struct step_result){.tensor = -1};
  choose_rollouts(step, task->step);
  do {
    TRY(run_once(step, task, signal, result));
    if (!isfinite(result->error) || !isfinite(result->kl)) {
      result->outcome = EXCHANGE_DIVERGED;
      result->tensor = -1;
    }
  } while (result->outcome == EXCHANGE_AGAIN && result->repeats++ < REPEATS_MAX);
  REQUIRE(result->outcome != EXCHANGE_AGAIN, STATUS_NUMERIC, "step %lld: no scale fits its gradient",
          (long long)task->step);
  return STATUS_OK;
}
