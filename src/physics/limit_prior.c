/* First step of the information limit: draws from the prior and their trajectories, made on demand. limit_private.h
 * says what cells and bundles are.
 *
 * The posterior asks for the bundle of a cell (limit_prior_bundle); if the pool does not hold it, its draws are placed
 * in the cell, mapped to initial states and followed through all frames. Millions of trajectories are needed, but not
 * as good ones as the data's, so they are made LIMIT_CELL_DRAWS at a time by what suits the system: springs are linear,
 * q_t = a_t q_0 + b_t p_0; the pendulum goes by a splitting method of fourth order with small error constants, Blanes
 * and Moan's SRKN_6^b (J. Comput. Appl. Math. 142 (2002) 313, table 3).
 *
 * Whatever the method, its q is compared with reference_advance() over all frames for PRIOR_TRIALS starts all over the
 * prior, and steps are halved until they agree to PRIOR_TOLERANCE of the observation noise: an error of that size moves
 * the peak of a likelihood by a small part of its width even when a thousand frames were seen.
 */
#include "base/rng.h"
#include "physics/initial.h"
#include "physics/limit_private.h"
#include "physics/reference.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PRIOR_TOLERANCE 1e-3            /* of the observation noise: what q may be off */
#define PRIOR_REFERENCE_TOLERANCE 1e-11 /* of the trajectories that they are compared with */
#define PRIOR_WIDEN 1.5f        /* factor on the half width that 32 stratified draws span, to cover the whole cell */
#define PRIOR_RANGE_MARGIN 0.02 /* of the range of q: more than deeper levels can add to that of level 0 */
#define PRIOR_BUDGET_BYTES (256 << 20) /* bundles kept between rollouts */

enum { PRIOR_TRIALS = 4 * LIMIT_CELL_DRAWS, PRIOR_SUBSTEPS_MAX = 1 << 12, PRIOR_CHUNK = 256 /* bundles */ };

/* Compiles a function for several widths of vectors and takes the widest that the processor has. The bits are the same,
 * since nothing is contracted. */
#if defined(__GNUC__) && defined(__x86_64__) && defined(__linux__)
#define WIDEST_VECTORS __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDEST_VECTORS
#endif

/* The states (q, p) of the draws of one set of a cell, side by side so that loops over them vectorise. */
struct limit_phase_points {
  double q[LIMIT_CELL_DRAWS], p[LIMIT_CELL_DRAWS];
};

/* How many cells of a level stand side by side along u_direction and along u_radius. Odd levels halve the direction,
 * even ones the radius. */
static double columns_of_level(int level) { return ldexp(LIMIT_DIRECTIONS, (level + 1) / 2); }
static double rows_of_level(int level) { return ldexp(LIMIT_RADII, level / 2); }

/* sin x to 1e-9 for |x| < 1e5, enough for PRIOR_TOLERANCE: x = k pi + r, then Taylor up to r^13. Little arithmetic, and
 * none on bits, so that loops over it vectorise everywhere: most of the time of a pendulum's limit is spent here. */
static inline double quick_sine(double x) {
  const double shifter = 0x1.8p+52; /* adding it rounds to an integer */
  double k = (x * 0.318309886183790671538 + shifter) - shifter;
  double half = (0.5 * k + shifter) - shifter, odd = k - 2 * half; /* -1, 0 or 1 */
  double r = (x - k * 3.14159265358979311600) - k * 1.22464679914735317636e-16, z = r * r;
  double low = -1.0 / 6 + z * (1.0 / 120), middle = -1.0 / 5040 + z * (1.0 / 362880);
  double high = -1.0 / 39916800 + z * (1.0 / 6227020800), z2 = z * z;
  return (1 - 2 * odd * odd) * (r + r * z * (low + z2 * (middle + z2 * high)));
}

/* One stage of a splitting method for all points: p += kick * sin q, the flow of the potential, then q += drift * p,
 * that of the kinetic energy. */
static WIDEST_VECTORS void kick_and_drift(double kick, double drift, struct limit_phase_points *points) {
  double *restrict q = points->q, *restrict p = points->p;
  for (int draw = 0; draw < LIMIT_CELL_DRAWS; draw++) {
    p[draw] += kick * quick_sine(q[draw]);
    q[draw] += drift * p[draw];
  }
}

/* `steps` steps of size h, in s, of SRKN_6^b for pendulums that start at `points`. Its coefficients are symmetric:
 * kicks of kick[0], kick[1], kick[2], middle, kick[2], kick[1], kick[0] stand around six drifts and sum to 1. */
static void advance_pendulums(const struct system_parameters *parameters, double h, int64_t steps,
                              struct limit_phase_points *points) {
  static const double drift[6] = {0.245298957184271,
                                  0.604872665711080,
                                  0.5 - 0.245298957184271 - 0.604872665711080,
                                  0.5 - 0.245298957184271 - 0.604872665711080,
                                  0.604872665711080,
                                  0.245298957184271};
  static const double kick[3] = {0.0829844064174052, 0.396309801498368, -0.0390563049223486};
  double force = -parameters->mass * parameters->gravity * parameters->length * h;
  double speed = h / (parameters->mass * parameters->length * parameters->length);
  double middle = 1 - 2 * (kick[0] + kick[1] + kick[2]);
  const double b[6] = {2 * kick[0], kick[1], kick[2], middle, kick[2], kick[1]};
  /* The last kick of a step and the first of the next are done as one, of twice the size. */
  for (int64_t step = 0; step < steps; step++)
    for (int stage = 0; stage < 6; stage++)
      kick_and_drift((step + stage == 0 ? kick[0] : b[stage]) * force, drift[stage] * speed, points);
  kick_and_drift(kick[0] * force, 0, points);
}

/* The trajectories of the initial states `points`: q in all frames, out[frame][draw]. The points themselves may be
 * moved. */
static void follow_trajectories(const struct limit_prior *prior, struct limit_phase_points *points, float *out) {
  const struct experiment *experiment = prior->experiment;
  double h = experiment->data.dt / (double)prior->substeps;
  for (int64_t frame = 0; frame < prior->frames; frame++, out += LIMIT_CELL_DRAWS) {
    if (prior->linear_flow) {
      double a = prior->linear_flow[2 * frame], b = prior->linear_flow[2 * frame + 1];
      for (int draw = 0; draw < LIMIT_CELL_DRAWS; draw++)
        out[draw] = (float)(a * points->q[draw] + b * points->p[draw]);
    } else {
      if (frame > 0) advance_pendulums(&experiment->system, h, prior->substeps, points);
      for (int draw = 0; draw < LIMIT_CELL_DRAWS; draw++) out[draw] = (float)points->q[draw];
    }
  }
}

/* The flow of a linear system, q_t = a_t q_0 + b_t p_0, in linear_flow[t] = (a_t, b_t): they are q_t of the
 * trajectories that start at (1, 0) and at (0, 1). */
static enum status tabulate_linear_flow(struct limit_prior *prior) {
  const struct experiment *experiment = prior->experiment;
  prior->linear_flow = malloc((size_t)prior->frames * 2 * sizeof *prior->linear_flow);
  REQUIRE(prior->linear_flow != NULL, STATUS_MEMORY, "no memory for a trajectory of %" PRId64 " frames", prior->frames);
  for (int start = 0; start < 2; start++) {
    double state[2] = {start == 0, start == 1}, step = 0;
    for (int64_t frame = 0; frame < prior->frames; frame++) {
      if (frame > 0)
        TRY(reference_advance(prior->system, &experiment->system, experiment->data.dt, PRIOR_REFERENCE_TOLERANCE, &step,
                              state));
      prior->linear_flow[2 * frame + start] = state[0];
    }
  }
  return STATUS_OK;
}

/* The initial state of trial `trial` of the comparison with reference trajectories: point (u, v) of a lattice that
 * covers the unit square evenly. */
static void trial_start(const struct limit_prior *prior, int trial, double *q, double *p) {
  double u = (trial + 0.5) / PRIOR_TRIALS, v = (trial * 27 % PRIOR_TRIALS + 0.5) / PRIOR_TRIALS;
  initial_phase(&prior->experiment->initial, u, v, q, p);
}

/* The trials' trajectories as the reference integrator has them: q in reference[trial][frame]. */
static enum status follow_trials_by_reference(const struct limit_prior *prior, double *reference) {
  const struct experiment *experiment = prior->experiment;
  for (int trial = 0; trial < PRIOR_TRIALS; trial++) {
    double state[2], step = 0;
    trial_start(prior, trial, &state[0], &state[1]);
    for (int64_t frame = 0; frame < prior->frames; frame++) {
      if (frame > 0)
        TRY(reference_advance(prior->system, &experiment->system, experiment->data.dt, PRIOR_REFERENCE_TOLERANCE, &step,
                              state));
      reference[trial * prior->frames + frame] = state[0];
    }
  }
  return STATUS_OK;
}

/* The largest |q - reference| over all trials and frames, with the present number of substeps. q: work space,
 * [frames][draw]. */
static double worst_trial_error(const struct limit_prior *prior, const double *reference, float *q) {
  double worst = 0;
  for (int first = 0; first < PRIOR_TRIALS; first += LIMIT_CELL_DRAWS) {
    struct limit_phase_points points;
    for (int draw = 0; draw < LIMIT_CELL_DRAWS; draw++)
      trial_start(prior, first + draw, &points.q[draw], &points.p[draw]);
    follow_trajectories(prior, &points, q);
    for (int draw = 0; draw < LIMIT_CELL_DRAWS; draw++)
      for (int64_t frame = 0; frame < prior->frames; frame++) {
        double error =
            fabs((double)q[frame * LIMIT_CELL_DRAWS + draw] - reference[(first + draw) * prior->frames + frame]);
        worst = error > worst ? error : worst;
      }
  }
  return worst;
}

/* Doubles the number of integrator steps between two frames until the trials agree with their reference. */
static enum status choose_substeps(struct limit_prior *prior) {
  double allowed = PRIOR_TOLERANCE * prior->experiment->data.noise, worst = HUGE_VAL, largest = 0;
  double *reference = malloc((size_t)(PRIOR_TRIALS * prior->frames) * sizeof *reference);
  float *q = malloc((size_t)(LIMIT_CELL_DRAWS * prior->frames) * sizeof *q);
  enum status status = STATUS_OK;
  if (!reference || !q) status = status_raise(STATUS_MEMORY, "no memory for trajectories to compare with");
  if (status == STATUS_OK) status = follow_trials_by_reference(prior, reference);
  for (int64_t i = 0; i < PRIOR_TRIALS * prior->frames && status == STATUS_OK; i++)
    largest = fabs(reference[i]) > largest ? fabs(reference[i]) : largest;
  allowed += 0x1p-23 * largest; /* bundles keep q in f32, so they are off by this much anyway */
  for (prior->substeps = 1; status == STATUS_OK && !(worst <= allowed); prior->substeps *= 2) {
    if (prior->substeps > PRIOR_SUBSTEPS_MAX) {
      status = status_raise(STATUS_NUMERIC, "the trajectories of prior draws are off by %g after %d steps a frame",
                            worst, PRIOR_SUBSTEPS_MAX);
      break;
    }
    worst = worst_trial_error(prior, reference, q);
    if (worst <= allowed) break;
  }
  free(reference);
  free(q);
  return status;
}

/* The middle and half width, for each frame, of q over the draws of both sets in a bundle. The half width is widened by
 * PRIOR_WIDEN, since draws do not reach the borders of their cell. */
static void span_bundle(const struct limit_prior *prior, float *bundle) {
  for (int64_t frame = 0; frame < prior->frames; frame++) {
    float low = limit_bundle_q(prior, bundle, 0, frame)[0], high = low;
    for (int set = 0; set < 2; set++) {
      const float *q = limit_bundle_q(prior, bundle, set, frame);
      for (int draw = 0; draw < LIMIT_CELL_DRAWS; draw++) {
        low = q[draw] < low ? q[draw] : low;
        high = q[draw] > high ? q[draw] : high;
      }
    }
    bundle[frame] = 0.5f * (low + high);
    bundle[prior->frames + frame] = PRIOR_WIDEN * 0.5f * (high - low);
  }
}

/* Makes the bundle of a cell: each of its 4 x 4 subcells holds one draw of each set, uniform in the subcell (stratified
 * sampling). Random numbers: index = the cell, sub = the set; two uniforms for each draw, direction then radius, in
 * order of draws. */
static void draw_bundle(const struct limit_prior *prior, uint64_t cell, float *bundle) {
  int level = limit_cell_level(cell);
  double column = (double)limit_cell_column(cell), row = (double)limit_cell_row(cell);
  double columns = columns_of_level(level), rows = rows_of_level(level);
  for (int set = 0; set < 2; set++) {
    struct rng rng = rng_stream((uint64_t)prior->experiment->seed, RNG_LIMIT, cell, (uint32_t)set);
    struct limit_phase_points points;
    for (int draw = 0; draw < LIMIT_CELL_DRAWS; draw++) {
      double u = (column + (draw % LIMIT_CELL_SIDE + rng_uniform(&rng)) / LIMIT_CELL_SIDE) / columns;
      double v = (row + ((draw / LIMIT_CELL_SIDE) + rng_uniform(&rng)) / LIMIT_CELL_SIDE) / rows;
      initial_phase(&prior->experiment->initial, u, v, &points.q[draw], &points.p[draw]);
    }
    follow_trajectories(prior, &points, bundle + (2 + set * LIMIT_CELL_DRAWS) * prior->frames);
  }
  span_bundle(prior, bundle);
}

/* The place of `cell` in the hash table, or the empty place where it belongs: multiplicative hash, linear probing. */
static int64_t hash_find(const uint64_t *key, int64_t capacity, uint64_t cell) {
  uint64_t mask = (uint64_t)capacity - 1, hash = (cell ^ cell >> 32) * UINT64_C(0x9e3779b97f4a7c15);
  uint64_t place = hash >> 20 & mask;
  while (key[place] != 0 && key[place] != cell + 1) place = (place + 1) & mask;
  return (int64_t)place;
}

/* Doubles the hash table, or makes the first one, and moves all cells over. */
static enum status hash_grow(struct limit_prior *prior) {
  int64_t capacity = prior->hash_capacity ? 2 * prior->hash_capacity : 4 * LIMIT_COARSE_CELLS;
  uint64_t *key = calloc((size_t)capacity, sizeof *key);
  int64_t *slot = calloc((size_t)capacity, sizeof *slot);
  if (!key || !slot) {
    free(key);
    free(slot);
    return status_raise(STATUS_MEMORY, "no memory for a table of %" PRId64 " cells", capacity);
  }
  for (int64_t i = 0; i < prior->hash_capacity; i++) {
    if (prior->hash_key[i] == 0) continue;
    int64_t place = hash_find(key, capacity, prior->hash_key[i] - 1);
    key[place] = prior->hash_key[i];
    slot[place] = prior->hash_slot[i];
  }
  free(prior->hash_key);
  free(prior->hash_slot);
  prior->hash_key = key;
  prior->hash_slot = slot;
  prior->hash_capacity = capacity;
  return STATUS_OK;
}

/* Adds a chunk of PRIOR_CHUNK bundles to the pool. Those that are there do not move. */
static enum status pool_grow(struct limit_prior *prior) {
  float **chunk = realloc(prior->chunk, (size_t)(prior->chunks + 1) * sizeof *chunk);
  REQUIRE(chunk != NULL, STATUS_MEMORY, "no memory for prior draws");
  prior->chunk = chunk;
  chunk[prior->chunks] = malloc(PRIOR_CHUNK * prior->bundle_floats * sizeof **chunk);
  REQUIRE(chunk[prior->chunks] != NULL, STATUS_MEMORY, "no memory for %" PRId64 " prior draws",
          (prior->chunks + 1) * PRIOR_CHUNK * 2 * LIMIT_CELL_DRAWS);
  prior->chunks++;
  return STATUS_OK;
}

/* Bundle number `slot` of the pool. */
static float *bundle_at(const struct limit_prior *prior, int64_t slot) {
  return prior->chunk[slot / PRIOR_CHUNK] + (size_t)(slot % PRIOR_CHUNK) * prior->bundle_floats;
}

enum status limit_prior_bundle(struct limit_prior *prior, uint64_t cell, const float **bundle) {
  int64_t place = hash_find(prior->hash_key, prior->hash_capacity, cell);
  if (prior->hash_key[place] == 0) {
    if (prior->bundles == prior->chunks * PRIOR_CHUNK) TRY(pool_grow(prior));
    draw_bundle(prior, cell, bundle_at(prior, prior->bundles));
    if (2 * prior->bundles >= prior->hash_capacity) {
      TRY(hash_grow(prior));
      place = hash_find(prior->hash_key, prior->hash_capacity, cell);
    }
    prior->hash_key[place] = cell + 1;
    prior->hash_slot[place] = prior->bundles++;
  }
  *bundle = bundle_at(prior, prior->hash_slot[place]);
  return STATUS_OK;
}

void limit_prior_trim(struct limit_prior *prior) {
  if ((size_t)prior->bundles * prior->bundle_floats * sizeof(float) <= (size_t)PRIOR_BUDGET_BYTES) return;
  memset(prior->hash_key, 0, (size_t)prior->hash_capacity * sizeof *prior->hash_key);
  for (int64_t i = 0; i < LIMIT_COARSE_CELLS; i++) {
    uint64_t cell = limit_cell_id(0, (uint64_t)i / LIMIT_RADII, (uint64_t)i % LIMIT_RADII);
    int64_t place = hash_find(prior->hash_key, prior->hash_capacity, cell);
    prior->hash_key[place] = cell + 1;
    prior->hash_slot[place] = i;
  }
  prior->bundles = LIMIT_COARSE_CELLS;
}

/* What limit_prior_open() does once its fields are set: chooses how to make trajectories, and makes the bundles of
 * level 0, which also tell which q the prior reaches. */
static enum status make_coarsest_level(struct limit_prior *prior) {
  enum system_kind kind = prior->system->kind;
  if (kind == SYSTEM_MASS_SPRING || kind == SYSTEM_DAMPED_SPRING) {
    TRY(tabulate_linear_flow(prior));
  } else {
    REQUIRE(
        kind == SYSTEM_PENDULUM, STATUS_UNAVAILABLE,
        "the information limit of %s is not available: no integrator here makes the many trajectories that it takes",
        prior->system->name);
  }
  TRY(choose_substeps(prior));
  TRY(hash_grow(prior));
  prior->q_low = HUGE_VAL;
  prior->q_high = -HUGE_VAL;
  for (int64_t i = 0; i < LIMIT_COARSE_CELLS; i++) {
    const float *bundle;
    TRY(limit_prior_bundle(prior, limit_cell_id(0, (uint64_t)i / LIMIT_RADII, (uint64_t)i % LIMIT_RADII), &bundle));
    const float *q = limit_bundle_q(prior, bundle, 0, 0);
    for (int64_t j = 0; j < 2 * prior->frames * LIMIT_CELL_DRAWS; j++) {
      prior->q_low = (double)q[j] < prior->q_low ? (double)q[j] : prior->q_low;
      prior->q_high = (double)q[j] > prior->q_high ? (double)q[j] : prior->q_high;
    }
  }
  double margin =
      PRIOR_RANGE_MARGIN * (prior->q_high - prior->q_low) + PRIOR_RANGE_MARGIN * prior->experiment->data.noise;
  prior->q_low -= margin;
  prior->q_high += margin;
  return STATUS_OK;
}

enum status limit_prior_open(const struct experiment *experiment, struct limit_prior *prior) {
  *prior = (struct limit_prior){
      .experiment = experiment, .system = system_get(experiment->system.name), .frames = experiment->data.frames};
  prior->bundle_floats = (size_t)prior->frames * (2 + 2 * LIMIT_CELL_DRAWS);
  enum status status = make_coarsest_level(prior);
  if (status != STATUS_OK) limit_prior_close(prior);
  return status;
}

void limit_prior_close(struct limit_prior *prior) {
  for (int64_t i = 0; i < prior->chunks; i++) free(prior->chunk[i]);
  free(prior->chunk);
  free(prior->hash_key);
  free(prior->hash_slot);
  free(prior->linear_flow);
  *prior = (struct limit_prior){0};
}
