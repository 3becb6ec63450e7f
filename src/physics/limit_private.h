/* Private to limit*.c: how the estimator of limit.h is computed. There are two ways: by cells, of systems of one degree
 * of freedom, and by particles, which do for any system but need more time and know positions only.
 *
 * By cells:
 *
 * Draws (limit_prior.c). With one degree of freedom an initial state is a point of the unit square (u_direction,
 * u_radius), on which the prior is uniform. The square is cut into cells; level l has 64 * 16 * 2^l of them, and every
 * cell holds 4 x 4 stratified draws in each of two independent sets, A and B. The bundle of a cell is the trajectories
 * of its draws: the positions q of each draw in all frames. It depends on (seed, level, cell) alone, so it can be made,
 * forgotten and made again.
 *
 * Images (limit_table.c). What the predictor has to know of a posterior is only where q_t is, so S(q) and G(q) are
 * tabulated on a grid of q, point i at q_i. Only products of images enter the error: the Gram matrix of the G_i is
 * factored once, G_i . G_j = F_i . F_j, and instead of images of thousands of values come rows F_i of some tens.
 *
 * Weights (limit_posterior.c). For one rollout: starting at level 0, cells that a bound on the likelihood rules out are
 * dropped and the others halved, until the draws of one level have the effective sample size asked for. Each frame's
 * weighted draws are deposited on the grid of q, as weights h_t[i] of its points that sum to 1; then
 *   error_t = sum_i h[i] S_i - (sum_i hA[i] F_i) . (sum_i hB[i] F_i),    h = (hA + hB) / 2.
 * The image x that was in fact observed in frame t has |x - b|^2 and factors f of its own, (x - b) . G_i = f . F_i;
 * with them follows the squared error that the best prediction made on it,
 *   |x - b|^2 - 2 f . sum_i h[i] F_i + (sum_i hA[i] F_i) . (sum_i hB[i] F_i).
 *
 * By particles:
 *
 * Trajectories (limit_flow.c). SYSTEM_LANES initial states at once, by fixed steps.
 *
 * Posterior (limit_sequential.c). An initial state is a function of some numbers that are uniform in the unit cube:
 * those that struct system's `initial` is given. Two independent sets of particles, A and B, are led from the prior to
 * the posterior in that cube by sequential Monte Carlo. Their random numbers are a function of (seed, rollout, set).
 *
 * Error (limit_several.c). The particles are followed through all frames and rendered under noise that is drawn.
 *
 * Both:
 *
 * Likelihoods are kept in two forms. The deviation z of a frame stands for its likelihood P <= 1 in units of sigma,
 * P = exp(-z^2 / 2); if positions are observed it is the residual (q - observed) / sigma up to its sign. The nll of a
 * draw is its negative log likelihood, the sum of z^2 / 2 over the frames that are seen.
 *
 * All functions: Not collective.
 */
#ifndef HGN_PHYSICS_LIMIT_PRIVATE_H
#define HGN_PHYSICS_LIMIT_PRIVATE_H

#include "physics/limit.h"
#include "physics/render.h"
#include "physics/system.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  LIMIT_CELL_SIDE = 4,                                  /* draws along each side of a cell */
  LIMIT_CELL_DRAWS = LIMIT_CELL_SIDE * LIMIT_CELL_SIDE, /* draws of one set in a cell */
  LIMIT_DIRECTIONS = 64,                                /* cells of level 0 along u_direction */
  LIMIT_RADII = 16,                                     /* cells of level 0 along u_radius */
  LIMIT_COARSE_CELLS = LIMIT_DIRECTIONS * LIMIT_RADII,  /* cells of level 0 */
  LIMIT_LEVELS = 28, /* levels 0..27: 2^14 to 2^41 draws of a set over the whole square */
  LIMIT_STENCIL = 4  /* points of the cubic interpolation on the grid of q */
};

/* ---- limit_prior.c: draws and their trajectories ---- */

struct limit_prior {
  const struct experiment *experiment; /* borrowed */
  const struct system *system;
  int64_t frames;
  int64_t substeps;    /* integrator steps between two frames */
  double *linear_flow; /* [frames][2]: q_t = linear_flow[t][0] q_0 + linear_flow[t][1] p_0; owned; NULL if the system is
                          not linear */
  double q_low, q_high; /* all q that trajectories of the prior reach: rad or m */
  /* The pool of bundles, in chunks that never move, and a hash table from cells to their places in it. The bundles of
   * level 0 come first. */
  size_t bundle_floats; /* of one bundle, see limit_bundle_* */
  float **chunk;        /* [chunks]: owned, and so is each chunk */
  int64_t chunks;
  int64_t bundles;    /* in the pool */
  uint64_t *hash_key; /* [hash_capacity]: open addressing; a cell's id + 1, or 0 for an empty place; owned */
  int64_t *hash_slot; /* [hash_capacity]: the number of the cell's bundle in the pool; owned */
  int64_t hash_capacity;
};

/* The id of a cell packs its level, its column along u_direction and its row along u_radius into 8 + 28 + 28 bits. */
static inline uint64_t limit_cell_id(int level, uint64_t column, uint64_t row) {
  return (uint64_t)level << 56 | column << 28 | row;
}
static inline int limit_cell_level(uint64_t cell) { return (int)(cell >> 56); }
static inline uint64_t limit_cell_column(uint64_t cell) { return cell >> 28 & 0xfffffff; }
static inline uint64_t limit_cell_row(uint64_t cell) { return cell & 0xfffffff; }

/* Checks how finely trajectories of the system must be integrated, and makes the bundles of level 0.
 * STATUS_UNAVAILABLE for a system whose trajectories cannot be made in bulk, STATUS_NUMERIC, STATUS_MEMORY. */
enum status limit_prior_open(const struct experiment *experiment, struct limit_prior *prior);
void limit_prior_close(struct limit_prior *prior);

/* The bundle of a cell, made if the pool does not hold it; valid until limit_prior_trim(). STATUS_MEMORY. */
enum status limit_prior_bundle(struct limit_prior *prior, uint64_t cell, const float **bundle);

/* Forgets all bundles but those of level 0 when the pool has grown beyond its budget; call it between rollouts. */
void limit_prior_trim(struct limit_prior *prior);

/* A bundle in memory: for each frame the middle of its draws' q; for each frame their half width, widened so that it
 * covers the whole cell; then q itself, [set][frame][draw]. */
static inline const float *limit_bundle_middle(const float *bundle) { return bundle; }
static inline const float *limit_bundle_half_width(const struct limit_prior *prior, const float *bundle) {
  return bundle + prior->frames;
}
static inline const float *limit_bundle_q(const struct limit_prior *prior, const float *bundle, int set,
                                          int64_t frame) {
  return bundle + 2 * prior->frames + (set * prior->frames + frame) * LIMIT_CELL_DRAWS;
}

/* ---- limit_table.c: the noise-averaged image, and what an observed image says of q ---- */

/* The inner product a . b, in an order of additions that is fixed. */
double limit_dot(const double *a, const double *b, int64_t count);

struct limit_table {
  bool periodic; /* q and q + 2 pi give the same image: pendulum */
  double sigma;  /* the observation noise, rad or m */
  size_t values; /* of an image: height * width * channels */

  /* The grid of q: point i is at grid_low + i * grid_step. */
  double grid_low, grid_step;
  int64_t grid_points;
  int64_t rank;          /* of the factor F, rounded up to a multiple of 4 with zeros */
  double *second_moment; /* [grid_points]: S; owned */
  double *mean_factor;   /* [grid_points][rank]: F, which stands for the mean image G; owned */

  /* The line of q is cut into segments. All q from segment_edge[s] to segment_edge[s + 1] render to image number
   * segment_image[s]; equal images have equal numbers, 0..images-1, if the renderer knows whole pixels only;
   * otherwise the numbers are not used. */
  int64_t segments, images;
  double *segment_edge;   /* [segments + 1]; owned */
  int32_t *segment_image; /* [segments]; owned */
  double *segment_square; /* [segments]: |x - b|^2 of the segment's image x; owned */
  double *segment_factor; /* [segments][rank]: f of the segment's image; owned */

  /* The deviation z as a function of q on a finer grid, [images or 1][deviation_points + 2]; owned; NULL where it is
   * simply (q - observed) / sigma. */
  double deviation_step;
  int64_t deviation_points;
  float *deviation;
  bool deviation_by_image; /* one row for each observed image, over q; otherwise one row, over q - observed */
};

/* Tabulates S, F and the deviations. low..high: all q that will be looked up (ignored for periodic images).
 * STATUS_UNAVAILABLE when the noise is too small, or images too fine, for tables of a sensible size; STATUS_MEMORY. */
enum status limit_table_open(const struct experiment *experiment, enum limit_observe observe, double low, double high,
                             struct limit_table *table);
void limit_table_close(struct limit_table *table);

/* The number of the segment that q lies in. */
int64_t limit_table_find_segment(const struct limit_table *table, double q);

/* What the predictor has been told of one frame, as the deviation z of any q from it: z = (q - shift) / sigma when
 * there is no row; else z = row[(q - shift) / deviation_step], interpolated linearly. */
struct limit_observation {
  float shift;
  const float *row; /* borrowed from the table, may be NULL */
};

/* What the predictor is told of a frame whose noisy position is `observed_q`. */
struct limit_observation limit_table_observe(const struct limit_table *table, double observed_q);

/* ---- limit_posterior.c: the posterior of one rollout ---- */

/* A cell that may hold draws of notable weight. */
struct limit_candidate {
  uint64_t cell;
  const float *bundle;            /* borrowed from the prior */
  float nll_bound;                /* no draw of the cell has a smaller nll */
  bool evaluated;                 /* nll is known */
  float nll[2][LIMIT_CELL_DRAWS]; /* negative log likelihood of the draws, by set */
};

/* Of the draws with q between grid points i and i + 1, at q_i + f grid_step with f in [0, 1): the sums of w f^k over
 * the draws' weights w, k = 0..3. Cubic interpolation is a cubic polynomial of f, so it needs no more of the draws. */
struct limit_moments {
  double sum[LIMIT_STENCIL];
};

struct limit_posterior {
  struct limit_prior *prior;          /* borrowed */
  const struct limit_table *table;    /* borrowed */
  struct limit_candidate *candidates; /* cells of the present level; owned */
  int64_t candidate_count, candidate_capacity;
  uint64_t *parents; /* cells of the level before whose halves are the candidates; owned */
  int64_t parents_capacity;
  struct limit_moments *moments; /* [2][frames][grid_points], zero between rollouts; owned */
  double *grid_weight;    /* [grid_points]: h of one frame and set, times the sum of weights; work space; owned */
  double *posterior_mean; /* [2][rank]: sum_i h[i] F_i of one frame by set, with that h; work space; owned */
};

struct limit_outcome {
  double effective_samples; /* the smaller of the two sets' */
  int64_t draws;            /* that one set has over the whole square at the level that was reached */
};

enum status limit_posterior_open(struct limit_prior *prior, const struct limit_table *table,
                                 struct limit_posterior *posterior);
void limit_posterior_close(struct limit_posterior *posterior);

/* The posterior of one rollout given observations[0..input_frames-1], and what the best prediction of each frame has to
 * expect. error[frames]: its expected squared error. attained[frames]: its squared error on the images that were in
 * fact observed, those of segments observed_segment[frames]. Both are means over the values of an image.
 * STATUS_NUMERIC when the draws of no level suffice, STATUS_MEMORY. */
enum status limit_posterior_evaluate(struct limit_posterior *posterior, const struct limit_observation *observations,
                                     int64_t input_frames, const int64_t *observed_segment, double effective_samples,
                                     double *error, double *attained, struct limit_outcome *outcome);

/* ---- limit_flow.c: trajectories of several initial states at once ---- */

struct limit_flow {
  const struct experiment *experiment; /* borrowed */
  const struct system *system;
  int64_t substeps; /* integrator steps between two frames */
};

/* Finds out how finely trajectories must be integrated; owns nothing. STATUS_NUMERIC, STATUS_MEMORY. */
enum status limit_flow_open(const struct experiment *experiment, struct limit_flow *flow);

/* state[c * SYSTEM_LANES + lane] = the initial state of uniform[uniforms], in one lane. */
void limit_flow_start(const struct limit_flow *flow, const double *uniform, int lane, double *state);

/* q[frame][c][lane], c < D, of frames 0..frames-1 of the trajectories from `state`, which moves along. A trajectory
 * that ends in a collision goes on with what is not a number. */
void limit_flow_follow(const struct limit_flow *flow, double *state, int64_t frames, double *q);

/* ---- limit_sequential.c: particles of a posterior ---- */

enum { LIMIT_PARTICLES_LEAST = 128, LIMIT_PARTICLES_MAX = 1 << 20 };

struct limit_sampler {
  const struct limit_flow *flow; /* borrowed */
  int64_t particles;             /* a multiple of SYSTEM_LANES */
  int dimension;                 /* of the numbers on which the initial state depends smoothly: */
  int movable[SYSTEM_UNIFORMS_MAX];
  int stepwise; /* the number of which only a threshold matters, and its threshold; -1: there is none */
  double threshold;
  double *uniform; /* [particles][SYSTEM_UNIFORMS_MAX]: the particles; owned, as all below */

  /* Private. */
  double *uniform_next, *nll, *nll_next; /* nll[particles][2] */
  double *weight;                        /* [particles] */
  double *before, *after;                /* [particles][2 D] */
  double *q;                             /* [frames][D][lane]: work space, for the caller's use too */
};

struct limit_sampling {
  double effective_samples;                  /* as estimated from weights and moves; at most the particles */
  int64_t stages, passes;                    /* of moves, all stages together */
  int64_t trajectories;                      /* that were followed through some of the frames that are seen */
  double walk_acceptance, normal_acceptance; /* of the two kinds of proposals, 0..1 */
};

/* So many particles that `effective_samples` of them are effective. STATUS_USAGE when these are too many,
 * STATUS_MEMORY. */
enum status limit_sampler_open(const struct limit_flow *flow, double effective_samples, struct limit_sampler *sampler);
void limit_sampler_close(struct limit_sampler *sampler);

/* Leaves a sample of the posterior of test rollout `rollout` given observed[input_frames][D] in sampler->uniform, all
 * of the same weight. Sets 0 and 1 are independent. STATUS_NUMERIC when too few particles would be effective. */
enum status limit_sampler_run(struct limit_sampler *sampler, const double *observed, int64_t input_frames,
                              uint64_t rollout, int set, struct limit_sampling *sampling);

/* ---- limit_several.c: the error of one rollout by particles ---- */

struct limit_several {
  struct limit_flow flow;
  struct limit_sampler sampler; /* borrows the flow: the struct must not move */
  struct renderer renderer;
  double *q;       /* [set][frames][D][particles]; owned, as those below */
  double *mean[2]; /* [values]: G of one frame by set */
  double *seen;    /* [values]: the image that was in fact observed, less b */

  /* Sums over runs (two for each rollout) or, the last, over rollouts, for whoever wants to know. `disagreement`: the
   * squared difference of the two sets' means in units of what independent draws would have, 1 if all is well. */
  double runs, stages, passes, walk_acceptance, normal_acceptance, disagreement;
};

/* STATUS_NUMERIC, STATUS_USAGE, STATUS_MEMORY. */
enum status limit_several_open(const struct experiment *experiment, double effective_samples,
                               struct limit_several *several);
void limit_several_close(struct limit_several *several);

/* As limit_posterior_evaluate(), from the noisy positions observed[frames][D] of all frames of test rollout
 * `rollout`, of which input_frames are seen. outcome->draws: trajectories of one set. STATUS_NUMERIC. */
enum status limit_several_evaluate(struct limit_several *several, const double *observed, int64_t input_frames,
                                   uint64_t rollout, double *error, double *attained, struct limit_outcome *outcome);

/* ---- limit.c ---- */

/* limit_measure() by one of the two ways, for tests. LIMIT_BY_CELLS is for one degree of freedom only. */
enum limit_method { LIMIT_BY_CELLS, LIMIT_BY_PARTICLES };
enum status limit_measure_by(const struct comm *comm, const struct experiment *experiment,
                             const struct limit_options *options, enum limit_method method,
                             struct limit_result *result);

#endif
