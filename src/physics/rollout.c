#include "physics/rollout.h"

#include "physics/integrator.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum status rollout_simulate(const struct experiment *experiment, uint64_t rollout, double *states, double *energy) {
  const struct system_parameters *parameters = &experiment->system;
  const struct system *system = system_get(parameters->kind);
  REQUIRE(system != NULL, STATUS_ARGUMENT, "no system of kind %d", (int)parameters->kind);
  size_t row = 2 * (size_t)system->freedom;
  struct rng rng = rng_stream((uint64_t)experiment->seed, RNG_INITIAL, rollout, 0);
  double state[SYSTEM_STATE_MAX], h = 0;
  system->initial(parameters, &experiment->initial, &rng, state);
  for (size_t c = 0; c < row; c++)
    REQUIRE(isfinite(state[c]), STATUS_NUMERIC, "%s, rollout %" PRIu64 ", frame 0: the state is not finite",
            system->name, rollout);
  for (int64_t frame = 0; frame < experiment->data.frames; frame++) {
    if (frame > 0) {
      enum status status = integrator_reference(system, parameters, experiment->data.dt, ROLLOUT_TOLERANCE, &h, state);
      if (status != STATUS_OK)
        return status_context(status, "%s, rollout %" PRIu64 ", frame %" PRId64, system->name, rollout, frame);
    }
    memcpy(states + (size_t)frame * row, state, row * sizeof *state);
    if (energy) {
      struct energy parts = system->energy(parameters, state);
      energy[frame] = parts.kinetic + parts.potential;
    }
  }
  return STATUS_OK;
}

void rollout_observe(const struct experiment *experiment, enum rng_purpose purpose, uint64_t rollout, int64_t frame,
                     const double *state, double *observed) {
  const struct system *system = system_get(experiment->system.kind);
  int row = 2 * system->freedom;
  double noise = experiment->data.noise, normal[SYSTEM_STATE_MAX] = {0};
  if (noise != 0) {
    struct rng rng = rng_stream((uint64_t)experiment->seed, purpose, rollout, (uint32_t)frame);
    rng_normal(&rng, normal, row);
  }
  for (int c = 0; c < row; c++) observed[c] = state[c] + noise * normal[c];
}
