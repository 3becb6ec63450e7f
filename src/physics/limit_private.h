/* Private to limit*.c: how the information limit is computed.
 *
 * One degree of freedom, so a phase point is a point of the unit square (u_direction, u_radius), on which the prior of
 * the initial state is uniform. The square is cut into cells; level l has 64 * 16 * 2^l of them, and every cell holds
 * 4 x 4 stratified draws in each of two independent sets, A and B. A node is a cell with the positions of its draws
 * along their trajectories: it depends on (seed, level, cell) alone, so it can be made, forgotten and made again.
 *
 * For one rollout (limit_posterior.c): starting at level 0, cells that a bound on the likelihood rules out are dropped
 * and the others halved, until the draws of one level have the effective sample size asked for. What the predictor has
 * to know of a posterior is only where q_t is, so each frame's weighted draws are deposited on a grid of q, h_t[node],
 * on which
 *   S(q) = E_n |X(q + sigma n) - background|^2    and    G(q) = E_n [X(q + sigma n) - background]
 * are tabulated (limit_table.c). With the Gram matrix factored, G_i . G_j = F_i . F_j, the expected squared error is
 *   sum_i h[i] S_i - (sum_i hA[i] F_i) . (sum_i hB[i] F_i),   h = (hA + hB) / 2.
 * The frame x that was then seen in this rollout has |x|^2 and factors of its own, x . G_i = f . F_i, which give the
 * squared error that the best prediction made on it.
 *
 * "Misfit in sigma", z, stands for a likelihood P <= 1 of one frame: P = exp(-z^2 / 2).
 *
 * All functions: Not collective.
 */
#ifndef HGN_PHYSICS_LIMIT_PRIVATE_H
#define HGN_PHYSICS_LIMIT_PRIVATE_H

#include "physics/limit.h"
#include "physics/system.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  LIMIT_SIDE = 4,                        /* draws along each side of a cell */
  LIMIT_LANES = LIMIT_SIDE * LIMIT_SIDE, /* draws of one set in a cell */
  LIMIT_DIRECTIONS = 64,
  LIMIT_RADII = 16, /* cells of level 0 */
  LIMIT_BASE = LIMIT_DIRECTIONS * LIMIT_RADII,
  LIMIT_LEVELS = 28, /* levels 0..27: 2^14 to 2^41 draws of a set over the whole square */
  LIMIT_STENCIL = 4  /* points of the cubic interpolation on the grid of q */
};

/* ---- limit_prior.c: draws and their trajectories ---- */

struct limit_prior {
  const struct experiment *experiment; /* borrowed */
  const struct system *system;
  int64_t frames;
  int64_t substeps;   /* integrator steps between two frames */
  double *linear;     /* [frames][2]: q_t = linear[t][0] q_0 + linear[t][1] p_0; owned; NULL if not linear */
  double low, high;   /* q reached by the prior: rad or m */
  size_t node_floats; /* of one node, see limit_node_* */
  float **chunk;      /* owned; nodes in pieces that never move */
  int64_t chunks, used;
  uint64_t *key; /* owned open hash table: key + 1, 0 when empty; the cells of level 0 come first in the chunks */
  int64_t *slot;
  int64_t capacity;
};

/* A cell of level `level`, column x of the direction and row y of the radius. */
static inline uint64_t limit_cell(int level, uint64_t x, uint64_t y) { return (uint64_t)level << 56 | x << 28 | y; }

enum status limit_prior_open(const struct experiment *experiment, struct limit_prior *prior);
void limit_prior_close(struct limit_prior *prior);

/* The node of a cell, made if need be; valid until limit_prior_trim(). STATUS_MEMORY, STATUS_NUMERIC. */
enum status limit_prior_node(struct limit_prior *prior, uint64_t cell, const float **node);

/* Forgets nodes when they fill more than the budget; call it between rollouts. */
void limit_prior_trim(struct limit_prior *prior);

/* A node: for each frame the middle and (widened) half width of the q of its draws,
 * then the q of the draws themselves. */
static inline const float *limit_node_middle(const float *node) { return node; }
static inline const float *limit_node_reach(const struct limit_prior *prior, const float *node) {
  return node + prior->frames;
}
static inline const float *limit_node_draws(const struct limit_prior *prior, const float *node, int set,
                                            int64_t frame) {
  return node + 2 * prior->frames + (set * prior->frames + frame) * LIMIT_LANES;
}

/* ---- limit_table.c: the noise-averaged image, and what an image says of q ---- */

/* a . b */
double limit_dot(const double *a, const double *b, int64_t count);

struct limit_table {
  bool periodic;    /* q and q + 2 pi give the same image: pendulum */
  double sigma;     /* the observation noise, rad or m */
  size_t values;    /* of an image */
  double low, step; /* grid: node i is at low + i * step */
  int64_t nodes;
  int64_t rank;   /* of the factor */
  double *square; /* [nodes]: S; owned */
  double *factor; /* [nodes][rank]: F; owned */

  /* Images as intervals of q. Segment s covers edge[s]..edge[s + 1] and shows image[s]. */
  int64_t segments, images;
  double *edge;         /* [segments + 1]; owned */
  int32_t *image;       /* [segments]; owned */
  double *shown_square; /* [segments]: |x|^2 of what is shown, less the background; owned */
  double *shown_factor; /* [segments][rank]: f; owned */

  /* z on a finer grid: [misfits][misfit_nodes + 2]; owned; NULL for LIMIT_POSITIONS. */
  double misfit_step;
  int64_t misfit_nodes;
  float *misfit;
  bool misfit_of_image; /* one row for each image, of q; otherwise one row, of q - (what was observed) */
};

/* low..high: all q that will be looked up (ignored for periodic images). */
enum status limit_table_open(const struct experiment *experiment, enum limit_observe observe, double low, double high,
                             struct limit_table *table);
void limit_table_close(struct limit_table *table);

/* The segment that shows q. */
int64_t limit_table_segment(const struct limit_table *table, double q);

/* What one frame has told the predictor: z = (q - shift) / sigma without a row, else row[(q - shift) / misfit_step]. */
struct limit_seen {
  float shift;
  const float *row; /* borrowed from the table, may be NULL */
};
struct limit_seen limit_table_see(const struct limit_table *table, double observed_q);

/* ---- limit_posterior.c: one rollout ---- */

struct limit_candidate {
  uint64_t cell;
  const float *node;
  float bound; /* no draw of the cell has a smaller misfit */
  bool measured;
  float misfit[2][LIMIT_LANES]; /* -log likelihood */
};

/* Of the draws between node i and i + 1: sums of w f^k, k = 0..3, with f in [0, 1) the place between the two. */
struct limit_moments {
  double sum[LIMIT_STENCIL];
};

struct limit_posterior {
  struct limit_prior *prior;       /* borrowed */
  const struct limit_table *table; /* borrowed */
  struct limit_candidate *list;    /* owned */
  int64_t count, capacity;
  uint64_t *parents; /* owned */
  int64_t parents_capacity;
  struct limit_moments *deposit; /* [2][frames][nodes], zero between rollouts; owned */
  double *h;                     /* [nodes]: work space; owned */
  double *mean;                  /* [2][rank]: work space; owned */
};

struct limit_outcome {
  double effective_samples; /* the smaller of the two sets' */
  int64_t draws;            /* of one set over the whole square, at the level that was reached */
};

enum status limit_posterior_open(struct limit_prior *prior, const struct limit_table *table,
                                 struct limit_posterior *posterior);
void limit_posterior_close(struct limit_posterior *posterior);

/* error[frames]: the expected squared error of the best prediction of each frame given seen[0..input_frames-1], a
 * pixel. attained[frames]: the same of the frames that were shown, segments shown[frames]. */
enum status limit_posterior_measure(struct limit_posterior *posterior, const struct limit_seen *seen,
                                    int64_t input_frames, const int64_t *shown, double effective_samples, double *error,
                                    double *attained, struct limit_outcome *outcome);

#endif
