/* The limit by particles, third part: the error of one rollout from two sets of particles. limit_private.h has the
 * contract.
 *
 * Each particle is followed through all frames and rendered with observation noise. The noise is drawn, n and then -n,
 * not integrated: sums over particles and draws are unbiased,
 *   S = mean |X - b|^2,    G_A = mean of X - b over set A,
 * and what the drawing of noise adds to them is small beside the scatter of the particles.
 */
#include "base/rng.h"
#include "physics/limit_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIGNS = 2 }; /* draws of noise for each particle and frame */

/* Where frame t of a set has its q: [D][particles]. */
static double *frame_of(const struct limit_several *several, int set, int64_t frame) {
  const struct limit_flow *flow = &several->flow;
  return several->q +
         (set * flow->experiment->data.frames + frame) * flow->system->freedom * several->sampler.particles;
}

/* q of the particles that the sampler holds, in all frames. */
static void follow_particles(struct limit_several *several, int set) {
  const struct limit_flow *flow = &several->flow;
  const int64_t particles = several->sampler.particles, frames = flow->experiment->data.frames;
  for (int64_t first = 0; first < particles; first += SYSTEM_LANES) {
    double state[SYSTEM_STATE_MAX * SYSTEM_LANES], *q = several->sampler.q;
    for (int lane = 0; lane < SYSTEM_LANES; lane++)
      limit_flow_start(flow, several->sampler.uniform + (first + lane) * SYSTEM_UNIFORMS_MAX, lane, state);
    limit_flow_follow(flow, state, frames, q);
    for (int64_t frame = 0; frame < frames; frame++)
      for (int c = 0; c < flow->system->freedom; c++, q += SYSTEM_LANES)
        memcpy(frame_of(several, set, frame) + c * particles + first, q, SYSTEM_LANES * sizeof *q);
  }
}

/* Renders one frame of a set under noise: leaves G in several->mean[set], returns S. */
static double render_set(struct limit_several *several, int set, int64_t frame, struct rng *rng) {
  const struct limit_flow *flow = &several->flow;
  const int freedom = flow->system->freedom;
  const int64_t particles = several->sampler.particles;
  const double noise = flow->experiment->data.noise, share = 1.0 / (double)(SIGNS * particles);
  const double *q = frame_of(several, set, frame);
  double *mean = several->mean[set], square = 0;
  memset(mean, 0, several->renderer.values * sizeof *mean);
  for (int64_t p = 0; p < particles; p++) {
    double normal[SYSTEM_FREEDOM_MAX + 1], seen[SYSTEM_FREEDOM_MAX];
    rng_normal(rng, normal, freedom);
    for (int sign = 0; sign < SIGNS; sign++) {
      for (int c = 0; c < freedom; c++) seen[c] = q[c * particles + p] + (sign ? -noise : noise) * normal[c];
      square += render_add(&several->renderer, seen, mean);
    }
  }
  for (size_t i = 0; i < several->renderer.values; i++) mean[i] *= share;
  return square * share;
}

/* How far the two sets are apart: the mean, over frames and coordinates that vary, of the squared difference of their
 * means of q in units of what N independent draws would have. */
static double compare_sets(const struct limit_several *several) {
  const int64_t frames = several->flow.experiment->data.frames, particles = several->sampler.particles;
  const int freedom = several->flow.system->freedom;
  double sum = 0, count = 0;
  for (int64_t frame = 0; frame < frames; frame++)
    for (int c = 0; c < freedom; c++) {
      double mean[2] = {0}, variance = 0;
      for (int set = 0; set < 2; set++) {
        const double *q = frame_of(several, set, frame) + c * particles;
        for (int64_t p = 0; p < particles; p++) mean[set] += q[p] / (double)particles;
        for (int64_t p = 0; p < particles; p++) variance += (q[p] - mean[set]) * (q[p] - mean[set]);
      }
      if (!(variance > 0)) continue;
      double n = (double)particles, difference = mean[0] - mean[1];
      sum += difference * difference * n * (n - 1) / variance;
      count += 1;
    }
  return count > 0 ? sum / count : 1;
}

enum status limit_several_evaluate(struct limit_several *several, const double *observed, int64_t input_frames,
                                   uint64_t rollout, double *error, double *attained, struct limit_outcome *outcome) {
  const struct experiment *experiment = several->flow.experiment;
  const int freedom = several->flow.system->freedom;
  const double values = (double)several->renderer.values;
  struct rng rng[2];
  *outcome = (struct limit_outcome){.effective_samples = HUGE_VAL};
  for (int set = 0; set < 2; set++) {
    struct limit_sampling sampling;
    TRY(limit_sampler_run(&several->sampler, observed, input_frames, rollout, set, &sampling));
    follow_particles(several, set);
    rng[set] = rng_stream((uint64_t)experiment->seed, RNG_LIMIT_PARTICLES, rollout, (uint32_t)(2 + set));
    if (sampling.effective_samples < outcome->effective_samples)
      outcome->effective_samples = sampling.effective_samples;
    if (sampling.trajectories > outcome->draws) outcome->draws = sampling.trajectories;
    several->stages += (double)sampling.stages;
    several->passes += (double)sampling.passes;
    several->walk_acceptance += sampling.walk_acceptance;
    several->normal_acceptance += sampling.normal_acceptance;
    several->runs += 1;
  }
  several->disagreement += compare_sets(several);
  for (int64_t frame = 0; frame < experiment->data.frames; frame++) {
    double square = 0, cross = 0, own;
    for (int set = 0; set < 2; set++) square += 0.5 * render_set(several, set, frame, &rng[set]);
    memset(several->seen, 0, several->renderer.values * sizeof *several->seen);
    own = render_add(&several->renderer, observed + frame * freedom, several->seen);
    for (int set = 0; set < 2; set++)
      cross += 0.5 * limit_dot(several->seen, several->mean[set], (int64_t)several->renderer.values);
    const double product = limit_dot(several->mean[0], several->mean[1], (int64_t)several->renderer.values);
    error[frame] = (square - product) / values;
    attained[frame] = (own - 2 * cross + product) / values;
  }
  return STATUS_OK;
}

enum status limit_several_open(const struct experiment *experiment, double effective_samples,
                               struct limit_several *several) {
  *several = (struct limit_several){0};
  TRY(limit_flow_open(experiment, &several->flow));
  TRY(limit_sampler_open(&several->flow, effective_samples, &several->sampler));
  enum status status = render_open(experiment, &several->renderer);
  if (status == STATUS_OK) {
    const size_t values = several->renderer.values, particles = (size_t)several->sampler.particles;
    several->q =
        malloc(2 * (size_t)(experiment->data.frames * several->flow.system->freedom) * particles * sizeof *several->q);
    for (int set = 0; set < 2; set++) several->mean[set] = malloc(values * sizeof(double));
    several->seen = malloc(values * sizeof *several->seen);
    if (!several->q || !several->mean[0] || !several->mean[1] || !several->seen)
      status = status_raise(STATUS_MEMORY, "no memory for the images of %zu particles", particles);
  }
  if (status != STATUS_OK) limit_several_close(several);
  return status;
}

void limit_several_close(struct limit_several *several) {
  limit_sampler_close(&several->sampler);
  render_close(&several->renderer);
  free(several->q);
  free(several->mean[0]);
  free(several->mean[1]);
  free(several->seen);
  *several = (struct limit_several){0};
}
