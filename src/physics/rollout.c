#include "physics/rollout.h"

#include "physics/initial.h"
#include "physics/reference.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

uint64_t rollout_number(struct dataset_place place) {
  static const uint64_t first[SPLIT_COUNT] = {
      [SPLIT_TRAIN] = 0, [SPLIT_TEST] = ROLLOUT_TEST, [SPLIT_VALIDATION] = ROLLOUT_VALIDATION};
  return first[place.split] + (uint64_t)place.rollout;
}

static void draw_initial(const struct experiment *experiment, const struct system *system, uint64_t rollout,
                         double *state) {
  struct rng rng = rng_stream((uint64_t)experiment->seed, RNG_INITIAL, rollout, 0);
  initial_draw(system, &experiment->system, &experiment->initial, &rng, state);
}

static void store_frame(const struct experiment *experiment, const struct system *system, int64_t frame,
                        const double *state, double *states, double *energy) {
  size_t row = 2 * (size_t)system->freedom;
  memcpy(states + (size_t)frame * row, state, row * sizeof *state);
  if (energy) {
    struct energy parts = system->energy(&experiment->system, state);
    energy[frame] = parts.kinetic + parts.potential;
  }
}

enum status rollout_simulate(const struct experiment *experiment, uint64_t rollout, double *states, double *energy) {
  const struct system_parameters *parameters = &experiment->system;
  const struct system *system = system_get(parameters->name);
  REQUIRE(system != NULL, STATUS_ARGUMENT, "no system of kind %d", (int)parameters->name);
  double state[SYSTEM_STATE_MAX], h = 0;
  draw_initial(experiment, system, rollout, state);
  for (int c = 0; c < 2 * system->freedom; c++)
    REQUIRE(isfinite(state[c]), STATUS_NUMERIC, "%s, rollout %" PRIu64 ", frame 0: the state is not finite",
            system->name, rollout);
  for (int64_t frame = 0; frame < experiment->data.frames; frame++) {
    if (frame > 0) {
      enum status status = reference_advance(system, parameters, experiment->data.dt, ROLLOUT_TOLERANCE, &h, state);
      if (status != STATUS_OK)
        return status_context(status, "%s, rollout %" PRIu64 ", frame %" PRId64, system->name, rollout, frame);
    }
    store_frame(experiment, system, frame, state, states, energy);
  }
  return STATUS_OK;
}

/* Rollouts that are under way side by side. Each lane has its own rollout, frame and step, and takes the next rollout
 * when its own is complete, so that none waits for another. */
struct lanes {
  const struct experiment *experiment;
  const struct system *system;
  uint64_t first;
  int64_t count, next;                                /* rollouts; the first that nobody has taken */
  int64_t rollout[SYSTEM_LANES], frame[SYSTEM_LANES]; /* the one being made, less `first`; the frame being gone to */
  double *states, *energy;
  struct reference_lanes reference;
};

/* Gives a lane the next rollout that has more than one frame, if there is any. */
static void take_rollout(struct lanes *lanes, int lane) {
  const struct data_settings *data = &lanes->experiment->data;
  size_t row = (size_t)data->frames * 2 * (size_t)lanes->system->freedom;
  while (lanes->next < lanes->count) {
    int64_t rollout = lanes->next++;
    double state[SYSTEM_STATE_MAX];
    draw_initial(lanes->experiment, lanes->system, lanes->first + (uint64_t)rollout, state);
    store_frame(lanes->experiment, lanes->system, 0, state, lanes->states + (size_t)rollout * row,
                lanes->energy ? lanes->energy + rollout * data->frames : NULL);
    if (data->frames == 1) continue;
    lanes->rollout[lane] = rollout;
    lanes->frame[lane] = 1;
    reference_start(lanes->system, &lanes->reference, lane, data->dt, 0, state);
    return;
  }
  lanes->frame[lane] = 0;
}

/* After a step: stores the frame when the lane has arrived there, and goes on to the next. */
static bool follow_lane(struct lanes *lanes, int lane) {
  const struct data_settings *data = &lanes->experiment->data;
  size_t row = (size_t)data->frames * 2 * (size_t)lanes->system->freedom;
  if (lanes->frame[lane] == 0 || lanes->reference.clock[lane].left > 0) return true;
  double state[SYSTEM_STATE_MAX], h;
  if (!reference_arrive(lanes->system, &lanes->reference, lane, &h, state)) return false;
  int64_t rollout = lanes->rollout[lane];
  store_frame(lanes->experiment, lanes->system, lanes->frame[lane], state, lanes->states + (size_t)rollout * row,
              lanes->energy ? lanes->energy + rollout * data->frames : NULL);
  if (++lanes->frame[lane] < data->frames)
    reference_start(lanes->system, &lanes->reference, lane, data->dt, h, state);
  else
    take_rollout(lanes, lane);
  return true;
}

static bool any_under_way(const struct lanes *lanes) {
  for (int lane = 0; lane < SYSTEM_LANES; lane++)
    if (lanes->frame[lane] > 0) return true;
  return false;
}

enum status rollout_simulate_many(const struct experiment *experiment, uint64_t first, int64_t count, double *states,
                                  double *energy) {
  const struct system *system = system_get(experiment->system.name);
  REQUIRE(system != NULL, STATUS_ARGUMENT, "no system of kind %d", (int)experiment->system.name);
  struct lanes lanes = {
      .experiment = experiment, .system = system, .first = first, .count = count, .states = states, .energy = energy};
  bool whole = true;
  for (int lane = 0; lane < SYSTEM_LANES; lane++) take_rollout(&lanes, lane);
  while (whole && any_under_way(&lanes)) {
    whole = reference_step(system, &experiment->system, ROLLOUT_TOLERANCE, &lanes.reference);
    for (int lane = 0; whole && lane < SYSTEM_LANES; lane++) whole = follow_lane(&lanes, lane);
  }
  if (whole) return STATUS_OK;
  /* One by one, to name the first that fails, whatever stood beside it. */
  size_t row = (size_t)experiment->data.frames * 2 * (size_t)system->freedom;
  for (int64_t i = 0; i < count; i++)
    TRY(rollout_simulate(experiment, first + (uint64_t)i, states + (size_t)i * row,
                         energy ? energy + i * experiment->data.frames : NULL));
  return status_raise(STATUS_ARGUMENT, "%s: rollouts fail side by side but not alone", system->name);
}

void rollout_observe(const struct experiment *experiment, enum rng_purpose purpose, uint64_t rollout, int64_t frame,
                     const double *state, double *observed) {
  const struct system *system = system_get(experiment->system.name);
  int row = 2 * system->freedom;
  double noise = experiment->data.noise, normal[SYSTEM_STATE_MAX] = {0};
  if (noise != 0) {
    struct rng rng = rng_stream((uint64_t)experiment->seed, purpose, rollout, (uint32_t)frame);
    rng_normal(&rng, normal, row);
  }
  for (int c = 0; c < row; c++) observed[c] = state[c] + noise * normal[c];
}
