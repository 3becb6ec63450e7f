/* The limit by particles, first part: the trajectories of SYSTEM_LANES initial states at once. limit_private.h has the
 * contract.
 *
 * The classical Runge-Kutta method of order four with fixed steps, for any system: the number of steps between two
 * frames is doubled until the positions of FLOW_TRIALS starts drawn from the prior agree with reference_advance() in
 * all frames. They may be off by FLOW_TOLERANCE of the observation noise, which moves the peak of a likelihood by a
 * small part of its width.
 */
#include "base/rng.h"
#include "physics/initial.h"
#include "physics/limit_private.h"
#include "physics/reference.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define FLOW_TOLERANCE 2e-3            /* of the observation noise: what q may be off */
#define FLOW_REFERENCE_TOLERANCE 1e-11 /* of the trajectories that they are compared with */

enum { FLOW_TRIALS = 8 * SYSTEM_LANES, FLOW_SUBSTEPS_MAX = 1 << 10, FLOW_STATE = SYSTEM_STATE_MAX * SYSTEM_LANES };

/* One step of size h, in s, of all lanes. */
static void step_lanes(const struct limit_flow *flow, double h, double *restrict state) {
  static const double node[4] = {0, 0.5, 0.5, 1}, weight[4] = {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6};
  const int n = 2 * flow->system->freedom * SYSTEM_LANES;
  double stage[FLOW_STATE], rate[FLOW_STATE] = {0}, rise[FLOW_STATE] = {0};
  for (int s = 0; s < 4; s++) {
    for (int i = 0; i < n; i++) stage[i] = state[i] + h * node[s] * rate[i];
    flow->system->field_lanes(&flow->experiment->system, stage, rate);
    for (int i = 0; i < n; i++) rise[i] += weight[s] * rate[i];
  }
  for (int i = 0; i < n; i++) state[i] += h * rise[i];
}

void limit_flow_follow(const struct limit_flow *flow, double *state, int64_t frames, double *q) {
  const int row = flow->system->freedom * SYSTEM_LANES;
  const double h = flow->experiment->data.dt / (double)flow->substeps;
  for (int64_t frame = 0; frame < frames; frame++, q += row) {
    for (int64_t step = 0; frame > 0 && step < flow->substeps; step++) step_lanes(flow, h, state);
    for (int i = 0; i < row; i++) q[i] = state[i];
  }
}

void limit_flow_start(const struct limit_flow *flow, const double *uniform, int lane, double *state) {
  const struct experiment *experiment = flow->experiment;
  double start[SYSTEM_STATE_MAX];
  flow->system->initial(&experiment->system, &experiment->initial, uniform, start);
  for (int c = 0; c < 2 * flow->system->freedom; c++) state[c * SYSTEM_LANES + lane] = start[c];
}

/* Starts drawn from the prior, trial by trial. */
static void draw_trials(const struct limit_flow *flow, double (*uniform)[SYSTEM_UNIFORMS_MAX]) {
  struct rng rng = rng_stream((uint64_t)flow->experiment->seed, RNG_LIMIT_PARTICLES, RNG_LIMIT_TRIALS, 0);
  for (int trial = 0; trial < FLOW_TRIALS; trial++)
    for (int i = 0; i < flow->system->uniforms; i++) uniform[trial][i] = rng_uniform(&rng);
}

/* q of the trials as the reference integrator has them, [trial][frame][c]; returns the largest |q| in *largest. */
static enum status follow_by_reference(const struct limit_flow *flow, double (*uniform)[SYSTEM_UNIFORMS_MAX],
                                       double *reference, double *largest) {
  const struct experiment *experiment = flow->experiment;
  const int freedom = flow->system->freedom;
  for (int trial = 0; trial < FLOW_TRIALS; trial++) {
    double state[SYSTEM_STATE_MAX], step = 0;
    flow->system->initial(&experiment->system, &experiment->initial, uniform[trial], state);
    for (int64_t frame = 0; frame < experiment->data.frames; frame++, reference += freedom) {
      if (frame > 0)
        TRY(reference_advance(flow->system, &experiment->system, experiment->data.dt, FLOW_REFERENCE_TOLERANCE, &step,
                              state));
      for (int c = 0; c < freedom; c++) {
        reference[c] = state[c];
        *largest = fmax(*largest, fabs(state[c]));
      }
    }
  }
  return STATUS_OK;
}

/* The largest |q - reference| over all trials and frames with the present number of substeps; infinite where it is
 * not a number. q: work space, [frames][c][lane]. */
static double worst_error(const struct limit_flow *flow, double (*uniform)[SYSTEM_UNIFORMS_MAX],
                          const double *reference, double *q) {
  const int64_t frames = flow->experiment->data.frames;
  const int freedom = flow->system->freedom;
  double worst = 0;
  for (int first = 0; first < FLOW_TRIALS; first += SYSTEM_LANES) {
    double state[FLOW_STATE];
    for (int lane = 0; lane < SYSTEM_LANES; lane++) limit_flow_start(flow, uniform[first + lane], lane, state);
    limit_flow_follow(flow, state, frames, q);
    for (int lane = 0; lane < SYSTEM_LANES; lane++)
      for (int64_t i = 0; i < frames * freedom; i++) {
        double error = fabs(q[i * SYSTEM_LANES + lane] - reference[(first + lane) * frames * freedom + i]);
        if (!(error <= worst)) worst = isfinite(error) ? error : HUGE_VAL;
      }
  }
  return worst;
}

static enum status choose_substeps(struct limit_flow *flow, double *reference, double *q) {
  double uniform[FLOW_TRIALS][SYSTEM_UNIFORMS_MAX], largest = 0, worst = HUGE_VAL;
  draw_trials(flow, uniform);
  TRY(follow_by_reference(flow, uniform, reference, &largest));
  const double allowed = FLOW_TOLERANCE * flow->experiment->data.noise + 1e-10 * largest;
  for (flow->substeps = 1; flow->substeps <= FLOW_SUBSTEPS_MAX; flow->substeps *= 2) {
    worst = worst_error(flow, uniform, reference, q);
    if (worst <= allowed) return STATUS_OK;
  }
  return status_raise(STATUS_NUMERIC, "the trajectories of %s are off by %g after %d steps a frame", flow->system->name,
                      worst, FLOW_SUBSTEPS_MAX);
}

enum status limit_flow_open(const struct experiment *experiment, struct limit_flow *flow) {
  *flow = (struct limit_flow){.experiment = experiment, .system = system_get(experiment->system.name)};
  size_t row = (size_t)(experiment->data.frames * flow->system->freedom);
  double *reference = malloc(FLOW_TRIALS * row * sizeof *reference), *q = malloc(SYSTEM_LANES * row * sizeof *q);
  enum status status = STATUS_OK;
  if (!reference || !q) status = status_raise(STATUS_MEMORY, "no memory for trajectories to compare with");
  if (status == STATUS_OK) status = choose_substeps(flow, reference, q);
  free(reference);
  free(q);
  return status;
}
