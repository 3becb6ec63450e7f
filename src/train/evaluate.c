#include "train/evaluate.h"

#include "base/exact.h"
#include "base/finite.h"
#include "comm/reduce.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define VPT_THRESHOLD 0.025

/* ---- Which rollouts ---- */

static enum status add_groups(struct evaluate_set *set, enum split split, int64_t first, int64_t count,
                              int64_t reversed) {
  const int64_t groups = (count + EVALUATE_GROUP - 1) / EVALUATE_GROUP;
  if (groups == 0) return STATUS_OK;
  struct evaluate_group *grown = realloc(set->group, (size_t)(set->count + groups) * sizeof *grown);
  REQUIRE(grown, STATUS_MEMORY, "out of memory for %lld groups of rollouts", (long long)groups);
  set->group = grown;
  for (int64_t i = 0; i < groups; i++) {
    const int64_t at = i * EVALUATE_GROUP, left = count - at;
    set->group[set->count++] = (struct evaluate_group){split, first + at, left < EVALUATE_GROUP ? left : EVALUATE_GROUP,
                                                       first + at < reversed};
  }
  return STATUS_OK;
}

enum status evaluate_test_set(const struct comm *comm, struct source *source, int64_t rollouts, int64_t reversed,
                              struct evaluate_set *set) {
  *set = (struct evaluate_set){.count = 0};
  const int64_t groups = (rollouts + EVALUATE_GROUP - 1) / EVALUATE_GROUP;
  int64_t first, count;
  comm_share(groups, comm->size, comm->rank, &first, &count);
  int64_t from = first * EVALUATE_GROUP, to = (first + count) * EVALUATE_GROUP;
  if (to > rollouts) to = rollouts;
  if (from > to) from = to;
  TRY(add_groups(set, SPLIT_TEST, from, to - from, reversed));
  return source_load(source, SPLIT_TEST, from, to - from);
}

enum status evaluate_train_set(const struct lanes *lanes, int64_t first_lane, int64_t lane_count, int64_t total,
                               int64_t rollouts, struct evaluate_set *set) {
  *set = (struct evaluate_set){.count = 0};
  const int64_t share = (rollouts + lanes->count - 1) / lanes->count;
  for (int64_t lane = first_lane; lane < first_lane + lane_count; lane++) {
    int64_t first, count;
    lanes_slice(lanes, total, lane, &first, &count);
    TRY(add_groups(set, SPLIT_TRAIN, first, count < share ? count : share, 0));
  }
  return STATUS_OK;
}

void evaluate_set_free(struct evaluate_set *set) {
  free(set->group);
  *set = (struct evaluate_set){.count = 0};
}

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

struct bench {
  const struct model *model;
  struct source *source;
  const struct evaluate_task *task;
  struct pass *pass;
  int64_t state, image, targets, unseen; /* values; values; frames; of them not seen by the encoder */
  float *frames, *noise, *observed, *q, *p, *back_q, *back_p, *chunk_q, *images;
  double *energy;            /* [targets][group] */
  double *error;             /* [group][targets] */
  double *power;             /* the same: mean square of the frame */
  bool lost[EVALUATE_GROUP]; /* something that was predicted is not finite: no score */
  struct exact *sum;
  int64_t *counts; /* [COUNT_VALID + targets + 1] */
};

static enum status open_bench(const struct model *model, const float *parameters, struct source *source,
                              const struct evaluate_task *task, struct bench *bench) {
  const int64_t state = model_state_values(model), image = model_image_values(model),
                targets = task->protocol.target_count;
  const size_t path = (size_t)(targets * EVALUATE_GROUP * state);
  *bench = (struct bench){
      .model = model, .source = source, .task = task, .state = state, .image = image, .targets = targets};
  bench->frames = calloc((size_t)(EVALUATE_GROUP * image * model->input_frames), sizeof(float));
  bench->noise = calloc((size_t)(EVALUATE_GROUP * model_latents(model)) + 1, sizeof(float));
  bench->observed = calloc((size_t)image, sizeof(float));
  bench->q = calloc(path, sizeof(float));
  bench->p = calloc(path, sizeof(float));
  bench->back_q = calloc((size_t)(2 * EVALUATE_GROUP * state), sizeof(float)); /* this state and the next */
  bench->back_p = calloc((size_t)(2 * EVALUATE_GROUP * state), sizeof(float));
  bench->chunk_q = calloc((size_t)(EVALUATE_CHUNK * state), sizeof(float));
  bench->images = calloc((size_t)(EVALUATE_CHUNK * image), sizeof(float));
  bench->energy = calloc((size_t)(targets * EVALUATE_GROUP), sizeof(double));
  bench->error = calloc((size_t)(targets * EVALUATE_GROUP), sizeof(double));
  bench->power = calloc((size_t)(targets * EVALUATE_GROUP), sizeof(double));
  bench->sum = calloc((size_t)(SUM_FRAMES + targets), sizeof *bench->sum);
  bench->counts = calloc((size_t)(COUNT_VALID + targets + 1), sizeof *bench->counts);
  const bool whole = bench->frames && bench->noise && bench->observed && bench->q && bench->p && bench->back_q &&
                     bench->back_p && bench->chunk_q && bench->images && bench->energy && bench->error &&
                     bench->power && bench->sum && bench->counts;
  REQUIRE(whole, STATUS_MEMORY, "out of memory for an evaluation");
  for (int64_t i = 0; i < SUM_FRAMES + targets; i++) exact_clear(&bench->sum[i]);
  for (int64_t t = 0; t < targets; t++) bench->unseen += protocol_unseen(&task->protocol, t);
  return pass_create(model, EVALUATE_GROUP, EVALUATE_CHUNK, parameters, &bench->pass);
}

static void close_bench(struct bench *bench) {
  pass_destroy(&bench->pass);
  void *const owned[] = {bench->frames, bench->noise,  bench->observed, bench->q,      bench->p,
                         bench->back_q, bench->back_p, bench->chunk_q,  bench->images, bench->energy,
                         bench->error,  bench->power,  bench->sum,      bench->counts};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

/* A group that is not full repeats its last rollout. */
static int64_t member(const struct evaluate_group *group, int64_t b) {
  return group->first + (b < group->count ? b : group->count - 1);
}

static enum status infer(struct bench *bench, const struct evaluate_group *group, double *kl) {
  const struct protocol *protocol = &bench->task->protocol;
  const int64_t latents = model_latents(bench->model), anchor = protocol->anchor - protocol->target_first;
  for (int64_t b = 0; b < EVALUATE_GROUP; b++) {
    TRY(source_stack(bench->source, group->split, member(group, b), protocol->input_first, protocol->input_count,
                     bench->frames + b * bench->image * protocol->input_count));
    if (latents == 0 || bench->task->posterior == POSTERIOR_MEAN) continue;
    struct rng rng = rng_stream(bench->task->seed, RNG_LATENT_TEST, (uint64_t)member(group, b), (uint32_t)group->split);
    rng_normal_f32(&rng, bench->noise + b * latents, (int)latents);
  }
  const int64_t at = anchor * EVALUATE_GROUP * bench->state;
  return pass_infer(bench->pass, bench->frames, bench->noise, bench->q + at, bench->p + at, kl);
}

static enum status step(struct bench *bench, double dt, float *q, float *p, int64_t from, int64_t to) {
  const int64_t values = EVALUATE_GROUP * bench->state;
  return pass_step(bench->pass, dt, q + from * values, p + from * values, q + to * values, p + to * values);
}

static enum status unroll(struct bench *bench) {
  const struct protocol *protocol = &bench->task->protocol;
  const int64_t anchor = protocol->anchor - protocol->target_first, values = EVALUATE_GROUP * bench->state;
  for (int64_t t = anchor; t + 1 < bench->targets; t++) TRY(step(bench, bench->task->dt, bench->q, bench->p, t, t + 1));
  for (int64_t t = anchor; t > 0; t--) TRY(step(bench, -bench->task->dt, bench->q, bench->p, t, t - 1));
  for (int64_t t = 0; t < bench->targets; t++)
    TRY(pass_energy(bench->pass, bench->q + t * values, bench->p + t * values, bench->energy + t * EVALUATE_GROUP));
  return STATUS_OK;
}

/* Of one decoded image and the frame that was observed there. */
static enum status compare_image(struct bench *bench, const struct evaluate_group *group, int64_t b, int64_t t,
                                 const float *image) {
  double error = 0, power = 0;
  TRY(source_frames(bench->source, group->split, group->first + b, bench->task->protocol.target_first + t, 1,
                    bench->observed));
  for (int64_t k = 0; k < bench->image; k++) {
    const double difference = (double)image[k] - (double)bench->observed[k];
    error += difference * difference;
    power += (double)bench->observed[k] * (double)bench->observed[k];
  }
  bench->error[b * bench->targets + t] = error / (double)bench->image;
  bench->power[b * bench->targets + t] = power / (double)bench->image;
  return STATUS_OK;
}

/* Images are decoded EVALUATE_CHUNK at a time: all targets of all members, member by member, so that frames made
 * elsewhere are read once. */
static enum status compare(struct bench *bench, const struct evaluate_group *group) {
  const int64_t all = bench->targets * group->count;
  for (int64_t at = 0; at < all; at += EVALUATE_CHUNK) {
    const int64_t count = all - at < EVALUATE_CHUNK ? all - at : EVALUATE_CHUNK;
    for (int64_t i = 0; i < count; i++) {
      const int64_t b = (at + i) / bench->targets, t = (at + i) % bench->targets;
      memcpy(bench->chunk_q + i * bench->state, bench->q + (t * EVALUATE_GROUP + b) * bench->state,
             (size_t)bench->state * sizeof(float));
    }
    TRY(pass_draw(bench->pass, bench->chunk_q, bench->images));
    for (int64_t i = 0; i < count; i++)
      TRY(compare_image(bench, group, (at + i) / bench->targets, (at + i) % bench->targets,
                        bench->images + i * bench->image));
  }
  return STATUS_OK;
}

/* Whether a state of [group][state] is finite. Frames alone do not tell: a kernel may make numbers of NaN, as oneDNN's
 * relu does. */
static bool state_finite(const struct bench *bench, const float *q, const float *p, int64_t b) {
  return finite_all_f32(q + b * bench->state, bench->state) && finite_all_f32(p + b * bench->state, bench->state);
}

/* Which rollouts are lost. Frames of states that are not finite have no error. */
static void find_lost(struct bench *bench, const struct evaluate_group *group) {
  const int64_t values = EVALUATE_GROUP * bench->state;
  for (int64_t b = 0; b < group->count; b++) {
    bool states = true, frames = true;
    for (int64_t t = 0; t < bench->targets; t++) {
      double *error = &bench->error[b * bench->targets + t];
      const bool finite = state_finite(bench, bench->q + t * values, bench->p + t * values, b);
      frames = frames && isfinite(*error);
      states = states && finite;
      if (!finite) *error = NAN;
    }
    bench->lost[b] = !states || !frames;
    bench->counts[COUNT_STATE] += !states;
    bench->counts[COUNT_FRAME] += states && !frames;
  }
}

static void add_score(struct bench *bench, int64_t b, enum sum_of sum, double score) {
  exact_add(&bench->sum[sum], bench->lost[b] ? (double)NAN : score);
}

/* Frames of one target decoded on the way there and on the way back, in one chunk. */
static enum status compare_back(struct bench *bench, const struct evaluate_group *group, int64_t target,
                                const float *back_q, double targets) {
  const int64_t values = EVALUATE_GROUP * bench->state;
  const size_t bytes = (size_t)values * sizeof(float);
  memcpy(bench->chunk_q, bench->q + target * values, bytes);
  memcpy(bench->chunk_q + values, back_q, bytes);
  TRY(pass_draw(bench->pass, bench->chunk_q, bench->images));
  for (int64_t b = 0; b < group->count; b++) {
    double sum = 0;
    for (int64_t k = 0; k < bench->image; k++) {
      const double d =
          (double)bench->images[b * bench->image + k] - (double)bench->images[(EVALUATE_GROUP + b) * bench->image + k];
      sum += d * d;
    }
    add_score(bench, b, SUM_BACK_PIXELS, sum / (double)bench->image / targets);
  }
  return STATUS_OK;
}

/* From the last target back to the anchor. A rollout that is lost on the way back has no score of it either. */
static enum status reverse(struct bench *bench, const struct evaluate_group *group) {
  const int64_t anchor = bench->task->protocol.anchor - bench->task->protocol.target_first, last = bench->targets - 1,
                values = EVALUATE_GROUP * bench->state;
  int64_t slot = 0;
  memcpy(bench->back_q, bench->q + last * values, (size_t)values * sizeof(float));
  memcpy(bench->back_p, bench->p + last * values, (size_t)values * sizeof(float));
  for (int64_t t = last; t >= anchor; t--) {
    for (int64_t b = 0; b < group->count; b++)
      if (!state_finite(bench, bench->back_q + slot * values, bench->back_p + slot * values, b)) bench->lost[b] = true;
    TRY(compare_back(bench, group, t, bench->back_q + slot * values, (double)(last - anchor + 1)));
    if (t == anchor) break;
    TRY(step(bench, -bench->task->dt, bench->back_q, bench->back_p, slot, 1 - slot));
    slot = 1 - slot;
  }
  for (int64_t b = 0; b < group->count; b++) {
    double difference = 0, size = 0;
    for (int64_t k = 0; k < bench->state; k++) {
      const int64_t i = anchor * values + b * bench->state + k, back = slot * values + b * bench->state + k;
      const double dq = (double)bench->back_q[back] - (double)bench->q[i],
                   dp = (double)bench->back_p[back] - (double)bench->p[i];
      difference += dq * dq + dp * dp;
      size += (double)bench->q[i] * (double)bench->q[i] + (double)bench->p[i] * (double)bench->p[i];
    }
    add_score(bench, b, SUM_BACK_STATE, size == 0 ? 0 : sqrt(difference / size));
    bench->counts[COUNT_REVERSED] += 1;
  }
  return STATUS_OK;
}

_Static_assert(EVALUATE_CHUNK == 2 * EVALUATE_GROUP, "a chunk holds a group there and back");

static void add_energy(struct bench *bench, int64_t b) {
  double mean = 0, square = 0;
  for (int64_t t = 0; t < bench->targets; t++) mean += bench->energy[t * EVALUATE_GROUP + b] / (double)bench->targets;
  for (int64_t t = 0; t < bench->targets; t++) {
    const double d = bench->energy[t * EVALUATE_GROUP + b] - mean;
    square += d * d / (double)bench->targets;
  }
  bench->counts[COUNT_H] += !isfinite(mean);
  add_score(bench, b, SUM_H, mean);
  add_score(bench, b, SUM_H2, mean * mean);
  add_score(bench, b, SUM_H_STD, sqrt(square));
  add_score(bench, b, SUM_H_DRIFT, fabs(bench->energy[(bench->targets - 1) * EVALUATE_GROUP + b] - bench->energy[b]));
}

/* Rollout by rollout, so that what both find hard drops out. */
static void add_excess(struct bench *bench, const struct evaluate_group *group, int64_t b, double unseen) {
  const struct evaluate_task *task = bench->task;
  const int64_t rollout = group->first + b;
  if (group->split != SPLIT_TEST || !task->attained || rollout >= task->attained_count) return;
  const double excess = unseen - task->attained[rollout];
  add_score(bench, b, SUM_EXCESS, excess);
  add_score(bench, b, SUM_EXCESS2, excess * excess);
  bench->counts[COUNT_PAIRED] += 1;
}

/* Errors of one rollout; the valid prediction time counts unseen targets after the anchor, all where none is unseen,
 * and ends where an error is not known. */
static void add_rollout(struct bench *bench, const struct evaluate_group *group, int64_t b, double kl) {
  const double *error = bench->error + b * bench->targets, *power = bench->power + b * bench->targets;
  const struct protocol *protocol = &bench->task->protocol;
  const int64_t anchor = protocol->anchor - protocol->target_first;
  const bool blind = bench->unseen > 0;
  double all = 0, unseen = 0;
  int64_t valid = 0;
  bool failed = false;
  for (int64_t t = 0; t < bench->targets; t++) {
    exact_add(&bench->sum[SUM_FRAMES + t], error[t]);
    all += error[t] / (double)bench->targets;
    const bool new = protocol_unseen(protocol, t);
    if (new) unseen += error[t];
    if (t < anchor || (blind && !new)) continue;
    failed = failed || !(error[t] <= VPT_THRESHOLD * power[t]);
    valid += !failed;
  }
  add_score(bench, b, SUM_MSE, all);
  add_score(bench, b, SUM_MSE2, all * all);
  if (blind) {
    unseen /= (double)bench->unseen;
    add_score(bench, b, SUM_UNSEEN, unseen);
    add_score(bench, b, SUM_UNSEEN2, unseen * unseen);
    add_excess(bench, group, b, unseen);
  }
  exact_add(&bench->sum[SUM_KL], kl); /* of the posterior alone, whatever was predicted from it */
  bench->counts[COUNT_KL] += !isfinite(kl);
  bench->counts[COUNT_ROLLOUTS] += 1;
  bench->counts[COUNT_VALID + valid] += 1;
}

static enum status run_group(struct bench *bench, const struct evaluate_group *group) {
  double kl[EVALUATE_GROUP];
  TRY(infer(bench, group, kl));
  TRY(unroll(bench));
  TRY(compare(bench, group));
  find_lost(bench, group);
  for (int64_t b = 0; b < group->count; b++) {
    add_rollout(bench, group, b, kl[b]);
    add_energy(bench, b);
  }
  return group->reversed ? reverse(bench, group) : STATUS_OK;
}

/* ---- All groups ---- */

static double standard_error(double mean, double mean_square, double n) {
  return n > 1 ? sqrt(finite_variance(mean_square - mean * mean) / (n - 1)) : NAN;
}

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

static enum status conclude(const struct bench *bench, struct evaluation *out) {
  const double n = (double)bench->counts[COUNT_ROLLOUTS], reversed = (double)bench->counts[COUNT_REVERSED],
               paired = (double)bench->counts[COUNT_PAIRED];
  double mean[SUM_FRAMES];
  for (int i = 0; i < SUM_FRAMES; i++) mean[i] = exact_value(&bench->sum[i]) / n;
  const double spread = sqrt(finite_variance(mean[SUM_H2] - mean[SUM_H] * mean[SUM_H]));
  *out = (struct evaluation){
      .mse = mean[SUM_MSE],
      .mse_error = standard_error(mean[SUM_MSE], mean[SUM_MSE2], n),
      .unseen = bench->unseen ? mean[SUM_UNSEEN] : NAN,
      .unseen_error = bench->unseen ? standard_error(mean[SUM_UNSEEN], mean[SUM_UNSEEN2], n) : NAN,
      .excess = paired > 0 ? mean[SUM_EXCESS] * n / paired : NAN,
      .excess_error = standard_error(mean[SUM_EXCESS] * n / paired, mean[SUM_EXCESS2] * n / paired, paired),
      .kl = mean[SUM_KL],
      .energy_variation = mean[SUM_H_STD] / spread,
      .energy_drift = mean[SUM_H_DRIFT] / spread,
      .reversal_state = reversed > 0 ? mean[SUM_BACK_STATE] * n / reversed : NAN,
      .reversal_pixels = reversed > 0 ? mean[SUM_BACK_PIXELS] * n / reversed : NAN,
      .vpt = median_of(bench->counts + COUNT_VALID, bench->targets + 1, bench->counts[COUNT_ROLLOUTS]),
      .rollouts = bench->counts[COUNT_ROLLOUTS],
      .frames = bench->targets,
      .frame_mse = malloc((size_t)bench->targets * sizeof *out->frame_mse)};
  REQUIRE(out->frame_mse, STATUS_MEMORY, "out of memory for an evaluation");
  name_broken(bench->counts, out);
  for (int64_t t = 0; t < bench->targets; t++) out->frame_mse[t] = exact_value(&bench->sum[SUM_FRAMES + t]) / n;
  return STATUS_OK;
}

enum status evaluate(const struct comm *comm, const struct model *model, const float *parameters, struct source *source,
                     const struct evaluate_task *task, const struct evaluate_set *set, struct evaluation *evaluation) {
  struct bench bench;
  *evaluation = (struct evaluation){.frame_mse = NULL};
  enum status status = open_bench(model, parameters, source, task, &bench);
  for (int64_t i = 0; i < set->count && status == STATUS_OK; i++) status = run_group(&bench, &set->group[i]);
  status = comm_agree(comm, status);
  if (status == STATUS_OK) status = reduce_exact(comm, bench.sum, (int)(SUM_FRAMES + bench.targets));
  if (status == STATUS_OK) status = reduce_sum(comm, bench.counts, COUNT_VALID + bench.targets + 1);
  if (status == STATUS_OK) status = comm_agree(comm, conclude(&bench, evaluation));
  close_bench(&bench);
  return status;
}

void evaluate_free(struct evaluation *evaluation) {
  free(evaluation->frame_mse);
  evaluation->frame_mse = NULL;
}
