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

enum status lane_share(const struct model *model, struct pass *pass, struct source *source, int64_t size, int64_t chunk,
                       int64_t frames, struct lane_shared **shared) {
  *shared = NULL;
  struct lane_shared *made = calloc(1, sizeof *made);
  REQUIRE(made, STATUS_MEMORY, "out of memory for a lane");
  const size_t element = element_size(model);
  const int64_t state = model_state_values(model), image = model_image_values(model);
  *made = (struct lane_shared){.model = model,
                               .pass = pass,
                               .source = source,
                               .size = size,
                               .chunk = chunk,
                               .image = allocate(image, sizeof(float)),
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
                               .place = allocate(chunk, sizeof(int64_t)),
                               .pick = allocate(frames, sizeof(int64_t))};
  *shared = made;
  const bool whole = made->image && made->frames && made->noise && made->q && made->target && made->adjoint &&
                     made->adjoint_q && made->adjoint_p && made->branch_q && made->branch_p && made->weight &&
                     made->error && made->place && made->pick;
  if (whole) return STATUS_OK;
  lane_unshare(shared);
  return status_raise(STATUS_MEMORY, "out of memory for a lane of %lld rollouts", (long long)size);
}

void lane_unshare(struct lane_shared **shared) {
  struct lane_shared *s = *shared;
  if (!s) return;
  void *const owned[] = {s->image,     s->frames,   s->noise,    s->q,      s->target, s->adjoint, s->adjoint_q,
                         s->adjoint_p, s->branch_q, s->branch_p, s->weight, s->error,  s->place,   s->pick};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
  free(s);
  *shared = NULL;
}

enum status lane_create(struct lane_shared *shared, int64_t first, int64_t frames, struct lane *lane) {
  const size_t element = element_size(shared->model);
  const int64_t values = frames * shared->size * model_state_values(shared->model);
  *lane = (struct lane){.shared = shared,
                        .first = first,
                        .frames = frames,
                        .q = allocate(values, element),
                        .p = allocate(values, element),
                        .adjoint = allocate(values, element),
                        .kl = allocate(shared->size, sizeof(double))};
  if (lane->q && lane->p && lane->adjoint && lane->kl) return STATUS_OK;
  lane_close(lane);
  return status_raise(STATUS_MEMORY, "out of memory for the states of %lld frames", (long long)frames);
}

void lane_close(struct lane *lane) {
  free(lane->q);
  free(lane->p);
  free(lane->adjoint);
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

/* ---- Forward ---- */

/* Frames become channels: pixel by pixel, frame by frame. */
static enum status read_inputs(struct lane *lane, const struct lane_task *task) {
  struct lane_shared *shared = lane->shared;
  const int64_t channels = shared->model->images.channels, frames = task->protocol.input_count;
  const int64_t pixels = shared->model->images.height * shared->model->images.width;
  for (int64_t b = 0; b < shared->size; b++)
    for (int64_t f = 0; f < frames; f++) {
      TRY(source_frames(shared->source, SPLIT_TRAIN, lane->rollouts[b], task->protocol.input_first + f, 1,
                        shared->image));
      for (int64_t i = 0; i < pixels; i++)
        convert(shared, shared->image + i * channels, channels,
                at(shared, shared->frames, ((b * pixels + i) * frames + f) * channels));
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

enum status lane_forward(struct lane *lane, const struct lane_task *task) {
  struct lane_shared *shared = lane->shared;
  const struct protocol *protocol = &task->protocol;
  const int64_t anchor = protocol->anchor - protocol->target_first;
  TRY(read_inputs(lane, task));
  draw_noise(lane, task);
  TRY(pass_infer(shared->pass, shared->frames, shared->noise, states_at(lane, lane->q, anchor),
                 states_at(lane, lane->p, anchor), lane->kl));
  for (int64_t t = anchor; t + 1 < protocol->target_count; t++)
    TRY(pass_step(shared->pass, task->dt, states_at(lane, lane->q, t), states_at(lane, lane->p, t),
                  states_at(lane, lane->q, t + 1), states_at(lane, lane->p, t + 1)));
  for (int64_t t = anchor; t > 0; t--)
    TRY(pass_step(shared->pass, -task->dt, states_at(lane, lane->q, t), states_at(lane, lane->p, t),
                  states_at(lane, lane->q, t - 1), states_at(lane, lane->p, t - 1)));
  return STATUS_OK;
}

/* ---- The decoder, forward and backward ---- */

static int64_t frames_drawn(const struct lane_task *task) {
  const int64_t all = task->protocol.target_count;
  return task->frames_per_rollout > 0 && task->frames_per_rollout < all ? task->frames_per_rollout : all;
}

int64_t lane_images(const struct lane_task *task, int64_t size) { return size * frames_drawn(task); }

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

/* Images that are not used have no weight, and the content of the chunk before. */
static enum status draw_chunk(struct lane *lane, double weight, int64_t *used, double *error, void *gradient) {
  struct lane_shared *shared = lane->shared;
  const int64_t state = model_state_values(shared->model);
  for (int64_t i = 0; i < shared->chunk; i++) shared->weight[i] = i < *used ? weight : 0;
  TRY(pass_draw_gradient(shared->pass, shared->q, shared->target, shared->weight, shared->error, shared->adjoint,
                         gradient));
  for (int64_t i = 0; i < *used; i++) {
    *error += shared->error[i];
    memcpy(at(shared, lane->adjoint, shared->place[i] * state), at(shared, shared->adjoint, i * state),
           (size_t)state * element_size(shared->model));
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
  memset(lane->adjoint, 0, (size_t)(task->protocol.target_count * state_count(shared)) * element_size(shared->model));
  enum status status = draw_all(lane, task, task->error_weight / (images * pixels), &error, gradient, poll, context);
  for (int64_t b = 0; b < shared->size; b++) kl += lane->kl[b];
  loss->error = error / (images * pixels);
  loss->kl = kl / ((double)(task->batch * task->protocol.target_count) * pixels);
  return status;
}

/* ---- Backward ---- */

/* From the far end of one arm to the anchor; leaves the adjoint there without the anchor's own. */
static enum status sweep(struct lane *lane, const struct lane_task *task, int64_t from, int64_t anchor, void *q,
                         void *p, void *gradient, lane_poll *poll, void *context) {
  struct lane_shared *shared = lane->shared;
  const int64_t toward = from > anchor ? -1 : 1, count = state_count(shared);
  const size_t bytes = (size_t)count * element_size(shared->model);
  memset(q, 0, bytes);
  memset(p, 0, bytes);
  for (int64_t t = from; t != anchor; t += toward) {
    add_to(shared, q, states_at(lane, lane->adjoint, t), count);
    TRY(pass_step_gradient(shared->pass, -(double)toward * task->dt, states_at(lane, lane->q, t + toward),
                           states_at(lane, lane->p, t + toward), q, p, gradient));
    if (poll) poll(context);
  }
  return STATUS_OK;
}

/* Leaves the adjoints at the anchor in the place of the anchor's states' adjoint, and of its momentum. */
enum status lane_backward(struct lane *lane, const struct lane_task *task, void *gradient, lane_poll *poll,
                          void *context) {
  struct lane_shared *shared = lane->shared;
  const int64_t anchor = task->protocol.anchor - task->protocol.target_first, count = state_count(shared);
  TRY(sweep(lane, task, task->protocol.target_count - 1, anchor, shared->adjoint_q, shared->adjoint_p, gradient, poll,
            context));
  TRY(sweep(lane, task, 0, anchor, shared->branch_q, shared->branch_p, gradient, poll, context));
  add_to(shared, shared->adjoint_q, shared->branch_q, count);
  add_to(shared, shared->adjoint_p, shared->branch_p, count);
  add_to(shared, states_at(lane, lane->adjoint, anchor), shared->adjoint_q, count);
  memcpy(states_at(lane, lane->p, anchor), shared->adjoint_p, (size_t)count * element_size(shared->model));
  return STATUS_OK;
}

enum status lane_infer(struct lane *lane, const struct lane_task *task, void *gradient) {
  struct lane_shared *shared = lane->shared;
  const int64_t anchor = task->protocol.anchor - task->protocol.target_first;
  const double values = (double)(task->batch * task->protocol.target_count * model_image_values(shared->model));
  TRY(read_inputs(lane, task));
  draw_noise(lane, task);
  return pass_infer_gradient(shared->pass, shared->frames, shared->noise, states_at(lane, lane->adjoint, anchor),
                             states_at(lane, lane->p, anchor), task->kl_weight / values, gradient);
}
