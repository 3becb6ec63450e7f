#include "train/hgn_lane.h"

#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

static size_t element_size(const struct model *model) {
  return model->type == GRAPH_F64 ? sizeof(double) : sizeof(float);
}

/* Kept states of both directions from the anchor. */
static int64_t slots_of(int64_t frames, int64_t span) { return 2 * (frames / span + 1); }

/* All states are kept where they are few; of many, every so many frames one:
 * about as many as are then computed again at once. */
static int64_t span_of(int64_t frames, int64_t state_bytes, int64_t kept_bytes) {
  int64_t span = 1;
  if (2 * slots_of(frames, 1) * state_bytes <= kept_bytes) return 1;
  while (span * span < frames) span++;
  return span;
}

enum status hgn_lane_share(const struct model *model, struct pass *pass, struct source *source, int64_t size,
                           int64_t chunk, int64_t frames, int64_t kept_bytes, struct hgn_shared **shared) {
  *shared = NULL;
  struct hgn_shared *made = calloc(1, sizeof *made);
  REQUIRE(made, STATUS_MEMORY, "out of memory for a lane");
  const size_t element = element_size(model);
  const int64_t state = model_state_values(model), image = model_image_values(model);
  const int64_t span = span_of(frames, size * state * (int64_t)element, kept_bytes);
  struct arena arena = {.last = NULL};
  *made = (struct hgn_shared){.model = model,
                              .pass = pass,
                              .source = source,
                              .size = size,
                              .chunk = chunk,
                              .image = arena_array(&arena, image * model->input_frames, sizeof(float)),
                              .frames = arena_array(&arena, size * image * model->input_frames, element),
                              .noise = arena_array(&arena, size * model_latents(model), element),
                              .q = arena_array(&arena, chunk * state, element),
                              .target = arena_array(&arena, chunk * image, element),
                              .adjoint = arena_array(&arena, chunk * state, element),
                              .adjoint_q = arena_array(&arena, size * state, element),
                              .adjoint_p = arena_array(&arena, size * state, element),
                              .branch_q = arena_array(&arena, size * state, element),
                              .branch_p = arena_array(&arena, size * state, element),
                              .weight = arena_array(&arena, chunk, sizeof(double)),
                              .error = arena_array(&arena, chunk, sizeof(double)),
                              .span = span,
                              .span_q = arena_array(&arena, span * size * state, element),
                              .span_p = arena_array(&arena, span * size * state, element),
                              .drawn = arena_array(&arena, frames * size, 1),
                              .place = arena_array(&arena, chunk, sizeof(int64_t)),
                              .pick = arena_array(&arena, frames, sizeof(int64_t))};
  made->arena = arena;
  *shared = made;
  enum status status = arena_check(&arena, "a lane's share of the model");
  if (status != STATUS_OK) hgn_lane_unshare(shared);
  return status;
}

void hgn_lane_unshare(struct hgn_shared **shared) {
  if (!*shared) return;
  arena_free(&(*shared)->arena);
  free(*shared);
  *shared = NULL;
}

enum status hgn_lane_create(struct hgn_shared *shared, int64_t first, int64_t frames, struct hgn_lane *lane) {
  const size_t element = element_size(shared->model);
  const int64_t states = shared->size * model_state_values(shared->model), slots = slots_of(frames, shared->span);
  struct arena arena = {.last = NULL};
  *lane = (struct hgn_lane){.shared = shared,
                            .first = first,
                            .frames = frames,
                            .path = arena_array(&arena, frames * states, element),
                            .kept_q = arena_array(&arena, slots * states, element),
                            .kept_p = arena_array(&arena, slots * states, element),
                            .p = arena_array(&arena, states, element),
                            .kl = arena_array(&arena, shared->size, sizeof(double))};
  lane->arena = arena;
  enum status status = arena_check(&arena, "the states of a lane");
  if (status != STATUS_OK) hgn_lane_close(lane);
  return status;
}

void hgn_lane_close(struct hgn_lane *lane) {
  arena_free(&lane->arena);
  *lane = (struct hgn_lane){.shared = NULL};
}

/* ---- Arrays of the model's type ---- */

static void *at(const struct hgn_shared *shared, void *array, int64_t index) {
  return (unsigned char *)array + (size_t)index * element_size(shared->model);
}

static void convert(const struct hgn_shared *shared, const float *from, int64_t count, void *to) {
  if (shared->model->type == GRAPH_F64)
    for (int64_t i = 0; i < count; i++) ((double *)to)[i] = (double)from[i];
  else
    memcpy(to, from, (size_t)count * sizeof *from);
}

static void add_to(const struct hgn_shared *shared, void *sum, const void *term, int64_t count) {
  if (shared->model->type == GRAPH_F64)
    for (int64_t i = 0; i < count; i++) ((double *)sum)[i] += ((const double *)term)[i];
  else
    for (int64_t i = 0; i < count; i++) ((float *)sum)[i] += ((const float *)term)[i];
}

static int64_t state_count(const struct hgn_shared *shared) { return shared->size * model_state_values(shared->model); }

/* Of all the lane's rollouts, the `index`-th of an array of states. */
static void *states_at(const struct hgn_lane *lane, void *array, int64_t index) {
  return at(lane->shared, array, index * state_count(lane->shared));
}

/* The two lives of a place on the path: q at a target until it is drawn, then dL/dq of what was drawn there. */
static void *position_at(const struct hgn_lane *lane, int64_t target) { return states_at(lane, lane->path, target); }
static void *cotangent_at(const struct hgn_lane *lane, int64_t target) { return states_at(lane, lane->path, target); }

/* The kept states `steps` steps from the anchor, forward (toward 1) or backward in time (-1). */
static void *kept_at(const struct hgn_lane *lane, void *array, int64_t toward, int64_t steps) {
  const int64_t span = lane->shared->span, slot = steps / span + (toward > 0 ? 0 : slots_of(lane->frames, span) / 2);
  return at(lane->shared, array, slot * state_count(lane->shared));
}

static void copy_states(const struct hgn_shared *shared, void *to, const void *from) {
  memcpy(to, from, (size_t)state_count(shared) * element_size(shared->model));
}

/* Steps from the anchor to the last target (toward 1) or the first (-1). */
static int64_t steps_toward(const struct hgn_task *task, int64_t toward) {
  const int64_t anchor = protocol_anchor(&task->protocol);
  return toward > 0 ? task->protocol.target_count - 1 - anchor : anchor;
}

/* ---- Forward ---- */

static enum status read_frames(struct hgn_lane *lane, const struct hgn_task *task) {
  struct hgn_shared *shared = lane->shared;
  const int64_t values = model_image_values(shared->model) * task->protocol.input_count;
  for (int64_t b = 0; b < shared->size; b++) {
    TRY(source_stack(shared->source, SPLIT_TRAIN, lane->rollouts[b], task->protocol.input_first,
                     task->protocol.input_count, shared->image));
    convert(shared, shared->image, values, at(shared, shared->frames, b * values));
  }
  return STATUS_OK;
}

/* A rollout's noise is a function of the step and its place in the batch. */
static void draw_noise(struct hgn_lane *lane, const struct hgn_task *task) {
  struct hgn_shared *shared = lane->shared;
  const int64_t latents = model_latents(shared->model);
  for (int64_t b = 0; b < shared->size && latents > 0; b++) {
    struct rng rng = rng_stream(task->seed, RNG_LATENT, (uint64_t)task->step, (uint32_t)(lane->first + b));
    if (shared->model->type == GRAPH_F64)
      rng_normal(&rng, (double *)shared->noise + b * latents, (int)latents);
    else
      rng_normal_f32(&rng, (float *)shared->noise + b * latents, (int)latents);
  }
}

static enum status make_inputs(struct hgn_lane *lane, const struct hgn_task *task) {
  lane->shared->holds = NULL;
  TRY(read_frames(lane, task));
  draw_noise(lane, task);
  lane->shared->holds = lane;
  return STATUS_OK;
}

/* Unrolls from the anchor; keeps all q, and (q, p) once every span. */
static enum status unroll(struct hgn_lane *lane, const struct hgn_task *task, int64_t toward) {
  struct hgn_shared *shared = lane->shared;
  const int64_t anchor = protocol_anchor(&task->protocol), steps = steps_toward(task, toward);
  void *p = shared->adjoint_p, *next = shared->branch_p; /* both are free until hgn_lane_unroll_back() */
  copy_states(shared, p, lane->p);
  for (int64_t k = 0; k < steps; k++) {
    void *q = position_at(lane, anchor + toward * k), *held = p;
    if (k % shared->span == 0) {
      copy_states(shared, kept_at(lane, lane->kept_q, toward, k), q);
      copy_states(shared, kept_at(lane, lane->kept_p, toward, k), p);
    }
    TRY(pass_step(shared->pass, (double)toward * task->dt, q, p, position_at(lane, anchor + toward * (k + 1)), next));
    p = next;
    next = held;
  }
  return STATUS_OK;
}

enum status hgn_lane_encode(struct hgn_lane *lane, const struct hgn_task *task) {
  struct hgn_shared *shared = lane->shared;
  const int64_t anchor = protocol_anchor(&task->protocol);
  TRY(make_inputs(lane, task));
  return pass_infer(shared->pass, shared->frames, shared->noise, position_at(lane, anchor), lane->p, lane->kl);
}

enum status hgn_lane_unroll(struct hgn_lane *lane, const struct hgn_task *task) {
  TRY(unroll(lane, task, 1));
  return unroll(lane, task, -1);
}

/* ---- The decoder, forward and backward ---- */

int64_t hgn_lane_frames(int64_t frames_per_rollout, int64_t targets) {
  return frames_per_rollout > 0 && frames_per_rollout < targets ? frames_per_rollout : targets;
}

static int64_t frames_drawn(const struct hgn_task *task) {
  return hgn_lane_frames(task->frames_per_rollout, task->protocol.target_count);
}

/* A random subset, uniform: the first `count` of a shuffled deck. */
static void choose_frames(struct hgn_lane *lane, const struct hgn_task *task, int64_t rollout) {
  const int64_t all = task->protocol.target_count, count = frames_drawn(task);
  int64_t *pick = lane->shared->pick;
  for (int64_t i = 0; i < all; i++) pick[i] = i;
  if (count == all) return;
  struct rng rng = rng_stream(task->seed, RNG_FRAMES, (uint64_t)task->step, (uint32_t)(lane->first + rollout));
  for (int64_t i = 0; i < count; i++) {
    const int64_t j = i + (int64_t)rng_below(&rng, (uint64_t)(all - i)), held = pick[i];
    pick[i] = pick[j];
    pick[j] = held;
  }
}

static enum status fill_chunk(struct hgn_lane *lane, const struct hgn_task *task, int64_t target, int64_t rollout,
                              int64_t *used) {
  struct hgn_shared *shared = lane->shared;
  const int64_t state = model_state_values(shared->model), image = model_image_values(shared->model);
  const int64_t place = target * shared->size + rollout;
  TRY(source_frames(shared->source, SPLIT_TRAIN, lane->rollouts[rollout], task->protocol.target_first + target, 1,
                    shared->image));
  convert(shared, shared->image, image, at(shared, shared->target, *used * image));
  memcpy(at(shared, shared->q, *used * state), at(shared, lane->path, place * state),
         (size_t)state * element_size(shared->model));
  shared->place[(*used)++] = place;
  return STATUS_OK;
}

/* Images that are not used are zero and have no weight. (What a step that diverged has left there would not be silenced
 * by a weight of 0.) */
static void blank_rest(struct hgn_shared *shared, int64_t used) {
  const int64_t state = model_state_values(shared->model), image = model_image_values(shared->model);
  const size_t rest = (size_t)(shared->chunk - used) * element_size(shared->model);
  memset(at(shared, shared->q, used * state), 0, rest * (size_t)state);
  memset(at(shared, shared->target, used * image), 0, rest * (size_t)image);
}

/* A q is needed no more once it is drawn: its adjoint takes its place. */
static enum status draw_chunk(struct hgn_lane *lane, double weight, int64_t *used, double *error, void *gradient) {
  struct hgn_shared *shared = lane->shared;
  const int64_t state = model_state_values(shared->model);
  for (int64_t i = 0; i < shared->chunk; i++) shared->weight[i] = i < *used ? weight : 0;
  blank_rest(shared, *used);
  TRY(pass_draw_gradient(shared->pass, shared->q, shared->target, shared->weight, shared->error, shared->adjoint,
                         gradient));
  for (int64_t i = 0; i < *used; i++) {
    *error += shared->error[i];
    memcpy(at(shared, lane->path, shared->place[i] * state), at(shared, shared->adjoint, i * state),
           (size_t)state * element_size(shared->model));
    shared->drawn[shared->place[i]] = 1;
  }
  *used = 0;
  return STATUS_OK;
}

static enum status draw_all(struct hgn_lane *lane, const struct hgn_task *task, double weight, double *error,
                            void *gradient, learner_poll *poll, void *context) {
  struct hgn_shared *shared = lane->shared;
  int64_t used = 0;
  for (int64_t b = 0; b < shared->size; b++) {
    choose_frames(lane, task, b);
    for (int64_t i = 0; i < frames_drawn(task); i++) {
      TRY(fill_chunk(lane, task, shared->pick[i], b, &used));
      if (used < shared->chunk) continue;
      TRY(draw_chunk(lane, weight, &used, error, gradient));
      if (poll) poll(context);
    }
  }
  return used ? draw_chunk(lane, weight, &used, error, gradient) : STATUS_OK;
}

enum status hgn_lane_draw(struct hgn_lane *lane, const struct hgn_task *task, struct hgn_loss *loss, void *gradient,
                          learner_poll *poll, void *context) {
  struct hgn_shared *shared = lane->shared;
  const double images = (double)(task->batch * frames_drawn(task)), pixels = (double)model_image_values(shared->model);
  double error = 0, kl = 0, charged = 0;
  const int64_t state = model_state_values(shared->model), places = task->protocol.target_count * shared->size;
  memset(shared->drawn, 0, (size_t)places);
  enum status status = draw_all(lane, task, task->error_weight / (images * pixels), &error, gradient, poll, context);
  for (int64_t place = 0; place < places; place++)
    if (!shared->drawn[place])
      memset(at(shared, lane->path, place * state), 0, (size_t)state * element_size(shared->model));
  for (int64_t b = 0; b < shared->size; b++) {
    kl += lane->kl[b];
    charged += lane->kl[b] < task->free_kl ? task->free_kl : lane->kl[b];
  }
  const double values = (double)(task->batch * task->protocol.target_count) * pixels;
  *loss = (struct hgn_loss){error / (images * pixels), kl / values, charged / values};
  return status;
}

/* ---- Backward ---- */

/* The states of steps base..end-1 from the anchor, again. */
static enum status unroll_span(struct hgn_lane *lane, const struct hgn_task *task, int64_t toward, int64_t base,
                               int64_t end) {
  struct hgn_shared *shared = lane->shared;
  copy_states(shared, shared->span_q, kept_at(lane, lane->kept_q, toward, base));
  copy_states(shared, shared->span_p, kept_at(lane, lane->kept_p, toward, base));
  for (int64_t i = 0; base + i + 1 < end; i++)
    TRY(pass_step(shared->pass, (double)toward * task->dt, states_at(lane, shared->span_q, i),
                  states_at(lane, shared->span_p, i), states_at(lane, shared->span_q, i + 1),
                  states_at(lane, shared->span_p, i + 1)));
  return STATUS_OK;
}

/* The adjoint of unrolling one way: from the far end to the anchor, where it is left without the anchor's own. */
static enum status carry_back(struct hgn_lane *lane, const struct hgn_task *task, int64_t toward, void *q, void *p,
                              void *gradient, learner_poll *poll, void *context) {
  struct hgn_shared *shared = lane->shared;
  const int64_t anchor = protocol_anchor(&task->protocol), count = state_count(shared);
  const int64_t steps = steps_toward(task, toward), span = shared->span;
  memset(q, 0, (size_t)count * element_size(shared->model));
  memset(p, 0, (size_t)count * element_size(shared->model));
  for (int64_t base = steps > 0 ? (steps - 1) / span * span : -1; base >= 0; base -= span) {
    const int64_t end = base + span < steps ? base + span : steps;
    TRY(unroll_span(lane, task, toward, base, end));
    for (int64_t k = end; k > base; k--) {
      add_to(shared, q, cotangent_at(lane, anchor + toward * k), count);
      TRY(pass_step_gradient(shared->pass, (double)toward * task->dt, states_at(lane, shared->span_q, k - 1 - base),
                             states_at(lane, shared->span_p, k - 1 - base), q, p, gradient));
      if (poll) poll(context);
    }
  }
  return STATUS_OK;
}

/* Leaves the adjoints at the anchor in the places of the anchor's q and p. */
enum status hgn_lane_unroll_back(struct hgn_lane *lane, const struct hgn_task *task, void *gradient, learner_poll *poll,
                                 void *context) {
  struct hgn_shared *shared = lane->shared;
  const int64_t anchor = protocol_anchor(&task->protocol), count = state_count(shared);
  TRY(carry_back(lane, task, 1, shared->adjoint_q, shared->adjoint_p, gradient, poll, context));
  TRY(carry_back(lane, task, -1, shared->branch_q, shared->branch_p, gradient, poll, context));
  add_to(shared, shared->adjoint_q, shared->branch_q, count);
  add_to(shared, shared->adjoint_p, shared->branch_p, count);
  add_to(shared, cotangent_at(lane, anchor), shared->adjoint_q, count);
  copy_states(shared, lane->p, shared->adjoint_p);
  return STATUS_OK;
}

enum status hgn_lane_encode_back(struct hgn_lane *lane, const struct hgn_task *task, void *gradient) {
  struct hgn_shared *shared = lane->shared;
  const int64_t anchor = protocol_anchor(&task->protocol);
  const double values = (double)(task->batch * task->protocol.target_count * model_image_values(shared->model));
  if (shared->holds != lane) TRY(make_inputs(lane, task)); /* another lane's have taken their place */
  for (int64_t b = 0; b < shared->size; b++) lane->kl[b] = lane->kl[b] < task->free_kl ? 0 : task->kl_weight / values;
  return pass_infer_gradient(shared->pass, shared->frames, shared->noise, cotangent_at(lane, anchor), lane->p, lane->kl,
                             gradient);
}
