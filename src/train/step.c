#include "train/step.h"

#include "base/log.h"

#include <math.h>
#include <string.h>

enum { REPEATS_MAX = 8 };

static void poll_exchange(void *context) { exchange_poll(context); }

static enum status open_lanes(struct step *step) {
  const struct learner *learner = step->learner;
  struct learner_work *work = &step->work;
  struct arena *arena = &step->arena;
  const int64_t values = layout_values(learner->layout);
  step->order = arena_array(arena, work->lane_count, sizeof *step->order);
  step->rollouts = arena_array(arena, work->lane_count * work->lanes.microbatch, sizeof *step->rollouts);
  step->lane_gradient = arena_array(arena, values, sizeof(float));
  step->gradient = arena_array(arena, values, sizeof(float));
  step->words = arena_array(arena, work->lanes.count * learner->kind->terms, sizeof *step->words);
  int64_t first = 0, begin = 0, count = 0;
  for (int64_t i = 0; i < work->lane_count && step->order; i++) {
    lanes_slice(&work->lanes, step->rollouts_total, work->first_lane + i, &first, &count);
    if (i == 0) begin = first;
    step->order[i] = arena_array(arena, count, sizeof **step->order);
  }
  TRY(arena_check(arena, "the lanes of a batch"));
  work->rollouts = step->rollouts;
  TRY(source_hold(work->source, work->lane_count * work->lanes.microbatch));
  TRY(source_load(work->source, SPLIT_TRAIN, begin, first + count - begin));
  return learner->kind->prepare(step->learner, work);
}

enum status step_open(const struct comm *comm, struct learner *learner, struct source *source,
                      const struct lanes *lanes, struct step *step) {
  char even[LANES_TEXT_MAX];
  *step = (struct step){.comm = comm, .learner = learner, .epoch = -1};
  step->work =
      (struct learner_work){.lanes = *lanes, .source = source, .poll = poll_exchange, .context = &step->exchange};
  step->rollouts_total = source->data->rollouts[SPLIT_TRAIN];
  lanes_even(lanes, even);
  REQUIRE(
      comm->size <= lanes->count, STATUS_CONFIG,
      "%d ranks, but the batch of %lld rollouts in lanes of %lld has work for %lld: use at most %lld ranks (%s: all "
      "equally busy), or set train.microbatch",
      comm->size, (long long)lanes->batch, (long long)lanes->microbatch, (long long)lanes->count,
      (long long)lanes->count, even);
  REQUIRE(step->rollouts_total >= lanes->batch, STATUS_CONFIG,
          "%s: %lld training rollouts are fewer than a batch of %lld", source->data->file.path,
          (long long)step->rollouts_total, (long long)lanes->batch);
  comm_share(lanes->count, comm->size, comm->rank, &step->work.first_lane, &step->work.lane_count);
  enum status status = open_lanes(step);
  if (status == STATUS_OK) status = exchange_open(comm, learner->layout, lanes->count, &step->exchange);
  status = comm_agree(comm, status);
  if (status != STATUS_OK) step_close(step);
  return status;
}

void step_close(struct step *step) {
  exchange_close(&step->exchange);
  arena_free(&step->arena);
  *step = (struct step){.comm = NULL};
}

int64_t step_epoch_steps(const struct step *step) { return step->rollouts_total / step->work.lanes.batch; }

/* The rollouts of each lane in this step: the next of its slice in the epoch's order. */
static void choose_rollouts(struct step *step, int64_t number) {
  const int64_t epoch = number / step_epoch_steps(step), within = number % step_epoch_steps(step);
  for (int64_t i = 0; i < step->work.lane_count; i++) {
    const int64_t lane = step->work.first_lane + i, size = lanes_size(&step->work.lanes, lane);
    int64_t first, count;
    lanes_slice(&step->work.lanes, step->rollouts_total, lane, &first, &count);
    if (epoch != step->epoch) source_shuffle(step->learner->seed, lane, epoch, count, step->order[i]);
    for (int64_t b = 0; b < size; b++)
      step->rollouts[i * step->work.lanes.microbatch + b] = first + step->order[i][within * size + b];
  }
  step->epoch = epoch;
}

/* Where a lane's terms of the loss stand among all lanes'. */
static int64_t *terms_of(const struct step *step, int64_t lane) {
  return &step->words[lane * step->learner->kind->terms];
}

static void clear_part(struct step *step, int part) {
  const int64_t *start = step->learner->layout->part;
  memset(step->lane_gradient + start[part], 0, (size_t)(start[part + 1] - start[part]) * sizeof(float));
}

/* One stage of one of this rank's lanes; its part's gradient is left in lane_gradient. */
static enum status run_lane(struct step *step, int stage, int64_t i) {
  const struct learner_kind *kind = step->learner->kind;
  int64_t *words = terms_of(step, step->work.first_lane + i);
  double term[LEARNER_TERMS_MAX];
  memcpy(term, words, (size_t)kind->terms * sizeof *term);
  TRY(kind->run(step->learner, stage, i, step->lane_gradient, term));
  memcpy(words, term, (size_t)kind->terms * sizeof *term);
  return STATUS_OK;
}

/* All lanes through one stage; then the part that is complete is on its way. */
static void run_stage(struct step *step, int stage, enum status *status, double *seconds) {
  const double began = log_clock();
  const int part = step->learner->kind->stage[stage].part;
  for (int64_t i = 0; i < step->work.lane_count && *status == STATUS_OK; i++) {
    if (part >= 0) clear_part(step, part);
    *status = run_lane(step, stage, i);
    if (part >= 0 && *status == STATUS_OK) exchange_add(&step->exchange, part, step->lane_gradient);
    exchange_poll(&step->exchange);
  }
  if (part >= 0) exchange_start(&step->exchange, part);
  seconds[stage] += log_clock() - began;
}

void step_lane_terms(const struct step *step, int term, double *loss) {
  for (int64_t lane = 0; lane < step->work.lanes.count; lane++)
    memcpy(&loss[lane], terms_of(step, lane) + term, sizeof *loss);
}

/* Lane by lane in their order, whoever computed them. */
static void sum_terms(const struct step *step, struct step_result *result) {
  for (int term = 0; term < step->learner->kind->terms; term++) {
    result->term[term] = 0;
    for (int64_t lane = 0; lane < step->work.lanes.count; lane++) {
      double part;
      memcpy(&part, terms_of(step, lane) + term, sizeof part);
      result->term[term] += part;
    }
  }
}

static enum status run_once(struct step *step, int64_t request, struct step_result *result) {
  const struct learner_kind *kind = step->learner->kind;
  struct exchange_rest rest = {.word = step->words, .words = step->work.lanes.count * kind->terms, .request = request};
  memset(step->words, 0, (size_t)rest.words * sizeof *step->words);
  exchange_clear(&step->exchange);
  for (int stage = 0; stage < kind->stages; stage++) run_stage(step, stage, &rest.status, result->seconds);
  const double began = log_clock();
  enum status status = exchange_finish(&step->exchange, &rest, step->gradient, &result->outcome, &result->tensor);
  result->reducing += log_clock() - began;
  TRY(status);
  result->request = rest.request;
  sum_terms(step, result);
  return STATUS_OK;
}

static bool loss_is_finite(const struct step *step, const struct step_result *result) {
  for (int term = 0; term < step->learner->kind->terms; term++)
    if (!isfinite(result->term[term])) return false;
  return true;
}

enum status step_run(struct step *step, int64_t number, int64_t request, struct step_result *result) {
  *result = (struct step_result){.tensor = -1};
  choose_rollouts(step, number);
  step->learner->kind->begin(step->learner, number);
  do {
    TRY(run_once(step, request, result));
    if (!loss_is_finite(step, result)) {
      result->outcome = EXCHANGE_DIVERGED;
      result->tensor = -1;
    }
  } while (result->outcome == EXCHANGE_AGAIN && result->repeats++ < REPEATS_MAX);
  REQUIRE(result->outcome != EXCHANGE_AGAIN, STATUS_NUMERIC, "step %lld: no scale fits its gradient",
          (long long)number);
  return STATUS_OK;
}
