#include "train/lane.h"

#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

static size_t element_size(const struct model *model) {
  return model->type == GRAPH_F64 ? sizeof(double) : sizeof(float);
}

static void *allocate(int64_t count, size_t element) {
  const size_t bytes = ((size_t)count * element + 63) / 64 * 64;
  void *memory = aligned_alloc(64, bytes ? bytes : 64);
  if (memory) memset(memory, 0, bytes);
  return memory;
}

/* Kept states of both directions from the anchor. */
static int64_t slots_of(int64_t frames, int64_t span) { return 2 * (frames / span + 1); }

/* All states are kept where they are few; of many, every so many frames one: about as many as are then computed again
 * at once. */
static int64_t span_of(int64_t frames, int64_t state_bytes, int64_t kept_bytes) {
  int64_t span = 1;
  if (2 * slots_of(frames, 1) * state_bytes <= kept_bytes) return 1;
  while (span * span < frames) span++;
  return span;
}

enum status lane_share(const struct model *model, struct pass *pass, struct source *source, int64_t size, int64_t chunk,
                       int64_t frames, int64_t kept_bytes, struct lane_shared **shared) {
  *shared = NULL;
  struct lane_shared *made = calloc(1, sizeof *made);
  REQUIRE(made, STATUS_MEMORY, "out of memory for a lane");
  const size_t element = element_size(model);
  const int64_t state = model_state_values(model), image = model_image_values(model);
  const int64_t span = span_of(frames, size * state * (int64_t)element, kept_bytes);
  *made = (struct lane_shared){.model = model,
                               .pass = pass,
                               .source = source,
                               .size = size,
                               .chunk = chunk,
                               .image = allocate(image * model->input_frames, sizeof(float)),
                               .frames = allocate(size * image * model->input_frames, element),
                               .noise = allocate(size * model_latents(model), element),
                               .q = allocate(chunk * state, element),
                               .target = allocate(chunk * image, element),
                               .adjoint = allocate(chunk * state, element),
                               .adjoint_q = allocate(size * state, element),
                               .adjoint_p = allocate(size * state, element),
                               .branch_q = allocate(size * state, element),
                               .branch_p = allocate(size * state, element),
                               .weight = allocate(chunk, sizeof(double)),
                               .error = allocate(chunk, sizeof(double)),
                               .span = span,
                               .span_q = allocate(span * size * state, element),
                               .span_p = allocate(span * size * state, element),
                               .drawn = allocate(frames * size, 1),
                               .place = allocate(chunk, sizeof(int64_t)),
                               .pick = allocate(frames, sizeof(int64_t))};
  *shared = made;
  const bool whole = made->image && made->frames && made->noise && made->q && made->target && made->adjoint &&
                     made->adjoint_q && made->adjoint_p && made->branch_q && made->branch_p && made->weight &&
                     made->error && made->span_q && made->span_p && made->drawn && made->place && made->pick;
  if (whole) return STATUS_OK;
  lane_unshare(shared);
  return status_raise(STATUS_MEMORY, "out of memory for a lane of %lld rollouts", (long long)size);
}

void lane_unshare(struct lane_shared **shared) {
  struct lane_shared *s = *shared;
  if (!s) return;
  void *const owned[] = {s->image,     s->frames,    s->noise,    s->q,        s->target, s->adjoint,
                         s->adjoint_q, s->adjoint_p, s->branch_q, s->branch_p, s->weight, s->error,
                         s->place,     s->pick,      s->span_q,   s->span_p,   s->drawn};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
  free(s);
  *shared = NULL;
}

enum status lane_create(struct lane_shared *shared, int64_t first, int64_t frames, struct lane *lane) {
  const size_t element = element_size(shared->model);
  const int64_t states = shared->size * model_state_values(shared->model), slots = slots_of(frames, shared->span);
  *lane = (struct lane){.shared = shared,
                        .first = first,
                        .frames = frames,
                        .q = allocate(frames * states, element),
                        .kept_q = allocate(slots * states, element),
                        .kept_p = allocate(slots * states, element),
                        .p = allocate(states, element),
                        .kl = allocate(shared->size, sizeof(double))};
  if (lane->q && lane->kept_q && lane->kept_p && lane->p && lane->kl) return STATUS_OK;
  lane_close(lane);
  return status_raise(STATUS_MEMORY, "out of memory for the states of %lld frames", (long long)frames);
}

void lane_close(struct lane *lane) {
  free(lane->q);
  free(lane->kept_q);
  free(lane->kept_p);
  free(lane->p);
  free(lane->kl);
  *lane = (struct lane){.shared = NULL};
}

/* ---- Arrays of the model's type ---- */

static void *at(const struct lane_shared *shared, void *array, int64_t index) {
  return (unsigned char *)array + (size_t)index * element_size(shared->model);
}

static void convert(const struct lane_shared *shared, const float *from, int64_t count, void *to) {
  if (shared->model->type == GRAPH_F64)
    for (int64_t i = 0; i < count; i++) ((double *)to)[i] = (double)from[i];
  else
    memcpy(to, from, (size_t)count * sizeof *from);
}

static void add_to(const struct lane_shared *shared, void *sum, const void *term, int64_t count) {
  if (shared->model->type == GRAPH_F64)
    for (int64_t i = 0; i < count; i++) ((double *)sum)[i] += ((const double *)term)[i];
  else
    for (int64_t i = 0; i < count; i++) ((float *)sum)[i] += ((const float *)term)[i];
}

static int64_t state_count(const struct lane_shared *shared) {
  return shared->size * model_state_values(shared->model);
}

/* The states of all the lane's rollouts at a target. */
static void *states_at(const struct lane *lane, void *array, int64_t target) {
  return at(lane->shared, array, target * state_count(lane->shared));
}

/* The kept states `steps` steps from the anchor, forward (toward 1) or backward in time (-1). */
static void *kept_at(const struct lane *lane, void *array, int64_t toward, int64_t steps) {
  const int64_t span = lane->shared->span, slot = steps / span + (toward > 0 ? 0 : slots_of(lane->frames, span) / 2);
  return at(lane->shared, array, slot * state_count(lane->shared));
}

static void copy_states(const struct lane_shared *shared, void *to, const void *from) {
  memcpy(to, from, (size_t)state_count(shared) * element_size(shared->model));
}

/* Steps from the anchor to the last target (toward 1) or the first (-1). */
static int64_t steps_toward(const struct lane_task *task, int64_t toward) {
  const int64_t anchor = task->protocol.anchor - task->protocol.target_first;
  return toward > 0 ? task->protocol.target_count - 1 - anchor : anchor;
}

/* ---- Forward ---- */

static enum status read_inputs(struct lane *lane, const struct lane_task *task) {
  struct lane_shared *shared = lane->shared;
  const int64_t values = model_image_values(shared->model) * task->protocol.input_count;
  for (int64_t b = 0; b < shared->size; b++) {
    TRY(source_stack(shared->source, SPLIT_TRAIN, lane->rollouts[b], task->protocol.input_first,
                     task->protocol.input_count, shared->image));
    convert(shared, shared->image, values, at(shared, shared->frames, b * values));
  }
  return STATUS_OK;
}

/* A rollout's noise is a function of the step and its place in the batch. */
static void draw_noise(struct lane *lane, const struct lane_task *task) {
  struct lane_shared *shared = lane->shared;
  const int64_t latents = model_latents(shared->model);
  for (int64_t b = 0; b < shared->size && latents > 0; b++) {
    struct rng rng = rng_stream(task->seed, RNG_LATENT, (uint64_t)task->step, (uint32_t)(lane->first + b));
    if (shared->model->type == GRAPH_F64)
      rng_normal(&rng, (double *)shared->noise + b * latents, (int)latents);
    else
      rng_normal_f32(&rng, (float *)shared->noise + b * latents, (int)latents);
  }
}

/* Unrolls from the anchor; keeps all q, and (q, p) once every span. */
static enum status unroll(struct lane *lane, const struct lane_task *task, int64_t toward) {
  struct lane_shared *shared = lane->shared;
  const int64_t anchor = task->protocol.anchor - task->protocol.target_first, steps = steps_toward(task, toward);
  void *p = shared->adjoint_p, *next = shared->branch_p; /* both are free until lane_unroll_back() */
  copy_states(shared, p, lane->p);
  for (int64_t k = 0; k < steps; k++) {
    void *q = states_at(lane, lane->q, anchor + toward * k), *held = p;
    if (k % shared->span == 0) {
      copy_states(shared, kept_at(lane, lane->kept_q, toward, k), q);
      copy_states(shared, kept_at(lane, lane->kept_p, toward, k), p);
    }
    TRY(pass_step(shared->pass, (double)toward * task->dt, q, p, states_at(lane, lane->q, anchor + toward * (k + 1)),
                  next));
    p = next;
    next = held;
  }
  return STATUS_OK;
}

enum status lane_encode(struct lane *lane, const struct lane_task *task) {
  struct lane_shared *shared = lane->shared;
  const int64_t anchor = task->protocol.anchor - task->protocol.target_first;
  TRY(read_inputs(lane, task));
  draw_noise(lane, task);
  return pass_infer(shared->pass, shared->frames, shared->noise, states_at(lane, lane->q, anchor), lane->p, lane->kl);
}

enum status lane_unroll(struct lane *lane, const struct lane_task *task) {
  TRY(unroll(lane, task, 1));
  return unroll(lane, task, -1);
}

/* ---- The decoder, forward and backward ---- */

int64_t lane_frames(int64_t frames_per_rollout, int64_t targets) {
  return frames_per_rollout > 0 && frames_per_rollout < targets ? frames_per_rollout : targets;
}

static int64_t frames_drawn(const struct lane_task *task) {
  return lane_frames(task->frames_per_rollout, task->protocol.target_count);
}

/* A random subset, uniform: the first `count` of a shuffled deck. */
static void choose_frames(struct lane *lane, const struct lane_task *task, int64_t rollout) {
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

static enum status fill_chunk(struct lane *lane, const struct lane_task *task, int64_t target, int64_t rollout,
                              int64_t *used) {
  struct lane_shared *shared = lane->shared;
  const int64_t state = model_state_values(shared->model), image = model_image_values(shared->model);
  const int64_t place = target * shared->size + rollout;
  TRY(source_frames(shared->source, SPLIT_TRAIN, lane->rollouts[rollout], task->protocol.target_first + target, 1,
                    shared->image));
  convert(shared, shared->image, image, at(shared, shared->target, *used * image));
  memcpy(at(shared, shared->q, *used * state), at(shared, lane->q, place * state),
         (size_t)state * element_size(shared->model));
  shared->place[(*used)++] = place;
  return STATUS_OK;
}

/* Images that are not used are zero and have no weight. (What a step that diverged has left there would not be silenced
 * by a weight of 0.) */
static void blank_rest(struct lane_shared *shared, int64_t used) {
  const int64_t state = model_state_values(shared->model), image = model_image_values(shared->model);
  const size_t rest = (size_t)(shared->chunk - used) * element_size(shared->model);
  memset(at(shared, shared->q, used * state), 0, rest * (size_t)state);
  memset(at(shared, shared->target, used * image), 0, rest * (size_t)image);
}

/* A q is needed no more once it is drawn: its adjoint takes its place. */
static enum status draw_chunk(struct lane *lane, double weight, int64_t *used, double *error, void *gradient) {
  struct lane_shared *shared = lane->shared;
  const int64_t state = model_state_values(shared->model);
  for (int64_t i = 0; i < shared->chunk; i++) shared->weight[i] = i < *used ? weight : 0;
  blank_rest(shared, *used);
  TRY(pass_draw_gradient(shared->pass, shared->q, shared->target, shared->weight, shared->error, shared->adjoint,
                         gradient));
  for (int64_t i = 0; i < *used; i++) {
    *error += shared->error[i];
    memcpy(at(shared, lane->q, shared->place[i] * state), at(shared, shared->adjoint, i * state),
           (size_t)state * element_size(shared->model));
    shared->drawn[shared->place[i]] = 1;
  }
  *used = 0;
  return STATUS_OK;
}

static enum status draw_all(struct lane *lane, const struct lane_task *task, double weight, double *error,
                            void *gradient, lane_poll *poll, void *context) {
  struct lane_shared *shared = lane->shared;
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

enum status lane_draw(struct lane *lane, const struct lane_task *task, struct lane_loss *loss, void *gradient,
                      lane_poll *poll, void *context) {
  struct lane_shared *shared = lane->shared;
  const double images = (double)(task->batch * frames_drawn(task)), pixels = (double)model_image_values(shared->model);
  double error = 0, kl = 0;
  const int64_t state = model_state_values(shared->model), places = task->protocol.target_count * shared->size;
  memset(shared->drawn, 0, (size_t)places);
  enum status status = draw_all(lane, task, task->error_weight / (images * pixels), &error, gradient, poll, context);
  for (int64_t place = 0; place < places; place++)
    if (!shared->drawn[place])
      memset(at(shared, lane->q, place * state), 0, (size_t)state * element_size(shared->model));
  for (int64_t b = 0; b < shared->size; b++) kl += lane->kl[b];
  loss->error = error / (images * pixels);
  loss->kl = kl / ((double)(task->batch * task->protocol.target_count) * pixels);
  return status;
}

/* ---- Backward ---- */

/* The states of steps base..end-1 from the anchor, again. */
static enum status unroll_span(struct lane *lane, const struct lane_task *task, int64_t toward, int64_t base,
                               int64_t end) {
  struct lane_shared *shared = lane->shared;
  copy_states(shared, shared->span_q, kept_at(lane, lane->kept_q, toward, base));
  copy_states(shared, shared->span_p, kept_at(lane, lane->kept_p, toward, base));
  for (int64_t i = 0; base + i + 1 < end; i++)
    TRY(pass_step(shared->pass, (double)toward * task->dt, states_at(lane, shared->span_q, i),
                  states_at(lane, shared->span_p, i), states_at(lane, shared->span_q, i + 1),
                  states_at(lane, shared->span_p, i + 1)));
  return STATUS_OK;
}

/* From the far end to the anchor; leaves the adjoint there without the anchor's own. */
static enum status sweep(struct lane *lane, const struct lane_task *task, int64_t toward, void *q, void *p,
                         void *gradient, lane_poll *poll, void *context) {
  struct lane_shared *shared = lane->shared;
  const int64_t anchor = task->protocol.anchor - task->protocol.target_first, count = state_count(shared);
  const int64_t steps = steps_toward(task, toward), span = shared->span;
  memset(q, 0, (size_t)count * element_size(shared->model));
  memset(p, 0, (size_t)count * element_size(shared->model));
  for (int64_t base = steps > 0 ? (steps - 1) / span * span : -1; base >= 0; base -= span) {
    const int64_t end = base + span < steps ? base + span : steps;
    TRY(unroll_span(lane, task, toward, base, end));
    for (int64_t k = end; k > base; k--) {
      add_to(shared, q, states_at(lane, lane->q, anchor + toward * k), count);
      TRY(pass_step_gradient(shared->pass, (double)toward * task->dt, states_at(lane, shared->span_q, k - 1 - base),
                             states_at(lane, shared->span_p, k - 1 - base), q, p, gradient));
      if (poll) poll(context);
    }
  }
  return STATUS_OK;
}

/* Leaves the adjoints at the anchor in the places of the anchor's q and p. */
enum status lane_unroll_back(struct lane *lane, const struct lane_task *task, void *gradient, lane_poll *poll,
                             void *context) {
  struct lane_shared *shared = lane->shared;
  const int64_t anchor = task->protocol.anchor - task->protocol.target_first, count = state_count(shared);
  TRY(sweep(lane, task, 1, shared->adjoint_q, shared->adjoint_p, gradient, poll, context));
  TRY(sweep(lane, task, -1, shared->branch_q, shared->branch_p, gradient, poll, context));
  add_to(shared, shared->adjoint_q, shared->branch_q, count);
  add_to(shared, shared->adjoint_p, shared->branch_p, count);
  add_to(shared, states_at(lane, lane->q, anchor), shared->adjoint_q, count);
  copy_states(shared, lane->p, shared->adjoint_p);
  return STATUS_OK;
}

enum status lane_encode_back(struct lane *lane, const struct lane_task *task, void *gradient) {
  struct lane_shared *shared = lane->shared;
  const int64_t anchor = task->protocol.anchor - task->protocol.target_first;
  const double values = (double)(task->batch * task->protocol.target_count * model_image_values(shared->model));
  TRY(read_inputs(lane, task));
  draw_noise(lane, task);
  return pass_infer_gradient(shared->pass, shared->frames, shared->noise, states_at(lane, lane->q, anchor), lane->p,
                             task->kl_weight / values, gradient);
}
