/* Draws of the prior and their trajectories, made on demand. See limit_private.h.
 *
 * Trajectories need not be as good as the data's: they are advanced by RK4 with so many steps a frame that their q agrees with
 * the reference to PRIOR_TOLERANCE of the observation noise over all frames, for PRIOR_TRIALS starts all over the prior.
 * An error of that size shifts a likelihood's peak by a small part of its width even after 1,000 frames have been seen.
 */
#include "base/rng.h"
#include "physics/initial.h"
#include "physics/integrator.h"
#include "physics/limit_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PRIOR_TOLERANCE 1e-3
#define PRIOR_REFERENCE 1e-10   /* tolerance of the trajectories compared with */
#define PRIOR_WIDEN 1.5f        /* of the half width spanned by 32 stratified draws, to cover the whole cell */
#define PRIOR_MARGIN 0.02       /* of the range of q: more than deeper levels can add to that of level 0 */
#define PRIOR_BUDGET (256 << 20) /* bytes of nodes kept between rollouts */

enum { PRIOR_TRIALS = 64, PRIOR_SUBSTEPS_MAX = 1 << 12, PRIOR_CHUNK = 256 /* nodes */ };

static double cell_columns(int level) { return ldexp(LIMIT_DIRECTIONS, (level + 1) / 2); }
static double cell_rows(int level) { return ldexp(LIMIT_RADII, level / 2); }

/* q[frames] of one start. */
static enum status follow(const struct limit_prior *prior, int64_t substeps, double u, double v, double *q) {
  const struct experiment *experiment = prior->experiment;
  double state[2], h = experiment->data.dt / (double)substeps;
  initial_phase(&experiment->initial, u, v, &state[0], &state[1]);
  q[0] = state[0];
  for (int64_t frame = 1; frame < prior->frames; frame++) {
    TRY(integrator_steps(INTEGRATOR_RK4, prior->system, &experiment->system, h, substeps, state));
    q[frame] = state[0];
  }
  return STATUS_OK;
}

static enum status measure_steps(const struct limit_prior *prior, int64_t substeps, double *worst) {
  const struct experiment *experiment = prior->experiment;
  double *q = prior->trajectory;
  *worst = 0;
  for (int trial = 0; trial < PRIOR_TRIALS; trial++) {
    double u = (trial + 0.5) / PRIOR_TRIALS, v = (trial * 27 % PRIOR_TRIALS + 0.5) / PRIOR_TRIALS, state[2], step = 0;
    TRY(follow(prior, substeps, u, v, q));
    initial_phase(&experiment->initial, u, v, &state[0], &state[1]);
    for (int64_t frame = 1; frame < prior->frames; frame++) {
      TRY(integrator_reference(prior->system, &experiment->system, experiment->data.dt, PRIOR_REFERENCE, &step, state));
      *worst = fmax(*worst, fabs(q[frame] - state[0]));
    }
  }
  return STATUS_OK;
}

static enum status choose_steps(struct limit_prior *prior) {
  double allowed = PRIOR_TOLERANCE * prior->experiment->data.noise, worst = 0;
  enum status status = STATUS_OK;
  for (prior->substeps = 1; prior->substeps <= PRIOR_SUBSTEPS_MAX; prior->substeps *= 2) {
    status = measure_steps(prior, prior->substeps, &worst);
    if (status == STATUS_OK && worst <= allowed) return STATUS_OK;
  }
  if (status != STATUS_OK) return status;
  return status_raise(STATUS_NUMERIC, "the trajectories of prior draws are off by %g after %d steps a frame", worst,
                      PRIOR_SUBSTEPS_MAX);
}

/* The half widths of q over the cell's draws, both sets, widened. */
static void span_draws(const struct limit_prior *prior, float *node) {
  for (int64_t frame = 0; frame < prior->frames; frame++) {
    float low = limit_node_draws(prior, node, 0, frame)[0], high = low;
    for (int set = 0; set < 2; set++) {
      const float *q = limit_node_draws(prior, node, set, frame);
      for (int lane = 0; lane < LIMIT_LANES; lane++) {
        low = q[lane] < low ? q[lane] : low;
        high = q[lane] > high ? q[lane] : high;
      }
    }
    node[frame] = 0.5f * (low + high);
    node[prior->frames + frame] = PRIOR_WIDEN * 0.5f * (high - low);
  }
}

/* Stream: index = the cell, sub = the set; for lane (i, j) a uniform each for direction and radius, in order of lanes. */
static enum status draw_node(const struct limit_prior *prior, uint64_t cell, float *node) {
  int level = (int)(cell >> 56);
  double x = (double)(cell >> 28 & 0xfffffff), y = (double)(cell & 0xfffffff);
  double columns = cell_columns(level), rows = cell_rows(level);
  for (int set = 0; set < 2; set++) {
    struct rng rng = rng_stream((uint64_t)prior->experiment->seed, RNG_LIMIT, cell, (uint32_t)set);
    for (int lane = 0; lane < LIMIT_LANES; lane++) {
      double u = (x + (lane % LIMIT_SIDE + rng_uniform(&rng)) / LIMIT_SIDE) / columns;
      double v = (y + (lane / LIMIT_SIDE + rng_uniform(&rng)) / LIMIT_SIDE) / rows;
      TRY(follow(prior, prior->substeps, u, v, prior->trajectory));
      float *draws = node + 2 * prior->frames + set * prior->frames * LIMIT_LANES + lane;
      for (int64_t frame = 0; frame < prior->frames; frame++) draws[frame * LIMIT_LANES] = (float)prior->trajectory[frame];
    }
  }
  span_draws(prior, node);
  return STATUS_OK;
}

/* The place of `cell` in the hash table, or the empty one where it belongs. */
static int64_t find_place(const uint64_t *key, int64_t capacity, uint64_t cell) {
  uint64_t mask = (uint64_t)capacity - 1, hash = (cell ^ cell >> 32) * UINT64_C(0x9e3779b97f4a7c15);
  uint64_t place = hash >> 20 & mask;
  while (key[place] != 0 && key[place] != cell + 1) place = (place + 1) & mask;
  return (int64_t)place;
}

static enum status grow_table(struct limit_prior *prior) {
  int64_t capacity = prior->capacity ? 2 * prior->capacity : 4 * LIMIT_BASE;
  uint64_t *key = calloc((size_t)capacity, sizeof *key);
  int64_t *slot = calloc((size_t)capacity, sizeof *slot);
  if (!key || !slot) {
    free(key);
    free(slot);
    return status_raise(STATUS_MEMORY, "no memory for a table of %" PRId64 " cells", capacity);
  }
  for (int64_t i = 0; i < prior->capacity; i++) {
    if (prior->key[i] == 0) continue;
    int64_t place = find_place(key, capacity, prior->key[i] - 1);
    key[place] = prior->key[i];
    slot[place] = prior->slot[i];
  }
  free(prior->key);
  free(prior->slot);
  prior->key = key;
  prior->slot = slot;
  prior->capacity = capacity;
  return STATUS_OK;
}

static enum status grow_chunks(struct limit_prior *prior) {
  float **chunk = realloc(prior->chunk, (size_t)(prior->chunks + 1) * sizeof *chunk);
  REQUIRE(chunk != NULL, STATUS_MEMORY, "no memory for prior draws");
  prior->chunk = chunk;
  chunk[prior->chunks] = malloc(PRIOR_CHUNK * prior->node_floats * sizeof **chunk);
  REQUIRE(chunk[prior->chunks] != NULL, STATUS_MEMORY, "no memory for %" PRId64 " prior draws",
          (prior->chunks + 1) * PRIOR_CHUNK * 2 * LIMIT_LANES);
  prior->chunks++;
  return STATUS_OK;
}

static float *node_at(const struct limit_prior *prior, int64_t slot) {
  return prior->chunk[slot / PRIOR_CHUNK] + (size_t)(slot % PRIOR_CHUNK) * prior->node_floats;
}

enum status limit_prior_node(struct limit_prior *prior, uint64_t cell, const float **node) {
  int64_t place = find_place(prior->key, prior->capacity, cell);
  if (prior->key[place] == 0) {
    if (prior->used == prior->chunks * PRIOR_CHUNK) TRY(grow_chunks(prior));
    TRY(draw_node(prior, cell, node_at(prior, prior->used)));
    if (2 * prior->used >= prior->capacity) {
      TRY(grow_table(prior));
      place = find_place(prior->key, prior->capacity, cell);
    }
    prior->key[place] = cell + 1;
    prior->slot[place] = prior->used++;
  }
  *node = node_at(prior, prior->slot[place]);
  return STATUS_OK;
}

void limit_prior_trim(struct limit_prior *prior) {
  if ((size_t)prior->used * prior->node_floats * sizeof(float) <= (size_t)PRIOR_BUDGET) return;
  memset(prior->key, 0, (size_t)prior->capacity * sizeof *prior->key);
  for (int64_t i = 0; i < LIMIT_BASE; i++) {
    uint64_t cell = limit_cell(0, (uint64_t)i / LIMIT_RADII, (uint64_t)i % LIMIT_RADII);
    int64_t place = find_place(prior->key, prior->capacity, cell);
    prior->key[place] = cell + 1;
    prior->slot[place] = i;
  }
  prior->used = LIMIT_BASE;
}

static enum status make_base(struct limit_prior *prior) {
  TRY(choose_steps(prior));
  TRY(grow_table(prior));
  prior->low = HUGE_VAL;
  prior->high = -HUGE_VAL;
  for (int64_t i = 0; i < LIMIT_BASE; i++) {
    const float *node;
    TRY(limit_prior_node(prior, limit_cell(0, (uint64_t)i / LIMIT_RADII, (uint64_t)i % LIMIT_RADII), &node));
    const float *q = limit_node_draws(prior, node, 0, 0);
    for (int64_t j = 0; j < 2 * prior->frames * LIMIT_LANES; j++) {
      prior->low = fmin(prior->low, (double)q[j]);
      prior->high = fmax(prior->high, (double)q[j]);
    }
  }
  double margin = PRIOR_MARGIN * (prior->high - prior->low) + PRIOR_MARGIN * prior->experiment->data.noise;
  prior->low -= margin;
  prior->high += margin;
  return STATUS_OK;
}

enum status limit_prior_open(const struct experiment *experiment, struct limit_prior *prior) {
  *prior = (struct limit_prior){
      .experiment = experiment, .system = system_get(experiment->system.kind), .frames = experiment->data.frames};
  prior->node_floats = (size_t)prior->frames * (2 + 2 * LIMIT_LANES);
  prior->trajectory = malloc((size_t)prior->frames * sizeof *prior->trajectory);
  enum status status = prior->trajectory ? make_base(prior) : status_raise(STATUS_MEMORY, "no memory for a trajectory");
  if (status != STATUS_OK) limit_prior_close(prior);
  return status;
}

void limit_prior_close(struct limit_prior *prior) {
  for (int64_t i = 0; i < prior->chunks; i++) free(prior->chunk[i]);
  free(prior->chunk);
  free(prior->key);
  free(prior->slot);
  free(prior->trajectory);
  *prior = (struct limit_prior){0};
}
