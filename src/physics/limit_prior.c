/* Draws of the prior and their trajectories, made on demand. See limit_private.h.
 *
 * Millions of trajectories are needed, but not as good ones as the data's, so they are made LIMIT_LANES at a time by
 * what suits the system: springs are linear, q_t = a_t q_0 + b_t p_0; the pendulum goes by a splitting method of fourth
 * order with small error constants, Blanes and Moan's SRKN_6^b (J. Comput. Appl. Math. 142 (2002) 313, table 3).
 * Whatever the method, its q is compared with reference_advance() over all frames for PRIOR_TRIALS starts all over
 * the prior, and steps are halved until they agree to PRIOR_TOLERANCE of the observation noise: an error of that size
 * moves the peak of a likelihood by a small part of its width even when a thousand frames were seen.
 */
#include "base/rng.h"
#include "physics/initial.h"
#include "physics/limit_private.h"
#include "physics/reference.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PRIOR_TOLERANCE 1e-3
#define PRIOR_REFERENCE 1e-11    /* tolerance of the trajectories compared with */
#define PRIOR_WIDEN 1.5f         /* of the half width spanned by 32 stratified draws, to cover the whole cell */
#define PRIOR_MARGIN 0.02        /* of the range of q: more than deeper levels can add to that of level 0 */
#define PRIOR_BUDGET (256 << 20) /* bytes of nodes kept between rollouts */

enum { PRIOR_TRIALS = 4 * LIMIT_LANES, PRIOR_SUBSTEPS_MAX = 1 << 12, PRIOR_CHUNK = 256 /* nodes */ };

/* Wider vectors where the processor has them; the bits are the same, since nothing is contracted. */
#if defined(__GNUC__) && defined(__x86_64__) && defined(__linux__)
#define LANES_WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define LANES_WIDE
#endif

struct limit_lanes {
  double q[LIMIT_LANES], p[LIMIT_LANES];
};

static double cell_columns(int level) { return ldexp(LIMIT_DIRECTIONS, (level + 1) / 2); }
static double cell_rows(int level) { return ldexp(LIMIT_RADII, level / 2); }

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

/* p += by * sin q, then q += drift * p. */
static LANES_WIDE void kick_and_drift(double by, double drift, struct limit_lanes *lanes) {
  double *restrict q = lanes->q, *restrict p = lanes->p;
  for (int lane = 0; lane < LIMIT_LANES; lane++) {
    p[lane] += by * quick_sine(q[lane]);
    q[lane] += drift * p[lane];
  }
}

static void advance_pendulum(const struct system_parameters *parameters, double h, int64_t steps,
                             struct limit_lanes *lanes) {
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
  /* The last kick of a step and the first of the next are one. */
  for (int64_t step = 0; step < steps; step++)
    for (int stage = 0; stage < 6; stage++)
      kick_and_drift((step + stage == 0 ? kick[0] : b[stage]) * force, drift[stage] * speed, lanes);
  kick_and_drift(kick[0] * force, 0, lanes);
}

/* Positions of LIMIT_LANES starts in all frames: out[frame][lane]. */
static void follow(const struct limit_prior *prior, struct limit_lanes *lanes, float *out) {
  const struct experiment *experiment = prior->experiment;
  double h = experiment->data.dt / (double)prior->substeps;
  for (int64_t frame = 0; frame < prior->frames; frame++, out += LIMIT_LANES) {
    if (prior->linear) {
      double a = prior->linear[2 * frame], b = prior->linear[2 * frame + 1];
      for (int lane = 0; lane < LIMIT_LANES; lane++) out[lane] = (float)(a * lanes->q[lane] + b * lanes->p[lane]);
    } else {
      if (frame > 0) advance_pendulum(&experiment->system, h, prior->substeps, lanes);
      for (int lane = 0; lane < LIMIT_LANES; lane++) out[lane] = (float)lanes->q[lane];
    }
  }
}

/* linear[frame] = (a_t, b_t): q_t from (1, 0) and from (0, 1). */
static enum status solve_linear(struct limit_prior *prior) {
  const struct experiment *experiment = prior->experiment;
  prior->linear = malloc((size_t)prior->frames * 2 * sizeof *prior->linear);
  REQUIRE(prior->linear != NULL, STATUS_MEMORY, "no memory for a trajectory of %" PRId64 " frames", prior->frames);
  for (int start = 0; start < 2; start++) {
    double state[2] = {start == 0, start == 1}, step = 0;
    for (int64_t frame = 0; frame < prior->frames; frame++) {
      if (frame > 0)
        TRY(reference_advance(prior->system, &experiment->system, experiment->data.dt, PRIOR_REFERENCE, &step, state));
      prior->linear[2 * frame + start] = state[0];
    }
  }
  return STATUS_OK;
}

/* The starts of comparison: a lattice on the unit square. */
static void place_trial(const struct limit_prior *prior, int trial, double *q, double *p) {
  double u = (trial + 0.5) / PRIOR_TRIALS, v = (trial * 27 % PRIOR_TRIALS + 0.5) / PRIOR_TRIALS;
  initial_phase(&prior->experiment->initial, u, v, q, p);
}

static enum status reference_trials(const struct limit_prior *prior, double *reference) {
  const struct experiment *experiment = prior->experiment;
  for (int trial = 0; trial < PRIOR_TRIALS; trial++) {
    double state[2], step = 0;
    place_trial(prior, trial, &state[0], &state[1]);
    for (int64_t frame = 0; frame < prior->frames; frame++) {
      if (frame > 0)
        TRY(reference_advance(prior->system, &experiment->system, experiment->data.dt, PRIOR_REFERENCE, &step, state));
      reference[trial * prior->frames + frame] = state[0];
    }
  }
  return STATUS_OK;
}

static double measure_deviation(const struct limit_prior *prior, const double *reference, float *q) {
  double worst = 0;
  for (int first = 0; first < PRIOR_TRIALS; first += LIMIT_LANES) {
    struct limit_lanes lanes;
    for (int lane = 0; lane < LIMIT_LANES; lane++) place_trial(prior, first + lane, &lanes.q[lane], &lanes.p[lane]);
    follow(prior, &lanes, q);
    for (int lane = 0; lane < LIMIT_LANES; lane++)
      for (int64_t frame = 0; frame < prior->frames; frame++) {
        double error = fabs((double)q[frame * LIMIT_LANES + lane] - reference[(first + lane) * prior->frames + frame]);
        worst = error > worst ? error : worst;
      }
  }
  return worst;
}

static enum status choose_steps(struct limit_prior *prior) {
  double allowed = PRIOR_TOLERANCE * prior->experiment->data.noise, worst = HUGE_VAL, largest = 0;
  double *reference = malloc((size_t)(PRIOR_TRIALS * prior->frames) * sizeof *reference);
  float *q = malloc((size_t)(LIMIT_LANES * prior->frames) * sizeof *q);
  enum status status = STATUS_OK;
  if (!reference || !q) status = status_raise(STATUS_MEMORY, "no memory for trajectories to compare with");
  if (status == STATUS_OK) status = reference_trials(prior, reference);
  for (int64_t i = 0; i < PRIOR_TRIALS * prior->frames && status == STATUS_OK; i++)
    largest = fabs(reference[i]) > largest ? fabs(reference[i]) : largest;
  allowed += 0x1p-23 * largest; /* nodes keep q in f32 */
  for (prior->substeps = 1; status == STATUS_OK && !(worst <= allowed); prior->substeps *= 2) {
    if (prior->substeps > PRIOR_SUBSTEPS_MAX) {
      status = status_raise(STATUS_NUMERIC, "the trajectories of prior draws are off by %g after %d steps a frame",
                            worst, PRIOR_SUBSTEPS_MAX);
      break;
    }
    worst = measure_deviation(prior, reference, q);
    if (worst <= allowed) break;
  }
  free(reference);
  free(q);
  return status;
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

/* Stream: index = the cell, sub = the set;
 * for lane (i, j) a uniform each for direction and radius, in order of lanes. */
static void draw_node(const struct limit_prior *prior, uint64_t cell, float *node) {
  int level = (int)(cell >> 56);
  double x = (double)(cell >> 28 & 0xfffffff), y = (double)(cell & 0xfffffff);
  double columns = cell_columns(level), rows = cell_rows(level);
  for (int set = 0; set < 2; set++) {
    struct rng rng = rng_stream((uint64_t)prior->experiment->seed, RNG_LIMIT, cell, (uint32_t)set);
    struct limit_lanes lanes;
    for (int lane = 0; lane < LIMIT_LANES; lane++) {
      double u = (x + (lane % LIMIT_SIDE + rng_uniform(&rng)) / LIMIT_SIDE) / columns;
      double v = (y + ((lane / LIMIT_SIDE) + rng_uniform(&rng)) / LIMIT_SIDE) / rows;
      initial_phase(&prior->experiment->initial, u, v, &lanes.q[lane], &lanes.p[lane]);
    }
    follow(prior, &lanes, node + (2 + set * LIMIT_LANES) * prior->frames);
  }
  span_draws(prior, node);
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
    draw_node(prior, cell, node_at(prior, prior->used));
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
  enum system_kind kind = prior->system->kind;
  if (kind == SYSTEM_MASS_SPRING || kind == SYSTEM_DAMPED_SPRING) {
    TRY(solve_linear(prior));
  } else {
    REQUIRE(kind == SYSTEM_PENDULUM, STATUS_UNAVAILABLE,
            "the information limit of %s is not available yet: nothing makes its trajectories in bulk",
            prior->system->name);
  }
  TRY(choose_steps(prior));
  TRY(grow_table(prior));
  prior->low = HUGE_VAL;
  prior->high = -HUGE_VAL;
  for (int64_t i = 0; i < LIMIT_BASE; i++) {
    const float *node;
    TRY(limit_prior_node(prior, limit_cell(0, (uint64_t)i / LIMIT_RADII, (uint64_t)i % LIMIT_RADII), &node));
    const float *q = limit_node_draws(prior, node, 0, 0);
    for (int64_t j = 0; j < 2 * prior->frames * LIMIT_LANES; j++) {
      prior->low = (double)q[j] < prior->low ? (double)q[j] : prior->low;
      prior->high = (double)q[j] > prior->high ? (double)q[j] : prior->high;
    }
  }
  double margin = PRIOR_MARGIN * (prior->high - prior->low) + PRIOR_MARGIN * prior->experiment->data.noise;
  prior->low -= margin;
  prior->high += margin;
  return STATUS_OK;
}

enum status limit_prior_open(const struct experiment *experiment, struct limit_prior *prior) {
  *prior = (struct limit_prior){
      .experiment = experiment, .system = system_get(experiment->system.name), .frames = experiment->data.frames};
  prior->node_floats = (size_t)prior->frames * (2 + 2 * LIMIT_LANES);
  enum status status = make_base(prior);
  if (status != STATUS_OK) limit_prior_close(prior);
  return status;
}

void limit_prior_close(struct limit_prior *prior) {
  for (int64_t i = 0; i < prior->chunks; i++) free(prior->chunk[i]);
  free(prior->chunk);
  free(prior->key);
  free(prior->slot);
  free(prior->linear);
  *prior = (struct limit_prior){0};
}
