#include "train/hgn_evaluate.h"

#include "base/arena.h"
#include "base/exact.h"
#include "base/finite.h"
#include "comm/reduce.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define VPT_THRESHOLD 0.025

/* ---- One group ---- */

enum sum_of {
  SUM_MSE,
  SUM_MSE2,
  SUM_UNSEEN,
  SUM_UNSEEN2,
  SUM_EXCESS,
  SUM_EXCESS2,
  SUM_KL,
  SUM_H_STD,
  SUM_H,
  SUM_H2,
  SUM_H_DRIFT,
  SUM_BACK_STATE,
  SUM_BACK_PIXELS,
  SUM_FRAMES
}; /* then a sum for each frame */
enum count_of {
  COUNT_ROLLOUTS,
  COUNT_REVERSED,
  COUNT_PAIRED,
  COUNT_STATE, /* of which a state is not finite; or, with finite states, a frame; H; KL */
  COUNT_FRAME,
  COUNT_H,
  COUNT_KL,
  COUNT_VALID
}; /* then a histogram of valid times */

struct evaluator {
  const struct model *model;
  struct source *source;
  const struct hgn_evaluate_task *task;
  struct pass *pass;
  struct arena arena;                    /* of all arrays */
  int64_t state, image, targets, unseen; /* values; values; frames; of them not seen by the encoder */
  float *frames, *noise, *observed, *q, *p, *back_q, *back_p, *chunk_q, *images;
  double *energy;              /* [targets][group] */
  double *error;               /* [group][targets] */
  double *power;               /* the same: mean square of the frame */
  float lowest, highest;       /* of all decoded values */
  bool lost[EVALUATION_GROUP]; /* something that was predicted is not finite: no score */
  struct exact *sum;
  int64_t *counts; /* [COUNT_VALID + targets + 1] */
};

static enum status open_evaluator(const struct hgn_evaluate_task *task, struct evaluator *eval) {
  const struct model *model = task->model;
  const int64_t state = model_state_values(model), image = model_image_values(model),
                targets = task->protocol.target_count;
  const int64_t path = targets * EVALUATION_GROUP * state;
  *eval = (struct evaluator){.model = model,
                             .source = task->source,
                             .task = task,
                             .state = state,
                             .image = image,
                             .targets = targets,
                             .lowest = INFINITY,
                             .highest = -INFINITY};
  struct arena *arena = &eval->arena;
  eval->frames = arena_array(arena, EVALUATION_GROUP * image * model->input_frames, sizeof(float));
  eval->noise = arena_array(arena, EVALUATION_GROUP * model_latents(model), sizeof(float));
  eval->observed = arena_array(arena, image, sizeof(float));
  eval->q = arena_array(arena, path, sizeof(float));
  eval->p = arena_array(arena, path, sizeof(float));
  eval->back_q = arena_array(arena, 2 * EVALUATION_GROUP * state, sizeof(float)); /* this state and the next */
  eval->back_p = arena_array(arena, 2 * EVALUATION_GROUP * state, sizeof(float));
  eval->chunk_q = arena_array(arena, HGN_EVALUATE_CHUNK * state, sizeof(float));
  eval->images = arena_array(arena, HGN_EVALUATE_CHUNK * image, sizeof(float));
  eval->energy = arena_array(arena, targets * EVALUATION_GROUP, sizeof(double));
  eval->error = arena_array(arena, targets * EVALUATION_GROUP, sizeof(double));
  eval->power = arena_array(arena, targets * EVALUATION_GROUP, sizeof(double));
  eval->sum = arena_array(arena, SUM_FRAMES + targets, sizeof *eval->sum);
  eval->counts = arena_array(arena, COUNT_VALID + targets + 1, sizeof *eval->counts);
  TRY(arena_check(arena, "an evaluation"));
  for (int64_t i = 0; i < SUM_FRAMES + targets; i++) exact_clear(&eval->sum[i]);
  for (int64_t t = 0; t < targets; t++) eval->unseen += protocol_unseen(&task->protocol, t);
  return pass_create(model, EVALUATION_GROUP, HGN_EVALUATE_CHUNK, task->parameters, &eval->pass);
}

static void close_evaluator(struct evaluator *eval) {
  pass_destroy(&eval->pass);
  arena_free(&eval->arena);
}

/* A group that is not full repeats its last rollout. */
static int64_t member(const struct evaluation_group *group, int64_t b) {
  return group->first + (b < group->count ? b : group->count - 1);
}

static enum status infer(struct evaluator *eval, const struct evaluation_group *group, double *kl) {
  const struct protocol *protocol = &eval->task->protocol;
  const int64_t latents = model_latents(eval->model), anchor = protocol_anchor(protocol);
  for (int64_t b = 0; b < EVALUATION_GROUP; b++) {
    TRY(source_stack(eval->source, group->split, member(group, b), protocol->input_first, protocol->input_count,
                     eval->frames + b * eval->image * protocol->input_count));
    if (latents == 0 || eval->task->posterior == POSTERIOR_MEAN) continue;
    struct rng rng = rng_stream(eval->task->seed, RNG_LATENT_TEST, (uint64_t)member(group, b), (uint32_t)group->split);
    rng_normal_f32(&rng, eval->noise + b * latents, (int)latents);
  }
  const int64_t at = anchor * EVALUATION_GROUP * eval->state;
  return pass_infer(eval->pass, eval->frames, eval->noise, eval->q + at, eval->p + at, kl);
}

static enum status step(struct evaluator *eval, double dt, float *q, float *p, int64_t from, int64_t to) {
  const int64_t values = EVALUATION_GROUP * eval->state;
  return pass_step(eval->pass, dt, q + from * values, p + from * values, q + to * values, p + to * values);
}

static enum status unroll(struct evaluator *eval) {
  const struct protocol *protocol = &eval->task->protocol;
  const int64_t anchor = protocol_anchor(protocol), values = EVALUATION_GROUP * eval->state;
  for (int64_t t = anchor; t + 1 < eval->targets; t++) TRY(step(eval, eval->task->dt, eval->q, eval->p, t, t + 1));
  for (int64_t t = anchor; t > 0; t--) TRY(step(eval, -eval->task->dt, eval->q, eval->p, t, t - 1));
  for (int64_t t = 0; t < eval->targets; t++)
    TRY(pass_energy(eval->pass, eval->q + t * values, eval->p + t * values, eval->energy + t * EVALUATION_GROUP));
  return STATUS_OK;
}

/* Of one decoded image and the frame that was observed there. */
static enum status compare_image(struct evaluator *eval, const struct evaluation_group *group, int64_t b, int64_t t,
                                 const float *image) {
  double error = 0, power = 0;
  TRY(source_frames(eval->source, group->split, group->first + b, eval->task->protocol.target_first + t, 1,
                    eval->observed));
  for (int64_t k = 0; k < eval->image; k++) {
    const double difference = (double)image[k] - (double)eval->observed[k];
    eval->lowest = image[k] < eval->lowest ? image[k] : eval->lowest;
    eval->highest = image[k] > eval->highest ? image[k] : eval->highest;
    error += difference * difference;
    power += (double)eval->observed[k] * (double)eval->observed[k];
  }
  eval->error[b * eval->targets + t] = error / (double)eval->image;
  eval->power[b * eval->targets + t] = power / (double)eval->image;
  return STATUS_OK;
}

/* Images are decoded HGN_EVALUATE_CHUNK at a time: all targets of all members, member by member, so that frames made
 * elsewhere are read once. */
static enum status compare(struct evaluator *eval, const struct evaluation_group *group) {
  const int64_t all = eval->targets * group->count;
  for (int64_t at = 0; at < all; at += HGN_EVALUATE_CHUNK) {
    const int64_t count = all - at < HGN_EVALUATE_CHUNK ? all - at : HGN_EVALUATE_CHUNK;
    for (int64_t i = 0; i < count; i++) {
      const int64_t b = (at + i) / eval->targets, t = (at + i) % eval->targets;
      memcpy(eval->chunk_q + i * eval->state, eval->q + (t * EVALUATION_GROUP + b) * eval->state,
             (size_t)eval->state * sizeof(float));
    }
    TRY(pass_draw(eval->pass, eval->chunk_q, eval->images));
    for (int64_t i = 0; i < count; i++)
      TRY(compare_image(eval, group, (at + i) / eval->targets, (at + i) % eval->targets,
                        eval->images + i * eval->image));
  }
  return STATUS_OK;
}

/* Whether a state of [group][state] is finite. Frames alone do not tell:
 * a kernel may make numbers of NaN, as the relu of a library did. */
static bool state_finite(const struct evaluator *eval, const float *q, const float *p, int64_t b) {
  return finite_all_f32(q + b * eval->state, eval->state) && finite_all_f32(p + b * eval->state, eval->state);
}

/* Which rollouts are lost. Frames of states that are not finite have no error. */
static void find_lost(struct evaluator *eval, const struct evaluation_group *group) {
  const int64_t values = EVALUATION_GROUP * eval->state;
  for (int64_t b = 0; b < group->count; b++) {
    bool states = true, frames = true;
    for (int64_t t = 0; t < eval->targets; t++) {
      double *error = &eval->error[b * eval->targets + t];
      const bool finite = state_finite(eval, eval->q + t * values, eval->p + t * values, b);
      frames = frames && isfinite(*error);
      states = states && finite;
      if (!finite) *error = NAN;
    }
    eval->lost[b] = !states || !frames;
    eval->counts[COUNT_STATE] += !states;
    eval->counts[COUNT_FRAME] += states && !frames;
  }
}

static void add_score(struct evaluator *eval, int64_t b, enum sum_of sum, double score) {
  exact_add(&eval->sum[sum], eval->lost[b] ? (double)NAN : score);
}

/* Frames of one target decoded on the way there and on the way back, in one chunk. */
static enum status compare_back(struct evaluator *eval, const struct evaluation_group *group, int64_t target,
                                const float *back_q, double targets) {
  const int64_t values = EVALUATION_GROUP * eval->state;
  const size_t bytes = (size_t)values * sizeof(float);
  memcpy(eval->chunk_q, eval->q + target * values, bytes);
  memcpy(eval->chunk_q + values, back_q, bytes);
  TRY(pass_draw(eval->pass, eval->chunk_q, eval->images));
  for (int64_t b = 0; b < group->count; b++) {
    double sum = 0;
    for (int64_t k = 0; k < eval->image; k++) {
      const double d =
          (double)eval->images[b * eval->image + k] - (double)eval->images[(EVALUATION_GROUP + b) * eval->image + k];
      sum += d * d;
    }
    add_score(eval, b, SUM_BACK_PIXELS, sum / (double)eval->image / targets);
  }
  return STATUS_OK;
}

/* From the last target back to the anchor. A rollout that is lost on the way back has no score of it either. */
static enum status reverse(struct evaluator *eval, const struct evaluation_group *group) {
  const int64_t anchor = protocol_anchor(&eval->task->protocol), last = eval->targets - 1,
                values = EVALUATION_GROUP * eval->state;
  int64_t slot = 0;
  memcpy(eval->back_q, eval->q + last * values, (size_t)values * sizeof(float));
  memcpy(eval->back_p, eval->p + last * values, (size_t)values * sizeof(float));
  for (int64_t t = last; t >= anchor; t--) {
    for (int64_t b = 0; b < group->count; b++)
      if (!state_finite(eval, eval->back_q + slot * values, eval->back_p + slot * values, b)) eval->lost[b] = true;
    TRY(compare_back(eval, group, t, eval->back_q + slot * values, (double)(last - anchor + 1)));
    if (t == anchor) break;
    TRY(step(eval, -eval->task->dt, eval->back_q, eval->back_p, slot, 1 - slot));
    slot = 1 - slot;
  }
  for (int64_t b = 0; b < group->count; b++) {
    double difference = 0, size = 0;
    for (int64_t k = 0; k < eval->state; k++) {
      const int64_t i = anchor * values + b * eval->state + k, back = slot * values + b * eval->state + k;
      const double dq = (double)eval->back_q[back] - (double)eval->q[i],
                   dp = (double)eval->back_p[back] - (double)eval->p[i];
      difference += dq * dq + dp * dp;
      size += (double)eval->q[i] * (double)eval->q[i] + (double)eval->p[i] * (double)eval->p[i];
    }
    add_score(eval, b, SUM_BACK_STATE, size == 0 ? 0 : sqrt(difference / size));
    eval->counts[COUNT_REVERSED] += 1;
  }
  return STATUS_OK;
}

_Static_assert(HGN_EVALUATE_CHUNK == 2 * EVALUATION_GROUP, "a chunk holds a group there and back");

static void add_energy(struct evaluator *eval, int64_t b) {
  double mean = 0, square = 0;
  for (int64_t t = 0; t < eval->targets; t++) mean += eval->energy[t * EVALUATION_GROUP + b] / (double)eval->targets;
  for (int64_t t = 0; t < eval->targets; t++) {
    const double d = eval->energy[t * EVALUATION_GROUP + b] - mean;
    square += d * d / (double)eval->targets;
  }
  eval->counts[COUNT_H] += !isfinite(mean);
  add_score(eval, b, SUM_H, mean);
  add_score(eval, b, SUM_H2, mean * mean);
  add_score(eval, b, SUM_H_STD, sqrt(square));
  add_score(eval, b, SUM_H_DRIFT, fabs(eval->energy[(eval->targets - 1) * EVALUATION_GROUP + b] - eval->energy[b]));
}

/* Rollout by rollout, so that what both find hard drops out. */
static void add_excess(struct evaluator *eval, const struct evaluation_group *group, int64_t b, double unseen) {
  const struct hgn_evaluate_task *task = eval->task;
  const int64_t rollout = group->first + b;
  if (group->split != SPLIT_TEST || rollout >= task->yardstick->attained_count) return;
  const double excess = unseen - task->yardstick->attained[rollout];
  add_score(eval, b, SUM_EXCESS, excess);
  add_score(eval, b, SUM_EXCESS2, excess * excess);
  eval->counts[COUNT_PAIRED] += 1;
}

/* Errors of one rollout; the valid prediction time counts unseen targets after the anchor, all where none is unseen,
 * and ends where an error is not known. */
static void add_rollout(struct evaluator *eval, const struct evaluation_group *group, int64_t b, double kl) {
  const double *error = eval->error + b * eval->targets, *power = eval->power + b * eval->targets;
  const struct protocol *protocol = &eval->task->protocol;
  const int64_t anchor = protocol_anchor(protocol);
  const bool blind = eval->unseen > 0;
  double all = 0, unseen = 0;
  int64_t valid = 0;
  bool failed = false;
  for (int64_t t = 0; t < eval->targets; t++) {
    exact_add(&eval->sum[SUM_FRAMES + t], error[t]);
    all += error[t] / (double)eval->targets;
    const bool new = protocol_unseen(protocol, t);
    if (new) unseen += error[t];
    if (t < anchor || (blind && !new)) continue;
    failed = failed || !(error[t] <= VPT_THRESHOLD * power[t]);
    valid += !failed;
  }
  add_score(eval, b, SUM_MSE, all);
  add_score(eval, b, SUM_MSE2, all * all);
  if (blind) {
    unseen /= (double)eval->unseen;
    add_score(eval, b, SUM_UNSEEN, unseen);
    add_score(eval, b, SUM_UNSEEN2, unseen * unseen);
    add_excess(eval, group, b, unseen);
  }
  exact_add(&eval->sum[SUM_KL], kl); /* of the posterior alone, whatever was predicted from it */
  eval->counts[COUNT_KL] += !isfinite(kl);
  eval->counts[COUNT_ROLLOUTS] += 1;
  eval->counts[COUNT_VALID + valid] += 1;
}

static enum status run_group(struct evaluator *eval, const struct evaluation_group *group) {
  double kl[EVALUATION_GROUP];
  TRY(infer(eval, group, kl));
  TRY(unroll(eval));
  TRY(compare(eval, group));
  find_lost(eval, group);
  for (int64_t b = 0; b < group->count; b++) {
    add_rollout(eval, group, b, kl[b]);
    add_energy(eval, b);
  }
  return group->reversed ? reverse(eval, group) : STATUS_OK;
}

/* ---- All groups ---- */

static double median_of(const int64_t *histogram, int64_t bins, int64_t total) {
  int64_t seen = 0, low = -1;
  for (int64_t i = 0; i < bins; i++) {
    seen += histogram[i];
    if (low < 0 && 2 * seen >= total) low = i;
    if (2 * seen > total) return (double)(low + i) / 2;
  }
  return NAN;
}

static void name_broken(const int64_t *counts, struct evaluation *out) {
  static const char *const names[] = {"a latent state", "a decoded frame", "the learned H", "the KL"};
  for (int i = COUNT_STATE; i <= COUNT_KL && !out->broken; i++) {
    if (counts[i] == 0) continue;
    out->broken = names[i - COUNT_STATE];
    out->broken_rollouts = counts[i];
  }
}

static double ratio(double value, double over) { return over > 0 ? value / over : NAN; }

/* How it stands against what is possible. */
static void compare_yardstick(const struct yardstick *yardstick, double *score) {
  score[HGN_R2] = 1 - ratio(score[HGN_MSE], yardstick->mean_image);
  score[HGN_OVER_FLOOR] = ratio(score[HGN_MSE], yardstick->floor);
  score[HGN_OVER_LIMIT] = ratio(score[HGN_MSE], yardstick->limit);
  score[HGN_UNSEEN_OVER_LIMIT] = ratio(score[HGN_UNSEEN], yardstick->limit_unseen);
  score[HGN_PAIRED_OVER_LIMIT] = 1 + ratio(score[HGN_EXCESS], yardstick->limit_unseen);
  score[HGN_PAIRED_OVER_LIMIT_ERROR] = ratio(score[HGN_EXCESS_ERROR], yardstick->limit_unseen);
}

static enum status conclude(const struct evaluator *eval, struct evaluation *out) {
  const double n = (double)eval->counts[COUNT_ROLLOUTS], reversed = (double)eval->counts[COUNT_REVERSED],
               paired = (double)eval->counts[COUNT_PAIRED];
  double mean[SUM_FRAMES];
  for (int i = 0; i < SUM_FRAMES; i++) mean[i] = exact_value(&eval->sum[i]) / n;
  const double spread = sqrt(finite_variance(mean[SUM_H2] - mean[SUM_H] * mean[SUM_H]));
  *out = (struct evaluation){
      .score = {[HGN_MSE] = mean[SUM_MSE],
                [HGN_MSE_ERROR] = finite_standard_error(mean[SUM_MSE], mean[SUM_MSE2], n),
                [HGN_UNSEEN] = eval->unseen ? mean[SUM_UNSEEN] : NAN,
                [HGN_UNSEEN_ERROR] = eval->unseen ? finite_standard_error(mean[SUM_UNSEEN], mean[SUM_UNSEEN2], n) : NAN,
                [HGN_EXCESS] = paired > 0 ? mean[SUM_EXCESS] * n / paired : NAN,
                [HGN_EXCESS_ERROR] =
                    finite_standard_error(mean[SUM_EXCESS] * n / paired, mean[SUM_EXCESS2] * n / paired, paired),
                [HGN_KL] = mean[SUM_KL],
                [HGN_ENERGY_VARIATION] = mean[SUM_H_STD] / spread,
                [HGN_ENERGY_DRIFT] = mean[SUM_H_DRIFT] / spread,
                [HGN_REVERSAL_STATE] = reversed > 0 ? mean[SUM_BACK_STATE] * n / reversed : NAN,
                [HGN_REVERSAL_PIXELS] = reversed > 0 ? mean[SUM_BACK_PIXELS] * n / reversed : NAN,
                [HGN_VALID] = NAN,
                [HGN_COVERAGE] = NAN,
                [HGN_COVERAGE_FLOOR] = NAN,
                [HGN_VPT] = median_of(eval->counts + COUNT_VALID, eval->targets + 1, eval->counts[COUNT_ROLLOUTS])},
      .rollouts = eval->counts[COUNT_ROLLOUTS],
      .frames = eval->targets,
      .by_frame = malloc((size_t)eval->targets * sizeof *out->by_frame)};
  REQUIRE(out->by_frame, STATUS_MEMORY, "out of memory for an evaluation");
  compare_yardstick(eval->task->yardstick, out->score);
  name_broken(eval->counts, out);
  for (int64_t t = 0; t < eval->targets; t++) out->by_frame[t] = exact_value(&eval->sum[SUM_FRAMES + t]) / n;
  return STATUS_OK;
}

/* Collective. In 2^-32: bits do not depend on who has which rollouts, and a grey level is 2^24 of them. Values that are
 * not within [-1024, 1024] are of no picture. */
static enum status reduce_range(const struct comm *comm, const struct evaluator *eval, struct evaluation *out) {
  const double scale = 4294967296.0, most = 1024;
  int64_t range[2] = {(int64_t)(scale * fmin(fmax(-(double)eval->lowest, -most), most)),
                      (int64_t)(scale * fmin(fmax((double)eval->highest, -most), most))};
  TRY(reduce_max(comm, range, 2));
  out->lowest = -(double)range[0] / scale;
  out->highest = (double)range[1] / scale;
  return STATUS_OK;
}

enum status hgn_evaluate(const struct comm *comm, const struct hgn_evaluate_task *task,
                         const struct evaluation_set *set, struct evaluation *evaluation) {
  struct evaluator eval;
  *evaluation = (struct evaluation){.by_frame = NULL};
  enum status status = open_evaluator(task, &eval);
  for (int64_t i = 0; i < set->count && status == STATUS_OK; i++) status = run_group(&eval, &set->group[i]);
  status = comm_agree(comm, status);
  if (status == STATUS_OK) status = reduce_exact(comm, eval.sum, (int)(SUM_FRAMES + eval.targets));
  if (status == STATUS_OK) status = reduce_sum(comm, eval.counts, COUNT_VALID + eval.targets + 1);
  if (status == STATUS_OK) status = comm_agree(comm, conclude(&eval, evaluation));
  if (status == STATUS_OK) status = reduce_range(comm, &eval, evaluation);
  close_evaluator(&eval);
  return status;
}
