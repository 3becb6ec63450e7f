#include "train/probe.h"

#include "base/finite.h"
#include "base/rng.h"
#include "physics/reference.h"
#include "physics/rollout.h"
#include "train/hgn.h"
#include "train/prior.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum status probe_open(const struct trained *trained, struct probe *probe) {
  *probe = (struct probe){.trained = trained, .temperature = 1};
  REQUIRE(trained->learner.kind == &learner_hgn, STATUS_UNAVAILABLE,
          "%s: is a model \"%s\", which has no trajectories of frames", trained->path, trained->learner.kind->name);
  probe->model = hgn_model(&trained->learner);
  return pass_create(probe->model, 1, 1, trained->learner.parameters, &probe->pass);
}

void probe_close(struct probe *probe) { pass_destroy(&probe->pass); }

enum status probe_use_prior(struct probe *probe, struct prior *prior, double temperature) {
  REQUIRE(prior || probe->model->settings.latent.sampled, STATUS_UNAVAILABLE,
          "%s: the model has no prior: it was trained with model.latent.sampled=false. hgn train --stage prior RUN.h5 "
          "learns one of its codes",
          probe->trained->path);
  probe->prior = prior;
  probe->temperature = temperature;
  return STATUS_OK;
}

/* ---- Trajectories ---- */

enum status probe_path_create(const struct probe *probe, int64_t frames, bool images, struct probe_path *path) {
  const int64_t state = model_state_values(probe->model), image = model_image_values(probe->model);
  struct arena arena = {.last = NULL};
  *path = (struct probe_path){.frames = frames,
                              .q = arena_array(&arena, frames * state, sizeof(float)),
                              .p = arena_array(&arena, frames * state, sizeof(float)),
                              .energy = arena_array(&arena, frames, sizeof(double)),
                              .images = images ? arena_array(&arena, frames * image, sizeof(float)) : NULL};
  path->arena = arena;
  return arena_check(&arena, "a trajectory");
}

void probe_path_free(struct probe_path *path) { arena_free(&path->arena); }

static bool is_state_finite(const struct probe *probe, const struct probe_path *path, int64_t t) {
  const int64_t state = model_state_values(probe->model);
  return finite_all_f32(path->q + t * state, state) && finite_all_f32(path->p + t * state, state);
}

static const char *name_broken(const struct probe *probe, const struct probe_path *path, int64_t t) {
  const int64_t image = model_image_values(probe->model);
  if (!is_state_finite(probe, path, t)) return "the latent state";
  if (path->images && !finite_all_f32(path->images + t * image, image)) return "the decoded image";
  return isfinite(path->energy[t]) ? NULL : "the learned H";
}

enum status probe_unroll(struct probe *probe, double dt, struct probe_path *path) {
  const int64_t state = model_state_values(probe->model), image = model_image_values(probe->model);
  path->broken = NULL;
  for (int64_t t = 0; t < path->frames; t++) {
    float *q = path->q + t * state, *p = path->p + t * state;
    TRY(pass_energy(probe->pass, q, p, &path->energy[t]));
    if (path->images) TRY(pass_draw(probe->pass, q, path->images + t * image));
    if (!path->broken) {
      path->broken = name_broken(probe, path, t);
      path->broken_frame = t;
    }
    if (t + 1 < path->frames) TRY(pass_step(probe->pass, dt, q, p, q + state, p + state));
  }
  return STATUS_OK;
}

/* The state at `noise` standard deviations of z from its mean, in all of its numbers. */
static enum status infer(struct probe *probe, struct source *source, enum split split, int64_t rollout, float noise,
                         float *q, float *p) {
  const struct protocol *protocol = &probe->trained->learner.protocol;
  const int64_t latents = model_latents(probe->model);
  struct arena arena = {.last = NULL};
  float *frames = arena_array(&arena, model_image_values(probe->model) * protocol->input_count, sizeof *frames);
  float *z = arena_array(&arena, latents, sizeof *z);
  enum status status = arena_check(&arena, "the frames of a rollout");
  for (int64_t i = 0; status == STATUS_OK && i < latents; i++) z[i] = noise;
  if (status == STATUS_OK)
    status = source_stack(source, split, rollout, protocol->input_first, protocol->input_count, frames);
  if (status == STATUS_OK) status = pass_infer(probe->pass, frames, z, q, p, NULL);
  arena_free(&arena);
  return status;
}

enum status probe_infer(struct probe *probe, struct source *source, enum split split, int64_t rollout,
                        struct probe_path *path) {
  return infer(probe, source, split, rollout, 0, path->q, path->p);
}

enum status probe_spread(struct probe *probe, struct source *source, enum split split, int64_t rollout,
                         float *variance) {
  const struct model_settings *settings = &probe->model->settings;
  const int64_t state = model_state_values(probe->model);
  REQUIRE(settings->latent.sampled && settings->transformer.channels.count == 0, STATUS_UNAVAILABLE,
          "the state is not what this model samples");
  struct arena arena = {.last = NULL};
  float *mean = arena_array(&arena, 2 * state, sizeof *mean);
  enum status status = arena_check(&arena, "a posterior");
  if (status == STATUS_OK) status = infer(probe, source, split, rollout, 0, mean, mean + state);
  if (status == STATUS_OK) status = infer(probe, source, split, rollout, 1, variance, variance + state);
  for (int64_t i = 0; status == STATUS_OK && i < 2 * state; i++)
    variance[i] = (variance[i] - mean[i]) * (variance[i] - mean[i]);
  arena_free(&arena);
  return status;
}

/* A code of N(0, 1). */
static void draw_normal(const struct probe *probe, uint64_t seed, int64_t sample, int64_t count, float *z) {
  struct rng rng = rng_stream(seed, RNG_PRIOR, (uint64_t)sample, 0);
  rng_normal_f32(&rng, z, (int)count);
  for (int64_t i = 0; i < count; i++) z[i] *= (float)probe->temperature;
}

enum status probe_draw(struct probe *probe, uint64_t seed, int64_t sample, struct probe_path *path) {
  const int64_t codes = model_code_values(probe->model);
  struct arena arena = {.last = NULL};
  float *z = arena_array(&arena, codes, sizeof *z);
  enum status status = arena_check(&arena, "a sample");
  if (status == STATUS_OK && probe->prior)
    status = prior_draw(probe->prior, seed, sample, probe->temperature, z);
  else if (status == STATUS_OK)
    draw_normal(probe, seed, sample, codes, z);
  if (status == STATUS_OK) status = pass_generate(probe->pass, z, path->q, path->p);
  arena_free(&arena);
  return status;
}

/* ---- The truth ---- */

/* The true state at the anchor, integrated over the same times, rendered without noise. */
static enum status simulate_truth(struct source *source, int64_t anchor, const struct probe_request *request,
                                  struct probe_rollout *rollout) {
  const struct experiment *experiment = source->experiment;
  const struct system *system = system_get(experiment->system.name);
  const int64_t coordinates = source->data->coordinates;
  double state[SYSTEM_STATE_MAX], h = 0;
  const double *states = source_states(source, request->split, request->rollout);
  memcpy(state, states + anchor * coordinates, (size_t)coordinates * sizeof *state);
  for (int64_t t = 0; t < rollout->path.frames; t++) {
    if (t > 0) TRY(reference_advance(system, &experiment->system, rollout->dt, ROLLOUT_TOLERANCE, &h, state));
    memcpy(rollout->states + t * coordinates, state, (size_t)coordinates * sizeof *state);
    if (rollout->truth) render_f32(&source->renderer, state, rollout->truth + (size_t)t * source->renderer.values);
  }
  rollout->known = rollout->path.frames;
  return STATUS_OK;
}

/* Frames made elsewhere: what there is of them, when the times are theirs. */
static enum status read_truth(struct source *source, int64_t anchor, const struct probe_request *request,
                              int64_t values, struct probe_rollout *rollout) {
  if (request->speed != 1) return STATUS_OK;
  const int64_t toward = request->backward ? -1 : 1;
  for (int64_t t = 0; t < rollout->path.frames; t++) {
    const int64_t frame = anchor + toward * t;
    if (frame < 0 || frame >= source->data->frames) break;
    TRY(source_frames(source, request->split, request->rollout, frame, 1, rollout->truth + t * values));
    rollout->known = t + 1;
  }
  return STATUS_OK;
}

static double mean_square(const float *truth, const float *prediction, int64_t values) {
  double sum = 0;
  for (int64_t i = 0; i < values; i++) {
    const double d = (double)prediction[i] - (double)truth[i];
    sum += d * d;
  }
  return sum / (double)values;
}

/* A state that is not finite has no error, whatever a kernel makes of it in its image. */
static void compare(const struct probe *probe, struct probe_rollout *rollout) {
  const int64_t image = model_image_values(probe->model);
  const struct probe_path *path = &rollout->path;
  for (int64_t i = rollout->known * image; i < path->frames * image; i++) rollout->truth[i] = NAN;
  for (int64_t t = 0; t < path->frames; t++) {
    const bool finite = is_state_finite(probe, path, t);
    rollout->error[t] = finite ? mean_square(rollout->truth + t * image, path->images + t * image, image) : NAN;
  }
}

/* ---- Both ---- */

static int64_t steps_of(const struct protocol *protocol, const struct probe_request *request) {
  const int64_t before = protocol_anchor(protocol), after = protocol->target_count - 1 - before;
  const int64_t last = request->backward ? before : after;
  return request->steps ? request->steps : last > 0 ? last : protocol->target_count - 1;
}

static enum status create_rollout(const struct probe *probe, const struct corpus *corpus,
                                  const struct probe_request *request, struct probe_rollout *rollout) {
  const struct protocol *protocol = &probe->trained->learner.protocol;
  const double dt = isnan(corpus->data.dt) ? probe->trained->learner.dt : corpus->data.dt;
  const int64_t frames = steps_of(protocol, request) + 1;
  struct arena arena = {.last = NULL};
  rollout->start = dt * (double)protocol->anchor;
  rollout->dt = (request->backward ? -1 : 1) * request->speed * dt;
  if (!request->states_only)
    rollout->truth = arena_array(&arena, frames * model_image_values(probe->model), sizeof(float));
  rollout->error = arena_array(&arena, frames, sizeof(double));
  if (corpus->source.rendering)
    rollout->states = arena_array(&arena, frames * corpus->data.coordinates, sizeof(double));
  rollout->arena = arena;
  TRY(arena_check(&arena, "a rollout"));
  return probe_path_create(probe, frames, !request->states_only, &rollout->path);
}

enum status probe_rollout(struct probe *probe, struct corpus *corpus, const struct probe_request *request,
                          struct probe_rollout *rollout) {
  const struct learner *learner = &probe->trained->learner;
  struct source *source = &corpus->source;
  const int64_t anchor = learner->protocol.anchor, image = model_image_values(probe->model);
  *rollout = (struct probe_rollout){.known = 0};
  TRY(create_rollout(probe, corpus, request, rollout));
  TRY(source_load(source, request->split, request->rollout, 1));
  TRY(probe_infer(probe, source, request->split, request->rollout, &rollout->path));
  TRY(probe_unroll(probe, (request->backward ? -1 : 1) * request->speed * learner->dt, &rollout->path));
  if (source->rendering)
    TRY(simulate_truth(source, anchor, request, rollout));
  else if (rollout->truth)
    TRY(read_truth(source, anchor, request, image, rollout));
  if (rollout->truth) compare(probe, rollout);
  return STATUS_OK;
}

void probe_rollout_free(struct probe_rollout *rollout) {
  probe_path_free(&rollout->path);
  arena_free(&rollout->arena);
}

double probe_mean_error(const struct probe_rollout *rollout) {
  double sum = 0;
  for (int64_t t = 0; t < rollout->known; t++) sum += rollout->error[t];
  return sum / (double)rollout->known;
}
