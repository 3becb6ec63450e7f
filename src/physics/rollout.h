/* Rollouts of a configured experiment as functions of their index: nothing depends on what was made before.
 *
 * Rollout numbers: train rollout i is i; test rollout i is ROLLOUT_TEST + i; validation rollout i is ROLLOUT_VALIDATION
 * + i. They key all randomness, so a larger data set starts with the smaller one, and test rollouts beyond the stored
 * split can be made at any time.
 *
 * All functions: Not collective, no allocation.
 */
#ifndef HGN_PHYSICS_ROLLOUT_H
#define HGN_PHYSICS_ROLLOUT_H

#include "base/rng.h"
#include "physics/system.h"
#include "store/dataset.h"

/* No split comes near the next one's: 2^30 rollouts are the most (schema.c). */
#define ROLLOUT_TEST ((uint64_t)1 << 40)
#define ROLLOUT_VALIDATION ((uint64_t)1 << 41)
#define ROLLOUT_TOLERANCE 1e-13 /* of the reference trajectories, dimensionless */

/* The number of a rollout by its place in the file: of one that the training split lends as validation, its training
 * number. */
uint64_t rollout_number(struct dataset_place place);

/* states[frames][2 D], index f * 2 D + c: the clean trajectory at times f * dt. energy[frames] (J) may be NULL.
 * STATUS_NUMERIC names the rollout and frame. */
enum status rollout_simulate(const struct experiment *experiment, uint64_t rollout, double *states, double *energy);

/* Rollouts first .. first + count - 1 to the same bits, several times faster: states[count][frames][2 D],
 * energy[count][frames] or NULL. The error is that of the first rollout that fails. */
enum status rollout_simulate_many(const struct experiment *experiment, uint64_t first, int64_t count, double *states,
                                  double *energy);

/* What is observed of frame `frame`: state + noise * N(0,1) on every coordinate. `purpose` is RNG_NOISE for the data
 * set's own observation, RNG_NOISE_FRESH for an independent one. state and observed may be the same array. */
void rollout_observe(const struct experiment *experiment, enum rng_purpose purpose, uint64_t rollout, int64_t frame,
                     const double *state, double *observed);

#endif
